//! From spend to the ledger and the mail: once, whoever finds it, however often it is looked at.

mod at_once;
mod changes;
mod crossings;
mod reading;
mod recipients;

use crate::support::{Server, email, money};
use backend::delivery::Mailer;
use backend::{Backend, Error, OrgScope, budgets};
use domain::budget::{Alert, AlertFilter, Budget, BudgetInput, ScopeRef};
use domain::problem::Problem;
use secrecy::SecretString;
use std::sync::Arc;
use testkit::SmtpSink;
use testkit::seed::Organization;

const NOW: &str = "2026-11-20T09:00:00Z";

fn input(amount: &str, thresholds: &[u16]) -> BudgetInput {
    BudgetInput {
        name: "Production assistant".to_owned(),
        scope: ScopeRef::Organization,
        amount: money(amount),
        thresholds: thresholds.to_vec(),
        recipients: vec![email("ada@example.com"), email("bob@example.com")],
    }
}

/// An organization whose mails Ada and Bob want.
async fn organization(server: &Server, name: &str, zone: &str) -> Organization {
    let org = server.organization(name, zone).await;
    org.confirmed(&["ada@example.com", "bob@example.com"]).await;
    org
}

async fn budget(server: &Server, org: &Organization, amount: &str, thresholds: &[u16]) -> Budget {
    budgets::create(&server.backend, &org.owner, input(amount, thresholds)).await.unwrap()
}

async fn evaluate(server: &Server) -> usize {
    budgets::evaluate_marks(&server.backend).await.unwrap()
}

/// The whole ledger, oldest first.
async fn ledger(backend: &Backend, scope: &OrgScope) -> Vec<Alert> {
    let page = budgets::alerts(backend, scope, AlertFilter::All, None, None).await.unwrap();
    assert_eq!(page.next, None, "these tests stay below one page");
    let mut alerts = page.alerts;
    alerts.sort_by_key(|alert| (alert.month, alert.revision, alert.thresholds.clone()));
    alerts
}

fn thresholds(alerts: &[Alert]) -> Vec<u16> {
    alerts.iter().flat_map(|alert| alert.thresholds.clone()).collect()
}

async fn mails(backend: &Backend) -> i64 {
    sqlx::query_scalar("select count(*) from mails where kind = 'budget_alert'").fetch_one(&backend.pool).await.unwrap()
}

fn mailer(sink: &SmtpSink) -> Arc<Mailer> {
    Arc::new(Mailer::smtp_from(&SecretString::from(sink.url()), "Tallystick <tally@example.com>").unwrap())
}

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> Problem {
    match result {
        Err(Error::Problem(problem)) => problem,
        other => panic!("a problem was expected, not {other:?}"),
    }
}
