//! What the sample's five projects do all day.

use super::calendar::{Calendar, Day, Rhythm};
use super::calls::{Call, Used, Writer, cached_part};
use super::figures::{
    CODE_INPUT, CODE_OUTPUT, CONVERSATION_INPUT, CONVERSATION_OUTPUT, LONG_CACHED, LONG_INPUT, LONG_OUTPUT,
};
use super::rng::Rng;
use chrono::{DateTime, Duration, Utc};
use domain::event::EventInput;
use std::collections::BTreeMap;

const CUSTOMERS: [&str; 7] = ["acme", "globex", "initech", "hooli", "vandelay", "umbrella", "stark"];
const REPOSITORIES: [&str; 5] = ["api", "web", "mobile", "billing", "infra"];
const CAMPAIGNS: [&str; 4] = ["autumn-launch", "newsletter", "webinar", "black-friday"];
const DEVELOPERS: u64 = 24;

/// Who runs night jobs; they have an API key of their own.
pub(super) const NIGHT_JOBS: &str = "ci";

const EMBEDDER: &str = "text-embedding-3-small";
const GPT_4O: &str = "gpt-4o-2024-08-06";
const GPT_4O_MINI: &str = "gpt-4o-mini-2024-07-18";
const SONNET: &str = "claude-sonnet-4-5-20250929";
const OPUS: &str = "claude-opus-4-1-20250805";
const FLASH: &str = "gemini-2.5-flash";

/// An agent's transcript is cut before it gets longer; above 200,000 tokens some providers charge more.
const LONGEST_TRANSCRIPT: u64 = 240_000;

/// A project of the sample with what it does on one day.
pub(super) struct Scene {
    pub project: &'static str,
    pub play: fn(&mut Writer<'_>, Calendar, Day),
}

/// All projects.
pub(super) const SCENES: [Scene; 5] = [
    Scene { project: "support-bot", play: support_bot },
    Scene { project: "code-assistant", play: code_assistant },
    Scene { project: "search", play: search },
    Scene { project: "marketing-drafts", play: marketing_drafts },
    Scene { project: "transcripts", play: transcripts },
];

/// Questions of customers: retrieve, draft an answer, now and then escalate to the larger model.
fn support_bot(write: &mut Writer<'_>, calendar: Calendar, day: Day) {
    for at in calendar.moments(day, Rhythm::Customers, 62.0, &mut write.rng.stream(1)) {
        let customer = write.rng.pick(&CUSTOMERS);
        let session = EventInput {
            session_id: Some(write.id("conv")),
            user: Some(format!("{customer}-{:02}", write.rng.between(1, 40))),
            customer: Some(customer.to_owned()),
            tags: tags(&[("prompt_version", prompt_version(day))]),
            environment: environment(write),
            ..EventInput::default()
        };
        let mut at = at;
        for _ in 0..write.rng.between(1, 4) {
            let turn = EventInput { interaction_id: Some(write.id("turn")), ..session.clone() };
            at = support_turn(write, at, day, &turn) + Duration::seconds(write_pause(write, 20, 180));
        }
    }
}

fn support_turn(write: &mut Writer<'_>, at: DateTime<Utc>, day: Day, turn: &EventInput) -> DateTime<Utc> {
    let question = 20 + write.rng.tokens(&CONVERSATION_INPUT) / 8;
    let retrieve = embed(question, "answer", Some("retrieve"));
    let mut at = write.call(at, retrieve, turn);
    // Documents that were retrieved, the conversation so far, and the instructions: the third version of the prompt is longer.
    let instructions = if prompt_version(day) == "8" { 2_600 } else { 1_400 };
    let input = instructions + write.rng.tokens(&CONVERSATION_INPUT) + write.rng.tokens(&LONG_INPUT);
    let cached = cached_part(input, write.rng.quantile(&LONG_CACHED));
    let output = write.rng.tokens(&CONVERSATION_OUTPUT);
    // With the third version more answers come from the larger model.
    let larger = if prompt_version(day) == "8" { 0.6 } else { 0.35 };
    let draft = match write.rng.unit() {
        draw if draw < larger => claude(SONNET, input, cached, output, "answer", "draft"),
        draw if draw < 0.7 => chat(GPT_4O, Used::OpenaiChat { input, cached, output }, "answer", "draft"),
        _ => chat(GPT_4O_MINI, Used::OpenaiChat { input, cached, output }, "answer", "draft"),
    };
    at = write.call(at, draft, turn);
    if write.rng.chance(0.1) {
        let output = output + write.rng.tokens(&LONG_OUTPUT);
        at = write.call(at, claude(OPUS, input, cached, output, "triage", "escalate"), turn);
    }
    at
}

fn prompt_version(day: Day) -> &'static str {
    match day.ago {
        61.. => "6",
        24..=60 => "7",
        _ => "8",
    }
}

