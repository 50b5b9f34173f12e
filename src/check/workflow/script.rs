//! Scripts of steps, and what steps tell those after them.
//!
//! Source: GitHub's documentation, "Workflow commands" (files for variables, outputs and paths) and "Workflow syntax"
//! (shells).

use std::collections::BTreeMap;

use serde_json::Map;

use super::actions;
use super::job::{Done, Job, WORKSPACE, unknown};
use super::machine::Machines;
use super::surroundings;
use crate::check::world::{Command, Output, Unobservable};

/// Files that steps write into, and what each is for.
const FILES: [(&str, &str); 4] = [
    ("GITHUB_ENV", "/labrunner/env"),
    ("GITHUB_OUTPUT", "/labrunner/output"),
    ("GITHUB_PATH", "/labrunner/path"),
    ("GITHUB_STEP_SUMMARY", "/labrunner/summary"),
];

impl<M: Machines> Job<'_, M> {
    /// Runs the script of a `run` step.
    pub(super) async fn script(
        &mut self,
        script: &str,
        shell: Option<&str>,
        folder: Option<&str>,
        environment: BTreeMap<String, String>,
    ) -> Result<Done, Unobservable> {
        let script = match self.workflow.has_expressions() {
            true => self.text(&script.into())?,
            false => script.to_owned(),
        };
        let argv: &[&str] = match shell.unwrap_or("") {
            "" => &["bash", "-e"],
            "bash" => &["bash", "--noprofile", "--norc", "-eo", "pipefail"],
            "sh" => &["sh", "-e"],
            "python" => &["python"],
            other => return Err(unknown(&format!("the shell `{other}`"))),
        };
        let folder = match folder {
            Some(folder) => super::docker_cli::absolute(WORKSPACE, &self.text(&folder.into())?),
            None => WORKSPACE.to_owned(),
        };
        // Pipes of its own: what waited for a call of `docker` beside the step before may not be gone yet, and would take
        // the call of this one, which then waited for ever.
        let prepare = "cd /labrunner && rm -f ask answer && mkfifo ask answer && cat > step";
        let written = self.shell(prepare, Some(script)).await?;
        if written.code != 0 {
            return Err(Unobservable::Machine(format!("a step cannot be written down: {}", written.stderr.trim())));
        }
        // An image without bash has another shell.
        let words = argv.iter().map(|word| (*word).to_owned()).chain(["/labrunner/step".into()]);
        let start = "export PATH=\"$0$PATH\"; command -v \"$1\" >/dev/null || { shift $(($# - 1)); set -- sh -e \"$1\"; }; \
                     exec \"$@\" 2>&1";
        let paths: String = self.paths.iter().rev().map(|path| format!("{path}:")).collect();
        let argv = ["/bin/sh".to_owned(), "-c".into(), start.into(), paths].into_iter().chain(words).collect();
        let mut all = surroundings::variables(self.workflow, &self.contexts);
        all.extend(FILES.map(|(name, path)| (name.to_owned(), path.to_owned())));
        all.extend(environment);
        let command =
            Command { argv, environment: all.into_iter().collect(), working_dir: Some(folder), ..Command::default() };
        let output = self.beside_docker(&command).await?;
        Ok(Done { code: output.code, said: output.stdout + &output.stderr, outputs: Map::new() })
    }

    /// Runs a command, and answers when it calls `docker`.
    async fn beside_docker(&mut self, command: &Command) -> Result<Output, Unobservable> {
        let (machines, machine) = (self.round.machines, self.machine.clone());
        let mut step = std::pin::pin!(machines.run(&machine, command));
        loop {
            let ask = Command { argv: ["cat", "/labrunner/ask"].map(str::to_owned).to_vec(), ..Command::default() };
            let asked = tokio::select! {
                done = &mut step => return done,
                asked = machines.run(&machine, &ask) => asked?,
            };
            let mut parts: Vec<String> = asked.stdout.split('\0').map(str::to_owned).collect();
            parts.pop();
            let Done { code, said, .. } = actions::docker(self, parts).await?;
            let line = ["/bin/sh", "-c", "cat > /labrunner/answer"].map(str::to_owned).to_vec();
            let answer = Command { argv: line, stdin: Some(format!("{code}\n{said}")), ..Command::default() };
            tokio::select! {
                // Whoever asked is gone already.
                done = &mut step => return done,
                told = machines.run(&machine, &answer) => drop(told?),
            }
        }
    }

    /// What a step has left for those after it.
    pub(super) async fn take_up(&mut self, done: &mut Done) -> Result<(), Unobservable> {
        let script = "for file in env output path; do cat /labrunner/$file; printf '\\0'; : > /labrunner/$file; done";
        let left = self.shell(script, None).await?;
        let mut parts = left.stdout.split('\0');
        let mut next = || parts.next().unwrap_or_default();
        for (name, value) in assignments(next()) {
            self.contexts["env"][&name] = value.clone().into();
            self.environment.insert(name, value);
        }
        done.outputs.extend(assignments(next()).into_iter().map(|(name, value)| (name, value.into())));
        self.paths.extend(next().lines().filter(|line| !line.is_empty()).map(str::to_owned));
        Ok(())
    }
}

/// `NAME=value`, and values of several lines between marks.
fn assignments(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let marked = line.split_once("<<").filter(|(name, _)| !name.contains('='));
        if let Some((name, mark)) = marked {
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != mark).collect();
            found.push((name.trim().to_owned(), value.join("\n")));
        } else if let Some((name, value)) = line.split_once('=') {
            found.push((name.trim().to_owned(), value.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_steps_are_read_as_documented() {
        let text = "TAG=abc=1\nNOTES<<EOF\none\ntwo\nEOF\n\nEMPTY=\n";
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(assignments(text), [pair("TAG", "abc=1"), pair("NOTES", "one\ntwo"), pair("EMPTY", "")]);
    }
}
