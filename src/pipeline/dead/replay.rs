//! Dead letters decoded again: what is accepted now goes the way of every report and is marked when it is durable.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use linkloom_ingest::decode::{Decoder, Reason};
use linkloom_ingest::source::{Next, Position, RawBatch, RawRecord, Source, SourceError};
use linkloom_schema::answer::RowCursor;
use linkloom_storage::cell::{Cell, CellBatch};
use linkloom_storage::store::{Store, StoreError};

use super::list::ids;
use super::{LetterId, replayed};
use crate::pipeline::{FeedError, FeedFigures};
use crate::service::Service;

/// Name of the source in messages and positions.
const NAME: &str = "dead letters";
/// Bytes of letters in one batch.
const BATCH_BYTES: usize = 4 << 20;
/// Ids looked up at once.
const IDS_AT_ONCE: usize = 1_024;

/// Which dead letters are replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that were not replayed yet.
    All,
    /// These.
    These(Vec<LetterId>),
}

/// What came of a replay; every letter looked at is counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Accepted now, durable and marked as replayed.
    pub replayed: u64,
    /// Replayed before.
    pub before: u64,
    /// Still refused, by reason; they stay as they are.
    pub refused: BTreeMap<Reason, u64>,
    /// Not all their bytes were kept, so they cannot be decoded again.
    pub not_whole: u64,
    /// Ids there is no letter of.
    pub unknown: Vec<LetterId>,
}

impl Replayed {
    /// Letters that are still refused.
    pub fn refused_in_all(&self) -> u64 {
        self.refused.values().sum()
    }
}

/// Decodes dead letters again under the limits of `service` and stores what is accepted.
///
/// Repeating it is harmless: a letter that was accepted is marked once its report is durable; if the process dies in
/// between, the report is stored again under the same identity.
pub fn replay(service: &Service, which: Which) -> Result<Replayed, FeedError> {
    let mut letters = Letters::new(service, which);
    let outcome = service.feed(&mut letters, &FeedFigures::default(), &AtomicBool::new(false))?;
    // The feed goes on after a fault of a source, so that other files are read; there is nothing else here.
    if let Some(error) = outcome.failed.into_iter().next() {
        return Err(error.into());
    }
    service.drain();
    Ok(letters.outcome)
}

/// The letters to be replayed as a source of records.
struct Letters {
    store: Arc<dyn Store>,
    decoder: Decoder,
    which: Which,
    after: Option<RowCursor>,
    waiting: VecDeque<LetterId>,
    name: Arc<str>,
    /// Number of the next record.
    next: u64,
    /// Handed out and not durable yet: the position behind each, and the cell that marks it.
    unmarked: VecDeque<(u64, Cell)>,
    outcome: Replayed,
    done: bool,
}

impl Letters {
    fn new(service: &Service, mut which: Which) -> Self {
        if let Which::These(ids) = &mut which {
            ids.sort_unstable();
            ids.dedup();
        }
        Letters {
            store: service.open().store.clone(),
            decoder: Decoder::new(service.limits().clone()),
            which,
            after: None,
            waiting: VecDeque::new(),
            name: NAME.into(),
            next: 0,
            unmarked: VecDeque::new(),
            outcome: Replayed::default(),
            done: false,
        }
    }

    fn next_id(&mut self) -> Result<Option<LetterId>, StoreError> {
        if self.waiting.is_empty() {
            match &mut self.which {
                Which::These(ids) => self.waiting = std::mem::take(ids).into(),
                Which::All => {
                    self.waiting = ids(&*self.store, "", self.after.as_ref(), IDS_AT_ONCE)?.into();
                    if let Some(LetterId { row, qualifier }) = self.waiting.back().cloned() {
                        self.after = Some(RowCursor { row, qualifier });
                    }
                }
            }
        }
        Ok(self.waiting.pop_front())
    }

    /// The next letters that are accepted; empty at the end.
    fn batch(&mut self) -> Result<RawBatch, StoreError> {
        let mut batch = RawBatch { source: self.name.clone(), ..RawBatch::default() };
        while batch.bytes.len() < BATCH_BYTES {
            let Some(id) = self.next_id()? else { break };
            let Some(letter) = id.read(&*self.store)? else {
                self.outcome.unknown.push(id);
                continue;
            };
            if id.is_replayed(&*self.store)? {
                self.outcome.before += 1;
                continue;
            }
            if !letter.is_whole() {
                self.outcome.not_whole += 1;
                continue;
            }
            if let Err(refusal) = self.decoder.decode(&letter.raw, letter.time) {
                *self.outcome.refused.entry(refusal.reason).or_default() += 1;
                continue;
            }
            let start = batch.bytes.len();
            batch.bytes.extend_from_slice(&letter.raw);
            batch.records.push(RawRecord {
                start,
                end: batch.bytes.len(),
                full_length: letter.full_length,
                position: self.next,
                line: 0,
                time: letter.time,
            });
            self.next += 1;
            self.unmarked.push_back((self.next, replayed(&letter)));
        }
        batch.next_position = self.next;
        Ok(batch)
    }
}

fn failed(op: &'static str, error: &StoreError) -> SourceError {
    SourceError { source_name: NAME.to_owned(), op, cause: error.to_string() }
}

impl Source for Letters {
    fn next(&mut self, _wait: Duration) -> Result<Next, SourceError> {
        if self.done {
            return Ok(Next::End);
        }
        match self.batch() {
            Ok(batch) if batch.records.is_empty() => {
                self.done = true;
                Ok(Next::End)
            }
            Ok(batch) => Ok(Next::Batch(batch)),
            Err(error) => {
                self.done = true;
                Err(failed("read", &error))
            }
        }
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), SourceError> {
        let Some(durable) = positions.iter().filter(|at| at.source == self.name).map(|at| at.next).max()
        else {
            return Ok(());
        };
        let count = self.unmarked.iter().take_while(|(position, _)| *position <= durable).count();
        let cells: Vec<Cell> = self.unmarked.drain(..count).map(|(_, cell)| cell).collect();
        let marked = cells.len() as u64;
        if marked > 0 {
            self.store.write(&CellBatch { cells }).map_err(|error| failed("mark", &error))?;
        }
        self.outcome.replayed += marked;
        Ok(())
    }
}
