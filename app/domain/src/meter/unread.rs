//! Numbers of a usage object that no rule read: kept and said, never passed over in silence.

use super::numbers::is_key;
use super::reader::ReadValues;
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::BTreeMap;

/// Most fields that are told of one event.
const MAX_FIELDS: usize = 16;

/// What a name is called that is none, and might be a prompt.
const UNNAMED: &str = "(unnamed)";

/// Fields that are known to say nothing of their own, wherever they stand.
const SAYS_NOTHING: [&str; 14] = [
    // Text is what is left of a total after everything that is billed apart.
    "text_tokens",
    // Predicted tokens are billed as the output that they are a part of.
    "accepted_prediction_tokens",
    "rejected_prediction_tokens",
    // How long it took (Groq).
    "queue_time",
    "prompt_time",
    "completion_time",
    "total_time",
    // What others make of it: money is no usage, and the reported cost is read where the event has it.
    "cost",
    "cost_in_usd_ticks",
    "cost_details",
    // Fetching pages is free, and code runs are billed by the hour of their container (Anthropic).
    "web_fetch_requests",
    "code_execution_requests",
    // They choose a price.
    "steps",
    "max_results",
];

/// A number above zero that no rule read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Where it stands, such as `tool_usage.web_search.num_requests`; elements of a list are one field.
    pub field: String,
    /// The number, summed over the elements of a list.
    pub quantity: Decimal,
}

/// What was not read, in the order of the names.
pub(super) fn unread(usage: &Value, read: &ReadValues) -> Vec<Unread> {
    let mut found = BTreeMap::new();
    collect(usage, &mut String::new(), read, &mut found);
    found.into_iter().map(|(field, quantity)| Unread { field, quantity }).collect()
}

