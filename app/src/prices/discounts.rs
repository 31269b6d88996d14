//! Discounts and markups: which there are, in which order they stack, and what a new one would have meant.

use super::api::{AddModifier, EndRule};
use super::fields::{models_fields, source_fields};
use super::history::{Rows, entered, left_out, undone_under_changes};
use super::labels::{Tab, amount, refused, sourced, span, tabs};
use crate::error::AppError;
use crate::form::{Posted, hidden};
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Breadcrumb, Button, ButtonKind, Change, Choice, Column, Columns, Crumb, Direction, EmptyState, Field, Figure,
    FormErrors, Notice, NoticeText, PageHead, Radios, Section, Select, Table, Tone, UrlNotice, columns, html,
};
use domain::identity::Permission;
use domain::meter::Meter;
use domain::price::{MeterSet, ModifierEffect, ModifierForm, ModifierKind, Pattern, PriceModifier, worked_example};
use domain::problem::{FieldProblem, Problem};
use domain::rule::{Dated, History};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use rust_decimal::Decimal;

/// What happened, said on the page that a form leads back to.
const NOTICES: &[NoticeText] = &[
    NoticeText {
        code: "entered",
        tone: Tone::Good,
        text: "Entered. Events that come from now on are priced with it; recorded ones keep their cost until they are repriced.",
    },
    NoticeText { code: "ended", tone: Tone::Good, text: "Ended. Recorded events keep their cost." },
];

/// The seller's name in the address: `provider` is the filter that follows from page to page.
const SELLER: &str = "seller";
/// Factors of the example while there are none of the organization's own.
const EXAMPLE: [(ModifierKind, i64); 2] = [(ModifierKind::Discount, 88), (ModifierKind::Markup, 105)];

fn path(org: &str) -> String {
    format!("{}/discounts", NavItem::Prices.path(org))
}

/// The list of discounts and markups.
pub(crate) async fn discounts(visit: Visit) -> Drawn {
    let (modifiers, changes) = futures::try_join!(
        backend::prices::modifiers(&visit.backend, &visit.scope),
        backend::prices::changes(&visit.backend, &visit.scope),
    )?;
    Ok(Page::new(
        "Discounts and markups",
        view! {
            <UrlNotice known=NOTICES/>
            <FormErrors errors={Posted::<EndRule>::here().errors()}/>
            {draw(&visit, &modifiers, !changes.is_empty())}
        },
    ))
}

fn draw(visit: &Visit, modifiers: &History<Dated<PriceModifier>>, has_changes: bool) -> AnyView {
    let (org, may_manage) = (visit.org(), visit.frame.may(Permission::ManagePrices));
    let new = format!("{}/new", path(org));
    let action =
        may_manage.then(|| view! { <Button kind=ButtonKind::Primary href=new>"Add discount or markup"</Button> });
    let live: Vec<&PriceModifier> =
        modifiers.iter().filter(|modifier| modifier.is_live()).map(|modifier| &modifier.row).collect();
    let of =
        |kind: ModifierKind| i128::try_from(live.iter().filter(|row| row.kind == kind).count()).unwrap_or_default();
    let lead = match live.len() {
        0 => "Prices hold as they are.".to_owned(),
        _ => format!(
            "{} and {} multiply the prices of what comes.",
            format::counted(of(ModifierKind::Discount), "discount"),
            format::counted(of(ModifierKind::Markup), "markup")
        ),
    };
    let body = if modifiers.is_empty() {
        let text = "A discount is what you negotiated off a provider's prices; a markup is what you add when you charge your teams.";
        html! { <EmptyState title="No discounts or markups" text=text/> }
    } else {
        let columns = columns("What | Provider | Models | On | Effective | Source | Entered | End it ~");
        let rows = Rows { org, page: Tab::Discounts.word(), may_manage };
        let rows = modifiers.iter().map(|modifier| row(rows, modifier)).collect_view();
        html! {
            <Table caption="Discounts and markups, in the order in which they stack" columns=columns>{rows}</Table>
            {left_out(modifiers)}
        }
    };
    let undo = (may_manage && has_changes).then(|| undone_under_changes(org));
    html! {
        <PageHead title="Discounts and markups" lead=lead>{action}</PageHead>
        {tabs(org, Tab::Discounts)}
        {body}
        {undo}
        {order(&live)}
    }
}

