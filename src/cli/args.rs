//! What can be typed. A verb's first line is its help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::image::Policy;

/// Hands-on labs that start with one command, judge honestly and never lose work.
#[derive(Debug, Clone, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub verb: Option<Verb>,

    /// Agree to whatever the command would ask
    #[arg(long, short, global = true, value_parser = on_or_off(), env = "LABRUNNER_YES")]
    pub yes: bool,

    /// Another copy of the lab, beside the usual one
    #[arg(long, global = true, default_value = "default", env = "LABRUNNER_INSTANCE")]
    pub instance: String,

    /// Where images come from
    #[arg(long, global = true, value_enum, default_value_t = Images::Auto, env = "LABRUNNER_IMAGES")]
    pub images: Images,

    /// A folder of labs instead of the course's own or the bundled ones
    #[arg(long, global = true, env = "LABRUNNER_LABS")]
    pub labs: Option<PathBuf>,

    /// Give one of the lab's settings a value
    #[arg(long, global = true, value_name = "NAME=VALUE", env = "LABRUNNER_SET")]
    pub set: Vec<String>,

    /// How the result is written to standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Human, env = "LABRUNNER_FORMAT")]
    pub format: Format,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Human,
    Json,
    /// A page of its own, for `report` and `lab prove`
    Html,
    /// Markdown, for `report`
    Md,
    /// SARIF, for `lab lint`
    Sarif,
}

/// `--images`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Images {
    /// What is there, else a registry, else recipes
    Auto,
    /// What is there, else a registry
    Registry,
    /// Recipes only
    Local,
}

impl Images {
    pub(super) fn policy(self) -> Policy {
        match self {
            Images::Auto => Policy::Auto,
            Images::Registry => Policy::Registry,
            Images::Local => Policy::Local,
        }
    }
}

