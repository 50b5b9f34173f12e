//! An engine on another machine: in a container, behind TCP, with files, networks and images of its own.

use crate::far::FarEngine;
use crate::support::{LabEnv, recipe};

#[test]
fn a_lab_on_an_engine_that_sees_no_file_of_this_machine() {
    let lab = LabEnv::new("far");
    recipe(&lab, "python:3.13-slim");
    recipe(&lab, "redis:8");
    let engine = FarEngine::start(&lab, "far");
    engine.load(&["labrunner.local/base:trixie", "labrunner.local/python:3.13-slim", "labrunner.local/redis:8"]);
    let lab = lab.at(&engine.host);

    let started = lab.run(&["start", "page"]);
    assert_eq!(started.code, 0, "{started:?}");
    let starter = lab.run(&["verify", "page"]);
    assert_eq!(starter.code, 1, "{starter:?}");
    assert!(starter.out.contains("the page does not say hello"), "{starter:?}");
    // The page's port is published there; a command that cannot work here is not offered.
    assert!(!starter.out.contains("curl"), "{starter:?}");
    lab.solve();
    let solved = lab.run(&["verify", "page"]);
    assert_eq!(solved.code, 0, "{solved:?}");

    // What a service writes comes back; what is removed here goes there.
    let made = lab.workspace().join("deep/er/made.txt");
    let write = "mkdir -p /app/deep/er && echo there > /app/deep/er/made.txt";
    assert_eq!(lab.run(&["exec", "web", "sh", "-c", write]).code, 0);
    assert_eq!(std::fs::read_to_string(&made).unwrap(), "there\n");
    // Changed on both sides: what the learner has written stays, here and there.
    let both = "echo over there > /app/deep/er/made.txt";
    std::fs::write(&made, "here\n").unwrap();
    assert_eq!(lab.run(&["exec", "web", "sh", "-c", both]).code, 0);
    assert_eq!(std::fs::read_to_string(&made).unwrap(), "here\n");
    assert_eq!(lab.run(&["exec", "web", "cat", "/app/deep/er/made.txt"]).out, "here\n");
    std::fs::remove_dir_all(lab.workspace().join("deep")).unwrap();
    assert_eq!(lab.run(&["verify", "page"]).code, 0);
    let gone = lab.run(&["exec", "web", "ls", "/app"]);
    assert_eq!(gone.out, "serve.py\n", "{gone:?}");

    // A link of the learner's that leads out of the workspace is no way for a service.
    let outside = lab.folder().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, lab.workspace().join("link")).unwrap();
    let through = "mkdir -p /app/link && echo there > /app/link/made.txt";
    assert_eq!(lab.run(&["exec", "web", "sh", "-c", through]).code, 0);
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);

    // What was written there last is not lost with the volume.
    let id = engine.docker(&["ps", "-q", "--filter", "label=dev.labrunner.service=web"]);
    let late = engine.docker(&["exec", id.out.trim(), "sh", "-c", "echo late > /app/late.txt"]);
    assert_eq!(late.code, 0, "{late:?}");
    assert_eq!(lab.run(&["down", "page"]).code, 0);
    assert_eq!(std::fs::read_to_string(lab.workspace().join("late.txt")).unwrap(), "late\n");
    assert_eq!(engine.left(), "");

    // What cannot be brought back stays there until it can, unless somebody lets it go.
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    let id = engine.docker(&["ps", "-q", "--filter", "label=dev.labrunner.service=web"]);
    let write = "mkdir /app/results && echo there > /app/results/made.txt";
    assert_eq!(engine.docker(&["exec", id.out.trim(), "sh", "-c", write]).code, 0);
    let results = lab.workspace().join("results");
    std::fs::write(&results, "a file where services have made a folder\n").unwrap();
    for words in [&["down", "page"][..], &["down", "--all"]] {
        let kept = lab.run(words);
        assert_eq!(kept.code, 4, "{kept:?}");
        assert!(kept.err.contains("could not be brought back") && kept.err.contains("--yes"), "{kept:?}");
        assert_ne!(engine.left(), "");
    }
    std::fs::remove_file(&results).unwrap();
    assert_eq!(lab.run(&["down", "--all"]).code, 0);
    assert_eq!(std::fs::read_to_string(results.join("made.txt")).unwrap(), "there\n");
    assert_eq!(engine.left(), "");

    // A volume with files is of another workspace, or all that a `down` has left which was cut off after it had brought
    // them back.
    let labels = ["lab=page", &format!("instance={}", lab.instance()), "name=carried-0123"];
    let labels = labels.map(|label| format!("--label=dev.labrunner.{label}"));
    let other = engine.docker(&["volume", "create", &labels[0], &labels[1], &labels[2]]);
    assert_eq!(other.code, 0, "{other:?}");
    let kept = lab.run(&["down", "page"]);
    assert_eq!(kept.code, 4, "{kept:?}");
    assert!(kept.err.contains("of another workspace"), "{kept:?}");
    std::fs::write(lab.intents(), r#"[{"intent":"down"}]"#).unwrap();
    assert_eq!(lab.run(&["down", "--all"]).code, 0);
    assert_eq!(engine.left(), "");
    assert!(!lab.has_intents());
}
