//! Running to verdicts: observes, compares, and says whose fault it is.
//!
//! `probe` fetches data or says why it could not; `compare` judges without input or output; `steps` puts
//! them in order, `schedule` checks and goals. This module knows neither Docker nor files of labs: it asks its [`World`].

pub mod blame;
mod client;
pub mod compare;
mod expect;
pub mod fingerprint;
pub mod probe;
pub mod reproduce;
pub mod schedule;
pub mod scope;
pub mod select;
pub mod steps;
mod stopped;
pub mod workflow;
pub mod world;

pub use schedule::{Judge, Scene, Scenes, judge};
pub use world::World;
