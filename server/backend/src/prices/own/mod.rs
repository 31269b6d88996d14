//! The organization's own book: prices, factors and names of models that go before the common ones, which cost counts, and how keys are billed.
//!
//! Its rows are rules ([`crate::rules`]); what they mean is here.

mod dated;
mod effect;
mod enter;
mod sql;
mod undo;
mod unusual;
mod what_if;

pub(super) use dated::dated;
pub use effect::modifier_effect;
pub use enter::{add_alias, add_modifier, add_prices, warnings};
pub use undo::undo;
pub(super) use what_if::{with_alias, with_prices};

use crate::notify_cache::NotifyCache;
use crate::rules::{self, MAX_LISTED};
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::identity::Permission;
use domain::ids::OrgId;
use domain::price::{BookPrice, BookRows, Books, ModelAlias, OwnBook, PriceBook, PriceModifier};
use domain::rule::{Dated, History, RuleChange, RuleKind};
use sqlx::PgPool;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Own books by organization.
pub(crate) type OwnBooks = NotifyCache<OrgId, Own>;

/// What an organization has of its own.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// None where it has no rules about prices.
    pub(super) book: Option<PriceBook>,
    /// How often rules had been undone when they were read.
    undone: i32,
}

/// The books of one organization, as they are now: rate with [`Self::books`].
#[derive(Clone, Debug)]
pub struct HeldBooks {
    own: Arc<Own>,
    common: Arc<PriceBook>,
}

impl HeldBooks {
    /// To rate with.
    #[must_use]
    pub fn books(&self) -> Books<'_> {
        Books { own: self.own.book.as_ref(), common: &self.common }
    }

    /// A modifier of either book.
    #[must_use]
    pub fn modifier(&self, modifier_id: u64) -> Option<&PriceModifier> {
        let own = self.own.book.as_ref().and_then(|own| own.modifier(modifier_id));
        own.or_else(|| self.common.modifier(modifier_id))
    }

    /// How often rules had been undone when these books were read: what is priced with them is refused once another is.
    pub(crate) fn undone(&self) -> i32 {
        self.own.undone
    }

    /// The same common book under another own one.
    pub(super) fn with_own(&self, own: Option<PriceBook>) -> Self {
        Self { own: Arc::new(Own { book: own, undone: self.own.undone }), common: Arc::clone(&self.common) }
    }

    /// The same own book over another common one.
    pub(super) fn with_common(&self, common: &Arc<PriceBook>) -> Self {
        Self { own: Arc::clone(&self.own), common: Arc::clone(common) }
    }

    /// Whether a price row is the organization's own.
    pub(super) fn is_own(&self, price_id: u64) -> bool {
        self.own.book.as_ref().is_some_and(|own| own.row(price_id).is_some())
    }

    /// A price row of either book.
    #[must_use]
    pub fn row(&self, price_id: u64) -> Option<&BookPrice> {
        self.own.book.as_ref().and_then(|own| own.row(price_id)).or_else(|| self.common.row(price_id))
    }
}

/// The organization's books, from memory where nothing has changed.
///
/// # Errors
/// [`Error::Database`]; [`Error::Inconsistent`] for a row that cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn books(backend: &Backend, scope: &OrgScope) -> Result<HeldBooks, Error> {
    let own = match backend.own_books.get(&scope.org_id()).await {
        Some(own) => own,
        None => {
            let generation = backend.own_books.generation();
            let own = load_own(&backend.pool, scope, None).await?;
            backend.own_books.insert(scope.org_id(), generation, own).await
        }
    };
    Ok(HeldBooks { own, common: backend.events.book() })
}

/// The organization's books, its own and the common one, as they were known at an instant, whatever was entered or imported since.
///
/// # Errors
/// As [`books`], and [`domain::problem::Problem::Conflict`] where the common book came in a new edition since.
pub(crate) async fn books_known_at(
    backend: &Backend,
    scope: &OrgScope,
    known_at: DateTime<Utc>,
) -> Result<HeldBooks, Error> {
    let own = load_own(&backend.pool, scope, Some(known_at)).await?;
    Ok(HeldBooks { own: Arc::new(own), common: super::book_known_at(backend, known_at).await? })
}

/// The organization's own book, to lay over the common one.
///
/// # Errors
/// As [`books`].
pub(super) async fn load_own(pool: &PgPool, scope: &OrgScope, known_at: Option<DateTime<Utc>>) -> Result<Own, Error> {
    // Before the rules: where one is undone meanwhile, what is priced with them is refused in vain, never recorded in vain.
    let undone = rules::undone(pool, scope).await?;
    let rows = rows(pool, scope, known_at).await?;
    Ok(Own { book: (rows != BookRows::default()).then(|| PriceBook::new(rows)), undone })
}

