//! Allocation: sums of the ledger shared out by rules, exactly, for days that are over too.

use crate::allocated::{assert_explore_agrees, assert_statements_agree, charge_everybody};
use backend::allocation;
use backend::{Backend, Error, OrgScope, audit, business_metrics, prices, projects, rules, spend};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::allocation::{
    Account, Allocated, AllocationForm, AllocationRule, Amounts, ConditionForm, Method, Party, TargetForm,
};
use domain::business_metric::MetricForm;
use domain::event::EventInput;
use domain::identity::Role;
use domain::period::Period;
use domain::problem::Problem;
use domain::rule::NewRule;
use domain::span::Edge;
use domain::spend::{Dimension, SpendQuery};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use testkit::TestDatabase;
use testkit::seed::{self, Organization};

const NOW: &str = "2026-11-20T12:00:00Z";

pub(crate) fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn period(from: &str, to: &str) -> Period {
    Period::new(day(from), day(to)).unwrap()
}

pub(crate) fn november() -> Period {
    period("2026-11-01", "2026-12-01")
}

/// "customer is acme", "project is a, b", "tag.repo starts_with web-", "feature missing".
pub(crate) fn form(name: &str, conditions: &[&str], method: &str, targets: &[&str]) -> AllocationForm {
    let condition = |text: &&str| {
        let mut words = text.splitn(3, ' ').map(str::to_owned);
        let mut next = || words.next().unwrap_or_default();
        ConditionForm { dimension: next(), test: next(), values: next() }
    };
    let target = |text: &&str| {
        let (to, percent) = text.split_once(' ').unwrap_or((text, ""));
        TargetForm { to: to.to_owned(), percent: percent.to_owned() }
    };
    AllocationForm {
        name: name.to_owned(),
        conditions: conditions.iter().map(condition).collect(),
        method: method.to_owned(),
        targets: targets.iter().map(target).collect(),
        reason: "Agreed.".to_owned(),
        ..AllocationForm::default()
    }
}

fn new(form: &AllocationForm) -> NewRule<AllocationRule> {
    form.parse().unwrap()
}

pub(crate) struct Place {
    pub(crate) backend: Backend,
    pub(crate) acme: Organization,
    pub(crate) database: TestDatabase,
}

/// Teams growth (web, api) and platform (vectors), beside the team of "main".
pub(crate) async fn place(zone: &str) -> Place {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, zone).await;
    let (growth, platform) = (acme.team("growth").await, acme.team("platform").await);
    acme.project_of(growth, "web").await;
    acme.project_of(growth, "api").await;
    acme.project_of(platform, "vectors").await;
    Place { backend, acme, database }
}

impl Place {
    pub(crate) async fn call(&self, project: &str, at: &str, cost: &str, more: impl FnOnce(&mut EventInput)) {
        let mut call = seed::call(at.parse::<DateTime<Utc>>().unwrap(), money(cost));
        call.project = Some(project.to_owned());
        more(&mut call);
        self.acme.record([call]).await;
    }

    pub(crate) async fn enter(&self, form: &AllocationForm) {
        allocation::enter(&self.backend, &self.acme.owner, &new(form)).await.unwrap();
    }

    /// Values of the metric "tickets": days, label, whose, number.
    async fn tickets(&self, values: &[(&str, &str, &str, &str)]) {
        let value = |(period, label, of, number): &(&str, &str, &str, &str)| MetricForm {
            name: "tickets".to_owned(),
            unit: "tickets".to_owned(),
            period: (*period).to_owned(),
            value: (*number).to_owned(),
            labels: BTreeMap::from([((*label).to_owned(), (*of).to_owned())]),
        };
        let values: Vec<_> = values.iter().map(|one| value(one).parse().unwrap()).collect();
        business_metrics::record(&self.backend, &self.acme.owner, &values).await.unwrap();
    }

    async fn allocated(&self, period: Period) -> Allocated {
        let allocated = allocation::allocated(&self.backend, &self.acme.owner, period).await.unwrap();
        let sum = |accounts: &[Account]| accounts.iter().map(|account| account.total().spend()).sum::<Decimal>();
        let query = SpendQuery::over(period);
        let total = spend::query(&self.backend, &self.acme.owner, &query).await.unwrap().total;
        assert_eq!(allocated.total, Amounts::new(total.spend, total.requests, total.tokens));
        assert_eq!(sum(&allocated.teams) + allocated.unallocated.spend(), total.spend);
        assert_eq!(sum(&allocated.projects) + allocated.unallocated.spend(), total.spend);
        allocated
    }
}

