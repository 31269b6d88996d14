//! What was acknowledged survives `kill -9` of the server.

use crate::support::TestApp;
use crate::support::process::{Process, post_events};
use domain::period::Period;
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
    let differences = backend::events::verify(&app.backend, &acme.scope, Period::new(from, to).unwrap()).await.unwrap();
    assert!(differences.is_empty(), "{differences:#?}");
}
