//! Shells kept open in containers: commands go through them, because an exec of its own costs each some
//! sixty milliseconds.
//!
//! A shell reads its script from standard input. Each command runs in a subshell with a directory, an
//! environment and an input of its own. On both streams its output stands between two marks that carry a
//! number which nobody can guess: what a process left behind writes between two commands belongs to none.
//! A shell leads a process group, so one signal ends a command that took too long with all its children.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::StartExecResults;
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{DockerEngine, translate};
use crate::environment::EngineError;
use crate::environment::engine::{CUT, ExecOutput, ExecRequest, LARGEST_OUTPUT};

/// The idle shells of an engine's containers.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<Shells>>);

#[derive(Default)]
struct Shells {
    /// By container and user.
    idle: HashMap<(String, Option<String>), Vec<Shell>>,
    /// Containers that have no shell.
    without: HashSet<String>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sessions")
    }
}

struct Shell {
    output: Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>,
    input: Pin<Box<dyn AsyncWrite + Send>>,
    /// As the container numbers it.
    process: u32,
}

/// How a command through a shell ended without an answer.
enum Broken {
    /// The shell was gone before the command began: it can be given to another.
    Before,
    /// The shell went while the command ran.
    During,
    Engine(EngineError),
}

impl Sessions {
    /// Lets the shells of a container go that is no more.
    pub(super) fn forget(&self, id: &str) {
        let mut shells = self.shells();
        shells.idle.retain(|(container, _), _| container != id);
        shells.without.remove(id);
    }

    fn shells(&self) -> MutexGuard<'_, Shells> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DockerEngine {
    /// Runs a command through an open shell of the container; through an exec of its own where there is no shell, or
    /// where its output is wanted as a whole.
    pub(super) async fn run_in_session(&self, id: &str, request: &ExecRequest) -> Result<ExecOutput, EngineError> {
        let shell = |_: &Script| !request.whole && !self.sessions.shells().without.contains(id);
        let Some(script) = script(request, &mark()).filter(shell) else {
            return self.run_exec(id, request).await;
        };
        let key = (id.to_owned(), request.user.clone());
        // An idle shell may have died with its container's last life; a new one has not.
        loop {
            let idle = self.sessions.shells().idle.get_mut(&key).and_then(Vec::pop);
            let (shell, fresh) = match idle {
                Some(shell) => (shell, false),
                None => match self.open_shell(id, request.user.as_deref()).await? {
                    Some(shell) => (shell, true),
                    None => {
                        self.sessions.shells().without.insert(id.to_owned());
                        return self.run_exec(id, request).await;
                    }
                },
            };
            let mut running = Running { engine: self.clone(), key: key.clone(), shell: Some(shell) };
            match running.run(&script).await {
                Ok(output) => {
                    running.give_back();
                    return Ok(output);
                }
                Err(Broken::Before) if !fresh => running.forget(),
                Err(Broken::Before | Broken::During) => {
                    running.forget();
                    return Ok(ExecOutput {
                        code: 137,
                        stdout: Vec::new(),
                        stderr: b"the container ended while the command ran\n".to_vec(),
                    });
                }
                Err(Broken::Engine(error)) => {
                    running.forget();
                    return Err(error);
                }
            }
        }
    }

    /// Opens a shell; `None` when the container has none.
    async fn open_shell(&self, id: &str, user: Option<&str>) -> Result<Option<Shell>, EngineError> {
        let request =
            ExecRequest { argv: vec!["/bin/sh".into()], user: user.map(str::to_owned), ..ExecRequest::default() };
        let (_, started) = self.begin_exec(id, &request, true).await?;
        let StartExecResults::Attached { output, input } = started else { return Ok(None) };
        let mut shell = Shell { output: Box::pin(output), input: Box::pin(input), process: 0 };
        let mark = mark();
        let script = Script { text: format!("printf '{mark}%d;' $$\n").into_bytes(), begin: mark.clone(), end: mark };
        if shell.input.write_all(&script.text).await.is_err() || shell.input.flush().await.is_err() {
            return Ok(None);
        }
        let mut seen = Vec::new();
        while let Some(Ok(piece)) = shell.output.next().await {
            seen.extend_from_slice(&piece.into_bytes());
            let text = String::from_utf8_lossy(&seen);
            let number = text.split_once(&script.begin).and_then(|(_, rest)| rest.split_once(';'));
            if let Some(process) = number.and_then(|(number, _)| number.parse().ok()) {
                shell.process = process;
                return Ok(Some(shell));
            }
        }
        Ok(None)
    }
}

