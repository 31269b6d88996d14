//! Reads numbers out of a usage object and remembers everything that is wrong with them.

use super::{Meter, Meters};
use crate::problem::FieldProblem;
use rust_decimal::Decimal;
use serde_json::{Number, Value};

/// Largest whole number that every JSON reader keeps exactly.
const MAX_EXACT: u64 = 1 << 53;

/// Deepest field that any shape reads.
const MAX_SEGMENTS: usize = 5;

/// Where a field lies. Cheap to carry along: its text is only made when something is wrong.
#[derive(Clone, Copy)]
struct Path {
    segments: [Segment; MAX_SEGMENTS],
    len: usize,
}

#[derive(Clone, Copy)]
enum Segment {
    Key(&'static str),
    Index(usize),
}

impl Path {
    const ROOT: Self = Self { segments: [Segment::Index(0); MAX_SEGMENTS], len: 0 };

    fn join(mut self, segment: Segment) -> Self {
        if let Some(slot) = self.segments.get_mut(self.len) {
            *slot = segment;
            self.len += 1;
        }
        self
    }

    /// The JSON pointer within the event.
    fn pointer(&self) -> String {
        let mut pointer = String::from("/usage");
        for segment in &self.segments[..self.len] {
            pointer.push('/');
            match segment {
                Segment::Key(key) => pointer.push_str(key),
                Segment::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }

    /// The field as a sentence names it.
    fn name(&self) -> String {
        self.pointer().trim_start_matches("/usage/").replace('/', ".")
    }
}

/// A place in the usage object: the value there, if any, and where that is.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    value: Option<&'a Value>,
    path: Path,
}

impl<'a> Place<'a> {
    pub(super) const fn root(value: &'a Value) -> Self {
        Self { value: Some(value), path: Path::ROOT }
    }

    pub(super) fn at(&self, key: &'static str) -> Self {
        let value = self.value.and_then(|value| value.get(key)).filter(|value| !value.is_null());
        Self { value, path: self.path.join(Segment::Key(key)) }
    }

    /// The elements of an array, none when there is no array.
    pub(super) fn elements(&self) -> impl Iterator<Item = Self> + use<'a> {
        let path = self.path;
        let elements = self.value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        elements
            .iter()
            .enumerate()
            .map(move |(index, value)| Self { value: Some(value), path: path.join(Segment::Index(index)) })
    }

    pub(super) fn word(&self, key: &str) -> Option<&'a str> {
        self.value.and_then(|value| value.get(key)).and_then(Value::as_str)
    }

    /// A number told by this place.
    pub(super) const fn given(&self, value: u64) -> Count {
        Count { value, given: true, path: self.path }
    }

    /// A zero told by this place.
    pub(super) const fn nothing(&self) -> Count {
        Count { value: 0, given: false, path: self.path }
    }

    pub(super) const fn is_present(&self) -> bool {
        self.value.is_some()
    }

    pub(super) const fn value(&self) -> Option<&'a Value> {
        self.value
    }

    pub(super) fn pointer(&self) -> String {
        self.path.pointer()
    }
}

/// A number that was read, with the place it came from: faults can then name the field.
#[derive(Clone, Copy)]
pub(super) struct Count {
    pub(super) value: u64,
    pub(super) given: bool,
    path: Path,
}

impl Count {
    /// The same field with another number, for sums of several fields that are told by the first.
    pub(super) const fn with(self, value: u64) -> Self {
        Self { value, ..self }
    }

    /// The first that was given, else the first.
    pub(super) const fn or(self, other: Self) -> Self {
        if self.given || !other.given { self } else { other }
    }
}

/// Collects meters and faults while a shape is taken apart.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) meters: Meters,
    faults: Vec<FieldProblem>,
    read: ReadValues,
}

/// The values that were read, by where they lie in memory: nobody has to make a text of a path for that.
#[derive(Default)]
pub(super) struct ReadValues(Vec<usize>);

impl ReadValues {
    fn insert(&mut self, value: &Value) {
        self.0.push(address(value));
    }

    pub(super) fn contains(&self, value: &Value) -> bool {
        self.0.contains(&address(value))
    }

    pub(super) fn append(&mut self, other: &mut Self) {
        self.0.append(&mut other.0);
    }
}

fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

