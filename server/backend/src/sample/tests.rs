//! The sample is what it says: the same every time, well formed, and of the size that it should have.

use super::*;
use crate::budgets::TestTo;
use chrono::{Datelike, Weekday};
use domain::budget::{AlertFilter, BudgetInput, DeliveryState};
use domain::meter::{UsageFormat, usage};
use domain::period::Period;
use domain::spend::{Dimension, Granularity, SpendQuery};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

fn quarter() -> Vec<EventInput> {
    events("2026-11-23T15:30:00Z".parse().unwrap(), Zone::parse("Europe/Berlin").unwrap()).collect()
}

#[test]
fn the_quarter_is_the_same_every_time() {
    let some = || {
        let end = "2026-11-23T15:30:00Z".parse().unwrap();
        events(end, Zone::parse("Europe/Berlin").unwrap()).take(4_000).collect::<Vec<_>>()
    };
    assert_eq!(some(), some());
}

#[test]
fn the_quarter_is_well_formed_and_tells_its_stories() {
    let events = quarter();
    it_ends_now(&events);
    ids_are_unique_and_short_enough(&events);
    every_usage_is_readable_but_for_the_mistakes(&events);
    stories_are_told(&events);
    models_and_modalities_are_many(&events);
}

fn it_ends_now(events: &[EventInput]) {
    let end = "2026-11-23T15:30:00Z".parse::<DateTime<Utc>>().unwrap();
    let times: Vec<DateTime<Utc>> = events.iter().map(|event| event.timestamp.unwrap().to_utc()).collect();
    assert!(times.iter().all(|at| *at <= end));
    assert!(*times.last().unwrap() > end - chrono::Duration::hours(1));
    assert_eq!((end - times[0]).num_days(), 91);
    assert!((60_000..150_000).contains(&events.len()), "{} events", events.len());
}

fn ids_are_unique_and_short_enough(events: &[EventInput]) {
    let ids: BTreeSet<&str> = events.iter().map(|event| event.id.as_deref().unwrap()).collect();
    // A streamed answer comes as a smaller copy first, now and then.
    let copies = events.windows(2).filter(|pair| pair[0].id == pair[1].id).count();
    assert_eq!(ids.len() + copies, events.len());
    assert!(copies > 50, "{copies}");
    assert!(ids.iter().all(|id| id.len() <= domain::event::MAX_ID_LEN));
}

fn every_usage_is_readable_but_for_the_mistakes(events: &[EventInput]) {
    let known: BTreeSet<&str> = TEAMS.iter().flat_map(|team| team.projects).map(|project| project.0).collect();
    let mistaken = |event: &&EventInput| {
        let format = event.usage_format.as_deref().unwrap().parse::<UsageFormat>();
        !known.contains(event.project.as_deref().unwrap())
            || format.is_err()
            || format.is_ok_and(|format| usage(format, &event.usage).is_err())
    };
    assert_eq!(events.iter().filter(mistaken).count(), MISTAKES);
}

fn stories_are_told(events: &[EventInput]) {
    let count = |wanted: &dyn Fn(&EventInput) -> bool| events.iter().filter(|event| wanted(event)).count();
    let search = |from: &str, to: &str| {
        count(&|event| {
            let day = event.timestamp.unwrap().date_naive().to_string();
            event.project.as_deref() == Some("search") && day.as_str() >= from && day.as_str() < to
        })
    };
    assert!(search("2026-10-20", "2026-11-03") > 4 * search("2026-09-29", "2026-10-13"));
    let runaway = count(&|event| event.tags.get("job").is_some_and(|job| job == "nightly-refactor"));
    assert!((800..2_000).contains(&runaway), "{runaway}");
    let wrong = |event: &&EventInput| event.project.as_deref() == Some("search") && event.model.contains("opus");
    let mut hours = events.iter().filter(wrong).map(|event| event.timestamp.unwrap().to_utc());
    let (first, last) = (hours.next().unwrap(), hours.next_back().unwrap());
    assert!(last - first < chrono::Duration::days(1) && events.iter().filter(wrong).count() > 50);
    let unknown = count(&|event| event.provider == "in-house");
    assert!((15..100).contains(&unknown), "{unknown}");
    let retries = count(&|event| event.attempt == Some(2));
    assert!(retries > 1_000 && retries < events.len() / 10);
    assert!(count(&EventInput::is_cache_hit) > 100);
}