#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Show the roadmap: months, labs, goals reached
    List,
    /// Start a lab: workspace, images, stack; prints the addresses and the first task
    Start {
        lab: Option<String>,
        /// Your own project instead of the starter; remembered
        #[arg(long, env = "LABRUNNER_WORKSPACE")]
        workspace: Option<PathBuf>,
        /// Only show what would be done, and why
        #[arg(long, value_parser = on_or_off(), env = "LABRUNNER_DRY_RUN")]
        dry_run: bool,
    },
    /// Show a lab's brief, or a goal's task
    Show { lab: Option<String>, goal: Option<String> },
    /// Judge the goals and record the verdicts
    #[command(aliases = ["check", "grade"])]
    Verify {
        /// The lab, or a goal of the current one
        lab: Option<String>,
        goals: Vec<String>,
        /// The same random values as an earlier attempt (`labrunner history` shows its seed)
        #[arg(long, env = "LABRUNNER_SEED")]
        seed: Option<u64>,
        /// Write the verdicts into a file too, as JUnit's XML
        #[arg(long, value_name = "FILE", env = "LABRUNNER_JUNIT")]
        junit: Option<PathBuf>,
    },
    /// What was reached, for showing to others (`--format html` or `md`)
    Report { lab: Option<String> },
    /// Look back at a month: what the record tells, and your answers (in VISUAL or EDITOR)
    Retro { lab: Option<String> },
    /// A timed practical over what you have reached before: no hints, other values
    Review {
        #[command(subcommand)]
        act: Option<ReviewVerb>,
        /// How many goals
        #[arg(long, default_value_t = 4, env = "LABRUNNER_GOALS")]
        goals: usize,
        /// How long
        #[arg(long, default_value_t = 120, env = "LABRUNNER_MINUTES")]
        minutes: u32,
    },
    /// Write your year as a site: what was built and reached, retrospectives, notes
    Portfolio {
        /// The folder to write it into
        #[arg(long, value_name = "DIR", env = "LABRUNNER_OUT")]
        out: PathBuf,
        /// How you want to be called there
        #[arg(long, env = "LABRUNNER_NAME")]
        name: Option<String>,
    },
    /// Judge again whatever a change of the workspace concerns, whenever it changes
    Watch {
        lab: Option<String>,
        /// Look again and again, for file systems that do not tell of changes
        #[arg(long, value_parser = on_or_off(), env = "LABRUNNER_POLL")]
        poll: bool,
    },
    /// Show the next hint of a goal
    Hint { lab: Option<String>, goal: Option<String> },
    /// Show the reference solution of a goal (needs --yes; is recorded)
    Solution { lab: Option<String>, goal: Option<String> },
    /// Show services and goals
    Status { lab: Option<String> },
    /// Show what a service wrote
    Logs {
        service: String,
        /// Only the last lines
        #[arg(long, short = 'n', env = "LABRUNNER_TAIL")]
        tail: Option<usize>,
        #[arg(long, env = "LABRUNNER_LAB")]
        lab: Option<String>,
    },
    /// Run a command in a service
    Exec {
        service: String,
        #[arg(trailing_var_arg = true, required = true, allow_hyphen_values = true)]
        command: Vec<String>,
        #[arg(long, env = "LABRUNNER_LAB")]
        lab: Option<String>,
    },
    /// Open a shell in a service
    Shell {
        service: String,
        #[arg(long, env = "LABRUNNER_LAB")]
        lab: Option<String>,
    },
    /// Open a service in the browser
    Open {
        service: String,
        #[arg(long, env = "LABRUNNER_LAB")]
        lab: Option<String>,
    },
    /// Make services anew with empty data, or the workspace the starter again
    Reset {
        lab: Option<String>,
        /// Only these services
        services: Vec<String>,
        /// The files: they are saved first, and `undo` brings them back
        #[arg(long, value_parser = on_or_off(), env = "LABRUNNER_RESET_WORKSPACE")]
        workspace: bool,
        /// Only show what would be lost and kept
        #[arg(long, value_parser = on_or_off(), env = "LABRUNNER_PLAN")]
        plan: bool,
    },
    /// Take the last reset of the workspace back
    Undo { lab: Option<String> },
    /// Stop the services; their data stays
    Stop { lab: Option<String> },
    /// Remove everything of a lab from the engine; workspace and record stay
    #[command(aliases = ["finish", "destroy"])]
    Down {
        lab: Option<String>,
        /// Every lab
        #[arg(long, conflicts_with = "lab", value_parser = on_or_off(), env = "LABRUNNER_ALL")]
        all: bool,
    },
    /// Show what was reached, ever and now
    Progress,
    /// Show the last attempts
    History {
        lab: Option<String>,
        #[arg(long, short = 'n', default_value_t = 20, env = "LABRUNNER_MOST")]
        most: u32,
    },
    /// Images of the labs: show, fetch, carry to a machine without a network
    #[command(subcommand)]
    Images(ImagesVerb),
    /// Look at this machine
    Doctor {
        /// Repair what is missing
        #[arg(long, value_parser = on_or_off(), env = "LABRUNNER_FIX")]
        fix: bool,
    },
    /// For authors of labs
    #[command(subcommand)]
    Lab(LabVerb),
    /// Print completions for a shell
    Completions { shell: clap_complete::Shell },
    /// Print the manual page
    Man,
}

/// What is done with a practical; alone, `review` begins one or shows where it stands.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ReviewVerb {
    /// Judge the goal that is asked for
    Check,
    /// Go on without it
    Skip,
    /// End it before its time
    End,
}

#[derive(Debug, Clone, Subcommand)]
pub enum ImagesVerb {
    /// Show the labs' images and what serves them here
    List,
    /// Fetch what a lab (or every lab) needs, or one image, as `--images` says
    Pull {
        #[arg(value_name = "LAB|IMAGE")]
        lab: Option<String>,
    },
    /// Build what a lab (or every lab) needs, or one image, from recipes
    Build {
        #[arg(value_name = "LAB|IMAGE")]
        lab: Option<String>,
    },
    /// Write a lab's (or every lab's) images into a file
    Save { file: PathBuf, lab: Option<String> },
    /// Read images from a file that `images save` wrote
    Load { file: PathBuf },
}

