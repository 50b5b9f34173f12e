//! Workflows, replayed: jobs in clean machines, images pushed into the lab's registry, secrets that show.

use crate::kinds::{judged, says};
use crate::support::{LabEnv, docker};

#[test]
fn workflows_are_replayed_as_the_goals_names_say() {
    let lab = LabEnv::of("replay", "replay");
    let goals = judged(&lab, "replay");
    let said = |name: &str, words: &str| says(&goals, name, words);
    said("red-fails", "AssertionError: 12 != 8");
    said("leaky-fails", "PASSWORD");
    said("password-fails", "unauthorized");
    said("image-fails", "missing.py");
    said("action-undecided", "the action `somebody/something`");
    // Of this run: others may work beside it.
    let project = format!("label=com.docker.compose.project={}", lab.project());
    let left = docker(&["ps", "-aq", "--filter", "label=dev.labrunner.service=job", "--filter", &project]).out;
    let images = docker(&["images", "-q", &format!("labrunner.local/{}/job", lab.project())]).out;
    assert_eq!((left.as_str(), images.as_str()), ("", ""));
}
