-- Newer price data: names that came in beside the program's seed, and the files that organizations compared with their prices.

-- As in `prices`: `seed` rows follow the seed file of the program, imported ones are left alone by it.
alter table price_providers
    add column origin text not null default 'seed',
    add constraint price_providers_origin_check check (origin in ('seed', 'import'));
alter table price_models
    add column origin text not null default 'seed',
    add constraint price_models_origin_check check (origin in ('seed', 'import'));
-- Imported rules have positions below zero (before all others) or from a million on (behind them).
alter table price_aliases
    add column origin text not null default 'seed',
    add constraint price_aliases_origin_check check (origin in ('seed', 'import'));

-- A file of prices that an organization sent. It does nothing by itself: what is taken from it is a change of the own book.
create table price_imports (
    org_id uuid not null constraint price_imports_org_id_fkey references organizations on delete cascade,
    import_id uuid not null,
    created_at timestamptz not null,
    -- Who: a person or a key.
    user_id uuid,
    key_id uuid,
    file_name text not null,
    -- The data set with its version.
    source text not null,
    -- Since when changes without a date hold.
    valid_from timestamptz not null,
    -- Price rows of the models that differed, rules for the names of new models.
    data jsonb not null,
    name_rules jsonb not null,
    -- How it stood when the file was sent: counts, what was left out, the effect on the 30 days before.
    counts jsonb not null,
    unchanged bigint not null,
    unlisted_models bigint not null,
    left_out jsonb not null,
    effect jsonb not null,
    -- Prices that were entered from it so far.
    applied bigint not null default 0,
    constraint price_imports_pkey primary key (org_id, import_id)
);
