//! FOCUS exports through the real router: rows as they were asked for, one sum, and the official validator on the sample.

use crate::support::{Answer, Client, TestApp};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use backend::identity;
use backend::keys::{self, NewKey};
use chrono::{DateTime, Utc};
use domain::event::EventInput;
use domain::identity::KeyScope;
use domain::ids::OrgId;
use domain::project::KeyProject;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Row as ParquetRow, RowAccessor};
use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use testkit::seed;

const MONTH: &str = "from=2026-11-01&to=2026-12-01";

/// Names the folder of a Python environment that has the official validator; `cargo xtask test` makes one.
const VALIDATOR: &str = "FOCUS_VALIDATOR";

/// What our datasets have, in the validator's words.
const CRITERIA: &str = "ACCOUNT_NAMING_SUPPORTED,MULTIPLE_PRICING_CATEGORIES_SUPPORTED,NEGOTIATED_PRICING_SUPPORTED,PUBLIC_PRICE_LIST_SUPPORTED,USAGE_MEASUREMENT_SUPPORTED,UNIT_PRICING_SUPPORTED,SUB_ACCOUNT_SUPPORTED,TAGGING_SUPPORTED,MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED,MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED";

/// Of this pair of rules one fails whatever is there: `InvoiceId` is either null or it is not, and the rule above them passes.
const EITHER: [&str; 2] = ["InvoiceId-C-005-C", "InvoiceId-C-004-C"];

type Row = BTreeMap<String, String>;

fn rows(answer: &Answer) -> Vec<Row> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    csv::Reader::from_reader(answer.body.as_bytes()).deserialize().map(Result::unwrap).collect()
}

fn billed(rows: &[Row]) -> Decimal {
    rows.iter().map(|row| row["BilledCost"].parse::<Decimal>().unwrap()).sum()
}

fn money(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

fn event(timestamp: &str, model: &str, customer: &str) -> EventInput {
    EventInput {
        timestamp: Some(timestamp.parse().unwrap()),
        provider: "openai".to_owned(),
        model: model.to_owned(),
        usage: json!({"prompt_tokens": 1000, "completion_tokens": 100}),
        customer: Some(customer.to_owned()),
        ..EventInput::default()
    }
}

#[tokio::test]
async fn a_row_is_a_meter_of_a_day_and_their_sum_is_the_spend() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "Asia/Kolkata").await;
    let model = "gpt-4o-2024-08-06";
    let events = vec![
        event("2026-11-16T18:29:59Z", model, "a"),
        event("2026-11-16T18:30:00Z", model, "a"),
        event("2026-11-16T19:30:00Z", model, "b, \"c\""),
        event("2026-11-17T10:00:00Z", "no-such-model", "a"),
    ];
    backend::events::ingest_inputs(&app.backend, &acme.scope, events).await.unwrap();
    let api = app.api(&acme.key);
    let answer = api.get(&format!("/v1/export/focus?{MONTH}&version=1.2&format=csv")).await;
    let disposition = "attachment; filename=\"focus-1.2-2026-11-01-2026-12-01.csv\"";
    assert_eq!(answer.header("content-disposition"), Some(disposition));
    let days = rows(&answer);
    assert_eq!(days.len(), 4, "two meters on two days: {}", answer.body);
    let row = &days[2];
    for (column, value) in [
        ("BilledCost", "0.005"),
        ("ListCost", "0.005"),
        ("ContractedCost", "0.005"),
        ("EffectiveCost", "0.005"),
        ("ListUnitPrice", "2.5"),
        ("ConsumedQuantity", "2000.0"),
        ("ConsumedUnit", "Tokens"),
        ("PricingQuantity", "0.002"),
        ("PricingUnit", "1000000 Tokens"),
        ("ChargePeriodStart", "2026-11-16T18:30:00Z"),
        ("ChargePeriodEnd", "2026-11-17T18:30:00Z"),
        ("BillingPeriodStart", "2026-10-31T18:30:00Z"),
        ("BillingPeriodEnd", "2026-11-30T18:30:00Z"),
        ("SkuMeter", "Input Tokens"),
        ("ServiceName", "OpenAI API"),
        ("SubAccountId", "main"),
        ("ChargeClass", ""),
        ("Tags", ""),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    let details: Value = serde_json::from_str(&row["SkuPriceDetails"]).unwrap();
    let identity = ["x_ModelDeveloper", "x_ModelFamily", "x_TokenDirection", "x_TokenCacheAction", "x_ServiceTier"];
    assert_eq!(identity.map(|key| details[key].as_str().unwrap()), ["OpenAI", "GPT", "Input", "Uncached", "standard"]);

    let hours = rows(&api.get(&format!("/v1/export/focus?{MONTH}&bucket=hour&tags=customer")).await);
    assert_eq!(hours.len(), 6);
    assert_eq!(hours[4]["ChargePeriodStart"], "2026-11-16T19:30:00Z");
    assert_eq!(serde_json::from_str::<Value>(&hours[4]["Tags"]).unwrap(), json!({"tallystick:customer": "b, \"c\""}));

    let spend = api.get(&format!("/v1/spend?{MONTH}")).await.json();
    assert_eq!([billed(&days), billed(&hours)], [money(&spend["total"]["spend"]); 2]);
    let manifest = api.get(&format!("/v1/export/focus/manifest?{MONTH}")).await.json();
    assert_eq!(manifest["billed_cost"], spend["total"]["spend"]);
    assert_eq!(manifest["unpriced_requests"], 1);
    assert_eq!(manifest["unpriced"][0]["model"], "no-such-model");
    assert_eq!(manifest["unpriced"][0]["tokens"], 1100);

    let columns = async |version: &str| {
        let answer = api.get(&format!("/v1/export/focus?{MONTH}&version={version}")).await;
        assert_eq!(billed(&rows(&answer)), billed(&days), "{version}");
        answer.body.lines().next().unwrap().split(',').map(str::to_owned).collect::<Vec<_>>()
    };
    let (second, fourth) = (columns("1.3").await, columns("1.4").await);
    assert!(second.contains(&"ProviderName".to_owned()) && second.contains(&"ServiceProviderName".to_owned()));
    assert!(!fourth.contains(&"ProviderName".to_owned()) && fourth.contains(&"InvoiceDetailId".to_owned()));
}

