//! `lab prove`: the lab judged against its own starter, solution and variants, in environments of its own.

mod ledger;
pub mod proof;
mod room;
mod variants;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::app::App;
use super::throwaway::{Purpose, sweep};
use super::verify::fresh_seed;
use super::{Failure, Outcome, exit_code};
use crate::event::Event;
use crate::lab::view::{CellRow, ProveView, View};
use crate::lab::{Lab, Verdict};
use ledger::{Known, Ledger};
use room::Room;
use variants::Variant;

/// What proving was asked to do.
#[derive(Debug, Clone, Default)]
pub struct ProveRequest {
    pub repeat: usize,
    /// Cells start until then; those left over are listed.
    pub budget: Option<Duration>,
    /// Only variants whose names contain this.
    pub only: Option<String>,
    /// Environments that work side by side; chosen by the lab and this machine when not given.
    pub jobs: Option<usize>,
    /// Write `proof.json` into the lab.
    pub write: bool,
    /// The rounds come on top of those of the lab's proof.
    pub add: bool,
    /// Forget what is known from a run that was cut off.
    pub fresh: bool,
}

/// Cells wait for their services more than they compute, and a machine of one core can still do two things; but where
/// one measures, another beside it is what is measured.
fn default_jobs(lab: &Lab) -> usize {
    if lab.measures() {
        return 1;
    }
    std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4))
}

/// Proves labs, one after the other; the budget is for all of them.
///
/// # Errors
/// A lab has mistakes or the engine refuses. A wrong cell is no error: it is in the view, and exit code 1.
pub async fn prove(app: &App, names: &[String], request: &ProveRequest) -> Result<Outcome, Failure> {
    let until = request.budget.map(|budget| Instant::now() + budget);
    let mut labs = Vec::new();
    for name in names {
        labs.push(prove_one(app, name, request, until).await?);
    }
    let code = if labs.iter().all(is_right) { exit_code::OK } else { exit_code::FAILED };
    Ok(Outcome { code, view: View::Prove { labs } })
}

fn is_right(view: &ProveView) -> bool {
    view.cells.iter().all(|cell| cell.wrong.is_empty()) && view.left.is_empty()
}