fn collect(value: &Value, path: &mut String, read: &ReadValues, found: &mut BTreeMap<String, Decimal>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| !SAYS_NOTHING.contains(&key.as_str())) {
                let len = path.len();
                if len > 0 {
                    path.push('.');
                }
                path.push_str(if is_key(key) { key } else { UNNAMED });
                collect(value, path, read, found);
                path.truncate(len);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, path, read, found)),
        Value::Number(number) if !read.contains(value) => {
            let text = number.to_string();
            let quantity: Decimal = text.parse().or_else(|_| Decimal::from_scientific(&text)).unwrap_or(Decimal::MAX);
            if !quantity.is_zero() && (found.len() < MAX_FIELDS || found.contains_key(path)) {
                let sum = found.entry(path.clone()).or_default();
                *sum = sum.saturating_add(quantity);
            }
        }
        Value::Number(_) | Value::String(_) | Value::Bool(_) | Value::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Meter, UsageFormat, usage};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn unread(format: UsageFormat, value: &Value) -> Vec<(String, String)> {
        let used = usage(format, value).unwrap();
        used.unread.into_iter().map(|unread| (unread.field, unread.quantity.normalize().to_string())).collect()
    }

    #[test]
    fn a_number_that_no_rule_reads_is_told_with_its_place() {
        let value = json!({
            "input_tokens": 10, "output_tokens": 2, "total_tokens": 12, "new_tokens": 5, "zero_tokens": 0,
            "input_tokens_details": {"cached_tokens": 4, "text_tokens": 6},
            "parts": [{"made": 1.5}, {"made": 2}], "service_tier": "default", "flag": true,
        });
        let told = |field: &str, number: &str| (field.to_owned(), number.to_owned());
        assert_eq!(unread(UsageFormat::OpenaiResponses, &value), [told("new_tokens", "5"), told("parts.made", "3.5")]);
        let names = usage(UsageFormat::OpenaiResponses, &value).unwrap().unread_names();
        assert_eq!(names.as_deref(), Some("new_tokens,parts.made"));
    }

    #[test]
    fn a_name_that_might_be_a_prompt_is_not_told() {
        let value =
            json!({"prompt_tokens": 1, "completion_tokens": 1, "how much is it?": 3, "a": {"two words": {"b": 4}}});
        let told = |field: &str, number: &str| (field.to_owned(), number.to_owned());
        assert_eq!(unread(UsageFormat::OpenaiChat, &value), [told("(unnamed)", "3"), told("a.(unnamed).b", "4")]);
    }

    #[test]
    fn what_says_nothing_of_its_own_is_no_usage() {
        for (format, value) in [
            (
                UsageFormat::OpenaiChat,
                json!({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "total_time": 0.4,
                "completion_tokens_details": {"accepted_prediction_tokens": 2, "rejected_prediction_tokens": 1}}),
            ),
            (
                UsageFormat::Anthropic,
                json!({"input_tokens": 3, "output_tokens": 4,
                "server_tool_use": {"web_fetch_requests": 2}}),
            ),
            (UsageFormat::Cohere, json!({"billed_units": {"input_tokens": 3}, "tokens": {"input_tokens": 70}})),
            (UsageFormat::MistralOcr, json!({"pages_processed": 3, "doc_size_bytes": 40_000})),
            (UsageFormat::Meters, json!({"input_uncached": 3, "web_searches": 1})),
        ] {
            assert_eq!(unread(format, &value), [], "{format:?}");
        }
    }

    #[test]
    fn tools_of_the_provider_are_counted_in_every_shape() {
        let searches = |format, value: &Value| {
            let used = usage(format, value).unwrap();
            assert_eq!(used.unread, [], "{value}");
            used.total().get(Meter::WebSearches).to_string()
        };
        let answer = json!({"input_tokens": 100, "output_tokens": 10, "server_tool_use": {"web_search_requests": 2}});
        assert_eq!(searches(UsageFormat::OpenaiResponses, &answer), "2");
        assert_eq!(searches(UsageFormat::Anthropic, &answer), "2");
        let answer =
            json!({"input_tokens": 100, "output_tokens": 10, "tool_usage": {"web_search": {"num_requests": 3}}});
        assert_eq!(searches(UsageFormat::OpenaiResponses, &answer), "3");
        let both = json!({"prompt_tokens": 100, "completion_tokens": 10, "server_tool_use": {"web_search_requests": 2},
            "prompt_tokens_details": {"web_search_requests": 2}});
        assert_eq!(searches(UsageFormat::Litellm, &both), "2", "two names of the same searches");
        let grounded = json!({"promptTokenCount": 5, "candidatesTokenCount": 5, "totalTokenCount": 10,
            "groundingMetadata": {"webSearchQueries": ["rust", " rust", "", "axum"]}});
        assert_eq!(searches(UsageFormat::Gemini, &grounded), "2", "each query is billed once");
        let kept = super::super::numbers_only(&grounded);
        assert_eq!(kept["groundingMetadata"], json!({"webSearchQueries": 2}), "what was searched for is content");
        assert_eq!(searches(UsageFormat::Gemini, &kept), "2");
    }

    #[test]
    fn pictures_of_a_tool_are_a_call_of_the_image_model() {
        let value = json!({"input_tokens": 80, "output_tokens": 500, "total_tokens": 580,
            "tool_usage": {"image_gen": {"input_tokens": 0, "output_tokens": 7_024, "total_tokens": 7_024,
                "output_tokens_details": {"image_tokens": 7_024, "text_tokens": 0}}}});
        let used = usage(UsageFormat::OpenaiResponses, &value).unwrap();
        assert_eq!(used.unread, []);
        let [own, picture] = &used.parts[..] else { panic!("{used:?}") };
        assert_eq!((own.model.as_deref(), own.meters.tokens()), (None, 580));
        assert_eq!(picture.model.as_deref(), Some("gpt-image-2"));
        assert_eq!(picture.meters.get(Meter::OutputImage), 7_024.into());
    }

    proptest! {
        /// Whatever stands beside what is known: a number is read, or told.
        #[test]
        fn no_number_is_passed_over(name in "[a-z]{3,12}_(count|units)", number in 1_u64..1_000_000, depth in 0_usize..3) {
            let mut strange = json!({ name.clone(): number });
            for _ in 0..depth {
                strange = json!({ "nested": strange });
            }
            for (format, mut value) in [
                (UsageFormat::OpenaiChat, json!({"prompt_tokens": 3, "completion_tokens": 4})),
                (UsageFormat::OpenaiResponses, json!({"input_tokens": 3, "output_tokens": 4})),
                (UsageFormat::Anthropic, json!({"input_tokens": 3, "output_tokens": 4})),
                (UsageFormat::Gemini, json!({"promptTokenCount": 3, "candidatesTokenCount": 4})),
                (UsageFormat::BedrockConverse, json!({"inputTokens": 3, "outputTokens": 4})),
                (UsageFormat::Litellm, json!({"prompt_tokens": 3, "completion_tokens": 4})),
                (UsageFormat::Opentelemetry, json!({"input_tokens": 3, "output_tokens": 4})),
            ] {
                let before = usage(format, &value).unwrap();
                prop_assert_eq!(&before.unread, &[]);
                value.as_object_mut().unwrap().extend(strange.as_object().unwrap().clone());
                let used = usage(format, &value).unwrap();
                prop_assert_eq!(used.total(), before.total());
                prop_assert_eq!(used.unread.iter().map(|unread| unread.quantity).collect::<Vec<_>>(), [number.into()]);
            }
        }
    }
}
