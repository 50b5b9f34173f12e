//! Small pieces of text that everything shares.

use anstyle::{AnsiColor, Style};

/// Removes control characters, so that texts of labs, containers and learners cannot play with the terminal.
pub fn sanitise(text: &str) -> String {
    text.chars().filter(|char| !char.is_control() || matches!(char, '\n' | '\t')).collect()
}

/// As [`sanitise`], with colours left: what a program writes about itself may be read as it was meant. Source: ECMA-48,
/// "SGR – Select Graphic Rendition".
pub fn tame(text: &str) -> String {
    let mut tamed = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        tamed.push_str(&sanitise(&rest[..at]));
        rest = &rest[at + 1..];
        let parameters = rest.strip_prefix('[').and_then(|inside| inside.split_once('m'));
        if let Some((parameters, after)) = parameters
            && parameters.bytes().all(|byte| byte.is_ascii_digit() || byte == b';')
        {
            tamed.push_str(&format!("\u{1b}[{parameters}m"));
            rest = after;
        }
    }
    tamed.push_str(&sanitise(rest));
    tamed
}

/// Paints with styles, or does not.
#[derive(Debug, Clone, Copy)]
pub struct Paint(pub bool);

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    pub fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    pub fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    pub fn odd(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    pub fn strong(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    pub fn faint(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }
}

/// Seconds, as short as is useful.
pub fn seconds(millis: u128) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{:.1} s", millis as f64 / 1000.0),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1000),
    }
}

/// Indents every line.
pub fn indent(text: &str, by: usize) -> String {
    let space = " ".repeat(by);
    text.lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("{space}{line}") })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Breaks lines at spaces so that none is longer than `width`, where words allow it.
pub fn wrap(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut current = String::new();
        for word in line.split(' ') {
            if !current.is_empty() && current.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut current));
            } else if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines.join("\n")
}

/// Cuts a text to `width` characters, the last one an ellipsis.
pub fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Joins the lines of each Markdown paragraph and list item, which authors break where they like.
pub fn reflow(markdown: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut fenced = false;
    for line in markdown.lines() {
        let trimmed = line.trim_start();
        let fence = trimmed.starts_with("```");
        let begins = ["#", "* ", "- ", "|", ">", "```"].iter().any(|sign| trimmed.starts_with(sign))
            || trimmed.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        let joins = !fenced && !begins && !trimmed.is_empty();
        match lines.last_mut() {
            Some(last)
                if joins && !last.trim().is_empty() && !last.starts_with(['#', '|']) && !last.starts_with("```") =>
            {
                last.push(' ');
                last.push_str(trimmed);
            }
            _ => lines.push(line.to_owned()),
        }
        fenced ^= fence;
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_joined_and_blocks_are_not() {
        let text = "# T\nbody\none\ntwo\n\n* a\n  b\n* c\n\n```\nx\ny\n```\n| a |\n| b |";
        assert_eq!(reflow(text), "# T\nbody one two\n\n* a b\n* c\n\n```\nx\ny\n```\n| a |\n| b |");
    }

    #[test]
    fn long_lines_are_broken_at_spaces_and_cut_where_they_must_fit() {
        assert_eq!(wrap("one two three", 7), "one two\nthree");
        assert_eq!(fit("abcdef", 4), "abc…");
    }

    #[test]
    fn escapes_do_not_reach_the_terminal() {
        assert_eq!(sanitise("a\u{1b}[31mb\u{7}\r\nc"), "a[31mb\nc");
        let mixed = "a\u{1b}[1;31mb\u{1b}]0;owned\u{7}\u{1b}[2Jc\u{1b}";
        assert_eq!(tame(mixed), "a\u{1b}[1;31mb]0;owned[2Jc");
    }
}
