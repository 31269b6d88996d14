use super::*;
use crate::rule::FIRST_RULE_ID;
use proptest::prelude::*;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn tier(above: &str, price: TierPrice) -> Tier {
    Tier { above: decimal(above), inclusive: false, price }
}

fn factor(text: &str) -> TierPrice {
    TierPrice::Factor(decimal(text))
}

fn term(kind: TermKind, tiers: Vec<Tier>) -> ContractTerm {
    ContractTerm {
        term_id: FIRST_RULE_ID,
        rank: FIRST_RULE_ID,
        kind,
        provider: Some("openai".to_owned()),
        models: None,
        meters: MeterSet::Only(vec![Meter::InputUncached, Meter::InputCacheRead]),
        tiers,
        from: "2026-10-01".parse().unwrap(),
        to: None,
        source: "Contract 7".to_owned(),
        source_url: None,
    }
}

fn allowance(units: &str) -> ContractTerm {
    term(TermKind::Allowance, vec![tier("0", factor("0")), tier(units, factor("1"))])
}

fn volume(quantity: &str, amount: &str) -> Volume {
    Volume { quantity: decimal(quantity), amount: decimal(amount) }
}

fn charge(term: &ContractTerm, quantity: &str, amount: &str) -> Decimal {
    let month = volume(quantity, amount);
    term.blend(month.quantity).unwrap().charge(month).unwrap()
}

#[test]
fn an_allowance_frees_units_and_no_more() {
    let term = allowance("1000");
    assert_eq!(charge(&term, "0", "0"), Decimal::ZERO);
    assert_eq!(charge(&term, "1000", "3"), Decimal::ZERO, "the last free unit is free");
    assert_eq!(charge(&term, "1001", "1001"), Decimal::ONE);
    assert_eq!(charge(&term, "3000", "3"), decimal("2"));
    assert_eq!(charge(&allowance("0.5"), "1.5", "3"), decimal("2"), "fractional units");
    assert_eq!(charge(&term, "1000000000000", "1000000000"), decimal("999999999"));
}

#[test]
fn graduated_tiers_price_each_unit_where_it_falls() {
    let term = term(
        TermKind::Graduated,
        vec![
            tier("0", factor("1")),
            tier("100", factor("0.5")),
            tier("200", TierPrice::Rate { rate: decimal("3"), per: 10 }),
        ],
    );
    assert_eq!(charge(&term, "100", "100"), decimal("100"));
    assert_eq!(charge(&term, "101", "101"), decimal("100.5"));
    assert_eq!(charge(&term, "200", "200"), decimal("150"));
    assert_eq!(charge(&term, "210", "210"), decimal("153"), "beyond all boundaries the last tier holds");
    assert_eq!(charge(&term, "1200", "1200"), decimal("450"));
}

#[test]
fn volume_tiers_price_the_whole_month_by_what_it_reaches() {
    let exclusive = term(TermKind::Volume, vec![tier("0", factor("1")), tier("100", factor("0.9"))]);
    assert_eq!(charge(&exclusive, "100", "100"), decimal("100"));
    assert_eq!(charge(&exclusive, "100.5", "100"), decimal("90"));
    let mut inclusive = exclusive;
    inclusive.tiers[1].inclusive = true;
    assert_eq!(charge(&inclusive, "100", "100"), decimal("90"));
    assert_eq!(charge(&inclusive, "99.999999", "100"), decimal("100"));
    let rate = TierPrice::Rate { rate: decimal("2"), per: 1_000_000 };
    let fixed = term(TermKind::Volume, vec![tier("0", rate)]);
    assert_eq!(charge(&fixed, "1500000", "77"), decimal("3"), "a rate asks for no other price");
}

