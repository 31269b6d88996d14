//! Pricing what waits and repricing what came: previewed, confirmed, resumed, reversed; and one number everywhere all the while.

use super::prices::{enter, mapping, price, send};
use backend::prices::{self, runs};
use backend::{Backend, Error, OrgScope, budgets, events, ledger, spend, statements};
use domain::budget::{AlertFilter, BudgetInput, ScopeRef};
use domain::event::EventInput;
use domain::ids::RunId;
use domain::period::Period;
use domain::price::BookPrice;
use domain::problem::Problem;
use domain::repricing::{MAX_PREVIEWED, RepricingRun, RunInput, RunKind, RunPhase, RunState, Summary};
use domain::rule::NewRule;
use domain::span::Edge;
use domain::spend::{Measure, SpendQuery, Sums};
use domain::statement::LineKind;
use rust_decimal::Decimal;
use serde_json::json;
use testkit::TestDatabase;
use testkit::seed;

const NOW: &str = "2026-11-20T12:00:00Z";
const MODEL: &str = "gpt-4o-2024-08-06";

pub(crate) fn november() -> Period {
    Period::month_of("2026-11-01".parse().unwrap())
}

pub(crate) fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) async fn total(backend: &Backend, scope: &OrgScope) -> Sums {
    spend::query(backend, scope, &SpendQuery::over(november())).await.unwrap().total
}

pub(crate) async fn assert_rollups_follow(backend: &Backend, scope: &OrgScope) {
    let years = Period::new("2026-01-01".parse().unwrap(), "2026-12-31".parse().unwrap()).unwrap();
    let found = ledger::verify(backend, scope, years).await.unwrap();
    assert!(found.is_empty(), "{} differences, such as {:#?}", found.len(), found.first());
}

fn all_of(kind: RunKind) -> RunInput {
    RunInput { kind, from: None, to: None, filters: vec![] }
}

pub(crate) async fn finish(backend: &Backend, scope: &OrgScope, run_id: RunId) -> RepricingRun {
    while runs::advance(backend, scope, run_id).await.unwrap() {}
    runs::run(backend, scope, run_id).await.unwrap()
}

pub(crate) fn preview(run: &RepricingRun) -> Summary {
    match &run.state {
        RunState::Previewed { preview } => preview.clone(),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn problem<T: std::fmt::Debug>(verb: impl Future<Output = Result<T, Error>>) -> Problem {
    verb.await.unwrap_err().into_problem()
}

#[tokio::test]
async fn mapping_a_name_prices_what_waits_as_of_its_own_time() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "Asia/Kolkata").await;
    for id in ["a", "b"] {
        assert_eq!(send(&backend, &acme.api, id, "our-chat").await, None);
    }
    send(&backend, &acme.api, "c", "their-chat").await;
    let before = total(&backend, &acme.owner).await;
    assert_eq!((before.unpriced_requests, before.spend), (3, Decimal::ZERO));
    let queue = events::unpriced(&backend, &acme.owner).await.unwrap();
    assert_eq!(queue.iter().map(|row| (row.model.as_str(), row.events)).max(), Some(("their-chat", 1)));

    prices::add_alias(&backend, &acme.owner, &mapping("our-chat", MODEL).parse().unwrap()).await.unwrap();
    let run =
        runs::price_unpriced(&backend, &acme.owner, Some(("openai", "our-chat")), "It is our gpt-4o.").await.unwrap();
    let RunState::Done { outcome, .. } = &run.state else { panic!("{:?}", run.state) };
    assert_eq!((outcome.looked_at, outcome.moved, outcome.priced, outcome.still_unpriced), (2, 2, 2, 0));
    assert_eq!(outcome.delta(), money("0.007"));

    let after = total(&backend, &acme.owner).await;
    assert_eq!((after.spend, after.booked), (money("0.007"), Decimal::ZERO));
    assert_eq!(after.unpriced_requests, 1);
    assert_eq!(after.unpriced_upper_bound, before.unpriced_upper_bound + outcome.upper_bound);
    let queue = events::unpriced(&backend, &acme.owner).await.unwrap();
    assert_eq!(queue.iter().map(|row| row.model.as_str()).collect::<Vec<_>>(), ["their-chat"]);
    assert_eq!(events::attention(&backend, &acme.owner).await.unwrap().unpriced, 1);
    let event = events::find(&backend, &acme.owner, "a").await.unwrap();
    assert_eq!((event.row.cost, event.booked_cost), (Some(money("0.0035")), None));
    assert_eq!(event.adjustments[0].reason, "It is our gpt-4o.");
    assert_eq!(event.adjustments[0].receipt.len(), 2);
    let month = statements::month(&backend, &acme.owner, november(), true).await.unwrap();
    assert_eq!(month.total.spend, money("0.007"));
    let lines = &month.teams[0].projects[0].lines;
    let adjusted: Decimal =
        lines.iter().filter(|line| line.kind == LineKind::Adjusted).filter_map(|line| line.amount).sum();
    assert_eq!(adjusted, money("0.007"));
    assert_rollups_follow(&backend, &acme.owner).await;

    // Nothing waits for that name any more, and pricing again finds nothing to do.
    let again = runs::price_unpriced(&backend, &acme.owner, None, "Once more.").await.unwrap();
    let RunState::Done { outcome, .. } = &again.state else { panic!("{:?}", again.state) };
    assert_eq!((outcome.looked_at, outcome.moved, outcome.still_unpriced), (1, 0, 1));
}

