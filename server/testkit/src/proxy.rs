//! A path to PostgreSQL that can go silently dead: it takes bytes no further and closes nothing.

use sqlx::postgres::PgConnectOptions;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;

/// The port in the name of the socket; any would do.
const PORT: u16 = 5_432;

/// The way to a database.
#[derive(Debug)]
pub struct Proxy {
    folder: tempfile::TempDir,
    database: PgConnectOptions,
    is_alive: watch::Sender<bool>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// Listens for connections to a database.
    ///
    /// # Panics
    /// When no socket can be made.
    #[must_use]
    pub fn start(database: &PgConnectOptions) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the socket");
        let path = folder.path().join(format!(".s.PGSQL.{PORT}"));
        let listener = UnixListener::bind(path).expect("a socket");
        let (is_alive, alive) = watch::channel(true);
        let behind = database.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(join(client, behind.clone(), alive.clone()));
            }
        });
        Self { folder, database: database.clone(), is_alive, accepting }
    }

    /// How to connect through it.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.database.clone().socket(self.folder.path()).port(PORT)
    }

    /// From now on nothing gets through, in either direction; connections stay open.
    pub fn fall_silent(&self) {
        self.is_alive.send_replace(false);
    }

    /// From now on new connections get through; those from before the silence stay dead.
    pub fn recover(&self) {
        self.is_alive.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn join(client: UnixStream, database: PgConnectOptions, alive: watch::Receiver<bool>) {
    let (reading, writing) = client.into_split();
    match database.get_socket() {
        Some(folder) => {
            let path: PathBuf = folder.join(format!(".s.PGSQL.{}", database.get_port()));
            let Ok(server) = UnixStream::connect(path).await else { return };
            let (from, to) = server.into_split();
            tokio::join!(carry(reading, to, alive.clone()), carry(from, writing, alive));
        }
        None => {
            let Ok(server) = TcpStream::connect((database.get_host(), database.get_port())).await else { return };
            let (from, to) = server.into_split();
            tokio::join!(carry(reading, to, alive.clone()), carry(from, writing, alive));
        }
    }
}

/// Carries bytes until one side closes, or for ever none once the path fell silent.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut alive: watch::Receiver<bool>) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            biased;
            () = silence(&mut alive) => return std::future::pending().await,
            read = from.read(&mut bytes) => read,
        };
        match read {
            Ok(1..) if to.write_all(&bytes[..read.unwrap_or_default()]).await.is_ok() => {}
            _ => return,
        }
    }
}

async fn silence(alive: &mut watch::Receiver<bool>) {
    let _told = alive.wait_for(|alive| !alive).await.is_ok();
}
