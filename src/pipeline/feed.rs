//! One pipeline: a source read, decoded and classified on the calling thread, flushed through the shared [`Sink`], and
//! committed when durable.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use linkloom_assembler::catch_up::{LONGER, is_long_ago};
use linkloom_assembler::watermark::Watermark;
use linkloom_ingest::dead_letter::DeadLetter;
use linkloom_ingest::decode::{Decoder, Limits, Reason, Refusal};
use linkloom_ingest::source::{Incomplete, Next, Opened, RawBatch, Record, Source, SourceError};
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Cell, CellBatch};
use linkloom_storage::flush::Flush;
use linkloom_storage::store::Store;

use super::commit::{Covers, InFlight};
use super::reach::Reach;
use super::sink::{Done, Job, SILENCE, Sink};

/// When a flush is full, and what a report may be.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// Reports in a flush.
    pub reports_max: usize,
    /// Bytes in a flush, dead letters included.
    pub bytes_max: usize,
    /// A flush goes on its way this long after its oldest report was read, or when a thread is free to take it. What is
    /// caught up on waits [`LONGER`] times as long while more of it is at hand: nobody waits for it to be shown,
    /// and a larger flush makes fewer and larger packs.
    pub delay: Duration,
    /// Limits of reports.
    pub limits: Limits,
    /// Bytes of a refused record that its dead letter keeps.
    pub dead_letter_bytes_max: usize,
}

/// The event time all pipelines of a process have reached, over all their partitions.
pub struct SharedWatermark {
    started: Instant,
    watermark: Mutex<Watermark>,
    sources: AtomicU32,
}

impl SharedWatermark {
    /// `partition_idle_ms`: silence after which a partition does not hold it up; `out_of_order_ms`: disorder it allows for.
    pub fn new(partition_idle_ms: u64, out_of_order_ms: u64) -> Self {
        SharedWatermark {
            started: Instant::now(),
            watermark: Mutex::new(Watermark::new(partition_idle_ms, out_of_order_ms)),
            sources: AtomicU32::new(0),
        }
    }

    fn with<T>(&self, then: impl FnOnce(&mut Watermark, u64) -> T) -> T {
        let wall_ms = self.started.elapsed().as_millis() as u64;
        then(&mut self.watermark.lock().unwrap_or_else(PoisonError::into_inner), wall_ms)
    }
}

/// Numbers of one or several pipelines (law 3): `read = stored + duplicates + dead`, once all flushes are durable.
#[derive(Debug, Default)]
pub struct FeedFigures {
    /// Records read.
    pub read: AtomicU64,
    /// Those of them that an earlier process read already.
    pub replayed: AtomicU64,
    /// Bytes of them.
    pub read_bytes: AtomicU64,
    /// Reports stored.
    pub stored: AtomicU64,
    /// Reports that stood in the same pack already. One that an earlier flush stored counts as stored once more: readers
    /// merge the two.
    pub duplicates: AtomicU64,
    /// Records that became dead letters.
    pub dead: AtomicU64,
    /// The same, by reason.
    pub dead_by_reason: [AtomicU64; Reason::ALL.len()],
    /// Reports whose own time was absent or absurd.
    pub times_substituted: AtomicU64,
    /// Payloads that were cut.
    pub payloads_cut: AtomicU64,
    /// Link marks with more than two separators.
    pub marks_with_more_separators: AtomicU64,
    /// Position reached in the current file, in bytes.
    pub position: AtomicU64,
    /// Size of the current file, 0 when not known.
    pub size: AtomicU64,
}

fn add(figure: &AtomicU64, count: u64) {
    figure.fetch_add(count, Ordering::Relaxed);
}

/// What ended a pipeline early.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The source cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What another process handed over cannot be read.
    #[error("digests at {0}")]
    Digests(String),
    /// A flush could not be stored; nothing from it on was committed.
    #[error("the store took no more reports; what was not stored is read again the next time")]
    NotStored,
}

/// What came of a pipeline beside its figures.
#[derive(Debug, Default)]
pub struct FeedOutcome {
    /// Files that end in half a line.
    pub incomplete: Vec<Incomplete>,
    /// Files that were opened, with the position reading began at.
    pub opened: Vec<Opened>,
    /// Inputs that could not be read (to the end).
    pub failed: Vec<SourceError>,
    /// Records that were refused, by source.
    pub refused: BTreeMap<String, u64>,
    /// The first record that was refused for a reason: where it is and what is wrong with it.
    pub first_refused: BTreeMap<Reason, String>,
}

