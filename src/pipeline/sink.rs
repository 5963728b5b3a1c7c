//! From a full flush to durable cells: sealing, writing and handing the digests over, on a few threads that all
//! pipelines of the process share.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};
use linkloom_assembler::{Assembler, journal};
use linkloom_ingest::source::SourceError;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::Cell;
use linkloom_storage::flush::{Flush, Sealed, Sealer};
use linkloom_storage::pack::Compressor;
use linkloom_storage::store::{Store, StoreError};

use super::dead::DeadTopic;
use super::digests::DigestTopic;

/// A source that waits for the store this long is told that we are alive, and again each time.
pub(super) const SILENCE: Duration = Duration::from_secs(1);

/// How flushes are sealed and written.
#[derive(Clone, Debug)]
pub struct SinkSettings {
    /// Threads that seal and write.
    pub workers: usize,
    /// Full flushes that wait for a thread; beyond it filling the next one waits.
    pub queue_max: usize,
    /// zstd level of packs.
    pub zstd_level: i32,
    /// Packs in one row before an overflow row begins.
    pub packs_per_row_max: u32,
    /// Rows and traces the threads remember.
    pub remembered_max: usize,
}

/// A full flush on its way.
pub(super) struct Job {
    /// Position of this flush among those of its pipeline.
    pub(super) order: u64,
    pub(super) flush: Flush,
    /// Cells of dead letters read in between, and what to remember of files.
    pub(super) extra: Vec<Cell>,
    pub(super) watermark: Option<Timestamp>,
    pub(super) answer: Sender<Done>,
}

/// What becomes of a flush. All come for each: the first first, the others in either order.
pub(super) enum Done {
    /// It is sealed: its buffer is empty again, to be filled anew.
    Sealed(Box<Flush>),
    /// It is stored (reports stored, and reports that stood in their pack already); `None`: the store will never take it.
    Stored(Option<(u64, u64)>),
    /// It may be committed: whatever happens, its executions will be summed up.
    Safe { order: u64 },
}

/// Where the digests of stored flushes go, and so when a flush may be committed.
#[derive(Clone)]
pub enum Digests {
    /// To the assembler of this process, the only one that writes the store. A flush may be committed at once: a journal
    /// cell beside its packs tells what is not summed up yet.
    Own,
    /// To the assembler of this process, one of several: the partitions of its topics are keyed by execution. A flush may
    /// be committed when it is summed up.
    Keyed,
    /// Through a topic, to the process that owns the execution. A flush may be committed when the topic has them.
    Topic(Arc<DigestTopic>),
}

/// A topic beside the store did not take what is written to it: that is repeated as what the store refuses is.
pub(super) fn not_taken(error: SourceError) -> StoreError {
    StoreError::Unavailable { store: error.source_name, op: "write", cause: error.cause }
}

/// Where what is made of reports goes beside the store.
#[derive(Clone)]
pub struct Outlets {
    /// The digests.
    pub digests: Digests,
    /// A copy of the dead letters. A flush may be committed when the topic has them.
    pub dead: Option<Arc<DeadTopic>>,
}

impl Outlets {
    /// Nowhere else: this process is the only one that writes the store.
    pub const OWN: Outlets = Outlets { digests: Digests::Own, dead: None };
}

/// Numbers of all threads together, for metrics.
#[derive(Debug, Default)]
pub struct SinkFigures {
    /// Flushes written.
    pub flushes: AtomicU64,
    /// Packs written.
    pub packs: AtomicU64,
    /// Cells written with them.
    pub cells: AtomicU64,
    /// Bytes of keys and values of those cells.
    pub bytes: AtomicU64,
}

/// The threads. Dropping it ends them when their queue is empty.
pub struct Sink {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    assembler: Arc<Assembler>,
    figures: Arc<SinkFigures>,
    settings: SinkSettings,
    /// Flushes handed over and not answered yet.
    under_way: Arc<AtomicUsize>,
    outlets: Outlets,
}

