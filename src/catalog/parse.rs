//! YAML text to [`Node`]s, every mistake of the YAML itself in one run.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks};

use super::diagnostic::Findings;
use super::tree::{Entry, Node, Span, Value};

/// Largest file, in bytes.
pub const LARGEST: u64 = 1 << 20;
/// Most nodes, aliases counted with what they stand for.
pub const MOST_NODES: usize = 20_000;
const DEPTH: usize = 64;

/// Reads a file of a lab; `None` when it cannot be understood at all, which the findings then say.
pub fn read_file(path: &Path, findings: &mut Findings) -> Option<(String, Rc<Node>)> {
    read_as(path, findings, false)
}

/// Reads a file that is not ours, such as a learner's `compose.yaml`: merge keys (`<<`, YAML 1.1) work in it.
pub fn read_foreign(path: &Path, findings: &mut Findings) -> Option<(String, Rc<Node>)> {
    read_as(path, findings, true)
}

fn read_as(path: &Path, findings: &mut Findings, merges: bool) -> Option<(String, Rc<Node>)> {
    let refuse = |findings: &mut Findings, code, message: String, hint: Option<String>| {
        findings.whole_file(code, message, hint);
        None
    };
    match std::fs::metadata(path) {
        Err(error) => return refuse(findings, "unreadable", format!("cannot read the file: {error}"), None),
        Ok(facts) if facts.len() > LARGEST => {
            let message = format!("the file has {} bytes; at most {LARGEST} are read", facts.len());
            return refuse(findings, "too-large", message, Some("put large data into `fixtures/`".into()));
        }
        Ok(_) => {}
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return refuse(findings, "unreadable", format!("cannot read the file: {error}"), None),
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count() + 1;
            let message =
                format!("line {line} is not UTF-8: byte {good} of the file is 0x{:02x}", error.as_bytes()[good]);
            return refuse(findings, "not-utf8", message, Some("save the file as UTF-8".into()));
        }
    };
    let node = document(&text, findings, merges)?;
    Some((text, node))
}

/// Reads YAML text.
pub fn parse(text: &str, findings: &mut Findings) -> Option<Rc<Node>> {
    document(text, findings, false)
}

/// Reads YAML text of a file that is not ours.
#[cfg(fuzzing)]
pub fn parse_foreign(text: &str, findings: &mut Findings) -> Option<Rc<Node>> {
    document(text, findings, true)
}

fn document(text: &str, findings: &mut Findings, merges: bool) -> Option<Rc<Node>> {
    // A byte order mark is allowed by YAML 1.2 (5.2) and means nothing.
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let offsets = Offsets::new(body, text.len() - body.len());
    let mut builder = Builder {
        parser: Parser::new_from_str(body),
        offsets,
        findings,
        anchors: HashMap::new(),
        nodes: 0,
        full: false,
        merges,
    };
    builder.document()
}

/// From saphyr's character positions to byte offsets.
struct Offsets {
    /// Byte offset of every character, and the end; empty when all are ASCII.
    bytes: Vec<usize>,
    shift: usize,
    length: usize,
}

impl Offsets {
    fn new(body: &str, shift: usize) -> Self {
        let bytes = if body.is_ascii() {
            Vec::new()
        } else {
            body.char_indices().map(|(offset, _)| offset).chain([body.len()]).collect()
        };
        Self { bytes, shift, length: body.len() }
    }

    fn byte(&self, character: usize) -> usize {
        let offset =
            if self.bytes.is_empty() { character } else { self.bytes.get(character).copied().unwrap_or(self.length) };
        offset.min(self.length) + self.shift
    }

    fn span(&self, marks: Marks) -> Span {
        Span { start: self.byte(marks.start.index()), end: self.byte(marks.end.index()) }
    }
}

struct Builder<'a, 'f> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    offsets: Offsets,
    findings: &'f mut Findings,
    /// Anchored nodes, with how many nodes each stands for.
    anchors: HashMap<usize, (Rc<Node>, usize)>,
    nodes: usize,
    full: bool,
    /// `<<` brings the entries of other maps in.
    merges: bool,
}

