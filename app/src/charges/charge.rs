//! One charge: what it is, what each of its months costs, and how it is ended.

use super::api::EndCharge;
use super::{days, owner};
use crate::form::{Posted, hidden};
use crate::format;
use crate::layout::NavItem;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Badge, Breadcrumb, Button, ButtonKind, Crumb, Facts, Field, FormErrors, PageHead, Section, Table, TextArea,
    columns, html,
};
use chrono::NaiveDate;
use domain::charge::{Charge, ChargePrice};
use domain::identity::Permission;
use domain::period::Period;
use domain::rule::Dated;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// Most months that the page shows, the newest.
const MONTHS: usize = 24;

/// A charge; also one that no longer counts.
pub(crate) async fn charge(visit: Visit) -> Drawn {
    let found = backend::charges::find(&visit.backend, &visit.scope, visit.id("charge")?).await?;
    let (org, row) = (visit.org(), &found.row);
    let crumbs = vec![Crumb::link("Charges", NavItem::Charges.path(org)), Crumb::here(row.description.clone())];
    let superseded = found.entry.superseded_at.map(|at| {
        let title = format!("Counts no more since {}", format::time_exact(at));
        view! { <span title=title><Badge>"superseded"</Badge></span> }
    });
    let may_end = found.is_live() && visit.frame.may(Permission::ManagePrices);
    Ok(Page::new(
        row.description.clone(),
        view! {
            <Breadcrumb crumbs=crumbs/>
            <PageHead title=row.description.clone() lead=row.price_text()>{superseded}</PageHead>
            {facts(org, &found)}
            {months(row, visit.frame.today)}
            {may_end.then(|| end(org, &found))}
        },
    ))
}

fn facts(org: &str, charge: &Dated<Charge>) -> AnyView {
    let (row, entry) = (&charge.row, &charge.entry);
    let fact = |name: &'static str, value: Option<String>| {
        value.map(|value| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
    };
    let labels: Vec<String> = row.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let entered = format!("{} by {}", format::time(entry.recorded_at), entry.recorded_by);
    let owner = owner(org, row);
    let facts = [
        ("Kind", Some(row.kind.label().to_owned())),
        ("Provider", row.provider.clone()),
        ("Days", Some(days(row.from, row.to))),
        ("Included usage a month", row.included.map(format::money_full)),
        ("Cost centre", row.cost_centre.clone()),
        ("Labels", (!labels.is_empty()).then(|| labels.join(", "))),
        ("Source", Some(row.source.clone())),
        ("Reason", Some(row.reason.clone())),
        ("Your id", row.id.clone()),
        ("Entered", Some(entered)),
    ];
    let facts = facts.into_iter().map(|(name, value)| fact(name, value)).collect_view();
    html! { <Facts><div><dt>"Owner"</dt><dd>{owner}</dd></div>{facts}</Facts> }
}

/// What each month costs, up to the present one or the charge's last.
fn months(charge: &Charge, today: NaiveDate) -> AnyView {
    if matches!(charge.price, ChargePrice::Credits { .. }) {
        let text = "Usage draws the credits, so they are no cost of their own; what is left when they expire is charged on their last day.";
        return html! { <p class="soft">{text}</p> };
    }
    let last = charge.to.and_then(|to| to.pred_opt()).unwrap_or(today.max(charge.from));
    let newest = Period::month_of(last);
    let before = |month: &Period| Some(Period::month_of(month.from.pred_opt()?)).filter(|month| month.to > charge.from);
    let rows = std::iter::successors(Some(newest), before).take(MONTHS).filter_map(|month| {
        let days = charge.days_in(month)?;
        let amount = charge.amount_in(month);
        Some(view! {
            <tr>
                <th scope="row">{format::month(month.from)}</th>
                <td class="num">{format::count(days.days())}</td>
                <td class="num" title=format::money_full(amount)>{format::money_plain(amount)}</td>
            </tr>
        })
    });
    let (rows, heads) = (rows.collect_view(), columns("Month | Days # | Amount, $ #"));
    html! {
        <Section title="By month" note="an equal part each day, adding up exactly">
            <Table caption="What each month costs" columns=heads>{rows}</Table>
        </Section>
    }
}

fn end(org: &str, charge: &Dated<Charge>) -> AnyView {
    let form = Posted::<EndCharge>::here();
    let rule = charge.rule_id.to_string();
    let about = hidden([("org", org), ("charge", &rule)]);
    html! {
        <Section title="End or withdraw" id="end">
            <form method="post" action=EndCharge::url() class="form">
                <FormErrors errors=form.errors()/>
                {about}
                <Field label="First day without it" name="valid_to" kind="date" optional=true value=form.kept_or("valid_to", "")
                    error=form.error("valid_to") hint="Earlier days keep what they cost. Empty: the charge is withdrawn altogether."/>
                <TextArea label="Reason" name="reason" rows=2 maxlength=500 value=form.kept_or("reason", "") error=form.error("reason")/>
                <div class="actions"><Button kind=ButtonKind::Danger>"End charge"</Button></div>
            </form>
        </Section>
    }
}
