//! What a lab needs beyond the ordinary, agreed to once for exactly this content of the lab.

use super::app::{App, Opened};
use super::failure::Failure;
use super::prove::proof::lab_digest;
use crate::lab::definition::Need;

/// Makes sure that the learner agreed to what the lab `needs`; `--yes` agrees and is remembered.
///
/// # Errors
/// Nobody agreed yet; the message says to what.
pub async fn consent(app: &App, opened: &Opened) -> Result<(), Failure> {
    if opened.lab.needs.is_empty() {
        return Ok(());
    }
    let path = app.state.join("consents");
    let digest = format!("{} {}", opened.lab.id, lab_digest(&opened.lab)?);
    let given = std::fs::read_to_string(&path).unwrap_or_default();
    if given.lines().any(|line| line == digest) {
        return Ok(());
    }
    let services = opened.lab.stack.services.iter();
    let mut list: String = services
        .flat_map(|(name, service)| service.needs.iter().map(move |(_, words)| format!("\n  {name}: {words}")))
        .collect();
    if opened.lab.needs.contains(&Need::Plugin) {
        list.push_str("\n  its checks run programs of the lab on this machine, outside of any container");
    }
    if opened.lab.needs.contains(&Need::Environment) {
        list.push_str("\n  its services are given variables of your environment");
    }
    let message = format!("{} asks for more than a lab usually may:{list}", opened.lab.id);
    if !app.agreed(&format!("{message}\ndo you trust its author?")).await {
        return Err(Failure::usage(message)
            .hint("if you trust its author, agree with `--yes`; it is asked again when the lab changes"));
    }
    let write = || {
        std::fs::create_dir_all(&app.state)?;
        std::fs::write(&path, format!("{given}{digest}\n"))
    };
    write().map_err(|error: std::io::Error| Failure::engine(format!("cannot write `{}`: {error}", path.display())))
}
