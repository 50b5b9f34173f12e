//! Changes of files, applied to a tree.

use std::path::Path;

use super::WorkspaceError;
use super::tree::{Content, Tree, ignored};
use crate::lab::change::{Changes, Edit, Editing};

/// Applies `changes`, whose own files lie in the lab's `folder`.
///
/// # Errors
/// [`WorkspaceError::Variant`] when the tree is not what an edit expects, [`WorkspaceError::File`] when a file of the
/// lab cannot be read.
pub fn apply(tree: &mut Tree, changes: &Changes, folder: &Path) -> Result<(), WorkspaceError> {
    if let Some(overlay) = &changes.overlay {
        tree.overlay(Tree::read(&folder.join(overlay), &ignored(&[]))?);
    }
    for one in &changes.edits {
        edit(tree, one, folder)?;
    }
    if !changes.remove.is_empty() {
        let patterns = super::tree::patterns(&changes.remove);
        tree.0.retain(|path, _| !patterns.matched_path_or_any_parents(path, false).is_ignore());
    }
    Ok(())
}

fn edit(tree: &mut Tree, edit: &Edit, folder: &Path) -> Result<(), WorkspaceError> {
    let name = edit.file.display();
    let old = tree.0.get(&edit.file);
    let text = || {
        let content =
            old.ok_or_else(|| WorkspaceError::Variant(format!("an edit names `{name}`, which does not exist")))?;
        Ok::<_, WorkspaceError>(String::from_utf8_lossy(&content.bytes).into_owned())
    };
    let bytes = match &edit.how {
        Editing::Replace { find, replace } => {
            let text = text()?;
            let count = text.matches(find.as_str()).count();
            if count != 1 {
                let message = format!("an edit of `{name}` finds `{find}` {count} times; it has to be once");
                return Err(WorkspaceError::Variant(message));
            }
            text.replacen(find.as_str(), replace, 1).into_bytes()
        }
        Editing::Append(more) => (text()? + more).into_bytes(),
        Editing::Write(text) => text.clone().into_bytes(),
        Editing::CopyOwn(path) => match tree.0.get(path) {
            Some(content) => content.bytes.clone(),
            None => {
                let message = format!("there is no `{}` that could be copied to `{name}`", path.display());
                return Err(WorkspaceError::Variant(message));
            }
        },
        Editing::Copy(path) => {
            let path = folder.join(path);
            std::fs::read(&path).map_err(WorkspaceError::file("read", &path))?
        }
    };
    let executable = old.is_some_and(|content| content.executable);
    tree.0.insert(edit.file.clone(), Content { bytes, executable });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn tree() -> Tree {
        let content = |text: &str| Content { bytes: text.as_bytes().to_vec(), executable: true };
        Tree([("a.py", "x = 1\n"), ("b/c.py", "y = 1\n")].map(|(path, text)| (path.into(), content(text))).into())
    }

    fn changed(how: Editing, remove: &[&str]) -> Result<Tree, String> {
        let mut tree = tree();
        let remove = remove.iter().map(|one| (*one).to_owned()).collect();
        let changes = Changes { overlay: None, edits: vec![Edit { file: "a.py".into(), how }], remove };
        apply(&mut tree, &changes, Path::new("/nowhere")).map_err(|error| error.to_string()).map(|()| tree)
    }

    #[test]
    fn what_is_found_once_is_replaced_and_keeps_its_mode() {
        let replace = |find: &str| Editing::Replace { find: find.into(), replace: "2".into() };
        let done = changed(replace("1"), &["b"]).unwrap();
        assert_eq!(done.0[&PathBuf::from("a.py")], Content { bytes: b"x = 2\n".to_vec(), executable: true });
        assert_eq!(done.0.len(), 1, "the folder b was to go");
        assert!(changed(replace("z"), &[]).unwrap_err().contains("0 times"));
        let own = changed(Editing::CopyOwn("b/c.py".into()), &[]).unwrap();
        assert_eq!(own.0[&PathBuf::from("a.py")].bytes, b"y = 1\n");
        assert!(changed(Editing::CopyOwn("gone".into()), &[]).unwrap_err().contains("no `gone`"));
        assert!(changed(Editing::Copy("gone".into()), &[]).unwrap_err().contains("cannot read"));
    }
}
