//! A mail server that takes real SMTP conversations and does as it is told.

use base64::Engine;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// The largest message taken.
const MESSAGE_LIMIT_BYTES: u64 = 10 << 20;

/// How long [`SmtpSink::wait_for`] waits before the test has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the server does with the next message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// Takes it: `250 2.0.0 queued as N`.
    #[default]
    Accept,
    /// Refuses the recipient for now: `451 4.3.0 try again later`.
    RefuseForNow,
    /// Refuses the recipient for good: `550 5.1.1 no such mailbox`.
    RefuseForGood,
    /// Never answers the end of the message, and keeps nothing.
    Stall,
    /// Keeps the message and hangs up instead of answering: the sender cannot know.
    HangUp,
}

#[derive(Debug, Default)]
struct State {
    mood: Mood,
    mails: Vec<Mail>,
    attempts: usize,
    passwords: usize,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let result = act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
        result
    }
}

/// An SMTP server on a free port of 127.0.0.1; ends when dropped.
#[derive(Debug)]
pub struct SmtpSink {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

impl SmtpSink {
    /// Starts listening.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Self { address, shared, task }
    }

    /// Its address, in the form of `SMTP_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// How it treats messages from now on.
    pub fn set_mood(&self, mood: Mood) {
        self.shared.with(|state| state.mood = mood);
    }

    /// The messages kept so far, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.with(|state| state.mails.clone())
    }

    /// How many recipients or messages it was offered so far, refused ones included.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.shared.with(|state| state.attempts)
    }

    /// How often somebody tried to sign in, which was over an unencrypted connection: it knows no other.
    #[must_use]
    pub fn passwords(&self) -> usize {
        self.shared.with(|state| state.passwords)
    }

    /// The first kept message that `wanted` accepts, as soon as there is one.
    ///
    /// # Panics
    /// After half a minute without one.
    pub async fn wait_for(&self, wanted: impl Fn(&Mail) -> bool) -> Mail {
        self.until(|state| state.mails.iter().find(|mail| wanted(mail)).cloned()).await
    }

    /// Returns once it has been offered at least `count` messages.
    ///
    /// # Panics
    /// After half a minute.
    pub async fn wait_for_attempts(&self, count: usize) {
        self.until(|state| (state.attempts >= count).then_some(())).await;
    }

    async fn until<T>(&self, look: impl Fn(&State) -> Option<T>) -> T {
        let waiting = async {
            loop {
                // Registered before looking, so that nothing between look and wait is missed.
                let changed = self.shared.changed.notified();
                let mut changed = std::pin::pin!(changed);
                changed.as_mut().enable();
                // Not through `with`, which would wake this very loop.
                let found = look(&self.shared.state.lock().unwrap_or_else(PoisonError::into_inner));
                match found {
                    Some(found) => return found,
                    None => changed.await,
                }
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("no such mail within {PATIENCE:?}; there are {:#?}", self.mails()),
        }
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        // A conversation that breaks off is the sender's concern.
        tokio::spawn(converse(stream, shared.clone()));
    }
}

/// One conversation (RFC 5321, 4.1.1), as far as mail senders need it.
async fn converse(stream: TcpStream, shared: Arc<Shared>) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader.take(MESSAGE_LIMIT_BYTES));
    let (mut from, mut to) = (String::new(), Vec::new());
    writer.write_all(b"220 sink ready\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim_end();
        let verb = command.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-sink\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8\r\n".to_owned(),
            "AUTH" => {
                shared.with(|state| state.passwords += 1);
                "235 2.7.0 welcome\r\n".to_owned()
            }
            "HELO" | "NOOP" => "250 sink\r\n".to_owned(),
            "MAIL" => {
                (from, to) = (address_in(command), Vec::new());
                "250 2.1.0 ok\r\n".to_owned()
            }
            "RCPT" => match shared.with(|state| state.mood) {
                Mood::RefuseForNow => {
                    shared.with(|state| state.attempts += 1);
                    "451 4.3.0 try again later\r\n".to_owned()
                }
                Mood::RefuseForGood => {
                    shared.with(|state| state.attempts += 1);
                    "550 5.1.1 no such mailbox\r\n".to_owned()
                }
                _ => {
                    to.push(address_in(command));
                    "250 2.1.5 ok\r\n".to_owned()
                }
            },
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let raw = message(&mut reader).await?;
                let mail = Mail { from: from.clone(), to: to.clone(), raw };
                match keep(&shared, mail) {
                    Some(answer) => answer,
                    None if shared.with(|state| state.mood) == Mood::Stall => std::future::pending().await,
                    None => return Ok(()),
                }
            }
            "RSET" => {
                (from, to) = (String::new(), Vec::new());
                "250 2.0.0 ok\r\n".to_owned()
            }
            "QUIT" => {
                writer.write_all(b"221 2.0.0 bye\r\n").await?;
                return Ok(());
            }
            _ => "502 5.5.1 not here\r\n".to_owned(),
        };
        writer.write_all(answer.as_bytes()).await?;
    }
}

