//! Files of events, sent by forms and in pieces.

use crate::support::{Answer, Client, FORM_WITH_FILE, Tenant, TestApp, form_with_file};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const PAGE: &str = "/o/acme/events/uploads";

/// Somebody who is signed in at Acme, and the id of Acme's key.
struct Sender {
    app: TestApp,
    acme: Tenant,
    browser: Client,
    key_id: String,
}

impl Sender {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let acme = app.organization("Acme", "UTC").await;
        let browser = app.anonymous();
        let fields = [("email", acme.email.as_str()), ("password", testkit::seed::PASSWORD)];
        let signed_in = browser.post_form("/fn/identity/sign-in", &fields).await;
        assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
        let key_id = acme.scope.key_id().unwrap().to_string();
        Self { app, acme, browser, key_id }
    }

    async fn post(&self, path: &str, kind: &str, accept: &str, body: impl Into<Body>) -> Answer {
        let headers = [
            ("content-type", kind),
            ("accept", accept),
            ("sec-fetch-site", "same-origin"),
            ("referer", "http://tallystick.test/o/acme/events/uploads"),
        ];
        self.browser.send(Method::POST, path, &headers, body.into()).await
    }

    /// As our own script asks.
    async fn file(&self, path: &str, texts: &[(&str, &str)], file: &str) -> Answer {
        let texts: Vec<_> = texts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.post(path, FORM_WITH_FILE, "application/json", form_with_file(&texts, file)).await
    }

    async fn start(&self, file: &str) -> Value {
        let answer = self.file(PAGE, &[("key", &self.key_id)], file).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }

    async fn piece(&self, upload: &str, file: &str, from: usize, to: usize) -> Answer {
        let path = format!("{PAGE}/{upload}/send?from={from}");
        self.post(&path, "application/octet-stream", "application/json", file[from..to].to_owned()).await
    }

    async fn spend(&self) -> String {
        let spend = self.app.api(&self.acme.key).get("/v1/spend?from=2026-11-01&to=2026-12-01").await;
        spend.json()["total"]["spend"].as_str().unwrap().to_owned()
    }
}

/// Rows of which each thing is there twice, without ids, and with a column that nobody may read.
fn usage(rows: usize) -> String {
    let row = |row: usize| {
        let minute = row / 2 % 60;
        format!("2026-11-20T08:{minute:02}:00Z,gpt-4o-2024-08-06,1000,100,\"SECRET, and\nmore\"\n")
    };
    std::iter::once("Time,Model,Prompt Tokens,Completion Tokens,Prompt\n".to_owned())
        .chain((0..rows).map(row))
        .collect()
}

#[tokio::test]
async fn a_file_is_looked_at_mapped_and_recorded_without_javascript() {
    let sender = Sender::new().await;
    let file = usage(1_500);
    let form = form_with_file(&[("key".to_owned(), sender.key_id.clone())], &file);
    let begun = sender.post(PAGE, FORM_WITH_FILE, "text/html", form).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
    let page = begun.header("location").unwrap().to_owned();
    let shown = sender.browser.get(&page).await;
    assert!(shown.body.contains("nothing maps to provider"), "{}", shown.body);
    assert!(shown.body.contains("gpt-4o-2024-08-06") && !shown.body.contains("SECRET"), "an example, and no prose");

    let upload = page.rsplit('/').next().unwrap();
    let fields = ["timestamp", "model", "usage.prompt_tokens", "usage.completion_tokens", ""];
    let names: Vec<String> = (0..fields.len()).map(|place| format!("fields[{place}]")).collect();
    let mut pairs = vec![("org", "acme"), ("upload", upload), ("provider", "openai")];
    pairs.extend(names.iter().map(String::as_str).zip(fields));
    let mapped = sender.browser.post_form_from(&page, "/fn/events/map-upload", &pairs).await;
    assert_eq!((mapped.status, mapped.header("location")), (StatusCode::SEE_OTHER, Some(page.as_str())));
    let checked = sender.post(&format!("{page}/check"), FORM_WITH_FILE, "text/html", form_with_file(&[], &file)).await;
    assert_eq!(checked.status, StatusCode::SEE_OTHER);
    let shown = sender.browser.get(&page).await;
    assert!(shown.body.contains("The first 20\u{a0}rows would cost $0.07<"), "{}", shown.body);
    assert_eq!(sender.spend().await, "0.000000000000", "nothing is recorded yet");

    let sent = sender.post(&format!("{page}/send"), FORM_WITH_FILE, "text/html", form_with_file(&[], &file)).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let shown = sender.browser.get(&page).await;
    assert!(shown.body.contains("1,500\u{a0}rows: 1,500 recorded, 0 duplicates, 0 rejected"), "{}", shown.body);
    assert_eq!(sender.spend().await, "5.250000000000", "1,500 times 0.0035");

    // The same file once more: its columns are known, and nothing counts twice.
    let again = sender.start(&file).await;
    assert_eq!(again["missing"], json!([]), "{again}");
    let sent = sender.file(&format!("{PAGE}/{}/send", again["upload_id"].as_str().unwrap()), &[], &file).await.json();
    assert_eq!((&sent["accepted"], &sent["duplicates"], &sent["state"]), (&json!(0), &json!(1_500), &json!("done")));
    assert_eq!(sender.spend().await, "5.250000000000");
    let audit = sender.browser.get("/o/acme/settings/audit").await.body;
    assert!(audit.contains("Uploaded usage.csv: 1,500 recorded, 0 duplicates, 0 rejected."), "{audit}");
    let remembered = sqlx::query_scalar::<_, i64>("select count(*) from upload_rows");
    assert_eq!(remembered.fetch_one(sender.app.database.pool()).await.unwrap(), 0, "what is remembered ends with it");
}

