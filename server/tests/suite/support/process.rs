//! The real binary in a process of its own, and HTTP to it over plain sockets.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A running server; killed without warning when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

/// The binary with none of the settings of the person at the keyboard.
pub(crate) fn tallystick() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallystick"));
    let settings = ["DATABASE_URL", "SMTP_URL", "PUBLIC_URL", "TRUSTED_PROXIES", "LISTEN_ADDR", "LOG_FORMAT"];
    for name in settings.into_iter().chain(["METRICS_ADDR", "RUST_LOG"]) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// A port that nobody uses at the moment.
pub(crate) fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Process {
    /// A server beside this database, with nothing further set.
    pub(crate) fn start(database_url: &str) -> Self {
        Self::start_with(database_url, &[], &[])
    }

    /// A server beside this database with further arguments and variables; returns once it says that it listens.
    pub(crate) fn start_with(database_url: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let address = free_address();
        let mut child = tallystick()
            .args(["serve", "--addr", &address.to_string(), "--public-url", "http://localhost"])
            .args(["--smtp-url", "smtp://127.0.0.1:1"])
            .args(arguments)
            .env("DATABASE_URL", database_url)
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (said, heard) = std::sync::mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // All of the log is read, so that the server never waits for us.
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for line in lines.map_while(Result::ok) {
                    if line.contains("listens on") {
                        let _ = said.send(());
                    }
                    log.lock().unwrap().push(line);
                }
            }
        });
        let started = heard.recv().is_ok() && TcpStream::connect(address).is_ok();
        let server = Self { child, address, log, reader: Some(reader) };
        assert!(started, "{:#?}", server.log.lock().unwrap());
        server
    }

    /// `SIGKILL`: nothing is flushed, nobody is told.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `SIGTERM`, without waiting for the end.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits for the end; what the log said.
    pub(crate) fn ended(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        (status, std::mem::take(&mut *self.log.lock().unwrap()))
    }

    /// The most memory it has had in kilobytes, where the system tells.
    pub(crate) fn peak_memory_kb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// Status, head and body of `GET path`; nothing when the connection broke.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String, String)> {
        get(self.address, path)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status, head and body of `GET path`; nothing when the connection broke.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<(u16, String, String)> {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"), "")
}

/// Posts a body with these headers.
pub(crate) fn post_text(address: SocketAddr, path: &str, headers: &str, body: &str) -> Option<(u16, String, String)> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    exchange(address, &head, body)
}

fn exchange(address: SocketAddr, head: &str, body: &str) -> Option<(u16, String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, head.to_lowercase(), body.to_owned()))
}

/// Posts events; the status and the answer, or nothing when the connection broke.
pub(crate) fn post_events(address: SocketAddr, key: &str, events: &[Value]) -> Option<(u16, String, Value)> {
    let headers = format!("authorization: Bearer {key}\r\ncontent-type: application/json\r\n");
    let (status, head, body) = post_text(address, "/v1/events", &headers, &json!(events).to_string())?;
    Some((status, head, serde_json::from_str(&body).ok()?))
}
