//! What every command stands on: where things are, which lab is meant, the lab read, the engine reached.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::failure::Failure;
use super::notes::Notes;
use crate::catalog::discover::{self, Outline};
use crate::catalog::read::{Reading, Variables, read_lab};
use crate::catalog::render;
use crate::docker::DockerEngine;
use crate::docker::address::Addresses;
use crate::docker::reach::Reach;
use crate::docker::world::DockerWorld;
use crate::environment::Identity;
use crate::environment::carried::{self, Carried};
use crate::environment::defaults::Defaults;
use crate::environment::intent::Journal;
use crate::environment::lock::Lock;
use crate::event::Sink;
use crate::image::Policy;
use crate::image::base::BaseSettings;
use crate::image::ensure::Means;
use crate::lab::id::InstanceName;
use crate::lab::practical::Practicals;
use crate::lab::stack::Stack;
use crate::lab::{Kind, Lab, Owner, ServiceName};
use crate::record::Record;
use crate::workspace::save::Saves;

/// What the command line and the environment said.
#[derive(Clone)]
pub struct App {
    pub here: PathBuf,
    pub home: PathBuf,
    /// Records, locks, journals.
    pub state: PathBuf,
    pub cache: PathBuf,
    /// `--labs`
    pub labs: Option<PathBuf>,
    pub environment: BTreeMap<String, String>,
    pub instance: InstanceName,
    pub settings: BTreeMap<String, Value>,
    pub policy: Policy,
    pub base: BaseSettings,
    pub yes: bool,
    pub colour: bool,
    pub sink: Arc<dyn Sink>,
    /// The command as it was typed, for the lock.
    pub typed: String,
}

/// A lab, read, with its places.
pub struct Opened {
    pub lab: Lab,
    pub settings: BTreeMap<String, Value>,
    pub identity: Identity,
    pub workspace: PathBuf,
    /// Folder of the environment's lock, journal and notes.
    pub folder: PathBuf,
    pub journal: Journal,
    pub saves: Saves,
    /// Its services are the learner's own and run as they are written, without our defaults.
    pub as_written: bool,
    /// How its services are reached, once that was decided.
    pub reach: OnceLock<Reach>,
    /// What its files are for an engine that does not see them.
    pub carrying: Mutex<Option<Arc<Carrying>>>,
    pub practicals: Practicals,
}

/// A stack for an engine that does not see this machine's files.
pub struct Carrying {
    /// With volumes for folders.
    pub stack: Stack,
    pub folders: Vec<Carried>,
}

impl Opened {
    /// The environment as checks see it.
    pub fn world(&self, engine: &DockerEngine, images: BTreeMap<ServiceName, (String, String)>) -> DockerWorld {
        let carrying = self.carrying();
        let mut lab = self.lab.clone();
        lab.stack = self.stack();
        DockerWorld {
            engine: engine.clone(),
            identity: self.identity.clone(),
            lab,
            workspace: self.workspace.clone(),
            workspace_volume: carrying.map(|_| carried::key(&self.workspace)),
            journal: self.journal.clone(),
            images: std::sync::Mutex::new(images),
            known: std::sync::Mutex::default(),
            addresses: Addresses::default(),
            reach: self.reach.get().cloned().unwrap_or_default(),
            as_written: self.as_written,
            defaults: self.defaults(),
            practicals: self.practicals.clone(),
        }
    }

    /// What its containers have where the lab says nothing; `None` where services run as they are written.
    pub fn defaults(&self) -> Option<Defaults> {
        let learners = self.lab.stack.services.keys().any(|name| self.lab.owner_of(name) == Owner::Learner);
        (!self.as_written).then(|| Defaults {
            workspace_user: super::carrying::owner(&self.workspace)
                .filter(|_| learners)
                .map(|(user, group)| format!("{user}:{group}")),
            cpus: std::thread::available_parallelism().map_or(1.0, |count| usize::from(count) as f64),
        })
    }

    /// The stack as the engine has it.
    pub fn stack(&self) -> Stack {
        self.carrying().map_or_else(|| self.lab.stack.clone(), |carrying| carrying.stack.clone())
    }

