//! What a price or a name would do to the events that wait for it: rated with the books as they would be, before anything is entered.

use super::sums;
use crate::ledger::adjust::{self, Adjustment};
use crate::prices::own::{HeldBooks, with_alias, with_prices};
use crate::{Backend, Error, OrgScope};
use domain::event::UnpricedRow;
use domain::identity::Permission;
use domain::price::page::ModelName;
use domain::price::{BookPrice, MappingForm, ModelAlias};
use domain::problem::Problem;
use domain::repricing::{ImpactPreview, MAX_PREVIEWED, Summary};
use domain::rule::NewRule;

/// What prices would do to the events that wait under a name (provider and model as sent), of which at most `most` are looked at.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] for a span that ends before it begins; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn effect_of_prices(
    backend: &Backend,
    scope: &OrgScope,
    new: &[NewRule<BookPrice>],
    name: (&str, &str),
    most: u64,
) -> Result<ImpactPreview, Error> {
    scope.require(Permission::ManagePrices)?;
    let books = with_prices(backend, scope, new).await?;
    effect(backend, scope, &books, name, most).await
}

/// What a mapping would do to the events that wait under a name, as [`effect_of_prices`].
///
/// # Errors
/// As [`effect_of_prices`], also where no book knows the model.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn effect_of_alias(
    backend: &Backend,
    scope: &OrgScope,
    new: &NewRule<ModelAlias>,
    name: (&str, &str),
    most: u64,
) -> Result<ImpactPreview, Error> {
    scope.require(Permission::ManagePrices)?;
    let books = with_alias(backend, scope, new).await?;
    effect(backend, scope, &books, name, most).await
}

/// Most events that are rated for all guesses of a page together: beyond, the effect of a guess is looked at only when asked.
const MAX_GUESSED: u64 = 2_000;
/// Most guesses whose effect is looked at for one page.
const MAX_GUESSES: usize = 12;

/// What mapping each waiting name to each of the models that it may mean would do, as far as that is quickly said.
///
/// # Errors
/// As [`effect_of_alias`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn effects_of_guesses(
    backend: &Backend,
    scope: &OrgScope,
    rows: &[UnpricedRow],
    guesses: &[Vec<ModelName>],
) -> Result<Vec<Vec<Option<ImpactPreview>>>, Error> {
    let (mut events_left, mut guesses_left) = (MAX_GUESSED, MAX_GUESSES);
    let mut effects = Vec::with_capacity(rows.len());
    for (row, names) in rows.iter().zip(guesses) {
        let mut of_row = Vec::with_capacity(names.len());
        for name in names {
            if row.events > events_left || guesses_left == 0 {
                of_row.push(None);
                continue;
            }
            (events_left, guesses_left) = (events_left - row.events, guesses_left - 1);
            of_row.push(guessed(backend, scope, row, name).await?);
        }
        effects.push(of_row);
    }
    Ok(effects)
}

/// None where the name cannot be mapped so.
async fn guessed(
    backend: &Backend,
    scope: &OrgScope,
    row: &UnpricedRow,
    name: &ModelName,
) -> Result<Option<ImpactPreview>, Error> {
    let form = MappingForm {
        provider: row.provider.clone(),
        name: row.model.clone(),
        to_provider: name.provider.clone(),
        to_model: name.model.clone(),
        ..MappingForm::default()
    };
    let Ok(new) = form.parse() else { return Ok(None) };
    let name = (row.provider.as_str(), row.model.as_str());
    match effect_of_alias(backend, scope, &new, name, MAX_PREVIEWED).await {
        Ok(effect) => Ok(Some(effect)),
        Err(Error::Problem(Problem::Invalid { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn effect(
    backend: &Backend,
    scope: &OrgScope,
    books: &HeldBooks,
    name: (&str, &str),
    most: u64,
) -> Result<ImpactPreview, Error> {
    let most = most.min(MAX_PREVIEWED);
    let mut connection = backend.pool.acquire().await?;
    // One more, to see whether there are more.
    let limit = i64::try_from(most).unwrap_or(i64::MAX - 1) + 1;
    let mut events = adjust::read_unpriced(&mut connection, scope, name, limit).await?;
    let more = events.len() as u64 > most;
    events.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    let adjustments: Vec<Adjustment<'_>> = events
        .iter()
        .filter_map(|event| Some(Adjustment { state: event, to: event.rated_again(books.books())? }))
        .filter(|one| one.to.cost.is_some())
        .collect();
    let mut summary = Summary::default();
    sums::add(&mut connection, scope, scope.zone(), &mut summary, &events, &adjustments).await?;
    Ok(ImpactPreview::of(&summary, more))
}
