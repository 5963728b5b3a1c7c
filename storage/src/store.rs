//! The one seam towards databases: the `Store` trait. One contract-test suite runs on every implementation.

use std::ops::ControlFlow;

use linkloom_schema::time::Timestamp;

use crate::cell::{CellBatch, Family, Table};

/// What went wrong in a store, and so what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store did not take or give the cells now; the same call may succeed later.
    #[error("{op} on {store}: {cause}")]
    Unavailable {
        /// Which store.
        store: String,
        /// What was tried.
        op: &'static str,
        /// Why it failed.
        cause: String,
    },
    /// What is stored does not decode; trying again cannot help.
    #[error("{what} in {store} does not decode: {why}")]
    Corrupt {
        /// Which store.
        store: String,
        /// Which cell or file.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The store will not do this, however often it is asked.
    #[error("{op} on {store} is refused: {why}")]
    Refused {
        /// Which store.
        store: String,
        /// What was tried.
        op: &'static str,
        /// Why not, and what is allowed.
        why: String,
    },
    /// The store is owned by another process.
    #[error("{store} is owned by process {pid}{}", api.as_ref().map(|a| format!(", its API is at {a}")).unwrap_or_default())]
    Owned {
        /// Which store.
        store: String,
        /// Process id of the owner.
        pid: u32,
        /// `host:port` of the owner's API, if it serves one.
        api: Option<String>,
    },
}

/// Whether an operation may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same call may succeed later.
    WithBackoff,
    /// It cannot help.
    Never,
}

impl StoreError {
    /// What to do next.
    pub fn retry(&self) -> Retry {
        match self {
            StoreError::Unavailable { .. } => Retry::WithBackoff,
            StoreError::Corrupt { .. } | StoreError::Refused { .. } | StoreError::Owned { .. } => {
                Retry::Never
            }
        }
    }
}

/// Which rows a scan visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows<'a> {
    /// Exactly this row.
    One(&'a str),
    /// Every row that starts with this text; the empty text is the whole table.
    Prefix(&'a str),
}

/// One scan: rows in ascending order of (row, family, qualifier), compared as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan<'a> {
    /// Which table.
    pub table: Table,
    /// Which rows.
    pub rows: Rows<'a>,
    /// Only rows that sort strictly after this one (key-set paging).
    pub after_row: Option<&'a str>,
    /// Only cells of this family.
    pub family: Option<Family>,
    /// Only cells whose qualifier is not below this one. Cheap with `Rows::One` and a family, which start there; else
    /// cells are read and passed over.
    pub from_qualifier: Option<&'a str>,
    /// Leave values empty; cheaper where the store can skip reading them.
    pub keys_only: bool,
}

impl<'a> Scan<'a> {
    /// All cells of `rows` in `table`.
    pub fn new(table: Table, rows: Rows<'a>) -> Self {
        Scan { table, rows, after_row: None, family: None, from_qualifier: None, keys_only: false }
    }

    /// Only cells of `family`.
    #[must_use]
    pub fn family(mut self, family: Family) -> Self {
        self.family = Some(family);
        self
    }

    /// Only rows that sort strictly after `row`.
    #[must_use]
    pub fn after_row(mut self, row: &'a str) -> Self {
        self.after_row = Some(row);
        self
    }

    /// Only cells whose qualifier is not below `qualifier`.
    #[must_use]
    pub fn from_qualifier(mut self, qualifier: &'a str) -> Self {
        self.from_qualifier = Some(qualifier);
        self
    }

    /// Values are left empty.
    #[must_use]
    pub fn keys_only(mut self) -> Self {
        self.keys_only = true;
        self
    }
}

/// One stored cell, lent during a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellRef<'a> {
    /// Row key.
    pub row: &'a str,
    /// Column family.
    pub family: Family,
    /// Column qualifier.
    pub qualifier: &'a str,
    /// The value; empty in a keys-only scan.
    pub value: &'a [u8],
}

/// A place where cells are kept.
///
/// Implementations pass the suite in `storage/tests/it/contract.rs`.
pub trait Store: Send + Sync {
    /// Stores all cells; returns when they are durable.
    ///
    /// Repeating a call is harmless. After an error some of the cells may be stored: repeat the call. Cells that are
    /// already past the retention horizon may be left out. Rows hold no NUL, and row and qualifier are at most
    /// [`KEY_BYTES_MAX`](crate::cell::KEY_BYTES_MAX) bytes together, else the whole batch is `Refused`.
    fn write(&self, batch: &CellBatch) -> Result<(), StoreError>;

    /// The value of one cell, or `None`.
    fn get(
        &self,
        table: Table,
        row: &str,
        family: Family,
        qualifier: &str,
    ) -> Result<Option<Vec<u8>>, StoreError>;

    /// Calls `each` for every cell of `scan` in order until it breaks. Sees every write that returned before it began.
    fn scan(
        &self,
        scan: &Scan<'_>,
        each: &mut dyn FnMut(CellRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// Lends all cells of one family of several rows, in the order of `rows`, each with the place of its row in it. For
    /// rows that are known to hold little: a store behind a network asks for many of them with one call, and has in
    /// memory what they hold.
    fn rows(
        &self,
        table: Table,
        family: Family,
        rows: &[String],
        each: &mut dyn FnMut(usize, CellRef<'_>),
    ) -> Result<(), StoreError>;

    /// Removes one cell of a table that holds no reports (`Meta`): the only deletion there is.
    fn forget(&self, row: &str, qualifier: &str) -> Result<(), StoreError>;

    /// Event time before which expiring cells may be gone; `None`: everything is kept forever.
    ///
    /// What is older may still be returned: readers leave out reports before the horizon and mark the answer
    /// `partial`. It never goes back.
    fn horizon(&self) -> Option<Timestamp>;

    /// Name for messages, e.g. the path.
    fn name(&self) -> &str;
}

/// [`Store::rows`] for a store to which many rows are no dearer than one after the other.
pub fn rows_one_by_one(
    store: &dyn Store,
    table: Table,
    family: Family,
    rows: &[String],
    each: &mut dyn FnMut(usize, CellRef<'_>),
) -> Result<(), StoreError> {
    for (place, row) in rows.iter().enumerate() {
        store.scan(&Scan::new(table, Rows::One(row)).family(family), &mut |cell| {
            each(place, cell);
            ControlFlow::Continue(())
        })?;
    }
    Ok(())
}
