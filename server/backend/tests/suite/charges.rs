//! Charges beside events: entered once, ended, kept apart from usage, and adding up with it on every page.

use crate::support::{Server, day, money};
use backend::{Error, OrgScope, audit, charges, prices, projects, spend, statements};
use domain::budget::SpendScope;
use domain::charge::{Charge, ChargeForm};
use domain::period::Period;
use domain::problem::Problem;
use domain::statement::{MonthStatement, StatementKind};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;
use testkit::seed::{self, Organization};

const NOW: &str = "2026-12-05T12:00:00Z";

fn form(id: &str, amount: &str, from: &str, to: &str) -> ChargeForm {
    ChargeForm {
        id: id.to_owned(),
        kind: "gpu_hours".to_owned(),
        description: format!("Pool {id}"),
        amount: amount.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        source: "Invoice 7".to_owned(),
        reason: "Month end".to_owned(),
        ..ChargeForm::default()
    }
}

fn of_project(form: ChargeForm, slug: &str) -> Charge {
    ChargeForm { project: slug.to_owned(), ..form }.parse().unwrap()
}

fn of_team(form: ChargeForm, slug: &str) -> Charge {
    ChargeForm { team: slug.to_owned(), ..form }.parse().unwrap()
}

fn credits(id: &str, amount: &str, from: &str, to: &str) -> Charge {
    let kind = "prepaid_credits".to_owned();
    ChargeForm { kind, provider: "openai".to_owned(), ..form(id, amount, from, to) }.parse().unwrap()
}

async fn enter(server: &Server, scope: &OrgScope, charges: &[Charge]) -> charges::Entered {
    charges::enter(&server.backend, scope, charges).await.unwrap()
}

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> Problem {
    result.unwrap_err().into_problem()
}

fn period(from: &str, to: &str) -> Period {
    Period::new(day(from), day(to)).unwrap()
}

async fn charged(server: &Server, scope: &OrgScope, from: &str, to: &str) -> Decimal {
    charges::total(&server.backend, scope, SpendScope::Organization, period(from, to)).await.unwrap()
}

#[tokio::test]
async fn an_id_is_entered_once_and_never_means_something_else() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "Asia/Kolkata").await;
    let pool = of_project(form("a", "30", "2026-11-01", "2026-12-01"), "main");
    let first = enter(&server, &acme.owner, &[pool.clone(), pool.clone()]).await;
    assert_eq!((first.entered, first.duplicates), (1, 1));
    let again = enter(&server, &acme.api, std::slice::from_ref(&pool)).await;
    assert_eq!((again.change_id, again.entered, again.duplicates), (None, 0, 1));
    let other = of_project(form("a", "31", "2026-11-01", "2026-12-01"), "main");
    let refused = problem(charges::enter(&server.backend, &acme.owner, &[other, pool.clone()]).await);
    assert_eq!(refused.status(), 409);
    assert!(refused.detail().starts_with("Entered before with other content: a."), "{refused}");
    let unknown = of_team(form("b", "31", "2026-11-01", "2026-12-01"), "nobody");
    let refused = problem(charges::enter(&server.backend, &acme.owner, &[pool.clone(), unknown]).await);
    assert_eq!(refused.fields()[0].pointer, "1/team");

    let list = charges::list(&server.backend, &acme.owner).await.unwrap();
    assert_eq!((list.len(), list[0].entry.recorded_by.as_str()), (1, acme.email.as_str()));
    charges::end(&server.backend, &acme.owner, list[0].rule_id, None, "It was a mistake.").await.unwrap();
    assert!(charged(&server, &acme.owner, "2026-11-01", "2026-12-01").await.is_zero());
    let resent = enter(&server, &acme.owner, &[pool]).await;
    assert_eq!((resent.entered, resent.duplicates), (0, 1), "a retry brings nothing back");
    let log = audit::list(&server.backend, &acme.owner, 10).await.unwrap();
    let told = |action: &str| &log.iter().find(|row| row.action == action).unwrap().detail;
    assert_eq!(
        *told("charge.ended"),
        "Withdrew the charge “Pool a” (GPU hours, $30.00 for 30\u{a0}days) of the project main. It was a mistake."
    );
    assert!(told("charge.entered").ends_with("of the project main, from 2026-11-01, until before 2026-12-01."));
}

