//! Rules, usage and dates at random: nothing is lost, and the answer is that of an interpreter that goes through every day by hand.

mod tickets;

use super::apportion::apportion;
use super::*;
use crate::period::Period;
use crate::span::Span;
use crate::spend::Dimension;
use chrono::{DateTime, Days, NaiveDate, Utc};
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use tickets::{Tickets, tickets, tickets_of};

const PROJECTS: [&str; 4] = ["a", "b", "c", "d"];
const TEAMS: [&str; 3] = ["x", "y", "z"];
const LINES: [&str; 2] = ["m", "n"];
const WORDS: [&str; 3] = ["", "chat", "search"];

fn first() -> NaiveDate {
    "2026-10-01".parse().unwrap()
}

fn day(offset: u64) -> NaiveDate {
    first() + Days::new(offset)
}

/// Two calendar months.
fn days() -> Period {
    Period { from: first(), to: "2026-12-01".parse().unwrap() }
}

/// Usage of one day: project, feature, customer.
#[derive(Clone, Debug)]
struct Usage {
    day: NaiveDate,
    project: usize,
    feature: &'static str,
    customer: &'static str,
    amounts: Amounts,
}

fn series(project: usize, feature: &str) -> SeriesWords {
    SeriesWords { project, words: vec![(Dimension::Feature, feature.to_owned())] }
}

fn usages() -> impl Strategy<Value = Vec<Usage>> {
    let amounts = (-5_000_000_000_000_i64..50_000_000_000_000, 0_i64..90, 0_i64..9_000);
    let usage = (0_u64..61, 0_usize..4, prop::sample::select(&WORDS), prop::sample::select(&WORDS), amounts);
    let usage = usage.prop_map(|(offset, project, feature, customer, (units, requests, tokens))| Usage {
        day: day(offset),
        project,
        feature,
        customer,
        amounts: Amounts::new(Decimal::new(units, 12), requests, tokens),
    });
    prop::collection::vec(usage, 0..40)
}

fn owners() -> impl Strategy<Value = Owners> {
    // Each project has one owner, then another; the last one has no owner in between.
    let span = (0_usize..3, 0_usize..3, 1_u64..60);
    let line = (0_usize..4, 0_usize..2, 0_u64..60, 1_u64..30);
    (prop::collection::vec(span, 4), prop::option::of(line)).prop_map(|(spans, line)| {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let owned = (0..).zip(spans).flat_map(|(project, (before, after, moved)): (usize, _)| {
            let gap = if project == 3 { 3 } else { 0 };
            [
                (project, before, Period { from: NaiveDate::MIN, to: day(moved) }),
                (project, after, Period { from: day(moved + gap), to: NaiveDate::MAX }),
            ]
        });
        let in_line =
            |(project, line, from, length)| (project, line, Period { from: day(from), to: day(from + length) });
        Owners {
            projects: names(&PROJECTS),
            teams: names(&TEAMS),
            spans: owned.collect(),
            lines: names(&LINES),
            line_spans: line.map(in_line).into_iter().collect(),
        }
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let values = |words: &'static [&'static str]| prop::collection::vec(prop::sample::select(words), 1..3);
    prop_oneof![
        3 => (Just(Dimension::Project), values(&PROJECTS)),
        1 => (Just(Dimension::Team), values(&TEAMS)),
        1 => (Just(Dimension::ProductLine), values(&LINES)),
        1 => (Just(Dimension::Feature), values(&["chat", "sea"])),
        1 => (Just(Dimension::Customer), values(&["chat", "arch"])),
    ]
    .prop_flat_map(|(dimension, values)| {
        let test = prop::sample::select(&[Test::Is, Test::Is, Test::IsNot, Test::Contains, Test::Missing]);
        test.prop_map(move |test| Condition {
            dimension: dimension.clone(),
            test,
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        })
    })
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        prop::sample::select(&PROJECTS).prop_map(|slug| Target::Project(slug.to_owned())),
        prop::sample::select(&TEAMS).prop_map(|slug| Target::Team(slug.to_owned())),
    ]
}

