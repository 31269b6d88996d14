//! The binary `tallystick`: settings, connection, command.

use backend::{Backend, Clock, Pools, SystemClock, events, identity};
use clap::Parser;
use secrecy::ExposeSecret;
use server::config::{Bootstrap, Cli, Command, Import, Migrate, PriceImport, Prices, Sample, Serve, Statement, Verify};
use server::files::SiteFiles;
use server::jobs::Jobs;
use server::local_postgres::{Failure, connect};
use server::{AppState, build, import, logging, metrics, serving, verify};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Half of what reading an event costs is memory for its texts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(cli.log_format);
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve(serve) => run_serve(serve).await,
        Command::Migrate(wanted) => run_migrate(&wanted).await,
        Command::Bootstrap(bootstrap) => run_bootstrap(bootstrap).await,
        Command::Verify(verify) => run_verify(&verify).await,
        Command::Sample(sample) => run_sample(sample).await,
        Command::Import(wanted) => run_import(wanted).await,
        Command::Prices(Prices::Import(wanted)) => run_price_import(&wanted).await,
        Command::Statement(Statement::Verify(wanted)) => {
            if server::statement::run(&wanted.file, std::io::stdout().lock())? {
                Ok(())
            } else {
                Err("the statements are not as they were taken".into())
            }
        }
        Command::Quote(quote) => Ok(server::quote::run(&quote.file, SystemClock.now(), std::io::stdout().lock())?),
    }
}

async fn run_migrate(wanted: &Migrate) -> Result<(), Failure> {
    let connected = connect(&wanted.database).await?;
    backend::migrate(&connected.pool, &SystemClock).await?;
    if wanted.distribute {
        let placed = backend::distribute(&connected.pool).await?;
        let mut out = std::io::stdout();
        for (tables, place) in [
            (placed.distributed, "are spread over the servers by organization"),
            (placed.everywhere, "lie whole on every server"),
        ] {
            writeln!(out, "{} tables {place}: {}", tables.len(), tables.join(", "))?;
        }
    }
    connected.close().await
}

/// Prints the key and nothing else, so that a script can take it.
async fn run_bootstrap(wanted: Bootstrap) -> Result<(), Failure> {
    let connected = connect(&wanted.database).await?;
    let backend = Backend::new(connected.pool.clone(), Arc::new(SystemClock), "", wanted.database.local);
    let wanted = identity::Bootstrap {
        email: wanted.email,
        password: wanted.password,
        organization: wanted.organization,
        time_zone: wanted.time_zone,
        project: wanted.project,
    };
    let created = identity::bootstrap(&backend, wanted).await.map_err(|error| error.into_problem().to_string())?;
    writeln!(std::io::stdout(), "{}", created.key.secret.expose_secret())?;
    connected.close().await
}

/// Fails when something differs and was not repaired, so that a script notices.
async fn run_verify(asked: &Verify) -> Result<(), Failure> {
    let connected = connect(&asked.database).await?;
    let backend = Backend::new(connected.pool.clone(), Arc::new(SystemClock), "", asked.database.local);
    let found = verify::run(&backend, asked, &mut std::io::stdout()).await;
    connected.close().await?;
    match found? {
        found if found.differences > 0 && !asked.repair => {
            Err(format!("{} differences; `--repair` puts them right", found.differences).into())
        }
        _ => Ok(()),
    }
}

/// Says on standard error how far it is, and prints the path of the new organization.
async fn run_sample(wanted: Sample) -> Result<(), Failure> {
    let connected = connect(&wanted.database).await?;
    let backend = Backend::new(connected.pool.clone(), Arc::new(SystemClock), "", wanted.database.local);
    let problem = |error: backend::Error| error.into_problem().to_string();
    let owner = identity::ensure_user(&backend, &wanted.email, wanted.password.as_ref()).await.map_err(problem)?;
    let started = std::time::Instant::now();
    let progress = |sent: u64| tracing::info!("{sent} events sent");
    let (organization, loaded) =
        backend::sample::load(&backend, owner, &wanted.time_zone, progress).await.map_err(problem)?;
    let seconds = started.elapsed().as_secs_f64();
    tracing::info!("{} events recorded, {} rejected, in {seconds:.1} s", loaded.accepted, loaded.rejected);
    events::drain(&backend).await;
    writeln!(std::io::stdout(), "/o/{}", organization.slug)?;
    connected.close().await
}

