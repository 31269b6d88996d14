use super::*;
use proptest::prelude::*;

/// What litellm 1.109.1 sends for a call to a provider, without what never matters here.
fn payload() -> Value {
    json!({
        "id": "chatcmpl-real1", "litellm_call_id": "f0dd75bc-083f-4892-82af-33dfac91fe58", "trace_id": "trace-1",
        "session_id": "", "call_type": "acompletion", "status": "success", "custom_llm_provider": "openai",
        "saved_cache_cost": 0.0, "startTime": 1_795_641_360.851_552, "endTime": 1_795_641_360.879_521,
        "completionStartTime": 1_795_641_360.859_521, "response_time": 0.028, "model": "gpt-4o", "stream": true,
        "metadata": {
            "user_api_key_alias": "batch-jobs", "user_api_key_team_alias": "search", "user_api_key_team_id": "t-1",
            "requester_metadata": {"feature": "triage", "prompt": "secret"},
            "usage_object": {"completion_tokens": 100, "prompt_tokens": 1000, "total_tokens": 1100,
                "completion_tokens_details": {"reasoning_tokens": 30}, "prompt_tokens_details": {"cached_tokens": 400}},
        },
        "response_cost": 0.003, "cost_breakdown": {"total_cost": 0.003, "service_tier": null},
        "total_tokens": 1100, "prompt_tokens": 1000, "completion_tokens": 100,
        "request_tags": ["nightly", "project:web", "customer=acme"], "model_group": "", "end_user": "u1",
        "messages": [{"role": "user", "content": "secret"}], "response": {"choices": ["secret"]},
        "model_parameters": {"stream": true}, "hidden_params": {"usage_object": null},
        "model_map_information": {"model_map_key": "gpt-4o-2024-08-06", "model_map_value": {"key": "secret"}},
        "error_information": {"error_code": "", "error_class": "", "error_message": "secret"},
        "requester_ip_address": null, "cache_hit": null,
    })
}

fn read_value(value: &Value) -> Option<ParsedEvent> {
    let raw = serde_json::value::to_raw_value(value).unwrap();
    one(Some(&raw))
}

fn event(value: &Value) -> EventInput {
    read_value(value).unwrap().unwrap()
}

fn with(changes: Value) -> Value {
    let mut payload = payload();
    payload.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    payload
}

#[test]
fn a_call_becomes_an_event_without_its_words() {
    let event = event(&payload());
    let expected = json!({
        "id": "f0dd75bc-083f-4892-82af-33dfac91fe58:chatcmpl-real1", "timestamp": "2026-11-25T21:16:00.851552Z", "project": "web",
        "provider": "openai", "model": "gpt-4o-2024-08-06", "operation": "chat",
        "usage": payload()["metadata"]["usage_object"], "usage_format": "litellm", "status": "success",
        "request_id": "trace-1", "latency_ms": 28, "time_to_first_token_ms": 8, "stream": true, "feature": "triage",
        "customer": "acme", "user": "u1", "provider_response_id": "chatcmpl-real1",
        "tags": {"nightly": "true", "key": "batch-jobs", "team": "search", "requested_model": "gpt-4o"},
        "reported_cost": {"amount": "0.003", "currency": "USD"},
    });
    let found = serde_json::to_value(&event).unwrap();
    assert_eq!(found, expected);
    assert!(!found.to_string().contains("secret"));
}

#[test]
fn an_answer_from_the_cache_costs_nothing_and_is_no_second_call() {
    let hit = event(&with(json!({"cache_hit": true, "saved_cache_cost": 0.003, "response_cost": 0.0,
        "id": "chatcmpl-real1_cache_hit1795641361.9426525"})));
    assert_eq!(hit.response_cache_hit, Some(true));
    assert_eq!((&hit.reported_cost, &hit.provider_response_id), (&None, &None));
    assert_eq!(hit.tags["litellm_saved_cost"], "0.003");
}

