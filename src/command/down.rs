//! `down`: nothing of a lab, or of all labs, stays on the engine.

use super::Outcome;
use super::app::App;
use super::carrying;
use super::failure::Failure;
use super::notes::Notes;
use super::pristine::remove_all;
use super::reset::finish_workspace;
use super::throwaway::{Purpose, folder_of, sweep};
use crate::docker::DockerEngine;
use crate::environment::engine::Engine;
use crate::environment::intent::{Intent, Journal};
use crate::environment::lock::Lock;
use crate::environment::{Identity, apply, carried};
use crate::event::Event;
use crate::lab::view::View;

/// Removes everything of a lab, or of all labs, from the engine. Workspaces and the record stay.
///
/// # Errors
/// The engine refuses.
pub async fn down(app: &App, name: Option<&str>, all: bool) -> Result<Outcome, Failure> {
    let engine = app.engine().await?;
    if all {
        return down_all(app, &engine).await;
    }
    let opened = app.open(&app.choose(name)?)?;
    let lock = app.lock(&opened)?;
    let there = !engine.observe(&opened.identity).await?.is_empty();
    let unfinished = opened.journal.open_intents()?;
    let goes_on = unfinished.contains(&Intent::Down);
    for intent in unfinished {
        match finish_workspace(app, &opened, &intent) {
            Ok(()) => opened.journal.done(&intent)?,
            // What is on the engine can go all the same; the files wait for the next command.
            Err(failure) => app.sink.emit(Event::Warning { text: failure.message }),
        }
    }
    let again = format!("labrunner down {} --yes", opened.lab.id);
    if !goes_on {
        agree(app, &opened.identity, carrying::brought_back(&opened, &engine, &lock).await, &again).await?;
    }
    opened.journal.begin(&Intent::Down)?;
    remove_all(app, &opened, &engine).await?;
    if !opened.lab.stacks.is_empty() {
        // Those of a check that was cut off.
        sweep(app, &engine, Purpose::Copy).await?;
    }
    is_down(&opened.folder)?;
    opened.journal.done(&Intent::Down)?;
    let text = match there {
        true => format!(
            "{} is removed from the engine; the workspace `{}` and the record stay",
            opened.identity,
            opened.workspace.display()
        ),
        false => format!("{} has nothing on the engine", opened.identity),
    };
    Ok(Outcome::ok(View::Done { text }))
}

/// What services have written and could not be brought back is lost with the rest, and only where somebody agrees;
/// `again` is the command that does.
async fn agree(app: &App, identity: &Identity, brought_back: Result<(), Failure>, again: &str) -> Result<(), Failure> {
    let Err(failure) = brought_back else { return Ok(()) };
    let message = format!(
        "files that services of {identity} have written could not be brought back into the workspace: {}",
        failure.message
    );
    if !app.agreed(&format!("{message}\nremove them with the rest?")).await {
        return Err(Failure::engine(message).hint(format!("mend that first, or let them go: `{again}`")));
    }
    app.sink.emit(Event::Warning { text: message });
    Ok(())
}

/// Who names no lab does not mean one that is not up any more.
fn is_down(folder: &std::path::Path) -> Result<(), Failure> {
    let mut notes = Notes::read(folder);
    match std::mem::take(&mut notes.ready).is_empty() {
        true => Ok(()),
        false => notes.write(folder),
    }
}

async fn down_all(app: &App, engine: &DockerEngine) -> Result<Outcome, Failure> {
    let environments: Vec<Identity> = engine.environments().await?;
    let (mut names, mut failures) = (Vec::new(), Vec::new());
    for identity in &environments {
        // One that stays keeps no other from going.
        match down_one(app, engine, identity).await {
            Ok(()) => names.push(identity.to_string()),
            Err(failure) => failures.push(failure),
        }
    }
    super::first_data::forget_all(app, engine).await?;
    for identity in engine.built_environments().await? {
        let folder = folder_of(app, &identity);
        // A command that builds just now has nothing else on the engine yet.
        let _lock = match folder.is_dir().then(|| Lock::take(&folder, &app.typed)) {
            Some(Err(_)) => continue,
            other => other,
        };
        engine.forget_images(&identity, false).await?;
    }
    let text = match names.as_slice() {
        [] => "nothing of labrunner is on the engine".to_owned(),
        names => format!("removed from the engine: {}", names.join(", ")),
    };
    let mut failures = failures.into_iter();
    let Some(first) = failures.next() else { return Ok(Outcome::ok(View::Done { text })) };
    if !names.is_empty() {
        app.sink.emit(Event::Note { text });
    }
    failures.for_each(|failure| app.sink.emit(Event::Warning { text: failure.message }));
    Err(first)
}

async fn down_one(app: &App, engine: &DockerEngine, identity: &Identity) -> Result<(), Failure> {
    let folder = folder_of(app, identity);
    let lock = Lock::take(&folder, &app.typed)?;
    let journal = Journal::new(&folder);
    let observed = engine.observe(identity).await?;
    // One that was cut off had brought back what there was, and may have removed a part of it since.
    let goes_on = journal.open_intents()?.contains(&Intent::Down);
    let own = Purpose::of(&identity.instance).is_none();
    if own && !goes_on && observed.volumes.iter().any(|one| carried::is_key(&one.key)) {
        let app = App { instance: identity.instance.clone(), ..app.clone() };
        let opened = app.choose(Some(identity.lab.as_str())).and_then(|outline| app.open(&outline));
        let brought_back = match opened {
            Ok(opened) => carrying::brought_back(&opened, engine, &lock).await,
            Err(failure) => Err(failure),
        };
        agree(&app, identity, brought_back, "labrunner down --all --yes").await?;
    }
    if !goes_on {
        journal.begin(&Intent::Down)?;
    }
    apply::remove(engine, &observed, app.sink.as_ref()).await?;
    is_down(&folder)?;
    Ok(journal.done(&Intent::Down)?)
}
