//! Scenarios on a real engine, through the binary, with a small lab of their own.
//!
//! Missing images are built from their recipes; nothing is installed. Without an engine these tests fail
//! and say how to get one.

mod scenarios;
mod support;
