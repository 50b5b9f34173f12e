//! What a database makes of an empty folder, kept in a volume: another container of the same image with the same
//! settings gets a volume that lies over it, and has nothing to initialise.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use sha2::{Digest, Sha256};

use super::engine::{Engine, EngineError, EngineFault, Observed};
use super::identity::Identity;
use super::plan::{ContainerAction, Plan, PlannedContainer};
use super::wanted::{ContainerSpec, VolumeSpec};
use crate::lab::ServiceName;
use crate::lab::stack::{Mount, MountSource, Service, repository};

/// Where PostgreSQL's images keep their data, unless PGDATA says otherwise. Source: their documentation on
/// hub.docker.com, "PGDATA" (17 and below; from 18 on the image's own environment says it).
const DATA: &str = "/var/lib/postgresql/data";
/// Scripts that fill a new database. Source: the same, "Initialization scripts".
const SCRIPTS: &str = "/docker-entrypoint-initdb.d";

/// The first data of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstData {
    /// Where its volume is mounted.
    pub target: String,
    /// The lab's volume that is mounted there, by its name on the engine; else one of ours has to be.
    pub volume: Option<String>,
    /// The same for containers that make the same of an empty folder.
    pub key: String,
}

/// Owner and mode of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    pub uid: u64,
    pub gid: u64,
    pub mode: u32,
}

impl std::fmt::Display for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{:o}", self.uid, self.gid, self.mode)
    }
}

impl std::str::FromStr for Root {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, ':');
        let mut part = || parts.next().unwrap_or_default();
        Ok(Self { uid: part().parse()?, gid: part().parse()?, mode: u32::from_str_radix(part(), 8)? })
    }
}

/// A volume that holds first data. Nothing writes to it, because others lie over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub volume: String,
    pub root: Root,
}

/// What an engine has of first data. Data without a mark is that of a command that was killed, or is made just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shelved {
    Data {
        volume: String,
    },
    Whole {
        mark: String,
        key: String,
        base: Base,
    },
    /// It cannot be kept on this engine.
    Unusable {
        mark: String,
        key: String,
    },
}

/// The volume that takes what is written to another one. No volume of a lab has a `.` where its project ends.
pub fn layer_of(volume: &str) -> String {
    format!("{}.layer", volume.replacen('_', ".", 1))
}

/// What the volumes of a service are called that the lab does not know. No volume of a lab has a space in its name.
pub fn key_of(service: &ServiceName) -> String {
    format!("data of {service}")
}

/// First data for a plan.
#[derive(Debug)]
pub struct Kept {
    pub identity: Identity,
    /// What each service's container begins with.
    pub found: BTreeMap<ServiceName, (FirstData, Base)>,
    /// Volumes of ours that services had, by service.
    stale: BTreeMap<ServiceName, Vec<String>>,
    /// Volumes that lie over others, with those.
    laid: Mutex<BTreeMap<String, String>>,
}

impl Kept {
    /// First data of none; what is there is known.
    pub fn none(identity: &Identity, plan: &Plan, observed: &Observed) -> Self {
        let of = |service: &ServiceName| {
            let key = key_of(service);
            let volumes = observed.volumes.iter().filter(move |volume| volume.key == key);
            (service.clone(), volumes.map(|volume| volume.name.clone()).collect())
        };
        let laid = observed.volumes.iter().filter_map(|volume| Some((volume.name.clone(), volume.base.clone()?)));
        Self {
            identity: identity.clone(),
            found: BTreeMap::new(),
            stale: plan.containers.iter().map(|planned| of(&planned.spec.service)).collect(),
            laid: Mutex::new(laid.collect()),
        }
    }

    /// Makes a volume of the lab, over first data if a service begins with it there.
    ///
    /// # Errors
    /// The engine refuses the volume, first data or not.
    pub async fn volume<E: Engine>(&self, engine: &E, spec: &VolumeSpec, plan: &Plan) -> Result<(), EngineError> {
        let mut found = self.found.iter().filter(|(_, (first, _))| first.volume.as_ref() == Some(&spec.name));
        if let Some((service, (_, base))) = found.next()
            && let Some(planned) = plan.containers.iter().find(|planned| planned.spec.service == *service)
            && self.lay(engine, spec, base, &planned.spec).await?
        {
            return Ok(());
        }
        engine.create_volume(spec).await
    }

