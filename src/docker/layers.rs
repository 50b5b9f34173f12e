//! The files of an image, layer by layer, read from what the engine exports.
//!
//! Source of the format: Docker's image specification v1.2 ("Combined Image JSON + Filesystem Changeset Format"):
//! `manifest.json` names the configuration, whose `rootfs.diff_ids` are the layers' digests, and the layers' tars, in
//! the same order. Engines since 25 write the same file into an OCI layout.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::GzDecoder;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use memchr::memmem;
use serde_json::{Value, json};

use super::DockerEngine;
use crate::check::world::Unobservable;
use crate::image::ImageEngine;

/// Files larger than this, in bytes, are not searched: what somebody forgot in an image is small.
const SEARCHED: u64 = 8 << 20;

/// Where files that fit the patterns `find`, and files with the text `search` in them, lie in an image.
pub(super) async fn files(
    engine: &DockerEngine,
    image: &str,
    find: &[String],
    search: Option<&str>,
) -> Result<Value, Unobservable> {
    let machine = |error: std::io::Error| Unobservable::Machine(format!("the image cannot be looked into: {error}"));
    let folder = tempfile::tempdir().map_err(machine)?;
    let file = folder.path().join("image.tar");
    engine.save(&[image], &file).await.map_err(|error| Unobservable::Machine(error.to_string()))?;
    let mut patterns = GitignoreBuilder::new("/");
    for pattern in find {
        let added = patterns.add_line(None, pattern);
        added.map_err(|error| Unobservable::Definition(format!("`{pattern}` is no pattern: {error}")))?;
    }
    let patterns = patterns.build().map_err(|error| Unobservable::Definition(error.to_string()))?;
    let search = search.map(|text| text.as_bytes().to_vec());
    let scanned = tokio::task::spawn_blocking(move || {
        let found = std::fs::File::open(&file).and_then(|file| scan(file, &patterns, search.as_deref()));
        drop(folder);
        found
    });
    scanned.await.map_err(|error| Unobservable::Machine(error.to_string()))?.map_err(machine)
}

fn scan(mut export: impl Read + Seek, patterns: &Gitignore, search: Option<&[u8]>) -> std::io::Result<Value> {
    let (mut found, mut hits) = (Vec::new(), Vec::new());
    let layers = layers(&mut export)?;
    let mut archive = from_start(&mut export)?;
    for entry in archive.entries_with_seek()? {
        let mut entry = entry?;
        let name = entry.path()?.display().to_string();
        let Some((_, digest)) = layers.iter().find(|(path, _)| *path == name) else { continue };
        let mut start = [0_u8; 2];
        let length = entry.read(&mut start)?;
        let content = start[..length].chain(&mut entry);
        // Engines that keep images as a registry has them export compressed layers.
        let content: Box<dyn Read + '_> = match start {
            [0x1f, 0x8b] => Box::new(GzDecoder::new(content)),
            _ => Box::new(BufReader::with_capacity(1 << 18, content)),
        };
        let mut layer = tar::Archive::new(content);
        for file in layer.entries()? {
            let mut file = file?;
            if !file.header().entry_type().is_file() {
                continue;
            }
            let path = file.path()?.display().to_string();
            let place = json!({ "path": format!("/{path}"), "layer": digest });
            if patterns.matched_path_or_any_parents(Path::new(&path), false).is_ignore() {
                found.push(place.clone());
            }
            if let Some(text) = search.filter(|_| file.size() <= SEARCHED) {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)?;
                if memmem::find(&bytes, text).is_some() {
                    hits.push(place);
                }
            }
        }
    }
    Ok(json!({ "found": found, "hits": hits }))
}

/// Paths of the layers inside the export, with their digests.
fn layers(export: &mut (impl Read + Seek)) -> std::io::Result<Vec<(String, String)>> {
    let bad = |what: &str| std::io::Error::other(format!("the engine's export has no {what}"));
    let manifest = document(export, "manifest.json")?.ok_or_else(|| bad("manifest.json"))?;
    let config = manifest[0]["Config"].as_str().ok_or_else(|| bad("configuration"))?;
    let config = document(export, config)?.ok_or_else(|| bad("configuration"))?;
    let digests = config["rootfs"]["diff_ids"].as_array().ok_or_else(|| bad("list of layers"))?;
    let paths = manifest[0]["Layers"].as_array().ok_or_else(|| bad("list of layers"))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(paths.iter().map(text).zip(digests.iter().map(text)).collect())
}

fn from_start<R: Read + Seek>(export: &mut R) -> std::io::Result<tar::Archive<&mut R>> {
    export.seek(SeekFrom::Start(0))?;
    Ok(tar::Archive::new(export))
}

fn document(export: &mut (impl Read + Seek), name: &str) -> std::io::Result<Option<Value>> {
    let mut archive = from_start(export)?;
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        if entry.path()?.to_str() == Some(name) {
            return Ok(Some(serde_json::from_reader(entry)?));
        }
    }
    Ok(None)
}

/// An export that may be anything. Built for the fuzz targets alone.
#[cfg(fuzzing)]
pub(super) fn fuzzed(export: &[u8]) {
    let mut patterns = GitignoreBuilder::new("/");
    let _ = patterns.add_line(None, "*.pem");
    if let Ok(patterns) = patterns.build() {
        let _ = scan(std::io::Cursor::new(export), &patterns, Some(b"key"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tar of entries, each a type, a name and what follows it; names are written as they are.
    fn archive(entries: &[(tar::EntryType, &str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (kind, name, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            if matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link) {
                header.set_link_name("/etc/passwd").unwrap();
            }
            header.set_cksum();
            builder.append(&header, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn names_and_kinds_of_entries_lead_nowhere() {
        use tar::EntryType::{Block, Char, Fifo, Link, Regular, Symlink};
        let layer = archive(&[
            (Regular, "../../../../tmp/outside/key.pem", b"a key"),
            (Regular, "/tmp/outside/absolute.pem", b"another"),
            (Symlink, "link.pem", b""),
            (Link, "hard.pem", b""),
            (Block, "dev/disk.pem", b""),
            (Char, "dev/memory.pem", b""),
            (Fifo, "pipe.pem", b""),
        ]);
        let config = br#"{"rootfs":{"diff_ids":["sha256:1"]}}"#;
        let manifest = br#"[{"Config":"c.json","Layers":["l.tar"]}]"#;
        let export =
            archive(&[(Regular, "manifest.json", manifest), (Regular, "c.json", config), (Regular, "l.tar", &layer)]);
        let mut patterns = GitignoreBuilder::new("/");
        patterns.add_line(None, "*.pem").unwrap();
        let seen = scan(std::io::Cursor::new(export), &patterns.build().unwrap(), Some(b"key")).unwrap();
        let paths = |list: &str| -> Vec<String> {
            seen[list].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap().to_owned()).collect()
        };
        // Files alone count, and what they are called is only said.
        assert_eq!(paths("found"), ["/../../../../tmp/outside/key.pem", "//tmp/outside/absolute.pem"]);
        assert_eq!(paths("hits"), ["/../../../../tmp/outside/key.pem"]);
        assert!(!Path::new("/tmp/outside").exists());
    }
}
