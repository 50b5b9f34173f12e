//! What a database makes of an empty folder is kept, and given to the next one.

use crate::support::{LabEnv, Said, docker, recipe, said};

/// What initdb writes first.
const INITIALISES: &str = "The files belonging to this database system";
const NAMED: &str = "\"data:/var/lib/postgresql/data\", ";

/// A database whose data is in a volume of the lab's (`named`), or in one that the engine would make for its image.
fn database(named: bool) -> LabEnv {
    let lab = LabEnv::of("database", if named { "first" } else { "unnamed" });
    let file = lab.own_labs(&["month-12-database"]).join("month-12-database/lab.yaml");
    if !named {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(NAMED));
        std::fs::write(&file, text.replace(NAMED, "").replace("volumes: { data: {} }\n", "")).unwrap();
    }
    lab
}

fn run(lab: &LabEnv, words: &[&str]) -> Said {
    said(lab.command(words).env("LABRUNNER_LABS", lab.folder().join("labs")).output().unwrap())
}

fn works(lab: &LabEnv, words: &[&str]) -> Said {
    let done = run(lab, words);
    assert_eq!(done.code, 0, "{words:?}: {done:?}");
    done
}

fn initialised(lab: &LabEnv) -> bool {
    let log = docker(&["logs", &lab.container("db")]);
    (log.out + &log.err).contains(INITIALISES)
}

/// Volumes of this labrunner that hold first data, or say that one does.
fn kept(lab: &LabEnv) -> Vec<String> {
    let state = lab.folder().join("state");
    let owner = format!("label=dev.labrunner.owner={}", state.display());
    let found = docker(&["volume", "ls", "-q", "--filter", "label=dev.labrunner.first-data", "--filter", &owner]);
    found.out.lines().map(str::to_owned).collect()
}

fn add_an_order(lab: &LabEnv) {
    let order = ["psql", "-U", "shop", "-d", "orders", "-c", "INSERT INTO orders VALUES (2)"];
    assert_eq!(docker(&[&["exec", &lab.container("db")], &order[..]].concat()).code, 0);
    assert_eq!(run(lab, &["verify", "database"]).code, 1);
}

fn kept_and_given(lab: &LabEnv) {
    recipe(lab, "postgres:17");
    let started = works(lab, &["start", "database"]);
    assert!(started.err.contains("keeping what `db` makes of an empty folder") && initialised(lab), "{started:?}");
    assert_eq!(kept(lab).len(), 2, "the data, and what says that it is whole");

    // What is done to it meanwhile is nobody's first data.
    add_an_order(lab);
    for words in [&["reset", "database"][..], &["down", "database"]] {
        works(lab, words);
        let started = works(lab, &["start", "database"]);
        assert!(!started.err.contains("keeping") && !initialised(lab), "after {words:?}: {started:?}");
        works(lab, &["verify", "database"]);
        add_an_order(lab);
    }

    // What a database lies over cannot be taken away from under it, and it keeps what it has written.
    works(lab, &["stop", "database"]);
    for volume in kept(lab) {
        let _ = docker(&["volume", "rm", &volume]);
    }
    assert_eq!(kept(lab).len(), 1, "the data stays, because a container holds it");
    works(lab, &["start", "database"]);
    assert_eq!(run(lab, &["verify", "database"]).code, 1, "the order of before is there");

    // Without its mark it is nobody's, and a mark alone is worth nothing: it is made anew, and what is left of the old goes.
    for round in ["a mark", "the data"] {
        works(lab, &["down", "database"]);
        let started = works(lab, &["start", "database"]);
        assert!(started.err.contains("keeping what `db` makes") && initialised(lab), "without {round}: {started:?}");
        assert_eq!(kept(lab).len(), 2);
        works(lab, &["down", "database"]);
        let longest = kept(lab).into_iter().max_by_key(String::len).unwrap();
        assert_eq!(docker(&["volume", "rm", &longest]).code, 0);
    }
    assert_eq!(lab.left(), Vec::<String>::new());
    works(lab, &["down", "--all"]);
    assert_eq!(kept(lab), Vec::<String>::new());
}

#[test]
fn a_database_is_initialised_once_and_is_new_each_time() {
    kept_and_given(&database(true));
}

#[test]
fn so_is_one_whose_volume_has_no_name() {
    kept_and_given(&database(false));
}

#[test]
fn one_that_is_reset_alone_is_new() {
    let lab = database(false);
    recipe(&lab, "postgres:17");
    works(&lab, &["start", "database"]);
    works(&lab, &["reset", "database", "db"]);
    assert!(!initialised(&lab));
    add_an_order(&lab);
    works(&lab, &["reset", "database", "db"]);
    assert!(!initialised(&lab));
    works(&lab, &["verify", "database"]);
    works(&lab, &["down", "database"]);
    assert_eq!(lab.left(), Vec::<String>::new());
}
