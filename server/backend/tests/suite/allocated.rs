//! What rules share out is one number everywhere: Overview, Explore, and statements with their charges.

use crate::allocation::{Place, day, form, money, november, place};
use backend::exports::FocusExport;
use backend::{allocation, charges, prices, projects, spend, statements};
use domain::allocation::{Allocated, Party, SharedLine};
use domain::budget::SpendScope;
use domain::charge::{Charge, ChargeForm};
use domain::focus::Version;
use domain::focus::query::FocusQuery;
use domain::focus::row::FocusRow;
use domain::period::Period;
use domain::spend::{Dimension, Filter, Granularity, Measure, SpendQuery, SpendRow};
use domain::statement::{MonthStatement, StatementKind, TeamStatement};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use testkit::seed;

/// A charge of a project, of a team, or of nobody.
fn charge(id: &str, amount: &str, (from, to): (&str, &str), (project, team): (&str, &str)) -> Charge {
    let form = ChargeForm {
        id: id.to_owned(),
        kind: "gpu_hours".to_owned(),
        description: format!("Pool {id}"),
        amount: amount.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        project: project.to_owned(),
        team: team.to_owned(),
        source: "Invoice 7".to_owned(),
        reason: "Month end".to_owned(),
        ..ChargeForm::default()
    };
    form.parse().unwrap()
}

/// Charges of a project, of nobody and of a team, over days that months cut.
pub(crate) async fn charge_everybody(place: &Place) {
    let all = [
        charge("a", "100", ("2026-09-20", "2026-11-12"), ("vectors", "")),
        charge("b", "10.000000000001", ("2026-09-01", "2026-12-01"), ("", "")),
        charge("c", "77.7", ("2026-10-15", "2026-11-15"), ("", "growth")),
    ];
    charges::enter(&place.backend, &place.acme.owner, &all).await.unwrap();
}

async fn rows(place: &Place, query: &SpendQuery) -> Vec<SpendRow> {
    spend::query(&place.backend, &place.acme.owner, query).await.unwrap().rows
}

/// Spend by the last of the keys.
fn by_last(rows: &[SpendRow]) -> BTreeMap<Option<String>, Decimal> {
    let mut sums: BTreeMap<Option<String>, Decimal> = BTreeMap::new();
    for row in rows {
        *sums.entry(row.keys.last().cloned().flatten()).or_default() += row.sums.spend;
    }
    sums.retain(|_, spend| !spend.is_zero());
    sums.iter().map(|(key, spend)| (key.clone(), spend.normalize())).collect()
}

fn accounts(allocated: &Allocated) -> BTreeMap<Option<String>, Decimal> {
    let teams = allocated.teams.iter().map(|team| (team.party.slug().map(str::to_owned), team.total().spend()));
    let all = teams.chain([(None, allocated.unallocated.spend())]);
    all.filter(|(_, spend)| !spend.is_zero()).map(|(slug, spend)| (slug, spend.normalize())).collect()
}

/// Explore says what the allocation of the same days says, however it is cut, and everything is the spend, to the last place.
pub(crate) async fn assert_explore_agrees(place: &Place, span: Period, allocated: &Allocated) {
    let whole = accounts(allocated);
    let by = |bucket, first: Option<Dimension>| {
        SpendQuery::over(span).per(bucket).by(first.into_iter().chain([Dimension::AllocatedTeam]))
    };
    for query in [
        by(Granularity::None, None),
        by(Granularity::Day, None),
        by(Granularity::Week, Some(Dimension::Feature)),
        by(Granularity::Month, Some(Dimension::Team)),
        by(Granularity::None, Some(Dimension::Project)),
    ] {
        assert_eq!(by_last(&rows(place, &query).await), whole, "{query:?}");
    }
    // A value of another dimension is the same number as a group and as a filter, and adds up to what was used.
    let by_project = rows(place, &by(Granularity::None, Some(Dimension::Project))).await;
    let used = rows(place, &SpendQuery::over(span).by([Dimension::Project])).await;
    for project in used {
        let of = |row: &&SpendRow| row.keys[0] == project.keys[0];
        let sum: Decimal = by_project.iter().filter(of).map(|row| row.sums.spend).sum();
        assert_eq!(sum, project.sums.spend);
        let only = Filter::only(Dimension::Project, vec![project.keys[0].clone().unwrap()]);
        let filtered = SpendQuery { filters: vec![only], ..by(Granularity::None, None) };
        let group: Vec<SpendRow> = by_project.iter().filter(of).cloned().collect();
        assert_eq!(by_last(&rows(place, &filtered).await), by_last(&group));
    }
    let growth = SpendQuery::over(span).only(Dimension::AllocatedTeam, "growth");
    let growth = spend::query(&place.backend, &place.acme.owner, &growth).await.unwrap().total.spend;
    assert_eq!(growth.normalize(), whole.get(&Some("growth".to_owned())).copied().unwrap_or_default());
}

