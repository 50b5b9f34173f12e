//! `load`: requests at a constant rate, or the learner's Locust plan.
//!
//! The generator sends on schedule, whether earlier requests were answered or not, and counts each latency from the
//! moment the request was due: a server that stalls cannot hide it by being asked less (coordinated omission).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

use super::{Fields, Session, http, locust, wrong};
use crate::check::client;
use crate::check::world::{Observation, Unobservable, World};
use crate::lab::{ServiceName, duration};

/// Requests that may be unanswered at a time; what is due beyond waits, and the wait counts.
const UNANSWERED: usize = 1_000;
/// Errors of which the words are kept.
const WORDS: usize = 5;

pub(super) async fn observe<W: World>(
    fields: &Fields<'_>,
    world: &W,
    session: &Session,
    limit: Duration,
) -> Result<Observation, Unobservable> {
    if fields.get("locust").is_some() {
        return locust::observe(fields, world).await;
    }
    let rate = fields.get("rate").and_then(Value::as_f64).filter(|rate| *rate > 0.0 && *rate <= 10_000.0);
    let rate = rate.ok_or_else(|| Unobservable::Definition("`rate` has to be requests per second".into()))?;
    let (host, port, url) = http::target(&fields.required("url")?)?;
    let service = ServiceName::new(&host).map_err(|error| Unobservable::Definition(error.to_string()))?;
    let address = world.address(&service, port).await?;
    let client = client::builder(url.scheme())
        .redirect(reqwest::redirect::Policy::none())
        .timeout(limit)
        .resolve(url.host_str().unwrap_or(&host), address)
        .build()
        .map_err(|error| Unobservable::Machine(format!("no HTTP client: {error}")))?;
    let method = fields.text("method")?.unwrap_or_else(|| "GET".into());
    let method = reqwest::Method::from_bytes(method.as_bytes())
        .map_err(|_| wrong("method", "an HTTP method", &method.into()))?;
    let mut request = http::request(&client, method, &url, address.port(), fields)?;
    if let Some(body) = fields.get("json") {
        request = request.json(body);
    }
    let request =
        request.build().map_err(|error| Unobservable::Definition(format!("the request cannot be made: {error}")))?;
    let generator = Generator { client, request, rate, lasts: lasts(fields)? };
    let measured = generator.run(session.ended.clone()).await;
    if measured.tally.latencies.is_empty() && measured.sent > 0 {
        let what = format!("not one of {} requests was answered: {}", measured.sent, measured.tally.words.join("; "));
        return Err(Unobservable::Service { service, what });
    }
    Ok(measured.observation())
}

/// How long a load lasts by itself; `None` is as long as its `meanwhile`.
pub(super) fn lasts(fields: &Fields<'_>) -> Result<Option<Duration>, Unobservable> {
    let Some(text) = fields.text("duration")? else { return Ok(None) };
    let parsed = duration::parse(&text).filter(|duration| !duration.is_zero());
    parsed.map(Some).ok_or_else(|| wrong("duration", "a time such as `10s`", &text.into()))
}

struct Generator {
    client: reqwest::Client,
    request: reqwest::Request,
    /// Per second.
    rate: f64,
    lasts: Option<Duration>,
}

#[derive(Default)]
struct Tally {
    /// Seconds, of answered requests.
    latencies: Vec<f64>,
    statuses: BTreeMap<u16, u64>,
    unanswered: u64,
    words: Vec<String>,
}

impl Generator {
    async fn run(&self, ended: Option<tokio::sync::watch::Receiver<bool>>) -> Measured {
        let tally = Arc::new(Mutex::new(Tally::default()));
        let places = Arc::new(Semaphore::new(UNANSWERED));
        let mut tasks = tokio::task::JoinSet::new();
        let began = Instant::now();
        let mut sent = 0_u32;
        loop {
            let due = began + Duration::from_secs_f64(f64::from(sent) / self.rate);
            let over = match (self.lasts, &ended) {
                (Some(lasts), _) => due >= began + lasts,
                (None, Some(ended)) => *ended.borrow(),
                (None, None) => true,
            };
            if over {
                break;
            }
            sleep_until(due).await;
            let Some(request) = self.request.try_clone() else { break };
            let (client, tally, places) = (self.client.clone(), tally.clone(), places.clone());
            tasks.spawn(async move {
                let _place = places.acquire().await;
                let outcome = async { client.execute(request).await?.bytes_and_status().await }.await;
                let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                match outcome {
                    Ok(status) => {
                        tally.latencies.push(due.elapsed().as_secs_f64());
                        *tally.statuses.entry(status).or_default() += 1;
                    }
                    Err(error) => {
                        tally.unanswered += 1;
                        let words = http::causes(&error);
                        if tally.words.len() < WORDS && !tally.words.contains(&words) {
                            tally.words.push(words);
                        }
                    }
                }
            });
            sent += 1;
        }
        let took = began.elapsed().as_secs_f64();
        while tasks.join_next().await.is_some() {}
        let tally = std::mem::take(&mut *tally.lock().unwrap_or_else(PoisonError::into_inner));
        Measured { sent: u64::from(sent), took, tally }
    }
}

/// The whole answer is read: a body that never ends is no answer.
trait Whole {
    async fn bytes_and_status(self) -> Result<u16, reqwest::Error>;
}

impl Whole for reqwest::Response {
    async fn bytes_and_status(mut self) -> Result<u16, reqwest::Error> {
        let status = self.status().as_u16();
        while self.chunk().await?.is_some() {}
        Ok(status)
    }
}

struct Measured {
    sent: u64,
    /// Seconds in which requests were sent.
    took: f64,
    tally: Tally,
}

impl Measured {
    fn observation(mut self) -> Observation {
        self.tally.latencies.sort_by(f64::total_cmp);
        let wrong: u64 = self.tally.statuses.iter().filter(|(status, _)| **status >= 400).map(|(_, count)| count).sum();
        let errors = wrong + self.tally.unanswered;
        let latencies = &self.tally.latencies;
        let statuses: serde_json::Map<String, Value> =
            self.tally.statuses.iter().map(|(status, count)| (status.to_string(), (*count).into())).collect();
        let fields = json!({
            "requests": self.sent,
            "errors": errors,
            "error_rate": if self.sent == 0 { 0.0 } else { errors as f64 / self.sent as f64 },
            "rate": if self.took > 0.0 { self.sent as f64 / self.took } else { 0.0 },
            "unanswered": self.tally.unanswered,
            "p50": percentile(latencies, 50.0),
            "p90": percentile(latencies, 90.0),
            "p95": percentile(latencies, 95.0),
            "p99": percentile(latencies, 99.0),
            "max": latencies.last(),
            "words": self.tally.words.join("; "),
        });
        Observation::new(fields, json!({ "statuses": statuses }))
    }
}

/// Nearest rank, of sorted values; `None` of nothing.
pub(super) fn percentile(sorted: &[f64], percent: f64) -> Option<f64> {
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&values, 50.0), Some(50.0));
        assert_eq!(percentile(&values, 99.0), Some(99.0));
        assert_eq!(percentile(&values, 100.0), Some(100.0));
        assert_eq!(percentile(&[7.0], 95.0), Some(7.0));
        assert_eq!(percentile(&[], 95.0), None);
    }
}