#[derive(Debug, Clone, Subcommand)]
pub enum LabVerb {
    /// Find every mistake of a lab, without running it
    Lint {
        #[arg(value_name = "LAB")]
        names: Vec<String>,
        /// Also that `proof.json` was written for exactly this content
        #[arg(long, value_parser = on_or_off(), env = "LABRUNNER_PROVEN")]
        proven: bool,
        /// Mend what needs no thought: misspelt keys and words
        #[arg(long, value_parser = on_or_off(), env = "LABRUNNER_FIX")]
        fix: bool,
    },
    /// Begin a lab that is right as it is
    New {
        /// For example `month-9`
        id: String,
        /// A template (`empty`, `celery-redis`) or a Compose file
        #[arg(long, default_value = "empty", env = "LABRUNNER_FROM")]
        from: String,
    },
    /// Begin a lab from a Compose file and the project beside it
    Import {
        file: PathBuf,
        /// The name of the project's folder, unless told
        id: Option<String>,
    },
    /// The format as JSON Schema, for editors
    Schema,
    /// Judge labs against their starters, solutions and variants, one after the other
    Prove {
        // `--labs` goes by that name already.
        #[arg(id = "proven", value_name = "LAB", required = true)]
        labs: Vec<String>,
        /// How often, to find flaky checks; after the first round a near miss is judged for what it has to fail, and
        /// what that requires
        #[arg(long, default_value_t = 1, env = "LABRUNNER_REPEAT")]
        repeat: usize,
        /// Start no new variant after this long, all labs together, for example 20m
        #[arg(long, value_parser = duration, env = "LABRUNNER_BUDGET")]
        budget: Option<Duration>,
        /// Only variants whose name contains this
        #[arg(long, env = "LABRUNNER_ONLY")]
        only: Option<String>,
        /// How many environments work side by side; unless told, one for a lab that measures time or load
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=16), env = "LABRUNNER_JOBS")]
        jobs: Option<u16>,
        /// Write `proof.json` when all is right
        #[arg(long, value_parser = on_or_off(), env = "LABRUNNER_WRITE")]
        write: bool,
        /// The rounds come on top of those of the lab's proof; what a budget leaves out, the next such run judges
        #[arg(long, value_parser = on_or_off(), env = "LABRUNNER_ADD")]
        add: bool,
        /// Judge everything anew, also what is known from a run that was cut off
        #[arg(long, value_parser = on_or_off(), env = "LABRUNNER_FRESH")]
        fresh: bool,
    },
}

/// `1`, `yes`, `on` and `true` from the environment, as people write them.
fn on_or_off() -> clap::builder::BoolishValueParser {
    clap::builder::BoolishValueParser::new()
}

fn duration(text: &str) -> Result<Duration, String> {
    let read = crate::lab::expression::scan_number(text).filter(|seconds| *seconds > 0.0);
    read.map(Duration::from_secs_f64).ok_or_else(|| "a duration is written like 90s, 20m or 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn without_variable(command: &clap::Command) -> Vec<String> {
        let own = command.get_arguments().filter(|one| {
            let long = one.get_long().is_some_and(|name| !matches!(name, "help" | "version"));
            long && one.get_env().is_none()
        });
        let own = own.map(|one| format!("{} --{}", command.get_name(), one.get_long().unwrap_or_default()));
        own.chain(command.get_subcommands().flat_map(without_variable)).collect()
    }

    #[test]
    fn every_flag_has_a_variable() {
        assert_eq!(without_variable(&Arguments::command()), [] as [&str; 0]);
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_folder_of_labs_and_the_labs_to_prove_are_two_things() {
        let proving = ["labrunner", "--labs", "x", "lab", "prove", "month-3", "month-4"];
        let parsed = Arguments::try_parse_from(proving).map(|one| one.verb);
        assert!(matches!(parsed, Ok(Some(Verb::Lab(LabVerb::Prove { labs, .. }))) if labs.len() == 2));
    }
}