fn models_and_modalities_are_many(events: &[EventInput]) {
    let models: BTreeSet<&str> = events.iter().map(|event| event.model.as_str()).collect();
    assert_eq!(models.len(), 9, "{models:?}");
    let operations: BTreeSet<&str> = events.iter().filter_map(|event| event.operation.as_deref()).collect();
    assert_eq!(operations.into_iter().collect::<Vec<_>>(), ["chat", "embeddings", "image", "transcription"]);
}

/// Each at the end of an hour of the sample's own history, in which it was crossed and before which it was not.
async fn alerts_came_when_their_thresholds_were_crossed(backend: &crate::Backend, scope: &crate::OrgScope) {
    let month = Period::month_of(scope.zone().day_of(backend.clock.now()));
    let hours = SpendQuery::over(month).per(Granularity::Hour).only(Dimension::Project, "search");
    let answer = crate::spend::query(backend, scope, &hours).await.unwrap();
    let dollars = (answer.total.spend / Decimal::new(9, 1)).round_dp(2);
    let recipients = [FINANCE.to_owned()];
    let input = BudgetInput::check("Crossed", "project:search", dollars, &THRESHOLDS, &recipients).unwrap();
    let since = scope.zone().start_of(month.from);
    let system = crate::identity::system_scope(backend, scope.org_id()).await.unwrap();
    crate::budgets::create_in_the_past(backend, &system, &input, since).await.unwrap();
    let state = crate::budgets::list(backend, scope).await.unwrap();
    let budget = state.into_iter().map(|state| state.budget).find(|budget| budget.name == "Crossed").unwrap();
    assert_eq!(budget.created_at, since);
    let alerts = async || {
        crate::budgets::alerts(backend, scope, AlertFilter::All, Some(budget.budget_id), None).await.unwrap().alerts
    };
    let told = alerts().await;
    assert_eq!(told.iter().flat_map(|alert| alert.thresholds.clone()).collect::<Vec<_>>(), [80, 50]);
    let until = |end: DateTime<Utc>| {
        let before = answer.rows.iter().filter(|row| row.bucket.unwrap().hour().unwrap() < end);
        before.map(|row| row.sums.spend).sum::<Decimal>()
    };
    for alert in &told {
        let (at, threshold) = (alert.at.to_utc(), Decimal::from(alert.thresholds[0]) * dollars / Decimal::ONE_HUNDRED);
        assert!(at < backend.clock.now());
        assert_eq!(until(at), alert.spend);
        assert!(alert.spend >= threshold && until(at - chrono::Duration::hours(1)) < threshold);
        let delivery = &alert.deliveries[0];
        assert_eq!((delivery.recipient.as_str(), delivery.state), (FINANCE, DeliveryState::Sample));
    }
    // The worker finds nothing new, and what is mailed on demand is not sent either.
    crate::budgets::evaluate_marks(backend).await.unwrap();
    assert_eq!(alerts().await, told);
    crate::budgets::send_test(backend, &system, budget.budget_id, TestTo::Recipients).await.unwrap();
    let queued = crate::delivery::shown(backend).await.unwrap();
    assert!(queued.iter().all(|mail| mail.recipient != FINANCE), "{queued:?}");
}

