use super::*;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn leaves(format: UsageFormat, usage: Value) -> Value {
    serde_json::to_value(meters(format, &usage).unwrap()).unwrap()
}

/// The first fault: (pointer, code).
fn fault(format: UsageFormat, usage: Value) -> (String, String) {
    let faults = meters(format, &usage).unwrap_err();
    (faults[0].pointer.clone(), faults[0].code.clone())
}

#[test]
fn every_meter_has_one_word_and_fallbacks_of_its_own_unit() {
    for &meter in Meter::ALL {
        assert_eq!(Meter::parse(meter.as_str()), Some(meter));
        assert_eq!(serde_json::from_value::<Meter>(json!(meter.as_str())).unwrap(), meter);
        for fallback in meter.fallbacks() {
            assert_eq!(fallback.unit(), meter.unit(), "{meter}");
            assert_eq!(fallback.is_input_token(), meter.is_input_token(), "{meter}");
        }
        assert_eq!(meter.is_input_token(), meter.is_token() && meter.as_str().starts_with("input"), "{meter}");
    }
    for &format in UsageFormat::ALL {
        assert_eq!(format.as_str().parse::<UsageFormat>().unwrap(), format);
        assert_eq!(serde_json::to_value(format).unwrap(), json!(format.as_str()));
    }
}

#[test]
fn openai_chat_cached_and_reasoning_tokens_are_parts() {
    let usage = json!({
        "prompt_tokens": 16315, "completion_tokens": 2343, "total_tokens": 18658,
        "prompt_tokens_details": {"cached_tokens": 12812, "audio_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 43, "audio_tokens": 0, "accepted_prediction_tokens": 7, "rejected_prediction_tokens": 5},
    });
    assert_eq!(
        leaves(UsageFormat::OpenaiChat, usage),
        json!({"input_uncached": 3500, "input_cache_read": 12812, "input_audio": 3, "output": 2300, "output_reasoning": 43})
    );
}

#[test]
fn openai_responses_writes_have_their_time() {
    let usage = json!({
        "input_tokens": 60000, "output_tokens": 800, "total_tokens": 60800,
        "input_tokens_details": {"cached_tokens": 20000, "cache_write_tokens": 13000,
            "cache_write_tokens_details": {"ttl_30m_tokens": 3000, "ttl_12h_tokens": 9000}},
        "output_tokens_details": {"reasoning_tokens": 100},
    });
    assert_eq!(
        leaves(UsageFormat::OpenaiResponses, usage),
        json!({"input_uncached": 27000, "input_cache_read": 20000, "input_cache_write": 1000, "input_cache_write_30m": 3000,
            "input_cache_write_12h": 9000, "output": 700, "output_reasoning": 100})
    );
}

#[test]
fn openai_realtime_tells_cached_tokens_by_kind() {
    let usage = json!({
        "total_tokens": 7025, "input_tokens": 6458, "output_tokens": 567,
        "input_token_details": {"text_tokens": 1263, "audio_tokens": 3830, "image_tokens": 1365, "cached_tokens": 3540,
            "cached_tokens_details": {"text_tokens": 318, "audio_tokens": 3222, "image_tokens": 0}},
        "output_token_details": {"text_tokens": 470, "audio_tokens": 97},
    });
    assert_eq!(
        leaves(UsageFormat::OpenaiRealtime, usage),
        json!({"input_uncached": 945, "input_cache_read": 318, "input_audio": 608, "input_audio_cache_read": 3222,
            "input_image": 1365, "output": 470, "output_audio": 97})
    );
}

#[test]
fn openai_images_are_tokens_or_counted_pictures() {
    let usage = json!({"input_tokens": 50, "output_tokens": 4160, "total_tokens": 4210, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}});
    assert_eq!(
        leaves(UsageFormat::OpenaiImages, usage),
        json!({"input_uncached": 10, "input_image": 40, "output_image": 4160})
    );
    assert_eq!(leaves(UsageFormat::Meters, json!({"images": 3})), json!({"images": 3}));
}

