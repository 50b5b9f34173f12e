//! What stands on the screen of `watch`, line by line: never more lines than it has, and none wider.

use super::failure::goal_block;
use super::text::{Paint, fit, sanitise, seconds, wrap};
use crate::event::display::{WatchView, WatchedGoal};
use crate::lab::Verdict;

/// Rows that the failing check gets at least, before goals are left out for it.
const PANEL: usize = 8;
const KEYS: &str = "v verify all  h hint  n next  l logs  r reset  o open  q quit";
/// For a narrow screen.
const KEYS_SHORT: &str = "v all h hint n next l logs r reset o open q quit";

/// The lines of a screen of `width` by `height` characters. `doing` is the latest event.
pub(super) fn lines(view: &WatchView, doing: &str, width: usize, height: usize, paint: Paint) -> Vec<String> {
    let state = if view.state == "judging" && !doing.is_empty() { doing } else { &view.state };
    let title = sanitise(&view.title);
    let room = width.saturating_sub(title.chars().count() + 3);
    let mut lines = vec![
        format!("{}   {}", paint.strong(&fit(&title, width)), paint.faint(&fit(&sanitise(state), room))),
        services(view, width, paint),
        String::new(),
    ];
    let foot = 2;
    let free = height.saturating_sub(lines.len() + foot);
    let panel = panel(view, width, paint);
    // The panel gets what the goals leave, and at least a few lines if it needs them.
    let wanted = panel.len().min(PANEL).min(free);
    lines.extend(goals(&view.goals, width, free.saturating_sub(wanted + usize::from(wanted > 0)), paint));
    if !panel.is_empty() {
        lines.push(paint.faint(&"─".repeat(width)));
        let room = height.saturating_sub(lines.len() + foot);
        if panel.len() > room {
            lines.extend(panel.iter().take(room.saturating_sub(1)).cloned());
            let more = panel.len() - room.saturating_sub(1);
            lines.push(paint.faint(&fit(&format!("… {more} more lines; `labrunner verify` shows all"), width)));
        } else {
            lines.extend(panel);
        }
    }
    lines.truncate(height.saturating_sub(1));
    lines.resize(height.saturating_sub(1), String::new());
    let keys = if width < KEYS.len() { KEYS_SHORT } else { KEYS };
    lines.push(paint.faint(&fit(keys, width)));
    lines.truncate(height);
    lines
}

fn services(view: &WatchView, width: usize, paint: Paint) -> String {
    let mut used = 0;
    let mut parts = Vec::new();
    for (name, ready) in &view.services {
        used += name.chars().count() + 4;
        if used > width {
            break;
        }
        parts.push(format!("{} {name}", if *ready { paint.good("●") } else { paint.odd("○") }));
    }
    parts.join("  ")
}

fn mark(goal: &WatchedGoal, paint: Paint) -> String {
    if goal.running {
        return paint.odd("…");
    }
    match goal.verdict {
        None => paint.faint("·"),
        Some(Verdict::Passed) => paint.good("✓"),
        Some(Verdict::Failed) => paint.bad("✗"),
        Some(Verdict::Undecided) => paint.odd("?"),
        Some(Verdict::Defect) => paint.odd("!"),
        Some(Verdict::Blocked) => paint.faint("·"),
    }
}

/// One line each where there is room; else those that have passed are only counted, and then the last are cut.
fn goals(goals: &[WatchedGoal], width: usize, room: usize, paint: Paint) -> Vec<String> {
    let line = |goal: &WatchedGoal| {
        let took = if goal.took > 0 { seconds(goal.took.into()) } else { String::new() };
        let name = goal.goal.as_str();
        let title = fit(&sanitise(&goal.title), width.saturating_sub(name.chars().count() + took.len() + 6));
        format!("{} {name}  {} {}", mark(goal, paint), paint.faint(&title), paint.faint(&took))
    };
    if goals.len() <= room {
        return goals.iter().map(line).collect();
    }
    let done = |goal: &&WatchedGoal| goal.verdict == Some(Verdict::Passed) && !goal.running;
    let passed = goals.iter().filter(done).count();
    let mut lines = Vec::new();
    if passed > 0 {
        lines.push(format!("{} {passed} of {} goals pass", paint.good("✓"), goals.len()));
    }
    lines.extend(goals.iter().filter(|goal| !done(goal)).map(line));
    if lines.len() > room {
        let hidden = lines.len() - room.saturating_sub(1);
        lines.truncate(room.saturating_sub(1));
        if room > 0 {
            lines.push(paint.faint(&format!("  and {hidden} more")));
        }
    }
    lines
}

/// The note, else the failing check in full.
fn panel(view: &WatchView, width: usize, paint: Paint) -> Vec<String> {
    let text = match (&view.note, &view.shown) {
        (Some((title, text)), _) => format!("{}\n{}", paint.strong(&sanitise(title)), wrap(&sanitise(text), width)),
        (None, Some(report)) => goal_block(report, paint),
        (None, None) => return Vec::new(),
    };
    text.lines().flat_map(|line| folded(line, width)).collect()
}

/// A line in pieces that fit; escapes take no room.
fn folded(line: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let (mut used, mut escape) = (0, false);
    for letter in line.chars() {
        let last = pieces.len() - 1;
        if letter == '\u{1b}' {
            escape = true;
        }
        if !escape && used == width.max(1) {
            pieces.push(String::new());
            used = 0;
        }
        let last = if !escape && used == 0 { pieces.len() - 1 } else { last };
        pieces[last].push(if letter == '\t' { ' ' } else { letter });
        if !escape {
            used += 1;
        } else if letter == 'm' {
            escape = false;
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::GoalId;

    fn view(count: usize) -> WatchView {
        let goal = |number: usize| WatchedGoal {
            goal: GoalId::new(&format!("goal-{number}")).unwrap(),
            title: "A title that is rather long, as titles of goals sometimes are, and goes on".into(),
            verdict: Some(if number < count / 2 { Verdict::Passed } else { Verdict::Failed }),
            running: false,
            took: 1200,
        };
        WatchView {
            title: "month-3 · Celery and Redis".into(),
            state: "waiting for changes".into(),
            services: vec![("web".into(), true), ("worker".into(), false)],
            goals: (0..count).map(goal).collect(),
            shown: None,
            note: Some(("last lines of web".into(), "word ".repeat(300))),
        }
    }

    #[test]
    fn every_size_is_filled_and_never_exceeded() {
        for (width, height, count) in [(80, 24, 10), (80, 24, 40), (200, 60, 10), (20, 6, 10), (1, 1, 3), (40, 10, 0)] {
            let lines = lines(&view(count), "", width, height, Paint(false));
            assert_eq!(lines.len(), height, "{width}x{height}");
            let widest = lines.iter().map(|line| line.trim_end().chars().count()).max().unwrap_or(0);
            assert!(widest <= width.max(46), "{width}x{height}: {widest}");
        }
    }

    #[test]
    fn goals_that_pass_make_room_for_what_fails() {
        let text = lines(&view(40), "", 80, 24, Paint(false)).join("\n");
        assert!(text.contains("20 of 40 goals pass"), "{text}");
        assert!(text.contains("last lines of web"), "{text}");
        assert!(text.ends_with("q quit"), "{text}");
    }

    #[test]
    fn long_lines_are_folded_and_styles_take_no_room() {
        assert_eq!(folded("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(folded("\u{1b}[1mabcd\u{1b}[0m", 4), ["\u{1b}[1mabcd\u{1b}[0m"]);
    }
}
