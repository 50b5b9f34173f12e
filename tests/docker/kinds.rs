//! Each kind of step against the real service: one goal that it passes, one that it fails, one that it cannot
//! decide.

use std::path::Path;
use std::process::Command;

use crate::support::LabEnv;

/// Makes a workspace a repository with one commit.
fn repository(workspace: &Path) {
    let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    for arguments in [&["init", "-q", "-b", "main"][..], &["add", "."], &["commit", "-q", "-m", "Begin"]] {
        let done = Command::new("git").arg("-C").arg(workspace).args(identity).args(arguments).status().unwrap();
        assert!(done.success(), "git {arguments:?}");
    }
}

#[test]
fn each_kind_passes_fails_and_cannot_decide() {
    judged_as_their_names_say(&LabEnv::of("kinds", "kinds"));
}

#[test]
fn each_kind_is_the_same_through_a_relay() {
    let lab = LabEnv::of("kinds", "relayed").by_relay();
    judged_as_their_names_say(&lab);
    let relay = crate::support::docker(&["ps", "-q", "--filter", &format!("name={}-relay", lab.project())]);
    assert!(!relay.out.trim().is_empty(), "nothing was reached through a relay");
}

/// Judges a lab whose goals say what has to become of them, some of which fail.
pub fn judged(lab: &LabEnv, name: &str) -> Vec<serde_json::Value> {
    let judged = lab.run(&["verify", name, "--yes", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&judged.out).unwrap_or_else(|_| panic!("{judged:?}"));
    let goals = json["goals"].as_array().unwrap().clone();
    named_verdicts(&goals);
    assert_eq!(judged.code, 1, "{judged:?}");
    goals
}

/// A goal's first failure has these words.
pub fn says(goals: &[serde_json::Value], name: &str, words: &str) {
    let goal = goals.iter().find(|goal| goal["goal"] == name).unwrap();
    let failure = goal["checks"][0]["failure"].to_string();
    assert!(failure.contains(words), "{name} does not say `{words}`: {failure}");
}

/// Copies are named by chance, and each test looks for those that are left.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn judged_as_their_names_say(lab: &LabEnv) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let started = lab.run(&["start", "kinds", "--yes"]);
    assert_eq!(started.code, 0, "{started:?}");
    repository(&lab.workspace());
    let judged = lab.run(&["verify", "kinds", "--yes", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&judged.out).unwrap_or_else(|_| panic!("{judged:?}"));
    let published = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/output.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&published).unwrap()).unwrap();
    assert!(schema.is_valid(&json), "{:?}", schema.iter_errors(&json).map(|one| one.to_string()).next());
    let goals = json["goals"].as_array().unwrap();
    assert!(goals.len() >= 70, "only {} goals", goals.len());
    named_verdicts(goals);
    assert_eq!(judged.code, 1);
    // The copy that a check was judged in is gone.
    let copies =
        crate::support::docker(&["ps", "-aq", "--filter", "label=dev.labrunner.lab=kinds", "--filter", "name=-copy-"]);
    assert_eq!(copies.out, "");
    // What the goals left behind goes, and the server stays the same process.
    let identity = || crate::support::docker(&["inspect", "-f", "{{.Id}}", &lab.container("rabbitmq")]).out;
    let before = identity();
    let reset = lab.run(&["reset", "kinds"]);
    assert!(reset.out.contains("rabbitmq: emptied, and found to be as when new"), "{reset:?}");
    assert_eq!(identity(), before);
    let failure = |name: &str| {
        let goal = goals.iter().find(|goal| goal["goal"] == name).unwrap();
        goal["checks"][0]["failure"].to_string()
    };
    assert!(failure("amqp-fails").contains("no queue took the message"), "{}", failure("amqp-fails"));
    assert!(failure("sql-fails").contains("relation \\\"nowhere\\\" does not exist"), "{}", failure("sql-fails"));
    assert!(failure("sql-undecided").contains("password authentication failed"), "{}", failure("sql-undecided"));
    assert!(failure("kafka-fails").contains("UNKNOWN_TOPIC_OR_PARTITION"), "{}", failure("kafka-fails"));
    assert!(failure("kafka-undecided").contains("does not answer"), "{}", failure("kafka-undecided"));
    assert!(failure("plugin-crash-defect").contains("as it was told to"), "{}", failure("plugin-crash-defect"));
    assert!(failure("plugin-hang-defect").contains("did not end within 1 s"), "{}", failure("plugin-hang-defect"));
    assert!(failure("amqp-undecided").contains("does not let in `guest`"), "{}", failure("amqp-undecided"));
}

/// Each goal's name ends with the verdict that it has to have.
#[track_caller]
pub fn named_verdicts(goals: &[serde_json::Value]) {
    let mut wrong = Vec::new();
    for goal in goals {
        let name = goal["goal"].as_str().unwrap();
        let wanted = match name.rsplit('-').next().unwrap() {
            "passes" => "passed",
            "fails" => "failed",
            "undecided" => "undecided",
            "defect" => "defect",
            other => panic!("`{other}` says nothing"),
        };
        if goal["verdict"] != wanted {
            wrong.push(format!("{name}: {} instead of {wanted}: {:#}", goal["verdict"], goal["checks"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
