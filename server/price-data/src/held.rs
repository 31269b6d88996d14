//! Prices of tiers from before the days on which genai-prices began to list them.
//!
//! It dates nearly all batch, flex and priority prices by the days on which somebody first looked at them ([`LISTED`]), and says so; they held before.
//! A tier's price begins with its standard price where LiteLLM lists the same prices without a date.
//! With a provider that charges a fixed part of the standard price ([`SHARES`]) it follows the standard price back to its beginning, change by change.
//! What neither tells stays dated: the standard price holds before.

use super::facts::{For, Price};
use super::litellm::{self, Known};
use super::{Failure, Seed};
use chrono::{DateTime, NaiveDate, Utc};
use domain::meter::Meter;
use domain::price::{BookPrice, Derivation, Variant, seed};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// First and last day on which genai-prices began to list tiers: a later date is a change.
const LISTED: (&str, &str) = ("2026-10-12", "2026-10-15");

/// What a provider charges for a tier as a part of the standard price, in tenths.
///
/// * OpenAI: <https://developers.openai.com/api/docs/guides/batch>, and flexible processing at the prices of batches: <https://developers.openai.com/api/docs/guides/flex-processing>.
/// * Anthropic: <https://platform.claude.com/docs/en/build-with-claude/batch-processing#pricing>.
/// * Google: <https://ai.google.dev/gemini-api/docs/pricing>.
/// * Mistral: <https://docs.mistral.ai/capabilities/batch>. Groq: <https://console.groq.com/docs/batch>.
const SHARES: [(&str, Variant, i64); 8] = [
    ("openai", Variant::Batch, 5),
    ("openai", Variant::Flex, 5),
    ("anthropic", Variant::Batch, 5),
    ("google", Variant::Batch, 5),
    ("google", Variant::Flex, 5),
    ("google", Variant::Priority, 18),
    ("mistral", Variant::Batch, 5),
    ("groq", Variant::Batch, 5),
];

type Instant = Option<DateTime<Utc>>;

/// What a rate is for, within a model and tier of service: meter, tokens from which it holds, and whether they are included.
type Slot = (Meter, u64, bool);

/// A price that is derived: its slot, its rate, the units that this is for, when it held, and why it is held to be true.
struct Held {
    slot: Slot,
    rate: Decimal,
    per: u64,
    from: Instant,
    to: Instant,
    why: Derivation,
}

/// Writes what held before it was listed behind what the seed has of genai-prices, beside LiteLLM's `models`.
pub(super) fn write(seed: &mut Seed, models: &Map<String, Value>) -> Result<(), Failure> {
    let rows = seed::parse(&seed.text).map_err(|error| error.to_string())?;
    let known = Known::of_seed(&seed.text)?;
    let (undated, nothing) = (litellm::listed(models, &known), Undated::new());
    let mut of_model: BTreeMap<(&str, &str), Vec<&BookPrice>> = BTreeMap::new();
    let plain = |row: &&BookPrice| row.attributes.is_empty() && row.schedule.is_none();
    for row in rows.prices.iter().filter(plain) {
        of_model.entry((&row.provider, &row.model)).or_default().push(row);
    }
    let mut provider = "";
    for (place, rows) in of_model {
        let undated = undated.get(&(place.0.to_owned(), place.1.to_owned())).unwrap_or(&nothing);
        let held: Vec<(Variant, Held)> = Variant::ALL
            .into_iter()
            .flat_map(|variant| before(&rows, variant, undated).into_iter().map(move |held| (variant, held)))
            .collect();
        if held.is_empty() {
            continue;
        }
        if provider != place.0 {
            provider = place.0;
            seed.line(&["p", provider]);
        }
        let url = rows.iter().find_map(|row| row.source_url.as_deref()).unwrap_or_default();
        seed.line(&["m", place.1, "", url]);
        for (variant, price) in held {
            seed.prices += 1;
            price.write(seed, variant);
        }
    }
    Ok(())
}

impl Held {
    fn write(&self, seed: &mut Seed, variant: Variant) {
        let (meter, above, inclusive) = self.slot;
        let tier = match (above, inclusive) {
            (0, _) => String::new(),
            (above, true) => format!(">={above}"),
            (above, false) => format!(">{above}"),
        };
        let date = |at: Instant| at.map(|at| at.date_naive().to_string()).unwrap_or_default();
        seed.line(&[
            "r",
            meter.as_str(),
            variant.as_str(),
            &tier,
            &self.rate.to_string(),
            &self.per.to_string(),
            &date(self.from),
            &date(self.to),
            "",
            "",
            "",
            "",
            self.why.as_str(),
        ]);
    }
}

