//! The organization's own book: its prices, its names for models, and everything that was changed in it.

use super::api::{EndRule, UndoChange};
use super::history::{Rows, entered, left_out};
use super::labels::{Tab, model_path, rate, source, span, tabs};
use crate::form::{Posted, hidden};
use crate::format;
use crate::layout::{CsvLink, NavItem};
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Badge, Button, ButtonKind, EmptyState, FormErrors, NoticeText, PageHead, RowButton, Section, Table, Tone,
    UrlNotice, columns, html,
};
use domain::identity::Permission;
use domain::price::page::{ModelName, terms};
use domain::price::{BookPrice, ModelAlias, OwnBook};
use domain::rule::{Dated, RuleChange};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// What happened to the own book, said on the page that a form leads back to.
pub(super) const NOTICES: &[NoticeText] = &[
    NoticeText {
        code: "entered",
        tone: Tone::Good,
        text: "The price is entered. Events that come from now on are priced with it; recorded ones keep their cost until they are repriced.",
    },
    NoticeText {
        code: "mapped",
        tone: Tone::Good,
        text: "The name is mapped. Events that come from now on are priced as that model.",
    },
    NoticeText { code: "ended", tone: Tone::Good, text: "Ended. Recorded events keep their cost." },
    NoticeText { code: "undone", tone: Tone::Good, text: "The change is undone." },
];

/// The page of the organization's own book.
pub(crate) async fn own_book(visit: Visit) -> Drawn {
    let book = backend::prices::own_book(&visit.backend, &visit.scope).await?;
    let rows = Rows { org: visit.org(), page: Tab::Own.word(), may_manage: visit.frame.may(Permission::ManagePrices) };
    Ok(Page::new(
        "Custom prices",
        view! {
            <UrlNotice known=NOTICES/>
            <FormErrors errors={Posted::<EndRule>::here().errors()}/>
            <FormErrors errors={Posted::<UndoChange>::here().errors()}/>
            {draw(rows, &book)}
        },
    ))
}

fn draw(rows: Rows<'_>, book: &OwnBook) -> AnyView {
    let base = NavItem::Prices.path(rows.org);
    let actions = rows.may_manage.then(|| {
        let (price, name) = (format!("{base}/own/price"), format!("{base}/own/name"));
        view! { <Button href=name>"Add model alias"</Button><Button kind=ButtonKind::Primary href=price>"Add price override"</Button> }
    });
    let live = book.prices.iter().filter(|price| price.is_live()).count();
    let names = book.mappings.iter().filter(|mapping| mapping.is_live()).count();
    let number = |count: usize| i128::try_from(count).unwrap_or_default();
    let lead = match (live, names) {
        (0, 0) => "Every model has its list price.".to_owned(),
        _ => format!(
            "{} and {} of your own override the list price book.",
            format::counted(number(live), "price"),
            format::counted(number(names), "name")
        ),
    };
    let body = if book.prices.is_empty() && book.mappings.is_empty() {
        let text = "Enter a negotiated price, a model that nobody lists, or the name of a deployment. Everything else has the list price.";
        html! { <EmptyState title="No prices of your own" text=text/> }
    } else {
        html! { {prices(rows, book)}{mappings(rows, book)} }
    };
    html! {
        <PageHead title="Custom prices" lead=lead><CsvLink/>{actions}</PageHead>
        {tabs(rows.org, Tab::Own)}
        {body}
        {changes(rows, book)}
    }
}

fn prices(rows: Rows<'_>, book: &OwnBook) -> AnyView {
    if book.prices.is_empty() {
        return ().into_any();
    }
    let columns = columns("Model | What | Rate # | Terms | Effective | Source | Entered | End it ~");
    let rows = book.prices.iter().map(|price| price_row(rows, price)).collect_view();
    let more = left_out(&book.prices);
    html! { <Section title="Prices" id="prices"><Table caption="Own prices" columns=columns>{rows}</Table>{more}</Section> }
}

fn price_row(rows: Rows<'_>, price: &Dated<BookPrice>) -> AnyView {
    let row = &price.row;
    let path = model_path(rows.org, &ModelName { provider: row.provider.clone(), model: row.model.clone() });
    let end = rows.end(price, &format!("the price of {} of {}", row.meter.label().to_lowercase(), row.model));
    html! {
        <tr class:soft=!price.is_live()>
            <th scope="row"><a href=path>{row.model.clone()}</a><span class="note">{row.provider.clone()}</span></th>
            <td>{row.meter.label()}</td>
            <td class="num">{rate(row.rate, row.per)}</td>
            <td>{terms(row)}</td>
            <td class="nowrap">{span(row.valid_from, row.valid_to)}</td>
            <td>{source(row)}</td>
            <td>{entered(price)}</td>
            <td class="end">{end}</td>
        </tr>
    }
}

fn mappings(rows: Rows<'_>, book: &OwnBook) -> AnyView {
    if book.mappings.is_empty() {
        return ().into_any();
    }
    let columns = columns("Name | Sent to | Priced as | Effective | Entered | End it ~");
    let rows = book.mappings.iter().map(|mapping| mapping_row(rows, mapping)).collect_view();
    let note = "tried from the top";
    let more = left_out(&book.mappings);
    html! { <Section title="Names" note=note id="names"><Table caption="Own names for models" columns=columns>{rows}</Table>{more}</Section> }
}

fn mapping_row(rows: Rows<'_>, mapping: &Dated<ModelAlias>) -> AnyView {
    let row = &mapping.row;
    let to = ModelName { provider: row.to_provider.clone(), model: row.to_model.clone() };
    let words = row.pattern.words();
    let end = rows.end(mapping, &format!("the name {words}"));
    html! {
        <tr class:soft=!mapping.is_live()>
            <th scope="row">{words}</th>
            <td>{row.provider.clone()}</td>
            <td><a href=model_path(rows.org, &to)>{to.model.clone()}</a><span class="note">{to.provider.clone()}</span></td>
            <td class="nowrap">{span(row.valid_from, row.valid_to)}</td>
            <td>{entered(mapping)}</td>
            <td class="end">{end}</td>
        </tr>
    }
}

fn changes(rows: Rows<'_>, book: &OwnBook) -> AnyView {
    if book.changes.is_empty() {
        return ().into_any();
    }
    let columns = columns("When | What | Who | Undo ~");
    let rows = book.changes.iter().map(|change| change_row(rows, change)).collect_view();
    let more = left_out(&book.changes);
    let note = "a change can be undone while nothing was booked with it";
    html! { <Section title="Changes" note=note id="changes"><Table caption="Changes of the own book, newest first" columns=columns dense=true>{rows}</Table>{more}</Section> }
}

fn change_row(rows: Rows<'_>, change: &RuleChange) -> AnyView {
    let at = change.recorded_at;
    let undo = if change.undone {
        html! { <Badge>"undone"</Badge> }
    } else if rows.may_manage && change.undoes.is_none() {
        let label = format!("Undo: {}", change.detail);
        html! {
            <form method="post" action=UndoChange::url()>
                {hidden([("org", rows.org), ("change", &change.change_id.to_string())])}
                <RowButton text="Undo" name=label/>
            </form>
        }
    } else {
        ().into_any()
    };
    html! {
        <tr>
            <th scope="row" class="nowrap"><time datetime=format::time_machine(at) title=format::time_exact(at)>{format::time(at)}</time></th>
            <td class="wrap">{change.detail.clone()}</td>
            <td>{change.recorded_by.clone()}</td>
            <td class="end">{undo}</td>
        </tr>
    }
}
