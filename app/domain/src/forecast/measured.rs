//! Measurements on real series, read in place beside the project; left out where they are missing.
//!
//! Run with `cargo nextest run -p domain measured --no-capture` to read the figures.

use super::back_test::{BackTest, forward, roughness};
use super::month::{MonthEndForecast, month_end_with};
use super::past::Steadiness;
use super::prior::{HORIZONS, LEVELS, Prior, SHIPPED};
use super::{MAX_DAYS, RULE_DAYS, Series};
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A month of the measurements: 30 days.
const MONTH: usize = 30;

/// One project's daily amounts and the organization it belongs to.
struct Project {
    org: String,
    days: Vec<f64>,
}

fn read(file: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/series").join(file);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("left out: {file} is not beside the project");
    }
    text
}

/// `org,project,model_tier,day,requests,input_tokens,output_tokens,cost_usd,date`
fn sg120() -> Option<Vec<Project>> {
    let text = read("sg120/sg120_daily_cost.csv")?;
    let mut projects: BTreeMap<String, Project> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let project = projects
            .entry(cells[1].to_owned())
            .or_insert_with(|| Project { org: cells[0].to_owned(), days: Vec::new() });
        assert_eq!(project.days.len(), cells[3].parse::<usize>().unwrap(), "days in order");
        project.days.push(cells[7].parse().unwrap());
    }
    Some(projects.into_values().collect())
}

/// `id,d0,d1,…`, one row per cash machine.
fn nn5() -> Option<Vec<Project>> {
    let text = read("nn5/nn5_daily.csv")?;
    let row = |line: &str| {
        let mut cells = line.split(',');
        let org = cells.next().unwrap().to_owned();
        Project { org, days: cells.map(|cell| cell.parse().unwrap_or(0.0)).collect() }
    };
    Some(text.lines().skip(1).map(row).collect())
}

/// Percentiles of every back-test of these projects.
fn measure(projects: &[&Project]) -> Prior {
    let mut samples: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
    for project in projects {
        for origin in RULE_DAYS..project.days.len() {
            let steadiness = Steadiness::of(roughness(&project.days[..origin]));
            let ratios: Vec<Option<f64>> = forward(&project.days, origin).collect();
            for (index, horizon) in HORIZONS.iter().enumerate() {
                let ratio = ratios.get(horizon - 1).copied().flatten();
                samples.entry((steadiness.index(), index)).or_default().extend(ratio);
            }
        }
    }
    let mut prior = SHIPPED;
    for ((steadiness, horizon), mut ratios) in samples {
        ratios.sort_by(f64::total_cmp);
        for (level, ratio) in prior[steadiness][horizon].iter_mut().enumerate() {
            let at = (ratios.len() * (2 * level + 1)) / (2 * LEVELS);
            *ratio = (ratios[at] * 100.0).round() / 100.0;
        }
    }
    prior
}

#[test]
fn the_shipped_table_is_what_the_series_give() {
    let Some(projects) = sg120() else { return };
    let measured = measure(&projects.iter().collect::<Vec<_>>());
    for (steadiness, rows) in measured.iter().enumerate() {
        println!("    [ // {steadiness}");
        for row in rows {
            println!("        {row:?},");
        }
        println!("    ],");
    }
    let cells = |prior: &Prior| prior.as_flattened().as_flattened().to_vec();
    for (measured, shipped) in cells(&measured).into_iter().zip(cells(&SHIPPED)) {
        assert!((measured - shipped).abs() < 0.001, "{measured} measured, {shipped} shipped");
    }
}

/// What a measurement over many months found.
#[derive(Default)]
struct Figures {
    months: f64,
    rule: f64,
    run_rate: f64,
    inside: f64,
    below: f64,
}

impl Figures {
    fn percent(&self, sum: f64) -> f64 {
        100.0 * sum / self.months
    }

    fn add(&mut self, other: &Self) {
        self.months += other.months;
        self.rule += other.rule;
        self.run_rate += other.run_rate;
        self.inside += other.inside;
        self.below += other.below;
    }
}

/// The series as it was known after `elapsed` days of a 30-day month that began on day `start`; dated so that the month is a June.
fn known(project: &Project, start: usize, elapsed: usize) -> Series {
    let first_of_june = NaiveDate::from_ymd_opt(2025, 6, 1).unwrap();
    let today = first_of_june + Days::new(elapsed as u64);
    let day_of = |index: usize| today - Days::new((start + elapsed - index) as u64);
    let rows = project.days[..start + elapsed].iter().enumerate().skip((start + elapsed).saturating_sub(MAX_DAYS));
    Series::new(rows.map(|(index, cost)| (day_of(index), Decimal::try_from(*cost).unwrap())), today, 0.0)
}

