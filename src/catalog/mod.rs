//! Files to nouns: finds labs, reads them with positions, reports every mistake of a file in one run.

pub mod diagnostic;
pub mod tree;
