//! Answers for people.

use comfy_table::{Table, presets};

use super::failure;
use super::text::{Paint, indent, reflow, sanitise, seconds, tame, wrap};
use crate::lab::retrospective::many;
use crate::lab::view::{Finding, GoalRow, ProveView, StartView, StatusView, View};

/// The human form of an answer. `width` is the terminal's, in columns.
pub fn render(view: &View, width: u16, colour: bool) -> String {
    let paint = Paint(colour);
    match view {
        View::List { labs, .. } => {
            let rows = labs.iter().map(|lab| {
                vec![
                    lab.month.to_string(),
                    lab.id.clone(),
                    sanitise(&lab.title),
                    format!("{}/{}", lab.reached, lab.goals),
                    lab.points.to_string(),
                ]
            });
            table(&["month", "lab", "title", "goals", "points"], rows.collect(), width)
        }
        View::Start(start) => started(start, width, paint),
        View::Show { title, markdown } => {
            format!("{}\n\n{}", paint.strong(&sanitise(title)), markdown_text(markdown, width, colour))
        }
        View::Verify(report) => failure::report(report, usize::from(width), paint),
        View::Hint { goal, number, of, text } => {
            format!(
                "{}\n\n{}\n",
                paint.strong(&format!("hint {number} of {of} for {goal}")),
                indent(&wrap(&sanitise(text), usize::from(width.min(100)) - 2), 2)
            )
        }
        View::Diff { title, diff } => {
            format!("{}\n\n{}", paint.strong(&sanitise(title)), coloured(&sanitise(diff), paint))
        }
        View::Status(status) => status_text(status, width, paint),
        View::Plan { title, steps } => {
            let lines: String = steps
                .iter()
                .map(|(step, reason)| format!("  {step} {}\n", paint.faint(&format!("({reason})"))))
                .collect();
            let lines =
                if lines.is_empty() { "  do nothing: everything is as it should be\n".to_owned() } else { lines };
            format!("{}\n{lines}", paint.strong(&sanitise(title)))
        }
        View::Progress { labs } => {
            let blocks = labs.iter().map(|lab| {
                format!(
                    "{}\n{}",
                    paint.strong(&format!("{} · {}", lab.lab, sanitise(&lab.title))),
                    goals(&lab.goals, width)
                )
            });
            blocks.collect::<Vec<_>>().join("\n")
        }
        View::History { attempts } if attempts.is_empty() => {
            "no attempts yet; `labrunner verify` makes the first\n".to_owned()
        }
        View::History { attempts } => {
            let rows = attempts.iter().map(|one| {
                let count = |word: &str| one.verdicts.iter().filter(|(_, verdict)| verdict == word).count();
                let words = ["passed", "failed", "blocked", "undecided", "defect"];
                let counts: Vec<String> =
                    words.iter().filter(|word| count(word) > 0).map(|word| format!("{} {word}", count(word))).collect();
                let when = one.began.split('.').next().unwrap_or(&one.began).replace('T', " ");
                vec![one.id.to_string(), when, one.lab.clone(), counts.join(", "), one.seed.to_string()]
            });
            table(&["", "when (UTC)", "lab", "verdicts", "seed"], rows.collect(), width)
        }
        View::Review(review) => super::practical::text(review, width, paint),
        View::Portfolio(portfolio) => {
            let labs = portfolio.months.iter().filter(|month| month.untouched.is_none()).count();
            let posts: usize = portfolio.months.iter().map(|month| month.posts.len()).sum();
            let index = portfolio.out.join("index.html");
            format!("{}: {} and {} in it\n", index.display(), many(labs, "lab"), many(posts, "note"))
        }
        View::Report(report) => markdown_text(&super::report::text(report), width, colour),
        View::Doctor { findings } => findings.iter().map(|one| finding(one, paint)).collect(),
        View::Images { images } => {
            let rows = images.iter().map(|one| {
                let source = one.source.clone().unwrap_or_else(|| "not here yet".into());
                vec![
                    one.image.clone(),
                    source,
                    one.recipe.clone().unwrap_or_else(|| "none".into()),
                    format!("{} MB", one.size / 1_000_000),
                ]
            });
            table(&["image", "from", "recipe", "size"], rows.collect(), width)
        }
        View::Prove { labs } => labs.iter().map(|one| proof(one, paint)).collect::<Vec<_>>().join("\n"),
        View::Lint { labs, errors, warnings, text, .. } => {
            let block = if text.is_empty() { String::new() } else { format!("{text}\n\n") };
            format!("{block}{labs} labs read: {errors} errors, {warnings} warnings\n")
        }
        View::Done { text } => format!("{}\n", sanitise(text)),
        View::Raw { text } if text.contains('\u{1b}') => tame(text) + "\u{1b}[0m",
        View::Raw { text } => tame(text),
    }
}

