//! What dies with the process: its pipeline, driven one step at a time.

use std::collections::VecDeque;

use linkloom::pipeline::commit::{Covers, InFlight};
use linkloom::pipeline::{dead, with_journal};
use linkloom::service::OpenStore;
use linkloom_assembler::SteppedAssembler;
use linkloom_assembler::watermark::Watermark;
use linkloom_ingest::dead_letter::DeadLetter;
use linkloom_ingest::decode::Decoder;
use linkloom_ingest::source::{Position, RawBatch};
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::Cell;
use linkloom_storage::flush::{Flush, Sealed, Sealer};
use linkloom_storage::memory::MemoryStore;
use linkloom_storage::pack::Compressor;
use linkloom_storage::store::Store as _;

use super::limits;

/// Threads that seal and write, each with what it remembers.
pub(super) const WORKERS: usize = 2;

/// A pipeline with its sink and its assembler.
pub(super) struct Process {
    pub(super) open: OpenStore,
    pub(super) assembler: SteppedAssembler,
    workers: Vec<Worker>,
    queue: VecDeque<Job>,
    decoder: Decoder,
    watermark: Watermark,
    /// Next position of each partition.
    pub(super) next: Vec<u64>,
    flush: Flush,
    records: u64,
    dead: Vec<Cell>,
    covers: Covers,
    pub(super) in_flight: InFlight,
}

struct Worker {
    sealer: Sealer,
    compressor: Compressor,
    job: Option<Job>,
}

/// A flush on its way.
struct Job {
    order: u64,
    flush: Flush,
    records: u64,
    extra: Vec<Cell>,
    watermark: Option<Timestamp>,
    sealed: Option<(u64, Sealed)>,
    is_written: bool,
}

impl Job {
    /// Whether it is sealed and the store has not taken it yet.
    fn is_writing(&self) -> bool {
        self.sealed.is_some() && !self.is_written
    }
}

impl Process {
    /// A process that reads on from what is committed.
    pub(super) fn new(
        open: OpenStore,
        assembler: SteppedAssembler,
        committed: &[u64],
        packs_per_row_max: u32,
        remembered_max: usize,
    ) -> Self {
        let worker = || Worker {
            sealer: Sealer::new(1, packs_per_row_max, remembered_max).expect("a compressor"),
            compressor: Compressor::new(1).expect("a compressor"),
            job: None,
        };
        Process {
            open,
            assembler,
            workers: (0..WORKERS).map(|_| worker()).collect(),
            queue: VecDeque::new(),
            decoder: Decoder::new(limits()),
            watermark: Watermark::new(1_000, 5),
            next: committed.to_vec(),
            flush: Flush::new(),
            records: 0,
            dead: Vec::new(),
            covers: Covers::default(),
            in_flight: InFlight::default(),
        }
    }

    /// Takes a batch in; flushes in the middle of it when the flush is full.
    pub(super) fn take(&mut self, batch: &RawBatch, flush_max: usize, wall_ms: u64) {
        let mut latest = None;
        for record in batch.iter() {
            self.records += 1;
            match self.decoder.decode(record.bytes, record.time) {
                Ok(report) => {
                    self.flush.push(&report);
                    latest = latest.max(report.time);
                }
                Err(refusal) => self.dead.push(dead::cell(&DeadLetter::new(&record, refusal))),
            }
            if self.flush.len() >= flush_max {
                self.submit(wall_ms);
            }
        }
        self.watermark.observe(0, batch.partition, latest, wall_ms);
        self.covers.batch(batch);
        self.next[batch.partition as usize] = batch.next_position;
    }

    /// Whether a worker has sealed a flush and the store has not taken it yet.
    pub(super) fn is_writing(&self, worker: usize) -> bool {
        self.workers[worker].job.as_ref().is_some_and(Job::is_writing)
    }

    /// Sends the flush on its way.
    pub(super) fn submit(&mut self, wall_ms: u64) {
        if self.records == 0 && self.covers.is_empty() {
            return;
        }
        let order = self.in_flight.begin(std::mem::take(&mut self.covers));
        self.queue.push_back(Job {
            order,
            flush: std::mem::take(&mut self.flush),
            records: std::mem::take(&mut self.records),
            extra: std::mem::take(&mut self.dead),
            watermark: self.watermark.at(wall_ms),
            sealed: None,
            is_written: false,
        });
    }

    /// Takes a flush, or seals the one there is, or writes it, or hands its digests over; returns what can be committed.
    pub(super) fn work(&mut self, which: usize, store: &MemoryStore, wall_ms: u64) -> Vec<Position> {
        let worker = &mut self.workers[which];
        let Some(job) = &mut worker.job else {
            worker.job = self.queue.pop_front();
            return Vec::new();
        };
        let Some((number, sealed)) = &mut job.sealed else {
            let number = self.assembler.next_flush();
            let extra = std::mem::take(&mut job.extra);
            let dead = extra.len() as u64;
            let sealed = worker.sealer.seal(&job.flush);
            let sealed = with_journal(Some(number), sealed, extra, &mut worker.compressor);
            assert_eq!(job.records, sealed.stored + sealed.duplicates + dead, "nothing vanishes");
            job.sealed = Some((number, sealed));
            return Vec::new();
        };
        if !job.is_written {
            job.is_written = store.write(&sealed.batch).is_ok();
            return Vec::new();
        }
        if self.assembler.accept(*number, &sealed.digests, job.watermark, wall_ms).is_none() {
            return Vec::new();
        }
        let order = job.order;
        worker.job = None;
        self.in_flight.durable(order)
    }
}
