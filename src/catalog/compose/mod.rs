//! Services in the words of the Compose specification, read to a [`Stack`].
//!
//! Every key of the specification is honoured, accepted with a warning, or refused (`keys`); none is
//! dropped in silence. Order: interpolate, extend, read. Knows files only through its [`Context`].

mod extends;
mod files;
#[cfg(fuzzing)]
pub mod fuzzed;
mod interpolate;
mod keys;
mod mounts;
mod ports;
mod safety;
mod scalars;
mod schema;

mod service;
#[cfg(test)]
mod tests;

pub use extends::{merged, overlaid};
pub use files::environment_file;
pub use scalars::parse_bytes;
pub use schema::{network, service, volume};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use super::diagnostic::{Findings, nearest};
use super::tree::Node;
use crate::lab::ServiceName;
use crate::lab::definition::Need;
use crate::lab::stack::{Network, Service, Stack, Volume};

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// A lab's: a stranger's code, kept to what is safe.
    Lab,
    /// The learner's own, on the learner's own machine: taken as it is written.
    Learner,
}

/// What reading a Compose file needs to know.
pub struct Context<'a> {
    pub author: Author,
    /// Relative paths begin here.
    pub folder: PathBuf,
    /// The learner's files.
    pub workspace: PathBuf,
    /// Values for `${…}`.
    pub lookup: &'a dyn Fn(&str) -> Option<serde_json::Value>,
    /// What the learner agreed to (`needs:`).
    pub needs: &'a [Need],
    pub profiles: &'a [String],
}

/// Reads the keys `services`, `volumes`, `networks`, `secrets` and `configs` of `root`.
pub fn read(root: &Node, context: &Context<'_>, findings: &mut Findings) -> Stack {
    let mut reader =
        Reader { context, findings, warnings: Vec::new(), secrets: BTreeMap::new(), configs: BTreeMap::new() };
    let part = |reader: &mut Reader<'_, '_>, key: &str| root.get(key).map(|node| interpolate::tree(node, reader));
    let services = part(&mut reader, "services");
    let volumes = part(&mut reader, "volumes");
    let networks = part(&mut reader, "networks");
    reader.secrets = part(&mut reader, "secrets").map(|node| reader.named(&node)).unwrap_or_default();
    reader.configs = part(&mut reader, "configs").map(|node| reader.named(&node)).unwrap_or_default();

    let mut stack = Stack::default();
    for (name, node) in volumes.map(|node| reader.named(&node)).unwrap_or_default() {
        let volume = reader.volume(&node);
        stack.volumes.insert(name, volume);
    }
    for (name, node) in networks.map(|node| reader.named(&node)).unwrap_or_default() {
        let network = reader.network(&node);
        stack.networks.insert(name, network);
    }
    stack.networks.entry("default".into()).or_default();
    let mut places = BTreeMap::new();
    for (name, node, span) in services.map(|node| reader.services(&node)).unwrap_or_default() {
        let service = reader.service(&node);
        places.insert(name.clone(), (span, node));
        stack.services.insert(name, service);
    }
    reader.references(&stack, &places);
    reader.cycles(&stack.services, &places);
    stack.warnings = reader.warnings;
    stack
}

/// A part of a file with every `${…}` in it filled in.
pub fn interpolated(node: &Rc<Node>, context: &Context<'_>, findings: &mut Findings) -> Rc<Node> {
    let mut reader =
        Reader { context, findings, warnings: Vec::new(), secrets: BTreeMap::new(), configs: BTreeMap::new() };
    interpolate::tree(node, &mut reader)
}

type Places = BTreeMap<ServiceName, (super::tree::Span, Rc<Node>)>;

/// The state of reading one file.
struct Reader<'c, 'f> {
    context: &'c Context<'c>,
    findings: &'f mut Findings,
    warnings: Vec<String>,
    secrets: BTreeMap<String, Rc<Node>>,
    configs: BTreeMap<String, Rc<Node>>,
}

impl Reader<'_, '_> {
    fn named(&mut self, node: &Node) -> BTreeMap<String, Rc<Node>> {
        node.entries().iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect()
    }

    fn services(&mut self, node: &Node) -> Vec<(ServiceName, Rc<Node>, super::tree::Span)> {
        let mut list = Vec::new();
        for entry in node.entries() {
            match ServiceName::new(&entry.key) {
                Ok(name) => {
                    let extended = self.extend(node, &entry.value, &entry.key, &mut vec![entry.key.clone()]);
                    list.push((name, extended, entry.key_span));
                }
                Err(error) => self.findings.error("service-name", entry.key_span, error.to_string(), None),
            }
        }
        list
    }