impl Sink {
    /// Starts the threads.
    pub fn start(
        store: &Arc<dyn Store>,
        assembler: &Arc<Assembler>,
        outlets: Outlets,
        settings: &SinkSettings,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = bounded(settings.queue_max);
        let figures = Arc::new(SinkFigures::default());
        let under_way = Arc::new(AtomicUsize::new(0));
        let turns = Arc::new(Turns::default());
        let sealer = Sealer::new(settings.zstd_level, settings.packs_per_row_max, settings.remembered_max)?;
        let mut threads = Vec::new();
        for number in 0..settings.workers.max(1) {
            let mut worker = Worker {
                store: store.clone(),
                assembler: assembler.clone(),
                outlets: outlets.clone(),
                sealer: sealer.another()?,
                turns: turns.clone(),
                compressor: Compressor::new(settings.zstd_level)?,
                figures: figures.clone(),
                under_way: under_way.clone(),
            };
            let queue = queue.clone();
            let thread = std::thread::Builder::new().name(format!("sink-{number}"));
            threads.push(thread.spawn(move || worker.run(&queue))?);
        }
        let (settings, assembler) = (settings.clone(), assembler.clone());
        Ok(Sink { jobs: Some(jobs), threads, figures, settings, under_way, assembler, outlets })
    }

    /// Buffers of flushes there may be: one is filled, one is sealed, the others wait.
    pub(super) fn buffers_max(&self) -> usize {
        self.settings.queue_max + 2
    }

    /// Hands a flush over; waits while the queue is full, and calls `waiting` now and then meanwhile.
    pub(super) fn submit<E>(
        &self,
        mut job: Job,
        mut waiting: impl FnMut() -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(jobs) = &self.jobs else { return Ok(()) };
        self.under_way.fetch_add(1, Ordering::Relaxed);
        loop {
            match jobs.send_timeout(job, SILENCE) {
                Err(SendTimeoutError::Timeout(back)) => job = back,
                // The threads only end when this sender is gone.
                Ok(()) | Err(SendTimeoutError::Disconnected(_)) => return Ok(()),
            }
            if let Err(error) = waiting() {
                self.under_way.fetch_sub(1, Ordering::Relaxed);
                return Err(error);
            }
        }
    }

    /// Executions change hands with the partitions they come through: whether anything in memory depends on that.
    pub(super) fn is_keyed(&self) -> bool {
        matches!(self.outlets.digests, Digests::Keyed)
    }

    /// Forgets the executions of partitions that are given up.
    pub(super) fn forget(&self) {
        self.assembler.forget();
    }

    /// Has everything summed up now that waits to be.
    pub(super) fn sum_up(&self) {
        self.assembler.drain();
    }

    /// Repeats what the store refuses until it succeeds; `None` when it cannot.
    pub(super) fn retrying<T>(&self, attempt: impl FnMut() -> Result<T, StoreError>) -> Option<T> {
        self.assembler.retrying(attempt)
    }

    /// Whether a thread would take a flush at once.
    pub(super) fn has_free_thread(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) < self.settings.workers.max(1)
    }

    /// Numbers for metrics.
    pub fn figures(&self) -> &SinkFigures {
        &self.figures
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a sink thread ended in a panic");
            }
        }
    }
}

/// A sealed flush with `extra` cells and, if it has a number, its journal cell.
///
/// The journal cell comes first: if the store takes only the first cells of the batch and the process dies, what it took
/// is summed up at the next start.
pub fn with_journal(
    number: Option<u64>,
    mut sealed: Sealed,
    extra: Vec<Cell>,
    compressor: &mut Compressor,
) -> Sealed {
    let journal = number.and_then(|number| journal::cell(number, &sealed.digests, compressor));
    let mut cells: Vec<Cell> = journal.into_iter().collect();
    cells.append(&mut sealed.batch.cells);
    cells.extend(extra);
    sealed.batch.cells = cells;
    sealed
}

