//! What a learner does, and what goes wrong meanwhile.

use std::net::TcpListener;

use crate::support::{LabEnv, Said, docker, said};

#[test]
fn start_verify_solve_reset_down() {
    let lab = LabEnv::new("walk");
    let started = lab.run(&["start", "page"]);
    assert_eq!(started.code, 0, "{started:?}");
    assert!(started.out.contains("Your next goal: greeting"), "{}", started.out);

    let judged = lab.run(&["verify", "page"]);
    assert_eq!(judged.code, 1, "{judged:?}");
    assert!(judged.out.contains("the page does not say hello") && judged.out.contains("goodbye"), "{}", judged.out);
    assert!(judged.out.contains("0 of 2 goals passed · 1 failed · 1 blocked"), "{}", judged.out);

    let ids = || docker(&["inspect", "-f", "{{.Id}}", &lab.container("web"), &lab.container("redis")]).out;
    let before = ids();
    let again = lab.run(&["start", "page"]);
    assert_eq!((again.code, ids()), (0, before), "nothing is made anew when all runs");

    lab.solve();
    let judged = lab.run(&["verify", "page", "--format", "json"]);
    assert_eq!(judged.code, 0, "{judged:?}");
    let json: serde_json::Value = serde_json::from_str(&judged.out).unwrap();
    assert_eq!((&json["schema"], &json["goals"][1]["verdict"]), (&1.into(), &"passed".into()));

    docker(&["exec", &lab.container("redis"), "redis-cli", "SET", "left", "over"]);
    let reset = lab.run(&["reset", "page"]);
    assert_eq!(reset.code, 0, "{reset:?}");
    let keys = docker(&["exec", &lab.container("redis"), "redis-cli", "DBSIZE"]).out;
    assert_eq!(keys.trim(), "0", "a reset leaves no data");

    let undone = lab.run(&["reset", "page", "--workspace"]);
    assert_eq!(undone.code, 0, "{undone:?}");
    assert!(std::fs::read_to_string(lab.workspace().join("serve.py")).unwrap().contains("goodbye"));
    assert_eq!(lab.run(&["undo", "page"]).code, 0);
    assert!(std::fs::read_to_string(lab.workspace().join("serve.py")).unwrap().contains("hello"));

    let down = lab.run(&["down", "page"]);
    assert_eq!((down.code, lab.left()), (0, vec![]), "{down:?}");
    let history = lab.run(&["history", "page"]);
    assert!(history.out.contains("2 passed") && history.out.contains("1 failed"), "{}", history.out);
}

#[test]
fn a_change_of_one_workspace_is_no_change_of_another() {
    let lab = LabEnv::new("folders");
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    lab.solve();
    let reset = lab.run(&["reset", "page", "--workspace"]);
    assert_eq!(reset.code, 0, "{reset:?}");
    let own = lab.folder().join("own");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::copy(lab.workspace().join("serve.py"), own.join("serve.py")).unwrap();
    std::fs::write(own.join("mine.txt"), "mine").unwrap();
    let files = |folder: &std::path::Path| {
        let served = std::fs::read_to_string(folder.join("serve.py")).unwrap();
        (served.contains("hello"), folder.join("mine.txt").exists())
    };

    // A reset of the first that was cut off is finished there, whichever folder is the lab's now.
    lab.solve();
    let first = serde_json::json!([{ "intent": "starter", "workspace": lab.workspace() }]);
    std::fs::write(lab.intents(), first.to_string()).unwrap();
    let started = lab.run(&["start", "page", "--workspace", own.to_str().unwrap()]);
    assert_eq!(started.code, 0, "{started:?}");
    assert_eq!((files(&lab.workspace()), files(&own)), ((false, false), (false, true)), "{started:?}");

    let undone = lab.run(&["undo", "page"]);
    assert_eq!(undone.code, 2, "{undone:?}");
    assert!(undone.err.contains("own") && undone.err.contains("was not reset"), "{undone:?}");
    let back = lab.workspace();
    assert_eq!(lab.run(&["start", "page", "--workspace", back.to_str().unwrap()]).code, 0);
    let undone = lab.run(&["undo", "page"]);
    assert_eq!((undone.code, files(&back), files(&own)), (0, (true, false), (false, true)), "{undone:?}");

    // An undo that was cut off, of a reset that was: to undo is to finish it, and the reset is none any more.
    assert_eq!(lab.run(&["reset", "page", "--workspace"]).code, 0);
    let saves: Vec<std::path::PathBuf> = std::fs::read_dir(lab.folder().join("state/saves/page"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let out = std::process::Command::new("tar").args(["-xzO", "serve.py", "-f"]).arg(path).output().unwrap();
            String::from_utf8_lossy(&out.stdout).contains("hello")
        })
        .collect();
    let [solved] = saves.as_slice() else { panic!("{saves:?}") };
    let solved = solved.file_name().unwrap().to_str().unwrap().trim_end_matches(".tar.gz");
    let begun = serde_json::json!([
        { "intent": "starter", "workspace": back },
        { "intent": "workspace", "snapshot": solved, "workspace": back },
    ]);
    std::fs::write(lab.intents(), begun.to_string()).unwrap();
    for command in [["undo", "page"], ["start", "page"]] {
        let done = lab.run(&command);
        assert_eq!((done.code, files(&back)), (0, (true, false)), "{done:?}");
    }
    let down = lab.run(&["down", "page"]);
    assert_eq!((down.code, lab.left()), (0, vec![]), "{down:?}");
}

