//! Members who see some teams alone: what they see, from when on, and what they may do with it.

use crate::support::{Server, day, email, money};
use backend::keys::{self, NewKey};
use backend::{
    Error, OrgScope, allocation, audit, budgets, charges, events, identity, projects, spend, statements, suggestions,
};
use domain::allocation::{AllocationForm, ConditionForm, Party, SharedLine, TargetForm};
use domain::budget::{AlertFilter, BudgetInput, ScopeRef};
use domain::charge::ChargeForm;
use domain::event::EventQuery;
use domain::identity::{KeyScope, Role};
use domain::ids::{TeamId, UserId};
use domain::period::Period;
use domain::problem::Problem;
use domain::project::KeyProject;
use domain::spend::{Dimension, SpendQuery};
use domain::statement::{MonthState, MonthStatement, StatementKind};
use rust_decimal::Decimal;
use std::collections::BTreeSet;
use testkit::seed::Organization;

const NOW: &str = "2026-11-20T09:00:00Z";
const ADA: &str = "ada@example.com";

/// Two teams with a project each, in a zone far from UTC; `search` moved from red to blue on the 15th.
struct Place {
    server: Server,
    org: Organization,
    red: TeamId,
    blue: TeamId,
    ada: UserId,
}

impl Place {
    async fn new() -> Self {
        let server = Server::at(NOW).await;
        let org = server.organization("Acme", "Asia/Kolkata").await;
        let (red, blue) = (org.team("red").await, org.team("blue").await);
        for (slug, team) in [("assistant", red), ("search", red), ("bot", blue)] {
            let project = org.project_of(team, slug).await;
            if slug == "search" {
                let from = Some(day("2026-11-15"));
                projects::move_project(&server.backend, &org.owner, project.project_id, blue, from).await.unwrap();
            }
        }
        for (project, day, amount) in [
            ("assistant", "2026-11-02", "1"),
            ("search", "2026-11-14", "20"),
            ("search", "2026-11-15", "300"),
            ("bot", "2026-11-16", "4000"),
            ("main", "2026-11-16", "50000"),
        ] {
            org.spend_of(project, day, amount).await;
        }
        let ada = org.member(ADA, Role::Member).await.user_id().unwrap();
        Self { server, org, red, blue, ada }
    }

    /// Ada's view, where she sees these teams.
    async fn limited(&self, teams: &[TeamId]) -> OrgScope {
        let teams = Some(teams.iter().copied().collect());
        identity::set_teams(&self.server.backend, &self.org.owner, self.ada, teams).await.unwrap();
        self.seen().await
    }

    async fn seen(&self) -> OrgScope {
        identity::scope_in(&self.server.backend, self.ada, self.org.id()).await.unwrap()
    }

    async fn total(&self, scope: &OrgScope) -> Decimal {
        spend::query(&self.server.backend, scope, &SpendQuery::over(november())).await.unwrap().total.spend
    }

    async fn project(&self, slug: &str) -> domain::ids::ProjectId {
        projects::by_slug(&self.server.backend, &self.org.owner, slug).await.unwrap().project_id
    }

    async fn audited(&self) -> String {
        let entries = audit::list(&self.server.backend, &self.org.owner, 50).await.unwrap();
        entries.into_iter().map(|row| row.detail).collect::<Vec<_>>().join("\n")
    }
}

fn november() -> Period {
    Period::month_of(day("2026-11-01"))
}

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> Problem {
    result.unwrap_err().into_problem()
}

fn budget(scope: &str, recipients: &[&str]) -> BudgetInput {
    BudgetInput {
        name: scope.to_owned(),
        scope: scope.parse::<ScopeRef>().unwrap(),
        amount: money("10"),
        thresholds: vec![100],
        recipients: recipients.iter().map(|text| email(text)).collect(),
    }
}

