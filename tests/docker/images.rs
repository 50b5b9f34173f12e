//! What is built for an environment is there once, and goes with it.

use crate::support::{LabEnv, docker};

/// The numbers of the images that were built for an instance of the lab.
fn built_for(lab: &LabEnv, instance: &str) -> Vec<String> {
    let state = lab.folder().join("state");
    let filter = format!("label=dev.labrunner.built-for={}--{instance} of {}", lab.lab(), state.display());
    let found = docker(&["image", "ls", "-q", "--filter", &filter]);
    assert_eq!(found.code, 0, "{found:?}");
    found.out.lines().map(str::to_owned).collect()
}

#[test]
fn a_newer_image_takes_the_place_of_the_older_one() {
    let lab = LabEnv::of("blame", "rebuilt");
    assert_eq!(lab.run(&["start", "blame"]).code, 0);
    let first = built_for(&lab, lab.instance());
    assert_eq!(first.len(), 1, "{first:?}");
    let file = lab.workspace().join("Dockerfile");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}ENV ANOTHER=1\n")).unwrap();
    assert_eq!(lab.run(&["start", "blame"]).code, 0);
    let second = built_for(&lab, lab.instance());
    assert!(second.len() == 1 && second != first, "{first:?} became {second:?}");
    // `down` leaves it for the next start, as Compose does.
    assert_eq!(lab.run(&["down", "blame"]).code, 0);
    assert_eq!(built_for(&lab, lab.instance()), second);
    // A name of the learner's own keeps it: only names of ours go.
    let kept = format!("labrunner-test/{}:mine", lab.instance());
    assert_eq!(docker(&["tag", &second[0], &kept]).code, 0);
    assert_eq!(lab.run(&["down", "--all"]).code, 0);
    let names = docker(&["image", "inspect", "-f", "{{.RepoTags}}", &second[0]]);
    assert_eq!(names.out.trim(), format!("[{kept}]"), "{names:?}");
    assert_eq!(docker(&["rmi", &kept]).code, 0);
    assert_eq!(built_for(&lab, lab.instance()), Vec::<String>::new());
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
    assert_eq!(built_for(&lab, &instance).len(), 1);
    let next = lab.run(&proof);
    assert_ne!(next.code, 70, "{next:?}");
    assert_eq!(built_for(&lab, &instance), Vec::<String>::new());
}
