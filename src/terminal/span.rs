//! Times and durations for people.

use linkloom_schema::time::Timestamp;

/// A duration in its two greatest units: `2h 5m`, `4s 210ms`, `850µs`.
pub fn duration(micros: i64) -> String {
    const UNITS: [(&str, u64); 6] = [
        ("d", 86_400_000_000),
        ("h", 3_600_000_000),
        ("m", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1_000),
        ("µs", 1),
    ];
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let Some(first) = UNITS.iter().position(|(_, size)| micros >= *size) else {
        return "0".to_owned();
    };
    let (unit, size) = UNITS[first];
    let (whole, rest) = (micros / size, micros % size);
    let second = UNITS.get(first + 1).map(|(unit, size)| (rest / size, unit));
    match second {
        Some((part, second)) if part > 0 => format!("{sign}{whole}{unit} {part}{second}"),
        _ => format!("{sign}{whole}{unit}"),
    }
}

/// An instant in UTC to the millisecond: `2026-11-21 10:00:00.123`.
pub fn instant(time: Timestamp) -> String {
    formatted(time, "%Y-%m-%d %H:%M:%S%.3f")
}

/// An instant in UTC to the second, for tables: `2026-11-21 10:00:00`.
pub(super) fn instant_short(time: Timestamp) -> String {
    formatted(time, "%Y-%m-%d %H:%M:%S")
}

/// The time of day in UTC to the millisecond: `10:00:00.123`.
pub(super) fn time_of_day(time: Timestamp) -> String {
    formatted(time, "%H:%M:%S%.3f")
}

fn formatted(time: Timestamp, format: &str) -> String {
    match jiff::Timestamp::from_microsecond(time.micros()) {
        Ok(instant) => instant.strftime(format).to_string(),
        // Stored times lie within 2000 to 2099; this one does not come from a report.
        Err(_) => format!("{}µs", time.micros()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units() {
        for (micros, text) in [
            (0, "0"),
            (850, "850µs"),
            (12_040, "12ms 40µs"),
            (12_000, "12ms"),
            (4_210_999, "4s 210ms"),
            (60_000_000, "1m"),
            (200_500_000, "3m 20s"),
            (7_500_000_000, "2h 5m"),
            (97_200_000_000, "1d 3h"),
            (-1_500, "-1ms 500µs"),
            (i64::MIN, "-106751991d 4h"),
        ] {
            assert_eq!(duration(micros), text);
        }
    }

    #[test]
    fn instants_are_utc() {
        assert_eq!(instant(Timestamp(1_795_255_200_123_456)), "2026-11-21 10:00:00.123");
        assert_eq!(time_of_day(Timestamp(1_795_255_200_123_456)), "10:00:00.123");
        assert_eq!(instant(Timestamp(i64::MAX)), "9223372036854775807µs");
    }
}
