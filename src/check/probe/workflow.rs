//! `workflow`: what a learner's continuous integration is set up to do. Replaying it is the business of whoever has
//! machines.

use std::path::Path;

use serde_json::{Value, json};

use super::Fields;
use super::file::inside;
use crate::check::workflow::{Happening, Workflow, read_github, read_gitlab};
use crate::check::world::{Observation, Unobservable, World};

const FOLDER: &str = ".github/workflows";
const GITLAB: &str = ".gitlab-ci.yml";

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
        Some(file) => vec![read(workspace, &file, &happening)?],
        None => all(workspace, &happening)?,
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

/// Every workflow of the workspace, by name. GitLab's file counts where there are none of GitHub's.
fn all(workspace: &Path, happening: &Happening) -> Result<Vec<Workflow>, Unobservable> {
    let entries = std::fs::read_dir(workspace.join(FOLDER)).into_iter().flatten().flatten();
    let mut files: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".yml") || name.ends_with(".yaml"))
        .map(|name| format!("{FOLDER}/{name}"))
        .collect();
    files.sort();
    if files.is_empty() && workspace.join(GITLAB).exists() {
        files.push(GITLAB.into());
    }
    files.iter().map(|file| read(workspace, file, happening)).collect()
}

fn read(workspace: &Path, file: &str, happening: &Happening) -> Result<Workflow, Unobservable> {
    let path = inside(workspace, file)?.ok_or_else(|| Unobservable::Learner(format!("there is no `{file}`")))?;
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Unobservable::Learner(format!("`{file}` cannot be read: {error}")))?;
    let read = match file.ends_with("gitlab-ci.yml") {
        true => read_gitlab(file, &text, happening),
        false => read_github(file, &text),
    };
    read.map_err(Unobservable::Learner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gitlabs_file_is_read_where_there_are_none_of_githubs() {
        let workspace = tempfile::tempdir().unwrap();
        let happening = Happening { event: "push".into(), branch: "main".into() };
        let files = || -> Vec<String> {
            let all = all(workspace.path(), &happening).unwrap();
            all.into_iter().map(|workflow| workflow.file).collect()
        };
        assert!(files().is_empty());
        std::fs::write(workspace.path().join(GITLAB), "test: { script: pytest }").unwrap();
        assert_eq!(files(), [GITLAB]);
        std::fs::create_dir_all(workspace.path().join(FOLDER)).unwrap();
        let github = "on: push\njobs: { test: { runs-on: x, steps: [{ run: pytest }] } }";
        std::fs::write(workspace.path().join(FOLDER).join("test.yml"), github).unwrap();
        assert_eq!(files(), [".github/workflows/test.yml"]);
        assert_eq!(read(workspace.path(), GITLAB, &happening).unwrap().jobs[0].id, "test");
        std::fs::write(workspace.path().join(GITLAB), "test: {}").unwrap();
        let Err(Unobservable::Learner(said)) = read(workspace.path(), GITLAB, &happening) else { panic!() };
        assert_eq!(said, ".gitlab-ci.yml: the job `test`: it has no `script`");
    }
}
