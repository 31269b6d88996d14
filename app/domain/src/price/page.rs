//! What the pages of the price book ask and show; the API says the same.

use super::contract::{ContractTerm, MonthStatus};
use super::{Attributes, BasisBook, BookPrice, MeterSet, ModelLimit, OwnBook, PriceModifier, Variant};
use crate::event::{Listed, MAX_LABEL_LEN, MAX_PAGE, Page, UnpricedRow};
use crate::ids::RunId;
use crate::meter::Meter;
use crate::problem::{FieldProblem, Problem};
use crate::repricing::{ImpactPreview, RepricingRun};
use crate::rule::Dated;
use crate::spend::Sums;
use crate::{csv, format};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Models of one page when nothing is said.
pub const DEFAULT_MODELS: u16 = 50;
/// Most words of a search; more would only make it slow.
const MAX_WORDS: usize = 8;

/// Which models of the book are listed. All words must occur in the provider's or the model's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceSearch {
    /// Words, in any order; empty means all.
    pub text: String,
    /// Only this provider, by its name in the book.
    pub provider: Option<String>,
    /// Where the page begins, from the page before.
    pub cursor: Option<String>,
    /// Models of the page, 1 to [`MAX_PAGE`].
    pub limit: u16,
}

impl Default for PriceSearch {
    fn default() -> Self {
        Self { text: String::new(), provider: None, cursor: None, limit: DEFAULT_MODELS }
    }
}

impl PriceSearch {
    /// Reads the parameters of `GET /v1/prices`.
    ///
    /// # Errors
    /// [`Problem::Invalid`] that names every wrong parameter.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut search = Self::default();
        let mut wrong = Vec::new();
        for (name, value) in pairs {
            let long = value.chars().count() > MAX_LABEL_LEN;
            match name.as_str() {
                "q" | "provider" | "cursor" if long => {
                    let detail = format!("Use at most {MAX_LABEL_LEN} characters.");
                    wrong.push(FieldProblem::new(name, "too_long", detail));
                }
                "q" => search.text = value.trim().to_owned(),
                "provider" => search.provider = Some(value.clone()).filter(|provider| !provider.is_empty()),
                "cursor" => search.cursor = Some(value.clone()).filter(|cursor| !cursor.is_empty()),
                "limit" => match value.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit)) {
                    Some(limit) => search.limit = limit,
                    None => {
                        let detail = format!("Use a whole number from 1 to {MAX_PAGE}.");
                        wrong.push(FieldProblem::new("limit", "out_of_range", detail));
                    }
                },
                _ => wrong.push(FieldProblem::new(name, "unknown", format!("`{name}` is not a parameter."))),
            }
        }
        if search.words().count() > MAX_WORDS {
            wrong.push(FieldProblem::new("q", "too_many", format!("Use at most {MAX_WORDS} words.")));
        }
        if wrong.is_empty() { Ok(search) } else { Err(Problem::invalid(wrong)) }
    }

    /// The words that must all occur, in lower case.
    pub fn words(&self) -> impl Iterator<Item = String> + '_ {
        self.text.split_whitespace().map(str::to_lowercase)
    }
}

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Whether the reader may enter prices.
    pub may_manage: bool,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Whether the reader may enter prices.
    pub may_manage: bool,
}

/// The organization's own book as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnBookPage {
    /// The book.
    pub book: OwnBook,
    /// Whether the reader may change it.
    pub may_manage: bool,
}

/// Which cost counts, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasisPage {
    /// What was chosen, and what it is about.
    pub book: BasisBook,
    /// The organization's present day.
    pub today: NaiveDate,
    /// Whether the reader may choose.
    pub may_manage: bool,
}

/// The organization's contract as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractPage {
    /// Those that count, the one that goes first at the top, then superseded ones.
    pub terms: Vec<Dated<ContractTerm>>,
    /// Months under the contract, newest first.
    pub months: Vec<MonthStatus>,
    /// Whether the reader may change it.
    pub may_manage: bool,
}

/// What the forms that enter a price, map a name or begin a run need to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceFormOptions {
    /// Providers of the book.
    pub providers: Vec<ProviderEntry>,
}

/// The list of runs as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunsPage {
    /// Newest first.
    pub runs: Vec<RepricingRun>,
    /// Where the older ones begin; none on the last page.
    pub next: Option<RunId>,
    /// Whether the reader may begin one.
    pub may_manage: bool,
}

/// A run as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPage {
    /// The run.
    pub run: RepricingRun,
    /// Whether the reader may confirm, discard or reverse it.
    pub may_manage: bool,
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

/// The queue of what waits for a price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Models whose events wait, with what waits in the other lists.
    pub listed: Listed<UnpricedRow>,
    /// Models of the book that each may mean, the likest first: guesses for a person to confirm.
    pub guesses: Vec<Vec<ModelName>>,
    /// What mapping to each of these would do; none where so many events wait that this is only looked at when asked.
    pub effects: Vec<Vec<Option<ImpactPreview>>>,
    /// Whether the reader may map a name or enter a price.
    pub may_manage: bool,
}

/// The prices of one model that can be charged at an instant: the organization's own, and the common ones that these leave.
///
/// Own prices are one card laid over the common one: a common price is out of reach where an own one of its meter, or of a meter that stands in for it, holds for every call.
#[must_use]
pub fn in_force(prices: &[DatedPrice], at: DateTime<Utc>) -> Vec<&DatedPrice> {
    let own: Vec<&BookPrice> =
        prices.iter().filter(|price| price.own && price.holds(at)).map(|price| &price.row).collect();
    let covered = |row: &BookPrice| {
        own.iter().any(|own| {
            let stands_in = own.meter == row.meter || row.meter.fallbacks().contains(&own.meter);
            let variant = own.variant == Variant::Standard || own.variant == row.variant;
            let always = own.schedule.is_none() && (own.attributes.is_empty() || own.attributes == row.attributes);
            stands_in && variant && always && own.tier_from <= row.tier_from
        })
    };
    let reached = |price: &&DatedPrice| price.holds(at) && (price.own || !covered(&price.row));
    prices.iter().filter(reached).collect()
}

