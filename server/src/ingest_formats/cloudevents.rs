//! CloudEvents 1.0 in JSON, one or several, as OpenMeter takes them too.
//!
//! What an event is, is told by its `data`:
//! * an event in Tallystick's own form, which has `usage`;
//! * `prompt_tokens` and `completion_tokens` with `model`, as LiteLLM's `openmeter` callback sends them;
//! * `tokens` of one `type`, `input` or `output`, with `model`, as in OpenMeter's own examples.
//!
//! The id is source and id together (CloudEvents 1.0, "id": unique for each source).

use super::raw::{Raw, bare, text, value};
use super::{EventInput, IndexedEvents, ParsedEvent, Rejection, fit, names};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, FixedOffset};
use domain::event::{ReportedCost, Sender};
use domain::meter::UsageFormat;
use domain::problem::FieldProblem;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// As LiteLLM's `openmeter` callback names itself.
const LITELLM: &str = "litellm-proxy";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    specversion: Raw<'a>,
    id: Raw<'a>,
    source: Raw<'a>,
    #[serde(rename = "type")]
    kind: Raw<'a>,
    subject: Raw<'a>,
    time: Raw<'a>,
    data: Raw<'a>,
    data_base64: Raw<'a>,
}

/// What tells one shape of data from another, and what the small ones hold.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Data<'a> {
    #[serde(borrow)]
    usage: Raw<'a>,
    provider: Raw<'a>,
    model: Raw<'a>,
    operation: Raw<'a>,
    cost: Raw<'a>,
    prompt_tokens: Raw<'a>,
    completion_tokens: Raw<'a>,
    total_tokens: Raw<'a>,
    tokens: Raw<'a>,
    #[serde(rename = "type")]
    kind: Raw<'a>,
}

/// Reads events; `own` reads one in Tallystick's own form.
pub fn read(items: &[Option<&RawValue>], own: impl Fn(&RawValue) -> ParsedEvent) -> IndexedEvents {
    (0..).zip(items).map(|(place, item)| (place, one(*item, &own))).collect()
}

fn one(item: Option<&RawValue>, own: impl Fn(&RawValue) -> ParsedEvent) -> ParsedEvent {
    let unreadable = || {
        let detail = "A CloudEvent is a JSON object in which each field stands once.";
        Rejection::unread(FieldProblem::new("", "invalid", detail))
    };
    let item = item.filter(|item| item.get().starts_with('{')).ok_or_else(unreadable)?;
    let envelope: Envelope<'_> = serde_json::from_str(item.get()).map_err(|_| unreadable())?;
    let (Some(id), Some(source)) = (text(envelope.id), text(envelope.source)) else {
        let pointer = if text(envelope.id).is_none() { "/id" } else { "/source" };
        let detail = "A CloudEvent needs `id` and `source`, which are texts.";
        return Err(Rejection::unread(FieldProblem::new(pointer, "required", detail)));
    };
    let event_id = joined(&source, &id);
    let refuse = |pointer: &str, code: &str, detail: &str| {
        let sender = Sender { id: Some(event_id.clone()), ..Sender::default() };
        Rejection::about(sender, FieldProblem::new(pointer, code, detail))
    };
    if text(envelope.specversion).is_none_or(|version| !version.starts_with("1.")) {
        return Err(refuse("/specversion", "not_supported", "`specversion` must be 1.0."));
    }
    if text(envelope.kind).is_none() {
        return Err(refuse("/type", "required", "A CloudEvent needs `type`, which is a text."));
    }
    let time = time(envelope.time).map_err(|()| refuse("/time", "invalid", "`time` must be an instant (RFC 3339)."))?;
    let decoded = decoded(envelope.data_base64);
    let data = match &decoded {
        Some(text) => serde_json::from_str::<&RawValue>(text).ok(),
        None => envelope.data,
    };
    let data = data
        .filter(|data| data.get().starts_with('{'))
        .ok_or_else(|| refuse("/data", "required", "`data` must be a JSON object."))?;
    let mut event = content(data, &source, &id, own, &refuse)?;
    event.id = Some(event_id.clone());
    event.timestamp = event.timestamp.or(time);
    if let Some(subject) = text(envelope.subject) {
        // OpenMeter's subject is who is metered; LiteLLM puts the user there.
        fit::name_label(&mut event, if source == LITELLM { "user" } else { "customer" }, &subject);
    }
    Ok(event)
}

fn content(
    raw: &RawValue,
    source: &str,
    id: &str,
    own: impl Fn(&RawValue) -> ParsedEvent,
    refuse: &impl Fn(&str, &str, &str) -> Box<Rejection>,
) -> ParsedEvent {
    let data: Data<'_> = serde_json::from_str(raw.get())
        .map_err(|_| refuse("/data", "invalid", "`data` is a JSON object in which each field stands once."))?;
    if data.usage.is_some() {
        return own(raw).map_err(|refused| {
            let pointer = format!("/data{}", refused.problem.pointer);
            refuse(&pointer, &refused.problem.code, &refused.problem.detail)
        });
    }
    let (usage, format) = if data.prompt_tokens.is_some() || data.completion_tokens.is_some() {
        let counts = [
            ("prompt_tokens", data.prompt_tokens),
            ("completion_tokens", data.completion_tokens),
            ("total_tokens", data.total_tokens),
        ];
        (counted(&counts), UsageFormat::Litellm)
    } else if data.tokens.is_some() {
        let side = match text(data.kind).as_deref() {
            Some("input" | "prompt") => "input_tokens",
            Some("output" | "completion") => "output_tokens",
            _ => return Err(refuse("/data/type", "unknown", "`type` must say `input` or `output`.")),
        };
        (counted(&[(side, data.tokens)]), UsageFormat::Opentelemetry)
    } else {
        return Err(refuse("/data/usage", "required", "`data` has neither `usage` nor counts of tokens."));
    };
    let model = text(data.model).as_deref().and_then(fit::label);
    let model = model.ok_or_else(|| refuse("/data/model", "required", "`model` is missing."))?;
    Ok(EventInput {
        provider: names::provider(text(data.provider).as_deref(), &model),
        model,
        operation: text(data.operation).as_deref().map(names::operation),
        usage,
        usage_format: Some(format.as_str().to_owned()),
        provider_response_id: (source == LITELLM).then(|| fit::id(id)).flatten(),
        reported_cost: data.cost.and_then(|cost| ReportedCost::read(cost.get())),
        ..EventInput::default()
    })
}

