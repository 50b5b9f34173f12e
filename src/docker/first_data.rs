//! First data on the engine: the volumes that hold it, and volumes that lie over those.
//!
//! A volume over another one is an overlay of the kernel: what has not been written is read from the one beneath, so
//! that it is made in the same time whatever its size. Source: options of the engine's `local` driver, which are those
//! of mount(8); the kernel's Documentation/filesystems/overlayfs.rst.

use std::collections::{BTreeMap, HashMap};

use bollard::models::Volume;
use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, ListVolumesOptionsBuilder, UploadToContainerOptionsBuilder,
};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use super::reach::own_container;
use super::{DockerEngine, call, limit, translate};
use crate::environment::engine::Engine;
use crate::environment::first_data::{Base, Root, Shelved, layer_of};
use crate::environment::identity::{self, Identity};
use crate::environment::wanted::{ContainerSpec, VolumeSpec};
use crate::environment::{EngineError, EngineFault};
use crate::lab::ServiceName;
use crate::lab::stack::{Mount, MountSource, Service};

/// Of a tar header, in bytes: the first of a folder's archive is the folder itself. Source: tar(5).
const HEADER: usize = 512;
/// What the mark of an engine says that cannot lay volumes over each other.
const UNUSABLE: &str = "none";

impl DockerEngine {
    /// All first data of this labrunner that the engine has, oldest first.
    pub(crate) async fn shelved(&self) -> Result<Vec<Shelved>, EngineError> {
        let mut found: Vec<(_, Shelved)> = Vec::new();
        for volume in self.volumes_with(identity::FIRST_DATA).await? {
            let Some(key) = volume.labels.get(identity::FIRST_DATA).cloned() else { continue };
            let root = volume.labels.get(identity::ROOT).and_then(|text| text.parse().ok());
            let shelved = match (volume.labels.get(identity::BASE), root) {
                (None, _) => Shelved::Data { volume: volume.name },
                (Some(base), Some(root)) => {
                    Shelved::Whole { mark: volume.name, key, base: Base { volume: base.clone(), root } }
                }
                (Some(_), None) => Shelved::Unusable { mark: volume.name, key },
            };
            found.push((volume.created_at, shelved));
        }
        found.sort_by_key(|one| one.0);
        Ok(found.into_iter().map(|(_, shelved)| shelved).collect())
    }

    /// Says that the first data of `key` is in `base`, or that there can be none.
    pub(crate) async fn mark_first_data(&self, key: &str, base: Option<&Base>) -> Result<(), EngineError> {
        let mut labels = BTreeMap::from([(identity::FIRST_DATA.to_owned(), key.to_owned())]);
        labels.insert(identity::BASE.into(), base.map_or(UNUSABLE, |base| &base.volume).to_owned());
        labels.extend(base.map(|base| (identity::ROOT.to_owned(), base.root.to_string())));
        let name = self.first_data_name(key);
        // One of before would stay as it is, and name what is no longer there.
        self.remove_volume(&name).await?;
        self.volume(name, labels).await
    }

    /// Makes an empty volume for the first data of `key`, and returns its name.
    pub(crate) async fn make_base(&self, key: &str, number: u64) -> Result<String, EngineError> {
        let name = format!("{}-{number:x}", self.first_data_name(key));
        let labels = BTreeMap::from([(identity::FIRST_DATA.to_owned(), key.to_owned())]);
        self.volume(name.clone(), labels).await.map(|()| name)
    }

    /// Names of the volumes that volumes of environments lie over.
    pub(crate) async fn bases_in_use(&self) -> Result<Vec<String>, EngineError> {
        let over = self.volumes_with(identity::BASE).await?.into_iter();
        let used = over.filter(|volume| volume.labels.contains_key(identity::LAB));
        Ok(used.filter_map(|mut volume| volume.labels.remove(identity::BASE)).collect())
    }