    /// What its files are for an engine that does not see them; `None` where they are mounted.
    pub fn carrying(&self) -> Option<Arc<Carrying>> {
        self.carrying.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_carrying(&self, carrying: Option<Carrying>) {
        *self.carrying.lock().unwrap_or_else(PoisonError::into_inner) = carrying.map(Arc::new);
    }
}

impl App {
    /// The time, for records.
    pub fn now(&self) -> String {
        jiff::Timestamp::now().to_string()
    }

    /// Whether the learner agrees: `--yes`, or a yes to the question where there is somebody to ask.
    pub async fn agreed(&self, question: &str) -> bool {
        if self.yes {
            return true;
        }
        let (sink, question) = (self.sink.clone(), question.to_owned());
        // Waiting for a key would hold up everything else, Ctrl-C included.
        let answer = tokio::task::spawn_blocking(move || sink.ask(&question)).await;
        matches!(answer, Ok(Some(true)))
    }

    /// How images are had.
    pub fn means(&self) -> Means<'_> {
        let cargo_home = self.environment.get("CARGO_HOME").map(PathBuf::from);
        Means {
            policy: self.policy,
            base: &self.base,
            cache: self.cache.clone(),
            cargo_home: cargo_home.unwrap_or_else(|| self.home.join(".cargo")),
            sink: self.sink.as_ref(),
        }
    }

    /// The course root.
    pub fn root(&self) -> PathBuf {
        discover::course_root(&self.here, &self.home)
    }

    /// Every lab.
    ///
    /// # Errors
    /// The folder of labs cannot be used.
    pub fn outlines(&self) -> Result<Vec<Outline>, Failure> {
        let labs = discover::labs_folder(self.labs.as_deref(), &self.root(), &self.cache);
        let labs = labs.map_err(|error| match &self.labs {
            Some(given) => Failure::usage(format!("cannot read the labs in `{}`: {error}", given.display())),
            None => Failure::engine(format!("cannot unpack the labs into `{}`: {error}", self.cache.display())),
        })?;
        Ok(discover::outlines(&labs))
    }

    /// The lab that `name` means, or the one whose workspace this is, or the only one that is up, or was.
    ///
    /// # Errors
    /// There is no such lab, or none can be told.
    pub fn choose(&self, name: Option<&str>) -> Result<Outline, Failure> {
        let outlines = self.outlines()?;
        if let Some(name) = name {
            return discover::find(&outlines, name).cloned().map_err(|near| {
                let failure = Failure::usage(format!("there is no lab `{name}`"));
                match near {
                    Some(near) => failure.hint(format!("did you mean `{near}`?")),
                    None => failure.hint("`labrunner list` shows all labs"),
                }
            });
        }
        let root = self.root();
        if let Some(outline) = outlines.iter().find(|one| self.here.starts_with(root.join("workspace").join(&one.id))) {
            return Ok(outline.clone());
        }
        let used: Vec<&Outline> = outlines.iter().filter(|one| self.environment_folder(&one.id).is_dir()).collect();
        let is_up = |one: &&&Outline| !Notes::read(&self.environment_folder(&one.id)).ready.is_empty();
        let up: Vec<&Outline> = used.iter().filter(is_up).copied().collect();
        match (up.as_slice(), used.as_slice(), outlines.as_slice()) {
            ([one], ..) | ([], [one], _) => Ok((*one).clone()),
            ([], [], [one]) => Ok(one.clone()),
            _ => Err(Failure::usage("which lab? several could be meant")
                .hint("name one, for example `month-3`; `labrunner list` shows all")),
        }
    }

    /// Whether one lab can be told that has been started here.
    pub fn has_active_lab(&self) -> bool {
        self.choose(None).is_ok_and(|outline| self.environment_folder(&outline.id).is_dir())
    }

