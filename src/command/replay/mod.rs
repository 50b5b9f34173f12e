//! Replays of a learner's workflows: machines for their jobs are containers in the environment's network, images are
//! built by the engine, and pushed into registries of the lab.

mod beside;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use crate::check::World;
use crate::check::probe::workflow;
use crate::check::workflow::machine::{HOME, SOURCE};
use crate::check::workflow::{Built, Given, ImageBuild, MachineSpec, Machines, Workflow, replay};
use crate::check::world::{Command, Observation, Output, Unobservable};
use crate::command::app::{App, Opened};
use crate::docker::DockerEngine;
use crate::docker::world::{DockerWorld, asked, told};
use crate::environment::EngineError;
use crate::environment::engine::{Engine, ExecRequest};
use crate::environment::wanted::{ContainerSpec, network_name};
use crate::event::Event;
use crate::image::{self, BuildRequest, ImageEngine, ImageError, Reference};
use crate::lab::stack::{Limits, Mount, MountSource, Service};
use crate::lab::{RUNNER_IMAGE, ServiceName};

const MEMORY: u64 = 2 << 30;
const LOG_LINES: usize = 40;

/// Replays the workspace's workflows, as a step asks.
///
/// # Errors
/// They ask for what the replay does not know, or take longer than `limit`.
pub async fn observe(
    app: &App,
    opened: &Opened,
    world: &DockerWorld,
    fields: &Value,
    limit: Duration,
) -> Result<Observation, Unobservable> {
    let texts = |key: &str| -> BTreeMap<String, String> {
        let given = fields[key].as_object().into_iter().flatten();
        given
            .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect()
    };
    let given = Given { secrets: texts("secrets"), variables: texts("variables") };
    let (workflows, happening) = workflow::asked(fields, &opened.workspace)?;
    let started: Vec<&Workflow> = workflows.iter().filter(|workflow| workflow.runs_on(&happening)).collect();
    let hall = Hall {
        app,
        opened,
        world,
        engine: &world.engine,
        open: Mutex::default(),
        going: Mutex::default(),
        built: Mutex::default(),
        count: AtomicU32::new(0),
    };
    let done = tokio::time::timeout(limit, replay(&hall, &started, &happening, &given)).await;
    hall.close_all().await;
    let mut seen = done.unwrap_or(Err(Unobservable::TimedOut { service: None, after: limit }))?;
    let written = workflow::written(&workflows, &happening)?;
    seen.fields.extend(written.fields);
    if let (Value::Object(main), Value::Object(more)) = (&mut seen.main, written.main) {
        main.extend(more);
    }
    Ok(seen)
}

/// Where the machines of one replay stand.
struct Hall<'a> {
    app: &'a App,
    opened: &'a Opened,
    world: &'a DockerWorld,
    engine: &'a DockerEngine,
    /// By machine: the containers beside it.
    open: Mutex<HashMap<String, Vec<String>>>,
    /// Containers that are done for and go.
    going: Mutex<JoinSet<Result<(), EngineError>>>,
    /// Names of images that were built.
    built: Mutex<Vec<String>>,
    count: AtomicU32,
}

