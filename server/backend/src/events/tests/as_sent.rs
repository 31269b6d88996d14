//! Whatever an event was sent with comes back as it was sent, out of its narrow row.

use super::{Fixture, seeded};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Map, Value, json};

/// Usage of every shape that is read, with its provider and operation.
fn shapes() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            "openai",
            "chat",
            json!({"prompt_tokens": 20_480, "completion_tokens": 391, "total_tokens": 20_871,
            "prompt_tokens_details": {"cached_tokens": 1_024, "audio_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 128}}),
        ),
        (
            "openai",
            "responses",
            json!({"input_tokens": 812, "input_tokens_details": {"cached_tokens": 64}, "output_tokens": 391,
            "output_tokens_details": {"reasoning_tokens": 7}, "total_tokens": 1_203}),
        ),
        (
            "anthropic",
            "chat",
            json!({"input_tokens": 812, "cache_read_input_tokens": 20_480, "cache_creation_input_tokens": 300,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}, "output_tokens": 391,
            "server_tool_use": {"web_search_requests": 2}, "service_tier": "standard"}),
        ),
        (
            "google",
            "chat",
            json!({"promptTokenCount": 900, "cachedContentTokenCount": 100, "candidatesTokenCount": 50,
            "thoughtsTokenCount": 25, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 700}, {"modality": "IMAGE", "tokenCount": 200}],
            "totalTokenCount": 975, "trafficType": "ON_DEMAND"}),
        ),
        ("openai", "embeddings", json!({"prompt_tokens": 78, "total_tokens": 78})),
        (
            "bedrock",
            "chat",
            json!({"inputTokens": 5_000, "cacheReadInputTokens": 1_000, "outputTokens": 10, "totalTokens": 6_010}),
        ),
        ("acme", "meters", json!({"input_uncached": 4, "output": 3, "audio_seconds": "12.625", "images": 2})),
    ]
}

/// Anything that may stand in a usage object beside what is read.
fn extra() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[0-9]{1,20}\\.[0-9]{1,8}".prop_map(Value::from),
        "[0-9]{1,28}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z_-]{1,12}", inner, 0..4)
                .prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// An event in which any field may be there or not.
fn event(n: usize) -> impl Strategy<Value = Value> {
    let shape = prop::sample::select(shapes());
    let word = || prop::option::of("[a-c(é\"\\\\😀, ]{1,6}");
    let id = || prop::option::of("[0-9a-f-]{8,36}");
    let words = (prop::collection::vec(word(), 12), prop::collection::vec(id(), 5));
    let flags = (prop::option::of(any::<bool>()), prop::option::of(any::<bool>()), prop::option::of(any::<bool>()));
    let numbers = (
        prop::option::of(1..9_u32),
        prop::option::of(0..86_400_000_u64),
        prop::option::of(0..86_400_000_u64),
        prop::option::of((0..9_999_999_u64, 0..15_u32)),
    );
    let when = (0..2_000_000_000_000_i64, -12..14_i32, any::<bool>());
    let tags = prop::collection::btree_map("[a-z.]{1,6}", "[a-c ]{1,4}", 0..4);
    (shape, prop::option::of(extra()), words, flags, numbers, when, tags).prop_map(
        move |(
            (provider, operation, mut usage),
            extra,
            (words, ids),
            flags,
            numbers,
            (micros, hours, is_dated),
            tags,
        )| {
            // An object of meters holds nothing else.
            if let Some(extra) = extra.filter(|_| operation != "meters") {
                usage["beside"] = extra;
            }
            let mut event =
                json!({"id": format!("e{n}"), "provider": provider, "model": "m", "usage": usage, "tags": tags});
            match operation {
                "chat" => {}
                "meters" => event["usage_format"] = json!("meters"),
                other => event["operation"] = json!(other),
            }
            let texts = [
                "feature",
                "environment",
                "customer",
                "user",
                "cohort",
                "step",
                "region",
                "service_tier",
                "finish_reason",
                "error_kind",
                "provider_response_id",
                "input_hash",
            ];
            let ids_of = ["request_id", "interaction_id", "session_id", "decision_id", "input_hash"];
            for (field, value) in texts.into_iter().zip(words).chain(ids_of.into_iter().zip(ids)) {
                event[field] = json!(value);
            }
            (event["batch"], event["stream"], event["response_cache_hit"]) =
                (json!(flags.0), json!(flags.1), json!(flags.2));
            (event["attempt"], event["latency_ms"]) = (json!(numbers.0), json!(numbers.1));
            event["time_to_first_token_ms"] = json!(numbers.2);
            if let Some(requests) = numbers.2.filter(|requests| *requests > 0) {
                (event["aggregate"], event["requests"]) = (json!("sum"), json!(requests));
                if requests % 2 == 0 {
                    (event["aggregate"], event["series"]) = (json!("cumulative"), json!(format!("s{}", requests % 3)));
                }
            }
            if let Some((amount, places)) = numbers.3 {
                let amount = rust_decimal::Decimal::from_i128_with_scale(amount.into(), places);
                event["reported_cost"] = json!({"amount": amount.normalize(), "currency": "USD"});
            }
            if is_dated {
                let at = super::now() - chrono::Duration::microseconds(micros);
                let zone = chrono::FixedOffset::east_opt(hours * 3_600).unwrap();
                event["timestamp"] = json!(at.with_timezone(&zone).to_rfc3339());
            }
            event.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            event
        },
    )
}

#[tokio::test]
async fn everything_comes_back_as_it_was_sent() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "Asia/Kathmandu").await;
    let mut runner = seeded(9_001);
    let mut events: Vec<Value> = (0..400).map(|n| event(n).new_tree(&mut runner).unwrap().current()).collect();
    let answer = fixture.send(&scope, &events).await;
    let refused = answer.results.iter().find(|result| result.error.is_some());
    assert_eq!(usize::try_from(answer.accepted).unwrap(), events.len(), "{refused:?}");
    let stored: std::collections::HashMap<String, _> =
        fixture.stored(&scope).await.into_iter().map(|event| (event.id(), event)).collect();
    for sent in &mut events {
        let back = &stored[sent["id"].as_str().unwrap()];
        if let Some(timestamp) = sent.get("timestamp") {
            let at: chrono::DateTime<chrono::FixedOffset> = timestamp.as_str().unwrap().parse().unwrap();
            assert_eq!((back.timestamp, back.sent.timestamp.unwrap().offset()), (at.to_utc(), at.offset()));
        }
        let mut back = serde_json::to_value(&back.sent).unwrap();
        for event in [&mut *sent, &mut back] {
            // Compared above: one instant can be written in several ways.
            event.as_object_mut().unwrap().remove("timestamp");
            event.as_object_mut().unwrap().retain(|_, value| *value != json!({}));
        }
        assert_eq!(back, *sent);
    }
    fixture.assert_rollups_follow(&scope).await;
}