    /// Names that services use and nobody declares.
    fn references(&mut self, stack: &Stack, places: &Places) {
        let names: Vec<&str> = stack.services.keys().map(ServiceName::as_str).collect();
        for (name, service) in &stack.services {
            let Some((span, node)) = places.get(name) else { continue };
            let place = |key: &str| node.get(key).map_or(*span, |node| node.span);
            for (other, dependency) in &service.depends_on {
                if !stack.services.contains_key(other) && dependency.required {
                    let hint =
                        nearest(other.as_str(), names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                    let message = format!("`{name}` depends on `{other}`, which is no service of this stack");
                    self.findings.error("unknown-service", place("depends_on"), message, hint);
                }
            }
            for network in service.networks.keys().filter(|network| !stack.networks.contains_key(*network)) {
                let hint = nearest(network, stack.networks.keys().map(String::as_str))
                    .map(|near| format!("did you mean `{near}`?"));
                let hint = hint.or_else(|| Some(format!("declare it: `networks: {{ {network}: {{}} }}`")));
                self.findings.error(
                    "unknown-network",
                    place("networks"),
                    format!("there is no network `{network}`"),
                    hint,
                );
            }
            for mount in &service.mounts {
                if let crate::lab::stack::MountSource::Volume { name: volume, .. } = &mount.source
                    && !stack.volumes.contains_key(volume)
                {
                    let hint = nearest(volume, stack.volumes.keys().map(String::as_str))
                        .map(|near| format!("did you mean `{near}`?"));
                    let hint = hint.or_else(|| Some(format!("declare it: `volumes: {{ {volume}: {{}} }}`")));
                    self.findings.error(
                        "unknown-volume",
                        place("volumes"),
                        format!("there is no volume `{volume}`"),
                        hint,
                    );
                }
            }
        }
    }

    fn cycles(&mut self, services: &BTreeMap<ServiceName, Service>, places: &Places) {
        let mut done: Vec<&ServiceName> = Vec::new();
        for start in services.keys() {
            let mut path: Vec<&ServiceName> = Vec::new();
            if let Some(cycle) = visit(services, start, &mut path, &mut done) {
                let Some((span, node)) = places.get(cycle[0].as_str()) else { continue };
                let names: Vec<&str> = cycle.iter().map(|name| name.as_str()).collect();
                let span = node.get("depends_on").map_or(*span, |node| node.span);
                let message = format!("services wait for each other in a circle: {}", names.join(" → "));
                self.findings.error("dependency-cycle", span, message, "take one `depends_on` out".to_owned());
            }
        }
    }

    fn volume(&mut self, node: &Node) -> Volume {
        self.check_keys(node, "volume", keys::VOLUME);
        let volume = Volume {
            driver: self.text_of(node, "driver"),
            driver_opts: self.map_of(node, "driver_opts"),
            labels: self.map_of(node, "labels"),
            external: self.flag_of(node, "external").unwrap_or(false),
            name: self.text_of(node, "name"),
        };
        self.guard_volume(node, &volume);
        volume
    }

    fn network(&mut self, node: &Node) -> Network {
        self.check_keys(node, "network", keys::NETWORK);
        let subnets = node
            .get("ipam")
            .and_then(|ipam| ipam.get("config"))
            .map(|config| config.items().iter().filter_map(|one| one.get("subnet")?.scalar()).collect());
        let network = Network {
            driver: self.text_of(node, "driver"),
            driver_opts: self.map_of(node, "driver_opts"),
            internal: self.flag_of(node, "internal").unwrap_or(false),
            attachable: self.flag_of(node, "attachable").unwrap_or(false),
            enable_ipv6: self.flag_of(node, "enable_ipv6").unwrap_or(false),
            labels: self.map_of(node, "labels"),
            external: self.flag_of(node, "external").unwrap_or(false),
            name: self.text_of(node, "name"),
            subnets: subnets.unwrap_or_default(),
        };
        self.guard_network(node, &network);
        network
    }
}

fn visit<'a>(
    services: &'a BTreeMap<ServiceName, Service>,
    name: &'a ServiceName,
    path: &mut Vec<&'a ServiceName>,
    done: &mut Vec<&'a ServiceName>,
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
    done.push(name);
    None
}
