//! The page of API keys.

use super::api::{CreateKey, RevokeKey, ShownOnce};
use crate::form::{Posted, hidden};
use crate::format;
use crate::identity::settings_part;
use crate::page::{Drawn, Visit};
use crate::ui::{
    Badge, Button, ButtonKind, Checkbox, Choice, CodeBlock, EmptyState, Field, FormErrors, NoPermission, Notice,
    NoticeText, Section, Select, Table, Tone, UrlNotice, columns, html,
};
use domain::identity::{KeyScope, Permission};
use domain::price::{BillingBasis, BillingBasisRule, billing_at};
use domain::project::{ApiKey, KeyProject, Project};
use domain::rule::Dated;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const NOTICES: [NoticeText; 1] =
    [NoticeText { code: "revoked", tone: Tone::Good, text: "The key is revoked. It is refused from now on." }];

/// The organization's keys, those that work first, and making one.
pub(crate) async fn keys(visit: Visit) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let (projects, keys, billing) = futures::try_join!(
        backend::projects::list_projects(backend, scope),
        backend::keys::list(backend, scope),
        backend::prices::billing(backend, scope)
    )?;
    let form = Posted::<CreateKey>::here();
    let list = if keys.is_empty() {
        html! { <EmptyState title="No API keys yet" text="A program needs one to send events or to read."/> }
    } else {
        table(&visit, &projects, &billing, keys)
    };
    let new = if visit.frame.may(Permission::ManageKeys) {
        let fields = create_form(&visit, &projects, &form);
        html! { <Section title="New key" id="new">{fields}</Section> }
    } else {
        html! { <NoPermission what=Permission::ManageKeys.description() who="an owner, admin or member"/> }
    };
    let body = view! {
        <UrlNotice known=&NOTICES/>
        <FormErrors errors={Posted::<RevokeKey>::here().errors()}/>
        {form.done().map(|shown| shown_once(shown, &visit.backend.public_url))}
        <Section title="API keys">{list}</Section>
        {new}
    };
    Ok(settings_part(&visit, "API keys", body.into_any()))
}

fn shown_once(ShownOnce { name, key }: &ShownOnce, server: &str) -> AnyView {
    let check = format!(
        "curl {server}/v1/events \\\n  -H \"Authorization: Bearer {key}\" \\\n  -d '{{\"provider\": \"openai\", \"model\": \"gpt-4o-mini\", \"usage\": {{\"prompt_tokens\": 12, \"completion_tokens\": 3}}}}'"
    );
    let made = format!("The key “{name}” is made. Copy it now: it is shown this once and stored only as a hash.");
    html! {
        <Notice tone=Tone::Good>{made}</Notice>
        <CodeBlock code=key.clone() what="API key"/>
        <details><summary>"Try it"</summary><CodeBlock code=check what="curl command"/></details>
    }
}

fn table(visit: &Visit, projects: &[Project], billing: &[Dated<BillingBasisRule>], keys: Vec<ApiKey>) -> AnyView {
    let rows = keys.into_iter().map(|key| row(visit, projects, billing, key)).collect_view();
    let columns = columns("Name | Key | Permissions | Projects | Billing | Created | Last used | Expires | Actions ~");
    html! { <Table caption="API keys" columns=columns>{rows}</Table> }
}

/// Which projects a key serves, in words.
pub(super) fn served(key: &ApiKey, projects: &[Project]) -> String {
    let project = projects.iter().find(|project| project.project_id == key.project.default_project());
    let project = project.map(|project| project.slug.as_str()).unwrap_or_default();
    match key.project {
        KeyProject::Bound(_) => format!("only {project}"),
        KeyProject::AllWithDefault(_) => format!("all, else {project}"),
    }
}

