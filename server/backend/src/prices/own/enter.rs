//! Entering and ending own prices and names.

use super::check::look;
use super::{Change, changed, instant, sql};
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::event::Edge;
use domain::format;
use domain::identity::Permission;
use domain::ids::PriceChangeId;
use domain::price::{AliasRow, Doubt, MappingInput, ModifierInput, ModifierRow, PriceInput, PriceRow};
use domain::problem::Problem;
use sqlx::PgConnection;

/// A span of instants; none is open.
pub(super) type Span = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// What looks unusual about a price before it is entered.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] for a span that ends before it begins; [`Error::Database`].
pub async fn doubts(backend: &Backend, scope: &OrgScope, input: &PriceInput) -> Result<Vec<Doubt>, Error> {
    scope.require(Permission::ManagePrices)?;
    let row = row_of(scope, input)?;
    look(backend, scope, &[row], backend.clock.now()).await
}

/// Enters a price: from its begin on it goes before the common price of the model, and before own prices of the same time.
///
/// Events that were recorded already keep their cost until somebody reprices them.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming the fields, also `confirmed` for an unusual price that was not confirmed; [`Error::Database`].
pub async fn add_price(backend: &Backend, scope: &OrgScope, input: PriceInput) -> Result<PriceChangeId, Error> {
    add_prices(backend, scope, &[input]).await
}

/// Enters several prices as one change, as [`add_price`] enters one.
///
/// # Errors
/// As [`add_price`].
pub async fn add_prices(backend: &Backend, scope: &OrgScope, inputs: &[PriceInput]) -> Result<PriceChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let rows = inputs.iter().map(|input| row_of(scope, input)).collect::<Result<Vec<_>, _>>()?;
    let change = Change::new(backend, scope);
    if inputs.iter().any(|input| !input.confirmed) {
        let doubts = look(backend, scope, &rows, change.now).await?;
        if !doubts.is_empty() {
            return Err(Problem::invalid(doubts.iter().map(Doubt::problem).collect()).into());
        }
    }
    let mut transaction = backend.pool.begin().await?;
    sql::lock(&mut transaction, scope).await?;
    for row in &rows {
        enter(&mut transaction, &change, row).await?;
    }
    let detail = rows.iter().map(|row| format!("Entered the price {}{}.", said(row), since(scope, row.valid_from)));
    let detail = detail.collect::<Vec<_>>().join(" ");
    change.record(&mut transaction, "price.entered", &detail, None).await?;
    transaction.commit().await?;
    changed(backend);
    Ok(change.change_id)
}

/// Writes a price in place of those that stand in its time.
async fn enter(connection: &mut PgConnection, change: &Change<'_>, row: &PriceRow) -> Result<(), Error> {
    let in_the_way = sql::overlapping_prices(connection, change.scope, row).await?;
    let ids: Vec<u64> = in_the_way.iter().map(|row| row.price_id).collect();
    sql::supersede_prices(connection, change.scope, &ids, change.change_id, change.now).await?;
    for old in &in_the_way {
        for (valid_from, valid_to) in rest((old.valid_from, old.valid_to), (row.valid_from, row.valid_to)) {
            let rest = PriceRow { valid_from, valid_to, ..old.clone() };
            sql::insert_price(connection, change.scope, &rest, change.change_id, change.now).await?;
        }
    }
    sql::insert_price(connection, change.scope, row, change.change_id, change.now).await
}

/// Ends a price at an instant; at or before its begin it is withdrawn altogether.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Invalid`] for an end after the price's own; [`Error::Database`].
pub async fn end_price(backend: &Backend, scope: &OrgScope, price_id: u64, end: Edge) -> Result<PriceChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let change = Change::new(backend, scope);
    let end = instant(scope, end);
    let mut transaction = backend.pool.begin().await?;
    sql::lock(&mut transaction, scope).await?;
    let row = sql::live_price(&mut transaction, scope, price_id).await?.ok_or(Problem::NotFound)?;
    let kept = kept((row.valid_from, row.valid_to), end)?;
    sql::supersede_prices(&mut transaction, scope, &[price_id], change.change_id, change.now).await?;
    if let Some((valid_from, valid_to)) = kept {
        let rest = PriceRow { valid_from, valid_to, ..row.clone() };
        sql::insert_price(&mut transaction, scope, &rest, change.change_id, change.now).await?;
    }
    let detail = format!("Ended the price {} on {}.", said(&row), scope.zone().day_of(end));
    change.record(&mut transaction, "price.ended", &detail, None).await?;
    transaction.commit().await?;
    changed(backend);
    Ok(change.change_id)
}

