//! What is wrong with a file, where, and what to do about it.

use std::path::PathBuf;

use super::tree::Span;

/// Whether a finding stops the lab from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Stable, like `unknown-key`.
    pub code: &'static str,
    pub file: PathBuf,
    /// `None`: the file as a whole.
    pub span: Option<Span>,
    /// One sentence, lower case, no final full stop, names in backticks.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// What stands in the place once it is mended, where that needs no thought.
    pub fix: Option<String>,
}

/// Collects findings about one file.
#[derive(Debug)]
pub struct Findings {
    pub file: PathBuf,
    pub list: Vec<Diagnostic>,
}

impl Findings {
    /// For a file; the path is shown as it is given.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), list: Vec::new() }
    }

    /// Adds an error.
    pub fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        self.add(Severity::Error, code, Some(span), message.into(), hint.into());
    }

    /// Adds a warning.
    pub fn warning(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        self.add(Severity::Warning, code, Some(span), message.into(), hint.into());
    }

    /// Adds an error about the file as a whole.
    pub fn whole_file(&mut self, code: &'static str, message: String, hint: Option<String>) {
        self.add(Severity::Error, code, None, message, hint);
    }

    /// Says what would mend the findings at this place.
    pub fn fix(&mut self, span: Span, text: &str) {
        self.list.iter_mut().filter(|one| one.span == Some(span)).for_each(|one| one.fix = Some(text.to_owned()));
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|finding| finding.severity == Severity::Error)
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        span: Option<Span>,
        message: String,
        hint: Option<String>,
    ) {
        let finding = Diagnostic { severity, code, file: self.file.clone(), span, message, hint, fix: None };
        // A value that is looked at twice is still one mistake.
        if !self.list.iter().any(|one| Diagnostic { fix: None, ..one.clone() } == finding) {
            self.list.push(finding);
        }
    }
}

/// The known name that `typed` most likely means, if any is near.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&typed.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (name.chars().count().max(typed.chars().count()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
