//! `doctor`: what is missing on this machine, and its repair. Also how every command reaches the engine.

use std::time::Duration;

use super::app::App;
use super::{Failure, Outcome, exit_code};
use crate::docker::DockerEngine;
use crate::docker::connect::ConnectError;
use crate::event::Event;
use crate::host::{self, Machine};
use crate::lab::view::{Finding, View};

const SOCKET: &str = "/var/run/docker.sock";
const START: Duration = Duration::from_secs(60);

/// Looks at the machine and, with `fix`, repairs what it can.
///
/// # Errors
/// A repair fails, or is asked for without consent.
pub async fn doctor(app: &App, fix: bool) -> Result<Outcome, Failure> {
    if fix {
        repair(app, false).await?;
    }
    let machine = machine(app);
    let mut findings = Vec::new();
    let engine = DockerEngine::connect(&app.environment, &app.state).await;
    findings.push(match &engine {
        Ok(_) => finding(true, "container engine", "it answers".into(), Vec::new()),
        Err(error) => finding(false, "container engine", error.to_string(), engine_fix(&machine, error)),
    });
    let missing = machine.missing_for_recipes();
    findings.push(match missing.as_slice() {
        [] => finding(true, "recipes", "images can be built here without a registry".into(), Vec::new()),
        list => finding(
            false,
            "recipes",
            format!("{} missing: images come from a registry only", list.join(", ")),
            commands(machine.install(list)),
        ),
    });
    let folder = app.state.join("probe");
    let writable = std::fs::create_dir_all(&app.state)
        .and_then(|()| std::fs::write(&folder, ""))
        .and_then(|()| std::fs::remove_file(&folder));
    findings.push(match writable {
        Ok(()) => finding(true, "records", format!("kept in {}", app.state.display()), Vec::new()),
        Err(error) => {
            finding(false, "records", format!("{} cannot be written: {error}", app.state.display()), Vec::new())
        }
    });
    let ready = engine.is_ok() && findings.iter().all(|one| one.ok || one.what == "recipes");
    Ok(Outcome { code: if ready { exit_code::OK } else { exit_code::ENGINE }, view: View::Doctor { findings } })
}

fn finding(ok: bool, what: &str, detail: String, fix: Vec<String>) -> Finding {
    Finding { ok, what: what.into(), detail, fix }
}

fn commands(result: Result<Vec<Vec<String>>, String>) -> Vec<String> {
    match result {
        Ok(list) => list.into_iter().map(|words| words.join(" ")).collect(),
        Err(steps) => vec![steps],
    }
}

fn engine_fix(machine: &Machine, error: &ConnectError) -> Vec<String> {
    match error {
        ConnectError::NoPermission { .. } => {
            vec!["sudo usermod -aG docker $USER".into(), "sg docker -c \"labrunner …\"".into()]
        }
        ConnectError::NotThere { .. } => {
            let mut all = if machine.dockerd { Vec::new() } else { commands(machine.install(&["docker.io"])) };
            all.push(machine.start_engine().join(" "));
            all
        }
        _ => Vec::new(),
    }
}

fn machine(app: &App) -> Machine {
    Machine::look(app.environment.get("PATH").map_or("", String::as_str))
}

/// The engine, set up if it is missing and the learner agrees.
///
/// # Errors
/// No engine answers, and setting one up is impossible or was not agreed to.
pub async fn engine(app: &App) -> Result<DockerEngine, Failure> {
    let missing_tools = !machine(app).missing_for_recipes().is_empty();
    match DockerEngine::connect(&app.environment, &app.state).await {
        Ok(engine) if !(app.yes && missing_tools) => return Ok(engine),
        Err(error) if !matches!(error, ConnectError::NotThere { .. }) => return app.engine().await,
        _ => {}
    }
    let steps = engine_fix(&machine(app), &ConnectError::NotThere { place: SOCKET.into() }).join(" && ");
    if app.agreed(&format!("there is no container engine here; set one up with `{steps}`?")).await {
        repair(app, true).await?;
        return app.engine().await;
    }
    app.engine().await.map_err(|failure| failure.hint(format!("with `--yes` this command would run: {steps}")))
}

async fn repair(app: &App, agreed: bool) -> Result<(), Failure> {
    let machine = machine(app);
    let gone = DockerEngine::connect(&app.environment, &app.state).await;
    let mut packages = machine.missing_for_recipes();
    let engine_missing = matches!(&gone, Err(ConnectError::NotThere { .. }));
    if engine_missing && !machine.dockerd {
        packages.push("docker.io");
    }
    if !packages.is_empty() {
        let commands = machine.install(&packages);
        match commands {
            Ok(commands) => {
                let list = commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join(" && ");
                if !agreed && !app.agreed(&format!("run `{list}`?")).await {
                    let failure = Failure::usage("nothing was changed: consent is needed");
                    return Err(failure.hint(format!("`--yes` runs: {list}")));
                }
                run_all(app, &commands)?;
            }
            // Without recipes labs still run from a registry; without an engine nothing does.
            Err(steps) if engine_missing => return Err(Failure::engine("the container engine is missing").hint(steps)),
            Err(steps) => app.sink.emit(Event::Warning { text: format!("recipes cannot be built: {steps}") }),
        }
    }
    if engine_missing {
        run_all(app, &[machine.start_engine()])?;
        let began = Event::TaskBegan { what: "waiting for the engine".into() };
        app.sink.emit(began);
        host::wait_for_socket(SOCKET, START).map_err(|message| {
            Failure::engine(message).hint("look at its log: `journalctl -u docker`, or run `dockerd` by hand")
        })?;
    }
    Ok(())
}

fn run_all(app: &App, commands: &[Vec<String>]) -> Result<(), Failure> {
    let log = app.state.join("setup.log");
    std::fs::create_dir_all(&app.state)
        .map_err(|error| Failure::engine(format!("cannot create `{}`: {error}", app.state.display())))?;
    for words in commands {
        app.sink.emit(Event::TaskBegan { what: words.join(" ") });
        host::run(words, &log)
            .map_err(|message| Failure::engine(message).hint(format!("its whole output is in `{}`", log.display())))?;
    }
    Ok(())
}
