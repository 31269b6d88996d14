//! Publishes which usage format holds when none is named, from the table that decides it.

use domain::meter::UsageFormat;
use std::collections::BTreeMap;
use std::fmt::Write;
use utoipa::openapi::OpenApi;

/// Providers as the price book names them.
const PROVIDERS: [&str; 31] = [
    "anthropic",
    "arcee",
    "avian",
    "aws",
    "azure",
    "baseten",
    "cerebras",
    "cloudflare",
    "cohere",
    "databricks",
    "deepseek",
    "fireworks",
    "google",
    "groq",
    "meta",
    "mistral",
    "modal",
    "moonshotai",
    "novita",
    "openai",
    "openrouter",
    "ovhcloud",
    "perplexity",
    "together",
    "voyageai",
    "x-ai",
    "zai",
    "zhipuai",
    "minimax",
    "huggingface_novita",
    "github-copilot",
];

/// Operations as events name them.
const OPERATIONS: [&str; 9] =
    ["chat", "completion", "responses", "realtime", "embeddings", "image", "transcription", "rerank", "ocr"];

/// Adds the table to the description of `POST /v1/events`.
pub(in crate::api) struct UsageFormats;

impl utoipa::Modify for UsageFormats {
    fn modify(&self, openapi: &mut OpenApi) {
        let operation = openapi.paths.paths.get_mut("/v1/events").and_then(|path| path.post.as_mut());
        if let Some(operation) = operation {
            let description = operation.description.get_or_insert_default();
            let _infallible = write!(description, "\n\n{}", defaults());
        }
    }
}

fn defaults() -> String {
    let mut text =
        "Without `usage_format` it follows from provider and operation (`chat` when none is named):".to_owned();
    for (format, operations) in by_format() {
        let _infallible = write!(text, " `{format}` for ");
        let parts: Vec<String> = operations
            .into_iter()
            .map(|(operation, providers)| {
                let providers: Vec<String> = providers.iter().map(|provider| format!("`{provider}`")).collect();
                format!("{operation} of {}", providers.join(", "))
            })
            .collect();
        let _infallible = write!(text, "{};", parts.join(" and "));
    }
    text.push_str(" for every other provider it is recognized by the names in `usage` where these are unmistakable (`usage_format_by_shape` of the event), else it has to be named.");
    text
}

type Operations = BTreeMap<&'static str, Vec<&'static str>>;

fn by_format() -> BTreeMap<&'static str, Operations> {
    let mut formats: BTreeMap<&'static str, Operations> = BTreeMap::new();
    for operation in OPERATIONS {
        for provider in PROVIDERS {
            if let Some(format) = UsageFormat::default_for(provider, operation) {
                formats.entry(format.as_str()).or_default().entry(operation).or_default().push(provider);
            }
        }
    }
    formats
}