fn instant() -> impl Strategy<Value = Option<DateTime<Utc>>> {
    prop::option::of((0_u64..70).prop_map(|offset| crate::rule::midnight(day(offset))))
}

fn rule() -> impl Strategy<Value = AllocationRule> {
    let among = prop::collection::btree_set(target(), 1..4);
    let conditions = prop::collection::vec(condition(), 1..3);
    (conditions, prop::sample::select(&Method::ALL), among, (instant(), instant()), any::<prop::sample::Index>())
        .prop_map(|(conditions, method, among, (from, to), cut)| {
            let span = Span::new(from, to).unwrap_or(Span { from, to: None });
            let first = Decimal::from(1 + cut.index(97));
            let percent = |at: usize, of: usize| match (at, of) {
                (_, 1) => Decimal::ONE_HUNDRED,
                (0, _) => first,
                (_, of) => (Decimal::ONE_HUNDRED - first) / Decimal::from(of - 1),
            };
            let count = among.len();
            let share = |(at, target)| Share { target, percent: (method == Method::Fixed).then(|| percent(at, count)) };
            let mut among: Vec<Share> = among.into_iter().enumerate().map(share).collect();
            match method {
                Method::Relabel => among.truncate(1),
                Method::Shared => among.clear(),
                _ => {}
            }
            let metric = (method == Method::BusinessMetric).then(|| "tickets".to_owned());
            let (valid_from, valid_to) = (span.from, span.to);
            AllocationRule { method, among, metric, valid_from, valid_to, ..named("r", conditions) }
        })
}

fn named(name: &str, conditions: Vec<Condition>) -> AllocationRule {
    AllocationRule {
        rule_id: 0,
        name: name.to_owned(),
        position: 0,
        conditions,
        method: Method::Shared,
        among: Vec::new(),
        metric: None,
        reason: String::new(),
        valid_from: None,
        valid_to: None,
    }
}

/// A plan as the backend makes it.
fn plan(owners: &Owners, tickets: &[Tickets], lists: &[Vec<AllocationRule>], wanted: Period) -> Plan {
    let values = tickets.iter().map(Tickets::recorded).collect();
    Plan::new(owners, lists, days(), wanted).with_metrics(owners, &MetricValues::from([("tickets".to_owned(), values)]))
}

/// As the backend does it: classes of labels, lanes of groups, sums by day and route.
fn cells(plan: &mut Plan, list: usize, usages: &[Usage]) -> Vec<Cell> {
    let classes: Vec<usize> = usages.iter().map(|usage| plan.class(&Dimension::Customer, usage.customer)).collect();
    let mut cells = Vec::new();
    for (usage, class) in usages.iter().zip(classes) {
        let group = plan.group(&series(usage.project, usage.feature));
        let (lanes, epoch) = (plan.lanes(group), plan.epoch(usage.day));
        let of = |class: usize| lanes.iter().find(|lane| lane.class == class && lane.epoch == epoch);
        let route = of(class).or_else(|| of(0)).unwrap().routes[list];
        let part = plan.parts().iter().rev().find(|(from, _)| *from <= usage.day).unwrap().0;
        let day = if plan.route(route).split.is_some() { usage.day } else { part };
        cells.push(Cell { day, route, part: 0, amounts: usage.amounts });
    }
    cells
}

/// The same, day by day.
fn cells_by_day(plan: &mut Plan, usages: &[Usage]) -> Vec<Cell> {
    let cells = cells(plan, 0, usages);
    cells.into_iter().zip(usages).map(|(cell, usage)| Cell { day: usage.day, ..cell }).collect()
}

fn settled(
    (owners, tickets): (&Owners, &[Tickets]),
    rules: &[AllocationRule],
    usages: &[Usage],
    since: fn(NaiveDate) -> NaiveDate,
) -> Allocation {
    let mut plan = plan(owners, tickets, &[rules.to_vec()], days());
    let cells = cells_by_day(&mut plan, usages);
    plan.settle(0, cells, days(), since)
}