/// What a key may do, in words.
pub(super) fn scopes(key: &ApiKey) -> String {
    key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

/// How the usage of a key is billed now.
pub(super) fn billed(visit: &Visit, billing: &[Dated<BillingBasisRule>], key: &ApiKey) -> BillingBasis {
    let live = billing.iter().filter(|choice| choice.is_live()).map(|choice| &choice.row);
    billing_at(live, key.key_id, visit.backend.clock.now())
}

fn row(visit: &Visit, projects: &[Project], billing: &[Dated<BillingBasisRule>], key: ApiKey) -> AnyView {
    let expired = key.expires_at.is_some_and(|at| at <= visit.backend.clock.now());
    let state = match (key.revoked_at, expired) {
        (Some(_), _) => Some(view! { " "<Badge>"revoked"</Badge> }),
        (None, true) => Some(view! { " "<Badge>"expired"</Badge> }),
        (None, false) => None,
    };
    let (scopes, projects, billed) = (scopes(&key), served(&key, projects), billed(visit, billing, &key));
    let page = format!("/o/{}/settings/keys/{}", visit.org(), key.key_id);
    let zone = visit.scope.zone();
    let day = |at| format::day_year(zone.day_of(at));
    let used = key.last_used_at.map_or_else(|| "never".to_owned(), |at| format::time(zone.local(at)));
    let expires = key.expires_at.map_or_else(|| "never".to_owned(), day);
    let may_revoke = visit.frame.may(Permission::ManageKeys) && key.revoked_at.is_none();
    let label = format!("Revoke the key {}", key.name);
    html! {
        <tr>
            <th scope="row"><a href=page>{key.name}</a>{state}</th>
            <td class="mono small nowrap">{format!("{}…{}", key.prefix, key.last_four)}</td>
            <td>{scopes}</td>
            <td>{projects}</td>
            <td>{billed.label()}</td>
            <td class="nowrap">{day(key.created_at)}</td>
            <td class="nowrap">{used}</td>
            <td class="nowrap">{expires}</td>
            <td class="end">
                {may_revoke.then(|| view! {
                    <form method="post" action=RevokeKey::url()>
                        {hidden([("org", visit.org()), ("key", &key.key_id.to_string())])}
                        <Button small=true attr:aria-label=label>"Revoke"</Button>
                    </form>
                })}
            </td>
        </tr>
    }
}

fn create_form(visit: &Visit, projects: &[Project], form: &Posted<CreateKey>) -> AnyView {
    let (org, role) = (visit.org().to_owned(), visit.frame.role);
    let live = projects.iter().filter(|project| project.archived_at.is_none());
    let slugs: Vec<_> = live.map(|project| project.slug.as_str()).collect();
    let all = slugs.iter().map(|slug| {
        Choice::new(format!("all:{slug}"), format!("All; {slug} where an event names none")).group("All projects")
    });
    let only =
        slugs.iter().map(|slug| Choice::new(format!("only:{slug}"), format!("Only {slug}")).group("One project"));
    let choices: Vec<_> = all.filter(|_| visit.scope.sees_all()).chain(only).collect();
    let chosen =
        form.kept("project").or_else(|| choices.first().map(|choice| choice.value.clone())).unwrap_or_default();
    let expiries = [("0", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")];
    let expiries = expiries.map(|(value, label)| Choice::new(value, label)).to_vec();
    let scopes = KeyScope::ALL
        .into_iter()
        .filter(|scope| role.may_make(*scope))
        .map(|scope| {
            let ticked = form.kept_tick(scope.as_str(), scope == KeyScope::Ingest);
            view! { <Checkbox name=scope.as_str() label=scope.as_str() hint=scope.description() checked=ticked/> }
        })
        .collect_view();
    let wrong = form.error("scopes");
    html! {
        <form class="form" method="post" action=CreateKey::url()>
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=org/>
            <Field label="Name" name="name" maxlength=80 hint="Where it is used, such as “support bot, production”."
                error=form.error("name") value=form.kept_or("name", "")/>
            <Select label="Projects" name="project" find=true choices=choices value=chosen error=form.error("project")
                hint="A key of one project sees nothing of the others."/>
            <fieldset class="field radios" id="scopes">
                <legend class="field-label">"Permissions"</legend>
                {scopes}
                {wrong.map(|wrong| view! { <p class="field-error">{wrong}</p> })}
            </fieldset>
            <Select label="Expires" name="expires_in_days" choices=expiries value=form.kept_or("expires_in_days", "0")/>
            <div class="actions"><Button kind=ButtonKind::Primary>"Create key"</Button></div>
        </form>
    }
}
