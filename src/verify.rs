//! Law 3, proved identity by identity: every record of a source is in the store, as a report or as a dead letter.
//!
//! Records are decoded again and looked up in the row each belongs to, a chunk at a time: the packs of a row that can
//! hold one of the chunk's reports are read once for all of them. Memory is that of one chunk and one pack, whatever the
//! source holds.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use linkloom_ingest::dead_letter::RAW_BYTES_MAX;
use linkloom_ingest::decode::{Decoder, Limits};
use linkloom_ingest::source::{Incomplete, Next, Origin, RawBatch, Record, Source, SourceError};
use linkloom_schema::report::{Identity, Report, decode_stored};
use linkloom_schema::route::Route;
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Family, Table};
use linkloom_storage::read::{PackKey, PackRows, list_packs, read_pack};
use linkloom_storage::store::{Rows, Scan, Store, StoreError};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use crate::pipeline::dead;

/// Missing records that are named.
pub const MISSING_NAMED_MAX: usize = 20;

/// How records are looked up.
#[derive(Clone, Debug)]
pub struct VerifySettings {
    /// Limits of reports, those they were ingested under.
    pub limits: Limits,
    /// Bytes of a refused record that its dead letter keeps, as when it was ingested.
    pub dead_letter_bytes_max: usize,
    /// Records looked up at once: what is held of each, and the keys of the rows they belong to, bound the memory.
    pub chunk_records: usize,
    /// Identities remembered to tell repeated reports, 8 bytes each in a hash set. Beyond it only those remembered are
    /// known again, the others count as stored.
    pub remembered_max: usize,
}

impl Default for VerifySettings {
    fn default() -> Self {
        VerifySettings {
            limits: Limits::default(),
            dead_letter_bytes_max: RAW_BYTES_MAX,
            chunk_records: 131_072,
            remembered_max: 7_000_000,
        }
    }
}

/// What came of the records: `read = stored + duplicates + dead + expired + missing`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Records in the source.
    pub read: u64,
    /// Stored in the row they belong to.
    pub stored: u64,
    /// Stored, and in the source before.
    pub duplicates: u64,
    /// So many reports that not all could be remembered: some duplicates may be counted as stored.
    pub duplicates_at_least: bool,
    /// Refused, with their dead letter in the store.
    pub dead: u64,
    /// Past the retention of the store.
    pub expired: u64,
    /// Neither: lost.
    pub missing: u64,
    /// The first of them.
    pub first_missing: Vec<Missing>,
}

/// A record that is not in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// `file:line`.
    pub origin: String,
    /// What it is, and where it should be.
    pub what: String,
}

/// What was said about the source itself.
#[derive(Debug, Default)]
pub struct SourceNotes {
    /// Files that end in half a line.
    pub incomplete: Vec<Incomplete>,
    /// Inputs that could not be read to their end.
    pub failed: Vec<SourceError>,
}

/// Looks up every record of `source` in `store`. `progress` is told the number of records after each chunk.
///
/// Errors: the store cannot be read. Inputs that cannot be read are in the notes; the others are verified.
pub fn verify(
    store: &dyn Store,
    source: &mut dyn Source,
    settings: &VerifySettings,
    progress: &mut dyn FnMut(u64),
) -> Result<(Verified, SourceNotes), StoreError> {
    const WAIT: Duration = Duration::from_millis(100);
    let mut verifier = Verifier::new(store, settings.clone());
    let mut notes = SourceNotes::default();
    loop {
        match source.next(WAIT) {
            Ok(Next::Batch(batch)) => {
                verifier.batch(&batch);
                if verifier.chunk.records.len() >= settings.chunk_records {
                    verifier.look_up()?;
                    progress(verifier.verified.read);
                }
            }
            Ok(Next::Opened(_) | Next::Idle | Next::Revoked { .. }) => {}
            Ok(Next::Incomplete(incomplete)) => notes.incomplete.push(incomplete),
            Ok(Next::End) => break,
            Err(error) => notes.failed.push(error),
        }
    }
    verifier.look_up()?;
    progress(verifier.verified.read);
    Ok((verifier.verified, notes))
}

/// Tells which records are in a store, for those who want to store only the others.
pub struct LookUp<'s>(Verifier<'s>);

impl<'s> LookUp<'s> {
    /// Looks into `store`, under the settings the records are ingested with.
    pub fn new(store: &'s dyn Store, settings: VerifySettings) -> Self {
        LookUp(Verifier::new(store, settings))
    }

