//! Whose shape a usage object has.

use crate::model::canonical_provider;
use crate::problem::FieldProblem;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)+) => {
        /// Whose shape a usage object has: a closed list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum UsageFormat {
            $($(#[$doc])* #[serde(rename = $word)] $name,)+
        }

        impl UsageFormat {
            /// All formats, as the API reference lists them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable word in SQL, JSON and URLs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }

        impl FromStr for UsageFormat {
            type Err = FieldProblem;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$name),)+
                    _ => Err(FieldProblem::new("/usage_format", "unknown", format!("This usage format is not known. {}", Self::all_named()))),
                }
            }
        }
    };
}

formats! {
    /// OpenAI's chat completions, and the many that copy them: cached and reasoning tokens are parts of the totals.
    OpenaiChat = "openai_chat";
    /// OpenAI's responses: other names, the same nesting.
    OpenaiResponses = "openai_responses";
    /// OpenAI's realtime sessions: tokens by kind, and cached tokens by kind.
    OpenaiRealtime = "openai_realtime";
    /// OpenAI's image API, counted in tokens.
    OpenaiImages = "openai_images";
    /// OpenAI's embeddings; Voyage's and Mistral's too.
    OpenaiEmbeddings = "openai_embeddings";
    /// OpenAI's transcriptions: seconds or tokens, as its `type` says.
    OpenaiTranscription = "openai_transcription";
    /// Anthropic's messages: cache reads and writes come on top of `input_tokens`.
    Anthropic = "anthropic";
    /// Gemini's and Vertex's `usageMetadata`: thoughts and tool prompts come on top.
    Gemini = "gemini";
    /// Amazon Bedrock's Converse: cache reads and writes come on top of `inputTokens`.
    BedrockConverse = "bedrock_converse";
    /// Cohere's `billed_units`, which differ from its token counts.
    Cohere = "cohere";
    /// xAI's chat completions: reasoning tokens come on top of `completion_tokens`.
    XaiChat = "xai_chat";
    /// DeepSeek: `prompt_tokens` is the sum of cache hits and misses.
    Deepseek = "deepseek";
    /// Moonshot's Kimi: OpenAI's shape with `cached_tokens` beside the totals.
    Moonshot = "moonshot";
    /// Mistral's chat completions.
    Mistral = "mistral";
    /// Mistral's document reading, in pages.
    MistralOcr = "mistral_ocr";
    /// Mistral's document reading with every page annotated.
    MistralOcrAnnotated = "mistral_ocr_annotated";
    /// Databricks: Anthropic's name for cached tokens, with OpenAI's meaning.
    Databricks = "databricks";
    /// Perplexity: OpenAI's shape with searches.
    Perplexity = "perplexity";
    /// Perplexity's deep research: reasoning and citation tokens come on top.
    PerplexityDeepResearch = "perplexity_deep_research";
    /// Perplexity's responses: OpenAI's shape with another name of the cached tokens, and searches.
    PerplexityResponses = "perplexity_responses";
    /// xAI's native interface: reasoning tokens come on top of `completion_tokens`, cached tokens have a name of their own.
    XaiNative = "xai_native";
    /// xAI's realtime sessions, billed by seconds and text messages.
    XaiRealtime = "xai_realtime";
    /// OpenAI's live sessions and transcriptions, billed by seconds.
    OpenaiLive = "openai_live";
    /// LiteLLM's logs: inclusive totals for every provider, with copies under Anthropic's names that must not be added.
    Litellm = "litellm";
    /// The counts of OpenTelemetry's GenAI conventions: cache reads and writes inside `input_tokens`.
    Opentelemetry = "opentelemetry";
    /// Units of genai-prices: inclusive totals with nested subsets.
    GenaiPrices = "genai_prices";
    /// Embeddings of pictures, sound and film, counted plainly.
    MultimodalEmbedding = "multimodal_embedding";
    /// Plain counters: pictures, seconds, characters, pages, searches, rerank units, requests, tool calls.
    Counters = "counters";
    /// Tallystick's own disjoint meters.
    Meters = "meters";
}

impl UsageFormat {
    /// All words, as a sentence of a message.
    #[must_use]
    pub fn all_named() -> String {
        let words: Vec<&str> = Self::ALL.iter().map(|format| format.as_str()).collect();
        format!("Use one of {}.", words.join(", "))
    }

    /// The format that a provider's usage has when none is declared; none where that is not certain.
    ///
    /// `operation` is the event's: chat, responses, completion, embeddings, image, transcription, realtime, rerank, ocr.
    #[must_use]
    pub fn default_for(provider: &str, operation: &str) -> Option<Self> {
        let provider = canonical_provider(provider);
        // What Hugging Face routes to another host has OpenAI's shape, whoever the host is.
        if provider.starts_with("huggingface_") && matches!(operation, "chat" | "completion") {
            return Some(Self::OpenaiChat);
        }
        match (provider.as_ref(), operation) {
            ("openai" | "azure" | "x-ai", "responses")
            | ("openai-decisions" | "typesafe", "responses" | "chat" | "completion") => Some(Self::OpenaiResponses),
            ("openai" | "azure", "realtime") => Some(Self::OpenaiRealtime),
            ("openai" | "azure", "image" | "images") => Some(Self::OpenaiImages),
            ("openai" | "azure", "transcription") => Some(Self::OpenaiTranscription),
            ("openai", "live") => Some(Self::OpenaiLive),
            ("x-ai", "realtime") => Some(Self::XaiRealtime),
            ("perplexity", "responses") => Some(Self::PerplexityResponses),
            ("openai" | "azure" | "mistral" | "voyageai" | "together" | "fireworks", "embeddings") => {
                Some(Self::OpenaiEmbeddings)
            }
            ("anthropic" | "minimax", "chat" | "completion") => Some(Self::Anthropic),
            ("google", "chat" | "completion" | "embeddings" | "image") => Some(Self::Gemini),
            ("aws", "chat" | "completion") => Some(Self::BedrockConverse),
            ("cohere", "chat" | "completion" | "embeddings" | "rerank") => Some(Self::Cohere),
            ("x-ai", "chat" | "completion") => Some(Self::XaiChat),
            ("deepseek", "chat" | "completion") => Some(Self::Deepseek),
            ("moonshotai", "chat" | "completion") => Some(Self::Moonshot),
            ("mistral", "chat" | "completion") => Some(Self::Mistral),
            ("mistral", "ocr") => Some(Self::MistralOcr),
            ("databricks", "chat" | "completion") => Some(Self::Databricks),
            ("perplexity", "chat" | "completion") => Some(Self::Perplexity),
            (
                "openai" | "azure" | "openrouter" | "groq" | "cerebras" | "together" | "fireworks" | "novita" | "zai"
                | "zhipuai" | "meta" | "ovhcloud" | "baseten" | "cloudflare" | "modal" | "avian" | "arcee"
                | "github-copilot" | "doubleword" | "quicksilverpro" | "dashscope",
                "chat" | "completion",
            ) => Some(Self::OpenaiChat),
            _ => None,
        }
    }
}

// Written out: the derive does not see words that come out of a macro.
#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for UsageFormat {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("Whose shape a usage object has: a closed list."))
            .enum_values(Some(Self::ALL.iter().map(|format| format.as_str())))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for UsageFormat {}
