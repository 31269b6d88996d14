//! Which cost counts, and what the receipt says about it.

use super::generated::{quantities, random_book, rates};
use super::*;
use crate::event::ReportedCost;
use crate::ids::KeyId;
use crate::price::{BillingBasis, BillingBasisRule, CostBasis, CostBasisRule, Unpriced};
use proptest::prelude::*;

const KEY: KeyId = KeyId(uuid::Uuid::from_u128(1));

/// The same of a key that nothing was chosen for.
fn charge(books: Books<'_>, served: Served<'_>, reported: Option<Decimal>) -> Result<Charged, Unpriced> {
    super::charge(books, served, reported, KEY)
}

/// The book of an organization that chose what counts of a provider, and how a key is billed from a day on.
fn billed(cost: CostBasis, billing: BillingBasis, from: Option<&str>) -> PriceBook {
    let rule = BillingBasisRule {
        key_id: KEY,
        key: "ci".to_owned(),
        basis: billing,
        valid_from: from.map(day),
        valid_to: None,
        reason: String::new(),
    };
    PriceBook::new(BookRows { billing: vec![rule], ..rows(cost) })
}

/// The book of an organization that chose what counts of a provider, for all time.
fn chosen(basis: CostBasis) -> PriceBook {
    PriceBook::new(rows(basis))
}

fn rows(basis: CostBasis) -> BookRows {
    let bases = vec![CostBasisRule {
        provider: Some("acme".to_owned()),
        basis,
        valid_from: None,
        valid_to: None,
        reason: String::new(),
    }];
    BookRows { bases, ..BookRows::default() }
}

fn call(usage: &Usage) -> Served<'_> {
    Served { provider: "acme", model: "one", usage, at: day("2026-11-12"), context: Context::default() }
}

#[test]
fn the_reported_cost_counts_where_it_was_chosen_and_the_receipt_says_by_how_much() {
    let common = book(vec![row(Meter::Output, "10")]);
    let usage: Usage = Meters::from([(Meter::Output, 1_000)]).into();
    let own = chosen(CostBasis::Reported);
    let books = Books { own: Some(&own), common: &common };
    let charged = charge(books, call(&usage), Some(decimal("0.0085"))).unwrap();
    assert_eq!((charged.priced_as.as_deref(), charged.receipt.cost), (Some("acme/one"), decimal("0.0085")));
    let told: Vec<_> = charged.receipt.lines.iter().map(|line| (line.meter, line.quantity, line.amount)).collect();
    assert_eq!(
        told,
        [(Meter::Output, Decimal::ONE_THOUSAND, decimal("0.01")), (Meter::Reported, Decimal::ONE, decimal("-0.0015"))]
    );
    // The same figure needs no line; without a figure, or in another currency, the computed cost counts.
    let same = charge(books, call(&usage), Some(decimal("0.01"))).unwrap();
    assert_eq!(
        same.receipt,
        rate_usage(books, "acme", "one", &usage, day("2026-11-12"), Context::default()).unwrap().receipt
    );
    let euros = ReportedCost { amount: decimal("0.0085"), currency: "EUR".to_owned() };
    for reported in [None, euros.usd()] {
        assert_eq!(charge(books, call(&usage), reported).unwrap().receipt.cost, decimal("0.01"));
    }
    // No price: the figure is all there is, also where it is zero; and where it was not chosen, there is no cost.
    for reported in ["0.0085", "0"] {
        let unheard_of = charge(books, Served { model: "two", ..call(&usage) }, Some(decimal(reported))).unwrap();
        assert_eq!((unheard_of.priced_as, unheard_of.receipt.cost), (None, decimal(reported)));
        assert_eq!(unheard_of.receipt.lines.len(), 1);
    }
    let computed = Books { own: None, common: &common };
    assert!(charge(computed, Served { model: "two", ..call(&usage) }, Some(decimal("0.0085"))).is_err());
    // Another provider was not chosen.
    let other = chosen(CostBasis::Reported);
    let rows = vec![with(row(Meter::Output, "10"), |row| row.provider = "other".to_owned())];
    let common = book(rows);
    let books = Books { own: Some(&other), common: &common };
    let charged = charge(books, Served { provider: "other", ..call(&usage) }, Some(decimal("0.0085"))).unwrap();
    assert_eq!(charged.receipt.cost, decimal("0.01"));
}

