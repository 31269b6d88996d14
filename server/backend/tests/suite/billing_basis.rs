//! How the usage of a key is billed: by the event's own time, on the receipt, in every sum, by repricing and beside a contract.

use super::contract::{add, allowance, settle};
use super::cost_basis::{choose, send, spent, told};
use super::repricing::{finish, money, november, problem, total};
use backend::prices::{self, runs};
use backend::{Backend, OrgScope, audit, charges, events, spend, statements};
use chrono::Duration;
use domain::budget::SpendScope;
use domain::charge::ChargeForm;
use domain::event::EventInput;
use domain::ids::{KeyId, RuleChangeId};
use domain::meter::Meter;
use domain::price::{BillingForm, CostBasis};
use domain::repricing::{RunInput, RunKind, RunState};
use domain::spend::{Dimension, Granularity, Measure, SpendQuery};
use domain::statement::LineKind;
use rust_decimal::Decimal;
use serde_json::json;
use testkit::TestDatabase;
use testkit::seed::{self, Organization};

const NOW: &str = "2026-11-20T12:00:00Z";
/// 0.0035 dollars for 1,000 input and 100 output tokens at its list price.
const MODEL: &str = "gpt-4o-2024-08-06";
const LIST: &str = "0.0035";

/// The organization's first key.
fn first_key(acme: &Organization) -> KeyId {
    acme.api.key_id().unwrap()
}

/// Chooses how the first key is billed.
pub(crate) async fn choose_billing(backend: &Backend, acme: &Organization, basis: &str, from: &str) -> RuleChangeId {
    let form = BillingForm {
        key_id: first_key(acme).to_string(),
        basis: basis.to_owned(),
        valid_from: from.to_owned(),
        reason: "Team plan.".to_owned(),
    };
    prices::choose_billing(backend, &acme.owner, form.parse().unwrap()).await.unwrap()
}

fn all() -> RunInput {
    RunInput { kind: RunKind::Repricing, from: None, to: None, filters: vec![] }
}

async fn reprice(backend: &Backend, owner: &OrgScope) -> domain::ids::RunId {
    let run_id = runs::draft(backend, owner, &all()).await.unwrap().run_id;
    let run = runs::confirm(backend, owner, run_id, "The plan includes it.").await.unwrap();
    let RunState::Done { preview, outcome, .. } = run.state else { panic!("{:?}", run.state) };
    assert_eq!(preview, outcome);
    run_id
}

/// The list value of included usage in November, by days and from coarser and finer sums alike.
async fn included_value(backend: &Backend, scope: &OrgScope) -> Decimal {
    let query = || SpendQuery::over(november()).measuring([Measure::IncludedValue]);
    let value = async |query: SpendQuery| {
        let answer = spend::query(backend, scope, &query).await.unwrap();
        let rows = answer.rows.iter().filter_map(|row| row.sums.of(Measure::IncludedValue, Decimal::ONE));
        let total = answer.total.of(Measure::IncludedValue, Decimal::ONE).unwrap();
        assert_eq!(rows.sum::<Decimal>(), total);
        total
    };
    let whole = value(query()).await;
    assert_eq!(value(query().by([Dimension::ApiKey]).per(Granularity::Day)).await, whole);
    let overview = spend::overview(backend, scope, SpendScope::Organization, november(), None, &[]).await.unwrap();
    assert_eq!(overview.included, whole);
    whole
}

/// What the statement's lines say of a kind, and that they add up to its total, which is the Overview's.
async fn stated(backend: &Backend, acme: &Organization, kind: LineKind) -> Option<Decimal> {
    let month = statements::month(backend, &acme.owner, november(), true).await.unwrap();
    assert_eq!(month.total.spend, total(backend, &acme.owner).await.spend);
    let lines: Vec<_> = month.teams.iter().flat_map(|team| &team.projects).flat_map(|project| &project.lines).collect();
    assert_eq!(lines.iter().filter_map(|line| line.amount).sum::<Decimal>(), month.total.spend);
    assert!(lines.iter().all(|line| line.kind != LineKind::Meter(Meter::Included) || line.rate().is_none()));
    lines.iter().filter(|line| line.kind == kind).map(|line| line.amount).sum()
}

