//! Generated calls, and queries that are generated too.

use super::*;
use domain::problem::Problem;
use domain::spend::Measure;
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

fn any_used() -> impl Strategy<Value = Used> {
    // Around both clock changes of New York and Lord Howe, month ends and a plain week.
    let starts = ["2026-03-07T12:00:00Z", "2026-04-04T06:00:00Z", "2026-10-30T18:00:00Z", "2026-11-16T00:00:00Z"];
    let word = |words: &'static [&'static str]| prop::sample::select(words);
    let words = (
        word(&["openai", "anthropic"]),
        word(&["gpt-4o", "claude-sonnet-4-5", "gpt-4o-mini"]),
        word(&["chat", "embeddings"]),
        word(&["", "triage", "!odd"]),
        word(&["", "production"]),
        word(&["success", "error"]),
        word(&["", "beta"]),
        word(&["", "rerank"]),
    );
    let labels = (word(&["", "acme", "globex"]), word(&["", "u1"]), word(&["", "7", "8"]));
    let cost = prop_oneof![
        4 => (0i64..3_000_000_000_000_000).prop_map(|nano| Cost::Known(Decimal::new(nano, 12))),
        2 => Just(Cost::Unknown),
        1 => Just(Cost::Avoided),
    ];
    (0..starts.len(), 0i64..3 * 86_400, 0..PROJECTS.len(), words, 0..2usize, labels, (1u64..100_000, cost)).prop_map(
        move |(start, secs, project, words, key, labels, (tokens, cost))| Used {
            at: starts[start].parse::<DateTime<Utc>>().unwrap() + Duration::seconds(secs),
            project,
            words: [
                words.0,
                if matches!(cost, Cost::Unknown) { UNPRICED } else { words.1 },
                words.2,
                words.3,
                words.4,
                words.5,
                words.6,
                words.7,
            ],
            key,
            labels: [labels.0, labels.1, labels.2],
            tokens,
            cost,
        },
    )
}

fn dimension(coarse_only: bool) -> impl Strategy<Value = Dimension> {
    let coarse = vec![
        Dimension::Project,
        Dimension::Team,
        Dimension::ProductLine,
        Dimension::Model,
        Dimension::Provider,
        Dimension::Operation,
        Dimension::Feature,
        Dimension::Environment,
        Dimension::ApiKey,
        Dimension::Status,
        Dimension::Cohort,
        Dimension::Step,
    ];
    let labels = vec![Dimension::Customer, Dimension::User, Dimension::Tag("version".to_owned())];
    prop::sample::select(if coarse_only { coarse } else { [coarse, labels].concat() })
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let values = prop::sample::subsequence(
        vec![
            "",
            "openai",
            "gpt-4o",
            "search",
            "platform",
            "finders",
            "triage",
            "!odd",
            "production",
            "success",
            "acme",
            "globex",
            "Globex Ltd",
            "7",
        ],
        1..4,
    );
    let parts = prop::sample::subsequence(vec!["OPEN", "-4o", "A", "!", "duct", "7", "%", "_", "key"], 1..3);
    let exact = (values, Just(false));
    let part = (parts, Just(true));
    (dimension(false), prop_oneof![3 => exact.boxed(), 1 => part.boxed()], any::<bool>()).prop_map(
        |(dimension, (values, contains), exclude)| {
            let values = values.into_iter().map(str::to_owned).collect();
            Filter { values, dimension, exclude, contains }
        },
    )
}

fn any_measures() -> impl Strategy<Value = Vec<Measure>> {
    prop_oneof![
        4 => Just(Measure::DEFAULT.to_vec()),
        1 => Just(vec![Measure::Retries, Measure::CacheHits, Measure::CacheReadShare]),
        1 => Just(vec![Measure::InputTokens]),
        1 => Just(vec![Measure::PeakRequestsPerMinute, Measure::RetryCost]),
        1 => Just(vec![Measure::LatencyP95, Measure::FirstTokenP50]),
        1 => Just(vec![Measure::CostPerCustomer]),
    ]
}