#[test]
fn a_plan_includes_the_usage_of_its_key_from_its_day_on() {
    let common =
        book(vec![row(Meter::Output, "10"), with(row(Meter::Output, "0"), |row| row.model = "free".to_owned())]);
    let usage: Usage = Meters::from([(Meter::Output, 1_000)]).into();
    let told = |charged: &Charged| {
        assert_eq!(charged.receipt.lines.iter().map(|line| line.amount).sum::<Decimal>(), charged.receipt.cost);
        charged.receipt.lines.iter().map(|line| (line.meter, line.amount)).collect::<Vec<_>>()
    };
    let of = |own: &PriceBook, served: Served<'_>, reported: Option<&str>, key| {
        super::charge(Books { own: Some(own), common: &common }, served, reported.map(decimal), key)
    };
    let own = billed(CostBasis::Computed, BillingBasis::Included, Some("2026-11-12"));
    let charged = of(&own, call(&usage), None, KEY).unwrap();
    assert_eq!((charged.priced_as.as_deref(), charged.receipt.cost), (Some("acme/one"), Decimal::ZERO));
    assert_eq!(told(&charged), [(Meter::Output, decimal("0.01")), (Meter::Included, decimal("-0.01"))]);
    // A list value of zero says that it is included, too; an unbilled answer says nothing.
    let free = of(&own, Served { model: "free", ..call(&usage) }, None, KEY).unwrap();
    assert_eq!(told(&free), [(Meter::Output, Decimal::ZERO), (Meter::Included, Decimal::ZERO)]);
    assert!(!free.receipt.lines[1].amount.is_sign_negative(), "zero has no sign");
    let nothing = Usage { parts: Vec::new(), unread: Vec::new() };
    assert!(of(&own, call(&nothing), None, KEY).unwrap().receipt.lines.is_empty());
    // Before its day, of another key, and where usage is billed, nothing is taken away.
    let other = KeyId(uuid::Uuid::from_u128(2));
    let before = Served { at: day("2026-11-11"), ..call(&usage) };
    for charged in [of(&own, before, None, KEY), of(&own, call(&usage), None, other)] {
        assert_eq!(charged.unwrap().receipt.cost, decimal("0.01"));
    }
    for basis in [BillingBasis::Metered, BillingBasis::Credits] {
        let own = billed(CostBasis::Computed, basis, None);
        assert_eq!(told(&of(&own, call(&usage), None, KEY).unwrap()), [(Meter::Output, decimal("0.01"))], "{basis:?}");
    }
    // What the provider reports counts as the list value, and is billed as little.
    let own = billed(CostBasis::Reported, BillingBasis::Included, None);
    let lines =
        [(Meter::Output, decimal("0.01")), (Meter::Reported, decimal("-0.002")), (Meter::Included, decimal("-0.008"))];
    assert_eq!(told(&of(&own, call(&usage), Some("0.008"), KEY).unwrap()), lines);
    let unheard_of = Served { model: "two", ..call(&usage) };
    let lines = [(Meter::Reported, decimal("0.25")), (Meter::Included, decimal("-0.25"))];
    assert_eq!(told(&of(&own, unheard_of, Some("0.25"), KEY).unwrap()), lines);
    assert!(of(&own, unheard_of, None, KEY).is_err(), "its list value is not known");
}

