//! The list: what charges cost in the chosen days, by kind and owner, how far credits and plans are used, and every charge.

use super::{charge_path, days, owner};
use crate::format;
use crate::layout::{CsvLink, NavItem, PeriodSelection};
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Badge, Button, ButtonKind, Columns, EmptyState, Figure, Meter, NoticeText, PageHead, Section, Table, Tone,
    UrlNotice, columns, html,
};
use domain::charge::{BurnDown, Charge, ChargeKind, ChargePart};
use domain::identity::Permission;
use domain::period::Period;
use domain::rule::{Dated, History};
use domain::spend::SpendQuery;
use leptos::prelude::*;
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::BTreeMap;

const NOTICES: &[NoticeText] = &[
    NoticeText { code: "entered", tone: Tone::Good, text: "The charge is entered and stands on its statements." },
    NoticeText { code: "imported", tone: Tone::Good, text: "The charges of the file are entered." },
    NoticeText { code: "ended", tone: Tone::Good, text: "Ended. Its earlier days keep what they cost." },
];

/// All charges, and what they cost in the days that the address chooses.
pub(crate) async fn charges(visit: Visit) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let period = PeriodSelection::from_query(&visit.query, visit.frame.calendar()).period;
    let (list, parts, credits) = futures::try_join!(
        backend::charges::list(backend, scope),
        backend::charges::parts(backend, scope, period),
        backend::charges::credits(backend, scope),
    )?;
    let new = format!("{}/new", NavItem::Charges.path(visit.org()));
    let add = visit.frame.may(Permission::ManagePrices).then(|| {
        view! { <Button kind=ButtonKind::Primary href=new>"Add charges"</Button> }
    });
    let lead = "What costs beside events, amortised by day. It stands beside usage and is never part of it.";
    let body = if list.is_empty() {
        let text = "GPU hours, provisioned throughput, vector stores, seats, prepaid credits and subscriptions: enter them by form, as a file or by POST /v1/charges.";
        html! { <EmptyState title="No charges yet" text=text/> }
    } else {
        let usage = backend::spend::query(backend, scope, &SpendQuery::over(period)).await?.total.spend;
        let plans = backend::charges::included_usage(backend, scope).await?;
        let owners = owner_names(&visit).await?;
        let by_kind = sums("By kind", "Kind", by(&parts, |part| part.line.kind.label().to_owned()));
        let by_owner = sums("By owner", "Project or team", by(&parts, &owners));
        html! {
            <div class="headline">{figures(period, &visit, &parts, usage)}</div>
            <Columns>{by_kind}{by_owner}</Columns>
            {credit_list(visit.org(), &credits, &list)}
            {plan_list(visit.org(), &plans)}
            {all(visit.org(), &list, &parts)}
        }
    };
    Ok(Page::new(
        "Charges",
        view! {
            <UrlNotice known=NOTICES/>
            <PageHead title="Charges" lead=lead><CsvLink/>{add}</PageHead>
            {body}
        },
    ))
}

fn figures(period: Period, visit: &Visit, parts: &[ChargePart], usage: Decimal) -> AnyView {
    let (range, total) = (format::range(period, visit.frame.today), total(parts));
    let is_shared = |part: &&ChargePart| part.team_id.is_none() && part.project_id.is_none();
    let shared: Decimal = parts.iter().filter(is_shared).map(|part| part.line.amount).sum();
    let statements = NavItem::Statements.path(visit.org());
    html! {
        <Figure large=true caption=format!("Charges, {range}") value=format::money(total) title=format::money_full(total)/>
        <Figure caption="Usage" value=format::money(usage) title=format::money_full(usage)>
            "beside them, on "<a href=statements>"Statements"</a>
        </Figure>
        <Figure caption="Unallocated charges" value=format::money(shared) title=format::money_full(shared)>
            "of no project and no team"
        </Figure>
    }
}

fn total(parts: &[ChargePart]) -> Decimal {
    parts.iter().map(|part| part.line.amount).sum()
}

