//! Who may use whom, as a test.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::path::{Path, PathBuf};

/// A module and the modules that it may name, besides itself.
const ARROWS: &[(&str, &[&str])] = &[
    ("lab", &[]),
    ("event", &["lab"]),
    ("catalog", &["lab", "event"]),
    ("image", &["lab", "event"]),
    ("workspace", &["lab", "event"]),
    ("record", &["lab", "event"]),
    ("host", &[]),
    ("environment", &["lab", "event", "image"]),
    ("check", &["lab", "event"]),
    ("docker", &["lab", "environment", "check", "image"]),
    ("command", &["lab", "event", "catalog", "image", "workspace", "record", "host", "environment", "check", "docker"]),
    ("cli", &["lab", "event", "command", "host", "image"]),
    ("output", &["lab", "event", "record"]),
];

/// A library and the only place that may name it.
const HOMES: &[(&str, &str)] = &[
    ("bollard::", "src/docker/"),
    ("rusqlite::", "src/record/"),
    ("indicatif::", "src/output/terminal.rs"),
    ("clap::", "src/cli/"),
    ("std::env::vars", "src/cli/"),
    ("crossterm::", "src/output/screen.rs"),
    ("notify::", "src/workspace/changes.rs"),
    ("redis::Client", "src/check/probe/"),
    ("annotate_snippets::", "src/catalog/render.rs"),
    ("saphyr_parser::", "src/catalog/parse.rs"),
];

/// Longest file.
const LINES: usize = 450;

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

/// What is wrong with one file.
fn wrongs(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let module = path.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default();
    if let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) {
        for (other, _) in ARROWS.iter().filter(|(other, _)| *other != module && !allowed.contains(other)) {
            if text.contains(&format!("crate::{other}::")) || text.contains(&format!("crate::{other};")) {
                wrong.push(format!("{path}: `{module}` may not use `{other}`"));
            }
        }
    }
    for (library, home) in HOMES.iter().filter(|(library, home)| text.contains(library) && !path.starts_with(home)) {
        wrong.push(format!("{path}: `{library}` has its only home in {home}"));
    }
    if !text.starts_with("//!") {
        wrong.push(format!("{path}: a module opens with what it owns (`//!`)"));
    }
    if text.lines().count() > LINES {
        wrong.push(format!("{path}: more than {LINES} lines ask to be split"));
    }
    wrong
}

#[test]
fn the_house_is_as_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = sources(&root.join("src"));
    assert!(files.len() > 50, "only {} files were found", files.len());
    let wrong: Vec<String> = files
        .iter()
        .flat_map(|(path, text)| wrongs(&path.strip_prefix(root).unwrap().to_string_lossy(), text))
        .collect();
    assert_eq!(wrong, [] as [&str; 0]);
}

#[test]
fn the_test_can_fail() {
    let bad = "//! x\nuse crate::docker::DockerEngine;\nuse bollard::Docker;\n";
    let found = wrongs("src/check/run.rs", bad);
    assert_eq!(
        found,
        [
            "src/check/run.rs: `check` may not use `docker`",
            "src/check/run.rs: `bollard::` has its only home in src/docker/"
        ]
    );
    assert_eq!(wrongs("src/lab/id.rs", "use x;\n").len(), 1);
    assert_eq!(wrongs("src/lab/id.rs", &("//!\n".to_owned() + &"\n".repeat(LINES))).len(), 1);
}
