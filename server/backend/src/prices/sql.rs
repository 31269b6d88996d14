//! Queries of `prices`, `price_providers`, `price_models`, `price_aliases`, `price_limits`, `price_modifiers` and `price_seed`: the common book.

use crate::Error;
use chrono::{DateTime, Utc};
use domain::meter::Meter;
use domain::price::import::NameRules;
use domain::price::page::ModelName;
use domain::price::{
    Attributes, BookModel, BookPrice, BookProvider, BookRows, Derivation, MeterSet, ModelAlias, ModelLimit,
    ModifierKind, Pattern, PriceModifier, Schedule, Variant,
};
use futures::{StreamExt, TryStreamExt};
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Postgres, QueryBuilder, Row};
use std::collections::BTreeSet;

/// PostgreSQL's channel that says that the common book has changed.
pub(super) const CHANNEL: &str = "tallystick_price_book";

pub(super) async fn seed_fingerprint(db: impl PgExecutor<'_>) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar("select fingerprint from price_seed").fetch_optional(db).await?)
}

pub(super) async fn remember_seed(tx: &mut PgConnection, fingerprint: &str, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query(
        "insert into price_seed (fingerprint, synced_at) values ($1, $2)
         on conflict (only_row) do update set fingerprint = excluded.fingerprint, synced_at = excluded.synced_at",
    )
    .bind(fingerprint)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Names are not money: an event remembers the model that priced it, so the seed's rules may be replaced whole. Imported ones stay.
pub(super) async fn replace_names(tx: &mut PgConnection, rows: &BookRows) -> Result<(), Error> {
    sqlx::query("delete from price_aliases where origin = 'seed'").execute(&mut *tx).await?;
    sqlx::query("delete from price_models where origin = 'seed'").execute(&mut *tx).await?;
    sqlx::query("delete from price_providers where origin = 'seed'").execute(&mut *tx).await?;
    for row in &rows.providers {
        sqlx::query(
            "insert into price_providers (provider, name, url, fallbacks) values ($1, $2, $3, $4)
             on conflict (provider) do update set name = excluded.name, url = excluded.url, fallbacks = excluded.fallbacks,
                origin = 'seed'",
        )
            .bind(&row.provider)
            .bind(&row.name)
            .bind(&row.url)
            .bind(&row.fallbacks)
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query(
        "insert into price_models (provider, model, name) select * from unnest($1::text[], $2::text[], $3::text[])
         on conflict (provider, model) do update set name = excluded.name, origin = 'seed'",
    )
    .bind(column(&rows.models, |row| row.provider.clone()))
    .bind(column(&rows.models, |row| row.model.clone()))
    .bind(column(&rows.models, |row| row.name.clone()))
    .execute(&mut *tx)
    .await?;
    let positions = rows.aliases.iter().map(|row| stored(row.position, "price_aliases", "position"));
    sqlx::query(
        "insert into price_aliases (provider, position, pattern, to_provider, to_model, valid_from, valid_to)
         select * from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])",
    )
    .bind(column(&rows.aliases, |row| row.provider.clone()))
    .bind(positions.collect::<Result<Vec<i32>, Error>>()?)
    .bind(column(&rows.aliases, |row| row.pattern.to_string()))
    .bind(column(&rows.aliases, |row| row.to_provider.clone()))
    .bind(column(&rows.aliases, |row| row.to_model.clone()))
    .bind(column(&rows.aliases, |row| row.valid_from))
    .bind(column(&rows.aliases, |row| row.valid_to))
    .execute(&mut *tx)
    .await?;
    replace_limits(tx, &rows.limits).await
}

