//! `cargo xtask replay`: sends a production trace to a running server, through its front door.

use crate::traces::{self, Request, Trace};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Longest wait between two tries of a batch that the server had no room for, in seconds.
const MAX_WAIT_SECS: u64 = 10;
/// How often a batch is tried.
const TRIES: u32 = 10;

/// Sends a trace through `POST /v1/events`, shifted so that it ends now, or at its original times.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Which trace.
    trace: Trace,
    /// API key with the scope `ingest`.
    #[arg(long, env = "TALLYSTICK_KEY", hide_env_values = true)]
    key: String,
    /// The server.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    url: String,
    /// Project's slug; the key's own project when left out.
    #[arg(long)]
    project: Option<String>,
    /// Who sells the model.
    #[arg(long, default_value = "openai")]
    provider: String,
    /// The model; gpt-4o-2024-08-06 for code, gpt-4o-mini-2024-07-18 for conversations.
    #[arg(long)]
    model: Option<String>,
    /// Keep the trace's own times (November 16, 2023); Mooncake has none.
    #[arg(long, conflicts_with = "end")]
    original: bool,
    /// When the last request was made, RFC 3339; now when left out. The same end makes the same events, so a second run is all duplicates.
    #[arg(long)]
    end: Option<DateTime<Utc>>,
    /// Events per request.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=5000))]
    batch: u16,
    /// Send only the first so many requests.
    #[arg(long)]
    limit: Option<usize>,
    /// Folder of the traces; `../shared/data/traces` when left out.
    #[arg(long)]
    traces: Option<PathBuf>,
}

/// What became of the events so far.
#[derive(Debug, Default, Deserialize)]
struct Tally {
    accepted: u64,
    duplicates: u64,
    conflicts: u64,
    rejected: u64,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let folder = args.traces.clone().unwrap_or_else(traces::default_folder);
    let requests = args.trace.read(&folder)?;
    let last = requests.last().ok_or("the trace is empty")?.at.and_utc();
    let end = match (args.original, args.trace, args.end) {
        (true, Trace::Mooncake, _) => return Err("Mooncake's times are relative: leave out --original.".to_owned()),
        (true, ..) => last,
        (false, _, Some(end)) => end,
        (false, _, None) => now(),
    };
    let shifted = Events { args, by: end - last, end };
    let count = requests.len().min(args.limit.unwrap_or(usize::MAX));
    say(&format!("{count} requests of {}, the last one at {}", args.trace.word(), end.to_rfc3339()));
    let events: Vec<Value> =
        requests.iter().take(count).enumerate().map(|(index, request)| shifted.event(index, request)).collect();
    let started = Instant::now();
    let tally = send(args, &events)?;
    let seconds = started.elapsed().as_secs_f64();
    report(&format!(
        "accepted {}  duplicates {}  conflicts {}  rejected {}  in {seconds:.1} s ({:.0} events/s)",
        tally.accepted,
        tally.duplicates,
        tally.conflicts,
        tally.rejected,
        count as f64 / seconds.max(0.001)
    ))?;
    if tally.conflicts + tally.rejected > 0 {
        return Err("Not every event was recorded; the server's rejected list says why.".to_owned());
    }
    Ok(())
}

/// Makes events of requests.
struct Events<'a> {
    args: &'a Args,
    by: chrono::Duration,
    end: DateTime<Utc>,
}

impl Events<'_> {
    /// The id follows from trace, line and end alone: sent again it is a duplicate, shifted to another end it is another event.
    fn event(&self, index: usize, request: &Request) -> Value {
        let mut usage = json!({
            "prompt_tokens": request.input_tokens,
            "completion_tokens": request.output_tokens,
            "total_tokens": request.input_tokens + request.output_tokens,
        });
        if let (Some(cached), Some(usage)) = (request.cached_tokens, usage.as_object_mut()) {
            usage.insert("prompt_tokens_details".to_owned(), json!({"cached_tokens": cached}));
        }
        let mut event = json!({
            "id": format!("replay-{}-{}-{index}", self.args.trace.word(), self.end.timestamp_micros()),
            "timestamp": (request.at.and_utc() + self.by).to_rfc3339(),
            "provider": self.args.provider,
            "model": self.model(),
            "operation": "chat",
            "usage": usage,
            "usage_format": "openai_chat",
            "feature": self.args.trace.word(),
            "environment": "production",
        });
        if let (Some(project), Some(event)) = (&self.args.project, event.as_object_mut()) {
            event.insert("project".to_owned(), json!(project));
        }
        event
    }

    fn model(&self) -> &str {
        match (&self.args.model, self.args.trace) {
            (Some(model), _) => model,
            (None, Trace::Code) => "gpt-4o-2024-08-06",
            (None, Trace::Conversation | Trace::Mooncake) => "gpt-4o-mini-2024-07-18",
        }
    }
}