#[tokio::test]
async fn repricing_shows_first_moves_on_confirmation_and_can_be_reversed() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "Asia/Kolkata").await;
    for id in ["a", "b"] {
        send(&backend, &acme.api, id, MODEL).await;
    }
    enter(&backend, &acme.owner, price(MODEL, "input_uncached", "2")).await;
    clock.advance(chrono::Duration::seconds(1));
    send(&backend, &acme.api, "c", MODEL).await;
    let booked = money("0.0100");

    let run = runs::draft(&backend, &acme.owner, &all_of(RunKind::Repricing)).await.unwrap();
    let shown = preview(&run);
    assert_eq!((shown.looked_at, shown.moved, shown.delta()), (3, 2, money("-0.001")));
    assert_eq!(shown.moves.len(), 1);
    let row = &shown.moves[0];
    assert_eq!(
        (row.month.to_string().as_str(), row.project.as_str(), row.model.as_str()),
        ("2026-11-01", "main", MODEL)
    );
    assert!(row.team.is_some());
    assert_eq!(total(&backend, &acme.owner).await.spend, booked, "nothing has moved");

    // What is entered after the preview is not used.
    clock.advance(chrono::Duration::seconds(1));
    enter(&backend, &acme.owner, price(MODEL, "output", "20")).await;
    assert_eq!(problem(runs::confirm(&backend, &acme.owner, run.run_id, " ")).await.fields()[0].pointer, "reason");
    let run = runs::confirm(&backend, &acme.owner, run.run_id, "Contract 7 holds since October.").await.unwrap();
    let RunState::Done { outcome, preview, .. } = &run.state else { panic!("{:?}", run.state) };
    assert_eq!(outcome, preview);
    assert_eq!(run.reason.as_deref(), Some("Contract 7 holds since October."));
    let moved = total(&backend, &acme.owner).await;
    assert_eq!((moved.spend, moved.booked), (money("0.009"), booked));
    assert_rollups_follow(&backend, &acme.owner).await;
    assert_eq!(problem(runs::confirm(&backend, &acme.owner, run.run_id, "Again.")).await.status(), 409);
    assert_eq!(problem(runs::discard(&backend, &acme.owner, run.run_id)).await.status(), 409);
    let mut query = SpendQuery::over(november());
    query.measures = vec![Measure::Booked];
    let answer = spend::query(&backend, &acme.owner, &query).await.unwrap();
    assert_eq!(answer.text(Measure::Booked, None, &answer.total).as_deref(), Some("0.010000000000"));

    // A second run over the same events; the first can only be reversed after it.
    let second = runs::draft(&backend, &acme.owner, &all_of(RunKind::Repricing)).await.unwrap();
    let second = runs::confirm(&backend, &acme.owner, second.run_id, "New output price.").await.unwrap();
    assert_eq!(total(&backend, &acme.owner).await.spend, money("0.012"));
    assert_eq!(problem(runs::reverse(&backend, &acme.owner, run.run_id, "Wrong.")).await.status(), 409);
    for run_id in [second.run_id, run.run_id] {
        let reversed = runs::reverse(&backend, &acme.owner, run_id, "Wrong after all.").await.unwrap();
        let RunState::Reversed { outcome, reversal, .. } = &reversed.state else { panic!("{:?}", reversed.state) };
        assert_eq!(outcome.delta(), -reversal.delta());
        assert_rollups_follow(&backend, &acme.owner).await;
    }
    let back = total(&backend, &acme.owner).await;
    assert_eq!((back.spend, back.booked), (booked, booked));
    let event = events::find(&backend, &acme.owner, "a").await.unwrap();
    assert_eq!((event.row.cost, event.adjustments.len()), (Some(money("0.0035")), 4));
    assert_eq!(problem(runs::reverse(&backend, &acme.owner, run.run_id, "Twice.")).await.status(), 409);
    let listed = runs::list(&backend, &acme.owner, None).await.unwrap();
    assert_eq!(listed.next, None);
    assert_eq!(listed.runs.iter().map(|run| run.state.phase()).collect::<Vec<_>>(), [RunPhase::Reversed; 2]);
}

