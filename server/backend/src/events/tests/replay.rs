//! Two hours of real production traffic taken in, beside sums made from the trace by other means: exactly.

use super::{Fixture, add_project};
use crate::OrgScope;
use chrono::{DateTime, Duration, FixedOffset, NaiveDateTime, Timelike};
use domain::money::exact;
use domain::spend::{Bucket, Dimension, Measure, SpendQuery, SpendRange, Sums as Stored};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where a zone's clock stands at the time of the trace, November 16 and 17, 2023.
const ZONES: [(&str, i32); 3] = [("UTC", 0), ("Asia/Kolkata", 5 * 3600 + 1800), ("America/New_York", -5 * 3600)];

/// A trace, the project and model it is replayed as, and dollars per million input and output tokens times 10,000.
struct Replayed {
    file: &'static str,
    requests: usize,
    project: &'static str,
    model: &'static str,
    rates: (i128, i128),
}

const TRACES: [Replayed; 2] = [
    Replayed {
        file: "AzureLLMInferenceTrace_code.csv",
        requests: 8_819,
        project: "code",
        model: "gpt-4o-2024-08-06",
        rates: (25_000, 100_000),
    },
    Replayed {
        file: "AzureLLMInferenceTrace_conv.csv",
        requests: 19_366,
        project: "conversation",
        model: "gpt-4o-mini-2024-07-18",
        rates: (1_500, 6_000),
    },
];

/// A row of the file.
#[derive(Clone, Copy)]
struct Row {
    at: NaiveDateTime,
    input: i128,
    output: i128,
}

impl Replayed {
    fn rows(&self) -> Option<Vec<Row>> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/traces/azure");
        let text = std::fs::read_to_string(folder.join(self.file)).ok()?;
        let row = |line: &str| {
            let cells: Vec<&str> = line.trim_end().split(',').collect();
            let at = NaiveDateTime::parse_from_str(cells[0], "%Y-%m-%d %H:%M:%S%.f").unwrap();
            Row { at, input: cells[1].parse().unwrap(), output: cells[2].parse().unwrap() }
        };
        let rows: Vec<Row> = text.lines().skip(1).map(row).collect();
        assert_eq!(rows.len(), self.requests);
        Some(rows)
    }

    /// A row's cost in picodollars: every rate here is a whole number of them per token, so nothing is ever rounded.
    fn cost(&self, row: &Row) -> i128 {
        // 1 / (1,000,000 x 10,000) dollars are 100 picodollars.
        100 * (row.input * self.rates.0 + row.output * self.rates.1)
    }

    fn events(&self, rows: &[Row]) -> Vec<Value> {
        let event = |(index, row): (usize, &Row)| {
            json!({
                "id": format!("{}-{index}", self.project),
                "timestamp": format!("{}Z", row.at.format("%Y-%m-%dT%H:%M:%S%.9f")),
                "project": self.project,
                "provider": "openai",
                "model": self.model,
                "usage": {"prompt_tokens": row.input, "completion_tokens": row.output},
            })
        };
        rows.iter().enumerate().map(event).collect()
    }
}

/// Sums in picodollars under words such as `hour 2023-11-16T18:00:00+00:00 code`.
type Sums = BTreeMap<String, i128>;

/// What must come out in a zone that is `offset` seconds ahead of UTC.
fn expected(traces: &[(&Replayed, Vec<Row>)], offset: i32) -> Sums {
    let mut sums = Sums::new();
    for (replayed, rows) in traces {
        for row in rows {
            let local: DateTime<FixedOffset> = row.at.and_utc().with_timezone(&FixedOffset::east_opt(offset).unwrap());
            let since_hour = Duration::minutes(local.minute().into()) + Duration::seconds(local.second().into());
            let hour = local - since_hour - Duration::nanoseconds(local.nanosecond().into());
            for key in [
                "total".to_owned(),
                format!("project {}", replayed.project),
                format!("hour {} {}", hour.to_rfc3339(), replayed.project),
                format!("day {} {}", local.date_naive(), replayed.project),
            ] {
                *sums.entry(key).or_default() += replayed.cost(row);
            }
        }
    }
    sums
}

/// What the spend query answers, in the same words.
async fn answered(fixture: &Fixture, scope: &OrgScope) -> Sums {
    let mut sums = Sums::new();
    for bucket in [Bucket::None, Bucket::Hour, Bucket::Day] {
        let (from, to) = ("2023-11-15".parse().unwrap(), "2023-11-19".parse().unwrap());
        let query = SpendQuery {
            range: SpendRange::Days { from, to },
            bucket,
            group_by: vec![Dimension::Project],
            filters: vec![],
            measures: vec![Measure::Spend],
        };
        let answer = crate::spend::query(&fixture.backend, scope, &query).await.unwrap();
        assert!(!answer.truncated);
        sums.insert("total".to_owned(), picodollars(&answer.total));
        for row in answer.rows {
            let project = row.keys[0].clone().unwrap();
            let key = match row.bucket {
                None => format!("project {project}"),
                Some(start) => format!("{} {start} {project}", bucket.as_str()),
            };
            sums.insert(key, picodollars(&row.sums));
        }
    }
    sums
}

/// Spend of twelve exact places as a whole number.
fn picodollars(sums: &Stored) -> i128 {
    let text = exact(sums.spend);
    let (dollars, places) = text.split_once('.').unwrap();
    assert_eq!((places.len(), sums.unpriced_requests), (12, 0));
    format!("{dollars}{places}").parse().unwrap()
}

async fn send(fixture: &Fixture, scope: &OrgScope, events: &[Value]) -> (u32, u32) {
    let mut counts = (0, 0);
    for batch in events.chunks(500) {
        let answer = fixture.send(scope, batch).await;
        counts = (counts.0 + answer.accepted, counts.1 + answer.duplicates);
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_azure_traces_add_up_exactly_in_three_zones() {
    let traces: Option<Vec<(&Replayed, Vec<Row>)>> =
        TRACES.iter().map(|replayed| Some((replayed, replayed.rows()?))).collect();
    let Some(traces) = traces else {
        println!("left out: the Azure traces are not beside the project");
        return;
    };
    let events: Vec<Value> = traces.iter().flat_map(|(replayed, rows)| replayed.events(rows)).collect();
    let fixture = Fixture::new().await;
    for (zone, offset) in ZONES {
        let name = zone.to_lowercase().replace('/', "-");
        let scope = fixture.organization(&name, zone).await;
        for replayed in &TRACES {
            add_project(&fixture, &scope, replayed.project).await;
        }
        assert_eq!(send(&fixture, &scope, &events).await, (28_185, 0));
        let expected = expected(&traces, offset);
        // Midnight in Kolkata falls inside the trace.
        let days = expected.keys().filter(|key| key.starts_with("day")).count();
        assert_eq!(days, if zone == "Asia/Kolkata" { 4 } else { 2 });
        assert_eq!(answered(&fixture, &scope).await, expected, "{zone}");
        // Sent again, nothing changes.
        assert_eq!(send(&fixture, &scope, &events[8_000..10_000]).await, (0, 2_000));
        assert_eq!(answered(&fixture, &scope).await, expected, "{zone} after duplicates");
    }
}
