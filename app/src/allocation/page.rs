//! Who answers for a month, the rest that nobody does, and the rules in order.

use super::api::{EnterRule, PlaceRule};
use super::labels::{Names, money, share};
use crate::form::{Posted, hidden};
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::prices::api::EndRule;
use crate::prices::history::{Rows, entered, left_out, undone_under_changes};
use crate::prices::labels::span;
use crate::ui::{
    Button, ButtonKind, EmptyState, Figure, FormErrors, NoticeText, PageHead, Pager, RowButton, Section, Table, Tone,
    UrlNotice, columns, html,
};
use chrono::Months;
use domain::allocation::{Account, Allocated, AllocationRule, Amounts};
use domain::identity::Permission;
use domain::period::Period;
use domain::rule::{Dated, History};
use domain::statement::{month_text, parse_month};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use rust_decimal::Decimal;

const NOTICES: &[NoticeText] = &[
    NoticeText {
        code: "entered",
        tone: Tone::Good,
        text: "Entered. It counts for all days of the rule, past ones too.",
    },
    NoticeText {
        code: "placed",
        tone: Tone::Good,
        text: "Moved. The rules apply in this order for all days, past ones too.",
    },
    NoticeText { code: "ended", tone: Tone::Good, text: "Ended. Days before are allocated as they were." },
];

/// The allocation of a month; the present one unless the address names another.
pub(crate) async fn allocation(visit: Visit) -> Drawn {
    let month = visit.query.get("month").map(parse_month).transpose()?;
    let month = month.unwrap_or_else(|| Period::month_of(visit.frame.today));
    let (allocated, rules) = futures::try_join!(
        backend::allocation::allocated(&visit.backend, &visit.scope, month),
        backend::allocation::list(&visit.backend, &visit.scope),
    )?;
    let names = Names::of(&visit, month).await?;
    let may_manage = visit.frame.may(Permission::ManagePrices);
    let new = format!("{}/new", NavItem::Allocation.path(visit.org()));
    let button = may_manage.then(|| view! { <Button kind=ButtonKind::Primary href=new>"Add rule"</Button> });
    let labels = format!("/o/{}/labels", visit.org());
    let lead = format!("Who answers for the usage of {}.", format::month(month.from));
    Ok(Page::new(
        format!("Allocation, {}", format::month(month.from)),
        view! {
            <UrlNotice known=NOTICES/>
            <FormErrors errors={Posted::<EndRule>::here().errors()}/>
            <FormErrors errors={Posted::<PlaceRule>::here().errors()}/>
            <FormErrors errors={Posted::<EnterRule>::here().errors()}/>
            <PageHead title="Allocation" lead=lead><Button href=labels>"Labels"</Button>{button}</PageHead>
            {figures(&names, &allocated, may_manage)}
            {rules_section(&names, &allocated, &rules, may_manage)}
            {accounts(&names, &allocated)}
            {months(&visit, month)}
        },
    ))
}

fn figures(names: &Names, allocated: &Allocated, may_manage: bool) -> AnyView {
    if allocated.total.is_empty() {
        return html! { <p class="soft">"Nothing was used in this month."</p> };
    }
    let whole = allocated.allocated();
    let of = |whole: &Amounts| (whole.spend(), Decimal::from_i128_with_scale(whole.tokens, 0));
    let ((spend, tokens), (all, all_tokens)) = (of(&whole), of(&allocated.total));
    let by_money = share(spend, all).unwrap_or_else(|| format::NONE.to_owned());
    let by_tokens = share(tokens, all_tokens).unwrap_or_else(|| format::NONE.to_owned());
    let amounts = format!("{} of {}", format::money(spend), format::money(all));
    let exact = format!("{} of {}", format::money_full(spend), format::money_full(all));
    let rest = allocated.unallocated.spend();
    let cause = cause(names, allocated, may_manage);
    html! {
        <div class="headline">
            <Figure large=true caption="Allocated" value=by_money title=exact><p>{amounts}</p></Figure>
            <Figure caption="Unallocated" value=format::money(rest) title=format::money_full(rest)>{cause}</Figure>
            <Figure caption="Tokens allocated" value=by_tokens/>
        </div>
    }
}

/// What most of the unallocated rest has in common, and what to do about it.
fn cause(names: &Names, allocated: &Allocated, may_manage: bool) -> Option<AnyView> {
    let cause = allocated.cause.as_ref()?;
    let part = share(cause.amounts.spend(), allocated.unallocated.spend())?;
    let dimension = match &cause.dimension {
        domain::spend::Dimension::ApiKey => "key".to_owned(),
        other => other.name(),
    };
    let text = format!("{part} from {dimension} {}", cause.label);
    let rule = UrlQuery::new()
        .and("conditions[0][dimension]", &cause.dimension.name())
        .and("conditions[0][test]", "is")
        .and("conditions[0][values]", &cause.value)
        .at(&format!("{}/new", NavItem::Allocation.path(&names.org)));
    let link = may_manage.then(|| view! { ", "<a href=rule>"add a rule"</a> });
    Some(html! { <p>{text}{link}</p> })
}

