//! A month in retrospect: what the record tells, and the page on which the learner answers. Pure.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};

/// The learner's file.
pub const FILE: &str = "RETROSPECTIVE.md";
/// Its headings, and what each asks.
pub const QUESTIONS: [(&str, &str); 3] = [
    ("Learnt", "What can you do now that you could not do before? In your own words, as you would tell a colleague."),
    ("Hard", "What was hard, how did you get past it, and how would you see it earlier next time?"),
    ("Next", "What do you change next month: in how you work, or in what you look at first?"),
];
/// Around what labrunner writes, in a comment: it is no answer.
const BEGIN: &str = "<!-- From your record:";
const END: &str = "-->";
/// Rounds further apart than this belong to different sittings.
const PAUSE: SignedDuration = SignedDuration::from_mins(45);
/// What a sitting lasts beside the time between its rounds: one works before one is judged.
const BEFORE: SignedDuration = SignedDuration::from_mins(15);

/// One round of judging.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    pub began: Timestamp,
    /// Goal and verdict.
    pub verdicts: Vec<(String, String)>,
}

/// What the record tells of one lab.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    pub days: usize,
    /// In sittings; an estimate.
    pub time: SignedDuration,
    pub rounds: usize,
    /// The goal that failed in most rounds before it passed, or still fails, and in how many.
    pub hardest: Option<(String, usize)>,
    /// Goals that failed after they had passed.
    pub went_back: Vec<String>,
    pub reached: usize,
    pub goals: usize,
    /// Goal and how many of its hints were shown.
    pub hints: Vec<(String, u32)>,
    pub resets: u32,
}

impl Past {
    /// `rounds` are in the order in which they were judged.
    pub fn of(rounds: &[Round], goals: &[String], hints: &BTreeMap<String, u32>, resets: u32) -> Self {
        let mut failures: BTreeMap<&str, usize> = BTreeMap::new();
        let mut passed: BTreeMap<&str, bool> = BTreeMap::new();
        let mut went_back = Vec::new();
        for (goal, verdict) in rounds.iter().flat_map(|round| &round.verdicts) {
            match (verdict.as_str(), passed.get(goal.as_str())) {
                ("passed", _) => drop(passed.insert(goal, true)),
                ("failed", Some(true)) => {
                    passed.insert(goal, false);
                    if !went_back.contains(goal) {
                        went_back.push(goal.clone());
                    }
                }
                ("failed", None) => *failures.entry(goal).or_default() += 1,
                _ => {}
            }
        }
        let mut days: Vec<_> = rounds.iter().map(|round| round.began.as_second().div_euclid(86_400)).collect();
        days.sort_unstable();
        days.dedup();
        let gaps = rounds.windows(2).map(|pair| pair[1].began.duration_since(pair[0].began).abs());
        let sitting = gaps.map(|gap| if gap > PAUSE { BEFORE } else { gap });
        let start = if rounds.is_empty() { SignedDuration::ZERO } else { BEFORE };
        Self {
            first: rounds.first().map(|round| round.began),
            last: rounds.last().map(|round| round.began),
            days: days.len(),
            time: sitting.fold(start, |sum, gap| sum + gap),
            rounds: rounds.len(),
            // Of those that failed as often, the first one of the lab.
            hardest: goals
                .iter()
                .rev()
                .filter_map(|goal| Some((goal.clone(), *failures.get(goal.as_str())?)))
                .max_by_key(|(_, count)| *count),
            went_back,
            reached: goals.iter().filter(|goal| passed.get(goal.as_str()) == Some(&true)).count(),
            goals: goals.len(),
            hints: goals
                .iter()
                .filter_map(|goal| Some((goal.clone(), *hints.get(goal)?)))
                .filter(|(_, count)| *count > 0)
                .collect(),
            resets,
        }
    }

    /// The facts, a line each.
    pub fn lines(&self) -> Vec<String> {
        let Some((first, last)) = self.first.zip(self.last) else {
            return vec!["nothing has been judged yet".into()];
        };
        let day = |moment: Timestamp| moment.strftime("%-d %B %Y").to_string();
        let span = if day(first) == day(last) { day(first) } else { format!("{} to {}", day(first), day(last)) };
        let (days, rounds) = (many(self.days, "day"), many(self.rounds, "round"));
        let mut lines = vec![
            format!("{span}: {days}, some {}, {rounds}", hours(self.time.as_mins().unsigned_abs())),
            format!("{} of {} goals reached", self.reached, self.goals),
        ];
        if let Some((goal, count)) = &self.hardest {
            lines.push(format!("the hardest: `{goal}`, which failed in {} first", many(*count, "round")));
        }
        if !self.went_back.is_empty() {
            lines.push(format!("failed again after they had passed: {}", self.went_back.join(", ")));
        }
        if !self.hints.is_empty() {
            let hints: Vec<String> = self.hints.iter().map(|(goal, count)| format!("{goal} ({count})")).collect();
            lines.push(format!("hints: {}", hints.join(", ")));
        }
        if self.resets > 0 {
            lines.push(many(self.resets as usize, "reset"));
        }
        lines
    }