pub(super) fn table(head: &[&str], rows: Vec<Vec<String>>, width: u16) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_width(width)
        .set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    table.set_header(head);
    for row in rows {
        table.add_row(row.iter().map(|cell| sanitise(cell)));
    }
    table.to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn started(start: &StartView, width: u16, paint: Paint) -> String {
    let mut text = format!(
        "{} runs {}\n\n",
        paint.strong(&sanitise(&start.title)),
        paint.faint(&format!("({})", seconds(start.took.into())))
    );
    for (service, url) in &start.urls {
        text.push_str(&format!("  {service:<10} {url}\n"));
    }
    let made = if start.created { " (made from the starter)" } else { "" };
    text.push_str(&format!("  {:<10} {}{made}\n", "workspace", start.workspace.display()));
    for (service, why, log) in &start.not_ready {
        text.push_str(&format!("\n{} `{service}` is not ready: {}\n", paint.odd("!"), sanitise(why)));
        log.iter()
            .rev()
            .take(8)
            .rev()
            .for_each(|line| text.push_str(&format!("    {}\n", paint.faint(&sanitise(line)))));
    }
    if let Some((goal, task)) = &start.task {
        text.push_str(&format!(
            "\n{}\n\n{}",
            paint.strong(&format!("Your next goal: {goal}")),
            markdown_text(task, width, paint.0)
        ));
        text.push_str(&format!(
            "\n{} labrunner verify   {} labrunner hint {goal}\n",
            paint.faint("when you are done:"),
            paint.faint("when you are stuck:")
        ));
    }
    text
}

fn status_text(status: &StatusView, width: u16, paint: Paint) -> String {
    let services = status.services.iter().map(|one| {
        let state = match one.ready {
            Some(true) => format!("{}, ready", one.state),
            Some(false) => format!("{}, not ready", one.state),
            None => one.state.clone(),
        };
        let size =
            |bytes: Option<u64>| bytes.map_or_else(String::new, |bytes| format!("{} MB", bytes.div_ceil(1_000_000)));
        vec![one.service.clone(), one.owner.clone(), state, one.ports.join(", "), size(one.memory), size(one.disk)]
    });
    format!(
        "{}\n\n{}\n{}\nworkspace  {}\n",
        paint.strong(&format!("{} · {}", status.lab, sanitise(&status.title))),
        table(&["service", "whose", "state", "ports", "memory", "disk"], services.collect(), width),
        goals(&status.goals, width),
        status.workspace.display()
    )
}

fn goals(rows: &[GoalRow], width: u16) -> String {
    let day = |time: &Option<String>| {
        time.as_ref().map_or_else(|| "never".to_owned(), |time| time.split('T').next().unwrap_or(time).to_owned())
    };
    let rows = rows.iter().map(|goal| {
        let now = goal.now.clone().unwrap_or_else(|| "not judged".into());
        vec![
            goal.goal.clone(),
            day(&goal.ever),
            now,
            goal.points.to_string(),
            goal.attempts.to_string(),
            goal.hints.to_string(),
        ]
    });
    table(&["goal", "first reached", "now", "points", "tries", "hints"], rows.collect(), width)
}

fn finding(one: &Finding, paint: Paint) -> String {
    let mark = if one.ok { paint.good("✓") } else { paint.bad("✗") };
    let fix: String = one.fix.iter().map(|command| format!("    {command}\n")).collect();
    format!("{mark} {:<18} {}\n{fix}", one.what, sanitise(&one.detail))
}

fn proof(prove: &ProveView, paint: Paint) -> String {
    let mut text = String::new();
    let width = prove.cells.iter().map(|cell| cell.variant.len()).max().unwrap_or(0);
    for cell in &prove.cells {
        let mark = if cell.wrong.is_empty() { paint.good("✓") } else { paint.bad("✗") };
        let letters: String = prove
            .goals
            .iter()
            .map(|goal| cell.verdict(goal).and_then(|word| word.chars().next()).unwrap_or('·'))
            .collect();
        text.push_str(&format!(
            "{mark} {:<width$}  {letters}  {}\n",
            cell.variant,
            paint.faint(&seconds(cell.took.into()))
        ));
        for wrong in &cell.wrong {
            text.push_str(&format!("{}\n", indent(&sanitise(wrong), 4)));
        }
        if !cell.wrong.is_empty() {
            text.push_str(&format!("    again: labrunner lab prove {} --only '{}'\n", prove.lab, cell.variant));
        }
    }
    let all_judged = prove.cells.iter().all(|cell| cell.verdicts.len() == prove.goals.len());
    let not_judged = if all_judged { "" } else { ", · not judged in this round" };
    text.push_str(&format!(
        "\none letter a goal (passed, failed, blocked, undecided, defect{not_judged}): {}\n",
        prove.goals.join(", ")
    ));
    for (goal, check) in &prove.never_failed {
        text.push_str(&format!(
            "{} nothing made this check fail, so it proves nothing: {goal}: {check}\n",
            paint.odd("!")
        ));
    }
    for left in &prove.left {
        text.push_str(&format!("{} left behind: {left}\n", paint.bad("✗")));
    }
    for variant in &prove.not_run {
        text.push_str(&format!("{} not run, the budget was used up: {variant}\n", paint.odd("!")));
    }
    let wrong = prove.cells.iter().filter(|cell| !cell.wrong.is_empty()).count();
    text.push_str(&format!(
        "{}\n",
        paint.strong(&format!(
            "{} cells, {wrong} wrong, {} with {} side by side",
            prove.cells.len(),
            seconds(prove.took.into()),
            prove.jobs
        ))
    ));
    text
}

fn coloured(diff: &str, paint: Paint) -> String {
    diff.lines()
        .map(|line| match line.chars().next() {
            Some('+') => format!("{}\n", paint.good(line)),
            Some('-') => format!("{}\n", paint.bad(line)),
            _ => format!("{line}\n"),
        })
        .collect()
}

pub(super) fn markdown_text(text: &str, width: u16, colour: bool) -> String {
    let text = sanitise(text);
    if !colour {
        return format!("{}\n", text.trim_end());
    }
    let text = reflow(&text);
    let skin = termimad::MadSkin::default();
    skin.text(&text, Some(usize::from(width.min(100)))).to_string()
}
