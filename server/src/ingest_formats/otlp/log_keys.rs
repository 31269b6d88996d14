//! The names under which coding agents write what their log records say.
//!
//! To add a name, add it to the list of its meaning; of several, the first that a record carries counts.

use super::attribute_keys::Names;

pub(super) const EVENT_NAME: Names = &["event.name"];
pub(super) const MODEL: Names = &["model", "slug"];
pub(super) const DURATION_MS: Names = &["duration_ms"];
pub(super) const FIRST_TOKEN_MS: Names = &["ttft_ms"];
pub(super) const COST: Names = &["cost_usd"];
pub(super) const SPEED: Names = &["speed"];
pub(super) const TIER: Names = &["service_tier"];
pub(super) const KIND: Names = &["event.kind"];
pub(super) const ERROR: Names = &["error_type", "error.type"];
pub(super) const STATUS: Names = &["status_code", "http.response.status_code"];
const ATTEMPT: Names = &["attempt"];
pub(super) const INTERACTION: Names = &["prompt.id", "prompt_id"];
pub(super) const USER: Names = &["user.email", "user.account_uuid", "user.account_id", "user.id"];
const SESSION: Names = &["session.id", "conversation.id"];
const SEQUENCE: Names = &["event.sequence"];
const TIMESTAMP: Names = &["event.timestamp"];
const REQUEST: Names = &["request_id"];
/// What tells two records apart, besides their time and counts.
pub(super) const IDENTITY: [Names; 7] = [SESSION, SEQUENCE, TIMESTAMP, REQUEST, INTERACTION, ATTEMPT, MODEL];

/// All of these names.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    let lists: [Names; 20] = [
        EVENT_NAME,
        MODEL,
        DURATION_MS,
        FIRST_TOKEN_MS,
        COST,
        SPEED,
        TIER,
        KIND,
        ERROR,
        STATUS,
        ATTEMPT,
        INTERACTION,
        USER,
        SESSION,
        SEQUENCE,
        TIMESTAMP,
        REQUEST,
        &["input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"],
        &[
            "input_token_count",
            "output_token_count",
            "cached_token_count",
            "reasoning_token_count",
            "cache_write_token_count",
        ],
        &["cached_content_token_count", "thoughts_token_count", "tool_token_count", "total_token_count"],
    ];
    lists.into_iter().flatten().copied()
}
