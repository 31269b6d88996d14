//! One number everywhere: every door that tells what was spent is walked for generated organizations, zones, filters and dimensions, and tells the same to the last decimal place.
//!
//! Each door that is only read stands in [`WALKED`], which the walk goes through, or in [`ELSEWHERE`]: a new one fails the test until somebody says what its totals are compared with, or that it has none.

use crate::doors;
use crate::support::{Client, PUBLIC_URL, TestApp};
use axum::http::StatusCode;
use chrono::{DateTime, Duration, Utc};
use domain::event::EventInput;
use domain::format;
use domain::period::Zone;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rust_decimal::Decimal;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use testkit::seed;

/// Where the walk reads a total.
const WALKED: [&str; 25] = [
    "GET /o/{org}",
    "GET /o/{org}/explore",
    "GET /o/{org}/explore.csv",
    "GET /o/{org}/events.csv",
    "GET /o/{org}/projects",
    "GET /o/{org}/projects.csv",
    "GET /o/{org}/projects/{project}",
    "GET /o/{org}/teams/{team}",
    "GET /o/{org}/budgets.csv",
    "GET /o/{org}/forecast.csv",
    "GET /o/{org}/allocation",
    "GET /o/{org}/statements",
    "GET /o/{org}/statements.csv",
    "GET /o/{org}/statements/{month}/{kind}/{slug}",
    "GET /o/{org}/exports",
    "GET /o/{org}/exports/focus",
    "GET /v1/spend",
    "GET /v1/spend/changes",
    "GET /v1/events",
    "GET /v1/statements",
    "GET /v1/export/focus",
    "GET /v1/export/focus/manifest",
    "GET /v1/budgets",
    "GET /v1/budgets/{budget_id}",
    "GET /v1/allocation",
];

/// What has no total of spend, or totals of something else that its own tests compare.
const ELSEWHERE: [&str; 0] = [];

const MONTH: &str = "from=2026-11-01&to=2026-12-01";
const PROJECTS: [(&str, &str); 3] = [("assistant", "red"), ("search", "red"), ("bot", "blue")];

/// A call, with what it cost where that is known.
#[derive(Clone, Debug)]
struct Used {
    at: DateTime<Utc>,
    project: &'static str,
    model: &'static str,
    customer: &'static str,
    feature: &'static str,
    cost: Option<Decimal>,
}

fn any_used() -> impl Strategy<Value = Used> {
    let word = |words: &'static [&'static str]| prop::sample::select(words);
    let first: DateTime<Utc> = "2026-09-29T00:00:00Z".parse().unwrap();
    let cost = prop::option::weighted(0.85, (1_i64..9_000_000_000_000).prop_map(|pico| Decimal::new(pico, 12)));
    let words = (
        word(&["assistant", "search", "bot"]),
        word(&["gpt-4o", "claude-sonnet-4-5"]),
        word(&["", "globex", "initech, \"b\""]),
        word(&["", "triage"]),
    );
    (0_i64..52 * 86_400, words, cost).prop_map(move |(secs, (project, model, customer, feature), cost)| Used {
        at: first + Duration::seconds(secs),
        project,
        model: if cost.is_some() { model } else { "mystery-1" },
        customer,
        feature,
        cost,
    })
}

impl Used {
    fn sent(&self) -> EventInput {
        let word = |word: &str| Some(word.to_owned()).filter(|word| !word.is_empty());
        let call = match self.cost {
            Some(cost) => seed::call(self.at, cost),
            None => seed::unpriced_call(self.at, Decimal::ONE),
        };
        EventInput {
            model: self.model.to_owned(),
            project: word(self.project),
            customer: word(self.customer),
            feature: word(self.feature),
            ..call
        }
    }

    fn value(&self, dimension: &str) -> &'static str {
        match dimension {
            "project" => self.project,
            "model" => self.model,
            "customer" => self.customer,
            _ => self.feature,
        }
    }
}

/// A filter as addresses have it, with what it keeps.
#[derive(Clone, Debug)]
struct Kept {
    dimension: &'static str,
    value: &'static str,
    excludes: bool,
}