#[tokio::test]
async fn a_team_sees_the_days_on_which_a_project_was_its_own() {
    let place = Place::new().await;
    let (backend, red) = (&place.server.backend, place.limited(&[place.red]).await);
    assert_eq!(place.total(&red).await, money("21"));
    let blue = place.limited(&[place.blue]).await;
    assert_eq!(place.total(&blue).await, money("4300"));
    let both = place.limited(&[place.red, place.blue]).await;
    assert_eq!(place.total(&both).await, money("4321"));

    let of = async |scope: &OrgScope, dimension| {
        let answer = spend::query(backend, scope, &SpendQuery::over(november()).by([dimension])).await.unwrap();
        answer.rows.into_iter().map(|row| row.keys[0].clone().unwrap()).collect::<BTreeSet<_>>()
    };
    assert_eq!(
        of(&red, Dimension::Team).await,
        ["red".to_owned()].into(),
        "of the days before it moved blue sees nothing"
    );
    assert_eq!(of(&red, Dimension::Project).await, ["assistant".to_owned(), "search".to_owned()].into());
    let costs = async |scope: &OrgScope| {
        let rows = events::list(backend, scope, &EventQuery { limit: 10, ..EventQuery::default() }).await.unwrap().rows;
        rows.iter().filter_map(|row| row.cost).sum::<Decimal>()
    };
    assert_eq!((costs(&red).await, costs(&blue).await), (money("21"), money("4300")));

    let month = statements::month(backend, &red, november(), true).await.unwrap();
    assert_eq!((month.total.spend, month.teams.len()), (money("21"), 1));
    let one = async |scope, kind, slug| statements::one(backend, scope, november(), kind, slug).await;
    assert_eq!(one(&red, StatementKind::Team, "red").await.unwrap().1.total.spend, money("21"));
    assert_eq!(one(&red, StatementKind::Project, "search").await.unwrap().1.total.spend, money("20"));
    assert_eq!(problem(one(&red, StatementKind::Team, "blue").await), Problem::NotFound);
    assert_eq!(problem(one(&red, StatementKind::Project, "bot").await), Problem::NotFound);
}

#[tokio::test]
async fn what_a_team_owns_is_followed_without_anybody_doing_anything() {
    let place = Place::new().await;
    let red = place.limited(&[place.red]).await;
    assert_eq!(slugs(&place, &red).await, ["assistant"]);
    place.org.project_of(place.red, "voice").await;
    place.org.spend_of("voice", "2026-11-17", "0.5").await;
    let owner = &place.org.owner;
    let bot = place.project("bot").await;
    projects::move_project(&place.server.backend, owner, bot, place.red, Some(day("2026-11-16"))).await.unwrap();
    let red = place.seen().await;
    assert_eq!(slugs(&place, &red).await, ["assistant", "bot", "voice"]);
    assert_eq!(place.total(&red).await, money("4021.5"));
}

async fn slugs(place: &Place, scope: &OrgScope) -> Vec<String> {
    let seen = projects::list_projects(&place.server.backend, scope).await.unwrap();
    seen.into_iter().map(|project| project.slug.into()).collect()
}

#[tokio::test]
async fn whoever_sees_no_team_sees_nothing() {
    let place = Place::new().await;
    let (backend, nobody) = (&place.server.backend, place.limited(&[]).await);
    budgets::create(backend, &place.org.owner, budget("organization", &[])).await.unwrap();
    assert_eq!(place.total(&nobody).await, Decimal::ZERO);
    assert!(slugs(&place, &nobody).await.is_empty());
    assert!(projects::list_teams(backend, &nobody).await.unwrap().is_empty());
    assert!(budgets::list(backend, &nobody).await.unwrap().is_empty());
    assert!(events::newest(backend, &nobody).await.unwrap().is_none());
    for typed in ["", "red", "assistant"] {
        assert!(suggestions::named(backend, &nobody, typed, 10).await.unwrap().is_empty());
    }
    let members = identity::list_members(backend, &nobody).await.unwrap();
    assert_eq!(members.iter().map(|member| member.email.as_str()).collect::<Vec<_>>(), [ADA]);
}

