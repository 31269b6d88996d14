//! Journals: a month's statement as entries for a general ledger ([`domain::journal`]), exported once per version.
//!
//! An export is recorded with its entries, and files are made from what was recorded: so a second file has the references and amounts of the first, by which a ledger knows a repetition.

mod sql;

use crate::{Backend, Error, OrgScope, audit, identity, projects, statements};
use domain::format;
use domain::identity::Permission;
use domain::journal::{
    Cost, ExportedJournal, Journal, JournalHead, JournalKind, JournalSettings, JournalState, KnownOwners, Preset, costs,
};
use domain::period::Period;
use domain::problem::Problem;
use domain::statement::{CostOwner, MonthState, MonthStatement, sha256};

/// How journals are booked.
///
/// # Errors
/// `Forbidden` without the right to read all projects; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn settings(backend: &Backend, scope: &OrgScope) -> Result<JournalSettings, Error> {
    scope.require_whole(Permission::Read)?;
    sql::settings(&backend.pool, scope).await
}

/// Changes how journals are booked from now on; recorded ones keep their amounts.
///
/// # Errors
/// `Forbidden` without the permission to manage prices and charges; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn set_settings(backend: &Backend, scope: &OrgScope, settings: &JournalSettings) -> Result<(), Error> {
    scope.require_whole(Permission::ManagePrices)?;
    let mut transaction = backend.pool.begin().await?;
    identity::lock_organization(&mut transaction, scope).await?;
    let before = sql::settings(&mut *transaction, scope).await?;
    let changed = settings.changes_since(&before);
    if changed.is_empty() {
        return Ok(());
    }
    sql::set_settings(&mut transaction, scope, settings).await?;
    let detail = format!("Changed the journal's {}.", changed.join(", the "));
    audit::record(backend, scope, &mut transaction, "journal.settings_changed", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// Where the journals of a month stand, by kind.
///
/// # Errors
/// [`Problem::NotFound`] for a key that sees one project alone; `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn states(backend: &Backend, scope: &OrgScope, month: Period) -> Result<Vec<JournalState>, Error> {
    require_seen(scope)?;
    let stated = Stated::read(backend, scope, month).await?;
    let mut states = Vec::new();
    for kind in JournalKind::ALL {
        let exported = sql::newest(&backend.pool, scope, month, kind).await?;
        let next = stated.next(kind, exported.as_ref());
        states.push(JournalState { kind, exported, next });
    }
    Ok(states)
}

/// Records a month's journal, with the hash of its file in these columns; whether it is new. One that was recorded before stays as it is.
///
/// # Errors
/// [`Problem::Conflict`] for a chargeback of a month that is not closed, and where there is nothing to book; `Forbidden` without the permission to manage prices and charges; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn export(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    (kind, preset): (JournalKind, Preset),
) -> Result<(ExportedJournal, bool), Error> {
    scope.require_whole(Permission::ManagePrices)?;
    // With the server's own view: a key that may export need not be one that reads spend.
    let whole = identity::system_scope(backend, scope.org_id()).await?;
    let stated = Stated::read(backend, &whole, month).await?;
    let settings = filled_settings(backend, scope).await?;
    let mut transaction = backend.pool.begin().await?;
    identity::lock_organization(&mut transaction, scope).await?;
    let newest = sql::newest(&mut *transaction, scope, month, kind).await?;
    let Some(journal) = stated.next(kind, newest.as_ref()) else {
        let nothing = match kind {
            JournalKind::Chargeback => "A month is charged back once it is closed and has costs.",
            JournalKind::Accrual => "There is no priced usage to accrue in this month.",
        };
        return Ok((newest.ok_or_else(|| Problem::conflict(nothing))?, false));
    };
    let sha256 = sha256(&journal.files(preset, &settings).concat());
    sql::insert(&mut transaction, scope, &journal, (preset, &sha256), backend.clock.now()).await?;
    let detail = format!(
        "Exported the {} journal {} for {}: {}, SHA-256 {sha256}.",
        kind.as_str(),
        journal.head.journal_id(),
        preset.label(),
        format::money(journal.total()),
    );
    audit::record(backend, scope, &mut transaction, "journal.exported", &detail).await?;
    transaction.commit().await?;
    let exported = sql::newest(&backend.pool, scope, month, kind).await?.ok_or(Problem::NotFound)?;
    Ok((exported, true))
}

