//! Usage as those report it who stand between an application and the provider: one shape for every vendor.
//!
//! Both count cache reads and writes inside the input and reasoning inside the output (pricing notes of LiteLLM's `Usage`; OpenTelemetry GenAI conventions, `gen_ai.usage.*`).
//! Some of their adapters pass a vendor's own counts on instead, where these come on top.
//! Parts that are larger than their total can only be such parts, so they are added to it rather than refused; a total that was reported decides about reasoning.

use super::Meter;
use super::reader::{Count, Place, Reader};

/// LiteLLM's `Usage` object.
pub(super) fn litellm(read: &mut Reader, place: Place<'_>) {
    let (details, by_time) =
        (place.at("prompt_tokens_details"), place.at("prompt_tokens_details").at("cache_creation_token_details"));
    let input = Input {
        total: read.required(place.at("prompt_tokens")),
        cached: first(read, [details.at("cached_tokens"), place.at("cache_read_input_tokens")]),
        written: first(
            read,
            [
                details.at("cache_write_tokens"),
                details.at("cache_creation_tokens"),
                place.at("cache_creation_input_tokens"),
            ],
        ),
        written_for: [
            (Meter::InputCacheWrite5m, read.count(by_time.at("ephemeral_5m_input_tokens"))),
            (Meter::InputCacheWrite30m, read.count(by_time.at("ephemeral_30m_input_tokens"))),
            (Meter::InputCacheWrite1h, read.count(by_time.at("ephemeral_1h_input_tokens"))),
            (Meter::InputCacheWrite12h, read.count(by_time.at("ephemeral_12h_input_tokens"))),
        ],
        other: [
            (Meter::InputAudio, read.count(details.at("audio_tokens"))),
            (Meter::InputImage, read.count(details.at("image_tokens"))),
            (Meter::InputVideo, read.count(details.at("video_tokens"))),
        ],
    };
    let details = place.at("completion_tokens_details");
    let output = Output {
        total: read.count(place.at("completion_tokens")),
        reasoning: read.count(details.at("reasoning_tokens")),
        other: [
            (Meter::OutputAudio, read.count(details.at("audio_tokens"))),
            (Meter::OutputImage, read.count(details.at("image_tokens"))),
            (Meter::OutputVideo, read.count(details.at("video_tokens"))),
        ],
    };
    let all = read.count(place.at("total_tokens"));
    leaves(read, &input, output, all);
    // Where both tell of searches, they are the same ones.
    let searches = read.count(place.at("prompt_tokens_details").at("web_search_requests"));
    if !place.at("server_tool_use").at("web_search_requests").is_present() {
        read.meters.add(Meter::WebSearches, searches.value);
    }
}

/// The counts of a span or log record, under the conventions' names without `gen_ai.usage.` and with `_` for `.`.
pub(super) fn opentelemetry(read: &mut Reader, place: Place<'_>) {
    let input = Input {
        total: read.count(place.at("input_tokens")),
        cached: read.count(place.at("cache_read_input_tokens")),
        written: read.count(place.at("cache_creation_input_tokens")),
        written_for: [
            (Meter::InputCacheWrite5m, read.count(place.at("cache_creation_5m_input_tokens"))),
            (Meter::InputCacheWrite30m, place.nothing()),
            (Meter::InputCacheWrite1h, read.count(place.at("cache_creation_1h_input_tokens"))),
            (Meter::InputCacheWrite12h, place.nothing()),
        ],
        other: [
            (Meter::InputAudio, read.count(place.at("audio_input_tokens"))),
            (Meter::InputImage, read.count(place.at("image_input_tokens"))),
            (Meter::InputVideo, read.count(place.at("video_input_tokens"))),
        ],
    };
    let output = Output {
        total: read.count(place.at("output_tokens")),
        reasoning: read.count(place.at("reasoning_output_tokens")),
        other: [
            (Meter::OutputAudio, read.count(place.at("audio_output_tokens"))),
            (Meter::OutputImage, read.count(place.at("image_output_tokens"))),
            (Meter::OutputVideo, read.count(place.at("video_output_tokens"))),
        ],
    };
    if !input.total.given && !output.total.given {
        read.required(place.at("input_tokens"));
    }
    let all = read.count(place.at("total_tokens"));
    leaves(read, &input, output, all);
}

/// Input tokens and their parts.
struct Input {
    total: Count,
    cached: Count,
    written: Count,
    /// Of `written`, what is told by the time it is kept.
    written_for: [(Meter, Count); 4],
    /// Tokens that are no text.
    other: [(Meter, Count); 3],
}

/// Output tokens and their parts.
struct Output {
    total: Count,
    reasoning: Count,
    /// Tokens that are no text.
    other: [(Meter, Count); 3],
}

/// The first of several names of one number that was given.
fn first<const N: usize>(read: &mut Reader, places: [Place<'_>; N]) -> Count {
    let counts = places.map(|place| read.count(place));
    counts.into_iter().reduce(Count::or).unwrap_or(counts[0])
}

fn sum<'a>(counts: impl IntoIterator<Item = &'a Count>) -> u64 {
    counts.into_iter().fold(0, |sum, count| sum.saturating_add(count.value))
}

