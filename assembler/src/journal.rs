//! The flush journal: which executions have reports in the store that no written summary covers yet.
//!
//! A flush writes, in one step with its packs, one `meta` cell that lists the executions it touched; the cell goes when
//! the last of their summaries is durable. What a killed process leaves behind is therefore exactly the list of
//! executions to be summed up at the next start (`docs/decisions/003-flush-journal.md`).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use linkloom_schema::ids::LinkMark;
use linkloom_schema::row_key;
use linkloom_storage::cell::{Cell, Family, Table};
use linkloom_storage::flush::{Owner, RowDigest};
use linkloom_storage::pack::{Compressor, decompress};
use linkloom_storage::store::{Rows, Scan, Store, StoreError};

const ROW_PREFIX: &str = "flush|";
const QUALIFIER: &str = "rows";

/// Called once every summary of what was handed over is durable.
pub type Settled = Box<dyn FnOnce() + Send>;

/// The journal of one process.
///
/// Where one process owns the store, a flush has a cell. Where several write it, what is not summed up yet is told by
/// the positions that are not committed: a flush has whom to tell instead.
pub struct Journal {
    store: Arc<dyn Store>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// Per flush: summaries still to be written, and whom to tell then.
    waiting: BTreeMap<u64, (usize, Option<Settled>)>,
    /// All summaries are written, the cell is still to be removed.
    finished: BTreeSet<u64>,
}

/// The journal cell of a flush; stored in one step with the packs of that flush.
pub fn cell(flush: u64, digests: &[RowDigest], compressor: &mut Compressor) -> Option<Cell> {
    let mut rows = String::new();
    for digest in digests {
        if let Owner::Execution(mark) = &digest.owner {
            row_key::push_link(&mut rows, mark.as_ref());
            rows.push('\n');
        } else if let Owner::Trace(trace_id) = &digest.owner {
            rows.push_str(&row_key::unlinked_trace(trace_id));
            rows.push('\n');
        }
    }
    (!rows.is_empty()).then(|| Cell {
        table: Table::Meta,
        row: format!("{ROW_PREFIX}{flush:020}"),
        family: Family::Link,
        qualifier: QUALIFIER.to_owned(),
        value: compressor.value(rows.as_bytes()),
        expires_by: None,
    })
}

/// What an earlier process left to be summed up.
#[derive(Debug, Default)]
pub struct Left {
    /// Number the next flush takes.
    pub next_flush: u64,
    /// Per flush, oldest first: the executions it touched.
    pub flushes: Vec<(u64, Vec<LinkMark>)>,
    /// Traces of unmarked reports it stored.
    pub traces: Vec<(u64, String)>,
}

impl Journal {
    /// A journal on a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Journal { store, open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // A count is never left half changed, so a panic elsewhere does not spoil it.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what an earlier process left.
    pub fn left(&self) -> Result<Left, StoreError> {
        let mut left = Left::default();
        let mut failed = None;
        self.store.scan(&Scan::new(Table::Meta, Rows::Prefix(ROW_PREFIX)), &mut |cell| {
            let corrupt = |why: String| StoreError::Corrupt {
                store: self.store.name().to_owned(),
                what: format!("flush journal {}", cell.row),
                why,
            };
            let read = || -> Result<(u64, Vec<LinkMark>, Vec<String>), String> {
                let number =
                    cell.row[ROW_PREFIX.len()..].parse().map_err(|_| "no number in its row".to_owned())?;
                let (mut marks, mut traces) = (Vec::new(), Vec::new());
                for row in decompress(cell.value)?.lines() {
                    match row.strip_prefix("t|").and_then(|rest| rest.split_once('|')) {
                        Some((_, trace)) => {
                            traces.push(row_key::decode_id(trace).map_err(|e| e.to_string())?.into_owned());
                        }
                        None => marks.push(row_key::decode_link(row).map_err(|e| e.to_string())?.0),
                    }
                }
                Ok((number, marks, traces))
            };
            match read() {
                Ok((flush, marks, traces)) => {
                    left.next_flush = left.next_flush.max(flush + 1);
                    left.flushes.push((flush, marks));
                    left.traces.extend(traces.into_iter().map(|trace| (flush, trace)));
                    ControlFlow::Continue(())
                }
                Err(why) => {
                    failed = Some(corrupt(why));
                    ControlFlow::Break(())
                }
            }
        })?;
        failed.map_or(Ok(left), Err)
    }

    /// Flush `flush` is durable; `summaries` summaries are to be written for it.
    pub fn begin(&self, flush: u64, summaries: usize) -> Result<(), StoreError> {
        if summaries == 0 {
            self.open().finished.insert(flush);
            return self.tidy();
        }
        self.open().waiting.insert(flush, (summaries, None));
        Ok(())
    }

    /// The same for what has no cell: `settled` is called when the summaries are written.
    pub fn begin_told(&self, flush: u64, summaries: usize, settled: Settled) {
        if summaries == 0 {
            return settled();
        }
        self.open().waiting.insert(flush, (summaries, Some(settled)));
    }

    /// These will not be summed up here any more, and nobody is told.
    pub fn abandon(&self, flushes: impl IntoIterator<Item = u64>) {
        let open = &mut *self.open();
        for flush in flushes {
            open.waiting.remove(&flush);
        }
    }

    /// One summary is durable that covers the reports of these flushes.
    ///
    /// Errors: a cell that is not needed any more could not be removed; [`Journal::tidy`] tries again.
    pub fn written(&self, flushes: impl IntoIterator<Item = u64>) -> Result<(), StoreError> {
        let mut told = Vec::new();
        {
            let open = &mut *self.open();
            for flush in flushes {
                let Entry::Occupied(mut entry) = open.waiting.entry(flush) else { continue };
                entry.get_mut().0 -= 1;
                if entry.get().0 == 0 {
                    match entry.remove().1 {
                        Some(settled) => told.push(settled),
                        None => _ = open.finished.insert(flush),
                    }
                }
            }
        }
        told.into_iter().for_each(|settled| settled());
        self.tidy()
    }

    /// Removes the cells that are not needed any more. Cheap when there are none.
    pub fn tidy(&self) -> Result<(), StoreError> {
        let finished: Vec<u64> = self.open().finished.iter().copied().collect();
        for flush in finished {
            self.store.forget(&format!("{ROW_PREFIX}{flush:020}"), QUALIFIER)?;
            self.open().finished.remove(&flush);
        }
        Ok(())
    }

    /// Flushes that are not summed up, or still have a cell.
    pub fn len(&self) -> usize {
        let open = self.open();
        open.waiting.len() + open.finished.len()
    }

    /// Whether every summary is written and no cell is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
