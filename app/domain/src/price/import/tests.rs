use super::*;
use crate::meter::{Meters, Usage};
use crate::price::{BookRows, Context, PriceBook};
use crate::rating::rate_usage;
use proptest::prelude::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The day of the import in all tests.
fn day() -> DateTime<Utc> {
    at("2026-11-20T00:00:00Z")
}

fn rows(text: &str) -> Vec<BookPrice> {
    seed::parse(text).unwrap().prices
}

/// One model of one provider from one set, with these records.
fn set(source: &str, records: &[&str]) -> Vec<BookPrice> {
    rows(&format!("s\t{source}\t1\np\tacme\nm\tone\n{}\n", records.join("\n")))
}

fn describe(comparison: &Comparison) -> Vec<String> {
    let rate = |row: &Option<BookPrice>| row.as_ref().map_or_else(|| "-".to_owned(), |row| row.rate.to_string());
    let from = |proposal: &Proposal| proposal.from.map_or_else(|| "ever".to_owned(), |at| at.date_naive().to_string());
    let one = |proposal: &Proposal| {
        let warnings = proposal.warnings.len();
        format!(
            "{} {}->{} {} {warnings}",
            proposal.kind.as_str(),
            rate(&proposal.before),
            rate(&proposal.after),
            from(proposal)
        )
    };
    comparison.proposals.iter().map(one).collect()
}

fn compared(book: &[&str], data: &[&str]) -> Vec<String> {
    describe(&compare(&set("list", book), &set("list", data), day()))
}

const INPUT: &str = "r\tinput_uncached\t\t\t3\t1000000";
const OUTPUT: &str = "r\toutput\t\t\t15\t1000000";

#[test]
fn the_same_again_proposes_nothing_however_it_is_written() {
    assert!(compared(&[INPUT, OUTPUT], &[INPUT, "r\toutput\t\t\t0.015\t1000"]).is_empty());
    let again = compare(&set("list", &[INPUT, OUTPUT]), &set("list", &[INPUT, OUTPUT]), day());
    assert_eq!((again.unchanged, again.unlisted_models), (2, 0));
}

#[test]
fn a_change_without_a_date_holds_from_the_day_of_the_import() {
    assert_eq!(compared(&[INPUT, OUTPUT], &[INPUT, "r\toutput\t\t\t12\t1000000"]), ["changed 15->12 2026-11-20 0"]);
    assert_eq!(compared(&[INPUT], &[INPUT, OUTPUT]), ["new_price -->15 2026-11-20 0"], "a meter that had no price");
}

#[test]
fn a_change_with_a_date_holds_from_its_date() {
    let dated = ["r\toutput\t\t\t15\t1000000\t\t2026-11-05", "r\toutput\t\t\t12\t1000000\t2026-11-05"];
    assert_eq!(compared(&[OUTPUT], &dated), ["changed 15->12 2026-11-05 0"]);
    let later = ["r\toutput\t\t\t15\t1000000\t\t2026-12-01", "r\toutput\t\t\t12\t1000000\t2026-12-01"];
    assert_eq!(compared(&[OUTPUT], &later), ["changed 15->12 2026-12-01 0"], "also one that is to come");
}

#[test]
fn an_end_with_a_date_ends_and_one_without_needs_a_confirmation() {
    assert_eq!(compared(&[OUTPUT], &["r\toutput\t\t\t15\t1000000\t\t2026-12-01"]), ["ended 15->- 2026-12-01 0"]);
    let gone = compare(&set("list", &[INPUT, OUTPUT]), &set("list", &[INPUT]), day());
    assert_eq!(describe(&gone), ["ended 15->- 2026-11-20 1"]);
    assert_eq!(gone.proposals[0].warnings, [PriceWarning::Unlisted]);
    let others = compare(&set("other", &[INPUT, OUTPUT]), &set("list", &[INPUT]), day());
    assert!(others.proposals.is_empty(), "another set's price is not this one's to end");
}

