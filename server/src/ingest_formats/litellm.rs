//! LiteLLM's `StandardLoggingPayload`, as its `generic_api` callback sends it (read from litellm 1.109.1).
//!
//! * Usage is LiteLLM's own object, in OpenAI's shape for every vendor: [`UsageFormat::Litellm`].
//! * `messages`, `response` but for its billed units, and everything else that is not named here is skipped while the bytes are parsed.
//! * A call (`litellm_call_id`) is several attempts where its proxy tried again: the id is the call's with the answer's, or with the time at which a failed attempt began. What is only asked for again, such as a finished batch, has the id of the thing itself, so that asking twice is no second cost.

use super::endpoint;
use super::fit;
use super::names;
use super::raw::{self, Raw, part, value};
use super::{IndexedEvents, ParsedEvent};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use domain::event::{EventInput, Rejection, ReportedCost, Sender, Status};
use domain::meter::UsageFormat;
use domain::problem::FieldProblem;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// The known fields, each still raw, so that one of a strange type spoils nothing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload<'a> {
    #[serde(borrow)]
    id: Raw<'a>,
    litellm_call_id: Raw<'a>,
    trace_id: Raw<'a>,
    session_id: Raw<'a>,
    call_type: Raw<'a>,
    stream: Raw<'a>,
    response_cost: Raw<'a>,
    response_cost_failure_debug_info: Raw<'a>,
    cost_breakdown: Raw<'a>,
    status: Raw<'a>,
    custom_llm_provider: Raw<'a>,
    total_tokens: Raw<'a>,
    prompt_tokens: Raw<'a>,
    completion_tokens: Raw<'a>,
    #[serde(rename = "startTime")]
    start_time: Raw<'a>,
    #[serde(rename = "endTime")]
    end_time: Raw<'a>,
    #[serde(rename = "completionStartTime")]
    completion_start_time: Raw<'a>,
    model_map_information: Raw<'a>,
    model: Raw<'a>,
    api_base: Raw<'a>,
    model_group: Raw<'a>,
    metadata: Raw<'a>,
    cache_hit: Raw<'a>,
    saved_cache_cost: Raw<'a>,
    request_tags: Raw<'a>,
    end_user: Raw<'a>,
    error_information: Raw<'a>,
    model_parameters: Raw<'a>,
    hidden_params: Raw<'a>,
    response: Raw<'a>,
}

/// Of an answer only what was billed where tokens are not.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer<'a> {
    #[serde(borrow)]
    meta: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta<'a> {
    #[serde(borrow)]
    billed_units: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    usage_object: Raw<'a>,
    user_api_key_alias: Raw<'a>,
    user_api_key_team_alias: Raw<'a>,
    user_api_key_team_id: Raw<'a>,
    user_api_key_org_alias: Raw<'a>,
    user_api_key_org_id: Raw<'a>,
    user_api_key_project_alias: Raw<'a>,
    user_api_key_user_id: Raw<'a>,
    user_api_key_user_email: Raw<'a>,
    user_api_key_end_user_id: Raw<'a>,
    spend_logs_metadata: Raw<'a>,
    requester_metadata: Raw<'a>,
}

/// Labels that a caller can give in the metadata of a request.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Given<'a> {
    #[serde(borrow)]
    project: Raw<'a>,
    feature: Raw<'a>,
    environment: Raw<'a>,
    customer: Raw<'a>,
    user: Raw<'a>,
    cohort: Raw<'a>,
    step: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters<'a> {
    #[serde(borrow)]
    user: Raw<'a>,
    stream: Raw<'a>,
    service_tier: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Breakdown<'a> {
    #[serde(borrow)]
    service_tier: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Hidden<'a> {
    #[serde(borrow)]
    usage_object: Raw<'a>,
    additional_headers: Raw<'a>,
    api_base: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Headers<'a> {
    #[serde(borrow, rename = "x-litellm-attempted-retries")]
    retries: Raw<'a>,
    #[serde(rename = "x-litellm-attempted-fallbacks")]
    fallbacks: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ModelMap<'a> {
    #[serde(borrow)]
    model_map_key: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Failure<'a> {
    #[serde(borrow)]
    error_code: Raw<'a>,
    error_class: Raw<'a>,
}

