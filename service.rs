//! One service, its keys put together.

use std::rc::Rc;

use super::scalars::{Bare, given};
use super::{Reader, keys};
use crate::catalog::tree::{Node, Value};
use crate::lab::ServiceName;
use crate::lab::stack::{MountSource, Service};

impl Reader<'_, '_> {
    pub(super) fn service(&mut self, node: &Rc<Node>, name: &ServiceName) -> Service {
        self.asked.clear();
        if matches!(node.value, Value::Null) {
            self.wrong(node, &format!("the service `{name}`"), "a map with `image` or `build`");
            return Service { scale: 1, ..Service::default() };
        }
        if !self.check_keys(node, "a service", keys::SERVICE) {
            return Service { scale: 1, ..Service::default() };
        }
        let mut profiles = self.list_of(node, "profiles");
        if profiles.iter().any(|profile| self.context.profiles.iter().any(|active| active == profile || active == "*"))
        {
            profiles.clear();
        }
        let build = given(node, "build").cloned();
        let image = self.text_of(node, "image");
        if build.is_none() && image.is_none() {
            let hint = "say where it comes from: `image:` or `build:`".to_owned();
            let message = format!("the service `{name}` has neither `image` nor `build`");
            self.findings.error("no-image", node.span, message, hint);
        }
        // As in Compose, the files of a service that does not run may be missing.
        let mut environment =
            if profiles.is_empty() { self.env_files(node) } else { std::collections::BTreeMap::default() };
        environment.extend(self.map_of(node, "environment", Bare::Inherits));
        let mut files = self.granted(node, "secrets");
        files.extend(self.granted(node, "configs"));
        self.deploy(node);
        let mut service = Service {
            image,
            build: build.and_then(|build| self.build(&build)),
            platform: self.text_of(node, "platform"),
            command: self.command_of(node, "command"),
            entrypoint: self.command_of(node, "entrypoint"),
            environment,
            ports: self.ports(node),
            expose: self.exposed(node),
            mounts: self.mounts(node),
            files,
            networks: self.attachments(node),
            network_mode: self.network_mode(node),
            depends_on: self.dependencies(node),
            healthcheck: given(node, "healthcheck").cloned().map(|check| self.healthcheck(&check)),
            restart: self.restart(node),
            user: self.text_of(node, "user"),
            group_add: self.list_of(node, "group_add"),
            working_dir: self.text_of(node, "working_dir"),
            hostname: self.text_of(node, "hostname"),
            domainname: self.text_of(node, "domainname"),
            init: self.flag_of(node, "init"),
            tty: self.flag_of(node, "tty").unwrap_or(false),
            stdin_open: self.flag_of(node, "stdin_open").unwrap_or(false),
            cap_add: self.list_of(node, "cap_add"),
            cap_drop: self.list_of(node, "cap_drop"),
            security_opt: self.security_opt(node),
            sysctls: self.map_of(node, "sysctls", Bare::Empty),
            ulimits: self.ulimits(node),
            shm_size: self.bytes_of(node, "shm_size"),
            read_only: self.flag_of(node, "read_only").unwrap_or(false),
            privileged: self.flag_of(node, "privileged").unwrap_or(false),
            devices: self.devices(node),
            pid: self.text_of(node, "pid"),
            ipc: self.text_of(node, "ipc"),
            stop_signal: self.text_of(node, "stop_signal"),
            stop_grace_period: self.duration_of(node, "stop_grace_period"),
            extra_hosts: self.extra_hosts(node),
            dns: self.one_or_more(node, "dns").into_iter().map(|(server, _)| server).collect(),
            labels: self.labels_of(node),
            profiles,
            scale: self.scale(node),
            limits: self.limits(node),
            logging: self.logging(node),
            needs: Vec::new(),
            uses_workspace: false,
        };
        service.uses_workspace = self.uses_workspace(&service);
        self.guard(node, &service);
        service.needs = std::mem::take(&mut self.asked);
        service
    }

    /// It builds from the workspace or from a folder in it, or mounts it, a part of it, or what it lies in.
    fn uses_workspace(&self, service: &Service) -> bool {
        let builds = service.build.as_ref().is_some_and(|build| build.context.starts_with(&self.workspace));
        let mounts = service.mounts.iter().any(|mount| match &mount.source {
            MountSource::Bind { path, .. } => path.starts_with(&self.workspace) || self.workspace.starts_with(path),
            _ => false,
        });
        builds || mounts
    }

    fn network_mode(&mut self, node: &Node) -> Option<String> {
        let mode = self.text_of(node, "network_mode")?;
        if matches!(mode.as_str(), "bridge" | "default") {
            let span = node.get("network_mode").map_or(node.span, |value| value.span);
            self.warn(span, format!("`network_mode: {mode}` has no effect here: the stack's own network is used"));
            return None;
        }
        let shared = mode.starts_with("service:") || mode.starts_with("container:");
        if let Some(ports) = given(node, "ports").filter(|_| shared) {
            let hint = "publish the port at the service whose network it is".to_owned();
            let message = format!("`network_mode: {mode}` leaves no network of its own to publish ports from");
            self.findings.error("wrong-value", ports.span, message, hint);
        }
        Some(mode)
    }

    /// Security options; a seccomp profile is read from its file, as the engine takes only its content.
    fn security_opt(&mut self, node: &Node) -> Vec<String> {
        let mut options = Vec::new();
        for item in self.items_of(node, "security_opt") {
            let Some(option) = self.text(&item, "an entry of `security_opt`") else { continue };
            let profile = option.strip_prefix("seccomp=").or_else(|| option.strip_prefix("seccomp:"));
            match profile.filter(|profile| !matches!(*profile, "unconfined" | "builtin")) {
                None => options.push(option.replacen("seccomp:", "seccomp=", 1)),
                Some(profile) => {
                    let path = self.path(profile);
                    match self.file(&path, item.span) {
                        None => {}
                        Some(Ok(content)) => options.push(format!("seccomp={}", String::from_utf8_lossy(&content))),
                        Some(Err(error)) => {
                            self.bad(item.span, format!("cannot read the profile `{}`: {error}", path.display()));
                        }
                    }
                }
            }
        }
        options
    }
}
