//! The alert history: what was crossed, who was told, what the mail server answered.

use super::api::AcknowledgeAlert;
use super::labels;
use crate::forecast::estimated;
use crate::form::Posted;
use crate::format;
use crate::layout::{CsvLink, NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    EmptyState, Field, FormErrors, PageHead, Pager, RowButton, StatusDot, Tab, Table, Tabs, columns, html,
};
use domain::budget::{Alert, AlertFilter, AlertPage, Delivery};
use domain::problem::{FieldProblem, Problem};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The organization's ledger.
pub(crate) async fn alerts(visit: Visit) -> Drawn {
    let filter: AlertFilter = visit.query.get("state").map(str::parse).transpose().map_err(wrong)?.unwrap_or_default();
    let before = visit.query.get("before").map(str::parse).transpose().map_err(|_| Problem::NotFound)?;
    let page = backend::budgets::alerts(&visit.backend, &visit.scope, filter, None, before).await?;
    let form = Posted::<AcknowledgeAlert>::here();
    Ok(Page::new(
        "Alerts",
        view! {
            <PageHead title="Alerts" lead="What budgets crossed, once per month and amount, with what became of the mails."><CsvLink/></PageHead>
            <FormErrors errors=form.errors()/>
            {tabs(&visit, filter)}
            {draw(&visit, &page)}
        },
    ))
}

fn wrong(field: FieldProblem) -> Problem {
    Problem::invalid(vec![field])
}

fn tabs(visit: &Visit, chosen: AlertFilter) -> AnyView {
    let (here, path) = (&visit.query, &visit.path);
    let tab = |filter: AlertFilter| {
        let href = match filter {
            AlertFilter::All => here.without(&["state"]).at(path),
            other => here.with("state", other.as_str()).at(path),
        };
        Tab::new(label(filter), href, filter == chosen)
    };
    html! { <Tabs label="Alerts by state" tabs=AlertFilter::ALL.map(tab).to_vec()/> }
}

const fn label(filter: AlertFilter) -> &'static str {
    match filter {
        AlertFilter::All => "All",
        AlertFilter::Open => "Open",
        AlertFilter::Acknowledged => "Acknowledged",
        AlertFilter::Undelivered => "Not delivered",
    }
}

fn draw(visit: &Visit, page: &AlertPage) -> AnyView {
    let (here, path) = (&visit.query, &visit.path);
    if page.alerts.is_empty() {
        return empty(here);
    }
    let next = page.next.map(|next| here.with("before", &next.to_string()).at(path));
    let open = page.alerts.iter().filter(|alert| alert.acknowledged_at.is_none()).count();
    // Where no open one is left out.
    let is_whole = here.get("before").is_none() && matches!(here.get("state"), None | Some("all" | "open"));
    let all = page.alerts.first().filter(|_| page.may_manage && is_whole && open > 1);
    let all = all.map(|newest| acknowledge(visit.org(), newest, true));
    let newest = here.get("before").map(|_| here.without(&["before"]).at(path));
    html! {
        {all}
        <Ledger org=visit.org().to_owned() caption="Alerts" alerts=page.alerts.clone() may_manage=page.may_manage budgets=true/>
        <Pager previous=newest next=next previous_label="Newest"/>
    }
}

fn empty(here: &UrlQuery) -> AnyView {
    match here.get("state") {
        None | Some("all") => html! {
            <EmptyState title="No alerts yet" text="When spend crosses a threshold of a budget, it stands here with the mails it sent."/>
        },
        Some(_) => html! { <EmptyState title="No such alerts"/> },
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
    /// Whether each row names its budget.
    #[prop(optional)]
    budgets: bool,
) -> impl IntoView {
    let columns = columns("Alert | Used, $ # | Acknowledged | Amount, $ # | Notified");
    let rows = alerts
        .into_iter()
        .map(|alert| {
            let used = alert.spend;
            let (what, mails) = (what(&org, &alert, budgets), mails(&alert));
            let acknowledged = acknowledged(&org, &alert, may_manage);
            view! {
                <tr>
                    <th scope="row">
                        {what}
                        <span class="note note-below"><time datetime=format::time_machine(alert.at) title=format::time_exact(alert.at)>{format::time(alert.at)}</time></span>
                    </th>
                    <td class="num" title=format::money_full(used)>{format::money_plain(used)}{estimated(alert.estimate)}</td>
                    <td>{acknowledged}</td>
                    <td class="num" title=format::money_full(alert.amount)>{format::money_plain(alert.amount)}</td>
                    <td class="wrap">{mails}</td>
                </tr>
            }
        })
        .collect_view();
    view! { <Table caption=caption columns=columns>{rows}</Table> }
}

fn what(org: &str, alert: &Alert, budgets: bool) -> AnyView {
    let month = format::month(alert.month);
    let threshold = format!("{} of {}, {month}", alert.thresholds_text(), labels::dollars(alert.amount));
    if !budgets {
        return threshold.into_any();
    }
    let href = format!("{}/{}", NavItem::Budgets.path(org), alert.budget_id);
    html! { <a href=href>{alert.budget_name.clone()}</a><span class="note note-below">{threshold}</span> }
}

fn mails(alert: &Alert) -> AnyView {
    if alert.deliveries.is_empty() {
        return html! { <span class="soft">{labels::told(alert)}</span> };
    }
    let rows = alert.deliveries.iter().map(|delivery| view! { <li>{mail(delivery)}</li> }).collect_view();
    html! { <ul class="mail-list">{rows}</ul> }
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
    html! {
        <span title=title><StatusDot tone=tone>{format!("{word}{attempts}")}</StatusDot></span>" "{delivery.recipient.clone()}
        {answer}
    }
}

fn acknowledged(org: &str, alert: &Alert, may_manage: bool) -> AnyView {
    if let Some(at) = alert.acknowledged_at {
        let by = alert.acknowledged_by.clone().map(|by| view! { <span class="note">{by}</span> });
        let note = alert.note.clone().map(|note| view! { <span class="note note-below alert-note">{note}</span> });
        return html! { <time datetime=format::time_machine(at)>{format::time(at)}</time>{by}{note} };
    }
    if may_manage {
        acknowledge(org, alert, false)
    } else {
        html! { <span class="soft">"open"</span> }
    }
}

/// The form that acknowledges an alert, or it and all older ones, with a note.
fn acknowledge(org: &str, alert: &Alert, older: bool) -> AnyView {
    let name = if older {
        "Acknowledge all".to_owned()
    } else {
        format!("Acknowledge {} of {}", alert.thresholds_text(), alert.budget_name)
    };
    let (org, alert) = (org.to_owned(), alert.alert_id.to_string());
    let (id, text) = (format!("note-{older}-{alert}"), if older { "Acknowledge all …" } else { "Acknowledge …" });
    html! {
        <details class="fold">
            <summary aria-label=name.clone()>{text}</summary>
            <form method="post" action=AcknowledgeAlert::url() class="fold-form">
                <input type="hidden" name="org" value=org/>
                <input type="hidden" name="alert" value=alert/>
                <input type="hidden" name="older" value=older.to_string()/>
                <Field label="Note" name="note" id=id optional=true/>
                <RowButton text="Acknowledge" name=name/>
            </form>
        </details>
    }
}
