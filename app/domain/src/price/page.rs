//! What the pages of the price book ask and show; the API says the same.

mod search;
mod words;

pub use search::{DEFAULT_MODELS, PriceSearch};
pub use words::{attribute_words, in_force, is_plain, modifier_words, modifiers_of, plain_at, prices_csv, terms};

use super::{BookPrice, ModelLimit, PriceModifier};
use crate::event::Page;
use crate::ids::RunId;
use crate::meter::Meter;
use crate::repricing::{ImpactPreview, RepricingRun};
use crate::rule::Dated;
use crate::spend::Sums;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A model of the book by its two names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModelName {
    /// Canonical provider.
    pub provider: String,
    /// The model's name in the book.
    pub model: String,
}

impl ModelName {
    /// From the label that a receipt remembers, `provider/model`.
    #[must_use]
    pub fn of_label(label: &str) -> Option<Self> {
        let (provider, model) = label.split_once('/')?;
        Some(Self { provider: provider.to_owned(), model: model.to_owned() })
    }
}

/// What one unit costs now at the standard price, without tiers and hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateNow {
    /// Price in USD of `per` units.
    pub rate: Decimal,
    /// Units that the rate is for.
    pub per: u64,
    /// Since when; none means since the beginning of time.
    pub since: Option<DateTime<Utc>>,
    /// It is the organization's own price.
    pub own: bool,
}

/// A model in the list of the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelEntry {
    /// Its names in the book.
    pub name: ModelName,
    /// As people know it.
    pub title: Option<String>,
    /// Input, where it is priced by tokens.
    pub input: Option<RateNow>,
    /// Output, where it is priced by tokens.
    pub output: Option<RateNow>,
    /// Another meter's price for models that are not priced by tokens.
    pub other: Option<(Meter, RateNow)>,
    /// How many prices hold now, all meters, variants and tiers.
    pub prices: u32,
    /// The organization has prices of its own for it.
    pub own: bool,
}

/// A model that the organization used this month, by the name that was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsedModel {
    /// Provider as sent.
    pub provider: String,
    /// Model as sent.
    pub model: String,
    /// The model of the book that it means now; none where the book has none.
    pub priced_as: Option<ModelName>,
    /// Input now.
    pub input: Option<RateNow>,
    /// Output now.
    pub output: Option<RateNow>,
    /// Another meter's price now for models that are not priced by tokens.
    pub other: Option<(Meter, RateNow)>,
    /// What it cost this month.
    pub sums: Sums,
}

/// A provider of the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderEntry {
    /// Canonical name.
    pub provider: String,
    /// As people know it.
    pub name: String,
    /// Its price list.
    pub url: Option<String>,
    /// How many models of it the book knows.
    pub models: u64,
}

/// A data set that prices of the book come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceEntry {
    /// Its name.
    pub source: String,
    /// Its version.
    pub version: String,
    /// How many prices in force it gave.
    pub prices: u64,
    /// When the last of them came into the book.
    pub recorded_at: DateTime<Utc>,
}

/// Models of the book that match, and how many there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundModels {
    /// One page of them.
    pub page: Page<ModelEntry>,
    /// All that match.
    pub matching: u64,
}

/// The page of all prices.
#[derive(Clone, Debug, PartialEq)]
pub struct PricesPage {
    /// The present month.
    pub month: NaiveDate,
    /// Models that were used in it, the dearest first.
    pub used: Vec<UsedModel>,
    /// Over all models used in it, those that are not listed too.
    pub total: Sums,
    /// What the search found.
    pub found: FoundModels,
    /// All providers of the book.
    pub providers: Vec<ProviderEntry>,
    /// Where the prices come from.
    pub sources: Vec<SourceEntry>,
}

/// A dated price as the model's page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatedPrice {
    /// The row itself.
    pub row: BookPrice,
    /// It is the organization's own.
    pub own: bool,
    /// When it came into the book.
    pub recorded_at: DateTime<Utc>,
    /// When it turned out to be wrong; such a price is used no more, but old receipts still point to it.
    pub superseded_at: Option<DateTime<Utc>>,
}

