//! The price book: seeded with the program, loaded whole, explained row by row.
//!
//! The seed file ([`SEED`]) is written by `cargo xtask seed-prices` from genai-prices and LiteLLM; their licence notices lie beside it.
//! Known to be left out: units of guardrails, pages counted in credits, embeddings by the query, film by the length of its parts.
//! Usage that would need them is unpriced, not free.

mod basis;
mod billing;
pub mod browse;
mod changed;
pub mod contract;
pub mod import;
mod own;
mod quotes;
pub mod runs;
mod sql;

pub use basis::{basis, choose_basis};
pub use billing::{billing, choose_billing};
pub use changed::changed;
pub(crate) use own::OwnBooks;
pub use own::{
    HeldBooks, add_alias, add_modifier, add_prices, aliases, books, changes, modifier_effect, modifiers, overrides,
    own_book, undo, warnings, watch,
};
pub use quotes::quotes;

use crate::locks::{self, Lock};
use crate::notify_listener::NotifyListener;
use crate::{Backend, Clock, Error, OrgScope, rules};
use chrono::{DateTime, Utc};
use domain::price::{BookPrice, BookRows, PriceBook, PriceModifier, seed};
use domain::problem::Problem;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The seed of the price book, as it was when the program was built.
pub const SEED: &str = include_str!("seed/prices.tsv");

/// What [`sync_seed`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// Prices that were not known before.
    pub added: u64,
    /// Prices that this edition of the seed no longer contains; receipts that point to them keep them.
    pub superseded: u64,
}

/// Names this edition of the seed: the same text has the same name.
#[must_use]
pub fn seed_fingerprint() -> String {
    Sha256::digest(SEED).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Brings the price book to the program's seed: part of every migration, and nothing happens where it is there already.
///
/// No price is edited.
/// A row's id follows from its facts, so a fact that changed is another row: the old one is marked as superseded and the new one added.
/// Prices that people imported stay, and go before a row of the seed for the same time.
///
/// # Errors
/// [`Error::Database`]; [`Error::Server`] when the seed inside the program cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn sync_seed(pool: &PgPool, clock: &dyn Clock) -> Result<Synced, Error> {
    sync(pool, clock, SEED, &seed_fingerprint()).await
}

async fn sync(pool: &PgPool, clock: &dyn Clock, text: &str, fingerprint: &str) -> Result<Synced, Error> {
    if sql::seed_fingerprint(pool).await?.as_deref() == Some(fingerprint) {
        return Ok(Synced::default());
    }
    let rows = seed::parse(text).map_err(|error| Error::server("reading the seed of the price book", error))?;
    let mut tx = pool.begin().await?;
    locks::hold(&mut tx, Lock::PriceSeed.of_all()).await?;
    if sql::seed_fingerprint(&mut *tx).await?.as_deref() == Some(fingerprint) {
        return Ok(Synced::default());
    }
    let now = clock.now();
    sql::replace_names(&mut tx, &rows).await?;
    let superseded = sql::supersede_missing(&mut tx, &rows.prices, now).await?;
    let added = sql::add_seed(&mut tx, &rows.prices, now).await?;
    sql::sync_modifiers(&mut tx, &rows.modifiers, now).await?;
    sql::remember_seed(&mut tx, fingerprint, now).await?;
    sql::notify(&mut tx).await?;
    tx.commit().await?;
    tracing::info!(added, superseded, "price book brought to the program's seed");
    Ok(Synced { added, superseded })
}

/// The whole list price book, ready to rate with.
///
/// # Errors
/// [`Error::Database`]; [`Error::Inconsistent`] for a row that cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn load(pool: &PgPool) -> Result<PriceBook, Error> {
    Ok(PriceBook::new(load_rows(pool, None).await?))
}

/// The rows of the whole list price book that count, or that counted at an instant; rules for names have no history.
async fn load_rows(pool: &PgPool, known_at: Option<DateTime<Utc>>) -> Result<BookRows, Error> {
    let mut tx = pool.begin().await?;
    let rows = BookRows {
        providers: sql::providers(&mut tx).await?,
        models: sql::models(&mut tx).await?,
        aliases: sql::aliases(&mut tx).await?,
        prices: sql::prices(&mut tx, known_at).await?,
        modifiers: sql::modifiers(&mut tx, known_at).await?,
        limits: sql::limits(&mut tx).await?,
        bases: Vec::new(),
        billing: Vec::new(),
    };
    tx.commit().await?;
    Ok(rows)
}