#[test]
fn a_model_that_is_not_mentioned_stays() {
    let book = rows("s\tlist\t1\np\tacme\nm\tone\nr\toutput\t\t\t1\t1\nm\ttwo\nr\toutput\t\t\t1\t1\n");
    let comparison = compare(&book, &set("list", &["r\toutput\t\t\t1\t1"]), day());
    assert_eq!((comparison.proposals.len(), comparison.unlisted_models), (0, 1));
}

#[test]
fn a_new_model_has_its_prices_since_ever() {
    let data = rows("s\tlist\t1\np\tacme\nm\ttwo\nr\toutput\t\t\t1\t1000000\nr\tinput_uncached\t\t\t0\t1000000\n");
    let comparison = compare(&set("list", &[OUTPUT]), &data, day());
    assert_eq!(describe(&comparison), ["new_model -->0 ever 1", "new_model -->1 ever 0"]);
    assert_eq!(comparison.proposals[0].warnings, [PriceWarning::Free], "no silent zero");
}

#[test]
fn what_looks_wrong_needs_a_confirmation() {
    let warnings = |before: &str, after: &str| {
        let record = |rate: &str| format!("r\toutput\t\t\t{rate}\t1000000");
        let comparison = compare(&set("list", &[&record(before)]), &set("list", &[&record(after)]), day());
        comparison.proposals[0].warnings.clone()
    };
    let before = Decimal::from(15);
    let (tenfold, millionfold) =
        ([PriceWarning::Tenfold { before, per: 1_000_000 }], [PriceWarning::Millionfold { before, per: 1_000_000 }]);
    assert_eq!(warnings("15", "150"), tenfold);
    assert_eq!(warnings("15", "1.5"), tenfold);
    assert_eq!(warnings("15", "149"), []);
    assert_eq!(warnings("15", "0.000015"), millionfold, "per token instead of per million");
    assert_eq!(warnings("15", "14000000"), millionfold, "per million instead of per token");
    assert_eq!(warnings("15", "0"), [PriceWarning::Free]);
    let other = compare(&set("first", &[OUTPUT]), &set("second", &["r\toutput\t\t\t12\t1000000"]), day());
    assert_eq!(other.proposals[0].warnings, [PriceWarning::OtherSource { source: "first".to_owned() }]);
    let own: Vec<BookPrice> = set("Contract", &[OUTPUT])
        .into_iter()
        .map(|row| BookPrice { price_id: crate::rule::FIRST_RULE_ID, ..row })
        .collect();
    let own = compare(&own, &set("list", &["r\toutput\t\t\t12\t1000000"]), day());
    assert_eq!(own.proposals[0].warnings, [PriceWarning::OwnPrice]);
}

#[test]
fn a_file_that_cannot_stand_in_a_book_is_refused() {
    let refused = |records: &[&str]| check(&set("list", records)).unwrap_err();
    assert!(refused(&["r\toutput\t\t\t-1\t1"]).contains("a negative price means that it varies"));
    assert!(refused(&["r\toutput\t\t\t1\t1\t2026-02-01\t2026-01-01"]).contains("ends before it begins"));
    assert!(refused(&["r\toutput\t\t\t1\t1", "r\toutput\t\t\t2\t1\t2026-01-01"]).contains("at the same time"));
    assert!(refused(&["r\toutput\t\t\t5000000000\t1"]).contains("nobody charges"));
    let mut links = set("list", &[OUTPUT]);
    for (link, is_kept) in [("https://list.example/a", true), ("javascript:alert(1)", false), ("https://a b", false)] {
        links[0].source_url = Some(link.to_owned());
        keep_web_links(&mut links);
        assert_eq!(links[0].source_url.is_some(), is_kept, "{link}");
    }
    assert!(check(&[]).unwrap_err().contains("no prices"));
    assert_eq!(check(&set("list", &[INPUT, OUTPUT])), Ok(()));
}

