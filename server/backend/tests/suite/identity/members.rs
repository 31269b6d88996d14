//! Invitations, members and what their roles allow.

use super::*;
use backend::identity::Change;
use backend::{Actor, audit, keys};
use domain::ids::{InvitationId, UserId};
use testkit::TestDatabase;

#[tokio::test]
async fn an_invitation_is_for_one_address_once() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let slug = identity::organization(&backend, &acme.owner).await.unwrap().slug;
    let path = format!("/invitations/{slug}/");
    let ada = user(&backend, &clock, "ada@example.com").await;
    let bob = user(&backend, &clock, "bob@example.com").await;

    identity::invite(&backend, &acme.owner, "ada@example.com", Role::Finance).await.unwrap();
    let first = link(&backend, &clock, "ada@example.com", &path).await;
    let offer = identity::offer(&backend, &slug, &first).await.unwrap();
    assert_eq!((offer.organization.as_str(), offer.role, offer.has_account), ("Acme", Role::Finance, true));
    assert_eq!(problem(identity::accept(&backend, &bob, &slug, &first).await).status(), 403);
    assert_eq!(problem(identity::accept(&backend, &ada, "other", &first).await), Problem::NotFound);
    let new = identity::accept_as_new(&backend, &slug, &first, &secret(PASSWORD), "").await;
    assert_eq!(problem(new).status(), 409, "an account of that address exists");

    // Inviting again replaces the link.
    identity::invite(&backend, &acme.owner, "ADA@example.com", Role::Viewer).await.unwrap();
    let second = link(&backend, &clock, "ada@example.com", &path).await;
    assert_eq!(problem(identity::accept(&backend, &ada, &slug, &first).await), Problem::NotFound);
    assert_eq!(identity::list_invitations(&backend, &acme.owner).await.unwrap().len(), 1);
    identity::accept(&backend, &ada, &slug, &second).await.unwrap();
    assert_eq!(problem(identity::accept(&backend, &ada, &slug, &second).await), Problem::NotFound);
    let scope = identity::scope_for_user(&backend, ada.user_id, &slug).await.unwrap();
    assert_eq!(*scope.actor(), Actor::User { user_id: ada.user_id, role: Role::Viewer });
    let again = problem(identity::invite(&backend, &acme.owner, "ada@example.com", Role::Viewer).await);
    assert_eq!(again.fields()[0].code, "member");

    // Revoked, expired, and invited anew after that.
    let open = identity::invite(&backend, &acme.owner, "bob@example.com", Role::Member).await.unwrap();
    let token = link(&backend, &clock, "bob@example.com", &path).await;
    identity::revoke_invitation(&backend, &acme.owner, open.invitation_id).await.unwrap();
    assert_eq!(problem(identity::offer(&backend, &slug, &token).await), Problem::NotFound);
    let twice = identity::revoke_invitation(&backend, &acme.owner, open.invitation_id).await;
    assert_eq!(problem(twice), Problem::NotFound);
    identity::invite(&backend, &acme.owner, "bob@example.com", Role::Member).await.unwrap();
    let token = link(&backend, &clock, "bob@example.com", &path).await;
    clock.advance(Duration::days(7));
    assert_eq!(problem(identity::accept(&backend, &bob, &slug, &token).await), Problem::NotFound);
    assert!(identity::list_invitations(&backend, &acme.owner).await.unwrap().is_empty());
    identity::invite(&backend, &acme.owner, "bob@example.com", Role::Member).await.unwrap();
    let token = link(&backend, &clock, "bob@example.com", &path).await;
    identity::accept(&backend, &bob, &slug, &token).await.unwrap();

    // Other organizations' invitations cannot be revoked.
    let globex = seed::organization(&backend, "UTC").await;
    let open = identity::invite(&backend, &acme.owner, "carol@example.com", Role::Member).await.unwrap();
    let foreign = identity::revoke_invitation(&backend, &globex.owner, open.invitation_id).await;
    assert_eq!(problem(foreign), Problem::NotFound);
}

