//! Shapes of usage objects, each taken apart into meters.
//!
//! Whose shape it is must be declared or follow from provider and operation: names such as `input_tokens` mean different things in different shapes.
//! To add a shape: add a variant with its word to [`UsageFormat`], a function that reads it, and a line in [`part`].

use super::numbers::distinct;
use super::reader::{Count, Place, ReadValues, Reader};
use super::unread::unread;
use super::used::{Usage, UsagePart};
use super::{Meter, Meters, UsageFormat};
use super::{counters, gateways, genai_prices};
use crate::problem::FieldProblem;
use serde_json::Value;

/// Takes a usage object apart.
///
/// Anthropic's `iterations` become parts of their own: where they are present the top level leaves some of them out and is ignored.
/// Attempts that were declined before any output are none ([`is_declined`]).
///
/// # Errors
/// Every fault that was found: negative, fractional, too large, a part larger than its total, a broken total, an unknown meter.
pub fn usage(format: UsageFormat, usage: &Value) -> Result<Usage, Vec<FieldProblem>> {
    let root = Place::root(usage);
    if !usage.is_object() {
        return Err(vec![FieldProblem::new("/usage", "not_an_object", "`usage` must be an object.")]);
    }
    let mut read = ReadValues::default();
    let mut parts = Vec::with_capacity(1);
    let mut add = |model: Option<&str>, is_billed: bool, (meters, mut values): Read| {
        read.append(&mut values);
        if is_billed {
            parts.push(UsagePart { model: model.map(str::to_owned), meters });
        }
    };
    let (whole, images) = (part(format, root), image_generation(root)?);
    let iterations: Vec<Place<'_>> = root.at("iterations").elements().collect();
    if format == UsageFormat::Anthropic && !iterations.is_empty() {
        for (index, entry) in iterations.iter().enumerate() {
            let is_billed = !is_declined(*entry, iterations.get(index + 1).copied());
            add(entry.word("model"), is_billed, part(format, *entry)?);
        }
        // The top level repeats some of them: what is wrong there spoils nothing.
        let repeated = whole.map(|(_, read)| read).unwrap_or_default();
        add(None, true, (tools(root)?, repeated));
    } else {
        add(None, true, whole?);
    }
    if let Some((model, image)) = images {
        add(Some(model), true, image);
    }
    if parts.len() > 1 {
        parts.retain(|part| !part.meters.is_empty());
    }
    Ok(Usage { parts, unread: unread(usage, &read) })
}

/// Whether an attempt of Anthropic's loops was declined before it put out anything, which is not billed; one declined in mid-stream is.
///
/// It has no output, and either the fallback that answers in its place comes next or it says that it was refused (Anthropic's notebook on the billing of fallbacks, 2026-06).
/// An attempt without output alone says nothing: a call can be made to fill the cache.
fn is_declined(entry: Place<'_>, next: Option<Place<'_>>) -> bool {
    let is_silent = entry.at("output_tokens").value().is_none_or(|count| count.as_u64() == Some(0));
    let is_attempt = matches!(entry.word("type"), None | Some("message" | "fallback_message"));
    let falls_back = is_attempt && next.and_then(|next| next.word("type")) == Some("fallback_message");
    is_silent && (falls_back || entry.word("stop_reason") == Some(REFUSAL))
}

/// What Anthropic's answers say they stopped for when they were refused.
const REFUSAL: &str = "refusal";

/// Whether an answer of Anthropic that stopped for this was refused before any output, which is not billed. Its usage alone cannot tell.
#[must_use]
pub fn is_silent_refusal(stop_reason: Option<&str>, meters: &Meters) -> bool {
    let has_output = meters.iter().any(|(meter, _)| meter.is_token() && !meter.is_input_token());
    stop_reason == Some(REFUSAL) && !has_output
}

/// The disjoint meters of a usage object, parts added up. See [`usage`].
///
/// # Errors
/// As [`usage`].
pub fn meters(format: UsageFormat, usage_object: &Value) -> Result<Meters, Vec<FieldProblem>> {
    usage(format, usage_object).map(|usage| usage.total())
}

/// What was used, and the values that said so.
type Read = (Meters, ReadValues);

fn tools(root: Place<'_>) -> Result<Meters, Vec<FieldProblem>> {
    let mut reader = Reader::default();
    server_tools(&mut reader, root);
    reader.finish().map(|(meters, _)| meters)
}