async fn replace_limits(tx: &mut PgConnection, rows: &[ModelLimit]) -> Result<(), Error> {
    sqlx::query("delete from price_limits").execute(&mut *tx).await?;
    let number = |of: fn(&ModelLimit) -> Option<u64>, column: &'static str| {
        let one = |row: &ModelLimit| of(row).map(|number| stored(number, "price_limits", column)).transpose();
        rows.iter().map(one).collect::<Result<Vec<Option<i64>>, Error>>()
    };
    sqlx::query(
        "insert into price_limits (provider, model, position, requests_per_minute, tokens_per_minute, valid_from, valid_to,
             source, source_version)
         select provider, model, row_number() over (partition by provider, model order by valid_from nulls first),
             requests_per_minute, tokens_per_minute, valid_from, valid_to, source, source_version
         from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::text[],
             $8::text[]) as n (provider, model, requests_per_minute, tokens_per_minute, valid_from, valid_to, source,
             source_version)",
    )
    .bind(column(rows, |row| row.provider.clone()))
    .bind(column(rows, |row| row.model.clone()))
    .bind(number(|row| row.requests_per_minute, "requests_per_minute")?)
    .bind(number(|row| row.tokens_per_minute, "tokens_per_minute")?)
    .bind(column(rows, |row| row.valid_from))
    .bind(column(rows, |row| row.valid_to))
    .bind(column(rows, |row| row.source.clone()))
    .bind(column(rows, |row| row.source_version.clone()))
    .execute(tx)
    .await?;
    Ok(())
}

/// Marks the seed's rows that it no longer contains, and takes the mark from those it contains again, unless an imported price holds at their time.
pub(super) async fn supersede_missing(
    tx: &mut PgConnection,
    kept: &[BookPrice],
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    let ids = ids(kept)?;
    let gone = sqlx::query(
        "update prices set superseded_at = $2
         where origin = 'seed' and superseded_at is null and not (price_id = any($1))",
    )
    .bind(&ids)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "update prices set superseded_at = null
         where origin = 'seed' and superseded_at is not null and price_id = any($1)
           and not exists (
               select 1 from prices as other
               where other.superseded_at is null and other.origin = 'import' and other.price_key = prices.price_key
                 and tstzrange(other.valid_from, other.valid_to) && tstzrange(prices.valid_from, prices.valid_to))",
    )
    .bind(&ids)
    .execute(tx)
    .await?;
    Ok(gone.rows_affected())
}

/// Inserts price rows of an origin; `$conflict` says what becomes of those that are there.
macro_rules! insert_prices {
    ($origin:literal, $conflict:literal) => {
        concat!(
            "insert into prices (price_id, provider, model, meter, variant, tier_from, tier_inclusive, rate, per,
                 valid_from, valid_to, schedule, source, source_version, source_url, attributes, quantity_min, quantity_max,
                 derived, quantity_whole, origin, recorded_at)
             select n.*, '",
            $origin,
            "', $21 from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                 $7::boolean[], $8::numeric[], $9::bigint[], $10::timestamptz[], $11::timestamptz[], $12::text[],
                 $13::text[], $14::text[], $15::text[], $16::text[], $17::numeric[], $18::numeric[], $19::text[],
                 $20::boolean[]) as n
             on conflict ",
            $conflict,
            " returning 1"
        )
    };
}

/// Adds the seed's prices that are not there yet. Whatever an imported price says already for the same time is left out.
pub(super) async fn add_seed(tx: &mut PgConnection, rows: &[BookPrice], now: DateTime<Utc>) -> Result<u64, Error> {
    insert_prices(tx, insert_prices!("seed", "do nothing"), rows, now).await
}

/// Adds imported prices. A fact that was in the book before is the row it was, and no longer the seed's to take away.
pub(super) async fn add_imported(tx: &mut PgConnection, rows: &[BookPrice], now: DateTime<Utc>) -> Result<u64, Error> {
    let conflict = insert_prices!("import", "(price_id) do update set superseded_at = null, origin = 'import'");
    insert_prices(tx, conflict, rows, now).await
}

async fn insert_prices(
    tx: &mut PgConnection,
    sql: &'static str,
    rows: &[BookPrice],
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    let tiers = rows.iter().map(|row| stored(row.tier_from, "prices", "tier_from"));
    let pers = rows.iter().map(|row| stored(row.per, "prices", "per"));
    let added = sqlx::query(sql)
        .bind(ids(rows)?)
        .bind(column(rows, |row| row.provider.clone()))
        .bind(column(rows, |row| row.model.clone()))
        .bind(column(rows, |row| row.meter.as_str()))
        .bind(column(rows, |row| row.variant.as_str()))
        .bind(tiers.collect::<Result<Vec<i64>, Error>>()?)
        .bind(column(rows, |row| row.tier_inclusive))
        .bind(column(rows, |row| row.rate))
        .bind(pers.collect::<Result<Vec<i64>, Error>>()?)
        .bind(column(rows, |row| row.valid_from))
        .bind(column(rows, |row| row.valid_to))
        .bind(column(rows, |row| row.schedule.map(|schedule| schedule.to_string())))
        .bind(column(rows, |row| row.source.clone()))
        .bind(column(rows, |row| row.source_version.clone()))
        .bind(column(rows, |row| row.source_url.clone()))
        .bind(column(rows, |row| row.attributes.to_string()))
        .bind(column(rows, |row| row.quantity_min))
        .bind(column(rows, |row| row.quantity_max))
        .bind(column(rows, |row| row.derived.map(Derivation::as_str)))
        .bind(column(rows, |row| row.quantity_whole))
        .bind(now)
        .fetch_all(tx)
        .await?;
    // Counted as they come back: what a cluster says of such a statement counts those as well that were there.
    Ok(added.len() as u64)
}

