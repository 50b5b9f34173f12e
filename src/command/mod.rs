//! Use cases, one file per verb: puts the siblings in sequence.

pub mod app;
pub mod exit_code;
pub mod failure;

pub use app::App;
pub use failure::Failure;
