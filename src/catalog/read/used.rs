//! `use: lab/goal`: a goal of another lab, judged by its own checks in this lab's stack.

use std::collections::BTreeMap;

use super::Reader;
use crate::catalog::diagnostic::{Findings, nearest};
use crate::catalog::discover::outlines;
use crate::catalog::parse;
use crate::catalog::shape;
use crate::catalog::tree::{Node, Span};
use crate::lab::definition::Goal;

impl Reader<'_> {
    /// The goal that is named; its mistakes, seen from this lab, are told at the name.
    pub(super) fn used(&mut self, node: &Node) -> Option<Goal> {
        self.known_keys(node, "a goal of another lab", &shape::names(shape::USE));
        let name = self.optional_text(node, "use")?;
        let span = node.get("use").map_or(node.span, |place| place.span);
        let Some((lab, goal)) = name.split_once('/') else {
            let hint = "for example `use: month-3/retries`".to_owned();
            self.findings.error("use", span, format!("`{name}` is no goal of a lab"), hint);
            return None;
        };
        let labs = outlines(self.folder.parent().unwrap_or(self.folder));
        let Some(outline) = labs.iter().find(|one| one.id == lab && one.folder != self.folder) else {
            let near = nearest(lab, labs.iter().map(|one| one.id.as_str()));
            let hint = near.map(|near| format!("did you mean `{near}/{goal}`?"));
            self.findings.error("use", span, format!("there is no other lab `{lab}`"), hint);
            return None;
        };
        let path = outline.folder.join("lab.yaml");
        let mut findings = Findings::new(&path);
        // One that cannot be read is told about where it is read for its own sake.
        let (text, root) = parse::read_file(&path, &mut findings)?;
        let goals = root.get("goals").map(|list| list.items().to_vec()).unwrap_or_default();
        let id = |goal: &Node| goal.get("id").and_then(|id| id.text().map(str::to_owned));
        let Some(found) = goals.iter().find(|one| id(one).as_deref() == Some(goal)) else {
            let names: Vec<String> = goals.iter().filter_map(|one| id(one)).collect();
            let near = nearest(goal, names.iter().map(String::as_str));
            let hint = near.map(|near| format!("did you mean `{lab}/{near}`?"));
            self.findings.error("use", span, format!("`{lab}` has no goal `{goal}`"), hint);
            return None;
        };
        let mut there = Reader {
            findings: &mut findings,
            text: &text,
            folder: &outline.folder,
            files: self.files,
            borrowed: BTreeMap::new(),
            settings: self.settings.clone(),
            declared: self.declared.clone(),
            services: self.services.clone(),
            fillable: self.fillable.clone(),
            needs: self.needs.clone(),
            stacks: self.stacks.clone(),
            stack: None,
        };
        let goal = there.goal(found);
        self.told_here(&name, span, &findings);
        self.borrowed.insert(name, found.json().to_string());
        goal
    }

    fn told_here(&mut self, name: &str, span: Span, findings: &Findings) {
        for finding in &findings.list {
            self.findings.error("use", span, format!("in `{name}`: {}", finding.message), finding.hint.clone());
        }
    }
}
