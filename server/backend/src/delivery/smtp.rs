//! One mail, one conversation with the mail server.
//!
//! lettre's pooled transport is not used: it has no limit on how long an answer may take, and a conversation cut off by our own limit would go back into its pool half-spoken.
//! A connection of its own per mail also tells apart what failed before the mail was offered (try again) and what the server said about the mail itself.

use super::Claimed;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};
use secrecy::{ExposeSecret, SecretString};
use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use thiserror::Error as ThisError;

/// Longest time one attempt may take, from looking up the name to the server's last answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Longest answer that is kept, in characters.
const MAX_ANSWER_CHARS: usize = 400;

/// A mail setting that cannot be used; says which and why, without the password.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("{setting}: {detail}")]
pub struct MailerError {
    /// The setting's name.
    pub setting: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

/// How mail leaves this server.
#[derive(Debug)]
pub struct Mailer(Option<Arc<Smtp>>);

impl Mailer {
    /// Mail stays here and is shown at `/dev/mail`: local mode without a mail server.
    #[must_use]
    pub const fn shown_here() -> Self {
        Self(None)
    }

    /// Mail goes to the server at `smtp_url`: `smtps://`, or `smtp://` and `smtp+starttls://`, which require STARTTLS; each with `user:password@` where the server wants it.
    /// Only `smtp://` without a password, to a server on this machine, is spoken unencrypted.
    /// `from` is an address such as `Tallystick <tally@example.com>`.
    ///
    /// # Errors
    /// [`MailerError`] naming the setting.
    pub fn smtp_from(smtp_url: &SecretString, from: &str) -> Result<Self, MailerError> {
        Smtp::new(smtp_url.expose_secret(), from, TIMEOUT).map(|smtp| Self(Some(Arc::new(smtp))))
    }

    /// Like [`Self::smtp_from`] with another limit for one attempt, so that a test of a stalled server need not wait.
    ///
    /// # Errors
    /// [`MailerError`] naming the setting.
    pub fn with_timeout(smtp_url: &SecretString, from: &str, timeout: Duration) -> Result<Self, MailerError> {
        Smtp::new(smtp_url.expose_secret(), from, timeout.min(TIMEOUT)).map(|smtp| Self(Some(Arc::new(smtp))))
    }

    /// Whether there is a mail server.
    #[must_use]
    pub const fn sends(&self) -> bool {
        self.0.is_some()
    }

    pub(super) const fn smtp(&self) -> Option<&Arc<Smtp>> {
        self.0.as_ref()
    }
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The server took it.
    Accepted(String),
    /// The server will never take it.
    Refused(String),
    /// It may work later.
    Later(String),
}

/// How the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    None,
    StartTls,
    Tls,
}

/// A mail server and how to speak to it.
pub(super) struct Smtp {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<Credentials>,
    from: Mailbox,
    timeout: Duration,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("encryption", &self.encryption)
            .finish_non_exhaustive()
    }
}

impl Smtp {
    fn new(smtp_url: &str, from: &str, timeout: Duration) -> Result<Self, MailerError> {
        let wrong = |detail: &str| MailerError { setting: "SMTP_URL", detail: detail.to_owned() };
        let url = url::Url::parse(smtp_url).map_err(|error| wrong(&format!("not an address: {error}")))?;
        let (encryption, default_port) = match url.scheme() {
            "smtp" if is_here(&url) && !has_credentials(&url) => (Encryption::None, 25),
            "smtp" | "smtp+starttls" => (Encryption::StartTls, 587),
            "smtps" => (Encryption::Tls, 465),
            _ => return Err(wrong("use smtps:// or smtp://")),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("the host is missing"))?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("nothing may follow the host and port"));
        }
        let from = from.parse().map_err(|_| MailerError {
            setting: "MAIL_FROM",
            detail: "use an address such as Tallystick <tally@example.com>".to_owned(),
        })?;
        Ok(Self {
            // An IPv6 address stands in brackets in a URL but not where it is looked up.
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(default_port),
            encryption,
            credentials: credentials(&url).map_err(wrong)?,
            from,
            timeout,
        })
    }

    pub(super) async fn send(&self, mail: &Claimed) -> Attempt {
        let message = match self.message(mail) {
            Ok(message) => message,
            Err(detail) => return Attempt::Refused(detail),
        };
        match tokio::time::timeout(self.timeout, self.converse(&message)).await {
            Ok(attempt) => attempt,
            Err(_) => {
                Attempt::Later(format!("The mail server did not answer within {} s.", self.timeout.as_secs_f32()))
            }
        }
    }

    fn message(&self, mail: &Claimed) -> Result<Message, String> {
        let recipient: Address =
            mail.recipient.parse().map_err(|error| format!("The address cannot be written to: {error}."))?;
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, recipient))
            .subject(mail.subject.clone())
            .date(SystemTime::from(mail.created_at))
            .message_id(Some(mail.message_id.clone()))
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .map_err(|error| format!("The mail cannot be put together: {error}."))?;
        // RFC 3834: nobody's holiday note should answer this.
        message.headers_mut().insert_raw(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
        Ok(message)
    }

    async fn converse(&self, message: &Message) -> Attempt {
        let mut connection = match self.connect().await {
            Ok(connection) => connection,
            Err(error) => return Attempt::Later(answer(&error)),
        };
        match connection.send(message.envelope(), &message.formatted()).await {
            Ok(response) => {
                let text = response.message().collect::<Vec<_>>().join(" ");
                // The mail is in their hands: how the goodbye goes does not matter.
                tokio::spawn(async move { tokio::time::timeout(Duration::from_secs(2), connection.quit()).await });
                Attempt::Accepted(tidy(&format!("{} {text}", response.code())))
            }
            Err(error) if is_about_the_mail(&error) => Attempt::Refused(answer(&error)),
            Err(error) => Attempt::Later(answer(&error)),
        }
    }

    /// Everything before the mail is offered; what fails here is our or the server's trouble, not the mail's.
    async fn connect(&self) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let hello = ClientId::default();
        let address = (self.host.as_str(), self.port);
        let tls = match self.encryption {
            Encryption::Tls => Some(TlsParameters::new(self.host.clone())?),
            Encryption::None | Encryption::StartTls => None,
        };
        let mut connection = AsyncSmtpConnection::connect_tokio1(address, None, &hello, tls, None).await?;
        if self.encryption == Encryption::StartTls {
            connection.starttls(TlsParameters::new(self.host.clone())?, &hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }
}

