//! Receipts as charges: what each price charged for, and what else moved.

use crate::allocation::apportion;
use crate::meter::{Meter, Meters};
use crate::money::{PLACES, round_line};
use crate::price::ModifierKind;
use crate::rating::{LineSource, Rate, ReceiptLine};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Places of a unit price whose number of units is no power of ten: an hour's price by the second.
const PRICE_PLACES: u32 = 18;

/// What a row charges for, beside its meter, where and when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Charge {
    /// Usage at a price.
    Priced(UnitPrices),
    /// Usage at a price that a plan includes: its list and contracted cost stand beside nothing billed.
    Included(UnitPrices),
    /// Usage of which only an amount is known: the provider's own figure, or a sum whose events are no longer kept.
    Amount,
    /// What the provider's own figure adds to the computed cost or takes from it.
    ReportedOver,
    /// What a term of the contract took off or added.
    Term(u64),
    /// What else moved since it was booked.
    Adjusted,
}

impl Charge {
    /// Whether it is usage, which has quantities and unit prices; everything else moves what usage cost.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Priced(_) | Self::Included(_) | Self::Amount)
    }
}

/// A price of so many units, before and after what was negotiated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitPrices {
    /// The price row that was charged.
    pub price_id: u64,
    /// US dollars of `per` units by the price list, with the provider's own uplifts.
    pub list: Decimal,
    /// US dollars of `per` units as charged.
    pub contracted: Decimal,
    /// Units, a power of ten.
    pub per: u64,
}

impl UnitPrices {
    fn new(price_id: u64, list: Rate, contracted: Rate) -> Self {
        let per = if is_power_of_ten(contracted.per) { contracted.per } else { 1 };
        let of = |rate: Rate| price_of(rate, per);
        Self { price_id, list: of(list), contracted: of(contracted), per }
    }
}

/// What `per` units cost at a rate of any number of units.
fn price_of(rate: Rate, per: u64) -> Decimal {
    if rate.per == per {
        return rate.usd.normalize();
    }
    let price = rate.usd.checked_mul(Decimal::from(per)).and_then(|usd| usd.checked_div(Decimal::from(rate.per)));
    price.unwrap_or(rate.usd).round_dp(PRICE_PLACES).normalize()
}

fn is_power_of_ten(number: u64) -> bool {
    std::iter::successors(Some(number), |left| (left % 10 == 0 && *left > 0).then_some(left / 10)).any(|left| left == 1)
}

/// One charge of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charged {
    /// Of what.
    pub meter: Meter,
    /// At which price, or why.
    pub charge: Charge,
    /// How much.
    pub amounts: Amounts,
}

/// What charges add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// What was charged, US dollars.
    pub billed: Decimal,
    /// How much was used, in the meter's unit.
    pub consumed: Decimal,
    /// How much of it was charged for, in the meter's unit.
    pub charged: Decimal,
}

impl Amounts {
    /// Its parts in proportion to weights, dollars in units of the 12th place and quantities in those of their last: they add up to it exactly.
    #[must_use]
    pub fn split(&self, weights: &[i128]) -> Vec<Self> {
        let cut = |whole: Decimal| {
            let parts = apportion(whole.mantissa(), weights);
            parts.into_iter().map(move |part| Decimal::from_i128_with_scale(part, whole.scale()).normalize())
        };
        let mut billed = self.billed;
        billed.rescale(PLACES);
        let quantities = cut(self.consumed.normalize()).zip(cut(self.charged.normalize()));
        let parts = cut(billed).zip(quantities);
        parts.map(|(billed, (consumed, charged))| Self { billed, consumed, charged }).collect()
    }
}

impl std::ops::AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        self.billed += other.billed;
        self.consumed += other.consumed;
        self.charged += other.charged;
    }
}

/// What is known of the rows that a receipt names.
pub trait Sources {
    /// Why a modifier multiplies; none where nobody knows any more.
    fn modifier(&self, modifier_id: u64) -> Option<ModifierKind>;
    /// The list price beside an organization's own, with the provider's uplifts; none where the price is the list's, or the list has none.
    fn list_price(&self, price_id: u64, meter: Meter) -> Option<Rate>;
}

