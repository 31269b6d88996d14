//! The page of API keys.

use super::api::{CreateKey, KeyLine, Keys, RevokeKey, ShownOnce, list_keys};
use crate::error::Failure;
use crate::form::{Form, use_form};
use crate::format;
use crate::identity::{SettingsTabs, use_org};
use crate::ui::{
    Badge, Button, ButtonKind, Checkbox, Choice, CodeBlock, Column, EmptyState, Field, FormErrors, Loading,
    NoPermission, Notice, NoticeText, PageHead, Section, Select, Table, Tone, UrlNotice, loaded,
};
use domain::identity::{KeyScope, Permission, Role};
use domain::project::KeyProject;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;

const NOTICES: [NoticeText; 1] =
    [NoticeText { code: "revoked", tone: Tone::Good, text: "The key is revoked. It is refused from now on." }];

/// `/o/{org}/settings/keys`
#[component]
pub fn KeysPage() -> impl IntoView {
    let org = use_org();
    let create = use_form::<CreateKey>();
    let revoke = use_form::<RevokeKey>();
    let data = loaded(move || org.get(), list_keys);
    view! {
        <Title text="API keys"/>
        <PageHead title="Settings"/>
        <SettingsTabs/>
        <UrlNotice known=&NOTICES/>
        <FormErrors errors=revoke.errors()/>
        <Suspense fallback=|| view! { <Loading what="API keys"/> }>
            {move || Suspend::new(async move {
                match data.await {
                    Ok(keys) => page(&org.get_untracked(), keys, create),
                    Err(error) => view! { <Failure what="API keys" error=error/> }.into_any(),
                }
            })}
        </Suspense>
    }
}

fn page(org: &str, data: Keys, form: Form<CreateKey>) -> AnyView {
    let may_manage = data.role.may(Permission::ManageKeys);
    let shown = form.done().get_untracked().map(|shown| shown_once(shown, &data.endpoint));
    let list = if data.keys.is_empty() {
        view! { <EmptyState title="No API keys yet" text="A program needs one to send events or to read."/> }.into_any()
    } else {
        table(org, data.keys, may_manage)
    };
    let org = org.to_owned();
    view! {
        {shown}
        <Section title="API keys">{list}</Section>
        {if may_manage {
            view! { <Section title="New key" id="new">{create_form(org, data.projects, data.role, form)}</Section> }.into_any()
        } else {
            view! { <NoPermission what=Permission::ManageKeys.description() who="an owner, admin or member"/> }.into_any()
        }}
    }
    .into_any()
}

fn shown_once(shown: ShownOnce, endpoint: &str) -> AnyView {
    let ShownOnce { name, key } = shown;
    let check = format!(
        "curl {endpoint} \\\n  -H \"Authorization: Bearer {key}\" \\\n  -d '{{\"provider\": \"openai\", \"model\": \"gpt-4o-mini\", \"usage\": {{\"prompt_tokens\": 12, \"completion_tokens\": 3}}}}'"
    );
    view! {
        <Notice tone=Tone::Good>{format!("The key “{name}” is made. Copy it now: it is shown this once and stored only as a hash.")}</Notice>
        <CodeBlock code=key what="API key"/>
        <details><summary>"Try it"</summary><CodeBlock code=check what="curl command"/></details>
    }
    .into_any()
}

fn table(org: &str, keys: Vec<KeyLine>, may_manage: bool) -> AnyView {
    let rows = keys.into_iter().map(|line| row(org, line, may_manage)).collect_view();
    let columns = vec![
        Column::text("Name"),
        Column::text("Key"),
        Column::text("May"),
        Column::text("Projects"),
        Column::text("Created"),
        Column::text("Last used"),
        Column::text("Expires"),
        Column::text("Actions").hidden(),
    ];
    view! { <Table caption="API keys" columns=columns>{rows}</Table> }.into_any()
}

fn row(org: &str, line: KeyLine, may_manage: bool) -> AnyView {
    let key = line.key;
    let state = match (key.revoked_at, line.live) {
        (Some(_), _) => Some(view! { " "<Badge>"revoked"</Badge> }),
        (None, false) => Some(view! { " "<Badge>"expired"</Badge> }),
        (None, true) => None,
    };
    let scopes = key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
    let projects = match key.project {
        KeyProject::Bound(_) => format!("only {}", line.project),
        KeyProject::AllWithDefault(_) => format!("all, else {}", line.project),
    };
    let day = |at: chrono::DateTime<chrono::FixedOffset>| format::day_year(at.date_naive());
    let used = line.last_used_at.map_or_else(|| "never".to_owned(), format::time);
    let expires = line.expires_at.map_or_else(|| "never".to_owned(), day);
    let label = format!("Revoke the key {}", key.name);
    let org = org.to_owned();
    view! {
        <tr>
            <th scope="row">{key.name.clone()}{state}</th>
            <td class="mono small nowrap">{format!("{}…{}", key.prefix, key.last_four)}</td>
            <td>{scopes}</td>
            <td>{projects}</td>
            <td class="nowrap">{day(line.created_at)}</td>
            <td class="nowrap">{used}</td>
            <td class="nowrap">{expires}</td>
            <td class="end">
                {(may_manage && key.revoked_at.is_none()).then(|| view! {
                    <form method="post" action=RevokeKey::url()>
                        <input type="hidden" name="org" value=org/>
                        <input type="hidden" name="key" value=key.key_id.to_string()/>
                        <Button small=true attr:aria-label=label>"Revoke"</Button>
                    </form>
                })}
            </td>
        </tr>
    }
    .into_any()
}

fn create_form(org: String, projects: Vec<String>, role: Role, form: Form<CreateKey>) -> AnyView {
    let all = projects.iter().map(|slug| {
        Choice::new(format!("all:{slug}"), format!("All; {slug} where an event names none")).group("All projects")
    });
    let only =
        projects.iter().map(|slug| Choice::new(format!("only:{slug}"), format!("Only {slug}")).group("One project"));
    let choices: Vec<_> = all.chain(only).collect();
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
    let wrong = form.error("scopes").get_untracked();
    view! {
        <form class="form" method="post" action=CreateKey::url()>
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=org/>
            <Field label="Name" name="name" maxlength=80 hint="Where it is used, such as “support bot, production”."
                error=form.error("name") value=form.kept_or("name", "")/>
            <Select label="Projects" name="project" choices=choices value=chosen error=form.error("project")
                hint="A key of one project sees nothing of the others."/>
            <fieldset class="field radios" id="scopes">
                <legend class="field-label">"May"</legend>
                {scopes}
                {wrong.map(|wrong| view! { <p class="field-error">{wrong}</p> })}
            </fieldset>
            <Select label="Expires" name="expires_in_days" choices=expiries value=form.kept_or("expires_in_days", "0")/>
            <div class="actions"><Button kind=ButtonKind::Primary>"Create key"</Button></div>
        </form>
    }
    .into_any()
}
