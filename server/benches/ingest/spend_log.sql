-- Shaped like the spend log of LiteLLM's proxy: a text key and six indexes beside it.
create table spend_log (
    request_id text primary key, call_type text not null, api_key text not null default '', spend float8 not null default 0,
    total_tokens int not null default 0, prompt_tokens int not null default 0, completion_tokens int not null default 0,
    start_time timestamptz not null, end_time timestamptz not null, completion_start_time timestamptz,
    model text not null default '', model_id text default '', model_group text default '', custom_llm_provider text default '',
    api_base text default '', "user" text default '', metadata jsonb default '{}', cache_hit text default '', cache_key text default '',
    request_tags jsonb default '[]', team_id text, organization_id text, end_user text, requester_ip_address text,
    messages jsonb default '{}', response jsonb default '{}', session_id text, status text, mcp_namespaced_tool_name text,
    agent_id text, proxy_server_request jsonb default '{}'
);
create index on spend_log (start_time);
create index on spend_log (start_time, request_id);
create index on spend_log (end_user);
create index on spend_log (session_id);
create index on spend_log (team_id, start_time);
create index on spend_log (api_key, start_time);
