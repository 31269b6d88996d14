//! The spend query against PostgreSQL, beside the same sums counted event by event.

mod attention;
mod generated;
mod pages;
mod query;

use super::*;
use crate::scope::{Actor, Visible};
use crate::seeded::Seeded;
use crate::{OrgScope, TestClock, keys, labels, prices, projects};
use chrono::{Datelike, NaiveDate};
use domain::event::{EventInput, Status};
use domain::ids::{KeyId, ProjectId, TeamId};
use domain::meter::{Meter, Meters, UsageFormat};
use domain::price::Context;
use domain::rating::{rate_usage, upper_bound};
use domain::spend::{
    BucketStart, ByMeter, CallCounts, Dimension, Filter, Granularity, Latencies, Needs, Peak, SpendRange, SpendRow,
    latency_class,
};
use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use testkit::{TestDatabase, seed};

const PROJECTS: [&str; 3] = ["assistant", "search", "support-bot"];
/// Values that count as others: one that is sent, one that never is, and of a tag.
const ALIASES: [(&str, &str, &str); 3] =
    [("feature", "!odd", "triage"), ("customer", "globex", "Globex Ltd"), ("tag.version", "8", "7")];
/// The product line of `search` until the day on which it moves; the others belong to none.
const LINE: &str = "finders";
const TEAMS: [&str; 2] = ["platform", "product"];

/// An organization with three projects and two keys; `search` moves from one team to the other on `moved`.
struct Org {
    backend: Backend,
    scope: OrgScope,
    projects: Vec<ProjectId>,
    teams: Vec<TeamId>,
    moved: NaiveDate,
    /// Its two keys, and the organization as each of them sends to it.
    keys: [KeyId; 2],
    key_names: [String; 2],
    senders: [seed::Organization; 2],
}

