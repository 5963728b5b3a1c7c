//! A store that tells who watches an execution, a business id or a scene when something of it was written.
//!
//! Only what goes through this value is told: where several processes write the same tables, those of others are not.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use linkloom_schema::ids::MarkRef;
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;

use crate::cell::{CellBatch, Family, Table};
use crate::store::{CellRef, Scan, Store, StoreError};

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject(String);

impl Subject {
    /// One execution: its reports and its summary.
    pub fn execution(mark: MarkRef<'_>) -> Self {
        Subject(row_key::link(mark))
    }

    /// The executions of a business id: their summaries.
    pub fn business(business_id: &str) -> Self {
        Subject(row_key::business_prefix(business_id))
    }

    /// The executions of a scene: their summaries.
    pub fn scene(scene_id: &str) -> Self {
        let mut text = String::from(SCENE);
        row_key::push_id(&mut text, scene_id);
        Subject(text)
    }
}

/// What subjects that are scenes begin with; no row does.
const SCENE: &str = "|";

type Tell = Box<dyn Fn() + Send + Sync>;

/// Who watches what.
#[derive(Default)]
pub struct Changes {
    /// How many watchers there are, to be looked at without the lock.
    count: AtomicUsize,
    watchers: Mutex<Watchers>,
}

#[derive(Default)]
struct Watchers {
    next: u64,
    by_subject: HashMap<Subject, Vec<(u64, Tell)>>,
}

impl Changes {
    fn lock(&self) -> MutexGuard<'_, Watchers> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `tell` after every write that changes the subject, until the watch is dropped. It is called by those who
    /// write, so it must not block, nor watch anything itself.
    pub fn watch(self: &Arc<Self>, subject: Subject, tell: impl Fn() + Send + Sync + 'static) -> Watch {
        let mut watchers = self.lock();
        let number = watchers.next;
        watchers.next += 1;
        watchers.by_subject.entry(subject.clone()).or_default().push((number, Box::new(tell)));
        self.count.fetch_add(1, Ordering::Release);
        Watch { changes: self.clone(), subject, number }
    }

    /// Tells of what was written.
    fn written(&self, batch: &CellBatch) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let watchers = self.lock();
        let tell = |subject: &str| {
            // A subject is looked up by its text.
            if let Some(told) = watchers.by_subject.get(&Subject(subject.to_owned())) {
                told.iter().for_each(|(_, tell)| tell());
            }
        };
        for cell in batch.cells.iter().filter(|cell| cell.table == Table::Link) {
            let mut ends = cell.row.match_indices('|').map(|(end, _)| end);
            let (Some(_), Some(business), Some(scene)) = (ends.next(), ends.next(), ends.next()) else {
                continue;
            };
            // Overflow rows have one part more.
            tell(&cell.row[..ends.next().unwrap_or(cell.row.len())]);
            if cell.family == Family::Link {
                tell(&cell.row[..=business]);
                tell(&format!("{SCENE}{}", &cell.row[business + 1..scene]));
            }
        }
    }
}

/// A watch; dropping it ends it.
pub struct Watch {
    changes: Arc<Changes>,
    subject: Subject,
    number: u64,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watchers = self.changes.lock();
        if let Some(told) = watchers.by_subject.get_mut(&self.subject) {
            told.retain(|(number, _)| *number != self.number);
            if told.is_empty() {
                watchers.by_subject.remove(&self.subject);
            }
        }
        self.changes.count.fetch_sub(1, Ordering::Release);
    }
}

/// A store and who watches it.
pub struct Watched {
    store: Arc<dyn Store>,
    changes: Arc<Changes>,
}

impl Watched {
    /// The same store, which tells `changes` what is written through it.
    pub fn new(store: Arc<dyn Store>, changes: Arc<Changes>) -> Self {
        Watched { store, changes }
    }
}

impl Store for Watched {
    fn write(&self, batch: &CellBatch) -> Result<(), StoreError> {
        let written = self.store.write(batch);
        // Also after an error some of it may be stored.
        self.changes.written(batch);
        written
    }

    fn get(
        &self,
        table: Table,
        row: &str,
        family: Family,
        qualifier: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(table, row, family, qualifier)
    }

    fn scan(
        &self,
        scan: &Scan<'_>,
        each: &mut dyn FnMut(CellRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.store.scan(scan, each)
    }

    fn forget(&self, row: &str, qualifier: &str) -> Result<(), StoreError> {
        self.store.forget(row, qualifier)
    }

    fn horizon(&self) -> Option<Timestamp> {
        self.store.horizon()
    }

    fn name(&self) -> &str {
        self.store.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;
    use crate::memory::MemoryStore;

    fn cell(row: &str, family: Family) -> Cell {
        Cell {
            table: Table::Link,
            row: row.to_owned(),
            family,
            qualifier: "q".to_owned(),
            value: Vec::new(),
            expires_by: None,
        }
    }

    #[test]
    fn a_write_is_told_to_those_who_watch_what_it_changes() {
        let changes = Arc::new(Changes::default());
        let store = Watched::new(Arc::new(MemoryStore::default()), changes.clone());
        let told: Arc<[AtomicUsize; 3]> = Arc::default();
        let mark = MarkRef { business_id: "b|1", scene_id: "s 1", execution_id: "e" };
        let subjects = [Subject::execution(mark), Subject::business("b|1"), Subject::scene("s 1")];
        let watches: Vec<Watch> = subjects
            .into_iter()
            .enumerate()
            .map(|(at, subject)| {
                let told = told.clone();
                changes.watch(subject, move || {
                    told[at].fetch_add(1, Ordering::Relaxed);
                })
            })
            .collect();
        let row = row_key::link(mark);
        let write = |cells: Vec<Cell>| {
            store.write(&CellBatch { cells }).expect("stored");
            [0, 1, 2].map(|at: usize| told[at].swap(0, Ordering::Relaxed))
        };
        assert_eq!(write(vec![cell(&row, Family::Nodes)]), [1, 0, 0], "reports");
        assert_eq!(
            write(vec![cell(&format!("{row}|1"), Family::BusinessLogs)]),
            [1, 0, 0],
            "an overflow row"
        );
        assert_eq!(write(vec![cell(&row, Family::Link)]), [1, 1, 1], "the summary");
        let other = MarkRef { execution_id: "e2", ..mark };
        assert_eq!(write(vec![cell(&row_key::link(other), Family::Link)]), [0, 1, 1], "another execution");
        let other = MarkRef { business_id: "b", ..mark };
        assert_eq!(write(vec![cell(&row_key::link(other), Family::Link)]), [0, 0, 1], "another business id");
        assert_eq!(write(vec![Cell { table: Table::Recent, ..cell(&row, Family::Link) }]), [0, 0, 0]);
        drop(watches);
        assert_eq!(write(vec![cell(&row, Family::Link)]), [0, 0, 0], "nobody watches any more");
        assert!(changes.lock().by_subject.is_empty());
    }
}
