-- What the price book could not say before: prices that ask for more than a model (size, quality, region …), bounds of what one event is charged for, factors on prices, and providers' limits.

alter table prices
    -- Such as `size=1024x1536;quality=high`; empty asks for nothing.
    add column attributes text not null default '',
    -- Least and greatest quantity that one event is charged for.
    add column quantity_min numeric,
    add column quantity_max numeric,
    drop constraint prices_overlap_excl,
    drop column price_key,
    add constraint prices_quantity_check check (quantity_min >= 0 and quantity_max >= 0);
alter table prices
    add column price_key bigint not null generated always as (hashtextextended(
        provider || E'\t' || model || E'\t' || meter || E'\t' || variant || E'\t' || tier_from::text || E'\t' || coalesce(schedule, '') || E'\t' || attributes, 0
    )) stored,
    add constraint prices_overlap_excl exclude using gist (
        int8range(price_key, price_key, '[]') with &&, tstzrange(valid_from, valid_to) with &&
    ) where (superseded_at is null);

-- Dated factors on prices.
create table price_modifiers (
    modifier_id bigint not null constraint price_modifiers_pkey primary key,
    kind text not null,
    -- Null: every provider.
    provider text,
    -- A pattern of names in the book; null: every model.
    models text,
    attributes text not null default '',
    -- Empty: all; `tokens`; or words of meters between commas.
    meters text not null default '',
    factor numeric not null,
    valid_from timestamptz,
    valid_to timestamptz,
    source text not null,
    source_version text not null,
    source_url text,
    recorded_at timestamptz not null,
    superseded_at timestamptz,
    constraint price_modifiers_kind_check check (kind in ('region', 'discount', 'markup')),
    constraint price_modifiers_span_check check (valid_from < valid_to),
    constraint price_modifiers_factor_check check (factor >= 0)
);

-- What a provider lets one account use of a model each minute, as far as the data names it.
create table price_limits (
    provider text not null,
    model text not null,
    position integer not null,
    requests_per_minute bigint,
    tokens_per_minute bigint,
    valid_from timestamptz,
    valid_to timestamptz,
    source text not null,
    source_version text not null,
    constraint price_limits_pkey primary key (provider, model, position),
    constraint price_limits_span_check check (valid_from < valid_to)
);