#[test]
fn the_term_entered_last_counts() {
    let old = ContractTerm { models: Some("^gpt-4o".parse().unwrap()), ..allowance("1") };
    let new = ContractTerm { term_id: FIRST_RULE_ID + 1, rank: FIRST_RULE_ID + 1, provider: None, ..allowance("2") };
    let found = |terms: &[ContractTerm], seller: &str, model: &str, meter| {
        term_for(terms, seller, model, meter).map(|term| term.term_id - FIRST_RULE_ID)
    };
    let both = [new.clone(), old.clone()];
    assert_eq!(found(&both, "openai", "GPT-4o-mini", Meter::InputUncached), Some(1));
    assert_eq!(found(std::slice::from_ref(&old), "openai", "GPT-4o-mini", Meter::InputUncached), Some(0));
    assert_eq!(found(std::slice::from_ref(&old), "openai", "o3", Meter::InputUncached), None);
    assert_eq!(found(&both, "openai", "gpt-4o", Meter::Output), None);
    assert_eq!(found(&[old], "azure", "gpt-4o", Meter::InputUncached), None);
    let month = |day: &str| Period::month_of(day.parse().unwrap());
    let ended = ContractTerm { to: Some("2026-11-01".parse().unwrap()), ..new };
    assert_eq!(["2026-09-01", "2026-10-31", "2026-11-01"].map(|day| ended.holds_in(month(day))), [false, true, false]);
}

#[test]
fn a_term_says_what_it_is() {
    assert_eq!(allowance("1000000").words(), "1,000,000 free input and cache read tokens of openai");
    let images = ContractTerm { meters: MeterSet::Only(vec![Meter::Images]), provider: None, ..allowance("50") };
    assert_eq!(images.words(), "50 free images");
    let tiers = term(TermKind::Volume, vec![tier("0", factor("1")), tier("1000", factor("0.9"))]);
    assert_eq!(tiers.words(), "volume tiers of input and cache read tokens of openai");
    assert_eq!(tiers.tier_words(), ["from the first: the list price", "all above 1,000 in the month: 10 % off"]);
}

#[test]
fn a_term_is_read_as_it_is_written() {
    let form = TermForm {
        kind: "graduated".to_owned(),
        provider: "Azure_OpenAI".to_owned(),
        models: "^gpt-".to_owned(),
        meters: "input_uncached, output".to_owned(),
        tiers: ">= 50,000,000 $1.20\n\n>10,000,000 -12.5%".to_owned(),
        from: "2026-10".to_owned(),
        source: "Contract 7".to_owned(),
        ..TermForm::default()
    };
    let input = form.parse().unwrap();
    assert_eq!(input.rule.provider.as_deref(), Some("azure"));
    assert_eq!(
        input.rule.tiers,
        [
            tier("0", factor("1")),
            tier("10000000", factor("0.875")),
            Tier { inclusive: true, ..tier("50000000", TierPrice::Rate { rate: decimal("1.2"), per: 1_000_000 }) },
        ]
    );
    let free = TermForm {
        kind: "allowance".to_owned(),
        units: "1 000 000".to_owned(),
        meters: "tokens".to_owned(),
        ..form.clone()
    };
    assert_eq!(free.parse().unwrap().rule.tiers, [tier("0", factor("0")), tier("1000000", factor("1"))]);
    for tiers in ["", "10 20 30", ">10 cheap", ">10 -10%\n>10 -20%", "> -10%", ">10 -101%", ">-1 free"] {
        let wrong = TermForm { tiers: tiers.to_owned(), ..form.clone() }.parse().unwrap_err();
        assert_eq!(wrong.iter().map(|problem| problem.pointer.as_str()).collect::<Vec<_>>(), ["tiers"], "{tiers}");
    }
    let wrong = TermForm {
        kind: "gift".to_owned(),
        provider: "a/b".to_owned(),
        models: "^".to_owned(),
        meters: "output,images".to_owned(),
        units: "none".to_owned(),
        from: "soon".to_owned(),
        to: "later".to_owned(),
        source: String::new(),
        source_url: "x".to_owned(),
        tiers: String::new(),
    };
    let mut fields: Vec<String> = wrong.parse().unwrap_err().into_iter().map(|problem| problem.pointer).collect();
    fields.sort();
    assert_eq!(fields, ["from", "kind", "meters", "models", "provider", "source", "source_url", "to"]);
    let backwards = TermForm { to: "2026-10".to_owned(), ..form };
    assert_eq!(backwards.parse().unwrap_err()[0].pointer, "to");
}

