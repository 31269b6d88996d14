//! The ledger as it is read, test mails, and who sees what.

use super::*;
use backend::budgets::{Entries, TestTo};
use backend::{delivery, identity, keys};
use chrono::Duration;
use domain::budget::{BudgetChange, DeliveryState};
use domain::identity::{KeyScope, Role};
use domain::ids::BudgetId;
use domain::project::{KeyProject, Slug};
use secrecy::ExposeSecret;
use std::collections::BTreeSet;
use testkit::Mood;

#[tokio::test]
async fn the_ledger_is_filtered_acknowledged_and_paged() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let org = organization(&server, "Acme", "UTC").await;
    let mut made = Vec::new();
    for n in 0..60 {
        let input = BudgetInput { name: format!("b{n}"), recipients: vec![], ..input("100", &[1, 2, 90]) };
        made.push(budgets::create(&server.backend, &org.owner, input).await.unwrap());
    }
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    let first = budgets::alerts(&server.backend, &org.owner, AlertFilter::All, None, None).await.unwrap();
    let second = budgets::alerts(&server.backend, &org.owner, AlertFilter::All, None, first.next).await.unwrap();
    assert_eq!((first.alerts.len(), second.alerts.len(), second.next), (50, 10, None));
    let ids: BTreeSet<_> = first.alerts.iter().chain(&second.alerts).map(|alert| alert.alert_id).collect();
    assert_eq!(ids.len(), 60);

    let one = made[0].budget_id;
    let of_one = |filter| budgets::alerts(&server.backend, &org.owner, filter, Some(one), None);
    let row = of_one(AlertFilter::Open).await.unwrap().alerts.remove(0);
    assert_eq!(row.thresholds, [1, 2]);
    assert_eq!(budgets::open_alerts(&server.backend, &org.owner).await.unwrap(), 60);
    for note in [Some("planned load test"), Some("again")] {
        budgets::acknowledge(&server.backend, &org.owner, Entries::One(row.alert_id), note).await.unwrap();
    }
    assert_eq!(budgets::open_alerts(&server.backend, &org.owner).await.unwrap(), 59);
    let seen = of_one(AlertFilter::Acknowledged).await.unwrap().alerts;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].acknowledged_by.as_deref(), Some("owner@acme.example"));
    assert_eq!(seen[0].note.as_deref(), Some("planned load test"), "doing it again changes nothing");
    assert!(of_one(AlertFilter::Open).await.unwrap().alerts.is_empty());
    let audit = backend::audit::list(&server.backend, &org.owner, 100).await.unwrap();
    let acknowledged: Vec<_> = audit.iter().filter(|row| row.action == "alert.acknowledged").collect();
    let [entry] = &acknowledged[..] else { panic!("one entry, not {acknowledged:?}") };
    assert_eq!(entry.detail, "Acknowledged the alert at 1\u{a0}%, 2\u{a0}% of the budget b0. Note: planned load test");

    // All that were seen: what came after them stays open.
    server.clock.advance(Duration::minutes(1));
    org.spend("2026-11-10", "35").await;
    evaluate(&server).await;
    let newest = &budgets::alerts(&server.backend, &org.owner, AlertFilter::All, None, None).await.unwrap().alerts[0];
    assert_eq!(newest.thresholds, [90]);
    budgets::acknowledge(&server.backend, &org.owner, Entries::UpTo(first.alerts[0].alert_id), None).await.unwrap();
    assert_eq!(budgets::open_alerts(&server.backend, &org.owner).await.unwrap(), 60);
    budgets::acknowledge(&server.backend, &org.owner, Entries::UpTo(newest.alert_id), None).await.unwrap();
    assert_eq!(budgets::open_alerts(&server.backend, &org.owner).await.unwrap(), 0);
    assert_eq!(of_one(AlertFilter::All).await.unwrap().alerts[1].note.as_deref(), Some("planned load test"));

    sink.set_mood(Mood::RefuseForGood);
    budget(&server, &org, "100", &[50]).await;
    delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap();
    let failed = budgets::alerts(&server.backend, &org.owner, AlertFilter::Undelivered, None, None).await.unwrap();
    let [alert] = &failed.alerts[..] else { panic!("one row, not {failed:?}") };
    assert_eq!(alert.deliveries[0].answer.as_deref(), Some("550 5.1.1 no such mailbox"));
    assert_eq!(alert.mails, 2);
    server.clock.advance(Duration::days(91));
    delivery::forget_old(&server.backend).await.unwrap();
    let of_budget = budgets::alerts(&server.backend, &org.owner, AlertFilter::All, Some(alert.budget_id), None);
    let told = &of_budget.await.unwrap().alerts[0];
    assert_eq!((told.mails, told.deliveries.len()), (2, 0), "the ledger still says that it was mailed");
}

