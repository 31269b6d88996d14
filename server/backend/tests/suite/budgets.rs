//! From spend to the ledger and the mail: once, whoever finds it, however often it is looked at.

use crate::support::{Org, Server, day, email, money};
use backend::budgets::{self, TestTo};
use backend::delivery::{self, Mailer};
use backend::{Backend, Clock, Error, OrgScope, identity, keys, projects};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::budget::{
    Alert, AlertFilter, Budget, BudgetChange, BudgetInput, BudgetStatus, DeliveryState, ScopeRef, SpendScope,
};
use domain::identity::{KeyScope, Role};
use domain::ids::BudgetId;
use domain::period::Period;
use domain::problem::Problem;
use domain::project::{KeyProject, Slug};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeSet;
use std::sync::Arc;
use testkit::{Mood, SmtpSink};
use tokio_util::sync::CancellationToken;

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

async fn budget(server: &Server, org: &Org, amount: &str, thresholds: &[u16]) -> Budget {
    budgets::create(&server.backend, &org.scope, input(amount, thresholds)).await.unwrap()
}

async fn evaluate(server: &Server) -> usize {
    budgets::evaluate_marks(&server.backend).await.unwrap()
}

/// The whole ledger, oldest first.
async fn ledger(backend: &Backend, scope: &OrgScope) -> Vec<Alert> {
    let page = budgets::alerts(backend, scope, AlertFilter::All, None, None).await.unwrap();
    assert_eq!(page.next, None, "these tests stay below one page");
    let mut alerts = page.alerts;
    alerts.sort_by_key(|alert| (alert.month, alert.threshold));
    alerts
}

fn thresholds(alerts: &[Alert]) -> Vec<u16> {
    alerts.iter().map(|alert| alert.threshold).collect()
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

#[tokio::test]
async fn a_crossing_is_recorded_once_and_mailed_to_each_recipient() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let org = server.organization("Acme", "Asia/Kolkata").await;
    let budget = budget(&server, &org, "12000", &[50, 80, 100]).await;
    org.spend("2026-11-10", "5999.999999999999").await;
    assert_eq!(evaluate(&server).await, 1);
    assert!(ledger(&server.backend, &org.scope).await.is_empty(), "not crossed by a trillionth of a dollar");
    org.spend("2026-11-19", "0.000000000001").await;
    evaluate(&server).await;
    let [alert] = &ledger(&server.backend, &org.scope).await[..] else { panic!("one row") };
    assert_eq!((alert.threshold, alert.month, alert.late), (50, day("2026-11-01"), false));
    assert_eq!((alert.spend, alert.estimated, alert.amount), (money("6000"), money("0"), money("12000")));
    assert_eq!(alert.at.to_rfc3339(), "2026-11-20T14:30:00+05:30", "in the organization's zone");
    assert_eq!(alert.deliveries.len(), 2);
    assert!(alert.deliveries.iter().all(|delivery| delivery.state == DeliveryState::Queued));

    delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap();
    let [alert] = &ledger(&server.backend, &org.scope).await[..] else { panic!("one row") };
    for delivery in &alert.deliveries {
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Sent, 1));
        assert!(delivery.answer.as_ref().is_some_and(|answer| answer.starts_with("250 2.0.0 queued as")));
    }
    let mail = sink.wait_for(|mail| mail.to == ["ada@example.com"]).await;
    assert_eq!(
        mail.subject(),
        "Production assistant has used 50 % of its November budget ($6,000 of $12,000)",
        "the subject says it all"
    );
    let url = format!("https://tally.example.com/o/{}/budgets/{}", org.slug, budget.budget_id);
    assert_eq!(mail.link("/budgets/"), url);
    for words in [
        "threshold of 50 %",
        "$6,000.00 (50.0",
        "$12,000.00",
        "Largest so far",
        "main",
        "because ada@example.com",
        "/edit",
    ] {
        assert!(mail.text().contains(words), "{words} missing in\n{}", mail.text());
        assert!(mail.html().contains(words), "{words} missing in\n{}", mail.html());
    }
    assert!(mail.html().contains(&format!("href=\"{url}\"")));

    org.spend("2026-11-19", "1").await;
    evaluate(&server).await;
    budgets::sweep(&server.backend, &CancellationToken::new()).await.unwrap();
    assert_eq!(thresholds(&ledger(&server.backend, &org.scope).await), [50]);
    assert_eq!(mails(&server.backend).await, 2);
}