#[test]
fn openai_embeddings_and_transcriptions() {
    assert_eq!(
        leaves(UsageFormat::OpenaiEmbeddings, json!({"prompt_tokens": 8, "total_tokens": 8})),
        json!({"input_uncached": 8})
    );
    assert_eq!(leaves(UsageFormat::OpenaiEmbeddings, json!({"total_tokens": 8})), json!({"input_uncached": 8}));
    assert_eq!(
        leaves(UsageFormat::OpenaiTranscription, json!({"type": "duration", "seconds": 12.5})),
        json!({"input_audio_seconds": "12.5"})
    );
    let tokens = json!({"type": "tokens", "input_tokens": 14, "input_token_details": {"text_tokens": 0, "audio_tokens": 14}, "output_tokens": 45, "total_tokens": 59});
    assert_eq!(leaves(UsageFormat::OpenaiTranscription, tokens), json!({"input_audio": 14, "output": 45}));
}

#[test]
fn anthropic_cache_tokens_come_on_top() {
    let usage = json!({
        "input_tokens": 174, "cache_creation_input_tokens": 9706, "cache_read_input_tokens": 44385,
        "cache_creation": {"ephemeral_5m_input_tokens": 8197, "ephemeral_1h_input_tokens": 1509},
        "output_tokens": 7830, "output_tokens_details": {"thinking_tokens": 30},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 5}, "service_tier": "standard",
    });
    assert_eq!(
        leaves(UsageFormat::Anthropic, usage),
        json!({"input_uncached": 174, "input_cache_read": 44385, "input_cache_write_5m": 8197, "input_cache_write_1h": 1509,
            "output": 7800, "output_reasoning": 30, "web_searches": 2})
    );
    let unlabelled = json!({"input_tokens": 1, "cache_creation_input_tokens": 5, "cache_read_input_tokens": null, "output_tokens": 2});
    assert_eq!(
        leaves(UsageFormat::Anthropic, unlabelled),
        json!({"input_uncached": 1, "input_cache_write": 5, "output": 2})
    );
}

#[test]
fn anthropic_iterations_replace_the_top_level() {
    let usage_object = json!({
        "input_tokens": 180, "output_tokens": 8, "server_tool_use": {"web_search_requests": 1},
        "iterations": [
            {"type": "compaction", "input_tokens": 100, "cache_creation_input_tokens": 55096, "output_tokens": 82},
            {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 80, "output_tokens": 8},
        ],
    });
    let usage = usage(UsageFormat::Anthropic, &usage_object).unwrap();
    let models: Vec<_> = usage.parts.iter().map(|part| part.model.as_deref()).collect();
    assert_eq!(models, [None, Some("claude-opus-4-8"), None]);
    assert_eq!(
        serde_json::to_value(usage.total()).unwrap(),
        json!({"input_uncached": 180, "input_cache_write": 55096, "output": 90, "web_searches": 1})
    );
}

#[test]
fn anthropic_attempts_declined_before_any_output_are_not_billed() {
    let entry = |kind: &str, input: u64, output: u64| json!({"type": kind, "model": "m", "input_tokens": input, "output_tokens": output});
    let billed = |iterations: Value| {
        let usage_object = json!({"input_tokens": 1, "output_tokens": 1, "iterations": iterations});
        usage(UsageFormat::Anthropic, &usage_object).unwrap().total().get(Meter::InputUncached)
    };
    let refused = |output: u64| {
        let mut refused = entry("message", 30, output);
        refused["stop_reason"] = json!("refusal");
        refused
    };
    for (iterations, input) in [
        (json!([entry("message", 408, 0), entry("fallback_message", 412, 264)]), 412),
        (json!([entry("message", 408, 17), entry("fallback_message", 412, 264)]), 820),
        (json!([entry("message", 5, 0), entry("fallback_message", 6, 0), entry("fallback_message", 7, 9)]), 7),
        (json!([entry("message", 5, 0), entry("message", 6, 0)]), 11),
        (json!([entry("message", 5, 0)]), 5),
        (json!([entry("compaction", 5, 0), entry("fallback_message", 6, 1)]), 11),
        (json!([entry("message", 5, 9), refused(0)]), 5),
        (json!([entry("message", 5, 9), refused(1)]), 35),
        (json!([{"type": "message", "input_tokens": 8}, entry("fallback_message", 6, 1)]), 6),
        (json!([refused(0)]), 0),
    ] {
        assert_eq!(billed(iterations.clone()), Decimal::from(input), "{iterations}");
        let kept = numbers_only(&json!({"input_tokens": 1, "iterations": iterations}));
        assert_eq!(meters(UsageFormat::Anthropic, &kept).unwrap().get(Meter::InputUncached), Decimal::from(input));
    }
    let faulty = json!({"input_tokens": 1, "iterations": [entry("message", 1, 0), {"type": "fallback_message", "input_tokens": -1}]});
    assert!(usage(UsageFormat::Anthropic, &faulty).is_err(), "what is not billed must be readable too");
}

