//! The price book as people and programs read it: what the organization uses, the whole book by search, one model with its history.

mod nearest;
mod sql;

use crate::{Backend, Error, OrgScope, paging, spend};
use chrono::{DateTime, Utc};
use domain::event::Page;
use domain::identity::Permission;
use domain::meter::Meter;
use domain::period::Period;
use domain::price::Books;
use domain::price::page::{
    AliasEntry, DatedPrice, FoundModels, ModelEntry, ModelName, ModelPage, PriceSearch, PricesPage, ProviderEntry,
    RateNow, UsedBy, UsedModel, in_force, is_plain, modifiers_of, plain_at,
};
use domain::problem::Problem;
use domain::spend::{Dimension, Filter, SpendQuery};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most models that the list of used ones names; its total counts all.
const MAX_USED: usize = 100;
/// Days that "who uses it" looks back.
const USED_DAYS: u64 = 30;
/// Most names for which models are guessed at once: each is compared with the whole book.
const MAX_GUESSED: usize = 25;
/// Guesses for one name.
const GUESSES: usize = 3;
/// Most prices in one file.
pub const MAX_EXPORT: i64 = 50_000;

/// The page of all prices: models used this month, and what the search finds in the book.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read, [`Problem::Invalid`] for a cursor that is none; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn overview(backend: &Backend, scope: &OrgScope, search: &PriceSearch) -> Result<PricesPage, Error> {
    let now = backend.clock.now();
    let month = Period::month_to_date(scope.zone().day_of(now));
    let (found, used, providers, sources) = futures::try_join!(
        find(backend, scope, search),
        used_in(backend, scope, month),
        sql::providers(&backend.pool, scope),
        sql::sources(&backend.pool, now),
    )?;
    let (used, total) = used;
    Ok(PricesPage { month: month.from, used, total, found, providers, sources })
}

/// Models of the book that match, the closest first, with what they cost now.
///
/// # Errors
/// As [`overview`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn find(backend: &Backend, scope: &OrgScope, search: &PriceSearch) -> Result<FoundModels, Error> {
    scope.require(Permission::ReadPrices)?;
    let now = backend.clock.now();
    let after = search.cursor.as_deref().map(SearchCursor::read).transpose()?;
    let limit = usize::from(search.limit);
    let mut found = sql::models(&backend.pool, scope, search, after.as_ref(), limit + 1).await?;
    let next_cursor = paging::cut(&mut found.rows, limit, |row| row.place.text());
    let names: Vec<_> = found.rows.iter().map(|row| row.place.name.clone()).collect();
    let mut rates = rates(backend, scope, &names).await?;
    let entry = |row: sql::FoundModel| {
        let rates = rates.remove(&row.place.name).unwrap_or_default();
        ModelEntry {
            name: row.place.name,
            title: row.title,
            input: rates.of(Meter::InputUncached, now),
            output: rates.of(Meter::Output, now),
            other: rates.other(),
            prices: u32::try_from(in_force(&rates.0, now).len()).unwrap_or(u32::MAX),
            own: rates.0.iter().any(|price| price.own),
        }
    };
    let rows = found.rows.into_iter().map(entry).collect();
    Ok(FoundModels { page: Page { rows, next_cursor }, matching: found.matching })
}

/// Everything the book knows of one model, and who uses it.
///
/// # Errors
/// [`Problem::NotFound`] where neither the book nor the organization has such a model; otherwise as [`overview`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn model(backend: &Backend, scope: &OrgScope, name: &ModelName) -> Result<ModelPage, Error> {
    scope.require(Permission::ReadPrices)?;
    let now = backend.clock.now();
    let pool = &backend.pool;
    let used = Period::last_days(scope.zone().day_of(now), USED_DAYS);
    let (known, prices, aliases, modifiers, limits, providers, used_by) = futures::try_join!(
        sql::title(pool, name),
        sql::prices_of(pool, scope, name),
        sql::aliases_of(pool, scope, name),
        sql::modifiers(pool, scope, now),
        sql::limits_of(pool, name),
        sql::providers(pool, scope),
        used_by(backend, scope, name, used),
    )?;
    let provider = providers.into_iter().find(|entry| entry.provider == name.provider).ok_or(Problem::NotFound)?;
    if known.is_none() && prices.is_empty() {
        return Err(Problem::NotFound.into());
    }
    let title = known.flatten();
    Ok(ModelPage {
        now,
        name: name.clone(),
        title,
        provider,
        prices,
        modifiers: modifiers_of(modifiers, name),
        limits,
        aliases,
        used_since: used.from,
        used_by,
    })
}

