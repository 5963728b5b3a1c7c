//! Digests on their way through a topic, so that several processes that share a store sum up each execution once.
//!
//! ```text
//! Sink (packs durable) -> Handed -> DigestTopic -> topic, by execution -> DigestFeed -> Assembler -> summaries
//!                            |                                ^---- commit, when summed up ----'        ^
//!                            '-- Kept: what this process sums up itself; the topic gets a receipt ------'
//! ```
//!
//! Whoever reads reports writes their packs and commits them once the topic has the digests. Whoever reads a partition of
//! digests sums up its executions, and commits when the summaries are durable: the topic is the journal. When a
//! partition changes hands its windows are forgotten; the new owner completes them from the store.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded, unbounded};
use linkloom_assembler::Assembler;
use linkloom_assembler::handed::{self, Handed, Receipt};
use linkloom_assembler::journal::Settled;
use linkloom_ingest::source::kafka::{
    Behind, KafkaFigures, KafkaSettings, KafkaSource, KafkaWriter, NewRecord, create_topic, topics,
};
use linkloom_ingest::source::{Next, RawBatch, Source, SourceError};
use linkloom_schema::time::Timestamp;
use linkloom_storage::flush::{Owner, RowDigest};

use super::commit::{Covers, InFlight};
use super::feed::FeedError;
use super::kept::Kept;
use super::sink::{SILENCE, not_taken};

/// How long Kafka may take to say which partitions the topic has.
const ASK: Duration = Duration::from_secs(5);
/// First and longest pause before the topic is asked for again.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
/// Longest message that is read.
const MESSAGE_BYTES_MAX: usize = 8 << 20;
/// Digests are a fifth of their reports: so much less is fetched ahead of them.
const QUEUE_SHARE: usize = 4;
/// How often is looked whether other processes have stored unmarked reports.
const LOOK: Duration = Duration::from_secs(1);
/// A trace is looked up a second time this much later: by then whoever stored a mark of it knows of unmarked reports.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How often is looked whether the worker is done, before windows are forgotten.
const LOOK_FOR_WORKER: Duration = Duration::from_millis(5);
/// How often is looked whether all is summed up, at the end.
const LOOK_BEHIND: Duration = Duration::from_millis(50);
/// Parts of batches on their way to the assembler.
const JOBS_MAX: usize = 4;
/// Messages of a part, and traces it names before it ends. Each trace is a look into the store: after an outage a batch names
/// thousands, and nothing of it could be committed for minutes.
const PART_MESSAGES_MAX: usize = 64;
const PART_TRACES_MAX: usize = 64;

/// How a feed of digests is to end.
#[derive(Debug, Default)]
pub struct Ending {
    /// Nothing more is to be read; what was read is summed up and committed.
    pub stop: AtomicBool,
    /// Not even that: whoever comes next reads it again.
    pub at_once: AtomicBool,
}

/// The topic digests go through; made when it is first written to.
pub struct DigestTopic {
    settings: KafkaSettings,
    name: String,
    /// Partitions a new topic gets.
    partitions_wanted: u32,
    writer: KafkaWriter,
    partitions: OnceLock<u32>,
    kept: Arc<Kept>,
}

impl DigestTopic {
    /// `partitions`: how many the topic gets if it is not there yet.
    ///
    /// Errors: librdkafka does not take the settings.
    pub fn new(settings: KafkaSettings, name: &str, partitions: u32) -> Result<Self, SourceError> {
        let writer = KafkaWriter::new(&settings)?;
        let settings = KafkaSettings { topics: vec![name.to_owned()], ..settings };
        Ok(DigestTopic {
            settings,
            name: name.to_owned(),
            partitions_wanted: partitions,
            writer,
            partitions: OnceLock::new(),
            kept: Arc::new(Kept::new()),
        })
    }

    /// What comes through it, read as a group of its own.
    ///
    /// Errors: librdkafka does not take the settings.
    pub fn source(&self, figures: Arc<KafkaFigures>) -> Result<KafkaSource, SourceError> {
        KafkaSource::new(self.reading(), figures)
    }

    fn reading(&self) -> KafkaSettings {
        KafkaSettings {
            group: format!("{}-digests", self.settings.group),
            queue_bytes_max: self.settings.queue_bytes_max / QUEUE_SHARE,
            record_bytes_max: MESSAGE_BYTES_MAX,
            ..self.settings.clone()
        }
    }

