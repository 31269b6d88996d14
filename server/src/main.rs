//! The binary `tallystick`: settings, connection, command.

use backend::{Backend, SystemClock, events, identity};
use clap::Parser;
use leptos::config::LeptosOptions;
use secrecy::ExposeSecret;
use server::config::{Bootstrap, Cli, Command, Database, Sample, Serve};
use server::jobs::Jobs;
use server::local_postgres::{Failure, connect};
use server::{AppState, build};
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx::postgres::notice=warn")),
        )
        .with_writer(std::io::stderr)
        .init();
    match run(Cli::parse()).await {
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
        Command::Migrate(database) => run_migrate(&database).await,
        Command::Bootstrap(bootstrap) => run_bootstrap(bootstrap).await,
        Command::Sample(sample) => run_sample(sample).await,
    }
}

async fn run_migrate(database: &Database) -> Result<(), Failure> {
    let connected = connect(database).await?;
    backend::migrate(&connected.pool, &SystemClock).await?;
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

async fn run_serve(serve: Serve) -> Result<(), Failure> {
    let connected = connect(&serve.database).await?;
    let public_url = serve.public_url.as_ref().map_or_else(|| format!("http://{}", serve.addr), ToString::to_string);
    let mailer = serve.mailer()?;
    let backend = Backend::new(connected.pool.clone(), Arc::new(SystemClock), &public_url, serve.database.local);
    backend::prices::refresh(&backend).await.map_err(|error| {
        format!("the price book cannot be read: {error}; bring the database to this version with `tallystick migrate`")
    })?;
    let leptos = LeptosOptions::builder()
        .output_name("tallystick")
        .site_root(serve.site_root.to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .site_addr(serve.addr)
        .build();
    let listener = tokio::net::TcpListener::bind(serve.addr)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", serve.addr))?;
    // Before anybody is told that it runs: a signal that comes at once must end it in order, too.
    let interrupted = interrupted()?;
    tracing::info!("Tallystick listens on {public_url}");
    let jobs = Jobs::start(&backend, mailer);
    let router = build(AppState { backend: backend.clone(), leptos, trusted_proxies: serve.trusted_proxies });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).with_graceful_shutdown(interrupted).await;
    backend::events::drain(&backend).await;
    jobs.stop().await;
    served?;
    connected.close().await
}

/// Resolves on Ctrl-C or SIGTERM; listens for them from this call on, not only from the first poll.
fn interrupted() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
