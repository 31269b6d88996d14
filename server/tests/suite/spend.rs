//! `GET /v1/spend` and `GET /v1/statements` through the real router, over events that went through the real door.

use crate::support::{Client, Tenant, TestApp};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use backend::keys::NewKey;
use domain::event::EventInput;
use domain::identity::KeyScope;
use domain::project::KeyProject;
use futures::StreamExt;
use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const MONTH: &str = "from=2026-11-01&to=2026-12-01";

fn event(timestamp: &str, model: &str, feature: Option<&str>) -> EventInput {
    EventInput {
        timestamp: Some(timestamp.parse().unwrap()),
        provider: "openai".to_owned(),
        model: model.to_owned(),
        usage: json!({"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}),
        feature: feature.map(str::to_owned),
        ..EventInput::default()
    }
}

async fn acme(app: &TestApp) -> Tenant {
    let acme = app.organization("Acme", "Asia/Kolkata").await;
    let events = vec![
        event("2026-11-16T18:29:59Z", "gpt-4o-2024-08-06", Some("=triage")),
        event("2026-11-16T18:30:00Z", "gpt-4o-2024-08-06", None),
        event("2026-11-17T10:00:00Z", "no-such-model", None),
    ];
    let answer = backend::events::ingest_inputs(&app.backend, &acme.scope, events).await.unwrap();
    assert_eq!(answer.accepted, 3, "{answer:?}");
    acme
}

fn money(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn rows_are_flat_and_money_is_an_exact_string() {
    let app = TestApp::start().await;
    let api = app.api(&acme(&app).await.key);
    let answer = api.get(&format!("/v1/spend?{MONTH}&bucket=day&group_by=project,model&feature=")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    // 1,000 input tokens at $2.50 and 100 output tokens at $10.00 a million, after midnight in Kolkata.
    let priced = json!({"bucket": "2026-11-17", "project": "main", "model": "gpt-4o-2024-08-06",
        "spend": "0.003500000000", "requests": 1, "tokens": 1100, "unpriced_requests": 0});
    let unpriced = json!({"bucket": "2026-11-17", "project": "main", "model": "no-such-model",
        "spend": "0.000000000000", "requests": 1, "tokens": 1100, "unpriced_requests": 1});
    let total = json!({"spend": "0.003500000000", "requests": 2, "tokens": 2200, "unpriced_requests": 1});
    let provenance = json!({"basis": ["booked"], "adjusted": "0.000000000000", "coverage": "0.5",
        "newest_event_at": "2026-11-17T15:30:00+05:30"});
    let expected = json!({"currency": "USD", "time_zone": "Asia/Kolkata", "rows": [priced, unpriced],
        "total": total, "truncated": false, "provenance": provenance});
    assert_eq!(answer.json(), expected);

    let only = api.get(&format!("/v1/spend?{MONTH}&measure=requests&group_by=feature")).await.json();
    assert_eq!(only["total"], json!({"requests": 3, "unpriced_requests": 1}));
    assert!(only["rows"].as_array().unwrap().iter().any(|row| row["feature"] == Value::Null), "{only}");

    let hours = api.get("/v1/spend?from=2026-11-16T18:30:00Z&to=2026-11-16T19:30:00Z&bucket=hour").await.json();
    assert_eq!(hours["rows"][0]["bucket"], "2026-11-17T00:00:00+05:30");
}

#[tokio::test]
async fn what_cannot_be_answered_names_the_parameter() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let api = app.api(&acme.key);
    for (asked, pointer) in [
        ("to=2026-12-01", "from"),
        ("from=2026-11-01T00:07:00Z&to=2026-12-01T00:00:00Z", "from"),
        ("from=2026-11-01&to=2026-12-01&bucket=decade", "bucket"),
        ("from=2026-11-01&to=2026-12-01&model=~", "model"),
        ("from=2026-11-01&to=2026-12-01&colour=red", "colour"),
        ("from=2026-11-01&to=2026-12-01&format=xml", "format"),
    ] {
        let answer = api.get(&format!("/v1/spend?{asked}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{asked}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{asked}");
    }
    for asked in ["group_by=customer,user", "group_by=customer&bucket=hour", "customer=a&tag.job=b"] {
        let answer = api.get(&format!("/v1/spend?{MONTH}&{asked}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{asked}");
    }
    let five = api.get(&format!("/v1/spend?{MONTH}&group_by=customer,user&tag.a=1&tag.b=2&tag.c=3")).await;
    assert_eq!(five.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", five.body);
    // More events than are read one by one: the number comes from the sums, so these need no events behind them.
    sqlx::query("update rollup_coarse_day set requests = 100000 where requests > 0")
        .execute(app.database.pool())
        .await
        .unwrap();
    let many = api.get(&format!("/v1/spend?{MONTH}&group_by=customer,user")).await;
    assert_eq!(many.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(many.body.contains("at most 100000 can be"), "{}", many.body);
    let path = format!("/v1/spend?{MONTH}");
    assert_eq!(app.anonymous().get(&path).await.status, StatusCode::UNAUTHORIZED);
    let globex = app.organization("Globex", "UTC").await;
    assert_eq!(app.api(&globex.key).get(&path).await.json()["total"]["requests"], 0, "another organization's");
    assert_eq!(app.anonymous().get(&format!("/o/acme/explore.csv?{MONTH}")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn any_dimension_goes_with_any_other_and_with_one_label() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let event = |job: &str, step: &str| EventInput {
        tags: [("job".to_owned(), job.to_owned())].into(),
        step: Some(step.to_owned()),
        ..event("2026-11-17T10:00:00Z", "gpt-4o-2024-08-06", Some("triage"))
    };
    let events = vec![event("nightly", "plan"), event("nightly", "write"), event("hourly", "plan")];
    backend::events::ingest_inputs(&app.backend, &acme.scope, events).await.unwrap();
    let api = app.api(&acme.key);
    let rows = async |asked: &str| -> Vec<Value> {
        let answer = api.get(&format!("/v1/spend?{MONTH}&measure=requests&{asked}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{asked}: {}", answer.body);
        answer.json()["rows"].as_array().unwrap().clone()
    };
    let key = acme.scope.key_id().unwrap().to_string();
    let by_key = rows("group_by=tag.job,api_key&feature=triage&status=success&step=plan").await;
    let row = |job: &str| json!({"tag.job": job, "api_key": key, "requests": 1, "unpriced_requests": 0});
    assert!(by_key.len() == 2 && by_key.contains(&row("hourly")) && by_key.contains(&row("nightly")), "{by_key:?}");
    assert_eq!(rows("group_by=step&bucket=hour").await.len(), 2, "steps are told apart by the hour");
    assert_eq!(rows("group_by=environment&tag.job=").await, [json!({})][..0], "every event has the tag");

    let known = api.get("/v1/dimensions").await.json();
    let job = known["dimensions"].as_array().unwrap().iter().find(|known| known["dimension"] == "tag.job").cloned();
    assert_eq!(job, Some(json!({"dimension": "tag.job", "values": 2, "limit": 20_000, "other_since": null})));
}

#[tokio::test]
async fn measures_follow_from_the_sums_of_their_row() {
    let app = TestApp::start().await;
    let api = app.api(&acme(&app).await.key);
    let measures =
        "cost_per_request,cost_per_million_tokens,error_rate,input_tokens,output_tokens,cache_read_share,retries";
    let answer = api.get(&format!("/v1/spend?{MONTH}&group_by=model&bucket=quarter&measure={measures}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let priced = json!({"bucket": "2026-Q4", "model": "gpt-4o-2024-08-06", "cost_per_request": "0.003500000000",
        "cost_per_million_tokens": "3.181818181818", "error_rate": "0", "input_tokens": 2000, "output_tokens": 200,
        "cache_read_share": "0", "retries": 0, "unpriced_requests": 0});
    let unpriced = json!({"bucket": "2026-Q4", "model": "no-such-model", "cost_per_request": null,
        "cost_per_million_tokens": null, "error_rate": "0", "input_tokens": 1000, "output_tokens": 100,
        "cache_read_share": "0", "retries": 0, "unpriced_requests": 1});
    let answer = answer.json();
    assert_eq!(answer["rows"], json!([priced, unpriced]));
    // Of the priced two alone, not the mean of its rows.
    assert_eq!(answer["total"]["cost_per_request"], "0.003500000000");
    assert_eq!(answer["total"]["cost_per_million_tokens"], Value::Null, "a price is missing");

    let peak = api.get(&format!("/v1/spend?{MONTH}&measure=peak_requests_per_minute,requests_per_minute")).await.json();
    assert_eq!(peak["total"]["peak_requests_per_minute"], "0.066666666667", "one of three in each quarter of an hour");
    assert!(peak["total"]["requests_per_minute"].is_string(), "{peak}");
    for refused in ["measure=retries&group_by=customer", "measure=input_tokens&bucket=hour"] {
        let answer = api.get(&format!("/v1/spend?{MONTH}&{refused}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    }
    let csv = api.get(&format!("/v1/spend?{MONTH}&group_by=model&measure=cost_per_request&format=csv")).await.body;
    assert!(csv.contains("no-such-model,,1"), "nothing in place of a zero: {csv}");
}

#[tokio::test]
async fn a_part_of_a_value_and_its_absence_are_filters() {
    let app = TestApp::start().await;
    let api = app.api(&acme(&app).await.key);
    for (filter, requests) in [
        ("model=~GPT", 2),
        ("model=!~gpt", 1),
        ("feature=~tri", 1),
        ("feature=!~tri", 2),
        ("feature=", 2),
        ("feature=!", 1),
        ("feature=~%25", 0),
        ("project=~ai", 3),
        ("team=~zzz", 0),
        ("api_key=~zzz", 0),
        ("customer=~a", 0),
        ("customer=!~a", 3),
    ] {
        let answer = api.get(&format!("/v1/spend?{MONTH}&measure=requests&{filter}")).await;
        assert_eq!(answer.json()["total"]["requests"], requests, "{filter}: {}", answer.body);
        let events = api.get(&format!("/v1/events?{MONTH}&{filter}")).await;
        assert_eq!(events.json()["events"].as_array().map(Vec::len), Some(requests), "{filter}: {}", events.body);
    }
}

#[tokio::test]
async fn a_change_is_taken_apart_into_parts_that_add_up() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let october = vec![event("2026-10-05T10:00:00Z", "gpt-4o-2024-08-06", None)];
    assert_eq!(backend::events::ingest_inputs(&app.backend, &acme.scope, october).await.unwrap().accepted, 1);
    let api = app.api(&acme.key);
    let changes = api.get(&format!("/v1/spend/changes?{MONTH}")).await.json();
    // Two equal requests instead of one; the third waits for its price.
    assert_eq!(changes["before"], json!({"from": "2026-10-01", "to": "2026-11-01"}));
    assert_eq!(changes["difference"], "0.003500000000");
    let causes = changes["causes"].as_array().unwrap();
    assert_eq!(
        (causes.len(), &causes[0]["cause"], &causes[0]["amount"]),
        (1, &json!("volume"), &changes["difference"])
    );
    assert_eq!(changes["movers"][0]["cause"], "volume");
    assert_eq!(changes["movers"][0]["spend_before"], "0.003500000000");

    for (asked, pointer) in [(format!("{MONTH}&bucket=day"), "bucket"), ("to=2026-12-01".to_owned(), "from")] {
        let answer = api.get(&format!("/v1/spend/changes?{asked}")).await;
        assert_eq!((answer.status, &answer.json()["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!(pointer)));
    }
    let globex = app.organization("Globex", "UTC").await;
    let other = app.api(&globex.key).get(&format!("/v1/spend/changes?{MONTH}")).await.json();
    assert_eq!(
        (&other["difference"], &other["movers"]),
        (&json!("0.000000000000"), &json!([])),
        "another organization's"
    );
}

#[tokio::test]
async fn a_file_has_the_same_rows_and_no_formulas() {
    let app = TestApp::start().await;
    let api = app.api(&acme(&app).await.key);
    let path = format!("/v1/spend?{MONTH}&group_by=feature&measure=spend");
    let file = api.get(&format!("{path}&format=csv")).await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    let mut lines: Vec<_> = file.body.lines().collect();
    lines[1..].sort_unstable();
    assert_eq!(lines, ["feature,spend,unpriced_requests", "'=triage,0.003500000000,0", ",0.003500000000,1"]);
    let asked = api.send(Method::GET, &path, &[("accept", "text/csv")], Body::empty()).await;
    assert_eq!(asked.body, file.body);
}

#[tokio::test]
async fn statements_add_up_to_the_same_spend() {
    let app = TestApp::start().await;
    let api = app.api(&acme(&app).await.key);
    let spend = api.get(&format!("/v1/spend?{MONTH}")).await.json();
    let month = api.get("/v1/statements?month=2026-11").await.json();
    let mut total = month["total"].clone();
    let mut beside = |name| total.as_object_mut().unwrap().remove(name);
    let nothing = ["charged", "shared", "markup"].map(&mut beside);
    assert_eq!(nothing, [(); 3].map(|()| Some(json!("0.000000000000"))));
    assert_eq!(["total", "total_with_markup"].map(beside), [(); 2].map(|()| Some(spend["total"]["spend"].clone())));
    assert_eq!(total, spend["total"]);
    assert_eq!((&month["month"], &month["over"]), (&json!("2026-11"), &json!(false)));
    let project = &month["teams"][0]["projects"][0];
    assert_eq!(project["spend"], spend["total"]["spend"]);
    let lines = project["lines"].as_array().unwrap();
    let sum: Decimal = lines.iter().filter(|line| !line["amount"].is_null()).map(|line| money(&line["amount"])).sum();
    assert_eq!(sum, money(&spend["total"]["spend"]));
    let unpriced: Vec<_> = lines.iter().filter(|line| line["model"] == "no-such-model").collect();
    assert!(!unpriced.is_empty() && unpriced.iter().all(|line| line["amount"].is_null()), "never zero: {lines:?}");

    let file = api.get("/v1/statements?month=2026-11&format=csv").await;
    let amounts = file.body.lines().skip(1).filter_map(|line| line.rsplit(',').nth(3)?.parse::<Decimal>().ok());
    assert_eq!(amounts.sum::<Decimal>(), sum);
    assert_eq!(api.get("/v1/statements?month=2026-13").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(api.get("/v1/statements").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_key_of_one_project_gets_its_project_and_a_key_without_read_nothing() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let owner = backend::identity::system_scope(&app.backend, acme.scope.org_id()).await.unwrap();
    let team = backend::projects::list_teams(&app.backend, &owner).await.unwrap()[0].team_id;
    let new = backend::projects::NewProject {
        name: "Search".to_owned(),
        slug: String::new(),
        cost_centre: String::new(),
        team_id: team,
    };
    let search = backend::projects::create_project(&app.backend, &owner, new).await.unwrap();
    let key = async |scope, project| {
        let new = NewKey { name: "k".to_owned(), scopes: [scope].into(), project, expires_at: None };
        backend::keys::create(&app.backend, &owner, new).await.unwrap().secret.expose_secret().to_owned()
    };
    let bound = app.api(&key(KeyScope::Read, KeyProject::Bound(search.project_id)).await);
    let answer = bound.get(&format!("/v1/spend?{MONTH}&group_by=project")).await.json();
    assert_eq!((&answer["rows"], &answer["total"]["requests"]), (&json!([]), &json!(0)));
    let month = bound.get("/v1/statements?month=2026-11").await.json();
    assert_eq!((&month["teams"], &month["total"]["requests"]), (&json!([]), &json!(0)));
    let ingest = app.api(&key(KeyScope::Ingest, KeyProject::AllWithDefault(search.project_id)).await);
    assert_eq!(ingest.get(&format!("/v1/spend?{MONTH}")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(ingest.get("/v1/statements?month=2026-11").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_span_may_be_named() {
    let app = TestApp::start().await;
    let api = app.api(&acme(&app).await.key);
    let total =
        async |asked: &str| api.get(&format!("/v1/spend?{asked}&measure=requests")).await.json()["total"].clone();
    for (named, days) in [
        ("period=this-month", "from=2026-11-01&to=2026-11-21"),
        ("period=7d", "from=2026-11-14&to=2026-11-21"),
        ("period=last-quarter", "from=2026-07-01&to=2026-10-01"),
        ("period=fiscal-year", "from=2026-01-01&to=2026-11-21"),
        // 15:11 in Kolkata: hours begin at half past in UTC.
        ("period=24h", "from=2026-11-19T10:30:00Z&to=2026-11-20T10:30:00Z"),
    ] {
        assert_eq!(total(named).await, total(days).await, "{named}");
    }
    assert_eq!(total("period=7d").await["requests"], 3);
    for asked in ["period=decade", "period=7d&from=2026-11-01", "from=2026-11-01"] {
        assert_eq!(api.get(&format!("/v1/spend?{asked}")).await.status, StatusCode::BAD_REQUEST, "{asked}");
    }
    let changes = api.get("/v1/spend/changes?period=quarter&compare=last-year").await.json();
    assert_eq!(changes["period"], json!({"from": "2026-10-01", "to": "2026-11-21"}));
    assert_eq!(changes["before"], json!({"from": "2025-10-01", "to": "2025-11-21"}));
    let changes = api.get("/v1/spend/changes?period=quarter").await.json();
    assert_eq!(changes["before"], json!({"from": "2026-07-01", "to": "2026-08-21"}));
    let wrong = api.get("/v1/spend/changes?period=7d&compare=never").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_open_page_hears_that_its_numbers_moved_until_its_reader_signs_out() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let browser = app.anonymous();
    let fields = [("email", acme.email.as_str()), ("password", testkit::seed::PASSWORD)];
    browser.post_form("/fn/identity/sign-in", &fields).await;
    let page = browser.get("/o/acme").await;
    let address = page.body.split("data-live-on=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    assert!(address.starts_with("/o/acme/changes?seen="), "{address}");
    // Whoever shows nothing yet is told what there is at once.
    let first = browser.get("/o/acme/changes").await;
    let seen = address.rsplit('=').next().unwrap();
    assert!(first.body.contains(&format!("data: {seen}\n")), "{}", first.body);
    let send = async |time: &str| {
        let answer =
            backend::events::ingest_inputs(&app.backend, &acme.scope, vec![event(time, "gpt-4o-2024-08-06", None)]);
        assert_eq!(answer.await.unwrap().accepted, 1);
    };
    let stop = CancellationToken::new();
    let watch = tokio::spawn({
        let (backend, stop) = (app.backend.clone(), stop.clone());
        async move { backend::spend::watch(&backend, &stop).await }
    });
    let open = async |client: &Client| {
        client.begin(Method::GET, &address, &[], Body::empty()).await.into_body().into_data_stream()
    };
    let mut mine = open(&browser).await;
    let (said, ()) = tokio::join!(mine.next(), send("2026-11-18T10:00:00Z"));
    let said = String::from_utf8(said.unwrap().unwrap().to_vec()).unwrap();
    assert!(said.contains("data: ") && !said.contains(&format!("data: {seen}\n")), "{said}");
    // A new page, as it is now; then its reader signs out.
    let now = said.lines().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned();
    let mut out = browser
        .begin(Method::GET, &format!("/o/acme/changes?seen={now}"), &[], Body::empty())
        .await
        .into_body()
        .into_data_stream();
    let (ended, ()) = tokio::join!(out.next(), async {
        browser.post_form("/fn/identity/sign-out", &[]).await;
        send("2026-11-18T11:00:00Z").await;
    });
    assert!(ended.is_none(), "{ended:?}");
    stop.cancel();
    watch.await.unwrap().unwrap();
}