#[tokio::test]
async fn rows_without_a_time_are_never_booked_at_the_moment_of_the_import() {
    let sender = Sender::new().await;
    let file = "Model,Tokens in,Tokens out,Provider\ngpt-4o-2024-08-06,1000,100,openai\n";
    let begun = sender.start(file).await;
    assert_eq!(begun["missing"], json!(["nothing maps to timestamp"]), "{begun}");
    let page = format!("{PAGE}/{}", begun["upload_id"].as_str().unwrap());
    let sent = sender.file(&format!("{page}/send"), &[], file).await;
    assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", sent.body);
    let shown = sender.browser.get(&page).await.body;
    for part in ["Recognized as", "table of tokens in and out", "Time of all rows", "usage.input_uncached"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }

    // A deliberate choice, for this file only; what the tool says of its rows stays.
    let mut pairs = vec![("org", "acme"), ("upload", begun["upload_id"].as_str().unwrap()), ("usage_format", "meters")];
    pairs.extend([("fields[0]", "model"), ("fields[1]", "usage.input_uncached"), ("fields[2]", "usage.output")]);
    pairs.push(("fields[3]", "provider"));
    let unclear = [&pairs[..], &[("timestamp", "soon")]].concat();
    let wrong = sender.browser.post_form_from(&page, "/fn/events/map-upload", &unclear).await;
    assert_eq!(wrong.status, StatusCode::SEE_OTHER);
    assert!(sender.browser.get(&page).await.body.contains("timestamp needs a day or a time such as 2026-11-20"));
    pairs.push(("timestamp", "2026-11-19"));
    sender.browser.post_form_from(&page, "/fn/events/map-upload", &pairs).await;
    let checked = sender.file(&format!("{page}/check"), &[], file).await.json();
    let first = &checked["checked"]["rows"][0];
    assert_eq!((&first["at"], &first["is_sum"]), (&json!("2026-11-19T12:00:00Z"), &json!(true)), "{checked}");
    assert!(sender.browser.get(&page).await.body.contains("2026-11-19 12:00:00.000 UTC"));
    let sent = sender.file(&format!("{page}/send"), &[], file).await.json();
    assert_eq!((&sent["state"], &sent["accepted"]), (&json!("done"), &json!(1)), "{sent}");
    let again = sender.start(file).await;
    assert_eq!(again["missing"], json!(["nothing maps to timestamp"]), "asked again");
}