#[tokio::test]
async fn a_recorded_crossing_stands_on_the_day_that_completed_it() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "UTC").await;
    budget(&server, &org, "100", &[50, 80, 100]).await;
    for (day, amount) in [("2026-10-30", "70"), ("2026-11-02", "30"), ("2026-11-05", "25"), ("2026-11-09", "35")] {
        org.spend(day, amount).await;
    }
    evaluate(&server).await;
    let shown = Period::month_of(day("2026-11-01"));
    let crossings = async |scope: &OrgScope, part, period| {
        let found = budgets::crossings(&server.backend, scope, part, period).await.unwrap();
        found.into_iter().map(|crossing| (crossing.threshold, crossing.day)).collect::<Vec<_>>()
    };
    let all = SpendScope::Organization;
    assert_eq!(crossings(&org.scope, all, shown).await, [(50, day("2026-11-05")), (80, day("2026-11-09"))]);
    let later = Period { from: day("2026-11-06"), ..shown };
    assert_eq!(crossings(&org.scope, all, later).await, [(80, day("2026-11-09"))]);
    let project = SpendScope::Project(org.project.project_id);
    assert!(crossings(&org.scope, project, shown).await.is_empty(), "the budget is the organization's");
    let other = server.organization("Globex", "UTC").await;
    assert!(crossings(&other.scope, all, shown).await.is_empty());
}

#[tokio::test]
async fn thresholds_crossed_at_once_are_all_recorded_and_told_in_one_mail() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "UTC").await;
    let budget = budget(&server, &org, "100", &[50, 80, 100, 200]).await;
    org.spend("2026-11-02", "120").await;
    evaluate(&server).await;
    let alerts = ledger(&server.backend, &org.scope).await;
    assert_eq!(thresholds(&alerts), [50, 80, 100]);
    assert_eq!(alerts.iter().map(|alert| alert.mailed_with).collect::<Vec<_>>(), [Some(100), Some(100), None]);
    assert_eq!(alerts.iter().map(|alert| alert.deliveries.len()).collect::<Vec<_>>(), [0, 0, 2]);
    assert_eq!(mails(&server.backend).await, 2);
    let text: String =
        sqlx::query_scalar("select body_text from mails limit 1").fetch_one(&server.backend.pool).await.unwrap();
    assert!(text.contains("50 %, 80 % and 100 % were crossed at once"), "{text}");
    assert!(text.contains("Expected by Nov 30: $"), "{text}");

    let detail = budgets::detail(&server.backend, &org.scope, budget.budget_id).await.unwrap();
    assert_eq!(detail.state.status, BudgetStatus::Exceeded);
    assert_eq!(detail.state.usage.used, money("120"));
    assert_eq!(
        detail.thresholds.iter().map(|state| state.alert.is_some()).collect::<Vec<_>>(),
        [true, true, true, false]
    );
    assert_eq!(detail.thresholds[3].at, money("200"));
    assert_eq!(detail.evaluated_at.map(|at| at.to_utc()), Some(server.clock.now()));
    assert_eq!(detail.days.len(), 20);
    assert_eq!(budgets::over(&server.backend, &org.scope).await.unwrap(), 1);
}

#[tokio::test]
async fn unpriced_usage_counts_with_its_upper_bound_and_is_marked() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "UTC").await;
    budget(&server, &org, "100", &[50]).await;
    org.usage(org.project.project_id, "2026-11-02", "mystery-1", "30", "25").await;
    evaluate(&server).await;
    let [alert] = &ledger(&server.backend, &org.scope).await[..] else { panic!("one row") };
    assert_eq!((alert.spend, alert.estimated), (money("55"), money("25")));
    let text: String =
        sqlx::query_scalar("select body_text from mails limit 1").fetch_one(&server.backend.pool).await.unwrap();
    assert!(text.contains("$25.00 of what is used is an upper bound"), "{text}");
}