fn any_query() -> impl Strategy<Value = SpendQuery> {
    let group_by = prop::collection::btree_set(prop_oneof![3 => dimension(true), 1 => dimension(false)], 0..3);
    let range = (any::<bool>(), 0i64..280, 1i64..60, 0i64..96).prop_map(|(days, from, length, quarter)| {
        let from = NaiveDate::from_ymd_opt(2026, 2, 20).unwrap() + Duration::days(from);
        let to = from + Duration::days(length);
        let at = |day: NaiveDate, quarter: i64| {
            day.and_time(chrono::NaiveTime::MIN).and_utc() + Duration::minutes(15 * quarter)
        };
        if days {
            SpendRange::Days { from, to }
        } else {
            SpendRange::Instants { from: at(from, quarter), to: at(to, 3) }
        }
    });
    let bucket = prop::sample::select(Granularity::ALL.to_vec());
    (range, bucket, group_by, prop::collection::vec(any_filter(), 0..3), any_measures()).prop_map(
        |(range, bucket, group_by, filters, measures)| SpendQuery {
            range,
            bucket,
            group_by: group_by.into_iter().collect(),
            measures,
            metric: None,
            filters,
        },
    )
}

/// The query with ids of keys, which only the organization knows, one of them nobody's.
fn with_keys(mut query: SpendQuery, org: &Org) -> SpendQuery {
    let ids = [org.keys[0].0, org.keys[1].0, Uuid::nil()];
    let by_id = |filter: &&mut Filter| filter.dimension == Dimension::ApiKey && !filter.contains;
    for filter in query.filters.iter_mut().filter(by_id) {
        filter.values = filter.values.iter().map(|value| ids[value.len() % ids.len()].to_string()).collect();
    }
    query
}

/// The same cases in every run; PROPTEST_CASES asks for more.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases),
        failure_persistence: None,
        rng_seed: prop::test_runner::RngSeed::Fixed(5507),
        max_shrink_iters: 40,
        ..ProptestConfig::default()
    }
}

