//! The clock of reports: microseconds since the epoch, and their text.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// When so much time is over; in a month at the latest, which is as good as never.
pub(crate) fn deadline(patience: Duration) -> Instant {
    Instant::now() + patience.min(Duration::from_secs(30 * 86_400))
}

/// Microseconds since the epoch; before it negative.
pub(crate) fn micros_of(time: SystemTime) -> i64 {
    let saturated = |duration: std::time::Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => saturated(since),
        Err(before) => -saturated(before.duration()),
    }
}

pub(crate) fn now_micros() -> i64 {
    micros_of(SystemTime::now())
}

/// The years a report may be of; times outside are written as they are and replaced by the receiver.
const YEAR_MAX: i64 = 9_999;

/// Writes `2026-11-21T10:00:00.123456Z`, 27 bytes. A time without such a form is the nearest that has one.
pub(crate) fn push_time(out: &mut Vec<u8>, micros: i64) {
    const DAY: i64 = 86_400_000_000;
    let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let (year, month, day, rest) = match year {
        ..0 => (0, 1, 1, 0),
        0..=YEAR_MAX => (year, month, day, rest),
        _ => (YEAR_MAX, 12, 31, DAY - 1),
    };
    let seconds = rest / 1_000_000;
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let mut put = |from: usize, width: usize, mut number: i64| {
        for place in (from..from + width).rev() {
            text[place] = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, seconds / 3_600);
    put(14, 2, seconds / 60 % 60);
    put(17, 2, seconds % 60);
    put(20, 6, rest % 1_000_000);
    out.extend_from_slice(&text);
}

/// Year, month and day of a day since the epoch, by the proleptic Gregorian calendar.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_form() {
        for (micros, want) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
            (1_795_255_200_123_456, "2026-11-21T10:00:00.123456Z"),
            (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (i64::MAX, "9999-12-31T23:59:59.999999Z"),
            (i64::MIN, "0000-01-01T00:00:00.000000Z"),
        ] {
            let mut out = Vec::new();
            push_time(&mut out, micros);
            assert_eq!(std::str::from_utf8(&out).unwrap(), want, "{micros}");
        }
    }
}
