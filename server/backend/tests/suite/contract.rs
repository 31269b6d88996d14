//! Contract terms over a month: counted, previewed, applied, brought up to date, reversed; one number everywhere all the while.

use super::prices::{enter, price, send};
use super::repricing::{assert_rollups_follow, finish, money, november, preview, problem, total};
use backend::prices::{self, contract, runs};
use backend::{Backend, OrgScope, events, rules, statements};
use chrono::Duration;
use domain::event::EventInput;
use domain::ids::{RuleChangeId, RunId};
use domain::period::Period;
use domain::price::ModifierForm;
use domain::price::contract::{MonthState, MonthStatus, TermForm};
use domain::problem::Problem;
use domain::repricing::{RunInput, RunKind, RunPhase, RunState, Summary};
use domain::span::Edge;
use domain::statement::LineKind;
use rust_decimal::Decimal;
use serde_json::json;
use testkit::TestDatabase;
use testkit::seed;

const NOW: &str = "2026-11-20T12:00:00Z";
const MODEL: &str = "gpt-4o-2024-08-06";

/// So many input tokens of openai are free each month.
pub(crate) fn allowance(units: &str) -> TermForm {
    TermForm {
        kind: "allowance".to_owned(),
        provider: "openai".to_owned(),
        meters: "input_uncached".to_owned(),
        units: units.to_owned(),
        from: "2026-10".to_owned(),
        source: "Contract 7".to_owned(),
        ..TermForm::default()
    }
}

pub(crate) async fn add(backend: &Backend, scope: &OrgScope, form: TermForm) -> RuleChangeId {
    contract::add_term(backend, scope, &form.parse().unwrap()).await.unwrap()
}

async fn status(backend: &Backend, scope: &OrgScope) -> MonthStatus {
    let months = contract::months(backend, scope).await.unwrap();
    months.into_iter().find(|status| status.month == november()).unwrap()
}

/// Every rollup follows from the events, and the lines of the statement add up to its total.
async fn assert_adds_up(backend: &Backend, scope: &OrgScope) {
    assert_rollups_follow(backend, scope).await;
    let month = statements::month(backend, scope, november(), true).await.unwrap();
    let lines = month.teams.iter().flat_map(|team| &team.projects).flat_map(|project| &project.lines);
    let stated: Decimal = lines.filter_map(|line| line.amount).sum();
    assert_eq!((stated, month.total.spend), (month.total.spend, total(backend, scope).await.spend));
}

pub(crate) async fn settle(backend: &Backend, scope: &OrgScope) -> (RunId, Summary) {
    let run = runs::draft(backend, scope, &RunInput::contract(november())).await.unwrap();
    let run = finish(backend, scope, run.run_id).await;
    runs::confirm(backend, scope, run.run_id, "November is settled.").await.unwrap();
    let run = finish(backend, scope, run.run_id).await;
    match run.state {
        RunState::Done { outcome, .. } => (run.run_id, outcome),
        other => panic!("{other:?}"),
    }
}

/// Other prices for what is over: a price of the model's input, and a run over all events; the run.
async fn reprice(backend: &Backend, owner: &OrgScope) -> RunId {
    enter(backend, owner, price(MODEL, "input_uncached", "2")).await;
    let all = RunInput { kind: RunKind::Repricing, from: None, to: None, filters: vec![] };
    let run_id = runs::draft(backend, owner, &all).await.unwrap().run_id;
    runs::confirm(backend, owner, run_id, "Contract 7.").await.unwrap();
    run_id
}