/// Says on standard error how far it is, and prints what became of the rows.
async fn run_import(wanted: Import) -> Result<(), Failure> {
    let progress = |line: &str| tracing::info!("{line}");
    if let Some(url) = &wanted.url {
        let target = import::Target::server(url, &wanted.key).await?;
        return Ok(print_summary(&import::run(target, &wanted, progress).await?)?);
    }
    let connected = connect(&wanted.database).await?;
    let backend = Backend::new(connected.pool.clone(), Arc::new(SystemClock), "", wanted.database.local);
    backend::prices::refresh(&backend).await.map_err(|error| error.into_problem().to_string())?;
    let target = import::Target::database(&backend, &wanted.key).await?;
    let imported = import::run(target, &wanted, progress).await;
    events::drain(&backend).await;
    print_summary(&imported?)?;
    connected.close().await
}

fn print_summary(summary: &import::Summary) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    for reason in &summary.reasons {
        writeln!(out, "{reason}")?;
    }
    writeln!(out, "{}", summary.describe())
}

/// Prints what differs; writes to the book only where that is asked for.
async fn run_price_import(wanted: &PriceImport) -> Result<(), Failure> {
    let connected = connect(&wanted.database).await?;
    let backend = Backend::new(connected.pool.clone(), Arc::new(SystemClock), "", wanted.database.local);
    let imported = server::price_import::run(&backend, wanted, &mut std::io::stdout()).await;
    connected.close().await?;
    Ok(imported?)
}

/// A server never works on tables that it does not know.
async fn require_known_schema(pool: &sqlx::PgPool) -> Result<(), Failure> {
    match backend::schema(pool).await? {
        backend::Schema::Current => Ok(()),
        backend::Schema::Behind(missing) => {
            let said = format!("the database lacks {missing} migrations of this version; run `tallystick migrate`");
            Err(said.into())
        }
        backend::Schema::Unknown(version) => {
            let said = format!("the database was migrated by a newer version (migration {version}); run that one");
            Err(said.into())
        }
    }
}

async fn run_serve(serve: Serve) -> Result<(), Failure> {
    let public_url = serve.public_url()?;
    let mailer = serve.mailer()?;
    let trusted_proxies = serve.proxies()?;
    let connected = connect(&serve.database).await?;
    // In local mode beside the folder of PostgreSQL, which is there now.
    let storage = serve.storage(&SystemClock)?;
    require_known_schema(&connected.pool).await?;
    let pools = Pools::apart(&connected.pool.connect_options(), serve.pool_sizes());
    let backend = Backend::new(pools.clone(), Arc::new(SystemClock), &public_url, serve.database.local)
        .with_quotas(serve.quotas())
        .with_limits(serve.limits())
        .with_storage(storage)
        .exposed(serve.expose);
    backend::prices::refresh(&backend).await.map_err(|error| format!("the price book cannot be read: {error}"))?;
    let files = SiteFiles::in_folder(&serve.site_root);
    let listener = serving::listen(serve.addr).await?;
    if let Some(addr) = serve.metrics_addr {
        metrics::show(addr)?;
    }
    // Before anybody is told that it runs: a signal that comes at once must end it in order, too.
    let interrupted = serving::interrupted()?;
    let mails = if serve.shows_mail() {
        format!("; its mails are at {}/dev/mail", public_url.trim_end_matches('/'))
    } else {
        String::new()
    };
    tracing::info!("Tallystick listens on {public_url}{mails}");
    let jobs = Jobs::start(&backend.for_work(), mailer);
    let stopping = CancellationToken::new();
    let router = build(AppState { backend: backend.clone(), files, trusted_proxies, stopping: stopping.clone() });
    let notice = Duration::from_secs(serve.shutdown_notice_secs.into());
    let served = serving::serve(listener, router, interrupted, stopping, notice).await;
    backend::events::drain(&backend).await;
    jobs.stop().await;
    served?;
    pools.close().await;
    connected.close().await
}
