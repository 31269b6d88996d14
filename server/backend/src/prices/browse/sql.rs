//! Queries that search the book and read one model of it, the organization's own prices and names included.

use super::SearchCursor;
use crate::prices::sql::{alias, limit, modifier, price};
use crate::{Error, OrgScope, rules};
use chrono::{DateTime, Utc};
use domain::price::page::{AliasEntry, DatedModifier, DatedPrice, ModelName, PriceSearch, ProviderEntry, SourceEntry};
use domain::price::{BookPrice, ModelAlias, ModelLimit, PriceModifier};
use domain::rule::{Dated, Rule, RuleKind};
use domain::suggestion::folded;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

/// Most prices of one model that are read: the dearest of all has some hundred.
const MAX_PRICES: i64 = 5_000;
/// Most names that lead to one model.
const MAX_ALIASES: i64 = 500;
/// Most data sets that are named.
const MAX_SOURCES: i64 = 10;

/// What a search found.
pub(super) struct Found {
    pub(super) rows: Vec<FoundModel>,
    /// All that match, on this page and others.
    pub(super) matching: u64,
}

/// A model that matches.
pub(super) struct FoundModel {
    pub(super) place: SearchCursor,
    pub(super) title: Option<String>,
}

/// Models whose names hold every word of the search, without case and punctuation (`domain::suggestion::folded`).
pub(super) async fn models(
    pool: &PgPool,
    scope: &OrgScope,
    search: &PriceSearch,
    after: Option<&SearchCursor>,
    limit: usize,
) -> Result<Found, Error> {
    let words = search.words();
    let rows = sqlx::query(
        "with models as (
             select provider, model, name from price_models
             union all
             select own.provider, own.model, null from own_models as own
             where own.org_id = $1 and not exists (
                 select 1 from price_models as known where known.provider = own.provider and known.model = own.model
             )
         ), matching as (
             select provider, model, name,
                 case when translate(lower(model), ' -_./:@+,()', '') = $2 then 0
                     when starts_with(translate(lower(model), ' -_./:@+,()', ''), $2) then 1 else 2 end as rank
             from models
             where ($3::text is null or provider = $3) and not exists (
                 select 1 from unnest($4::text[]) as word
                 where strpos(translate(lower(provider || model || coalesce(name, '')), ' -_./:@+,()', ''), word) = 0
             )
         )
         select provider, model, name, rank, (select count(*) from matching) as matching from matching
         where $5::int is null or (rank, provider, model) > ($5, $6, $7)
         order by rank, provider, model limit $8",
    )
    .bind(scope.org_id().0)
    .bind(words.concat())
    .bind(&search.provider)
    .bind(&words)
    .bind(after.map(|place| place.rank))
    .bind(after.map(|place| &place.name.provider))
    .bind(after.map(|place| &place.name.model))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    let matching = rows.first().map_or(Ok(0), |row| count(row, "matching"))?;
    let read = |row: &PgRow| {
        let name = ModelName { provider: row.try_get("provider")?, model: row.try_get("model")? };
        Ok(FoundModel { place: SearchCursor { rank: row.try_get("rank")?, name }, title: row.try_get("name")? })
    };
    Ok(Found { rows: rows.iter().map(read).collect::<Result<_, Error>>()?, matching })
}

/// All models that are known.
pub(super) async fn names(pool: &PgPool, scope: &OrgScope) -> Result<Vec<ModelName>, Error> {
    let rows = sqlx::query(
        "select provider, model from price_models
         union
         select provider, model from own_models where org_id = $1",
    )
    .bind(scope.org_id().0)
    .fetch_all(pool)
    .await?;
    let read = |row: &PgRow| Ok(ModelName { provider: row.try_get("provider")?, model: row.try_get("model")? });
    rows.iter().map(read).collect()
}

/// The title of a model of the common book; nothing at all where the book has no such model.
pub(super) async fn title(pool: &PgPool, name: &ModelName) -> Result<Option<Option<String>>, Error> {
    let title = sqlx::query_scalar("select name from price_models where provider = $1 and model = $2")
        .bind(&name.provider)
        .bind(&name.model)
        .fetch_optional(pool)
        .await?;
    Ok(title)
}