/// A pipeline at work.
pub struct Feed<'p> {
    store: &'p Arc<dyn Store>,
    sink: &'p Sink,
    settings: &'p FeedSettings,
    figures: &'p FeedFigures,
    decoder: Decoder,
    watermark: &'p SharedWatermark,
    /// Number of this pipeline's source in the watermark.
    number: u32,
    /// Numbers of the partitions that are read, in the watermark; of files, which come one after another, the current one.
    partitions: BTreeMap<(Arc<str>, u32), u32>,
    partitions_seen: u32,
    flush: Option<Flush>,
    dead: Vec<Cell>,
    dead_bytes: usize,
    oldest: Option<Instant>,
    /// Whether the last batch was of reports to catch up on, and more is at hand.
    catching_up: bool,
    /// Last position per partition in the flush being filled, and what to remember of its files.
    covers: Covers,
    reach: Reach,
    in_flight: InFlight,
    refused: BTreeMap<String, u64>,
    /// How many of them the current file had before it was opened this time.
    refused_before: u64,
    first_refused: BTreeMap<Reason, String>,
    done: (Sender<Done>, Receiver<Done>),
    /// The buffer that is to be filled next.
    spare: Vec<Flush>,
    /// Flushes whose buffer is not back yet.
    unsealed: usize,
    /// Flushes that are not stored yet.
    unstored: usize,
}

impl Drop for Feed<'_> {
    fn drop(&mut self) {
        let (number, partitions) = (self.number, &self.partitions);
        self.watermark
            .with(|mark, _| partitions.values().for_each(|&partition| mark.forget(number, partition)));
    }
}

impl<'p> Feed<'p> {
    /// A pipeline that writes through `sink`.
    pub fn new(
        store: &'p Arc<dyn Store>,
        sink: &'p Sink,
        settings: &'p FeedSettings,
        figures: &'p FeedFigures,
        watermark: &'p SharedWatermark,
    ) -> Self {
        Feed {
            store,
            sink,
            settings,
            figures,
            decoder: Decoder::new(settings.limits.clone()),
            watermark,
            number: watermark.sources.fetch_add(1, Ordering::Relaxed),
            partitions: BTreeMap::new(),
            partitions_seen: 0,
            flush: None,
            dead: Vec::new(),
            dead_bytes: 0,
            oldest: None,
            catching_up: false,
            covers: Covers::default(),
            reach: Reach::default(),
            in_flight: InFlight::default(),
            refused: BTreeMap::new(),
            refused_before: 0,
            first_refused: BTreeMap::new(),
            done: unbounded(),
            spare: Vec::new(),
            unsealed: 0,
            unstored: 0,
        }
    }

    /// Reads the source to its end, or until `stop` is set; returns when everything read is durable and committed.
    ///
    /// Errors: `NotStored` ends it at once. Inputs that cannot be read are in the outcome; the others are
    /// read.
    pub fn run(mut self, source: &mut dyn Source, stop: &AtomicBool) -> Result<FeedOutcome, FeedError> {
        const WAIT_MAX: Duration = Duration::from_millis(50);
        /// A flush that is due and waits for a free thread is looked at this often while nothing comes in.
        const WAIT_DUE: Duration = Duration::from_millis(2);
        let mut outcome = FeedOutcome::default();
        while !stop.load(Ordering::Acquire) {
            self.take_done(source)?;
            let wait =
                self.oldest.map_or(WAIT_MAX, |oldest| self.settings.delay.saturating_sub(oldest.elapsed()));
            match source.next(wait.clamp(WAIT_DUE, WAIT_MAX)) {
                Ok(Next::Batch(batch)) => self.batch(&batch, source)?,
                Ok(Next::Revoked { partitions, lost }) => self.give_up(&partitions, lost, source)?,
                Ok(Next::Opened(opened)) => {
                    self.partitions.clear();
                    self.partitions_seen = 0;
                    self.figures.size.store(opened.size.unwrap_or(0), Ordering::Relaxed);
                    self.figures.position.store(opened.position, Ordering::Relaxed);
                    self.refused_before = self.refused.get(&*opened.source).copied().unwrap_or(0);
                    outcome.opened.push(opened);
                }
                Ok(Next::Incomplete(incomplete)) => outcome.incomplete.push(incomplete),
                Ok(Next::Idle) => self.catching_up = false,
                Ok(Next::End) => break,
                Err(error) => outcome.failed.push(error),
            }
            let delay = self.settings.delay * if self.catching_up { LONGER } else { 1 };
            let is_due = self.oldest.is_some_and(|oldest| oldest.elapsed() >= delay);
            // While all threads are busy it would only wait for one: it goes on growing, and costs less a report.
            if is_due && self.sink.has_free_thread() {
                self.submit(source)?;
            }
        }
        self.submit(source)?;
        while self.unstored > 0 {
            self.wait_done(source)?;
        }
        if self.sink.is_keyed() {
            // Nothing more comes that a summary could wait for.
            self.sink.sum_up();
        }
        self.drain(source)?;
        let cells: Vec<Cell> = self.in_flight.resume_cells().collect();
        if !cells.is_empty() {
            let batch = CellBatch { cells };
            self.sink.retrying(|| self.store.write(&batch)).ok_or(FeedError::NotStored)?;
        }
        outcome.refused = std::mem::take(&mut self.refused);
        outcome.first_refused = std::mem::take(&mut self.first_refused);
        Ok(outcome)
    }

