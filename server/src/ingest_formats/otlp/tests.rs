//! Bodies are written with the generated types of `opentelemetry-proto` and read by our own reader, so neither can hide the other's mistake.

mod telling;

use super::*;
use crate::ingest_formats::EventInput;
use crate::ingest_formats::ParsedEvent;
use domain::event::Status;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as ProtoSpan, Status as ProtoStatus};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};

const START: u64 = 1_795_164_000_250_000_000;

fn any_value(value: &Value) -> AnyValue {
    let kind = match value {
        Value::Null => None,
        Value::Bool(flag) => Some(AnyKind::BoolValue(*flag)),
        Value::Number(number) => Some(match number.as_i64() {
            Some(whole) => AnyKind::IntValue(whole),
            None => AnyKind::DoubleValue(number.as_f64().unwrap()),
        }),
        Value::String(text) => Some(AnyKind::StringValue(text.clone())),
        Value::Array(values) => {
            Some(AnyKind::ArrayValue(ArrayValue { values: values.iter().map(any_value).collect() }))
        }
        Value::Object(_) => Some(AnyKind::KvlistValue(Default::default())),
    };
    AnyValue { value: kind }
}

fn attributes_of(values: &Value) -> Vec<KeyValue> {
    let fields = values.as_object().unwrap();
    fields
        .iter()
        .map(|(key, value)| KeyValue { key: key.clone(), value: Some(any_value(value)), ..KeyValue::default() })
        .collect()
}

/// A span of a trace; parent 0 is none.
fn span(id: u8, parent: u8, attributes: &Value) -> ProtoSpan {
    ProtoSpan {
        trace_id: vec![7; 16],
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 { vec![] } else { vec![parent; 8] },
        name: "SECRET".to_owned(),
        start_time_unix_nano: START,
        end_time_unix_nano: START + 1_500_000_000,
        attributes: attributes_of(attributes),
        ..ProtoSpan::default()
    }
}

fn request(scope: &str, spans: Vec<ProtoSpan>) -> ExportTraceServiceRequest {
    let scope = InstrumentationScope { name: scope.to_owned(), ..InstrumentationScope::default() };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: attributes_of(
                    &json!({"service.name": "checkout", "deployment.environment.name": "staging"}),
                ),
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }],
    }
}

fn read_spans(scope: &str, spans: Vec<ProtoSpan>) -> Vec<(u32, ParsedEvent)> {
    read_whole(scope, spans).events
}

fn read_whole(scope: &str, spans: Vec<ProtoSpan>) -> Read {
    let request = request(scope, spans);
    let read = traces(&request.encode_to_vec(), Encoding::Protobuf).unwrap();
    let json = serde_json::to_vec(&request).unwrap();
    assert_eq!(traces(&json, Encoding::Json).unwrap(), read, "both encodings say the same");
    read
}

fn only(scope: &str, attributes: &Value) -> EventInput {
    let mut read = read_spans(scope, vec![span(1, 0, attributes)]);
    assert_eq!(read.len(), 1);
    read.remove(0).1.unwrap()
}

/// Counts of 1,000 input, of which 400 from the cache and 100 into it, and 100 output, of which 30 reasoning.
fn counted(event: &EventInput) -> bool {
    event.usage
        == json!({"input_tokens": 1000, "output_tokens": 100, "cache_read_input_tokens": 400,
            "cache_creation_input_tokens": 100, "reasoning_output_tokens": 30})
}

