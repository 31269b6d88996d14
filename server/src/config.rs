//! Settings: flags or environment, every one documented by `--help`.

use backend::delivery::Mailer;
use backend::exports::schedules::Settings as StorageSettings;
use backend::keys::Quotas;
use backend::ledger::Limits;
use backend::{Clock, Secrets, Sizes};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};
use secrecy::SecretString;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Exact costs, budgets and forecasts for teams that use large language models.
#[derive(Debug, Parser)]
#[command(name = "tallystick", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How lines of the log are written.
    #[arg(long, env = "LOG_FORMAT", global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// How lines of the log are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people; in colour on a terminal.
    Text,
    /// One JSON object per line, for programs.
    Json,
}

/// The commands of the binary.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve pages and API until interrupted.
    Serve(Serve),
    /// Bring the database's schema and price book up to date.
    Migrate(Migrate),
    /// Create a user, organization and project if absent; print a new API key with all scopes.
    Bootstrap(Bootstrap),
    /// Recompute every sum from the events and report what differs; fails if anything does.
    Verify(Verify),
    /// Create a sample organization with a realistic quarter of usage that ends now; print its address.
    Sample(Sample),
    /// Record the events of a file: NDJSON, one event per line, or CSV with a header. Doing it again is harmless.
    Import(Import),
    /// Price lines of usage with the program's own price book, without a database; print one line of JSON each.
    Quote(Quote),
    /// Check exported statements.
    #[command(subcommand)]
    Statement(Statement),
    /// Look after the list price book, which all organizations share.
    #[command(subcommand)]
    Prices(Prices),
}

/// Settings of `migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Which database.
    #[command(flatten)]
    pub database: Database,
    /// Spread the tables over the servers of a Citus cluster as well; the extension has to be installed in the database.
    #[arg(long)]
    pub distribute: bool,
}

/// The commands about statements.
#[derive(Debug, Subcommand)]
pub enum Statement {
    /// Compute sums, hashes and chain of a bundle (`GET /v1/statements/{month}/bundle`) again, without a database; say what is wrong and where, and fail if anything is.
    Verify(StatementFile),
}

/// Settings of `statement verify`.
#[derive(Debug, Args)]
pub struct StatementFile {
    /// The bundle.
    #[arg(value_name = "FILE.json")]
    pub file: PathBuf,
}

/// The commands about the list price book.
#[derive(Debug, Subcommand)]
pub enum Prices {
    /// Compare a newer data set with the book: print what would change and what it would have meant for the last 30 days.
    Import(PriceImport),
}

/// Settings of `prices import`.
#[derive(Debug, Args)]
pub struct PriceImport {
    /// Which database.
    #[command(flatten)]
    pub database: Database,
    /// providers.json of genai-prices, model_prices_and_context_window.json of LiteLLM, or a price list in the form of the program's own seed.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Since when changes hold for which the data has no date, in UTC; today when left out.
    #[arg(long, value_name = "DATE")]
    pub from: Option<NaiveDate>,
    /// Version of the data set, for data that does not name it; today's date when left out.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "VERSION")]
    pub data_version: String,
    /// Add the changes to the book. Without it nothing is written.
    #[arg(long)]
    pub apply: bool,
    /// Add also what looks wrong: jumps of ten times or more, prices per token, prices of zero, ends without a date.
    #[arg(long, requires = "apply")]
    pub confirm_jumps: bool,
}

/// Settings of `quote`.
#[derive(Debug, Args)]
pub struct Quote {
    /// JSON lines with `provider`, `model`, `usage` and optionally `name`, `flavor` or `usage_format`, `at`, `context`; `-` reads standard input.
    #[arg(value_name = "FILE.jsonl")]
    pub file: PathBuf,
}

/// Which database.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// Address of PostgreSQL, such as postgres://tallystick:secret@db/tallystick.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,
    /// Use a private PostgreSQL kept in DATA/postgres, started if it is not running.
    #[arg(long, conflicts_with = "database_url")]
    pub local: bool,
    /// Folder of the private PostgreSQL.
    #[arg(long, default_value = "var", value_name = "DIR")]
    pub data: PathBuf,
}