/// Marks prices that give way to imported ones; old receipts keep them.
pub(super) async fn supersede(tx: &mut PgConnection, gone: &[u64], now: DateTime<Utc>) -> Result<(), Error> {
    let ids = gone.iter().map(|id| stored(*id, "prices", "price_id")).collect::<Result<Vec<i64>, Error>>()?;
    sqlx::query("update prices set superseded_at = $2 where superseded_at is null and price_id = any($1)")
        .bind(ids)
        .bind(now)
        .execute(tx)
        .await?;
    Ok(())
}

/// Adds the names of imported models: rules that go before all others below zero, rules that go behind them from a million on.
pub(super) async fn add_names(
    tx: &mut PgConnection,
    data: &BookRows,
    rules: &NameRules,
    models: &BTreeSet<ModelName>,
) -> Result<(), Error> {
    for row in data.providers.iter().filter(|row| models.iter().any(|name| name.provider == row.provider)) {
        sqlx::query(
            "insert into price_providers (provider, name, url, fallbacks, origin) values ($1, $2, $3, $4, 'import')
             on conflict (provider) do nothing",
        )
        .bind(&row.provider)
        .bind(&row.name)
        .bind(&row.url)
        .bind(&row.fallbacks)
        .execute(&mut *tx)
        .await?;
    }
    for row in data.models.iter().filter(|row| models.iter().any(|name| is_of(name, row))) {
        sqlx::query(
            "insert into price_models (provider, model, name, origin) values ($1, $2, $3, 'import')
             on conflict (provider, model) do nothing",
        )
        .bind(&row.provider)
        .bind(&row.model)
        .bind(&row.name)
        .execute(&mut *tx)
        .await?;
    }
    // In reverse, because each goes before those that are there.
    let first = rules.first.iter().rev().map(|rule| (rule, "least(min(position), 0) - 1"));
    let last = rules.last.iter().map(|rule| (rule, "greatest(max(position), 999999) + 1"));
    for (rule, place) in first.chain(last) {
        let mut sql = QueryBuilder::<Postgres>::new(
            "insert into price_aliases (provider, position, pattern, to_provider, to_model, valid_from, origin) select ",
        );
        sql.push_bind(&rule.model.provider).push(", coalesce(").push(place).push(", 0), ");
        sql.push_bind(rule.pattern.to_string()).push(", ").push_bind(&rule.model.provider).push(", ");
        sql.push_bind(&rule.model.model).push(", ").push_bind(rule.valid_from);
        sql.push(", 'import' from price_aliases where provider = ").push_bind(&rule.model.provider);
        sql.build().execute(&mut *tx).await?;
    }
    Ok(())
}

fn is_of(name: &ModelName, row: &BookModel) -> bool {
    name.provider == row.provider && name.model == row.model
}

/// Tells all servers that the common book has changed, once the transaction is committed.
pub(super) async fn notify(tx: &mut PgConnection) -> Result<(), Error> {
    sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(tx).await?;
    Ok(())
}

