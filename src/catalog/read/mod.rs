//! `lab.yaml` to [`Lab`]: every mistake in one run.

mod changes;
mod check;
#[cfg(fuzzing)]
pub mod fuzzed;
mod goal;
mod kinds;
mod names;
mod predicate;
mod stacks;
mod used;
mod values;

pub use predicate::{OPERATORS, TYPES};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::Value as Json;

use super::compose;
use super::diagnostic::{Diagnostic, Findings, nearest};
use super::parse;
use super::render::Sources;
use super::shape;
use super::tree::{Node, Value};
use crate::lab::definition::Need;
use crate::lab::settings::{Setting, SettingDefault, SettingType};
use crate::lab::{Lab, LabId, Owner, Reload, ServiceName};

/// What a lab's file may refer to and does not contain.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    pub workspace: PathBuf,
    /// Values given with `--set` or in the workspace's `labrunner.yaml`.
    pub settings: BTreeMap<String, Json>,
    /// The environment of the command, for Compose's `${…}`.
    pub environment: BTreeMap<String, String>,
    /// Chooses the values of settings that are random.
    pub seed: u64,
}

/// What reading a folder gave.
#[derive(Debug)]
pub struct Reading {
    /// `None` when there are errors.
    pub lab: Option<Lab>,
    pub findings: Vec<Diagnostic>,
    pub sources: Sources,
    /// The values of the settings in force.
    pub settings: BTreeMap<String, Json>,
}

/// Reads the lab in `folder`, an absolute path without links.
pub fn read_lab(folder: &Path, variables: &Variables) -> Reading {
    let path = folder.join("lab.yaml");
    let mut findings = Findings::new(&path);
    let mut sources = Sources::default();
    let Some((text, root)) = parse::read_file(&path, &mut findings) else {
        if let Ok(bytes) = std::fs::read(&path) {
            sources.0.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        }
        return Reading { lab: None, findings: findings.list, sources, settings: BTreeMap::new() };
    };
    sources.0.insert(path, text.clone());
    let mut reader = Reader::new(folder, &text, &mut findings);
    let lab = reader.lab(&root, variables);
    let settings = reader.settings;
    let lab = if findings.has_errors() { None } else { lab };
    Reading { lab, findings: findings.list, sources, settings }
}

/// The state of reading one `lab.yaml`.
struct Reader<'a> {
    findings: &'a mut Findings,
    text: &'a str,
    /// Where the definition lies.
    folder: &'a Path,
    /// The folder of the lab whose checks these will be: another one for a goal that it takes from elsewhere.
    files: &'a Path,
    settings: BTreeMap<String, Json>,
    /// Names of all settings, also of those that have no value.
    declared: Vec<String>,
    /// Names of the stack's services.
    services: Vec<String>,
    /// Those with a tmpfs that can be filled.
    fillable: Vec<String>,
    /// What the learner is asked for.
    needs: Vec<Need>,
    /// Names of its throwaway copies.
    stacks: Vec<String>,
    /// What it took from other labs: their names for it, and what stands there.
    borrowed: BTreeMap<String, String>,
    /// The stack of the check that is being read; `None` outside of checks.
    stack: Option<String>,
}

impl<'a> Reader<'a> {
    fn new(folder: &'a Path, text: &'a str, findings: &'a mut Findings) -> Self {
        Self {
            findings,
            text,
            folder,
            files: folder,
            borrowed: BTreeMap::new(),
            settings: BTreeMap::new(),
            declared: Vec::new(),
            services: Vec::new(),
            fillable: Vec::new(),
            needs: Vec::new(),
            stacks: Vec::new(),
            stack: None,
        }
    }

