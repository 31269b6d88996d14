//! `tallystick quote`: prices lines of usage with the program's own price book. No database.

use backend::prices::seed_book;
use chrono::{DateTime, Utc};
use domain::quote::quote_line;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

/// Answers every line of a file, or of standard input for `-`, with one line of JSON. A line without a time is priced as of `now`.
///
/// # Errors
/// When the file cannot be read or the answers cannot be written.
pub fn run(file: &Path, now: DateTime<Utc>, answers: impl Write) -> io::Result<()> {
    if file.as_os_str() == "-" {
        answer(io::stdin().lock(), now, answers)
    } else {
        answer(BufReader::new(File::open(file)?), now, answers)
    }
}

fn answer(lines: impl BufRead, now: DateTime<Utc>, answers: impl Write) -> io::Result<()> {
    let (book, mut answers) = (seed_book(), BufWriter::new(answers));
    for line in lines.lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        serde_json::to_writer(&mut answers, &quote_line((&*book).into(), &line, now))?;
        answers.write_all(b"\n")?;
    }
    answers.flush()
}
