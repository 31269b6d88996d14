//! Saved views: whose they are, who sees and changes them, and the boards on which they stand.

use crate::support::Server;
use backend::{Error, OrgScope, views};
use chrono::Duration;
use domain::identity::Role;
use domain::ids::ViewId;
use domain::problem::Problem;
use domain::view::{Arrange, Board, MAX_PLACED, NewView, SavedView, ViewChange};
use testkit::seed;

const NOW: &str = "2026-11-20T12:00:00Z";

fn view(name: &str, asked: &[(&str, &str)], shared: bool) -> NewView {
    let pairs: Vec<_> = asked.iter().map(|(name, is)| ((*name).to_owned(), (*is).to_owned())).collect();
    NewView::read(name, &pairs, shared).unwrap()
}

/// What stands on a board, as its reader sees it.
async fn placed(server: &Server, scope: &OrgScope, board: Board) -> Vec<(SavedView, bool)> {
    let seen = views::list(&server.backend, scope).await.unwrap();
    views::placed(&server.backend, scope, board, &seen).await.unwrap()
}

async fn names(server: &Server, scope: &OrgScope) -> Vec<String> {
    views::list(&server.backend, scope).await.unwrap().into_iter().map(|view| view.name).collect()
}

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> Problem {
    result.unwrap_err().into_problem()
}

fn renamed(name: &str) -> ViewChange {
    ViewChange::read(Some(name), None, None).unwrap()
}

#[tokio::test]
async fn a_view_is_private_until_it_is_shared() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let member = acme.member("member@example.com", Role::Member).await;
    let viewer = acme.member("viewer@example.com", Role::Viewer).await;
    let admin = acme.member("admin@example.com", Role::Admin).await;
    let (backend, query) = (&server.backend, [("group_by", "model"), ("period", "30d")]);
    let mine = views::save(backend, &member, &view("Models", &query, false)).await.unwrap().view_id;
    let own = views::save(backend, &viewer, &view("Viewer's", &query, false)).await.unwrap().view_id;
    assert_eq!((names(&server, &member).await, names(&server, &admin).await), (vec!["Models".to_owned()], vec![]));
    assert_eq!(problem(views::change(backend, &admin, mine, renamed("x")).await), Problem::NotFound);
    let sharing = ViewChange { shared: Some(true), ..ViewChange::default() };
    assert!(matches!(problem(views::change(backend, &viewer, own, sharing.clone()).await), Problem::Forbidden { .. }));
    views::change(backend, &member, mine, sharing.clone()).await.unwrap();
    assert_eq!(names(&server, &viewer).await, ["Models", "Viewer's"]);
    assert!(matches!(problem(views::change(backend, &viewer, mine, renamed("x")).await), Problem::Forbidden { .. }));
    let changed = views::change(backend, &admin, mine, renamed("All models")).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.shared, changed.is_own), ("All models", true, false));
    let globex = server.organization("Globex", "UTC").await;
    assert_eq!(problem(views::find(backend, &globex.owner, mine).await), Problem::NotFound);
    let audit = backend::audit::list(backend, &acme.owner, 50).await.unwrap();
    let mut said: Vec<_> =
        audit.iter().map(|row| row.detail.as_str()).filter(|said| said.contains("the view")).collect();
    said.sort_unstable();
    assert_eq!(said, ["Changed the view Models, now All models.", "Shared the view Models."]);
}

#[tokio::test]
async fn what_was_deleted_comes_back_with_its_places() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let (backend, owner) = (&server.backend, &acme.owner);
    let made = views::save(backend, owner, &view("Models", &[], false)).await.unwrap().view_id;
    views::arrange(backend, owner, Board::Mine, made, Arrange::Add).await.unwrap();
    views::delete(backend, owner, made).await.unwrap();
    assert!(names(&server, owner).await.is_empty());
    assert!(placed(&server, owner, Board::Mine).await.is_empty());
    let member = acme.member("member@example.com", Role::Member).await;
    assert_eq!(problem(views::restore(backend, &member, made).await), Problem::NotFound, "another's private view");
    views::restore(backend, owner, made).await.unwrap();
    assert_eq!(placed(&server, owner, Board::Mine).await[0].0.name, "Models");
    views::delete(backend, owner, made).await.unwrap();
    server.clock.advance(Duration::days(31));
    views::save(backend, owner, &view("Next", &[], false)).await.unwrap();
    assert_eq!(problem(views::restore(backend, owner, made).await), Problem::NotFound, "forgotten after 30 days");
}