/// The model that OpenAI's image tool draws with where the usage names none (model page of `gpt-image-2`).
const IMAGE_TOOL_MODEL: &str = "gpt-image-2";

/// Pictures that a text model had drawn by a tool: a call of the image model with a token block of its own.
fn image_generation<'a>(root: Place<'a>) -> Result<Option<(&'a str, Read)>, Vec<FieldProblem>> {
    let place = root.at("tool_usage").at("image_gen");
    if !place.at("input_tokens").is_present() && !place.at("output_tokens").is_present() {
        return Ok(None);
    }
    let mut reader = Reader::default();
    let input = reader.count(place.at("input_tokens"));
    images(&mut reader, place, input);
    Ok(Some((place.word("model").unwrap_or(IMAGE_TOOL_MODEL), reader.finish()?)))
}

fn part(format: UsageFormat, place: Place<'_>) -> Result<Read, Vec<FieldProblem>> {
    let mut reader = Reader::default();
    let read = &mut reader;
    match format {
        UsageFormat::OpenaiChat | UsageFormat::Mistral => chat(read, place, &Chat::OPENAI),
        UsageFormat::XaiChat => chat(read, place, &Chat { reasoning_on_top: true, ..Chat::OPENAI }),
        UsageFormat::Deepseek => deepseek(read, place),
        UsageFormat::Moonshot => chat(read, place, &Chat { cached_beside: Some("cached_tokens"), ..Chat::OPENAI }),
        UsageFormat::Databricks => {
            chat(read, place, &Chat { cached_beside: Some("cache_read_input_tokens"), ..Chat::OPENAI })
        }
        UsageFormat::Perplexity => {
            chat(read, place, &Chat::OPENAI);
            read.quantity(Meter::WebSearches, place.at("num_search_queries"));
        }
        UsageFormat::PerplexityDeepResearch => perplexity_deep_research(read, place),
        UsageFormat::PerplexityResponses => {
            responses(read, place, "input_tokens_details", "output_tokens_details");
            read.quantity(Meter::WebSearches, place.at("tool_calls_details").at("search_web").at("invocation"));
        }
        UsageFormat::XaiNative => {
            chat(read, place, &Chat { reasoning_on_top: true, cached_beside: Some("cached_prompt_text_tokens") });
        }
        UsageFormat::XaiRealtime => {
            read.required_quantity(Meter::AudioSeconds, place.at("billable_audio_seconds"));
            // The tokens that are told beside are not what is billed.
            for key in ["input_tokens", "output_tokens", "total_tokens", "input_token_details", "output_token_details"]
            {
                read.pass_all(place.at(key));
            }
            read.quantity(Meter::TextMessages, place.at("input_text_messages"));
        }
        UsageFormat::OpenaiLive => read.required_quantity(Meter::AudioSeconds, place.at("seconds")),
        UsageFormat::Litellm => gateways::litellm(read, place),
        UsageFormat::Opentelemetry => gateways::opentelemetry(read, place),
        UsageFormat::GenaiPrices => genai_prices::read(read, place),
        UsageFormat::MultimodalEmbedding => counters::multimodal_embedding(read, place),
        UsageFormat::Counters => counters::read(read, place),
        UsageFormat::OpenaiResponses => responses(read, place, "input_tokens_details", "output_tokens_details"),
        UsageFormat::OpenaiRealtime => responses(read, place, "input_token_details", "output_token_details"),
        UsageFormat::OpenaiImages => {
            let input = read.required(place.at("input_tokens"));
            images(read, place, input);
        }
        UsageFormat::OpenaiEmbeddings => embeddings(read, place),
        UsageFormat::OpenaiTranscription => transcription(read, place),
        UsageFormat::Anthropic => anthropic(read, place),
        UsageFormat::Gemini => gemini(read, place),
        UsageFormat::BedrockConverse => bedrock_converse(read, place),
        UsageFormat::Cohere => cohere(read, place),
        UsageFormat::MistralOcr => ocr(read, place, Meter::Pages),
        UsageFormat::MistralOcrAnnotated => ocr(read, place, Meter::AnnotatedPages),
        UsageFormat::Meters => own_meters(read, place),
    }
    // Our own shapes have meters for them.
    if !matches!(
        format,
        UsageFormat::GenaiPrices | UsageFormat::MultimodalEmbedding | UsageFormat::Counters | UsageFormat::Meters
    ) {
        server_tools(read, place);
    }
    reader.finish()
}