/// A command that a shell works on. Dropped before its end, it is ended with all its children.
struct Running {
    engine: DockerEngine,
    key: (String, Option<String>),
    shell: Option<Shell>,
}

impl Running {
    fn give_back(mut self) {
        if let Some(shell) = self.shell.take() {
            self.engine.sessions.shells().idle.entry(self.key.clone()).or_default().push(shell);
        }
    }

    fn forget(mut self) {
        self.shell = None;
    }

    async fn run(&mut self, script: &Script) -> Result<ExecOutput, Broken> {
        let Some(Shell { output, input, .. }) = &mut self.shell else { return Err(Broken::Before) };
        let write = async {
            // What cannot be written shows in what is read.
            if input.write_all(&script.text).await.is_ok() {
                let _ = input.flush().await;
            }
        };
        let read = async {
            let (mut stdout, mut stderr) = (Between::new(script), Between::new(script));
            loop {
                if let (Some(code), Some(_)) = (stdout.tail(), stderr.tail()) {
                    let code = code.parse().unwrap_or(-1);
                    return Ok(ExecOutput { code, stdout: stdout.content(), stderr: stderr.content() });
                }
                match output.next().await {
                    Some(Ok(LogOutput::StdErr { message })) => stderr.add(&message),
                    Some(Ok(piece)) => stdout.add(&piece.into_bytes()),
                    Some(Err(error @ Error::DockerResponseServerError { .. })) => {
                        return Err(Broken::Engine(translate("run a command".into(), &error)));
                    }
                    Some(Err(_)) | None if stdout.begun() => return Err(Broken::During),
                    Some(Err(_)) | None => return Err(Broken::Before),
                }
            }
        };
        tokio::join!(write, read).1
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(shell) = self.shell.take() else { return };
        let (engine, (id, user)) = (self.engine.clone(), self.key.clone());
        let kill = format!("kill -9 -{}", shell.process);
        let request = ExecRequest { argv: vec!["/bin/sh".into(), "-c".into(), kill], user, ..ExecRequest::default() };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // Nobody waits for it: the step that began the command is over.
            runtime.spawn(async move { engine.run_exec(&id, &request).await });
        }
    }
}

/// What a shell is to do, and the marks around what it answers.
struct Script {
    text: Vec<u8>,
    begin: String,
    end: String,
}

fn mark() -> String {
    let mut bytes = [0_u8; 16];
    // Without randomness marks still differ from any output that does not try to look like one.
    let _ = getrandom::fill(&mut bytes);
    hex::encode(bytes)
}

/// The script for a command, or `None` when a shell cannot be told it.
fn script(request: &ExecRequest, mark: &str) -> Option<Script> {
    use std::fmt::Write;
    let (begin, end) = (format!("<{mark}"), format!("{mark}>"));
    let mut inner = String::new();
    if let Some(folder) = &request.working_dir {
        let _ = write!(inner, "cd {} && ", shell_words::quote(folder));
    }
    for (name, value) in &request.environment {
        let proper = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && name.starts_with(|letter: char| !letter.is_ascii_digit());
        if !proper {
            return None;
        }
        let _ = write!(inner, "export {name}={} && ", shell_words::quote(value));
    }
    let _ = write!(inner, "exec {}", shell_words::join(&request.argv));
    let (before, after) = match request.stdin.as_deref().map(std::str::from_utf8) {
        None => (String::new(), " </dev/null"),
        // `printf` takes no NUL, and a shell no bytes that are no text.
        Some(Ok(text)) if !text.contains('\0') => (format!("printf %s {} | ", shell_words::quote(text)), ""),
        Some(_) => return None,
    };
    if inner.contains('\0') {
        return None;
    }
    // The marks are written in two halves: an echo of the script would not look like one.
    let (first, second) = mark.split_at(mark.len() / 2);
    let text = format!(
        "printf '<%s%s' {first} {second}; printf '<%s%s' {first} {second} >&2\n\
         {before}( {inner} ){after}\n\
         printf '%s%s>%d;' {first} {second} $?; printf '%s%s>;' {first} {second} >&2\n"
    );
    Some(Script { text: text.into_bytes(), begin, end })
}

/// What stands between the marks on one stream.
struct Between<'s> {
    script: &'s Script,
    bytes: Vec<u8>,
    begin: Option<usize>,
    end: Option<usize>,
    /// Something was left out, for there was too much of it.
    cut: bool,
}

impl<'s> Between<'s> {
    fn new(script: &'s Script) -> Self {
        Self { script, bytes: Vec::new(), begin: None, end: None, cut: false }
    }

    fn begun(&self) -> bool {
        self.begin.is_some()
    }

