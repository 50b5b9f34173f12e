//! `volumes` and `tmpfs` of a service. Source: the Compose specification, "volumes", short and long syntax.

use std::path::{Component, Path, PathBuf};

use super::Reader;
use super::scalars::parse_bytes;
use crate::catalog::tree::{Node, Value};
use crate::lab::stack::{Mount, MountSource};

impl Reader<'_, '_> {
    pub(super) fn mounts(&mut self, node: &Node) -> Vec<Mount> {
        let mut mounts = Vec::new();
        for item in node.get("volumes").map(|list| list.items().to_vec()).unwrap_or_default() {
            let mount = match &item.value {
                Value::Map(_) => self.long_mount(&item),
                _ => item.text().and_then(|text| self.short_mount(text)),
            };
            match mount {
                Some(mount) => mounts.push(mount),
                None => self.wrong(
                    &item,
                    "a volume",
                    "like \"data:/data\", \"./folder:/data:ro\" or a map with `type`, `source` and `target`",
                ),
            }
        }
        let span = node.get("tmpfs").map_or(node.span, |value| value.span);
        for text in self.list_of(node, "tmpfs") {
            match tmpfs(&text) {
                Some(mount) => mounts.push(mount),
                None => self.bad(span, format!("`{text}` is no tmpfs; write `/path` or `/path:size=64m,mode=1777`")),
            }
        }
        mounts
    }

    fn short_mount(&mut self, text: &str) -> Option<Mount> {
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, options) = match parts.as_slice() {
            [target] => (None, *target, ""),
            [source, target] => (Some(*source), *target, ""),
            [source, target, options] => (Some(*source), *target, *options),
            _ => return None,
        };
        if !target.starts_with('/') {
            return None;
        }
        let known =
            |option: &str| matches!(option, "ro" | "rw" | "z" | "Z" | "nocopy" | "cached" | "delegated" | "consistent");
        let options: Vec<&str> = options.split(',').filter(|option| !option.is_empty()).collect();
        if !options.iter().all(|option| known(option)) {
            return None;
        }
        let source = match source {
            None => MountSource::Anonymous,
            Some(path) if path.starts_with(['/', '.', '~']) => {
                MountSource::Bind { path: self.path(path), create: true }
            }
            Some(name) => {
                MountSource::Volume { name: name.to_owned(), nocopy: options.contains(&"nocopy"), subpath: None }
            }
        };
        Some(Mount { target: target.to_owned(), read_only: options.contains(&"ro"), source })
    }

    fn long_mount(&mut self, node: &Node) -> Option<Mount> {
        let target = self.text_of(node, "target")?;
        let source = self.text_of(node, "source");
        let inner = |part: &str, key: &str| node.get(part).and_then(|part| part.get(key)).cloned();
        let source = match self.text_of(node, "type").as_deref() {
            Some("bind") => {
                let create =
                    inner("bind", "create_host_path").is_none_or(|flag| !matches!(flag.value, Value::Bool(false)));
                MountSource::Bind { path: self.path(&source?), create }
            }
            Some("volume") => match source {
                Some(name) => MountSource::Volume {
                    name,
                    nocopy: inner("volume", "nocopy").is_some_and(|flag| matches!(flag.value, Value::Bool(true))),
                    subpath: inner("volume", "subpath").and_then(|path| path.scalar()),
                },
                None => MountSource::Anonymous,
            },
            Some("tmpfs") => MountSource::Tmpfs {
                size: inner("tmpfs", "size").and_then(|size| size.scalar()).as_deref().and_then(parse_bytes),
                mode: inner("tmpfs", "mode").and_then(|mode| octal(&mode)),
            },
            _ => return None,
        };
        Some(Mount { target, read_only: self.flag_of(node, "read_only").unwrap_or(false), source })
    }

    /// An absolute path without `.` and `..`; links are resolved as far as the path exists.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        let home = |rest: &str| match (self.context.lookup)("HOME") {
            Some(serde_json::Value::String(home)) => format!("{home}/{rest}"),
            // Wherever it is, it is not the lab's.
            _ => format!("/~/{rest}"),
        };
        let text = text.strip_prefix("~/").map_or_else(|| text.to_owned(), home);
        resolve(&self.context.folder.join(text))
    }
}

/// Resolves links in the part of a path that exists, and `..` in the rest.
pub(super) fn resolve(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
        if let Ok(real) = plain.canonicalize() {
            plain = real;
        }
    }
    plain
}

/// A mode as people write it: `1777` in a text is octal, as in chmod; so is the number YAML made of `0o1777`.
pub(super) fn octal(node: &Node) -> Option<u32> {
    match &node.value {
        Value::Text(text) => u32::from_str_radix(text, 8).ok(),
        Value::Integer(number) => {
            // A plain `0444` is the decimal 444 in YAML 1.2, and was meant as octal.
            u32::from_str_radix(&number.to_string(), 8).ok().or_else(|| (*number).try_into().ok())
        }
        _ => None,
    }
}

fn tmpfs(text: &str) -> Option<Mount> {
    let (target, options) = text.split_once(':').unwrap_or((text, ""));
    let (mut size, mut mode, mut read_only) = (None, None, false);
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("size", value)) => size = Some(parse_bytes(value)?),
            Some(("mode", value)) => mode = Some(u32::from_str_radix(value, 8).ok()?),
            None if option == "ro" => read_only = true,
            None if matches!(option, "rw" | "noexec" | "nosuid" | "nodev" | "exec") => {}
            _ => return None,
        }
    }
    target.starts_with('/').then(|| Mount {
        target: target.to_owned(),
        read_only,
        source: MountSource::Tmpfs { size, mode },
    })
}
