//! What several servers and edits do at once, and what a kill leaves.

use super::*;
use backend::{Clock, delivery};
use domain::budget::BudgetChange;
use rust_decimal::Decimal;
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_kill_between_taking_marks_and_the_commit_loses_nothing() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    let budget = budget(&server, &org, "100", &[50]).await;
    org.spend("2026-11-10", "60").await;
    // The evaluation takes the marks, then waits for this lock on the month; there it is killed.
    let mut holder = server.backend.pool.begin().await.unwrap();
    sqlx::query("select from budget_periods where org_id = $1 and budget_id = $2 for update")
        .bind(org.id().0)
        .bind(budget.budget_id.0)
        .execute(&mut *holder)
        .await
        .unwrap();
    let killed = {
        let backend = server.another().await;
        tokio::spawn(async move { budgets::evaluate_marks(&backend).await })
    };
    until_somebody_waits_for_a_lock(&server.backend).await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    holder.rollback().await.unwrap();

    let second = server.another().await;
    while budgets::evaluate_marks(&second).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(thresholds(&ledger(&second, &org.owner).await), [50]);
    assert_eq!(mails(&second).await, 2);
}

async fn until_somebody_waits_for_a_lock(backend: &Backend) {
    let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&backend.pool).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_kill_between_the_ledger_and_the_mail_sends_exactly_one_mail_each() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let org = organization(&server, "Acme", "UTC").await;
    budget(&server, &org, "100", &[50]).await;
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    // The first server ends here; the second finds both the ledger and the outbox.
    let second = server.another().await;
    assert_eq!(budgets::evaluate_marks(&second).await.unwrap(), 0);
    budgets::sweep(&second, &CancellationToken::new()).await.unwrap();
    delivery::deliver_due(&second, &mailer(&sink)).await.unwrap();
    assert_eq!(thresholds(&ledger(&second, &org.owner).await), [50]);
    assert_eq!(sink.mails().len(), 2);
}

#[tokio::test]
async fn two_servers_that_evaluate_at_once_record_and_mail_once() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    for n in 0..5 {
        let input = BudgetInput { name: format!("b{n}"), ..input("100", &[10, 20, 30, 40, 50, 60, 70, 80, 90, 100]) };
        budgets::create(&server.backend, &org.owner, input).await.unwrap();
    }
    let (one, other) = (server.backend.clone(), server.another().await);
    for round in 0..10 {
        for n in 1..=3 {
            org.spend(&format!("2026-11-{n:02}"), "4").await;
        }
        let all = CancellationToken::new();
        let (first, second, swept) =
            tokio::join!(budgets::evaluate_marks(&one), budgets::evaluate_marks(&other), budgets::sweep(&other, &all));
        swept.unwrap();
        assert_eq!(first.unwrap() + second.unwrap(), 3, "round {round}");
    }
    let alerts = ledger(&server.backend, &org.owner).await;
    assert_eq!(thresholds(&alerts).len(), 50);
    assert!(alerts.iter().all(|alert| alert.deliveries.len() == 2));
    assert_eq!(usize::try_from(mails(&server.backend).await).unwrap(), 2 * alerts.len());
}

#[tokio::test]
async fn an_edit_is_never_followed_by_an_alert_about_what_it_replaced() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    let budget = budget(&server, &org, "100", &[50]).await;
    org.spend("2026-11-10", "60").await;
    // The edit holds the budget while the evaluation begins; the evaluation must wait and see the new amount.
    let mut edit = server.backend.pool.begin().await.unwrap();
    sqlx::query("update budgets set amount = 1000").execute(&mut *edit).await.unwrap();
    sqlx::query("update budget_periods set amount = 1000").execute(&mut *edit).await.unwrap();
    let evaluation = {
        let backend = server.another().await;
        tokio::spawn(async move { budgets::evaluate_marks(&backend).await.unwrap() })
    };
    until_somebody_waits_for_a_lock(&server.backend).await;
    edit.commit().await.unwrap();
    assert_eq!(evaluation.await.unwrap(), 1);
    assert!(ledger(&server.backend, &org.owner).await.is_empty());
    // And through the verbs, many times at once: every row was true with the amount that it names.
    for round in 0..10 {
        org.spend("2026-11-11", "30").await;
        let amount = if round % 2 == 0 { "150" } else { "5000" };
        let change =
            BudgetChange { amount: Some(money(amount)), thresholds: Some(vec![50, 60 + round]), ..Default::default() };
        let other = server.another().await;
        let (changed, evaluated) = tokio::join!(
            budgets::change(&server.backend, &org.owner, budget.budget_id, change),
            budgets::evaluate_marks(&other)
        );
        changed.unwrap();
        evaluated.unwrap();
    }
    let alerts = ledger(&server.backend, &org.owner).await;
    assert!(!alerts.is_empty());
    for alert in &alerts {
        assert!(
            alert.spend * money("100") >= alert.amount * Decimal::from(alert.thresholds[alert.thresholds.len() - 1]),
            "{alert:?}"
        );
    }
    let each =
        |alert: &Alert| alert.thresholds.iter().map(|threshold| (*threshold, alert.revision)).collect::<Vec<_>>();
    let distinct: BTreeSet<_> = alerts.iter().flat_map(each).collect();
    assert_eq!(distinct.len(), thresholds(&alerts).len());
}

#[tokio::test]
async fn the_worker_mails_what_ingestion_marks_until_it_is_stopped() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let org = organization(&server, "Acme", "UTC").await;
    budget(&server, &org, "100", &[50, 80]).await;
    org.spend("2026-11-10", "60").await;
    let stop = CancellationToken::new();
    let (backend, mailer) = (server.backend.clone(), mailer(&sink));
    let (evaluating, sending) = (stop.clone(), stop.clone());
    let workers = tokio::spawn(async move {
        tokio::join!(budgets::run_worker(&backend, &evaluating), delivery::run_worker(&backend, &mailer, &sending))
    });
    sink.wait_for(|mail| mail.subject().contains("60 %")).await;
    org.spend("2026-11-11", "25").await;
    sink.wait_for(|mail| mail.subject().contains("85 %")).await;
    stop.cancel();
    let (evaluated, sent) = workers.await.unwrap();
    evaluated.unwrap();
    sent.unwrap();
    assert_eq!(thresholds(&ledger(&server.backend, &org.owner).await), [50, 80]);
}

#[tokio::test]
async fn marks_of_a_deleted_organization_go_and_hold_up_nobody() {
    let server = Server::at(NOW).await;
    let (gone, org) = (organization(&server, "Gone", "UTC").await, organization(&server, "Acme", "UTC").await);
    budget(&server, &org, "100", &[50]).await;
    gone.spend("2026-11-10", "60").await;
    org.spend("2026-11-10", "60").await;
    // What a deletion leaves behind for a moment: a mark of an organization that is not there.
    let left = "insert into dirty_marks (org_id, mark_id, project_id, day, created_at)
        select $2, mark_id, project_id, day, created_at from dirty_marks where org_id = $1";
    let left = sqlx::query(left).bind(gone.id().0).bind(server.clock.new_id());
    left.execute(&server.backend.pool).await.unwrap();
    let taken = sqlx::query("delete from dirty_marks where org_id = $1").bind(gone.id().0);
    taken.execute(&server.backend.pool).await.unwrap();
    assert_eq!(evaluate(&server).await, 2);
    assert_eq!(thresholds(&ledger(&server.backend, &org.owner).await), [50]);
    assert_eq!(evaluate(&server).await, 0);
}
