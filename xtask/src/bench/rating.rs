//! `cargo xtask bench rating`: events per second and core, ours beside LiteLLM's, on the same cases.
//!
//! Both sides are one process of one thread that read everything first and then rate as many events as they are told, in turns.
//! What is measured is the price of a usage object that is in memory already: with receipt lines on our side, as two floats on theirs.

use super::python;
use crate::step::Failure;
use crate::tools;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

/// The version whose data the price book is seeded from.
const LITELLM: &str = "litellm==1.109.1";

/// Ticks of a second in `/proc`, on every Linux of today.
const TICKS: f64 = 100.0;

/// Settings of the measurement.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Worked cases as JSON lines.
    #[arg(long, default_value = "../shared/data/prices/cases_open.jsonl")]
    cases: PathBuf,
    /// Turns of each side.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Events of our side in one turn.
    #[arg(long, default_value_t = 4_000_000)]
    ours: u32,
    /// Events of LiteLLM's side in one turn.
    #[arg(long, default_value_t = 20_000)]
    theirs: u32,
}

/// Measures and prints the table.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let folder = tools::target_folder().join("bench");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let python = python::with("litellm", LITELLM)?;
    let built =
        tools::cargo().args(["build", "--release", "--quiet", "-p", "domain", "--example", "bench_rating"]).status();
    if !built.map_err(|error| error.to_string())?.success() {
        return Err("our side does not build".to_owned());
    }
    let script = folder.join("rating.py");
    fs::write(&script, include_str!("rating.py")).map_err(|error| error.to_string())?;
    let priced = folder.join("rating.jsonl");
    let mut theirs = Side::start(Command::new(python).arg(&script).arg(&args.cases).arg(&priced))?;
    let ours = tools::target_folder().join("release/examples/bench_rating");
    let mut ours = Side::start(Command::new(ours).arg("server/backend/src/prices/seed/prices.tsv").arg(&priced))?;
    if ours.cases != theirs.cases {
        return Err(format!("{} cases on our side, {} on theirs", ours.cases, theirs.cases));
    }
    // The first turn of each warms caches up and is not counted.
    ours.turn(args.ours / 4)?;
    theirs.turn(args.theirs / 4)?;
    let (mut our_turns, mut their_turns) = (vec![], vec![]);
    for _ in 0..args.rounds.max(5) {
        our_turns.push(ours.turn(args.ours)?);
        their_turns.push(theirs.turn(args.theirs)?);
    }
    report(&ours.cases, &our_turns, &their_turns);
    Ok(())
}

/// One side: a process that rates as many events as it is told.
struct Side {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    cases: String,
}

/// Events per second of a turn.
struct Turn {
    by_wall: f64,
    by_cpu: f64,
}

impl Side {
    fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let (questions, answers) = child.stdin.take().zip(child.stdout.take()).ok_or("no pipes")?;
        let mut side = Self { child, questions, answers: BufReader::new(answers), cases: String::new() };
        side.cases = side.heard("ready")?;
        Ok(side)
    }

    /// The rest of the next line that begins with a word.
    fn heard(&mut self, word: &str) -> Result<String, Failure> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.answers.read_line(&mut line).map_err(|error| error.to_string())? == 0 {
                return Err("a side ended before it was done".to_owned());
            }
            if let Some(rest) = line.trim().strip_prefix(word) {
                return Ok(rest.trim().to_owned());
            }
        }
    }

    fn turn(&mut self, events: u32) -> Result<Turn, Failure> {
        let (cpu, wall) = (self.cpu_seconds()?, Instant::now());
        writeln!(self.questions, "{events}").map_err(|error| error.to_string())?;
        self.heard("done")?;
        let (wall, cpu) = (wall.elapsed().as_secs_f64(), self.cpu_seconds()? - cpu);
        Ok(Turn { by_wall: f64::from(events) / wall, by_cpu: f64::from(events) / cpu.max(1.0 / TICKS) })
    }

    /// Seconds of processor time so far, from `/proc`.
    fn cpu_seconds(&self) -> Result<f64, Failure> {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        // The name in parentheses may hold blanks; behind it user and system time are the 12th and 13th field.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).ok_or("no processor time");
        Ok((ticks(11)? + ticks(12)?) / TICKS)
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::print_stdout, reason = "the result of a command that a person runs")]
fn report(cases: &str, ours: &[Turn], theirs: &[Turn]) {
    println!(
        "{cases} cases, {} turns each, one thread each; events per second, median (lowest to highest)",
        ours.len()
    );
    println!("{:24} {:>34} {:>34}", "", "wall", "processor");
    let [wall, cpu]: [fn(&Turn) -> f64; 2] = [|turn| turn.by_wall, |turn| turn.by_cpu];
    for (name, turns) in [("Tallystick, receipt", ours), ("LiteLLM cost_per_token", theirs)] {
        println!("{name:24} {:>34} {:>34}", spread(turns, wall), spread(turns, cpu));
    }
    let ratio = |of| median(ours, of) / median(theirs, of);
    println!("{:24} {:>33.0}x {:>33.0}x", "ratio", ratio(wall), ratio(cpu));
}

fn sorted(turns: &[Turn], of: fn(&Turn) -> f64) -> Vec<f64> {
    let mut rates: Vec<f64> = turns.iter().map(of).collect();
    rates.sort_by(f64::total_cmp);
    rates
}

fn median(turns: &[Turn], of: fn(&Turn) -> f64) -> f64 {
    let rates = sorted(turns, of);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}

fn spread(turns: &[Turn], of: fn(&Turn) -> f64) -> String {
    let rates = sorted(turns, of);
    let (lowest, highest) = (rates.first().copied().unwrap_or_default(), rates.last().copied().unwrap_or_default());
    format!("{:.0} ({lowest:.0} to {highest:.0})", median(turns, of))
}
