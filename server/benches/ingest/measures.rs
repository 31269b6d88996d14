//! The measurements, one function each.

use crate::place::Place;
use crate::report::{Side, heading, line, quantile, ratio};
use crate::{Args, Failure, baseline, events, http, machine, processor};
use backend::{Clock, SystemClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Events of one request with a batch.
const BATCH: usize = 500;
/// Connections that send single events.
const CONNECTIONS: usize = 256;
/// Connections of the writer that commits each row.
const WRITERS: usize = 16;
/// How long PostgreSQL is away.
const AWAY: Duration = Duration::from_secs(10);

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Measure {
    /// Batches beside COPY and the spend log.
    Batches,
    /// Single events beside a route that does nothing and a writer that commits per event.
    Singles,
    /// Duplicates, replay, two servers.
    Repeats,
    /// PostgreSQL away for ten seconds.
    Away,
}

/// Measures what is asked for and prints it.
pub(crate) async fn run(args: &Args) -> Result<(), Failure> {
    let wanted = |measure| args.only.is_empty() || args.only.contains(&measure);
    let place = Place::make().await?;
    baseline::prepare(&place).await?;
    let probe = machine::fdatasync(place.folder(), 400)?;
    line(&format!("fdatasync of a page before: {:.0} us", micros(probe)));
    if wanted(Measure::Batches) {
        batches(args, &place).await?;
    }
    if wanted(Measure::Singles) {
        singles(args, &place).await?;
    }
    if wanted(Measure::Repeats) {
        repeats(args, &place).await?;
    }
    if wanted(Measure::Away) {
        away(args, &place).await?;
    }
    let probe = machine::fdatasync(place.folder(), 400)?;
    line(&format!("\nfdatasync of a page after: {:.0} us", micros(probe)));
    Ok(())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "counts of a measurement")]
fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "counts of a measurement")]
fn each(total: f64, count: usize) -> f64 {
    total / count as f64
}

fn requests(place: &Place, bodies: &[String]) -> Vec<Vec<u8>> {
    bodies.iter().map(|body| http::post("/v1/events", &place.key, body)).collect()
}

fn bodies_of(turn: &str, events: usize) -> Vec<String> {
    events::bodies(turn, 0..events, BATCH, SystemClock.now())
}

fn batches_of(place: &Place, turn: &str, events: usize) -> Vec<Vec<u8>> {
    requests(place, &bodies_of(turn, events))
}

async fn batches(args: &Args, place: &Place) -> Result<(), Failure> {
    let mut ours = Side::new("batches of 500 through HTTP", "events/s");
    let mut bare = Side::new("bare COPY of the same events in wide rows, one connection", "events/s");
    let mut log = Side::new("spend log, 100 rows per insert", "events/s");
    let mut cpu = Side::new("processor: server", "us/event");
    let mut cpu_postgres = Side::new("processor: PostgreSQL", "us/event");
    let mut cpu_bare = Side::new("processor: PostgreSQL under bare COPY", "us/event");
    let mut cpu_log = Side::new("processor: PostgreSQL under the spend log", "us/event");
    let mut wal = Side::new("WAL: ours", "bytes/event");
    let mut wal_bare = Side::new("WAL: bare COPY", "bytes/event");
    let mut wal_log = Side::new("WAL: spend log", "bytes/event");
    place.empty().await?;
    let server = place.serve()?;
    // The first turn warms caches up and is not counted.
    http::send_all(&[server.address], args.senders, batches_of(place, "warm", args.events / 5)).await?;
    for round in 0..args.rounds {
        place.empty().await?;
        let bodies = bodies_of(&format!("b{round}"), args.events);
        let turn = requests(place, &bodies);
        place.checkpoint().await?;
        let (cpu0, postgres0, wal0) =
            (processor::processor_seconds(server.pid())?, place.postgres_seconds()?, place.wal().await?);
        let took = http::send_all(&[server.address], args.senders, turn).await?;
        ours.add(rate(args.events, took));
        cpu.add(each((processor::processor_seconds(server.pid())? - cpu0) * 1e6, args.events));
        cpu_postgres.add(each((place.postgres_seconds()? - postgres0) * 1e6, args.events));
        wal.add(each(place.wal().await? - wal0, args.events));
        place.gate(args.events).await?;

        let rows = baseline::rows(place, &bodies, baseline::ROWS).await?;
        let (postgres0, wal0) = (place.postgres_seconds()?, place.wal().await?);
        bare.add(rate(args.events, baseline::copy(place, &rows, 1).await?));
        cpu_bare.add(each((place.postgres_seconds()? - postgres0) * 1e6, args.events));
        wal_bare.add(each(place.wal().await? - wal0, args.events));

        let written = args.events / 5;
        let log_turn = baseline::SpendLog::read(place, written).await?;
        let (postgres0, wal0) = (place.postgres_seconds()?, place.wal().await?);
        log.add(rate(written, log_turn.write(place).await?));
        cpu_log.add(each((place.postgres_seconds()? - postgres0) * 1e6, written));
        wal_log.add(each(place.wal().await? - wal0, written));
    }
    heading(&format!("Batches, {} turns of {} events, {} connections", args.rounds, args.events, args.senders));
    for side in [&ours, &bare, &log, &cpu, &cpu_postgres, &cpu_bare, &cpu_log, &wal, &wal_bare, &wal_log] {
        side.print();
    }
    ratio("of bare COPY", ours.median() / bare.median(), "at least 0.80");
    ratio("PostgreSQL's processor time, spend log to ours", cpu_log.median() / cpu_postgres.median(), "at least 2.5");
    ratio("... with our server", cpu_log.median() / (cpu_postgres.median() + cpu.median()), "none");
    ratio("WAL, spend log to ours", wal_log.median() / wal.median(), "at least 2.5");
    Ok(())
}

