//! Which spans are calls of a model: what several tell of one call is counted once.
//!
//! Agents, workflows and gateways repeat the usage of the calls inside them.
//! 1. A span with a counted call below it in the same request is none: OpenRouter's generation above its attempts, a framework's call above the client's. A failed one above a failed one is the same attempt.
//! 2. A span that says it is an agent, a workflow, a tool or the AI SDK's outer span is none while calls of its trace are known; alone, it is all that tells what was used.
//! 3. A span that does not say what it is counts when it has usage and a model.
//! 4. What looks like a call and cannot be recorded is refused and listed: nothing is passed over in silence.
//! 5. A call inherits what only a span above it says that is passed over: who, for which feature, in which session.
//!
//! Where spans of one trace come in several requests, `backend::ledger::traces` knows what came before; each event tells it where it stands.

use super::attribute_keys::{AGENT, AI_SDK, INFERENCE_KIND, LANGFUSE_KIND, OPERATION, REQUEST_TYPE, WRAPPER_KIND};
use super::attributes::Attributes;
use super::{Read, Records, Span, genai, unreadable, usage};
use crate::ingest_formats::{ParsedEvent, Rejection, names};
use chrono::{DateTime, Utc};
use domain::event::{Sender, TraceSpan};
use domain::problem::FieldProblem;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Longest chain of parents that is followed.
const MAX_DEPTH: usize = 64;
/// The latest second of the year 9999.
const LATEST: i64 = 253_402_300_799;
/// What a word has in it that names a call of a model.
const CALL_WORDS: [&str; 9] = ["chat", "complet", "embed", "generat", "infer", "llm", "rerank", "speech", "transcri"];

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

/// What a span tells of, seen alone.
struct Telling {
    operation: String,
    /// Whether it says that it stands around calls.
    is_outer: bool,
}

/// What a span inherits, and where it stands among those of its request.
struct Standing {
    /// A span below tells the same.
    is_repeated: bool,
    /// A counted call of its trace came with it.
    has_calls: bool,
    /// The nearest span above that is not here.
    above: Option<u64>,
    inherited: Attributes,
}

/// Reads the calls among the spans of one request.
pub(super) fn read(spans: Records<Span>) -> Read {
    let standings: Vec<Option<Standing>> = {
        let tree = Tree::of(&spans);
        spans.iter().map(|span| Some(tree.standing(span.as_ref()?))).collect()
    };
    let mut read = Read::default();
    for (place, (span, standing)) in (0..).zip(spans.into_iter().zip(standings)) {
        let (Some(span), Some(standing)) = (span, standing) else {
            read.events.push((place, Err(Rejection::unread(unreadable()))));
            continue;
        };
        let Some(telling) = telling(&span) else { continue };
        if standing.is_repeated {
            read.repeating += 1;
            continue;
        }
        let is_around_calls = telling.is_outer && standing.has_calls;
        match one(span, telling, standing) {
            Err(_) if is_around_calls => read.repeating += 1,
            event => read.events.push((place, event)),
        }
    }
    read
}

/// What the span tells of; none where it does not look like a call of a model.
fn telling(span: &Span) -> Option<Telling> {
    let is_used = || usage::tells(&span.attributes);
    let (operation, is_outer) = match kind(span) {
        Kind::Inference(operation) => (operation, false),
        Kind::Unsaid if is_used() || names_call(&span.attributes) => ("chat".to_owned(), false),
        // An agent that counted nothing did not call.
        Kind::Wrapper if is_used() && !usage::is_zero(&usage::counted(span, "", "")) => {
            (outer_operation(&span.attributes).to_owned(), true)
        }
        Kind::Unsaid | Kind::Wrapper => return None,
    };
    Some(Telling { operation, is_outer })
}

/// Whether an operation that nobody knows has the name of a call.
fn names_call(attributes: &Attributes) -> bool {
    let words = [OPERATION, REQUEST_TYPE].into_iter().filter_map(|names| attributes.word(names));
    words.map(str::to_ascii_lowercase).any(|word| CALL_WORDS.iter().any(|part| word.contains(part)))
}

/// What an outer span did that tells of the calls inside it.
fn outer_operation(attributes: &Attributes) -> &'static str {
    let is_embedding = attributes.word(AI_SDK).is_some_and(|operation| operation.starts_with("ai.embed"));
    if is_embedding { "embeddings" } else { "chat" }
}

