//! The organization's own book: its prices, its names for models, and everything that was changed in it.

use super::api::{EndMapping, EndModifier, EndPrice, UndoPriceChange, load_own_book};
use super::words::{Tab, model_path, rate, source, span, tabs};
use crate::error::Failure;
use crate::form::{Form, use_form};
use crate::format;
use crate::layout::Place;
use crate::ui::{
    Badge, Button, ButtonKind, Column, EmptyState, Field, FormErrors, Loading, NoticeText, PageHead, RowButton,
    Section, Table, Tone, UrlNotice, loaded_first,
};
use chrono::{DateTime, FixedOffset};
use domain::price::page::{ModelName, OwnBookPage, terms};
use domain::price::{OwnMapping, OwnPrice, PriceChange};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

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
#[component]
pub fn OwnBookPage() -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let forms = Forms { price: use_form(), mapping: use_form(), undo: use_form() };
    let versions = (forms.price.action.version(), forms.mapping.action.version(), forms.undo.action.version());
    let book = loaded_first(
        move || (org.get(), versions.0.get(), versions.1.get(), versions.2.get()),
        |(org, ..)| load_own_book(org),
    );
    view! {
        <Title text="Your prices"/>
        <UrlNotice known=NOTICES/>
        <FormErrors errors=forms.price.errors()/>
        <FormErrors errors=forms.mapping.errors()/>
        <FormErrors errors=forms.undo.errors()/>
        <Transition fallback=|| view! { <PageHead title="Your prices"/><Loading what="own prices" lines=8/> }>
            {move || Suspend::new(async move {
                match book.await {
                    Ok(book) => draw(&org.get_untracked(), &book, forms),
                    Err(error) => view! { <PageHead title="Your prices"/><Failure what="own prices" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// The forms behind the buttons of the rows.
#[derive(Clone, Copy)]
struct Forms {
    price: Form<EndPrice>,
    mapping: Form<EndMapping>,
    undo: Form<UndoPriceChange>,
}

fn draw(org: &str, page: &OwnBookPage, forms: Forms) -> AnyView {
    let base = Place::Prices.path(org);
    let actions = page.may_manage.then(|| {
        let (price, name) = (format!("{base}/own/price"), format!("{base}/own/name"));
        view! { <Button kind=ButtonKind::Primary href=price>"Enter a price"</Button><Button href=name>"Map a name"</Button> }
    });
    let live = page.book.prices.iter().filter(|price| price.entry.superseded_at.is_none()).count();
    let names = page.book.mappings.iter().filter(|mapping| mapping.entry.superseded_at.is_none()).count();
    let number = |count: usize| i128::try_from(count).unwrap_or_default();
    let lead = format!(
        "{} and {} of your own go before the common price book.",
        format::counted(number(live), "price"),
        format::counted(number(names), "name")
    );
    let body = if page.book.prices.is_empty() && page.book.mappings.is_empty() {
        let text = "Enter a negotiated price, a model that nobody lists, or the name of a deployment. Everything else has the common price.";
        view! { <EmptyState title="No prices of your own" text=text/> }.into_any()
    } else {
        let (prices, names) = (prices(org, page, forms.price), mappings(org, page, forms.mapping));
        view! { {prices}{names} }.into_any()
    };
    let changes = changes(org, page, forms.undo);
    view! {
        <PageHead title="Your prices" lead=lead>{actions}</PageHead>
        {tabs(org, Tab::Own)}
        {body}
        {changes}
    }
    .into_any()
}

fn prices(org: &str, page: &OwnBookPage, form: Form<EndPrice>) -> AnyView {
    if page.book.prices.is_empty() {
        return ().into_any();
    }
    let columns = vec![
        Column::text("Model"),
        Column::text("What"),
        Column::number("Rate"),
        Column::text("Terms"),
        Column::text("Holds"),
        Column::text("Source"),
        Column::text("Entered"),
        Column::text("End it").hidden(),
    ];
    let rows = page.book.prices.iter().map(|price| price_row(org, price, page.may_manage, form)).collect_view();
    view! { <Section title="Prices" id="prices"><Table caption="Own prices" columns=columns>{rows}</Table></Section> }
        .into_any()
}

fn price_row(org: &str, price: &OwnPrice, may_manage: bool, form: Form<EndPrice>) -> AnyView {
    let row = &price.row;
    let path = model_path(org, &ModelName { provider: row.provider.clone(), model: row.model.clone() });
    let entry = &price.entry;
    let end = match entry.superseded_at {
        Some(at) => superseded(at),
        None if may_manage => {
            let what = format!("the price of {} of {}", row.meter.label().to_lowercase(), row.model);
            end_form(org, &what, EndOf::Price(row.price_id, form))
        }
        None => ().into_any(),
    };
    view! {
        <tr class:soft=entry.superseded_at.is_some()>
            <th scope="row"><a href=path>{row.model.clone()}</a><span class="note">{row.provider.clone()}</span></th>
            <td>{row.meter.label()}</td>
            <td class="num">{rate(row.rate, row.per)}</td>
            <td>{terms(row)}</td>
            <td class="nowrap">{span(row.valid_from, row.valid_to)}</td>
            <td>{source(row)}</td>
            <td>{entered(entry.recorded_at, &entry.recorded_by)}</td>
            <td class="end">{end}</td>
        </tr>
    }
    .into_any()
}

pub(super) fn entered(at: DateTime<FixedOffset>, by: &str) -> AnyView {
    view! {
        <time datetime=format::time_machine(at) title=format::time_exact(at)>{format::day_year(at.date_naive())}</time>
        <span class="note">{by.to_owned()}</span>
    }
    .into_any()
}

pub(super) fn superseded(at: DateTime<FixedOffset>) -> AnyView {
    let title = format!("Counts no more since {}; receipts that point to it keep it", format::time_exact(at));
    view! { <span title=title><Badge>"superseded"</Badge></span> }.into_any()
}

/// What a form ends.
#[derive(Clone)]
pub(super) enum EndOf {
    /// A price by its id.
    Price(u64, Form<EndPrice>),
    /// A name by its provider and position.
    Mapping(String, u32, Form<EndMapping>),
    /// A discount or markup by its id.
    Modifier(u64, Form<EndModifier>),
}

/// A folded form that ends a price, a name or a factor on a day.
pub(super) fn end_form(org: &str, what: &str, of: EndOf) -> AnyView {
    let org = org.to_owned();
    let label = format!("End {what}");
    let summary = label.clone();
    let (id, fields) = match &of {
        EndOf::Price(price, _) => {
            let price = price.to_string();
            (format!("end-{price}"), view! { <input type="hidden" name="price" value=price/> }.into_any())
        }
        EndOf::Mapping(provider, position, _) => {
            let (provider, position) = (provider.clone(), position.to_string());
            let id = format!("end-{provider}-{position}");
            let fields = view! {
                <input type="hidden" name="provider" value=provider/>
                <input type="hidden" name="position" value=position/>
            };
            (id, fields.into_any())
        }
        EndOf::Modifier(modifier, _) => {
            let modifier = modifier.to_string();
            (format!("end-{modifier}"), view! { <input type="hidden" name="modifier" value=modifier/> }.into_any())
        }
    };
    let inner = view! {
        <input type="hidden" name="org" value=org/>
        {fields}
        <Field label="Last day before" name="valid_to" id=id kind="date" hint="It holds until this day begins; on the day it began or before, it is withdrawn."/>
        <RowButton text="End" name=label/>
    };
    let form = match of {
        EndOf::Price(_, form) => {
            view! { <ActionForm action=form.action attr:class="price-end">{inner}</ActionForm> }.into_any()
        }
        EndOf::Mapping(_, _, form) => {
            view! { <ActionForm action=form.action attr:class="price-end">{inner}</ActionForm> }.into_any()
        }
        EndOf::Modifier(_, form) => {
            view! { <ActionForm action=form.action attr:class="price-end">{inner}</ActionForm> }.into_any()
        }
    };
    view! { <details class="price-fold"><summary aria-label=summary>"End …"</summary>{form}</details> }.into_any()
}

fn mappings(org: &str, page: &OwnBookPage, form: Form<EndMapping>) -> AnyView {
    if page.book.mappings.is_empty() {
        return ().into_any();
    }
    let columns = vec![
        Column::text("Name"),
        Column::text("Sent to"),
        Column::text("Priced as"),
        Column::text("Holds"),
        Column::text("Entered"),
        Column::text("End it").hidden(),
    ];
    let rows = page.book.mappings.iter().map(|mapping| mapping_row(org, mapping, page.may_manage, form)).collect_view();
    let note = "tried from the top";
    view! { <Section title="Names" note=note id="names"><Table caption="Own names for models" columns=columns>{rows}</Table></Section> }
        .into_any()
}

fn mapping_row(org: &str, mapping: &OwnMapping, may_manage: bool, form: Form<EndMapping>) -> AnyView {
    let to = ModelName { provider: mapping.to_provider.clone(), model: mapping.to_model.clone() };
    let entry = &mapping.entry;
    let words = mapping
        .pattern
        .parse()
        .map_or_else(|_| mapping.pattern.clone(), |pattern| domain::price::page::pattern_words(&pattern));
    let end = match entry.superseded_at {
        Some(at) => superseded(at),
        None if may_manage => end_form(
            org,
            &format!("the name {words}"),
            EndOf::Mapping(mapping.provider.clone(), mapping.position, form),
        ),
        None => ().into_any(),
    };
    let utc = |at: Option<DateTime<FixedOffset>>| at.map(|at| at.to_utc());
    view! {
        <tr class:soft=entry.superseded_at.is_some()>
            <th scope="row">{words}</th>
            <td>{mapping.provider.clone()}</td>
            <td><a href=model_path(org, &to)>{to.model.clone()}</a><span class="note">{to.provider.clone()}</span></td>
            <td class="nowrap">{span(utc(mapping.valid_from), utc(mapping.valid_to))}</td>
            <td>{entered(entry.recorded_at, &entry.recorded_by)}</td>
            <td class="end">{end}</td>
        </tr>
    }
    .into_any()
}

fn changes(org: &str, page: &OwnBookPage, form: Form<UndoPriceChange>) -> AnyView {
    if page.book.changes.is_empty() {
        return ().into_any();
    }
    let columns = vec![Column::text("When"), Column::text("What"), Column::text("Who"), Column::text("Undo").hidden()];
    let rows = page.book.changes.iter().map(|change| change_row(org, change, page.may_manage, form)).collect_view();
    let note = "a change can be undone while no event was priced with it";
    view! { <Section title="Changes" note=note id="changes"><Table caption="Changes of the own book, newest first" columns=columns dense=true>{rows}</Table></Section> }
        .into_any()
}

fn change_row(org: &str, change: &PriceChange, may_manage: bool, form: Form<UndoPriceChange>) -> AnyView {
    let at = change.recorded_at;
    let undo = if change.undone {
        view! { <Badge>"undone"</Badge> }.into_any()
    } else if may_manage && change.undoes.is_none() {
        let (org, id) = (org.to_owned(), change.change_id.to_string());
        let label = format!("Undo: {}", change.detail);
        view! {
            <ActionForm action=form.action>
                <input type="hidden" name="org" value=org/>
                <input type="hidden" name="change" value=id/>
                <RowButton text="Undo" name=label/>
            </ActionForm>
        }
        .into_any()
    } else {
        ().into_any()
    };
    view! {
        <tr>
            <th scope="row" class="nowrap"><time datetime=format::time_machine(at) title=format::time_exact(at)>{format::time(at)}</time></th>
            <td class="wrap">{change.detail.clone()}</td>
            <td>{change.recorded_by.clone()}</td>
            <td class="end">{undo}</td>
        </tr>
    }
    .into_any()
}