/// The dated prices of one model, without what concerns the organization's usage.
///
/// # Errors
/// As [`model`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn prices_of(backend: &Backend, scope: &OrgScope, name: &ModelName) -> Result<Vec<DatedPrice>, Error> {
    scope.require(Permission::Read)?;
    let prices = sql::prices_of(&backend.pool, scope, name).await?;
    if prices.is_empty() && sql::title(&backend.pool, name).await?.is_none() {
        return Err(Problem::NotFound.into());
    }
    Ok(prices)
}

/// The names that lead to a model.
///
/// # Errors
/// As [`overview`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn aliases_of(backend: &Backend, scope: &OrgScope, name: &ModelName) -> Result<Vec<AliasEntry>, Error> {
    scope.require(Permission::Read)?;
    sql::aliases_of(&backend.pool, scope, name).await
}

/// All dated prices of the models that match, as CSV: at most [`MAX_EXPORT`].
///
/// # Errors
/// As [`overview`], and [`Problem::Unprocessable`] when there are more rows than a file takes.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn csv(backend: &Backend, scope: &OrgScope, search: &PriceSearch) -> Result<String, Error> {
    scope.require(Permission::ReadPrices)?;
    let rows = sql::matching_prices(&backend.pool, scope, search, MAX_EXPORT + 1).await?;
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) > MAX_EXPORT {
        let detail = format!("More than {MAX_EXPORT} prices match. Search for less.");
        return Err(Problem::Unprocessable { detail }.into());
    }
    Ok(domain::price::page::prices_csv(&rows))
}

/// Models that names without a price may mean, the likest first, at most three each: a guess for a person to confirm.
///
/// Only the first [`MAX_GUESSED`] names are looked at; the rest get none.
///
/// # Errors
/// As [`overview`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn guesses(
    backend: &Backend,
    scope: &OrgScope,
    names: &[(String, String)],
) -> Result<Vec<Vec<ModelName>>, Error> {
    scope.require(Permission::Read)?;
    if names.is_empty() {
        return Ok(vec![]);
    }
    let known = sql::names(&backend.pool, scope).await?;
    let guess = |(place, (provider, model)): (usize, &(String, String))| {
        if place < MAX_GUESSED { nearest::nearest(provider, model, &known, GUESSES) } else { vec![] }
    };
    Ok(names.iter().enumerate().map(guess).collect())
}

/// Where a model stands in what a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SearchCursor {
    /// 0 for the very name, 1 for a beginning, 2 for the rest.
    rank: i32,
    name: ModelName,
}

impl SearchCursor {
    fn text(&self) -> String {
        format!("{}/{}/{}", self.rank, self.name.provider, self.name.model)
    }

    fn read(text: &str) -> Result<Self, Problem> {
        let read = || {
            let (rank, label) = text.split_once('/')?;
            Some(Self { rank: rank.parse().ok()?, name: ModelName::of_label(label)? })
        };
        read().ok_or_else(|| Problem::field("cursor", "invalid", "Use the cursor that an answer gave."))
    }
}

/// The prices of one model that hold now.
#[derive(Clone, Debug, Default)]
struct Rates(Vec<DatedPrice>);

impl Rates {
    fn of(&self, meter: Meter, now: DateTime<Utc>) -> Option<RateNow> {
        plain_at(&self.0, meter, now).map(rate_now)
    }

    /// The first price of a model that is not priced by tokens.
    fn other(&self) -> Option<(Meter, RateNow)> {
        let by_tokens = |price: &DatedPrice| matches!(price.row.meter, Meter::InputUncached | Meter::Output);
        let plain = || self.0.iter().filter(|price| is_plain(&price.row));
        let first = plain().min_by_key(|price| (!price.own, price.row.meter)).filter(|_| !plain().any(by_tokens));
        first.map(|price| (price.row.meter, rate_now(price)))
    }
}

fn rate_now(price: &DatedPrice) -> RateNow {
    RateNow { rate: price.row.rate, per: price.row.per, since: price.row.valid_from, own: price.own }
}

