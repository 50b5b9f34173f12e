//! Programs that a recipe needs and no distribution packages: built once on this machine with cargo, and kept.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::ImageError;

/// A crate with one program, as `recipe.yaml` names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Of crates.io; the program has the same name.
    pub package: String,
    pub version: String,
    #[serde(default)]
    pub features: Vec<String>,
    /// Mistakes of its crates that are mended before it is built.
    #[serde(default)]
    pub patch: Vec<Patch>,
}

/// A crate that is built from changed sources.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    #[serde(rename = "crate")]
    pub name: String,
    pub version: String,
    pub edits: Vec<Edit>,
}

/// A place in a source file, there exactly once, and what it becomes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    pub file: PathBuf,
    pub find: String,
    pub replace: String,
}

/// Lines of cargo's output that an error shows.
const LOG_LINES: usize = 15;

type Line<'a> = &'a (dyn Fn(&str) + Sync);

impl Program {
    /// What makes one build differ from another.
    pub fn identity(&self) -> String {
        let plain = format!("{}-{}-{}", self.package, self.version, self.features.join("-"));
        if self.patch.is_empty() {
            return plain;
        }
        let hash = Sha256::digest(format!("{:?}", self.patch));
        format!("{plain}-{}", hex::encode(&hash[..4]))
    }

    /// The file of the program, built first if it is not there; every line of cargo's goes to `line`. `cargo_home` is
    /// where cargo keeps what it fetches.
    ///
    /// # Errors
    /// There is no cargo, or it failed; an edit does not fit its crate.
    pub async fn build(&self, cache: &Path, cargo_home: &Path, line: Line<'_>) -> Result<PathBuf, ImageError> {
        let root = cache.join("programs").join(self.identity());
        let program = root.join("bin").join(&self.package);
        if program.is_file() {
            return Ok(program);
        }
        let sources = self.sources(&root.join("sources"), cargo_home, line).await?;
        let mut arguments: Vec<String> =
            ["build", "--release", "--no-default-features", "--features"].map(str::to_owned).into();
        arguments.push(self.features.join(","));
        arguments.push("--manifest-path".into());
        arguments.push(sources.join(&self.package).join("Cargo.toml").display().to_string());
        for patch in &self.patch {
            let path = sources.join(&patch.name).display().to_string();
            arguments.extend(["--config".into(), format!("patch.crates-io.{}.path={path:?}", patch.name)]);
        }
        self.cargo(&arguments, &root, line).await?;
        let made = root.join("target/release").join(&self.package);
        let keep = || {
            std::fs::create_dir_all(root.join("bin"))?;
            // Renamed, so that a program of that name is whole.
            std::fs::rename(&made, &program)?;
            // Gigabytes that nobody needs again.
            std::fs::remove_dir_all(root.join("target"))?;
            std::fs::remove_dir_all(root.join("sources"))
        };
        keep().map_err(|error| ImageError::File { path: made.clone(), message: error.to_string() })?;
        Ok(program)
    }

    /// A folder with the sources of the package and of what is patched, as cargo has fetched them, and then changed.
    async fn sources(&self, folder: &Path, cargo_home: &Path, line: Line<'_>) -> Result<PathBuf, ImageError> {
        let failed = |error: std::io::Error| ImageError::File { path: folder.to_owned(), message: error.to_string() };
        let fetched = folder.join("fetched");
        std::fs::create_dir_all(&fetched).map_err(failed)?;
        let mut named = vec![(&self.package, &self.version)];
        named.extend(self.patch.iter().map(|patch| (&patch.name, &patch.version)));
        let mut manifest = String::from("[package]\nname = \"sources\"\nversion = \"0.0.0\"\nedition = \"2024\"\n");
        manifest.push_str("[lib]\npath = \"lib.rs\"\n[workspace]\n[dependencies]\n");
        for (name, version) in &named {
            manifest.push_str(&format!("{name} = {{ version = \"={version}\", default-features = false }}\n"));
        }
        std::fs::write(fetched.join("Cargo.toml"), manifest).map_err(failed)?;
        std::fs::write(fetched.join("lib.rs"), "").map_err(failed)?;
        let manifest = fetched.join("Cargo.toml").display().to_string();
        self.cargo(&["fetch".into(), "--manifest-path".into(), manifest], folder, line).await?;
        for (name, version) in named {
            let from = unpacked(cargo_home, name, version).ok_or_else(|| ImageError::Build {
                image: self.package.clone(),
                message: format!("cargo has not fetched {name} {version}"),
                log: String::new(),
            })?;
            copy(&from, &folder.join(name)).map_err(failed)?;
        }
        for patch in &self.patch {
            for edit in &patch.edits {
                edit.apply(&folder.join(&patch.name)).map_err(|message| ImageError::Build {
                    image: self.package.clone(),
                    message,
                    log: String::new(),
                })?;
            }
        }
        std::fs::remove_dir_all(&fetched).map_err(failed)?;
        Ok(folder.to_owned())
    }