impl From<Dated<BookPrice>> for DatedPrice {
    fn from(price: Dated<BookPrice>) -> Self {
        Self {
            row: price.row,
            own: true,
            recorded_at: price.entry.recorded_at.to_utc(),
            superseded_at: price.entry.superseded_at.map(|at| at.to_utc()),
        }
    }
}

impl DatedPrice {
    /// Whether the price is in force at an instant, whatever its hours.
    #[must_use]
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        self.superseded_at.is_none()
            && self.row.valid_from.is_none_or(|from| from <= at)
            && self.row.valid_to.is_none_or(|to| at < to)
    }
}

/// A dated factor on prices as the model's page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatedModifier {
    /// The row itself.
    pub row: PriceModifier,
    /// It is the organization's own.
    pub own: bool,
}

/// Names that lead to a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasEntry {
    /// Provider whose names it reads.
    pub provider: String,
    /// Which names, as the book writes it: `=gpt-4o`, `^claude-`.
    pub pattern: String,
    /// Which names, in words.
    pub words: String,
    /// It is the organization's own.
    pub own: bool,
    /// From here on; none means from the beginning of time.
    pub valid_from: Option<DateTime<Utc>>,
    /// Until before this instant.
    pub valid_to: Option<DateTime<Utc>>,
}

/// A project that used a model in the last thirty days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsedBy {
    /// Slug of the project.
    pub project: String,
    /// Provider as sent.
    pub provider: String,
    /// Model as sent.
    pub model: String,
    /// What it cost there.
    pub sums: Sums,
}

/// Everything the book knows of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelPage {
    /// The instant at which "now" is.
    pub now: DateTime<Utc>,
    /// Its names in the book.
    pub name: ModelName,
    /// As people know it.
    pub title: Option<String>,
    /// Who sells it.
    pub provider: ProviderEntry,
    /// Its prices: those in force, earlier, later and superseded ones, ordered by meter, terms and date.
    pub prices: Vec<DatedPrice>,
    /// Factors on its prices that hold or will, in the order in which they stack.
    pub modifiers: Vec<DatedModifier>,
    /// What the provider lets one account use of it.
    pub limits: Vec<ModelLimit>,
    /// Names that lead to it.
    pub aliases: Vec<AliasEntry>,
    /// First day of the thirty.
    pub used_since: NaiveDate,
    /// Who used it, the dearest first.
    pub used_by: Vec<UsedBy>,
}

/// The list of runs as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunsPage {
    /// Newest first.
    pub runs: Vec<RepricingRun>,
    /// Where the older ones begin; none on the last page.
    pub next: Option<RunId>,
}

/// A form that came back with what it would do, to be sent again by whoever has seen it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormPreview {
    /// What it would do to the events that wait.
    pub effect: ImpactPreview,
    /// What was typed, by the names of the fields.
    pub typed: Vec<(String, String)>,
}

