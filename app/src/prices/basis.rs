//! Which cost counts where a provider reports one: how far both are apart, what was chosen, and the form that chooses.

use super::api::{ChooseBasis, EndRule, load_basis};
use super::history::{Rows, entered, undone_under_changes};
use super::labels::{Tab, change, span, tabs};
use crate::error::Failure;
use crate::form::{Form, use_form};
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::ui::{
    Button, ButtonKind, Choice, Column, EmptyState, Field, FormErrors, Loading, NoticeText, PageHead, Radios, Section,
    Table, Tone, UrlNotice, loaded_first,
};
use domain::price::page::BasisPage as BasisView;
use domain::price::{COMPARED_DAYS, CostBasis, CostBasisRule, Drift, MAX_COMPARED};
use domain::rule::Dated;
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use rust_decimal::Decimal;

const NOTICES: &[NoticeText] = &[
    NoticeText {
        code: "chosen",
        tone: Tone::Good,
        text: "Chosen. Events that come from now on follow it by their own time; recorded ones keep their cost until they are repriced.",
    },
    NoticeText { code: "ended", tone: Tone::Good, text: "Ended. Recorded events keep their cost." },
];

/// The page of the cost basis.
#[component]
pub fn CostBasisPage() -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let forms = Forms { choose: use_form(), end: use_form() };
    let versions = (forms.choose.action.version(), forms.end.action.version());
    let basis = loaded_first(move || (org.get(), versions.0.get(), versions.1.get()), |(org, ..)| load_basis(org));
    view! {
        <Title text="Cost basis"/>
        <UrlNotice known=NOTICES/>
        <FormErrors errors=forms.end.errors()/>
        <Transition fallback=|| view! { <PageHead title="Cost basis"/><Loading what="cost basis" lines=8/> }>
            {move || Suspend::new(async move {
                match basis.await {
                    Ok(basis) => draw(&org.get_untracked(), &basis, forms),
                    Err(error) => view! { <PageHead title="Cost basis"/><Failure what="cost basis" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// The forms of the page.
#[derive(Clone, Copy)]
struct Forms {
    choose: Form<ChooseBasis>,
    end: Form<EndRule>,
}

fn draw(org: &str, page: &BasisView, forms: Forms) -> AnyView {
    let lead = "Some providers report what a call cost. Here you see it beside the cost computed from the price book, and choose which one counts.";
    let rows = Rows { org, tab: Tab::Basis, may_manage: page.may_manage, form: forms.end };
    let (drift, choices) = (drift(org, page), choices(rows, &page.book.choices));
    let choose = page.may_manage.then(|| choose(org, page, forms.choose));
    view! {
        <PageHead title="Cost basis" lead=lead/>
        {tabs(org, Tab::Basis)}
        {drift}
        {choices}
        {choose}
    }
    .into_any()
}

fn drift(org: &str, page: &BasisView) -> AnyView {
    if page.book.drift.is_empty() {
        let text = "No event of the last 30 days came with a reported cost. Send it as reported_cost; OTLP and LiteLLM bring it along.";
        return view! { <EmptyState title="Nothing to compare" text=text/> }.into_any();
    }
    let columns = vec![
        Column::text("Provider"),
        Column::text("Counts now"),
        Column::number("Events"),
        Column::number("Computed, $"),
        Column::number("Reported, $"),
        Column::number("Reported over computed, $"),
        Column::number("In percent"),
        Column::number("Only reported, $"),
    ];
    let newest = if page.book.compared >= MAX_COMPARED {
        format!("the newest {} events of the last {COMPARED_DAYS} days", format::count(MAX_COMPARED))
    } else {
        format!("{} of the last {COMPARED_DAYS} days", format::counted(page.book.compared, "event"))
    };
    let note = format!("{newest} that came with a reported cost");
    let rows = page.book.drift.iter().map(|drift| drift_row(org, drift)).collect_view();
    view! {
        <Section title="Reported beside computed" note=note id="drift">
            <Table caption="Reported and computed cost by provider" columns=columns>{rows}</Table>
        </Section>
    }
    .into_any()
}

fn drift_row(org: &str, drift: &Drift) -> AnyView {
    let difference = drift.difference();
    let percent = format::ratio(difference, drift.computed).map(format::percent_signed);
    let events = UrlQuery::new().and("provider", &drift.provider).at(&NavItem::Events.path(org));
    let label = format!("Events of {}", drift.provider);
    let money = |amount: Decimal| {
        let title = format::money_exact(amount);
        view! { <td class="num" title=title>{format::money_plain(amount)}</td> }
    };
    let only = if drift.uncomputed_events > 0 {
        let title = format!(
            "{} without a price: {}",
            format::counted(drift.uncomputed_events, "event"),
            format::money_exact(drift.uncomputed)
        );
        view! { <td class="num" title=title>{format::money_plain(drift.uncomputed)}</td> }.into_any()
    } else {
        view! { <td class="num soft">{format::NONE}</td> }.into_any()
    };
    view! {
        <tr>
            <th scope="row"><a href=events aria-label=label>{drift.provider.clone()}</a></th>
            <td>{drift.basis.label()}</td>
            <td class="num">{format::count(drift.events)}</td>
            {money(drift.computed)}
            {money(drift.reported)}
            <td class="num">{change(difference)}</td>
            <td class="num">{percent.unwrap_or_else(|| format::NONE.to_owned())}</td>
            {only}
        </tr>
    }
    .into_any()
}

fn choices(rows: Rows<'_>, choices: &[Dated<CostBasisRule>]) -> AnyView {
    if choices.is_empty() {
        let text = "Nothing was chosen: the computed cost counts.";
        return view! { <Section title="What counts" id="choices"><p class="soft">{text}</p></Section> }.into_any();
    }
    let columns = vec![
        Column::text("Provider"),
        Column::text("What counts"),
        Column::text("Holds"),
        Column::text("Reason"),
        Column::text("Chosen"),
        Column::text("End it").hidden(),
    ];
    let each = choices.iter().map(|choice| choice_row(rows, choice)).collect_view();
    let undo = undone_under_changes(rows.org);
    let note = "the newest choice that concerns a provider and holds at the time of the call decides; without one, the computed cost";
    view! {
        <Section title="What counts" note=note id="choices">
            <Table caption="Choices, newest first" columns=columns>{each}</Table>
            {undo}
        </Section>
    }
    .into_any()
}

fn choice_row(rows: Rows<'_>, choice: &Dated<CostBasisRule>) -> AnyView {
    let row = &choice.row;
    let provider = row.provider.clone().unwrap_or_else(|| "Every provider".to_owned());
    let what = format!("the choice of the {} for {}", row.basis.label().to_lowercase(), provider.to_lowercase());
    view! {
        <tr class:soft=!choice.is_live()>
            <th scope="row">{provider}</th>
            <td>{row.basis.label()}</td>
            <td class="nowrap">{span(row.valid_from, row.valid_to)}</td>
            <td class="wrap">{row.reason.clone()}</td>
            <td>{entered(choice)}</td>
            <td class="end">{rows.end(choice, &what)}</td>
        </tr>
    }
    .into_any()
}

fn choose(org: &str, page: &BasisView, form: Form<ChooseBasis>) -> AnyView {
    let kept = move |field: &str| form.kept_or(field, "");
    let bases = vec![
        Choice::new(CostBasis::Computed.as_str(), CostBasis::Computed.label())
            .hint("usage times the prices of its time"),
        Choice::new(CostBasis::Reported.as_str(), CostBasis::Reported.label())
            .hint("the provider's figure; where it reports none, the computed cost"),
    ];
    let basis = form.kept_or("basis", CostBasis::Reported.as_str());
    let from = form.kept_or("valid_from", &page.today.to_string());
    let reprice = format!("{}/runs/new", NavItem::Prices.path(org));
    let org = org.to_owned();
    view! {
        <Section title="Choose what counts" id="choose">
            <ActionForm action=form.action attr:class="form form-wide">
                <FormErrors errors=form.errors()/>
                <input type="hidden" name="org" value=org/>
                <Radios label="What counts" name="basis" choices=bases value=basis/>
                <div class="form-row">
                    <Field label="Provider" name="provider" optional=true value=kept("provider") maxlength=200 error=form.error("provider")
                        hint="Such as openrouter; empty for every provider."/>
                    <Field label="From" name="valid_from" kind="date" optional=true value=from error=form.error("valid_from")
                        hint="By the time of the call; empty for all time before too."/>
                </div>
                <Field label="Reason" name="reason" value=kept("reason") maxlength=500 error=form.error("reason")
                    hint="For those who read the numbers later, such as: the invoice follows it."/>
                <p class="soft small">
                    "The receipt keeps its computed lines, and one more line says what the reported cost adds or takes away. Only US dollars count. Recorded events keep their cost until you "
                    <a href=reprice>"reprice them"</a>"."
                </p>
                <div class="actions"><Button kind=ButtonKind::Primary disabled=form.pending()>"Choose"</Button></div>
            </ActionForm>
        </Section>
    }
    .into_any()
}
