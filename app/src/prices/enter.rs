//! Forms that enter a price or map a name. What looks like a slip of the hand comes back with a box that confirms it.

use super::api::{EnterPrice, MapName};
use super::fields::source_fields;
use super::labels::{model_path, refused};
use crate::error::AppError;
use crate::form::Posted;
use crate::layout::{NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::suggestions::{BOOK_MODEL, BOOK_PROVIDER, suggest};
use crate::ui::{
    Breadcrumb, Button, ButtonKind, Checkbox, Choice, Crumb, Field, FormErrors, Notice, PageHead, Select, Tone, html,
};
use domain::meter::Meter;
use domain::price::page::{FormPreview, ModelName};
use domain::price::{Variant, field_of};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// Enters a price of the organization's own.
pub(crate) async fn enter_price(visit: Visit) -> Drawn {
    page(&visit, "Add price override", draw_price).await
}

/// Maps a name that events carry to a model of the book.
pub(crate) async fn map_name(visit: Visit) -> Drawn {
    page(&visit, "Add model alias", draw_name).await
}

/// A form with what can be typed into it, for those who may.
async fn page(visit: &Visit, title: &str, draw: fn(&Visit) -> AnyView) -> Drawn {
    if let Some(refused) = refused(visit, ("Custom prices", "add price overrides")) {
        return Ok(Page::new(title, refused));
    }
    let names = providers(visit).await?;
    Ok(Page::new(title, view! { {draw(visit)}{names} }))
}

/// Where the reader came from: the model's page, or the own book.
fn crumbs(org: &str, query: &UrlQuery, here: &str) -> Vec<Crumb> {
    let mut crumbs = vec![Crumb::link("Prices", NavItem::Prices.path(org))];
    if let (Some(provider), Some(model)) = (query.get("provider"), query.get("model")) {
        let name = ModelName { provider: provider.to_owned(), model: model.to_owned() };
        crumbs.push(Crumb::link(model.to_owned(), model_path(org, &name)));
    }
    crumbs.push(Crumb::here(here.to_owned()));
    crumbs
}

/// What was typed before the form came back, with its effect or without; else what the address says.
fn typed<S>(query: &UrlQuery, form: &Posted<S>) -> impl Fn(&str) -> String
where
    S: ServerFn<Error = AppError, Output = Option<FormPreview>>,
{
    let typed = |field: &str| form.done()?.as_ref()?.typed(field).map(str::to_owned);
    move |field| typed(field).unwrap_or_else(|| form.kept_or(field, query.get(field).unwrap_or_default()))
}

/// The end of a form; to a reader who comes from what is unpriced it first says what it would do to that.
fn submit(query: &UrlQuery, seen: Option<&FormPreview>, plain: &'static str) -> AnyView {
    if query.get("unpriced").is_none() {
        return button(plain);
    }
    let (said, text) = match seen {
        Some(FormPreview { effect, .. }) => {
            let said = format!("{} As of their own time; the run can be reversed.", effect.sentence());
            let said = view! {
                <Notice tone=Tone::Accent>{said}</Notice>
                <input type="hidden" name="seen" value=effect.token()/>
            };
            (said.into_any(), "Confirm")
        }
        None => {
            let said = "First you see what it would do to the events that wait. Nothing moves before you confirm it.";
            (html! { <p class="soft small">{said}</p> }, "See what it does")
        }
    };
    html! { <input type="hidden" name="price_unpriced" value="true"/>{said}{button(text)} }
}

fn button(text: &'static str) -> AnyView {
    html! { <div class="actions"><Button kind=ButtonKind::Primary>{text}</Button></div> }
}

/// Meters that most models have a price for; each can be changed.
const USUAL_METERS: [Meter; 5] =
    [Meter::InputUncached, Meter::Output, Meter::InputCacheRead, Meter::InputCacheWrite, Meter::Requests];

const RATES_HINT: &str = "Such as 3 or 0.075; 0 is free of charge, an empty rate is left out. A rate is for a million tokens or characters, or for one of anything else, unless you say otherwise.";

/// One row per meter: what, its rate, and of how many units.
fn rates(form: &Posted<EnterPrice>, kept: impl Fn(&str) -> String) -> AnyView {
    let choices: Vec<Choice> = Meter::ALL
        .iter()
        .filter(|meter| meter.is_usage())
        .map(|meter| Choice::new(meter.as_str(), meter.label()).group(meter.unit().as_str()))
        .collect();
    let row = |(at, usual): (usize, Meter)| {
        let name = |field: &str| field_of(at, field);
        let meter = Some(kept(&name("meter"))).filter(|meter| !meter.is_empty());
        let meter = meter.unwrap_or_else(|| usual.as_str().to_owned());
        view! {
            <div class="form-row">
                <Select label="What is priced" name=name("meter") choices=choices.clone() value=meter error=form.error(&name("meter"))/>
                <Field label="Rate, $" name=name("rate") inputmode="decimal" optional=true value=kept(&name("rate")) error=form.error(&name("rate"))/>
                <Field label="For how many units" name=name("per") inputmode="numeric" optional=true value=kept(&name("per")) error=form.error(&name("per"))/>
            </div>
        }
    };
    let rows = USUAL_METERS.into_iter().enumerate().map(row).collect_view();
    html! { <fieldset class="price-rates"><legend class="visually-hidden">"Rates"</legend>{rows}<p class="field-hint">{RATES_HINT}</p></fieldset> }
}

fn draw_price(visit: &Visit) -> AnyView {
    let (query, form) = (&visit.query, Posted::<EnterPrice>::here());
    let kept = typed(query, &form);
    let entered = |field: &str| (kept(field), form.error(field));
    let variants = Variant::ALL.map(|variant| Choice::new(variant.as_str(), variant.as_str()));
    let variant = Some(kept("variant")).filter(|variant| !variant.is_empty()).unwrap_or_else(|| "standard".to_owned());
    let (rates, special) = (rates(&form, &kept), is_special(&kept));
    let seen = form.done().and_then(Option::as_ref);
    let confirm = form.error("confirmed").map(|warning| {
        view! { <Checkbox label="It is right all the same" name="confirmed" hint=warning/> }
    });
    let (crumbs, org) = (crumbs(visit.org(), query, "Add price override"), visit.org().to_owned());
    let (provider, model) =
        (suggest(&org, BOOK_PROVIDER).list(PROVIDERS), suggest(&org, BOOK_MODEL).beside("provider"));
    html! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title="Add price override" lead="It overrides the list price of the model from its first day on. Recorded events keep their cost until they are repriced."/>
        <form method="post" action=EnterPrice::url() class="form form-wide">
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=org/>
            <div class="form-row">
                <Field label="Provider" name="provider" value=kept("provider") maxlength=200 error=form.error("provider") suggest=provider
                    hint="As the price book names it, such as openai; a new name is fine."/>
                <Field label="Model" name="model" value=kept("model") maxlength=200 error=form.error("model") suggest=model
                    hint="As your events name it; a new name makes a model of your own."/>
            </div>
            {rates}
            <div class="form-row">
                <Field label="From" name="valid_from" kind="date" optional=true value=kept("valid_from") error=form.error("valid_from")
                    hint="Its first day; empty for all time before too."/>
                <Field label="End date (exclusive)" name="valid_to" kind="date" optional=true value=kept("valid_to") error=form.error("valid_to")
                    hint="Empty: no end date."/>
            </div>
            {source_fields(entered("source"), entered("source_url"))}
            <details class="fold" open=special>
                <summary>"Only for a tier, a context size or some hours"</summary>
                <div class="form-row">
                    <Select label="Tier of service" name="variant" choices=variants.to_vec() value=variant error=form.error("variant")/>
                    <Field label="Input tokens of the request" name="tier" optional=true value=kept("tier") error=form.error("tier")
                        hint="Such as >200000 or >=200000: the price then holds for the whole request."/>
                    <Field label="Only calls with" name="attributes" optional=true value=kept("attributes") error=form.error("attributes")
                        hint="Such as region=eu or size=1024x1536;quality=high."/>
                    <Field label="Hours" name="schedule" optional=true value=kept("schedule") error=form.error("schedule")
                        hint="UTC, with weekdays from Monday as 1: 01:00-04:00 12345."/>
                </div>
            </details>
            {confirm}
            {submit(query, seen, "Enter the price")}
        </form>
    }
}

