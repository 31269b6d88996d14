//! Protocol Buffers, walked without building messages (protobuf.dev, "Encoding").
//!
//! Field numbers are those of opentelemetry-proto 1.11; the tests write with the generated types and read with this.

use super::attribute_keys::EXCEPTION;
use super::attributes::{Attributes, Value};
use super::{Log, Records, Span, malformed, push};
use crate::ingest_formats::raw;
use domain::problem::Problem;

/// The bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Malformed;

type Read<T> = Result<T, Malformed>;

/// A field's content.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32,
}

impl<'a> Field<'a> {
    fn bytes(self) -> Read<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(Malformed) }
    }

    fn text(self) -> Read<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    fn fixed64(self) -> Read<u64> {
        if let Self::Fixed64(number) = self { Ok(number) } else { Err(Malformed) }
    }

    fn varint(self) -> Read<u64> {
        if let Self::Varint(number) = self { Ok(number) } else { Err(Malformed) }
    }
}

/// The fields of a message, in their order.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Read<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(Malformed)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    fn take(&mut self, len: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Read<(u64, Field<'a>)> {
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| Malformed)?)),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                Field::Bytes(self.take(len)?)
            }
            5 => {
                self.take(4)?;
                Field::Fixed32
            }
            // Groups are long gone, and 6 and 7 never were.
            _ => return Err(Malformed),
        };
        if key >> 3 == 0 { Err(Malformed) } else { Ok((key >> 3, field)) }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Read<(u64, Field<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// The spans of an `ExportTraceServiceRequest`.
pub(super) fn spans(body: &[u8]) -> Result<Records<Span>, Problem> {
    let mut spans = vec![];
    in_scopes(body, |scope, resource, bytes| push(&mut spans, span(bytes, scope, resource).ok()))?;
    Ok(spans)
}

/// The records of an `ExportLogsServiceRequest`.
pub(super) fn logs(body: &[u8]) -> Result<Records<Log>, Problem> {
    let mut logs = vec![];
    in_scopes(body, |_, resource, bytes| push(&mut logs, log(bytes, resource).ok()))?;
    Ok(logs)
}

/// Checks that the body is a message.
pub(super) fn metrics(body: &[u8]) -> Result<(), Problem> {
    Fields(body).try_for_each(|field| field.map(drop)).map_err(|Malformed| malformed("protobuf"))
}

/// Shows every span or record with its scope's name and its resource: both requests are nested in the same way and under the same numbers.
fn in_scopes(
    body: &[u8],
    mut show: impl FnMut(&str, &Attributes, &[u8]) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let broken = |Malformed| malformed("protobuf");
    for of_resource in messages(body, 1) {
        let of_resource = of_resource.map_err(broken)?;
        let mut resource = Attributes::default();
        for message in messages(of_resource, 1) {
            attributes(message.map_err(broken)?, 1, &mut resource).map_err(broken)?;
        }
        for of_scope in messages(of_resource, 2) {
            let of_scope = of_scope.map_err(broken)?;
            let mut name = "";
            for scope in messages(of_scope, 1) {
                for field in messages(scope.map_err(broken)?, 1) {
                    name = std::str::from_utf8(field.map_err(broken)?).map_err(|_| malformed("protobuf"))?;
                }
            }
            for record in messages(of_scope, 2) {
                show(name, &resource, record.map_err(broken)?)?;
            }
        }
    }
    Ok(())
}

/// The fields of this number, which are messages or texts; others are passed over.
fn messages(bytes: &[u8], wanted: u64) -> impl Iterator<Item = Read<&[u8]>> {
    Fields(bytes).filter_map(move |field| match field {
        Ok((number, field)) => (number == wanted).then(|| field.bytes()),
        Err(malformed) => Some(Err(malformed)),
    })
}

fn span(bytes: &[u8], scope: &str, resource: &Attributes) -> Read<Span> {
    let mut span = Span { scope: scope.to_owned(), ..Span::default() };
    for field in Fields(bytes) {
        match field? {
            (1, id) => span.trace_id = hex(id.bytes()?),
            (2, id) => span.span_id = hex(id.bytes()?),
            (4, id) => span.parent_id = hex(id.bytes()?),
            (7, time) => span.start = time.fixed64()?,
            (8, time) => span.end = time.fixed64()?,
            (9, attribute) => key_value(attribute.bytes()?, &mut span.attributes)?,
            (11, event) => {
                let mut of_event = Attributes::default();
                attributes(event.bytes()?, 3, &mut of_event)?;
                span.attributes.inherit(&of_event, EXCEPTION);
            }
            (15, status) => {
                for field in Fields(status.bytes()?) {
                    if let (3, code) = field? {
                        span.failed = code.varint()? == 2;
                    }
                }
            }
            _ => {}
        }
    }
    span.attributes = span.attributes.over(resource);
    Ok(span)
}

fn log(bytes: &[u8], resource: &Attributes) -> Read<Log> {
    let mut log = Log::default();
    let (mut observed, mut body, mut event_name) = (0, None, "");
    for field in Fields(bytes) {
        match field? {
            (1, time) => log.at = time.fixed64()?,
            (5, value) => body = any(value.bytes()?)?,
            (6, attribute) => key_value(attribute.bytes()?, &mut log.attributes)?,
            (11, time) => observed = time.fixed64()?,
            (12, name) => event_name = name.text()?,
            _ => {}
        }
    }
    if log.at == 0 {
        log.at = observed;
    }
    log.name = super::logs::name(event_name, body.as_ref(), &log.attributes);
    log.attributes = log.attributes.over(resource);
    Ok(log)
}

fn attributes(bytes: &[u8], wanted: u64, into: &mut Attributes) -> Read<()> {
    messages(bytes, wanted).try_for_each(|attribute| key_value(attribute?, into))
}

fn key_value(bytes: &[u8], into: &mut Attributes) -> Read<()> {
    let (mut key, mut value) = (None, None);
    for field in Fields(bytes) {
        match field? {
            (1, name) => key = Some(name.text()?).filter(|key| Attributes::is_read(key)),
            (2, content) => value = Some(content.bytes()?),
            _ => {}
        }
    }
    if let (Some(key), Some(value)) = (key, value)
        && let Some(value) = any(value)?
    {
        into.insert(key, value);
    }
    Ok(())
}

/// A value; of a list the first element.
fn any(bytes: &[u8]) -> Read<Option<Value>> {
    let mut value = None;
    for field in Fields(bytes) {
        value = match field? {
            (5, list) => match messages(list.bytes()?, 1).next() {
                Some(first) => scalar(Fields(first?))?,
                None => None,
            },
            field => scalar_field(field)?.or(value),
        };
    }
    Ok(value)
}

fn scalar(mut fields: Fields<'_>) -> Read<Option<Value>> {
    fields.try_fold(None, |value, field| Ok(scalar_field(field?)?.or(value)))
}

fn scalar_field((number, field): (u64, Field<'_>)) -> Read<Option<Value>> {
    Ok(match number {
        1 => Value::text(field.text()?),
        2 => Some(Value::Bool(field.varint()? != 0)),
        3 => Some(Value::Int(field.varint()?.cast_signed())),
        4 => Some(Value::Double(f64::from_bits(field.fixed64()?))),
        _ => None,
    })
}

/// Ids as hex; ids are 8 or 16 bytes, and nothing longer is one.
fn hex(bytes: &[u8]) -> String {
    raw::hex(&bytes[..bytes.len().min(16)])
}
