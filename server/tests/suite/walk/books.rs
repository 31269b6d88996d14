//! What a generated organization used, and the sums of it that a hand would make: a loop over every call and every charge.

use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, Utc};
use domain::charge::{Charge, ChargeForm};
use domain::event::EventInput;
use domain::period::Zone;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::BTreeMap;
use testkit::seed;

/// The day of the test's clock, in every zone of the walk.
pub(super) const TODAY: &str = "2026-11-20";
/// The first days of the calls' span, of red's project as blue's, and of the same as part of the product line.
const FIRST: &str = "2026-09-29";
pub(super) const MOVED: &str = "2026-11-15";
pub(super) const LINED: &str = "2026-11-05";
/// What a unit of the model `house-1` cost when it was booked, and since the repricing.
pub(super) const RATES: [&str; 2] = ["2", "7"];

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// How it is known what a call costs.
#[derive(Clone, Copy, Debug)]
enum Cost {
    /// Its provider said so.
    Reported(Decimal),
    /// So many units of the model whose price is another since.
    Repriced(u32),
    /// It is not known.
    Unpriced,
}

/// A call.
#[derive(Clone, Debug)]
pub(super) struct Used {
    pub(super) at: DateTime<Utc>,
    pub(super) project: &'static str,
    model: &'static str,
    customer: &'static str,
    feature: &'static str,
    stage: &'static str,
    cost: Cost,
}

/// Calls around the midnights of a zone, and at any other time of its days.
pub(super) fn calls(zone: Zone) -> impl Strategy<Value = Vec<Used>> {
    let word = |words: &'static [&'static str]| prop::sample::select(words);
    let at = (0_u64..53, prop_oneof![Just(-1), Just(0), Just(1), 0_i64..86_400]).prop_map(move |(days, secs)| {
        let newest: DateTime<Utc> = crate::support::START.parse().unwrap();
        (zone.start_of(day(FIRST) + Days::new(days)) + Duration::seconds(secs)).min(newest)
    });
    let cost = prop_oneof![
        6 => (1_i64..9_000_000_000_000).prop_map(|pico| Cost::Reported(Decimal::new(pico, 12))),
        2 => (1_u32..900_000).prop_map(Cost::Repriced),
        1 => Just(Cost::Unpriced),
    ];
    let words = (
        word(&["assistant", "search", "bot"]),
        word(&["gpt-4o", "claude-sonnet-4-5"]),
        word(&["", "globex", "initech, \"b\""]),
        word(&["", "triage", "=draft"]),
        word(&["", "prod", "Pre-Prod"]),
    );
    let call = (at, words, cost).prop_map(|(at, (project, model, customer, feature, stage), cost)| Used {
        at,
        project,
        model: match cost {
            Cost::Reported(_) => model,
            Cost::Repriced(_) => "house-1",
            Cost::Unpriced => "mystery-1",
        },
        customer,
        feature,
        stage,
        cost,
    });
    prop::collection::vec(call, 40..70)
}

impl Used {
    pub(super) fn sent(&self) -> EventInput {
        let word = |word: &str| Some(word.to_owned()).filter(|word| !word.is_empty());
        let call = match self.cost {
            Cost::Reported(cost) => seed::call(self.at, cost),
            Cost::Repriced(units) => EventInput {
                usage: json!({"output": units}),
                usage_format: Some("meters".to_owned()),
                reported_cost: None,
                ..seed::call(self.at, Decimal::ZERO)
            },
            Cost::Unpriced => seed::unpriced_call(self.at, Decimal::ONE),
        };
        EventInput {
            model: self.model.to_owned(),
            project: word(self.project),
            customer: word(self.customer),
            feature: word(self.feature),
            session_id: Some(self.session()),
            tags: word(self.stage).map(|stage| ("stage".to_owned(), stage)).into_iter().collect(),
            ..call
        }
    }

    /// Its customer's conversation on its project.
    pub(super) fn session(&self) -> String {
        format!("{}-{}", self.project, self.customer.len())
    }

