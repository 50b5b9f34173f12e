//! Typed text to requests: the only place that knows clap and reads the environment.

mod args;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{CommandFactory, Parser};

use crate::command::app::App;
use crate::command::prove::ProveRequest;
use crate::command::reset::ResetRequest;
use crate::command::throwaway::Purpose;
use crate::command::{self, Failure, Outcome};
use crate::event::display::Display;
use crate::event::{Silent, Sink};
use crate::host;
use crate::image::Policy;
use crate::image::base::BaseSettings;
use crate::lab::id::InstanceName;
use crate::lab::view::View;
pub use args::Format;
use args::{Arguments, ImagesVerb, LabVerb, ReviewVerb, Verb};

/// What the screen has to know.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    pub format: Format,
    pub colour: bool,
}

/// A command line, understood.
pub struct Request {
    arguments: Arguments,
    environment: BTreeMap<String, String>,
    pub screen: Screen,
}

impl Request {
    /// Reads the process's arguments and environment. Wrong usage ends in clap's own words and code 2.
    ///
    /// # Errors
    /// clap's answer, also to `--help` and `--version`.
    pub fn from_process() -> Result<Self, clap::Error> {
        let arguments = Arguments::try_parse()?;
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let colour = environment.get("NO_COLOR").is_none_or(String::is_empty)
            && environment.get("TERM").is_none_or(|term| term != "dumb")
            && std::io::IsTerminal::is_terminal(&std::io::stdout());
        let screen = Screen { format: arguments.format, colour };
        Ok(Self { arguments, environment, screen })
    }

    /// The file that the verdicts are written to as JUnit's XML.
    pub fn junit(&self) -> Option<&std::path::Path> {
        match &self.arguments.verb {
            Some(Verb::Verify { junit, .. }) => junit.as_deref(),
            _ => None,
        }
    }

    /// Whether this is best shown on one screen: `watch`, and labrunner alone where a lab is in use.
    pub fn wants_screen(&self) -> bool {
        match &self.arguments.verb {
            Some(Verb::Watch { .. }) => true,
            None => self.app(Arc::new(Silent)).is_ok_and(|app| app.has_active_lab()),
            _ => false,
        }
    }

    /// Carries the command out.
    ///
    /// # Errors
    /// What the command could not do.
    pub async fn run(self, sink: Arc<dyn Sink>, display: Option<Arc<dyn Display>>) -> Result<Outcome, Failure> {
        let verb = &self.arguments.verb;
        let fits = match self.screen.format {
            Format::Human | Format::Json => true,
            Format::Md => matches!(verb, Some(Verb::Report { .. })),
            Format::Html => matches!(verb, Some(Verb::Report { .. } | Verb::Lab(LabVerb::Prove { .. }))),
            Format::Sarif => matches!(verb, Some(Verb::Lab(LabVerb::Lint { .. }))),
        };
        if !fits {
            let formats = "`html` is a format of `report` and `lab prove`, `md` of `report`, `sarif` of `lab lint`";
            return Err(Failure::usage(formats).hint("use `human` or `json` here"));
        }
        let Some(verb) = self.arguments.verb.clone() else {
            let app = self.app(sink)?;
            return match display {
                Some(display) => command::watch::watch(&app, None, false, Some(display)).await,
                None => command::look::list(&app),
            };
        };
        if let Verb::Watch { lab, poll } = &verb {
            return command::watch::watch(&self.app(sink)?, lab.as_deref(), *poll, display).await;
        }
        if let Verb::Completions { shell } = verb {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "labrunner", &mut text);
            return Ok(raw(text));
        }
        if matches!(verb, Verb::Man) {
            let mut text = Vec::new();
            let page = clap_mangen::Man::new(Arguments::command()).render(&mut text);
            page.map_err(|error| Failure::usage(format!("the manual page cannot be made: {error}")))?;
            return Ok(raw(text));
        }
        let app = self.app(sink)?;
        dispatch(&app, verb).await
    }

    fn app(&self, sink: Arc<dyn Sink>) -> Result<App, Failure> {
        let variable = |name: &str| self.environment.get(name).filter(|value| !value.is_empty());
        let home = variable("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
        let folder = |own: &str, base: &str, fallback: &str| {
            let base = variable(base).map_or_else(|| home.join(fallback), PathBuf::from);
            variable(own).map_or_else(|| base.join("labrunner"), PathBuf::from)
        };
        let here = std::env::current_dir()
            .map_err(|error| Failure::usage(format!("the current folder cannot be used: {error}")))?;
        let instance =
            InstanceName::new(&self.arguments.instance).map_err(|error| Failure::usage(error.to_string()))?;
        if Purpose::of(&instance).is_some() {
            let text = format!("`{instance}` cannot be the name of an instance of yours");
            return Err(
                Failure::usage(text).hint("choose another: what begins with `prove-` or `copy-` is removed by itself")
            );
        }
        let mut settings = BTreeMap::new();
        for pair in &self.arguments.set {
            let wrong = || Failure::usage(format!("`--set {pair}` is not `name=value`"));
            let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
            settings.insert(name.to_owned(), value.into());
        }
        let certificates = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];
        let base = BaseSettings {
            mirror: variable("LABRUNNER_MIRROR").cloned().unwrap_or_else(host::debian_mirror),
            certificates: certificates.iter().map(PathBuf::from).find(|path| path.is_file()),
            proxy: ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"]
                .iter()
                .find_map(|name| variable(name).cloned()),
        };
        Ok(App {
            state: folder("LABRUNNER_STATE_DIR", "XDG_STATE_HOME", ".local/state"),
            cache: folder("LABRUNNER_CACHE_DIR", "XDG_CACHE_HOME", ".cache"),
            here,
            home,
            labs: self.arguments.labs.clone(),
            environment: self.environment.clone(),
            instance,
            settings,
            policy: self.arguments.images.policy(),
            base,
            yes: self.arguments.yes,
            colour: self.screen.colour,
            sink,
            typed: std::env::args()
                .map(|word| if word.contains(' ') { format!("'{word}'") } else { word })
                .collect::<Vec<_>>()
                .join(" "),
        })
    }
}

