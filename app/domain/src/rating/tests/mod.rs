mod cases;
mod charged;
mod generated;
mod modifiers;
mod own;

use super::*;
use crate::meter::{UsageFormat, usage};
use crate::price::{Attribute, Attributes, BookPrice, BookRows, MeterSet, ModifierKind, PriceBook, Variant, seed};
use chrono::TimeZone;
use serde_json::json;

fn day(text: &str) -> DateTime<Utc> {
    format!("{text}T00:00:00Z").parse().unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn row(meter: Meter, rate: &str) -> BookPrice {
    let mut row = BookPrice {
        price_id: 0,
        provider: "acme".to_owned(),
        model: "one".to_owned(),
        meter,
        variant: Variant::Standard,
        attributes: Attributes::NONE,
        tier_from: 0,
        tier_inclusive: true,
        quantity_min: None,
        quantity_max: None,
        quantity_whole: false,
        rate: decimal(rate),
        per: 1_000_000,
        valid_from: None,
        valid_to: None,
        schedule: None,
        source: "test".to_owned(),
        source_version: "1".to_owned(),
        source_url: None,
        derived: None,
    };
    row.price_id = seed::price_id(&row);
    row
}

fn with(mut row: BookPrice, change: impl Fn(&mut BookPrice)) -> BookPrice {
    change(&mut row);
    row.price_id = seed::price_id(&row);
    row
}

fn book(prices: Vec<BookPrice>) -> PriceBook {
    PriceBook::new(BookRows { prices, ..BookRows::default() })
}

fn cost_at(
    book: &PriceBook,
    meters: impl Into<Meters>,
    at: DateTime<Utc>,
    context: Context<'_>,
) -> Result<Decimal, Unpriced> {
    rate(&meters.into(), book.resolve("acme", "one", at)?, at, context).map(|receipt| receipt.cost)
}

fn cost(book: &PriceBook, meters: impl Into<Meters>) -> Result<Decimal, Unpriced> {
    cost_at(book, meters, day("2026-11-12"), Context::default())
}

#[test]
fn a_leaf_without_a_price_has_that_of_its_nearest_relative() {
    let plain = book(vec![row(Meter::InputUncached, "2"), row(Meter::Output, "10")]);
    let used = [
        (Meter::InputUncached, 1_000),
        (Meter::InputCacheRead, 1_000),
        (Meter::InputAudioCacheRead, 1_000),
        (Meter::OutputReasoning, 100),
    ];
    assert_eq!(cost(&plain, used), Ok(decimal("0.007")));

    let cached = book(vec![
        row(Meter::InputUncached, "2"),
        row(Meter::InputCacheRead, "0.2"),
        row(Meter::Output, "10"),
        row(Meter::OutputReasoning, "3"),
    ]);
    assert_eq!(cost(&cached, used), Ok(decimal("0.0027")), "cached audio is nearer to a cache read than to input");

    let audio = book(vec![
        row(Meter::InputUncached, "2"),
        row(Meter::InputCacheRead, "0.2"),
        row(Meter::InputAudio, "30"),
        row(Meter::Output, "10"),
    ]);
    assert_eq!(cost(&audio, [(Meter::InputAudioCacheRead, 1_000)]), Ok(decimal("0.03")), "and nearest to audio");

    let writes = book(vec![
        row(Meter::InputUncached, "2"),
        row(Meter::InputCacheWrite, "2.5"),
        row(Meter::InputCacheWrite1h, "4"),
    ]);
    let written =
        [(Meter::InputCacheWrite, 1_000), (Meter::InputCacheWrite5m, 1_000), (Meter::InputCacheWrite1h, 1_000)];
    assert_eq!(cost(&writes, written), Ok(decimal("0.009")));
    assert_eq!(
        cost(&writes, [(Meter::InputCacheWrite12h, 1)]),
        Err(Unpriced::NoPrice { model: "acme/one".to_owned(), meter: Meter::InputCacheWrite12h })
    );
}

#[test]
fn zero_is_a_price_and_none_is_not() {
    let free = book(vec![row(Meter::InputUncached, "2"), row(Meter::InputCacheRead, "0")]);
    assert_eq!(cost(&free, [(Meter::InputCacheRead, 1_000_000)]), Ok(Decimal::ZERO));
    assert_eq!(
        cost(&free, [(Meter::InputUncached, 1), (Meter::Output, 1)]),
        Err(Unpriced::NoPrice { model: "acme/one".to_owned(), meter: Meter::Output })
    );
    assert_eq!(cost(&free, Meters::new()), Ok(Decimal::ZERO));
    let at = day("2026-01-01");
    assert!(matches!(free.resolve("acme", "two", at), Err(Unpriced::UnknownModel { .. })));
    assert!(matches!(free.resolve("other", "one", at), Err(Unpriced::UnknownProvider { .. })));
}

#[test]
fn the_whole_request_moves_to_the_higher_tier() {
    let tier = |from, inclusive| move |row: &mut BookPrice| (row.tier_from, row.tier_inclusive) = (from, inclusive);
    let exclusive = book(vec![
        row(Meter::InputUncached, "1"),
        row(Meter::InputCacheRead, "0.1"),
        row(Meter::Output, "5"),
        with(row(Meter::InputUncached, "2"), tier(1_000, false)),
        with(row(Meter::Output, "8"), tier(1_000, false)),
        with(row(Meter::InputUncached, "3"), tier(2_000, false)),
    ]);
    let at = |uncached| {
        cost(&exclusive, [(Meter::InputUncached, uncached), (Meter::InputCacheRead, 400), (Meter::Output, 10)]).unwrap()
    };
    assert_eq!(at(600), decimal("0.00069"), "the boundary itself is still low");
    assert_eq!(at(601), decimal("0.001322"), "one more moves every token, output too; a meter without tiers stays");
    assert_eq!(at(1_601), decimal("0.004923"), "each meter has the highest of its own tiers");

    let inclusive = book(vec![row(Meter::InputUncached, "1"), with(row(Meter::InputUncached, "2"), tier(1_000, true))]);
    assert_eq!(cost(&inclusive, [(Meter::InputUncached, 999)]), Ok(decimal("0.000999")));
    assert_eq!(cost(&inclusive, [(Meter::InputUncached, 1_000)]), Ok(decimal("0.002")));
}

#[test]
fn a_variant_goes_before_the_standard_price_meter_by_meter() {
    let batch = |row: BookPrice| with(row, |row| row.variant = Variant::Batch);
    let book = book(vec![
        row(Meter::InputUncached, "2"),
        row(Meter::InputCacheRead, "0.5"),
        row(Meter::Output, "8"),
        batch(row(Meter::InputUncached, "1")),
        batch(row(Meter::Output, "4")),
        with(row(Meter::Output, "16"), |row| row.variant = Variant::Priority),
        with(row(Meter::Output, "12"), |row| row.tier_from = 5_000),
    ]);
    let used = [(Meter::InputUncached, 1_000), (Meter::InputCacheRead, 1_000), (Meter::Output, 1_000)];
    let in_context = |tier, batch| cost_at(&book, used, day("2026-11-12"), Context::new(tier, batch)).unwrap();
    assert_eq!(in_context(None, false), decimal("0.0105"));
    assert_eq!(in_context(None, true), decimal("0.0055"), "the cached rate was never discounted");
    assert_eq!(in_context(Some("priority"), false), decimal("0.0185"));
    assert_eq!(in_context(Some("PRIORITY"), true), decimal("0.0055"), "a batch is a batch");
    assert_eq!(in_context(Some("default"), false), decimal("0.0105"));
    let long = [(Meter::InputUncached, 6_000), (Meter::Output, 1_000)];
    let long_in = |tier| cost_at(&book, long, day("2026-11-12"), Context::new(tier, false)).unwrap();
    assert_eq!(long_in(None), decimal("0.024"));
    assert_eq!(long_in(Some("priority")), decimal("0.028"), "a variant replaces the whole tier table of its meter");
}

#[test]
fn the_price_of_its_own_time_holds() {
    let book = book(vec![
        with(row(Meter::Output, "40"), |row| row.valid_to = Some(day("2025-06-10"))),
        with(row(Meter::Output, "8"), |row| row.valid_from = Some(day("2025-06-10"))),
    ]);
    let at = |at: DateTime<Utc>| cost_at(&book, [(Meter::Output, 1_000)], at, Context::default()).unwrap();
    assert_eq!(
        at(Utc.with_ymd_and_hms(1999, 1, 1, 0, 0, 0).unwrap()),
        decimal("0.04"),
        "an undated price holds from the beginning of time"
    );
    assert_eq!(at(day("2025-06-10") - chrono::TimeDelta::microseconds(1)), decimal("0.04"));
    assert_eq!(at(day("2025-06-10")), decimal("0.008"));
}

#[test]
fn hours_hold_beside_dates() {
    let book = book(vec![
        row(Meter::Output, "1"),
        with(row(Meter::Output, "2"), |row| {
            row.schedule = Some("01:00-04:00 12345".parse().unwrap());
            row.valid_from = Some(day("2026-08-17"));
        }),
    ]);
    let at =
        |text: &str| cost_at(&book, [(Meter::Output, 1_000_000)], text.parse().unwrap(), Context::default()).unwrap();
    assert_eq!(at("2026-11-10T01:00:00Z"), decimal("2"));
    assert_eq!(at("2026-11-10T03:59:59Z"), decimal("2"));
    assert_eq!(at("2026-11-10T04:00:00Z"), decimal("1"));
    assert_eq!(at("2026-11-14T02:00:00Z"), decimal("1"), "Saturday");
    assert_eq!(at("2026-08-05T02:00:00Z"), decimal("1"), "before the windows began");
}

#[test]
fn a_request_is_charged_once_where_it_has_a_price() {
    let per_request = with(row(Meter::Requests, "12"), |row| row.per = 1_000);
    let book = book(vec![row(Meter::Output, "1"), per_request]);
    assert_eq!(cost(&book, [(Meter::Output, 1_000)]), Ok(decimal("0.013")));
    assert_eq!(cost(&book, [(Meter::Output, 1_000), (Meter::Requests, 3)]), Ok(decimal("0.037")));
    assert_eq!(cost(&book, Meters::new()), Ok(Decimal::ZERO), "nothing was used");
}

#[test]
fn lines_are_rounded_once_and_divided_last() {
    let hourly = with(row(Meter::AudioSeconds, "0.111"), |row| row.per = 3_600);
    let book = book(vec![hourly]);
    let at = day("2026-01-01");
    let meters: Meters = [(Meter::InputAudioSeconds, Decimal::from(10))].into_iter().collect();
    let receipt = rate(&meters, book.resolve("acme", "one", at).unwrap(), at, Context::default()).unwrap();
    let [line] = &receipt.lines[..] else { panic!("one line") };
    assert_eq!(line.amount, decimal("0.000308333333"));
    assert_eq!(line.unrounded().unwrap(), decimal("0.0003083333333333333333333333"));
    let rate = line.source.rate().unwrap();
    assert_eq!((rate.usd, rate.per, line.quantity), (decimal("0.111"), 3_600, decimal("10")));
}

#[test]
fn absurd_amounts_are_unpriced_instead_of_wrong() {
    let dear = with(row(Meter::Output, "79228162514264337593543950335"), |row| row.per = 1);
    assert_eq!(cost(&book(vec![dear]), [(Meter::Output, 1 << 53)]), Err(Unpriced::TooLarge { meter: Meter::Output }));
}

#[test]
fn every_part_is_priced_with_its_own_model_and_shared_prices_share_a_line() {
    let other = |row: BookPrice| with(row, |row| row.model = "two".to_owned());
    let book = book(vec![
        row(Meter::InputUncached, "1"),
        row(Meter::Output, "2"),
        other(row(Meter::InputUncached, "10")),
        other(row(Meter::Output, "20")),
    ]);
    let object = json!({"input_tokens": 1, "output_tokens": 1, "iterations": [
        {"input_tokens": 1_000, "output_tokens": 100}, {"model": "two", "input_tokens": 1_000, "output_tokens": 100}, {"input_tokens": 500, "output_tokens": 0},
    ]});
    let usage = usage(UsageFormat::Anthropic, &object).unwrap();
    let rated = rate_usage((&book).into(), "acme", "one", &usage, day("2026-01-01"), Context::default()).unwrap();
    assert_eq!(rated.priced_as, "acme/one");
    assert_eq!(rated.receipt.cost, decimal("0.0137"));
    let quantities: Vec<String> =
        rated.receipt.lines.iter().map(|line| format!("{} {}", line.meter, line.quantity)).collect();
    assert_eq!(quantities, ["input_uncached 1500", "output 100", "input_uncached 1000", "output 100"]);
}

fn modifier(kind: ModifierKind, factor: &str) -> PriceModifier {
    let mut row = PriceModifier {
        modifier_id: 0,
        kind,
        provider: Some("acme".to_owned()),
        models: None,
        attributes: Attributes::NONE,
        meters: MeterSet::All,
        factor: decimal(factor),
        valid_from: None,
        valid_to: None,
        source: "test".to_owned(),
        source_version: "1".to_owned(),
        source_url: None,
    };
    row.modifier_id = seed::modifier_id(&row);
    row
}

#[test]
fn the_price_that_asks_for_more_goes_first() {
    let image = |rate: &str, attributes: &str| {
        with(row(Meter::Images, rate), |row| (row.per, row.attributes) = (1, attributes.parse().unwrap()))
    };
    let book =
        book(vec![image("0.04", ""), image("0.08", "size=1024x1536"), image("0.2", "size=1024x1536;quality=high")]);
    let cost = |size, quality| {
        let context = Context::default().with(Attribute::Size, size).with(Attribute::Quality, quality);
        cost_at(&book, [(Meter::Images, 2)], day("2026-11-12"), context).unwrap()
    };
    assert_eq!(cost(None, None), decimal("0.08"));
    assert_eq!(cost(Some("1024x1536"), None), decimal("0.16"));
    assert_eq!(cost(Some("1024x1536"), Some("high")), decimal("0.4"));
    assert_eq!(cost(Some("256x256"), Some("high")), decimal("0.08"));
}

#[test]
fn an_event_is_charged_at_least_and_at_most_a_quantity() {
    let least =
        with(row(Meter::InputAudioSeconds, "0.111"), |row| (row.per, row.quantity_min) = (3_600, Some(10.into())));
    let most = with(row(Meter::WebSearches, "35"), |row| (row.per, row.quantity_max) = (1_000, Some(1.into())));
    let book = book(vec![least, most]);
    assert_eq!(cost(&book, [(Meter::InputAudioSeconds, 4)]), Ok(decimal("0.000308333333")), "ten seconds");
    assert_eq!(cost(&book, [(Meter::InputAudioSeconds, 36)]), Ok(decimal("0.00111")));
    assert_eq!(cost(&book, [(Meter::WebSearches, 5)]), Ok(decimal("0.035")), "one prompt, however many queries");
    assert_eq!(cost(&book, Meters::new()), Ok(Decimal::ZERO), "nothing used is nothing charged");
}

#[test]
fn searches_are_tiered_by_the_results_asked_for() {
    let tier = |rate: &str, from| {
        with(row(Meter::Searches, rate), |row| (row.per, row.tier_from, row.tier_inclusive) = (1, from, from == 0))
    };
    let book = book(vec![tier("0.005", 0), tier("0.025", 25)]);
    let cost = |results| {
        let used = [(Meter::Searches, 3), (Meter::InputUncached, 0)];
        cost_at(&book, used, day("2026-11-12"), Context::default().with_results(results)).unwrap()
    };
    assert_eq!((cost(0), cost(25), cost(26)), (decimal("0.015"), decimal("0.015"), decimal("0.075")));
}

#[test]
fn other_tiers_and_cheaper_models_are_told() {
    let of = |model: &str, variant, meter, rate: &str| {
        with(row(meter, rate), |row| (row.model, row.variant) = (model.to_owned(), variant))
    };
    let ended = with(of("one", Variant::Priority, Meter::Output, "99"), |row| row.valid_to = Some(day("2026-01-01")));
    let book = book(vec![
        of("one", Variant::Standard, Meter::Output, "10"),
        of("one", Variant::Batch, Meter::Output, "5"),
        of("one", Variant::Fast, Meter::Output, "20"),
        of("one", Variant::Ultrafast, Meter::InputUncached, "7"),
        ended,
        of("two", Variant::Standard, Meter::Output, "1"),
        of("three", Variant::Standard, Meter::Output, "11"),
    ]);
    let usage: Usage = Meters::from([(Meter::Output, 1_000_000)]).into();
    let served = Served {
        provider: "acme",
        model: "one",
        usage: &usage,
        at: day("2026-11-12"),
        context: Context::default().served_as(Variant::Fast),
    };
    let told = |found: Vec<alternatives::Alternative>| -> Vec<(String, Variant, Decimal)> {
        found.into_iter().map(|other| (other.priced_as, other.variant, other.cost)).collect()
    };
    let tiers = told(alternatives::tiers((&book).into(), served));
    let one = |variant, cost: &str| ("acme/one".to_owned(), variant, decimal(cost));
    assert_eq!(
        tiers,
        [one(Variant::Batch, "5"), one(Variant::Standard, "10")],
        "priority is no longer sold, flex never was, and ultrafast has a price for other things alone"
    );
    let models = ["one", "two", "two", "three", "four"];
    let cheaper = told(alternatives::cheaper_models((&book).into(), served, models));
    assert_eq!(
        cheaper,
        [("acme/two".to_owned(), Variant::Fast, decimal("1")), ("acme/three".to_owned(), Variant::Fast, decimal("11"))]
    );
    let unknown = Served { model: "four", ..served };
    assert!(alternatives::tiers((&book).into(), unknown).is_empty());
    assert!(alternatives::cheaper_models((&book).into(), unknown, models).is_empty());
}

#[test]
fn the_upper_bound_is_the_dearest_price_that_can_be_meant() {
    let book = book(vec![
        row(Meter::Output, "10"),
        with(row(Meter::Output, "600"), |row| row.model = "two".to_owned()),
        with(row(Meter::Output, "900"), |row| row.provider = "other".to_owned()),
        with(row(Meter::Pages, "5"), |row| (row.provider, row.per) = ("other".to_owned(), 1_000)),
    ]);
    let own = self::book(vec![with(row(Meter::Output, "2"), |row| row.provider = "vllm".to_owned())]);
    let bounded = |own, provider, model, meters: &[(Meter, u64)]| {
        upper_bound(Books { own, common: &book }, provider, model, &meters.iter().copied().collect())
    };
    let bound = |provider, meters: &[(Meter, u64)]| bounded(None, provider, "new", meters);
    assert_eq!(bound("acme", &[(Meter::OutputReasoning, 1_000)]), decimal("0.6"));
    assert_eq!(bound("acme", &[(Meter::Pages, 2)]), decimal("0.01"));
    assert_eq!(bound("acme", &[(Meter::Images, 2)]), Decimal::ZERO);

    // Four million tokens of a model at home: at the book's dearest price they would start an alarm.
    let much = [(Meter::Output, 4_000_000)];
    assert_eq!(bound("nobody", &much), Decimal::ZERO);
    assert_eq!(bounded(None, "nobody", "Two", &much), decimal("2400"), "somebody sells a model of this name");
    assert_eq!(bounded(None, "vllm", "two", &much), Decimal::ZERO);
    assert_eq!(bounded(None, "openai", "qwen/qwen3-32b", &much), Decimal::ZERO);
    assert_eq!(bounded(Some(&own), "vllm", "new", &much), decimal("8"), "a person priced one of its kind");
}

#[test]
fn a_sum_of_requests_has_the_base_price_and_as_many_requests() {
    let book = book(vec![
        row(Meter::InputUncached, "2"),
        with(row(Meter::InputUncached, "4"), |row| row.tier_from = 200_000),
        with(row(Meter::Requests, "5"), |row| row.per = 1_000),
        with(row(Meter::WebSearches, "35"), |row| (row.per, row.quantity_max) = (1_000, Some(1.into()))),
    ]);
    let used: Usage = Meters::from([(Meter::InputUncached, 1_000_000), (Meter::WebSearches, 9)]).into();
    let cost = |context: Context<'_>| {
        rate_usage((&book).into(), "acme", "one", &used, day("2026-01-01"), context).unwrap().receipt.cost
    };
    assert_eq!(cost(Context::default()), decimal("4.04"));
    assert_eq!(cost(Context::default().as_sum(Some(4))), decimal("2.16"), "a search for each request at most");
}
