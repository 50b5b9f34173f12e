//! What a database makes of an empty folder is kept, and given to the next one.

use crate::support::{LabEnv, Said, docker, recipe, said};

/// What initdb writes first.
const INITIALISES: &str = "The files belonging to this database system";

fn run(lab: &LabEnv, words: &[&str]) -> Said {
    said(lab.command(words).env("LABRUNNER_CACHE_DIR", lab.folder().join("cache")).output().unwrap())
}

fn initialised(lab: &LabEnv) -> bool {
    let log = docker(&["logs", &lab.container("db")]);
    (log.out + &log.err).contains(INITIALISES)
}

#[test]
fn a_database_is_initialised_once_and_is_new_each_time() {
    let lab = LabEnv::of("database", "first");
    recipe(&lab, "postgres:17");
    let started = run(&lab, &["start", "database"]);
    assert_eq!(started.code, 0, "{started:?}");
    assert!(started.err.contains("keeping what `db` makes of an empty folder") && initialised(&lab), "{started:?}");
    let kept: Vec<_> = std::fs::read_dir(lab.folder().join("cache/first-data")).unwrap().flatten().collect();
    assert_eq!(kept.len(), 1);
    let archive = kept[0].path();

    // What is done to it meanwhile is nobody's first data.
    let order =
        ["exec", &lab.container("db"), "psql", "-U", "shop", "-d", "orders", "-c", "INSERT INTO orders VALUES (2)"];
    assert_eq!(docker(&order).code, 0);
    assert_eq!(run(&lab, &["verify", "database"]).code, 1);
    for words in [&["reset", "database"][..], &["down", "database"]] {
        assert_eq!(run(&lab, words).code, 0);
        let started = run(&lab, &["start", "database"]);
        assert_eq!(started.code, 0, "{started:?}");
        assert!(!started.err.contains("keeping") && !initialised(&lab), "after {words:?}: {started:?}");
        let judged = run(&lab, &["verify", "database"]);
        assert_eq!(judged.code, 0, "after {words:?}: {judged:?}");
    }

    // An archive that cannot be used costs one start.
    assert_eq!(run(&lab, &["down", "database"]).code, 0);
    std::fs::write(&archive, "no archive").unwrap();
    let failed = run(&lab, &["start", "database"]);
    assert_eq!(failed.code, 3, "{failed:?}");
    let started = run(&lab, &["start", "database"]);
    assert_eq!(started.code, 0, "{started:?}");
    assert!(initialised(&lab) && archive.exists(), "{started:?}");
    assert_eq!(run(&lab, &["verify", "database"]).code, 0);
    assert_eq!((run(&lab, &["down", "database"]).code, lab.left()), (0, vec![]));
}
