//! One shard at work: a thread that owns its windows, completes them from spill and store, and writes summaries.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::CellBatch;
use linkloom_storage::flush::{RowDigest, RowId};
use linkloom_storage::read;
use linkloom_storage::store::{Retry, Store, StoreError};

use crate::completion;
use crate::journal::Journal;
use crate::settings::WindowSettings;
use crate::spill::Spill;
use crate::summarise::Summariser;
use crate::window::Window;
use crate::windows::{Base, Clock, Windows};

/// Summaries written in one step.
const SUMMARIES_PER_WRITE: usize = 2_048;
/// First and longest wait before a refused write is tried again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// What one flush means to one shard.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// What the flush held of the shard's executions.
    pub(crate) digests: Vec<RowDigest>,
    /// Executions that reports of the flush join by their trace id.
    pub(crate) joined: Vec<LinkMark>,
}

/// What a shard is told.
pub(crate) enum Message {
    /// A flush is durable.
    Flushed { flush: u64, work: Work, watermark: Option<Timestamp> },
    /// Write every summary that is still to be written, then answer.
    Drain(Sender<()>),
    /// Forget every window, then answer: their executions are somebody else's now, or may have been meanwhile.
    Forget(Sender<()>),
}

/// Numbers of all shards together, for metrics.
#[derive(Debug, Default)]
pub struct Figures {
    /// Open windows.
    pub windows: AtomicU64,
    /// Memory of the windows and of the index of the spilled ones, in bytes.
    pub bytes: AtomicU64,
    /// Summaries written.
    pub summaries: AtomicU64,
    /// Windows closed.
    pub closed: AtomicU64,
    /// Windows moved to disk.
    pub spilled: AtomicU64,
    /// Windows completed from disk.
    pub unspilled: AtomicU64,
    /// Windows completed by reading the store.
    pub reread: AtomicU64,
    /// Writes that were refused and tried again.
    pub retries: AtomicU64,
}

fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}

/// What all shards share.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) summariser: Summariser,
    pub(crate) journal: Journal,
    pub(crate) figures: Figures,
    /// Whether any unmarked report with a trace id is stored: if not, nothing can be joined. Once set it stays.
    pub(crate) any_unmarked: AtomicBool,
    /// The process is going down: give up refused writes (the journal has them).
    pub(crate) stopping: AtomicBool,
    /// Number of the next flush.
    pub(crate) next_flush: AtomicU64,
}

pub(crate) struct Shard {
    shared: Arc<Shared>,
    windows: Windows,
    spill: Option<Spill>,
    watermark: Option<Timestamp>,
    /// The present when the wall clock of this shard began.
    began: Option<Timestamp>,
    reported: (u64, u64),
}

impl Shard {
    pub(crate) fn new(
        shared: Arc<Shared>,
        settings: WindowSettings,
        spill: Option<(PathBuf, u64)>,
    ) -> std::io::Result<Self> {
        let spill = spill.map(|(folder, bytes_max)| Spill::open(&folder, bytes_max)).transpose()?;
        let windows = Windows::new(settings);
        Ok(Shard { shared, windows, spill, watermark: None, began: None, reported: (0, 0) })
    }

