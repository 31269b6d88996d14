//! The names under which instrumentations write the same thing.
//!
//! Sources: OpenTelemetry GenAI conventions before and after 1.37, OpenInference, OpenLLMetry, OpenLIT, Vercel AI SDK, OpenRouter, LiteLLM, Langfuse.
//! To add a name, add it to the list of its meaning; of several, the first that a span carries counts.

/// Names of one thing, most certain first.
pub(super) type Names = &'static [&'static str];

pub(super) const PROVIDER: Names =
    &["gen_ai.provider.name", "llm.provider", "ai.model.provider", "gen_ai.system", "llm.system"];
/// The model that answered before the one that was asked for.
pub(super) const MODEL: Names = &[
    "gen_ai.response.model",
    "ai.response.model",
    "llm.response.model",
    "gen_ai.request.model",
    "llm.request.model",
    "llm.model_name",
    "embedding.model_name",
    "reranker.model_name",
    "langfuse.observation.model.name",
    "ai.model.id",
];
/// The model that LiteLLM's proxy called, with its provider before it; the response's own name is the proxy's alias.
pub(super) const PROXY_MODEL: Names = &["litellm.provider.model"];
/// Says that LiteLLM's proxy wrote the span.
pub(super) const PROXY: Names = &["litellm.provider.model", "litellm.model_group"];
/// What the call was made with, as JSON.
pub(super) const PARAMETERS: Names = &["llm.invocation_parameters"];
pub(super) const RESPONSE_ID: Names = &["gen_ai.response.id", "ai.response.id", "llm.response.id"];
pub(super) const OPERATION: Names = &["gen_ai.operation.name"];
pub(super) const INFERENCE_KIND: Names = &["openinference.span.kind"];
pub(super) const REQUEST_TYPE: Names = &["llm.request.type"];
pub(super) const LANGFUSE_KIND: Names = &["langfuse.observation.type"];
pub(super) const WRAPPER_KIND: Names = &["traceloop.span.kind"];
pub(super) const AI_SDK: Names = &["ai.operationId"];
pub(super) const AGENT: Names = &["gen_ai.agent.name", "agent.name", "agent_name"];

pub(super) const INPUT: Names = &[
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.usage.prompt_tokens",
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
];
pub(super) const OUTPUT: Names = &[
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
];
const TOTAL: Names =
    &["gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total", "ai.usage.totalTokens"];
const CACHE_READ: Names = &[
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.input_cached_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.cached_tokens",
    "llm.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.cachedInputTokens",
    "ai.usage.inputTokenDetails.cacheReadTokens",
];
const CACHE_WRITE: Names = &[
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.input_tokens.cache_write",
    "gen_ai.usage.cache_write_tokens",
    "gen_ai.usage.cache_creation_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "llm.usage.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
];
const REASONING: Names = &[
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.details.reasoning_tokens",
    "llm.usage.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.reasoningTokens",
    "ai.usage.outputTokenDetails.reasoningTokens",
];

/// The counts by the key under which the usage format `opentelemetry` has them.
pub(super) const COUNTS: [(&str, Names); 15] = [
    ("input_tokens", INPUT),
    ("output_tokens", OUTPUT),
    ("total_tokens", TOTAL),
    ("cache_read_input_tokens", CACHE_READ),
    ("cache_creation_input_tokens", CACHE_WRITE),
    (
        "cache_creation_5m_input_tokens",
        &[
            "anthropic.usage.cache_creation.ephemeral_5m_input_tokens",
            "gen_ai.usage.details.ephemeral_5m_input_tokens",
            "gen_ai.usage.cache_creation.ephemeral_5m_input_tokens",
        ],
    ),
    (
        "cache_creation_1h_input_tokens",
        &[
            "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
            "gen_ai.usage.details.ephemeral_1h_input_tokens",
            "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens",
        ],
    ),
    (
        "web_search_requests",
        &["anthropic.usage.server_tool_use.web_search_requests", "gen_ai.usage.details.web_search_requests"],
    ),
    ("reasoning_output_tokens", REASONING),
    ("audio_input_tokens", &["gen_ai.usage.audio.input_tokens", "llm.token_count.prompt_details.audio"]),
    ("image_input_tokens", &["gen_ai.usage.image.input_tokens", "llm.token_count.prompt_details.image"]),
    ("video_input_tokens", &["gen_ai.usage.video.input_tokens", "llm.token_count.prompt_details.video"]),
    ("audio_output_tokens", &["gen_ai.usage.audio.output_tokens", "llm.token_count.completion_details.audio"]),
    ("image_output_tokens", &["gen_ai.usage.image.output_tokens"]),
    ("video_output_tokens", &["gen_ai.usage.video.output_tokens"]),
];
/// Where the AI SDK puts what the provider said in its own words, usage objects among it.
pub(super) const PROVIDER_METADATA: Names = &["ai.response.providerMetadata"];
/// The provider's own usage object, as JSON.
pub(super) const RAW_USAGE: Names = &["gen_ai.usage.raw"];
/// LiteLLM's usage object, as Python writes it.
pub(super) const PYTHON_USAGE: Names = &["metadata.usage_object"];
/// Langfuse's own counts and costs, as JSON.
pub(super) const LANGFUSE_USAGE: Names = &["langfuse.observation.usage_details"];
pub(super) const LANGFUSE_COST: Names = &["langfuse.observation.cost_details"];
/// When the first token came.
pub(super) const LANGFUSE_FIRST_CHUNK: Names = &["langfuse.observation.completion_start_time"];
/// Whether the sender answered from a cache of its own, and what that saved.
pub(super) const CACHE_HIT: Names = &["litellm.cache_hit", "gen_ai.cache.hit"];
pub(super) const SAVED_COST: Names = &["litellm.saved_cache_cost"];

