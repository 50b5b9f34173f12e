//! Changes of a workspace, as they happen.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc::{Receiver, channel};

use super::WorkspaceError;
use super::tree::Tree;

/// An editor writes, renames and touches: what comes within this time is one change.
const SETTLE: Duration = Duration::from_millis(25);
/// Between two looks where the file system does not tell.
const POLL: Duration = Duration::from_millis(500);

/// Tells that something below a folder may have changed.
pub struct Changes {
    signals: Receiver<()>,
    /// Keeps the subscription alive.
    _watcher: Option<notify::RecommendedWatcher>,
}

impl Changes {
    /// Watches a folder, through the file system's own events or, with `poll`, by looking again and again.
    ///
    /// # Errors
    /// The system gives no events for it; the message says that `--poll` does without.
    pub fn of(folder: &Path, poll: bool) -> Result<Self, WorkspaceError> {
        let (sender, signals) = channel(1);
        if poll {
            tokio::spawn(async move {
                let mut ticks = tokio::time::interval(POLL);
                loop {
                    ticks.tick().await;
                    if sender.send(()).await.is_err() {
                        return;
                    }
                }
            });
            return Ok(Self { signals, _watcher: None });
        }
        let failed =
            |error: notify::Error| WorkspaceError::Watch { path: folder.to_owned(), message: error.to_string() };
        let mut watcher = notify::recommended_watcher(move |_: notify::Result<notify::Event>| {
            // Full means that somebody has been told already.
            let _ = sender.try_send(());
        })
        .map_err(failed)?;
        watcher.watch(folder, RecursiveMode::Recursive).map_err(failed)?;
        Ok(Self { signals, _watcher: Some(watcher) })
    }

    /// Waits until files differ from `known`; returns what is there now and the paths that differ.
    ///
    /// # Errors
    /// The workspace cannot be read.
    pub async fn next(
        &mut self,
        folder: &Path,
        ignored: &Gitignore,
        known: &Tree,
    ) -> Result<(Tree, Vec<PathBuf>), WorkspaceError> {
        loop {
            if self.signals.recv().await.is_none() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(SETTLE).await;
            while self.signals.try_recv().is_ok() {}
            // A file that vanishes while it is read is about to come back: the next signal is on its way.
            let Ok(now) = Tree::read(folder, ignored) else { continue };
            let changed = now.differing(known);
            if !changed.is_empty() {
                return Ok((now, changed));
            }
        }
    }
}

/// Whether one of the paths belongs to `inputs`, patterns as in a `.gitignore`. No patterns mean every path.
pub fn concerns(inputs: &[String], paths: &[PathBuf]) -> bool {
    if inputs.is_empty() {
        return true;
    }
    let mut builder = GitignoreBuilder::new("");
    for pattern in inputs {
        // What is no pattern matches nothing; lint says so.
        let _ = builder.add_line(None, pattern);
    }
    builder
        .build()
        .is_ok_and(|patterns| paths.iter().any(|path| patterns.matched_path_or_any_parents(path, false).is_ignore()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::tree::ignored;

    #[test]
    fn inputs_are_patterns() {
        let paths = [PathBuf::from("store/tasks.py")];
        assert!(concerns(&[], &paths));
        assert!(concerns(&["store/**".into()], &paths));
        assert!(concerns(&["*.py".into()], &paths));
        assert!(!concerns(&["RETROSPECTIVE.md".into(), "shop/".into()], &paths));
    }

    #[tokio::test]
    async fn a_change_is_told_once_and_with_its_path() {
        for poll in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("a.txt"), "1").unwrap();
            let ignored = ignored(&["*.log".into()]);
            let before = Tree::read(folder.path(), &ignored).unwrap();
            let mut changes = Changes::of(folder.path(), poll).unwrap();
            std::fs::write(folder.path().join("x.log"), "no").unwrap();
            std::fs::write(folder.path().join("a.txt"), "2").unwrap();
            let (now, changed) = changes.next(folder.path(), &ignored, &before).await.unwrap();
            assert_eq!(changed, [PathBuf::from("a.txt")], "poll: {poll}");
            assert_eq!(now.0[Path::new("a.txt")].bytes, b"2");
        }
    }
}