    /// What it costs by now; nothing where that is not known.
    pub(super) fn cost(&self) -> Option<Decimal> {
        match self.cost {
            Cost::Reported(cost) => Some(cost),
            Cost::Repriced(units) => {
                Some(Decimal::from(units) * RATES[1].parse::<Decimal>().unwrap() / Decimal::from(1_000_000))
            }
            Cost::Unpriced => None,
        }
    }
}

/// Sums as the spend query has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) spend: Decimal,
    pub(super) requests: i64,
    pub(super) unpriced: i64,
}

/// A filter as addresses have it.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) dimension: &'static str,
    values: Vec<&'static str>,
    excludes: bool,
    contains: bool,
}

impl Kept {
    /// The parameters of an address.
    pub(super) fn asked(&self) -> String {
        let signs = format!("{}{}", if self.excludes { "!" } else { "" }, if self.contains { "~" } else { "" });
        let value = |value: &&str| url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>();
        self.values.iter().map(|text| format!("&{}={signs}{}", self.dimension, value(text))).collect()
    }

    fn keeps(&self, value: &str) -> bool {
        let fits = |wanted: &&str| match self.contains {
            true => value.to_lowercase().contains(&wanted.to_lowercase()),
            false => value == *wanted,
        };
        self.values.iter().any(fits) != self.excludes
    }
}

/// A question to the spend query.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
    pub(super) filters: Vec<Kept>,
    pub(super) by: Vec<&'static str>,
    pub(super) bucket: &'static str,
}

/// Dimensions with values that calls have.
const VALUES: [(&str, &[&str]); 8] = [
    ("project", &["search", "bot", "nothing"]),
    ("team", &["red", "blue"]),
    ("product_line", &["chat", ""]),
    ("model", &["gpt-4o", "house-1", "mystery-1"]),
    ("feature", &["triage", "=draft", ""]),
    ("allocated_team", &["red", "blue", ""]),
    ("customer", &["globex", "initech, \"b\"", ""]),
    ("tag.stage", &["prod", "Pre-Prod", ""]),
];

/// Questions about what rules allocate know neither labels nor hours.
pub(super) fn questions() -> impl Strategy<Value = Asked> {
    any::<bool>().prop_flat_map(|allocated| {
        let known = if allocated { &VALUES[..6] } else { &VALUES[..] };
        let known: Vec<_> = known.iter().copied().filter(|(name, _)| allocated || *name != "allocated_team").collect();
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        let filter = (prop::sample::select(known), any::<bool>(), 0_u8..4).prop_flat_map(
            |((dimension, values), excludes, contains)| {
                let contains = contains == 0 && dimension != "allocated_team";
                let values: Vec<_> = values.iter().copied().filter(|value| !contains || !value.is_empty()).collect();
                let most = if contains { 1 } else { 2 };
                prop::sample::subsequence(values, 1..=most).prop_map(move |values| Kept {
                    dimension,
                    values,
                    excludes,
                    contains,
                })
            },
        );
        let filters = prop::collection::vec(filter, 0..3).prop_map(|mut filters| {
            filters.sort_by_key(|filter| filter.dimension);
            filters.dedup_by_key(|filter| filter.dimension);
            filters
        });
        let buckets: &[&str] =
            if allocated { &["none", "day", "week", "month"] } else { &["none", "hour", "day", "week", "month"] };
        let span = (0_u64..52, 1_u64..53);
        (span, filters, prop::sample::subsequence(names, 0..=2), prop::sample::select(buckets)).prop_map(
            |((first, days), filters, by, bucket)| {
                let from = day(FIRST) + Days::new(first);
                // Hours are told for a month at most.
                let days = if bucket == "hour" { days.min(31) } else { days };
                Asked { from, to: from + Days::new(days), filters, by, bucket }
            },
        )
    })
}

/// An organization as its books would have it.
pub(super) struct Books {
    pub(super) zone: Zone,
    pub(super) used: Vec<Used>,
    /// The rule that counts usage for blue asks for this value of this dimension.
    pub(super) rule: (&'static str, &'static str),
}

impl Books {
    pub(super) fn day(&self, used: &Used) -> NaiveDate {
        self.zone.day_of(used.at)
    }