/// Organizations of one database, one for each case.
fn another_name() -> String {
    static NAMED: AtomicUsize = AtomicUsize::new(0);
    format!("Org {}", NAMED.fetch_add(1, Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_equals_the_sums_counted_event_by_event() {
    let database = TestDatabase::new().await;
    let runtime = tokio::runtime::Handle::current();
    let answered = AtomicUsize::new(0);
    let zones = prop::sample::select(vec!["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]);
    let input = (zones, prop::collection::vec(any_used(), 1..40), prop::collection::vec((any_query(), 0..6usize), 24));
    tokio::task::block_in_place(|| {
        proptest!(config(12), |((zone, events, queries) in input)| {
            runtime.block_on(async {
                let org = org(&database, &another_name(), zone, "2026-11-17").await;
                org.record(&events).await;
                for (asked, who) in queries {
                    let asked = with_keys(asked, &org);
                    let scope = match who {
                        0..3 => org.seen_by(who),
                        3..5 => org.seen_by_team(who - 3).await,
                        _ => org.scope.clone(),
                    };
                    match query(&org.backend, &scope, &asked).await {
                        Ok(answer) => {
                            let (rows, total) = org.counted(&events, &scope, &asked);
                            assert_eq!(answer.total, total, "{asked:?}");
                            assert_eq!(answer.rows, rows, "{asked:?}");
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(Error::Problem(Problem::Unprocessable { .. })) => assert!(asked.source().is_err()),
                        Err(error) => panic!("{asked:?}: {error}"),
                    }
                }
            });
        });
    });
    assert!(answered.into_inner() > 100);
}

/// Product rule 2: the same span has the same spend on every page, to the last decimal place.
async fn check_one_number(org: &Org, scope: &OrgScope, month: Period) {
    let asked = |bucket, by: &[Dimension]| SpendQuery::over(month).per(bucket).by(by.iter().cloned());
    let ask = async |bucket, by: &[Dimension]| query(&org.backend, scope, &asked(bucket, by)).await.unwrap();
    let total = ask(Granularity::None, &[]).await.total;
    let sum = |rows: &[SpendRow]| {
        let mut sums = Sums::default();
        rows.iter().for_each(|row| sums.add(&row.sums));
        sums
    };
    for (bucket, by) in [
        (Granularity::Hour, vec![]),
        (Granularity::Day, vec![Dimension::Project, Dimension::Model]),
        (Granularity::Week, vec![Dimension::Team]),
        (Granularity::Month, vec![Dimension::ApiKey, Dimension::Status]),
        (Granularity::None, vec![Dimension::Customer, Dimension::Team]),
    ] {
        assert_eq!(sum(&ask(bucket, &by).await.rows), total, "{bucket:?} {by:?}");
    }
    let shown =
        overview(&org.backend, scope, SpendScope::Organization, month, Some(month.previous()), &[]).await.unwrap();
    assert_eq!(shown.total, total);
    let of = |sums: &Sums| sums.spend;
    assert_eq!(shown.projects.iter().map(|part| of(&part.sums)).sum::<Decimal>(), total.spend);
    assert_eq!(shown.models.iter().map(|part| of(&part.sums)).sum::<Decimal>(), total.spend);
    assert_eq!(shown.steps.iter().map(domain::spend::Step::spend).sum::<Decimal>(), total.spend);
    let before = query(&org.backend, scope, &SpendQuery::over(month.previous())).await.unwrap().total;
    assert_eq!(shown.before.as_ref(), Some(&before));
    assert_eq!(shown.teams.iter().map(|part| of(&part.sums)).sum::<Decimal>(), total.spend);
    let changes = shown.changes.unwrap();
    assert_eq!(changes.difference, total.spend - before.spend);
    assert_eq!(changes.causes.iter().map(|(_, amount)| *amount).sum::<Decimal>(), changes.difference);
    let days = project_days(&org.backend, scope, month).await.unwrap();
    assert_eq!(days.iter().map(|day| day.spend).sum::<Decimal>(), total.spend);
    assert_eq!(days.iter().map(|day| day.estimate.events).sum::<i64>(), total.unpriced_requests);
    assert_eq!(days.iter().map(|day| day.estimate.upper_bound).sum::<Decimal>(), total.unpriced_upper_bound);

    let statement = crate::statements::month(&org.backend, scope, month, true).await.unwrap();
    assert_eq!(statement.total, total);
    assert_eq!(statement.teams.iter().map(|team| of(&team.sums)).sum::<Decimal>(), total.spend);
    for team in &statement.teams {
        assert_eq!(team.projects.iter().map(|project| of(&project.sums)).sum::<Decimal>(), team.sums.spend);
        for project in &team.projects {
            let lines: Decimal = project.lines.iter().filter_map(|line| line.amount).sum();
            assert_eq!(lines, project.sums.spend, "{project:?}");
        }
        let slug = &team.team.as_ref().unwrap().slug;
        let kind = domain::statement::StatementKind::Team;
        let (_, one) = crate::statements::one(&org.backend, scope, month, kind, slug).await.unwrap();
        assert_eq!(one.total, team.sums);
        let by_team = asked(Granularity::None, &[]).only(Dimension::Team, slug);
        assert_eq!(query(&org.backend, scope, &by_team).await.unwrap().total, team.sums);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_number_everywhere() {
    let database = TestDatabase::new().await;
    let runtime = tokio::runtime::Handle::current();
    let zones = prop::sample::select(vec!["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]);
    let input = (zones, prop::collection::vec(any_used(), 1..40));
    tokio::task::block_in_place(|| {
        proptest!(config(8), |((zone, events) in input)| {
            runtime.block_on(async {
                let org = org(&database, &another_name(), zone, "2026-11-17").await;
                org.record(&events).await;
                for day in ["2026-03-01", "2026-04-01", "2026-10-01", "2026-11-01"] {
                    let month = Period::month_of(day.parse().unwrap());
                    check_one_number(&org, &org.scope, month).await;
                    check_one_number(&org, &org.seen_by(1), month).await;
                    check_one_number(&org, &org.seen_by_team(0).await, month).await;
                }
            });
        });
    });
}
