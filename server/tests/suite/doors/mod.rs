//! Every door of the product, knocked on by whom it must not let in.
//!
//! The list of doors comes from the code: the operations of `/openapi.json`, the pages of the route table, the server functions, and the few plain routes.
//! Each door has a sample: a request that is valid for it, and the guard that stands there. A door without a sample fails the test, and so does a sample whose door is gone.
//!
//! To add a door, add a line to the file of its room in `samples/`:
//! * a page: `page("/o/{org}/things", "/o/acme/things")`, route and address;
//! * a server function, which takes a form: `form("things/create", &[("name", "Next")])`, without the prefix `/fn/` and without `org`;
//! * a form with a file: `file("/o/{org}/things/import", "/o/acme/things/import", &[("key", "…")])`;
//! * an operation of the API: `api("GET /v1/things/{id}", format!("/v1/things/{}", world.thing))`, with `.body(json!({…}))` where it takes one;
//!
//! and say who may: `.needs(Permission::…)` for members, `.guarded(Guard::Key(KeyScope::…))` for keys; without a word every member may, and every key that reads.
//! What the sample names must be there: make it in `world.rs`, with the word `SECRET` in it.

mod sample;
mod samples;
mod visibility;
mod world;

use crate::support::{Answer, Client, TestApp};
use app::page::{Files, Site};
use axum::http::StatusCode;
use domain::identity::{KeyScope, Role};
use leptos::server_fn::axum::server_fn_paths;
use sample::{Guard, Sample, samples};
use std::collections::{BTreeMap, BTreeSet};
use world::{PROJECT_SECRET, Place, SECRET, WHOLE_SECRET};

/// All doors of the application, from the code.
pub(crate) async fn of(app: &TestApp) -> BTreeSet<String> {
    let description = app.anonymous().get("/openapi.json").await.json();
    let operations = description["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys().filter(|name| *name != "parameters");
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    let site = Site::new(Files::default(), || ());
    let pages = app::routes::pages::<()>(&site).into_iter().map(|(path, _)| format!("GET {path}"));
    let functions = server_fn_paths().map(|(path, method)| format!("{method} {path}"));
    let plain = server::plain_doors().into_iter().map(|(method, path)| format!("{method} {path}"));
    operations.chain(pages).chain(functions).chain(plain).collect()
}

/// What went wrong, all of it, rather than the first.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn expect(&mut self, well: bool, sample: &Sample, who: &str, answer: &Answer) {
        if !well {
            let body: String = answer.body.chars().take(300).collect();
            let to = answer.header("location").unwrap_or_default();
            self.0.push(format!("{who} at {}: {} {to} {body}", sample.door, answer.status));
        }
    }

    fn conceals(&mut self, word: &str, sample: &Sample, who: &str, answer: &Answer) {
        let headers = format!("{:?}", answer.headers);
        if answer.body.contains(word) || headers.contains(word) {
            let at = answer.body.find(word).unwrap_or_default();
            let around: String =
                answer.body[..at].chars().rev().take(120).collect::<Vec<_>>().into_iter().rev().collect();
            self.0.push(format!("{who} at {} read of {word}: {around}", sample.door));
        }
    }

    fn report(self) {
        assert!(self.0.is_empty(), "{} faults:\n{}", self.0.len(), self.0.join("\n"));
    }
}

fn leads_to_sign_in(answer: &Answer) -> bool {
    answer.header("location").is_some_and(|to| to.starts_with("/sign-in"))
}

fn is_shut_for_strangers(answer: &Answer) -> bool {
    answer.status == StatusCode::UNAUTHORIZED || (answer.status.is_redirection() && leads_to_sign_in(answer))
}

fn is_opened(guard: Guard, answer: &Answer) -> bool {
    let leads_on = guard == Guard::Open || !leads_to_sign_in(answer);
    answer.status.is_success() || (answer.status.is_redirection() && leads_on)
}

/// The least of those that the guard lets in.
async fn least(place: &Place, guard: Guard) -> Client {
    match guard {
        Guard::Open => place.app.anonymous(),
        Guard::SignedIn => place.guest().await,
        Guard::Member(permission) => {
            let role = Role::ALL.into_iter().rev().find(|role| role.may(permission)).unwrap();
            place.member(role).await
        }
        Guard::Key(scope) => place.key(scope),
    }
}

#[tokio::test]
async fn every_door_has_a_sample() {
    let place = Place::new().await;
    let doors = of(&place.app).await;
    let samples: Vec<String> = samples(&place.world).into_iter().map(|sample| sample.door).collect();
    let known: BTreeSet<String> = samples.iter().cloned().collect();
    assert_eq!(known.len(), samples.len(), "a door has two samples");
    let without: Vec<_> = doors.difference(&known).collect();
    let gone: Vec<_> = known.difference(&doors).collect();
    assert!(without.is_empty() && gone.is_empty(), "without a sample: {without:#?}\nno such door: {gone:#?}");
}