    /// The team that owned the call's project on its day.
    fn team(&self, used: &Used) -> &'static str {
        match used.project {
            "assistant" => "red",
            "search" if self.day(used) < day(MOVED) => "red",
            _ => "blue",
        }
    }

    /// Who answers for it: claude is shared, which nobody takes but the rule after that.
    fn answers(&self, used: &Used) -> &'static str {
        match self.value(used, self.rule.0) == self.rule.1 {
            true => "blue",
            false if used.model == "claude-sonnet-4-5" => "",
            false => self.team(used),
        }
    }

    fn value(&self, used: &Used, dimension: &str) -> &'static str {
        match dimension {
            "project" => used.project,
            "team" => self.team(used),
            "allocated_team" => self.answers(used),
            "product_line" => match used.project {
                "assistant" => "chat",
                "search" if self.day(used) >= day(LINED) => "chat",
                _ => "",
            },
            "model" => used.model,
            "customer" => used.customer,
            "feature" => used.feature,
            "tag.stage" => used.stage,
            other => panic!("{other}"),
        }
    }

    fn bucket(&self, used: &Used, bucket: &str) -> Option<String> {
        let of = self.day(used);
        match bucket {
            "hour" => Some(self.zone.local(used.at).format("%Y-%m-%dT%H:00:00%:z").to_string()),
            "day" => Some(of.to_string()),
            "week" => Some((of - Days::new(of.weekday().num_days_from_monday().into())).to_string()),
            "month" => Some(of.format("%Y-%m").to_string()),
            _ => None,
        }
    }

    /// The answer to a question: by bucket and groups, nothing for a missing value.
    pub(super) fn rows(&self, asked: &Asked) -> BTreeMap<Vec<String>, Counted> {
        let mut rows: BTreeMap<_, Counted> = BTreeMap::new();
        for used in &self.used {
            let is_inside = (asked.from..asked.to).contains(&self.day(used));
            if is_inside && asked.filters.iter().all(|kept| kept.keeps(self.value(used, kept.dimension))) {
                let keys = asked.by.iter().map(|dimension| self.value(used, dimension).to_owned());
                let row = rows.entry(self.bucket(used, asked.bucket).into_iter().chain(keys).collect()).or_default();
                row.spend += used.cost().unwrap_or_default();
                row.requests += 1;
                row.unpriced += i64::from(used.cost().is_none());
            }
        }
        rows
    }

    /// What calls with a value cost in November.
    pub(super) fn november(&self, dimension: &str, value: &str) -> Decimal {
        let is_of = |used: &&Used| self.day(used) >= day("2026-11-01") && self.value(used, dimension) == value;
        self.used.iter().filter(is_of).filter_map(Used::cost).sum()
    }
}

/// Charges of November by project, team, and dollars a day: all 30 days are paid, those that have begun count.
pub(super) const CHARGES: [(&str, &str, &str); 4] =
    [("search", "", "1.000000000007"), ("", "red", "20.1"), ("", "blue", "0.25"), ("", "", "3.3")];

pub(super) fn charges() -> Vec<Charge> {
    let charge = |(project, team, daily): &(&str, &str, &str)| {
        let form = ChargeForm {
            kind: "gpu_hours".to_owned(),
            description: format!("Pool of {project}{team}"),
            amount: (daily.parse::<Decimal>().unwrap() * Decimal::from(30)).to_string(),
            from: "2026-11-01".to_owned(),
            to: "2026-12-01".to_owned(),
            project: (*project).to_owned(),
            team: (*team).to_owned(),
            source: "Contract".to_owned(),
            reason: "Contract".to_owned(),
            ..ChargeForm::default()
        };
        form.parse().unwrap()
    };
    CHARGES.iter().map(charge).collect()
}

/// What of the charges counts for a team, or for nobody, until today.
pub(super) fn charged(team: &str) -> Decimal {
    let begun = (1..=20).map(|of| day("2026-11-01").with_day(of).unwrap());
    let owner = |(project, own, _): &(&str, &'static str, &str), on: NaiveDate| match *project {
        "search" if on < day(MOVED) => "red",
        "search" => "blue",
        _ => *own,
    };
    let of_day = |on: NaiveDate| CHARGES.iter().filter(move |charge| owner(charge, on) == team);
    begun.flat_map(of_day).map(|(_, _, daily)| daily.parse::<Decimal>().unwrap()).sum()
}
