use super::*;
use proptest::prelude::*;

fn amount(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Without meters.
fn used(spend: &str, requests: i64, tokens: i64) -> Used {
    let sums = Sums { spend: amount(spend), requests, tokens, ..Sums::default() };
    Used { sums, meters: BTreeMap::new() }
}

/// With meters as (meter, quantity, spend).
fn metered(requests: i64, meters: &[(Meter, i64, &str)]) -> Used {
    let meters: BTreeMap<_, _> = meters
        .iter()
        .map(|(meter, quantity, spend)| (*meter, Metered { quantity: (*quantity).into(), spend: amount(spend) }))
        .collect();
    let spend = meters.values().map(|metered| metered.spend).sum();
    let tokens = meters.values().map(|metered| metered.quantity).sum::<Decimal>().try_into().unwrap();
    Used { sums: Sums { spend, requests, tokens, ..Sums::default() }, meters }
}

fn key(project: &str, model: &str) -> CellKey {
    [project.to_owned(), "openai".to_owned(), model.to_owned()]
}

fn causes(now: &[(CellKey, Used)], before: &[(CellKey, Used)]) -> Vec<(Cause, String)> {
    let found = changes(now.to_vec(), before.to_vec(), 5);
    found.causes.iter().map(|(cause, amount)| (*cause, amount.normalize().to_string())).collect()
}

fn is(cause: Cause, text: &str) -> (Cause, String) {
    (cause, text.to_owned())
}

#[test]
fn every_factor_has_its_part() {
    use Meter::{InputCacheRead, InputUncached, Output};
    let before = metered(100, &[(InputUncached, 1_000, "10"), (InputCacheRead, 1_000, "1"), (Output, 500, "20")]);
    let only = |now| causes(&[(key("a", "m"), now)], &[(key("a", "m"), before.clone())]);
    // Twice the requests, all else equal.
    let twice = metered(200, &[(InputUncached, 2_000, "20"), (InputCacheRead, 2_000, "2"), (Output, 1_000, "40")]);
    assert_eq!(only(twice), [is(Cause::Volume, "31")]);
    // Answers twice as long.
    let longer = metered(100, &[(InputUncached, 1_000, "10"), (InputCacheRead, 1_000, "1"), (Output, 1_000, "40")]);
    assert_eq!(only(longer), [is(Cause::TokensPerRequest, "20")]);
    // Half of the uncached input now comes from the cache.
    let cached = metered(100, &[(InputUncached, 500, "5"), (InputCacheRead, 1_500, "1.5"), (Output, 500, "20")]);
    assert_eq!(only(cached), [is(Cause::Cache, "-4.5")]);
    // Output a tenth dearer.
    let dearer = metered(100, &[(InputUncached, 1_000, "10"), (InputCacheRead, 1_000, "1"), (Output, 500, "22")]);
    assert_eq!(only(dearer), [is(Cause::Price, "2")]);
    // A first web search is more used by a request, not a price.
    let searched = metered(
        100,
        &[
            (InputUncached, 1_000, "10"),
            (InputCacheRead, 1_000, "1"),
            (Output, 500, "20"),
            (Meter::WebSearches, 3, "0.03"),
        ],
    );
    assert_eq!(only(searched), [is(Cause::TokensPerRequest, "0.03")]);
    // The provider's own figure now counts: nothing more was used.
    let reported = metered(
        100,
        &[(InputUncached, 1_000, "10"), (InputCacheRead, 1_000, "1"), (Output, 500, "20"), (Meter::Reported, 9, "-3")],
    );
    assert_eq!(only(reported), [is(Cause::Price, "-3")]);
}

#[test]
fn a_switch_to_a_dearer_model_is_mix_within_the_project() {
    let before = [(key("a", "small"), used("10", 100, 0)), (key("b", "big"), used("50", 50, 0))];
    let now = [
        (key("a", "big"), used("50", 50, 0)),
        (key("a", "small"), used("5", 50, 0)),
        (key("b", "big"), used("50", 50, 0)),
    ];
    assert_eq!(causes(&now, &before), [is(Cause::ModelMix, "45")]);
}

#[test]
fn projects_that_begin_or_end_are_volume() {
    let before = [(key("old", "m"), used("5", 1, 1))];
    let now = [(key("new", "m"), used("3", 1, 1))];
    assert_eq!(causes(&now, &before), [is(Cause::Volume, "-2")]);
    let found = changes(now, before, 1);
    assert_eq!((found.difference, found.movers.len()), (Decimal::from(-2), 1));
    assert_eq!(found.movers[0].project, "old");
}

#[test]
fn without_meters_the_tokens_say_what_they_can() {
    let before = [(key("a", "m"), used("10", 100, 1_000))];
    // Twice the requests, each half as long again, each token a third cheaper.
    let now = [(key("a", "m"), used("20", 200, 3_000))];
    let mut found = causes(&now, &before);
    found.sort();
    assert_eq!(found, [is(Cause::Volume, "10"), is(Cause::TokensPerRequest, "10"), is(Cause::CostPerToken, "-10")]);
    let no_tokens = causes(&[(key("a", "m"), used("12", 100, 0))], &[(key("a", "m"), used("10", 100, 0))]);
    assert_eq!(no_tokens, [is(Cause::CostPerRequest, "2")]);
}

#[test]
fn the_main_reason_says_by_how_much_it_moved() {
    let reason = |now: Used, before: Used| {
        let found = changes([(key("a", "m"), now)], [(key("a", "m"), before)], 1);
        let reason = found.movers.first().and_then(|mover| mover.reason)?;
        Some((reason.cause, reason.ratio.map(|ratio| format!("{ratio:.2}"))))
    };
    let ratio = |text: &str| Some(text.to_owned());
    let before = || used("10", 100, 1_000);
    assert_eq!(reason(used("14", 138, 1_390), before()), Some((Cause::Volume, ratio("0.38"))));
    assert_eq!(reason(used("15", 100, 1_500), before()), Some((Cause::TokensPerRequest, ratio("0.50"))));
    assert_eq!(reason(used("5", 100, 1_000), before()), Some((Cause::CostPerToken, ratio("-0.50"))));
    assert_eq!(reason(used("12", 100, 0), used("10", 100, 0)), Some((Cause::CostPerRequest, ratio("0.20"))));
    assert_eq!(reason(used("12", 100, 0), Used::default()), Some((Cause::Volume, None)));
    assert_eq!(reason(Used::default(), before()), Some((Cause::Volume, None)));
    assert_eq!(reason(before(), before()), None);
}

#[test]
fn one_model_alone_has_no_mix() {
    // Thirds do not end: what is rounded must not turn up as mix.
    let before = [(key("a", "m"), used("10", 3, 0))];
    let now = [(key("a", "m"), used("13.333333333333", 4, 0))];
    assert_eq!(causes(&now, &before), [is(Cause::Volume, "3.333333333333")]);
}

/// A cell of a random span: project, model, requests of which some may lack a price, and meters as quantity and nanodollars.
fn cell() -> impl Strategy<Value = (CellKey, Used)> {
    let meters = prop::collection::vec((0usize..6, 0i64..10_000, 0i64..4_000_000_000_000_000), 0..5);
    (0usize..3, 0usize..3, 0i64..50, 0i64..3, any::<bool>(), meters).prop_map(
        |(project, model, requests, unpriced, known, meters)| {
            use Meter::{InputAudio, InputCacheRead, InputCacheWrite, InputUncached, Output, WebSearches};
            let all = [InputUncached, InputCacheRead, InputCacheWrite, InputAudio, Output, WebSearches];
            let unpriced = unpriced.min(requests);
            let costs = requests > unpriced;
            let mut used = Used::default();
            for (place, quantity, pico) in meters {
                let spend = if costs { Decimal::new(pico, 12) } else { Decimal::ZERO };
                let own = used.meters.entry(all[place]).or_default();
                own.quantity += Decimal::from(quantity);
                own.spend += spend;
                used.sums.spend += spend;
                used.sums.tokens += quantity;
            }
            used.sums.requests = requests;
            used.sums.unpriced_requests = unpriced;
            if !known {
                used.meters.clear();
            }
            (key(&project.to_string(), &model.to_string()), used)
        },
    )
}

proptest! {
    #[test]
    fn causes_add_up_to_the_difference(
        now in prop::collection::vec(cell(), 0..8),
        before in prop::collection::vec(cell(), 0..8),
    ) {
        let sum = |rows: &[(CellKey, Used)]| -> Decimal { rows.iter().map(|(_, used)| used.sums.spend).sum() };
        let found = changes(now.clone(), before.clone(), 5);
        prop_assert_eq!(found.difference, sum(&now) - sum(&before));
        let parts: Decimal = found.causes.iter().map(|(_, amount)| *amount).sum();
        prop_assert_eq!(parts, found.difference);
    }
}