/// Both change the invitation and the organization's members: where one took the locks in another order, they waited for each other for ever.
#[tokio::test]
async fn an_invitation_is_replaced_and_accepted_at_once() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let slug = identity::organization(&backend, &acme.owner).await.unwrap().slug;
    let ada = user(&backend, &clock, "ada@example.com").await;
    identity::invite(&backend, &acme.owner, "ada@example.com", Role::Member).await.unwrap();
    let token = link(&backend, &clock, "ada@example.com", &format!("/invitations/{slug}/")).await;
    // The organization is held while she accepts: she must not hold her invitation meanwhile.
    let mut held = backend.pool.begin().await.unwrap();
    sqlx::query("select from organizations where slug = $1 for no key update")
        .bind(&slug)
        .execute(&mut *held)
        .await
        .unwrap();
    let accepting = {
        let (backend, slug) = (backend.clone(), slug.clone());
        tokio::spawn(async move { identity::accept(&backend, &ada, &slug, &token).await })
    };
    let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&backend.pool).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    let free = sqlx::query("select from invitations where org_id = $1 for update nowait").bind(acme.id().0);
    free.execute(&mut *held).await.expect("her invitation is free");
    held.commit().await.unwrap();
    accepting.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_unverified_sign_up_does_not_survive_an_invitation() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    identity::sign_up(&backend, "ada@example.com", &secret("the stranger knows this"), "").await.unwrap();
    let stale = link(&backend, &clock, "ada@example.com", "/verify-email?token=").await;
    member(&backend, &clock, &acme, "ada@example.com", Role::Member).await;
    let stranger = identity::sign_in(&backend, "ada@example.com", &secret("the stranger knows this"), "").await;
    assert_eq!(problem(stranger).status(), 400);
    assert_eq!(problem(identity::verify_email(&backend, &stale, &secret(PASSWORD), "").await).status(), 409);
    identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await.unwrap();
}

#[tokio::test]
async fn every_verb_asks_the_table_of_roles() {
    use domain::identity::{KeyScope, Permission};
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let mut callers = vec![(Some(Role::Owner), acme.owner.clone()), (None, acme.api.clone())];
    for role in [Role::Admin, Role::Finance, Role::Member, Role::Viewer] {
        callers.push((Some(role), member(&backend, &clock, &acme, &format!("{role}@example.com"), role).await));
    }
    let nobody = UserId(backend.clock.new_id());
    let project = acme.project.project_id;
    for (role, scope) in &callers {
        let name = role.map_or("api key".to_owned(), |role| role.to_string());
        let forbidden = |result: Result<(), Error>| match result {
            Err(error) => error.into_problem().status() == 403,
            Ok(()) => false,
        };
        // Every verb with what it needs; arguments that do not exist, so that nothing changes for the next caller.
        let key = keys::NewKey {
            name: "k".to_owned(),
            scopes: KeyScope::ALL.into(),
            project: domain::project::KeyProject::Bound(project),
            expires_at: Some(backend.clock.now()),
        };
        let change = Change { name: String::new(), time_zone: "UTC".to_owned(), fiscal_year_start_month: 1 };
        let team = backend::projects::NewTeam::default;
        let new_project = || backend::projects::NewProject {
            name: String::new(),
            slug: String::new(),
            cost_centre: String::new(),
            team_id: acme.project.team_id,
        };
        let b = &backend;
        let outcomes = [
            (Permission::ManageKeys, forbidden(keys::create(b, scope, key).await.map(drop))),
            (Permission::ManageKeys, forbidden(keys::revoke(b, scope, nobody.0.into()).await.map(drop))),
            (Permission::ManageProjects, forbidden(backend::projects::create_team(b, scope, team()).await.map(drop))),
            (
                Permission::ManageProjects,
                forbidden(backend::projects::create_project(b, scope, new_project()).await.map(drop)),
            ),
            (
                Permission::ManageProjects,
                forbidden(
                    backend::projects::update_team(b, scope, nobody.0.into(), Default::default()).await.map(drop),
                ),
            ),
            (
                Permission::ManageProjects,
                forbidden(
                    backend::projects::update_project(b, scope, nobody.0.into(), Default::default()).await.map(drop),
                ),
            ),
            (
                Permission::ManageProjects,
                forbidden(backend::projects::archive_team(b, scope, nobody.0.into(), true).await.map(drop)),
            ),
            (
                Permission::ManageProjects,
                forbidden(backend::projects::archive_project(b, scope, nobody.0.into(), true).await.map(drop)),
            ),
            (
                Permission::ManageProjects,
                forbidden(backend::projects::move_project(b, scope, nobody.0.into(), acme.project.team_id, None).await),
            ),
            (
                Permission::ManageMembers,
                forbidden(identity::invite(b, scope, "not an address", Role::Viewer).await.map(drop)),
            ),
            (
                Permission::ManageOwners,
                forbidden(identity::invite(b, scope, "not an address", Role::Owner).await.map(drop)),
            ),
            (Permission::ManageMembers, forbidden(identity::list_invitations(b, scope).await.map(drop))),
            (Permission::ManageMembers, forbidden(identity::revoke_invitation(b, scope, InvitationId(nobody.0)).await)),
            (Permission::ManageMembers, forbidden(identity::change_role(b, scope, nobody, Role::Viewer).await)),
            (Permission::ManageMembers, forbidden(identity::remove_member(b, scope, nobody).await)),
            (Permission::ManageOwners, forbidden(identity::remove_member(b, scope, acme.user_id).await)),
            (Permission::ManageOwners, forbidden(identity::change_role(b, scope, acme.user_id, Role::Admin).await)),
            (
                Permission::ManageOrganization,
                forbidden(identity::update_organization(b, scope, change).await.map(drop)),
            ),
            (Permission::DeleteOrganization, forbidden(identity::delete_organization(b, scope, "").await.map(drop))),
            (Permission::DeleteOrganization, forbidden(identity::restore_organization(b, scope).await)),
            (Permission::Read, forbidden(identity::zone_change(b, scope).await.map(drop))),
            (Permission::ReadAudit, forbidden(audit::list(b, scope, 1).await.map(drop))),
            (Permission::Read, forbidden(keys::list(b, scope).await.map(drop))),
            (Permission::Read, forbidden(backend::projects::list_projects(b, scope).await.map(drop))),
            (Permission::Read, forbidden(backend::projects::list_teams(b, scope).await.map(drop))),
        ];
        for (at, (permission, was_forbidden)) in outcomes.into_iter().enumerate() {
            assert_eq!(was_forbidden, !scope.may(permission), "{name}: verb {at} needs {permission:?}");
        }
    }
}