fn totals(accounts: &[Account]) -> BTreeMap<String, Decimal> {
    let named = |account: &Account| {
        let slug = account.party.slug().unwrap_or_default();
        (format!("{} {slug}", account.party.kind()), account.total().spend().normalize())
    };
    accounts.iter().map(named).collect()
}

fn expected(totals: &[(&str, &str)]) -> BTreeMap<String, Decimal> {
    totals.iter().map(|(name, amount)| ((*name).to_owned(), money(amount))).collect()
}

fn refused(result: Result<impl std::fmt::Debug, Error>) -> Vec<(String, String)> {
    match result.unwrap_err() {
        Error::Problem(Problem::Invalid { fields, .. }) => {
            fields.into_iter().map(|field| (field.pointer, field.code)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn rules_share_out_what_is_over_too_and_undoing_gives_it_back() {
    let place = place("Asia/Kolkata").await;
    place.call("web", "2026-11-03T10:00:00Z", "10", |_| {}).await;
    place
        .call("main", "2026-11-03T10:00:00Z", "4", |call| drop(call.tags.insert("repo".into(), "web-shop".into())))
        .await;
    place.call("main", "2026-11-03T10:00:00Z", "2", |call| drop(call.tags.insert("repo".into(), "infra".into()))).await;
    place.call("main", "2026-11-04T10:00:00Z", "1", |_| {}).await;
    place.call("vectors", "2026-11-05T10:00:00Z", "9", |_| {}).await;
    // The first of November begins in Kolkata at 18:30 of the day before.
    place.call("vectors", "2026-10-31T18:29:59Z", "100", |_| {}).await;
    let before = place.allocated(november()).await;
    let own = [("team main", "7"), ("team growth", "10"), ("team platform", "9")];
    assert_eq!(totals(&before.teams), expected(&own));
    assert!(before.unallocated.is_empty() && before.flows.is_empty());

    place.enter(&form("Web repositories", &["tag.repo starts_with web-"], "relabel", &["team:growth"])).await;
    let split = AllocationForm {
        valid_from: "2026-11-01".to_owned(),
        ..form("Vector store", &["project is vectors"], "spend", &["team:growth", "project:main", "project:api"])
    };
    let preview = allocation::preview(&place.backend, &place.acme.owner, &new(&split)).await.unwrap();
    place.enter(&split).await;
    let made = place.allocated(november()).await;
    // Growth used 14 of 17, by the re-label too; main 3 of 17; nothing was used by the project api.
    let shared = [("team growth", "21.411764705882"), ("team main", "4.588235294118"), ("team platform", "0")];
    assert_eq!(totals(&made.teams), expected(&shared));
    let growth = made.teams.iter().find(|account| account.party == Party::Team("growth".to_owned())).unwrap();
    assert_eq!(
        (growth.own.spend(), growth.came.spend(), growth.went.spend()),
        (money("10"), money("11.411764705882"), money("0"))
    );
    let by_project = [
        ("project web", "10"),
        ("team growth", "11.411764705882"),
        ("project main", "4.588235294118"),
        ("project vectors", "0"),
    ];
    assert_eq!(totals(&made.projects), expected(&by_project));
    let change = |party: &str| {
        let of =
            |(of, months): &(Party, Vec<Amounts>)| (of.slug() == Some(party)).then(|| months.last().unwrap().spend());
        preview.changes.iter().find_map(of)
    };
    assert_eq!(
        (change("growth"), change("main"), change("platform")),
        (Some(money("7.411764705882")), Some(money("1.588235294118")), Some(money("-9")))
    );
    assert_eq!((preview.moved.spend(), preview.months.len()), (money("9"), 12));
    assert!(
        preview.changes.iter().all(|(_, months)| months[..11].iter().all(Amounts::is_empty)),
        "not before November"
    );

    let october = place.allocated(period("2026-10-01", "2026-11-01")).await;
    assert_eq!(totals(&october.teams), expected(&[("team platform", "100")]));

    let listed = allocation::list(&place.backend, &place.acme.owner).await.unwrap();
    let names: Vec<(&str, u32)> = listed.iter().map(|rule| (rule.row.name.as_str(), rule.row.position)).collect();
    assert_eq!(names, [("Web repositories", 1), ("Vector store", 2)]);
    for rule in listed.iter().rev() {
        prices::undo(&place.backend, &place.acme.owner, rule.entry.change_id).await.unwrap();
    }
    assert_eq!(place.allocated(november()).await, before, "as if nothing had been entered");
    let log = audit::list(&place.backend, &place.acme.owner, 50).await.unwrap();
    let entered = log.iter().filter(|row| row.action == "allocation.entered");
    let entered: BTreeSet<&str> = entered.map(|row| row.detail.as_str()).collect();
    assert_eq!(
        entered,
        BTreeSet::from([
            "Entered the allocation rule Vector store: usage where project is vectors is split by spend of the month among team growth, project main, project api (Agreed.), from 2026-11-01.",
            "Entered the allocation rule Web repositories: usage where tag repo starts with web- counts for team growth (Agreed.).",
        ])
    );
}

#[tokio::test]
async fn what_is_shared_is_unallocated_until_a_rule_splits_it_and_every_amount_is_explained() {
    let place = place("UTC").await;
    place.call("vectors", "2026-11-05T10:00:00Z", "6", |call| call.feature = Some("search".to_owned())).await;
    place.call("vectors", "2026-11-06T10:00:00Z", "3", |_| {}).await;
    place.call("main", "2026-11-06T10:00:00Z", "1", |_| {}).await;
    place.enter(&form("Shared", &["project is vectors"], "shared", &[])).await;
    let shared = place.allocated(november()).await;
    assert_eq!(shared.unallocated.spend(), money("9"));
    let cause = shared.cause.unwrap();
    assert_eq!(
        (cause.dimension, cause.label.as_str(), cause.amounts.spend()),
        (Dimension::Project, "vectors", money("9"))
    );

    place.enter(&form("Split", &["project is vectors"], "fixed", &["project:web 75", "team:main 25"])).await;
    place.enter(&form("Web", &["project is web"], "relabel", &["project:api"])).await;
    let split = place.allocated(november()).await;
    assert!(split.unallocated.is_empty() && split.cause.is_none());
    assert_eq!(
        totals(&split.teams),
        expected(&[("team growth", "6.75"), ("team main", "3.25"), ("team platform", "0")])
    );
    let ids: BTreeMap<String, u64> = split.flows.iter().map(|flow| (flow.rule.clone(), flow.rule_id)).collect();
    assert_eq!(split.moved_by(ids["Split"]).spend(), money("9"));

    let explained = allocation::explain(&place.backend, &place.acme.owner, ids["Split"], november()).await.unwrap();
    let origins: Vec<(&str, &str, Decimal)> = explained
        .origins
        .iter()
        .map(|origin| (origin.project.as_str(), origin.feature.as_str(), origin.amounts.spend()))
        .collect();
    assert_eq!(origins, [("vectors", "search", money("6")), ("vectors", "", money("3"))]);
    assert!(explained.shares.is_empty());
    let days: Vec<(NaiveDate, Decimal)> = explained.days.iter().map(|(day, amounts)| (*day, amounts.spend())).collect();
    assert_eq!(days, [(day("2026-11-05"), money("6")), (day("2026-11-06"), money("3"))]);
    let web = allocation::explain(&place.backend, &place.acme.owner, ids["Web"], november()).await.unwrap();
    assert_eq!((web.origins.len(), web.shares.spend()), (0, money("6.75")), "only a share of another split");

    // Before the rule that marks it, the split takes it first; in either place nothing is lost.
    allocation::reorder(&place.backend, &place.acme.owner, ids["Web"], 1).await.unwrap();
    let listed = allocation::list(&place.backend, &place.acme.owner).await.unwrap();
    let live: Vec<&str> = listed.iter().filter(|rule| rule.is_live()).map(|rule| rule.row.name.as_str()).collect();
    assert_eq!(live, ["Web", "Shared", "Split"]);
    let before_the_split = place.allocated(november()).await;
    assert_eq!(totals(&before_the_split.projects)["project web"], money("6.75"), "the share came after it");

    let rule = listed.iter().find(|rule| rule.row.name == "Split").unwrap().rule_id;
    rules::end(&place.backend, &place.acme.owner, rule, Edge::Day(day("2026-11-06"))).await.unwrap();
    assert_eq!(
        place.allocated(november()).await.unallocated.spend(),
        money("3"),
        "from the sixth on it is shared again"
    );
    let refused =
        rules::end(&place.backend, &place.acme.owner, rule, Edge::At("2026-11-04T01:00:00Z".parse().unwrap())).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn a_rule_that_cannot_hold_is_refused_with_its_reason() {
    let place = place("UTC").await;
    let (backend, owner) = (&place.backend, &place.acme.owner);
    place.enter(&form("Repositories", &["tag.repo starts_with web-"], "relabel", &["team:growth"])).await;
    place.enter(&form("Platform", &["project is vectors"], "even", &["project:web", "project:api"])).await;
    let one = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
    let circle = form("Back", &["project is web"], "relabel", &["project:vectors"]);
    assert_eq!(refused(allocation::enter(backend, owner, &new(&circle)).await), one("targets", "circle"));
    assert_eq!(refused(allocation::preview(backend, owner, &new(&circle)).await), one("targets", "circle"));
    let label = form("Customers", &["customer is acme"], "relabel", &["team:growth"]);
    assert_eq!(refused(allocation::enter(backend, owner, &new(&label)).await), one("conditions", "another_label"));
    let unknown = form("Nobody", &["project is nowhere"], "relabel", &["team:nobody"]);
    let both = [one("conditions[0][values]", "unknown"), one("targets[0][to]", "unknown")].concat();
    assert_eq!(refused(allocation::enter(backend, owner, &new(&unknown)).await), both);

    let viewer = place.acme.member("viewer@example.com", Role::Viewer).await;
    let fine = new(&form("Fine", &["feature missing"], "shared", &[]));
    assert!(allocation::enter(backend, &viewer, &fine).await.is_err());
    assert!(allocation::preview(backend, &viewer, &fine).await.is_err());
    allocation::allocated(backend, &viewer, november()).await.unwrap();
    let project =
        projects::list_projects(backend, owner).await.unwrap().into_iter().find(|of| of.slug.as_str() == "web");
    let (_, bound) = seed::bound_key(backend, owner, &project.unwrap()).await;
    assert!(allocation::allocated(backend, &bound, november()).await.is_err(), "it would tell of other projects");
    assert!(allocation::list(backend, &bound).await.is_err());
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % count
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// Whatever rules are entered, ended, moved and undone: what teams and projects answer for, and what is unallocated, is the spend, over every span; months add up to their days.
#[tokio::test]
async fn sums_are_conserved_whatever_rules_there_are() {
    let place = place("America/St_Johns").await;
    let mut numbers = Numbers(7);
    let slugs = ["main", "web", "api", "vectors"];
    let calls: Vec<EventInput> = (0..300)
        .map(|_| {
            let minutes = i64::try_from(numbers.below(80 * 24 * 60)).unwrap();
            let at = "2026-09-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + chrono::Duration::minutes(minutes);
            let mut call = seed::call(at, Decimal::new(i64::try_from(numbers.below(1 << 40)).unwrap(), 12));
            call.project = Some(numbers.one(&slugs).to_owned());
            call.feature = Some(numbers.one(&["chat", "search"]).to_owned());
            call.customer = [None, Some("acme"), Some("globex")][numbers.below(3)].map(str::to_owned);
            call
        })
        .collect();
    place.acme.record(calls).await;
    charge_everybody(&place).await;
    let owner: &OrgScope = &place.acme.owner;
    let values =
        [("2026-09", "project", "web", "7"), ("2026-10", "team", "main", "3"), ("2026-10-11", "project", "api", "5")];
    place.tickets(&values).await;
    let mut changes = Vec::new();
    for round in 0..25 {
        let conditions = [
            "feature is chat",
            "customer contains acm",
            "customer missing",
            "project is web",
            "project is vectors",
            "team is growth",
            "project is_not api",
        ];
        let method = Method::ALL[numbers.below(Method::ALL.len())];
        let all = ["team:main", "team:growth", "team:platform", "project:main", "project:api", "project:web"];
        let at = numbers.below(4);
        let targets: Vec<String> = match method {
            Method::Shared => vec![],
            Method::Relabel => vec![all[at].to_owned()],
            Method::Fixed => vec![format!("{} 33.3333", all[at]), format!("{} 66.6667", all[at + 1])],
            _ => all[at..at + 1 + numbers.below(2)].iter().map(|target| (*target).to_owned()).collect(),
        };
        let first = day("2026-08-25") + Days::new(u64::try_from(numbers.below(80)).unwrap());
        let rule = AllocationForm {
            valid_from: [String::new(), first.to_string()][numbers.below(2)].clone(),
            metric: "tickets".to_owned(),
            ..form(
                &format!("Rule {}", numbers.below(8)),
                &[numbers.one(&conditions)],
                method.as_str(),
                &targets.iter().map(String::as_str).collect::<Vec<_>>(),
            )
        };
        match allocation::enter(&place.backend, owner, &new(&rule)).await {
            Ok(change) => changes.push(change),
            Err(error) => assert!(matches!(error, Error::Problem(Problem::Invalid { .. })), "{error:?}"),
        }
        if round % 6 == 5 {
            prices::undo(&place.backend, owner, changes.pop().unwrap()).await.unwrap();
        }
        if round % 7 == 6 {
            let listed = allocation::list(&place.backend, owner).await.unwrap();
            let live = listed.iter().filter(|rule| rule.is_live()).count();
            let rule = listed[numbers.below(live)].rule_id;
            changes.clear();
            allocation::reorder(&place.backend, owner, rule, 1 + numbers.below(live)).await.unwrap();
        }
        let from = day("2026-08-30") + Days::new(u64::try_from(numbers.below(70)).unwrap());
        let span = Period { from, to: from + Days::new(1 + u64::try_from(numbers.below(30)).unwrap()) };
        let allocated = place.allocated(span).await;
        if round % 3 == 0 {
            assert_explore_agrees(&place, span, &allocated).await;
            assert_statements_agree(&place, Period::month_of(span.from)).await;
        }
        let whole = totals(&allocated.teams);
        if round % 8 == 0 {
            let mut days: BTreeMap<String, Decimal> = BTreeMap::new();
            for day in span.iter() {
                let one = Period { from: day, to: day + Days::new(1) };
                for (team, amount) in totals(&place.allocated(one).await.teams) {
                    *days.entry(team).or_default() += amount;
                }
            }
            days.retain(|_, amount| !amount.is_zero());
            let mut whole = whole;
            whole.retain(|_, amount| !amount.is_zero());
            assert_eq!(days, whole, "days add up");
        }
    }
}

#[tokio::test]
async fn a_split_by_a_metric_goes_by_the_values_of_the_month() {
    let place = place("Asia/Kolkata").await;
    for at in ["2026-10-10T12:00:00Z", "2026-11-10T12:00:00Z"] {
        place.call("vectors", at, "12", |_| {}).await;
    }
    let split = AllocationForm {
        metric: "tickets".to_owned(),
        ..form("Pool", &["project is vectors"], "business_metric", &["project:web", "project:api"])
    };
    let missing = refused(allocation::enter(&place.backend, &place.acme.owner, &new(&split)).await);
    assert_eq!(missing, [("metric".to_owned(), "unknown".to_owned())]);
    place
        .tickets(&[
            ("2026-10", "project", "web", "8"),
            ("2026-11-02", "project", "web", "1"),
            ("2026-11-03", "project", "api", "3"),
        ])
        .await;
    place.enter(&split).await;
    let november_told = place.allocated(november()).await;
    assert_eq!(
        totals(&november_told.projects),
        expected(&[("project api", "9"), ("project web", "3"), ("project vectors", "0")])
    );
    assert!(november_told.evenly.is_empty());
    let october = period("2026-10-01", "2026-11-01");
    assert_eq!(totals(&place.allocated(october).await.projects)["project web"], money("12"));
    // A later value counts at once; a month without values is split evenly, and said.
    place.tickets(&[("2026-11-04", "project", "web", "8")]).await;
    assert_eq!(totals(&place.allocated(november()).await.projects)["project web"], money("9"));
    let september = period("2026-09-01", "2026-10-01");
    place.call("vectors", "2026-09-10T12:00:00Z", "12", |_| {}).await;
    let evenly = place.allocated(september).await;
    assert_eq!(totals(&evenly.projects)["project api"], money("6"));
    assert_eq!(evenly.evenly, [("Pool".to_owned(), day("2026-09-01"))]);
    let listed = allocation::list(&place.backend, &place.acme.owner).await.unwrap();
    assert_eq!(listed[0].row.metric.as_deref(), Some("tickets"));
}
