//! Which spans are calls of a model: only the leaves are billed.
//!
//! Agents, workflows and gateways repeat the usage of the calls inside them.
//! 1. A span that says it is an agent, a workflow, a tool or the AI SDK's outer span is none, whatever it counts.
//! 2. A span with a counted call below it in the same request is none: OpenRouter's generation above its attempts, a framework's call above the client's.
//! 3. A span that does not say what it is counts when it has usage and a model.
//!
//! A span ends after those below it, so a request never holds a parent whose children come later.
//! Where the children came in an earlier request, rule 1 holds for everything that says what it is; a framework's call above a client's is then recorded as a second event, and shown as a suspected double by the id of the provider's answer.

use super::attribute_keys::{AGENT, AI_SDK, INFERENCE_KIND, OPERATION, REQUEST_TYPE, WRAPPER_KIND};
use super::{Records, Span, genai, unreadable};
use crate::ingest_formats::{IndexedEvents, ParsedEvent, Rejection, names};
use domain::event::Sender;
use domain::problem::FieldProblem;
use std::collections::{HashMap, HashSet};

/// Longest chain of parents that is followed.
const MAX_DEPTH: usize = 64;

/// What a span says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// A call of a model, with its operation.
    Inference(String),
    /// Something around it.
    Wrapper,
    /// It does not say.
    Unsaid,
}

/// Reads the calls among the spans of one request.
pub(super) fn read(spans: &Records<Span>) -> IndexedEvents {
    let above = above_counted(spans);
    (0..)
        .zip(spans)
        .filter_map(|(place, span)| {
            let Some(span) = span else { return Some((place, Err(Rejection::unread(unreadable())))) };
            if above.contains(&(span.trace_id.as_str(), span.span_id.as_str())) {
                return None;
            }
            Some((place, one(span)?))
        })
        .collect()
}

fn one(span: &Span) -> Option<ParsedEvent> {
    let attributes = &span.attributes;
    let counted = genai::has_usage(attributes);
    let operation = match kind(span) {
        Kind::Inference(operation) => operation,
        Kind::Unsaid if counted && genai::model(attributes).is_some() => "chat".to_owned(),
        Kind::Unsaid | Kind::Wrapper => return None,
    };
    let refuse = |pointer: &str, detail: &str| {
        let model = genai::model(attributes);
        let sender = Sender {
            id: (!span.span_id.is_empty()).then(|| format!("{}-{}", span.trace_id, span.span_id)),
            provider: Some(genai::provider(attributes, model.unwrap_or_default())),
            model: model.map(str::to_owned),
            project: None,
        };
        Some(Err(Box::new(Rejection { sender, problem: FieldProblem::new(pointer, "required", detail) })))
    };
    if is_nothing(&span.trace_id) || is_nothing(&span.span_id) {
        return refuse("/id", "A span needs its trace id and span id.");
    }
    let Some(model) = genai::model(attributes) else { return refuse("/model", "The span names no model.") };
    if !counted && !span.failed {
        let detail = "The span of this call counts no tokens: let the instrumentation record usage, for streams too.";
        return refuse("/usage", detail);
    }
    Some(Ok(genai::event(span, model, &operation)))
}

fn is_nothing(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

/// What a span says it is: what only one library writes before what many write.
fn kind(span: &Span) -> Kind {
    let attributes = &span.attributes;
    if let Some(operation) = attributes.word(AI_SDK) {
        return ai_sdk(operation);
    }
    if let Some(operation) = attributes.word(OPERATION) {
        return conventional(operation);
    }
    if let Some(kind) = attributes.word(INFERENCE_KIND) {
        return match kind {
            "LLM" | "EMBEDDING" | "RERANKER" => Kind::Inference(names::operation(kind)),
            _ => Kind::Wrapper,
        };
    }
    if let Some(kind) = attributes.word(REQUEST_TYPE) {
        return match kind {
            "completion" => Kind::Inference("completion".to_owned()),
            "chat" | "embedding" | "rerank" => Kind::Inference(names::operation(kind)),
            _ => Kind::Unsaid,
        };
    }
    // The AI SDK's spans without its own name of the operation, and agents from before there was a name for them.
    let is_wrapper = span.scope == "ai" || attributes.word(WRAPPER_KIND).is_some() || attributes.word(AGENT).is_some();
    if is_wrapper { Kind::Wrapper } else { Kind::Unsaid }
}

/// `gen_ai.operation.name`.
fn conventional(operation: &str) -> Kind {
    match operation {
        "chat" | "text_completion" | "completion" | "generate_content" | "embeddings" | "embedding" | "responses"
        | "image_generation" | "generate_image" | "transcription" | "speech" | "text_to_speech" | "rerank" | "ocr"
        | "realtime" | "moderation" | "acompletion" | "aembedding" | "atext_completion" | "aresponses"
        | "anthropic_messages" => Kind::Inference(names::operation(operation)),
        "create_agent" | "invoke_agent" | "invoke_workflow" | "execute_tool" | "retrieval" | "plan" => Kind::Wrapper,
        _ => Kind::Unsaid,
    }
}

/// Vercel's AI SDK counts in its outer spans what `doGenerate` and its like count inside.
fn ai_sdk(operation: &str) -> Kind {
    match operation.rsplit('.').next() {
        Some("doGenerate" | "doStream") => Kind::Inference("chat".to_owned()),
        Some("doEmbed") => Kind::Inference("embeddings".to_owned()),
        Some("doRerank") => Kind::Inference("rerank".to_owned()),
        _ => Kind::Wrapper,
    }
}

/// Whether a span's usage is that of a call, so that spans above it only repeat it.
fn counts(span: &Span) -> bool {
    genai::has_usage(&span.attributes) && kind(span) != Kind::Wrapper && genai::model(&span.attributes).is_some()
}

/// Every span that has a counted call below it in this request.
fn above_counted(spans: &Records<Span>) -> HashSet<(&str, &str)> {
    let readable = || spans.iter().flatten().filter(|span| !span.span_id.is_empty());
    let parents: HashMap<(&str, &str), &str> =
        readable().map(|span| ((span.trace_id.as_str(), span.span_id.as_str()), span.parent_id.as_str())).collect();
    let mut above = HashSet::new();
    for span in readable().filter(|span| counts(span)) {
        let trace = span.trace_id.as_str();
        let mut parent = span.parent_id.as_str();
        for _ in 0..MAX_DEPTH {
            // Where one came before, all above it are there already.
            if is_nothing(parent) || parent == span.span_id || !above.insert((trace, parent)) {
                break;
            }
            let Some(next) = parents.get(&(trace, parent)) else { break };
            parent = next;
        }
    }
    above
}
