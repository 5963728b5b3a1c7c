//! Digests from their topic to the assembler, committed when their executions are summed up.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded, unbounded};
use linkloom_assembler::Assembler;
use linkloom_assembler::handed::{Handed, Receipt};
use linkloom_assembler::journal::Settled;
use linkloom_ingest::source::{Next, RawBatch, Source};

use super::parts::{Part, parts, trace_of};
use super::topic::DigestTopic;
use crate::pipeline::commit::{Covers, InFlight};
use crate::pipeline::feed::FeedError;
use crate::pipeline::sink::SILENCE;

/// How often is looked whether other processes have stored unmarked reports.
const LOOK: Duration = Duration::from_secs(1);
/// A trace is looked up a second time this much later: by then whoever stored a mark of it knows of unmarked reports.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How often is looked whether the worker is done, before windows are forgotten.
const LOOK_FOR_WORKER: Duration = Duration::from_millis(5);
/// Parts of batches on their way to the assembler.
const JOBS_MAX: usize = 4;

/// How a feed of digests is to end.
#[derive(Debug, Default)]
pub struct Ending {
    /// Nothing more is to be read; what was read is summed up and committed.
    pub stop: AtomicBool,
    /// Not even that: whoever comes next reads it again.
    pub at_once: AtomicBool,
}

/// Messages on their way to the assembler.
struct Job {
    order: u64,
    items: Vec<Handed>,
}

/// A batch whose traces are to be looked up a second time.
struct Again {
    due: Instant,
    order: u64,
    partition: (Arc<str>, u32),
    traces: Vec<String>,
}

/// What came of a job.
enum Said {
    /// One of the parts of this batch is done.
    Done(u64),
    /// The store failed for good, or the process is going down.
    Failed,
}

/// Reads digests from their topic and has their executions summed up.
pub struct DigestFeed<'f> {
    topic: &'f DigestTopic,
    assembler: &'f Arc<Assembler>,
    in_flight: InFlight,
    /// Parts of each batch that are not done yet.
    parts: BTreeMap<u64, usize>,
    /// Batches the worker has not handed to the assembler yet.
    under_way: Arc<AtomicUsize>,
    /// Batches whose traces are to be looked up a second time, the oldest first.
    again: VecDeque<Again>,
    /// When was looked for unmarked reports last.
    looked: Option<Instant>,
    said: (Sender<Said>, Receiver<Said>),
}

impl<'f> DigestFeed<'f> {
    /// A feed of what comes through `topic`.
    pub fn new(topic: &'f DigestTopic, assembler: &'f Arc<Assembler>) -> Self {
        DigestFeed {
            topic,
            assembler,
            in_flight: InFlight::default(),
            parts: BTreeMap::new(),
            under_way: Arc::default(),
            again: VecDeque::new(),
            looked: None,
            said: unbounded(),
        }
    }

    /// Reads until it is to end or the source ends; returns when what was read is summed up and committed.
    ///
    /// Errors: the source cannot be read, a message does not decode, or the store failed for good.
    pub fn run(mut self, source: &mut dyn Source, ending: &Ending) -> Result<(), FeedError> {
        let outcome = std::thread::scope(|scope| {
            let (jobs, queue) = bounded::<Job>(JOBS_MAX);
            let worker = Worker {
                topic: self.topic,
                assembler: self.assembler,
                said: self.said.0.clone(),
                under_way: self.under_way.clone(),
            };
            scope.spawn(move || worker.run(&queue));
            self.read(&jobs, source, ending)
        });
        // Whoever has the partitions next knows more of their executions: nothing is written of them from here on.
        self.topic.kept.close(true);
        while !self.topic.kept.is_idle() {
            std::thread::sleep(LOOK_FOR_WORKER);
        }
        self.assembler.forget();
        self.topic.kept.forget();
        outcome
    }

