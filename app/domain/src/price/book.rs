//! The price book in memory: found by name, then by meter, variant, time and tier.

mod books;

pub use books::Books;

use super::{
    Attributes, BillingBasisRule, BookPrice, BookRows, Context, CostBasisRule, ModelLimit, Pattern, PriceModifier,
    Schedule, Unpriced, Variant,
};
use crate::ids::KeyId;
use crate::meter::Meter;
use crate::model::{canonical_provider, lower, other_spellings, without_mark};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Most names per provider that are remembered with the model they mean. Real traffic uses a handful; a flood of invented ones must not fill the memory.
const MAX_REMEMBERED: usize = 4_096;

/// The position of a model's own name where no rule names it: behind all rules.
const OWN_NAME: u32 = u32::MAX;

/// An immutable snapshot of prices and of the rules for names; swapped whole when prices change.
#[derive(Debug, Default)]
pub struct PriceBook {
    providers: HashMap<Box<str>, ProviderPrices>,
    models: Vec<ModelPrices>,
    /// Models by `provider/model`.
    labels: HashMap<Box<str>, usize>,
    rows: HashMap<u64, BookPrice>,
    /// In the order in which they stack.
    modifiers: Vec<Arc<PriceModifier>>,
    /// By provider and model.
    limits: HashMap<(String, String), Vec<ModelLimit>>,
    /// In the order in which they were chosen.
    bases: Vec<CostBasisRule>,
    /// By key.
    billing: HashMap<KeyId, Vec<BillingBasisRule>>,
    dearest: Dearest,
}

#[derive(Debug, Default)]
struct ProviderPrices {
    /// Rules for one name each, without dates: (position, model).
    exact: HashMap<Box<str>, (u32, usize)>,
    /// All other rules, by position.
    rules: Vec<Rule>,
    fallbacks: Vec<Box<str>>,
    /// The book's modifiers that can apply to a model as this provider sells it, its own or another's.
    modifiers: HashMap<usize, Box<[Arc<PriceModifier>]>>,
    dearest: Dearest,
    /// Names as they were sent, with the model they mean: rules are only walked for a name's first event.
    remembered: RwLock<HashMap<Box<str>, usize>>,
    /// Some name means different models at different times, so none may be remembered.
    is_dated: bool,
}

