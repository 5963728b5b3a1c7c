//! Which positions may be committed: everything before them is durable, without a gap. Pure.
//!
//! Flushes become durable in any order. A flush covers the positions of the batches that end in it; they are committed
//! once it and every flush before it is durable.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use linkloom_ingest::source::{Position, RawBatch, Resume};
use linkloom_storage::cell::{Cell, Family, Table};
use xxhash_rust::xxh3::xxh3_64;

/// What a flush covers.
#[derive(Debug, Default)]
pub struct Covers {
    positions: BTreeMap<(Arc<str>, u32), u64>,
    resume: HashMap<(Arc<str>, u32), Resume>,
}

impl Covers {
    /// The last record of this batch is in the flush, or in one before it.
    pub fn batch(&mut self, batch: &RawBatch) {
        self.positions.insert((batch.source.clone(), batch.partition), batch.next_position);
        if let Some(resume) = batch.resume {
            self.resume.insert((batch.source.clone(), batch.partition), resume);
        }
    }

    /// What was read of the partition before `next` is in the flush, or in one before it.
    pub fn up_to(&mut self, partition: (Arc<str>, u32), next: u64) {
        self.positions.insert(partition, next);
    }

    /// So many lines of the source were refused in this call up to this batch, the one told last: to be remembered with
    /// how far it was ingested.
    pub fn refused(&mut self, batch: &RawBatch, count: u64) {
        if let Some(resume) = self.resume.get_mut(&(batch.source.clone(), batch.partition)) {
            resume.point.refused += count;
        }
    }

    /// The position that comes next in each partition.
    pub fn positions(&self) -> impl Iterator<Item = (&(Arc<str>, u32), u64)> {
        self.positions.iter().map(|(partition, next)| (partition, *next))
    }

    /// Whether nothing is covered.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }
}

/// Flushes on their way, and what is durable without a gap.
#[derive(Debug, Default)]
pub struct InFlight {
    next: u64,
    /// Oldest first: what each covers, and whether it is durable.
    waiting: BTreeMap<u64, (Covers, bool)>,
    /// Durable without a gap, not yet written: what to remember of files and stretches of topics.
    resume: HashMap<(Arc<str>, u32), Resume>,
}

impl InFlight {
    /// A flush goes on its way; returns its number among those of its pipeline.
    pub fn begin(&mut self, covers: Covers) -> u64 {
        let order = self.next;
        self.next += 1;
        self.waiting.insert(order, (covers, false));
        order
    }

    /// A flush is durable; returns the positions that can be committed now, one for each partition.
    pub fn durable(&mut self, order: u64) -> Vec<Position> {
        if let Some(entry) = self.waiting.get_mut(&order) {
            entry.1 = true;
        }
        let mut positions = BTreeMap::new();
        while let Some(entry) = self.waiting.first_entry().filter(|entry| entry.get().1) {
            let (covers, _) = entry.remove();
            positions.extend(covers.positions);
            self.resume.extend(covers.resume);
        }
        positions
            .into_iter()
            .map(|((source, partition), next)| Position { source, partition, next })
            .collect()
    }

    /// Nothing more is committed of these partitions.
    pub fn give_up(&mut self, partitions: &[(Arc<str>, u32)]) {
        for (covers, _) in self.waiting.values_mut() {
            covers.positions.retain(|partition, _| !partitions.contains(partition));
        }
    }

    /// What is on its way is never committed.
    pub fn abandon(&mut self) {
        self.waiting.clear();
    }

    /// Whether no flush is on its way.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Cells that remember how far files were ingested, as far as that is durable without a gap.
    pub fn resume_cells(&mut self) -> impl Iterator<Item = Cell> {
        self.resume.drain().map(|((source, _), resume)| Cell {
            table: Table::Meta,
            row: resume.head.to_string(),
            family: Family::Link,
            qualifier: format!("{:016x}", xxh3_64(source.as_bytes())),
            value: resume.point.to_json(),
            expires_by: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covering(of: &[(&str, u32, u64)]) -> Covers {
        let mut covers = Covers::default();
        for &(source, partition, next_position) in of {
            covers.batch(&RawBatch {
                source: source.into(),
                partition,
                next_position,
                ..RawBatch::default()
            });
        }
        covers
    }

    fn texts(positions: Vec<Position>) -> Vec<String> {
        positions.iter().map(|p| format!("{}[{}]@{}", p.source, p.partition, p.next)).collect()
    }

    #[test]
    fn a_flush_is_committed_when_all_before_it_are_durable() {
        let mut flushes = InFlight::default();
        let first = flushes.begin(covering(&[("t", 0, 5), ("t", 1, 2)]));
        let second = flushes.begin(covering(&[("t", 0, 9)]));
        let third = flushes.begin(covering(&[("t", 1, 4)]));
        assert_eq!(texts(flushes.durable(third)), [""; 0]);
        assert_eq!(texts(flushes.durable(first)), ["t[0]@5", "t[1]@2"]);
        assert!(!flushes.is_empty());
        assert_eq!(texts(flushes.durable(second)), ["t[0]@9", "t[1]@4"]);
        assert!(flushes.is_empty());
        assert_eq!(texts(flushes.durable(second)), [""; 0], "told twice");
        let shared = flushes.begin(covering(&[("t", 0, 12), ("t", 1, 6)]));
        flushes.give_up(&[("t".into(), 0)]);
        assert_eq!(texts(flushes.durable(shared)), ["t[1]@6"], "of what is kept");
        let lost = flushes.begin(covering(&[("t", 0, 20)]));
        flushes.abandon();
        assert_eq!(texts(flushes.durable(lost)), [""; 0], "somebody else reads it");
        let next = flushes.begin(covering(&[("t", 0, 9)]));
        assert_eq!(texts(flushes.durable(next)), ["t[0]@9"]);
    }

    #[test]
    fn a_flush_in_the_middle_of_a_batch_covers_nothing_of_it() {
        let mut flushes = InFlight::default();
        let middle = flushes.begin(Covers::default());
        let end = flushes.begin(covering(&[("t", 0, 7), ("t", 0, 8)]));
        assert_eq!(texts(flushes.durable(end)), [""; 0]);
        assert_eq!(texts(flushes.durable(middle)), ["t[0]@8"], "the latest of a partition");
    }
}
