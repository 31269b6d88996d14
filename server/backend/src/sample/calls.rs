//! One call of a model in the sample: its usage, its retries, its timing.

use super::rng::{Rng, whole};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::event::{EventInput, ReportedCost, Status};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// Of so many events of a project and day one has a number in its usage that no rule reads, if it is Gemini's.
const UNREAD_EVERY: usize = 40;
/// Of so many one was reported as free by its provider.
const FREE_EVERY: usize = 53;
/// Of so many one comes twice if it is Anthropic's: while it streams, and when it is over.
const COPIED_EVERY: usize = 60;

/// What a call used, in the shape of the provider's own answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Used {
    /// OpenAI's chat: cached tokens are a part of the input.
    OpenaiChat { input: u64, cached: u64, output: u64 },
    /// Anthropic's messages: cache reads and writes come on top of the input.
    Anthropic { input: u64, read: u64, written: u64, output: u64 },
    /// Gemini's chat: cached tokens are a part of the prompt.
    Gemini { input: u64, cached: u64, output: u64 },
    /// OpenAI's embeddings.
    Embeddings { input: u64 },
    /// OpenAI's pictures, counted in tokens.
    Image { text: u64, picture: u64 },
    /// OpenAI's transcription by the second.
    Audio { seconds: u64 },
}

impl Used {
    fn format(self) -> &'static str {
        match self {
            Self::OpenaiChat { .. } => "openai_chat",
            Self::Anthropic { .. } => "anthropic",
            Self::Gemini { .. } => "gemini",
            Self::Embeddings { .. } => "openai_embeddings",
            Self::Image { .. } => "openai_images",
            Self::Audio { .. } => "openai_transcription",
        }
    }

    const fn operation(self) -> &'static str {
        match self {
            Self::OpenaiChat { .. } | Self::Anthropic { .. } | Self::Gemini { .. } => "chat",
            Self::Embeddings { .. } => "embeddings",
            Self::Image { .. } => "image",
            Self::Audio { .. } => "transcription",
        }
    }

    fn object(self) -> Value {
        match self {
            Self::OpenaiChat { input, cached, output } => json!({
                "prompt_tokens": input,
                "completion_tokens": output,
                "total_tokens": input + output,
                "prompt_tokens_details": {"cached_tokens": cached},
            }),
            Self::Anthropic { input, read, written, output } => json!({
                "input_tokens": input,
                "cache_read_input_tokens": read,
                "cache_creation_input_tokens": written,
                "output_tokens": output,
            }),
            Self::Gemini { input, cached, output } => json!({
                "promptTokenCount": input,
                "cachedContentTokenCount": cached,
                "candidatesTokenCount": output,
                "totalTokenCount": input + output,
            }),
            Self::Embeddings { input } => json!({"prompt_tokens": input, "total_tokens": input}),
            Self::Image { text, picture } => json!({
                "input_tokens": text,
                "output_tokens": picture,
                "total_tokens": text + picture,
                "input_tokens_details": {"text_tokens": text, "image_tokens": 0},
            }),
            Self::Audio { seconds } => json!({"type": "duration", "seconds": seconds}),
        }
    }

    const fn output(self) -> u64 {
        match self {
            Self::OpenaiChat { output, .. } | Self::Anthropic { output, .. } | Self::Gemini { output, .. } => output,
            Self::Embeddings { .. } => 0,
            Self::Image { picture, .. } => picture / 4,
            Self::Audio { seconds } => seconds,
        }
    }

    /// What an attempt is charged that gave no answer: everything that was read, nothing that was written.
    const fn unanswered(self) -> Self {
        match self {
            Self::OpenaiChat { input, cached, .. } => Self::OpenaiChat { input, cached, output: 0 },
            Self::Anthropic { input, read, written, .. } => Self::Anthropic { input, read, written, output: 0 },
            Self::Gemini { input, cached, .. } => Self::Gemini { input, cached, output: 0 },
            Self::Embeddings { input } => Self::Embeddings { input },
            Self::Image { text, .. } => Self::Image { text, picture: 0 },
            Self::Audio { seconds } => Self::Audio { seconds },
        }
    }

    /// What an attempt used that was refused at the door.
    const fn nothing(self) -> Self {
        match self {
            Self::OpenaiChat { .. } => Self::OpenaiChat { input: 0, cached: 0, output: 0 },
            Self::Anthropic { .. } => Self::Anthropic { input: 0, read: 0, written: 0, output: 0 },
            Self::Gemini { .. } => Self::Gemini { input: 0, cached: 0, output: 0 },
            Self::Embeddings { .. } => Self::Embeddings { input: 0 },
            Self::Image { .. } => Self::Image { text: 0, picture: 0 },
            Self::Audio { .. } => Self::Audio { seconds: 0 },
        }
    }
}

/// A call that a project makes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub provider: &'static str,
    pub model: &'static str,
    pub used: Used,
    pub feature: &'static str,
    pub step: Option<&'static str>,
    pub batch: bool,
}

/// Collects a project's events of one day.
pub(super) struct Writer<'a> {
    pub rng: &'a mut Rng,
    project: &'static str,
    date: NaiveDate,
    number: u32,
    pub events: Vec<EventInput>,
}

/// Share of calls whose first attempt fails.
const FAILS: f64 = 0.025;