/// Usage on its way through the rules of a day.
#[derive(Clone, Debug)]
struct Piece {
    usage: Usage,
    place: Place,
    is_share: bool,
    is_shared: bool,
}

/// Every piece of a day through every rule, one after the other. Without weights, what is split is left out.
fn by_hand(
    (owners, rules): (&Owners, &[AllocationRule]),
    usages: &[Usage],
    weights: Option<&dyn Fn(usize) -> Vec<i128>>,
) -> Vec<Piece> {
    let place = |holder: Holder, day: NaiveDate| {
        let owner = |project| owners.spans.iter().find(|(of, _, span)| *of == project && span.contains(day));
        let team = match holder {
            Holder::Project(project) => owner(project).map(|(_, team, _)| *team),
            Holder::Team(team) => Some(team),
            Holder::Nobody => None,
        };
        Place { holder, team }
    };
    let holder = |target: &Target| match target {
        Target::Project(slug) => Holder::Project(PROJECTS.iter().position(|name| name == slug).unwrap()),
        Target::Team(slug) => Holder::Team(TEAMS.iter().position(|name| name == slug).unwrap()),
    };
    let mut pieces: Vec<Piece> = usages
        .iter()
        .map(|usage| Piece {
            usage: usage.clone(),
            place: place(Holder::Project(usage.project), usage.day),
            is_share: false,
            is_shared: false,
        })
        .collect();
    for (number, rule) in rules.iter().enumerate() {
        let takes = |piece: &Piece| {
            let project = match piece.place.holder {
                Holder::Project(project) => PROJECTS[project],
                _ => "",
            };
            let word = |dimension: &Dimension| match dimension {
                Dimension::Project => project,
                Dimension::Team => piece.place.team.map_or("", |team| TEAMS[team]),
                Dimension::ProductLine => {
                    let day = piece.usage.day;
                    let holds =
                        |(of, _, span): &&(usize, usize, Period)| PROJECTS[*of] == project && span.contains(day);
                    owners.line_spans.iter().find(holds).map_or("", |(_, line, _)| LINES[*line])
                }
                Dimension::Feature => piece.usage.feature,
                _ => piece.usage.customer,
            };
            let holds = Span { from: rule.valid_from, to: rule.valid_to }.holds(crate::rule::midnight(piece.usage.day));
            let whole = rule.conditions.iter().all(|one| one.dimension == Dimension::Project && one.test == Test::Is);
            holds && (whole || !piece.is_share) && rule.conditions.iter().all(|one| one.fits(word(&one.dimension)))
        };
        let (taken, mut left): (Vec<Piece>, Vec<Piece>) = pieces.into_iter().partition(takes);
        match rule.method {
            Method::Shared => left.extend(taken.into_iter().map(|piece| Piece { is_shared: true, ..piece })),
            Method::Relabel => left.extend(taken.into_iter().map(|piece| Piece {
                place: place(holder(&rule.among[0].target), piece.usage.day),
                is_shared: false,
                ..piece
            })),
            _ => {
                let mut pools: BTreeMap<(NaiveDate, Place), Amounts> = BTreeMap::new();
                for piece in &taken {
                    *pools.entry((piece.usage.day, piece.place)).or_default() += piece.usage.amounts;
                }
                for ((day, _), pool) in pools {
                    let Some(weights) = weights.map(|of| of(number)) else { continue };
                    let cut = |whole| apportion(whole, &weights);
                    let (units, requests, tokens) = (cut(pool.units), cut(pool.requests), cut(pool.tokens));
                    for (at, share) in rule.among.iter().enumerate() {
                        let [units, requests, tokens] = [units[at], requests[at], tokens[at]];
                        let amounts = Amounts { units, requests, tokens, unpriced: 0 };
                        let usage = Usage { day, project: 0, feature: "", customer: "", amounts };
                        let place = place(holder(&share.target), day);
                        left.push(Piece { usage, place, is_share: true, is_shared: false });
                    }
                }
            }
        }
        pieces = left;
    }
    for piece in pieces.iter_mut().filter(|piece| piece.is_shared) {
        piece.place = Place { holder: Holder::Nobody, team: None };
    }
    pieces
}

