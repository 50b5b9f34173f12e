//! `volumes` and `tmpfs` of a service. Source: the Compose specification, "volumes", short and long syntax.

use super::scalars::{given, octal, parse_bytes};
use super::{Reader, keys};
use crate::catalog::tree::{Node, Span, Value};
use crate::lab::stack::{Mount, MountSource};

const FORMS: &str = "like \"data:/data\", \"./folder:/data:ro\" or a map with `type`, `source` and `target`";

impl Reader<'_, '_> {
    pub(super) fn mounts(&mut self, node: &Node) -> Vec<Mount> {
        let mut mounts: Vec<(Mount, Span)> = Vec::new();
        for item in self.items_of(node, "volumes") {
            let mount = match &item.value {
                Value::Map(_) => self.long_mount(&item),
                _ => match item.text() {
                    Some(text) => self.short_mount(text, item.span),
                    None => {
                        self.wrong(&item, "a volume", FORMS);
                        None
                    }
                },
            };
            mounts.extend(mount.map(|mount| (mount, item.span)));
        }
        for (text, span) in self.one_or_more(node, "tmpfs") {
            mounts.extend(self.tmpfs(&text, span).map(|mount| (mount, span)));
        }
        let mut kept: Vec<Mount> = Vec::new();
        for (mut mount, span) in mounts {
            if !mount.target.starts_with('/') || mount.target.trim_end_matches('/').is_empty() {
                self.bad(span, format!("`{}` is no absolute path in the container", mount.target));
                continue;
            }
            mount.target = mount.target.trim_end_matches('/').to_owned();
            if let MountSource::Bind { path, .. } = &mount.source {
                mount.read_only |= self.guard_bind(&path.clone(), span);
            }
            if let Some(earlier) = kept.iter_mut().find(|earlier| earlier.target == mount.target) {
                // Compose keeps the last one, too.
                self.warn(span, format!("`{}` is mounted twice; the later entry counts", mount.target));
                *earlier = mount;
            } else {
                kept.push(mount);
            }
        }
        kept
    }