/// The plain price that a meter is charged at an instant: the organization's own, or an own one that stands in, before the common one.
#[must_use]
pub fn plain_at(prices: &[DatedPrice], meter: Meter, at: DateTime<Utc>) -> Option<&DatedPrice> {
    let plain = |own: bool, meter: Meter| {
        prices
            .iter()
            .find(move |price| price.own == own && price.row.meter == meter && is_plain(&price.row) && price.holds(at))
    };
    let own = plain(true, meter).or_else(|| meter.fallbacks().iter().find_map(|&meter| plain(true, meter)));
    own.or_else(|| plain(false, meter))
}

/// When a price applies apart from its dates, in words: "Standard", "Batch, over 200,000 input tokens".
#[must_use]
pub fn terms(row: &BookPrice) -> String {
    let mut said = vec![variant_word(row.variant).to_owned()];
    said.extend(attribute_words(&row.attributes));
    if row.tier_from > 0 {
        let bound = if row.tier_inclusive { "from" } else { "over" };
        let what = if row.meter.is_token() { "input tokens" } else { "results" };
        said.push(format!("{bound} {} {what}", format::count(row.tier_from)));
    }
    said.extend(row.schedule.map(|schedule| {
        let hours = schedule.to_string();
        // Hours at an offset say it themselves.
        let zone = if hours.contains(" +") || hours.contains(" -") { "" } else { " UTC" };
        format!("{hours}{zone}")
    }));
    let unit = row.meter.unit().as_str();
    said.extend(row.quantity_min.map(|least| format!("at least {} {unit} charged", format::quantity(least))));
    said.extend(row.quantity_max.map(|most| format!("at most {} {unit} charged", format::quantity(most))));
    said.join(", ")
}

/// Conditions in words: "size 1024x1536", "region not global".
pub fn attribute_words(attributes: &Attributes) -> impl Iterator<Item = String> + '_ {
    attributes.iter().map(|(attribute, value)| format!("{} {value}", attribute.as_str().replace('_', " ")))
}

/// Whether a price is the plain one: standard, for calls of any kind and size, at any hour.
#[must_use]
pub fn is_plain(row: &BookPrice) -> bool {
    row.variant == Variant::Standard && row.tier_from == 0 && row.schedule.is_none() && row.attributes.is_empty()
}

/// Which calls and meters a modifier multiplies, in words: "tokens, region not global".
#[must_use]
pub fn modifier_words(row: &PriceModifier) -> String {
    let meters = match &row.meters {
        MeterSet::All => "everything".to_owned(),
        MeterSet::Tokens => "tokens".to_owned(),
        MeterSet::Only(meters) => {
            meters.iter().map(|meter| meter.label().to_lowercase()).collect::<Vec<_>>().join(", ")
        }
    };
    std::iter::once(meters).chain(attribute_words(&row.attributes)).collect::<Vec<_>>().join(", ")
}

/// The modifiers among these that can multiply the prices of a model, in the order in which they stack.
#[must_use]
pub fn modifiers_of(modifiers: Vec<DatedModifier>, name: &ModelName) -> Vec<DatedModifier> {
    let mut concerned: Vec<_> =
        modifiers.into_iter().filter(|modifier| modifier.row.concerns(&name.provider, &name.model)).collect();
    concerned.sort_by_key(|modifier| (modifier.row.kind, modifier.row.valid_from));
    concerned
}

const fn variant_word(variant: Variant) -> &'static str {
    match variant {
        Variant::Standard => "Standard",
        Variant::Batch => "Batch",
        Variant::Flex => "Flex",
        Variant::Priority => "Priority",
        Variant::Fast => "Fast",
        Variant::Ultrafast => "Ultrafast",
        Variant::Balanced => "Balanced",
    }
}

/// Prices as CSV, in their order.
#[must_use]
pub fn prices_csv(prices: &[DatedPrice]) -> String {
    let mut table = csv::Table::new([
        "price_id",
        "provider",
        "model",
        "meter",
        "unit",
        "terms",
        "rate",
        "per",
        "currency",
        "valid_from",
        "valid_to",
        "own",
        "source",
        "source_version",
        "source_url",
        "recorded_at",
        "superseded_at",
    ]);
    let instant = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339()).unwrap_or_default();
    for price in prices {
        let row = &price.row;
        let cells = [
            row.price_id.to_string(),
            row.provider.clone(),
            row.model.clone(),
            row.meter.as_str().to_owned(),
            row.meter.unit().as_str().to_owned(),
            terms(row),
            row.rate.to_string(),
            row.per.to_string(),
            "USD".to_owned(),
            instant(row.valid_from),
            instant(row.valid_to),
            price.own.to_string(),
            row.source.clone(),
            row.source_version.clone(),
            row.source_url.clone().unwrap_or_default(),
            instant(Some(price.recorded_at)),
            instant(price.superseded_at),
        ];
        table.row(cells.iter().map(String::as_str));
    }
    table.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            rate: Decimal::TEN,
            per: 1_000_000,
            valid_from: None,
            valid_to: None,
            schedule: schedule.map(|text| text.parse().unwrap()),
            source: "set".to_owned(),
            source_version: "1".to_owned(),
            source_url: None,
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
        assert_eq!(search.words().collect::<Vec<_>>(), ["gpt", "4o"]);
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