fn send(args: &Args, events: &[Value]) -> Result<Tally, String> {
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60))).build(),
    );
    let mut tally = Tally::default();
    let mut sent = 0;
    for batch in events.chunks(usize::from(args.batch)) {
        let answer = send_batch(&agent, args, batch)?;
        tally.accepted += answer.accepted;
        tally.duplicates += answer.duplicates;
        tally.conflicts += answer.conflicts;
        tally.rejected += answer.rejected;
        sent += batch.len();
        progress(sent, events.len());
    }
    Ok(tally)
}

/// Sends a batch until the server has room for it; a batch that came through twice is counted as duplicates, not twice.
fn send_batch(agent: &ureq::Agent, args: &Args, batch: &[Value]) -> Result<Tally, String> {
    let url = format!("{}/v1/events", args.url.trim_end_matches('/'));
    let body = json!({ "events": batch }).to_string();
    for _ in 0..TRIES {
        let mut response = agent
            .post(&url)
            .header("Authorization", format!("Bearer {}", args.key))
            .header("Content-Type", "application/json")
            .send(&body)
            .map_err(|error| format!("{url}: {error}"))?;
        let status = response.status().as_u16();
        let wait = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let text = response.body_mut().read_to_string().map_err(|error| format!("{url}: {error}"))?;
        match status {
            200 | 207 | 422 => {
                return serde_json::from_str(&text).map_err(|error| format!("unexpected answer: {error}"));
            }
            429 | 503 => std::thread::sleep(Duration::from_secs(wait.unwrap_or(1).min(MAX_WAIT_SECS))),
            _ => return Err(format!("{url} answered {status}: {text}")),
        }
    }
    Err(format!("{url} had no room for a batch in {TRIES} tries"))
}

#[expect(clippy::disallowed_methods, reason = "a command of a person's shell: now is now")]
fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

fn progress(sent: usize, of: usize) {
    let mut stderr = std::io::stderr();
    let end = if sent == of { "\n" } else { "" };
    // Progress that cannot be shown is no reason to stop.
    let _ = write!(stderr, "\r{sent} of {of} events sent{end}").and_then(|()| stderr.flush());
}

fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn report(line: &str) -> Result<(), String> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        replay: Args,
    }

    fn args(line: &str) -> Args {
        Cli::parse_from(format!("replay {line} --key k").split_whitespace()).replay
    }

    fn request() -> Request {
        let at = "2023-11-16T18:17:03.979960".parse().unwrap();
        Request { at, input_tokens: 100, cached_tokens: Some(64), output_tokens: 7 }
    }

    #[test]
    fn the_same_end_makes_the_same_event() {
        let args = args("code --project demo");
        let end = "2026-11-20T09:00:00Z".parse().unwrap();
        let events = Events { args: &args, by: end - request().at.and_utc(), end };
        let event = events.event(3, &request());
        assert_eq!(event, events.event(3, &request()));
        assert_eq!(event["timestamp"], "2026-11-20T09:00:00+00:00");
        assert_eq!(event["project"], "demo");
        assert_eq!(event["model"], "gpt-4o-2024-08-06");
        assert_eq!(event["usage"]["prompt_tokens_details"]["cached_tokens"], 64);
        let later = Events { end: end + chrono::Duration::seconds(1), ..events };
        assert_ne!(later.event(3, &request())["id"], event["id"]);
    }

    #[test]
    fn original_and_end_exclude_each_other() {
        let line = "replay code --key k --original --end 2026-11-20T09:00:00Z";
        assert!(Cli::try_parse_from(line.split_whitespace()).is_err());
        assert!(run(&args("mooncake --original --traces nowhere")).is_err());
    }
}
