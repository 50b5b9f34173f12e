//! How it looks: sinks for events, and answers as text or JSON. Knows no command.

mod failure;
mod frame;
mod junit;
pub mod plain;
mod practical;
mod render;
mod report;
mod sarif;
#[cfg(test)]
mod schema;
pub mod screen;
mod site;
pub mod terminal;
mod text;

use std::io::Write;

pub use failure::{failure_json, failure_text};
pub use junit::junit;
pub use render::render;
pub use report::{html, markdown};
pub use sarif::sarif;
pub use site::site;

use crate::lab::view::View;

/// Version of the JSON documents.
const SCHEMA: u32 = 1;

/// An answer as one JSON document.
pub fn json(view: &View, code: u8) -> String {
    let mut document = serde_json::to_value(view).unwrap_or_default();
    if let Some(map) = document.as_object_mut() {
        map.insert("schema".into(), SCHEMA.into());
        map.insert("exit_code".into(), code.into());
    }
    document.to_string() + "\n"
}

/// Writes results. A reader that has gone away is no failure. Texts of others are made harmless where they are put in;
/// should that be forgotten somewhere, nothing but colours gets through here.
pub fn print(text: &str) {
    let _ = anstream::stdout().write_all(text::tame(text).as_bytes());
}

/// Writes everything that is not the result.
pub fn complain(text: &str) {
    let _ = anstream::stderr().write_all(text::tame(text).as_bytes());
}
