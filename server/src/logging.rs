//! The log: lines on standard error, for people or for programs, without secrets.

use crate::config::LogFormat;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::http::Request;
use std::io::IsTerminal;
use tracing::Span;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// What is logged where `RUST_LOG` does not say.
const USUAL: &str = "info,sqlx::postgres::notice=warn";

/// Starts the log of this process.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
    // Colours are for eyes: a file or a collector would keep their codes.
    let colours = std::io::stderr().is_terminal();
    // Spans of requests and verbs are of the level `debug`: where that is asked for, each says at its end how long it took.
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(std::io::stderr)
        .with_ansi(colours);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// The span around a request. It names the route and not the path: links of mails carry their secret in it.
pub(crate) fn span_of(request: &Request<Body>) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    tracing::debug_span!("request", method = %request.method(), route)
}
