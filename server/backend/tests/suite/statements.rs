//! Review and close of months: what is closed never moves, and what moves all the same stands in the open month, to the last place.

use super::prices::{enter, price};
use super::repricing::finish;
use crate::support::{Server, day, money};
use backend::prices::runs;
use backend::{Error, OrgScope, audit, charges, delivery, projects, spend, statements};
use chrono::{Months, NaiveDate};
use domain::charge::ChargeForm;
use domain::event::EventInput;
use domain::identity::Role;
use domain::period::Period;
use domain::problem::Problem;
use domain::repricing::{RunInput, RunKind};
use domain::rule::Rule;
use domain::spend::SpendQuery;
use domain::statement::{
    Check, CheckState, DisputeForm, EntrySource, MarkupForm, MarkupRule, MonthState, MonthStatement, StatementKind,
    Version, verify,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use testkit::seed::{self, Organization};

const NOW: &str = "2027-01-05T12:00:00Z";
const ALL: [&str; 5] = ["2026-09-01", "2026-10-01", "2026-11-01", "2026-12-01", "2027-01-01"];

fn month(text: &str) -> Period {
    Period::month_of(day(text))
}

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> Problem {
    result.unwrap_err().into_problem()
}

async fn closing(server: &Server, scope: &OrgScope, of: &str) -> domain::statement::MonthClose {
    statements::closing(&server.backend, scope, month(of)).await.unwrap()
}

async fn close(server: &Server, scope: &OrgScope, of: &str) -> Version {
    if closing(server, scope, of).await.versions.is_empty() {
        statements::review(&server.backend, scope, month(of)).await.unwrap();
    }
    let total = closing(server, scope, of).await.statement.grand_total();
    statements::close(&server.backend, scope, month(of), total).await.unwrap()
}

async fn stated(server: &Server, scope: &OrgScope, of: &str) -> MonthStatement {
    statements::month(&server.backend, scope, month(of), true).await.unwrap()
}

async fn charge(server: &Server, acme: &Organization, amount: &str, of: &str, project: &str) {
    let to = (day(of) + Months::new(1)).to_string();
    let form = ChargeForm {
        kind: "gpu_hours".to_owned(),
        description: "GPU pool".to_owned(),
        amount: amount.to_owned(),
        from: of.to_owned(),
        to,
        project: project.to_owned(),
        source: "Invoice".to_owned(),
        reason: "Month end".to_owned(),
        ..ChargeForm::default()
    };
    charges::enter(&server.backend, &acme.owner, &[form.parse().unwrap()]).await.unwrap();
}

async fn mark(server: &Server, scope: &OrgScope, percent: &str, team: &str, from: &str) {
    let [percent, team, from] = [percent, team, from].map(str::to_owned);
    let form = MarkupForm { percent, team, from, reason: "Platform.".to_owned(), ..MarkupForm::default() };
    statements::enter_markup(&server.backend, scope, &form.parse().unwrap()).await.unwrap();
}

/// Something that moves the sums of months, closed or not; or a close.
#[derive(Clone, Debug)]
enum Step {
    Event(&'static str, usize, Decimal),
    Call(usize),
    Repriced(u32),
    Charged(usize, i64, bool),
    Moved(bool, usize),
    /// In hundredths of a percent, of one team or all, from a month on.
    Marked(i64, bool, usize),
    Closed,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let units = 1_i128..9_000_000_000_000;
    let amount = units.prop_map(|units| Decimal::from_i128_with_scale(units, 12));
    let project = prop_oneof![Just("main"), Just("search")];
    let step = prop_oneof![
        4 => (project, 0_usize..5, amount).prop_map(|(project, month, amount)| Step::Event(project, month, amount)),
        2 => (0_usize..5).prop_map(Step::Call),
        2 => (1_u32..90).prop_map(Step::Repriced),
        2 => (0_usize..5, -500_i64..500, any::<bool>()).prop_map(|(month, cents, owned)| Step::Charged(month, cents, owned)),
        1 => (any::<bool>(), 0_usize..4).prop_map(|(back, month)| Step::Moved(back, month)),
        2 => (0_i64..2_000, any::<bool>(), 0_usize..5).prop_map(|(percent, own, from)| Step::Marked(percent, own, from)),
        4 => Just(Step::Closed),
    ];
    proptest::collection::vec(step, 30)
}

struct Books<'a> {
    server: &'a Server,
    acme: Organization,
    closed: BTreeMap<&'static str, (Decimal, String)>,
}

impl Books<'_> {
    async fn take(&mut self, step: Step) {
        let (server, acme) = (self.server, &self.acme);
        let (backend, owner) = (&server.backend, &acme.owner);
        server.clock.advance(chrono::Duration::seconds(1));
        match step {
            Step::Event(project, of, amount) => {
                let day = day(ALL[of]) + chrono::TimeDelta::days(3);
                acme.spend_of(project, &day.to_string(), &amount.to_string()).await;
            }
            Step::Call(of) => {
                let event = seed::call(owner.zone().start_of(day(ALL[of])), Decimal::ZERO);
                acme.record([EventInput { reported_cost: None, ..event }]).await;
            }
            Step::Repriced(rate) => {
                enter(backend, owner, price("gpt-4o", "output", &rate.to_string())).await;
                server.clock.advance(chrono::Duration::seconds(1));
                let input = RunInput { kind: RunKind::Repricing, from: None, to: None, filters: vec![] };
                let run = runs::draft(backend, owner, &input).await.unwrap();
                let run = finish(backend, owner, run.run_id).await;
                // A run that would move nothing is refused.
                if runs::confirm(backend, owner, run.run_id, "The contract says so.").await.is_ok() {
                    finish(backend, owner, run.run_id).await;
                }
            }
            Step::Charged(of, cents, owned) if cents != 0 => {
                let project = if owned { "search" } else { "" };
                charge(server, acme, &Decimal::new(cents, 2).to_string(), ALL[of], project).await;
            }
            Step::Charged(..) => {}
            Step::Moved(back, of) => {
                let team = if back { "main" } else { "growth" };
                let team = projects::team_by_slug(backend, owner, team).await.unwrap().team_id;
                let search = projects::by_slug(backend, owner, "search").await.unwrap().project_id;
                let from = day(ALL[of]) + chrono::TimeDelta::days(10);
                // To whom it belongs already is no move.
                let _same = projects::move_project(backend, owner, search, team, Some(from)).await;
            }
            Step::Marked(percent, own, from) => {
                let team = if own { "growth" } else { "" };
                mark(server, owner, &Decimal::new(percent, 2).to_string(), team, &ALL[from][..7]).await;
            }
            Step::Closed => {
                if let Some(of) = ALL[..4].iter().find(|of| !self.closed.contains_key(**of)) {
                    let version = close(server, owner, of).await;
                    self.closed.insert(of, (version.total, version.hash));
                }
            }
        }
    }

    /// Sum of all months' statements without markup = Overview and charges of all months; by team as well; nothing closed has moved.
    async fn check(&self, after: &Step) {
        let (backend, owner) = (&self.server.backend, &self.acme.owner);
        let all = Period::new(day(ALL[0]), day("2027-02-01")).unwrap();
        let spend = spend::query(backend, owner, &SpendQuery::over(all)).await.unwrap().total.spend;
        let costs = charges::costs(backend, owner, all).await.unwrap();
        let whole = spend + costs.iter().map(|cost| cost.amount_in(all)).sum::<Decimal>();
        let mut stated_total = Decimal::ZERO;
        let mut marked: BTreeMap<(NaiveDate, Option<String>, Option<String>), [Decimal; 2]> = BTreeMap::new();
        for of in ALL {
            let statement = stated(self.server, owner, of).await;
            let total = statement.grand_total();
            assert_eq!(statement.entries().total(), total, "{after:?}");
            let teams: Decimal = statement.teams.iter().map(|team| team.total()).sum();
            let unallocated = domain::charge::charged(&statement.unallocated);
            assert_eq!(teams + statement.marked_up() + unallocated + statement.adjusted(), total, "{after:?}");
            if let Some((closed, _)) = self.closed.get(of) {
                assert_eq!((statement.state, total), (MonthState::Closed, *closed), "{of} after {after:?}");
            }
            let ready = statements::readiness(backend, owner, month(of)).await.unwrap().unwrap();
            assert_eq!(ready, closing(self.server, owner, of).await.readiness, "{of} after {after:?}");
            let parts = [(StatementKind::Project, "main"), (StatementKind::Project, "search")];
            let mut by_project = Decimal::ZERO;
            for (kind, slug) in parts {
                by_project += statements::one(backend, owner, month(of), kind, slug).await.unwrap().1.grand_total();
            }
            let of_nobody = statement.adjustments.iter().filter(|entry| entry.key.project.is_none());
            let of_nobody: Decimal = of_nobody.map(|entry| entry.amount).sum();
            assert_eq!(by_project + unallocated + of_nobody, total, "{of} after {after:?}");
            let entries = statement.entries();
            for (key, amount) in entries.iter() {
                let is_markup = key.source == EntrySource::Markup;
                let whose = (key.month, key.team.clone(), key.project.clone());
                marked.entry(whose).or_default()[usize::from(is_markup)] += amount;
                stated_total -= if is_markup { amount } else { Decimal::ZERO };
            }
            stated_total += total;
        }
        assert_eq!(stated_total, whole, "after {after:?}");
        // Closed markup, that of adjustments and of open months are what the rules that count now add to what each project and team owes.
        let rules: Vec<MarkupRule> = statements::markups(backend, owner)
            .await
            .unwrap()
            .rows
            .into_iter()
            .filter(|rule| rule.is_live())
            .map(|rule| rule.row)
            .collect();
        for ((of, team, project), [owed, added]) in marked {
            let holds = |rule: &&MarkupRule| rule.span().holds(of.and_time(chrono::NaiveTime::MIN).and_utc());
            let find = |slug: Option<&str>| {
                rules.iter().filter(holds).find(|rule| rule.team.as_ref().map(|team| team.as_str()) == slug)
            };
            let rule = team.as_deref().and_then(|team| find(Some(team)).or_else(|| find(None)));
            let percent = rule.map(|rule| rule.percent).unwrap_or_default();
            let expected = domain::money::round_line(owed * percent / Decimal::ONE_HUNDRED);
            assert_eq!(added, expected, "{of} {team:?} {project:?} after {after:?}");
        }
        let listed = statements::months(backend, owner).await.unwrap();
        let listed: Decimal = listed.iter().map(|of| of.sums.spend + of.charged + of.adjusted).sum();
        let next = ALL.iter().find(|of| !self.closed.contains_key(**of)).copied().unwrap_or(ALL[4]);
        let pending = stated(self.server, owner, next).await.adjustments;
        let pending = pending.iter().filter(|entry| entry.key.source != EntrySource::Markup);
        assert_eq!(listed + pending.map(|entry| entry.amount).sum::<Decimal>(), whole, "after {after:?}");
    }
}

