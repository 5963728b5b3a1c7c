//! A store in memory, for tests: the same contract as the others, and faults on request.

use std::collections::{BTreeMap, VecDeque};
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use linkloom_schema::time::Timestamp;

use crate::cell::{CellBatch, Family, Table};
use crate::key;
use crate::retention::{self, Expired, Retention};
use crate::store::{CellRef, Scan, Store, StoreError, rows_one_by_one};

/// Cells copied out at a time during a scan, so that no lock is held while the caller looks at them.
const SCAN_PAGE: usize = 256;

/// What one write does instead of simply succeeding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Fails; nothing is stored.
    Before,
    /// Stores everything, then fails: the answer was lost.
    After,
    /// Stores the first cells of the batch, at most this many, then fails.
    Partway(usize),
}

/// A call that is about to be carried out.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    /// A write of these cells.
    Write(&'a CellBatch),
    /// A `get` or a `scan`.
    Read,
}

type Watch = Box<dyn Fn(Call<'_>) -> Result<(), StoreError> + Send + Sync>;

#[derive(Default)]
struct Inner {
    cells: BTreeMap<Vec<u8>, Stored>,
    horizon_day: Option<i64>,
    writes: VecDeque<Option<Fault>>,
    failing_reads: usize,
}

#[derive(Clone)]
struct Stored {
    value: Arc<[u8]>,
    expires_by: Option<Timestamp>,
}

/// A store that lives as long as the value does. Deterministic: the same calls give the same answers.
pub struct MemoryStore {
    name: &'static str,
    watch: Option<Watch>,
    retention: Retention,
    inner: Mutex<Inner>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(Retention::Forever)
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new(retention: Retention) -> Self {
        MemoryStore { name: "memory", watch: None, retention, inner: Mutex::default() }
    }

    /// An empty store that keeps everything, under this name; it asks `watch` before each write and each read. Whoever
    /// watches may count, wait, or refuse with an error.
    pub fn watched(
        name: &'static str,
        watch: impl Fn(Call<'_>) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Self {
        MemoryStore { name, watch: Some(Box::new(watch)), ..Self::default() }
    }

    /// What the next writes do, in order: `None` succeeds. Added behind what was planned before; once the plan is
    /// used up, writes succeed. `forget` counts as a write.
    pub fn plan_writes(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.lock().writes.extend(faults);
    }

    /// Lets the next `count` calls of `get` and `scan` fail.
    pub fn fail_reads(&self, count: usize) {
        self.lock().failing_reads = count;
    }

    /// Forgets every planned fault.
    pub fn heal(&self) {
        let mut inner = self.lock();
        inner.writes.clear();
        inner.failing_reads = 0;
    }

    /// Number of cells stored.
    pub fn len(&self) -> usize {
        self.lock().cells.len()
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops what the retention does not keep at `now`; an earlier `now` than before changes nothing.
    ///
    /// Errors: `Refused` if the store keeps everything or `now` is outside 2000 to 2099.
    pub fn expire(&self, now: Timestamp) -> Result<Expired, StoreError> {
        let Retention::Days(days) = self.retention else {
            return Err(self.refused("expire", "it keeps everything forever".to_owned()));
        };
        if !retention::sane(now) {
            return Err(self.refused("expire", format!("now is {} µs, outside 2000 to 2099", now.micros())));
        }
        let mut inner = self.lock();
        let horizon = retention::horizon_day(now, days).max(inner.horizon_day.unwrap_or(i64::MIN));
        inner.horizon_day = Some(horizon);
        let mut dropped = std::collections::BTreeSet::new();
        let mut bytes = 0;
        inner.cells.retain(|key, stored| match stored.expires_by.map(retention::day_of) {
            Some(day) if day < horizon => {
                dropped.insert(day);
                bytes += (key.len() + stored.value.len()) as u64;
                false
            }
            _ => true,
        });
        Ok(Expired { segments: dropped.len(), bytes })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock is held is a failed test; the map itself is never half changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self, op: &'static str, why: String) -> StoreError {
        StoreError::Refused { store: self.name().to_owned(), op, why }
    }

    fn injected(&self, op: &'static str, cause: &str) -> StoreError {
        StoreError::Unavailable { store: self.name().to_owned(), op, cause: cause.to_owned() }
    }

    fn ask(&self, call: Call<'_>) -> Result<(), StoreError> {
        self.watch.as_ref().map_or(Ok(()), |watch| watch(call))
    }

    fn check_read(&self, op: &'static str) -> Result<(), StoreError> {
        self.ask(Call::Read)?;
        let mut inner = self.lock();
        if inner.failing_reads == 0 {
            return Ok(());
        }
        inner.failing_reads -= 1;
        drop(inner);
        Err(self.injected(op, "injected: the read failed"))
    }

    fn page(&self, start: Bound<Vec<u8>>, end: &[u8]) -> Vec<(Vec<u8>, Arc<[u8]>)> {
        self.lock()
            .cells
            .range::<[u8], _>((start.as_ref().map(Vec::as_slice), Bound::Excluded(end)))
            .take(SCAN_PAGE)
            .map(|(key, stored)| (key.clone(), stored.value.clone()))
            .collect()
    }
}

impl Store for MemoryStore {
    fn write(&self, batch: &CellBatch) -> Result<(), StoreError> {
        self.ask(Call::Write(batch))?;
        if let Some(why) = batch.cells.iter().find_map(key::why_not) {
            return Err(self.refused("write", why));
        }
        let mut inner = self.lock();
        let fault = inner.writes.pop_front().flatten();
        let count = match fault {
            Some(Fault::Before) => 0,
            Some(Fault::Partway(count)) => count.min(batch.cells.len()),
            Some(Fault::After) | None => batch.cells.len(),
        };
        for cell in &batch.cells[..count] {
            let expires_by = cell.expires_by.filter(|_| cell.table != Table::Meta);
            if let (Some(time), Some(horizon)) = (expires_by, inner.horizon_day)
                && retention::day_of(time) < horizon
            {
                continue;
            }
            inner.cells.insert(
                key::cell_key(cell.table, &cell.row, cell.family, &cell.qualifier),
                Stored { value: cell.value.as_slice().into(), expires_by },
            );
        }
        drop(inner);
        match fault {
            None => Ok(()),
            Some(Fault::Before) => Err(self.injected("write", "injected: nothing was stored")),
            Some(Fault::After) => Err(self.injected("write", "injected: everything was stored")),
            Some(Fault::Partway(_)) => Err(self.injected("write", "injected: some cells were stored")),
        }
    }

    fn get(
        &self,
        table: Table,
        row: &str,
        family: Family,
        qualifier: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.check_read("get")?;
        let key = key::cell_key(table, row, family, qualifier);
        Ok(self.lock().cells.get(&key).map(|stored| stored.value.to_vec()))
    }

    fn scan(
        &self,
        scan: &Scan<'_>,
        each: &mut dyn FnMut(CellRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.check_read("scan")?;
        let range = key::range(scan);
        let mut start = Bound::Included(range.start);
        loop {
            let page = self.page(start, &range.end);
            for (key, value) in &page {
                let (row, family, qualifier) = key::split(key).map_err(|why| StoreError::Corrupt {
                    store: self.name().to_owned(),
                    what: format!("key {}", key.escape_ascii()),
                    why: why.to_owned(),
                })?;
                let value = if scan.keys_only { &[][..] } else { value };
                if key::wanted(scan, family, qualifier)
                    && each(CellRef { row, family, qualifier, value }).is_break()
                {
                    return Ok(());
                }
            }
            match page.into_iter().next_back() {
                Some((last, _)) => start = Bound::Excluded(last),
                None => return Ok(()),
            }
        }
    }

    fn rows(
        &self,
        table: Table,
        family: Family,
        rows: &[String],
        each: &mut dyn FnMut(usize, CellRef<'_>),
    ) -> Result<(), StoreError> {
        rows_one_by_one(self, table, family, rows, each)
    }

    fn forget(&self, row: &str, qualifier: &str) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let fault = inner.writes.pop_front().flatten();
        if !matches!(fault, Some(Fault::Before | Fault::Partway(0))) {
            inner.cells.remove(&key::cell_key(Table::Meta, row, Family::Link, qualifier));
        }
        drop(inner);
        match fault {
            None => Ok(()),
            Some(_) => Err(self.injected("forget", "injected: the answer was lost")),
        }
    }

    fn horizon(&self) -> Option<Timestamp> {
        self.lock().horizon_day.map(retention::start_of)
    }

    fn name(&self) -> &str {
        self.name
    }
}
