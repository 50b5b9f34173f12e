//! docs/security.md and docs/unbreakable.md claim nothing that no test shows.

use std::path::Path;

/// What a row names: a folder of this catalogue, or `file: function`.
fn is_there(root: &Path, reference: &str) -> bool {
    match reference.split_once(": ") {
        None => root.join(reference).join("expected").is_file(),
        Some((file, function)) => {
            std::fs::read_to_string(root.join(file)).is_ok_and(|text| text.contains(&format!("fn {function}(")))
        }
    }
}

/// Checks each row of a page's tables; returns how many there are.
fn rows_that_are_shown(page: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join(page)).unwrap();
    let rows: Vec<Vec<&str>> =
        text.lines().filter(|line| line.starts_with("| ")).skip(2).map(|line| line.split(" | ").collect()).collect();
    for row in &rows {
        let [attack, _, shown] = row.as_slice() else { panic!("{row:?}") };
        let references: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        assert!(!references.is_empty(), "{attack}: shown by nothing");
        for reference in references {
            assert!(is_there(root, reference), "{attack}: there is no `{reference}`");
        }
    }
    rows.len()
}

#[test]
fn every_attack_that_is_claimed_is_tried() {
    let rows = rows_that_are_shown("docs/security.md");
    assert!(rows >= 25, "only {rows} attacks");
}

#[test]
fn every_failure_that_is_claimed_is_tried() {
    let rows = rows_that_are_shown("docs/unbreakable.md");
    assert!(rows >= 15, "only {rows} failures");
}
