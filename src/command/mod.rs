//! Use cases, one file per verb: puts the siblings in sequence.

pub mod app;
pub mod author;
mod carrying;
pub mod code;
pub mod consent;
mod disk_guard;
pub mod doctor;
pub mod down;
pub mod exit_code;
pub mod failure;
mod first_data;
pub mod images;
pub mod inside;
pub mod lint;
mod lint_services;
mod lint_words;
pub mod look;
pub mod notes;
mod own_stack;
pub mod portfolio;
pub mod pristine;
pub mod prove;
mod reaching;
mod replay;
pub mod report;
pub mod reset;
pub mod retro;
pub mod review;
mod scenes;
pub mod stack_images;
pub mod start;
pub mod throwaway;
pub mod trouble;
pub mod up;
mod users;
pub mod verify;
pub mod watch;

pub use app::App;
pub use failure::Failure;

use crate::lab::view::View;

/// What a command answers, and its exit code.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub code: u8,
    pub view: View,
}

impl Outcome {
    /// It worked.
    pub fn ok(view: View) -> Self {
        Self { code: exit_code::OK, view }
    }
}
