//! `git`: the history of the workspace, asked of git on this machine.

use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use super::Fields;
use crate::check::world::{Observation, Unobservable, World};

/// Commits that are looked at where the step sets no other bound.
const COMMITS: i64 = 200;
/// Fields of a commit are parted by one of these, commits by the other; neither occurs in a message.
const PART: char = '\u{1f}';
const END: char = '\u{1e}';

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let folder = world.workspace();
    // Not a repository around the workspace: one of its own.
    if !folder.join(".git").exists() {
        return Ok(Observation::new(json!({ "exists": false, "commits": 0 }), Value::Null));
    }
    let status = git(folder, &["status", "--porcelain=v1", "--untracked-files=all"]).await?;
    let branch = git(folder, &["symbolic-ref", "--short", "-q", "HEAD"]).await?;
    let list = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let branches = list(git(folder, &["for-each-ref", "--format=%(refname:short)", "refs/heads"]).await?);
    let tags = list(git(folder, &["for-each-ref", "--format=%(refname:short)", "refs/tags"]).await?);
    let most = format!("--max-count={}", fields.number("limit")?.unwrap_or(COMMITS));
    let format = format!("--format=%H{PART}%an{PART}%ae{PART}%ct{PART}%P{PART}%s{PART}%b{END}");
    let mut arguments = vec!["log", &most, &format];
    let range = fields.text("range")?;
    // After this word git takes nothing for an option, whatever a learner's setting holds.
    arguments.extend(range.as_deref().map(|range| ["--end-of-options", range]).into_iter().flatten());
    let log = git(folder, &arguments).await?;
    let commits: Vec<Value> = log.split(END).filter_map(|text| commit(text.trim_start())).collect();
    let tracked = list(git(folder, &["ls-files"]).await?);
    let changed = status.lines().filter(|line| !line.starts_with("??")).count();
    let fields = json!({
        "exists": true,
        "branch": Some(branch.trim()).filter(|branch| !branch.is_empty()),
        "commits": commits.len(),
        "clean": status.trim().is_empty(),
        "changed": changed,
        "untracked": status.lines().count() - changed,
    });
    let main = json!({ "commits": commits, "branches": branches, "tags": tags, "files": tracked });
    Ok(Observation::new(fields, main))
}

fn commit(text: &str) -> Option<Value> {
    let parts: Vec<&str> = text.split(PART).collect();
    let [hash, author, email, time, parents, subject, body] = parts.as_slice() else { return None };
    Some(json!({
        "hash": hash,
        "author": author,
        "email": email,
        "time": time.parse::<i64>().ok(),
        "merge": parents.split_whitespace().count() > 1,
        "subject": subject,
        "body": body.trim(),
    }))
}

/// What git prints; empty when it refuses, for example because there is no commit yet.
async fn git(folder: &Path, arguments: &[&str]) -> Result<String, Unobservable> {
    let mut command = Command::new("git");
    // A repository's own settings may name programs to run.
    command.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat"]);
    command.arg("-C").arg(folder).args(arguments).kill_on_drop(true);
    command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").stdin(std::process::Stdio::null());
    let output = command.output().await.map_err(|error| {
        Unobservable::Machine(format!("git cannot be run on this machine ({error}); install it and verify again"))
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
