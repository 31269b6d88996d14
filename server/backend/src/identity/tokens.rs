//! Links sent by mail: 256 random bits, stored as a hash, good once and not for long.

use crate::Clock;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A link's secret: in the mail, and nowhere else.
pub(crate) struct LinkToken {
    /// The text in the address.
    pub(crate) text: String,
    /// What is stored.
    pub(crate) hash: [u8; 32],
}

impl LinkToken {
    pub(crate) fn new(clock: &dyn Clock) -> Self {
        let text = URL_SAFE_NO_PAD.encode(clock.random());
        let hash = hash_of(&text);
        Self { text, hash }
    }
}

/// The hash under which a presented token would be stored.
pub(crate) fn hash_of(presented: &str) -> [u8; 32] {
    Sha256::digest(presented.as_bytes()).into()
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    VerifyEmail,
    ResetPassword,
}

impl Purpose {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
        }
    }
}
