//! The description of the API beside a running server: schemathesis makes requests of every operation from `/openapi.json` and checks every answer.

use crate::step::{Failure, quietly};
use crate::tools;
use local_postgres::LocalPostgres;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// From PyPI, into an environment of its own under `target/`.
const SCHEMATHESIS: &str = "4.32.5";
/// Where its made-up requests begin: every run makes the same ones.
const SEED: &str = "1";
/// For how long it makes up requests.
const MAX_TIME_SECS: &str = "90";

/// Makes sure of schemathesis; its program.
pub(crate) fn tool() -> Result<PathBuf, Failure> {
    tools::python_tool("schemathesis", SCHEMATHESIS, "schemathesis")
}

/// Checks a server beside this PostgreSQL.
///
/// # Errors
/// What did not start, or what the server answered otherwise than described.
pub(crate) fn run(postgres: &LocalPostgres) -> Result<(), Failure> {
    let schemathesis = tool()?;
    postgres.create_database("described").map_err(|error| error.to_string())?;
    let url = postgres.url("described");
    quietly(tallystick(&url).arg("migrate"))?;
    let key = bootstrap(&url)?;
    let server = Server::start(&url)?;
    let mut check = tools::program(&schemathesis.to_string_lossy());
    check.arg("--config-file").arg(tools::root().join("server/schemathesis.toml"));
    check.args(["run", &format!("http://{}/openapi.json", server.address)]);
    // Not the stateful phase: from the answer's `Location` it infers that a budget's id belongs to other routes, and then runs nothing at all.
    check.args(["--phases", "examples,coverage,fuzzing", "--checks", "all", "--no-color"]);
    check.args(["--seed", SEED, "--max-time", MAX_TIME_SECS, "--header", &format!("Authorization: Bearer {key}")]);
    // It keeps what it found in the present folder.
    quietly(check.current_dir(tools::target_folder()))
}

fn tallystick(url: &str) -> Command {
    let mut command = tools::program(&tools::target_folder().join("debug/tallystick").to_string_lossy());
    command.env("DATABASE_URL", url).env_remove("RUST_LOG");
    command
}

/// An organization to ask about; its API key.
fn bootstrap(url: &str) -> Result<String, Failure> {
    let mut command = tallystick(url);
    command.args(["bootstrap", "--email", "ada@example.com", "--organization", "Acme", "--project", "support-bot"]);
    let output = crate::step::ask(command.env("BOOTSTRAP_PASSWORD", "four quite unrelated words"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(format!("tallystick bootstrap: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// A running server; ended when dropped.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(url: &str) -> Result<Self, Failure> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| format!("no free port: {error}"))?;
        let mut command = tallystick(url);
        command.args(["serve", "--addr", &address.to_string(), "--public-url", &format!("http://{address}")]);
        command.args(["--smtp-url", "smtp://127.0.0.1:1"]);
        // Limits are not what is checked here.
        command.args(["--api-per-minute", "10000000", "--ingest-per-minute", "10000000"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("tallystick serve: {error}"))?;
        let lines = child.stderr.take().map(BufReader::new).into_iter().flat_map(BufRead::lines);
        let mut lines = lines.map_while(Result::ok);
        let started = lines.any(|line| line.contains("listens on"));
        let server = Self { child, address };
        if !started {
            return Err("the server did not start".to_owned());
        }
        // The rest of the log is read so that the server never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