#[tokio::test]
async fn a_crossing_found_after_its_month_is_recorded_late_and_not_mailed() {
    let server = Server::at("2026-10-05T00:00:00Z").await;
    let org = server.organization("Acme", "UTC").await;
    budget(&server, &org, "100", &[50]).await;
    server.clock.set("2026-12-02T00:00:00Z".parse().unwrap());
    org.spend("2026-11-30", "60").await;
    org.spend("2026-09-30", "60").await;
    evaluate(&server).await;
    let [alert] = &ledger(&server.backend, &org.scope).await[..] else { panic!("September was before the budget") };
    assert_eq!((alert.month, alert.late), (day("2026-11-01"), true));
    assert!(alert.deliveries.is_empty());
    assert_eq!(mails(&server.backend).await, 0);
}

#[tokio::test]
async fn a_month_begins_and_ends_with_the_organizations_midnight() {
    // Midnight in Kolkata is 18:30 in UTC.
    let server = Server::at("2026-10-31T18:29:59Z").await;
    let org = server.organization("Acme", "Asia/Kolkata").await;
    let budget = budget(&server, &org, "100", &[50]).await;
    assert_eq!(span(&server.backend, "2026-10-01").await.as_deref(), Some("09-30T18:30 10-31T18:30"));
    org.spend("2026-10-31", "60").await;
    evaluate(&server).await;
    assert_eq!(mails(&server.backend).await, 2, "the last second of October");

    server.clock.set("2026-10-31T18:30:00Z".parse().unwrap());
    let change = BudgetChange { thresholds: Some(vec![40, 50]), ..Default::default() };
    budgets::change(&server.backend, &org.scope, budget.budget_id, change).await.unwrap();
    assert_eq!(span(&server.backend, "2026-11-01").await.as_deref(), Some("10-31T18:30 11-30T18:30"));
    org.spend("2026-10-31", "1").await;
    org.spend("2026-11-01", "45").await;
    evaluate(&server).await;
    let alerts = ledger(&server.backend, &org.scope).await;
    let rows: Vec<_> = alerts.iter().map(|alert| (alert.month.to_string(), alert.threshold, alert.late)).collect();
    assert_eq!(
        rows,
        [
            ("2026-10-01".to_owned(), 40, true),
            ("2026-10-01".to_owned(), 50, false),
            ("2026-11-01".to_owned(), 40, false)
        ]
    );
    assert_eq!(mails(&server.backend).await, 4, "the late one is not mailed");
}

async fn span(backend: &Backend, month: &str) -> Option<String> {
    let (starts, ends): (DateTime<Utc>, DateTime<Utc>) =
        sqlx::query_as("select starts_at, ends_at from budget_periods where month = $1")
            .bind(day(month))
            .fetch_optional(&backend.pool)
            .await
            .unwrap()?;
    Some(format!("{} {}", starts.format("%m-%dT%H:%M"), ends.format("%m-%dT%H:%M")))
}

#[tokio::test]
async fn making_and_changing_a_budget_finds_what_is_crossed_already() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "UTC").await;
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    let budget = budget(&server, &org, "100", &[50, 80]).await;
    assert_eq!(thresholds(&ledger(&server.backend, &org.scope).await), [50]);
    assert_eq!(mails(&server.backend).await, 2);

    let lower = BudgetChange { amount: Some(money("70")), ..Default::default() };
    let changed = budgets::change(&server.backend, &org.scope, budget.budget_id, lower.clone()).await.unwrap();
    assert_eq!(changed.amount, money("70"));
    let alerts = ledger(&server.backend, &org.scope).await;
    assert_eq!(thresholds(&alerts), [50, 80]);
    assert_eq!((alerts[0].amount, alerts[1].amount), (money("100"), money("70")), "each with the amount of its moment");
    assert_eq!(mails(&server.backend).await, 4);

    budgets::change(&server.backend, &org.scope, budget.budget_id, lower).await.unwrap();
    let audit = backend::audit::list(&server.backend, &org.scope, 10).await.unwrap();
    let changes: Vec<_> =
        audit.iter().filter(|row| row.action == "budget.changed").map(|row| row.detail.as_str()).collect();
    let once = ["Changed the budget Production assistant: amount $70.00 instead of $100.00."];
    assert_eq!(changes, once, "nothing changed the second time");
}

