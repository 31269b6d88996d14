//! Product lines: dated as ownership is, a dimension of spend and events, and a condition of allocation rules.

use crate::support::{Server, day, money};
use backend::projects::{self, NewProductLine};
use backend::{Backend, OrgScope, allocation, events, spend};
use chrono::NaiveDate;
use domain::allocation::{AllocationForm, ConditionForm, TargetForm};
use domain::event::EventQuery;
use domain::ids::{ProductLineId, ProjectId};
use domain::period::Period;
use domain::problem::Problem;
use domain::spend::{Dimension, Filter, Granularity, SpendQuery};
use rust_decimal::Decimal;
use testkit::seed::{self, Organization};

const NOW: &str = "2026-11-20T12:00:00Z";

async fn line(server: &Server, acme: &Organization, name: &str) -> ProductLineId {
    let new = NewProductLine { name: name.to_owned(), ..NewProductLine::default() };
    projects::create_product_line(&server.backend, &acme.owner, new).await.unwrap().product_line_id
}

async fn put(server: &Server, acme: &Organization, project: ProjectId, to: Option<ProductLineId>, from: &str) {
    let from: Option<NaiveDate> = Some(from).filter(|from| !from.is_empty()).map(day);
    projects::assign_product_line(&server.backend, &acme.owner, project, to, from).await.unwrap();
}

fn november() -> Period {
    Period::month_of(day("2026-11-01"))
}

async fn spent(backend: &Backend, scope: &OrgScope, query: SpendQuery) -> Vec<(Option<String>, Decimal)> {
    let rows = spend::query(backend, scope, &query).await.unwrap().rows;
    let mut rows: Vec<_> =
        rows.into_iter().map(|row| (row.keys.into_iter().next().flatten(), row.sums.spend)).collect();
    rows.sort();
    rows
}

fn expected(rows: &[(&str, &str)]) -> Vec<(Option<String>, Decimal)> {
    let key = |key: &str| Some(key.to_owned()).filter(|key| !key.is_empty());
    rows.iter().map(|(of, amount)| (key(of), money(amount))).collect()
}

/// Main belonged to nothing until November 5, then to "alpha", and from the 15th on to "beta".
async fn moved(server: &Server) -> (Organization, [ProductLineId; 2]) {
    let acme = server.organization("Acme", "Asia/Kolkata").await;
    let (alpha, beta) = (line(server, &acme, "Alpha").await, line(server, &acme, "Beta").await);
    put(server, &acme, acme.project.project_id, Some(alpha), "2026-11-05").await;
    put(server, &acme, acme.project.project_id, Some(beta), "2026-11-15").await;
    for (day, amount) in [("2026-11-01", "1"), ("2026-11-14", "2"), ("2026-11-15", "4")] {
        acme.spend_of("main", day, amount).await;
    }
    (acme, [alpha, beta])
}

#[tokio::test]
async fn a_move_splits_the_month_in_every_sum_and_list() {
    let server = Server::at(NOW).await;
    let (acme, [alpha, beta]) = moved(&server).await;
    let (backend, owner) = (&server.backend, &acme.owner);
    let by_line = || SpendQuery::over(november()).by([Dimension::ProductLine]);
    assert_eq!(spent(backend, owner, by_line()).await, expected(&[("", "1"), ("alpha", "2"), ("beta", "4")]));
    // Beside a label, by the hour, and under filters.
    let beside = SpendQuery::over(november()).by([Dimension::ProductLine, Dimension::Customer]);
    assert_eq!(spent(backend, owner, beside).await, expected(&[("", "1"), ("alpha", "2"), ("beta", "4")]));
    let day_of = Period::new(day("2026-11-15"), day("2026-11-16")).unwrap();
    let hours = SpendQuery::over(day_of).per(Granularity::Hour).by([Dimension::ProductLine]);
    assert_eq!(spent(backend, owner, hours).await, expected(&[("beta", "4")]));
    let only = |values: &[&str], exclude: bool| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Filter { exclude, ..Filter::only(Dimension::ProductLine, values) }
    };
    for (filter, sum) in [
        (only(&["alpha"], false), "2"),
        (only(&[""], false), "1"),
        (only(&["alpha"], true), "5"),
        (Filter { contains: true, ..only(&["ALPH"], false) }, "2"),
    ] {
        let query = SpendQuery { filters: vec![filter.clone()], ..SpendQuery::over(november()) };
        assert_eq!(spend::query(backend, owner, &query).await.unwrap().total.spend, money(sum), "{filter:?}");
        let listed = EventQuery { filters: vec![filter], limit: 10, ..EventQuery::default() };
        let listed = events::list(backend, owner, &listed).await.unwrap().rows;
        assert_eq!(listed.iter().filter_map(|row| row.cost).sum::<Decimal>(), money(sum));
    }
    // What was answered before is not what is answered now.
    put(&server, &acme, acme.project.project_id, None, "2026-11-15").await;
    assert_eq!(spent(backend, owner, by_line()).await, expected(&[("", "5"), ("alpha", "2")]));
    put(&server, &acme, acme.project.project_id, Some(beta), "").await;
    assert_eq!(spent(backend, owner, by_line()).await, expected(&[("beta", "7")]));
    let renamed = projects::rename_product_line(backend, owner, alpha, "First").await.unwrap();
    assert_eq!((renamed.slug.as_str(), renamed.name.as_str()), ("alpha", "First"));
}