/// All providers with how many models of theirs are known, those that only the organization knows too.
pub(super) async fn providers(pool: &PgPool, scope: &OrgScope) -> Result<Vec<ProviderEntry>, Error> {
    let rows = sqlx::query(
        "select known.provider, known.name, known.url,
             (select count(*) from price_models as model where model.provider = known.provider) as models
         from price_providers as known
         union all
         select own.provider, own.provider, null, count(*) from own_models as own
         where own.org_id = $1
             and not exists (select 1 from price_providers as known where known.provider = own.provider)
         group by own.provider
         order by 2, 1",
    )
    .bind(scope.org_id().0)
    .fetch_all(pool)
    .await?;
    let read = |row: &PgRow| {
        Ok(ProviderEntry {
            provider: row.try_get("provider")?,
            name: row.try_get("name")?,
            url: row.try_get("url")?,
            models: count(row, "models")?,
        })
    };
    rows.iter().map(read).collect()
}

/// The data sets that the list prices in force come from.
pub(super) async fn sources(pool: &PgPool, now: DateTime<Utc>) -> Result<Vec<SourceEntry>, Error> {
    let rows = sqlx::query(
        "select source, source_version, count(*) as prices, max(recorded_at) as recorded_at from prices
         where superseded_at is null and (valid_from is null or valid_from <= $1) and (valid_to is null or valid_to > $1)
         group by source, source_version order by prices desc, source, source_version limit $2",
    )
    .bind(now)
    .bind(MAX_SOURCES)
    .fetch_all(pool)
    .await?;
    let read = |row: &PgRow| {
        Ok(SourceEntry {
            source: row.try_get("source")?,
            version: row.try_get("source_version")?,
            prices: count(row, "prices")?,
            recorded_at: row.try_get("recorded_at")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Current prices of these models: the organization's own first.
pub(super) async fn prices_in_force(
    pool: &PgPool,
    scope: &OrgScope,
    names: &[ModelName],
    now: DateTime<Utc>,
) -> Result<Vec<DatedPrice>, Error> {
    let mut own = own_prices(pool, scope, names).await?;
    own.retain(|price| price.holds(now));
    let common = sqlx::query(
        "select price.* from prices as price
         where superseded_at is null
             and (valid_from is null or valid_from <= $3) and (valid_to is null or valid_to > $3)
             and (provider, model) in (select * from unnest($1::text[], $2::text[]))",
    )
    .bind(names.iter().map(|name| name.provider.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.model.as_str()).collect::<Vec<_>>())
    .bind(now)
    .fetch_all(pool)
    .await?;
    with_common(own, &common)
}

/// The organization's own prices of these models, superseded ones too.
async fn own_prices(pool: &PgPool, scope: &OrgScope, names: &[ModelName]) -> Result<Vec<DatedPrice>, Error> {
    let subjects: Vec<String> = names.iter().map(|name| format!("{}/{}", name.provider, name.model)).collect();
    Ok(rules::about(pool, scope, &subjects, MAX_PRICES).await?.into_iter().map(DatedPrice::from).collect())
}

/// All prices of a model by meter, terms and date, superseded ones too; the organization's own first.
pub(super) async fn prices_of(pool: &PgPool, scope: &OrgScope, name: &ModelName) -> Result<Vec<DatedPrice>, Error> {
    let mut own = own_prices(pool, scope, std::slice::from_ref(name)).await?;
    own.sort_by_key(|price| (price.row.valid_from, price.row.price_id));
    let common = sqlx::query(
        "select price.* from prices as price where provider = $1 and model = $2
         order by valid_from nulls first, price_id limit $3",
    )
    .bind(&name.provider)
    .bind(&name.model)
    .bind(MAX_PRICES)
    .fetch_all(pool)
    .await?;
    let mut prices = with_common(own, &common)?;
    // Stable: by date within.
    prices.sort_by_cached_key(|price| {
        let row = &price.row;
        (!price.own, row.variant, row.attributes.clone(), row.tier_from, row.schedule, row.meter)
    });
    Ok(prices)
}

/// Prices of the models that a search finds, at most `limit`; superseded ones are left out.
pub(super) async fn matching_prices(
    pool: &PgPool,
    scope: &OrgScope,
    search: &PriceSearch,
    limit: i64,
) -> Result<Vec<DatedPrice>, Error> {
    let words = search.words();
    let own: Vec<Dated<BookPrice>> = rules::live_ones(pool, scope).await?;
    let matches = |price: &Dated<BookPrice>| {
        let name = folded(&price.row.subject());
        search.provider.as_ref().is_none_or(|provider| *provider == price.row.provider)
            && words.iter().all(|word| name.contains(word))
    };
    let mut own: Vec<DatedPrice> = own.into_iter().filter(&matches).map(DatedPrice::from).collect();
    own.sort_by_cached_key(|price| {
        let row = &price.row;
        let of = (row.meter.as_str(), row.variant.as_str(), row.tier_from);
        (row.provider.clone(), row.model.clone(), of, row.valid_from, row.price_id)
    });
    let common = sqlx::query(
        "select price.* from prices as price
         left join price_models as known on known.provider = price.provider and known.model = price.model
         where price.superseded_at is null and ($1::text is null or price.provider = $1) and not exists (
             select 1 from unnest($2::text[]) as word
             where strpos(translate(lower(price.provider || price.model || coalesce(known.name, '')), ' -_./:@+,()', ''), word) = 0
         )
         order by price.provider, price.model, meter, variant, tier_from, valid_from nulls first, price_id limit $3",
    )
    .bind(&search.provider)
    .bind(&words)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    with_common(own, &common)
}

/// Names that lead to a model: the organization's own first, then in the order in which they are tried.
pub(super) async fn aliases_of(pool: &PgPool, scope: &OrgScope, name: &ModelName) -> Result<Vec<AliasEntry>, Error> {
    let subject = [format!("{}/{}", name.provider, name.model)];
    let own: Vec<Dated<ModelAlias>> = rules::about(pool, scope, &subject, MAX_ALIASES).await?;
    let common = sqlx::query(
        "select provider, position, pattern, to_provider, to_model, valid_from, valid_to from price_aliases
         where to_provider = $1 and to_model = $2 order by provider, position limit $3",
    )
    .bind(&name.provider)
    .bind(&name.model)
    .bind(MAX_ALIASES)
    .fetch_all(pool)
    .await?;
    let entry = |row: ModelAlias, own| AliasEntry {
        words: row.pattern.words(),
        pattern: row.pattern.to_string(),
        provider: row.provider,
        own,
        valid_from: row.valid_from,
        valid_to: row.valid_to,
    };
    let own = own.into_iter().filter(Dated::is_live).map(|alias| Ok(entry(alias.row, true)));
    own.chain(common.iter().map(|row| Ok(entry(alias(row)?, false)))).collect()
}

/// All modifiers that hold or will, the organization's own and the common ones: few, so that whom they concern is told by their patterns.
pub(super) async fn modifiers(
    pool: &PgPool,
    scope: &OrgScope,
    now: DateTime<Utc>,
) -> Result<Vec<DatedModifier>, Error> {
    let own = rules::known(pool, scope, &[RuleKind::PriceModifier], None).await?;
    let mut own: Vec<PriceModifier> = rules::of_kind(&own)?;
    own.retain(|row| row.valid_to.is_none_or(|to| to > now));
    let common = sqlx::query(
        "select * from price_modifiers where superseded_at is null and (valid_to is null or valid_to > $1)",
    )
    .bind(now)
    .fetch_all(pool)
    .await?;
    let own = own.into_iter().map(|row| Ok(DatedModifier { row, own: true }));
    own.chain(common.iter().map(|row| Ok(DatedModifier { row: modifier(row)?, own: false }))).collect()
}

/// What the provider lets one account use of a model.
pub(super) async fn limits_of(pool: &PgPool, name: &ModelName) -> Result<Vec<ModelLimit>, Error> {
    let rows = sqlx::query("select * from price_limits where provider = $1 and model = $2 order by position")
        .bind(&name.provider)
        .bind(&name.model)
        .fetch_all(pool)
        .await?;
    rows.iter().map(limit).collect()
}

fn with_common(own: Vec<DatedPrice>, common: &[PgRow]) -> Result<Vec<DatedPrice>, Error> {
    let read = |row: &PgRow| {
        let (recorded_at, superseded_at) = (row.try_get("recorded_at")?, row.try_get("superseded_at")?);
        Ok(DatedPrice { row: price(row)?, own: false, recorded_at, superseded_at })
    };
    own.into_iter().map(Ok).chain(common.iter().map(read)).collect()
}

fn count(row: &PgRow, column: &'static str) -> Result<u64, Error> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|error| Error::inconsistent("price_models", column, error))
}
