//! The alert ledger: what was crossed, who was told, what the mail server answered.

use super::api::{AcknowledgeAlert, load_alerts};
use super::labels;
use crate::error::Failure;
use crate::form::{Form, use_form};
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::ui::{
    Column, EmptyState, FormErrors, Loading, PageHead, Pager, RowButton, StatusDot, Tab, Table, Tabs, loaded_first,
};
use domain::budget::{Alert, AlertFilter, AlertPage, Delivery};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

/// The organization's ledger.
#[component]
pub fn AlertsPage() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let here = Memo::new(move |_| UrlQuery::from(&*query.read()));
    let state = Memo::new(move |_| here.with(|here| here.get("state").map(str::to_owned)));
    let before = Memo::new(move |_| here.with(|here| here.get("before").map(str::to_owned)));
    let form = use_form::<AcknowledgeAlert>();
    let acknowledged = form.action.version();
    let page = loaded_first(
        move || (org.get(), state.get(), before.get(), acknowledged.get()),
        |(org, state, before, _)| load_alerts(org, state, before),
    );
    view! {
        <Title text="Alerts"/>
        <PageHead title="Alerts" lead="Every threshold that was crossed, once per month and amount, with what became of its mails."/>
        <FormErrors errors=form.errors()/>
        {move || tabs(&org.get(), &here.get())}
        <Transition fallback=|| view! { <Loading what="alerts" lines=6/> }>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(page) => draw(&org.get_untracked(), &here.get_untracked(), &page, form),
                    Err(error) => view! { <Failure what="alerts" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn tabs(org: &str, here: &UrlQuery) -> AnyView {
    let path = NavItem::Alerts.path(org);
    let chosen: AlertFilter = here.get("state").and_then(|word| word.parse().ok()).unwrap_or_default();
    let tab = |filter: AlertFilter| {
        let href = match filter {
            AlertFilter::All => here.without(&["state"]).at(&path),
            other => here.with("state", other.as_str()).at(&path),
        };
        Tab::new(label(filter), href, filter == chosen)
    };
    view! { <Tabs label="Alerts by state" tabs=AlertFilter::ALL.map(tab).to_vec()/> }.into_any()
}

const fn label(filter: AlertFilter) -> &'static str {
    match filter {
        AlertFilter::All => "All",
        AlertFilter::Open => "Open",
        AlertFilter::Acknowledged => "Acknowledged",
        AlertFilter::Undelivered => "Not delivered",
    }
}

fn draw(org: &str, here: &UrlQuery, page: &AlertPage, form: Form<AcknowledgeAlert>) -> AnyView {
    if page.alerts.is_empty() {
        return empty(here);
    }
    let path = NavItem::Alerts.path(org);
    let next = page.next.map(|next| here.with("before", &next.to_string()).at(&path));
    let newest = here.get("before").map(|_| here.without(&["before"]).at(&path));
    view! {
        <Ledger org=org.to_owned() caption="Alerts" alerts=page.alerts.clone() may_manage=page.may_manage form=form budgets=true/>
        <Pager previous=newest next=next previous_label="Newest"/>
    }
    .into_any()
}

fn empty(here: &UrlQuery) -> AnyView {
    match here.get("state") {
        None | Some("all") => view! {
            <EmptyState title="No alerts yet" text="When spend crosses a threshold of a budget, it stands here with the mails it sent."/>
        }
        .into_any(),
        Some(_) => view! { <EmptyState title="No such alerts"/> }.into_any(),
    }
}

/// Rows of the ledger.
#[component]
pub fn Ledger(
    /// Slug of the organization.
    org: String,
    /// What the table lists.
    #[prop(into)]
    caption: String,
    /// The rows.
    alerts: Vec<Alert>,
    /// Whether the reader may acknowledge them.
    may_manage: bool,
    /// The form behind the button of each row.
    form: Form<AcknowledgeAlert>,
    /// Whether each row names its budget.
    #[prop(optional)]
    budgets: bool,
) -> impl IntoView {
    let columns = vec![
        Column::text("Crossed"),
        Column::text("What"),
        Column::number("Used, $"),
        Column::number("Of, $"),
        Column::text("Mail"),
        Column::text("Seen to"),
    ];
    let rows = alerts
        .into_iter()
        .map(|alert| {
            let used = alert.spend;
            let estimated = (!alert.estimated.is_zero())
                .then(|| view! { <span class="note note-below">{format!("{} of it estimated", format::money(alert.estimated))}</span> });
            let what = what(&org, &alert, budgets);
            let mails = mails(&alert);
            let seen = seen_to(&org, &alert, may_manage, form);
            view! {
                <tr>
                    <th scope="row" class="nowrap"><time datetime=format::time_machine(alert.at) title=format::time_exact(alert.at)>{format::time(alert.at)}</time></th>
                    <td>{what}</td>
                    <td class="num" title=format::money_full(used)>{format::money_plain(used)}{estimated}</td>
                    <td class="num" title=format::money_full(alert.amount)>{format::money_plain(alert.amount)}</td>
                    <td class="wrap">{mails}</td>
                    <td>{seen}</td>
                </tr>
            }
        })
        .collect_view();
    view! { <Table caption=caption columns=columns>{rows}</Table> }
}

fn what(org: &str, alert: &Alert, budgets: bool) -> AnyView {
    let month = format::month(alert.month);
    let threshold = format!("{}\u{a0}% of {}, {month}", alert.threshold, labels::dollars(alert.amount));
    if !budgets {
        return threshold.into_any();
    }
    let href = format!("{}/{}", NavItem::Budgets.path(org), alert.budget_id);
    view! { <a href=href>{alert.budget_name.clone()}</a><span class="note note-below">{threshold}</span> }.into_any()
}

fn mails(alert: &Alert) -> AnyView {
    if alert.deliveries.is_empty() {
        return view! { <span class="soft">{labels::told(alert)}</span> }.into_any();
    }
    let rows = alert.deliveries.iter().map(|delivery| view! { <li>{mail(delivery)}</li> }).collect_view();
    view! { <ul class="mail-list">{rows}</ul> }.into_any()
}

/// One mail with the mail server's answer.
pub(super) fn mail(delivery: &Delivery) -> AnyView {
    let (word, tone) = labels::delivery(delivery.state);
    let attempts = match delivery.attempts {
        0 | 1 => String::new(),
        many => format!(" after {many} attempts"),
    };
    let answer = delivery.answer.clone().map(|answer| view! { <span class="note mono">{answer}</span> });
    let title = delivery.last_attempt_at.map(format::time_exact);
    view! {
        <span title=title><StatusDot tone=tone>{format!("{word}{attempts}")}</StatusDot></span>" "{delivery.recipient.clone()}
        {answer}
    }
    .into_any()
}

fn seen_to(org: &str, alert: &Alert, may_manage: bool, form: Form<AcknowledgeAlert>) -> AnyView {
    if let Some(at) = alert.acknowledged_at {
        let by = alert.acknowledged_by.clone().map(|by| view! { <span class="note">{by}</span> });
        return view! { <time datetime=format::time_machine(at)>{format::time(at)}</time>{by} }.into_any();
    }
    if !may_manage {
        return view! { <span class="soft">"open"</span> }.into_any();
    }
    let name = format!("Acknowledge {} % of {}", alert.threshold, alert.budget_name);
    let (org, alert) = (org.to_owned(), alert.alert_id.to_string());
    view! {
        <ActionForm action=form.action>
            <input type="hidden" name="org" value=org/>
            <input type="hidden" name="alert" value=alert/>
            <RowButton text="Acknowledge" name=name/>
        </ActionForm>
    }
    .into_any()
}