/// Statements with what is unallocated add up to the Overview and its charges; their usage is what the allocation says; a part of them says the same.
pub(crate) async fn assert_statements_agree(place: &Place, month: Period) {
    let (backend, owner) = (&place.backend, &place.acme.owner);
    let statement = statements::month(backend, owner, month, true).await.unwrap();
    let overview = spend::overview(backend, owner, SpendScope::Organization, month, None, &[]).await.unwrap();
    let whole = overview.total.spend + overview.charged.unwrap();
    let owned = || statement.teams.iter().filter(|team| team.team.is_some());
    let teams: Decimal = owned().map(TeamStatement::total).sum();
    assert_eq!(teams + statement.unallocated(), whole);
    assert_eq!((statement.shared(), statement.grand_total()), (Decimal::ZERO, whole));
    let ready = statements::readiness(backend, owner, month).await.unwrap().unwrap();
    assert_eq!((ready.known, ready.unallocated), (whole, statement.unallocated().abs()));
    let file = statement.csv();
    let amounts = file.lines().skip(1).filter_map(|row| row.rsplit(',').nth(3)?.parse::<Decimal>().ok());
    assert_eq!(amounts.sum::<Decimal>(), whole);

    let allocated = allocation::allocated(backend, owner, month).await.unwrap();
    let usage =
        |lines: &[SharedLine]| -> Decimal { lines.iter().filter(|line| !line.is_charge).map(|line| line.amount).sum() };
    for account in &allocated.teams {
        let slug = account.party.slug().unwrap();
        let team = owned().find(|team| team.team.as_ref().unwrap().slug == slug);
        let projects =
            |team: &TeamStatement| team.projects.iter().map(|project| usage(&project.shared)).sum::<Decimal>();
        let stated = team.map(|team| team.sums.spend + usage(&team.shared) + projects(team)).unwrap_or_default();
        assert_eq!(stated, account.total().spend(), "{slug}");
    }
    for team in owned() {
        let slug = &team.team.as_ref().unwrap().slug;
        let (_, one) = statements::one(backend, owner, month, StatementKind::Team, slug).await.unwrap();
        assert_eq!((one.grand_total(), &one.teams[0]), (team.total(), team));
    }
}

async fn statement(place: &Place, month: Period) -> MonthStatement {
    statements::month(&place.backend, &place.acme.owner, month, true).await.unwrap()
}