/// Settings of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Which database.
    #[command(flatten)]
    pub database: Database,
    /// Where to listen.
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:3000", value_name = "HOST:PORT")]
    pub addr: SocketAddr,
    /// Let other machines reach local mode: it then answers to addresses as well, and /dev/mail asks for a sign-in. Make the first account with `tallystick bootstrap --local`.
    #[arg(long, requires = "local")]
    pub expose: bool,
    /// The address people and mails use; needed without --local.
    #[arg(long, env = "PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<url::Url>,
    /// Mail server, such as smtps://user:secret@mail.example.com; needed without --local. With --local and none, mail is shown at /dev/mail.
    #[arg(long, env = "SMTP_URL", hide_env_values = true, value_name = "URL")]
    pub smtp_url: Option<SecretString>,
    /// From whom mail comes.
    #[arg(long, env = "MAIL_FROM", default_value = "Tallystick <tallystick@localhost>")]
    pub mail_from: String,
    /// How many proxies of yours stand in front; the visitor's address is read from their X-Forwarded-For. Needed with an https PUBLIC_URL, because a proxy stands there; 0 elsewhere when left out.
    #[arg(long, env = "TRUSTED_PROXIES", value_name = "N")]
    pub trusted_proxies: Option<u8>,
    /// Requests with events that one API key may make per minute.
    #[arg(long, env = "INGEST_PER_MINUTE", default_value_t = Quotas::default().ingest, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub ingest_per_minute: u32,
    /// Other requests that one API key may make per minute.
    #[arg(long, env = "API_PER_MINUTE", default_value_t = Quotas::default().api, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub api_per_minute: u32,
    /// Connections to PostgreSQL for pages; with the following ones and one for each of eight channels they are all that a server opens.
    #[arg(long, env = "PAGES_CONNECTIONS", default_value_t = Sizes::default().pages, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub pages_connections: u32,
    /// Connections for the public API.
    #[arg(long, env = "API_CONNECTIONS", default_value_t = Sizes::default().api, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub api_connections: u32,
    /// Connections for events, keys and /readyz.
    #[arg(long, env = "INGEST_CONNECTIONS", default_value_t = Sizes::default().ingest, value_name = "N", value_parser = clap::value_parser!(u32).range(3..))]
    pub ingest_connections: u32,
    /// Connections for mail, budgets, repricing and retention.
    #[arg(long, env = "WORK_CONNECTIONS", default_value_t = Sizes::default().work, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub work_connections: u32,
    /// Series of one organization: combinations of project, key, provider, model, operation, status, feature, environment, cohort and step. Beyond it the newest words count as (other).
    #[arg(long, env = "SERIES_LIMIT", default_value_t = Limits::default().series, value_name = "N", value_parser = at_least_one)]
    pub series_limit: usize,
    /// Values of one label (customer, user, each tag) of one organization; beyond it the newest count as (other).
    #[arg(long, env = "LABEL_VALUES_LIMIT", default_value_t = Limits::default().values, value_name = "N", value_parser = at_least_one)]
    pub label_values_limit: usize,
    /// Encrypts credentials of object storage in the database: 32 random bytes in base64, as `openssl rand -base64 32` prints them. To replace it, put the new one before it, with a comma between. With --local and none, DATA/secrets.key is made and used; elsewhere no credentials can be saved without.
    #[arg(long, env = "SECRETS_KEY", hide_env_values = true, value_name = "KEYS")]
    pub secrets_key: Option<SecretString>,
    /// Scheduled exports may go to storages at private addresses, and without TLS; with --local they always may.
    #[arg(long, env = "ALLOW_PRIVATE_STORAGE")]
    pub allow_private_storage: bool,
    /// Where Prometheus finds /metrics; nowhere when left out. Keep it off the public network.
    #[arg(long, env = "METRICS_ADDR", value_name = "HOST:PORT")]
    pub metrics_addr: Option<SocketAddr>,
    /// After SIGTERM, go on for so many seconds while /readyz says no, so that load balancers look elsewhere first.
    #[arg(long, env = "SHUTDOWN_NOTICE_SECS", default_value_t = 0, value_name = "SECONDS")]
    pub shutdown_notice_secs: u16,
    /// Folder of the browser's files (wasm, style).
    #[arg(long, env = "SITE_ROOT", default_value = "target/site", value_name = "DIR")]
    pub site_root: PathBuf,
}

