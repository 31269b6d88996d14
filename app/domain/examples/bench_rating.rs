//! Our side of `cargo xtask bench rating`: rates cases, as often as each line of standard input says.
//!
//! Arguments: the seed of the price book, and a file of questions as JSON lines.
//! Says `ready` and the number of questions once everything is read, and `done` after each round.

use domain::price::{PriceBook, seed};
use domain::quote::{Question, QuoteInput};
use domain::rating::rate_usage;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (seed, questions) = arguments.next().zip(arguments.next()).ok_or("a seed and a file of questions")?;
    let book = PriceBook::new(seed::parse(&fs::read_to_string(seed)?)?);
    let text = fs::read_to_string(questions)?;
    let inputs: Vec<QuoteInput> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let now = "2026-11-12T12:00:00Z".parse()?;
    let questions: Vec<Question<'_>> = inputs.iter().map(|input| Question::of(input, now)).collect::<Result<_, _>>()?;
    let (mut answers, lines) = (std::io::stdout().lock(), std::io::stdin().lock().lines());
    writeln!(answers, "ready {}", questions.len())?;
    for line in lines {
        let events: usize = line?.trim().parse()?;
        for question in questions.iter().cycle().take(events) {
            let Question { provider, model, usage, at, context } = question;
            black_box(rate_usage((&book).into(), provider, model, usage, *at, *context))
                .map_err(|unpriced| unpriced.to_string())?;
        }
        writeln!(answers, "done")?;
        answers.flush()?;
    }
    Ok(())
}
