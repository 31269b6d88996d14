//! The list of annotations with the form that adds one, and the page on which one is edited.

use super::api::{ChangeAnnotation, DeleteAnnotation, RecordAnnotation, RestoreAnnotation};
use super::{concerns, path, when};
use crate::error::AppError;
use crate::form::{Posted, hidden};
use crate::layout::PeriodSelection;
use crate::page::{Drawn, Page, Visit};
use crate::suggestions::suggest;
use crate::ui::{
    Breadcrumb, Button, ButtonKind, Choice, Crumb, EmptyState, Field, FormErrors, Notice, NoticeText, PageHead,
    Section, Select, Table, Tone, UrlNotice, columns, html,
};
use domain::annotation::{Annotation, AnnotationForm, AnnotationKind, MAX_TEXT};
use domain::budget::SpendScope;
use domain::identity::Permission;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use serde::de::DeserializeOwned;

const NOTICES: &[NoticeText] = &[
    NoticeText { code: "recorded", tone: Tone::Good, text: "The annotation stands on every chart over its time." },
    NoticeText { code: "changed", tone: Tone::Good, text: "The annotation is changed." },
    NoticeText { code: "restored", tone: Tone::Good, text: "The annotation is back." },
];

/// What happened in the chosen days.
pub(crate) async fn annotations(visit: Visit) -> Drawn {
    let org = visit.org();
    let period = PeriodSelection::from_query(&visit.query, visit.frame.calendar()).period;
    let part = SpendScope::Organization;
    let all = backend::annotations::happened(&visit.backend, &visit.scope, part, period).await?;
    let may = visit.frame.may(Permission::ManageViews);
    let removed = visit.query.get("removed").map(|id| {
        let fields = hidden([("org", org), ("annotation", id)]);
        html! {
            <form method="post" action=RestoreAnnotation::url()>
                {fields}
                <Notice>"The annotation is deleted. "<Button small=true>"Undo"</Button></Notice>
            </form>
        }
    });
    let new = may.then(|| {
        let at = visit.frame.today.to_string();
        let start = AnnotationForm { kind: "deploy".to_owned(), at, ..AnnotationForm::default() };
        let form = form::<RecordAnnotation>(org, &start, Vec::new());
        view! { <Section title="New annotation" id="new">{form}</Section> }
    });
    let errors = Posted::<RestoreAnnotation>::here().errors();
    let lead = "Deploys, incidents and price changes stand on every chart over their time.";
    let table = table(org, &all, may);
    Ok(Page::new(
        "Annotations",
        view! {
            <UrlNotice known=NOTICES/>
            {removed}
            <FormErrors errors=errors/>
            <PageHead title="Annotations" lead=lead/>
            {table}
            {new}
        },
    ))
}

fn table(org: &str, all: &[Annotation], may: bool) -> AnyView {
    if all.is_empty() {
        let text = "Add one below, or let a pipeline send each deploy by POST /v1/annotations.";
        return html! { <EmptyState title="Nothing is annotated in these days" text=text/> };
    }
    let row = |of: &Annotation| {
        let link = of.link.clone().map(|link| view! { " "<a href=link rel="noreferrer">"more"</a> });
        let edit = of.annotation_id.filter(|_| may).map(|id| {
            let (href, name) = (format!("{}/{id}", path(org)), format!("Edit {}", of.text));
            view! { <a href=href aria-label=name>"edit"</a> }
        });
        let (when, kind, text, by) = (when(of), of.kind.label(), of.text.clone(), of.recorded_by.clone());
        let about = concerns(of).unwrap_or_else(|| "organization".to_owned());
        view! {
            <tr>
                <th scope="row" class="nowrap">{when}</th>
                <td>{kind}</td>
                <td>{text}{link}</td>
                <td>{about}</td>
                <td>{by}</td>
                <td>{edit}</td>
            </tr>
        }
    };
    let (rows, heads) =
        (all.iter().rev().map(row).collect_view(), columns("When | Kind | What | Concerns | Source | Edit"));
    html! { <Section title="In these days"><Table caption="Annotations" columns=heads>{rows}</Table></Section> }
}

/// One annotation, to be edited.
pub(crate) async fn annotation(visit: Visit) -> Drawn {
    visit.scope.require(Permission::ManageViews)?;
    let org = visit.org();
    let id = visit.id("annotation")?;
    let found = backend::annotations::find(&visit.backend, &visit.scope, id).await?;
    let id = id.to_string();
    let fields = || vec![("annotation", id.as_str())];
    let edit = form::<ChangeAnnotation>(org, &found.form(), fields());
    let delete = hidden([("org", org), ("annotation", &id)]);
    let errors = Posted::<DeleteAnnotation>::here().errors();
    let crumbs = vec![Crumb::link("Annotations", path(org)), Crumb::here("Edit")];
    Ok(Page::new(
        "Edit annotation",
        view! {
            <Breadcrumb crumbs=crumbs/>
            <PageHead title="Edit annotation"/>
            {edit}
            <form method="post" action=DeleteAnnotation::url()>
                {delete}
                <FormErrors errors=errors/>
                <Button>"Delete"</Button>
            </form>
        },
    ))
}

/// The fields of an annotation, posted to one of the two doors that take them.
fn form<S>(org: &str, start: &AnnotationForm, more: Vec<(&str, &str)>) -> AnyView
where
    S: ServerFn<Error = AppError>,
    S::Output: DeserializeOwned,
{
    let form = Posted::<S>::here();
    let fields = hidden([("org", org)].into_iter().chain(more));
    let kinds = AnnotationKind::ALL.map(|kind| Choice::new(kind.as_str(), kind.label())).to_vec();
    let (project, team) = (suggest(org, "project"), suggest(org, "team"));
    let time = "A day, or a time such as 2026-11-20T14:05:00Z.";
    html! {
        <form class="form form-wide" method="post" action=S::url()>
            {fields}
            <FormErrors errors=form.errors()/>
            <div class="form-row">
                <Select label="Kind" name="kind" choices=kinds value=form.kept_or("kind", &start.kind) error=form.error("kind")/>
                <Field label="What happened" name="text" maxlength=MAX_TEXT value=form.kept_or("text", &start.text) error=form.error("text")/>
            </div>
            <div class="form-row">
                <Field label="When" name="at" hint=time value=form.kept_or("at", &start.at) error=form.error("at")/>
                <Field label="Until" name="until" optional=true value=form.kept_or("until", &start.until) error=form.error("until")/>
            </div>
            <div class="form-row">
                <Field label="Project" name="project" optional=true suggest=project value=form.kept_or("project", &start.project) error=form.error("project")/>
                <Field label="Team" name="team" optional=true suggest=team value=form.kept_or("team", &start.team) error=form.error("team")/>
            </div>
            <Field label="Link" name="link" optional=true value=form.kept_or("link", &start.link) error=form.error("link")/>
            <div class="actions"><Button kind=ButtonKind::Primary>"Save"</Button></div>
        </form>
    }
}
