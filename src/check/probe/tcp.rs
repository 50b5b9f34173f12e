//! `tcp`: does a port accept, and what does it say.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Fields, wrong};
use crate::check::world::{Observation, Unobservable, World};
use crate::lab::ServiceName;

/// A server that has said nothing for so long has said what it wanted to.
const QUIET: Duration = Duration::from_millis(500);

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let text = fields.required("address")?;
    let read = text.rsplit_once(':').and_then(|(host, port)| Some((ServiceName::new(host).ok()?, port.parse().ok()?)));
    let (service, port) = read.ok_or_else(|| wrong("address", "`service:port`", &text.clone().into()))?;
    let address = world.address(&service, port).await?;
    let began = Instant::now();
    let seen = |open: bool, received: String| {
        let fields = json!({ "open": open, "received": received, "duration": began.elapsed().as_secs_f64() });
        Observation::new(fields, received.into())
    };
    let Ok(mut stream) = TcpStream::connect(address).await else { return Ok(seen(false, String::new())) };
    if let Some(text) = fields.text("send")?
        && stream.write_all(text.as_bytes()).await.is_err()
    {
        return Ok(seen(true, String::new()));
    }
    let mut received = Vec::new();
    if fields.flag("read", fields.get("send").is_some())? {
        let mut buffer = [0; 4096];
        while let Ok(Ok(length @ 1..)) = tokio::time::timeout(QUIET, stream.read(&mut buffer)).await {
            received.extend_from_slice(&buffer[..length]);
            if received.len() > 1 << 20 {
                break;
            }
        }
    }
    Ok(seen(true, String::from_utf8_lossy(&received).into_owned()))
}
