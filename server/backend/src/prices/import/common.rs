//! The operator's import into the common book, which all organizations share.
//!
//! Nothing is edited in place: a price that ends becomes a row with an end, the one that follows another row, and what both replace is marked as superseded, so that old receipts keep it.
//! All servers take the new book when they are told ([`super::super::keep_book`]).

use super::effect::{CommonTrial, rated, window};
use super::{Read, models_of, read, said_source};
use crate::locks::{self, Lock};
use crate::prices::sql as book_sql;
use crate::{Backend, Error, identity};
use chrono::{DateTime, Utc};
use domain::price::BookPrice;
use domain::price::import::{
    Choice, Comparison, ImportEffect, ImportInput, Proposal, ProposalKind, apply as applied, begin_of, compare,
};
use domain::problem::Problem;
use domain::span::Edge;
use price_data::LeftOut;
use std::collections::BTreeSet;

/// A file beside the common book.
pub struct CommonImport {
    read: Read,
    from: DateTime<Utc>,
}

/// What an import added to the common book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Proposals that were applied.
    pub applied: u64,
    /// Rows that are new, those that end included.
    pub rows: u64,
    /// Rows that no longer count for what comes.
    pub superseded: u64,
}

/// Compares a file with the common book; for the operator, whom no role stands for.
///
/// # Errors
/// [`Problem::Invalid`] for a file that is no price data; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn compare_file(backend: &Backend, input: ImportInput) -> Result<CommonImport, Error> {
    let today = backend.clock.now().date_naive();
    let from = input.from.map_or_else(
        || begin_of(today),
        |edge| match edge {
            Edge::Day(day) => begin_of(day),
            Edge::At(at) => at,
        },
    );
    let book = super::super::load_rows(&backend.pool, None).await?;
    let version = if input.version.is_empty() { today.to_string() } else { input.version };
    Ok(CommonImport { read: read(input.text, version, book, Vec::new(), from).await?, from })
}

impl CommonImport {
    /// What differs.
    #[must_use]
    pub const fn comparison(&self) -> &Comparison {
        &self.read.comparison
    }

    /// What could not be taken from the file.
    #[must_use]
    pub const fn left_out(&self) -> &LeftOut {
        &self.read.data.left_out
    }

    /// The data set with its version.
    #[must_use]
    pub fn source(&self) -> String {
        self.read.data.rows.prices.first().map(said_source).unwrap_or_default()
    }

    /// Since when changes without a date hold.
    #[must_use]
    pub const fn from(&self) -> DateTime<Utc> {
        self.from
    }

    /// What the proposals would have meant for the last 30 days of all organizations: sums only.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn effect(&self, backend: &Backend) -> Result<ImportEffect, Error> {
        let window = window(backend.clock.now());
        let mut effect = ImportEffect::new(window.0, window.1);
        if self.read.comparison.proposals.is_empty() {
            return Ok(effect);
        }
        let trial = CommonTrial::new(&self.read, window);
        for (_, scope) in identity::system_scopes(backend, None).await? {
            effect.merge(&rated(backend, &scope, &trial.of(backend, &scope).await?, window).await?);
        }
        effect.sort();
        Ok(effect)
    }
}

/// Adds what the import proposes to the common book: all of it where `confirmed`, else what needs no confirmation.
///
/// # Errors
/// [`Problem::Conflict`] where somebody changed the book since it was compared; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn apply(backend: &Backend, import: &CommonImport, confirmed: bool) -> Result<Added, Error> {
    let read = &import.read;
    let proposals = &read.comparison.proposals;
    let chosen: Vec<&Proposal> =
        if confirmed { proposals.iter().collect() } else { Choice::Sure.of(proposals).unwrap_or_default() };
    if chosen.is_empty() {
        return Ok(Added::default());
    }
    let now = backend.clock.now();
    let mut transaction = backend.pool.begin().await?;
    locks::hold(&mut transaction, Lock::PriceSeed.of_all()).await?;
    let current = book_sql::prices(&mut transaction, None).await?;
    if compare(&current, &read.data.rows.prices, import.from).proposals != *proposals {
        return Err(Problem::conflict("The price book has changed since it was compared. Compare again.").into());
    }
    let after = applied(&current, chosen.iter().copied());
    let (gone, new) = difference(&current, after);
    book_sql::supersede(&mut transaction, &gone, now).await?;
    book_sql::add_imported(&mut transaction, &new, now).await?;
    let models = models_of(chosen.iter().copied(), ProposalKind::NewModel);
    book_sql::add_names(&mut transaction, &read.data.rows, &read.names.of(&models), &models).await?;
    book_sql::notify(&mut transaction).await?;
    transaction.commit().await?;
    super::super::refresh(backend).await?;
    tracing::info!(
        source = import.source(),
        rows = new.len(),
        superseded = gone.len(),
        "prices imported into the common book"
    );
    Ok(Added { applied: chosen.len() as u64, rows: new.len() as u64, superseded: gone.len() as u64 })
}

/// Ids of the rows that are gone, and the rows that are new.
fn difference(before: &[BookPrice], after: Vec<BookPrice>) -> (Vec<u64>, Vec<BookPrice>) {
    let ids = |rows: &[BookPrice]| rows.iter().map(|row| row.price_id).collect::<BTreeSet<u64>>();
    let (had, has) = (ids(before), ids(&after));
    let gone = had.difference(&has).copied().collect();
    (gone, after.into_iter().filter(|row| !had.contains(&row.price_id)).collect())
}
