//! The organization's books as they would be after a price or a name is entered.

use super::enter::{alias_of, rest, row_of};
use super::{HeldBooks, books, rows};
use crate::{Backend, Error, OrgScope};
use domain::price::contract::FIRST_TERM_ID;
use domain::price::{BookRows, MappingInput, PriceBook, PriceInput, PriceRow};
use std::sync::Arc;

/// Stands for the first price that is about to be entered, those below it for the next ones; no stored row has come so far.
/// Below the terms of contracts, or its lines would be taken for theirs.
const ENTERED: u64 = FIRST_TERM_ID - 1;

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
    inputs: &[PriceInput],
) -> Result<HeldBooks, Error> {
    let entered = inputs.iter().map(|input| row_of(scope, input)).collect::<Result<Vec<_>, _>>()?;
    with_rows(backend, scope, &entered).await
}

/// The books with rows of prices entered, each in place of what it supersedes.
pub(super) async fn with_rows(backend: &Backend, scope: &OrgScope, entered: &[PriceRow]) -> Result<HeldBooks, Error> {
    let mut own = rows(&backend.pool, scope, None).await?;
    for (place, row) in entered.iter().enumerate() {
        let new = PriceRow { price_id: entered_id(place), ..row.clone() };
        own.prices = own.prices.into_iter().flat_map(|old| beside(old, &new)).collect();
        own.prices.push(new);
    }
    held(backend, scope, own).await
}

/// The books with a name mapped: the newest mapping goes first.
///
/// # Errors
/// [`domain::problem::Problem::Invalid`] for a span that ends before it begins and where no book knows the model; [`Error::Database`].
pub(in crate::prices) async fn with_mapping(
    backend: &Backend,
    scope: &OrgScope,
    input: MappingInput,
) -> Result<HeldBooks, Error> {
    let mut own = rows(&backend.pool, scope, None).await?;
    // Stored ones are counted from 1.
    own.aliases.push(alias_of(backend, scope, input).await?);
    held(backend, scope, own).await
}

async fn held(backend: &Backend, scope: &OrgScope, own: BookRows) -> Result<HeldBooks, Error> {
    Ok(HeldBooks { own: Arc::new(Some(PriceBook::new(own))), ..books(backend, scope).await? })
}

/// What is left of an old price beside a new one.
fn beside(old: PriceRow, new: &PriceRow) -> Vec<PriceRow> {
    let same = (&old.provider, &old.model, old.meter, old.variant, old.tier_from, old.schedule, &old.attributes)
        == (&new.provider, &new.model, new.meter, new.variant, new.tier_from, new.schedule, &new.attributes);
    let begins_before_its_end = new.valid_to.is_none_or(|to| old.valid_from.is_none_or(|from| from < to));
    let ends_after_its_begin = new.valid_from.is_none_or(|from| old.valid_to.is_none_or(|to| to > from));
    if !(same && begins_before_its_end && ends_after_its_begin) {
        return vec![old];
    }
    rest((old.valid_from, old.valid_to), (new.valid_from, new.valid_to))
        .map(|(valid_from, valid_to)| PriceRow { valid_from, valid_to, ..old.clone() })
        .collect()
}
