//! Spans of time as labs write them.

use std::time::Duration;

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
