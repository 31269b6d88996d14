//! The columns of each version: ids, types, whether they may be empty, and what stands in them.
//!
//! FOCUS columns in the order of their names, then our own, which begin with `x_`.
//! Columns that are conditional and whose condition does not hold here (commitments, capacity reservations, zones) are left out but for those that rules about others ask for; those of allocation are there since 1.3: the account is where the usage was, and they say to whom rules moved it.

use super::Version;
use super::charge::Charge;
use super::row::{Account, AllocatedCharge, FocusRow};
use super::sku::{self, ModelIdentity, Seller};
use crate::csv;
use crate::meter::Meter;
use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// An exact number.
    Decimal,
    /// An instant in UTC.
    Time,
    /// One JSON object, flat but for the elements of an allocation.
    KeyValue,
}

/// A value of a row; none is null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Text, or the text of a JSON object.
    Text(String),
    /// An exact number.
    Decimal(Decimal),
    /// An instant.
    Time(DateTime<Utc>),
}

/// A column of the dataset.
pub struct Column {
    /// Its id in the file's first line.
    pub id: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be null.
    pub nullable: bool,
    /// The first version that has it.
    since: Version,
    /// The last version that has it.
    until: Version,
    cell: fn(&Account, &FocusRow) -> Option<Cell>,
}

impl Column {
    /// What stands there in a row.
    #[must_use]
    pub fn cell(&self, account: &Account, row: &FocusRow) -> Option<Cell> {
        (self.cell)(account, row)
    }
}

/// The columns of a version, in the order of the file.
pub fn columns(version: Version) -> impl Iterator<Item = &'static Column> + Clone {
    COLUMNS.iter().filter(move |column| (column.since..=column.until).contains(&version))
}

const fn column(id: &'static str, kind: Kind, nullable: bool, cell: fn(&Account, &FocusRow) -> Option<Cell>) -> Column {
    Column { id, kind, nullable, since: Version::V1_2, until: Version::V1_4, cell }
}

/// A text that is never null.
const fn text(id: &'static str, cell: fn(&Account, &FocusRow) -> Option<Cell>) -> Column {
    column(id, Kind::Text, false, cell)
}

const fn text_or_null(id: &'static str, cell: fn(&Account, &FocusRow) -> Option<Cell>) -> Column {
    column(id, Kind::Text, true, cell)
}

const fn decimal(id: &'static str, cell: fn(&Account, &FocusRow) -> Option<Cell>) -> Column {
    column(id, Kind::Decimal, false, cell)
}

const fn decimal_or_null(id: &'static str, cell: fn(&Account, &FocusRow) -> Option<Cell>) -> Column {
    column(id, Kind::Decimal, true, cell)
}

const fn time(id: &'static str, cell: fn(&Account, &FocusRow) -> Option<Cell>) -> Column {
    column(id, Kind::Time, false, cell)
}

const fn since(since: Version, column: Column) -> Column {
    Column { since, ..column }
}

const fn until(until: Version, column: Column) -> Column {
    Column { until, ..column }
}

/// A column that nothing here fills.
fn nothing(_: &Account, _: &FocusRow) -> Option<Cell> {
    None
}

#[expect(clippy::unnecessary_wraps, reason = "every column answers with an option")]
fn say(text: impl Into<String>) -> Option<Cell> {
    Some(Cell::Text(text.into()))
}

fn seller(row: &FocusRow) -> Option<Cell> {
    say(Seller::of(&row.key.provider).name)
}

