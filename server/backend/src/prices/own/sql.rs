//! Queries of `price_overrides`, `price_override_modifiers`, `price_mappings` and `price_changes`: the organization's own book.

use super::book_sql::{alias, modifier, price, stored};
use crate::ledger::{event_of, is_last};
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::ids::PriceChangeId;
use domain::model::{canonical_provider, lower};
use domain::price::page::ModelName;
use domain::price::{AliasRow, Entry, ModifierRow, OwnMapping, OwnModifier, OwnPrice, PriceChange, PriceRow};
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

/// PostgreSQL's channel that says that somebody changed an own book.
pub(super) const CHANNEL: &str = "tallystick_prices";

/// The columns of a price row; own rows have no version of a data set.
macro_rules! price_columns {
    () => {
        "r.price_id, r.provider, r.model, r.meter, r.variant, r.tier_from, r.tier_inclusive, r.rate, r.per, r.valid_from,
         r.valid_to, r.schedule, r.source, '' as source_version, r.source_url, r.attributes, r.quantity_min, r.quantity_max"
    };
}

/// The columns of a modifier.
macro_rules! modifier_columns {
    () => {
        "r.modifier_id, r.kind, r.provider, r.models, r.attributes, r.meters, r.factor, r.valid_from, r.valid_to, r.source,
         '' as source_version, r.source_url"
    };
}

/// Of the newest mappings first, because the rule with the lowest position wins.
macro_rules! mapping_columns {
    () => {
        "r.provider, r.pattern, r.to_provider, r.to_model, r.valid_from, r.valid_to, r.position"
    };
}

/// Who entered a row or made a change `c`.
macro_rules! who {
    () => {
        "coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as recorded_by"
    };
}

macro_rules! join_who {
    () => {
        " left join users on users.user_id = c.user_id
          left join api_keys on api_keys.org_id = c.org_id and api_keys.key_id = c.key_id"
    };
}

/// The three queries of the rows that name change `$2` in a column.
macro_rules! rows_where {
    ($column:literal) => {
        [
            concat!(
                "select ",
                price_columns!(),
                ", r.superseded_at from price_overrides as r where r.org_id = $1 and r.",
                $column,
                " = $2 order by r.price_id"
            ),
            concat!(
                "select ",
                modifier_columns!(),
                ", r.superseded_at from price_override_modifiers as r where r.org_id = $1 and r.",
                $column,
                " = $2 order by r.modifier_id"
            ),
            concat!(
                "select ",
                mapping_columns!(),
                ", r.superseded_at from price_mappings as r where r.org_id = $1 and r.",
                $column,
                " = $2 order by r.position"
            ),
        ]
    };
}

/// What counted at `$2`, or counts now where that is null.
macro_rules! known {
    () => {
        "(($2::timestamptz is null and r.superseded_at is null)
          or (r.recorded_at <= $2 and (r.superseded_at is null or r.superseded_at > $2)))"
    };
}

pub(in crate::prices) async fn notify(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(connection).await?;
    Ok(())
}

/// Changes of one book come one after the other.
pub(in crate::prices) async fn lock(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    sqlx::query("select 1 from organizations where org_id = $1 for no key update")
        .bind(scope.org_id().0)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn prices(
    pool: &PgPool,
    scope: &OrgScope,
    known_at: Option<DateTime<Utc>>,
) -> Result<Vec<PriceRow>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        price_columns!(),
        " from price_overrides as r where r.org_id = $1 and ",
        known!()
    ))
    .bind(scope.org_id().0)
    .bind(known_at)
    .fetch_all(pool)
    .await?;
    rows.iter().map(own_price).collect()
}

pub(super) async fn prices_by_ids(pool: &PgPool, scope: &OrgScope, ids: &[i64]) -> Result<Vec<PriceRow>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        price_columns!(),
        " from price_overrides as r where r.org_id = $1 and r.price_id = any($2)"
    ))
    .bind(scope.org_id().0)
    .bind(ids)
    .fetch_all(pool)
    .await?;
    rows.iter().map(own_price).collect()
}

fn own_price(row: &PgRow) -> Result<PriceRow, Error> {
    price(row, "price_overrides")
}

fn own_modifier(row: &PgRow) -> Result<ModifierRow, Error> {
    modifier(row, "price_override_modifiers")
}

