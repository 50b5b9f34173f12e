//! What benches have in common: times of commands, medians with their intervals, rows of a table.

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

/// A row of a table: both medians in milliseconds, the median of the pairs' ratios and its interval. Takes seconds.
pub fn row(work: &str, ours: &[f64], theirs: &[f64]) {
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    let (low, high) = interval(&ratios);
    println!(
        "| {work} | {:.0} ms | {:.0} ms | {:.3} | {low:.3} to {high:.3} |",
        median(ours) * 1000.0,
        median(theirs) * 1000.0,
        median(&ratios)
    );
}
