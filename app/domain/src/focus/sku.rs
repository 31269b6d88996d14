//! What FOCUS calls meters, units, models and sellers.

use crate::meter::{Meter, Unit};
use crate::model::{canonical_provider, lower};
use std::borrow::Cow;

/// Sellers by their names in the price book: as they issue invoices, and the service that is on them.
const SELLERS: [(&str, &str, &str); 22] = [
    ("anthropic", "Anthropic", "Claude API"),
    ("aws", "Amazon Web Services", "Amazon Bedrock"),
    ("azure", "Microsoft", "Azure AI Foundry"),
    ("cerebras", "Cerebras", "Cerebras Inference"),
    ("cohere", "Cohere", "Cohere API"),
    ("databricks", "Databricks", "Mosaic AI Model Serving"),
    ("deepgram", "Deepgram", "Deepgram API"),
    ("deepseek", "DeepSeek", "DeepSeek API"),
    ("elevenlabs", "ElevenLabs", "ElevenLabs API"),
    ("fireworks", "Fireworks AI", "Fireworks AI API"),
    ("google", "Google", "Gemini API"),
    ("groq", "Groq", "GroqCloud"),
    ("jina_ai", "Jina AI", "Jina AI API"),
    ("meta", "Meta", "Llama API"),
    ("mistral", "Mistral AI", "Mistral API"),
    ("moonshotai", "Moonshot AI", "Kimi API"),
    ("openai", "OpenAI", "OpenAI API"),
    ("openrouter", "OpenRouter", "OpenRouter API"),
    ("perplexity", "Perplexity", "Sonar API"),
    ("together", "Together AI", "Together AI API"),
    ("voyageai", "Voyage AI", "Voyage AI API"),
    ("x-ai", "xAI", "xAI API"),
];

/// Who sells a call, and which service of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seller {
    /// As on its invoices.
    pub name: Cow<'static, str>,
    /// The service.
    pub service: Cow<'static, str>,
}

impl Seller {
    /// The seller of a provider as it was sent; one that nobody knows is called as it was sent.
    #[must_use]
    pub fn of(provider: &str) -> Self {
        let canonical = canonical_provider(provider);
        match SELLERS.iter().find(|(known, ..)| *known == canonical) {
            // Google sells the same models by two services, each with an invoice of its own.
            Some((_, name, _)) if lower(provider).contains("vertex") => {
                Self { name: (*name).into(), service: "Vertex AI".into() }
            }
            Some((_, name, service)) => Self { name: (*name).into(), service: (*service).into() },
            None => Self { name: provider.to_owned().into(), service: format!("{provider} API").into() },
        }
    }
}

/// How the names of models begin: the developer and the family. The first that stands at the beginning of a word counts.
const FAMILIES: [(&str, &str, &str); 41] = [
    ("claude", "Anthropic", "Claude"),
    ("gpt", "OpenAI", "GPT"),
    ("chatgpt", "OpenAI", "ChatGPT"),
    ("o1", "OpenAI", "o1"),
    ("o3", "OpenAI", "o3"),
    ("o4", "OpenAI", "o4"),
    ("whisper", "OpenAI", "Whisper"),
    ("dall-e", "OpenAI", "DALL-E"),
    ("sora", "OpenAI", "Sora"),
    ("tts", "OpenAI", "TTS"),
    ("text-embedding-3", "OpenAI", "Text Embedding"),
    ("text-embedding-ada", "OpenAI", "Text Embedding"),
    ("gemini", "Google", "Gemini"),
    ("gemma", "Google", "Gemma"),
    ("imagen", "Google", "Imagen"),
    ("veo", "Google", "Veo"),
    ("llama", "Meta", "Llama"),
    ("mistral", "Mistral AI", "Mistral"),
    ("mixtral", "Mistral AI", "Mixtral"),
    ("ministral", "Mistral AI", "Ministral"),
    ("magistral", "Mistral AI", "Magistral"),
    ("codestral", "Mistral AI", "Codestral"),
    ("devstral", "Mistral AI", "Devstral"),
    ("pixtral", "Mistral AI", "Pixtral"),
    ("voxtral", "Mistral AI", "Voxtral"),
    ("deepseek", "DeepSeek", "DeepSeek"),
    ("qwen", "Alibaba Cloud", "Qwen"),
    ("qwq", "Alibaba Cloud", "QwQ"),
    ("grok", "xAI", "Grok"),
    ("command", "Cohere", "Command"),
    ("embed-", "Cohere", "Embed"),
    ("rerank", "Cohere", "Rerank"),
    ("nova", "Amazon", "Nova"),
    ("titan", "Amazon", "Titan"),
    ("kimi", "Moonshot AI", "Kimi"),
    ("glm", "Z.ai", "GLM"),
    ("phi", "Microsoft", "Phi"),
    ("jamba", "AI21 Labs", "Jamba"),
    ("voyage", "Voyage AI", "Voyage"),
    ("sonar", "Perplexity", "Sonar"),
    ("minimax", "MiniMax", "MiniMax"),
];

