//! Business metrics: recorded once, superseded with their history, and what one unit cost.

use crate::support::{Server, day, money};
use backend::{Error, OrgScope, business_metrics, spend};
use domain::business_metric::{MetricForm, NewValue, Selection, steps};
use domain::period::Period;
use domain::problem::Problem;
use domain::spend::{Granularity, Measure, SpendQuery, Sums};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use testkit::seed;

const NOW: &str = "2026-11-20T12:00:00Z";

fn value(name: &str, unit: &str, period: &str, value: &str, labels: &[(&str, &str)]) -> NewValue {
    let labels: BTreeMap<_, _> = labels.iter().map(|(name, is)| ((*name).to_owned(), (*is).to_owned())).collect();
    let (name, unit, period, value) = (name.to_owned(), unit.to_owned(), period.to_owned(), value.to_owned());
    MetricForm { name, unit, period, value, labels }.parse().unwrap()
}

fn tickets(period: &str, number: &str, labels: &[(&str, &str)]) -> NewValue {
    value("tickets", "tickets", period, number, labels)
}

async fn record(server: &Server, scope: &OrgScope, values: &[NewValue]) -> (usize, usize, usize) {
    let done = business_metrics::record(&server.backend, scope, values).await.unwrap();
    (done.recorded, done.superseded, done.duplicates)
}

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> Problem {
    result.unwrap_err().into_problem()
}

#[tokio::test]
async fn a_value_is_recorded_once_and_a_later_one_supersedes_it() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "Asia/Kolkata").await;
    let first = [tickets("2026-11-10", "10", &[]), tickets("2026-11-10", "4", &[("project", "main")])];
    assert_eq!(record(&server, &acme.api, &first).await, (2, 0, 0));
    assert_eq!(record(&server, &acme.api, &first).await, (0, 0, 2));
    server.clock.advance(chrono::Duration::minutes(1));
    let later =
        [tickets("2026-11-10", "10", &[]), tickets("2026-11-10", "12", &[]), tickets("2026-11-10", "12.0", &[])];
    assert_eq!(record(&server, &acme.owner, &later).await, (0, 1, 2), "of equals the last counts");
    let (entry, history) = business_metrics::find(&server.backend, &acme.owner, "tickets").await.unwrap();
    assert_eq!((entry.values, entry.labels), (2, vec!["project".to_owned()]));
    let told: Vec<_> =
        history.iter().map(|recorded| (recorded.value.value, recorded.superseded_at.is_some())).collect();
    assert_eq!(told, [(money("12"), false), (money("10"), true), (money("4"), false)]);
    assert_eq!(history[0].recorded_by, acme.email.as_str());
    let other_unit = value("tickets", "chats", "2026-11-11", "1", &[]);
    let refused = problem(business_metrics::record(&server.backend, &acme.api, &[other_unit]).await);
    assert_eq!(refused.fields()[0].pointer, "0/unit");
    let globex = server.organization("Globex", "UTC").await;
    assert_eq!(problem(business_metrics::find(&server.backend, &globex.owner, "tickets").await), Problem::NotFound);
}

#[tokio::test]
async fn a_unit_costs_the_spend_of_the_days_that_have_values() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "Asia/Kolkata").await;
    seed::project(&server.backend, &acme.owner, "side").await;
    for (project, day, amount) in [
        ("main", "2026-11-10", "30"),
        ("side", "2026-11-10", "6"),
        ("main", "2026-11-11", "50"),
        ("main", "2026-11-12", "8"),
    ] {
        acme.spend_of(project, day, amount).await;
    }
    let values = [
        tickets("2026-11-10", "12", &[("project", "main")]),
        tickets("2026-11-10", "6", &[("project", "side")]),
        tickets("2026-11-12", "0", &[("project", "main")]),
        value("revenue", "USD", "2026-11", "200", &[]),
    ];
    assert_eq!(record(&server, &acme.api, &values).await, (4, 0, 0));
    let days = Period::new(day("2026-11-09"), day("2026-11-13")).unwrap();
    let each = steps(days, Granularity::Day);
    let (backend, owner) = (&server.backend, &acme.owner);
    let ask = async |name: &str, selection: &[(&str, &str)]| {
        let selection: Selection = selection.iter().map(|(name, is)| ((*name).to_owned(), (*is).to_owned())).collect();
        let metric = business_metrics::find(backend, owner, name).await.unwrap().0.metric;
        business_metrics::costs(backend, owner, &metric, (days, &each), &selection).await.unwrap()
    };
    let all = ask("tickets", &[]).await;
    let told: Vec<_> = all.steps.iter().map(|(_, cost)| cost.map(|cost| (cost.spend, cost.per_unit()))).collect();
    // The eleventh has spend and no value: a gap. The twelfth had no ticket: its spend counts, but has no cost per unit.
    assert_eq!(told, [None, Some((money("36"), Some(money("2")))), None, Some((money("8"), None))]);
    let total = all.total.unwrap();
    assert_eq!((total.days, total.spend, total.value), (2, money("44"), money("18")));
    let side = ask("tickets", &[("project", "side")]).await.total.unwrap();
    assert_eq!((side.spend, side.value, side.per_unit()), (money("6"), money("6"), Some(money("1"))));
    assert_eq!(ask("revenue", &[]).await.total, None, "a month's value is of no part of it");
    let totals = business_metrics::totals(backend, owner, Period::month_of(day("2026-11-01"))).await.unwrap();
    let told: Vec<_> =
        totals.iter().map(|(entry, cost)| (entry.metric.name.as_str(), cost.unwrap().margin())).collect();
    assert_eq!(told, [("revenue", money("106")), ("tickets", money("-26"))]);
}

