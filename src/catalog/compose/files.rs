//! Files that Compose reads or injects: `env_file`, `secrets`, `configs`.

use std::collections::BTreeMap;

use super::Reader;
use super::mounts::octal;
use crate::catalog::tree::{Node, Value};
use crate::lab::stack::InjectedFile;

impl Reader<'_, '_> {
    pub(super) fn env_files(&mut self, node: &Node) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        let Some(value) = node.get("env_file") else { return all };
        let items = match &value.value {
            Value::List(items) => items.clone(),
            _ => vec![value.clone()],
        };
        for item in items {
            let (path, required) = match &item.value {
                Value::Map(_) => (self.text_of(&item, "path"), self.flag_of(&item, "required").unwrap_or(true)),
                _ => (self.text(&item, "`env_file`"), true),
            };
            let Some(path) = path.map(|path| self.path(&path)) else { continue };
            if !self.may_read(&item, &path) {
                continue;
            }
            match std::fs::read_to_string(&path) {
                Ok(text) => match environment_file(&text) {
                    Ok(pairs) => all.extend(pairs),
                    Err(line) => {
                        self.bad(item.span, format!("line {line} of `{}` is no `NAME=value`", path.display()));
                    }
                },
                Err(error) if required => {
                    let hint = "create it, or write `{ path: …, required: false }`".to_owned();
                    let message = format!("cannot read `{}`: {error}", path.display());
                    self.findings.error("env-file", item.span, message, hint);
                }
                Err(_) => {}
            }
        }
        all
    }

    /// The secrets or configs that a service was granted.
    pub(super) fn granted(&mut self, node: &Node, key: &str) -> Vec<InjectedFile> {
        let secret = key == "secrets";
        let Some(list) = node.get(key) else { return Vec::new() };
        let declared = if secret { self.secrets.clone() } else { self.configs.clone() };
        let mut files = Vec::new();
        for item in list.items() {
            let name = match &item.value {
                Value::Map(_) => self.text_of(item, "source"),
                _ => self.text(item, &format!("an entry of `{key}`")),
            };
            let Some(name) = name else { continue };
            let Some(source) = declared.get(&name) else {
                let hint = format!("declare it at the top: `{key}: {{ {name}: {{ file: … }} }}`");
                self.findings.error("unknown-file", item.span, format!("`{name}` is not declared under `{key}`"), hint);
                continue;
            };
            let Some(content) = self.content(source, &name) else { continue };
            let folder = if secret { "/run/secrets/" } else { "/" };
            let target = self.text_of(item, "target").unwrap_or_else(|| name.clone());
            files.push(InjectedFile {
                target: if target.starts_with('/') { target } else { format!("{folder}{target}") },
                content,
                uid: self.number_of(item, "uid").unwrap_or(0),
                gid: self.number_of(item, "gid").unwrap_or(0),
                mode: item.get("mode").and_then(|mode| octal(mode)).unwrap_or(0o444),
                secret,
            });
        }
        files
    }

    fn content(&mut self, source: &Node, name: &str) -> Option<Vec<u8>> {
        if let Some(path) = self.text_of(source, "file") {
            let path = self.path(&path);
            if !self.may_read(source, &path) {
                return None;
            }
            return match std::fs::read(&path) {
                Ok(content) => Some(content),
                Err(error) => {
                    self.bad(source.span, format!("cannot read `{}`: {error}", path.display()));
                    None
                }
            };
        }
        if let Some(variable) = self.text_of(source, "environment") {
            let value = (self.context.lookup)(&variable);
            if value.is_none() {
                self.bad(source.span, format!("`{name}` comes from the variable `{variable}`, which is not set"));
            }
            return value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned).into_bytes());
        }
        let content = self.text_of(source, "content");
        if content.is_none() {
            self.bad(source.span, format!("`{name}` needs `file`, `environment` or `content`"));
        }
        content.map(String::into_bytes)
    }
}

/// The variables of an environment file such as `.env`.
///
/// # Errors
/// The first line, from 1, that is no `NAME=value`.
pub fn environment_file(text: &str) -> Result<BTreeMap<String, String>, usize> {
    let lines = text.lines().enumerate();
    let pairs = lines.filter_map(|(number, line)| env_line(line).map_err(|()| number + 1).transpose());
    pairs.collect()
}

/// One line of an environment file in Compose's dialect; `Ok(None)` for blank lines and comments.
fn env_line(line: &str) -> Result<Option<(String, String)>, ()> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or(())?;
    let value = value.trim();
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let inside = value[1..].split_once(quote).ok_or(())?.0;
            if quote == '"' { inside.replace("\\n", "\n") } else { inside.to_owned() }
        }
        _ => value.split(" #").next().unwrap_or(value).trim_end().to_owned(),
    };
    Ok(Some((name.trim().to_owned(), value)))
}