/// What a tier of a model cost before its first price was listed, latest stretch of time first.
fn before(rows: &[&BookPrice], variant: Variant, undated: &Undated) -> Vec<Held> {
    let of = |variant: Variant| rows.iter().copied().filter(move |row| row.variant == variant);
    // One without a date held for ever.
    let first = of(variant).map(|row| row.valid_from).min().flatten();
    let Some(begin) = first.filter(|first| variant != Variant::Standard && is_listing(*first)) else {
        return Vec::new();
    };
    let listed = table(of(variant), begin);
    let sold = |row: &&BookPrice| listed.keys().any(|(meter, ..)| *meter == row.meter);
    let standard: Vec<&BookPrice> = of(Variant::Standard).filter(sold).collect();
    let now = table(standard.iter().copied(), begin);
    let share = share_of(rows, variant).filter(|share| is_share(&listed, &now, *share));
    let is_undated = lists(undated, variant, &listed) && lists(undated, Variant::Standard, &now);

    let mut cuts: Vec<DateTime<Utc>> =
        standard.iter().flat_map(|row| [row.valid_from, row.valid_to]).flatten().filter(|at| *at < begin).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut held: Vec<Held> = Vec::new();
    let mut to = begin;
    loop {
        let from = cuts.pop();
        let then = table(standard.iter().copied(), from.unwrap_or(DateTime::<Utc>::MIN_UTC));
        let (rates, why) = match share {
            _ if then.is_empty() => break,
            _ if then == now && is_undated => (listed.clone(), Derivation::ListedUndated),
            Some(_) if then == now => (listed.clone(), Derivation::ShareOfStandard),
            Some(share)
                if listed.iter().all(|(slot, rate)| now.get(slot).is_none_or(|of| *rate == times(*of, share))) =>
            {
                (then.into_iter().map(|(slot, of)| (slot, times(of, share))).collect(), Derivation::ShareOfStandard)
            }
            _ => break,
        };
        for (slot, (rate, per)) in rates {
            match held
                .iter_mut()
                .find(|later| (later.slot, later.rate, later.why, later.from) == (slot, rate, why, Some(to)))
            {
                Some(later) => later.from = from,
                None => held.push(Held { slot, rate, per, from, to: Some(to), why }),
            }
        }
        match from {
            Some(from) => to = from,
            None => break,
        }
    }
    held
}

/// What LiteLLM lists of a model.
type Undated = BTreeMap<For, Price>;

/// Rates with the units that they are for.
type Table = BTreeMap<Slot, (Decimal, u64)>;

/// What holds at an instant.
fn table<'a>(rows: impl Iterator<Item = &'a BookPrice>, at: DateTime<Utc>) -> Table {
    let holds =
        |row: &&BookPrice| row.valid_from.is_none_or(|from| from <= at) && row.valid_to.is_none_or(|to| at < to);
    rows.filter(holds).map(|row| ((row.meter, row.tier_from, row.tier_inclusive), (row.rate, row.per))).collect()
}

fn is_listing(at: DateTime<Utc>) -> bool {
    let day = |text: &str| text.parse::<NaiveDate>().ok();
    let at = Some(at.date_naive());
    day(LISTED.0) <= at && at <= day(LISTED.1)
}

/// The part of the standard price that the provider charges for a tier.
fn share_of(rows: &[&BookPrice], variant: Variant) -> Option<Decimal> {
    let provider = &rows.first()?.provider;
    let share = SHARES.iter().find(|(of, tier, _)| of == provider && *tier == variant);
    share.map(|(.., tenths)| Decimal::new(*tenths, 1))
}

fn times((rate, per): (Decimal, u64), share: Decimal) -> (Decimal, u64) {
    ((rate * share).normalize(), per)
}

/// Whether it is the part that every listed price is of its standard price. What a cache is charged differs, and is listed rounded.
fn is_share(listed: &Table, standard: &Table, share: Decimal) -> bool {
    let mut compared = listed
        .iter()
        .filter(|((meter, ..), _)| meter.uncached() == *meter)
        .filter_map(|(slot, rate)| Some((*rate, times(*standard.get(slot)?, share))))
        .peekable();
    compared.peek().is_some() && compared.all(|((rate, per), (of, of_per))| (rate.normalize(), per) == (of, of_per))
}

