//! What a stranger's lab may not have unless it asks (`needs:`) and the learner agrees.

use std::path::Path;

use super::{Author, Reader};
use crate::catalog::tree::Node;
use crate::lab::definition::Need;
use crate::lab::stack::{MountSource, Service, Volume};

impl Need {
    /// The word under `needs:`.
    pub fn word(self) -> &'static str {
        match self {
            Need::Privileged => "privileged",
            Need::Capabilities => "capabilities",
            Need::HostNetwork => "host-network",
            Need::HostNamespaces => "host-namespaces",
            Need::Devices => "devices",
            Need::EngineSocket => "engine-socket",
            Need::HostPaths => "host-paths",
            Need::Plugin => "plugin",
            Need::SecurityOptions => "security-options",
        }
    }

    /// Every need, for messages and parsing.
    pub const ALL: [Need; 9] = [
        Need::Privileged,
        Need::Capabilities,
        Need::HostNetwork,
        Need::HostNamespaces,
        Need::Devices,
        Need::EngineSocket,
        Need::HostPaths,
        Need::Plugin,
        Need::SecurityOptions,
    ];
}

impl Reader<'_, '_> {
    /// Finds what needs consent in a service, and binds lab folders read-only.
    pub(super) fn guard(&mut self, node: &Node, service: &mut Service) {
        let mut needs: Vec<(Need, String, &str)> = Vec::new();
        if service.privileged {
            needs.push((
                Need::Privileged,
                "`privileged: true` gives the container the whole machine".into(),
                "privileged",
            ));
        }
        if !service.cap_add.is_empty() {
            needs.push((Need::Capabilities, format!("`cap_add` asks for {}", service.cap_add.join(", ")), "cap_add"));
        }
        if !service.devices.is_empty() {
            needs.push((Need::Devices, format!("`devices` asks for {}", service.devices.join(", ")), "devices"));
        }
        if service.network_mode.as_deref() == Some("host") {
            needs.push((Need::HostNetwork, "`network_mode: host` shares the machine's network".into(), "network_mode"));
        }
        for (key, value) in [("pid", &service.pid), ("ipc", &service.ipc)] {
            if value.as_deref() == Some("host") {
                needs.push((
                    Need::HostNamespaces,
                    format!("`{key}: host` shares the machine's processes or memory"),
                    key,
                ));
            }
        }
        if let Some(option) = service.security_opt.iter().find(|option| !option.starts_with("no-new-privileges")) {
            needs.push((Need::SecurityOptions, format!("`security_opt` asks for `{option}`"), "security_opt"));
        }
        for port in &service.ports {
            let host = port.host_ip.as_deref().unwrap_or("127.0.0.1");
            let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
            if !loopback && self.context.author == Author::Lab {
                needs.push((
                    Need::HostNetwork,
                    format!("port {} is published on {host}, not on this machine alone", port.target),
                    "ports",
                ));
            }
        }
        if let Some(build) = &service.build
            && !build.context.starts_with(&self.context.folder)
            && !build.context.starts_with(&self.context.workspace)
        {
            let words = format!("`{}` of this machine is what is built from", build.context.display());
            needs.push((Need::HostPaths, words, "build"));
        }
        for mount in &mut service.mounts {
            if let MountSource::Bind { path, .. } = &mount.source {
                if path.starts_with(&self.context.folder) {
                    mount.read_only |= self.context.author == Author::Lab;
                } else if !path.starts_with(&self.context.workspace) {
                    let need = if path.ends_with("docker.sock") || path.ends_with("podman.sock") {
                        Need::EngineSocket
                    } else {
                        Need::HostPaths
                    };
                    needs.push((need, format!("`{}` of this machine is mounted", path.display()), "volumes"));
                }
            }
        }
        for (need, words, key) in needs {
            self.require(node, need, &words, key);
            service.needs.push((need, words));
        }
    }

    /// A volume with options for the local driver can be any folder of the machine.
    pub(super) fn guard_volume(&mut self, node: &Node, volume: &Volume) {
        if volume.driver_opts.contains_key("device") || volume.driver_opts.contains_key("o") {
            self.require(node, Need::HostPaths, "`driver_opts` can mount any folder of this machine", "driver_opts");
        }
    }

    /// Whether a file may be read for a service: one of the workspace or the lab, or any, where that was agreed to.
    pub(super) fn may_read(&mut self, node: &Node, path: &Path) -> bool {
        if path.starts_with(&self.context.folder) || path.starts_with(&self.context.workspace) {
            return true;
        }
        self.require(node, Need::HostPaths, &format!("`{}` of this machine is read", path.display()), "file");
        self.context.needs.contains(&Need::HostPaths)
    }

    fn require(&mut self, node: &Node, need: Need, words: &str, key: &str) {
        if self.context.needs.contains(&need) {
            return;
        }
        let span = node.get(key).map_or(node.span, |value| value.span);
        let hint = match self.context.author {
            Author::Lab => format!("list it, and the learner will be asked: `needs: [{}]`", need.word()),
            Author::Learner => "labrunner does not start that for a check of this lab".to_owned(),
        };
        self.findings.error("needs", span, words.to_owned(), hint);
    }
}