#[tokio::test]
async fn what_is_confirmed_is_what_was_previewed_whatever_comes_into_the_common_book() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    prices::sync_seed(database.pool(), &*clock).await.unwrap();
    prices::refresh(&backend).await.unwrap();
    let acme = seed::organization(&backend, "UTC").await;
    send(&backend, &acme.api, "a", MODEL).await;
    enter(&backend, &acme.owner, price(MODEL, "input_uncached", "2")).await;
    clock.advance(chrono::Duration::seconds(1));
    let run = runs::draft(&backend, &acme.owner, &all_of(RunKind::Repricing)).await.unwrap();
    assert_eq!(preview(&run).after, money("0.003"));

    // Imported between preview and confirmation: the output for twice as much.
    clock.advance(chrono::Duration::seconds(1));
    let output = events::find(&backend, &acme.owner, "a").await.unwrap().receipt[1].price_id;
    let output = i64::try_from(output.unwrap()).unwrap();
    for sql in [
        "update prices set superseded_at = $2 where price_id = $1",
        "insert into prices (price_id, provider, model, meter, variant, tier_from, tier_inclusive, rate, per, valid_from,
            valid_to, source, source_version, origin, recorded_at)
         select 7, provider, model, meter, variant, tier_from, tier_inclusive, 2 * rate, per, valid_from, valid_to, 'file', '1',
            'import', $2
         from prices where price_id = $1",
    ] {
        sqlx::query(sql).bind(output).bind(backend.clock.now()).execute(database.pool()).await.unwrap();
    }
    prices::refresh(&backend).await.unwrap();
    assert_eq!(send(&backend, &acme.api, "b", MODEL).await, Some(money("0.004")), "what comes now has the new price");
    clock.advance(chrono::Duration::seconds(1));
    let done = runs::confirm(&backend, &acme.owner, run.run_id, "Contract").await.unwrap();
    let RunState::Done { outcome, .. } = &done.state else { panic!("{:?}", done.state) };
    assert_eq!(events::find(&backend, &acme.owner, "a").await.unwrap().row.cost, Some(money("0.003")));
    assert_eq!((outcome.moved, outcome.after), (1, money("0.003")), "as it was previewed");
    assert_eq!(
        events::find(&backend, &acme.owner, "b").await.unwrap().row.cost,
        Some(money("0.004")),
        "what came since"
    );
    let now = runs::draft(&backend, &acme.owner, &all_of(RunKind::Repricing)).await.unwrap();
    assert_eq!(preview(&now).after, money("0.004"), "a new preview has the new price");

    // A new edition replaces the rules for names whole: nobody knows any more what the preview read.
    clock.advance(chrono::Duration::seconds(1));
    let synced = "update price_seed set synced_at = $1";
    sqlx::query(synced).bind(backend.clock.now()).execute(database.pool()).await.unwrap();
    let refused = problem(runs::confirm(&backend, &acme.owner, now.run_id, "Contract")).await;
    assert_eq!(refused.status(), 409);
    assert!(refused.detail().contains("preview it again"), "{refused:?}");
    runs::discard(&backend, &acme.owner, now.run_id).await.unwrap();
    let again = runs::draft(&backend, &acme.owner, &all_of(RunKind::Repricing)).await.unwrap();
    assert_eq!(preview(&again).after, money("0.004"));
}

