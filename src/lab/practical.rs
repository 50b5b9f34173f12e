//! A timed practical over the year: what is drawn, how it went, what is to be done again. Pure.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A goal that can be asked for: one that was reached before.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub lab: String,
    pub goal: String,
    pub title: String,
    /// Rounds in which it failed before it passed for the first time.
    pub failures: usize,
    pub hints: u32,
    /// Since it last passed.
    pub weeks: f64,
    /// It fails now.
    pub lapsed: bool,
}

impl Candidate {
    /// How much there is to be shown. What was hard, needed hints, is long ago or fails again comes up more often.
    fn weight(&self) -> f64 {
        let hard = self.failures.min(8) as f64;
        let helped = 2.0 * f64::from(self.hints.min(3));
        let old = (self.weeks / 4.0).clamp(0.0, 6.0);
        1.0 + hard + helped + old + if self.lapsed { 4.0 } else { 0.0 }
    }
}

/// Draws `count` of them by their weights, the same ones for the same seed. Whatever was drawn from makes its lab half
/// as likely: it is the year that is asked for.
pub fn draw(candidates: &[Candidate], count: usize, seed: u64) -> Vec<Candidate> {
    let mut left: Vec<(f64, &Candidate)> = candidates.iter().map(|one| (one.weight(), one)).collect();
    let mut state = seed;
    let mut drawn = Vec::new();
    while drawn.len() < count && !left.is_empty() {
        let all: f64 = left.iter().map(|(weight, _)| weight).sum();
        let mut point = fraction(&mut state) * all;
        let chosen = left.iter().position(|(weight, _)| {
            point -= weight;
            point < 0.0
        });
        let (_, chosen) = left.remove(chosen.unwrap_or(left.len() - 1));
        left.iter_mut().filter(|(_, one)| one.lab == chosen.lab).for_each(|(weight, _)| *weight /= 2.0);
        drawn.push(chosen.clone());
    }
    drawn
}

/// From 0 up to 1 (SplitMix64).
fn fraction(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// What became of a goal that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Passed,
    /// Skipped by the learner.
    Skipped,
    /// The time was over.
    Late,
}

/// One goal of a practical.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub lab: String,
    pub goal: String,
    pub title: String,
    /// Rounds of judging.
    pub tries: u32,
    pub began: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub outcome: Option<Outcome>,
}

/// A practical, going on or over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Practical {
    pub began: Timestamp,
    pub minutes: u32,
    pub seed: u64,
    pub parts: Vec<Part>,
}

impl Practical {
    /// Begins now with what was drawn.
    pub fn new(drawn: &[Candidate], minutes: u32, seed: u64, now: Timestamp) -> Self {
        let part = |one: &Candidate| Part {
            lab: one.lab.clone(),
            goal: one.goal.clone(),
            title: one.title.clone(),
            tries: 0,
            began: None,
            ended: None,
            outcome: None,
        };
        Self { began: now, minutes, seed, parts: drawn.iter().map(part).collect() }
    }

    /// Time that is left; zero when it is over.
    pub fn left(&self, now: Timestamp) -> SignedDuration {
        let whole = SignedDuration::from_mins(i64::from(self.minutes));
        (whole - now.duration_since(self.began)).max(SignedDuration::ZERO)
    }

    /// The goal that is asked for now.
    pub fn current(&mut self, now: Timestamp) -> Option<&mut Part> {
        if self.left(now).is_zero() {
            let open = self.parts.iter_mut().filter(|part| part.outcome.is_none());
            open.for_each(|part| part.outcome = Some(Outcome::Late));
        }
        let part = self.parts.iter_mut().find(|part| part.outcome.is_none())?;
        part.began.get_or_insert(now);
        Some(part)
    }

    /// Its number, counted from 1, of how many.
    pub fn place(&self) -> (usize, usize) {
        let done = self.parts.iter().filter(|part| part.outcome.is_some()).count();
        ((done + 1).min(self.parts.len()), self.parts.len())
    }

