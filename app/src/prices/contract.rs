//! The contract: free allowances and volume prices that count over a month, and the months they are applied to.

use super::api::{AddTerm, EndRule, StartRun};
use super::enter::providers;
use super::fields::{models_fields, source_fields};
use super::history::{Rows, entered, left_out, undone_under_changes};
use super::labels::{Tab, amount, change, refused, sourced, tabs};
use crate::form::{Posted, hidden};
use crate::format;
use crate::layout::NavItem;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Badge, Breadcrumb, Button, ButtonKind, Choice, Crumb, EmptyState, Field, FormErrors, NoticeText, PageHead, Radios,
    RowButton, Section, Select, Table, Tone, UrlNotice, columns, html,
};
use domain::identity::Permission;
use domain::meter::Meter;
use domain::price::contract::{
    ContractMonth, ContractTerm, MonthState, MonthStatus, TermKind, TermMonth, TierPricing, tier_field,
};
use domain::repricing::RunKind;
use domain::rule::{Dated, History};
use domain::statement::month_text;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use rust_decimal::Decimal;

/// What happened, said on the page that a form leads back to.
const NOTICES: &[NoticeText] = &[
    NoticeText {
        code: "entered",
        tone: Tone::Good,
        text: "The term is entered. Nothing moves until you apply the contract to a month.",
    },
    NoticeText { code: "ended", tone: Tone::Good, text: "Ended. Months that were settled keep it." },
];

fn path(org: &str) -> String {
    format!("{}/contract", NavItem::Prices.path(org))
}

/// The terms of the contract and the months under it.
pub(crate) async fn contract(visit: Visit) -> Drawn {
    let (terms, months) = futures::try_join!(
        backend::prices::contract::terms(&visit.backend, &visit.scope),
        backend::prices::contract::months(&visit.backend, &visit.scope),
    )?;
    Ok(Page::new(
        "Commitments and volume pricing",
        view! {
            <UrlNotice known=NOTICES/>
            <FormErrors errors={Posted::<EndRule>::here().errors()}/>
            <FormErrors errors={Posted::<StartRun>::here().errors()}/>
            {draw(&visit, &terms, &months)}
        },
    ))
}

fn draw(visit: &Visit, terms: &History<Dated<ContractTerm>>, months: &[MonthStatus]) -> AnyView {
    let new = format!("{}/new", path(visit.org()));
    let may_manage = visit.frame.may(Permission::ManagePrices);
    let action = may_manage.then(|| view! { <Button kind=ButtonKind::Primary href=new>"Add term"</Button> });
    let body = if terms.is_empty() {
        let text =
            "A free allowance or a volume price counts over a whole month. Enter it, then apply it to each month.";
        html! { <EmptyState title="No terms yet" text=text/> }
    } else {
        html! { {month_list(visit, months)}{term_list(visit, terms)} }
    };
    html! {
        <PageHead title="Commitments and volume pricing" lead=lead(terms, months)>{action}</PageHead>
        {tabs(visit.org(), Tab::Contract)}
        {body}
    }
}

/// The answer first: what is left to do, and what the contract comes to.
fn lead(terms: &[Dated<ContractTerm>], months: &[MonthStatus]) -> String {
    if terms.is_empty() {
        return "Free allowances and volume prices, which count over a month.".to_owned();
    }
    let ended = |status: &&MonthStatus| status.is_over && status.state != MonthState::Applied;
    let open = months.iter().filter(ended).count();
    let effect: Decimal = months.iter().map(|status| status.effect).sum();
    let waits = match open {
        0 => "Every month that has ended is settled.".to_owned(),
        open => format!(
            "{} that ended {} to be applied.",
            format::counted(i128::try_from(open).unwrap_or_default(), "month"),
            if open == 1 { "waits" } else { "wait" }
        ),
    };
    format!("{waits} So far the contract moved spend by {}.", amount(effect))
}

fn month_list(visit: &Visit, months: &[MonthStatus]) -> AnyView {
    if months.is_empty() {
        return html! { <p class="soft">"No term has held in a month yet."</p> };
    }
    let columns = columns("Month | Contract | Effect on spend, $ # | Applied | Preview ~");
    let rows = months.iter().map(|status| month_row(visit, status)).collect_view();
    html! {
        <Section title="Months" note="every call of a month gets the month's one rate, whenever it came" id="months">
            <Table caption="Months under the contract" columns=columns>{rows}</Table>
        </Section>
    }
}

