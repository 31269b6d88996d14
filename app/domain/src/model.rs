//! Names of providers and models, as people and libraries write them.

use std::borrow::Cow;

/// Names that other libraries use for the providers of the price book.
const ALIASES: [(&str, &str); 51] = [
    ("azure_openai", "azure"),
    ("azure-openai", "azure"),
    ("azure.ai.openai", "azure"),
    ("azure_ai", "azure"),
    ("azure.ai.inference", "azure"),
    ("bedrock", "aws"),
    ("amazon", "aws"),
    ("amazon-bedrock", "aws"),
    ("amazon_bedrock", "aws"),
    ("aws_bedrock", "aws"),
    ("aws-bedrock", "aws"),
    ("aws.bedrock", "aws"),
    ("bedrock_converse", "aws"),
    ("gemini", "google"),
    ("vertex", "google"),
    ("vertex_ai", "google"),
    ("vertex-ai", "google"),
    ("google-vertex", "google"),
    ("gcp.gemini", "google"),
    ("gcp.vertex_ai", "google"),
    ("gcp.gen_ai", "google"),
    ("xai", "x-ai"),
    ("x_ai", "x-ai"),
    ("mistralai", "mistral"),
    ("mistral_ai", "mistral"),
    ("moonshot", "moonshotai"),
    ("moonshot_ai", "moonshotai"),
    ("together_ai", "together"),
    ("fireworks_ai", "fireworks"),
    ("fireworks_ai-embedding-models", "fireworks"),
    ("voyage", "voyageai"),
    ("azure_text", "azure"),
    ("bedrock_mantle", "aws"),
    ("bigmodel", "zhipuai"),
    ("codestral", "mistral"),
    ("cohere_chat", "cohere"),
    ("github_copilot", "github-copilot"),
    ("meta_llama", "meta"),
    ("text-completion-codestral", "mistral"),
    ("text-completion-inception", "inception"),
    ("text-completion-openai", "openai"),
    ("together-ai", "together"),
    ("jina", "jina_ai"),
    ("bedrock-runtime", "aws"),
    ("copilot", "github-copilot"),
    ("google-gla", "google"),
    ("google_genai", "google"),
    ("vertexai", "google"),
    ("mistral-ai", "mistral"),
    ("moonshot-ai", "moonshotai"),
    ("voyage-ai", "voyageai"),
];

/// The provider's name in the price book: lower case, one name per provider. Unknown names stay what they are.
#[must_use]
pub fn canonical_provider(name: &str) -> Cow<'_, str> {
    let name = lower(name.trim());
    match ALIASES.iter().find(|(alias, _)| *alias == name) {
        Some((_, provider)) => Cow::Borrowed(provider),
        // LiteLLM names each maker whose models Vertex sells.
        None if name.starts_with("vertex_ai-") => Cow::Borrowed("google"),
        None => name,
    }
}

/// Lower case, without a copy where it is already.
#[must_use]
pub fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Software by which people serve models on machines of their own, as events name it for a provider.
const SERVERS: [&str; 24] = [
    "ollama",
    "ollama_chat",
    "vllm",
    "hosted_vllm",
    "sglang",
    "tgi",
    "text-generation-inference",
    "lm_studio",
    "lm-studio",
    "lmstudio",
    "llamafile",
    "llama.cpp",
    "llama-cpp",
    "llama_cpp",
    "llamacpp",
    "localai",
    "xinference",
    "triton",
    "openllm",
    "docker_model_runner",
    "koboldcpp",
    "mlx",
    "self-hosted",
    "local",
];

/// How the names of models begin that anybody may serve.
const OPEN_MODELS: [&str; 20] = [
    "llama",
    "codellama",
    "qwen",
    "qwq",
    "mistral",
    "mixtral",
    "ministral",
    "gemma",
    "phi-",
    "phi3",
    "phi4",
    "deepseek",
    "gpt-oss",
    "granite",
    "olmo",
    "falcon",
    "starcoder",
    "yi-",
    "bge-",
    "nomic-",
];

/// Makers who sell no models of others: an open one under their name runs behind a copy of their interface.
const CLOSED_SELLERS: [&str; 2] = ["openai", "anthropic"];

/// Whether a model runs on somebody's own machines, as far as the names of an event tell: no price list says what it costs.
#[must_use]
pub fn is_self_hosted(provider: &str, model: &str) -> bool {
    let (provider, model) = (lower(provider.trim()), lower(model.trim()));
    let name = model.rsplit('/').next().unwrap_or_default();
    SERVERS.contains(&&*provider)
        || (CLOSED_SELLERS.contains(&&*canonical_provider(&provider))
            && OPEN_MODELS.iter().any(|begin| name.starts_with(begin)))
}

/// Words that clients put behind a model's name for how hard it shall think.
const EFFORTS: [&str; 9] = ["none", "minimal", "low", "medium", "high", "xhigh", "max", "auto", "thinking"];

