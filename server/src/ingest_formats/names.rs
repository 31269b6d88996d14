//! Providers and operations as other libraries name them.

use domain::model::canonical_provider;

/// Further names of providers: LiteLLM's variants of one vendor, and display names of instrumentations.
const ALIASES: [(&str, &str); 19] = [
    ("vertex_ai_beta", "google"),
    ("vertexai", "google"),
    ("google_genai", "google"),
    ("google_ai_studio", "google"),
    ("google-generative-ai", "google"),
    ("gen_ai", "google"),
    ("azure_text", "azure"),
    ("az.ai.openai", "azure"),
    ("az.ai.inference", "azure"),
    ("text-completion-openai", "openai"),
    ("openai_like", "openai"),
    ("cohere_chat", "cohere"),
    ("sagemaker", "aws"),
    ("sagemaker_chat", "aws"),
    ("aws_polly", "aws"),
    ("bedrock_mantle", "aws"),
    ("mistralai", "mistral"),
    ("together_ai", "together"),
    ("perplexityai", "perplexity"),
];

/// Frameworks that some instrumentations give for a provider.
const FRAMEWORKS: [&str; 12] = [
    "langchain",
    "langgraph",
    "llamaindex",
    "llama_index",
    "llama-index",
    "litellm",
    "haystack",
    "crewai",
    "dspy",
    "vercel",
    "strands-agents",
    "unknown",
];

/// How models begin whose seller is certain enough.
const MODELS: [(&str, &str); 17] = [
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4-", "openai"),
    ("text-embedding-3", "openai"),
    ("text-embedding-ada", "openai"),
    ("whisper-", "openai"),
    ("claude-", "anthropic"),
    ("gemini-", "google"),
    ("models/gemini", "google"),
    ("mistral-", "mistral"),
    ("codestral-", "mistral"),
    ("deepseek-", "deepseek"),
    ("grok-", "x-ai"),
    ("command-", "cohere"),
    ("sonar", "perplexity"),
];

/// The provider's one name. Where a framework or nothing is named, it follows from the model's name; `unknown` is left for people to see.
#[must_use]
pub fn provider(named: Option<&str>, model: &str) -> String {
    let named = named.unwrap_or_default().trim().to_ascii_lowercase();
    // The AI SDK names provider and API: `openai.chat`, `anthropic.messages`, `google.generative-ai`.
    let whole = known(&named);
    let vendor = named.split('.').next().unwrap_or_default();
    let found = if whole == named && named.contains('.') && !named.starts_with("gcp.") { known(vendor) } else { whole };
    if found.is_empty() || FRAMEWORKS.contains(&found.as_str()) { of_model(model) } else { found }
}

fn known(name: &str) -> String {
    match ALIASES.iter().find(|(alias, _)| *alias == name) {
        Some((_, provider)) => (*provider).to_owned(),
        None => canonical_provider(name).into_owned(),
    }
}

fn of_model(model: &str) -> String {
    let model = model.to_ascii_lowercase();
    if let Some((before, _)) = model.split_once('/') {
        let named = known(before);
        if MODELS.iter().any(|(_, provider)| *provider == named) || named != before {
            return named;
        }
    }
    if model.starts_with("arn:aws") || model.contains("anthropic.claude") {
        return "aws".to_owned();
    }
    let of = MODELS.iter().find(|(begin, _)| model.starts_with(begin));
    of.map_or_else(|| "unknown".to_owned(), |(_, provider)| (*provider).to_owned())
}

/// The operation in our words, from LiteLLM's call types, OpenTelemetry's operations and OpenInference's kinds; others stay what they are.
#[must_use]
pub fn operation(named: &str) -> String {
    let named = named.trim().to_ascii_lowercase();
    // LiteLLM writes an `a` before what ran asynchronously.
    let word = match named.strip_prefix('a') {
        Some(rest) if is_operation(rest) => rest,
        _ => named.as_str(),
    };
    match word {
        "completion"
        | "chat"
        | "generate_content"
        | "generate_content_stream"
        | "anthropic_messages"
        | "llm"
        | "message"
        | "pass_through_endpoint"
        | "allm_passthrough_route"
        | "llm_passthrough_route" => "chat",
        "text_completion" => "completion",
        "responses" | "get_responses" | "compact_responses" => "responses",
        "embedding" | "embeddings" => "embeddings",
        "image_generation" | "generate_image" | "image_edit" | "image_variation" | "image" => "image",
        "transcription" => "transcription",
        "speech" | "text_to_speech" => "speech",
        "rerank" | "reranker" => "rerank",
        "realtime" => "realtime",
        "ocr" => "ocr",
        "moderation" => "moderation",
        "" => "chat",
        other => other,
    }
    .chars()
    .filter(|c| !c.is_control())
    .take(64)
    .collect()
}

fn is_operation(word: &str) -> bool {
    [
        "completion",
        "embedding",
        "image_",
        "transcription",
        "speech",
        "rerank",
        "responses",
        "ocr",
        "text_completion",
        "moderation",
        "generate_content",
        "realtime",
        "get_responses",
        "compact_responses",
    ]
    .iter()
    .any(|begin| word.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_have_one_name_wherever_they_come_from() {
        for (named, expected) in [
            ("aws.bedrock", "aws"),
            ("gcp.vertex_ai", "google"),
            ("az.ai.openai", "azure"),
            ("openai.chat", "openai"),
            ("openai.responses", "openai"),
            ("anthropic.messages", "anthropic"),
            ("google.generative-ai", "google"),
            ("google.vertex.chat", "google"),
            ("amazon-bedrock", "aws"),
            ("azure-openai.chat", "azure"),
            ("OpenAI", "openai"),
            ("x_ai", "x-ai"),
            ("our-own", "our-own"),
        ] {
            assert_eq!(provider(Some(named), "any"), expected, "{named}");
        }
        assert_eq!(provider(Some("Langchain"), "claude-sonnet-4-5"), "anthropic");
        assert_eq!(provider(None, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"), "aws");
        assert_eq!(provider(None, "openai/gpt-4o"), "openai");
        assert_eq!(provider(None, "llama3"), "unknown");
    }

    #[test]
    fn operations_have_one_name() {
        for (named, expected) in [
            ("acompletion", "chat"),
            ("atext_completion", "completion"),
            ("aembedding", "embeddings"),
            ("aresponses", "responses"),
            ("anthropic_messages", "chat"),
            ("generate_content", "chat"),
            ("agenerate_content", "chat"),
            ("EMBEDDING", "embeddings"),
            ("arerank", "rerank"),
            ("atranscription", "transcription"),
            ("avideo_generation", "avideo_generation"),
        ] {
            assert_eq!(operation(named), expected, "{named}");
        }
    }
}
