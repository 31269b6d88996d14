//! FOCUS exports: what rows bill is the spend of the same days on every page, whatever the events were and whatever moved since.

use super::billing_basis::choose_billing;
use super::contract::{add, allowance};
use super::prices::{enter, mapping, price};
use super::repricing::finish;
use super::support::{at, day, money};
use backend::exports::{FocusExport, manifest};
use backend::{Backend, OrgScope, TestClock, events, ledger, prices, spend, statements};
use chrono::{DateTime, Duration, Utc};
use domain::event::{EventInput, ReportedCost};
use domain::focus::Version;
use domain::focus::charge::Charge;
use domain::focus::columns::{Cell, columns};
use domain::focus::query::FocusQuery;
use domain::focus::row::FocusRow;
use domain::period::Period;
use domain::price::{BasisForm, ModifierForm};
use domain::repricing::{RunInput, RunKind};
use domain::spend::SpendQuery;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::TestDatabase;
use testkit::seed::{self, Organization};
use tokio_util::sync::CancellationToken;

const MODEL: &str = "gpt-4o-2024-08-06";

async fn export(backend: &Backend, scope: &OrgScope, query: &FocusQuery) -> Vec<FocusRow> {
    let mut export = FocusExport::begin(backend, scope, query).await.unwrap();
    let mut rows = Vec::new();
    while let Some(more) = export.next().await.unwrap() {
        rows.extend(more);
    }
    rows
}

fn billed(rows: &[FocusRow]) -> Decimal {
    rows.iter().map(|row| row.amounts.billed).sum()
}

fn span(from: &str, to: &str) -> Period {
    Period::new(day(from), day(to)).unwrap()
}

/// Every span has one number: the export's, the spend query's, and for months the statements' down to the team.
async fn check(backend: &Backend, scope: &OrgScope) {
    for period in [span("2026-09-01", "2027-01-01"), span("2026-10-31", "2026-11-02"), span("2026-11-01", "2026-12-01")]
    {
        let spent = spend::query(backend, scope, &SpendQuery::over(period)).await.unwrap().total.spend;
        for hourly in [false, true] {
            let query = FocusQuery { hourly, tags: vec!["customer".parse().unwrap()], ..FocusQuery::over(period) };
            let rows = export(backend, scope, &query).await;
            assert_eq!(billed(&rows), spent, "{period:?} {hourly}");
            assert!(rows.is_sorted_by_key(|row| row.key.start));
            let (from, to) = scope.zone().instants(period);
            assert!(rows.iter().all(|row| from <= row.key.start && row.key.start < row.end && row.end <= to));
            let keys: HashSet<String> = rows.iter().map(|row| format!("{:?}", row.key)).collect();
            assert_eq!(keys.len(), rows.len(), "one row for each");
        }
        assert_eq!(manifest(backend, scope, &FocusQuery::over(period)).await.unwrap().billed, spent);
    }
    let month = span("2026-11-01", "2026-12-01");
    let rows = export(backend, scope, &FocusQuery::over(month)).await;
    let statement = statements::month(backend, scope, month, true).await.unwrap();
    assert_eq!(billed(&rows), statement.total.spend);
    let mut by_team: BTreeMap<Option<String>, Decimal> = BTreeMap::new();
    for row in &rows {
        *by_team.entry(row.owner.team.clone()).or_default() += row.amounts.billed;
    }
    for team in &statement.teams {
        let slug = team.team.as_ref().map(|team| team.slug.clone());
        assert_eq!(by_team.remove(&slug).unwrap_or_default(), team.sums.spend, "{slug:?}");
    }
    assert!(by_team.values().all(Decimal::is_zero), "{by_team:?}");
}

#[derive(Clone, Debug)]
struct Call {
    at: DateTime<Utc>,
    model: &'static str,
    provider: &'static str,
    usage: serde_json::Value,
    customer: Option<&'static str>,
    reported: Option<Decimal>,
    cached: bool,
    project: usize,
}

