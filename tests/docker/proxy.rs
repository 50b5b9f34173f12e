//! A socket between labrunner and the engine: counts what is asked, and stops everything at one request.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The engine's own socket.
pub const ENGINE: &str = "/var/run/docker.sock";

/// When a request that changes something is the chosen one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The engine never hears of it.
    Before,
    /// The engine has done it, and nobody hears of that.
    After,
}

/// What happens at the chosen request.
type Strike = Box<dyn Fn() + Send + Sync>;

struct Plan {
    chosen: Option<(usize, When)>,
    strike: Strike,
    seen: AtomicUsize,
    struck: AtomicBool,
}

pub struct Proxy {
    path: PathBuf,
    plan: Arc<Plan>,
}

/// Serves everyone who connects to a socket, each on a thread of its own.
pub fn listen(path: &Path, serve: impl Fn(UnixStream) + Send + Sync + 'static) {
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path).unwrap();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            std::thread::spawn(move || serve(client));
        }
    });
}

impl Proxy {
    /// Listens in `folder`. `strike` is called at the chosen request, counted from 0, among those that change
    /// something; nothing passes any more after that.
    pub fn new(folder: &Path, chosen: Option<(usize, When)>, strike: impl Fn() + Send + Sync + 'static) -> Self {
        let path = folder.join(format!("{}.sock", chosen.map_or("all".to_owned(), |(n, when)| format!("{n}{when:?}"))));
        let plan = Arc::new(Plan {
            chosen,
            strike: Box::new(strike),
            seen: AtomicUsize::new(0),
            struck: AtomicBool::new(false),
        });
        let shared = plan.clone();
        listen(&path, move |client| {
            if !shared.struck.load(Ordering::SeqCst) {
                shared.serve(client);
            }
        });
        Self { path, plan }
    }

    /// What `DOCKER_HOST` has to say.
    pub fn host(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    pub fn struck(&self) -> bool {
        self.plan.struck.load(Ordering::SeqCst)
    }
}

impl Plan {
    fn serve(self: &Arc<Self>, mut client: UnixStream) {
        let Ok(engine) = UnixStream::connect(ENGINE) else { return };
        let after = Arc::new(AtomicBool::new(false));
        let (mut answers, mut back) = (engine.try_clone().unwrap(), client.try_clone().unwrap());
        let (plan, waiting) = (self.clone(), after.clone());
        std::thread::spawn(move || {
            let mut piece = [0; 65536];
            while let Ok(length @ 1..) = answers.read(&mut piece) {
                if waiting.load(Ordering::SeqCst) {
                    plan.strike();
                }
                if plan.struck.load(Ordering::SeqCst) || back.write_all(&piece[..length]).is_err() {
                    break;
                }
            }
            let _ = (back.shutdown(Shutdown::Both), answers.shutdown(Shutdown::Both));
        });
        let mut engine = engine;
        let mut piece = [0; 65536];
        while let Ok(length @ 1..) = client.read(&mut piece) {
            if changes(&piece[..length]) {
                let number = self.seen.fetch_add(1, Ordering::SeqCst);
                match self.chosen {
                    Some((chosen, When::Before)) if chosen == number => self.strike(),
                    Some((chosen, When::After)) if chosen == number => after.store(true, Ordering::SeqCst),
                    _ => {}
                }
            }
            if self.struck.load(Ordering::SeqCst) || engine.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        let _ = (client.shutdown(Shutdown::Both), engine.shutdown(Shutdown::Both));
    }

    fn strike(&self) {
        if !self.struck.swap(true, Ordering::SeqCst) {
            (self.strike)();
        }
    }
}

/// Whether this is the beginning of a request that changes something.
fn changes(piece: &[u8]) -> bool {
    let line = piece.split(|byte| *byte == b'\r').next().and_then(|line| std::str::from_utf8(line).ok());
    let methods = ["POST ", "PUT ", "DELETE "];
    line.is_some_and(|line| line.ends_with("HTTP/1.1") && methods.iter().any(|method| line.starts_with(method)))
}