/// Random late events, repricing, charges and moves of projects between closes, in months that are closed, in review and open.
#[tokio::test]
async fn closed_statements_and_adjustments_and_open_months_are_the_overview() {
    let server = Server::at(NOW).await;
    let mut runner = TestRunner::deterministic();
    let (mut closed, mut adjusted) = (0, 0);
    for (name, zone) in [("Acme", "Asia/Kolkata"), ("Globex", "America/New_York")] {
        let acme = server.organization(name, zone).await;
        let growth = acme.team("growth").await;
        acme.project_of(growth, "search").await;
        acme.spend("2026-09-02", "1.000000000001").await;
        let mut books = Books { server: &server, acme, closed: BTreeMap::new() };
        for step in steps().new_tree(&mut runner).unwrap().current() {
            books.take(step.clone()).await;
            books.check(&step).await;
        }
        for of in ALL.iter().filter(|of| books.closed.contains_key(**of)) {
            let bundle = statements::bundle(&server.backend, &books.acme.owner, month(of)).await.unwrap();
            assert_eq!(verify(&bundle), [], "{of}");
            let last = &bundle.versions.last().unwrap().version;
            assert_eq!((&last.hash, last.closed), (&books.closed[of].1, true));
            adjusted += stated(&server, &books.acme.owner, of).await.adjustments.len();
        }
        closed += books.closed.len();
    }
    assert!(closed > 3 && adjusted > 2, "the walks close months and post adjustments: {closed}, {adjusted}");
}

