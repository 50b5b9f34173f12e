//! Open Badges, read: what one says, and nothing about whether it is true.
//!
//! Sources: 1EdTech, Open Badges 2.0 ("Assertion", "Baking") and 3.0 ("OpenBadgeCredential", "Baked Badge"); PNG
//! (Third Edition), "Chunk layout" and "iTXt".

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// What a file says if it is a badge: name, issuer, issued, expires; null where it does not say it.
pub(super) fn read(bytes: &[u8]) -> Option<Value> {
    let text = match bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") {
        Some(chunks) => baked(chunks)?,
        None => std::str::from_utf8(bytes).ok()?,
    };
    let document = document(text.trim())?;
    let types = &document["type"];
    let is = |name: &str| types == name || types.as_array().is_some_and(|types| types.iter().any(|one| one == name));
    let day = |names: [&str; 2]| names.iter().map(|name| &document[*name]).find(|value| value.is_string());
    match () {
        () if is("Assertion") => Some(json!({
            "name": document["badge"]["name"],
            "issuer": document["badge"]["issuer"]["name"],
            "issued": document["issuedOn"],
            "expires": document["expires"],
        })),
        () if is("OpenBadgeCredential") || is("AchievementCredential") => Some(json!({
            "name": document["credentialSubject"]["achievement"]["name"],
            "issuer": document["issuer"]["name"],
            "issued": day(["validFrom", "issuanceDate"]),
            "expires": day(["validUntil", "expirationDate"]),
        })),
        () => None,
    }
}

/// JSON, or the payload of a JSON Web Signature, as badges are signed.
fn document(text: &str) -> Option<Value> {
    if let Ok(document) = serde_json::from_str::<Value>(text) {
        return Some(document);
    }
    let mut parts = text.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let payload: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some(if payload["vc"].is_object() { payload["vc"].clone() } else { payload })
}

/// The text of a badge in a picture, from what follows PNG's signature.
fn baked(mut chunks: &[u8]) -> Option<&str> {
    loop {
        let (length, rest) = chunks.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let data = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        if kind == b"iTXt"
            && let Some(text) = international(data)
        {
            return Some(text);
        }
        // A check sum follows the data.
        chunks = rest.get(data.len() + 4..)?;
    }
}

/// The text of an iTXt chunk that has a badge: keyword, compression flag and method, language, translated keyword.
fn international(data: &[u8]) -> Option<&str> {
    let (keyword, rest) = until_zero(data)?;
    let rest = match (keyword, rest) {
        (b"openbadges" | b"openbadgecredential", [0, _, rest @ ..]) => rest,
        _ => return None,
    };
    let (_, rest) = until_zero(rest)?;
    let (_, text) = until_zero(rest)?;
    std::str::from_utf8(text).ok()
}

fn until_zero(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().position(|byte| *byte == 0)?;
    Some((&data[..end], &data[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second() -> Value {
        json!({
            "@context": "https://w3id.org/openbadges/v2", "type": "Assertion", "issuedOn": "2026-03-01T10:00:00Z",
            "badge": { "type": "BadgeClass", "name": "Containers", "issuer": { "name": "A School" } },
        })
    }

    #[test]
    fn both_versions_say_the_same() {
        let third = json!({
            "type": ["VerifiableCredential", "OpenBadgeCredential"], "issuer": { "name": "A School" },
            "validFrom": "2026-03-01T10:00:00Z", "validUntil": "2028-03-01T00:00:00Z",
            "credentialSubject": { "achievement": { "name": "Containers" } },
        });
        let read = |value: &Value| read(value.to_string().as_bytes()).unwrap();
        let (old, new) = (read(&second()), read(&third));
        assert_eq!((&old["name"], &old["issuer"], &old["issued"]), (&new["name"], &new["issuer"], &new["issued"]));
        assert_eq!((&old["expires"], &new["expires"]), (&Value::Null, &json!("2028-03-01T00:00:00Z")));
        let signed = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(json!({ "vc": third }).to_string()));
        assert_eq!(super::read(signed.as_bytes()).unwrap(), new);
    }

    #[test]
    fn a_badge_is_found_in_a_picture() {
        let chunk = |kind: &[u8], data: &[u8]| {
            [&u32::try_from(data.len()).unwrap().to_be_bytes(), kind, data, &[0; 4]].concat()
        };
        let text = [b"openbadges\0\0\0\0\0".as_slice(), second().to_string().as_bytes()].concat();
        let picture = |chunks: &[Vec<u8>]| [b"\x89PNG\r\n\x1a\n".as_slice(), &chunks.concat()].concat();
        let header = chunk(b"IHDR", &[0; 13]);
        let found = read(&picture(&[header.clone(), chunk(b"iTXt", &text), chunk(b"IEND", b"")])).unwrap();
        assert_eq!(found["name"], "Containers");
        assert_eq!(read(&picture(&[header.clone(), chunk(b"IEND", b"")])), None);
        let whole = picture(&[header, chunk(b"iTXt", &text)]);
        (0..whole.len() - 4).for_each(|end| assert_eq!(read(&whole[..end]), None));
    }

    #[test]
    fn what_is_no_badge_says_nothing() {
        for text in ["", "{}", "[1]", "a.b.c", "# A certificate", r#"{"type": "BadgeClass", "name": "x"}"#] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
