//! Compose's keys as JSON Schema: what is honoured, what has no effect, what is refused.

use serde_json::{Map, Value, json};

use super::keys::{self, Outcome};

/// An entry of `services`.
pub fn service() -> Value {
    let mut service = map(keys::SERVICE);
    let build = json!({ "anyOf": [{ "type": "string" }, map(keys::BUILD)] });
    service["properties"]["build"] = build;
    service
}

/// An entry of `volumes`.
pub fn volume() -> Value {
    nothing_or(map(keys::VOLUME))
}

/// An entry of `networks`.
pub fn network() -> Value {
    nothing_or(map(keys::NETWORK))
}

fn nothing_or(map: Value) -> Value {
    json!({ "anyOf": [{ "type": "null" }, map] })
}

fn map(keys: &[(&str, Outcome)]) -> Value {
    let said = |outcome: Outcome| match outcome {
        Outcome::Honoured => json!({}),
        Outcome::Warned(why) => json!({ "deprecated": true, "description": format!("has no effect: {why}") }),
        // Nothing fits; editors show the description where the key is written.
        Outcome::Refused(why) => json!({ "not": {}, "description": format!("not accepted: {why}") }),
    };
    let properties: Map<String, Value> =
        keys.iter().map(|(name, outcome)| ((*name).to_owned(), said(*outcome))).collect();
    json!({
        "type": "object",
        "properties": properties,
        "patternProperties": { "^x-": {} },
        "additionalProperties": false,
    })
}