/// Agents that work in a repository: each step sends the transcript so far again, most of it from the cache.
fn code_assistant(write: &mut Writer<'_>, calendar: Calendar, day: Day) {
    for at in calendar.moments(day, Rhythm::Colleagues, 20.0, &mut write.rng.stream(1)) {
        let developer = write.rng.between(1, DEVELOPERS);
        let repository = write.rng.pick(&REPOSITORIES);
        let session = EventInput {
            session_id: Some(write.id("agent")),
            user: Some(format!("dev-{developer:02}")),
            cohort: (developer <= 6).then(|| "beta".to_owned()),
            tags: work_on(repository, developer, day),
            environment: environment(write),
            ..EventInput::default()
        };
        agent_session(write, at, &session);
    }
    runaway(write, calendar, day);
}

/// What a developer's agent works on: a branch for each repository, with a pull request and a ticket that are others every week.
fn work_on(repository: &str, developer: u64, day: Day) -> BTreeMap<String, String> {
    let week = day.ago / 7;
    tags(&[
        ("repo", repository),
        ("branch", &format!("dev-{developer:02}/{repository}")),
        ("pr", &(900 - 30 * week + developer).to_string()),
        ("ticket", &format!("{}-{}", repository.to_uppercase(), 140 - 2 * week)),
    ])
}

fn agent_session(write: &mut Writer<'_>, at: DateTime<Utc>, session: &EventInput) {
    let model = if write.rng.chance(0.08) { OPUS } else { SONNET };
    let feature = if write.rng.chance(0.3) { "review" } else { "claude-code" };
    let mut transcript = 9_000 + write.rng.tokens(&LONG_INPUT);
    let mut at = at;
    for _ in 0..write.rng.between(3, 20) {
        let context = EventInput { interaction_id: Some(write.id("step")), ..session.clone() };
        let new = (0..3).map(|_| write.rng.tokens(&CODE_INPUT)).sum::<u64>();
        let read = cached_part(transcript, write.rng.quantile(&LONG_CACHED).max(0.5));
        let written = (transcript - read) * 2 / 3;
        let edits = (0..4).map(|_| write.rng.tokens(&CODE_OUTPUT)).sum::<u64>();
        let output = write.rng.tokens(&LONG_OUTPUT) + edits;
        let used = Used::Anthropic { input: new + transcript - read - written, read, written, output };
        let call = Call { provider: "anthropic", ..chat(model, used, feature, "work") };
        at = write.call(at, call, &context) + Duration::seconds(write_pause(write, 5, 60));
        transcript = (transcript + new + output).min(LONGEST_TRANSCRIPT);
    }
}