async fn prove_one(
    app: &App,
    name: &str,
    request: &ProveRequest,
    until: Option<Instant>,
) -> Result<ProveView, Failure> {
    let began = Instant::now();
    let outline = app.choose(Some(name))?;
    let engine = super::doctor::engine(app).await?;
    sweep(app, &engine, Purpose::Prove).await?;
    let first = Room::new(app, &engine, &outline)?;
    let lab = first.opened().lab.clone();
    let mut variants = variants::variants(&lab)?;
    if let Some(only) = &request.only {
        variants.retain(|variant| variant.name.contains(only.as_str()));
        if variants.is_empty() {
            return Err(Failure::usage(format!("no variant is called like `{only}`")));
        }
    }
    // Once for all rooms, which would otherwise build the same side by side.
    super::images::fetch(app, Some(name), app.policy).await?;
    let digest = proof::provable_digest(&lab)?;
    let proof = if request.add { Some(proof::read(&lab, &digest)?) } else { None };
    let names = variants.iter().map(|variant| variant.name.as_str());
    let before = proof.as_ref().map_or(0, |proof| proof.rounds(names));
    let proven = |round: usize, variant: &Variant| proof.as_ref().is_some_and(|proof| proof.has(round, &variant.name));
    let path = app.state.join("prove").join(format!("{}.json", lab.id));
    // A run of some variants is no part of a whole one.
    let mut ledger = Ledger::open(request.only.is_none().then_some(&path), request.fresh, request.write);
    let judged_by = proof::judging_digest(&lab)?;
    let rounds = before + 1..=before + request.repeat.max(1);
    let cells = rounds.flat_map(|round| variants.iter().map(move |one| (round, one)));
    let (mut waiting, mut known) = (VecDeque::new(), Vec::new());
    for (round, variant) in cells.filter(|(round, variant)| !proven(*round, variant)) {
        match ledger.take(&variant.key(&judged_by), round) {
            Some(cell) => known.push(cell),
            None => waiting.push_back((round, variant)),
        }
    }
    if !known.is_empty() {
        let text = format!("{} cells are known from an earlier run; `--fresh` would judge them anew", known.len());
        app.sink.emit(Event::Note { text });
    }
    ledger.begin(known);
    if request.budget.is_some() && !waiting.is_empty() {
        // Runs that never get to the end begin elsewhere each time, so that together they judge every variant.
        let first = fresh_seed() as usize % waiting.len();
        waiting.rotate_left(first);
    }
    let jobs = request.jobs.unwrap_or_else(|| default_jobs(&lab)).clamp(1, waiting.len().max(1));
    let queue = Queue { waiting: Mutex::new(waiting), until, judged_by, ledger: Mutex::new(ledger) };
    let mut rooms = vec![first];
    for _ in 1..jobs {
        rooms.push(Room::new(app, &engine, &outline)?);
    }
    let work = rooms.into_iter().map(|room| async {
        let worked = queue.work(app, &room).await;
        // Whatever happened, the room is left as it was found.
        let left = room.close().await;
        worked.and(left)
    });
    let mut left = Vec::new();
    for result in futures_util::future::join_all(work).await {
        left.extend(result?);
    }
    // What a killed run had asked the engine for may have come only after the first look.
    sweep(app, &engine, Purpose::Prove).await?;
    let not_run: Vec<String> =
        lock(&queue.waiting).iter().map(|(round, one)| format!("{} (round {round})", one.name)).collect();
    let mut ledger = queue.ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut cells = ledger.cells();
    let place = |cell: &CellRow| (cell.round, variants.iter().position(|one| one.name == cell.variant));
    cells.sort_by_key(place);
    let checks =
        lab.goals.iter().flat_map(|goal| goal.checks.iter().map(|one| (goal.id.to_string(), one.name.clone())));
    // What is true of all cells is not known of some of them; those of earlier runs count, too.
    let unproven = |pair: &(String, String)| match &proof {
        Some(earlier) => earlier.never_failed.contains(pair),
        None => request.only.is_none() && not_run.is_empty(),
    };
    let view = ProveView {
        lab: lab.id.to_string(),
        goals: lab.goals.iter().map(|goal| goal.id.to_string()).collect(),
        never_failed: checks.filter(|pair| unproven(pair) && !ledger.failed_somewhere(pair)).collect(),
        cells,
        left,
        not_run,
        jobs,
        took: milliseconds(began),
    };
    // Rounds are added cell by cell: a proof that was whole before stays whole.
    if is_right(&view) && (view.not_run.is_empty() || request.add) && request.only.is_none() {
        if request.write {
            proof::write(&lab, &digest, &view, proof)?;
            ledger.forget();
        } else {
            ledger.finish()?;
            let text = "no proof was written; the same command with `--write` writes it without judging again".into();
            app.sink.emit(Event::Note { text });
        }
    }
    Ok(view)
}

/// The cells that wait, and what came of those that were run.
struct Queue<'v> {
    waiting: Mutex<VecDeque<(usize, &'v Variant)>>,
    until: Option<Instant>,
    /// Digest of what judges.
    judged_by: String,
    ledger: Mutex<Ledger>,
}

impl Queue<'_> {
    /// Takes cells until there are none, or no time.
    async fn work(&self, app: &App, room: &Room<'_>) -> Result<(), Failure> {
        loop {
            if self.until.is_some_and(|until| Instant::now() > until) {
                return Ok(());
            }
            let Some((round, variant)) = lock(&self.waiting).pop_front() else { return Ok(()) };
            let (row, report) = match room.cell(variant, round).await {
                Ok(done) => done,
                Err(failure) => {
                    // The others need not go on: the whole run has failed.
                    lock(&self.waiting).clear();
                    return Err(failure);
                }
            };
            let state = if row.wrong.is_empty() { "right" } else { "WRONG" };
            let wrong: String = row.wrong.iter().map(|line| format!("\n    {line}")).collect();
            let took = Duration::from_millis(row.took).as_secs_f64();
            let text = format!("{state}: {} (round {round}, {took:.1} s){wrong}", row.variant);
            let failed = report.goals.iter().flat_map(|goal| {
                let failed = goal.checks.iter().filter(|check| check.verdict == Verdict::Failed);
                failed.map(|check| (goal.goal.to_string(), check.name.clone()))
            });
            let known = Known { key: variant.key(&self.judged_by), cell: row, failed: failed.collect() };
            lock(&self.ledger).add(known)?;
            // Told when it is kept: whoever stops the run now has lost nothing.
            app.sink.emit(Event::Note { text });
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn milliseconds(began: Instant) -> u64 {
    began.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
}