#[tokio::test]
async fn months_that_are_over_keep_their_amount() {
    let server = Server::at("2026-09-15T00:00:00Z").await;
    let org = server.organization("Acme", "UTC").await;
    let budget = budget(&server, &org, "100", &[50]).await;
    server.clock.set(NOW.parse().unwrap());
    let higher = BudgetChange { amount: Some(money("1000")), ..Default::default() };
    budgets::change(&server.backend, &org.scope, budget.budget_id, higher).await.unwrap();
    let amounts: Vec<(NaiveDate, rust_decimal::Decimal)> =
        sqlx::query_as("select month, amount from budget_periods order by month")
            .fetch_all(&server.backend.pool)
            .await
            .unwrap();
    let expected = [("2026-09-01", "100"), ("2026-10-01", "100"), ("2026-11-01", "1000")];
    assert_eq!(amounts, expected.map(|(month, amount)| (day(month), money(amount))));
}

#[tokio::test]
async fn a_project_that_moves_makes_the_budgets_of_its_new_team_look_again() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "Asia/Kolkata").await;
    let (payments, search) = (org.team("payments").await, org.team("search").await);
    let bot = org.project("bot", payments).await;
    let scope = "team:search".parse::<ScopeRef>().unwrap();
    let input = BudgetInput { scope, ..input("40", &[50]) };
    budgets::create(&server.backend, &org.scope, input).await.unwrap();
    org.usage(bot, "2026-11-03", "gpt-4o", "30", "0").await;
    org.usage(bot, "2026-11-18", "gpt-4o", "30", "0").await;
    evaluate(&server).await;
    assert!(ledger(&server.backend, &org.scope).await.is_empty(), "the other team's spend");

    let mv = async |team, from| projects::move_project(&server.backend, &org.scope, bot, team, from).await.unwrap();
    mv(search, Some(day("2026-12-01"))).await;
    assert_eq!(evaluate(&server).await, 0, "nothing that was spent has moved");
    mv(search, Some(day("2026-11-10"))).await;
    assert_eq!(evaluate(&server).await, 1, "one month has moved");
    let [alert] = &ledger(&server.backend, &org.scope).await[..] else { panic!("one row") };
    assert_eq!((alert.threshold, alert.spend), (50, money("30")));
}

#[tokio::test]
async fn a_teams_budget_counts_the_days_on_which_it_owned_the_project() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "UTC").await;
    let (payments, search) = (org.team("payments").await, org.team("search").await);
    let bot = org.project("bot", payments).await;
    projects::move_project(&server.backend, &org.scope, bot, search, Some(day("2026-11-10"))).await.unwrap();
    let of = |text: &str| text.parse::<ScopeRef>().unwrap();
    for scope in ["team:payments", "team:search", "project:bot", "organization"] {
        let input = BudgetInput { scope: of(scope), name: scope.to_owned(), ..input("100", &[10]) };
        budgets::create(&server.backend, &org.scope, input).await.unwrap();
    }
    org.usage(bot, "2026-11-09", "gpt-4o", "20", "0").await;
    org.usage(bot, "2026-11-10", "gpt-4o", "30", "0").await;
    org.spend("2026-11-10", "5").await;
    evaluate(&server).await;
    let used: Vec<_> = budgets::list(&server.backend, &org.scope)
        .await
        .unwrap()
        .into_iter()
        .map(|state| (state.budget.name, state.usage.used))
        .collect();
    let expected = [("organization", "55"), ("team:payments", "20"), ("team:search", "30"), ("project:bot", "50")];
    assert_eq!(used, expected.map(|(name, used)| (name.to_owned(), money(used))));
    let recorded: Vec<_> =
        ledger(&server.backend, &org.scope).await.into_iter().map(|alert| (alert.budget_name, alert.spend)).collect();
    assert_eq!(
        recorded.into_iter().collect::<BTreeSet<_>>(),
        used.into_iter().collect(),
        "the ledger evaluated the same"
    );
}

