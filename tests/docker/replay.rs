//! Workflows, replayed: jobs in clean machines, images pushed into the lab's registry, secrets that show.

use crate::kinds::named_verdicts;
use crate::support::{LabEnv, docker};

#[test]
fn workflows_are_replayed_as_the_goals_names_say() {
    let lab = LabEnv::of("replay", "replay");
    let judged = lab.run(&["verify", "replay", "--yes", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&judged.out).unwrap_or_else(|_| panic!("{judged:?}"));
    let goals = json["goals"].as_array().unwrap();
    named_verdicts(goals);
    assert_eq!(judged.code, 1, "{judged:?}");
    let said = |name: &str, words: &str| {
        let goal = goals.iter().find(|goal| goal["goal"] == name).unwrap();
        let failure = goal["checks"][0]["failure"].to_string();
        assert!(failure.contains(words), "{name} does not say `{words}`: {failure}");
    };
    said("red-fails", "AssertionError: 12 != 8");
    said("leaky-fails", "PASSWORD");
    said("password-fails", "unauthorized");
    said("image-fails", "missing.py");
    said("action-undecided", "the action `somebody/something`");
    let left = docker(&["ps", "-aq", "--filter", "label=dev.labrunner.service=job"]).out;
    let images = docker(&["images", "-q", "labrunner.local/labrunner-replay*/job"]).out;
    assert_eq!((left.as_str(), images.as_str()), ("", ""));
}
