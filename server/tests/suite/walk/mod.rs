//! One number everywhere: whatever tells what was spent is walked for generated organizations, zones, filters and dimensions, and says what a loop over all calls and charges comes to, to the last decimal place.

mod books;

use crate::support::{Client, TestApp};
use axum::http::StatusCode;
use backend::allocation;
use backend::identity;
use backend::prices::{self, runs};
use backend::projects::{self, NewProductLine};
use books::{Asked, Books, Counted, LINED, MOVED, RATES, TODAY, day};
use domain::allocation::{AllocationForm, ConditionForm, TargetForm};
use domain::budget::BudgetInput;
use domain::format;
use domain::identity::Role;
use domain::period::Zone;
use domain::price::PriceForm;
use domain::repricing::{RunInput, RunKind};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::BTreeMap;
use testkit::seed::{self, Organization};

const NOVEMBER: &str = "from=2026-11-01&to=2026-12-01";
const PROJECTS: [(&str, &str); 3] = [("assistant", "red"), ("search", "red"), ("bot", "blue")];
const QUESTIONS: usize = 12;

/// The same in every run.
fn generated<T>(case: u8, strategy: impl Strategy<Value = T>) -> T {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[case; 32]);
    strategy.new_tree(&mut TestRunner::new_with_rng(Config::default(), rng)).unwrap().current()
}

fn money(value: &Value) -> Decimal {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

/// What a page says, without its markup.
pub(crate) fn text(page: &str) -> String {
    page.split('<').filter_map(|part| Some(part.split_once('>')?.1)).collect()
}

type Row = BTreeMap<String, String>;

fn sum<'a>(rows: impl IntoIterator<Item = &'a Row>, column: &str) -> Decimal {
    rows.into_iter().filter(|row| !row[column].is_empty()).map(|row| row[column].parse::<Decimal>().unwrap()).sum()
}

/// What the walk goes through, and what it should find there.
struct Walk {
    slug: String,
    browser: Client,
    api: Client,
    /// A member who sees red alone.
    of_red: Client,
    /// A key of the project `search` alone.
    of_search: Client,
    books: Books,
}

impl Walk {
    async fn body(&self, path: &str) -> String {
        let client = if path.starts_with("/v1") { &self.api } else { &self.browser };
        let answer = client.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    /// The same as whoever sees red alone is shown it.
    fn seen_by_red(self) -> Self {
        Self { browser: self.of_red.clone(), ..self }
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.body(path).await).unwrap()
    }

    /// Rows of a file by their columns.
    async fn rows(&self, path: &str) -> Vec<Row> {
        let file = self.body(path).await;
        csv::Reader::from_reader(file.as_bytes()).deserialize().map(Result::unwrap).collect()
    }

    /// A page that says an amount, with every digit where the pointer rests on it.
    async fn shows(&self, path: &str, amount: Decimal) {
        let page = self.body(path).await;
        let said: Vec<&str> = page.split("title=\"$").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let exact = format::money_full(amount);
        assert!(
            ['"', ',', '\n'].iter().any(|end| page.contains(&format!("\"{exact}{end}"))),
            "{} has {exact} at {path} among {said:#?}",
            self.books.zone.name()
        );
        let printed = [format::money(amount), format::money_plain(amount).replace('<', "&lt;")];
        let text = text(&page);
        assert!(printed.iter().any(|printed| text.contains(printed)), "{printed:?} is printed at {path}");
    }

    fn of(&self, rest: &str) -> String {
        format!("/o/{}{rest}", self.slug)
    }
}

/// A rule about usage of these words.
fn rule(name: &str, (dimension, values): (&str, &str), method: &str, to: &[&str]) -> AllocationForm {
    let condition = ConditionForm { dimension: dimension.to_owned(), test: "is".to_owned(), values: values.to_owned() };
    AllocationForm {
        name: name.to_owned(),
        conditions: vec![condition],
        method: method.to_owned(),
        targets: to.iter().map(|to| TargetForm { to: (*to).to_owned(), percent: String::new() }).collect(),
        reason: "Agreed".to_owned(),
        ..AllocationForm::default()
    }
}

