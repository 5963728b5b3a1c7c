//! The sharded assembler: digests of durable flushes are handed to the shard that owns their execution.

use std::collections::BTreeSet;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::Table;
use linkloom_storage::flush::{Owner, RowDigest, RowId};
use linkloom_storage::read;
use linkloom_storage::store::{Rows, Scan, Store, StoreError};

use crate::handed::Handed;
use crate::journal::{Journal, Left, Settled};
use crate::settings::WindowSettings;
use crate::shard::{Figures, Message, Shard, Shared, Work, retrying};
use crate::summarise::Summariser;

/// How the assembler is set up.
#[derive(Clone, Debug)]
pub struct AssemblerSettings {
    /// Number of shards, each a thread.
    pub shards: usize,
    /// Windows of each shard.
    pub windows: WindowSettings,
    /// Flushes a shard may be behind before handing over waits.
    pub queue_flushes_max: usize,
    /// Folder for spilled windows and the disk they may take in all, in bytes; `None`: windows that do not fit are read
    /// from the store again.
    pub spill: Option<(PathBuf, u64)>,
}

impl Shared {
    /// What all shards of one store's owner share, and what an earlier process left to be summed up.
    fn open(store: Arc<dyn Store>, summariser: Summariser) -> Result<(Self, Left), StoreError> {
        let journal = Journal::new(store.clone());
        let left = journal.left()?;
        let any_unmarked = any_unmarked(&*store)?;
        let shared = Shared {
            store,
            summariser,
            journal,
            figures: Figures::default(),
            any_unmarked: AtomicBool::new(any_unmarked),
            stopping: AtomicBool::new(false),
            next_flush: AtomicU64::new(left.next_flush),
        };
        Ok((shared, left))
    }

    /// Splits the digests of a durable flush by shard and opens its account in the journal; `settled` is for a flush
    /// without a cell. `None`: the store failed for good, or the process is going down while it refuses.
    fn split(
        &self,
        shards: usize,
        flush: u64,
        digests: Vec<RowDigest>,
        settled: Option<Settled>,
    ) -> Option<Vec<Work>> {
        let mut work = no_work(shards);
        let mut traces = Vec::new();
        let mut ids = BTreeSet::new();
        let mut summaries = 0;
        let any_trace = digests.iter().any(|digest| matches!(digest.owner, Owner::Trace(_)));
        for digest in digests {
            match &digest.owner {
                Owner::Execution(_) => {
                    summaries += 1;
                    if any_trace {
                        ids.insert(digest.id);
                    }
                    work[shard_of(digest.id, shards)].digests.push(digest);
                }
                Owner::Trace(trace_id) => traces.push(trace_id.clone()),
                Owner::Service(..) => {}
            }
        }
        if !traces.is_empty() {
            // Before the look-up: whoever stores a mark for the trace after it will look for unmarked reports.
            self.any_unmarked.store(true, Ordering::Release);
        }
        for trace in traces {
            for mark in retrying(self, || read::executions_of_trace(&*self.store, &trace))? {
                let id = RowId::of(mark.as_ref());
                if ids.insert(id) {
                    summaries += 1;
                }
                work[shard_of(id, shards)].joined.push(mark);
            }
        }
        match settled {
            None => retrying(self, || self.journal.begin(flush, summaries))?,
            Some(settled) => self.journal.begin_told(flush, summaries, settled),
        }
        Some(work)
    }

    /// The same for what an earlier process left: its executions are summed up from the store.
    fn split_left(&self, shards: usize, left: Left) -> Result<Vec<(u64, Vec<Work>)>, StoreError> {
        if !left.flushes.is_empty() {
            tracing::info!(flushes = left.flushes.len(), "summing up what an earlier process stored last");
        }
        let mut split = Vec::new();
        for (flush, mut marks) in left.flushes {
            for (_, trace) in left.traces.iter().filter(|(of, _)| *of == flush) {
                marks.extend(read::executions_of_trace(&*self.store, trace)?);
            }
            marks.sort_unstable();
            marks.dedup();
            self.journal.begin(flush, marks.len())?;
            let mut work = no_work(shards);
            for mark in marks {
                work[shard_of(RowId::of(mark.as_ref()), shards)].joined.push(mark);
            }
            split.push((flush, work));
        }
        Ok(split)
    }
}

fn any_unmarked(store: &dyn Store) -> Result<bool, StoreError> {
    let mut any = false;
    store.scan(&Scan::new(Table::Unlinked, Rows::Prefix("t|")).keys_only(), &mut |_| {
        any = true;
        ControlFlow::Break(())
    })?;
    Ok(any)
}