#[test]
fn one_bad_row_spoils_only_itself() {
    let text = "s\tlist\t1\np\tacme\nm\tone\nr\toutput\t\t\t-1\t1000000\nr\tinput_uncached\t\t\t3\t1000000\n\
                m\ttwo\nr\toutput\t\t\t1\t1\nr\toutput\t\t\t2\t1\t2026-01-01\nr\toutput\tbatch\t\t2\t1\n\
                r\toutput\t\t\tmuch\t1\nm\nr\toutput\t\t\t7\t1\nm\tthree\nr\toutput\t\t\t4\t1\n";
    let (rows, unread) = seed::parse_each(text);
    let unread: Vec<String> = unread.iter().map(ToString::to_string).collect();
    let said = ["line 10: not a rate", "line 11: a model has a name", "line 12: a price needs a model above it"];
    assert_eq!(unread, said, "what belongs to a model that cannot be read is not another's");
    let mut data = rows.prices;
    assert_eq!(
        keep_sound(&mut data),
        [
            "acme/one, output: a negative price means that it varies",
            "acme/two, output: two prices hold at the same time",
            "acme/two, output: two prices hold at the same time",
        ]
    );
    let kept: Vec<String> = data.iter().map(|row| format!("{} {} {}", row.model, row.meter, row.rate)).collect();
    assert_eq!(kept, ["one output -1", "one input_uncached 3", "two output 2", "three output 4"]);
    let proposed = describe(&compare(&[], &data, day()));
    assert_eq!(
        proposed,
        ["new_model -->3 ever 0", "new_model -->4 ever 1", "new_model -->2 ever 1"],
        "what varies is no price"
    );
    let comparison = compare(&set("list", &[OUTPUT]), &set("list", &["r\toutput\t\t\t-1\t1000000"]), day());
    assert_eq!(
        describe(&comparison),
        ["ended 15->- 2026-11-20 1"],
        "what it cost before ends, where somebody confirms it"
    );
}

#[test]
fn a_tier_below_its_base_and_a_rate_far_above_its_peers_ask_back() {
    let list = |tier: &str, rate: &str| {
        rows(&format!(
            "s\tlist\t1\np\tacme\nm\tone\n{INPUT}\nr\tinput_uncached\t\t>200000\t{tier}\t1000000\n\
             m\ttwo\nr\toutput\t\t\t2\t1000000\nm\tthree\nr\toutput\t\t\t3\t1000000\nm\tfour\nr\toutput\t\t\t4\t1000000\n\
             m\tnew\nr\toutput\t\t\t{rate}\t1000000\n"
        ))
    };
    let warnings = |book: &[BookPrice], data: &[BookPrice]| {
        let proposals = compare(book, data, day()).proposals;
        proposals.into_iter().flat_map(|proposal| proposal.warnings).collect::<Vec<_>>()
    };
    let per = 1_000_000;
    assert_eq!(warnings(&[], &list("6", "299")), []);
    let cheaper = PriceWarning::CheaperTier { base: Decimal::from(3), per };
    let far = PriceWarning::FarAbovePeers { usual: Decimal::from(3), per };
    // The base asks back for its tier, too.
    assert_eq!(warnings(&[], &list("2", "300")), [far, cheaper.clone(), cheaper.clone()]);
    let book = list("6", "5");
    assert_eq!(warnings(&book, &list("2.5", "5")), [cheaper]);
    assert_eq!(
        warnings(&book, &set("list", &["r\tinput_uncached\t\t\t7\t1000000"])).len(),
        2,
        "above the tier, which is no longer listed"
    );
}