#[tokio::test]
async fn an_end_keeps_the_days_before_it_and_can_be_undone() {
    let server = Server::at(NOW).await;
    // Half an hour off UTC, so that a day of the calendar is none of UTC's.
    let acme = server.organization("Acme", "Asia/Kolkata").await;
    enter(&server, &acme.owner, &[of_project(form("a", "30", "2026-11-01", "2026-12-01"), "main")]).await;
    let charge = charges::list(&server.backend, &acme.owner).await.unwrap()[0].rule_id;
    let refused = problem(charges::end(&server.backend, &acme.owner, charge, Some(day("2026-11-11")), " ").await);
    assert_eq!(refused.fields()[0].pointer, "reason");
    let change = charges::end(&server.backend, &acme.owner, charge, Some(day("2026-11-11")), "Cancelled.").await;
    assert_eq!(charged(&server, &acme.owner, "2026-11-01", "2026-12-01").await, money("10"));
    assert_eq!(charged(&server, &acme.owner, "2026-11-10", "2026-11-12").await, money("1"));
    prices::undo(&server.backend, &acme.owner, change.unwrap()).await.unwrap();
    assert_eq!(charged(&server, &acme.owner, "2026-11-01", "2026-12-01").await, money("30"));
    let refused = charges::end(&server.backend, &acme.owner, charge, None, "Again.").await;
    assert_eq!(problem(refused), Problem::NotFound, "what was superseded counts under another number");
}

#[tokio::test]
async fn a_charge_costs_day_by_day_and_nothing_before() {
    let server = Server::at("2026-11-20T18:29:59Z").await;
    let acme = server.organization("Acme", "Asia/Kolkata").await;
    enter(&server, &acme.owner, &[of_project(form("a", "30", "2026-11-01", "2026-12-01"), "main")]).await;
    assert_eq!(charged(&server, &acme.owner, "2026-11-01", "2026-12-01").await, money("20"), "today counts");
    server.clock.advance(chrono::Duration::seconds(1));
    assert_eq!(charged(&server, &acme.owner, "2026-11-01", "2026-12-01").await, money("21"), "the next day has begun");
    assert!(charged(&server, &acme.owner, "2026-11-22", "2026-12-01").await.is_zero());
}

#[tokio::test]
async fn who_sees_a_project_sees_its_charges_alone() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let side = seed::project(&server.backend, &acme.owner, "side").await;
    let all = [
        of_project(form("a", "30", "2026-11-01", "2026-12-01"), "main"),
        of_project(form("b", "60", "2026-11-01", "2026-12-01"), "side"),
        form("c", "90", "2026-11-01", "2026-12-01").parse().unwrap(),
        credits("d", "500", "2026-11-01", "2026-12-01"),
    ];
    enter(&server, &acme.owner, &all).await;
    let (_, bound) = seed::bound_key(&server.backend, &acme.owner, &side).await;
    let seen = charges::list(&server.backend, &bound).await.unwrap();
    assert_eq!(seen.iter().map(|charge| charge.row.description.as_str()).collect::<Vec<_>>(), ["Pool b"]);
    assert_eq!(charged(&server, &bound, "2026-11-01", "2026-12-01").await, money("60"));
    assert!(charges::credits(&server.backend, &bound).await.unwrap().is_empty());
    let statement = statements::month(&server.backend, &bound, period("2026-11-01", "2026-12-01"), true).await.unwrap();
    assert_eq!((statement.charged(), statement.unallocated.len()), (money("60"), 0));
    let of_all = charges::list(&server.backend, &acme.owner).await.unwrap();
    let hidden = of_all.iter().find(|charge| charge.row.description == "Pool a").unwrap().rule_id;
    assert_eq!(problem(charges::find(&server.backend, &bound, hidden).await), Problem::NotFound);
    let refused = charges::enter(&server.backend, &bound, &all[1..2]).await;
    assert_eq!(problem(refused).status(), 403);
    let globex = server.organization("Globex", "UTC").await;
    assert!(charges::list(&server.backend, &globex.owner).await.unwrap().is_empty());
    assert_eq!(problem(charges::find(&server.backend, &globex.owner, hidden).await), Problem::NotFound);
}

#[tokio::test]
async fn credits_are_drawn_by_usage_and_what_expires_is_a_charge() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "Asia/Kolkata").await;
    enter(
        &server,
        &acme.owner,
        &[credits("a", "100", "2026-11-01", "2026-11-16"), credits("b", "50", "2026-11-01", "")],
    )
    .await;
    acme.spend("2026-10-31", "7").await;
    acme.spend("2026-11-02", "40").await;
    acme.spend("2026-11-18", "20").await;
    let [first, second] = charges::credits(&server.backend, &acme.owner).await.unwrap().try_into().unwrap();
    assert_eq!((first.used, first.lost, first.left), (money("40"), money("60"), money("0")));
    assert_eq!((second.used, second.left), (money("20"), money("30")));
    assert_eq!(charged(&server, &acme.owner, "2026-11-01", "2026-11-15").await, money("0"));
    assert_eq!(charged(&server, &acme.owner, "2026-11-15", "2026-11-16").await, money("60"));
    let november = statements::month(&server.backend, &acme.owner, period("2026-11-01", "2026-12-01"), true).await;
    let lost = &november.unwrap().unallocated;
    assert_eq!((lost.len(), lost[0].description.as_str(), lost[0].amount), (1, "Pool a", money("60")));
}

