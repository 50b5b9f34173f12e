//! `evidence`: a file or a link that the learner supplies. It shows that something was handed in and what it is
//! like; it never proves what it says.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::file::{inside, sections};
use super::{Fields, badge};
use crate::check::world::{Observation, Unobservable, World};

/// Largest file or answer that is taken, in bytes.
const LARGEST: usize = 32 << 20;

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let (mut seen, main) = match fields.text("link")? {
        Some(link) => follow(&link).await?,
        None => of_file(&fields.required("path")?, world.workspace())?,
    };
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let told = |name: &str| {
        Ok::<_, Unobservable>(fields.text(name)?.or_else(|| Some(main["badge"][name].as_str()?.to_owned())))
    };
    seen["age"] = days(told("issued")?.as_deref(), today).map(|left| -left).into();
    seen["left"] = days(told("expires")?.as_deref(), today).into();
    Ok(Observation::new(seen, main))
}

/// From `today` until a day, whatever time of it is told.
fn days(day: Option<&str>, today: jiff::civil::Date) -> Option<i32> {
    let day: jiff::civil::Date = day?.get(..10)?.parse().ok()?;
    Some((day - today).get_days())
}

fn of_file(path: &str, workspace: &std::path::Path) -> Result<(Value, Value), Unobservable> {
    let Some(found) = inside(workspace, path)?.filter(|found| found.is_file()) else {
        return Ok((json!({ "exists": false }), Value::Null));
    };
    let size = found.metadata().map_or(0, |facts| facts.len());
    if size > LARGEST as u64 {
        return Ok((json!({ "exists": true, "size": size, "type": "too large to read" }), Value::Null));
    }
    let bytes = std::fs::read(&found)
        .map_err(|error| Unobservable::Machine(format!("cannot read `{}`: {error}", found.display())))?;
    Ok(describe(&bytes))
}

fn describe(bytes: &[u8]) -> (Value, Value) {
    let digest = hex::encode(Sha256::digest(bytes));
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
    (fields, json!({ "sections": sections(&text), "links": links, "badge": badge::read(bytes) }))
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
async fn follow(link: &str) -> Result<(Value, Value), Unobservable> {
    let url = reqwest::Url::parse(link).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
    let Some(url) = url else {
        return Ok((json!({ "exists": false, "type": "no link" }), Value::Null));
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
    Ok((fields, main))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_today() {
        let today = jiff::civil::date(2026, 11, 28);
        assert_eq!(days(Some("2026-12-08"), today), Some(10));
        assert_eq!(days(Some("2025-11-28T23:59:59Z"), today), Some(-365));
        assert_eq!(days(Some("2027-11-28"), today), Some(365));
        for wrong in [None, Some("soon"), Some("2026-13-01"), Some("28.11.2026")] {
            assert_eq!(days(wrong, today), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_badge_is_read_and_a_text_is_described() {
        let badge = r#"{"type": "Assertion", "issuedOn": "2026-01-02", "badge": {"name": "A"}}"#;
        let (fields, main) = describe(badge.as_bytes());
        assert_eq!((&fields["type"], &main["badge"]["name"]), (&json!("text"), &json!("A")));
        let (fields, main) = describe(b"# Plan\n\nsee https://example.org/1.\n");
        assert_eq!((&fields["words"], &main["badge"]), (&json!(4), &Value::Null));
        assert_eq!(main["links"], json!(["https://example.org/1."]));
    }
}
