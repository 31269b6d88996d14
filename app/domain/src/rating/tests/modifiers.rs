//! Discounts, markups and uplifts.

use super::*;
use crate::price::BookProvider;

#[test]
fn modifiers_stack_in_order_and_every_line_explains_itself() {
    let uplift = PriceModifier {
        attributes: "region!=global".parse().unwrap(),
        meters: MeterSet::Tokens,
        ..modifier(ModifierKind::Region, "1.1")
    };
    let common = PriceBook::new(BookRows {
        prices: vec![row(Meter::InputUncached, "2"), with(row(Meter::WebSearches, "10"), |row| row.per = 1_000)],
        modifiers: vec![uplift.clone()],
        ..BookRows::default()
    });
    let (discount, markup) = (modifier(ModifierKind::Discount, "0.8"), modifier(ModifierKind::Markup, "1.05"));
    let own = PriceBook::new(BookRows { modifiers: vec![markup.clone(), discount.clone()], ..BookRows::default() });
    let books = Books { own: Some(&own), common: &common };
    let used: Usage = Meters::from([(Meter::InputUncached, 1_000_000), (Meter::WebSearches, 100)]).into();
    let quote = |books: Books<'_>, region| {
        let context = Context::default().with(Attribute::Region, region);
        rate_usage(books, "acme", "one", &used, day("2026-11-12"), context).unwrap().receipt
    };

    let receipt = quote(books, Some("europe-west1"));
    let tokens: Vec<_> = receipt
        .lines
        .iter()
        .filter(|line| line.meter == Meter::InputUncached)
        .map(|line| (line.source.rate().unwrap().usd, line.source.factor(), line.amount, line.source.id().unwrap()))
        .collect();
    assert_eq!(
        tokens,
        [
            (decimal("2"), None, decimal("2"), row(Meter::InputUncached, "2").price_id),
            (decimal("0.2"), Some(decimal("1.1")), decimal("0.2"), uplift.modifier_id),
            (decimal("-0.44"), Some(decimal("0.8")), decimal("-0.44"), discount.modifier_id),
            (decimal("0.088"), Some(decimal("1.05")), decimal("0.088"), markup.modifier_id),
        ]
    );
    // 2 x 1.1 x 0.8 x 1.05 for the tokens; the uplift is on tokens alone, so 1 x 0.8 x 1.05 for the searches.
    assert_eq!(receipt.cost, decimal("2.688"));
    assert_eq!(receipt.lines.iter().map(|line| line.amount).sum::<Decimal>(), receipt.cost);
    let billed: Meters = receipt
        .lines
        .iter()
        .filter(|line| !line.source.is_modifier())
        .map(|line| (line.meter, line.quantity))
        .collect();
    assert_eq!(billed, used.total(), "modifiers use nothing");
    assert_eq!(quote(books, Some("global")).cost, decimal("2.52"));
    assert_eq!(quote((&common).into(), Some("europe-west1")).cost, decimal("3.2"));
    assert_eq!(quote((&common).into(), None).cost, decimal("3"));
}

#[test]
fn modifiers_have_dates_models_and_meters() {
    let later = PriceModifier { valid_from: Some(day("2026-11-01")), ..modifier(ModifierKind::Discount, "0.5") };
    let others = PriceModifier { models: Some("^two".parse().unwrap()), ..modifier(ModifierKind::Markup, "3") };
    let output = PriceModifier { meters: MeterSet::Only(vec![Meter::Output]), ..modifier(ModifierKind::Markup, "1.1") };
    let prices = vec![row(Meter::InputUncached, "1"), row(Meter::Output, "1")];
    let book = PriceBook::new(BookRows { prices, modifiers: vec![later, others, output], ..BookRows::default() });
    let used = [(Meter::InputUncached, 1_000_000), (Meter::Output, 1_000_000)];
    assert_eq!(cost_at(&book, used, day("2026-10-31"), Context::default()), Ok(decimal("2.1")));
    assert_eq!(cost_at(&book, used, day("2026-11-01"), Context::default()), Ok(decimal("1.05")));
}

#[test]
fn an_uplift_is_of_whoever_sells_the_call() {
    let uplift = PriceModifier { provider: Some("shop".to_owned()), ..modifier(ModifierKind::Region, "1.1") };
    let shop = BookProvider { provider: "shop".into(), name: "Shop".into(), url: None, fallbacks: vec!["acme".into()] };
    let book = PriceBook::new(BookRows {
        providers: vec![shop],
        prices: vec![row(Meter::InputUncached, "2")],
        modifiers: vec![uplift],
        ..BookRows::default()
    });
    let used: Usage = Meters::from([(Meter::InputUncached, 1_000_000)]).into();
    let cost = |provider| {
        rate_usage((&book).into(), provider, "one", &used, day("2026-11-12"), Context::default()).unwrap().receipt.cost
    };
    assert_eq!((cost("acme"), cost("shop")), (decimal("2"), decimal("2.2")));
}

#[test]
fn an_own_price_is_not_raised_by_the_common_uplift() {
    let common = PriceBook::new(BookRows {
        prices: vec![row(Meter::InputUncached, "2")],
        modifiers: vec![modifier(ModifierKind::Region, "1.1")],
        ..BookRows::default()
    });
    let own = PriceBook::new(BookRows {
        prices: vec![with(row(Meter::InputUncached, "1"), |row| row.source = "contract".to_owned())],
        modifiers: vec![modifier(ModifierKind::Markup, "1.5")],
        ..BookRows::default()
    });
    let books = Books { own: Some(&own), common: &common };
    let used: Usage = Meters::from([(Meter::InputUncached, 1_000_000)]).into();
    let receipt = rate_usage(books, "acme", "one", &used, day("2026-11-12"), Context::default()).unwrap().receipt;
    assert_eq!(receipt.cost, decimal("1.5"), "the contract's rate, and the own markup once");
}