#[tokio::test]
async fn a_statement_holds_the_whole_cost_of_a_feature_by_rules_that_it_names() {
    let place = place("UTC").await;
    place.call("vectors", "2026-11-05T10:00:00Z", "9", |_| {}).await;
    place.call("web", "2026-11-05T10:00:00Z", "2", |_| {}).await;
    place.call("main", "2026-11-05T10:00:00Z", "1", |_| {}).await;
    let all = [
        charge("gpu", "30", ("2026-11-01", "2026-12-01"), ("vectors", "")),
        charge("plan", "60", ("2026-11-01", "2026-12-01"), ("", "")),
    ];
    charges::enter(&place.backend, &place.acme.owner, &all).await.unwrap();
    let before = statement(&place, november()).await;
    assert!(!before.is_shared());
    place.enter(&form("Vector store", &["project is vectors"], "spend", &["project:web", "project:main"])).await;
    place.enter(&form("Search only", &["feature missing", "project is web"], "relabel", &["team:platform"])).await;
    place
        .enter(&form("Nobody's", &["project missing", "team missing"], "fixed", &["team:growth 75", "team:main 25"]))
        .await;
    let after = statement(&place, november()).await;
    assert_statements_agree(&place, november()).await;

    // 20 of 30 days have begun: 20 dollars of the pool and 40 of the plan.
    let lines = |slug: &str| -> Vec<(String, String, bool, Decimal)> {
        let team = after.teams.iter().find(|team| team.team.as_ref().is_some_and(|team| team.slug == slug)).unwrap();
        let of_projects = team.projects.iter().flat_map(|project| &project.shared);
        let line = |line: &SharedLine| (line.rule.clone(), line.direction(), line.is_charge, line.amount.normalize());
        of_projects.chain(&team.shared).map(line).collect()
    };
    let line = |rule: &str, direction: &str, is_charge, amount: &str| {
        (rule.to_owned(), direction.to_owned(), is_charge, money(amount))
    };
    assert_eq!(
        lines("growth"),
        [line("Search only", "to team platform", false, "-2"), line("Nobody's", "from unallocated", true, "30"),],
        "usage of web without a feature went to platform before anything was split; charges have no feature"
    );
    assert_eq!(
        lines("main"),
        [
            line("Vector store", "from project vectors", false, "9"),
            line("Vector store", "from project vectors", true, "20"),
            line("Nobody's", "from unallocated", true, "10"),
        ],
        "what web used counts for it no more, so main is the only one with something to go by"
    );
    assert_eq!(after.unallocated().normalize(), money("0"));
    let rule = after.teams.iter().flat_map(|team| &team.projects).flat_map(|project| &project.shared);
    let split = rule.clone().find(|line| line.rule == "Vector store").unwrap();
    assert_eq!(split.effect, "is split by spend of the month among project web, project main");
    let explained = allocation::explain(&place.backend, &place.acme.owner, split.rule_id, november()).await.unwrap();
    let charged: Vec<_> = explained.charges.iter().map(|flow| (&flow.from, &flow.to, flow.amounts.spend())).collect();
    let project = |slug: &str| Party::Project(slug.to_owned());
    assert_eq!(charged, [(&project("vectors"), &project("main"), money("20"))]);

    let project = projects::list_projects(&place.backend, &place.acme.owner).await.unwrap();
    let project = project.into_iter().find(|of| of.slug.as_str() == "main").unwrap();
    let (_, bound) = seed::bound_key(&place.backend, &place.acme.owner, &project).await;
    let of_one = statements::month(&place.backend, &bound, november(), true).await.unwrap();
    let lines: Vec<_> = of_one.teams.iter().flat_map(|team| &team.projects).flat_map(|of| &of.shared).collect();
    let said: Vec<_> = lines.iter().map(|line| (line.direction(), line.effect.as_str(), line.amount)).collect();
    let others = || "from others".to_owned();
    assert_eq!(
        said,
        [(others(), "", money("9")), (others(), "", money("20"))],
        "a key of one project learns of no others"
    );
}

