//! Annotations: recorded once, seen by those whom they concern, and what the price book adds.

use crate::support::{Server, day};
use backend::annotations::{self, Recorded};
use backend::{Error, OrgScope, prices};
use chrono::Duration;
use domain::annotation::{AnnotationForm, AnnotationKind, NewAnnotation};
use domain::budget::SpendScope;
use domain::identity::Role;
use domain::period::Period;
use domain::price::PriceForm;
use domain::problem::Problem;
use testkit::seed;

const NOW: &str = "2026-11-20T12:00:00Z";

fn form(id: &str, text: &str, at: &str) -> AnnotationForm {
    let (id, text, at) = (id.to_owned(), text.to_owned(), at.to_owned());
    AnnotationForm { id, kind: "deploy".to_owned(), text, at, ..AnnotationForm::default() }
}

fn new(scope: &OrgScope, form: &AnnotationForm) -> NewAnnotation {
    form.parse(scope.zone()).unwrap()
}

fn november() -> Period {
    Period::new(day("2026-11-01"), day("2026-12-01")).unwrap()
}

async fn texts(server: &Server, scope: &OrgScope, part: SpendScope) -> Vec<String> {
    let all = annotations::list(&server.backend, scope, part, november()).await.unwrap();
    all.into_iter().map(|annotation| annotation.text).collect()
}

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> Problem {
    result.unwrap_err().into_problem()
}

#[tokio::test]
async fn an_id_is_recorded_once() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "Asia/Kolkata").await;
    let (backend, api) = (&server.backend, &acme.api);
    let sent = new(api, &form("deploy-1", "Version 1", "2026-11-19T14:00:00Z"));
    let Recorded::New(made) = annotations::record(backend, api, &sent).await.unwrap() else { panic!("it is new") };
    assert_eq!(made.from.to_string(), "2026-11-19 19:30:00 +05:30");
    assert_eq!(annotations::record(backend, api, &sent).await.unwrap(), Recorded::Duplicate(made.clone()));
    let other = new(api, &form("deploy-1", "Version 2", "2026-11-19T14:00:00Z"));
    assert!(matches!(problem(annotations::record(backend, api, &other).await), Problem::Conflict { .. }));
    let unknown = AnnotationForm { project: "none".to_owned(), ..form("", "x", "2026-11-19") };
    let wrong = problem(annotations::record(backend, api, &new(api, &unknown)).await);
    assert_eq!(wrong.fields()[0].pointer, "project");

    let id = made.annotation_id.unwrap();
    let later = |form: AnnotationForm| AnnotationForm { until: "2026-11-21".to_owned(), ..form };
    let changed = annotations::change(backend, &acme.owner, id, later).await.unwrap();
    assert_eq!((changed.text.as_str(), changed.sent_id.as_deref()), ("Version 1", Some("deploy-1")));
    assert_eq!(changed.to.unwrap().to_string(), "2026-11-22 00:00:00 +05:30");
    let before = |form: AnnotationForm| AnnotationForm { until: "2026-11-01".to_owned(), ..form };
    let wrong = problem(annotations::change(backend, &acme.owner, id, before).await);
    assert_eq!(wrong.fields()[0].pointer, "until");

    annotations::delete(backend, &acme.owner, id).await.unwrap();
    assert!(texts(&server, api, SpendScope::Organization).await.is_empty());
    assert_eq!(problem(annotations::find(backend, api, id).await), Problem::NotFound);
    annotations::restore(backend, &acme.owner, id).await.unwrap();
    assert_eq!(texts(&server, api, SpendScope::Organization).await, ["Version 1"]);
    annotations::delete(backend, &acme.owner, id).await.unwrap();
    server.clock.advance(Duration::days(31));
    annotations::record(backend, api, &new(api, &form("", "Next", "2026-11-30"))).await.unwrap();
    assert_eq!(problem(annotations::restore(backend, &acme.owner, id).await), Problem::NotFound);
}

