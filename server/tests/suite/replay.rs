//! Two hours of real production traffic through `POST /v1/events`, beside sums made from the trace by other means: exactly.

use crate::support::{Client, Tenant, TestApp};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use backend::projects::{self, NewProject};
use chrono::{DateTime, Duration, FixedOffset, NaiveDateTime, Timelike};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

/// The forms a body can have; they must not make a difference.
#[derive(Clone, Copy, Debug)]
enum Form {
    Array,
    Lines,
    Gzip,
}

/// Where a zone's clock stands at the time of the trace, November 16 and 17, 2023, and how its organization sends.
const ZONES: [(&str, i32, Form); 3] = [
    ("UTC", 0, Form::Array),
    ("Asia/Kolkata", 5 * 3600 + 1800, Form::Lines),
    ("America/New_York", -5 * 3600, Form::Gzip),
];

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
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/traces/azure");
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

/// What `GET /v1/spend` answers, in the same words.
async fn answered(api: &Client) -> Sums {
    let mut sums = Sums::new();
    for bucket in ["none", "hour", "day"] {
        let path = format!("/v1/spend?from=2023-11-15&to=2023-11-19&bucket={bucket}&group_by=project&measure=spend");
        let answer = api.get(&path).await.json();
        assert_eq!(answer["truncated"], false);
        sums.insert("total".to_owned(), picodollars(&answer["total"]));
        for row in answer["rows"].as_array().unwrap() {
            let project = row["project"].as_str().unwrap();
            let key = match row["bucket"].as_str() {
                None => format!("project {project}"),
                Some(start) => format!("{bucket} {start} {project}"),
            };
            sums.insert(key, picodollars(row));
        }
    }
    sums
}

/// Spend of twelve exact places as a whole number.
fn picodollars(row: &Value) -> i128 {
    assert_eq!(row["unpriced_requests"], 0);
    let (dollars, places) = row["spend"].as_str().unwrap().split_once('.').unwrap();
    assert_eq!(places.len(), 12);
    format!("{dollars}{places}").parse().unwrap()
}

impl Form {
    async fn post(self, api: &Client, events: &[Value]) -> Value {
        let array = || json!(events).to_string().into_bytes();
        let json = ("content-type", "application/json");
        let (headers, body): (&[(&str, &str)], _) = match self {
            Self::Array => (&[json], array()),
            Self::Lines => {
                let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
                (&[("content-type", "application/x-ndjson")], lines.into_bytes())
            }
            Self::Gzip => {
                let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
                packed.write_all(&array()).unwrap();
                (&[json, ("content-encoding", "gzip")], packed.finish().unwrap())
            }
        };
        let answer = api.send(Method::POST, "/v1/events", headers, Body::from(body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }

    /// How many were accepted and how many were duplicates.
    async fn send(self, api: &Client, events: &[Value]) -> (u64, u64) {
        let mut counts = (0, 0);
        for batch in events.chunks(500) {
            let answer = self.post(api, batch).await;
            counts.0 += answer["accepted"].as_u64().unwrap();
            counts.1 += answer["duplicates"].as_u64().unwrap();
        }
        counts
    }
}

async fn add_project(app: &TestApp, tenant: &Tenant, slug: &str) {
    let teams = projects::list_teams(&app.backend, &tenant.scope).await.unwrap();
    let (name, cost_centre) = (slug.to_owned(), String::new());
    let new = NewProject { name, slug: slug.to_owned(), cost_centre, team_id: teams[0].team_id };
    projects::create_project(&app.backend, &tenant.scope, new).await.unwrap();
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
    let app = TestApp::start().await;
    for (zone, offset, form) in ZONES {
        let tenant = app.organization(&zone.replace('/', " "), zone).await;
        let api = app.api(&tenant.key);
        for replayed in &TRACES {
            add_project(&app, &tenant, replayed.project).await;
        }
        assert_eq!(form.send(&api, &events).await, (28_185, 0));
        let expected = expected(&traces, offset);
        // Midnight in Kolkata falls inside the trace.
        let days = expected.keys().filter(|key| key.starts_with("day")).count();
        assert_eq!(days, if zone == "Asia/Kolkata" { 4 } else { 2 });
        assert_eq!(answered(&api).await, expected, "{zone}");
        // Sent again, in any form, nothing changes.
        assert_eq!(Form::Array.send(&api, &events[8_000..10_000]).await, (0, 2_000));
        assert_eq!(answered(&api).await, expected, "{zone} after duplicates");
    }
}