#[test]
fn rows_of_a_form_are_tiers() {
    let row = |units: &str, inclusive, pricing, value: &str| TierRow {
        units: units.to_owned(),
        inclusive,
        pricing,
        value: value.to_owned(),
    };
    let rows = [
        row("10,000,000", false, TierPricing::Discount, "12.5 %"),
        TierRow::default(),
        row("50000000", true, TierPricing::Rate, "$1.20"),
        row("60000000", false, TierPricing::Free, ""),
        row("70000000", false, TierPricing::Discount, "-5"),
    ];
    let lines = tier_lines(&rows).unwrap();
    assert_eq!(lines, ">10,000,000 -12.5%\n>=50000000 $1.20\n>60000000 free\n>70000000 5%");
    let form = TermForm {
        kind: "volume".to_owned(),
        meters: "tokens".to_owned(),
        tiers: lines,
        from: "2026-10".to_owned(),
        source: "Contract 7".to_owned(),
        ..TermForm::default()
    };
    let tiers = form.parse().unwrap().rule.tiers;
    assert_eq!((tiers.len(), tiers[1].price, tiers[4].price), (5, factor("0.875"), factor("1.05")));
    let wrong = [
        row("", false, TierPricing::Discount, "10"),
        row("many", false, TierPricing::List, ""),
        row("10", false, TierPricing::Discount, "101"),
        row("20", false, TierPricing::Rate, "cheap"),
    ];
    let fields: Vec<String> = tier_lines(&wrong).unwrap_err().into_iter().map(|problem| problem.pointer).collect();
    assert_eq!(fields, ["tiers[0][units]", "tiers[1][units]", "tiers[2][value]", "tiers[3][value]"]);
    assert_eq!(tier_lines(&[TierRow::default()]).unwrap(), "");
}

fn any_price() -> impl Strategy<Value = TierPrice> {
    prop_oneof![
        (0_i64..=2_000).prop_map(|mils| TierPrice::Factor(Decimal::new(mils, 3))),
        (0_i64..=1_000_000_000, prop_oneof![Just(1_u64), Just(7), Just(1_000_000)])
            .prop_map(|(rate, per)| TierPrice::Rate { rate: Decimal::new(rate, 9), per }),
    ]
}

fn any_term() -> impl Strategy<Value = ContractTerm> {
    let tiers = prop::collection::btree_map(1_i64..=2_000_000, any_price(), 0..4);
    let kind = prop_oneof![Just(TermKind::Graduated), Just(TermKind::Volume)];
    (kind, any_price(), tiers, any::<bool>()).prop_map(|(kind, first, tiers, inclusive)| {
        let further = tiers.into_iter().map(|(above, price)| Tier { above: Decimal::new(above, 1), inclusive, price });
        let first = Tier { above: Decimal::ZERO, inclusive: false, price: first };
        term(kind, std::iter::once(first).chain(further).collect())
    })
}

/// Calls of a month with whole and fractional units, some of them for nothing.
fn any_calls() -> impl Strategy<Value = Vec<Volume>> {
    let call = (0_i64..=1_000_000, 0_i64..=1_000_000_000_000).prop_map(|(quantity, amount)| Volume {
        quantity: Decimal::new(quantity, 1),
        amount: Decimal::new(amount, 12),
    });
    prop::collection::vec(call, 0..60)
}

fn total(calls: &[Volume]) -> Volume {
    calls.iter().fold(Volume::default(), |mut sum, call| {
        sum += *call;
        sum
    })
}

