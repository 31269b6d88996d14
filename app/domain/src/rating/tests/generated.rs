//! What holds for any usage and any prices.

use super::*;
use proptest::prelude::*;

pub(super) fn quantities() -> impl Strategy<Value = Meters> {
    let tokens = Meter::ALL
        .iter()
        .copied()
        .filter(|meter| meter.is_token() && *meter != Meter::InputCacheWrite12h)
        .collect::<Vec<_>>();
    prop::collection::vec((prop::sample::select(tokens), 0_u64..2_000_000), 0..8)
        .prop_map(|pairs| pairs.into_iter().collect())
}

/// Rates with as many decimal places as price lists have.
pub(super) fn rates() -> impl Strategy<Value = Vec<(usize, Decimal)>> {
    prop::collection::vec((0..Meter::COUNT, (0_i64..50_000_000).prop_map(|micros| Decimal::new(micros, 6))), 0..12)
}

pub(super) fn random_book(rates: &[(usize, Decimal)]) -> Vec<BookPrice> {
    let mut rows = vec![row(Meter::InputUncached, "1.5"), row(Meter::Output, "7.25")];
    for (meter, rate) in rates {
        let meter = Meter::ALL[*meter];
        if rows.iter().all(|row| row.meter != meter) && meter != Meter::Requests {
            rows.push(with(row(meter, "0"), |row| row.rate = *rate));
        }
    }
    rows
}

proptest! {
    /// The lines add up to the cost, each is its quantity times its rate, and they cover the usage exactly.
    #[test]
    fn receipts_add_up(meters in quantities(), rates in rates()) {
        let rows = random_book(&rates);
        let (book, at) = (book(rows.clone()), day("2026-01-01"));
        let receipt = rate(&meters, book.resolve("acme", "one", at).unwrap(), at, Context::default()).unwrap();
        prop_assert_eq!(receipt.lines.iter().map(|line| line.amount).sum::<Decimal>(), receipt.cost);
        let covered: Meters = receipt.lines.iter().map(|line| (line.meter, line.quantity)).collect();
        prop_assert_eq!(covered, meters);
        for line in &receipt.lines {
            let behind = rows.iter().find(|row| Some(row.price_id) == line.source.id()).unwrap();
            let rate = line.source.rate().unwrap();
            prop_assert_eq!((rate.usd, rate.per), (behind.rate, behind.per));
            prop_assert_eq!(line.amount, round_line(line.quantity * rate.usd / Decimal::from(rate.per)));
        }
    }

    /// Factors multiply what the prices make, whatever the order they were written in, and the lines still add up.
    #[test]
    fn factors_multiply_and_lines_add_up(
        meters in quantities(),
        rates in rates(),
        factors in prop::collection::vec((0_usize..3, 0_i64..3_000), 0..4),
    ) {
        let modifiers: Vec<PriceModifier> = factors
            .iter()
            .map(|(kind, thousandths)| {
                let factor = Decimal::new(*thousandths, 3);
                let row = PriceModifier { factor, ..modifier(ModifierKind::ALL[*kind], "1") };
                PriceModifier { modifier_id: seed::modifier_id(&row), ..row }
            })
            .collect();
        let (plain, at) = (book(random_book(&rates)), day("2026-01-01"));
        let product: Decimal = modifiers.iter().map(|row| row.factor).product();
        let book = PriceBook::new(BookRows { prices: random_book(&rates), modifiers, ..BookRows::default() });
        let rated = |book: &PriceBook| rate(&meters, book.resolve("acme", "one", at).unwrap(), at, Context::default()).unwrap();
        let unrounded = |receipt: &Receipt| receipt.lines.iter().map(|line| line.unrounded().unwrap()).sum::<Decimal>();
        let receipt = rated(&book);
        prop_assert_eq!(unrounded(&receipt).normalize(), (unrounded(&rated(&plain)) * product).normalize());
        prop_assert_eq!(receipt.lines.iter().map(|line| line.amount).sum::<Decimal>(), receipt.cost);
        let covered: Meters =
            receipt.lines.iter().filter(|line| !line.source.is_modifier()).map(|line| (line.meter, line.quantity)).collect();
        prop_assert_eq!(covered, meters);
    }

    /// Below tier boundaries two events cost what one with the sum of their meters costs.
    #[test]
    fn splitting_an_event_costs_the_same(one in quantities(), two in quantities(), rates in rates()) {
        let (book, at) = (book(random_book(&rates)), day("2026-01-01"));
        let unrounded = |meters: &Meters| -> Decimal {
            let receipt = rate(meters, book.resolve("acme", "one", at).unwrap(), at, Context::default()).unwrap();
            receipt.lines.iter().map(|line| line.unrounded().unwrap()).sum()
        };
        let mut both = one.clone();
        both.extend(&two);
        prop_assert_eq!(unrounded(&both), unrounded(&one) + unrounded(&two));
    }

    /// Whatever prices come later, an old event's receipt stays what it was.
    #[test]
    fn later_prices_never_change_an_old_receipt(meters in quantities(), rates in rates(), later in rates()) {
        let (change, at) = (day("2026-03-01"), day("2026-02-28"));
        let before = random_book(&rates);
        let mut after: Vec<BookPrice> = before.clone();
        // Superseding closes the old rows and adds new ones; ids of the old rows stay.
        after.iter_mut().for_each(|row| row.valid_to = Some(change));
        after.extend(random_book(&later).into_iter().map(|row| with(row, |row| row.valid_from = Some(change))));
        let rate_with = |rows: Vec<BookPrice>| {
            let book = book(rows);
            rate(&meters, book.resolve("acme", "one", at).unwrap(), at, Context::default()).unwrap()
        };
        prop_assert_eq!(rate_with(before), rate_with(after));
    }
}