/// Flushes are written at the same time, and handed over one after the other, in the order they were sealed in.
#[derive(Default)]
struct Turns {
    done: Mutex<(u64, BTreeSet<u64>)>,
    changed: Condvar,
}

/// The turn of one flush; it is over when this is dropped, whatever became of the flush.
struct Turn {
    turns: Arc<Turns>,
    number: u64,
}

impl Turn {
    /// Waits until every earlier turn is over.
    fn wait(&self) {
        let done = self.turns.done.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.turns.changed.wait_while(done, |(next, _)| *next < self.number));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (next, later) = &mut *self.turns.done.lock().unwrap_or_else(PoisonError::into_inner);
        later.insert(self.number);
        while later.remove(next) {
            *next += 1;
        }
        self.turns.changed.notify_all();
    }
}

struct Worker {
    store: Arc<dyn Store>,
    assembler: Arc<Assembler>,
    outlets: Outlets,
    sealer: Sealer,
    turns: Arc<Turns>,
    compressor: Compressor,
    figures: Arc<SinkFigures>,
    under_way: Arc<AtomicUsize>,
}

impl Worker {
    fn run(&mut self, queue: &Receiver<Job>) {
        for job in queue {
            let Job { order, mut flush, extra, watermark, answer } = job;
            let safe = answer.clone();
            let safe = move || {
                // A pipeline that was given up does not listen any more.
                let _ = safe.send(Done::Safe { order });
            };
            let begun = Instant::now();
            // A flush with a journal cell has a number.
            let number = matches!(self.outlets.digests, Digests::Own).then(|| self.assembler.next_flush());
            // Before anything can go wrong: those behind it wait for its end.
            let turn = Turn { turns: self.turns.clone(), number: self.sealer.next_turn() };
            let sealed = self.sealer.seal_in_turn(turn.number, &flush);
            let sealed = with_journal(number, sealed, extra, &mut self.compressor);
            flush.clear();
            let _ = answer.send(Done::Sealed(Box::new(flush)));
            let counts = self.write(number, sealed, &turn, watermark, safe);
            drop(turn);
            metrics::histogram!(crate::metrics::FLUSH_SECONDS).record(begun.elapsed().as_secs_f64());
            self.under_way.fetch_sub(1, Ordering::Relaxed);
            let _ = answer.send(Done::Stored(counts));
        }
    }

    fn write(
        &mut self,
        number: Option<u64>,
        sealed: Sealed,
        turn: &Turn,
        watermark: Option<Timestamp>,
        safe: impl FnOnce() + Send + 'static,
    ) -> Option<(u64, u64)> {
        let begun = Instant::now();
        self.assembler.retrying(|| self.store.write(&sealed.batch))?;
        if let Some(topic) = &self.outlets.dead {
            self.assembler.retrying(|| topic.write(&sealed.batch.cells).map_err(not_taken))?;
        }
        metrics::histogram!(crate::metrics::STORE_WRITE_SECONDS).record(begun.elapsed().as_secs_f64());
        let figures = &self.figures;
        for (figure, count) in [
            (&figures.flushes, 1),
            (&figures.packs, sealed.packs),
            (&figures.cells, sealed.batch.cells.len() as u64),
            (&figures.bytes, sealed.batch.bytes() as u64),
        ] {
            figure.fetch_add(count, Ordering::Relaxed);
        }
        // Not held while the digests wait for their shards.
        drop(sealed.batch);
        let counts = (sealed.stored, sealed.duplicates);
        turn.wait();
        match (&self.outlets.digests, number) {
            (Digests::Own, Some(number)) => {
                self.assembler.accept(number, sealed.digests, watermark)?;
                safe();
            }
            (Digests::Own | Digests::Keyed, _) => {
                self.assembler.accept_own(sealed.digests, watermark, Box::new(safe))?;
            }
            (Digests::Topic(topic), _) => {
                topic.publish(&self.assembler, sealed.digests, watermark)?;
                safe();
            }
        }
        Some(counts)
    }
}
