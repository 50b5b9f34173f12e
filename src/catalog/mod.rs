//! Files to nouns: finds labs, reads them with positions, reports every mistake of a file in one run.

pub mod compose;
pub mod diagnostic;
pub mod discover;
pub mod import;
pub mod own;
pub mod parse;
pub mod read;
pub mod reference;
pub mod render;
pub mod schema;
pub mod shape;
pub mod template;
pub mod tree;