/// What is where at the end of each day.
fn expected(
    (owners, tickets): (&Owners, &[Tickets]),
    rules: &[AllocationRule],
    usages: &[Usage],
) -> BTreeMap<(NaiveDate, Place), Amounts> {
    let mut at_end: BTreeMap<(NaiveDate, Place), Amounts> = BTreeMap::new();
    for month in [Period::month_of(first()), Period::month_of(day(40))] {
        let of_month: Vec<Usage> = usages.iter().filter(|usage| month.contains(usage.day)).cloned().collect();
        let direct = by_hand((owners, rules), &of_month, None);
        let weights = |number: usize| {
            let rule = &rules[number];
            let used = |target: &Target| -> i128 {
                let is_of = |piece: &&Piece| match target {
                    Target::Project(slug) => {
                        matches!(piece.place.holder, Holder::Project(project) if PROJECTS[project] == slug)
                    }
                    Target::Team(slug) => piece.place.team.is_some_and(|team| TEAMS[team] == slug),
                };
                let of = |piece: &Piece| match rule.method {
                    Method::Spend => piece.usage.amounts.units,
                    Method::Requests => piece.usage.amounts.requests,
                    Method::Tokens => piece.usage.amounts.tokens,
                    _ => 0,
                };
                direct.iter().filter(is_of).map(of).sum()
            };
            let percent = |share: &Share| (share.percent.unwrap() * Decimal::from(1_000_000)).trunc().mantissa();
            match rule.method {
                Method::Fixed => rule.among.iter().map(percent).collect(),
                Method::BusinessMetric => {
                    rule.among.iter().map(|share| tickets_of(owners, tickets, month, &share.target)).collect()
                }
                _ => rule.among.iter().map(|share| used(&share.target)).collect(),
            }
        };
        for piece in by_hand((owners, rules), &of_month, Some(&weights)) {
            *at_end.entry((piece.usage.day, piece.place)).or_default() += piece.usage.amounts;
        }
    }
    at_end.retain(|_, amounts| !amounts.is_empty());
    at_end
}

fn by_month<K: Ord + Copy>(days: &BTreeMap<K, Amounts>, month: impl Fn(K) -> K) -> BTreeMap<K, Amounts> {
    let mut months: BTreeMap<K, Amounts> = BTreeMap::new();
    days.iter().for_each(|(key, amounts)| *months.entry(month(*key)).or_default() += *amounts);
    months.retain(|_, amounts| !amounts.is_empty());
    months
}

