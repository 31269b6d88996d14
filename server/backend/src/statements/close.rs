//! Review and close of a month: versions, the checklist, and what moved in closed months since.
//!
//! A closed statement is read from its version and never summed anew. What moved in its month since is the difference to what counts now, and stands in the month after the last closed one; that one's close settles it.

use super::{Detail, build, mail, sql};
use crate::locks::{self, Lock};
use crate::{Backend, Error, OrgScope, audit, charges, identity, projects, spend};
use chrono::{NaiveDate, SubsecRound};
use domain::allocation::shared;
use domain::charge::charged;
use domain::format;
use domain::identity::Permission;
use domain::period::Period;
use domain::problem::Problem;
use domain::repricing::parse_reason;
use domain::spend::{SpendQuery, Sums};
use domain::statement::{
    BUNDLE_FORMAT, Bundle, BundledVersion, Check, CloseFacts, Entries, EntryChange, MonthClose, MonthState,
    MonthStatement, Readiness, StatementBody, TeamReply, TeamStatement, Version, check_closable, closed_problem,
    disputed, next_month, sha256,
};
use rust_decimal::Decimal;
use sqlx::{Postgres, Transaction};

/// Readings of a month that is recorded into, before its sums and its statements are said to differ.
const READINGS: usize = 3;

/// Where a month stands, with its checklist, its versions and what teams said.
///
/// # Errors
/// `Forbidden` for callers who may not read the whole organization; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn closing(backend: &Backend, scope: &OrgScope, month: Period) -> Result<MonthClose, Error> {
    scope.require_whole(Permission::Read)?;
    let mut connection = backend.pool.acquire().await?;
    let versions = sql::versions::of_month(&mut connection, scope, month.from).await?;
    let replies = sql::replies::of_month(&mut connection, scope, month.from, None).await?;
    drop(connection);
    let (statement, checklist, readiness) = match closed_body(backend, scope, month.from).await? {
        Some(StatementBody { statement, checklist }) => {
            let readiness = Readiness::of_closed(&statement);
            (statement, checklist, readiness)
        }
        None => {
            let state = if versions.is_empty() { MonthState::Open } else { MonthState::InReview };
            let (statement, facts) = gathered(backend, scope, month, state).await?;
            (statement, facts.checklist(), facts.readiness())
        }
    };
    Ok(MonthClose { statement, checklist, readiness, versions, replies })
}

/// Takes a version of a month: the first one takes it into review, of which those who may close it get mail.
///
/// # Errors
/// `Forbidden` without the permission; [`Problem::Conflict`] where the month is closed, has not begun, or nothing moved since its last version; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn review(backend: &Backend, scope: &OrgScope, month: Period) -> Result<Version, Error> {
    scope.require_whole(Permission::ManagePrices)?;
    if month.from > scope.zone().day_of(backend.clock.now()) {
        return Err(Problem::conflict("This month has not begun.").into());
    }
    let (mut transaction, latest) = begin(backend, scope, month.from).await?;
    let body = body(backend, scope, month, MonthState::InReview).await?;
    if let Some(latest) = &latest {
        let before = stated_in(backend, scope, month, latest.number).await?;
        if body.statement.entries() == before.entries() {
            return Err(Problem::conflict(format!("Nothing moved since version {}.", latest.number)).into());
        }
    }
    let version = take(backend, scope, &mut transaction, &body, latest.as_ref()).await?;
    let detail = format!(
        "Took version {} of the statements of {} ({}).",
        version.number,
        format::month(month.from),
        format::money_full(version.total)
    );
    audit::record(backend, scope, &mut transaction, "statement.version", &detail).await?;
    mail::in_review(backend, scope, &mut transaction, &version, &body.statement).await?;
    transaction.commit().await?;
    Ok(version)
}

