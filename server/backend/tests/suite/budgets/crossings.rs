//! Which crossings are recorded, when, and with which mails.

use super::*;
use crate::support::day;
use backend::{Clock, delivery};
use chrono::{DateTime, NaiveDate, Utc};
use domain::budget::{BudgetChange, BudgetStatus, DeliveryState, SpendScope};
use domain::event::EventInput;
use domain::period::Period;
use domain::spend::Estimate;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::BTreeSet;
use testkit::seed;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_crossing_is_recorded_once_and_mailed_to_each_recipient() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let org = organization(&server, "Acme", "Asia/Kolkata").await;
    let budget = budget(&server, &org, "12000", &[50, 80, 100]).await;
    org.spend("2026-11-10", "5999.999999999999").await;
    assert_eq!(evaluate(&server).await, 1);
    assert!(ledger(&server.backend, &org.owner).await.is_empty(), "not crossed by a trillionth of a dollar");
    org.spend("2026-11-19", "0.000000000001").await;
    evaluate(&server).await;
    let [alert] = &ledger(&server.backend, &org.owner).await[..] else { panic!("one row") };
    assert_eq!((&alert.thresholds[..], alert.month, alert.late), (&[50][..], day("2026-11-01"), false));
    assert_eq!((alert.spend, alert.estimate, alert.amount), (money("6000"), Estimate::default(), money("12000")));
    assert_eq!(alert.at.to_rfc3339(), "2026-11-20T14:30:00+05:30", "in the organization's zone");
    assert_eq!(alert.deliveries.len(), 2);
    assert!(alert.deliveries.iter().all(|delivery| delivery.state == DeliveryState::Queued));

    delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap();
    let [alert] = &ledger(&server.backend, &org.owner).await[..] else { panic!("one row") };
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
        "Top drivers",
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
    assert_eq!(thresholds(&ledger(&server.backend, &org.owner).await), [50]);
    assert_eq!(mails(&server.backend).await, 2);
}

#[tokio::test]
async fn a_recorded_crossing_stands_on_the_day_that_completed_it() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
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
    assert_eq!(crossings(&org.owner, all, shown).await, [(50, day("2026-11-05")), (80, day("2026-11-09"))]);
    let later = Period { from: day("2026-11-06"), ..shown };
    assert_eq!(crossings(&org.owner, all, later).await, [(80, day("2026-11-09"))]);
    let project = SpendScope::Project(org.project.project_id);
    assert!(crossings(&org.owner, project, shown).await.is_empty(), "the budget is the organization's");
    let other = organization(&server, "Globex", "UTC").await;
    assert!(crossings(&other.owner, all, shown).await.is_empty());
}

#[tokio::test]
async fn thresholds_crossed_at_once_are_one_entry_and_told_in_one_mail() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    let budget = budget(&server, &org, "100", &[50, 80, 100, 200]).await;
    org.spend("2026-11-02", "120").await;
    evaluate(&server).await;
    let [alert] = &ledger(&server.backend, &org.owner).await[..] else { panic!("one entry") };
    assert_eq!((alert.thresholds_text().as_str(), alert.deliveries.len()), ("50\u{a0}%, 80\u{a0}%, 100\u{a0}%", 2));
    assert_eq!(budgets::open_alerts(&server.backend, &org.owner).await.unwrap(), 1);
    assert_eq!(mails(&server.backend).await, 2);
    let text: String =
        sqlx::query_scalar("select body_text from mails limit 1").fetch_one(&server.backend.pool).await.unwrap();
    assert!(text.contains("50 %, 80 % and 100 % were crossed at once"), "{text}");
    assert!(text.contains("Forecast (Nov 30): $") && text.contains("Status: exceeded."), "{text}");

    let detail = budgets::detail(&server.backend, &org.owner, budget.budget_id).await.unwrap();
    assert_eq!(detail.state.status, BudgetStatus::Exceeded);
    assert_eq!(detail.state.usage.used, money("120"));
    assert_eq!(
        detail.thresholds.iter().map(|state| state.alert.is_some()).collect::<Vec<_>>(),
        [true, true, true, false]
    );
    assert_eq!(detail.thresholds[3].at, money("200"));
    assert_eq!(detail.evaluated_at.map(|at| at.to_utc()), Some(server.clock.now()));
    assert_eq!(detail.days.len(), 20);
    assert_eq!(budgets::over(&server.backend, &org.owner).await.unwrap(), 1);
}

