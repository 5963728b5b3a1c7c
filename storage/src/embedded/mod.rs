//! The embedded store: cells in log-structured merge trees below one directory, owned by one process.
//!
//! ```text
//! {path}/linkloom-store.json   format, retention, horizon
//! {path}/owner.lock            locked while a process owns the store; owner.json says which
//! {path}/cells/                the engine's files: journals, and a tree for each segment
//! ```
//!
//! A write goes to the journal and to memory, and returns when a sync of the journal has covered it; writers that come
//! meanwhile share the next sync. Larger values lie beside the trees and are not moved again. What expires lies in a
//! segment for each day, dropped as a whole. Why: `docs/decisions/005-embedded-store.md`.

mod engine;
mod expire;
mod files;
mod format;
mod group;
mod journal;
mod marks;
mod options;
mod owner;
mod scan;
mod segments;
mod upkeep;
mod verify;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use fjall::{Database, OwnedWriteBatch, Snapshot, UserKey};
use linkloom_schema::time::Timestamp;

use self::engine::Named;
use self::format::StoreFile;
use self::group::Group;
use self::marks::Marks;
use self::owner::Owner;
use self::segments::{Place, Segment, Segments, Span, Window};
use crate::cell::{Cell, CellBatch, Family, Table};
use crate::key;
use crate::retention;
use crate::store::{CellRef, Scan, Store, StoreError, rows_one_by_one};

pub use self::options::EmbeddedOptions;

const ENGINE_DIR: &str = "cells";
/// Bytes the engine is given at a time, so that the bounds on what it holds in memory can act in between.
const CHUNK_BYTES: usize = 8 * 1024 * 1024;

/// A store in a directory of this machine.
///
/// Dropping it writes everything out and leaves no journals behind, so that it opens quickly and takes little disk.
pub struct EmbeddedStore {
    named: Named,
    dir: PathBuf,
    options: EmbeddedOptions,
    /// Writers hold it shared while they place and commit; `expire` holds it alone while the window moves.
    window: RwLock<Window>,
    file: Mutex<StoreFile>,
    /// First day that is kept, for readers that must not wait for `expire`.
    horizon_day: Mutex<Option<i64>>,
    segments: RwLock<Arc<Segments>>,
    /// Held while a segment is made or a memtable is sealed.
    shape: Mutex<()>,
    group: Group,
    marks: Marks,
    /// `None` only while closing.
    database: Option<Database>,
    /// Last: the lock goes when everything else is done.
    owner: Owner,
}

impl EmbeddedStore {
    /// Opens the store at `path`, creating it if the directory is absent or empty.
    ///
    /// Errors: `Owned` by another process (or another value of this one); `Refused` for options out of range, a
    /// retention of the other kind, a newer format, or a directory that holds something else; `Corrupt`.
    pub fn open(path: impl AsRef<Path>, options: EmbeddedOptions) -> Result<Self, StoreError> {
        let dir = path.as_ref().to_path_buf();
        let named = Named { store: dir.display().to_string() };
        let problems = options.problems();
        if !problems.is_empty() {
            return Err(named.refused("open", problems.join("; ")));
        }
        let unavailable = |cause: std::io::Error| files::unavailable(&named.store, "open", &cause);
        check_kind(&dir, &named)?;
        fs::create_dir_all(&dir).map_err(unavailable)?;
        let owner = Owner::take(&dir, &named.store)?;
        let known = StoreFile::read(&dir, &named.store)?;
        let mut file = known
            .clone()
            .unwrap_or_else(|| StoreFile::new(options.retention.unwrap_or(retention::Retention::Forever)));
        let retention = file.agree(options.retention, &named.store)?;
        if known.as_ref() != Some(&file) {
            file.write(&dir, &named.store)?;
        }
        let engine_dir = dir.join(ENGINE_DIR);
        clear_half_made(&engine_dir, &named)?;
        verify::lists(&engine_dir, &named)?;
        let database = named.guarded("the engine's files", || engine::open(&engine_dir, &options, &named))?;
        let window =
            Window { retention, today: file.now().map(retention::day_of), horizon_day: file.horizon_day };
        let store = EmbeddedStore {
            named,
            dir,
            window: RwLock::new(window),
            horizon_day: Mutex::new(file.horizon_day),
            file: Mutex::new(file),
            segments: RwLock::default(),
            shape: Mutex::new(()),
            group: Group::new(options.sync_interval),
            marks: Marks::default(),
            options,
            database: Some(database),
            owner,
        };
        store.open_segments()?;
        Ok(store)
    }

