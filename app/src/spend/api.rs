//! Doors of the pages about spend.

use crate::error::AppError;
use domain::budget::SpendScope;
use domain::spend::{Dimension, Explore, Group, KnownDimension, MonthOutlook, Overview};
use leptos::prelude::*;
use leptos::server_fn::codec::Json;

/// Values that a filter offers at most.
pub(super) const OFFERED_VALUES: usize = 50;

/// Spend of the organization, a team or a project in the days that `query` (the page's parameters) chooses; for the whole of the present month so far also where it is going.
#[server(prefix = "/fn", endpoint = "spend/overview", input = Json)]
pub async fn load_overview(
    /// Slug of the organization.
    org: String,
    /// Which part of it.
    part: SpendScope,
    /// The page's parameters: days and filters.
    query: Vec<(String, String)>,
) -> Result<(Overview, Option<MonthOutlook>), AppError> {
    let caller = Caller::enter(&org).await?;
    let (backend, scope) = (&caller.backend, &caller.scope);
    let chosen = chosen(&caller, &query);
    let filters = Filter::from_pairs(&query)?;
    let is_whole = filters.is_empty() && chosen.period == Period::month_to_date(today(&caller));
    let outlook =
        async { if is_whole { backend::spend::outlook(backend, scope, part).await.map(Some) } else { Ok(None) } };
    let overview = backend::spend::overview(backend, scope, part, chosen.period, chosen.compare, &filters);
    Ok(futures::try_join!(overview, outlook)?)
}

/// What Explore shows for the page's parameters.
#[server(prefix = "/fn", endpoint = "spend/explore", input = Json)]
pub async fn load_explore(
    /// Slug of the organization.
    org: String,
    /// The page's parameters: the question, days and filters.
    query: Vec<(String, String)>,
) -> Result<Explore, AppError> {
    let caller = Caller::enter(&org).await?;
    let chosen = chosen(&caller, &query);
    let asked = ExploreQuery::from_pairs(&query, chosen.period, chosen.compare)?;
    Ok(backend::spend::explore(&caller.backend, &caller.scope, asked).await?)
}

/// The values of a dimension in the chosen days, by falling spend.
#[server(prefix = "/fn", endpoint = "spend/values", input = Json)]
pub async fn load_values(
    /// Slug of the organization.
    org: String,
    /// Whose values.
    dimension: Dimension,
    /// The page's parameters: days.
    query: Vec<(String, String)>,
) -> Result<Vec<Group>, AppError> {
    let caller = Caller::enter(&org).await?;
    let period = chosen(&caller, &query).period;
    Ok(backend::spend::values(&caller.backend, &caller.scope, period, dimension, OFFERED_VALUES).await?)
}

/// What the organization can group and filter by.
#[server(prefix = "/fn", endpoint = "spend/dimensions", input = Json)]
pub async fn load_dimensions(
    /// Slug of the organization.
    org: String,
) -> Result<Vec<KnownDimension>, AppError> {
    let caller = Caller::enter(&org).await?;
    Ok(backend::ledger::dimensions(&caller.backend, &caller.scope).await?)
}

use {crate::caller::Caller, domain::period::Period, domain::spend::ExploreQuery, domain::spend::Filter};

/// The days that the page's parameters choose, as seen from the organization's present day.
fn chosen(caller: &Caller, query: &[(String, String)]) -> crate::layout::PeriodSelection {
    crate::layout::PeriodSelection::from_query(&query.iter().cloned().collect(), today(caller))
}

/// The organization's present day.
fn today(caller: &Caller) -> chrono::NaiveDate {
    caller.scope.zone().day_of(caller.backend.clock.now())
}
