//! The format as JSON Schema, made from what the reader itself goes by: `labrunner lab schema`.

use serde_json::{Map, Value, json};

use super::reference::{self, Reference};
use super::shape::{CHANGES, EDIT, FAULT, Key, LAB, OTHERS, STEP, Shape};
use super::{compose, read};
use crate::lab::definition::Need;
use crate::lab::id::ID_PATTERN;
use crate::lab::{Kind, duration};

/// The schema as a file.
pub fn text() -> String {
    format!("{:#}\n", schema())
}

/// The schema of `lab.yaml`. Source: JSON Schema, draft 2020-12.
fn schema() -> Value {
    let mut root = keys(LAB);
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    root["title"] = "A lab of labrunner, format 1".into();
    root["$defs"] = json!({
        "step": step(),
        "expected": expected(),
        "changes": at_least_one(keys(CHANGES)),
        "edit": edit(),
        "fault": fault(),
        "need": { "enum": Need::ALL.map(Need::word) },
        "service": compose::service(),
        "volume": compose::volume(),
        "network": compose::network(),
    });
    root
}

fn keys(keys: &[Key]) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let mut value = shape(&key.shape);
        value["description"] = key.about.into();
        properties.insert(key.name.to_owned(), value);
    }
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut map = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        map["required"] = required.into();
    }
    map
}

fn shape(one: &Shape) -> Value {
    match one {
        Shape::Any => json!({}),
        Shape::Text => json!({ "type": "string" }),
        Shape::Id => json!({ "type": "string", "pattern": ID_PATTERN, "maxLength": 63 }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Number(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Shape::Duration => json!({ "type": "string", "pattern": duration::PATTERN }),
        Shape::OneOf(words) => json!({ "enum": words }),
        Shape::List(least, of) => json!({ "type": "array", "minItems": least, "items": shape(of) }),
        Shape::Map(of) => json!({ "type": "object", "additionalProperties": shape(of) }),
        Shape::Keys(list) => keys(list),
        Shape::Named(name) => json!({ "$ref": format!("#/$defs/{name}") }),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(shape).collect::<Vec<_>>() }),
    }
}

fn at_least_one(mut map: Value) -> Value {
    map["minProperties"] = 1.into();
    map
}

/// Exactly one of these keys.
fn one_of(names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "required": [name] })).collect()
}

fn step() -> Value {
    let mut step = keys(STEP);
    let others = keys(OTHERS);
    let Some(properties) = step["properties"].as_object_mut() else { return step };
    for kind in Kind::ALL {
        properties.insert(kind.word().to_owned(), kind_of(kind, reference::of(kind)));
    }
    properties.extend(others["properties"].as_object().cloned().unwrap_or_default());
    let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).chain(OTHERS.iter().map(|key| key.name)).collect();
    step["oneOf"] = one_of(&words);
    step
}

fn kind_of(kind: Kind, reference: &Reference) -> Value {
    let field = |field: &reference::Field| (field.name.to_owned(), json!({ "description": field.about }));
    let mut value = json!({
        "type": "object",
        "description": reference.about,
        "properties": reference.fields.iter().map(field).collect::<Map<_, _>>(),
        "additionalProperties": false,
    });
    let required: Vec<&str> = reference.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    if !required.is_empty() {
        value["required"] = required.into();
    }
    if !reference.choices.is_empty() {
        value["oneOf"] = one_of(reference.choices);
    }
    let example = serde_yaml::from_str::<Value>(reference.example).ok();
    if let Some(fields) = example.as_ref().and_then(|steps| steps.get(0)?.get(kind.word())) {
        value["examples"] = json!([fields]);
    }
    value
}

fn fault() -> Value {
    let mut fault = keys(FAULT);
    let names: Vec<&str> = FAULT.iter().map(|key| key.name).filter(|name| *name != "by").collect();
    fault["oneOf"] = one_of(&names);
    fault
}

/// One of the four ways to change a file.
fn edit() -> Value {
    let mut edit = keys(EDIT);
    edit["dependentRequired"] = json!({ "find": ["replace"], "replace": ["find"] });
    edit["oneOf"] = one_of(&["find", "append", "write", "copy"]);
    edit
}

fn expected() -> Value {
    let again = json!({ "$ref": "#/$defs/expected" });
    let operator = |name: &str| match name {
        "exists" | "is_empty" => json!({ "type": "boolean" }),
        "type" => json!({ "enum": read::TYPES }),
        "between" => json!({ "type": "array", "minItems": 2, "maxItems": 2 }),
        "not" | "count" | "distinct" | "all" | "any" => again.clone(),
        _ => json!({}),
    };
    let operators: Map<String, Value> =
        read::OPERATORS.iter().map(|name| ((*name).to_owned(), operator(name))).collect();
    let map = json!({ "type": "object", "minProperties": 1, "properties": operators, "additionalProperties": false });
    json!({ "anyOf": [{ "type": ["string", "number", "boolean", "null"] }, map] })
}