/// Discounts and markups.
pub(super) async fn modifiers(
    pool: &PgPool,
    scope: &OrgScope,
    known_at: Option<DateTime<Utc>>,
) -> Result<Vec<ModifierRow>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        modifier_columns!(),
        " from price_override_modifiers as r where r.org_id = $1 and ",
        known!()
    ))
    .bind(scope.org_id().0)
    .bind(known_at)
    .fetch_all(pool)
    .await?;
    rows.iter().map(own_modifier).collect()
}

/// A discount or markup that counts.
pub(super) async fn live_modifier(
    connection: &mut PgConnection,
    scope: &OrgScope,
    modifier_id: u64,
) -> Result<Option<ModifierRow>, Error> {
    let Ok(modifier_id) = i64::try_from(modifier_id) else { return Ok(None) };
    let row = sqlx::query(concat!(
        "select ",
        modifier_columns!(),
        " from price_override_modifiers as r where r.org_id = $1 and r.modifier_id = $2 and r.superseded_at is null"
    ))
    .bind(scope.org_id().0)
    .bind(modifier_id)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(own_modifier).transpose()
}

pub(super) async fn supersede_modifiers(
    connection: &mut PgConnection,
    scope: &OrgScope,
    ids: &[u64],
    change: PriceChangeId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let ids: Vec<i64> = ids.iter().filter_map(|id| i64::try_from(*id).ok()).collect();
    sqlx::query(
        "update price_override_modifiers set superseded_at = $3, superseded_by = $4
         where org_id = $1 and modifier_id = any($2)",
    )
    .bind(scope.org_id().0)
    .bind(ids)
    .bind(now)
    .bind(change.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// Enters a discount or markup under the next id.
pub(super) async fn insert_modifier(
    connection: &mut PgConnection,
    scope: &OrgScope,
    row: &ModifierRow,
    change: PriceChangeId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into price_override_modifiers (org_id, kind, provider, models, attributes, meters, factor, valid_from,
            valid_to, source, source_url, recorded_at, change_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(scope.org_id().0)
    .bind(row.kind.as_str())
    .bind(&row.provider)
    .bind(row.models.as_ref().map(ToString::to_string))
    .bind(row.attributes.to_string())
    .bind(row.meters.to_string())
    .bind(row.factor)
    .bind(row.valid_from)
    .bind(row.valid_to)
    .bind(&row.source)
    .bind(&row.source_url)
    .bind(now)
    .bind(change.0)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn listed_modifiers(pool: &PgPool, scope: &OrgScope, limit: i64) -> Result<Vec<OwnModifier>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        modifier_columns!(),
        ", r.recorded_at, r.superseded_at, r.change_id, ",
        who!(),
        " from price_override_modifiers as r
          left join price_changes as c on c.org_id = r.org_id and c.change_id = r.change_id",
        join_who!(),
        " where r.org_id = $1
         order by r.superseded_at is not null, array_position(array['region', 'discount', 'markup'], r.kind), r.modifier_id
         limit $2"
    ))
    .bind(scope.org_id().0)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok(OwnModifier { row: own_modifier(row)?, entry: entry(scope, row)? })).collect()
}

fn own_alias(row: &PgRow) -> Result<AliasRow, Error> {
    alias(row, "price_mappings")
}

/// Mappings as rules: the newest has the lowest position.
pub(super) async fn mappings(
    pool: &PgPool,
    scope: &OrgScope,
    known_at: Option<DateTime<Utc>>,
) -> Result<Vec<AliasRow>, Error> {
    let rows = sqlx::query(concat!(
        "select r.provider, r.pattern, r.to_provider, r.to_model, r.valid_from, r.valid_to,
            (row_number() over (partition by r.provider order by r.position desc))::int as position
         from price_mappings as r where r.org_id = $1 and ",
        known!()
    ))
    .bind(scope.org_id().0)
    .bind(known_at)
    .fetch_all(pool)
    .await?;
    rows.iter().map(own_alias).collect()
}

