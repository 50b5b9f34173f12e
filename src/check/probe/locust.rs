//! The learner's Locust plan, headless, inside the service's container; its JSON statistics are read.

use serde_json::{Value, json};

use super::load::{lasts, percentile};
use super::{Fields, python};
use crate::check::world::{Observation, Unobservable, World};

const PROGRAM: &str = include_str!("locust.py");
const MARK: &str = "labrunner-locust:";

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let service = fields.service()?;
    let lasts = lasts(fields)?.ok_or_else(|| Unobservable::Definition("a Locust plan needs `duration`".into()))?;
    let users = fields.number("users")?.unwrap_or(1);
    let wanted = json!({
        "file": fields.required("locust")?,
        "users": users,
        "spawn_rate": fields.number("spawn_rate")?.unwrap_or(users),
        "seconds": lasts.as_secs().max(1),
        "host": fields.text("host")?,
    });
    let arguments = [wanted.to_string()];
    let answer = python::answer(world, &service, PROGRAM, &arguments, MARK, "the Locust plan cannot be run").await?;
    Ok(observation(&answer))
}

/// Locust counts latencies in milliseconds, in a map from rounded latency to how often it was seen.
fn observation(answer: &Value) -> Observation {
    let entries = answer["entries"].as_array().cloned().unwrap_or_default();
    let sum = |key: &str| -> f64 { entries.iter().filter_map(|entry| entry[key].as_f64()).sum() };
    let (requests, errors) = (sum("num_requests"), sum("num_failures"));
    let mut latencies: Vec<f64> = entries
        .iter()
        .filter_map(|entry| entry["response_times"].as_object())
        .flatten()
        .filter_map(|(latency, count)| Some((latency.parse::<f64>().ok()? / 1000.0, count.as_u64()?)))
        .flat_map(|(latency, count)| std::iter::repeat_n(latency, usize::try_from(count.min(1_000_000)).unwrap_or(0)))
        .collect();
    latencies.sort_by(f64::total_cmp);
    let first = entries.iter().filter_map(|entry| entry["start_time"].as_f64()).fold(f64::INFINITY, f64::min);
    let last = entries.iter().filter_map(|entry| entry["last_request_timestamp"].as_f64()).fold(0.0, f64::max);
    let took = (last - first).max(0.0);
    let fields = json!({
        "requests": requests as u64,
        "errors": errors as u64,
        "error_rate": if requests > 0.0 { errors / requests } else { 0.0 },
        "rate": if took > 0.0 { requests / took } else { 0.0 },
        "code": answer["code"],
        "p50": percentile(&latencies, 50.0),
        "p90": percentile(&latencies, 90.0),
        "p95": percentile(&latencies, 95.0),
        "p99": percentile(&latencies, 99.0),
        "max": latencies.last(),
        "words": answer["stderr"],
    });
    Observation::new(fields, entries.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_all_requests_are_put_together() {
        let entry = |latency: &str, count: u64, failed: u64| {
            json!({ "num_requests": count, "num_failures": failed, "response_times": { latency: count },
                    "start_time": 10.0, "last_request_timestamp": 14.0 })
        };
        let seen = observation(&json!({ "code": 0, "entries": [entry("100", 3, 0), entry("900", 1, 1)] }));
        assert_eq!(seen.fields["requests"], 4);
        assert_eq!(seen.fields["error_rate"], 0.25);
        assert_eq!(seen.fields["p50"], 0.1);
        assert_eq!(seen.fields["max"], 0.9);
        assert_eq!(seen.fields["rate"], 1.0);
    }
}
