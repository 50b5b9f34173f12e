//! Continuous integration as a learner writes it down: workflows, read into one model.

mod actions;
mod docker_cli;
pub mod expression;
mod github;
mod gitlab;
mod job;
pub mod machine;
pub mod matrix;
pub mod pipeline;
mod push;
mod replay;
mod script;
mod surroundings;

pub use github::read as read_github;
pub use gitlab::read as read_gitlab;
pub use machine::{Awaited, Beside, Built, ImageBuild, MachineSpec, Machines};
pub use pipeline::{Dialect, Happening, Job, Step, Trigger, What, Workflow};
pub use replay::{Given, replay};
