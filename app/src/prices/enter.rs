//! Forms that enter a price or map a name. What looks like a slip of the hand comes back with a box that confirms it.

use super::api::{EnterPrice, MapName, load_price_form_options};
use super::fields::SourceFields;
use super::labels::model_path;
use crate::error::{AppError, Failure};
use crate::form::{Form, use_form};
use crate::layout::{NavItem, UrlQuery};
use crate::ui::{
    Breadcrumb, Button, ButtonKind, Checkbox, Choice, Crumb, Field, FormErrors, Loaded, Loading, NoPermission, Notice,
    PageHead, Select, Tone, loaded_first,
};
use domain::meter::Meter;
use domain::price::page::{FormPreview, ModelName, PriceFormOptions};
use domain::price::{Variant, field_of};
use domain::problem::Problem;
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

/// Enters a price of the organization's own.
#[component]
pub fn EnterPricePage() -> impl IntoView {
    let form = use_form::<EnterPrice>();
    let (org, query, options) = options();
    view! {
        <Title text="Enter a price"/>
        <Transition fallback=|| view! { <Loading what="form" lines=8/> }>
            {move || Suspend::new(async move {
                match options.await {
                    Ok(options) => draw_price(&org.get_untracked(), &query.get_untracked(), &options, form),
                    Err(error) => failed(error),
                }
            })}
        </Transition>
    }
}

/// Maps a name that events carry to a model of the book.
#[component]
pub fn MapNamePage() -> impl IntoView {
    let form = use_form::<MapName>();
    let (org, query, options) = options();
    view! {
        <Title text="Map a name"/>
        <Transition fallback=|| view! { <Loading what="form" lines=6/> }>
            {move || Suspend::new(async move {
                match options.await {
                    Ok(options) => draw_name(&org.get_untracked(), &query.get_untracked(), &options, form),
                    Err(error) => failed(error),
                }
            })}
        </Transition>
    }
}

/// What both forms need: whose, what the address says, and what can be chosen.
pub(super) fn options() -> (Memo<String>, Memo<UrlQuery>, Loaded<Result<PriceFormOptions, AppError>>) {
    let params = use_params_map();
    let map = use_query_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let query = Memo::new(move |_| UrlQuery::from(&*map.read()));
    let options = loaded_first(move || org.get(), load_price_form_options);
    (org, query, options)
}

fn refused() -> AnyView {
    view! { <PageHead title="Your prices"/><NoPermission what="enter prices" who="an owner, admin or finance member"/> }
        .into_any()
}

fn failed(error: AppError) -> AnyView {
    match error.0 {
        Problem::Forbidden { .. } => refused(),
        _ => view! { <PageHead title="Your prices"/><Failure what="form" error=error/> }.into_any(),
    }
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

/// What was typed before the form came back, else what the address says.
pub(super) fn kept<S>(query: &UrlQuery, form: Form<S>) -> impl Fn(&str) -> String + use<S>
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let query = query.clone();
    move |field| form.kept_or(field, query.get(field).unwrap_or_default())
}

/// As [`kept`], also where the form came back with its effect.
fn kept_or_previewed<S>(query: &UrlQuery, form: Form<S>) -> impl Fn(&str) -> String + use<S>
where
    S: ServerFn<Error = AppError, Output = Option<FormPreview>> + Clone + Send + Sync + 'static,
{
    let preview = form.done().get_untracked().flatten();
    let kept = kept(query, form);
    move |field| preview.as_ref().and_then(|form| form.typed(field)).map_or_else(|| kept(field), str::to_owned)
}

/// To a reader who comes from what is_unpriced: what the form would do to it, before it does that.
fn effect<S>(query: &UrlQuery, form: Form<S>) -> Option<AnyView>
where
    S: ServerFn<Error = AppError, Output = Option<FormPreview>> + Clone + Send + Sync + 'static,
{
    query.get("unpriced")?;
    let said = move || {
        match form.done().get().flatten() {
        Some(FormPreview { effect, .. }) => {
            let (sentence, token) = (effect.sentence(), effect.token());
            view! {
                <Notice tone=Tone::Accent>{sentence}" As of their own time; the run can be reversed."</Notice>
                <input type="hidden" name="seen" value=token/>
            }
            .into_any()
        }
        None => view! {
            <p class="soft small">"First you see what it would do to the events that wait. Nothing moves before you confirm it."</p>
        }
        .into_any(),
    }
    };
    Some(view! { <input type="hidden" name="price_unpriced" value="true"/>{said} }.into_any())
}