fn leaves(read: &mut Reader, input: &Input, mut output: Output, all: Count) {
    let labelled: Vec<Count> = input.written_for.iter().map(|(_, count)| *count).collect();
    // A sum of its labelled parts, where only these are told.
    let written = if input.written.given { input.written } else { input.written.with(sum(&labelled)) };
    let mut parts = vec![input.cached, written];
    parts.extend(input.other.iter().map(|(_, count)| *count));
    let from_cache = input.cached.value.saturating_add(written.value);
    let total = if from_cache > input.total.value {
        input.total.with(input.total.value.saturating_add(from_cache))
    } else {
        input.total
    };
    // Audio and pictures that were read from the cache stand in both counts: what is too much is the cache's.
    let uncached = total.value.saturating_sub(sum(&parts));
    read.meters.add(Meter::InputUncached, uncached);
    read.meters.add(Meter::InputCacheRead, input.cached.value);
    let unlabelled = read.rest(written, &labelled);
    read.meters.add(Meter::InputCacheWrite, unlabelled);
    for (meter, count) in input.written_for {
        read.meters.add(meter, count.value);
    }
    let mut room = total.value.saturating_sub(from_cache);
    for (meter, count) in input.other {
        let outside = count.value.min(room);
        room -= outside;
        read.meters.add(meter, outside);
    }
    let plain = total.value.saturating_add(output.total.value);
    let on_top = output.reasoning.value > output.total.value
        || (all.given && all.value != plain && all.value == plain.saturating_add(output.reasoning.value));
    if on_top {
        output.total = output.total.with(output.total.value.saturating_add(output.reasoning.value));
    }
    let mut inside = vec![output.reasoning];
    inside.extend(output.other.iter().map(|(_, count)| *count));
    let text = read.rest(output.total, &inside);
    read.meters.add(Meter::Output, text);
    read.meters.add(Meter::OutputReasoning, output.reasoning.value);
    for (meter, count) in output.other {
        read.meters.add(meter, count.value);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Meters, UsageFormat, meters};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn leaves(format: UsageFormat, usage: &Value) -> Value {
        serde_json::to_value(meters(format, usage).unwrap()).unwrap()
    }

    #[test]
    fn litellm_counts_the_cache_inside_for_every_vendor() {
        let usage = json!({
            "prompt_tokens": 24_292, "completion_tokens": 391, "total_tokens": 24_683,
            "prompt_tokens_details": {"cached_tokens": 20_480, "cache_creation_tokens": 3_000, "text_tokens": 812,
                "cache_creation_token_details": {"ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 2_000}},
            "completion_tokens_details": {"reasoning_tokens": 91, "text_tokens": 300},
            "cache_read_input_tokens": 20_480, "cache_creation_input_tokens": 3_000,
            "server_tool_use": {"web_search_requests": 2},
        });
        assert_eq!(
            leaves(UsageFormat::Litellm, &usage),
            json!({"input_uncached": 812, "input_cache_read": 20_480, "input_cache_write_5m": 1_000,
                "input_cache_write_1h": 2_000, "output": 300, "output_reasoning": 91, "web_searches": 2})
        );
    }

    #[test]
    fn parts_larger_than_their_total_come_on_top() {
        let usage = json!({"input_tokens": 812, "cache_read_input_tokens": 20_480, "output_tokens": 391});
        assert_eq!(
            leaves(UsageFormat::Opentelemetry, &usage),
            json!({"input_uncached": 812, "input_cache_read": 20_480, "output": 391})
        );
        let usage = json!({"input_tokens": 100, "output_tokens": 10, "reasoning_output_tokens": 30});
        assert_eq!(
            leaves(UsageFormat::Opentelemetry, &usage),
            json!({"input_uncached": 100, "output": 10, "output_reasoning": 30})
        );
    }

    #[test]
    fn a_reported_total_decides_about_reasoning() {
        let on_top =
            json!({"input_tokens": 100, "output_tokens": 50, "reasoning_output_tokens": 30, "total_tokens": 180});
        assert_eq!(
            leaves(UsageFormat::Opentelemetry, &on_top),
            json!({"input_uncached": 100, "output": 50, "output_reasoning": 30})
        );
        let inside =
            json!({"input_tokens": 100, "output_tokens": 50, "reasoning_output_tokens": 30, "total_tokens": 150});
        assert_eq!(
            leaves(UsageFormat::Opentelemetry, &inside),
            json!({"input_uncached": 100, "output": 20, "output_reasoning": 30})
        );
    }

    #[test]
    fn something_must_be_counted() {
        for (format, pointer) in
            [(UsageFormat::Litellm, "/usage/prompt_tokens"), (UsageFormat::Opentelemetry, "/usage/input_tokens")]
        {
            assert_eq!(meters(format, &json!({})).unwrap_err()[0].pointer, pointer);
        }
        assert_eq!(leaves(UsageFormat::Opentelemetry, &json!({"output_tokens": 3})), json!({"output": 3}));
    }

    proptest! {
        /// Whatever the parts, the leaves add up to the totals, or to totals and parts where these cannot be inside.
        #[test]
        fn leaves_add_up(
            input in 0_u64..10_000, cached in 0_u64..10_000, written in 0_u64..10_000, audio in 0_u64..10_000,
            output in 0_u64..10_000, reasoning in 0_u64..10_000,
        ) {
            let usage = json!({
                "input_tokens": input, "cache_read_input_tokens": cached, "cache_creation_input_tokens": written,
                "audio_input_tokens": audio, "output_tokens": output, "reasoning_output_tokens": reasoning,
            });
            let found: Meters = meters(UsageFormat::Opentelemetry, &usage).unwrap();
            let from_cache = cached + written;
            let input = if from_cache > input { input + from_cache } else { input };
            let output = if reasoning > output { output + reasoning } else { output };
            prop_assert_eq!(found.tokens(), input + output);
        }
    }
}