#[tokio::test]
async fn an_allowance_is_shared_by_all_calls_of_the_month_and_follows_late_ones() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "Asia/Kolkata").await;
    let owner = &acme.owner;
    let entered = add(&backend, owner, allowance("500")).await;
    for id in ["a", "b"] {
        send(&backend, &acme.api, id, MODEL).await;
    }
    send(&backend, &acme.api, "unpriced", "ours").await;
    assert_eq!(status(&backend, owner).await.state, MonthState::Open);

    let run = runs::draft(&backend, owner, &RunInput::contract(november())).await.unwrap();
    let shown = preview(&run);
    assert_eq!((shown.looked_at, shown.moved, shown.delta()), (3, 2, money("-0.00125")));
    let counted = run.contract.clone().unwrap();
    assert_eq!(counted.terms.len(), 1);
    assert_eq!(counted.terms[0].words, "500 free input tokens of openai");
    assert_eq!((counted.terms[0].total.quantity, counted.terms[0].charge), (money("2000"), Some(money("0.00375"))));
    assert_eq!(total(&backend, owner).await.spend, money("0.007"), "nothing has moved");
    assert_eq!(status(&backend, owner).await.previewed, Some(run.run_id));
    let first = runs::confirm(&backend, owner, run.run_id, "As agreed.").await.unwrap();
    let RunState::Done { outcome, preview, .. } = &first.state else { panic!("{:?}", first.state) };
    assert_eq!(outcome, preview);
    let moved = total(&backend, owner).await;
    assert_eq!((moved.spend, moved.booked), (money("0.00575"), money("0.007")));
    assert_adds_up(&backend, owner).await;
    let now = status(&backend, owner).await;
    assert_eq!((now.state, now.effect, now.previewed), (MonthState::Applied, money("-0.00125"), None));
    let event = events::find(&backend, owner, "a").await.unwrap();
    let line = event.adjustments[0].receipt.iter().find(|line| line.by_contract).unwrap();
    assert_eq!((line.amount, line.price_source.as_str()), (money("-0.000625"), "Contract 7"));
    let month = statements::month(&backend, owner, november(), true).await.unwrap();
    let lines = &month.teams[0].projects[0].lines;
    let stated = lines.iter().find(|line| line.kind == LineKind::Contract).unwrap();
    assert_eq!(
        (stated.amount, stated.term.as_deref()),
        (Some(money("-0.00125")), Some("500 free input tokens of openai"))
    );
    assert!(!lines.iter().any(|line| line.kind == LineKind::Adjusted));
    assert_eq!(problem(prices::undo(&backend, owner, entered)).await.status(), 409, "it is applied");

    // A late call: the month's free units are shared anew, and in all nothing moves.
    clock.advance(Duration::minutes(1));
    send(&backend, &acme.api, "c", MODEL).await;
    let late = status(&backend, owner).await;
    assert_eq!((late.state, late.newer_calls), (MonthState::NewerCalls, 1));
    let (second, outcome) = settle(&backend, owner).await;
    assert_eq!((outcome.moved, outcome.delta()), (3, Decimal::ZERO));
    assert_eq!(total(&backend, owner).await.spend, money("0.00925"));
    assert_adds_up(&backend, owner).await;
    assert_eq!(settle(&backend, owner).await.1.moved, 0, "what is settled is settled");

    // Other prices leave the contract's lines alone until it is applied again.
    clock.advance(Duration::minutes(1));
    let repricing = reprice(&backend, owner).await;
    assert_eq!(total(&backend, owner).await.spend, money("0.00775"));
    assert_eq!(status(&backend, owner).await.state, MonthState::CostsMoved);
    assert_adds_up(&backend, owner).await;
    clock.advance(Duration::minutes(1));
    let (third, _) = settle(&backend, owner).await;
    assert_eq!(total(&backend, owner).await.spend, money("0.008"));
    assert_eq!(status(&backend, owner).await.state, MonthState::Applied);
    assert_adds_up(&backend, owner).await;

    assert_eq!(problem(runs::reverse(&backend, owner, second, "Wrong.")).await.status(), 409);
    for run_id in [third, repricing, second, first.run_id] {
        clock.advance(Duration::minutes(1));
        runs::reverse(&backend, owner, run_id, "Wrong after all.").await.unwrap();
        finish(&backend, owner, run_id).await;
        assert_adds_up(&backend, owner).await;
    }
    let back = total(&backend, owner).await;
    assert_eq!((back.spend, back.booked), (money("0.0105"), money("0.0105")));
    let open = status(&backend, owner).await;
    assert_eq!(
        (open.state, open.effect),
        (MonthState::CostsMoved, Decimal::ZERO),
        "only the run that moved nothing is left"
    );
    prices::undo(&backend, owner, entered).await.unwrap();
    assert!(contract::terms(&backend, owner).await.unwrap().iter().all(|term| term.entry.superseded_at.is_some()));
}