/// The measure of Explore and the API is the metric's page, and a group has its own values or its share.
#[tokio::test]
async fn explore_asks_what_a_unit_costs_by_any_dimension() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "Asia/Kolkata").await;
    seed::project(&server.backend, &acme.owner, "side").await;
    for (project, day, amount) in
        [("main", "2026-11-10", "30"), ("side", "2026-11-10", "6"), ("main", "2026-11-11", "50")]
    {
        acme.spend_of(project, day, amount).await;
    }
    let values = [
        tickets("2026-11-10", "12", &[("project", "main")]),
        tickets("2026-11-10", "6", &[("project", "side")]),
        value("users", "users", "2026-11-10", "4", &[]),
        value("users", "users", "2026-11-11", "8", &[]),
    ];
    record(&server, &acme.api, &values).await;
    let ask = async |text: &str| {
        let asked = format!("from=2026-11-01&to=2026-12-01&{text}");
        let pairs: Vec<_> = asked.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        spend::query(&server.backend, &acme.owner, &SpendQuery::from_pairs(&pairs).unwrap()).await
    };
    let told = async |text: &str| {
        let answer = ask(text).await.unwrap();
        let text = |sums: &Sums| Measure::CostPerUnit.text(sums, Decimal::ZERO);
        let total = text(&answer.total);
        let rows: Vec<_> = answer.rows.iter().map(|row| text(&row.sums)).collect();
        (total.map(|text| money(&text)), rows.into_iter().map(|row| row.map(|text| money(&text))).collect::<Vec<_>>())
    };
    let tickets = "measure=cost_per_unit:tickets";
    // The eleventh has no tickets.
    let by_day = told(&format!("{tickets}&bucket=day")).await;
    assert_eq!(by_day, (Some(money("2")), vec![Some(money("2")), None]));
    let by_project = told(&format!("{tickets}&group_by=project")).await;
    assert_eq!(by_project, (Some(money("2")), vec![Some(money("2.5")), Some(money("1"))]));
    assert_eq!(told(&format!("{tickets}&project=side")).await.0, Some(money("1")));
    // Users are of no project: shares of what one costs, which add up.
    let users = told("measure=cost_per_unit:users,spend&group_by=project&bucket=month").await;
    assert_eq!(users.0, Some(money("86") / money("12")).map(|cost| cost.round_dp(12)));
    assert_eq!(users.1, [Some((money("80") / money("12")).round_dp(12)), Some(money("0.5"))]);
    let half = problem(ask(&format!("{tickets}&project=!side")).await);
    assert_eq!(half.status(), 422, "spend of a part over tickets of all would be no unit cost");
    assert_eq!(problem(ask("measure=cost_per_unit:visits").await).fields()[0].pointer, "measure");
    assert_eq!(problem(ask(&format!("{tickets}&bucket=hour")).await).status(), 422);
}

#[tokio::test]
async fn a_key_of_one_project_records_and_sees_its_values_alone() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let side = seed::project(&server.backend, &acme.owner, "side").await;
    let (_, bound) = seed::bound_key(&server.backend, &acme.owner, &side).await;
    let (own, other) = (tickets("2026-11-10", "6", &[("project", "side")]), tickets("2026-11-10", "7", &[]));
    let refused = problem(business_metrics::record(&server.backend, &bound, &[own.clone(), other.clone()]).await);
    assert_eq!(refused.fields()[0].pointer, "1/labels");
    assert_eq!(record(&server, &bound, &[own]).await, (1, 0, 0));
    assert_eq!(record(&server, &acme.api, &[other, value("revenue", "USD", "2026-11", "9", &[])]).await, (2, 0, 0));
    let seen = business_metrics::list(&server.backend, &bound).await.unwrap();
    assert_eq!(
        seen.iter().map(|entry| (entry.metric.name.as_str(), entry.values)).collect::<Vec<_>>(),
        [("tickets", 1)]
    );
    assert_eq!(problem(business_metrics::find(&server.backend, &bound, "revenue").await), Problem::NotFound);
    let (_, history) = business_metrics::find(&server.backend, &bound, "tickets").await.unwrap();
    assert_eq!(history.len(), 1);
}

#[tokio::test]
async fn a_file_of_values_is_recorded_as_a_whole() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let (backend, owner) = (&server.backend, &acme.owner);
    let text = "name,unit,period,value,labels\ntickets,tickets,2026-11-10,5,project=main\ntickets,tickets,2026-13,x,\n";
    let import = business_metrics::draft_import(backend, owner, "a.csv", text.as_bytes()).await.unwrap();
    let (_, rows) = business_metrics::import(backend, owner, import).await.unwrap();
    let wrong: Vec<&str> = rows[1].0.wrong.iter().map(|wrong| wrong.pointer.as_str()).collect();
    assert_eq!((rows[0].0.wrong.len(), wrong), (0, vec!["period", "value"]));
    assert_eq!(problem(business_metrics::enter_import(backend, owner, import).await).status(), 409);
    let right = text.replace("2026-13,x", "2026-11-11,7");
    let import = business_metrics::draft_import(backend, owner, "b.csv", right.as_bytes()).await.unwrap();
    assert_eq!(business_metrics::enter_import(backend, owner, import).await.unwrap().recorded, 2);
    assert_eq!(problem(business_metrics::enter_import(backend, owner, import).await).status(), 409, "once");
}
