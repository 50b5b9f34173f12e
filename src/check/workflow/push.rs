//! Pushes an image into a registry, by the registry's own API.
//!
//! Source: OCI Distribution Specification 1.1, "Pushing Blobs" and "Pushing Manifests"; the archive is `docker save`'s:
//! `manifest.json` names the configuration and the layers, `rootfs.diff_ids` of the configuration are their digests.

use std::collections::HashMap;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::check::client;

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const PATIENCE: Duration = Duration::from_secs(120);

/// Where to, and as whom.
pub(super) struct Registry<'a> {
    /// As the workflow names it, with its port.
    pub host: &'a str,
    pub address: SocketAddr,
    pub login: Option<&'a (String, String)>,
}

impl Registry<'_> {
    /// Whether the registry knows whoever logs in.
    ///
    /// # Errors
    /// It does not, or it does not answer; in words.
    pub async fn check(&self) -> Result<(), String> {
        let answer = self.ask(Method::GET, "/v2/")?.send().await.map_err(|error| self.away(&error))?;
        self.expect(answer.status(), &[StatusCode::OK], "the login").map(drop)
    }

    /// Pushes the image of an archive under a tag.
    ///
    /// # Errors
    /// The registry refuses, or the archive is none; in words.
    pub async fn push(&self, archive: &Path, repository: &str, tag: &str) -> Result<(), String> {
        let read = |names: Vec<String>| {
            let archive = archive.to_owned();
            async move {
                let read = tokio::task::spawn_blocking(move || files(&archive, &names)).await;
                read.map_err(|error| error.to_string())?.map_err(|error| format!("the image cannot be read: {error}"))
            }
        };
        let missing = |what: &str| format!("the image cannot be read: it has no {what}");
        let mut index = read(vec!["manifest.json".into()]).await?;
        let index: Value = serde_json::from_slice(&index.remove("manifest.json").unwrap_or_default())
            .map_err(|error| error.to_string())?;
        let name = index[0]["Config"].as_str().ok_or_else(|| missing("configuration"))?.to_owned();
        let config = read(vec![name.clone()]).await?.remove(&name).ok_or_else(|| missing("configuration"))?;
        let described: Value = serde_json::from_slice(&config).map_err(|error| error.to_string())?;
        let digests = texts(&described["rootfs"]["diff_ids"]);
        let paths = texts(&index[0]["Layers"]);
        if digests.len() != paths.len() {
            return Err(missing("list of its layers"));
        }
        let mut layers = Vec::new();
        for (digest, path) in digests.iter().zip(paths) {
            let length = self.blob(repository, digest, || read(vec![path.clone()]), &path).await?;
            layers.push(json!({ "mediaType": LAYER, "digest": digest, "size": length }));
        }
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&config)));
        let size = config.len();
        let content = HashMap::from([(name.clone(), config)]);
        self.blob(repository, &digest, || async { Ok(content) }, &name).await?;
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": { "mediaType": CONFIG, "digest": digest, "size": size }, "layers": layers,
        });
        let put = self.ask(Method::PUT, &format!("/v2/{repository}/manifests/{tag}"))?;
        let put = put.header("content-type", MANIFEST).body(manifest.to_string());
        let answer = put.send().await.map_err(|error| self.away(&error))?;
        self.expect(answer.status(), &[StatusCode::CREATED], "the manifest").map(drop)
    }

    /// Sends a blob that the registry does not have yet; its length in bytes.
    async fn blob<F>(
        &self,
        repository: &str,
        digest: &str,
        content: impl FnOnce() -> F,
        name: &str,
    ) -> Result<u64, String>
    where
        F: Future<Output = Result<HashMap<String, Vec<u8>>, String>>,
    {
        let head = self.ask(Method::HEAD, &format!("/v2/{repository}/blobs/{digest}"))?;
        let there = head.send().await.map_err(|error| self.away(&error))?;
        let length = there.headers().get("content-length").and_then(|one| one.to_str().ok()?.parse().ok());
        if let (StatusCode::OK, Some(length)) = (there.status(), length) {
            return Ok(length);
        }
        let begun = self.ask(Method::POST, &format!("/v2/{repository}/blobs/uploads/"))?;
        let begun = begun.send().await.map_err(|error| self.away(&error))?;
        self.expect(begun.status(), &[StatusCode::ACCEPTED], "an upload")?;
        let location = begun.headers().get("location").and_then(|one| one.to_str().ok()).unwrap_or_default();
        let path = location.split_once("/v2/").map_or(location, |(_, rest)| rest).trim_start_matches('/').to_owned();
        let more = if path.contains('?') { '&' } else { '?' };
        let bytes = content().await?.remove(name).ok_or_else(|| format!("the image has no `{name}`"))?;
        let length = bytes.len() as u64;
        let put = self.ask(Method::PUT, &format!("/v2/{path}{more}digest={digest}"))?;
        let put = put.header("content-type", "application/octet-stream").body(bytes);
        let answer = put.send().await.map_err(|error| self.away(&error))?;
        self.expect(answer.status(), &[StatusCode::CREATED], "a layer")?;
        Ok(length)
    }

    fn ask(&self, method: Method, path: &str) -> Result<RequestBuilder, String> {
        let client = client::builder("http").timeout(PATIENCE).build().map_err(|error| error.to_string())?;
        let request = client.request(method, format!("http://{}{path}", self.address)).header("host", self.host);
        Ok(match self.login {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        })
    }

    fn expect(&self, status: StatusCode, wanted: &[StatusCode], what: &str) -> Result<(), String> {
        if wanted.contains(&status) {
            return Ok(());
        }
        match status {
            StatusCode::UNAUTHORIZED => Err(format!("{}: unauthorized: authentication required", self.host)),
            other => Err(format!("{} refuses {what}: {other}", self.host)),
        }
    }

    fn away(&self, error: &reqwest::Error) -> String {
        format!("{} does not answer: {error}", self.host)
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn files(archive: &Path, names: &[String]) -> std::io::Result<HashMap<String, Vec<u8>>> {
    let mut found = HashMap::new();
    for entry in tar::Archive::new(std::fs::File::open(archive)?).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        if names.contains(&path) {
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            found.insert(path, content);
            if found.len() == names.len() {
                break;
            }
        }
    }
    Ok(found)
}
