//! Reaching services whose addresses this machine has no way to: through a program in a container of the lab's
//! network, over the engine's own connection.
//!
//! Every address that is asked for gets a port on loopback. What connects there is carried, as frames, to the
//! program (`relay.py`), which connects where it was meant to go.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bollard::container::LogOutput;
use bollard::exec::StartExecResults;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::DockerEngine;
use crate::environment::engine::ExecRequest;
use crate::environment::{EngineError, EngineFault};

const PROGRAM: &str = include_str!("relay.py");
/// Kind, stream, length.
const HEAD: usize = 9;
/// How long a connection that was made to see whether somebody listens may wait for its user.
const SPARE: Duration = Duration::from_secs(1);

/// What a frame is; the numbers are those of `relay.py`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Open = 0,
    Opened = 1,
    Refused = 2,
    Data = 3,
    End = 4,
    Close = 5,
}

impl Kind {
    fn of(number: u8) -> Option<Self> {
        [Kind::Open, Kind::Opened, Kind::Refused, Kind::Data, Kind::End, Kind::Close]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

fn frame(kind: Kind, stream: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind as u8];
    bytes.extend(stream.to_be_bytes());
    // A frame is never longer than what one read gives.
    bytes.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(data);
    bytes
}

/// Takes a whole frame off the front.
fn take_frame(bytes: &mut Vec<u8>) -> Option<(Kind, u32, Vec<u8>)> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (kind, stream, length) = (*bytes.first()?, number(1)?, number(5)? as usize);
    let data = bytes.get(HEAD..HEAD + length)?.to_vec();
    bytes.drain(..HEAD + length);
    // A kind that nobody knows is carried to nobody.
    Some((Kind::of(kind).unwrap_or(Kind::Open), stream, data))
}

type Streams = Arc<Mutex<HashMap<u32, UnboundedSender<(Kind, Vec<u8>)>>>>;

/// The program in the lab's network, as long as it runs.
#[derive(Clone)]
pub struct Relay {
    outgoing: UnboundedSender<Vec<u8>>,
    streams: Streams,
    next: Arc<AtomicU32>,
    alive: Arc<AtomicBool>,
    /// Ports on loopback, by the address that they lead to.
    doors: Arc<tokio::sync::Mutex<HashMap<SocketAddr, Door>>>,
}

#[derive(Clone)]
struct Door {
    local: SocketAddr,
    spare: Arc<Mutex<Option<(Stream, Instant)>>>,
}

/// One connection through the relay.
struct Stream {
    id: u32,
    incoming: UnboundedReceiver<(Kind, Vec<u8>)>,
    relay: Relay,
}

