//! What can be chosen when an embedded store is opened.

use std::time::Duration;

use crate::retention::Retention;

const MIB: u64 = 1024 * 1024;
/// Longest retention, in days.
const DAYS_MAX: u32 = 36_500;

/// How an embedded store is opened. The defaults keep the store under 150 MiB of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedOptions {
    /// Bytes of blocks and values kept in memory for reading.
    pub cache_bytes: u64,
    /// Bytes a segment gathers in memory before they are written out as a sorted table.
    pub memtable_bytes: u64,
    /// Bytes gathered in memory over all segments; at the limit writers wait for the tables to be written.
    pub write_buffer_bytes: u64,
    /// Bytes of journals at which the segments that hold the oldest one back are written out; at least 64 MiB.
    pub journal_bytes: u64,
    /// How long expiring cells are kept. `None`: as the store was created; a new store keeps everything.
    pub retention: Option<Retention>,
    /// Least time between two disk syncs. Writers that come in between share the next one; zero syncs as often as there
    /// is something to sync.
    pub sync_interval: Duration,
    /// Threads that write tables and compact them. With two or more, one of them turns over compactions for the others
    /// in a busy loop: a second thread costs most of a core.
    pub worker_threads: usize,
    /// Values from this size on are kept outside the sorted tables, so that compaction leaves them where they are.
    /// `None`: never. Holds for segments created from now on.
    pub separate_above_bytes: Option<u32>,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        EmbeddedOptions {
            cache_bytes: 64 * MIB,
            memtable_bytes: 16 * MIB,
            write_buffer_bytes: 48 * MIB,
            journal_bytes: 128 * MIB,
            retention: None,
            sync_interval: Duration::ZERO,
            worker_threads: 1,
            separate_above_bytes: Some(832),
        }
    }
}

impl EmbeddedOptions {
    /// Everything that is out of range, as `name = value: what is allowed`; empty if all is well.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut at_least = |name: &str, value: u64, least: u64| {
            if value < least {
                found.push(format!("{name} = {value}: at least {least} is allowed"));
            }
        };
        at_least("cache_bytes", self.cache_bytes, MIB);
        at_least("memtable_bytes", self.memtable_bytes, MIB);
        at_least("write_buffer_bytes", self.write_buffer_bytes, self.memtable_bytes);
        at_least("journal_bytes", self.journal_bytes, 64 * MIB);
        at_least("worker_threads", self.worker_threads as u64, 1);
        if let Some(Retention::Days(days)) = self.retention
            && !(1..=DAYS_MAX).contains(&days)
        {
            found.push(format!("retention = {days} days: 1 to {DAYS_MAX} are allowed"));
        }
        found
    }
}
