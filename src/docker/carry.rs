//! Files for an engine that does not see them: carried into volumes and back by a program (`carry.py`) in a
//! container that lives as long as that takes.

use std::io::Read;

use serde_json::json;

use super::DockerEngine;
use super::reach::{own_container, waiting};
use crate::environment::carried::Load;
use crate::environment::engine::{Engine, ExecRequest};
use crate::environment::wanted::ContainerSpec;
use crate::environment::{EngineError, EngineFault, Identity};
use crate::lab::ServiceName;
use crate::lab::stack::{Limits, Mount, MountSource, Service};

const PROGRAM: &str = include_str!("carry.py");

/// A file that a service has written: which load it belongs to, path, content, whether it can be executed.
pub type Back = (usize, String, Vec<u8>, bool);

impl DockerEngine {
    /// Whether folders of this machine can be mounted into containers: engines behind TCP, and behind a socket that
    /// leads to another machine, have files of their own.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn sees_files(&self) -> Result<bool, EngineError> {
        if !self.is_local() {
            return Ok(false);
        }
        // Engines in a virtual machine of a desktop share the home folder with it.
        let engine = self.whereabouts().await?;
        Ok(!cfg!(target_os = "linux") || engine.desktop || engine.here)
    }

    /// Writes and removes what the loads say, and returns what services have written in their volumes since.
    ///
    /// # Errors
    /// The engine refuses, or the program fails.
    pub async fn carry(&self, identity: &Identity, loads: &[Load]) -> Result<Vec<Back>, EngineError> {
        let spec = carrier(identity, loads, &self.own_image().await?);
        let id = self.create(&spec).await?;
        let result = async {
            self.start(&id).await?;
            let argv = ["python3", "-c", PROGRAM].map(str::to_owned).to_vec();
            let stdin = Some(input(loads).map_err(|error| failed(&error.to_string()))?);
            let output =
                self.run_exec(&id, &ExecRequest { argv, stdin, whole: true, ..ExecRequest::default() }).await?;
            match output.code {
                0 => unpack(&output.stdout).map_err(|error| failed(&error.to_string())),
                _ => Err(failed(String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("it failed"))),
            }
        };
        let result = result.await;
        self.remove(&id).await?;
        result
    }
}

fn carrier(identity: &Identity, loads: &[Load], image: &(String, String)) -> ContainerSpec {
    let mount = |(number, load): (usize, &Load)| Mount {
        target: format!("/carried/{number}"),
        read_only: false,
        source: MountSource::Volume { name: load.volume.clone(), nocopy: true, subpath: None },
    };
    let definition = Service {
        command: Some(waiting()),
        user: Some("0:0".into()),
        limits: Limits { memory: Some(512 << 20), ..Limits::default() },
        network_mode: Some("none".into()),
        mounts: loads.iter().enumerate().map(mount).collect(),
        ..Service::default()
    };
    let volumes = loads.iter().map(|load| (load.volume.clone(), load.volume.clone())).collect();
    let name = format!("{}-files", identity.project());
    ContainerSpec { volumes, ..own_container(identity, ServiceName::own("files"), name, image, definition) }
}

fn input(loads: &[Load]) -> std::io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (number, load) in loads.iter().enumerate() {
        for (path, (content, executable)) in &load.write {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(if *executable { 0o755 } else { 0o644 });
            header.set_cksum();
            builder.append_data(&mut header, format!("{number}/{path}"), content.as_slice())?;
        }
    }
    let archive = builder.into_inner()?;
    let volume = |load: &Load| {
        let owner = load.owner.unwrap_or((0, 0));
        json!({ "known": load.known, "remove": load.remove, "ignored": load.ignored, "owner": [owner.0, owner.1] })
    };
    let volumes: Vec<_> = loads.iter().map(volume).collect();
    let mut bytes = json!({ "length": archive.len(), "volumes": volumes }).to_string().into_bytes();
    bytes.push(b'\n');
    bytes.extend(archive);
    Ok(bytes)
}

fn unpack(archive: &[u8]) -> std::io::Result<Vec<Back>> {
    let mut back = Vec::new();
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let executable = entry.header().mode()? & 0o111 != 0;
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        let number = path.split_once('/').and_then(|(number, rest)| Some((number.parse().ok()?, rest.to_owned())));
        back.extend(number.map(|(number, rest)| (number, rest, content, executable)));
    }
    Ok(back)
}

/// What a container sends back, which may be anything. Built for the fuzz targets alone.
#[cfg(fuzzing)]
pub(super) fn fuzzed(archive: &[u8]) {
    let _ = unpack(archive);
}

fn failed(why: &str) -> EngineError {
    EngineError { operation: "carry files to the engine".into(), fault: EngineFault::Other, message: why.to_owned() }
}
