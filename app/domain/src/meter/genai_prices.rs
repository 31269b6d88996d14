//! Units of genai-prices: inclusive totals of which others are subsets, taken apart most specific first.

use super::Meter;
use super::reader::{Count, Place, Reader};

/// Kinds of tokens besides text: all of them, those read from the cache, and their meters.
const KINDS: [(&str, &str, Meter, Meter); 3] = [
    ("input_audio_tokens", "cache_audio_read_tokens", Meter::InputAudio, Meter::InputAudioCacheRead),
    ("input_image_tokens", "cache_image_read_tokens", Meter::InputImage, Meter::InputImageCacheRead),
    ("input_video_tokens", "cache_video_read_tokens", Meter::InputVideo, Meter::InputVideoCacheRead),
];

/// Subsets of the output.
const OUTPUT: [(&str, Meter); 5] = [
    ("output_reasoning_tokens", Meter::OutputReasoning),
    ("output_citation_tokens", Meter::OutputCitation),
    ("output_audio_tokens", Meter::OutputAudio),
    ("output_image_tokens", Meter::OutputImage),
    ("output_video_tokens", Meter::OutputVideo),
];

/// Units that overlap with no other.
const ALONE: [(&str, Meter); 7] = [
    ("input_characters", Meter::Characters),
    ("input_text_messages", Meter::TextMessages),
    ("rerank_searches", Meter::RerankUnits),
    ("web_searches", Meter::WebSearches),
    ("storage_searches", Meter::FileSearches),
    ("code_executions", Meter::CodeExecutions),
    ("requests", Meter::Requests),
];

/// Totals, their other subsets, and subsets of text that follow from the rest.
const OTHER: [&str; 16] = [
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "input_text_tokens",
    "output_text_tokens",
    "cache_text_read_tokens",
    "output_text_reasoning_tokens",
    "input_document_pages",
    "input_annotated_document_pages",
    "audio_seconds",
    "input_audio_seconds",
    "output_audio_seconds",
    "cache_text_write_tokens",
];

pub(super) fn read(read: &mut Reader, place: Place<'_>) {
    input(read, place);
    let total = read.count(place.at("output_tokens"));
    let parts = OUTPUT.map(|(key, meter)| (meter, read.count(place.at(key))));
    let rest = rest_of(read, total, &parts.map(|(_, part)| part));
    read.meters.add(Meter::Output, rest);
    for (meter, part) in parts {
        read.meters.add(meter, part.value);
    }
    for (key, meter) in ALONE {
        read.quantity(meter, place.at(key));
    }
    let pages = read.count(place.at("input_document_pages"));
    let annotated = read.count(place.at("input_annotated_document_pages"));
    let plain = rest_of(read, pages, &[annotated]);
    read.meters.add(Meter::Pages, plain);
    read.meters.add(Meter::AnnotatedPages, annotated.value);
    let [heard, said] =
        [("input_audio_seconds", Meter::InputAudioSeconds), ("output_audio_seconds", Meter::OutputAudioSeconds)]
            .map(|(key, meter)| (meter, place.at(key)));
    read.parts_of_quantity(Meter::AudioSeconds, place.at("audio_seconds"), &[heard, said]);
    read.only(place, |key| {
        OTHER.contains(&key)
            || KINDS.iter().any(|(all, cached, ..)| *all == key || *cached == key)
            || OUTPUT.iter().chain(&ALONE).any(|(known, _)| *known == key)
    });
}

fn input(read: &mut Reader, place: Place<'_>) {
    let total = read.count(place.at("input_tokens"));
    let cached = read.count(place.at("cache_read_tokens"));
    let written = read.count(place.at("cache_write_tokens"));
    let five_minutes = read.count(place.at("cache_write_5m_tokens"));
    let one_hour = read.count(place.at("cache_write_1h_tokens"));
    let (mut outside, mut cached_kinds) = (Vec::with_capacity(5), Vec::with_capacity(3));
    for (all, hit, plain, from_cache) in KINDS {
        let (all, hit) = (read.count(place.at(all)), read.count(place.at(hit)));
        let plainly = rest_of(read, all, &[hit]);
        read.meters.add(plain, plainly);
        read.meters.add(from_cache, hit.value);
        outside.push(all.with(plainly));
        cached_kinds.push(hit);
    }
    let cached_text = rest_of(read, cached, &cached_kinds);
    read.meters.add(Meter::InputCacheRead, cached_text);
    outside.push(if cached.given { cached } else { cached.with(cached_kinds.iter().map(|kind| kind.value).sum()) });
    let unlabelled = rest_of(read, written, &[five_minutes, one_hour]);
    read.meters.add(Meter::InputCacheWrite, unlabelled);
    read.meters.add(Meter::InputCacheWrite5m, five_minutes.value);
    read.meters.add(Meter::InputCacheWrite1h, one_hour.value);
    outside.push(if written.given { written } else { written.with(five_minutes.value.saturating_add(one_hour.value)) });
    let uncached = rest_of(read, total, &outside);
    read.meters.add(Meter::InputUncached, uncached);
}

/// What is left of a total that was told; a total that was not told is the sum of its parts.
fn rest_of(read: &mut Reader, total: Count, parts: &[Count]) -> u64 {
    if total.given { read.rest(total, parts) } else { 0 }
}
