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
    let lab = LabEnv::of("kinds", "kinds");
    let started = lab.run(&["start", "kinds", "--yes"]);
    assert_eq!(started.code, 0, "{started:?}");
    repository(&lab.workspace());
    let judged = lab.run(&["verify", "kinds", "--yes", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&judged.out).unwrap_or_else(|_| panic!("{judged:?}"));
    let goals = json["goals"].as_array().unwrap();
    assert!(goals.len() >= 35, "only {} goals", goals.len());
    for goal in goals {
        let name = goal["goal"].as_str().unwrap();
        let wanted = match name.rsplit('-').next().unwrap() {
            "passes" => "passed",
            "fails" => "failed",
            "undecided" => "undecided",
            "defect" => "defect",
            other => panic!("`{other}` says nothing"),
        };
        assert_eq!(goal["verdict"], wanted, "{name}: {:#}", goal["checks"]);
    }
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
