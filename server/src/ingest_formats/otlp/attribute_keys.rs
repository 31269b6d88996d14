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
    "ai.model.id",
];
pub(super) const RESPONSE_ID: Names = &["gen_ai.response.id", "ai.response.id", "llm.response.id"];
pub(super) const OPERATION: Names = &["gen_ai.operation.name"];
pub(super) const INFERENCE_KIND: Names = &["openinference.span.kind"];
pub(super) const REQUEST_TYPE: Names = &["llm.request.type"];
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
pub(super) const COUNTS: [(&str, Names); 12] = [
    ("input_tokens", INPUT),
    ("output_tokens", OUTPUT),
    ("total_tokens", TOTAL),
    ("cache_read_input_tokens", CACHE_READ),
    ("cache_creation_input_tokens", CACHE_WRITE),
    ("reasoning_output_tokens", REASONING),
    ("audio_input_tokens", &["gen_ai.usage.audio.input_tokens", "llm.token_count.prompt_details.audio"]),
    ("image_input_tokens", &["gen_ai.usage.image.input_tokens", "llm.token_count.prompt_details.image"]),
    ("video_input_tokens", &["gen_ai.usage.video.input_tokens", "llm.token_count.prompt_details.video"]),
    ("audio_output_tokens", &["gen_ai.usage.audio.output_tokens", "llm.token_count.completion_details.audio"]),
    ("image_output_tokens", &["gen_ai.usage.image.output_tokens"]),
    ("video_output_tokens", &["gen_ai.usage.video.output_tokens"]),
];
/// Where the AI SDK puts Anthropic's own usage object.
pub(super) const PROVIDER_METADATA: Names = &["ai.response.providerMetadata"];

pub(super) const COST: Names =
    &["gen_ai.usage.cost", "gen_ai.usage.total_cost", "gen_ai.cost.total_cost", "llm.cost.total"];
/// The tier that served before the one that was asked for.
pub(super) const SERVICE_TIER: Names = &[
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "gen_ai.response.service_tier",
    "openai.request.service_tier",
    "gen_ai.openai.request.service_tier",
    "gen_ai.request.service_tier",
];
/// The endpoint that was called.
pub(super) const ENDPOINT: Names =
    &["server.address", "api_base", "gen_ai.openai.api_base", "llm.api_base", "net.peer.name"];
pub(super) const STREAM: Names = &["gen_ai.request.stream", "gen_ai.request.is_stream", "llm.is_streaming"];
/// In seconds.
pub(super) const FIRST_CHUNK: Names =
    &["gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token", "gen_ai.server.ttft"];
/// In milliseconds.
pub(super) const FIRST_CHUNK_MS: Names = &["ai.response.msToFirstChunk"];
pub(super) const FINISH: Names = &[
    "gen_ai.response.finish_reasons",
    "gen_ai.response.finish_reason",
    "llm.response.finish_reason",
    "llm.finish_reason",
    "ai.response.finishReason",
];
pub(super) const ERROR: Names = &["error.type", "exception.type"];
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
pub(super) const FEATURE: Names = &[
    "tallystick.feature",
    "traceloop.workflow.name",
    "gen_ai.agent.name",
    "ai.telemetry.functionId",
    "resource.name",
    "service.name",
];
pub(super) const STEP: Names = &["tallystick.step", "traceloop.entity.name"];
pub(super) const ENVIRONMENT: Names =
    &["tallystick.environment", "deployment.environment.name", "deployment.environment", "langfuse.environment"];
pub(super) const PROJECT: Names = &["tallystick.project"];
pub(super) const CUSTOMER: Names = &["tallystick.customer", "traceloop.association.properties.customer_id"];
pub(super) const COHORT: Names = &["tallystick.cohort"];

/// Further labels by the name of their tag.
pub(super) const TAGS: [(&str, Names); 9] = [
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

/// All of these names.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    let lists: [Names; 28] = [
        PROVIDER,
        MODEL,
        RESPONSE_ID,
        OPERATION,
        INFERENCE_KIND,
        REQUEST_TYPE,
        WRAPPER_KIND,
        AI_SDK,
        AGENT,
        COST,
        SERVICE_TIER,
        ENDPOINT,
        STREAM,
        FIRST_CHUNK,
        FIRST_CHUNK_MS,
        FINISH,
        ERROR,
        HTTP_STATUS,
        USER,
        SESSION,
        FEATURE,
        STEP,
        ENVIRONMENT,
        PROJECT,
        CUSTOMER,
        COHORT,
        OPENROUTER,
        PROVIDER_METADATA,
    ];
    let counts = COUNTS.iter().map(|(_, names)| *names);
    let tags = TAGS.iter().map(|(_, names)| *names);
    lists.into_iter().chain(counts).chain(tags).flatten().copied()
}
