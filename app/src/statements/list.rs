//! The list: one month by team and project, and the months before.

use crate::error::AppError;
use crate::format;
use crate::layout::{CsvLink, NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::spend::labels::SpendCell;
use crate::ui::{Badge, Button, Column, EmptyState, Figure, PageHead, Section, Table, Tone, columns, html};
use chrono::NaiveDate;
use domain::allocation::shared;
use domain::charge::charged;
use domain::period::Period;
use domain::spend::{Provenance, Sums};
use domain::statement::{
    CostOwner, Entry, MonthState, MonthStatement, MonthTotal, ProjectStatement, Readiness, StatementKind,
    TeamStatement, month_text, parse_month,
};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// Who owes what for a month; the present one unless the address names another.
pub(crate) async fn statements(visit: Visit) -> Drawn {
    let month = visit.query.get("month").map(parse_month).transpose()?;
    let month = month.unwrap_or_else(|| Period::month_of(visit.frame.today));
    let (months, statement, has_markups) = futures::try_join!(
        backend::statements::months(&visit.backend, &visit.scope),
        backend::statements::month(&visit.backend, &visit.scope, month, false),
        backend::statements::has_markups(&visit.backend, &visit.scope),
    )?;
    let known = known(&visit, &statement).await?;
    let exports = format!("/o/{}/exports", visit.org());
    let of_month = month_text(month.from);
    let whole = visit.scope.sees_all().then(|| {
        let (close, mails) = (format!("{}/{of_month}", visit.path), format!("{}/mails", visit.path));
        let (journal, markup) = (format!("{close}/journal"), format!("{}/markup", visit.path));
        view! { <Button href=close>"Review and close"</Button><Button href=journal>"Journal"</Button><Button href=markup>"Markup"</Button><Button href=mails>"By mail"</Button> }
    });
    let file = UrlQuery::new().with("month", &of_month).at(&format!("{}.csv", visit.path));
    Ok(Page::new(
        format!("Statements, {}", format::month(month.from)),
        view! {
            <PageHead title="Statements" lead="What each team and project owes for a month, down to the meter.">{whole}<Button href=exports>"FOCUS export"</Button><CsvLink href=file/></PageHead>
            {draw(visit.org(), &months, &statement, &known, has_markups)}
        },
    ))
}

fn draw(
    org: &str,
    months: &[MonthTotal],
    statement: &MonthStatement,
    known: &Provenance,
    has_markups: bool,
) -> AnyView {
    if months.is_empty() && is_empty(statement) {
        let text = "There is a statement for every month with usage or charges.";
        return html! { <EmptyState title="No usage yet" text=text/> };
    }
    let (present, earlier) = (present(org, statement, known), earlier(org, months, statement, has_markups));
    html! { {present}{earlier} }
}

/// Whether nobody owes anything.
fn is_empty(statement: &MonthStatement) -> bool {
    statement.teams.is_empty() && statement.unallocated.is_empty() && statement.unallocated_shared.is_empty()
}

fn present(org: &str, statement: &MonthStatement, known: &Provenance) -> AnyView {
    let title = format::month(statement.month.from);
    let figures = figures(statement, known);
    let table = by_payer(org, statement);
    html! {
        <div class="headline">{figures}</div>
        <Section title=title>
            {table}
        </Section>
        {adjustments(statement)}
    }
}

/// What moved in closed months, each amount with its month.
pub(super) fn adjustments(statement: &MonthStatement) -> Option<AnyView> {
    let row = |Entry { key, amount }: &Entry| {
        let team = key.team.clone().unwrap_or_else(|| "no owner".to_owned());
        view! {
            <tr>
                <th scope="row">{format::month(key.month)}</th>
                <td>{team}</td>
                <td>{key.line(key.month)}</td>
                <td class="num" title=format::money_full(*amount)>{format::money_signed(*amount)}</td>
            </tr>
        }
    };
    let total = statement.adjusted();
    let foot = html! {
        <tr><th scope="row">"total"</th><td></td><td></td><td class="num" title=format::money_full(total)>{format::money_signed(total)}</td></tr>
    };
    let (rows, heads) =
        (statement.adjustments.iter().map(row).collect_view(), columns("Month | Team | Line | Amount, $ #"));
    let note = "late events, repricing and corrections after the close";
    (!statement.adjustments.is_empty()).then(|| {
        html! {
            <Section title="Adjustments of closed months" note=note>
                <Table caption="Adjustments of closed months" columns=heads foot=foot>{rows}</Table>
            </Section>
        }
    })
}

/// Where a month stands.
pub(super) fn state_badge(state: MonthState) -> AnyView {
    let tone = match state {
        MonthState::Open => Tone::Neutral,
        MonthState::InReview => Tone::Accent,
        MonthState::Closed => Tone::Good,
    };
    html! { <Badge tone=tone>{state.label()}</Badge> }
}

/// How the usage of a statement is known.
pub(super) async fn known(visit: &Visit, statement: &MonthStatement) -> Result<Provenance, AppError> {
    let known = backend::spend::provenance(&visit.backend, &visit.scope, statement.month.into(), &statement.total);
    Ok(known.await?)
}

/// The total with whether the month is over, and what is not in it.
pub(super) fn figures(statement: &MonthStatement, known: &Provenance) -> AnyView {
    let (total, charged, shared) = (&statement.total, statement.charged(), statement.shared());
    let past = Period { to: statement.month.to.min(next_day(statement.today)), ..statement.month };
    let state = if statement.is_over() || statement.state != MonthState::Open {
        state_badge(statement.state)
    } else {
        html! { <Badge tone=Tone::Accent>"month to date"</Badge> }
    };
    let days = format!(" {}, {}", format::range(past, statement.today), statement.time_zone);
    let unpriced = (total.unpriced_requests > 0).then(|| {
        let text = format!("{} without a price are not in it", format::counted(total.unpriced_requests, "request"));
        view! { <p class="warn">{text}</p> }
    });
    let month = format::month(statement.month.from);
    // What is no usage is in the figure only where it says so, with each part beside it.
    let markup = statement.marked_up();
    let others = [("Shared", shared), ("Charges", charged), ("Markup", markup), ("Adjustments", statement.adjusted())];
    let others = others.into_iter().filter(|(_, amount)| !amount.is_zero());
    let parts: Vec<_> = std::iter::once(("Usage", total.spend)).chain(others).collect();
    let sum = statement.grand_total();
    let words: Vec<String> = parts.iter().map(|(of, _)| of.to_lowercase()).collect();
    let caption = if parts.len() > 1 { format!("{month}, {}", words.join(" + ")) } else { month };
    let figure = |(caption, amount)| {
        let title = if caption == "Usage" { known.text() } else { format::money_full(amount) };
        view! { <Figure caption=caption value=format::money(amount) title=title/> }
    };
    let title = if parts.len() > 1 { format::money_full(sum) } else { known.text() };
    let parts = (parts.len() > 1).then(|| parts.into_iter().map(figure).collect_view());
    html! {
        <Figure large=true caption=caption value=format::money(sum) title=title>
            {state}{days}{unpriced}
        </Figure>
        {parts}
        <Figure caption="Requests" value=format::count(total.requests)/>
        <Figure caption="Tokens" value=format::count_compact(total.tokens) title=format::count(total.tokens)/>
    }
}

/// How much of a month can be charged back, with what holds it back: that leads to where the month is closed.
pub(crate) fn ready_figure(ready: &Readiness, close: Option<String>) -> AnyView {
    let percent = |share: Decimal| format::percent_cut(share * Decimal::ONE_HUNDRED);
    let [priced, allocated, undisputed] = [ready.priced(), ready.allocated(), ready.undisputed()].map(percent);
    let title = format!("priced {priced}, allocated {allocated}, undisputed {undisputed}");
    let held = Some(ready.held_back()).filter(|held| !held.is_empty());
    let held = held.unwrap_or_else(|| "priced, allocated and undisputed".to_owned());
    let below = match close {
        Some(href) => html! { <a href=href>{held}</a> },
        None => html! { {held} },
    };
    html! { <Figure caption="Chargeback-ready" value=percent(ready.share()) title=title>{below}</Figure> }
}

fn next_day(day: NaiveDate) -> NaiveDate {
    day.succ_opt().unwrap_or(day)
}

fn by_payer(org: &str, statement: &MonthStatement) -> AnyView {
    if is_empty(statement) {
        return html! { <p class="soft">"Nothing was used in this month."</p> };
    }
    let shown = Shown { shared: statement.is_shared(), markup: !statement.marked_up().is_zero() };
    let month = month_text(statement.month.from);
    let rows = statement
        .teams
        .iter()
        .map(|team| {
            let head = team_row(org, &month, team, shown);
            let project = |project| project_row(org, &month, project, shown);
            let projects = team.projects.iter().map(project).collect_view();
            view! { {head}{projects} }
        })
        .collect_view();
    let mut columns = vec![
        Column::text("Team and project"),
        Column::text("Cost centre").wide(),
        Column::number("Requests").wide(),
        Column::number("Usage, $"),
        Column::number("Charges, $"),
        Column::number(if shown.markup { "Total with markup, $" } else { "Total, $" }),
    ];
    if shown.markup {
        columns.insert(5, Column::number("Markup, $").wide());
    }
    if shown.shared {
        columns.insert(4, Column::number("Shared, $").wide());
    }
    let total = statement.total.clone();
    let beside = shown.of(statement.shared(), statement.charged(), statement.marked_up());
    let unallocated = unallocated(org, statement, shown);
    let foot = html! {
        <tr>
            <th scope="row">"total"</th>
            <td class="only-wide"></td>
            <td class="num only-wide">{format::count(total.requests)}</td>
            {amounts(&total, beside)}
        </tr>
    };
    html! { <Table caption="Usage and charges by team and project" columns=columns foot=foot>{rows}{unallocated}</Table> }
}

/// Which columns a month needs.
#[derive(Clone, Copy)]
struct Shown {
    shared: bool,
    markup: bool,
}

impl Shown {
    fn of(self, shared: Decimal, charged: Decimal, markup: Decimal) -> Beside {
        Beside { shared: self.shared.then_some(shared), charged, markup: self.markup.then_some(markup) }
    }
}

/// What stands beside usage, as far as it is shown.
struct Beside {
    shared: Option<Decimal>,
    charged: Decimal,
    markup: Option<Decimal>,
}

/// Usage, what rules brought less what they took, charges, markup, and all together.
fn amounts(sums: &Sums, Beside { shared, charged, markup }: Beside) -> AnyView {
    let cell = |amount: Decimal, class: &'static str| {
        view! { <td class=class title=format::money_full(amount)>{format::money_plain(amount)}</td> }
    };
    let total = sums.spend + shared.unwrap_or_default() + charged + markup.unwrap_or_default();
    let wide = |amount: Option<Decimal>| amount.map(|amount| cell(amount, "num only-wide"));
    html! { <SpendCell sums=sums.clone()/>{wide(shared)}{cell(charged, "num")}{wide(markup)}{cell(total, "num")} }
}

