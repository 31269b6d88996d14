//! One API key: what it may do, and how its usage is billed.

use super::api::ChooseBilling;
use super::page::{billed, scopes, served};
use crate::form::{Posted, hidden};
use crate::layout::{NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::prices::history::{Rows, entered, undone_under_changes};
use crate::prices::labels::span;
use crate::ui::{
    Breadcrumb, Button, ButtonKind, Choice, Crumb, Facts, Field, FormErrors, NoticeText, PageHead, Radios, Section,
    Table, Tone, UrlNotice, columns, html,
};
use domain::identity::Permission;
use domain::ids::KeyId;
use domain::price::{BillingBasis, BillingBasisRule};
use domain::problem::Problem;
use domain::project::ApiKey;
use domain::rule::Dated;
use domain::spend::{Dimension, Measure};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const NOTICES: &[NoticeText] = &[NoticeText {
    code: "chosen",
    tone: Tone::Good,
    text: "Saved. Events that come from now on follow it by their own time; recorded ones keep their cost until they are repriced.",
}];

/// The page of a key.
pub(crate) async fn key(visit: Visit) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let key_id: KeyId = visit.id("key")?;
    let (projects, keys, mut billing) = futures::try_join!(
        backend::projects::list_projects(backend, scope),
        backend::keys::list(backend, scope),
        backend::prices::billing(backend, scope)
    )?;
    let key = keys.into_iter().find(|key| key.key_id == key_id).ok_or(Problem::NotFound)?;
    billing.rows.retain(|choice| choice.row.key_id == key_id);
    let now = billed(&visit, &billing, &key);
    let (list, title) = (format!("/o/{}/settings/keys", visit.org()), format!("API key {}", key.name));
    let explore = UrlQuery::new()
        .with("measure", if now == BillingBasis::Included { Measure::IncludedValue } else { Measure::Spend }.as_str())
        .with(&Dimension::ApiKey.name(), &key_id.to_string())
        .at(&NavItem::Explore.path(visit.org()));
    let form = visit.frame.may(Permission::ManagePrices).then(|| choose(&visit, &key, now));
    Ok(Page::new(
        title.clone(),
        view! {
            <UrlNotice known=NOTICES/>
            <Breadcrumb crumbs=vec![Crumb::link("API keys", list), Crumb::here(key.name.clone())]/>
            <PageHead title=title/>
            <Facts>
                <div><dt>"Key"</dt><dd class="mono">{format!("{}…{}", key.prefix, key.last_four)}</dd></div>
                <div><dt>"Permissions"</dt><dd>{scopes(&key)}</dd></div>
                <div><dt>"Projects"</dt><dd>{served(&key, &projects)}</dd></div>
                <div><dt>"Billing"</dt><dd>{now.label()}": "{now.description()}". "<a href=explore>"Explore"</a></dd></div>
            </Facts>
            {choices(visit.org(), &billing.rows)}
            {form}
        },
    ))
}

fn choices(org: &str, choices: &[Dated<BillingBasisRule>]) -> AnyView {
    if choices.is_empty() {
        let text = "Nothing was chosen: usage is metered.";
        return html! { <Section title="Billing basis" id="choices"><p class="soft">{text}</p></Section> };
    }
    // A later choice ends an earlier one; there is nothing else to end.
    let rows = Rows { org, page: "", may_manage: false };
    let each = choices.iter().map(|choice| {
        html! {
            <tr class:soft=!choice.is_live()>
                <th scope="row">{choice.row.basis.label()}</th>
                <td class="nowrap">{span(choice.row.valid_from, choice.row.valid_to)}</td>
                <td class="wrap">{choice.row.reason.clone()}</td>
                <td>{entered(choice)}</td>
                <td class="end">{rows.end(choice, "")}</td>
            </tr>
        }
    });
    let (each, undo) = (each.collect_view(), undone_under_changes(org));
    html! {
        <Section title="Billing basis" note="without a choice, usage is metered" id="choices">
            <Table caption="Choices, newest first" columns=columns("Billing | Effective | Reason | Chosen | State ~")>{each}</Table>
            {undo}
        </Section>
    }
}

fn choose(visit: &Visit, key: &ApiKey, now: BillingBasis) -> AnyView {
    let form = Posted::<ChooseBilling>::here();
    let choice = |basis: BillingBasis| Choice::new(basis.as_str(), basis.label()).hint(basis.description());
    let bases = BillingBasis::ALL.map(choice).to_vec();
    let (basis, from) =
        (form.kept_or("basis", now.as_str()), form.kept_or("valid_from", &visit.frame.today.to_string()));
    let reprice = format!("{}/runs/new", NavItem::Prices.path(visit.org()));
    let of_key = hidden([("org", visit.org()), ("key", &key.key_id.to_string())]);
    html! {
        <Section title="Choose the billing basis" id="choose">
            <form method="post" action=ChooseBilling::url() class="form form-wide">
                <FormErrors errors=form.errors()/>
                {of_key}
                <Radios label="Usage of this key is" name="basis" choices=bases value=basis/>
                <Field label="From" name="valid_from" kind="date" optional=true value=from error=form.error("valid_from")
                    hint="By the time of the call; empty for all time before too."/>
                <Field label="Reason" name="reason" value=form.kept_or("reason", "") maxlength=500 error=form.error("reason")
                    hint="For those who read the numbers later, such as: team plan, order 12."/>
                <p class="soft small">"Recorded events keep their cost until you "<a href=reprice>"reprice them"</a>"."</p>
                <div class="actions"><Button kind=ButtonKind::Primary>"Save"</Button></div>
            </form>
        </Section>
    }
}