#[tokio::test]
async fn a_kill_between_taking_marks_and_the_commit_loses_nothing() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "UTC").await;
    let budget = budget(&server, &org, "100", &[50]).await;
    org.spend("2026-11-10", "60").await;
    // The evaluation takes the marks, then waits for this lock on the month; there it is killed.
    let mut holder = server.backend.pool.begin().await.unwrap();
    sqlx::query("select from budget_periods where budget_id = $1 for update")
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
    assert_eq!(thresholds(&ledger(&second, &org.scope).await), [50]);
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
    let org = server.organization("Acme", "UTC").await;
    budget(&server, &org, "100", &[50]).await;
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    // The first server ends here; the second finds both the ledger and the outbox.
    let second = server.another().await;
    assert_eq!(budgets::evaluate_marks(&second).await.unwrap(), 0);
    budgets::sweep(&second, &CancellationToken::new()).await.unwrap();
    delivery::deliver_due(&second, &mailer(&sink)).await.unwrap();
    assert_eq!(thresholds(&ledger(&second, &org.scope).await), [50]);
    assert_eq!(sink.mails().len(), 2);
}

#[tokio::test]
async fn two_servers_that_evaluate_at_once_record_and_mail_once() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "UTC").await;
    for n in 0..5 {
        let input = BudgetInput { name: format!("b{n}"), ..input("100", &[10, 20, 30, 40, 50, 60, 70, 80, 90, 100]) };
        budgets::create(&server.backend, &org.scope, input).await.unwrap();
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
    let alerts = ledger(&server.backend, &org.scope).await;
    assert_eq!(alerts.len(), 50);
    let told: usize = alerts.iter().filter(|alert| alert.mailed_with.is_none()).count();
    assert!(alerts.iter().all(|alert| alert.deliveries.len() == if alert.mailed_with.is_none() { 2 } else { 0 }));
    assert_eq!(usize::try_from(mails(&server.backend).await).unwrap(), 2 * told);
}

#[tokio::test]
async fn an_edit_is_never_followed_by_an_alert_about_what_it_replaced() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "UTC").await;
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
    assert!(ledger(&server.backend, &org.scope).await.is_empty());
    // And through the verbs, many times at once: every row was true with the amount that it names.
    for round in 0..10 {
        org.spend("2026-11-11", "30").await;
        let amount = if round % 2 == 0 { "150" } else { "5000" };
        let change =
            BudgetChange { amount: Some(money(amount)), thresholds: Some(vec![50, 60 + round]), ..Default::default() };
        let other = server.another().await;
        let (changed, evaluated) = tokio::join!(
            budgets::change(&server.backend, &org.scope, budget.budget_id, change),
            budgets::evaluate_marks(&other)
        );
        changed.unwrap();
        evaluated.unwrap();
    }
    let alerts = ledger(&server.backend, &org.scope).await;
    assert!(!alerts.is_empty());
    for alert in &alerts {
        assert!(alert.spend * money("100") >= alert.amount * rust_decimal::Decimal::from(alert.threshold), "{alert:?}");
    }
    let distinct: BTreeSet<_> = thresholds(&alerts).into_iter().collect();
    assert_eq!(distinct.len(), alerts.len());
}

#[tokio::test]
async fn the_worker_mails_what_ingestion_marks_until_it_is_stopped() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let org = server.organization("Acme", "UTC").await;
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
    assert_eq!(thresholds(&ledger(&server.backend, &org.scope).await), [50, 80]);
}

#[tokio::test]
async fn marks_of_a_deleted_organization_go_and_hold_up_nobody() {
    let server = Server::at(NOW).await;
    let (gone, org) = (server.organization("Gone", "UTC").await, server.organization("Acme", "UTC").await);
    budget(&server, &org, "100", &[50]).await;
    gone.spend("2026-11-10", "60").await;
    org.spend("2026-11-10", "60").await;
    // What a deletion leaves behind for a moment: a mark of an organization that is not there.
    sqlx::query("update dirty_marks set org_id = $2 where org_id = $1")
        .bind(gone.id().0)
        .bind(server.clock.new_id())
        .execute(&server.backend.pool)
        .await
        .unwrap();
    assert_eq!(evaluate(&server).await, 2);
    assert_eq!(thresholds(&ledger(&server.backend, &org.scope).await), [50]);
    assert_eq!(evaluate(&server).await, 0);
}