#[tokio::test]
async fn a_run_looks_only_at_its_span_and_filters() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    send(&backend, &acme.api, "a", MODEL).await;
    send(&backend, &acme.api, "b", "gpt-4o-mini").await;
    for model in [MODEL, "gpt-4o-mini"] {
        enter(&backend, &acme.owner, price(model, "output", "1")).await;
    }
    clock.advance(chrono::Duration::seconds(1));
    let looked_at = async |input: RunInput| {
        let run = runs::draft(&backend, &acme.owner, &input).await.unwrap();
        runs::discard(&backend, &acme.owner, run.run_id).await.unwrap();
        preview(&run).looked_at
    };
    let day = |day: &str| Some(Edge::Day(day.parse().unwrap()));
    assert_eq!(looked_at(all_of(RunKind::Repricing)).await, 2);
    assert_eq!(looked_at(all_of(RunKind::Pricing)).await, 0);
    let mini = RunInput { kind: RunKind::Repricing, ..RunInput::pricing("openai", "gpt-4o-mini") };
    assert_eq!(looked_at(mini).await, 1);
    assert_eq!(looked_at(RunInput { from: day("2026-11-21"), ..all_of(RunKind::Repricing) }).await, 0);
    assert_eq!(looked_at(RunInput { to: day("2026-11-21"), ..all_of(RunKind::Repricing) }).await, 2);
    let backwards = RunInput { from: day("2026-11-21"), to: day("2026-11-20"), ..all_of(RunKind::Repricing) };
    assert_eq!(problem(runs::draft(&backend, &acme.owner, &backwards)).await.fields()[0].pointer, "to");
}

