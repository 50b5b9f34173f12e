//! Checks and steps.

use std::time::Duration;

use super::Reader;
use super::kinds::{REDIS_READS, SQL_READS};
use super::names::Names;
use crate::catalog::diagnostic::nearest;
use crate::catalog::reference;
use crate::catalog::shape;
use crate::catalog::tree::{Node, Span, Value};
use crate::lab::check::{Action, Check, Each, Fault, Key, Kind, MAIN, Range, Step, Target};
use crate::lab::definition::Need;
use crate::lab::expression::{Template, Tree};
use crate::lab::verdict::Verdict;

const TIMEOUT: Duration = Duration::from_secs(10);
/// The limit of one that builds images or runs a workflow.
const BUILDS: Duration = Duration::from_secs(600);
/// How late what is delayed arrives, unless `by` says it.
const DELAY: Duration = Duration::from_millis(300);
/// How often `each` may go round.
const ROUNDS: i64 = 10_000;

impl Reader<'_> {
    pub(super) fn check(&mut self, node: &Node) -> Option<Check> {
        self.known_keys(node, "a check", &shape::names(shape::CHECK));
        let name = self.required_text(node, "name", "a check")?;
        let stack = self.known_stack(node).unwrap_or_else(|| MAIN.into());
        self.stack = Some(stack.clone());
        let steps = match node.get("steps").cloned() {
            Some(steps) if !steps.items().is_empty() => self.steps(&steps, &mut Names::new()),
            Some(steps) => {
                self.wrong(&steps, "`steps`", "a list with at least one step");
                Vec::new()
            }
            None => {
                self.findings.error("missing-key", node.span, "a check needs `steps`", None);
                Vec::new()
            }
        };
        self.stack = None;
        let concurrent = self.flag(node, "concurrent").unwrap_or(false);
        Some(Check { name, stack, concurrent, timeout: self.duration(node, "timeout"), steps })
    }

    fn steps(&mut self, list: &Node, scope: &mut Names) -> Vec<Step> {
        list.items().iter().filter_map(|item| self.step(item, scope)).collect()
    }

    /// One step; what it captures is added to `scope`.
    pub(super) fn step(&mut self, node: &Node, scope: &mut Names) -> Option<Step> {
        let (others, modifiers) = (shape::names(shape::OTHERS), shape::names(shape::STEP));
        let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).chain(others).collect();
        if !matches!(node.value, Value::Map(_)) {
            self.wrong(node, "a step", "a map with one kind, for example `http: { … }`");
            return None;
        }
        let mut kinds = Vec::new();
        for entry in node.entries() {
            let key = entry.key.as_str();
            if words.contains(&key) {
                kinds.push(entry.clone());
            } else if !modifiers.contains(&key) {
                let known = words.iter().chain(&modifiers).copied();
                let near = nearest(key, known);
                let hint = near.map_or_else(
                    || format!("kinds are {}", words.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                self.findings.error("unknown-key", entry.key_span, format!("a step has no key `{key}`"), hint);
                near.into_iter().for_each(|near| self.findings.fix(entry.key_span, near));
            }
        }
        let stack = self.known_stack(node);
        if let (Some(_), None, Some(place)) = (&stack, &self.stack, node.get("stack")) {
            let hint = "only a step of a check can look elsewhere".to_owned();
            self.findings.error("stack", place.span, "this step belongs to one environment", hint);
        }
        let kind = match kinds.as_slice() {
            [one] => one.clone(),
            [] => {
                let hint = format!("add one of {}", words.join(", "));
                self.findings.error("no-kind", node.span, "the step has no kind: it observes nothing", hint);
                return None;
            }
            [first, second, ..] => {
                let message = format!("a step has one kind; here are `{}` and `{}`", first.key, second.key);
                self.findings.error("two-kinds", second.key_span, message, "make two steps of it".to_owned());
                return None;
            }
        };
        let action = self.action(&kind.key, &kind.value, scope)?;
        if let (Action::Each(_) | Action::Value(_), Some(place)) = (&action, node.get("stack")) {
            let hint = "name it in the steps that look there".to_owned();
            self.findings.error("stack", place.span, format!("`{}` looks at no environment", kind.key), hint);
        }
        match &action {
            Action::Change(_) => self.not_the_learners(kind.key_span, stack.as_deref(), "change"),
            Action::Probe { kind: Kind::Compose, fields } if fields.get("files").is_none() => {
                self.not_the_learners(kind.key_span, stack.as_deref(), "compose");
            }
            _ => {}
        }
        let meanwhile = match node.get("meanwhile").cloned() {
            Some(list) if matches!(action, Action::Probe { .. } | Action::Each(_)) => self.steps(&list, scope),
            Some(list) => {
                let hint = "only an observation and `each` last long enough".to_owned();
                let message = format!("nothing can happen while `{}` is under way", kind.key);
                self.findings.error("meanwhile", list.span, message, hint);
                Vec::new()
            }
            None => Vec::new(),
        };
        let fields: Vec<&str> = match &action {
            Action::Probe { kind, .. } => reference::of(*kind).observed.iter().map(|seen| seen.name).collect(),
            Action::Each(_) => vec!["count"],
            Action::Value(_) => vec!["value"],
            Action::Fault { .. } => vec!["duration", "exit_code"],
            Action::Heal { .. } | Action::Change(_) => Vec::new(),
        };
        let fields = fields.as_slice();
        let expect = node.get("expect").cloned().map(|expect| {
            let names = self.document(&expect);
            self.check_names(names.names(), scope, &expect);
            self.expectations(&expect, fields)
        });
        let capture = self.captures(node, fields, scope);
        let message = self.template(node, "message");
        if let (Some(message), Some(place)) = (&message, node.get("message")) {
            self.check_names(message.names(), scope, place);
        }
        let (within, hold) = (self.duration(node, "within"), self.duration(node, "for"));
        if (within.is_some() || hold.is_some()) && (has_effect(&action) || !meanwhile.is_empty()) {
            let key = if within.is_some() { "within" } else { "for" };
            let span = node.get(key).map_or(node.span, |value| value.span);
            let hint = "repeat with `each` and fresh data, and wait in a step that only looks".to_owned();
            let message = format!("`{key}` would repeat a step that has an effect (`{}`)", kind.key);
            self.findings.error("repeated-effect", span, message, hint);
        }
        let verdicts = [("undecided", Verdict::Undecided), ("defect", Verdict::Defect)];
        let patience = if action.replays() { BUILDS } else { TIMEOUT };
        let otherwise = node.get("else").cloned().and_then(|value| self.choice(&value, "else", &verdicts));
        Some(Step {
            name: self.optional_text(node, "name"),
            stack,
            action,
            meanwhile,
            expect: expect.unwrap_or_default(),
            within,
            hold,
            capture,
            otherwise,
            message,
            timeout: self.duration(node, "timeout").unwrap_or(patience),
            line: self.line(node),
        })
    }

    /// The learner's own environment and files are not for checks to change.
    fn not_the_learners(&mut self, span: Span, stack: Option<&str>, word: &str) {
        let (hurts, hint) = match word {
            "change" => {
                ("edit the learner's own files", "a stack has `changes` for what is to be different from the beginning")
            }
            _ => {
                ("take the learner's own environment down", "a stack with `compose` is up when its first check begins")
            }
        };
        match stack.or(self.stack.as_deref()) {
            Some(MAIN) => {
                let copy = if word == "change" { "changed: {}" } else { "own: { compose: compose.yaml }" };
                let name = copy.split(':').next().unwrap_or_default();
                let hint = format!("make a copy, `stacks: {{ {copy} }}`, and name it: `stack: {name}`");
                self.findings.error("stack", span, format!("`{word}` would {hurts}"), hint);
            }
            Some(_) => {}
            None => self.findings.error("stack", span, format!("`{word}` works in checks only"), hint.to_owned()),
        }
    }

    fn captures(&mut self, node: &Node, fields: &[&str], scope: &mut Names) -> Vec<(String, Key)> {
        let Some(captures) = node.get("capture").cloned() else { return Vec::new() };
        let mut list = Vec::new();
        for entry in captures.entries() {
            let good = entry.key.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
                && entry.key.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
            if !good {
                let message = format!("`{}` cannot be used in expressions", entry.key);
                self.findings.error("name", entry.key_span, message, "use letters, digits and `_`".to_owned());
            }
            match entry.value.text() {
                Some(text) => {
                    if let Some(key) = self.key(text, &entry.value, fields) {
                        list.push((entry.key.clone(), key));
                    }
                }
                None => self.wrong(&entry.value, "what is captured", "a field of the observation or a JSONPath"),
            }
            scope.add(&entry.key);
        }
        list
    }

    fn action(&mut self, word: &str, node: &Node, scope: &mut Names) -> Option<Action> {
        match word {
            "each" => self.each(node, scope),
            "value" => {
                let template = match node.text() {
                    Some(text) => self.template_in(text, node),
                    None => {
                        self.wrong(node, "`value`", "an expression such as \"${after - before}\"");
                        return None;
                    }
                };
                self.check_names(template.names(), scope, node);
                Some(Action::Value(template))
            }
            "fault" => self.fault(node, scope),
            "heal" => Some(Action::Heal { services: self.targets(node, scope) }),
            "change" => Some(Action::Change(self.changes(node, "`change`"))),
            _ => {
                let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word)?;
                let fields = self.fields(kind, node, scope);
                Some(Action::Probe { kind, fields })
            }
        }
    }

    fn fields(&mut self, kind: Kind, node: &Node, scope: &Names) -> Tree {
        let known = reference::of(kind).fields;
        let names: Vec<&str> = known.iter().map(|field| field.name).collect();
        let what = format!("a step of kind `{}`", kind.word());
        self.known_keys(node, &what, &names);
        for field in known.iter().filter(|field| field.required && node.get(field.name).is_none()) {
            self.findings.error("missing-key", node.span, format!("{what} needs `{}`", field.name), None);
        }
        self.one_of(kind, node, &what);
        if kind == Kind::Plugin && !self.needs.contains(&Need::Plugin) {
            let hint = "list it, and the learner will be asked: `needs: [plugin]`".to_owned();
            self.findings.error("needs", node.span, "a plugin runs on the learner's machine".to_owned(), hint);
        }
        let tree = self.document(node);
        self.check_names(tree.names(), scope, node);
        if let Some(service) = node.get("service").cloned()
            && let Some(name) = service.text().filter(|text| !text.contains("${"))
        {
            self.known_service(name, service.span);
        }
        for key in ["url", "address"] {
            if let Some(place) = node.get(key).cloned()
                && let Some(host) = place.text().and_then(host)
            {
                self.known_service(&host, place.span);
            }
        }
        if let Some(method) = node.get("method").cloned()
            && method
                .text()
                .is_some_and(|text| !text.chars().all(|char| char.is_ascii_uppercase()) && !text.contains("${"))
        {
            self.wrong(&method, "`method`", "an HTTP method in capitals");
        }
        tree
    }

    /// Fields of which exactly one says what is asked.
    fn one_of(&mut self, kind: Kind, node: &Node, what: &str) {
        let choices = reference::of(kind).choices;
        if choices.is_empty() || choices.iter().filter(|key| node.get(key).is_some()).count() == 1 {
            return;
        }
        let words: Vec<String> = choices.iter().map(|key| format!("`{key}`")).collect();
        let message = format!("{what} needs exactly one of {}", words.join(", "));
        self.findings.error("missing-key", node.span, message, None);
    }

    fn each(&mut self, node: &Node, scope: &Names) -> Option<Action> {
        self.known_keys(node, "`each`", &shape::names(shape::EACH));
        let name = self.required_text(node, "as", "`each`")?;
        let Some(range) = node.get("in").cloned() else {
            self.findings.error("missing-key", node.span, "`each` needs `in`", None);
            return None;
        };
        let numbers = range.text().and_then(|text| {
            let (first, last) = text.split_once("..")?;
            Some((first.parse::<i64>().ok()?, last.parse::<i64>().ok()?))
        });
        let over = match (&range.value, numbers) {
            (_, Some((first, last))) => {
                if last.saturating_sub(first) >= ROUNDS {
                    let hint = "a check is a few observations; leave the rest to a `load` step".to_owned();
                    let message = format!("`each` goes round at most {ROUNDS} times");
                    self.findings.error("too-many", range.span, message, hint);
                }
                Range::Numbers(first, last)
            }
            (Value::List(_), _) => Range::Values(self.document(&range)),
            (Value::Text(text), _) if text.contains("${") => Range::Values(self.document(&range)),
            _ => {
                self.wrong(&range, "`in`", "numbers such as `1..5`, a list, or \"${list}\"");
                return None;
            }
        };
        if let Range::Values(tree) = &over {
            self.check_names(tree.names(), scope, &range);
        }
        let mut inside = scope.clone();
        inside.add(&name);
        let parallel = self.number(node, "parallel").unwrap_or(1).max(1) as usize;
        let steps = node.get("steps").cloned().map(|steps| self.steps(&steps, &mut inside)).unwrap_or_default();
        if steps.is_empty() {
            self.findings.error("missing-key", node.span, "`each` needs `steps`", None);
        }
        Some(Action::Each(Box::new(Each { over, name, parallel, steps })))
    }

    fn fault(&mut self, node: &Node, scope: &Names) -> Option<Action> {
        let late = self.duration(node, "by");
        let faults = [
            Fault::Stop,
            Fault::Kill,
            Fault::Pause,
            Fault::Restart,
            Fault::Disconnect,
            Fault::Fill,
            Fault::Delay(late.unwrap_or(DELAY)),
        ]
        .map(|fault| (fault.word(), fault));
        let named: Vec<_> = node.entries().iter().filter(|entry| entry.key != "by").collect();
        let [entry] = named.as_slice() else {
            self.wrong(node, "`fault`", "a map with one fault, for example `{ stop: worker }`");
            return None;
        };
        if late.is_some() && entry.key != "delay" {
            self.wrong(node, "`by`", "said of a `delay` only");
        }
        let word = Node { span: entry.key_span, value: Value::Text(entry.key.clone()) };
        let fault = self.choice(&word, "fault", &faults)?;
        let services = self.targets(&entry.value, scope);
        for target in services.iter().filter(|_| fault == Fault::Fill) {
            let name = target.0.as_literal().and_then(|text| Target::parse(&text)).map(|(name, _)| name);
            let known = name.filter(|name| self.services.iter().any(|one| one == name.as_str()));
            if let Some(name) = known.filter(|name| !self.fillable.iter().any(|one| one == name.as_str())) {
                let hint = "give it one: `tmpfs: [\"/cache:size=4m\"]`".to_owned();
                let message = format!("`{name}` has no tmpfs with a size, and nothing else can be filled safely");
                self.findings.error("fill", entry.value.span, message, hint);
            }
        }
        Some(Action::Fault { fault, services })
    }

    fn targets(&mut self, node: &Node, scope: &Names) -> Vec<Target> {
        let nodes: Vec<Node> = match &node.value {
            Value::List(items) => items.iter().map(|item| (**item).clone()).collect(),
            _ => vec![node.clone()],
        };
        let mut targets = Vec::new();
        for item in nodes {
            let Some(text) = item.text().map(str::to_owned) else {
                self.wrong(&item, "a fault's target", "a service's name, or a list of them");
                continue;
            };
            let template: Template = self.template_in(&text, &item);
            self.check_names(template.names(), scope, &item);
            if template.as_literal().is_some() {
                self.known_service(&text, item.span);
            }
            targets.push(Target(template));
        }
        targets
    }
}