/// Rows that count, when the last one was recorded and superseded, when the seed came in.
pub(super) type Edition = (i64, Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// What tells one state of the common book from the next: nothing in it changes without moving one of these.
pub(super) async fn edition(pool: &PgPool) -> Result<Edition, Error> {
    let sql = "select count(*) filter (where superseded_at is null), max(recorded_at), max(superseded_at),
            (select max(synced_at) from price_seed)
         from prices";
    Ok(sqlx::query_as(sql).fetch_one(pool).await?)
}

/// The list prices of some models that hold, or held, or will.
pub(super) async fn prices_of(pool: &PgPool, models: &BTreeSet<ModelName>) -> Result<Vec<BookPrice>, Error> {
    let rows = sqlx::query(
        "select price_id, prices.provider, prices.model, meter, variant, tier_from, tier_inclusive, rate, per, valid_from,
             valid_to, schedule, source, source_version, source_url, attributes, quantity_min, quantity_max, derived, quantity_whole
         from unnest($1::text[], $2::text[]) as wanted (provider, model)
         join prices on prices.provider = wanted.provider and prices.model = wanted.model
         where superseded_at is null",
    )
    .bind(models.iter().map(|name| name.provider.as_str()).collect::<Vec<_>>())
    .bind(models.iter().map(|name| name.model.as_str()).collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    rows.iter().map(price).collect()
}

/// Brings the common modifiers to the seed's: adds what is new, marks what it no longer contains.
pub(super) async fn sync_modifiers(
    tx: &mut PgConnection,
    rows: &[PriceModifier],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let ids = rows.iter().map(|row| stored(row.modifier_id, "price_modifiers", "modifier_id"));
    let ids = ids.collect::<Result<Vec<i64>, Error>>()?;
    sqlx::query(
        "update price_modifiers set superseded_at = case when modifier_id = any($1) then null else $2 end
         where (superseded_at is null) <> (modifier_id = any($1))",
    )
    .bind(&ids)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "insert into price_modifiers (modifier_id, kind, provider, models, attributes, meters, factor, valid_from, valid_to,
             source, source_version, source_url, recorded_at)
         select n.*, $13 from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
             $7::numeric[], $8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[], $12::text[]) as n
         on conflict (modifier_id) do nothing",
    )
    .bind(&ids)
    .bind(column(rows, |row| row.kind.as_str()))
    .bind(column(rows, |row| row.provider.clone()))
    .bind(column(rows, |row| row.models.as_ref().map(ToString::to_string)))
    .bind(column(rows, |row| row.attributes.to_string()))
    .bind(column(rows, |row| row.meters.to_string()))
    .bind(column(rows, |row| row.factor))
    .bind(column(rows, |row| row.valid_from))
    .bind(column(rows, |row| row.valid_to))
    .bind(column(rows, |row| row.source.clone()))
    .bind(column(rows, |row| row.source_version.clone()))
    .bind(column(rows, |row| row.source_url.clone()))
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn providers(tx: &mut PgConnection) -> Result<Vec<BookProvider>, Error> {
    let rows = sqlx::query("select provider, name, url, fallbacks from price_providers").fetch_all(tx).await?;
    let read = |row: &PgRow| {
        Ok(BookProvider {
            provider: row.try_get("provider")?,
            name: row.try_get("name")?,
            url: row.try_get("url")?,
            fallbacks: row.try_get("fallbacks")?,
        })
    };
    rows.iter().map(read).collect()
}

pub(super) async fn models(tx: &mut PgConnection) -> Result<Vec<BookModel>, Error> {
    let rows = sqlx::query("select provider, model, name from price_models").fetch_all(tx).await?;
    let read = |row: &PgRow| {
        Ok(BookModel { provider: row.try_get("provider")?, model: row.try_get("model")?, name: row.try_get("name")? })
    };
    rows.iter().map(read).collect()
}

pub(super) async fn aliases(tx: &mut PgConnection) -> Result<Vec<ModelAlias>, Error> {
    let rows = sqlx::query(
        "select provider, (row_number() over (order by position))::int as position, pattern, to_provider, to_model, valid_from,
             valid_to
         from price_aliases",
    )
    .fetch_all(tx)
    .await?;
    rows.iter().map(alias).collect()
}

/// The prices that hold, or held, or will; not those that turned out to be wrong. With an instant, as they were known then.
pub(super) async fn prices(tx: &mut PgConnection, known_at: Option<DateTime<Utc>>) -> Result<Vec<BookPrice>, Error> {
    // Row by row: all of them in PostgreSQL's form beside ours would double the memory that a start takes.
    sqlx::query(
        "select price_id, provider, model, meter, variant, tier_from, tier_inclusive, rate, per, valid_from, valid_to,
             schedule, source, source_version, source_url, attributes, quantity_min, quantity_max, derived, quantity_whole
         from prices
         where ($1::timestamptz is null and superseded_at is null)
            or (recorded_at <= $1 and (superseded_at is null or superseded_at > $1))",
    )
    .bind(known_at)
    .fetch(tx)
    .map(|row| price(&row?))
    .try_collect()
    .await
}