#[test]
fn a_span_becomes_an_event_without_its_words() {
    let attributes = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "aws.bedrock", "gen_ai.request.model": "m",
        "gen_ai.response.model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "gen_ai.response.id": "msg_1",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 400,
        "gen_ai.usage.cache_creation.input_tokens": 100, "gen_ai.usage.reasoning.output_tokens": 30,
        "gen_ai.request.stream": true, "gen_ai.response.time_to_first_chunk": 0.25, "gen_ai.conversation.id": "c1",
        "gen_ai.response.finish_reasons": ["stop", "SECRET"], "user.id": "u1", "gen_ai.usage.cost": 0.25,
        "gen_ai.input.messages": "SECRET", "gen_ai.prompt.0.content": "SECRET", "tallystick.project": "web",
    });
    let found = serde_json::to_value(only("any", &attributes)).unwrap();
    let expected = json!({
        "id": "07070707070707070707070707070707-0101010101010101", "timestamp": "2026-11-20T08:40:00.250Z",
        "project": "web", "provider": "aws", "model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "operation": "chat",
        "usage": {"input_tokens": 1000, "output_tokens": 100, "cache_read_input_tokens": 400,
            "cache_creation_input_tokens": 100, "reasoning_output_tokens": 30},
        "usage_format": "opentelemetry", "status": "success", "interaction_id": "07".repeat(16), "session_id": "c1",
        "latency_ms": 1500, "time_to_first_token_ms": 250, "stream": true, "finish_reason": "stop",
        "feature": "checkout", "environment": "staging", "user": "u1", "tags": {"service": "checkout"},
        "provider_response_id": "msg_1", "reported_cost": {"amount": "0.25", "currency": "USD"},
    });
    assert_eq!(found, expected);
}

#[test]
fn every_dialect_says_the_same() {
    let dialects = [
        (
            "conventions before 1.37",
            json!({
            "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.response.model": "gpt-4o",
            "gen_ai.usage.prompt_tokens": 1000, "gen_ai.usage.completion_tokens": 100,
            "gen_ai.usage.cache_read_input_tokens": 400, "gen_ai.usage.cache_creation_input_tokens": 100,
            "gen_ai.usage.reasoning_tokens": 30}),
        ),
        (
            "OpenInference",
            json!({
            "openinference.span.kind": "LLM", "llm.provider": "openai", "llm.model_name": "gpt-4o",
            "llm.token_count.prompt": 1000, "llm.token_count.completion": 100,
            "llm.token_count.prompt_details.cache_read": 400, "llm.token_count.prompt_details.cache_write": 100,
            "llm.token_count.completion_details.reasoning": 30}),
        ),
        (
            "OpenLLMetry",
            json!({
            "llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.response.model": "gpt-4o",
            "gen_ai.usage.input_tokens": "1000", "gen_ai.usage.output_tokens": "100",
            "gen_ai.usage.cache_read_input_tokens": 400, "gen_ai.usage.cache_write.input_tokens": 100,
            "llm.usage.reasoning_tokens": 30.0}),
        ),
        (
            "AI SDK",
            json!({
            "ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "openai.chat", "ai.model.id": "gpt-4o",
            "ai.usage.inputTokens": 1000, "ai.usage.outputTokens": 100, "ai.usage.cachedInputTokens": 400,
            "ai.usage.inputTokenDetails.cacheWriteTokens": 100, "ai.usage.reasoningTokens": 30}),
        ),
        (
            "OpenRouter and Sentry",
            json!({
            "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": 100, "gen_ai.usage.input_tokens.cached": 400,
            "gen_ai.usage.input_tokens.cache_write": 100, "gen_ai.usage.output_tokens.reasoning": 30}),
        ),
        (
            "pydantic-ai",
            json!({
            "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.response.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100,
            "gen_ai.usage.details.cache_read_tokens": 400, "gen_ai.usage.details.cache_write_tokens": 100,
            "gen_ai.usage.details.reasoning_tokens": 30}),
        ),
    ];
    for (dialect, attributes) in dialects {
        let event = only("any", &attributes);
        assert!(counted(&event), "{dialect}: {}", event.usage);
        assert_eq!((event.provider.as_str(), event.model.as_str()), ("openai", "gpt-4o"), "{dialect}");
    }
}