impl Hall<'_> {
    fn open(&self) -> MutexGuard<'_, HashMap<String, Vec<String>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes everything away. What was seen stands, whatever stays behind.
    async fn close_all(&self) {
        let machines: Vec<String> = self.open().keys().cloned().collect();
        machines.iter().for_each(|machine| self.close(machine));
        let going = std::mem::take(&mut *self.going.lock().unwrap_or_else(PoisonError::into_inner));
        let mut behind: Vec<String> =
            going.join_all().await.into_iter().filter_map(|gone| gone.err().map(|error| error.to_string())).collect();
        let built = std::mem::take(&mut *self.built.lock().unwrap_or_else(PoisonError::into_inner));
        for name in built {
            behind.extend(self.engine.forget(&name).await.err().map(|error| error.to_string()));
        }
        behind.into_iter().for_each(|text| self.app.sink.emit(Event::Warning { text }));
    }

    /// An image by the name that a workflow uses.
    async fn image(&self, name: &str) -> Result<(String, String), Unobservable> {
        let found = image::ensure(self.engine, &[name.to_owned()], &self.app.means()).await;
        let found = found.map_err(|error| Unobservable::Machine(format!("the image `{name}` of a job: {error}")))?;
        let ready = found.get(name).ok_or_else(|| Unobservable::Machine(format!("the image `{name}` is not there")))?;
        Ok((ready.name.clone(), ready.id.clone()))
    }

    /// Makes a container and starts it; it stands until the replay ends.
    async fn begin(&self, kind: &str, image: (String, String), definition: Service) -> Result<String, Unobservable> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let identity = &self.opened.identity;
        let volumes = definition.mounts.iter().filter_map(|mount| match &mount.source {
            MountSource::Volume { name, .. } => Some((name.clone(), identity.resource_name(name))),
            _ => None,
        });
        // The containers beside a job share its network.
        let network = (network_name(&self.world.lab.stack, identity, "default"), Vec::new(), None);
        let spec = ContainerSpec {
            name: format!("{}-{kind}-{:x}-{number}", identity.project(), crate::command::verify::fresh_seed()),
            replica: 1,
            image: image.0,
            image_id: image.1,
            networks: if definition.network_mode.is_none() { vec![network] } else { Vec::new() },
            volumes: volumes.collect(),
            beneath: Vec::new(),
            bindings: Vec::new(),
            // Labelled as a service that no lab has, so that the next plan removes it should this command be killed.
            labels: identity.container_labels(&ServiceName::own("job"), 1),
            stop_grace: Duration::ZERO,
            service: ServiceName::own("job"),
            definition,
        };
        let id = self.engine.create(&spec).await.map_err(machine)?;
        // Known before it is started: whatever happens, it is taken away.
        self.open().insert(id.clone(), Vec::new());
        self.engine.start(&id).await.map_err(machine)?;
        Ok(id)
    }
}

impl Machines for Hall<'_> {
    async fn open(&self, spec: &MachineSpec) -> Result<String, Unobservable> {
        let image = self.image(spec.image.as_deref().unwrap_or(RUNNER_IMAGE)).await?;
        let source = match self.world.workspace_volume.clone() {
            Some(name) => MountSource::Volume { name, nocopy: true, subpath: None },
            None => MountSource::Bind { path: self.opened.workspace.clone(), create: false },
        };
        let source = Mount { target: SOURCE.into(), read_only: true, source };
        // Thousands of small files are much slower in a container's own layer.
        let disks =
            [HOME, "/tmp"].map(|path| Mount { target: path.into(), read_only: false, source: MountSource::Anonymous });
        let definition = Service {
            command: Some(["tail", "-f", "/dev/null"].map(str::to_owned).to_vec()),
            entrypoint: Some(Vec::new()),
            init: Some(true),
            user: Some("0:0".into()),
            environment: spec.environment.clone().into_iter().collect(),
            extra_hosts: spec.beside.iter().map(|beside| (beside.name.clone(), "127.0.0.1".to_owned())).collect(),
            mounts: std::iter::once(source).chain(disks).collect(),
            limits: limits(),
            ..Service::default()
        };
        let id = self.begin("job", image, definition).await?;
        for beside in &spec.beside {
            self.begin_beside(&id, beside).await?;
        }
        Ok(id)
    }

    async fn run(&self, id: &str, command: &Command) -> Result<Output, Unobservable> {
        self.engine.exec(id, &asked(command)).await.map(told).map_err(machine)
    }

    fn close(&self, machine: &str) {
        let beside = self.open().remove(machine).unwrap_or_default();
        let mut going = self.going.lock().unwrap_or_else(PoisonError::into_inner);
        for id in beside.into_iter().chain([machine.to_owned()]) {
            let engine = self.engine.clone();
            going.spawn(async move { engine.remove(&id).await });
        }
    }

    async fn build(&self, id: &str, build: &ImageBuild) -> Result<Built, Unobservable> {
        let argv = ["tar", "-C", &build.context, "-cf", "-", "."].map(str::to_owned).to_vec();
        let request = ExecRequest { argv, whole: true, ..ExecRequest::default() };
        let packed = self.engine.exec(id, &request).await.map_err(machine)?;
        if packed.code != 0 {
            return Ok(Built::Broken(String::from_utf8_lossy(&packed.stderr).into_owned()));
        }
        let local = |error: std::io::Error| Unobservable::Machine(format!("no temporary folder: {error}"));
        let folder = tempfile::tempdir().map_err(local)?;
        tar::Archive::new(packed.stdout.as_slice()).unpack(folder.path()).map_err(local)?;
        let dockerfile = build.dockerfile.as_deref().unwrap_or("Dockerfile");
        let inside = dockerfile.strip_prefix(&build.context).unwrap_or(dockerfile).trim_start_matches('/');
        match self.build_from(folder.path(), inside, build).await {
            Ok(name) => Ok(Built::Image(name)),
            Err(ImageError::Build { message, log, .. }) => Ok(Built::Broken(format!("{log}\n{message}\n"))),
            Err(error @ ImageError::NoDockerfile { .. }) => Ok(Built::Broken(format!("{error}\n"))),
            Err(error) => Err(Unobservable::Machine(error.to_string())),
        }
    }

    async fn save(&self, name: &str) -> Result<tempfile::NamedTempFile, Unobservable> {
        let file = tempfile::NamedTempFile::new().map_err(|error| Unobservable::Machine(error.to_string()))?;
        let saved = self.engine.save(&[name], file.path()).await;
        saved.map(|_| file).map_err(|error| Unobservable::Machine(error.to_string()))
    }

    async fn address(&self, host: &str, port: u16) -> Result<Option<SocketAddr>, Unobservable> {
        match ServiceName::new(host) {
            Ok(name) if self.world.services().contains_key(&name) => self.world.address(&name, port).await.map(Some),
            _ => Ok(None),
        }
    }

    fn hash_files(&self, patterns: &[String]) -> String {
        hash_files(&self.opened.workspace, patterns)
    }
}

