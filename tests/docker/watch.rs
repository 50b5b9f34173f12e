//! `watch`, off a terminal: a line for what has changed, and only what a change concerns is judged.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::support::LabEnv;

/// A running `watch` and the lines that it writes.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(lab: &LabEnv, arguments: &[&str]) -> Self {
        let mut child = lab.spawn(arguments);
        let errors = child.stderr.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(errors).lines().map_while(Result::ok).for_each(|line| {
                let _ = sender.send(line);
            });
        });
        Self { child, lines }
    }

    /// Waits for a line; returns those that came before it.
    #[track_caller]
    fn comes_to_say(&self, words: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            match self.lines.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line.contains(words) => return before,
                Ok(line) => before.push(line),
                Err(_) => panic!("it never said `{words}`: {before:#?}"),
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_a_change_concerns_is_judged_again() {
    for poll in [false, true] {
        let lab = LabEnv::new("watch");
        assert_eq!(lab.run(&["start", "page"]).code, 0);
        let arguments: &[&str] = if poll { &["watch", "page", "--poll"] } else { &["watch", "page"] };
        let watching = Watching::start(&lab, arguments);
        watching.comes_to_say("greeting failed: the page does not say hello");
        lab.solve();
        watching.comes_to_say("greeting passed");
        watching.comes_to_say("after-crash passed");
        let path = lab.workspace().join("serve.py");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("hello", "farewell")).unwrap();
        watching.comes_to_say("greeting failed: the page does not say hello");
        // Nothing is lost by ending it anyhow: another command has the environment at once.
        drop(watching);
        assert_eq!(lab.run(&["verify", "page"]).code, 1);
        assert!(lab.attempts() >= 3);
    }
}
