//! The reporter: from a finished line to the queue, and the handle applications hold.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::level::Level;
use crate::line::{Buffers, LogLine, NodeLine, Origin, with_buffers};
use crate::out::Out;
use crate::payload::Bounds;
use crate::queue::{Class, Queue};
use crate::settings::Builder;
use crate::stats::{Cause, Counters, Stats};
use crate::time::deadline;
use crate::warn::Warnings;

/// Longest line of a report, without its line feed: what receivers take.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;

/// What all handles of a reporter share.
pub(crate) struct Inner {
    pub(crate) origin: Origin,
    pub(crate) bounds: Bounds,
    /// Least grave level that is reported.
    pub(crate) level: Level,
    pub(crate) queue: Queue,
    pub(crate) counters: Counters,
    pub(crate) warnings: Warnings,
    seq: AtomicU64,
    runs: AtomicU64,
}

thread_local! {
    /// This thread writes reports: what it does itself is none.
    static WRITES: Cell<bool> = const { Cell::new(false) };
}

/// From now on nothing this thread does is reported.
pub(crate) fn reports_nothing() {
    WRITES.set(true);
}

/// Whether what this thread does may be reported.
#[inline]
pub(crate) fn may_report() -> bool {
    WRITES.try_with(|writes| !writes.get()).unwrap_or(false)
}

fn class_of(level: Option<Level>) -> Class {
    match level {
        Some(Level::Trace | Level::Debug) => Class::Detail,
        Some(Level::Info) => Class::Info,
        _ => Class::Grave,
    }
}

impl Inner {
    pub(crate) fn new(origin: Origin, bounds: Bounds, level: Level, queue_bytes: usize) -> Inner {
        Inner {
            origin,
            bounds,
            level,
            queue: Queue::new(queue_bytes),
            counters: Counters::default(),
            warnings: Warnings::default(),
            seq: AtomicU64::new(0),
            runs: AtomicU64::new(0),
        }
    }

    pub(crate) fn next_run(&self) -> u64 {
        self.runs.fetch_add(1, Ordering::Relaxed)
    }

    /// The number of the next report. Taken also by those that are dropped: the gap tells that they are missing.
    pub(crate) fn next_seq(&self) -> u64 {
        self.seq.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn log(&self, line: &LogLine<'_>, buffer: &mut Vec<u8>) {
        let seq = self.next_seq();
        line.write(buffer, self, seq);
        self.put(class_of(line.level), seq, buffer);
    }

    pub(crate) fn node(&self, line: &NodeLine<'_>, buffer: &mut Vec<u8>) {
        let seq = self.next_seq();
        line.write(buffer, self, seq);
        self.put(Class::Node, seq, buffer);
    }

    fn put(&self, class: Class, seq: u64, line: &[u8]) {
        if line.len() > LINE_BYTES_MAX {
            self.counters.drop(Cause::TooLong, 1);
            self.warnings.once("tooLong", || {
                format!("a report of {} bytes is dropped, at most {LINE_BYTES_MAX} are allowed", line.len())
            });
            return;
        }
        let put = self.queue.put(class, seq, line);
        if put.dropped > 0 {
            let cause = if put.closed { Cause::NoWayOut } else { Cause::QueueFull };
            self.counters.drop(cause, put.dropped);
            if put.closed {
                self.warnings.once("closed", || {
                    "reports that come after the reporter was shut down are dropped".to_owned()
                });
            } else {
                self.warnings.once("queueFull", || {
                    "reports come faster than they are written, the least important are dropped; see `stats`".to_owned()
                });
            }
        }
    }

    /// Warns of what the context around a report has that reports cannot carry.
    pub(crate) fn check(&self, context: &Context) {
        let Some(place) = context.place() else { return };
        if !place.attributes.is_empty() {
            self.warnings.once("invalid", || {
                format!(
                    "a mark, name or text does not fit the report format; such reports are kept without it: {}",
                    String::from_utf8_lossy(&place.attributes)
                )
            });
        }
    }

    /// Warns of a payload that could not be written.
    pub(crate) fn unfit(&self, what: &str, done: Result<(), String>) {
        if let Err(why) = done {
            self.warnings
                .once("unfit", || format!("{what} cannot be serialised, `…` is reported instead: {why}"));
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.counters.read(self.seq.load(Ordering::Relaxed), self.queue.held())
    }
}

/// A reporter. Cheap to clone; all clones are one.
///
/// Nothing here waits for disk or network, and nothing fails: what cannot be reported is counted ([`Reporter::stats`]).
#[derive(Clone)]
pub struct Reporter(pub(crate) Arc<Inner>);

static GLOBAL: OnceLock<Reporter> = OnceLock::new();

impl Reporter {
    /// Settings to begin with; those of the environment come first.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The reporter of the process, if one was installed.
    pub fn global() -> Option<&'static Reporter> {
        GLOBAL.get()
    }

    /// Makes this the reporter of the process. Returns whether it is: there can be only one, the first.
    pub fn install(&self) -> bool {
        let mut mine = false;
        GLOBAL.get_or_init(|| {
            mine = true;
            self.clone()
        });
        mine
    }

    /// What happened to reports so far.
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&Inner, &mut Buffers) -> T) -> Option<T> {
        may_report().then(|| with_buffers(|buffers| work(&self.0, buffers)))
    }
}

impl std::fmt::Debug for Reporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reporter").field("run", &self.0.origin.run).field("stats", &self.stats()).finish()
    }
}

/// Keeps a reporter writing; when it is dropped, what is still in memory is written, sent, or put to disk.
#[derive(Debug)]
#[must_use = "reporting ends when this is dropped"]
pub struct Running {
    pub(crate) reporter: Reporter,
    pub(crate) out: Arc<Out>,
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) patience: Duration,
}

impl Running {
    /// The reporter.
    pub fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    /// What happened to reports so far.
    pub fn stats(&self) -> Stats {
        self.reporter.stats()
    }

    /// Waits until everything reported before is written or sent, at most so long; says whether it is.
    pub fn flush(&self, patience: Duration) -> bool {
        let began = Instant::now();
        self.reporter.0.queue.flush(patience) && self.out.flush(patience.saturating_sub(began.elapsed()))
    }

    /// Ends reporting as dropping does, with another patience than the one of the settings.
    pub fn shutdown(mut self, patience: Duration) {
        self.patience = patience;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.out.end_by(deadline(self.patience));
        self.reporter.0.queue.close();
        for thread in self.threads.drain(..) {
            // A thread of ours that panicked has been seen on stderr.
            let _ = thread.join();
        }
    }
}