    /// Works by the wall clock until every sender is gone.
    pub(crate) fn run(mut self, messages: &Receiver<Message>) {
        let started = Instant::now();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.began = i64::try_from(since.as_micros()).ok().map(Timestamp);
        let wall_ms = || started.elapsed().as_millis() as u64;
        loop {
            let wait = self.windows.next_ms().saturating_sub(wall_ms());
            match messages.recv_timeout(Duration::from_millis(wait)) {
                Ok(message) => self.handle(message, wall_ms()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.work(wall_ms());
        }
    }

    fn clock(&self, wall_ms: u64) -> Clock {
        let passed = i64::try_from(wall_ms).unwrap_or(i64::MAX).saturating_mul(1_000);
        Clock { wall_ms, watermark: self.watermark, now: self.began.map(|began| began.plus_micros(passed)) }
    }

    pub(crate) fn handle(&mut self, message: Message, wall_ms: u64) {
        match message {
            Message::Flushed { flush, work: Work { digests, joined }, watermark } => {
                self.watermark = watermark.or(self.watermark);
                let clock = self.clock(wall_ms);
                let mut traces = Traces::default();
                for digest in digests {
                    let id = digest.id;
                    traces.add(id, self.windows.absorb(digest, flush, clock));
                }
                self.look_for_joins(traces);
                for mark in joined {
                    let id = RowId::of(mark.as_ref());
                    self.windows.join(id, mark, flush, clock);
                    self.windows.only_from_store(id);
                }
            }
            Message::Drain(answer) => {
                let ids = self.windows.take_all_dirty();
                for ids in ids.chunks(SUMMARIES_PER_WRITE) {
                    self.summarise(ids, wall_ms);
                }
                // The other side may have given up waiting.
                let _ = answer.send(());
            }
            Message::Forget(answer) => {
                let unsettled = self.windows.forget();
                if let Some(spill) = &mut self.spill {
                    spill.clear();
                }
                self.shared.journal.abandon(unsettled);
                let _ = answer.send(());
            }
        }
    }

    /// Executions that unmarked reports of one of their traces belong to are summed up from the store.
    fn look_for_joins(&mut self, Traces { ids, traces }: Traces) {
        if traces.is_empty() || !self.shared.any_unmarked.load(Ordering::Acquire) {
            return;
        }
        let notes = retrying(&self.shared, || read::notes_of_traces(&*self.shared.store, &traces));
        for (place, id) in ids.into_iter().enumerate() {
            // Not known: reading the execution from the store is right in either case.
            if notes.as_ref().is_none_or(|notes| notes[place].unmarked) {
                self.windows.only_from_store(id);
            }
        }
    }

    /// Writes what is due and takes out of memory what is over.
    pub(crate) fn work(&mut self, wall_ms: u64) {
        let clock = self.clock(wall_ms);
        loop {
            let due = self.windows.take_due(clock, SUMMARIES_PER_WRITE);
            if due.is_empty() {
                break;
            }
            self.summarise(&due, wall_ms);
        }
        let mut swept = self.windows.sweep(clock);
        if !swept.force.is_empty() {
            let force = std::mem::take(&mut swept.force);
            for ids in force.chunks(SUMMARIES_PER_WRITE) {
                self.summarise(ids, wall_ms);
            }
            let again = self.windows.sweep(clock);
            swept.closed += again.closed;
            swept.spill.extend(again.spill);
        }
        add(&self.shared.figures.closed, swept.closed);
        add(&self.shared.figures.spilled, swept.spill.len());
        for (id, window) in swept.spill {
            self.put_aside(id, &window);
        }
        // Cells whose removal was refused before.
        retrying(&self.shared, || self.shared.journal.tidy());
        self.report();
    }

    fn put_aside(&mut self, id: RowId, window: &Window) {
        let Some(spill) = &mut self.spill else { return };
        if let Err(error) = spill.put(id, window) {
            tracing::warn!(%error, "windows cannot be spilled; they will be read from the store again");
            self.spill = None;
        }
    }

    fn report(&mut self) {
        let spill_bytes = self.spill.as_ref().map_or(0, Spill::memory_bytes);
        let now = (self.windows.len() as u64, (self.windows.bytes() + spill_bytes) as u64);
        let figures = &self.shared.figures;
        figures.windows.fetch_add(now.0.wrapping_sub(self.reported.0), Ordering::Relaxed);
        figures.bytes.fetch_add(now.1.wrapping_sub(self.reported.1), Ordering::Relaxed);
        self.reported = now;
    }

    /// Sums up executions and writes their summaries in one step.
    fn summarise(&mut self, ids: &[RowId], wall_ms: u64) {
        let clock = self.clock(wall_ms);
        let shared = self.shared.clone();
        let mut batch = CellBatch::default();
        let mut written = Vec::with_capacity(ids.len());
        // All at once; if that fails for good, those that can be are summed up one by one.
        retrying(&shared, || self.complete(ids));
        for &id in ids {
            match retrying(&shared, || self.sum_up(id, &mut batch)) {
                Some(terminal) => written.push((id, terminal)),
                None => self.windows.retry(id, clock),
            }
        }
        let stored = retrying(&shared, || shared.store.write(&batch)).is_some();
        add(&shared.figures.summaries, if stored { written.len() } else { 0 });
        let mut flushes = Vec::new();
        for (id, terminal) in written {
            if stored {
                flushes.extend(self.windows.written(id, terminal));
            } else {
                self.windows.retry(id, clock);
            }
        }
        retrying(&shared, || shared.journal.written(std::mem::take(&mut flushes)));
    }

    /// Completes one window and appends its summary cells. Returns whether the execution has ended.
    fn sum_up(&mut self, id: RowId, batch: &mut CellBatch) -> Result<bool, StoreError> {
        let shared = self.shared.clone();
        self.complete(&[id])?;
        if let Some(spill) = &mut self.spill {
            // From here on what was put aside lacks reports, also when the window did not need it.
            spill.forget(id);
        }
        let Some((window, base, hinted)) = self.windows.window(id) else { return Ok(true) };
        if base != Base::Store {
            let mark = window.mark.clone();
            let observed = window.observe().map_err(|why| StoreError::Corrupt {
                store: "memory".to_owned(),
                what: "a window".to_owned(),
                why: why.to_owned(),
            })?;
            if !observed.conflict {
                let repeated = observed.repeated;
                let ended = shared.summariser.cells(&mark, &observed, hinted, batch);
                if repeated {
                    window.drop_repeated();
                }
                return Ok(ended);
            }
        }
        let mark = window.mark.clone();
        add(&shared.figures.reread, 1);
        shared.summariser.cells_from_store(&*shared.store, &mark, batch)
    }

    /// Completes the windows that may lack reports with what the spill or the store holds beside them.
    fn complete(&mut self, ids: &[RowId]) -> Result<(), StoreError> {
        let mut traces = Traces::default();
        let mut stored = Vec::new();
        for &id in ids {
            let Some((window, Base::Unknown, _)) = self.windows.window(id) else { continue };
            let mark = window.mark.clone();
            match self.put_aside_of(id, &mark) {
                Some(rest) => {
                    traces.add(id, rest.traces().to_vec());
                    self.windows.completed(id, Some(&rest));
                }
                None => stored.push((id, mark)),
            }
        }
        let shared = self.shared.clone();
        let completed = completion::each_rest(&*shared.store, &stored, &mut |id, rest| {
            if let Some(rest) = &rest {
                add(&shared.figures.reread, 1);
                traces.add(id, rest.traces().to_vec());
            }
            self.windows.completed(id, rest.as_ref());
        });
        self.look_for_joins(traces);
        completed
    }

    /// The window of an execution that was put aside.
    fn put_aside_of(&mut self, id: RowId, mark: &LinkMark) -> Option<Window> {
        match self.spill.as_mut().filter(|spill| spill.holds(id))?.take(id) {
            Ok(window) => {
                let window = window.filter(|window| window.mark == *mark)?;
                add(&self.shared.figures.unspilled, 1);
                Some(window)
            }
            Err(error) => {
                tracing::warn!(%error, "a spilled window cannot be read; reading the store instead");
                None
            }
        }
    }
}

/// Traces that windows did not know of, and whose windows those are.
#[derive(Default)]
struct Traces {
    ids: Vec<RowId>,
    traces: Vec<String>,
}

impl Traces {
    fn add(&mut self, id: RowId, traces: Vec<String>) {
        self.ids.extend(traces.iter().map(|_| id));
        self.traces.extend(traces);
    }
}

/// Repeats what the store refuses, with backoff, until it succeeds, cannot succeed or the process goes down.
pub(crate) fn retrying<T>(shared: &Shared, mut attempt: impl FnMut() -> Result<T, StoreError>) -> Option<T> {
    let mut wait = BACKOFF.0;
    loop {
        match attempt() {
            Ok(value) => return Some(value),
            Err(error) if error.retry() == Retry::WithBackoff && !shared.stopping.load(Ordering::Acquire) => {
                add(&shared.figures.retries, 1);
                tracing::warn!(%error, wait_ms = wait.as_millis() as u64, "the store refused, trying again");
                std::thread::sleep(wait);
                wait = (wait * 2).min(BACKOFF.1);
            }
            Err(error) => {
                tracing::error!(%error, "the store failed");
                return None;
            }
        }
    }
}