impl Drop for Stream {
    fn drop(&mut self) {
        lock(&self.relay.streams).remove(&self.id);
        let _ = self.relay.outgoing.send(frame(Kind::Close, self.id, &[]));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Relay {
    /// Starts the program in a container.
    pub(super) async fn begin(engine: &DockerEngine, container: &str) -> Result<Self, EngineError> {
        let argv = ["python3", "-c", PROGRAM].map(str::to_owned).to_vec();
        let request = ExecRequest { argv, ..ExecRequest::default() };
        let (_, started) = engine.begin_exec(container, &request, true).await?;
        let StartExecResults::Attached { mut output, mut input } = started else {
            return Err(failed("the engine did not attach to it"));
        };
        let (outgoing, mut frames) = unbounded_channel::<Vec<u8>>();
        let relay = Self {
            outgoing,
            streams: Streams::default(),
            next: Arc::default(),
            alive: Arc::new(AtomicBool::new(true)),
            doors: Arc::default(),
        };
        tokio::spawn(async move {
            while let Some(bytes) = frames.recv().await {
                if input.write_all(&bytes).await.is_err() || input.flush().await.is_err() {
                    return;
                }
            }
        });
        let (streams, alive) = (relay.streams.clone(), relay.alive.clone());
        tokio::spawn(async move {
            let mut bytes = Vec::new();
            while let Some(Ok(piece)) = output.next().await {
                if let LogOutput::StdOut { message } = piece {
                    bytes.extend_from_slice(&message);
                }
                while let Some((kind, stream, data)) = take_frame(&mut bytes) {
                    if let Some(sender) = lock(&streams).get(&stream) {
                        let _ = sender.send((kind, data));
                    }
                }
            }
            alive.store(false, Ordering::Relaxed);
            // Whoever waits for more is told that there is none.
            lock(&streams).clear();
        });
        Ok(relay)
    }

    /// Whether the program runs still.
    pub(super) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }

    /// Where on this machine an address of the lab's network can be reached. Where nobody listens there, nobody
    /// listens here either.
    pub(super) async fn reach(&self, target: SocketAddr) -> Result<SocketAddr, EngineError> {
        let stream = match self.open(target).await {
            Ok(stream) => stream,
            Err(_) if self.is_alive() => return closed().await,
            Err(why) => return Err(failed(&why)),
        };
        let mut doors = self.doors.lock().await;
        let door = match doors.get(&target) {
            Some(door) => door.clone(),
            None => {
                let door = self.door(target).await?;
                doors.insert(target, door.clone());
                door
            }
        };
        *lock(&door.spare) = Some((stream, Instant::now()));
        Ok(door.local)
    }

    async fn open(&self, target: SocketAddr) -> Result<Stream, String> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, incoming) = unbounded_channel();
        lock(&self.streams).insert(id, sender);
        let mut stream = Stream { id, incoming, relay: self.clone() };
        let address = format!("{} {}", target.ip(), target.port());
        let gone = || "the relay has ended".to_owned();
        self.outgoing.send(frame(Kind::Open, id, address.as_bytes())).map_err(|_| gone())?;
        if !self.is_alive() {
            return Err(gone());
        }
        match stream.incoming.recv().await {
            Some((Kind::Opened, _)) => Ok(stream),
            Some((_, why)) => Err(String::from_utf8_lossy(&why).into_owned()),
            None => Err(gone()),
        }
    }

    async fn door(&self, target: SocketAddr) -> Result<Door, EngineError> {
        let listener = listen().await?;
        let local = listener.local_addr().map_err(|error| failed(&error.to_string()))?;
        let door = Door { local, spare: Arc::default() };
        let (relay, spare) = (self.clone(), door.spare.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let ready = lock(&spare).take().filter(|(stream, since)| stream.is_fresh(*since));
                let relay = relay.clone();
                tokio::spawn(async move {
                    let stream = match ready {
                        Some((stream, _)) => Ok(stream),
                        None => relay.open(target).await,
                    };
                    if let Ok(stream) = stream {
                        stream.carry(socket).await;
                    }
                });
            }
        });
        Ok(door)
    }
}

impl Stream {
    /// Whether it can be given away: nobody has closed it, and it did not wait for long.
    fn is_fresh(&self, since: Instant) -> bool {
        since.elapsed() < SPARE && self.incoming.is_empty() && !self.incoming.is_closed()
    }

    /// Carries both directions to their ends.
    async fn carry(mut self, socket: TcpStream) {
        let _ = socket.set_nodelay(true);
        let (mut from, mut to) = socket.into_split();
        let (outgoing, id) = (self.relay.outgoing.clone(), self.id);
        let there = async {
            let mut buffer = vec![0; 65536];
            while let Ok(count @ 1..) = from.read(&mut buffer).await {
                let _ = outgoing.send(frame(Kind::Data, id, &buffer[..count]));
            }
            let _ = outgoing.send(frame(Kind::End, id, &[]));
        };
        let back = async {
            while let Some((Kind::Data, data)) = self.incoming.recv().await {
                if to.write_all(&data).await.is_err() {
                    return;
                }
            }
            let _ = to.shutdown().await;
        };
        tokio::pin!(there, back);
        tokio::select! {
            () = &mut there => back.await,
            // Whoever has been answered to the end has nothing more to say that would be heard.
            () = &mut back => {}
        }
    }
}

async fn listen() -> Result<TcpListener, EngineError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| failed(&error.to_string()))
}

/// An address of this machine at which nobody listens.
async fn closed() -> Result<SocketAddr, EngineError> {
    listen().await?.local_addr().map_err(|error| failed(&error.to_string()))
}

fn failed(why: &str) -> EngineError {
    EngineError {
        operation: "reach into the lab's network".into(),
        fault: EngineFault::Unreachable,
        message: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_in_pieces_and_leave_whole() {
        let whole = [frame(Kind::Data, 7, b"ab"), frame(Kind::End, 7, b"")].concat();
        let mut bytes = Vec::new();
        let mut seen = Vec::new();
        for byte in whole {
            bytes.push(byte);
            seen.extend(take_frame(&mut bytes));
        }
        assert_eq!(seen, [(Kind::Data, 7, b"ab".to_vec()), (Kind::End, 7, Vec::new())]);
        assert!(bytes.is_empty());
    }
}
