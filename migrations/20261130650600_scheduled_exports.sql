-- Where scheduled exports go. Credentials are encrypted with a key that the database does not have.
create table export_destinations (
    org_id uuid not null constraint export_destinations_org_id_fkey references organizations on delete cascade,
    name text not null,
    kind text not null,
    endpoint text,
    region text,
    bucket text not null,
    prefix text not null,
    account text,
    secret bytea not null,
    saved_at timestamptz not null,
    tested_at timestamptz,
    test_error text,
    constraint export_destinations_pkey primary key (org_id, name),
    constraint export_destinations_kind_check check (kind in ('s3', 'gcs', 'azure'))
);

create table export_schedules (
    org_id uuid not null constraint export_schedules_org_id_fkey references organizations on delete cascade,
    name text not null,
    destination text not null,
    cadence text not null,
    hour smallint not null,
    version text not null,
    format text not null,
    bucket text not null,
    tags text not null,
    created_at timestamptz not null,
    next_at timestamptz not null,
    -- Set when a run was given up: nothing is planned until somebody has looked.
    paused_at timestamptz,
    constraint export_schedules_pkey primary key (org_id, name),
    constraint export_schedules_destination_fkey foreign key (org_id, destination) references export_destinations,
    constraint export_schedules_cadence_check check (cadence in ('daily', 'weekly', 'monthly')),
    constraint export_schedules_hour_check check (hour between 0 and 23)
);
create index export_schedules_next_idx on export_schedules (next_at) where paused_at is null;

create table export_runs (
    org_id uuid not null,
    run_id uuid not null,
    schedule text not null,
    valid_from date not null,
    valid_to date not null,
    state text not null,
    attempts integer not null,
    planned_at timestamptz not null,
    next_attempt_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    -- The upload of the attempt that runs or broke off: the next one aborts it.
    upload_object text,
    upload_id text,
    object text,
    revision integer,
    bytes bigint,
    rows bigint,
    sha256 text,
    -- The versions of the days as they were before they were read.
    data_version text,
    error text,
    constraint export_runs_pkey primary key (org_id, run_id),
    constraint export_runs_schedule_fkey foreign key (org_id, schedule) references export_schedules on delete cascade,
    constraint export_runs_span_check check (valid_from < valid_to),
    constraint export_runs_state_check check (state in ('planned', 'running', 'done', 'failed'))
);
-- Days wait for one file at a time.
create unique index export_runs_open_key on export_runs (org_id, schedule, valid_from, valid_to)
    where state in ('planned', 'running');
create index export_runs_next_idx on export_runs (next_attempt_at) where state in ('planned', 'running');
create index export_runs_schedule_idx on export_runs (org_id, schedule, valid_from);