#[tokio::test]
async fn another_server_goes_on_where_one_stopped_and_nothing_moves_twice() {
    let database = TestDatabase::new().await;
    let (here, clock) = seed::backend(&database, NOW);
    let there = Backend::new(database.pool().clone(), clock, "http://127.0.0.1:3000", true);
    let acme = seed::organization(&here, "UTC").await;
    // More than a verb does at once.
    let event = |n: usize| -> EventInput {
        serde_json::from_value(json!({
            "id": format!("e{n}"), "timestamp": "2026-11-20T09:41:07Z", "provider": "openai", "model": "ours",
            "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}
        }))
        .unwrap()
    };
    for half in [0..4_500, 4_500..9_000] {
        let answer = events::ingest_inputs(&here, &acme.api, half.map(event).collect()).await.unwrap();
        assert_eq!(answer.accepted, 4_500);
    }
    enter(&here, &acme.owner, price("ours", "input_uncached", "1")).await;
    enter(&here, &acme.owner, price("ours", "output", "1")).await;
    let run = runs::price_unpriced(&here, &acme.owner, None, "A price at last.").await.unwrap();
    let RunState::Running { so_far, .. } = &run.state else { panic!("{:?}", run.state) };
    assert_eq!(so_far.moved, 8_000);
    assert_eq!(total(&here, &acme.owner).await.spend, money("8.8"), "what has moved is in every sum");
    assert_rollups_follow(&here, &acme.owner).await;
    let busy = problem(runs::price_unpriced(&here, &acme.owner, None, "Impatient.")).await;
    assert_eq!(busy.status(), 409);

    let (one, other) =
        tokio::join!(runs::advance(&here, &acme.owner, run.run_id), runs::advance(&there, &acme.owner, run.run_id));
    assert!(!one.unwrap() && !other.unwrap());
    let run = finish(&there, &acme.owner, run.run_id).await;
    let RunState::Done { outcome, .. } = &run.state else { panic!("{:?}", run.state) };
    assert_eq!((outcome.moved, outcome.delta()), (9_000, money("9.9")));
    assert_eq!(total(&here, &acme.owner).await.spend, money("9.9"));
    assert_rollups_follow(&here, &acme.owner).await;

    // Whoever works finds what waits, whichever organization it is of.
    let run = runs::reverse(&here, &acme.owner, run.run_id, "Not yet.").await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let done = async {
        while runs::run(&here, &acme.owner, run.run_id).await.unwrap().state.phase() != RunPhase::Reversed {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let (worked, ()) = tokio::join!(runs::run_worker(&there, &stop), done);
    worked.unwrap();
    let back = total(&here, &acme.owner).await;
    assert_eq!((back.spend, back.unpriced_requests), (Decimal::ZERO, 9_000));
    assert_rollups_follow(&here, &acme.owner).await;
}

#[tokio::test]
async fn a_budget_that_repricing_takes_over_its_threshold_is_told_once() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, "2026-10-05T00:00:00Z");
    let acme = seed::organization(&backend, "UTC").await;
    let budget = BudgetInput {
        name: "All".to_owned(),
        scope: ScopeRef::Organization,
        amount: money("1"),
        thresholds: vec![50],
        recipients: vec![acme.email.clone()],
    };
    budgets::create(&backend, &acme.owner, budget).await.unwrap();
    clock.set(NOW.parse().unwrap());
    for (id, at) in [("october", "2026-10-15T00:00:00Z"), ("november", "2026-11-15T00:00:00Z")] {
        let event: EventInput = serde_json::from_value(json!({
            "id": id, "timestamp": at, "provider": "openai", "model": MODEL,
            "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}
        }))
        .unwrap();
        assert_eq!(events::ingest_inputs(&backend, &acme.api, vec![event]).await.unwrap().accepted, 1);
    }
    let ledger = async || {
        budgets::evaluate_marks(&backend).await.unwrap();
        let mut alerts = budgets::alerts(&backend, &acme.owner, AlertFilter::All, None, None).await.unwrap().alerts;
        alerts.sort_by_key(|alert| alert.month);
        alerts.iter().map(|alert| (alert.month.to_string(), alert.late, alert.deliveries.len())).collect::<Vec<_>>()
    };
    assert!(ledger().await.is_empty(), "a third of a cent each");

    enter(&backend, &acme.owner, price(MODEL, "output", "6000")).await;
    clock.advance(chrono::Duration::seconds(1));
    let run = runs::draft(&backend, &acme.owner, &all_of(RunKind::Repricing)).await.unwrap();
    assert!(ledger().await.is_empty(), "a preview moves nothing");
    let run = runs::confirm(&backend, &acme.owner, run.run_id, "The contract says so.").await.unwrap();
    // October is over: recorded, nobody is mailed. November is told while something can be done.
    let told = [("2026-10-01".to_owned(), true, 0), ("2026-11-01".to_owned(), false, 1)];
    assert_eq!(ledger().await, told);
    runs::reverse(&backend, &acme.owner, run.run_id, "Not yet.").await.unwrap();
    assert_eq!(ledger().await, told, "the ledger keeps what was told");
    let again = runs::draft(&backend, &acme.owner, &all_of(RunKind::Repricing)).await.unwrap();
    runs::confirm(&backend, &acme.owner, again.run_id, "Now.").await.unwrap();
    assert_eq!(ledger().await, told, "once per threshold and month");
}

