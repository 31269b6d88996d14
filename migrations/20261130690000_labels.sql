-- Values of labels that are one: what was sent as `value` counts as `canonical`. Nothing that was recorded changes.
create table value_aliases (
    org_id uuid not null constraint value_aliases_org_id_fkey references organizations on delete cascade,
    -- A dimension of the spend query: feature, customer, tag.repo …
    dimension text not null,
    value text not null,
    canonical text not null,
    created_at timestamptz not null,
    user_id uuid,
    key_id uuid,
    constraint value_aliases_pkey primary key (org_id, dimension, value),
    constraint value_aliases_canonical_check check (canonical <> value)
);

-- Labels that every event should carry, of all projects or of one.
create table required_labels (
    org_id uuid not null constraint required_labels_org_id_fkey references organizations on delete cascade,
    dimension text not null,
    project_id uuid,
    created_at timestamptz not null,
    constraint required_labels_key unique nulls not distinct (org_id, dimension, project_id),
    constraint required_labels_project_fkey foreign key (org_id, project_id) references projects on delete cascade
);

-- Series and labels with the values as which they count. Joins that a question does not need are left out by PostgreSQL: at most one row fits.
create view series_words as
    select s.org_id, s.series_id, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.created_at,
        coalesce(feature.canonical, s.feature) as feature, coalesce(environment.canonical, s.environment) as environment,
        coalesce(cohort.canonical, s.cohort) as cohort, coalesce(step.canonical, s.step) as step
    from series as s
    left join value_aliases as feature
        on feature.org_id = s.org_id and feature.dimension = 'feature' and feature.value = s.feature
    left join value_aliases as environment
        on environment.org_id = s.org_id and environment.dimension = 'environment' and environment.value = s.environment
    left join value_aliases as cohort
        on cohort.org_id = s.org_id and cohort.dimension = 'cohort' and cohort.value = s.cohort
    left join value_aliases as step on step.org_id = s.org_id and step.dimension = 'step' and step.value = s.step;

create view label_words as
    select l.org_id, l.label_id, l.label, coalesce(alias.canonical, l.value) as value, l.created_at
    from labels as l
    left join value_aliases as alias on alias.org_id = l.org_id and alias.dimension = l.label and alias.value = l.value;

create or replace view spend_by_coarse_label as
    select r.*, l.label, l.value, case when r.status = 'success' then 0 else r.requests end as errors
    from rollup_coarse_label_day as r join label_words as l using (org_id, label_id);

create or replace view spend_by_quarter as
    select r.*, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.feature, s.environment, s.cohort, s.step,
        case when s.status = 'success' then 0 else r.requests end as errors
    from rollup_quarter as r join series_words as s using (org_id, series_id);

create or replace view spend_by_day as
    select r.*, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.feature, s.environment, s.cohort, s.step,
        case when s.status = 'success' then 0 else r.requests end as errors
    from rollup_day as r join series_words as s using (org_id, series_id);

create or replace view spend_by_label as
    select r.*, l.label, l.value, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.feature, s.environment,
        s.cohort, s.step, case when s.status = 'success' then 0 else r.requests end as errors
    from rollup_label_day as r join label_words as l using (org_id, label_id) join series_words as s using (org_id, series_id);

create or replace view spend_by_meter as
    select r.*, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.feature, s.environment, s.cohort, s.step
    from rollup_meter_day as r join series_words as s using (org_id, series_id);

create or replace view latency_by_day as
    select r.*, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.feature, s.environment, s.cohort, s.step
    from rollup_latency_day as r join series_words as s using (org_id, series_id);
