//! A wanted container in the engine's words.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use bollard::models::{
    ContainerCreateBody, DeviceMapping, EndpointIpamConfig, EndpointSettings, HealthConfig, HostConfig,
    HostConfigLogConfig, Ipam, IpamConfig, Mount, MountBindOptions, MountTmpfsOptions, MountType, MountVolumeOptions,
    NetworkConnectRequest, NetworkCreateRequest, NetworkingConfig, PortBinding, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum, VolumeCreateRequest,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListNetworksOptionsBuilder, UploadToContainerOptionsBuilder,
};

use super::{DockerEngine, call, limit};
use crate::environment::engine::Engine;
use crate::environment::identity;
use crate::environment::wanted::{ContainerSpec, NetworkSpec, VolumeSpec};
use crate::environment::{EngineError, EngineFault};
use crate::lab::stack::{self, InjectedFile, MountSource, Protocol};

/// Where a container has the volumes that others of its volumes lie over.
const HELD: &str = "/.labrunner";
/// How long the engine may take to show what it has reserved a name for.
const UNSEEN: Duration = Duration::from_secs(10);

impl DockerEngine {
    /// Labels, and whose it is.
    fn labelled(&self, labels: &BTreeMap<String, String>) -> HashMap<String, String> {
        let mut labels: HashMap<String, String> = labels.clone().into_iter().collect();
        labels.insert(identity::OWNER.into(), self.owner.to_string());
        labels
    }

    pub(super) async fn make_network(&self, spec: &NetworkSpec) -> Result<(), EngineError> {
        let definition = &spec.definition;
        let config =
            definition.subnets.iter().map(|subnet| IpamConfig { subnet: Some(subnet.clone()), ..Default::default() });
        let request = NetworkCreateRequest {
            name: spec.name.clone(),
            driver: Some(definition.driver.clone().unwrap_or_else(|| "bridge".into())),
            internal: Some(definition.internal),
            attachable: Some(definition.attachable),
            enable_ipv6: definition.enable_ipv6.then_some(true),
            options: Some(definition.driver_opts.clone().into_iter().collect()),
            labels: Some(self.labelled(&spec.labels)),
            ipam: (!definition.subnets.is_empty())
                .then(|| Ipam { config: Some(config.collect()), ..Default::default() }),
            ..Default::default()
        };
        let create = self.docker.create_network(request);
        let made = call(format!("create network {}", spec.name), limit::CREATE, create).await?;
        self.only_network(&spec.name, &made.id).await
    }

