//! The reference solution for any set of goals, and the variants that prove a lab.
//!
//! In the files of `solution/`, lines between `goal: id` and `end` (in a comment of the file's language)
//! belong to that goal; behind `without` stands, commented out, what is there without it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::WorkspaceError;
use super::change::apply;
use super::tree::{Content, Tree, ignored};
use crate::lab::GoalId;
use crate::lab::change::{Changes, Edit, Editing};

/// `solution/solution.yaml` and the variants of a lab.
#[derive(Debug, Clone, Default)]
pub struct Solution {
    folder: PathBuf,
    starter: Tree,
    overlay: Tree,
    map: Map,
    pub near_misses: Vec<NearMiss>,
    pub also_right: Vec<AlsoRight>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Map {
    /// Whole files that belong to a goal.
    owns: BTreeMap<String, Vec<PathBuf>>,
    /// Files of the starter that a goal's solution deletes.
    remove: BTreeMap<String, Vec<PathBuf>>,
}

/// A plausible wrong solution.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NearMiss {
    pub name: String,
    pub about: String,
    #[serde(default, deserialize_with = "edits")]
    edits: Vec<Edit>,
    /// Files to take away: patterns as in a `.gitignore`.
    #[serde(default)]
    remove: Vec<String>,
    /// Goals that have to fail, with words of their message.
    pub fails: BTreeMap<String, String>,
}

/// A correct solution built differently.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlsoRight {
    pub name: String,
    pub about: String,
    #[serde(default, deserialize_with = "edits")]
    edits: Vec<Edit>,
    overlay: Option<PathBuf>,
    /// Files to take away: patterns as in a `.gitignore`.
    #[serde(default)]
    remove: Vec<String>,
}

impl NearMiss {
    /// What makes it of the whole solution.
    pub fn changes(&self) -> Changes {
        Changes { overlay: None, edits: self.edits.clone(), remove: self.remove.clone() }
    }
}

impl AlsoRight {
    /// What makes it of the whole solution.
    pub fn changes(&self) -> Changes {
        Changes { overlay: self.overlay.clone(), edits: self.edits.clone(), remove: self.remove.clone() }
    }
}

/// An edit as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEdit {
    file: PathBuf,
    find: Option<String>,
    replace: Option<String>,
    append: Option<String>,
    write: Option<String>,
    copy: Option<PathBuf>,
}

fn edits<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Vec<Edit>, D::Error> {
    let read = |one: WrittenEdit| {
        let how = Editing::from_keys(one.find, one.replace, one.append, one.write, one.copy);
        let how = how.map_err(|why| serde::de::Error::custom(format!("`{}`: {why}", one.file.display())))?;
        Ok(Edit { file: one.file, how })
    };
    Vec::<WrittenEdit>::deserialize(reader)?.into_iter().map(read).collect()
}

impl Solution {
    /// Reads the solution and the variants of the lab in `folder`, on top of its starter folders.
    ///
    /// # Errors
    /// A file cannot be read or understood.
    pub fn read(folder: &Path, starter: &[PathBuf]) -> Result<Self, WorkspaceError> {
        let mut base = Tree::default();
        for layer in starter {
            base.overlay(Tree::read(layer, &ignored(&[]))?);
        }
        let overlay = match folder.join("solution") {
            path if path.is_dir() => Tree::read(&path, &ignored(&[]))?,
            _ => Tree::default(),
        };
        Ok(Self {
            folder: folder.to_owned(),
            starter: base,
            overlay,
            map: yaml(&folder.join("solution.yaml"))?.unwrap_or_default(),
            near_misses: yaml(&folder.join("near-misses.yaml"))?.unwrap_or_default(),
            also_right: yaml(&folder.join("also-right.yaml"))?.unwrap_or_default(),
        })
    }

    /// The starter's files.
    pub fn starter(&self) -> &Tree {
        &self.starter
    }

    /// The files of a workspace in which exactly these goals are solved.
    ///
    /// # Errors
    /// A marker is broken or names an unknown goal.
    pub fn render(&self, goals: &[GoalId], solved: &BTreeSet<GoalId>) -> Result<Tree, WorkspaceError> {
        let has = |goal: &str| solved.iter().any(|one| one.as_str() == goal);
        let owner = |path: &Path| {
            self.map.owns.iter().find(|(_, files)| files.iter().any(|file| file == path)).map(|(goal, _)| goal)
        };
        let mut tree = self.starter.clone();
        for (goal, files) in self.map.remove.iter().filter(|(goal, _)| has(goal)) {
            for file in files {
                if tree.0.remove(file).is_none() {
                    return Err(WorkspaceError::Variant(format!(
                        "solution.yaml: `{goal}` removes {}, which the starter does not have",
                        file.display()
                    )));
                }
            }
        }
        for (path, content) in &self.overlay.0 {
            if owner(path).is_some_and(|goal| !has(goal)) {
                continue;
            }
            let content = match std::str::from_utf8(&content.bytes) {
                Ok(text) => {
                    let file = self.folder.join("solution").join(path);
                    Content { bytes: marked(text, &file, goals, &has)?.into_bytes(), ..content.clone() }
                }
                Err(_) => content.clone(),
            };
            tree.0.insert(path.clone(), content);
        }
        Ok(tree)
    }