/// How a shape differs from OpenAI's chat completions.
struct Chat {
    /// Reasoning tokens are not inside `completion_tokens`.
    reasoning_on_top: bool,
    /// Another name of the cached tokens, beside the totals; the same number, never an addition.
    cached_beside: Option<&'static str>,
}

impl Chat {
    const OPENAI: Self = Self { reasoning_on_top: false, cached_beside: None };
}

fn chat(read: &mut Reader, place: Place<'_>, shape: &Chat) {
    let input = read.required(place.at("prompt_tokens"));
    let output = read.count(place.at("completion_tokens"));
    let details = place.at("prompt_tokens_details");
    let cached = details.at("cached_tokens");
    let cached = match shape.cached_beside {
        Some(beside) => read.count_either(cached, place.at(beside)),
        None => read.count(cached),
    };
    input_leaves(read, input, details, cached);
    let reasoning = reasoning(read, place, "completion_tokens_details");
    let on_top = if shape.reasoning_on_top { reasoning.value } else { 0 };
    let output = output.with(output.value.saturating_add(on_top));
    output_leaves(read, output, place.at("completion_tokens_details"), reasoning);
    let total = read.count(place.at("total_tokens"));
    read.check_total(total, &[input.value.saturating_add(output.value)], "prompt and completion tokens");
}

/// Calls of tools that the provider runs itself: the same in every shape, because routers and libraries carry them from one into another.
///
/// Anthropic's fetched pages are free, and its code runs are billed by the hour of their container: neither is counted.
fn server_tools(read: &mut Reader, place: Place<'_>) {
    let (tools, responses) = (place.at("server_tool_use"), place.at("tool_usage"));
    let searches = [
        read.count(tools.at("web_search_requests")),
        read.count(responses.at("web_search").at("num_requests")),
        queries(read, place.at("web_search_queries")),
        queries(read, place.at("groundingMetadata").at("webSearchQueries")),
        queries(read, place.at("grounding_metadata").at("web_search_queries")),
    ];
    // Several names tell of the same searches.
    let searches = searches.into_iter().reduce(Count::or).map_or(0, |count| count.value);
    read.meters.add(Meter::WebSearches, searches);
    read.quantity(Meter::PageVisits, tools.at("browser_open_requests"));
    read.quantity(Meter::FileSearches, tools.at("file_search_requests"));
    read.quantity(Meter::FileSearches, responses.at("file_search").at("num_requests"));
    read.quantity(Meter::CodeExecutions, tools.at("code_execution_sessions"));
}

/// Gemini's searches: the queries themselves as the answer has them, of which each is billed once, or their number.
fn queries(read: &mut Reader, place: Place<'_>) -> Count {
    match place.value().and_then(Value::as_array) {
        Some(queries) => place.given(distinct(queries)),
        None => read.count(place),
    }
}

/// Reasoning tokens in the details, or beside them as some report it.
fn reasoning(read: &mut Reader, place: Place<'_>, details: &'static str) -> Count {
    let (inside, beside) = (place.at(details).at("reasoning_tokens"), place.at("reasoning_tokens"));
    read.count(if inside.is_present() { inside } else { beside })
}

fn responses(read: &mut Reader, place: Place<'_>, input_details: &'static str, output_details: &'static str) {
    let input = read.required(place.at("input_tokens"));
    let output = read.count(place.at("output_tokens"));
    let details = place.at(input_details);
    let cached = read.count_either(details.at("cached_tokens"), details.at("cache_read_input_tokens"));
    input_leaves(read, input, details, cached);
    let reasoning = read.count(place.at(output_details).at("reasoning_tokens"));
    output_leaves(read, output, place.at(output_details), reasoning);
    let total = read.count(place.at("total_tokens"));
    read.check_total(total, &[input.value.saturating_add(output.value)], "input and output tokens");
}

