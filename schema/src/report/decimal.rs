//! Numbers as reported: exact decimals in JSON grammar, so that no time and no counter goes through a float.

/// A decimal number `±digits × 10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// The first 36 significant digits; later ones cannot matter to 64-bit results and are dropped.
    digits: u128,
    /// How many digits `digits` has; 0 for zero.
    count: i64,
    exponent: i64,
    /// Digits other than 0 were dropped.
    inexact: bool,
}

const DIGITS_MAX: i64 = 36;

impl Decimal {
    /// Reads a number in JSON grammar: no leading zeros, no plus sign, digits on both sides of the point.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let bytes = text.as_bytes();
        let negative = bytes.first() == Some(&b'-');
        let mut at = usize::from(negative);
        let digits_from = |at: usize| bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();

        let whole = digits_from(at);
        if whole == 0 || (whole > 1 && bytes[at] == b'0') {
            return None;
        }
        let mut number = Decimal { negative, digits: 0, count: 0, exponent: 0, inexact: false };
        for &digit in &bytes[at..at + whole] {
            number.push(digit - b'0', false);
        }
        at += whole;
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            let fraction = digits_from(at);
            if fraction == 0 {
                return None;
            }
            for &digit in &bytes[at..at + fraction] {
                number.push(digit - b'0', true);
            }
            at += fraction;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            at += 1;
            let down = bytes.get(at) == Some(&b'-');
            at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
            let count = digits_from(at);
            if count == 0 {
                return None;
            }
            let power = bytes[at..at + count].iter().fold(0_i64, |sum, digit| {
                sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(1 << 40)
            });
            number.exponent += if down { -power } else { power };
            at += count;
        }
        (at == bytes.len()).then_some(number)
    }

    fn push(&mut self, digit: u8, fraction: bool) {
        if self.count < DIGITS_MAX {
            self.digits = self.digits * 10 + u128::from(digit);
            self.count += i64::from(self.digits != 0);
            self.exponent -= i64::from(fraction);
        } else {
            self.inexact |= digit != 0;
            self.exponent += i64::from(!fraction);
        }
    }

    /// Number of digits before the decimal point; at most 0 for numbers below 1.
    pub(crate) fn integer_digits(&self) -> i64 {
        if self.digits == 0 { 0 } else { self.count + self.exponent }
    }

    /// `self × 10^power`, rounded down to an integer; saturates.
    pub(crate) fn scaled_floor(&self, power: i64) -> i64 {
        if self.digits == 0 {
            return 0;
        }
        let exponent = self.exponent + power;
        let (limit_low, limit_high) = (i64::MIN, i64::MAX);
        let saturated = if self.negative { limit_low } else { limit_high };
        if self.count + exponent > 20 {
            return saturated;
        }
        let (size, rest) = if exponent >= 0 {
            (self.digits * 10_u128.pow(exponent as u32), false)
        } else if -exponent > DIGITS_MAX {
            (0, true)
        } else {
            let divisor = 10_u128.pow(-exponent as u32);
            (self.digits / divisor, !self.digits.is_multiple_of(divisor))
        };
        let size = i128::try_from(size).unwrap_or(i128::MAX);
        let floor = if self.negative { -size - i128::from(rest || self.inexact) } else { size };
        i64::try_from(floor).unwrap_or(saturated)
    }

    /// The number as an unsigned integer; `None` when it is negative, has a fraction or is too great.
    pub(crate) fn to_u64(self) -> Option<u64> {
        if self.digits == 0 {
            return Some(0);
        }
        if self.negative || self.inexact || self.count + self.exponent > 20 || -self.exponent > DIGITS_MAX {
            return None;
        }
        let value = if self.exponent >= 0 {
            self.digits * 10_u128.pow(self.exponent as u32)
        } else {
            let divisor = 10_u128.pow(-self.exponent as u32);
            if !self.digits.is_multiple_of(divisor) {
                return None;
            }
            self.digits / divisor
        };
        u64::try_from(value).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_told_from_fractions() {
        for (text, want) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("-0.0e7", Some(0)),
            ("7", Some(7)),
            ("7.0", Some(7)),
            ("70e-1", Some(7)),
            ("0.7e1", Some(7)),
            ("7e0", Some(7)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("7.5", None),
            ("-7", None),
            ("1e20", None),
            ("1e400", None),
            ("1e-400", None),
            ("0.000000000000000000000000000000000000000001e42", Some(1)),
            ("1.0000000000000000000000000000000000000000000001", None),
        ] {
            assert_eq!(Decimal::parse(text).and_then(Decimal::to_u64), want, "{text}");
        }
    }

    #[test]
    fn scaling_rounds_down_and_saturates() {
        for (text, power, want) in [
            ("1.5", 0, 1),
            ("-1.5", 0, -2),
            ("1.5", 1, 15),
            ("-1e-50", 0, -1),
            ("1e-50", 0, 0),
            ("9223372036854775807", 0, i64::MAX),
            ("9223372036854775808", 0, i64::MAX),
            ("-9223372036854775808", 0, i64::MIN),
            ("-9223372036854775809", 0, i64::MIN),
            ("1e20", 0, i64::MAX),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().scaled_floor(power), want, "{text}e{power}");
        }
    }
}