/// A call, and what it counts for.
#[derive(Clone, Debug)]
struct Used {
    at: DateTime<Utc>,
    project: usize,
    words: [&'static str; 8],
    key: usize,
    labels: [&'static str; 3],
    tokens: u64,
    cost: Cost,
}

#[derive(Clone, Copy, Debug)]
enum Cost {
    /// As its provider reported it.
    Known(Decimal),
    /// Of a model without a price.
    Unknown,
    /// Answered by the sender's own cache.
    Avoided,
}

/// A model that no book knows.
const UNPRICED: &str = "mystery-1";

async fn org(database: &TestDatabase, name: &str, zone: &str, moved: &str) -> Org {
    let clock = TestClock::at("2026-11-23T10:07:31.5Z".parse().unwrap());
    let backend = Backend::new(database.pool().clone(), Arc::new(clock), "http://localhost", true);
    let Seeded { made, owner, api } = Seeded::new(&backend, database, name, zone).await;
    let moved: NaiveDate = moved.parse().unwrap();
    let teams = [made.team(TEAMS[0]).await, made.team(TEAMS[1]).await];
    let mut projects = Vec::new();
    for (slug, team) in PROJECTS.into_iter().zip([teams[0], teams[0], teams[1]]) {
        projects.push(made.project_of(team, slug).await.project_id);
    }
    projects::move_project(&backend, &owner, projects[1], teams[1], Some(moved)).await.unwrap();
    let new = projects::NewProductLine { name: LINE.to_owned(), ..projects::NewProductLine::default() };
    let line = projects::create_product_line(&backend, &owner, new).await.unwrap().product_line_id;
    projects::assign_product_line(&backend, &owner, projects[1], Some(line), None).await.unwrap();
    projects::assign_product_line(&backend, &owner, projects[1], None, Some(moved)).await.unwrap();
    for (label, value, canonical) in ALIASES {
        let [label, value, canonical] = [label, value, canonical].map(str::to_owned);
        let alias = domain::label::AliasForm { label, value, canonical }.parse().unwrap();
        labels::enter_alias(&backend, &owner, &alias).await.unwrap();
    }
    let second = made.with_another_key().await;
    let other = keys::authenticate(&backend, second.key.expose_secret()).await.unwrap().scope;
    let keys = [api.key_id().unwrap(), other.key_id().unwrap()];
    let scope = OrgScope::new(made.id(), owner.zone(), Actor::System, Visible::All);
    let names = explore::names(&backend, &owner, &Dimension::ApiKey).await.unwrap();
    let key_names = keys.map(|key| names[&key.to_string()].clone());
    Org { backend, scope, projects, teams: teams.to_vec(), moved, keys, key_names, senders: [made, second] }
}

impl Org {
    /// The same organization as a key of one project sees it.
    fn seen_by(&self, project: usize) -> OrgScope {
        let only = Visible::project(self.projects[project]);
        OrgScope::new(self.scope.org_id(), self.scope.zone(), Actor::System, only)
    }

    /// The same organization as a member sees it who sees one of its teams.
    async fn seen_by_team(&self, team: usize) -> OrgScope {
        let (zone, teams) = (self.scope.zone(), [self.teams[team]]);
        let ids = teams.map(|team| team.0);
        let owned = projects::owned_by(&self.backend.pool, self.scope.org_id(), &ids).await.unwrap();
        let only = Visible::teams(teams.into(), &owned, zone.day_of(self.backend.clock.now()));
        OrgScope::new(self.scope.org_id(), zone, Actor::System, only)
    }

    fn team_of(&self, used: &Used) -> usize {
        match used.project {
            0 => 0,
            1 => usize::from(self.scope.zone().day_of(used.at) >= self.moved),
            _ => 1,
        }
    }

    /// Records calls as their senders do.
    async fn record(&self, events: &[Used]) {
        for (key, sender) in self.senders.iter().enumerate() {
            sender.record(events.iter().filter(|used| used.key == key).map(Used::sent)).await;
        }
    }

    fn value(&self, used: &Used, dimension: &Dimension) -> Option<String> {
        let label = |position: usize| used.labels[position].to_owned();
        let text = match dimension {
            Dimension::Project => PROJECTS[used.project].to_owned(),
            // Without rules, whoever owned the project answers for its usage.
            Dimension::Team | Dimension::AllocatedTeam => TEAMS[self.team_of(used)].to_owned(),
            Dimension::ProductLine if used.project == 1 && self.team_of(used) == 0 => LINE.to_owned(),
            Dimension::ProductLine => String::new(),
            Dimension::Provider => used.words[0].to_owned(),
            Dimension::Model => used.words[1].to_owned(),
            Dimension::Operation => used.words[2].to_owned(),
            Dimension::Feature => used.words[3].to_owned(),
            Dimension::Environment => used.words[4].to_owned(),
            Dimension::Status => used.words[5].to_owned(),
            Dimension::ApiKey => self.keys[used.key].to_string(),
            Dimension::Customer => label(0),
            Dimension::User => label(1),
            Dimension::Tag(key) if key == "version" => label(2),
            Dimension::Cohort => used.words[6].to_owned(),
            Dimension::Step => used.words[7].to_owned(),
            Dimension::UnreadUsage | Dimension::Tag(_) => String::new(),
        };
        Some(counted(dimension, text)).filter(|text| !text.is_empty())
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
            Granularity::Quarter => {
                BucketStart::Quarter(NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1).unwrap())
            }
            Granularity::Year => BucketStart::Year(NaiveDate::from_ymd_opt(day.year(), 1, 1).unwrap()),
        })
    }

    fn matches(&self, used: &Used, scope: &OrgScope, query: &SpendQuery) -> bool {
        let inside = match query.range {
            SpendRange::Days { from, to } => (from..to).contains(&scope.zone().day_of(used.at)),
            SpendRange::Instants { from, to } => (from..to).contains(&used.at),
        };
        let kept = |filter: &Filter| {
            let value = self.value(used, &filter.dimension).unwrap_or_default();
            let is_kept = if filter.contains {
                // Keys are looked for by their names.
                let text = if filter.dimension == Dimension::ApiKey { &self.key_names[used.key] } else { &value };
                filter.values.iter().any(|part| text.to_lowercase().contains(&part.to_lowercase()))
            } else {
                filter.values.iter().any(|of| counted(&filter.dimension, of.clone()) == value)
            };
            is_kept != filter.exclude
        };
        inside && self.is_seen(used, scope) && query.filters.iter().all(kept)
    }

    fn is_seen(&self, used: &Used, scope: &OrgScope) -> bool {
        let day = scope.zone().day_of(used.at);
        let days = scope.days_of(self.projects[used.project]);
        days.is_none_or(|spans| spans.iter().any(|span| span.contains(day)))
    }

    /// What the answer must be, counted event by event.
    fn counted(&self, events: &[Used], scope: &OrgScope, query: &SpendQuery) -> (Vec<SpendRow>, Sums) {
        type Key = (Option<BucketStart>, Vec<Option<String>>);
        let mut rows: BTreeMap<Key, Sums> = BTreeMap::new();
        let mut total = Sums::nothing(query.needs());
        let mut by_row: BTreeMap<Key, Vec<&Used>> = BTreeMap::new();
        for used in events.iter().filter(|used| self.matches(used, scope, query)) {
            let keys = query.group_by.iter().map(|dimension| self.value(used, dimension)).collect();
            let key: Key = (self.bucket(used, query.bucket), keys);
            rows.entry(key.clone()).or_default().add(&used.needed_sums(query.needs()));
            by_row.entry(key).or_default().push(used);
            total.add(&used.needed_sums(query.needs()));
        }
        if query.needs().peak {
            total.peak = Some(peak(by_row.values().flatten()));
            rows.iter_mut().for_each(|(key, sums)| sums.peak = Some(peak(&by_row[key])));
        }
        if query.needs().customers {
            total.customers = Some(self.customers(by_row.values().flatten().copied()));
            rows.iter_mut().for_each(|(key, sums)| sums.customers = Some(self.customers(by_row[key].iter().copied())));
        }
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_by(|((a, keys_a), a_sums), ((b, keys_b), b_sums)| {
            a.cmp(b).then(b_sums.spend.cmp(&a_sums.spend)).then(keys_a.cmp(keys_b))
        });
        let row = |((bucket, keys), sums)| SpendRow { bucket, keys, sums };
        (rows.into_iter().map(row).collect(), total)
    }

    /// How many customers used something, as they count.
    fn customers<'a>(&self, events: impl IntoIterator<Item = &'a Used>) -> i64 {
        let customers = events.into_iter().filter_map(|used| self.value(used, &Dimension::Customer));
        customers.collect::<BTreeSet<_>>().len().try_into().unwrap()
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

/// As which a value counts.
fn counted(dimension: &Dimension, value: String) -> String {
    let name = dimension.name();
    let alias = ALIASES.iter().find(|(label, of, _)| *label == name && *of == value);
    alias.map_or(value, |(.., canonical)| (*canonical).to_owned())
}

/// The highest sums of a quarter of an hour.
fn peak<'a>(events: impl IntoIterator<Item = &'a &'a Used>) -> Peak {
    let mut quarters: BTreeMap<i64, Peak> = BTreeMap::new();
    for used in events {
        let quarter = quarters.entry(used.at.timestamp().div_euclid(900)).or_default();
        quarter.requests += 1;
        quarter.tokens += i64::try_from(used.tokens).unwrap();
    }
    let highest = |of: fn(&Peak) -> i64| quarters.values().map(of).max().unwrap_or_default();
    Peak { requests: highest(|peak| peak.requests), tokens: highest(|peak| peak.tokens) }
}

