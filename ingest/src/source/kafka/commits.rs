//! Which positions the broker still has to be told. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::figures::Partition;

/// Between a commit that failed and the next try.
const TRY_AGAIN: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    /// Everything before it is durable.
    durable: u64,
    /// What was last sent.
    sent: u64,
    /// What the broker took.
    acknowledged: u64,
}

/// Durable positions, and how much of them is committed.
#[derive(Debug, Default)]
pub(super) struct Commits {
    kept: BTreeMap<Partition, Kept>,
    try_again: Option<Instant>,
}

impl Commits {
    /// Everything before `next` is durable.
    pub(super) fn durable(&mut self, partition: Partition, next: u64) {
        self.kept.entry(partition).or_default().durable = next;
    }

    /// What is to be sent now; it counts as sent.
    pub(super) fn send(&mut self, now: Instant) -> Vec<(Partition, u64)> {
        if self.try_again.is_some_and(|at| now < at) {
            return Vec::new();
        }
        self.try_again = None;
        let mut send = Vec::new();
        for (partition, kept) in self.kept.iter_mut().filter(|(_, kept)| kept.sent != kept.durable) {
            kept.sent = kept.durable;
            send.push((partition.clone(), kept.durable));
        }
        send
    }

    /// The broker took a commit.
    pub(super) fn acknowledged(&mut self, partition: &Partition, next: u64) {
        if let Some(kept) = self.kept.get_mut(partition) {
            kept.acknowledged = kept.acknowledged.max(next);
        }
    }

    /// A commit was not taken: everything that is not acknowledged is sent again, after a moment.
    pub(super) fn failed(&mut self, now: Instant) {
        for kept in self.kept.values_mut() {
            kept.sent = kept.acknowledged;
        }
        self.try_again = Some(now + TRY_AGAIN);
    }

    /// Whether everything durable of these partitions is committed.
    pub(super) fn are_settled(&self, partitions: &[Partition]) -> bool {
        let settled = |kept: &Kept| kept.acknowledged >= kept.durable;
        partitions.iter().all(|partition| self.kept.get(partition).is_none_or(settled))
    }

    /// Every partition something was committed of, or is to be.
    pub(super) fn partitions(&self) -> Vec<Partition> {
        self.kept.keys().cloned().collect()
    }

    /// They are somebody else's now.
    pub(super) fn forget(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.kept.remove(partition);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(number: u32) -> Partition {
        ("t".into(), number)
    }

    #[test]
    fn a_position_is_sent_once_and_again_after_a_failure() {
        let mut commits = Commits::default();
        let now = Instant::now();
        commits.durable(partition(0), 5);
        commits.durable(partition(1), 7);
        assert_eq!(commits.send(now), [(partition(0), 5), (partition(1), 7)]);
        assert_eq!(commits.send(now), [], "both are on their way");
        commits.acknowledged(&partition(0), 5);
        assert!(commits.are_settled(&[partition(0)]) && !commits.are_settled(&[partition(0), partition(1)]));
        commits.failed(now);
        commits.durable(partition(0), 6);
        assert_eq!(commits.send(now), [], "not at once");
        let later = now + TRY_AGAIN;
        assert_eq!(commits.send(later), [(partition(0), 6), (partition(1), 7)]);
        commits.acknowledged(&partition(1), 7);
        commits.acknowledged(&partition(0), 6);
        assert!(commits.are_settled(&commits.partitions()));
    }

    #[test]
    fn what_was_given_up_is_not_sent() {
        let mut commits = Commits::default();
        let now = Instant::now();
        commits.durable(partition(0), 5);
        commits.forget(&[partition(0)]);
        commits.acknowledged(&partition(0), 5);
        assert_eq!(commits.send(now), []);
        assert!(commits.are_settled(&[partition(0)]));
        // It comes back and begins before what was committed of it last.
        commits.durable(partition(0), 3);
        assert_eq!(commits.send(now), [(partition(0), 3)]);
    }
}
