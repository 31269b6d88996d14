//! Imports of newer price data: compared with the book, shown with their effect, added as dated rows.
//!
//! The common book belongs to all tenants, so only the operator imports into it ([`common`]), from the command line.
//! An organization imports into its own book: what it takes becomes own prices by one change, which can be undone like any other.

pub mod common;
mod effect;
mod sql;

use super::own;
use super::sql as book_sql;
use crate::rules::Change;
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::format;
use domain::identity::Permission;
use domain::ids::ImportId;
use domain::price::import::{
    Card, Choice, Comparison, Import, ImportEntry, ImportInput, MAX_PROPOSALS, NameRules, Proposal, ProposalKind,
    cards, compare, keep_sound, keep_web_links, mark_uplifts, overlay, rules, varies,
};
use domain::price::page::ModelName;
use domain::price::{BookPrice, BookRows};
use domain::problem::Problem;
use domain::repricing::parse_reason;
use domain::rule::RuleKind;
use domain::span::Edge;
use domain::span::Span;
use price_data::DataSet;
use std::collections::BTreeSet;
use tokio::sync::Semaphore;

/// Files that are read at once: a large one takes a hundred megabytes while it is.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Imports of an organization that are kept; older ones give way.
const MAX_KEPT: i64 = 50;

/// Compares a file of prices with what the organization pays, and keeps what differs to be looked at. Nothing is entered yet.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] for a file that is no price data or differs in more than [`MAX_PROPOSALS`] prices; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn draft(backend: &Backend, scope: &OrgScope, input: ImportInput) -> Result<Import, Error> {
    scope.require(Permission::ManagePrices)?;
    let now = backend.clock.now();
    let from = input.from.unwrap_or_else(|| Edge::Day(scope.zone().day_of(now))).instant(scope.zone());
    let book = super::load_rows(&backend.pool, None).await?;
    let own = own::price_rows(&backend.pool, scope).await?;
    let version = if input.version.is_empty() { scope.zone().day_of(now).to_string() } else { input.version };
    let text = input.text;
    let mut read = read(text, version, book, own, from).await?;
    let found = read.comparison.proposals.len();
    if found > MAX_PROPOSALS {
        let (found, most) = (format::count(found as u64), format::count(MAX_PROPOSALS as u64));
        let detail = format!("{found} prices differ: send a file of at most {most} changes.");
        return Err(Problem::field("file", "too_many", detail).into());
    }
    let effect = effect::of_own_book(backend, scope, &read).await?;
    mark_uplifts(&mut read.comparison.proposals, &effect);
    let import_id = ImportId(backend.clock.new_id());
    let mut transaction = backend.pool.begin().await?;
    let new = sql::NewImport { import_id, now, file_name: &input.file_name, from, read: &read, effect: &effect };
    sql::insert(&mut transaction, scope, &new).await?;
    sql::keep_newest(&mut transaction, scope, MAX_KEPT).await?;
    transaction.commit().await?;
    shown(backend, scope, import_id).await
}

/// A file beside the book, as it was read.
struct Read {
    /// The common book.
    book: BookRows,
    /// What the organization is charged: its own prices over the common ones.
    charged: Vec<BookPrice>,
    data: DataSet,
    comparison: Comparison,
    names: NameRules,
}

impl Read {
    /// The data set with its version, as the first row says.
    fn source(&self) -> String {
        self.data.rows.prices.first().map_or_else(|| self.data.format.label().to_owned(), said_source)
    }

    /// The file's rows of the models that differ: enough to compare them again later.
    fn differing(&self) -> Vec<&BookPrice> {
        let models: BTreeSet<ModelName> = self.comparison.proposals.iter().map(Proposal::model).collect();
        let of_models = |row: &&BookPrice| models.contains(&name_of(row));
        self.data.rows.prices.iter().filter(of_models).collect()
    }
}

fn name_of(row: &BookPrice) -> ModelName {
    ModelName { provider: row.provider.clone(), model: row.model.clone() }
}

fn said_source(row: &BookPrice) -> String {
    format!("{} {}", row.source, row.source_version).trim_end().to_owned()
}

/// Reads and compares with the common book, or with what an organization's `own` prices over it make of it; away from the threads that answer others: a large file takes a second.
async fn read(
    text: String,
    version: String,
    book: BookRows,
    own: Vec<BookPrice>,
    from: DateTime<Utc>,
) -> Result<Read, Error> {
    let work = move || -> Result<Read, Problem> {
        let refused = |detail: String| Problem::field("file", "invalid", detail);
        let mut data = price_data::read(&text, &version, &book, from).map_err(refused)?;
        keep_web_links(&mut data.rows.prices);
        for what in keep_sound(&mut data.rows.prices) {
            *data.left_out.entry(what).or_default() += 1;
        }
        if data.rows.prices.iter().all(varies) {
            let why = data.left_out.keys().next().map_or_else(String::new, |what| format!(": {what}"));
            return Err(refused(format!("The file has no prices{why}.")));
        }
        let charged = overlay(&book.prices, &own);
        let comparison = compare(&charged, &data.rows.prices, from);
        let new = models_of(&comparison.proposals, ProposalKind::NewModel);
        let names = rules(&book, &data.rows, &new, from);
        Ok(Read { book, charged, data, comparison, names })
    };
    let turn = TURNS.acquire().await.map_err(|error| Error::server("wait to read a price file", error))?;
    // The turn lasts as long as the work: hanging up does not make room for more.
    let work = move || {
        let _turn = turn;
        work()
    };
    let read = tokio::task::spawn_blocking(work).await.map_err(|error| Error::server("read a price file", error))?;
    Ok(read?)
}