impl FormPreview {
    /// What was typed into a field.
    #[must_use]
    pub fn typed(&self, field: &str) -> Option<&str> {
        self.typed.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::{Attributes, Variant};

    fn row(variant: Variant, tier_from: u64, tier_inclusive: bool, schedule: Option<&str>) -> BookPrice {
        BookPrice {
            price_id: 1,
            provider: "acme".to_owned(),
            model: "one".to_owned(),
            meter: Meter::Output,
            variant,
            attributes: Attributes::NONE,
            tier_from,
            tier_inclusive,
            quantity_min: None,
            quantity_max: None,
            quantity_whole: false,
            rate: Decimal::TEN,
            per: 1_000_000,
            valid_from: None,
            valid_to: None,
            schedule: schedule.map(|text| text.parse().unwrap()),
            source: "set".to_owned(),
            source_version: "1".to_owned(),
            source_url: None,
            derived: None,
        }
    }

    fn dated(own: bool, from: Option<&str>, to: Option<&str>) -> DatedPrice {
        let at = |text: &str| text.parse().unwrap();
        let row = BookPrice { valid_from: from.map(at), valid_to: to.map(at), ..row(Variant::Standard, 0, true, None) };
        DatedPrice { row, own, recorded_at: at("2026-01-01T00:00:00Z"), superseded_at: None }
    }

    #[test]
    fn terms_say_when_a_price_applies() {
        assert_eq!(terms(&row(Variant::Standard, 0, true, None)), "Standard");
        assert_eq!(terms(&row(Variant::Batch, 200_000, false, None)), "Batch, over 200,000 input tokens");
        assert_eq!(terms(&row(Variant::Flex, 200_000, true, None)), "Flex, from 200,000 input tokens");
        assert_eq!(
            terms(&row(Variant::Standard, 0, true, Some("01:00-04:00 12345"))),
            "Standard, 01:00-04:00 12345 UTC"
        );
        assert!(is_plain(&row(Variant::Standard, 0, true, None)));
        assert!(!is_plain(&row(Variant::Standard, 1, true, None)));
    }

    #[test]
    fn patterns_are_said_in_words() {
        let words = |text: &str| text.parse::<crate::price::Pattern>().unwrap().words();
        assert_eq!(words("=gpt-4o"), "gpt-4o");
        assert_eq!(words("^claude-#"), "names that begin with claude-# (# is a digit)");
        assert_eq!(words("$-instruct"), "names that end with -instruct");
        assert_eq!(words("~gemma !-tts"), "names with gemma in them, without -tts");
    }

    fn of(meter: Meter, mut price: DatedPrice) -> DatedPrice {
        price.row.meter = meter;
        price
    }

    #[test]
    fn own_prices_lie_over_the_common_ones_while_they_hold() {
        let prices = [
            of(Meter::InputUncached, dated(true, Some("2026-05-01T00:00:00Z"), Some("2026-06-01T00:00:00Z"))),
            of(Meter::InputUncached, dated(false, None, Some("2026-03-01T00:00:00Z"))),
            of(Meter::InputUncached, dated(false, Some("2026-03-01T00:00:00Z"), None)),
            of(Meter::InputCacheRead, dated(false, None, None)),
            of(Meter::Output, dated(false, None, None)),
        ];
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let shown =
            |now: &str| in_force(&prices, at(now)).iter().map(|price| (price.own, price.row.meter)).collect::<Vec<_>>();
        let common = [(false, Meter::InputUncached), (false, Meter::InputCacheRead), (false, Meter::Output)];
        assert_eq!(shown("2026-03-01T00:00:00Z"), common);
        // The own input price stands in for the cache read too; nobody entered one for the output.
        assert_eq!(shown("2026-05-01T00:00:00Z"), [(true, Meter::InputUncached), (false, Meter::Output)]);
        assert_eq!(shown("2026-06-01T00:00:00Z"), common);
        let own = |meter, now: &str| plain_at(&prices, meter, at(now)).map(|price| price.own);
        assert_eq!(own(Meter::InputCacheRead, "2026-05-01T00:00:00Z"), Some(true));
        assert_eq!(own(Meter::InputCacheRead, "2026-04-01T00:00:00Z"), Some(false));
        assert_eq!(own(Meter::OutputAudio, "2026-04-01T00:00:00Z"), None, "nothing is made up for the book");
    }

    #[test]
    fn a_search_names_what_is_wrong_with_it() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let search = PriceSearch::from_pairs(&pairs(&[("q", " GPT  4o "), ("provider", ""), ("limit", "5")])).unwrap();
        assert_eq!(search.words(), ["gpt", "4o"]);
        assert_eq!((search.provider, search.limit), (None, 5));
        let wrong = pairs(&[("q", &"x ".repeat(9)), ("limit", "0"), ("colour", "red"), ("provider", &"x".repeat(201))]);
        let problem = PriceSearch::from_pairs(&wrong).unwrap_err();
        let named: Vec<_> = problem.fields().iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(named, ["limit", "colour", "provider", "q"]);
    }

    #[test]
    fn a_label_may_have_slashes_in_its_model() {
        let name = ModelName::of_label("openrouter/openai/gpt-4o").unwrap();
        assert_eq!((name.provider.as_str(), name.model.as_str()), ("openrouter", "openai/gpt-4o"));
    }
}
