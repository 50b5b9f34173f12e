//! What belongs to which environment: names and labels.
//!
//! Everything labrunner makes carries these labels, and it adopts and deletes by them alone. The
//! Compose project labels are added so that Docker Desktop and `docker compose ls` group a lab.

use std::collections::BTreeMap;

use crate::lab::id::InstanceName;
use crate::lab::{LabId, ServiceName};

/// Label: the lab's id.
pub const LAB: &str = "dev.labrunner.lab";
/// Label: the instance.
pub const INSTANCE: &str = "dev.labrunner.instance";
/// Label: the service.
pub const SERVICE: &str = "dev.labrunner.service";
/// Label: the replica, counted from 1.
pub const REPLICA: &str = "dev.labrunner.replica";
/// Label: the state folder of the labrunner that made it: two people may share an engine, and have labs of one name.
pub const OWNER: &str = "dev.labrunner.owner";
/// Label: digest of what the container was made from.
pub const SPEC: &str = "dev.labrunner.spec";
/// Label: which `start` made it, counted from 1.
pub const GENERATION: &str = "dev.labrunner.generation";
/// Label: the name that a volume or network has in the lab.
pub const NAME: &str = "dev.labrunner.name";
/// Label: the key of the first data that a volume is kept for.
pub const FIRST_DATA: &str = "dev.labrunner.first-data";
/// Label: the volume that a volume lies over.
pub const BASE: &str = "dev.labrunner.base";
/// Label: owner and mode of the folder that first data is in.
pub const ROOT: &str = "dev.labrunner.root";

/// One running copy of a lab.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    pub lab: LabId,
    pub instance: InstanceName,
}

impl Identity {
    /// The name of its folder, and what images that were built for it say.
    pub fn key(&self) -> String {
        format!("{}--{}", self.lab, self.instance)
    }

    /// The environment of such a key.
    pub fn of_key(key: &str) -> Option<Self> {
        let (lab, instance) = key.split_once("--")?;
        Some(Self { lab: lab.parse().ok()?, instance: instance.parse().ok()? })
    }

    /// The prefix of every name on the engine, and the Compose project.
    pub fn project(&self) -> String {
        match self.instance.as_str() {
            "default" => format!("labrunner-{}", self.lab),
            instance => format!("labrunner-{}-{instance}", self.lab),
        }
    }

    /// The name of a service's container.
    pub fn container_name(&self, service: &ServiceName, replica: u32) -> String {
        format!("{}-{service}-{replica}", self.project())
    }

    /// The name on the engine of a volume or network of the lab.
    pub fn resource_name(&self, name: &str) -> String {
        format!("{}_{name}", self.project())
    }

    /// The labels of everything in this environment.
    pub fn labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            (LAB.into(), self.lab.to_string()),
            (INSTANCE.into(), self.instance.to_string()),
            ("com.docker.compose.project".into(), self.project()),
        ])
    }

    /// The labels of a volume or network.
    pub fn resource_labels(&self, kind: &str, name: &str) -> BTreeMap<String, String> {
        let mut labels = self.labels();
        labels.insert(NAME.into(), name.to_owned());
        labels.insert(format!("com.docker.compose.{kind}"), name.to_owned());
        labels
    }

    /// The labels of a service's container.
    pub fn container_labels(&self, service: &ServiceName, replica: u32) -> BTreeMap<String, String> {
        let mut labels = self.labels();
        labels.insert(SERVICE.into(), service.to_string());
        labels.insert(REPLICA.into(), replica.to_string());
        labels.insert("com.docker.compose.service".into(), service.to_string());
        labels.insert("com.docker.compose.container-number".into(), replica.to_string());
        labels.insert("com.docker.compose.oneoff".into(), "False".into());
        labels
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.instance.as_str() {
            "default" => write!(f, "{}", self.lab),
            instance => write!(f, "{} (instance `{instance}`)", self.lab),
        }
    }
}
