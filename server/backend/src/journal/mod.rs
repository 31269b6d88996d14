//! Journals: a month's statement as entries for a general ledger ([`domain::journal`]), exported once per version.
//!
//! An export is recorded with its entries, and files are made from what was recorded: so a second file has the references and amounts of the first, by which a ledger knows a repetition.

mod sql;

use crate::{Backend, Error, OrgScope, audit, identity, projects, statements};
use domain::format;
use domain::identity::Permission;
use domain::journal::{
    ExportedJournal, Journal, JournalHead, JournalKind, JournalSettings, JournalState, KnownOwners, Preset, costs,
};
use domain::period::Period;
use domain::problem::Problem;
use domain::statement::{CostOwner, MonthStatement, StatementBody, sha256};

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
    sql::lock(&mut transaction, scope).await?;
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
    let mut states = Vec::new();
    for kind in JournalKind::ALL {
        let exported = sql::newest(&backend.pool, scope, month, kind).await?;
        let stated = stated(backend, scope, month, kind).await?;
        let next = stated.and_then(|stated| stated.next(exported.as_ref()));
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
    let stated = stated(backend, scope, month, kind).await?;
    let settings = filled_settings(backend, scope).await?;
    let mut transaction = backend.pool.begin().await?;
    sql::lock(&mut transaction, scope).await?;
    let newest = sql::newest(&mut *transaction, scope, month, kind).await?;
    let Some(journal) = stated.and_then(|stated| stated.next(newest.as_ref())) else {
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

/// What a journal of one kind would book, in its first version.
struct Stated(Journal);

impl Stated {
    /// What an export would record; none where that was recorded.
    fn next(self, newest: Option<&ExportedJournal>) -> Option<Journal> {
        let Self(mut journal) = self;
        match (journal.head.kind, newest) {
            (_, None) => {}
            // A closed version is booked once.
            (JournalKind::Chargeback, Some(_)) => return None,
            (JournalKind::Accrual, Some(newest)) if newest.journal.entries == journal.entries => return None,
            (JournalKind::Accrual, Some(newest)) => journal.head.version = newest.journal.head.version + 1,
        }
        (!journal.entries.is_empty()).then_some(journal)
    }
}

/// A chargeback is of the closed version, an accrual of the month as it is; none for a chargeback of a month that is not closed.
async fn stated(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    kind: JournalKind,
) -> Result<Option<Stated>, Error> {
    let (statement, version): (MonthStatement, u32) = match kind {
        JournalKind::Chargeback => {
            let Some((number, body)) = sql::closed_version(&backend.pool, scope, month).await? else { return Ok(None) };
            let body: StatementBody = serde_json::from_str(&body)
                .map_err(|error| Error::inconsistent("statement_versions", "body", error))?;
            (body.statement, number)
        }
        JournalKind::Accrual => (statements::month(backend, scope, month, true).await?, 1),
    };
    let known = known_owners(backend, scope).await?;
    let head = JournalHead {
        org: identity::organization(backend, scope).await?.slug,
        kind,
        month: month.from,
        version,
        currency: statement.currency.clone(),
    };
    let markup = sql::settings(&backend.pool, scope).await?.markup;
    Ok(Some(Stated(Journal::of(head, &costs(&statement, &known), markup))))
}

async fn known_owners(backend: &Backend, scope: &OrgScope) -> Result<KnownOwners, Error> {
    let (teams, projects) =
        futures::try_join!(projects::list_teams(backend, scope), projects::list_projects(backend, scope))?;
    let teams = teams.into_iter().map(|team| (team.slug, team.name, team.cost_centre));
    let projects = projects.into_iter().map(|project| (project.slug, project.name, project.cost_centre));
    let owner = |(slug, name, cost_centre)| CostOwner { slug: String::from(slug), name, cost_centre };
    Ok(KnownOwners { teams: teams.map(owner).collect(), projects: projects.map(owner).collect() })
}