/// What a model's name says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelIdentity {
    /// Who made it, whoever sells it.
    pub developer: Option<&'static str>,
    /// The line of models.
    pub family: Option<&'static str>,
    /// The number behind the family's name, such as `4.5`.
    pub version: Option<String>,
}

impl ModelIdentity {
    /// What the name of a model says; nothing where no family is known.
    #[must_use]
    pub fn of(model: &str) -> Self {
        let name = lower(model);
        let begins = |at: usize| at == 0 || !name.as_bytes()[at - 1].is_ascii_alphanumeric();
        let found = |(word, developer, family): &(&'static str, &'static str, &'static str)| {
            let (at, _) = name.match_indices(word).find(|(at, _)| begins(*at))?;
            Some((at, std::cmp::Reverse(word.len()), (*word, *developer, *family)))
        };
        let Some((at, _, (word, developer, family))) = FAMILIES.iter().filter_map(found).min() else {
            return Self::default();
        };
        let rest = name.get(at + word.len()..).unwrap_or_default();
        Self { developer: Some(developer), family: Some(family), version: version(rest) }
    }
}

/// The first number behind a family's name, with the digit after it: `-sonnet-4-5-20250929` is of 4.5.
fn version(rest: &str) -> Option<String> {
    let mut parts = rest.split(['-', '_', ':', '/', '@']).skip_while(|part| !is_number(part));
    let first = parts.next()?;
    let more = parts.next().filter(|part| first.len() == 1 && part.len() == 1 && is_number(part));
    Some(more.map_or_else(|| first.to_owned(), |more| format!("{first}.{more}")))
}

/// Whether a word is a version and not a date or a size: `4`, `4.1`, `4o`.
fn is_number(word: &str) -> bool {
    word.len() <= 4 && word.starts_with(|first: char| first.is_ascii_digit()) && !word.ends_with('b')
}

/// The SKU's meter as FOCUS names those of language models.
#[must_use]
pub fn meter_name(meter: Meter) -> Cow<'static, str> {
    let name = match meter {
        Meter::InputUncached => "Input Tokens",
        Meter::InputCacheRead => "Cache Read Input Tokens",
        Meter::InputCacheWrite => "Cache Write Input Tokens",
        Meter::InputCacheWrite5m => "Cache Write Input Tokens (5 Minutes)",
        Meter::InputCacheWrite30m => "Cache Write Input Tokens (30 Minutes)",
        Meter::InputCacheWrite1h => "Cache Write Input Tokens (1 Hour)",
        Meter::InputCacheWrite12h => "Cache Write Input Tokens (12 Hours)",
        Meter::InputAudio => "Audio Input Tokens",
        Meter::InputAudioCacheRead => "Cache Read Audio Input Tokens",
        Meter::InputImage => "Image Input Tokens",
        Meter::InputImageCacheRead => "Cache Read Image Input Tokens",
        Meter::InputVideo => "Video Input Tokens",
        Meter::InputVideoCacheRead => "Cache Read Video Input Tokens",
        Meter::Output => "Output Tokens",
        Meter::OutputReasoning => "Reasoning Output Tokens",
        Meter::OutputCitation => "Citation Output Tokens",
        Meter::OutputAudio => "Audio Output Tokens",
        Meter::OutputImage => "Image Output Tokens",
        Meter::OutputVideo => "Video Output Tokens",
        Meter::Reported => "Reported Cost",
        other if matches!(other.unit(), Unit::Seconds) => {
            return format!("{} Seconds", capitalised(other.label())).into();
        }
        other => return capitalised(other.label()).into(),
    };
    name.into()
}

/// The plural unit that a meter counts, as FOCUS capitalises it; of things that are counted, the word for them.
#[must_use]
pub fn unit(meter: Meter) -> String {
    match meter.unit() {
        Unit::Count if !meter.is_usage() => "Requests".to_owned(),
        Unit::Count => capitalised(meter.label().rsplit(' ').next().unwrap_or_default()),
        unit => capitalised(unit.as_str()),
    }
}

fn capitalised(text: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Which way tokens went; none for what is no token.
#[must_use]
pub fn token_direction(meter: Meter) -> Option<&'static str> {
    meter.is_token().then(|| if meter.is_input_token() { "Input" } else { "Output" })
}

/// What a cache had to do with tokens; none where none can have.
#[must_use]
pub fn cache_action(meter: Meter) -> Option<&'static str> {
    match meter {
        read if read.is_cache_read() => Some("Read"),
        Meter::InputCacheWrite
        | Meter::InputCacheWrite5m
        | Meter::InputCacheWrite30m
        | Meter::InputCacheWrite1h
        | Meter::InputCacheWrite12h => Some("Write"),
        other => other.is_input_token().then_some("Uncached"),
    }
}
