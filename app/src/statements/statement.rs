//! One statement: what a team or project owes for a month, line by line. Made to be printed, too.

use super::list::{adjustments, figures, known};
use super::replies::review as review_section;
use crate::allocation::explained_path;
use crate::charges::charge_path;
use crate::format;
use crate::layout::{CsvLink, NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::prices::labels::rate;
use crate::spend::{events_of, included};
use crate::ui::{
    Breadcrumb, Column, Crumb, EmptyState, Facts, NoticeText, PageHead, Section, Table, Tone, UrlNotice, columns, html,
};
use domain::allocation::{SharedLine, shared};
use domain::charge::{ChargeLine, charged};
use domain::period::Period;
use domain::problem::Problem;
use domain::spend::{Dimension, Measure, Provenance, SpendQuery};
use domain::statement::{
    CostOwner, LineKind, MarkupLine, MonthStatement, ProjectStatement, StatementKind, StatementLine, TeamStatement,
    month_text, parse_month,
};
use leptos::prelude::*;
use rust_decimal::Decimal;

const NOTICES: &[NoticeText] = &[
    NoticeText { code: "accepted", tone: Tone::Good, text: "The statement is accepted." },
    NoticeText { code: "disputed", tone: Tone::Good, text: "The dispute is entered. Finance answers it here." },
];

/// The statement of a team or project.
pub(crate) async fn statement(visit: Visit) -> Drawn {
    let kind = visit.id::<StatementKind>("kind")?;
    let month = parse_month(visit.part("month")).map_err(|_| Problem::NotFound)?;
    let of = backend::statements::one(&visit.backend, &visit.scope, month, kind, visit.part("slug")).await?;
    let (owner, statement) = of;
    let review = match kind {
        StatementKind::Team => {
            let review = backend::statements::team_review(&visit.backend, &visit.scope, month, &owner.slug).await?;
            review_section(&visit, statement.state, &owner.slug, &review)
        }
        StatementKind::Project => None,
    };
    let title = format!("{}, {}", owner.name, format::month(statement.month.from));
    let of = match kind {
        StatementKind::Team => Dimension::Team,
        StatementKind::Project => Dimension::Project,
    };
    let query = SpendQuery::over(statement.month).measuring([Measure::IncludedValue]).only(of.clone(), &owner.slug);
    let sums = backend::spend::query(&visit.backend, &visit.scope, &query).await?.total;
    let link = events_of(statement.month, [(of, owner.slug.as_str())]);
    let beside = included(visit.org(), &link, sums.by_meter.unwrap_or_default().included);
    let known = known(&visit, &statement).await?;
    let body = draw(visit.org(), &title, (kind, &owner), &statement, (&known, beside));
    let body = html! { <UrlNotice known=NOTICES/>{body}{adjustments(&statement)}{review} };
    Ok(Page::new(format!("Statement of {title}"), body))
}

fn draw(
    org: &str,
    title: &str,
    (kind, owner): (StatementKind, &CostOwner),
    statement: &MonthStatement,
    (known, included): (&Provenance, Option<AnyView>),
) -> AnyView {
    let month = month_text(statement.month.from);
    let list = UrlQuery::new().with("month", &month).at(&format!("/o/{org}/statements"));
    let file = UrlQuery::new()
        .with("month", &month)
        .with("kind", kind.as_str())
        .with("slug", &owner.slug)
        .at(&format!("/o/{org}/statements.csv"));
    let crumbs = vec![Crumb::link("Statements", list), Crumb::here(owner.name.clone())];
    let figures = figures(statement, known);
    let facts = facts(kind, owner);
    let sections: Vec<_> = statement
        .teams
        .iter()
        .flat_map(|team| {
            let projects = team.projects.iter().map(move |project| section(org, kind, statement, team, project));
            let own = beside((org, statement.month), "the team itself", (&team.charges, &team.shared), None);
            let markup = markup_table("the team itself", team.own_total(), team.markup.as_ref());
            let own = own.map(|own| html! { <Section title="The team itself">{own}{markup}</Section> });
            projects.chain(own)
        })
        .collect();
    let nothing = (sections.is_empty() && statement.adjustments.is_empty()).then(|| {
        view! { <EmptyState title="Nothing to pay" text="Nothing was used in this month."/> }
    });
    html! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title=title.to_owned()>
            <CsvLink href=file/>
        </PageHead>
        <div class="headline">{figures}</div>
        {included}
        {facts}
        {nothing}
        {sections}
    }
}