#[tokio::test]
async fn it_is_seen_by_those_whom_it_concerns() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let (backend, owner) = (&server.backend, &acme.owner);
    let lab = acme.team("lab").await;
    let side = acme.project_of(lab, "side").await;
    let of = |text: &str, project: &str, team: &str| {
        let (project, team) = (project.to_owned(), team.to_owned());
        AnnotationForm { project, team, ..form("", text, "2026-11-19") }
    };
    for form in [of("all", "", ""), of("of main", "main", ""), of("of side", "side", ""), of("of lab", "", "lab")] {
        annotations::record(backend, owner, &new(owner, &form)).await.unwrap();
    }
    let sorted = async |scope: &OrgScope, part| {
        let mut texts = texts(&server, scope, part).await;
        texts.sort();
        texts
    };
    assert_eq!(sorted(owner, SpendScope::Organization).await.len(), 4);
    let of_side = ["all", "of lab", "of side"];
    assert_eq!(sorted(owner, SpendScope::Project(side.project_id)).await, of_side);
    assert_eq!(sorted(owner, SpendScope::Team(lab)).await, of_side);
    assert_eq!(sorted(owner, SpendScope::Project(acme.project.project_id)).await, ["all", "of main"]);
    let (_, bound) = seed::bound_key(backend, owner, &acme.project).await;
    assert_eq!(sorted(&bound, SpendScope::Organization).await, ["all", "of main"]);
    let whole = annotations::record(backend, &bound, &new(&bound, &of("x", "", ""))).await;
    assert_eq!(problem(whole).fields()[0].pointer, "project");
    let others = annotations::record(backend, &bound, &new(&bound, &of("x", "side", ""))).await;
    assert_eq!(problem(others).fields()[0].code, "unknown");
    annotations::record(backend, &bound, &new(&bound, &of("its own", "main", ""))).await.unwrap();
    let viewer = acme.member("viewer@example.com", Role::Viewer).await;
    let refused = annotations::record(backend, &viewer, &new(&viewer, &of("x", "", ""))).await;
    assert!(matches!(problem(refused), Problem::Forbidden { .. }));
}

#[tokio::test]
async fn prices_that_change_are_annotations_by_themselves() {
    let server = Server::at(NOW).await;
    let backend = &server.backend;
    prices::sync_seed(&backend.pool, &*server.clock).await.unwrap();
    prices::refresh(backend).await.unwrap();
    let acme = server.organization("Acme", "Asia/Kolkata").await;
    let price = |model: &str, rate: &str, from: &str| PriceForm {
        provider: "openai".to_owned(),
        model: model.to_owned(),
        meter: "output".to_owned(),
        rate: rate.to_owned(),
        valid_from: from.to_owned(),
        source: "Contract".to_owned(),
        confirmed: "true".to_owned(),
        ..PriceForm::default()
    };
    let enter = async |form: PriceForm| {
        prices::add_prices(backend, &acme.owner, &[form.parse().unwrap()], true).await.unwrap();
    };
    enter(price("gpt-4o", "8", "2026-11-10")).await;
    enter(price("gpt-4o-mini", "0.5", "2026-11-10")).await;
    let call = |model: &str, at: &str| {
        let call = serde_json::json!({"id": at, "timestamp": at, "provider": "openai", "model": model,
            "usage": {"prompt_tokens": 1000, "completion_tokens": 100}});
        serde_json::from_value::<domain::event::EventInput>(call).unwrap()
    };
    let events = vec![call("gpt-4o", "2026-11-05T10:00:00Z")];
    backend::events::ingest_inputs(backend, &acme.api, events).await.unwrap();
    let happened =
        async |period| annotations::happened(backend, &acme.owner, SpendScope::Organization, period).await.unwrap();
    let all = happened(november()).await;
    assert_eq!(all.len(), 1, "of models that were used: {all:?}");
    assert_eq!((all[0].kind, all[0].annotation_id), (AnnotationKind::PriceChange, None));
    assert_eq!(all[0].text, "gpt-4o: output $8.00 instead of $10.00 per 1M");
    assert_eq!(
        (all[0].from.to_string(), all[0].recorded_by.as_str()),
        ("2026-11-10 00:00:00 +05:30".to_owned(), "custom price")
    );
    assert!(happened(Period::new(day("2026-11-11"), day("2026-12-01")).unwrap()).await.is_empty());
}
