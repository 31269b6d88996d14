-- Values of business metrics, against which spend is held: tickets, active users, revenue.
create table business_metrics (
    org_id uuid not null constraint business_metrics_org_id_fkey references organizations on delete cascade,
    name text not null,
    -- What its values count; USD for revenue.
    unit text not null,
    created_at timestamptz not null,
    constraint business_metrics_pkey primary key (org_id, name)
);

-- A value is superseded by a later one for the same days and labels, never edited.
create table business_metric_values (
    org_id uuid not null,
    name text not null,
    valid_from date not null,
    valid_to date not null,
    labels jsonb not null,
    recorded_at timestamptz not null,
    value numeric not null,
    user_id uuid,
    key_id uuid,
    superseded_at timestamptz,
    constraint business_metric_values_pkey primary key (org_id, name, valid_from, valid_to, labels, recorded_at),
    constraint business_metric_values_metric_fkey foreign key (org_id, name) references business_metrics on delete cascade,
    constraint business_metric_values_span_check check (valid_from < valid_to)
);
-- One value counts at a time.
create unique index business_metric_values_live_key on business_metric_values (org_id, name, valid_from, valid_to, labels)
    where superseded_at is null;