#[tokio::test]
async fn a_month_stays_applied_however_many_runs_come_after_it() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let owner = &acme.owner;
    add(&backend, owner, allowance("500")).await;
    send(&backend, &acme.api, "a", MODEL).await;
    let (settled, outcome) = settle(&backend, owner).await;
    assert_eq!(outcome.moved, 1);
    // Every name that is mapped begins a run.
    let mapped = "insert into repricing_runs
            (org_id, run_id, kind, state, filters, known_at, created_at, reason, ended_at, outcome)
        select org_id, gen_random_uuid(), 'pricing', 'done', '[]', known_at, created_at, reason,
            ended_at + interval '1 minute', outcome || '{\"moved\": 0, \"moves\": []}'
        from repricing_runs, generate_series(1, 250) where run_id = $1";
    sqlx::query(mapped).bind(settled.0).execute(database.pool()).await.unwrap();
    assert_eq!(status(&backend, owner).await.state, MonthState::Applied);

    let (mut listed, mut before) = (Vec::new(), None);
    loop {
        let page = runs::list(&backend, owner, before).await.unwrap();
        listed.extend(page.runs.into_iter().map(|run| run.run_id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!((listed.len(), listed.is_sorted_by(|a, b| a > b)), (251, true), "every run is on one page");

    clock.advance(Duration::minutes(2));
    reprice(&backend, owner).await;
    assert_eq!(status(&backend, owner).await.state, MonthState::CostsMoved);
}

#[tokio::test]
async fn a_month_adds_up_exactly_although_another_server_goes_on_where_one_stopped() {
    let database = TestDatabase::new().await;
    let (here, clock) = seed::backend(&database, NOW);
    let there = Backend::new(database.pool().clone(), clock.clone(), "http://127.0.0.1:3000", true);
    let acme = seed::organization(&here, "UTC").await;
    let tiers = "0 -33.3%\n>1000000 $0.70\n>=3000000 free";
    let graduated = TermForm {
        kind: "graduated".to_owned(),
        meters: "tokens".to_owned(),
        tiers: tiers.to_owned(),
        ..allowance("")
    };
    add(&here, &acme.owner, graduated).await;
    let event = |n: u64| -> EventInput {
        serde_json::from_value(json!({
            "id": format!("e{n}"), "timestamp": format!("2026-11-{:02}T09:41:07Z", n % 19 + 1), "provider": "openai",
            "model": MODEL, "usage": {"prompt_tokens": 300 + n % 7, "completion_tokens": 41 + n % 11}
        }))
        .unwrap()
    };
    let mut tokens = Decimal::ZERO;
    for half in [0..2_500_u64, 2_500..5_000] {
        tokens += half.clone().map(|n| Decimal::from(341 + n % 7 + n % 11)).sum::<Decimal>();
        let answer = events::ingest_inputs(&here, &acme.api, half.map(event).collect()).await.unwrap();
        assert_eq!(answer.accepted, 2_500);
    }
    let booked = total(&here, &acme.owner).await.spend;
    let run = runs::draft(&here, &acme.owner, &RunInput::contract(november())).await.unwrap();
    let run = finish(&there, &acme.owner, run.run_id).await;
    let shown = preview(&run);
    let run = runs::confirm(&here, &acme.owner, run.run_id, "As agreed.").await.unwrap();
    let RunState::Running { so_far, .. } = &run.state else { panic!("{:?}", run.state) };
    assert_eq!(so_far.looked_at, 2_000, "three steps count, the fourth charges");
    assert_adds_up(&here, &acme.owner).await;
    // What comes now is for the next run.
    clock.advance(Duration::seconds(1));
    send(&here, &acme.api, "late", MODEL).await;
    let run = finish(&there, &acme.owner, run.run_id).await;
    let RunState::Done { outcome, .. } = &run.state else { panic!("{:?}", run.state) };
    assert_eq!(outcome, &shown);
    let month = &run.contract.as_ref().unwrap().terms[0];
    assert_eq!((month.total.quantity, month.total.amount), (tokens, booked));
    assert!(tokens > Decimal::from(1_000_000));
    let million = Decimal::from(1_000_000);
    let charge = booked * money("0.667") * million / tokens + (tokens - million) * money("0.7") / million;
    assert_eq!(month.charge, Some(charge.round_dp(12)));
    assert_eq!(outcome.delta(), month.charge.unwrap() - booked);
    assert_eq!(total(&here, &acme.owner).await.spend, month.charge.unwrap() + money("0.0035"));
    assert_adds_up(&here, &acme.owner).await;

    let run = runs::reverse(&here, &acme.owner, run.run_id, "Not yet.").await.unwrap();
    assert_eq!(finish(&there, &acme.owner, run.run_id).await.state.phase(), RunPhase::Reversed);
    assert_eq!(total(&here, &acme.owner).await.spend, booked + money("0.0035"));
    assert_adds_up(&here, &acme.owner).await;
}

#[tokio::test]
async fn terms_are_superseded_and_months_know_when_that_concerns_them() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let owner = &acme.owner;
    add(&backend, owner, allowance("500")).await;
    send(&backend, &acme.api, "a", MODEL).await;
    settle(&backend, owner).await;
    assert_eq!(total(&backend, owner).await.spend, money("0.00225"));
    let live = async || {
        let terms = contract::terms(&backend, owner).await.unwrap();
        terms.rows.into_iter().filter(|term| term.is_live()).map(|term| term.row).collect::<Vec<_>>()
    };
    let month = |day: &str| Edge::Day(day.parse().unwrap());

    // Its end does not concern the months before it.
    clock.advance(Duration::minutes(1));
    let term_id = live().await[0].term_id;
    rules::end(&backend, owner, term_id, month("2027-01-01")).await.unwrap();
    assert_eq!(status(&backend, owner).await.state, MonthState::Applied);
    assert_eq!(problem(rules::end(&backend, owner, term_id, month("2026-12-01"))).await, Problem::NotFound);
    let term_id = live().await[0].term_id;
    let late = problem(rules::end(&backend, owner, term_id, month("2027-02-01"))).await;
    assert_eq!(late.fields()[0].pointer, "valid_to");
    let middle = problem(rules::end(&backend, owner, term_id, month("2026-12-15"))).await;
    assert_eq!(middle.fields()[0].code, "invalid", "terms end with months");

    // The one entered last goes first.
    let volume = TermForm {
        kind: "volume".to_owned(),
        models: "^gpt-4o".to_owned(),
        tiers: ">=1000 -50%".to_owned(),
        ..allowance("")
    };
    let newer = add(&backend, owner, volume).await;
    assert_eq!(status(&backend, owner).await.state, MonthState::TermsChanged);
    clock.advance(Duration::minutes(1));
    let (run, _) = settle(&backend, owner).await;
    assert_eq!(total(&backend, owner).await.spend, money("0.00225"), "half of 0.0025 is as much as 500 free units");
    assert_eq!(status(&backend, owner).await.state, MonthState::Applied);
    assert_adds_up(&backend, owner).await;

    // Withdrawn, the month goes back to what holds.
    clock.advance(Duration::minutes(1));
    runs::reverse(&backend, owner, run, "x").await.unwrap_err();
    prices::undo(&backend, owner, newer).await.unwrap();
    assert_eq!(status(&backend, owner).await.state, MonthState::TermsChanged);
    let term_id = live().await[0].term_id;
    rules::end(&backend, owner, term_id, month("2026-10-01")).await.unwrap();
    assert!(live().await.is_empty());
    let (_, outcome) = settle(&backend, owner).await;
    assert_eq!((outcome.moved, total(&backend, owner).await.spend), (1, money("0.0035")));
    assert_adds_up(&backend, owner).await;
}

#[tokio::test]
async fn a_month_is_one_of_the_organizations_zone_and_must_be_whole() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "Asia/Kolkata").await;
    let globex = seed::organization(&backend, "UTC").await;
    let (_, bound) = seed::bound_key(&backend, &acme.owner, &acme.project).await;
    add(&backend, &acme.owner, allowance("500")).await;
    let event = |id: &str, at: &str| -> EventInput {
        serde_json::from_value(json!({
            "id": id, "timestamp": at, "provider": "openai", "model": MODEL,
            "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}
        }))
        .unwrap()
    };
    let sent = vec![event("october", "2026-10-31T18:29:59Z"), event("november", "2026-10-31T18:30:00Z")];
    events::ingest_inputs(&backend, &acme.api, sent).await.unwrap();
    let october = Period::month_of("2026-10-01".parse().unwrap());
    let run = runs::draft(&backend, &acme.owner, &RunInput::contract(october)).await.unwrap();
    assert_eq!((preview(&run).looked_at, preview(&run).delta()), (1, money("-0.00125")));
    assert_eq!(run.input.month(), Some(october));
    let months: Vec<_> =
        contract::months(&backend, &acme.owner).await.unwrap().iter().map(|status| status.month).collect();
    assert_eq!(months, [november(), october]);

    let december = RunInput::contract(Period::month_of("2026-12-01".parse().unwrap()));
    assert_eq!(problem(runs::draft(&backend, &acme.owner, &december)).await.fields()[0].code, "not_begun");
    let part = RunInput { to: None, ..RunInput::contract(october) };
    assert_eq!(problem(runs::draft(&backend, &acme.owner, &part)).await.fields()[0].pointer, "month");
    sqlx::query("update organizations set events_from = '2026-11-01'").execute(database.pool()).await.unwrap();
    let gone = problem(runs::draft(&backend, &acme.owner, &RunInput::contract(november()))).await;
    assert_eq!(gone.fields()[0].code, "not_kept", "the local November begins before the first kept instant");

    assert_eq!(problem(contract::add_term(&backend, &bound, &allowance("1").parse().unwrap())).await.status(), 403);
    assert_eq!(problem(contract::months(&backend, &bound)).await.status(), 403);
    assert!(contract::terms(&backend, &globex.owner).await.unwrap().is_empty());
    let term_id = contract::terms(&backend, &acme.owner).await.unwrap()[0].row.term_id;
    assert_eq!(problem(rules::end(&backend, &globex.owner, term_id, Edge::Day(october.from))).await, Problem::NotFound);
    acme.delete(&clock).await;
    let left: i64 = sqlx::query_scalar("select count(*) from rules").fetch_one(database.pool()).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_discount_says_before_it_is_entered_what_it_would_have_meant() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    add(&backend, &acme.owner, allowance("500")).await;
    for (id, model) in [("a", MODEL), ("b", MODEL), ("c", "gpt-4o-mini"), ("d", "unknown")] {
        send(&backend, &acme.api, id, model).await;
    }
    settle(&backend, &acme.owner).await;
    let form = |models: &str, meters: &str| ModifierForm {
        kind: "discount".to_owned(),
        provider: "openai".to_owned(),
        models: models.to_owned(),
        meters: meters.to_owned(),
        percent: "12".to_owned(),
        source: "Contract 7".to_owned(),
        ..ModifierForm::default()
    };
    let effect = async |form: ModifierForm| {
        prices::modifier_effect(&backend, &acme.owner, &form.parse().unwrap()).await.unwrap()
    };
    let all = effect(form("", "")).await;
    assert_eq!((all.before(), all.delta()), (money("0.00721"), money("-0.0008652")));
    assert_eq!(all.rows.iter().map(|row| row.model.as_str()).collect::<Vec<_>>(), [MODEL, "gpt-4o-mini"]);
    assert_eq!(effect(form("^gpt-4o-mini", "")).await.before(), money("0.00021"));
    assert_eq!(effect(form("", "output")).await.before(), money("0.00206"));
    let elsewhere = ModifierForm { provider: "anthropic".to_owned(), ..form("", "") };
    assert!(effect(elsewhere).await.rows.is_empty());
    let regional = ModifierForm { attributes: "region=eu".to_owned(), ..form("", "") };
    let refused = problem(prices::modifier_effect(&backend, &acme.owner, &regional.parse().unwrap())).await;
    assert_eq!(refused.fields()[0].pointer, "attributes");

    // It is what the run then moves; the contract's lines stay until it is applied again.
    prices::add_modifier(&backend, &acme.owner, &form("", "").parse().unwrap()).await.unwrap();
    clock.advance(Duration::minutes(1));
    let run = RunInput { kind: RunKind::Repricing, from: None, to: None, filters: vec![] };
    let run = runs::draft(&backend, &acme.owner, &run).await.unwrap();
    assert_eq!(preview(&run).delta(), all.delta());
}
