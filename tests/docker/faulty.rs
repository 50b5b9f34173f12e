//! A socket between labrunner and the engine that answers one call wrongly, and all others as the engine does.
//!
//! Each request comes on a connection of its own, so what a connection begins with says which call it is.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::proxy::{ENGINE, listen};

/// How long whoever is silent is.
const SILENCE: Duration = Duration::from_secs(30);

/// What becomes of the chosen call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The engine refuses with this status.
    Status(u16),
    /// The engine does it, and its answer ends in the middle.
    Cut,
    /// The answer is no HTTP.
    Garbage,
    /// The answer has no end.
    Endless,
    /// No answer for 30 s, and then none.
    Silence,
}

impl Wrong {
    /// The last one takes its time.
    pub const ALL: [Wrong; 6] =
        [Wrong::Status(500), Wrong::Status(409), Wrong::Cut, Wrong::Garbage, Wrong::Endless, Wrong::Silence];
}

struct Plan {
    chosen: Option<(String, Wrong)>,
    calls: Mutex<BTreeSet<String>>,
    struck: AtomicBool,
}

/// Such a socket.
pub struct Faulty {
    path: PathBuf,
    plan: Arc<Plan>,
}

impl Faulty {
    /// Listens in `folder`; the first call of the chosen kind gets the wrong answer.
    pub fn new(folder: &Path, chosen: Option<(&str, Wrong)>) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let path = folder.join(format!("faulty-{}.sock", NUMBER.fetch_add(1, Ordering::SeqCst)));
        let chosen = chosen.map(|(call, wrong)| (call.to_owned(), wrong));
        let plan = Arc::new(Plan { chosen, calls: Mutex::default(), struck: AtomicBool::new(false) });
        let shared = plan.clone();
        listen(&path, move |client| shared.serve(client));
        Self { path, plan }
    }

    /// What `DOCKER_HOST` has to say.
    pub fn host(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// Whether the chosen call came.
    pub fn struck(&self) -> bool {
        self.plan.struck.load(Ordering::SeqCst)
    }

    /// The kinds of calls that came.
    pub fn calls(&self) -> BTreeSet<String> {
        self.plan.calls.lock().unwrap().clone()
    }
}

impl Plan {
    fn serve(&self, mut client: UnixStream) {
        let mut head = Vec::new();
        let mut piece = [0; 4096];
        while !head.windows(4).any(|four| four == b"\r\n\r\n") {
            match client.read(&mut piece) {
                Ok(length @ 1..) => head.extend_from_slice(&piece[..length]),
                // Whoever only looks whether somebody listens asks nothing.
                _ => return,
            }
        }
        let call = call(&head);
        self.calls.lock().unwrap().insert(call.clone());
        let wrong = self.chosen.as_ref().filter(|(chosen, _)| *chosen == call).map(|(_, wrong)| *wrong);
        match wrong.filter(|_| !self.struck.swap(true, Ordering::SeqCst)) {
            None => pass_on(client, &head, false),
            Some(Wrong::Cut) => pass_on(client, &head, true),
            Some(Wrong::Status(status)) => {
                let body = "{\"message\":\"something is wrong in here\"}";
                let head = format!(
                    "HTTP/1.1 {status} Wrong\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = client.write_all(head.as_bytes());
            }
            Some(Wrong::Garbage) => drop(client.write_all(&[0xff, 0x00, b'{', 0x80].repeat(100))),
            Some(Wrong::Endless) => {
                let begin = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
                let mut going = client.write_all(begin);
                // Until nobody listens any more, and not so fast that it is memory that ends it.
                while going.is_ok() {
                    going = client.write_all(b"4\r\n[ [ \r\n");
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            Some(Wrong::Silence) => std::thread::sleep(SILENCE),
        }
    }
}

/// Carries everything both ways; with `cut`, half of what the engine answers first, and then nothing more.
fn pass_on(client: UnixStream, head: &[u8], cut: bool) {
    let Ok(mut engine) = UnixStream::connect(ENGINE) else { return };
    if engine.write_all(head).is_err() {
        return;
    }
    let (mut answers, mut back) = (engine.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::spawn(move || {
        let mut piece = [0; 65536];
        while let Ok(length @ 1..) = answers.read(&mut piece) {
            let length = if cut { length / 2 } else { length };
            if back.write_all(&piece[..length]).is_err() || cut {
                break;
            }
        }
        let _ = (back.shutdown(Shutdown::Both), answers.shutdown(Shutdown::Both));
    });
    let mut client = client;
    let _ = std::io::copy(&mut client, &mut engine);
    let _ = engine.shutdown(Shutdown::Write);
}

/// The words of the engine's paths; all else in one is a name.
const WORDS: &[&str] = &[
    "_ping",
    "archive",
    "attach",
    "build",
    "connect",
    "containers",
    "create",
    "disconnect",
    "events",
    "exec",
    "get",
    "grpc",
    "history",
    "images",
    "info",
    "inspect",
    "json",
    "kill",
    "load",
    "logs",
    "networks",
    "pause",
    "restart",
    "session",
    "start",
    "stats",
    "stop",
    "tag",
    "top",
    "unpause",
    "version",
    "volumes",
    "wait",
];

/// Method and path of a request, with `*` for names: `POST /containers/*/start`.
fn call(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head);
    let mut words = text.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('?').next().unwrap_or_default().split('/').skip(1) {
        let part = if WORDS.contains(&part) { part } else { "*" };
        if part != "*" || parts.last() != Some(&"*") {
            parts.push(part);
        }
    }
    format!("{method} /{}", parts.join("/"))
}