impl Reader {
    pub(super) fn fault(&mut self, pointer: String, code: &str, detail: String) {
        self.faults.push(FieldProblem::new(pointer, code, detail));
    }

    /// The meters and the values that were read, or everything that was wrong.
    pub(super) fn finish(self) -> Result<(Meters, ReadValues), Vec<FieldProblem>> {
        if self.faults.is_empty() { Ok((self.meters, self.read)) } else { Err(self.faults) }
    }

    /// Takes note of a number that is known to say nothing of its own, such as a part that is billed within its total.
    pub(super) fn pass(&mut self, place: Place<'_>) {
        if let Some(value) = place.value {
            self.read.insert(value);
        }
    }

    /// The same for everything below.
    pub(super) fn pass_all(&mut self, place: Place<'_>) {
        let mut left: Vec<&Value> = place.value.into_iter().collect();
        while let Some(value) = left.pop() {
            self.read.insert(value);
            match value {
                Value::Object(fields) => left.extend(fields.values()),
                Value::Array(values) => left.extend(values),
                _ => {}
            }
        }
    }

    /// A whole number; missing and null are zero and not `given`.
    pub(super) fn count(&mut self, place: Place<'_>) -> Count {
        self.pass(place);
        let value = match place.value.map(whole) {
            None => None,
            Some(Ok(number)) => Some(number),
            Some(Err(wrong)) => {
                self.wrong(place, wrong);
                Some(0)
            }
        };
        Count { value: value.unwrap_or(0), given: value.is_some(), path: place.path }
    }

    /// One number that goes by two names. Two that differ contradict each other.
    pub(super) fn count_either(&mut self, place: Place<'_>, other: Place<'_>) -> Count {
        let (one, two) = (self.count(place), self.count(other));
        if one.given && two.given && one.value != two.value {
            let (name, other) = (one.path.name(), two.path.name());
            let detail =
                format!("{name} ({}) and {other} ({}) are two names of one number and differ.", one.value, two.value);
            self.fault(two.path.pointer(), "contradiction", detail);
        }
        one.or(two)
    }

    /// A whole number that the shape cannot do without.
    pub(super) fn required(&mut self, place: Place<'_>) -> Count {
        let count = self.count(place);
        if !count.given {
            self.missing(place);
        }
        count
    }

    /// What is left of a total after its subsets; subsets larger than their total make the event invalid.
    pub(super) fn rest(&mut self, total: Count, subsets: &[Count]) -> u64 {
        let inside = subsets.iter().fold(0_u64, |sum, subset| sum.saturating_add(subset.value));
        total.value.checked_sub(inside).unwrap_or_else(|| {
            let named = |subset: &Count| format!("{} ({})", subset.path.name(), subset.value);
            let names: Vec<String> = subsets.iter().filter(|subset| subset.value > 0).map(named).collect();
            let verb = if names.len() == 1 { "exceeds" } else { "together exceed" };
            let detail = format!("{} {verb} the total it is a part of, {}.", names.join(" and "), named(&total));
            self.fault(total.path.pointer(), "part_exceeds_total", detail);
            0
        })
    }

    /// Checks a reported grand total against the sums it may stand for. Zero and missing mean that none was reported.
    pub(super) fn check_total(&mut self, total: Count, sums: &[u64], parts: &str) {
        if total.value != 0 && !sums.contains(&total.value) {
            let sum = sums.first().copied().unwrap_or(0);
            let detail = format!("{} is {}, but {parts} add up to {sum}.", total.path.name(), total.value);
            self.fault(total.path.pointer(), "broken_total", detail);
        }
    }

    /// A quantity in the unit of its meter.
    pub(super) fn quantity(&mut self, meter: Meter, place: Place<'_>) {
        if !meter.unit().is_fractional() {
            let count = self.count(place);
            self.meters.add(meter, count.value);
            return;
        }
        self.pass(place);
        match place.value.map(decimal) {
            None => {}
            Some(Ok(quantity)) => self.meters.add(meter, quantity),
            Some(Err(wrong)) => self.wrong(place, wrong),
        }
    }

