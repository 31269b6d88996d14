//! The spend query against PostgreSQL, beside the same sums counted event by event.

use super::*;
use crate::ledger::known::{Entry, Memory, Missing};
use crate::ledger::rollup::{CallSums, MeterSums, RollupDelta, Slot};
use crate::ledger::series::Series;
use crate::scope::{Actor, Visible};
use crate::{OrgScope, TestClock};
use chrono::Datelike;
use domain::event::EventInput;
use domain::ids::{KeyId, OrgId, ProjectId, TeamId};
use domain::period::Zone;
use domain::problem::Problem;
use domain::spend::{BucketStart, Dimension, Filter, Granularity, Measure, SpendRange, SpendRow};
use proptest::prelude::*;
use rust_decimal::Decimal;
use sqlx::PgPool;
use std::sync::Arc;
use testkit::TestDatabase;
use uuid::Uuid;

const PROJECTS: [&str; 3] = ["assistant", "search", "support-bot"];
const TEAMS: [&str; 2] = ["platform", "product"];

/// An organization with three projects; `search` moves from one team to the other on `moved`.
struct Org {
    backend: Backend,
    scope: OrgScope,
    projects: Vec<ProjectId>,
    teams: Vec<TeamId>,
    moved: NaiveDate,
}

/// What counts in a rollup, without the rest of an event.
#[derive(Clone, Debug)]
struct Used {
    at: DateTime<Utc>,
    project: usize,
    words: [&'static str; 8],
    key: u128,
    labels: [&'static str; 3],
    sums: Sums,
}

async fn org(pool: &PgPool, zone: &str, moved: &str) -> Org {
    let backend = Backend::new(
        pool.clone(),
        Arc::new(TestClock::at("2026-11-23T10:07:31.5Z".parse().unwrap())),
        "http://localhost",
        true,
    );
    let id = || backend.clock.new_id();
    let (org_id, zone) = (OrgId(id()), Zone::parse(zone).unwrap());
    let moved: NaiveDate = moved.parse().unwrap();
    let insert =
        "insert into organizations (org_id, slug, name, time_zone, created_at) values ($1, $2, 'x', $3, now())";
    sqlx::query(insert).bind(org_id.0).bind(org_id.to_string()).bind(zone.name()).execute(pool).await.unwrap();
    let teams: Vec<_> = TEAMS.iter().map(|_| TeamId(id())).collect();
    let projects: Vec<_> = PROJECTS.iter().map(|_| ProjectId(id())).collect();
    for (team, slug) in teams.iter().zip(TEAMS) {
        let insert = "insert into teams (org_id, team_id, slug, name, created_at) values ($1, $2, $3, $3, now())";
        sqlx::query(insert).bind(org_id.0).bind(team.0).bind(slug).execute(pool).await.unwrap();
    }
    for (project, slug) in projects.iter().zip(PROJECTS) {
        let insert = "insert into projects (org_id, project_id, slug, name, created_at) values ($1, $2, $3, $3, now())";
        sqlx::query(insert).bind(org_id.0).bind(project.0).bind(slug).execute(pool).await.unwrap();
    }
    for (project, team, from, to) in [
        (0, 0, NaiveDate::MIN, NaiveDate::MAX),
        (1, 0, NaiveDate::MIN, moved),
        (1, 1, moved, NaiveDate::MAX),
        (2, 1, NaiveDate::MIN, NaiveDate::MAX),
    ] {
        let insert = "insert into project_ownership (org_id, project_id, team_id, valid_from, valid_to)
            values ($1, $2, $3, coalesce($4, '-infinity'::date), coalesce($5, 'infinity'::date))";
        sqlx::query(insert)
            .bind(org_id.0)
            .bind(projects[project].0)
            .bind(teams[team].0)
            .bind(Some(from).filter(|day| *day != NaiveDate::MIN))
            .bind(Some(to).filter(|day| *day != NaiveDate::MAX))
            .execute(pool)
            .await
            .unwrap();
    }
    let scope = OrgScope::new(org_id, zone, Actor::System, Visible::All);
    Org { backend, scope, projects, teams, moved }
}

impl Org {
    /// The same organization as a key of one project sees it.
    fn seen_by(&self, project: usize) -> OrgScope {
        let only = Visible::Only([self.projects[project]].into());
        OrgScope::new(self.scope.org_id(), self.scope.zone(), Actor::System, only)
    }

    fn team_of(&self, used: &Used) -> usize {
        match used.project {
            0 => 0,
            1 => usize::from(self.scope.zone().day_of(used.at) >= self.moved),
            _ => 1,
        }
    }

    /// Writes sums as the committer does.
    async fn roll_up(&self, events: &[Used]) {
        self.write(events, |_, _, _| {}).await;
    }

    /// The same with lines of receipts: two meters that share the cost, rounded, so that a rest can remain.
    async fn roll_up_meters(&self, events: &[Used]) {
        let meters = |rollups: &mut RollupDelta, slot: Slot<'_>, sums: &Sums| {
            for meter in ["input_uncached", "output"] {
                let booked = (sums.spend / Decimal::TWO).round_dp(9);
                let quantity = Decimal::from(sums.tokens);
                let requests = sums.requests.try_into().unwrap();
                rollups.add_meter(slot, meter, MeterSums { requests, quantity, booked, ..MeterSums::default() });
            }
        };
        self.write(events, meters).await;
    }

    async fn write(&self, events: &[Used], meters: impl Fn(&mut RollupDelta, Slot<'_>, &Sums)) {
        let known = Memory::default().of(&self.backend.pool, &self.scope).await.unwrap();
        let placed: Vec<_> = events
            .iter()
            .map(|used| {
                known.resolve(used.series(self), &used.sent(), ["shape", "plan"].map(|kind| Entry::of(kind, &kind)))
            })
            .collect();
        let mut rollups = RollupDelta::default();
        for (used, place) in events.iter().zip(&placed) {
            let slot = Slot {
                org_id: self.scope.org_id(),
                project_id: self.projects[used.project],
                at: used.at,
                day: self.scope.zone().day_of(used.at),
                series_id: place.series_id,
                labels: &place.labels,
            };
            let calls = CallSums {
                requests: used.sums.requests.try_into().unwrap(),
                tokens: used.sums.tokens,
                unpriced_requests: used.sums.unpriced_requests.try_into().unwrap(),
                booked: used.sums.booked,
                unpriced_upper_bound: used.sums.unpriced_upper_bound,
                avoided_cost: used.sums.avoided_cost,
                ..CallSums::default()
            };
            rollups.add_calls(slot, calls);
            meters(&mut rollups, slot, &used.sums);
        }
        let mut connection = self.backend.pool.acquire().await.unwrap();
        let missing = Missing::of(placed.iter().map(|place| (self.scope.org_id(), place)));
        missing.write(&mut connection, self.backend.clock.now()).await.unwrap();
        rollups.add(&mut connection).await.unwrap();
    }

    fn value(&self, used: &Used, dimension: &Dimension) -> Option<String> {
        let label = |position: usize| used.labels[position].to_owned();
        let text = match dimension {
            Dimension::Project => PROJECTS[used.project].to_owned(),
            Dimension::Team => TEAMS[self.team_of(used)].to_owned(),
            Dimension::Provider => used.words[0].to_owned(),
            Dimension::Model => used.words[1].to_owned(),
            Dimension::Operation => used.words[2].to_owned(),
            Dimension::Feature => used.words[3].to_owned(),
            Dimension::Environment => used.words[4].to_owned(),
            Dimension::Status => used.words[5].to_owned(),
            Dimension::ApiKey => Uuid::from_u128(used.key).to_string(),
            Dimension::Customer => label(0),
            Dimension::User => label(1),
            Dimension::Tag(key) if key == "version" => label(2),
            Dimension::Cohort => used.words[6].to_owned(),
            Dimension::Step => used.words[7].to_owned(),
            Dimension::Tag(_) => String::new(),
        };
        Some(text).filter(|text| !text.is_empty())
    }

    fn bucket(&self, used: &Used, bucket: Granularity) -> Option<BucketStart> {
        let local = self.scope.zone().local(used.at);
        let day = local.date_naive();
        Some(match bucket {
            Granularity::None => return None,
            // The start of the local hour with the offset that was in force: the repeated hour is two.
            Granularity::Hour => {
                let text = format!("{}:00:00{}", local.format("%Y-%m-%dT%H"), local.format("%:z"));
                BucketStart::Hour(text.parse().unwrap())
            }
            Granularity::Day => BucketStart::Day(day),
            Granularity::Week => BucketStart::Week(day - Duration::days(day.weekday().num_days_from_monday().into())),
            Granularity::Month => BucketStart::Month(day.with_day(1).unwrap()),
        })
    }

    fn matches(&self, used: &Used, scope: &OrgScope, query: &SpendQuery) -> bool {
        let inside = match query.range {
            SpendRange::Days { from, to } => (from..to).contains(&scope.zone().day_of(used.at)),
            SpendRange::Instants { from, to } => (from..to).contains(&used.at),
        };
        let kept = |filter: &Filter| {
            let value = self.value(used, &filter.dimension).unwrap_or_default();
            filter.values.contains(&value) != filter.exclude
        };
        inside && scope.sees(self.projects[used.project]) && query.filters.iter().all(kept)
    }

    /// What the answer must be, counted event by event.
    fn counted(&self, events: &[Used], scope: &OrgScope, query: &SpendQuery) -> (Vec<SpendRow>, Sums) {
        type Key = (Option<BucketStart>, Vec<Option<String>>);
        let mut rows: BTreeMap<Key, Sums> = BTreeMap::new();
        let mut total = Sums::default();
        for used in events.iter().filter(|used| self.matches(used, scope, query)) {
            let keys = query.group_by.iter().map(|dimension| self.value(used, dimension)).collect();
            rows.entry((self.bucket(used, query.bucket), keys)).or_default().add(&used.sums);
            total.add(&used.sums);
        }
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_by(|((a, keys_a), a_sums), ((b, keys_b), b_sums)| {
            a.cmp(b).then(b_sums.spend.cmp(&a_sums.spend)).then(keys_a.cmp(keys_b))
        });
        let row = |((bucket, keys), sums)| SpendRow { bucket, keys, sums };
        (rows.into_iter().map(row).collect(), total)
    }

    async fn check(&self, events: &[Used], scope: &OrgScope, text: &str) -> SpendAnswer {
        let asked = read(text);
        let answer = query(&self.backend, scope, &asked).await.unwrap();
        let (rows, total) = self.counted(events, scope, &asked);
        assert_eq!(answer.total, total, "{text}");
        assert_eq!(answer.rows, rows, "{text}");
        answer
    }
}

impl Used {
    fn sent(&self) -> EventInput {
        let word = |word: &str| Some(word.to_owned()).filter(|word| !word.is_empty());
        let [provider, model, operation, feature, environment, _, cohort, step] = self.words;
        let [customer, user, version] = self.labels;
        EventInput {
            provider: provider.to_owned(),
            model: model.to_owned(),
            operation: word(operation),
            feature: word(feature),
            environment: word(environment),
            cohort: word(cohort),
            step: word(step),
            customer: word(customer),
            user: word(user),
            tags: word(version).map(|version| ("version".to_owned(), version)).into_iter().collect(),
            ..EventInput::default()
        }
    }

    fn series(&self, org: &Org) -> Series<'static> {
        let whose = (org.projects[self.project], KeyId(Uuid::from_u128(self.key)));
        Series::of(whose, self.words[5].parse().unwrap(), self.words[2], &self.sent()).into_owned()
    }
}

fn read(text: &str) -> SpendQuery {
    let pairs: Vec<_> = text.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let owned: Vec<_> = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    SpendQuery::from_pairs(&owned).unwrap()
}

fn used(at: &str, project: usize, spend: &str) -> Used {
    Used {
        at: at.parse().unwrap(),
        project,
        words: ["openai", "gpt-4o", "chat", "triage", "production", "success", "", ""],
        key: 1,
        labels: ["acme", "", ""],
        sums: Sums {
            spend: spend.parse().unwrap(),
            booked: spend.parse().unwrap(),
            requests: 1,
            tokens: 100,
            ..Sums::default()
        },
    }
}

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
    let sums = (0i64..3_000_000_000_000_000, 1i64..4, 0i64..100_000, any::<bool>());
    (0..starts.len(), 0i64..3 * 86_400, 0..PROJECTS.len(), words, 1u128..3, labels, sums).prop_map(
        move |(start, secs, project, words, key, labels, (nano, requests, tokens, priced))| Used {
            at: starts[start].parse::<DateTime<Utc>>().unwrap() + Duration::seconds(secs),
            project,
            words: [words.0, words.1, words.2, words.3, words.4, words.5, words.6, words.7],
            key,
            labels: [labels.0, labels.1, labels.2],
            sums: Sums {
                spend: if priced { Decimal::new(nano, 12) } else { Decimal::ZERO },
                booked: if priced { Decimal::new(nano, 12) } else { Decimal::ZERO },
                requests,
                tokens,
                unpriced_requests: if priced { 0 } else { requests },
                unpriced_upper_bound: if priced { Decimal::ZERO } else { Decimal::new(nano, 12) },
                errors: if words.5 == "success" { 0 } else { requests },
                avoided_cost: Decimal::new(nano / 7, 12),
            },
        },
    )
}

