//! The names that expressions of a check can use.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::lab::expression::Scope;
use crate::lab::random;

/// Names of one check, as far as its steps have come.
#[derive(Debug, Clone)]
pub struct CheckScope<'a> {
    pub seed: u64,
    /// `<goal>/<check>`: two checks never share random values.
    pub place: String,
    pub settings: &'a BTreeMap<String, Value>,
    /// WORKSPACE, LAB and PORT_…
    pub constants: &'a BTreeMap<String, Value>,
    pub captures: BTreeMap<String, Value>,
}

impl Scope for CheckScope<'_> {
    fn lookup(&self, path: &[String]) -> Option<Value> {
        let (first, rest) = path.split_first()?;
        if first == "random" {
            return Some(random::value(self.seed, &self.place, &rest.join(".")));
        }
        let (start, rest) = match (first.as_str(), rest) {
            ("settings", [name, rest @ ..]) => (self.settings.get(name)?, rest),
            _ => (self.captures.get(first).or_else(|| self.constants.get(first))?, rest),
        };
        rest.iter().try_fold(start, |value, key| value.get(key)).cloned()
    }
}