    fn lab(&mut self, root: &Rc<Node>, variables: &Variables) -> Option<Lab> {
        self.known_keys(root, "a lab", &shape::names(shape::LAB));
        self.format(root);
        let id = self.id::<LabId>(root, "id", "a lab");
        let slug = self.id::<LabId>(root, "slug", "a lab");
        let month = self.month(root);
        let needs = self.needs(root);
        let settings = self.read_settings(root, variables);
        let workspace = variables.workspace.clone();
        let folder = self.folder.to_owned();
        let values = self.settings.clone();
        let seed = variables.seed;
        let surroundings = needs.contains(&Need::Environment);
        let lookup = move |name: &str| -> Option<Json> {
            match name.split_once('.') {
                Some(("settings", key)) => values.get(key).cloned(),
                Some(("random", what)) => Some(crate::lab::random::value(seed, "stack", what)),
                _ => match name {
                    "WORKSPACE" => Some(workspace.display().to_string().into()),
                    "LAB" => Some(folder.display().to_string().into()),
                    // A stranger's lab is not told what else stands in the learner's environment.
                    _ if !surroundings => None,
                    _ => variables.environment.get(name).map(|value| value.clone().into()),
                },
            }
        };
        let context = compose::Context {
            author: compose::Author::Lab,
            folder: self.folder.to_owned(),
            workspace: variables.workspace.clone(),
            lookup: &lookup,
            needs: &needs,
            profiles: &[],
        };
        let stack = compose::read(root, &context, self.findings);
        self.needs.clone_from(&needs);
        self.services = stack.services.keys().map(ToString::to_string).collect();
        let fillable = stack.services.iter().filter(|(_, service)| service.sized_tmpfs().next().is_some());
        self.fillable = fillable.map(|(name, _)| name.to_string()).collect();
        if root.get("services").is_none() {
            self.findings.error("missing-key", root.span, "a lab needs `services`", None);
        }
        self.pinned(root, &stack);
        let ready = self.per_service(root, "ready", |reader, node| {
            let mut scope = names::Names::new();
            reader.step(node, &mut scope)
        });
        let reset = self.per_service(root, "reset", |reader, node| {
            let mut scope = names::Names::new();
            Some(node.items().iter().filter_map(|step| reader.step(step, &mut scope)).collect())
        });
        let reload = self.per_service(root, "reload", |reader, node| {
            reader.choice(
                node,
                "reload",
                &[("self", Reload::Itself), ("restart", Reload::Restart), ("rebuild", Reload::Rebuild)],
            )
        });
        let owner = self.per_service(root, "owner", |reader, node| {
            reader.choice(node, "owner", &[("learner", Owner::Learner), ("lab", Owner::Lab)])
        });
        let stacks = self.stacks(root, &context);
        let goals = self.goals(root);
        Some(Lab {
            id: id?,
            slug: slug?,
            aliases: self.texts(root, "aliases"),
            title: self.required_text(root, "title", "a lab")?,
            month: month?,
            summary: self.optional_text(root, "summary"),
            folder: self.folder.to_owned(),
            starter: self.starter(root),
            needs,
            settings,
            stack,
            stacks,
            ready,
            reset,
            reload,
            owner,
            goals,
            borrowed: std::mem::take(&mut self.borrowed),
            workspace_ignore: root.get("workspace").map(|node| self.texts(node, "ignore")).unwrap_or_default(),
        })
    }

    fn format(&mut self, root: &Node) {
        match root.get("format").map(|node| (node.span, node.value.clone())) {
            Some((_, Value::Integer(1))) => {}
            Some((span, _)) => {
                let hint = "this labrunner reads `format: 1`".to_owned();
                self.findings.error("format", span, "the format of this lab is not known", hint);
            }
            None => self.findings.error(
                "missing-key",
                root.span,
                "a lab needs `format`",
                "begin with `format: 1`".to_owned(),
            ),
        }
    }

    fn month(&mut self, root: &Node) -> Option<u8> {
        let node = root.get("month");
        match node.map(|node| &node.value) {
            Some(Value::Integer(month @ 1..=12)) => u8::try_from(*month).ok(),
            Some(_) => {
                let node = node?.clone();
                self.wrong(&node, "`month`", "a number from 1 to 12");
                None
            }
            None => {
                self.findings.error("missing-key", root.span, "a lab needs `month`", None);
                None
            }
        }
    }

    fn needs(&mut self, root: &Node) -> Vec<Need> {
        let Some(list) = root.get("needs").cloned() else { return Vec::new() };
        let choices: Vec<(&str, Need)> = Need::ALL.iter().map(|need| (need.word(), *need)).collect();
        list.items().iter().filter_map(|item| self.choice(item, "needs", &choices)).collect()
    }

    fn starter(&mut self, root: &Node) -> Vec<PathBuf> {
        let listed = root.get("starter").cloned();
        let names = listed.as_ref().map_or_else(|| vec!["starter".to_owned()], |_| self.texts(root, "starter"));
        let span = listed.map_or(root.span, |node| node.span);
        let mut folders = Vec::new();
        for name in names {
            let own = self.folder.join(&name);
            let shared = self.folder.parent().map(|labs| labs.join("layers").join(&name));
            let found = [Some(own), shared].into_iter().flatten().find_map(|path| path.canonicalize().ok());
            let labs = self.folder.parent().unwrap_or(self.folder);
            match found {
                Some(path) if path.starts_with(self.folder) || path.starts_with(labs.join("layers")) => {
                    folders.push(path)
                }
                Some(_) => {
                    let hint = "keep it inside the lab's folder, or under `labs/layers/`".to_owned();
                    self.findings.error("outside", span, format!("the starter `{name}` lies outside the lab"), hint);
                }
                None => self.findings.error("missing-file", span, format!("there is no starter folder `{name}`"), None),
            }
        }
        folders
    }