fn any_call() -> impl Strategy<Value = Call> {
    // Around ends of months in zones of half hours, and clock changes.
    let starts = ["2026-09-30T12:00:00Z", "2026-10-24T18:00:00Z", "2026-10-31T10:00:00Z", "2026-11-15T00:00:00Z"];
    let openai = (1_u64..400_000, 0_u64..3_000, 0_u64..9_000).prop_map(|(input, cached, output)| {
        json!({"prompt_tokens": input + cached, "completion_tokens": output, "prompt_tokens_details": {"cached_tokens": cached}})
    });
    let anthropic = (1_u64..9_000, 0_u64..9_000, 0_u64..9_000, 0_u64..9_000).prop_map(|(input, read, written, output)| {
        json!({"input_tokens": input, "cache_read_input_tokens": read, "cache_creation_input_tokens": written, "output_tokens": output})
    });
    let gemini = (1_u64..400_000, 0_u64..9_000).prop_map(|(input, output)| {
        json!({"promptTokenCount": input, "candidatesTokenCount": output, "totalTokenCount": input + output})
    });
    let kind = prop_oneof![
        3 => (Just(("openai", MODEL)), openai.clone()),
        1 => (Just(("openai", "our-chat")), openai.clone()),
        1 => (Just(("openai", "mystery-1")), openai),
        2 => (Just(("anthropic", "claude-sonnet-4-5-20250929")), anthropic),
        2 => (Just(("google", "gemini-2.5-pro")), gemini),
    ];
    let reported = prop::option::weighted(0.3, (0_i64..9_000_000).prop_map(|micros| Decimal::new(micros, 7)));
    let customer = prop::sample::select(vec![None, Some("acme"), Some("globex")]);
    (
        prop::sample::select(starts.to_vec()),
        0_i64..2 * 86_400,
        kind,
        customer,
        reported,
        prop::bool::weighted(0.1),
        0..2_usize,
    )
        .prop_map(|(start, secs, ((provider, model), usage), customer, reported, cached, project)| Call {
            at: at(start) + Duration::seconds(secs),
            model,
            provider,
            usage,
            customer,
            reported,
            cached,
            project,
        })
}

fn event(call: &Call) -> EventInput {
    EventInput {
        timestamp: Some(call.at.fixed_offset()),
        provider: call.provider.to_owned(),
        model: call.model.to_owned(),
        usage: call.usage.clone(),
        customer: call.customer.map(str::to_owned),
        response_cache_hit: call.cached.then_some(true),
        reported_cost: call.reported.map(|amount| ReportedCost { amount, currency: "USD".to_owned() }),
        project: (call.project == 1).then(|| "search".to_owned()),
        ..EventInput::default()
    }
}

/// What happens to an organization before or after its calls.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Discount,
    Markup,
    OwnPrice,
    Reported,
    Included,
    Record,
    NamePriced,
    Reprice,
    Settle,
}

async fn confirmed(backend: &Backend, scope: &OrgScope, input: &RunInput) {
    use backend::prices::runs;
    let run = runs::draft(backend, scope, input).await.unwrap();
    let run = finish(backend, scope, run.run_id).await;
    if runs::confirm(backend, scope, run.run_id, "As agreed.").await.is_ok() {
        finish(backend, scope, run.run_id).await;
    }
}