    /// Makes the name of a container free, if a command that was killed while it made one has left it: the engine
    /// reserves the name first and shows the container a moment later.
    async fn give_way(&self, mut error: EngineError, spec: &ContainerSpec, began: Instant) -> Result<(), EngineError> {
        match call("inspect a container", limit::LOOK, self.docker.inspect_container(&spec.name, None)).await {
            Ok(found) => {
                let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
                let ours = self.is_ours(&labels)
                    && [identity::LAB, identity::INSTANCE, identity::SERVICE]
                        .iter()
                        .all(|key| labels.get(*key) == spec.labels.get(*key));
                if let (true, Some(id)) = (ours, found.id) {
                    return self.remove(&id).await;
                }
            }
            Err(unseen) if unseen.fault == EngineFault::NotFound && began.elapsed() < UNSEEN => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                return Ok(());
            }
            Err(_) => {}
        }
        error.message = format!(
            "a container named `{}` exists that labrunner did not make; remove or rename it (`docker rm {}`)",
            spec.name, spec.name
        );
        Err(error)
    }

    pub(super) async fn join(
        &self,
        id: &str,
        network: &str,
        aliases: &[String],
        address: Option<&str>,
    ) -> Result<(), EngineError> {
        let request =
            NetworkConnectRequest { container: id.to_owned(), endpoint_config: Some(endpoint(aliases, address)) };
        call(format!("join network {network}"), limit::CREATE, self.docker.connect_network(network, request)).await
    }

    /// Removes other networks of this name: engines allow several, and a command that was killed while it made
    /// one may have been too late for the next to see it.
    async fn only_network(&self, name: &str, id: &str) -> Result<(), EngineError> {
        let filters = std::collections::HashMap::from([("name", vec![name.to_owned()])]);
        let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let found = call("list networks", limit::LOOK, self.docker.list_networks(Some(options))).await?;
        for other in found.into_iter().filter(|one| one.name.as_deref() == Some(name)).filter_map(|one| one.id) {
            if other != id {
                self.remove_network(&other).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn make_volume(&self, spec: &VolumeSpec) -> Result<(), EngineError> {
        let request = VolumeCreateRequest {
            name: Some(spec.name.clone()),
            driver: spec.driver.clone(),
            driver_opts: Some(spec.driver_opts.clone().into_iter().collect()),
            labels: Some(self.labelled(&spec.labels)),
            ..Default::default()
        };
        call(format!("create volume {}", spec.name), limit::CREATE, self.docker.create_volume(request)).await.map(drop)
    }

    pub(super) async fn make_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        let mut options = CreateContainerOptionsBuilder::new().name(&spec.name);
        if let Some(platform) = &spec.definition.platform {
            options = options.platform(platform);
        }
        let operation = format!("create container {}", spec.name);
        let options = options.build();
        let began = Instant::now();
        let id = loop {
            let body = ContainerCreateBody { labels: Some(self.labelled(&spec.labels)), ..body(spec) };
            let create = self.docker.create_container(Some(options.clone()), body);
            match call(operation.clone(), limit::CREATE, create).await {
                Ok(made) => break made.id,
                Err(error) if error.fault == EngineFault::Conflict => self.give_way(error, spec, began).await?,
                Err(error) => return Err(error),
            }
        };
        // Engines before API 1.44 take one network at creation; the others are joined before the start.
        for (network, aliases, address) in spec.networks.iter().skip(1) {
            self.join(&id, network, aliases, address.as_deref()).await?;
        }
        if !spec.definition.files.is_empty() {
            let archive = archive(&spec.definition.files).map_err(|error| EngineError {
                operation: format!("pack the files of {}", spec.name),
                fault: EngineFault::Other,
                message: error.to_string(),
            })?;
            let options = UploadToContainerOptionsBuilder::new().path("/").build();
            let upload = self.docker.upload_to_container(&id, Some(options), bollard::body_full(archive.into()));
            call(format!("put files into {}", spec.name), limit::CREATE, upload).await?;
        }
        Ok(id)
    }
}

fn body(spec: &ContainerSpec) -> ContainerCreateBody {
    let service = &spec.definition;
    let environment = service.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let first = spec.networks.first();
    let exposed = service
        .expose
        .iter()
        .map(|port| format!("{port}/tcp"))
        .chain(spec.bindings.iter().map(|binding| port_key(binding.target, binding.protocol)))
        .collect();
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        cmd: service.command.clone(),
        entrypoint: service.entrypoint.clone(),
        env: Some(environment),
        user: service.user.clone(),
        working_dir: service.working_dir.clone(),
        hostname: service.hostname.clone(),
        domainname: service.domainname.clone(),
        tty: Some(service.tty),
        open_stdin: Some(service.stdin_open),
        exposed_ports: Some(exposed),
        healthcheck: service.healthcheck.as_ref().map(healthcheck),
        stop_signal: service.stop_signal.clone(),
        stop_timeout: service.stop_grace_period.and_then(|grace| grace.as_secs().try_into().ok()),
        host_config: Some(host_config(spec)),
        networking_config: first.map(|(network, aliases, address)| NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network.clone(), endpoint(aliases, address.as_deref()))])),
        }),
        ..Default::default()
    }
}