#[test]
fn anthropics_own_usage_of_the_ai_sdk_tells_writes_by_time() {
    let usage = json!({"input_tokens": 812, "cache_creation_input_tokens": 3000, "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 2000}, "output_tokens": 9});
    let event = only(
        "ai",
        &json!({
            "ai.operationId": "ai.streamText.doStream", "ai.model.provider": "anthropic.messages", "ai.model.id": "claude-sonnet-4-5",
            "ai.usage.inputTokens": 812, "ai.response.providerMetadata": json!({"anthropic": {"usage": usage}}).to_string(),
            "ai.response.msToFirstChunk": 250.4,
        }),
    );
    assert_eq!((&event.usage, event.usage_format.as_deref()), (&usage, Some("anthropic")));
    assert_eq!(event.time_to_first_token_ms, Some(250));
}

#[test]
fn only_leaves_are_billed() {
    let usage = |extra: Value| {
        let mut attributes =
            json!({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 1, "gen_ai.request.model": "gpt-4o"});
        attributes.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        attributes
    };
    let chat = json!({"gen_ai.operation.name": "chat"});
    let billed = |scope: &str, spans: Vec<ProtoSpan>| -> Vec<u32> {
        read_spans(scope, spans).into_iter().map(|(place, read)| read.map(|_| place).unwrap()).collect()
    };
    // An agent alone, above its call, and above another agent.
    for wrapper in [
        json!({"gen_ai.operation.name": "invoke_agent"}),
        json!({"openinference.span.kind": "AGENT"}),
        json!({"traceloop.span.kind": "workflow"}),
        json!({"ai.operationId": "ai.generateText"}),
        json!({"gen_ai.agent.name": "planner"}),
    ] {
        assert_eq!(billed("any", vec![span(1, 0, &usage(wrapper.clone()))]), [0], "{wrapper}");
        assert_eq!(billed("any", vec![span(2, 1, &usage(chat.clone())), span(1, 0, &usage(wrapper.clone()))]), [0]);
        let nested = vec![span(1, 0, &usage(wrapper.clone())), span(2, 1, &usage(wrapper.clone()))];
        assert_eq!(billed("any", nested), [1], "{wrapper}");
        assert_eq!(billed("any", vec![span(1, 0, &wrapper)]), [0; 0], "{wrapper}");
    }
    // OpenRouter's generation above its attempts; a framework's call above the client's, with a span between.
    assert_eq!(
        billed(
            "any",
            vec![span(1, 0, &usage(json!({}))), span(2, 1, &usage(json!({}))), span(3, 1, &usage(json!({})))]
        ),
        [1, 2]
    );
    assert_eq!(
        billed("any", vec![span(3, 2, &usage(chat.clone())), span(2, 1, &json!({})), span(1, 0, &usage(chat.clone()))]),
        [0]
    );
    // One that says nothing of itself counts when it has usage and a model.
    assert_eq!(billed("any", vec![span(1, 0, &usage(json!({})))]), [0]);
    assert_eq!(billed("ai", vec![span(1, 0, &usage(json!({})))]), [0], "the AI SDK's outer span");
    assert_eq!(billed("any", vec![span(1, 0, &json!({"http.method": "GET"}))]), [0; 0]);
    // Parents in a circle end.
    assert_eq!(billed("any", vec![span(1, 2, &json!({})), span(2, 1, &json!({})), span(3, 1, &usage(chat))]), [2]);
}

#[test]
fn a_call_without_counts_is_refused_and_a_failed_one_is_an_attempt() {
    let call = json!({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "error.type": "openai.RateLimitError"});
    let read = read_spans("any", vec![span(1, 0, &call)]);
    let refused = read[0].1.as_ref().unwrap_err();
    assert_eq!((refused.problem.pointer.as_str(), refused.sender.model.as_deref()), ("/usage", Some("gpt-4o")));

    let failed = ProtoSpan { status: Some(ProtoStatus { code: 2, message: "SECRET".to_owned() }), ..span(1, 0, &call) };
    let event = read_spans("any", vec![failed]).remove(0).1.unwrap();
    assert_eq!((event.status, event.error_kind.as_deref()), (Some(Status::RateLimited), Some("openai.RateLimitError")));
    assert_eq!(event.usage, json!({"input_tokens": 0}));
    let nameless = ProtoSpan {
        span_id: vec![],
        ..span(
            1,
            0,
            &json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 1}),
        )
    };
    assert_eq!(read_spans("any", vec![nameless])[0].1.as_ref().unwrap_err().problem.pointer, "/id");
}