/// Own prices of the same kind whose time touches that of `row`.
pub(super) async fn overlapping_prices(
    connection: &mut PgConnection,
    scope: &OrgScope,
    row: &PriceRow,
) -> Result<Vec<PriceRow>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        price_columns!(),
        " from price_overrides as r
         where r.org_id = $1 and r.superseded_at is null and r.provider = $2 and r.model = $3 and r.meter = $4
           and r.variant = $5 and r.tier_from = $6 and r.schedule is not distinct from $7
           and r.attributes = $10 and tstzrange(r.valid_from, r.valid_to) && tstzrange($8, $9)"
    ))
    .bind(scope.org_id().0)
    .bind(&row.provider)
    .bind(&row.model)
    .bind(row.meter.as_str())
    .bind(row.variant.as_str())
    .bind(stored::<_, i64>(row.tier_from, "price_overrides", "tier_from")?)
    .bind(row.schedule.map(|schedule| schedule.to_string()))
    .bind(row.valid_from)
    .bind(row.valid_to)
    .bind(row.attributes.to_string())
    .fetch_all(connection)
    .await?;
    rows.iter().map(own_price).collect()
}

/// Own prices of a model that hold at any time from an instant on.
pub(super) async fn prices_of_model(
    connection: &mut PgConnection,
    scope: &OrgScope,
    model: &ModelName,
    from: Option<DateTime<Utc>>,
) -> Result<Vec<PriceRow>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        price_columns!(),
        " from price_overrides as r
         where r.org_id = $1 and r.superseded_at is null and r.provider = $2 and r.model = $3
           and tstzrange(r.valid_from, r.valid_to) && tstzrange($4, null)
         order by r.price_id"
    ))
    .bind(scope.org_id().0)
    .bind(&model.provider)
    .bind(&model.model)
    .bind(from)
    .fetch_all(connection)
    .await?;
    rows.iter().map(own_price).collect()
}

/// An own price that counts.
pub(super) async fn live_price(
    connection: &mut PgConnection,
    scope: &OrgScope,
    price_id: u64,
) -> Result<Option<PriceRow>, Error> {
    let Ok(price_id) = i64::try_from(price_id) else { return Ok(None) };
    let row = sqlx::query(concat!(
        "select ",
        price_columns!(),
        " from price_overrides as r where r.org_id = $1 and r.price_id = $2 and r.superseded_at is null"
    ))
    .bind(scope.org_id().0)
    .bind(price_id)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(own_price).transpose()
}

pub(super) async fn supersede_prices(
    connection: &mut PgConnection,
    scope: &OrgScope,
    ids: &[u64],
    change: PriceChangeId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let ids: Vec<i64> = ids.iter().filter_map(|id| i64::try_from(*id).ok()).collect();
    sqlx::query(
        "update price_overrides set superseded_at = $3, superseded_by = $4 where org_id = $1 and price_id = any($2)",
    )
    .bind(scope.org_id().0)
    .bind(ids)
    .bind(now)
    .bind(change.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// Enters a price under the next id.
pub(super) async fn insert_price(
    connection: &mut PgConnection,
    scope: &OrgScope,
    row: &PriceRow,
    change: PriceChangeId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into price_overrides (org_id, provider, model, meter, variant, tier_from, tier_inclusive, rate, per,
            valid_from, valid_to, schedule, source, source_url, recorded_at, change_id, attributes, quantity_min, quantity_max)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
    )
    .bind(scope.org_id().0)
    .bind(&row.provider)
    .bind(&row.model)
    .bind(row.meter.as_str())
    .bind(row.variant.as_str())
    .bind(stored::<_, i64>(row.tier_from, "price_overrides", "tier_from")?)
    .bind(row.tier_inclusive)
    .bind(row.rate)
    .bind(stored::<_, i64>(row.per, "price_overrides", "per")?)
    .bind(row.valid_from)
    .bind(row.valid_to)
    .bind(row.schedule.map(|schedule| schedule.to_string()))
    .bind(&row.source)
    .bind(&row.source_url)
    .bind(now)
    .bind(change.0)
    .bind(row.attributes.to_string())
    .bind(row.quantity_min)
    .bind(row.quantity_max)
    .execute(connection)
    .await?;
    Ok(())
}

/// Mappings of the same names whose time touches that of `row`.
pub(super) async fn overlapping_mappings(
    connection: &mut PgConnection,
    scope: &OrgScope,
    row: &AliasRow,
) -> Result<Vec<AliasRow>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        mapping_columns!(),
        " from price_mappings as r
         where r.org_id = $1 and r.superseded_at is null and r.provider = $2 and r.pattern = $3
           and tstzrange(r.valid_from, r.valid_to) && tstzrange($4, $5)"
    ))
    .bind(scope.org_id().0)
    .bind(&row.provider)
    .bind(row.pattern.to_string())
    .bind(row.valid_from)
    .bind(row.valid_to)
    .fetch_all(connection)
    .await?;
    rows.iter().map(own_alias).collect()
}

