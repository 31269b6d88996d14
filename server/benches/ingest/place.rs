//! Where it happens: a private PostgreSQL whose commits are on the disk, an organization, and servers beside it.

use crate::Failure;
use local_postgres::{Durability, LocalPostgres};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Row};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

/// Requests of a key per minute: none is to be turned away.
const NO_LIMIT: &str = "100000000";

/// The database, its organization and a key.
pub(crate) struct Place {
    pub(crate) postgres: LocalPostgres,
    pub(crate) pool: PgPool,
    pub(crate) key: String,
    url: String,
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) async fn make() -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let postgres = LocalPostgres::start(folder.path(), Durability::Durable)?;
        postgres.create_database("tallystick")?;
        let url = postgres.url("tallystick");
        output_of(tallystick(&url).arg("migrate"))?;
        let bootstrap =
            ["bootstrap", "--email", "ada@example.com", "--organization", "Acme", "--time-zone", "Asia/Kolkata"];
        let key = output_of(tallystick(&url).args(bootstrap).env("BOOTSTRAP_PASSWORD", "four quite unrelated words"))?;
        let options = PgConnectOptions::from_str(&url)?;
        let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await?;
        Ok(Self { postgres, pool, key: key.trim().to_owned(), url, folder })
    }

    /// On the disk that PostgreSQL writes to.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a server beside the database.
    pub(crate) fn serve(&self) -> Result<Server, Failure> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = tallystick(&self.url)
            .args(["serve", "--addr", &address.to_string(), "--public-url", "http://localhost"])
            .args(["--smtp-url", "smtp://127.0.0.1:1", "--ingest-per-minute", NO_LIMIT, "--api-per-minute", NO_LIMIT])
            .env("RUST_LOG", "off")
            .stdout(Stdio::null())
            .spawn()?;
        let server = Server { child, address };
        let give_up = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(address).is_err() {
            if Instant::now() > give_up {
                return Err("the server does not listen".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Bytes of WAL so far.
    pub(crate) async fn wal(&self) -> Result<f64, Failure> {
        let bytes: f64 =
            sqlx::query_scalar("select (pg_current_wal_insert_lsn() - '0/0')::float8").fetch_one(&self.pool).await?;
        Ok(bytes)
    }

    /// A checkpoint, so that every turn begins alike.
    pub(crate) async fn checkpoint(&self) -> Result<(), Failure> {
        sqlx::query("checkpoint").execute(&self.pool).await?;
        Ok(())
    }

    /// Processor time of PostgreSQL with all its processes.
    pub(crate) fn postgres_seconds(&self) -> Result<f64, Failure> {
        crate::processor::processor_seconds(self.postgres.pid().ok_or("PostgreSQL does not run")?)
    }

    /// Whether what is stored is what was acknowledged, once, and every sum follows from it.
    pub(crate) async fn gate(&self, acknowledged: usize) -> Result<(), Failure> {
        let row = sqlx::query("select count(*) as stored, count(distinct id) as ids from events")
            .fetch_one(&self.pool)
            .await?;
        let (stored, ids): (i64, i64) = (row.try_get("stored")?, row.try_get("ids")?);
        if (stored, ids) != (i64::try_from(acknowledged)?, i64::try_from(acknowledged)?) {
            return Err(format!("void: {acknowledged} acknowledged, {stored} stored, {ids} different").into());
        }
        output_of(tallystick(&self.url).arg("verify")).map(drop)
    }

    /// Removes all events and sums, so that every measurement begins with empty tables.
    pub(crate) async fn empty(&self) -> Result<(), Failure> {
        sqlx::raw_sql(
            "truncate events, event_ids, provider_responses, possible_duplicates, trace_calls, traces, rollup_quarter, rollup_day, rollup_label_day, rollup_meter_day, rollup_coarse_day, rollup_coarse_label_day, rollup_coarse_meter_day, rollup_version, newest_events, rollup_latency_day, rollup_term_day, dirty_marks",
        )
        .execute(&self.pool)
        .await?;
        sqlx::raw_sql("vacuum analyze").execute(&self.pool).await?;
        Ok(())
    }
}

/// A server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tallystick(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallystick"));
    command.env("DATABASE_URL", url).stdin(Stdio::null());
    command
}

/// Runs a command that must succeed; what it printed.
fn output_of(command: &mut Command) -> Result<String, Failure> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(said)
    } else {
        Err(format!("{said}{}", String::from_utf8_lossy(&output.stderr)).into())
    }
}
