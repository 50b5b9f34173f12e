//! The nouns: what a lab is, once it has been read. No input or output, nothing async.

pub mod change;
pub mod check;
pub mod definition;
pub mod duration;
pub mod expression;
pub mod id;
pub mod practical;
pub mod random;
pub mod report;
pub mod retrospective;
pub mod secrets;
pub mod settings;
pub mod stack;
pub mod verdict;
pub mod view;

pub use check::{
    Action, Blame, Check, Expectation, Fault, Key, Kind, OWN_IMAGE, Operator, Predicate, RUNNER_IMAGE, Step,
};
pub use definition::{Detail, Files, Goal, Lab, OwnCompose, Owner, Reload, StackCopy};
pub use id::{GoalId, LabId, ServiceName};
pub use verdict::Verdict;
