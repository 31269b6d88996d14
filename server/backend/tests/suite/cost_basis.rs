//! Which cost counts where a provider reports one: by the event's own time, on the receipt, in every sum, and by repricing.

use backend::prices::{self, runs};
use backend::{Backend, OrgScope, audit, events, ledger, rules, spend};
use chrono::Duration;
use domain::event::{EventDetail, EventInput};
use domain::ids::RuleChangeId;
use domain::period::Period;
use domain::price::{BasisForm, CostBasis};
use domain::repricing::{RunInput, RunKind, RunState};
use domain::span::Edge;
use domain::spend::SpendQuery;
use rust_decimal::Decimal;
use serde_json::json;
use testkit::TestDatabase;
use testkit::seed;

const NOW: &str = "2026-11-20T12:00:00Z";
/// 0.0035 dollars for 1,000 input and 100 output tokens at its list price.
const MODEL: &str = "gpt-4o-2024-08-06";

fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) async fn choose(
    backend: &Backend,
    scope: &OrgScope,
    basis: CostBasis,
    provider: &str,
    from: &str,
) -> RuleChangeId {
    let form = BasisForm {
        basis: basis.as_str().to_owned(),
        provider: provider.to_owned(),
        valid_from: from.to_owned(),
        reason: "The invoice follows it.".to_owned(),
    };
    prices::choose_basis(backend, scope, &form.parse().unwrap()).await.unwrap()
}

pub(crate) async fn send(
    backend: &Backend,
    api: &OrgScope,
    id: &str,
    model: &str,
    at: &str,
    reported: Option<&str>,
) -> EventDetail {
    let mut event = json!({
        "id": id, "timestamp": at, "provider": "openai", "model": model,
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}
    });
    if let Some(amount) = reported {
        event["reported_cost"] = json!({"amount": amount, "currency": "USD"});
    }
    let event: EventInput = serde_json::from_value(event).unwrap();
    let answer = events::ingest_inputs(backend, api, vec![event]).await.unwrap();
    assert_eq!(answer.accepted, 1, "{answer:?}");
    let found = events::find(backend, api, id).await.unwrap();
    assert_eq!(answer.results[0].cost, found.row.cost);
    found
}

pub(crate) fn told(event: &EventDetail) -> Vec<(&str, Decimal)> {
    event.current_receipt().iter().map(|line| (line.meter.as_str(), line.amount)).collect()
}

pub(crate) async fn spent(backend: &Backend, scope: &OrgScope) -> Decimal {
    let november = Period::month_of("2026-11-01".parse().unwrap());
    let years = Period::new("2026-01-01".parse().unwrap(), "2026-12-31".parse().unwrap()).unwrap();
    let found = ledger::verify(backend, scope, years).await.unwrap();
    assert!(found.is_empty(), "{} differences, such as {:#?}", found.len(), found.first());
    spend::query(backend, scope, &SpendQuery::over(november)).await.unwrap().total.spend
}

#[tokio::test]
async fn the_choice_holds_by_the_time_of_the_event_and_every_sum_follows() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "Asia/Kolkata").await;
    let api = &acme.api;
    choose(&backend, &acme.owner, CostBasis::Reported, "openai", "2026-11-10").await;

    // The tenth begins in Kolkata at 18:30 of the day before.
    let before = send(&backend, api, "before", MODEL, "2026-11-09T18:29:59Z", Some("0.003")).await;
    assert_eq!((before.row.cost, before.row.reported_cost), (Some(money("0.0035")), Some(money("0.003"))));
    let after = send(&backend, api, "after", MODEL, "2026-11-09T18:30:00Z", Some("0.003")).await;
    assert_eq!((after.row.cost, after.computed_cost), (Some(money("0.003")), Some(money("0.0035"))));
    assert_eq!(after.reported_over_computed(), Some(money("-0.0005")));
    let lines = [("input_uncached", money("0.0025")), ("output", money("0.001")), ("reported", money("-0.0005"))];
    assert_eq!(told(&after), lines);
    assert_eq!(after.receipt[2].price_id, None);

    let silent = send(&backend, api, "silent", MODEL, "2026-11-12T00:00:00Z", None).await;
    assert_eq!((silent.row.cost, silent.computed_cost), (Some(money("0.0035")), Some(money("0.0035"))));
    let unheard = send(&backend, api, "unheard", "gpt-99-unheard-of", "2026-11-12T00:00:00Z", Some("0.25")).await;
    assert_eq!((unheard.row.cost, unheard.computed_cost), (Some(money("0.25")), None));
    assert_eq!(told(&unheard), [("reported", money("0.25"))]);
    assert!(events::unpriced(&backend, &acme.owner).await.unwrap().is_empty(), "its cost is known");
    assert_eq!(spent(&backend, &acme.owner).await, money("0.2600"));

    let globex = seed::organization(&backend, "UTC").await;
    let theirs = send(&backend, &globex.api, "after", MODEL, "2026-11-12T00:00:00Z", Some("0.003")).await;
    assert_eq!(theirs.row.cost, Some(money("0.0035")), "another organization's choice");

    let book = prices::basis(&backend, &acme.owner).await.unwrap();
    assert_eq!((book.choices.len(), book.compared), (1, 3));
    assert_eq!(book.choices[0].entry.recorded_by, acme.email.as_str());
    let drift = &book.drift[0];
    assert_eq!((drift.provider.as_str(), drift.events, drift.basis), ("openai", 2, CostBasis::Reported));
    assert_eq!((drift.computed, drift.reported, drift.difference()), (money("0.007"), money("0.006"), money("-0.001")));
    assert_eq!((drift.uncomputed_events, drift.uncomputed), (1, money("0.25")));
    let (_, elsewhere) =
        seed::bound_key(&backend, &acme.owner, &seed::project(&backend, &acme.owner, "side").await).await;
    assert!(prices::basis(&backend, &elsewhere).await.unwrap().drift.is_empty(), "not of projects it does not see");
    let log = audit::list(&backend, &acme.owner, 50).await.unwrap();
    let chosen = log.iter().find(|row| row.action == "cost_basis.entered").unwrap();
    assert_eq!(
        chosen.detail,
        "Entered the choice of the reported cost for openai (The invoice follows it.), from 2026-11-10."
    );
}

