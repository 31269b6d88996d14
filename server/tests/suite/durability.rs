//! What was acknowledged survives `kill -9` of the server.

use crate::support::TestApp;
use crate::support::process::{Process, post_events};
use domain::event::EventInput;
use domain::period::Period;
use domain::price::{PriceForm, RateForm};
use domain::repricing::RunState;
use domain::spend::SpendQuery;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Posts events; the results, or nothing when the connection broke or the answer was no success.
fn post(address: SocketAddr, key: &str, events: &[Value]) -> Option<Vec<Value>> {
    let (status, _, answer) = post_events(address, key, events)?;
    (status == 200).then(|| answer["results"].as_array().cloned())?
}

fn batch(sender: usize, number: usize) -> Vec<Value> {
    (0..20)
        .map(|n| {
            json!({"id": format!("{sender}-{number}-{n}"), "provider": "openai", "model": "gpt-4o-2024-08-06", "customer": format!("c{n}"),
                "feature": format!("f{sender}"), "usage": {"prompt_tokens": number + n, "completion_tokens": 10}, "latency_ms": n * 100})
        })
        .collect()
}

/// Sends until the server is gone; keeps what was acknowledged. Returns how many batches were begun.
fn send_until_gone(
    server: SocketAddr,
    key: &str,
    sender: usize,
    acked: &Mutex<BTreeSet<String>>,
    count: &AtomicUsize,
    stop: &AtomicBool,
) -> usize {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let Some(results) = post(server, key, &batch(sender, number)) else { break };
        let mut acked = acked.lock().unwrap();
        for result in &results {
            assert_eq!(result["status"], "accepted");
            acked.insert(result["id"].as_str().unwrap().to_owned());
        }
        count.store(acked.len(), Ordering::Relaxed);
    }
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_has_lost_nothing_that_it_acknowledged() {
    const SENDERS: usize = 6;
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "Asia/Kolkata").await;
    let url = app.database.url().to_owned();
    let key = acme.key.clone();
    let (acked, begun) = tokio::task::spawn_blocking(move || {
        let server = Process::start(&url);
        let address = server.address;
        let (acked, count, stop) =
            (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (key, acked, count, stop) = (key.clone(), acked.clone(), count.clone(), stop.clone());
                std::thread::spawn(move || send_until_gone(address, &key, sender, &acked, &count, &stop))
            })
            .collect();
        // In the middle of things, whatever that means on this machine.
        while count.load(Ordering::Relaxed) < 600 {
            assert!(senders.iter().any(|sender| !sender.is_finished()), "the server refused before it was killed");
            std::thread::yield_now();
        }
        server.kill();
        let begun: Vec<usize> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();

        // The next server takes everything again: what was recorded is a duplicate, what was not is accepted.
        let server = Process::start(&url);
        for (sender, batches) in begun.iter().enumerate() {
            for number in 1..=*batches {
                for result in post(server.address, &key, &batch(sender, number)).expect("a success") {
                    let id = result["id"].as_str().unwrap();
                    let recorded = acked.lock().unwrap().contains(id);
                    assert!(
                        result["status"] == "duplicate" || !recorded,
                        "{id} was acknowledged and is gone: {result}"
                    );
                }
            }
        }
        let acked = acked.lock().unwrap().clone();
        (acked, begun)
    })
    .await
    .unwrap();
    let stored: Vec<String> = sqlx::query_scalar("select id from events").fetch_all(app.database.pool()).await.unwrap();
    let distinct: BTreeSet<String> = stored.iter().cloned().collect();
    assert_eq!(distinct.len(), stored.len(), "none is there twice");
    assert_eq!(stored.len(), begun.iter().sum::<usize>() * 20, "all that was ever sent is there");
    assert!(acked.len() >= 600 && acked.is_subset(&distinct));
    let (from, to) =
        sqlx::query_as("select current_date - 2, current_date + 2").fetch_one(app.database.pool()).await.unwrap();
    let differences = backend::ledger::verify(&app.backend, &acme.scope, Period::new(from, to).unwrap()).await.unwrap();
    assert!(differences.is_empty(), "{differences:#?}");
}