#[tokio::test]
async fn who_sees_one_project_sees_no_view_that_names_another() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let backend = &server.backend;
    seed::project(backend, &acme.owner, "side").await;
    for (name, project) in [("Main", "main"), ("Side", "side"), ("Gone", "lost")] {
        views::save(backend, &acme.owner, &view(name, &[("project", project)], true)).await.unwrap();
    }
    views::save(backend, &acme.owner, &view("All", &[("group_by", "tag.job")], true)).await.unwrap();
    assert_eq!(names(&server, &acme.owner).await, ["All", "Gone", "Main", "Side"]);
    let (_, bound) = seed::bound_key(backend, &acme.owner, &acme.project).await;
    assert_eq!(names(&server, &bound).await, ["All", "Main"]);
    let all = views::list(backend, &acme.owner).await.unwrap();
    let gone: Vec<_> = all.iter().map(|view| view.gone.concat()).collect();
    assert_eq!(gone, ["No event has the label tag.job any more.", "There is no project lost.", "", ""]);
}

#[tokio::test]
async fn boards_hold_shared_views_in_an_order() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let (backend, owner) = (&server.backend, &acme.owner);
    let member = acme.member("member@example.com", Role::Member).await;
    let team = backend::projects::list_teams(backend, owner).await.unwrap()[0].team_id;
    let mut made: Vec<ViewId> = Vec::new();
    for number in 0..=MAX_PLACED {
        let new = view(&format!("View {number}"), &[], number > 0);
        made.push(views::save(backend, &member, &new).await.unwrap().view_id);
    }
    let board = Board::Team(team);
    let arrange = async |scope: &OrgScope, view, act| views::arrange(backend, scope, board, view, act).await;
    assert!(matches!(problem(arrange(&member, made[0], Arrange::Add).await), Problem::Conflict { .. }), "private");
    for view in &made[1..] {
        arrange(&member, *view, Arrange::Add).await.unwrap();
    }
    arrange(&member, made[2], Arrange::Earlier).await.unwrap();
    arrange(&member, made[2], Arrange::Wide).await.unwrap();
    arrange(&member, made[3], Arrange::Remove).await.unwrap();
    let stands = async |scope: &OrgScope| {
        let placed = placed(&server, scope, board).await;
        placed.into_iter().map(|(view, wide)| (view.view_id, wide)).collect::<Vec<_>>()
    };
    let first = stands(owner).await[..3].to_vec();
    assert_eq!(first, [(made[2], true), (made[1], false), (made[4], false)]);
    let withdrawn = ViewChange { shared: Some(false), ..ViewChange::default() };
    views::change(backend, &member, made[2], withdrawn).await.unwrap();
    assert_eq!(stands(&member).await[0].0, made[1], "a private view leaves what others see");
    let everyone = views::arrange(backend, &member, Board::Everyone, made[1], Arrange::Add).await;
    assert!(matches!(problem(everyone), Problem::Forbidden { .. }));
    views::arrange(backend, owner, Board::Everyone, made[1], Arrange::Add).await.unwrap();
    assert_eq!(placed(&server, &member, Board::Everyone).await.len(), 1);
    assert!(placed(&server, &member, Board::Mine).await.is_empty());
}

#[tokio::test]
async fn so_many_views_and_no_more() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    for number in 0..domain::view::MAX_VIEWS {
        views::save(&server.backend, &acme.owner, &view(&number.to_string(), &[], false)).await.unwrap();
    }
    let more = views::save(&server.backend, &acme.owner, &view("more", &[], false)).await;
    assert!(matches!(problem(more), Problem::Conflict { .. }));
    views::save(&server.backend, &acme.api, &view("a key's", &[], true)).await.unwrap();
}
