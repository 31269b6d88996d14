//! An object storage that speaks S3, checks signatures and does as it is told.

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What the storage does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers `503 Service Unavailable` and does nothing.
    Unavailable,
    /// Hangs up while the request is under way.
    Cut,
    /// Does what it was asked for and hangs up instead of answering.
    HangUp,
    /// Never answers, and does nothing.
    Stall,
}

#[derive(Debug, Default)]
struct Script {
    /// What a request has to look like, the fault, and how often.
    faults: Vec<(String, Fault, usize)>,
    requests: Vec<String>,
}

#[derive(Debug, Default)]
struct Shared {
    script: Mutex<Script>,
    asked: Notify,
}

impl Shared {
    /// Writes a request down; what is to be done with it.
    fn fault(&self, request: &str) -> Option<Fault> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.requests.push(request.to_owned());
        let fault = script.faults.iter_mut().find(|(like, _, left)| *left > 0 && request.contains(like.as_str()));
        let fault = fault.map(|(_, fault, left)| {
            *left -= 1;
            *fault
        });
        drop(script);
        self.asked.notify_waiters();
        fault
    }
}

/// A storage with one bucket on a free port of 127.0.0.1; ends when dropped.
#[derive(Debug)]
pub struct ObjectStorage {
    folder: tempfile::TempDir,
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl ObjectStorage {
    /// The bucket.
    pub const BUCKET: &str = "lake";
    /// The access key id.
    pub const KEY_ID: &str = "TALLYSTICK0TEST";
    /// The secret access key.
    pub const SECRET: &str = "a secret of the test's storage";

    /// Starts it, empty.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for objects");
        std::fs::create_dir(folder.path().join(Self::BUCKET)).expect("a bucket");
        let files = FileSystem::new(folder.path()).expect("a folder for objects");
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(Self::KEY_ID, Self::SECRET));
        let service = service.build();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let script = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (service, script) = (service.clone(), Arc::clone(&script));
                let answer = service_fn(move |request| answer(service.clone(), Arc::clone(&script), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
            }
        });
        Self { folder, address, shared, accepting }
    }

    /// Its address, as a destination takes it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next `times` requests whose method and address contain `like`, such as `PUT /lake/a.csv?partNumber=2`, meet a fault.
    pub fn fail(&self, like: &str, fault: Fault, times: usize) {
        let mut script = self.shared.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.faults.push((like.to_owned(), fault, times));
    }

    /// Returns once a request like this has come.
    pub async fn asked(&self, like: &str) {
        loop {
            let asked = self.shared.asked.notified();
            if self.requests().iter().any(|request| request.contains(like)) {
                return;
            }
            asked.await;
        }
    }

    /// All requests so far: method and address.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.shared.script.lock().unwrap_or_else(PoisonError::into_inner).requests.clone()
    }

    /// The bytes of an object; none where none is visible.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.bucket().join(name)).ok()
    }

    /// The names of all visible objects, sorted.
    #[must_use]
    pub fn objects(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(&self.bucket(), &self.bucket(), &mut found);
        found.sort();
        found
    }

    /// How many files of uploads lie about that were neither completed nor aborted.
    #[must_use]
    pub fn leftovers(&self) -> usize {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder");
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(".upload")).count()
    }

    fn bucket(&self) -> PathBuf {
        self.folder.path().join(Self::BUCKET)
    }
}

impl Drop for ObjectStorage {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if let Ok(name) = path.strip_prefix(root) {
            found.push(name.to_string_lossy().into_owned());
        }
    }
}

async fn answer(
    service: S3Service,
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<s3s::Body>, io::Error> {
    let asked = format!("{} {}", request.method(), request.uri());
    let hang_up = || io::Error::other("the storage hangs up");
    match shared.fault(&asked) {
        None => service.call(request.map(s3s::Body::from)).await.map_err(io::Error::other),
        Some(Fault::HangUp) => {
            let done = service.call(request.map(s3s::Body::from)).await;
            drop(done);
            Err(hang_up())
        }
        Some(Fault::Cut) => Err(hang_up()),
        Some(Fault::Stall) => std::future::pending().await,
        Some(Fault::Unavailable) => {
            let mut response = Response::new(s3s::Body::from("<Error><Code>SlowDown</Code></Error>".to_owned()));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            Ok(response)
        }
    }
}