    /// Makes a volume that holds what `base` holds. What was there under its name is removed.
    pub(super) async fn make_over(
        &self,
        identity: &Identity,
        spec: &VolumeSpec,
        base: &Base,
        image: &(String, String),
    ) -> Result<(), EngineError> {
        let layer = layer_of(&spec.name);
        self.remove_volume(&spec.name).await?;
        self.remove_volume(&layer).await?;
        let beneath = self.mountpoint(&base.volume).await?;
        self.volume(layer.clone(), spec.labels.clone()).await?;
        let above = self.mountpoint(&layer).await?;
        self.prepare(identity, &layer, &base.root, image).await?;
        let mut over = spec.clone();
        over.driver = Some("local".into());
        over.labels.insert(identity::BASE.into(), base.volume.clone());
        over.driver_opts = [
            ("type", "overlay".to_owned()),
            ("device", "overlay".to_owned()),
            ("o", format!("lowerdir={beneath},upperdir={above}/upper,workdir={above}/work")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        self.make_volume(&over).await?;
        // Whoever forgets first data looks for volumes over it last of all: one that is there now stays.
        self.mountpoint(&base.volume).await.map(drop)
    }

    /// Makes the two folders that an overlay wants, in a volume that nobody else has.
    async fn prepare(
        &self,
        identity: &Identity,
        layer: &str,
        root: &Root,
        image: &(String, String),
    ) -> Result<(), EngineError> {
        const PLACE: &str = "/layer";
        let source = MountSource::Volume { name: layer.to_owned(), nocopy: true, subpath: None };
        let mounts = vec![Mount { target: PLACE.into(), read_only: false, source }];
        let definition = Service { network_mode: Some("none".into()), mounts, ..Service::default() };
        let volumes = BTreeMap::from([(layer.to_owned(), layer.to_owned())]);
        let spec = own_container(identity, ServiceName::own("layer"), layer.to_owned(), image, definition);
        // It never starts: the engine writes into the volumes of one that was made.
        let id = self.create(&ContainerSpec { volumes, ..spec }).await?;
        let options = UploadToContainerOptionsBuilder::new().path(PLACE).build();
        let upload = self.docker.upload_to_container(&id, Some(options), bollard::body_full(folders(root).into()));
        let put = call(format!("prepare volume {layer}"), limit::CREATE, upload).await;
        let removed = self.remove(&id).await;
        put.and(removed)
    }

    /// Owner and mode of a folder in a container, which need not run.
    pub(crate) async fn root_of(&self, id: &str, folder: &str) -> Result<Root, EngineError> {
        let operation = format!("look at `{folder}`");
        let options = DownloadFromContainerOptionsBuilder::new().path(folder).build();
        let mut stream = Box::pin(self.docker.download_from_container(id, Some(options)));
        let read = async {
            let mut head = Vec::new();
            while head.len() < HEADER
                && let Some(piece) = stream.next().await
            {
                head.extend_from_slice(&piece.map_err(|error| translate(operation.clone(), &error))?);
            }
            Ok::<_, EngineError>(head)
        };
        let unknown =
            || EngineError { operation: operation.clone(), fault: EngineFault::Other, message: "no answer".into() };
        let head = tokio::time::timeout(limit::START, read).await.map_err(|_| unknown())??;
        let mut archive = tar::Archive::new(head.as_slice());
        let first = archive.entries().ok().and_then(|mut entries| entries.next()?.ok()).ok_or_else(unknown)?;
        let header = first.header();
        let (uid, gid, mode) = (header.uid(), header.gid(), header.mode());
        match (uid, gid, mode) {
            (Ok(uid), Ok(gid), Ok(mode)) => Ok(Root { uid, gid, mode: mode & 0o7777 }),
            _ => Err(unknown()),
        }
    }

    async fn volumes_with(&self, label: &str) -> Result<Vec<Volume>, EngineError> {
        let filters = HashMap::from([("label", vec![label.to_owned()])]);
        let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let found = call("list volumes", limit::LOOK, self.docker.list_volumes(Some(options))).await?;
        Ok(found.volumes.unwrap_or_default().into_iter().filter(|volume| self.is_ours(&volume.labels)).collect())
    }

    async fn volume(&self, name: String, labels: BTreeMap<String, String>) -> Result<(), EngineError> {
        let spec = VolumeSpec { key: String::new(), name, labels, driver: None, driver_opts: BTreeMap::new() };
        self.make_volume(&spec).await
    }

    /// Where the engine's machine has a volume.
    async fn mountpoint(&self, name: &str) -> Result<String, EngineError> {
        let operation = format!("inspect volume {name}");
        let found = call(operation.clone(), limit::LOOK, self.docker.inspect_volume(name)).await?;
        // The kernel reads its options with commas and colons between them.
        if found.mountpoint.contains([',', ':', '\\']) {
            let message = format!("`{}` cannot be an option of a mount", found.mountpoint);
            return Err(EngineError { operation, fault: EngineFault::Other, message });
        }
        Ok(found.mountpoint)
    }

    /// The same for one labrunner and key: what others keep on the same engine has other names.
    fn first_data_name(&self, key: &str) -> String {
        let owner = hex::encode(&Sha256::digest(self.owner.as_bytes())[..4]);
        format!("labrunner-first-data-{owner}-{key}")
    }
}

/// An archive of the two folders. What is written first belongs to whom the folder beneath belongs.
fn folders(root: &Root) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, root) in [("upper/", *root), ("work/", Root { uid: 0, gid: 0, mode: 0o700 })] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        header.set_uid(root.uid);
        header.set_gid(root.gid);
        header.set_mode(root.mode);
        header.set_cksum();
        // Into memory, with names that are short: there is nothing that could fail.
        let _ = builder.append_data(&mut header, name, std::io::empty());
    }
    builder.into_inner().unwrap_or_default()
}
