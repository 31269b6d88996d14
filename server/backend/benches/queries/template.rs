//! The events that are recorded through the product: drawn from the mix, sent by the keys of the teams, and kept beside the rows that they became.

use crate::Failure;
use crate::mix::{Caller, HOURS, Mix};
use crate::place::{self, PROJECTS, Place};
use crate::print::line;
use backend::events;
use chrono::{DateTime, TimeDelta, Utc};
use domain::event::{EventInput, IngestAnswer, Status};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Instant;

/// Customers of the organization.
pub(crate) const CUSTOMERS: u64 = 400;
const FEATURES: [&str; 12] = [
    "answer",
    "search",
    "summary",
    "triage",
    "draft",
    "translate",
    "extract",
    "review",
    "classify",
    "agent",
    "embed-docs",
    "report",
];
const EXPERIMENTS: [&str; 4] = ["control", "short-prompt", "long-context", "cache-first"];
const REGIONS: [&str; 3] = ["eu", "us", "asia"];
/// Events of one request.
const BATCH: usize = 2_000;
const HOUR_MICROS: u64 = 3_600_000_000;

/// A drawn event, in pieces: what copies of it share, and what each has of its own.
struct Drawn {
    project: usize,
    at: DateTime<Utc>,
    customer: u64,
    /// The text after which a copy's number stands; a fourth of the events have one.
    request: Option<String>,
    session: Option<String>,
    input: EventInput,
}

/// Draws events, records them, and keeps their pieces in the table `drawn`, by their times, of which no two are the same.
pub(crate) async fn record(place: &Place, mix: &Mix, events: u64) -> Result<(), Failure> {
    let drawn = Draw::new(mix).take(events);
    let begun = Instant::now();
    for project in 0..PROJECTS {
        let own: Vec<&Drawn> = drawn.iter().filter(|event| event.project == project).collect();
        for batch in own.chunks(BATCH) {
            send(place, project, batch).await?;
        }
    }
    let took = begun.elapsed().as_secs_f64();
    line(&format!("{events} events recorded through the product in {took:.0} s"));
    sqlx::raw_sql(include_str!("drawn.sql")).execute(&place.pool).await?;
    for batch in drawn.chunks(BATCH) {
        keep(place, batch).await?;
    }
    sqlx::raw_sql(include_str!("template.sql")).execute(&place.pool).await?;
    Ok(())
}

async fn send(place: &Place, project: usize, batch: &[&Drawn]) -> Result<(), Failure> {
    let (project, sender) = &place.projects[project];
    let input = |event: &&Drawn| {
        let own = |text: &Option<String>| text.as_ref().map(|text| format!("{text}0"));
        EventInput {
            project: Some(project.slug.to_string()),
            timestamp: Some(event.at.into()),
            customer: Some(customer(event.customer)),
            request_id: own(&event.request),
            session_id: own(&event.session),
            ..event.input.clone()
        }
    };
    let inputs: Vec<EventInput> = batch.iter().map(input).collect();
    let IngestAnswer { accepted, .. } = events::ingest_inputs(&place.backend, sender, inputs).await?;
    if usize::try_from(accepted)? == batch.len() { Ok(()) } else { Err("an event was not accepted".into()) }
}

fn customer(number: u64) -> String {
    format!("customer-{number:03}")
}

/// Keeps what a copy needs beside the row: its customer, and the text from which its content's hash is made, in the form of `backend::ledger::content`.
async fn keep(place: &Place, batch: &[Drawn]) -> Result<(), Failure> {
    let texts: Vec<[String; 3]> = batch.iter().map(|event| pieces(event, place)).collect();
    let piece = |at: usize| texts.iter().map(|pieces| pieces[at].as_str()).collect::<Vec<_>>();
    sqlx::query(
        "insert into drawn select * from unnest($1::timestamptz[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])",
    )
    .bind(batch.iter().map(|event| event.at).collect::<Vec<_>>())
    .bind(batch.iter().map(|event| i32::try_from(event.customer)).collect::<Result<Vec<_>, _>>()?)
    .bind(batch.iter().map(|event| event.request.as_deref()).collect::<Vec<_>>())
    .bind(batch.iter().map(|event| event.session.as_deref()).collect::<Vec<_>>())
    .bind(piece(0))
    .bind(piece(1))
    .bind(piece(2))
    .execute(&place.pool)
    .await?;
    Ok(())
}

/// The canonical text between customer and request, between session and time, and after the time.
fn pieces(event: &Drawn, place: &Place) -> [String; 3] {
    let EventInput { environment, feature, latency_ms, model, provider, status, tags, usage, .. } = &event.input;
    let project = &place.projects[event.project].0.slug;
    let words = json!({"environment": environment, "feature": feature, "latency_ms": latency_ms, "model": model, "project": project.to_string(), "provider": provider});
    let words = sorted(&words);
    let status = json!({"status": status.map(Status::as_str), "tags": tags});
    [
        format!(",{}", inside(&words)),
        format!(",{},\"timestamp\":", inside(&sorted(&status))),
        format!(",\"usage\":{}}}", sorted(usage)),
    ]
}