/// Forecasts the last `months` spans of 30 days of every project after `elapsed` days of each.
///
/// A forecast sees nothing of the days after its own, neither of the project nor of its neighbours, and its table is measured on the other half of the projects.
fn forecast_months(projects: &[Project], priors: &[Prior; 2], months: usize, elapsed: usize) -> Figures {
    let mut figures = Figures::default();
    for month in 1..=months {
        let start = |project: &Project| project.days.len() - MONTH * month;
        let series: Vec<Series> = projects.iter().map(|project| known(project, start(project), elapsed)).collect();
        let tests: Vec<BackTest> = series.iter().map(BackTest::of).collect();
        for (index, project) in projects.iter().enumerate() {
            let peers: Vec<&BackTest> = (0..projects.len())
                .filter(|other| *other != index && projects[*other].org == project.org)
                .map(|other| &tests[other])
                .collect();
            let forecast = month_end_with(&series[index], &tests[index], &peers, &priors[index % 2]);
            let Some(forecast) = forecast.month_end() else { continue };
            let actual: f64 = project.days[start(project)..start(project) + MONTH].iter().sum();
            if actual > 0.0 {
                figures.add(&judge(forecast, elapsed, actual));
            }
        }
    }
    figures
}

fn judge(forecast: &MonthEndForecast, elapsed: usize, actual: f64) -> Figures {
    let amount = |amount: Decimal| amount.to_f64().unwrap();
    let run_rate = amount(forecast.spent) / elapsed as f64 * MONTH as f64;
    let (low, high) = (amount(forecast.low80), amount(forecast.high80));
    // The sums of decimals and of floating-point numbers differ in the last digits.
    let (under, over) = (actual < low * (1.0 - 1e-9), actual > high * (1.0 + 1e-9));
    let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
    Figures {
        months: 1.0,
        rule: (amount(forecast.expected) - actual).abs() / actual,
        run_rate: (run_rate - actual).abs() / actual,
        inside: flag(!under && !over),
        below: flag(under),
    }
}

/// Prints the figures by day of the month and holds the band to its promise; gives back the errors of rule and run rate by day.
fn measured_by_day(name: &str, projects: &[Project], priors: &[Prior; 2], months: usize) -> Vec<(f64, f64)> {
    println!("{name}: mean absolute error of the month's total in percent, share of outcomes inside the 80 % band");
    println!("day   months   rule   run rate   inside   below   above");
    let mut all = Figures::default();
    let mut errors = Vec::new();
    for elapsed in [3, 5, 7, 10, 14, 17, 21, 24, 27] {
        let day = forecast_months(projects, priors, months, elapsed);
        print_figures(&elapsed.to_string(), &day);
        errors.push((day.rule, day.run_rate));
        all.add(&day);
    }
    print_figures("all", &all);
    assert!(all.months > 500.0, "enough months were measured");
    let inside = all.percent(all.inside);
    assert!((70.0..=90.0).contains(&inside), "{inside} % inside the 80 % band");
    errors
}

fn print_figures(label: &str, figures: &Figures) {
    println!(
        "{label:>3} {:>8} {:>6.1} {:>10.1} {:>8.1} {:>7.1} {:>7.1}",
        figures.months,
        figures.percent(figures.rule),
        figures.percent(figures.run_rate),
        figures.percent(figures.inside),
        figures.percent(figures.below),
        100.0 - figures.percent(figures.inside) - figures.percent(figures.below),
    );
}

/// Tables measured on the odd and on the even projects, in that order: project `index` is forecast with the table at `index % 2`.
fn priors_of_the_other_half(projects: &[Project]) -> [Prior; 2] {
    let half = |odd: usize| {
        measure(&projects.iter().enumerate().filter(|(index, _)| index % 2 == odd).map(|(_, p)| p).collect::<Vec<_>>())
    };
    [half(1), half(0)]
}

#[test]
fn llm_cost_is_never_forecast_worse_than_by_the_run_rate() {
    let Some(projects) = sg120() else { return };
    let by_day = measured_by_day("LLM cost (sg120)", &projects, &priors_of_the_other_half(&projects), 2);
    assert!(by_day.iter().all(|(rule, run_rate)| rule < run_rate));
}

#[test]
fn money_of_another_kind_is_forecast_better_than_by_the_run_rate() {
    let (Some(projects), Some(mut machines)) = (sg120(), nn5()) else { return };
    // Every second cash machine: enough months for the figures, half the time.
    let mut index = 0;
    machines.retain(|_| {
        index += 1;
        index % 2 == 0
    });
    let by_day = measured_by_day("cash withdrawals (nn5)", &machines, &priors_of_the_other_half(&projects), 4);
    let sum = |of: fn(&(f64, f64)) -> f64| by_day.iter().map(of).sum::<f64>();
    assert!(sum(|day| day.0) < 0.8 * sum(|day| day.1));
}
