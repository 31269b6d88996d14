//! Doors of the price book.

#![expect(clippy::too_many_arguments, reason = "a form's door has one argument per field")]

pub mod imports;
pub mod runs;

pub use imports::ApplyImport;
pub use runs::{ConfirmRun, DiscardRun, PriceUnpriced, ReverseRun, StartRun};

use crate::error::AppError;
use domain::price::contract::TierRow;
use domain::price::page::FormPreview;
use domain::price::{ModifierForm, RateForm};
use leptos::prelude::*;
use {
    crate::caller::Caller,
    domain::identity::Permission,
    domain::price::contract::TermForm,
    domain::price::page::ModelName,
    domain::price::{BasisForm, MappingForm, PriceForm},
    domain::problem::Problem,
    domain::repricing::MAX_PREVIEWED,
    domain::rule::parse_end,
    std::str::FromStr,
};

/// Enters a discount or markup.
#[server(prefix = "/fn", endpoint = "prices/add-modifier")]
pub async fn add_modifier(
    /// Slug of the organization.
    org: String,
    /// `discount` or `markup`.
    kind: String,
    /// In percent of the price.
    percent: String,
    /// Who said so.
    source: String,
    /// Who sells the calls.
    #[server(default)]
    provider: String,
    /// Which models.
    #[server(default)]
    models: String,
    /// Which meters.
    #[server(default)]
    meters: String,
    /// First day.
    #[server(default)]
    valid_from: String,
    /// The day after the last.
    #[server(default)]
    valid_to: String,
    /// Where it is written.
    #[server(default)]
    source_url: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    scope.require(Permission::ManagePrices)?;
    let attributes = String::new();
    let form =
        ModifierForm { kind, provider, models, attributes, meters, percent, valid_from, valid_to, source, source_url };
    backend::prices::add_modifier(&backend, &scope, &form.parse().map_err(Problem::invalid)?).await?;
    leptos_axum::redirect(&format!("/o/{org}/prices/discounts?notice=entered"));
    Ok(())
}

/// Enters a term of the contract.
#[server(prefix = "/fn", endpoint = "prices/add-term")]
pub async fn add_term(
    /// Slug of the organization.
    org: String,
    /// `allowance`, `graduated` or `volume`.
    kind: String,
    /// What is counted.
    meters: String,
    /// First month.
    from: String,
    /// Who said so.
    source: String,
    /// Meters that are counted together with it.
    #[server(default)]
    more_meters: String,
    /// Who sells the calls.
    #[server(default)]
    provider: String,
    /// Which models.
    #[server(default)]
    models: String,
    /// Free units of an allowance.
    #[server(default)]
    units: String,
    /// Tiers; empty rows are left out.
    #[server(default)]
    tiers: Vec<TierRow>,
    /// The month in which it no longer holds.
    #[server(default)]
    to: String,
    /// Where it is written.
    #[server(default)]
    source_url: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    scope.require(Permission::ManagePrices)?;
    let meters = if more_meters.trim().is_empty() { meters } else { format!("{meters},{more_meters}") };
    let text = String::new();
    let form = TermForm { kind, provider, models, meters, units, tiers: text, from, to, source, source_url };
    let term = form.parse_with(&tiers).map_err(Problem::invalid)?;
    backend::prices::contract::add_term(&backend, &scope, &term).await?;
    leptos_axum::redirect(&format!("/o/{org}/prices/contract?notice=entered"));
    Ok(())
}

