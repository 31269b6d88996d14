//! `/metrics` for Prometheus, on an address of its own: what it tells is nobody's business outside.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};
use std::net::SocketAddr;

/// From half a millisecond to ten seconds.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// From a single event to a full group.
const EVENTS: [f64; 9] = [1.0, 5.0, 20.0, 100.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0];

/// Begins to measure, and shows what was measured at `http://addr/metrics`. Needs a tokio runtime.
///
/// # Errors
/// When it cannot listen there.
pub fn show(addr: SocketAddr) -> Result<(), BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), &EVENTS)?
        .with_http_listener(addr)
        .install()?;
    backend::events::describe_measurements();
    Ok(())
}
