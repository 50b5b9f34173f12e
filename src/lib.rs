//! labrunner: starts a lab's stack, judges the learner's goals, keeps the record.
//!
//! Who may use whom (enforced by `tests/architecture`): `lab` uses nothing; `event` uses `lab`;
//! `catalog`, `image`, `workspace` and `record` use `lab` (and `event` to announce); `environment` uses
//! `event`, `lab` and `image`; `check` uses `event` and `lab`; `docker` implements the ports of
//! `environment`, `check` and `image`; `host` knows the machine and nothing of labs; `command` uses
//! all of those; `cli` uses `command` and `lab`; `output` uses `event`, `lab` and the record's read
//! models. Siblings do not know each other: `command` puts them in sequence, this file wires them.

pub mod catalog;
pub mod check;
pub mod cli;
pub mod command;
pub mod docker;
pub mod environment;
pub mod event;
#[cfg(fuzzing)]
pub mod fuzzed;
pub mod host;
pub mod image;
pub mod lab;
pub mod output;
pub mod record;
pub mod workspace;

/// Runs labrunner with the process's own arguments and environment.
pub fn run() -> std::process::ExitCode {
    // One provider for everything that speaks TLS; a second call would find it set, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let request = match cli::Request::from_process() {
        Ok(request) => request,
        Err(answer) => {
            let _ = answer.print();
            return std::process::ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(command::exit_code::USAGE));
        }
    };
    let screen = request.screen;
    let junit = request.junit().map(std::path::Path::to_owned);
    let sink: std::sync::Arc<dyn event::Sink> =
        match (screen.format, std::io::IsTerminal::is_terminal(&std::io::stderr())) {
            (cli::Format::Human, true) => std::sync::Arc::new(output::terminal::Terminal::new()),
            _ => std::sync::Arc::new(output::plain::Plain),
        };
    let on_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout())
        && std::io::IsTerminal::is_terminal(&std::io::stdin())
        && matches!(screen.format, cli::Format::Human);
    let display: Option<std::sync::Arc<dyn event::display::Display>> = match on_terminal && request.wants_screen() {
        true => output::screen::Screen::open(screen.colour)
            .ok()
            .map(|screen| std::sync::Arc::new(screen) as std::sync::Arc<dyn event::display::Display>),
        false => None,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&output::failure_text(&format!("cannot begin to work: {error}"), &[], screen.colour));
            return std::process::ExitCode::from(command::exit_code::BUG);
        }
    };
    let result = runtime.block_on(async {
        tokio::select! {
            result = request.run(sink, display.clone()) => result,
            _ = tokio::signal::ctrl_c() => Err(command::Failure {
                code: command::exit_code::INTERRUPTED,
                message: "interrupted; what was begun is finished or undone by the next command".into(),
                hints: vec!["`labrunner status` shows what stands, `labrunner start` goes on".into()],
            }),
        }
    });
    if let Some(display) = display {
        display.close();
    }
    // Tasks that still wait for the engine have nobody left to answer to.
    runtime.shutdown_background();
    if let (Some(path), Ok(outcome)) = (junit, &result)
        && let Some(Err(why)) = output::junit(&outcome.view).map(|text| write(&path, text))
    {
        let message = format!("cannot write `{}`: {why}; the verdicts are recorded all the same", path.display());
        output::complain(&output::failure_text(&message, &[], screen.colour));
        return std::process::ExitCode::from(command::exit_code::ENGINE);
    }
    if let Ok(outcome) = &result
        && let Err(why) = publish(&outcome.view)
    {
        output::complain(&output::failure_text(&why, &["nothing of the record is lost".to_owned()], screen.colour));
        return std::process::ExitCode::from(command::exit_code::ENGINE);
    }
    let code = match (result, screen.format) {
        (Ok(outcome), cli::Format::Human) => {
            let width = terminal_width();
            output::print(&output::render(&outcome.view, width, screen.colour));
            outcome.code
        }
        (Ok(outcome), cli::Format::Json) => {
            output::print(&output::json(&outcome.view, outcome.code));
            outcome.code
        }
        (Ok(outcome), cli::Format::Html) => {
            output::print(&output::html(&outcome.view).unwrap_or_default());
            outcome.code
        }
        (Ok(outcome), cli::Format::Md) => {
            output::print(&output::markdown(&outcome.view).unwrap_or_default());
            outcome.code
        }
        (Ok(outcome), cli::Format::Sarif) => {
            output::print(&output::sarif(&outcome.view).unwrap_or_default());
            outcome.code
        }
        (Err(failure), cli::Format::Human | cli::Format::Html | cli::Format::Md | cli::Format::Sarif) => {
            output::complain(&output::failure_text(&failure.message, &failure.hints, screen.colour));
            failure.code
        }
        (Err(failure), cli::Format::Json) => {
            output::print(&output::failure_json(failure.code, &failure.message, &failure.hints));
            failure.code
        }
    };
    std::process::ExitCode::from(code)
}

fn write(path: &std::path::Path, text: Result<String, String>) -> Result<(), String> {
    std::fs::write(path, text?).map_err(|error| error.to_string())
}

/// Writes the files of a site, if that is what was asked for. Those of an earlier one that it no longer has go.
fn publish(view: &lab::view::View) -> Result<(), String> {
    let (lab::view::View::Portfolio(portfolio), Some(files)) = (view, output::site(view)) else { return Ok(()) };
    let failed = |path: &std::path::Path, error: std::io::Error| format!("cannot write `{}`: {error}", path.display());
    std::fs::create_dir_all(&portfolio.out).map_err(|error| failed(&portfolio.out, error))?;
    let there = std::fs::read_dir(&portfolio.out).map_err(|error| failed(&portfolio.out, error))?;
    for path in there.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.ends_with(".html") && !files.contains_key(&name) {
            std::fs::remove_file(&path).map_err(|error| failed(&path, error))?;
        }
    }
    for (name, text) in files {
        let path = portfolio.out.join(name);
        std::fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

fn terminal_width() -> u16 {
    rustix::termios::tcgetwinsize(std::io::stdout()).map_or(80, |size| if size.ws_col == 0 { 80 } else { size.ws_col })
}