impl Kept {
    fn keeps(&self, used: &Used) -> bool {
        (used.value(self.dimension) == self.value) != self.excludes
    }
}

fn any_filter() -> impl Strategy<Value = Kept> {
    let pairs = [("project", "search"), ("model", "gpt-4o"), ("customer", "globex"), ("feature", "triage")];
    (prop::sample::select(pairs.to_vec()), any::<bool>()).prop_map(|((dimension, value), excludes)| Kept {
        dimension,
        value,
        excludes,
    })
}

/// The same in every run.
fn generated<T>(case: u8, strategy: impl Strategy<Value = T>) -> T {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[case; 32]);
    strategy.new_tree(&mut TestRunner::new_with_rng(Config::default(), rng)).unwrap().current()
}

/// An organization to walk through, and the doors that were walked.
struct Walk {
    slug: String,
    browser: Client,
    api: Client,
    walked: RefCell<BTreeSet<&'static str>>,
}

impl Walk {
    async fn body(&self, door: &'static str, path: &str) -> String {
        self.walked.borrow_mut().insert(door);
        let client = if path.starts_with("/v1") { &self.api } else { &self.browser };
        let answer = client.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    async fn json(&self, door: &'static str, path: &str) -> Value {
        serde_json::from_str(&self.body(door, path).await).unwrap()
    }

    /// Rows of a file by their columns.
    async fn rows(&self, door: &'static str, path: &str) -> Vec<BTreeMap<String, String>> {
        let file = self.body(door, path).await;
        csv::Reader::from_reader(file.as_bytes()).deserialize().map(Result::unwrap).collect()
    }

    /// A page that shows an amount, as it is rounded there.
    async fn shows(&self, door: &'static str, path: &str, amount: Decimal) {
        let page = self.body(door, path).await.replace("<!>", "");
        assert!(page.contains(&format::money(amount)), "{} at {path}", format::money(amount));
    }

    fn of(&self, rest: &str) -> String {
        format!("/o/{}{rest}", self.slug)
    }
}

fn sum(rows: &[BTreeMap<String, String>], column: &str) -> Decimal {
    rows.iter().filter(|row| !row[column].is_empty()).map(|row| row[column].parse::<Decimal>().unwrap()).sum()
}

fn money(value: &Value) -> Decimal {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

async fn organization(app: &TestApp, name: &str, zone: &str, used: &[Used]) -> Walk {
    let made = seed::named(&app.backend, name, zone).await;
    let (red, blue) = (made.team("red").await, made.team("blue").await);
    for (slug, team) in PROJECTS {
        let project = made.project_of(if team == "red" { red } else { blue }, slug).await;
        if slug == "search" {
            let from = Some("2026-11-15".parse().unwrap());
            let (backend, owner) = (&app.backend, &made.owner);
            backend::projects::move_project(backend, owner, project.project_id, blue, from).await.unwrap();
        }
    }
    made.record(used.iter().map(Used::sent)).await;
    for scope in ["organization", "team:red", "project:bot"] {
        let input = domain::budget::BudgetInput {
            name: scope.to_owned(),
            scope: scope.parse().unwrap(),
            amount: Decimal::ONE_HUNDRED,
            thresholds: vec![100],
            recipients: Vec::new(),
        };
        backend::budgets::create(&app.backend, &made.owner, input).await.unwrap();
    }
    let browser = app.anonymous();
    let fields = [("email", made.email.as_str()), ("password", seed::PASSWORD)];
    assert_eq!(browser.post_form("/fn/identity/sign-in", &fields).await.status, StatusCode::SEE_OTHER);
    let key = secrecy::ExposeSecret::expose_secret(&made.key).to_owned();
    Walk { slug: made.slug, browser, api: app.api(&key), walked: RefCell::default() }
}

/// What calls cost on the days of November that a test keeps, counted one by one.
fn counted(zone: Zone, used: &[Used], keeps: impl Fn(&Used, u32) -> bool) -> Decimal {
    let kept = used.iter().filter(|used| {
        let day = zone.day_of(used.at);
        let (month, number) = (day.format("%Y-%m").to_string(), day.format("%d").to_string().parse().unwrap());
        month == "2026-11" && keeps(used, number)
    });
    kept.filter_map(|used| used.cost).sum()
}

/// The team that owned the call's project on the day of November.
fn team(used: &Used, day: u32) -> &'static str {
    match used.project {
        "assistant" => "red",
        "search" if day < 15 => "red",
        _ => "blue",
    }
}

#[tokio::test]
async fn every_door_tells_the_same_total() {
    let app = TestApp::start().await;
    for (case, zone) in (0_u8..).zip(["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]) {
        let used = generated(case, prop::collection::vec(any_used(), 30..60));
        let walk = organization(&app, &format!("Org {case}"), zone, &used).await;
        let zone = Zone::parse(zone).unwrap();
        month(&walk, zone, &used).await;
        for filter in generated(case, prop::collection::vec(any_filter(), 3)) {
            filtered(&walk, zone, &used, &filter).await;
        }
        let walked = walk.walked.into_inner();
        assert_eq!(walked, WALKED.into_iter().collect(), "what is walked is what the list says");
    }
}

/// November without any filter.
async fn month(walk: &Walk, zone: Zone, used: &[Used]) {
    let total = counted(zone, used, |_, _| true);
    assert!(total > Decimal::ZERO);
    let of_team = |of: &'static str| counted(zone, used, move |used, day| team(used, day) == of);
    let of_project = |of: &'static str| counted(zone, used, move |used, _| used.project == of);
    let days = format!("?{MONTH}");

    walk.shows("GET /o/{org}", &walk.of(&days), total).await;
    walk.shows("GET /o/{org}/projects", &walk.of("/projects"), total).await;
    walk.shows("GET /o/{org}/statements", &walk.of("/statements"), total).await;
    walk.shows("GET /o/{org}/exports", &walk.of(&format!("/exports{days}")), total).await;
    walk.shows("GET /o/{org}/allocation", &walk.of("/allocation?month=2026-11"), total).await;
    walk.shows("GET /o/{org}/teams/{team}", &walk.of(&format!("/teams/red{days}")), of_team("red")).await;
    walk.shows("GET /o/{org}/projects/{project}", &walk.of(&format!("/projects/bot{days}")), of_project("bot")).await;
    let statement = "GET /o/{org}/statements/{month}/{kind}/{slug}";
    walk.shows(statement, &walk.of("/statements/2026-11/team/blue"), of_team("blue")).await;

    let projects = walk.rows("GET /o/{org}/projects.csv", &walk.of("/projects.csv")).await;
    let (teams, leaves): (Vec<_>, Vec<_>) = projects.into_iter().partition(|row| row["project"].is_empty());
    assert_eq!([sum(&teams, "month_to_date"), sum(&leaves, "month_to_date")], [total; 2]);

    let statements = walk.json("GET /v1/statements", "/v1/statements?month=2026-11").await;
    assert_eq!(money(&statements["total"]["spend"]), total);
    for of in ["red", "blue"] {
        let team = statements["teams"].as_array().unwrap().iter().find(|team| team["team"] == of).unwrap();
        assert_eq!(money(&team["total"]["spend"]), of_team(of), "{of}");
    }
    let lines = walk.rows("GET /o/{org}/statements.csv", &walk.of("/statements.csv?month=2026-11")).await;
    assert_eq!(sum(&lines, "amount"), total);

    for (door, path) in [
        ("GET /o/{org}/exports/focus", walk.of(&format!("/exports/focus{days}&bucket=hour&tags=customer"))),
        ("GET /v1/export/focus", format!("/v1/export/focus{days}&version=1.2")),
    ] {
        assert_eq!(sum(&walk.rows(door, &path).await, "BilledCost"), total, "{path}");
    }
    let manifest = walk.json("GET /v1/export/focus/manifest", &format!("/v1/export/focus/manifest{days}")).await;
    assert_eq!(money(&manifest["billed_cost"]), total);

    let allocation = walk.json("GET /v1/allocation", &format!("/v1/allocation{days}")).await;
    assert_eq!(money(&allocation["total"]["spend"]), total);
    let changes = walk.json("GET /v1/spend/changes", &format!("/v1/spend/changes{days}")).await;
    let before = walk.json("GET /v1/spend", "/v1/spend?from=2026-10-02&to=2026-11-01").await;
    assert_eq!(money(&changes["difference"]), total - money(&before["total"]["spend"]));

    // What budgets use and forecasts begin with is spend and an estimate of what has no price.
    let budgets = walk.rows("GET /o/{org}/budgets.csv", &walk.of("/budgets.csv")).await;
    let forecast = walk.rows("GET /o/{org}/forecast.csv", &walk.of("/forecast.csv")).await;
    let documents = walk.json("GET /v1/budgets", "/v1/budgets").await;
    for (scope, spent) in [("organization", total), ("team:red", of_team("red")), ("project:bot", of_project("bot"))] {
        let row = budgets.iter().find(|row| row["scope"] == scope).unwrap();
        let (used, estimated): (Decimal, Decimal) =
            (row["used"].parse().unwrap(), row["used_estimated"].parse().unwrap());
        assert_eq!(used - estimated, spent, "{scope}");
        let ahead = forecast.iter().find(|row| row["scope"] == scope).unwrap();
        assert_eq!(ahead["month_to_date"].parse::<Decimal>().unwrap(), used, "{scope}");
        let budget = documents["budgets"].as_array().unwrap().iter().find(|budget| budget["scope"] == scope).unwrap();
        let path = format!("/v1/budgets/{}", budget["id"].as_str().unwrap());
        for budget in [budget, &walk.json("GET /v1/budgets/{budget_id}", &path).await] {
            assert_eq!(money(&budget["month"]["used"]), used, "{scope}");
        }
    }
}

/// November with a filter, by dimension, and down to its events.
async fn filtered(walk: &Walk, zone: Zone, used: &[Used], filter: &Kept) {
    let total = counted(zone, used, |used, _| filter.keeps(used));
    let not = if filter.excludes { "!" } else { "" };
    let days = format!("?{MONTH}&{}={not}{}", filter.dimension, filter.value);
    for by in [
        "",
        "&group_by=project",
        "&group_by=team,model",
        "&group_by=customer&bucket=day",
        "&group_by=feature&bucket=hour",
    ] {
        let path = format!("/v1/spend{days}{by}");
        let answer = walk.json("GET /v1/spend", &path).await;
        assert_eq!(money(&answer["total"]["spend"]), total, "{path}");
        let rows = answer["rows"].as_array().unwrap().iter().map(|row| money(&row["spend"]));
        assert_eq!(rows.sum::<Decimal>(), total, "{path}");
        let path = walk.of(&format!("/explore.csv{days}{by}"));
        assert_eq!(sum(&walk.rows("GET /o/{org}/explore.csv", &path).await, "spend"), total, "{path}");
    }
    walk.shows("GET /o/{org}/explore", &walk.of(&format!("/explore{days}&group_by=model")), total).await;
    walk.shows("GET /o/{org}", &walk.of(&days), total).await;
    let events = walk.rows("GET /o/{org}/events.csv", &walk.of(&format!("/events.csv{days}"))).await;
    assert_eq!(sum(&events, "cost"), total, "{days}");
    let events = walk.json("GET /v1/events", &format!("/v1/events{days}&limit=200")).await;
    assert!(events["next_cursor"].is_null(), "{PUBLIC_URL}");
    let costs = events["events"].as_array().unwrap().iter().filter(|event| !event["cost"].is_null());
    assert_eq!(costs.map(|event| money(&event["cost"])).sum::<Decimal>(), total, "{days}");
}

/// A door that is only read and stands in no list may tell another total.
#[tokio::test]
async fn every_door_that_is_read_is_walked_or_has_no_total() {
    let app = TestApp::start().await;
    let read: BTreeSet<String> = doors::of(&app).await.into_iter().filter(|door| door.starts_with("GET ")).collect();
    let known: BTreeSet<String> = WALKED.into_iter().chain(ELSEWHERE).map(str::to_owned).collect();
    let (new, gone): (Vec<_>, Vec<_>) = (read.difference(&known).collect(), known.difference(&read).collect());
    assert!(new.is_empty() && gone.is_empty(), "in no list: {new:#?}\nno such door: {gone:#?}");
}
