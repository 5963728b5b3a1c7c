//! The stores under test behind one face, and small helpers to write and read cells.

use std::ops::ControlFlow;

use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Cell, CellBatch, Family, Table};
use linkloom_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use linkloom_storage::memory::MemoryStore;
use linkloom_storage::retention::{Expired, Retention};
use linkloom_storage::store::{Scan, Store, StoreError};

pub(crate) const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A store and the means to make one.
pub(crate) trait Subject {
    type Kind: Store;
    /// Bytes each row is longer in the store than here.
    const SCOPE_BYTES: usize = 0;

    fn new(retention: Retention) -> Self;
    fn store(&self) -> &Self::Kind;
    /// Closes and opens the store, if it outlives its process.
    fn reopen(&mut self);
    fn expire(&self, now: Timestamp) -> Result<Expired, StoreError>;
}

pub(crate) struct Memory(MemoryStore);

impl Subject for Memory {
    type Kind = MemoryStore;

    fn new(retention: Retention) -> Self {
        Memory(MemoryStore::new(retention))
    }

    fn store(&self) -> &MemoryStore {
        &self.0
    }

    fn reopen(&mut self) {}

    fn expire(&self, now: Timestamp) -> Result<Expired, StoreError> {
        self.0.expire(now)
    }
}

pub(crate) struct Embedded {
    pub(crate) options: EmbeddedOptions,
    pub(crate) dir: tempfile::TempDir,
    store: Option<EmbeddedStore>,
}

impl Embedded {
    pub(crate) fn with(options: EmbeddedOptions) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let store = EmbeddedStore::open(dir.path(), options.clone()).expect("a new store");
        Embedded { options, dir, store: Some(store) }
    }

    /// Closes it; `reopen` opens it again.
    pub(crate) fn close(&mut self) {
        if let Some(store) = self.store.take() {
            store.close().expect("a clean close");
        }
    }
}

impl Subject for Embedded {
    type Kind = EmbeddedStore;

    fn new(retention: Retention) -> Self {
        Embedded::with(EmbeddedOptions { retention: Some(retention), ..EmbeddedOptions::default() })
    }

    fn store(&self) -> &EmbeddedStore {
        self.store.as_ref().expect("the store is open")
    }

    fn reopen(&mut self) {
        self.close();
        self.store = Some(EmbeddedStore::open(self.dir.path(), self.options.clone()).expect("reopened"));
    }

    fn expire(&self, now: Timestamp) -> Result<Expired, StoreError> {
        self.store().expire(now)
    }
}

/// Noon of a day.
pub(crate) fn noon(day: i64) -> Timestamp {
    Timestamp(day * MICROS_PER_DAY + MICROS_PER_DAY / 2)
}

pub(crate) fn cell(table: Table, row: &str, family: Family, qualifier: &str, value: &[u8]) -> Cell {
    Cell {
        table,
        row: row.to_owned(),
        family,
        qualifier: qualifier.to_owned(),
        value: value.to_vec(),
        expires_by: None,
    }
}

pub(crate) fn batch(cells: impl IntoIterator<Item = Cell>) -> CellBatch {
    CellBatch { cells: cells.into_iter().collect() }
}

/// Writes `link` cells of family `n`, given as (row, qualifier, value).
pub(crate) fn put(store: &impl Store, cells: &[(&str, &str, &str)]) {
    let cells = cells.iter().map(|(r, q, v)| cell(Table::Link, r, Family::Nodes, q, v.as_bytes()));
    store.write(&batch(cells)).expect("written");
}

/// Every cell of a scan as `row family:qualifier=value`, at most `limit`.
pub(crate) fn seen(store: &impl Store, scan: &Scan<'_>, limit: usize) -> Vec<String> {
    let mut seen = Vec::new();
    store
        .scan(scan, &mut |c| {
            let value = String::from_utf8_lossy(c.value);
            seen.push(format!("{} {}:{}={value}", c.row, c.family.name(), c.qualifier));
            if seen.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .expect("scanned");
    seen
}

pub(crate) fn all(store: &impl Store, scan: &Scan<'_>) -> Vec<String> {
    seen(store, scan, usize::MAX)
}

/// Bytes that do not compress, the same for the same `seed`.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}
