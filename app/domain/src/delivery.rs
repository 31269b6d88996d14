//! E-mail as pages show it.

use crate::ids::MailId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A mail that no mail server took, because local mode has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownMail {
    /// Its id.
    pub mail_id: MailId,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// Who gets it.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// The plain part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}