/// The runaway weekend: a night job whose calls time out is started again and again, and every attempt is charged for its whole transcript.
fn runaway(write: &mut Writer<'_>, calendar: Calendar, day: Day) {
    let (from, to) = calendar.runaway();
    let mut at = calendar.start(day).max(from);
    let end = calendar.start_of_next(day).min(to);
    while at < end {
        let request_id = write.id("req");
        let context = EventInput {
            session_id: Some("agent-nightly-refactor".to_owned()),
            user: Some(NIGHT_JOBS.to_owned()),
            tags: tags(&[("repo", "billing"), ("branch", "main"), ("job", "nightly-refactor")]),
            ..EventInput::default()
        };
        let input = 110_000 + write.rng.tokens(&LONG_INPUT);
        let used = Used::Anthropic { input, read: 0, written: 0, output: 0 };
        let call = Call { provider: "anthropic", ..chat(SONNET, used, "claude-code", "work") };
        for attempt in 1..=6 {
            write.timed_out(at, call, &context, &request_id, attempt);
            at += Duration::seconds(write_pause(write, 90, 150));
        }
    }
}

/// Search over documents, opened to everybody in the middle of the quarter: embed the query, answer some with a model, the rest from the index or the sender's own cache.
fn search(write: &mut Writer<'_>, calendar: Calendar, day: Day) {
    let per_day = if Calendar::launched(day) { 250.0 } else { 35.0 };
    for at in calendar.moments(day, Rhythm::Customers, per_day, &mut write.rng.stream(1)) {
        let experiment = if write.rng.chance(0.5) { "a" } else { "b" };
        let query = EventInput {
            interaction_id: Some(write.id("query")),
            customer: Some(write.rng.pick(&CUSTOMERS).to_owned()),
            tags: tags(&[("experiment", experiment)]),
            environment: environment(write),
            ..EventInput::default()
        };
        let tokens = write.rng.between(6, 40);
        // Some queries come again and again: a few thousand different ones in all.
        let hash = format!("{:016x}", Rng::new(0).stream(write.rng.between(0, 6_000)).bits());
        let at = write.call(
            at,
            embed(tokens, "query", Some("embed")),
            &EventInput { input_hash: Some(hash), ..query.clone() },
        );
        if write.rng.chance(0.45) {
            search_answer(write, at, day, experiment, &query);
        }
    }
    nightly_index(write, calendar, day);
}

fn search_answer(write: &mut Writer<'_>, at: DateTime<Utc>, day: Day, experiment: &str, query: &EventInput) {
    let rewrite = Used::Gemini { input: 700 + write.rng.between(6, 40), cached: 0, output: write.rng.between(20, 60) };
    let at = write.call(at, Call { provider: "google", ..chat(FLASH, rewrite, "query", "rewrite") }, query);
    // Passages from two documents.
    let input = write.rng.tokens(&LONG_INPUT) + write.rng.tokens(&LONG_INPUT);
    let cached = cached_part(input, write.rng.quantile(&LONG_CACHED));
    let output = write.rng.tokens(&LONG_OUTPUT);
    let call = if Calendar::switched(day) {
        claude(OPUS, input, cached, output, "query", "answer")
    } else if experiment == "a" {
        claude(SONNET, input, cached, output, "query", "answer")
    } else {
        chat(GPT_4O, Used::OpenaiChat { input, cached, output }, "query", "answer")
    };
    let from_own_cache = write.rng.chance(0.14).then_some(true);
    write.call(at, call, &EventInput { response_cache_hit: from_own_cache, ..query.clone() });
}

/// New documents are embedded in one batch at night.
fn nightly_index(write: &mut Writer<'_>, calendar: Calendar, day: Day) {
    for _ in 0..6 {
        let at = calendar.start(day) + Duration::minutes(150) + Duration::seconds(write_pause(write, 1, 900));
        let tokens = 120_000 + write.rng.tokens(&LONG_INPUT) * 10;
        let context = EventInput { tags: tags(&[("job", "nightly-index")]), ..EventInput::default() };
        write.call(at, Call { batch: true, ..embed(tokens, "index", None) }, &context);
    }
}