fn total<K>(amounts: &BTreeMap<K, Amounts>) -> Amounts {
    let mut total = Amounts::default();
    amounts.values().for_each(|of| total += *of);
    total
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The answer is what going through every day by hand finds; what is there at the end is what was used, on every day, and each place's account adds up.
    #[test]
    fn nothing_is_lost_and_every_day_is_as_by_hand(
        owners in owners(), rules in prop::collection::vec(rule(), 0..7), usages in usages(), tickets in tickets(),
    ) {
        let world = (&owners, tickets.as_slice());
        let made = settled(world, &rules, &usages, |day| day);
        prop_assert_eq!(&made.at_end, &expected(world, &rules, &usages));
        for day in days().iter() {
            let used = usages.iter().filter(|usage| usage.day == day);
            let mut sum = Amounts::default();
            used.for_each(|usage| sum += usage.amounts);
            let of_day = |amounts: &BTreeMap<(NaiveDate, Place), Amounts>| {
                total(&amounts.iter().filter(|((of, _), _)| *of == day).map(|(key, of)| (*key, *of)).collect())
            };
            prop_assert_eq!(of_day(&made.own), sum);
            prop_assert_eq!(of_day(&made.at_end), sum);
        }
        let mut accounts = made.own.clone();
        for (step, amounts) in &made.moved {
            *accounts.entry((step.since, step.from)).or_default() += -*amounts;
            *accounts.entry((step.since, step.to)).or_default() += *amounts;
        }
        accounts.retain(|_, amounts| !amounts.is_empty());
        prop_assert_eq!(accounts, made.at_end);
    }

    /// The order in which sums come is nothing, days add up to months, and a part of the days is a part of the answer.
    #[test]
    fn days_add_up_to_months(
        owners in owners(), rules in prop::collection::vec(rule(), 0..7), usages in usages(), tickets in tickets(),
        from in 0_u64..60, length in 1_u64..60,
    ) {
        let world = (&owners, tickets.as_slice());
        let by_day = settled(world, &rules, &usages, |day| day);
        let mut turned = usages.clone();
        turned.reverse();
        prop_assert_eq!(&settled(world, &rules, &turned, |day| day), &by_day);

        let months = settled(world, &rules, &usages, month_of);
        prop_assert_eq!(&by_month(&by_day.at_end, |(day, place)| (month_of(day), place)), &months.at_end);
        prop_assert_eq!(&by_month(&by_day.moved, |step| Move { since: month_of(step.since), ..step }), &months.moved);

        let part = Period { from: day(from), to: day(from + length) };
        let mut plan = plan(&owners, &tickets, std::slice::from_ref(&rules), part);
        let cells = cells(&mut plan, 0, &usages);
        let made = plan.settle(0, cells, part, |_| part.from);
        let mut within = by_day.at_end;
        within.retain(|(day, _), _| part.contains(*day));
        prop_assert_eq!(made.at_end, by_month(&within, |(_, place)| (part.from, place)));
    }

    /// Whatever parts are told apart: those of a place add up to what is there, those of a day to what was used, and finer ones to coarser ones.
    #[test]
    fn parts_add_up_both_ways(
        owners in owners(), rules in prop::collection::vec(rule(), 0..7), usages in usages()
    ) {
        let mut plan = Plan::new(&owners, std::slice::from_ref(&rules), days(), days());
        let parts: Vec<usize> = (0..usages.len()).map(|number| 1 + number % 5).collect();
        let cells = cells_by_day(&mut plan, &usages).into_iter().zip(&parts).map(|(cell, part)| Cell { part: *part, ..cell });
        let made = plan.settle(0, cells, days(), |day| day);
        prop_assert_eq!(&made.at_end, &settled((&owners, &[]), &rules, &usages, |day| day).at_end);
        let (mut places, mut used): (BTreeMap<_, Amounts>, BTreeMap<_, Amounts>) = Default::default();
        for ((day, place, part), amounts) in &made.parts {
            *places.entry((*day, *place)).or_default() += *amounts;
            *used.entry((*day, *part)).or_default() += *amounts;
        }
        places.retain(|_, amounts| !amounts.is_empty());
        prop_assert_eq!(&places, &made.at_end);
        for (usage, part) in usages.iter().zip(&parts) {
            *used.entry((usage.day, *part)).or_default() += -usage.amounts;
        }
        used.retain(|_, amounts| !amounts.is_empty());
        prop_assert!(used.is_empty(), "{:?}", used);
    }

    /// Charges go the way of usage that has no words, by the rules that ask for none.
    #[test]
    fn charges_go_on_as_their_projects_usage_does(
        owners in owners(), rules in prop::collection::vec(rule(), 0..7), usages in usages()
    ) {
        let by_usage = |rule: &AllocationRule| matches!(rule.method, Method::Spend | Method::Requests | Method::Tokens);
        let rules: Vec<AllocationRule> = rules.into_iter().filter(|rule| !by_usage(rule)).collect();
        let mut plan = Plan::new(&owners, std::slice::from_ref(&rules), days(), days());
        let cells = cells_by_day(&mut plan, &usages);
        let usage = plan.settle(0, cells, days(), |day| day);
        let charges = usages.iter().map(|usage| (usage.day, Holder::Project(usage.project), usage.amounts));
        let made = plan.settle_charges(0, charges, &usage, |day| day);
        let plain: Vec<AllocationRule> = rules.into_iter().filter(AllocationRule::asks_for_holders_alone).collect();
        prop_assert_eq!(made.at_end, settled((&owners, &[]), &plain, &usages, |day| day).at_end);
    }

    /// Two lists beside each other answer as each does alone: what a preview compares is what was and what would be.
    #[test]
    fn lists_beside_each_other_do_not_mix(
        owners in owners(), before in prop::collection::vec(rule(), 0..4), after in prop::collection::vec(rule(), 0..4),
        usages in usages(), tickets in tickets(),
    ) {
        let mut plan = plan(&owners, &tickets, &[before.clone(), after.clone()], days());
        for (list, rules) in [before, after].iter().enumerate() {
            let cells = cells(&mut plan, list, &usages);
            let made = plan.settle(list, cells, days(), month_of);
            prop_assert_eq!(made.at_end, settled((&owners, &tickets), rules, &usages, month_of).at_end);
        }
    }
}