    /// Whether a store was made at `path`: for readers, which must not make one.
    pub fn is_at(path: impl AsRef<Path>) -> bool {
        path.as_ref().join(format::FILE).is_file()
    }

    /// Says in the store's directory where this process's API listens, `host:port`, for others that want to read.
    pub fn set_api(&self, address: &str) -> Result<(), StoreError> {
        self.owner
            .write_info(Some(address))
            .map_err(|cause| files::unavailable(&self.named.store, "write owner.json", &cause))
    }

    /// The store's directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Bytes the store takes up on disk, journals included.
    pub fn disk_bytes(&self) -> Result<u64, StoreError> {
        files::disk_bytes(&self.dir).map_err(|cause| files::unavailable(&self.named.store, "measure", &cause))
    }

    fn database(&self) -> Result<&Database, StoreError> {
        self.database.as_ref().ok_or_else(|| self.named.refused("use", "it is closing".to_owned()))
    }

    fn segments(&self) -> Arc<Segments> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A snapshot and the segments that hold everything in it, also while cells move between segments.
    fn view(&self) -> Result<(Snapshot, Arc<Segments>), StoreError> {
        loop {
            let segments = self.segments();
            let snapshot = self.database()?.snapshot();
            if Arc::ptr_eq(&segments, &self.segments()) {
                return Ok((snapshot, segments));
            }
        }
    }

    fn shape(&self) -> MutexGuard<'_, ()> {
        self.shape.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_segments(&self) -> Result<(), StoreError> {
        let database = self.database()?;
        for name in database.list_keyspace_names() {
            let Some(span) = Span::parse(&name) else {
                return Err(self.named.corrupt(format!("segment {:?}", &*name), "no such segment is known"));
            };
            self.segment(span)?;
        }
        self.segment(Span::Base)?;
        Ok(())
    }

    /// The segment of a span, made if there is none.
    fn segment(&self, span: Span) -> Result<Segment, StoreError> {
        if let Some(segment) = self.segments().get(span) {
            return Ok(segment.clone());
        }
        let _shape = self.shape();
        let segments = self.segments();
        if let Some(segment) = segments.get(span) {
            return Ok(segment.clone());
        }
        let keyspace = self
            .database()?
            .keyspace(&span.name(), || engine::segment_options(&self.options))
            .map_err(|error| self.named.error("open segment", error))?;
        let segment = Segment { span, keyspace };
        *self.segments.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(segments.with(segment.clone()));
        Ok(segment)
    }

    /// Hands cells to the journal and the memtables.
    fn commit(&self, cells: &[Cell], window: &Window) -> Result<(), StoreError> {
        let database = self.database()?;
        let mut batch = OwnedWriteBatch::with_capacity(database.clone(), cells.len());
        let mut touched: BTreeMap<Span, Segment> = BTreeMap::new();
        let mut marked = HashSet::new();
        for cell in cells {
            let expires_by = cell.expires_by.filter(|_| cell.table != Table::Meta);
            let Place::In(span) = window.place(expires_by, &self.segments()) else { continue };
            let segment = match touched.entry(span) {
                std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
                std::collections::btree_map::Entry::Vacant(free) => free.insert(self.segment(span)?),
            };
            let key: UserKey = key::cell_key(cell.table, &cell.row, cell.family, &cell.qualifier).into();
            if let Some(mark) = key::row_mark_of(&key)
                && let Some(digest) = self.marks.missing(span, mark)
                && marked.insert(digest)
            {
                batch.insert(&segment.keyspace, mark, []);
            }
            match (span, expires_by) {
                (Span::Later, Some(time)) => {
                    batch.insert(&segment.keyspace, key, expire::with_head(time, &cell.value));
                }
                _ => batch.insert(&segment.keyspace, key, cell.value.as_slice()),
            }
        }
        batch.commit().map_err(|error| self.named.error("write", error))?;
        self.marks.written(marked);
        self.seal_full(touched.values())
    }

    /// Waits until everything committed so far is durable.
    fn make_durable(&self, op: &'static str) -> Result<(), StoreError> {
        let database = self.database()?;
        let ticket = self.group.draw();
        let sync = || engine::sync(database).map_err(|error| error.to_string());
        self.group.wait(ticket, sync).map_err(|cause| self.sync_failed(op, &cause))
    }