/// A mapping that counts, by its stored position.
pub(super) async fn live_mapping(
    connection: &mut PgConnection,
    scope: &OrgScope,
    provider: &str,
    position: u32,
) -> Result<Option<AliasRow>, Error> {
    let Ok(position) = i32::try_from(position) else { return Ok(None) };
    let row = sqlx::query(concat!(
        "select ",
        mapping_columns!(),
        " from price_mappings as r where r.org_id = $1 and r.provider = $2 and r.position = $3 and r.superseded_at is null"
    ))
    .bind(scope.org_id().0)
    .bind(provider)
    .bind(position)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(own_alias).transpose()
}

pub(super) async fn supersede_mapping(
    connection: &mut PgConnection,
    scope: &OrgScope,
    row: &AliasRow,
    change: PriceChangeId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update price_mappings set superseded_at = $4, superseded_by = $5
         where org_id = $1 and provider = $2 and position = $3",
    )
    .bind(scope.org_id().0)
    .bind(&row.provider)
    .bind(stored::<_, i32>(row.position, "price_mappings", "position")?)
    .bind(now)
    .bind(change.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// Enters a mapping at the next position of its provider.
pub(super) async fn insert_mapping(
    connection: &mut PgConnection,
    scope: &OrgScope,
    row: &AliasRow,
    change: PriceChangeId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into price_mappings (org_id, provider, position, pattern, to_provider, to_model, valid_from, valid_to,
            recorded_at, change_id)
         select $1, $2, coalesce(max(position) + 1, 0), $3, $4, $5, $6, $7, $8, $9
         from price_mappings where org_id = $1 and provider = $2",
    )
    .bind(scope.org_id().0)
    .bind(&row.provider)
    .bind(row.pattern.to_string())
    .bind(&row.to_provider)
    .bind(&row.to_model)
    .bind(row.valid_from)
    .bind(row.valid_to)
    .bind(now)
    .bind(change.0)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn insert_change(
    connection: &mut PgConnection,
    scope: &OrgScope,
    change: PriceChangeId,
    now: DateTime<Utc>,
    detail: &str,
    undoes: Option<PriceChangeId>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into price_changes (org_id, change_id, recorded_at, user_id, key_id, detail, undoes)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(scope.org_id().0)
    .bind(change.0)
    .bind(now)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .bind(detail)
    .bind(undoes.map(|id| id.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// Prices of one unit of a meter that other models of the provider have at a time.
pub(super) async fn peers(pool: &PgPool, row: &PriceRow, at: DateTime<Utc>) -> Result<Vec<Decimal>, Error> {
    Ok(sqlx::query_scalar(
        "select rate / per from prices
         where provider = $1 and model <> $2 and meter = $3 and variant = $4 and tier_from = 0 and superseded_at is null
           and (valid_from is null or valid_from <= $5) and (valid_to is null or valid_to > $5)",
    )
    .bind(&row.provider)
    .bind(&row.model)
    .bind(row.meter.as_str())
    .bind(row.variant.as_str())
    .bind(at)
    .fetch_all(pool)
    .await?)
}

pub(in crate::prices) fn entry(scope: &OrgScope, row: &PgRow) -> Result<Entry, sqlx::Error> {
    let superseded_at: Option<DateTime<Utc>> = row.try_get("superseded_at")?;
    Ok(Entry {
        recorded_at: scope.zone().local(row.try_get("recorded_at")?),
        recorded_by: row.try_get("recorded_by")?,
        change_id: row.try_get::<Option<Uuid>, _>("change_id")?.map(PriceChangeId),
        superseded_at: superseded_at.map(|at| scope.zone().local(at)),
    })
}

pub(super) async fn listed_prices(pool: &PgPool, scope: &OrgScope, limit: i64) -> Result<Vec<OwnPrice>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        price_columns!(),
        ", r.recorded_at, r.superseded_at, r.change_id, ",
        who!(),
        " from price_overrides as r left join price_changes as c on c.org_id = r.org_id and c.change_id = r.change_id",
        join_who!(),
        " where r.org_id = $1
         order by r.superseded_at is not null, r.provider, r.model, r.meter, r.variant, r.tier_from, r.valid_from nulls first,
            r.superseded_at desc
         limit $2"
    ))
    .bind(scope.org_id().0)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok(OwnPrice { row: own_price(row)?, entry: entry(scope, row)? })).collect()
}

