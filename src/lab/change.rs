//! Changes of a workspace: what variants, `stacks` and `change` steps do to its files.

use std::path::PathBuf;

/// What is done to the files of a workspace, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// A folder of the lab whose files are laid over the workspace.
    pub overlay: Option<PathBuf>,
    pub edits: Vec<Edit>,
    /// Files to take away: patterns as in a `.gitignore`.
    pub remove: Vec<String>,
}

/// A change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Relative to the workspace.
    pub file: PathBuf,
    pub how: Editing,
}

/// The four ways to change a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Editing {
    /// `find` has to be there exactly once.
    Replace {
        find: String,
        replace: String,
    },
    Append(String),
    Write(String),
    /// A file of the lab takes its place.
    Copy(PathBuf),
    /// Another file of the workspace takes its place.
    CopyOwn(PathBuf),
}

impl Editing {
    /// One of the ways, from the keys that an edit has.
    ///
    /// # Errors
    /// None of them, or more than one, in words.
    pub fn from_keys(
        find: Option<String>,
        replace: Option<String>,
        append: Option<String>,
        write: Option<String>,
        copy: Option<PathBuf>,
    ) -> Result<Self, &'static str> {
        match (find, replace, append, write, copy) {
            (Some(find), Some(replace), None, None, None) if !find.is_empty() => Ok(Self::Replace { find, replace }),
            (None, None, Some(text), None, None) => Ok(Self::Append(text)),
            (None, None, None, Some(text), None) => Ok(Self::Write(text)),
            (None, None, None, None, Some(path)) => Ok(match path.strip_prefix("${WORKSPACE}") {
                Ok(own) => Self::CopyOwn(own.to_owned()),
                Err(_) => Self::Copy(path),
            }),
            _ => Err("an edit needs `find` and `replace`, or one of `append`, `write` and `copy`"),
        }
    }
}
