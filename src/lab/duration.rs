//! Spans of time as labs write them.

use std::time::Duration;

/// What [`parse`] reads, as a regular expression.
pub const PATTERN: &str = "^(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(us|ms|s|m|h))+$";

/// Compose's durations: numbers with `us`, `ms`, `s`, `m`, `h`, one after the other.
pub fn parse(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let unit = rest[number..].find(|char: char| char.is_ascii_digit()).map_or(rest.len(), |length| number + length);
        let factor = match &rest[number..unit] {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += rest[..number].parse::<f64>().ok()? * factor;
        rest = &rest[unit..];
    }
    Duration::try_from_secs_f64(total).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_pattern_says_what_is_read(text in "[0-9.]{0,3}(us|ms|s|m|h|d|)([0-9]{1,2}(s|ms|)){0,1}") {
            prop_assert_eq!(regex::Regex::new(PATTERN).unwrap().is_match(&text), parse(&text).is_some(), "{}", text);
        }
    }
}