/// Models whose own price began in a span, with the instant, in that order; what was superseded began nothing.
pub(super) async fn began(
    pool: &PgPool,
    scope: &OrgScope,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<(DateTime<Utc>, String)>, Error> {
    let rows = sqlx::query_as(
        "select distinct valid_from, model from price_overrides
         where org_id = $1 and superseded_at is null and valid_from >= $2 and valid_from < $3
         order by valid_from, model",
    );
    Ok(rows.bind(scope.org_id().0).bind(from).bind(to).fetch_all(pool).await?)
}

pub(super) async fn listed_mappings(pool: &PgPool, scope: &OrgScope, limit: i64) -> Result<Vec<OwnMapping>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        mapping_columns!(),
        ", r.recorded_at, r.superseded_at, r.change_id, ",
        who!(),
        " from price_mappings as r left join price_changes as c on c.org_id = r.org_id and c.change_id = r.change_id",
        join_who!(),
        " where r.org_id = $1
         order by r.superseded_at is not null, r.provider, r.position desc
         limit $2"
    ))
    .bind(scope.org_id().0)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let found = own_alias(row)?;
            let local = |at: Option<DateTime<Utc>>| at.map(|at| scope.zone().local(at));
            Ok(OwnMapping {
                provider: found.provider,
                position: found.position,
                pattern: found.pattern.to_string(),
                to_provider: found.to_provider,
                to_model: found.to_model,
                valid_from: local(found.valid_from),
                valid_to: local(found.valid_to),
                entry: entry(scope, row)?,
            })
        })
        .collect()
}

pub(super) async fn changes(pool: &PgPool, scope: &OrgScope, limit: i64) -> Result<Vec<PriceChange>, Error> {
    let rows = sqlx::query(concat!(
        "select c.change_id, c.recorded_at, c.detail, c.undoes, ",
        who!(),
        ", exists (select 1 from price_changes as later where later.org_id = c.org_id and later.undoes = c.change_id) as undone
         from price_changes as c",
        join_who!(),
        " where c.org_id = $1 order by c.change_id desc limit $2"
    ))
    .bind(scope.org_id().0)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(PriceChange {
                change_id: PriceChangeId(row.try_get("change_id")?),
                recorded_at: scope.zone().local(row.try_get("recorded_at")?),
                recorded_by: row.try_get("recorded_by")?,
                detail: row.try_get("detail")?,
                undone: row.try_get("undone")?,
                undoes: row.try_get::<Option<Uuid>, _>("undoes")?.map(PriceChangeId),
            })
        })
        .collect()
}

/// A change that is to be undone.
pub(super) struct Found {
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) detail: String,
    pub(super) undone: bool,
}

pub(super) async fn change(
    connection: &mut PgConnection,
    scope: &OrgScope,
    change: PriceChangeId,
) -> Result<Option<Found>, Error> {
    let row = sqlx::query(
        "select recorded_at, detail,
            exists (select 1 from price_changes as later where later.org_id = c.org_id and later.undoes = c.change_id) as undone
         from price_changes as c where org_id = $1 and change_id = $2",
    )
    .bind(scope.org_id().0)
    .bind(change.0)
    .fetch_optional(connection)
    .await?;
    let read = |row: PgRow| {
        Ok(Found {
            recorded_at: row.try_get("recorded_at")?,
            detail: row.try_get("detail")?,
            undone: row.try_get("undone")?,
        })
    };
    row.map(read).transpose()
}

/// Rows of one change.
pub(super) struct Rows {
    pub(super) prices: Vec<PriceRow>,
    pub(super) modifiers: Vec<ModifierRow>,
    pub(super) mappings: Vec<AliasRow>,
    /// Whether any of them no longer counts.
    pub(super) superseded: bool,
}

/// What a change entered.
pub(super) async fn entered_by(
    connection: &mut PgConnection,
    scope: &OrgScope,
    change: PriceChangeId,
) -> Result<Rows, Error> {
    rows_of(connection, scope, change, rows_where!("change_id")).await
}

/// What a change superseded.
pub(super) async fn superseded_by(
    connection: &mut PgConnection,
    scope: &OrgScope,
    change: PriceChangeId,
) -> Result<Rows, Error> {
    rows_of(connection, scope, change, rows_where!("superseded_by")).await
}

