//! Files as a map from path to content, in memory and on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::WorkspaceError;

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub bytes: Vec<u8>,
    pub executable: bool,
}

/// Files by relative path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(pub BTreeMap<PathBuf, Content>);

/// What never counts: version control, bytecode, caches of tools.
const ALWAYS: &[&str] =
    &[".git", "__pycache__", "*.pyc", ".pytest_cache", ".mypy_cache", ".ruff_cache", "celerybeat-schedule*"];

/// Which paths do not count, for a lab's `workspace.ignore`.
pub fn ignored(patterns: &[String]) -> Gitignore {
    let all: Vec<String> = ALWAYS.iter().map(|one| (*one).to_owned()).chain(patterns.iter().cloned()).collect();
    self::patterns(&all)
}

/// Of [`ignored`], the patterns that concern a name wherever it stands.
pub fn ignored_names(patterns: &[String]) -> Vec<String> {
    let given = patterns.iter().map(|pattern| pattern.trim_end_matches('/').to_owned());
    let names = given.filter(|pattern| !pattern.contains('/') && !pattern.starts_with('!'));
    ALWAYS.iter().map(|one| (*one).to_owned()).chain(names).collect()
}

/// Patterns as in a `.gitignore`.
pub fn patterns(list: &[String]) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    for pattern in list {
        // A pattern that is none matches nothing; lint reports it.
        let _ = builder.add_line(None, pattern);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

impl Tree {
    /// Reads the regular files below `folder` that are not ignored. Links are not followed; sockets, pipes
    /// and devices are passed over.
    ///
    /// # Errors
    /// A file or folder cannot be read.
    pub fn read(folder: &Path, ignored: &Gitignore) -> Result<Self, WorkspaceError> {
        let mut tree = Tree::default();
        let walk = WalkDir::new(folder).follow_links(false).into_iter().filter_entry(|entry| {
            let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
            relative.as_os_str().is_empty() || !ignored.matched(relative, entry.file_type().is_dir()).is_ignore()
        });
        for entry in walk {
            let entry = match entry {
                // Editors and databases make files that are gone a moment later.
                Err(error) if error.depth() > 0 && is_gone(error.io_error()) => continue,
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_owned();
                    return Err(WorkspaceError::File { what: "read", path, source: error.into() });
                }
                Ok(entry) => entry,
            };
            if entry.file_type().is_file() {
                let bytes = match std::fs::read(entry.path()) {
                    Err(error) if is_gone(Some(&error)) => continue,
                    other => other.map_err(WorkspaceError::file("read", entry.path()))?,
                };
                let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_owned();
                tree.0.insert(relative, Content { bytes, executable: executable(entry.path()) });
            }
        }
        Ok(tree)
    }

    /// Lays another tree over this one.
    pub fn overlay(&mut self, other: Tree) {
        self.0.extend(other.0);
    }

    /// Content hash: the same for the same paths, bytes and executable bits.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for (path, content) in &self.0 {
            hash.update(path.to_string_lossy().as_bytes());
            hash.update([0, u8::from(content.executable)]);
            hash.update((content.bytes.len() as u64).to_le_bytes());
            hash.update(&content.bytes);
        }
        hex::encode(&hash.finalize()[..16])
    }

    /// Content hash of what services may run: Markdown is for people, and no service has to begin again for it.
    pub fn code_hash(&self) -> String {
        let runs = |path: &Path| path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("md"));
        Tree(
            self.0
                .iter()
                .filter(|(path, _)| runs(path))
                .map(|(path, content)| (path.clone(), content.clone()))
                .collect(),
        )
        .hash()
    }

    /// Paths at which this tree and another one differ.
    pub fn differing(&self, other: &Tree) -> Vec<PathBuf> {
        let mine = self.0.iter().filter(|(path, content)| other.0.get(*path) != Some(content)).map(|(path, _)| path);
        mine.chain(other.0.keys().filter(|path| !self.0.contains_key(*path))).cloned().collect()
    }

    /// Hash of each file, to find out later what has changed.
    pub fn manifest(&self) -> BTreeMap<String, String> {
        let hash = |content: &Content| -> String {
            let mut hash = Sha256::new();
            hash.update([u8::from(content.executable)]);
            hash.update(&content.bytes);
            hex::encode(&hash.finalize()[..12])
        };
        self.0.iter().map(|(path, content)| (path.to_string_lossy().into_owned(), hash(content))).collect()
    }

    /// Makes `folder` equal to this tree as far as files count: writes only what differs, each file as a
    /// whole, and removes what is not in the tree. Ignored files stay, and so do links.
    ///
    /// # Errors
    /// A link is where a file or its folder has to be: nothing is changed then. A file cannot be written or removed.
    pub fn materialise(&self, folder: &Path, ignored: &Gitignore) -> Result<(), WorkspaceError> {
        std::fs::create_dir_all(folder).map_err(WorkspaceError::file("create", folder))?;
        let present = Tree::read(folder, ignored)?;
        self.no_link_in_the_way(folder)?;
        for path in present.0.keys().filter(|path| !self.0.contains_key(*path)) {
            let whole = folder.join(path);
            std::fs::remove_file(&whole).map_err(WorkspaceError::file("remove", &whole))?;
            let mut parent = whole.parent();
            while let Some(empty) = parent.filter(|parent| *parent != folder && std::fs::remove_dir(parent).is_ok()) {
                parent = empty.parent();
            }
        }
        for (path, content) in self.0.iter().filter(|(path, content)| present.0.get(*path) != Some(content)) {
            content.write(&folder.join(path))?;
        }
        Ok(())
    }

    /// Whether this tree can be written into `folder` without going through a link, or replacing one.
    ///
    /// # Errors
    /// It cannot; the error names the link.
    pub fn no_link_in_the_way(&self, folder: &Path) -> Result<(), WorkspaceError> {
        for path in self.0.keys() {
            let parts = path.ancestors().filter(|part| !part.as_os_str().is_empty()).map(|part| folder.join(part));
            if let Some(link) = parts.filter(|part| part.is_symlink()).last() {
                return Err(WorkspaceError::Link(link));
            }
        }
        Ok(())
    }
}

