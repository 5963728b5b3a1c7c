//! Watermarks: how far event time has come in every partition that still delivers.

use std::collections::BTreeMap;

use linkloom_schema::time::Timestamp;

/// Event time per partition. A partition that delivered nothing for a while is left out, so that one silent partition
/// does not hold up the others; with all of them silent there is no watermark and the wall clock rules.
#[derive(Clone, Debug)]
pub struct Watermark {
    idle_after_ms: u64,
    out_of_order_micros: i64,
    /// Per (source, partition): latest event time and the wall clock of the last delivery.
    partitions: BTreeMap<(u32, u32), (Timestamp, u64)>,
}

impl Watermark {
    /// `idle_after_ms`: silence by the wall clock after which a partition is left out; `out_of_order_ms`: how far reports
    /// of one partition may be out of order.
    pub fn new(idle_after_ms: u64, out_of_order_ms: u64) -> Self {
        let out_of_order_micros = i64::try_from(out_of_order_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        Watermark { idle_after_ms, out_of_order_micros, partitions: BTreeMap::new() }
    }

    /// A batch came from a partition; `latest` is its latest event time.
    pub fn observe(&mut self, source: u32, partition: u32, latest: Option<Timestamp>, wall_ms: u64) {
        let entry = self.partitions.entry((source, partition)).or_insert((Timestamp(i64::MIN), wall_ms));
        entry.0 = entry.0.max(latest.unwrap_or(Timestamp(i64::MIN)));
        entry.1 = wall_ms;
    }

    /// A partition is no longer read.
    pub fn forget(&mut self, source: u32, partition: u32) {
        self.partitions.remove(&(source, partition));
    }

    /// The least event time over the partitions that are not idle, less the disorder allowed.
    pub fn at(&self, wall_ms: u64) -> Option<Timestamp> {
        self.partitions
            .values()
            .filter(|(latest, seen_ms)| {
                latest.0 > i64::MIN && wall_ms < seen_ms.saturating_add(self.idle_after_ms)
            })
            .map(|(latest, _)| latest.plus_micros(-self.out_of_order_micros))
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_partition_that_is_not_idle_holds_the_watermark() {
        let mut watermark = Watermark::new(1_000, 5);
        assert_eq!(watermark.at(0), None);
        watermark.observe(0, 0, Some(Timestamp(9_000_000)), 0);
        watermark.observe(0, 1, Some(Timestamp(2_000_000)), 500);
        assert_eq!(watermark.at(900), Some(Timestamp(1_995_000)));
        assert_eq!(watermark.at(1_200), Some(Timestamp(1_995_000)), "partition 0 is idle now, 1 is not");
        assert_eq!(watermark.at(1_500), None, "both are idle");
        watermark.observe(0, 0, Some(Timestamp(1)), 2_000);
        assert_eq!(watermark.at(2_000), Some(Timestamp(8_995_000)), "event time never goes back");
        watermark.observe(0, 2, None, 2_000);
        assert_eq!(
            watermark.at(2_000),
            Some(Timestamp(8_995_000)),
            "a partition without times does not count"
        );
        watermark.forget(0, 0);
        assert_eq!(watermark.at(2_000), None);
    }
}