#[tokio::test]
async fn what_moves_in_a_closed_month_is_an_adjustment_once() {
    let server = Server::at("2026-12-02T12:00:00Z").await;
    let acme = server.organization("Acme", "UTC").await;
    let owner = &acme.owner;
    acme.spend("2026-10-10", "400").await;
    acme.spend("2026-11-10", "80").await;
    let closed = close(&server, owner, "2026-10-01").await;
    assert_eq!((closed.position, closed.number, closed.total), (2, 2, money("400")));
    assert_eq!(stated(&server, owner, "2026-11-01").await.adjustments, []);

    // A late event, and a charge that nobody knew of.
    acme.spend("2026-10-31", "3.10").await;
    charge(&server, &acme, "6", "2026-10-01", "main").await;
    let november = stated(&server, owner, "2026-11-01").await;
    let named: Vec<_> =
        november.adjustments.iter().map(|entry| (entry.key.line(day("2026-11-01")), entry.amount)).collect();
    assert_eq!(
        named,
        [
            ("2026-10: main/openai/gpt-4o".to_owned(), money("3.1")),
            ("2026-10: main/charge/GPU pool".to_owned(), money("6"))
        ]
    );
    assert_eq!((november.adjusted(), november.grand_total()), (money("9.1"), money("89.1")));
    assert!(matches!(november.adjustments[1].key.source, EntrySource::Charge { .. }));
    assert_eq!(stated(&server, owner, "2026-10-01").await.grand_total(), money("400"), "closed is closed");
    assert_eq!(stated(&server, owner, "2026-12-01").await.adjusted(), Decimal::ZERO, "in one month alone");
    let (_, of_main) =
        statements::one(&server.backend, owner, month("2026-11-01"), StatementKind::Team, "main").await.unwrap();
    assert_eq!(of_main.grand_total(), money("89.1"));
    let rows = november.csv();
    let row = rows.lines().find(|row| row.contains("adjustment")).unwrap();
    assert_eq!(row, "2026-10,main,,main,,openai,gpt-4o,adjustment,,,,,,,3.100000000000,USD,,");

    close(&server, owner, "2026-11-01").await;
    assert_eq!(stated(&server, owner, "2026-11-01").await.adjusted(), money("9.1"));
    assert_eq!(stated(&server, owner, "2026-12-01").await.adjustments, [], "posted, and not twice");
    acme.spend("2026-10-31", "0.4").await;
    acme.spend("2026-11-30", "0.6").await;
    assert_eq!(stated(&server, owner, "2026-12-01").await.adjusted(), money("1"));
    let again = problem(statements::review(&server.backend, owner, month("2026-11-01")).await);
    assert_eq!(
        (again.status(), again.detail().as_str()),
        (409, "2026-11 is closed: what moves now stands in the open month.")
    );
    // A reader of one project sees what is its own.
    let growth = acme.team("growth").await;
    acme.project_of(growth, "search").await;
    let search = projects::by_slug(&server.backend, owner, "search").await.unwrap();
    let (_, bound) = seed::bound_key(&server.backend, owner, &search).await;
    for of in ["2026-10-01", "2026-11-01", "2026-12-01"] {
        let seen = stated(&server, &bound, of).await;
        assert_eq!((seen.grand_total(), seen.adjustments.len(), seen.teams.len()), (Decimal::ZERO, 0, 0), "{of}");
    }
    let listed = statements::months(&server.backend, &bound).await.unwrap();
    assert!(listed.iter().all(|of| (of.sums.spend + of.charged + of.adjusted).is_zero()));
    assert_eq!(statements::readiness(&server.backend, &bound, month("2026-11-01")).await.unwrap(), None);
    assert_eq!(problem(statements::closing(&server.backend, &bound, month("2026-10-01")).await).status(), 403);
}

