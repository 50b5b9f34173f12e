//! Carries a plan out. Decides nothing: what is done and why stands in the plan.
//!
//! One graph without global phases: networks, volumes and containers are made at once, and a container
//! starts as soon as its own dependencies are ready. Starts are bounded, because more than two per core
//! slow each other down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::baseline::{self, Baseline};
use super::board::{Board, Progress};
use super::deaths::DeathWatch;
use super::engine::{Engine, EngineError, EngineFault, Observed, ObservedResource};
use super::first_data::Kept;
use super::identity::Identity;
use super::lock_of;
use super::plan::{ContainerAction, Plan, PlannedContainer, healthy_first, one_shots};
use super::ready::{self, NotReady, Prober};
use super::wanted::ContainerSpec;
use crate::event::{Event, ServiceState, Sink};
use crate::lab::ServiceName;
use crate::lab::stack::MountSource;

/// What became of the services.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Services that did not become ready.
    pub failed: BTreeMap<ServiceName, NotReady>,
    /// Containers that were started, restarted or made; the others ran already.
    pub begun: BTreeSet<ServiceName>,
    /// What freshly made services held when nobody had used them yet: container id to fingerprint.
    pub baselines: BTreeMap<String, String>,
    /// The same for services that began with first data: its volume to fingerprint.
    pub first_baselines: BTreeMap<String, String>,
    /// From start to ready, of those that were begun.
    pub took: BTreeMap<ServiceName, Duration>,
    /// (service, container port, wanted host port) where the wanted one was taken.
    pub moved_ports: Vec<(ServiceName, u16, u16)>,
}

impl Outcome {
    fn note(&mut self, container: &str, Baseline { first_data, fingerprint }: Baseline) {
        self.first_baselines.extend(first_data.map(|volume| (volume, fingerprint.clone())));
        self.baselines.insert(container.to_owned(), fingerprint);
    }
}

/// What applying needs besides the plan.
pub struct Context<'a, E: Engine, P: Prober> {
    pub engine: &'a E,
    pub identity: &'a Identity,
    pub prober: &'a P,
    pub sink: &'a dyn Sink,
    /// Longest wait for one service, unless `deadlines` has its own.
    pub deadline: Duration,
    pub deadlines: &'a BTreeMap<ServiceName, Duration>,
    /// How many containers may be starting at once.
    pub starts: usize,
    /// Containers that have been seen ready and run the same code still: they are not asked again.
    pub known_ready: &'a BTreeSet<String>,
    /// The service that runs before the others begin, if there is one.
    pub first: Option<&'a ServiceName>,
    pub first_data: &'a Kept,
    /// What services hold that begin with first data, as far as it has been looked at: its volume to fingerprint.
    pub first_baselines: &'a BTreeMap<String, String>,
    /// Services wait for each other as Docker Compose makes them wait, and for nothing else.
    pub as_written: bool,
}

