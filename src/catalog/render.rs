//! Findings as text: title, file, line, column, the source line with a caret, the remedy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Severity};

/// The texts of the files that findings are about.
#[derive(Debug, Default, Clone)]
pub struct Sources(pub BTreeMap<PathBuf, String>);

/// All findings in the order of their places. `base` is left out of the paths shown.
pub fn render(findings: &[Diagnostic], sources: &Sources, base: &Path, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut sorted: Vec<&Diagnostic> = findings.iter().collect();
    sorted.sort_by_key(|finding| (&finding.file, finding.span.map_or(0, |span| span.start)));
    let blocks: Vec<String> = sorted.iter().map(|finding| block(finding, sources, base, &renderer)).collect();
    blocks.join("\n\n")
}

/// Line, column and the column behind the end of a finding's first line; all from 1, columns in characters.
pub fn place(finding: &Diagnostic, sources: &Sources) -> Option<(usize, usize, usize)> {
    let (span, source) = (finding.span?, sources.0.get(&finding.file)?);
    let start = span.start.min(source.len());
    let before = source.get(..start)?;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = source.get(line_start..start)?.chars().count() + 1;
    let end = first_line_end(source, start).min(span.end.max(start + 1)).max(start);
    let width = source.get(start..end.min(source.len()))?.chars().count();
    Some((before.matches('\n').count() + 1, column, column + width))
}

fn block(finding: &Diagnostic, sources: &Sources, base: &Path, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let path = finding.file.strip_prefix(base).unwrap_or(&finding.file).display().to_string();
    let title = level.primary_title(finding.message.as_str()).id(finding.code);
    let mut groups: Vec<Group<'_>> = Vec::new();
    let source = sources.0.get(&finding.file).map_or("", String::as_str);
    match finding.span {
        Some(span) => {
            let end = first_line_end(source, span.start).min(span.end.max(span.start + 1)).max(span.start);
            let annotation = AnnotationKind::Primary.span(span.start..end.min(source.len()));
            groups.push(title.element(Snippet::source(source).path(path).annotation(annotation)));
        }
        None => groups.push(title.element(annotate_snippets::Origin::path(path))),
    }
    if let Some(hint) = &finding.hint {
        groups.push(Group::with_title(Level::HELP.secondary_title(hint.as_str())));
    }
    renderer.render(&groups)
}

/// A value may span many lines; its first one is enough to find it.
fn first_line_end(source: &str, start: usize) -> usize {
    source.get(start..).and_then(|rest| rest.find('\n')).map_or(source.len(), |length| start + length)
}