/// Models with proposals that do this.
fn models_of<'a>(proposals: impl IntoIterator<Item = &'a Proposal>, kind: ProposalKind) -> BTreeSet<ModelName> {
    proposals.into_iter().filter(|proposal| proposal.kind == kind).map(Proposal::model).collect()
}

/// One import with what it still proposes beside the book as it is now.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read, [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn import(backend: &Backend, scope: &OrgScope, import_id: ImportId) -> Result<Import, Error> {
    scope.require(Permission::Read)?;
    // Imports concern the whole organization: whoever sees a part of it does not learn that there is one.
    if !scope.sees_all() {
        return Err(Problem::NotFound.into());
    }
    shown(backend, scope, import_id).await
}

/// An import for its writer, who may have no permission to read spend.
async fn shown(backend: &Backend, scope: &OrgScope, import_id: ImportId) -> Result<Import, Error> {
    let mut connection = backend.pool.acquire().await?;
    let stored = sql::import(&mut connection, scope, import_id).await?.ok_or(Problem::NotFound)?;
    let proposals = still_proposed(backend, scope, &stored).await?.proposals;
    Ok(Import {
        entry: stored.entry,
        proposals,
        unchanged: stored.unchanged,
        unlisted_models: stored.unlisted_models,
        left_out: stored.left_out,
        effect: stored.effect,
    })
}

/// The newest imports, newest first.
///
/// # Errors
/// [`Problem::Forbidden`] for callers who do not see the whole organization; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list(backend: &Backend, scope: &OrgScope) -> Result<Vec<ImportEntry>, Error> {
    scope.require(Permission::Read)?;
    if !scope.sees_all() {
        return Err(Problem::Forbidden { detail: "Imports concern the whole organization.".to_owned() }.into());
    }
    sql::imports(&backend.pool, scope, MAX_KEPT).await
}

/// What an import proposes beside the book as it is now.
struct Now {
    charged: Vec<BookPrice>,
    proposals: Vec<Proposal>,
}

async fn still_proposed(backend: &Backend, scope: &OrgScope, stored: &sql::StoredImport) -> Result<Now, Error> {
    let models: BTreeSet<ModelName> = stored.data.iter().map(name_of).collect();
    let common = book_sql::prices_of(&backend.pool, &models).await?;
    let mut own = own::price_rows(&backend.pool, scope).await?;
    own.retain(|row| models.contains(&name_of(row)));
    let charged = overlay(&common, &own);
    let mut proposals = compare(&charged, &stored.data, stored.entry.from).proposals;
    mark_uplifts(&mut proposals, &stored.effect);
    Ok(Now { charged, proposals })
}

/// Enters what was chosen into the own book, as one change.
///
/// Every model that changes gets its whole card from that day on, so that nothing else is charged otherwise than before ([`cards`]).
/// Recorded events keep their cost until somebody reprices them.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Invalid`] for the reason, [`Problem::Conflict`] where nothing is left to enter or the book has changed since; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn apply(
    backend: &Backend,
    scope: &OrgScope,
    import_id: ImportId,
    choice: &Choice,
    reason: &str,
) -> Result<Import, Error> {
    scope.require(Permission::ManagePrices)?;
    let reason = parse_reason(reason).map_err(|problem| Problem::invalid(vec![problem]))?;
    let mut change = Change::begin(backend, scope).await?;
    let stored = sql::import(change.connection(), scope, import_id).await?.ok_or(Problem::NotFound)?;
    let now = still_proposed(backend, scope, &stored).await?;
    let chosen = choice
        .of(&now.proposals)
        .ok_or_else(|| Problem::conflict("The book has changed since you looked. Look again and choose."))?;
    if chosen.is_empty() {
        return Err(Problem::conflict("There is nothing to enter.").into());
    }
    let models: BTreeSet<ModelName> = chosen.iter().map(|proposal| proposal.model()).collect();
    for card in cards(&now.charged, chosen.iter().copied()) {
        enter(&mut change, &card).await?;
    }
    let new = models_of(chosen.iter().copied(), ProposalKind::NewModel);
    // In reverse: the newest goes first.
    for rule in stored.names.of(&new).first.iter().rev() {
        change.enter(&rule.row()).await?;
    }
    let entry = &stored.entry;
    let detail = format!(
        "Imported {} of {} from {} ({}): {reason}",
        format::counted(chosen.len() as u64, "price"),
        format::counted(models.len() as u64, "model"),
        entry.source,
        entry.file_name
    );
    sql::add_applied(change.connection(), scope, import_id, chosen.len()).await?;
    change.commit("price_override.imported", &detail).await?;
    shown(backend, scope, import_id).await
}

/// Enters one model's card; its own prices of the time give way.
async fn enter(change: &mut Change<'_>, card: &Card) -> Result<(), Error> {
    let subject = format!("{}/{}", card.model.provider, card.model.model);
    change.clear(RuleKind::PriceOverride, &subject, Span { from: card.from, to: None }).await?;
    change.insert(&card.prices).await
}