#[tokio::test]
async fn an_export_is_for_those_who_may_read_and_says_what_is_wrong() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let events = vec![event("2026-11-16T10:00:00Z", "gpt-4o-2024-08-06", "a")];
    backend::events::ingest_inputs(&app.backend, &acme.scope, events).await.unwrap();
    let path = format!("/v1/export/focus?{MONTH}");
    assert_eq!(app.anonymous().get(&path).await.status, StatusCode::UNAUTHORIZED);
    let globex = app.organization("Globex", "UTC").await;
    assert_eq!(rows(&app.api(&globex.key).get(&path).await).len(), 0, "another organization's");
    assert_eq!(app.anonymous().get(&format!("/o/acme/exports/focus?{MONTH}")).await.status, StatusCode::UNAUTHORIZED);
    for (asked, pointer) in [("to=2026-12-01", "from"), ("from=2026-11-01&to=2026-12-01&version=2", "version")] {
        for resource in ["focus", "focus/manifest"] {
            let answer = app.api(&acme.key).get(&format!("/v1/export/{resource}?{asked}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
        }
    }
}

#[tokio::test]
async fn parquet_has_the_same_rows_with_all_their_digits() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "Asia/Kolkata").await;
    let events = vec![
        event("2026-11-16T18:29:59Z", "gpt-4o-2024-08-06", "a"),
        event("2026-11-17T18:30:00Z", "gpt-4o-mini", "b"),
    ];
    backend::events::ingest_inputs(&app.backend, &acme.scope, events).await.unwrap();
    let api = app.api(&acme.key);
    let lines = rows(&api.get(&format!("/v1/export/focus?{MONTH}")).await);
    let path = format!("/v1/export/focus?{MONTH}&format=parquet");
    let answer = api.begin(Method::GET, &path, &[], Body::empty()).await;
    assert_eq!(answer.headers()["content-type"], "application/vnd.apache.parquet");
    let file = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    let read = SerializedFileReader::new(file).unwrap();
    let names: Vec<&str> =
        read.metadata().file_metadata().schema().get_fields().iter().map(|field| field.name()).collect();
    let place = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let decimal = |row: &ParquetRow, name: &str| {
        let digits: [u8; 16] = row.get_decimal(place(name)).unwrap().data().try_into().unwrap();
        Decimal::from_i128_with_scale(i128::from_be_bytes(digits) / 1_000_000, 12)
    };
    let written: Vec<ParquetRow> = read.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!((written.len(), lines.len()), (4, 4));
    for (row, line) in written.iter().zip(&lines) {
        for name in ["BilledCost", "ListCost", "ListUnitPrice", "PricingQuantity", "ConsumedQuantity"] {
            assert_eq!(decimal(row, name), line[name].parse().unwrap(), "{name}");
        }
        assert_eq!(row.get_string(place("SkuId")).unwrap(), &line["SkuId"]);
        let at: DateTime<Utc> = line["ChargePeriodStart"].parse().unwrap();
        assert_eq!(row.get_timestamp_micros(place("ChargePeriodStart")).unwrap(), at.timestamp_micros());
        assert!(row.get_string(place("ChargeClass")).is_err(), "null");
    }
}

