//! Organizations made and changed.

use super::*;
use backend::identity::Change;
use backend::keys;
use domain::identity::Email;
use testkit::TestDatabase;

#[tokio::test]
async fn organizations_get_slugs_of_their_own() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let ada = user(&backend, &clock, "ada@example.com").await;
    let mut slugs = vec![];
    for name in ["Acme & Söhne", "Acme & Söhne", "§"] {
        slugs.push(identity::create_organization(&backend, ada.user_id, name, "Asia/Kolkata").await.unwrap().slug);
    }
    assert_eq!(slugs, ["acme-s-hne", "acme-s-hne-2", "organization"]);
    let wrong = problem(identity::create_organization(&backend, ada.user_id, "", "Mars/Olympus").await);
    let fields: Vec<_> = wrong.fields().iter().map(|field| field.pointer.as_str()).collect();
    assert_eq!(fields, ["name", "time_zone"]);
    let mine = identity::organizations_of(&backend, ada.user_id).await.unwrap();
    assert!(mine.len() == 3 && mine.iter().all(|(_, role)| *role == Role::Owner));
}

#[tokio::test]
async fn changes_of_the_organization_reach_its_keys() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let change = Change { name: "Acme 2".to_owned(), time_zone: "Asia/Kolkata".to_owned(), fiscal_year_start_month: 4 };
    let changed = identity::update_organization(&backend, &acme.owner, change).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.slug.as_str(), changed.fiscal_year_start_month), ("Acme 2", "acme", 4));
    let key = secrecy::ExposeSecret::expose_secret(&acme.key).to_owned();
    let scope = keys::authenticate(&backend, &key).await.unwrap().scope;
    assert_eq!((scope.zone().name(), scope.fiscal_year_start_month()), ("Asia/Kolkata", 4));
    let owner = identity::scope_for_user(&backend, acme.owner.user_id().unwrap(), "acme").await.unwrap();
    assert_eq!(owner.fiscal_year_start_month(), 4);
    let wrong = Change { name: " ".to_owned(), time_zone: "x".to_owned(), fiscal_year_start_month: 13 };
    assert_eq!(problem(identity::update_organization(&backend, &acme.owner, wrong).await).status(), 400);
}

#[tokio::test]
async fn bootstrapping_twice_adds_a_key_and_nothing_else() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let wanted = |project: &str| identity::Bootstrap {
        email: "ada@example.com".to_owned(),
        password: secret(PASSWORD),
        organization: "Acme".to_owned(),
        time_zone: "Asia/Kolkata".to_owned(),
        project: project.to_owned(),
    };
    let first = identity::bootstrap(&backend, wanted("support-bot")).await.unwrap();
    let again = identity::bootstrap(&backend, wanted("support-bot")).await.unwrap();
    let other = identity::bootstrap(&backend, wanted("search")).await.unwrap();
    assert!(first.org_id == again.org_id && first.org_id == other.org_id && first.user_id == other.user_id);
    assert_eq!(first.project, again.project);
    let owner = identity::scope_in(&backend, first.user_id, first.org_id).await.unwrap();
    assert_eq!(backend::projects::list_projects(&backend, &owner).await.unwrap().len(), 2);
    assert_eq!(backend::projects::list_teams(&backend, &owner).await.unwrap().len(), 1);
    assert_eq!(keys::list(&backend, &owner).await.unwrap().len(), 3);
    // The owner can sign in at once.
    identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await.unwrap();
    let wrong = identity::Bootstrap { email: "x".to_owned(), ..wanted("main") };
    assert_eq!(problem(identity::bootstrap(&backend, wrong).await).fields()[0].pointer, "email");
}

#[tokio::test]
async fn a_user_sees_only_their_organizations() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let stranger = user(&backend, &clock, "stranger@example.com").await;
    let slug = identity::organization(&backend, &acme.owner).await.unwrap().slug;
    assert_eq!(problem(identity::scope_for_user(&backend, stranger.user_id, &slug).await), Problem::NotFound);
    assert_eq!(problem(identity::scope_for_user(&backend, stranger.user_id, "no-such").await), Problem::NotFound);
    assert!(identity::organizations_of(&backend, stranger.user_id).await.unwrap().is_empty());
    assert_eq!(Email::parse(acme.email.as_str()).unwrap(), acme.email);
}
