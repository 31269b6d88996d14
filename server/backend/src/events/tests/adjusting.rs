//! Rollups equal events plus adjustments, in every dimension and zone, whatever runs have moved.

use super::totals::{ZONES, event, rollups, some};
use super::{Fixture, add_project, in_zone, seeded};
use crate::ledger::rebuild_days;
use crate::prices::{self, runs};
use crate::{OrgScope, identity};
use domain::ids::RunId;
use domain::period::Zone;
use domain::price::{BasisForm, MappingForm, ModifierForm, PriceForm};
use domain::repricing::{RunInput, RunKind, RunPhase, RunState};
use proptest::prelude::*;
use serde_json::json;

/// A price of one of the models of the events, at any time around them.
fn price() -> impl Strategy<Value = PriceForm> {
    let model = prop::sample::select(vec![
        ("openai", "gpt-4o-2024-08-06"),
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("openai", "gpt-99-unheard-of"),
    ]);
    let meter = prop::sample::select(vec!["input_uncached", "output", "input_cache_read", "requests"]);
    let from = prop::sample::select(vec!["", "2026-03-09", "2026-11-01", "2026-11-02"]);
    (model, meter, 1..5_000_u32, from).prop_map(|((provider, model), meter, rate, from)| PriceForm {
        provider: provider.to_owned(),
        model: model.to_owned(),
        meter: meter.to_owned(),
        rate: format!("0.{rate:04}"),
        valid_from: from.to_owned(),
        source: "test".to_owned(),
        confirmed: "yes".to_owned(),
        ..PriceForm::default()
    })
}

async fn run(fixture: &Fixture, scope: &OrgScope, kind: RunKind) -> RunId {
    let input = RunInput { kind, from: None, to: None, filters: vec![] };
    let drafted = runs::draft(&fixture.backend, scope, &input).await.unwrap();
    let done = runs::confirm(&fixture.backend, scope, drafted.run_id, "test").await.unwrap();
    let RunState::Done { preview, outcome, .. } = done.state else { panic!("{:?}", done.state) };
    assert_eq!(preview, outcome, "what was shown is what moved");
    fixture.assert_rollups_follow(scope).await;
    done.run_id
}

async fn assert_adjustments_follow(zone: &str) {
    let runner = &mut seeded(5_511);
    let fixture = Fixture::new().await;
    let key = fixture.organization("moving", zone).await;
    let scope = identity::system_scope(&fixture.backend, key.org_id()).await.unwrap();
    add_project(&fixture, &scope, "side").await;
    let mut events = some(prop::collection::vec(event(), 250..300), runner);
    for (n, event) in events.iter_mut().enumerate() {
        event["id"] = json!(format!("e{n}"));
    }
    assert_eq!(usize::try_from(fixture.send(&key, &events).await.accepted).unwrap(), events.len());
    let untouched = rollups(&fixture, &scope).await;

    let mut done = vec![];
    for round in 0..3 {
        for form in some(prop::collection::vec(price(), 3..5), runner) {
            prices::add_prices(&fixture.backend, &scope, &[form.parse().unwrap()], form.is_confirmed()).await.unwrap();
        }
        if round == 1 {
            let form = ModifierForm {
                kind: "discount".to_owned(),
                percent: "15".to_owned(),
                source: "test".to_owned(),
                ..ModifierForm::default()
            };
            prices::add_modifier(&fixture.backend, &scope, &form.parse().unwrap()).await.unwrap();
            let form = MappingForm {
                provider: "openai".to_owned(),
                name: "^gpt-99".to_owned(),
                to_provider: "openai".to_owned(),
                to_model: "gpt-4o-2024-08-06".to_owned(),
                ..MappingForm::default()
            };
            prices::add_alias(&fixture.backend, &scope, &form.parse().unwrap()).await.unwrap();
        }
        let basis = BasisForm {
            basis: ["reported", "computed", "reported"][round].to_owned(),
            provider: ["", "openai", "anthropic"][round].to_owned(),
            valid_from: ["2026-11-01", "", "2026-03-09"][round].to_owned(),
            reason: "test".to_owned(),
        };
        prices::choose_basis(&fixture.backend, &scope, &basis.parse().unwrap()).await.unwrap();
        done.push(run(&fixture, &scope, RunKind::Pricing).await);
        done.push(run(&fixture, &scope, RunKind::Repricing).await);
    }
    // One number everywhere, and days that are rebuilt for another zone keep what was moved.
    let sums = "select count(distinct total) from (
        select sum(booked + adjusted) as total from rollup_quarter union all select sum(booked + adjusted) from rollup_day
        union all select sum(booked + adjusted) from rollup_meter_day
        union all select sum(booked + adjusted) from rollup_coarse_day
        union all select sum(booked + adjusted) from rollup_coarse_meter_day
        union all select sum(coalesce((select new_cost from adjustments a
            where a.org_id = e.org_id and a.event_key = e.event_key order by revision desc limit 1), cost))
            from events e) as totals";
    assert_eq!(fixture.count(sums).await, 1);
    let elsewhere = Zone::parse("Australia/Lord_Howe").unwrap();
    let mut transaction = fixture.database.pool().begin().await.unwrap();
    rebuild_days(&mut transaction, &scope, elsewhere).await.unwrap();
    sqlx::query("update organizations set time_zone = $1")
        .bind(elsewhere.name())
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    fixture.assert_rollups_follow(&in_zone(&scope, elsewhere)).await;
    let back = Zone::parse(zone).unwrap();
    let mut transaction = fixture.database.pool().begin().await.unwrap();
    rebuild_days(&mut transaction, &scope, back).await.unwrap();
    sqlx::query("update organizations set time_zone = $1").bind(back.name()).execute(&mut *transaction).await.unwrap();
    transaction.commit().await.unwrap();

    for run_id in done.into_iter().rev() {
        match runs::reverse(&fixture.backend, &scope, run_id, "test").await {
            Ok(run) => assert_eq!(run.state.phase(), RunPhase::Reversed),
            // It had moved nothing.
            Err(error) => assert_eq!(error.into_problem().status(), 409),
        }
        fixture.assert_rollups_follow(&scope).await;
    }
    assert!(rollups(&fixture, &scope).await == untouched, "everything is as it was booked");
}

#[tokio::test]
async fn rollups_are_events_and_adjustments_utc() {
    assert_adjustments_follow(ZONES[0]).await;
}

#[tokio::test]
async fn rollups_are_events_and_adjustments_kathmandu() {
    assert_adjustments_follow(ZONES[2]).await;
}

#[tokio::test]
async fn rollups_are_events_and_adjustments_new_york() {
    assert_adjustments_follow(ZONES[3]).await;
}
