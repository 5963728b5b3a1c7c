//! Event time: microseconds since the Unix epoch, and the five forms in which reports write it.

use crate::civil::days_from_civil;
use crate::report::decimal::Decimal;

/// An instant of event time, in microseconds since the Unix epoch (UTC). Ordered by time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A text that is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?} is not a time; allowed are RFC 3339 with an offset (2026-11-21T10:00:00.123456Z) \
     and a number since the epoch in s, ms, µs or ns"
)]
pub struct BadTime {
    /// The text, its beginning when it is long.
    pub found: String,
}

impl Timestamp {
    /// 2000-01-01T00:00:00Z: earlier report times are absurd and substituted.
    pub const MIN_SANE: Timestamp = Timestamp(946_684_800_000_000);
    /// 2099-12-31T23:59:59.999999Z: later report times are absurd and substituted.
    pub const MAX_SANE: Timestamp = Timestamp(4_102_444_799_999_999);

    /// Microseconds since the Unix epoch.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// `self` plus a number of microseconds; saturates at the ends of time.
    #[must_use]
    pub fn plus_micros(self, micros: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(micros))
    }

    /// Whether it lies within 2000 to 2099, as every stored time does.
    pub fn is_sane(self) -> bool {
        (Self::MIN_SANE..=Self::MAX_SANE).contains(&self)
    }

    /// Reads a time in any of the forms of the report format: RFC 3339 ([`Timestamp::from_rfc3339`]) or a number
    /// since the epoch ([`Timestamp::from_number`]). Absurd times are read as well: see [`Timestamp::is_sane`].
    pub fn parse(text: &str) -> Result<Timestamp, BadTime> {
        Self::from_rfc3339(text).or_else(|| Self::from_number(text)).ok_or_else(|| {
            let mut found: String = text.chars().take(64).collect();
            if found.len() < text.len() {
                found.push_str("...");
            }
            BadTime { found }
        })
    }

    /// Reads a number since the epoch: JSON number grammar, its unit told by magnitude.
    ///
    /// | absolute value | unit |
    /// |---|---|
    /// | below 10^11 | seconds (until the year 5138) |
    /// | below 10^14 | milliseconds |
    /// | below 10^17 | microseconds |
    /// | from 10^17 | nanoseconds |
    ///
    /// Decimals are exact and cut (rounded down) to the microsecond; values out of range saturate. `None`: not a number.
    pub fn from_number(text: &str) -> Option<Timestamp> {
        let number = Decimal::parse(text)?;
        let to_micros = match number.integer_digits() {
            ..=11 => 6,
            12..=14 => 3,
            15..=17 => 0,
            _ => -3,
        };
        Some(Timestamp(number.scaled_floor(to_micros)))
    }

    /// A whole number since the epoch of fewer than 19 digits, its unit told as [`Timestamp::from_number`] does.
    #[inline]
    pub(crate) fn from_integer(value: i64) -> Timestamp {
        Timestamp(match value {
            ..100_000_000_000 => value * 1_000_000,
            100_000_000_000..100_000_000_000_000 => value * 1_000,
            100_000_000_000_000..100_000_000_000_000_000 => value,
            _ => value / 1_000,
        })
    }

    /// Reads RFC 3339: `2026-11-21T10:00:00.123456+08:00`. The fraction has any number of digits and is cut to
    /// microseconds; `t`, `z` and a space for the `T` are allowed, as are the ISO 8601 offsets `+0800` and `+08`.
    /// A leap second counts as the second after it. `None`: anything else, also a time without an offset.
    pub fn from_rfc3339(text: &str) -> Option<Timestamp> {
        let bytes = text.as_bytes();
        let (head, tail) = bytes.split_first_chunk::<19>()?;
        if head[4] != b'-' || head[7] != b'-' || head[13] != b':' || head[16] != b':' {
            return None;
        }
        if !matches!(head[10], b'T' | b't' | b' ') {
            return None;
        }
        let year = two(head[0], head[1])? * 100 + two(head[2], head[3])?;
        let (month, day) = (two(head[5], head[6])?, two(head[8], head[9])?);
        let (hour, minute, second) =
            (two(head[11], head[12])?, two(head[14], head[15])?, two(head[17], head[18])?);
        if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (fraction, offset) = match tail {
            [b'.', digits @ ..] => {
                let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
                if count == 0 {
                    return None;
                }
                (&digits[..count], &digits[count..])
            }
            offset => (&[][..], offset),
        };
        let micros =
            (0..6).fold(0, |sum, at| sum * 10 + fraction.get(at).map_or(0, |digit| i64::from(digit - b'0')));
        let offset_minutes = match *offset {
            [b'Z' | b'z'] => 0,
            [sign, a, b] => signed(sign, two(a, b)?, 0)?,
            [sign, a, b, b':', c, d] | [sign, a, b, c, d] => signed(sign, two(a, b)?, two(c, d)?)?,
            _ => return None,
        };
        let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
        Some(Timestamp((seconds - offset_minutes * 60) * 1_000_000 + micros))
    }
}

