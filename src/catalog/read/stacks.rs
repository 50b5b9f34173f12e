//! `stacks:` of a lab: throwaway copies of its environment.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Reader;
use super::names::Names;
use crate::catalog::compose;
use crate::catalog::diagnostic::{Findings, nearest};
use crate::catalog::shape;
use crate::catalog::tree::{Entry, Node, Value};
use crate::lab::check::MAIN;
use crate::lab::{Files, ServiceName, StackCopy};

/// Findings that say nothing about services which are laid over others.
const INCOMPLETE: &[&str] = &["no-image", "unknown-service", "unknown-volume", "unknown-network", "unknown-file"];

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
            self.known_keys(value, "a stack", &shape::names(shape::STACK));
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
            self.own_compose(value, &mut copy, context);
            let services = value.get("services");
            if let (Some(own), Some(services)) = (&mut copy.compose, services) {
                own.overlays.push(compose::interpolated(services, context, self.findings).json());
                self.laid_over(services, context);
            } else if let Some(services) = services {
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
            if let Some(environment) = value.get("environment") {
                let environment = compose::interpolated(environment, context, self.findings);
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

    /// `compose` and `names`: the learner's own files in place of the lab's services.
    fn own_compose(&mut self, value: &Rc<Node>, copy: &mut StackCopy, context: &compose::Context<'_>) {
        if let Some(files) = value.get("compose") {
            let files = compose::interpolated(files, context, self.findings);
            let own = copy.compose.get_or_insert_default();
            own.files = match files.items() {
                [] => files.scalar().into_iter().collect(),
                items => items.iter().filter_map(|item| item.scalar()).collect(),
            };
            let outside = |file: &String| file.starts_with('/') || file.split('/').any(|part| part == "..");
            if own.files.is_empty() || own.files.iter().any(outside) {
                self.wrong(&files, "`compose`", "a file of the workspace, or a list of such");
            }
        }
        let Some(names) = value.get("names") else { return };
        let Some(own) = &mut copy.compose else {
            let hint = "say which files: `compose: compose.yaml`".to_owned();
            self.findings.error("names", names.span, "`names` belongs to a stack with `compose`", hint);
            return;
        };
        let names = compose::interpolated(names, context, self.findings);
        for entry in names.entries() {
            match (ServiceName::new(&entry.key), entry.value.scalar().map(|name| ServiceName::new(&name))) {
                (Ok(role), Some(Ok(name))) => {
                    self.services.push(role.to_string());
                    own.names.insert(role, name.to_string());
                }
                _ => self.wrong(&entry.value, "`names`", "the name of a service"),
            }
        }
    }

    /// What a lab lays over the learner's own services is held to what a lab may do.
    fn laid_over(&mut self, services: &Rc<Node>, context: &compose::Context<'_>) {
        let entry = Entry { key: "services".into(), key_span: services.span, value: services.clone() };
        let alone = Node { span: services.span, value: Value::Map(vec![entry]) };
        let mut findings = Findings::new(self.findings.file.clone());
        compose::read(&alone, context, &mut findings);
        self.findings.list.extend(findings.list.into_iter().filter(|one| !INCOMPLETE.contains(&one.code)));
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