/// In which order factors stack, with an example: of the organization's own where it has any.
fn order(live: &[&PriceModifier]) -> AnyView {
    let own = |kind| live.iter().find(|row| row.kind == kind).map(|row| row.factor);
    let factors = EXAMPLE.map(|(kind, usual)| (kind, own(kind).unwrap_or_else(|| Decimal::new(usual, 2))));
    let example = example(&factors);
    html! {
        <Section title="How they stack" note="one after the other, never summed" id="order">
            <ol class="price-order">
                <li>"the provider's regional uplift, where the price book has one"</li>
                <li>"negotiated discounts"</li>
                <li>"internal markups"</li>
            </ol>
            <p>"For example: "{example}</p>
            <p class="soft small">"Each has a line of its own on the receipt, so that every line is quantity × rate. Of one kind the older goes first."</p>
        </Section>
    }
}

/// "$100.00 list price → −12 % negotiated discount = $88.00 → +5 % internal markup = $92.40".
fn example(factors: &[(ModifierKind, Decimal)]) -> String {
    let amounts = worked_example(&factors.iter().map(|(_, factor)| *factor).collect::<Vec<_>>());
    let steps = factors.iter().zip(amounts).map(|((kind, factor), amount)| {
        format!(" → {} {} = {}", percent_words(*factor), kind.label(), format::money_full(amount))
    });
    std::iter::once("$100.00 list price".to_owned()).chain(steps).collect()
}

/// What a factor takes off or adds: "−12 %", "+5 %".
fn percent_words(factor: Decimal) -> String {
    let percent = ((factor - Decimal::ONE) * Decimal::ONE_HUNDRED).normalize();
    let sign = if percent.is_sign_negative() { "−" } else { "+" };
    format!("{sign}{} %", percent.abs())
}

/// What a factor multiplies, in words.
fn meter_words(meters: &MeterSet) -> String {
    match meters {
        MeterSet::All => "everything".to_owned(),
        MeterSet::Tokens => "all tokens".to_owned(),
        MeterSet::Only(meters) => {
            meters.iter().map(|meter| meter.label().to_lowercase()).collect::<Vec<_>>().join(", ")
        }
    }
}

fn row(rows: Rows<'_>, modifier: &Dated<PriceModifier>) -> AnyView {
    let row = &modifier.row;
    let what = format!("the {} of {}", row.kind.label(), percent_words(row.factor));
    let end = rows.end(modifier, &what);
    let attributes = Some(row.attributes.to_string()).filter(|text| !text.is_empty());
    let models = row.models.as_ref().map_or_else(|| "all models".to_owned(), Pattern::words);
    html! {
        <tr class:soft=!modifier.is_live()>
            <th scope="row" class="nowrap">{percent_words(row.factor)}<span class="note">{row.kind.label()}</span></th>
            <td>{row.provider.clone().unwrap_or_else(|| "all providers".to_owned())}</td>
            <td>{models}{attributes.map(|attributes| view! { <span class="note">{attributes}</span> })}</td>
            <td>{meter_words(&row.meters)}</td>
            <td class="nowrap">{span(row.valid_from, row.valid_to)}</td>
            <td>{sourced(&row.source, "", row.source_url.clone(), &what)}</td>
            <td>{entered(modifier)}</td>
            <td class="end">{end}</td>
        </tr>
    }
}

/// Enters a discount or markup, in two steps: what it would have meant, then entering it.
///
/// The first step is a look at an address, so it can be shared.
pub(crate) async fn new_discount(visit: Visit) -> Drawn {
    let typed = typed(&visit.query);
    let body = match refused(&visit, ("Discounts and markups", "enter discounts and markups")) {
        Some(refused) => refused,
        None if is_empty(&typed) => draw_new(visit.org(), &typed, None, vec![]),
        None => match effect(&visit, &typed).await {
            Ok(effect) => draw_new(visit.org(), &typed, Some(effect), vec![]),
            Err(AppError(Problem::Invalid { fields, .. })) => {
                draw_new(visit.org(), &typed, None, field_errors(&fields))
            }
            Err(error) => return Err(error),
        },
    };
    Ok(Page::new("Add discount or markup", body))
}