#[tokio::test]
async fn the_description_says_what_every_operation_asks_and_refuses() {
    let place = Place::new().await;
    let description = place.app.anonymous().get("/openapi.json").await.json();
    let samples = samples(&place.world);
    for sample in &samples {
        let Guard::Key(scope) = sample.guard else { continue };
        let (method, path) = sample.door.split_once(' ').unwrap();
        let operation = &description["paths"][path][method.to_lowercase()];
        assert_eq!(operation["security"][0]["api_key"][0], scope.as_str(), "{}", sample.door);
        let answers = operation["responses"].as_object().unwrap();
        let expected = ["401", "403", "429", "503"].into_iter();
        let of_body = ["400", "413", "415"].into_iter().filter(|_| !operation["requestBody"].is_null());
        let of_path = path.contains('{').then_some("404");
        for status in expected.chain(of_body).chain(of_path) {
            assert!(answers.contains_key(status), "{} does not describe {status}", sample.door);
        }
    }
}

/// Knocks on every `SHARES`th door, from the `share`th on: tests of a few doors run beside each other.
///
/// Also proves that the samples are valid: what is shut to the others is shut to them, not to a mistake.
async fn doors_open_to_the_least_who_may(share: usize) {
    let mut faults = Faults::default();
    let shared = Place::new().await;
    for sample in samples(&shared.world).into_iter().skip(share).step_by(SHARES) {
        let answer = if sample.changes() {
            let own = Place::new().await;
            sample.knock(&least(&own, sample.guard).await).await
        } else {
            sample.knock(&least(&shared, sample.guard).await).await
        };
        faults.expect(is_opened(sample.guard, &answer), &sample, "the least who may", &answer);
    }
    faults.report();
}

/// Of so many tests each knocks on its share of the doors.
const SHARES: usize = 6;

macro_rules! shares {
    ($($name:ident = $share:literal),+) => {
        $(#[tokio::test]
        async fn $name() {
            const { assert!($share < SHARES) };
            doors_open_to_the_least_who_may($share).await;
        })+
    };
}

shares! {
    every_door_opens_to_the_least_who_may_1 = 0,
    every_door_opens_to_the_least_who_may_2 = 1,
    every_door_opens_to_the_least_who_may_3 = 2,
    every_door_opens_to_the_least_who_may_4 = 3,
    every_door_opens_to_the_least_who_may_5 = 4,
    every_door_opens_to_the_least_who_may_6 = 5
}

#[tokio::test]
async fn a_stranger_finds_every_door_shut() {
    let (place, mut faults) = (Place::new().await, Faults::default());
    let before = place.acmes().await;
    for sample in samples(&place.world).iter().filter(|sample| sample.guard != Guard::Open) {
        let answer = sample.knock(&place.app.anonymous()).await;
        faults.expect(is_shut_for_strangers(&answer), sample, "a stranger", &answer);
        faults.conceals(SECRET, sample, "a stranger", &answer);
    }
    assert_eq!(place.acmes().await, before);
    faults.report();
}

#[tokio::test]
async fn a_member_of_another_organization_finds_nothing() {
    let (place, mut faults) = (Place::new().await, Faults::default());
    let before = place.acmes().await;
    let other = place.other().await;
    for sample in samples(&place.world) {
        let answer = match sample.guard {
            Guard::Open | Guard::Key(_) => continue,
            Guard::SignedIn | Guard::Member(_) => sample.knock(&other).await,
        };
        let hidden = answer.status == StatusCode::NOT_FOUND;
        faults.expect(hidden || sample.guard == Guard::SignedIn, &sample, "another's owner", &answer);
        faults.conceals(SECRET, &sample, "another's owner", &answer);
    }
    assert_eq!(place.acmes().await, before);
    // Whatever was changed was their own: the guest's sign-in elsewhere is still there.
    assert!(place.guest().await.get("/account").await.body.contains(&place.world.sign_in));
    faults.report();
}

#[tokio::test]
async fn a_role_finds_shut_what_the_table_denies_it() {
    let (place, mut faults) = (Place::new().await, Faults::default());
    let before = place.acmes().await;
    let mut denied = 0;
    for role in Role::ALL {
        let member = place.member(role).await;
        for sample in samples(&place.world) {
            let Guard::Member(permission) = sample.guard else { continue };
            if role.may(permission) {
                continue;
            }
            denied += 1;
            let answer = sample.knock(&member).await;
            faults.expect(answer.status == StatusCode::FORBIDDEN, &sample, role.as_str(), &answer);
        }
    }
    assert!(denied > 50, "only {denied} knocks");
    assert_eq!(place.acmes().await, before);
    faults.report();
}