fn raw(text: Vec<u8>) -> Outcome {
    Outcome::ok(View::Raw { text: String::from_utf8_lossy(&text).into_owned() })
}

/// `[LAB] [WORD…]` as it was typed: whether the first word is a lab is not for clap to know.
fn words(first: Option<String>, rest: impl IntoIterator<Item = String>) -> Vec<String> {
    first.into_iter().chain(rest).collect()
}

async fn dispatch(app: &App, verb: Verb) -> Result<Outcome, Failure> {
    use command::review::Act;
    use command::{author, doctor, down, images, inside, lint, look, prove, report, reset, review, start, verify};
    match verb {
        Verb::List => look::list(app),
        Verb::Start { lab, workspace, dry_run } => {
            start::start(app, lab.as_deref(), workspace.as_deref(), dry_run).await
        }
        Verb::Show { lab, goal } => look::show(app, &words(lab, goal)),
        Verb::Verify { lab, goals, seed, junit: _ } => verify::verify(app, &words(lab, goals), seed).await,
        Verb::Report { lab } => report::report(app, lab.as_deref()),
        Verb::Review { act, goals, minutes } => {
            let act = match act {
                None => Act::Show,
                Some(ReviewVerb::Check) => Act::Check,
                Some(ReviewVerb::Skip) => Act::Skip,
                Some(ReviewVerb::End) => Act::End,
            };
            review::review(app, act, goals, minutes).await
        }
        Verb::Retro { lab } => command::retro::retro(app, lab.as_deref()),
        Verb::Portfolio { out, name } => command::portfolio::portfolio(app, &out, name.as_deref()),
        Verb::Hint { lab, goal } => look::hint(app, &words(lab, goal)),
        Verb::Solution { lab, goal } => look::solution(app, &words(lab, goal)).await,
        Verb::Status { lab } => look::status(app, lab.as_deref()).await,
        Verb::Logs { service, tail, lab } => inside::logs(app, lab.as_deref(), &service, tail).await,
        Verb::Exec { service, command, lab } => inside::exec(app, lab.as_deref(), &service, &command).await,
        Verb::Shell { service, lab } => inside::shell(app, lab.as_deref(), &service).await,
        Verb::Open { service, lab } => inside::open(app, lab.as_deref(), &service).await,
        Verb::Reset { lab, services, workspace, plan } => {
            reset::reset(app, &words(lab, services), &ResetRequest { workspace, plan }).await
        }
        Verb::Undo { lab } => reset::undo(app, lab.as_deref()),
        Verb::Stop { lab } => reset::stop(app, lab.as_deref()).await,
        Verb::Down { lab, all } => down::down(app, lab.as_deref(), all).await,
        Verb::Progress => look::progress(app),
        Verb::History { lab, most } => look::history(app, lab.as_deref(), most),
        Verb::Images(ImagesVerb::List) => images::list(app).await,
        Verb::Images(ImagesVerb::Pull { lab }) => images::fetch(app, lab.as_deref(), app.policy).await,
        Verb::Images(ImagesVerb::Build { lab }) => images::fetch(app, lab.as_deref(), Policy::Local).await,
        Verb::Images(ImagesVerb::Save { file, lab }) => images::save(app, lab.as_deref(), &file).await,
        Verb::Images(ImagesVerb::Load { file }) => images::load(app, &file).await,
        Verb::Doctor { fix } => doctor::doctor(app, fix).await,
        Verb::Lab(LabVerb::Lint { names, proven, fix }) => {
            let verbs =
                Arguments::command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect::<Vec<_>>();
            lint::lint(app, &lint::LintRequest { names: &names, proven, fix, verbs: &verbs })
        }
        Verb::Lab(LabVerb::New { id, from }) => author::new(app, &id, &from),
        Verb::Lab(LabVerb::Import { file, id }) => author::import(app, &file, id.as_deref()),
        Verb::Lab(LabVerb::Schema) => Ok(lint::schema()),
        Verb::Lab(LabVerb::Prove { labs, repeat, budget, only, jobs, write, add, fresh }) => {
            let jobs = jobs.map(usize::from);
            let request = ProveRequest { repeat, budget, only, jobs, write, add, fresh };
            prove::prove(app, &labs, &request).await
        }
        Verb::Watch { .. } | Verb::Completions { .. } | Verb::Man => Err(Failure::usage("this verb needs no lab")),
    }
}