impl Used {
    fn sent(&self) -> EventInput {
        let word = |word: &str| Some(word.to_owned()).filter(|word| !word.is_empty());
        let [provider, model, operation, feature, environment, _, cohort, step] = self.words;
        let [customer, user, version] = self.labels;
        let reported = match self.cost {
            Cost::Known(cost) => seed::call(self.at, cost).reported_cost,
            Cost::Unknown | Cost::Avoided => None,
        };
        EventInput {
            timestamp: Some(self.at.fixed_offset()),
            project: word(PROJECTS[self.project]),
            provider: provider.to_owned(),
            model: model.to_owned(),
            operation: word(operation),
            usage: json!(self.meters()),
            usage_format: word(UsageFormat::Meters.as_str()),
            status: Some(self.status()),
            feature: word(feature),
            environment: word(environment),
            cohort: word(cohort),
            step: word(step),
            customer: word(customer),
            user: word(user),
            tags: word(version).map(|version| ("version".to_owned(), version)).into_iter().collect(),
            response_cache_hit: matches!(self.cost, Cost::Avoided).then_some(true),
            reported_cost: reported,
            attempt: self.is_retry().then_some(2),
            latency_ms: self.times()[0],
            time_to_first_token_ms: self.times()[1],
            ..EventInput::default()
        }
    }

