//! Keeps what databases make of an empty folder, so that a lab starts without waiting for that again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Mutex;

use super::app::{App, Opened};
use crate::docker::DockerEngine;
use crate::environment::engine::{Engine, ExecRequest};
use crate::environment::first_data::{self, FirstData, Kept};
use crate::environment::plan::Plan;
use crate::environment::wanted::ContainerSpec;
use crate::environment::{ContainerState, EngineError, EngineFault};
use crate::event::Event;
use crate::lab::ServiceName;

/// How long a database may take for its first data.
const DEADLINE: Duration = Duration::from_secs(60);
/// Archives that are kept, each some 40 MB: the others are those of labs that have not run for longest.
const MOST: usize = 8;

/// The first data that a plan can use.
pub struct Shelf {
    folder: PathBuf,
    pub kept: Kept,
    missing: Vec<(ContainerSpec, FirstData)>,
}

impl Shelf {
    /// Looks what there is. An engine on another machine would be sent more than it saves.
    pub async fn look(app: &App, opened: &Opened, engine: &DockerEngine, plan: &Plan) -> Self {
        let kept = Kept { archives: BTreeMap::new(), journal: Mutex::new(opened.journal.clone()) };
        let mut shelf = Self { folder: app.cache.join("first-data"), kept, missing: Vec::new() };
        if opened.as_written || !engine.is_local() {
            return shelf;
        }
        let mut folders = BTreeMap::new();
        for image in first_data::made(plan).map(|spec| &spec.image) {
            if let Ok(Some(folder)) = engine.image_variable(image, "PGDATA").await {
                folders.insert(image.clone(), folder);
            }
        }
        for (service, first) in first_data::wanted(plan, &folders) {
            let file = shelf.file(&first);
            if file.exists() {
                // Used last is forgotten last.
                let _ = std::fs::File::open(&file).and_then(|file| file.set_modified(SystemTime::now()));
                shelf.kept.archives.insert(service, (first.folder, file));
            } else if let Some(planned) = plan.containers.iter().find(|one| one.spec.service == service) {
                shelf.missing.push((planned.spec.clone(), first));
            }
        }
        shelf
    }

    /// Makes what was missing, for the next time, but not of what has `failed`. That it cannot be made is no trouble of
    /// this command.
    pub async fn fill(&self, app: &App, opened: &Opened, engine: &DockerEngine, failed: impl Fn(&ServiceName) -> bool) {
        for (spec, first) in self.missing.iter().filter(|(spec, _)| !failed(&spec.service)) {
            let text = format!("keeping what `{}` makes of an empty folder: the next start is faster", spec.service);
            app.sink.emit(Event::Note { text });
            if let Err(error) = self.make(opened, engine, spec, first).await {
                let text = format!("the first data of `{}` cannot be kept: {error}", spec.service);
                app.sink.emit(Event::Warning { text });
            }
        }
        if !self.missing.is_empty() {
            forget_oldest(&self.folder);
        }
    }

    fn file(&self, first: &FirstData) -> PathBuf {
        self.folder.join(format!("{}.tar", first.key))
    }

    /// A container of the same image and settings makes its first data, is stopped as it wants to be, and is looked into.
    async fn make(
        &self,
        opened: &Opened,
        engine: &DockerEngine,
        spec: &ContainerSpec,
        first: &FirstData,
    ) -> Result<(), EngineError> {
        let failed =
            |message: String| EngineError { operation: "make first data".into(), fault: EngineFault::Other, message };
        std::fs::create_dir_all(&self.folder).map_err(|error| failed(error.to_string()))?;
        let mut alone = spec.clone();
        // Labelled as a service that no lab has, so that the next plan removes it should this command be killed.
        alone.labels = opened.identity.container_labels(&ServiceName::own("first"), 1);
        alone.name = format!("{}-first-{:x}", opened.identity.project(), super::verify::fresh_seed());
        alone.networks.clear();
        alone.bindings.clear();
        alone.definition.ports.clear();
        alone.definition.network_mode = Some("none".into());
        alone.definition.networks.clear();
        // Its data is in a volume of its own.
        alone.definition.mounts.retain(|mount| !Path::new(&first.folder).starts_with(&mount.target));
        let id = engine.create(&alone).await?;
        let made = async {
            engine.start(&id).await?;
            ready(engine, &id).await?;
            engine.stop(&id, DEADLINE).await?;
            let facts = engine.inspect(&id).await?;
            if facts.exit_code != Some(0) {
                return Err(failed(format!("it did not stop well (exit code {:?})", facts.exit_code)));
            }
            engine.take_out(&id, &first.folder, &self.file(first)).await
        };
        let made = made.await;
        let removed = engine.remove(&id).await;
        made.and(removed)
    }
}

/// Waits until the server takes connections: while it initialises, it listens to nobody but itself.
async fn ready(engine: &DockerEngine, id: &str) -> Result<(), EngineError> {
    let argv = ["pg_isready", "-q", "-h", "127.0.0.1"].map(str::to_owned).to_vec();
    let began = Instant::now();
    loop {
        let asked = ExecRequest { argv: argv.clone(), ..ExecRequest::default() };
        if engine.exec(id, &asked).await.is_ok_and(|done| done.code == 0) {
            return Ok(());
        }
        let facts = engine.inspect(id).await?;
        if facts.state != ContainerState::Running || began.elapsed() > DEADLINE {
            return Err(EngineError {
                operation: "make first data".into(),
                fault: EngineFault::Other,
                message: format!("its server does not answer (it is {})", facts.state.word()),
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn forget_oldest(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut files: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(|entry| entry.ok())
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort();
    let surplus = files.len().saturating_sub(MOST);
    files.iter().take(surplus).for_each(|(_, path)| drop(std::fs::remove_file(path)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_archives_stay() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..MOST + 3 {
            let file = std::fs::File::create(folder.path().join(format!("{number}.tar"))).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(number as u64)).unwrap();
        }
        forget_oldest(folder.path());
        assert!(!folder.path().join("2.tar").exists());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), MOST);
        assert!(folder.path().join("3.tar").exists());
    }
}
