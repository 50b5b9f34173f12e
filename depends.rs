//! What refers to what: `depends_on`, `links`, and the names that have to be declared.

use std::collections::{BTreeMap, BTreeSet};

use super::scalars::given;
use super::{Places, Reader, keys};
use crate::catalog::diagnostic::nearest;
use crate::catalog::tree::{Node, Span, Value};
use crate::lab::ServiceName;
use crate::lab::stack::{Condition, Dependency, MountSource, Service, Stack};

const STARTED: Dependency = Dependency { condition: Condition::Started, restart: false, required: true };

impl Reader<'_, '_> {
    /// `depends_on`, and what follows from `links`, `network_mode`, `pid` and `ipc`.
    pub(super) fn dependencies(&mut self, node: &Node) -> BTreeMap<ServiceName, Dependency> {
        let mut map = BTreeMap::new();
        for key in ["network_mode", "pid", "ipc"] {
            let other = given(node, key).and_then(|value| Some(value.text()?.strip_prefix("service:")?.to_owned()));
            // What shares the other's namespace has to be made anew with it.
            map.extend(other.and_then(|name| ServiceName::new(&name).ok()).map(|name| {
                (name, Dependency { restart: true, ..STARTED })
            }));
        }
        for (link, span) in self.one_or_more(node, "links") {
            let (name, alias) = link.split_once(':').unwrap_or((&link, &link));
            if alias != name {
                let hint = format!("give `{name}` the alias: `networks: {{ default: {{ aliases: [{alias}] }} }}`");
                let message = format!("`{link}`: a link gives no other name here");
                self.findings.error("refused-key", span, message, hint);
            }
            map.extend(self.service_name(name, span).map(|name| (name, STARTED)));
        }
        let Some(value) = given(node, "depends_on").cloned() else { return map };
        if !matches!(value.value, Value::List(_) | Value::Map(_)) {
            self.wrong(&value, "`depends_on`", "a list of services, or a map with conditions");
        }
        for item in value.items() {
            let name = self.text(item, "an entry of `depends_on`");
            map.extend(name.and_then(|name| self.service_name(&name, item.span)).map(|name| (name, STARTED)));
        }
        for entry in value.entries() {
            let condition = self.condition(&entry.value, &entry.key);
            let dependency = Dependency {
                condition,
                restart: self.flag_of(&entry.value, "restart").unwrap_or(false),
                required: self.flag_of(&entry.value, "required").unwrap_or(true),
            };
            map.extend(self.service_name(&entry.key, entry.key_span).map(|name| (name, dependency)));
        }
        map
    }

    fn service_name(&mut self, name: &str, span: Span) -> Option<ServiceName> {
        ServiceName::new(name).map_err(|error| self.findings.error("service-name", span, error.to_string(), None)).ok()
    }

    fn condition(&mut self, node: &Node, name: &str) -> Condition {
        self.check_keys(node, "an entry of `depends_on`", keys::DEPENDENCY);
        let choices = ["service_started", "service_healthy", "service_completed_successfully"];
        match self.text_of(node, "condition").as_deref() {
            Some("service_started") => Condition::Started,
            Some("service_healthy") => Condition::Healthy,
            Some("service_completed_successfully") => Condition::CompletedSuccessfully,
            Some(other) => {
                let span = node.get("condition").map_or(node.span, |value| value.span);
                let hint = nearest(other, choices).map(|near| format!("did you mean `{near}`?"));
                let message = format!("there is no condition `{other}`; there are {}", choices.join(", "));
                self.findings.error("wrong-value", span, message, hint);
                Condition::Started
            }
            None => {
                let hint = format!("write `{name}: {{ condition: service_started }}`, or a list of names");
                let message = format!("`depends_on` does not say for what `{name}` is waited");
                self.findings.error("missing-key", node.span, message, hint);
                Condition::Started
            }
        }
    }