/// The body with `null` for every `NaN` and `Infinity`, which Python writes and JSON does not know; none when there are none.
///
/// One cost that could not be computed would otherwise take the whole batch with it, and LiteLLM never sends it again.
#[must_use]
pub fn without_nan(body: &[u8]) -> Option<Vec<u8>> {
    let mut mended = Vec::with_capacity(body.len());
    let (mut rest, mut in_text, mut found) = (body, false, false);
    while let Some((&byte, after)) = rest.split_first() {
        let word = [&b"-Infinity"[..], b"Infinity", b"NaN"].into_iter().find(|word| !in_text && rest.starts_with(word));
        if let Some(word) = word {
            mended.extend_from_slice(b"null");
            rest = &rest[word.len()..];
            found = true;
            continue;
        }
        mended.push(byte);
        rest = after;
        if byte == b'"' {
            in_text = !in_text;
        } else if byte == b'\\'
            && in_text
            && let Some((&escaped, after)) = rest.split_first()
        {
            mended.push(escaped);
            rest = after;
        }
    }
    found.then_some(mended)
}

/// Reads the payloads of one request. Those that say nothing of a model's work, such as a list of files, are left out.
#[must_use]
pub fn read(items: &[Option<&RawValue>]) -> IndexedEvents {
    (0..).zip(items).filter_map(|(place, item)| Some((place, one(*item)?))).collect()
}

fn one(item: Option<&RawValue>) -> Option<ParsedEvent> {
    let unreadable = |detail: &str| Some(Err(Rejection::unread(FieldProblem::new("", "invalid", detail))));
    let Some(item) = item else { return unreadable("This line is not a JSON object.") };
    // A payload that LiteLLM could not build is written as null.
    if !item.get().starts_with('{') {
        return unreadable("A log of LiteLLM is a JSON object.");
    }
    match serde_json::from_str::<Payload<'_>>(item.get()) {
        Ok(payload) => payload.read(),
        Err(_) => unreadable("A log of LiteLLM is a JSON object in which each field stands once."),
    }
}