    /// The lab and the other words of `[LAB] [WORD…]`, where LAB may be left out when one can be told.
    ///
    /// # Errors
    /// No lab can be told.
    pub fn lab_and<'w>(&self, words: &'w [String]) -> Result<(Outline, &'w [String]), Failure> {
        let Some((first, rest)) = words.split_first() else { return Ok((self.choose(None)?, words)) };
        match self.choose(Some(first)) {
            Ok(outline) => Ok((outline, rest)),
            Err(unknown) => self.choose(None).map(|outline| (outline, words)).map_err(|_| unknown),
        }
    }

    fn environment_folder(&self, lab: &str) -> PathBuf {
        self.state.join("environments").join(format!("{lab}--{}", self.instance))
    }

    /// Reads a lab.
    ///
    /// # Errors
    /// It has mistakes; the message shows all of them.
    pub fn open(&self, outline: &Outline) -> Result<Opened, Failure> {
        let remembered = self.record()?.workspace(&outline.id, self.instance.as_str())?;
        let workspace = remembered.unwrap_or_else(|| match self.instance.as_str() {
            "default" => self.root().join("workspace").join(&outline.id),
            instance => self.root().join("workspace").join(format!("{}-{instance}", outline.id)),
        });
        self.open_at(outline, &workspace)
    }

    /// Reads a lab for a certain workspace.
    ///
    /// # Errors
    /// As [`App::open`].
    pub fn open_at(&self, outline: &Outline, workspace: &Path) -> Result<Opened, Failure> {
        let failed = |error| Failure::engine(format!("cannot use the workspace `{}`: {error}", workspace.display()));
        // Binds name real paths; the folder has to exist for its real path to be known.
        let workspace = match workspace.canonicalize() {
            Ok(path) => path,
            Err(_) => {
                let parent = workspace.parent().unwrap_or(Path::new("."));
                std::fs::create_dir_all(parent).map_err(failed)?;
                parent.canonicalize().map_err(failed)?.join(workspace.file_name().unwrap_or_default())
            }
        };
        let reading = self.read(outline, &workspace);
        let folder = self.environment_folder(&outline.id);
        let shown = || render::render(&reading.findings, &reading.sources, &self.here, self.colour);
        let Some(lab) = reading.lab.clone() else {
            return Err(Failure::usage(shown()).hint(format!("`labrunner lab lint {}` shows this again", outline.id)));
        };
        Ok(Opened {
            identity: Identity { lab: lab.id.clone(), instance: self.instance.clone() },
            settings: reading.settings,
            workspace,
            journal: Journal::new(&folder),
            as_written: false,
            reach: OnceLock::new(),
            carrying: Mutex::default(),
            practicals: Practicals::Recorded(if lab.asks(Kind::Practical) {
                super::review::taken(&self.record()?)?
            } else {
                Vec::new()
            }),
            saves: Saves::new(self.state.join("saves").join(lab.id.as_str())),
            folder,
            lab,
        })
    }

    /// Reads a lab with all its findings.
    pub fn read(&self, outline: &Outline, workspace: &Path) -> Reading {
        let seed = outline.id.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let mut settings = self.settings.clone();
        settings.retain(|_, value| !value.is_null());
        let variables =
            Variables { workspace: workspace.to_owned(), settings, environment: self.environment.clone(), seed };
        read_lab(&outline.folder, &variables)
    }

    /// The record.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn record(&self) -> Result<Record, Failure> {
        Ok(Record::open(&self.state.join("record.db"))?)
    }

    /// Takes the environment's lock.
    ///
    /// # Errors
    /// Another command holds it.
    pub fn lock(&self, opened: &Opened) -> Result<Lock, Failure> {
        Ok(Lock::take(&opened.folder, &self.typed)?)
    }

    /// Reaches the engine.
    ///
    /// # Errors
    /// It does not answer; the hint says what to do.
    pub async fn engine(&self) -> Result<DockerEngine, Failure> {
        DockerEngine::connect(&self.environment, &self.state).await.map_err(|error| {
            Failure::engine(error.to_string()).hint(match error {
                crate::docker::connect::ConnectError::NoPermission { .. } => {
                    "join the group: `sudo usermod -aG docker $USER`, then `sg docker -c \"labrunner …\"` or log in anew".to_owned()
                }
                _ => "`labrunner doctor` looks at this machine, `labrunner doctor --fix --yes` sets it up".to_owned(),
            })
        })
    }
}
