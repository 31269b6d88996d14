//! Which shape a usage object has by its own names, where its provider is not known: servers of one's own and new sellers mostly copy a known one.

use super::UsageFormat;
use serde_json::{Map, Value};

/// A shape that cannot be taken for another.
struct Shape {
    format: UsageFormat,
    /// The operations whose usage has it.
    operations: &'static [&'static str],
    /// Names of which all are there.
    has: &'static [&'static str],
    /// Names of which one is there at least, where there are any.
    one_of: &'static [&'static str],
    /// All other names that may be there. A further one may be what others count beside the totals.
    may_have: &'static [&'static str],
    /// Counts that come to this total where it is told: others put something on top.
    sum: Option<(&'static [&'static str], &'static str)>,
}

const TEXT: &[&str] = &["chat", "completion", "responses"];

/// All of them: a closed list.
const SHAPES: [Shape; 5] = [
    Shape {
        format: UsageFormat::OpenaiChat,
        operations: &["chat", "completion"],
        has: &["prompt_tokens"],
        one_of: &["completion_tokens", "total_tokens"],
        may_have: &["prompt_tokens_details", "completion_tokens_details"],
        sum: Some((&["prompt_tokens", "completion_tokens"], "total_tokens")),
    },
    Shape {
        format: UsageFormat::OpenaiResponses,
        operations: TEXT,
        has: &["input_tokens", "output_tokens"],
        one_of: &["input_tokens_details", "output_tokens_details"],
        may_have: &["total_tokens"],
        sum: Some((&["input_tokens", "output_tokens"], "total_tokens")),
    },
    Shape {
        format: UsageFormat::OpenaiEmbeddings,
        operations: &["embeddings"],
        has: &["prompt_tokens", "total_tokens"],
        one_of: &[],
        may_have: &["completion_tokens", "prompt_tokens_details"],
        sum: Some((&["prompt_tokens", "completion_tokens"], "total_tokens")),
    },
    Shape {
        format: UsageFormat::Anthropic,
        operations: TEXT,
        has: &["input_tokens", "output_tokens"],
        one_of: &["cache_creation_input_tokens", "cache_read_input_tokens"],
        may_have: &["cache_creation", "server_tool_use", "service_tier", "inference_geo", "speed", "iterations"],
        sum: None,
    },
    Shape {
        format: UsageFormat::Gemini,
        operations: TEXT,
        has: &["promptTokenCount", "totalTokenCount"],
        one_of: &[],
        may_have: &[
            "candidatesTokenCount",
            "cachedContentTokenCount",
            "thoughtsTokenCount",
            "toolUsePromptTokenCount",
            "promptTokensDetails",
            "candidatesTokensDetails",
            "cacheTokensDetails",
            "toolUsePromptTokensDetails",
            "trafficType",
        ],
        sum: None,
    },
];

impl UsageFormat {
    /// The format whose own names a usage object has, and no others; none where two could be meant.
    #[must_use]
    pub fn by_shape(usage: &Value, operation: &str) -> Option<Self> {
        let usage = usage.as_object()?;
        SHAPES.iter().find(|shape| shape.fits(usage, operation)).map(|shape| shape.format)
    }
}

impl Shape {
    fn fits(&self, usage: &Map<String, Value>, operation: &str) -> bool {
        let is_there = |name: &&str| usage.get(*name).is_some_and(|value| !value.is_null());
        let is_known =
            |name: &String| [self.has, self.one_of, self.may_have].iter().any(|all| all.contains(&name.as_str()));
        self.operations.contains(&operation)
            && self.has.iter().all(is_there)
            && (self.one_of.is_empty() || self.one_of.iter().any(is_there))
            && usage.iter().all(|(name, value)| value.is_null() || is_known(name))
            && self.adds_up(usage)
    }

    fn adds_up(&self, usage: &Map<String, Value>) -> bool {
        let count = |name: &str| usage.get(name).and_then(Value::as_u64);
        self.sum.is_none_or(|(parts, total)| {
            count(total)
                .is_none_or(|total| parts.iter().filter_map(|part| count(part)).fold(0, u64::saturating_add) == total)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_unmistakable_shapes_are_known() {
        let chat =
            json!({"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15, "prompt_tokens_details": null});
        let responses = json!({"input_tokens": 12, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3, "total_tokens": 15});
        let anthropic = json!({"input_tokens": 12, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 0, "output_tokens": 3});
        let gemini = json!({"promptTokenCount": 12, "candidatesTokenCount": 3, "totalTokenCount": 15});
        for (usage, operation, format) in [
            (&chat, "chat", Some(UsageFormat::OpenaiChat)),
            (&responses, "responses", Some(UsageFormat::OpenaiResponses)),
            (&responses, "chat", Some(UsageFormat::OpenaiResponses)),
            (&json!({"prompt_tokens": 12, "total_tokens": 12}), "embeddings", Some(UsageFormat::OpenaiEmbeddings)),
            (&anthropic, "chat", Some(UsageFormat::Anthropic)),
            (&gemini, "chat", Some(UsageFormat::Gemini)),
            // Whether the input contains what was cached cannot be seen.
            (&json!({"input_tokens": 12, "output_tokens": 3}), "chat", None),
            (&json!({"inputTokens": 12, "outputTokens": 3, "totalTokens": 15}), "chat", None),
            // Something comes on top, or stands beside.
            (&json!({"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 20}), "chat", None),
            (&json!({"prompt_tokens": 12, "completion_tokens": 3, "cached_tokens": 4}), "chat", None),
            (&json!({"prompt_tokens": 12, "completion_tokens": 3, "cache_read_input_tokens": 4}), "chat", None),
            (&json!({"prompt_tokens": 12, "completion_tokens": 3, "prompt_cache_hit_tokens": 4}), "chat", None),
            (&chat, "image", None),
            (&json!({}), "chat", None),
            (&json!([]), "chat", None),
        ] {
            assert_eq!(UsageFormat::by_shape(usage, operation), format, "{usage}");
        }
    }

    #[test]
    fn what_is_known_can_be_read() {
        for shape in &SHAPES {
            let names = shape.has.iter().chain(shape.one_of.iter().filter(|name| !name.ends_with("_details")));
            let mut usage: Map<String, Value> = names.map(|name| ((*name).to_owned(), json!(1))).collect();
            if let Some((parts, total)) = shape.sum {
                let sum = parts.iter().filter(|part| usage.contains_key(**part)).count();
                usage.insert(total.to_owned(), json!(sum));
            }
            if let Some(details) = shape.one_of.iter().find(|name| name.ends_with("_details")) {
                usage.insert((*details).to_owned(), json!({}));
            }
            let usage = Value::Object(usage);
            assert_eq!(UsageFormat::by_shape(&usage, shape.operations[0]), Some(shape.format), "{usage}");
            assert!(super::super::usage(shape.format, &usage).is_ok(), "{usage}");
        }
    }
}
