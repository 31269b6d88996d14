//! Numbers one after the other, in as few bytes as each needs.
//!
//! Whole numbers are LEB128 of `number * 4`; decimals LEB128 of `places * 4 + 1` and of the digits with their sign in the last bit;
//! what is neither is LEB128 of `length * 4 + 2` and the number as JSON writes it; a text is LEB128 of `length * 4 + 3` and itself.

use rust_decimal::Decimal;
use serde_json::Number;

/// Numbers to be stored.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn whole(&mut self, number: u64) {
        self.leb128(u128::from(number) << 2);
    }

    pub(super) fn decimal(&mut self, number: Decimal) {
        let number = number.normalize();
        match u64::try_from(number) {
            Ok(whole) if number.scale() == 0 => self.whole(whole),
            _ => {
                self.leb128((u128::from(number.scale()) << 2) | 1);
                let digits = number.mantissa().unsigned_abs() << 1;
                self.leb128(digits | u128::from(number.is_sign_negative()));
            }
        }
    }

    pub(super) fn json(&mut self, number: &Number) {
        if let Some(whole) = number.as_u64() {
            return self.whole(whole);
        }
        self.bytes(number.to_string().as_bytes(), 2);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes(), 3);
    }

    fn bytes(&mut self, bytes: &[u8], kind: u128) {
        // What is in memory is far shorter than what 128 bits count.
        self.leb128((u128::try_from(bytes.len()).unwrap_or_default() << 2) | kind);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn leb128(&mut self, mut number: u128) {
        loop {
            let seven = u8::try_from(number & 0x7f).unwrap_or_default();
            number >>= 7;
            if number == 0 {
                return self.0.push(seven);
            }
            self.0.push(seven | 0x80);
        }
    }
}

/// Stored numbers, read in the order in which they were written; none where they end or are of another kind.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn whole(&mut self) -> Option<u64> {
        let head = self.leb128()?;
        (head & 3 == 0).then(|| u64::try_from(head >> 2).ok())?
    }

    pub(super) fn decimal(&mut self) -> Option<Decimal> {
        let head = self.leb128()?;
        match head & 3 {
            0 => u64::try_from(head >> 2).ok().map(Decimal::from),
            1 => {
                let digits = self.leb128()?;
                let size = i128::try_from(digits >> 1).ok()?;
                let signed = if digits & 1 == 1 { -size } else { size };
                Decimal::try_from_i128_with_scale(signed, u32::try_from(head >> 2).ok()?).ok()
            }
            _ => None,
        }
    }

    pub(super) fn json(&mut self) -> Option<Number> {
        let head = self.leb128()?;
        match head & 3 {
            0 => u64::try_from(head >> 2).ok().map(Number::from),
            2 => serde_json::from_slice(self.bytes(head)?).ok(),
            _ => None,
        }
    }

    pub(super) fn text(&mut self) -> Option<&str> {
        let head = self.leb128()?;
        (head & 3 == 3).then(|| self.bytes(head)).flatten().and_then(|text| std::str::from_utf8(text).ok())
    }

    fn bytes(&mut self, head: u128) -> Option<&[u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(head >> 2).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Whether all were read.
    pub(super) const fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    fn leb128(&mut self) -> Option<u128> {
        let mut number = 0_u128;
        for place in 0..19 {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u128::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_number_comes_back(whole: u64, text: String, mantissa: i64, scale in 0_u32..28, float in proptest::num::f64::NORMAL | proptest::num::f64::ZERO, negative: i64) {
            let decimal = Decimal::from_i128_with_scale(i128::from(mantissa), scale);
            let json = [Number::from(whole), Number::from(negative), Number::from_f64(float).unwrap()];
            let mut writer = Writer::default();
            writer.whole(whole);
            writer.decimal(decimal);
            writer.decimal(Decimal::MAX);
            json.iter().for_each(|number| writer.json(number));
            writer.text(&text);
            let bytes = writer.into_bytes();
            let mut reader = Reader(&bytes);
            prop_assert_eq!(reader.whole(), Some(whole));
            prop_assert_eq!(reader.decimal(), Some(decimal));
            prop_assert_eq!(reader.decimal(), Some(Decimal::MAX));
            for number in json {
                prop_assert_eq!(reader.json(), Some(number));
            }
            prop_assert_eq!(reader.text(), Some(text.as_str()));
            prop_assert!(reader.is_at_end());
            prop_assert_eq!(reader.whole(), None);
        }
    }

    #[test]
    fn small_numbers_are_small() {
        let mut writer = Writer::default();
        writer.whole(31);
        writer.whole(4_000);
        assert_eq!(writer.into_bytes().len(), 3);
    }
}