/// The project `main` and the team Main are theirs; everything that carries one of the words is not.
#[tokio::test]
async fn a_member_of_another_team_finds_nothing() {
    let (place, mut faults) = (Place::new().await, Faults::default());
    let limited = place.limited().await;
    let mut open = 0;
    for sample in samples(&place.world) {
        // Who leaves finds nothing at all.
        if matches!(sample.guard, Guard::Open | Guard::Key(_)) || sample.door.ends_with("/identity/leave") {
            continue;
        }
        let before = if sample.changes() { place.acmes().await } else { BTreeMap::new() };
        let answer = sample.knock(&limited).await;
        open += usize::from(answer.status.is_success());
        let concerns_all = matches!(sample.guard, Guard::Member(permission) if !permission.is_for_projects());
        let shut = answer.status == StatusCode::FORBIDDEN || answer.status == StatusCode::NOT_FOUND;
        faults.expect(!answer.status.is_server_error(), &sample, "a member of another team", &answer);
        faults.expect(shut || !concerns_all, &sample, "a member of another team", &answer);
        for word in [PROJECT_SECRET, WHOLE_SECRET] {
            faults.conceals(word, &sample, "a member of another team", &answer);
        }
        let after = if sample.changes() { place.acmes().await } else { BTreeMap::new() };
        for (table, rows) in after.iter().filter(|(table, rows)| before.get(*table) != Some(*rows)) {
            let new = rows.lines().filter(|row| !before.get(table).is_some_and(|before| before.contains(*row)));
            let words: Vec<_> =
                new.filter(|row| [PROJECT_SECRET, WHOLE_SECRET].iter().any(|word| row.contains(word))).collect();
            faults.expect(words.is_empty(), &sample, &format!("{table} changed by a member of another team"), &answer);
        }
    }
    assert!(open > 20, "only {open} doors open");
    faults.report();
}

#[tokio::test]
async fn a_key_of_another_organization_finds_nothing() {
    let (place, mut faults) = (Place::new().await, Faults::default());
    let before = place.acmes().await;
    let other = place.other_key();
    for sample in samples(&place.world).iter().filter(|sample| matches!(sample.guard, Guard::Key(_))) {
        let answer = sample.knock(&other).await;
        let hidden = answer.status == StatusCode::NOT_FOUND || !sample.names_one();
        faults.expect(hidden, sample, "another's key", &answer);
        faults.conceals(SECRET, sample, "another's key", &answer);
    }
    assert_eq!(place.acmes().await, before);
    faults.report();
}

#[tokio::test]
async fn a_key_of_another_project_finds_nothing() {
    let (place, mut faults) = (Place::new().await, Faults::default());
    let bound = place.bound_key();
    for sample in samples(&place.world).iter().filter(|sample| matches!(sample.guard, Guard::Key(_))) {
        let answer = sample.knock(&bound).await;
        let hidden = match sample.guard {
            // It may administer nothing at all; that is said whether or not the thing exists.
            Guard::Key(KeyScope::Admin) => answer.status == StatusCode::FORBIDDEN,
            _ => answer.status == StatusCode::NOT_FOUND || !sample.names_one(),
        };
        faults.expect(hidden, sample, "a key of another project", &answer);
        for word in [PROJECT_SECRET, WHOLE_SECRET] {
            faults.conceals(word, sample, "a key of another project", &answer);
        }
    }
    faults.report();
}

#[tokio::test]
async fn a_key_without_the_scope_is_refused() {
    let (place, mut faults) = (Place::new().await, Faults::default());
    let before = place.acmes().await;
    for scope in KeyScope::ALL {
        let key = place.key(scope);
        for sample in samples(&place.world) {
            if matches!(sample.guard, Guard::Key(needed) if needed != scope) {
                let answer = sample.knock(&key).await;
                faults.expect(answer.status == StatusCode::FORBIDDEN, &sample, scope.as_str(), &answer);
            }
        }
    }
    assert_eq!(place.acmes().await, before);
    faults.report();
}

/// A key opens no page and no server function, a session nothing of the API.
#[tokio::test]
async fn keys_and_sessions_do_not_stand_in_for_each_other() {
    let (place, mut faults) = (Place::new().await, Faults::default());
    let (owner, key) = (place.member(Role::Owner).await, place.bound_key());
    for sample in samples(&place.world) {
        let answer = match sample.guard {
            Guard::Open => continue,
            Guard::Key(_) => sample.knock(&owner).await,
            Guard::SignedIn | Guard::Member(_) => sample.knock(&key).await,
        };
        // A session's unsafe request is refused already for not coming from a page of ours.
        let shut = is_shut_for_strangers(&answer) || answer.status == StatusCode::FORBIDDEN;
        faults.expect(shut, &sample, "the wrong kind of caller", &answer);
    }
    faults.report();
}