    /// A near miss or another right solution: the whole solution, changed.
    ///
    /// # Errors
    /// An edit does not fit.
    pub fn changed(&self, whole: &Tree, changes: &Changes) -> Result<Tree, WorkspaceError> {
        let mut tree = whole.clone();
        apply(&mut tree, changes, &self.folder)?;
        Ok(tree)
    }
}

fn yaml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, WorkspaceError> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(WorkspaceError::file("read", path))?,
    };
    serde_yaml::from_str(&text).map(Some).map_err(|error| WorkspaceError::Marker {
        path: path.to_owned(),
        line: error.location().map_or(1, |place| place.line()),
        message: error.to_string(),
    })
}

/// A line that begins or ends what belongs to a goal. Made once: a lab is rendered for each of its variants, file by
/// file, and to make it takes longer than to use it.
static MARKER: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| {
    Regex::new(
        r"^\s*(?:#|//|--|<!--|\{#)\s*(?:goal:\s*(?<goal>[\w-]+)|(?<without>without)|(?<end>end))\s*(?:-->|#\})?\s*$",
    )
});

/// The lines of a marked file that stand when `has` says which goals are solved.
fn marked(text: &str, path: &Path, goals: &[GoalId], has: &dyn Fn(&str) -> bool) -> Result<String, WorkspaceError> {
    let wrong = |line: usize, message: String| WorkspaceError::Marker { path: path.to_owned(), line, message };
    let pattern = MARKER.as_ref().map_err(|error| wrong(0, error.to_string()))?;
    let mut open: Vec<(String, bool)> = Vec::new();
    let mut out = String::new();
    for (number, line) in text.lines().enumerate() {
        let Some(marker) = pattern.captures(line) else {
            let stands = open.iter().all(|(goal, without)| has(goal) != *without);
            if stands {
                let commented = open.last().is_some_and(|(_, without)| *without);
                out.push_str(&if commented { uncomment(line) } else { line.to_owned() });
                out.push('\n');
            }
            continue;
        };
        if let Some(goal) = marker.name("goal") {
            if !goals.iter().any(|one| one.as_str() == goal.as_str()) {
                return Err(wrong(number + 1, format!("there is no goal `{}`", goal.as_str())));
            }
            open.push((goal.as_str().to_owned(), false));
        } else if marker.name("without").is_some() {
            open.last_mut().ok_or_else(|| wrong(number + 1, "`without` stands outside of a goal".into()))?.1 = true;
        } else {
            open.pop().ok_or_else(|| wrong(number + 1, "`end` without a goal".into()))?;
        }
    }
    match open.pop() {
        Some((goal, _)) => Err(wrong(text.lines().count(), format!("the lines of `{goal}` have no `end`"))),
        None => Ok(out),
    }
}

/// Takes `#- ` (or the same with another comment sign) off a line.
fn uncomment(line: &str) -> String {
    for sign in ["#- ", "//- ", "--- "] {
        if let Some(position) = line.find(sign).filter(|position| line[..*position].trim().is_empty()) {
            return format!("{}{}", &line[..position], &line[position + sign.len()..]);
        }
    }
    if line.trim() == "#-" { String::new() } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str, solved: &[&str]) -> Result<String, String> {
        let goals: Vec<GoalId> = ["a", "b"].iter().map(|id| GoalId::new(id).unwrap()).collect();
        marked(text, Path::new("x.py"), &goals, &|goal| solved.contains(&goal)).map_err(|error| error.to_string())
    }

    const TEXT: &str = "one\n# goal: a\ntwo\n    # goal: b\nthree\n    # end\n# without\n#- zwei\n# end\nfour\n";

    #[test]
    fn lines_stand_with_their_goals() {
        assert_eq!(render(TEXT, &["a", "b"]).unwrap(), "one\ntwo\nthree\nfour\n");
        assert_eq!(render(TEXT, &["a"]).unwrap(), "one\ntwo\nfour\n");
        assert_eq!(render(TEXT, &["b"]).unwrap(), "one\nzwei\nfour\n");
    }

    #[test]
    fn broken_markers_are_found_with_their_line() {
        assert_eq!(render("# goal: a\nx\n", &[]).unwrap_err(), "x.py:2: the lines of `a` have no `end`");
        assert_eq!(render("x\n# goal: c\n# end\n", &[]).unwrap_err(), "x.py:2: there is no goal `c`");
        assert_eq!(render("# end\n", &[]).unwrap_err(), "x.py:1: `end` without a goal");
    }
}