fn condition_of(dimension: &str, test: Test, value: &str) -> Condition {
    Condition { dimension: dimension.parse().unwrap(), test, values: vec![value.to_owned()] }
}

fn moves(name: &str, from: &str, to: &str) -> AllocationRule {
    let (kind, slug) = from.split_once(':').unwrap();
    let among = vec![Share { target: to.parse().unwrap(), percent: None }];
    AllocationRule { method: Method::Even, among, ..named(name, vec![condition_of(kind, Test::Is, slug)]) }
}

#[test]
fn a_circle_is_refused_by_name_however_long() {
    let rules =
        [moves("1", "project:a", "project:b"), moves("2", "project:b", "team:x"), moves("3", "project:c", "project:a")];
    let refused = check(&rules, &moves("4", "team:x", "project:c")).unwrap_err();
    assert_eq!(refused.code, "circle");
    assert_eq!(
        refused.detail,
        "These rules go round in a circle: team x → project c → project a → project b → team x."
    );
    assert_eq!(check(&rules, &moves("4", "project:d", "project:d")).unwrap_err().code, "circle");
    check(&rules, &moves("4", "project:b", "project:d")).unwrap();
    check(&rules, &moves("2", "team:x", "project:c")).unwrap();

    let at = |text: &str| Some(format!("{text}T00:00:00Z").parse().unwrap());
    let until = AllocationRule { valid_to: at("2026-11-01"), ..moves("1", "project:a", "project:b") };
    let since = AllocationRule { valid_from: at("2026-11-01"), ..moves("2", "project:b", "project:a") };
    check(&[until], &since).unwrap();
    let mut some = moves("2", "project:b", "project:a");
    some.conditions.push(condition_of("environment", Test::Is, "production"));
    check(&[moves("1", "project:a", "project:b")], &some).unwrap();
}

#[test]
fn rules_of_one_day_ask_about_one_label() {
    let of = |name: &str, key: &str| named(name, vec![condition_of(key, Test::StartsWith, "web-")]);
    let refused = check(&[of("repos", "tag.repo")], &of("customers", "customer")).unwrap_err();
    assert_eq!(refused.code, "another_label");
    assert!(refused.detail.contains("repos asks about tag repo on the same days"), "{}", refused.detail);
    check(&[of("repos", "tag.repo")], &of("more", "tag.repo")).unwrap();
    check(&[of("repos", "tag.repo")], &of("repos", "customer")).unwrap();
}

fn form(method: &str, targets: &[(&str, &str)]) -> AllocationForm {
    let target = |(to, percent): &(&str, &str)| TargetForm { to: (*to).to_owned(), percent: (*percent).to_owned() };
    AllocationForm {
        name: "Web".to_owned(),
        conditions: vec![ConditionForm {
            dimension: "tag.repo".to_owned(),
            test: "starts_with".to_owned(),
            values: "web-, www-".to_owned(),
        }],
        method: method.to_owned(),
        targets: targets.iter().map(target).collect(),
        reason: "Growth took them over.".to_owned(),
        ..AllocationForm::default()
    }
}