impl<'a> Writer<'a> {
    pub(super) const fn new(rng: &'a mut Rng, project: &'static str, date: NaiveDate) -> Self {
        Self { rng, project, date, number: 0, events: Vec::new() }
    }

    /// A word that is unique in the sample and the same every time.
    pub(super) fn id(&mut self, what: &str) -> String {
        self.number += 1;
        format!("{what}-{}-{}-{:05}", self.project, self.date.format("%m%d"), self.number)
    }

    /// Makes the call, with a failed attempt before it now and then; gives back when it was answered.
    ///
    /// `context` carries what the call belongs to: session, interaction, customer, user, tags.
    pub(super) fn call(&mut self, at: DateTime<Utc>, call: Call, context: &EventInput) -> DateTime<Utc> {
        let request_id = self.id("req");
        let (mut at, mut attempt) = (at, 1);
        if self.rng.chance(FAILS) {
            at = self.failed_attempt(at, call, context, &request_id, attempt) + Duration::seconds(1);
            attempt = 2;
        }
        let first_token_ms = self.rng.between(180, 900);
        let latency_ms = first_token_ms + call.used.output() * self.rng.between(9, 22);
        let mut event = self.attempt(at, call, context, &request_id, attempt);
        event.usage = call.used.object();
        self.add_oddities(&mut event, call.used);
        event.latency_ms = Some(latency_ms);
        if call.used.operation() == "chat" {
            event.time_to_first_token_ms = Some(first_token_ms);
            event.stream = Some(true);
            event.finish_reason = Some("stop".to_owned());
        }
        if let Used::Anthropic { output, .. } = call.used
            && output > 1
            && self.events.len().is_multiple_of(COPIED_EVERY)
        {
            let mut copy = event.clone();
            copy.usage["output_tokens"] = json!(output / 2);
            (copy.latency_ms, copy.finish_reason) = (None, None);
            self.events.push(copy);
        }
        self.events.push(event);
        at + Duration::milliseconds(i64::try_from(latency_ms).unwrap_or_default())
    }

    /// What real senders send now and then: a number that no rule reads, and a call that its provider reported as free.
    fn add_oddities(&self, event: &mut EventInput, used: Used) {
        if let Used::Gemini { input, .. } = used
            && self.events.len().is_multiple_of(UNREAD_EVERY)
        {
            event.usage["urlContextTokenCount"] = json!(input / 8 + 1);
        }
        if self.events.len().is_multiple_of(FREE_EVERY) {
            event.reported_cost = Some(ReportedCost { amount: Decimal::ZERO, currency: "USD".to_owned() });
        }
    }

    /// One attempt that failed; a third of them are refused for limits, the rest time out or break off and are charged for what was read.
    fn failed_attempt(
        &mut self,
        at: DateTime<Utc>,
        call: Call,
        context: &EventInput,
        request_id: &str,
        attempt: u32,
    ) -> DateTime<Utc> {
        let (status, kind, used, latency_ms) = match self.rng.between(0, 2) {
            0 => (Status::RateLimited, "rate_limit", call.used.nothing(), 90),
            1 => (Status::Timeout, "timeout", call.used.unanswered(), 60_000),
            _ => (Status::Error, "server_error", call.used.nothing(), 1_400),
        };
        self.push_failed(at, call, context, request_id, (attempt, status, kind, used, latency_ms));
        at + Duration::milliseconds(latency_ms)
    }

    /// An attempt that timed out after it had been read whole.
    pub(super) fn timed_out(
        &mut self,
        at: DateTime<Utc>,
        call: Call,
        context: &EventInput,
        request_id: &str,
        attempt: u32,
    ) {
        let used = call.used.unanswered();
        self.push_failed(at, call, context, request_id, (attempt, Status::Timeout, "timeout", used, 60_000));
    }

    fn push_failed(
        &mut self,
        at: DateTime<Utc>,
        call: Call,
        context: &EventInput,
        request_id: &str,
        (attempt, status, kind, used, latency_ms): (u32, Status, &str, Used, i64),
    ) {
        let mut event = self.attempt(at, call, context, request_id, attempt);
        event.usage = used.object();
        event.status = Some(status);
        event.error_kind = Some(kind.to_owned());
        event.latency_ms = u64::try_from(latency_ms).ok();
        self.events.push(event);
    }

    fn attempt(
        &self,
        at: DateTime<Utc>,
        call: Call,
        context: &EventInput,
        request_id: &str,
        attempt: u32,
    ) -> EventInput {
        EventInput {
            id: Some(format!("{request_id}-{attempt}")),
            timestamp: Some(at.into()),
            project: Some(self.project.to_owned()),
            provider: call.provider.to_owned(),
            model: call.model.to_owned(),
            operation: Some(call.used.operation().to_owned()),
            usage_format: Some(call.used.format().to_owned()),
            batch: call.batch.then_some(true),
            attempt: Some(attempt),
            request_id: Some(request_id.to_owned()),
            feature: Some(call.feature.to_owned()),
            step: call.step.map(str::to_owned),
            environment: Some(context.environment.clone().unwrap_or_else(|| "production".to_owned())),
            ..context.clone()
        }
    }
}

/// Splits an input into what a provider's cache held and the rest.
pub(super) fn cached_part(input: u64, share: f64) -> u64 {
    whole(input as f64 * share.clamp(0.0, 1.0)).min(input)
}