/// Nothing of /proc and /sys is hidden or read-only. An option of Docker's client: the engine knows two lists of paths
/// instead. Source: docker/cli, `--security-opt`.
const HIDES_NOTHING: [&str; 2] = ["systempaths=unconfined", "systempaths:unconfined"];

fn options_of_the_engine(options: &[String]) -> Vec<String> {
    options.iter().filter(|option| !HIDES_NOTHING.contains(&option.as_str())).cloned().collect()
}

fn host_config(spec: &ContainerSpec) -> HostConfig {
    let service = &spec.definition;
    let limits = &service.limits;
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let bytes = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
    let hides_nothing = service.security_opt.iter().any(|option| HIDES_NOTHING.contains(&option.as_str()));
    HostConfig {
        network_mode: service
            .network_mode
            .clone()
            .or_else(|| spec.networks.first().map(|(network, ..)| network.clone())),
        port_bindings: Some(port_bindings(spec)),
        mounts: Some(mounts(spec)),
        restart_policy: Some(restart(service.restart)),
        init: service.init,
        privileged: Some(service.privileged),
        cap_add: some(&service.cap_add),
        cap_drop: some(&service.cap_drop),
        security_opt: some(&options_of_the_engine(&service.security_opt)),
        masked_paths: hides_nothing.then(Vec::new),
        readonly_paths: hides_nothing.then(Vec::new),
        sysctls: Some(service.sysctls.clone().into_iter().collect()),
        ulimits: Some(
            service
                .ulimits
                .iter()
                .map(|(name, limit)| ResourcesUlimits {
                    name: Some(name.clone()),
                    soft: Some(limit.soft),
                    hard: Some(limit.hard),
                })
                .collect(),
        ),
        shm_size: bytes(service.shm_size),
        readonly_rootfs: Some(service.read_only),
        memory: bytes(limits.memory),
        memory_reservation: bytes(limits.memory_reservation),
        nano_cpus: limits.cpus.map(|cpus| (cpus * 1e9) as i64),
        pids_limit: limits.pids,
        extra_hosts: Some(service.extra_hosts.iter().map(|(name, address)| format!("{name}:{address}")).collect()),
        dns: some(&service.dns),
        group_add: some(&service.group_add),
        pid_mode: service.pid.clone(),
        ipc_mode: service.ipc.clone(),
        devices: Some(service.devices.iter().map(|text| device(text)).collect()),
        log_config: service.logging.as_ref().map(|logging| HostConfigLogConfig {
            typ: logging.driver.clone(),
            config: Some(logging.options.clone().into_iter().collect()),
        }),
        ..Default::default()
    }
}

fn endpoint(aliases: &[String], address: Option<&str>) -> EndpointSettings {
    EndpointSettings {
        aliases: Some(aliases.to_vec()),
        ipam_config: address
            .map(|address| EndpointIpamConfig { ipv4_address: Some(address.to_owned()), ..Default::default() }),
        ..Default::default()
    }
}

fn port_key(target: u16, protocol: Protocol) -> String {
    match protocol {
        Protocol::Tcp => format!("{target}/tcp"),
        Protocol::Udp => format!("{target}/udp"),
    }
}

fn port_bindings(spec: &ContainerSpec) -> HashMap<String, Option<Vec<PortBinding>>> {
    let mut map: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
    for binding in &spec.bindings {
        let entry = map.entry(port_key(binding.target, binding.protocol)).or_default().get_or_insert_default();
        entry.push(PortBinding {
            host_ip: Some(binding.host_ip.clone()),
            host_port: Some(binding.host_port.map(|port| port.to_string()).unwrap_or_default()),
        });
    }
    map
}