#[tokio::test]
async fn repricing_follows_the_choice_that_was_known_when_it_was_previewed() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    for (id, model, reported) in [("a", MODEL, Some("0.005")), ("b", MODEL, None), ("c", "unheard-of", Some("1"))] {
        send(&backend, &acme.api, id, model, "2026-11-12T00:00:00Z", reported).await;
    }
    assert_eq!(spent(&backend, &acme.owner).await, money("0.007"));
    choose(&backend, &acme.owner, CostBasis::Reported, "", "").await;
    assert_eq!(spent(&backend, &acme.owner).await, money("0.007"), "nothing moves by itself");
    clock.advance(Duration::seconds(1));
    let all = RunInput { kind: RunKind::Repricing, from: None, to: None, filters: vec![] };
    let run = runs::draft(&backend, &acme.owner, &all).await.unwrap();
    let RunState::Previewed { preview } = &run.state else { panic!("{:?}", run.state) };
    assert_eq!((preview.moved, preview.priced, preview.delta()), (2, 1, money("1.0015")));

    // Chosen after the preview: not used by it.
    clock.advance(Duration::seconds(1));
    choose(&backend, &acme.owner, CostBasis::Computed, "", "").await;
    let run = runs::confirm(&backend, &acme.owner, run.run_id, "By the invoice.").await.unwrap();
    let RunState::Done { preview, outcome, .. } = &run.state else { panic!("{:?}", run.state) };
    assert_eq!(preview, outcome);
    assert_eq!(spent(&backend, &acme.owner).await, money("1.0085"));
    let a = events::find(&backend, &acme.owner, "a").await.unwrap();
    assert_eq!(
        (a.row.cost, a.booked_cost, a.computed_cost),
        (Some(money("0.005")), Some(money("0.0035")), Some(money("0.0035")))
    );
    assert_eq!(told(&a)[2], ("reported", money("0.0015")));

    let back = runs::draft(&backend, &acme.owner, &all).await.unwrap();
    let back = runs::confirm(&backend, &acme.owner, back.run_id, "Ours after all.").await.unwrap();
    assert_eq!(spent(&backend, &acme.owner).await, money("0.007"));
    for run_id in [back.run_id, run.run_id] {
        runs::reverse(&backend, &acme.owner, run_id, "Wrong.").await.unwrap();
    }
    assert_eq!(spent(&backend, &acme.owner).await, money("0.007"));
    assert_eq!(events::unpriced(&backend, &acme.owner).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_choice_is_taken_back_while_nothing_was_booked_with_it_and_ended_afterwards() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let (owner, api) = (&acme.owner, &acme.api);
    let cost = async |id: &str, at: &str| send(&backend, api, id, MODEL, at, Some("0.003")).await.row.cost.unwrap();
    let (computed, reported) = (money("0.0035"), money("0.003"));
    let refused = async |change| prices::undo(&backend, owner, change).await.unwrap_err().into_problem().status();

    let first = choose(&backend, owner, CostBasis::Reported, "openai", "2026-11-10").await;
    clock.advance(Duration::seconds(1));
    assert_eq!(cost("before", "2026-11-09T00:00:00Z").await, computed, "the choice is not about it");
    let run = RunInput { kind: RunKind::Repricing, from: None, to: None, filters: vec![] };
    let run = runs::draft(&backend, owner, &run).await.unwrap();
    assert_eq!(refused(first).await, 409, "a run that knows it waits");
    runs::discard(&backend, owner, run.run_id).await.unwrap();
    prices::undo(&backend, owner, first).await.unwrap();
    assert_eq!(cost("undone", "2026-11-12T00:00:00Z").await, computed);
    let listed = prices::basis(&backend, owner).await.unwrap().choices;
    assert!(listed.len() == 1 && !listed[0].is_live(), "it stays in the history");

    clock.advance(Duration::seconds(1));
    let everybody = choose(&backend, owner, CostBasis::Computed, "", "").await;
    let second = choose(&backend, owner, CostBasis::Reported, "openai", "2026-11-10").await;
    assert_eq!(cost("booked", "2026-11-12T00:00:00Z").await, reported);
    assert_eq!((refused(second).await, refused(everybody).await), (409, 409));

    // Where it ends, what was chosen before holds again.
    let choice = prices::basis(&backend, owner).await.unwrap().choices[0].rule_id;
    rules::end(&backend, owner, choice, Edge::Day("2026-11-15".parse().unwrap())).await.unwrap();
    assert_eq!(cost("within", "2026-11-14T23:59:59Z").await, reported);
    assert_eq!(cost("after", "2026-11-15T00:00:00Z").await, computed);
    choose(&backend, owner, CostBasis::Reported, "", "2026-11-16").await;
    assert_eq!(cost("newest", "2026-11-16T00:00:00Z").await, reported);
    spent(&backend, owner).await;
}
