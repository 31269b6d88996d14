//! How long answers take: ours alone for the goals, then in turns with chDB's.

use crate::chdb::Chdb;
use crate::place::Place;
use crate::print::{heading, line, quantile};
use crate::questions::{Question, exact, panels, queries};
use crate::{Args, Failure};
use backend::Backend;
use std::time::{Duration, Instant};

/// The goal of every panel and query, p95 in milliseconds.
const GOAL_MS: f64 = 15.0;
/// Answers before the first that counts: connections are open, plans known, pages in memory.
const WARM: usize = 3;
/// Servers that answer for the first time.
const FIRST: usize = 5;

/// Who asks what takes seconds is not asked as often: a question has so much time, and this many rounds at least.
const PATIENCE: Duration = Duration::from_secs(20);
const ROUNDS: usize = 5;

/// What one size came to: a name and p50 and p95 of each.
pub(crate) struct Sized {
    millions: f64,
    figures: Vec<(&'static str, f64, f64)>,
}

/// Asks everything, one after the other, and prints p50 and p95.
pub(crate) async fn ours(place: &Place, args: &Args, millions: f64) -> Result<Sized, Failure> {
    let mut figures = Vec::new();
    for (title, questions) in [("Overview's panels", panels(place)), ("Spend queries", queries())] {
        heading(&format!(
            "{title}, {millions} million events: first answer of a server ({FIRST} of them, p50), then {} rounds: p50 and p95 (goal {GOAL_MS}), and processor time, in ms",
            args.rounds
        ));
        for question in questions {
            let (p50, p95) = match asked(&question, place, args).await {
                Ok((first, took, processor)) => {
                    let (p50, p95) = (quantile(&took, 0.5), quantile(&took, 0.95));
                    let over = if p95 > GOAL_MS { "  over" } else { "" };
                    line(&format!("  {:52} {first:>9.1} {p50:>9.1} {p95:>9.1} {processor:>9.1}{over}", question.name));
                    (p50, p95)
                }
                // An answer that takes too long is refused: that is a figure, too.
                Err(failure) => {
                    line(&format!("  {:52} no answer: {failure}", question.name));
                    (f64::INFINITY, f64::INFINITY)
                }
            };
            figures.push((question.name, p50, p95));
            if args.explain && p95 > GOAL_MS {
                // Whether it is refused has been told.
                let _answer = timed(&question, &place.explaining()?, place).await;
            }
        }
    }
    Ok(Sized { millions, figures })
}

/// A first answer, then all rounds with their processor time.
async fn asked(question: &Question, place: &Place, args: &Args) -> Result<(f64, Vec<f64>, f64), Failure> {
    let first = first(question, place).await?;
    let (took, processor) = rounds(question, place, args).await?;
    Ok((first, took, processor))
}

/// Milliseconds of the first answer of servers that kept none.
async fn first(question: &Question, place: &Place) -> Result<f64, Failure> {
    // This one finds the connections and PostgreSQL's memory as the others leave them.
    timed(question, &place.fresh(), place).await?;
    let mut took = Vec::new();
    for _ in 0..FIRST {
        took.push(timed(question, &place.fresh(), place).await?.0);
    }
    Ok(quantile(&took, 0.5))
}

/// Milliseconds of every round, and of processor time of one: of both processes over all cores, which says more than the clock where others use the machine.
async fn rounds(question: &Question, place: &Place, args: &Args) -> Result<(Vec<f64>, f64), Failure> {
    let warm = Instant::now();
    for round in 0..WARM {
        if round == 0 || warm.elapsed() < PATIENCE / 4 {
            timed(question, &place.backend, place).await?;
        }
    }
    let (begun, begun_at) = (place.processor_seconds()?, Instant::now());
    let mut took = Vec::new();
    while took.len() < args.rounds && (took.len() < ROUNDS || begun_at.elapsed() < PATIENCE) {
        took.push(timed(question, &place.backend, place).await?.0);
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of rounds")]
    let each = (place.processor_seconds()? - begun) * 1_000.0 / took.len().max(1) as f64;
    Ok((took, each))
}

/// Milliseconds of an answer, and its lines.
async fn timed(question: &Question, backend: &Backend, place: &Place) -> Result<(f64, Vec<String>), Failure> {
    let begun = Instant::now();
    let answer = question.ask(backend, place).await?;
    Ok((begun.elapsed().as_secs_f64() * 1_000.0, answer))
}

/// Asks both sides in turns; answers have to be the same to the last digit.
pub(crate) async fn beside_chdb(place: &Place, args: &Args, other: &mut Chdb) -> Result<(), Failure> {
    let rows = other.load(place).await?;
    heading(&format!(
        "Beside chDB ({}) with {rows} raw rows, {} turns: medians in ms (goal 10 times as fast)",
        other.version, args.turns
    ));
    for question in queries() {
        let Some(raw) = &question.raw else {
            line(&format!("  {:52} not asked: raw rows have no lines of receipts", question.name));
            continue;
        };
        let (mut own, mut others) = (Vec::new(), Vec::new());
        let (mut same, mut count) = (true, 0);
        for round in 0..=args.turns {
            let (ms, answer) = timed(&question, &place.backend, place).await?;
            let (other_ms, text) = other.ask(raw)?;
            // The first turn warms caches up and is not counted, but has to be right.
            if round > 0 {
                own.push(ms);
                others.push(other_ms);
            }
            count = answer.len();
            same &= are_same(answer, &text);
        }
        let (own, others) = (quantile(&own, 0.5), quantile(&others, 0.5));
        let answers = if same { format!("{count} rows, equal") } else { "DIFFERENT ANSWERS".to_owned() };
        line(&format!("  {:52} {own:>9.1} {others:>9.1} {:>7.1}x  {answers}", question.name, others / own));
    }
    Ok(())
}

/// Whether two answers have the same lines, decimals as exact texts.
fn are_same(mut ours: Vec<String>, theirs: &str) -> bool {
    let cell = |cell: &str| cell.parse().map_or_else(|_| cell.to_owned(), exact);
    let line = |line: &str| line.split('\t').map(cell).collect::<Vec<_>>().join("\t");
    let mut theirs: Vec<String> = theirs.lines().map(line).collect();
    ours.sort_unstable();
    theirs.sort_unstable();
    ours == theirs
}

/// The p95 of the largest size beside that of every smaller one.
pub(crate) fn print_growth(sizes: &[Sized]) {
    let Some((last, others)) = sizes.split_last().filter(|(_, others)| !others.is_empty()) else { return };
    heading(&format!("p95 at {} million events to that of fewer (goal at most 1.2 from 10 to 100)", last.millions));
    let head: Vec<String> = others.iter().map(|size| format!("{:>7} M", size.millions)).collect();
    line(&format!("  {:52} {}", "", head.join(" ")));
    for (place, (name, _, p95)) in last.figures.iter().enumerate() {
        let ratio = |size: &Sized| format!("{:>9.2}", p95 / size.figures[place].2);
        line(&format!("  {name:52} {}", others.iter().map(ratio).collect::<Vec<_>>().join(" ")));
    }
}
