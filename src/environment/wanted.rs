//! From a lab's stack to what the engine should hold: names, labels, defaults, limits. Pure.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::defaults::Defaults;
use super::identity::{self, Identity};
use crate::lab::ServiceName;
use crate::lab::stack::{MountSource, Protocol, Service, Stack};

/// A network to have.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkSpec {
    pub key: String,
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub definition: crate::lab::stack::Network,
}

/// A volume to have.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeSpec {
    pub key: String,
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub driver: Option<String>,
    pub driver_opts: BTreeMap<String, String>,
}

/// A host port to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub target: u16,
    pub protocol: Protocol,
    pub host_ip: String,
    /// `None`: the engine chooses.
    pub host_port: Option<u16>,
}

/// A container to have: the service's definition with everything decided.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerSpec {
    pub service: ServiceName,
    pub replica: u32,
    pub name: String,
    /// What the engine calls the image.
    pub image: String,
    pub image_id: String,
    pub definition: Service,
    /// (network name on the engine, aliases, fixed IPv4 address)
    pub networks: Vec<(String, Vec<String>, Option<String>)>,
    /// Volume names of the lab to names on the engine.
    pub volumes: BTreeMap<String, String>,
    /// Volumes on the engine that it holds and does not use: others of its volumes lie over them.
    pub beneath: Vec<String>,
    pub bindings: Vec<Binding>,
    pub labels: BTreeMap<String, String>,
    pub stop_grace: std::time::Duration,
}

#[cfg(test)]
impl ContainerSpec {
    /// A container of a definition, with nothing around it.
    pub fn bare(definition: Service) -> Self {
        Self {
            service: ServiceName::own("db"),
            replica: 1,
            name: String::new(),
            image: "image".into(),
            image_id: "sha256:1".into(),
            definition,
            networks: Vec::new(),
            volumes: BTreeMap::new(),
            beneath: Vec::new(),
            bindings: Vec::new(),
            labels: BTreeMap::new(),
            stop_grace: std::time::Duration::ZERO,
        }
    }
}

/// Everything an environment should have.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wanted {
    pub networks: Vec<NetworkSpec>,
    pub volumes: Vec<VolumeSpec>,
    pub containers: Vec<ContainerSpec>,
}

/// What the definition leaves open.
pub struct Choices<'a> {
    pub identity: &'a Identity,
    pub generation: u64,
    /// Name and id of each service's image on the engine.
    pub images: &'a BTreeMap<ServiceName, (String, String)>,
    /// Subnet for the default network, in CIDR notation.
    pub subnet: Option<String>,
    /// Host ports remembered for (service, container port); they win over the asked ones.
    pub ports: &'a BTreeMap<(ServiceName, u16), u16>,
    /// `None`: a learner's own Compose file is run as it is written.
    pub defaults: Option<Defaults>,
}

/// Compose's default.
const STOP_GRACE: std::time::Duration = std::time::Duration::from_secs(10);

/// Decides what the engine should hold for `stack`.
pub fn wanted(stack: &Stack, choices: &Choices<'_>) -> Wanted {
    let identity = choices.identity;
    let networks = stack
        .networks
        .iter()
        .filter(|(_, network)| !network.external)
        .map(|(key, network)| {
            let mut definition = network.clone();
            if definition.subnets.is_empty() && key == "default" {
                definition.subnets.extend(choices.subnet.clone());
            }
            let mut labels = network.labels.clone();
            labels.extend(identity.resource_labels("network", key));
            NetworkSpec { key: key.clone(), name: network_name(stack, identity, key), labels, definition }
        })
        .filter(|network| network.key != "default" || uses_default(stack))
        .collect();
    let volumes = stack
        .volumes
        .iter()
        .filter(|(_, volume)| !volume.external)
        .map(|(key, volume)| {
            let mut labels = volume.labels.clone();
            labels.extend(identity.resource_labels("volume", key));
            VolumeSpec {
                key: key.clone(),
                name: volume_name(stack, identity, key),
                labels,
                driver: volume.driver.clone(),
                driver_opts: volume.driver_opts.clone(),
            }
        })
        .collect();
    let containers = stack
        .services
        .iter()
        .filter(|(_, service)| service.profiles.is_empty())
        .flat_map(|(name, service)| (1..=service.scale).map(move |replica| (name, service, replica)))
        .filter_map(|(name, service, replica)| container(stack, name, service, replica, choices))
        .collect();
    Wanted { networks, volumes, containers }
}