fn month_row(visit: &Visit, status: &MonthStatus) -> AnyView {
    let title = format::month(status.month.from);
    let running = (!status.is_over).then(|| view! { <span class="note">"to date"</span> });
    let run = |id: &dyn std::fmt::Display| format!("{}/runs/{id}", NavItem::Prices.path(visit.org()));
    let applied = status.applied.map(|(run_id, at)| {
        view! { <a href=run(&run_id)><time datetime=format::time_machine(at) title=format::time_exact(at)>{format::time(at)}</time></a> }
    });
    let newer = (status.newer_calls > 0).then(|| {
        let text = format!("{} since", format::counted(i128::from(status.newer_calls), "call"));
        view! { <span class="note">{text}</span> }
    });
    let state = status.state.label();
    let effect = match status.effect {
        effect if effect.is_zero() => html! { <td class="num soft">{format::NONE}</td> },
        effect => html! { <td class="num">{change(effect)}</td> },
    };
    let action = match status.previewed {
        Some(run_id) => html! { <a href=run(&run_id)>"See the preview"</a> },
        None if visit.frame.may(Permission::ManagePrices) => preview_form(visit.org(), status, &title),
        None => ().into_any(),
    };
    html! {
        <tr>
            <th scope="row" class="nowrap">{title}{running}</th>
            <td><Badge tone=state_tone(status)>{state}</Badge>{newer}</td>
            {effect}
            <td class="nowrap">{applied}</td>
            <td class="end">{action}</td>
        </tr>
    }
}

/// A month that is over and not up to date waits for somebody.
const fn state_tone(status: &MonthStatus) -> Tone {
    match (status.state, status.is_over) {
        (MonthState::Applied, _) => Tone::Good,
        (MonthState::Open, false) => Tone::Neutral,
        _ => Tone::Warn,
    }
}

fn preview_form(org: &str, status: &MonthStatus, title: &str) -> AnyView {
    let label = format!("Preview the contract for {title}");
    let waits = status.is_over && status.state != MonthState::Applied;
    let kind = if waits { ButtonKind::Primary } else { ButtonKind::Secondary };
    html! {
        <form method="post" action=StartRun::url()>
            {hidden([("org", org), ("kind", RunKind::Contract.as_str()), ("month", &month_text(status.month.from))])}
            <RowButton kind=kind text="Preview" name=label/>
        </form>
    }
}

fn term_list(visit: &Visit, terms: &History<Dated<ContractTerm>>) -> AnyView {
    let columns = columns("Term | Kind | Effective | Source | Entered | End it ~");
    let (org, may_manage) = (visit.org(), visit.frame.may(Permission::ManagePrices));
    let rows = Rows { org, page: Tab::Contract.word(), may_manage };
    let rows = terms.iter().map(|term| term_row(rows, term)).collect_view();
    let (more, undo) = (left_out(terms), undone_under_changes(org));
    let note = "where several count the same, the upper one goes first";
    html! {
        <Section title="Terms" note=note id="terms">
            <Table caption="Terms of the contract" columns=columns>{rows}</Table>
            {more}
            {undo}
        </Section>
    }
}

fn term_row(rows: Rows<'_>, term: &Dated<ContractTerm>) -> AnyView {
    let row = &term.row;
    let words = row.words();
    let tiers = (row.kind != TermKind::Allowance).then(|| {
        let each = row.tier_words().into_iter().map(|tier| view! { <span class="note note-below">{tier}</span> });
        each.collect_view()
    });
    let holds = match row.to {
        None => format!("since {}", format::month(row.from)),
        Some(to) => format!("{} until before {}", format::month(row.from), format::month(to)),
    };
    let end = rows.end(term, &words);
    html! {
        <tr class:soft=!term.is_live()>
            <th scope="row">{words.clone()}{tiers}</th>
            <td>{row.kind.label()}</td>
            <td class="nowrap">{holds}</td>
            <td>{sourced(&row.source, "", row.source_url.clone(), &words)}</td>
            <td class="nowrap">{entered(term)}</td>
            <td class="end">{end}</td>
        </tr>
    }
}

/// Enters a term of the contract.
pub(crate) async fn new_term(visit: Visit) -> Drawn {
    let body = match refused(&visit, ("Commitments and volume pricing", "add terms")) {
        Some(refused) => refused,
        None => draw_new(visit.org(), providers(&visit).await?),
    };
    Ok(Page::new("Add term", body))
}