#[test]
fn a_form_says_every_wrong_field() {
    let read = form("fixed", &[("team:growth", "60"), ("", ""), ("project:a", "40 %")]).parse().unwrap().rule;
    assert_eq!(
        read.sentence(),
        "Usage where tag repo starts with web- or www- is split: team growth 60 %, project a 40 %."
    );
    let codes = |form: AllocationForm| -> Vec<(String, String)> {
        form.parse().unwrap_err().into_iter().map(|wrong| (wrong.pointer, wrong.code)).collect()
    };
    let pair = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
    assert_eq!(codes(form("fixed", &[("team:growth", "60"), ("project:a", "39.99")])), pair("targets", "sum"));
    assert_eq!(codes(form("fixed", &[("team:growth", "x")])), pair("targets[0][percent]", "invalid"));
    assert_eq!(codes(form("relabel", &[("team:a", ""), ("team:b", "")])), pair("targets", "too_many"));
    assert_eq!(codes(form("even", &[("team:a", ""), ("team:a", "")])), pair("targets[1][to]", "twice"));
    assert_eq!(codes(form("even", &[])), pair("targets", "required"));
    assert_eq!(codes(form("shared", &[("team:a", "")])), pair("targets", "invalid"));
    let nothing = AllocationForm { conditions: vec![], ..form("even", &[("team:a", "")]) };
    assert_eq!(codes(nothing), pair("conditions", "required"));
    let mut twice = form("even", &[("team:a", "")]);
    twice.conditions.push(ConditionForm {
        dimension: "customer".to_owned(),
        test: "missing".to_owned(),
        ..ConditionForm::default()
    });
    assert_eq!(codes(twice), pair("conditions", "another_label"));
    let empty = codes(AllocationForm::default());
    let fields: Vec<&str> = empty.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(fields, ["name", "method", "reason"]);
}

#[test]
fn a_split_by_use_of_nothing_is_even_and_says_so() {
    let owners = Owners {
        projects: PROJECTS.map(str::to_owned).to_vec(),
        teams: TEAMS.map(str::to_owned).to_vec(),
        spans: (0..4).map(|project| (project, 0, Period { from: NaiveDate::MIN, to: NaiveDate::MAX })).collect(),
        ..Owners::default()
    };
    let mut split = moves("pool", "project:a", "project:b");
    split.among.push(Share { target: Target::Team("z".to_owned()), percent: None });
    split.method = Method::Tokens;
    let usage =
        Usage { day: first(), project: 0, feature: "", customer: "", amounts: Amounts::new(Decimal::ONE, 3, 5) };
    let made = settled((&owners, &[]), &[split.clone()], std::slice::from_ref(&usage), month_of);
    assert_eq!(made.evenly.into_iter().collect::<Vec<_>>(), [(0, first())]);
    let halves: Vec<Decimal> = made.at_end.values().map(Amounts::spend).collect();
    assert_eq!(halves, [Decimal::new(5, 1), Decimal::new(5, 1)]);

    let beside = Usage { project: 1, day: day(30), ..usage.clone() };
    let made = settled((&owners, &[]), &[split], &[usage, beside], month_of);
    assert!(made.evenly.is_empty(), "the month's use counts, on whatever day it was");
    assert_eq!(made.at_end.values().map(Amounts::spend).collect::<Vec<_>>(), [Decimal::TWO]);
}