/// The rows of the own book that count, or that counted at an instant.
pub(super) async fn rows(pool: &PgPool, scope: &OrgScope, known_at: Option<DateTime<Utc>>) -> Result<BookRows, Error> {
    let kinds = [
        RuleKind::PriceOverride,
        RuleKind::PriceModifier,
        RuleKind::ModelAlias,
        RuleKind::CostBasis,
        RuleKind::BillingBasis,
    ];
    let rules = rules::known(pool, scope, &kinds, known_at).await?;
    let mut aliases: Vec<ModelAlias> = rules::of_kind(&rules)?;
    // The one entered last goes first.
    (1..).zip(aliases.iter_mut().rev()).for_each(|(position, alias)| alias.position = position);
    Ok(BookRows {
        aliases,
        prices: rules::of_kind(&rules)?,
        modifiers: rules::of_kind(&rules)?,
        bases: rules::of_kind(&rules)?,
        billing: rules::of_kind(&rules)?,
        ..BookRows::default()
    })
}

/// The organization's own prices that count.
pub(super) async fn price_rows(pool: &PgPool, scope: &OrgScope) -> Result<Vec<BookPrice>, Error> {
    rules::of_kind(&rules::known(pool, scope, &[RuleKind::PriceOverride], None).await?)
}

/// Keeps own books in memory fresh until `stop`.
///
/// # Errors
/// [`Error::Database`] when the connection is lost: start it again.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn watch(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    backend.own_books.watch(backend, rules::CHANNEL, stop).await
}

/// The organization's own book with its history.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn own_book(backend: &Backend, scope: &OrgScope) -> Result<OwnBook, Error> {
    Ok(OwnBook {
        prices: overrides(backend, scope).await?,
        modifiers: modifiers(backend, scope).await?,
        mappings: aliases(backend, scope).await?,
        changes: changes(backend, scope).await?,
    })
}

/// The organization's own prices: those that count by model and date, then superseded ones.
///
/// # Errors
/// As [`own_book`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn overrides(backend: &Backend, scope: &OrgScope) -> Result<History<Dated<BookPrice>>, Error> {
    scope.require(Permission::ReadPrices)?;
    let mut prices: History<Dated<BookPrice>> = rules::listed(&backend.pool, scope, MAX_LISTED).await?;
    prices.rows.sort_by(|one, other| in_book(one).cmp(&in_book(other)));
    Ok(prices)
}

/// Discounts and markups: those that count in the order in which they stack, then superseded ones.
///
/// # Errors
/// As [`own_book`]; [`domain::problem::Problem::Forbidden`] for callers who do not see the whole organization.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn modifiers(backend: &Backend, scope: &OrgScope) -> Result<History<Dated<PriceModifier>>, Error> {
    scope.require_whole(Permission::Read)?;
    let mut modifiers: History<Dated<PriceModifier>> = rules::listed(&backend.pool, scope, MAX_LISTED).await?;
    // The older first, as they stack.
    modifiers.rows.reverse();
    modifiers.rows.sort_by_key(|modifier| (!modifier.is_live(), modifier.row.kind));
    Ok(modifiers)
}

/// Names that mean a model to the organization, in the order in which they are tried, then superseded ones.
///
/// # Errors
/// As [`own_book`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn aliases(backend: &Backend, scope: &OrgScope) -> Result<History<Dated<ModelAlias>>, Error> {
    scope.require(Permission::ReadPrices)?;
    rules::listed(&backend.pool, scope, MAX_LISTED).await
}

/// What was done to the organization's rules, newest first.
///
/// # Errors
/// As [`own_book`]; [`domain::problem::Problem::Forbidden`] for callers who do not see the whole organization.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn changes(backend: &Backend, scope: &OrgScope) -> Result<History<RuleChange>, Error> {
    scope.require_whole(Permission::Read)?;
    rules::changes(&backend.pool, scope, MAX_LISTED).await
}

/// By model and date; what is superseded behind, the newest first.
fn in_book(price: &Dated<BookPrice>) -> impl Ord + use<'_> {
    let (row, superseded_at) = (&price.row, price.entry.superseded_at);
    let of = (&row.provider, &row.model, row.meter.as_str(), row.variant.as_str(), row.tier_from, row.valid_from);
    (superseded_at.is_some(), of, std::cmp::Reverse(superseded_at))
}
