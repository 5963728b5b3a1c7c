//! What the source counts, for metrics.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::stalled::Progress;

/// A partition: topic and number.
pub(super) type Partition = (Arc<str>, u32);

/// Numbers of a source. Shared with whoever shows them.
#[derive(Debug, Default)]
pub struct KafkaFigures {
    /// Times partitions were given to this member or taken from it.
    pub rebalances: AtomicU64,
    /// Commits the broker took.
    pub commits: AtomicU64,
    /// Commits it did not take; they are tried again while the partition is ours.
    pub commit_errors: AtomicU64,
    reach: Mutex<BTreeMap<Partition, Reach>>,
}

/// How far a partition was read.
#[derive(Clone, Debug, Default)]
struct Reach {
    /// Of a partition that is ours.
    progress: Option<Arc<Progress>>,
    /// Where it ends, as far as is known.
    end: Option<u64>,
    /// Where the group goes on, as far as is known.
    committed: Option<u64>,
}

impl Reach {
    fn is_owned(&self) -> bool {
        self.progress.is_some()
    }
}

/// How many records of a partition are not committed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: u32,
    /// Records between what is committed and the end. 0 for partitions that went to somebody else.
    pub records: u64,
}

impl KafkaFigures {
    fn reach(&self) -> MutexGuard<'_, BTreeMap<Partition, Reach>> {
        self.reach.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, figure: impl Fn(&Self) -> &AtomicU64) {
        figure(self).fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn assigned(&self, partition: &Partition, progress: Arc<Progress>) {
        self.reach().insert(partition.clone(), Reach { progress: Some(progress), ..Reach::default() });
    }

    pub(super) fn released(&self, partition: &Partition) {
        self.reach().insert(partition.clone(), Reach::default());
    }

    pub(super) fn committed(&self, partition: &Partition, next: u64) {
        if let Some(reach) = self.reach().get_mut(partition).filter(|reach| reach.is_owned()) {
            reach.committed = Some(reach.committed.map_or(next, |before| before.max(next)));
        }
    }

    pub(super) fn ends(&self, partition: &Partition, end: u64) {
        if let Some(reach) = self.reach().get_mut(partition) {
            reach.end = Some(end);
        }
    }

    /// The partitions this member has, each with whether it is known where the group goes on.
    pub(super) fn owned(&self) -> Vec<(Partition, bool)> {
        let reach = self.reach();
        let owned = reach.iter().filter(|(_, reach)| reach.is_owned());
        owned.map(|(partition, reach)| (partition.clone(), reach.committed.is_some())).collect()
    }

    /// The partitions this member has of which it is known where they end and where reading goes on, with the latter and
    /// the former.
    pub(super) fn standings(&self) -> Vec<(Partition, Arc<Progress>, u64, u64)> {
        let reach = self.reach();
        let known = reach.iter().filter_map(|(partition, reach)| {
            let progress = reach.progress.clone()?;
            let next = progress.next().or(reach.committed)?;
            Some((partition.clone(), progress, next, reach.end?))
        });
        known.collect()
    }

    /// How many partitions this member has.
    pub fn partitions(&self) -> usize {
        self.reach().values().filter(|reach| reach.is_owned()).count()
    }

    /// The lag of every partition this member has or had, as far as it is known.
    pub fn lags(&self) -> Vec<Lag> {
        let reach = self.reach();
        let known = reach.iter().filter_map(|((topic, partition), reach)| {
            let records = match (reach.is_owned(), reach.end, reach.committed) {
                (false, ..) => 0,
                (true, Some(end), Some(committed)) => end.saturating_sub(committed),
                (true, ..) => return None,
            };
            Some(Lag { topic: topic.clone(), partition: *partition, records })
        });
        known.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_is_known_once_both_ends_are() {
        let figures = KafkaFigures::default();
        let partition: Partition = ("t".into(), 3);
        let lag = |records| vec![Lag { topic: "t".into(), partition: 3, records }];
        figures.committed(&partition, 5);
        assert_eq!(figures.lags(), [], "it is not ours");
        figures.assigned(&partition, Arc::default());
        figures.ends(&partition, 100);
        assert_eq!(figures.lags(), [], "nobody knows where the group goes on");
        assert_eq!(figures.owned(), [(partition.clone(), false)]);
        figures.committed(&partition, 90);
        figures.committed(&partition, 40);
        assert_eq!(figures.lags(), lag(10), "an older answer that comes late changes nothing");
        figures.committed(&partition, 120);
        assert_eq!(figures.lags(), lag(0), "the end is older than what was committed");
        figures.released(&partition);
        figures.committed(&partition, 50);
        assert_eq!((figures.lags(), figures.partitions()), (lag(0), 0), "it is somebody else's");
        figures.assigned(&partition, Arc::default());
        assert_eq!(figures.lags(), [], "it starts anew");
    }
}
