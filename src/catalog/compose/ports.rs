//! `ports` and `expose`. Source: the Compose specification, "ports", short and long syntax.

use super::Reader;
use crate::catalog::tree::{Node, Value};
use crate::lab::stack::{Port, Protocol};

impl Reader<'_, '_> {
    pub(super) fn ports(&mut self, node: &Node) -> Vec<Port> {
        let Some(list) = node.get("ports") else { return Vec::new() };
        if !matches!(list.value, Value::List(_)) {
            self.wrong(list, "`ports`", "a list");
        }
        let mut ports = Vec::new();
        for item in list.items() {
            match &item.value {
                Value::Map(_) => ports.extend(self.long_port(item)),
                _ => {
                    let read = item.scalar().and_then(|text| short_port(&text));
                    match read {
                        Some(more) => ports.extend(more),
                        None => self.wrong(item, "a port", "like \"8000\", \"8000:80\" or \"127.0.0.1:8000:80/tcp\""),
                    }
                }
            }
        }
        ports
    }

    fn long_port(&mut self, node: &Node) -> Option<Port> {
        for entry in node.entries() {
            if !["target", "published", "host_ip", "protocol", "name", "mode", "app_protocol"]
                .contains(&entry.key.as_str())
            {
                self.bad(entry.key_span, format!("a port has no key `{}`", entry.key));
            }
        }
        let Some(target) = self.number_of(node, "target") else {
            self.bad(node.span, "a port needs `target`, the port in the container".into());
            return None;
        };
        Some(Port {
            target,
            published: self.number_of(node, "published"),
            host_ip: self.text_of(node, "host_ip"),
            protocol: if self.text_of(node, "protocol").as_deref() == Some("udp") {
                Protocol::Udp
            } else {
                Protocol::Tcp
            },
            name: self.text_of(node, "name"),
        })
    }

    pub(super) fn exposed(&mut self, node: &Node) -> Vec<u16> {
        let texts = self.list_of(node, "expose");
        let span = node.get("expose").map_or(node.span, |value| value.span);
        let mut ports = Vec::new();
        for text in texts {
            match range(text.split('/').next().unwrap_or(&text)) {
                Some((first, last)) => ports.extend(first..=last),
                None => self.bad(span, format!("`{text}` is not a port")),
            }
        }
        ports
    }
}

fn short_port(text: &str) -> Option<Vec<Port>> {
    let (text, protocol) = match text.split_once('/') {
        Some((text, "tcp")) => (text, Protocol::Tcp),
        Some((text, "udp")) => (text, Protocol::Udp),
        Some(_) => return None,
        None => (text, Protocol::Tcp),
    };
    // An IPv6 address stands in brackets, so the last two colons are ours.
    let (rest, target) = text.rsplit_once(':').map_or(("", text), |(rest, target)| (rest, target));
    let (host_ip, published) = match rest.rsplit_once(':') {
        Some((host, published)) => (Some(host.trim_matches(['[', ']']).to_owned()), published),
        None => (None, rest),
    };
    let (first, last) = range(target)?;
    let published = match published {
        "" => None,
        text => Some(range(text)?),
    };
    if published.is_some_and(|(low, high)| high - low != last - first) {
        return None;
    }
    let port = |target: u16| Port {
        target,
        published: published.map(|(low, _)| low + (target - first)),
        host_ip: host_ip.clone(),
        protocol,
        name: None,
    };
    Some((first..=last).map(port).collect())
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (0 < first && first <= last).then_some((first, last))
}