/// The name on the engine of one of the stack's networks.
pub fn network_name(stack: &Stack, identity: &Identity, key: &str) -> String {
    match stack.networks.get(key) {
        Some(network) if network.external => network.name.clone().unwrap_or_else(|| key.to_owned()),
        _ => identity.resource_name(key),
    }
}

/// The name on the engine of one of the stack's volumes.
pub fn volume_name(stack: &Stack, identity: &Identity, key: &str) -> String {
    match stack.volumes.get(key) {
        Some(volume) if volume.external => volume.name.clone().unwrap_or_else(|| key.to_owned()),
        _ => identity.resource_name(key),
    }
}

fn uses_default(stack: &Stack) -> bool {
    stack.services.values().any(|service| {
        service.network_mode.is_none() && (service.networks.is_empty() || service.networks.contains_key("default"))
    })
}

fn container(
    stack: &Stack,
    name: &ServiceName,
    service: &Service,
    replica: u32,
    choices: &Choices<'_>,
) -> Option<ContainerSpec> {
    let (image, image_id) = choices.images.get(name)?.clone();
    let mut definition = service.clone();
    if let Some(defaults) = &choices.defaults {
        defaults.add_to(&mut definition);
    }
    let networks = attachments(stack, choices.identity, name, service, replica);
    let volumes = service
        .mounts
        .iter()
        .filter_map(|mount| match &mount.source {
            MountSource::Volume { name, .. } => Some((name.clone(), volume_name(stack, choices.identity, name))),
            _ => None,
        })
        .collect();
    let mut spec = ContainerSpec {
        service: name.clone(),
        replica,
        name: choices.identity.container_name(name, replica),
        image,
        image_id,
        stop_grace: service.stop_grace_period.unwrap_or(STOP_GRACE),
        networks,
        volumes,
        beneath: Vec::new(),
        bindings: bindings(name, service, replica, choices),
        labels: BTreeMap::new(),
        definition,
    };
    let digest = digest(&spec);
    spec.labels = spec.definition.labels.clone();
    spec.labels.extend(choices.identity.container_labels(name, replica));
    spec.labels.insert(identity::SPEC.into(), digest);
    spec.labels.insert(identity::GENERATION.into(), choices.generation.to_string());
    Some(spec)
}

/// What a container was made from, as a text to compare. The leading number is the digest's own version.
fn digest(spec: &ContainerSpec) -> String {
    let mut hash = Sha256::new();
    // A host port that had to move is still the same container.
    hash.update(format!("{:?}", ContainerSpec { bindings: Vec::new(), ..spec.clone() }));
    let bytes = hash.finalize();
    format!("1:{}", hex::encode(&bytes[..16]))
}

/// The networks that a service's container is on: name on the engine, aliases, address.
pub fn attachments(
    stack: &Stack,
    identity: &Identity,
    name: &ServiceName,
    service: &Service,
    replica: u32,
) -> Vec<(String, Vec<String>, Option<String>)> {
    if service.network_mode.is_some() {
        return Vec::new();
    }
    let own_aliases = |extra: &[String]| {
        let known = service.known_as.clone().unwrap_or_else(|| name.to_string());
        let mut aliases = vec![known, identity.container_name(name, replica)];
        aliases.extend(extra.iter().cloned());
        aliases
    };
    if service.networks.is_empty() {
        return vec![(network_name(stack, identity, "default"), own_aliases(&[]), None)];
    }
    let mut attached: Vec<_> = service.networks.iter().collect();
    attached.sort_by_key(|(key, attachment)| (-attachment.priority, (*key).clone()));
    attached
        .into_iter()
        .map(|(key, attachment)| {
            let network = network_name(stack, identity, key);
            (network, own_aliases(&attachment.aliases), attachment.ipv4_address.clone())
        })
        .collect()
}

fn bindings(name: &ServiceName, service: &Service, replica: u32, choices: &Choices<'_>) -> Vec<Binding> {
    service
        .ports
        .iter()
        .map(|port| {
            let remembered = choices.ports.get(&(name.clone(), port.target)).copied();
            Binding {
                target: port.target,
                protocol: port.protocol,
                host_ip: port.host_ip.clone().unwrap_or_else(|| "127.0.0.1".into()),
                // A second replica cannot have the same host port; the engine finds it one.
                host_port: if replica == 1 { remembered.or(port.published) } else { None },
            }
        })
        .collect()
}