    /// Names that services use and nobody declares. Dependencies that may be missing and are, are left out.
    pub(super) fn references(&mut self, stack: &mut Stack, places: &Places) {
        let waiting: BTreeMap<ServiceName, Vec<String>> =
            stack.services.iter().map(|(name, service)| (name.clone(), service.profiles.clone())).collect();
        let names: Vec<&str> = waiting.keys().map(ServiceName::as_str).collect();
        for (name, service) in &mut stack.services {
            let Some(node) = places.get(name) else { continue };
            let runs = service.profiles.is_empty();
            service.depends_on.retain(|other, dependency| {
                let span = place(node, &["depends_on", "links"], other.as_str());
                match waiting.get(other) {
                    None if dependency.required => {
                        let hint = nearest(other.as_str(), names.iter().copied());
                        let hint = hint.map(|near| format!("did you mean `{near}`?"));
                        let message = format!("`{name}` depends on `{other}`, which is no service of this stack");
                        self.findings.error("unknown-service", span, message, hint);
                        true
                    }
                    Some(profiles) if runs && !profiles.is_empty() && dependency.required => {
                        let profiles = profiles.join("`, `");
                        let message =
                            format!("`{name}` depends on `{other}`, which only runs with the profile `{profiles}`");
                        let hint = format!("give `{name}` the profile as well, or write `required: false`");
                        self.findings.error("disabled-service", span, message, hint);
                        true
                    }
                    Some(profiles) if !runs || profiles.is_empty() => true,
                    _ => {
                        self.warn(span, format!("`{name}` does not wait for `{other}`, which does not run"));
                        false
                    }
                }
            });
            for network in service.networks.keys().filter(|network| !stack.networks.contains_key(*network)) {
                let span = place(node, &["networks"], network);
                self.undeclared("network", network, stack.networks.keys(), span);
            }
            for mount in &service.mounts {
                if let MountSource::Volume { name: volume, .. } = &mount.source
                    && !stack.volumes.contains_key(volume)
                {
                    self.undeclared("volume", volume, stack.volumes.keys(), place(node, &["volumes"], volume));
                }
            }
            for (network, attachment) in &service.networks {
                let fixed = attachment.ipv4_address.is_some() || attachment.ipv6_address.is_some();
                let known = stack.networks.get(network);
                if fixed && known.is_some_and(|network| !network.external && network.subnets.is_empty()) {
                    let hint = format!("declare it: `networks: {{ {network}: {{ ipam: {{ config: [{{ subnet: … }}] }} }} }}`");
                    let message = format!("a fixed address needs a network with a `subnet`; `{network}` has none");
                    self.findings.error("no-subnet", place(node, &["networks"], network), message, hint);
                }
            }
        }
    }

    fn undeclared<'a>(&mut self, what: &str, name: &str, known: impl Iterator<Item = &'a String>, span: Span) {
        let code = if what == "network" { "unknown-network" } else { "unknown-volume" };
        let hint = nearest(name, known.map(String::as_str)).map_or_else(
            || format!("declare it at the top: `{what}s: {{ {name}: {{}} }}`"),
            |near| format!("did you mean `{near}`? Or declare it: `{what}s: {{ {name}: {{}} }}`"),
        );
        self.findings.error(code, span, format!("there is no {what} `{name}`"), hint);
    }

    /// Services that wait for each other.
    pub(super) fn cycles(&mut self, services: &BTreeMap<ServiceName, Service>, places: &Places) {
        let mut done = BTreeSet::new();
        for start in services.keys() {
            let mut path = Vec::new();
            if let Some(cycle) = visit(services, start, &mut path, &mut done) {
                let names: Vec<&str> = cycle.iter().map(|name| name.as_str()).collect();
                let node = places.get(names[0]);
                let span = node.map(|node| place(node, &["depends_on", "links", "network_mode"], names[1]));
                let message = format!("services wait for each other in a circle: {}", names.join(" → "));
                let hint = "take one `depends_on` out".to_owned();
                self.findings.error("dependency-cycle", span.unwrap_or_default(), message, hint);
            }
        }
    }
}

/// Where a service names something: the list item or key, else the first of `keys`.
fn place(node: &Node, keys: &[&str], name: &str) -> Span {
    let named = |item: &Node| {
        item.scalar().is_some_and(|text| text == name || text.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')))
            || item.get("source").and_then(|source| source.scalar()).is_some_and(|source| source == name)
    };
    let values = || keys.iter().filter_map(|key| node.get(key));
    values()
        .find_map(|value| {
            let item = value.items().iter().find(|item| named(item)).map(|item| item.span);
            item.or_else(|| value.entries().iter().find(|entry| entry.key == name).map(|entry| entry.key_span))
        })
        .or_else(|| values().next().map(|value| value.span))
        .unwrap_or(node.span)
}

fn visit<'a>(
    services: &'a BTreeMap<ServiceName, Service>,
    name: &'a ServiceName,
    path: &mut Vec<&'a ServiceName>,
    done: &mut BTreeSet<&'a ServiceName>,
) -> Option<Vec<&'a ServiceName>> {
    if let Some(index) = path.iter().position(|one| *one == name) {
        let mut cycle = path[index..].to_vec();
        cycle.push(name);
        done.extend(path.iter());
        return Some(cycle);
    }
    if done.contains(&name) {
        return None;
    }
    path.push(name);
    for other in services.get(name)?.depends_on.keys() {
        if let Some((other, _)) = services.get_key_value(other)
            && let Some(cycle) = visit(services, other, path, done)
        {
            return Some(cycle);
        }
    }
    path.pop();
    done.insert(name);
    None
}
