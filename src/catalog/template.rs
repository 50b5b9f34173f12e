//! Labs to begin with: small, whole, and right as they are.

use std::path::PathBuf;

use include_dir::{Dir, include_dir};

static TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The names of the templates.
pub fn names() -> Vec<&'static str> {
    TEMPLATES.dirs().filter_map(|folder| folder.path().file_name()?.to_str()).collect()
}

/// The files of a template, made into a lab of this id and month; `None` if there is none of that name.
pub fn files(name: &str, id: &str, month: u8) -> Option<Vec<(PathBuf, String)>> {
    let template = TEMPLATES.dirs().find(|folder| folder.path().file_name().is_some_and(|file| file == name))?;
    let mut files = Vec::new();
    collect(template, template, &mut |path, text| {
        files.push((path, text.replace("LAB_ID", id).replace("LAB_MONTH", &month.to_string())));
    });
    Some(files)
}

fn collect(root: &Dir<'_>, folder: &Dir<'_>, found: &mut dyn FnMut(PathBuf, String)) {
    for file in folder.files() {
        let path = file.path().strip_prefix(root.path()).unwrap_or(file.path());
        found(path.to_owned(), String::from_utf8_lossy(file.contents()).into_owned());
    }
    folder.dirs().for_each(|inner| collect(root, inner, found));
}
