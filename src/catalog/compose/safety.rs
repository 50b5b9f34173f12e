//! What a stranger's lab may not have unless it asks (`needs:`) and the learner agrees.

use std::path::{Path, PathBuf};

use super::{Author, Reader};
use crate::catalog::tree::Node;
use crate::lab::definition::Need;
use crate::lab::stack::{MountSource, Network, Service, Volume};

/// Options that take rights away.
const SAFE_OPTIONS: &[&str] = &["no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"];

/// Drivers that keep a container's log with the container. Source: Docker's documentation, "Configure logging drivers".
const LOG_DRIVERS: &[&str] = &["json-file", "local", "none"];

/// Containers that one service of a lab may have.
const REPLICAS: u32 = 20;

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
            Need::Environment => "environment",
        }
    }

    /// Every need, for messages and parsing.
    pub const ALL: [Need; 10] = [
        Need::Privileged,
        Need::Capabilities,
        Need::HostNetwork,
        Need::HostNamespaces,
        Need::Devices,
        Need::EngineSocket,
        Need::HostPaths,
        Need::Plugin,
        Need::SecurityOptions,
        Need::Environment,
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
        match service.network_mode.as_deref() {
            None | Some("none") => {}
            Some(mode) if mode.starts_with("service:") => {}
            Some("host") => {
                let words = "`network_mode: host` shares the machine's network".into();
                needs.push((Need::HostNetwork, words, "network_mode"));
            }
            // The name of any network, or of any container, of the engine.
            Some(mode) => {
                let words = format!("`network_mode: {mode}` joins a network that is not the lab's");
                needs.push((Need::HostNetwork, words, "network_mode"));
            }
        }
        for (key, value, own) in [
            ("pid", &service.pid, &["service:"][..]),
            ("ipc", &service.ipc, &["service:", "none", "private", "shareable"]),
        ] {
            let foreign = value.as_deref().filter(|value| !own.iter().any(|own| value.starts_with(own)));
            if let Some(value) = foreign {
                let words = format!("`{key}: {value}` shares processes or memory that are not the lab's");
                needs.push((Need::HostNamespaces, words, key));
            }
        }
        if let Some(option) = service.security_opt.iter().find(|option| !SAFE_OPTIONS.contains(&option.as_str())) {
            needs.push((Need::SecurityOptions, format!("`security_opt` asks for `{option}`"), "security_opt"));
        }
        if let Some(driver) = service.logging.as_ref().and_then(|logging| logging.driver.as_deref())
            && !LOG_DRIVERS.contains(&driver)
        {
            let words =
                format!("the log driver `{driver}` makes the engine itself write to this machine or the network");
            needs.push((Need::HostNetwork, words, "logging"));
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
        if let Some(build) = &service.build {
            let dockerfile = build.dockerfile.as_ref().map(|name| super::mounts::resolve(&build.context.join(name)));
            let foreign =
                |path: &&PathBuf| !path.starts_with(&self.context.folder) && !path.starts_with(&self.context.workspace);
            if let Some(path) = [Some(&build.context), dockerfile.as_ref()].into_iter().flatten().find(foreign) {
                let words = format!("`{}` of this machine is what is built from", path.display());
                needs.push((Need::HostPaths, words, "build"));
            }
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
                    let shown = path.strip_prefix("/~").map_or_else(|_| path.clone(), |rest| Path::new("~").join(rest));
                    needs.push((need, format!("`{}` of this machine is mounted", shown.display()), "volumes"));
                }
            }
        }
        for (need, words, key) in needs {
            self.require(node, need, &words, key);
            service.needs.push((need, words));
        }
        if self.context.author == Author::Lab {
            self.bound(node, service);
        }
    }

    /// A lab's services have limits, whatever the lab writes.
    fn bound(&mut self, node: &Node, service: &mut Service) {
        let limits = &service.limits;
        let none = [
            ("pids_limit", limits.pids.is_some_and(|pids| pids <= 0)),
            ("mem_limit", limits.memory == Some(0)),
            ("cpus", limits.cpus.is_some_and(|cpus| cpus <= 0.0)),
            (
                "logging",
                service.logging.as_ref().and_then(|one| one.options.get("max-size")).is_some_and(|size| size == "-1"),
            ),
        ];
        for (key, unlimited) in none {
            if unlimited {
                let span = node.get(key).map_or(node.span, |value| value.span);
                let hint = "leave it out, or say how much the service needs".to_owned();
                self.findings.error("no-limit", span, format!("this `{key}` would be no limit at all"), hint);
            }
        }
        if service.scale > REPLICAS {
            let span = node.get("scale").map_or(node.span, |value| value.span);
            let message = format!("{} containers of one service are too many", service.scale);
            self.findings.error("too-many", span, message, format!("at most {REPLICAS} are started"));
        }
        // Whoever says how logs are kept does not say that they may grow for ever.
        if let Some(logging) = &mut service.logging
            && matches!(logging.driver.as_deref(), None | Some("json-file" | "local"))
        {
            logging.driver.get_or_insert_with(|| "json-file".into());
            logging.options.entry("max-size".into()).or_insert_with(|| "5m".into());
            logging.options.entry("max-file".into()).or_insert_with(|| "2".into());
        }
    }

    /// A volume that others have, or one with options for its driver, can be any folder of the machine.
    pub(super) fn guard_volume(&mut self, node: &Node, volume: &Volume) {
        if volume.external && self.context.author == Author::Lab {
            self.require(node, Need::HostPaths, "an `external` volume holds what is not the lab's", "external");
        }
        if let Some(driver) = volume.driver.as_deref().filter(|driver| *driver != "local") {
            let words = format!("the volume driver `{driver}` can reach what is not the lab's");
            self.require(node, Need::HostPaths, &words, "driver");
        }
        if !volume.driver_opts.is_empty() {
            self.require(node, Need::HostPaths, "`driver_opts` can mount any folder of this machine", "driver_opts");
        }
    }

    /// A network is the lab's alone, and takes no addresses that others have.
    pub(super) fn guard_network(&mut self, node: &Node, network: &Network) {
        if network.external && self.context.author == Author::Lab {
            self.require(node, Need::HostNetwork, "an `external` network is not the lab's alone", "external");
        }
        if let Some(driver) = network.driver.as_deref().filter(|driver| *driver != "bridge") {
            let words = format!("the network driver `{driver}` reaches beyond this machine's containers");
            self.require(node, Need::HostNetwork, &words, "driver");
        }
        if !network.driver_opts.is_empty() {
            let words = "`driver_opts` can join a network of this machine";
            self.require(node, Need::HostNetwork, words, "driver_opts");
        }
        let public = network.subnets.iter().find(|subnet| {
            let address = subnet.split('/').next().and_then(|address| address.parse::<std::net::IpAddr>().ok());
            match address {
                Some(std::net::IpAddr::V4(address)) => !address.is_private(),
                // Unique local addresses, RFC 4193.
                Some(std::net::IpAddr::V6(address)) => address.segments()[0] & 0xfe00 != 0xfc00,
                None => true,
            }
        });
        if let Some(subnet) = public {
            let words = format!("the subnet {subnet} would take addresses of others away from this machine");
            self.require(node, Need::HostNetwork, &words, "ipam");
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
