//! Where labs are, and which one is meant.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::diagnostic::{Findings, nearest};
use super::parse;

static LABS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/labs");

/// A lab as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    pub folder: PathBuf,
    pub id: String,
    pub slug: String,
    pub aliases: Vec<String>,
    pub title: String,
    pub month: i64,
    pub goals: Vec<Listed>,
}

/// Id, title and points of a goal.
pub type Listed = (String, String, i64);

/// The course root: the nearest ancestor of `here` that holds a course, else `home`/labrunner.
pub fn course_root(here: &Path, home: &Path) -> PathBuf {
    let is_course = |folder: &&Path| {
        folder.join(".labrunner").is_dir()
            || folder.join("labs/roadmap.yaml").is_file()
            || has_labs(&folder.join("labs"))
    };
    here.ancestors().find(is_course).map_or_else(|| home.join("labrunner"), Path::to_owned)
}

fn has_labs(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.path().join("lab.yaml").is_file())
}

/// The folder of labs in force: the given one, else the course's own, else the bundled ones.
///
/// # Errors
/// The bundled labs cannot be unpacked into `cache`.
pub fn labs_folder(given: Option<&Path>, root: &Path, cache: &Path) -> std::io::Result<PathBuf> {
    if let Some(given) = given {
        return given.canonicalize();
    }
    let own = root.join("labs");
    if has_labs(&own) {
        return own.canonicalize();
    }
    unpack(cache)?.canonicalize()
}

/// Unpacks the bundled labs under a name made of their digest, once. Several processes may do it at once.
fn unpack(cache: &Path) -> std::io::Result<PathBuf> {
    let mut hash = Sha256::new();
    digest(&LABS, &mut hash);
    let name = hex::encode(&hash.finalize()[..8]);
    let folder = cache.join(format!("labs-{name}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    std::fs::create_dir_all(cache)?;
    let temporary = tempfile::tempdir_in(cache)?;
    LABS.extract(temporary.path())?;
    match std::fs::rename(temporary.path(), &folder) {
        Ok(()) => drop(temporary.keep()),
        // Another process was faster; its copy is the same.
        Err(_) if folder.is_dir() => {}
        Err(error) => return Err(error),
    }
    Ok(folder)
}

fn digest(folder: &Dir<'_>, hash: &mut Sha256) {
    for file in folder.files() {
        hash.update(file.path().to_string_lossy().as_bytes());
        hash.update((file.contents().len() as u64).to_le_bytes());
        hash.update(file.contents());
    }
    folder.dirs().for_each(|inner| digest(inner, hash));
}

/// Every lab in a folder, by month; one that cannot be read at all has its folder's name.
pub fn outlines(labs: &Path) -> Vec<Outline> {
    let entries = std::fs::read_dir(labs).into_iter().flatten().flatten();
    let mut found: Vec<Outline> = entries.filter_map(|entry| outline(&entry.path())).collect();
    found.sort_by(|a, b| (a.month, &a.id).cmp(&(b.month, &b.id)));
    // A goal of another lab (`use: lab/goal`) is called there what it is called here.
    let known: Vec<(String, Vec<Listed>)> = found.iter().map(|one| (one.id.clone(), one.goals.clone())).collect();
    for goal in found.iter_mut().flat_map(|one| &mut one.goals) {
        let Some((lab, id)) = goal.0.split_once('/') else { continue };
        let goals = known.iter().find(|(name, _)| name == lab).map(|(_, goals)| goals);
        let there = goals.and_then(|goals| goals.iter().find(|one| one.0 == id));
        *goal = there.cloned().unwrap_or_else(|| (id.to_owned(), String::new(), 0));
    }
    found
}

fn outline(folder: &Path) -> Option<Outline> {
    let path = folder.join("lab.yaml");
    if !path.is_file() {
        return None;
    }
    let mut findings = Findings::new(&path);
    let Some((_, root)) = parse::read_file(&path, &mut findings) else {
        // It is there and broken: it keeps its place in lists, and whoever opens it is told what is wrong.
        let name = folder.file_name()?.to_string_lossy().into_owned();
        let title = "(cannot be read: see `labrunner lab lint`)".to_owned();
        let folder = folder.canonicalize().ok()?;
        return Some(Outline {
            folder,
            slug: name.clone(),
            id: name,
            aliases: Vec::new(),
            title,
            month: 0,
            goals: Vec::new(),
        });
    };
    let text = |key: &str| root.get(key).and_then(|node| node.scalar()).unwrap_or_default();
    let goals = root.get("goals").map(|goals| goals.items().to_vec()).unwrap_or_default();
    Some(Outline {
        id: text("id"),
        slug: text("slug"),
        aliases: root
            .get("aliases")
            .map(|list| list.items().iter().filter_map(|item| item.scalar()).collect())
            .unwrap_or_default(),
        title: text("title"),
        month: text("month").parse().unwrap_or(0),
        goals: goals
            .iter()
            .map(|goal| {
                let part = |key: &str| goal.get(key).and_then(|node| node.scalar()).unwrap_or_default();
                let id = Some(part("id")).filter(|id| !id.is_empty()).unwrap_or_else(|| part("use"));
                (id, part("title"), part("points").parse().unwrap_or(0))
            })
            .collect(),
        folder: folder.canonicalize().ok()?,
    })
}

/// The lab that a name means: its id, month, slug or an alias.
///
/// # Errors
/// There is none; the nearest name, if any.
pub fn find<'o>(outlines: &'o [Outline], name: &str) -> Result<&'o Outline, Option<String>> {
    let fits = |outline: &&Outline| {
        outline.id == name
            || outline.slug == name
            || outline.month.to_string() == name
            || outline.aliases.iter().any(|alias| alias == name)
    };
    outlines.iter().find(fits).ok_or_else(|| {
        let names = outlines.iter().flat_map(|outline| [outline.id.as_str(), outline.slug.as_str()]);
        nearest(name, names).map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_labs_unpack_once_and_are_found_by_every_name() {
        let cache = tempfile::tempdir().unwrap();
        let labs = labs_folder(None, Path::new("/nonexistent"), cache.path()).unwrap();
        assert_eq!(labs, labs_folder(None, Path::new("/nonexistent"), cache.path()).unwrap());
        let outlines = outlines(&labs);
        for name in ["month-3", "3", "celery-redis"] {
            assert_eq!(find(&outlines, name).unwrap().id, "month-3", "{name}");
        }
        assert_eq!(find(&outlines, "celery-reddis"), Err(Some("celery-redis".into())));
    }
}