    fn sync_failed(&self, op: &'static str, cause: &str) -> StoreError {
        self.named.refused(op, format!("a sync of its journal failed ({cause}); reopen the store"))
    }
}

impl Store for EmbeddedStore {
    fn write(&self, batch: &CellBatch) -> Result<(), StoreError> {
        if let Some(why) = batch.cells.iter().find_map(key::why_not) {
            return Err(self.named.refused("write", why));
        }
        if let Some(cause) = self.group.failed() {
            return Err(self.sync_failed("write", &cause));
        }
        let mut rest = batch.cells.as_slice();
        while !rest.is_empty() {
            let (chunk, behind) = rest.split_at(chunk_len(rest));
            rest = behind;
            self.make_room()?;
            let window = self.window.read().unwrap_or_else(PoisonError::into_inner);
            self.commit(chunk, &window)?;
        }
        self.make_durable("write")
    }

    fn get(
        &self,
        table: Table,
        row: &str,
        family: Family,
        qualifier: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = key::cell_key(table, row, family, qualifier);
        loop {
            let segments = self.segments();
            for segment in segments.may_hold(table) {
                let found = segment.keyspace.get(&key).map_err(|error| self.named.error("get", error))?;
                if let Some(value) = found {
                    let value = match segment.span {
                        Span::Later => scan::after_head(&self.named, &value)?,
                        _ => &value,
                    };
                    return Ok(Some(value.to_vec()));
                }
            }
            // With other segments by now, the cell may have moved on to a new one.
            if Arc::ptr_eq(&segments, &self.segments()) {
                return Ok(None);
            }
        }
    }

    fn scan(
        &self,
        scan: &Scan<'_>,
        each: &mut dyn FnMut(CellRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        scan::run(&self.named, || self.view(), scan, each)
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
        let key = key::cell_key(Table::Meta, row, Family::Link, qualifier);
        let base = self.segment(Span::Base)?;
        base.keyspace.remove(key).map_err(|error| self.named.error("forget", error))?;
        self.make_durable("forget")
    }

    fn horizon(&self) -> Option<Timestamp> {
        self.horizon_day.lock().unwrap_or_else(PoisonError::into_inner).map(retention::start_of)
    }

    fn name(&self) -> &str {
        &self.named.store
    }
}

/// How many cells of the front go into one commit: at least one.
fn chunk_len(cells: &[Cell]) -> usize {
    let mut bytes = 0;
    let fits = cells.iter().take_while(|cell| {
        bytes += cell.row.len() + cell.qualifier.len() + cell.value.len();
        bytes <= CHUNK_BYTES
    });
    fits.count().max(1)
}

/// A directory that holds something else is left alone.
fn check_kind(dir: &Path, named: &Named) -> Result<(), StoreError> {
    let unavailable = |cause: std::io::Error| files::unavailable(&named.store, "open", &cause);
    let entries = match fs::read_dir(dir) {
        Err(none) if none.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(unavailable)?,
    };
    let mut other = None;
    for entry in entries {
        let name = entry.map_err(unavailable)?.file_name().to_string_lossy().into_owned();
        if name == format::FILE {
            return Ok(());
        }
        if !name.starts_with("owner.") && name != "linkloom-store.tmp" {
            other = Some(name);
        }
    }
    match other {
        None => Ok(()),
        Some(name) => Err(named.refused(
            "open",
            format!(
                "it is no store: it has no {} but holds {name:?}; name an empty or a new directory",
                format::FILE
            ),
        )),
    }
}

/// Removes what a process left that died while it made the engine's directory, before anything was stored.
fn clear_half_made(engine_dir: &Path, named: &Named) -> Result<(), StoreError> {
    let unavailable = |cause: std::io::Error| files::unavailable(&named.store, "open", &cause);
    let exists = |path: PathBuf| path.try_exists().map_err(unavailable);
    if !exists(engine_dir.to_path_buf())? || exists(engine_dir.join("version"))? {
        return Ok(());
    }
    if exists(engine_dir.join("keyspaces").join("1"))? {
        return Err(named.corrupt("cells/version", "the file is missing"));
    }
    fs::remove_dir_all(engine_dir).map_err(unavailable)
}
