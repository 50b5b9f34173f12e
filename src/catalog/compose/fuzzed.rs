//! Text that may be anything, read as a Compose file's. Built for the fuzz targets alone.

use super::{Author, Context, interpolate, read};
use crate::catalog::diagnostic::Findings;
use crate::catalog::parse;
use crate::lab::expression::Template;

fn lookup(name: &str) -> Option<serde_json::Value> {
    matches!(name, "TAG" | "A").then(|| "value".into())
}

/// A Compose file: a learner's, and a lab's, which may do less.
pub fn file(text: &str) {
    for author in [Author::Learner, Author::Lab] {
        let mut findings = Findings::new("/nowhere/compose.yaml");
        let Some(root) = parse::parse_foreign(text, &mut findings) else { continue };
        let context = Context {
            author,
            folder: "/nowhere".into(),
            workspace: "/workspace".into(),
            lookup: &lookup,
            needs: &[],
            profiles: &[],
        };
        let stack = read(&root, &context, &mut findings);
        let _ = crate::catalog::own::document(&stack);
        if let Some(merged) = super::merged(&[root.clone(), root]) {
            let _ = read(&merged, &context, &mut findings);
        }
    }
}

/// A value with `${…}` in it, in Compose's language and in that of checks.
pub fn interpolation(text: &str) {
    let mut unset = Vec::new();
    let _ = interpolate::expand(text, &lookup, &mut unset, 0);
    if let Ok(template) = Template::parse(text) {
        let _ = template.render_text(&Known);
    }
}

struct Known;

impl crate::lab::expression::Scope for Known {
    fn lookup(&self, path: &[String]) -> Option<serde_json::Value> {
        match path.first()?.as_str() {
            "a" => Some(3.into()),
            "b" => Some(serde_json::json!({ "c": [1, "two", 3.5] })),
            "t" => Some("text".into()),
            _ => None,
        }
    }
}