async fn singles(args: &Args, place: &Place) -> Result<(), Failure> {
    let mut ours = Side::new("single events, 256 connections", "events/s");
    let mut idle = Side::new("the route that does nothing", "requests/s");
    let mut each_row = Side::new("a writer that commits per event, 16 at once", "events/s");
    place.empty().await?;
    let server = place.serve()?;
    let bodies = |turn: &str, count: usize| events::bodies(turn, 0..count, 1, SystemClock.now());
    let singles = |turn: &str, count: usize| requests(place, &bodies(turn, count));
    http::send_all(&[server.address], CONNECTIONS, singles("warm", args.singles / 5)).await?;
    let mut sent = args.singles / 5;
    for round in 0..args.rounds {
        let turn = bodies(&format!("s{round}"), args.singles);
        ours.add(rate(args.singles, http::send_all(&[server.address], CONNECTIONS, requests(place, &turn)).await?));
        sent += args.singles;
        let nothing = vec![http::get("/healthz"); args.singles];
        idle.add(rate(args.singles, http::send_all(&[server.address], CONNECTIONS, nothing).await?));
        let rows = baseline::rows(place, &turn, 1).await?;
        each_row.add(rate(rows.len(), baseline::copy(place, &rows, WRITERS).await?));
    }
    let half = ours.median() / 2.0;
    let probe = micros(machine::fdatasync(place.folder(), 400)?);
    let took = http::send_at(server.address, CONNECTIONS, singles("half", args.singles), half).await?;
    sent += args.singles;
    place.gate(sent).await?;
    let took: Vec<f64> = took.into_iter().map(micros).collect();
    heading(&format!("Single events, {} turns of {}", args.rounds, args.singles));
    ours.print();
    idle.print();
    each_row.print();
    ratio("to a writer that commits per event", ours.median() / each_row.median(), "none");
    ratio("of the route that does nothing", ours.median() / idle.median(), "at least 0.45");
    let (p50, p99) = (quantile(&took, 0.5), quantile(&took, 0.99));
    line(&format!(
        "  at {half:.0} events/s: p50 {p50:.0} us (goal 6,000), p99 {p99:.0} us (goal 15,000); one fdatasync {probe:.0} us"
    ));
    Ok(())
}

