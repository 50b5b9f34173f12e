//! Charts as SVG inside a page; colours come from its style sheet.

use std::fmt::Write;

use super::super::report::escape;

const WIDTH: f64 = 720.0;
/// Of the labels at the left.
const LABELS: f64 = 200.0;
const ROW: f64 = 26.0;

/// A bar a row: how much of how much.
pub fn bars(title: &str, rows: &[(String, f64, f64)], words: fn(f64) -> String) -> String {
    let most = rows.iter().map(|(_, _, all)| *all).fold(0.0, f64::max);
    let height = ROW * rows.len() as f64 + 8.0;
    let mut svg = begin(title, height);
    let scale = if most > 0.0 { (WIDTH - LABELS - 90.0) / most } else { 0.0 };
    for (number, (label, part, all)) in rows.iter().enumerate() {
        let top = ROW * number as f64 + 4.0;
        let middle = top + ROW / 2.0 + 1.0;
        let text = if part == all { words(*part) } else { format!("{} of {}", words(*part), words(*all)) };
        let _ = writeln!(
            svg,
            "<text class=\"label\" x=\"{:.0}\" y=\"{middle:.0}\">{}</text>\
             <rect class=\"all\" x=\"{LABELS}\" y=\"{:.0}\" width=\"{:.1}\" height=\"16\"/>\
             <rect class=\"part\" x=\"{LABELS}\" y=\"{:.0}\" width=\"{:.1}\" height=\"16\"/>\
             <text class=\"value\" x=\"{:.1}\" y=\"{middle:.0}\">{text}</text>",
            LABELS - 8.0,
            escape(label),
            top + 4.0,
            all * scale,
            top + 4.0,
            part * scale,
            LABELS + all * scale + 8.0,
        );
    }
    svg + "</svg>"
}

/// How often something had happened by each day; `moments` are RFC 3339 and sorted.
pub fn steps(title: &str, moments: &[&str]) -> String {
    const HEIGHT: f64 = 220.0;
    const MARGIN: f64 = 34.0;
    let seconds: Vec<f64> = moments
        .iter()
        .filter_map(|moment| moment.parse::<jiff::Timestamp>().ok())
        .map(|moment| moment.as_second() as f64)
        .collect();
    let mut svg = begin(title, HEIGHT);
    let (Some(first), Some(last)) = (seconds.first(), seconds.last()) else {
        let middle = HEIGHT / 2.0;
        let _ =
            write!(svg, "<text class=\"value\" x=\"{MARGIN}\" y=\"{middle:.0}\">no goal has been reached yet</text>");
        return svg + "</svg>";
    };
    let span = (last - first).max(1.0);
    let across = |second: f64| MARGIN + (second - first) / span * (WIDTH - 2.0 * MARGIN);
    let up = |count: usize| HEIGHT - MARGIN - count as f64 / seconds.len() as f64 * (HEIGHT - 2.0 * MARGIN);
    let mut path = format!("M{:.1} {:.1}", across(*first), up(0));
    for (count, second) in seconds.iter().enumerate() {
        let _ = write!(path, " H{:.1} V{:.1}", across(*second), up(count + 1));
    }
    let day = |moment: &str| escape(moment.split('T').next().unwrap_or(moment));
    let base = HEIGHT - MARGIN;
    let _ = write!(
        svg,
        "<path class=\"axis\" d=\"M{MARGIN} {base} H{:.0}\"/><path class=\"line\" d=\"{path}\"/>\
         <text class=\"value\" x=\"{MARGIN}\" y=\"{:.0}\">{}</text>\
         <text class=\"label\" x=\"{:.0}\" y=\"{:.0}\">{}</text>\
         <text class=\"label\" x=\"{:.0}\" y=\"{:.0}\">{}</text>",
        WIDTH - MARGIN,
        base + 20.0,
        moments.first().map_or_else(String::new, |moment| day(moment)),
        WIDTH - MARGIN,
        base + 20.0,
        moments.last().map_or_else(String::new, |moment| day(moment)),
        WIDTH - MARGIN,
        up(seconds.len()) - 8.0,
        seconds.len(),
    );
    svg + "</svg>"
}

fn begin(title: &str, height: f64) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>\n", escape(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_what_they_stand_for() {
        let rows = [("one".to_owned(), 5.0, 10.0), ("t<o".to_owned(), 4.0, 4.0)];
        let svg = bars("Goals", &rows, |value| format!("{value:.0}"));
        assert!(svg.contains("width=\"430.0\"") && svg.contains("width=\"215.0\""), "{svg}");
        assert!(svg.contains(">5 of 10<") && svg.contains(">4<") && svg.contains("t&lt;o"), "{svg}");
        assert!(bars("Nothing", &[("one".to_owned(), 0.0, 0.0)], |_| "0".into()).contains("width=\"0.0\""));
    }

    #[test]
    fn steps_go_up_once_for_each() {
        let svg = steps("Goals", &["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"]);
        assert_eq!(svg.matches(" V").count(), 3);
        assert!(svg.contains("2026-01-01") && svg.contains("2026-01-03"));
        assert!(steps("Goals", &[]).contains("no goal has been reached yet"));
    }
}
