//! LiteLLM's logs of usage.
//!
//! Its totals are inclusive for every provider.
//! Beside them stand copies under Anthropic's names, which look exclusive and are not: adding them charges the cache twice.

use super::Meter;
use super::reader::{Place, Reader};

pub(super) fn read(read: &mut Reader, place: Place<'_>) {
    let input = read.required(place.at("prompt_tokens"));
    let details = place.at("prompt_tokens_details");
    let cached = read.count_either(details.at("cached_tokens"), place.at("cache_read_input_tokens"));
    let written = read.count_either(details.at("cache_creation_tokens"), place.at("cache_creation_input_tokens"));
    let by_time = details.at("cache_creation_token_details");
    let five_minutes = read.count(by_time.at("ephemeral_5m_input_tokens"));
    let one_hour = read.count(by_time.at("ephemeral_1h_input_tokens"));
    let audio = read.count(details.at("audio_tokens"));
    let image = read.count(details.at("image_tokens"));
    let video = read.count(details.at("video_tokens"));
    let unlabelled = read.rest(written, &[five_minutes, one_hour]);
    let uncached = read.rest(input, &[cached, written, audio, image, video]);
    for (meter, tokens) in [
        (Meter::InputUncached, uncached),
        (Meter::InputCacheRead, cached.value),
        (Meter::InputCacheWrite, unlabelled),
        (Meter::InputCacheWrite5m, five_minutes.value),
        (Meter::InputCacheWrite1h, one_hour.value),
        (Meter::InputAudio, audio.value),
        (Meter::InputImage, image.value),
        (Meter::InputVideo, video.value),
    ] {
        read.meters.add(meter, tokens);
    }

    let output = read.count(place.at("completion_tokens"));
    let details = place.at("completion_tokens_details");
    let parts = [
        ("reasoning_tokens", Meter::OutputReasoning),
        ("audio_tokens", Meter::OutputAudio),
        ("image_tokens", Meter::OutputImage),
        ("video_tokens", Meter::OutputVideo),
    ]
    .map(|(key, meter)| (meter, read.count(details.at(key))));
    let rest = read.rest(output, &parts.map(|(_, part)| part));
    read.meters.add(Meter::Output, rest);
    for (meter, part) in parts {
        read.meters.add(meter, part.value);
    }
    // The same searches again, where both are there.
    let tools = place.at("server_tool_use").at("web_search_requests");
    let searches = read.count_either(tools, place.at("prompt_tokens_details").at("web_search_requests"));
    read.meters.add(Meter::WebSearches, searches.value);
    let total = read.count(place.at("total_tokens"));
    read.check_total(total, &[input.value.saturating_add(output.value)], "prompt and completion tokens");
}
