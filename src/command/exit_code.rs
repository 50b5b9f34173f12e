//! The exit codes: a contract with scripts and CI.

/// Every asked goal passed, or the command worked.
pub const OK: u8 = 0;
/// At least one goal failed.
pub const FAILED: u8 = 1;
/// Wrong usage, an invalid definition, or a filter that matched nothing.
pub const USAGE: u8 = 2;
/// A goal could not be judged, or a service of the lab is not ready.
pub const UNDECIDED: u8 = 3;
/// The engine cannot be reached, or the machine lacks something.
pub const ENGINE: u8 = 4;
/// Another command holds the lab.
pub const HELD: u8 = 5;
/// A bug in labrunner.
pub const BUG: u8 = 70;
/// Interrupted.
pub const INTERRUPTED: u8 = 130;