async fn rows_of(
    connection: &mut PgConnection,
    scope: &OrgScope,
    change: PriceChangeId,
    [prices, modifiers, mappings]: [&'static str; 3],
) -> Result<Rows, Error> {
    let prices = sqlx::query(prices).bind(scope.org_id().0).bind(change.0).fetch_all(&mut *connection).await?;
    let modifiers = sqlx::query(modifiers).bind(scope.org_id().0).bind(change.0).fetch_all(&mut *connection).await?;
    let mappings = sqlx::query(mappings).bind(scope.org_id().0).bind(change.0).fetch_all(connection).await?;
    let gone = |row: &PgRow| row.try_get::<Option<DateTime<Utc>>, _>("superseded_at").map(|at| at.is_some());
    let mut superseded = false;
    for row in prices.iter().chain(&modifiers).chain(&mappings) {
        superseded |= gone(row)?;
    }
    Ok(Rows {
        prices: prices.iter().map(own_price).collect::<Result<_, _>>()?,
        modifiers: modifiers.iter().map(own_modifier).collect::<Result<_, _>>()?,
        mappings: mappings.iter().map(own_alias).collect::<Result<_, _>>()?,
        superseded,
    })
}

/// Whether an adjustment `a` counts, or counts again once later runs are reversed.
macro_rules! may_count {
    () => {
        concat!(
            "(not exists (
                select 1 from repricing_runs as r where r.org_id = a.org_id and r.run_id = a.run_id and r.state = 'reversed')
              or ",
            is_last!("a"),
            ")"
        )
    };
}

/// Whether an event has its price from one of these rows: one that came since and was booked with it, or one that a run gave it and that was not reversed.
pub(super) async fn is_booked(
    connection: &mut PgConnection,
    scope: &OrgScope,
    rows: &Rows,
    since: DateTime<Utc>,
) -> Result<bool, Error> {
    let number = |id: u64| i64::try_from(id).unwrap_or(i64::MAX);
    let by_price = sqlx::query_scalar::<_, bool>(concat!(
        "with used as (
            select plan_id from plans cross join lateral jsonb_array_elements(plan -> 'lines') as line
            where org_id = $1 and ((line #>> '{source,price,price_id}')::bigint = any($3)
                or (line #>> '{source,modifier,modifier_id}')::bigint = any($4))
         )
         select exists (select 1 from events where org_id = $1 and received_at >= $2 and plan_id in (select plan_id from used))
             or exists (
                select 1 from adjustments as a
                where a.org_id = $1 and a.adjusted_at >= $2 and a.plan_id in (select plan_id from used) and ",
        may_count!(),
        ")"
    ))
    .bind(scope.org_id().0)
    .bind(since)
    .bind(rows.prices.iter().map(|row| number(row.price_id)).collect::<Vec<_>>())
    .bind(rows.modifiers.iter().map(|row| number(row.modifier_id)).collect::<Vec<_>>())
    .fetch_one(&mut *connection)
    .await?;
    if by_price || rows.mappings.is_empty() {
        return Ok(by_price);
    }
    let labels: Vec<String> = rows.mappings.iter().map(|row| format!("{}/{}", row.to_provider, row.to_model)).collect();
    let named = sqlx::query(concat!(
        "with used as (select plan_id from plans where org_id = $1 and plan ->> 'priced_as' = any($3)), named as (
            select e.series_id, e.words from events as e
            where e.org_id = $1 and e.received_at >= $2 and e.plan_id in (select plan_id from used)
            union
            select e.series_id, e.words from adjustments as a",
        event_of!("a"),
        " where a.org_id = $1 and a.adjusted_at >= $2 and a.plan_id in (select plan_id from used) and ",
        may_count!(),
        ")
         select distinct coalesce(words ->> 'provider', s.provider) as provider, coalesce(words ->> 'model', s.model) as model
         from named join series as s on s.org_id = $1 and s.series_id = named.series_id"
    ))
    .bind(scope.org_id().0)
    .bind(since)
    .bind(labels)
    .fetch_all(connection)
    .await?;
    for row in &named {
        let (provider, model): (&str, &str) = (row.try_get("provider")?, row.try_get("model")?);
        let hit = |rule: &AliasRow| {
            rule.provider == canonical_provider(provider) && rule.pattern.matches(&lower(model.trim()))
        };
        if rows.mappings.iter().any(hit) {
            return Ok(true);
        }
    }
    Ok(false)
}
