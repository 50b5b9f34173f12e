//! What is built for an environment is there once, and goes with it.

use crate::support::{LabEnv, docker};

/// The numbers of the images that were built for a Compose project of this environment's.
fn built_for(lab: &LabEnv, project: &str) -> Vec<String> {
    let state = lab.folder().join("state");
    let filter = format!("label=dev.labrunner.built-for={project} of {}", state.display());
    let found = docker(&["image", "ls", "-q", "--filter", &filter]);
    assert_eq!(found.code, 0, "{found:?}");
    found.out.lines().map(str::to_owned).collect()
}

#[test]
fn a_newer_image_takes_the_place_of_the_older_one() {
    let lab = LabEnv::of("blame", "rebuilt");
    assert_eq!(lab.run(&["start", "blame"]).code, 0);
    let first = built_for(&lab, &lab.project());
    assert_eq!(first.len(), 1, "{first:?}");
    let file = lab.workspace().join("Dockerfile");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}ENV ANOTHER=1\n")).unwrap();
    assert_eq!(lab.run(&["start", "blame"]).code, 0);
    let second = built_for(&lab, &lab.project());
    assert!(second.len() == 1 && second != first, "{first:?} became {second:?}");
    // `down` leaves it for the next start, as Compose does.
    assert_eq!(lab.run(&["down", "blame"]).code, 0);
    assert_eq!(built_for(&lab, &lab.project()), second);
    assert_eq!(lab.run(&["down", "--all"]).code, 0);
    assert_eq!(built_for(&lab, &lab.project()), Vec::<String>::new());
}

#[test]
fn what_a_killed_proof_has_built_goes_with_its_containers() {
    let lab = LabEnv::of("blame", "swept");
    let proof = ["lab", "prove", "blame", "--jobs", "1", "--budget", "1s"];
    let mut child = lab.spawn(&proof);
    let instance = loop {
        let begun = lab.proofs().into_iter().find(|instance| !LabEnv::left_of(instance).is_empty());
        if let Some(instance) = begun {
            break instance;
        }
        assert!(child.try_wait().unwrap().is_none(), "the proof has ended before it began");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let project = format!("labrunner-blame-{instance}");
    assert_eq!(built_for(&lab, &project).len(), 1);
    let next = lab.run(&proof);
    assert_ne!(next.code, 70, "{next:?}");
    assert_eq!(built_for(&lab, &project), Vec::<String>::new());
}