#[tokio::test]
async fn a_plan_includes_usage_by_the_time_of_the_event_and_every_sum_follows() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "Asia/Kolkata").await;
    let (api, other) = (&acme.api, acme.with_another_key().await.api);
    choose_billing(&backend, &acme, "included", "2026-11-10").await;

    // The tenth begins in Kolkata at 18:30 of the day before.
    let before = send(&backend, api, "before", MODEL, "2026-11-09T18:29:59Z", None).await;
    assert_eq!(before.row.cost, Some(money(LIST)));
    let after = send(&backend, api, "after", MODEL, "2026-11-09T18:30:00Z", Some("0.003")).await;
    assert_eq!((after.row.cost, after.computed_cost), (Some(Decimal::ZERO), Some(money(LIST))));
    let lines = [("input_uncached", money("0.0025")), ("output", money("0.001")), ("included", money("-0.0035"))];
    assert_eq!(told(&after), lines);
    assert_eq!((after.receipt[2].label.as_str(), after.receipt[2].price_id), ("Included in a plan", None));
    let elsewhere = send(&backend, &other, "elsewhere", MODEL, "2026-11-12T00:00:00Z", None).await;
    assert_eq!(elsewhere.row.cost, Some(money(LIST)), "another key is metered");
    assert_eq!(spent(&backend, &acme.owner).await, money("0.007"));
    assert_eq!(included_value(&backend, &acme.owner).await, money(LIST));
    assert_eq!(stated(&backend, &acme, LineKind::Meter(Meter::Included)).await, Some(money("-0.0035")));

    // Without a price the list value is not known: the event waits, and counts against budgets with what can be billed.
    let unheard = send(&backend, api, "unheard", "gpt-99-unheard-of", "2026-11-12T00:00:00Z", None).await;
    assert_eq!((unheard.row.cost, unheard.upper_bound), (None, Some(Decimal::ZERO)));
    assert!(unheard.unpriced_reason.is_some());
    assert_eq!(events::unpriced(&backend, &acme.owner).await.unwrap().len(), 1);
    let days = spend::project_days(&backend, &acme.owner, november()).await.unwrap();
    assert!(days.iter().all(|day| day.estimate.upper_bound.is_zero()));

    // An answer from the sender's own cache saved nothing that would have been billed.
    let cached: EventInput = serde_json::from_value(json!({
        "id": "cached", "timestamp": "2026-11-12T00:00:00Z", "provider": "openai", "model": MODEL,
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}, "response_cache_hit": true
    }))
    .unwrap();
    assert_eq!(events::ingest_inputs(&backend, api, vec![cached]).await.unwrap().results[0].cost, Some(Decimal::ZERO));
    assert_eq!(total(&backend, &acme.owner).await.avoided_cost, Decimal::ZERO);

    let choices = prices::billing(&backend, &acme.owner).await.unwrap();
    assert_eq!((choices.len(), choices[0].entry.recorded_by.as_str()), (1, acme.email.as_str()));
    let (_, bound) = seed::bound_key(&backend, &acme.owner, &acme.project).await;
    assert!(prices::billing(&backend, &bound).await.unwrap().is_empty(), "not of keys it does not see");
    let log = audit::list(&backend, &acme.owner, 50).await.unwrap();
    let chosen = log.iter().find(|row| row.action == "billing_basis.entered").unwrap();
    assert!(
        chosen.detail.starts_with("Entered the billing basis of the key ")
            && chosen.detail.ends_with("): included in a plan (Team plan.), from 2026-11-10."),
        "{}",
        chosen.detail
    );
    let globex = seed::organization(&backend, "UTC").await;
    let foreign = BillingForm {
        key_id: first_key(&acme).to_string(),
        basis: "included".to_owned(),
        reason: "Theirs.".to_owned(),
        ..BillingForm::default()
    };
    let refused = problem(prices::choose_billing(&backend, &globex.owner, foreign.parse().unwrap())).await;
    assert_eq!(refused.fields()[0].pointer, "key_id");
    let theirs = send(&backend, &globex.api, "after", MODEL, "2026-11-12T00:00:00Z", None).await;
    assert_eq!(theirs.row.cost, Some(money(LIST)), "another organization's choice");
}

