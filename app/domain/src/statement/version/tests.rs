use super::*;
use crate::period::Period;
use crate::spend::Sums;
use crate::statement::{CloseFacts, CostOwner, Entry, LineKind, MarkupRule, StatementLine, TeamStatement, next_month};
use proptest::prelude::*;

fn owner(slug: &str) -> CostOwner {
    CostOwner { slug: slug.to_owned(), name: slug.to_owned(), cost_centre: None }
}

fn cents(number: i64) -> Decimal {
    Decimal::new(number, 2)
}

pub(in crate::statement) fn statement(month: NaiveDate, state: MonthState, amounts: &[i64]) -> MonthStatement {
    let line = |amount: &i64| StatementLine {
        provider: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        kind: LineKind::Rest,
        term: None,
        quantity: None,
        requests: 1,
        amount: Some(cents(*amount)),
    };
    let sums = Sums { spend: cents(amounts.iter().sum()), ..Sums::default() };
    let project = ProjectStatement {
        project: owner("main"),
        sums: sums.clone(),
        lines: amounts.iter().map(line).collect(),
        charges: vec![],
        shared: vec![],
        markup: None,
    };
    let (team, projects) = (Some(owner("growth")), vec![project]);
    let team = TeamStatement { team, sums: sums.clone(), projects, charges: vec![], shared: vec![], markup: None };
    MonthStatement {
        month: Period::month_of(month),
        today: next_month(month),
        currency: "USD".to_owned(),
        time_zone: "UTC".to_owned(),
        total: sums,
        teams: vec![team],
        unallocated: vec![],
        unallocated_shared: vec![],
        state,
        adjustments: vec![],
    }
}

fn facts(statement: &MonthStatement) -> CloseFacts {
    let MonthStatement { month, today, total, .. } = statement;
    let facts = crate::statement::close::tests::facts();
    CloseFacts { month: *month, today: *today, counted: total.spend, stated: total.spend, last_closed: None, ..facts }
}

fn markup(percent: &str) -> MarkupRule {
    let (percent, reason) = (percent.to_owned(), "Platform.".to_owned());
    crate::statement::MarkupForm { percent, reason, ..Default::default() }.parse().unwrap().rule
}

/// Each month with a version for review and a closed one.
fn bundle(months: &[Vec<i64>]) -> Bundle {
    let mut versions: Vec<BundledVersion> = vec![];
    for (place, amounts) in (1..).zip(months) {
        let month = NaiveDate::from_ymd_opt(2026, place, 1).unwrap();
        for (number, state) in [(1, MonthState::InReview), (2, MonthState::Closed)] {
            let statement = statement(month, state, amounts).with_markups(&[markup("5")]);
            let checklist = facts(&statement).checklist();
            let body = StatementBody { statement, checklist };
            let version = Version {
                position: u32::try_from(versions.len()).unwrap() + 1,
                month,
                number,
                closed: state == MonthState::Closed,
                at: "2027-01-01T00:00:00.123456Z".parse().unwrap(),
                by: "ada@example.com".to_owned(),
                total: body.statement.grand_total(),
                body_hash: sha256(&body.canonical().unwrap()),
                previous: versions.last().map(|before| before.version.hash.clone()),
                hash: String::new(),
            };
            let body = Some(serde_json::to_value(&body).unwrap());
            versions.push(BundledVersion { version: version.sealed(), body });
        }
    }
    Bundle { format: BUNDLE_FORMAT.to_owned(), organization: "acme".to_owned(), versions }
}

fn places(bundle: &Bundle) -> Vec<String> {
    verify(bundle).into_iter().map(|finding| format!("{}: {}", finding.place, finding.detail)).collect()
}

#[test]
fn what_is_hashed_has_one_form() {
    let text = r#"{"b": [1, "é\n\u0001"], "a": {"z": null, "y": true}, "ab": "1.50"}"#;
    let value: Value = serde_json::from_str(text).unwrap();
    let form = r#"{"a":{"y":true,"z":null},"ab":"1.50","b":[1,"é\n\u0001"]}"#;
    assert_eq!(canonical(&value), form);
    assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "FIPS 180-4");
}