/// What it would have meant for the last 30 days.
async fn effect(visit: &Visit, typed: &ModifierForm) -> Result<ModifierEffect, AppError> {
    let new = typed.parse().map_err(Problem::invalid)?;
    Ok(backend::prices::modifier_effect(&visit.backend, &visit.scope, &new).await?)
}

/// What the address says was typed.
fn typed(query: &UrlQuery) -> ModifierForm {
    let get = |name: &str| query.get(name).unwrap_or_default().to_owned();
    ModifierForm {
        kind: get("kind"),
        provider: get(SELLER),
        models: get("models"),
        attributes: String::new(),
        meters: get("meters"),
        percent: get("percent"),
        valid_from: get("valid_from"),
        valid_to: get("valid_to"),
        source: get("source"),
        source_url: get("source_url"),
    }
}

fn is_empty(typed: &ModifierForm) -> bool {
    typed.kind.is_empty() && typed.percent.is_empty() && typed.source.is_empty()
}

/// Field problems by the names of this form.
fn field_errors(fields: &[FieldProblem]) -> Vec<(String, String)> {
    let name = |pointer: &str| if pointer == "provider" { SELLER.to_owned() } else { pointer.to_owned() };
    fields.iter().map(|field| (name(&field.pointer), field.detail.clone())).collect()
}

fn draw_new(org: &str, typed: &ModifierForm, effect: Option<ModifierEffect>, wrong: Vec<(String, String)>) -> AnyView {
    let crumbs = vec![Crumb::link("Discounts and markups", path(org)), Crumb::here("Add one".to_owned())];
    let lead = "First what it would have meant for the last 30 days; nothing is entered before you say so.";
    let seen = effect.map(|effect| seen(org, typed, &effect));
    let fields = fields(org, typed, wrong, seen.is_some());
    html! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title="Add discount or markup" lead=lead/>
        <FormErrors errors={Posted::<AddModifier>::here().errors()}/>
        {seen}
        {fields}
    }
}

fn fields(org: &str, typed: &ModifierForm, wrong: Vec<(String, String)>, was_seen: bool) -> AnyView {
    let error = |field: &str| wrong.iter().find(|(name, _)| name == field).map(|(_, what)| what.clone());
    let [percent, seller, models, meters] = ["percent", SELLER, "models", "meters"].map(error);
    let [valid_from, valid_to, source, source_url] = ["valid_from", "valid_to", "source", "source_url"].map(error);
    let kinds = vec![
        Choice::new("discount", "Discount").hint("negotiated with a provider: taken off its prices"),
        Choice::new("markup", "Markup").hint("added when you charge your teams"),
    ];
    let kind = if typed.kind.is_empty() { "discount".to_owned() } else { typed.kind.clone() };
    let of_meter = |meter: &Meter| Choice::new(meter.as_str(), meter.label()).group(meter.unit().as_str());
    let sets = [Choice::new("", "Everything"), Choice::new("tokens", "All tokens")];
    let choices: Vec<Choice> =
        sets.into_iter().chain(Meter::ALL.iter().filter(|meter| meter.is_usage()).map(of_meter)).collect();
    let button = if was_seen { "Show the effect again" } else { "Show its effect" };
    let main = if was_seen { ButtonKind::Secondary } else { ButtonKind::Primary };
    let typed = typed.clone();
    html! {
        <form class="form form-wide" method="get" action=format!("{}/new", path(org))>
            <FormErrors errors=wrong/>
            <Radios label="Kind" name="kind" choices=kinds value=kind/>
            <div class="form-row">
                <Field label="Percent" name="percent" inputmode="decimal" value=typed.percent error=percent hint="Of the price, such as 12 or 2.5."/>
                <Select label="On" name="meters" choices=choices value=typed.meters error=meters/>
            </div>
            {models_fields(org, SELLER, (typed.provider, seller), (typed.models, models))}
            <div class="form-row">
                <Field label="From" name="valid_from" kind="date" optional=true value=typed.valid_from error=valid_from hint="Its first day; empty for all time before too."/>
                <Field label="End date (exclusive)" name="valid_to" kind="date" optional=true value=typed.valid_to error=valid_to hint="Empty: no end date."/>
            </div>
            {source_fields((typed.source, source), (typed.source_url, source_url))}
            <div class="actions"><Button kind=main>{button}</Button></div>
        </form>
    }
}

