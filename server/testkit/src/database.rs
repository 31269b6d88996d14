//! One database per test, copied from a template that was migrated once.

use local_postgres::{Durability, LocalPostgres};
use sha2::{Digest, Sha256};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::OnceLock;

/// Names the PostgreSQL whose databases tests may create and drop; set by `cargo xtask test`.
const SERVER_VARIABLE: &str = "TALLYSTICK_TEST_DATABASE_URL";

/// Set by `cargo xtask test --citus`: that PostgreSQL is a Citus coordinator that keeps its shards itself, and every test's tables are distributed.
const CITUS_VARIABLE: &str = "TALLYSTICK_TEST_CITUS";

/// How long an own PostgreSQL outlives the last test process.
const LINGER_SECS: u32 = 120;

/// Held while a template is made, so that one test process makes it and the others wait.
const TEMPLATE_LOCK: i64 = 0x7461_6c6c_7900;

/// A migrated database that belongs to one test, dropped with this value.
///
/// Databases are copies of a template named after the contents of `migrations/`, so a test pays for a copy of files and not for the migrations.
#[derive(Debug)]
pub struct TestDatabase {
    pool: PgPool,
    url: String,
    name: String,
}

impl TestDatabase {
    /// A database with every migration applied and nothing in it.
    ///
    /// # Panics
    /// When PostgreSQL cannot be reached or started, or a migration fails.
    pub async fn new() -> Self {
        Self::prepared("", |_| async {}).await
    }

    /// A database with every migration applied and with what `prepare` put in, which happens once per `state` and is then copied.
    ///
    /// `state` names the contents, such as the hash of the seed file that `prepare` loads: another name is another template.
    ///
    /// # Panics
    /// As [`TestDatabase::new`].
    pub async fn prepared<F, R>(state: &str, prepare: F) -> Self
    where
        F: FnOnce(PgPool) -> R,
        R: Future<Output = ()>,
    {
        let template = format!("template_{}", fingerprint(state));
        ensure_template(&template, prepare).await;
        Self::copy_of(&template).await
    }

    /// A database without any table, for tests of the migrations themselves.
    ///
    /// # Panics
    /// As [`TestDatabase::new`].
    pub async fn empty() -> Self {
        Self::copy_of("template0").await
    }

    async fn copy_of(template: &str) -> Self {
        let name = format!("test_{:016x}", RandomState::new().build_hasher().finish());
        let mut admin = admin().await;
        run(&mut admin, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        if std::env::var_os(CITUS_VARIABLE).is_some() {
            // What `distribute` sets for a database is not copied with it.
            let setting = format!("ALTER DATABASE {name} SET citus.multi_shard_modify_mode = 'sequential'");
            run(&mut admin, &setting).await;
        }
        let url = url_of(&name);
        let pool = pool_of(&url).await;
        Self { pool, url, name }
    }

    /// Connections to it; at most ten.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Its address, in the form of `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A runtime of its own: `drop` cannot wait inside the test's.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { run(&mut admin().await, &statement).await });
        });
        // What stays behind goes with the scratch server.
        let _ = dropped.join();
    }
}

/// The address of the server's own database `postgres`.
fn server_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| std::env::var(SERVER_VARIABLE).unwrap_or_else(|_| own_server()))
}