pub(super) const COST: Names =
    &["gen_ai.usage.cost", "gen_ai.usage.total_cost", "gen_ai.cost.total_cost", "llm.cost.total", "operation.cost"];
/// The tier that served before the one that was asked for.
pub(super) const SERVICE_TIER: Names = &[
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "gen_ai.response.service_tier",
    "anthropic.response.service_tier",
    "openai.request.service_tier",
    "gen_ai.openai.request.service_tier",
    "gen_ai.request.service_tier",
];
/// The endpoint that was called.
pub(super) const ENDPOINT: Names =
    &["server.address", "api_base", "gen_ai.openai.api_base", "llm.api_base", "net.peer.name"];
pub(super) const STREAM: Names =
    &["gen_ai.request.stream", "gen_ai.request.is_stream", "gen_ai.is_streaming", "llm.is_streaming"];
/// In seconds.
pub(super) const FIRST_CHUNK: Names = &[
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.client.operation.time_to_first_chunk",
    "gen_ai.server.time_to_first_token",
    "gen_ai.server.ttft",
];
/// In milliseconds.
pub(super) const FIRST_CHUNK_MS: Names = &["ai.response.msToFirstChunk"];
/// How long it took in seconds, where a span is written at the end of a stream and has no length (Logfire).
pub(super) const DURATION: Names = &["duration"];
pub(super) const FINISH: Names = &[
    "gen_ai.response.finish_reasons",
    "gen_ai.response.finish_reason",
    "llm.response.finish_reason",
    "llm.finish_reason",
    "ai.response.finishReason",
    "anthropic.message.stop_reason",
];
pub(super) const ERROR: Names = &["error.type", "exception.type"];
/// The one attribute of a span's events that is read: the class of an exception.
pub(super) const EXCEPTION: Names = &["exception.type"];
pub(super) const HTTP_STATUS: Names = &["http.response.status_code", "http.status_code"];

pub(super) const USER: Names = &[
    "tallystick.user",
    "user.id",
    "enduser.id",
    "gen_ai.user",
    "gen_ai.request.user",
    "llm.user",
    "langfuse.user.id",
    "langfuse.trace.user_id",
    "traceloop.association.properties.user_id",
    "ai.telemetry.metadata.userId",
];
pub(super) const SESSION: Names = &[
    "session.id",
    "gen_ai.conversation.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "ai.telemetry.metadata.sessionId",
    "conversation.id",
];
/// The feature as somebody set it for us: it counts before the name of a coding agent, which counts before all others.
pub(super) const OWN_FEATURE: Names = &["tallystick.feature"];
pub(super) const FEATURE: Names =
    &["tallystick.feature", "traceloop.workflow.name", "gen_ai.agent.name", "ai.telemetry.functionId"];
/// What stands for the feature where nobody named it.
pub(super) const SERVICE: Names = &["resource.name", "service.name"];
pub(super) const STEP: Names = &["tallystick.step", "traceloop.entity.name"];
pub(super) const ENVIRONMENT: Names =
    &["tallystick.environment", "deployment.environment.name", "deployment.environment", "langfuse.environment", "env"];
pub(super) const PROJECT: Names = &["tallystick.project"];
pub(super) const CUSTOMER: Names = &["tallystick.customer", "traceloop.association.properties.customer_id"];
pub(super) const COHORT: Names = &["tallystick.cohort"];