/// Texts and pictures for campaigns; lately also with a model that no price book knows.
fn marketing_drafts(write: &mut Writer<'_>, calendar: Calendar, day: Day) {
    for at in calendar.moments(day, Rhythm::Colleagues, 44.0, &mut write.rng.stream(1)) {
        let draft = EventInput {
            interaction_id: Some(write.id("draft")),
            user: Some(format!("writer-{}", write.rng.between(1, 6))),
            tags: tags(&[("campaign", write.rng.pick(&CAMPAIGNS))]),
            ..EventInput::default()
        };
        let input = 600 + write.rng.tokens(&CONVERSATION_INPUT) * 3;
        let output = write.rng.tokens(&CONVERSATION_OUTPUT) * 4;
        let used = Used::OpenaiChat { input, cached: 0, output };
        let unknown = day.ago < 12 && write.rng.chance(0.11);
        let call = if unknown {
            Call { provider: "in-house", ..chat("brand-writer-7b", used, "draft", "write") }
        } else {
            chat(GPT_4O, used, "draft", "write")
        };
        let mut at = write.call(at, call, &draft);
        if write.rng.chance(0.6) {
            for _ in 0..write.rng.between(1, 3) {
                // Tokens of a picture of 1024 by 1024 in medium and in high quality, as the provider's documentation gives them.
                let picture = if write.rng.chance(0.7) { 1_056 } else { 4_160 };
                let used = Used::Image { text: write.rng.between(40, 180), picture };
                let image =
                    Call { model: "gpt-image-1", feature: "image", step: Some("picture"), ..chat("", used, "", "") };
                at = write.call(at, image, &draft);
            }
        }
    }
}

/// Recorded calls, transcribed by the second and summed up.
fn transcripts(write: &mut Writer<'_>, calendar: Calendar, day: Day) {
    for at in calendar.moments(day, Rhythm::Colleagues, 52.0, &mut write.rng.stream(1)) {
        let context = EventInput {
            interaction_id: Some(write.id("recording")),
            customer: Some(write.rng.pick(&CUSTOMERS).to_owned()),
            environment: environment(write),
            ..EventInput::default()
        };
        let minutes = 2 + write.rng.tokens(&CONVERSATION_OUTPUT) / 12;
        let seconds = minutes * 60 + write.rng.between(0, 59);
        let transcribe =
            Call { model: "whisper-1", step: Some("transcribe"), ..chat("", Used::Audio { seconds }, "call", "") };
        let at = write.call(at, transcribe, &context);
        // About 150 spoken words a minute are 200 tokens.
        let used = Used::OpenaiChat { input: 350 + minutes * 200, cached: 0, output: write.rng.tokens(&LONG_OUTPUT) };
        write.call(at, chat(GPT_4O_MINI, used, "call", "summarise"), &context);
    }
}

const fn chat(model: &'static str, used: Used, feature: &'static str, step: &'static str) -> Call {
    Call { provider: "openai", model, used, feature, step: Some(step), batch: false }
}

/// A chat with Claude: what the cache did not hold is plain input.
fn claude(
    model: &'static str,
    input: u64,
    cached: u64,
    output: u64,
    feature: &'static str,
    step: &'static str,
) -> Call {
    let used = Used::Anthropic { input: input.saturating_sub(cached), read: cached, written: 0, output };
    Call { provider: "anthropic", ..chat(model, used, feature, step) }
}

const fn embed(input: u64, feature: &'static str, step: Option<&'static str>) -> Call {
    Call { provider: "openai", model: EMBEDDER, used: Used::Embeddings { input }, feature, step, batch: false }
}

fn environment(write: &mut Writer<'_>) -> Option<String> {
    write.rng.chance(0.06).then(|| "staging".to_owned())
}

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Seconds between two calls.
fn write_pause(write: &mut Writer<'_>, low: u64, high: u64) -> i64 {
    i64::try_from(write.rng.between(low, high)).unwrap_or_default()
}