#[test]
fn openrouter_is_the_seller_of_what_it_broadcasts() {
    let event = only(
        "any",
        &json!({
            "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "openai/gpt-4o",
            "gen_ai.usage.input_tokens": 10, "gen_ai.usage.total_cost": 0.0125,
            "trace.metadata.openrouter.api_key_name": "prod", "trace.metadata.openrouter.provider_name": "Azure",
        }),
    );
    assert_eq!((event.provider.as_str(), event.model.as_str()), ("openrouter", "openai/gpt-4o"));
    assert_eq!((event.tags["key"].as_str(), event.tags["upstream_provider"].as_str()), ("prod", "Azure"));
    assert_eq!(event.reported_cost.unwrap().amount.to_string(), "0.0125");
}

fn record(name: &str, body: &str, attributes: &Value) -> LogRecord {
    LogRecord {
        time_unix_nano: START,
        body: Some(any_value(&json!(body))),
        event_name: name.to_owned(),
        attributes: attributes_of(attributes),
        ..LogRecord::default()
    }
}

fn read_logs(records: Vec<LogRecord>) -> Vec<(u32, ParsedEvent)> {
    let scope_logs = vec![ScopeLogs { log_records: records, ..ScopeLogs::default() }];
    let request =
        ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] };
    let read = logs(&request.encode_to_vec(), Encoding::Protobuf).unwrap();
    assert_eq!(
        logs(&serde_json::to_vec(&request).unwrap(), Encoding::Json).unwrap(),
        read,
        "both encodings say the same"
    );
    read.events
}

#[test]
fn coding_agents_report_by_log_record() {
    let claude = json!({"event.name": "api_request", "model": "claude-sonnet-4-5-20250929", "cost_usd": "0.014445", "duration_ms": "2140",
        "input_tokens": "812", "output_tokens": 391, "cache_read_tokens": 20480, "cache_creation_tokens": 0, "session.id": "s1",
        "event.sequence": 4, "user.email": "ada@example.com", "organization.id": "o1", "prompt": "SECRET", "speed": "normal"});
    let codex = json!({"event.name": "codex.sse_event", "event.kind": "response.completed", "model": "gpt-5", "conversation.id": "c1",
        "input_token_count": 1000, "output_token_count": 100, "cached_token_count": 400, "reasoning_token_count": 30});
    let delta = json!({"event.name": "codex.sse_event", "event.kind": "response.output_text.delta", "model": "gpt-5"});
    let gemini = json!({"event.name": "gemini_cli.api_response", "model": "gemini-2.5-pro", "duration_ms": 900, "input_token_count": 1000,
        "output_token_count": 100, "cached_content_token_count": 400, "thoughts_token_count": 30, "tool_token_count": 5,
        "total_token_count": 1135, "response_text": "SECRET", "prompt_id": "p1"});
    let failed =
        json!({"event.name": "api_error", "model": "claude-sonnet-4-5-20250929", "status_code": "429", "attempt": 2});
    let read = read_logs(vec![
        record("", "claude_code.api_request", &claude),
        record("", "", &codex),
        record("", "", &delta),
        record("", "SECRET", &gemini),
        record("claude_code.api_error", "", &failed),
        record("", "claude_code.user_prompt", &json!({"prompt": "SECRET"})),
    ]);
    let places: Vec<u32> = read.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [0, 1, 3, 4]);
    let events: Vec<EventInput> = read.into_iter().map(|(_, read)| read.unwrap()).collect();
    assert_eq!(
        events[0].usage,
        json!({"input_tokens": 812, "output_tokens": 391, "cache_read_input_tokens": 20480, "cache_creation_input_tokens": 0, "speed": "normal"})
    );
    assert_eq!(
        (events[0].session_id.as_deref(), events[0].user.as_deref(), events[0].latency_ms),
        (Some("s1"), Some("ada@example.com"), Some(2140))
    );
    assert_eq!(events[0].reported_cost.as_ref().unwrap().amount.to_string(), "0.014445");
    assert_eq!(
        events[1].usage,
        json!({"input_tokens": 1000, "output_tokens": 100, "input_tokens_details": {"cached_tokens": 400}, "output_tokens_details": {"reasoning_tokens": 30}})
    );
    assert_eq!((events[2].usage_format.as_deref(), events[2].interaction_id.as_deref()), (Some("gemini"), Some("p1")));
    assert_eq!((events[3].status, &events[3].usage["input_tokens"]), (Some(Status::RateLimited), &json!(0)));
    for event in &events {
        assert!(!serde_json::to_string(event).unwrap().contains("SECRET"));
        let format = event.usage_format.as_deref().unwrap().parse().unwrap();
        domain::meter::usage(format, &event.usage).unwrap();
    }
}

