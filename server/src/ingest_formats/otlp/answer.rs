//! What an OTLP client is answered, in its own encoding.

use super::Encoding;
use serde_json::json;

/// Which kind of record a request held: the answers count them under different names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `/v1/traces`.
    Traces,
    /// `/v1/logs`.
    Logs,
    /// `/v1/metrics`.
    Metrics,
}

/// `Export…ServiceResponse`: empty when everything was taken, else how many were not and why. A client does not send these again.
#[must_use]
pub fn exported(signal: Signal, rejected: u32, why: &str, encoding: Encoding) -> Vec<u8> {
    if rejected == 0 {
        return match encoding {
            Encoding::Protobuf => Vec::new(),
            Encoding::Json => b"{}".to_vec(),
        };
    }
    match encoding {
        Encoding::Protobuf => {
            let mut partial = Vec::new();
            varint_field(&mut partial, 1, u64::from(rejected));
            bytes_field(&mut partial, 2, why.as_bytes());
            let mut answer = Vec::new();
            bytes_field(&mut answer, 1, &partial);
            answer
        }
        Encoding::Json => {
            let count = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Logs => "rejectedLogRecords",
                Signal::Metrics => "rejectedDataPoints",
            };
            // 64-bit integers are texts in protobuf's JSON.
            json!({"partialSuccess": {count: rejected.to_string(), "errorMessage": why}}).to_string().into_bytes()
        }
    }
}

/// `google.rpc.Status` with one of its codes.
#[must_use]
pub fn status(code: u8, message: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => {
            let mut status = Vec::new();
            varint_field(&mut status, 1, u64::from(code));
            bytes_field(&mut status, 2, message.as_bytes());
            status
        }
        Encoding::Json => json!({"code": code, "message": message}).to_string().into_bytes(),
    }
}

fn varint_field(message: &mut Vec<u8>, number: u8, value: u64) {
    message.push(number << 3);
    varint(message, value);
}

fn bytes_field(message: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    message.push(number << 3 | 2);
    varint(message, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    message.extend_from_slice(bytes);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    message.push(value.to_le_bytes()[0]);
}
