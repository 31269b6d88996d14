//! Which PostgreSQL a command talks to: the one of `DATABASE_URL`, or the private one of local mode.
//!
//! The private server itself, its files, locks and user, is the crate `local-postgres`, which tests and `xtask` use too.

use crate::config::Database;
use local_postgres::{Durability, LocalPostgres};
use secrecy::ExposeSecret;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::str::FromStr;

/// What went wrong, in words for the person who started the command.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The name of the database inside the private server.
const LOCAL_DATABASE: &str = "tallystick";

/// The most connections a command opens; a server opens pools of its own.
const MAX_CONNECTIONS: u32 = 20;

/// Connections, and the private server as long as this command uses it.
#[derive(Debug)]
pub struct Connected {
    /// Connections to the database.
    pub pool: PgPool,
    local: Option<LocalPostgres>,
}

impl Connected {
    /// Closes the connections; stops the private server if nobody else uses it.
    ///
    /// # Errors
    /// When it could not be stopped.
    pub async fn close(self) -> Result<(), Failure> {
        self.pool.close().await;
        match self.local {
            Some(local) => Ok(tokio::task::spawn_blocking(move || local.release()).await??),
            None => Ok(()),
        }
    }
}

/// Connects as the settings say; a private server is started if need be and brought up to date.
///
/// # Errors
/// In words that name the setting: missing, malformed, or nobody answers there; a migration failed.
pub async fn connect(database: &Database) -> Result<Connected, Failure> {
    let Some(url) = &database.database_url else { return connect_locally(database).await };
    let options = options(url.expose_secret())?;
    let pool = pool_options().connect_with(options).await;
    Ok(Connected { pool: pool.map_err(|error| format!("cannot connect to DATABASE_URL: {error}"))?, local: None })
}

async fn connect_locally(database: &Database) -> Result<Connected, Failure> {
    if !database.local {
        return Err("set DATABASE_URL, or use --local for a private PostgreSQL".into());
    }
    let folder = database.data.join("postgres");
    let (local, url) = tokio::task::spawn_blocking(move || {
        let local = LocalPostgres::start(&folder, Durability::Durable)?;
        local.create_database(LOCAL_DATABASE)?;
        let url = local.url(LOCAL_DATABASE);
        Ok::<_, local_postgres::Error>((local, url))
    })
    .await??;
    for note in local.notes() {
        tracing::warn!("{note}");
    }
    let pool = pool_options().connect(&url).await?;
    backend::migrate(&pool, &backend::SystemClock).await?;
    Ok(Connected { pool, local: Some(local) })
}

fn pool_options() -> PgPoolOptions {
    backend::pool_options(MAX_CONNECTIONS, None)
}

fn options(url: &str) -> Result<PgConnectOptions, Failure> {
    let malformed = |reason: &str| {
        format!("DATABASE_URL is malformed: {reason}; it looks like postgres://user:password@host:5432/database")
    };
    // The driver would take any scheme and then look for a host of that name.
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(malformed("it does not begin with postgres://").into());
    }
    Ok(PgConnectOptions::from_str(url).map_err(|error| malformed(&error.to_string()))?)
}
