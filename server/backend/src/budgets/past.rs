//! Budgets of the sample: as if they had been there since its quarter began, with the alerts that they would have given.

use super::{evaluate, mail, sql, usage_of};
use crate::delivery::{self, NewMail};
use crate::identity::tokens::LinkToken;
use crate::{Backend, Error, OrgScope, spend};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::budget::{Budget, BudgetInput, BudgetUsage, ScopeRef};
use domain::ids::{AlertId, BudgetId};
use domain::money::round_line;
use domain::period::Period;
use domain::problem::Problem;
use domain::spend::{Dimension, Estimate, Granularity, SpendQuery, Sums};
use rust_decimal::Decimal;
use sqlx::PgConnection;

/// Makes a budget that was there since an instant, with every alert since: at the end of the hour in which the sum crossed its threshold. Its recipients count as confirmed, and those of months that are over as seen.
///
/// For the sample alone, about which no mail is sent.
///
/// # Errors
/// `Forbidden` without the permission; `NotFound` where its scope names nothing; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub(crate) async fn create_in_the_past(
    backend: &Backend,
    scope: &OrgScope,
    input: &BudgetInput,
    since: DateTime<Utc>,
) -> Result<(), Error> {
    let budget_id = BudgetId(backend.clock.new_id());
    let _permit = evaluate::evaluation_permit().await?;
    let mut transaction = backend.pool.begin().await?;
    let part = sql::resolve(&mut transaction, scope, &input.scope).await?.ok_or(Problem::NotFound)?;
    sql::insert(&mut transaction, scope, budget_id, part, input, since).await?;
    sql::insert_amount(&mut transaction, scope, budget_id, 1, input.amount, since).await?;
    for email in &input.recipients {
        let token = LinkToken::new(backend.clock.as_ref());
        let question = sql::Question { email, token: &token, now: since, expires_at: since, not_since: since };
        if sql::ask_recipient(&mut transaction, scope, question).await? {
            sql::confirm_recipient(&mut transaction, scope, &token.hash, since).await?;
        }
    }
    let this = Period::month_of(scope.zone().day_of(backend.clock.now()));
    let budget = sql::lock(&mut transaction, scope, budget_id, this.from).await?.ok_or(Problem::NotFound)?;
    let mut month = Period::month_of(scope.zone().day_of(since));
    while month.from <= this.from {
        alerts_of(backend, scope, &mut transaction, &budget, month.from).await?;
        month = Period::month_of(month.to);
    }
    sql::acknowledge_before(&mut transaction, scope, budget_id, this.from).await?;
    transaction.commit().await?;
    Ok(())
}

async fn alerts_of(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    budget: &Budget,
    month: NaiveDate,
) -> Result<(), Error> {
    let (in_force, _) = evaluate::lock_month(scope, connection, budget, month).await?;
    let now = backend.clock.now();
    // Estimates are made by day; every hour has its share by what is unpriced in it.
    let days = spend::project_days(backend, scope, Period::month_of(month)).await?;
    let of_month = usage_of(&days, budget.scope, in_force.amount).estimate;
    let estimate = |sums: &Sums| Estimate {
        amount: (of_month.amount * sums.unpriced_upper_bound)
            .checked_div(of_month.upper_bound)
            .map_or(Decimal::ZERO, round_line),
        events: sums.unpriced_requests,
        upper_bound: sums.unpriced_upper_bound,
    };
    let mut usage = BudgetUsage { used: Decimal::ZERO, estimate: Estimate::default(), amount: in_force.amount };
    let mut to_come = budget.thresholds.as_slice();
    for (hour, sums) in hours(backend, scope, budget, month).await? {
        let estimate = estimate(&sums);
        usage.used += sums.spend + estimate.amount;
        usage.estimate += estimate;
        let (crossed, rest) = to_come.split_at(to_come.partition_point(|threshold| usage.crosses(*threshold)));
        to_come = rest;
        let at = (hour + Duration::hours(1)).min(now);
        let mut alerts = Vec::new();
        for threshold in crossed.iter().copied() {
            let alert_id = AlertId(backend.clock.new_id());
            let revision = in_force.revision;
            let crossing = sql::Crossing { alert_id, budget, month, threshold, usage, revision, late: false };
            sql::record(connection, scope, &crossing, at).await?;
            alerts.push(alert_id);
        }
        tell(backend, scope, connection, (budget, month, &usage), &alerts, at).await?;
    }
    sql::evaluated(connection, scope, budget.budget_id, month, &usage, now).await
}

/// What was spent in each hour of a month.
async fn hours(
    backend: &Backend,
    scope: &OrgScope,
    budget: &Budget,
    month: NaiveDate,
) -> Result<Vec<(DateTime<Utc>, Sums)>, Error> {
    let month = SpendQuery::over(Period::month_of(month)).per(Granularity::Hour);
    let query = match &budget.scope_ref {
        ScopeRef::Organization => month,
        ScopeRef::Team(slug) => month.only(Dimension::Team, slug.as_str()),
        ScopeRef::Project(slug) => month.only(Dimension::Project, slug.as_str()),
    };
    let rows = spend::query(backend, scope, &query).await?.rows;
    Ok(rows.into_iter().filter_map(|row| Some((row.bucket?.hour()?.to_utc(), row.sums))).collect())
}

/// The mails that would have told of them, about the highest threshold.
async fn tell(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    (budget, month, usage): (&Budget, NaiveDate, &BudgetUsage),
    alerts: &[AlertId],
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let Some((alert_id, lower)) = alerts.split_last() else { return Ok(()) };
    sql::join_entry(connection, scope, lower, *alert_id).await?;
    for recipient in budget.mailed() {
        let mail = NewMail {
            org_id: Some(scope.org_id()),
            kind: "budget_alert",
            recipient: recipient.clone(),
            subject: mail::subject(budget, month, usage),
            text: String::new(),
            html: String::new(),
            alert_id: Some(*alert_id),
        };
        delivery::keep_unsent(backend, connection, mail, at).await?;
    }
    sql::mailed(connection, scope, *alert_id, budget.mailed().count()).await
}
