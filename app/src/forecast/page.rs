//! The page: one part in full, all others in a line each.

use super::{chart, labels};
use crate::annotations::Marks;
use crate::budgets::scope;
use crate::format;
use crate::layout::{CsvLink, NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::ui::chart::{Chart, Height};
use crate::ui::{Badge, Column, EmptyState, Figure, Notice, PageHead, Section, Table, Tone, columns, html};
use backend::forecast::Part;
use domain::budget::SpendScope;
use domain::forecast::{BudgetRow, Forecast, ForecastPage, ForecastRow, MonthEndForecast, MonthTotal, TooLittle};
use domain::period::Period;
use domain::spend::Estimate;
use leptos::prelude::*;

/// Where the month will end: the organization, or the team or project that the address names.
pub(crate) async fn forecast(visit: Visit) -> Drawn {
    let part = match (only(&visit.query, "project"), only(&visit.query, "team")) {
        (Some(slug), _) => Part::Project(slug),
        (None, Some(slug)) => Part::Team(slug),
        (None, None) => Part::Organization,
    };
    let page = backend::forecast::page(&visit.backend, &visit.scope, part).await?;
    let part = match (only(&visit.query, "project"), only(&visit.query, "team")) {
        (Some(slug), _) => {
            SpendScope::Project(backend::projects::by_slug(&visit.backend, &visit.scope, slug).await?.project_id)
        }
        (None, Some(slug)) => {
            SpendScope::Team(backend::projects::team_by_slug(&visit.backend, &visit.scope, slug).await?.team_id)
        }
        (None, None) => SpendScope::Organization,
    };
    let marks = Marks::read(&visit, part, Period::month_of(visit.frame.today)).await?;
    Ok(Page::new(
        "Forecast",
        view! {
            <PageHead title="Forecast"><CsvLink/></PageHead>
            {draw(&visit, &page, &marks)}
        },
    ))
}

/// The value of a filter that names exactly one thing; a forecast of several, or of all but one, does not exist.
fn only<'a>(query: &'a UrlQuery, name: &'a str) -> Option<&'a str> {
    let mut values = query.all(name);
    let value = values.next().filter(|value| !value.is_empty() && !value.starts_with('!'))?;
    values.next().is_none().then_some(value)
}

fn draw(visit: &Visit, page: &ForecastPage, marks: &Marks) -> AnyView {
    let shown = match &page.shown {
        Forecast::MonthEnd(month) => in_full(month, &page.budgets, marks),
        Forecast::TooLittle(too_little) => without(too_little),
    };
    let whole = visit.query.sticky().without(&["team", "project"]);
    let table = |title, parameter, rows| table(title, &page.organization, rows, &visit.path, &whole, parameter);
    html! {
        {way_back(visit, &page.shown_name, &whole)}
        {shown}
        {table("Projects", "project", &page.projects)}
        {table("Teams", "team", &page.teams)}
        {budgets(visit.org(), &page.budgets)}
    }
}

/// The name of the part, and the way back to the whole.
fn way_back(visit: &Visit, shown: &str, whole: &UrlQuery) -> Option<AnyView> {
    only(&visit.query, "team").or(only(&visit.query, "project"))?;
    let all = whole.at(&visit.path);
    Some(html! { <p class="forecast-part"><strong>{shown.to_owned()}</strong>" "<a href=all>"Show all usage"</a></p> })
}

fn in_full(month: &MonthEndForecast, budgets: &[BudgetRow], marks: &Marks) -> AnyView {
    let (expected, spent) = (month.expected, month.spent);
    let band = labels::band(month.low80, month.high80);
    let exact_band = format!("{} – {}", format::money_full(month.low80), format::money_full(month.high80));
    let to_come = format!("{} remaining forecast", format::money(expected - spent));
    let (past, estimate) = (past(month), labels::estimate(month.estimate));
    let warning = month.irregular().map(|text| view! { <Notice tone=Tone::Warn>{text}</Notice> });
    let marked = |data| marks.on_days(data, month.days.iter().map(|day| day.day));
    let (to_date, by_day) = (marked(chart::to_date(month, budgets)), marked(chart::by_day(month)));
    let list = marks.list();
    let basis = labels::basis(month);
    let note = "each remaining day is the mean of its last four same weekdays";
    html! {
        <div class="headline">
            <Figure caption="Forecast (month-end)" value=format::money(expected) title=format::money_full(expected) large=true>
                <span title=exact_band>{band}</span>", 80\u{a0}% interval"
            </Figure>
            <Figure caption="Month to date" value=format::money(spent) title=format::money_full(spent)>
                {to_come}{estimate}
            </Figure>
            {past}
        </div>
        {warning}
        <Section title="Month to date and forecast" note=note>
            <Chart data=to_date label="Spend of the month to date" tick=format::axis_money height=Height::Tall/>
            {list}
        </Section>
        <Section title="By day">
            <Chart data=by_day label="Spend by day" tick=format::axis_money height=Height::Low/>
            <p class="soft">{basis}</p>
        </Section>
    }
}

fn without(too_little: &TooLittle) -> AnyView {
    let (spent, estimate) = (too_little.spent, labels::estimate(too_little.estimate));
    html! {
        <Figure caption="Month to date" value=format::money(spent) title=format::money_full(spent) large=true>{estimate}</Figure>
        <EmptyState title="Too little history for a forecast" text=too_little.reason()/>
    }
}

fn table(
    title: &'static str,
    organization: &ForecastRow,
    rows: &[ForecastRow],
    path: &str,
    whole: &UrlQuery,
    parameter: &str,
) -> AnyView {
    // A table of nothing but reasons would say the same sentence again and again.
    if rows.iter().all(|row| row.total.is_err()) {
        return ().into_any();
    }
    let columns = vec![
        Column::text(title.trim_end_matches('s')),
        Column::number("Spent, $"),
        Column::number("Forecast, $"),
        Column::number("80 % interval, $"),
        Column::number("Forecast error (MAPE)"),
        Column::number("Run-rate error"),
    ];
    let body = rows.iter().map(|part| row(part, whole.with(parameter, &part.slug).at(path))).collect_view();
    let foot = row(organization, whole.at(path));
    html! {
        <Section title=title>
            <Table caption=title columns=columns foot=foot>{body}</Table>
        </Section>
    }
}

fn budgets(org: &str, rows: &[BudgetRow]) -> AnyView {
    if rows.is_empty() {
        return ().into_any();
    }
    let columns =
        columns("Budget | Used, $ # | Forecast, $ # | Amount, $ # | Probability of overrun # | Exhaustion date #");
    let all = NavItem::Budgets.path(org);
    let link = |budget: &BudgetRow| format!("{all}/{}", budget.state.budget.budget_id);
    let body = rows.iter().map(|budget| budget_row(budget, link(budget))).collect_view();
    let more = (all, "All budgets".to_owned());
    html! {
        <Section title="Budgets" more=more>
            <Table caption="Budgets" columns=columns>{body}</Table>
        </Section>
    }
}

/// The forecast error beside the naive baseline.
fn past(month: &MonthEndForecast) -> AnyView {
    let Some(past) = month.past else {
        return html! { <p class="soft">"Not yet tested against a whole month of the past."</p> };
    };
    let value = format::percent(past.percent / 100.0);
    html! {
        <Figure caption="Forecast error (MAPE)" value=value>
            {labels::past(&past)}
        </Figure>
    }
}

fn row(part: &ForecastRow, href: String) -> AnyView {
    let spent = part.spent;
    let estimated = estimated(part.estimate);
    let cells = match &part.total {
        Ok(total) => total_cells(total),
        Err(too_little) => html! { <td class="soft" colspan="4">{too_little.reason()}</td> },
    };
    html! {
        <tr>
            <th scope="row"><a href=href>{part.name.clone()}</a></th>
            <td class="num" title=format::money_full(spent)>{format::money_plain(spent)}{estimated}</td>
            {cells}
        </tr>
    }
}

/// What of a cell's amount is estimated.
pub(crate) fn estimated(estimate: Estimate) -> Option<AnyView> {
    let title = estimate.describe()?;
    let text = if estimate.upper_bound.is_zero() {
        format!("{} unpriced", format::count(estimate.events))
    } else {
        format!("{} estimated", format::money(estimate.amount))
    };
    Some(html! { <span class="note note-below warn" title=title>{text}</span> })
}

fn total_cells(total: &MonthTotal) -> AnyView {
    let band = format!("{} – {}", format::money_plain(total.low80), format::money_plain(total.high80));
    let error =
        |percent: Option<f64>| percent.map_or_else(|| "–".to_owned(), |percent| format::percent(percent / 100.0));
    let past = total.past.map(|past| past.percent);
    let run_rate = total.past.and_then(|past| past.run_rate_percent);
    let irregular = total
        .irregular
        .clone()
        .map(|why| view! { <span title=why><Badge tone=Tone::Warn>"irregular"</Badge></span>" " });
    html! {
        <td class="num" title=format::money_full(total.expected)>{format::money_plain(total.expected)}</td>
        <td class="num">{band}</td>
        <td class="num">{irregular}{error(past)}</td>
        <td class="num soft">{error(run_rate)}</td>
    }
}

fn budget_row(row: &BudgetRow, href: String) -> AnyView {
    let (budget, usage, expected) = (&row.state.budget, &row.state.usage, &row.state.expected);
    let dash = || "–".to_owned();
    let point = expected.as_ref().map_or_else(dash, |expected| format::money_plain(expected.point));
    let exact = expected.as_ref().map(|expected| format::money_full(expected.point));
    let over = expected.as_ref().map_or_else(dash, |expected| labels::chance(expected.chance_over));
    let run_out = expected.as_ref().and_then(|expected| expected.run_out).map_or_else(dash, format::day);
    html! {
        <tr>
            <th scope="row"><a href=href>{budget.name.clone()}</a>" "<span class="note">{scope(&row.state)}</span></th>
            <td class="num" title=format::money_full(usage.used)>{format::money_plain(usage.used)}{estimated(usage.estimate)}</td>
            <td class="num" title=exact>{point}</td>
            <td class="num" title=format::money_full(usage.amount)>{format::money_plain(usage.amount)}</td>
            <td class="num">{over}</td>
            <td class="num">{run_out}</td>
        </tr>
    }
}