    /// Returns when everything that is in the topic is summed up, by whichever process, or `stop` is set. Nothing more is
    /// to come: what this process sums up does not wait for it.
    ///
    /// Errors: librdkafka does not take the settings.
    pub fn await_summaries(&self, assembler: &Assembler, stop: &AtomicBool) -> Result<(), SourceError> {
        let mut behind = Behind::new(&self.reading())?;
        while !stop.load(Ordering::Acquire) {
            assembler.drain();
            match behind.records() {
                Ok(0) => break,
                Ok(_) => std::thread::sleep(LOOK_BEHIND),
                Err(error) => {
                    tracing::warn!(try_again_in = ?RETRY.0, "{error}");
                    std::thread::sleep(RETRY.0);
                    // One that lost Kafka for good would go on like that.
                    behind = Behind::new(&self.reading())?;
                }
            }
        }
        Ok(())
    }

    /// Makes it if it is missing; repeats that until it is there, or nobody waits any more.
    pub fn wait_for(&self, ending: &Ending) {
        let mut pause = RETRY.0;
        while !ending.stop.load(Ordering::Acquire) {
            match self.partitions() {
                Ok(_) => return,
                Err(error) => tracing::warn!(try_again_in = ?pause, "{error}"),
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(RETRY.1);
        }
    }

    fn partitions(&self) -> Result<u32, SourceError> {
        if let Some(known) = self.partitions.get() {
            return Ok(*known);
        }
        if create_topic(&self.settings, &self.name, self.partitions_wanted)? {
            tracing::info!(
                topic = self.name,
                partitions = self.partitions_wanted,
                "made the topic of digests"
            );
        }
        let found = topics(&self.settings, ASK)?.first().map_or(0, |topic| topic.partitions.len() as u32);
        if found == 0 {
            return Err(SourceError {
                source_name: format!("topic {}", self.name),
                op: "read",
                cause: "it has no partitions yet".to_owned(),
            });
        }
        if found != self.partitions_wanted {
            tracing::warn!(
                topic = self.name,
                found,
                configured = self.partitions_wanted,
                "the topic of digests has another number of partitions than configured; it stays as it is"
            );
        }
        Ok(*self.partitions.get_or_init(|| found))
    }

    fn hand_over(&self, items: &[Handed]) -> Result<(), SourceError> {
        let messages = handed::messages(items, self.partitions()?);
        let records = messages.iter().map(|(partition, message)| NewRecord {
            partition: Some(*partition),
            value: Some(message),
            ..NewRecord::default()
        });
        self.writer.write(&self.name, records)
    }

    /// Hands over what a flush held, or keeps it and writes a receipt; repeats that until the topic has it all. `None`: the
    /// process is going down.
    pub(super) fn publish(
        &self,
        assembler: &Assembler,
        digests: Vec<RowDigest>,
        watermark: Option<Timestamp>,
    ) -> Option<()> {
        let (handing, partitions) = (self.kept.enter(), self.partitions.get());
        let Some((handing, partitions)) = handing.zip(partitions.copied()) else {
            return self.repeat(assembler, digests.into_iter().filter_map(Handed::of).collect());
        };
        let is_kept = |digest: &RowDigest| {
            matches!(digest.owner, Owner::Execution(_))
                && handing.is_ours(handed::partition_of(digest.id, partitions))
        };
        let (kept, others): (Vec<RowDigest>, Vec<RowDigest>) = digests.into_iter().partition(is_kept);
        let mut items: Vec<Handed> = others.into_iter().filter_map(Handed::of).collect();
        if kept.is_empty() {
            return self.repeat(assembler, items);
        }
        let receipts = handed::receipts(self.kept.by, handing.flush, &kept, partitions);
        handing.expect(receipts.len());
        items.extend(receipts);
        self.repeat(assembler, items)?;
        let (here, flush) = (self.kept.clone(), handing.flush);
        let kept = kept.into_iter().map(Handed::Digest).collect();
        assembler.accept_handed(kept, watermark, Box::new(move || here.settled(flush)));
        Some(())
    }

    fn repeat(&self, assembler: &Assembler, items: Vec<Handed>) -> Option<()> {
        if items.is_empty() {
            return Some(());
        }
        assembler.retrying(|| self.hand_over(&items).map_err(not_taken))
    }
}

/// What some messages of a batch hold, in a row.
struct Part {
    items: Vec<Handed>,
    /// The position behind the last of them.
    next: u64,
}

/// The messages of a batch in parts that can be committed one by one.
fn parts(batch: &RawBatch) -> Result<Vec<Part>, FeedError> {
    let mut parts = Vec::new();
    let mut items = Vec::new();
    let (mut messages, mut traces) = (0, 0);
    for (record, raw) in batch.iter().zip(&batch.records) {
        let whole = record.bytes.len() as u64 == record.full_length;
        let decoded = if whole { handed::decode(record.bytes) } else { Err("it was cut".to_owned()) };
        let decoded = decoded.map_err(|why| FeedError::Digests(format!("{}: {why}", record.origin)))?;
        messages += 1;
        traces += decoded.iter().filter_map(trace_of).count();
        items.extend(decoded);
        if messages >= PART_MESSAGES_MAX || traces >= PART_TRACES_MAX {
            parts.push(Part { items: std::mem::take(&mut items), next: raw.position + 1 });
            (messages, traces) = (0, 0);
        }
    }
    if messages > 0 {
        parts.push(Part { items, next: batch.next_position });
    }
    Ok(parts)
}

fn trace_of(item: &Handed) -> Option<&str> {
    match item {
        Handed::Trace(trace_id) => Some(trace_id),
        Handed::Digest(_) | Handed::Join(_) | Handed::Receipt(_) => None,
    }
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
            said: unbounded(),
        }
    }

    /// Reads until it is to end or the source ends; returns when what was read is summed up and committed.
    ///
    /// Errors: the source cannot be read, a message does not decode, or the store failed for good.
    pub fn run(mut self, source: &mut dyn Source, ending: &Ending) -> Result<(), FeedError> {
        const WAIT: Duration = Duration::from_millis(50);
        std::thread::scope(|scope| {
            let (jobs, queue) = bounded::<Job>(JOBS_MAX);
            let worker = Worker {
                topic: self.topic,
                assembler: self.assembler,
                said: self.said.0.clone(),
                under_way: self.under_way.clone(),
            };
            scope.spawn(move || worker.run(&queue));
            let mut looked: Option<Instant> = None;
            while !ending.stop.load(Ordering::Acquire) {
                if looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
                    if let Err(error) = self.assembler.look_for_unmarked() {
                        tracing::debug!(%error, "not known whether there are unmarked reports");
                    }
                    looked = Some(Instant::now());
                }
                self.hear(source)?;
                self.look_again(&jobs, source)?;
                match source.next(WAIT)? {
                    Next::Batch(batch) => self.batch(&batch, &jobs, source)?,
                    Next::Revoked { partitions, lost } => {
                        self.give_up(&partitions, lost, source, &ending.at_once)?;
                        source.release(&partitions)?;
                    }
                    Next::Opened(_) | Next::Incomplete(_) | Next::Idle => {}
                    Next::End => break,
                }
            }
            self.drain(source, &ending.at_once)
        })
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
        self.topic.kept.close();
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