/// Input of OpenAI's shapes: everything in the details is a part of the total, and cached tokens may be told by kind.
fn input_leaves(read: &mut Reader, input: Count, details: Place<'_>, cached: Count) {
    let by_kind = details.at("cached_tokens_details");
    let mut rest_of_cached = Vec::with_capacity(3);
    let mut outside = [cached; 5];
    for (slot, (key, plain, from_cache)) in [
        ("audio_tokens", Meter::InputAudio, Meter::InputAudioCacheRead),
        ("image_tokens", Meter::InputImage, Meter::InputImageCacheRead),
        ("video_tokens", Meter::InputVideo, Meter::InputVideoCacheRead),
    ]
    .into_iter()
    .enumerate()
    {
        let all = read.count(details.at(key));
        let hit = read.count(by_kind.at(key));
        let plainly = read.rest(all, &[hit]);
        read.meters.add(plain, plainly);
        read.meters.add(from_cache, hit.value);
        rest_of_cached.push(hit);
        outside[slot + 1] = all.with(plainly);
    }
    let cached_text = read.rest(cached, &rest_of_cached);
    read.meters.add(Meter::InputCacheRead, cached_text);
    let written = read.count(details.at("cache_write_tokens"));
    let by_time = details.at("cache_write_tokens_details");
    let half_hour = read.count(by_time.at("ttl_30m_tokens"));
    let half_day = read.count(by_time.at("ttl_12h_tokens"));
    let written = if written.given { written } else { half_hour.with(half_hour.value.saturating_add(half_day.value)) };
    let unlabelled = read.rest(written, &[half_hour, half_day]);
    read.meters.add(Meter::InputCacheWrite, unlabelled);
    read.meters.add(Meter::InputCacheWrite30m, half_hour.value);
    read.meters.add(Meter::InputCacheWrite12h, half_day.value);
    outside[4] = written;
    let uncached = read.rest(input, &outside);
    read.meters.add(Meter::InputUncached, uncached);
}

/// Output of OpenAI's shapes: everything in the details is a part of the total. Predicted tokens are output like any other.
fn output_leaves(read: &mut Reader, output: Count, details: Place<'_>, reasoning: Count) {
    let audio = read.count(details.at("audio_tokens"));
    let image = read.count(details.at("image_tokens"));
    let video = read.count(details.at("video_tokens"));
    let rest = read.rest(output, &[reasoning, audio, image, video]);
    read.meters.add(Meter::Output, rest);
    read.meters.add(Meter::OutputReasoning, reasoning.value);
    read.meters.add(Meter::OutputAudio, audio.value);
    read.meters.add(Meter::OutputImage, image.value);
    read.meters.add(Meter::OutputVideo, video.value);
}

fn deepseek(read: &mut Reader, place: Place<'_>) {
    chat(read, place, &Chat { cached_beside: Some("prompt_cache_hit_tokens"), ..Chat::OPENAI });
    let hit = read.count(place.at("prompt_cache_hit_tokens"));
    let miss = read.count(place.at("prompt_cache_miss_tokens"));
    if miss.given {
        let prompt = read.count(place.at("prompt_tokens"));
        read.check_total(prompt, &[hit.value.saturating_add(miss.value)], "cache hits and misses");
    }
}

/// Its `total_tokens` leaves reasoning and citations out, which proves that they come on top.
fn perplexity_deep_research(read: &mut Reader, place: Place<'_>) {
    let input = read.required(place.at("prompt_tokens"));
    let output = read.count(place.at("completion_tokens"));
    read.meters.add(Meter::InputUncached, input.value);
    read.meters.add(Meter::Output, output.value);
    read.quantity(Meter::OutputReasoning, place.at("reasoning_tokens"));
    read.quantity(Meter::OutputCitation, place.at("citation_tokens"));
    read.quantity(Meter::WebSearches, place.at("num_search_queries"));
    let total = read.count(place.at("total_tokens"));
    read.check_total(total, &[input.value.saturating_add(output.value)], "prompt and completion tokens");
}

fn images(read: &mut Reader, place: Place<'_>, input: Count) {
    let details = place.at("input_tokens_details");
    let cached = read.count(details.at("cached_tokens"));
    input_leaves(read, input, details, cached);
    let output = read.count(place.at("output_tokens"));
    // What this API puts out is pictures, unless it says that a part of it is text.
    let text = read.count(place.at("output_tokens_details").at("text_tokens"));
    read.pass_all(place.at("output_tokens_details").at("image_tokens"));
    let pictures = read.rest(output, &[text]);
    read.meters.add(Meter::Output, text.value);
    read.meters.add(Meter::OutputImage, pictures);
    let total = read.count(place.at("total_tokens"));
    read.check_total(total, &[input.value.saturating_add(output.value)], "input and output tokens");
}