/// The host of a URL or address, when it is written out.
fn host(text: &str) -> Option<String> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (!host.is_empty() && !host.contains('$')).then(|| host.to_owned())
}

/// Whether doing the step twice is more than doing it once.
fn has_effect(action: &Action) -> bool {
    match action {
        Action::Probe { kind: Kind::Http, fields } => {
            let method = fields.get("method").and_then(Tree::as_literal);
            method.is_some_and(|method| !matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS"))
        }
        Action::Probe { kind: Kind::Redis, fields } => {
            let command = fields.get("command").and_then(|command| match command {
                Tree::List(words) => words.first()?.as_literal(),
                _ => None,
            });
            command.is_some_and(|word| !REDIS_READS.contains(&word.to_uppercase().as_str()))
        }
        Action::Probe { kind: Kind::Sql, fields } if fields.get("statements").is_none() => {
            let query = fields.get("query").and_then(Tree::as_literal).unwrap_or_default();
            let word: String = query.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
            !SQL_READS.contains(&word.to_uppercase().as_str())
        }
        Action::Probe { kind: Kind::Load, .. } => true,
        Action::Probe { kind: Kind::Compose, fields } => fields.get("files").is_none(),
        Action::Probe { kind: Kind::Django, fields } => fields.get("request").is_some(),
        Action::Probe { kind: Kind::Kafka, fields } => fields.get("produce").is_some(),
        Action::Probe { kind: Kind::Amqp, fields } => fields.get("publish").or_else(|| fields.get("get")).is_some(),
        Action::Probe { .. } | Action::Value(_) => false,
        Action::Each(_) | Action::Fault { .. } | Action::Heal { .. } | Action::Change(_) => true,
    }
}