/// Splits what was handed over by shard. It has no traces any more.
fn split_handed(shards: usize, items: Vec<Handed>) -> (Vec<Work>, usize) {
    let mut work = no_work(shards);
    let (mut ids, mut joins) = (BTreeSet::new(), Vec::new());
    for item in items {
        match item {
            // Several flushes of one message: each is waited for.
            Handed::Digest(digest) => {
                ids.insert(digest.id);
                work[shard_of(digest.id, shards)].digests.push(digest);
            }
            Handed::Join(mark) => joins.push(mark),
            Handed::Trace(_) | Handed::Receipt(_) => {}
        }
    }
    for mark in joins {
        let id = RowId::of(mark.as_ref());
        ids.insert(id);
        work[shard_of(id, shards)].joined.push(mark);
    }
    (work, ids.len())
}

/// Nothing to do, for each of so many shards.
fn no_work(shards: usize) -> Vec<Work> {
    (0..shards).map(|_| Work::default()).collect()
}

fn shard_of(id: RowId, shards: usize) -> usize {
    ((id.0 >> 64) as u64 % shards as u64) as usize
}

fn shards(shared: &Arc<Shared>, settings: &AssemblerSettings) -> Result<Vec<Shard>, StoreError> {
    let count = settings.shards.max(1);
    let shard = |number: usize| {
        let spill = settings.spill.as_ref();
        let spill =
            spill.map(|(folder, bytes)| (folder.join(format!("shard-{number}")), bytes / count as u64));
        Shard::new(shared.clone(), settings.windows.clone(), spill)
    };
    let made: io::Result<Vec<Shard>> = (0..count).map(shard).collect();
    made.map_err(|error| not_started(shared, &error))
}

fn not_started(shared: &Shared, error: &io::Error) -> StoreError {
    StoreError::Unavailable {
        store: shared.store.name().to_owned(),
        op: "start the assembler",
        cause: error.to_string(),
    }
}

/// The assembler of a running process: each shard a thread. Serves all pipelines of the process. Dropping it stops the
/// threads; summaries that are not written yet ([`Assembler::drain`]) are then left to the journal and the next process.
pub struct Assembler {
    shared: Arc<Shared>,
    senders: Vec<Sender<Message>>,
    threads: Vec<JoinHandle<()>>,
    /// Holds the folders of the shards' spilled windows.
    spill: Option<PathBuf>,
}

impl Assembler {
    /// Starts the shards and hands them what an earlier process left unsummed.
    pub fn start(
        store: Arc<dyn Store>,
        summariser: Summariser,
        settings: &AssemblerSettings,
    ) -> Result<Self, StoreError> {
        let (shared, left) = Shared::open(store, summariser)?;
        let shared = Arc::new(shared);
        let spill = settings.spill.as_ref().map(|(folder, _)| folder.clone());
        let mut assembler =
            Assembler { shared: shared.clone(), senders: Vec::new(), threads: Vec::new(), spill };
        for (number, shard) in shards(&shared, settings)?.into_iter().enumerate() {
            let (sender, receiver) = bounded(settings.queue_flushes_max.max(1));
            let thread = std::thread::Builder::new()
                .name(format!("assembler-{number}"))
                .spawn(move || shard.run(&receiver))
                .map_err(|error| not_started(&shared, &error))?;
            assembler.senders.push(sender);
            assembler.threads.push(thread);
        }
        for (flush, work) in shared.split_left(assembler.senders.len(), left)? {
            assembler.hand_over(flush, work, None);
        }
        Ok(assembler)
    }