/// A recorded journal with its files in these columns.
///
/// # Errors
/// [`Problem::NotFound`] while none was recorded, and for a key that sees one project alone; `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn files(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    (kind, preset): (JournalKind, Preset),
) -> Result<(ExportedJournal, Vec<String>), Error> {
    require_seen(scope)?;
    let exported = sql::newest(&backend.pool, scope, month, kind).await?.ok_or(Problem::NotFound)?;
    let files = exported.journal.files(preset, &filled_settings(backend, scope).await?);
    Ok((exported, files))
}

/// A journal is of the whole organization.
fn require_seen(scope: &OrgScope) -> Result<(), Problem> {
    scope.require(Permission::Read)?;
    scope.require_whole(Permission::Read).map_err(|_| Problem::NotFound)
}

/// The settings, with the organization as the entity where none is named.
async fn filled_settings(backend: &Backend, scope: &OrgScope) -> Result<JournalSettings, Error> {
    let mut settings = sql::settings(&backend.pool, scope).await?;
    if settings.entity.is_empty() {
        settings.entity = identity::organization(backend, scope).await?.name;
    }
    Ok(settings)
}

/// What journals of a month would book.
struct Stated {
    statement: MonthStatement,
    /// Of the month's closed version; none while it is open.
    closed: Option<u32>,
    costs: Vec<Cost>,
    org: String,
}

impl Stated {
    async fn read(backend: &Backend, scope: &OrgScope, month: Period) -> Result<Self, Error> {
        let statement = statements::month(backend, scope, month, true).await?;
        let costs = costs(&statement, &known_owners(backend, scope).await?);
        Ok(Self {
            statement,
            closed: sql::closed_version(&backend.pool, scope, month).await?,
            costs,
            org: identity::organization(backend, scope).await?.slug,
        })
    }

    /// What an export would record beside the newest one; none where there is nothing to book, or it was recorded.
    fn next(&self, kind: JournalKind, newest: Option<&ExportedJournal>) -> Option<Journal> {
        let version = match (kind, newest) {
            // A closed version is booked once.
            (JournalKind::Chargeback, Some(_)) => return None,
            (JournalKind::Chargeback, None) => self.closed.filter(|_| self.statement.state == MonthState::Closed)?,
            (JournalKind::Accrual, newest) => newest.map_or(1, |newest| newest.journal.head.version + 1),
        };
        let (month, currency) = (self.statement.month.from, self.statement.currency.clone());
        let head = JournalHead { org: self.org.clone(), kind, month, version, currency };
        let journal = Journal::of(head, &self.costs);
        let is_recorded = newest.is_some_and(|newest| newest.journal.entries == journal.entries);
        (!journal.entries.is_empty() && !is_recorded).then_some(journal)
    }
}

async fn known_owners(backend: &Backend, scope: &OrgScope) -> Result<KnownOwners, Error> {
    let (teams, projects) =
        futures::try_join!(projects::list_teams(backend, scope), projects::list_projects(backend, scope))?;
    let teams = teams.into_iter().map(|team| (team.slug, team.name, team.cost_centre));
    let projects = projects.into_iter().map(|project| (project.slug, project.name, project.cost_centre));
    let owner = |(slug, name, cost_centre)| CostOwner { slug: String::from(slug), name, cost_centre };
    Ok(KnownOwners { teams: teams.map(owner).collect(), projects: projects.map(owner).collect() })
}
