//! Every mistake that an author can make, with the whole of what is said about it.
//!
//! A folder is one mistake (with a file `structural`, if the schema refuses it too): `change` says what of the good lab is replaced (a line `- old` and a line
//! `+ new`, any number of times; `|` in a line stands for a line break), `expected` is the output.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod measures;
mod roadmap;
mod schema;
mod security;

use std::path::{Path, PathBuf};
use std::process::Command;

const GOOD: &str = include_str!("good.yaml");

fn lint(folder: &Path) -> (i32, String) {
    lint_as(folder, "human")
}

fn lint_as(folder: &Path, format: &str) -> (i32, String) {
    let state = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_labrunner"))
        .args(["lab", "lint", "--format", format])
        .current_dir(folder)
        .env("LABRUNNER_STATE_DIR", state.path())
        .env("LABRUNNER_CACHE_DIR", state.path())
        .env("LABRUNNER_LABS", folder.join("labs"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

/// Lays out a lab that is good but for `yaml`.
fn lay_out(folder: &Path, yaml: &[u8]) {
    let lab = folder.join("labs/lab");
    std::fs::create_dir_all(lab.join("tasks")).unwrap();
    std::fs::create_dir_all(lab.join("starter")).unwrap();
    std::fs::write(lab.join("README.md"), "A lab.\n").unwrap();
    std::fs::write(lab.join("starter/a.txt"), "a\n").unwrap();
    for goal in ["one", "two"] {
        std::fs::write(lab.join(format!("tasks/{goal}.md")), "Do it.\n").unwrap();
    }
    let solved = "a\n# goal: one\none\n# end\n# goal: two\ntwo\n# end\n";
    std::fs::create_dir_all(lab.join("solution")).unwrap();
    std::fs::write(lab.join("solution/a.txt"), solved).unwrap();
    std::fs::write(lab.join("lab.yaml"), yaml).unwrap();
}

fn changed(change: &str) -> String {
    let mut yaml = GOOD.to_owned();
    let mut old: Option<String> = None;
    for line in change.lines() {
        if let Some(text) = line.strip_prefix("- ") {
            old = Some(text.replace('|', "\n"));
        } else if let Some(text) = line.strip_prefix('+') {
            let old = old.take().expect("a `+` follows a `-`");
            assert_eq!(yaml.matches(&old).count(), 1, "`{old}` has to be in the good lab once");
            yaml = yaml.replacen(&old, &text.strip_prefix(' ').unwrap_or(text).replace('|', "\n"), 1);
        }
    }
    yaml
}

/// The folders of the catalogue.
fn cases() -> Vec<PathBuf> {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/definitions");
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(catalogue).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}

#[test]
fn the_good_lab_is_good() {
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), GOOD.as_bytes());
    assert_eq!(lint(folder.path()), (0, "1 labs read: 0 errors, 0 warnings\n".to_owned()));
    let with_mark = [b"\xef\xbb\xbf", GOOD.replace('\n', "\r\n").as_bytes()].concat();
    lay_out(folder.path(), &with_mark);
    assert_eq!(lint(folder.path()).0, 0, "a byte order mark and Windows line ends are allowed");
}

#[test]
fn a_setting_without_a_value_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let setting = "app: { about: \"the app\", default: shop }\n  address: { about: \"where it runs\", optional: true }";
    let text = GOOD.replacen("app: { about: \"the app\", default: shop }", setting, 1).replacen(
        "command: [GET, \"${body}\"]",
        "command: [GET, \"${body}\", \"${settings.address}\"]",
        1,
    );
    lay_out(folder.path(), text.as_bytes());
    assert_eq!(lint(folder.path()), (0, "1 labs read: 0 errors, 0 warnings\n".to_owned()));
}

#[test]
fn every_mistake_is_said_as_expected() {
    let cases = cases();
    assert!(cases.len() >= 30, "only {} mistakes", cases.len());
    let mut differing = Vec::new();
    for case in cases {
        let change = std::fs::read_to_string(case.join("change")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        lay_out(folder.path(), changed(&change).as_bytes());
        let (code, text) = lint(folder.path());
        let text = format!("exit {code}\n{text}");
        let expected = case.join("expected");
        if std::fs::read_to_string(&expected).unwrap_or_default() != text {
            std::fs::write(case.join("expected.new"), &text).unwrap();
            differing.push(format!("{}:\n{text}", case.display()));
        }
    }
    assert!(differing.is_empty(), "what was said stands in `expected.new`:\n{}", differing.join("\n"));
}

#[test]
fn programs_are_told_the_same_places_as_people() {
    let mut seen = 0;
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        lay_out(folder.path(), changed(&std::fs::read_to_string(case.join("change")).unwrap()).as_bytes());
        let text = std::fs::read_to_string(case.join("expected")).unwrap();
        let arrows = text.lines().filter_map(|line| line.trim().strip_prefix("--> "));
        let for_people: Vec<String> = arrows.map(str::to_owned).collect();
        let (_, json) = lint_as(folder.path(), "json");
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let mut rows: Vec<_> = json["findings"].as_array().unwrap().iter().filter(|row| row["line"].is_u64()).collect();
        rows.sort_by_key(|row| (row["line"].as_u64(), row["column"].as_u64()));
        let place =
            |row: &&serde_json::Value| format!("{}:{}:{}", row["file"].as_str().unwrap(), row["line"], row["column"]);
        let for_programs: Vec<String> = rows.iter().map(place).collect();
        assert_eq!(for_programs, for_people, "{}", case.display());
        let (_, sarif) = lint_as(folder.path(), "sarif");
        let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        assert_eq!(results.len(), json["findings"].as_array().unwrap().len());
        seen += for_people.len();
    }
    assert!(seen >= 40, "only {seen} places");
}