/// What nobody owns yet is a row of its own.
fn unallocated(org: &str, statement: &MonthStatement, shown: Shown) -> Option<AnyView> {
    let (charged, shared) = (charged(&statement.unallocated), shared(&statement.unallocated_shared));
    let is_shown = !statement.unallocated.is_empty() || !statement.unallocated_shared.is_empty();
    let (name, href) = match shown.shared {
        true => {
            let month = month_text(statement.month.from);
            ("Unallocated", UrlQuery::new().with("month", &month).at(&NavItem::Allocation.path(org)))
        }
        false => ("Unallocated charges", UrlQuery::days(statement.month).at(&NavItem::Charges.path(org))),
    };
    is_shown.then(|| {
        html! {
            <tr class="statement-team">
                <th scope="row"><a class="row-link" href=href>{name}</a></th>
                <td class="only-wide"></td>
                <td class="num only-wide">{format::NONE}</td>
                {amounts(&Sums::default(), shown.of(shared, charged, Decimal::ZERO))}
            </tr>
        }
    })
}

fn team_row(org: &str, month: &str, team: &TeamStatement, shown: Shown) -> AnyView {
    let name = match &team.team {
        Some(owner) => owner_link(org, month, StatementKind::Team, owner),
        None => html! { <span class="soft">"no owner"</span> },
    };
    let code = team.team.as_ref().and_then(|owner| owner.cost_centre.clone());
    let cells = amounts(&team.sums, shown.of(team.shared(), team.charged(), team.marked_up()));
    row("statement-team", name, code, team.sums.requests, cells)
}