/// A markup is on the statement, in its hash and in its file, and moves later as anything else does.
#[tokio::test]
async fn a_markup_is_a_line_of_its_own_that_closes_with_the_month() {
    let server = Server::at("2026-12-02T12:00:00Z").await;
    let acme = server.organization("Acme", "UTC").await;
    let (backend, owner) = (&server.backend, &acme.owner);
    acme.spend("2026-10-10", "100").await;
    acme.spend("2026-11-10", "80.01").await;
    charge(&server, &acme, "20", "2026-10-01", "").await;
    mark(&server, owner, "5", "", "2026-10").await;
    mark(&server, owner, "2.5", "main", "2026-11").await;
    let viewer = acme.member("eve@acme.example", Role::Viewer).await;
    let form = |team: &str| MarkupForm {
        percent: "1".to_owned(),
        team: team.to_owned(),
        reason: "So.".to_owned(),
        ..MarkupForm::default()
    };
    let entered = statements::enter_markup(backend, &viewer, &form("").parse().unwrap()).await;
    assert_eq!(problem(entered).status(), 403);
    let unknown = problem(statements::enter_markup(backend, owner, &form("nobody").parse().unwrap()).await);
    assert_eq!(unknown.fields()[0].pointer, "team");

    let october = stated(&server, owner, "2026-10-01").await;
    assert_eq!((october.marked_up(), october.grand_total()), (money("5"), money("125")), "nobody's has none");
    let ready = closing(&server, owner, "2026-10-01").await.readiness;
    assert_eq!((ready.known, ready.unallocated), (money("120"), money("20")));
    let closed = close(&server, owner, "2026-10-01").await;
    assert_eq!(closed.total, money("125"));
    let listed = statements::months(backend, owner).await.unwrap();
    let october = listed.iter().find(|of| of.month == day("2026-10-01")).unwrap();
    assert_eq!((october.sums.spend, october.charged), (money("100"), money("20")), "the list is without markup");
    let mut bundle = statements::bundle(backend, owner, month("2026-10-01")).await.unwrap();
    assert_eq!(verify(&bundle), []);
    let body = bundle.versions.last_mut().unwrap().body.as_mut().unwrap();
    body["statement"]["teams"][0]["projects"][0]["markup"]["amount"] = "6".into();
    let found: Vec<String> = verify(&bundle).into_iter().map(|finding| finding.detail).collect();
    assert!(found.iter().any(|detail| detail.starts_with("Percents of the markup add up to 5.000")), "{found:?}");

    // A late event brings its markup along; a markup that is ended for closed months is taken back.
    acme.spend("2026-10-31", "10").await;
    let lines = |statement: &MonthStatement| -> Vec<(String, Decimal)> {
        statement.adjustments.iter().map(|entry| (entry.key.line(day("2026-11-01")), entry.amount)).collect()
    };
    let november = stated(&server, owner, "2026-11-01").await;
    let [usage, markup] = ["2026-10: main/openai/gpt-4o", "2026-10: main/markup"].map(str::to_owned);
    assert_eq!(lines(&november), [(usage.clone(), money("10")), (markup.clone(), money("0.5"))]);
    assert_eq!(november.marked_up(), money("2.00025"), "the team's own");
    let (_, of_main) = statements::one(backend, owner, month("2026-11-01"), StatementKind::Team, "main").await.unwrap();
    assert_eq!(of_main.grand_total(), money("92.51025"));
    let rules = statements::markups(backend, owner).await.unwrap();
    let all = rules.iter().find(|rule| rule.is_live() && rule.row.team.is_none()).unwrap();
    let october = domain::rule::parse_end("2026-10").unwrap();
    backend::rules::end(backend, owner, all.rule_id, october).await.unwrap();
    assert_eq!(lines(&stated(&server, owner, "2026-11-01").await), [(usage, money("10")), (markup, money("-5"))]);
}

