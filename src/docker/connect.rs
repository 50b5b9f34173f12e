//! Reaching an engine: `DOCKER_HOST`, else the context in force, else the usual socket.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};

use super::session::Sessions;
use super::{DockerEngine, with_causes};

/// Why no engine was reached.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectError {
    #[error("there is no container engine at `{place}`: it is not installed, or not running")]
    NotThere { place: String },
    #[error("no permission to use the container engine's socket `{place}`")]
    NoPermission { place: String },
    #[error("the container engine at `{place}` does not answer: {message}")]
    NoAnswer { place: String, message: String },
    #[error(
        "labrunner does not speak to `{place}` by itself: forward the engine's socket with \
         `ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock HOST` and set DOCKER_HOST=unix:///tmp/engine.sock"
    )]
    Scheme { place: String },
    #[error("the Docker context `{name}` cannot be used: {message}")]
    Context { name: String, message: String },
}

/// bollard's limit covers whole seconds of waiting for headers; ours are set at each call.
const SECONDS: u64 = 3600;
const SOCKET: &str = "unix:///var/run/docker.sock";
const AUTH: &str = "x-registry-auth";
const ANSWER: Duration = Duration::from_secs(10);

impl DockerEngine {
    /// Connects and makes sure that somebody answers. `environment` holds the process's variables; what is made there
    /// belongs to the labrunner whose state is in `owner`.
    ///
    /// # Errors
    /// No engine answers; the error tells why, as far as it can be known.
    pub async fn connect(environment: &BTreeMap<String, String>, owner: &Path) -> Result<Self, ConnectError> {
        let at = place(environment)?;
        let place = at.host.clone();
        if !["unix://", "tcp://", "http://", "https://"].iter().any(|scheme| place.starts_with(scheme)) {
            return Err(ConnectError::Scheme { place });
        }
        let docker =
            open(&at).map_err(|error| ConnectError::NoAnswer { place: place.clone(), message: with_causes(&error) })?;
        if let Some(path) = place.strip_prefix("unix://") {
            socket(path)?;
        }
        match tokio::time::timeout(ANSWER, docker.ping()).await {
            Ok(Ok(_)) => {
                let owner = std::path::absolute(owner).unwrap_or_else(|_| owner.to_owned());
                let owner = owner.display().to_string().into();
                Ok(DockerEngine { docker, place: at, sessions: Sessions::default(), owner })
            }
            Ok(Err(error)) => Err(ConnectError::NoAnswer { place, message: with_causes(&error) }),
            Err(_) => {
                Err(ConnectError::NoAnswer { place, message: format!("nothing came for {} s", ANSWER.as_secs()) })
            }
        }
    }
}

/// An engine's address, and the folder of the certificates for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    host: String,
    tls: Option<PathBuf>,
}

impl Place {
    /// Whether it is a socket of this machine.
    pub fn is_local(&self) -> bool {
        self.host.starts_with("unix://")
    }
}

/// A client for an engine, whether or not anybody is there.
pub(super) fn open(place: &Place) -> Result<Docker, bollard::errors::Error> {
    let docker = match (place.host.split_once("://"), &place.tls) {
        (Some(("tcp" | "https", rest)), Some(folder)) => Docker::connect_with_ssl(
            &format!("tcp://{rest}"),
            &folder.join("key.pem"),
            &folder.join("cert.pem"),
            &folder.join("ca.pem"),
            SECONDS,
            API_DEFAULT_VERSION,
        ),
        (Some(("tcp" | "http", rest)), None) => {
            Docker::connect_with_http(&format!("tcp://{rest}"), SECONDS, API_DEFAULT_VERSION)
        }
        _ => Docker::connect_with_unix(&place.host, SECONDS, API_DEFAULT_VERSION),
    };
    Ok(docker?.with_request_modifier(|mut request| {
        // bollard writes credentials in base64's usual alphabet; the engine reads the one for URLs (RFC 4648,
        // section 5) and takes what it cannot read for no credentials at all.
        let sent = request.headers().get(AUTH).and_then(|value| value.to_str().ok());
        let proper = sent.and_then(|text| text.replace('+', "-").replace('/', "_").parse().ok());
        if let Some(value) = proper {
            request.headers_mut().insert(AUTH, value);
        }
        request
    }))
}

