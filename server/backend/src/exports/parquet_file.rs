//! A FOCUS dataset as Parquet, group of rows by group of rows: what has been written is taken away, so that a file of any size needs the memory of one group.

use crate::Error;
use domain::focus::Version;
use domain::focus::columns::{Cell, Column, Kind, columns};
use domain::focus::row::{Account, FocusRow};
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};
use rust_decimal::Decimal;
use std::sync::Arc;

/// Rows of a group.
const GROUP: usize = 10_000;
/// Digits of a decimal, and how many of them stand behind the point: unit prices of a million tokens times quantities in millions need no more.
const DIGITS: (i32, u32) = (38, 18);
/// Bytes of 38 digits with their sign.
const BYTES: i32 = 16;

/// A file on its way.
pub(super) struct ParquetFile {
    writer: SerializedFileWriter<Vec<u8>>,
    version: Version,
    account: Account,
    waiting: Vec<FocusRow>,
}

impl ParquetFile {
    /// A file without rows.
    ///
    /// # Errors
    /// [`Error::Server`].
    pub(super) fn new(version: Version, account: Account) -> Result<Self, Error> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer =
            schema(version).and_then(|schema| SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)));
        Ok(Self { writer: writer.map_err(failed)?, version, account, waiting: Vec::new() })
    }

    /// Adds rows; the bytes that are finished.
    ///
    /// # Errors
    /// [`Error::Server`].
    pub(super) fn add(&mut self, rows: Vec<FocusRow>) -> Result<Vec<u8>, Error> {
        self.waiting.extend(rows);
        if self.waiting.len() >= GROUP {
            self.write().map_err(failed)?;
        }
        self.take().map_err(failed)
    }

    /// Ends the file; its last bytes.
    ///
    /// # Errors
    /// [`Error::Server`].
    pub(super) fn finish(mut self) -> Result<Vec<u8>, Error> {
        let end = |file: &mut Self| {
            if !file.waiting.is_empty() {
                file.write()?;
            }
            file.writer.finish()?;
            file.take()
        };
        end(&mut self).map_err(failed)
    }

    fn take(&mut self) -> Result<Vec<u8>, ParquetError> {
        self.writer.flush()?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    fn write(&mut self) -> Result<(), ParquetError> {
        let rows = std::mem::take(&mut self.waiting);
        let mut group = self.writer.next_row_group()?;
        for column in columns(self.version) {
            let cells = rows.iter().map(|row| column.cell(&self.account, row)).collect();
            write_column(&mut group, column, cells)?;
        }
        group.close()?;
        Ok(())
    }
}

fn failed(error: ParquetError) -> Error {
    Error::server("writing Parquet", error)
}

fn schema(version: Version) -> Result<TypePtr, ParquetError> {
    let field = |column: &Column| {
        let repetition = if column.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let scale = i32::try_from(DIGITS.1).unwrap_or_default();
        let (physical, logical) = match column.kind {
            Kind::Text | Kind::KeyValue => (Physical::BYTE_ARRAY, LogicalType::String),
            Kind::Decimal => (Physical::FIXED_LEN_BYTE_ARRAY, LogicalType::decimal(scale, DIGITS.0)),
            Kind::Time => (Physical::INT64, LogicalType::timestamp(true, TimeUnit::MICROS)),
        };
        let of = Type::primitive_type_builder(column.id, physical).with_repetition(repetition);
        let of = if column.kind == Kind::Decimal {
            of.with_length(BYTES).with_precision(DIGITS.0).with_scale(scale)
        } else {
            of
        };
        of.with_logical_type(Some(logical)).build().map(Arc::new)
    };
    let fields = columns(version).map(field).collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("focus").with_fields(fields).build().map(Arc::new)
}

fn write_column(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    column: &Column,
    cells: Vec<Option<Cell>>,
) -> Result<(), ParquetError> {
    let Some(mut writer) = group.next_column()? else {
        return Err(ParquetError::General(format!("the schema has no column {}", column.id)));
    };
    let there: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let levels = column.nullable.then_some(there.as_slice());
    let (mut texts, mut decimals, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for cell in cells.into_iter().flatten() {
        match cell {
            Cell::Text(text) => texts.push(ByteArray::from(text.into_bytes())),
            Cell::Decimal(number) => decimals.push(digits(number)?),
            Cell::Time(at) => times.push(at.timestamp_micros()),
        }
    }
    match column.kind {
        Kind::Text | Kind::KeyValue => writer.typed::<ByteArrayType>().write_batch(&texts, levels, None)?,
        Kind::Decimal => writer.typed::<FixedLenByteArrayType>().write_batch(&decimals, levels, None)?,
        Kind::Time => writer.typed::<Int64Type>().write_batch(&times, levels, None)?,
    };
    writer.close()
}

/// A number as its digits with 18 places, the first byte first.
fn digits(number: Decimal) -> Result<FixedLenByteArray, ParquetError> {
    let (_, places) = DIGITS;
    let number = number.round_dp(places);
    let shift = 10_i128.checked_pow(places - number.scale());
    let unscaled = shift.and_then(|shift| number.mantissa().checked_mul(shift));
    let unscaled = unscaled.ok_or_else(|| ParquetError::General(format!("{number} has too many digits")))?;
    Ok(FixedLenByteArray::from(unscaled.to_be_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::digits;
    use rust_decimal::Decimal;

    #[test]
    fn numbers_keep_all_their_digits() {
        for (text, unscaled) in [
            ("1.5", 1_500_000_000_000_000_000_i128),
            ("-0.000000000000000001", -1),
            ("9999999999999999.999999999999", 9_999_999_999_999_999_999_999_999_999_000_000),
        ] {
            let number: Decimal = text.parse().unwrap();
            assert_eq!(digits(number).unwrap().data(), unscaled.to_be_bytes(), "{text}");
        }
    }
}
