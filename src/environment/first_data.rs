//! What a database makes of an empty folder, kept: another container of the same image with the same settings gets it
//! before it starts, and has nothing to initialise.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::engine::{Engine, EngineError, EngineFault};
use super::intent::{Intent, Journal, JournalError};
use super::plan::{ContainerAction, Plan, PlannedContainer};
use super::wanted::ContainerSpec;
use crate::lab::ServiceName;
use crate::lab::stack::{MountSource, repository};

/// Where PostgreSQL's images keep their data, unless PGDATA says otherwise. Source: their documentation on
/// hub.docker.com, "PGDATA" (17 and below; from 18 on the image's own environment says it).
const DATA: &str = "/var/lib/postgresql/data";
/// Scripts that fill a new database. Source: the same, "Initialization scripts".
const SCRIPTS: &str = "/docker-entrypoint-initdb.d";

/// The first data of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstData {
    /// The folder in the container, without a `/` at its end.
    pub folder: String,
    /// The same for containers that make the same of an empty folder.
    pub key: String,
}

/// First data that is kept, for those who start.
#[derive(Debug)]
pub struct Kept {
    /// The folder in the container, and the archive.
    pub archives: BTreeMap<ServiceName, (String, PathBuf)>,
    /// Who is killed while it puts data in leaves half of it: that is written down before.
    pub journal: Mutex<Journal>,
}

impl Kept {
    /// Puts a service's first data, if it is kept, into its container, which has not started yet.
    ///
    /// # Errors
    /// It is not in there, or half of it: the next command makes the service anew, without this archive.
    pub async fn put<E: Engine>(&self, engine: &E, service: &ServiceName, id: &str) -> Result<(), EngineError> {
        let Some((folder, archive)) = self.archives.get(service) else { return Ok(()) };
        let journal = self.journal.lock().await;
        let unwritten = |error: JournalError| EngineError {
            operation: format!("put first data into `{service}`"),
            fault: EngineFault::Other,
            message: error.to_string(),
        };
        let half = Intent::Reset { services: vec![service.to_string()] };
        journal.begin(&half).map_err(unwritten)?;
        if let Err(error) = engine.put_in(id, folder, archive).await {
            if error.fault != EngineFault::Unreachable {
                let _ = std::fs::remove_file(archive);
            }
            return Err(error);
        }
        journal.done(&half).map_err(unwritten)
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
    if definition.command.is_some() || definition.entrypoint.is_some() || definition.read_only {
        return None;
    }
    let asked = definition.environment.get("PGDATA").or_else(|| folders.get(&spec.image));
    let folder = asked.map_or(DATA, String::as_str).trim_end_matches('/').to_owned();
    let mut hash = Sha256::new();
    for mount in &definition.mounts {
        let inside = std::path::Path::new(&folder).starts_with(&mount.target);
        let fresh = match &mount.source {
            MountSource::Volume { name, subpath: None, .. } => {
                spec.volumes.get(name).is_some_and(|name| new.contains(name.as_str()))
            }
            _ => false,
        };
        // What is there already is nobody's first data, and what else is mounted may be read while it is made.
        if inside && !fresh || !inside && !mount.target.starts_with(SCRIPTS) {
            return None;
        }
        if !inside {
            let MountSource::Bind { path, .. } = &mount.source else { return None };
            hash.update(format!("{}={}\n", mount.target, content(path)?));
        }
    }
    let seen = (&spec.image_id, &folder, &definition.environment, &definition.user, &definition.files);
    hash.update(format!("{seen:?}"));
    let key = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Some(FirstData { folder, key })
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
    Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::wanted::VolumeSpec;
    use crate::lab::stack::{Mount, Service};

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
        assert_eq!(plain.folder, DATA);
        let named = |service: &mut Service| service.mounts.push(mount(DATA, volume()));
        assert_eq!(first(named, true).unwrap().key, plain.key);
        assert_eq!(first(named, false), None, "the volume is there already");
        let above = |service: &mut Service| service.mounts.push(mount("/var/lib/postgresql", volume()));
        assert!(first(above, true).is_some());
        let memory = MountSource::Tmpfs { size: None, mode: None };
        assert_eq!(first(|service| service.mounts.push(mount(DATA, memory)), true), None);
        assert_eq!(first(|service| service.command = Some(vec!["sleep".into()]), true), None);
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
        assert_eq!(set("PGDATA", "/data/pg/").folder, "/data/pg");
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
