//! The other side: chDB, `ClickHouse` in a process of its own, with the same rows.

use crate::Failure;
use crate::place::Place;
use futures::TryStreamExt;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running chDB; ended when dropped.
pub(crate) struct Chdb {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
    pub(crate) version: String,
}

impl Chdb {
    /// Starts it with tables in a folder.
    pub(crate) fn start(python: &Path, folder: &Path) -> Result<Self, Failure> {
        let script = folder.join("rows.py");
        std::fs::write(&script, include_str!("rows.py"))?;
        let mut command = Command::new(python);
        command.arg(&script).arg(folder.join("chdb")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", python.display()))?;
        let (questions, answers) = child.stdin.take().zip(child.stdout.take()).ok_or("no pipes")?;
        let folder = folder.to_owned();
        let mut side = Self { child, questions, answers: BufReader::new(answers), folder, version: String::new() };
        side.version = side.heard()?["ready"].as_str().unwrap_or_default().to_owned();
        Ok(side)
    }

    /// Gives it the rows of all events in place of those that it had; how many.
    pub(crate) async fn load(&mut self, place: &Place) -> Result<u64, Failure> {
        let path = self.folder.join("rows.csv");
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path)?);
        let mut connection = place.pool.acquire().await?;
        let mut rows = connection.copy_out_raw(include_str!("rows.sql")).await?;
        while let Some(bytes) = rows.try_next().await? {
            file.write_all(&bytes)?;
        }
        file.flush()?;
        self.said(&json!({"load": path}))?["rows"].as_u64().ok_or_else(|| "no rows".into())
    }

    /// Milliseconds of an answer, and the answer.
    pub(crate) fn ask(&mut self, sql: &str) -> Result<(f64, String), Failure> {
        let answer = self.said(&json!({"ask": sql}))?;
        let text = answer["text"].as_str().ok_or("no answer")?.to_owned();
        Ok((answer["ms"].as_f64().ok_or("no time")?, text))
    }

    fn said(&mut self, question: &Value) -> Result<Value, Failure> {
        writeln!(self.questions, "{question}")?;
        self.heard()
    }

    fn heard(&mut self) -> Result<Value, Failure> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("chDB ended before it was done".into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Chdb {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