static COLUMNS: [Column; 58] = [
    since(
        Version::V1_3,
        column("AllocatedMethodDetails", Kind::KeyValue, true, |_, row| say(method_details(row.allocated.as_ref()?))),
    ),
    since(Version::V1_3, text_or_null("AllocatedMethodId", |_, row| say(row.allocated.as_ref()?.rule_id.to_string()))),
    since(
        Version::V1_3,
        text_or_null("AllocatedResourceId", |_, row| {
            let to = &row.allocated.as_ref()?.to;
            say(format!("{}:{}", to.kind(), to.slug()?))
        }),
    ),
    since(
        Version::V1_3,
        text_or_null("AllocatedResourceName", |_, row| {
            let allocated = row.allocated.as_ref()?;
            say(allocated.name.as_deref().or(allocated.to.slug())?)
        }),
    ),
    since(
        Version::V1_3,
        column("AllocatedTags", Kind::KeyValue, true, |_, row| {
            let team = row.allocated.as_ref()?.team.as_deref()?;
            say(key_values([("tallystick:team", team.into())].into_iter()))
        }),
    ),
    decimal("BilledCost", |_, row| Some(Cell::Decimal(row.amounts.billed))),
    text("BillingAccountId", |account, _| say(&account.id)),
    text_or_null("BillingAccountName", |account, _| say(&account.name)),
    text("BillingAccountType", |_, _| say("Organization")),
    text("BillingCurrency", |_, _| say("USD")),
    time("BillingPeriodEnd", |_, row| Some(Cell::Time(row.billing.1))),
    time("BillingPeriodStart", |_, row| Some(Cell::Time(row.billing.0))),
    text("ChargeCategory", |_, row| say(category(row))),
    text_or_null("ChargeClass", |_, row| row.key.is_correction.then_some("Correction").and_then(say)),
    text_or_null("ChargeDescription", |_, row| say(row.description())),
    text("ChargeFrequency", |_, row| say(if row.key.charge.is_usage() { "Usage-Based" } else { "One-Time" })),
    time("ChargePeriodEnd", |_, row| Some(Cell::Time(row.end))),
    time("ChargePeriodStart", |_, row| Some(Cell::Time(row.key.start))),
    // Rules about quantities ask for it.
    text_or_null("CommitmentDiscountStatus", nothing),
    decimal_or_null("ConsumedQuantity", |_, row| {
        row.key.charge.is_usage().then_some(Cell::Decimal(row.amounts.consumed))
    }),
    text_or_null("ConsumedUnit", |_, row| row.key.charge.is_usage().then(|| sku::unit(row.key.meter)).and_then(say)),
    decimal("ContractedCost", |_, row| Some(Cell::Decimal(row.contracted_cost()))),
    decimal_or_null("ContractedUnitPrice", |_, row| Some(Cell::Decimal(row.pricing()?.contracted))),
    decimal("EffectiveCost", |_, row| Some(Cell::Decimal(row.amounts.billed))),
    since(Version::V1_3, text_or_null("HostProviderName", |_, row| seller(row))),
    since(Version::V1_4, text_or_null("InvoiceDetailId", nothing)),
    text_or_null("InvoiceId", nothing),
    text("InvoiceIssuerName", |_, row| seller(row)),
    decimal("ListCost", |_, row| Some(Cell::Decimal(row.list_cost()))),
    decimal_or_null("ListUnitPrice", |_, row| Some(Cell::Decimal(row.pricing()?.list))),
    text_or_null("PricingCategory", |_, row| pricing_category(row).and_then(say)),
    text("PricingCurrency", |_, _| say("USD")),
    decimal_or_null("PricingCurrencyContractedUnitPrice", |_, row| Some(Cell::Decimal(row.pricing()?.contracted))),
    decimal("PricingCurrencyEffectiveCost", |_, row| Some(Cell::Decimal(row.amounts.billed))),
    decimal_or_null("PricingCurrencyListUnitPrice", |_, row| Some(Cell::Decimal(row.pricing()?.list))),
    decimal_or_null("PricingQuantity", |_, row| Some(Cell::Decimal(row.pricing()?.quantity))),
    text_or_null("PricingUnit", |_, row| say(row.pricing()?.unit)),
    until(Version::V1_3, text("ProviderName", |_, row| seller(row))),
    until(
        Version::V1_3,
        text("PublisherName", |_, row| {
            let developer = ModelIdentity::of(&row.key.book_model).developer;
            developer.map_or_else(|| seller(row), say)
        }),
    ),
    text("ServiceCategory", |_, _| say("AI and Machine Learning")),
    text("ServiceName", |_, row| say(Seller::of(&row.key.provider).service)),
    since(Version::V1_3, text("ServiceProviderName", |_, row| seller(row))),
    text("ServiceSubcategory", |_, _| say("Generative AI")),
    text_or_null("SkuId", |_, row| row.sku_id().and_then(say)),
    text_or_null("SkuMeter", |_, row| row.sku_id().and_then(|_| say(sku::meter_name(row.key.meter)))),
    column("SkuPriceDetails", Kind::KeyValue, true, |_, row| price_details(row).and_then(say)),
    text_or_null("SkuPriceId", |_, row| row.sku_price_id().and_then(say)),
    text("SubAccountId", |_, row| say(&row.owner.project)),
    text("SubAccountName", |_, row| say(&row.owner.project_name)),
    text("SubAccountType", |_, _| say("Project")),
    column("Tags", Kind::KeyValue, true, |_, row| tags(row).and_then(say)),
    text_or_null("x_AdjustmentType", |_, row| adjustment_type(row).and_then(say)),
    text_or_null("x_CostCentre", |_, row| row.owner.cost_centre.as_deref().and_then(say)),
    text("x_Meter", |_, row| say(row.key.meter.as_str())),
    text("x_Model", |_, row| say(&row.key.model)),
    text_or_null("x_PriceSource", |_, row| row.price.as_ref().and_then(|price| say(&price.source))),
    text("x_Provider", |_, row| say(&row.key.provider)),
    text_or_null("x_Team", |_, row| row.owner.team.as_deref().and_then(say)),
];

