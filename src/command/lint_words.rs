//! What a lab says: commands in its texts that do not exist, years in what it expects.

use std::sync::LazyLock;

use regex::Regex;

use crate::catalog::diagnostic::nearest;
use crate::lab::check::{Action, Operator, Predicate, Step};
use crate::lab::expression::{Part, Tree};
use crate::lab::{Goal, Lab};

static COMMAND: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"`labrunner ([a-z-]+)").ok());
static YEAR: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b20[2-9][0-9]\b").ok());

/// Every mistake of this kind; `verbs` are the commands that there are.
pub fn words(lab: &Lab, verbs: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for goal in &lab.goals {
        found.extend(commands(goal, verbs));
        let steps = goal.checks.iter().flat_map(|check| &check.steps);
        let years: Vec<String> = steps.flat_map(years).collect();
        found.extend(years.into_iter().map(|year| {
            format!("the goal `{}` expects a value that names the year {year}: it will not be true for ever", goal.id)
        }));
    }
    found
}

/// Commands of labrunner's that hints and task name and that do not exist.
fn commands(goal: &Goal, verbs: &[String]) -> Vec<String> {
    let Some(command) = &*COMMAND else { return Vec::new() };
    let texts = goal.hints.iter().chain(std::iter::once(&goal.task));
    let named = texts.flat_map(|text| command.captures_iter(text).map(|found| found[1].to_owned()).collect::<Vec<_>>());
    let unknown = named.filter(|name| !name.starts_with('-') && !verbs.contains(name));
    unknown
        .map(|name| {
            let near = nearest(&name, verbs.iter().map(String::as_str));
            let near = near.map(|near| format!("; did you mean `labrunner {near}`?")).unwrap_or_default();
            format!("the goal `{}` speaks of `labrunner {name}`, which does not exist{near}", goal.id)
        })
        .collect()
}

fn years(step: &Step) -> Vec<String> {
    let Some(year) = &*YEAR else { return Vec::new() };
    let mut texts = Vec::new();
    step.expect.iter().for_each(|one| predicate(&one.predicate, &mut texts));
    let mut found: Vec<String> =
        texts.iter().filter_map(|text| year.find(text)).map(|found| found.as_str().to_owned()).collect();
    if let Action::Each(each) = &step.action {
        found.extend(each.steps.iter().flat_map(years));
    }
    found.extend(step.meanwhile.iter().flat_map(years));
    found
}

fn predicate(predicate: &Predicate, texts: &mut Vec<String>) {
    for operator in &predicate.0 {
        match operator {
            Operator::Equals(tree)
            | Operator::OneOf(tree)
            | Operator::Lt(tree)
            | Operator::Lte(tree)
            | Operator::Gt(tree)
            | Operator::Gte(tree)
            | Operator::Contains(tree)
            | Operator::StartsWith(tree)
            | Operator::EndsWith(tree)
            | Operator::Matches(tree) => literals(tree, texts),
            Operator::Between(low, high) => {
                literals(low, texts);
                literals(high, texts);
            }
            Operator::Not(inner)
            | Operator::Count(inner)
            | Operator::Distinct(inner)
            | Operator::All(inner)
            | Operator::Any(inner) => self::predicate(inner, texts),
            Operator::Exists(_) | Operator::IsEmpty(_) | Operator::Type(_) => {}
        }
    }
}

fn literals(tree: &Tree, texts: &mut Vec<String>) {
    match tree {
        Tree::Text(template) => texts.extend(template.0.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Expression(_) => None,
        })),
        Tree::List(items) => items.iter().for_each(|item| literals(item, texts)),
        Tree::Map(entries) => entries.iter().for_each(|(_, value)| literals(value, texts)),
        // A number of this size is a count as often as a year.
        Tree::Literal(_) => {}
    }
}
