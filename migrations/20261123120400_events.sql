-- Events: append-only, partitioned by month (UTC) of their time. Never edited; a fuller copy of an answer takes the place of a smaller one as a whole. How they are read: see backend::ledger::stored.

-- What many events have in common, by a number that follows from the content: the event as it was sent without its own words and numbers.
create table shapes (
    org_id uuid not null,
    shape_id bigint not null,
    shape jsonb not null,
    constraint shapes_pkey primary key (org_id, shape_id)
);

-- The same of receipts: which sources they charge, at which rates; or why there is no price.
create table plans (
    org_id uuid not null,
    plan_id bigint not null,
    plan jsonb not null,
    constraint plans_pkey primary key (org_id, plan_id)
);

create table events (
    org_id uuid not null,
    -- UUID version 7 with the event's own time in microseconds (RFC 9562, 6.2, method 3): its order is that of time, and it alone finds the partition.
    event_key uuid not null,
    received_at timestamptz not null,
    -- Where it counts; its labels stand below.
    series_id bigint not null,
    shape_id bigint not null,
    plan_id bigint not null,
    tokens bigint not null,
    -- No provider call was made.
    response_cache_hit boolean not null,
    -- Booked cost: null means unpriced, never zero for want of a price.
    cost numeric(38, 12),
    -- Estimate while unpriced; counts against budgets.
    upper_bound numeric(38, 12),
    -- What an answer from the sender's cache would have cost.
    avoided_cost numeric(38, 12),
    -- As it was sent, not rounded.
    reported_cost numeric,
    -- Numbers of `labels` without order, 8 bytes each: an array would weigh more than what it holds.
    labels bytea,
    -- The event's own numbers in the order of its shape, and the quantities of its receipt in the order of its plan.
    numbers bytea not null,
    quantities bytea,
    -- The sender's id; null where it is the event's key.
    id text,
    request_id text,
    interaction_id text,
    session_id text,
    decision_id text,
    provider_response_id text,
    input_hash text,
    -- The words of its dimensions as they were sent, where one of them counts as "(other)".
    words jsonb,
    constraint events_pkey primary key (org_id, event_key)
) partition by range (event_key);

-- Half of a hash is enough to find the few attempts of a call; of its organization too, so that nobody's ids are in another's way.
create index events_request_id_idx on events (hashtext(org_id::text || request_id)) where request_id is not null;
create index events_session_id_idx on events (org_id, session_id) where session_id is not null;
create index events_unpriced_idx on events (org_id, series_id) where cost is null;

-- The time of an event.
create function event_time(event_key uuid) returns timestamptz language sql immutable strict parallel safe as $$
    select timestamptz 'epoch' + interval '1 microsecond' * (
        ('x' || left(replace(event_key::text, '-', ''), 12))::bit(48)::bigint * 1000
        + (('x' || substr(replace(event_key::text, '-', ''), 14, 3))::bit(12)::integer >> 2))
$$;

-- The numbers of an event's labels.
create function label_ids(labels bytea) returns setof bigint language sql immutable strict parallel safe as $$
    select ('x' || encode(substr(labels, place, 8), 'hex'))::bit(64)::bigint from generate_series(1, length(labels), 8) as place
$$;

-- Identity for idempotency, apart from the events because a unique key there would have to contain the time.
create table event_ids (
    org_id uuid not null,
    -- First 16 bytes of SHA-256 of the sender's id.
    id_hash uuid not null,
    -- A version and 15 bytes of SHA-256 of the parsed fields as sent.
    content_hash uuid not null,
    event_key uuid not null,
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
