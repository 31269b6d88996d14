-- What the terms of contracts moved.

-- What the terms moved, by day of the organization's zone: a part of what the other rollups have as adjusted.
create table rollup_term_day (
    org_id uuid not null,
    day date not null,
    series_id bigint not null,
    meter text not null,
    term_id bigint not null,
    adjusted numeric(38, 12) not null,
    constraint rollup_term_day_pkey primary key (org_id, day, series_id, meter, term_id)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

create view spend_by_term as
    select r.*, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status, s.feature, s.environment, s.cohort, s.step
    from rollup_term_day as r join series as s using (org_id, series_id);

alter table repricing_runs
    drop constraint repricing_runs_kind_check,
    -- What a run of the contract has counted and charged of its month.
    add column contract jsonb,
    add constraint repricing_runs_kind_check check (kind in ('pricing', 'repricing', 'contract')),
    add constraint repricing_runs_contract_check check ((kind = 'contract') = (contract is not null));
