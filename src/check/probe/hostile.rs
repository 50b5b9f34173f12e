//! Servers that answer nonsense: whatever comes, a probe says something, and in time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Session, observe};
use crate::check::world::{Command, ContainerView, Origin, Output, Unobservable, World};
use crate::lab::stack::Service;
use crate::lab::{Fault, Kind, Owner, ServiceName};

/// A lab with one service, every port of which is the same listener.
struct Nonsense {
    services: BTreeMap<ServiceName, Service>,
    address: SocketAddr,
}

fn nobody<T>() -> Result<T, Unobservable> {
    Err(Unobservable::Machine("there is no engine here".into()))
}

impl World for Nonsense {
    fn services(&self) -> &BTreeMap<ServiceName, Service> {
        &self.services
    }

    fn owner(&self, _: &ServiceName) -> Owner {
        Owner::Learner
    }

    fn workspace(&self) -> &Path {
        Path::new("/nowhere")
    }

    fn lab_folder(&self) -> &Path {
        Path::new("/nowhere")
    }

    fn practicals(&self) -> Result<Vec<crate::lab::practical::Taken>, Unobservable> {
        nobody()
    }

    async fn address(&self, _: &ServiceName, _: u16) -> Result<SocketAddr, Unobservable> {
        Ok(self.address)
    }

    fn is_direct(&self) -> bool {
        true
    }

    async fn published(&self, _: &ServiceName, _: u16) -> Option<u16> {
        None
    }

    async fn exec(&self, _: &ServiceName, _: &Command) -> Result<Output, Unobservable> {
        nobody()
    }

    async fn run(&self, _: &Origin, _: &Command) -> Result<Output, Unobservable> {
        nobody()
    }

    async fn image(&self, _: &Origin) -> Result<Value, Unobservable> {
        nobody()
    }

    async fn image_files(&self, _: &Origin, _: &[String], _: Option<&str>) -> Result<Value, Unobservable> {
        nobody()
    }

    async fn processes(&self, _: &ServiceName, _: u32) -> Result<Vec<Value>, Unobservable> {
        nobody()
    }

    async fn container(&self, _: &ServiceName, _: u32) -> Result<ContainerView, Unobservable> {
        nobody()
    }

    async fn logs(&self, _: &ServiceName, _: Option<Instant>, _: Option<usize>) -> Result<Vec<String>, Unobservable> {
        nobody()
    }

    async fn fault(&self, _: Fault, _: &ServiceName, _: Option<u32>) -> Result<(), Unobservable> {
        nobody()
    }

    async fn heal(&self, _: &ServiceName, _: Option<u32>) -> Result<(), Unobservable> {
        nobody()
    }

    async fn engine(&self) -> Result<(), String> {
        Ok(())
    }
}

/// The same numbers each time (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.roll().to_le_bytes()[0]).collect()
    }
}

/// What a server of each kind might begin with, and then some.
fn answers(dice: &mut Dice) -> Vec<Vec<u8>> {
    let beginnings: [&[u8]; 12] = [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{",
        b"HTTP/1.1 999 \xff\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        b"*999999999\r\n$-7\r\n",
        b"$99999999999999999999\r\n",
        b"+OK\r\n-ERR \xc3\x28\r\n",
        b"AMQP\x00\x00\x09\x01",
        // Start (10, 10) in a frame that says that it is larger than it is.
        b"\x01\x00\x00\x7f\xff\xff\xff\x00\x0a\x00\x0a",
        // Kafka's versions: four billion of them.
        b"\x00\x00\x00\x0e\x00\x00\x00\x01\x00\x00\x7f\xff\xff\xff\x00\x00\x00\x00",
        // PostgreSQL: authenticated, and then a row without end.
        b"R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05ID\x7f\xff\xff\xff",
        b"E\x00\x00\x00\x04",
    ];
    let mut list = Vec::new();
    for beginning in beginnings {
        for tail in [0, 7, 300] {
            list.push([beginning, &dice.bytes(tail)].concat());
        }
    }
    list.extend((0..12).map(|_| dice.bytes(64)));
    list
}

fn asked() -> Vec<(Kind, Value)> {
    vec![
        (Kind::Http, json!({ "url": "http://any:80/" })),
        (Kind::Tcp, json!({ "address": "any:80", "send": "x" })),
        (Kind::Load, json!({ "url": "http://any:80/", "rate": 50, "duration": "100ms" })),
        (Kind::Redis, json!({ "service": "any", "command": ["GET", "x"] })),
        (Kind::Sql, json!({ "service": "any", "query": "SELECT 1" })),
        (Kind::Amqp, json!({ "service": "any", "queue": "x" })),
        (Kind::Kafka, json!({ "service": "any", "topics": "*" })),
        (Kind::Kafka, json!({ "service": "any", "group": "g", "members": true })),
        (Kind::Mail, json!({ "service": "any" })),
    ]
}

/// Answers every connection with the same bytes, and then closes it or says nothing more.
async fn listener(bytes: Vec<u8>, silent: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                let mut heard = [0; 4096];
                let _ = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut heard)).await;
                let _ = stream.write_all(&bytes).await;
                if silent {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_answered_in_time_and_without_a_crash() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Whoever says nothing more costs its limit; a connection that is closed is an answer, however late it is heard.
    let limit = |silent: bool| if silent { Duration::from_millis(300) } else { Duration::from_secs(10) };
    let mut dice = Dice(0x1ab_0000_1234_5678);
    let mut cases = Vec::new();
    for (number, bytes) in answers(&mut dice).into_iter().enumerate() {
        for silent in [false, true] {
            let address = listener(bytes.clone(), silent).await;
            cases.extend(asked().into_iter().map(|(kind, fields)| (number, silent, address, kind, fields)));
        }
    }
    let asking = cases.into_iter().map(|(number, silent, address, kind, fields)| {
        // A task of its own, so that a crash is seen as one.
        tokio::spawn(async move {
            let services = BTreeMap::from([(ServiceName::new("any").unwrap(), Service::default())]);
            let (world, session) = (Nonsense { services, address }, Session::default());
            // Far above every limit: whoever needs it hangs.
            let observing = observe(kind, &fields, &world, &session, limit(silent));
            let seen = tokio::time::timeout(Duration::from_secs(30), observing).await;
            assert!(seen.is_ok(), "`{}` hangs on answer {number}, silent: {silent}", kind.word());
            matches!(seen, Ok(Ok(_)))
        })
    });
    let mut told = 0;
    let mut answers = futures_util::stream::iter(asking).buffer_unordered(16);
    while let Some(done) = answers.next().await {
        told += usize::from(done.expect("a probe does not crash"));
    }
    // Some of it is an answer: a port that is open, a status that is odd.
    assert!(told > 50, "only {told}");
}