#[tokio::test]
async fn a_test_mail_is_sent_recorded_and_limited() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let org = organization(&server, "Acme", "UTC").await;
    let budget = budget(&server, &org, "100", &[50]).await;
    org.spend("2026-11-10", "12.34").await;
    let send = |to| budgets::send_test(&server.backend, &org.owner, budget.budget_id, to);
    assert_eq!(send(TestTo::Me).await.unwrap(), 1);
    assert_eq!(send(TestTo::Recipients).await.unwrap(), 2);
    delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap();
    let mail = sink.wait_for(|mail| mail.to == ["owner@acme.example"]).await;
    assert_eq!(mail.subject(), "Test: Production assistant has used 12 % of its November budget ($12.34 of $100)");
    assert!(mail.text().contains("This is a test that owner@acme.example asked for."), "{}", mail.text());
    let tests = budgets::detail(&server.backend, &org.owner, budget.budget_id).await.unwrap().tests;
    assert_eq!(tests.len(), 3);
    assert!(tests.iter().all(|test| test.by == "owner@acme.example" && test.delivery.state == DeliveryState::Sent));
    assert!(ledger(&server.backend, &org.owner).await.is_empty(), "a test is not an alert");
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
    let (org, other) = (organization(&server, "Acme", "UTC").await, organization(&server, "Other", "UTC").await);
    let budget = budget(&server, &org, "100", &[50]).await;
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    let alert_id = ledger(&server.backend, &org.owner).await[0].alert_id;
    let viewer = org.member("viewer@acme.example", Role::Viewer).await;
    let (backend, id) = (&server.backend, budget.budget_id);
    let change = BudgetChange::default;

    assert!(matches!(problem(budgets::create(backend, &viewer, input("1", &[1])).await), Problem::Forbidden { .. }));
    assert!(matches!(problem(budgets::change(backend, &viewer, id, change()).await), Problem::Forbidden { .. }));
    assert!(matches!(problem(budgets::archive(backend, &viewer, id).await), Problem::Forbidden { .. }));
    assert!(matches!(
        problem(budgets::acknowledge(backend, &viewer, Entries::One(alert_id), None).await),
        Problem::Forbidden { .. }
    ));
    assert!(matches!(problem(budgets::send_test(backend, &viewer, id, TestTo::Me).await), Problem::Forbidden { .. }));
    assert!(!budgets::detail(backend, &viewer, id).await.unwrap().may_manage);

    let stranger = &other.owner;
    assert_eq!(problem(budgets::get(backend, stranger, id).await), Problem::NotFound);
    assert_eq!(problem(budgets::detail(backend, stranger, id).await), Problem::NotFound);
    assert_eq!(problem(budgets::change(backend, stranger, id, change()).await), Problem::NotFound);
    assert_eq!(problem(budgets::archive(backend, stranger, id).await), Problem::NotFound);
    for which in [Entries::One(alert_id), Entries::UpTo(alert_id)] {
        assert_eq!(problem(budgets::acknowledge(backend, stranger, which, None).await), Problem::NotFound);
    }
    assert_eq!(budgets::open_alerts(backend, &org.owner).await.unwrap(), 1);
    assert_eq!(problem(budgets::send_test(backend, stranger, id, TestTo::Me).await), Problem::NotFound);
    assert_eq!(problem(budgets::alerts(backend, stranger, AlertFilter::All, Some(id), None).await), Problem::NotFound);
    assert!(budgets::list(backend, stranger).await.unwrap().is_empty());
    assert!(ledger(backend, stranger).await.is_empty());
    assert_eq!(budgets::open_alerts(backend, stranger).await.unwrap(), 0);
    let foreign = BudgetInput { scope: ScopeRef::Project(Slug::parse("nowhere").unwrap()), ..input("1", &[1]) };
    let refused = problem(budgets::create(backend, &org.owner, foreign).await);
    assert_eq!(refused.fields()[0].pointer, "scope");
}

#[tokio::test]
async fn a_projects_key_sees_that_projects_budgets_alone() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    let team = org.team("payments").await;
    let bot = org.project_of(team, "bot").await.project_id;
    let mut ids = Vec::new();
    for scope in ["organization", "team:payments", "project:bot", "project:main"] {
        let input = BudgetInput { scope: scope.parse().unwrap(), name: scope.to_owned(), ..input("100", &[10]) };
        ids.push(budgets::create(&server.backend, &org.owner, input).await.unwrap().budget_id);
    }
    org.spend_of("bot", "2026-11-10", "60").await;
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    let new = keys::NewKey {
        name: "bot".to_owned(),
        scopes: [KeyScope::Read, KeyScope::Admin].into(),
        project: KeyProject::Bound(bot),
        expires_at: None,
    };
    let secret = keys::create(&server.backend, &org.owner, new).await.unwrap().secret;
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

#[tokio::test]
async fn the_system_sees_budgets_of_the_organization_it_works_for() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    let made = budget(&server, &org, "100", &[50]).await;
    let system = identity::system_scope(&server.backend, org.id()).await.unwrap();
    assert_eq!(budgets::get(&server.backend, &system, made.budget_id).await.unwrap(), made);
    let nothing = BudgetId(server.backend.clock.new_id());
    assert_eq!(problem(budgets::get(&server.backend, &system, nothing).await), Problem::NotFound);
}