/// Teams with their projects and who sees one alone.
async fn owners(app: &TestApp, made: &Organization) -> (Client, Client) {
    let (backend, owner) = (&app.backend, &made.owner);
    let (red, blue) = (made.team("red").await, made.team("blue").await);
    let line = NewProductLine { name: "Chat".to_owned(), slug: "chat".to_owned() };
    let line = projects::create_product_line(backend, owner, line).await.unwrap().product_line_id;
    let ada = format!("ada@{}.example", made.slug);
    let member = made.member(&ada, Role::Viewer).await.user_id().unwrap();
    identity::set_teams(backend, owner, member, Some([red].into())).await.unwrap();
    for (slug, team) in PROJECTS {
        let project = made.project_of(if team == "red" { red } else { blue }, slug).await.project_id;
        let lined = match slug {
            "assistant" => Some(None),
            "search" => Some(Some(day(LINED))),
            _ => None,
        };
        if let Some(from) = lined {
            projects::assign_product_line(backend, owner, project, Some(line), from).await.unwrap();
        }
        if slug == "search" {
            projects::move_project(backend, owner, project, blue, Some(day(MOVED))).await.unwrap();
        }
    }
    let search = projects::by_slug(backend, owner, "search").await.unwrap();
    let (key, _) = seed::bound_key(backend, owner, &search).await;
    (app.signed_in(&ada).await, app.api(key.expose_secret()))
}

async fn price(app: &TestApp, made: &Organization, rate: &str) {
    let form = PriceForm {
        provider: "openai".to_owned(),
        model: "house-1".to_owned(),
        meter: "output".to_owned(),
        rate: rate.to_owned(),
        source: "Contract".to_owned(),
        confirmed: "true".to_owned(),
        ..PriceForm::default()
    };
    prices::add_prices(&app.backend, &made.owner, &[form.parse().unwrap()], true).await.unwrap();
    app.clock.advance(chrono::Duration::seconds(1));
}

async fn organization(app: &TestApp, name: &str, books: Books) -> Walk {
    let made = seed::named(&app.backend, name, books.zone.name()).await;
    let (backend, owner) = (&app.backend, &made.owner);
    let (of_red, of_search) = owners(app, &made).await;
    price(app, &made, RATES[0]).await;
    made.record(books.used.iter().map(books::Used::sent)).await;
    price(app, &made, RATES[1]).await;
    let all = RunInput { kind: RunKind::Repricing, from: None, to: None, filters: vec![] };
    let run = runs::draft(backend, owner, &all).await.unwrap();
    let run = runs::confirm(backend, owner, run.run_id, "The contract says so.").await.unwrap();
    assert_eq!(run.state.phase().as_str(), "done");
    backend::charges::enter(backend, owner, &books::charges()).await.unwrap();
    for rule in [
        rule("Shared", ("model", "claude-sonnet-4-5"), "shared", &[]),
        rule("Blue", books.rule, "relabel", &["team:blue"]),
    ] {
        allocation::enter(backend, owner, &rule.parse().unwrap()).await.unwrap();
    }
    for scope in ["organization", "team:red", "project:bot"] {
        let input = BudgetInput {
            name: scope.to_owned(),
            scope: scope.parse().unwrap(),
            amount: Decimal::ONE_HUNDRED,
            thresholds: vec![100],
            recipients: Vec::new(),
        };
        backend::budgets::create(backend, owner, input).await.unwrap();
    }
    let browser = app.signed_in(made.email.as_str()).await;
    let api = app.api(made.key.expose_secret());
    Walk { slug: made.slug, browser, api, of_red, of_search, books }
}