#[derive(Debug)]
struct Rule {
    position: u32,
    pattern: Pattern,
    model: usize,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

impl Rule {
    const fn has_dates(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    fn holds(&self, at: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

/// The highest price ever of one unit, per meter.
#[derive(Debug)]
struct Dearest([Option<Decimal>; Meter::COUNT]);

impl Default for Dearest {
    fn default() -> Self {
        Self([None; Meter::COUNT])
    }
}

impl Dearest {
    fn note(&mut self, row: &BookPrice) {
        let unit_rate = row.rate.checked_div(Decimal::from(row.per));
        let slot = &mut self.0[row.meter as usize];
        *slot = (*slot).max(unit_rate);
    }

    fn of(&self, meter: Meter) -> Option<Decimal> {
        std::iter::once(&meter).chain(meter.fallbacks()).find_map(|&meter| self.0[meter as usize])
    }
}

/// All prices of one model.
#[derive(Debug)]
pub(crate) struct ModelPrices {
    /// `provider/model`, as an event remembers it.
    label: Box<str>,
    /// Sorted by meter.
    rates: Vec<Rate>,
    /// Where the rates of each meter begin and end.
    index: [(u16, u16); Meter::COUNT],
}

/// A price row, cut down to what rating needs.
#[derive(Clone, Debug)]
pub(crate) struct Rate {
    pub(crate) price_id: u64,
    pub(crate) rate: Decimal,
    pub(crate) per: u64,
    meter: Meter,
    variant: Variant,
    /// Fewest input tokens with this price.
    floor: u64,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    /// What few prices have: kept apart, so that looking at many stays quick.
    rare: Option<Box<Rare>>,
}

#[derive(Clone, Debug)]
struct Rare {
    schedule: Option<Schedule>,
    attributes: Attributes,
    quantity_min: Option<Decimal>,
    quantity_max: Option<Decimal>,
    quantity_whole: bool,
}

impl Rare {
    fn new(row: &BookPrice) -> Option<Box<Self>> {
        let any = row.schedule.is_some()
            || !row.attributes.is_empty()
            || row.quantity_min.is_some()
            || row.quantity_max.is_some()
            || row.quantity_whole;
        any.then(|| {
            Box::new(Self {
                schedule: row.schedule,
                attributes: row.attributes.clone(),
                quantity_min: row.quantity_min,
                quantity_max: row.quantity_max,
                quantity_whole: row.quantity_whole,
            })
        })
    }
}

impl Rate {
    fn new(row: &BookPrice) -> Self {
        Self {
            price_id: row.price_id,
            rate: row.rate,
            per: row.per,
            meter: row.meter,
            variant: row.variant,
            floor: if row.tier_inclusive || row.tier_from == 0 {
                row.tier_from
            } else {
                row.tier_from.saturating_add(1)
            },
            from: row.valid_from.unwrap_or(DateTime::<Utc>::MIN_UTC),
            to: row.valid_to.unwrap_or(DateTime::<Utc>::MAX_UTC),
            rare: Rare::new(row),
        }
    }

    fn holds(&self, variant: Variant, call: &Call<'_>, measure: u64) -> bool {
        self.variant == variant
            && self.floor <= measure
            && self.from <= call.at
            && call.at < self.to
            && self.rare.as_ref().is_none_or(|rare| {
                rare.attributes.hold(&call.context) && rare.schedule.is_none_or(|schedule| schedule.contains(call.at))
            })
    }

    /// Which of two prices that hold goes first: the one that asks for more, then the one with hours, then the higher tier.
    fn rank(&self) -> (usize, bool, u64) {
        let (asked, hours) =
            self.rare.as_ref().map_or((0, false), |rare| (rare.attributes.len(), rare.schedule.is_some()));
        (asked, hours, self.floor)
    }

    /// What is charged of a quantity: whole units where begun ones count, at least the least and at most the greatest of one event.
    ///
    /// Whole units are the maker's way to charge: a reseller at the maker's price may count otherwise.
    /// The least and greatest are those of one request: of a sum of several, what is charged at most counts for each.
    pub(crate) fn charged(&self, quantity: Decimal, sum_of: Option<u64>, is_resold: bool) -> Decimal {
        let Some(rare) = &self.rare else { return quantity };
        let quantity = if rare.quantity_whole && !is_resold { quantity.ceil() } else { quantity };
        let raised = rare.quantity_min.map_or(quantity, |least| quantity.max(least));
        let requests = Decimal::from(sum_of.unwrap_or(1));
        rare.quantity_max.map_or(raised, |most| raised.min(most.saturating_mul(requests)))
    }
}

/// What a price is looked up for, beside the meter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) at: DateTime<Utc>,
    pub(crate) context: Context<'a>,
    /// Of the whole request, cached and written ones too.
    pub(crate) input_tokens: u64,
}

impl ModelPrices {
    fn new(label: Box<str>) -> Self {
        Self { label, rates: Vec::new(), index: [(0, 0); Meter::COUNT] }
    }

    fn seal(&mut self) {
        self.rates.sort_by_key(|rate| (rate.meter, rate.variant, rate.floor, rate.from));
        for meter in Meter::ALL {
            let begin = self.rates.partition_point(|rate| rate.meter < *meter);
            let end = self.rates.partition_point(|rate| rate.meter <= *meter);
            let bound = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
            self.index[*meter as usize] = (bound(begin), bound(end));
        }
    }

    /// The price of exactly this meter: the variant's whole tier table if it has one, else the standard one.
    fn own(&self, meter: Meter, call: &Call<'_>) -> Option<&Rate> {
        let (begin, end) = self.index[meter as usize];
        let rates = self.rates.get(usize::from(begin)..usize::from(end))?;
        let measure = if meter.is_tiered_by_results() { call.context.results } else { call.input_tokens };
        let best = |variant| {
            let holding = rates.iter().filter(|rate| rate.holds(variant, call, measure));
            holding.max_by_key(|rate| rate.rank())
        };
        let variant = call.context.variant;
        best(variant).or_else(|| (variant != Variant::Standard).then(|| best(Variant::Standard)).flatten())
    }

    /// The price that a meter is charged: its own, else that of the nearest meter that stands in for it.
    pub(crate) fn rate(&self, meter: Meter, call: &Call<'_>) -> Option<&Rate> {
        self.own(meter, call).or_else(|| meter.fallbacks().iter().find_map(|&meter| self.own(meter, call)))
    }

    /// The highest price of one unit of a meter ever, or of one that stands in for it.
    fn dearest(&self, meter: Meter) -> Option<Decimal> {
        std::iter::once(&meter).chain(meter.fallbacks()).find_map(|&meter| {
            let of_meter = self.rates.iter().filter(|rate| rate.meter == meter);
            of_meter.filter_map(|rate| rate.rate.checked_div(Decimal::from(rate.per))).max()
        })
    }

    fn is_sold_as(&self, variant: Variant, at: DateTime<Utc>) -> bool {
        self.rates.iter().any(|rate| rate.variant == variant && rate.from <= at && at < rate.to)
    }
}

/// A price that was found, in which book.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) rate: &'a Rate,
    pub(crate) is_own: bool,
}

/// A model that was found in the book, as one provider sells it.
#[derive(Clone, Copy, Debug)]
pub struct Resolved<'a> {
    prices: &'a ModelPrices,
    /// Who sells the call; it may be another's model.
    seller: &'a str,
    /// The book's modifiers that can apply, in the order in which they stack.
    modifiers: &'a [Arc<PriceModifier>],
    /// The organization's own prices of it, if it has any.
    own_prices: Option<&'a ModelPrices>,
    /// The organization's own modifiers of every model; none where the book has no organization.
    own: &'a [Arc<PriceModifier>],
}

impl<'a> Resolved<'a> {
    /// The model in the book, as `provider/model`.
    #[must_use]
    pub fn label(self) -> &'a str {
        &self.prices.label
    }

