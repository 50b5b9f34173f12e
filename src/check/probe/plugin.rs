//! `plugin`: an executable of the lab, run on this machine: one JSON document in, one out.
//!
//! It inherits no environment, and runs only after the learner agreed (`needs: [plugin]`).

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::Fields;
use crate::check::world::{Observation, Unobservable, World};

/// Largest document that a plugin may print, in bytes.
const LARGEST: u64 = 4 << 20;

/// Where it finds programs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let name = fields.required("program")?;
    let lab = world.lab_folder();
    let broken = |what: String| Unobservable::Definition(format!("the plugin `{name}` {what}"));
    let program = super::of_lab(lab, &name)?;
    let document = json!({
        "input": fields.get("input"),
        "workspace": world.workspace().display().to_string(),
        "lab": lab.display().to_string(),
    });
    let mut command = Command::new(&program);
    command.env_clear().current_dir(lab).kill_on_drop(true);
    command.env("PATH", PATH);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| broken(format!("cannot be run: {error}")))?;
    let (Some(mut input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(broken("has no streams".into()));
    };
    let (mut printed, mut said) = (Vec::new(), Vec::new());
    let (mut output, mut errors) = (output.take(LARGEST), errors.take(LARGEST));
    let text = document.to_string();
    // A plugin that does not read its input may still answer.
    let write = async move {
        let _ = input.write_all(text.as_bytes()).await;
    };
    let (_, out, err) = tokio::join!(write, output.read_to_end(&mut printed), errors.read_to_end(&mut said));
    out.and(err).map_err(|error| broken(format!("cannot be read: {error}")))?;
    let status = child.wait().await.map_err(|error| broken(format!("cannot be waited for: {error}")))?;
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    if !status.success() {
        return Err(broken(format!("ended with {status}: {said}")));
    }
    let main: Value = serde_json::from_slice(&printed)
        .map_err(|error| broken(format!("printed no JSON document ({error}): {said}")))?;
    Ok(Observation::new(json!({ "stderr": said }), main))
}