impl Payload<'_> {
    fn read(&self) -> Option<ParsedEvent> {
        let metadata: Metadata<'_> = part(self.metadata);
        let hidden: Hidden<'_> = part(self.hidden_params);
        let usage = usage(metadata.usage_object).or_else(|| usage(hidden.usage_object));
        let mut used = usage.unwrap_or_else(|| self.counted());
        let mut usage_format = UsageFormat::Litellm;
        if !has_tokens(&used)
            && let Some(billed) = self.billed_units()
        {
            (used, usage_format) = (json!({"billed_units": billed}), UsageFormat::Cohere);
        }
        let call = text(self.call_type).unwrap_or_default();
        if is_housekeeping(&call) && !has_tokens(&used) && !self.has_cost() {
            return None;
        }
        let provider_id = text(self.id).filter(|id| Some(id) != text(self.litellm_call_id).as_ref());
        let model = self.model();
        let Some(model) = model else {
            let problem = FieldProblem::new("/model", "required", "`model` is missing.");
            let sender = Sender { id: self.call_id(&call), ..Sender::default() };
            return Some(Err(Rejection::about(sender, problem)));
        };
        let provider = text(self.custom_llm_provider);
        let model = without_provider(model, provider.as_deref());
        let cache_hit = value::<bool>(self.cache_hit) == Some(true);
        let session = text(self.session_id);
        // A session stands in the place of the trace unless the caller gave one: its calls are no attempts of one request.
        let trace = text(self.trace_id).filter(|trace| Some(trace) != session.as_ref());
        let request = trace.or_else(|| text(self.litellm_call_id));
        let mut event = EventInput {
            id: self.call_id(&call),
            timestamp: value::<f64>(self.start_time).and_then(fit::instant),
            provider: names::provider(provider.as_deref(), &model),
            model,
            operation: Some(names::operation(&call)),
            usage: used,
            usage_format: Some(usage_format.as_str().to_owned()),
            batch: call.contains("batch").then_some(true),
            region: [self.api_base, hidden.api_base].into_iter().find_map(|base| endpoint::region(&text(base)?)),
            request_id: request.as_deref().and_then(fit::id),
            session_id: session.as_deref().and_then(fit::id),
            attempt: attempt(hidden.additional_headers),
            latency_ms: self.since_start(self.end_time),
            response_cache_hit: cache_hit.then_some(true),
            // The answer from the cache has the id of the first answer: it is no second call.
            provider_response_id: provider_id.filter(|_| !cache_hit).and_then(|id| fit::id(&response_id(&id))),
            ..EventInput::default()
        };
        self.outcome(&mut event);
        self.parameters(&mut event);
        self.cost(&mut event, cache_hit);
        if is_uncounted(&event) {
            let detail = "LiteLLM logged neither tokens nor a cost of this call: what it used is unknown.";
            return Some(Err(Rejection::of(&event, FieldProblem::new("/usage", "required", detail))));
        }
        self.labels(&mut event, &metadata);
        Some(Ok(event))
    }

    /// The model that LiteLLM priced, which is the one that answered where it knows it; else the one that was asked for.
    fn model(&self) -> Option<String> {
        let map: ModelMap<'_> = part(self.model_map_information);
        let priced = text(map.model_map_key).filter(|key| !is_own_id(key));
        priced.or_else(|| text(self.model)).as_deref().and_then(fit::label)
    }

    fn call_id(&self, call: &str) -> Option<String> {
        let (of_call, own) = (text(self.litellm_call_id), text(self.id));
        if is_asked_again(call) {
            return fit::id(&own.or(of_call)?);
        }
        let of_call = of_call.or_else(|| own.clone())?;
        let attempt = if text(self.status).as_deref() == Some("failure") {
            Some(format!("failure-{}", text(self.start_time).unwrap_or_default()))
        } else {
            own.filter(|own| *own != of_call)
        };
        fit::id(&attempt.map_or_else(|| of_call.clone(), |attempt| format!("{of_call}:{attempt}")))
    }

    /// Whether LiteLLM says that it cost anything.
    fn has_cost(&self) -> bool {
        let cost = self.response_cost.and_then(|raw| ReportedCost::read(raw.get()));
        cost.is_some_and(|cost| !cost.amount.is_zero())
    }

    /// What a reranker and its like bill, which LiteLLM's usage object leaves out.
    fn billed_units(&self) -> Option<Value> {
        let answer: Answer<'_> = part(self.response);
        let meta: Meta<'_> = part(answer.meta);
        value::<Value>(meta.billed_units).filter(|billed| billed.as_object().is_some_and(|units| !units.is_empty()))
    }

    /// What is left of a usage object when there is none.
    fn counted(&self) -> Value {
        let mut usage = Map::new();
        for (name, raw) in [
            ("prompt_tokens", self.prompt_tokens),
            ("completion_tokens", self.completion_tokens),
            ("total_tokens", self.total_tokens),
        ] {
            let value = raw.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
            if let Some(value) = value.filter(Value::is_number) {
                usage.insert(name.to_owned(), value);
            }
        }
        Value::Object(usage)
    }

    fn since_start(&self, at: Raw<'_>) -> Option<u64> {
        fit::millis((value::<f64>(at)? - value::<f64>(self.start_time)?) * 1_000.0)
    }

    fn outcome(&self, event: &mut EventInput) {
        if text(self.status).as_deref() != Some("failure") {
            event.status = Some(Status::Success);
            return;
        }
        let failure: Failure<'_> = part(self.error_information);
        let (class, code) = (text(failure.error_class), text(failure.error_code));
        event.status = Some(fit::failure(class.as_deref().unwrap_or_default(), code.as_deref().unwrap_or_default()));
        event.error_kind = class.or(code).as_deref().and_then(fit::label);
        // A call that failed before anything was counted is an attempt without tokens.
        if let Value::Object(usage) = &mut event.usage {
            usage.entry("prompt_tokens").or_insert(json!(0));
        }
    }

    fn parameters(&self, event: &mut EventInput) {
        let parameters: Parameters<'_> = part(self.model_parameters);
        let breakdown: Breakdown<'_> = part(self.cost_breakdown);
        event.stream = value::<bool>(self.stream).or_else(|| value::<bool>(parameters.stream));
        if event.stream == Some(true) {
            event.time_to_first_token_ms = self.since_start(self.completion_start_time);
        }
        event.service_tier =
            text(breakdown.service_tier).or_else(|| text(parameters.service_tier)).as_deref().and_then(fit::label);
    }

    /// LiteLLM's own figure. Its zero stands for an unknown price just as for a free call, so it says nothing.
    fn cost(&self, event: &mut EventInput, cache_hit: bool) {
        if cache_hit {
            if let Some(saved) = self.saved_cache_cost.and_then(|raw| ReportedCost::read(raw.get())) {
                fit::tag(event, "litellm_saved_cost", &saved.amount.normalize().to_string());
            }
        } else if self.response_cost_failure_debug_info.is_none_or(|raw| raw.get() == "null") {
            let reported = self.response_cost.and_then(|raw| ReportedCost::read(raw.get()));
            event.reported_cost = reported.filter(|cost| !cost.amount.is_zero());
        }
    }

    fn labels(&self, event: &mut EventInput, metadata: &Metadata<'_>) {
        for given in [metadata.spend_logs_metadata, metadata.requester_metadata] {
            given_labels(event, &part(given));
        }
        let tags: Vec<Raw<'_>> = part(self.request_tags);
        let tags: Vec<String> = tags.into_iter().filter_map(text).collect();
        for tag in &tags {
            match tag.split_once([':', '=']) {
                Some((key, value)) => fit::name_label(event, key.trim(), value),
                None => fit::tag(event, tag, "true"),
            }
        }
        let parameters: Parameters<'_> = part(self.model_parameters);
        for user in [self.end_user, metadata.user_api_key_end_user_id, parameters.user] {
            if let Some(user) = text(user) {
                fit::name_label(event, "user", &user);
            }
        }
        for (key, raw) in [
            ("key", metadata.user_api_key_alias),
            ("team", metadata.user_api_key_team_alias),
            ("team", metadata.user_api_key_team_id),
            ("organization", metadata.user_api_key_org_alias),
            ("organization", metadata.user_api_key_org_id),
            ("litellm_project", metadata.user_api_key_project_alias),
            ("key_user", metadata.user_api_key_user_email),
            ("key_user", metadata.user_api_key_user_id),
            ("model_group", self.model_group),
        ] {
            if let Some(value) = text(raw) {
                fit::tag(event, key, &value);
            }
        }
        if let Some(asked) = text(self.model).filter(|asked| *asked != event.model) {
            fit::tag(event, "requested_model", &asked);
        }
    }
}