#[test]
fn answers_are_what_the_generated_types_read() {
    let answer = answer::exported(answer::Signal::Traces, 300, "why", Encoding::Protobuf);
    let partial = ExportTracePartialSuccess { rejected_spans: 300, error_message: "why".to_owned() };
    assert_eq!(
        ExportTraceServiceResponse::decode(&answer[..]).unwrap(),
        ExportTraceServiceResponse { partial_success: Some(partial) }
    );
    let answer = answer::exported(answer::Signal::Logs, 1, "why", Encoding::Json);
    let partial = json!({"rejectedLogRecords": "1", "errorMessage": "why"});
    assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap(), json!({"partialSuccess": partial}));
    assert!(answer::exported(answer::Signal::Metrics, 0, "", Encoding::Protobuf).is_empty());

    #[derive(Clone, PartialEq, Message)]
    struct RpcStatus {
        #[prost(int32, tag = "1")]
        code: i32,
        #[prost(string, tag = "2")]
        message: String,
    }
    let status = answer::status(3, "no", Encoding::Protobuf);
    assert_eq!(RpcStatus::decode(&status[..]).unwrap(), RpcStatus { code: 3, message: "no".to_owned() });
    assert_eq!(answer::status(3, "no", Encoding::Json), br#"{"code":3,"message":"no"}"#);
}

#[test]
fn an_empty_request_is_no_fault_and_nonsense_is_one() {
    for (body, encoding) in
        [(&b""[..], Encoding::Protobuf), (b"{}", Encoding::Json), (b"{\"resourceSpans\":null}", Encoding::Json)]
    {
        assert_eq!(traces(body, encoding).unwrap(), Read::default());
        assert_eq!(logs(body, encoding).unwrap(), Read::default());
        metrics(body, encoding).unwrap();
    }
    for (body, encoding) in
        [(&b"\xff"[..], Encoding::Protobuf), (b"[", Encoding::Json), (b"\x0a\x05a", Encoding::Protobuf)]
    {
        assert_eq!(traces(body, encoding).unwrap_err().status(), 400);
        assert_eq!(metrics(body, encoding).unwrap_err().status(), 400);
    }
}

#[test]
fn json_is_read_leniently() {
    let body = json!({"resourceSpans": [{"resource": {"attributes": 7}, "unknown": {"a": [1]}, "scopeSpans": [{"scope": null, "spans": [
        {"traceId": "BwcHBwcHBwcHBwcHBwcHBw==", "spanId": "AQEBAQEBAQE=", "startTimeUnixNano": START, "endTimeUnixNano": (START + 1).to_string(),
         "status": {"code": "STATUS_CODE_OK"}, "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}, "new": 1},
            {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o", "somethingNew": {"x": 1}}},
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": 12}},
            {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "3"}},
            {"key": "gen_ai.usage.reasoning_tokens", "value": {"newValue": "3"}}, {"key": "user.id"}, 7,
         ]},
        "not a span",
    ]}]}]});
    let read = traces(body.to_string().as_bytes(), Encoding::Json).unwrap().events;
    assert_eq!(read.len(), 2);
    let event = read[0].1.as_ref().unwrap();
    assert_eq!(event.id.as_deref(), Some("07070707070707070707070707070707-0101010101010101"));
    assert_eq!(event.usage, json!({"input_tokens": 12, "output_tokens": 3}));
    assert!(read[1].1.is_err());
}

#[test]
fn too_many_spans_are_too_large() {
    // Two bytes each: as messages they would be a hundred.
    let scope: Vec<u8> = [0x12_u8, 0].repeat(MAX_RECORDS + 1);
    let wrap = |tag: u8, inner: &[u8]| {
        let mut message = vec![tag];
        prost::encode_length_delimiter(inner.len(), &mut message).unwrap();
        message.extend_from_slice(inner);
        message
    };
    let body = wrap(0x0a, &wrap(0x12, &scope));
    assert_eq!(traces(&body, Encoding::Protobuf).unwrap_err().status(), 413);
}