    /// What is made of a service's container: with first data if it begins with it, and with a hold on what its
    /// volumes lie over, so that nobody removes that.
    ///
    /// # Errors
    /// The engine does not answer, or does not remove what the service had before.
    pub async fn container<E: Engine>(&self, engine: &E, spec: &ContainerSpec) -> Result<ContainerSpec, EngineError> {
        let mut spec = spec.clone();
        for stale in self.stale.get(&spec.service).into_iter().flatten() {
            engine.remove_volume(stale).await?;
        }
        if let Some((FirstData { target, volume: None, .. }, base)) = self.found.get(&spec.service) {
            let key = key_of(&spec.service);
            let own = VolumeSpec {
                name: format!("{}.data", spec.name),
                labels: self.identity.resource_labels("volume", &key),
                key: key.clone(),
                driver: None,
                driver_opts: BTreeMap::new(),
            };
            if self.lay(engine, &own, base, &spec).await? {
                let source = MountSource::Volume { name: key.clone(), nocopy: true, subpath: None };
                spec.definition.mounts.push(Mount { target: target.clone(), read_only: false, source });
                spec.volumes.insert(key, own.name);
            }
        }
        let laid = self.laid.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for volume in spec.volumes.values() {
            spec.beneath.extend(laid.get(volume).into_iter().flat_map(|base| [base.clone(), layer_of(volume)]));
        }
        Ok(spec)
    }

    /// Whether the volume lies over the first data now; if not, there is none of its name.
    async fn lay<E: Engine>(
        &self,
        engine: &E,
        volume: &VolumeSpec,
        base: &Base,
        container: &ContainerSpec,
    ) -> Result<bool, EngineError> {
        let image = (container.image.clone(), container.image_id.clone());
        match engine.lay(&self.identity, volume, base, &image).await {
            Ok(()) => {
                let mut laid = self.laid.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                laid.insert(volume.name.clone(), base.volume.clone());
                Ok(true)
            }
            Err(error) if error.fault == EngineFault::Unreachable => Err(error),
            // It can be forgotten at any time: then the database makes it anew.
            Err(_) => {
                engine.remove_volume(&volume.name).await?;
                engine.remove_volume(&layer_of(&volume.name)).await?;
                Ok(false)
            }
        }
    }
}

/// Databases that the plan makes.
pub fn made(plan: &Plan) -> impl Iterator<Item = &ContainerSpec> {
    let new = |one: &&PlannedContainer| matches!(one.action, ContainerAction::Create | ContainerAction::Recreate(_));
    plan.containers.iter().filter(new).map(|one| &one.spec).filter(|spec| is_known(spec))
}

/// Services of the plan that start with an empty folder of data, and what they will make of it. `folders` has
/// the PGDATA of images that say it.
pub fn wanted(plan: &Plan, folders: &BTreeMap<String, String>) -> Vec<(ServiceName, FirstData)> {
    let new: BTreeSet<&str> = plan.volumes.iter().map(|volume| volume.name.as_str()).collect();
    made(plan).filter_map(|spec| Some((spec.service.clone(), of(spec, &new, folders)?))).collect()
}

/// Whether it is a database whose first data we know how to keep.
fn is_known(spec: &ContainerSpec) -> bool {
    let image = spec.definition.image.as_deref().unwrap_or(&spec.image);
    repository(image) == "postgres" && spec.definition.scale == 1
}

fn of(spec: &ContainerSpec, new: &BTreeSet<&str>, folders: &BTreeMap<String, String>) -> Option<FirstData> {
    let definition = &spec.definition;
    let plain = definition.command.as_ref().is_none_or(|command| is_the_server(command));
    if !plain || definition.entrypoint.is_some() || definition.read_only {
        return None;
    }
    let asked = definition.environment.get("PGDATA").or_else(|| folders.get(&spec.image));
    let folder = asked.map_or(DATA, String::as_str).trim_end_matches('/').to_owned();
    let (mut target, mut volume) = (folder.clone(), None);
    let mut hash = Sha256::new();
    for mount in &definition.mounts {
        let inside = std::path::Path::new(&folder).starts_with(&mount.target);
        let fresh = match &mount.source {
            MountSource::Volume { name, subpath: None, .. } => {
                spec.volumes.get(name).filter(|name| new.contains(name.as_str()))
            }
            _ => None,
        };
        // What is there already is nobody's first data, and what else is mounted may be read while it is made.
        if inside && (fresh.is_none() || volume.is_some()) || !inside && !mount.target.starts_with(SCRIPTS) {
            return None;
        }
        if inside {
            (target, volume) = (mount.target.clone(), fresh.cloned());
        } else {
            let MountSource::Bind { path, .. } = &mount.source else { return None };
            hash.update(format!("{}={}\n", mount.target, content(path)?));
        }
    }
    let Service { environment, user, files, command, .. } = definition;
    let seen = (&spec.image_id, &folder, &target, environment, user, files, command);
    hash.update(format!("{seen:?}"));
    let key = hex::encode(&hash.finalize()[..16]);
    Some(FirstData { target, volume, key })
}

