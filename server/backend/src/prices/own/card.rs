//! Whole cards of prices, as imports enter them: steps of a change that the caller records.

use super::{Change, sql};
use crate::Error;
use chrono::{DateTime, Utc};
use domain::price::page::ModelName;
use domain::price::{AliasRow, PriceRow};
use sqlx::PgConnection;

/// Ends all prices of a model at an instant, none means that they are withdrawn altogether. What was before stays.
pub(in crate::prices) async fn end_model(
    connection: &mut PgConnection,
    change: &Change<'_>,
    model: &ModelName,
    end: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let touching = sql::prices_of_model(connection, change.scope, model, end).await?;
    let ids: Vec<u64> = touching.iter().map(|row| row.price_id).collect();
    sql::supersede_prices(connection, change.scope, &ids, change.change_id, change.now).await?;
    for row in touching.iter().filter(|row| end.is_some_and(|end| row.valid_from.is_none_or(|from| from < end))) {
        let rest = PriceRow { valid_to: end, ..row.clone() };
        sql::insert_price(connection, change.scope, &rest, change.change_id, change.now).await?;
    }
    Ok(())
}

/// Enters a price where nothing else of its kind holds at its time.
pub(in crate::prices) async fn insert_row(
    connection: &mut PgConnection,
    change: &Change<'_>,
    row: &PriceRow,
) -> Result<(), Error> {
    sql::insert_price(connection, change.scope, row, change.change_id, change.now).await
}

/// Enters a rule for names before the others.
pub(in crate::prices) async fn insert_rule(
    connection: &mut PgConnection,
    change: &Change<'_>,
    rule: &AliasRow,
) -> Result<(), Error> {
    sql::insert_mapping(connection, change.scope, rule, change.change_id, change.now).await
}