    /// Runs cargo, with what it builds below `root`.
    async fn cargo(&self, arguments: &[String], root: &Path, line: Line<'_>) -> Result<(), ImageError> {
        let mut command = tokio::process::Command::new("cargo");
        command.args(arguments).env("CARGO_TARGET_DIR", root.join("target")).env_remove("RUSTFLAGS");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ImageError::MissingTools {
                packages: format!("`{}`, built with cargo", self.package),
                remedy: "install the Rust toolchain (https://rustup.rs), or pull the image where a registry answers"
                    .into(),
            },
            _ => ImageError::Engine(format!("cargo cannot be run: {error}")),
        })?;
        let mut said: Vec<String> = Vec::new();
        if let Some(errors) = child.stderr.take() {
            let mut lines = BufReader::new(errors).lines();
            while let Ok(Some(text)) = lines.next_line().await {
                line(text.trim());
                said.push(text);
                said.drain(..said.len().saturating_sub(LOG_LINES));
            }
        }
        let status = child.wait().await.map_err(|error| ImageError::Engine(error.to_string()))?;
        if status.success() {
            return Ok(());
        }
        let message = format!("cargo ended with {status}");
        Err(ImageError::Build { image: self.package.clone(), message, log: said.join("\n") })
    }
}

impl Edit {
    fn apply(&self, folder: &Path) -> Result<(), String> {
        let path = folder.join(&self.file);
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(&path).map_err(failed)?;
        match text.matches(&self.find).count() {
            1 => std::fs::write(&path, text.replacen(&self.find, &self.replace, 1)).map_err(failed),
            count => Err(format!("{} has `{}` {count} times; it has to be once", path.display(), self.find)),
        }
    }
}

/// Where cargo unpacks the sources of a crate. Source: The Cargo Book, "Cargo Home".
fn unpacked(cargo_home: &Path, name: &str, version: &str) -> Option<PathBuf> {
    let registries = std::fs::read_dir(cargo_home.join("registry/src")).ok()?;
    let folders = registries.flatten().map(|registry| registry.path().join(format!("{name}-{version}")));
    folders.into_iter().find(|folder| folder.is_dir())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry?;
        let target = to.join(entry.path().strip_prefix(from).unwrap_or(entry.path()));
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(&target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_once_is_replaced_and_anything_else_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lib.rs"), "one two two").unwrap();
        let edit = |find: &str| Edit { file: "lib.rs".into(), find: find.into(), replace: "three".into() };
        assert_eq!(edit("one").apply(folder.path()), Ok(()));
        assert_eq!(std::fs::read_to_string(folder.path().join("lib.rs")).unwrap(), "three two two");
        assert!(edit("two").apply(folder.path()).unwrap_err().contains("2 times"));
    }

    #[test]
    fn a_patch_makes_it_another_program() {
        let plain = Program { package: "a".into(), version: "1.0.0".into(), features: Vec::new(), patch: Vec::new() };
        let patch = Patch { name: "b".into(), version: "2.0.0".into(), edits: Vec::new() };
        assert_ne!(plain.identity(), Program { patch: vec![patch], ..plain.clone() }.identity());
    }
}