/// What a person sees before anything is entered is what then happens.
#[tokio::test]
async fn an_effect_is_what_pricing_then_does() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    for (id, model) in [("a", "our-chat"), ("b", "our-chat"), ("c", "their-chat")] {
        send(&backend, &acme.api, id, model).await;
    }
    let name = ("openai", "our-chat");
    let input = mapping("our-chat", MODEL).parse().unwrap();
    let effect = runs::effect_of_alias(&backend, &acme.owner, &input, name, MAX_PREVIEWED).await.unwrap();
    let main = vec![("main".to_owned(), 2, money("0.007"))];
    assert_eq!((effect.unpriced, effect.priced, effect.cost, effect.more), (2, 2, money("0.007"), false));
    assert_eq!(effect.projects, main);
    let first = runs::effect_of_alias(&backend, &acme.owner, &input, name, 1).await.unwrap();
    assert_eq!((first.unpriced, first.cost, first.more), (1, money("0.0035"), true));
    assert_eq!(total(&backend, &acme.owner).await.spend, Decimal::ZERO, "nothing has moved");

    // Half of a price is none; a second rate in the same form completes it.
    let inputs = |meters: &[&str]| -> Vec<NewRule<BookPrice>> {
        meters.iter().map(|meter| price("our-chat", meter, "1").parse().unwrap()).collect()
    };
    for (meters, priced, cost) in [(&["output"][..], 0, "0"), (&["output", "input_uncached"], 2, "0.0022")] {
        let effect = runs::effect_of_prices(&backend, &acme.owner, &inputs(meters), name, MAX_PREVIEWED).await.unwrap();
        assert_eq!((effect.priced, effect.cost), (priced, money(cost)), "{meters:?}");
    }
    let change = prices::add_prices(&backend, &acme.owner, &inputs(&["output", "input_uncached"]), true).await.unwrap();
    let book = prices::own_book(&backend, &acme.owner).await.unwrap();
    assert_eq!((book.prices.len(), book.changes.len()), (2, 1), "one change");
    let run = runs::price_unpriced(&backend, &acme.owner, Some(name), "Entered.").await.unwrap();
    let RunState::Done { outcome, .. } = &run.state else { panic!("{:?}", run.state) };
    assert_eq!((outcome.priced, outcome.delta()), (2, money("0.0022")));
    // What has its price from a run keeps the price that it names, until the run is reversed: then it waits again, and is found.
    assert_eq!(
        problem(prices::undo(&backend, &acme.owner, change)).await.status(),
        409,
        "two events are priced with it"
    );
    runs::reverse(&backend, &acme.owner, run.run_id, "It was wrong.").await.unwrap();
    prices::undo(&backend, &acme.owner, change).await.unwrap();
    let effect = runs::effect_of_alias(&backend, &acme.owner, &input, name, MAX_PREVIEWED).await.unwrap();
    assert_eq!(effect.projects, main);
    let globex = seed::organization(&backend, "UTC").await;
    let theirs = runs::effect_of_alias(&backend, &globex.owner, &input, name, MAX_PREVIEWED).await.unwrap();
    assert_eq!(theirs.unpriced, 0);
    let (_, bound) = seed::bound_key(&backend, &acme.owner, &acme.project).await;
    assert_eq!(problem(runs::effect_of_alias(&backend, &bound, &input, name, 1)).await.status(), 403);
}

