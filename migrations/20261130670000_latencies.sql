-- How long calls took: a series on a day has a row per class of time (backend: domain::spend::latency_class) that any of its calls fell into.
create table rollup_latency_day (
    org_id uuid not null,
    series_id bigint not null,
    day date not null,
    latency_class integer not null,
    -- Whole answers, and first tokens, that took so long.
    responses integer not null,
    first_tokens integer not null,
    constraint rollup_latency_day_pkey primary key (org_id, day, series_id, latency_class)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

create table staged_latency_day (
    org_id uuid not null,
    series_id bigint not null,
    day date not null,
    latency_class integer not null,
    responses integer not null,
    first_tokens integer not null,
    constraint staged_latency_day_pkey primary key (org_id, day, series_id, latency_class)
);

create view latency_by_day as
    select r.*, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.feature, s.environment, s.cohort, s.step
    from rollup_latency_day as r join series as s using (org_id, series_id);

-- What attempts after the first of their request cost, of booked and adjusted together.
alter table rollup_quarter add column retry_cost numeric(38, 12) not null default 0;
alter table rollup_day add column retry_cost numeric(38, 12) not null default 0;
alter table rollup_coarse_day add column retry_cost numeric(38, 12) not null default 0;

-- A view has the columns that its tables had when it was made.
drop view spend_by_quarter;
drop view spend_by_day;
drop view spend_by_coarse_day;

create view spend_by_coarse_day as
    select r.*, c.project_id, c.provider, c.model, c.status, case when c.status = 'success' then 0 else r.requests end as errors
    from rollup_coarse_day as r join coarse_series as c using (org_id, coarse_id);

create view spend_by_quarter as
    select r.*, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.feature, s.environment, s.cohort, s.step,
        case when s.status = 'success' then 0 else r.requests end as errors
    from rollup_quarter as r join series as s using (org_id, series_id);

create view spend_by_day as
    select r.*, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.feature, s.environment, s.cohort, s.step,
        case when s.status = 'success' then 0 else r.requests end as errors
    from rollup_day as r join series as s using (org_id, series_id);