#[tokio::test]
async fn pieces_may_break_off_come_twice_and_end_as_a_whole() {
    let sender = Sender::new().await;
    let file = usage(1_200).replace("Time,Model", "Time,Provider,Model").replace("Z,gpt", "Z,openai,gpt")
        + "2026-11-20T09:00:00Z,openai,gpt-4o,-5,1,x\n";
    // What stands between the cells is only to be seen in the first piece.
    let file = file.replace(',', ";");
    let begun = sender.start(&file).await;
    let upload = begun["upload_id"].as_str().unwrap();
    // Larger than the beginning that tells one file from another.
    let first = sender.piece(upload, &file, 0, 70_000).await.json();
    let done = usize::try_from(first["done_bytes"].as_u64().unwrap()).unwrap();
    assert!(done > 69_000 && done <= 70_000 && file.as_bytes()[done - 1] == b'\n', "up to the last whole row: {first}");
    assert_eq!(first["state"], "partial");
    // What came already changes nothing, wherever it begins.
    let again = sender.piece(upload, &file, 0, 70_000).await.json();
    assert_eq!((&again["done_bytes"], &again["rows"]), (&first["done_bytes"], &first["rows"]));
    // Another browser, another server: the whole file by a form.
    let path = format!("{PAGE}/{upload}/send");
    let other = sender.file(&path, &[], &file.replace("1000", "2000")).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST, "{}", other.body);
    assert!(other.body.contains("This is another file"), "{}", other.body);
    let whole = sender.file(&path, &[], &file).await.json();
    assert_eq!(
        (&whole["state"], &whole["rows"], &whole["accepted"]),
        (&json!("done"), &json!(1_201), &json!(1_200)),
        "{whole} after {first}"
    );
    assert_eq!((&whole["duplicates"], &whole["refused"]), (&json!(0), &json!(1)), "equal rows of two pieces are two");
    assert!(whole["reasons"][0].as_str().unwrap().starts_with("row 1201: /usage/prompt_tokens"), "{whole}");
    assert_eq!(sender.spend().await, "4.200000000000");
    let over = sender.piece(upload, &file, 0, 100).await;
    assert_eq!(over.status, StatusCode::CONFLICT);
    let rejected = sender.browser.get("/o/acme/events/rejected").await.body;
    assert!(rejected.contains("/usage/prompt_tokens"));
}

#[tokio::test]
async fn what_cannot_be_read_is_said_and_records_nothing() {
    let sender = Sender::new().await;
    let refused = |answer: Answer| (answer.status, answer.json()["fields"][0]["pointer"].as_str().map(str::to_owned));
    let at = |field: &str| (StatusCode::BAD_REQUEST, Some(field.to_owned()));
    assert_eq!(refused(sender.file(PAGE, &[("key", &sender.key_id)], "").await), at("file"));
    assert_eq!(refused(sender.file(PAGE, &[], &usage(1)).await), at("key"));
    let large = sender.file(&format!("{PAGE}?size=99999999999"), &[("key", &sender.key_id)], &usage(1)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", large.body);

    let file = usage(3);
    let upload = sender.start(&file).await["upload_id"].as_str().unwrap().to_owned();
    let early = sender.piece(&upload, &file, 0, file.len()).await;
    assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY, "the provider is not known: {}", early.body);
    let fields = [("upload", upload.as_str()), ("fields[0]", "colour"), ("fields[1]", "model"), ("fields[2]", "model")];
    let mapped = sender.browser.post_form("/fn/events/map-upload", &[&[("org", "acme")][..], &fields].concat()).await;
    assert_eq!(mapped.status, StatusCode::SEE_OTHER);
    let shown = sender.browser.get(&format!("{PAGE}/{upload}")).await.body;
    assert!(shown.contains("colour is no field") && shown.contains("filled by the column Model already"), "{shown}");

    for _ in 1..20 {
        sender.start(&file).await;
    }
    let many = sender.file(PAGE, &[("key", &sender.key_id)], &file).await;
    assert_eq!(many.status, StatusCode::CONFLICT, "{}", many.body);
    let pairs = [("org", "acme"), ("upload", upload.as_str())];
    let discarded = sender.browser.post_form("/fn/events/discard-upload", &pairs).await;
    assert_eq!(discarded.header("location"), Some("/o/acme/events/uploads?notice=discarded"));
    sender.start(&file).await;
    assert_eq!(sender.spend().await, "0.000000000000");
}