#[tokio::test]
async fn only_who_manages_members_says_what_they_see() {
    let place = Place::new().await;
    let (backend, owner) = (&place.server.backend, &place.org.owner);
    let set = async |scope: &OrgScope, user, teams: &[TeamId]| {
        identity::set_teams(backend, scope, user, Some(teams.iter().copied().collect())).await
    };
    let red = place.limited(&[place.red]).await;
    assert!(place.audited().await.contains("Lets ada@example.com see the teams red."), "{}", place.audited().await);
    assert_eq!(problem(set(&red, place.ada, &[place.blue]).await).status(), 403);
    assert_eq!(problem(set(owner, place.org.user_id, &[place.red]).await).fields()[0].pointer, "teams");
    let foreign = place.server.organization("Globex", "UTC").await.team("green").await;
    assert_eq!(problem(set(owner, place.ada, &[foreign]).await).fields()[0].pointer, "teams");
    assert_eq!(problem(identity::change_role(backend, owner, place.ada, Role::Admin).await).status(), 409);
    identity::set_teams(backend, owner, place.ada, None).await.unwrap();
    assert!(place.audited().await.contains("Lets ada@example.com see the whole organization."));
    assert_eq!(place.total(&place.seen().await).await, money("54321"));

    let teams = || Some([place.red].into());
    let admin = identity::invite_for_teams(backend, owner, "bob@example.com", Role::Admin, teams()).await;
    assert_eq!(problem(admin).fields()[0].pointer, "teams");
    identity::invite_for_teams(backend, owner, "bob@example.com", Role::Viewer, teams()).await.unwrap();
    assert_eq!(identity::list_invitations(backend, owner).await.unwrap()[0].teams, teams());
}

#[tokio::test]
async fn keys_reach_no_further_than_who_makes_them() {
    let place = Place::new().await;
    let (backend, assistant) = (&place.server.backend, place.project("assistant").await);
    let make = async |scope: &OrgScope, name: &str, project, scopes: &[KeyScope]| {
        let scopes = scopes.iter().copied().collect();
        keys::create(backend, scope, NewKey { name: name.to_owned(), scopes, project, expires_at: None }).await
    };
    let (all, one) = (KeyProject::AllWithDefault(assistant), KeyProject::Bound(assistant));
    let reads = [KeyScope::Read, KeyScope::Ingest];
    let before = place.seen().await;
    make(&before, "reads all", all, &reads).await.unwrap();
    make(&before, "reads its own", one, &reads).await.unwrap();
    make(&before, "sends all", all, &[KeyScope::Ingest]).await.unwrap();

    let red = place.limited(&[place.red]).await;
    assert!(place.audited().await.contains("with it ended: API keys reads all ("), "{}", place.audited().await);
    let works = async |name: &str| {
        let keys = keys::list(backend, &place.org.owner).await.unwrap();
        keys.iter().any(|key| key.name == name && key.revoked_at.is_none())
    };
    assert_eq!((works("reads all").await, works("reads its own").await, works("sends all").await), (false, true, true));
    assert_eq!(problem(make(&red, "more", all, &[KeyScope::Ingest]).await).fields()[0].pointer, "project");
    let foreign = KeyProject::Bound(place.project("bot").await);
    assert_eq!(problem(make(&red, "more", foreign, &reads).await).fields()[0].pointer, "project");
    let own = make(&red, "own", one, &reads).await.unwrap().key;
    let listed: BTreeSet<_> = keys::list(backend, &red).await.unwrap().into_iter().map(|key| key.name).collect();
    assert_eq!(listed, ["own".to_owned(), "reads its own".to_owned()].into());
    let main = make(&place.org.owner, "of all", all, &reads).await.unwrap().key;
    assert_eq!(problem(keys::revoke(backend, &red, main.key_id).await), Problem::NotFound);
    keys::revoke(backend, &red, own.key_id).await.unwrap();
}

