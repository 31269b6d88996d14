//! The events that are sent: what an application with several teams sends, different in every turn, the same in every run.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use std::fmt::Write;

const MODELS: [(&str, &str); 3] = [
    ("openai", "gpt-4o-2024-08-06"),
    ("openai", "gpt-4o-mini-2024-07-18"),
    ("anthropic", "claude-sonnet-4-5-20250929"),
];
const FEATURES: [&str; 4] = ["triage", "draft", "search", "summary"];
/// Different values of the label `customer`.
const CUSTOMERS: u64 = 50;
/// Different values of the label `user`.
const USERS: u64 = 500;

/// The `n`th event of a turn as JSON; its time lies in the last minute before `now`.
pub(crate) fn json(turn: &str, n: usize, now: DateTime<Utc>) -> String {
    let random = mix(n);
    let (provider, model) = MODELS[pick(random, 3)];
    let feature = FEATURES[pick(random >> 8, 4)];
    let (input, cached, output) = (random % 9_000 + 200, (random >> 16) % 180, (random >> 24) % 900 + 1);
    let usage = if provider == "anthropic" {
        format!(
            r#"{{"input_tokens":{input},"cache_read_input_tokens":{cached},"cache_creation_input_tokens":0,"output_tokens":{output}}}"#
        )
    } else {
        let total = input + output;
        format!(
            r#"{{"prompt_tokens":{input},"completion_tokens":{output},"total_tokens":{total},"prompt_tokens_details":{{"cached_tokens":{cached}}}}}"#
        )
    };
    let at = now - TimeDelta::milliseconds(i64::try_from(random % 60_000).unwrap_or_default());
    let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let (customer, user) = (few(random >> 32, CUSTOMERS), few(random >> 40, USERS));
    format!(
        r#"{{"id":"{turn}-{n}-attempt-1","timestamp":"{at}","provider":"{provider}","model":"{model}","usage":{usage},"status":"success","attempt":1,"request_id":"{turn}-{n}","session_id":"{turn}-conv-{session}","latency_ms":{latency},"time_to_first_token_ms":{first},"stream":true,"finish_reason":"stop","feature":"{feature}","environment":"production","customer":"customer-{customer}","user":"user-{user}","tags":{{"prompt_version":"7"}},"provider_response_id":"chatcmpl-{turn}-{n}"}}"#,
        session = n / 8,
        latency = random % 9_000,
        first = random % 900,
    )
}

/// Bodies of so many events each.
pub(crate) fn bodies(turn: &str, events: std::ops::Range<usize>, size: usize, now: DateTime<Utc>) -> Vec<String> {
    let numbers: Vec<usize> = events.collect();
    numbers
        .chunks(size)
        .map(|numbers| {
            let mut body = String::with_capacity(numbers.len() * 700);
            for (index, n) in numbers.iter().enumerate() {
                body.push(if index == 0 { '[' } else { ',' });
                let _infallible = write!(body, "{}", json(turn, *n, now));
            }
            body.push(']');
            body
        })
        .collect()
}

/// Every tenth event is one of the turn before.
pub(crate) fn with_duplicates(turn: &str, before: &str, events: usize, size: usize, now: DateTime<Utc>) -> Vec<String> {
    let numbers: Vec<usize> = (0..events).collect();
    numbers
        .chunks(size)
        .map(|numbers| {
            let events: Vec<String> =
                numbers.iter().map(|n| json(if n % 10 == 0 { before } else { turn }, *n, now)).collect();
            format!("[{}]", events.join(","))
        })
        .collect()
}

/// One of so many, where a few make most calls: the square of an even choice.
fn few(random: u64, of: u64) -> u64 {
    let even = random % 1_000;
    even * even * of / 1_000_000
}

fn pick(random: u64, of: usize) -> usize {
    usize::try_from(random % 1_024).unwrap_or_default() % of
}

/// `SplitMix64` (Steele, Lea, Flood 2014): the same numbers on every machine.
fn mix(n: usize) -> u64 {
    let mut z = (n as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