fn rules_section(
    names: &Names,
    allocated: &Allocated,
    rules: &History<Dated<AllocationRule>>,
    may_manage: bool,
) -> AnyView {
    if rules.is_empty() {
        let text = "Each project's usage counts for the team that owned it on the day. Rules change that: they re-label usage by its tags, keys or other dimensions, or split shared cost among projects and teams.";
        return html! { <EmptyState title="No rules yet" text=text/> };
    }
    let rows = Rows { org: &names.org, page: "allocation", may_manage };
    let places: Vec<u32> = rules.iter().filter(|rule| rule.is_live()).map(|rule| rule.row.position).collect();
    let last = places.iter().enumerate().filter(|(at, place)| !places[..*at].contains(place)).count();
    let row = |rule: &Dated<AllocationRule>| rule_row(names, allocated, rows, rule, last);
    let each = rules.iter().map(row).collect_view();
    let heads = columns("Place # | Rule | Effective | Moved this month, $ # | Entered | Order ~ | End it ~");
    let (more, undo) = (left_out(rules), may_manage.then(|| undone_under_changes(&names.org)));
    html! {
        <Section title="Rules" note="applied in this order, to every day on which they hold" id="rules">
            <Table caption="Rules in the order in which they apply, then those that count no more" columns=heads>{each}</Table>
            {more}
            {undo}
        </Section>
    }
}

fn rule_row(
    names: &Names,
    allocated: &Allocated,
    rows: Rows<'_>,
    rule: &Dated<AllocationRule>,
    last: usize,
) -> AnyView {
    let (row, is_live) = (&rule.row, rule.is_live());
    let place = usize::try_from(row.position).unwrap_or_default();
    let moved = match is_live {
        true => money(&allocated.moved_by(rule.rule_id)),
        false => html! { <td class="num soft">{format::NONE}</td> },
    };
    let name = match is_live {
        true => {
            html! { <a href=names.href("rule", &rule.rule_id.to_string())>{row.name.clone()}</a> }
        }
        false => row.name.clone().into_any(),
    };
    let evenly = allocated.evenly.iter().any(|(of, _)| is_live && *of == row.name).then(|| {
        view! { <span class="note warn">"split evenly: none of them had anything to go by in the month"</span> }
    });
    let order = (is_live && rows.may_manage && last > 1).then(|| {
        let button = |text: &'static str, to: usize| {
            let fields = [("org", names.org.as_str()), ("rule", &rule.rule_id.to_string()), ("place", &to.to_string())];
            let label = format!("{text} {}", row.name);
            html! { <form method="post" action=PlaceRule::url()>{hidden(fields)}<RowButton kind=ButtonKind::Link text=text name=label/></form> }
        };
        let up = (place > 1).then(|| button("Up", place - 1));
        let down = (place < last).then(|| button("Down", place + 1));
        view! { {up}{down} }
    });
    html! {
        <tr class:soft=!is_live>
            <td class="num">{is_live.then(|| place.to_string())}</td>
            <th scope="row" class="wrap">{name}<span class="note">{row.sentence()}</span><span class="note">{row.reason.clone()}</span>{evenly}</th>
            <td class="nowrap">{span(row.valid_from, row.valid_to)}</td>
            {moved}
            <td>{entered(rule)}</td>
            <td>{order}</td>
            <td class="end">{rows.end(rule, &format!("the rule {}", row.name))}</td>
        </tr>
    }
}

fn accounts(names: &Names, allocated: &Allocated) -> AnyView {
    if allocated.teams.is_empty() {
        return ().into_any();
    }
    let table = |title: &'static str, caption: &'static str, accounts: &[Account]| {
        let rows = accounts.iter().map(|account| account_row(names, account)).collect_view();
        let heads = columns("Who | Own usage, $ # | In, $ # | Out, $ # | Total, $ #");
        let (rest, total) = (allocated.unallocated, allocated.total);
        let foot = html! {
            <tr><th scope="row">"unallocated"</th><td></td><td></td><td></td>{money(&rest)}</tr>
            <tr><th scope="row">"total"</th>{money(&total)}<td></td><td></td>{money(&total)}</tr>
        };
        html! { <Section title=title><Table caption=caption columns=heads foot=foot>{rows}</Table></Section> }
    };
    html! {
        {table("By team", "Own usage, what rules moved in and out, and the total, by team", &allocated.teams)}
        {table("By project", "Own usage, what rules moved in and out, and the total, by project", &allocated.projects)}
    }
}

fn account_row(names: &Names, account: &Account) -> AnyView {
    html! {
        <tr>
            <th scope="row">{names.link(&account.party)}</th>
            {money(&account.own)}
            {money(&account.came)}
            {money(&account.went)}
            {money(&account.total())}
        </tr>
    }
}

/// The months beside this one.
fn months(visit: &Visit, month: Period) -> AnyView {
    let at = |first: chrono::NaiveDate| UrlQuery::new().with("month", &month_text(first)).at(&visit.path);
    let before = month.from.checked_sub_months(Months::new(1));
    let after = Some(month.to).filter(|next| *next <= visit.frame.today);
    let label = |first: Option<chrono::NaiveDate>| first.map(format::month).unwrap_or_default();
    let (previous_label, next_label) = (label(before), label(after));
    html! { <Pager previous=before.map(at) next=after.map(at) previous_label=previous_label next_label=next_label/> }
}
