//! How cost grows as the work grows.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use labrunner::lab::Verdict;
use labrunner::record::{NewAttempt, NewVerdict, Record};

use super::measure::{median, seconds};
use super::place::Place;

/// A curve: what grows, what it costs, and the points.
pub struct Curve {
    pub name: &'static str,
    pub title: &'static str,
    pub across: &'static str,
    pub up: &'static str,
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// Cost of each unit between the last two points, over that from the first to the last but one; more than about 1
    /// would be worse than linear.
    pub fn bend(&self) -> f64 {
        let slope = |from: (f64, f64), to: (f64, f64)| (to.1 - from.1) / (to.0 - from.0);
        let [first, .., middle, last] = self.points[..] else { return f64::NAN };
        slope(middle, last) / slope(first, middle)
    }
}

const ROUNDS: usize = 5;

fn repeated(measure: impl FnMut() -> f64) -> f64 {
    let times: Vec<f64> = std::iter::repeat_with(measure).take(ROUNDS).collect();
    median(&times)
}

/// Seconds until so many environments, begun at once, all run; and until they are all gone.
pub fn environments(place: &Place) -> [Curve; 2] {
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for count in [1, 5, 20, 50] {
        let names: Vec<String> = (0..count).map(|number| format!("bench-{number}")).collect();
        let all = |verb: &str| {
            let began = std::time::Instant::now();
            let spawned: Vec<_> = names
                .iter()
                .map(|name| {
                    let mut command = place.labrunner(&[verb, "light", "--instance", name]);
                    let quiet = std::process::Stdio::null;
                    command.stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn().unwrap()
                })
                .collect();
            for mut one in spawned {
                assert!(one.wait().unwrap().success(), "{verb} of {count}");
            }
            began.elapsed().as_secs_f64()
        };
        // The first workspace of an environment is made before it counts.
        all("start");
        all("down");
        up.push((f64::from(count), all("start")));
        down.push((f64::from(count), all("down")));
    }
    let curve = |name, title, points| Curve { name, title, across: "environments", up: "seconds", points };
    [
        curve("environments-start", "Environments started at once", up),
        curve("environments-down", "Environments taken down at once", down),
    ]
}

/// Seconds of `list` and of `lab lint` with so many labs.
pub fn labs() -> [Curve; 2] {
    let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docker/labs/month-01-page");
    let (mut list, mut lint) = (Vec::new(), Vec::new());
    for count in [12, 120, 400, 1200] {
        let mut place = Place::new(Path::new(""));
        place.labs = place.folder().join("labs");
        for number in 0..count {
            let lab = place.labs.join(format!("month-01-page-{number}"));
            std::fs::create_dir_all(&lab).unwrap();
            for name in ["tasks", "starter", "solution", "near-misses.yaml", "solution.yaml", "README.md"] {
                std::os::unix::fs::symlink(small.join(name), lab.join(name)).unwrap();
            }
            let text = std::fs::read_to_string(small.join("lab.yaml")).unwrap();
            let text = text.replacen("id: page", &format!("id: page-{number}"), 1);
            std::fs::write(lab.join("lab.yaml"), text.replacen("web-page", &format!("web-page-{number}"), 1)).unwrap();
        }
        list.push((f64::from(count), repeated(|| seconds(place.labrunner(&["list"])))));
        // Whatever the tests' lab is told, all of them are read.
        let read = || {
            let began = std::time::Instant::now();
            let output = place.labrunner(&["lab", "lint"]).output().unwrap();
            assert!(matches!(output.status.code(), Some(0 | 2)), "{output:?}");
            began.elapsed().as_secs_f64()
        };
        lint.push((f64::from(count), repeated(read)));
    }
    let curve = |name, title, points| Curve { name, title, across: "labs", up: "seconds", points };
    [curve("labs-list", "`list`", list), curve("labs-lint", "`lab lint`", lint)]
}

/// Seconds of `history` when so many attempts are recorded.
pub fn records(labs: &Path) -> Curve {
    let mut points = Vec::new();
    let place = Place::new(labs);
    let mut there = 0;
    for count in [10, 100, 1000, 10_000] {
        let mut record = Record::open(&place.folder().join("state/record.db")).unwrap();
        for number in there..count {
            let attempt = NewAttempt {
                lab: "light".into(),
                instance: "bench".into(),
                began: format!("2026-01-01T00:{:02}:{:02}Z", number / 60 % 60, number % 60),
                ended: "2026-01-01T01:00:00Z".into(),
                seed: number,
                manifest: "{}".into(),
                images: "{}".into(),
                ..NewAttempt::default()
            };
            let verdict = NewVerdict {
                goal: "nothing".into(),
                verdict: Verdict::Passed,
                points: 1,
                already_true: false,
                message: None,
                detail: "[]".into(),
                took: Duration::from_millis(5),
            };
            record.add_attempt(&attempt, &[verdict]).unwrap();
        }
        there = count;
        drop(record);
        let history = || seconds(place.labrunner(&["history", "light", "--most", "20000"]));
        points.push((count as f64, repeated(history)));
    }
    Curve { name: "records", title: "`history`, all of it", across: "attempts", up: "seconds", points }
}

/// Seconds of `verify` for a check with so many steps.
pub fn steps() -> Curve {
    let mut points = Vec::new();
    for count in [1_usize, 50, 200, 500] {
        let mut place = Place::new(Path::new(""));
        place.labs = place.folder().join("labs");
        let lab = place.labs.join("month-01-steps");
        std::fs::create_dir_all(lab.join("tasks")).unwrap();
        std::fs::create_dir_all(lab.join("starter")).unwrap();
        std::fs::write(lab.join("README.md"), "A lab to measure.\n").unwrap();
        std::fs::write(lab.join("tasks/steps.md"), "Nothing to do.\n").unwrap();
        std::fs::write(lab.join("starter/notes.md"), "begun\n").unwrap();
        let step = "          - redis: { command: [INCR, seen] }\n";
        let mut text = String::new();
        let head = "format: 1\nid: steps\nslug: many-steps\ntitle: Steps\nmonth: 1\nservices:\n  redis: { image: \"redis:8\" }\n\
                    ready:\n  redis: { redis: { command: [PING] } }\ngoals:\n  - id: steps\n    title: Steps\n    \
                    roadmap: \"A bullet.\"\n    points: 1\n    hints: [a, b, c]\n    checks:\n      - name: all\n        steps:\n";
        write!(text, "{head}{}", step.repeat(count)).unwrap();
        std::fs::write(lab.join("lab.yaml"), text).unwrap();
        seconds(place.labrunner(&["start", "steps"]));
        points.push((count as f64, repeated(|| seconds(place.labrunner(&["verify", "steps"])))));
        seconds(place.labrunner(&["down", "steps"]));
    }
    Curve { name: "steps", title: "`verify` of one check", across: "steps", up: "seconds", points }
}
