//! `stacks:` of a lab: throwaway copies of its environment.

use std::collections::BTreeMap;

use super::Reader;
use super::names::Names;
use crate::catalog::compose;
use crate::catalog::diagnostic::nearest;
use crate::catalog::shape;
use crate::catalog::tree::{Node, Value};
use crate::lab::check::MAIN;
use crate::lab::{Files, ServiceName, StackCopy};

/// Keys that the format has and this version does not act on yet.
const LATER: &[&str] = &["compose", "names"];

impl Reader<'_> {
    /// All copies; each may begin `from` one above it.
    pub(super) fn stacks(&mut self, root: &Node, context: &compose::Context<'_>) -> BTreeMap<String, StackCopy> {
        let mut copies: BTreeMap<String, StackCopy> = BTreeMap::new();
        // What each copy's services are, over which those of the next are laid.
        let mut written: BTreeMap<String, Node> = BTreeMap::new();
        let Some(node) = root.get("stacks").cloned() else { return copies };
        for entry in node.entries() {
            let value = &entry.value;
            if entry.key == MAIN {
                let hint = "give the copy another name".to_owned();
                self.findings.error("name", entry.key_span, "`main` is the learner's environment", hint);
            }
            for key in LATER {
                self.not_yet(value, key);
            }
            let known: Vec<&str> = shape::names(shape::STACK).into_iter().chain(LATER.iter().copied()).collect();
            self.known_keys(value, "a stack", &known);
            let mut copy = StackCopy::default();
            let mut below = root.clone();
            if let Some(from) = self.optional_text(value, "from").filter(|from| from != MAIN) {
                match copies.get(&from) {
                    Some(other) => {
                        copy = other.clone();
                        below = written.get(&from).unwrap_or(&below).clone();
                    }
                    None => {
                        let span = value.get("from").map_or(value.span, |from| from.span);
                        let message = format!("there is no stack `{from}` above this one");
                        let hint = nearest(&from, copies.keys().map(String::as_str));
                        self.findings.error(
                            "unknown-stack",
                            span,
                            message,
                            hint.map(|near| format!("did you mean `{near}`?")),
                        );
                    }
                }
            }
            if let Some(services) = value.get("services") {
                below = compose::overlaid(&below, services);
                // The same mistakes would be told again.
                if !self.findings.has_errors() {
                    let stack = compose::read(&below, context, self.findings);
                    self.pinned(&below, &stack);
                    self.services.extend(stack.services.keys().map(ToString::to_string));
                    copy.stack = Some(stack);
                }
            }
            let ready = self.per_service(value, "ready", |reader, node| reader.step(node, &mut Names::new()));
            copy.ready.extend(ready);
            if let Some(files) = value.get("workspace").cloned() {
                let choices = [("learner", Files::Learner), ("starter", Files::Starter)];
                copy.files = self.choice(&files, "workspace", &choices).unwrap_or_default();
            }
            if let Some(changes) = value.get("changes").cloned() {
                copy.changes = self.changes(&changes, "`changes`");
            }
            if let Some(environment) = value.get("environment").cloned() {
                for entry in environment.entries() {
                    let text = entry.value.scalar().filter(|_| !matches!(entry.value.value, Value::Null));
                    copy.environment.insert(entry.key.clone(), text);
                }
            }
            if let Some(scale) = value.get("scale").cloned() {
                for entry in scale.entries() {
                    self.known_service(&entry.key, entry.key_span);
                    match (ServiceName::new(&entry.key), &entry.value.value) {
                        (Ok(name), Value::Integer(count @ 0..=50)) => {
                            copy.scale.insert(name, u32::try_from(*count).unwrap_or(1));
                        }
                        _ => self.wrong(&entry.value, "`scale`", "a number from 0 to 50"),
                    }
                }
            }
            if let Some(setup) = value.get("setup").cloned() {
                let mut scope = Names::new();
                copy.setup.extend(setup.items().iter().filter_map(|step| self.step(step, &mut scope)));
            }
            written.insert(entry.key.clone(), below);
            copies.insert(entry.key.clone(), copy);
        }
        self.stacks = copies.keys().cloned().collect();
        copies
    }

    /// The stack that a check or a step names.
    pub(super) fn known_stack(&mut self, node: &Node) -> Option<String> {
        let name = self.optional_text(node, "stack")?;
        if name != MAIN && !self.stacks.contains(&name) {
            let span = node.get("stack").map_or(node.span, |stack| stack.span);
            let hint = match nearest(&name, self.stacks.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "declare it: `stacks: { clean: {} }`".into(),
            };
            self.findings.error("unknown-stack", span, format!("there is no stack `{name}`"), hint);
        }
        Some(name)
    }
}