/// The common book as it was known at an instant, whatever was imported since.
///
/// # Errors
/// [`Problem::Conflict`] where a new edition of the seed came in since: it replaces the rules for names whole, so what they said before is not known; [`Error::Database`], [`Error::Inconsistent`].
async fn book_known_at(backend: &Backend, known_at: DateTime<Utc>) -> Result<Arc<PriceBook>, Error> {
    let changed = sql::changed_since(&backend.pool, known_at).await?;
    if changed.edition {
        let detail = "The price book came in a new edition since this preview. Discard the run and preview it again.";
        return Err(Problem::conflict(detail).into());
    }
    if changed.prices {
        return Ok(Arc::new(PriceBook::new(load_rows(&backend.pool, Some(known_at)).await?)));
    }
    Ok(backend.events.book())
}

/// The book of the program's own seed: what a server prices with until [`refresh`] has read the database's.
///
/// Built when it is first asked for, which a server that begins with the database's book never does.
#[must_use]
pub fn seed_book() -> Arc<PriceBook> {
    static BOOK: LazyLock<Arc<PriceBook>> = LazyLock::new(|| {
        let rows = seed::parse(SEED).unwrap_or_else(|error| {
            tracing::error!(%error, "the seed of the price book cannot be read: every event will be unpriced");
            BookRows::default()
        });
        Arc::new(PriceBook::new(rows))
    });
    Arc::clone(&BOOK)
}

/// Prices events with the database's book from now on: at start, and whenever prices have changed.
///
/// A database that nobody brought a seed to ([`sync_seed`]) has no book: the one in use stays, so that usage does not become unpriced by that.
///
/// # Errors
/// As [`load`]; the book in use stays.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn refresh(backend: &Backend) -> Result<(), Error> {
    let book = load(&backend.pool).await?;
    if book.is_empty() {
        tracing::warn!("the database has no prices; pricing goes on with the book in use. Run `tallystick migrate`.");
    } else {
        backend.events.use_book(book);
    }
    Ok(())
}

/// Between two looks at the book where no notification came.
const LOOK: Duration = Duration::from_secs(60);

/// Takes the database's book whenever somebody, on any server or from the command line, has changed it; until `stop`.
///
/// # Errors
/// [`Error::Database`] when PostgreSQL is away: start it again after a while; the book in use stays.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn keep_book(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    let listener = NotifyListener::listen(&backend.pool, sql::CHANNEL);
    let mut known = None;
    while !stop.is_cancelled() {
        // Asked before the book is read: what changes meanwhile is found at the next look.
        let edition = sql::edition(&backend.pool).await?;
        if known.as_ref() != Some(&edition) {
            refresh(backend).await?;
            known = Some(edition);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = listener.next() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    Ok(())
}

/// The price rows behind a receipt, by id: since when, from where. Superseded ones too; ids of other organizations' rows are not found.
///
/// # Errors
/// As [`load`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn rows_by_ids(pool: &PgPool, scope: &OrgScope, ids: &[u64]) -> Result<HashMap<u64, BookPrice>, Error> {
    let common = sql::prices_by_ids(pool, ids).await?;
    let mut rows = rules::by_ids(pool, scope, ids).await?;
    rows.extend(common.into_iter().map(|row| (row.price_id, row)));
    Ok(rows)
}

/// The modifiers behind a receipt's lines, by id, like [`rows_by_ids`].
///
/// # Errors
/// As [`load`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn modifiers_by_ids(
    pool: &PgPool,
    scope: &OrgScope,
    ids: &[u64],
) -> Result<HashMap<u64, PriceModifier>, Error> {
    let common = sql::modifiers_by_ids(pool, ids).await?;
    let mut rows = rules::by_ids(pool, scope, ids).await?;
    rows.extend(common.into_iter().map(|row| (row.modifier_id, row)));
    Ok(rows)
}

#[cfg(test)]
mod tests;