/// What a receipt charges, price by price. `requests` is what the event stands for.
///
/// The amounts are those of the lines: their sum is the receipt's. What a plan includes keeps its quantities and unit prices, and nothing of it is billed.
#[must_use]
pub fn charges(lines: &[ReceiptLine], used: &Meters, requests: u64, sources: &impl Sources) -> Vec<Charged> {
    let has_prices = lines.iter().any(|line| line.source.rate().is_some());
    let mut modifiers: Vec<ReceiptLine> = lines.iter().filter(|line| line.source.is_modifier()).cloned().collect();
    let mut charges: Vec<Charged> = Vec::new();
    for line in lines {
        let (charge, consumed, charged) = match line.source {
            LineSource::Price { price_id, rate } => {
                let (prices, added) = modified((price_id, rate), line, &mut modifiers, sources);
                let one_price = lines.iter().filter(|other| is_price(other, line.meter)).count() == 1;
                let used = used.get(line.meter);
                let consumed = if one_price && !used.is_zero() { used } else { line.quantity };
                let amounts = Amounts { billed: line.amount + added, consumed, charged: line.quantity };
                charges.push(Charged { meter: line.meter, charge: Charge::Priced(prices), amounts });
                continue;
            }
            LineSource::Modifier { .. } => continue,
            LineSource::Term { term_id } => (Charge::Term(term_id), Decimal::ZERO, Decimal::ZERO),
            LineSource::Reported if has_prices => (Charge::ReportedOver, Decimal::ZERO, Decimal::ZERO),
            LineSource::Reported => (Charge::Amount, Decimal::from(requests), line.amount),
            LineSource::Included => continue,
        };
        let amounts = Amounts { billed: line.amount, consumed, charged };
        charges.push(Charged { meter: line.meter, charge, amounts });
    }
    // Lines of modifiers are shared by parts of one price: what their rounding left belongs to the first.
    for left in modifiers.iter().filter(|left| !left.amount.is_zero()) {
        let of_meter = |charged: &&mut Charged| charged.meter == left.meter && charged.charge.is_usage();
        match charges.iter_mut().find(of_meter) {
            Some(first) => first.amounts.billed += left.amount,
            None => charges.push(Charged {
                meter: left.meter,
                charge: Charge::Adjusted,
                amounts: Amounts { billed: left.amount, ..Amounts::default() },
            }),
        }
    }
    if lines.iter().any(|line| line.source == LineSource::Included) {
        charges.iter_mut().for_each(include);
    }
    charges
}

fn include(charged: &mut Charged) {
    charged.amounts.billed = Decimal::ZERO;
    if let Charge::Priced(prices) = &charged.charge {
        charged.charge = Charge::Included(prices.clone());
    }
}

fn is_price(line: &ReceiptLine, meter: Meter) -> bool {
    line.meter == meter && matches!(line.source, LineSource::Price { .. })
}

/// The unit prices of a line with the modifiers that stack on it, and what these add to its amount, which is taken from their lines.
fn modified(
    (price_id, rate): (u64, Rate),
    line: &ReceiptLine,
    modifiers: &mut [ReceiptLine],
    sources: &impl Sources,
) -> (UnitPrices, Decimal) {
    let list_price = sources.list_price(price_id, line.meter);
    let (mut listed, mut contracted, mut added) = (rate, rate, Decimal::ZERO);
    for modifier in modifiers.iter_mut().filter(|modifier| modifier.meter == line.meter) {
        let LineSource::Modifier { modifier_id, factor, rate: adds } = modifier.source else { continue };
        let stacked = contracted.usd.checked_mul(factor - Decimal::ONE);
        if adds.per != contracted.per || stacked != Some(adds.usd) {
            continue;
        }
        contracted.usd += adds.usd;
        if sources.modifier(modifier_id) == Some(ModifierKind::Region) {
            listed.usd = listed.usd.checked_mul(factor).unwrap_or(listed.usd);
        }
        let share = if modifier.quantity == line.quantity {
            modifier.amount
        } else {
            adds.times(line.quantity).map_or(modifier.amount, round_line)
        };
        modifier.amount -= share;
        added += share;
    }
    (UnitPrices::new(price_id, list_price.unwrap_or(listed), contracted), added)
}

/// What moved between two receipts of an event, by meter: terms of the contract each for itself, everything else together. Their sum is the difference of the costs.
#[must_use]
pub fn movements(before: &[ReceiptLine], after: &[ReceiptLine]) -> Vec<Charged> {
    let mut moved: BTreeMap<(Meter, Charge), Decimal> = BTreeMap::new();
    let signed = before.iter().map(|line| (line, -line.amount)).chain(after.iter().map(|line| (line, line.amount)));
    for (line, amount) in signed {
        let charge = match line.source {
            LineSource::Term { term_id } => Charge::Term(term_id),
            LineSource::Price { .. } | LineSource::Modifier { .. } | LineSource::Reported | LineSource::Included => {
                Charge::Adjusted
            }
        };
        *moved.entry((line.meter, charge)).or_default() += amount;
    }
    let charged =
        |((meter, charge), billed)| Charged { meter, charge, amounts: Amounts { billed, ..Amounts::default() } };
    moved.into_iter().filter(|(_, billed)| !billed.is_zero()).map(charged).collect()
}