fn ocr(read: &mut Reader, place: Place<'_>, pages: Meter) {
    read.required_quantity(pages, place.at("pages_processed"));
    read.pass_all(place.at("doc_size_bytes"));
}

fn embeddings(read: &mut Reader, place: Place<'_>) {
    let total = read.count(place.at("total_tokens"));
    let input = read.count(place.at("prompt_tokens")).or(total);
    if !input.given {
        read.required(place.at("prompt_tokens"));
    }
    read.meters.add(Meter::InputUncached, input.value);
    read.check_total(total, &[input.value], "prompt tokens");
}

fn transcription(read: &mut Reader, place: Place<'_>) {
    match place.word("type") {
        Some("duration") => read.required_quantity(Meter::InputAudioSeconds, place.at("seconds")),
        Some("tokens") => responses(read, place, "input_token_details", "output_token_details"),
        _ => {
            let place = place.at("type");
            read.fault(place.pointer(), "required", "type must say `duration` or `tokens`.".to_owned());
        }
    }
}

fn anthropic(read: &mut Reader, place: Place<'_>) {
    let input = read.required(place.at("input_tokens"));
    let hit = read.count(place.at("cache_read_input_tokens"));
    let written = read.count(place.at("cache_creation_input_tokens"));
    let by_time = place.at("cache_creation");
    let five_minutes = read.count(by_time.at("ephemeral_5m_input_tokens"));
    let one_hour = read.count(by_time.at("ephemeral_1h_input_tokens"));
    let written =
        if written.given { written } else { five_minutes.with(five_minutes.value.saturating_add(one_hour.value)) };
    let unlabelled = read.rest(written, &[five_minutes, one_hour]);
    read.meters.add(Meter::InputUncached, input.value);
    read.meters.add(Meter::InputCacheRead, hit.value);
    read.meters.add(Meter::InputCacheWrite, unlabelled);
    read.meters.add(Meter::InputCacheWrite5m, five_minutes.value);
    read.meters.add(Meter::InputCacheWrite1h, one_hour.value);
    let output = read.count(place.at("output_tokens"));
    let thinking = read.count(place.at("output_tokens_details").at("thinking_tokens"));
    let rest = read.rest(output, &[thinking]);
    read.meters.add(Meter::Output, rest);
    read.meters.add(Meter::OutputReasoning, thinking.value);
}

fn bedrock_converse(read: &mut Reader, place: Place<'_>) {
    let input = read.required(place.at("inputTokens"));
    let output = read.count(place.at("outputTokens"));
    let hit = read.count_either(place.at("cacheReadInputTokens"), place.at("cacheReadInputTokenCount"));
    let written = read.count_either(place.at("cacheWriteInputTokens"), place.at("cacheWriteInputTokenCount"));
    let mut labelled = Vec::new();
    for detail in place.at("cacheDetails").elements() {
        let count = read.count(detail.at("inputTokens"));
        let meter = match detail.word("ttl") {
            Some("5m") => Meter::InputCacheWrite5m,
            Some("1h") => Meter::InputCacheWrite1h,
            _ => {
                read.fault(detail.at("ttl").pointer(), "unknown", "ttl must be `5m` or `1h`.".to_owned());
                continue;
            }
        };
        read.meters.add(meter, count.value);
        labelled.push(count);
    }
    let unlabelled = read.rest(written, &labelled);
    read.meters.add(Meter::InputUncached, input.value);
    read.meters.add(Meter::InputCacheRead, hit.value);
    read.meters.add(Meter::InputCacheWrite, unlabelled);
    read.meters.add(Meter::Output, output.value);
    let plain = input.value.saturating_add(output.value);
    let all = plain.saturating_add(hit.value).saturating_add(written.value);
    let total = read.count(place.at("totalTokens"));
    // Whether the total counts cached tokens differs between models; no price depends on it.
    read.check_total(total, &[all, plain], "input, cache and output tokens");
}

