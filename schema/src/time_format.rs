//! Times as text: RFC 3339 in UTC with exactly six fraction digits, `2026-11-21T10:00:00.123456Z`.
//!
//! Written and read without a date library: answers hold thousands of times.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::civil::{civil_from_days, days_from_civil};
use crate::time::Timestamp;

const MICROS_A_DAY: i64 = 86_400_000_000;

/// The text of a time within the years 0 to 9999: always 27 bytes.
fn text(time: Timestamp) -> Option<[u8; 27]> {
    let (year, month, day) = civil_from_days(time.0.div_euclid(MICROS_A_DAY));
    if !(0..=9_999).contains(&year) {
        return None;
    }
    let of_day = time.0.rem_euclid(MICROS_A_DAY);
    let (seconds, micros) = (of_day / 1_000_000, of_day % 1_000_000);
    let mut out = *b"0000-00-00T00:00:00.000000Z";
    let mut put = |at: usize, digits: usize, mut value: i64| {
        for byte in out[at..at + digits].iter_mut().rev() {
            *byte = b'0' + (value % 10) as u8;
            value /= 10;
        }
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, seconds / 3_600);
    put(14, 2, seconds / 60 % 60);
    put(17, 2, seconds % 60);
    put(20, 6, micros);
    Some(out)
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with six fraction digits. Years that have no four digits, which no accepted report has, are
    /// written with a sign (ISO 8601, expanded).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = text(*self) {
            return f.write_str(std::str::from_utf8(&text).unwrap_or_default());
        }
        let (year, month, day) = civil_from_days(self.0.div_euclid(MICROS_A_DAY));
        let of_day = self.0.rem_euclid(MICROS_A_DAY);
        let (seconds, micros) = (of_day / 1_000_000, of_day % 1_000_000);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:+07}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

/// Reads what [`text`] writes, and nothing else.
fn read(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 27] = text.as_bytes().try_into().ok()?;
    let number = |at: usize, digits: usize| {
        bytes[at..at + digits]
            .iter()
            .try_fold(0_i64, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
    };
    let days = days_from_civil(number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let seconds = number(11, 2)? * 3_600 + number(14, 2)? * 60 + number(17, 2)?;
    let time = Timestamp(days * MICROS_A_DAY + seconds * 1_000_000 + number(20, 6)?);
    // Whatever is out of range, or not at its place, comes out differently.
    (self::text(time)? == *bytes).then_some(time)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match text(*self) {
            Some(text) => serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default()),
            None => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Timestamp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as 2026-11-21T10:00:00.123456Z")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
                read(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_times() {
        for (micros, want) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_826_245_000_001, "2000-02-29T12:10:45.000001Z"),
            (1_795_255_200_123_456, "2026-11-21T10:00:00.123456Z"),
            (4_102_444_799_999_999, "2099-12-31T23:59:59.999999Z"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00.000000Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            (253_402_300_800_000_000, "+010000-01-01T00:00:00.000000Z"),
            (-62_167_219_200_000_001, "-000001-12-31T23:59:59.999999Z"),
            (i64::MAX, "+294247-01-10T04:00:54.775807Z"),
            (i64::MIN, "-290308-12-21T19:59:05.224192Z"),
        ] {
            assert_eq!(Timestamp(micros).to_string(), want);
        }
    }

    #[test]
    fn only_its_own_form_is_read() {
        for bad in [
            "",
            "2026-11-21T10:00:00Z",
            "2026-11-21T10:00:00.123456+",
            "2026-13-21T10:00:00.123456Z",
            "2026-02-30T10:00:00.123456Z",
            "2026-11-21T24:00:00.123456Z",
            "2026-11-21 10:00:00.123456Z",
            "2026-11-21T10:00:00.12345éZ",
            "-026-11-21T10:00:00.123456Z",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_date_library(micros in -62_167_219_200_000_000_i64..253_402_214_400_000_000) {
            let time = Timestamp(micros);
            let text = time.to_string();
            let library = jiff::Timestamp::from_microsecond(micros).expect("in range");
            prop_assert_eq!(&text, &format!("{library:.6}"));
            prop_assert_eq!(read(&text), Some(time));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9TZ:.-]{27}") {
            if let Some(time) = read(&text) {
                prop_assert_eq!(time.to_string(), text);
            }
        }
    }
}