/// What it would have meant, and the button that enters it.
fn seen(org: &str, typed: &ModifierForm, effect: &ModifierEffect) -> AnyView {
    let (before, delta) = (effect.before(), effect.delta());
    let kind = ModifierKind::parse(typed.kind.trim()).unwrap_or(ModifierKind::Discount);
    let title = format!("{} {}", percent_words(effect.factor), kind.label());
    let days = format!("{} – {}", format::day(effect.period.from), format::day(effect.period.last_day()));
    let figures = if effect.rows.is_empty() {
        let text = "Nothing of these days is concerned: check the provider and the models, or enter it for what comes.";
        html! { <Notice tone=Tone::Warn>{text}</Notice> }
    } else {
        let from_to = format!("from {} to {}", format::money(before), format::money(before + delta));
        html! {
            <div class="headline">
                <Figure large=true caption="Cost impact" value=amount(delta) title=format::money_full(delta)><span class="soft">{from_to}</span></Figure>
            </div>
            {tables(effect)}
        }
    };
    let example = example(&[(kind, effect.factor)]);
    let enter = enter(org, typed, kind);
    html! {
        <Section title=title note=format!("had it held {days}") id="effect">
            {figures}
            <p class="soft small">{example}". Multiplied on what the days were charged, without what the contract took off for the month; each call rounds its own lines to 12 places."</p>
            {enter}
        </Section>
    }
}

fn tables(effect: &ModifierEffect) -> AnyView {
    let by_project = table("Project", effect.by(|row| row.project.clone()));
    let by_model = table("Model", effect.by(|row| format!("{}/{}", row.provider, row.model)));
    html! {
        <Columns>
            <Section title="By project">{by_project}</Section>
            <Section title="By model">{by_model}</Section>
        </Columns>
    }
}

fn table(head: &'static str, rows: Vec<(String, Decimal, Decimal)>) -> AnyView {
    let columns = vec![Column::text(head), Column::number("Charged, $"), Column::number("Cost impact, $")];
    let rows = rows.into_iter().map(|(key, before, delta)| {
        let sign = if delta.is_sign_negative() { -1.0 } else { 1.0 };
        view! {
            <tr>
                <th scope="row">{key}</th>
                <td class="num" title=format::money_full(before)>{format::money_plain(before)}</td>
                <td class="num"><Change text=format::money_signed(delta) direction=Direction::of_cost(sign) title=format::money_full(delta)/></td>
            </tr>
        }
    });
    let caption = format!("What would have moved by {}", head.to_lowercase());
    html! { <Table caption=caption columns=columns dense=true>{rows.collect_view()}</Table> }
}

fn enter(org: &str, typed: &ModifierForm, kind: ModifierKind) -> AnyView {
    let fields = [
        ("org", org),
        ("kind", typed.kind.as_str()),
        ("percent", &typed.percent),
        ("provider", &typed.provider),
        ("models", &typed.models),
        ("meters", &typed.meters),
        ("valid_from", &typed.valid_from),
        ("valid_to", &typed.valid_to),
        ("source", &typed.source),
        ("source_url", &typed.source_url),
    ];
    let button = format!("Enter the {}", kind.as_str());
    html! {
        <form method="post" action=AddModifier::url()>
            {hidden(fields)}
            <div class="actions"><Button kind=ButtonKind::Primary>{button}</Button></div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_says_every_step() {
        let factors = EXAMPLE.map(|(kind, hundredths)| (kind, Decimal::new(hundredths, 2)));
        assert_eq!(
            example(&factors),
            "$100.00 list price → −12 % negotiated discount = $88.00 → +5 % internal markup = $92.40"
        );
        assert_eq!(percent_words(Decimal::new(9_975, 4)), "−0.25 %");
    }

    #[test]
    fn the_address_says_what_was_typed() {
        let pairs = [("kind", "discount"), ("percent", "12"), ("seller", "openai"), ("provider", "a filter")];
        let query: UrlQuery = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let typed = typed(&query);
        assert_eq!((typed.provider.as_str(), typed.percent.as_str()), ("openai", "12"));
        assert!(!is_empty(&typed) && is_empty(&ModifierForm::default()));
        let wrong = [FieldProblem::new("provider", "invalid", "No.")];
        assert_eq!(field_errors(&wrong), [("seller".to_owned(), "No.".to_owned())]);
    }
}
