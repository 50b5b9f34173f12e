//! A learner's year as a static site: plain pages, one style sheet, nothing from elsewhere.

mod charts;
mod markdown;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::report::{day, escape};
use crate::lab::retrospective::hours;
use crate::lab::view::{PortfolioMonth, PortfolioView, Post, ReportGoal, View};

/// Its files, by path; `None` for any other answer.
pub fn site(view: &View) -> Option<BTreeMap<String, String>> {
    let View::Portfolio(portfolio) = view else { return None };
    let mut files = BTreeMap::from([
        ("index.html".to_owned(), index(portfolio)),
        ("style.css".to_owned(), STYLE.to_owned()),
        (PortfolioView::MARK.to_owned(), format!("{:#}\n", contents(portfolio))),
    ]);
    for month in portfolio.months.iter().filter(|month| month.untouched.is_none()) {
        files.insert(page_of(month), lab(portfolio, month));
        for post in &month.posts {
            let body = format!(
                "<p class=\"back\"><a href=\"{}\">{}</a></p>\n<article>{}</article>",
                page_of(month),
                escape(&month.title),
                markdown::html(&post.markdown, 0)
            );
            files.insert(page_of_post(month, post), page(portfolio, &post.title, &body));
        }
    }
    Some(files)
}

/// What is in it, for programs.
fn contents(portfolio: &PortfolioView) -> Value {
    let posts = |month: &PortfolioMonth| -> Vec<Value> {
        let told = |post: &Post| json!({ "title": post.title, "words": post.markdown.split_whitespace().count() });
        month.posts.iter().map(told).collect()
    };
    let begun = portfolio.months.iter().filter(|month| month.untouched.is_none());
    let months = begun.map(|month| {
        let (reached, goals) = month.reached();
        let retrospective = month.retrospective.is_some();
        json!({ "lab": month.lab, "reached": reached, "goals": goals, "retrospective": retrospective, "posts": posts(month) })
    });
    json!({ "about": "A portfolio of labrunner: written anew each time.", "months": months.collect::<Vec<_>>() })
}

fn page(portfolio: &PortfolioView, title: &str, body: &str) -> String {
    let year = heading(portfolio);
    let made = day(&portfolio.made);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"stylesheet\" href=\"style.css\">\n</head>\n<body>\n<header><a href=\"index.html\">{}</a></header>\n\
         <main>\n{body}\n</main>\n<footer>Written on {made} from the record of what was judged.</footer>\n</body>\n</html>\n",
        escape(title),
        escape(&year),
    )
}

fn heading(portfolio: &PortfolioView) -> String {
    match &portfolio.name {
        Some(name) => format!("{name}: a year of backend work"),
        None => "A year of backend work".to_owned(),
    }
}

fn index(portfolio: &PortfolioView) -> String {
    let months = &portfolio.months;
    let (reached, goals) =
        months.iter().map(PortfolioMonth::reached).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let minutes: u64 = months.iter().map(|month| month.minutes).sum();
    let figure = |number: String, what: &str| format!("<div><b>{number}</b> {what}</div>");
    let figures = [
        figure(format!("{reached} of {goals}"), "goals reached"),
        figure(format!("{}", months.iter().filter(|month| month.untouched.is_none()).count()), "labs worked on"),
        figure(hours(minutes), "at the keyboard, estimated"),
    ];
    let bars: Vec<(String, f64, f64)> = months
        .iter()
        .map(|month| {
            let (reached, goals) = month.reached();
            (short(month), reached as f64, goals as f64)
        })
        .collect();
    let time: Vec<(String, f64, f64)> =
        months.iter().map(|month| (short(month), month.minutes as f64 / 60.0, month.minutes as f64 / 60.0)).collect();
    let mut dates: Vec<&str> =
        months.iter().flat_map(|month| &month.goals).filter_map(|goal| goal.first_reached.as_deref()).collect();
    dates.sort_unstable();
    let cards: String = months.iter().map(card).collect();
    let posts: String = months
        .iter()
        .flat_map(|month| {
            let retrospective = month.retrospective.as_ref().map(|_| {
                format!(
                    "<li><a href=\"{}#retrospective\">{}: in retrospect</a></li>\n",
                    page_of(month),
                    escape(&month.title)
                )
            });
            let notes = month.posts.iter().map(move |post| {
                format!("<li><a href=\"{}\">{}</a></li>\n", page_of_post(month, post), escape(&post.title))
            });
            retrospective.into_iter().chain(notes)
        })
        .collect();
    let posts = if posts.is_empty() { String::new() } else { format!("<h2>Written</h2>\n<ul>\n{posts}</ul>\n") };
    let body = format!(
        "<h1>{}</h1>\n<div class=\"figures\">{}</div>\n<h2>Goals by month</h2>\n{}\n<h2>Goals over time</h2>\n{}\n\
         <h2>Hours by month</h2>\n{}\n<h2>The labs</h2>\n<div class=\"cards\">\n{cards}</div>\n{posts}",
        escape(&heading(portfolio)),
        figures.concat(),
        charts::bars("Goals reached in each month, of all its goals", &bars, |value| format!("{value:.0}")),
        charts::steps("Goals reached, day by day", &dates),
        charts::bars("Hours spent on each month's lab", &time, |value| format!("{value:.1}")),
    );
    page(portfolio, &heading(portfolio), &body)
}

