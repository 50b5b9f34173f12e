//! Wanted to running: what of a lab is on the engine, what should be, and how to get there.
//!
//! `observe` asks the engine, `plan` decides without asking anyone, `apply` does and decides nothing.
//! This module knows stacks and containers; it does not know checks, records or files of learners.

pub mod apply;
mod baseline;
mod board;
pub mod carried;
mod deaths;
pub mod defaults;
pub mod engine;
pub mod first_data;
pub mod head_start;
pub mod identity;
pub mod intent;
pub mod lock;
pub mod plan;
pub mod ready;
pub mod subnet;
pub mod wanted;

pub use engine::{ContainerState, Engine, EngineError, EngineFault, ObservedContainer};
pub use identity::Identity;

/// What a mutex holds, also after a panic of who held it.
fn lock_of<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
