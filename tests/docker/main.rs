//! Scenarios on a real engine, through the binary, with a small lab of their own.
//!
//! Missing images are built from their recipes; nothing is installed. Without an engine these tests fail
//! and say how to get one.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]
#![expect(clippy::print_stdout, reason = "what was counted is worth a line")]

mod author;
mod blame;
mod broken;
mod contract;
mod emptied;
mod engine_fails;
mod far;
mod faulty;
mod first_data;
mod hostile;
mod images;
mod kills;
mod kinds;
mod machine;
mod own;
mod proxy;
mod registry;
mod remote;
mod replay;
mod restarts;
mod review;
mod scenarios;
mod support;
mod tutorial;
mod upgrades;
mod watch;
