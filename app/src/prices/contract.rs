//! The contract: free allowances and volume prices that count over a month, and the months they are applied to.

use super::api::{AddTerm, EndRule, StartRun, load_contract, load_price_form_options};
use super::enter::providers;
use super::fields::{ModelsFields, SourceFields};
use super::history::{Rows, entered, left_out, undone_under_changes};
use super::labels::{Tab, sourced, tabs};
use crate::error::{AppError, Failure};
use crate::form::{Form, use_form};
use crate::format;
use crate::layout::NavItem;
use crate::ui::{
    Badge, Breadcrumb, Button, ButtonKind, Change, Choice, Column, Crumb, Direction, EmptyState, Field, FormErrors,
    Loading, NoPermission, NoticeText, PageHead, Radios, RowButton, Section, Select, Table, TextArea, Tone, UrlNotice,
    loaded_first,
};
use domain::meter::Meter;
use domain::price::contract::{ContractMonth, ContractTerm, MonthState, MonthStatus, TermKind, TermMonth};
use domain::price::page::{ContractPage as ContractView, PriceFormOptions};
use domain::problem::Problem;
use domain::repricing::RunKind;
use domain::rule::Dated;
use domain::statement::month_text;
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
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
#[component]
pub fn ContractPage() -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let forms = Forms { end: use_form(), start: use_form() };
    let versions = (forms.end.action.version(), forms.start.action.version());
    let contract =
        loaded_first(move || (org.get(), versions.0.get(), versions.1.get()), |(org, ..)| load_contract(org));
    view! {
        <Title text="Contract"/>
        <UrlNotice known=NOTICES/>
        <FormErrors errors=forms.end.errors()/>
        <FormErrors errors=forms.start.errors()/>
        <Transition fallback=|| view! { <PageHead title="Contract"/><Loading what="contract" lines=8/> }>
            {move || Suspend::new(async move {
                match contract.await {
                    Ok(contract) => draw(&org.get_untracked(), &contract, forms),
                    Err(error) => view! { <PageHead title="Contract"/><Failure what="contract" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// The forms behind the buttons of the rows.
#[derive(Clone, Copy)]
struct Forms {
    end: Form<EndRule>,
    start: Form<StartRun>,
}

fn draw(org: &str, page: &ContractView, forms: Forms) -> AnyView {
    let new = format!("{}/new", path(org));
    let action = page.may_manage.then(|| view! { <Button kind=ButtonKind::Primary href=new>"Enter a term"</Button> });
    let body = if page.terms.is_empty() {
        let text =
            "A free allowance or a volume price counts over a whole month. Enter it, then apply it to each month.";
        view! { <EmptyState title="No terms yet" text=text/> }.into_any()
    } else {
        let (months, terms) = (months(org, page, forms.start), terms(org, page));
        view! { {months}{terms} }.into_any()
    };
    view! {
        <PageHead title="Contract" lead=lead(page)>{action}</PageHead>
        {tabs(org, Tab::Contract)}
        {body}
    }
    .into_any()
}

/// The answer first: what is left to do, and what the contract comes to.
fn lead(page: &ContractView) -> String {
    if page.terms.is_empty() {
        return "Free allowances and volume prices, which count over a month.".to_owned();
    }
    let ended = |status: &&MonthStatus| status.is_over && status.state != MonthState::Applied;
    let open = page.months.iter().filter(ended).count();
    let effect: Decimal = page.months.iter().map(|status| status.effect).sum();
    let waits = match open {
        0 => "Every month that has ended is settled.".to_owned(),
        open => format!(
            "{} that ended {} to be applied.",
            format::counted(i128::try_from(open).unwrap_or_default(), "month"),
            if open == 1 { "waits" } else { "wait" }
        ),
    };
    format!(
        "{waits} So far the contract moved spend by {}.",
        if effect.is_zero() { format::money(effect) } else { format::money_signed(effect) }
    )
}

fn months(org: &str, page: &ContractView, form: Form<StartRun>) -> AnyView {
    if page.months.is_empty() {
        return view! { <p class="soft">"No term has held in a month yet."</p> }.into_any();
    }
    let columns = vec![
        Column::text("Month"),
        Column::text("Contract"),
        Column::number("Effect on spend, $"),
        Column::text("Applied"),
        Column::text("Preview").hidden(),
    ];
    let rows = page.months.iter().map(|status| month_row(org, status, page.may_manage, form)).collect_view();
    view! {
        <Section title="Months" note="every call of a month gets the month's one rate, whenever it came" id="months">
            <Table caption="Months under the contract" columns=columns>{rows}</Table>
        </Section>
    }
    .into_any()
}

fn month_row(org: &str, status: &MonthStatus, may_manage: bool, form: Form<StartRun>) -> AnyView {
    let title = format::month(status.month.from);
    let running = (!status.is_over).then(|| view! { <span class="note">"to date"</span> });
    let run = |id: &dyn std::fmt::Display| format!("{}/runs/{id}", NavItem::Prices.path(org));
    let applied = status.applied.map(|(run_id, at)| {
        view! { <a href=run(&run_id)><time datetime=format::time_machine(at) title=format::time_exact(at)>{format::time(at)}</time></a> }
    });
    let newer = (status.newer_calls > 0).then(|| {
        let text = format!("{} since", format::counted(i128::from(status.newer_calls), "call"));
        view! { <span class="note">{text}</span> }
    });
    let (effect, org) = (effect_cell(status), org.to_owned());
    let (tone, state) = (state_tone(status), status.state.label());
    let action = match status.previewed {
        Some(run_id) => view! { <a href=run(&run_id)>"See the preview"</a> }.into_any(),
        None if may_manage => preview_form(&org, status, &title, form),
        None => ().into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="nowrap">{title}{running}</th>
            <td><Badge tone=tone>{state}</Badge>{newer}</td>
            {effect}
            <td class="nowrap">{applied}</td>
            <td>{action}</td>
        </tr>
    }
    .into_any()
}

/// A month that is over and not up to date waits for somebody.
const fn state_tone(status: &MonthStatus) -> Tone {
    match (status.state, status.is_over) {
        (MonthState::Applied, _) => Tone::Good,
        (MonthState::Open, false) => Tone::Neutral,
        _ => Tone::Warn,
    }
}

fn effect_cell(status: &MonthStatus) -> AnyView {
    let effect = status.effect;
    if effect.is_zero() {
        return view! { <td class="num soft">{format::NONE}</td> }.into_any();
    }
    view! { <td class="num">{change(effect)}</td> }.into_any()
}

fn change(delta: Decimal) -> AnyView {
    let sign = if delta.is_sign_negative() { -1.0 } else { 1.0 };
    view! { <Change text=format::money_signed(delta) direction=Direction::of_cost(sign) title=format::money_full(delta)/> }
        .into_any()
}

fn preview_form(org: &str, status: &MonthStatus, title: &str, form: Form<StartRun>) -> AnyView {
    let (org, month) = (org.to_owned(), month_text(status.month.from));
    let label = format!("Preview the contract for {title}");
    let waits = status.is_over && status.state != MonthState::Applied;
    let kind = if waits { ButtonKind::Primary } else { ButtonKind::Secondary };
    view! {
        <ActionForm action=form.action>
            <input type="hidden" name="org" value=org/>
            <input type="hidden" name="kind" value=RunKind::Contract.as_str()/>
            <input type="hidden" name="month" value=month/>
            <RowButton kind=kind text="Preview" name=label/>
        </ActionForm>
    }
    .into_any()
}

fn terms(org: &str, page: &ContractView) -> AnyView {
    let columns = vec![
        Column::text("Term"),
        Column::text("Kind"),
        Column::text("Holds"),
        Column::text("Source"),
        Column::text("Entered"),
        Column::text("End it").hidden(),
    ];
    let rows = Rows { org, tab: Tab::Contract, may_manage: page.may_manage };
    let rows = page.terms.iter().map(|term| term_row(rows, term)).collect_view();
    let (more, undo) = (left_out(&page.terms), undone_under_changes(org));
    let note = "where several count the same, the upper one goes first";
    view! {
        <Section title="Terms" note=note id="terms">
            <Table caption="Terms of the contract" columns=columns>{rows}</Table>
            {more}
            {undo}
        </Section>
    }
    .into_any()
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
    view! {
        <tr class:soft=!term.is_live()>
            <th scope="row">{words.clone()}{tiers}</th>
            <td>{row.kind.label()}</td>
            <td class="nowrap">{holds}</td>
            <td>{sourced(&row.source, "", row.source_url.clone(), &words)}</td>
            <td class="nowrap">{entered(term)}</td>
            <td class="nowrap">{end}</td>
        </tr>
    }
    .into_any()
}

/// Enters a term of the contract.
#[component]
pub fn NewTermPage() -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let form = use_form::<AddTerm>();
    let options = loaded_first(move || org.get(), load_price_form_options);
    view! {
        <Title text="Enter a term"/>
        <Transition fallback=|| view! { <Loading what="form" lines=8/> }>
            {move || Suspend::new(async move {
                match options.await {
                    Ok(options) => draw_new(&org.get_untracked(), &options, form),
                    Err(AppError(Problem::Forbidden { .. })) => view! {
                        <PageHead title="Contract"/>
                        <NoPermission what="enter terms of a contract" who="an owner, admin or finance member"/>
                    }.into_any(),
                    Err(error) => view! { <PageHead title="Contract"/><Failure what="form" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn draw_new(org: &str, options: &PriceFormOptions, form: Form<AddTerm>) -> AnyView {
    let kept = move |field: &str| form.kept(field).unwrap_or_default();
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
    let crumbs = vec![Crumb::link("Contract", path(org)), Crumb::here("Enter a term".to_owned())];
    let lead = "It counts the units of each month in your organization's time zone. Nothing moves until you apply it to a month.";
    let together = !kept("more_meters").is_empty();
    let org = org.to_owned();
    view! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title="Enter a term" lead=lead/>
        <ActionForm action=form.action attr:class="form form-wide">
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=org/>
            <Radios label="Kind" name="kind" choices=kinds value=kind/>
            <div class="form-row">
                <Select label="What is counted" name="meters" choices=meters value=meter error=form.error("meters")/>
                <Field label="Free units each month" name="units" inputmode="decimal" optional=true value=kept("units") error=form.error("units")
                    hint="Of an allowance, such as 1,000,000."/>
            </div>
            <TextArea label="Tiers" name="tiers" rows=3 optional=true value=kept("tiers") error=form.error("tiers")
                hint="Of the other kinds, one a line: >10000000 -10% or >=50000000 $1.20. Prices are free, list, a percentage, or dollars for a million tokens or characters and one of everything else. Below the first boundary the list price holds."/>
            <ModelsFields provider=kept("provider") models=kept("models") provider_error=form.error("provider") models_error=form.error("models")/>
            <div class="form-row">
                <Field label="From month" name="from" kind="month" placeholder="2026-11" value=kept("from") error=form.error("from")
                    hint="Its first month, such as 2026-11."/>
                <Field label="Until before" name="to" kind="month" placeholder="2027-01" optional=true value=kept("to") error=form.error("to")
                    hint="The first month without it; empty until further notice."/>
            </div>
            <SourceFields source=kept("source") link=kept("source_url") source_error=form.error("source") link_error=form.error("source_url")/>
            <details class="price-fold" open=together>
                <summary>"Count several meters together"</summary>
                <Field label="Also counted" name="more_meters" optional=true value=kept("more_meters")
                    hint="Words of meters of the same unit between commas, such as input_cache_read,output."/>
            </details>
            <div class="actions"><Button kind=ButtonKind::Primary disabled=form.pending()>"Enter the term"</Button></div>
        </ActionForm>
        {providers(&options.providers)}
    }
    .into_any()
}

/// What a run of the contract has counted, on the run's page.
pub(super) fn counted(contract: &ContractMonth) -> AnyView {
    if contract.terms.is_empty() {
        let text = if contract.counted {
            "No term of the contract counts anything in this month."
        } else {
            "Counting the month."
        };
        return view! { <p class="soft">{text}</p> }.into_any();
    }
    let columns = vec![
        Column::text("Term"),
        Column::number("Units in the month"),
        Column::number("Without it, $"),
        Column::number("With it, $"),
        Column::number("Moves by, $"),
    ];
    let rows = contract.terms.iter().map(counted_row).collect_view();
    view! {
        <Section title="Counted" note="what each term makes of the month">
            <Table caption="What the terms count and charge" columns=columns dense=true>{rows}</Table>
        </Section>
    }
    .into_any()
}

fn counted_row(term: &TermMonth) -> AnyView {
    let (total, units) = (term.total, term.units.clone());
    let charged = term.charge.map_or_else(
        || view! { <td class="num soft">"counting"</td><td></td> }.into_any(),
        |charge| {
            let delta = charge - total.amount;
            let moved = if delta.is_zero() { format::NONE.into_any() } else { change(delta) };
            view! { <td class="num" title=format::money_full(charge)>{format::money_plain(charge)}</td><td class="num">{moved}</td> }
                .into_any()
        },
    );
    view! {
        <tr>
            <th scope="row">{term.words.clone()}</th>
            <td class="num" title=units>{format::quantity(total.quantity)}</td>
            <td class="num" title=format::money_full(total.amount)>{format::money_plain(total.amount)}</td>
            {charged}
        </tr>
    }
    .into_any()
}