fn at_least_one(number: &str) -> Result<usize, String> {
    let number: usize = number.parse().map_err(|error: std::num::ParseIntError| error.to_string())?;
    if number == 0 { Err("it must be at least 1".to_owned()) } else { Ok(number) }
}

impl Serve {
    /// How often an API key may ask.
    #[must_use]
    pub const fn quotas(&self) -> Quotas {
        Quotas { ingest: self.ingest_per_minute, api: self.api_per_minute }
    }

    /// How many connections to PostgreSQL are opened for what.
    #[must_use]
    pub const fn pool_sizes(&self) -> Sizes {
        Sizes {
            pages: self.pages_connections,
            api: self.api_connections,
            ingest: self.ingest_connections,
            work: self.work_connections,
        }
    }

    /// How many series and values of labels one organization may have.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { series: self.series_limit, values: self.label_values_limit, ..Limits::default() }
    }

    /// The address people and mails use.
    ///
    /// # Errors
    /// When it is not said outside local mode: links in mails would lead to nowhere. When local mode would listen to other machines without being told to.
    pub fn public_url(&self) -> Result<String, String> {
        let local = self.database.local;
        if local && !self.expose && !self.addr.ip().is_loopback() {
            return Err(format!(
                "local mode listens to this machine alone, not to {}; --expose changes that",
                self.addr
            ));
        }
        match &self.public_url {
            Some(url) => Ok(url.to_string()),
            None if local => Ok(format!("http://{}", self.addr)),
            None => Err("set PUBLIC_URL, such as https://tally.example.com (only --local does without)".to_owned()),
        }
    }

    /// How many proxies of ours stand in front.
    ///
    /// # Errors
    /// When that is not said and `PUBLIC_URL` is https, which this server does not speak: behind a proxy that it does not know everybody would come from one address, and share its limits.
    pub fn proxies(&self) -> Result<u8, String> {
        match (self.trusted_proxies, &self.public_url) {
            (Some(proxies), _) => Ok(proxies),
            (None, Some(url)) if url.scheme() == "https" => Err(
                "set TRUSTED_PROXIES: how many proxies of yours stand in front (mostly 1), each adding to X-Forwarded-For"
                    .to_owned(),
            ),
            (None, _) => Ok(0),
        }
    }

    /// What scheduled exports may do.
    ///
    /// # Errors
    /// When `SECRETS_KEY` is malformed, or the file of local mode cannot be read or written.
    pub fn storage(&self, clock: &dyn Clock) -> Result<StorageSettings, String> {
        let local = self.database.local;
        let key = match &self.secrets_key {
            None if local => Some(local_key(&self.database.data, clock)?),
            key => key.clone(),
        };
        let secrets = key.as_ref().map(Secrets::parse).transpose()?;
        Ok(StorageSettings { secrets, allow_private: local || self.allow_private_storage })
    }

    /// Whether mail is shown at `/dev/mail` instead of sent.
    #[must_use]
    pub const fn shows_mail(&self) -> bool {
        self.database.local && self.smtp_url.is_none()
    }

    /// How mail leaves this server: by SMTP, or in local mode without a mail server not at all.
    ///
    /// # Errors
    /// When `SMTP_URL` or `MAIL_FROM` is malformed, or `SMTP_URL` is missing outside local mode.
    pub fn mailer(&self) -> Result<Mailer, String> {
        match &self.smtp_url {
            Some(url) => Mailer::smtp_from(url, &self.mail_from).map_err(|error| error.to_string()),
            None if self.shows_mail() => Ok(Mailer::shown_here()),
            None => {
                Err("set SMTP_URL, such as smtps://user:secret@mail.example.com (only --local does without)".to_owned())
            }
        }
    }
}