#[tokio::test]
async fn every_number_is_what_calls_and_charges_come_to() {
    let app = TestApp::priced().await;
    let rules = [("feature", "triage"), ("tag.stage", "prod"), ("customer", "globex"), ("model", "gpt-4o")];
    for ((case, zone), rule) in (0_u8..).zip(["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Apia"]).zip(rules) {
        let zone = Zone::parse(zone).unwrap();
        let books = Books { zone, used: generated(case, books::calls(zone)), rule };
        assert_eq!(zone.day_of(crate::support::START.parse().unwrap()), day(TODAY));
        let walk = organization(&app, &format!("Org {case}"), books).await;
        spend_and_its_parts(&walk).await;
        statements(&walk).await;
        budgets_and_forecast(&walk).await;
        for asked in generated(case, prop::collection::vec(books::questions(), QUESTIONS)) {
            question(&walk, &asked).await;
        }
        of_one_team(&walk.seen_by_red()).await;
    }
}

/// November as a whole, by team, project and product line, on pages and in files.
async fn spend_and_its_parts(walk: &Walk) {
    let november = |dimension, value| walk.books.november(dimension, value);
    let total = ["red", "blue"].map(|team| november("team", team)).iter().sum();
    let days = format!("?{NOVEMBER}");
    for (path, amount) in [
        (days.clone(), total),
        (format!("/explore{days}"), total),
        ("/projects".to_owned(), total),
        (format!("/exports{days}"), total),
        ("/allocation?month=2026-11".to_owned(), total),
        (format!("/teams/red{days}"), november("team", "red")),
        (format!("/teams/blue{days}"), november("team", "blue")),
        (format!("/projects/search{days}"), november("project", "search")),
        (format!("/product-lines/chat{days}"), november("product_line", "chat")),
    ] {
        walk.shows(&walk.of(&path), amount).await;
    }
    let sessions = walk.rows(&walk.of(&format!("/sessions.csv{days}"))).await;
    assert_eq!(sum(&sessions, "cost"), total);
    let projects = walk.rows(&walk.of("/projects.csv")).await;
    let (teams, leaves): (Vec<_>, Vec<_>) = projects.into_iter().partition(|row| row["project"].is_empty());
    assert_eq!([sum(&teams, "month_to_date"), sum(&leaves, "month_to_date")], [total; 2]);
    for path in [
        walk.of(&format!("/exports/focus{days}&bucket=hour&tags=customer")),
        format!("/v1/export/focus{days}&version=1.2"),
        format!("/v1/export/focus{days}&version=1.4&tags=customer,tag.stage"),
    ] {
        let rows = walk.rows(&path).await;
        assert_eq!(sum(&rows, "BilledCost"), total, "{path}");
        for project in ["assistant", "search", "bot"] {
            let of = rows.iter().filter(|row| row["SubAccountId"] == project);
            assert_eq!(sum(of, "BilledCost"), november("project", project), "{project} at {path}");
        }
    }
    let manifest = walk.json(&format!("/v1/export/focus/manifest{days}")).await;
    assert_eq!(money(&manifest["billed_cost"]), total);
    let changes = walk.json(&format!("/v1/spend/changes{days}")).await;
    let asked =
        |from: &str, to: &str| Asked { from: day(from), to: day(to), filters: vec![], by: vec![], bucket: "none" };
    let compared = ["from", "to"].map(|end| changes["before"][end].as_str().unwrap());
    let before = asked(compared[0], compared[1]);
    let before: Decimal = walk.books.rows(&before).values().map(|row| row.spend).sum();
    assert_eq!(money(&changes["difference"]), total - before);
}

