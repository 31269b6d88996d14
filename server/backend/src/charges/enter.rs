//! Entering and ending charges, one by one or as a file.

use crate::rules::{self, Change};
use crate::{Backend, Error, OrgScope, file_imports, projects};
use chrono::NaiveDate;
use domain::charge::{Charge, ChargeForm, ChargeOwner, MAX_CHARGES};
use domain::identity::Permission;
use domain::ids::{ImportId, RuleChangeId};
use domain::import::{FileImport, FileRow, ImportKind};
use domain::problem::{FieldProblem, Problem};
use domain::repricing::parse_reason;
use domain::rule::{Dated, Rule};
use domain::span::Edge;
use std::collections::HashMap;

/// So many charges of one change are named one by one in the audit log.
const NAMED: usize = 3;

/// What became of charges that were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// The change that entered them; none where all had been entered before.
    pub change_id: Option<RuleChangeId>,
    /// How many are new.
    pub entered: usize,
    /// How many were entered before under the same id with the same content.
    pub duplicates: usize,
}

/// Enters charges as one change: all of them, or none.
///
/// A charge with an id that was entered before with the same content is a duplicate, also where it was ended or withdrawn since.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming each wrong field as `<number>/<field>`, [`Problem::Conflict`] for ids that say something else already; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn enter(backend: &Backend, scope: &OrgScope, charges: &[Charge]) -> Result<Entered, Error> {
    scope.require(Permission::ManagePrices)?;
    let wrong: Vec<FieldProblem> = Owners::of(backend, scope).await?.unknown(charges);
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong).into());
    }
    let change = Change::begin(backend, scope).await?;
    enter_in(scope, change, charges).await
}

async fn enter_in(scope: &OrgScope, mut change: Change<'_>, charges: &[Charge]) -> Result<Entered, Error> {
    if charges.len() > MAX_CHARGES {
        return Err(Problem::field("charges", "too_many", format!("Send at most {MAX_CHARGES} charges.")).into());
    }
    let known = known_ids(scope, &mut change, charges).await?;
    let (mut new, mut conflicts): (HashMap<&str, &Charge>, Vec<&str>) = (HashMap::new(), Vec::new());
    let mut entered = Vec::new();
    for charge in charges {
        let Some(id) = charge.id.as_deref() else {
            entered.push(charge.clone());
            continue;
        };
        match known.get(id).or_else(|| new.get(id).copied()) {
            Some(before) if before == charge => {}
            Some(_) => conflicts.push(id),
            None => {
                new.insert(id, charge);
                entered.push(charge.clone());
            }
        }
    }
    if !conflicts.is_empty() {
        let detail = format!(
            "Entered before with other content: {}. End that charge and send the right one under an id of its own.",
            conflicts.join(", ")
        );
        return Err(Problem::conflict(detail).into());
    }
    let duplicates = charges.len() - entered.len();
    if entered.is_empty() {
        return Ok(Entered { change_id: None, entered: 0, duplicates });
    }
    change.insert(&entered).await?;
    let detail: Vec<String> = entered.iter().take(NAMED).map(|charge| rules::entered_text(scope, charge)).collect();
    let more = entered.len() - detail.len();
    let more = if more == 0 { String::new() } else { format!(" And {more} more.") };
    let change_id = change.commit("charge.entered", &format!("{}{more}", detail.join(" "))).await?;
    Ok(Entered { change_id: Some(change_id), entered: entered.len(), duplicates })
}