#[test]
fn only_a_refusal_without_output_is_silent() {
    let used = |output: u64| Meters::from_iter([(Meter::InputUncached, 5), (Meter::Output, output)]);
    assert!(is_silent_refusal(Some("refusal"), &used(0)));
    assert!(!is_silent_refusal(Some("refusal"), &used(1)));
    assert!(!is_silent_refusal(Some("end_turn"), &used(0)));
    assert!(!is_silent_refusal(None, &used(0)));
}

#[test]
fn gemini_thoughts_and_tool_prompts_come_on_top() {
    let usage = json!({"promptTokenCount": 46, "toolUsePromptTokenCount": 1436, "candidatesTokenCount": 293, "thoughtsTokenCount": 980,
        "totalTokenCount": 2755});
    assert_eq!(
        leaves(UsageFormat::Gemini, usage),
        json!({"input_uncached": 1482, "output": 293, "output_reasoning": 980})
    );
    let inclusive =
        json!({"promptTokenCount": 10, "candidatesTokenCount": 300, "thoughtsTokenCount": 200, "totalTokenCount": 310});
    assert_eq!(
        leaves(UsageFormat::Gemini, inclusive),
        json!({"input_uncached": 10, "output": 100, "output_reasoning": 200})
    );
}

#[test]
fn gemini_modalities_and_caches() {
    let usage = json!({
        "promptTokenCount": 100, "candidatesTokenCount": 50, "totalTokenCount": 150, "cachedContentTokenCount": 30,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 40}, {"modality": "AUDIO", "tokenCount": 55}, {"modality": "DOCUMENT", "tokenCount": 5}],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 20}, {"modality": "TEXT", "tokenCount": 10}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 45}, {"modality": "TEXT", "tokenCount": 5}],
    });
    assert_eq!(
        leaves(UsageFormat::Gemini, usage),
        json!({"input_uncached": 30, "input_cache_read": 10, "input_audio": 35, "input_audio_cache_read": 20, "input_image": 5, "output": 5, "output_image": 45})
    );
}

#[test]
fn bedrock_converse_cache_tokens_come_on_top_and_are_named_twice() {
    let usage = json!({
        "inputTokens": 671, "outputTokens": 2838, "cacheReadInputTokens": 22625, "cacheReadInputTokenCount": 22625,
        "cacheWriteInputTokens": 7642, "cacheWriteInputTokenCount": 7642,
        "cacheDetails": [{"inputTokens": 6198, "ttl": "5m"}, {"inputTokens": 1444, "ttl": "1h"}], "totalTokens": 33776,
    });
    assert_eq!(
        leaves(UsageFormat::BedrockConverse, usage),
        json!({"input_uncached": 671, "input_cache_read": 22625, "input_cache_write_5m": 6198, "input_cache_write_1h": 1444, "output": 2838})
    );
    let zero_total = json!({"inputTokens": 5, "outputTokens": 2, "cacheReadInputTokens": 9, "totalTokens": 0});
    assert_eq!(
        leaves(UsageFormat::BedrockConverse, zero_total),
        json!({"input_uncached": 5, "input_cache_read": 9, "output": 2})
    );
}

