//! The mail that a crossing would send, now and marked as a test.

use super::{evaluate, lock_active, mail, recipients, sql, this_month};
use crate::{Backend, Error, OrgScope, audit, delivery, identity};
use chrono::Duration;
use domain::identity::{Email, Permission};
use domain::ids::BudgetId;
use domain::problem::Problem;

/// Test mails: presses of the button per hour and budget, and per hour and organization.
const TESTS_PER_HOUR: (i64, i64) = (5, 20);

/// Who gets a test mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestTo {
    /// The person who asks.
    Me,
    /// All recipients of the budget.
    Recipients,
}

/// Sends the mail that a crossing would send, with the present figures and marked as a test; how many mails that is.
///
/// # Errors
/// `Forbidden` without the permission; `NotFound`; `Conflict` when it is archived or has nobody to send to; `RateLimited`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn send_test(backend: &Backend, scope: &OrgScope, budget_id: BudgetId, to: TestTo) -> Result<usize, Error> {
    scope.require(Permission::ManageBudgets)?;
    let now = backend.clock.now();
    let _permit = evaluate::evaluation_permit().await?;
    let mut transaction = backend.pool.begin().await?;
    let budget = lock_active(backend, scope, &mut transaction, budget_id).await?;
    let (of_budget, of_organization) =
        sql::tests_since(&mut transaction, scope, budget_id, now - Duration::hours(1)).await?;
    if of_budget >= TESTS_PER_HOUR.0 || of_organization >= TESTS_PER_HOUR.1 {
        return Err(Problem::RateLimited { retry_after_secs: 3_600 }.into());
    }
    let own = sql::own_address(&mut transaction, scope).await?;
    let recipients: Vec<_> = match to {
        TestTo::Me => own.iter().cloned().collect(),
        TestTo::Recipients => {
            recipients::mailed(scope, &mut transaction, &budget, this_month(backend, scope).from).await?
        }
    };
    if recipients.is_empty() {
        return Err(Problem::conflict("There is nobody to send a test mail to.").into());
    }
    let by = own.as_ref().map_or("an API key", Email::as_str);
    // With the server's own view: who may ask for the mail need not be one who reads spend, and it goes to the budget's people.
    let whole = identity::system_scope(backend, scope.org_id()).await?;
    let letter = mail::test(backend, &whole, &budget, by).await?;
    let detail = format!("Sent a test mail of the budget {} to {}.", budget.name, listed(&recipients));
    audit::record(backend, scope, &mut transaction, "budget.tested", &detail).await?;
    let test_id = backend.clock.new_id();
    for recipient in &recipients {
        let mail_id = delivery::enqueue(backend, &mut transaction, letter.to(recipient, None)?).await?;
        sql::insert_test(&mut transaction, scope, test_id, mail_id, budget_id, now).await?;
    }
    transaction.commit().await?;
    Ok(recipients.len())
}

fn listed(recipients: &[Email]) -> String {
    let list: Vec<_> = recipients.iter().map(Email::as_str).collect();
    if list.is_empty() { "nobody".to_owned() } else { list.join(", ") }
}
