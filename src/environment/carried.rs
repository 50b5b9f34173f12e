//! Folders that the engine cannot see: volumes stand for them in the stack, and files of theirs are carried there
//! and back. Pure; `docker` carries.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::lab::stack::{InjectedFile, MountSource, Stack, Volume};

/// A folder of this machine, and the volume of the stack that stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Key in [`Stack::volumes`].
    pub volume: String,
    pub folder: PathBuf,
}

/// What is to be brought into one volume, and what is known of its content.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// The volume's name on the engine.
    pub volume: String,
    /// Path and content of each file to write, with whether it can be executed.
    pub write: BTreeMap<String, (Vec<u8>, bool)>,
    pub remove: Vec<String>,
    /// Path to hash of the files as they were brought last; what differs from it comes back.
    pub known: BTreeMap<String, String>,
    /// Names that never come back, as shell patterns of one path component each.
    pub ignored: Vec<String>,
    /// Who shall own the files there, if not root.
    pub owner: Option<(u32, u32)>,
}

const PREFIX: &str = "carried-";

/// The key of the volume that stands for `folder`.
pub fn key(folder: &Path) -> String {
    let hash = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    format!("{PREFIX}{}", hex::encode(&hash[..6]))
}

/// Whether a volume of this key stands for a folder.
pub fn is_key(key: &str) -> bool {
    key.starts_with(PREFIX)
}

/// The stack with volumes where it binds folders below one of `own`, and with files put in where it binds files.
/// Other paths mean the engine's own machine. The first of `own`, the workspace, always has a volume.
///
/// # Errors
/// A file that is bound cannot be read.
pub fn carried(stack: &Stack, own: &[&Path]) -> std::io::Result<(Stack, Vec<Carried>)> {
    let mut stack = stack.clone();
    let mut folders: BTreeMap<String, PathBuf> = BTreeMap::new();
    folders.extend(own.first().map(|workspace| (key(workspace), workspace.to_path_buf())));
    for service in stack.services.values_mut() {
        for mount in std::mem::take(&mut service.mounts) {
            match &mount.source {
                MountSource::Bind { path, .. } if own.iter().any(|folder| path.starts_with(folder)) => {
                    if path.is_file() {
                        service.files.push(InjectedFile {
                            target: mount.target,
                            content: std::fs::read(path)?,
                            uid: 0,
                            gid: 0,
                            mode: 0o755,
                            secret: false,
                        });
                        continue;
                    }
                    folders.insert(key(path), path.clone());
                    let source = MountSource::Volume { name: key(path), nocopy: true, subpath: None };
                    service.mounts.push(crate::lab::stack::Mount { source, ..mount });
                }
                _ => service.mounts.push(mount),
            }
        }
    }
    stack.volumes.extend(folders.keys().map(|key| (key.clone(), Volume::default())));
    let carried = folders.into_iter().map(|(volume, folder)| Carried { volume, folder }).collect();
    Ok((stack, carried))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::ServiceName;
    use crate::lab::stack::{Mount, Service};

    #[test]
    fn folders_become_volumes_and_files_are_put_in() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path();
        std::fs::create_dir(workspace.join("app")).unwrap();
        std::fs::write(workspace.join("redis.conf"), "port 1").unwrap();
        let bind = |path: PathBuf, target: &str| Mount {
            target: target.into(),
            read_only: true,
            source: MountSource::Bind { path, create: false },
        };
        let mounts = vec![
            bind(workspace.join("app"), "/app"),
            bind(workspace.join("redis.conf"), "/etc/redis.conf"),
            bind("/var/run/engine.sock".into(), "/engine.sock"),
        ];
        let mut stack = Stack::default();
        stack.services.insert(ServiceName::new("web").unwrap(), Service { mounts, ..Service::default() });
        let (stack, carried) = carried(&stack, &[workspace]).unwrap();
        let web = &stack.services["web"];
        let source = |at: usize| web.mounts[at].source.clone();
        let volume = key(&workspace.join("app"));
        assert_eq!(source(0), MountSource::Volume { name: volume.clone(), nocopy: true, subpath: None });
        assert!(web.mounts[0].read_only);
        assert!(matches!(source(1), MountSource::Bind { .. }), "a path of the engine's own machine stays");
        assert_eq!(
            (web.files[0].target.as_str(), web.files[0].content.as_slice()),
            ("/etc/redis.conf", &b"port 1"[..])
        );
        let folders: Vec<&Path> = carried.iter().map(|one| one.folder.as_path()).collect();
        assert!(folders.contains(&workspace) && folders.contains(&workspace.join("app").as_path()));
        assert!(stack.volumes.contains_key(&volume));
    }
}