/// Sums under a name, by falling amount.
fn by(parts: &[ChargePart], name: impl Fn(&ChargePart) -> String) -> Vec<(String, Decimal)> {
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    for part in parts {
        *sums.entry(name(part)).or_default() += part.line.amount;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, amount)| Reverse(*amount));
    sums
}

/// How the owner of a part is called.
async fn owner_names(visit: &Visit) -> Result<impl Fn(&ChargePart) -> String + use<>, backend::Error> {
    let (projects, teams) = futures::try_join!(
        backend::projects::list_projects(&visit.backend, &visit.scope),
        backend::projects::list_teams(&visit.backend, &visit.scope),
    )?;
    let projects: BTreeMap<_, _> = projects.into_iter().map(|project| (project.project_id, project.name)).collect();
    let teams: BTreeMap<_, _> = teams.into_iter().map(|team| (team.team_id, team.name)).collect();
    Ok(move |part: &ChargePart| {
        let project = part.project_id.and_then(|id| projects.get(&id)).cloned();
        let team = || part.team_id.and_then(|id| teams.get(&id)).map(|name| format!("{name} (team)"));
        project.or_else(team).unwrap_or_else(|| "unallocated".to_owned())
    })
}

fn sums(title: &'static str, head: &'static str, sums: Vec<(String, Decimal)>) -> AnyView {
    let whole: Decimal = sums.iter().map(|(_, amount)| amount).sum();
    let row = |(name, amount): (String, Decimal)| {
        let share = format::ratio(amount, whole).map(format::percent);
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td class="num" title=format::money_full(amount)>{format::money_plain(amount)}</td>
                <td class="num soft">{share}</td>
            </tr>
        }
    };
    let mut heads = columns("Charges, $ # | Share #");
    heads.insert(0, crate::ui::Column::text(head));
    let body = if sums.is_empty() {
        html! { <p class="soft">"Nothing is charged in these days."</p> }
    } else {
        let rows = sums.into_iter().map(row).collect_view();
        html! { <Table caption=format!("Charges, {}", title.to_lowercase()) columns=heads>{rows}</Table> }
    };
    html! { <Section title=title>{body}</Section> }
}

fn credit_list(org: &str, credits: &[BurnDown], list: &[Dated<Charge>]) -> Option<AnyView> {
    let named = |state: &BurnDown| {
        let charge = list.iter().find(|charge| charge.rule_id == state.credit.charge_id);
        charge.map_or_else(|| state.credit.provider.clone(), |charge| charge.row.description.clone())
    };
    let rows = credits.iter().map(|state| credit_row(org, named(state), state)).collect_view();
    let heads = columns(
        "Credits | Bought, $ # | Left, $ # | Used | Pace, $ a day # | Exhaustion date | Expires | Will expire unused, $ #",
    );
    let note = "drawn by the provider's usage at the prices that events are booked with";
    (!credits.is_empty()).then(|| {
        html! {
            <Section title="Prepaid credits" note=note id="credits">
                <Table caption="Prepaid credits" columns=heads>{rows}</Table>
            </Section>
        }
    })
}

fn credit_row(org: &str, name: String, state: &BurnDown) -> AnyView {
    let credit = &state.credit;
    let share = format::ratio(state.used, credit.amount).unwrap_or(0.0);
    let used = format!("{} used", format::percent(share));
    let used_up = state.used_up_on.map_or_else(|| "never at this pace".to_owned(), format::day_year);
    let unused = if state.lost.is_zero() { state.will_expire } else { state.lost };
    let expires = credit.expires.map_or_else(|| "never".to_owned(), format::day_year);
    html! {
        <tr>
            <th scope="row"><a class="row-link" href=charge_path(org, credit.charge_id)>{name}</a><span class="note">{credit.provider.clone()}</span></th>
            <td class="num">{format::money_plain(credit.amount)}</td>
            <td class="num" title=format::money_full(state.left)>{format::money_plain(state.left)}</td>
            <td><Meter share=share label=used.clone() small=true/><span class="note note-below">{used}</span></td>
            <td class="num" title=format::money_full(state.pace)>{format::money_plain(state.pace)}</td>
            <td class="nowrap">{used_up}</td>
            <td class="nowrap">{expires}</td>
            <td class="num" class:warn=!unused.is_zero() title=format::money_full(unused)>{format::money_plain(unused)}</td>
        </tr>
    }
}

