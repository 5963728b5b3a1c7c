//! Reports that never arrived, told from the numbers instances give them.
//!
//! An instance numbers its reports from 0 (`seq`) on every start (`boot`), over all executions it works for. So:
//!
//! - Only the whole of an instance's reports can show a gap. The reports of one execution are some of them, and what is
//!   missing between them mostly belongs to other executions: a gap inside one execution proves nothing.
//! - A gap is certain only below the greatest number seen. What was lost after the last report that arrived cannot be
//!   seen, nor an instance none of whose reports arrived.
//! - A gap may still be filled, by reports that are on their way, refused as dead letters or dropped on purpose. Whoever
//!   asks must have waited, and must insert the numbers of refused and sampled-out reports too.
//! - When reading began in the middle of a boot, or older reports are past retention, nothing is known of the numbers
//!   before: ask for the gaps from the least number seen on.

/// The numbers seen of one (service, instance, boot).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeqsSeen {
    /// Disjoint ranges with gaps between them, both ends included, in order.
    ranges: Vec<(u64, u64)>,
}

impl SeqsSeen {
    /// Notes one number; again is harmless.
    pub fn insert(&mut self, seq: u64) {
        // The usual case: the next number.
        if let Some((_, last)) = self.ranges.last_mut()
            && last.checked_add(1) == Some(seq)
        {
            *last = seq;
            return;
        }
        let at = self.ranges.partition_point(|&(_, end)| end < seq);
        if self.ranges.get(at).is_some_and(|&(start, _)| start <= seq) {
            return;
        }
        let joins_before = at > 0 && self.ranges[at - 1].1.checked_add(1) == Some(seq);
        let joins_after = self.ranges.get(at).is_some_and(|&(start, _)| seq.checked_add(1) == Some(start));
        match (joins_before, joins_after) {
            (true, true) => {
                self.ranges[at - 1].1 = self.ranges[at].1;
                self.ranges.remove(at);
            }
            (true, false) => self.ranges[at - 1].1 = seq,
            (false, true) => self.ranges[at].0 = seq,
            (false, false) => self.ranges.insert(at, (seq, seq)),
        }
    }

    /// The least number seen.
    pub fn first(&self) -> Option<u64> {
        self.ranges.first().map(|&(start, _)| start)
    }

    /// The greatest number seen.
    pub fn last(&self) -> Option<u64> {
        self.ranges.last().map(|&(_, end)| end)
    }

    /// How many ranges are held: what it costs.
    pub fn range_count(&self) -> usize {
        self.ranges.len()
    }

    /// The numbers missing from `from` on and below the greatest seen, as ranges with both ends, in order. `from` is 0
    /// when the boot was followed from its beginning.
    pub fn gaps(&self, from: u64) -> impl Iterator<Item = (u64, u64)> {
        let mut next = from;
        self.ranges.iter().filter_map(move |&(start, end)| {
            let gap = (next < start).then(|| (next, start - 1));
            next = next.max(end.saturating_add(1));
            gap
        })
    }

    /// How many numbers are missing from `from` on.
    pub fn missing(&self, from: u64) -> u64 {
        self.gaps(from).fold(0, |sum, (start, end)| sum.saturating_add(end - start).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gaps_lie_below_the_greatest_number_seen() {
        let mut seen = SeqsSeen::default();
        assert_eq!(seen.gaps(0).next(), None, "nothing seen proves nothing");
        for seq in [3, 4, 9, 7, 4, 8] {
            seen.insert(seq);
        }
        assert_eq!(seen.gaps(0).collect::<Vec<_>>(), [(0, 2), (5, 6)]);
        assert_eq!(seen.missing(0), 5);
        assert_eq!(seen.gaps(3).collect::<Vec<_>>(), [(5, 6)], "followed from 3 on");
        assert_eq!(seen.gaps(6).collect::<Vec<_>>(), [(6, 6)]);
        assert_eq!((seen.first(), seen.last()), (Some(3), Some(9)));
    }

    #[test]
    fn the_ends_of_the_numbers_do_not_wrap() {
        let mut seen = SeqsSeen::default();
        seen.insert(u64::MAX);
        seen.insert(u64::MAX);
        seen.insert(u64::MAX - 1);
        assert_eq!(seen.range_count(), 1);
        assert_eq!(seen.gaps(0).collect::<Vec<_>>(), [(0, u64::MAX - 2)]);
    }

    proptest! {
        #[test]
        fn as_a_set_says(seqs in proptest::collection::vec(0_u64..60, 0..60), from in 0_u64..60) {
            let mut seen = SeqsSeen::default();
            seqs.iter().for_each(|seq| seen.insert(*seq));
            let set: BTreeSet<u64> = seqs.into_iter().collect();
            let want: Vec<u64> = set.last().map_or(vec![], |last| (from..*last).filter(|seq| !set.contains(seq)).collect());
            let got: Vec<u64> = seen.gaps(from).flat_map(|(start, end)| start..=end).collect();
            prop_assert_eq!(got, want);
        }
    }
}