/// Asks until something is there.
fn until<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    let give_up = std::time::Instant::now() + std::time::Duration::from_secs(120);
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(std::time::Instant::now() < give_up, "no {what}");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_on_where_a_killed_server_left_it_and_moves_nothing_twice() {
    const EVENTS: usize = 30_000;
    let app = TestApp::start().await;
    backend::prices::sync_seed(&app.backend.pool, &*app.backend.clock).await.unwrap();
    let acme = app.organization("Acme", "Asia/Kolkata").await;
    let owner = backend::identity::system_scope(&app.backend, acme.scope.org_id()).await.unwrap();
    let event = |n: usize| -> EventInput {
        serde_json::from_value(json!({"id": format!("e{n}"), "provider": "openai", "model": "ours",
            "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}}))
        .unwrap()
    };
    for first in (0..EVENTS).step_by(5_000) {
        let answer =
            backend::events::ingest_inputs(&app.backend, &acme.scope, (first..first + 5_000).map(event).collect())
                .await;
        assert_eq!(answer.unwrap().accepted, 5_000);
    }
    let form = PriceForm {
        provider: "openai".to_owned(),
        model: "ours".to_owned(),
        source: "Contract".to_owned(),
        confirmed: "yes".to_owned(),
        ..PriceForm::default()
    };
    let rate = |meter: &str| RateForm { meter: meter.to_owned(), rate: "1".to_owned(), per: String::new() };
    let inputs = form.parse_each(&[rate("input_uncached"), rate("output")]).unwrap();
    backend::prices::add_prices(&app.backend, &owner, &inputs, true).await.unwrap();
    let run = backend::prices::runs::price_unpriced(&app.backend, &owner, None, "A price at last.").await.unwrap();
    let RunState::Running { so_far, .. } = &run.state else { panic!("{:?}", run.state) };
    let begun = so_far.moved;

    let (url, pool) = (app.database.url().to_owned(), app.database.pool().clone());
    let handle = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let ask = || {
            let row = sqlx::query_as("select state, coalesce((outcome ->> 'moved')::bigint, 0) from repricing_runs");
            let row: (String, i64) = handle.block_on(row.fetch_one(&pool)).unwrap();
            (row.0, u64::try_from(row.1).unwrap())
        };
        // Each server is killed as soon as it has taken a step of its own: the next one is under way.
        let mut reached = begun;
        for _ in 0..2 {
            let server = Process::start(&url);
            until("step", || Some(ask().1).filter(|moved| *moved > reached));
            server.kill();
            let (state, moved) = ask();
            assert_eq!(state, "running", "there is more to do: {moved}");
            reached = moved;
        }
        let server = Process::start(&url);
        until("end", || Some(ask()).filter(|(state, _)| state == "done"));
        drop(server);
    })
    .await
    .unwrap();

    let run = backend::prices::runs::run(&app.backend, &owner, run.run_id).await.unwrap();
    let RunState::Done { outcome, .. } = &run.state else { panic!("{:?}", run.state) };
    let all = u64::try_from(EVENTS).unwrap();
    assert_eq!((outcome.looked_at, outcome.moved, outcome.priced), (all, all, all));
    assert_eq!(outcome.delta(), "33".parse().unwrap(), "30,000 x (1,000 + 100) tokens at a dollar a million");
    let (rows, events): (i64, i64) = sqlx::query_as("select count(*), count(distinct event_key) from adjustments")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert_eq!((u64::try_from(rows).unwrap(), u64::try_from(events).unwrap()), (all, all), "each once");
    let november = Period::month_of("2026-11-20".parse().unwrap());
    let spent = backend::spend::query(&app.backend, &owner, &SpendQuery::over(november)).await.unwrap();
    assert_eq!((spent.total.spend, spent.total.unpriced_requests), (outcome.delta(), 0));
    let differences = backend::ledger::verify(&app.backend, &owner, november).await.unwrap();
    assert!(differences.is_empty(), "{differences:#?}");
}
