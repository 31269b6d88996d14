//! Budgets that are made, changed and archived, and projects that move.

use super::*;
use crate::support::day;
use backend::projects;
use chrono::NaiveDate;
use domain::budget::BudgetChange;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

#[tokio::test]
async fn making_and_changing_a_budget_finds_what_is_crossed_already() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    let budget = budget(&server, &org, "100", &[50, 80]).await;
    assert_eq!(thresholds(&ledger(&server.backend, &org.owner).await), [50]);
    assert_eq!(mails(&server.backend).await, 2);

    let lower = BudgetChange { amount: Some(money("70")), ..Default::default() };
    let changed = budgets::change(&server.backend, &org.owner, budget.budget_id, lower.clone()).await.unwrap();
    assert_eq!(changed.amount, money("70"));
    let alerts = ledger(&server.backend, &org.owner).await;
    assert_eq!(thresholds(&alerts), [50, 50, 80]);
    let amounts: Vec<_> = alerts.iter().map(|alert| (alert.revision, alert.amount)).collect();
    assert_eq!(amounts, [(1, money("100")), (2, money("70"))], "each with the amount of its moment");
    assert_eq!(mails(&server.backend).await, 4);

    budgets::change(&server.backend, &org.owner, budget.budget_id, lower).await.unwrap();
    let audit = backend::audit::list(&server.backend, &org.owner, 10).await.unwrap();
    let changes: Vec<_> =
        audit.iter().filter(|row| row.action == "budget.changed").map(|row| row.detail.as_str()).collect();
    let once = ["Changed the budget Production assistant: amount $70.00 instead of $100.00."];
    assert_eq!(changes, once, "nothing changed the second time");
}

#[tokio::test]
async fn a_raised_budget_warns_again_under_its_new_amount() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    let budget = budget(&server, &org, "100", &[50, 80]).await;
    org.spend("2026-11-10", "90").await;
    evaluate(&server).await;
    let raised = BudgetChange { amount: Some(money("1000")), ..Default::default() };
    budgets::change(&server.backend, &org.owner, budget.budget_id, raised).await.unwrap();
    assert_eq!(mails(&server.backend).await, 2, "nothing of the new amount is used up yet");
    // Spend of earlier days of the month that comes late, as imports do.
    org.spend("2026-11-02", "420").await;
    evaluate(&server).await;
    org.spend("2026-11-03", "1").await;
    evaluate(&server).await;
    let alerts = ledger(&server.backend, &org.owner).await;
    let rows: Vec<_> =
        alerts.iter().map(|alert| (&alert.thresholds[..], alert.revision, alert.amount, alert.late)).collect();
    assert_eq!(
        rows,
        [(&[50, 80][..], 1, money("100"), false), (&[50][..], 2, money("1000"), false)],
        "once under each amount"
    );
    assert_eq!(mails(&server.backend).await, 4);
    let told: i64 = sqlx::query_scalar("select count(*) from mails where subject = $1")
        .bind("Production assistant has used 51 % of its November budget ($510 of $1,000)")
        .fetch_one(&server.backend.pool)
        .await
        .unwrap();
    assert_eq!(told, 2, "each recipient, under the new amount");
    let detail = budgets::detail(&server.backend, &org.owner, budget.budget_id).await.unwrap();
    let under: Vec<_> = detail
        .thresholds
        .iter()
        .map(|state| [&state.alert, &state.earlier].map(|alert| alert.as_ref().map(|alert| alert.amount)))
        .collect();
    assert_eq!(under, [[Some(money("1000")), Some(money("100"))], [None, Some(money("100"))]]);
    let amounts: Vec<_> = detail.amounts.iter().map(|one| (one.amount, one.by.as_deref())).collect();
    let by = Some("owner@acme.example");
    assert_eq!(amounts, [(money("1000"), by), (money("100"), by)]);
}

#[tokio::test]
async fn months_that_are_over_keep_their_amount() {
    let server = Server::at("2026-09-15T00:00:00Z").await;
    let org = organization(&server, "Acme", "UTC").await;
    let budget = budget(&server, &org, "100", &[50]).await;
    server.clock.set(NOW.parse().unwrap());
    let higher = BudgetChange { amount: Some(money("1000")), ..Default::default() };
    budgets::change(&server.backend, &org.owner, budget.budget_id, higher).await.unwrap();
    let amounts: Vec<(NaiveDate, Decimal)> = sqlx::query_as("select month, amount from budget_periods order by month")
        .fetch_all(&server.backend.pool)
        .await
        .unwrap();
    let expected = [("2026-09-01", "100"), ("2026-10-01", "100"), ("2026-11-01", "1000")];
    assert_eq!(amounts, expected.map(|(month, amount)| (day(month), money(amount))));
}