/// Enters prices of the organization's own for one model; with `price_unpriced`, what waits for them is priced at once.
///
/// Before it prices what waits, the effect comes back; whoever has seen it sends the form again with its token as `seen`.
#[server(prefix = "/fn", endpoint = "prices/enter")]
pub async fn enter_price(
    /// Slug of the organization.
    org: String,
    /// Who sells the model.
    provider: String,
    /// The model.
    model: String,
    /// What is priced, at which rates.
    rates: Vec<RateForm>,
    /// Who said so.
    source: String,
    /// Tier of service.
    #[server(default)]
    variant: String,
    /// Input tokens of the request.
    #[server(default)]
    tier: String,
    /// What else is asked of a call.
    #[server(default)]
    attributes: String,
    /// First day.
    #[server(default)]
    valid_from: String,
    /// The day after the last.
    #[server(default)]
    valid_to: String,
    /// Hours.
    #[server(default)]
    schedule: String,
    /// Where it is written.
    #[server(default)]
    source_url: String,
    /// Confirms prices that look unusual.
    #[server(default)]
    confirmed: String,
    /// Any text prices what waits for a price of this model.
    #[server(default)]
    price_unpriced: String,
    /// The effect that was seen.
    #[server(default)]
    seen: String,
) -> Result<Option<FormPreview>, AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let form = PriceForm {
        provider: provider.clone(),
        model: model.clone(),
        variant,
        tier,
        valid_from,
        valid_to,
        attributes,
        schedule,
        source,
        source_url,
        confirmed,
        ..PriceForm::default()
    };
    let inputs = form.parse_each(&rates).map_err(Problem::invalid)?;
    let sent = (provider.as_str(), model.as_str());
    if !price_unpriced.is_empty() {
        let effect = backend::prices::runs::effect_of_prices(&backend, &scope, &inputs, sent, MAX_PREVIEWED).await?;
        if effect.token() != seen {
            return Ok(Some(FormPreview { effect, typed: typed(&form, &rates) }));
        }
    }
    let name =
        inputs.first().map(|new| ModelName { provider: new.rule.provider.clone(), model: new.rule.model.clone() });
    let name = name.ok_or(Problem::NotFound)?;
    backend::prices::add_prices(&backend, &scope, &inputs, form.is_confirmed()).await?;
    if price_unpriced.is_empty() {
        leptos_axum::redirect(&format!("{}?notice=entered", super::labels::model_path(&org, &name)));
        return Ok(None);
    }
    let reason = format!("Entered a price of {}/{}", name.provider, name.model);
    let run = backend::prices::runs::price_unpriced(&backend, &scope, Some(sent), &reason).await?;
    leptos_axum::redirect(&format!("/o/{org}/prices/runs/{}", run.run_id));
    Ok(None)
}

/// What was typed, for the form that comes back.
fn typed(form: &PriceForm, rates: &[RateForm]) -> Vec<(String, String)> {
    let fields = [
        ("provider", &form.provider),
        ("model", &form.model),
        ("variant", &form.variant),
        ("tier", &form.tier),
        ("valid_from", &form.valid_from),
        ("valid_to", &form.valid_to),
        ("attributes", &form.attributes),
        ("schedule", &form.schedule),
        ("source", &form.source),
        ("source_url", &form.source_url),
        ("confirmed", &form.confirmed),
    ];
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value.clone()));
    let rates = rates.iter().enumerate().flat_map(|(at, row)| {
        [("meter", &row.meter), ("rate", &row.rate), ("per", &row.per)]
            .map(|(name, value)| (domain::price::field_of(at, name), value.clone()))
    });
    fields.chain(rates).filter(|(_, value)| !value.is_empty()).collect()
}

/// Ends a rule of any kind.
#[server(prefix = "/fn", endpoint = "prices/end")]
pub async fn end_rule(
    /// Slug of the organization.
    org: String,
    /// Number of the rule.
    rule: u64,
    /// The day or month that begins when it no longer holds.
    valid_to: String,
    /// The page to go back to.
    page: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let end = parse_end(&valid_to).map_err(|wrong| Problem::invalid(vec![wrong]))?;
    backend::rules::end(&backend, &scope, rule, end).await?;
    let page = match page.as_str() {
        "allocation" => "allocation",
        "basis" => "prices/basis",
        "discounts" => "prices/discounts",
        "contract" => "prices/contract",
        "markup" => "statements/markup",
        _ => "prices/own",
    };
    leptos_axum::redirect(&format!("/o/{org}/{page}?notice=ended"));
    Ok(())
}