#[tokio::test]
async fn unpriced_usage_that_nothing_was_paid_for_counts_with_its_upper_bound() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    budget(&server, &org, "100", &[50]).await;
    org.spend_at_most("2026-11-02", "55").await;
    evaluate(&server).await;
    let [alert] = &ledger(&server.backend, &org.owner).await[..] else { panic!("one entry") };
    let bound = Estimate { amount: money("55"), events: 1, upper_bound: money("55") };
    assert_eq!((alert.spend, alert.estimate), (money("55"), bound));
    let text: String =
        sqlx::query_scalar("select body_text from mails limit 1").fetch_one(&server.backend.pool).await.unwrap();
    assert!(text.contains("includes $55.00 estimated for 1\u{a0}unpriced event, at most $55.00"), "{text}");
}

/// Calls of gpt-4o at its list price ($2.50 and $10 per million tokens), and of a model of one's own beside it.
#[tokio::test]
async fn unpriced_usage_is_estimated_by_what_the_organization_itself_paid() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    let calls = |model: &str, day: &str, count: i64| -> Vec<EventInput> {
        let at: DateTime<Utc> = format!("{day}T08:00:00Z").parse().unwrap();
        let call = |number| EventInput {
            timestamp: Some((at + chrono::Duration::seconds(number)).fixed_offset()),
            provider: "openai".to_owned(),
            model: model.to_owned(),
            operation: Some("chat".to_owned()),
            usage: json!({"prompt_tokens": 1_000, "completion_tokens": 100}),
            ..EventInput::default()
        };
        (0..count).map(call).collect()
    };
    org.record(calls("gpt-4o-2024-08-06", "2026-10-25", 1_000)).await;
    org.record(calls("support-tuned-1", "2026-11-10", 60)).await;
    let made = budget(&server, &org, "0.2", &[80, 100, 200]).await;
    // 60 × (1,000 × $2.50 + 100 × $10) / 1,000,000
    let state = budgets::list(&server.backend, &org.owner).await.unwrap().remove(0);
    assert_eq!((state.usage.used, state.usage.estimate.amount), (money("0.21"), money("0.21")));
    assert_eq!(state.usage.estimate.events, 60);
    assert!(state.usage.estimate.upper_bound > money("10"), "{:?}", state.usage.estimate);
    let [alert] = &ledger(&server.backend, &org.owner).await[..] else { panic!("one entry") };
    assert_eq!((&alert.thresholds[..], alert.estimate), (&[80, 100][..], state.usage.estimate));
    let detail = budgets::detail(&server.backend, &org.owner, made.budget_id).await.unwrap();
    assert_eq!(detail.state, state, "the page says what the list says");
    assert_eq!(budgets::state_of(&server.backend, &org.owner, made.budget_id).await.unwrap(), state);

    // The mix moves, and the estimate with it: a cheaper model is what the last 30 days paid for.
    org.record(calls("gpt-4o-mini-2024-07-18", "2026-11-01", 1_000)).await;
    let state = budgets::list(&server.backend, &org.owner).await.unwrap().remove(0);
    let (estimate, known) = (state.usage.estimate.amount, state.usage.used - state.usage.estimate.amount);
    assert!(estimate < money("0.12") && estimate > known / Decimal::from(1_000) * Decimal::from(60), "{state:?}");
}

#[tokio::test]
async fn a_crossing_found_after_its_month_is_recorded_late_and_not_mailed() {
    let server = Server::at("2026-10-05T00:00:00Z").await;
    let org = organization(&server, "Acme", "UTC").await;
    budget(&server, &org, "100", &[50]).await;
    server.clock.set("2026-12-02T00:00:00Z".parse().unwrap());
    org.spend("2026-11-30", "60").await;
    org.spend("2026-09-30", "60").await;
    evaluate(&server).await;
    let [alert] = &ledger(&server.backend, &org.owner).await[..] else { panic!("September was before the budget") };
    assert_eq!((alert.month, alert.late), (day("2026-11-01"), true));
    assert!(alert.deliveries.is_empty());
    assert_eq!(mails(&server.backend).await, 0);
}