proptest! {
    /// A whole bundle is right after a round trip as text, and no digit of it can be changed unseen.
    #[test]
    fn every_changed_digit_is_found(
        months in proptest::collection::vec(proptest::collection::vec(-9_999_i64..9_999, 1..4), 1..4), place in any::<prop::sample::Index>(),
    ) {
        let whole = bundle(&months);
        let text = serde_json::to_string(&whole).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Bundle>(&text).unwrap(), &whole);
        prop_assert_eq!(places(&whole), Vec::<String>::new());
        let digits: Vec<usize> = text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).map(|(at, _)| at).collect();
        let at = *place.get(&digits);
        let digit = text.as_bytes()[at] - b'0';
        let mut changed = text.clone();
        changed.replace_range(at..=at, &((digit + 1) % 10).to_string());
        // What cannot be read any more is found by the reader.
        if let Ok(changed) = serde_json::from_str::<Bundle>(&changed) {
            prop_assert!(!places(&changed).is_empty(), "{}", changed.versions.len());
        }
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let whole = bundle(&[vec![100, 200], vec![300]]);
    let mut missing = whole.clone();
    missing.versions.remove(1);
    let found = places(&missing);
    assert!(found[0].starts_with("2026-02 version 1: The hash of the version before is another one"), "{found:?}");
    assert_eq!(found[1], "2026-02 version 1: Its position is 3, not 2.");

    // Somebody who computes all hashes again is found by the sums.
    let mut forged = whole.clone();
    let BundledVersion { version, body } = &mut forged.versions[0];
    let body = body.as_mut().unwrap();
    body["statement"]["teams"][0]["projects"][0]["lines"][0]["amount"] = "5.00".into();
    version.body_hash = sha256(&canonical(body));
    *version = version.clone().sealed();
    let found = places(&forged);
    assert_eq!(
        found[0],
        "2026-01 version 1, team growth, project main: The lines add up to 7.000000000000, not to 3.000000000000."
    );
    assert_eq!(found[1], "2026-01 version 1: Entries add up to 7.150000000000, not to 3.150000000000.");
    assert!(found[2].starts_with("2026-01 version 2: The hash of the version before"), "{found:?}");

    // So is whoever changes a markup, or its percent.
    let mut marked = whole.clone();
    let BundledVersion { version, body } = &mut marked.versions[0];
    let body = body.as_mut().unwrap();
    body["statement"]["teams"][0]["projects"][0]["markup"]["percent"] = "6".into();
    version.body_hash = sha256(&canonical(body));
    *version = version.clone().sealed();
    let found = places(&marked);
    assert_eq!(
        found[0],
        "2026-01 version 1, team growth, project main: Percents of the markup add up to 0.180000000000, not to 0.150000000000."
    );
    assert_eq!(places(&Bundle { format: OLDER_FORMAT.to_owned(), ..whole.clone() }), Vec::<String>::new());

    let mut after = whole.clone();
    after.versions[3].version.month = after.versions[1].version.month;
    assert!(places(&after).iter().any(|found| found.ends_with("It was taken after the month was closed.")));
    assert_eq!(places(&Bundle { format: String::new(), versions: vec![], ..whole }).len(), 2);
}

#[test]
fn an_adjustment_names_a_month_that_was_closed_before() {
    let mut whole = bundle(&[vec![100]]);
    let body = whole.versions[0].body.take().unwrap();
    let mut body: StatementBody = serde_json::from_value(body).unwrap();
    let key = body.statement.entries().iter().next().unwrap().0.clone();
    let month = NaiveDate::from_ymd_opt(2025, 12, 1).unwrap();
    body.statement.adjustments = vec![Entry { key: super::super::EntryKey { month, ..key }, amount: cents(310) }];
    whole.versions.truncate(1);
    let version = &mut whole.versions[0].version;
    version.total = body.statement.grand_total();
    version.body_hash = sha256(&body.canonical().unwrap());
    *version = version.clone().sealed();
    whole.versions[0].body = Some(serde_json::to_value(&body).unwrap());
    assert_eq!(
        places(&whole),
        ["2026-01 version 1: The adjustment 2025-12: main/openai/gpt-4o is of a month that was not closed before."]
    );
}

#[test]
fn a_part_has_the_sums_of_what_stays() {
    let month = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
    let mut whole = statement(month, MonthState::Open, &[100, 50]);
    let mut other = whole.teams[0].clone();
    other.team = Some(owner("search"));
    other.projects[0].project = owner("other");
    whole.teams.push(other);
    whole.total = add_up(whole.teams.iter().map(|team| &team.sums));
    let adjustment = |team: Option<&str>| {
        let key = whole.entries().iter().next().unwrap().0.clone();
        Entry { key: super::super::EntryKey { team: team.map(str::to_owned), ..key }, amount: cents(1) }
    };
    whole.adjustments = vec![adjustment(Some("growth")), adjustment(None)];
    let all = whole.clone().part(|_, _| true);
    assert_eq!(all, whole);
    let team = whole.clone().part(|team, _| team == Some("growth"));
    assert_eq!((team.teams.len(), team.grand_total()), (1, cents(151)));
    let project = whole.part(|_, project| project == Some("other"));
    assert_eq!((project.teams.len(), project.grand_total()), (1, cents(150)));
}
