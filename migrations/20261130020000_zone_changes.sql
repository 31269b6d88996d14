-- Changes of an organization's time zone: all days are summed anew beside those that count, which takes a while, and then take their place at once.

-- A change that is under way, or that failed; one that is done stands in the audit log.
create table zone_changes (
    org_id uuid not null constraint zone_changes_org_id_fkey references organizations on delete cascade,
    time_zone text not null,
    state text not null constraint zone_changes_state_check check (state in ('running', 'failed')),
    begun_at timestamptz not null,
    days_done integer not null default 0,
    days integer not null default 0,
    -- What failed, in one sentence.
    failure text,
    constraint zone_changes_pkey primary key (org_id),
    constraint zone_changes_failure_check check ((state = 'failed') = (failure is not null))
);
create index zone_changes_work_idx on zone_changes (begun_at) where state = 'running';

-- Days of the new zone, with the versions that the old zone's days had when each was begun: while these are the same, so are its sums.
create table staged_days (
    org_id uuid not null,
    day date not null,
    versions bigint[] not null,
    -- The last event that is in its sums.
    last_key uuid,
    is_complete boolean not null default false,
    constraint staged_days_pkey primary key (org_id, day)
);

-- Their sums that follow from events alone. Those of `rollup_day` follow from quarters of an hour, which are the same in every zone.
create table staged_label_day (
    like rollup_label_day,
    constraint staged_label_day_pkey primary key (org_id, day, label_id, series_id)
);
create table staged_meter_day (
    like rollup_meter_day,
    constraint staged_meter_day_pkey primary key (org_id, day, series_id, meter)
);
create table staged_term_day (
    like rollup_term_day,
    constraint staged_term_day_pkey primary key (org_id, day, series_id, meter, term_id)
);
