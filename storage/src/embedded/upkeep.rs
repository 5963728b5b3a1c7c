//! Bounds on memory, settling and closing.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use fjall::{AbstractTree, PersistMode};

use super::segments::{Segment, Segments, Span};
use super::{ENGINE_DIR, EmbeddedStore, files, journal};
use crate::store::StoreError;

/// How long to wait before looking again whether the engine's threads got something done.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Looks between two checks whether the engine still works at all.
const LOOKS_PER_CHECK: u32 = 64;

/// A key of no table, written to have something to write out.
const NUDGE: &[u8] = b"!nudge";

impl EmbeddedStore {
    /// Seals the memtables that are full, so that they are written to tables.
    pub(super) fn seal_full<'a>(
        &self,
        segments: impl Iterator<Item = &'a Segment>,
    ) -> Result<(), StoreError> {
        for segment in segments {
            if segment.keyspace.tree.active_memtable().size() >= self.options.memtable_bytes {
                self.seal(segment, self.options.memtable_bytes)?;
            }
        }
        Ok(())
    }

    /// Seals the memtable of one segment if it (still) holds at least `bytes`.
    fn seal(&self, segment: &Segment, bytes: u64) -> Result<(), StoreError> {
        let _shape = self.shape();
        if segment.keyspace.tree.active_memtable().size() < bytes {
            return Ok(());
        }
        segment.keyspace.rotate_memtable().map_err(|error| self.named.error("seal", error))?;
        Ok(())
    }

    /// Waits while the memtables of all segments together are at their limit.
    pub(super) fn make_room(&self) -> Result<(), StoreError> {
        let mut looks = 0;
        loop {
            if self.database()?.write_buffer_size() < self.options.write_buffer_bytes {
                return Ok(());
            }
            let segments = self.segments();
            if segments.iter().all(|s| s.keyspace.tree.sealed_memtable_count() == 0)
                && let Some(largest) =
                    segments.iter().max_by_key(|s| s.keyspace.tree.active_memtable().size())
            {
                self.seal(largest, 1)?;
            }
            self.pause(&mut looks)?;
        }
    }

    fn pause(&self, looks: &mut u32) -> Result<(), StoreError> {
        if looks.is_multiple_of(LOOKS_PER_CHECK) {
            // Fails once one of the engine's threads has failed: what we wait for will not come.
            self.database()?
                .persist(PersistMode::Buffer)
                .map_err(|error| self.named.error("write out", error))?;
        }
        *looks += 1;
        std::thread::sleep(LOOK_AGAIN);
        Ok(())
    }

    /// Writes all memtables to tables and waits for it.
    pub(super) fn write_out(&self) -> Result<(), StoreError> {
        self.write_out_of(&self.segments())
    }

    /// Writes the memtables of some segments to tables and waits for it.
    pub(super) fn write_out_of(&self, segments: &Segments) -> Result<(), StoreError> {
        for segment in segments.iter() {
            self.seal(segment, 1)?;
        }
        let mut looks = 0;
        while self.database()?.outstanding_flushes() > 0
            || segments.iter().any(|s| s.keyspace.tree.sealed_memtable_count() > 0)
        {
            self.pause(&mut looks)?;
        }
        Ok(())
    }

    /// Has the engine let go of files nothing needs any more: it does so when a memtable is written out.
    pub(super) fn nudge(&self) -> Result<(), StoreError> {
        let base = self.segment(Span::Base)?;
        base.keyspace.insert(NUDGE, []).map_err(|error| self.named.error("write out", error))?;
        self.write_out()
    }

    /// Writes everything gathered in memory to tables and rewrites each segment as one sorted run, as happens to the
    /// segment of a day when the day is over.
    pub fn compact(&self) -> Result<(), StoreError> {
        self.write_out()?;
        for segment in self.segments().iter() {
            self.compact_one(segment)?;
        }
        self.nudge()
    }

    pub(super) fn compact_one(&self, segment: &Segment) -> Result<(), StoreError> {
        segment.keyspace.major_compact().map_err(|error| self.named.error("compact", error))
    }

    /// Writes everything gathered in memory to tables and compacts until there is nothing to compact. For benches and
    /// for measuring the disk; a store that is written to never needs it.
    pub fn settle(&self) -> Result<(), StoreError> {
        self.write_out()?;
        let database = self.database()?;
        let mut looks = 0;
        for segment in self.segments().iter() {
            let tree = &segment.keyspace.tree;
            loop {
                while database.active_compactions() > 0 {
                    self.pause(&mut looks)?;
                }
                let before = tree.current_version().id();
                let oldest_read = database.supervisor.snapshot_tracker.get_seqno_safe_to_gc();
                tree.compact(segment.keyspace.config.compaction_strategy.clone(), oldest_read)
                    .map_err(|error| self.named.error("compact", error.into()))?;
                if tree.current_version().id() == before && database.active_compactions() == 0 {
                    break;
                }
            }
        }
        self.nudge()
    }

    /// Writes everything out and gives the directory back; what `Drop` does, with the error.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.shut()
    }

    fn shut(&mut self) -> Result<(), StoreError> {
        if self.database.is_none() {
            return Ok(());
        }
        let started = Instant::now();
        let written = self.write_out();
        if let Some(database) = &self.database {
            // Nothing may be left for the engine to write behind our back once the journals are emptied.
            let _ = database.persist(PersistMode::SyncAll);
        }
        let in_tables = written.is_ok() && !self.segments().iter().any(Segment::is_buffering);
        let mut segments = self.segments.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *segments = Segments::default().into();
        drop(segments);
        // Joins the engine's threads.
        drop(self.database.take());
        written?;
        if in_tables {
            empty_journals(&self.dir.join(ENGINE_DIR))
                .map_err(|cause| files::unavailable(&self.named.store, "close", &cause))?;
        }
        tracing::debug!(store = %self.named.store, took = ?started.elapsed(), "store closed");
        Ok(())
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        if let Err(error) = self.shut() {
            // Nothing is lost: what was acknowledged is in the journals.
            tracing::warn!(%error, "store closed without writing its memtables out");
        }
    }
}

/// Empties the journals of an engine that is closed and has everything in tables. The newest stays, as an empty file:
/// the engine takes up its sequence numbers only where it finds a journal.
fn empty_journals(dir: &Path) -> std::io::Result<()> {
    let mut journals = journal::journals(dir)?;
    if let Some(newest) = journals.pop() {
        // Oldest first: a journal must not outlive one that came after it.
        for path in journals {
            fs::remove_file(path)?;
        }
        let newest = File::options().write(true).open(newest)?;
        newest.set_len(0)?;
        newest.sync_all()?;
    }
    files::sync_dir(dir)
}