    fn read_settings(&mut self, root: &Node, variables: &Variables) -> BTreeMap<String, Setting> {
        let Some(node) = root.get("settings").cloned() else { return BTreeMap::new() };
        let mut settings = BTreeMap::new();
        self.declared = node.entries().iter().map(|entry| entry.key.clone()).collect();
        for entry in node.entries() {
            let value = &entry.value;
            self.known_keys(value, "a setting", &shape::names(shape::SETTING));
            let choose =
                value.get("choose").map(|list| list.items().iter().map(|item| item.json()).collect::<Vec<_>>());
            let source = if let Some(default) = value.get("default") {
                SettingDefault::Value(default.json())
            } else if let Some(choices) = choose {
                SettingDefault::Choose(choices)
            } else if let Some(random) = self.optional_text(value, "random") {
                SettingDefault::Random(random)
            } else {
                SettingDefault::Optional
            };
            let given = variables.settings.get(&entry.key).cloned();
            let chosen = given.or_else(|| match &source {
                SettingDefault::Value(value) => Some(value.clone()),
                SettingDefault::Choose(choices) if !choices.is_empty() => {
                    let index = usize::try_from(variables.seed % choices.len() as u64).unwrap_or(0);
                    choices.get(index).cloned()
                }
                SettingDefault::Random(what) => Some(crate::lab::random::value(variables.seed, &entry.key, what)),
                _ => None,
            });
            let matches = self.optional_text(value, "matches");
            if let (Some(pattern), Some(Json::String(text))) = (&matches, &chosen) {
                self.setting_matches(value, &entry.key, pattern, text);
            }
            self.settings.extend(chosen.map(|chosen| (entry.key.clone(), chosen)));
            let types =
                [("text", SettingType::Text), ("number", SettingType::Number), ("boolean", SettingType::Boolean)];
            let kind =
                value.get("type").cloned().and_then(|node| self.choice(&node, "type", &types)).unwrap_or_default();
            let about = self.required_text(value, "about", "a setting").unwrap_or_default();
            settings.insert(entry.key.clone(), Setting { about, kind, matches, source });
        }
        settings
    }

    fn setting_matches(&mut self, node: &Node, name: &str, pattern: &str, text: &str) {
        match regex::Regex::new(&format!("^(?:{pattern})$")) {
            Ok(regex) if regex.is_match(text) => {}
            Ok(_) => {
                let message = format!("the setting `{name}` is `{text}`, which does not match `{pattern}`");
                self.findings.error("setting", node.span, message, format!("give another value: `--set {name}=…`"));
            }
            Err(error) => {
                self.findings.error("regex", node.span, format!("`matches` is no regular expression: {error}"), None)
            }
        }
    }

    fn per_service<T>(
        &mut self,
        root: &Node,
        key: &str,
        read: impl Fn(&mut Self, &Node) -> Option<T>,
    ) -> BTreeMap<ServiceName, T> {
        let Some(node) = root.get(key).cloned() else { return BTreeMap::new() };
        let mut map = BTreeMap::new();
        for entry in node.entries() {
            self.known_service(&entry.key, entry.key_span);
            if let (Ok(name), Some(value)) = (ServiceName::new(&entry.key), read(self, &entry.value)) {
                map.insert(name, value);
            }
        }
        map
    }

    /// Labs name their images with a tag that stays: no `latest`, nothing unsaid.
    fn pinned(&mut self, root: &Node, stack: &crate::lab::stack::Stack) {
        for (name, service) in &stack.services {
            let Some(image) = &service.image else { continue };
            let last = image.rsplit('/').next().unwrap_or(image);
            let pinned = image.contains('@') || last.split_once(':').is_some_and(|(_, tag)| tag != "latest");
            if !pinned {
                let node = root.get("services").and_then(|all| all.get(name.as_str())).and_then(|one| one.get("image"));
                let span = node.map_or(root.span, |node| node.span);
                let hint = format!("name a version, for example `{last}:1.2`").replace(":latest", "");
                self.findings.error(
                    "unpinned-image",
                    span,
                    format!("the image `{image}` is not pinned to a version"),
                    hint,
                );
            }
        }
    }

    fn known_service(&mut self, name: &str, span: super::tree::Span) {
        let plain =
            name.rsplit_once('.').filter(|(_, n)| n.parse::<u32>().is_ok()).map_or(name, |(service, _)| service);
        if !self.services.iter().any(|service| service == plain) {
            let hint =
                nearest(plain, self.services.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            self.findings.error("unknown-service", span, format!("there is no service `{plain}`"), hint);
        }
    }
}
