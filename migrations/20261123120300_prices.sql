-- The price book: everybody's dated prices, the rules that lead a sent name to a model, and each organization's own.

create table price_providers (
    provider text not null constraint price_providers_pkey primary key,
    name text not null,
    url text,
    -- Providers whose models it also sells at their price, in order.
    fallbacks text[] not null default '{}'
);

create table price_models (
    provider text not null,
    model text not null,
    name text,
    constraint price_models_pkey primary key (provider, model)
);

-- The rule with the lowest position that matches a name wins.
create table price_aliases (
    provider text not null,
    position integer not null,
    -- `=gpt-4o`, `^claude-opus-4-5`, `$-instruct`, `~gemma`; `#` is a digit.
    pattern text not null,
    to_provider text not null,
    to_model text not null,
    valid_from timestamptz,
    valid_to timestamptz,
    constraint price_aliases_pkey primary key (provider, position),
    constraint price_aliases_span_check check (valid_from < valid_to)
);

-- A price is superseded, never edited: `valid_to` ends it when the provider changed it,
-- `superseded_at` marks what turned out to be wrong, which old receipts still point to.
create table prices (
    -- Follows from the facts of the row, so every database agrees on it. Below 2^52; own prices count up from there.
    price_id bigint not null constraint prices_pkey primary key,
    provider text not null,
    model text not null,
    meter text not null,
    variant text not null,
    -- Input tokens of the whole request from which this price holds for every token of it.
    tier_from bigint not null,
    tier_inclusive boolean not null,
    -- USD of `per` units.
    rate numeric not null,
    per bigint not null,
    -- Null: from the beginning of time, until further notice.
    valid_from timestamptz,
    valid_to timestamptz,
    -- Hours and weekdays in UTC at which it holds, such as `01:00-04:00 12345`.
    schedule text,
    source text not null,
    source_version text not null,
    source_url text,
    -- `seed` rows follow the seed file of the program; others are left alone by it.
    origin text not null,
    recorded_at timestamptz not null,
    superseded_at timestamptz,
    -- What two prices must share to contradict each other at the same time.
    price_key bigint not null generated always as (hashtextextended(
        provider || E'\t' || model || E'\t' || meter || E'\t' || variant || E'\t' || tier_from::text || E'\t' || coalesce(schedule, ''), 0
    )) stored,
    constraint prices_span_check check (valid_from < valid_to),
    constraint prices_rate_check check (rate >= 0),
    constraint prices_per_check check (per > 0),
    constraint prices_tier_check check (tier_from >= 0),
    constraint prices_origin_check check (origin in ('seed', 'import')),
    -- A range of one key needs no extension, unlike comparing the key itself.
    constraint prices_overlap_excl exclude using gist (
        int8range(price_key, price_key, '[]') with &&, tstzrange(valid_from, valid_to) with &&
    ) where (superseded_at is null)
);
create index prices_model_idx on prices (provider, model);

-- Which edition of the program's seed the rows above are.
create table price_seed (
    only_row boolean not null default true constraint price_seed_pkey primary key constraint price_seed_only_row_check check (only_row),
    fingerprint text not null,
    synced_at timestamptz not null
);