/// The share of what was charged, with our own words for the rule; numbers are written as they are, and no binary ones.
fn method_details(allocated: &AllocatedCharge) -> String {
    let text = |text: &str| Value::from(text).to_string();
    let unit = allocated.unit.map(|unit| format!(",\"UsageUnit\":{}", text(unit))).unwrap_or_default();
    let (ratio, rule, effect) = (allocated.ratio, text(&allocated.rule), text(&allocated.effect));
    format!("{{\"Elements\":[{{\"AllocatedRatio\":{ratio}{unit}}}],\"x_Effect\":{effect},\"x_Rule\":{rule}}}")
}

/// Reductions after the fact are credits, everything else that moves a cost an adjustment.
fn category(row: &FocusRow) -> &'static str {
    match row.key.charge {
        Charge::Priced(_) | Charge::Included(_) | Charge::Amount => "Usage",
        Charge::Term(_) if row.amounts.billed < Decimal::ZERO => "Credit",
        Charge::ReportedOver | Charge::Term(_) | Charge::Adjusted => "Adjustment",
    }
}

fn pricing_category(row: &FocusRow) -> Option<&'static str> {
    match row.key.charge {
        Charge::Priced(_) => Some("Standard"),
        Charge::Included(_) | Charge::Amount => Some("Other"),
        Charge::ReportedOver | Charge::Term(_) | Charge::Adjusted => None,
    }
}

fn adjustment_type(row: &FocusRow) -> Option<&'static str> {
    match row.key.charge {
        Charge::Priced(_) | Charge::Included(_) | Charge::Amount => None,
        Charge::ReportedOver => Some("Reported Cost"),
        Charge::Term(_) => Some("Contract"),
        Charge::Adjusted if row.key.meter == Meter::Included => Some("Included in Plan"),
        Charge::Adjusted => Some("Repricing"),
    }
}

/// What is the same for every charge at this price: the model's identity and the token's way, as the draft of FOCUS 1.5 names them, and when the price applies.
fn price_details(row: &FocusRow) -> Option<String> {
    row.sku_price_id()?;
    let identity = ModelIdentity::of(&row.key.book_model);
    let price = row.price.as_ref();
    let details: [(&str, Option<Cow<'_, str>>); 8] = [
        ("x_ModelDeveloper", identity.developer.map(Cow::from)),
        ("x_ModelFamily", identity.family.map(Cow::from)),
        ("x_ModelId", Some(Cow::from(row.key.book_model.as_str()))),
        ("x_ModelVersion", identity.version.map(Cow::from)),
        ("x_TokenDirection", sku::token_direction(row.key.meter).map(Cow::from)),
        ("x_TokenCacheAction", sku::cache_action(row.key.meter).map(Cow::from)),
        ("x_ServiceTier", price.map(|price| Cow::from(price.tier.as_str()))),
        ("x_PriceTerms", price.map(|price| Cow::from(price.terms.as_str())).filter(|terms| !terms.is_empty())),
    ];
    Some(key_values(details.into_iter().filter_map(|(key, value)| Some((key, value?)))))
}

fn tags(row: &FocusRow) -> Option<String> {
    let tags = &row.key.tags;
    (!tags.is_empty()).then(|| key_values(tags.iter().map(|(key, value)| (key.as_str(), value.as_str().into()))))
}

/// One flat object with text for values: FOCUS's key-value format.
fn key_values<'a>(pairs: impl Iterator<Item = (&'a str, Cow<'a, str>)>) -> String {
    let object: Map<String, Value> =
        pairs.map(|(key, value)| (key.to_owned(), Value::String(value.into_owned()))).collect();
    Value::Object(object).to_string()
}

/// The first line of a version's file.
#[must_use]
pub fn csv_header(version: Version) -> String {
    csv::Table::new(columns(version).map(|column| column.id)).into_text()
}

/// Rows as lines of a version's file.
#[must_use]
pub fn csv_rows(version: Version, account: &Account, rows: &[FocusRow]) -> String {
    let mut table = csv::Table::default();
    for row in rows {
        let cells: Vec<String> = columns(version).map(|column| csv_text(column.cell(account, row))).collect();
        table.row(cells.iter().map(String::as_str));
    }
    table.into_text()
}

/// A cell as CSV has it: numbers with a point, instants to the second in UTC, null as nothing.
#[must_use]
pub fn csv_text(cell: Option<Cell>) -> String {
    match cell {
        None => String::new(),
        Some(Cell::Text(text)) => text,
        Some(Cell::Decimal(number)) => {
            // A reader that guesses types takes a number without a point for an integer.
            let text = number.normalize().to_string();
            if text.contains('.') { text } else { format!("{text}.0") }
        }
        Some(Cell::Time(at)) => at.to_rfc3339_opts(SecondsFormat::Secs, true),
    }
}
