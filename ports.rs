//! `ports` and `expose`. Source: the Compose specification, "ports", short and long syntax.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::scalars::given;
use super::{Author, Places, Reader, keys};
use crate::catalog::tree::{Node, Span, Value};
use crate::lab::ServiceName;
use crate::lab::definition::Need;
use crate::lab::stack::{Port, Protocol, Service};

const FORMS: &str = "like \"8000\", \"8000:80\", \"127.0.0.1:8000:80/udp\" or \"9000-9002:80-82\"";

impl Reader<'_, '_> {
    pub(super) fn ports(&mut self, node: &Node) -> Vec<Port> {
        let mut ports: Vec<Port> = Vec::new();
        for item in self.items_of(node, "ports") {
            let read = match &item.value {
                Value::Map(_) => self.long_port(&item),
                _ => item.scalar().and_then(|text| short_port(&text)).or_else(|| {
                    self.wrong(&item, "a port", FORMS);
                    None
                }),
            };
            let Some(read) = read else { continue };
            if read.choice {
                self.warn(item.span, "a range of host ports for one port has no effect: its first port is used".into());
            }
            for port in read.ports {
                self.guard_port(&port, item.span);
                if !ports.contains(&port) {
                    ports.push(port);
                }
            }
        }
        ports
    }

    fn guard_port(&mut self, port: &Port, span: Span) {
        let Some(host) = &port.host_ip else { return };
        match host.parse::<IpAddr>() {
            Err(_) => self.bad(span, format!("`{host}` is no address to publish on; write it like `127.0.0.1`")),
            Ok(address) if !address.is_loopback() && self.context.author == Author::Lab => {
                let words = format!("port {} is published on {host}, not to this machine alone", port.target);
                self.ask(Need::HostNetwork, words, span);
            }
            Ok(_) => {}
        }
    }

    fn long_port(&mut self, node: &Node) -> Option<Ports> {
        self.check_keys(node, "a port", keys::PORT);
        if given(node, "target").is_none() {
            self.bad(node.span, "a port needs `target`, the port in the container".into());
            return None;
        }
        let target = self.number_of::<u16>(node, "target").filter(|target| *target > 0)?;
        let published = match self.text_of(node, "published") {
            None => None,
            Some(text) => match range(&text) {
                Some(range) => Some(range),
                None => {
                    self.wrong(node.get("published")?, "`published`", "a port, or a range of ports");
                    return None;
                }
            },
        };
        let protocol = match self.text_of(node, "protocol").as_deref() {
            None => Protocol::Tcp,
            Some(text) => match protocol(text) {
                Some(protocol) => protocol,
                None => {
                    self.wrong(node.get("protocol")?, "`protocol`", "tcp or udp");
                    return None;
                }
            },
        };
        let port = Port {
            target,
            published: published.map(|(first, _)| first),
            host_ip: self.text_of(node, "host_ip"),
            protocol,
            name: self.text_of(node, "name"),
        };
        Some(Ports { ports: vec![port], choice: published.is_some_and(|(first, last)| first != last) })
    }

    pub(super) fn exposed(&mut self, node: &Node) -> Vec<u16> {
        let mut ports = Vec::new();
        for item in self.items_of(node, "expose") {
            let text = item.scalar().unwrap_or_default();
            let (numbers, kind) = text.split_once('/').unwrap_or((&text, "tcp"));
            match (range(numbers), protocol(kind)) {
                (Some((first, last)), Some(Protocol::Tcp)) => ports.extend(first..=last),
                (Some(_), Some(Protocol::Udp)) => {
                    self.warn(item.span, "`expose` has no effect on UDP ports: services reach them anyway".into());
                }
                _ => self.wrong(&item, "an entry of `expose`", "a port or a range, like \"8000\" or \"8000-8003\""),
            }
        }
        ports
    }

    /// Two services that want the same port of the machine.
    pub(super) fn published_twice(&mut self, services: &BTreeMap<ServiceName, Service>, places: &Places) {
        let mut taken: BTreeMap<(u16, bool), Vec<(&ServiceName, Option<&str>)>> = BTreeMap::new();
        for (name, service) in services.iter().filter(|(_, service)| service.profiles.is_empty()) {
            for port in &service.ports {
                let Some(published) = port.published else { continue };
                let host = port.host_ip.as_deref();
                let others = taken.entry((published, port.protocol == Protocol::Udp)).or_default();
                let clash = others.iter().find(|(_, other)| *other == host || any_host(*other) || any_host(host));
                if let Some((other, _)) = clash {
                    let span =
                        places.get(name).map(|node| node.get("ports").map_or(node.span, |ports| ports.span));
                    let message = format!("`{other}` and `{name}` both publish port {published} of this machine");
                    let hint = "give one of them another port".to_owned();
                    self.findings.error("port-taken", span.unwrap_or_default(), message, hint);
                }
                others.push((name, host));
            }
        }
    }
}

fn any_host(host: Option<&str>) -> bool {
    host.is_none_or(|host| matches!(host, "0.0.0.0" | "::"))
}

/// What one entry of `ports` stands for.
struct Ports {
    ports: Vec<Port>,
    /// One container port may take any host port of a range.
    choice: bool,
}

fn short_port(text: &str) -> Option<Ports> {
    let (text, kind) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol(kind)?;
    // An IPv6 address stands in brackets, so the last two colons are ours.
    let (rest, target) = text.rsplit_once(':').map_or((None, text), |(rest, target)| (Some(rest), target));
    let (host_ip, published) = match rest {
        None => (None, None),
        Some(rest) => match rest.rsplit_once(':') {
            Some((host, published)) => {
                (Some(host.trim_matches(['[', ']']).to_owned()), Some(published).filter(|text| !text.is_empty()))
            }
            None => (None, Some(rest)),
        },
    };
    let (first, last) = range(target)?;
    let published = match published {
        None => None,
        Some(text) => Some(range(text)?),
    };
    let choice = first == last && published.is_some_and(|(low, high)| low != high);
    if !choice && published.is_some_and(|(low, high)| high - low != last - first) {
        return None;
    }
    let port = |target: u16| Port {
        target,
        published: published.map(|(low, _)| low + (target - first)),
        host_ip: host_ip.clone(),
        protocol,
        name: None,
    };
    Some(Ports { ports: (first..=last).map(port).collect(), choice })
}

fn protocol(text: &str) -> Option<Protocol> {
    match text {
        "tcp" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        _ => None,
    }
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (0 < first && first <= last).then_some((first, last))
}