#[tokio::test]
async fn the_pages_show_who_belongs_where() {
    let server = Server::at(NOW).await;
    let (acme, [alpha, beta]) = moved(&server).await;
    let (backend, owner) = (&server.backend, &acme.owner);
    let tree = projects::tree(backend, owner).await.unwrap();
    let lines: Vec<_> =
        tree.lines.iter().map(|branch| (branch.line.slug.as_str(), branch.sums.spend, branch.projects.len())).collect();
    assert_eq!(lines, [("beta", money("4"), 1), ("alpha", money("2"), 0)]);
    let detail = projects::project_detail(backend, owner, "main").await.unwrap();
    let spans: Vec<_> = detail.lines.iter().map(|of| (of.line.slug.as_str(), of.span.valid_to)).collect();
    assert_eq!(spans, [("beta", None), ("alpha", Some(day("2026-11-15")))]);
    assert_eq!(projects::product_line_detail(backend, owner, "beta").await.unwrap().1.len(), 1);
    let refused = projects::archive_product_line(backend, owner, beta, true).await.unwrap_err().into_problem();
    assert_eq!(refused.status(), 409);
    assert!(projects::archive_product_line(backend, owner, alpha, true).await.unwrap().archived_at.is_some());
    let main = acme.project.project_id;
    let archived = projects::assign_product_line(backend, owner, main, Some(alpha), None).await;
    assert_eq!(archived.unwrap_err().into_problem().fields()[0].pointer, "product_line");
    // A key of one project sees the product lines of this project alone, and another organization none.
    let side = seed::project(backend, owner, "side").await;
    let (_, bound) = seed::bound_key(backend, owner, &side).await;
    assert_eq!(projects::list_product_lines(backend, &bound).await.unwrap(), []);
    let hidden = projects::product_line_by_slug(backend, &bound, "beta").await.unwrap_err().into_problem();
    assert_eq!(hidden, Problem::NotFound);
    put(&server, &acme, side.project_id, Some(beta), "").await;
    let seen = projects::list_product_lines(backend, &bound).await.unwrap();
    assert_eq!(seen.iter().map(|line| line.slug.as_str()).collect::<Vec<_>>(), ["beta"]);
    let globex = server.organization("Globex", "UTC").await;
    let foreign = projects::rename_product_line(backend, &globex.owner, beta, "Mine").await.unwrap_err().into_problem();
    assert_eq!(foreign, Problem::NotFound);
}

#[tokio::test]
async fn rules_take_what_belonged_to_a_product_line_on_the_day() {
    let server = Server::at(NOW).await;
    let (acme, _) = moved(&server).await;
    acme.team("growth").await;
    let condition = |value: &str| ConditionForm {
        dimension: "product_line".to_owned(),
        test: "is".to_owned(),
        values: value.to_owned(),
    };
    let form = AllocationForm {
        name: "Beta".to_owned(),
        conditions: vec![condition("beta")],
        method: "relabel".to_owned(),
        targets: vec![TargetForm { to: "team:growth".to_owned(), percent: String::new() }],
        reason: "Agreed.".to_owned(),
        ..AllocationForm::default()
    };
    let (backend, owner) = (&server.backend, &acme.owner);
    allocation::enter(backend, owner, &form.parse().unwrap()).await.unwrap();
    let allocated = allocation::allocated(backend, owner, november()).await.unwrap();
    let of = |slug: &str| allocated.teams.iter().find(|account| account.party.slug() == Some(slug)).unwrap().total();
    assert_eq!((of("growth").spend(), of("main").spend()), (money("4"), money("3")));
    let unknown = AllocationForm { name: "Other".to_owned(), conditions: vec![condition("gamma")], ..form };
    let refused = allocation::enter(backend, owner, &unknown.parse().unwrap()).await.unwrap_err().into_problem();
    assert_eq!(
        (refused.fields()[0].pointer.as_str(), refused.fields()[0].detail.as_str()),
        ("conditions[0][values]", "There is no product line gamma.")
    );
}