    fn add(&mut self, more: &[u8]) {
        let old = self.bytes.len();
        self.bytes.extend_from_slice(more);
        if self.begin.is_none() {
            self.begin = find(&self.bytes, self.script.begin.as_bytes(), 0).map(|at| at + self.script.begin.len());
        }
        if let Some(begin) = self.begin {
            // A mark may come in two pieces.
            let from = old.saturating_sub(self.script.end.len()).max(begin);
            self.end = self.end.or_else(|| find(&self.bytes, self.script.end.as_bytes(), from));
        }
        // What may be the beginning of a mark stays.
        let tail = self.bytes.len().saturating_sub(self.script.end.len());
        if self.end.is_none() && tail > LARGEST_OUTPUT {
            self.bytes.drain(LARGEST_OUTPUT..tail);
            self.cut = true;
        }
    }

    /// What follows the closing mark up to a `;`: the exit code on standard output, nothing on the other.
    fn tail(&self) -> Option<String> {
        let rest = self.bytes.get(self.end? + self.script.end.len()..)?;
        let length = rest.iter().position(|byte| *byte == b';')?;
        Some(String::from_utf8_lossy(&rest[..length]).into_owned())
    }

    fn content(&self) -> Vec<u8> {
        let content = self.begin.zip(self.end).and_then(|(begin, end)| self.bytes.get(begin..end)).unwrap_or_default();
        if self.cut { [content, CUT].concat() } else { content.to_vec() }
    }
}

fn find(text: &[u8], mark: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find(text.get(from..)?, mark).map(|at| at + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a real shell answers to the script, on both streams.
    fn answer(request: &ExecRequest) -> (i64, String, String) {
        use std::io::Write;
        let script = script(request, "0123456789abcdef").unwrap();
        let mut shell = std::process::Command::new("/bin/sh")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        shell.stdin.take().unwrap().write_all(&script.text).unwrap();
        let output = shell.wait_with_output().unwrap();
        let between = |bytes: &[u8]| {
            let mut between = Between::new(&script);
            // Byte by byte: marks come in pieces.
            bytes.iter().for_each(|byte| between.add(&[*byte]));
            (between.tail().unwrap(), String::from_utf8(between.content()).unwrap())
        };
        let ((code, stdout), (_, stderr)) = (between(&output.stdout), between(&output.stderr));
        (code.parse().unwrap(), stdout, stderr)
    }

    fn sh(command: &str) -> ExecRequest {
        ExecRequest { argv: ["/bin/sh", "-c", command].map(str::to_owned).to_vec(), ..ExecRequest::default() }
    }

    #[test]
    fn output_error_and_code_come_apart() {
        assert_eq!(answer(&sh("printf 15; printf 'oh;' >&2; exit 7")), (7, "15".into(), "oh;".into()));
        assert_eq!(answer(&sh("echo \"it's\"")), (0, "it's\n".into(), String::new()));
        assert_eq!(answer(&sh("kill -9 $$")).0, 137);
    }

    #[test]
    fn output_without_end_is_kept_up_to_a_size() {
        let script = script(&sh("true"), "0123456789abcdef").unwrap();
        let mut between = Between::new(&script);
        between.add(script.begin.as_bytes());
        let piece = vec![b'y'; 1 << 20];
        (0..40).for_each(|_| between.add(&piece));
        // A mark that comes in two pieces, after much was dropped.
        let (first, second) = script.end.split_at(7);
        [first, second, "0;"].iter().for_each(|piece| between.add(piece.as_bytes()));
        assert_eq!(between.tail().as_deref(), Some("0"));
        let kept = between.content();
        assert!(kept.len() <= LARGEST_OUTPUT + CUT.len() && kept.ends_with(CUT), "{}", kept.len());
    }

    #[test]
    fn input_folder_and_environment_are_the_commands_own() {
        let mut request = sh("cat; printf ' %s %s' \"$PWD\" \"$WORD\"");
        request.stdin = Some(b"a 'b' %s".to_vec());
        request.working_dir = Some("/usr".into());
        request.environment = vec![("WORD".into(), "x y".into())];
        assert_eq!(answer(&request), (0, "a 'b' %s /usr x y".into(), String::new()));
        // Without input of its own a command sees the end, not the script.
        assert_eq!(answer(&sh("cat")), (0, String::new(), String::new()));
    }

    #[test]
    fn what_a_shell_cannot_be_told_goes_another_way() {
        let mut request = sh("true");
        request.stdin = Some(vec![0]);
        assert!(script(&request, "0123").is_none());
        request.stdin = None;
        request.environment = vec![("a-b".into(), String::new())];
        assert!(script(&request, "0123").is_none());
    }
}