fn facts(kind: StatementKind, owner: &CostOwner) -> AnyView {
    let kind = match kind {
        StatementKind::Team => "Team",
        StatementKind::Project => "Project",
    };
    let code = owner.cost_centre.clone().map(|code| view! { <div><dt>"Cost centre"</dt><dd>{code}</dd></div> });
    let name = owner.name.clone();
    html! { <Facts><div><dt>{kind}</dt><dd>{name}</dd></div>{code}</Facts> }
}

fn section(
    org: &str,
    kind: StatementKind,
    statement: &MonthStatement,
    team: &TeamStatement,
    project: &ProjectStatement,
) -> AnyView {
    let owners = statement.teams.len();
    let owner = team.team.as_ref().map_or_else(|| "no owner".to_owned(), |team| team.name.clone());
    let title = match kind {
        StatementKind::Team => project.project.name.clone(),
        // A project that changed hands within the month has one part per owner.
        StatementKind::Project if owners > 1 => format!("While {owner} owned it"),
        StatementKind::Project => format!("Owned by {owner}"),
    };
    let note = project.project.cost_centre.clone().map(|code| format!("cost centre {code}")).unwrap_or_default();
    let about = format!("{} ({owner})", project.project.name);
    let caption = format!("Lines of {about}");
    let columns = vec![
        Column::text("Model"),
        Column::text("Meter"),
        Column::number("Quantity").wide(),
        Column::text("Unit").wide(),
        Column::number("Effective rate, $").wide(),
        Column::number("Requests").wide(),
        Column::number("Amount, $"),
    ];
    let team_slug = team.team.as_ref().map_or("", |team| team.slug.as_str());
    let of_project = [(Dimension::Project, project.project.slug.as_str()), (Dimension::Team, team_slug)];
    let events = |line: &StatementLine| {
        let model = [(Dimension::Provider, line.provider.as_str()), (Dimension::Model, line.model.as_str())];
        let events = events_of(statement.month, of_project.iter().cloned().chain(model));
        let events = if line.kind == LineKind::Unpriced { events.and("unpriced", "true") } else { events };
        events.at(&NavItem::Events.path(org))
    };
    let rows = project
        .lines
        .iter()
        .enumerate()
        .map(|(place, line)| {
            let before = place.checked_sub(1).and_then(|place| project.lines.get(place));
            let again = before.is_some_and(|before| before.model == line.model && before.provider == line.provider);
            line_row(line, again, events(line))
        })
        .collect_view();
    let (requests, spend) = (project.sums.requests, project.sums.spend);
    let foot = html! {
        <tr>
            <th scope="row">"total"</th>
            <td></td><td class="only-wide"></td><td class="only-wide"></td><td class="only-wide"></td>
            <td class="num only-wide">{format::count(requests)}</td>
            <td class="num" title=format::money_full(spend)>{format::money_plain(spend)}</td>
        </tr>
    };
    let table = (!project.lines.is_empty()).then(|| {
        view! { <Table caption=caption columns=columns dense=true foot=foot>{rows}</Table> }
    });
    let beside = beside((org, statement.month), &about, (&project.charges, &project.shared), Some(spend));
    let markup = markup_table(&about, project.total(), project.markup.as_ref());
    html! { <Section title=title note=note>{table}{beside}{markup}</Section> }
}

/// What is added to all of it.
fn markup_table(of: &str, total: Decimal, line: Option<&MarkupLine>) -> Option<AnyView> {
    let line = line?;
    let row = |name: String, amount: Decimal| {
        view! { <tr><th scope="row">{name}</th><td class="num" title=format::money_full(amount)>{format::money_plain(amount)}</td></tr> }
    };
    let rows = view! { {row("without markup".to_owned(), total)}{row(line.label(), line.amount)} };
    let foot = html! { {row("with markup".to_owned(), total + line.amount)} };
    let columns = columns("Total | Amount, $ #");
    Some(html! { <Table caption=format!("Markup on {of}") columns=columns dense=true foot=foot>{rows}</Table> })
}

/// What stands beside usage: charges, and what rules moved; with what all comes to together.
fn beside(
    (org, month): (&str, Period),
    of: &str,
    (charges, lines): (&[ChargeLine], &[SharedLine]),
    usage: Option<Decimal>,
) -> Option<AnyView> {
    let charged = (!charges.is_empty()).then(|| charged(charges));
    let moved = (!lines.is_empty()).then(|| shared(lines));
    let parts = [("usage", usage), ("charges", charged), ("shared", moved)];
    let parts: Vec<_> = parts.into_iter().filter_map(|(name, amount)| Some((name, amount?))).collect();
    let words: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
    let sum = parts.iter().map(|(_, amount)| *amount).sum();
    let mut total = (parts.len() > 1).then(|| total_row(words.join(" + "), sum));
    let shared = (!lines.is_empty()).then(|| shared_table((org, month), of, lines, total.take()));
    let charges = (!charges.is_empty()).then(|| charge_table(org, of, charges, total));
    (charged.is_some() || shared.is_some()).then(|| html! { {charges}{shared} })
}