#[test]
fn names_of_new_models_take_none_of_the_known_ones() {
    let book = seed::parse(
        "s\tl\t1\np\tacme\nm\tlarge-4-mini\na\t=large-4-mini\nr\toutput\t\t\t1\t1\nm\tlarge-4\na\t^large-4\nr\toutput\t\t\t1\t1\n",
    )
    .unwrap();
    let data = seed::parse("s\tl\t2\np\tacme\nm\tlarge-4-9\na\t^large-4-9\na\t^large\nr\toutput\t\t\t9\t1\n").unwrap();
    let new = BTreeSet::from([ModelName { provider: "acme".to_owned(), model: "large-4-9".to_owned() }]);
    let found = rules(&book, &data, &new, day());
    let texts = |rules: &[NameRule]| rules.iter().map(|row| row.pattern.to_string()).collect::<Vec<_>>();
    assert_eq!(texts(&found.first), ["=large-4-9", "^large-4-9"]);
    assert_eq!(texts(&found.last), ["^large"], "it would take names of the models that are known");
    assert!(found.first.iter().all(|row| row.valid_from == Some(day())), "the name meant another model until then");

    let rows_of = |rules: &[NameRule]| rules.iter().map(NameRule::row).collect::<Vec<_>>().into_iter();
    let mut all = book.clone();
    all.prices.extend(data.prices.clone());
    all.aliases = rows_of(&found.first).chain(book.aliases).chain(rows_of(&found.last)).collect();
    for (position, row) in all.aliases.iter_mut().enumerate() {
        row.position = u32::try_from(position).unwrap();
    }
    let book = PriceBook::new(all);
    let label = |name: &str, time: &str| book.resolve("acme", name, at(time)).unwrap().label().to_owned();
    assert_eq!(label("large-4-9-20261119", "2026-11-19T23:59:59Z"), "acme/large-4");
    assert_eq!(label("large-4-9-20261119", "2026-11-20T00:00:00Z"), "acme/large-4-9");
    assert_eq!(label("large-4-mini", "2026-11-20T00:00:00Z"), "acme/large-4-mini");
    assert_eq!(label("large-5", "2026-11-20T00:00:00Z"), "acme/large-4-9");
}

#[test]
fn a_card_holds_every_price_of_its_model_from_the_day_on() {
    let common = set("list", &[INPUT, OUTPUT, "r\tinput_cache_read\t\t\t0.3\t1000000\t\t2026-01-01"]);
    let own: Vec<BookPrice> = set("Contract", &["r\toutput\t\t\t10\t1000000"])
        .into_iter()
        .map(|row| BookPrice { price_id: crate::rule::FIRST_RULE_ID, ..row })
        .collect();
    let charged = overlay(&common, &own);
    assert_eq!(charged.iter().filter(|row| row.meter == Meter::Output).count(), 1, "the own price alone");
    let data = set("list", &["r\tinput_uncached\t\t\t2\t1000000", OUTPUT]);
    let comparison = compare(&charged, &data, day());
    assert_eq!(describe(&comparison), ["changed 3->2 2026-11-20 0", "changed 10->15 2026-11-20 1"]);
    let cards = cards(&charged, comparison.proposals.iter().filter(|proposal| !proposal.needs_confirmation()));
    let [card] = &cards[..] else { panic!("one model") };
    let mut rates: Vec<(Meter, String)> = card.prices.iter().map(|row| (row.meter, row.rate.to_string())).collect();
    rates.sort();
    let expected = [(Meter::InputUncached, "2".to_owned()), (Meter::Output, "10".to_owned())];
    assert_eq!(rates, expected, "what ended before does not come back, and what was negotiated stays");
    assert!(card.prices.iter().all(|row| row.valid_from == Some(day())) && card.from == Some(day()));
}

#[test]
fn drawn_back_proposals_hold_all_through_the_time_before() {
    let data = ["r\toutput\t\t\t12\t1000000\t2026-11-25\t2026-12-01", "r\toutput\t\t\t9\t1000000\t2026-12-01"];
    let comparison = compare(&set("list", &[OUTPUT]), &set("list", &data), day());
    let start = at("2026-10-21T00:00:00Z");
    let drawn = backdated(&comparison.proposals, start);
    let spans: Vec<_> = drawn.iter().map(|proposal| proposal.after.as_ref().unwrap()).collect();
    assert_eq!((spans[0].valid_from, spans[0].rate), (Some(start), Decimal::from(12)));
    assert_eq!((spans[1].valid_from, spans[1].rate), (Some(at("2026-12-01T00:00:00Z")), Decimal::from(9)));
}