impl Content {
    /// Writes the file as a whole, with the folders that it needs.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WorkspaceError> {
        use std::io::Write;
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(WorkspaceError::file("create", folder))?;
        let failed = || WorkspaceError::file("write", path);
        let mut file = tempfile::Builder::new().prefix(".labrunner-").tempfile_in(folder).map_err(failed())?;
        file.write_all(&self.bytes).map_err(failed())?;
        set_mode(file.path(), self.executable).map_err(failed())?;
        file.persist(path).map_err(|error| failed()(error.error))?;
        Ok(())
    }
}

fn is_gone(error: Option<&std::io::Error>) -> bool {
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

#[cfg(unix)]
fn executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|facts| facts.permissions().mode() & 0o111 != 0)
}

#[cfg(unix)]
fn set_mode(path: &Path, executable: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }))
}

#[cfg(not(unix))]
fn executable(_: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: bool) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let content = |text: &str| Content { bytes: text.as_bytes().to_vec(), executable: false };
        Tree(files.iter().map(|(path, text)| (PathBuf::from(path), content(text))).collect())
    }

    #[test]
    fn a_folder_becomes_equal_to_the_tree_and_ignored_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let ignored = ignored(&["*.sqlite3".into()]);
        tree(&[("a/b.py", "1"), ("c.txt", "2"), ("db.sqlite3", "data"), ("a/__pycache__/b.pyc", "x")])
            .materialise(folder.path(), &self::ignored(&[]))
            .unwrap();
        std::fs::create_dir_all(folder.path().join("a/__pycache__")).unwrap();
        std::fs::write(folder.path().join("a/__pycache__/b.pyc"), "x").unwrap();
        let wanted = tree(&[("d/e.py", "3"), ("c.txt", "2")]);
        wanted.materialise(folder.path(), &ignored).unwrap();
        assert_eq!(Tree::read(folder.path(), &ignored).unwrap(), wanted);
        assert!(folder.path().join("db.sqlite3").exists());
    }

    #[test]
    #[cfg(unix)]
    fn nothing_is_changed_through_a_link() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(elsewhere.path().join("settings.py"), "mine").unwrap();
        std::fs::write(folder.path().join("old.py"), "old").unwrap();
        let link = folder.path().join("shop");
        std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
        let refused = |files: &[(&str, &str)]| tree(files).materialise(folder.path(), &ignored(&[])).unwrap_err();
        assert!(matches!(refused(&[("shop/settings.py", "starter")]), WorkspaceError::Link(path) if path == link));
        assert!(matches!(refused(&[("shop", "a file")]), WorkspaceError::Link(path) if path == link));
        assert_eq!(std::fs::read_to_string(elsewhere.path().join("settings.py")).unwrap(), "mine");
        assert!(folder.path().join("old.py").exists(), "it is refused as a whole");
        // One that is in nobody's way stays.
        tree(&[("a.py", "1")]).materialise(folder.path(), &ignored(&[])).unwrap();
        assert!(link.is_symlink() && !folder.path().join("old.py").exists());
    }

    #[test]
    fn what_is_written_for_people_starts_nothing_anew() {
        let one = tree(&[("a.py", "1"), ("RETROSPECTIVE.md", "hard")]);
        assert_eq!(one.code_hash(), tree(&[("a.py", "1"), ("notes/b.MD", "x")]).code_hash());
        assert_ne!(one.code_hash(), tree(&[("a.py", "2"), ("RETROSPECTIVE.md", "hard")]).code_hash());
    }

    #[test]
    fn the_hash_sees_content_path_and_nothing_else() {
        let one = tree(&[("a", "1"), ("b", "2")]);
        assert_eq!(one.hash(), tree(&[("b", "2"), ("a", "1")]).hash());
        assert_ne!(one.hash(), tree(&[("a", "12"), ("b", "")]).hash());
        assert_ne!(one.manifest()["a"], one.manifest()["b"]);
    }
}