fn one(mut span: Span, telling: Telling, standing: Standing) -> ParsedEvent {
    let Telling { operation, is_outer } = telling;
    let model = genai::model(&span.attributes).map(Cow::into_owned);
    let provider = genai::provider(&span, model.as_deref().unwrap_or_default());
    let place = trace_span(&span, standing.above, is_outer).map(Box::new);
    let refuse = |span: &Span, pointer: &str, detail: &str| {
        let sender = Sender {
            id: (!span.span_id.is_empty()).then(|| format!("{}-{}", span.trace_id, span.span_id)),
            provider: Some(provider.clone()),
            model: model.clone(),
            project: None,
        };
        let problem = FieldProblem::new(pointer, "required", detail);
        Err(Box::new(Rejection { sender, problem, span: place.clone() }))
    };
    if is_nothing(&span.trace_id) || is_nothing(&span.span_id) {
        return refuse(&span, "/id", "A span needs its trace id and span id.");
    }
    let Some(named) = model.as_deref() else { return refuse(&span, "/model", "The span names no model.") };
    let counted = usage::counted(&span, &provider, &operation);
    let has_usage = usage::has_usage(&span.attributes);
    if !span.failed && !has_usage && usage::tells(&span.attributes) {
        let detail = "The span counts usage, but neither input nor output under names that are read.";
        return refuse(&span, "/usage", detail);
    }
    if !span.failed && (!has_usage || usage::is_zero(&counted)) {
        let detail = "The span of this call counts no tokens: let the instrumentation record usage, for streams too.";
        return refuse(&span, "/usage", detail);
    }
    span.attributes = span.attributes.over(&standing.inherited);
    let mut event = genai::event(&span, named, &operation, counted);
    event.span = place;
    Ok(event)
}

/// Where the span stands in its trace; none where its ids are no ids of a trace.
fn trace_span(span: &Span, above: Option<u64>, is_outer: bool) -> Option<TraceSpan> {
    let at = |nanos| genai::instant(nanos).map(|at| at.to_utc());
    Some(TraceSpan {
        trace_id: u128::from_str_radix(&span.trace_id, 16).ok()?,
        span_id: span_id(&span.span_id)?,
        above,
        began: at(span.start).unwrap_or(DateTime::<Utc>::UNIX_EPOCH),
        ended: at(span.end).or_else(|| DateTime::from_timestamp(LATEST, 0))?,
        service: span.attributes.any_text(&["service.name"]).unwrap_or_default(),
        scope: span.scope.clone(),
        is_outer,
    })
}

fn span_id(hex: &str) -> Option<u64> {
    u64::from_str_radix(hex, 16).ok()
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
        return match kind.to_ascii_uppercase().as_str() {
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
    /// Traces with a counted call.
    called: HashSet<&'a str>,
}

impl<'a> Tree<'a> {
    fn of(spans: &'a Records<Span>) -> Self {
        let readable = || spans.iter().flatten().filter(|span| !span.span_id.is_empty());
        let mut tree = Self {
            spans: readable().map(|span| (key(span), span)).collect(),
            above_calls: HashSet::new(),
            called: HashSet::new(),
        };
        for span in readable().filter(|span| counts(span)) {
            tree.called.insert(&span.trace_id);
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
        for span in readable().filter(|span| telling(span).is_some_and(|telling| telling.is_outer)) {
            let outer: Vec<Key<'a>> = tree.above(span).filter(|above| kind(above) == Kind::Wrapper).map(key).collect();
            tree.above_calls.extend(outer);
        }
        tree
    }

    fn standing(&self, span: &Span) -> Standing {
        let mut inherited = Attributes::default();
        for above in self.above(span) {
            for names in genai::INHERITED {
                if span.attributes.any_text(names).is_none() && inherited.any_text(names).is_none() {
                    inherited.inherit(&above.attributes, names);
                }
            }
        }
        Standing {
            is_repeated: self.above_calls.contains(&key(span)),
            has_calls: self.called.contains(span.trace_id.as_str()),
            above: self.elsewhere(span),
            inherited,
        }
    }

    /// The id of the nearest span above that did not come with it; none at the top, or where parents go round in a circle.
    fn elsewhere(&self, span: &Span) -> Option<u64> {
        let mut parent = span.parent_id.as_str();
        for _ in 0..MAX_DEPTH {
            if is_nothing(parent) || parent == span.span_id {
                return None;
            }
            match self.spans.get(&(span.trace_id.as_str(), parent)) {
                Some(above) => parent = &above.parent_id,
                None => return span_id(parent),
            }
        }
        None
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