    /// Whether it has any price of this tier at a time.
    pub(crate) fn is_sold_as(self, variant: Variant, at: DateTime<Utc>) -> bool {
        self.prices.is_sold_as(variant, at)
    }

    /// Whether somebody else's model is sold.
    pub(crate) fn is_resold(self) -> bool {
        self.label().split_once('/').is_some_and(|(maker, _)| maker != self.seller)
    }

    /// The model's name in the book, without its provider.
    fn model(self) -> &'a str {
        self.label().split_once('/').map_or("", |(_, model)| model)
    }

    /// The price that a meter is charged: the organization's own, else the common one.
    ///
    /// Own prices are one card: an own price that stands in for the meter goes before a list price of exactly this meter,
    /// so that a cached rate that was not negotiated is the negotiated input rate.
    pub(crate) fn rate(self, meter: Meter, call: &Call<'_>) -> Option<Found<'a>> {
        let own = self.own_prices.and_then(|own| own.rate(meter, call));
        let own = own.map(|rate| Found { rate, is_own: true });
        own.or_else(|| self.prices.rate(meter, call).map(|rate| Found { rate, is_own: false }))
    }

    /// The id of the price row that [`crate::rating`] would charge for a meter.
    #[must_use]
    pub fn price_id(self, meter: Meter, at: DateTime<Utc>, context: Context<'_>, input_tokens: u64) -> Option<u64> {
        self.rate(meter, &Call { at, context, input_tokens }).map(|found| found.rate.price_id)
    }

    /// The factors on a meter's price, in the order in which they stack.
    ///
    /// A provider's uplift is on its list price: what the organization negotiated is what it pays in that region too.
    pub(crate) fn modifiers(
        self,
        meter: Meter,
        call: Call<'a>,
        is_own: bool,
    ) -> impl Iterator<Item = &'a PriceModifier> + use<'a> {
        let own = self.own.iter().filter(move |row| row.concerns(self.seller, self.model()));
        // The providers' factors stack before an organization's: kinds of both books do not mix.
        let common = if is_own { &[] } else { self.modifiers };
        let all = common.iter().chain(own);
        all.map(AsRef::as_ref).filter(move |row: &&PriceModifier| row.holds(meter, &call.context, call.at))
    }

    /// Whether any factor can apply: most models have none, and their meters need not be asked.
    pub(crate) const fn has_modifiers(self) -> bool {
        !self.modifiers.is_empty() || !self.own.is_empty()
    }
}