#[tokio::test]
async fn a_project_that_moves_makes_the_budgets_of_its_new_team_look_again() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "Asia/Kolkata").await;
    let (payments, search) = (org.team("payments").await, org.team("search").await);
    let bot = org.project_of(payments, "bot").await.project_id;
    let scope = "team:search".parse::<ScopeRef>().unwrap();
    let input = BudgetInput { scope, ..input("40", &[50]) };
    budgets::create(&server.backend, &org.owner, input).await.unwrap();
    org.spend_of("bot", "2026-11-03", "30").await;
    org.spend_of("bot", "2026-11-18", "30").await;
    evaluate(&server).await;
    assert!(ledger(&server.backend, &org.owner).await.is_empty(), "the other team's spend");

    let mv = async |team, from| projects::move_project(&server.backend, &org.owner, bot, team, from).await.unwrap();
    mv(search, Some(day("2026-12-01"))).await;
    assert_eq!(evaluate(&server).await, 0, "nothing that was spent has moved");
    mv(search, Some(day("2026-11-10"))).await;
    assert_eq!(evaluate(&server).await, 1, "one month has moved");
    let [alert] = &ledger(&server.backend, &org.owner).await[..] else { panic!("one row") };
    assert_eq!((&alert.thresholds[..], alert.spend), (&[50][..], money("30")));
}

#[tokio::test]
async fn a_teams_budget_counts_the_days_on_which_it_owned_the_project() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    let (payments, search) = (org.team("payments").await, org.team("search").await);
    let bot = org.project_of(payments, "bot").await.project_id;
    projects::move_project(&server.backend, &org.owner, bot, search, Some(day("2026-11-10"))).await.unwrap();
    let of = |text: &str| text.parse::<ScopeRef>().unwrap();
    for scope in ["team:payments", "team:search", "project:bot", "organization"] {
        let input = BudgetInput { scope: of(scope), name: scope.to_owned(), ..input("100", &[10]) };
        budgets::create(&server.backend, &org.owner, input).await.unwrap();
    }
    org.spend_of("bot", "2026-11-09", "20").await;
    org.spend_of("bot", "2026-11-10", "30").await;
    org.spend("2026-11-10", "5").await;
    evaluate(&server).await;
    let used: Vec<_> = budgets::list(&server.backend, &org.owner)
        .await
        .unwrap()
        .into_iter()
        .map(|state| (state.budget.name, state.usage.used))
        .collect();
    let expected = [("organization", "55"), ("team:payments", "20"), ("team:search", "30"), ("project:bot", "50")];
    assert_eq!(used, expected.map(|(name, used)| (name.to_owned(), money(used))));
    let recorded: Vec<_> =
        ledger(&server.backend, &org.owner).await.into_iter().map(|alert| (alert.budget_name, alert.spend)).collect();
    assert_eq!(
        recorded.into_iter().collect::<BTreeSet<_>>(),
        used.into_iter().collect(),
        "the ledger evaluated the same"
    );
}

#[tokio::test]
async fn an_archived_budget_is_left_in_peace_and_keeps_its_ledger() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    let budget = budget(&server, &org, "100", &[50, 80]).await;
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    budgets::archive(&server.backend, &org.owner, budget.budget_id).await.unwrap();
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    assert_eq!(thresholds(&ledger(&server.backend, &org.owner).await), [50]);
    assert!(budgets::list(&server.backend, &org.owner).await.unwrap().is_empty());
    assert_eq!(budgets::over(&server.backend, &org.owner).await.unwrap(), 0);
    let again = budgets::archive(&server.backend, &org.owner, budget.budget_id).await;
    assert!(matches!(problem(again), Problem::Conflict { .. }));
    let change = budgets::change(&server.backend, &org.owner, budget.budget_id, BudgetChange::default()).await;
    assert!(matches!(problem(change), Problem::Conflict { .. }));
}
