//! `networks`, of the file and of a service. Source: the Compose specification, "networks".

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::scalars::{Bare, given};
use super::{Reader, keys};
use crate::catalog::tree::{Node, Value};
use crate::lab::stack::{Attachment, Network};

impl Reader<'_, '_> {
    /// An entry of the top-level `networks`.
    pub(super) fn network(&mut self, node: &Node) -> Network {
        self.check_keys(node, "a network", keys::NETWORK);
        let (external, name) = self.external(node);
        let network = Network {
            driver: self.text_of(node, "driver"),
            driver_opts: self.map_of(node, "driver_opts", Bare::Empty),
            internal: self.flag_of(node, "internal").unwrap_or(false),
            attachable: self.flag_of(node, "attachable").unwrap_or(false),
            enable_ipv6: self.flag_of(node, "enable_ipv6").unwrap_or(false),
            labels: self.labels_of(node),
            external,
            name,
            subnets: given(node, "ipam").cloned().map(|ipam| self.subnets(&ipam)).unwrap_or_default(),
        };
        self.guard_network(node, &network);
        network
    }

    fn subnets(&mut self, ipam: &Node) -> Vec<String> {
        self.check_keys(ipam, "`ipam`", keys::IPAM);
        let mut subnets = Vec::new();
        for item in self.items_of(ipam, "config") {
            self.check_keys(&item, "an entry of `ipam.config`", keys::IPAM_CONFIG);
            let Some(subnet) = self.text_of(&item, "subnet") else { continue };
            if is_subnet(&subnet) {
                subnets.push(subnet);
            } else {
                let span = item.get("subnet").map_or(item.span, |value| value.span);
                self.bad(span, format!("`{subnet}` is no subnet; write it like `172.28.0.0/16`"));
            }
        }
        subnets
    }

    /// `networks` of a service: a list of names, or a map with settings.
    pub(super) fn attachments(&mut self, node: &Node) -> BTreeMap<String, Attachment> {
        let mut map = BTreeMap::new();
        let Some(value) = given(node, "networks").cloned() else { return map };
        if let Some(mode) = given(node, "network_mode") {
            self.bad(mode.span, "`network_mode` and `networks` exclude each other; keep one".into());
        }
        if !matches!(value.value, Value::List(_) | Value::Map(_)) {
            self.wrong(&value, "`networks`", "a list of names, or a map");
        }
        for item in value.items() {
            if let Some(name) = self.text(item, "an entry of `networks`") {
                map.insert(name, Attachment::default());
            }
        }
        for entry in value.entries() {
            let node = &entry.value;
            self.check_keys(node, "a network of a service", keys::ATTACHMENT);
            let attachment = Attachment {
                aliases: self.list_of(node, "aliases"),
                ipv4_address: self.address_of::<Ipv4Addr>(node, "ipv4_address", "172.28.0.10"),
                ipv6_address: self.address_of::<Ipv6Addr>(node, "ipv6_address", "2001:db8::10"),
                priority: self.number_of(node, "priority").unwrap_or(0),
            };
            map.insert(entry.key.clone(), attachment);
        }
        map
    }

    fn address_of<T: std::str::FromStr>(&mut self, node: &Node, key: &str, example: &str) -> Option<String> {
        let text = self.text_of(node, key)?;
        if text.parse::<T>().is_err() {
            let span = node.get(key).map_or(node.span, |value| value.span);
            self.bad(span, format!("`{key}` has to be an address like `{example}`; here is `{text}`"));
            return None;
        }
        Some(text)
    }
}

fn is_subnet(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    match (address.parse::<IpAddr>(), bits.parse::<u8>()) {
        (Ok(IpAddr::V4(_)), Ok(bits)) => bits <= 32,
        (Ok(IpAddr::V6(_)), Ok(bits)) => bits <= 128,
        _ => false,
    }
}
