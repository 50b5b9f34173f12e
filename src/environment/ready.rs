//! When a service is ready: signals race, the first sufficient one wins.
//!
//! A published port accepts before the service listens, and the engine's own health checks begin after
//! a whole interval; so we ask the service itself, at its own address, every few milliseconds, and
//! listen for the container's death meanwhile.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::engine::{ContainerState, Engine, ExecRequest};
use super::wanted::ContainerSpec;
use crate::lab::ServiceName;

/// How a service shows that it is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// It runs to its end and exits with 0.
    Completion,
    /// The lab's `ready:` step holds.
    Probe,
    /// Its health check's command succeeds, run by us.
    Command(Vec<String>),
    /// The engine's own health check says so, as Docker Compose wants it.
    Health,
    /// This port of it accepts at the container's own address.
    Port(u16),
    /// It runs; nothing better is known.
    Running,
}

/// Speaks to services; the implementation knows their protocols and the lab's `ready:` and `reset:` steps.
pub trait Prober: Sync {
    /// Whether there is a `ready:` step for this service.
    fn knows(&self, service: &ServiceName) -> bool;
    /// One look. `Err` says what is not ready yet.
    fn probe(&self, service: &ServiceName, replica: u32) -> impl Future<Output = Result<(), String>> + Send;
    /// Whether this service can be emptied: by the lab's `reset:` steps, or in a way that its kind has.
    fn resets(&self, service: &ServiceName) -> bool;
    /// Empties it, and tells whether it holds what `fingerprint` says then.
    fn reset(&self, service: &ServiceName, fingerprint: &str) -> impl Future<Output = bool> + Send;
    /// What the service holds, as a fingerprint; `None` where there is no way to tell.
    fn fingerprint(&self, service: &ServiceName) -> impl Future<Output = Option<String>> + Send;
}

/// Chooses the sign for a container.
pub fn sign(spec: &ContainerSpec, one_shot: bool, probed: bool) -> Sign {
    if one_shot {
        return Sign::Completion;
    }
    if probed {
        return Sign::Probe;
    }
    match spec.definition.healthcheck.as_ref().map(|check| check.test.as_slice()) {
        Some([kind, command @ ..]) if kind == "CMD" => return Sign::Command(command.to_vec()),
        Some([kind, command]) if kind == "CMD-SHELL" => {
            return Sign::Command(vec!["/bin/sh".into(), "-c".into(), command.clone()]);
        }
        _ => {}
    }
    let port = spec.definition.ports.first().map(|port| port.target).or(spec.definition.expose.first().copied());
    port.map_or(Sign::Running, Sign::Port)
}

/// What is known of a container's life from the engine's events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deaths {
    /// How often it died since it was started by us.
    pub count: u32,
    pub last_exit: Option<i64>,
    pub out_of_memory: bool,
}

/// Why a service did not become ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReady {
    pub reason: String,
    /// No service's doing: the disk is full, the engine is gone.
    pub machine: bool,
    /// The last lines it wrote.
    pub log: Vec<String>,
}

/// How often a container may die on its way up before it counts as a crash loop.
const CRASHES: u32 = 3;
/// How often the engine is asked about the container itself while probing, in case an event was lost.
const LOOK: Duration = Duration::from_millis(500);
const LOG_LINES: usize = 20;
/// How long one run of a health check may take: the engine's own default.
const ONE_CHECK: Duration = Duration::from_secs(30);
/// How long a service that shows nothing has to live before it counts as running: a crash at the start comes
/// earlier.
const STEADY: Duration = Duration::from_millis(500);