#[test]
fn a_failure_is_an_attempt_with_its_kind() {
    let failed = event(&with(json!({
        "status": "failure", "id": "f0dd75bc-083f-4892-82af-33dfac91fe58", "response_cost": 0.0, "prompt_tokens": 0,
        "completion_tokens": 0, "total_tokens": 0, "metadata": {}, "model_map_information": {"model_map_key": ""},
        "error_information": {"error_code": "429", "error_class": "RateLimitError", "error_message": "secret"},
    })));
    assert_eq!((failed.status, failed.error_kind.as_deref()), (Some(Status::RateLimited), Some("RateLimitError")));
    assert_eq!((failed.model.as_str(), failed.provider_response_id), ("gpt-4o", None));
    assert_eq!(failed.usage, json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}));
    assert_eq!(failed.reported_cost, None, "LiteLLM's zero says nothing");
}

#[test]
fn what_is_asked_for_again_is_no_second_cost() {
    let batch = |call_id: &str| {
        event(&with(json!({"call_type": "aretrieve_batch", "id": "batch_1", "litellm_call_id": call_id})))
    };
    assert_eq!((batch("a").id, batch("a").batch), (Some("batch_1".to_owned()), Some(true)));
    assert_eq!(batch("a").id, batch("b").id);
    // One that is not finished has counted nothing, and must not take the id.
    let waiting = with(json!({"call_type": "aretrieve_batch", "metadata": {}, "prompt_tokens": 0,
        "completion_tokens": 0, "total_tokens": 0, "response_cost": 0.0}));
    assert!(read_value(&waiting).is_none());
    // What cost something is no mere looking.
    let searched = with(json!({"call_type": "avector_store_search", "metadata": {}, "prompt_tokens": 0,
        "completion_tokens": 0, "total_tokens": 0, "response_cost": 0.0025}));
    assert_eq!(event(&searched).reported_cost.unwrap().amount.to_string(), "0.0025");
}

#[test]
fn the_providers_id_is_taken_out_of_litellms() {
    let inner = STANDARD_NO_PAD.encode("litellm:custom_llm_provider:openai;model_id:x;response_id:resp_abc");
    assert_eq!(response_id(&format!("resp_{inner}")), "resp_abc");
    assert_eq!(response_id("resp_abc"), "resp_abc");
    assert_eq!(response_id("chatcmpl-1"), "chatcmpl-1");
}

#[test]
fn deployments_with_own_prices_keep_the_models_name() {
    let key = "a".repeat(64);
    assert_eq!(event(&with(json!({"model_map_information": {"model_map_key": key}}))).model, "gpt-4o");
}

#[test]
fn a_bad_item_is_refused_alone() {
    let good = payload().to_string();
    let good: &RawValue = serde_json::from_str(&good).unwrap();
    let array: &RawValue = serde_json::from_str("[1]").unwrap();
    let no_model: &RawValue = serde_json::from_str(r#"{"litellm_call_id":"x","call_type":"completion"}"#).unwrap();
    let read = read(&[None, Some(good), Some(array), Some(no_model)]);
    let outcome: Vec<(u32, bool)> = read.iter().map(|(place, read)| (*place, read.is_ok())).collect();
    assert_eq!(outcome, [(0, false), (1, true), (2, false), (3, false)]);
    let refused = read[3].1.as_ref().unwrap_err();
    assert_eq!((refused.sender.id.as_deref(), refused.problem.pointer.as_str()), (Some("x"), "/model"));
}

#[test]
fn pythons_not_a_number_is_null() {
    let body = br#"[{"a": NaN, "b": -Infinity, "c": "NaN \"NaN", "d": [Infinity,1]}]"#;
    let mended = without_nan(body).unwrap();
    let value: Value = serde_json::from_slice(&mended).unwrap();
    assert_eq!(value, json!([{"a": null, "b": null, "c": "NaN \"NaN", "d": [null, 1]}]));
    assert_eq!(without_nan(b"{}"), None);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,300}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::hash_map("[a-z_]{1,12}", inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_field_of_any_type_spoils_a_payload(changes in proptest::collection::vec((0_usize..40, any_json()), 1..8)) {
        let mut value = payload();
        let fields = value.as_object_mut().unwrap();
        let keys: Vec<String> = fields.keys().cloned().collect();
        for (field, change) in changes {
            fields.insert(keys[field % keys.len()].clone(), change);
        }
        let read = read_value(&value);
        if let Some(Ok(event)) = read {
            prop_assert!(event.model.len() <= 400 && event.tags.len() <= 32);
            prop_assert!(event.id.is_none_or(|id| id.chars().count() <= 128));
        }
    }
}