fn dimension(coarse_only: bool) -> impl Strategy<Value = Dimension> {
    let coarse = vec![
        Dimension::Project,
        Dimension::Team,
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
        vec!["", "openai", "gpt-4o", "search", "platform", "triage", "!odd", "production", "success", "acme", "7"],
        1..4,
    );
    (dimension(false), values, any::<bool>()).prop_map(|(dimension, values, exclude)| {
        let key = |value: &str| Uuid::from_u128(value.len() as u128 % 3).to_string();
        let value = |value: &str| if dimension == Dimension::ApiKey { key(value) } else { value.to_owned() };
        Filter { values: values.into_iter().map(value).collect(), dimension: dimension.clone(), exclude }
    })
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
    (range, bucket, group_by, prop::collection::vec(any_filter(), 0..3)).prop_map(
        |(range, bucket, group_by, filters)| SpendQuery {
            range,
            bucket,
            group_by: group_by.into_iter().collect(),
            measures: Measure::ALL.to_vec(),
            filters,
        },
    )
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_equals_the_sums_counted_event_by_event() {
    let database = TestDatabase::new().await;
    let runtime = tokio::runtime::Handle::current();
    let answered = std::sync::atomic::AtomicUsize::new(0);
    let zones = prop::sample::select(vec!["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]);
    let input = (zones, prop::collection::vec(any_used(), 1..40), prop::collection::vec((any_query(), 0..4usize), 24));
    tokio::task::block_in_place(|| {
        proptest!(config(12), |((zone, events, queries) in input)| {
            runtime.block_on(async {
                let org = org(database.pool(), zone, "2026-11-17").await;
                org.roll_up(&events).await;
                for (asked, project) in queries {
                    // There are no events behind these sums: see the tests of events.
                    if matches!(asked.source(), Ok(Source::Events(_))) {
                        continue;
                    }
                    let scope = if project < PROJECTS.len() { org.seen_by(project) } else { org.scope.clone() };
                    match query(&org.backend, &scope, &asked).await {
                        Ok(answer) => {
                            let (rows, total) = org.counted(&events, &scope, &asked);
                            assert_eq!(answer.total, total, "{asked:?}");
                            assert_eq!(answer.rows, rows, "{asked:?}");
                            answered.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
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
    let before = period_sums(&org.backend, scope, SpendScope::Organization, month.previous()).await.unwrap();
    assert_eq!(shown.before.as_ref(), Some(&before));
    assert_eq!(shown.teams.iter().map(|part| of(&part.sums)).sum::<Decimal>(), total.spend);
    let changes = shown.changes.unwrap();
    assert_eq!(changes.difference, total.spend - before.spend);
    assert_eq!(changes.causes.iter().map(|(_, amount)| *amount).sum::<Decimal>(), changes.difference);
    let series = daily_series(&org.backend, scope, SpendScope::Organization, month).await.unwrap();
    assert_eq!(series.iter().map(|(_, sums)| of(sums)).sum::<Decimal>(), total.spend);

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
                let org = org(database.pool(), zone, "2026-11-17").await;
                org.roll_up_meters(&events).await;
                for day in ["2026-03-01", "2026-04-01", "2026-10-01", "2026-11-01"] {
                    let month = Period::month_of(day.parse().unwrap());
                    check_one_number(&org, &org.scope, month).await;
                    check_one_number(&org, &org.seen_by(1), month).await;
                }
            });
        });
    });
}

#[tokio::test]
async fn an_overview_of_a_team_or_project_is_its_own() {
    let database = TestDatabase::new().await;
    let org = org(database.pool(), "UTC", "2026-11-17").await;
    let mut events = vec![
        used("2026-10-05T10:00:00Z", 1, "8"),
        used("2026-11-05T10:00:00Z", 0, "1"),
        used("2026-11-16T10:00:00Z", 1, "2"),
        used("2026-11-23T09:20:00Z", 1, "4"),
    ];
    events[3].words[1] = "gpt-4o-mini";
    org.roll_up(&events).await;
    let month = Period::month_to_date("2026-11-23".parse().unwrap());
    let ask = async |part| overview(&org.backend, &org.scope, part, month, Some(month.previous()), &[]).await.unwrap();
    let all = ask(SpendScope::Organization).await;
    assert!(all.is_month_to_date());
    // The chart shows the whole month, the sums do not.
    assert_eq!((all.steps.len(), all.total.spend), (30, Decimal::from(7)));
    assert_eq!(all.steps[4].before, Some(Decimal::from(8)));
    assert_eq!(all.projects.iter().map(|part| part.slug.as_str()).collect::<Vec<_>>(), ["search", "assistant"]);
    assert_eq!(all.projects[0].before.as_ref().unwrap().spend, Decimal::from(8));
    assert_eq!(all.models[0].model, "gpt-4o-mini");
    assert_eq!(all.last_hour, Some(Decimal::from(4)));
    // `search` moved to the other team on the 17th.
    let teams: Vec<_> = all.teams.iter().map(|part| (part.name.as_str(), part.sums.spend)).collect();
    assert_eq!(teams, [("product", Decimal::from(4)), ("platform", Decimal::from(3))]);
    let changes = all.changes.unwrap();
    assert_eq!(changes.difference, Decimal::from(-1));
    assert_eq!((changes.movers[0].project.as_str(), changes.movers[0].difference()), ("search", Decimal::from(-6)));

    let platform = ask(SpendScope::Team(org.teams[0])).await;
    assert_eq!((platform.total.spend, platform.before.unwrap().spend), (Decimal::from(3), Decimal::from(8)));
    let product = ask(SpendScope::Team(org.teams[1])).await;
    assert_eq!((product.total.spend, product.last_hour), (Decimal::from(4), Some(Decimal::from(4))));
    let search = ask(SpendScope::Project(org.projects[1])).await;
    assert_eq!(search.total.spend, Decimal::from(6));
    let filter = SpendQuery::over(month).only(Dimension::Model, "gpt-4o-mini").filters;
    let filtered = overview(&org.backend, &org.scope, SpendScope::Organization, month, None, &filter).await.unwrap();
    assert_eq!((filtered.total.spend, filtered.changes), (Decimal::from(4), None));
}

#[tokio::test]
async fn meters_tell_why_spend_moved_where_the_filters_leave_them_known() {
    use domain::spend::Cause;
    let database = TestDatabase::new().await;
    let org = org(database.pool(), "UTC", "2026-11-17").await;
    let events = [used("2026-10-05T10:00:00Z", 0, "8"), used("2026-11-05T10:00:00Z", 0, "12")];
    org.roll_up_meters(&events).await;
    let month = Period::month_of("2026-11-05".parse().unwrap());
    let causes = async |scope: &OrgScope, filters: &[Filter]| -> Vec<Cause> {
        let changes = compare(&org.backend, scope, month, filters, 5).await.unwrap();
        changes.causes.into_iter().map(|(cause, _)| cause).collect()
    };
    assert_eq!(causes(&org.scope, &[]).await, [Cause::Price]);
    let only = |dimension, value: &str| SpendQuery::over(month).only(dimension, value).filters;
    assert_eq!(causes(&org.scope, &only(Dimension::Team, "platform")).await, [Cause::Price]);
    assert!(causes(&org.scope, &only(Dimension::Team, "product")).await.is_empty());
    assert_eq!(causes(&org.scope, &only(Dimension::Environment, events[0].words[4])).await, [Cause::Price]);
    assert_eq!(causes(&org.scope, &only(Dimension::Customer, events[0].labels[0])).await, [Cause::CostPerToken]);
    assert!(causes(&org.seen_by(1), &[]).await.is_empty());
}

#[tokio::test]
async fn explore_draws_every_step_and_its_groups_add_up() {
    use domain::spend::ExploreQuery;
    let database = TestDatabase::new().await;
    let org = org(database.pool(), "America/New_York", "2026-11-17").await;
    let mut events: Vec<_> = (0..8).map(|hour| used(&format!("2026-11-01T0{hour}:10:00Z"), hour % 3, "2")).collect();
    events.push(used("2026-10-31T05:10:00Z", 0, "16"));
    for (place, used) in events.iter_mut().enumerate() {
        used.words[3] = ["", "a", "b", "c", "d", "e", "f", "g", "a"][place];
        used.sums.spend += Decimal::from(place);
        used.sums.booked += Decimal::from(place);
    }
    org.roll_up(&events).await;
    let day: NaiveDate = "2026-11-01".parse().unwrap();
    let period = Period { from: day, to: day.succ_opt().unwrap() };
    let asked = ExploreQuery {
        all: false,
        period,
        previous: Some(Period { from: day.pred_opt().unwrap(), to: day }),
        measure: Measure::Spend,
        dimension: Dimension::Feature,
        bucket: Some(Granularity::Hour),
        filters: Vec::new(),
    };
    let found = explore(&org.backend, &org.scope, asked.clone()).await.unwrap();
    // A day of 25 hours; four of the events lie on the day before.
    assert_eq!(found.steps.len(), 25);
    assert_eq!(found.groups.iter().map(|group| group.sums.spend).sum::<Decimal>(), found.total.spend);
    assert_eq!(found.steps.iter().map(|step| step.total).sum::<Decimal>(), found.total.spend);
    assert_eq!(found.total, org.counted(&events, &org.scope, &asked.as_spend_query()).1);
    assert_eq!(found.groups[0].key.as_deref(), Some("g"));
    assert_eq!(
        found.groups.iter().map(|group| group.before.as_ref().unwrap().spend).max(),
        Some(Decimal::from(24 + 3))
    );
    for (place, group) in found.groups.iter().take(domain::spend::DRAWN_GROUPS).enumerate() {
        assert_eq!(found.steps.iter().map(|step| step.drawn[place]).sum::<Decimal>(), group.sums.spend);
    }
    let labels = ExploreQuery { dimension: Dimension::Customer, measure: Measure::Tokens, ..asked };
    let found = explore(&org.backend, &org.scope, labels).await.unwrap();
    assert_eq!(found.steps.len(), 1);
    assert_eq!(found.steps[0].total, Decimal::from(found.total.tokens));
    let known = values(&org.backend, &org.scope, period, Dimension::Project, 2).await.unwrap();
    assert_eq!(known.len(), 2);
}

#[tokio::test]
async fn a_statement_of_what_the_caller_does_not_see_is_not_found() {
    use domain::statement::StatementKind::{Project, Team};
    let database = TestDatabase::new().await;
    let org = org(database.pool(), "UTC", "2026-11-17").await;
    let events = [used("2026-11-05T10:00:00Z", 0, "1"), used("2026-11-05T10:00:00Z", 2, "4")];
    org.roll_up(&events).await;
    let month = Period::month_of("2026-11-05".parse().unwrap());
    let one = async |kind, slug| crate::statements::one(&org.backend, &org.seen_by(0), month, kind, slug).await;
    assert_eq!(one(Project, "assistant").await.unwrap().1.total.spend, Decimal::ONE);
    assert_eq!(one(Team, "platform").await.unwrap().1.total.spend, Decimal::ONE);
    for (kind, slug) in [(Project, "support-bot"), (Team, "product"), (Project, "none"), (Team, "none")] {
        assert!(matches!(one(kind, slug).await, Err(Error::Problem(Problem::NotFound))), "{slug}");
    }
    let months = crate::statements::months(&org.backend, &org.seen_by(0)).await.unwrap();
    assert_eq!(months.len(), 1);
    assert_eq!(months[0].sums.spend, Decimal::ONE);
}

#[tokio::test]
async fn the_newest_event_is_the_parts_own() {
    let database = TestDatabase::new().await;
    let org = org(database.pool(), "UTC", "2026-11-17").await;
    let events = [used("2026-11-23T09:20:00Z", 0, "1"), used("2026-11-23T09:26:30Z", 1, "2")];
    org.roll_up(&events).await;
    let newest = async |scope: &OrgScope, part| newest_event_at(&org.backend, scope, part).await.unwrap();
    let whole = SpendScope::Organization;
    assert_eq!(newest(&org.scope, whole).await, Some(events[1].at));
    org.roll_up(&[used("2026-11-20T09:20:00Z", 1, "1")]).await;
    assert_eq!(newest(&org.scope, whole).await, Some(events[1].at), "what comes late is not the newest");
    assert_eq!(newest(&org.seen_by(0), whole).await, Some(events[0].at));
    assert_eq!(newest(&org.seen_by(2), whole).await, None);
    assert_eq!(newest(&org.scope, SpendScope::Team(org.teams[0])).await, Some(events[0].at));
    assert_eq!(newest(&org.scope, SpendScope::Project(org.projects[1])).await, Some(events[1].at));
}

#[tokio::test]
async fn a_repeated_hour_is_two_buckets_and_half_hour_zones_begin_at_half_past() {
    let database = TestDatabase::new().await;
    let new_york = org(database.pool(), "America/New_York", "2026-11-17").await;
    let events = [
        used("2026-11-01T04:59:59Z", 0, "1"),
        used("2026-11-01T05:10:00Z", 0, "2"),
        used("2026-11-01T06:10:00Z", 0, "4"),
        used("2026-11-01T07:10:00Z", 0, "8"),
    ];
    new_york.roll_up(&events).await;
    let answer = new_york.check(&events, &new_york.scope, "from=2026-11-01&to=2026-11-02&bucket=hour").await;
    let buckets: Vec<_> = answer.rows.iter().filter_map(|row| Some(row.bucket?.to_string())).collect();
    assert_eq!(
        buckets,
        [
            "2026-11-01T00:00:00-04:00",
            "2026-11-01T01:00:00-04:00",
            "2026-11-01T01:00:00-05:00",
            "2026-11-01T02:00:00-05:00"
        ]
    );
    let day = new_york.check(&events, &new_york.scope, "from=2026-11-01&to=2026-11-02&bucket=day").await;
    assert_eq!(day.total, answer.total);

    let kolkata = org(database.pool(), "Asia/Kolkata", "2026-11-17").await;
    let events = [
        used("2026-11-16T18:29:59Z", 0, "1"),
        used("2026-11-16T18:30:00Z", 1, "2"),
        used("2026-11-16T19:29:59Z", 2, "4"),
    ];
    kolkata.roll_up(&events).await;
    let answer = kolkata.check(&events, &kolkata.scope, "from=2026-11-16&to=2026-11-18&bucket=hour").await;
    assert_eq!(answer.rows[1].bucket.map(|start| start.to_string()).as_deref(), Some("2026-11-17T00:00:00+05:30"));
    assert_eq!(answer.rows[1].sums.spend, Decimal::from(6));
    // The project moved on the organization's 17th, which began at 18:30 UTC.
    let teams = kolkata.check(&events, &kolkata.scope, "from=2026-11-16&to=2026-11-18&group_by=team").await;
    assert_eq!(teams.rows[0].keys, [Some("product".to_owned())]);
    assert_eq!(teams.rows[0].sums.spend, Decimal::from(6));
    let instants = "from=2026-11-16T18:30:00Z&to=2026-11-16T18:45:00Z&group_by=team";
    assert_eq!(kolkata.check(&events, &kolkata.scope, instants).await.total.spend, Decimal::from(2));
}

#[tokio::test]
async fn a_missing_label_is_what_no_value_accounts_for() {
    let database = TestDatabase::new().await;
    let org = org(database.pool(), "UTC", "2026-11-17").await;
    let mut events = vec![used("2026-11-10T10:00:00Z", 0, "1"), used("2026-11-10T11:00:00Z", 0, "2")];
    events[1].labels = ["", "", "7"];
    org.roll_up(&events).await;
    let span = "from=2026-11-01&to=2026-12-01";
    let answer = org.check(&events, &org.scope, &format!("{span}&group_by=customer")).await;
    assert_eq!(answer.rows.iter().map(|row| row.keys[0].as_deref()).collect::<Vec<_>>(), [None, Some("acme")]);
    for (filter, spend) in
        [("customer=", 2), ("customer=!", 1), ("customer=!acme", 2), ("customer=acme", 1), ("cohort=", 3)]
    {
        let answer = org.check(&events, &org.scope, &format!("{span}&{filter}")).await;
        assert_eq!(answer.total.spend, Decimal::from(spend), "{filter}");
    }
}

#[tokio::test]
async fn a_key_of_one_project_sees_only_that_project_totals_included() {
    let database = TestDatabase::new().await;
    let org = org(database.pool(), "UTC", "2026-11-17").await;
    let events = [
        used("2026-11-23T09:20:00Z", 0, "1"),
        used("2026-11-23T09:50:00Z", 1, "2"),
        used("2026-11-23T10:01:00Z", 2, "4"),
    ];
    org.roll_up(&events).await;
    let month = Period::month_of("2026-11-23".parse().unwrap());
    for (project, spend) in [(0, 1), (1, 2), (2, 4)] {
        let (scope, spend) = (org.seen_by(project), Decimal::from(spend));
        for asked in ["bucket=hour", "bucket=day&group_by=team", "group_by=customer", "group_by=project"] {
            let answer = org.check(&events, &scope, &format!("from=2026-11-01&to=2026-12-01&{asked}")).await;
            assert_eq!(answer.total.spend, spend, "{asked}");
            assert_eq!(answer.rows.len(), 1, "{asked}");
        }
        let whole = period_sums(&org.backend, &scope, SpendScope::Organization, month).await.unwrap();
        let other = SpendScope::Project(org.projects[(project + 1) % 3]);
        assert_eq!(whole.spend, spend);
        assert_eq!(period_sums(&org.backend, &scope, other, month).await.unwrap(), Sums::default());
        assert_eq!(project_days(&org.backend, &scope, month).await.unwrap().len(), 1);
        let hour = last_hour(&org.backend, &scope, SpendScope::Organization, &[]).await.unwrap();
        // 10:07 now, so the last hour of whole quarters is 09:00 to 10:00.
        assert_eq!(hour.spend, if project == 2 { Decimal::ZERO } else { spend });
    }
}

#[tokio::test]
async fn series_are_filled_with_zeros_and_follow_the_owner_of_the_day() {
    let database = TestDatabase::new().await;
    let org = org(database.pool(), "Asia/Kolkata", "2026-11-17").await;
    let events = [
        used("2026-11-16T18:29:59Z", 1, "1"),
        used("2026-11-16T18:30:00Z", 1, "2"),
        used("2026-11-20T10:00:00Z", 0, "4"),
    ];
    org.roll_up(&events).await;
    let month = Period::month_of("2026-11-01".parse().unwrap());
    let series =
        async |part| -> Vec<(NaiveDate, Sums)> { daily_series(&org.backend, &org.scope, part, month).await.unwrap() };
    let spent = |series: &[(NaiveDate, Sums)]| -> Vec<(u32, String)> {
        let some = series.iter().filter(|(_, sums)| !sums.is_empty());
        some.map(|(day, sums)| (day.day(), sums.spend.normalize().to_string())).collect()
    };
    let text = |list: &[(u32, &str)]| -> Vec<(u32, String)> {
        list.iter().map(|(day, spend)| (*day, (*spend).to_owned())).collect()
    };
    let all = series(SpendScope::Organization).await;
    assert_eq!(all.len(), 30);
    assert_eq!(spent(&all), text(&[(16, "1"), (17, "2"), (20, "4")]));
    assert_eq!(spent(&series(SpendScope::Team(org.teams[0])).await), text(&[(16, "1"), (20, "4")]));
    assert_eq!(spent(&series(SpendScope::Team(org.teams[1])).await), text(&[(17, "2")]));
    assert_eq!(spent(&series(SpendScope::Project(org.projects[1])).await), text(&[(16, "1"), (17, "2")]));
    let days = project_days(&org.backend, &org.scope, month).await.unwrap();
    assert_eq!(
        days.iter().map(|day| day.team_id).collect::<Vec<_>>(),
        [Some(org.teams[0]), Some(org.teams[1]), Some(org.teams[0])]
    );
}

#[tokio::test]
async fn totals_hold_where_rows_are_cut() {
    let database = TestDatabase::new().await;
    let org = org(database.pool(), "UTC", "2026-11-17").await;
    let events = [
        used("2026-11-10T10:00:00Z", 0, "1"),
        used("2026-11-10T11:00:00Z", 1, "2"),
        used("2026-11-10T11:00:00Z", 2, "4"),
    ];
    org.roll_up(&events).await;
    let asked = read("from=2026-11-01&to=2026-12-01&group_by=project");
    let (rows, total) =
        sql::grouped(&org.backend.pool, &org.scope, SpendScope::Organization, &asked, &asked.source().unwrap(), 2)
            .await
            .unwrap();
    assert_eq!(
        rows.iter().map(|row| row.keys[0].as_deref()).collect::<Vec<_>>(),
        [Some("support-bot"), Some("search")]
    );
    assert_eq!(total.spend, Decimal::from(7));
}