fn draw_new(org: &str, names: AnyView) -> AnyView {
    let form = Posted::<AddTerm>::here();
    let kept = |field: &str| form.kept_or(field, "");
    let typed = |field: &str| (kept(field), form.error(field));
    let kinds = vec![
        Choice::new(TermKind::Allowance.as_str(), TermKind::Allowance.label())
            .hint("so many units of each month are free"),
        Choice::new(TermKind::Graduated.as_str(), TermKind::Graduated.label())
            .hint("each unit has the price of the tier that it falls in"),
        Choice::new(TermKind::Volume.as_str(), TermKind::Volume.label())
            .hint("all units of the month have the price of the tier that the month reaches"),
    ];
    let kind = form.kept_or("kind", TermKind::Allowance.as_str());
    let of_meter = |meter: &Meter| Choice::new(meter.as_str(), meter.label()).group(meter.unit().as_str());
    let tokens = std::iter::once(Choice::new("tokens", "All tokens"));
    let meters: Vec<Choice> = tokens.chain(Meter::ALL.iter().filter(|meter| meter.is_usage()).map(of_meter)).collect();
    let meter = form.kept_or("meters", Meter::InputUncached.as_str());
    let crumbs = vec![Crumb::link("Commitments and volume pricing", path(org)), Crumb::here("Add term".to_owned())];
    let lead = "It counts the units of each month in your organization's time zone. Nothing moves until you apply it to a month.";
    let together = !kept("more_meters").is_empty();
    html! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title="Add term" lead=lead/>
        <form method="post" action=AddTerm::url() class="form form-wide">
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=org.to_owned()/>
            <Radios label="Kind" name="kind" choices=kinds value=kind/>
            <div class="form-row">
                <Select label="What is counted" name="meters" choices=meters value=meter error=form.error("meters")/>
                <Field label="Free units each month" name="units" inputmode="decimal" optional=true value=kept("units") error=form.error("units")
                    hint="Of an allowance, such as 1,000,000."/>
            </div>
            {tier_rows(&form)}
            {models_fields(org, "provider", typed("provider"), typed("models"))}
            <div class="form-row">
                <Field label="From month" name="from" kind="month" placeholder="2026-11" value=kept("from") error=form.error("from")
                    hint="Its first month, such as 2026-11."/>
                <Field label="End date (exclusive)" name="to" kind="month" placeholder="2027-01" optional=true value=kept("to") error=form.error("to")
                    hint="The first month without it; empty: no end date."/>
            </div>
            {source_fields(typed("source"), typed("source_url"))}
            <details class="fold" open=together>
                <summary>"Count several meters together"</summary>
                <Field label="Also counted" name="more_meters" optional=true value=kept("more_meters")
                    hint="Words of meters of the same unit between commas, such as input_cache_read,output."/>
            </details>
            <div class="actions"><Button kind=ButtonKind::Primary>"Enter the term"</Button></div>
        </form>
        {names}
    }
}

/// Rows of tiers in the form.
const TIER_ROWS: usize = 5;

const TIERS_HINT: &str = "Of graduated and volume tiers; empty rows are left out. Below the first tier the list price holds. Dollars are for a million tokens or characters, or for one of anything else.";

fn tier_rows(form: &Posted<AddTerm>) -> AnyView {
    let edges = ["false", "true"].map(|edge| Choice::new(edge, if edge == "true" { "at least" } else { "more than" }));
    let prices = TierPricing::ALL.map(|pricing| Choice::new(pricing.as_str(), pricing.label()));
    let row = |at: usize| {
        let name = |field: &str| tier_field(at, field);
        let field = |field: &str| (name(field), form.kept_or(&name(field), ""), form.error(&name(field)));
        let (units, value) = (field("units"), field("value"));
        view! {
            <div class="form-row">
                <Select label=format!("Tier {}: in a month of", at + 1) name=name("inclusive") choices=edges.to_vec() value=form.kept_or(&name("inclusive"), "false")/>
                <Field label="Units" name=units.0 inputmode="numeric" optional=true value=units.1 error=units.2/>
                <Select label="Price of a unit" name=name("pricing") choices=prices.to_vec() value=form.kept_or(&name("pricing"), TierPricing::default().as_str())/>
                <Field label="% or $" name=value.0 inputmode="decimal" optional=true value=value.1 error=value.2/>
            </div>
        }
    };
    let rows = (0..TIER_ROWS).map(row).collect_view();
    let wrong = form.error("tiers").map(|wrong| view! { <p class="field-error">{wrong}</p> });
    html! { <fieldset class="price-rates price-tiers"><legend class="visually-hidden">"Tiers"</legend>{rows}{wrong}<p class="field-hint">{TIERS_HINT}</p></fieldset> }
}

/// What a run of the contract has counted, on the run's page.
pub(super) fn counted(contract: &ContractMonth) -> AnyView {
    if contract.terms.is_empty() {
        let text = if contract.counted {
            "No term of the contract counts anything in this month."
        } else {
            "Counting the month."
        };
        return html! { <p class="soft">{text}</p> };
    }
    let columns = columns("Term | Units in the month # | Without it, $ # | With it, $ # | Cost impact, $ #");
    let rows = contract.terms.iter().map(counted_row).collect_view();
    html! {
        <Section title="Counted" note="what each term makes of the month">
            <Table caption="What the terms count and charge" columns=columns dense=true>{rows}</Table>
        </Section>
    }
}

fn counted_row(term: &TermMonth) -> AnyView {
    let (total, units) = (term.total, term.units.clone());
    let charged = term.charge.map_or_else(
        || html! { <td class="num soft">"counting"</td><td></td> },
        |charge| {
            let delta = charge - total.amount;
            let moved = if delta.is_zero() { format::NONE.into_any() } else { change(delta) };
            html! { <td class="num" title=format::money_full(charge)>{format::money_plain(charge)}</td><td class="num">{moved}</td> }
        },
    );
    html! {
        <tr>
            <th scope="row">{term.words.clone()}</th>
            <td class="num" title=units>{format::quantity(total.quantity)}</td>
            <td class="num" title=format::money_full(total.amount)>{format::money_plain(total.amount)}</td>
            {charged}
        </tr>
    }
}