/// Starts or finds the scratch server that all test processes of this work tree share.
fn own_server() -> String {
    let folder = repository().join("target/test-postgres");
    let mut server = LocalPostgres::start(&folder, Durability::Scratch)
        .unwrap_or_else(|error| panic!("no PostgreSQL for the tests: {error}"));
    let url = server.url("postgres");
    // Kept for as long as this process lives; then the watcher counts.
    static KEPT: OnceLock<LocalPostgres> = OnceLock::new();
    server.leave_to_watcher(LINGER_SECS).expect("a watcher");
    let _ = KEPT.set(server);
    url
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The server's address with another database.
fn url_of(database: &str) -> String {
    let (address, settings) = server_url().split_once('?').unwrap_or((server_url(), ""));
    let (server, _) = address.rsplit_once('/').unwrap_or_else(|| panic!("{SERVER_VARIABLE} names no database"));
    if settings.is_empty() { format!("{server}/{database}") } else { format!("{server}/{database}?{settings}") }
}

async fn admin() -> PgConnection {
    PgConnection::connect(server_url())
        .await
        .unwrap_or_else(|error| panic!("no connection to the test server: {error}"))
}

async fn pool_of(url: &str) -> PgPool {
    let options = PgConnectOptions::from_str(url).expect("an address");
    PgPoolOptions::new()
        .max_connections(10)
        .connect_with(options)
        .await
        .unwrap_or_else(|error| panic!("no connection to {url}: {error}"))
}

/// Database names cannot be bound; the ones here are made of letters and digits.
async fn run(connection: &mut PgConnection, statement: &str) {
    connection
        .execute(AssertSqlSafe(statement.to_owned()))
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

async fn exists(connection: &mut PgConnection, database: &str) -> bool {
    sqlx::query_scalar::<_, bool>("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(database)
        .fetch_one(connection)
        .await
        .expect("an answer")
}

async fn ensure_template<F, R>(template: &str, prepare: F)
where
    F: FnOnce(PgPool) -> R,
    R: Future<Output = ()>,
{
    let mut admin = admin().await;
    if exists(&mut admin, template).await {
        return;
    }
    // Released when this connection closes, also after a panic.
    sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut admin).await.expect("the lock");
    if exists(&mut admin, template).await {
        return;
    }
    // Made under another name first: whoever sees the template's name finds it complete.
    let unfinished = format!("making_{template}");
    run(&mut admin, &format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
    run(&mut admin, &format!("CREATE DATABASE {unfinished} TEMPLATE template0")).await;
    let pool = pool_of(&url_of(&unfinished)).await;
    let migrator = sqlx::migrate::Migrator::new(repository().join("migrations")).await.expect("the migrations");
    migrator.run(&pool).await.unwrap_or_else(|error| panic!("a migration failed: {error}"));
    let is_distributed = std::env::var_os(CITUS_VARIABLE).is_some();
    if is_distributed {
        distribute(&pool).await;
    }
    prepare(pool.clone()).await;
    pool.close().await;
    if is_distributed {
        // Citus keeps a connection of its own to every database, and a template must have none.
        run(&mut admin, &format!("ALTER DATABASE {unfinished} WITH ALLOW_CONNECTIONS false")).await;
        let others = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{unfinished}'");
        run(&mut admin, &others).await;
        while sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = $1)")
            .bind(&unfinished)
            .fetch_one(&mut admin)
            .await
            .expect("an answer")
        {
            tokio::task::yield_now().await;
        }
    }
    run(&mut admin, &format!("ALTER DATABASE {unfinished} RENAME TO {template}")).await;
}

/// Spreads the tables over the coordinator itself, in a few shards each.
async fn distribute(pool: &PgPool) {
    for statement in [
        "CREATE EXTENSION citus",
        "SELECT citus_set_coordinator_host('localhost', current_setting('port')::int)",
        "SELECT citus_set_node_property('localhost', current_setting('port')::int, 'shouldhaveshards', true)",
    ] {
        pool.execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let placed = backend::distribute(pool).await.unwrap_or_else(|error| panic!("tables are not distributed: {error}"));
    assert!(!placed.distributed.is_empty(), "nothing is distributed");
}

/// A name for the contents of `migrations/` and for `state`.
fn fingerprint(state: &str) -> String {
    let folder = repository().join("migrations");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder of the migrations")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let text = std::fs::read(&file).expect("a migration");
        hash.update(file.file_name().expect("a name").as_encoded_bytes());
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    hash.update(state);
    hash.finalize().iter().take(10).map(|byte| format!("{byte:02x}")).collect()
}