/// What became of the common book after an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChangedSince {
    /// Prices or factors were added or superseded.
    pub(super) prices: bool,
    /// A new edition of the program's seed came in, and its rules for names with it.
    pub(super) edition: bool,
}

pub(super) async fn changed_since(db: impl PgExecutor<'_>, at: DateTime<Utc>) -> Result<ChangedSince, Error> {
    let row = sqlx::query(
        "select exists (select 1 from prices where recorded_at > $1 or superseded_at > $1)
                or exists (select 1 from price_modifiers where recorded_at > $1 or superseded_at > $1) as prices,
            exists (select 1 from price_seed where synced_at > $1) as edition",
    )
    .bind(at)
    .fetch_one(db)
    .await?;
    Ok(ChangedSince { prices: row.try_get("prices")?, edition: row.try_get("edition")? })
}

pub(super) async fn prices_by_ids(pool: &PgPool, ids: &[u64]) -> Result<Vec<BookPrice>, Error> {
    let rows = sqlx::query(
        "select price_id, provider, model, meter, variant, tier_from, tier_inclusive, rate, per, valid_from, valid_to,
             schedule, source, source_version, source_url, attributes, quantity_min, quantity_max, derived, quantity_whole
         from prices where price_id = any($1)",
    )
    .bind(ids.iter().map(|id| id.cast_signed()).collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    rows.iter().map(price).collect()
}

/// The modifiers that hold, or held, or will. With an instant, as they were known then.
pub(super) async fn modifiers(
    tx: &mut PgConnection,
    known_at: Option<DateTime<Utc>>,
) -> Result<Vec<PriceModifier>, Error> {
    let rows = sqlx::query(
        "select modifier_id, kind, provider, models, attributes, meters, factor, valid_from, valid_to, source,
             source_version, source_url
         from price_modifiers
         where ($1::timestamptz is null and superseded_at is null)
            or (recorded_at <= $1 and (superseded_at is null or superseded_at > $1))
         order by modifier_id",
    )
    .bind(known_at)
    .fetch_all(tx)
    .await?;
    rows.iter().map(modifier).collect()
}

/// Common modifiers by id, superseded ones too.
pub(super) async fn modifiers_by_ids(pool: &PgPool, ids: &[u64]) -> Result<Vec<PriceModifier>, Error> {
    let rows = sqlx::query("select * from price_modifiers where modifier_id = any($1)")
        .bind(ids.iter().map(|id| id.cast_signed()).collect::<Vec<_>>())
        .fetch_all(pool)
        .await?;
    rows.iter().map(modifier).collect()
}

pub(super) async fn limits(tx: &mut PgConnection) -> Result<Vec<ModelLimit>, Error> {
    let rows = sqlx::query(
        "select provider, model, requests_per_minute, tokens_per_minute, valid_from, valid_to, source, source_version
         from price_limits order by provider, model, position",
    )
    .fetch_all(tx)
    .await?;
    rows.iter().map(limit).collect()
}

/// Reads a row of `price_limits`.
pub(super) fn limit(row: &PgRow) -> Result<ModelLimit, Error> {
    let number = |column: &'static str| {
        let number: Option<i64> = row.try_get(column)?;
        number
            .map(|number| u64::try_from(number).map_err(|_| Error::inconsistent("price_limits", column, number)))
            .transpose()
    };
    Ok(ModelLimit {
        provider: row.try_get("provider")?,
        model: row.try_get("model")?,
        requests_per_minute: number("requests_per_minute")?,
        tokens_per_minute: number("tokens_per_minute")?,
        valid_from: row.try_get("valid_from")?,
        valid_to: row.try_get("valid_to")?,
        source: row.try_get("source")?,
        source_version: row.try_get("source_version")?,
    })
}

