-- Where events count, and their sums, written in the transaction that records the events. Empty text means missing.

-- One row per combination of the dimensions with few values. Numbers follow from the content, so that servers agree without asking;
-- beyond an organization's limits a value is kept as "(other)": see backend::ledger::series.
create table series (
    org_id uuid not null,
    series_id bigint not null,
    project_id uuid not null,
    key_id uuid not null,
    provider text not null,
    model text not null,
    operation text not null,
    status text not null,
    feature text not null,
    environment text not null,
    cohort text not null,
    step text not null,
    -- The coarse series that it belongs to.
    coarse_id bigint not null generated always as (hashtextextended(
        project_id::text || E'\t' || provider || E'\t' || model || E'\t' || status, 0
    )) stored,
    created_at timestamptz not null,
    constraint series_pkey primary key (org_id, series_id)
);

-- What nearly every page asks by: coarser sums carry its numbers.
create table coarse_series (
    org_id uuid not null,
    coarse_id bigint not null,
    project_id uuid not null,
    provider text not null,
    model text not null,
    status text not null,
    constraint coarse_series_pkey primary key (org_id, coarse_id)
);

-- Dimensions of many values: customer, user, tag.<key>.
create table labels (
    org_id uuid not null,
    label_id bigint not null,
    label text not null,
    value text not null,
    created_at timestamptz not null,
    constraint labels_pkey primary key (org_id, label_id)
);

-- Autovacuum comes when a twentieth has changed, not a fifth: rows of the present change with every commit.
-- Columns stand by width, so that no bytes are lost between them. Counts of a series fit 31 bits: no sender makes 2 billion calls a day.

