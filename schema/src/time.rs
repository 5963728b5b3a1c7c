//! Event time: microseconds since the Unix epoch.

/// An instant of event time, in microseconds since the Unix epoch (UTC). Ordered by time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

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
}