/// The last days of the sample, walked through the door.
#[tokio::test]
async fn the_newest_events_come_in_with_budgets_and_mistakes() {
    let database = testkit::TestDatabase::new().await;
    let now = "2026-11-20T15:30:00Z".parse().unwrap();
    let clock = std::sync::Arc::new(crate::TestClock::at(now));
    let backend = crate::Backend::new(database.pool().clone(), clock, "http://localhost", true);
    let owner = crate::seeded::Seeded::new(&backend, &database, "Acme", "UTC").await.made.user_id;
    let sample = load::Sample::make(&backend, owner, "Asia/Kolkata").await.unwrap();
    // From the day of the last mistakes on.
    let from = Zone::parse("Asia/Kolkata").unwrap().start_of("2026-11-18".parse().unwrap());
    let newest: Vec<EventInput> =
        sample.events(&backend).filter(|event| event.timestamp.unwrap().to_utc() >= from).collect();
    let count = newest.len() as u64;
    assert!(count > 2_000);
    assert_eq!(load::progress(&backend, &sample.scope).await.unwrap(), Some(0.0));

    let mut heard = 0;
    let loaded = sample.fill(&backend, newest.into_iter(), |sent| heard = sent).await.unwrap();
    assert_eq!((loaded.accepted + loaded.copies + loaded.rejected, heard), (count, count));
    assert!(loaded.copies > 0);
    assert_eq!(loaded.rejected, 3);

    let scope = crate::identity::scope_in(&backend, owner, sample.organization.org_id).await.unwrap();
    let period = domain::period::Period::last_days(now.date_naive(), 7);
    let found = crate::ledger::verify(&backend, &scope, period).await.unwrap();
    assert!(found.is_empty(), "{found:?}");
    let sums = crate::spend::query(&backend, &scope, &domain::spend::SpendQuery::over(period)).await.unwrap().total;
    assert!(sums.spend > rust_decimal::Decimal::from(60), "{}", sums.spend);
    assert!(sums.unpriced_requests > 0 && sums.errors > 0);
    let budgets = crate::budgets::list(&backend, &scope).await.unwrap();
    assert_eq!(budgets.len(), BUDGETS.len());
    alerts_came_when_their_thresholds_were_crossed(&backend, &scope).await;
    let projects = crate::projects::list_projects(&backend, &scope).await.unwrap();
    assert_eq!(projects.iter().filter(|project| project.archived_at.is_none()).count(), 5);
    assert!(crate::keys::list(&backend, &scope).await.unwrap().iter().all(|key| key.revoked_at.is_some()));
    assert_eq!(load::progress(&backend, &scope).await.unwrap(), None, "all of it is there");
    let again = load::Sample::make(&backend, owner, "UTC").await;
    assert!(
        again.is_err_and(|error| matches!(error, crate::Error::Problem(domain::problem::Problem::Conflict { .. })))
    );
}

/// The product's own rule finds what went wrong in the sample, and why; of the days that the rule compares.
#[tokio::test]
async fn what_went_wrong_is_found_and_explained() {
    let database = testkit::TestDatabase::new().await;
    let now = "2026-11-23T15:30:00Z".parse().unwrap();
    let clock = std::sync::Arc::new(crate::TestClock::at(now));
    let backend = crate::Backend::new(database.pool().clone(), clock, "http://localhost", true);
    let owner = crate::seeded::Seeded::new(&backend, &database, "Acme", "UTC").await.made.user_id;
    let sample = load::Sample::make(&backend, owner, "UTC").await.unwrap();
    let compared = |event: &EventInput| match (event.project.as_deref(), event.timestamp.unwrap().weekday()) {
        (Some("code-assistant"), Weekday::Sat | Weekday::Sun) => true,
        (Some("search"), weekday) => weekday == Weekday::Fri,
        _ => false,
    };
    sample.fill(&backend, sample.events(&backend).filter(compared), |_| {}).await.unwrap();
    let scope = crate::identity::scope_in(&backend, owner, sample.organization.org_id).await.unwrap();
    let found = crate::spend::anomalies(&backend, &scope).await.unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|anomaly| (anomaly.project.as_str(), anomaly.day.day.to_string(), anomaly.causes[0].name.as_str()))
        .collect();
    let of = |project, day: &str, cause| (project, day.to_owned(), cause);
    assert_eq!(
        told,
        [of("code-assistant", "2026-11-14", "ci-runner"), of("search", "2026-11-20", "claude-opus-4-1-20250805")]
    );
    assert_eq!(found[0].days, 2, "Saturday and Sunday");
}