#[tokio::test]
async fn an_archived_budget_is_left_in_peace_and_keeps_its_ledger() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "UTC").await;
    let budget = budget(&server, &org, "100", &[50, 80]).await;
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    budgets::archive(&server.backend, &org.scope, budget.budget_id).await.unwrap();
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    assert_eq!(thresholds(&ledger(&server.backend, &org.scope).await), [50]);
    assert!(budgets::list(&server.backend, &org.scope).await.unwrap().is_empty());
    assert_eq!(budgets::over(&server.backend, &org.scope).await.unwrap(), 0);
    let again = budgets::archive(&server.backend, &org.scope, budget.budget_id).await;
    assert!(matches!(problem(again), Problem::Conflict { .. }));
    let change = budgets::change(&server.backend, &org.scope, budget.budget_id, BudgetChange::default()).await;
    assert!(matches!(problem(change), Problem::Conflict { .. }));
}

#[tokio::test]
async fn the_ledger_is_filtered_acknowledged_and_paged() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let org = server.organization("Acme", "UTC").await;
    let all: Vec<u16> = (1..=10).collect();
    let mut made = Vec::new();
    for n in 0..6 {
        let input = BudgetInput { name: format!("b{n}"), recipients: vec![], ..input("100", &all) };
        made.push(budgets::create(&server.backend, &org.scope, input).await.unwrap());
    }
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    let first = budgets::alerts(&server.backend, &org.scope, AlertFilter::All, None, None).await.unwrap();
    let second = budgets::alerts(&server.backend, &org.scope, AlertFilter::All, None, first.next).await.unwrap();
    assert_eq!((first.alerts.len(), second.alerts.len(), second.next), (50, 10, None));
    let ids: BTreeSet<_> = first.alerts.iter().chain(&second.alerts).map(|alert| alert.alert_id).collect();
    assert_eq!(ids.len(), 60);

    let one = made[0].budget_id;
    let of_one = |filter| budgets::alerts(&server.backend, &org.scope, filter, Some(one), None);
    let row = of_one(AlertFilter::Open).await.unwrap().alerts.remove(0);
    assert_eq!(budgets::open_alerts(&server.backend, &org.scope).await.unwrap(), 60);
    budgets::acknowledge(&server.backend, &org.scope, row.alert_id).await.unwrap();
    budgets::acknowledge(&server.backend, &org.scope, row.alert_id).await.unwrap();
    assert_eq!(budgets::open_alerts(&server.backend, &org.scope).await.unwrap(), 59);
    let seen = of_one(AlertFilter::Acknowledged).await.unwrap().alerts;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].acknowledged_by.as_deref(), Some("owner@acme.example"));
    assert_eq!(of_one(AlertFilter::Open).await.unwrap().alerts.len(), 9);
    let audit = backend::audit::list(&server.backend, &org.scope, 100).await.unwrap();
    assert_eq!(audit.iter().filter(|row| row.action == "alert.acknowledged").count(), 1);

    sink.set_mood(Mood::RefuseForGood);
    budget(&server, &org, "100", &[50]).await;
    delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap();
    let failed = budgets::alerts(&server.backend, &org.scope, AlertFilter::Undelivered, None, None).await.unwrap();
    let [alert] = &failed.alerts[..] else { panic!("one row, not {failed:?}") };
    assert_eq!(alert.deliveries[0].answer.as_deref(), Some("550 5.1.1 no such mailbox"));
}