    fn comment(&self) -> String {
        let mut text = BEGIN.to_owned();
        self.lines().iter().for_each(|line| text += &format!("\n* {line}"));
        text + "\n" + END
    }
}

/// `1 day`, `2 days`.
pub fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `18 min`, `1 h 06 min`.
pub fn hours(minutes: u64) -> String {
    match minutes / 60 {
        0 => format!("{minutes} min"),
        hours => format!("{hours} h {:02} min", minutes % 60),
    }
}

/// The page with the record's facts and the questions, both in comments.
pub fn draft(title: &str, past: &Past) -> String {
    let mut page = format!("# {title}: in retrospect\n\n{}\n", past.comment());
    for (heading, question) in QUESTIONS {
        let _ = write!(page, "\n## {heading}\n\n<!-- {question} -->\n");
    }
    page
}

/// The page with the facts of today; the rest is the learner's and stays. `None` where the facts were taken out.
pub fn refreshed(page: &str, past: &Past) -> Option<String> {
    let start = page.find(BEGIN)?;
    let end = start + page[start..].find(END)? + END.len();
    Some(format!("{}{}{}", &page[..start], past.comment(), &page[end..]))
}

/// The headings that are missing or have nothing below them but comments.
pub fn unanswered(page: &str) -> Vec<&'static str> {
    let text = without_comments(page);
    let below = |heading: &str| -> Option<usize> {
        let mut words = None;
        for line in text.lines() {
            match line.trim_start_matches('#') {
                title if title.len() < line.len() => {
                    if title.trim().eq_ignore_ascii_case(heading) {
                        words = Some(0);
                    } else if words.is_some() {
                        break;
                    }
                }
                line => words = words.map(|count: usize| count + line.split_whitespace().count()),
            }
        }
        words
    };
    let headings = QUESTIONS.iter().map(|(heading, _)| *heading);
    headings.filter(|heading| below(heading).unwrap_or(0) == 0).collect()
}

/// Markdown without HTML comments. Source: CommonMark 0.31, 4.6, kind 2.
pub fn without_comments(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("<!--") {
        out += &rest[..start];
        let Some(end) = rest[start..].find(END) else { return out };
        rest = &rest[start + end + END.len()..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(began: &str, verdicts: &[(&str, &str)]) -> Round {
        let verdicts = verdicts.iter().map(|(goal, verdict)| ((*goal).into(), (*verdict).into())).collect();
        Round { began: began.parse().unwrap(), verdicts }
    }

    fn past() -> Past {
        let rounds = [
            round("2026-01-05T10:00:00Z", &[("a", "failed"), ("b", "failed")]),
            round("2026-01-05T10:20:00Z", &[("a", "passed"), ("b", "failed")]),
            round("2026-01-07T09:00:00Z", &[("a", "failed"), ("b", "undecided")]),
            round("2026-01-07T09:10:00Z", &[("a", "failed"), ("b", "passed")]),
        ];
        let goals = ["a", "b", "c"].map(str::to_owned);
        Past::of(&rounds, &goals, &BTreeMap::from([("b".to_owned(), 2)]), 1)
    }

    #[test]
    fn the_record_is_told_in_words() {
        let lines = past().lines();
        assert_eq!(
            lines,
            [
                "5 January 2026 to 7 January 2026: 2 days, some 1 h 00 min, 4 rounds",
                "1 of 3 goals reached",
                "the hardest: `b`, which failed in 2 rounds first",
                "failed again after they had passed: a",
                "hints: b (2)",
                "1 reset",
            ]
        );
        let nothing = Past::of(&[], &["a".to_owned()], &BTreeMap::new(), 0);
        assert_eq!(nothing.lines(), ["nothing has been judged yet"]);
    }

    #[test]
    fn a_draft_answers_nothing_and_an_answer_stays() {
        let page = draft("RabbitMQ", &past());
        assert_eq!(unanswered(&page), ["Learnt", "Hard", "Next"]);
        let words = without_comments(&page).split_whitespace().filter(|word| *word != "#" && *word != "##").count();
        assert_eq!(words, 6, "only headings count: {page}");
        let answered = page.replacen("## Learnt\n", "## Learnt\n\nThat a queue is no topic.\n", 1);
        assert_eq!(unanswered(&answered), ["Hard", "Next"]);
        let later = refreshed(&answered, &Past::default()).unwrap();
        assert!(later.contains("nothing has been judged yet") && later.contains("That a queue is no topic."));
        assert!(!later.contains("hints: b"));
        assert_eq!(refreshed("my own page", &past()), None);
        assert_eq!(unanswered("# Learnt\n\na\n\n### hard\nb <!-- c -->\n\n# Next\n<!-- d"), ["Next"]);
    }
}
