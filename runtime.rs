//! How a service's containers run: health check, restarts, limits, logging, names of hosts, devices.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::scalars::{Bare, given};
use super::{Author, Reader, keys};
use crate::catalog::tree::{Node, Value};
use crate::lab::stack::{Healthcheck, Limits, Logging, RestartPolicy, Ulimit};

const RESTARTS: &str = "no, always, unless-stopped or on-failure[:n]";

impl Reader<'_, '_> {
    pub(super) fn healthcheck(&mut self, node: &Node) -> Healthcheck {
        self.check_keys(node, "`healthcheck`", keys::HEALTHCHECK);
        let test = match given(node, "test") {
            None => Vec::new(),
            Some(test) if matches!(test.value, Value::List(_)) => self.list_of(node, "test"),
            Some(test) => {
                let command = self.text(test, "`test`");
                command.map(|command| vec!["CMD-SHELL".into(), command]).unwrap_or_default()
            }
        };
        let span = node.get("test").map_or(node.span, |test| test.span);
        match test.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] | ["NONE"] | ["CMD-SHELL", _] | ["CMD", _, ..] => {}
            ["NONE", ..] => self.bad(span, "`NONE` in `test` stands alone".into()),
            ["CMD-SHELL", ..] => self.bad(span, "`CMD-SHELL` in `test` takes one text, the command".into()),
            ["CMD"] => self.bad(span, "`CMD` in `test` needs a command behind it".into()),
            [other, ..] => {
                let hint = format!("write `[CMD, {other}, …]`, or the whole command as one text");
                let message = format!("`test` has to begin with CMD, CMD-SHELL or NONE; here is `{other}`");
                self.findings.error("wrong-value", span, message, hint);
            }
        }
        let disabled = self.flag_of(node, "disable").unwrap_or(false);
        Healthcheck {
            test: if disabled { vec!["NONE".into()] } else { test },
            interval: self.duration_of(node, "interval"),
            timeout: self.duration_of(node, "timeout"),
            retries: self.number_of(node, "retries"),
            start_period: self.duration_of(node, "start_period"),
            start_interval: self.duration_of(node, "start_interval"),
        }
    }

    /// `restart`, else `deploy.restart_policy`.
    pub(super) fn restart(&mut self, node: &Node) -> RestartPolicy {
        let deployed = self.deployed_restart(node);
        let Some(value) = given(node, "restart") else { return deployed.unwrap_or_default() };
        // Bare `no` is a text in YAML 1.2; `false` is what it became in YAML 1.1.
        let policy = match value.scalar().as_deref() {
            Some("no" | "false") => Some(RestartPolicy::No),
            Some("always") => Some(RestartPolicy::Always),
            Some("unless-stopped") => Some(RestartPolicy::UnlessStopped),
            Some("on-failure") => Some(RestartPolicy::OnFailure(0)),
            Some(text) => {
                text.strip_prefix("on-failure:").and_then(|count| count.parse().ok()).map(RestartPolicy::OnFailure)
            }
            None => None,
        };
        if policy.is_none() {
            self.wrong(value, "`restart`", RESTARTS);
        }
        policy.unwrap_or_default()
    }

    fn deployed_restart(&mut self, node: &Node) -> Option<RestartPolicy> {
        let policy = given(given(node, "deploy")?, "restart_policy")?.clone();
        self.check_keys(&policy, "`restart_policy`", keys::RESTART_POLICY);
        let attempts = self.number_of(&policy, "max_attempts").unwrap_or(0);
        match self.text_of(&policy, "condition").as_deref() {
            None | Some("any") => Some(RestartPolicy::Always),
            Some("none") => Some(RestartPolicy::No),
            Some("on-failure") => Some(RestartPolicy::OnFailure(attempts)),
            Some(_) => {
                self.wrong(policy.get("condition")?, "`condition`", "none, on-failure or any");
                None
            }
        }
    }

    /// Checks the keys of `deploy` and of what is in it.
    pub(super) fn deploy(&mut self, node: &Node) {
        let Some(deploy) = given(node, "deploy").cloned() else { return };
        self.check_keys(&deploy, "`deploy`", keys::DEPLOY);
        let Some(resources) = given(&deploy, "resources").cloned() else { return };
        self.check_keys(&resources, "`resources`", keys::RESOURCES);
        for (key, table) in [("limits", keys::LIMITS), ("reservations", keys::RESERVATIONS)] {
            if let Some(part) = given(&resources, key).cloned() {
                self.check_keys(&part, &format!("`{key}`"), table);
            }
        }
    }

    /// `scale`, else `deploy.replicas`, else one.
    pub(super) fn scale(&mut self, node: &Node) -> u32 {
        let deployed = given(node, "deploy").cloned().and_then(|deploy| self.number_of(&deploy, "replicas"));
        let own = self.number_of(node, "scale");
        self.one_of(node, ("scale", own), ("deploy.replicas", deployed)).unwrap_or(1)
    }

    /// Two places for one value have to agree, as in Compose.
    fn one_of<T: PartialEq>(&mut self, node: &Node, own: (&str, Option<T>), deployed: (&str, Option<T>)) -> Option<T> {
        if own.1.is_some() && deployed.1.is_some() && own.1 != deployed.1 {
            let span = node.get(own.0).map_or(node.span, |value| value.span);
            self.bad(span, format!("`{}` and `{}` say different things; keep one", own.0, deployed.0));
        }
        own.1.or(deployed.1)
    }

    pub(super) fn limits(&mut self, node: &Node) -> Limits {
        let empty = Node { span: node.span, value: Value::Null };
        let part = |name: &str| {
            let resources = given(node, "deploy").and_then(|deploy| given(deploy, "resources"));
            resources.and_then(|all| given(all, name)).map_or_else(|| empty.clone(), |part| (**part).clone())
        };
        let (most, reserved) = (part("limits"), part("reservations"));
        let (own, other) = (self.bytes_of(node, "mem_limit"), self.bytes_of(&most, "memory"));
        let memory = self.one_of(node, ("mem_limit", own), ("deploy.resources.limits.memory", other));
        let (own, other) = (self.bytes_of(node, "mem_reservation"), self.bytes_of(&reserved, "memory"));
        let memory_reservation =
            self.one_of(node, ("mem_reservation", own), ("deploy.resources.reservations.memory", other));
        let (own, other) = (self.number_of::<f64>(node, "cpus"), self.number_of::<f64>(&most, "cpus"));
        let cpus = self.one_of(node, ("cpus", own), ("deploy.resources.limits.cpus", other));
        let (own, other) = (self.number_of(node, "pids_limit"), self.number_of(&most, "pids"));
        let pids: Option<i64> = self.one_of(node, ("pids_limit", own), ("deploy.resources.limits.pids", other));
        if cpus.is_some_and(|cpus| !cpus.is_finite() || cpus < 0.0) {
            self.bad(node.get("cpus").map_or(node.span, |value| value.span), "`cpus` cannot be negative".into());
        }
        // "No limit" is the same as saying nothing; what is then given is decided where containers are made.
        let unlimited = memory == Some(0) || cpus == Some(0.0) || pids.is_some_and(|pids| pids <= 0);
        if unlimited && self.context.author == Author::Lab {
            self.warn(node.span, "a service of a lab cannot be without limits; the usual ones are set".into());
        }
        Limits {
            memory: memory.filter(|bytes| *bytes > 0),
            memory_reservation: memory_reservation.filter(|bytes| *bytes > 0),
            cpus: cpus.filter(|cpus| *cpus > 0.0 && cpus.is_finite()),
            pids: pids.filter(|pids| *pids > 0),
        }
    }

    pub(super) fn logging(&mut self, node: &Node) -> Option<Logging> {
        let logging = given(node, "logging")?.clone();
        self.check_keys(&logging, "`logging`", keys::LOGGING);
        Some(Logging {
            driver: self.text_of(&logging, "driver"),
            options: self.map_of(&logging, "options", Bare::Empty),
        })
    }

    pub(super) fn ulimits(&mut self, node: &Node) -> BTreeMap<String, Ulimit> {
        let mut map = BTreeMap::new();
        let Some(value) = given(node, "ulimits").cloned() else { return map };
        if !matches!(value.value, Value::Map(_)) {
            self.wrong(&value, "`ulimits`", "a map");
        }
        for entry in value.entries() {
            let limit = match &entry.value.value {
                Value::Map(_) => {
                    self.check_keys(&entry.value, "a limit", keys::ULIMIT);
                    let (soft, hard) = (self.number_of(&entry.value, "soft"), self.number_of(&entry.value, "hard"));
                    soft.zip(hard).map(|(soft, hard)| Ulimit { soft, hard })
                }
                _ => entry.value.scalar().and_then(|text| text.parse().ok()).map(|both| Ulimit { soft: both, hard: both }),
            };
            match limit {
                Some(limit) => drop(map.insert(entry.key.clone(), limit)),
                None => self.wrong(&entry.value, &format!("the limit `{}`", entry.key), "a number, or `soft` and `hard`"),
            }
        }
        map
    }

    /// A list of `name=address` or `name:address`, or a map of one or more addresses a name.
    pub(super) fn extra_hosts(&mut self, node: &Node) -> Vec<(String, String)> {
        let Some(value) = given(node, "extra_hosts").cloned() else { return Vec::new() };
        if !matches!(value.value, Value::List(_) | Value::Map(_)) {
            self.wrong(&value, "`extra_hosts`", "a map, or a list of `name=address`");
        }
        let mut hosts = Vec::new();
        for entry in value.entries() {
            for (address, span) in self.one_or_more(&value, &entry.key) {
                hosts.push((entry.key.clone(), address, span));
            }
        }
        for item in value.items() {
            let Some(text) = self.text(item, "an entry of `extra_hosts`") else { continue };
            match text.split_once('=').or_else(|| text.split_once(':')) {
                Some((name, address)) => hosts.push((name.to_owned(), address.to_owned(), item.span)),
                None => self.wrong(item, "an entry of `extra_hosts`", "like `name=address`"),
            }
        }
        let mut read = Vec::new();
        for (name, address, span) in hosts {
            let plain = address.trim_matches(['[', ']']);
            if plain != "host-gateway" && plain.parse::<IpAddr>().is_err() {
                self.bad(span, format!("`{address}` is no address for `{name}`; write an IP address or `host-gateway`"));
                continue;
            }
            read.push((name, plain.to_owned()));
        }
        read
    }

    /// Devices as `host[:container[:permissions]]`.
    pub(super) fn devices(&mut self, node: &Node) -> Vec<String> {
        let mut devices = Vec::new();
        for item in self.items_of(node, "devices") {
            let Value::Map(_) = item.value else {
                devices.extend(self.text(&item, "an entry of `devices`"));
                continue;
            };
            self.check_keys(&item, "a device", keys::DEVICE);
            let Some(source) = self.text_of(&item, "source") else {
                self.bad(item.span, "a device needs `source`".into());
                continue;
            };
            let target = self.text_of(&item, "target").unwrap_or_else(|| source.clone());
            let permissions = self.text_of(&item, "permissions").map(|rights| format!(":{rights}"));
            devices.push(format!("{source}:{target}{}", permissions.unwrap_or_default()));
        }
        devices
    }
}