fn total_row(name: String, amount: Decimal) -> AnyView {
    html! {
        <tr><th scope="row">{name}</th><td></td><td class="num" title=format::money_full(amount)>{format::money_plain(amount)}</td></tr>
    }
}

/// What rules moved: each line opens to the rule's explanation.
fn shared_table((org, month): (&str, Period), of: &str, lines: &[SharedLine], total: Option<AnyView>) -> AnyView {
    let row = |line: &SharedLine| {
        let name = line.rule.clone();
        // Who sees some teams alone opens no rule: it says what is others'.
        let name = if line.effect.is_empty() {
            name.into_any()
        } else {
            let href = explained_path(org, month, "rule", &line.rule_id.to_string());
            html! { <a class="row-link" href=href>{name}</a><span class="note">{line.effect.clone()}</span> }
        };
        let what = if line.is_charge { "charges" } else { "usage" };
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td>{format!("{what} {}", line.direction())}</td>
                <td class="num" title=format::money_full(line.amount)>{format::money_plain(line.amount)}</td>
            </tr>
        }
    };
    let foot = html! { {total_row("shared".to_owned(), shared(lines))}{total} };
    let (rows, columns) = (lines.iter().map(row).collect_view(), columns("Allocation rule | What | Amount, $ #"));
    html! { <Table caption=format!("Shared with {of}") columns=columns dense=true foot=foot>{rows}</Table> }
}

/// Charges beside usage, each of which opens.
fn charge_table(org: &str, of: &str, charges: &[ChargeLine], total: Option<AnyView>) -> AnyView {
    let row = |line: &ChargeLine| {
        let kind = [Some(line.kind.label().to_owned()), line.provider.clone()].into_iter().flatten();
        let code = line.cost_centre.clone().map(|code| format!("cost centre {code}"));
        let notes = kind.chain(code).collect::<Vec<_>>().join(" · ");
        view! {
            <tr>
                <th scope="row"><a class="row-link" href=charge_path(org, line.charge_id)>{line.description.clone()}</a><span class="note">{notes}</span></th>
                <td class="num">{format::count(line.days.days())}</td>
                <td class="num" title=format::money_full(line.amount)>{format::money_plain(line.amount)}</td>
            </tr>
        }
    };
    let foot = html! { {total_row("charges".to_owned(), charged(charges))}{total} };
    let (rows, columns) = (charges.iter().map(row).collect_view(), columns("Charge | Days # | Amount, $ #"));
    html! { <Table caption=format!("Charges of {of}") columns=columns dense=true foot=foot>{rows}</Table> }
}

/// The model's name is soft where the line before already said it; it leads to the events behind the line.
fn line_row(line: &StatementLine, again: bool, events: String) -> AnyView {
    let amount = match line.amount {
        Some(amount) => {
            html! { <td class="num" title=format::money_full(amount)>{format::money_plain(amount)}</td> }
        }
        None => html! { <td class="num"><span class="warn">"unpriced"</span></td> },
    };
    let provider = (!again).then(|| view! { <span class="note">{line.provider.clone()}</span> });
    let quantity = line.quantity.map(format::quantity);
    let unpriced = line.kind == LineKind::Unpriced;
    let what = match &line.term {
        Some(term) => format!("{}: {term}", line.kind.label()),
        None => line.kind.label().to_owned(),
    };
    let label = format!("Events of {}, {what}", line.model);
    let rate = line.rate().map(|(price, per)| {
        let per_word = if per == 1 { "each" } else { "/ 1M" };
        (format!("{} {per_word}", format::money_of_call(price)), rate(price, per))
    });
    let (rate, exact) = rate.unzip();
    html! {
        <tr>
            <th scope="row"><a class="row-link" class:soft=again href=events aria-label=label>{line.model.clone()}</a>{provider}</th>
            <td class:warn=unpriced>{what}</td>
            <td class="num only-wide">{quantity}</td>
            <td class="soft only-wide">{line.kind.unit()}</td>
            <td class="num only-wide" title=exact>{rate}</td>
            <td class="num only-wide">{format::count(line.requests)}</td>
            {amount}
        </tr>
    }
}