#[test]
fn misspelt_words_are_mended_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = GOOD
        .replace("title: A small", "titel: A small")
        .replace("ports: [", "portz: [")
        .replace("within: 5s", "wihtin: 5s")
        .replace("- file: {", "- fil: {");
    lay_out(folder.path(), wrong.as_bytes());
    assert_eq!(lint(folder.path()).0, 2);
    let state = tempfile::tempdir().unwrap();
    let mended = Command::new(env!("CARGO_BIN_EXE_labrunner"))
        .args(["lab", "lint", "--fix"])
        .current_dir(folder.path())
        .env("LABRUNNER_STATE_DIR", state.path())
        .env("LABRUNNER_LABS", folder.path().join("labs"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&mended.stderr).into_owned();
    assert!(mended.status.success(), "{mended:?}");
    assert!(said.contains("`titel` is `title` now"), "{said}");
    assert_eq!(std::fs::read_to_string(folder.path().join("labs/lab/lab.yaml")).unwrap(), GOOD);
}

#[test]
fn a_link_out_of_the_lab_is_a_path_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let mounted =
        GOOD.replace("    image: \"redis:8\"", "    image: \"redis:8\"\n    volumes: [\"${LAB}/harmless:/x\"]");
    lay_out(folder.path(), mounted.as_bytes());
    std::os::unix::fs::symlink("/etc", folder.path().join("labs/lab/harmless")).unwrap();
    let (code, text) = lint(folder.path());
    assert_eq!(code, 2);
    assert!(text.contains("`/etc` of this machine is mounted"), "{text}");
}

#[test]
fn files_that_are_no_yaml_at_all_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), b"format: 1\nid: \xff\xfe\n");
    let (code, text) = lint(folder.path());
    assert_eq!(code, 2);
    assert!(text.contains("line 2 is not UTF-8"), "{text}");
    lay_out(folder.path(), &vec![b'#'; 10 << 20]);
    let (code, text) = lint(folder.path());
    assert_eq!(code, 2);
    assert!(text.contains("the file has 10485760 bytes; at most 1048576 are read"), "{text}");
    let quadratic = format!("a: &a [{}]\nb: [{}]\n", "x, ".repeat(5_000), "*a, ".repeat(5_000));
    lay_out(folder.path(), quadratic.as_bytes());
    let (code, text) = lint(folder.path());
    assert_eq!(code, 2);
    assert!(text.contains("more than 20000 values"), "{text}");
}

#[test]
fn what_a_solution_changes_belongs_to_a_goal() {
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), GOOD.as_bytes());
    std::fs::write(folder.path().join("labs/lab/solution/b.txt"), "for nobody\n").unwrap();
    let (code, text) = lint(folder.path());
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("`solution/b.txt` changes the starter where no goal asks for it"), "{text}");
}

#[test]
fn a_goal_of_another_lab_is_judged_in_this_one() {
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), GOOD.as_bytes());
    let review = folder.path().join("labs/review");
    for part in ["tasks", "starter", "solution"] {
        std::fs::create_dir_all(review.join(part)).unwrap();
    }
    std::fs::write(review.join("README.md"), "A review.\n").unwrap();
    std::fs::write(review.join("starter/a.txt"), "a\n").unwrap();
    std::fs::write(review.join("solution/a.txt"), "a\n# goal: one\none\n# end\n").unwrap();
    let begin = GOOD.split("goals:").next().unwrap();
    let begin =
        begin.replace("id: lab", "id: review").replace("slug: small", "slug: again").replace("month: 3", "month: 12");
    let write = |goals: &str| std::fs::write(review.join("lab.yaml"), format!("{begin}goals:\n{goals}")).unwrap();
    write("  - use: lab/one\n");
    let (code, text) = lint(folder.path());
    assert_eq!((code, text.as_str()), (0, "2 labs read: 0 errors, 0 warnings\n"));
    let shown = Command::new(env!("CARGO_BIN_EXE_labrunner"))
        .args(["show", "review", "one"])
        .current_dir(folder.path())
        .env("LABRUNNER_STATE_DIR", folder.path().join("state"))
        .env("LABRUNNER_LABS", folder.path().join("labs"))
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&shown.stdout).contains("Do it."), "{shown:?}");
    write("  - use: lab/two\n");
    let (code, text) = lint(folder.path());
    assert_eq!(code, 2);
    assert!(text.contains("there is no goal `one`"), "what it requires is not here: {text}");
    write("  - use: lab/tow\n");
    assert!(lint(folder.path()).1.contains("did you mean `lab/two`?"));
}