/// Waits until the container shows its sign, dies for good, or `deadline` is over.
pub async fn wait<E: Engine, P: Prober>(
    engine: &E,
    spec: &ContainerSpec,
    id: &str,
    sign: &Sign,
    prober: &P,
    mut deaths: watch::Receiver<Deaths>,
    deadline: Duration,
) -> Result<(), NotReady> {
    let began = Instant::now();
    let restarts = spec.definition.restart != crate::lab::stack::RestartPolicy::No;
    // 0 means the engine's default there, too.
    let own = spec.definition.healthcheck.as_ref().and_then(|check| check.timeout).filter(|time| !time.is_zero());
    let patience = if matches!(sign, Sign::Command(_)) { own.unwrap_or(ONE_CHECK) } else { Duration::MAX };
    let mut address = None;
    let mut last = String::from("it has not answered yet");
    let mut looked = Instant::now();
    let mut pause = Duration::from_millis(if *sign == Sign::Health { 100 } else { 8 });
    // The life in which it was seen running, and since when.
    let mut life: Option<(Option<String>, Instant)> = None;
    loop {
        let known = deaths.borrow_and_update().clone();
        if let Some(result) = ended(&known, sign, restarts) {
            return conclude(engine, id, result).await;
        }
        let unknown = *sign == Sign::Running && life.is_none();
        if unknown || looked.elapsed() > LOOK || (address.is_none() && matches!(sign, Sign::Port(_))) {
            looked = Instant::now();
            if let Ok(facts) = engine.inspect(id).await {
                address = spec.networks.first().and_then(|(network, ..)| facts.addresses.get(network).copied());
                // Between two lives a container that crashes again and again waits ever longer.
                if facts.state == ContainerState::Restarting && facts.restarts >= CRASHES.into() {
                    let last = exit_words(facts.exit_code.unwrap_or(-1), facts.oom_killed);
                    return conclude(engine, id, Err(looping(&last))).await;
                }
                if *sign == Sign::Running && facts.state == ContainerState::Running {
                    match &life {
                        Some((start, since)) if *start == facts.started_at => {
                            if since.elapsed() >= STEADY {
                                return Ok(());
                            }
                        }
                        _ => life = Some((facts.started_at.clone(), Instant::now())),
                    }
                }
                if facts.state == ContainerState::Exited {
                    let dead = Deaths { count: CRASHES, last_exit: facts.exit_code, out_of_memory: facts.oom_killed };
                    if let Some(result) = ended(&dead, sign, false) {
                        return conclude(engine, id, result).await;
                    }
                }
            }
        }
        if *sign == Sign::Health
            && let Some(result) = health(engine, id).await
        {
            return conclude(engine, id, result).await;
        }
        // A command inside has no end of its own.
        let left = deadline.saturating_sub(began.elapsed()).max(LOOK).min(patience);
        match tokio::time::timeout(left, look(engine, spec, id, sign, prober, address)).await {
            Ok(Ok(())) if *sign == Sign::Running => last = "it does not run steadily".into(),
            Ok(Ok(())) => return Ok(()),
            Ok(Err(reason)) => last = if reason.is_empty() { last } else { reason },
            Err(_) if matches!(sign, Sign::Command(_)) => {
                last = format!("its health check does not come to an end within {} s", left.as_secs_f64().ceil())
            }
            Err(_) => {}
        }
        if began.elapsed() > deadline {
            let reason = format!("it was not ready after {} s: {last}", deadline.as_secs());
            return conclude(engine, id, Err(reason)).await;
        }
        // A death ends the pause early; so does nothing else.
        let _ = tokio::time::timeout(pause, deaths.changed()).await;
        pause = next_pause(pause, began.elapsed());
    }
}

fn next_pause(pause: Duration, elapsed: Duration) -> Duration {
    match elapsed.as_millis() {
        0..2_000 => pause,
        2_000..5_000 => Duration::from_millis(25),
        5_000..15_000 => Duration::from_millis(50),
        _ => Duration::from_millis(100),
    }
}

fn ended(deaths: &Deaths, sign: &Sign, restarts: bool) -> Option<Result<(), String>> {
    if deaths.count == 0 {
        return None;
    }
    let code = deaths.last_exit.unwrap_or(-1);
    match sign {
        Sign::Completion if code == 0 => Some(Ok(())),
        Sign::Completion if !restarts => Some(Err(exit_words(code, deaths.out_of_memory))),
        _ if restarts && deaths.count < CRASHES => None,
        _ if restarts => Some(Err(looping(&exit_words(code, deaths.out_of_memory)))),
        _ => Some(Err(exit_words(code, deaths.out_of_memory))),
    }
}

