//! The usage object of a span: what the provider itself counted where an instrumentation passes that on, else the counts of the conventions.

use super::Span;
use super::attribute_keys::{COUNTS, INPUT, LANGFUSE_USAGE, OUTPUT, PROVIDER_METADATA, PYTHON_USAGE, RAW_USAGE};
use super::attributes::Attributes;
use domain::meter::{UsageFormat, usage};
use serde_json::{Map, Value, json};

/// Instrumentations whose input leaves cache reads and writes out, although the conventions count them in.
const EXCLUSIVE_SCOPES: [&str; 1] = ["opentelemetry.instrumentation.bedrock"];
/// Instrumentations whose output leaves Gemini's thoughts out.
const THOUGHTS_ON_TOP_SCOPES: [&str; 1] = ["openlit"];

/// What a span counted.
pub(super) struct Counted {
    pub(super) usage: Value,
    pub(super) format: UsageFormat,
}

/// Whether anything was counted.
pub(super) fn has_usage(attributes: &Attributes) -> bool {
    let named = |names: &[&str]| attributes.count(names).is_some();
    named(INPUT)
        || named(OUTPUT)
        || [LANGFUSE_USAGE, RAW_USAGE].into_iter().any(|name| object(attributes, name).is_some())
}

/// Whether the record has any attribute of usage, under names that are read or not.
pub(super) fn tells(attributes: &Attributes) -> bool {
    has_usage(attributes)
        || attributes.has_unknown_usage()
        || attributes.word(PYTHON_USAGE).is_some()
        || COUNTS.iter().any(|(_, names)| attributes.count(names).is_some())
}

/// Whether everything that was counted is zero: no answer has no tokens, so nobody counted.
pub(super) fn is_zero(counted: &Counted) -> bool {
    usage(counted.format, &counted.usage).is_ok_and(|used| used.total().is_empty() && used.unread.is_empty())
}

/// What a span of this provider counted.
pub(super) fn counted(span: &Span, provider: &str, operation: &str) -> Counted {
    let attributes = &span.attributes;
    let own = [of_provider, raw, of_proxy, of_langfuse];
    own.into_iter()
        .find_map(|read| read(attributes, provider, operation).filter(|own| usage(own.format, &own.usage).is_ok()))
        .unwrap_or_else(|| by_convention(span, provider))
}

/// Anthropic's, Google's own counts, which the AI SDK passes on: only those tell cache writes by their time, and thoughts.
fn of_provider(attributes: &Attributes, _: &str, _: &str) -> Option<Counted> {
    let metadata = object(attributes, PROVIDER_METADATA)?;
    let own = [
        ("/anthropic/usage", "input_tokens", UsageFormat::Anthropic),
        ("/google/usageMetadata", "promptTokenCount", UsageFormat::Gemini),
        ("/vertex/usageMetadata", "promptTokenCount", UsageFormat::Gemini),
    ];
    own.into_iter().find_map(|(pointer, input, format)| {
        let usage = metadata.pointer(pointer).filter(|usage| usage.get(input).is_some_and(Value::is_number))?;
        Some(Counted { usage: usage.clone(), format })
    })
}

fn raw(attributes: &Attributes, provider: &str, operation: &str) -> Option<Counted> {
    let format = UsageFormat::default_for(provider, operation)?;
    Some(Counted { usage: object(attributes, RAW_USAGE)?, format })
}

/// LiteLLM's, in the form in which Python shows a dictionary of numbers.
fn of_proxy(attributes: &Attributes, _: &str, _: &str) -> Option<Counted> {
    let python = attributes.word(PYTHON_USAGE)?;
    let written = python.replace('\'', "\"").replace("None", "null").replace("True", "true").replace("False", "false");
    let usage = serde_json::from_str(&written).ok().filter(Value::is_object)?;
    Some(Counted { usage, format: UsageFormat::Litellm })
}

/// Langfuse's `usage_details`: a provider's own object, or names of Langfuse, whose parts do not overlap.
fn of_langfuse(attributes: &Attributes, provider: &str, operation: &str) -> Option<Counted> {
    let usage = object(attributes, LANGFUSE_USAGE)?;
    let details = usage.as_object()?;
    if details.contains_key("prompt_tokens") {
        return Some(Counted { usage, format: UsageFormat::Litellm });
    }
    if !details.contains_key("input") && !details.contains_key("output") {
        return Some(Counted { usage, format: UsageFormat::default_for(provider, operation)? });
    }
    let sum = |begin: &str, words: &[&str]| -> u64 {
        let wanted = |name: &str| name.starts_with(begin) && words.iter().all(|word| name.contains(word));
        details.iter().filter(|(name, _)| wanted(name)).filter_map(|(_, count)| count.as_u64()).sum()
    };
    let read = sum("input", &["cache_read"]) + sum("input", &["cached"]) + sum("cache_read", &[]);
    let written = sum("input", &["cache_creation"]) + sum("cache_creation", &[]);
    let usage = json!({
        "input_tokens": sum("input", &[]) + sum("cache_read", &[]) + sum("cache_creation", &[]),
        "output_tokens": sum("output", &[]),
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "reasoning_output_tokens": sum("output", &["reasoning"]),
        "audio_input_tokens": sum("input", &["audio"]),
        "audio_output_tokens": sum("output", &["audio"]),
    });
    Some(Counted { usage, format: UsageFormat::Opentelemetry })
}

/// The counts of the conventions, and what was counted under names that nobody knows.
fn by_convention(span: &Span, provider: &str) -> Counted {
    let mut usage = Map::new();
    for (key, names) in COUNTS {
        if let Some(count) = span.attributes.count(names) {
            usage.insert(key.to_owned(), count);
        }
    }
    if EXCLUSIVE_SCOPES.contains(&span.scope.as_str()) {
        let parts = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
        let input = parts.iter().filter_map(|part| usage.get(*part)?.as_u64()).sum::<u64>();
        usage.insert("input_tokens".to_owned(), json!(input));
        // It leaves them out of its total as well.
        usage.remove("total_tokens");
    }
    if provider == "google" {
        add_thoughts(&mut usage, &span.scope);
    }
    span.attributes.add_unknown_usage(&mut usage);
    Counted { usage: Value::Object(usage), format: UsageFormat::Opentelemetry }
}

/// Gemini's thoughts come on top of its answer: some tell them only as what the total has over, others without a total.
fn add_thoughts(usage: &mut Map<String, Value>, scope: &str) {
    let count = |usage: &Map<String, Value>, key: &str| usage.get(key).and_then(Value::as_u64);
    let plain = count(usage, "input_tokens").unwrap_or(0) + count(usage, "output_tokens").unwrap_or(0);
    match (count(usage, "total_tokens"), count(usage, "reasoning_output_tokens")) {
        (Some(total), None | Some(0)) if total > plain => {
            usage.insert("reasoning_output_tokens".to_owned(), json!(total - plain));
        }
        (None, Some(thoughts)) if THOUGHTS_ON_TOP_SCOPES.contains(&scope) => {
            usage.insert("total_tokens".to_owned(), json!(plain + thoughts));
        }
        _ => {}
    }
}

/// An attribute that is a JSON object.
pub(super) fn object(attributes: &Attributes, names: super::attribute_keys::Names) -> Option<Value> {
    serde_json::from_str::<Value>(attributes.word(names)?).ok().filter(Value::is_object)
}
