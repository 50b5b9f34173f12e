//! `practical`: the learner's timed practicals, as the record has them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Fields;
use crate::check::world::{Observation, Unobservable, World};
use crate::lab::practical::{Outcome, Taken, TakenGoal};

pub(super) fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let least = fields.number("goals")?.unwrap_or(1);
    let mut taken = world.practicals()?;
    taken.retain(|one| i64::try_from(one.goals.len()).is_ok_and(|goals| goals >= least));
    Ok(seen(&taken))
}

fn seen(taken: &[Taken]) -> Observation {
    let none = Vec::new();
    let goals = taken.last().map_or(&none, |last| &last.goals);
    let named = |one: &TakenGoal| format!("{}/{}", one.lab, one.goal);
    let gaps = || goals.iter().filter(|one| one.outcome != Outcome::Passed);
    let passed = goals.len() - gaps().count();
    let fields = json!({
        "taken": taken.len(),
        "goals": goals.len(),
        "passed": passed,
        "share": if goals.is_empty() { 0.0 } else { passed as f64 / goals.len() as f64 },
        "labs": goals.iter().map(|one| &one.lab).collect::<BTreeSet<_>>().len(),
        "minutes": taken.last().map_or(0, |last| last.minutes),
        "gaps": gaps().map(named).collect::<Vec<_>>(),
        "open": gaps().filter(|one| !one.redone).map(named).collect::<Vec<_>>(),
    });
    Observation::new(fields, serde_json::to_value(taken).unwrap_or(Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(lab: &str, goal: &str, outcome: Outcome, redone: bool) -> TakenGoal {
        TakenGoal { lab: lab.into(), goal: goal.into(), outcome, redone }
    }

    #[test]
    fn gaps_are_open_until_they_pass() {
        let ended = "2026-12-01T12:00:00Z".parse().unwrap();
        let goals = vec![
            goal("month-1", "non-root", Outcome::Passed, false),
            goal("month-3", "wired", Outcome::Late, true),
            goal("month-3", "retries", Outcome::Skipped, false),
            goal("month-7", "lag", Outcome::Passed, true),
        ];
        let observed = seen(&[Taken { ended, minutes: 90, goals }]);
        let field = |name: &str| observed.fields[name].clone();
        assert_eq!((field("taken"), field("goals"), field("passed")), (json!(1), json!(4), json!(2)));
        assert_eq!((field("share"), field("labs"), field("minutes")), (json!(0.5), json!(3), json!(90)));
        assert_eq!(field("gaps"), json!(["month-3/wired", "month-3/retries"]));
        assert_eq!(field("open"), json!(["month-3/retries"]));
        assert_eq!(observed.main[0]["goals"][1]["outcome"], "late");
    }

    #[test]
    fn nothing_taken_is_nothing_shown() {
        let observed = seen(&[]);
        assert_eq!((&observed.fields["taken"], &observed.fields["share"]), (&json!(0), &json!(0.0)));
        assert_eq!(observed.fields["gaps"], json!([]));
    }
}
