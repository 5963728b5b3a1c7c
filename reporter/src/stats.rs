//! What happened to reports, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a report was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    QueueFull,
    SpoolFull,
    Refused,
    NoWayOut,
    TooLong,
}

/// In the order and by the names they are reported.
pub(crate) const CAUSES: [(Cause, &str); 5] = [
    (Cause::QueueFull, "queueFull"),
    (Cause::SpoolFull, "spoolFull"),
    (Cause::Refused, "refused"),
    (Cause::NoWayOut, "noWayOut"),
    (Cause::TooLong, "tooLong"),
];

/// Reports that were lost since the process began, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// There was no room in memory.
    pub queue_full: u64,
    /// There was no room in the spool on disk.
    pub spool_full: u64,
    /// The receiver refused them; it keeps them as dead letters.
    pub refused: u64,
    /// Neither relay, spool, file nor stderr took them.
    pub no_way_out: u64,
    /// Their line was longer than a report may be.
    pub too_long: u64,
}

impl Dropped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.queue_full + self.spool_full + self.refused + self.no_way_out + self.too_long
    }

    fn of(&mut self, cause: Cause) -> &mut u64 {
        match cause {
            Cause::QueueFull => &mut self.queue_full,
            Cause::SpoolFull => &mut self.spool_full,
            Cause::Refused => &mut self.refused,
            Cause::NoWayOut => &mut self.no_way_out,
            Cause::TooLong => &mut self.too_long,
        }
    }
}

/// What happened to reports since the process began; counts of reports unless said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Made, whatever became of them.
    pub reported: u64,
    /// Written to the file or to stdout.
    pub written: u64,
    /// Accepted by the receiver.
    pub sent: u64,
    /// Put to disk until the receiver answers; each is counted once it is sent, too.
    pub spooled: u64,
    /// Written to stderr because nothing else took them.
    pub to_stderr: u64,
    /// Lost.
    pub dropped: Dropped,
    /// Requests to the receiver that were tried again.
    pub retries: u64,
    /// Bytes that wait in memory.
    pub queue_bytes: u64,
    /// Bytes that wait on disk.
    pub spool_bytes: u64,
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) written: AtomicU64,
    pub(crate) sent: AtomicU64,
    pub(crate) spooled: AtomicU64,
    pub(crate) to_stderr: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) spool_bytes: AtomicU64,
    dropped: [AtomicU64; CAUSES.len()],
}

impl Counters {
    pub(crate) fn drop(&self, cause: Cause, reports: u64) {
        self.dropped[cause as usize].fetch_add(reports, Ordering::Relaxed);
    }

    pub(crate) fn add(counter: &AtomicU64, reports: u64) {
        counter.fetch_add(reports, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self) -> Dropped {
        let mut dropped = Dropped::default();
        for (cause, _) in CAUSES {
            *dropped.of(cause) = self.dropped[cause as usize].load(Ordering::Relaxed);
        }
        dropped
    }

    pub(crate) fn read(&self, reported: u64, queue_bytes: usize) -> Stats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            reported,
            written: load(&self.written),
            sent: load(&self.sent),
            spooled: load(&self.spooled),
            to_stderr: load(&self.to_stderr),
            dropped: self.dropped(),
            retries: load(&self.retries),
            queue_bytes: queue_bytes as u64,
            spool_bytes: load(&self.spool_bytes),
        }
    }
}

/// What was lost since it was last reported: the number and the JSON of the counts; `None` if nothing was.
pub(crate) fn lost_since(before: &mut Dropped, now: Dropped) -> Option<(u64, String)> {
    let mut data = String::new();
    let mut total = 0;
    let (mut old, mut new) = (*before, now);
    for (cause, name) in CAUSES {
        let lost = new.of(cause).saturating_sub(*old.of(cause));
        if lost > 0 {
            let separator = if data.is_empty() { '{' } else { ',' };
            data.push_str(&format!("{separator}\"{name}\":{lost}"));
            total += lost;
        }
    }
    *before = now;
    (total > 0).then(|| (total, data + "}"))
}
