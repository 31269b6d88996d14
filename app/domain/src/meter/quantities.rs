//! A set of meters with their quantities.

use super::Meter;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::MapAccess, ser::SerializeMap};
use std::fmt;

/// The disjoint quantities of an event, in the order of [`Meter::ALL`]; zero quantities are left out.
///
/// In JSON an object: whole quantities are numbers, fractional ones decimal strings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meters(Vec<(Meter, Decimal)>);

impl Meters {
    /// No meters.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds to a meter. Zero adds nothing; quantities are never negative, so a negative one adds nothing either.
    pub fn add(&mut self, meter: Meter, quantity: impl Into<Decimal>) {
        let quantity = quantity.into();
        if quantity <= Decimal::ZERO {
            return;
        }
        match self.0.binary_search_by_key(&meter, |&(meter, _)| meter) {
            Ok(at) => self.0[at].1 += quantity,
            Err(at) => self.0.insert(at, (meter, quantity)),
        }
    }

    /// Adds all quantities of another set.
    pub fn extend(&mut self, other: &Self) {
        for &(meter, quantity) in &other.0 {
            self.add(meter, quantity);
        }
    }

    /// The quantity of a meter, zero when absent.
    #[must_use]
    pub fn get(&self, meter: Meter) -> Decimal {
        self.0.binary_search_by_key(&meter, |&(meter, _)| meter).map_or(Decimal::ZERO, |at| self.0[at].1)
    }

    /// The meters and their quantities, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Meter, Decimal)> + '_ {
        self.0.iter().copied()
    }

    /// Whether nothing was used.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is more here than in another set; none where anything is less.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Option<Self> {
        self.covers(other).then(|| self.iter().map(|(meter, quantity)| (meter, quantity - other.get(meter))).collect())
    }

    /// Whether no quantity of another set is larger than the same here.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|(meter, quantity)| self.get(meter) >= quantity)
    }

    /// All tokens, input and output.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.sum(Meter::is_token)
    }

    /// All input tokens, cached and written ones too: what a context tier's boundary is compared with.
    #[must_use]
    pub fn input_tokens(&self) -> u64 {
        self.sum(Meter::is_input_token)
    }

    fn sum(&self, wanted: impl Fn(Meter) -> bool) -> u64 {
        self.0
            .iter()
            .filter(|&&(meter, _)| wanted(meter))
            .fold(0_u64, |sum, (_, quantity)| sum.saturating_add(quantity.to_u64().unwrap_or(u64::MAX)))
    }
}

impl<Q: Into<Decimal>> FromIterator<(Meter, Q)> for Meters {
    fn from_iter<I: IntoIterator<Item = (Meter, Q)>>(pairs: I) -> Self {
        let mut meters = Self::new();
        for (meter, quantity) in pairs {
            meters.add(meter, quantity);
        }
        meters
    }
}

impl<const N: usize> From<[(Meter, u64); N]> for Meters {
    fn from(pairs: [(Meter, u64); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl Serialize for Meters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (meter, quantity) in &self.0 {
            match quantity.to_u64().filter(|_| quantity.fract().is_zero()) {
                Some(whole) => map.serialize_entry(meter.as_str(), &whole)?,
                None => map.serialize_entry(meter.as_str(), &quantity.normalize().to_string())?,
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Meters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Meters;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of meters and quantities")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Meters, A::Error> {
                let mut meters = Meters::new();
                while let Some((meter, quantity)) = map.next_entry::<Meter, Decimal>()? {
                    if quantity.is_sign_negative() && !quantity.is_zero() {
                        return Err(serde::de::Error::custom(format_args!("`{meter}` is negative")));
                    }
                    meters.add(meter, quantity);
                }
                Ok(meters)
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
