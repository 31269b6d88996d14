//! The application as tests meet it: the real router over a database of its own, and clients that speak HTTP to it.

pub(crate) mod process;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::Response;
use backend::{Backend, OrgScope, Pools, TestClock};
use chrono::{DateTime, Utc};
use domain::event::EventInput;
use futures::StreamExt;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use server::files::SiteFiles;
use server::{AppState, build};
use sqlx::PgPool;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::{TestDatabase, seed};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// The instant at which every test begins.
pub(crate) const START: &str = "2026-11-20T09:41:07Z";

/// The address that the tests' pages and mails use.
pub(crate) const PUBLIC_URL: &str = "http://tallystick.test";

/// The content type of [`form_with_file`].
pub(crate) const FORM_WITH_FILE: &str = "multipart/form-data; boundary=line-between-parts";

/// A form with texts and, after them, the CSV file `usage.csv` in the field `file`, as a browser writes it.
pub(crate) fn form_with_file(texts: &[(String, String)], file: &str) -> String {
    let part = |disposition: &str, body: &str| {
        format!("--line-between-parts\r\ncontent-disposition: form-data; {disposition}\r\n\r\n{body}\r\n")
    };
    let texts = texts.iter().map(|(name, value)| part(&format!("name=\"{name}\""), value)).collect::<String>();
    let file = part("name=\"file\"; filename=\"usage.csv\"", file);
    format!("{texts}{file}--line-between-parts--\r\n")
}

/// A call of $0.0025 input and $0.001 output on November 17, with more said of it, or other things.
pub(crate) fn call(more: Value) -> EventInput {
    let mut call = json!({"id": "one", "timestamp": "2026-11-17T10:00:00Z", "provider": "openai", "model": "gpt-4o",
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100}});
    call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(call).unwrap()
}

/// The application over the program's own price book, with Acme, which recorded these calls; its owner is signed in.
pub(crate) async fn acme_with(calls: Vec<EventInput>) -> (TestApp, Client, Client) {
    let app = TestApp::priced().await;
    let acme = app.organization("Acme", "UTC").await;
    let sent = u32::try_from(calls.len()).unwrap();
    let answer = backend::events::ingest_inputs(&app.backend, &acme.scope, calls).await.unwrap();
    assert_eq!(answer.accepted, sent, "{answer:?}");
    let (browser, api) = (app.signed_in(&acme.email).await, app.api(&acme.key));
    (app, browser, api)
}

/// Fails where a page lacks one of the texts.
pub(crate) fn assert_says(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part} in {page}");
    }
}

/// A running application.
pub(crate) struct TestApp {
    pub(crate) backend: Backend,
    pub(crate) clock: Arc<TestClock>,
    router: Router,
    pub(crate) database: TestDatabase,
}

impl TestApp {
    /// The application over an empty database, at [`START`].
    pub(crate) async fn start() -> Self {
        Self::start_as(true).await
    }

    /// The same over the program's own price book.
    pub(crate) async fn priced() -> Self {
        let app = Self::start().await;
        backend::prices::sync_seed(&app.backend.pool, &*app.backend.clock).await.unwrap();
        app
    }