impl Hall<'_> {
    async fn build_from(&self, folder: &Path, dockerfile: &str, build: &ImageBuild) -> Result<String, ImageError> {
        let prepare =
            |replace: &dyn Fn(&str) -> Option<String>| image::build::prepare(folder, dockerfile, None, replace);
        let bases = image::ensure(self.engine, &prepare(&|_| None)?.from, &self.app.means()).await?;
        let prepared = prepare(&|name| bases.get(name).map(|one| one.name.clone()).filter(|other| other != name))?;
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let name = Reference::local(&format!("{}/job", self.opened.identity.project()), &format!("built-{number}"));
        let request = BuildRequest {
            name: name.to_string(),
            context: prepared.context,
            dockerfile: "Dockerfile.labrunner".into(),
            args: build.arguments.clone(),
            target: build.target.clone(),
            labels: build.labels.clone(),
            no_cache: false,
        };
        let lines = Mutex::new(Vec::new());
        let keep = |line: &str| lines.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
        self.built.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_string());
        self.engine.build(request, &keep).await.map_err(|error| match error {
            ImageError::Build { image, message, log } if log.is_empty() => {
                let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                let last = lines.len().saturating_sub(LOG_LINES);
                ImageError::Build { image, message, log: lines[last..].join("\n") }
            }
            other => other,
        })?;
        Ok(name.to_string())
    }
}

fn limits() -> Limits {
    Limits { memory: Some(MEMORY), pids: Some(1024), ..Limits::default() }
}

fn machine(error: EngineError) -> Unobservable {
    Unobservable::Machine(error.to_string())
}

/// As GitHub's `hashFiles`: one digest of the contents of all files that fit, in the order of their paths.
fn hash_files(workspace: &Path, patterns: &[String]) -> String {
    let mut builder = ignore::gitignore::GitignoreBuilder::new(workspace);
    for pattern in patterns {
        // A pattern that is none fits nothing.
        let _ = builder.add_line(None, &format!("/{}", pattern.trim_start_matches('/')));
    }
    let Ok(wanted) = builder.build() else { return String::new() };
    let files = walkdir::WalkDir::new(workspace).sort_by_file_name().into_iter().flatten();
    let (mut hash, mut any) = (Sha256::new(), false);
    for file in files.filter(|file| file.file_type().is_file()) {
        if wanted.matched(file.path(), false).is_ignore()
            && let Ok(content) = std::fs::read(file.path())
        {
            hash.update(Sha256::digest(content));
            any = true;
        }
    }
    match any {
        true => hex::encode(hash.finalize()),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_hashed_by_what_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        std::fs::write(folder.path().join("requirements.txt"), "a").unwrap();
        std::fs::write(folder.path().join("sub/requirements.txt"), "b").unwrap();
        let hash = |pattern: &str| hash_files(folder.path(), &[pattern.to_owned()]);
        assert_eq!(hash("nothing"), "");
        assert_ne!(hash("requirements.txt"), hash("**/requirements.txt"));
        let before = hash("**/requirements*.txt");
        std::fs::write(folder.path().join("sub/requirements.txt"), "c").unwrap();
        assert_ne!(hash("**/requirements*.txt"), before);
    }
}
