//! `if` of GitLab's rules: read, and worked out over variables.
//!
//! Source: GitLab's documentation, "CI/CD variable expressions": a variable alone holds where it is set and not empty,
//! `==` and `!=` compare with texts, variables and `null`, `=~` and `!~` with a pattern of RE2, `&&` goes before `||`.

use std::collections::BTreeMap;

/// Whether an expression holds.
///
/// # Errors
/// What GitLab would not accept, in words.
pub(super) fn holds(text: &str, variables: &BTreeMap<String, String>) -> Result<bool, String> {
    let tokens = tokens(text).map_err(|why| format!("`{}`: {why}", text.trim()))?;
    let mut reader = Reader { tokens: &tokens, at: 0, variables };
    let value = reader.or().map_err(|why| format!("`{}`: {why}", text.trim()))?;
    match tokens.get(reader.at) {
        None => Ok(value.truth()),
        Some(token) => Err(format!("`{}`: it does not end before {}", text.trim(), token.shown())),
    }
}

/// A pattern at the beginning of a text, as a regular expression, and what is behind it.
pub(super) fn pattern(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('/')?;
    let mut escaped = false;
    let end = inside.char_indices().find(|(_, char)| {
        let ends = *char == '/' && !escaped;
        escaped = *char == '\\' && !escaped;
        ends
    });
    let (body, rest) = (&inside[..end?.0], &inside[end?.0 + 1..]);
    let behind = rest.trim_start_matches(['i', 's', 'm', 'U']);
    let flags = &rest[..rest.len() - behind.len()];
    let body = body.replace("\\/", "/");
    let regex = if flags.is_empty() { body } else { format!("(?{flags}){body}") };
    (!regex.is_empty()).then_some((regex, behind))
}

/// Whether a pattern fits somewhere in a text.
pub(super) fn fits(regex: &str, text: &str) -> Result<bool, String> {
    let built = regex::Regex::new(regex);
    built.map(|built| built.is_match(text)).map_err(|_| format!("`/{regex}/` is no pattern that RE2 knows"))
}

const SIGNS: [&str; 8] = ["==", "!=", "=~", "!~", "&&", "||", "(", ")"];

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Sign(&'static str),
    Variable(String),
    Value(Worth),
}

/// What an expression is worth.
#[derive(Debug, Clone, PartialEq)]
enum Worth {
    Null,
    Text(String),
    Pattern(String),
    Flag(bool),
}

impl Worth {
    fn truth(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Text(text) => !text.trim().is_empty(),
            Self::Pattern(_) => true,
            Self::Flag(flag) => *flag,
        }
    }
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Sign(sign) => format!("`{sign}`"),
            Self::Variable(name) => format!("`${name}`"),
            Self::Value(Worth::Text(text)) => format!("`\"{text}\"`"),
            Self::Value(Worth::Pattern(pattern)) => format!("`/{pattern}/`"),
            Self::Value(_) => "`null`".into(),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut list = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, behind) = match first {
            '$' => variable(&rest[1..])?,
            '"' | '\'' => {
                let closed = rest[1..].split_once(first).ok_or_else(|| format!("`{rest}` has no closing quote"))?;
                (Token::Value(Worth::Text(closed.0.to_owned())), closed.1)
            }
            '/' => {
                let (regex, behind) = pattern(rest).ok_or_else(|| format!("`{rest}` is no pattern between slashes"))?;
                (Token::Value(Worth::Pattern(regex)), behind)
            }
            _ => sign_or_word(rest)?,
        };
        list.push(token);
        rest = behind.trim_start();
    }
    Ok(list)
}

fn variable(rest: &str) -> Result<(Token, &str), String> {
    let length = word(rest);
    match length {
        0 if rest.starts_with('{') => Err("a variable is written `$NAME` here, without braces".into()),
        0 => Err("a name is missing after `$`".into()),
        _ => Ok((Token::Variable(rest[..length].to_owned()), &rest[length..])),
    }
}

fn sign_or_word(rest: &str) -> Result<(Token, &str), String> {
    if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        return Ok((Token::Sign(sign), &rest[sign.len()..]));
    }
    let found = &rest[..word(rest)];
    match (found, rest.chars().next()) {
        ("null", _) => Ok((Token::Value(Worth::Null), &rest[found.len()..])),
        ("", Some('!')) => Err("`!` does not stand alone: compare with `null` or `\"\"`".into()),
        ("", other) => Err(format!("`{}` means nothing", other.unwrap_or_default())),
        (word, _) => Err(format!("`{word}` means nothing: texts stand in quotes, and variables begin with `$`")),
    }
}

/// How long the word is that a text begins with.
fn word(text: &str) -> usize {
    text.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(text.len())
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    variables: &'t BTreeMap<String, String>,
}

