//! Readers of the production traces beside the project; their licences are named where figures of them are kept.

use chrono::NaiveDateTime;
use serde::Deserialize;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Tokens of a block whose hash the Mooncake trace gives.
const BLOCK_TOKENS: u64 = 512;

/// One request of a trace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    /// When it came, in UTC; for Mooncake, whose times are relative, counted from 1970.
    pub at: NaiveDateTime,
    /// Tokens of the whole prompt.
    pub input_tokens: u64,
    /// How many of them earlier requests had sent as the same prefix; none where the trace does not tell.
    pub cached_tokens: Option<u64>,
    /// Generated tokens.
    pub output_tokens: u64,
}

/// Which trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Trace {
    /// Azure, code completion: 8,819 requests.
    Code,
    /// Azure, conversation: 19,366 requests.
    Conversation,
    /// Mooncake (Kimi), conversation: 12,031 requests with cached prefixes; times are relative.
    Mooncake,
}

impl Trace {
    /// Its word, as in ids of replayed events.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Conversation => "conversation",
            Self::Mooncake => "mooncake",
        }
    }

    /// Reads it from the folder of the traces.
    pub(crate) fn read(self, traces: &Path) -> Result<Vec<Request>, String> {
        match self {
            Self::Code => azure(&read(&traces.join("azure/AzureLLMInferenceTrace_code.csv"))?),
            Self::Conversation => azure(&read(&traces.join("azure/AzureLLMInferenceTrace_conv.csv"))?),
            Self::Mooncake => mooncake(&read(&traces.join("mooncake/conversation_trace.jsonl"))?),
        }
    }
}

/// Where the traces lie when nothing else is said: beside the project.
pub(crate) fn default_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/traces")
}

/// Reads a file whole, with its name in the error.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// `TIMESTAMP,ContextTokens,GeneratedTokens`, the time to 100 nanoseconds.
fn azure(text: &str) -> Result<Vec<Request>, String> {
    let parse = |line: &str| {
        let mut cells = line.split(',');
        Some(Request {
            at: NaiveDateTime::parse_from_str(cells.next()?, "%Y-%m-%d %H:%M:%S%.f").ok()?,
            input_tokens: cells.next()?.parse().ok()?,
            cached_tokens: None,
            output_tokens: cells.next()?.trim().parse().ok()?,
        })
    };
    text.lines().skip(1).map(|line| parse(line).ok_or_else(|| format!("not a request: {line}"))).collect()
}

/// One JSON object per line; a prompt's leading blocks that any earlier prompt held count as cached.
fn mooncake(text: &str) -> Result<Vec<Request>, String> {
    #[derive(Deserialize)]
    struct Line {
        timestamp: i64,
        input_length: u64,
        output_length: u64,
        hash_ids: Vec<u64>,
    }
    let mut known: HashSet<u64> = HashSet::new();
    let mut request = |line: &str| {
        let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let blocks = line.hash_ids.iter().take_while(|block| known.contains(block)).count() as u64;
        known.extend(&line.hash_ids);
        Ok(Request {
            at: chrono::DateTime::from_timestamp_millis(line.timestamp).unwrap_or_default().naive_utc(),
            input_tokens: line.input_length,
            cached_tokens: Some((blocks * BLOCK_TOKENS).min(line.input_length)),
            output_tokens: line.output_length,
        })
    };
    text.lines().map(&mut request).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azure_rows_keep_their_hundred_nanoseconds() {
        let rows = azure("TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:03.9799600,4808,10\r\n").unwrap();
        assert_eq!(rows[0].at.to_string(), "2023-11-16 18:17:03.979960");
        assert_eq!((rows[0].input_tokens, rows[0].output_tokens, rows[0].cached_tokens), (4808, 10, None));
        assert!(azure("head\nnonsense").is_err());
    }

    #[test]
    fn only_a_known_prefix_is_cached() {
        let line = |ids: &str| format!(r#"{{"timestamp":5,"input_length":1200,"output_length":9,"hash_ids":{ids}}}"#);
        let rows = mooncake(&[line("[0,1,2]"), line("[0,1,9]"), line("[7,1,2]")].join("\n")).unwrap();
        let cached: Vec<_> = rows.iter().map(|row| row.cached_tokens).collect();
        assert_eq!(cached, [Some(0), Some(1024), Some(0)]);
        let whole = mooncake(&[line("[0,1,2]"), line("[0,1,2]")].join("\n")).unwrap();
        assert_eq!(whole[1].cached_tokens, Some(1200));
    }
}