    fn read(
        &mut self,
        jobs: &Sender<Job>,
        source: &mut dyn Source,
        ending: &Ending,
    ) -> Result<(), FeedError> {
        const WAIT: Duration = Duration::from_millis(50);
        while !ending.stop.load(Ordering::Acquire) {
            self.look_for_unmarked();
            self.hear(source)?;
            self.look_again(jobs, source)?;
            match source.next(WAIT)? {
                Next::Batch(batch) => self.batch(&batch, jobs, source)?,
                Next::Revoked { partitions, lost } => {
                    self.give_up(&partitions, lost, source, &ending.at_once)?;
                    source.release(&partitions)?;
                }
                Next::Opened(_) | Next::Incomplete(_) | Next::Idle => {}
                Next::End => break,
            }
        }
        if !ending.at_once.load(Ordering::Acquire) {
            self.assembler.drain();
        }
        self.drain(source, &ending.at_once)
    }

    fn look_for_unmarked(&mut self) {
        if self.looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            if let Err(error) = self.assembler.look_for_unmarked() {
                tracing::debug!(%error, "not known whether there are unmarked reports");
            }
            self.looked = Some(Instant::now());
        }
    }

    fn batch(
        &mut self,
        batch: &RawBatch,
        jobs: &Sender<Job>,
        source: &mut dyn Source,
    ) -> Result<(), FeedError> {
        for part in parts(batch)? {
            self.part(part, batch, jobs, source)?;
        }
        Ok(())
    }

    fn part(
        &mut self,
        Part { items, next }: Part,
        batch: &RawBatch,
        jobs: &Sender<Job>,
        source: &mut dyn Source,
    ) -> Result<(), FeedError> {
        let partition = (batch.source.clone(), batch.partition);
        let mut covers = Covers::default();
        covers.up_to(partition.clone(), next);
        let order = self.in_flight.begin(covers);
        self.topic.kept.read_of(batch.partition);
        let traces: Vec<String> = items.iter().filter_map(trace_of).map(str::to_owned).collect();
        let receipts = items.iter().filter(|item| matches!(item, Handed::Receipt(_))).count();
        self.parts.insert(order, 1 + receipts + usize::from(!traces.is_empty()));
        if !traces.is_empty() {
            let due = Instant::now() + LOOK_AGAIN;
            self.again.push_back(Again { due, order, partition, traces });
        }
        self.submit(Job { order, items }, jobs, source)
    }

    fn look_again(&mut self, jobs: &Sender<Job>, source: &mut dyn Source) -> Result<(), FeedError> {
        while self.again.front().is_some_and(|again| again.due <= Instant::now()) {
            let Some(Again { order, traces, .. }) = self.again.pop_front() else { break };
            let items = traces.into_iter().map(Handed::Trace).collect();
            self.submit(Job { order, items }, jobs, source)?;
        }
        Ok(())
    }

    fn submit(&mut self, mut job: Job, jobs: &Sender<Job>, source: &mut dyn Source) -> Result<(), FeedError> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        loop {
            match jobs.send_timeout(job, SILENCE) {
                Ok(()) => return Ok(()),
                Err(SendTimeoutError::Timeout(back)) => job = back,
                Err(SendTimeoutError::Disconnected(_)) => return Err(FeedError::NotStored),
            }
            source.keep_alive()?;
            self.look_for_unmarked();
            self.hear(source)?;
        }
    }

    fn hear(&mut self, source: &mut dyn Source) -> Result<(), FeedError> {
        while let Ok(said) = self.said.1.try_recv() {
            self.heard(said, source)?;
        }
        Ok(())
    }

    fn heard(&mut self, said: Said, source: &mut dyn Source) -> Result<(), FeedError> {
        let Said::Done(order) = said else { return Err(FeedError::NotStored) };
        // Not known any more: it was given up.
        let Some(parts) = self.parts.get_mut(&order) else { return Ok(()) };
        *parts -= 1;
        if *parts == 0 {
            self.parts.remove(&order);
            let positions = self.in_flight.durable(order);
            if !positions.is_empty() {
                source.commit(&positions)?;
            }
        }
        Ok(())
    }

    /// Returns when all that was read is summed up and committed, but for batches whose traces wait for a second look:
    /// from the first of them on everything is read again by whoever comes next.
    fn drain(&mut self, source: &mut dyn Source, at_once: &AtomicBool) -> Result<(), FeedError> {
        while self.parts.values().sum::<usize>() > self.again.len() && !at_once.load(Ordering::Acquire) {
            match self.said.1.recv_timeout(SILENCE) {
                Ok(said) => self.heard(said, source)?,
                Err(RecvTimeoutError::Timeout) => source.keep_alive()?,
                // This feed holds a sender, so the channel stays open.
                Err(RecvTimeoutError::Disconnected) => return Err(FeedError::NotStored),
            }
        }
        Ok(())
    }

    /// Partitions go to somebody else: what is in memory is not kept, for it may come back changed. Traces of the
    /// partitions that stay are still looked up a second time: nobody reads them again.
    fn give_up(
        &mut self,
        partitions: &[(Arc<str>, u32)],
        lost: bool,
        source: &mut dyn Source,
        at_once: &AtomicBool,
    ) -> Result<(), FeedError> {
        self.topic.kept.close(lost);
        if !lost {
            self.drain(source, at_once)?;
        }
        if lost || at_once.load(Ordering::Acquire) {
            self.again.clear();
            self.parts.clear();
            self.in_flight.abandon();
        } else {
            self.in_flight.give_up(partitions);
            for again in std::mem::take(&mut self.again) {
                if partitions.contains(&again.partition) {
                    self.heard(Said::Done(again.order), source)?;
                } else {
                    self.again.push_back(again);
                }
            }
        }
        // What the assembler gets after it forgot would stay.
        while self.under_way.load(Ordering::Acquire) > 0 || !self.topic.kept.is_idle() {
            // Nothing of it is committed any more; a worker that ended has jobs left for good.
            self.hear(source)?;
            source.keep_alive()?;
            std::thread::sleep(LOOK_FOR_WORKER);
        }
        self.assembler.forget();
        self.topic.kept.forget();
        Ok(())
    }
}

