//! Secrets of others that this server has to use again, encrypted with a key that the database does not have.
//!
//! XChaCha20-Poly1305: its nonces are long enough to be drawn at random. What a secret is for is authenticated with it, so that no row opens with another's.

use crate::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// Bytes of a nonce, which stands before what is encrypted.
const NONCE: usize = 24;

/// The keys: the first encrypts, all decrypt, so that a key can be replaced.
#[derive(Clone)]
pub struct Secrets(Vec<XChaCha20Poly1305>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} keys)", self.0.len())
    }
}

impl Secrets {
    /// Keys of 32 bytes each in base64, with commas between.
    ///
    /// # Errors
    /// What is wrong, without the key itself.
    pub fn parse(keys: &SecretString) -> Result<Self, String> {
        let key = |text: &str| {
            let bytes: Option<[u8; 32]> = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
            let bytes =
                bytes.ok_or("SECRETS_KEY takes 32 random bytes in base64, as `openssl rand -base64 32` prints them")?;
            Ok(XChaCha20Poly1305::new(&Key::from(bytes)))
        };
        keys.expose_secret().split(',').map(key).collect::<Result<_, String>>().map(Self)
    }

    /// Encrypts a secret for one purpose, with random bytes of the clock.
    ///
    /// # Errors
    /// [`Error::Server`].
    pub(crate) fn seal(&self, purpose: &str, secret: &SecretString, random: [u8; 32]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&random[..NONCE]);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: purpose.as_bytes() };
        let key = self.0.first().ok_or_else(|| Error::server("encrypting a secret", "there is no key"))?;
        let sealed = key.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| Error::server("encrypting a secret", "it is too long"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts it; none where no key fits, or it was sealed for another purpose.
    pub(crate) fn open(&self, purpose: &str, sealed: &[u8]) -> Option<SecretString> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let opened = self.0.iter().find_map(|key| {
            key.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: purpose.as_bytes() }).ok()
        })?;
        String::from_utf8(opened).ok().map(SecretString::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(texts: &[[u8; 32]]) -> Secrets {
        let texts: Vec<_> = texts.iter().map(|key| STANDARD.encode(key)).collect();
        Secrets::parse(&texts.join(",").into()).unwrap()
    }

    #[test]
    fn a_secret_opens_with_its_key_for_its_purpose_alone() {
        let sealed = keys(&[[1; 32]]).seal("org/lake", &"s3cret".into(), [7; 32]).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"s3cret"));
        let opened = |keys: &[[u8; 32]], purpose: &str, sealed: &[u8]| {
            self::keys(keys).open(purpose, sealed).map(|secret| secret.expose_secret().to_owned())
        };
        assert_eq!(opened(&[[1; 32]], "org/lake", &sealed).as_deref(), Some("s3cret"));
        assert_eq!(
            opened(&[[2; 32], [1; 32]], "org/lake", &sealed).as_deref(),
            Some("s3cret"),
            "a key was added before it"
        );
        assert_eq!(opened(&[[2; 32]], "org/lake", &sealed), None);
        assert_eq!(opened(&[[1; 32]], "other/lake", &sealed), None);
        let mut broken = sealed.clone();
        broken[30] ^= 1;
        assert_eq!(opened(&[[1; 32]], "org/lake", &broken), None);
        assert_eq!(opened(&[[1; 32]], "org/lake", &sealed[..10]), None);
    }

    #[test]
    fn a_short_key_is_refused_without_being_told() {
        let wrong = Secrets::parse(&"c2hvcnQ=".into()).unwrap_err();
        assert!(wrong.contains("32 random bytes") && !wrong.contains("c2hvcnQ"), "{wrong}");
    }
}
