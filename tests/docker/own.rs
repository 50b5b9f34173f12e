//! Learners' own Compose files: brought up as they are written, in environments that are gone afterwards.

use crate::kinds::named_verdicts;
use crate::support::{LabEnv, docker};

#[test]
fn own_compose_files_are_judged_as_their_names_say() {
    let lab = LabEnv::of("own", "own");
    let judged = lab.run(&["verify", "own", "--yes", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&judged.out).unwrap_or_else(|_| panic!("{judged:?}"));
    let goals = json["goals"].as_array().unwrap();
    named_verdicts(goals);
    assert_eq!(judged.code, 1, "{judged:?}");
    let said = |name: &str, words: &str| {
        let goal = goals.iter().find(|goal| goal["goal"] == name).unwrap();
        let failure = goal["checks"][0]["failure"].to_string();
        assert!(failure.contains(words), "{name} does not say `{words}`: {failure}");
    };
    said("wrong-fails", "wrong.yaml:4: `server` depends on `nobody`");
    said("missing-fails", "there is no file `none.yaml`");
    said("unnamed-fails", "your Compose file has no service `web`; there are server, sick");
    said("sick-fails", "its health check says that it is unhealthy");
    said("unasked-fails", "it has no health check");
    said("far-undecided", "example.invalid/nothing-like-it");
    said("mighty-undecided", "privileged");
    said("outside-undecided", "`/etc/hostname` of this machine is read");
    said("external-undecided", "`theirs` is external");
    said("workflow-wrong-fails", "wrong.yml: the job `deploy` needs `tests`, which is no job");
    said("image-fails", "/srv/page.txt");
    let left = docker(&["ps", "-aq", "--filter", "label=dev.labrunner.lab=own"]).out;
    let networks = docker(&["network", "ls", "-q", "--filter", "label=dev.labrunner.lab=own"]).out;
    let volumes = docker(&["volume", "ls", "-q", "--filter", "label=dev.labrunner.lab=own"]).out;
    let images = docker(&["images", "-q", "labrunner.local/labrunner-own-copy-*/*"]).out;
    assert_eq!((left.as_str(), networks.as_str(), volumes.as_str(), images.as_str()), ("", "", "", ""));
}