#[tokio::test]
async fn a_file_is_looked_at_before_it_is_entered() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let (backend, owner) = (&server.backend, &acme.owner);
    let refused = problem(charges::draft_import(backend, owner, "a.csv", b"kind,colour\nother,red\n").await);
    assert_eq!(refused.fields()[0].code, "unknown_column");
    let wrong = "kind;description;amount;from;to;project;source;reason\n\
        seats;Chat;20;2026-11-01;2026-12-01;main;Bill;End\n\
        seats;;x;2026-11-01;2026-12-01;nowhere;Bill;End\n\
        seats;Chat;20;2026-11-01;2026-12-01;nowhere;Bill;End\n";
    let import = charges::draft_import(backend, owner, "a.csv", wrong.as_bytes()).await.unwrap();
    let (file, rows) = charges::import(backend, owner, import).await.unwrap();
    let named: Vec<Vec<&str>> =
        rows.iter().map(|(row, _)| row.wrong.iter().map(|wrong| wrong.pointer.as_str()).collect()).collect();
    assert_eq!(named, [vec![], vec!["description", "amount"], vec!["project"]]);
    assert_eq!((file.file_name.as_str(), rows[2].0.line), ("a.csv", 4));
    assert_eq!(problem(charges::enter_import(backend, owner, import).await).status(), 409);
    assert!(charges::list(backend, owner).await.unwrap().is_empty());

    let right = "\u{feff}Kind,Description,Amount,From,To,Project,Source,Reason\r\nseats,\"Chat, all\",20,2026-11-01,2026-12-01,main,Bill,End\r\n";
    let import = charges::draft_import(backend, owner, "b.csv", right.as_bytes()).await.unwrap();
    let entered = charges::enter_import(backend, owner, import).await.unwrap();
    assert_eq!((entered.entered, entered.duplicates), (1, 0));
    assert_eq!(charges::list(backend, owner).await.unwrap()[0].row.description, "Chat, all");
    assert_eq!(problem(charges::enter_import(backend, owner, import).await).status(), 409, "once");
    let globex = server.organization("Globex", "UTC").await;
    assert_eq!(problem(charges::import(backend, &globex.owner, import).await), Problem::NotFound);
}

/// Everything on a statement, line by line.
fn lines(statement: &MonthStatement) -> Decimal {
    let charge = |lines: &[domain::charge::ChargeLine]| domain::charge::charged(lines);
    let teams = statement.teams.iter().map(|team| {
        let projects = team.projects.iter().map(|project| {
            let usage: Decimal = project.lines.iter().filter_map(|line| line.amount).sum();
            usage + charge(&project.charges)
        });
        projects.sum::<Decimal>() + charge(&team.charges)
    });
    teams.sum::<Decimal>() + charge(&statement.unallocated)
}

async fn busy(server: &Server, name: &str, zone: &str) -> Organization {
    let acme = server.organization(name, zone).await;
    let growth = acme.team("growth").await;
    let search = acme.project_of(growth, "search").await;
    let (backend, owner) = (&server.backend, &acme.owner);
    for (project, day, amount) in [
        ("main", "2026-09-30", "3.000000000001"),
        ("search", "2026-10-01", "0.1"),
        ("search", "2026-11-14", "12.345678901234"),
        ("search", "2026-11-15", "7"),
        ("main", "2026-11-20", "0.000000000007"),
    ] {
        acme.spend_of(project, day, amount).await;
    }
    // The project changes hands twice, once within a month.
    let main = projects::team_by_slug(backend, owner, "main").await.unwrap().team_id;
    projects::move_project(backend, owner, search.project_id, main, Some(day("2026-11-15"))).await.unwrap();
    let monthly = |id: &str, rate: &str, from: &str| ChargeForm {
        kind: "subscription".to_owned(),
        quantity: "7".to_owned(),
        rate: rate.to_owned(),
        amount: String::new(),
        ..form(id, "", from, "")
    };
    let all = [
        of_project(form("a", "1000", "2026-10-10", "2026-12-03"), "search"),
        of_project(form("b", "-0.000000000011", "2026-11-01", "2026-11-24"), "search"),
        of_team(form("c", "77.777", "2026-09-01", "2026-11-20"), "growth"),
        form("d", "100", "2026-11-05", "2026-11-06").parse().unwrap(),
        monthly("e", "19.99", "2026-08-31").parse().unwrap(),
        of_project(monthly("f", "3.333333333333", "2026-11-15"), "main"),
        credits("g", "30", "2026-10-01", "2026-11-18"),
    ];
    enter(server, owner, &all).await;
    let ended = charges::list(backend, owner).await.unwrap();
    let ended = ended.iter().find(|charge| charge.row.id.as_deref() == Some("f")).unwrap().rule_id;
    charges::end(backend, owner, ended, Some(day("2026-11-19")), "Cancelled.").await.unwrap();
    acme
}

