-- Events: append-only, partitioned by month (UTC) of their timestamp. Never edited.

create table events (
    org_id uuid not null,
    -- UUID version 7 whose time is the event's own timestamp (milliseconds), so that the key alone finds its partition.
    event_key uuid not null,
    "timestamp" timestamptz not null,
    received_at timestamptz not null,
    -- The sender's id, or the generated one.
    id text not null,
    project_id uuid not null,
    key_id uuid not null,
    -- Where it counts: `series`, and `labels` without order.
    series_id bigint not null,
    labels bigint[] not null,
    provider text not null,
    model text not null,
    operation text not null,
    -- Whose shape `usage` has, and the provider's own object, numbers only.
    usage_format text not null,
    usage jsonb not null,
    -- Disjoint meters: {"input_uncached": 812, …}.
    meters jsonb not null,
    service_tier text,
    batch boolean not null default false,
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
    response_cache_hit boolean not null default false,
    input_hash text,
    feature text,
    environment text,
    customer text,
    "user" text,
    cohort text,
    tags jsonb not null default '{}',
    provider_response_id text,
    reported_cost numeric(38, 12),
    reported_currency text,
    -- Booked cost: null means unpriced, never zero for want of a price.
    cost numeric(38, 12),
    -- Receipt lines as booked: [[meter, quantity, amount, price_id], …].
    receipt jsonb not null default '[]',
    -- The price book's model that priced it.
    priced_as text,
    unpriced_reason text,
    -- Estimate while unpriced; counts against budgets.
    upper_bound numeric(38, 12),
    -- What a response-cache hit would have cost.
    avoided_cost numeric(38, 12),
    tokens bigint not null,
    constraint events_pkey primary key (org_id, "timestamp", event_key)
) partition by range ("timestamp");

create index events_request_id_idx on events (org_id, request_id) where request_id is not null;
create index events_session_id_idx on events (org_id, session_id) where session_id is not null;
create index events_unpriced_idx on events (org_id, provider, model) where cost is null;

-- Identity for idempotency, apart from the events because a unique key there would have to contain the time.
create table event_ids (
    org_id uuid not null,
    -- First 16 bytes of SHA-256 of the sender's id.
    id_hash bytea not null,
    -- Versioned SHA-256 of the parsed fields as sent.
    content_hash bytea not null,
    event_key uuid not null,
    -- Month of the event: the row leaves with its events by retention.
    month date not null,
    constraint event_ids_pkey primary key (org_id, id_hash)
);

-- What could not be recorded, without anything that might be a prompt.
create table rejected_events (
    org_id uuid not null,
    rejected_id uuid not null,
    received_at timestamptz not null,
    key_id uuid not null,
    -- The project whose members may see it: the event's if it exists, else the key's.
    project_id uuid not null,
    id text,
    project text,
    provider text,
    model text,
    pointer text not null,
    code text not null,
    detail text not null,
    constraint rejected_events_pkey primary key (org_id, rejected_id)
);
