//! `evidence`: a file or a link that the learner supplies. It shows that something was handed in and what it is
//! like; it never proves what it says.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Fields;
use super::file::{inside, sections};
use crate::check::world::{Observation, Unobservable, World};

/// Largest file or answer that is taken, in bytes.
const LARGEST: usize = 32 << 20;

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    if let Some(link) = fields.text("link")? {
        return follow(&link).await;
    }
    let path = fields.required("path")?;
    let Some(found) = inside(world.workspace(), &path)?.filter(|found| found.is_file()) else {
        return Ok(Observation::new(json!({ "exists": false }), Value::Null));
    };
    let size = found.metadata().map_or(0, |facts| facts.len());
    if size > LARGEST as u64 {
        return Ok(Observation::new(json!({ "exists": true, "size": size, "type": "too large to read" }), Value::Null));
    }
    let bytes = std::fs::read(&found)
        .map_err(|error| Unobservable::Machine(format!("cannot read `{}`: {error}", found.display())))?;
    let (fields, main) = describe(&bytes);
    Ok(Observation::new(fields, main))
}

fn describe(bytes: &[u8]) -> (Value, Value) {
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let kind = kind_of(bytes);
    let text = if kind == "text" { String::from_utf8_lossy(bytes).into_owned() } else { String::new() };
    let links: Vec<&str> = text
        .split(|letter: char| letter.is_whitespace() || "()<>\"'".contains(letter))
        .filter(|word| word.starts_with("https://") || word.starts_with("http://"))
        .collect();
    let fields = json!({
        "exists": true,
        "type": kind,
        "size": bytes.len(),
        "digest": digest,
        "words": text.split_whitespace().count(),
        "text": text,
    });
    (fields, json!({ "sections": sections(&text), "links": links }))
}

/// By the first bytes, as file(1) tells them.
fn kind_of(bytes: &[u8]) -> &'static str {
    let starts = [
        (&b"%PDF-"[..], "pdf"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff", "jpeg"),
        (b"GIF8", "gif"),
        (b"PK\x03\x04", "zip"),
    ];
    let known = starts.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, kind)| *kind);
    known.unwrap_or(if bytes.contains(&0) || std::str::from_utf8(bytes).is_err() { "binary" } else { "text" })
}

/// A page of the world: what it is called and that it is there. Away, it is nobody's fault.
async fn follow(link: &str) -> Result<Observation, Unobservable> {
    let url = reqwest::Url::parse(link).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
    let Some(url) = url else {
        return Ok(Observation::new(json!({ "exists": false, "type": "no link" }), Value::Null));
    };
    let away = |error: reqwest::Error| Unobservable::Machine(format!("`{link}` cannot be reached: {error}"));
    let mut answer = reqwest::get(url).await.map_err(away)?;
    let status = answer.status().as_u16();
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(away)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST {
            break;
        }
    }
    let (mut fields, main) = describe(&bytes);
    fields["exists"] = (status < 400).into();
    fields["status"] = status.into();
    Ok(Observation::new(fields, main))
}
