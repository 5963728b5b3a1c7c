//! How far earlier processes read: what they read and did not commit is read again, and counted as replayed.
//!
//! Each flush carries the positions it reaches into the store. Nothing depends on them but the count.

use std::collections::HashMap;
use std::sync::Arc;

use linkloom_ingest::source::RawBatch;
use linkloom_storage::cell::{Cell, Family, Table};
use linkloom_storage::store::{Store, StoreError};
use xxhash_rust::xxh3::xxh3_64;

/// First part of the rows.
const ROW_PREFIX: &str = "reach|";
const QUALIFIER: &str = "position";

struct Reached {
    row: String,
    /// Position up to which an earlier process read.
    before: u64,
}

/// The reach of the partitions of one source.
#[derive(Default)]
pub(super) struct Reach {
    partitions: HashMap<(Arc<str>, u32), Reached>,
}

impl Reach {
    /// How many records of a batch an earlier process read already.
    ///
    /// Errors: the store cannot be asked.
    pub(super) fn replayed(&mut self, store: &dyn Store, batch: &RawBatch) -> Result<u64, StoreError> {
        let key = (batch.source.clone(), batch.partition);
        let reached = match self.partitions.entry(key) {
            std::collections::hash_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                let row = row(batch);
                let value = store.get(Table::Meta, &row, Family::Link, QUALIFIER)?;
                let before = value.and_then(|value| std::str::from_utf8(&value).ok()?.parse().ok());
                free.insert(Reached { row, before: before.unwrap_or(0) })
            }
        };
        Ok(batch.records.partition_point(|record| record.position < reached.before) as u64)
    }

    /// Cells that remember how far a flush reaches: the position that comes next in each partition.
    pub(super) fn cells<'a>(
        &'a self,
        positions: impl Iterator<Item = (&'a (Arc<str>, u32), u64)> + 'a,
    ) -> impl Iterator<Item = Cell> + 'a {
        positions.filter_map(|(partition, next)| {
            let reached = self.partitions.get(partition)?;
            (next > reached.before).then(|| Cell {
                table: Table::Meta,
                row: reached.row.clone(),
                family: Family::Link,
                qualifier: QUALIFIER.to_owned(),
                value: next.to_string().into_bytes(),
                expires_by: None,
            })
        })
    }
}

/// Of a file its beginning counts, too: another file of the same name starts anew.
fn row(batch: &RawBatch) -> String {
    let source = xxh3_64(batch.source.as_bytes());
    match batch.resume {
        Some(resume) => format!("{ROW_PREFIX}{source:016x}|{}", resume.head),
        None => format!("{ROW_PREFIX}{source:016x}|{}", batch.partition),
    }
}

#[cfg(test)]
mod tests {
    use linkloom_ingest::source::RawRecord;
    use linkloom_storage::cell::CellBatch;
    use linkloom_storage::memory::MemoryStore;

    use super::*;

    fn batch(partition: u32, positions: std::ops::Range<u64>) -> RawBatch {
        let record = |position| RawRecord { start: 0, end: 0, full_length: 0, position, line: 0, time: None };
        RawBatch {
            source: "topic".into(),
            partition,
            next_position: positions.end,
            records: positions.map(record).collect(),
            ..RawBatch::default()
        }
    }

    #[test]
    fn what_an_earlier_process_read_is_replayed_once_it_comes_again() {
        let store = MemoryStore::default();
        let mut first = Reach::default();
        assert_eq!(first.replayed(&store, &batch(0, 0..10)).expect("readable"), 0);
        assert_eq!(first.replayed(&store, &batch(1, 0..10)).expect("readable"), 0);
        let key = ("topic".into(), 0);
        let cells = first.cells([(&key, 10)].into_iter()).collect();
        store.write(&CellBatch { cells }).expect("writable");

        let mut second = Reach::default();
        assert_eq!(second.replayed(&store, &batch(0, 4..20)).expect("readable"), 6);
        assert_eq!(second.replayed(&store, &batch(0, 20..30)).expect("readable"), 0);
        assert_eq!(second.replayed(&store, &batch(1, 0..10)).expect("readable"), 0, "it was not durable");
        assert_eq!(second.cells([(&key, 7)].into_iter()).count(), 0, "it never goes back");
    }
}
