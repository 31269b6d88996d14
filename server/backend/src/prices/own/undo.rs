//! Taking a change of the own book back.

use super::{Change, changed, sql};
use crate::prices::{contract, runs};
use crate::{Backend, Error, OrgScope};
use domain::identity::Permission;
use domain::ids::PriceChangeId;
use domain::problem::Problem;

/// Takes a change back: what it entered no longer counts, and what it superseded counts again.
///
/// Only while nothing was booked with it and no later change builds on it: otherwise enter another price or end this one, which leaves the receipts as they are.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Conflict`] where it is too late; [`Error::Database`].
pub async fn undo(backend: &Backend, scope: &OrgScope, change_id: PriceChangeId) -> Result<PriceChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let change = Change::new(backend, scope);
    let mut transaction = backend.pool.begin().await?;
    sql::lock(&mut transaction, scope).await?;
    let found = sql::change(&mut transaction, scope, change_id).await?.ok_or(Problem::NotFound)?;
    if found.undone {
        return Err(Problem::conflict("This change was undone already.").into());
    }
    let entered = sql::entered_by(&mut transaction, scope, change_id).await?;
    let (terms, terms_superseded) = contract::entered_by(&mut transaction, scope, change_id).await?;
    if entered.superseded || terms_superseded {
        return Err(Problem::conflict("A later change builds on this one. Undo that first.").into());
    }
    if runs::may_use(&mut transaction, scope, found.recorded_at).await? {
        let detail = "A run that knows this change is not done. Confirm or discard it first.";
        return Err(Problem::conflict(detail).into());
    }
    if sql::is_booked(&mut transaction, scope, &entered, found.recorded_at).await? {
        let detail = "Events were booked with this price or name. End it, or enter what holds instead, and reprice.";
        return Err(Problem::conflict(detail).into());
    }
    let term_ids: Vec<u64> = terms.iter().map(|row| row.term_id).collect();
    if contract::is_applied(&mut transaction, scope, &term_ids).await? {
        let detail = "Months were settled with this term. Reverse those runs first, or end the term.";
        return Err(Problem::conflict(detail).into());
    }
    contract::supersede(&mut transaction, scope, &term_ids, change.change_id, change.now).await?;
    let ids: Vec<u64> = entered.prices.iter().map(|row| row.price_id).collect();
    sql::supersede_prices(&mut transaction, scope, &ids, change.change_id, change.now).await?;
    let ids: Vec<u64> = entered.modifiers.iter().map(|row| row.modifier_id).collect();
    sql::supersede_modifiers(&mut transaction, scope, &ids, change.change_id, change.now).await?;
    for row in &entered.mappings {
        sql::supersede_mapping(&mut transaction, scope, row, change.change_id, change.now).await?;
    }
    let before = sql::superseded_by(&mut transaction, scope, change_id).await?;
    for row in &before.prices {
        sql::insert_price(&mut transaction, scope, row, change.change_id, change.now).await?;
    }
    for row in &before.modifiers {
        sql::insert_modifier(&mut transaction, scope, row, change.change_id, change.now).await?;
    }
    for row in &before.mappings {
        sql::insert_mapping(&mut transaction, scope, row, change.change_id, change.now).await?;
    }
    for row in contract::superseded_by(&mut transaction, scope, change_id).await? {
        contract::insert(&mut transaction, scope, &row, change.change_id, change.now).await?;
    }
    let detail = format!("Undid: {}", found.detail);
    change.record(&mut transaction, "price.undone", &detail, Some(change_id)).await?;
    transaction.commit().await?;
    changed(backend);
    Ok(change.change_id)
}
