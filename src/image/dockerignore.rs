//! `.dockerignore`: which files of a build context are not sent.
//!
//! Source: Docker's documentation of build contexts, "Dockerignore files". Patterns are matched from the root of the
//! context with the rules of Go's `filepath.Match`, plus `**` for any number of folders; a pattern that fits a folder
//! takes all of it; the last line that fits decides, `!` brings back. So `__pycache__` means the one at the root, other
//! than in a `.gitignore`.

use regex::Regex;

/// The lines of a `.dockerignore`.
#[derive(Debug, Default)]
pub struct DockerIgnore(Vec<(Regex, bool)>);

impl DockerIgnore {
    /// Reads the file's text.
    ///
    /// # Errors
    /// The first pattern that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let read = |line: &str| {
            let (pattern, back) = match line.strip_prefix('!') {
                Some(rest) => (rest.trim(), true),
                None => (line, false),
            };
            let regex = regex_of(&cleaned(pattern));
            let regex = Regex::new(&regex).map_err(|_| format!("`{line}` is no pattern of a .dockerignore"))?;
            Ok((regex, !back))
        };
        lines.map(read).collect::<Result<_, String>>().map(Self)
    }

    /// Whether a file, relative to the context and with `/` between folders, stays behind.
    pub fn leaves_out(&self, path: &str) -> bool {
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        let places: Vec<&str> = parents.chain([path]).collect();
        self.0.iter().fold(false, |out, (regex, leaves)| match places.iter().any(|place| regex.is_match(place)) {
            true => *leaves,
            false => out,
        })
    }
}

/// Without what means nothing: `/` at both ends, `.` and empty parts, `..` with what it leads out of.
fn cleaned(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    parts.join("/")
}

fn regex_of(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut rest = pattern;
    while let Some(char) = rest.chars().next() {
        rest = &rest[char.len_utf8()..];
        match char {
            '*' if rest.starts_with('*') => {
                rest = rest[1..].strip_prefix('/').unwrap_or(&rest[1..]);
                regex.push_str(if rest.is_empty() { ".*" } else { "(?:.*/)?" });
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '[' if rest.contains(']') => {
                let (class, after) = rest.split_once(']').unwrap_or((rest, ""));
                let class = class.replace('\\', "\\\\").replace('[', "\\[");
                regex.push_str(&format!("[{class}]"));
                rest = after;
            }
            '\\' => {
                let next = rest.chars().next().unwrap_or('\\');
                rest = &rest[next.len_utf8().min(rest.len())..];
                regex.push_str(&regex::escape(&next.to_string()));
            }
            other => regex.push_str(&regex::escape(&other.to_string())),
        }
    }
    regex.push('$');
    regex
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(patterns: &str, path: &str) -> bool {
        DockerIgnore::parse(patterns).unwrap().leaves_out(path)
    }

    #[test]
    fn patterns_begin_at_the_root_of_the_context() {
        assert!(left_out("__pycache__", "__pycache__/a.pyc"));
        assert!(!left_out("__pycache__", "shop/__pycache__/a.pyc"));
        assert!(left_out("**/__pycache__", "shop/__pycache__/a.pyc"));
        assert!(left_out("**/__pycache__", "__pycache__/a.pyc"));
        assert!(left_out("*.pyc", "a.pyc"));
        assert!(!left_out("*.pyc", "shop/a.pyc"));
        assert!(left_out("*/*.pyc", "shop/a.pyc"));
        assert!(left_out("/.env", ".env"));
        assert!(left_out("./docs/", "docs/a/b.md"));
        assert!(!left_out(".env", ".env.example"));
        assert!(left_out(".env*", ".env.example"));
        assert!(left_out("a?[0-9]", "ab7"));
        assert!(left_out("docs/**", "docs/a/b"));
        assert!(!left_out("# all\n\n", "a"));
    }

    #[test]
    fn the_last_line_that_fits_decides() {
        let all_but = "*\n!shop\n!requirements.txt\nshop/secret.py";
        assert!(left_out(all_but, ".env"));
        assert!(!left_out(all_but, "requirements.txt"));
        assert!(!left_out(all_but, "shop/views.py"));
        assert!(left_out(all_but, "shop/secret.py"));
        assert!(!left_out("**/*.md\n!README.md", "README.md"));
        assert!(left_out("**/*.md\n!README.md", "docs/README.md"));
    }
}