/// Counts as they were sent; OpenMeter's are often texts.
fn counted(counts: &[(&str, Raw<'_>)]) -> Value {
    let mut usage = Map::new();
    for (key, raw) in counts {
        let Some(raw) = raw else { continue };
        let number = bare(raw).parse::<u64>().map(Value::from).ok();
        if let Some(count) = number.or_else(|| value(Some(raw))).filter(|count: &Value| !count.is_null()) {
            usage.insert((*key).to_owned(), count);
        }
    }
    Value::Object(usage)
}

/// Source and id, so that two pairs never share one: a source is a URI and holds no space.
fn joined(source: &str, id: &str) -> String {
    let whole = format!("{} {id}", source.replace(' ', "%20"));
    fit::id(&whole).unwrap_or(whole)
}

fn decoded(raw: Raw<'_>) -> Option<String> {
    String::from_utf8(STANDARD.decode(text(raw)?).ok()?).ok()
}

fn time(raw: Raw<'_>) -> Result<Option<DateTime<FixedOffset>>, ()> {
    match raw.filter(|raw| raw.get() != "null") {
        Some(raw) => {
            let text = text(Some(raw)).ok_or(())?;
            DateTime::parse_from_rfc3339(&text).map(Some).map_err(drop)
        }
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_value(value: &Value) -> ParsedEvent {
        let raw = serde_json::value::to_raw_value(value).unwrap();
        one(Some(&raw), |raw| {
            serde_json::from_str(raw.get())
                .map_err(|_| Rejection::unread(FieldProblem::new("/usage", "wrong_type", "Not an event.")))
        })
    }

    fn cloud_event(data: Value) -> Value {
        json!({"specversion": "1.0", "type": "any", "source": "svc/a", "id": "1", "subject": "acme",
            "time": "2026-11-20T09:30:00Z", "data": data})
    }

    #[test]
    fn an_own_event_is_taken_under_source_and_id() {
        let event =
            read_value(&cloud_event(json!({"provider": "openai", "model": "gpt-4o", "usage": {"a": 1}}))).unwrap();
        assert_eq!((event.id.as_deref(), event.customer.as_deref()), (Some("svc/a 1"), Some("acme")));
        assert_eq!(
            (event.usage, event.timestamp.unwrap().to_rfc3339()),
            (json!({"a": 1}), "2026-11-20T09:30:00+00:00".to_owned())
        );
    }

    #[test]
    fn litellms_openmeter_callback_is_understood() {
        let mut value = cloud_event(
            json!({"model": "gpt-4o", "cost": 0.0035, "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}),
        );
        value["source"] = json!("litellm-proxy");
        let event = read_value(&value).unwrap();
        assert_eq!((event.provider.as_str(), event.user.as_deref()), ("openai", Some("acme")));
        assert_eq!(
            (event.provider_response_id.as_deref(), event.usage_format.as_deref()),
            (Some("1"), Some("litellm"))
        );
    }

    #[test]
    fn tokens_of_one_type_are_understood() {
        let event = read_value(&cloud_event(json!({"model": "gpt-4o", "type": "output", "tokens": "123"}))).unwrap();
        assert_eq!(event.usage, json!({"output_tokens": 123}));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut old = cloud_event(json!({}));
        old["specversion"] = json!("0.2");
        let mut late = cloud_event(json!({}));
        late["time"] = json!("yesterday");
        for (value, pointer) in [
            (json!([]), ""),
            (json!({"specversion": "1.0", "source": "s"}), "/id"),
            (json!({"specversion": "1.0", "id": "1"}), "/source"),
            (old, "/specversion"),
            (json!({"specversion": "1.0", "source": "s", "id": "1"}), "/type"),
            (late, "/time"),
            (cloud_event(json!(1)), "/data"),
            (cloud_event(json!({"a": 1})), "/data/usage"),
            (cloud_event(json!({"usage": 1})), "/data/usage"),
            (cloud_event(json!({"tokens": 1})), "/data/type"),
            (cloud_event(json!({"prompt_tokens": 1})), "/data/model"),
        ] {
            assert_eq!(read_value(&value).unwrap_err().problem.pointer, pointer, "{value}");
        }
    }

    #[test]
    fn pairs_stay_apart() {
        assert_ne!(joined("a b", "c"), joined("a", "b c"));
        assert_eq!(joined(&"s".repeat(200), "1").len(), 39);
    }

    #[test]
    fn base64_holds_the_same_data() {
        let mut value = cloud_event(Value::Null);
        value["data_base64"] = json!(STANDARD.encode(r#"{"model":"gpt-4o","type":"input","tokens":7}"#));
        assert_eq!(read_value(&value).unwrap().usage, json!({"input_tokens": 7}));
    }
}