#[tokio::test]
async fn budgets_and_their_mails_are_for_who_sees_what_they_count() {
    let place = Place::new().await;
    let (backend, owner) = (&place.server.backend, &place.org.owner);
    let red = place.limited(&[place.red]).await;
    let names = async |scope: &OrgScope| {
        let budgets = budgets::list(backend, scope).await.unwrap();
        budgets.into_iter().map(|state| (state.budget.name, state.usage.used)).collect::<Vec<_>>()
    };
    for scope in ["organization", "team:blue", "project:bot"] {
        let refused = budgets::create(backend, &red, budget(scope, &[])).await;
        assert_eq!(problem(refused).fields()[0].pointer, "scope");
    }
    let told = [ADA, "owner@acme.example"];
    for scope in ["organization", "team:blue", "project:bot", "team:red"] {
        budgets::create(backend, owner, budget(scope, &told)).await.unwrap();
    }
    budgets::create(backend, &red, budget("project:assistant", &told)).await.unwrap();
    assert_eq!(names(&red).await, [("team:red".to_owned(), money("21")), ("project:assistant".to_owned(), money("1"))]);
    budgets::evaluate_marks(backend).await.unwrap();
    let alerts =
        async |scope: &OrgScope| budgets::alerts(backend, scope, AlertFilter::All, None, None).await.unwrap().alerts;
    let told: BTreeSet<_> = alerts(owner).await.into_iter().map(|alert| (alert.budget_name, alert.mails)).collect();
    let expected = [("organization", 1), ("project:bot", 1), ("team:blue", 1), ("team:red", 2)];
    assert_eq!(told, expected.map(|(name, mails)| (name.to_owned(), mails)).into());
    assert_eq!(alerts(&red).await.into_iter().map(|alert| alert.budget_name).collect::<Vec<_>>(), ["team:red"]);
}

#[tokio::test]
async fn charges_are_seen_on_the_days_of_their_owners_and_those_of_nobody_are_not() {
    let place = Place::new().await;
    let backend = &place.server.backend;
    let charge = |project: &str, team: &str, amount: &str| {
        let form = ChargeForm {
            kind: "gpu_hours".to_owned(),
            description: format!("{project}{team} pool"),
            amount: amount.to_owned(),
            from: "2026-11-01".to_owned(),
            to: "2026-12-01".to_owned(),
            project: project.to_owned(),
            team: team.to_owned(),
            source: "Contract".to_owned(),
            reason: "Contract".to_owned(),
            ..ChargeForm::default()
        };
        form.parse().unwrap()
    };
    let entered =
        [charge("search", "", "300"), charge("", "red", "600"), charge("", "blue", "30"), charge("", "", "90")];
    charges::enter(backend, &place.org.owner, &entered).await.unwrap();
    let red = place.limited(&[place.red]).await;
    // Of 30 days 20 have begun: search was red's for 14 of them.
    let month = statements::month(backend, &red, november(), true).await.unwrap();
    assert!(month.unallocated.is_empty());
    assert_eq!(month.teams.iter().map(|team| team.total()).sum::<Decimal>(), money("561"));
    let months = statements::months(backend, &red).await.unwrap();
    assert_eq!(months[0].charged, money("540"));
    let listed = charges::list(backend, &red).await.unwrap().rows;
    assert_eq!(listed.iter().map(|charge| charge.row.description.as_str()).collect::<Vec<_>>(), ["red pool"]);
}

/// While another team had the project in the month, what its budget counts is not all theirs: neither pages nor mails tell of it.
#[tokio::test]
async fn a_budget_is_told_to_who_sees_all_days_of_its_month() {
    let place = Place::new().await;
    let (backend, owner) = (&place.server.backend, &place.org.owner);
    let blue = place.limited(&[place.blue]).await;
    let refused = problem(budgets::create(backend, &blue, budget("project:search", &[])).await);
    assert_eq!((refused.fields()[0].pointer.as_str(), refused.fields()[0].code.as_str()), ("scope", "not_seen"));
    let told = [ADA, "owner@acme.example"];
    let made = budgets::create(backend, owner, budget("project:search", &told)).await.unwrap().budget_id;
    budgets::evaluate_marks(backend).await.unwrap();
    let alerts = async |scope: &OrgScope| {
        let alerts = budgets::alerts(backend, scope, AlertFilter::All, None, None).await.unwrap().alerts;
        alerts.into_iter().map(|alert| (alert.spend, alert.mails)).collect::<Vec<_>>()
    };
    assert_eq!(alerts(owner).await, [(money("320"), 1)], "of red's days and blue's, told to the owner alone");
    let seen = async |scope: &OrgScope| {
        let listed = budgets::list(backend, scope).await.unwrap();
        let (over, open) =
            (budgets::over(backend, scope).await.unwrap(), budgets::open_alerts(backend, scope).await.unwrap());
        (listed.into_iter().map(|state| state.usage.used).collect::<Vec<_>>(), over, open)
    };
    assert_eq!(seen(&blue).await, (vec![], 0, 0));
    assert_eq!(problem(budgets::get(backend, &blue, made).await), Problem::NotFound);

    place.server.clock.advance(chrono::Duration::days(14));
    place.org.spend_of("search", "2026-12-02", "40").await;
    budgets::evaluate_marks(backend).await.unwrap();
    let blue = place.seen().await;
    assert_eq!(seen(&blue).await, (vec![money("40")], 1, 1));
    assert_eq!((alerts(&blue).await, alerts(owner).await.len()), (vec![(money("40"), 2)], 2));
    // A key of the project sees all its days.
    let search = projects::by_slug(backend, owner, "search").await.unwrap();
    let (_, bound) = testkit::seed::bound_key(backend, owner, &search).await;
    assert_eq!((seen(&bound).await.0, alerts(&bound).await.len()), (vec![money("40")], 2));
}