fn card(month: &PortfolioMonth) -> String {
    let (reached, goals) = month.reached();
    let title = escape(&month.title);
    let number = month.month;
    match month.untouched {
        Some(_) => format!("<section class=\"coming\"><h3>{number}. {title}</h3><p>still to come</p></section>\n"),
        None => format!(
            "<section><h3><a href=\"{}\">{number}. {title}</a></h3><p>{}</p><p>{reached} of {goals} goals, {}</p></section>\n",
            page_of(month),
            escape(month.summary.as_deref().unwrap_or_default()),
            hours(month.minutes)
        ),
    }
}

fn lab(portfolio: &PortfolioView, month: &PortfolioMonth) -> String {
    let row = |goal: &ReportGoal| {
        let verdict = goal.verdict.as_deref().unwrap_or("not judged");
        format!(
            "<tr><td>{}<br><small>{}</small></td><td class=\"{}\">{}</td><td>{}</td></tr>\n",
            escape(&goal.title),
            escape(month.roadmap.get(&goal.goal).map_or("", String::as_str)),
            escape(verdict),
            escape(verdict),
            goal.first_reached.as_deref().map_or("", day)
        )
    };
    let rows: String = month.goals.iter().map(row).collect();
    let past: String = month.past.iter().map(|line| format!("<li>{}</li>\n", escape(&line.replace('`', "")))).collect();
    let posts: String = month
        .posts
        .iter()
        .map(|post| format!("<li><a href=\"{}\">{}</a></li>\n", page_of_post(month, post), escape(&post.title)))
        .collect();
    let posts = if posts.is_empty() { String::new() } else { format!("<h2>Notes</h2>\n<ul>\n{posts}</ul>\n") };
    let retrospective = month.retrospective.as_ref().map_or_else(String::new, |text| {
        format!("<article id=\"retrospective\">\n{}</article>\n", markdown::html(text, 1))
    });
    let body = format!(
        "<h1>{}. {}</h1>\n<p>{}</p>\n<ul>\n{past}</ul>\n<table><thead><tr><th>goal</th><th>verdict</th>\
         <th>first reached</th></tr></thead><tbody>\n{rows}</tbody></table>\n{retrospective}{posts}",
        month.month,
        escape(&month.title),
        escape(month.summary.as_deref().unwrap_or_default()),
    );
    page(portfolio, &month.title, &body)
}

fn short(month: &PortfolioMonth) -> String {
    format!("{}. {}", month.month, month.title)
}

fn page_of(month: &PortfolioMonth) -> String {
    format!("{}.html", plain_name(&month.lab))
}

fn page_of_post(month: &PortfolioMonth, post: &Post) -> String {
    format!("{}-{}.html", plain_name(&month.lab), plain_name(&post.name))
}

/// Safe in a path and in an address.
fn plain_name(text: &str) -> String {
    let plain = |char: char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '-' };
    text.chars().map(plain).collect()
}

const STYLE: &str = include_str!("style.css");

#[cfg(test)]
mod tests {
    use super::*;

    pub fn portfolio() -> View {
        let goal = |goal: &str, title: &str, verdict: &str, reached: Option<&str>| ReportGoal {
            goal: goal.into(),
            title: title.into(),
            points: 10,
            first_reached: reached.map(str::to_owned),
            verdict: Some(verdict.into()),
            message: None,
            judged: Some("2026-03-04T10:00:00Z".into()),
            attempts: 3,
            hints: 0,
        };
        let month = PortfolioMonth {
            month: 4,
            lab: "month-4".into(),
            title: "RabbitMQ <3".into(),
            summary: Some("A broker.".into()),
            goals: vec![
                goal("wired", "Celery's broker", "passed", Some("2026-03-02T10:00:00Z")),
                goal("dead", "Dead letters & co", "failed", Some("2026-03-03T10:00:00Z")),
            ],
            roadmap: BTreeMap::from([("wired".to_owned(), "Integrate RabbitMQ.".to_owned())]),
            minutes: 135,
            past: vec!["2 days".into()],
            retrospective: Some(
                "# Looking back\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) **good**".into(),
            ),
            posts: vec![Post {
                name: "../Queues".into(),
                title: "On <queues>".into(),
                markdown: "# On queues\n\ntext".into(),
            }],
            untouched: None,
        };
        let months = vec![month, PortfolioMonth::untouched(5, "month-5", "Testing", 12)];
        View::Portfolio(PortfolioView {
            made: "2026-03-05T00:00:00Z".into(),
            name: Some("Ana".into()),
            out: "/out".into(),
            months,
        })
    }

    #[test]
    fn a_year_is_a_handful_of_pages() {
        let files = site(&portfolio()).unwrap();
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [".labrunner-portfolio", "index.html", "month-4----queues.html", "month-4.html", "style.css"]
        );
        let index = &files["index.html"];
        assert!(
            index.contains("Ana: a year of backend work") && index.contains("<b>1 of 14</b> goals reached"),
            "{index}"
        );
        assert!(index.contains("still to come") && index.contains("2 h 15 min"), "{index}");
        assert!(index.contains("RabbitMQ &lt;3: in retrospect") && index.contains("On &lt;queues&gt;"), "{index}");
        let lab = &files["month-4.html"];
        assert!(lab.contains("Integrate RabbitMQ.") && lab.contains("Dead letters &amp; co"), "{lab}");
        assert!(lab.contains("<strong>good</strong>"), "{lab}");
    }

    #[test]
    fn nothing_comes_from_elsewhere_and_nothing_runs() {
        for (name, text) in site(&portfolio()).unwrap() {
            for bad in ["<script", "javascript:", "http://", "https://", "/out", "<img"] {
                assert!(!text.contains(bad), "{bad} in {name}: {text}");
            }
        }
    }
}