    /// Number for the next flush; flushes of one store are numbered in the order they were begun.
    pub fn next_flush(&self) -> u64 {
        self.shared.next_flush.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes over the digests of a durable flush; waits when a shard is behind, and while the store refuses. Once it
    /// returns the flush may be committed: its summaries will be written, if need be by the next process. `None`: the
    /// store failed for good, nothing was taken over.
    pub fn accept(&self, flush: u64, digests: Vec<RowDigest>, watermark: Option<Timestamp>) -> Option<()> {
        let work = self.shared.split(self.senders.len(), flush, digests, None)?;
        self.hand_over(flush, work, watermark);
        Some(())
    }

    /// The same for one of several processes, for executions that are all its own: nothing but `settled` tells that the
    /// summaries are written, so the flush may only be committed then.
    pub fn accept_own(
        &self,
        digests: Vec<RowDigest>,
        watermark: Option<Timestamp>,
        settled: Settled,
    ) -> Option<()> {
        let flush = self.next_flush();
        let work = self.shared.split(self.senders.len(), flush, digests, Some(settled))?;
        self.hand_over(flush, work, watermark);
        Some(())
    }

    /// Takes over what other processes, or this one, stored; waits when a shard is behind. `settled` is called once its
    /// summaries are durable: until then whoever handed it over must be able to do so again. Traces are looked up before
    /// ([`Assembler::executions_of`]), and what receipts stand for is known; both are left out here.
    pub fn accept_handed(&self, items: Vec<Handed>, watermark: Option<Timestamp>, settled: Settled) {
        let flush = self.next_flush();
        let (work, summaries) = split_handed(self.senders.len(), items);
        self.shared.journal.begin_told(flush, summaries, settled);
        self.hand_over(flush, work, watermark);
    }

    /// Executions that are tied to a trace by now. From here on whoever stores a mark for it will look for its unmarked
    /// reports. `None`: the store failed for good.
    pub fn executions_of(&self, trace_id: &str) -> Option<Vec<LinkMark>> {
        self.shared.any_unmarked.store(true, Ordering::Release);
        self.retrying(|| read::executions_of_trace(&*self.shared.store, trace_id))
    }

    /// Looks whether another process has stored unmarked reports; cheap once some are known.
    ///
    /// Errors: the store does not answer now.
    pub fn look_for_unmarked(&self) -> Result<(), StoreError> {
        if !self.shared.any_unmarked.load(Ordering::Acquire) && any_unmarked(&*self.shared.store)? {
            self.shared.any_unmarked.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Forgets every window, and what is not summed up is given up: from now on executions are completed from the store
    /// again. To be called when executions change hands.
    pub fn forget(&self) {
        self.ask(Message::Forget);
    }

    fn ask(&self, message: impl Fn(Sender<()>) -> Message) {
        let (answer, answers) = bounded(self.senders.len());
        for sender in &self.senders {
            let _ = sender.send(message(answer.clone()));
        }
        drop(answer);
        while answers.recv().is_ok() {}
    }

    fn hand_over(&self, flush: u64, work: Vec<Work>, watermark: Option<Timestamp>) {
        for (sender, work) in self.senders.iter().zip(work) {
            if !(work.digests.is_empty() && work.joined.is_empty()) {
                // A shard only ends when its senders are gone.
                let _ = sender.send(Message::Flushed { flush, work, watermark });
            }
        }
    }

    /// Waits until every summary of what was accepted is durable.
    pub fn drain(&self) {
        self.ask(Message::Drain);
    }

    /// Flushes whose summaries are not all written yet.
    pub fn flushes_open(&self) -> usize {
        self.shared.journal.len()
    }

    /// Numbers for metrics.
    pub fn figures(&self) -> &Figures {
        &self.shared.figures
    }

    /// Repeats what the store refuses until it succeeds; `None` when it cannot, or the process is going down.
    pub fn retrying<T>(&self, attempt: impl FnMut() -> Result<T, StoreError>) -> Option<T> {
        retrying(&self.shared, attempt)
    }

    /// From now on refused writes are given up instead of repeated: the process is going down.
    pub fn give_up(&self) {
        self.shared.stopping.store(true, Ordering::Release);
    }
}

impl Drop for Assembler {
    fn drop(&mut self) {
        self.senders.clear();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("an assembler thread ended in a panic");
            }
        }
        if let Some(folder) = &self.spill {
            // The shards removed theirs. It stays if somebody put something else there.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// The same assembler on one thread and a clock given by the caller, for simulations: nothing is waited for, and what
/// the store refuses is tried again at a later step.
pub struct SteppedAssembler {
    shared: Arc<Shared>,
    shards: Vec<Shard>,
}

impl SteppedAssembler {
    /// As [`Assembler::start`].
    pub fn start(
        store: Arc<dyn Store>,
        summariser: Summariser,
        settings: &AssemblerSettings,
        wall_ms: u64,
    ) -> Result<Self, StoreError> {
        let (shared, left) = Shared::open(store, summariser)?;
        let shared = Arc::new(shared);
        shared.stopping.store(true, Ordering::Release);
        let mut assembler = SteppedAssembler { shards: shards(&shared, settings)?, shared };
        for (flush, work) in assembler.shared.split_left(assembler.shards.len(), left)? {
            assembler.hand_over(flush, work, None, wall_ms);
        }
        Ok(assembler)
    }

    /// As [`Assembler::next_flush`].
    pub fn next_flush(&self) -> u64 {
        self.shared.next_flush.fetch_add(1, Ordering::Relaxed)
    }

    /// As [`Assembler::accept`]; `None` when the store refused: call it again.
    pub fn accept(
        &mut self,
        flush: u64,
        digests: &[RowDigest],
        watermark: Option<Timestamp>,
        wall_ms: u64,
    ) -> Option<()> {
        let work = self.shared.split(self.shards.len(), flush, digests.to_vec(), None)?;
        self.hand_over(flush, work, watermark, wall_ms);
        Some(())
    }

    fn hand_over(&mut self, flush: u64, work: Vec<Work>, watermark: Option<Timestamp>, wall_ms: u64) {
        for (shard, work) in self.shards.iter_mut().zip(work) {
            shard.handle(Message::Flushed { flush, work, watermark }, wall_ms);
        }
    }

    /// Writes what is due at `wall_ms` and takes out of memory what is over.
    pub fn step(&mut self, wall_ms: u64) {
        self.shards.iter_mut().for_each(|shard| shard.work(wall_ms));
    }

    /// Flushes whose summaries are not all written yet.
    pub fn flushes_open(&self) -> usize {
        self.shared.journal.len()
    }

    /// Numbers for metrics.
    pub fn figures(&self) -> &Figures {
        &self.shared.figures
    }
}
