//! How long expiring cells are kept, in whole UTC days.

use linkloom_schema::time::Timestamp;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// How long a store keeps cells that expire. The kind is fixed when the store is created, the number of days is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// Nothing is ever dropped.
    Forever,
    /// Cells are kept this many days beyond the day they expire by; at least 1.
    Days(u32),
}

/// What [`expire`](crate::embedded::EmbeddedStore::expire) dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Segments that are gone.
    pub segments: usize,
    /// Bytes they held on disk.
    pub bytes: u64,
}

/// UTC day of `time`, counted from 1970-01-01.
pub fn day_of(time: Timestamp) -> i64 {
    time.micros().div_euclid(MICROS_PER_DAY)
}

/// First microsecond of a day.
pub(crate) fn start_of(day: i64) -> Timestamp {
    Timestamp(day.saturating_mul(MICROS_PER_DAY))
}

/// Oldest day kept at `now`: `days` whole days before that of `now`.
pub(crate) fn horizon_day(now: Timestamp, days: u32) -> i64 {
    day_of(now) - i64::from(days)
}

/// Whether a clock that says `now` can be believed.
pub(crate) fn sane(now: Timestamp) -> bool {
    (Timestamp::MIN_SANE..=Timestamp::MAX_SANE).contains(&now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_utc_and_round_down() {
        assert_eq!(day_of(Timestamp(0)), 0);
        assert_eq!(day_of(Timestamp(-1)), -1);
        assert_eq!(day_of(Timestamp(MICROS_PER_DAY - 1)), 0);
        assert_eq!(day_of(Timestamp(MICROS_PER_DAY)), 1);
        assert_eq!(start_of(1), Timestamp(MICROS_PER_DAY));
        assert_eq!(start_of(i64::MAX), Timestamp(i64::MAX));
    }

    #[test]
    fn the_horizon_is_a_number_of_whole_days_back() {
        let noon = Timestamp(100 * MICROS_PER_DAY + MICROS_PER_DAY / 2);
        assert_eq!(horizon_day(noon, 3), 97);
    }
}