/// Carries `plan` out and waits until everything is ready or known not to become so.
///
/// # Errors
/// The engine refused something that no service is to blame for.
pub async fn apply<E: Engine, P: Prober>(plan: &Plan, context: &Context<'_, E, P>) -> Result<Outcome, EngineError> {
    let deaths = DeathWatch::begin(context.engine, context.identity);
    join_all(plan.surplus.iter().map(|(old, _)| context.engine.remove(&old.id)))
        .await
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    remove_doubled(context.engine, &plan.doubled).await;
    let resources = async {
        let networks = join_all(plan.networks.iter().map(|spec| context.engine.create_network(spec)));
        let volumes = join_all(plan.volumes.iter().map(|spec| context.first_data.volume(context.engine, spec, plan)));
        let (networks, volumes) = tokio::join!(networks, volumes);
        networks.into_iter().chain(volumes).collect::<Result<Vec<_>, _>>()
    };
    resources.await?;

    let around = Around {
        new_volumes: plan.volumes.iter().map(|volume| volume.name.as_str()).collect(),
        done: plan.containers.iter().flat_map(|one| one_shots(&one.spec)).collect(),
        healthy: plan.containers.iter().flat_map(|one| healthy_first(&one.spec)).collect(),
    };
    let board = Board::new(plan);
    let starts = Semaphore::new(context.starts.max(1));
    let outcome = Mutex::new(Outcome::default());
    let run = async |planned: &PlannedContainer| {
        let result = bring_up(planned, context, &board, &deaths, &starts, &around, &outcome).await;
        if let Err(Failed::Engine(error)) = &result
            && error.fault == EngineFault::Unreachable
        {
            board.set(planned, Progress::Failed("the engine is gone".into()));
            return Err(error.clone());
        }
        if let Err(failed) = result {
            let not_ready = match failed {
                Failed::Service(not_ready) => not_ready,
                Failed::Engine(error) => {
                    NotReady { reason: error.to_string(), machine: error.fault.is_the_machines(), log: Vec::new() }
                }
            };
            let service = planned.spec.service.clone();
            context.sink.emit(Event::Service {
                service: service.clone(),
                state: ServiceState::Failed(not_ready.reason.clone()),
            });
            board.set(planned, Progress::Failed(not_ready.reason.clone()));
            lock_of(&outcome).failed.insert(service, not_ready);
        }
        Ok(())
    };
    join_all(plan.containers.iter().map(&run)).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(outcome.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Leaves one network of each name. The engine refuses to remove one that is in use, so that one stays; should
/// both be in use, starting a container says so.
async fn remove_doubled<E: Engine>(engine: &E, doubled: &[ObservedResource]) {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    doubled.iter().for_each(|network| *left.entry(&network.name).or_default() += 1);
    for network in doubled {
        let left = left.entry(&network.name).or_default();
        if *left > 1 && engine.remove_network(&network.id).await.is_ok() {
            *left -= 1;
        }
    }
}

/// Removes everything observed: containers first (killed, because nothing is kept), then the rest.
///
/// # Errors
/// The first refusal of the engine; everything else has been tried all the same.
pub async fn remove<E: Engine>(engine: &E, observed: &Observed, sink: &dyn Sink) -> Result<(), EngineError> {
    let containers = join_all(observed.containers.iter().map(|container| async {
        let result = engine.remove(&container.id).await;
        if result.is_ok() {
            sink.emit(Event::Service { service: container.service.clone(), state: ServiceState::Removed });
        }
        result
    }));
    let containers = containers.await;
    let networks = join_all(observed.networks.iter().map(|network| engine.remove_network(&network.id)));
    let volumes = join_all(observed.volumes.iter().map(|volume| engine.remove_volume(&volume.name)));
    let (networks, volumes) = tokio::join!(networks, volumes);
    containers.into_iter().chain(networks).chain(volumes).collect()
}

/// What a container has to know of the rest of its plan.
struct Around<'a> {
    /// Services that others wait for until they are done.
    done: BTreeSet<ServiceName>,
    /// Services that others wait for until they are healthy.
    healthy: BTreeSet<ServiceName>,
    new_volumes: BTreeSet<&'a str>,
}

enum Failed {
    Service(NotReady),
    Engine(EngineError),
}

impl From<EngineError> for Failed {
    fn from(error: EngineError) -> Self {
        Failed::Engine(error)
    }
}

async fn bring_up<E: Engine, P: Prober>(
    planned: &PlannedContainer,
    context: &Context<'_, E, P>,
    board: &Board,
    deaths: &DeathWatch,
    starts: &Semaphore,
    around: &Around<'_>,
    outcome: &Mutex<Outcome>,
) -> Result<(), Failed> {
    let began = Instant::now();
    let spec = &planned.spec;
    let emit = |state| context.sink.emit(Event::Service { service: spec.service.clone(), state });
    let kept = matches!(planned.action, ContainerAction::Keep(_));
    if let Some(first) = context.first.filter(|first| !kept && **first != spec.service) {
        emit(ServiceState::Waiting);
        board.begun(first).await;
    }
    let mut id = match &planned.action {
        ContainerAction::Keep(existing) if context.known_ready.contains(&existing.id) => {
            emit(ServiceState::Unchanged);
            board.set(planned, Progress::Ready);
            return Ok(());
        }
        ContainerAction::Keep(existing) | ContainerAction::Start(existing) | ContainerAction::Unpause(existing) => {
            existing.id.clone()
        }
        ContainerAction::Create => {
            emit(ServiceState::Creating);
            create(context, spec).await?
        }
        ContainerAction::Recreate(old) => {
            emit(ServiceState::Creating);
            context.engine.remove(&old.id).await?;
            create(context, spec).await?
        }
    };
    emit(ServiceState::Waiting);
    board.dependencies(planned).await.map_err(Failed::Service)?;
    match &planned.action {
        ContainerAction::Keep(_) => {}
        ContainerAction::Unpause(_) => context.engine.unpause(&id).await?,
        ContainerAction::Start(_) | ContainerAction::Create | ContainerAction::Recreate(_) => {
            let _permit = starts.acquire().await;
            leads_nowhere_else(spec)?;
            emit(ServiceState::Starting);
            lock_of(outcome).begun.insert(spec.service.clone());
            if let Err(error) = context.engine.start(&id).await {
                if error.fault != EngineFault::PortTaken {
                    return Err(error.into());
                }
                id = start_on_other_ports(planned, context, &id, outcome).await?;
            }
        }
    }
    let started = Instant::now();
    emit(ServiceState::Started);
    board.set(planned, Progress::Started);
    let one_shot = around.done.contains(&spec.service);
    let sign = match context.as_written {
        false => ready::sign(spec, one_shot, context.prober.knows(&spec.service)),
        true if one_shot => ready::Sign::Completion,
        true if around.healthy.contains(&spec.service) => ready::Sign::Health,
        true => {
            board.set(planned, Progress::Ready);
            return Ok(());
        }
    };
    if one_shot && matches!(&planned.action, ContainerAction::Keep(old) if old.exit_code == Some(0)) {
        emit(ServiceState::Unchanged);
        board.set(planned, Progress::Ready);
        return Ok(());
    }
    let deadline = context.deadlines.get(&spec.service).copied().unwrap_or(context.deadline);
    ready::wait(context.engine, spec, &id, &sign, context.prober, deaths.of(&id), deadline)
        .await
        .map_err(Failed::Service)?;
    if !kept {
        lock_of(outcome).took.insert(spec.service.clone(), started.elapsed());
    }
    if let Some(baseline) = baseline::take(planned, context, &around.new_volumes).await {
        lock_of(outcome).note(&id, baseline);
    }
    emit(if one_shot { ServiceState::Completed } else { ServiceState::Ready(began.elapsed()) });
    board.set(planned, Progress::Ready);
    Ok(())
}

/// A path that a container mounts was judged when the lab was read. A service that has put a link in its place since
/// would have the engine mount what the link leads to.
fn leads_nowhere_else(spec: &ContainerSpec) -> Result<(), EngineError> {
    for mount in &spec.definition.mounts {
        if let MountSource::Bind { path, .. } = &mount.source
            && let Ok(real) = path.canonicalize()
            && real != *path
        {
            return Err(EngineError {
                operation: format!("mount `{}` into `{}`", path.display(), spec.service),
                fault: EngineFault::Other,
                message: format!("it was made a link to `{}` while the lab started", real.display()),
            });
        }
    }
    Ok(())
}

/// A wanted host port belongs to something else: the container is made again with ports that the engine
/// chooses. The caller remembers and reports them.
async fn start_on_other_ports<E: Engine, P: Prober>(
    planned: &PlannedContainer,
    context: &Context<'_, E, P>,
    id: &str,
    outcome: &Mutex<Outcome>,
) -> Result<String, Failed> {
    context.engine.remove(id).await?;
    let mut spec = planned.spec.clone();
    for binding in &mut spec.bindings {
        if let Some(wanted) = binding.host_port.take() {
            lock_of(outcome).moved_ports.push((spec.service.clone(), binding.target, wanted));
        }
    }
    let id = create(context, &spec).await?;
    context.engine.start(&id).await?;
    Ok(id)
}

/// Makes a container, with its first data in it where that is kept.
async fn create<E: Engine, P: Prober>(
    context: &Context<'_, E, P>,
    spec: &ContainerSpec,
) -> Result<String, EngineError> {
    let spec = context.first_data.container(context.engine, spec).await?;
    context.engine.create(&spec).await
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::lab::stack::{Mount, Service};

    #[test]
    fn a_path_that_was_made_a_link_is_not_mounted() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().canonicalize().unwrap();
        let path = workspace.join("conf");
        let mount = Mount {
            target: "/conf".into(),
            read_only: true,
            source: MountSource::Bind { path: path.clone(), create: true },
        };
        let spec = ContainerSpec::bare(Service { mounts: vec![mount], ..Service::default() });
        assert!(leads_nowhere_else(&spec).is_ok(), "the engine makes what is not there");
        std::fs::create_dir(&path).unwrap();
        assert!(leads_nowhere_else(&spec).is_ok());
        std::fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/etc", &path).unwrap();
        let refused = leads_nowhere_else(&spec).unwrap_err().to_string();
        assert!(refused.contains("it was made a link to `/etc`"), "{refused}");
    }
}