#[tokio::test]
async fn an_owner_always_stays() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    for refused in [
        identity::leave(&backend, &acme.owner).await,
        identity::remove_member(&backend, &acme.owner, acme.user_id).await,
        identity::change_role(&backend, &acme.owner, acme.user_id, Role::Admin).await,
    ] {
        assert_eq!(problem(refused).status(), 409);
    }
    let second = member(&backend, &clock, &acme, "second@example.com", Role::Owner).await;
    // Both leave at once: one of them must stay.
    let (one, other) = tokio::join!(identity::leave(&backend, &acme.owner), identity::leave(&backend, &second));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let (left, stayed) = if one.is_ok() { (&acme.owner, &second) } else { (&second, &acme.owner) };
    let members = identity::list_members(&backend, stayed).await.unwrap();
    assert_eq!(members.len(), 1);
    let slug = identity::organization(&backend, stayed).await.unwrap().slug;
    let gone = identity::scope_for_user(&backend, left.user_id().unwrap(), &slug).await;
    assert_eq!(problem(gone), Problem::NotFound);
}

#[tokio::test]
async fn what_somebody_could_act_and_listen_by_ends_with_their_membership() {
    use domain::budget::{BudgetInput, ScopeRef};
    use domain::identity::{Belongings, Email, KeyScope};
    use domain::project::KeyProject;
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let slug = identity::organization(&backend, &acme.owner).await.unwrap().slug;
    for removed in [true, false] {
        let address = format!("admin-{removed}@example.com");
        let admin = member(&backend, &clock, &acme, &address, Role::Admin).await;
        let admin_id = admin.user_id().unwrap();
        let new = keys::NewKey {
            name: "robot".to_owned(),
            scopes: KeyScope::ALL.into(),
            project: KeyProject::AllWithDefault(acme.project.project_id),
            expires_at: None,
        };
        let key = keys::create(&backend, &admin, new).await.unwrap();
        let key = secrecy::ExposeSecret::expose_secret(&key.secret).to_owned();
        identity::invite(&backend, &admin, "friend@example.com", Role::Admin).await.unwrap();
        let invitation = link(&backend, &clock, "friend@example.com", &format!("/invitations/{slug}/")).await;
        let private = format!("private-{removed}@example.com");
        let recipients = [&address, &private, acme.email.as_str()].map(|text| Email::parse(text).unwrap()).to_vec();
        let input = BudgetInput {
            name: "All".to_owned(),
            scope: ScopeRef::Organization,
            amount: 100.into(),
            thresholds: vec![50],
            recipients,
        };
        let budget = backend::budgets::create(&backend, &admin, input).await.unwrap();
        let confirmed = link(&backend, &clock, &private, &format!("/recipients/{slug}/")).await;
        backend::budgets::confirm_recipient(&backend, &slug, &confirmed).await.unwrap();
        keys::authenticate(&backend, &key).await.unwrap();

        let shown = identity::belongings(&backend, &acme.owner).await.unwrap();
        assert_eq!(shown[&admin_id], Belongings { keys: 1, invitations: 1, budgets: 1, addresses: 1 });
        if removed {
            identity::remove_member(&backend, &acme.owner, admin_id).await.unwrap();
        } else {
            identity::leave(&backend, &admin).await.unwrap();
        }
        assert_eq!(problem(keys::authenticate(&backend, &key).await), Problem::Unauthenticated);
        assert_eq!(problem(identity::offer(&backend, &slug, &invitation).await), Problem::NotFound);
        let left = backend::budgets::get(&backend, &acme.owner, budget.budget_id).await.unwrap();
        let mailed: Vec<_> = left.mailed().map(ToString::to_string).collect();
        assert_eq!(mailed, [acme.email.to_string()], "nobody whom they entered, and not they");
        assert_eq!(left.unconfirmed, [Email::parse(&private).unwrap()]);
        assert!(!identity::belongings(&backend, &acme.owner).await.unwrap().contains_key(&admin_id));
        keys::authenticate(&backend, secrecy::ExposeSecret::expose_secret(&acme.key)).await.unwrap();
        let action = if removed { "member.removed" } else { "member.left" };
        let audit = audit::list(&backend, &acme.owner, 100).await.unwrap();
        let audit = audit.into_iter().find(|row| row.action == action).unwrap();
        for words in ["API keys robot (…", "invitations of friend@example.com", "mail of the budgets All"] {
            assert!(audit.detail.contains(words), "{words} in {}", audit.detail);
        }
    }
}