#[tokio::test]
async fn a_test_mail_is_sent_recorded_and_limited() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let org = server.organization("Acme", "UTC").await;
    let budget = budget(&server, &org, "100", &[50]).await;
    org.spend("2026-11-10", "12.34").await;
    let send = |to| budgets::send_test(&server.backend, &org.scope, budget.budget_id, to);
    assert_eq!(send(TestTo::Me).await.unwrap(), 1);
    assert_eq!(send(TestTo::Recipients).await.unwrap(), 2);
    delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap();
    let mail = sink.wait_for(|mail| mail.to == ["owner@acme.example"]).await;
    assert_eq!(mail.subject(), "Test: Production assistant has used 12 % of its November budget ($12.34 of $100)");
    assert!(mail.text().contains("This is a test that owner@acme.example asked for."), "{}", mail.text());
    let tests = budgets::detail(&server.backend, &org.scope, budget.budget_id).await.unwrap().tests;
    assert_eq!(tests.len(), 3);
    assert!(tests.iter().all(|test| test.by == "owner@acme.example" && test.delivery.state == DeliveryState::Sent));
    assert!(ledger(&server.backend, &org.scope).await.is_empty(), "a test is not an alert");
    for _ in 0..3 {
        send(TestTo::Me).await.unwrap();
    }
    assert!(matches!(problem(send(TestTo::Me).await), Problem::RateLimited { .. }));
    server.clock.advance(Duration::hours(1));
    assert_eq!(send(TestTo::Me).await.unwrap(), 1);
}

#[tokio::test]
async fn nobody_touches_or_sees_what_is_not_theirs() {
    let server = Server::at(NOW).await;
    let (org, other) = (server.organization("Acme", "UTC").await, server.organization("Other", "UTC").await);
    let budget = budget(&server, &org, "100", &[50]).await;
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    let alert_id = ledger(&server.backend, &org.scope).await[0].alert_id;
    let viewer = org.member(&server, "viewer@acme.example", Role::Viewer).await;
    let (backend, id) = (&server.backend, budget.budget_id);
    let change = BudgetChange::default;

    assert!(matches!(problem(budgets::create(backend, &viewer, input("1", &[1])).await), Problem::Forbidden { .. }));
    assert!(matches!(problem(budgets::change(backend, &viewer, id, change()).await), Problem::Forbidden { .. }));
    assert!(matches!(problem(budgets::archive(backend, &viewer, id).await), Problem::Forbidden { .. }));
    assert!(matches!(problem(budgets::acknowledge(backend, &viewer, alert_id).await), Problem::Forbidden { .. }));
    assert!(matches!(problem(budgets::send_test(backend, &viewer, id, TestTo::Me).await), Problem::Forbidden { .. }));
    assert!(!budgets::detail(backend, &viewer, id).await.unwrap().may_manage);

    let stranger = &other.scope;
    assert_eq!(problem(budgets::get(backend, stranger, id).await), Problem::NotFound);
    assert_eq!(problem(budgets::detail(backend, stranger, id).await), Problem::NotFound);
    assert_eq!(problem(budgets::change(backend, stranger, id, change()).await), Problem::NotFound);
    assert_eq!(problem(budgets::archive(backend, stranger, id).await), Problem::NotFound);
    assert_eq!(problem(budgets::acknowledge(backend, stranger, alert_id).await), Problem::NotFound);
    assert_eq!(problem(budgets::send_test(backend, stranger, id, TestTo::Me).await), Problem::NotFound);
    assert_eq!(problem(budgets::alerts(backend, stranger, AlertFilter::All, Some(id), None).await), Problem::NotFound);
    assert!(budgets::list(backend, stranger).await.unwrap().is_empty());
    assert!(ledger(backend, stranger).await.is_empty());
    assert_eq!(budgets::open_alerts(backend, stranger).await.unwrap(), 0);
    let foreign = BudgetInput { scope: ScopeRef::Project(Slug::parse("nowhere").unwrap()), ..input("1", &[1]) };
    let refused = problem(budgets::create(backend, &org.scope, foreign).await);
    assert_eq!(refused.fields()[0].pointer, "scope");
}

