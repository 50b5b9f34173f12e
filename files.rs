//! Files that Compose reads or injects: `env_file`, `secrets`, `configs`.

use std::collections::BTreeMap;
use std::path::Path;

use super::scalars::{given, octal};
use super::{Reader, dotenv, keys};
use crate::catalog::diagnostic::nearest;
use crate::catalog::tree::{Node, Span, Value};
use crate::lab::stack::InjectedFile;

impl Reader<'_, '_> {
    /// The variables of all `env_file`s, later files winning.
    pub(super) fn env_files(&mut self, node: &Node) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        let Some(value) = given(node, "env_file") else { return all };
        let items = match &value.value {
            Value::List(items) => items.clone(),
            _ => vec![value.clone()],
        };
        for item in items {
            let (mut required, mut raw) = (true, false);
            let path = match &item.value {
                Value::Map(_) => {
                    self.check_keys(&item, "an entry of `env_file`", keys::ENV_FILE);
                    required = self.flag_of(&item, "required").unwrap_or(true);
                    match self.text_of(&item, "format").as_deref() {
                        None => {}
                        Some("raw") => raw = true,
                        Some(other) => self.bad(item.span, format!("there is no format `{other}`; there is `raw`")),
                    }
                    if given(&item, "path").is_none() {
                        self.bad(item.span, "an entry of `env_file` needs `path`".into());
                    }
                    self.text_of(&item, "path")
                }
                _ => self.text(&item, "`env_file`"),
            };
            if let Some(path) = path.map(|path| self.path(&path)) {
                all.extend(self.env_file(&path, required, raw, item.span));
            }
        }
        all
    }

    fn env_file(&mut self, path: &Path, required: bool, raw: bool, span: Span) -> BTreeMap<String, String> {
        let shown = path.display();
        let text = match self.file(path, span) {
            None => return BTreeMap::new(),
            Some(Err(error)) if error.kind() == std::io::ErrorKind::NotFound && !required => return BTreeMap::new(),
            Some(content) => content.and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other)),
        };
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                let hint = "create it, or write `{ path: …, required: false }`".to_owned();
                self.findings.error("env-file", span, format!("cannot read `{shown}`: {error}"), hint);
                return BTreeMap::new();
            }
        };
        match dotenv::parse(&text, raw, self.context.lookup) {
            Ok(read) => {
                for name in read.unset {
                    let message = format!("`{shown}` uses `{name}`, which nobody sets; it becomes empty");
                    self.findings.warning("unknown-name", span, message, None);
                }
                read.values
            }
            Err(mistake) => {
                self.findings.error("env-file", span, format!("`{shown}`, {mistake}"), None);
                BTreeMap::new()
            }
        }
    }

    /// The secrets or configs that a service was granted.
    pub(super) fn granted(&mut self, node: &Node, key: &str) -> Vec<InjectedFile> {
        let secret = key == "secrets";
        let declared = if secret { self.secrets.clone() } else { self.configs.clone() };
        let mut files: Vec<InjectedFile> = Vec::new();
        for item in self.items_of(node, key) {
            let name = match &item.value {
                Value::Map(_) => {
                    self.check_keys(&item, &format!("an entry of `{key}`"), keys::GRANT);
                    if given(&item, "source").is_none() {
                        self.bad(item.span, format!("an entry of `{key}` needs `source`"));
                    }
                    self.text_of(&item, "source")
                }
                _ => self.text(&item, &format!("an entry of `{key}`")),
            };
            let Some(name) = name else { continue };
            let Some(source) = declared.get(&name) else {
                let near = nearest(&name, declared.keys().map(String::as_str));
                let hint = near.map_or_else(
                    || format!("declare it at the top: `{key}: {{ {name}: {{ file: … }} }}`"),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("`{name}` is not declared under the top-level `{key}`");
                self.findings.error("unknown-file", item.span, message, hint);
                continue;
            };
            let Some(content) = self.content(source, &name) else { continue };
            let mode = given(&item, "mode");
            if let Some(mode) = mode.filter(|mode| octal(mode).is_none()) {
                self.wrong(mode, "`mode`", "permissions such as \"0440\"");
            }
            let target = self.text_of(&item, "target").unwrap_or_else(|| name.clone());
            let folder = if secret { "/run/secrets/" } else { "/" };
            files.push(InjectedFile {
                target: if target.starts_with('/') { target } else { format!("{folder}{target}") },
                content,
                uid: self.number_of(&item, "uid").unwrap_or(0),
                gid: self.number_of(&item, "gid").unwrap_or(0),
                mode: mode.and_then(|mode| octal(mode)).unwrap_or(0o444),
                secret,
            });
        }
        files
    }

    fn content(&mut self, source: &Node, name: &str) -> Option<Vec<u8>> {
        let ways = ["file", "environment", "content"];
        let said: Vec<&str> = ways.into_iter().filter(|way| given(source, way).is_some()).collect();
        let place = |way: &str| source.get(way).map_or(source.span, |value| value.span);
        match said.as_slice() {
            // That is refused for itself, with words.
            [] if given(source, "external").is_some() => None,
            ["file"] => {
                let path = self.text_of(source, "file").map(|path| self.path(&path))?;
                match self.file(&path, place("file"))? {
                    Ok(content) => Some(content),
                    Err(error) => {
                        let message = format!("cannot read `{}` for `{name}`: {error}", path.display());
                        let hint = "create it, or use `environment` or `content`".to_owned();
                        self.findings.error("missing-file", place("file"), message, hint);
                        None
                    }
                }
            }
            ["environment"] => {
                let variable = self.text_of(source, "environment")?;
                let value = self.from_surroundings(&variable);
                if value.is_none() {
                    let message = format!("`{name}` comes from the variable `{variable}`, which is not set");
                    self.findings.error("unknown-name", place("environment"), message, "set it".to_owned());
                }
                value.map(String::into_bytes)
            }
            ["content"] => self.text_of(source, "content").map(String::into_bytes),
            _ => {
                self.bad(source.span, format!("`{name}` needs one of `file`, `environment` and `content`"));
                None
            }
        }
    }
}