    fn short_mount(&mut self, text: &str, span: Span) -> Option<Mount> {
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, options) = match parts.as_slice() {
            [target] => (None, *target, ""),
            [source, target] => (Some(*source), *target, ""),
            [source, target, options] => (Some(*source), *target, *options),
            _ => {
                self.bad(span, format!("`{text}` is no volume; write it {FORMS}"));
                return None;
            }
        };
        let (mut read_only, mut nocopy) = (false, false);
        for option in options.split(',').filter(|option| !option.is_empty()) {
            match option {
                "ro" => read_only = true,
                "rw" => read_only = false,
                "nocopy" => nocopy = true,
                "z" | "Z" | "cached" | "delegated" | "consistent" | "shared" | "rshared" | "slave" | "rslave"
                | "private" | "rprivate" => {
                    let why = match option {
                        "z" | "Z" => "files are not relabelled for SELinux",
                        "cached" | "delegated" | "consistent" => "engines no longer read it",
                        _ => "mounts are private",
                    };
                    self.warn(span, format!("`:{option}` has no effect here: {why}"));
                }
                _ => {
                    self.bad(span, format!("`{option}` is no way to mount a volume; there are ro, rw and nocopy"));
                    return None;
                }
            }
        }
        let source = match source {
            None => MountSource::Anonymous,
            Some(path) if path.starts_with(['/', '.', '~']) => {
                MountSource::Bind { path: self.path(path), create: true }
            }
            Some(name) if name.contains('/') => {
                let hint = format!("a folder begins with `./`: `./{text}`");
                let message = format!("`{name}` is neither the name of a volume nor a path");
                self.findings.error("wrong-value", span, message, hint);
                return None;
            }
            Some("") => {
                self.bad(span, format!("`{text}` names no volume before the `:`"));
                return None;
            }
            Some(name) => MountSource::Volume { name: name.to_owned(), nocopy, subpath: None },
        };
        Some(Mount { target: target.to_owned(), read_only, source })
    }

    fn long_mount(&mut self, node: &Node) -> Option<Mount> {
        self.check_keys(node, "a volume of a service", keys::MOUNT);
        let Some(target) = self.text_of(node, "target") else {
            self.bad(node.span, "a volume needs `target`, the path in the container".into());
            return None;
        };
        let kind = self.text_of(node, "type");
        let options = |reader: &mut Self, key, table| {
            let options = given(node, key).cloned();
            if let Some(options) = &options {
                reader.check_keys(options, &format!("`{key}`"), table);
                if kind.as_deref() != Some(key) {
                    reader.bad(options.span, format!("`{key}` belongs to a volume with `type: {key}`"));
                }
            }
            options
        };
        let bind = options(self, "bind", keys::MOUNT_BIND);
        let volume = options(self, "volume", keys::MOUNT_VOLUME);
        let memory = options(self, "tmpfs", keys::MOUNT_TMPFS);
        let source = self.text_of(node, "source");
        let source = match (kind.as_deref(), source) {
            (Some("bind"), Some(source)) => {
                let create = bind.and_then(|bind| self.flag_of(&bind, "create_host_path")).unwrap_or(true);
                MountSource::Bind { path: self.path(&source), create }
            }
            (Some("bind"), None) => {
                self.bad(node.span, "a bind mount needs `source`, a path of this machine".into());
                return None;
            }
            (Some("volume"), Some(name)) => MountSource::Volume {
                name,
                nocopy: volume.as_ref().and_then(|volume| self.flag_of(volume, "nocopy")).unwrap_or(false),
                subpath: volume.as_ref().and_then(|volume| self.text_of(volume, "subpath")),
            },
            (Some("volume"), None) => MountSource::Anonymous,
            (Some("tmpfs"), source) => {
                if source.is_some() {
                    self.bad(node.span, "memory (`type: tmpfs`) has no `source`".into());
                }
                let mode = memory.as_ref().and_then(|memory| given(memory, "mode"));
                if let Some(mode) = mode.filter(|mode| octal(mode).is_none()) {
                    self.wrong(mode, "`mode`", "permissions such as \"1777\"");
                }
                MountSource::Tmpfs {
                    size: memory.as_ref().and_then(|memory| self.bytes_of(memory, "size")),
                    mode: mode.and_then(|mode| octal(mode)),
                }
            }
            (kind, _) => {
                let here = kind.map_or("nothing".to_owned(), |kind| format!("`{kind}`"));
                let span = node.get("type").map_or(node.span, |value| value.span);
                self.bad(span, format!("`type` has to be bind, volume or tmpfs; here is {here}"));
                return None;
            }
        };
        Some(Mount { target, read_only: self.flag_of(node, "read_only").unwrap_or(false), source })
    }

    /// `path[:option,…]`, the options being those of mount(8) for tmpfs.
    fn tmpfs(&mut self, text: &str, span: Span) -> Option<Mount> {
        let (target, options) = text.split_once(':').unwrap_or((text, ""));
        let (mut size, mut mode, mut read_only) = (None, None, false);
        for option in options.split(',').filter(|option| !option.is_empty()) {
            let understood = match option.split_once('=') {
                Some(("size", value)) => {
                    size = parse_bytes(value);
                    size.is_some()
                }
                Some(("mode", value)) => {
                    mode = u32::from_str_radix(value, 8).ok().filter(|mode| *mode <= 0o7777);
                    mode.is_some()
                }
                Some(("uid" | "gid" | "nr_inodes" | "nr_blocks", _)) => {
                    self.warn(span, format!("`{option}` of a tmpfs has no effect here"));
                    true
                }
                None => match option {
                    "ro" => {
                        read_only = true;
                        true
                    }
                    // What the engine does anyway.
                    "rw" | "noexec" | "nosuid" | "nodev" => true,
                    "exec" | "suid" | "dev" | "async" | "sync" | "atime" | "noatime" | "diratime" | "nodiratime" => {
                        self.warn(span, format!("`{option}` of a tmpfs has no effect here"));
                        true
                    }
                    _ => false,
                },
                Some(_) => false,
            };
            if !understood {
                let message = format!("`{option}` is no option of a tmpfs; write `/path` or `/path:size=64m,mode=1777`");
                self.bad(span, message);
                return None;
            }
        }
        Some(Mount { target: target.to_owned(), read_only, source: MountSource::Tmpfs { size, mode } })
    }
}