impl PriceBook {
    /// Builds the snapshot. Rows of a model that no rule leads to are reachable by the model's own name.
    #[must_use]
    pub fn new(rows: BookRows) -> Self {
        let mut book = Self::default();
        let mut ids: HashMap<(String, String), usize> = HashMap::new();
        for row in &rows.prices {
            let model = book.model(&mut ids, &row.provider, &row.model);
            book.models[model].rates.push(Rate::new(row));
            book.dearest.note(row);
            book.provider(&row.provider).dearest.note(row);
        }
        for provider in &rows.providers {
            book.provider(&provider.provider).fallbacks =
                provider.fallbacks.iter().map(|name| name.as_str().into()).collect();
        }
        for alias in rows.aliases {
            let model = book.model(&mut ids, &alias.to_provider, &alias.to_model);
            let provider = book.provider(&alias.provider);
            match alias.pattern.exact().filter(|_| alias.valid_from.is_none() && alias.valid_to.is_none()) {
                Some(name) => {
                    let slot = provider.exact.entry(name.into()).or_insert((alias.position, model));
                    *slot = (*slot).min((alias.position, model));
                }
                None => provider.rules.push(Rule {
                    position: alias.position,
                    pattern: alias.pattern,
                    model,
                    from: alias.valid_from,
                    to: alias.valid_to,
                }),
            }
        }
        for ((provider, name), &model) in &ids {
            book.provider(provider).exact.entry(lower(name).into()).or_insert((OWN_NAME, model));
        }
        let dated: Vec<Box<str>> =
            book.providers.iter().filter(|(_, prices)| prices.has_dates()).map(|(name, _)| name.clone()).collect();
        for (name, provider) in &mut book.providers {
            provider.rules.sort_by_key(|rule| rule.position);
            provider.is_dated = dated.contains(name) || provider.fallbacks.iter().any(|other| dated.contains(other));
        }
        book.models.iter_mut().for_each(ModelPrices::seal);
        book.labels = book.models.iter().enumerate().map(|(at, model)| (model.label.clone(), at)).collect();
        book.modify(rows.modifiers);
        for row in rows.limits {
            book.limits.entry((row.provider.clone(), row.model.clone())).or_default().push(row);
        }
        book.bases = rows.bases;
        for row in rows.billing {
            book.billing.entry(row.key_id).or_default().push(row);
        }
        book.rows = rows.prices.into_iter().map(|row| (row.price_id, row)).collect();
        book
    }

    fn modify(&mut self, mut rows: Vec<PriceModifier>) {
        rows.sort_by_key(|row| row.kind);
        self.modifiers = rows.into_iter().map(Arc::new).collect();
        if self.modifiers.is_empty() {
            return;
        }
        let labels: Vec<(&str, &str)> =
            self.models.iter().map(|model| model.label.split_once('/').unwrap_or_default()).collect();
        for (seller, provider) in &mut self.providers {
            let of_seller: Vec<_> =
                self.modifiers.iter().filter(|row| row.provider.as_deref().is_none_or(|of| of == &**seller)).collect();
            if of_seller.is_empty() {
                continue;
            }
            let sells = |maker: &str| maker == &**seller || provider.fallbacks.iter().any(|other| **other == *maker);
            for (index, (maker, model)) in labels.iter().enumerate().filter(|(_, (maker, _))| sells(maker)) {
                debug_assert!(!maker.is_empty(), "labels have a provider");
                let concerned: Box<[_]> =
                    of_seller.iter().filter(|row| row.concerns(seller, model)).map(|row| Arc::clone(row)).collect();
                if !concerned.is_empty() {
                    provider.modifiers.insert(index, concerned);
                }
            }
        }
    }

    fn provider(&mut self, name: &str) -> &mut ProviderPrices {
        self.providers.entry(name.into()).or_default()
    }

    fn model(&mut self, ids: &mut HashMap<(String, String), usize>, provider: &str, model: &str) -> usize {
        *ids.entry((provider.to_owned(), model.to_owned())).or_insert_with(|| {
            self.models.push(ModelPrices::new(format!("{provider}/{model}").into()));
            self.models.len() - 1
        })
    }

    /// How many price rows the book holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the book holds no price.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A modifier, for "since when, from where".
    #[must_use]
    pub fn modifier(&self, modifier_id: u64) -> Option<&PriceModifier> {
        self.modifiers.iter().find(|row| row.modifier_id == modifier_id).map(AsRef::as_ref)
    }

    /// All modifiers, in the order in which they stack.
    pub fn modifiers(&self) -> impl Iterator<Item = &PriceModifier> {
        self.modifiers.iter().map(AsRef::as_ref)
    }

