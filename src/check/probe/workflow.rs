//! `workflow`: what a learner's continuous integration is set up to do. Replaying it is the business of whoever has
//! machines.

use std::path::Path;

use serde_json::{Value, json};

use super::Fields;
use super::file::inside;
use crate::check::workflow::{Happening, Workflow, read_github};
use crate::check::world::{Observation, Unobservable, World};

const FOLDER: &str = ".github/workflows";

pub(super) fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let (workflows, happening) = asked(fields.0, world.workspace())?;
    written(&workflows, &happening)
}

/// The workflows that a step asks for, and what happens.
///
/// # Errors
/// A file that the platform would refuse.
pub fn asked(fields: &Value, workspace: &Path) -> Result<(Vec<Workflow>, Happening), Unobservable> {
    let fields = Fields(fields);
    let happening = Happening {
        event: fields.text("event")?.unwrap_or_default(),
        branch: fields.text("branch")?.unwrap_or_else(|| "main".into()),
    };
    let workflows = match fields.text("file")? {
        Some(file) => vec![read(workspace, &file)?],
        None => all(workspace)?,
    };
    Ok((workflows, happening))
}

/// What the files say.
///
/// # Errors
/// A condition that cannot be read.
pub fn written(workflows: &[Workflow], happening: &Happening) -> Result<Observation, Unobservable> {
    let run: Vec<&Workflow> = workflows.iter().filter(|workflow| workflow.runs_on(happening)).collect();
    let mut jobs = Vec::new();
    for workflow in &run {
        jobs.extend(workflow.started_by(happening).map_err(Unobservable::Learner)?);
    }
    let seen = json!({
        "files": workflows.iter().map(|workflow| workflow.file.as_str()).collect::<Vec<_>>(),
        "triggered": !run.is_empty(),
        "jobs": jobs,
    });
    let documents: Vec<_> = workflows.iter().map(Workflow::document).collect();
    Ok(Observation::new(seen, json!({ "workflows": documents })))
}

/// Every workflow of the workspace, by name.
fn all(workspace: &Path) -> Result<Vec<Workflow>, Unobservable> {
    let entries = std::fs::read_dir(workspace.join(FOLDER)).into_iter().flatten().flatten();
    let mut files: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".yml") || name.ends_with(".yaml"))
        .map(|name| format!("{FOLDER}/{name}"))
        .collect();
    files.sort();
    if files.is_empty() && workspace.join(".gitlab-ci.yml").exists() {
        return Err(Unobservable::Machine("this labrunner does not read GitLab's .gitlab-ci.yml yet".into()));
    }
    files.iter().map(|file| read(workspace, file)).collect()
}

fn read(workspace: &Path, file: &str) -> Result<Workflow, Unobservable> {
    let path = inside(workspace, file)?.ok_or_else(|| Unobservable::Learner(format!("there is no `{file}`")))?;
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Unobservable::Learner(format!("`{file}` cannot be read: {error}")))?;
    read_github(file, &text).map_err(Unobservable::Learner)
}
