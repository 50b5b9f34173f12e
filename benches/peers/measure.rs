//! Times of commands, medians with their intervals, rows of the table.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A command, run to its end without output; panics when it fails.
pub fn timed(mut command: Command) -> Duration {
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output().unwrap();
    let took = began.elapsed();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    took
}

/// As [`timed`], in seconds.
pub fn seconds(command: Command) -> f64 {
    timed(command).as_secs_f64()
}

/// The middle of the values.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// The 95 % interval of the median, by resampling.
fn interval(values: &[f64]) -> (f64, f64) {
    let mut state: u64 = 1;
    let mut medians: Vec<f64> = (0..2000)
        .map(|_| {
            let sample: Vec<f64> = (0..values.len())
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    values[(state >> 33) as usize % values.len()]
                })
                .collect();
            median(&sample)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    (medians[50], medians[1949])
}

/// Runs the same work by both, `pairs` times in turn; returns the seconds of each.
pub fn in_turn(pairs: usize, mut ours: impl FnMut() -> f64, mut theirs: impl FnMut() -> f64) -> (Vec<f64>, Vec<f64>) {
    let (mut us, mut them) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        // Who goes first changes, so that neither always finds the machine warm.
        if pair % 2 == 0 {
            us.push(ours());
            them.push(theirs());
        } else {
            them.push(theirs());
            us.push(ours());
        }
    }
    (us, them)
}

/// One row: what was measured, in seconds, and what is wanted of the median of the pairs' ratios.
pub struct Row {
    pub work: String,
    pub ours: Vec<f64>,
    pub theirs: Vec<f64>,
    /// Who the other is.
    pub other: &'static str,
    /// At most; `None` is only told.
    pub goal: Option<f64>,
}

impl Row {
    /// The line of the table.
    pub fn line(&self) -> String {
        let ratios: Vec<f64> = self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect();
        let (low, high) = interval(&ratios);
        let ratio = median(&ratios);
        let reached = self.goal.map_or("", |goal| if ratio <= goal { "yes" } else { "**no**" });
        let goal = self.goal.map_or_else(String::new, |goal| format!("≤ {goal:.2}"));
        format!(
            "| {} | {} | {} | {} | {ratio:.3} | {low:.3} to {high:.3} | {goal} | {reached} |",
            self.work,
            milliseconds(median(&self.ours)),
            self.other,
            milliseconds(median(&self.theirs)),
        )
    }
}

/// The head of the table.
pub const HEAD: &str = "| work | labrunner | the other | it took | ratio | 95 % interval | goal | reached |\n\
                        | --- | --- | --- | --- | --- | --- | --- | --- |";

fn milliseconds(seconds: f64) -> String {
    format!("{:.*} ms", usize::from(seconds < 0.02), seconds * 1000.0)
}