/// The value of two ASCII digits.
fn two(high: u8, low: u8) -> Option<i64> {
    let (high, low) = (high.wrapping_sub(b'0'), low.wrapping_sub(b'0'));
    (high < 10 && low < 10).then(|| i64::from(high) * 10 + i64::from(low))
}

/// An offset in minutes.
fn signed(sign: u8, hours: i64, minutes: i64) -> Option<i64> {
    if hours > 23 || minutes > 59 {
        return None;
    }
    match sign {
        b'+' => Some(hours * 60 + minutes),
        b'-' => Some(-(hours * 60 + minutes)),
        _ => None,
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, micros: impl Into<Option<i64>>) {
        assert_eq!(Timestamp::parse(text).ok().map(Timestamp::micros), micros.into(), "{text}");
    }

    #[test]
    fn every_form_of_one_instant_is_the_same() {
        for text in [
            "2026-11-21T10:00:00.123456Z",
            "2026-11-21T10:00:00.123456999Z",
            "2026-11-21 10:00:00.123456z",
            "2026-11-21T18:00:00.123456+08:00",
            "2026-11-21T18:00:00.123456+0800",
            "2026-11-21T18:00:00.123456+08",
            "2026-11-21T04:30:00.123456-05:30",
            "1795255200.123456",
            "1.795255200123456e9",
            "17952552001234567E-7",
            "1795255200123.456",
            "1795255200123456",
            "1795255200123456789",
        ] {
            check(text, 1_795_255_200_123_456);
        }
        check("1795255200", 1_795_255_200_000_000);
        check("1795255200123", 1_795_255_200_123_000);
        check("2026-11-21T10:00:00Z", 1_795_255_200_000_000);
        check("2016-12-31T23:59:60Z", 1_483_228_800_000_000);
    }

    #[test]
    fn units_change_at_powers_of_ten() {
        check("99999999999", 99_999_999_999_000_000);
        check("100000000000", 100_000_000_000_000);
        check("99999999999999", 99_999_999_999_999_000);
        check("100000000000000", 100_000_000_000_000);
        check("99999999999999999", 99_999_999_999_999_999);
        check("100000000000000000", 100_000_000_000_000);
        check("100000000000000000.5", 100_000_000_000_000);
        check("-1", -1_000_000);
        check("-1.0000001", -1_000_001);
        check("0", 0);
    }

    #[test]
    fn absurd_times_are_read_and_are_not_sane() {
        for (text, micros) in [
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
            ("1e300", i64::MAX),
            ("-1e999999999999", i64::MIN),
            ("1e-999999999999", 0),
            ("0e999999999999", 0),
        ] {
            check(text, micros);
            assert!(!Timestamp(micros).is_sane(), "{text}");
        }
        assert!(Timestamp::MIN_SANE.is_sane() && Timestamp::MAX_SANE.is_sane());
        check("2000-01-01T00:00:00Z", Timestamp::MIN_SANE.micros());
        check("2099-12-31T23:59:59.999999Z", Timestamp::MAX_SANE.micros());
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-11-21",
            "2026-11-21T10:00:00",
            "2026-11-21T10:00Z",
            "2026-11-21T10:00:00.Z",
            "2026-13-21T10:00:00Z",
            "2026-02-29T10:00:00Z",
            "1900-02-29T10:00:00Z",
            "2026-11-31T10:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T10:60:00Z",
            "2026-11-21T10:00:61Z",
            "2026-11-21T10:00:00+24:00",
            "2026-11-21T10:00:00+8",
            "2026-11-21T10:00:00ZZ",
            "2026-11-21T10:00:00é",
            "+1795255200",
            "01795255200",
            "1795255200.",
            ".5",
            "1e",
            "0x10",
            "NaN",
            " 1795255200",
        ] {
            check(text, None);
        }
        let long = "é".repeat(100);
        assert!(Timestamp::parse(&long).unwrap_err().to_string().len() < 350);
    }

    proptest! {
        #[test]
        fn agrees_with_jiff(seconds in -62_135_596_800_i64..253_402_207_200, micros in 0..1_000_000_i64, offset in -1439..1440_i32) {
            let want = seconds * 1_000_000 + micros;
            let instant = jiff::Timestamp::from_microsecond(want).unwrap();
            prop_assert_eq!(Timestamp::from_rfc3339(&instant.to_string()), Some(Timestamp(want)));
            let offset = jiff::tz::Offset::from_seconds(offset * 60).unwrap();
            let shown = instant.display_with_offset(offset).to_string();
            prop_assume!(!shown.starts_with('-'));
            prop_assert_eq!(Timestamp::from_rfc3339(&shown), Some(Timestamp(want)));
        }

        #[test]
        fn never_panics(text in "\\PC*|[0-9.eE+-]{0,40}|[0-9TZ:. +-]{0,40}") {
            let _ = Timestamp::parse(&text);
        }

        #[test]
        fn long_and_short_number_paths_agree(value in 0..1_000_000_000_000_000_000_i64) {
            prop_assert_eq!(Some(Timestamp::from_integer(value)), Timestamp::from_number(&value.to_string()));
        }
    }
}
