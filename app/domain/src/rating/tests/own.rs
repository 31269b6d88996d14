//! Prices of the organization's own, and of who resells.

use super::*;
use crate::price::{BookProvider, ModelAlias};

#[test]
fn an_organizations_own_price_replaces_the_common_one_from_its_date() {
    let common =
        book(vec![row(Meter::InputUncached, "2.5"), row(Meter::InputCacheRead, "1.25"), row(Meter::Output, "10")]);
    let from = |row: BookPrice| with(row, |row| row.valid_from = Some(day("2026-06-01")));
    let own = PriceBook::new(BookRows {
        prices: vec![from(row(Meter::InputUncached, "1.1")), from(row(Meter::Output, "4.4"))],
        aliases: vec![ModelAlias {
            provider: "azure".to_owned(),
            position: 0,
            pattern: "=our-deployment".parse().unwrap(),
            to_provider: "acme".to_owned(),
            to_model: "one".to_owned(),
            valid_from: None,
            valid_to: None,
        }],
        ..BookRows::default()
    });
    let books = Books { own: Some(&own), common: &common };
    let used = Usage::from(Meters::from([
        (Meter::InputUncached, 5_000),
        (Meter::InputCacheRead, 15_000),
        (Meter::Output, 900),
    ]));
    let cost = |provider, model, at| {
        rate_usage(books, provider, model, &used, day(at), Context::default()).unwrap().receipt.cost
    };
    assert_eq!(
        cost("acme", "one", "2026-11-12"),
        decimal("0.02596"),
        "a cached rate that was not negotiated is the input rate"
    );
    assert_eq!(cost("acme", "one", "2026-05-31"), decimal("0.04025"));
    assert_eq!(cost("azure", "our-deployment", "2026-11-12"), decimal("0.02596"));
    assert_eq!(cost("azure", "our-deployment", "2026-05-31"), decimal("0.04025"));
    assert_eq!(books.mapped("azure", "our-deployment", day("2026-11-12")), Some("acme/one"));
    assert_eq!(books.mapped("acme", "one", day("2026-11-12")), None);
    assert_eq!(books.mapped("azure", "our-deployment[1m]", day("2026-11-12")), Some("acme/one"));
    assert_eq!(books.mapped("acme", "one[1m]", day("2026-11-12")), None);
}

#[test]
fn an_own_price_holds_for_every_name_of_the_model_and_leaves_the_other_meters_alone() {
    let common = PriceBook::new(BookRows {
        prices: vec![row(Meter::InputUncached, "2.5"), row(Meter::Output, "10")],
        aliases: vec![ModelAlias {
            provider: "acme".to_owned(),
            position: 0,
            pattern: "^one-".parse().unwrap(),
            to_provider: "acme".to_owned(),
            to_model: "one".to_owned(),
            valid_from: None,
            valid_to: None,
        }],
        ..BookRows::default()
    });
    let own_row = |model: &str, rate| with(row(Meter::InputUncached, rate), |row| row.model = model.to_owned());
    let own = PriceBook::new(BookRows {
        prices: vec![own_row("one", "2"), own_row("one-special", "1"), own_row("ours", "7")],
        ..BookRows::default()
    });
    let books = Books { own: Some(&own), common: &common };
    let used = Usage::from(Meters::from([(Meter::InputUncached, 1_000), (Meter::Output, 1_000)]));
    let cost = |model| {
        let rated = rate_usage(books, "acme", model, &used, day("2026-11-12"), Context::default());
        rated.map(|rated| rated.receipt.cost)
    };
    assert_eq!(cost("one"), Ok(decimal("0.012")), "the common output price stays");
    assert_eq!(cost("one-2026-01-01"), Ok(decimal("0.012")), "by the common book's rule for names");
    assert_eq!(cost("one-special"), Ok(decimal("0.011")), "a price of exactly this name goes first");
    assert_eq!(cost("ours"), Err(Unpriced::NoPrice { model: "acme/ours".to_owned(), meter: Meter::Output }));
}

#[test]
fn resold_models_have_their_makers_price() {
    let reseller = BookProvider {
        provider: "shop".to_owned(),
        name: "Shop".to_owned(),
        url: None,
        fallbacks: vec!["acme".to_owned()],
    };
    let book = PriceBook::new(BookRows {
        providers: vec![reseller],
        prices: vec![row(Meter::Output, "1")],
        ..BookRows::default()
    });
    assert_eq!(book.resolve("shop", "ONE", day("2026-01-01")).unwrap().label(), "acme/one");
}