fn looping(last: &str) -> String {
    format!("it crashes again and again: {last}")
}

/// An exit in words.
pub fn exit_words(code: i64, out_of_memory: bool) -> String {
    match code {
        _ if out_of_memory => format!("it was killed because it ran out of memory (exit code {code})"),
        125..=127 => format!("its command could not be run (exit code {code})"),
        137 => "it was killed (exit code 137)".into(),
        _ => format!("it exited with code {code}"),
    }
}

async fn conclude<E: Engine>(engine: &E, id: &str, result: Result<(), String>) -> Result<(), NotReady> {
    match result {
        Ok(()) => Ok(()),
        Err(reason) => {
            let lines = engine.logs(id, Some(LOG_LINES), None).await.unwrap_or_default();
            Err(NotReady { reason, machine: false, log: lines.into_iter().map(|line| line.text).collect() })
        }
    }
}

/// What the engine's health check has come to; `None` while it has come to nothing.
async fn health<E: Engine>(engine: &E, id: &str) -> Option<Result<(), String>> {
    let facts = engine.inspect(id).await.ok()?;
    match facts.health.as_deref() {
        _ if facts.state != ContainerState::Running => None,
        Some("healthy") => Some(Ok(())),
        Some("unhealthy") => Some(Err("its health check says that it is unhealthy".into())),
        Some(_) => None,
        None => Some(Err("a service waits until it is healthy, and it has no health check".into())),
    }
}

async fn look<E: Engine, P: Prober>(
    engine: &E,
    spec: &ContainerSpec,
    id: &str,
    sign: &Sign,
    prober: &P,
    address: Option<std::net::IpAddr>,
) -> Result<(), String> {
    match sign {
        Sign::Completion => Err("it still runs".into()),
        Sign::Health => Err("its health check has not said anything yet".into()),
        Sign::Running => Ok(()),
        Sign::Probe => prober.probe(&spec.service, spec.replica).await,
        Sign::Port(port) => {
            let Some(address) = address else { return Err("it has no address yet".into()) };
            let connected = tokio::time::timeout(
                Duration::from_secs(1),
                tokio::net::TcpStream::connect(SocketAddr::new(address, *port)),
            );
            match connected.await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(format!("port {port}: {error}")),
                Err(_) => Err(format!("port {port} does not answer")),
            }
        }
        Sign::Command(argv) => {
            let request = ExecRequest { argv: argv.clone(), ..ExecRequest::default() };
            match engine.exec(id, &request).await {
                Ok(output) if output.code == 0 => Ok(()),
                Ok(output) => {
                    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                    Err(format!("its health check exits with {}: {text}", output.code))
                }
                Err(error) => Err(error.to_string()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_shot_that_exits_with_0_is_done_and_a_server_is_dead() {
        let once = |code| Deaths { count: 1, last_exit: Some(code), out_of_memory: false };
        assert_eq!(ended(&once(0), &Sign::Completion, false), Some(Ok(())));
        assert_eq!(ended(&once(1), &Sign::Completion, false), Some(Err("it exited with code 1".into())));
        assert_eq!(ended(&once(0), &Sign::Running, false), Some(Err("it exited with code 0".into())));
        assert_eq!(ended(&Deaths::default(), &Sign::Running, false), None);
    }

    #[test]
    fn a_restarting_service_may_stumble_but_not_loop() {
        let deaths = |count| Deaths { count, last_exit: Some(1), out_of_memory: false };
        assert_eq!(ended(&deaths(1), &Sign::Probe, true), None);
        let looping = ended(&deaths(CRASHES), &Sign::Probe, true).unwrap().unwrap_err();
        assert_eq!(looping, "it crashes again and again: it exited with code 1");
    }
}
