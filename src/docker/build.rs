//! Building images.
//!
//! Each build speaks to the engine in a runtime of its own. With BuildKit, bollard 0.21 serves the builder's questions
//! in a task that nothing ends, over a connection that stays open with it; the end of the runtime ends both.

use std::collections::HashMap;

use bollard::errors::Error;
use bollard::models::{BuildInfo, BuildInfoAux};
use bollard::query_parameters::{BuildImageOptions, BuildImageOptionsBuilder, BuilderVersion};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{DockerEngine, connect, with_causes};
use crate::image::{BuildRequest, ImageError};

const LOG_LINES: usize = 25;
/// Pieces of the builder's output that may wait to be read.
const PIECES: usize = 64;

type Pieces = mpsc::Receiver<Result<BuildInfo, Error>>;

impl DockerEngine {
    /// `Engine` errors mean that this builder cannot be used at all.
    pub(super) async fn build_with(
        &self,
        request: &BuildRequest,
        buildkit: bool,
        line: &(dyn Fn(&str) + Sync),
    ) -> Result<(), ImageError> {
        let map = |map: &std::collections::BTreeMap<String, String>| -> HashMap<String, String> {
            map.clone().into_iter().collect()
        };
        let mut options = BuildImageOptionsBuilder::new()
            .dockerfile(&request.dockerfile)
            .t(&request.name)
            .buildargs(&map(&request.args))
            .labels(&map(&request.labels))
            .nocache(request.no_cache)
            .rm(true)
            .forcerm(true);
        if let Some(target) = &request.target {
            options = options.target(target);
        }
        if buildkit {
            let mut nonce = [0_u8; 8];
            getrandom::fill(&mut nonce).map_err(|error| ImageError::Engine(error.to_string()))?;
            let session = format!("labrunner-{}", u64::from_le_bytes(nonce));
            options = options.version(BuilderVersion::BuilderBuildKit).session(&session);
        }
        let (mut stream, worker) = self.pieces(options.build(), request.context.clone());
        let mut log: Vec<String> = Vec::new();
        let mut say = |text: &str| {
            for one in text.lines().map(str::trim_end).filter(|one| !one.is_empty()) {
                line(one);
                log.push(one.to_owned());
            }
        };
        let (mut failure, mut broke_off) = (None, None);
        let (mut heard, mut tagged) = (false, false);
        while let Some(piece) = stream.recv().await {
            match piece {
                Ok(info) => {
                    heard = true;
                    let said = info.stream.as_deref().unwrap_or_default();
                    // BuildKit's own word; what steps print comes as `aux`.
                    tagged |= buildkit && said.starts_with("Successfully tagged ");
                    say(said);
                    match info.aux {
                        Some(BuildInfoAux::BuildKit(status)) => {
                            status.logs.iter().for_each(|log| say(&String::from_utf8_lossy(&log.msg)));
                            let broken = status.vertexes.iter().find(|vertex| !vertex.error.is_empty());
                            if let Some(vertex) = broken {
                                say(&vertex.name);
                            }
                        }
                        Some(BuildInfoAux::Default(_)) | None => {}
                    }
                    if let Some(detail) = info.error_detail {
                        failure = Some(detail.message.unwrap_or_default());
                    }
                }
                Err(Error::DockerStreamError { error }) => failure = Some(error),
                Err(error) if buildkit && !heard => return Err(ImageError::Engine(with_causes(&error))),
                Err(error @ Error::DockerResponseServerError { .. }) => failure = Some(with_causes(&error)),
                Err(error) if heard => broke_off = Some(with_causes(&error)),
                Err(error) => failure = Some(with_causes(&error)),
            }
        }
        // An engine under load can end the stream inside its last piece: the image is there then. Before that, it is
        // the engine's failure, and nobody's Dockerfile is to blame.
        if let (None, Some(message), false) = (&failure, broke_off, tagged) {
            return Err(ImageError::BrokeOff { image: request.name.clone(), message });
        }
        match failure {
            // Silence is success only where nobody was cut off.
            None => worker.await.map_err(|error| ImageError::Engine(format!("the build was cut off: {error}"))),
            Some(message) => {
                let log = log[log.len().saturating_sub(LOG_LINES)..].join("\n");
                Err(ImageError::Build { image: request.name.clone(), message, log })
            }
        }
    }

    /// What the builder says, piece by piece. A receiver that is dropped ends the build.
    fn pieces(&self, options: BuildImageOptions, context: Vec<u8>) -> (Pieces, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(PIECES);
        let place = self.place.clone();
        let worker = tokio::task::spawn_blocking(move || {
            let said = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = match said {
                Ok(runtime) => runtime,
                Err(error) => return drop(sender.blocking_send(Err(error.into()))),
            };
            runtime.block_on(async {
                let docker = match connect::open(&place) {
                    Ok(docker) => docker,
                    Err(error) => return drop(sender.send(Err(error)).await),
                };
                let mut stream = Box::pin(docker.build_image(options, None, Some(bollard::body_full(context.into()))));
                loop {
                    let piece = tokio::select! {
                        piece = stream.next() => piece,
                        () = sender.closed() => None,
                    };
                    let Some(piece) = piece else { return };
                    if sender.send(piece).await.is_err() {
                        return;
                    }
                }
            });
        });
        (receiver, worker)
    }
}
