//! The port to images, spoken to Docker.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::ImageSummary;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ImportImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptions,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::{DockerEngine, call, limit, with_causes};
use crate::environment::{EngineError, EngineFault, Identity};
use crate::image::reference::LOCAL;
use crate::image::{BUILT_FOR, BuildRequest, DIGEST, ImageEngine, ImageError, ImageFacts, Reference};

/// A registry that has not said anything for so long is not there.
const SILENCE: Duration = Duration::from_secs(60);

/// What engines before API 1.43 list as the name of an image without one.
const NAMELESS: &str = "<none>:<none>";

/// Of a file that is read, in bytes.
const PIECE: usize = 1 << 18;

/// A file as a stream, in pieces whatever its size.
fn pieces(file: File) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    futures_util::stream::try_unfold(file, |mut file| async move {
        let mut buffer = vec![0; PIECE];
        let length = file.read(&mut buffer).await?;
        buffer.truncate(length);
        Ok((length > 0).then(|| (Bytes::from(buffer), file)))
    })
}

impl DockerEngine {
    /// The value of [`BUILT_FOR`] for an environment of ours.
    pub fn built_for(&self, identity: &Identity) -> String {
        format!("{} of {}", identity.key(), self.owner)
    }

    /// The environments of ours that images were built for.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn built_environments(&self) -> Result<BTreeSet<Identity>, EngineError> {
        let images = self.images_with(BUILT_FOR.to_owned(), false).await?;
        let ours = format!(" of {}", self.owner);
        let environment = |image: ImageSummary| Identity::of_key(image.labels.get(BUILT_FOR)?.strip_suffix(&ours)?);
        Ok(images.into_iter().filter_map(environment).collect())
    }

    /// Removes what was built for an environment, or only what a newer one has taken the name of. An image that a
    /// container has stays, and so does one that somebody has given another name: images that are made from ours have
    /// our labels.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn forget_images(&self, identity: &Identity, outdated: bool) -> Result<(), EngineError> {
        let images = self.images_with(format!("{BUILT_FOR}={}", self.built_for(identity)), outdated).await?;
        let own = format!("{LOCAL}/{}/", identity.project());
        for mut image in images {
            image.repo_tags.retain(|name| name != NAMELESS);
            // By each of its names: by its number the engine removes none that has several.
            let names = if image.repo_tags.is_empty() { vec![image.id] } else { image.repo_tags };
            for name in names.iter().filter(|name| name.starts_with(&own) || name.starts_with("sha256:")) {
                let removed = self.docker.remove_image(name, None::<RemoveImageOptions>, None);
                match call(format!("remove image {name}"), limit::REMOVE, removed).await {
                    Err(error) if !matches!(error.fault, EngineFault::NotFound | EngineFault::Conflict) => {
                        return Err(error);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    async fn images_with(&self, label: String, nameless: bool) -> Result<Vec<ImageSummary>, EngineError> {
        let mut filters = HashMap::from([("label", vec![label])]);
        if nameless {
            filters.insert("dangling", vec!["true".to_owned()]);
        }
        let options = ListImagesOptionsBuilder::new().filters(&filters).build();
        call("list images", limit::LOOK, self.docker.list_images(Some(options))).await
    }
}

impl ImageEngine for DockerEngine {
    async fn find(&self, name: &str) -> Result<Option<ImageFacts>, ImageError> {
        match call(format!("inspect image {name}"), limit::LOOK, self.docker.inspect_image(name)).await {
            Ok(image) => Ok(Some(ImageFacts {
                id: image.id.unwrap_or_default(),
                digest: image.config.and_then(|config| config.labels).and_then(|mut labels| labels.remove(DIGEST)),
                size: image.size.and_then(|size| size.try_into().ok()).unwrap_or(0),
            })),
            Err(error) if error.fault == EngineFault::NotFound => Ok(None),
            Err(error) => Err(ImageError::Engine(error.to_string())),
        }
    }

    async fn forget(&self, name: &str) -> Result<(), ImageError> {
        let removed = self.docker.remove_image(name, None::<RemoveImageOptions>, None);
        match call(format!("remove image {name}"), limit::REMOVE, removed).await {
            Err(error) if error.fault != EngineFault::NotFound => Err(ImageError::Engine(error.to_string())),
            _ => Ok(()),
        }
    }

    async fn pull(&self, image: &Reference, layer: &(dyn Fn(&str, &str, u64, u64) + Sync)) -> Result<(), ImageError> {
        let name = format!("{}/{}", image.registry, image.repository);
        // Without a tag the engine would fetch every tag there is.
        let tag = image.digest.as_deref().unwrap_or(&image.tag);
        let options = CreateImageOptionsBuilder::new().from_image(&name).tag(tag).build();
        let credentials = credentials(&image.registry);
        let mut stream = Box::pin(self.docker.create_image(Some(options), None, credentials));
        loop {
            let piece = tokio::time::timeout(SILENCE, stream.next()).await;
            let piece = piece.map_err(|_| ImageError::RegistryUnreachable {
                image: image.to_string(),
                message: format!("nothing came for {} s", SILENCE.as_secs()),
            })?;
            match piece {
                None => return Ok(()),
                Some(Ok(info)) => {
                    let detail = info.progress_detail.unwrap_or_default();
                    let number = |value: Option<i64>| value.and_then(|value| value.try_into().ok()).unwrap_or(0);
                    let (id, status) = (info.id.unwrap_or_default(), info.status.unwrap_or_default());
                    layer(&id, &status, number(detail.current), number(detail.total));
                }
                Some(Err(error)) => return Err(pull_error(image, &error)),
            }
        }
    }

    async fn build(&self, request: BuildRequest, line: &(dyn Fn(&str) + Sync)) -> Result<(), ImageError> {
        match self.build_with(&request, true, line).await {
            Err(ImageError::Engine(_)) => self.build_with(&request, false, line).await,
            other => other,
        }
    }

    async fn import(&self, name: &Reference, root: PathBuf, changes: Vec<String>) -> Result<(), ImageError> {
        let file = tokio::fs::File::open(&root)
            .await
            .map_err(|error| ImageError::File { path: root.clone(), message: error.to_string() })?;
        let repository = format!("{}/{}", name.registry, name.repository);
        let options =
            CreateImageOptionsBuilder::new().from_src("-").repo(&repository).tag(&name.tag).changes(changes).build();
        let body = bollard::body_try_stream(pieces(file));
        let mut stream = Box::pin(self.docker.create_image(Some(options), Some(body), None));
        while let Some(piece) = stream.next().await {
            piece
                .map_err(|error| ImageError::Engine(format!("the base cannot be imported: {}", with_causes(&error))))?;
        }
        Ok(())
    }

    async fn save(&self, names: &[&str], file: &Path) -> Result<u64, ImageError> {
        use tokio::io::AsyncWriteExt;
        let failed = |error: std::io::Error| ImageError::File { path: file.to_owned(), message: error.to_string() };
        // Written beside and renamed, so that a file of that name is always whole.
        let partial = file.with_extension("partial");
        let mut out = tokio::fs::File::create(&partial).await.map_err(failed)?;
        let mut stream = Box::pin(self.docker.export_images(names));
        let mut bytes = 0;
        while let Some(piece) = stream.next().await {
            let piece = piece
                .map_err(|error| ImageError::Engine(format!("the images cannot be read: {}", with_causes(&error))))?;
            bytes += piece.len() as u64;
            out.write_all(&piece).await.map_err(failed)?;
        }
        out.sync_all().await.map_err(failed)?;
        tokio::fs::rename(&partial, file).await.map_err(failed)?;
        Ok(bytes)
    }

    async fn load(&self, file: &Path) -> Result<(), ImageError> {
        let failed = |error: std::io::Error| ImageError::File { path: file.to_owned(), message: error.to_string() };
        let input = tokio::fs::File::open(file).await.map_err(failed)?;
        let options = ImportImageOptionsBuilder::new().quiet(true).build();
        let mut stream = Box::pin(self.docker.import_image_stream(options, pieces(input), None));
        while let Some(answer) = stream.next().await {
            answer.map_err(|error| {
                ImageError::Engine(format!("`{}` cannot be loaded: {}", file.display(), with_causes(&error)))
            })?;
        }
        Ok(())
    }
}

fn credentials(registry: &str) -> Option<bollard::auth::DockerCredentials> {
    let name = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
    match docker_credential::get_credential(name).ok()? {
        docker_credential::DockerCredential::UsernamePassword(username, password) => {
            Some(bollard::auth::DockerCredentials {
                username: Some(username),
                password: Some(password),
                serveraddress: Some(registry.to_owned()),
                ..Default::default()
            })
        }
        docker_credential::DockerCredential::IdentityToken(token) => {
            Some(bollard::auth::DockerCredentials { identitytoken: Some(token), ..Default::default() })
        }
    }
}

/// The engine says in words whether the registry was away or said no.
fn pull_error(image: &Reference, error: &Error) -> ImageError {
    let message = match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        other => with_causes(other),
    };
    let said_no = [
        "denied",
        "unauthorized",
        "no basic auth",
        "authentication required",
        "not found",
        "manifest unknown",
        "no such image",
        "toomanyrequests",
    ];
    let lower = message.to_lowercase();
    if said_no.iter().any(|words| lower.contains(words)) && !lower.contains("no such host") {
        return ImageError::Refused { image: image.to_string(), message };
    }
    ImageError::RegistryUnreachable { image: image.to_string(), message }
}
