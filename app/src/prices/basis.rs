//! Which cost counts where a provider reports one: how far both are apart, what was chosen, and the form that chooses.

use super::api::{ChooseBasis, EndRule};
use super::history::{Rows, entered, left_out, undone_under_changes};
use super::labels::{Tab, change, span, tabs};
use crate::form::Posted;
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::suggestions::suggest;
use crate::ui::{
    Button, ButtonKind, Choice, EmptyState, Field, FormErrors, NoticeText, PageHead, Radios, Section, Table, Tone,
    UrlNotice, columns, html,
};
use domain::identity::Permission;
use domain::price::{BasisBook, COMPARED_DAYS, CostBasis, CostBasisRule, Drift, MAX_COMPARED};
use domain::rule::{Dated, History};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
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
pub(crate) async fn cost_basis(visit: Visit) -> Drawn {
    let book = backend::prices::basis(&visit.backend, &visit.scope).await?;
    let org = visit.org();
    let rows = Rows { org, page: Tab::Basis.word(), may_manage: visit.frame.may(Permission::ManagePrices) };
    let lead = "Some providers report what a call cost. Here you see it beside the cost computed from the price book, and choose which one counts.";
    Ok(Page::new(
        "Cost source",
        view! {
            <UrlNotice known=NOTICES/>
            <FormErrors errors={Posted::<EndRule>::here().errors()}/>
            <PageHead title="Cost source" lead=lead/>
            {tabs(org, Tab::Basis)}
            {drift(org, &book)}
            {choices(rows, &book.choices)}
            {rows.may_manage.then(|| choose(&visit))}
        },
    ))
}

fn drift(org: &str, book: &BasisBook) -> AnyView {
    if book.drift.is_empty() {
        let text = "No event of the last 30 days came with a reported cost. Send it as reported_cost; OTLP and LiteLLM bring it along.";
        return html! { <EmptyState title="Nothing to compare" text=text/> };
    }
    let columns = columns(
        "Provider | Counts now | Events # | Computed, $ # | Reported, $ # | Reported over computed, $ # | In percent # | Only reported, $ #",
    );
    let newest = if book.compared >= MAX_COMPARED {
        format!("the newest {} events of the last {COMPARED_DAYS} days", format::count(MAX_COMPARED))
    } else {
        format!("{} of the last {COMPARED_DAYS} days", format::counted(book.compared, "event"))
    };
    let note = format!("{newest} that came with a reported cost");
    let rows = book.drift.iter().map(|drift| drift_row(org, drift)).collect_view();
    html! {
        <Section title="Reported beside computed" note=note id="drift">
            <Table caption="Reported and computed cost by provider" columns=columns>{rows}</Table>
        </Section>
    }
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
        html! { <td class="num" title=title>{format::money_plain(drift.uncomputed)}</td> }
    } else {
        html! { <td class="num soft">{format::NONE}</td> }
    };
    html! {
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
}

fn choices(rows: Rows<'_>, choices: &History<Dated<CostBasisRule>>) -> AnyView {
    if choices.is_empty() {
        let text = "Nothing was chosen: the computed cost counts.";
        return html! { <Section title="Cost source" id="choices"><p class="soft">{text}</p></Section> };
    }
    let columns = columns("Provider | Cost source | Effective | Reason | Chosen | End it ~");
    let each = choices.iter().map(|choice| choice_row(rows, choice)).collect_view();
    let (more, undo) = (left_out(choices), undone_under_changes(rows.org));
    let note = "the newest choice that concerns a provider and holds at the time of the call decides; without one, the computed cost";
    html! {
        <Section title="Cost source" note=note id="choices">
            <Table caption="Choices, newest first" columns=columns>{each}</Table>
            {more}
            {undo}
        </Section>
    }
}

fn choice_row(rows: Rows<'_>, choice: &Dated<CostBasisRule>) -> AnyView {
    let row = &choice.row;
    let provider = row.provider.clone().unwrap_or_else(|| "Every provider".to_owned());
    let what = format!("the choice of the {} for {}", row.basis.label().to_lowercase(), provider.to_lowercase());
    html! {
        <tr class:soft=!choice.is_live()>
            <th scope="row">{provider}</th>
            <td>{row.basis.label()}</td>
            <td class="nowrap">{span(row.valid_from, row.valid_to)}</td>
            <td class="wrap">{row.reason.clone()}</td>
            <td>{entered(choice)}</td>
            <td class="end">{rows.end(choice, &what)}</td>
        </tr>
    }
}

fn choose(visit: &Visit) -> AnyView {
    let form = Posted::<ChooseBasis>::here();
    let kept = |field: &str| form.kept_or(field, "");
    let bases = vec![
        Choice::new(CostBasis::Computed.as_str(), CostBasis::Computed.label())
            .hint("usage times the prices of its time"),
        Choice::new(CostBasis::Reported.as_str(), CostBasis::Reported.label())
            .hint("the provider's figure; where it reports none, the computed cost"),
    ];
    let basis = form.kept_or("basis", CostBasis::Reported.as_str());
    let from = form.kept_or("valid_from", &visit.frame.today.to_string());
    let (org, reprice) = (visit.org().to_owned(), format!("{}/runs/new", NavItem::Prices.path(visit.org())));
    let fields = view! {
        <form method="post" action=ChooseBasis::url() class="form form-wide">
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=org/>
            <Radios label="Cost source" name="basis" choices=bases value=basis/>
            <div class="form-row">
                <Field label="Provider" name="provider" optional=true value=kept("provider") maxlength=200 error=form.error("provider") suggest=suggest(visit.org(), "provider")
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
            <div class="actions"><Button kind=ButtonKind::Primary>"Save"</Button></div>
        </form>
    };
    html! { <Section title="Choose the cost source" id="choose">{fields}</Section> }
}
