//! The engine below: how it is set up, and what its errors mean to us.

use std::any::Any;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use fjall::compaction::Leveled;
use fjall::config::{
    BlockSizePolicy, BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry,
};
use fjall::{
    CompressionType, Database, Error, KeyspaceCreateOptions, KvSeparationOptions, LsmError, PersistMode,
};

use super::options::EmbeddedOptions;
use super::{files, journal};
use crate::store::StoreError;

/// Files the engine keeps open at most.
const OPEN_FILES: usize = 400;
/// Bytes of a data block before compression.
const BLOCK_BYTES: u32 = 16 * 1024;
/// Bits a key takes in the filters that keep reads away from tables without it: 1 % false hits.
const FILTER_BITS: f32 = 10.0;
/// Tables on the first level that start a compaction: the second level is rewritten a third as often as by default.
const FIRST_LEVEL_TABLES: u8 = 20;
/// Bytes of one sorted table; twelve are the second level, which is rewritten as a whole each time.
const TABLE_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes of one file of separated values.
const VALUE_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Name and directory of a store, for errors.
pub(super) struct Named {
    pub(super) store: String,
}

impl Named {
    /// What an error of the engine means during `op`.
    pub(super) fn error(&self, op: &'static str, error: Error) -> StoreError {
        match error {
            Error::Io(cause) | Error::Storage(LsmError::Io(cause)) if !is_damage(cause.kind()) => {
                files::unavailable(&self.store, op, &cause)
            }
            Error::Poisoned => {
                self.refused(op, "an earlier write to its files failed; reopen the store".to_owned())
            }
            Error::Locked => StoreError::Unavailable {
                store: self.store.clone(),
                op,
                cause: "its files are still locked".to_owned(),
            },
            damage => self.corrupt(op, damage.to_string()),
        }
    }

    pub(super) fn refused(&self, op: &'static str, why: String) -> StoreError {
        StoreError::Refused { store: self.store.clone(), op, why }
    }

    pub(super) fn corrupt(&self, what: impl Into<String>, why: impl Into<String>) -> StoreError {
        StoreError::Corrupt { store: self.store.clone(), what: what.into(), why: why.into() }
    }

    /// Runs `work`; a panic in it is damage the engine did not expect in its files.
    pub(super) fn guarded<T>(
        &self,
        what: &'static str,
        work: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(self.corrupt(what, said(&*panic))))
    }
}

/// Input that ends early or makes no sense will not be better next time.
fn is_damage(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::NotFound)
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown".to_owned())
}

/// Opens or creates the engine's directory.
pub(super) fn open(dir: &Path, options: &EmbeddedOptions, named: &Named) -> Result<Database, StoreError> {
    match open_once(dir, options) {
        Err(Error::JournalRecovery(torn)) => {
            let cut = journal::cut_torn_end(dir);
            let Some(cut) = cut.map_err(|cause| files::unavailable(&named.store, "open", &cause))? else {
                return Err(named.corrupt("a journal", torn.to_string()));
            };
            tracing::warn!(journal = %cut.path.display(), kept_bytes = cut.kept, why = %torn,
                "the last commits were torn, as by a power failure, and never acknowledged: they are left out");
            open_once(dir, options)
        }
        outcome => outcome,
    }
    .map_err(|error| named.error("open", error))
}

fn open_once(dir: &Path, options: &EmbeddedOptions) -> Result<Database, Error> {
    Database::builder(dir)
        .cache_size(options.cache_bytes)
        .worker_threads(options.worker_threads)
        .max_cached_files(Some(OPEN_FILES))
        .max_journaling_size(options.journal_bytes)
        .manual_journal_persist(true)
        // Packs come compressed, and the journal lives a minute.
        .journal_compression(CompressionType::None)
        .open()
}

/// What a new segment is like.
pub(super) fn segment_options(options: &EmbeddedOptions) -> KeyspaceCreateOptions {
    let separate = options.separate_above_bytes.map(|bytes| {
        KvSeparationOptions::default()
            .compression(CompressionType::None)
            .separation_threshold(bytes)
            .file_target_size(VALUE_FILE_BYTES)
    });
    let filter = FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(FILTER_BITS));
    let compaction =
        Leveled::default().with_l0_threshold(FIRST_LEVEL_TABLES).with_table_target_size(TABLE_BYTES);
    KeyspaceCreateOptions::default()
        .manual_journal_persist(true)
        // The engine keeps this bound for good with the segment; ours can change with every opening, see `upkeep`.
        .max_memtable_size(u64::MAX)
        .data_block_size_policy(BlockSizePolicy::all(BLOCK_BYTES))
        .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4))
        // Most reads ask many segments for what is in one: filters on the last level, too.
        .filter_policy(FilterPolicy::all(filter))
        .expect_point_read_hits(false)
        .compaction_strategy(Arc::new(compaction))
        .with_kv_separation(separate)
}

/// Makes everything the journal took durable.
pub(super) fn sync(database: &Database) -> Result<(), Error> {
    database.persist(PersistMode::SyncData)
}
