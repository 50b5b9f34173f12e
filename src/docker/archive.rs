//! Folders of containers as archives: taken out, and put in before they start. In pieces, whatever their size.

use std::path::Path;

use bollard::query_parameters::{DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{DockerEngine, call, limit, with_causes};
use crate::environment::{EngineError, EngineFault};

/// Of a file that is read, in bytes.
const PIECE: usize = 1 << 18;

/// A file as a stream.
pub(super) fn pieces(file: File) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    futures_util::stream::try_unfold(file, |mut file| async move {
        let mut buffer = vec![0; PIECE];
        let length = file.read(&mut buffer).await?;
        buffer.truncate(length);
        Ok((length > 0).then(|| (Bytes::from(buffer), file)))
    })
}

impl DockerEngine {
    /// Writes a folder of a container into `file`, owners and modes as they are. The file is whole or not there.
    pub(super) async fn take_folder_out(&self, id: &str, folder: &str, file: &Path) -> Result<(), EngineError> {
        let failed = |message: String| EngineError {
            operation: format!("take `{folder}` out of a container"),
            fault: EngineFault::Other,
            message,
        };
        let local = |error: std::io::Error| failed(format!("`{}`: {error}", file.display()));
        let options = DownloadFromContainerOptionsBuilder::new().path(folder).build();
        let mut stream = Box::pin(self.docker.download_from_container(id, Some(options)));
        let beside = tempfile::NamedTempFile::new_in(file.parent().unwrap_or(Path::new("."))).map_err(local)?;
        let mut out = File::from_std(beside.reopen().map_err(local)?);
        let copy = async {
            while let Some(piece) = stream.next().await {
                let piece = piece.map_err(|error| failed(with_causes(&error)))?;
                out.write_all(&piece).await.map_err(local)?;
            }
            out.sync_all().await.map_err(local)
        };
        tokio::time::timeout(limit::START, copy).await.map_err(|_| failed("it gave no answer".into()))??;
        beside.persist(file).map(drop).map_err(|error| local(error.error))
    }

    /// Puts an archive of [`DockerEngine::take_folder_out`] where that folder is, in a container that has not started.
    pub(super) async fn put_folder_in(&self, id: &str, folder: &str, file: &Path) -> Result<(), EngineError> {
        let operation = format!("put first data into `{folder}`");
        let opened = File::open(file).await.map_err(|error| EngineError {
            operation: operation.clone(),
            fault: EngineFault::Other,
            message: format!("`{}`: {error}", file.display()),
        })?;
        let above = Path::new(folder).parent().map_or("/".into(), |above| above.to_string_lossy());
        let options = UploadToContainerOptionsBuilder::new().path(&above).build();
        let upload = self.docker.upload_to_container(id, Some(options), bollard::body_try_stream(pieces(opened)));
        call(operation, limit::START, upload).await
    }
}