/// Reads a row of `price_modifiers`.
pub(super) fn modifier(row: &PgRow) -> Result<PriceModifier, Error> {
    let (kind, models): (String, Option<String>) = (row.try_get("kind")?, row.try_get("models")?);
    let (attributes, meters): (String, String) = (row.try_get("attributes")?, row.try_get("meters")?);
    Ok(PriceModifier {
        modifier_id: whole(row, "price_modifiers", "modifier_id")?,
        kind: ModifierKind::parse(&kind).ok_or_else(|| Error::inconsistent("price_modifiers", "kind", &kind))?,
        provider: row.try_get("provider")?,
        models: models
            .map(|text| text.parse::<Pattern>().map_err(|_| Error::inconsistent("price_modifiers", "models", &text)))
            .transpose()?,
        attributes: attributes
            .parse::<Attributes>()
            .map_err(|_| Error::inconsistent("price_modifiers", "attributes", &attributes))?,
        meters: meters.parse::<MeterSet>().map_err(|_| Error::inconsistent("price_modifiers", "meters", &meters))?,
        factor: row.try_get("factor")?,
        valid_from: row.try_get("valid_from")?,
        valid_to: row.try_get("valid_to")?,
        source: row.try_get("source")?,
        source_version: row.try_get("source_version")?,
        source_url: row.try_get("source_url")?,
    })
}

/// Reads a row of `prices`.
pub(super) fn price(row: &PgRow) -> Result<BookPrice, Error> {
    let meter: String = row.try_get("meter")?;
    let variant: String = row.try_get("variant")?;
    let schedule: Option<String> = row.try_get("schedule")?;
    let attributes: String = row.try_get("attributes")?;
    let derived: Option<String> = row.try_get("derived")?;
    Ok(BookPrice {
        price_id: whole(row, "prices", "price_id")?,
        provider: row.try_get("provider")?,
        model: row.try_get("model")?,
        meter: Meter::parse(&meter).ok_or_else(|| Error::inconsistent("prices", "meter", &meter))?,
        variant: Variant::parse(&variant).ok_or_else(|| Error::inconsistent("prices", "variant", &variant))?,
        attributes: attributes
            .parse::<Attributes>()
            .map_err(|_| Error::inconsistent("prices", "attributes", &attributes))?,
        quantity_min: row.try_get("quantity_min")?,
        quantity_max: row.try_get("quantity_max")?,
        quantity_whole: row.try_get("quantity_whole")?,
        tier_from: whole(row, "prices", "tier_from")?,
        tier_inclusive: row.try_get("tier_inclusive")?,
        rate: row.try_get::<Decimal, _>("rate")?,
        per: whole(row, "prices", "per")?,
        valid_from: row.try_get("valid_from")?,
        valid_to: row.try_get("valid_to")?,
        schedule: schedule
            .map(|text| text.parse::<Schedule>().map_err(|_| Error::inconsistent("prices", "schedule", &text)))
            .transpose()?,
        source: row.try_get("source")?,
        source_version: row.try_get("source_version")?,
        source_url: row.try_get("source_url")?,
        derived: derived
            .map(|word| Derivation::parse(&word).ok_or_else(|| Error::inconsistent("prices", "derived", &word)))
            .transpose()?,
    })
}

/// Reads a row of `price_aliases`.
pub(super) fn alias(row: &PgRow) -> Result<ModelAlias, Error> {
    let pattern: String = row.try_get("pattern")?;
    let position: i32 = row.try_get("position")?;
    Ok(ModelAlias {
        provider: row.try_get("provider")?,
        position: u32::try_from(position).map_err(|_| Error::inconsistent("price_aliases", "position", position))?,
        pattern: pattern.parse::<Pattern>().map_err(|_| Error::inconsistent("price_aliases", "pattern", &pattern))?,
        to_provider: row.try_get("to_provider")?,
        to_model: row.try_get("to_model")?,
        valid_from: row.try_get("valid_from")?,
        valid_to: row.try_get("valid_to")?,
    })
}

fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

fn ids(rows: &[BookPrice]) -> Result<Vec<i64>, Error> {
    rows.iter().map(|row| stored(row.price_id, "prices", "price_id")).collect()
}

/// A number as PostgreSQL keeps it.
pub(super) fn stored<N: TryInto<S> + Copy + ToString, S>(
    number: N,
    table: &'static str,
    column: &'static str,
) -> Result<S, Error> {
    number.try_into().map_err(|_| Error::inconsistent(table, column, number))
}

fn whole(row: &PgRow, table: &'static str, column: &'static str) -> Result<u64, Error> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| Error::inconsistent(table, column, number))
}
