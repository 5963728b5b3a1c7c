//! Hours of UTC, as pack names and rows of reports without a mark have them: `YYYYMMDDHH`.

use std::fmt;

use crate::civil::{civil_from_days, days_from_civil};
use crate::time::Timestamp;

/// Microseconds of an hour.
pub const HOUR_MICROS: i64 = 3_600_000_000;

/// An hour, counted from the epoch. Displayed in ten digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

impl Hour {
    /// The hour an instant lies in.
    pub fn of(time: Timestamp) -> Hour {
        Hour(time.micros().div_euclid(HOUR_MICROS))
    }

    /// Its first instant.
    pub fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(HOUR_MICROS))
    }

    /// Reads the ten digits back; `None` when they are no date and hour.
    pub fn parse(text: &str) -> Option<Hour> {
        if text.len() != 10 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = |digits: &str| digits.parse::<i64>().ok();
        let (year, month, day) = (number(&text[..4])?, number(&text[4..6])?, number(&text[6..8])?);
        let days = days_from_civil(year, month, day);
        let hour = number(&text[8..])?;
        // A day its month does not have comes back as another one.
        (civil_from_days(days) == (year, month, day) && hour < 24).then(|| Hour(days * 24 + hour))
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(24));
        let mut text = *b"0000000000";
        let parts = [year.div_euclid(100), year.rem_euclid(100), month, day, self.0.rem_euclid(24)];
        for (digits, part) in text.as_chunks_mut::<2>().0.iter_mut().zip(parts) {
            *digits = [part / 10 % 10, part % 10].map(|digit| b'0' + digit as u8);
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_utc_and_come_back() {
        for (time, text) in [
            ("2026-11-21T10:59:59.999999Z", "2026112110"),
            ("2026-01-01T00:30:00+01:00", "2025123123"),
            ("2000-02-29T00:00:00Z", "2000022900"),
            ("2099-12-31T23:00:00Z", "2099123123"),
            ("-1", "1969123123"),
        ] {
            let time = Timestamp::parse(time).expect("a time");
            let hour = Hour::of(time);
            assert_eq!(hour.to_string(), text);
            assert_eq!(Hour::parse(text), Some(hour));
            assert!(hour.start() <= time && time < hour.start().plus_micros(HOUR_MICROS));
        }
    }

    #[test]
    fn what_is_no_hour_is_refused() {
        for text in ["", "none", "2026130110", "2026022900", "2026112124", "202611211", "+026112110"] {
            assert_eq!(Hour::parse(text), None, "{text}");
        }
    }
}
