//! `file`: a file of the workspace, as text and as what it means.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::Fields;
use crate::check::world::{Observation, Unobservable, World};
use crate::lab::retrospective::without_comments;

/// Largest file that is read, in bytes.
const LARGEST: u64 = 4 << 20;

pub(super) fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let path = fields.required("path")?;
    let Some(found) = inside(world.workspace(), &path)? else {
        return Ok(Observation::new(json!({ "exists": false }), Value::Null));
    };
    let machine = |error: std::io::Error| Unobservable::Machine(format!("cannot read `{}`: {error}", found.display()));
    let facts = std::fs::metadata(&found).map_err(machine)?;
    if !facts.is_file() || facts.len() > LARGEST {
        return Ok(Observation::new(json!({ "exists": facts.is_file(), "size": facts.len() }), Value::Null));
    }
    let bytes = std::fs::read(&found).map_err(machine)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let name = found.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let kind = fields.text("as")?.unwrap_or_else(|| by_name(name).to_owned());
    let main = parse(&text, &kind)?;
    // What is commented out has not been said.
    let said = if kind == "markdown" { without_comments(&text) } else { text.clone() };
    let fields = json!({
        "exists": true,
        "size": bytes.len(),
        "lines": text.lines().count(),
        "words": said.split_whitespace().count(),
        "text": text,
    });
    Ok(Observation::new(fields, main))
}

/// The file, links resolved; `None` when it does not exist.
pub(super) fn inside(workspace: &Path, path: &str) -> Result<Option<PathBuf>, Unobservable> {
    let root = workspace.canonicalize();
    let root = root.map_err(|error| {
        Unobservable::Machine(format!("cannot read the workspace `{}`: {error}", workspace.display()))
    })?;
    let Ok(found) = root.join(path).canonicalize() else { return Ok(None) };
    if found.starts_with(&root) {
        return Ok(Some(found));
    }
    // A link out of the workspace is not a file of the workspace.
    Ok(None)
}

fn by_name(name: &str) -> &'static str {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_lowercase().as_str() {
        "json" => "json",
        "yaml" | "yml" => "yaml",
        "toml" => "toml",
        "ini" | "cfg" | "conf" => "ini",
        "md" => "markdown",
        "dockerfile" => "dockerfile",
        _ if name.starts_with("Dockerfile") => "dockerfile",
        _ => "text",
    }
}

/// What does not parse has a null main document; the text is there all the same.
fn parse(text: &str, kind: &str) -> Result<Value, Unobservable> {
    Ok(match kind {
        "text" => text.into(),
        "json" => serde_json::from_str(text).unwrap_or(Value::Null),
        "yaml" => serde_yaml::from_str::<Value>(text).unwrap_or(Value::Null),
        "toml" => toml::from_str::<Value>(text).unwrap_or(Value::Null),
        "ini" => ini(text),
        "markdown" => json!({ "sections": sections(&without_comments(text)) }),
        "dockerfile" => instructions(text).into(),
        other => return Err(Unobservable::Definition(format!("files are not read as `{other}`"))),
    })
}

fn ini(text: &str) -> Value {
    let Ok(file) = ini::Ini::load_from_str(text) else { return Value::Null };
    let mut map = Map::new();
    for (section, properties) in &file {
        let entries: Map<String, Value> =
            properties.iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
        map.insert(section.unwrap_or_default().to_owned(), entries.into());
    }
    map.into()
}

/// Headings (CommonMark, "ATX headings") with the number of words below each.
pub(super) fn sections(text: &str) -> Vec<Value> {
    let mut found: Vec<(usize, String, usize)> = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        if !fenced && (1..=6).contains(&level) && line[level..].starts_with([' ', '\t']) {
            found.push((level, line[level..].trim().trim_end_matches('#').trim().to_owned(), 0));
        } else if let Some((.., words)) = found.last_mut() {
            *words += line.split_whitespace().count();
        }
    }
    found.into_iter().map(|(level, title, words)| json!({ "level": level, "title": title, "words": words })).collect()
}

fn instructions(text: &str) -> Vec<Value> {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    joined
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            json!({ "instruction": word.to_uppercase(), "arguments": rest.trim() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_count_the_words_below_them() {
        let text = "# A\none two\n```\n# no heading\n```\n## B #\nthree\n";
        assert_eq!(
            sections(text),
            [json!({ "level": 1, "title": "A", "words": 7 }), json!({ "level": 2, "title": "B", "words": 1 })]
        );
    }

    #[test]
    fn formats_are_read_and_broken_files_give_null() {
        assert_eq!(parse("a: [1]", "yaml"), Ok(json!({ "a": [1] })));
        assert_eq!(parse("{", "json"), Ok(Value::Null));
        assert_eq!(parse("[a]\nb = 1\n", "toml"), Ok(json!({ "a": { "b": 1 } })));
        assert_eq!(parse("[a]\nb = 1\n", "ini"), Ok(json!({ "": {}, "a": { "b": "1" } })));
        assert_eq!(parse("FROM x \\\n  AS y\n", "dockerfile").unwrap()[0]["arguments"], "x    AS y");
        assert!(parse("", "pdf").is_err());
    }
}
