//! A report as Markdown and as a page of its own.

use super::text::sanitise;
use crate::lab::view::{CellRow, ProveView, ReportGoal, ReportLab, ReportView, View};

/// The report as Markdown; `None` for any other answer.
pub fn markdown(view: &View) -> Option<String> {
    let View::Report(report) = view else { return None };
    Some(text(report))
}

/// The report, or what `lab prove` found, as one HTML file without anything from elsewhere; `None` for any other answer.
pub fn html(view: &View) -> Option<String> {
    match view {
        View::Report(report) => {
            let labs: String = report.labs.iter().map(section).collect();
            let made = day(&report.made);
            Some(page("What was reached", &format!("<p>Made on {made}. Points count while a goal passes.</p>\n{labs}")))
        }
        View::Prove { labs } => Some(page("What was proven", &labs.iter().map(matrix).collect::<String>())),
        _ => None,
    }
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>labrunner: {title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<style>\n{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n{body}</body></html>\n"
    )
}

/// Goals across, variants down.
fn matrix(lab: &ProveView) -> String {
    let goals: String = lab.goals.iter().map(|goal| format!("<th>{}</th>", escape(goal))).collect();
    let row = |cell: &CellRow| {
        let verdicts = lab.goals.iter().map(|goal| match cell.verdict(goal) {
            Some(verdict) => format!("<td class=\"{verdict}\">{verdict}</td>"),
            None => "<td>not judged in this round</td>".to_owned(),
        });
        let wrong: String = cell.wrong.iter().map(|line| format!("<br><small>{}</small>", escape(line))).collect();
        let mark = if cell.wrong.is_empty() { "✓" } else { "✗" };
        format!(
            "<tr><td>{mark} {} (round {}){wrong}</td>{}<td>{:.1} s</td></tr>\n",
            escape(&cell.variant),
            cell.round,
            verdicts.collect::<String>(),
            std::time::Duration::from_millis(cell.took).as_secs_f64()
        )
    };
    let rows: String = lab.cells.iter().map(row).collect();
    let never = lab.never_failed.iter().map(|(goal, check)| format!("nothing made it fail: {goal}: {check}"));
    let not_run = lab.not_run.iter().map(|variant| format!("not run: {variant}"));
    let left = lab.left.iter().map(|name| format!("left behind: {name}"));
    let notes: String = never.chain(not_run).chain(left).map(|note| format!("<li>{}</li>\n", escape(&note))).collect();
    let wrong = lab.cells.iter().filter(|cell| !cell.wrong.is_empty()).count();
    format!(
        "<h2>{}</h2>\n<p>{} cells, {wrong} wrong.</p>\n<table><tr><th>variant</th>{goals}<th>time</th></tr>\n{rows}</table>\n\
         <ul>\n{notes}</ul>\n",
        escape(&lab.lab),
        lab.cells.len()
    )
}

const STYLE: &str =
    "body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; vertical-align: top }
td.passed { color: #18794e } td.failed { color: #c62a2f }
small { opacity: .7 }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee } }
";

pub(super) fn text(report: &ReportView) -> String {
    let mut text = format!("# What was reached\n\nMade on {}.\n", day(&report.made));
    if report.labs.is_empty() {
        text.push_str("\nNo lab has been tried yet.\n");
    }
    for lab in &report.labs {
        text.push_str(&format!("\n## {} ({})\n\n{}\n\n", plain(&lab.title), lab.lab, score(lab)));
        text.push_str("| goal | verdict | first reached | tries | hints |\n| --- | --- | --- | --- | --- |\n");
        for goal in &lab.goals {
            text.push_str(&format!(
                "| {} | {} | {} | {} | {} |\n",
                plain(&goal.title),
                plain(&words(goal)),
                goal.first_reached.as_deref().map_or("", day),
                goal.attempts,
                goal.hints
            ));
        }
    }
    text
}

fn section(lab: &ReportLab) -> String {
    let rows: String = lab
        .goals
        .iter()
        .map(|goal| {
            format!(
                "<tr><td>{}</td><td class=\"{}\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                escape(&goal.title),
                escape(goal.verdict.as_deref().unwrap_or("none")),
                escape(&words(goal)),
                goal.first_reached.as_deref().map_or("", day),
                goal.attempts,
                goal.hints
            )
        })
        .collect();
    format!(
        "<h2>{} <small>{}</small></h2>\n<p>{}</p>\n<table><thead><tr><th>goal</th><th>verdict</th>\
         <th>first reached</th><th>tries</th><th>hints</th></tr></thead><tbody>\n{rows}</tbody></table>\n",
        escape(&lab.title),
        escape(&lab.lab),
        escape(&score(lab))
    )
}

fn score(lab: &ReportLab) -> String {
    let passes = |goal: &&ReportGoal| goal.verdict.as_deref() == Some("passed");
    let points: u32 = lab.goals.iter().filter(passes).map(|goal| goal.points).sum();
    let all: u32 = lab.goals.iter().map(|goal| goal.points).sum();
    format!("{} of {} goals pass, {points} of {all} points", lab.goals.iter().filter(passes).count(), lab.goals.len())
}

fn words(goal: &ReportGoal) -> String {
    match (&goal.verdict, &goal.message) {
        (None, _) => "not judged".into(),
        (Some(verdict), Some(message)) => format!("{verdict}: {message}"),
        (Some(verdict), None) => verdict.clone(),
    }
}

pub(super) fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

/// In a cell of a Markdown table.
fn plain(text: &str) -> String {
    sanitise(text).replace(['\n', '|'], " ")
}

pub(super) fn escape(text: &str) -> String {
    let text = sanitise(text).replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View {
        let goal = ReportGoal {
            goal: "one".into(),
            title: "A <b>bold</b> | title".into(),
            points: 10,
            first_reached: Some("2026-11-24T10:00:00Z".into()),
            verdict: Some("failed".into()),
            message: Some("it said \"no\"".into()),
            judged: None,
            attempts: 3,
            hints: 1,
        };
        let lab = ReportLab { lab: "month-3".into(), title: "Celery".into(), goals: vec![goal] };
        View::Report(ReportView { made: "2026-11-25T00:00:00Z".into(), labs: vec![lab] })
    }

    #[test]
    fn nothing_of_a_lab_or_a_learner_becomes_markup() {
        let page = html(&view()).unwrap();
        assert!(page.contains("A &lt;b&gt;bold&lt;/b&gt; | title"), "{page}");
        assert!(page.contains("failed: it said &quot;no&quot;"), "{page}");
        assert!(page.contains("0 of 1 goals pass, 0 of 10 points"), "{page}");
        let text = markdown(&view()).unwrap();
        assert!(text.contains("| A <b>bold</b>   title | failed: it said \"no\" | 2026-11-24 | 3 | 1 |"), "{text}");
    }
}