#[tokio::test]
async fn what_was_recorded_is_included_by_repricing_and_billed_again_by_taking_it_back() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let owner = &acme.owner;
    for (id, model, reported) in [("a", MODEL, Some("0.005")), ("b", MODEL, None), ("c", "unheard-of", None)] {
        send(&backend, &acme.api, id, model, "2026-11-12T00:00:00Z", reported).await;
    }
    choose(&backend, owner, CostBasis::Reported, "", "").await;
    choose_billing(&backend, &acme, "included", "").await;
    assert_eq!(spent(&backend, owner).await, money("0.007"), "nothing moves by itself");
    clock.advance(Duration::seconds(1));
    let run = reprice(&backend, owner).await;
    assert_eq!(spent(&backend, owner).await, Decimal::ZERO);
    assert_eq!(included_value(&backend, owner).await, money("0.0085"), "as reported, and as computed");
    assert_eq!(stated(&backend, &acme, LineKind::Adjusted).await, Some(money("-0.007")));
    let a = events::find(&backend, owner, "a").await.unwrap();
    let booked = (a.row.cost, a.booked_cost, a.computed_cost);
    assert_eq!(booked, (Some(Decimal::ZERO), Some(money(LIST)), Some(money(LIST))));
    assert_eq!(told(&a)[2..], [("reported", money("0.0015")), ("included", money("-0.005"))]);
    let unpriced = total(&backend, owner).await;
    assert_eq!((unpriced.unpriced_requests, unpriced.unpriced_upper_bound), (1, Decimal::ZERO));

    // A later choice takes the place of the first from its day on; what came before stays included.
    clock.advance(Duration::seconds(1));
    choose_billing(&backend, &acme, "metered", "2026-11-15").await;
    let choices = prices::billing(&backend, owner).await.unwrap();
    assert_eq!(choices.iter().filter(|choice| choice.is_live()).count(), 2);
    let later = send(&backend, &acme.api, "later", MODEL, "2026-11-15T00:00:00Z", None).await;
    assert_eq!(later.row.cost, Some(money(LIST)));
    reprice(&backend, owner).await;
    assert_eq!(spent(&backend, owner).await, money(LIST), "the first days are included still");
    runs::reverse(&backend, owner, run, "Wrong plan.").await.unwrap();
    assert_eq!(spent(&backend, owner).await, money("0.0105"));
    assert_eq!(included_value(&backend, owner).await, Decimal::ZERO);
}

#[tokio::test]
async fn a_choice_is_undone_while_no_event_of_the_key_was_booked_with_it() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let (owner, other) = (&acme.owner, acme.with_another_key().await.api);
    let cost = async |api: &OrgScope, id: &str, at: &str| send(&backend, api, id, MODEL, at, None).await.row.cost;

    let first = choose_billing(&backend, &acme, "included", "2026-11-10").await;
    clock.advance(Duration::seconds(1));
    assert_eq!(cost(&acme.api, "before", "2026-11-09T00:00:00Z").await, Some(money(LIST)));
    assert_eq!(cost(&other, "other", "2026-11-12T00:00:00Z").await, Some(money(LIST)));
    prices::undo(&backend, owner, first).await.unwrap();
    assert_eq!(cost(&acme.api, "undone", "2026-11-12T00:00:00Z").await, Some(money(LIST)));
    assert!(!prices::billing(&backend, owner).await.unwrap()[0].is_live(), "it stays in the history");

    clock.advance(Duration::seconds(1));
    let second = choose_billing(&backend, &acme, "included", "2026-11-10").await;
    assert_eq!(cost(&acme.api, "booked", "2026-11-12T00:00:00Z").await, Some(Decimal::ZERO));
    assert_eq!(problem(prices::undo(&backend, owner, second)).await.status(), 409);
    spent(&backend, owner).await;
}