#[tokio::test]
async fn a_month_is_reviewed_disputed_answered_and_closed() {
    let server = Server::at("2026-11-20T12:00:00Z").await;
    let acme = server.organization("Acme", "UTC").await;
    let (backend, owner, november) = (&server.backend, &acme.owner, month("2026-11-01"));
    acme.spend("2026-11-10", "12.40").await;
    acme.spend_at_most("2026-11-11", "5").await;
    let member = acme.member("dev@acme.example", Role::Member).await;
    let viewer = acme.member("eve@acme.example", Role::Viewer).await;

    let open = closing(&server, owner, "2026-11-01").await;
    assert_eq!((open.statement.state, open.versions.len()), (MonthState::Open, 0));
    let states: Vec<_> = open.checklist.iter().map(|item| (item.check, item.state == CheckState::Ok)).collect();
    assert_eq!(
        states,
        [
            (Check::MonthOver, false),
            (Check::Priced, false),
            (Check::Allocated, true),
            (Check::Disputes, true),
            (Check::PreviousClosed, true),
            (Check::Adjustments, true)
        ]
    );
    let refused = problem(statements::close(backend, owner, november, money("12.4")).await);
    assert_eq!(refused.detail(), "Start the review first.");
    assert_eq!(problem(statements::accept(backend, &member, november, "main").await).status(), 409);
    assert_eq!(problem(statements::review(backend, &member, november).await).status(), 403);
    assert_eq!(problem(statements::review(backend, owner, month("2026-12-01")).await).status(), 409);

    let first = statements::review(backend, owner, november).await.unwrap();
    assert_eq!((first.number, first.closed, first.by.as_str()), (1, false, acme.email.as_str()));
    assert_eq!(problem(statements::review(backend, owner, november).await).detail(), "Nothing moved since version 1.");

    // The team: the member accepts or disputes, whoever reads does not.
    assert_eq!(problem(statements::accept(backend, &viewer, november, "main").await).status(), 403);
    assert_eq!(problem(statements::accept(backend, &member, november, "nobody").await), Problem::NotFound);
    statements::accept(backend, &member, november, "main").await.unwrap();
    server.clock.advance(chrono::Duration::seconds(1));
    let form =
        |line: &str| DisputeForm { line: line.to_owned(), amount: "12.40".to_owned(), reason: "Not ours.".to_owned() };
    let wrong = problem(statements::dispute(backend, &member, november, "main", &form("other")).await);
    assert_eq!(wrong.fields()[0].pointer, "line");
    let dispute = statements::dispute(backend, &member, november, "main", &form("main/openai/gpt-4o")).await.unwrap();

    // What can be charged back: 12.40 of usage is disputed, and one call can have cost $5.
    let ready = closing(&server, owner, "2026-11-01").await.readiness;
    assert_eq!(statements::readiness(backend, owner, november).await.unwrap(), Some(ready.clone()));
    assert_eq!((ready.known, ready.unpriced_at_most, ready.disputed), (money("12.4"), money("5"), money("12.4")));
    assert_eq!((ready.share(), ready.priced(), ready.undisputed()), (money("0"), money("0.712"), money("0")));

    // The next version, after something moved; and what is different in it.
    acme.spend("2026-11-12", "0.60").await;
    let now = statements::changes(backend, owner, november, 1, None).await.unwrap();
    let second = statements::review(backend, owner, november).await.unwrap();
    assert_eq!((second.number, second.previous.as_ref()), (2, Some(&first.hash)));
    let changes = statements::changes(backend, owner, november, 1, Some(2)).await.unwrap();
    assert_eq!(changes, now);
    let read: Vec<_> = changes.iter().map(|of| (of.key.line(november.from), of.before, of.after)).collect();
    assert_eq!(read, [("main/openai/gpt-4o".to_owned(), money("12.4"), money("13"))]);
    assert_eq!(problem(statements::changes(backend, owner, november, 1, Some(9)).await), Problem::NotFound);
    let (stored, body) = statements::version(backend, owner, november, 1).await.unwrap();
    assert_eq!((stored, body.statement.grand_total()), (first, money("12.4")));

    // The checklist is in the way until all of it holds.
    server.clock.advance(chrono::Duration::days(12));
    let refused = problem(statements::close(backend, owner, november, money("13")).await).detail();
    assert_eq!(
        refused.replace('\u{a0}', " "),
        "Not yet: All usage priced (1 unpriced request), Disputes settled (1 open)."
    );
    assert_eq!(problem(statements::waive(backend, owner, november, "disputes", "So.").await).status(), 400);
    assert_eq!(problem(statements::waive(backend, owner, november, "priced", " ").await).status(), 400);
    statements::waive(backend, owner, november, "priced", "A free trial.").await.unwrap();
    let answer = (false, "The key is yours.");
    assert_eq!(problem(statements::answer(backend, &member, november, dispute, answer).await).status(), 403);
    statements::answer(backend, owner, november, dispute, answer).await.unwrap();
    let ready = statements::readiness(backend, owner, november).await.unwrap().unwrap();
    assert_eq!((ready.share(), ready.held_back()), (Decimal::ONE, String::new()), "waived and answered");
    assert_eq!(problem(statements::answer(backend, owner, november, dispute, answer).await).status(), 409);
    let review = statements::team_review(backend, &member, november, "main").await.unwrap();
    assert_eq!(
        (review.version, review.lines.as_slice()),
        (Some((2, money("13"))), &["main/openai/gpt-4o".to_owned()][..])
    );
    assert_eq!(review.replies.len(), 2);
    let told = review.replies[1].dispute.as_ref().unwrap().answer.as_ref().unwrap();
    assert_eq!(
        (told.accepted, told.text.as_str(), told.by.as_str()),
        (false, "The key is yours.", acme.email.as_str())
    );

    let refused = problem(statements::close(backend, owner, november, money("12.4")).await);
    assert_eq!(refused.detail(), "The total is $13.00 by now, not $12.40. Look at it again.");
    let closed = statements::close(backend, owner, november, money("13")).await.unwrap();
    let shown = closing(&server, owner, "2026-11-01").await;
    assert_eq!((shown.statement.state, shown.latest()), (MonthState::Closed, Some(&closed)));
    assert!(matches!(&shown.checklist[1].state, CheckState::Waived { reason, .. } if reason == "A free trial."));
    assert_eq!(problem(statements::close(backend, owner, november, money("13")).await).status(), 409);
    assert_eq!(problem(statements::accept(backend, &member, november, "main").await).status(), 409);
    assert_eq!(problem(statements::waive(backend, owner, november, "priced", "Again.").await).status(), 409);
    assert_eq!(verify(&statements::bundle(backend, owner, november).await.unwrap()), []);
    assert_eq!(problem(statements::bundle(backend, owner, month("2026-12-01")).await), Problem::NotFound);
    let log = audit::list(backend, owner, 20).await.unwrap().into_iter().map(|row| row.action);
    let mut of_statements: Vec<String> = log.filter(|action| action.starts_with("statement.")).collect();
    of_statements.sort();
    assert_eq!(
        of_statements,
        [
            "statement.accepted",
            "statement.answered",
            "statement.closed",
            "statement.disputed",
            "statement.version",
            "statement.version",
            "statement.waived"
        ]
    );
    // A month before the first one that was closed is never closed.
    statements::review(backend, owner, month("2026-10-01")).await.unwrap();
    let refused = problem(statements::close(backend, owner, month("2026-10-01"), Decimal::ZERO).await);
    assert!(refused.detail().starts_with("Not yet: Previous month closed"), "{refused}");
}

