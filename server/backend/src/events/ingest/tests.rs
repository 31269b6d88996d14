use super::{Rejection, read, validate};
use crate::ledger::content::{content_hash, id_hash};
use chrono::{DateTime, Utc};
use domain::event::EventInput;
use domain::problem::FieldProblem;
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn event() -> Value {
    json!({"provider": "openai", "model": "gpt-4o", "usage": {"prompt_tokens": 10, "completion_tokens": 2}})
}

fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut event = event();
    event[field] = value.into();
    event
}

fn read_text(json: &str) -> Result<EventInput, Box<Rejection>> {
    let raw = RawValue::from_string(json.to_owned()).unwrap();
    let mut event = read::read(&raw)?;
    validate::check(&mut event, now()).map_err(|problem| Rejection::of(&event, problem))?;
    event.usage = domain::meter::numbers_only(&event.usage);
    Ok(event)
}

fn check(event: &Value) -> Result<EventInput, FieldProblem> {
    read_text(&event.to_string()).map_err(|refused| refused.problem)
}

fn refused(event: &Value) -> (String, String) {
    let problem = check(event).expect_err(&format!("taken: {event}"));
    assert!(problem.detail.ends_with('.'), "{}", problem.detail);
    (problem.pointer, problem.code)
}

fn hash_of(json: &str) -> [u8; 16] {
    content_hash(&read_text(json).unwrap())
}

#[track_caller]
fn refuses(event: Value, pointer: &str, code: &str) {
    assert_eq!(refused(&event), (pointer.to_owned(), code.to_owned()), "{event}");
}

#[test]
fn the_example_of_the_documentation_is_read_whole() {
    let example = json!({
        "id": "req_01J-attempt-1", "timestamp": "2026-11-20T09:41:07.113Z", "project": "support-bot",
        "provider": "anthropic", "model": "claude-sonnet-4-5-20250929", "operation": "chat",
        "usage": {"input_tokens": 812, "cache_read_input_tokens": 20480, "output_tokens": 391},
        "usage_format": "anthropic", "service_tier": "standard", "batch": false, "region": "us-east-1",
        "status": "success", "attempt": 1, "request_id": "req_01J", "interaction_id": "turn-5121", "step": "draft",
        "session_id": "conv-88", "decision_id": null, "latency_ms": 2140, "time_to_first_token_ms": 410,
        "stream": true, "finish_reason": "stop", "error_kind": null, "response_cache_hit": false, "input_hash": null,
        "feature": "triage", "environment": "production", "customer": "acme", "user": "u_91", "cohort": "beta",
        "tags": {"prompt_version": "7", "experiment": "b"}, "provider_response_id": "msg_01",
        "reported_cost": {"amount": "0.0137", "currency": "USD"}
    });
    let read = check(&example).unwrap();
    let mut sent = serde_json::to_value(&read).unwrap();
    // What was null is missing, and the amount keeps its digits.
    for (field, value) in example.as_object().unwrap() {
        match field.as_str() {
            _ if value.is_null() => assert!(sent.get(field).is_none(), "{field}"),
            "timestamp" => assert_eq!(
                read.timestamp.unwrap().to_utc(),
                "2026-11-20T09:41:07.113Z".parse::<DateTime<Utc>>().unwrap()
            ),
            _ => assert_eq!(sent[field], *value, "{field}"),
        }
        sent.as_object_mut().unwrap().remove(field);
    }
    assert_eq!(sent, json!({}), "every field that is kept was in the example");
}

#[test]
fn required_fields_are_missed_by_name() {
    for field in ["provider", "model", "usage"] {
        let mut without = event();
        without.as_object_mut().unwrap().remove(field);
        refuses(without, &format!("/{field}"), "required");
        refuses(with(field, Value::Null), &format!("/{field}"), "required");
    }
    refuses(with("provider", ""), "/provider", "required");
    refuses(with("model", ""), "/model", "required");
    refuses(with("id", ""), "/id", "required");
}

