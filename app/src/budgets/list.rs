//! All budgets: used, expected, status.

use super::labels;
use crate::forecast::estimated;
use crate::format;
use crate::layout::{CsvLink, NavItem};
use crate::page::{Drawn, Page, Visit};
use crate::spend::live;
use crate::ui::{Badge, Button, ButtonKind, Column, EmptyState, Meter, NoticeText, PageHead, Table, Tone, UrlNotice};
use domain::budget::BudgetState;
use domain::identity::Permission;
use leptos::prelude::*;

const NOTICES: &[NoticeText] = &[NoticeText {
    code: "archived",
    tone: Tone::Good,
    text: "The budget is archived; its alerts stay in the alert history.",
}];

/// The organization's budgets.
pub(crate) async fn budgets(visit: Visit) -> Drawn {
    let budgets = async { Ok(backend::budgets::list(&visit.backend, &visit.scope).await?) };
    let (budgets, moved) = live(&visit, budgets).await?;
    let page = draw(visit.org(), &budgets, moved, visit.frame.may(Permission::ManageBudgets));
    Ok(Page::new("Budgets", view! { <UrlNotice known=NOTICES/>{page} }))
}

fn draw(org: &str, budgets: &[BudgetState], moved: String, may_manage: bool) -> AnyView {
    let path = NavItem::Budgets.path(org);
    let new = format!("{path}/new");
    if budgets.is_empty() {
        return empty(new, may_manage);
    }
    let button = may_manage.then(|| view! { <Button kind=ButtonKind::Primary href=new>"New budget"</Button> });
    let columns = vec![
        Column::text("Budget"),
        Column::number("Used, $"),
        Column::number("Amount, $"),
        Column::text("Status").wide(),
        Column::number("Forecast, $"),
        Column::text("Share used"),
    ];
    let rows = budgets.iter().map(|state| row(&path, state)).collect_view();
    view! {
        <PageHead title="Budgets" lead=labels::summary(budgets)><CsvLink/>{button}</PageHead>
        <div class="part" id="budgets" data-live-on=moved><Table caption="Budgets of this month" columns=columns>{rows}</Table></div>
    }
    .into_any()
}

fn empty(new: String, may_manage: bool) -> AnyView {
    let button = may_manage.then(|| view! { <Button kind=ButtonKind::Primary href=new>"New budget"</Button> });
    view! {
        <PageHead title="Budgets"/>
        <EmptyState
            title="No budgets yet"
            text="A budget is an amount per month for the organization, a team or a project. Crossing one of its thresholds writes to the alert history and mails its recipients."
        >
            {button}
        </EmptyState>
    }
    .into_any()
}

fn row(path: &str, state: &BudgetState) -> AnyView {
    let (word, tone) = labels::status(state.status);
    let usage = &state.usage;
    let share = |amount| format::ratio(amount, usage.amount).unwrap_or(0.0);
    let percent = usage.percent_text();
    let label = format!("{percent} of {} used", format::money(usage.amount));
    let expected = state.expected.map(|expected| share(expected.point));
    let meter = match expected {
        Some(expected) => {
            view! { <Meter share=share(usage.used) expected=expected tone=labels::bar(state.status) label=label small=true/> }
                .into_any()
        }
        None => view! { <Meter share=share(usage.used) tone=labels::bar(state.status) label=label small=true/> }.into_any(),
    };
    let point = state.expected.map_or_else(
        || view! { <td class="num soft" title="Too little history for a forecast">{format::NONE}</td> }.into_any(),
        |expected| {
            view! { <td class="num" title=labels::band(&expected)>{format::money_plain(expected.point)}</td> }
                .into_any()
        },
    );
    view! {
        <tr>
            <th scope="row">
                <a class="row-link" href=format!("{path}/{}", state.budget.budget_id)>{state.budget.name.clone()}</a>
                <span class="note">{labels::scope(state)}</span>
                <span class="only-narrow"><Badge tone=tone>{word}</Badge></span>
            </th>
            <td class="num" title=format::money_full(usage.used)>{format::money_plain(usage.used)}{estimated(usage.estimate)}</td>
            <td class="num" title=format::money_full(usage.amount)>{format::money_plain(usage.amount)}</td>
            <td class="only-wide"><Badge tone=tone>{word}</Badge></td>
            {point}
            <td class="budget-used">{meter}<span class="num soft">{percent}</span></td>
        </tr>
    }
    .into_any()
}