/// What was entered under the ids of some charges, as it was first.
async fn known_ids(
    scope: &OrgScope,
    change: &mut Change<'_>,
    charges: &[Charge],
) -> Result<HashMap<String, Charge>, Error> {
    let ids: Vec<String> = charges.iter().filter_map(|charge| charge.id.clone()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut known: Vec<Dated<Charge>> = rules::about(change.connection(), scope, &ids, i64::MAX).await?;
    // What is left of a charge that was ended stands under a later number.
    known.sort_by_key(|charge| std::cmp::Reverse(charge.rule_id));
    let plain = |charge: Dated<Charge>| (charge.row.subject(), charge.row.numbered(0, 0));
    Ok(known.into_iter().map(plain).collect())
}

/// Ends a charge before a day, or withdraws it altogether where no day is told.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`] for what is no charge that counts, [`Problem::Invalid`] naming `reason`, `valid_to`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn end(
    backend: &Backend,
    scope: &OrgScope,
    charge_id: u64,
    before: Option<NaiveDate>,
    reason: &str,
) -> Result<RuleChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let reason = parse_reason(reason).map_err(|wrong| Problem::invalid(vec![wrong]))?;
    let charge = rules::one::<Charge>(&backend.pool, scope, charge_id).await?.ok_or(Problem::NotFound)?;
    let day = before.unwrap_or(charge.row.from);
    rules::end_because(backend, scope, charge_id, Edge::Day(day), &reason).await
}

/// Keeps a file of charges until somebody has looked at it.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming `file`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn draft_import(
    backend: &Backend,
    scope: &OrgScope,
    file_name: &str,
    bytes: &[u8],
) -> Result<ImportId, Error> {
    scope.require(Permission::ManagePrices)?;
    file_imports::draft::<ChargeForm>(backend, scope, ImportKind::Charges, (file_name, bytes)).await
}

/// A row of a file with its charge, where that can be read.
pub type ImportRow = (FileRow<ChargeForm>, Option<Charge>);

/// A file of charges, each row read or with what is wrong with it.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn import(
    backend: &Backend,
    scope: &OrgScope,
    import_id: ImportId,
) -> Result<(FileImport, Vec<ImportRow>), Error> {
    scope.require(Permission::ManagePrices)?;
    let owners = Owners::of(backend, scope).await?;
    let parse = |form: &ChargeForm| {
        let charge = form.parse()?;
        owners.unknown_of(&charge).map_or(Ok(charge), |wrong| Err(vec![wrong]))
    };
    file_imports::read(backend, scope, ImportKind::Charges, import_id, parse).await
}

/// Enters the charges of a file as one change; none while any row is wrong.
///
/// # Errors
/// As [`import`] and [`enter`]; [`Problem::Conflict`] where it was entered before.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn enter_import(backend: &Backend, scope: &OrgScope, import_id: ImportId) -> Result<Entered, Error> {
    let (_, rows) = import(backend, scope, import_id).await?;
    let charges = file_imports::all_right(rows)?;
    let mut change = Change::begin(backend, scope).await?;
    file_imports::entered(change.connection(), scope, import_id, backend.clock.now()).await?;
    enter_in(scope, change, &charges).await
}

/// The projects and teams that charges may belong to.
struct Owners {
    projects: Vec<String>,
    teams: Vec<String>,
}

impl Owners {
    async fn of(backend: &Backend, scope: &OrgScope) -> Result<Self, Error> {
        let (projects, teams) = projects::slugs(backend, scope).await?;
        Ok(Self { projects, teams })
    }

    fn unknown_of(&self, charge: &Charge) -> Option<FieldProblem> {
        let (field, slug, known) = match &charge.owner {
            ChargeOwner::Unallocated => return None,
            ChargeOwner::Project(slug) => ("project", slug, &self.projects),
            ChargeOwner::Team(slug) => ("team", slug, &self.teams),
        };
        let detail = format!("There is no {field} `{slug}`.");
        known.iter().all(|known| known != slug.as_str()).then(|| FieldProblem::new(field, "unknown", detail))
    }

    fn unknown(&self, charges: &[Charge]) -> Vec<FieldProblem> {
        let of = |(at, charge): (usize, &Charge)| {
            let problem = self.unknown_of(charge)?;
            Some(FieldProblem { pointer: format!("{at}/{}", problem.pointer), ..problem })
        };
        charges.iter().enumerate().filter_map(of).collect()
    }
}