#[tokio::test]
async fn a_contract_bills_nothing_that_a_plan_includes() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let (owner, other) = (&acme.owner, acme.with_another_key().await.api);
    let at = "2026-11-12T00:00:00Z";
    add(&backend, owner, allowance("500")).await;
    send(&backend, &acme.api, "a", MODEL, at, None).await;
    send(&backend, &other, "b", MODEL, at, None).await;
    clock.advance(Duration::seconds(1));
    settle(&backend, owner).await;
    assert_eq!(spent(&backend, owner).await, money("0.00575"), "500 of 2,000 tokens are free");

    // What becomes included leaves its part of the month's rate behind, and the next settlement counts the other key alone.
    choose_billing(&backend, &acme, "included", "").await;
    clock.advance(Duration::seconds(1));
    reprice(&backend, owner).await;
    let a = events::find(&backend, owner, "a").await.unwrap();
    assert_eq!(a.row.cost, Some(Decimal::ZERO), "{:?}", told(&a));
    assert!(!a.current_receipt().iter().any(|line| line.by_contract));
    clock.advance(Duration::seconds(1));
    let (run, _) = settle(&backend, owner).await;
    let counted = runs::run(&backend, owner, run).await.unwrap().contract.unwrap();
    assert_eq!(counted.terms[0].total.quantity, money("1000"));
    assert_eq!(spent(&backend, owner).await, money("0.00225"), "500 of its 1,000 tokens are free");
    assert_eq!(stated(&backend, &acme, LineKind::Contract).await, Some(money("-0.00125")));
    finish(&backend, owner, run).await;
}

#[tokio::test]
async fn running_totals_and_reported_costs_of_a_plan_are_billed_with_nothing() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    choose(&backend, &acme.owner, CostBasis::Reported, "", "").await;
    choose_billing(&backend, &acme, "included", "").await;
    let report = |id: &str, minute: u32, tokens: u32, cost: &str| -> EventInput {
        serde_json::from_value(json!({
            "id": id, "timestamp": format!("2026-11-12T09:{minute:02}:00Z"), "provider": "openai", "model": MODEL,
            "aggregate": "cumulative", "series": "session-7", "usage": {"prompt_tokens": tokens, "completion_tokens": 0},
            "reported_cost": {"amount": cost, "currency": "USD"}
        }))
        .unwrap()
    };
    let reports = vec![report("a", 0, 1_000, "0.01"), report("b", 1, 3_000, "0.04")];
    let answer = events::ingest_inputs(&backend, &acme.api, reports).await.unwrap();
    assert!(answer.results.iter().all(|result| result.cost == Some(Decimal::ZERO)), "{answer:?}");
    let grown = events::find(&backend, &acme.owner, "b").await.unwrap();
    let lines = [("input_uncached", money("0.005")), ("reported", money("0.025")), ("included", money("-0.03"))];
    assert_eq!(told(&grown), lines, "what the totals grew by");
    // The plan's charge says how much of it was used, by its list value.
    let plan = ChargeForm {
        kind: "subscription".to_owned(),
        description: "Coding agent".to_owned(),
        provider: "openai".to_owned(),
        quantity: "1".to_owned(),
        rate: "100".to_owned(),
        included: "500".to_owned(),
        from: "2026-11-01".to_owned(),
        source: "Order 12".to_owned(),
        reason: "Plan".to_owned(),
        ..ChargeForm::default()
    };
    charges::enter(&backend, &acme.owner, &[plan.parse().unwrap()]).await.unwrap();
    let used = charges::included_usage(&backend, &acme.owner).await.unwrap();
    assert_eq!(used.iter().map(|(_, used)| *used).collect::<Vec<_>>(), [money("0.04")]);
    let key = first_key(&acme);
    let of_key = SpendQuery::over(november()).only(Dimension::ApiKey, key.to_string());
    let sums = spend::query(&backend, &acme.owner, &of_key).await.unwrap().total;
    assert_eq!((sums.spend, sums.tokens), (Decimal::ZERO, 3_000));
    spent(&backend, &acme.owner).await;
}
