//! Goals and their order.

use std::collections::BTreeMap;

use super::Reader;
use crate::catalog::diagnostic::nearest;
use crate::catalog::shape;
use crate::catalog::tree::{Node, Span, Value};
use crate::lab::definition::{Detail, Goal};
use crate::lab::id::GoalId;

impl Reader<'_> {
    pub(super) fn goals(&mut self, root: &Node) -> Vec<Goal> {
        let Some(list) = root.get("goals").cloned() else {
            self.findings.error("missing-key", root.span, "a lab needs `goals`", None);
            return Vec::new();
        };
        if !matches!(list.value, Value::List(_)) {
            self.wrong(&list, "`goals`", "a list");
        }
        let mut goals: Vec<Goal> = Vec::new();
        let mut places: BTreeMap<String, Span> = BTreeMap::new();
        for item in list.items() {
            let goal = match item.get("use") {
                Some(_) => self.used(item),
                None => {
                    self.known_keys(item, "a goal", &shape::names(shape::GOAL));
                    self.goal(item)
                }
            };
            let Some(goal) = goal else { continue };
            let span = item.get("id").or_else(|| item.get("use")).map_or(item.span, |place| place.span);
            for name in std::iter::once(goal.id.as_str()).chain(goal.aliases.iter().map(String::as_str)) {
                if places.insert(name.to_owned(), span).is_some() {
                    let hint = "ids stay as they are for good: rename the newer goal".to_owned();
                    self.findings.error("duplicate-id", span, format!("a second goal is called `{name}`"), hint);
                }
            }
            goals.push(goal);
        }
        self.requirements(&list, &goals);
        goals
    }

    pub(super) fn goal(&mut self, node: &Node) -> Option<Goal> {
        let id: Option<GoalId> = self.id(node, "id", "a goal");
        let title = self.required_text(node, "title", "a goal");
        let roadmap = self.required_text(node, "roadmap", "a goal").unwrap_or_default();
        let points = self.number(node, "points");
        if node.get("points").is_none() {
            self.findings.error("missing-key", node.span, "a goal needs `points`", None);
        }
        let hints = self.texts(node, "hints");
        if hints.is_empty() {
            self.findings.error("missing-key", node.span, "a goal needs `hints`, at least one", None);
        }
        let levels = [("full", Detail::Full), ("observed", Detail::Observed), ("message", Detail::Message)];
        let detail =
            node.get("detail").cloned().and_then(|value| self.choice(&value, "detail", &levels)).unwrap_or_default();
        let checks = match node.get("checks").cloned() {
            Some(list) if !list.items().is_empty() => {
                list.items().iter().filter_map(|check| self.check(check)).collect()
            }
            Some(list) => {
                self.wrong(&list, "`checks`", "a list with at least one check");
                Vec::new()
            }
            None => {
                let hint = "a goal without a check can never fail".to_owned();
                self.findings.error("missing-key", node.span, "a goal needs `checks`", hint);
                Vec::new()
            }
        };
        let requires = self.texts(node, "requires").iter().filter_map(|text| GoalId::new(text).ok()).collect();
        let id = id?;
        let task = self.task(node, &id);
        Some(Goal {
            aliases: self.texts(node, "aliases"),
            title: title?,
            roadmap,
            requires,
            points: points.unwrap_or(0),
            hints,
            detail,
            inputs: self.texts(node, "inputs"),
            checks,
            task,
            id,
        })
    }

    fn task(&mut self, node: &Node, id: &GoalId) -> String {
        let path = self.folder.join("tasks").join(format!("{id}.md"));
        match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                let span = node.get("id").map_or(node.span, |id| id.span);
                let hint = format!("write `tasks/{id}.md`: what the learner is asked to do");
                let message = match error.kind() {
                    std::io::ErrorKind::NotFound => format!("the goal `{id}` has no task text"),
                    _ => format!("cannot read `tasks/{id}.md`: {error}"),
                };
                self.findings.error("missing-file", span, message, hint);
                String::new()
            }
        }
    }

    fn requirements(&mut self, list: &Node, goals: &[Goal]) {
        let place = |goal: &Goal| {
            let used = format!("/{}", goal.id);
            let is = |item: &Node| {
                item.get("id").and_then(|id| id.text()) == Some(goal.id.as_str())
                    || item.get("use").and_then(|name| name.text()).is_some_and(|name| name.ends_with(&used))
            };
            let node = list.items().iter().find(|item| is(item));
            node.and_then(|node| node.get("requires").or_else(|| node.get("use"))).map_or(list.span, |place| place.span)
        };
        for goal in goals {
            for required in &goal.requires {
                if !goals.iter().any(|other| other.id == *required) {
                    let near = nearest(required.as_str(), goals.iter().map(|goal| goal.id.as_str()));
                    let hint = near.map(|near| format!("did you mean `{near}`?"));
                    self.findings.error("unknown-goal", place(goal), format!("there is no goal `{required}`"), hint);
                }
            }
        }
        let mut reported: Vec<&GoalId> = Vec::new();
        for goal in goals {
            let mut path = vec![goal];
            if let Some(cycle) = circle(goals, &mut path)
                && !cycle.iter().any(|one| reported.contains(one))
            {
                let mut names: Vec<&str> = cycle.iter().map(|id| id.as_str()).collect();
                names.push(names[0]);
                let message = format!("goals require each other in a circle: {}", names.join(" → "));
                self.findings.error("requires-cycle", place(goal), message, "take one `requires` out".to_owned());
                reported.extend(cycle);
            }
        }
    }
}

/// A circle that leads back to the first goal of `path`.
fn circle<'a>(goals: &'a [Goal], path: &mut Vec<&'a Goal>) -> Option<Vec<&'a GoalId>> {
    let last = *path.last()?;
    for required in &last.requires {
        if *required == path[0].id {
            return Some(path.iter().map(|goal| &goal.id).collect());
        }
        let Some(next) = goals.iter().find(|goal| goal.id == *required) else { continue };
        if path.iter().any(|seen| seen.id == next.id) {
            continue;
        }
        path.push(next);
        let found = circle(goals, path);
        path.pop();
        if found.is_some() {
            return found;
        }
    }
    None
}