#[test]
fn the_same_names_mean_other_things_elsewhere() {
    let chat = json!({"prompt_tokens": 10120, "completion_tokens": 1499, "total_tokens": 14428,
        "prompt_tokens_details": {"cached_tokens": 128}, "completion_tokens_details": {"reasoning_tokens": 2809}});
    assert_eq!(
        leaves(UsageFormat::XaiChat, chat.clone()),
        json!({"input_uncached": 9992, "input_cache_read": 128, "output": 1499, "output_reasoning": 2809})
    );
    assert_eq!(fault(UsageFormat::OpenaiChat, chat).1, "part_exceeds_total");

    let deepseek = json!({"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105, "prompt_cache_hit_tokens": 60,
        "prompt_cache_miss_tokens": 40, "prompt_tokens_details": {"cached_tokens": 60}});
    assert_eq!(
        leaves(UsageFormat::Deepseek, deepseek),
        json!({"input_uncached": 40, "input_cache_read": 60, "output": 5})
    );

    let databricks =
        json!({"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105, "cache_read_input_tokens": 60});
    assert_eq!(
        leaves(UsageFormat::Databricks, databricks),
        json!({"input_uncached": 40, "input_cache_read": 60, "output": 5})
    );

    let research = json!({"prompt_tokens": 33, "completion_tokens": 7163, "total_tokens": 7196, "citation_tokens": 20016,
        "num_search_queries": 18, "reasoning_tokens": 73997});
    assert_eq!(
        leaves(UsageFormat::PerplexityDeepResearch, research),
        json!({"input_uncached": 33, "output": 7163, "output_reasoning": 73997, "output_citation": 20016, "web_searches": 18})
    );

    let cohere = json!({"billed_units": {"input_tokens": 1, "output_tokens": 2}, "tokens": {"input_tokens": 496, "output_tokens": 2}});
    assert_eq!(leaves(UsageFormat::Cohere, cohere), json!({"input_uncached": 1, "output": 2}));
}

#[test]
fn faults_name_the_field() {
    use UsageFormat::{Anthropic, BedrockConverse, Gemini, Meters, OpenaiChat};
    let at = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    assert_eq!(fault(OpenaiChat, json!([])), at("/usage", "not_an_object"));
    assert_eq!(fault(OpenaiChat, json!({})), at("/usage/prompt_tokens", "required"));
    assert_eq!(fault(OpenaiChat, json!({"prompt_tokens": -1})), at("/usage/prompt_tokens", "negative"));
    assert_eq!(fault(OpenaiChat, json!({"prompt_tokens": 1.5})), at("/usage/prompt_tokens", "fractional"));
    assert_eq!(fault(OpenaiChat, json!({"prompt_tokens": "7"})), at("/usage/prompt_tokens", "not_a_number"));
    assert_eq!(fault(OpenaiChat, json!({"prompt_tokens": (1_u64 << 53) + 1})), at("/usage/prompt_tokens", "too_large"));
    assert_eq!(fault(OpenaiChat, json!({"prompt_tokens": 1e300})), at("/usage/prompt_tokens", "too_large"));
    assert_eq!(
        fault(OpenaiChat, json!({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}})),
        at("/usage/prompt_tokens", "part_exceeds_total")
    );
    assert_eq!(
        fault(OpenaiChat, json!({"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 7})),
        at("/usage/total_tokens", "broken_total")
    );
    assert_eq!(
        fault(
            Anthropic,
            json!({"input_tokens": 1, "cache_creation_input_tokens": 5, "cache_creation": {"ephemeral_1h_input_tokens": 6}})
        ),
        at("/usage/cache_creation_input_tokens", "part_exceeds_total")
    );
    assert_eq!(
        fault(Anthropic, json!({"input_tokens": 1, "iterations": [{"input_tokens": 1}, {"input_tokens": -2}]})),
        at("/usage/iterations/1/input_tokens", "negative")
    );
    assert_eq!(
        fault(BedrockConverse, json!({"inputTokens": 1, "cacheReadInputTokens": 5, "cacheReadInputTokenCount": 6})),
        at("/usage/cacheReadInputTokenCount", "contradiction")
    );
    assert_eq!(
        fault(Gemini, json!({"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 7})),
        at("/usage/totalTokenCount", "broken_total")
    );
    assert_eq!(fault(Meters, json!({"input_tokens": 5})), at("/usage/input_tokens", "unknown_meter"));
    assert_eq!(fault(Meters, json!({"a/b~c": 5})), at("/usage/a~1b~0c", "unknown_meter"));
    assert_eq!(fault(Meters, json!({"audio_seconds": "NaN"})), at("/usage/audio_seconds", "not_a_number"));
    assert_eq!(fault(Meters, json!({"audio_seconds": -0.5})), at("/usage/audio_seconds", "negative"));
    assert_eq!(meters(OpenaiChat, &json!({"prompt_tokens": -1, "completion_tokens": 0.5})).unwrap_err().len(), 2);
    let detail = &meters(OpenaiChat, &json!({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}}))
        .unwrap_err()[0]
        .detail;
    assert_eq!(detail, "prompt_tokens_details.cached_tokens (6) exceeds the total it is a part of, prompt_tokens (5).");
}

#[test]
fn the_shape_follows_from_provider_and_operation_or_is_unknown() {
    assert_eq!(UsageFormat::default_for("openai", "chat"), Some(UsageFormat::OpenaiChat));
    assert_eq!(UsageFormat::default_for("Azure_OpenAI", "embeddings"), Some(UsageFormat::OpenaiEmbeddings));
    assert_eq!(UsageFormat::default_for("vertex_ai", "chat"), Some(UsageFormat::Gemini));
    assert_eq!(UsageFormat::default_for("xai", "chat"), Some(UsageFormat::XaiChat));
    assert_eq!(UsageFormat::default_for("xai", "responses"), Some(UsageFormat::OpenaiResponses));
    assert_eq!(UsageFormat::default_for("somebody-else", "chat"), None);
    assert_eq!(UsageFormat::default_for("openai", "juggling"), None);
}

#[test]
fn only_numbers_and_billing_words_are_kept() {
    let usage = json!({
        "prompt_tokens": 5, "note": "the whole prompt", "service_tier": "flex", "model": "has spaces, so it is text",
        "details": {"cached": 1, "text": "secret", "deep": {"er": {"and": {"deeper": {"still": {"too": 1}}}}}},
        "a key that is text": 1, "list": [1, "secret", {"ttl": "5m"}], "is_byok": false,
    });
    let kept = numbers_only(&usage);
    assert_eq!(
        kept,
        json!({"prompt_tokens": 5, "service_tier": "flex", "details": {"cached": 1, "deep": {"er": {"and": {"deeper": {}}}}},
            "list": [1, {"ttl": "5m"}], "is_byok": false})
    );
    let wide: serde_json::Map<String, Value> = (0..10_000).map(|index| (format!("k{index}"), json!(index))).collect();
    assert!(numbers_only(&Value::Object(wide)).as_object().unwrap().len() < 600);
}

#[test]
fn meters_survive_json() {
    let meters: Meters =
        [(Meter::Output, Decimal::from(7)), (Meter::AudioSeconds, Decimal::new(240_325, 2))].into_iter().collect();
    let json = serde_json::to_string(&meters).unwrap();
    assert_eq!(json, r#"{"output":7,"audio_seconds":"2403.25"}"#);
    assert_eq!(serde_json::from_str::<Meters>(&json).unwrap(), meters);
    assert!(serde_json::from_str::<Meters>(r#"{"output":-1}"#).is_err());
}

fn sum(meters: &Meters, wanted: impl Fn(Meter) -> bool) -> u64 {
    let sum: Decimal = meters.iter().filter(|&(meter, _)| wanted(meter)).map(|(_, quantity)| quantity).sum();
    u64::try_from(sum).unwrap()
}

#[test]
fn genai_prices_units_are_taken_apart_most_specific_first() {
    let usage = json!({
        "input_tokens": 1000, "cache_read_tokens": 300, "cache_write_tokens": 100, "cache_write_1h_tokens": 40,
        "input_audio_tokens": 200, "cache_audio_read_tokens": 50, "input_text_tokens": 800,
        "output_tokens": 500, "output_reasoning_tokens": 100, "output_citation_tokens": 7, "output_audio_tokens": 3,
        "audio_seconds": 10.5, "input_audio_seconds": 4, "input_document_pages": 9, "input_annotated_document_pages": 2,
        "input_characters": 5, "input_text_messages": 1, "web_searches": 2, "requests": 1,
    });
    assert_eq!(
        leaves(UsageFormat::GenaiPrices, usage),
        json!({"input_uncached": 500 - 50, "input_cache_read": 250, "input_cache_write": 60, "input_cache_write_1h": 40,
            "input_audio": 150, "input_audio_cache_read": 50, "output": 390, "output_reasoning": 100, "output_citation": 7,
            "output_audio": 3, "audio_seconds": "6.5", "input_audio_seconds": 4, "pages": 7, "annotated_pages": 2,
            "characters": 5, "text_messages": 1, "web_searches": 2, "requests": 1})
    );
    let broken = |usage| fault(UsageFormat::GenaiPrices, usage);
    assert_eq!(
        broken(json!({"input_tokens": 1, "cache_read_tokens": 2})),
        ("/usage/input_tokens".into(), "part_exceeds_total".into())
    );
    assert_eq!(broken(json!({"audio_seconds": 1, "input_audio_seconds": 2})).1, "part_exceeds_total");
    assert_eq!(broken(json!({"input_tokens": 1, "input_smell_tokens": 2})).1, "unknown_meter");
}

#[test]
fn litellm_logs_repeat_the_cache_under_anthropics_names() {
    let usage = json!({
        "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100,
        "prompt_tokens_details": {"cached_tokens": 600, "cache_creation_tokens": 300,
            "cache_creation_token_details": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}},
        "cache_read_input_tokens": 600, "cache_creation_input_tokens": 300,
        "completion_tokens_details": {"reasoning_tokens": 40}, "server_tool_use": {"web_search_requests": 1},
    });
    assert_eq!(
        leaves(UsageFormat::Litellm, usage),
        json!({"input_uncached": 100, "input_cache_read": 600, "input_cache_write_5m": 100, "input_cache_write_1h": 200,
            "output": 60, "output_reasoning": 40, "web_searches": 1})
    );
    let differ =
        json!({"prompt_tokens": 10, "cache_read_input_tokens": 6, "prompt_tokens_details": {"cached_tokens": 5}});
    // A log tells of a call that was paid: the details win over the copies instead of rejecting it.
    assert_eq!(leaves(UsageFormat::Litellm, differ), json!({"input_uncached": 5, "input_cache_read": 5}));
}

#[test]
fn plain_counters_count_what_they_name_and_nothing_else() {
    let counted = |usage| leaves(UsageFormat::Counters, usage);
    assert_eq!(counted(json!({"images": 2, "size": "512x512", "steps": 50})), json!({"images": 2}));
    assert_eq!(counted(json!({"audio_seconds": 2403.25})), json!({"input_audio_seconds": "2403.25"}));
    assert_eq!(counted(json!({"search_queries": 3, "max_results": 26})), json!({"searches": 3}));
    assert_eq!(counted(json!({"search_units": 14})), json!({"rerank_units": 14}));
    assert_eq!(fault(UsageFormat::Counters, json!({"picturs": 2})), ("/usage/picturs".into(), "unknown_meter".into()));
    assert_eq!(fault(UsageFormat::Counters, json!({"images": 1.5})).1, "fractional");
    assert_eq!(fault(UsageFormat::Counters, json!({"images": -1})).1, "negative");
    let embedded = json!({"images": 3, "video_seconds": 1.5, "prompt_tokens": 7});
    assert_eq!(
        leaves(UsageFormat::MultimodalEmbedding, embedded),
        json!({"input_images": 3, "input_video_seconds": "1.5", "input_uncached": 7})
    );
}

#[test]
fn sessions_are_billed_by_the_second() {
    let usage = json!({"billable_audio_seconds": 60, "input_text_messages": 2, "input_tokens": 9, "output_tokens": 9});
    assert_eq!(leaves(UsageFormat::XaiRealtime, usage), json!({"audio_seconds": 60, "text_messages": 2}));
    assert_eq!(leaves(UsageFormat::OpenaiLive, json!({"seconds": 5940})), json!({"audio_seconds": 5940}));
    let native =
        json!({"prompt_tokens": 100, "cached_prompt_text_tokens": 40, "completion_tokens": 10, "reasoning_tokens": 5});
    assert_eq!(
        leaves(UsageFormat::XaiNative, native),
        json!({"input_uncached": 60, "input_cache_read": 40, "output": 10, "output_reasoning": 5})
    );
    let searched = json!({"input_tokens": 10, "output_tokens": 2, "input_tokens_details": {"cache_read_input_tokens": 4},
        "tool_calls_details": {"search_web": {"invocation": 3}}});
    assert_eq!(
        leaves(UsageFormat::PerplexityResponses, searched),
        json!({"input_uncached": 6, "input_cache_read": 4, "output": 2, "web_searches": 3})
    );
}

proptest! {
    /// Whatever nested totals are told, the leaves are disjoint and complete.
    #[test]
    fn genai_prices_leaves_add_up_to_the_totals(
        parts in prop::array::uniform8(0_u64..1_000_000),
        output in prop::array::uniform4(0_u64..1_000_000),
    ) {
        let [text, cached, short, long, audio, audio_cached, image, video] = parts;
        let (input, said): (u64, u64) = (parts.iter().sum(), output.iter().sum());
        let usage = json!({
            "input_tokens": input, "cache_read_tokens": cached + audio_cached, "cache_write_tokens": short + long,
            "cache_write_5m_tokens": short, "cache_write_1h_tokens": long, "input_audio_tokens": audio + audio_cached,
            "cache_audio_read_tokens": audio_cached, "input_image_tokens": image, "input_video_tokens": video,
            "output_tokens": said, "output_reasoning_tokens": output[1], "output_audio_tokens": output[2],
            "output_citation_tokens": output[3],
        });
        let meters = meters(UsageFormat::GenaiPrices, &usage).unwrap();
        prop_assert_eq!(meters.input_tokens(), input);
        prop_assert_eq!(meters.tokens(), input + said);
        prop_assert_eq!(meters.get(Meter::InputUncached), Decimal::from(text));
    }

    /// Disjoint and complete: the leaves of a direction add up to its inclusive total, however it is nested.
    #[test]
    fn leaves_add_up_to_the_inclusive_totals(
        [text, cached, written, audio, cached_audio, output, reasoning, audio_out] in prop::array::uniform8(0_u64..3_000_000)
    ) {
        let input_total = text + cached + written + audio + cached_audio;
        let output_total = output + reasoning + audio_out;
        let chat = json!({
            "input_tokens": input_total, "output_tokens": output_total, "total_tokens": input_total + output_total,
            "input_token_details": {"audio_tokens": audio + cached_audio, "cached_tokens": cached + cached_audio, "cache_write_tokens": written,
                "cached_tokens_details": {"audio_tokens": cached_audio}},
            "output_token_details": {"reasoning_tokens": reasoning, "audio_tokens": audio_out},
        });
        let anthropic = json!({
            "input_tokens": text + audio + cached_audio, "cache_read_input_tokens": cached, "cache_creation_input_tokens": written,
            "cache_creation": {"ephemeral_5m_input_tokens": written / 3, "ephemeral_1h_input_tokens": written / 2},
            "output_tokens": output_total, "output_tokens_details": {"thinking_tokens": reasoning},
        });
        let gemini = json!({
            "promptTokenCount": text + cached + audio + cached_audio, "toolUsePromptTokenCount": written, "cachedContentTokenCount": cached + cached_audio,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": audio + cached_audio}],
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": cached_audio}],
            "candidatesTokenCount": output + audio_out, "thoughtsTokenCount": reasoning, "totalTokenCount": input_total + output_total,
            "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": audio_out}],
        });
        let bedrock = json!({
            "inputTokens": text + audio + cached_audio, "cacheReadInputTokens": cached, "cacheWriteInputTokens": written, "outputTokens": output_total,
            "totalTokens": input_total + output_total, "cacheDetails": [{"ttl": "1h", "inputTokens": written / 2}],
        });
        for (format, usage) in [
            (UsageFormat::OpenaiRealtime, chat), (UsageFormat::Anthropic, anthropic),
            (UsageFormat::Gemini, gemini), (UsageFormat::BedrockConverse, bedrock),
        ] {
            let meters = meters(format, &usage).unwrap();
            prop_assert_eq!(sum(&meters, Meter::is_input_token), input_total, "{}", format.as_str());
            prop_assert_eq!(sum(&meters, |meter| meter.is_token() && !meter.is_input_token()), output_total, "{}", format.as_str());
            prop_assert_eq!(meters.input_tokens(), input_total);
            prop_assert_eq!(meters.tokens(), input_total + output_total);
        }
    }

    /// Whatever is sent, taking it apart ends in meters or in faults that name a field.
    #[test]
    fn any_numbers_end_in_meters_or_named_faults(numbers in prop::collection::vec(prop::num::f64::ANY, 6), which in 0..UsageFormat::ALL.len()) {
        let keys = ["prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "promptTokenCount", "audio_seconds"];
        let usage: serde_json::Map<String, Value> = keys.iter().zip(numbers).map(|(key, number)| ((*key).to_owned(), json!(number))).collect();
        match meters(UsageFormat::ALL[which], &Value::Object(usage)) {
            Ok(meters) => prop_assert!(meters.iter().all(|(_, quantity)| quantity > Decimal::ZERO)),
            Err(faults) => prop_assert!(!faults.is_empty() && faults.iter().all(|fault| fault.pointer.starts_with("/usage"))),
        }
    }
}
