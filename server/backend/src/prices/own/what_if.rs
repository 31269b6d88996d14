//! The organization's books as they would be after a price or a name is entered.

use super::dated::{alias_of, dated};
use super::{HeldBooks, books, rows};
use crate::{Backend, Error, OrgScope};
use domain::price::{BookPrice, BookRows, ModelAlias, PriceBook};
use domain::rule::{FIRST_RULE_ID, NewRule, entered};

/// Stands for the first price that is about to be entered, those below it for the next ones; no stored row has come so far.
const ENTERED: u64 = 2 * FIRST_RULE_ID - 1;

/// The id that the price at this place of the entered ones has in the books of [`with_rows`].
pub(super) const fn entered_id(place: usize) -> u64 {
    ENTERED - place as u64
}

/// The books with prices entered.
///
/// # Errors
/// [`domain::problem::Problem::Invalid`] for a span that ends before it begins; [`Error::Database`].
pub(in crate::prices) async fn with_prices(
    backend: &Backend,
    scope: &OrgScope,
    new: &[NewRule<BookPrice>],
) -> Result<HeldBooks, Error> {
    let entered = new.iter().map(|new| dated(scope, new)).collect::<Result<Vec<_>, _>>()?;
    with_rows(backend, scope, &entered).await
}

/// The books with rows of prices entered, each in place of what it supersedes.
pub(super) async fn with_rows(backend: &Backend, scope: &OrgScope, new: &[BookPrice]) -> Result<HeldBooks, Error> {
    let mut own = rows(&backend.pool, scope, None).await?;
    for (place, row) in new.iter().enumerate() {
        own.prices = entered(own.prices, BookPrice { price_id: entered_id(place), ..row.clone() });
    }
    held(backend, scope, own).await
}

/// The books with an alias entered: the newest goes first.
///
/// # Errors
/// [`domain::problem::Problem::Invalid`] for a span that ends before it begins and where no book knows the model; [`Error::Database`].
pub(in crate::prices) async fn with_alias(
    backend: &Backend,
    scope: &OrgScope,
    new: &NewRule<ModelAlias>,
) -> Result<HeldBooks, Error> {
    let mut own = rows(&backend.pool, scope, None).await?;
    // Stored ones are counted from 1.
    own.aliases = entered(own.aliases, alias_of(backend, scope, new).await?);
    held(backend, scope, own).await
}

async fn held(backend: &Backend, scope: &OrgScope, own: BookRows) -> Result<HeldBooks, Error> {
    Ok(books(backend, scope).await?.with_own(Some(PriceBook::new(own))))
}