/// Closes a month for good, with the sums as they are: they have to come to the total that was seen.
///
/// # Errors
/// `Forbidden` without the permission; [`Problem::Conflict`] where the month is closed or not in review, the checklist is not satisfied, or the total is another one by now; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn close(backend: &Backend, scope: &OrgScope, month: Period, seen: Decimal) -> Result<Version, Error> {
    scope.require_whole(Permission::ManagePrices)?;
    let (mut transaction, latest) = begin(backend, scope, month.from).await?;
    let latest = latest.ok_or_else(|| Problem::conflict("Start the review first."))?;
    let body = body(backend, scope, month, MonthState::Closed).await?;
    check_closable(&body.checklist)?;
    let total = body.statement.grand_total();
    if total != seen {
        let (now, seen) = (format::money_full(total), format::money_full(seen));
        return Err(Problem::conflict(format!("The total is {now} by now, not {seen}. Look at it again.")).into());
    }
    let version = take(backend, scope, &mut transaction, &body, Some(&latest)).await?;
    sql::versions::insert_entries(&mut transaction, scope, &version, &body.statement.entries()).await?;
    let detail = format!(
        "Closed {} with {} (version {}, SHA-256 {}).",
        format::month(month.from),
        format::money_full(total),
        version.number,
        version.hash
    );
    audit::record(backend, scope, &mut transaction, "statement.closed", &detail).await?;
    transaction.commit().await?;
    Ok(version)
}

/// Answers for the usage of a month that has no price, as much of it as there is.
///
/// # Errors
/// `Forbidden` without the permission; [`Problem::Invalid`] naming `check`, `reason`; [`Problem::Conflict`] where the month is closed or nothing is unpriced; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn waive(backend: &Backend, scope: &OrgScope, month: Period, check: &str, reason: &str) -> Result<(), Error> {
    scope.require_whole(Permission::ManagePrices)?;
    let (check, reason) = match (check.parse::<Check>(), parse_reason(reason)) {
        (Ok(check), Ok(reason)) => (check, reason),
        (check, reason) => return Err(Problem::invalid(check.err().into_iter().chain(reason.err()).collect()).into()),
    };
    let (mut transaction, _) = begin(backend, scope, month.from).await?;
    let whole = identity::system_scope(backend, scope.org_id()).await?;
    let up_to = spend::query(backend, &whole, &SpendQuery::over(month)).await?.total.unpriced_requests;
    if up_to == 0 {
        return Err(Problem::conflict("All usage of the month has a price.").into());
    }
    let new = sql::versions::NewWaiver {
        waiver_id: backend.clock.new_id(),
        month: month.from,
        check,
        up_to,
        reason: &reason,
        at: backend.clock.now(),
    };
    sql::versions::insert_waiver(&mut transaction, scope, new).await?;
    let detail =
        format!("Waived {} of {}. {reason}", format::counted(up_to, "unpriced request"), format::month(month.from));
    audit::record(backend, scope, &mut transaction, "statement.waived", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// A version with what it states.
///
/// # Errors
/// `Forbidden` for callers who may not read the whole organization; [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn version(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    number: u32,
) -> Result<(Version, StatementBody), Error> {
    scope.require_whole(Permission::Read)?;
    let mut connection = backend.pool.acquire().await?;
    let versions = sql::versions::of_month(&mut connection, scope, month.from).await?;
    drop(connection);
    let version = versions.into_iter().find(|version| version.number == number).ok_or(Problem::NotFound)?;
    Ok((version, body_of(backend, scope, month.from, Some(number)).await?.ok_or(Problem::NotFound)?))
}

/// What is different in a version than in another one, line by line; than in it now, where no second is told.
///
/// # Errors
/// As [`version`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn changes(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    from: u32,
    to: Option<u32>,
) -> Result<Vec<EntryChange>, Error> {
    scope.require_whole(Permission::Read)?;
    let before = stated_in(backend, scope, month, from).await?;
    let after = match to {
        Some(number) => stated_in(backend, scope, month, number).await?,
        None => super::stated(backend, scope, month, None, Detail::Models).await?,
    };
    Ok(after.entries().changes_since(&before.entries()))
}

