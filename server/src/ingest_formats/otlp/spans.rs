//! Which spans are calls of a model: only the leaves are billed.
//!
//! Agents, workflows and gateways repeat the usage of the calls inside them.
//! 1. A span that says it is an agent, a workflow, a tool or the AI SDK's outer span is none, whatever it counts.
//! 2. A span with a counted call below it in the same request is none: OpenRouter's generation above its attempts, a framework's call above the client's. A failed one above a failed one is the same attempt.
//! 3. A span that does not say what it is counts when it has usage and a model. One that has only one of them is listed as refused: what looks like a call is never passed over in silence.
//! 4. A call inherits what only a span above it says that is passed over: who, for which feature, in which session.
//!
//! A span ends after those below it, so a request never holds a parent whose children come later.
//! Where the children came in an earlier request, rule 1 holds for everything that says what it is; a framework's call above a client's is then recorded as a second event, and shown as a suspected double by the id of the provider's answer.

use super::attribute_keys::{AGENT, AI_SDK, INFERENCE_KIND, LANGFUSE_KIND, OPERATION, REQUEST_TYPE, WRAPPER_KIND};
use super::{Records, Span, genai, unreadable, usage};
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
    let tree = Tree::of(spans);
    (0..)
        .zip(spans)
        .filter_map(|(place, span)| {
            let Some(span) = span else { return Some((place, Err(Rejection::unread(unreadable())))) };
            if tree.above_calls.contains(&key(span)) {
                return None;
            }
            Some((place, one(span, &tree)?))
        })
        .collect()
}

fn one(span: &Span, tree: &Tree<'_>) -> Option<ParsedEvent> {
    let attributes = &span.attributes;
    let has_usage = usage::has_usage(attributes);
    let model = genai::model(attributes);
    let operation = match kind(span) {
        Kind::Inference(operation) => operation,
        Kind::Unsaid if has_usage => "chat".to_owned(),
        Kind::Unsaid | Kind::Wrapper => return None,
    };
    let provider = genai::provider(span, model.as_deref().unwrap_or_default());
    let refuse = |pointer: &str, detail: &str| {
        let sender = Sender {
            id: (!span.span_id.is_empty()).then(|| format!("{}-{}", span.trace_id, span.span_id)),
            provider: Some(provider.clone()),
            model: model.as_deref().map(str::to_owned),
            project: None,
        };
        Some(Err(Box::new(Rejection { sender, problem: FieldProblem::new(pointer, "required", detail) })))
    };
    if is_nothing(&span.trace_id) || is_nothing(&span.span_id) {
        return refuse("/id", "A span needs its trace id and span id.");
    }
    let Some(model) = model.as_deref() else { return refuse("/model", "The span names no model.") };
    let counted = usage::counted(span, &provider, &operation);
    if !span.failed && (!has_usage || usage::is_zero(&counted)) {
        let detail = "The span of this call counts no tokens: let the instrumentation record usage, for streams too.";
        return refuse("/usage", detail);
    }
    let mut whole = span.clone();
    for above in tree.above(span) {
        for names in genai::INHERITED {
            if whole.attributes.any_text(names).is_none() {
                whole.attributes.inherit(&above.attributes, names);
            }
        }
    }
    Some(Ok(genai::event(&whole, model, &operation, counted)))
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
    if let Some(kind) = attributes.word(LANGFUSE_KIND) {
        return match kind.to_ascii_lowercase().as_str() {
            "generation" => Kind::Inference("chat".to_owned()),
            "embedding" => Kind::Inference("embeddings".to_owned()),
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
    let is_call = matches!(kind(span), Kind::Inference(_) | Kind::Unsaid);
    is_call && usage::has_usage(&span.attributes) && genai::model(&span.attributes).is_some()
}

/// Whether a span is a call that failed before anything was counted.
fn failed(span: &Span) -> bool {
    span.failed && matches!(kind(span), Kind::Inference(_)) && !usage::has_usage(&span.attributes)
}

type Key<'a> = (&'a str, &'a str);

fn key(span: &Span) -> Key<'_> {
    (&span.trace_id, &span.span_id)
}

/// How the spans of one request lie above each other.
struct Tree<'a> {
    spans: HashMap<Key<'a>, &'a Span>,
    /// Every span that only repeats a call below it.
    above_calls: HashSet<Key<'a>>,
}

impl<'a> Tree<'a> {
    fn of(spans: &'a Records<Span>) -> Self {
        let readable = || spans.iter().flatten().filter(|span| !span.span_id.is_empty());
        let mut tree = Self { spans: readable().map(|span| (key(span), span)).collect(), above_calls: HashSet::new() };
        for span in readable().filter(|span| counts(span)) {
            let mut parent = span.parent_id.as_str();
            for _ in 0..MAX_DEPTH {
                // Where one came before, all above it are there already.
                if is_nothing(parent) || parent == span.span_id || !tree.above_calls.insert((&span.trace_id, parent)) {
                    break;
                }
                let Some(next) = tree.spans.get(&(span.trace_id.as_str(), parent)) else { break };
                parent = &next.parent_id;
            }
        }
        for span in readable().filter(|span| failed(span)) {
            let same_attempt: Vec<Key<'a>> = tree.above(span).take_while(|above| failed(above)).map(key).collect();
            tree.above_calls.extend(same_attempt);
        }
        tree
    }

    /// The spans above one, nearest first.
    fn above(&self, span: &Span) -> impl Iterator<Item = &'a Span> {
        let mut parent = self.spans.get(&(span.trace_id.as_str(), span.parent_id.as_str())).copied();
        std::iter::from_fn(move || {
            let above = parent?;
            parent = self.spans.get(&(above.trace_id.as_str(), above.parent_id.as_str())).copied();
            Some(above)
        })
        .take(MAX_DEPTH)
    }
}
