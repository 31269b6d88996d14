//! Tools whose exports are known by their headers.

/// An export that a tool or provider writes, always with the same header.
#[derive(Debug)]
pub struct Tool {
    /// What it is, after "recognized as".
    pub name: &'static str,
    /// Columns that no other export here has together.
    signature: &'static [&'static str],
    /// Columns and the fields that they fill; of two for one field the first that is there. Others are never read.
    pub(super) columns: &'static [(&'static str, &'static str)],
    /// Fields with one value for all rows.
    pub(super) constants: &'static [(&'static str, &'static str)],
}

/// All of them. To add one: a row here, and its header with a row and what becomes of it in the test below.
const TOOLS: [Tool; 8] = [
    // platform.openai.com, Usage, Export: buckets of a minute, an hour or a day; cached tokens are part of the input.
    Tool {
        name: "OpenAI usage export",
        signature: &["start_time", "num_model_requests", "input_tokens"],
        columns: &[
            ("start_time", "timestamp"),
            ("end_time", "timestamp_end"),
            ("model", "model"),
            ("num_model_requests", "requests"),
            ("input_tokens", "usage.input_tokens"),
            ("input_cached_tokens", "usage.input_tokens_details.cached_tokens"),
            ("input_cache_write_tokens", "usage.input_tokens_details.cache_write_tokens"),
            ("output_tokens", "usage.output_tokens"),
            ("batch", "batch"),
            ("service_tier", "service_tier"),
            ("user_id", "user"),
            ("project_id", "tags.project_id"),
            ("api_key_id", "tags.api_key_id"),
        ],
        constants: &[("provider", "openai"), ("usage_format", "openai_responses"), ("aggregate", "sum")],
    },
    // console.anthropic.com, Usage, Export: a row per day, model, key and workspace; cached tokens come on top.
    Tool {
        name: "Anthropic usage export",
        signature: &["usage_date_utc", "model_version", "usage_output_tokens"],
        columns: &[
            ("usage_date_utc", "timestamp"),
            ("model_version", "model"),
            ("usage_input_tokens_no_cache", "usage.input_tokens"),
            ("usage_input_tokens_cache_write_5m", "usage.cache_creation.ephemeral_5m_input_tokens"),
            ("usage_input_tokens_cache_write_1h", "usage.cache_creation.ephemeral_1h_input_tokens"),
            ("usage_input_tokens_cache_read", "usage.cache_read_input_tokens"),
            ("usage_output_tokens", "usage.output_tokens"),
            ("web_search_count", "usage.server_tool_use.web_search_requests"),
            ("inference_geo", "usage.inference_geo"),
            ("speed", "usage.speed"),
            ("usage_type", "service_tier"),
            ("workspace", "tags.workspace"),
            ("api_key", "tags.api_key"),
        ],
        constants: &[("provider", "anthropic"), ("usage_format", "anthropic"), ("aggregate", "sum")],
    },
    // Rows of LiteLLM_SpendLogs (LiteLLM, schema.prisma).
    Tool {
        name: "LiteLLM spend logs",
        signature: &["request_id", "spend", "startTime", "prompt_tokens"],
        columns: &[
            ("request_id", "id"),
            ("startTime", "timestamp"),
            ("custom_llm_provider", "provider"),
            ("model", "model"),
            ("prompt_tokens", "usage.prompt_tokens"),
            ("completion_tokens", "usage.completion_tokens"),
            ("total_tokens", "usage.total_tokens"),
            ("spend", "reported_cost"),
            ("end_user", "customer"),
            ("user", "user"),
            ("session_id", "session_id"),
            ("team_id", "tags.team"),
            ("model_group", "tags.model_group"),
        ],
        constants: &[("usage_format", "litellm")],
    },
    // Observations (Langfuse, batch export); a row without a model is no call. Totals include what was cached.
    Tool {
        name: "Langfuse observations",
        signature: &["traceId", "startTime", "totalCost"],
        columns: &[
            ("id", "id"),
            ("startTime", "timestamp"),
            ("providedModelName", "model"),
            ("model", "model"),
            ("inputUsage", "usage.prompt_tokens"),
            ("inputTokens", "usage.prompt_tokens"),
            ("promptTokens", "usage.prompt_tokens"),
            ("outputUsage", "usage.completion_tokens"),
            ("outputTokens", "usage.completion_tokens"),
            ("completionTokens", "usage.completion_tokens"),
            ("totalCost", "reported_cost"),
            ("userId", "user"),
            ("sessionId", "session_id"),
            ("environment", "environment"),
            ("traceName", "feature"),
            ("name", "step"),
        ],
        constants: &[("usage_format", "openai_chat")],
    },
    // `npx @helicone/export --format csv` (Helicone, examples/export).
    Tool {
        name: "Helicone export",
        signature: &["response_id", "request_created_at", "prompt_tokens"],
        columns: &[
            ("response_id", "id"),
            ("request_created_at", "timestamp"),
            ("model", "model"),
            ("prompt_tokens", "usage.prompt_tokens"),
            ("completion_tokens", "usage.completion_tokens"),
            ("latency", "latency_ms"),
            ("cost", "reported_cost"),
            ("request_user_id", "user"),
        ],
        constants: &[("usage_format", "openai_chat")],
    },
    // Usage report of GitHub billing: a row per day, user and model; it tells money, not tokens.
    Tool {
        name: "GitHub Copilot usage report",
        signature: &["date", "sku", "applied_cost_per_quantity", "net_amount", "model"],
        columns: &[
            ("date", "timestamp"),
            ("model", "model"),
            ("net_amount", "reported_cost"),
            ("username", "user"),
            ("sku", "tags.sku"),
            ("organization", "tags.organization"),
            ("cost_center_name", "tags.cost_center"),
        ],
        constants: &[("provider", "github-copilot"), ("aggregate", "sum")],
    },
    // cursor.com, Dashboard, Usage, Export CSV: the four counts add up to `Total Tokens`.
    Tool {
        name: "Cursor usage export",
        signature: &["Date", "Input (w/o Cache Write)", "Cache Read", "Output Tokens"],
        columns: &[
            ("Date", "timestamp"),
            ("Model", "model"),
            ("Input (w/ Cache Write)", "usage.input_cache_write"),
            ("Input (w/o Cache Write)", "usage.input_uncached"),
            ("Cache Read", "usage.input_cache_read"),
            ("Output Tokens", "usage.output"),
            ("Cost", "reported_cost"),
            ("User", "user"),
            ("Kind", "tags.kind"),
        ],
        constants: &[("provider", "cursor"), ("usage_format", "meters")],
    },
    // Kept by hand: one count in, one out, whoever the provider is.
    Tool {
        name: "table of tokens in and out",
        signature: &["Tokens in", "Tokens out"],
        columns: &[
            ("Date", "timestamp"),
            ("Time", "timestamp"),
            ("Timestamp", "timestamp"),
            ("Provider", "provider"),
            ("Model", "model"),
            ("Tokens in", "usage.input_uncached"),
            ("Tokens out", "usage.output"),
            ("Cost", "reported_cost"),
            ("Project", "project"),
            ("Feature", "feature"),
            ("Environment", "environment"),
            ("Customer", "customer"),
            ("User", "user"),
            ("Team", "tags.team"),
        ],
        constants: &[("usage_format", "meters")],
    },
];