/// Who owes what for November: usage, what rules shared, and charges.
async fn statements(walk: &Walk) {
    let november = |dimension, value| walk.books.november(dimension, value);
    let owes = |team| november("allocated_team", team) + books::charged(team);
    let total = ["red", "blue", ""].map(owes).iter().sum();
    let document = walk.json("/v1/statements?month=2026-11").await;
    assert_eq!(money(&document["total"]["total"]), total);
    assert_eq!(money(&document["unallocated_total"]), owes(""));
    let allocation = walk.json(&format!("/v1/allocation?{NOVEMBER}")).await;
    let lines = walk.rows(&walk.of("/statements.csv?month=2026-11")).await;
    assert_eq!(sum(&lines, "amount"), total);
    walk.shows(&walk.of("/statements"), total).await;
    walk.shows(&walk.of("/statements/2026-11"), total).await;
    for team in ["red", "blue"] {
        let one = |of: &'static str, name: &str| -> Value {
            let all = if of == "team" { &document["teams"] } else { &allocation["teams"] };
            all.as_array().unwrap().iter().find(|one| one[of] == name).cloned().unwrap()
        };
        assert_eq!(money(&one("team", team)["spend"]), november("team", team), "{team}");
        assert_eq!(money(&one("team", team)["charged"]), books::charged(team), "{team}");
        assert_eq!(money(&one("team", team)["total"]), owes(team), "{team}");
        assert_eq!(money(&one("slug", team)["total"]["spend"]), november("allocated_team", team), "{team}");
        assert_eq!(sum(lines.iter().filter(|line| line["team"] == team), "amount"), owes(team), "{team}");
        let path = format!("/statements.csv?month=2026-11&kind=team&slug={team}");
        assert_eq!(sum(&walk.rows(&walk.of(&path)).await, "amount"), owes(team), "{team}");
        walk.shows(&walk.of(&format!("/statements/2026-11/team/{team}")), owes(team)).await;
    }
}

/// Whoever sees red alone finds red's bill whole, on each day what was red's then, and nothing beside it; a key of one project this one's.
async fn of_one_team(walk: &Walk) {
    let used = walk.books.november("team", "red");
    let owes = walk.books.november("allocated_team", "red") + books::charged("red");
    for path in ["", "/explore", "/teams/red", "/exports"] {
        walk.shows(&walk.of(&format!("{path}?{NOVEMBER}")), used).await;
    }
    for path in ["/statements?month=2026-11", "/statements/2026-11/team/red"] {
        walk.shows(&walk.of(path), owes).await;
    }
    let lines = walk.rows(&walk.of("/statements.csv?month=2026-11")).await;
    assert_eq!(sum(&lines, "amount"), owes);
    for path in ["/explore.csv?group_by=customer&", "/explore.csv?group_by=team,model&bucket=day&"] {
        assert_eq!(sum(&walk.rows(&walk.of(&format!("{path}{NOVEMBER}"))).await, "spend"), used, "{path}");
    }
    assert_eq!(sum(&walk.rows(&walk.of(&format!("/events.csv?{NOVEMBER}"))).await, "cost"), used);
    assert_eq!(sum(&walk.rows(&walk.of(&format!("/exports/focus?{NOVEMBER}"))).await, "BilledCost"), used);
    let of_key = walk.of_search.get(&format!("/v1/spend?{NOVEMBER}&group_by=customer")).await.json();
    assert_eq!(money(&of_key["total"]["spend"]), walk.books.november("project", "search"));
}

/// What budgets use and forecasts begin with is spend and an estimate of what has no price.
async fn budgets_and_forecast(walk: &Walk) {
    let budgets = walk.rows(&walk.of("/budgets.csv")).await;
    let forecast = walk.rows(&walk.of("/forecast.csv")).await;
    let documents = walk.json("/v1/budgets").await;
    let november = |dimension, value| walk.books.november(dimension, value);
    for (scope, spent) in [
        ("organization", november("team", "red") + november("team", "blue")),
        ("team:red", november("team", "red")),
        ("project:bot", november("project", "bot")),
    ] {
        let row = budgets.iter().find(|row| row["scope"] == scope).unwrap();
        let used: Decimal = row["used"].parse().unwrap();
        assert_eq!(used - row["used_estimated"].parse::<Decimal>().unwrap(), spent, "{scope}");
        let ahead = forecast.iter().find(|row| row["scope"] == scope).unwrap();
        assert_eq!(ahead["month_to_date"].parse::<Decimal>().unwrap(), used, "{scope}");
        let budget = documents["budgets"].as_array().unwrap().iter().find(|budget| budget["scope"] == scope).unwrap();
        let id = budget["id"].as_str().unwrap();
        for budget in [budget, &walk.json(&format!("/v1/budgets/{id}")).await] {
            assert_eq!(money(&budget["month"]["used"]), used, "{scope}");
        }
        walk.shows(&walk.of(&format!("/budgets/{id}")), used).await;
    }
}

