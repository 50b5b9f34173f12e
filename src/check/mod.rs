//! Running to verdicts: observes, compares, and says whose fault it is.
//!
//! `probe` fetches data or says why it could not; `compare` judges without input or output; `run` puts
//! them in order. This module knows neither Docker nor files of labs: it asks its [`World`].

pub mod blame;
pub mod compare;
pub mod probe;
pub mod reproduce;
pub mod run;
pub mod scope;
pub mod select;
pub mod world;

pub use run::{Judge, judge};
pub use world::World;
