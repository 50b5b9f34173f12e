//! Text that may be anything, read as a lab's. Built for the fuzz targets alone.

use std::path::Path;

use super::{Reader, Variables};
use crate::catalog::diagnostic::Findings;
use crate::catalog::parse;
use crate::lab::check::Expectation;

/// A `lab.yaml`; its findings are rendered, as a learner sees them.
pub fn lab(text: &str) {
    let folder = Path::new("/nowhere");
    let path = folder.join("lab.yaml");
    let mut findings = Findings::new(&path);
    if let Some(root) = parse::parse(text, &mut findings) {
        let variables = Variables { workspace: "/workspace".into(), ..Variables::default() };
        let _ = Reader::new(folder, text, &mut findings).lab(&root, &variables);
    }
    let mut sources = crate::catalog::render::Sources::default();
    sources.0.insert(path, text.to_owned());
    let _ = crate::catalog::render::render(&findings.list, &sources, folder, false);
}

/// The `expect:` of a step.
pub fn expectations(text: &str) -> Vec<Expectation> {
    let mut findings = Findings::new("expect.yaml");
    let Some(root) = parse::parse(text, &mut findings) else { return Vec::new() };
    Reader::new(Path::new("/nowhere"), text, &mut findings).expectations(&root, &["body", "status", "count"])
}
