//! `portfolio`: what a learner's year shows to others, gathered from the record and the workspaces.

use std::path::Path;

use super::app::{App, Opened};
use super::report::reported;
use super::{Failure, Outcome};
use crate::lab::retrospective::{FILE, QUESTIONS, unanswered};
use crate::lab::secrets::Secrets;
use crate::lab::view::{PortfolioMonth, PortfolioView, Post, View};

/// The learner's own texts, in the workspace.
const NOTES: &str = "notes";
/// Largest note, in bytes.
const LARGEST: u64 = 1 << 20;

/// Gathers the year for a site in `out`. `name` is how the learner wants to be called there.
///
/// # Errors
/// `out` holds something else; the record or a lab cannot be read.
pub fn portfolio(app: &App, out: &Path, name: Option<&str>) -> Result<Outcome, Failure> {
    let out = app.here.join(out);
    let filled = std::fs::read_dir(&out).is_ok_and(|mut entries| entries.next().is_some());
    if filled && !out.join(PortfolioView::MARK).exists() {
        return Err(Failure::usage(format!("`{}` holds files that are not of a portfolio", out.display()))
            .hint("name a folder that is empty or not there yet: `--out portfolio`"));
    }
    let record = app.record()?;
    let mut months = Vec::new();
    for outline in app.outlines()? {
        let goals = reported(&record, &outline)?;
        if goals.iter().all(|goal| goal.judged.is_none()) {
            months.push(PortfolioMonth::untouched(outline.month, &outline.id, &outline.title, goals.len()));
            continue;
        }
        let opened = app.open(&outline)?;
        let past = super::retro::past(app, &opened)?;
        let scrub = Scrub::of(app, &opened);
        let page = std::fs::read_to_string(opened.workspace.join(FILE)).ok();
        let answered = page.filter(|page| unanswered(page).len() < QUESTIONS.len());
        let roadmap = opened.lab.goals.iter().map(|goal| (goal.id.to_string(), goal.roadmap.clone())).collect();
        months.push(PortfolioMonth {
            month: outline.month,
            lab: outline.id.clone(),
            title: outline.title.clone(),
            summary: opened.lab.summary.clone(),
            minutes: u64::try_from(past.time.as_mins()).unwrap_or(0),
            past: past.lines(),
            goals: goals
                .into_iter()
                .map(|mut goal| {
                    goal.message = goal.message.map(|text| scrub.text(&text));
                    goal
                })
                .collect(),
            roadmap,
            retrospective: answered.map(|page| scrub.text(&page)),
            posts: posts(&opened.workspace.join(NOTES), &scrub)?,
            untouched: None,
        });
    }
    let name = name.map(str::to_owned);
    Ok(Outcome::ok(View::Portfolio(PortfolioView { made: app.now(), name, out, months })))
}

fn posts(folder: &Path, scrub: &Scrub) -> Result<Vec<Post>, Failure> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut posts = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let file = path.symlink_metadata().is_ok_and(|facts| facts.is_file() && facts.len() <= LARGEST);
        let (Some(name), true) = (path.file_stem().and_then(|name| name.to_str()), file) else { continue };
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::engine(format!("cannot read `{}`: {error}", path.display())))?;
        let title = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(name).trim().to_owned();
        posts.push(Post { name: name.to_owned(), title: scrub.text(&title), markdown: scrub.text(&text) });
    }
    posts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(posts)
}

/// What nobody else is to read: a lab's secrets, and where this machine keeps its files.
struct Scrub {
    secrets: Secrets,
    places: Vec<(String, &'static str)>,
}

impl Scrub {
    fn of(app: &App, opened: &Opened) -> Self {
        let mut places = vec![
            (opened.workspace.display().to_string(), "the workspace"),
            (opened.lab.folder.display().to_string(), "the lab"),
            (app.state.display().to_string(), "the state folder"),
            (app.home.display().to_string(), "~"),
        ];
        places.retain(|(path, _)| path.len() > 1);
        // One that contains another goes first.
        places.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        Self { secrets: Secrets::of(&opened.lab.stack), places }
    }

    fn text(&self, text: &str) -> String {
        self.places.iter().fold(self.secrets.mask(text), |text, (path, word)| text.replace(path, word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_posts_without_what_is_nobodys_business() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("b.md"), "# Queues\n\nIn /home/ana/shop/shop.py\n").unwrap();
        std::fs::write(folder.path().join("a.md"), "no heading").unwrap();
        std::fs::write(folder.path().join("c.txt"), "not a note").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("d.md")).unwrap();
        let places = vec![("/home/ana/shop".to_owned(), "the workspace"), ("/home/ana".to_owned(), "~")];
        let posts = posts(folder.path(), &Scrub { secrets: Secrets::default(), places }).unwrap();
        let told: Vec<(&str, &str)> = posts.iter().map(|post| (post.name.as_str(), post.title.as_str())).collect();
        assert_eq!(told, [("a", "a"), ("b", "Queues")]);
        assert!(posts[1].markdown.contains("In the workspace/shop.py"), "{posts:?}");
    }
}