#[tokio::test]
async fn what_was_worked_out_is_kept_until_its_months_its_rules_or_its_projects_are_others() {
    let place = place("UTC").await;
    place.call("vectors", "2026-11-05T10:00:00Z", "9", |_| {}).await;
    place.call("web", "2026-10-05T10:00:00Z", "1", |_| {}).await;
    place.enter(&form("Vectors", &["project is vectors"], "relabel", &["team:growth"])).await;
    let owner = &place.acme.owner;
    let of = async |team: &str| {
        let allocated = allocation::allocated(&place.backend, owner, november()).await.unwrap();
        let query = SpendQuery::over(november()).by([Dimension::AllocatedTeam]);
        assert_eq!(by_last(&rows(&place, &query).await), accounts(&allocated));
        accounts(&allocated).get(&Some(team.to_owned())).copied().unwrap_or_default()
    };
    assert_eq!(of("growth").await, money("9"));
    // Nobody but the ledger writes sums, so that this goes unseen shows that nothing is worked out again ...
    let damage = "update rollup_day set booked = booked + 1 where day = '2026-11-05'";
    sqlx::query(damage).execute(place.database.pool()).await.unwrap();
    assert_eq!(of("growth").await, money("9"));
    // ... nor where another month moves.
    place.call("web", "2026-10-06T10:00:00Z", "1", |_| {}).await;
    assert_eq!(of("growth").await, money("9"));
    // Whatever else moves, it is worked out anew: an event, a rule, an undo, a move of a project.
    place.call("web", "2026-11-19T10:00:00Z", "2", |_| {}).await;
    assert_eq!(of("growth").await, money("12"));
    let more = form("Web", &["project is web"], "relabel", &["team:platform"]).parse().unwrap();
    let change = allocation::enter(&place.backend, owner, &more).await.unwrap();
    assert_eq!(of("growth").await, money("10"));
    prices::undo(&place.backend, owner, change).await.unwrap();
    assert_eq!(of("growth").await, money("12"));
    let all = projects::list_projects(&place.backend, owner).await.unwrap();
    let teams = projects::list_teams(&place.backend, owner).await.unwrap();
    let web = all.iter().find(|project| project.slug.as_str() == "web").unwrap().project_id;
    let platform = teams.iter().find(|team| team.slug.as_str() == "platform").unwrap().team_id;
    projects::move_project(&place.backend, owner, web, platform, Some(day("2026-11-15"))).await.unwrap();
    assert_eq!(of("growth").await, money("10"));
    // What rules moved of charges is another as soon as a charge is.
    let brought = async || statement(&place, november()).await.teams.iter().map(TeamStatement::total).sum::<Decimal>();
    let before = brought().await;
    let seats = charge("seats", "30", ("2026-11-01", "2026-12-01"), ("vectors", ""));
    charges::enter(&place.backend, owner, &[seats]).await.unwrap();
    let growth =
        statement(&place, november()).await.teams.into_iter().find(|team| team.team.as_ref().unwrap().slug == "growth");
    let of_charges =
        growth.unwrap().shared.iter().filter(|line| line.is_charge).map(|line| line.amount).sum::<Decimal>();
    assert!(of_charges > Decimal::ZERO && brought().await > before, "{of_charges}");
}

async fn export(place: &Place, version: Version, hourly: bool) -> Vec<FocusRow> {
    let query = FocusQuery { version, hourly, ..FocusQuery::over(november()) };
    let mut export = FocusExport::begin(&place.backend, &place.acme.owner, &query).await.unwrap();
    let mut rows = Vec::new();
    while let Some(more) = export.next().await.unwrap() {
        rows.extend(more);
    }
    rows
}

/// By whoever has it at the end.
fn billed(rows: &[FocusRow]) -> BTreeMap<Option<String>, Decimal> {
    let mut sums: BTreeMap<Option<String>, Decimal> = BTreeMap::new();
    for row in rows {
        let team = row.allocated.as_ref().map_or(&row.owner.team, |allocated| &allocated.team);
        *sums.entry(team.clone()).or_default() += row.amounts.billed;
    }
    sums.retain(|_, amount| !amount.is_zero());
    sums
}

