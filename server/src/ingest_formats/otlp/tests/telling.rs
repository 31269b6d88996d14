//! What looks like a call, and where it stands: nothing is passed over in silence.

use super::*;
use domain::event::TraceSpan;

#[test]
fn usage_without_a_model_is_listed() {
    let nameless = json!({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 2});
    let read = read_spans("custom", vec![span(1, 0, &nameless)]);
    assert!(matches!(&read[..], [(0, Err(refused))] if refused.problem.pointer == "/model"), "{read:?}");
}

#[test]
fn what_looks_like_a_call_is_never_passed_over_in_silence() {
    for (attributes, pointer) in [
        (json!({"gen_ai.request.model": "m", "gen_ai.usage.video_frames": 7}), "/usage"),
        (json!({"gen_ai.request.model": "m", "gen_ai.usage.cached_tokens": 7}), "/usage"),
        (json!({"gen_ai.request.model": "m", "gen_ai.operation.name": "chat_completion"}), "/usage"),
        (json!({"gen_ai.operation.name": "llm.generate"}), "/model"),
        (json!({"llm.request.type": "embeddings", "gen_ai.request.model": "m"}), "/usage"),
        (json!({"openinference.span.kind": "llm", "llm.model_name": "m"}), "/usage"),
        (json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 7}), "/model"),
        (json!({"metadata.usage_object": "{'prompt_tokens': 7}", "gen_ai.request.model": "m"}), "/usage"),
    ] {
        let read = read_whole("custom", vec![span(1, 0, &attributes)]);
        let refused = read.events.first().and_then(|(_, event)| event.as_ref().err());
        assert_eq!(refused.map(|refused| refused.problem.pointer.as_str()), Some(pointer), "{attributes}");
        assert!(refused.unwrap().span.is_some(), "where it stands is told: {attributes}");
    }
    for nothing in [
        json!({"gen_ai.operation.name": "execute_tool", "gen_ai.request.model": "m"}),
        json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 0}),
        json!({"openinference.span.kind": "CHAIN"}),
        json!({"http.response.status_code": 200}),
    ] {
        assert_eq!(read_whole("custom", vec![span(1, 0, &nothing)]), Read::default(), "{nothing}");
    }
    // Where the calls of its trace are, an agent without a model is missed by nobody.
    let agent = json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 7});
    let chat = json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 7});
    let read = read_whole("custom", vec![span(1, 0, &agent), span(2, 9, &chat), span(3, 2, &chat)]);
    assert_eq!((read.events.len(), read.repeating), (1, 2), "{read:?}");
}

#[test]
fn an_event_tells_where_it_stands_in_its_trace() {
    let chat = json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 7});
    let agent =
        json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 7});
    let place = |spans| {
        let read = read_spans("client", spans);
        read.into_iter().find_map(|(_, event)| event.ok()?.span).unwrap()
    };
    let found = place(vec![span(3, 2, &chat), span(2, 1, &json!({"http.method": "POST"}))]);
    let expected = TraceSpan {
        trace_id: u128::from_be_bytes([7; 16]),
        span_id: u64::from_be_bytes([3; 8]),
        above: Some(u64::from_be_bytes([1; 8])),
        began: "2026-11-20T08:40:00.250Z".parse().unwrap(),
        ended: "2026-11-20T08:40:01.750Z".parse().unwrap(),
        service: "checkout".to_owned(),
        scope: "client".to_owned(),
        is_outer: false,
    };
    assert_eq!(*found, expected);
    assert_eq!(place(vec![span(3, 2, &chat), span(2, 0, &json!({}))]).above, None, "the top came with it");
    assert_eq!(place(vec![span(3, 3, &chat)]).above, None, "its own parent");
    assert!(place(vec![span(3, 2, &agent)]).is_outer);
    let endless = ProtoSpan { end_time_unix_nano: 0, ..span(3, 2, &chat) };
    assert_eq!(place(vec![endless]).ended.to_rfc3339(), "9999-12-31T23:59:59+00:00");
}

#[test]
fn records_that_count_tokens_are_listed_where_nobody_reads_them() {
    let details = "gen_ai.client.inference.operation.details";
    let counted = json!({"gen_ai.request.model": "gemini-2.5-pro", "gen_ai.usage.input_tokens": 7});
    let gemini = json!({"event.name": "gemini_cli.api_response", "model": "gemini-2.5-pro", "input_token_count": 7, "output_token_count": 1});
    let incomplete = json!({"event.name": "codex.sse_event", "event.kind": "response.incomplete", "model": "gpt-5", "input_token_count": 7});
    let alone = read_logs(vec![
        record(details, "", &counted),
        record("", "", &json!({"event.name": "other.api_response", "model": "m", "input_token_count": 7})),
        record("", "", &json!({"event.name": "other.started", "model": "m"})),
    ]);
    let listed: Vec<_> =
        alone.iter().map(|(place, event)| (*place, event.as_ref().unwrap_err().sender.model.as_deref())).collect();
    assert_eq!(listed, [(0, Some("gemini-2.5-pro")), (1, Some("m"))]);
    let places = |read: Vec<(u32, ParsedEvent)>| -> Vec<(u32, bool)> {
        read.into_iter().map(|(place, event)| (place, event.is_ok())).collect()
    };
    let beside = read_logs(vec![record(details, "", &counted), record("", "", &gemini), record("", "", &incomplete)]);
    assert_eq!(places(beside), [(1, true), (2, false)]);
}

#[test]
fn xais_ticks_are_a_reported_cost() {
    let event = only(
        "ai",
        &json!({
            "ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "xai.chat", "ai.model.id": "grok-4",
            "ai.usage.inputTokens": 10, "ai.response.providerMetadata": json!({"xai": {"costInUsdTicks": 37_756_000}}).to_string(),
        }),
    );
    assert_eq!(event.reported_cost.unwrap().amount.to_string(), "0.0037756");
}
