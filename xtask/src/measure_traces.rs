//! `cargo xtask measure-traces`: derives the sample organization's figures from the traces beside the project.
//!
//! Only figures come out (quantiles and mean shapes), with source and licence; no row of a trace is copied.

use crate::traces::{self, Trace};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Points of a quantile table in percent; the 99th keeps the long tail from being drawn too often.
const PERCENT: [usize; 22] = [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 99, 100];

/// Writes the figures that the sample organization is made from.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Folder of the traces; `../shared/data/traces` when left out.
    #[arg(long)]
    traces: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let file = figures_file();
    let text = figures(&args.traces.clone().unwrap_or_else(traces::default_folder))?;
    std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
}

fn figures_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/backend/src/sample/figures.rs")
}

/// The whole file.
fn figures(folder: &Path) -> Result<String, String> {
    let mut text = String::from(
        "//! Figures measured on production traces: what real usage looks like.\n//!\n\
         //! Written by `cargo xtask measure-traces`; do not edit.\n\
         //! Quantile tables hold the percentiles of [`PERCENT`].\n\n",
    );
    let percent: Vec<f64> = PERCENT.iter().map(|percent| *percent as f64).collect();
    table(&mut text, "PERCENT", "Points of the quantile tables.", &percent, 0);
    for (trace, name, what) in [
        (
            Trace::Code,
            "CODE",
            "of a code completion service. Azure LLM inference trace 2023 (CC-BY 4.0; Patel et al., Splitwise, ISCA 2024)",
        ),
        (
            Trace::Conversation,
            "CONVERSATION",
            "of a conversation service. Azure LLM inference trace 2023 (CC-BY 4.0; Patel et al., Splitwise, ISCA 2024)",
        ),
        (Trace::Mooncake, "LONG", "of long conversations with documents. Mooncake trace of Kimi (Apache-2.0)"),
    ] {
        let requests = trace.read(folder)?;
        let input = requests.iter().map(|request| request.input_tokens as f64).collect();
        let output = requests.iter().map(|request| request.output_tokens as f64).collect();
        table(&mut text, &format!("{name}_INPUT"), &format!("Input tokens per request {what}."), &quantiles(input), 0);
        table(
            &mut text,
            &format!("{name}_OUTPUT"),
            &format!("Output tokens per request {what}."),
            &quantiles(output),
            0,
        );
        let shares: Vec<f64> = requests
            .iter()
            .filter_map(|request| Some(request.cached_tokens? as f64 / request.input_tokens.max(1) as f64))
            .collect();
        if !shares.is_empty() {
            let doc = format!(
                "Share of a request's input tokens that an earlier request had sent as the same prefix, {what}."
            );
            table(&mut text, &format!("{name}_CACHED"), &doc, &quantiles(shares), 3);
        }
    }
    let servegen = servegen(&traces::read(&folder.join("servegen/servegen_hourly.csv"))?)?;
    let doc = "Requests by hour of the day as a share of the mean hour. BurstGPT (CC-BY 4.0).";
    let hours = hour_of_day(&traces::read(&folder.join("burstgpt/burstgpt1_hour_of_day.csv"))?)?;
    table(&mut text, "HOUR_OF_DAY", doc, &hours, 3);
    let doc = "Requests by day of the week from Monday as a share of the mean day: the larger model of ServeGen's production cloud over two weeks (Apache-2.0), turned so that its two quietest neighbours are the weekend, for the trace does not name its days.";
    table(&mut text, "DAY_OF_WEEK", doc, &day_of_week(&servegen), 3);
    let doc = "A day's requests as a share of its week's mean day: three models of ServeGen's production cloud over two weeks (Apache-2.0).";
    table(&mut text, "DAY_TO_DAY", doc, &quantiles(day_to_day(&servegen)), 3);
    Ok(text)
}

fn table(text: &mut String, name: &str, doc: &str, values: &[f64], places: usize) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "/// {doc}\npub(super) const {name}: [f64; {}] = [", values.len());
    for value in values {
        let _ = writeln!(text, "    {value:.*},", places.max(1));
    }
    let _ = writeln!(text, "];\n");
}

fn quantiles(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    PERCENT.iter().filter_map(|percent| values.get((values.len() - 1) * percent / 100).copied()).collect()
}

/// Divides by the mean.
fn shares(values: &[f64]) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.iter().map(|value| value / mean).collect()
}

/// `hour,mean_requests_per_hour`
fn hour_of_day(text: &str) -> Result<Vec<f64>, String> {
    let number = |line: &str| line.split(',').nth(1)?.trim().parse().ok();
    let lines = text.lines().skip(1);
    let hours: Option<Vec<f64>> = lines.map(number).collect();
    Ok(shares(&hours.ok_or("not an hour of the day")?))
}

/// `model,client,hour,requests,…`: requests per model and day, of the models that were watched for two weeks.
fn servegen(text: &str) -> Result<BTreeMap<String, Vec<f64>>, String> {
    let mut days: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [model, _, hour, requests, ..] = cells.as_slice() else { return Err(format!("not an hour: {line}")) };
        let hour: usize = hour.parse().map_err(|_| format!("not an hour: {line}"))?;
        let requests: f64 = requests.parse().map_err(|_| format!("not a number: {line}"))?;
        let days = days.entry((*model).to_owned()).or_insert_with(|| vec![0.0; 14]);
        if let Some(day) = days.get_mut(hour / 24) {
            *day += requests;
        }
    }
    days.retain(|_, days| days.iter().all(|day| *day > 0.0));
    Ok(days)
}

fn day_of_week(servegen: &BTreeMap<String, Vec<f64>>) -> Vec<f64> {
    let days = servegen.get("m-large").map(Vec::as_slice).unwrap_or_default();
    let mut week = shares(&days.iter().zip(days.iter().skip(7)).map(|(a, b)| a + b).collect::<Vec<_>>());
    let pair = |from: usize| week.iter().cycle().skip(from).take(2).sum::<f64>();
    let saturday = (0..week.len()).min_by(|a, b| pair(*a).total_cmp(&pair(*b))).unwrap_or_default();
    let days = week.len().max(1);
    week.rotate_left((saturday + 2) % days);
    week
}

fn day_to_day(servegen: &BTreeMap<String, Vec<f64>>) -> Vec<f64> {
    servegen.values().flat_map(|days| days.chunks(7).flat_map(shares)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_figures_are_what_the_traces_give() {
        let folder = traces::default_folder();
        if !folder.exists() {
            println!("left out: the traces are not beside the project");
            return;
        }
        // Formatting is not the measurement's business.
        let bare = |text: String| text.split_whitespace().collect::<String>().replace(",]", "]");
        assert_eq!(bare(figures(&folder).unwrap()), bare(traces::read(&figures_file()).unwrap()));
    }

    #[test]
    fn quantiles_keep_both_ends() {
        let table = quantiles((0..=200).map(f64::from).collect());
        assert_eq!(
            (table.first(), table.get(10), table.get(20), table.last()),
            (Some(&0.0), Some(&100.0), Some(&198.0), Some(&200.0))
        );
    }

    #[test]
    fn the_quietest_neighbours_are_the_weekend() {
        let week = [5.0, 1.0, 2.0, 9.0, 8.0, 7.0, 6.0].repeat(2);
        let turned = day_of_week(&BTreeMap::from([("m-large".to_owned(), week)]));
        assert!(turned[5] < 0.3 && turned[6] < 0.4 && turned[0] > 1.0);
        assert!((turned.iter().sum::<f64>() - 7.0).abs() < 1e-9);
    }
}
