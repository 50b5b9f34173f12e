//! One service.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use super::{Reader, keys};
use crate::catalog::tree::{Node, Value};
use crate::lab::ServiceName;
use crate::lab::stack::{
    Attachment, Build, Condition, Dependency, Healthcheck, Limits, Logging, MountSource, RestartPolicy, Service, Ulimit,
};

impl Reader<'_, '_> {
    pub(super) fn service(&mut self, node: &Rc<Node>) -> Service {
        self.check_keys(node, "service", keys::SERVICE);
        let build = node.get("build").map(|build| self.build(build));
        let image = self.text_of(node, "image");
        if build.is_none() && image.is_none() {
            let hint = "say where it comes from: `image:` or `build:`".to_owned();
            self.findings.error("no-image", node.span, "the service has neither `image` nor `build`", hint);
        }
        let mut environment = self.env_files(node);
        environment.extend(self.map_of(node, "environment"));
        let mut files = self.granted(node, "secrets");
        files.extend(self.granted(node, "configs"));
        let mut service = Service {
            image,
            platform: self.text_of(node, "platform"),
            command: self.command_of(node, "command"),
            entrypoint: self.command_of(node, "entrypoint"),
            environment,
            ports: self.ports(node),
            expose: self.exposed(node),
            mounts: self.mounts(node),
            files,
            networks: self.attachments(node),
            network_mode: self.text_of(node, "network_mode").filter(|mode| mode != "bridge"),
            depends_on: self.dependencies(node),
            healthcheck: node.get("healthcheck").map(|check| self.healthcheck(check)),
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
            security_opt: self.list_of(node, "security_opt"),
            sysctls: self.map_of(node, "sysctls"),
            ulimits: self.ulimits(node),
            shm_size: self.bytes_of(node, "shm_size"),
            read_only: self.flag_of(node, "read_only").unwrap_or(false),
            privileged: self.flag_of(node, "privileged").unwrap_or(false),
            devices: self.list_of(node, "devices"),
            pid: self.text_of(node, "pid"),
            ipc: self.text_of(node, "ipc"),
            stop_signal: self.text_of(node, "stop_signal"),
            stop_grace_period: self.duration_of(node, "stop_grace_period"),
            extra_hosts: self.extra_hosts(node),
            dns: self.list_of(node, "dns"),
            labels: self.map_of(node, "labels"),
            profiles: self.list_of(node, "profiles"),
            known_as: None,
            scale: self.scale(node),
            limits: self.limits(node),
            logging: node.get("logging").map(|logging| Logging {
                driver: self.text_of(logging, "driver"),
                options: self.map_of(logging, "options"),
            }),
            needs: Vec::new(),
            uses_workspace: false,
            build,
        };
        service.profiles.retain(|profile| !self.context.profiles.contains(profile));
        let inside = |path: &PathBuf| path.starts_with(&self.context.workspace);
        service.uses_workspace = service.build.as_ref().is_some_and(|build| inside(&build.context))
            || service
                .mounts
                .iter()
                .any(|mount| matches!(&mount.source, MountSource::Bind { path, .. } if inside(path)));
        self.guard(node, &mut service);
        service
    }

    fn build(&mut self, node: &Node) -> Build {
        if let Some(context) = node.text() {
            return Build { context: self.path(context), ..Build::default() };
        }
        self.check_keys(node, "build", keys::BUILD);
        if node.get("dockerfile").is_some() && node.get("dockerfile_inline").is_some() {
            self.bad(node.span, "`dockerfile` and `dockerfile_inline` exclude each other".into());
        }
        let context = self.text_of(node, "context").unwrap_or_else(|| ".".into());
        Build {
            context: self.path(&context),
            dockerfile: self.text_of(node, "dockerfile"),
            dockerfile_inline: self.text_of(node, "dockerfile_inline"),
            args: self.map_of(node, "args"),
            target: self.text_of(node, "target"),
            labels: self.map_of(node, "labels"),
            no_cache: self.flag_of(node, "no_cache").unwrap_or(false),
        }
    }

    fn dependencies(&mut self, node: &Node) -> BTreeMap<ServiceName, Dependency> {
        let Some(value) = node.get("depends_on") else { return BTreeMap::new() };
        let mut map = BTreeMap::new();
        let started = Dependency { condition: Condition::Started, restart: false, required: true };
        for item in value.items() {
            let name = self.text(item, "an entry of `depends_on`");
            if let Some(name) = name.and_then(|name| ServiceName::new(&name).ok()) {
                map.insert(name, started.clone());
            }
        }
        for entry in value.entries() {
            let condition = match self.text_of(&entry.value, "condition").as_deref() {
                None | Some("service_started") => Condition::Started,
                Some("service_healthy") => Condition::Healthy,
                Some("service_completed_successfully") => Condition::CompletedSuccessfully,
                Some(other) => {
                    let choices = "service_started, service_healthy and service_completed_successfully";
                    self.bad(entry.value.span, format!("there is no condition `{other}`; there are {choices}"));
                    Condition::Started
                }
            };
            if let Ok(name) = ServiceName::new(&entry.key) {
                let dependency = Dependency {
                    condition,
                    restart: self.flag_of(&entry.value, "restart").unwrap_or(false),
                    required: self.flag_of(&entry.value, "required").unwrap_or(true),
                };
                map.insert(name, dependency);
            }
        }
        if !matches!(value.value, Value::List(_) | Value::Map(_)) {
            self.wrong(value, "`depends_on`", "a list of services, or a map with conditions");
        }
        map
    }