/// All versions up to the last one of a month, with what that month's state, to be checked without this server.
///
/// # Errors
/// `Forbidden` for callers who may not read the whole organization; [`Problem::NotFound`] for months without versions; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn bundle(backend: &Backend, scope: &OrgScope, month: Period) -> Result<Bundle, Error> {
    scope.require_whole(Permission::Read)?;
    let mut connection = backend.pool.acquire().await?;
    let versions = sql::versions::of_month(&mut connection, scope, month.from).await?;
    drop(connection);
    let until = versions.last().ok_or(Problem::NotFound)?.position;
    let bundled = |(version, body): (Version, Option<String>)| -> Result<BundledVersion, Error> {
        let body = body.map(|text| serde_json::from_str(&text)).transpose();
        Ok(BundledVersion { version, body: body.map_err(not_a_body)? })
    };
    let chain = sql::versions::chain(&backend.pool, scope, until, month.from).await?;
    Ok(Bundle {
        format: BUNDLE_FORMAT.to_owned(),
        organization: identity::organization(backend, scope).await?.slug,
        versions: chain.into_iter().map(bundled).collect::<Result<_, _>>()?,
    })
}

/// Where a month stands.
pub(super) async fn state(backend: &Backend, scope: &OrgScope, month: NaiveDate) -> Result<MonthState, Error> {
    let mut connection = backend.pool.acquire().await?;
    Ok(match sql::versions::of_month(&mut connection, scope, month).await?.last() {
        None => MonthState::Open,
        Some(version) if version.closed => MonthState::Closed,
        Some(_) => MonthState::InReview,
    })
}

/// What a closed month states; none while it is open.
pub(super) async fn closed_body(
    backend: &Backend,
    scope: &OrgScope,
    month: NaiveDate,
) -> Result<Option<StatementBody>, Error> {
    body_of(backend, scope, month, None).await
}

/// What moved in closed months and was posted in none, where it stands in this month, as far as the caller sees it.
pub(super) async fn adjustments_in(backend: &Backend, scope: &OrgScope, month: NaiveDate) -> Result<Entries, Error> {
    let closed = sql::versions::closed(&backend.pool, scope).await?;
    match closed.last() {
        Some(last) if next_month(*last) == month => pending(backend, scope, &closed).await,
        _ => Ok(Entries::default()),
    }
}

/// What counts in closed months now, less what closed statements hold of them.
async fn pending(backend: &Backend, scope: &OrgScope, closed: &[NaiveDate]) -> Result<Entries, Error> {
    let seen = projects::SeenOwners::of(backend, scope).await?;
    let mut now = Entries::default();
    for month in closed {
        let statement = build(backend, scope, Period::month_of(*month), None, Detail::Models).await?;
        statement.entries().iter().for_each(|(key, amount)| now.add(key.clone(), amount));
    }
    Ok(now.since(&sql::versions::settled(&backend.pool, scope, &seen).await?))
}

/// Waits for whoever changes a month's versions; the last version of a month that is not closed.
pub(super) async fn begin(
    backend: &Backend,
    scope: &OrgScope,
    month: NaiveDate,
) -> Result<(Transaction<'static, Postgres>, Option<Version>), Error> {
    let mut transaction = backend.pool.begin().await?;
    locks::hold(&mut transaction, Lock::Statements.of(scope.org_id())).await?;
    let latest = sql::versions::of_month(&mut transaction, scope, month).await?.pop();
    match latest {
        Some(version) if version.closed => Err(closed_problem(month).into()),
        latest => Ok((transaction, latest)),
    }
}

/// What a version states.
pub(super) async fn stated_in(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    number: u32,
) -> Result<MonthStatement, Error> {
    Ok(body_of(backend, scope, month.from, Some(number)).await?.ok_or(Problem::NotFound)?.statement)
}

async fn body_of(
    backend: &Backend,
    scope: &OrgScope,
    month: NaiveDate,
    number: Option<u32>,
) -> Result<Option<StatementBody>, Error> {
    let text = sql::versions::body(&backend.pool, scope, month, number).await?;
    text.map(|text| serde_json::from_str(&text)).transpose().map_err(not_a_body)
}

fn not_a_body(error: serde_json::Error) -> Error {
    Error::inconsistent("statement_versions", "body", error)
}

/// What a version of the month would state now.
async fn body(backend: &Backend, scope: &OrgScope, month: Period, state: MonthState) -> Result<StatementBody, Error> {
    let (statement, facts) = gathered(backend, scope, month, state).await?;
    Ok(StatementBody { checklist: facts.checklist(), statement })
}