#[tokio::test]
async fn a_crossing_acknowledged_before_midnight_is_mailed_whenever_it_is_found() {
    // Midnight in Kolkata is 18:30 in UTC. Found by the mark, or by the sweep that comes before it.
    for sweeps_first in [false, true] {
        let server = Server::at("2026-11-30T18:29:59Z").await;
        let org = organization(&server, "Acme", "Asia/Kolkata").await;
        budget(&server, &org, "100", &[50, 80]).await;
        org.spend("2026-11-30", "60").await;
        server.clock.set("2026-11-30T18:30:01Z".parse().unwrap());
        if sweeps_first {
            budgets::sweep(&server.backend, &CancellationToken::new()).await.unwrap();
        }
        evaluate(&server).await;
        let [alert] = &ledger(&server.backend, &org.owner).await[..] else { panic!("one row") };
        assert_eq!((alert.month, alert.late, alert.deliveries.len()), (day("2026-11-01"), false, 2));
        let text: String =
            sqlx::query_scalar("select body_text from mails limit 1").fetch_one(&server.backend.pool).await.unwrap();
        assert!(text.contains("Top drivers") && !text.contains("Forecast ("), "of its own month: {text}");
        // What comes after midnight is late, whatever was there before.
        org.spend("2026-11-30", "30").await;
        evaluate(&server).await;
        let alerts = ledger(&server.backend, &org.owner).await;
        assert_eq!((alerts.len(), alerts[1].late, mails(&server.backend).await), (2, true, 2));
    }
}

#[tokio::test]
async fn a_month_begins_and_ends_with_the_organizations_midnight() {
    // Midnight in Kolkata is 18:30 in UTC.
    let server = Server::at("2026-10-31T18:29:59Z").await;
    let org = organization(&server, "Acme", "Asia/Kolkata").await;
    let budget = budget(&server, &org, "100", &[50]).await;
    assert_eq!(span(&server.backend, "2026-10-01").await.as_deref(), Some("09-30T18:30 10-31T18:30"));
    org.spend("2026-10-31", "60").await;
    evaluate(&server).await;
    assert_eq!(mails(&server.backend).await, 2, "the last second of October");

    server.clock.set("2026-10-31T18:30:00Z".parse().unwrap());
    let change = BudgetChange { thresholds: Some(vec![40, 50]), ..Default::default() };
    budgets::change(&server.backend, &org.owner, budget.budget_id, change).await.unwrap();
    assert_eq!(span(&server.backend, "2026-11-01").await.as_deref(), Some("10-31T18:30 11-30T18:30"));
    org.spend("2026-10-31", "1").await;
    org.spend("2026-11-01", "45").await;
    evaluate(&server).await;
    let alerts = ledger(&server.backend, &org.owner).await;
    let rows: Vec<_> = alerts.iter().map(|alert| (alert.month.to_string(), alert.thresholds[0], alert.late)).collect();
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
                let org = organization(&server, &format!("Org{}", case.get()), "America/New_York").await;
                let made = budget(&server, &org, "100", &[10, 25, 50, 75, 100, 150, 300]).await;
                // After the last of the feed's days: nothing is recorded before it happens.
                server.clock.set("2026-11-29T12:00:00Z".parse().unwrap());
                for part in feed.split_inclusive(|(.., evaluated)| *evaluated) {
                    org.record(part.iter().map(|(month, on, cents, _)| {
                        let on = day(&format!("2026-{month}-{on:02}"));
                        seed::call(org.owner.zone().start_of(on), Decimal::new((*cents).into(), 2))
                    }))
                    .await;
                    if part.last().is_some_and(|(.., evaluated)| *evaluated) {
                        evaluate(&server).await;
                    }
                }
                evaluate(&server).await;
                let alerts = ledger(&server.backend, &org.owner).await;
                let found: BTreeSet<_> = alerts
                    .iter()
                    .flat_map(|alert| alert.thresholds.iter().map(|threshold| (alert.month, *threshold, alert.late)))
                    .collect();
                prop_assert_eq!(thresholds(&alerts).len(), found.len());
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