    /// What the provider lets one account use of a model of the book, by their names there.
    #[must_use]
    pub fn limits(&self, provider: &str, model: &str) -> &[ModelLimit] {
        self.limits.get(&(provider.to_owned(), model.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// A price row, for "since when, from where".
    #[must_use]
    pub fn row(&self, price_id: u64) -> Option<&BookPrice> {
        self.rows.get(&price_id)
    }

    /// Finds the model that a sent name meant at a time.
    ///
    /// The name as it is goes first, then other spellings of it; with each, the provider's own models go before those it resells.
    /// A client's mark behind it ([`without_mark`]) is left out before rules for beginnings of names are asked, unless a model has it in its very name.
    ///
    /// # Errors
    /// [`Unpriced::UnknownProvider`] or [`Unpriced::UnknownModel`].
    pub fn resolve(&self, provider: &str, model: &str, at: DateTime<Utc>) -> Result<Resolved<'_>, Unpriced> {
        let found = self.providers.get_key_value(provider);
        let Some((canonical, prices)) = found.or_else(|| self.providers.get_key_value(&*canonical_provider(provider)))
        else {
            return Err(Unpriced::UnknownProvider { provider: provider.to_owned() });
        };
        if let Some(model) = prices.recall(model) {
            return Ok(self.sold_by(canonical, prices, model));
        }
        let name = lower(model.trim());
        let spelled = |name: &str| {
            let others = || other_spellings(canonical, name).into_iter().find_map(|name| self.find(prices, &name, at));
            self.find(prices, name, at).or_else(others)
        };
        let found = match without_mark(&name).filter(|_| !prices.exact.contains_key(&*name)) {
            Some((bare, _)) => spelled(bare).or_else(|| spelled(&name)),
            None => spelled(&name),
        };
        let found =
            found.ok_or_else(|| Unpriced::UnknownModel { provider: provider.to_owned(), model: model.to_owned() })?;
        prices.remember(model, found);
        Ok(self.sold_by(canonical, prices, found))
    }

    fn sold_by<'a>(&'a self, seller: &'a str, provider: &'a ProviderPrices, model: usize) -> Resolved<'a> {
        let modifiers = match provider.modifiers.is_empty() {
            true => &[],
            false => provider.modifiers.get(&model).map_or(&[][..], |modifiers| modifiers),
        };
        Resolved { prices: &self.models[model], seller, modifiers, own_prices: None, own: &[] }
    }

    fn find(&self, provider: &ProviderPrices, name: &str, at: DateTime<Utc>) -> Option<usize> {
        let resold = || provider.fallbacks.iter().find_map(|other| self.providers.get(other)?.find(name, at));
        provider.find(name, at).or_else(resold)
    }

    /// The prices of the model with this label.
    fn labelled(&self, label: &str) -> Option<&ModelPrices> {
        self.labels.get(label).map(|&model| &self.models[model])
    }

    fn seller(&self, provider: &str) -> Option<&ProviderPrices> {
        self.providers.get(canonical_provider(provider).as_ref())
    }

    /// The highest price of one unit of a meter ever of a model by its very name, whoever sells it.
    fn dearest_of_name(&self, model: &str, meter: Meter) -> Option<Decimal> {
        let name = lower(model.trim());
        let named = self.providers.values().filter_map(|provider| provider.exact.get(&*name));
        named.filter_map(|&(_, model)| self.models[model].dearest(meter)).max()
    }
}

impl ProviderPrices {
    fn has_dates(&self) -> bool {
        self.rules.iter().any(Rule::has_dates)
    }

    fn recall(&self, name: &str) -> Option<usize> {
        self.remembered.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    fn remember(&self, name: &str, model: usize) {
        if !self.is_dated {
            let mut remembered = self.remembered.write().unwrap_or_else(PoisonError::into_inner);
            if remembered.len() < MAX_REMEMBERED {
                remembered.insert(name.into(), model);
            }
        }
    }

    /// A model's own name means that model, whatever patterns would catch it too, but for rules with dates: a name can move.
    fn find(&self, name: &str, at: DateTime<Utc>) -> Option<usize> {
        let exact = self.exact.get(name).copied();
        let before = exact.map_or(OWN_NAME, |(position, _)| position);
        let is_own_name = exact.is_some() && before == OWN_NAME;
        let by_rule = self
            .rules
            .iter()
            .take_while(|rule| rule.position < before)
            .find(|rule| (!is_own_name || rule.has_dates()) && rule.holds(at) && rule.pattern.matches(name));
        by_rule.map(|rule| rule.model).or(exact.map(|(_, model)| model))
    }
}
