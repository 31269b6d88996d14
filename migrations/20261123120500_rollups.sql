-- Rollups, written in the transaction that records the events. Empty text means missing.
-- Quarters of an hour in UTC: every zone's offset is a multiple of 15 minutes, so hours and days of any zone are exact sums of them.

create table rollup_quarter (
    org_id uuid not null,
    quarter timestamptz not null,
    project_id uuid not null,
    provider text not null,
    model text not null,
    operation text not null,
    feature text not null,
    environment text not null,
    key_id uuid not null,
    status text not null,
    requests bigint not null,
    -- Cost as booked at ingestion, and adjustments since (repricing).
    booked numeric(38, 12) not null,
    adjusted numeric(38, 12) not null default 0,
    tokens bigint not null,
    tokens_input_uncached bigint not null,
    tokens_cache_read bigint not null,
    tokens_cache_write bigint not null,
    tokens_output bigint not null,
    unpriced_requests bigint not null,
    unpriced_upper_bound numeric(38, 12) not null,
    errors bigint not null,
    retries bigint not null,
    cache_hits bigint not null,
    avoided_cost numeric(38, 12) not null,
    -- Counts per latency class, mergeable by addition; classes in backend::events::latency.
    latency_counts bigint[] not null,
    constraint rollup_quarter_pkey primary key (org_id, quarter, project_id, provider, model, operation, feature, environment, key_id, status)
);

-- The same by day of the organization's own zone.
create table rollup_day (
    org_id uuid not null,
    day date not null,
    project_id uuid not null,
    provider text not null,
    model text not null,
    operation text not null,
    feature text not null,
    environment text not null,
    key_id uuid not null,
    status text not null,
    requests bigint not null,
    booked numeric(38, 12) not null,
    adjusted numeric(38, 12) not null default 0,
    tokens bigint not null,
    tokens_input_uncached bigint not null,
    tokens_cache_read bigint not null,
    tokens_cache_write bigint not null,
    tokens_output bigint not null,
    unpriced_requests bigint not null,
    unpriced_upper_bound numeric(38, 12) not null,
    errors bigint not null,
    retries bigint not null,
    cache_hits bigint not null,
    avoided_cost numeric(38, 12) not null,
    latency_counts bigint[] not null,
    constraint rollup_day_pkey primary key (org_id, day, project_id, provider, model, operation, feature, environment, key_id, status)
);

-- Labels of many values, one row per label of an event: customer, user, cohort, step, tag.<key>.
create table rollup_label_day (
    org_id uuid not null,
    day date not null,
    label text not null,
    value text not null,
    project_id uuid not null,
    provider text not null,
    model text not null,
    requests bigint not null,
    booked numeric(38, 12) not null,
    adjusted numeric(38, 12) not null default 0,
    tokens bigint not null,
    unpriced_requests bigint not null,
    unpriced_upper_bound numeric(38, 12) not null,
    errors bigint not null,
    avoided_cost numeric(38, 12) not null,
    constraint rollup_label_day_pkey primary key (org_id, day, label, value, project_id, provider, model)
);

-- Lines of statements and, later, of reconciliation: what each meter cost.
create table rollup_meter_day (
    org_id uuid not null,
    day date not null,
    project_id uuid not null,
    provider text not null,
    model text not null,
    meter text not null,
    requests bigint not null,
    quantity numeric(38, 12) not null,
    booked numeric(38, 12) not null,
    adjusted numeric(38, 12) not null default 0,
    constraint rollup_meter_day_pkey primary key (org_id, day, project_id, provider, model, meter)
);

-- "Something moved here": appended with the events, taken by the budget worker.
-- Rows are never updated, so a mark written while the worker reads is not lost.
create table dirty_marks (
    org_id uuid not null,
    mark_id uuid not null,
    project_id uuid not null,
    day date not null,
    created_at timestamptz not null,
    constraint dirty_marks_pkey primary key (org_id, mark_id)
);
