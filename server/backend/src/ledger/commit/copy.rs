//! PostgreSQL's binary COPY format.
//!
//! Source: PostgreSQL documentation, "COPY", section "Binary Format"; the fields are in the wire form of their types.

use chrono::{DateTime, Utc};
use domain::ids::{EventKey, OrgId};
use rust_decimal::Decimal;
use uuid::Uuid;

/// Microseconds between the Unix epoch and PostgreSQL's, 2000-01-01.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// A row of -1 fields.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Rows of a binary COPY with all that stands around them.
pub(super) fn framed<'a>(rows: impl Iterator<Item = &'a [u8]> + Clone) -> Vec<u8> {
    let bytes: usize = rows.clone().map(<[u8]>::len).sum();
    let mut whole = Vec::with_capacity(HEADER.len() + bytes + TRAILER.len());
    whole.extend_from_slice(HEADER);
    rows.for_each(|row| whole.extend_from_slice(row));
    whole.extend_from_slice(&TRAILER);
    whole
}

/// A claimed id, of an event or of an answer.
pub(super) struct Claim<'a> {
    pub(super) org_id: OrgId,
    pub(super) hash: &'a [u8],
    /// Only of an event.
    pub(super) content: Option<&'a [u8]>,
    pub(super) event_key: EventKey,
}

impl Claim<'_> {
    /// As a row.
    pub(super) fn row(&self) -> Vec<u8> {
        let mut row = CopyBuffer::with_capacity(96);
        row.row(3 + usize::from(self.content.is_some()));
        row.uuid(self.org_id.0);
        row.field(self.hash);
        if let Some(content) = self.content {
            row.field(content);
        }
        row.uuid(self.event_key.0);
        row.0
    }
}

/// A row on its way into a table.
pub(super) struct CopyBuffer(Vec<u8>);

impl CopyBuffer {
    /// Without anything yet.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Begins a row of so many fields.
    pub(super) fn row(&mut self, fields: usize) {
        // A table has at most 1,600 columns.
        self.0.extend_from_slice(&i16::try_from(fields).unwrap_or(i16::MAX).to_be_bytes());
    }

    /// What was written.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.0.shrink_to_fit();
        self.0
    }

    fn null(&mut self) {
        self.0.extend_from_slice(&(-1_i32).to_be_bytes());
    }

    fn field(&mut self, bytes: &[u8]) {
        self.len(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn len(&mut self, len: usize) {
        // Fields are bounded far below 2 GiB by the limits of an event.
        self.0.extend_from_slice(&i32::try_from(len).unwrap_or(i32::MAX).to_be_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.null(),
        }
    }

    pub(super) fn uuid(&mut self, id: Uuid) {
        self.field(id.as_bytes());
    }

    pub(super) fn timestamp(&mut self, at: DateTime<Utc>) {
        self.field(&(at.timestamp_micros() - EPOCH_MICROS).to_be_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.field(text.as_bytes());
    }

    pub(super) fn text_opt(&mut self, text: Option<&str>) {
        self.option(text, Self::text);
    }

    pub(super) fn bytes_opt(&mut self, bytes: Option<&[u8]>) {
        self.option(bytes, Self::field);
    }

    /// JSON text for a `jsonb` column; the leading byte is the version of that wire form.
    pub(super) fn jsonb_opt(&mut self, json: Option<&str>) {
        self.option(json, |row, json| {
            row.len(json.len() + 1);
            row.0.push(1);
            row.0.extend_from_slice(json.as_bytes());
        });
    }

    pub(super) fn bool(&mut self, flag: bool) {
        self.field(&[u8::from(flag)]);
    }

    pub(super) fn int8(&mut self, number: i64) {
        self.field(&number.to_be_bytes());
    }

    pub(super) fn numeric_opt(&mut self, number: Option<Decimal>) {
        self.option(number, Self::numeric);
    }

    /// Groups of four decimal digits around the point: count, weight of the first, sign, decimal places, groups.
    pub(super) fn numeric(&mut self, number: Decimal) {
        const GROUP: u128 = 10_000;
        let scale = number.scale();
        // Align the point with the border of a group.
        let padding = (4 - scale % 4) % 4;
        let mut rest = number.mantissa().unsigned_abs() * 10_u128.pow(padding);
        let fraction_groups = i16::try_from((scale + padding) / 4).unwrap_or(i16::MAX);
        let mut groups: Vec<i16> = Vec::with_capacity(12);
        while rest > 0 {
            groups.push(i16::try_from(rest % GROUP).unwrap_or(0));
            rest /= GROUP;
        }
        let count = i16::try_from(groups.len()).unwrap_or(i16::MAX);
        self.len(8 + groups.len() * 2);
        self.0.extend_from_slice(&count.to_be_bytes());
        self.0.extend_from_slice(&(count - fraction_groups - 1).to_be_bytes());
        let sign: u16 = if number.is_sign_negative() && count > 0 { 0x4000 } else { 0 };
        self.0.extend_from_slice(&sign.to_be_bytes());
        self.0.extend_from_slice(&u16::try_from(scale).unwrap_or(u16::MAX).to_be_bytes());
        for group in groups.iter().rev() {
            self.0.extend_from_slice(&group.to_be_bytes());
        }
    }
}
