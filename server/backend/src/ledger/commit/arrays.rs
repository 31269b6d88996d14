//! Rows of a binary COPY as one array per column, so that one statement takes them all.
//!
//! Fields have the same form in a row of COPY and in an array, so they only change places.
//! Source: PostgreSQL's `array_recv` (src/backend/utils/adt/arrayfuncs.c): dimensions, whether any element is null, type of the elements, length, lower bound, then each element with its length.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{Encode, Postgres, Type};

/// A type of a column, with its number and that of its arrays (src/include/catalog/pg_type.dat).
#[derive(Clone, Copy, Debug)]
pub(super) struct ColumnType {
    /// The word in SQL.
    pub(super) name: &'static str,
    oid: u32,
    array_oid: u32,
}

const fn of(name: &'static str, oid: u32, array_oid: u32) -> ColumnType {
    ColumnType { name, oid, array_oid }
}

pub(super) const BOOL: ColumnType = of("boolean", 16, 1000);
pub(super) const BYTES: ColumnType = of("bytea", 17, 1001);
pub(super) const INT8: ColumnType = of("bigint", 20, 1016);
pub(super) const JSONB: ColumnType = of("jsonb", 3802, 3807);
pub(super) const NUMERIC: ColumnType = of("numeric", 1700, 1231);
pub(super) const TEXT: ColumnType = of("text", 25, 1009);
pub(super) const TIMESTAMP: ColumnType = of("timestamptz", 1184, 1185);
pub(super) const UUID: ColumnType = of("uuid", 2950, 2951);

/// Bytes of an array before its first element.
const HEADER: usize = 20;
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// A column of some rows.
pub(super) struct Array {
    column: ColumnType,
    len: i32,
    has_null: bool,
    elements: Vec<u8>,
}

/// The columns of rows that have one field of each of these types.
pub(super) fn columns<'a>(
    types: impl Iterator<Item = ColumnType>,
    rows: impl Iterator<Item = &'a [u8]> + Clone,
) -> Vec<Array> {
    let len = i32::try_from(rows.clone().count()).unwrap_or(i32::MAX);
    let mut columns: Vec<Array> =
        types.map(|column| Array { column, len, has_null: false, elements: vec![] }).collect();
    for row in rows {
        // How many fields there are is what all rows have in common.
        let mut rest = row.get(2..).unwrap_or_default();
        for column in &mut columns {
            let (field, after) = rest.split_at(field_len(rest));
            column.has_null |= field == NULL;
            column.elements.extend_from_slice(field);
            rest = after;
        }
    }
    columns
}

/// Bytes of the first field with its length.
fn field_len(fields: &[u8]) -> usize {
    let len = fields.first_chunk::<4>().map_or(0, |len| i32::from_be_bytes(*len));
    fields.len().min(4 + usize::try_from(len).unwrap_or(0))
}

impl Type<Postgres> for Array {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(BYTES.array_oid))
    }
}

impl Encode<'_, Postgres> for Array {
    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(self.column.array_oid)))
    }

    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let dimensions = i32::from(self.len > 0);
        buffer.extend_from_slice(&dimensions.to_be_bytes());
        buffer.extend_from_slice(&i32::from(self.has_null).to_be_bytes());
        buffer.extend_from_slice(&self.column.oid.to_be_bytes());
        if self.len > 0 {
            buffer.extend_from_slice(&self.len.to_be_bytes());
            buffer.extend_from_slice(&1_i32.to_be_bytes());
            buffer.extend_from_slice(&self.elements);
        }
        Ok(IsNull::No)
    }

    fn size_hint(&self) -> usize {
        HEADER + self.elements.len()
    }
}