#[test]
fn whoever_names_no_lab_means_the_one_that_is_up() {
    let lab = LabEnv::new("unnamed");
    // A lab of an earlier month, which is down.
    let earlier = lab.intents().parent().unwrap().to_str().unwrap().replace("page--", "needs--");
    std::fs::create_dir_all(earlier).unwrap();
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    let judged = lab.run(&["verify", "greeting"]);
    assert_eq!(judged.code, 1, "{judged:?}");
    assert_eq!(lab.run(&["down"]).code, 0);
    assert_eq!(lab.left(), Vec::<String>::new());
    let judged = lab.run(&["verify"]);
    assert!(judged.code == 2 && judged.err.contains("which lab"), "{judged:?}");
}

#[test]
fn the_machine_is_not_the_learners_fault() {
    let lab = LabEnv::new("blame");
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    lab.solve();
    assert_eq!(lab.run(&["verify", "page", "greeting"]).code, 0);

    // Taken up again by `verify`, because the plan sees it: paused by hand before is no trouble at all.
    docker(&["pause", &lab.container("redis")]);
    assert_eq!(lab.run(&["verify", "page", "greeting"]).code, 0);

    // The learner's own mistakes are the learner's: a crash, with its last words.
    std::fs::write(lab.workspace().join("serve.py"), "import http.serber\n").unwrap();
    let judged = lab.run(&["verify", "page", "greeting"]);
    assert_eq!(judged.code, 1, "{judged:?}");
    assert!(judged.out.contains("No module named 'http.serber'"), "{}", judged.out);
    assert!(judged.out.contains("serve.py, since this goal last passed"), "{}", judged.out);

    // Out of its own memory limit: also the learner's, and said so.
    std::fs::write(lab.workspace().join("serve.py"), "x = bytearray(500_000_000)\n").unwrap();
    let judged = lab.run(&["verify", "page", "greeting"]);
    assert_eq!(judged.code, 1, "{judged:?}");
    assert!(judged.out.contains("memory"), "{}", judged.out);
}

