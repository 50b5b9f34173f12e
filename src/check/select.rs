//! The part of an observation that a key means.

use serde_json::Value;
use serde_json_path::JsonPath;

use super::world::Observation;
use crate::lab::check::Key;
use crate::lab::expression::Scope;

/// The value, or `None` when it is absent. A singular JSONPath yields the value, any other the list of matches.
///
/// # Errors
/// The path is none once its templates are filled in.
pub fn select(key: &Key, observation: &Observation, scope: &dyn Scope) -> Result<Option<Value>, String> {
    match key {
        Key::Field(path) => {
            let mut parts = path.iter();
            let first = parts.next().and_then(|name| observation.fields.get(name)).cloned();
            Ok(first.and_then(|first| parts.try_fold(first, |value, name| value.get(name).cloned())))
        }
        Key::Path(template) => {
            let text = template.render_text(scope).map_err(|error| error.to_string())?;
            let path = JsonPath::parse(&text).map_err(|error| format!("`{text}` is no JSONPath: {error}"))?;
            let found = path.query(&observation.main).all();
            if is_singular(&text) {
                return Ok(found.first().map(|value| (*value).clone()));
            }
            Ok(Some(found.into_iter().cloned().collect()))
        }
    }
}

/// RFC 9535, 2.3.5.1: names and indexes only.
fn is_singular(path: &str) -> bool {
    let (mut quote, mut previous) = (None, ' ');
    for char in path.chars() {
        match quote {
            Some(open) if char == open && previous != '\\' => quote = None,
            Some(_) => {}
            None if char == '"' || char == '\'' => quote = Some(char),
            None if matches!(char, '*' | '?' | ',' | ':') || (char == '.' && previous == '.') => return false,
            None => {}
        }
        previous = char;
    }
    true
}

/// The key as it was written.
pub fn key_text(key: &Key, scope: &dyn Scope) -> String {
    match key {
        Key::Field(path) => path.join("."),
        Key::Path(template) => template.render_text(scope).unwrap_or_else(|_| "$…".into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lab::expression::Template;

    struct Nothing;
    impl Scope for Nothing {
        fn lookup(&self, _: &[String]) -> Option<Value> {
            None
        }
    }

    fn pick(key: &Key) -> Option<Value> {
        let main = json!([{ "id": 1, "n": "a:b" }, { "id": 2 }]);
        let observation = Observation::new(json!({ "headers": { "x": "1" }, "none": null }), main);
        select(key, &observation, &Nothing).unwrap()
    }

    #[test]
    fn fields_reach_into_maps_and_paths_into_the_main_document() {
        let field = |text: &str| Key::Field(text.split('.').map(str::to_owned).collect());
        let path = |text: &str| Key::Path(Template::literal(text));
        assert_eq!(pick(&field("headers.x")), Some(json!("1")));
        assert_eq!(pick(&field("headers.y")), None);
        assert_eq!(pick(&field("none")), Some(Value::Null));
        assert_eq!(pick(&path("$[1].id")), Some(json!(2)));
        assert_eq!(pick(&path("$[1]['n']")), None);
        assert_eq!(pick(&path("$[*].id")), Some(json!([1, 2])));
        assert_eq!(pick(&path("$[?@.id > 5]")), Some(json!([])));
    }
}