async fn repeats(args: &Args, place: &Place) -> Result<(), Failure> {
    let mut fresh = Side::new("fresh events", "events/s");
    let mut tenth = Side::new("every tenth a duplicate", "events/s");
    let mut replay = Side::new("all of them duplicates", "events/s");
    let mut two = Side::new("fresh events over two servers", "events/s");
    place.empty().await?;
    let (first, second) = (place.serve()?, place.serve()?);
    let both = [first.address, second.address];
    http::send_all(&both, args.senders, batches_of(place, "warm", args.events / 5)).await?;
    for round in 0..args.rounds {
        place.empty().await?;
        let now = SystemClock.now();
        let turn = requests(place, &events::bodies(&format!("f{round}"), 0..args.events, BATCH, now));
        fresh.add(rate(args.events, http::send_all(&both[..1], args.senders, turn.clone()).await?));
        replay.add(rate(args.events, http::send_all(&both[..1], args.senders, turn).await?));
        place.gate(args.events).await?;
        let mixed = events::with_duplicates(&format!("d{round}"), &format!("f{round}"), args.events, BATCH, now);
        let took = http::send_all(&both[..1], args.senders, requests(place, &mixed)).await?;
        tenth.add(rate(args.events, took));
        place.gate(args.events + args.events - args.events.div_ceil(10)).await?;
        place.empty().await?;
        let turn = batches_of(place, &format!("t{round}"), args.events);
        two.add(rate(args.events, http::send_all(&both, args.senders, turn).await?));
        place.gate(args.events).await?;
    }
    heading(&format!("Duplicates, replay, two servers, {} turns of {} events", args.rounds, args.events));
    for side in [&fresh, &tenth, &replay, &two] {
        side.print();
    }
    ratio("cost of 10 % duplicates", fresh.median() / tenth.median(), "at most 1.2");
    ratio("replay to fresh", replay.median() / fresh.median(), "at least 1");
    ratio("two servers to one", two.median() / fresh.median(), "none");
    Ok(())
}

/// Senders send each batch until it is acknowledged, while PostgreSQL stops and comes back.
async fn away(args: &Args, place: &Place) -> Result<(), Failure> {
    place.empty().await?;
    let server = place.serve()?;
    let stop = Arc::new(AtomicBool::new(false));
    let (sent, refused, broken) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let slowest = Arc::new(std::sync::Mutex::new(Duration::ZERO));
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..args.senders {
        let (stop, sent, refused, broken, slowest) =
            (stop.clone(), sent.clone(), refused.clone(), broken.clone(), slowest.clone());
        let (address, key) = (server.address, place.key.clone());
        senders.spawn(async move {
            let mut connection = http::Connection::open(address).await?;
            for number in 0.. {
                if stop.load(Ordering::Relaxed) {
                    return Ok::<(), Failure>(());
                }
                let events: Vec<String> =
                    (0..BATCH).map(|n| events::json(&format!("a{sender}-{number}"), n, SystemClock.now())).collect();
                let request = http::post("/v1/events", &key, &format!("[{}]", events.join(",")));
                loop {
                    let begun = Instant::now();
                    let answer = connection.send(&request).await;
                    let took = begun.elapsed();
                    if let Ok(mut slowest) = slowest.lock() {
                        *slowest = took.max(*slowest);
                    }
                    let seen = match &answer {
                        Ok(answer) if answer.status == 200 => break,
                        Ok(answer)
                            if answer.status == 503 && answer.head.to_ascii_lowercase().contains("retry-after:") =>
                        {
                            &refused
                        }
                        _ => &broken,
                    };
                    seen.fetch_add(1, Ordering::Relaxed);
                    // A refused body is not read to its end, so the connection is used up.
                    connection = http::Connection::open(address).await?;
                    // As a sender with manners would, only sooner than `Retry-After` asks for.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                sent.fetch_add(BATCH, Ordering::Relaxed);
            }
            Ok(())
        });
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    place.postgres.crash()?;
    tokio::time::sleep(AWAY).await;
    place.postgres.start_again()?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    let sent = sent.load(Ordering::Relaxed);
    place.gate(sent).await?;
    let memory = machine::peak_memory_mib(server.pid()).unwrap_or_default();
    heading("PostgreSQL away for 10 s");
    line(&format!("  {sent} events acknowledged, all stored once, sums exact"));
    line(&format!(
        "  503 with Retry-After: {}; other refusals: {} (goal 0)",
        refused.load(Ordering::Relaxed),
        broken.load(Ordering::Relaxed)
    ));
    if let Ok(slowest) = slowest.lock() {
        line(&format!("  slowest answer {:.1} s; peak memory {memory} MiB (goal at most 200)", slowest.as_secs_f64()));
    }
    Ok(())
}
