//! What an older labrunner has left is taken up.

use crate::kills::recovers;
use crate::support::{LabEnv, docker};

/// Labels of version 0.1, from before there were owners.
fn labels(lab: &LabEnv) -> Vec<String> {
    let instance = lab.project().trim_start_matches("labrunner-page-").to_owned();
    let labels = [
        ("dev.labrunner.lab", "page"),
        ("dev.labrunner.instance", &instance),
        ("com.docker.compose.project", &lab.project()),
    ];
    labels.iter().flat_map(|(name, value)| ["--label".to_owned(), format!("{name}={value}")]).collect()
}

fn make(lab: &LabEnv, before: &[&str], after: &[&str]) {
    let labels = labels(lab);
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let made = docker(&[before, &labels, after].concat());
    assert_eq!(made.code, 0, "{made:?}");
}

#[test]
fn an_environment_of_an_older_version_is_taken_over() {
    let lab = LabEnv::new("older");
    // Its images are there.
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    let image = docker(&["inspect", "-f", "{{.Config.Image}}", &lab.container("redis")]).out;
    assert_eq!(lab.run(&["down", "page"]).code, 0);

    let (network, volume) = (format!("{}_default", lab.project()), format!("{}_redis", lab.project()));
    make(&lab, &["network", "create", "--label", "dev.labrunner.name=default"], &[&network]);
    make(&lab, &["volume", "create", "--label", "dev.labrunner.name=redis"], &[&volume]);
    let container = lab.container("redis");
    let run = [
        &["run", "-d", "--name", &container, "--network", &network, "--label", "dev.labrunner.service=redis"][..],
        &["--label", "dev.labrunner.replica=1", "--label", "dev.labrunner.spec=0:older"],
        &["--label", "dev.labrunner.generation=3"],
    ];
    make(&lab, &run.concat(), &[image.trim()]);
    // Notes in which the newer facts are missing.
    let notes = lab.lock_file().with_file_name("notes.json");
    std::fs::write(notes, r#"{"generation": 3, "ready": ["gone"]}"#).unwrap();

    let planned = lab.run(&["start", "page", "--dry-run"]);
    assert!(planned.out.contains("its definition changed"), "{planned:?}");
    recovers(&lab, "an older version");
    let judged = lab.run(&["verify", "page"]);
    assert_eq!(judged.code, 1, "{judged:?}");
    let down = lab.run(&["down", "page"]);
    assert_eq!((down.code, lab.left()), (0, vec![]), "{down:?}");
}

#[test]
fn what_is_left_of_an_older_version_can_be_removed() {
    let lab = LabEnv::new("oldest");
    let network = format!("{}_default", lab.project());
    make(&lab, &["network", "create", "--label", "dev.labrunner.name=default"], &[&network]);
    let down = lab.run(&["down", "page"]);
    assert_eq!((down.code, lab.left()), (0, vec![]), "{down:?}");
}