/// The prices of these models that hold now.
async fn rates(backend: &Backend, scope: &OrgScope, names: &[ModelName]) -> Result<HashMap<ModelName, Rates>, Error> {
    let mut rates: HashMap<ModelName, Rates> = HashMap::new();
    for price in sql::prices_in_force(&backend.pool, scope, names, backend.clock.now()).await? {
        let name = ModelName { provider: price.row.provider.clone(), model: price.row.model.clone() };
        rates.entry(name).or_default().0.push(price);
    }
    Ok(rates)
}

/// The model of the book that a sent name means to this organization.
fn means(books: Books<'_>, provider: &str, model: &str, at: DateTime<Utc>) -> Option<ModelName> {
    ModelName::of_label(books.resolve(provider, model, at).ok()?.label())
}

/// The providers of the book, for forms.
///
/// # Errors
/// As [`overview`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn providers(backend: &Backend, scope: &OrgScope) -> Result<Vec<ProviderEntry>, Error> {
    scope.require(Permission::ReadPrices)?;
    sql::providers(&backend.pool, scope).await
}

/// Spend of a period by the name that was sent; the total counts what is not listed too.
async fn used_in(
    backend: &Backend,
    scope: &OrgScope,
    period: Period,
) -> Result<(Vec<UsedModel>, domain::spend::Sums), Error> {
    let mut query = SpendQuery::over(period);
    query.group_by = vec![Dimension::Provider, Dimension::Model];
    let (answer, book) = futures::try_join!(spend::query(backend, scope, &query), super::books(backend, scope))?;
    let now = backend.clock.now();
    let mut used: Vec<_> = answer
        .rows
        .into_iter()
        .filter_map(|row| {
            let [provider, model] = <[Option<String>; 2]>::try_from(row.keys).ok()?;
            let (provider, model) = (provider.unwrap_or_default(), model.unwrap_or_default());
            let priced_as = means(book.books(), &provider, &model, now);
            Some(UsedModel { provider, model, priced_as, input: None, output: None, other: None, sums: row.sums })
        })
        .collect();
    used.sort_by_key(|used| Reverse(used.sums.with_upper_bound()));
    used.truncate(MAX_USED);
    let names: BTreeSet<_> = used.iter().filter_map(|used| used.priced_as.clone()).collect();
    let rates = rates(backend, scope, &names.into_iter().collect::<Vec<_>>()).await?;
    for used in &mut used {
        if let Some(rates) = used.priced_as.as_ref().and_then(|name| rates.get(name)) {
            used.input = rates.of(Meter::InputUncached, now);
            used.output = rates.of(Meter::Output, now);
            used.other = rates.other();
        }
    }
    Ok((used, answer.total))
}

/// Projects that used a model, under whatever name, the dearest first. Names are understood as they are today.
async fn used_by(backend: &Backend, scope: &OrgScope, name: &ModelName, period: Period) -> Result<Vec<UsedBy>, Error> {
    let mut query = SpendQuery::over(period);
    query.group_by = vec![Dimension::Provider, Dimension::Model];
    let (answer, book) = futures::try_join!(spend::query(backend, scope, &query), super::books(backend, scope))?;
    let now = backend.clock.now();
    // The spend query groups by two dimensions, so it is asked once per provider: nearly always one or two.
    let mut sent: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in answer.rows {
        let Ok([Some(provider), Some(model)]) = <[Option<String>; 2]>::try_from(row.keys) else { continue };
        if means(book.books(), &provider, &model, now).as_ref() == Some(name) {
            sent.entry(provider).or_default().push(model);
        }
    }
    let mut used = Vec::new();
    for (provider, models) in sent {
        query.group_by = vec![Dimension::Project, Dimension::Model];
        query.filters =
            vec![Filter::only(Dimension::Provider, vec![provider.clone()]), Filter::only(Dimension::Model, models)];
        for row in spend::query(backend, scope, &query).await?.rows {
            let Ok([Some(project), Some(model)]) = <[Option<String>; 2]>::try_from(row.keys) else { continue };
            used.push(UsedBy { project, provider: provider.clone(), model, sums: row.sums });
        }
    }
    used.sort_by_key(|used| Reverse(used.sums.spend));
    used.truncate(MAX_USED);
    Ok(used)
}
