//! Small pieces of text that everything shares.

use anstyle::{AnsiColor, Style};

/// Removes control characters, so that texts of labs, containers and learners cannot play with the terminal.
pub fn sanitise(text: &str) -> String {
    text.chars().filter(|char| !char.is_control() || matches!(char, '\n' | '\t')).collect()
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