#[test]
fn what_nobody_is_charged_is_taken_by_rules_for_the_unallocated_and_split_by_use() {
    let owners = Owners {
        projects: PROJECTS.map(str::to_owned).to_vec(),
        teams: TEAMS.map(str::to_owned).to_vec(),
        spans: (0..3).map(|project| (project, project, Period { from: NaiveDate::MIN, to: NaiveDate::MAX })).collect(),
        ..Owners::default()
    };
    let mut split = moves("pool", "team:x", "project:b");
    split.conditions = vec![Condition { dimension: Dimension::Project, test: Test::Missing, values: Vec::new() }];
    split.among.push(Share { target: Target::Project("c".to_owned()), percent: None });
    split.method = Method::Tokens;
    let usage = |project, tokens| {
        let amounts = Amounts::new(Decimal::ONE, 1, tokens);
        Usage { day: first(), project, feature: "", customer: "", amounts }
    };
    let mut plan = Plan::new(&owners, &[vec![split]], days(), days());
    let cells = cells_by_day(&mut plan, &[usage(1, 30), usage(2, 10)]);
    let used = plan.settle(0, cells, days(), month_of);
    let amount = |units| Amounts { units, ..Amounts::default() };
    let charges = [(day(3), Holder::Nobody, amount(100)), (day(4), Holder::Team(0), amount(7))];
    let made = plan.settle_charges(0, charges, &used, month_of);
    let place = |holder, team| (first(), Place { holder, team });
    let expected = [
        (place(Holder::Project(1), Some(1)), amount(75)),
        (place(Holder::Project(2), Some(2)), amount(25)),
        (place(Holder::Team(0), Some(0)), amount(7)),
    ];
    assert_eq!(made.at_end, BTreeMap::from(expected));
    assert!(made.used == used.used && made.own.len() == 2);
}

#[test]
fn parts_of_values_are_found_in_upper_and_lower_case_as_filters_find_them() {
    assert!(condition_of("feature", Test::Contains, "SEARCH").fits("web-search"));
    assert!(condition_of("feature", Test::StartsWith, "web-").fits("Web-Search"));
    assert!(!condition_of("feature", Test::Is, "search").fits("Search"), "whole values are what they are");
}

#[test]
fn a_split_by_a_metric_goes_by_the_month_of_projects_and_their_teams() {
    let whole = Period { from: NaiveDate::MIN, to: NaiveDate::MAX };
    let moved = day(20);
    let owners = Owners {
        projects: PROJECTS.map(str::to_owned).to_vec(),
        teams: TEAMS.map(str::to_owned).to_vec(),
        // From October 21 on, b is not x's any more.
        spans: vec![
            (0, 0, whole),
            (1, 0, Period { to: moved, ..whole }),
            (1, 1, Period { from: moved, ..whole }),
            (2, 2, whole),
        ],
        ..Owners::default()
    };
    let mut split = moves("pool", "project:a", "team:x");
    split.among.push(Share { target: Target::Team("y".to_owned()), percent: None });
    split.among.push(Share { target: Target::Project("c".to_owned()), percent: None });
    (split.method, split.metric) = (Method::BusinessMetric, Some("tickets".to_owned()));
    let of = |slug: &str, number| Tickets { of: Target::Project(slug.to_owned()), day: 0, is_of_month: true, number };
    let usage =
        Usage { day: day(3), project: 0, feature: "", customer: "", amounts: Amounts::new(Decimal::from(62), 0, 0) };
    // Of b's 31 tickets 20 were x's and 11 y's, and c had 31.
    let made = settled((&owners, &[of("b", 1), of("c", 1)]), &[split.clone()], std::slice::from_ref(&usage), month_of);
    let ends: Vec<Decimal> = made.at_end.values().map(Amounts::spend).collect();
    assert_eq!(ends, [31, 20, 11].map(Decimal::from));
    assert!(made.evenly.is_empty());
    let none = settled((&owners, &[]), &[split.clone()], &[usage], month_of);
    assert_eq!(none.evenly.into_iter().collect::<Vec<_>>(), [(0, first())]);
    assert_eq!(split.effect_words(), "is split by tickets of the month among team x, team y, project c");
    let unnamed = form("business_metric", &[("team:a", "")]).parse().unwrap_err();
    assert_eq!((unnamed[0].pointer.as_str(), unnamed.len()), ("metric", 1));
}