proptest! {
    #[test]
    fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let _any = traces(&body, encoding);
            let _any = logs(&body, encoding);
        }
    }

    /// A good request with some bytes changed: read or refused, never a panic, and never more items than spans.
    #[test]
    fn broken_requests_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let good = request("ai", vec![
            span(1, 0, &json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 10, "gen_ai.response.finish_reasons": ["stop"]})),
            span(2, 1, &json!({"ai.operationId": "ai.generateText.doGenerate", "ai.response.providerMetadata": "{\"anthropic\":{}}", "ai.usage.inputTokens": 1.5})),
        ]);
        for (encoding, mut body) in [(Encoding::Protobuf, good.encode_to_vec()), (Encoding::Json, serde_json::to_vec(&good).unwrap())] {
            for (place, byte) in &changes {
                let place = place.index(body.len());
                body[place] = *byte;
            }
            if let Ok(read) = traces(&body, encoding) {
                prop_assert!(read.events.len() <= body.len());
            }
        }
    }

    /// Whatever an attribute holds, an event fits its limits.
    #[test]
    fn labels_always_fit(text in ".{0,300}", count in any::<i64>(), cost in any::<f64>()) {
        let event = only("any", &json!({
            "gen_ai.operation.name": "chat", "gen_ai.request.model": format!("m{text}"), "gen_ai.usage.input_tokens": count,
            "user.id": text, "session.id": text, "gen_ai.response.id": text, "gen_ai.usage.cost": cost, "error.type": text,
        }));
        prop_assert!(event.model.chars().count() <= 200 && event.model.len() <= 400);
        prop_assert!(event.user.is_none_or(|user| user.chars().count() <= 200));
        prop_assert!(event.session_id.is_none_or(|id| id.len() <= 128));
    }
}

/// The list of all names, as `docs/attributes.md` has it.
fn documented() -> String {
    let mut text = String::from(
        "# Attributes that are read\n\nMade from the code, which the tests compare with it. Of several names the first that a span or log record carries counts; what begins with `gen_ai.usage.`, `llm.usage.`, `llm.token_count.`, `ai.usage.` or `anthropic.usage.`, is a number and has no name here is kept as unread usage.\n\n| what | names |\n|---|---|\n",
    );
    for (meaning, names) in attribute_keys::lists() {
        let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        text.push_str(&format!("| {meaning} | {names} |\n"));
    }
    text.push_str("\n## Costs in usage objects\n\nIn every format, where no other cost is told. What a seller writes into its usage object is the reported cost.\n\n| seller | field | a US dollar is |\n|---|---|---|\n");
    for cost in domain::event::USAGE_COSTS {
        let field = cost.pointer.trim_start_matches('/').replace('/', ".");
        text.push_str(&format!("| {} | `{field}` | {} |\n", cost.provider, cost.per_dollar));
    }
    text
}

#[test]
fn the_documented_names_are_those_that_are_read() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/attributes.md");
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == documented(), "docs/attributes.md should be:\n{}", documented());
}

#[test]
fn counts_under_unknown_names_are_kept_to_be_told() {
    let event = only(
        "custom",
        &json!({
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.provider.name": "openai",
            "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 2, "gen_ai.usage.video_frames": 7,
            "gen_ai.usage.details.image.tiles": 3, "gen_ai.usage.note": "words",
        }),
    );
    assert_eq!(event.usage, json!({"input_tokens": 10, "output_tokens": 2, "video_frames": 7, "image_tiles": 3}));
}

#[test]
fn some_leave_the_cache_out_of_their_input() {
    let attributes = json!({
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "gen_ai.usage.input_tokens": 5_000, "gen_ai.usage.cache_read.input_tokens": 1_000, "gen_ai.usage.output_tokens": 10,
    });
    let input = |scope| only(scope, &attributes).usage["input_tokens"].clone();
    assert_eq!(input("opentelemetry.instrumentation.bedrock"), 6_000);
    assert_eq!(input("custom"), 5_000);
}
