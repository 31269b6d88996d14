//! The organization's own book: prices, models and names that go before the common ones.
//!
//! A row is superseded, never edited and never deleted, so that what was known at any instant can be read again.
//! Every verb that writes is one change with a sentence; a change can be undone while nothing was booked with it.

mod card;
mod check;
mod effect;
mod enter;
mod sql;
mod undo;
mod what_if;

pub(super) use card::{end_model, insert_row, insert_rule};
pub use effect::modifier_effect;
pub use enter::{add_mapping, add_modifier, add_price, add_prices, doubts, end_mapping, end_modifier, end_price};
pub(super) use sql::entry;
pub use undo::undo;
pub(super) use what_if::{with_mapping, with_prices};

pub(super) use sql::{lock, notify};

use super::basis;
use super::sql as book_sql;
use crate::watched::Watched;
use crate::{Backend, Error, OrgScope, audit};
use chrono::{DateTime, NaiveDate, Utc};
use domain::event::Edge;
use domain::identity::Permission;
use domain::ids::{OrgId, PriceChangeId};
use domain::period::Period;
use domain::price::{BookRows, Books, ModifierRow, OwnBook, PriceBook, PriceRow};
use sqlx::{PgConnection, PgPool};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Most rows of each list of the organization's own book.
const MAX_LISTED: i64 = 2_000;

/// Own books by organization; none where it has no rows.
pub(crate) type OwnBooks = Watched<OrgId, Option<PriceBook>>;

/// The books of one organization, as they are now: rate with [`Self::books`].
#[derive(Clone, Debug)]
pub struct HeldBooks {
    own: Arc<Option<PriceBook>>,
    common: Arc<PriceBook>,
}

impl HeldBooks {
    /// To rate with.
    #[must_use]
    pub fn books(&self) -> Books<'_> {
        Books { own: self.own.as_ref().as_ref(), common: &self.common }
    }

    /// A modifier of either book.
    #[must_use]
    pub fn modifier(&self, modifier_id: u64) -> Option<&ModifierRow> {
        let own = self.own.as_ref().as_ref().and_then(|own| own.modifier(modifier_id));
        own.or_else(|| self.common.modifier(modifier_id))
    }

    /// The same common book under another own one.
    pub(super) fn with_own(&self, own: Option<PriceBook>) -> Self {
        Self { own: Arc::new(own), common: Arc::clone(&self.common) }
    }

    /// The same own book over another common one.
    pub(super) fn with_common(&self, common: &Arc<PriceBook>) -> Self {
        Self { own: Arc::clone(&self.own), common: Arc::clone(common) }
    }

    /// A price row of either book.
    #[must_use]
    pub fn row(&self, price_id: u64) -> Option<&PriceRow> {
        self.own.as_ref().as_ref().and_then(|own| own.row(price_id)).or_else(|| self.common.row(price_id))
    }
}

/// The organization's books, from memory where nothing has changed.
///
/// # Errors
/// [`Error::Database`]; [`Error::Inconsistent`] for a row that cannot be read.
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

/// The organization's own prices and names, to lay over the common book; none where it has none.
///
/// # Errors
/// As [`books`].
pub(super) async fn load_own(
    pool: &PgPool,
    scope: &OrgScope,
    known_at: Option<DateTime<Utc>>,
) -> Result<Option<PriceBook>, Error> {
    let rows = rows(pool, scope, known_at).await?;
    Ok((rows != BookRows::default()).then(|| PriceBook::new(rows)))
}

/// The rows of the own book that count, or that counted at an instant.
pub(super) async fn rows(pool: &PgPool, scope: &OrgScope, known_at: Option<DateTime<Utc>>) -> Result<BookRows, Error> {
    Ok(BookRows {
        aliases: sql::mappings(pool, scope, known_at).await?,
        prices: sql::prices(pool, scope, known_at).await?,
        modifiers: sql::modifiers(pool, scope, known_at).await?,
        bases: basis::rows(pool, scope, known_at).await?,
        ..BookRows::default()
    })
}

/// The organization's own prices that count.
pub(super) async fn price_rows(pool: &PgPool, scope: &OrgScope) -> Result<Vec<PriceRow>, Error> {
    sql::prices(pool, scope, None).await
}

/// Keeps own books in memory fresh until `stop`.
///
/// # Errors
/// [`Error::Database`] when the connection is lost: start it again.
pub async fn watch(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    backend.own_books.watch(backend, sql::CHANNEL, stop).await
}

/// The organization's own book with its history.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
pub async fn own_book(backend: &Backend, scope: &OrgScope) -> Result<OwnBook, Error> {
    scope.require(Permission::Read)?;
    Ok(OwnBook {
        prices: sql::listed_prices(&backend.pool, scope, MAX_LISTED).await?,
        modifiers: sql::listed_modifiers(&backend.pool, scope, MAX_LISTED).await?,
        mappings: sql::listed_mappings(&backend.pool, scope, MAX_LISTED).await?,
        changes: sql::changes(&backend.pool, scope, MAX_LISTED).await?,
    })
}

/// The models for which a price of the organization's own began in a period, each with the day in the organization's zone.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
pub async fn began(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Vec<(NaiveDate, String)>, Error> {
    scope.require(Permission::Read)?;
    let (from, to) = scope.zone().instants(period);
    let rows = sql::began(&backend.pool, scope, from, to).await?;
    let mut days: Vec<_> = rows.into_iter().map(|(at, model)| (scope.zone().day_of(at), model)).collect();
    days.dedup();
    Ok(days)
}

/// The price rows with these ids, superseded ones too; ids of other organizations' rows are not found.
pub(super) async fn rows_by_ids(pool: &PgPool, scope: &OrgScope, ids: &[i64]) -> Result<Vec<PriceRow>, Error> {
    sql::prices_by_ids(pool, scope, ids).await
}

/// One change on its way into the book.
pub(super) struct Change<'a> {
    backend: &'a Backend,
    scope: &'a OrgScope,
    pub(super) change_id: PriceChangeId,
    pub(super) now: DateTime<Utc>,
}

impl<'a> Change<'a> {
    pub(super) fn new(backend: &'a Backend, scope: &'a OrgScope) -> Self {
        Self { backend, scope, change_id: PriceChangeId(backend.clock.new_id()), now: backend.clock.now() }
    }

    /// Changes of one book come one after the other: waits for the one before, until the transaction ends.
    pub(super) async fn lock(&self, connection: &mut PgConnection) -> Result<(), Error> {
        sql::lock(connection, self.scope).await
    }

    /// Writes the entry of the change, the audit row and the notice to all servers; the caller commits and then calls [`changed`].
    pub(super) async fn record(
        &self,
        connection: &mut PgConnection,
        action: &str,
        detail: &str,
        undoes: Option<PriceChangeId>,
    ) -> Result<(), Error> {
        sql::insert_change(connection, self.scope, self.change_id, self.now, detail, undoes).await?;
        audit::record(self.backend, self.scope, connection, action, detail).await?;
        sql::notify(connection).await
    }
}

/// Own books read before are stale on this server.
pub(super) fn changed(backend: &Backend) {
    backend.own_books.changed();
}

/// The instant of an edge in the organization's zone.
pub(super) fn instant(scope: &OrgScope, edge: Edge) -> DateTime<Utc> {
    match edge {
        Edge::Day(day) => scope.zone().start_of(day),
        Edge::At(at) => at,
    }
}