    fn meters(&self) -> Meters {
        let [read, output] = [self.tokens / 4, self.tokens / 3];
        let input = self.tokens - read - output;
        Meters::from([(Meter::InputUncached, input), (Meter::InputCacheRead, read), (Meter::Output, output)])
    }

    fn is_retry(&self) -> bool {
        self.tokens.is_multiple_of(5)
    }

    /// What it adds to the sums that some measures need.
    fn needed_sums(&self, needs: Needs) -> Sums {
        let is_hit = matches!(self.cost, Cost::Avoided);
        let tokens = |tokens: u64| i64::try_from(if is_hit { 0 } else { tokens }).unwrap();
        let [read, output] = [self.tokens / 4, self.tokens / 3];
        let by_meter = ByMeter {
            input: tokens(self.tokens - output),
            cache_read: tokens(read),
            output: tokens(output),
            included: Decimal::ZERO,
        };
        let sums = self.sums();
        let retry_cost = if self.is_retry() { sums.spend } else { Decimal::ZERO };
        let calls = CallCounts { retries: self.is_retry().into(), retry_cost, cache_hits: is_hit.into() };
        let mut latencies = Latencies::default();
        if !is_hit {
            let [latency, first_token] = self.times();
            latency.into_iter().for_each(|millis| latencies.responses.count(latency_class(millis), 1));
            first_token.into_iter().for_each(|millis| latencies.first_tokens.count(latency_class(millis), 1));
        }
        Sums {
            calls: needs.calls.then_some(calls),
            by_meter: needs.meters.then_some(by_meter),
            latencies: needs.latencies.then_some(latencies),
            ..sums
        }
    }

    /// How long it took, and how long until the first token, as far as it says so.
    fn times(&self) -> [Option<u64>; 2] {
        let millis = self.tokens * 7;
        [
            Some(millis).filter(|_| !self.tokens.is_multiple_of(4)),
            Some(millis / 9).filter(|_| self.tokens.is_multiple_of(3)),
        ]
    }

    fn status(&self) -> Status {
        self.words[5].parse().unwrap()
    }

    /// What it adds to sums.
    fn sums(&self) -> Sums {
        let one = Sums {
            requests: 1,
            tokens: self.tokens.try_into().unwrap(),
            errors: (self.status() != Status::Success).into(),
            ..Sums::default()
        };
        let (book, meters, [provider, model, ..]) = (prices::seed_book(), self.meters(), self.words);
        match self.cost {
            Cost::Known(cost) => Sums { spend: cost, booked: cost, ..one },
            Cost::Unknown => Sums {
                unpriced_requests: 1,
                unpriced_upper_bound: upper_bound((&*book).into(), provider, model, &meters),
                ..one
            },
            Cost::Avoided => {
                let rated = rate_usage((&*book).into(), provider, model, &meters.into(), self.at, Context::default());
                Sums { avoided_cost: rated.map_or(Decimal::ZERO, |rated| rated.receipt.cost), ..one }
            }
        }
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
        key: 0,
        labels: ["acme", "", ""],
        tokens: 100,
        cost: Cost::Known(spend.parse().unwrap()),
    }
}