/// A team's statement is its whole bill, open as well as closed; from whom rules brought a part of it is not said.
#[tokio::test]
async fn a_team_reads_what_rules_shared_with_it_before_and_after_the_close() {
    let place = Place::new().await;
    let (backend, owner) = (&place.server.backend, &place.org.owner);
    place.org.spend_of("assistant", "2026-10-10", "3").await;
    place.org.spend_of("bot", "2026-10-11", "80").await;
    let target = |to: &str, percent: &str| TargetForm { to: to.to_owned(), percent: percent.to_owned() };
    let condition = ConditionForm { dimension: "project".into(), test: "is".into(), values: "bot".into() };
    let rule = AllocationForm {
        name: "Pool".to_owned(),
        conditions: vec![condition],
        method: "fixed".to_owned(),
        targets: vec![target("team:red", "25"), target("team:main", "75")],
        reason: "Agreed".to_owned(),
        ..AllocationForm::default()
    };
    allocation::enter(backend, owner, &rule.parse().unwrap()).await.unwrap();
    let red = place.limited(&[place.red]).await;
    let october = Period::month_of(day("2026-10-01"));
    let shared = |statement: &MonthStatement| -> Vec<SharedLine> {
        let projects = statement.teams.iter().flat_map(|team| &team.projects).flat_map(|project| &project.shared);
        projects.chain(statement.teams.iter().flat_map(|team| &team.shared)).cloned().collect()
    };
    let read = async |of: Period| {
        let month = statements::month(backend, &red, of, true).await.unwrap();
        let (_, one) = statements::one(backend, &red, of, StatementKind::Team, "red").await.unwrap();
        assert_eq!(one.teams, month.teams);
        let months = statements::months(backend, &red).await.unwrap();
        let listed = months.into_iter().find(|total| total.month == of.from).unwrap();
        (month.grand_total(), shared(&month), (listed.sums.spend, listed.charged, listed.adjusted))
    };
    let before = read(october).await;
    let line = &before.1[0];
    assert_eq!((before.0, before.2), (money("23"), (money("3"), money("20"), Decimal::ZERO)));
    assert_eq!(
        (line.rule.as_str(), &line.other, line.effect.as_str(), line.amount),
        ("Pool", &Party::Others, "", money("20"))
    );
    let version = statements::review(backend, owner, october).await.unwrap();
    statements::close(backend, owner, october, version.total).await.unwrap();
    assert_eq!(statements::month(backend, &red, october, true).await.unwrap().state, MonthState::Closed);
    assert_eq!(read(october).await, before);
    let (november, ..) = read(november()).await;
    assert_eq!(november, money("1021"), "a quarter of the bot's 4,000, and nothing posted for October");
    let whole = shared(&statements::month(backend, owner, october, true).await.unwrap());
    assert!(whole.iter().any(|line| line.other == Party::Project("bot".to_owned()) && !line.effect.is_empty()));
}