/// A client with a key of the sample organization.
async fn sample(app: &TestApp) -> Client {
    let owner = seed::named(&app.backend, "Acme", "UTC").await.user_id;
    let (made, loaded) = backend::sample::load(&app.backend, owner, "Asia/Kolkata", |_| {}).await.unwrap();
    assert!(loaded.accepted > 0);
    key_of(app, owner, made.org_id).await
}

async fn key_of(app: &TestApp, owner: domain::ids::UserId, org_id: OrgId) -> Client {
    let scope = identity::scope_in(&app.backend, owner, org_id).await.unwrap();
    let project = backend::projects::list_projects(&app.backend, &scope).await.unwrap()[0].project_id;
    let new = NewKey {
        name: "export".to_owned(),
        scopes: [KeyScope::Read].into(),
        project: KeyProject::AllWithDefault(project),
        expires_at: None,
    };
    app.api(keys::create(&app.backend, &scope, new).await.unwrap().secret.expose_secret())
}

/// Where the package's own files are: it reads some relative to them.
fn packages(environment: &Path) -> PathBuf {
    let versions = std::fs::read_dir(environment.join("lib")).unwrap();
    versions.map(|version| version.unwrap().path().join("site-packages")).find(|folder| folder.is_dir()).unwrap()
}

#[tokio::test]
async fn the_sample_keeps_the_rules_of_the_official_validator() {
    let Some(environment) = std::env::var_os(VALIDATOR).map(PathBuf::from) else {
        println!("left out: FOCUS_VALIDATOR names no environment with the official validator");
        return;
    };
    let app = TestApp::start().await;
    let api = sample(&app).await;
    let answer = api.get("/v1/export/focus?from=2026-10-20&to=2026-11-21&tags=environment,customer").await;
    assert!(rows(&answer).len() > 500, "the sample has a month of every meter");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("focus.csv");
    std::fs::write(&file, &answer.body).unwrap();
    let told = Command::new(environment.join("bin/focus-validator"))
        .current_dir(packages(&environment))
        .arg("--data-file")
        .arg(&file)
        .args(["--validate-version", "1.2", "--block-download", "--show-violations"])
        .args(["--applicability-criteria", CRITERIA])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&told.stdout).into_owned() + &String::from_utf8_lossy(&told.stderr);
    check_validation(&text);
}

/// The rules that the validator says are broken, as long as it checked some: its exit code is 0 whatever it finds.
fn check_validation(text: &str) {
    let number = |of: &str| text.split_once(of)?.1.split_whitespace().next()?.parse::<u32>().ok();
    assert!(number("| Pass: ").is_some_and(|passed| passed > 200), "{text}");
    let failed: Vec<&str> =
        text.lines().filter_map(|line| line.split_once(": FAIL")?.0.split(' ').next_back()).collect();
    assert_eq!(number("| Fail: "), u32::try_from(failed.len()).ok(), "{text}");
    let broken: Vec<_> = failed.iter().filter(|rule| !EITHER.contains(rule)).collect();
    assert!(broken.is_empty() && failed.len() <= 1, "{failed:?}: {text}");
}
