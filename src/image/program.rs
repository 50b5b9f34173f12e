//! Programs that a recipe needs and no distribution packages: built once on this machine with cargo, and kept.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
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
}

/// Lines of cargo's output that an error shows.
const LOG_LINES: usize = 15;

impl Program {
    /// What makes one build differ from another.
    pub fn identity(&self) -> String {
        format!("{}-{}-{}", self.package, self.version, self.features.join("-"))
    }

    /// The file of the program, built first if it is not there; every line of cargo's goes to `line`.
    ///
    /// # Errors
    /// There is no cargo, or it failed.
    pub async fn build(&self, cache: &Path, line: &(dyn Fn(&str) + Sync)) -> Result<PathBuf, ImageError> {
        let root = cache.join("programs").join(self.identity());
        let program = root.join("bin").join(&self.package);
        if program.is_file() {
            return Ok(program);
        }
        let mut command = tokio::process::Command::new("cargo");
        command.args(["install", &self.package, "--version", &self.version, "--locked", "--no-default-features"]);
        command.arg("--features").arg(self.features.join(",")).arg("--root").arg(&root);
        command.env("CARGO_TARGET_DIR", root.join("target")).env_remove("RUSTFLAGS");
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
        if !status.success() || !program.is_file() {
            return Err(ImageError::Build {
                image: self.package.clone(),
                message: format!("cargo ended with {status}"),
                log: said.join("\n"),
            });
        }
        // Gigabytes that nobody needs again.
        let _ = std::fs::remove_dir_all(root.join("target"));
        Ok(program)
    }
}