fn mounts(spec: &ContainerSpec) -> Vec<Mount> {
    let make = |mount: &stack::Mount| {
        let mut made =
            Mount { target: Some(mount.target.clone()), read_only: Some(mount.read_only), ..Default::default() };
        match &mount.source {
            MountSource::Bind { path, .. } => {
                made.typ = Some(MountType::BIND);
                made.source = Some(path.display().to_string());
                made.bind_options = Some(MountBindOptions::default());
            }
            MountSource::Volume { name, nocopy, subpath } => {
                made.typ = Some(MountType::VOLUME);
                made.source = spec.volumes.get(name).cloned();
                made.volume_options =
                    Some(MountVolumeOptions { no_copy: Some(*nocopy), subpath: subpath.clone(), ..Default::default() });
            }
            MountSource::Anonymous => made.typ = Some(MountType::VOLUME),
            MountSource::Tmpfs { size, mode } => {
                made.typ = Some(MountType::TMPFS);
                made.tmpfs_options = Some(MountTmpfsOptions {
                    size_bytes: size.and_then(|size| size.try_into().ok()),
                    mode: mode.map(i64::from),
                    ..Default::default()
                });
            }
        }
        made
    };
    let held = |(number, volume): (usize, &String)| Mount {
        typ: Some(MountType::VOLUME),
        source: Some(volume.clone()),
        target: Some(format!("{HELD}/{number}")),
        read_only: Some(true),
        volume_options: Some(MountVolumeOptions { no_copy: Some(true), ..Default::default() }),
        ..Default::default()
    };
    spec.definition.mounts.iter().map(make).chain(spec.beneath.iter().enumerate().map(held)).collect()
}

fn restart(policy: stack::RestartPolicy) -> RestartPolicy {
    let (name, count) = match policy {
        stack::RestartPolicy::No => (RestartPolicyNameEnum::NO, None),
        stack::RestartPolicy::Always => (RestartPolicyNameEnum::ALWAYS, None),
        stack::RestartPolicy::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
        stack::RestartPolicy::OnFailure(count) => (RestartPolicyNameEnum::ON_FAILURE, Some(count.into())),
    };
    RestartPolicy { name: Some(name), maximum_retry_count: count }
}

fn healthcheck(check: &stack::Healthcheck) -> HealthConfig {
    let nanos = |time: Option<Duration>| time.and_then(|time| i64::try_from(time.as_nanos()).ok());
    HealthConfig {
        test: (!check.test.is_empty()).then(|| check.test.clone()),
        interval: nanos(check.interval),
        timeout: nanos(check.timeout),
        retries: check.retries.map(i64::from),
        start_period: nanos(check.start_period),
        start_interval: nanos(check.start_interval),
    }
}

/// `host[:container[:permissions]]`, as `docker run --device` reads it.
fn device(text: &str) -> DeviceMapping {
    let mut parts = text.split(':');
    let host = parts.next().unwrap_or_default().to_owned();
    DeviceMapping {
        path_in_container: Some(parts.next().unwrap_or(&host).to_owned()),
        cgroup_permissions: Some(parts.next().unwrap_or("rwm").to_owned()),
        path_on_host: Some(host),
    }
}

fn archive(files: &[InjectedFile]) -> std::io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.content.len() as u64);
        header.set_mode(file.mode);
        header.set_uid(file.uid.into());
        header.set_gid(file.gid.into());
        header.set_cksum();
        builder.append_data(&mut header, file.target.trim_start_matches('/'), file.content.as_slice())?;
    }
    builder.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::stack::Service;

    #[test]
    fn an_option_of_the_client_becomes_what_the_engine_knows() {
        let options = |list: &[&str]| Service {
            security_opt: list.iter().map(|option| (*option).to_owned()).collect(),
            ..Service::default()
        };
        let made = host_config(&ContainerSpec::bare(options(&["seccomp=unconfined", "systempaths=unconfined"])));
        assert_eq!(made.security_opt, Some(vec!["seccomp=unconfined".to_owned()]));
        assert_eq!((made.masked_paths, made.readonly_paths), (Some(vec![]), Some(vec![])));
        let usual = host_config(&ContainerSpec::bare(options(&["seccomp=unconfined"])));
        assert_eq!((usual.masked_paths, usual.readonly_paths), (None, None));
    }
}