    /// A quantity whose parts have meters of their own: the total's meter keeps what is left of it.
    pub(super) fn parts_of_quantity(&mut self, meter: Meter, total: Place<'_>, parts: &[(Meter, Place<'_>)]) {
        let mut whole = Self::default();
        whole.quantity(meter, total);
        let mut left = whole.meters.get(meter);
        self.faults.append(&mut whole.faults);
        self.read.append(&mut whole.read);
        for &(meter, place) in parts {
            let before = self.meters.get(meter);
            self.quantity(meter, place);
            left -= self.meters.get(meter) - before;
        }
        if left < Decimal::ZERO && total.is_present() {
            let names: Vec<String> =
                parts.iter().filter(|(_, part)| part.is_present()).map(|(_, part)| part.path.name()).collect();
            let detail = format!("{} exceeds the total it is a part of, {}.", names.join(" and "), total.path.name());
            self.fault(total.pointer(), "part_exceeds_total", detail);
        }
        self.meters.add(meter, left);
    }

    /// A quantity that the shape cannot do without.
    pub(super) fn required_quantity(&mut self, meter: Meter, place: Place<'_>) {
        if place.is_present() {
            self.quantity(meter, place);
        } else {
            self.missing(place);
        }
    }

    /// Faults every field that is not known: what the shape does not count must not pass for counted.
    pub(super) fn only(&mut self, place: Place<'_>, is_known: impl Fn(&str) -> bool) {
        let fields = place.value().and_then(Value::as_object).into_iter().flatten();
        for (key, value) in fields.filter(|(_, value)| !value.is_null()) {
            if is_known(key) {
                self.read.insert(value);
                continue;
            }
            let key: String = key.chars().take(64).collect();
            let pointer = format!("/usage/{}", key.replace('~', "~0").replace('/', "~1"));
            self.fault(pointer, "unknown_meter", format!("`{key}` is not a meter; the API reference lists them."));
        }
    }

    fn missing(&mut self, place: Place<'_>) {
        let detail = format!("{} is missing; this usage format needs it.", place.path.name());
        self.fault(place.pointer(), "required", detail);
    }

    fn wrong(&mut self, place: Place<'_>, (code, wrong): Wrong) {
        self.fault(place.pointer(), code, format!("{} {wrong}.", place.path.name()));
    }
}

type Wrong = (&'static str, &'static str);

const NOT_A_NUMBER: Wrong = ("not_a_number", "is not a number");
const NEGATIVE: Wrong = ("negative", "is negative");
const FRACTIONAL: Wrong = ("fractional", "is not a whole number");
const TOO_LARGE: Wrong = ("too_large", "is larger than 2^53");

fn whole(value: &Value) -> Result<u64, Wrong> {
    let Value::Number(number) = value else { return Err(NOT_A_NUMBER) };
    if let Some(whole) = number.as_u64() {
        return if whole <= MAX_EXACT { Ok(whole) } else { Err(TOO_LARGE) };
    }
    let decimal = exact(number)?;
    if !decimal.fract().is_zero() {
        return Err(FRACTIONAL);
    }
    u64::try_from(decimal).map_err(|_| TOO_LARGE)
}

fn decimal(value: &Value) -> Result<Decimal, Wrong> {
    match value {
        Value::Number(number) => exact(number),
        // The form in which a fractional quantity is written by [`Meters`].
        Value::String(text) => text.parse().map_err(|_| NOT_A_NUMBER).and_then(bounded),
        _ => Err(NOT_A_NUMBER),
    }
}

/// The number as it was written, not as binary floating point would have it.
fn exact(number: &Number) -> Result<Decimal, Wrong> {
    let text = number.to_string();
    if text.starts_with('-') && number.as_f64().is_some_and(|value| value < 0.0) {
        return Err(NEGATIVE);
    }
    let parsed = text.parse().or_else(|_| Decimal::from_scientific(&text));
    match parsed {
        Ok(decimal) => bounded(decimal),
        Err(_) if number.as_f64().is_some_and(|value| value >= 1.0) => Err(TOO_LARGE),
        Err(_) => Err(NOT_A_NUMBER),
    }
}

fn bounded(decimal: Decimal) -> Result<Decimal, Wrong> {
    if decimal < Decimal::ZERO {
        Err(NEGATIVE)
    } else if decimal > Decimal::from(MAX_EXACT) {
        Err(TOO_LARGE)
    } else {
        Ok(decimal)
    }
}