/// Whether the folded fields are used.
fn is_special(kept: &impl Fn(&str) -> String) -> bool {
    let used = |field: &str| !matches!(kept(field).as_str(), "" | "standard");
    ["variant", "tier", "attributes", "schedule"].into_iter().any(used)
}

/// The list of providers that [`providers`] leaves for who has no scripts.
pub(super) const PROVIDERS: &str = "providers";

/// Names of providers, offered by the browser where no scripts run.
pub(super) async fn providers(visit: &Visit) -> Result<AnyView, AppError> {
    let entries = backend::prices::browse::providers(&visit.backend, &visit.scope).await?;
    let names = entries.into_iter().map(|entry| view! { <option value=entry.provider></option> }).collect_view();
    Ok(html! { <datalist id=PROVIDERS>{names}</datalist> })
}

fn draw_name(visit: &Visit) -> AnyView {
    let (query, form) = (&visit.query, Posted::<MapName>::here());
    let kept = typed(query, &form);
    let seen = form.done().and_then(Option::as_ref);
    let (crumbs, org) = (crumbs(visit.org(), &UrlQuery::new(), "Add model alias"), visit.org().to_owned());
    let (sent_by, sent_as) = (suggest(&org, "provider"), suggest(&org, "model").beside("provider"));
    let (provider, model) =
        (suggest(&org, BOOK_PROVIDER).list(PROVIDERS), suggest(&org, BOOK_MODEL).beside("to_provider"));
    html! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title="Add model alias" lead="Events that carry this name are priced as the model it is mapped to."/>
        <form method="post" action=MapName::url() class="form form-wide">
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=org/>
            <div class="form-row">
                <Field label="Provider of the events" name="provider" value=kept("provider") maxlength=200 error=form.error("provider") suggest=sent_by/>
                <Field label="Name in the events" name="name" value=kept("name") maxlength=200 error=form.error("name") suggest=sent_as
                    hint="One name; or ^our-chat- for names that begin so."/>
            </div>
            <div class="form-row">
                <Field label="Provider of the model" name="to_provider" value=kept("to_provider") maxlength=200 error=form.error("to_provider") suggest=provider/>
                <Field label="Model in the price book" name="to_model" value=kept("to_model") maxlength=200 error=form.error("to_model") suggest=model/>
            </div>
            <div class="form-row">
                <Field label="From" name="valid_from" kind="date" optional=true value=kept("valid_from") error=form.error("valid_from")
                    hint="Empty for all time before too."/>
                <Field label="End date (exclusive)" name="valid_to" kind="date" optional=true value=kept("valid_to") error=form.error("valid_to")
                    hint="Empty: no end date."/>
            </div>
            {submit(query, seen, "Map the name")}
        </form>
    }
}