/// Dates that rows of a generated list begin and end at.
const DATES: [&str; 6] = ["2026-01-01", "2026-06-01", "2026-11-10", "2026-11-20", "2026-12-01", "2027-01-01"];

/// A list of prices over time: for each kind of price, dates in order with a rate from each on, none for a gap.
fn list() -> impl Strategy<Value = Vec<BookPrice>> {
    let timeline = proptest::collection::vec(proptest::option::weighted(0.7, 1_u32..40), DATES.len() + 1);
    let model = proptest::collection::vec(proptest::option::weighted(0.7, timeline), 4);
    proptest::collection::vec(proptest::option::weighted(0.8, model), 3).prop_map(|models| {
        let mut text = "s\tlist\t1\np\tacme\n".to_owned();
        for (model, kinds) in models.into_iter().enumerate().filter_map(|(at, model)| Some((at, model?))) {
            text += &format!("m\tmodel-{model}\n");
            for (kind, timeline) in kinds.into_iter().enumerate().filter_map(|(at, kind)| Some((at, kind?))) {
                let kind = ["input_uncached\t\t", "output\t\t", "output\tbatch\t", "input_uncached\t\t>1000"][kind];
                for (place, rate) in timeline.into_iter().enumerate() {
                    let from = if place == 0 { "" } else { DATES[place - 1] };
                    let to = DATES.get(place).copied().unwrap_or_default();
                    if let Some(rate) = rate {
                        text += &format!("r\t{kind}\t{rate}\t1000000\t{from}\t{to}\n");
                    }
                }
            }
        }
        rows(&text)
    })
}

/// What a book charges for one call at a time.
fn charged(rows: &[BookPrice], model: &str, time: DateTime<Utc>, input: u64, batch: bool) -> Option<Decimal> {
    let book = PriceBook::new(BookRows { prices: rows.to_vec(), ..BookRows::default() });
    let used: Usage = Meters::from([(Meter::InputUncached, input), (Meter::Output, 700)]).into();
    rate_usage((&book).into(), "acme", model, &used, time, Context::new(None, batch))
        .ok()
        .map(|rated| rated.receipt.cost)
}

proptest! {
    #[test]
    fn applied_proposals_leave_nothing_to_propose(book in list(), data in list(), again in 0_i64..40) {
        let comparison = compare(&book, &data, day());
        let applied = apply(&book, &comparison.proposals);
        let rest = compare(&applied, &data, day() + chrono::TimeDelta::days(again));
        prop_assert!(rest.proposals.is_empty(), "{:?}", describe(&rest));
        prop_assert!(applied.is_empty() || check(&applied).is_ok(), "{:?}", check(&applied));
    }

    #[test]
    fn nothing_changes_for_times_before_a_proposal(book in list(), data in list(), model in 0_usize..3, input in prop_oneof![Just(500_u64), Just(5_000)], batch: bool) {
        let comparison = compare(&book, &data, day());
        let model = format!("model-{model}");
        let first = comparison.proposals.iter().filter(|proposal| proposal.model().model == model).map(|proposal| proposal.from).min();
        let applied = apply(&book, &comparison.proposals);
        for time in DATES {
            let time = at(&format!("{time}T00:00:00Z")) - chrono::TimeDelta::seconds(1);
            if first.is_none_or(|first| first.is_some_and(|first| time < first)) {
                let (before, after) = (charged(&book, &model, time, input, batch), charged(&applied, &model, time, input, batch));
                prop_assert_eq!(before, after);
            }
        }
    }

    #[test]
    fn a_part_of_the_proposals_leaves_the_rest(book in list(), data in list(), every in 2_usize..4) {
        let comparison = compare(&book, &data, day());
        let part: Vec<&Proposal> = comparison.proposals.iter().step_by(every).collect();
        let applied = apply(&book, part.iter().copied());
        prop_assert!(applied.is_empty() || check(&applied).is_ok(), "{:?}", check(&applied));
        let rest = compare(&applied, &data, day());
        let finished = apply(&applied, &rest.proposals);
        prop_assert!(compare(&finished, &data, day()).proposals.is_empty());
    }
}