/// A month's statement as it is now, with what its checklist follows from, by the server's own view: a key that may close months need not be one that reads spend.
async fn gathered(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    state: MonthState,
) -> Result<(MonthStatement, CloseFacts), Error> {
    let scope = &identity::system_scope(backend, scope.org_id()).await?;
    let closed = sql::versions::closed(&backend.pool, scope).await?;
    let pending = pending(backend, scope, &closed).await?;
    let waiver = sql::versions::waiver(&backend.pool, scope, month.from).await?;
    let mut connection = backend.pool.acquire().await?;
    let replies = sql::replies::of_month(&mut connection, scope, month.from, None).await?;
    drop(connection);
    let (open_disputes, disputed) = open_disputes(backend, scope, month, &replies).await?;
    let (statement, counted) = settled_reading(backend, scope, month).await?;
    let Sums { requests, unpriced_requests: unpriced, .. } = statement.total;
    let facts = CloseFacts {
        month,
        today: statement.today,
        requests,
        unpriced,
        unpriced_at_most: unpriced_at_most(backend, scope, month, unpriced).await?,
        waiver,
        counted,
        stated: stated(&statement),
        unallocated: statement.unallocated(),
        open_disputes,
        disputed,
        last_closed: closed.last().copied(),
        pending: pending.total(),
        pending_entries: pending.iter().count(),
    };
    let adjustments = if facts.is_next() { pending.into_list() } else { Vec::new() };
    Ok((MonthStatement { state, adjustments, ..statement }, facts))
}

/// How many disputes of a month have no answer, and what they are about, by the newest version that is disputed.
pub(super) async fn open_disputes(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    replies: &[TeamReply],
) -> Result<(usize, Decimal), Error> {
    let is_open = |reply: &&TeamReply| reply.dispute.as_ref().is_some_and(|dispute| dispute.answer.is_none());
    let open: Vec<&TeamReply> = replies.iter().filter(is_open).collect();
    let Some(number) = open.iter().map(|reply| reply.version).max() else { return Ok((0, Decimal::ZERO)) };
    Ok((open.len(), disputed(&stated_in(backend, scope, month, number).await?, replies)))
}

/// What so many requests of a month without a price can have cost at most.
pub(super) async fn unpriced_at_most(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    unpriced: i64,
) -> Result<Decimal, Error> {
    if unpriced == 0 { Ok(Decimal::ZERO) } else { spend::unpriced_at_most(backend, scope, month).await }
}

/// The statements of a month beside what the Overview and the charges say; read again where something was recorded between the two.
async fn settled_reading(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
) -> Result<(MonthStatement, Decimal), Error> {
    let mut left = READINGS;
    loop {
        left -= 1;
        let statement = build(backend, scope, month, None, Detail::Lines).await?;
        let costs = charges::costs(backend, scope, month).await?;
        let charged: Decimal = costs.iter().map(|cost| cost.amount_in(month)).sum();
        let counted = spend::query(backend, scope, &SpendQuery::over(month)).await?.total.spend + charged;
        if left == 0 || counted == stated(&statement) {
            return Ok((statement, counted));
        }
    }
}

/// All statements and what is unallocated.
fn stated(statement: &MonthStatement) -> Decimal {
    let teams: Decimal = statement.teams.iter().map(TeamStatement::total).sum();
    teams + charged(&statement.unallocated) + shared(&statement.unallocated_shared)
}

/// Writes down the next version of the organization's chain.
async fn take(
    backend: &Backend,
    scope: &OrgScope,
    transaction: &mut Transaction<'static, Postgres>,
    body: &StatementBody,
    latest: Option<&Version>,
) -> Result<Version, Error> {
    let before = sql::versions::last(transaction, scope).await?;
    let text = body.canonical().map_err(|error| Error::server("statement body", error))?;
    let version = Version {
        position: before.as_ref().map_or(1, |before| before.position + 1),
        month: body.statement.month.from,
        number: latest.map_or(1, |latest| latest.number + 1),
        closed: body.statement.state == MonthState::Closed,
        // As PostgreSQL keeps it.
        at: backend.clock.now().trunc_subsecs(6),
        by: sql::versions::caller_name(transaction, scope).await?,
        total: body.statement.grand_total(),
        body_hash: sha256(&text),
        previous: before.map(|before| before.hash),
        hash: String::new(),
    };
    let version = version.sealed();
    sql::versions::insert(transaction, scope, &version, &text).await?;
    Ok(version)
}
