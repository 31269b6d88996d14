//! Who calls which model how often, at which hours, with how many tokens: as in ServeGen's trace of a production cloud (Apache-2.0), or drawn.
//!
//! A client of that cloud is an application, so it becomes a feature of a project that calls one model (and, for a tenth of its calls, another one).
//! Taken from the trace: each client's share of all requests, its requests by hour of the two weeks, and its tokens per request; where the trace does not tell a client's tokens, those of its model's other clients.
//! Not in the trace, and made up here: customers and tags, the spread of tokens around a client's mean, and errors.

use crate::Failure;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Hours of the trace: two weeks.
pub(crate) const HOURS: usize = 336;
/// Clients of the synthetic mix.
const SYNTHETIC: u32 = 200;

/// Models of ServeGen, and which of ours take their place: the usual one and the other one.
const MODELS: [(&str, [(&str, &str); 2]); 5] = [
    ("m-large", [("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-sonnet-4-0")]),
    ("m-mid", [("openai", "gpt-4o-mini"), ("openai", "gpt-4.1-mini")]),
    ("m-small", [("openai", "gpt-4.1-nano"), ("openai", "gpt-5-nano")]),
    ("mm-image", [("google", "gemini-2.5-flash"), ("google", "gemini-2.0-flash")]),
    ("deepseek-r1", [("deepseek", "deepseek-reasoner"), ("deepseek", "deepseek-chat")]),
];

/// An application.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Its place in [`MODELS`].
    model: usize,
    /// Its requests in each hour; of a shorter trace, repeated.
    pub(crate) hours: Vec<f64>,
    /// Mean tokens of a request.
    pub(crate) input: f64,
    pub(crate) output: f64,
}

impl Caller {
    /// Provider and name of its usual or its other model.
    pub(crate) fn model(&self, other: bool) -> (&'static str, &'static str) {
        MODELS[self.model].1[usize::from(other)]
    }

    pub(crate) fn requests(&self) -> f64 {
        self.hours.iter().sum()
    }
}

/// All applications, the busiest first.
pub(crate) struct Mix {
    pub(crate) callers: Vec<Caller>,
    /// Where it comes from.
    pub(crate) told: String,
}

impl Mix {
    /// From the folder, or from beside the project; drawn where there is none.
    pub(crate) fn read(folder: Option<PathBuf>) -> Result<Self, Failure> {
        let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/traces/servegen");
        let file = folder.unwrap_or_else(beside).join("servegen_hourly.csv");
        let (mut callers, told) = if file.is_file() {
            let callers = servegen(&std::fs::read_to_string(&file)?)?;
            let told = format!("mix: {} clients of ServeGen's trace (Apache-2.0)", callers.len());
            (callers, told)
        } else {
            let told = format!(
                "left out: ServeGen's trace, {} is not there; mix: {SYNTHETIC} synthetic clients",
                file.display()
            );
            (synthetic(), told)
        };
        callers.sort_by(|one, other| other.requests().total_cmp(&one.requests()));
        Ok(Self { callers, told })
    }
}

/// What the trace says of a client.
#[derive(Default)]
struct Client {
    hours: BTreeMap<usize, f64>,
    /// Requests of the hours whose tokens are told, and these.
    counted: f64,
    input: f64,
    output: f64,
}

/// `model,client,hour,requests,input_tokens,output_tokens`; tokens may be missing.
fn servegen(text: &str) -> Result<Vec<Caller>, Failure> {
    let mut clients: BTreeMap<(usize, &str), Client> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.trim().split(',').collect();
        let [model, name, hour, requests, input, output] = cells[..] else {
            return Err(format!("not an hour of ServeGen's: {line}").into());
        };
        let Some(model) = MODELS.iter().position(|(known, _)| *known == model) else { continue };
        let client = clients.entry((model, name)).or_default();
        let requests: f64 = requests.parse().unwrap_or_default();
        *client.hours.entry(hour.parse::<usize>()? % HOURS).or_default() += requests;
        if let (Ok(input), Ok(output)) = (input.parse::<f64>(), output.parse::<f64>()) {
            client.counted += requests;
            client.input += input;
            client.output += output;
        }
    }
    let means: Vec<(f64, f64)> = (0..MODELS.len()).map(|model| mean_of(&clients, model)).collect();
    let caller = |(&(model, _), client): (&(usize, &str), &Client)| {
        let told = client.counted > 0.0;
        let (input, output) =
            if told { (client.input / client.counted, client.output / client.counted) } else { means[model] };
        Caller { model, hours: whole(&client.hours), input: input.max(1.0), output: output.max(1.0) }
    };
    Ok(clients.iter().map(caller).filter(|caller| caller.requests() > 0.0).collect())
}

/// Mean tokens of a request of a model, over the clients whose tokens are told; round figures where none are.
fn mean_of(clients: &BTreeMap<(usize, &str), Client>, model: usize) -> (f64, f64) {
    let told = clients.iter().filter(|((of, _), _)| *of == model).map(|(_, client)| client);
    let (mut requests, mut input, mut output) = (0.0, 0.0, 0.0);
    for client in told {
        requests += client.counted;
        input += client.input;
        output += client.output;
    }
    if requests > 0.0 { (input / requests, output / requests) } else { (500.0, 100.0) }
}

/// Two weeks of hours; a client of whom only one day is told has it every day.
fn whole(hours: &BTreeMap<usize, f64>) -> Vec<f64> {
    let days = hours.keys().next_back().map_or(1, |last| last / 24 + 1);
    let of_day = days == 1;
    (0..HOURS).map(|hour| hours.get(&if of_day { hour % 24 } else { hour }).copied().unwrap_or_default()).collect()
}

/// Clients whose shares fall with their rank (Zipf), busier by day than by night and on workdays than on others.
fn synthetic() -> Vec<Caller> {
    let caller = |rank: u32| {
        let share = 1.0 / f64::from(rank + 1);
        let hour = |hour: usize| {
            let (day, hour) = (hour / 24 % 7, hour % 24);
            let of_day = if (8..20).contains(&hour) { 1.5 } else { 0.5 };
            share * of_day * if day < 5 { 1.2 } else { 0.5 }
        };
        let model = usize::try_from(rank).unwrap_or_default() % MODELS.len();
        let input = f64::from(rank * 37 % 1_900 + 100);
        Caller { model, hours: (0..HOURS).map(hour).collect(), input, output: input / 6.0 }
    };
    (0..SYNTHETIC).map(caller).collect()
}