/// A model's name without what a client marked it with for itself, and the mark: `claude-opus-4-8[1m]` (Claude Code's window of a million tokens), `gpt-5.1 (high)`.
///
/// Only marks that no price depends on: a window or an effort. A tier of tokens follows from the tokens, whatever the window.
#[must_use]
pub fn without_mark(model: &str) -> Option<(&str, &str)> {
    let model = model.trim();
    let open = match model.as_bytes().last()? {
        b']' => '[',
        b')' => '(',
        _ => return None,
    };
    let at = model.rfind(open)?;
    let (bare, mark) = model.split_at(at);
    let word = mark.get(1..mark.len() - 1)?;
    let number = word.trim_end_matches(['k', 'K', 'm', 'M']);
    let is_number = !number.is_empty() && word.len() - number.len() <= 1 && number.bytes().all(|b| b.is_ascii_digit());
    let is_mark = is_number || EFFORTS.contains(&&*lower(word));
    (is_mark && !bare.trim_end().is_empty()).then(|| (bare.trim_end(), mark))
}

/// Other spellings under which the price book may know a lower-case model name, most likely first.
///
/// Paths of resources, a leading name of the same provider, `@` before a version, and dates without dashes are spelled out of the way.
/// A fine-tuned name is left as it is: it costs more than its base model, so it must be in the book itself.
#[must_use]
pub fn other_spellings(provider: &str, model: &str) -> Vec<String> {
    let mut spellings = Vec::new();
    let mut push = |spelling: String| {
        if spelling != model && !spelling.is_empty() && !spellings.contains(&spelling) {
            spellings.push(spelling);
        }
    };
    let bare = if model.starts_with("arn:") { model.rsplit('/').next() } else { without_path(provider, model) }
        .unwrap_or(model);
    push(bare.to_owned());
    if !bare.starts_with("ft:") {
        push(bare.replace('@', "-"));
        push(dashed_dates(&bare.replace('@', "-")));
    }
    spellings
}

/// Without `models/`, `publishers/x/models/` or the provider's own name in front.
fn without_path<'a>(provider: &str, model: &'a str) -> Option<&'a str> {
    if let Some((_, bare)) =
        model.split_once("models/").filter(|(before, _)| before.is_empty() || before.ends_with('/'))
    {
        return Some(bare);
    }
    let (before, bare) = model.split_once('/')?;
    (canonical_provider(before) == provider).then_some(bare)
}

/// `-20251211` as `-2025-12-11`.
fn dashed_dates(model: &str) -> String {
    let mut parts = model.split('-');
    let mut spelled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        spelled.push('-');
        let (date, rest) = part.split_at_checked(8).unwrap_or((part, ""));
        let is_date = date.len() == 8
            && date.bytes().all(|byte| byte.is_ascii_digit())
            && date.starts_with("20")
            && (rest.is_empty() || rest.starts_with(':'));
        if is_date {
            spelled.push_str(&format!("{}-{}-{}{rest}", &date[..4], &date[4..6], &date[6..]));
        } else {
            spelled.push_str(part);
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_has_one_name() {
        assert_eq!(canonical_provider("Vertex_AI"), "google");
        assert_eq!(canonical_provider("openai"), "openai");
        assert_eq!(canonical_provider(" XAI "), "x-ai");
        assert_eq!(canonical_provider("our-own-cluster"), "our-own-cluster");
    }

    #[test]
    fn what_runs_on_own_machines_is_told_by_its_names() {
        for (provider, model, is_own) in [
            ("ollama", "llama3.1:8b", true),
            ("Hosted_vLLM", "anything", true),
            ("openai", "Qwen/Qwen3-32B", true),
            ("openai", "gpt-oss-120b", true),
            ("openai", "gpt-99-unheard-of", false),
            ("groq", "llama-3.3-70b", false),
            ("our-own-cluster", "x", false),
        ] {
            assert_eq!(is_self_hosted(provider, model), is_own, "{provider} {model}");
        }
    }

    #[test]
    fn marks_of_clients_are_no_part_of_a_name() {
        for (sent, told) in [
            ("claude-fable-5-1[1m]", Some(("claude-fable-5-1", "[1m]"))),
            (" claude-opus-4-8 [200K] ", Some(("claude-opus-4-8", "[200K]"))),
            ("gpt-5.1 (high)", Some(("gpt-5.1", "(high)"))),
            ("gemini-3-pro-preview(8192)", Some(("gemini-3-pro-preview", "(8192)"))),
            ("claude-fable-5-1", None),
            ("grok-4.5[fast=true]", None),
            ("sonnet[fast]", None),
            ("x[]", None),
            ("x[k]", None),
            ("[1m]", None),
            ("x]", None),
            ("语[1m]", Some(("语", "[1m]"))),
        ] {
            assert_eq!(without_mark(sent), told, "{sent}");
        }
    }

    #[test]
    fn model_names_are_spelled_as_in_the_book() {
        assert_eq!(other_spellings("openai", "gpt-5.2-20251211"), ["gpt-5.2-2025-12-11"]);
        assert_eq!(other_spellings("anthropic", "anthropic/claude-opus-4-5"), ["claude-opus-4-5"]);
        assert_eq!(other_spellings("google", "publishers/google/models/gemini-2.5-pro"), ["gemini-2.5-pro"]);
        assert_eq!(
            other_spellings("google", "claude-sonnet-4@20250514"),
            ["claude-sonnet-4-20250514", "claude-sonnet-4-2025-05-14"]
        );
        let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0";
        assert_eq!(other_spellings("aws", arn)[0], "us.anthropic.claude-sonnet-4-5-20250929-v1:0");
        assert!(other_spellings("openai", "ft:gpt-4o-mini-2024-07-18:org::id").is_empty());
        assert!(other_spellings("openai", "other/gpt-4o").is_empty());
    }
}