fn gemini(read: &mut Reader, place: Place<'_>) {
    let prompt = read.count(place.at("promptTokenCount"));
    let tool_prompt = read.count(place.at("toolUsePromptTokenCount"));
    let candidates = read.count(place.at("candidatesTokenCount"));
    let thoughts = read.count(place.at("thoughtsTokenCount"));
    let total = read.count(place.at("totalTokenCount"));
    if !prompt.given && !total.given {
        read.required(place.at("promptTokenCount"));
    }
    let input = prompt.with(prompt.value.saturating_add(tool_prompt.value));
    let hit = read.count(place.at("cachedContentTokenCount"));
    gemini_input(read, place, input, hit);

    // Some answers count thoughts among the candidates: the total tells.
    let inclusive = thoughts.value > 0 && total.value == input.value.saturating_add(candidates.value);
    let answer = if inclusive { read.rest(candidates, &[thoughts]) } else { candidates.value };
    let [_, audio, image, video] = by_modality(read, place.at("candidatesTokensDetails"));
    let plain = read.rest(candidates.with(answer), &[audio, image, video]);
    read.meters.add(Meter::Output, plain);
    read.meters.add(Meter::OutputReasoning, thoughts.value);
    read.meters.add(Meter::OutputAudio, audio.value);
    read.meters.add(Meter::OutputImage, image.value);
    read.meters.add(Meter::OutputVideo, video.value);
    let sum = input.value.saturating_add(answer).saturating_add(thoughts.value);
    read.check_total(total, &[sum], "prompt, tool, candidate and thought tokens");
    read.quantity(Meter::MapSearches, place.at("google_maps_queries"));
}

fn gemini_input(read: &mut Reader, place: Place<'_>, input: Count, hit: Count) {
    let [_, audio, image, video] = by_modality(read, place.at("promptTokensDetails"));
    let [_, tool_audio, tool_image, tool_video] = by_modality(read, place.at("toolUsePromptTokensDetails"));
    let [_, hit_audio, hit_image, hit_video] = by_modality(read, place.at("cacheTokensDetails"));
    let mut outside = vec![hit];
    for (all, tool, hit, plain, from_cache) in [
        (audio, tool_audio, hit_audio, Meter::InputAudio, Meter::InputAudioCacheRead),
        (image, tool_image, hit_image, Meter::InputImage, Meter::InputImageCacheRead),
        (video, tool_video, hit_video, Meter::InputVideo, Meter::InputVideoCacheRead),
    ] {
        let all = all.with(all.value.saturating_add(tool.value));
        let plainly = read.rest(all, &[hit]);
        read.meters.add(plain, plainly);
        read.meters.add(from_cache, hit.value);
        outside.push(all.with(plainly));
    }
    let hit_text = read.rest(hit, &[hit_audio, hit_image, hit_video]);
    read.meters.add(Meter::InputCacheRead, hit_text);
    let uncached = read.rest(input, &outside);
    read.meters.add(Meter::InputUncached, uncached);
}

/// Tokens as text, audio, image and video. Documents are read, and billed, page by page as images.
fn by_modality(read: &mut Reader, list: Place<'_>) -> [Count; 4] {
    let mut kinds = [list.nothing(); 4];
    for detail in list.elements() {
        let count = read.count(detail.at("tokenCount"));
        let kind = match detail.word("modality") {
            Some("AUDIO") => 1,
            Some("IMAGE" | "DOCUMENT") => 2,
            Some("VIDEO") => 3,
            Some("TEXT" | "MODALITY_UNSPECIFIED") => 0,
            _ => {
                read.fault(
                    detail.at("modality").pointer(),
                    "unknown",
                    "modality must be TEXT, AUDIO, IMAGE, VIDEO or DOCUMENT.".to_owned(),
                );
                continue;
            }
        };
        kinds[kind] = count.with(kinds[kind].value.saturating_add(count.value));
    }
    kinds
}

fn cohere(read: &mut Reader, place: Place<'_>) {
    let billed = place.at("billed_units");
    if !billed.is_present() {
        read.fault(billed.pointer(), "required", "billed_units is missing; this usage format needs it.".to_owned());
        return;
    }
    read.quantity(Meter::InputUncached, billed.at("input_tokens"));
    read.quantity(Meter::Output, billed.at("output_tokens"));
    read.quantity(Meter::RerankUnits, billed.at("search_units"));
    read.quantity(Meter::InputImage, billed.at("image_tokens"));
    // What was counted is not what is billed.
    read.pass_all(place.at("tokens"));
}

fn own_meters(read: &mut Reader, place: Place<'_>) {
    for &meter in Meter::ALL.iter().filter(|meter| meter.is_usage()) {
        read.quantity(meter, place.at(meter.as_str()));
    }
    read.only(place, |key| Meter::parse_usage(key).is_some());
}