#[cfg(test)]
mod tests {
    use linkloom_ingest::source::RawRecord;

    use super::*;

    /// A batch of so many messages from position 100 on, each with so many traces.
    fn batch(messages: u64, traces: usize) -> RawBatch {
        let mut batch = RawBatch { source: "t".into(), ..RawBatch::default() };
        for number in 0..messages {
            let items: Vec<Handed> =
                (0..traces).map(|trace| Handed::Trace(format!("{number}-{trace}"))).collect();
            let start = batch.bytes.len();
            for (_, message) in handed::messages(&items, 1) {
                batch.bytes.extend_from_slice(&message);
            }
            let end = batch.bytes.len();
            batch.records.push(RawRecord {
                start,
                end,
                full_length: (end - start) as u64,
                position: 100 + number,
                line: 0,
                time: None,
            });
            batch.next_position = 101 + number;
        }
        batch
    }

    /// Traces and next position of each part.
    fn of(batch: &RawBatch) -> Vec<(usize, u64)> {
        let parts = parts(batch).expect("decoded");
        parts.iter().map(|part| (part.items.len(), part.next)).collect()
    }

    #[test]
    fn a_batch_is_committed_in_parts_of_bounded_work() {
        assert_eq!(of(&batch(3, 10)), [(30, 103)], "little of it stays together");
        assert_eq!(of(&batch(20, 10)), [(70, 107), (70, 114), (60, 120)]);
        assert_eq!(of(&batch(2, 500)), [(500, 101), (500, 102)], "a message is not cut");
        assert_eq!(of(&batch(64, 1)), [(64, 164)], "nothing is left over");
        assert_eq!(of(&RawBatch::default()), []);
    }

    #[test]
    fn a_message_that_was_cut_is_told_with_its_place() {
        let mut cut = batch(2, 1);
        cut.records[1].full_length += 1;
        let why = parts(&cut).err().map(|error| error.to_string());
        assert_eq!(why.as_deref(), Some("digests at t[0]@101: it was cut"));
    }
}
