//! The header `Idempotency-Key`: a request whose events have no ids can be repeated after a lost answer.

use crate::hash::hashed;
use crate::ledger::content::PLACE_ID;
use domain::event::ParsedEvent;
use domain::ids::KeyId;
use domain::problem::Problem;

/// Longest key, in characters.
const MAX_LEN: usize = 255;

/// What a sender calls one request, however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads the header's value.
    ///
    /// # Errors
    /// [`Problem::Invalid`] that names the header, unless the value is 1 to 255 visible ASCII characters.
    pub fn parse(value: &[u8]) -> Result<Self, Problem> {
        let fits = (1..=MAX_LEN).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
        let text = std::str::from_utf8(value).ok().filter(|_| fits);
        text.map(|text| Self(text.to_owned())).ok_or_else(|| {
            let detail = format!("Use 1 to {MAX_LEN} visible ASCII characters, such as a UUID.");
            Problem::field("Idempotency-Key", "invalid", detail)
        })
    }

    /// Gives an event without an id the one of its place in the request, if it could be read.
    pub fn identify(&self, sender: Option<KeyId>, place: u32, event: &mut ParsedEvent) {
        if let Ok(event) = event {
            event.id.get_or_insert_with(|| self.id_of(sender, place));
        }
    }

    /// The id of the event at a place of the request. Another API key may use the same word for another request.
    fn id_of(&self, sender: Option<KeyId>, place: u32) -> String {
        let sender = sender.map(|key| key.to_string()).unwrap_or_default();
        format!("{PLACE_ID}{}", hashed(&[&sender, &place.to_string(), &self.0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_short_and_visible() {
        let longest = "x".repeat(MAX_LEN);
        for well in ["1", "0b5f7ad0-2c1c-4b0e-9b39-1d7ae4c4a1b8", &longest] {
            assert!(IdempotencyKey::parse(well.as_bytes()).is_ok(), "{well}");
        }
        for wrong in [&b""[..], b"a b", b"\xc3\xa9", b"tab\t", "x".repeat(MAX_LEN + 1).as_bytes()] {
            assert_eq!(IdempotencyKey::parse(wrong).unwrap_err().status(), 400);
        }
    }

    #[test]
    fn ids_differ_by_key_sender_and_place() {
        let key = |text: &str| IdempotencyKey::parse(text.as_bytes()).unwrap();
        let sender = |number| Some(KeyId(uuid::Uuid::from_u128(number)));
        let id = key("a").id_of(sender(1), 0);
        assert_eq!(id, key("a").id_of(sender(1), 0));
        for other in [key("b").id_of(sender(1), 0), key("a").id_of(sender(2), 0), key("a").id_of(sender(1), 1)] {
            assert_ne!(other, id);
        }
    }
}
