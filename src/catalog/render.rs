//! Findings as text: title, file, line, column, the source line with a caret, the remedy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Severity};
use super::tree::Span;

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
    let width = source.get(start..marked_end(source, span))?.chars().count();
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
            let start = span.start.min(source.len());
            let annotation = AnnotationKind::Primary.span(start..marked_end(source, span));
            groups.push(title.element(Snippet::source(source).path(path).annotation(annotation)));
        }
        None => groups.push(title.element(annotate_snippets::Origin::path(path))),
    }
    if let Some(hint) = &finding.hint {
        groups.push(Group::with_title(Level::HELP.secondary_title(hint.as_str())));
    }
    renderer.render(&groups)
}

/// Where the mark of a finding ends: a value may span many lines, and its first one is enough to find it; a place without
/// a width is marked at the character that stands there.
fn marked_end(source: &str, span: Span) -> usize {
    let start = span.start.min(source.len());
    let rest = source.get(start..).unwrap_or_default();
    let line = start + rest.find('\n').unwrap_or(rest.len());
    let one = start + rest.chars().next().map_or(0, char::len_utf8);
    line.min(span.end.max(one)).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_front_of_a_wide_character_is_shown() {
        let source = "owner: 😀dy\n";
        let finding = |start, end| Diagnostic {
            severity: Severity::Error,
            code: "yaml",
            file: "lab.yaml".into(),
            span: Some(Span { start, end }),
            message: "here".into(),
            hint: None,
            fix: None,
        };
        let sources = Sources(std::collections::BTreeMap::from([("lab.yaml".into(), source.to_owned())]));
        let one = finding(7, 7);
        assert!(render(std::slice::from_ref(&one), &sources, Path::new("/"), false).contains("1:8"));
        assert_eq!(place(&one, &sources), Some((1, 8, 9)));
        assert_eq!(place(&finding(7, 13), &sources), Some((1, 8, 11)));
        // At the end of the file, and behind it.
        assert_eq!(place(&finding(14, 14), &sources), Some((2, 1, 1)));
        render(&[finding(14, 14), finding(99, 99)], &sources, Path::new("/"), false);
    }
}
