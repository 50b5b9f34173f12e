//! The variants of a lab's workspace, and what judging each has to give.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::command::Failure;
use crate::lab::report::LabReport;
use crate::lab::{GoalId, Lab, Verdict};
use crate::workspace::solution::Solution;
use crate::workspace::tree::Tree;

/// A variant of the workspace and what judging it has to give.
pub(super) struct Variant {
    pub name: String,
    pub files: Tree,
    pub must: BTreeMap<GoalId, Must>,
    /// The goals that it is about, with all that they require; `None` where it is about every goal.
    about: Option<BTreeSet<GoalId>>,
}

impl Variant {
    /// The goals that are judged in a round.
    ///
    /// The first judges every goal of every variant. Later ones look for flakes: a goal that passes is judged again in
    /// the solution and in whatever is right as well, one that fails where it has to fail.
    pub fn asked(&self, round: usize) -> BTreeSet<GoalId> {
        match &self.about {
            Some(about) if round > 1 => about.clone(),
            _ => self.must.keys().cloned().collect(),
        }
    }

    /// Digest of all that decides what its cell has to be and what it is.
    pub fn key(&self, judged_by: &str) -> String {
        let hash = Sha256::digest(format!("{judged_by} {} {} {:?}", self.name, self.files.hash(), self.must));
        hex::encode(&hash[..8])
    }
}

#[derive(Debug, Clone)]
pub(super) enum Must {
    Pass,
    /// With these words in a message, if any are given.
    Fail(Option<String>),
    Blocked,
    /// Anything but passing.
    NotPass,
    /// Whatever.
    Free,
}

/// What of a report is not as it has to be.
pub(super) fn wrongs(must: &BTreeMap<GoalId, Must>, asked: &BTreeSet<GoalId>, report: &LabReport) -> Vec<String> {
    let unjudged = asked.iter().filter(|goal| !report.goals.iter().any(|one| one.goal == **goal));
    let mut wrong: Vec<String> = unjudged.map(|goal| format!("{goal}: was not judged")).collect();
    for goal in &report.goals {
        let messages: Vec<&str> = goal
            .checks
            .iter()
            .filter_map(|check| check.failure.as_ref())
            .map(|failure| failure.message.as_str())
            .collect();
        let seen = || {
            let observed = goal
                .checks
                .iter()
                .filter_map(|check| check.failure.as_ref())
                .filter_map(|failure| failure.observed.as_deref());
            let evidence =
                goal.checks.iter().filter_map(|check| check.failure.as_ref()).flat_map(|failure| &failure.evidence);
            let parts: Vec<&str> =
                messages.iter().copied().chain(observed).chain(evidence.map(String::as_str)).collect();
            shorten(&parts.join(" | "))
        };
        let expected = match must.get(&goal.goal).unwrap_or(&Must::Free) {
            _ if goal.verdict == Verdict::Defect => "no defect",
            _ if goal.verdict == Verdict::Undecided => "a decision",
            Must::Pass if goal.verdict != Verdict::Passed => "passed",
            Must::Fail(_) if goal.verdict != Verdict::Failed => "failed",
            Must::Fail(Some(words)) if !messages.iter().any(|message| message.contains(words.as_str())) => {
                wrong.push(format!("{}: failed, but not with the words \"{words}\": {}", goal.goal, seen()));
                continue;
            }
            Must::Blocked if goal.verdict != Verdict::Blocked => "blocked",
            Must::NotPass if goal.verdict == Verdict::Passed => "not passed",
            _ => continue,
        };
        wrong.push(format!("{}: {}, expected {expected}: {}", goal.goal, goal.verdict, seen()));
    }
    wrong
}

/// Enough to recognise the trouble; running the cell again shows all of it.
fn shorten(text: &str) -> String {
    let line: String = text.replace('\n', " ").chars().take(400).collect();
    if line.len() < text.len() { format!("{line}…") } else { line }
}

/// Every variant of a lab.
///
/// # Errors
/// The solution or a variant does not fit the starter.
pub(super) fn variants(lab: &Lab) -> Result<Vec<Variant>, Failure> {
    let solution = Solution::read(&lab.folder, &lab.starter)?;
    let goals: Vec<GoalId> = lab.goals.iter().map(|goal| goal.id.clone()).collect();
    let all: BTreeSet<GoalId> = goals.iter().cloned().collect();
    let whole = solution.render(&goals, &all)?;
    let every =
        |must: Must| -> BTreeMap<GoalId, Must> { goals.iter().map(|goal| (goal.clone(), must.clone())).collect() };
    let starter = lab
        .goals
        .iter()
        .map(|goal| (goal.id.clone(), if goal.requires.is_empty() { Must::Fail(None) } else { Must::NotPass }))
        .collect();
    let mut variants = vec![
        Variant { name: "starter".into(), files: solution.starter().clone(), must: starter, about: None },
        Variant { name: "solution".into(), files: whole.clone(), must: every(Must::Pass), about: None },
    ];
    for goal in &goals {
        let without: BTreeSet<GoalId> = all.iter().filter(|one| *one != goal).cloned().collect();
        let files = solution.render(&goals, &without)?;
        if files == whole {
            continue;
        }
        let mut must = every(Must::Pass);
        dependants(lab, goal).into_iter().for_each(|one| drop(must.insert(one, Must::Blocked)));
        must.insert(goal.clone(), Must::Fail(None));
        let about = Some(with_required(lab, [goal]));
        variants.push(Variant { name: format!("minus {goal}"), files, must, about });
    }
    for miss in &solution.near_misses {
        let mut must = every(Must::Pass);
        for goal in miss.fails.keys().filter_map(|goal| lab.goal(goal)) {
            dependants(lab, &goal.id).into_iter().for_each(|one| drop(must.insert(one, Must::Free)));
        }
        for (goal, words) in &miss.fails {
            if let Some(goal) = lab.goal(goal) {
                must.insert(goal.id.clone(), Must::Fail(Some(words.clone())));
            }
        }
        variants.push(Variant {
            name: format!("near miss {}", miss.name),
            files: solution.changed(&whole, &miss.changes())?,
            must,
            about: Some(with_required(lab, miss.fails.keys().filter_map(|goal| Some(&lab.goal(goal)?.id)))),
        });
    }
    for right in &solution.also_right {
        let files = solution.changed(&whole, &right.changes())?;
        variants.push(Variant {
            name: format!("also right {}", right.name),
            files,
            must: every(Must::Pass),
            about: None,
        });
    }
    Ok(variants)
}

/// Goals, and those that they require, directly or not.
fn with_required<'l>(lab: &'l Lab, goals: impl IntoIterator<Item = &'l GoalId>) -> BTreeSet<GoalId> {
    let mut waiting: Vec<&GoalId> = goals.into_iter().collect();
    let mut found = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if found.insert(id.clone()) {
            waiting.extend(lab.goals.iter().filter(|goal| goal.id == *id).flat_map(|goal| &goal.requires));
        }
    }
    found
}

/// The goals that require `goal`, directly or not.
fn dependants(lab: &Lab, goal: &GoalId) -> BTreeSet<GoalId> {
    let mut found: BTreeSet<GoalId> = BTreeSet::new();
    loop {
        let more: Vec<GoalId> = lab
            .goals
            .iter()
            .filter(|one| {
                !found.contains(&one.id)
                    && one.requires.iter().any(|required| required == goal || found.contains(required))
            })
            .map(|one| one.id.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}