    /// When it was over: with its last goal, or with its time.
    pub fn ended(&self) -> Timestamp {
        let late = self.began + SignedDuration::from_mins(i64::from(self.minutes));
        let all = self.parts.iter().map(|part| part.ended);
        all.collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max()).map_or(late, |end| end.min(late))
    }

    /// Goals that were not shown.
    pub fn gaps(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.outcome != Some(Outcome::Passed))
    }
}

/// A practical that is over, as a check sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    pub ended: Timestamp,
    /// That there were.
    pub minutes: u32,
    pub goals: Vec<TakenGoal>,
}

/// A goal of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TakenGoal {
    pub lab: String,
    pub goal: String,
    pub outcome: Outcome,
    /// It has passed since.
    #[serde(default)]
    pub redone: bool,
}

/// Where checks know practicals from.
#[derive(Debug, Clone, PartialEq)]
pub enum Practicals {
    /// The learner's record.
    Recorded(Vec<Taken>),
    /// A proof: each variant says what its record holds, in [`Practicals::FILE`] of its workspace.
    OfVariant,
}

impl Practicals {
    /// A list of [`Taken`], as JSON.
    pub const FILE: &str = ".practicals.json";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn candidate(lab: &str, goal: &str) -> Candidate {
        let (lab, goal) = (lab.to_owned(), goal.to_owned());
        Candidate { title: goal.clone(), lab, goal, failures: 0, hints: 0, weeks: 0.0, lapsed: false }
    }

    #[test]
    fn the_weak_and_the_old_come_up_more_often_and_the_year_comes_up_as_a_whole() {
        let mut all: Vec<Candidate> = (1..=4)
            .flat_map(|lab| (1..=5).map(move |goal| candidate(&format!("m{lab}"), &format!("g{goal}"))))
            .collect();
        all[7].failures = 5;
        all[7].hints = 2;
        all[12].weeks = 40.0;
        let mut times: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut labs = 0;
        for seed in 0..400 {
            let drawn = draw(&all, 4, seed);
            assert_eq!(drawn, draw(&all, 4, seed));
            assert_eq!(drawn.len(), 4);
            labs += drawn.iter().map(|one| &one.lab).collect::<std::collections::BTreeSet<_>>().len();
            drawn.into_iter().for_each(|one| *times.entry((one.lab, one.goal)).or_default() += 1);
        }
        let of = |index: usize| times[&(all[index].lab.clone(), all[index].goal.clone())];
        assert!(of(7) > 2 * of(0) && of(12) > 2 * of(0), "{times:?}");
        assert!(labs > 400 * 5 / 2, "{labs} labs in 400 draws of four");
        assert!(times.len() == 20, "everything comes up some time: {times:?}");
        assert_eq!(draw(&all[..2], 4, 1).len(), 2);
    }

    #[test]
    fn a_practical_goes_on_until_it_is_done_or_late() {
        let start: Timestamp = "2026-12-01T10:00:00Z".parse().unwrap();
        let minute = |count: i64| start + SignedDuration::from_mins(count);
        let drawn = [candidate("m1", "a"), candidate("m2", "b"), candidate("m3", "c")];
        let mut practical = Practical::new(&drawn, 60, 7, start);
        assert_eq!(practical.place(), (1, 3));
        let part = practical.current(minute(1)).unwrap();
        part.outcome = Some(Outcome::Passed);
        assert_eq!(practical.current(minute(20)).unwrap().goal, "b");
        assert_eq!(practical.left(minute(20)).as_mins(), 40);
        assert_eq!(practical.current(minute(50)).unwrap().began, Some(minute(20)));
        assert_eq!(practical.current(minute(61)), None);
        let gaps: Vec<&str> = practical.gaps().map(|part| part.goal.as_str()).collect();
        assert_eq!(gaps, ["b", "c"]);
        assert_eq!(practical.parts[2].outcome, Some(Outcome::Late));
    }
}