/// Maps a name to a model. The newest mapping of a name goes first.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming the fields, also where no book knows the model; [`Error::Database`].
pub async fn add_mapping(backend: &Backend, scope: &OrgScope, input: MappingInput) -> Result<PriceChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let row = alias_of(backend, scope, input).await?;
    let change = Change::new(backend, scope);
    let mut transaction = backend.pool.begin().await?;
    sql::lock(&mut transaction, scope).await?;
    let in_the_way = sql::overlapping_mappings(&mut transaction, scope, &row).await?;
    for old in &in_the_way {
        sql::supersede_mapping(&mut transaction, scope, old, change.change_id, change.now).await?;
        for (valid_from, valid_to) in rest((old.valid_from, old.valid_to), (row.valid_from, row.valid_to)) {
            let rest = AliasRow { valid_from, valid_to, ..old.clone() };
            sql::insert_mapping(&mut transaction, scope, &rest, change.change_id, change.now).await?;
        }
    }
    sql::insert_mapping(&mut transaction, scope, &row, change.change_id, change.now).await?;
    let detail = format!("Mapped {}{}.", said_of(&row), since(scope, row.valid_from));
    change.record(&mut transaction, "price.mapped", &detail, None).await?;
    transaction.commit().await?;
    changed(backend);
    Ok(change.change_id)
}

/// Ends a mapping at an instant; at or before its begin it is withdrawn altogether.
///
/// # Errors
/// As [`end_price`].
pub async fn end_mapping(
    backend: &Backend,
    scope: &OrgScope,
    provider: &str,
    position: u32,
    end: Edge,
) -> Result<PriceChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let change = Change::new(backend, scope);
    let end = instant(scope, end);
    let mut transaction = backend.pool.begin().await?;
    sql::lock(&mut transaction, scope).await?;
    let row = sql::live_mapping(&mut transaction, scope, provider, position).await?.ok_or(Problem::NotFound)?;
    let kept = kept((row.valid_from, row.valid_to), end)?;
    sql::supersede_mapping(&mut transaction, scope, &row, change.change_id, change.now).await?;
    if let Some((valid_from, valid_to)) = kept {
        let rest = AliasRow { valid_from, valid_to, ..row.clone() };
        sql::insert_mapping(&mut transaction, scope, &rest, change.change_id, change.now).await?;
    }
    let detail = format!("Ended the mapping of {} on {}.", said_of(&row), scope.zone().day_of(end));
    change.record(&mut transaction, "price.mapping_ended", &detail, None).await?;
    transaction.commit().await?;
    changed(backend);
    Ok(change.change_id)
}

/// Enters a discount or markup. It stacks on the price in a fixed order: the provider's uplift, discounts, markups, and of one kind the older first.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] for a span that ends before it begins; [`Error::Database`].
pub async fn add_modifier(backend: &Backend, scope: &OrgScope, input: ModifierInput) -> Result<PriceChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let row = modifier_row(scope, input)?;
    let change = Change::new(backend, scope);
    let mut transaction = backend.pool.begin().await?;
    sql::lock(&mut transaction, scope).await?;
    sql::insert_modifier(&mut transaction, scope, &row, change.change_id, change.now).await?;
    let detail = format!("Entered the {}{}.", said_modifier(&row), since(scope, row.valid_from));
    change.record(&mut transaction, "price.modifier_entered", &detail, None).await?;
    transaction.commit().await?;
    changed(backend);
    Ok(change.change_id)
}

/// Ends a discount or markup at an instant; at or before its begin it is withdrawn altogether.
///
/// # Errors
/// As [`end_price`].
pub async fn end_modifier(
    backend: &Backend,
    scope: &OrgScope,
    modifier_id: u64,
    end: Edge,
) -> Result<PriceChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let change = Change::new(backend, scope);
    let end = instant(scope, end);
    let mut transaction = backend.pool.begin().await?;
    sql::lock(&mut transaction, scope).await?;
    let row = sql::live_modifier(&mut transaction, scope, modifier_id).await?.ok_or(Problem::NotFound)?;
    let kept = kept((row.valid_from, row.valid_to), end)?;
    sql::supersede_modifiers(&mut transaction, scope, &[modifier_id], change.change_id, change.now).await?;
    if let Some((valid_from, valid_to)) = kept {
        let rest = ModifierRow { valid_from, valid_to, ..row.clone() };
        sql::insert_modifier(&mut transaction, scope, &rest, change.change_id, change.now).await?;
    }
    let detail = format!("Ended the {} on {}.", said_modifier(&row), scope.zone().day_of(end));
    change.record(&mut transaction, "price.modifier_ended", &detail, None).await?;
    transaction.commit().await?;
    changed(backend);
    Ok(change.change_id)
}

