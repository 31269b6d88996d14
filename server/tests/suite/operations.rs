//! What an operator relies on: quotas, measurements, readiness, a log without secrets, verification.

use crate::support::process::{Process, free_address, get, post_events, post_text, tallystick};
use crate::support::{PUBLIC_URL, TestApp};
use axum::http::StatusCode;
use backend::Backend;
use backend::keys::Quotas;
use chrono::Duration;
use serde_json::{Value, json};
use server::jobs::Jobs;
use std::time::{Duration as Span, Instant};

fn event(id: &str) -> Value {
    json!({"id": id, "provider": "openai", "model": "gpt-4o-2024-08-06", "customer": "c",
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 10}})
}

/// Asks until the answer is as wished; fails after half a minute.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + Span::from_secs(30);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < give_up, "{what}");
        std::thread::sleep(Span::from_millis(10));
    }
}

#[tokio::test]
async fn a_key_is_told_its_quota_and_refused_beyond_it() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let quotas = Quotas { ingest: 3, api: 2 };
    let api = TestApp::client_over(&app.backend.clone().with_quotas(quotas)).with_key(&acme.key);
    let first = api.post_json("/v1/events", &event("a")).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    assert_eq!(first.header("ratelimit-policy"), Some("\"ingest\";q=3;w=60"));
    assert_eq!(first.header("ratelimit"), Some("\"ingest\";r=2;t=20"));
    for id in ["b", "c"] {
        assert_eq!(api.post_json("/v1/events", &event(id)).await.status, StatusCode::OK);
    }
    let refused = api.post_json("/v1/events", &event("d")).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert_eq!(refused.header("ratelimit"), Some("\"ingest\";r=0;t=60"));
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((20..=21).contains(&wait));

    let read = api.get("/v1/budgets").await;
    assert_eq!((read.status, read.header("ratelimit")), (StatusCode::OK, Some("\"api\";r=1;t=30")));
    let nobody = app.anonymous().get("/v1/budgets").await;
    assert_eq!((nobody.status, nobody.header("ratelimit")), (StatusCode::UNAUTHORIZED, None));
    app.clock.advance(Duration::seconds(wait));
    assert_eq!(api.post_json("/v1/events", &event("d")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_revoked_on_one_server_is_refused_by_the_other() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let pool = sqlx::PgPool::connect(app.database.url()).await.unwrap();
    let there = Backend::new(pool, app.clock.clone(), PUBLIC_URL, true);
    let jobs = [&app.backend, &there].map(|backend| Jobs::start(backend, backend::delivery::Mailer::shown_here()));
    let elsewhere = TestApp::client_over(&there).with_key(&acme.key);
    let path = "/v1/spend?from=2026-11-01&to=2026-12-01";
    for client in [&app.api(&acme.key), &elsewhere] {
        assert_eq!(client.get(path).await.status, StatusCode::OK);
    }
    let browser = app.anonymous();
    let fields = [("email", acme.email.as_str()), ("password", testkit::seed::PASSWORD)];
    browser.post_form("/fn/identity/sign-in", &fields).await;
    let key = acme.scope.key_id().unwrap().to_string();
    browser.post_form("/fn/keys/revoke", &[("org", "acme"), ("key", &key)]).await;
    assert_eq!(app.api(&acme.key).get(path).await.status, StatusCode::UNAUTHORIZED, "here at once");
    let give_up = Instant::now() + Span::from_secs(30);
    while elsewhere.get(path).await.status != StatusCode::UNAUTHORIZED {
        assert!(Instant::now() < give_up, "there as soon as PostgreSQL has told");
    }
    for jobs in jobs {
        jobs.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_does_is_measured_on_an_address_of_its_own() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let (url, key) = (app.database.url().to_owned(), acme.key.clone());
    let told = tokio::task::spawn_blocking(move || {
        let metrics = free_address();
        let server = Process::start_with(&url, &["--metrics-addr", &metrics.to_string()], &[]);
        let mut wrong = event("c");
        wrong["status"] = json!("lost");
        let batch = [event("a"), event("a"), event("b"), wrong];
        assert_eq!(post_events(server.address, &key, &batch).unwrap().0, 207);
        assert_eq!(server.get("/metrics").unwrap().0, 404, "not where the public is");
        until("measurements", || get(metrics, "/metrics")).2
    })
    .await
    .unwrap();
    for line in [
        "tallystick_events_total{result=\"accepted\"} 2",
        "tallystick_events_total{result=\"duplicate\"} 1",
        "tallystick_events_total{result=\"rejected\"} 1",
        "tallystick_commit_events_count 1",
        "tallystick_commit_events_sum 3",
        "tallystick_commit_seconds_count 1",
        "tallystick_ingest_lag_seconds_count 1",
        "# HELP tallystick_ingest_waiting_events ",
    ] {
        assert!(told.contains(line), "{line} is missing in\n{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_says_so_first_and_finishes() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let (url, key) = (app.database.url().to_owned(), acme.key.clone());
    tokio::task::spawn_blocking(move || {
        let server = Process::start_with(&url, &["--shutdown-notice-secs", "2"], &[]);
        assert_eq!(server.get("/readyz").unwrap().0, 200);
        server.terminate();
        let unready = until("a server that is not ready", || server.get("/readyz").filter(|answer| answer.0 == 503));
        assert!(unready.1.contains("retry-after"), "{}", unready.1);
        assert_eq!(server.get("/healthz").unwrap().0, 200, "it lives");
        assert_eq!(post_events(server.address, &key, &[event("late")]).unwrap().0, 200, "and still serves");
        let (status, log) = server.ended();
        assert!(status.success(), "{log:#?}");
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forwarded_header_that_is_ignored_is_told_once() {
    let app = TestApp::start().await;
    let url = app.database.url().to_owned();
    let log = tokio::task::spawn_blocking(move || {
        let server = Process::start(&url);
        let form = "x-forwarded-for: 203.0.113.7\r\nsec-fetch-site: same-origin\r\n";
        for _ in 0..3 {
            post_text(server.address, "/fn/identity/sign-in", form, "").unwrap();
        }
        server.terminate();
        server.ended().1
    })
    .await
    .unwrap();
    let told = log.iter().filter(|line| line.contains("TRUSTED_PROXIES") && line.contains("WARN")).count();
    assert_eq!(told, 1, "{log:#?}");
}

/// Everything a request can carry that must not be written down.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_logged_and_every_line_is_json_where_that_is_wished() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let (url, key, email) = (app.database.url().to_owned(), acme.key.clone(), acme.email.clone());
    let log = tokio::task::spawn_blocking(move || {
        let debug = "debug,sqlx=trace,hyper=trace,tower_http=trace";
        let server = Process::start_with(&url, &["--log-format", "json"], &[("RUST_LOG", debug)]);
        let mut prompt = event("a");
        prompt["messages"] = json!([{"role": "user", "content": "SECRET-PROMPT"}]);
        assert_eq!(post_events(server.address, &key, &[prompt]).unwrap().0, 200);
        let form = "content-type: application/x-www-form-urlencoded\r\ncookie: __Host-tallystick=SECRET-COOKIE\r\nsec-fetch-site: same-origin\r\n";
        let body = format!("email={email}&password=SECRET-PASSWORD&next=");
        post_text(server.address, "/fn/identity/sign-in", form, &body).unwrap();
        post_text(server.address, "/fn/identity/verify-email", form, "token=SECRET-TOKEN").unwrap();
        for path in ["/verify-email?token=SECRET-LINK", "/invitations/acme/SECRET-INVITATION", "/nowhere/SECRET-PATH"] {
            server.get(path).unwrap();
        }
        // Its last letter changed: whichever it is, another one.
        let (most, last) = key.split_at(key.len() - 1);
        let other = if last == "x" { "y" } else { "x" };
        let wrong = format!("authorization: Bearer {most}{other}\r\ncontent-type: application/json\r\n");
        assert_eq!(post_text(server.address, "/v1/events", &wrong, "{}").unwrap().0, 401);
        server.terminate();
        let log = server.ended().1;
        assert!(!log.iter().any(|line| line.contains(&key[11..30])), "an API key in the log");
        log
    })
    .await
    .unwrap();
    assert!(log.len() > 20, "{log:#?}");
    for line in &log {
        assert!(!line.contains("SECRET"), "{line}");
        assert!(!line.contains('\u{1b}'), "colours: {line}");
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_verify_finds_and_repairs_a_difference() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "Asia/Kolkata").await;
    app.organization("Globex", "UTC").await;
    assert_eq!(app.api(&acme.key).post_json("/v1/events", &event("a")).await.status, StatusCode::OK);
    let url = app.database.url().to_owned();
    let verify = async |arguments: &'static [&'static str]| {
        let url = url.clone();
        let output = tokio::task::spawn_blocking(move || {
            tallystick().arg("verify").args(arguments).env("DATABASE_URL", url).output().unwrap()
        });
        let output = output.await.unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (well, said) = verify(&[]).await;
    assert!(well, "{said}");
    assert_eq!(said, "acme: 2026-11-20 to 2026-11-21 looked at, no difference\nglobex: nothing recorded\n");
    sqlx::query("update rollup_day set booked = booked + 1, adjusted = 5").execute(app.database.pool()).await.unwrap();
    sqlx::query("delete from rollup_meter_day").execute(app.database.pool()).await.unwrap();
    let (well, said) = verify(&["--organization", "acme"]).await;
    assert!(!well && said.contains("rollup_day stored {") && said.contains("rollup_meter_day expected {"), "{said}");
    assert!(verify(&["--to", "2026-11-20"]).await.0, "outside of the days that differ");
    let (well, said) = verify(&["--repair"]).await;
    assert!(well && said.contains("differences, repaired"), "{said}");
    assert!(verify(&[]).await.0);
    let adjusted: String =
        sqlx::query_scalar("select adjusted::text from rollup_day").fetch_one(app.database.pool()).await.unwrap();
    assert_eq!(adjusted, "0.000000000000", "nothing was adjusted");
    assert!(!verify(&["--organization", "nobody"]).await.0);
}