/// What `start` says of the page with this health check instead of the lab's own sign.
fn started_with(lab: &LabEnv, healthcheck: &str) -> Said {
    let labs = lab.own_labs(&["month-01-page"]);
    let file = labs.join("month-01-page/lab.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("    mem_limit: 64m", &format!("    mem_limit: 64m\n    healthcheck: {healthcheck}"));
    let text = text.replace("  web: { http: { url: \"http://web:8000/\" }, within: 10s }\n", "");
    std::fs::write(&file, text).unwrap();
    said(lab.command(&["start", "page"]).env("LABRUNNER_LABS", &labs).output().unwrap())
}

#[test]
fn a_health_check_that_does_not_end_does_not_hold_up_start_for_ever() {
    let lab = LabEnv::new("endless");
    let started = started_with(&lab, "{ test: [CMD, sleep, infinity] }");
    // A service of the learner's: the rest runs, and the learner is told.
    assert_eq!(started.code, 0, "{started:?}");
    assert!(started.out.contains("`web` is not ready"), "{started:?}");
    assert!(started.out.contains("its health check does not come to an end"), "{started:?}");
}

#[test]
fn a_health_check_that_takes_longer_than_it_may_is_begun_again() {
    let lab = LabEnv::new("again");
    let once = "test -e /tmp/begun || { touch /tmp/begun; sleep infinity; }";
    let started = started_with(&lab, &format!("{{ test: [CMD-SHELL, \"{once}\"], timeout: 1s }}"));
    assert_eq!(started.code, 0, "{started:?}");
    assert!(!started.out.contains("is not ready"), "{started:?}");
}

#[test]
fn who_uses_a_service_that_had_to_be_made_anew_begins_again() {
    let lab = LabEnv::new("anew");
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    lab.solve();
    assert_eq!(lab.run(&["verify", "page", "greeting"]).code, 0);
    let began = |service: &str| docker(&["inspect", "-f", "{{.State.StartedAt}}", &lab.container(service)]).out;
    let before = began("web");
    // Redis refuses to begin with a file that is none of its own.
    let spoiled = docker(&["exec", &lab.container("redis"), "sh", "-c", "echo spoiled > /data/dump.rdb"]);
    assert_eq!(spoiled.code, 0, "{spoiled:?}");
    docker(&["kill", &lab.container("redis")]);
    let judged = lab.run(&["verify", "page", "greeting"]);
    assert_eq!(judged.code, 0, "{judged:?}");
    assert!(judged.err.contains("`redis` belongs to the lab and is not ready"), "{judged:?}");
    assert_ne!(began("web"), before, "what web had put into redis is gone, and web does not know");
}

#[test]
fn a_taken_port_moves_and_is_remembered() {
    let lab = LabEnv::new("port");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = taken.local_addr().unwrap().port().to_string();
    let labs = lab.own_labs(&["month-01-page"]);
    let file = labs.join("month-01-page/lab.yaml");
    let text = std::fs::read_to_string(&file).unwrap().replace("[\"8000\"]", &format!("[\"{number}:8000\"]"));
    std::fs::write(&file, text).unwrap();
    let start = || said(lab.command(&["start", "page"]).env("LABRUNNER_LABS", &labs).output().unwrap());
    let started = start();
    assert_eq!(started.code, 0, "{started:?}");
    assert!(started.err.contains(&format!("port {number} of this machine is taken")), "{}", started.err);
    let port = || docker(&["port", &lab.container("web"), "8000"]).out;
    let first = port();
    drop(taken);
    assert_eq!((start().code, port()), (0, first), "an address that was printed stays");
}

#[test]
fn two_commands_do_not_get_in_each_others_way() {
    let lab = LabEnv::new("lock");
    let mut first = lab.spawn(&["start", "page"]);
    while std::fs::read_to_string(lab.lock_file()).unwrap_or_default().is_empty() {
        assert!(first.try_wait().unwrap().is_none(), "`start` ended before it could be disturbed");
    }
    let refused = lab.run(&["stop", "page"]);
    first.wait().unwrap();
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.err.contains("start page"), "the holder is named: {}", refused.err);
}

#[test]
fn a_small_lab_is_proven() {
    let lab = LabEnv::new("small-proof");
    // Cut off after its first cell, it goes on behind that.
    let mut begun = lab.spawn(&["lab", "prove", "page", "--jobs", "1"]);
    let lines = std::io::BufReader::new(begun.stderr.take().unwrap());
    let first = std::io::BufRead::lines(lines).map_while(Result::ok).find(|line| line.starts_with("right: starter"));
    assert!(first.is_some());
    begun.kill().unwrap();
    begun.wait().unwrap();
    let proven = lab.run(&["lab", "prove", "page"]);
    assert_eq!(proven.code, 0, "{proven:?}");
    assert!(proven.err.contains("known from an earlier run"), "{proven:?}");
    assert!(proven.out.contains("5 cells, 0 wrong"), "{}", proven.out);
    let again = lab.run(&["lab", "prove", "page", "--only", "starter"]);
    assert!(!again.err.contains("known from an earlier run"), "a whole run is forgotten: {again:?}");
}

