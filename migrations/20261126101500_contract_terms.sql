-- Terms of a contract that count over a month, and what they moved.

-- Receipts name terms beside prices: the numbers of prices end where these begin (2^52 + 2^51; JSON is exact up to 2^53).
create sequence contract_term_ids as bigint start with 6755399441055744;

-- A term is superseded, never edited: statements and receipts that name it keep it.
create table contract_terms (
    org_id uuid not null constraint contract_terms_org_id_fkey references organizations on delete cascade,
    term_id bigint not null default nextval('contract_term_ids'),
    -- The id under which it was first entered: a term that ends goes on in a row of its own, in the same place.
    rank bigint not null,
    kind text not null,
    -- Null: every provider.
    provider text,
    -- A pattern of names in the book; null: every model.
    models text,
    -- `tokens`, or words of meters of one unit between commas.
    meters text not null,
    -- From zero up: [{"above", "inclusive", "price": {"factor"} or {"rate": {"rate", "per"}}}, …].
    tiers jsonb not null,
    -- First days of months in the organization's zone: the first in which it holds, and the first in which it no longer does.
    first_month date not null,
    end_month date,
    -- Who said so, and where it is written.
    source text not null,
    source_url text,
    recorded_at timestamptz not null,
    superseded_at timestamptz,
    change_id uuid,
    superseded_by uuid,
    constraint contract_terms_pkey primary key (org_id, term_id),
    constraint contract_terms_id_check check (term_id >= 6755399441055744),
    constraint contract_terms_kind_check check (kind in ('allowance', 'graduated', 'volume')),
    constraint contract_terms_months_check check (
        first_month = date_trunc('month', first_month) and end_month = date_trunc('month', end_month) and first_month < end_month
    )
);

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
