//! Commands that show themselves, stay quiet when they succeed, and know how long they took.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What went wrong, in words for the person at the keyboard.
pub(crate) type Failure = String;

/// Says a line at once.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever closed our output does not want to hear of it.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The command as a person would type it.
pub(crate) fn as_typed(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .map(|word| if word.contains(' ') { format!("'{word}'") } else { word.into_owned() })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command to its end without showing anything.
pub(crate) fn ask(command: &mut Command) -> Result<Output, Failure> {
    command.stdin(Stdio::null()).output().map_err(|error| format!("{}: {error}", as_typed(command)))
}

/// Shows the command, and what it printed only if it failed.
pub(crate) fn quietly(command: &mut Command) -> Result<(), Failure> {
    say(&format!("  $ {}", as_typed(command)));
    let output = ask(command)?;
    if output.status.success() {
        return Ok(());
    }
    for text in [&output.stdout, &output.stderr] {
        say(String::from_utf8_lossy(text).trim_end());
    }
    Err(format!("{} failed ({})", as_typed(command), output.status))
}

/// Shows the command and everything it prints.
pub(crate) fn openly(command: &mut Command) -> Result<(), Failure> {
    say(&format!("  $ {}", as_typed(command)));
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("{}: {error}", as_typed(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed ({status})", as_typed(command))) }
}

/// Which of a command's two outputs to listen to.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// As [`openly`], and hands every line of one output to `hear` on the way.
pub(crate) fn overheard(command: &mut Command, stream: Stream, mut hear: impl FnMut(&str)) -> Result<(), Failure> {
    say(&format!("  $ {}", as_typed(command)));
    let failed = |error: std::io::Error| error.to_string();
    match stream {
        Stream::Stdout => command.stdout(Stdio::piped()),
        Stream::Stderr => command.stderr(Stdio::piped()),
    };
    let mut child = command.stdin(Stdio::null()).spawn().map_err(|error| format!("{}: {error}", as_typed(command)))?;
    let source: Option<Box<dyn Read>> = match stream {
        Stream::Stdout => child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read>),
        Stream::Stderr => child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read>),
    };
    for line in source.map(BufReader::new).into_iter().flat_map(BufRead::lines) {
        let line = line.map_err(failed)?;
        say(&line);
        hear(&line);
    }
    let status = child.wait().map_err(failed)?;
    if status.success() { Ok(()) } else { Err(format!("{} failed ({status})", as_typed(command))) }
}

/// The parts of a longer command: how each ended and how long it took.
#[derive(Default)]
pub(crate) struct Parts {
    done: Vec<(String, Duration, Result<(), Failure>)>,
}

impl Parts {
    /// Does one part; a failure is kept, and the parts after it still run. Tells whether it succeeded.
    pub(crate) fn part(&mut self, name: &str, act: impl FnOnce() -> Result<(), Failure>) -> bool {
        say(&format!("== {name}"));
        let started = Instant::now();
        let outcome = act();
        let took = started.elapsed();
        let succeeded = outcome.is_ok();
        match &outcome {
            Ok(()) => say(&format!("   ok, {}", seconds(took))),
            Err(reason) => say(&format!("   FAILED after {}: {reason}", seconds(took))),
        }
        self.done.push((name.to_owned(), took, outcome));
        succeeded
    }

    /// Prints how long each part took.
    pub(crate) fn print_times(&self) {
        say("\nhow long each part took");
        for (name, took, outcome) in &self.done {
            say(&format!("  {:>8}  {name}{}", seconds(*took), if outcome.is_ok() { "" } else { "  FAILED" }));
        }
        say(&format!("  {:>8}  together", seconds(self.done.iter().map(|(_, took, _)| *took).sum())));
    }

    /// Every failure, one per line; `Ok` when there was none.
    pub(crate) fn outcome(self) -> Result<(), Failure> {
        let failures: Vec<String> = self
            .done
            .into_iter()
            .filter_map(|(name, _, outcome)| outcome.err().map(|reason| format!("{name}: {reason}")))
            .collect();
        if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}
