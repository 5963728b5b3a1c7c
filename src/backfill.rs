//! A stretch of a topic read again: only what the store lacks goes on, so that doing it twice changes nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use linkloom_ingest::source::kafka::{Bound, RangeSettings};
use linkloom_ingest::source::{Head, Next, Position, RawBatch, Resume, ResumePoint, Source, SourceError};
use linkloom_storage::cell::{Cell, CellBatch, Family, Table};
use linkloom_storage::store::{Store, StoreError};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::verify::{LookUp, VerifySettings};

/// Records looked up at once. More share the packs they are looked for in; fewer take less memory.
const CHUNK_RECORDS: usize = 32_768;

/// What a backfill did so far.
#[derive(Debug, Default)]
pub struct BackfillFigures {
    /// Records read.
    pub read: AtomicU64,
    /// Of them, those that were stored before.
    pub stored_before: AtomicU64,
    /// Offsets passed, for progress.
    pub passed: AtomicU64,
}

/// A source that gives what another one gives, without the records that are in the store.
pub struct Backfill<'s> {
    source: &'s mut dyn Source,
    store: &'s dyn Store,
    look_up: LookUp<'s>,
    figures: &'s BackfillFigures,
    stretch: Remembered,
    /// Batches with the number of records they had before those that are stored were left out.
    ready: VecDeque<(RawBatch, u64)>,
    reached: BTreeMap<u32, u64>,
    rate: Option<Rate>,
    end: Option<Result<(), SourceError>>,
}

impl<'s> Backfill<'s> {
    /// `rate`: records a second at most; 0: as fast as it goes.
    pub fn new(
        source: &'s mut dyn Source,
        store: &'s dyn Store,
        settings: VerifySettings,
        stretch: Remembered,
        rate: u64,
        figures: &'s BackfillFigures,
    ) -> Self {
        Backfill {
            source,
            store,
            look_up: LookUp::new(store, settings),
            figures,
            stretch,
            ready: VecDeque::new(),
            reached: BTreeMap::new(),
            rate: (rate > 0).then(|| Rate { per_second: rate, began: Instant::now(), given: 0 }),
            end: None,
        }
    }

    /// Whether the stretch was read to its end.
    pub fn is_complete(&self) -> bool {
        matches!(self.end, Some(Ok(()))) && self.ready.is_empty()
    }

    /// Reads until there is a chunk, or nothing more comes within the wait, and leaves out what is stored.
    fn fill(&mut self, wait: Duration) -> Result<(), StoreError> {
        let mut batches = Vec::new();
        let mut records = 0;
        let began = Instant::now();
        while records < CHUNK_RECORDS && self.end.is_none() {
            match self.source.next(wait.saturating_sub(began.elapsed())) {
                Ok(Next::Batch(batch)) => {
                    records += batch.records.len();
                    batches.push(batch);
                }
                Ok(Next::End) => self.end = Some(Ok(())),
                Ok(Next::Idle) => break,
                Ok(_) => {}
                Err(error) => self.end = Some(Err(error)),
            }
        }
        let stored = self.look_up.stored(&batches)?;
        let mut stored = stored.into_iter();
        for mut batch in batches {
            let read = batch.records.len() as u64;
            batch.records.retain(|_| !stored.next().unwrap_or(false));
            let before = read - batch.records.len() as u64;
            self.figures.read.fetch_add(read, Ordering::Relaxed);
            self.figures.stored_before.fetch_add(before, Ordering::Relaxed);
            batch.resume = Some(self.stretch.at(batch.partition, batch.next_position));
            self.ready.push_back((batch, read));
        }
        Ok(())
    }
}

