//! Saved workspaces: nothing of the learner's is ever lost.
//!
//! A save is complete and on disk before anything of the workspace is touched.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::WorkspaceError;
use super::tree::{Content, Tree, ignored};

/// Where a lab's saved workspaces lie.
#[derive(Debug, Clone)]
pub struct Saves {
    folder: PathBuf,
}

impl Saves {
    /// Saves below `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Saves everything but what programs make again by themselves (bytecode, caches, version control).
    /// Returns the name under which it can be had again; the same content has the same name.
    ///
    /// # Errors
    /// The workspace cannot be read, or the save cannot be written; the workspace is untouched.
    pub fn save(&self, workspace: &Path) -> Result<String, WorkspaceError> {
        let tree = Tree::read(workspace, &ignored(&[]))?;
        let name = tree.hash();
        let path = self.path(&name);
        let failed = || WorkspaceError::file("save the workspace to", &path);
        if path.exists() {
            return Ok(name);
        }
        std::fs::create_dir_all(&self.folder).map_err(failed())?;
        let file = tempfile::NamedTempFile::new_in(&self.folder).map_err(failed())?;
        let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::fast()));
        for (path, content) in &tree.0 {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.bytes.len() as u64);
            header.set_mode(if content.executable { 0o755 } else { 0o644 });
            header.set_cksum();
            archive.append_data(&mut header, path, content.bytes.as_slice()).map_err(failed())?;
        }
        let mut file = archive.into_inner().and_then(GzEncoder::finish).map_err(failed())?;
        file.flush().and_then(|()| file.as_file().sync_all()).map_err(failed())?;
        file.persist(&path).map_err(|error| failed()(error.error))?;
        Ok(name)
    }

    /// Makes the workspace what it was when it was saved under `name`.
    ///
    /// # Errors
    /// The save cannot be read, or a file cannot be written; doing it again finishes the work.
    pub fn restore(&self, name: &str, workspace: &Path) -> Result<(), WorkspaceError> {
        self.load(name)?.materialise(workspace, &ignored(&[]))
    }

    fn load(&self, name: &str) -> Result<Tree, WorkspaceError> {
        let path = self.path(name);
        let failed = || WorkspaceError::file("read the saved workspace", &path);
        let file = std::fs::File::open(&path).map_err(failed())?;
        unpacked(GzDecoder::new(file)).map_err(failed())
    }

    /// The archive of a save.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.tar.gz"))
    }
}

fn unpacked(archive: impl std::io::Read) -> std::io::Result<Tree> {
    let mut tree = Tree::default();
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.into_owned();
        let executable = entry.header().mode()? & 0o111 != 0;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes)?;
        tree.0.insert(name, Content { bytes, executable });
    }
    Ok(tree)
}

/// A saved workspace that may be anything. Built for the fuzz targets alone.
#[cfg(fuzzing)]
pub fn fuzzed(archive: &[u8]) {
    let _ = unpacked(archive).map(|tree| tree.hash());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_comes_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (workspace, saves) = (folder.path().join("w"), Saves::new(folder.path().join("s")));
        std::fs::create_dir_all(workspace.join("a")).unwrap();
        std::fs::write(workspace.join("a/db.sqlite3"), [0, 255, 10]).unwrap();
        let name = saves.save(&workspace).unwrap();
        std::fs::remove_dir_all(&workspace).unwrap();
        std::fs::create_dir_all(&workspace).unwrap();
        std::fs::write(workspace.join("new.py"), "x").unwrap();
        let second = saves.save(&workspace).unwrap();
        saves.restore(&name, &workspace).unwrap();
        assert_eq!(std::fs::read(workspace.join("a/db.sqlite3")).unwrap(), [0, 255, 10]);
        assert!(!workspace.join("new.py").exists());
        saves.restore(&second, &workspace).unwrap();
        assert!(workspace.join("new.py").exists() && !workspace.join("a").exists());
    }
}