fn plan_list(org: &str, plans: &[(Charge, Decimal)]) -> Option<AnyView> {
    let rows = plans.iter().map(|(charge, used)| plan_row(org, charge, *used)).collect_view();
    let note = "month to date, at list value: of the keys that are billed as included in a plan; without any, all usage of the provider, which counts as spend beside the plan's price";
    let heads = columns("Subscription | Price a month, $ # | Included usage, $ # | Used, $ # | Used");
    (!plans.is_empty()).then(|| {
        html! {
            <Section title="Subscriptions with included usage" note=note id="plans">
                <Table caption="Subscriptions with included usage" columns=heads>{rows}</Table>
            </Section>
        }
    })
}

fn plan_row(org: &str, charge: &Charge, used: Decimal) -> AnyView {
    let included = charge.included.unwrap_or_default();
    let share = format::ratio(used, included).unwrap_or(0.0);
    let label = format!("{} of what is included", format::percent(share));
    html! {
        <tr>
            <th scope="row"><a class="row-link" href=charge_path(org, charge.charge_id)>{charge.description.clone()}</a><span class="note">{charge.provider.clone()}</span></th>
            <td class="num">{format::money_plain(charge.month_amount())}</td>
            <td class="num">{format::money_plain(included)}</td>
            <td class="num" title=format::money_full(used)>{format::money_plain(used)}</td>
            <td><Meter share=share label=label.clone() small=true/><span class="note note-below">{label}</span></td>
        </tr>
    }
}

fn all(org: &str, list: &History<Dated<Charge>>, parts: &[ChargePart]) -> AnyView {
    let of = |charge_id| -> Decimal {
        parts.iter().filter(|part| part.line.charge_id == charge_id).map(|part| part.line.amount).sum()
    };
    let rows = list.iter().map(|charge| row(org, charge, of(charge.rule_id))).collect_view();
    let heads = columns("Charge | Owner | Days | Price | In these days, $ # | Entered");
    let more = (list.more > 0)
        .then(|| view! { <p class="soft small">{format!("{} more not listed.", format::count(list.more))}</p> });
    let changes = format!("{}/own#changes", NavItem::Prices.path(org));
    html! {
        <Section title="All charges" id="all">
            <Table caption="All charges" columns=heads>{rows}</Table>
            {more}
            <p class="soft small">"What was entered by mistake is withdrawn on the charge's page, or undone under "<a href=changes>"Changes"</a>"."</p>
        </Section>
    }
}

fn row(org: &str, charge: &Dated<Charge>, amount: Decimal) -> AnyView {
    let (row, entry) = (&charge.row, &charge.entry);
    let superseded = (!charge.is_live()).then(|| view! { " "<Badge>"superseded"</Badge> });
    let kind = match (&row.provider, row.kind) {
        (Some(provider), kind) => format!("{} · {provider}", kind.label()),
        (None, kind) => kind.label().to_owned(),
    };
    let amount = match (charge.is_live(), row.kind) {
        (true, ChargeKind::PrepaidCredits) if amount.is_zero() => html! { <td class="num soft">"by usage"</td> },
        (true, _) => html! { <td class="num" title=format::money_full(amount)>{format::money_plain(amount)}</td> },
        (false, _) => html! { <td class="num soft">{format::NONE}</td> },
    };
    html! {
        <tr>
            <th scope="row"><a class="row-link" href=charge_path(org, charge.rule_id)>{row.description.clone()}</a>{superseded}<span class="note">{kind}</span></th>
            <td>{owner(org, row)}</td>
            <td class="nowrap">{days(row.from, row.to)}</td>
            <td class="nowrap">{row.price_text()}</td>
            {amount}
            <td>
                <time datetime=format::time_machine(entry.recorded_at) title=format::time_exact(entry.recorded_at)>{format::day_year(entry.recorded_at.date_naive())}</time>
                <span class="note">{entry.recorded_by.clone()}</span>
            </td>
        </tr>
    }
}