/// Over any period and in any zone: statements and what is unallocated = usage + charges of the Overview, to the last decimal.
#[tokio::test]
async fn statements_add_up_to_usage_and_charges() {
    let server = Server::at(NOW).await;
    for zone in ["Asia/Kolkata", "America/New_York"] {
        let acme = busy(&server, &format!("Acme {zone}").replace('/', " "), zone).await;
        let (backend, owner) = (&server.backend, &acme.owner);
        let mut runner = TestRunner::deterministic();
        let random = (0_i64..110, 1_i64..60).prop_map(|(from, days)| {
            let from = day("2026-08-25") + chrono::TimeDelta::days(from);
            Period::new(from, from + chrono::TimeDelta::days(days)).unwrap()
        });
        let mut periods = vec![period("2026-11-01", "2026-12-01"), period("2026-08-01", "2027-01-01")];
        for _ in 0..12 {
            periods.push(random.new_tree(&mut runner).unwrap().current());
        }
        for period in periods {
            let statement = statements::month(backend, owner, period, true).await.unwrap();
            let overview = spend::overview(backend, owner, SpendScope::Organization, period, None, &[]).await.unwrap();
            let charged = overview.charged.unwrap();
            assert_eq!(overview.total.spend, statement.total.spend, "{period:?}");
            assert_eq!(charged, statement.charged(), "{period:?}");
            let whole = overview.total.spend + charged;
            assert_eq!(lines(&statement), whole, "{period:?}");
            let teams: Decimal = statement.teams.iter().map(|team| team.total()).sum();
            let unallocated = domain::charge::charged(&statement.unallocated);
            assert_eq!(teams + unallocated, whole, "{period:?}");
            let costs = charges::costs(backend, owner, period).await.unwrap();
            assert_eq!(costs.iter().map(|cost| cost.amount_in(period)).sum::<Decimal>(), charged, "{period:?}");
            let days = period.iter().map(|day| Period::new(day, day.succ_opt().unwrap()).unwrap());
            let by_day: Decimal = days.flat_map(|day| costs.iter().map(move |cost| cost.amount_in(day))).sum();
            assert_eq!(by_day, charged, "{period:?}");
            for (kind, slug) in [(StatementKind::Team, "growth"), (StatementKind::Project, "search")] {
                let (_, one) = statements::one(backend, owner, period, kind, slug).await.unwrap();
                let of_all = statement.teams.iter().flat_map(|team| {
                    let is_team = team.team.as_ref().is_some_and(|team| team.slug == slug);
                    let projects = team.projects.iter().filter(|project| project.project.slug == slug);
                    let own = (kind == StatementKind::Team && is_team).then(|| team.total());
                    own.into_iter().chain(projects.filter(|_| kind == StatementKind::Project).map(|one| one.total()))
                });
                assert_eq!(lines(&one), of_all.sum::<Decimal>(), "{slug} {period:?}");
            }
        }
        let months = statements::months(backend, owner).await.unwrap();
        let september = months.iter().find(|total| total.month == day("2026-09-01")).unwrap();
        let statement = statements::month(backend, owner, period("2026-09-01", "2026-10-01"), false).await.unwrap();
        assert_eq!((september.charged, september.sums.spend), (statement.charged(), statement.total.spend));
        let csv = statements::month(backend, owner, period("2026-11-01", "2026-12-01"), true).await.unwrap();
        let file = csv.csv();
        let amounts = file.lines().skip(1).filter_map(|row| row.rsplit(',').nth(3)?.parse::<Decimal>().ok());
        assert_eq!(amounts.sum::<Decimal>(), csv.total.spend + csv.charged());
    }
}