#[tokio::test]
async fn focus_says_to_whom_rules_moved_a_charge() {
    let place = place("Asia/Kolkata").await;
    for (project, at, cost) in [
        ("vectors", "2026-11-05T10:00:00Z", "1"),
        ("web", "2026-11-05T10:00:00Z", "2"),
        ("main", "2026-11-06T10:00:00Z", "1"),
    ] {
        place.call(project, at, cost, |call| call.customer = Some("acme".to_owned())).await;
    }
    place.call("web", "2026-11-07T10:00:00Z", "5", |call| call.customer = Some("globex".to_owned())).await;
    place.enter(&form("Vector store", &["project is vectors"], "fixed", &["project:web 60", "project:main 40"])).await;
    place.enter(&form("Globex", &["customer is globex"], "relabel", &["team:platform"])).await;
    place.enter(&form("Nobody's", &["project is main", "feature missing"], "shared", &[])).await;
    let spent =
        spend::query(&place.backend, &place.acme.owner, &SpendQuery::over(november())).await.unwrap().total.spend;
    let allocated = accounts(&allocation::allocated(&place.backend, &place.acme.owner, november()).await.unwrap());
    for (version, hourly) in [(Version::V1_3, false), (Version::V1_4, true)] {
        let rows = export(&place, version, hourly).await;
        assert_eq!(rows.iter().map(|row| row.amounts.billed).sum::<Decimal>(), spent);
        let by_team = billed(&rows);
        assert_eq!(by_team.keys().collect::<Vec<_>>(), allocated.keys().collect::<Vec<_>>());
        for (team, amount) in &by_team {
            assert!((amount - allocated[team]).abs() < money("0.00000000001"), "{team:?}: {amount} {allocated:?}");
        }
        let split = rows.iter().filter(|row| row.owner.project == "vectors");
        let mut ratios: BTreeMap<String, Vec<Decimal>> = BTreeMap::new();
        for row in split {
            ratios.entry(format!("{:?}", row.key)).or_default().push(row.allocated.as_ref().unwrap().ratio);
        }
        assert!(
            !ratios.is_empty() && ratios.values().all(|of| of.len() == 2 && of.iter().sum::<Decimal>() == Decimal::ONE)
        );
        assert!(rows.iter().filter(|row| row.owner.project == "main").all(|row| {
            row.allocated.as_ref().is_some_and(|allocated| allocated.to == Party::Nobody && allocated.team.is_none())
        }));
        let costs = rows.iter().filter_map(|row| Some((row, row.pricing()?)));
        for (row, pricing) in costs {
            assert_eq!(row.list_cost(), (pricing.list * pricing.quantity).normalize());
        }
    }
    assert!(export(&place, Version::V1_2, false).await.iter().all(|row| row.allocated.is_none()), "1.2 has no columns");
}

#[tokio::test]
async fn what_rules_do_not_share_out_is_refused_with_the_reason() {
    let place = place("UTC").await;
    place.call("web", "2026-11-05T10:00:00Z", "1", |_| {}).await;
    let owner = &place.acme.owner;
    let by_team = || SpendQuery::over(november()).by([Dimension::AllocatedTeam]);
    let refused = async |query: SpendQuery| {
        spend::query(&place.backend, owner, &query).await.unwrap_err().into_problem().detail().to_owned()
    };
    let by_day = "Allocated teams are known by whole days, and beside any dimension but customer, user and tags.";
    assert_eq!(refused(by_team().per(Granularity::Hour)).await, by_day);
    assert_eq!(refused(SpendQuery::over(november()).by([Dimension::AllocatedTeam, Dimension::Customer])).await, by_day);
    let measures = refused(by_team().measuring([Measure::ErrorRate])).await;
    assert!(measures.starts_with("Allocation rules share out spend, requests and tokens"), "{measures}");
    let per_request =
        spend::query(&place.backend, owner, &by_team().measuring([Measure::CostPerRequest])).await.unwrap();
    assert_eq!(per_request.text(Measure::CostPerRequest, None, &per_request.rows[0].sums).unwrap(), "1.000000000000");
    let growth = spend::values(&place.backend, owner, november(), Dimension::AllocatedTeam, 10).await.unwrap();
    assert_eq!((growth[0].key(), growth.len()), (Some("growth"), 1));
}