// What coding agents worked on: our names, OpenTelemetry's (registry of VCS attributes, old and new), Copilot's.
pub(super) const REPO: Names = &[
    "tallystick.repo",
    "vcs.repository.url.full",
    "github.copilot.git.repository",
    "copilot_chat.repo.remote_url",
    "vcs.repository.name",
    "repo",
];
pub(super) const BRANCH: Names = &[
    "tallystick.branch",
    "vcs.ref.head.name",
    "vcs.repository.ref.name",
    "github.copilot.git.branch",
    "copilot_chat.repo.head_branch_name",
    "branch",
];
pub(super) const PR: Names = &["tallystick.pr", "vcs.change.id", "vcs.repository.change.id", "pr"];
pub(super) const TICKET: Names = &["tallystick.ticket", "ticket"];

/// Further labels by the name of their tag.
pub(super) const TAGS: [(&str, Names); 16] = [
    ("repo", REPO),
    ("branch", BRANCH),
    ("pr", PR),
    ("ticket", TICKET),
    (
        "key",
        &[
            "metadata.user_api_key_alias",
            "litellm.metadata.user_api_key_alias",
            "trace.metadata.openrouter.api_key_name",
            "openrouter.api_key_name",
        ],
    ),
    (
        "team",
        &[
            "metadata.user_api_key_team_alias",
            "litellm.metadata.user_api_key_team_alias",
            "metadata.user_api_key_team_id",
        ],
    ),
    ("key_user", &["metadata.user_api_key_user_id", "trace.metadata.openrouter.creator_user_id"]),
    ("upstream_provider", &["trace.metadata.openrouter.provider_name"]),
    ("litellm_call_id", &["litellm.call_id", "litellm.call.id"]),
    ("organization", &["organization.id"]),
    ("agent", AGENT),
    // Claude Code.
    ("skill", &["skill.name"]),
    ("plugin", &["plugin.name"]),
    ("query_source", &["query_source"]),
    ("service", &["service.name"]),
    ("service_version", &["service.version"]),
];
/// Any of these says that OpenRouter sold the call.
pub(super) const OPENROUTER: Names = &[
    "trace.metadata.openrouter.api_key_name",
    "trace.metadata.openrouter.entity_id",
    "trace.metadata.openrouter.provider_name",
    "openrouter.api_key_name",
];

/// Everything that is read besides counts and tags, with what it means.
const MEANINGS: [(&str, Names); 41] = [
    ("provider", PROVIDER),
    ("model", MODEL),
    ("model, behind LiteLLM's proxy", PROXY_MODEL),
    ("written by LiteLLM's proxy", PROXY),
    ("model, in the parameters of the call", PARAMETERS),
    ("id of the provider's answer", RESPONSE_ID),
    ("what the span is", OPERATION),
    ("... OpenInference", INFERENCE_KIND),
    ("... OpenLLMetry", REQUEST_TYPE),
    ("... its workflows", WRAPPER_KIND),
    ("... Langfuse", LANGFUSE_KIND),
    ("... Vercel AI SDK", AI_SDK),
    ("agent", AGENT),
    ("the provider's own usage and xAI's cost, as the AI SDK passes them on", PROVIDER_METADATA),
    ("the provider's own usage, as JSON", RAW_USAGE),
    ("LiteLLM's usage object", PYTHON_USAGE),
    ("Langfuse's counts", LANGFUSE_USAGE),
    ("reported cost", COST),
    ("Langfuse's costs", LANGFUSE_COST),
    ("answered from the sender's cache", CACHE_HIT),
    ("what that saved", SAVED_COST),
    ("service tier", SERVICE_TIER),
    ("endpoint, for the region", ENDPOINT),
    ("streamed", STREAM),
    ("time to the first token, in seconds", FIRST_CHUNK),
    ("... in milliseconds", FIRST_CHUNK_MS),
    ("... when it came", LANGFUSE_FIRST_CHUNK),
    ("duration, in seconds", DURATION),
    ("finish reason", FINISH),
    ("kind of error", ERROR),
    ("HTTP status", HTTP_STATUS),
    ("user", USER),
    ("session", SESSION),
    ("feature", FEATURE),
    ("feature, where nobody named it", SERVICE),
    ("step", STEP),
    ("environment", ENVIRONMENT),
    ("project", PROJECT),
    ("customer", CUSTOMER),
    ("cohort", COHORT),
    ("sold by OpenRouter", OPENROUTER),
];

/// All lists of names, with what they mean: the field of the event, of its usage object, or its tag.
pub(super) fn lists() -> impl Iterator<Item = (String, Names)> {
    let counts = COUNTS.iter().map(|(field, names)| (format!("`usage.{field}`"), *names));
    let tags = TAGS.iter().map(|(tag, names)| (format!("`tags.{tag}`"), *names));
    MEANINGS.iter().map(|(meaning, names)| ((*meaning).to_owned(), *names)).chain(counts).chain(tags)
}

/// All of these names.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    lists().flat_map(|(_, names)| names).copied()
}