#[tokio::test]
async fn a_projects_key_sees_that_projects_budgets_alone() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "UTC").await;
    let team = org.team("payments").await;
    let bot = org.project("bot", team).await;
    let mut ids = Vec::new();
    for scope in ["organization", "team:payments", "project:bot", "project:main"] {
        let input = BudgetInput { scope: scope.parse().unwrap(), name: scope.to_owned(), ..input("100", &[10]) };
        ids.push(budgets::create(&server.backend, &org.scope, input).await.unwrap().budget_id);
    }
    org.usage(bot, "2026-11-10", "gpt-4o", "60", "0").await;
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    let new = keys::NewKey {
        name: "bot".to_owned(),
        scopes: [KeyScope::Read, KeyScope::Admin].into(),
        project: KeyProject::Bound(bot),
        expires_at: None,
    };
    let secret = keys::create(&server.backend, &org.scope, new).await.unwrap().secret;
    let scope = keys::authenticate(&server.backend, secret.expose_secret()).await.unwrap().scope;
    let names =
        |list: Vec<domain::budget::BudgetState>| list.into_iter().map(|state| state.budget.name).collect::<Vec<_>>();
    assert_eq!(names(budgets::list(&server.backend, &scope).await.unwrap()), ["project:bot"]);
    assert_eq!(ledger(&server.backend, &scope).await.len(), 1);
    assert_eq!(budgets::open_alerts(&server.backend, &scope).await.unwrap(), 1);
    for hidden in [ids[0], ids[1], ids[3]] {
        assert_eq!(problem(budgets::get(&server.backend, &scope, hidden).await), Problem::NotFound);
    }
    assert!(matches!(problem(budgets::archive(&server.backend, &scope, ids[2]).await), Problem::Forbidden { .. }));
}

/// Amounts in cents on days of two months, and after which of them somebody evaluates.
fn feeds() -> impl Strategy<Value = Vec<(u32, u32, u32, bool)>> {
    proptest::collection::vec((10_u32..=11, 1_u32..=28, 1_u32..3_000, any::<bool>()), 1..25)
}

#[test]
fn however_events_are_split_the_ledger_is_the_same() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::at("2026-10-01T00:00:00Z"));
    let mut runner = TestRunner::new(Config {
        cases: 24,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(5_521),
        ..Config::default()
    });
    let case = std::cell::Cell::new(0);
    runner
        .run(&feeds(), |feed| {
            case.set(case.get() + 1);
            runtime.block_on(async {
                server.clock.set("2026-10-01T00:00:00Z".parse().unwrap());
                let org = server.organization(&format!("Org{}", case.get()), "America/New_York").await;
                let made = budget(&server, &org, "100", &[10, 25, 50, 75, 100, 150, 300]).await;
                server.clock.set(NOW.parse().unwrap());
                for (month, on, cents, evaluated) in &feed {
                    org.spend(&format!("2026-{month}-{on:02}"), &format!("{}.{:02}", cents / 100, cents % 100)).await;
                    if *evaluated {
                        evaluate(&server).await;
                    }
                }
                evaluate(&server).await;
                let found: BTreeSet<_> = ledger(&server.backend, &org.scope)
                    .await
                    .iter()
                    .map(|alert| (alert.month, alert.threshold, alert.late))
                    .collect();
                let rows = ledger(&server.backend, &org.scope).await.len();
                prop_assert_eq!(rows, found.len());
                prop_assert_eq!(found, expected(&feed, &made));
                Ok(())
            })
        })
        .unwrap();
}

/// What must be in the ledger, from the feed alone: October is over, November is not.
fn expected(feed: &[(u32, u32, u32, bool)], budget: &Budget) -> BTreeSet<(NaiveDate, u16, bool)> {
    [(10, "2026-10-01", true), (11, "2026-11-01", false)]
        .into_iter()
        .flat_map(|(month, first, late)| {
            let cents: u32 = feed.iter().filter(|entry| entry.0 == month).map(|entry| entry.2).sum();
            let crossed = budget.thresholds.iter().filter(move |threshold| cents >= u32::from(**threshold) * 100);
            crossed.map(move |threshold| (day(first), *threshold, late))
        })
        .collect()
}

#[tokio::test]
async fn the_system_sees_budgets_of_the_organization_it_works_for() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "UTC").await;
    let made = budget(&server, &org, "100", &[50]).await;
    let system = identity::system_scope(&server.backend, org.id()).await.unwrap();
    assert_eq!(budgets::get(&server.backend, &system, made.budget_id).await.unwrap(), made);
    let nothing = BudgetId(server.backend.clock.new_id());
    assert_eq!(problem(budgets::get(&server.backend, &system, nothing).await), Problem::NotFound);
}