struct Worker<'f> {
    topic: &'f DigestTopic,
    assembler: &'f Arc<Assembler>,
    under_way: Arc<AtomicUsize>,
    said: Sender<Said>,
}

impl Worker<'_> {
    fn run(&self, queue: &Receiver<Job>) {
        for job in queue {
            let worked = self.work(job);
            self.under_way.fetch_sub(1, Ordering::Release);
            if worked.is_none() {
                // The other side may be gone.
                let _ = self.said.send(Said::Failed);
                return;
            }
        }
    }

    fn work(&self, Job { order, items }: Job) -> Option<()> {
        let (mut own, mut joins) = (Vec::with_capacity(items.len()), Vec::new());
        for item in items {
            match item {
                Handed::Trace(trace_id) => {
                    joins.extend(self.assembler.executions_of(&trace_id)?.into_iter().map(Handed::Join));
                }
                Handed::Receipt(Receipt { by, flush, marks }) => {
                    if let Err(settled) = self.topic.kept.read_back(by, flush, self.settled(order)) {
                        own.extend(marks.into_iter().map(Handed::Join));
                        settled();
                    }
                }
                Handed::Digest(_) | Handed::Join(_) => own.push(item),
            }
        }
        self.topic.repeat(self.assembler, joins)?;
        self.assembler.accept_handed(own, None, self.settled(order));
        Some(())
    }

    /// Tells that one of the parts of a batch is done.
    fn settled(&self, order: u64) -> Settled {
        let said = self.said.clone();
        Box::new(move || {
            // The other side may be gone.
            let _ = said.send(Said::Done(order));
        })
    }
}