#[tokio::test]
async fn those_who_close_months_are_told_by_mail() {
    let server = Server::at("2026-12-02T12:00:00Z").await;
    let acme = server.organization("Acme", "UTC").await;
    acme.spend("2026-11-10", "480.15").await;
    acme.member("fin@acme.example", Role::Finance).await;
    acme.member("dev@acme.example", Role::Member).await;
    statements::review(&server.backend, &acme.owner, month("2026-11-01")).await.unwrap();
    let mut local = server.backend.clone();
    local.local = true;
    let mails = delivery::shown(&local).await.unwrap();
    let mut mails: Vec<_> = mails.iter().filter(|mail| mail.subject.contains("in review")).collect();
    mails.sort_by(|one, next| one.recipient.cmp(&next.recipient));
    let to: Vec<_> = mails.iter().map(|mail| mail.recipient.as_str()).collect();
    assert_eq!(to, ["fin@acme.example", acme.email.as_str()]);
    assert_eq!(mails[0].subject, "November 2026 is in review: $480.15 for Acme");
    for said in ["version 1", "Main", "$480.15", "https://tally.example.com/o/acme/statements/2026-11"] {
        assert!(mails[0].text.contains(said), "{said} in {}", mails[0].text);
    }
}

/// Two who close at the same time: one does, and the chain has no fork.
#[tokio::test]
async fn a_month_is_closed_once() {
    let server = Server::at("2026-12-02T12:00:00Z").await;
    let acme = server.organization("Acme", "UTC").await;
    acme.spend("2026-11-10", "10").await;
    let another = server.another().await;
    let november = month("2026-11-01");
    statements::review(&server.backend, &acme.owner, november).await.unwrap();
    let both = futures::join!(
        statements::close(&server.backend, &acme.owner, november, money("10")),
        statements::close(&another, &acme.owner, november, money("10")),
    );
    assert_eq!(i32::from(both.0.is_ok()) + i32::from(both.1.is_ok()), 1, "{both:?}");
    let bundle = statements::bundle(&server.backend, &acme.owner, november).await.unwrap();
    assert_eq!((bundle.versions.len(), verify(&bundle)), (2, vec![]));
}