    /// Stores everything that was read; returns when it is durable and committed.
    fn drain(&mut self, source: &mut dyn Source) -> Result<(), FeedError> {
        self.submit(source)?;
        while self.unstored > 0 || !self.in_flight.is_empty() {
            self.wait_done(source)?;
        }
        Ok(())
    }

    /// Partitions go to somebody else, who is to begin behind everything that was read of them here.
    fn give_up(
        &mut self,
        partitions: &[(Arc<str>, u32)],
        lost: bool,
        source: &mut dyn Source,
    ) -> Result<(), FeedError> {
        if lost && self.sink.is_keyed() {
            // Their executions are summed up by somebody else already.
            self.submit(source)?;
            while self.unstored > 0 {
                self.wait_done(source)?;
            }
            self.in_flight.abandon();
        } else {
            self.drain(source)?;
        }
        if self.sink.is_keyed() {
            self.sink.forget();
        }
        for partition in partitions {
            if let Some(lane) = self.partitions.remove(partition) {
                self.watermark.with(|mark, _| mark.forget(self.number, lane));
            }
        }
        Ok(source.release(partitions)?)
    }

    /// The number of a batch's partition in the watermark.
    fn lane(&mut self, batch: &RawBatch) -> u32 {
        let seen = &mut self.partitions_seen;
        *self.partitions.entry((batch.source.clone(), batch.partition)).or_insert_with(|| {
            *seen += 1;
            *seen - 1
        })
    }

    fn batch(&mut self, batch: &RawBatch, source: &mut dyn Source) -> Result<(), FeedError> {
        let mut latest = None;
        self.oldest.get_or_insert_with(Instant::now);
        for record in batch.iter() {
            latest = latest.max(self.record(&record));
            if self.is_full() {
                // The batch goes on in the next flush: this one covers nothing of it yet.
                self.submit(source)?;
                self.oldest.get_or_insert_with(Instant::now);
            }
        }
        self.catching_up = latest.is_some_and(|latest| is_long_ago(latest, crate::expiry::now()));
        let lane = self.lane(batch);
        self.watermark.with(|mark, wall_ms| mark.observe(self.number, lane, latest, wall_ms));
        self.covers.batch(batch);
        if let Some(count) = self.refused.get(&*batch.source) {
            self.covers.refused(batch, count.saturating_sub(self.refused_before));
        }
        if batch.resume.is_some() || source.positions_last() {
            // The first batch of a partition asks the store, which may be away just then.
            let (store, reach, mut alive) = (&**self.store, &mut self.reach, Ok(()));
            let replayed = self.sink.retrying(|| {
                reach.replayed(store, batch).or_else(|error| {
                    alive = source.keep_alive();
                    if alive.is_err() { Ok(0) } else { Err(error) }
                })
            });
            alive?;
            add(&self.figures.replayed, replayed.ok_or(FeedError::NotStored)?);
        }
        self.count(batch);
        Ok(())
    }