/// The row of a discount or markup that is to be entered.
pub(super) fn modifier_row(scope: &OrgScope, input: ModifierInput) -> Result<ModifierRow, Problem> {
    let (valid_from, valid_to) = span_of(scope, input.from, input.to)?;
    Ok(ModifierRow {
        // The database numbers it.
        modifier_id: 0,
        kind: input.kind,
        provider: input.provider,
        models: input.models,
        attributes: input.attributes,
        meters: input.meters,
        factor: input.factor,
        valid_from,
        valid_to,
        source: input.source,
        source_version: String::new(),
        source_url: input.source_url,
    })
}

fn said_modifier(row: &ModifierRow) -> String {
    let provider = row.provider.as_deref().unwrap_or("every provider");
    let models = row.models.as_ref().map_or_else(String::new, |models| format!(", models {models}"));
    format!("{} of factor {} for {provider}{models}", row.kind.label(), row.factor)
}

pub(super) fn row_of(scope: &OrgScope, input: &PriceInput) -> Result<PriceRow, Problem> {
    let (valid_from, valid_to) = span_of(scope, input.from, input.to)?;
    Ok(PriceRow {
        // The database numbers it.
        price_id: 0,
        provider: input.provider.clone(),
        model: input.model.clone(),
        meter: input.meter,
        variant: input.variant,
        attributes: input.attributes.clone(),
        tier_from: input.tier_from,
        tier_inclusive: input.tier_inclusive,
        quantity_min: None,
        quantity_max: None,
        rate: input.rate,
        per: input.per,
        valid_from,
        valid_to,
        schedule: input.schedule,
        source: input.source.clone(),
        source_version: String::new(),
        source_url: input.source_url.clone(),
    })
}

/// The row of a mapping, to the model that the target means when the mapping begins.
pub(super) async fn alias_of(backend: &Backend, scope: &OrgScope, input: MappingInput) -> Result<AliasRow, Error> {
    let (valid_from, valid_to) = span_of(scope, input.from, input.to)?;
    let held = super::books(backend, scope).await?;
    // A model that is priced at any time at all can be meant; its events say when.
    let at = valid_from.unwrap_or_else(|| backend.clock.now());
    let target = held.books().resolve(&input.to_provider, &input.to_model, at).map_err(|unpriced| {
        Problem::field("to_model", "unknown", format!("{unpriced} Choose a model of the book or enter a price for it."))
    })?;
    let (to_provider, to_model) = target.label().split_once('/').unwrap_or((&input.to_provider, &input.to_model));
    Ok(AliasRow {
        position: 0,
        to_provider: to_provider.to_owned(),
        to_model: to_model.to_owned(),
        provider: input.provider,
        pattern: input.pattern,
        valid_from,
        valid_to,
    })
}

fn span_of(scope: &OrgScope, from: Option<Edge>, to: Option<Edge>) -> Result<Span, Problem> {
    let (from, to) = (from.map(|edge| instant(scope, edge)), to.map(|edge| instant(scope, edge)));
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(Problem::field("valid_to", "before_begin", "The end lies before the begin."));
    }
    Ok((from, to))
}

/// What is left of an old span beside a new one.
pub(super) fn rest(old: Span, new: Span) -> impl Iterator<Item = Span> {
    let begins_before = |from: DateTime<Utc>| old.0.is_none_or(|old| old < from);
    let ends_after = |to: DateTime<Utc>| old.1.is_none_or(|old| old > to);
    let before = new.0.filter(|from| begins_before(*from)).map(|from| (old.0, Some(from)));
    let after = new.1.filter(|to| ends_after(*to)).map(|to| (Some(to), old.1));
    before.into_iter().chain(after)
}

/// What is left of a span that ends now earlier; none if nothing.
fn kept(span: Span, end: DateTime<Utc>) -> Result<Option<Span>, Problem> {
    if span.1.is_some_and(|to| to <= end) {
        return Err(Problem::field("valid_to", "after_end", "It ends before that already."));
    }
    Ok(span.0.is_none_or(|from| from < end).then_some((span.0, Some(end))))
}

fn said(row: &PriceRow) -> String {
    let per = format::count(row.per);
    let tier =
        if row.tier_from > 0 { format!(" from {} input tokens", format::count(row.tier_from)) } else { String::new() };
    format!(
        "{} per {per} of {} ({}{tier}) for {}/{}",
        format::money_full(row.rate),
        row.meter.as_str(),
        row.variant.as_str(),
        row.provider,
        row.model
    )
}

fn said_of(row: &AliasRow) -> String {
    let name = row.pattern.exact().map_or_else(|| row.pattern.to_string(), str::to_owned);
    format!("{}/{name} to {}/{}", row.provider, row.to_provider, row.to_model)
}

fn since(scope: &OrgScope, from: Option<DateTime<Utc>>) -> String {
    from.map_or_else(String::new, |from| format!(", from {} on", scope.zone().day_of(from)))
}
