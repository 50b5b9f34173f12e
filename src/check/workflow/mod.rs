//! Continuous integration as a learner writes it down: workflows, read into one model.

pub mod expression;
mod github;
pub mod matrix;
pub mod pipeline;

pub use github::read as read_github;
pub use pipeline::{Happening, Job, Step, Trigger, What, Workflow};