#[test]
fn a_lab_that_asks_for_more_is_asked_about_once() {
    let lab = LabEnv::new("needs");
    let refused = lab.run(&["start", "needs"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("redis: `cap_add` asks for NET_ADMIN"), "{}", refused.err);
    assert_eq!(lab.run(&["start", "needs", "--yes"]).code, 0);
    assert_eq!(lab.run(&["start", "needs"]).code, 0, "it was agreed to");
    assert_eq!((lab.run(&["down", "needs"]).code, lab.left()), (0, vec![]));
}

#[test]
fn what_containers_write_into_the_workspace_belongs_to_the_learner() {
    use std::os::unix::fs::MetadataExt;
    let lab = LabEnv::new("owner");
    let own = lab.folder().join("own");
    let starter = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docker/labs/month-01-page/starter");
    assert!(std::process::Command::new("cp").arg("-r").arg(starter).arg(&own).status().unwrap().success());
    // As root another owner shows more; anybody else is the owner already.
    let _ = std::process::Command::new("chown").args(["-R", "1234:1234"]).arg(&own).output();
    let folder = own.display().to_string();
    let started = lab.run(&["start", "page", "--workspace", &folder]);
    assert_eq!(started.code, 0, "{started:?}");
    let made = docker(&["exec", &lab.container("web"), "touch", "/app/made"]);
    assert_eq!(made.code, 0, "{made:?}");
    let owner = |path: &std::path::Path| path.metadata().unwrap().uid();
    assert_eq!(owner(&own.join("made")), owner(&own));
    // It is remembered: the next command needs not be told.
    let status = lab.run(&["status", "page"]);
    assert!(status.out.contains(&folder), "{}", status.out);
}

#[test]
fn a_dry_run_changes_nothing() {
    let lab = LabEnv::new("dry");
    let said = lab.run(&["start", "page", "--dry-run"]);
    assert_eq!(said.code, 0, "{said:?}");
    for step in ["make the workspace", "create network", "create container", "not found"] {
        assert!(said.out.contains(step), "`{step}` is missing in {}", said.out);
    }
    assert!(!lab.workspace().exists());
    assert_eq!(lab.left(), Vec::<String>::new());
}

#[test]
fn verdicts_are_written_for_others() {
    let lab = LabEnv::new("report");
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    let file = lab.folder().join("junit.xml");
    assert_eq!(lab.run(&["verify", "page", "--junit", file.to_str().unwrap()]).code, 1);
    let xml = std::fs::read_to_string(&file).unwrap();
    assert!(xml.contains("<failure message=\"the page does not say hello\""), "{xml}");
    assert!(xml.contains("skipped message=\"waits for greeting\""), "{xml}");
    let nowhere = lab.run(&["verify", "page", "--junit", "/nowhere/junit.xml"]);
    assert_eq!(nowhere.code, 4, "{nowhere:?}");
    assert!(nowhere.err.contains("the verdicts are recorded all the same"), "{nowhere:?}");
    let page = lab.run(&["report", "--format", "html"]);
    assert!(page.out.starts_with("<!doctype html>") && page.out.contains("the page does not say hello"), "{page:?}");
    let text = lab.run(&["report", "page", "--format", "md"]);
    assert!(text.out.contains("0 of 2 goals pass"), "{text:?}");
    let refused = lab.run(&["list", "--format", "md"]);
    assert_eq!(refused.code, 2, "{refused:?}");
}

#[test]
fn what_was_cut_off_is_joined_again_by_the_next_command() {
    let lab = LabEnv::new("cutoff");
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    let networks = || {
        let format = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
        docker(&["inspect", "-f", format, &lab.container("redis")]).out.trim().to_owned()
    };
    let network = networks();
    assert_eq!(docker(&["network", "disconnect", &network, &lab.container("redis")]).code, 0);
    assert_eq!(networks(), "");
    let plan = lab.run(&["start", "page", "--dry-run"]);
    assert!(plan.out.contains("it is cut off from its network"), "{plan:?}");
    let again = lab.run(&["start", "page"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(networks(), network);
}