    /// For each record of the batches, in order, whether it is stored: as a report in its row, or, if it is refused, as
    /// the dead letter of its origin. A report that was refused before counts as not stored.
    pub fn stored(&mut self, batches: &[RawBatch]) -> Result<Vec<bool>, StoreError> {
        batches.iter().for_each(|batch| self.0.batch(batch));
        let mut chunk = std::mem::take(&mut self.0.chunk);
        for (row, records) in chunk.rows.iter().zip(&chunk.of_row) {
            self.0.reports(row, records, &mut chunk.records)?;
        }
        for wanted in &mut chunk.records {
            if matches!(wanted.what, What::Refused { .. }) {
                wanted.found = self.0.has_own_letter(wanted)?;
            }
        }
        Ok(chunk.records.iter().map(|wanted| wanted.found).collect())
    }
}

/// A record of the chunk.
struct Wanted {
    source: Arc<str>,
    partition: u32,
    position: u64,
    line: u64,
    /// What its dead letter would be told by.
    content: u64,
    what: What,
    found: bool,
}

enum What {
    Report { identity: Identity, time: Option<Timestamp>, row: u32 },
    Refused { reason: &'static str },
}

/// A row, in one family, with the records of the chunk that belong there.
type RowOf = (Table, String, Family);

#[derive(Default)]
struct Chunk {
    records: Vec<Wanted>,
    rows: Vec<RowOf>,
    row_index: FxHashMap<RowOf, u32>,
    of_row: Vec<Vec<u32>>,
}

struct Verifier<'s> {
    store: &'s dyn Store,
    horizon: Option<Timestamp>,
    settings: VerifySettings,
    decoder: Decoder,
    chunk: Chunk,
    seen: FxHashSet<u64>,
    verified: Verified,
}

fn row_of(report: &Report<'_>) -> RowOf {
    let family = Family::of(report.kind);
    match Route::of(report) {
        Route::Marked(mark) => (Table::Link, row_key::link(mark), family),
        Route::Trace(trace) => (Table::Unlinked, row_key::unlinked_trace(trace), family),
        Route::Unlinked { service, hour } => {
            (Table::Unlinked, row_key::unlinked_service(service, hour), family)
        }
    }
}

impl<'s> Verifier<'s> {
    fn new(store: &'s dyn Store, settings: VerifySettings) -> Self {
        Verifier {
            store,
            horizon: store.horizon(),
            decoder: Decoder::new(settings.limits.clone()),
            settings,
            chunk: Chunk::default(),
            seen: FxHashSet::default(),
            verified: Verified::default(),
        }
    }

    /// Whether the dead letter of a record is where the record came from.
    fn has_own_letter(&self, wanted: &Wanted) -> Result<bool, StoreError> {
        let row = row_key::dead(&wanted.source, wanted.partition, wanted.position);
        let qualifier = format!("{:016x}", wanted.content);
        Ok(self.store.get(Table::Dead, &row, Family::Link, &qualifier)?.is_some())
    }

    fn batch(&mut self, batch: &RawBatch) {
        for record in batch.iter() {
            self.verified.read += 1;
            let what = self.what(&record);
            if let What::Report { row, .. } = what {
                self.chunk.of_row[row as usize].push(self.chunk.records.len() as u32);
            }
            self.chunk.records.push(Wanted {
                source: batch.source.clone(),
                partition: batch.partition,
                position: record.origin.position,
                line: record.origin.line.unwrap_or(0),
                content: self.content(&record),
                what,
                found: false,
            });
        }
    }

    /// What the dead letter of a record is told by.
    fn content(&self, record: &Record<'_>) -> u64 {
        let kept = record.bytes.len().min(self.settings.dead_letter_bytes_max);
        dead::content(&record.bytes[..kept], record.full_length)
    }

    fn what(&mut self, record: &Record<'_>) -> What {
        match self.decoder.decode_record(record) {
            Err(refusal) => What::Refused { reason: refusal.reason.as_str() },
            Ok(report) => {
                let key = row_of(&report);
                let row = match self.chunk.row_index.get(&key) {
                    Some(row) => *row,
                    None => {
                        let row = self.chunk.rows.len() as u32;
                        self.chunk.rows.push(key.clone());
                        self.chunk.row_index.insert(key, row);
                        self.chunk.of_row.push(Vec::new());
                        row
                    }
                };
                What::Report { identity: report.identity, time: report.time, row }
            }
        }
    }

    /// Looks the records of the chunk up, counts them and empties it.
    fn look_up(&mut self) -> Result<(), StoreError> {
        let mut chunk = std::mem::take(&mut self.chunk);
        for (row, records) in chunk.rows.iter().zip(&chunk.of_row) {
            self.reports(row, records, &mut chunk.records)?;
        }
        self.dead_letters(&mut chunk.records)?;
        for wanted in &chunk.records {
            self.count(wanted, &chunk.rows);
        }
        Ok(())
    }

