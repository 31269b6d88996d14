//! Which cost counts, and what the receipt says about it.

use super::generated::{quantities, random_book, rates};
use super::*;
use crate::event::ReportedCost;
use crate::price::{CostBasis, CostBasisRule, Unpriced};
use proptest::prelude::*;

/// The book of an organization that chose what counts of a provider, for all time.
fn chosen(basis: CostBasis) -> PriceBook {
    let bases = vec![CostBasisRule {
        provider: Some("acme".to_owned()),
        basis,
        valid_from: None,
        valid_to: None,
        reason: String::new(),
    }];
    PriceBook::new(BookRows { bases, ..BookRows::default() })
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

proptest! {
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