fn given_labels(event: &mut EventInput, given: &Given<'_>) {
    for (key, raw) in [
        ("project", given.project),
        ("feature", given.feature),
        ("environment", given.environment),
        ("customer", given.customer),
        ("user", given.user),
        ("cohort", given.cohort),
        ("step", given.step),
    ] {
        if let Some(value) = text(raw) {
            fit::name_label(event, key, &value);
        }
    }
}

/// Number of the attempt of a call that its proxy tried again; none for the first, and for failed ones, which do not tell.
fn attempt(headers: Raw<'_>) -> Option<u32> {
    let headers: Headers<'_> = part(headers);
    let before = [headers.retries, headers.fallbacks].into_iter().filter_map(|raw| raw::bare(raw?).parse::<u32>().ok());
    let before = before.fold(0, u32::saturating_add);
    (before > 0).then(|| before.saturating_add(1))
}

/// A model's name without the provider that LiteLLM writes before it.
fn without_provider(model: String, provider: Option<&str>) -> String {
    match provider.and_then(|provider| model.strip_prefix(provider)?.strip_prefix('/')) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => model,
    }
}

/// Whether a call that answered has neither usage nor a cost, so that nobody knows what it is worth. Moderation is free.
fn is_uncounted(event: &EventInput) -> bool {
    let is_free = event.is_cache_hit() || event.operation.as_deref() == Some("moderation");
    let has_usage = event.usage.get("billed_units").is_some() || has_tokens(&event.usage);
    event.status == Some(Status::Success) && !is_free && !has_usage && event.reported_cost.is_none()
}

/// Calls about files, batches and the like: no model worked, unless tokens are counted.
fn is_housekeeping(call: &str) -> bool {
    let call = call.strip_prefix('a').unwrap_or(call);
    ["create_", "retrieve_", "list_", "delete_", "cancel_", "get_", "file_", "health", "vector_store_", "search_"]
        .iter()
        .any(|begin| call.starts_with(begin))
}

/// Calls that show again what was done before: the id is the thing's own.
fn is_asked_again(call: &str) -> bool {
    let call = call.strip_prefix('a').unwrap_or(call);
    call.starts_with("retrieve_") || call.starts_with("get_")
}

/// Whether any count is above zero.
fn has_tokens(usage: &Value) -> bool {
    ["prompt_tokens", "completion_tokens", "total_tokens"]
        .iter()
        .any(|key| usage.get(key).and_then(Value::as_f64).is_some_and(|count| count > 0.0))
}

/// Keys under which LiteLLM registers deployments with their own prices: a hash or a UUID, and no model's name.
fn is_own_id(key: &str) -> bool {
    key.len() >= 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The provider's own id: LiteLLM wraps those of the Responses API into one that carries its deployment.
fn response_id(id: &str) -> String {
    let wrapped = id.strip_prefix("resp_").and_then(|rest| STANDARD_NO_PAD.decode(rest.trim_end_matches('=')).ok());
    let unwrapped = wrapped.and_then(|bytes| String::from_utf8(bytes).ok());
    let inner = unwrapped.as_deref().filter(|text| text.starts_with("litellm:"));
    inner
        .and_then(|text| text.split(';').find_map(|part| part.strip_prefix("response_id:")))
        .map_or_else(|| id.to_owned(), str::to_owned)
}

/// A usage object; none for what is none.
fn usage(raw: Raw<'_>) -> Option<Value> {
    value::<Value>(raw).filter(|usage| usage.as_object().is_some_and(|usage| !usage.is_empty()))
}

/// A text, or a number as text; none when empty.
fn text(raw: Raw<'_>) -> Option<String> {
    let written = raw?.get();
    match written.as_bytes().first()? {
        b'0'..=b'9' | b'-' => Some(written.to_owned()),
        _ => raw::text(raw),
    }
}

#[cfg(test)]
mod tests;