fn settle(term: &ContractTerm, calls: &[Volume]) -> (Vec<Decimal>, Decimal) {
    let month = total(calls);
    let blend = term.blend(month.quantity).unwrap();
    let mut reached = Volume::default();
    let adjustments = calls.iter().map(|call| blend.next(&mut reached, *call).unwrap()).collect();
    (adjustments, blend.charge(month).unwrap())
}

proptest! {
    #[test]
    fn adjustments_add_up_to_charge_minus_booked(term in any_term(), calls in any_calls()) {
        let (adjustments, charge) = settle(&term, &calls);
        prop_assert_eq!(adjustments.iter().sum::<Decimal>(), charge - total(&calls).amount);
        prop_assert!(adjustments.iter().all(|adjustment| adjustment.scale() <= 12 || adjustment.normalize().scale() <= 12));
        // Nobody is paid for using something.
        for (adjustment, call) in adjustments.iter().zip(&calls) {
            prop_assert!(call.amount + adjustment >= Decimal::ZERO);
        }
    }

    #[test]
    fn each_call_pays_the_months_rate_whenever_it_came(term in any_term(), calls in any_calls()) {
        let blend = term.blend(total(&calls).quantity).unwrap();
        let (adjustments, _) = settle(&term, &calls);
        for (adjustment, call) in adjustments.iter().zip(&calls) {
            let alone = blend.charge(*call).unwrap() - call.amount;
            prop_assert!((*adjustment - alone).abs() <= Decimal::new(2, 12));
        }
    }

    #[test]
    fn splitting_calls_changes_nothing(term in any_term(), calls in any_calls(), parts in 1_i64..5) {
        let (_, whole) = settle(&term, &calls);
        let split: Vec<Volume> = calls
            .iter()
            .flat_map(|call| {
                let part = Volume {
                    quantity: (call.quantity / Decimal::from(parts)).round_dp(3),
                    amount: (call.amount / Decimal::from(parts)).round_dp(12),
                };
                let times = Decimal::from(parts - 1);
                let rest = Volume {
                    quantity: call.quantity - part.quantity * times,
                    amount: call.amount - part.amount * times,
                };
                std::iter::repeat_n(part, usize::try_from(parts - 1).unwrap()).chain([rest]).collect::<Vec<_>>()
            })
            .collect();
        prop_assert_eq!(settle(&term, &split).1, whole);
        let (adjustments, _) = settle(&term, &split);
        prop_assert_eq!(adjustments.iter().sum::<Decimal>(), whole - total(&calls).amount);
    }

    #[test]
    fn graduated_tiers_of_list_prices_change_nothing(calls in any_calls(), boundary in 1_i64..1_000_000) {
        let term = term(TermKind::Graduated, vec![
            tier("0", factor("1")),
            Tier { above: Decimal::from(boundary), inclusive: false, price: factor("1") },
        ]);
        let (adjustments, _) = settle(&term, &calls);
        prop_assert!(adjustments.iter().all(Decimal::is_zero));
    }

    #[test]
    fn a_month_counts_and_charges_what_its_calls_do(calls in any_calls(), units in 1_i64..10_000_000) {
        let term = allowance(&units.to_string());
        let mut month = ContractMonth::new("2026-10-01".parse().unwrap());
        for call in &calls {
            month.count(&term, *call);
        }
        let mut month = month.close(std::slice::from_ref(&term)).unwrap();
        prop_assert!(calls.is_empty() || !month.adds_up() || total(&calls) == Volume::default());
        let moved: Decimal = calls.iter().map(|call| month.charge(&term, *call).unwrap()).sum();
        prop_assert!(month.adds_up());
        let charge: Decimal = month.terms.iter().filter_map(|term| term.charge).sum();
        prop_assert_eq!(moved, charge - total(&calls).amount);
    }
}