/// Whether LiteLLM lists these prices, as far as it lists their meters at all. Caches are left out of it: it derives some of their prices.
fn lists(undated: &Undated, variant: Variant, prices: &Table) -> bool {
    let mut compared = undated
        .iter()
        .filter(|(what, _)| **what == For { variant, ..For::meter(what.meter) } && what.meter.uncached() == what.meter)
        .filter_map(|(what, price)| Some((price, prices.get(&(what.meter, 0, true))?)))
        .peekable();
    let same = |(price, (rate, per)): (&Price, &(Decimal, u64))| {
        price.rate * Decimal::from(*per) == *rate * Decimal::from(price.per)
    };
    compared.peek().is_some() && compared.all(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What is derived for a model with these rows, beside LiteLLM's entry of it.
    fn derived(provider: &str, rows: &[&str], entry: Value) -> Vec<String> {
        let rows: Vec<String> = rows.iter().map(|row| format!("r\t{row}\n")).collect();
        let text = format!("s\tgenai-prices\t1\np\t{provider}\nm\tx\n{}", rows.concat());
        let mut seed = Seed { text: text.clone(), ..Seed::default() };
        let mut models = Map::new();
        models.insert(format!("{provider}/x"), entry);
        write(&mut seed, &models).unwrap();
        let prices = seed.text[text.len()..].lines().filter(|line| line.starts_with('r'));
        prices
            .map(|line| line.split('\t').skip(1).filter(|field| !field.is_empty()).collect::<Vec<_>>().join(" "))
            .collect()
    }

    const STANDARD: &str = "output\t\t\t10\t1000000";
    const PRIORITY: &str = "output\tpriority\t\t17\t1000000\t2026-10-12";

    fn entry(standard: f64, priority: f64) -> Value {
        json!({"litellm_provider": "acme", "mode": "chat", "output_cost_per_token": standard,
            "output_cost_per_token_priority": priority})
    }

    #[test]
    fn a_tier_that_another_set_lists_undated_begins_with_its_standard_price() {
        let held = "output priority 17 1000000 2026-10-12 listed_undated";
        assert_eq!(derived("acme", &[STANDARD, PRIORITY], entry(1e-5, 1.7e-5)), [held]);
        let changed = ["output\t\t\t12\t1000000\t\t2026-05-01", "output\t\t\t10\t1000000\t2026-05-01", PRIORITY];
        let since = "output priority 17 1000000 2026-05-01 2026-10-12 listed_undated";
        assert_eq!(derived("acme", &changed, entry(1e-5, 1.7e-5)), [since]);
    }

    #[test]
    fn what_nobody_lists_so_stays_dated() {
        let none: [&str; 0] = [];
        assert_eq!(derived("acme", &[STANDARD, PRIORITY], entry(1e-5, 2e-5)), none, "another price");
        assert_eq!(derived("acme", &[STANDARD, PRIORITY], entry(2e-5, 1.7e-5)), none, "beside another standard price");
        assert_eq!(derived("acme", &[STANDARD, PRIORITY], json!({})), none);
        let later = PRIORITY.replace("10-12", "11-12");
        assert_eq!(derived("acme", &[STANDARD, &later], entry(1e-5, 1.7e-5)), none, "a change, and no listing");
        let began = STANDARD.to_owned() + "\t2026-10-12";
        assert_eq!(derived("acme", &[&began, PRIORITY], entry(1e-5, 1.7e-5)), none, "it began with its model");
    }

    #[test]
    fn a_fixed_part_follows_the_standard_price_with_its_tiers() {
        let rows = [
            "output\t\t\t12\t1000000\t\t2026-05-01",
            "output\t\t>200000\t24\t1000000\t\t2026-05-01",
            "output\t\t\t10\t1000000\t2026-05-01",
            "output\tbatch\t\t5\t1000000\t2026-10-14",
        ];
        assert_eq!(
            derived("openai", &rows, json!({})),
            [
                "output batch 5 1000000 2026-05-01 2026-10-14 share_of_standard",
                "output batch 6 1000000 2026-05-01 share_of_standard",
                "output batch >200000 12 1000000 2026-05-01 share_of_standard",
            ]
        );
        assert!(derived("acme", &rows, json!({})).is_empty(), "nobody knows the part");
        let other = [rows[0], rows[1], rows[2], "output\tbatch\t\t6\t1000000\t2026-10-14"];
        assert!(derived("openai", &other, json!({})).is_empty(), "not the part that it is known to be");
    }
}