#[test]
fn what_is_no_event_is_refused_as_a_whole() {
    for (body, code) in [("7", "wrong_type"), ("[]", "wrong_type"), (r#"{"model":"a","model":"b"}"#, "invalid")] {
        let refused = read_text(body).unwrap_err();
        assert_eq!((refused.problem.pointer.as_str(), refused.problem.code.as_str()), ("", code));
    }
}

#[test]
fn every_text_has_a_length_and_no_control_characters() {
    let ids = ["id", "request_id", "interaction_id", "session_id", "decision_id", "input_hash", "provider_response_id"];
    let labels = [
        "project",
        "provider",
        "model",
        "operation",
        "service_tier",
        "region",
        "step",
        "finish_reason",
        "error_kind",
        "feature",
        "environment",
        "customer",
        "user",
        "cohort",
        "usage_format",
    ];
    for (fields, longest) in [(&ids[..], 128), (&labels[..], 200)] {
        for field in fields {
            let pointer = format!("/{field}");
            assert!(check(&with(field, "x".repeat(longest))).is_ok(), "{field}");
            refuses(with(field, "x".repeat(longest + 1)), &pointer, "too_long");
            refuses(with(field, "a\u{0}b"), &pointer, "invalid_character");
            refuses(with(field, "a\nb"), &pointer, "invalid_character");
            refuses(with(field, 7), &pointer, "wrong_type");
            refuses(with(field, json!({"a": 1})), &pointer, "wrong_type");
        }
    }
    // Five labels of the widest characters must still fit into one index entry.
    assert!(check(&with("feature", "é".repeat(200))).is_ok());
    refuses(with("feature", "😀".repeat(101)), "/feature", "too_long");
}

#[test]
fn numbers_and_flags_have_their_range_and_type() {
    for (field, min, max) in
        [("attempt", 1, 10_000_i64), ("latency_ms", 0, 2_678_400_000), ("time_to_first_token_ms", 0, 2_678_400_000)]
    {
        let pointer = format!("/{field}");
        for good in [min, max] {
            assert!(check(&with(field, good)).is_ok(), "{field} {good}");
        }
        for wrong in [min - 1, max + 1] {
            refuses(with(field, wrong), &pointer, "out_of_range");
        }
        refuses(with(field, 1.5), &pointer, "out_of_range");
        refuses(with(field, "1"), &pointer, "wrong_type");
    }
    for field in ["batch", "stream", "response_cache_hit"] {
        assert!(check(&with(field, true)).is_ok());
        refuses(with(field, "true"), &format!("/{field}"), "wrong_type");
        refuses(with(field, 1), &format!("/{field}"), "wrong_type");
    }
    refuses(with("status", "ok"), "/status", "unknown");
    refuses(with("status", 200), "/status", "wrong_type");
}

#[test]
fn timestamps_reach_from_ten_years_back_to_ten_minutes_ahead() {
    for good in
        ["2016-11-20T10:00:00Z", "2026-11-20T10:10:00Z", "2026-11-20T15:40:00+05:30", "2026-11-20t10:00:00.123456789z"]
    {
        assert!(check(&with("timestamp", good)).is_ok(), "{good}");
    }
    refuses(with("timestamp", "2016-11-20T09:59:59Z"), "/timestamp", "too_old");
    refuses(with("timestamp", "2026-11-20T10:10:00.001Z"), "/timestamp", "in_future");
    for wrong in ["2026-11-20T10:00:00", "yesterday", "2026-02-30T00:00:00Z", ""] {
        refuses(with("timestamp", wrong), "/timestamp", "invalid_timestamp");
    }
    refuses(with("timestamp", 1_763_632_800), "/timestamp", "wrong_type");
}

#[test]
fn tags_are_bounded_in_number_and_length() {
    let tags = |count: usize| -> Value {
        (0..count).map(|n| (format!("k{n}"), Value::from("v"))).collect::<serde_json::Map<_, _>>().into()
    };
    assert_eq!(check(&with("tags", tags(32))).unwrap().tags.len(), 32);
    refuses(with("tags", tags(33)), "/tags", "too_many");
    assert!(check(&with("tags", json!({"k".repeat(64): "v"}))).is_ok());
    refuses(with("tags", json!({"k".repeat(65): "v"})), "/tags", "too_long");
    refuses(with("tags", json!({"": "v"})), "/tags", "required");
    refuses(with("tags", json!({"a/b~c": "v".repeat(201)})), "/tags/a~1b~0c", "too_long");
    refuses(with("tags", json!({"a": 1})), "/tags", "wrong_type");
    refuses(with("tags", json!(["a"])), "/tags", "wrong_type");
    assert!(
        check(&with("tags", json!({"a": "", "b": null}))).unwrap().tags.is_empty(),
        "a tag without a value is no tag"
    );
}

#[test]
fn a_reported_cost_is_in_dollars_and_not_negative() {
    for amount in [json!("0.0137"), json!(0.0137), json!("1.37e-2")] {
        let read = check(&with("reported_cost", json!({"amount": amount, "currency": "USD"}))).unwrap();
        assert_eq!(read.reported_cost.unwrap().amount.to_string(), "0.0137");
    }
    let cost = |amount: Value, currency: Value| with("reported_cost", json!({"amount": amount, "currency": currency}));
    refuses(cost(json!("1"), json!("EUR")), "/reported_cost/currency", "not_supported");
    refuses(cost(json!("-1"), json!("USD")), "/reported_cost/amount", "out_of_range");
    refuses(cost(json!("1000000000.01"), json!("USD")), "/reported_cost/amount", "out_of_range");
    refuses(cost(json!("a lot"), json!("USD")), "/reported_cost/amount", "not_a_number");
    refuses(cost(Value::Null, json!("USD")), "/reported_cost/amount", "required");
    refuses(cost(json!("1"), Value::Null), "/reported_cost/currency", "required");
    refuses(with("reported_cost", "0.01"), "/reported_cost", "wrong_type");
}

#[test]
fn the_usage_format_follows_from_provider_and_operation_or_must_be_named() {
    let format =
        |event: &EventInput, operation: &str| validate::usage_format(event, operation).map(|format| format.as_str());
    assert_eq!(format(&check(&event()).unwrap(), "chat").unwrap(), "openai_chat");
    assert_eq!(format(&check(&with("usage_format", "anthropic")).unwrap(), "chat").unwrap(), "anthropic");
    let own = |usage| check(&json!({"provider": "our-own-gpu", "model": "m", "usage": usage})).unwrap();
    let by_shape = own(json!({"prompt_tokens": 10, "completion_tokens": 2}));
    assert_eq!(format(&by_shape, "chat").unwrap(), "openai_chat");
    assert_eq!(format(&own(json!({"units": 3})), "chat").unwrap_err().code, "required");
    let wrong = check(&with("usage_format", "guess")).unwrap();
    assert_eq!(format(&wrong, "chat").unwrap_err().code, "unknown");
}

#[test]
fn nothing_that_could_be_a_prompt_is_kept_or_repeated() {
    const SECRET: &str = "the patient said";
    let mut event = event();
    event["messages"] = json!([{"role": "user", "content": SECRET}]);
    event["response"] = json!(SECRET);
    event["usage"]["prompt"] = json!(SECRET);
    event["usage"]["details"] = json!({"text": SECRET, "tokens": 3, SECRET: 1});
    let read = check(&event).unwrap();
    assert!(!serde_json::to_string(&read).unwrap().contains(SECRET));
    assert_eq!(read.usage["details"]["tokens"], 3);
    for field in [
        "id",
        "provider",
        "model",
        "status",
        "usage",
        "timestamp",
        "latency_ms",
        "tags",
        "reported_cost",
        "batch",
        "usage_format",
    ] {
        let mut wrong = event.clone();
        wrong[field] = json!(format!("{SECRET}\n{}", "x".repeat(300)));
        let refused = read_text(&wrong.to_string());
        let problem = match refused {
            Err(refused) => refused.problem,
            Ok(read) => panic!("{field} was taken: {read:?}"),
        };
        assert!(!problem.detail.contains(SECRET), "{field}: {}", problem.detail);
    }
}

#[test]
fn what_was_wrong_is_listed_with_who_sent_it_where_that_can_be_shown() {
    let refused = read_text(r#"{"id":"e1","project":"p","provider":"openai","model":7,"usage":{}}"#).unwrap_err();
    let sender = super::presentable(refused.sender);
    assert_eq!((sender.id.as_deref(), sender.project.as_deref()), (Some("e1"), Some("p")));
    assert_eq!((sender.provider.as_deref(), sender.model), (Some("openai"), None));
    let long = format!(r#"{{"id":"a\nb","provider":"{}","model":"m"}}"#, "x".repeat(201));
    let sender = super::presentable(read_text(&long).unwrap_err().sender);
    assert_eq!((sender.id, sender.provider), (None, None));
}

/// The stored form may never change by accident: every recorded event would then conflict with its own retry.
#[test]
fn the_content_hash_of_version_one_stays_what_it_is() {
    let body = r#"{"id":"x","provider":"openai","model":"gpt-4o","timestamp":"2026-11-20T09:41:07.113Z","attempt":2,
        "usage":{"prompt_tokens":10,"completion_tokens":2.50},"tags":{"b":"\"2\"","a":"1"},"batch":false,
        "reported_cost":{"amount":"0.50","currency":"USD"}}"#;
    let hex: String = hash_of(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let canonical = r#"{"attempt":2,"batch":false,"model":"gpt-4o","provider":"openai","reported_cost_amount":0.5,"reported_cost_currency":"USD","tags":{"a":"1","b":"\"2\""},"timestamp":1795167667113000,"usage":{"completion_tokens":2.5,"prompt_tokens":10}}"#;
    use sha2::Digest;
    let expected: String = sha2::Sha256::digest(canonical).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, format!("01{}", &expected[..30]));
}

#[test]
fn content_is_equal_where_the_meaning_is() {
    let base = r#"{"provider":"openai","model":"gpt-4o","timestamp":"2026-11-20T09:41:07.113Z","usage":{"a":1,"b":{"c":2.5}},"latency_ms":20}"#;
    for same in [
        // Other order, other numbers of the same value, another offset, fields that are null, empty or dropped, another id.
        r#"{"usage":{"b":{"c":25e-1},"a":1.0},"latency_ms":2e1,"model":"gpt-4o","provider":"openai","timestamp":"2026-11-20T15:11:07.113+05:30"}"#,
        r#"{"id":"z","provider":"openai","model":"gpt-4o","timestamp":"2026-11-20T09:41:07.1130004Z","usage":{"a":1,"b":{"c":2.50}},"latency_ms":20.0,"feature":null,"customer":"","tags":{},"prompt":"secret"}"#,
    ] {
        assert_eq!(hash_of(same), hash_of(base), "{same}");
    }
    for other in [
        base.replace("gpt-4o", "gpt-4"),
        base.replace("\"a\":1", "\"a\":2"),
        base.replace("2.5", "2.50001"),
        base.replace("113Z", "113001Z"),
        base.replace("\"latency_ms\":20", "\"latency_ms\":20,\"attempt\":1"),
        base.replace("\"latency_ms\":20", "\"latency_ms\":20,\"tags\":{\"a\":\"b\"}"),
        base.replace("\"timestamp\":\"2026-11-20T09:41:07.113Z\",", ""),
    ] {
        assert_ne!(hash_of(&other), hash_of(base), "{other}");
    }
    assert_ne!(id_hash("a"), id_hash("b"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever is sent as an event is read or refused, never more.
    #[test]
    fn any_json_is_read_or_refused(text in "\\PC{0,80}", number in proptest::num::f64::NORMAL, field in 0..36_usize) {
        const FIELDS: [&str; 36] = [
            "id", "timestamp", "project", "provider", "model", "operation", "usage", "usage_format", "service_tier", "batch",
            "region", "status", "attempt", "request_id", "interaction_id", "step", "session_id", "decision_id", "latency_ms",
            "time_to_first_token_ms", "stream", "finish_reason", "error_kind", "response_cache_hit", "input_hash", "feature",
            "environment", "customer", "user", "cohort", "tags", "provider_response_id", "reported_cost", "aggregate",
            "requests", "series",
        ];
        for value in [json!(text), json!(number), json!([text, number]), json!({"amount": number, "currency": text, "k": {"d": text}})] {
            let event = with(FIELDS[field], value);
            if let Ok(read) = check(&event) {
                let again = read_text(&serde_json::to_string(&read).unwrap()).unwrap();
                prop_assert_eq!(content_hash(&again), content_hash(&read));
            }
        }
        let _read_or_refused = read_text(&json!(text).to_string());
    }
}