/// Whether a command is the image's own with settings that leave the server where it is asked: `postgres -c name=value`.
fn is_the_server(command: &[String]) -> bool {
    const ELSEWHERE: [&str; 5] = ["config_file", "data_directory", "hba_file", "listen_addresses", "port"];
    let [program, settings @ ..] = command else { return false };
    let stays = |setting: &str| setting.split_once('=').is_some_and(|(name, _)| !ELSEWHERE.contains(&name));
    program == "postgres" && settings.chunks(2).all(|pair| matches!(pair, [flag, one] if flag == "-c" && stays(one)))
}

/// A digest of a file, or of the files of a folder.
fn content(path: &std::path::Path) -> Option<String> {
    let mut hash = Sha256::new();
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        let entries: Result<Vec<_>, _> = std::fs::read_dir(path).ok()?.collect();
        paths = entries.ok()?.into_iter().map(|entry| entry.path()).collect();
        paths.sort();
    }
    for path in paths {
        hash.update(format!("{:?}\n", path.file_name()));
        hash.update(std::fs::read(&path).ok()?);
    }
    Some(hex::encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::wanted::VolumeSpec;

    fn postgres(change: impl FnOnce(&mut Service)) -> ContainerSpec {
        let mut definition = Service { image: Some("postgres:17".into()), scale: 1, ..Service::default() };
        definition.environment.insert("POSTGRES_PASSWORD".into(), "secret".into());
        change(&mut definition);
        let volumes = BTreeMap::from([("data".to_owned(), "lab_data".to_owned())]);
        ContainerSpec { volumes, ..ContainerSpec::bare(definition) }
    }

    fn first(change: impl FnOnce(&mut Service), new_volume: bool) -> Option<FirstData> {
        let volume = |name: &str| VolumeSpec {
            key: "data".into(),
            name: name.into(),
            labels: BTreeMap::new(),
            driver: None,
            driver_opts: BTreeMap::new(),
        };
        let plan = Plan {
            volumes: if new_volume { vec![volume("lab_data")] } else { Vec::new() },
            containers: vec![PlannedContainer {
                spec: postgres(change),
                action: ContainerAction::Create,
                reason: String::new(),
            }],
            ..Plan::default()
        };
        wanted(&plan, &BTreeMap::new()).into_iter().next().map(|(_, first)| first)
    }

    fn mount(target: &str, source: MountSource) -> Mount {
        Mount { target: target.into(), read_only: false, source }
    }

    fn volume() -> MountSource {
        MountSource::Volume { name: "data".into(), nocopy: false, subpath: None }
    }

    #[test]
    fn an_empty_folder_has_first_data_and_a_used_one_has_none() {
        let plain = first(|_| {}, false).unwrap();
        assert_eq!((plain.target.as_str(), &plain.volume), (DATA, &None));
        let named = |service: &mut Service| service.mounts.push(mount(DATA, volume()));
        assert_eq!(first(named, true).unwrap(), FirstData { volume: Some("lab_data".into()), ..plain });
        assert_eq!(first(named, false), None, "the volume is there already");
        let above = |service: &mut Service| service.mounts.push(mount("/var/lib/postgresql", volume()));
        assert_eq!(first(above, true).unwrap().target, "/var/lib/postgresql");
        let memory = MountSource::Tmpfs { size: None, mode: None };
        assert_eq!(first(|service| service.mounts.push(mount(DATA, memory)), true), None);
        let run = |words: &str| {
            let command = words.split(' ').map(str::to_owned).collect();
            first(|service| service.command = Some(command), true)
        };
        for other in ["sleep", "postgres -c port=5433", "postgres -p 5433", "postgres -c", "postgres --version"] {
            assert_eq!(run(other), None, "{other}");
        }
        assert_ne!(run("postgres -c max_connections=200").unwrap().key, first(|_| {}, false).unwrap().key);
        assert_eq!(first(|service| service.image = Some("registry.example/redis:8".into()), true), None);
        assert!(first(|service| service.image = Some("registry.example/postgres:17".into()), true).is_some());
    }

    #[test]
    fn what_changes_the_first_data_changes_its_key() {
        let plain = first(|_| {}, false).unwrap();
        let set = |name: &str, value: &str| {
            let (name, value) = (name.to_owned(), value.to_owned());
            first(move |service| drop(service.environment.insert(name, value)), false).unwrap()
        };
        assert_ne!(set("POSTGRES_DB", "shop").key, plain.key);
        assert_eq!(set("PGDATA", "/data/pg/").target, "/data/pg");
        let folder = tempfile::tempdir().unwrap();
        let scripts = || {
            let source = MountSource::Bind { path: folder.path().to_owned(), create: false };
            first(|service| service.mounts.push(mount(SCRIPTS, source)), false).unwrap()
        };
        let none = scripts();
        std::fs::write(folder.path().join("1.sql"), "CREATE TABLE a ();").unwrap();
        let one = scripts();
        std::fs::write(folder.path().join("1.sql"), "CREATE TABLE b ();").unwrap();
        assert!(none != one && one != scripts());
    }
}