impl Tool {
    /// The one whose export has this header.
    #[must_use]
    pub fn of(headers: &[String]) -> Option<&'static Self> {
        let has = |column: &&str| headers.iter().any(|header| is_same(header, column));
        TOOLS.iter().find(|tool| tool.signature.iter().all(has))
    }
}

/// Whether a header is this column, however it is cased.
pub(super) fn is_same(header: &str, column: &str) -> bool {
    header.trim().eq_ignore_ascii_case(column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::{UsageFormat, meters};
    use crate::upload::Mapping;
    use serde_json::{Value, json};

    /// Name, header, row, what is still missing, the event, its tokens.
    type Case = (&'static str, &'static str, &'static str, &'static [&'static str], Value, u64);

    fn cases() -> Vec<Case> {
        vec![
            (
                "OpenAI usage export",
                "start_time|end_time|start_time_iso|end_time_iso|project_id|num_model_requests|user_id|api_key_id|model|batch|service_tier|input_tokens|output_tokens|input_cached_tokens|input_uncached_tokens",
                "1795132800|1795219200|2026-11-20T00:00:00+00:00|2026-11-21T00:00:00+00:00|proj_1|3.0||key_1|gpt-4o-2024-08-06|False||7162|1673|1280|5882",
                &[],
                json!({
                    "timestamp": "2026-11-20T12:00:00Z", "provider": "openai", "model": "gpt-4o-2024-08-06",
                    "usage_format": "openai_responses", "aggregate": "sum", "requests": 3, "batch": false,
                    "usage": {"input_tokens": 7162, "input_tokens_details": {"cached_tokens": 1280}, "output_tokens": 1673},
                    "tags": {"project_id": "proj_1", "api_key_id": "key_1"},
                }),
                8_835,
            ),
            (
                "Anthropic usage export",
                "usage_date_utc|model_version|api_key|workspace|usage_type|context_window|usage_input_tokens_no_cache|usage_input_tokens_cache_write_5m|usage_input_tokens_cache_write_1h|usage_input_tokens_cache_read|usage_output_tokens|web_search_count|inference_geo|speed",
                "2026-08-05|claude-opus-5|Closer App|Default|standard|≤ 200k|46981|15969|0|61624|16932|2|global|",
                &[],
                json!({
                    "timestamp": "2026-08-05T12:00:00Z", "provider": "anthropic", "model": "claude-opus-5",
                    "usage_format": "anthropic", "aggregate": "sum", "service_tier": "standard",
                    "usage": {
                        "input_tokens": 46981, "cache_read_input_tokens": 61624, "output_tokens": 16932, "inference_geo": "global",
                        "cache_creation": {"ephemeral_5m_input_tokens": 15969, "ephemeral_1h_input_tokens": 0},
                        "server_tool_use": {"web_search_requests": 2},
                    },
                    "tags": {"api_key": "Closer App", "workspace": "Default"},
                }),
                141_506,
            ),
            (
                "LiteLLM spend logs",
                "request_id|call_type|api_key|spend|total_tokens|prompt_tokens|completion_tokens|startTime|endTime|model|model_group|custom_llm_provider|user|end_user|team_id|session_id",
                "chatcmpl-1|acompletion|88dc28|1.65e-05|28|20|8|2026-11-20 09:30:00.125+00|2026-11-20 09:30:01+00|gpt-4o-mini|fast|openai|ada|acme|t-1|s-1",
                &[],
                json!({
                    "id": "chatcmpl-1", "timestamp": "2026-11-20T09:30:00.125Z", "provider": "openai", "model": "gpt-4o-mini",
                    "usage_format": "litellm", "usage": {"prompt_tokens": 20, "completion_tokens": 8, "total_tokens": 28},
                    "reported_cost": {"amount": "0.0000165", "currency": "USD"},
                    "customer": "acme", "user": "ada", "session_id": "s-1", "tags": {"team": "t-1", "model_group": "fast"},
                }),
                28,
            ),
            (
                "Langfuse observations",
                "id|traceId|traceName|startTime|endTime|type|name|environment|userId|sessionId|model|inputUsage|outputUsage|totalUsage|totalCost|latency",
                "obs-1|trace-1|answer|2026-11-20T09:30:00.000Z|2026-11-20T09:30:02.000Z|GENERATION|draft|production|ada|s-1|gpt-4o|1000|100|1100|0.0035|2",
                &["nothing maps to provider"],
                json!({
                    "id": "obs-1", "timestamp": "2026-11-20T09:30:00Z", "model": "gpt-4o", "usage_format": "openai_chat",
                    "usage": {"prompt_tokens": 1000, "completion_tokens": 100},
                    "reported_cost": {"amount": "0.0035", "currency": "USD"},
                    "user": "ada", "session_id": "s-1", "environment": "production", "feature": "answer", "step": "draft",
                }),
                1_100,
            ),
            (
                "Helicone export",
                "response_id|response_created_at|response_status|request_created_at|request_body|request_properties|request_user_id|model|prompt_tokens|completion_tokens|latency|cost",
                "resp-1|2026-11-20T09:30:02Z|200|2026-11-20T09:30:00Z|SECRET|{}|ada|gpt-4o|1000|100|2140|0.0035",
                &["nothing maps to provider"],
                json!({
                    "id": "resp-1", "timestamp": "2026-11-20T09:30:00Z", "model": "gpt-4o", "usage_format": "openai_chat",
                    "usage": {"prompt_tokens": 1000, "completion_tokens": 100}, "latency_ms": 2140, "user": "ada",
                    "reported_cost": {"amount": "0.0035", "currency": "USD"},
                }),
                1_100,
            ),
            (
                "GitHub Copilot usage report",
                "date|username|product|sku|model|quantity|unit_type|applied_cost_per_quantity|gross_amount|discount_amount|net_amount|organization|cost_center_name",
                "2026-09-05|kenji|copilot|copilot_premium_request|Claude Sonnet 4.5|10|requests|0.04|0.40|0.10|0.30|proud-corp|CC-Platform",
                &[],
                json!({
                    "timestamp": "2026-09-05T12:00:00Z", "provider": "github-copilot", "model": "Claude Sonnet 4.5",
                    "aggregate": "sum", "usage": {}, "user": "kenji", "reported_cost": {"amount": "0.30", "currency": "USD"},
                    "tags": {"sku": "copilot_premium_request", "organization": "proud-corp", "cost_center": "CC-Platform"},
                }),
                0,
            ),
            (
                "Cursor usage export",
                "Date|User|Cloud Agent ID|Automation ID|Kind|Model|Max Mode|Input (w/ Cache Write)|Input (w/o Cache Write)|Cache Read|Output Tokens|Total Tokens|Cost",
                "2026-06-10T12:55:01.730Z|j@example.com|||Included|gpt-5.5-medium|No|1615|2|187200|1506|190323|Included",
                &[],
                json!({
                    "timestamp": "2026-06-10T12:55:01.730Z", "provider": "cursor", "model": "gpt-5.5-medium", "usage_format": "meters",
                    "usage": {"input_cache_write": 1615, "input_uncached": 2, "input_cache_read": 187_200, "output": 1506},
                    "user": "j@example.com", "tags": {"kind": "Included"},
                }),
                190_323,
            ),
            (
                "table of tokens in and out",
                "Date|Model|Tokens in|Tokens out|Cost",
                "2026-11-20|gpt-4o|1000|100|$0.0035",
                &["nothing maps to provider"],
                json!({
                    "timestamp": "2026-11-20T12:00:00Z", "model": "gpt-4o", "usage_format": "meters", "aggregate": "sum",
                    "usage": {"input_uncached": 1000, "output": 100}, "reported_cost": {"amount": "0.0035", "currency": "USD"},
                }),
                1_100,
            ),
        ]
    }

    #[test]
    fn every_tool_is_known_by_its_header_and_its_rows_become_events() {
        let cases = cases();
        assert_eq!(cases.len(), TOOLS.len());
        for (name, header, row, missing, event, tokens) in cases {
            let headers: Vec<String> = header.split('|').map(str::to_owned).collect();
            let cells: Vec<&str> = row.split('|').collect();
            assert_eq!(cells.len(), headers.len(), "{name}");
            let cell = |column: &str| Some(cells[headers.iter().position(|header| header == column)?].to_owned());
            assert_eq!(Tool::of(&headers).map(|tool| tool.name), Some(name));
            let mapping = Mapping::default().with_headers(&headers);
            assert_eq!(mapping.missing(&headers), missing, "{name}");
            assert_eq!(mapping.event(cell), event, "{name}");
            let format = event["usage_format"].as_str().map_or(UsageFormat::Meters, |word| word.parse().unwrap());
            assert_eq!(meters(format, &event["usage"]).unwrap().tokens(), tokens, "{name}");
        }
        let by_hand: Vec<String> = ["Date", "Model", "Tokens in", "Tokens out"].map(str::to_owned).to_vec();
        let counts = ["usage.prompt_tokens=Tokens in".to_owned(), "usage.completion_tokens=Tokens out".to_owned()];
        let mapping = Mapping::read(&counts, &[]).unwrap().with_headers(&by_hand);
        let fields: Vec<&str> = mapping.columns().iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["usage.prompt_tokens", "usage.completion_tokens", "timestamp", "model"]);
        assert_eq!(mapping.constants(), [], "the counts are the provider's");
        let own: Vec<String> = ["timestamp", "model", "prompt_tokens"].map(str::to_owned).to_vec();
        assert!(Tool::of(&own).is_none());
    }
}