/// A socket that refuses is somebody else's; one that is missing is nobody's.
fn socket(path: &str) -> Result<(), ConnectError> {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Err(ConnectError::NoPermission { place: path.into() })
        }
        Err(_) => Err(ConnectError::NotThere { place: path.into() }),
    }
}

/// Precedence as in Docker's client: DOCKER_HOST, DOCKER_CONTEXT, `currentContext` of config.json.
fn place(environment: &BTreeMap<String, String>) -> Result<Place, ConnectError> {
    let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let home = environment.get("HOME").map(PathBuf::from).unwrap_or_default();
    let config = environment.get("DOCKER_CONFIG").map_or_else(|| home.join(".docker"), PathBuf::from);
    if let Some(host) = variable("DOCKER_HOST") {
        let folder = || variable("DOCKER_CERT_PATH").map_or_else(|| config.clone(), PathBuf::from);
        return Ok(Place { host: host.clone(), tls: variable("DOCKER_TLS_VERIFY").map(|_| folder()) });
    }
    let current = || {
        let text = std::fs::read_to_string(config.join("config.json")).ok()?;
        let json: serde_json::Value = serde_json::from_str(&text).ok()?;
        json["currentContext"].as_str().map(str::to_owned)
    };
    match environment.get("DOCKER_CONTEXT").cloned().or_else(current) {
        Some(name) if name != "default" && !name.is_empty() => context(&config, &name),
        _ => Ok(Place { host: SOCKET.into(), tls: None }),
    }
}

fn context(config: &Path, name: &str) -> Result<Place, ConnectError> {
    let failed = |message: String| ConnectError::Context { name: name.to_owned(), message };
    let folders = std::fs::read_dir(config.join("contexts/meta")).map_err(|error| failed(error.to_string()))?;
    for folder in folders.flatten() {
        let Ok(text) = std::fs::read_to_string(folder.path().join("meta.json")) else { continue };
        let Ok(json) = serde_json::from_str::<serde_json::Value>(&text) else { continue };
        if json["Name"] == name {
            let host = json["Endpoints"]["docker"]["Host"].as_str();
            let host = host.ok_or_else(|| failed("it names no host".into()))?.to_owned();
            // The folder of a context's certificates is called like the folder of its description.
            let tls = config.join("contexts/tls").join(folder.file_name()).join("docker");
            return Ok(Place { host, tls: tls.is_dir().then_some(tls) });
        }
    }
    Err(failed("there is none of that name".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_over_the_context_and_that_over_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let meta = folder.path().join("contexts/meta/abc");
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(meta.join("meta.json"), r#"{"Name":"far","Endpoints":{"docker":{"Host":"tcp://far:2375"}}}"#)
            .unwrap();
        let config = folder.path().to_string_lossy().into_owned();
        let with = |pairs: &[(&str, &str)]| {
            let mut map: BTreeMap<String, String> = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
            map.insert("DOCKER_CONFIG".into(), config.clone());
            place(&map).map_err(|error| error.to_string())
        };
        let plain = |host: &str| Ok(Place { host: host.into(), tls: None });
        assert_eq!(with(&[]), plain(SOCKET));
        assert_eq!(with(&[("DOCKER_CONTEXT", "far")]), plain("tcp://far:2375"));
        assert_eq!(with(&[("DOCKER_CONTEXT", "far"), ("DOCKER_HOST", "unix:///x")]), plain("unix:///x"));
        let secured = with(&[("DOCKER_HOST", "tcp://x:1"), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "/c")]);
        assert_eq!(secured, Ok(Place { host: "tcp://x:1".into(), tls: Some("/c".into()) }));
        let certificates = folder.path().join("contexts/tls/abc/docker");
        std::fs::create_dir_all(&certificates).unwrap();
        let far = Place { host: "tcp://far:2375".into(), tls: Some(certificates) };
        assert_eq!(with(&[("DOCKER_CONTEXT", "far")]), Ok(far));
        assert!(with(&[("DOCKER_CONTEXT", "gone")]).unwrap_err().contains("there is none of that name"));
    }
}
