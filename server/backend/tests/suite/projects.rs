//! Teams, projects, and that every day has exactly one owner.

use backend::projects::{self, Change, NewProject, NewTeam};
use backend::{Backend, OrgScope};
use chrono::NaiveDate;
use domain::ids::TeamId;
use domain::problem::Problem;
use domain::project::{Ownership, Team};
use testkit::{TestDatabase, seed};

const NOW: &str = "2026-11-20T12:00:00Z";

async fn team(backend: &Backend, owner: &OrgScope, name: &str) -> Team {
    projects::create_team(backend, owner, NewTeam { name: name.to_owned(), ..NewTeam::default() }).await.unwrap()
}

fn day(text: &str) -> Option<NaiveDate> {
    Some(text.parse().unwrap())
}

fn spans(ownership: &[Ownership]) -> Vec<(TeamId, Option<String>, Option<String>)> {
    let text = |day: Option<NaiveDate>| day.map(|day| day.to_string());
    ownership.iter().map(|span| (span.team_id, text(span.valid_from), text(span.valid_to))).collect()
}

#[tokio::test]
async fn moves_are_dated_and_leave_no_gap() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let (project, first) = (acme.project.project_id, acme.project.team_id);
    let second = team(&backend, &acme.owner, "Second").await.team_id;
    let third = team(&backend, &acme.owner, "Third").await.team_id;
    let mv = async |team, from| projects::move_project(&backend, &acme.owner, project, team, from).await.unwrap();
    let now = async || spans(&projects::ownership(&backend, &acme.owner, project).await.unwrap());
    let (oct, dec) = (Some("2026-10-01".to_owned()), Some("2026-12-01".to_owned()));

    mv(second, day("2026-12-01")).await;
    assert_eq!(now().await, [(first, None, dec.clone()), (second, dec.clone(), None)]);
    // Today's owner is still the first.
    assert_eq!(projects::by_id(&backend, &acme.owner, project).await.unwrap().team_id, first);
    // Going back before takes what was planned after with it.
    mv(third, day("2026-10-01")).await;
    assert_eq!(now().await, [(first, None, oct.clone()), (third, oct.clone(), None)]);
    assert_eq!(projects::by_id(&backend, &acme.owner, project).await.unwrap().team_id, third);
    // The same day again replaces; the same team again joins its spans.
    mv(second, day("2026-10-01")).await;
    assert_eq!(now().await, [(first, None, oct.clone()), (second, oct, None)]);
    mv(first, day("2026-10-01")).await;
    assert_eq!(now().await, [(first, None, None)]);
    mv(third, None).await;
    assert_eq!(now().await, [(third, None, None)]);
    mv(third, None).await;
    assert_eq!(now().await, [(third, None, None)]);
}

#[tokio::test]
async fn a_move_must_make_sense() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let globex = seed::organization(&backend, "UTC").await;
    let project = acme.project.project_id;
    let problem = async |owner, project, team, from| {
        projects::move_project(&backend, owner, project, team, from).await.unwrap_err().into_problem()
    };
    let foreign = problem(&acme.owner, project, globex.project.team_id, None).await;
    assert_eq!(foreign.fields()[0].pointer, "team_id");
    assert_eq!(problem(&globex.owner, project, globex.project.team_id, None).await, Problem::NotFound);
    let far = problem(&acme.owner, project, acme.project.team_id, day("2037-01-01")).await;
    assert_eq!(far.fields()[0].pointer, "from");
    let old = team(&backend, &acme.owner, "Old").await.team_id;
    projects::archive_team(&backend, &acme.owner, old, true).await.unwrap();
    assert_eq!(problem(&acme.owner, project, old, None).await.fields()[0].pointer, "team_id");
}

#[tokio::test]
async fn a_team_that_owns_projects_is_not_archived() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let main = acme.project.team_id;
    let refused = projects::archive_team(&backend, &acme.owner, main, true).await.unwrap_err().into_problem();
    assert_eq!(refused.status(), 409);
    // Also when it will own one only later.
    let next = team(&backend, &acme.owner, "Next").await.team_id;
    projects::move_project(&backend, &acme.owner, acme.project.project_id, next, day("2027-01-01")).await.unwrap();
    let refused = projects::archive_team(&backend, &acme.owner, next, true).await.unwrap_err().into_problem();
    assert_eq!(refused.status(), 409);
    projects::archive_project(&backend, &acme.owner, acme.project.project_id, true).await.unwrap();
    assert!(projects::archive_team(&backend, &acme.owner, main, true).await.unwrap().archived_at.is_some());
    assert!(projects::archive_team(&backend, &acme.owner, main, false).await.unwrap().archived_at.is_none());
}

#[tokio::test]
async fn names_and_slugs_are_checked_together() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let new = |name: &str, slug: &str, cost_centre: &str| NewProject {
        name: name.to_owned(),
        slug: slug.to_owned(),
        cost_centre: cost_centre.to_owned(),
        team_id: acme.project.team_id,
    };
    let create = async |new| projects::create_project(&backend, &acme.owner, new).await;
    let problem = create(new("", "Not A Slug", &"x".repeat(41))).await.unwrap_err().into_problem();
    let fields: Vec<_> = problem.fields().iter().map(|field| field.pointer.as_str()).collect();
    assert_eq!(fields, ["name", "slug", "cost_centre"]);
    let made = create(new("Support Bot", "", " CC-7 ")).await.unwrap();
    assert_eq!((made.slug.as_str(), made.cost_centre.as_deref()), ("support-bot", Some("CC-7")));
    let taken = create(new("Other", "support-bot", "")).await.unwrap_err().into_problem();
    assert_eq!(taken.fields()[0].code, "taken");
    // The same slug is free in another organization.
    let globex = seed::organization(&backend, "UTC").await;
    seed::project(&backend, &globex.owner, "support-bot").await;
    let change = Change { name: "Renamed".to_owned(), cost_centre: String::new() };
    let changed = projects::update_project(&backend, &acme.owner, made.project_id, change.clone()).await.unwrap();
    assert_eq!((changed.slug.as_str(), changed.name.as_str(), changed.cost_centre), ("support-bot", "Renamed", None));
    let foreign = projects::update_project(&backend, &globex.owner, made.project_id, change).await;
    assert_eq!(foreign.unwrap_err().into_problem(), Problem::NotFound);
}

#[tokio::test]
async fn a_key_bound_to_a_project_learns_nothing_of_others() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let other = seed::project(&backend, &acme.owner, "other").await;
    let secret = team(&backend, &acme.owner, "Secret").await;
    projects::move_project(&backend, &acme.owner, other.project_id, secret.team_id, None).await.unwrap();
    let (_, bound) = seed::bound_key(&backend, &acme.owner, &acme.project).await;
    let names: Vec<_> =
        projects::list_teams(&backend, &bound).await.unwrap().into_iter().map(|team| team.name).collect();
    assert_eq!(names, ["Main"]);
    for hidden in [
        projects::by_slug(&backend, &bound, "other").await.map(drop),
        projects::by_id(&backend, &bound, other.project_id).await.map(drop),
        projects::ownership(&backend, &bound, other.project_id).await.map(drop),
        projects::team_by_slug(&backend, &bound, "secret").await.map(drop),
    ] {
        assert_eq!(hidden.unwrap_err().into_problem(), Problem::NotFound);
    }
    assert_eq!(projects::all_ownership(&backend, &bound).await.unwrap().len(), 1);
}