    /// Finds the reports of one row.
    fn reports(&self, row: &RowOf, wanted: &[u32], records: &mut [Wanted]) -> Result<(), StoreError> {
        let mut by_identity: FxHashMap<Identity, Vec<u32>> = FxHashMap::default();
        let mut times = Vec::with_capacity(wanted.len());
        let mut untimed = false;
        for &index in wanted {
            let What::Report { identity, time, .. } = records[index as usize].what else { continue };
            by_identity.entry(identity).or_default().push(index);
            match time {
                Some(time) => times.push(time),
                None => untimed = true,
            }
        }
        times.sort_unstable();
        // A report without a time of its own may have got one from another source it came through.
        let may_hold = |pack: &PackKey| {
            let timed = |(first, last)| {
                let next = times.partition_point(|time| *time < first);
                times.get(next).is_some_and(|time| *time <= last)
            };
            untimed || pack.name.span.is_none_or(timed)
        };
        let (table, key, family) = row;
        let mark = match table {
            Table::Link => {
                let corrupt = |error: row_key::BadRowKey| self.corrupt(key, &error);
                Some(row_key::decode_link(key).map_err(corrupt)?.0)
            }
            _ => None,
        };
        let rows = PackRows::find(self.store, *table, key)?;
        for pack in list_packs(self.store, rows, *family, None)?.iter().filter(|pack| may_hold(pack)) {
            if by_identity.is_empty() {
                break;
            }
            let text = read_pack(self.store, pack)?;
            for line in text.lines() {
                let report = decode_stored(line.as_bytes(), mark.as_ref().map(|mark| mark.as_ref()))
                    .map_err(|why| self.corrupt(&pack.row, &why))?;
                for index in by_identity.remove(&report.identity).unwrap_or_default() {
                    records[index as usize].found = true;
                }
            }
        }
        Ok(())
    }

    /// Finds the dead letters of what is no stored report: where the record came from, else anywhere (the file may have
    /// had another name, or the record was refused under other limits).
    fn dead_letters(&self, records: &mut [Wanted]) -> Result<(), StoreError> {
        let mut by_content: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
        for (index, wanted) in records.iter_mut().enumerate().filter(|(_, wanted)| !wanted.found) {
            if matches!(wanted.what, What::Refused { .. }) {
                wanted.found = self.has_own_letter(wanted)?;
            }
            if !wanted.found && !wanted.is_expired(self.horizon) {
                by_content.entry(wanted.content).or_default().push(index as u32);
            }
        }
        if by_content.is_empty() {
            return Ok(());
        }
        self.store.scan(&Scan::new(Table::Dead, Rows::Prefix("")).keys_only(), &mut |cell| {
            let found = dead::content_of(cell.qualifier).and_then(|content| by_content.remove(&content));
            for index in found.unwrap_or_default() {
                let wanted = &mut records[index as usize];
                wanted.found = true;
                if matches!(wanted.what, What::Report { .. }) {
                    wanted.what = What::Refused { reason: "" };
                }
            }
            if by_content.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }

    fn count(&mut self, wanted: &Wanted, rows: &[RowOf]) {
        let verified = &mut self.verified;
        match wanted.what {
            What::Refused { .. } if wanted.found => verified.dead += 1,
            What::Report { identity, .. } if wanted.found => {
                let name = identity.0 as u64 ^ (identity.0 >> 64) as u64;
                if self.seen.contains(&name) {
                    verified.duplicates += 1;
                    return;
                }
                verified.stored += 1;
                if self.seen.len() < self.settings.remembered_max {
                    self.seen.insert(name);
                } else {
                    verified.duplicates_at_least = true;
                }
            }
            _ if wanted.is_expired(self.horizon) => verified.expired += 1,
            _ => {
                verified.missing += 1;
                if verified.first_missing.len() < MISSING_NAMED_MAX {
                    verified.first_missing.push(wanted.missing(rows));
                }
            }
        }
    }

    fn corrupt(&self, what: &str, why: &dyn std::fmt::Display) -> StoreError {
        StoreError::Corrupt {
            store: self.store.name().to_owned(),
            what: what.to_owned(),
            why: why.to_string(),
        }
    }
}

impl Wanted {
    fn is_expired(&self, horizon: Option<Timestamp>) -> bool {
        match self.what {
            What::Report { time: Some(time), .. } => horizon.is_some_and(|horizon| time < horizon),
            _ => false,
        }
    }

    fn missing(&self, rows: &[RowOf]) -> Missing {
        let origin = Origin {
            source: &self.source,
            partition: self.partition,
            position: self.position,
            line: (self.line > 0).then_some(self.line),
        };
        let what = match self.what {
            What::Report { identity, row, .. } => {
                let (table, key, family) = &rows[row as usize];
                let kind = if *family == Family::Nodes { "node report" } else { "business log" };
                format!("{kind} {:032x}, expected in table {}, row {key}", identity.0, table.name())
            }
            What::Refused { reason } => {
                let row = row_key::dead(&self.source, self.partition, self.position);
                format!("refused ({reason}), its dead letter is expected in table dead, row {row}")
            }
        };
        Missing { origin: origin.to_string(), what }
    }
}
