//! Log records of coding agents, which report every request of theirs by one.
//!
//! Claude Code, Codex and Gemini CLI send metrics beside them that count the same tokens again: those are not read.
//! The id is a hash of what the record says, because none of them sends one that is never used again.
//!
//! Other records that count tokens are refused and listed. OpenTelemetry's own event of a call repeats its span or, in Gemini CLI, the record beside it: it is passed over where that came with it.

use super::attributes::{Attributes, Value};
use super::log_keys::{
    COST, DURATION_MS, ERROR, EVENT_NAME, FIRST_TOKEN_MS, IDENTITY, INTERACTION, KIND, MODEL, SPEED, STATUS, TIER, USER,
};
use super::{Log, Read, Records, genai, unreadable, usage};
use crate::ingest_formats::{EventInput, ParsedEvent, Rejection, fit, names};
use domain::event::Sender;
use domain::meter::UsageFormat;
use domain::problem::FieldProblem;
use serde_json::{Map, Value as Json, json};
use std::borrow::Cow;

/// A counted field: its attribute, and where it lies in the usage object.
type Count = (&'static str, &'static [&'static str]);

/// Anthropic's own counts: the cache comes on top.
const CLAUDE: &[Count] = &[
    ("input_tokens", &["input_tokens"]),
    ("output_tokens", &["output_tokens"]),
    ("cache_read_tokens", &["cache_read_input_tokens"]),
    ("cache_creation_tokens", &["cache_creation_input_tokens"]),
];
const CODEX: &[Count] = &[
    ("input_token_count", &["input_tokens"]),
    ("output_token_count", &["output_tokens"]),
    ("cached_token_count", &["input_tokens_details", "cached_tokens"]),
    ("cache_write_token_count", &["input_tokens_details", "cache_write_tokens"]),
    ("reasoning_token_count", &["output_tokens_details", "reasoning_tokens"]),
];
const GEMINI: &[Count] = &[
    ("input_token_count", &["promptTokenCount"]),
    ("output_token_count", &["candidatesTokenCount"]),
    ("cached_content_token_count", &["cachedContentTokenCount"]),
    ("thoughts_token_count", &["thoughtsTokenCount"]),
    ("tool_token_count", &["toolUsePromptTokenCount"]),
    ("total_token_count", &["totalTokenCount"]),
];

/// A coding agent.
struct Agent {
    provider: &'static str,
    operation: &'static str,
    format: UsageFormat,
    counts: &'static [Count],
}

const CLAUDE_CODE: Agent =
    Agent { provider: "anthropic", operation: "chat", format: UsageFormat::Anthropic, counts: CLAUDE };
const CODEX_CLI: Agent =
    Agent { provider: "openai", operation: "responses", format: UsageFormat::OpenaiResponses, counts: CODEX };
const GEMINI_CLI: Agent = Agent { provider: "google", operation: "chat", format: UsageFormat::Gemini, counts: GEMINI };

/// A kind of record that tells of a call.
struct Emitter {
    name: &'static str,
    agent: Agent,
    /// Whether it tells of one that failed.
    failed: bool,
}

const EMITTERS: [Emitter; 5] = [
    Emitter { name: "claude_code.api_request", agent: CLAUDE_CODE, failed: false },
    Emitter { name: "claude_code.api_error", agent: CLAUDE_CODE, failed: true },
    Emitter { name: "codex.sse_event", agent: CODEX_CLI, failed: false },
    Emitter { name: "gemini_cli.api_response", agent: GEMINI_CLI, failed: false },
    Emitter { name: "gemini_cli.api_error", agent: GEMINI_CLI, failed: true },
];

/// OpenTelemetry's event of a call (GenAI conventions, events).
const DETAILS: &str = "gen_ai.client.inference.operation.details";

/// The record's name where it is one that is known: that of the event, or its body where Claude Code has the whole name.
pub(super) fn name(event_name: &str, body: Option<&Value>, attributes: &Attributes) -> String {
    let of_body = match body {
        Some(Value::Text(text)) => text.as_str(),
        _ => "",
    };
    let candidates = [event_name, of_body, attributes.word(EVENT_NAME).unwrap_or_default()];
    candidates.into_iter().find(|name| emitter(name).is_some() || *name == DETAILS).unwrap_or_default().to_owned()
}

fn emitter(name: &str) -> Option<&'static Emitter> {
    EMITTERS.iter().find(|emitter| emitter.name == name)
}

/// Reads the calls among the records of one request.
pub(super) fn read(records: &Records<Log>) -> Read {
    let has_agent = records.iter().flatten().any(|log| emitter(&log.name).is_some());
    let mut read = Read::default();
    for (place, log) in (0..).zip(records) {
        let Some(log) = log else {
            read.events.push((place, Err(Rejection::unread(unreadable()))));
            continue;
        };
        if has_agent && log.name == DETAILS {
            read.repeating += 1;
        } else if let Some(event) = one(log) {
            read.events.push((place, event));
        }
    }
    read
}

fn one(log: &Log) -> Option<ParsedEvent> {
    let Some(emitter) = emitter(&log.name) else { return counts(&log.attributes).then(|| Err(unread(log))) };
    let (agent, attributes) = (&emitter.agent, &log.attributes);
    let usage = usage_of(emitter, attributes);
    // Codex reports every event of a stream, and its end twice: what has counts is the call.
    if emitter.name == "codex.sse_event" {
        if usage.is_empty() {
            return None;
        }
        if attributes.word(KIND) != Some("response.completed") {
            return Some(Err(unread(log)));
        }
    }
    let id = identity(log, &usage);
    let Some(model) = attributes.word(MODEL) else {
        let sender = Sender { id: Some(id), provider: Some(agent.provider.to_owned()), ..Sender::default() };
        let problem = FieldProblem::new("/model", "required", "The log record names no model.");
        return Some(Err(Rejection::about(sender, problem)));
    };
    let mut event = EventInput {
        id: Some(id),
        timestamp: genai::instant(log.at),
        provider: provider(agent, model),
        model: fit::label(model).unwrap_or_default(),
        operation: Some(agent.operation.to_owned()),
        usage: Json::Object(usage),
        usage_format: Some(agent.format.as_str().to_owned()),
        service_tier: attributes.word(TIER).and_then(fit::label),
        interaction_id: attributes.any_text(INTERACTION).as_deref().and_then(fit::id),
        latency_ms: attributes.number(DURATION_MS).and_then(fit::millis),
        time_to_first_token_ms: attributes.number(FIRST_TOKEN_MS).and_then(fit::millis),
        user: attributes.any_text(USER).as_deref().and_then(fit::label),
        ..EventInput::default()
    };
    genai::cost(&mut event, attributes, COST);
    if emitter.failed {
        let kind = attributes.any_text(ERROR).unwrap_or_default();
        genai::failure(&mut event, &kind, &attributes.any_text(STATUS).unwrap_or_default());
    }
    genai::labels(&mut event, attributes);
    Some(Ok(event))
}

/// Whether a record counts tokens, whoever wrote it.
fn counts(attributes: &Attributes) -> bool {
    let mut own = [CLAUDE, CODEX, GEMINI].into_iter().flatten();
    usage::tells(attributes) || own.any(|(name, _)| attributes.count(&[*name]).is_some())
}

/// What is said of a record that counts tokens and is of no kind that is read.
fn unread(log: &Log) -> Box<Rejection> {
    let named = log.attributes.word(MODEL).map(str::to_owned);
    let model = named.or_else(|| genai::model(&log.attributes).map(Cow::into_owned));
    let detail = if log.name == DETAILS {
        "This event repeats what the span of its call says: send spans to /otlp/v1/traces."
    } else {
        "The log record counts tokens, but is none of those of Claude Code, Codex and Gemini CLI that are read."
    };
    Rejection::about(Sender { model, ..Sender::default() }, FieldProblem::new("", "unknown", detail))
}

/// The same agent can be pointed at another seller of the model, which the model's name tells.
fn provider(agent: &Agent, model: &str) -> String {
    match names::provider(None, model).as_str() {
        "unknown" => agent.provider.to_owned(),
        told => told.to_owned(),
    }
}

fn usage_of(emitter: &Emitter, attributes: &Attributes) -> Map<String, Json> {
    let mut usage = Map::new();
    for (attribute, path) in emitter.agent.counts {
        let count = attributes.count(&[attribute]).or_else(|| emitter.failed.then(|| json!(0)));
        let Some(count) = count else { continue };
        match path {
            [key] => drop(usage.insert((*key).to_owned(), count)),
            [outer, inner, ..] => usage.entry(*outer).or_insert_with(|| json!({}))[*inner] = count,
            [] => {}
        }
    }
    if emitter.agent.format == UsageFormat::Anthropic
        && let Some(speed) = attributes.word(SPEED)
    {
        usage.insert("speed".to_owned(), json!(speed));
    }
    usage
}

fn identity(log: &Log, usage: &Map<String, Json>) -> String {
    let mut parts = vec![log.name.clone(), log.at.to_string(), Json::Object(usage.clone()).to_string()];
    parts.extend(IDENTITY.iter().map(|names| log.attributes.any_text(names).unwrap_or_default()));
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    fit::hashed(&parts)
}
