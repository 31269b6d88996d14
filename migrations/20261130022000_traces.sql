-- Spans of one trace (OpenTelemetry) that tell of the same call come in several requests. What was told lately is remembered for a day.

-- Whoever records calls of a trace holds its row until the commit, so that no two servers judge spans of one trace at the same time.
create table traces (
    org_id uuid not null,
    trace_id uuid not null,
    -- When calls of it came last, to the hour.
    told_at timestamptz not null,
    constraint traces_pkey primary key (org_id, trace_id)
);
create index traces_told_at_idx on traces (org_id, told_at);

-- Spans that told of a model's work.
create table trace_calls (
    org_id uuid not null,
    trace_id uuid not null,
    span_id bigint not null,
    -- The nearest span above that did not come in the same request.
    above_id bigint,
    -- Of trace, service, and tokens of input and output.
    usage_hash bigint not null,
    -- Of the instrumentation's name.
    scope_hash bigint not null,
    began_at timestamptz not null,
    ended_at timestamptz not null,
    -- Stands around calls, as an agent does.
    is_outer boolean not null,
    -- Counted something; else it failed before anything was.
    is_counted boolean not null,
    -- Its event; null where it was left out.
    event_key uuid,
    constraint trace_calls_pkey primary key (org_id, trace_id, span_id)
);
-- Ids of spans and hashes are random: alone they find the few rows that may be meant.
create index trace_calls_above_idx on trace_calls (above_id) where above_id is not null;
-- Agents and the like that were recorded, because nothing else told what they used.
create index trace_calls_outer_idx on trace_calls (org_id, trace_id) where is_outer and event_key is not null;
create index trace_calls_usage_idx on trace_calls (usage_hash, ended_at);
-- Where another event takes the place of one.
create index trace_calls_event_idx on trace_calls (org_id, event_key) where event_key is not null;
