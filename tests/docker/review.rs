//! A practical over what was reached, from the draw to what is to be done again.

use std::path::Path;

use crate::support::{LabEnv, Said};

fn json(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"))
}

#[test]
fn a_practical_asks_for_what_was_reached_without_it() {
    let lab = LabEnv::new("review");
    // What checks see of it.
    assert_eq!(lab.run(&["start", "looked-at"]).code, 0);
    let looked_at = |goal: &str| lab.run(&["verify", "looked-at", goal]);
    let nothing = looked_at("shown");
    assert!(nothing.code == 1 && nothing.out.contains("no practical went well"), "{nothing:?}");
    let unsure = looked_at("unsure");
    assert!(unsure.code == 3 && unsure.out.contains("before it, could not be judged"), "{unsure:?}");
    let early = lab.run(&["review", "--goals", "1"]);
    assert_eq!(early.code, 2, "{early:?}");
    assert!(early.err.contains("that you have reached before; there are 0"), "{early:?}");
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    lab.solve();
    assert_eq!(lab.run(&["verify", "page", "greeting"]).code, 0);

    let asked = lab.run(&["review", "--goals", "1", "--minutes", "30", "--format", "json"]);
    assert_eq!(asked.code, 0, "{asked:?}");
    let asked = json(&asked);
    assert_eq!((&asked["parts"][0]["goal"], &asked["over"]), (&"greeting".into(), &false.into()), "{asked}");
    let file = Path::new(asked["workspace"].as_str().unwrap()).join("serve.py");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("goodbye"), "the goal is not in it: {text}");

    // Judged as it is, without a hint and without a mark in the record of the lab.
    let attempts = lab.attempts();
    let failed = lab.run(&["review", "check"]);
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.out.contains("the page does not say hello") && !failed.out.contains("hint"), "{failed:?}");
    assert_eq!(lab.attempts(), attempts);

    std::fs::write(&file, text.replace("goodbye", "hello")).unwrap();
    let passed = lab.run(&["review", "check"]);
    assert_eq!(passed.code, 0, "{passed:?}");
    assert!(passed.out.contains("the practical is over: 1 of 1 goals shown"), "{passed:?}");
    assert_eq!((looked_at("shown").code, looked_at("closed").code), (0, 0));
    assert_eq!(looked_at("unsure").code, 1, "what could not be judged can, and so can what rests on it");
    let instance = format!("{}-review", lab.project().trim_start_matches("labrunner-page-"));
    assert_eq!(LabEnv::left_of(&instance), Vec::<String>::new());
    // The learner's own environment has seen nothing of it.
    assert_eq!(lab.run(&["verify", "page", "greeting"]).code, 0);

    // Another one, which does not find the answers of the first, and is given up.
    assert_eq!(lab.run(&["review", "--goals", "1"]).code, 0);
    assert_eq!(lab.run(&["review", "check"]).code, 1);
    assert!(!LabEnv::left_of(&instance).is_empty());
    let ended = lab.run(&["review", "end"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.out.contains("labrunner show page greeting"), "{ended:?}");
    let open = looked_at("closed");
    assert!(open.code == 1 && open.out.contains("still open: page/greeting"), "{open:?}");
    assert_eq!(lab.run(&["verify", "page", "greeting"]).code, 0);
    assert_eq!((looked_at("shown").code, looked_at("closed").code), (1, 0));
    assert_eq!(LabEnv::left_of(&instance), Vec::<String>::new());

    // And one whose time is over before anything was done.
    let late = lab.run(&["review", "--goals", "1", "--minutes", "0"]);
    assert!(late.code == 1 && late.out.contains("not reached in time"), "{late:?}");
    let none = lab.run(&["review", "check"]);
    assert!(none.code == 2 && none.err.contains("no practical is going on"), "{none:?}");
}
