-- The row that an event was before it was narrow, with the indexes that it had: what figures are compared with, whatever became of the row.

create table wide (
    org_id uuid not null,
    event_key uuid not null,
    "timestamp" timestamptz not null,
    received_at timestamptz not null,
    id text not null,
    project_id uuid not null,
    key_id uuid not null,
    series_id bigint not null,
    labels bigint[] not null,
    provider text not null,
    model text not null,
    operation text not null,
    usage_format text not null,
    usage jsonb not null,
    meters jsonb not null,
    service_tier text,
    batch boolean not null,
    region text,
    status text not null,
    attempt integer not null,
    request_id text,
    interaction_id text,
    step text,
    session_id text,
    decision_id text,
    latency_ms bigint,
    time_to_first_token_ms bigint,
    stream boolean,
    finish_reason text,
    error_kind text,
    response_cache_hit boolean not null,
    input_hash text,
    feature text,
    environment text,
    customer text,
    "user" text,
    cohort text,
    tags jsonb not null,
    provider_response_id text,
    reported_cost numeric(38, 12),
    reported_currency text,
    cost numeric(38, 12),
    receipt jsonb not null,
    priced_as text,
    unpriced_reason text,
    upper_bound numeric(38, 12),
    avoided_cost numeric(38, 12),
    tokens bigint not null
);

create table bare (
    like wide,
    primary key (org_id, "timestamp", event_key)
) partition by range ("timestamp");
create table bare_all partition of bare default;
create index on bare (org_id, request_id) where request_id is not null;
create index on bare (org_id, session_id) where session_id is not null;
create index on bare (org_id, provider, model) where cost is null;

-- Events as they were sent, with what was recorded of them.
create function widen(sent jsonb) returns void language sql as $$
    insert into wide
    select e.org_id, e.event_key, event_time(e.event_key), e.received_at, e.id, s.project_id, s.key_id, e.series_id,
        array(select label_ids(e.labels)), s.provider, s.model, s.operation, 'openai_chat', one -> 'usage',
        jsonb_build_object('input_uncached', input, 'input_cache_read', cached, 'output', output),
        null, false, null, s.status, 1, e.request_id, null, null, e.session_id, null, (one ->> 'latency_ms')::bigint,
        (one ->> 'time_to_first_token_ms')::bigint, true, 'stop', null, false, null, s.feature, s.environment,
        one ->> 'customer', one ->> 'user', null, one -> 'tags', e.provider_response_id, null, null, e.cost,
        jsonb_build_array(
            jsonb_build_array('input_uncached', input::text, (e.cost / 3)::numeric(38, 12)::text, '676690920627057'),
            jsonb_build_array('input_cache_read', cached::text, (e.cost / 3)::numeric(38, 12)::text, '519329621320626'),
            jsonb_build_array('output', output::text, (e.cost / 3)::numeric(38, 12)::text, '363566202676037')),
        s.provider || '/' || s.model, null, null, null, e.tokens
    from jsonb_array_elements(sent) as one
    join events as e on e.id = one ->> 'id'
    join series as s on s.org_id = e.org_id and s.series_id = e.series_id
    cross join lateral (
        select coalesce(one #> '{usage,prompt_tokens}', one #> '{usage,input_tokens}')::bigint as input,
            coalesce(one #> '{usage,completion_tokens}', one #> '{usage,output_tokens}')::bigint as output,
            coalesce(one #> '{usage,prompt_tokens_details,cached_tokens}', one #> '{usage,cache_read_input_tokens}')::bigint as cached
    ) as used
$$;