async fn take(step: Step, backend: &Backend, acme: &Organization, calls: &[Call]) {
    let owner = &acme.owner;
    let modifier = |kind: &str, percent: &str| ModifierForm {
        kind: kind.to_owned(),
        percent: percent.to_owned(),
        source: "Contract 7".to_owned(),
        ..ModifierForm::default()
    };
    let all = RunInput { kind: RunKind::Repricing, from: None, to: None, filters: vec![] };
    match step {
        // Seven places of a rate: each receipt line is rounded.
        Step::Discount => {
            prices::add_modifier(backend, owner, &modifier("discount", "12.3457").parse().unwrap()).await.unwrap();
        }
        Step::Markup => {
            prices::add_modifier(backend, owner, &modifier("markup", "7.5").parse().unwrap()).await.unwrap();
        }
        Step::OwnPrice => {
            enter(backend, owner, price(MODEL, "input_uncached", "2.1234567")).await;
        }
        Step::Reported => {
            let form =
                BasisForm { basis: "reported".to_owned(), reason: "They bill it.".to_owned(), ..BasisForm::default() };
            prices::choose_basis(backend, owner, &form.parse().unwrap()).await.unwrap();
        }
        Step::Included => {
            // Some of the events come before this day.
            choose_billing(backend, acme, "included", "2026-11-01").await;
        }
        Step::Record => {
            let answer = events::ingest_inputs(backend, &acme.api, calls.iter().map(event).collect()).await.unwrap();
            assert_eq!(usize::try_from(answer.accepted), Ok(calls.len()), "{answer:?}");
        }
        Step::NamePriced => {
            prices::add_alias(backend, owner, &mapping("our-chat", MODEL).parse().unwrap()).await.unwrap();
            prices::runs::price_unpriced(backend, owner, None, "It is our gpt-4o.").await.unwrap();
        }
        Step::Reprice => confirmed(backend, owner, &all).await,
        Step::Settle => {
            add(backend, owner, allowance("100000")).await;
            confirmed(backend, owner, &RunInput::contract(span("2026-11-01", "2026-12-01"))).await;
        }
    }
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    use Step::{Discount, Included, Markup, NamePriced, OwnPrice, Record, Reported, Reprice, Settle};
    let before = prop::sample::subsequence(vec![Discount, Markup, OwnPrice, Reported, Included], 0..4);
    let after =
        prop::sample::subsequence(vec![Discount, Markup, OwnPrice, Reported, Included, NamePriced, Settle], 0..6);
    (before, after.prop_shuffle(), any::<bool>()).prop_map(|(before, after, reprice)| {
        let after: Vec<Step> = after.into_iter().filter(|step| !before.contains(step)).collect();
        before.into_iter().chain([Record]).chain(after).chain(reprice.then_some(Reprice)).collect()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_the_spend_of_any_span_and_zone() {
    static NAMED: AtomicUsize = AtomicUsize::new(0);
    let config = ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(10),
        failure_persistence: None,
        rng_seed: prop::test_runner::RngSeed::Fixed(1_204),
        max_shrink_iters: 20,
        ..ProptestConfig::default()
    };
    let zones = prop::sample::select(vec!["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]);
    let input = (zones, prop::collection::vec(any_call(), 1..30), any_steps());
    let database = TestDatabase::new().await;
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        proptest!(config, |((zone, calls, steps) in input)| {
            runtime.block_on(async {
                let (backend, clock) = seed::backend(&database, "2026-11-20T12:00:00Z");
                let name = format!("Org {}", NAMED.fetch_add(1, Ordering::Relaxed));
                let acme = seed::named(&backend, &name, zone).await;
                acme.project_of(acme.team("platform").await, "search").await;
                let mut taken: Vec<Step> = Vec::new();
                for step in steps {
                    clock.advance(Duration::minutes(1));
                    take(step, &backend, &acme, &calls).await;
                    taken.push(step);
                    if taken.contains(&Step::Record) {
                        check(&backend, &acme.owner).await;
                    }
                }
                let bound = seed::bound_key(&backend, &acme.owner, &acme.project).await.1;
                check(&backend, &bound).await;
            });
        });
    });
}

async fn organization(database: &TestDatabase) -> (Backend, std::sync::Arc<TestClock>, Organization) {
    let (backend, clock) = seed::backend(database, "2026-11-20T12:00:00Z");
    let acme = seed::organization(&backend, "Asia/Kolkata").await;
    (backend, clock, acme)
}

fn call(time: &str, model: &'static str, input: u64) -> Call {
    Call {
        at: at(time),
        model,
        provider: "openai",
        usage: json!({"prompt_tokens": input, "completion_tokens": 100}),
        customer: None,
        reported: None,
        cached: false,
        project: 0,
    }
}

#[tokio::test]
async fn an_own_price_and_a_discount_stand_beside_the_list_price() {
    let database = TestDatabase::new().await;
    let (backend, _, acme) = organization(&database).await;
    take(Step::OwnPrice, &backend, &acme, &[]).await;
    take(Step::Discount, &backend, &acme, &[]).await;
    take(Step::Record, &backend, &acme, &[call("2026-11-10T10:00:00Z", MODEL, 1_000_000)]).await;
    let rows = export(&backend, &acme.owner, &FocusQuery::over(span("2026-11-01", "2026-12-01"))).await;
    let pricing =
        rows.iter().find(|row| row.sku_id().unwrap().ends_with("/input_uncached")).unwrap().pricing().unwrap();
    assert_eq!((pricing.list, pricing.quantity), (money("2.5"), Decimal::ONE));
    assert_eq!(pricing.contracted, money("2.1234567") * money("0.876543"), "the discount is off the own price");
    let output = rows.iter().find(|row| row.sku_id().unwrap().ends_with("/output")).unwrap().pricing().unwrap();
    assert_eq!(
        (output.list, output.contracted),
        (money("10"), money("8.76543")),
        "the list's own price has the discount alone"
    );
}

#[tokio::test]
async fn usage_that_a_plan_includes_has_its_list_cost_and_bills_nothing() {
    let database = TestDatabase::new().await;
    let (backend, clock, acme) = organization(&database).await;
    take(Step::Record, &backend, &acme, &[call("2026-11-09T10:00:00Z", MODEL, 1_000)]).await;
    clock.advance(Duration::minutes(1));
    take(Step::Included, &backend, &acme, &[]).await;
    take(Step::Record, &backend, &acme, &[call("2026-11-10T10:00:00Z", MODEL, 1_000_000)]).await;
    let query = FocusQuery::over(span("2026-11-01", "2026-12-01"));
    let rows = export(&backend, &acme.owner, &query).await;
    let included: Vec<_> = rows.iter().filter(|row| matches!(row.key.charge, Charge::Included(_))).collect();
    assert_eq!(included.iter().map(|row| row.list_cost()).sum::<Decimal>(), money("2.501"));
    assert!(included.iter().all(|row| row.amounts.billed.is_zero() && row.sku_price_id().is_some()));
    assert_eq!(billed(&rows), money("0.0035"), "what was recorded before keeps its cost until it is repriced");

    clock.advance(Duration::minutes(1));
    take(Step::Reprice, &backend, &acme, &[]).await;
    let rows = export(&backend, &acme.owner, &query).await;
    assert_eq!(billed(&rows), Decimal::ZERO);
    let moved = rows.iter().find(|row| row.key.charge == Charge::Adjusted).unwrap();
    assert_eq!(moved.description(), format!("Usage of {MODEL} that a plan includes"));
    check(&backend, &acme.owner).await;
}

#[tokio::test]
async fn what_moves_after_its_month_is_a_correction_on_the_day_of_the_usage() {
    let database = TestDatabase::new().await;
    let (backend, clock, acme) = organization(&database).await;
    let calls = [call("2026-10-10T10:00:00Z", MODEL, 1_000), call("2026-11-10T10:00:00Z", MODEL, 1_000)];
    take(Step::Record, &backend, &acme, &calls).await;
    clock.advance(Duration::minutes(1));
    take(Step::OwnPrice, &backend, &acme, &[]).await;
    clock.advance(Duration::minutes(1));
    take(Step::Reprice, &backend, &acme, &[]).await;
    let rows = export(&backend, &acme.owner, &FocusQuery::over(span("2026-10-01", "2026-12-01"))).await;
    let moved: Vec<_> = rows.iter().filter(|row| !row.key.charge.is_usage()).collect();
    let said = |row: &FocusRow| (row.key.charge.clone(), row.key.is_correction, row.key.start, row.amounts.billed);
    let less = money("0.0021234567") - money("0.0025");
    assert_eq!(
        moved.into_iter().map(said).collect::<Vec<_>>(),
        [
            (Charge::Adjusted, true, at("2026-10-09T18:30:00Z"), less),
            (Charge::Adjusted, false, at("2026-11-09T18:30:00Z"), less)
        ]
    );
}

#[tokio::test]
async fn unpriced_usage_is_in_the_manifest_and_in_no_row() {
    let database = TestDatabase::new().await;
    let (backend, _, acme) = organization(&database).await;
    let outside = call("2026-10-10T10:00:00Z", "mystery-1", 7);
    let cached = Call { cached: true, ..call("2026-11-10T10:00:00Z", MODEL, 1) };
    let calls = [
        call("2026-11-10T10:00:00Z", "mystery-1", 1_000),
        call("2026-11-11T10:00:00Z", "mystery-1", 500),
        outside,
        cached,
    ];
    take(Step::Record, &backend, &acme, &calls).await;
    let query = FocusQuery::over(span("2026-11-01", "2026-12-01"));
    assert_eq!(export(&backend, &acme.owner, &query).await, []);
    let told = manifest(&backend, &acme.owner, &query).await.unwrap();
    assert_eq!((told.billed, told.requests, told.unpriced_requests), (Decimal::ZERO, 3, 2));
    let model = &told.unpriced[0];
    assert_eq!((told.unpriced.len(), model.model.as_str(), model.requests, model.tokens), (1, "mystery-1", 2, 1_700));
    assert_eq!(told.priced_from, None);
}

#[tokio::test]
async fn days_without_events_are_sums_and_still_add_up() {
    let database = TestDatabase::new().await;
    let (backend, _, acme) = organization(&database).await;
    let calls = [
        call("2026-09-30T18:40:00Z", MODEL, 1_000),
        call("2026-09-10T10:00:00Z", MODEL, 2_000),
        call("2026-09-10T10:00:00Z", "mystery-1", 9),
        call("2026-10-02T10:00:00Z", MODEL, 3_000),
    ];
    take(Step::Record, &backend, &acme, &calls).await;
    ledger::set_retention(&backend, &acme.owner, Some(34)).await.unwrap();
    assert_eq!(ledger::enforce_retention(&backend, &CancellationToken::new()).await.unwrap().events, 3);
    check(&backend, &acme.owner).await;
    let query = FocusQuery { hourly: true, ..FocusQuery::over(span("2026-09-01", "2026-12-01")) };
    let told = manifest(&backend, &acme.owner, &query).await.unwrap();
    assert_eq!((told.priced_from, told.unpriced_requests), (Some(day("2026-10-02")), 1));
    let rows = export(&backend, &acme.owner, &query).await;
    let (sums, priced): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.key.charge == Charge::Amount);
    assert_eq!((sums.len(), priced.len()), (4, 2), "two meters a day");
    assert!(
        sums.iter().all(|row| row.end - row.key.start == Duration::days(1) && row.list_cost() == row.amounts.billed)
    );
    let ids: Vec<_> = columns(Version::V1_2).filter(|column| column.id == "ConsumedQuantity").collect();
    let account = FocusExport::begin(&backend, &acme.owner, &query).await.unwrap().account().clone();
    assert!(sums.iter().any(|row| ids[0].cell(&account, row) == Some(Cell::Decimal(2_000.into()))));
}