impl<'a> Builder<'a, '_> {
    fn next(&mut self) -> Option<(Event<'a>, Span)> {
        match self.parser.next_event()? {
            Ok((event, marks)) => Some((event, self.offsets.span(marks))),
            Err(error) => {
                let start = self.offsets.byte(error.marker().index());
                self.findings.error(
                    "yaml",
                    Span { start, end: start },
                    format!("this is not YAML: {}", error.info()),
                    None,
                );
                None
            }
        }
    }

    fn document(&mut self) -> Option<Rc<Node>> {
        let mut root = None;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => break,
                (Event::DocumentStart(_), span) if root.is_some() => {
                    let hint = "remove the `---`".to_owned();
                    self.findings.error(
                        "second-document",
                        span,
                        "a second document begins here; a lab is one document",
                        hint,
                    );
                    return root;
                }
                (Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing, _) => {}
                (event, span) => root = Some(self.node(event, span, 0)?),
            }
        }
        if root.is_none() {
            self.findings.whole_file("empty", "the file is empty".into(), None);
        }
        root
    }

    fn count(&mut self, more: usize, span: Span) -> Option<()> {
        self.nodes += more;
        if self.nodes > MOST_NODES && !self.full {
            self.full = true;
            let message =
                format!("the file has more than {MOST_NODES} values here, aliases counted with what they stand for");
            self.findings.error(
                "too-many-values",
                span,
                message,
                "an alias inside an anchor multiplies; write less".to_owned(),
            );
        }
        (!self.full).then_some(())
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Option<Rc<Node>> {
        if depth > DEPTH {
            self.findings.error(
                "too-deep",
                span,
                format!("values are nested more than {DEPTH} levels deep here"),
                None,
            );
            return None;
        }
        let before = self.nodes;
        self.count(1, span)?;
        let (value, anchor, span) = match event {
            Event::Alias(id) => {
                let Some((node, size)) = self.anchors.get(&id).cloned() else {
                    self.findings.error("yaml", span, "this alias stands inside its own anchor", None);
                    return None;
                };
                self.count(size, span)?;
                return Some(node);
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                (scalar(&text, style), anchor, span)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                let (items, end) = self.list(depth)?;
                (Value::List(items), anchor, Span { start: span.start, end })
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                let (entries, end) = self.map(depth)?;
                (Value::Map(entries), anchor, Span { start: span.start, end })
            }
            _ => return None,
        };
        let node = Rc::new(Node { span, value });
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - before));
        }
        Some(node)
    }

    fn refuse_tag(&mut self, tagged: bool, span: Span) {
        if tagged {
            self.findings.error("tag", span, "tags (`!…`) are not part of the format", "remove the tag".to_owned());
        }
    }

    fn list(&mut self, depth: usize) -> Option<(Vec<Rc<Node>>, usize)> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, span) => return Some((items, span.end)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Option<(Vec<Entry>, usize)> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Rc<Node>> = Vec::new();
        loop {
            let (event, key_span) = self.next()?;
            if event == Event::MappingEnd {
                // A map's own keys win over those that are merged in, earlier merged ones over later ones.
                for entry in merged.iter().flat_map(|map| map.entries()) {
                    if !entries.iter().any(|own| own.key == entry.key) {
                        entries.push(entry.clone());
                    }
                }
                return Some((entries, key_span.end));
            }
            let key = self.node(event, key_span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            let Some(name) = key.scalar() else {
                self.findings.error("key", key_span, "a key has to be a plain text", None);
                continue;
            };
            if name == "<<" && self.merges {
                match &value.value {
                    Value::List(maps) => merged.extend(maps.iter().cloned()),
                    _ => merged.push(value),
                }
            } else if name == "<<" {
                let hint = "repeat the keys, or anchor a whole value and use `*name`".to_owned();
                self.findings.error("merge-key", key_span, "merge keys (`<<`) are not part of the format", hint);
            } else if entries.iter().any(|entry| entry.key == name) {
                let hint = "keep one of the two".to_owned();
                self.findings.error(
                    "duplicate-key",
                    key_span,
                    format!("the key `{name}` stands in this map a second time"),
                    hint,
                );
            } else {
                entries.push(Entry { key: name, key_span, value });
            }
        }
    }
}

