//! As little HTTP as a sender needs: its own cost would count against the server that shares the machine.

use crate::Failure;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Status and body of an answer.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a str,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(1 << 17) })
    }

    /// Sends a request and waits for its whole answer.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>, Failure> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server closed the connection".into());
            }
            if let Some((head, body)) = measured(&self.buffer)?
                && self.buffer.len() >= head + body
            {
                let text = std::str::from_utf8(&self.buffer[..head])?;
                let status = text.split(' ').nth(1).ok_or("no status")?.parse()?;
                return Ok(Answer { status, head: text, body: &self.buffer[head..head + body] });
            }
        }
    }
}

/// Length of head and body, once the head is there.
fn measured(bytes: &[u8]) -> Result<Option<(usize, usize)>, Failure> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end])?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let length = length.ok_or_else(|| format!("an answer without content-length: {head}"))??;
    Ok(Some((end + 4, length)))
}

/// A request with its body.
pub(crate) fn post(path: &str, key: &str, body: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A request without one.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

/// Sends every request once over so many connections; how long that took. Anything but success is a failure.
pub(crate) async fn send_all(
    servers: &[SocketAddr],
    connections: usize,
    requests: Vec<Vec<u8>>,
) -> Result<Duration, Failure> {
    let requests = std::sync::Arc::new(requests);
    let next = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut opened = vec![];
    for n in 0..connections {
        opened.push(Connection::open(servers[n % servers.len()]).await?);
    }
    let begun = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for mut connection in opened {
        let (requests, next) = (requests.clone(), next.clone());
        senders.spawn(async move {
            while let Some(request) = requests.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                let answer = connection.send(request).await?;
                if answer.status != 200 {
                    let said = String::from_utf8_lossy(answer.body).into_owned();
                    return Err::<(), Failure>(
                        format!("{}: {}", answer.status, said.chars().take(300).collect::<String>()).into(),
                    );
                }
            }
            Ok(())
        });
    }
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    Ok(begun.elapsed())
}

/// Sends at a fixed rate, whatever the answers do; the time from when each was due to its answer.
pub(crate) async fn send_at(
    server: SocketAddr,
    connections: usize,
    requests: Vec<Vec<u8>>,
    per_second: f64,
) -> Result<Vec<Duration>, Failure> {
    let requests = std::sync::Arc::new(requests);
    let begun = Instant::now() + Duration::from_millis(50);
    let mut senders = tokio::task::JoinSet::new();
    for first in 0..connections {
        let mut connection = Connection::open(server).await?;
        let requests = requests.clone();
        senders.spawn(async move {
            let mut took = vec![];
            for n in (first..requests.len()).step_by(connections) {
                #[expect(clippy::cast_precision_loss, reason = "a moment in a run of seconds")]
                let due = begun + Duration::from_secs_f64(n as f64 / per_second);
                tokio::time::sleep_until(due.into()).await;
                let answer = connection.send(&requests[n]).await?;
                if answer.status != 200 {
                    return Err::<_, Failure>(format!("answered {}", answer.status).into());
                }
                took.push(due.elapsed());
            }
            Ok(took)
        });
    }
    let mut took = vec![];
    while let Some(sender) = senders.join_next().await {
        took.extend(sender??);
    }
    Ok(took)
}
