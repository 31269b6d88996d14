//! Plain counters: one number per thing that was used, with the words that choose its price beside it.

use super::Meter;
use super::reader::{Place, Reader};

/// Counters and the meters that they count.
const COUNTERS: [(&str, Meter); 20] = [
    ("images", Meter::Images),
    ("input_images", Meter::InputImages),
    ("video_seconds", Meter::VideoSeconds),
    ("input_video_seconds", Meter::InputVideoSeconds),
    // Sound that is transcribed; where a model sells both directions at one price, that stands in.
    ("audio_seconds", Meter::InputAudioSeconds),
    ("output_audio_seconds", Meter::OutputAudioSeconds),
    ("characters", Meter::Characters),
    ("pages", Meter::Pages),
    ("annotated_pages", Meter::AnnotatedPages),
    ("search_queries", Meter::Searches),
    ("search_units", Meter::RerankUnits),
    // Rerankers that bill tokens have no other.
    ("total_tokens", Meter::InputUncached),
    ("requests", Meter::Requests),
    ("web_searches", Meter::WebSearches),
    ("map_searches", Meter::MapSearches),
    ("file_searches", Meter::FileSearches),
    ("code_executions", Meter::CodeExecutions),
    ("tool_calls", Meter::ToolCalls),
    ("text_messages", Meter::TextMessages),
    ("provisioned_seconds", Meter::ProvisionedSeconds),
];

/// What stands beside counters and chooses their price; read by [`crate::price::Context`].
const ATTRIBUTES: [&str; 8] =
    ["size", "quality", "steps", "resolution", "max_results", "search_context_size", "search_type", "service_tier"];

pub(super) fn read(read: &mut Reader, place: Place<'_>) {
    for (key, meter) in COUNTERS {
        read.quantity(meter, place.at(key));
    }
    read.only(place, |key| COUNTERS.iter().any(|(known, _)| *known == key) || ATTRIBUTES.contains(&key));
}

/// Embeddings: everything that is counted goes in.
pub(super) fn multimodal_embedding(read: &mut Reader, place: Place<'_>) {
    const KEYS: [(&str, Meter); 5] = [
        ("prompt_tokens", Meter::InputUncached),
        ("characters", Meter::Characters),
        ("images", Meter::InputImages),
        ("audio_seconds", Meter::InputAudioSeconds),
        ("video_seconds", Meter::InputVideoSeconds),
    ];
    for (key, meter) in KEYS {
        read.quantity(meter, place.at(key));
    }
    read.only(place, |key| key == "total_tokens" || KEYS.iter().any(|(known, _)| *known == key));
}
