//! Each kind of step against the real service: one goal that it passes, one that it fails, one that it cannot
//! decide.

use crate::support::LabEnv;

#[test]
fn each_kind_passes_fails_and_cannot_decide() {
    let lab = LabEnv::of("kinds", "kinds");
    let judged = lab.run(&["verify", "kinds", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&judged.out).unwrap_or_else(|_| panic!("{judged:?}"));
    let goals = json["goals"].as_array().unwrap();
    assert!(goals.len() >= 6);
    for goal in goals {
        let name = goal["goal"].as_str().unwrap();
        let wanted = match name.rsplit('-').next().unwrap() {
            "passes" => "passed",
            "fails" => "failed",
            "undecided" => "undecided",
            other => panic!("`{other}` says nothing"),
        };
        assert_eq!(goal["verdict"], wanted, "{name}: {:#}", goal["checks"]);
    }
    assert_eq!(judged.code, 1);
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
    assert!(failure("amqp-undecided").contains("does not let in `guest`"), "{}", failure("amqp-undecided"));
}
