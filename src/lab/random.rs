//! Values that look random and can be had again: functions of a seed and a name.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The types behind `random.`, for messages.
pub const TYPES: [&str; 6] = ["id", "email", "word", "name", "int", "uuid"];

const WORDS: [&str; 16] = [
    "amber", "birch", "cobalt", "dune", "ember", "fjord", "grove", "harbor", "indigo", "juniper", "kestrel", "lagoon",
    "maple", "nectar", "opal", "prairie",
];
const NAMES: [&str; 12] =
    ["Ada", "Bruno", "Chidi", "Dalia", "Emre", "Farah", "Goran", "Hanna", "Imani", "Jonas", "Keiko", "Lucia"];

/// The value of `random.<what>` under a seed; `place` is the attempt's check, so that two checks never
/// share data. `what` is a type with an optional label (`email.second`); unknown types give an id.
pub fn value(seed: u64, place: &str, what: &str) -> Value {
    let bytes: [u8; 32] = Sha256::digest(format!("{seed}\n{place}\n{what}")).into();
    let number = u64::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]]);
    let pick = |list: &'static [&'static str], salt: u8| list[usize::from(bytes[usize::from(salt)]) % list.len()];
    let id: String = bytes
        .iter()
        .take(10)
        .map(|byte| char::from(b"abcdefghijkmnpqrstuvwxyz23456789"[usize::from(byte % 32)]))
        .collect();
    match what.split('.').next().unwrap_or(what) {
        "email" => format!("{}.{id}@example.org", pick(&WORDS, 12)).into(),
        "word" => format!("{}-{}", pick(&WORDS, 13), pick(&WORDS, 14)).into(),
        "name" => format!("{} {}", pick(&NAMES, 15), capital(pick(&WORDS, 16))).into(),
        "int" => (number % 900_000 + 100_000).into(),
        "uuid" => uuid(&bytes).into(),
        _ => id.into(),
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

/// Version 4, variant 1 (RFC 9562, 5.4).
fn uuid(bytes: &[u8; 32]) -> String {
    let mut hex: Vec<char> = hex::encode(&bytes[..16]).chars().collect();
    hex[12] = '4';
    hex[16] = ['8', '9', 'a', 'b'][usize::from(bytes[8] % 4)];
    let part = |from: usize, to: usize| hex[from..to].iter().collect::<String>();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_place_give_the_same_value_and_others_do_not() {
        assert_eq!(value(1, "check", "id"), value(1, "check", "id"));
        for (seed, place, what) in [(2, "check", "id"), (1, "other", "id"), (1, "check", "id.second")] {
            assert_ne!(value(1, "check", "id"), value(seed, place, what));
        }
    }

    #[test]
    fn each_type_looks_like_what_it_is() {
        let text = |what| value(7, "x", what).as_str().map(str::to_owned).unwrap_or_default();
        assert!(text("email").ends_with("@example.org"));
        assert_eq!(text("id").len(), 10);
        assert_eq!(text("uuid").len(), 36);
        assert!(value(7, "x", "int").is_u64());
    }
}
