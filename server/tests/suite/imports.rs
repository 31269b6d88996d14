//! `tallystick import --url`: the real binary, and the real router behind a door that can be shut.

use crate::support::TestApp;
use crate::support::process::tallystick;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What happens to a request.
enum Gate {
    Passes,
    /// This status, with a second to wait.
    Refused(StatusCode),
    /// It is never answered.
    Held,
}

/// What the next requests meet; all others pass.
#[derive(Clone, Default)]
struct Door {
    gates: Arc<Mutex<VecDeque<Gate>>>,
    held: Arc<Notify>,
}

async fn through(State(door): State<Door>, request: Request, next: Next) -> Response {
    let gate = door.gates.lock().unwrap().pop_front();
    match gate {
        None | Some(Gate::Passes) => next.run(request).await,
        Some(Gate::Refused(status)) => {
            let mut answer = status.into_response();
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            answer
        }
        Some(Gate::Held) => {
            door.held.notify_one();
            std::future::pending().await
        }
    }
}

struct Server {
    app: TestApp,
    key: String,
    door: Door,
    url: String,
    folder: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let key = app.organization("Acme", "UTC").await.key;
        let door = Door::default();
        let router = app.router().layer(from_fn_with_state(door.clone(), through));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { app, key, door, url, folder: tempfile::tempdir().unwrap() }
    }

    fn gates(&self, gates: impl IntoIterator<Item = Gate>) {
        self.door.gates.lock().unwrap().extend(gates);
    }

    fn command(&self, key: &str, file: &Path) -> Command {
        let mut command = tallystick();
        command.args(["import", "--url", &self.url, "--set", "provider=openai"]).arg(file).env("TALLYSTICK_KEY", key);
        command
    }

    async fn import(&self, file: &Path) -> Output {
        let mut command = self.command(&self.key, file);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// Rows of a cent each: 4,000 input tokens of gpt-4o.
    fn file(&self, rows: usize) -> PathBuf {
        let path = self.folder.path().join("usage.csv");
        let row = |row: usize| format!("2026-11-20T08:{:02}:00Z,gpt-4o-2024-08-06,4000,0\n", row % 60);
        let header = "Time,Model,Prompt Tokens,Completion Tokens\n".to_owned();
        std::fs::write(&path, std::iter::once(header).chain((0..rows).map(row)).collect::<String>()).unwrap();
        path
    }

    async fn spend(&self) -> String {
        let spend = self.app.api(&self.key).get("/v1/spend?from=2026-11-01&to=2026-12-01").await;
        spend.json()["total"]["spend"].as_str().unwrap().to_owned()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_goes_on_where_it_was() {
    let server = Server::start().await;
    let file = server.file(2_500);
    // The question about the key and two batches; then the third never ends.
    server.gates([Gate::Passes, Gate::Passes, Gate::Passes, Gate::Held]);
    let mut child = server.command(&server.key, &file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    server.door.held.notified().await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(server.spend().await, "20.000000000000");
    let kept = server.folder.path().join("usage.csv.import-progress");
    let told = std::fs::read_to_string(&kept).unwrap();
    assert!(told.ends_with(" 2000\n") && !told.contains(&server.key), "{told}");

    let rest = server.import(&file).await;
    let said_of_rest = said(&rest);
    assert!(rest.status.success() && said_of_rest.contains("going on after row 2000"), "{said_of_rest}");
    assert!(said_of_rest.contains("2500 rows: 500 recorded, 0 duplicates, 0 rejected"), "{said_of_rest}");
    assert!(said_of_rest.contains("100 % of the file"), "{said_of_rest}");
    assert_eq!(server.spend().await, "25.000000000000");
    assert!(!kept.exists(), "nothing is left to go on with");
    // Once more from the beginning, and into the database itself: the same ids and the same content.
    let again = server.import(&file).await;
    assert!(said(&again).contains("0 recorded, 2500 duplicates, 0 rejected"), "{}", said(&again));
    let mut beside = tallystick();
    beside.args(["import", "--database-url", server.app.database.url(), "--set", "provider=openai"]);
    beside.arg(&file).env("TALLYSTICK_KEY", &server.key);
    let beside = tokio::task::spawn_blocking(move || beside.output().unwrap()).await.unwrap();
    assert!(said(&beside).contains("0 recorded, 2500 duplicates, 0 rejected"), "{}", said(&beside));
    assert_eq!(server.spend().await, "25.000000000000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_asks_to_wait_is_waited_for_and_one_that_refuses_is_not() {
    let server = Server::start().await;
    let file = server.file(10);
    let text = std::fs::read_to_string(&file).unwrap() + "2026-11-20T09:00:00Z,gpt-4o-2024-08-06,-5,1\n,gpt-4o,1,1\n";
    std::fs::write(&file, text).unwrap();
    server.gates([
        Gate::Passes,
        Gate::Refused(StatusCode::TOO_MANY_REQUESTS),
        Gate::Refused(StatusCode::SERVICE_UNAVAILABLE),
    ]);
    let waited = said(&server.import(&file).await);
    for part in [
        "the server says 429 Too Many Requests; trying again in 1 s",
        "the server says 503 Service Unavailable; trying again in 1 s",
        "12 rows: 10 recorded, 0 duplicates, 2 rejected",
        "row 11: /usage/prompt_tokens",
        "row 12: /timestamp",
    ] {
        assert!(waited.contains(part), "{part} in {waited}");
    }
    assert_eq!(server.spend().await, "0.100000000000");

    let mut stranger = server.command("tally_live_nobody", &file);
    let stranger = tokio::task::spawn_blocking(move || stranger.output().unwrap()).await.unwrap();
    assert!(!stranger.status.success() && said(&stranger).contains("401"), "{}", said(&stranger));
    // In the middle of a file a fault that waiting does not mend ends it, and says where.
    server.gates([Gate::Passes, Gate::Refused(StatusCode::INTERNAL_SERVER_ERROR)]);
    let broken = said(&server.import(&file).await);
    assert!(
        broken.contains("500 Internal Server Error (stopped after row 0: the same command goes on there)"),
        "{broken}"
    );
}