proptest! {
    /// What a plan includes costs nothing, to the last place, and its receipt is otherwise that of any other key.
    #[test]
    fn included_usage_keeps_its_lines_and_costs_nothing(
        meters in quantities(),
        rates in rates(),
        reported in prop::option::of((0_i64..1_000_000_000_000_000_000, 9_u32..18)),
        reports in any::<bool>(),
        priced in any::<bool>(),
    ) {
        let reported = reported.map(|(digits, scale)| Decimal::new(digits, scale));
        let cost = if reports { CostBasis::Reported } else { CostBasis::Computed };
        let (metered, included) = (chosen(cost), billed(cost, BillingBasis::Included, None));
        let (common, usage): (_, Usage) = (book(random_book(&rates)), meters.into());
        let served = Served { model: if priced { "one" } else { "two" }, ..call(&usage) };
        let billed = charge(Books { own: Some(&metered), common: &common }, served, reported);
        match (billed, charge(Books { own: Some(&included), common: &common }, served, reported)) {
            (Ok(billed), Ok(charged)) => {
                let (lines, last) = charged.receipt.lines.split_at(billed.receipt.lines.len());
                prop_assert_eq!(lines, &billed.receipt.lines);
                prop_assert_eq!(charged.receipt.cost, Decimal::ZERO);
                prop_assert_eq!(last.iter().map(|line| line.amount).sum::<Decimal>(), -billed.receipt.cost);
                prop_assert_eq!(last.len(), usize::from(!lines.is_empty()));
                prop_assert!(last.iter().all(|line| line.meter == Meter::Included && !line.source.is_computed()));
                prop_assert_eq!(charged.priced_as, billed.priced_as);
            }
            (billed, charged) => prop_assert_eq!(billed, charged),
        }
    }

    /// Whatever is reported: lines add up to the cost, the computed lines stay as they are, and quantities cover the usage.
    #[test]
    fn lines_add_up_whichever_cost_counts(
        meters in quantities(),
        rates in rates(),
        reported in prop::option::of((0_i64..1_000_000_000_000_000_000, 9_u32..18)),
        reports in any::<bool>(),
        priced in any::<bool>(),
    ) {
        let reported = reported.map(|(digits, scale)| Decimal::new(digits, scale));
        let basis = if reports { CostBasis::Reported } else { CostBasis::Computed };
        let (own, common) = (chosen(basis), book(random_book(&rates)));
        let books = Books { own: Some(&own), common: &common };
        let usage: Usage = meters.clone().into();
        let served = Served { model: if priced { "one" } else { "two" }, ..call(&usage) };
        let computed = rate_usage(books, "acme", served.model, &usage, served.at, served.context);
        match charge(books, served, reported) {
            Err(unpriced) => {
                prop_assert!(reported.is_none() || !reports);
                if usage.is_empty() && reported.is_some_and(|cost| !cost.is_zero()) {
                    prop_assert_eq!(unpriced, Unpriced::NoUsage);
                } else {
                    prop_assert_eq!(Err(unpriced), computed);
                }
            }
            Ok(charged) => {
                let lines = &charged.receipt.lines;
                prop_assert_eq!(lines.iter().map(|line| line.amount).sum::<Decimal>(), charged.receipt.cost);
                prop_assert!(lines.iter().all(|line| line.unrounded() == Some(line.amount) || line.meter.is_usage()));
                let (used, over): (Vec<_>, Vec<_>) = lines.iter().cloned().partition(|line| line.meter.is_usage());
                prop_assert!(over.len() <= 1);
                match (computed, reported.filter(|_| reports)) {
                    (Ok(_), Some(reported)) if usage.is_empty() && !reported.is_zero() => {
                        prop_assert!(used.is_empty() && charged.priced_as.is_none(), "what was used is unknown");
                        prop_assert_eq!(charged.receipt.cost, round_line(reported));
                    }
                    (Ok(computed), Some(reported)) => {
                        prop_assert_eq!(&used, &computed.receipt.lines);
                        prop_assert_eq!(charged.receipt.cost, round_line(reported));
                    }
                    (Ok(computed), None) => prop_assert_eq!(charged.receipt, computed.receipt),
                    (Err(_), reported) => {
                        prop_assert!(used.is_empty() && charged.priced_as.is_none());
                        prop_assert_eq!(Some(charged.receipt.cost), reported.map(round_line));
                    }
                }
            }
        }
    }
}