    /// The browser of somebody who is signed in.
    pub(crate) async fn signed_in(&self, email: &str) -> Client {
        let browser = self.anonymous();
        let fields = [("email", email), ("password", seed::PASSWORD)];
        let answer = browser.post_form("/fn/identity/sign-in", &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser
    }

    /// The same as it runs in public: cookies need https, mail is shown nowhere.
    pub(crate) async fn public() -> Self {
        Self::start_as(false).await
    }

    /// The application over a database that is already there.
    pub(crate) fn over(database: TestDatabase) -> Self {
        Self::over_as(database, true)
    }

    async fn start_as(local: bool) -> Self {
        Self::over_as(TestDatabase::new().await, local)
    }

    fn over_as(database: TestDatabase, local: bool) -> Self {
        let (backend, clock) = Self::backend_over(database.pool().clone(), local);
        let router = router(&backend);
        Self { backend, clock, router, database }
    }

    /// The verbs over a database, with a clock at [`START`].
    pub(crate) fn backend_over(pool: PgPool, local: bool) -> (Backend, Arc<TestClock>) {
        let start: DateTime<Utc> = START.parse().unwrap();
        let clock = Arc::new(TestClock::at(start));
        // A busy machine is no database that is away.
        let pools = Pools { patience: Duration::from_secs(60), ..pool.into() };
        (Backend::new(pools, clock.clone(), PUBLIC_URL, local).with_storage(seed::storage()), clock)
    }

    /// A client of a router of its own over these verbs.
    pub(crate) fn client_over(backend: &Backend) -> Client {
        Client { router: router(backend), authorization: None, cookies: Arc::default() }
    }

    /// An organization with its first project, `main`, and an API key with all scopes.
    pub(crate) async fn organization(&self, name: &str, time_zone: &str) -> Tenant {
        let made = seed::named(&self.backend, name, time_zone).await;
        let (key, email) = (made.key.expose_secret().to_owned(), made.email.as_str().to_owned());
        Tenant { key, scope: made.api, email }
    }

    /// The whole application as one service.
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    /// A client that carries nothing.
    pub(crate) fn anonymous(&self) -> Client {
        Client { router: self.router.clone(), authorization: None, cookies: Arc::default() }
    }

    /// A program with an API key.
    pub(crate) fn api(&self, key: &str) -> Client {
        self.anonymous().with_key(key)
    }
}

fn router(backend: &Backend) -> Router {
    let files = SiteFiles::in_folder(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../style/assets")));
    build(AppState { backend: backend.clone(), files, trusted_proxies: 0, stopping: CancellationToken::new() })
}

/// An organization in a test.
pub(crate) struct Tenant {
    /// API key with all scopes.
    pub(crate) key: String,
    /// The scope of that key.
    pub(crate) scope: OrgScope,
    /// Address of the owner.
    pub(crate) email: String,
}

/// Speaks HTTP to the router; keeps cookies like a browser.
#[derive(Clone)]
pub(crate) struct Client {
    router: Router,
    authorization: Option<String>,
    cookies: Arc<Mutex<Vec<(String, String)>>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Client {
    /// The same with an API key.
    pub(crate) fn with_key(self, key: &str) -> Self {
        Self { authorization: Some(format!("Bearer {key}")), ..self }
    }

    /// `GET path`, as a browser asks for a page.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[("accept", "text/html,application/json")], Body::empty()).await
    }

    /// A page that is there, with ordinary blanks and without marks between its texts.
    pub(crate) async fn page(&self, path: &str) -> String {
        let page = self.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        page.body.replace('\u{a0}', " ").replace("<!>", "")
    }

    /// `POST path` with a JSON body.
    pub(crate) async fn post_json(&self, path: &str, body: &serde_json::Value) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/json")], Body::from(body.to_string())).await
    }

    /// `POST path` with a form, as a browser without JavaScript sends it from one of our pages.
    pub(crate) async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_form_from("", path, fields).await
    }

    /// The same from the page at `from`, to which the browser is sent back.
    pub(crate) async fn post_form_from(&self, from: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "text/html"),
            ("sec-fetch-site", "same-origin"),
            ("referer", &format!("{PUBLIC_URL}{from}")),
        ];
        self.send(Method::POST, path, &headers, Body::from(body)).await
    }

    /// Any request; the client adds its key and cookies. Of a stream that never ends the first piece.
    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let (parts, body) = self.begin(method, path, headers, body).await.into_parts();
        let is_stream = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let bytes = if is_stream {
            body.into_data_stream().next().await.unwrap().unwrap()
        } else {
            axum::body::to_bytes(body, 64 * 1024 * 1024).await.unwrap()
        };
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// The same, with a body that is not read yet.
    pub(crate) async fn begin(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header(header::HOST, "tallystick.test");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let cookies = self.cookie_header();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies);
        }
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        self.keep_cookies(response.headers());
        response
    }

    /// Value of a cookie that the client holds.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn cookie_header(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock().unwrap();
        for cookie in headers.get_all(header::SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            cookies.retain(|(known, _)| known != name);
            let gone = text.to_lowercase().contains("max-age=0") || value.is_empty();
            if !gone {
                cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}