/// Treats a message according to the mood; tells the answer, if there is to be one.
fn keep(shared: &Shared, mail: Mail) -> Option<String> {
    shared.with(|state| {
        state.attempts += 1;
        if state.mood == Mood::Stall {
            return None;
        }
        state.mails.push(mail);
        (state.mood != Mood::HangUp).then(|| format!("250 2.0.0 queued as {}\r\n", state.mails.len()))
    })
}

/// Reads up to the line with a single dot, and takes away the dots that were doubled (RFC 5321, 4.5.2).
async fn message(reader: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

fn address_in(command: &str) -> String {
    command
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(address, _)| address.to_owned())
        .unwrap_or_default()
}

/// One message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Headers and body.
    pub raw: String,
}

impl Mail {
    /// A header's value: unfolded, encoded words decoded; `None` when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        header_in(&self.raw, name)
    }

    /// The subject; empty when there is none.
    #[must_use]
    pub fn subject(&self) -> String {
        self.header("Subject").unwrap_or_default()
    }

    /// The plain-text part, decoded; empty when there is none.
    #[must_use]
    pub fn text(&self) -> String {
        part_in(&self.raw, "text/plain").unwrap_or_default()
    }

    /// The HTML part, decoded; empty when there is none.
    #[must_use]
    pub fn html(&self) -> String {
        part_in(&self.raw, "text/html").unwrap_or_default()
    }

    /// The first address (`http…`) in the plain text that contains `part`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn link(&self, part: &str) -> String {
        let text = self.text();
        let link = text.split_whitespace().find(|word| word.starts_with("http") && word.contains(part));
        link.unwrap_or_else(|| panic!("no link with {part} in:\n{text}")).to_owned()
    }
}

fn header_in(entity: &str, name: &str) -> Option<String> {
    let head =
        entity.split_once("\r\n\r\n").map_or(entity, |(head, _)| head).replace("\r\n ", " ").replace("\r\n\t", " ");
    let value = head.lines().find_map(|line| {
        line.split_once(':').filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })?;
    Some(decode_words(value.trim()))
}

/// The decoded body of the first part of a type, however deep.
fn part_in(entity: &str, wanted: &str) -> Option<String> {
    let kind = header_in(entity, "Content-Type").unwrap_or_else(|| "text/plain".to_owned());
    let body = entity.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    if kind.to_ascii_lowercase().starts_with("multipart/") {
        let boundary = kind.split_once("boundary=")?.1.split(';').next()?.trim_matches('"');
        let mark = format!("--{boundary}");
        return body
            .split(&mark)
            .skip(1)
            .take_while(|part| !part.starts_with("--"))
            .find_map(|part| part_in(part.trim_start_matches("\r\n"), wanted));
    }
    if !kind.to_ascii_lowercase().starts_with(wanted) {
        return None;
    }
    let bytes = match header_in(entity, "Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase().as_str() {
        "quoted-printable" => quoted_printable(body),
        "base64" => base64_lenient(body),
        _ => body.as_bytes().to_vec(),
    };
    Some(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
}

fn base64_lenient(text: &str) -> Vec<u8> {
    let compact: String = text.split_whitespace().collect();
    base64::engine::general_purpose::STANDARD.decode(compact).expect("base64")
}

/// RFC 2045, 6.7.
fn quoted_printable(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'=')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

/// Encoded words (RFC 2047); the white space between two of them does not count.
fn decode_words(value: &str) -> String {
    let mut decoded = String::new();
    let mut rest = value;
    while let Some((before, word, after)) = next_word(rest) {
        if decoded.is_empty() || !before.trim().is_empty() {
            decoded.push_str(before);
        }
        decoded.push_str(&word);
        rest = after;
    }
    decoded.push_str(rest);
    decoded
}

fn next_word(text: &str) -> Option<(&str, String, &str)> {
    let (before, rest) = text.split_once("=?")?;
    let (_charset, rest) = rest.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (content, after) = rest.split_once("?=")?;
    let bytes = if encoding.eq_ignore_ascii_case("b") {
        base64_lenient(content)
    } else {
        quoted_printable(&content.replace('_', " "))
    };
    Some((before, String::from_utf8_lossy(&bytes).into_owned(), after))
}
