//! `logs`, `exec`, `shell`, `open`: a look inside a running service. They hold no lock.

use std::process::{Command, Stdio};

use super::app::{App, Opened};
use super::{Failure, Outcome};
use crate::catalog::diagnostic::nearest;
use crate::docker::DockerEngine;
use crate::environment::engine::{Engine, ExecRequest};
use crate::environment::{ContainerState, ObservedContainer};
use crate::lab::view::View;
use crate::lab::{Lab, ServiceName};

async fn container(
    app: &App,
    lab: Option<&str>,
    service: &str,
) -> Result<(DockerEngine, Opened, ObservedContainer), Failure> {
    let opened = app.open(&app.choose(lab)?)?;
    let Some((name, _)) = opened.lab.stack.services.get_key_value(service) else {
        return Err(no_service(&opened.lab, service));
    };
    let engine = app.engine().await?;
    let observed = engine.observe(&opened.identity).await?;
    let found = observed.of(name).next().cloned();
    let found = found.ok_or_else(|| {
        Failure::engine(format!("`{service}` does not exist on the engine")).hint("`labrunner start` makes it")
    })?;
    Ok((engine, opened, found))
}

/// The last lines that a service wrote.
///
/// # Errors
/// The service is unknown or has no container.
pub async fn logs(app: &App, lab: Option<&str>, service: &str, tail: Option<usize>) -> Result<Outcome, Failure> {
    let (engine, _, container) = container(app, lab, service).await?;
    let lines = engine.logs(&container.id, tail, None).await?;
    let text: String = lines.into_iter().map(|line| line.text + "\n").collect();
    Ok(Outcome::ok(View::Raw { text }))
}

/// Runs a command in a service's container; its exit code is ours.
///
/// # Errors
/// The service does not run.
pub async fn exec(app: &App, lab: Option<&str>, service: &str, argv: &[String]) -> Result<Outcome, Failure> {
    let (engine, opened, container) = container(app, lab, service).await?;
    if container.state != ContainerState::Running {
        return Err(
            Failure::engine(format!("`{service}` is {}", container.state.word())).hint("`labrunner start` starts it")
        );
    }
    let output = engine.exec(&container.id, &ExecRequest { argv: argv.to_vec(), ..ExecRequest::default() }).await?;
    super::carrying::bring_back_if_free(app, &opened, &engine).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let code = u8::try_from(output.code).unwrap_or(1);
    Ok(Outcome { code, view: View::Raw { text } })
}

/// A shell in a service's container, on this terminal, through Docker's own client.
///
/// # Errors
/// The service does not run, or the client is missing.
pub async fn shell(app: &App, lab: Option<&str>, service: &str) -> Result<Outcome, Failure> {
    let (engine, opened, container) = container(app, lab, service).await?;
    let script = "command -v bash >/dev/null && exec bash || exec sh";
    let status = Command::new("docker").args(["exec", "-it", &container.id, "sh", "-c", script]).status();
    let status = status.map_err(|error| {
        Failure::engine(format!("`docker` cannot be run: {error}")).hint("`labrunner exec` works without it")
    })?;
    super::carrying::bring_back_if_free(app, &opened, &engine).await;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(Outcome { code, view: View::Raw { text: String::new() } })
}

/// Opens a service's address in the browser, and says what it is.
///
/// # Errors
/// The service publishes no port.
pub async fn open(app: &App, lab: Option<&str>, service: &str) -> Result<Outcome, Failure> {
    let (_, _, container) = container(app, lab, service).await?;
    // The highest port of a mail catcher or broker is its page; a web service has only one.
    let port = container.ports.iter().max_by_key(|(target, ..)| *target);
    let (target, _, host) =
        port.ok_or_else(|| Failure::usage(format!("`{service}` publishes no port of this machine")))?;
    let url = super::start::address(*target, *host);
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    // No browser is no failure: the address is printed either way.
    let _ = Command::new(opener).arg(&url).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Ok(Outcome::ok(View::Done { text: url }))
}

/// A service is named that the lab does not have.
pub(super) fn no_service(lab: &Lab, service: &str) -> Failure {
    let known: Vec<&str> = lab.stack.services.keys().map(ServiceName::as_str).collect();
    let hint = match (nearest(service, known.iter().copied()), known.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, false) => format!("there are {}", known.join(", ")),
        (None, true) => "this lab runs nothing of its own; what you start by hand, `docker compose` shows".to_owned(),
    };
    Failure::usage(format!("{} has no service `{service}`", lab.id)).hint(hint)
}