    fn healthcheck(&mut self, node: &Node) -> Healthcheck {
        let disabled = self.flag_of(node, "disable").unwrap_or(false);
        let test = match node.get("test") {
            _ if disabled => vec!["NONE".into()],
            None => Vec::new(),
            Some(test) => match test.text() {
                Some(command) => vec!["CMD-SHELL".into(), command.to_owned()],
                None => self.list_of(node, "test"),
            },
        };
        if !test.is_empty() && !matches!(test[0].as_str(), "CMD" | "CMD-SHELL" | "NONE") {
            self.bad(node.span, format!("`test` has to begin with CMD, CMD-SHELL or NONE; here is `{}`", test[0]));
        }
        Healthcheck {
            test,
            interval: self.duration_of(node, "interval"),
            timeout: self.duration_of(node, "timeout"),
            retries: self.number_of(node, "retries"),
            start_period: self.duration_of(node, "start_period"),
            start_interval: self.duration_of(node, "start_interval"),
        }
    }

    fn restart(&mut self, node: &Node) -> RestartPolicy {
        let Some(value) = node.get("restart") else { return RestartPolicy::No };
        match value.scalar().as_deref() {
            // Bare `no` is a text in YAML 1.2; `false` is what it becomes elsewhere.
            Some("no" | "false") => RestartPolicy::No,
            Some("always") => RestartPolicy::Always,
            Some("unless-stopped") => RestartPolicy::UnlessStopped,
            Some("on-failure") => RestartPolicy::OnFailure(0),
            Some(text) => match text.strip_prefix("on-failure:").and_then(|count| count.parse().ok()) {
                Some(count) => RestartPolicy::OnFailure(count),
                None => {
                    self.wrong(value, "`restart`", "no, always, unless-stopped or on-failure[:n]");
                    RestartPolicy::No
                }
            },
            None => {
                self.wrong(value, "`restart`", "no, always, unless-stopped or on-failure[:n]");
                RestartPolicy::No
            }
        }
    }

    fn attachments(&mut self, node: &Node) -> BTreeMap<String, Attachment> {
        let Some(value) = node.get("networks") else { return BTreeMap::new() };
        let mut map: BTreeMap<String, Attachment> = value
            .items()
            .iter()
            .filter_map(|item| self.text(item, "an entry of `networks`"))
            .map(|name| (name, Attachment::default()))
            .collect();
        for entry in value.entries() {
            let attachment = Attachment {
                aliases: self.list_of(&entry.value, "aliases"),
                ipv4_address: self.text_of(&entry.value, "ipv4_address"),
                ipv6_address: self.text_of(&entry.value, "ipv6_address"),
                priority: self.number_of(&entry.value, "priority").unwrap_or(0),
            };
            map.insert(entry.key.clone(), attachment);
        }
        map
    }

    fn ulimits(&mut self, node: &Node) -> BTreeMap<String, Ulimit> {
        let Some(value) = node.get("ulimits") else { return BTreeMap::new() };
        let mut map = BTreeMap::new();
        for entry in value.entries() {
            let limit = match &entry.value.value {
                Value::Integer(both) => Some(Ulimit { soft: *both, hard: *both }),
                _ => {
                    let (soft, hard) = (self.number_of(&entry.value, "soft"), self.number_of(&entry.value, "hard"));
                    soft.zip(hard).map(|(soft, hard)| Ulimit { soft, hard })
                }
            };
            match limit {
                Some(limit) => drop(map.insert(entry.key.clone(), limit)),
                None => self.wrong(&entry.value, "a limit", "a number, or `soft` and `hard`"),
            }
        }
        map
    }

    fn extra_hosts(&mut self, node: &Node) -> Vec<(String, String)> {
        let Some(value) = node.get("extra_hosts") else { return Vec::new() };
        let mut hosts: Vec<(String, String)> = Vec::new();
        for entry in value.entries() {
            hosts.extend(self.text(&entry.value, "an address").map(|address| (entry.key.clone(), address)));
        }
        for item in value.items() {
            let Some(text) = self.text(item, "an entry of `extra_hosts`") else { continue };
            match text.split_once('=').or_else(|| text.split_once(':')) {
                Some((name, address)) => hosts.push((name.to_owned(), address.to_owned())),
                None => self.wrong(item, "an entry of `extra_hosts`", "`name=address`"),
            }
        }
        hosts
    }

    fn scale(&mut self, node: &Node) -> u32 {
        let deployed = node.get("deploy").and_then(|deploy| self.number_of(deploy, "replicas"));
        self.number_of(node, "scale").or(deployed).unwrap_or(1)
    }

    fn limits(&mut self, node: &Node) -> Limits {
        let resources = node.get("deploy").and_then(|deploy| deploy.get("resources")).cloned();
        let part = |name: &str| resources.as_ref().and_then(|all| all.get(name)).cloned();
        let (most, reserved) = (part("limits"), part("reservations"));
        Limits {
            memory: self
                .bytes_of(node, "mem_limit")
                .or_else(|| most.as_ref().and_then(|most| self.bytes_of(most, "memory"))),
            memory_reservation: self
                .bytes_of(node, "mem_reservation")
                .or_else(|| reserved.as_ref().and_then(|reserved| self.bytes_of(reserved, "memory"))),
            cpus: self.number_of(node, "cpus").or_else(|| most.as_ref().and_then(|most| self.number_of(most, "cpus"))),
            pids: self
                .number_of(node, "pids_limit")
                .or_else(|| most.as_ref().and_then(|most| self.number_of(most, "pids"))),
        }
    }
}
