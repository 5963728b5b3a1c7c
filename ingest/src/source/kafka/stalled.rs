//! Which partitions bring nothing although there is more of them. Pure.
//!
//! librdkafka can leave a partition it assigned unread for good: one whose committed position it could not learn at that
//! moment, because the coordinator of the group was changing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::figures::Partition;

/// How far a partition was read. The thread that reads says it, the one that watches looks.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The position behind the last record, plus one; 0: none was read yet.
    next: AtomicU64,
    /// Times it was asked for records and had none.
    empty: AtomicU64,
}

impl Progress {
    /// Everything before `next` was read.
    pub(super) fn read(&self, next: u64) {
        self.next.store(next + 1, Ordering::Relaxed);
    }

    /// It was asked for records and had none.
    pub(super) fn was_empty(&self) {
        self.empty.fetch_add(1, Ordering::Relaxed);
    }

    /// The position behind the last record that was read.
    pub(super) fn next(&self) -> Option<u64> {
        self.next.load(Ordering::Relaxed).checked_sub(1)
    }

    fn times_empty(&self) -> u64 {
        self.empty.load(Ordering::Relaxed)
    }
}

/// A partition as it stands at a look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing<'p> {
    pub(super) partition: &'p Partition,
    pub(super) progress: &'p Progress,
    /// Where reading goes on.
    pub(super) next: u64,
    /// Where the partition ends.
    pub(super) end: u64,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    next: u64,
    empty: u64,
    /// Looks in a row at which it had brought nothing since the one before, though it was asked.
    silent: u32,
}

/// What was seen at the looks before.
#[derive(Debug, Default)]
pub(super) struct Stalled {
    seen: BTreeMap<Partition, Seen>,
}

impl Stalled {
    /// Looks at all partitions there are; the first one that has been silent for so many looks, if any. It is told again
    /// after as many looks. A partition that was not asked for records, because the pipeline was busy, is not silent.
    pub(super) fn look<'p>(&mut self, all: &[Standing<'p>], looks: u32) -> Option<Standing<'p>> {
        let before = std::mem::take(&mut self.seen);
        let mut found = None;
        for standing in all {
            let empty = standing.progress.times_empty();
            let mut seen = Seen { next: standing.next, empty, silent: 0 };
            if let Some(last) = before.get(standing.partition)
                && last.next == standing.next
                && standing.end > standing.next
            {
                seen.silent = last.silent + u32::from(empty > last.empty);
            }
            if seen.silent >= looks && found.is_none() {
                seen.silent = 0;
                found = Some(*standing);
            }
            self.seen.insert(standing.partition.clone(), seen);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOKS: u32 = 3;

    fn told(stalled: &mut Stalled, progress: &Progress, next: u64, end: u64) -> bool {
        let partition: Partition = ("t".into(), 0);
        let standing = Standing { partition: &partition, progress, next, end };
        stalled.look(&[standing], LOOKS).is_some()
    }

    #[test]
    fn a_partition_that_is_asked_and_brings_nothing_is_told_once_in_so_many_looks() {
        let (mut stalled, progress) = (Stalled::default(), Progress::default());
        let mut look = || {
            progress.was_empty();
            told(&mut stalled, &progress, 0, 10)
        };
        let looks: Vec<bool> = (0..8).map(|_| look()).collect();
        assert_eq!(looks, [false, false, false, true, false, false, true, false]);
    }

    #[test]
    fn a_healthy_partition_is_never_told() {
        let (mut stalled, progress) = (Stalled::default(), Progress::default());
        for look in 0..10 * u64::from(LOOKS) {
            // It is read, slowly.
            progress.was_empty();
            progress.read(look);
            assert!(!told(&mut stalled, &progress, progress.next().expect("read"), 1_000), "{look}");
        }
        for look in 0..10 * LOOKS {
            // The pipeline is busy and does not ask.
            assert!(!told(&mut stalled, &progress, 30, 1_000), "{look}");
        }
        for look in 0..10 * LOOKS {
            // All of it is read.
            progress.was_empty();
            assert!(!told(&mut stalled, &progress, 1_000, 1_000), "{look}");
        }
    }

    #[test]
    fn one_that_comes_back_begins_anew() {
        let (mut stalled, progress) = (Stalled::default(), Progress::default());
        for _ in 0..LOOKS {
            progress.was_empty();
            assert!(!told(&mut stalled, &progress, 5, 10));
        }
        // It was somebody else's at one look.
        assert!(stalled.look(&[], LOOKS).is_none());
        progress.was_empty();
        assert!(!told(&mut stalled, &progress, 5, 10));
        assert_eq!((Progress::default().next(), progress.next()), (None, None));
        progress.read(0);
        assert_eq!(progress.next(), Some(0));
    }
}