/// YAML 1.2 core schema (10.3.2): quoted scalars are texts, plain ones may be null, booleans or numbers.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits(unsigned) {
        return text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Integer);
    }
    let based = text.strip_prefix("0o").map(|octal| i64::from_str_radix(octal, 8));
    if let Some(Ok(number)) = based.or_else(|| text.strip_prefix("0x").map(|hex| i64::from_str_radix(hex, 16))) {
        return Value::Integer(number);
    }
    let numeric = unsigned.starts_with(|char: char| char.is_ascii_digit() || char == '.')
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
        && unsigned.bytes().any(|byte| byte.is_ascii_digit());
    match text.parse::<f64>() {
        Ok(number) if numeric => Value::Float(number),
        _ => Value::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Rc<Node>>, Vec<String>) {
        let mut findings = Findings::new("lab.yaml");
        let node = parse(text, &mut findings);
        (node, findings.list.into_iter().map(|finding| format!("{}: {}", finding.code, finding.message)).collect())
    }

    #[test]
    fn a_foreign_file_may_merge_maps() {
        let text = "base: &b { a: 1, c: 2 }\nx:\n  <<: *b\n  a: 3\ny:\n  <<: [*b, { d: 4 }]\n";
        let mut findings = Findings::new("compose.yaml");
        let node = document(text, &mut findings, true).unwrap();
        assert_eq!(findings.list, []);
        let expected = serde_json::json!({
            "base": { "a": 1, "c": 2 }, "x": { "a": 3, "c": 2 }, "y": { "a": 1, "c": 2, "d": 4 }
        });
        assert_eq!(node.json(), expected);
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        let (node, findings) = read("[no, 22:22, 012, 0o14, 1.5, 1e3, '1', ~, true, 1.2.3, -5, .inf]");
        assert_eq!(findings, [] as [&str; 0]);
        let shown: Vec<String> = node.unwrap().items().iter().map(|item| item.describe()).collect();
        assert_eq!(
            shown,
            [
                "the text \"no\"",
                "the text \"22:22\"",
                "the number 12",
                "the number 12",
                "the number 1.5",
                "the number 1000",
                "the text \"1\"",
                "nothing",
                "`true`",
                "the text \"1.2.3\"",
                "the number -5",
                "the text \".inf\""
            ]
        );
    }

    #[test]
    fn positions_are_bytes_also_behind_other_letters_and_a_mark() {
        let text = "\u{feff}title: Größe\nmonth: 3\n";
        let (node, _) = read(text);
        let entry = &node.unwrap().entries()[1].clone();
        assert_eq!(&text[entry.key_span.start..entry.key_span.end], "month");
        assert_eq!(&text[entry.value.span.start..entry.value.span.end], "3");
    }

    #[test]
    fn bombs_end_as_errors() {
        let mut billion = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
            billion.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        let (_, findings) = read(&billion);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].starts_with("too-many-values"));
        let (_, findings) = read(&"[".repeat(10_000));
        assert_eq!(findings.len(), 1, "{findings:?}");
        let (_, findings) = read(&format!("{}x{}", "[".repeat(100), "]".repeat(100)));
        assert!(findings[0].starts_with("too-deep"), "{findings:?}");
    }

    #[test]
    fn what_the_dialect_leaves_out_is_refused_all_in_one_run() {
        let (_, findings) = read("a: !x 1\nb: &b {}\nc:\n  <<: *b\na: 2\n");
        assert_eq!(findings.len(), 3, "{findings:?}");
    }
}