fn project_row(org: &str, month: &str, project: &ProjectStatement, shown: Shown) -> AnyView {
    let name = owner_link(org, month, StatementKind::Project, &project.project);
    let markup = project.markup.as_ref().map(|line| line.amount).unwrap_or_default();
    let cells = amounts(&project.sums, shown.of(shared(&project.shared), charged(&project.charges), markup));
    row("statement-project", name, project.project.cost_centre.clone(), project.sums.requests, cells)
}

fn row(class: &'static str, name: AnyView, code: Option<String>, requests: i64, cells: AnyView) -> AnyView {
    html! {
        <tr class=class>
            <th scope="row">{name}</th>
            <td class="only-wide">{code}</td>
            <td class="num only-wide">{format::count(requests)}</td>
            {cells}
        </tr>
    }
}

fn owner_link(org: &str, month: &str, kind: StatementKind, owner: &CostOwner) -> AnyView {
    let href = format!("/o/{org}/statements/{month}/{}/{}", kind.as_str(), owner.slug);
    html! { <a class="row-link" href=href>{owner.name.clone()}</a> }
}

fn earlier(org: &str, months: &[MonthTotal], statement: &MonthStatement, has_markups: bool) -> AnyView {
    let rows = months
        .iter()
        .map(|total| {
            let current = total.month == statement.month.from;
            let href = UrlQuery::new().with("month", &month_text(total.month)).at(&format!("/o/{org}/statements"));
            view! {
                <tr>
                    <th scope="row"><a class="row-link" href=href aria-current=current.then_some("true")>{format::month(total.month)}</a></th>
                    <td>{state_badge(total.state)}</td>
                    <td class="num only-wide">{format::count(total.sums.requests)}</td>
                    {amounts(&total.sums, Beside { shared: None, charged: total.charged + total.adjusted, markup: None })}
                </tr>
            }
        })
        .collect_view();
    let columns = vec![
        Column::text("Month"),
        Column::text("State"),
        Column::number("Requests").wide(),
        Column::number("Usage, $"),
        Column::number("Charges and adjustments, $"),
        Column::number(if has_markups { "Total without markup, $" } else { "Total, $" }),
    ];
    html! { <Section title="Months"><Table caption="Usage and charges by month" columns=columns>{rows}</Table></Section> }
}