/// The button of a form that may first show its effect.
fn submit<S>(query: &UrlQuery, form: Form<S>, plain: &'static str) -> AnyView
where
    S: ServerFn<Error = AppError, Output = Option<FormPreview>> + Clone + Send + Sync + 'static,
{
    let is_unpriced = query.get("unpriced").is_some();
    let text = move || match (is_unpriced, form.done().get().flatten()) {
        (false, _) => plain,
        (true, None) => "See what it does",
        (true, Some(_)) => "Confirm",
    };
    view! { <Button kind=ButtonKind::Primary disabled=form.pending()>{text}</Button> }.into_any()
}

/// Meters that most models have a price for; each can be changed.
const USUAL_METERS: [Meter; 5] =
    [Meter::InputUncached, Meter::Output, Meter::InputCacheRead, Meter::InputCacheWrite, Meter::Requests];

const RATES_HINT: &str = "Such as 3 or 0.075; 0 is free of charge, an empty rate is left out. A rate is for a million tokens or characters, or for one of anything else, unless you say otherwise.";

/// One row per meter: what, its rate, and of how many units.
fn rates(form: Form<EnterPrice>, kept: impl Fn(&str) -> String) -> AnyView {
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
                <Select label="What is priced" name=name("meter") choices=choices.clone() value=meter error=form.error(name("meter"))/>
                <Field label="Rate, $" name=name("rate") inputmode="decimal" optional=true value=kept(&name("rate")) error=form.error(name("rate"))/>
                <Field label="For how many units" name=name("per") inputmode="numeric" optional=true value=kept(&name("per")) error=form.error(name("per"))/>
            </div>
        }
    };
    let rows = USUAL_METERS.into_iter().enumerate().map(row).collect_view();
    view! { <fieldset class="price-rates"><legend class="visually-hidden">"Rates"</legend>{rows}<p class="field-hint">{RATES_HINT}</p></fieldset> }.into_any()
}

fn draw_price(org: &str, query: &UrlQuery, options: &PriceFormOptions, form: Form<EnterPrice>) -> AnyView {
    let kept = kept_or_previewed(query, form);
    let variants = Variant::ALL.map(|variant| Choice::new(variant.as_str(), variant.as_str()));
    let variant = Some(kept("variant")).filter(|variant| !variant.is_empty()).unwrap_or_else(|| "standard".to_owned());
    let (rates, special) = (rates(form, &kept), is_special(&kept));
    let (effect, submit) = (effect(query, form), submit(query, form, "Enter the price"));
    let (crumbs, org) = (crumbs(org, query, "Enter a price"), org.to_owned());
    let unusual = form.error("confirmed");
    view! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title="Enter a price" lead="It goes before the common price of the model from its first day on. Recorded events keep their cost until they are repriced."/>
        <ActionForm action=form.action attr:class="form form-wide">
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=org/>
            <div class="form-row">
                <Field label="Provider" name="provider" value=kept("provider") maxlength=200 error=form.error("provider")
                    hint="As the price book names it, such as openai; a new name is fine."/>
                <Field label="Model" name="model" value=kept("model") maxlength=200 error=form.error("model")
                    hint="As your events name it; a new name makes a model of your own."/>
            </div>
            {rates}
            <div class="form-row">
                <Field label="From" name="valid_from" kind="date" optional=true value=kept("valid_from") error=form.error("valid_from")
                    hint="Its first day; empty for all time before too."/>
                <Field label="Until before" name="valid_to" kind="date" optional=true value=kept("valid_to") error=form.error("valid_to")
                    hint="Empty until further notice."/>
            </div>
            <SourceFields source=kept("source") link=kept("source_url") source_error=form.error("source") link_error=form.error("source_url")/>
            <details class="price-fold" open=special>
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
            {move || unusual.get().map(|warning| view! {
                <Checkbox label="It is right all the same" name="confirmed" hint=warning/>
            })}
            {effect}
            <div class="actions">{submit}</div>
        </ActionForm>
        {providers(options)}
    }
    .into_any()
}

/// Whether the folded fields are used.
fn is_special(kept: &impl Fn(&str) -> String) -> bool {
    let used = |field: &str| !matches!(kept(field).as_str(), "" | "standard");
    ["variant", "tier", "attributes", "schedule"].into_iter().any(used)
}

/// Names that can be typed, offered by the browser where it can.
pub(super) fn providers(options: &PriceFormOptions) -> AnyView {
    let names: Vec<String> = options.providers.iter().map(|entry| entry.provider.clone()).collect();
    view! {
        <details class="price-fold">
            <summary>"Names of providers in the price book"</summary>
            <p class="soft small">{names.join(", ")}</p>
        </details>
    }
    .into_any()
}

fn draw_name(org: &str, query: &UrlQuery, options: &PriceFormOptions, form: Form<MapName>) -> AnyView {
    let kept = kept_or_previewed(query, form);
    let (effect, submit) = (effect(query, form), submit(query, form, "Map the name"));
    let (crumbs, org) = (crumbs(org, &UrlQuery::new(), "Map a name"), org.to_owned());
    view! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title="Map a name" lead="Events that carry this name are priced as the model it is mapped to."/>
        <ActionForm action=form.action attr:class="form form-wide">
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=org/>
            <div class="form-row">
                <Field label="Provider of the events" name="provider" value=kept("provider") maxlength=200 error=form.error("provider")/>
                <Field label="Name in the events" name="name" value=kept("name") maxlength=200 error=form.error("name")
                    hint="One name; or ^our-chat- for names that begin so."/>
            </div>
            <div class="form-row">
                <Field label="Provider of the model" name="to_provider" value=kept("to_provider") maxlength=200 error=form.error("to_provider")/>
                <Field label="Model in the price book" name="to_model" value=kept("to_model") maxlength=200 error=form.error("to_model")/>
            </div>
            <div class="form-row">
                <Field label="From" name="valid_from" kind="date" optional=true value=kept("valid_from") error=form.error("valid_from")
                    hint="Empty for all time before too."/>
                <Field label="Until before" name="valid_to" kind="date" optional=true value=kept("valid_to") error=form.error("valid_to")
                    hint="Empty until further notice."/>
            </div>
            {effect}
            <div class="actions">{submit}</div>
        </ActionForm>
        {providers(options)}
    }
    .into_any()
}
