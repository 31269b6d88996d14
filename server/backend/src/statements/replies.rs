//! What teams say about their statements while a month is in review, and what finance answers.

use super::{close, sql};
use crate::{Backend, Error, OrgScope, audit, projects};
use domain::format;
use domain::identity::Permission;
use domain::ids::DisputeId;
use domain::period::Period;
use domain::problem::Problem;
use domain::repricing::parse_reason;
use domain::statement::{DisputeForm, MonthStatement, StatementKind, TeamReply, TeamReview, Version};
use sqlx::{Postgres, Transaction};

/// The statement of one team as the last version states it, with what was said about it.
///
/// # Errors
/// `Forbidden` without the right to read, [`Problem::NotFound`] for a team that the caller does not see; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn team_review(backend: &Backend, scope: &OrgScope, month: Period, team: &str) -> Result<TeamReview, Error> {
    scope.require(Permission::Read)?;
    sql::owner(&backend.pool, scope, StatementKind::Team, team).await?.ok_or(Problem::NotFound)?;
    let mut connection = backend.pool.acquire().await?;
    let latest = sql::versions::of_month(&mut connection, scope, month.from).await?.pop();
    let replies = sql::replies::of_month(&mut connection, scope, month.from, Some(team)).await?;
    drop(connection);
    let Some(version) = latest else { return Ok(TeamReview { version: None, lines: Vec::new(), replies }) };
    let statement = of_team(backend, scope, month, version.number, team).await?;
    Ok(TeamReview { version: Some((version.number, statement.grand_total())), lines: lines(&statement), replies })
}

/// Accepts the statement of a team, as the last version states it.
///
/// # Errors
/// `Forbidden` without the permission, [`Problem::NotFound`] for a team that the caller does not see or that has no statement, [`Problem::Conflict`] where the month is not in review; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn accept(backend: &Backend, scope: &OrgScope, month: Period, team: &str) -> Result<(), Error> {
    let (mut transaction, version, statement) = in_review(backend, scope, month, team).await?;
    let total = format::money_full(statement.grand_total());
    let reply = TeamReply { dispute: None, ..reply(backend, &version, team) };
    sql::replies::insert(&mut transaction, scope, backend.clock.new_id(), month.from, &reply).await?;
    let detail = format!("Accepted the statement of the team {team} of {} ({total}).", version.label());
    audit::record(backend, scope, &mut transaction, "statement.accepted", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// Disputes a line of a team's statement, or all of it.
///
/// # Errors
/// As [`accept`]; [`Problem::Invalid`] naming `line`, `amount`, `reason`.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn dispute(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    team: &str,
    form: &DisputeForm,
) -> Result<DisputeId, Error> {
    let (mut transaction, version, statement) = in_review(backend, scope, month, team).await?;
    let dispute_id = DisputeId(backend.clock.new_id());
    let dispute = form.parse(dispute_id, &lines(&statement)).map_err(Problem::invalid)?;
    let detail = format!(
        "Disputed {}{} of the team {team} in {}. {}",
        dispute.line.as_deref().unwrap_or("the statement"),
        dispute.amount.map(|amount| format!(" ({})", format::money_full(amount))).unwrap_or_default(),
        version.label(),
        dispute.reason
    );
    let reply = TeamReply { dispute: Some(dispute), ..reply(backend, &version, team) };
    sql::replies::insert(&mut transaction, scope, dispute_id.0, month.from, &reply).await?;
    audit::record(backend, scope, &mut transaction, "statement.disputed", &detail).await?;
    transaction.commit().await?;
    Ok(dispute_id)
}

/// Settles a dispute: the team is right, or not, with a text.
///
/// # Errors
/// `Forbidden` without the permission, [`Problem::NotFound`], [`Problem::Invalid`] naming `text`, [`Problem::Conflict`] where it is answered or the month is closed; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn answer(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    dispute_id: DisputeId,
    (accepted, text): (bool, &str),
) -> Result<(), Error> {
    scope.require_whole(Permission::ManagePrices)?;
    let text = parse_reason(text).map_err(|wrong| Problem::field("text", wrong.code, wrong.detail))?;
    let (mut transaction, _) = close::begin(backend, scope, month.from).await?;
    let replies = sql::replies::of_month(&mut transaction, scope, month.from, None).await?;
    let disputes = replies.iter().filter_map(|reply| Some((reply, reply.dispute.as_ref()?)));
    let (reply, dispute) =
        disputes.into_iter().find(|(_, dispute)| dispute.dispute_id == dispute_id).ok_or(Problem::NotFound)?;
    if dispute.answer.is_some() {
        return Err(Problem::conflict("This dispute is answered.").into());
    }
    sql::replies::insert_answer(&mut transaction, scope, dispute_id, (accepted, &text), backend.clock.now()).await?;
    let word = if accepted { "Accepted" } else { "Refused" };
    let line = dispute.line.as_deref().unwrap_or("the statement");
    let detail = format!("{word} the dispute of the team {} about {line}. {text}", reply.team);
    audit::record(backend, scope, &mut transaction, "statement.answered", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// The last version of a month in review, with what it states of one team.
async fn in_review(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    team: &str,
) -> Result<(Transaction<'static, Postgres>, Version, MonthStatement), Error> {
    scope.require(Permission::ManageBudgets)?;
    sql::owner(&backend.pool, scope, StatementKind::Team, team).await?.ok_or(Problem::NotFound)?;
    let (transaction, latest) = close::begin(backend, scope, month.from).await?;
    let version = latest.ok_or_else(|| Problem::conflict("This month is not in review."))?;
    let statement = of_team(backend, scope, month, version.number, team).await?;
    if statement.teams.is_empty() && statement.adjustments.is_empty() {
        return Err(Problem::NotFound.into());
    }
    Ok((transaction, version, statement))
}

/// What a version states of one team, as far as the caller sees it.
async fn of_team(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    number: u32,
    team: &str,
) -> Result<MonthStatement, Error> {
    let seen = projects::SeenOwners::of(backend, scope).await?;
    let statement = close::stated_in(backend, scope, month, number).await?;
    Ok(statement.part(|of, project| of == Some(team) && seen.sees(of, project)))
}

fn lines(statement: &MonthStatement) -> Vec<String> {
    statement.entries().iter().map(|(key, _)| key.line(statement.month.from)).collect()
}

fn reply(backend: &Backend, version: &Version, team: &str) -> TeamReply {
    let at = backend.clock.now();
    // Who it was follows from the caller.
    TeamReply { team: team.to_owned(), version: version.number, dispute: None, at, by: String::new() }
}