/// Whether what is sent there does not leave this machine.
fn is_here(url: &url::Url) -> bool {
    match url.host_str().map(|host| host.trim_matches(['[', ']'])) {
        Some(host) if host.eq_ignore_ascii_case("localhost") => true,
        Some(host) => host.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback()),
        None => false,
    }
}

fn has_credentials(url: &url::Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn credentials(url: &url::Url) -> Result<Option<Credentials>, &'static str> {
    if !has_credentials(url) {
        return Ok(None);
    }
    let password = url.password().ok_or("the password is missing: user:password@host")?;
    let decoded = |text: &str| -> Option<String> {
        // Form decoding reads %XX like everybody; a literal plus sign must survive it.
        let pair = format!("x={}", text.replace('+', "%2B"));
        url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    match (decoded(url.username()), decoded(password)) {
        (Some(user), Some(password)) => Ok(Some(Credentials::new(user, password))),
        _ => Err("user and password must be percent-encoded"),
    }
}

/// Whether the server said no to this mail for good.
/// 530 asks for authentication, which is about us; an address that needs SMTPUTF8 is refused by lettre itself.
fn is_about_the_mail(error: &lettre::transport::smtp::Error) -> bool {
    let asks_for_sign_in = error.status().is_some_and(|code| code.to_string() == "530");
    error.is_client() || (error.is_permanent() && !asks_for_sign_in)
}

/// The server's own words where it spoke, else what happened.
fn answer(error: &lettre::transport::smtp::Error) -> String {
    let mut source: &dyn StdError = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    let text = match error.status() {
        Some(code) => format!("{code} {source}"),
        None => format!("{error}"),
    };
    tidy(&text)
}

/// One line without control characters, not too long.
fn tidy(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_ANSWER_CHARS).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp(url: &str) -> Result<Smtp, MailerError> {
        Smtp::new(url, "Tallystick <tally@example.com>", TIMEOUT)
    }

    #[test]
    fn settings_are_read() {
        let anonymous = smtp("smtp://mail.example.com").unwrap();
        assert_eq!((anonymous.host.as_str(), anonymous.port), ("mail.example.com", 587));
        assert!(anonymous.credentials.is_none());
        let tls = smtp("smtps://u:p%40ss+word@mail.example.com").unwrap();
        assert_eq!((tls.port, tls.encryption), (465, Encryption::Tls));
        assert_eq!(tls.credentials, Some(Credentials::new("u".to_owned(), "p@ss+word".to_owned())));
        let starttls = smtp("smtp+starttls://u:p@[::1]:2525").unwrap();
        assert_eq!((starttls.host.as_str(), starttls.port), ("::1", 2525));
        assert_eq!(starttls.encryption, Encryption::StartTls);
    }

    #[test]
    fn only_to_this_machine_and_without_a_password_is_mail_unencrypted() {
        for here in ["localhost", "LOCALHOST:2525", "127.0.0.1", "127.9.9.9:25", "[::1]:25", "[::ffff:127.0.0.1]"] {
            assert_eq!(smtp(&format!("smtp://{here}")).unwrap().encryption, Encryption::None, "{here}");
            let with_password = smtp(&format!("smtp://u:p@{here}")).unwrap();
            assert_eq!(with_password.encryption, Encryption::StartTls, "{here} with a password");
            assert_eq!(smtp(&format!("smtp+starttls://{here}")).unwrap().encryption, Encryption::StartTls, "{here}");
        }
        for elsewhere in
            ["mail.example.com", "10.0.0.1", "192.168.0.2:25", "[fd00::1]", "localhost.example.com", "128.0.0.1"]
        {
            for user in ["", "u:p@"] {
                let url = format!("smtp://{user}{elsewhere}");
                assert_eq!(smtp(&url).unwrap().encryption, Encryption::StartTls, "{url}");
            }
        }
    }

    #[test]
    fn wrong_settings_are_named_without_the_password() {
        for url in ["mail.example.com", "http://u:secret@x", "smtp://", "smtp://u@x", "smtp://u:secret@x/path"] {
            let error = smtp(url).unwrap_err();
            assert_eq!(error.setting, "SMTP_URL", "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert_eq!(Smtp::new("smtp://x", "nobody", TIMEOUT).unwrap_err().setting, "MAIL_FROM");
        let shown = format!("{:?}", smtp("smtps://u:secret@x").unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn answers_become_one_short_line() {
        assert_eq!(tidy("250 ok\r\nqueued\u{7}"), "250 ok  queued");
        assert_eq!(tidy(&"x".repeat(1_000)).len(), MAX_ANSWER_CHARS);
    }
}
