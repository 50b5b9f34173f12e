//! `proof.json`: what was proven, of which content of the lab.

use std::path::Path;

use crate::command::Failure;
use crate::lab::Lab;
use crate::lab::view::ProveView;
use crate::workspace::tree::{Tree, ignored};

/// Digest of everything in a lab's folder but the proof itself.
///
/// # Errors
/// A file cannot be read.
pub fn lab_digest(folder: &Path) -> Result<String, Failure> {
    let mut tree = Tree::read(folder, &ignored(&[]))?;
    tree.0.remove(Path::new("proof.json"));
    Ok(tree.hash())
}

/// The digest of the content that the lab's proof was written for.
pub fn proven_digest(folder: &Path) -> Option<String> {
    let text = std::fs::read(folder.join("proof.json")).ok()?;
    let proof: serde_json::Value = serde_json::from_slice(&text).ok()?;
    proof["digest"].as_str().map(str::to_owned)
}

/// Writes the proof into the lab.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write_proof(lab: &Lab, view: &ProveView) -> Result<(), Failure> {
    let path = lab.folder.join("proof.json");
    let proof = serde_json::json!({
        "schema": 1,
        "lab": view.lab,
        "digest": lab_digest(&lab.folder)?,
        "labrunner": env!("CARGO_PKG_VERSION"),
        "proven": jiff::Timestamp::now().to_string(),
        "took_ms": view.took,
        "cells": view.cells,
        "never_failed": view.never_failed,
    });
    let text = serde_json::to_string_pretty(&proof).unwrap_or_default() + "\n";
    std::fs::write(&path, text).map_err(|error| Failure::engine(format!("cannot write `{}`: {error}", path.display())))
}