/// A question by API, as files and on pages.
async fn question(walk: &Walk, asked: &Asked) {
    let filters: String = asked.filters.iter().map(books::Kept::asked).collect();
    let days = format!("from={}&to={}{filters}", asked.from, asked.to);
    let by = asked.by.join(",");
    let grouped = if by.is_empty() { String::new() } else { format!("&group_by={by}") };
    let path = format!("?{days}{grouped}&bucket={}", asked.bucket);
    let expected = walk.books.rows(asked);
    let answer = walk.json(&format!("/v1/spend{path}")).await;
    let names = || Some("bucket").filter(|_| asked.bucket != "none").into_iter().chain(asked.by.iter().copied());
    let count = |text: &str| text.parse::<i64>().unwrap();
    let counted = |row: &Value| Counted {
        spend: money(&row["spend"]),
        requests: row["requests"].as_i64().unwrap(),
        unpriced: row["unpriced_requests"].as_i64().unwrap(),
    };
    let key = |row: &Value| names().map(|name| row[name].as_str().unwrap_or_default().to_owned()).collect();
    let rows = |rows: &Value| -> BTreeMap<Vec<String>, Counted> {
        rows.as_array().unwrap().iter().map(|row| (key(row), counted(row))).collect()
    };
    assert_eq!(rows(&answer["rows"]), expected, "{} {path}", walk.books.zone.name());
    let total: Decimal = expected.values().map(|row| row.spend).sum();
    assert_eq!(money(&answer["total"]["spend"]), total, "{path}");

    for file in [walk.of(&format!("/explore.csv{path}")), format!("/v1/spend{path}&format=csv")] {
        // A value that a table would reckon with has a sign before it.
        let plain = |text: &String| text.trim_start_matches('\'').to_owned();
        let row = |row: &Row| {
            let key: Vec<String> = names().map(|name| plain(&row[name])).collect();
            let counted = Counted {
                spend: row["spend"].parse().unwrap(),
                requests: count(&row["requests"]),
                unpriced: count(&row["unpriced_requests"]),
            };
            (key, counted)
        };
        let rows: BTreeMap<_, _> = walk.rows(&file).await.iter().map(row).collect();
        assert_eq!(rows, expected, "{file}");
    }
    if total.is_zero() {
        return;
    }
    if !asked.by.is_empty() {
        let whole = Asked { bucket: "none", ..asked.clone() };
        let path = walk.of(&format!("/explore{path}&rows=all"));
        walk.shows(&path, total).await;
        for row in walk.books.rows(&whole).values().filter(|row| !row.spend.is_zero()) {
            walk.shows(&path, row.spend).await;
        }
    }
    let allocated = asked.filters.iter().any(|kept| kept.dimension == "allocated_team");
    if !allocated {
        walk.shows(&walk.of(&format!("?{days}")), total).await;
        let events = walk.rows(&walk.of(&format!("/events.csv?{days}"))).await;
        assert_eq!(sum(&events, "cost"), total, "{days}");
        let events = walk.json(&format!("/v1/events?{days}&limit=200")).await;
        assert!(events["next_cursor"].is_null());
        let costs = events["events"].as_array().unwrap().iter().filter(|event| !event["cost"].is_null());
        assert_eq!(costs.map(|event| money(&event["cost"])).sum::<Decimal>(), total, "{days}");
    }
}