/// Maps a name to a model; with `price_unpriced`, what waits for a price under that name is priced at once.
///
/// Before it prices what waits, the effect comes back, as [`enter_price`] sends it.
#[server(prefix = "/fn", endpoint = "prices/map")]
pub async fn map_name(
    /// Slug of the organization.
    org: String,
    /// Provider that the events name.
    provider: String,
    /// The name that the events carry.
    name: String,
    /// Provider of the model that is meant.
    to_provider: String,
    /// The model that is meant.
    to_model: String,
    /// First day.
    #[server(default)]
    valid_from: String,
    /// The day after the last.
    #[server(default)]
    valid_to: String,
    /// Any text prices what waits under that name.
    #[server(default)]
    price_unpriced: String,
    /// The effect that was seen.
    #[server(default)]
    seen: String,
) -> Result<Option<FormPreview>, AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let form =
        MappingForm { provider: provider.clone(), name: name.clone(), to_provider, to_model, valid_from, valid_to };
    let input = form.parse().map_err(Problem::invalid)?;
    let sent = (provider.as_str(), name.as_str());
    if !price_unpriced.is_empty() {
        let effect = backend::prices::runs::effect_of_alias(&backend, &scope, &input, sent, MAX_PREVIEWED).await?;
        if effect.token() != seen {
            let MappingForm { to_provider, to_model, valid_from, valid_to, .. } = form;
            let typed = [
                ("provider", provider),
                ("name", name),
                ("to_provider", to_provider),
                ("to_model", to_model),
                ("valid_from", valid_from),
                ("valid_to", valid_to),
            ];
            let typed = typed.map(|(name, value)| (name.to_owned(), value)).to_vec();
            return Ok(Some(FormPreview { effect, typed }));
        }
    }
    let reason = format!("Mapped {provider}/{name} to {}/{}", input.rule.to_provider, input.rule.to_model);
    backend::prices::add_alias(&backend, &scope, &input).await?;
    if price_unpriced.is_empty() {
        leptos_axum::redirect(&format!("/o/{org}/prices/own?notice=mapped"));
        return Ok(None);
    }
    let run = backend::prices::runs::price_unpriced(&backend, &scope, Some(sent), &reason).await?;
    leptos_axum::redirect(&format!("/o/{org}/prices/runs/{}", run.run_id));
    Ok(None)
}

/// Takes a change of rules back.
#[server(prefix = "/fn", endpoint = "prices/undo")]
pub async fn undo_change(
    /// Slug of the organization.
    org: String,
    /// Id of the change.
    change: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    backend::prices::undo(&backend, &scope, id(&change)?).await?;
    leptos_axum::redirect(&format!("/o/{org}/prices/own?notice=undone"));
    Ok(())
}

/// Chooses which cost counts.
#[server(prefix = "/fn", endpoint = "prices/choose-basis")]
pub async fn choose_basis(
    /// Slug of the organization.
    org: String,
    /// `computed` or `reported`.
    basis: String,
    /// Why.
    reason: String,
    /// Only of this provider.
    #[server(default)]
    provider: String,
    /// First day.
    #[server(default)]
    valid_from: String,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let input = BasisForm { basis, provider, valid_from, reason }.parse().map_err(Problem::invalid)?;
    backend::prices::choose_basis(&caller.backend, &caller.scope, &input).await?;
    leptos_axum::redirect(&format!("/o/{org}/prices/basis?notice=chosen"));
    Ok(())
}

/// An id that cannot be one names nothing.
fn id<T: FromStr>(text: &str) -> Result<T, AppError> {
    text.parse().map_err(|_| AppError::of(Problem::NotFound))
}