/// The fields of a JSON object without its braces.
fn inside(object: &str) -> &str {
    object.strip_prefix('{').and_then(|object| object.strip_suffix('}')).unwrap_or(object)
}

/// JSON with sorted keys, whatever order maps have.
fn sorted(value: &Value) -> String {
    let Value::Object(fields) = value else { return value.to_string() };
    let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{}", sorted(value))).collect();
    format!("{{{}}}", fields.join(","))
}

/// Draws events.
struct Draw<'a> {
    mix: &'a Mix,
    /// Sums of the requests of callers, and of each caller's hours.
    callers: Vec<f64>,
    hours: Vec<Vec<f64>>,
    random: Random,
    taken: HashSet<i64>,
}

impl<'a> Draw<'a> {
    fn new(mix: &'a Mix) -> Self {
        let requests = mix.callers.iter().map(Caller::requests);
        let hours = mix.callers.iter().map(|caller| sums(caller.hours.iter().copied())).collect();
        Self { mix, callers: sums(requests), hours, random: Random(1), taken: HashSet::new() }
    }

    fn take(mut self, events: u64) -> Vec<Drawn> {
        (0..events).map(|number| self.one(number)).collect()
    }

    fn one(&mut self, number: u64) -> Drawn {
        let place = self.random.among(&self.callers);
        let caller = &self.mix.callers[place];
        let hour = self.random.among(&self.hours[place]);
        let at = self.time(hour);
        let (provider, model) = caller.model(self.random.chance(0.1));
        let failed = self.random.chance(0.015);
        let input_tokens = self.random.around(caller.input);
        let output = if failed { 0 } else { self.random.around(caller.output) };
        let cached = self.random.below(input_tokens / 2 + 1);
        let even = self.random.below(1_000);
        let tags = [("experiment", self.random.one_of(&EXPERIMENTS)), ("region", self.random.one_of(&REGIONS))];
        let input = EventInput {
            provider: provider.to_owned(),
            model: model.to_owned(),
            usage: usage(provider, input_tokens, cached, output),
            status: Some(if failed { Status::Error } else { Status::Success }),
            latency_ms: Some(output * 12 + self.random.below(900)),
            feature: Some(FEATURES[place / PROJECTS % FEATURES.len()].to_owned()),
            environment: Some(if self.random.chance(0.04) { "staging" } else { "production" }.to_owned()),
            tags: tags.map(|(tag, value)| (tag.to_owned(), value.to_owned())).into(),
            ..EventInput::default()
        };
        let is_traced = number.is_multiple_of(4);
        Drawn {
            project: place % PROJECTS,
            at,
            // A few customers make most calls: the square of an even choice.
            customer: even * even * CUSTOMERS / 1_000_000,
            request: is_traced.then(|| format!("r{number}-")),
            session: is_traced.then(|| format!("s{}-", number / 32)),
            input,
        }
    }

    /// A moment of this hour of one of the fortnights, which no other event has.
    fn time(&mut self, hour: usize) -> DateTime<Utc> {
        loop {
            let fortnight = self.random.below(place::DAYS / 14);
            let hours = fortnight * u64::try_from(HOURS).unwrap_or_default() + u64::try_from(hour).unwrap_or_default();
            let micros = hours * HOUR_MICROS + self.random.below(HOUR_MICROS);
            let at = place::start() + TimeDelta::microseconds(i64::try_from(micros).unwrap_or_default());
            if self.taken.insert(at.timestamp_micros()) {
                return at;
            }
        }
    }
}

/// The provider's own words for what was used.
fn usage(provider: &str, input: u64, cached: u64, output: u64) -> Value {
    match provider {
        "anthropic" => json!({
            "input_tokens": input - cached, "cache_read_input_tokens": cached, "cache_creation_input_tokens": 0,
            "output_tokens": output,
        }),
        "google" => json!({
            "promptTokenCount": input, "cachedContentTokenCount": cached, "candidatesTokenCount": output,
            "totalTokenCount": input + output,
        }),
        _ => json!({
            "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
            "prompt_tokens_details": {"cached_tokens": cached},
        }),
    }
}

fn sums(parts: impl Iterator<Item = f64>) -> Vec<f64> {
    parts
        .scan(0.0, |sum, part| {
            *sum += part;
            Some(*sum)
        })
        .collect()
}

/// `SplitMix64` (Steele, Lea, Flood 2014): the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a float holds")]
    fn even(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn chance(&mut self, share: f64) -> bool {
        self.even() < share
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        let place = self.below(u64::try_from(texts.len()).unwrap_or(1));
        texts[usize::try_from(place).unwrap_or_default()]
    }

    /// A place, by sums of shares.
    fn among(&mut self, sums: &[f64]) -> usize {
        let wanted = self.even() * sums.last().copied().unwrap_or_default();
        sums.partition_point(|sum| *sum <= wanted).min(sums.len().saturating_sub(1))
    }

    /// A whole number around a mean, exponentially spread: many short requests and few long ones.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "tokens of a request")]
    fn around(&mut self, mean: f64) -> u64 {
        (mean * -(1.0 - self.even()).ln()).ceil().clamp(1.0, 200_000.0) as u64
    }
}
