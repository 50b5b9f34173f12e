//! `mail`: messages that the lab's mail catcher holds, through Sendria's HTTP API.
//!
//! Source: github.com/msztolcman/sendria, "API": `GET /api/messages/` lists messages with their source,
//! newest first, in pages; `GET /api/messages/{id}.json` has the attachments.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Fields, fitting, repository};
use crate::check::client;
use crate::check::world::{Observation, Unobservable, World};
use crate::lab::Kind;
use crate::lab::stack::Service;

const PORT: u16 = 1080;

pub(super) fn fits(service: &Service) -> bool {
    repository(service) == "sendria"
}

pub(super) async fn observe<W: World>(
    fields: &Fields<'_>,
    world: &W,
    limit: Duration,
) -> Result<Observation, Unobservable> {
    let service = fitting(Kind::Mail, fields, world)?;
    let address = world.address(&service, PORT).await?;
    let failed = |what: String| Unobservable::Service {
        service: service.clone(),
        what: format!("the mail catcher does not answer: {what}"),
    };
    let client = client::builder("http").timeout(limit).build();
    let client = client.map_err(|error| Unobservable::Machine(format!("no HTTP client: {error}")))?;
    let fetch = async |path: String| -> Result<Value, Unobservable> {
        let response =
            client.get(format!("http://{address}{path}")).send().await.map_err(|error| failed(error.to_string()))?;
        response.json().await.map_err(|error| failed(format!("{path} is not JSON: {error}")))
    };
    let (to, from, subject) = (fields.text("to")?, fields.text("from")?, fields.text("subject")?);
    let mut messages = Vec::new();
    let mut page = 1;
    loop {
        let answer = fetch(format!("/api/messages/?page={page}")).await?;
        let list = answer["data"].as_array().ok_or_else(|| failed("its list of messages is none".into()))?;
        for summary in list {
            if fits_filter(summary, to.as_deref(), from.as_deref(), subject.as_deref()) {
                let whole = fetch(format!("/api/messages/{}.json", summary["id"])).await?;
                messages.push(message(&whole["data"]));
            }
        }
        if page >= answer["meta"]["pages_total"].as_i64().unwrap_or(0) {
            break;
        }
        page += 1;
    }
    messages.sort_by_key(|message| message["id"].as_i64());
    Ok(Observation::new(json!({ "count": messages.len() }), messages.into()))
}

fn fits_filter(summary: &Value, to: Option<&str>, from: Option<&str>, subject: Option<&str>) -> bool {
    let same = |text: &str, wanted: &str| text.eq_ignore_ascii_case(wanted);
    let recipients = summary["recipients_envelope"].as_array();
    let to_fits = to.is_none_or(|to| {
        recipients.is_some_and(|all| all.iter().any(|one| one.as_str().is_some_and(|one| same(one, to))))
    });
    let from_fits =
        from.is_none_or(|from| summary["sender_envelope"].as_str().is_some_and(|sender| same(sender, from)));
    to_fits && from_fits && subject.is_none_or(|subject| summary["subject"] == subject)
}

fn message(data: &Value) -> Value {
    let source = data["source"].as_str().unwrap_or_default();
    let (head, body) = split(source);
    let headers = headers(head);
    let parts = parts(&headers, body);
    let text = parts.iter().find(|(kind, ..)| kind == "text/plain").map(|(_, text, _)| text.as_str());
    let html = parts.iter().find(|(kind, ..)| kind == "text/html").map(|(_, text, _)| text.as_str());
    let attachments: Vec<Value> = data["attachments"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            let name = one["filename"].as_str().unwrap_or_default();
            let text = parts.iter().find(|(.., file)| file == name).map(|(_, text, _)| text.as_str());
            json!({ "name": name, "content_type": one["type"], "size": one["size"], "text": text })
        })
        .collect();
    json!({
        "id": data["id"],
        "from": data["sender_envelope"],
        "to": data["recipients_envelope"],
        "subject": data["subject"],
        "text": text.unwrap_or_default(),
        "html": html,
        "headers": headers,
        "attachments": attachments,
    })
}

/// Header and body of a message or part (RFC 5322, 2.1).
fn split(source: &str) -> (&str, &str) {
    source.split_once("\r\n\r\n").or_else(|| source.split_once("\n\n")).unwrap_or((source, ""))
}

fn headers(head: &str) -> Map<String, Value> {
    // A line that begins with white space continues the one before (RFC 5322, 2.2.3).
    let unfolded = head.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
    unfolded
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().into()))
        .collect()
}

/// The leaves of a message: content type, decoded text, file name (RFC 2045 and 2046).
fn parts(headers: &Map<String, Value>, body: &str) -> Vec<(String, String, String)> {
    let field = |name: &str| headers.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = field("content-type");
    let kind = if kind.is_empty() { "text/plain".to_owned() } else { kind };
    if kind.to_lowercase().starts_with("multipart/") {
        let Some(boundary) = parameter(&kind, "boundary") else { return Vec::new() };
        let delimiter = format!("--{boundary}");
        let pieces = body.split(&delimiter).skip(1).take_while(|piece| !piece.starts_with("--"));
        return pieces
            .flat_map(|piece| {
                let (head, inner) = split(piece.trim_start_matches(['\r', '\n']));
                parts(&self::headers(head), inner)
            })
            .collect();
    }
    let text = match field("content-transfer-encoding").to_lowercase().as_str() {
        "base64" => decode_base64(body),
        "quoted-printable" => decode_quoted(body),
        _ => body.to_owned(),
    };
    let name = parameter(&field("content-disposition"), "filename").unwrap_or_default();
    vec![(
        kind.split(';').next().unwrap_or(&kind).trim().to_lowercase(),
        text.trim_end_matches(['\r', '\n']).to_owned(),
        name,
    )]
}

fn parameter(field: &str, name: &str) -> Option<String> {
    field.split(';').skip(1).find_map(|one| {
        let (key, value) = one.split_once('=')?;
        (key.trim().eq_ignore_ascii_case(name)).then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn decode_base64(text: &str) -> String {
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for char in text.bytes() {
        let value = match char {
            b'A'..=b'Z' => char - b'A',
            b'a'..=b'z' => char - b'a' + 26,
            b'0'..=b'9' => char - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn decode_quoted(text: &str) -> String {
    let text = text.replace("=\r\n", "").replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let hex = (*first == b'=').then(|| more.get(..2)).flatten().and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_with_an_attachment_is_taken_apart() {
        let source = "Subject: Hi\nContent-Type: multipart/mixed;\n boundary=\"xx\"\n\n--xx\nContent-Type: text/plain\n\
            Content-Transfer-Encoding: quoted-printable\n\ncaf=C3=A9 =\nau lait\n--xx\nContent-Type: text/csv\n\
            Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"x.csv\"\n\nYSxi\n--xx--\n";
        let data = json!({ "id": 1, "source": source, "attachments": [{ "filename": "x.csv", "type": "text/csv", "size": 3 }] });
        let message = message(&data);
        assert_eq!(message["text"], "café au lait");
        assert_eq!(message["attachments"][0]["text"], "a,b");
        assert_eq!(message["headers"]["subject"], "Hi");
    }
}