-- Quarters of an hour in UTC: every zone's offset is a multiple of 15 minutes, so hours and days of any zone are exact sums of them.
-- Rows of the present are updated by every commit: room on their page keeps the new version beside the old one, without a new entry in the index.
create table rollup_quarter (
    org_id uuid not null,
    quarter timestamptz not null,
    series_id bigint not null,
    tokens bigint not null,
    requests integer not null,
    unpriced_requests integer not null,
    retries integer not null,
    cache_hits integer not null,
    -- Cost as booked at ingestion, and adjustments since (repricing).
    booked numeric(38, 12) not null,
    adjusted numeric(38, 12) not null,
    unpriced_upper_bound numeric(38, 12) not null,
    avoided_cost numeric(38, 12) not null,
    constraint rollup_quarter_pkey primary key (org_id, quarter, series_id)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- The same by day of the organization's own zone.
create table rollup_day (
    org_id uuid not null,
    series_id bigint not null,
    tokens bigint not null,
    day date not null,
    requests integer not null,
    unpriced_requests integer not null,
    retries integer not null,
    cache_hits integer not null,
    booked numeric(38, 12) not null,
    adjusted numeric(38, 12) not null,
    unpriced_upper_bound numeric(38, 12) not null,
    avoided_cost numeric(38, 12) not null,
    constraint rollup_day_pkey primary key (org_id, day, series_id)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- One row per label of an event, crossed with everything else that is known of it.
create table rollup_label_day (
    org_id uuid not null,
    label_id bigint not null,
    series_id bigint not null,
    tokens bigint not null,
    day date not null,
    requests integer not null,
    unpriced_requests integer not null,
    booked numeric(38, 12) not null,
    adjusted numeric(38, 12) not null,
    unpriced_upper_bound numeric(38, 12) not null,
    avoided_cost numeric(38, 12) not null,
    constraint rollup_label_day_pkey primary key (org_id, day, label_id, series_id)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- Lines of statements and, later, of reconciliation: what each meter cost.
create table rollup_meter_day (
    org_id uuid not null,
    day date not null,
    series_id bigint not null,
    meter text not null,
    requests integer not null,
    quantity numeric(38, 12) not null,
    booked numeric(38, 12) not null,
    adjusted numeric(38, 12) not null,
    constraint rollup_meter_day_pkey primary key (org_id, day, series_id, meter)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- Sums of the sums by day, by coarse series: a quarter of the rows, and less where there are many features, for pages that look far back.
create table rollup_coarse_day (
    org_id uuid not null,
    coarse_id bigint not null,
    tokens bigint not null,
    day date not null,
    requests integer not null,
    unpriced_requests integer not null,
    retries integer not null,
    cache_hits integer not null,
    booked numeric(38, 12) not null,
    adjusted numeric(38, 12) not null,
    unpriced_upper_bound numeric(38, 12) not null,
    avoided_cost numeric(38, 12) not null,
    constraint rollup_coarse_day_pkey primary key (org_id, day, coarse_id)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- By label alone, for questions that name nothing else: rows by series are nearly as many as events where a customer's calls are few.
create table rollup_coarse_label_day (
    org_id uuid not null,
    label_id bigint not null,
    tokens bigint not null,
    day date not null,
    requests integer not null,
    unpriced_requests integer not null,
    status text not null,
    booked numeric(38, 12) not null,
    adjusted numeric(38, 12) not null,
    unpriced_upper_bound numeric(38, 12) not null,
    avoided_cost numeric(38, 12) not null,
    constraint rollup_coarse_label_day_pkey primary key (org_id, day, label_id, status)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

create table rollup_coarse_meter_day (
    org_id uuid not null,
    day date not null,
    coarse_id bigint not null,
    meter text not null,
    requests integer not null,
    quantity numeric(38, 12) not null,
    booked numeric(38, 12) not null,
    adjusted numeric(38, 12) not null,
    constraint rollup_coarse_meter_day_pkey primary key (org_id, day, coarse_id, meter)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- The state of a day's sums: another number with every transaction that moves any of them, so that an answer about the day can be kept for as long as it is the same.
create table rollup_version (
    org_id uuid not null,
    day date not null,
    version bigint not null,
    constraint rollup_version_pkey primary key (org_id, day)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- When the newest event of a project happened, so that no page looks for it among events.
create table newest_events (
    org_id uuid not null,
    project_id uuid not null,
    happened_at timestamptz not null,
    constraint newest_events_pkey primary key (org_id, project_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- What readers ask: sums with the words of their series.
create view spend_by_coarse_day as
    select r.*, c.project_id, c.provider, c.model, c.status, case when c.status = 'success' then 0 else r.requests end as errors
    from rollup_coarse_day as r join coarse_series as c using (org_id, coarse_id);

create view spend_by_coarse_label as
    select r.*, l.label, l.value, case when r.status = 'success' then 0 else r.requests end as errors
    from rollup_coarse_label_day as r join labels as l using (org_id, label_id);

create view spend_by_coarse_meter as
    select r.*, c.project_id, c.provider, c.model, c.status
    from rollup_coarse_meter_day as r join coarse_series as c using (org_id, coarse_id);

create view spend_by_quarter as
    select r.*, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.feature, s.environment, s.cohort, s.step,
        case when s.status = 'success' then 0 else r.requests end as errors
    from rollup_quarter as r join series as s using (org_id, series_id);

create view spend_by_day as
    select r.*, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.feature, s.environment, s.cohort, s.step,
        case when s.status = 'success' then 0 else r.requests end as errors
    from rollup_day as r join series as s using (org_id, series_id);

create view spend_by_label as
    select r.*, l.label, l.value, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.feature, s.environment,
        s.cohort, s.step, case when s.status = 'success' then 0 else r.requests end as errors
    from rollup_label_day as r join labels as l using (org_id, label_id) join series as s using (org_id, series_id);

create view spend_by_meter as
    select r.*, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.feature, s.environment, s.cohort, s.step
    from rollup_meter_day as r join series as s using (org_id, series_id);

-- "Something moved here": appended with the events, taken by the budget worker.
-- Rows are never updated, so a mark written while the worker reads is not lost.
create table dirty_marks (
    org_id uuid not null,
    mark_id uuid not null,
    project_id uuid not null,
    day date not null,
    created_at timestamptz not null,
    constraint dirty_marks_pkey primary key (org_id, mark_id)
)
-- Emptied again and again: by number of rows, not by share of a table that is mostly empty.
with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