/// The key of local mode: made once, for its owner alone to read.
fn local_key(data: &Path, clock: &dyn Clock) -> Result<SecretString, String> {
    let path = data.join("secrets.key");
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(&path) {
        Ok(mut file) => file.write_all(STANDARD.encode(clock.random()).as_bytes()).map_err(told)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(told(error)),
    }
    std::fs::read_to_string(&path).map(|key| key.trim().into()).map_err(told)
}

/// Settings of `bootstrap`.
#[derive(Debug, Args)]
pub struct Bootstrap {
    /// Which database.
    #[command(flatten)]
    pub database: Database,
    /// E-mail address of the owner.
    #[arg(long)]
    pub email: String,
    /// Password of the owner, used only when the user is new.
    #[arg(long, env = "BOOTSTRAP_PASSWORD", hide_env_values = true)]
    pub password: SecretString,
    /// Name of the organization.
    #[arg(long)]
    pub organization: String,
    /// Reporting time zone, such as Europe/Berlin.
    #[arg(long, default_value = "UTC")]
    pub time_zone: String,
    /// Slug of the project.
    #[arg(long, default_value = "main")]
    pub project: String,
}

/// Settings of `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Which database.
    #[command(flatten)]
    pub database: Database,
    /// First day, in each organization's zone; the first event's when left out.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<NaiveDate>,
    /// The day after the last; the last event's day included when left out.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub to: Option<NaiveDate>,
    /// Slug of the one organization to look at; all when left out.
    #[arg(long, value_name = "SLUG")]
    pub organization: Option<String>,
    /// Put what differs as it follows from the events; senders of the organization are told to come back meanwhile.
    #[arg(long)]
    pub repair: bool,
}

/// Settings of `sample`.
#[derive(Debug, Args)]
pub struct Sample {
    /// Which database.
    #[command(flatten)]
    pub database: Database,
    /// E-mail address of its owner.
    #[arg(long)]
    pub email: String,
    /// Password of the owner, used only when the user is new.
    #[arg(long, env = "BOOTSTRAP_PASSWORD", hide_env_values = true)]
    pub password: Option<SecretString>,
    /// Reporting time zone, such as Europe/Berlin.
    #[arg(long, default_value = "UTC")]
    pub time_zone: String,
}

/// Settings of `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// Which database, where no server is named.
    #[command(flatten)]
    pub database: Database,
    /// Send to the Tallystick server at this address instead (http or https); needs no database.
    #[arg(long, env = "TALLYSTICK_URL", value_name = "URL", conflicts_with = "local")]
    pub url: Option<url::Url>,
    /// API key that the events are recorded with: its project is theirs where they name none.
    ///
    /// In the environment it stands in no list of processes.
    #[arg(long, env = "TALLYSTICK_KEY", hide_env_values = true)]
    pub key: SecretString,
    /// Which column of a CSV file fills which field, such as usage.prompt_tokens="Prompt tokens"; columns that are named like a field need none.
    #[arg(long = "map", value_name = "FIELD=COLUMN")]
    pub columns: Vec<String>,
    /// A field with the same value for every row of a CSV file, such as provider=openai, or timestamp=2026-11-20 where no column says the time.
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub constants: Vec<String>,
    /// Rows at the beginning to pass over: where an interrupted import goes on. With --url it goes on by itself.
    #[arg(long, default_value_t = 0, value_name = "ROWS")]
    pub skip: u64,
    /// The file; CSV if its name ends in .csv, else NDJSON.
    pub file: PathBuf,
}
