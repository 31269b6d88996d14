//! The shape of an API key: `tally_live_`, 30 random base62 characters, 6 characters of CRC32 over those 30.
//!
//! The checksum lets a typing error or a made-up key be refused without asking the database, and lets secret scanners tell a real key from a look-alike.

use crate::Clock;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// What every key begins with.
pub const PREFIX: &str = "tally_live_";

const RANDOM_LEN: usize = 30;
const CHECKSUM_LEN: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The SHA-256 of a whole key: the only form that is stored.
///
/// It explicitly is not Serialize.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyHash([u8; 32]);

impl KeyHash {
    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A fresh key of 178 random bits.
pub(super) fn generate(clock: &dyn Clock) -> SecretString {
    let random = random_base62(clock);
    SecretString::from(format!("{PREFIX}{random}{}", checksum(&random)))
}

/// The hash of a key whose shape and checksum are right; none for anything else.
pub(super) fn parse(presented: &str) -> Option<KeyHash> {
    let body = presented.strip_prefix(PREFIX)?;
    let fits = body.len() == RANDOM_LEN + CHECKSUM_LEN && body.bytes().all(|b| b.is_ascii_alphanumeric());
    if !fits {
        return None;
    }
    let (random, given) = body.split_at(RANDOM_LEN);
    (checksum(random) == given).then(|| KeyHash(Sha256::digest(presented.as_bytes()).into()))
}

/// The hash of a key that `generate` made.
pub(super) fn hash(key: &SecretString) -> KeyHash {
    KeyHash(Sha256::digest(key.expose_secret().as_bytes()).into())
}

/// What a list shows of a key: its first characters and its last four.
pub(super) fn hints(key: &SecretString) -> (String, String) {
    let key = key.expose_secret();
    let first = key.chars().take(PREFIX.len() + 4).collect();
    let last = key.chars().skip(key.len().saturating_sub(4)).collect();
    (first, last)
}

/// Bytes from 248 on are thrown away, so that every character is equally likely.
fn random_base62(clock: &dyn Clock) -> String {
    let mut text = String::with_capacity(RANDOM_LEN);
    while text.len() < RANDOM_LEN {
        let fair = clock.random().into_iter().filter(|byte| *byte < 248);
        let free = RANDOM_LEN - text.len();
        text.extend(fair.take(free).map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
    }
    text
}

/// CRC32 (IEEE) in base62, the most significant digit first, filled up with `0`.
fn checksum(random: &str) -> String {
    let mut rest = crc32fast::hash(random.as_bytes());
    let mut digits = [b'0'; CHECKSUM_LEN];
    for digit in digits.iter_mut().rev() {
        // Below 62, so the cast keeps it.
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;
    use proptest::prelude::*;

    #[test]
    fn a_fresh_key_has_the_documented_shape() {
        let key = generate(&SystemClock);
        let key = key.expose_secret();
        assert_eq!(key.len(), 11 + 30 + 6);
        assert!(key.starts_with("tally_live_"));
        assert!(parse(key).is_some());
    }

    #[test]
    fn the_checksum_is_crc32_in_base62() {
        // CRC-32/ISO-HDLC of "123456789" is 0xCBF43926 = 3421780262 = 3·62⁵ + 45·62⁴ + 35·62³ + 27·62² + 22·62 + 14.
        assert_eq!(checksum("123456789"), "3jZRME");
        assert_eq!(checksum(""), "000000");
    }

    #[test]
    fn all_characters_occur_about_equally_often() {
        let text: String = (0..400).map(|_| random_base62(&SystemClock)).collect();
        for letter in ALPHABET {
            let count = text.bytes().filter(|byte| byte == letter).count();
            // 12,000 draws, 193 expected, standard deviation 14: ten of them away never happens by luck.
            assert!((53..=333).contains(&count), "{} occurs {count} times", char::from(*letter));
        }
    }

    proptest! {
        #[test]
        fn changing_any_one_character_is_noticed(position in 0_usize..47, replacement in "[0-9A-Za-z_]") {
            let key = generate(&SystemClock);
            let key = key.expose_secret();
            let mut changed = key.to_owned();
            changed.replace_range(position..=position, &replacement);
            prop_assert_eq!(parse(&changed).is_some(), changed == key);
        }

        #[test]
        fn nothing_else_is_taken_for_a_key(text in "\\PC{0,80}") {
            prop_assert!(parse(&text).is_none());
        }

        #[test]
        fn the_hash_is_of_the_whole_key(_seed in 0_u8..16) {
            let key = generate(&SystemClock);
            prop_assert!(parse(key.expose_secret()) == Some(hash(&key)));
        }
    }
}
