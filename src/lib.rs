//! labrunner: starts a lab's stack, judges the learner's goals, keeps the record.
//!
//! Who may use whom (enforced by `tests/architecture`): `lab` uses nothing; `event` uses `lab`;
//! `catalog`, `image`, `workspace` and `record` use `lab` (and `event` to announce); `environment` uses
//! `event`, `lab` and `image`; `check` uses `event` and `lab`; `docker` implements the ports of
//! `environment`, `check` and `image`; `host` knows the machine and nothing of labs; `command` uses
//! all of those; `cli` uses `command` and `lab`; `output` uses `event`, `lab` and the record's read
//! models. Siblings do not know each other: `command` puts them in sequence, this file wires them.

pub mod catalog;
pub mod check;
pub mod command;
pub mod docker;
pub mod environment;
pub mod event;
pub mod image;
pub mod lab;
pub mod record;
pub mod workspace;

/// Runs labrunner with the process's own arguments and environment.
pub fn run() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