#[tokio::test]
async fn a_name_by_which_a_run_priced_events_cannot_be_undone() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    send(&backend, &acme.api, "a", "our-chat").await;
    let map =
        async |name| prices::add_alias(&backend, &acme.owner, &mapping(name, MODEL).parse().unwrap()).await.unwrap();
    let (named, other) = (map("our-chat").await, map("their-chat").await);
    let run = runs::price_unpriced(&backend, &acme.owner, Some(("openai", "our-chat")), "Mapped.").await.unwrap();
    assert_eq!(problem(prices::undo(&backend, &acme.owner, named)).await.status(), 409);
    prices::undo(&backend, &acme.owner, other).await.unwrap();
    runs::reverse(&backend, &acme.owner, run.run_id, "Mapped by mistake.").await.unwrap();
    prices::undo(&backend, &acme.owner, named).await.unwrap();
}

#[tokio::test]
async fn what_an_open_run_knows_or_a_reversal_would_bring_back_cannot_be_undone() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let owner = &acme.owner;
    send(&backend, &acme.api, "a", MODEL).await;
    let rate = async |rate| {
        clock.advance(chrono::Duration::minutes(1));
        enter(&backend, owner, price(MODEL, "output", rate)).await
    };
    // Previewed with the price: undone under the run, it would be booked all the same.
    let first = rate("20").await;
    let run = runs::draft(&backend, owner, &all_of(RunKind::Repricing)).await.unwrap();
    assert_eq!(preview(&run).moved, 1);
    assert_eq!(problem(prices::undo(&backend, owner, first)).await.status(), 409, "a run knows it");
    runs::discard(&backend, owner, run.run_id).await.unwrap();
    prices::undo(&backend, owner, first).await.unwrap();

    let second = rate("30").await;
    let reprice = async || {
        let run = runs::draft(&backend, owner, &all_of(RunKind::Repricing)).await.unwrap();
        runs::confirm(&backend, owner, run.run_id, "New prices.").await.unwrap();
        finish(&backend, owner, run.run_id).await.run_id
    };
    let earlier = reprice().await;
    clock.advance(chrono::Duration::minutes(1));
    prices::add_alias(&backend, owner, &mapping(MODEL, "gpt-4o-mini").parse().unwrap()).await.unwrap();
    let later = reprice().await;
    assert_eq!(problem(prices::undo(&backend, owner, second)).await.status(), 409, "a reversal would bring it back");
    runs::reverse(&backend, owner, later, "The name was right.").await.unwrap();
    runs::reverse(&backend, owner, earlier, "The price was wrong.").await.unwrap();
    prices::undo(&backend, owner, second).await.unwrap();
    let event = events::find(&backend, owner, "a").await.unwrap();
    assert_eq!((event.row.cost, event.adjustments.len()), (event.booked_cost, 4));
    assert_rollups_follow(&backend, owner).await;
}

#[tokio::test]
async fn runs_belong_to_their_organization_and_to_those_who_manage_prices() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let globex = seed::organization(&backend, "UTC").await;
    let (_, bound) = seed::bound_key(&backend, &acme.owner, &acme.project).await;
    let run = runs::draft(&backend, &acme.owner, &all_of(RunKind::Repricing)).await.unwrap();
    for verb in [
        runs::confirm(&backend, &globex.owner, run.run_id, "Mine?").await,
        runs::run(&backend, &globex.owner, run.run_id).await,
    ] {
        assert_eq!(verb.unwrap_err().into_problem(), Problem::NotFound);
    }
    assert_eq!(problem(runs::discard(&backend, &globex.owner, run.run_id)).await, Problem::NotFound);
    assert!(!runs::advance(&backend, &globex.owner, run.run_id).await.unwrap());
    assert!(runs::list(&backend, &globex.owner, None).await.unwrap().runs.is_empty());
    assert_eq!(problem(runs::list(&backend, &bound, None)).await.status(), 403);
    assert_eq!(problem(runs::draft(&backend, &bound, &all_of(RunKind::Pricing))).await.status(), 403);
    acme.delete(&clock).await;
    let left: i64 = sqlx::query_scalar("select count(*) from repricing_runs").fetch_one(database.pool()).await.unwrap();
    assert_eq!(left, 0);
}