impl Source for Backfill<'_> {
    fn next(&mut self, wait: Duration) -> Result<Next, SourceError> {
        if let Some(rate) = &mut self.rate {
            let early = rate.early();
            if !early.is_zero() {
                std::thread::sleep(early.min(wait));
                return Ok(Next::Idle);
            }
        }
        if self.ready.is_empty() && self.end.is_none() {
            let name = self.store.name();
            self.fill(wait).map_err(|error| SourceError {
                source_name: name.to_owned(),
                op: "look into",
                cause: error.to_string(),
            })?;
        }
        let Some((batch, read)) = self.ready.pop_front() else {
            return match &mut self.end {
                None => Ok(Next::Idle),
                Some(Ok(())) => Ok(Next::End),
                // Told once; nothing comes after it.
                Some(end @ Err(_)) => std::mem::replace(end, Ok(())).map(|()| Next::End),
            };
        };
        if let Some(rate) = &mut self.rate {
            rate.given += read;
        }
        let first = batch.records.first().map_or(batch.next_position, |record| record.position);
        let before = self.reached.insert(batch.partition, batch.next_position).unwrap_or(first);
        self.figures.passed.fetch_add(batch.next_position.saturating_sub(before), Ordering::Relaxed);
        Ok(Next::Batch(batch))
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), SourceError> {
        self.source.commit(positions)
    }
}

/// A bound on records a second.
struct Rate {
    per_second: u64,
    began: Instant,
    given: u64,
}

impl Rate {
    /// How long to wait before more may be given.
    fn early(&self) -> Duration {
        let due = Duration::from_secs_f64(self.given as f64 / self.per_second as f64);
        due.saturating_sub(self.began.elapsed())
    }
}

/// How far a stretch of a topic was read, remembered in the store until it was read to its end.
#[derive(Clone, Debug)]
pub struct Remembered {
    topic: String,
    name: String,
}

impl Remembered {
    /// What is remembered of reading this stretch.
    pub fn new(range: &RangeSettings) -> Self {
        let bound = |bound: Bound| match bound {
            Bound::Start => "start".to_owned(),
            Bound::End => "end".to_owned(),
            Bound::Offset(offset) => offset.to_string(),
            Bound::Time(time) => format!("{}us", time.micros()),
        };
        let name = format!("kafka|{}|{}|{}", range.topic, bound(range.from), bound(range.to));
        Remembered { topic: range.topic.clone(), name }
    }

    /// Files have heads of one byte at least.
    fn head(&self, partition: u32) -> Head {
        Head { bytes: 0, hash: xxh3_128(format!("{}|{partition}", self.name).as_bytes()) }
    }

    fn at(&self, partition: u32, next: u64) -> Resume {
        let point = ResumePoint { length: next, lines: 0, hash: 0, refused: 0 };
        Resume { head: self.head(partition), point }
    }

    fn qualifier(&self) -> String {
        format!("{:016x}", xxh3_64(self.topic.as_bytes()))
    }

    /// How far an earlier run came in these partitions before it was interrupted.
    pub fn read_before(
        &self,
        store: &dyn Store,
        partitions: &[u32],
    ) -> Result<BTreeMap<u32, u64>, StoreError> {
        let mut before = BTreeMap::new();
        for &partition in partitions {
            let row = self.head(partition).to_string();
            let Some(value) = store.get(Table::Meta, &row, Family::Link, &self.qualifier())? else {
                continue;
            };
            let point = ResumePoint::from_json(&value).map_err(|error| StoreError::Corrupt {
                store: store.name().to_owned(),
                what: row,
                why: error.to_string(),
            })?;
            if point.length > 0 {
                before.insert(partition, point.length);
            }
        }
        Ok(before)
    }

    /// The stretch was read to its end: the next run begins anew.
    pub fn complete(&self, store: &dyn Store, partitions: &[u32]) -> Result<(), StoreError> {
        let cell = |partition: &u32| Cell {
            table: Table::Meta,
            row: self.head(*partition).to_string(),
            family: Family::Link,
            qualifier: self.qualifier(),
            value: self.at(*partition, 0).point.to_json(),
            expires_by: None,
        };
        store.write(&CellBatch { cells: partitions.iter().map(cell).collect() })
    }
}