impl Reader<'_> {
    fn takes(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        match self.tokens.get(self.at) {
            Some(Token::Sign(sign)) if signs.contains(sign) => {
                self.at += 1;
                Some(sign)
            }
            _ => None,
        }
    }

    fn or(&mut self) -> Result<Worth, String> {
        let mut value = self.and()?;
        while self.takes(&["||"]).is_some() {
            let other = self.and()?;
            value = if value.truth() { value } else { other };
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<Worth, String> {
        let mut value = self.compared()?;
        while self.takes(&["&&"]).is_some() {
            let other = self.compared()?;
            value = if value.truth() { other } else { value };
        }
        Ok(value)
    }

    fn compared(&mut self) -> Result<Worth, String> {
        let mut left = self.primary()?;
        while let Some(sign) = self.takes(&["==", "!=", "=~", "!~"]) {
            let right = self.primary()?;
            left = Worth::Flag(match sign {
                "==" => left == right,
                "!=" => left != right,
                sign => matches(&left, &right)? == (sign == "=~"),
            });
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<Worth, String> {
        if self.takes(&["("]).is_some() {
            let value = self.or()?;
            return self.takes(&[")"]).map(|_| value).ok_or_else(|| "`)` is missing".into());
        }
        let token = self.tokens.get(self.at).ok_or("it ends too early")?;
        self.at += 1;
        match token {
            Token::Variable(name) => Ok(self.variables.get(name).cloned().map_or(Worth::Null, Worth::Text)),
            Token::Value(value) => Ok(value.clone()),
            Token::Sign(sign) => Err(format!("a value is missing before `{sign}`")),
        }
    }
}

/// A variable may hold the pattern; one that is not set fits nothing.
fn matches(left: &Worth, right: &Worth) -> Result<bool, String> {
    let regex = match right {
        Worth::Null => return Ok(false),
        Worth::Pattern(regex) => regex.clone(),
        Worth::Text(text) => match pattern(text) {
            Some((regex, "")) => regex,
            _ => return Err(format!("`{text}` is no pattern: one stands between slashes, as in `/^release/`")),
        },
        Worth::Flag(_) => return Err("a pattern is missing".into()),
    };
    fits(&regex, if let Worth::Text(text) = left { text } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worked_out(text: &str) -> Result<bool, String> {
        let variables = [
            ("CI_COMMIT_BRANCH", "feature/Login"),
            ("CI_PIPELINE_SOURCE", "push"),
            ("EMPTY", ""),
            ("SAME", "push"),
            ("PATTERN", "/^FEATURE\\/./i"),
        ];
        holds(text, &variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn expressions_are_worked_out_as_documented() {
        for (text, expected) in [
            ("$CI_COMMIT_BRANCH", true),
            ("$EMPTY", false),
            ("$NONE", false),
            ("$CI_PIPELINE_SOURCE == \"push\"", true),
            ("$CI_PIPELINE_SOURCE=='push'", true),
            ("\"push\" == $CI_PIPELINE_SOURCE", true),
            ("$CI_PIPELINE_SOURCE == $SAME", true),
            ("$CI_PIPELINE_SOURCE == \"Push\"", false),
            ("$CI_PIPELINE_SOURCE != \"push\"", false),
            ("$NONE == null", true),
            ("$EMPTY == null", false),
            ("$EMPTY == ''", true),
            ("$NONE == ''", false),
            ("$EMPTY != null", true),
            ("null", false),
            ("$CI_COMMIT_BRANCH =~ /^feature/", true),
            ("$CI_COMMIT_BRANCH =~ /^feature\\/login$/", false),
            ("$CI_COMMIT_BRANCH =~ /^feature\\/login$/i", true),
            ("$CI_COMMIT_BRANCH =~ /eat/", true),
            ("$CI_COMMIT_BRANCH !~ /^main$/", true),
            ("$CI_COMMIT_BRANCH =~ $PATTERN", true),
            ("$CI_COMMIT_BRANCH !~ $PATTERN", false),
            ("$CI_COMMIT_BRANCH =~ $NONE", false),
            ("$CI_COMMIT_BRANCH !~ $NONE", true),
            ("$NONE =~ /x/", false),
            ("$NONE !~ /x/", true),
            // `&&` goes before `||`, unless there are parentheses.
            ("$SAME || $NONE && $NONE", true),
            ("($SAME || $NONE) && $NONE", false),
            ("$NONE || $EMPTY || $CI_PIPELINE_SOURCE == 'push'", true),
            ("$EMPTY && $SAME", false),
            ("($CI_PIPELINE_SOURCE == 'push' && ($NONE || $SAME =~ /u/))", true),
            ("  $SAME\n  && $CI_COMMIT_BRANCH  ", true),
        ] {
            assert_eq!(worked_out(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_gitlab_would_not_accept_is_said() {
        for (text, why) in [
            ("", "ends too early"),
            ("$SAME ==", "ends too early"),
            ("== 'a'", "a value is missing before `==`"),
            ("${SAME} == 'a'", "without braces"),
            ("$ == 'a'", "a name is missing"),
            ("$SAME == push", "`push` means nothing: texts stand in quotes"),
            ("$SAME == true", "`true` means nothing: texts stand in quotes"),
            ("$SAME = 'push'", "`=` means nothing"),
            ("$SAME & $EMPTY", "`&` means nothing"),
            ("!$SAME", "`!` does not stand alone"),
            ("$SAME == 'push", "no closing quote"),
            ("$SAME =~ /push", "no pattern between slashes"),
            ("$SAME =~ //", "no pattern between slashes"),
            ("$SAME =~ 'push'", "`push` is no pattern"),
            ("$SAME =~ $SAME", "`push` is no pattern"),
            ("$SAME =~ /(?!x)/", "no pattern that RE2 knows"),
            ("($SAME", "`)` is missing"),
            ("$SAME 'push'", "does not end before `\"push\"`"),
            ("$SAME)", "does not end before `)`"),
        ] {
            let said = worked_out(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