    fn count(&mut self, batch: &RawBatch) {
        let tally = std::mem::take(&mut self.decoder.tally);
        let figures = self.figures;
        for (figure, count) in [
            (&figures.read, batch.records.len() as u64),
            (&figures.read_bytes, batch.bytes.len() as u64),
            (&figures.times_substituted, tally.times_substituted),
            (&figures.payloads_cut, tally.payloads_cut),
            (&figures.marks_with_more_separators, tally.marks_with_more_separators),
        ] {
            add(figure, count);
        }
        figures.position.store(batch.next_position, Ordering::Relaxed);
    }

    /// Puts one record into the flush, or among the dead letters. Returns its event time.
    fn record(&mut self, record: &Record<'_>) -> Option<Timestamp> {
        match self.decoder.decode_record(record) {
            Ok(report) => {
                self.flush.get_or_insert_default().push(&report);
                report.time
            }
            Err(refusal) => {
                self.refuse(record, refusal);
                None
            }
        }
    }

    #[cold]
    fn refuse(&mut self, record: &Record<'_>, refusal: Refusal) {
        add(&self.figures.dead, 1);
        add(&self.figures.dead_by_reason[refusal.reason as usize], 1);
        match self.refused.get_mut(record.origin.source) {
            Some(count) => *count += 1,
            None => {
                self.refused.insert(record.origin.source.to_owned(), 1);
            }
        }
        let first = self.first_refused.entry(refusal.reason);
        first.or_insert_with(|| format!("{}: {}", record.origin, refusal.detail));
        let kept = record.bytes.len().min(self.settings.dead_letter_bytes_max);
        let letter = DeadLetter::new(&Record { bytes: &record.bytes[..kept], ..*record }, refusal);
        let cell = super::dead::cell(&letter);
        self.dead_bytes += cell.value.len();
        self.dead.push(cell);
    }

    fn is_full(&self) -> bool {
        let (reports, bytes) = self.flush.as_ref().map_or((0, 0), |flush| (flush.len(), flush.bytes()));
        reports >= self.settings.reports_max || bytes + self.dead_bytes >= self.settings.bytes_max
    }

    /// Sends the flush on its way, even if it only covers positions; waits for a free buffer.
    fn submit(&mut self, source: &mut dyn Source) -> Result<(), FeedError> {
        self.oldest = None;
        let nothing =
            self.flush.as_ref().is_none_or(Flush::is_empty) && self.dead.is_empty() && self.covers.is_empty();
        if nothing {
            return Ok(());
        }
        let mut extra = std::mem::take(&mut self.dead);
        self.dead_bytes = 0;
        extra.extend(self.reach.cells(self.covers.positions()));
        let order = self.in_flight.begin(std::mem::take(&mut self.covers));
        extra.extend(self.in_flight.resume_cells());
        let job = Job {
            order,
            flush: self.flush.take().unwrap_or_default(),
            extra,
            watermark: self.watermark.with(|mark, wall_ms| mark.at(wall_ms)),
            answer: self.done.0.clone(),
        };
        self.sink.submit(job, || source.keep_alive())?;
        self.unsealed += 1;
        self.unstored += 1;
        while self.unsealed >= self.sink.buffers_max() && self.spare.is_empty() {
            self.wait_done(source)?;
        }
        self.flush = self.spare.pop();
        Ok(())
    }

    fn take_done(&mut self, source: &mut dyn Source) -> Result<(), FeedError> {
        while let Ok(done) = self.done.1.try_recv() {
            self.finish(done, source)?;
        }
        Ok(())
    }

    fn wait_done(&mut self, source: &mut dyn Source) -> Result<(), FeedError> {
        loop {
            match self.done.1.recv_timeout(SILENCE) {
                Ok(done) => return self.finish(done, source),
                Err(RecvTimeoutError::Timeout) => source.keep_alive()?,
                // This feed holds a sender, so the channel stays open.
                Err(RecvTimeoutError::Disconnected) => return Err(FeedError::NotStored),
            }
        }
    }

    fn finish(&mut self, done: Done, source: &mut dyn Source) -> Result<(), FeedError> {
        match done {
            Done::Sealed(flush) => {
                self.unsealed -= 1;
                self.spare.push(*flush);
            }
            Done::Stored(counts) => {
                self.unstored -= 1;
                let (stored, duplicates) = counts.ok_or(FeedError::NotStored)?;
                add(&self.figures.stored, stored);
                add(&self.figures.duplicates, duplicates);
            }
            Done::Safe { order } => {
                let positions = self.in_flight.durable(order);
                if !positions.is_empty() {
                    source.commit(&positions)?;
                }
            }
        }
        Ok(())
    }
}