#[tokio::test]
async fn roles_change_as_far_as_the_callers_own_reach() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let admin = member(&backend, &clock, &acme, "admin@example.com", Role::Admin).await;
    let viewer = member(&backend, &clock, &acme, "viewer@example.com", Role::Viewer).await;
    let viewer_id = viewer.user_id().unwrap();
    assert_eq!(problem(identity::change_role(&backend, &admin, viewer_id, Role::Owner).await).status(), 403);
    identity::change_role(&backend, &admin, viewer_id, Role::Member).await.unwrap();
    identity::change_role(&backend, &acme.owner, viewer_id, Role::Owner).await.unwrap();
    assert_eq!(problem(identity::remove_member(&backend, &admin, viewer_id).await).status(), 403);
    identity::change_role(&backend, &acme.owner, viewer_id, Role::Viewer).await.unwrap();
    identity::remove_member(&backend, &admin, viewer_id).await.unwrap();
    let names: Vec<_> =
        identity::list_members(&backend, &acme.owner).await.unwrap().into_iter().map(|m| m.role).collect();
    assert_eq!(names, [Role::Admin, Role::Owner]);
    let actions: Vec<_> =
        audit::list(&backend, &acme.owner, 500).await.unwrap().into_iter().map(|row| row.action).collect();
    for action in ["member.invited", "member.joined", "member.changed", "member.removed", "organization.created"] {
        assert!(actions.iter().any(|found| found == action), "{action} is missing in {actions:?}");
    }
}
