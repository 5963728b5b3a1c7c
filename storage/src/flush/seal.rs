//! From a full flush to cells and digests.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use linkloom_schema::digest;
use linkloom_schema::hour::Hour;
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::{Flush, NO_NODE, Owner, RowDigest, RowId, Touched, UNTIMED};
use crate::cell::{Cell, CellBatch, Family, Table};
use crate::note;
use crate::pack::{Compressor, NAMED_NODE_BYTES_MIN, PACK_BYTES_MAX, PackText};

/// Family, qualifier, value and time of a pack that has no row yet.
type PackCell = (Family, String, Vec<u8>, Option<Timestamp>);

/// A sealed flush.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// The packs, and the `trace` rows that tie executions to traces.
    pub batch: CellBatch,
    /// One digest a row.
    pub digests: Vec<RowDigest>,
    /// Reports in the packs.
    pub stored: u64,
    /// Reports that stood in the same pack already.
    pub duplicates: u64,
    /// Packs made.
    pub packs: u64,
}

/// Seals flushes: holds what is remembered from one to the next, all of it bounded and none of it needed for
/// correctness.
pub struct Sealer {
    level: i32,
    compressor: Compressor,
    packs_per_row_max: u32,
    remembered: Arc<Mutex<Remembered>>,
    remembered_max: usize,
    text: Vec<u8>,
}

/// What sealers of one store remember together.
#[derive(Default)]
struct Remembered {
    /// The turn that comes next.
    turn: u64,
    /// Packs written per row so far, for the overflow chunk.
    packs_of: FxHashMap<RowId, u32>,
    /// `trace` rows and notes written lately, and in which turn.
    written: FxHashMap<u64, u64>,
}

impl Sealer {
    /// `level`: zstd level; `packs_per_row_max`: packs in one row before an overflow row begins; `remembered_max`: rows
    /// and traces remembered, at the limit all are forgotten (rows start counting anew, trace rows are written again).
    pub fn new(level: i32, packs_per_row_max: u32, remembered_max: usize) -> std::io::Result<Self> {
        Ok(Sealer {
            level,
            compressor: Compressor::new(level)?,
            packs_per_row_max: packs_per_row_max.max(1),
            remembered: Arc::default(),
            remembered_max,
            text: Vec::new(),
        })
    }

    /// Another sealer for the same store, for another thread: what one of them wrote the other need not write again.
    pub fn another(&self) -> std::io::Result<Self> {
        let another = Sealer::new(self.level, self.packs_per_row_max, self.remembered_max)?;
        Ok(Sealer { remembered: self.remembered.clone(), ..another })
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        // What a panic leaves of it is true still.
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the next flush, among those of all sealers that share what they remember.
    pub fn next_turn(&self) -> u64 {
        let mut remembered = self.remembered();
        remembered.turn += 1;
        remembered.turn - 1
    }

    /// Makes the cells and digests of a flush. The flush is left as it is (sorted): clear it to use it again.
    pub fn seal(&mut self, flush: &Flush) -> Sealed {
        self.seal_in_turn(self.next_turn(), flush)
    }

    /// The same in a turn that was [taken](Sealer::next_turn) before. The digests of flushes are to be handed over in the
    /// order of their turns: a `trace` row that stands in an earlier flush is not in this one.
    pub fn seal_in_turn(&mut self, turn: u64, flush: &Flush) -> Sealed {
        let mut sealed = Sealed::default();
        let (mut order, ends) = by_group(flush);
        let mut at = 0;
        let mut row_cells = Vec::new();
        // The row a node was seen in last: nodes that report come before those that logs name.
        let mut seen_in = vec![usize::MAX; flush.nodes.len()];
        for (index, row) in flush.rows.iter().enumerate() {
            let (table, key) = row.owner.table_and_row();
            let Touched { first, last, .. } = flush.touched[index];
            let span = (first <= last).then_some((Timestamp(first), Timestamp(last)));
            let of_row = &order[at..ends[index * 2 + 1] as usize];
            let record_bytes = of_row.iter().map(|&e| range(flush.entries[e as usize].record).len()).sum();
            let logs = (ends[index * 2 + 1] - ends[index * 2]) as usize;
            let mut digest = RowDigest {
                id: row.id,
                owner: row.owner.clone(),
                span,
                traces: row.traces.clone(),
                records: Vec::with_capacity(record_bytes),
                logs: Vec::with_capacity(logs),
            };
            for family in [Family::Nodes, Family::BusinessLogs] {
                let group = index * 2 + usize::from(family == Family::BusinessLogs);
                let end = ends[group] as usize;
                let entries = &mut order[at..end];
                at = end;
                if entries.is_empty() {
                    continue;
                }
                let unique = sort_and_dedup(flush, entries);
                sealed.duplicates += (entries.len() - unique) as u64;
                sealed.stored += unique as u64;
                let entries = &mut entries[..unique];
                for &entry in entries.iter() {
                    let entry = &flush.entries[entry as usize];
                    digest.records.extend_from_slice(&flush.records[range(entry.record)]);
                    if family == Family::BusinessLogs {
                        digest.logs.push(entry.log);
                    }
                    if entry.node != NO_NODE && seen_in[entry.node as usize] != index {
                        seen_in[entry.node as usize] = index;
                        if family == Family::BusinessLogs {
                            digest::push_logged_node(&mut digest.records, &flush.nodes[entry.node as usize]);
                        }
                    }
                }
                self.packs(flush, entries, |name, value, last| {
                    row_cells.push((family, name, value, last));
                });
            }
            sealed.packs += row_cells.len() as u64;
            self.place((&mut sealed, turn), row.id, table, &key, &mut row_cells);
            let last = span.map(|(_, last)| last);
            match &row.owner {
                Owner::Execution(mark) => {
                    for trace in &row.traces {
                        let row = row_key::trace(trace, mark.as_ref());
                        self.once_a_day((&mut sealed, turn), (Table::Trace, &row, "e"), last);
                    }
                }
                Owner::Trace(_) => self.once_a_day((&mut sealed, turn), (table, &key, note::UNMARKED), last),
                Owner::Service(..) => {}
            }
            sealed.digests.push(digest);
        }
        sealed
    }

    /// Cuts one row and family, sorted by time, into packs.
    fn packs(
        &mut self,
        flush: &Flush,
        entries: &mut [u32],
        mut each: impl FnMut(String, Vec<u8>, Option<Timestamp>),
    ) {
        let entry = |index: u32| &flush.entries[index as usize];
        let hour = |index: u32| match entry(index).time {
            UNTIMED => None,
            time => Some(Hour::of(Timestamp(time))),
        };
        for of_hour in entries.chunk_by_mut(|&a, &b| hour(a) == hour(b)) {
            let bytes: usize = of_hour.iter().map(|&e| range(entry(e).line).len() + 2).sum();
            if bytes > PACK_BYTES_MAX {
                // Too large for one pack: one node after the other, so that a node's reader opens few of them.
                of_hour.sort_by(|&a, &b| {
                    let name = |e: u32| flush.nodes[entry(e).node as usize].as_str();
                    name(a).cmp(name(b)).then_with(|| by_time(flush, a, b))
                });
            }
            let mut rest = &of_hour[..];
            while !rest.is_empty() {
                let mut size = 0;
                let fitting = rest.iter().take_while(|&&e| {
                    size += range(entry(e).line).len() + 2;
                    size <= PACK_BYTES_MAX
                });
                let (now, later) = rest.split_at(fitting.count().max(1));
                rest = later;
                let (name, last) = self.pack_text(flush, now);
                each(name, self.compressor.value(&self.text), last);
            }
        }
    }

    /// Builds the text of one pack in `self.text`; returns its qualifier and its latest time.
    fn pack_text(&mut self, flush: &Flush, entries: &[u32]) -> (String, Option<Timestamp>) {
        let entry = |index: u32| &flush.entries[index as usize];
        let (first, last) = entries.iter().fold((i64::MAX, i64::MIN), |(first, last), &e| {
            (first.min(entry(e).time), last.max(entry(e).time))
        });
        let span = (first != UNTIMED).then_some((Timestamp(first), Timestamp(last)));
        let mut nodes: Vec<u32> = entries.iter().map(|&e| entry(e).node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let bytes: usize = entries.iter().map(|&e| range(entry(e).line).len()).sum();
        let only = match nodes[..] {
            [node] if bytes >= NAMED_NODE_BYTES_MIN => Some(flush.nodes[node as usize].as_str()),
            _ => None,
        };
        let mut names: Vec<&str> =
            nodes.iter().filter(|&&n| n != NO_NODE).map(|&n| flush.nodes[n as usize].as_str()).collect();
        names.sort_unstable();
        let lines = entries.iter().map(|&e| &flush.lines[range(entry(e).line)]);
        let name = PackText::build(&mut self.text, span, names.into_iter(), lines, only);
        (name.encode(), span.map(|(_, last)| last))
    }

    /// Puts the packs of one row into the row, or into its overflow rows, of which the row then has a note.
    fn place(
        &self,
        (sealed, turn): (&mut Sealed, u64),
        id: RowId,
        table: Table,
        key: &str,
        cells: &mut Vec<PackCell>,
    ) {
        let before = {
            let packs_of = &mut self.remembered().packs_of;
            if packs_of.len() >= self.remembered_max {
                packs_of.clear();
            }
            let written = packs_of.entry(id).or_default();
            *written += cells.len() as u32;
            *written - cells.len() as u32
        };
        for (count, (family, qualifier, value, expires_by)) in (before..).zip(cells.drain(..)) {
            let chunk = count / self.packs_per_row_max;
            let row = if chunk == 0 { key.to_owned() } else { format!("{key}|{chunk}") };
            if chunk > 0 {
                self.once_a_day((&mut *sealed, turn), (table, key, note::OVERFLOW), expires_by);
            }
            sealed.batch.cells.push(Cell { table, row, family, qualifier, value, expires_by });
        }
    }

    /// Writes an empty cell of the family `l`: once, and then once for each later day of `last`, so that it expires with
    /// the latest of what it speaks of.
    fn once_a_day(
        &self,
        (sealed, turn): (&mut Sealed, u64),
        (table, row, qualifier): (Table, &str, &str),
        last: Option<Timestamp>,
    ) {
        const DAY_SECONDS: i64 = 86_400;
        let day = last.map_or(0, |last| last.seconds().div_euclid(DAY_SECONDS));
        let what = xxh3_64(row.as_bytes()) ^ xxh3_64(qualifier.as_bytes()).rotate_left(1);
        let is_new = {
            let written = &mut self.remembered().written;
            if written.len() >= self.remembered_max {
                written.clear();
            }
            let first = written.entry(what ^ day as u64).or_insert(u64::MAX);
            // What a later turn wrote may be stored after the digests of this one are handed over.
            let is_new = *first > turn;
            *first = (*first).min(turn);
            is_new
        };
        if is_new {
            sealed.batch.cells.push(Cell {
                table,
                row: row.to_owned(),
                family: Family::Link,
                qualifier: qualifier.to_owned(),
                value: Vec::new(),
                expires_by: last,
            });
        }
    }
}

fn range((begin, end): (u32, u32)) -> Range<usize> {
    begin as usize..end as usize
}

/// Indices of all entries, grouped, and where in them each group ends (counting sort: stable and linear).
fn by_group(flush: &Flush) -> (Vec<u32>, Vec<u32>) {
    let mut begins = vec![0u32; flush.rows.len() * 2 + 1];
    for entry in &flush.entries {
        begins[entry.group as usize + 1] += 1;
    }
    for group in 1..begins.len() {
        begins[group] += begins[group - 1];
    }
    let mut order = vec![0u32; flush.entries.len()];
    for (index, entry) in flush.entries.iter().enumerate() {
        let place = &mut begins[entry.group as usize];
        order[*place as usize] = index as u32;
        *place += 1;
    }
    // Each place moved on to the end of its group.
    (order, begins)
}

fn by_time(flush: &Flush, a: u32, b: u32) -> std::cmp::Ordering {
    let (x, y) = (&flush.entries[a as usize], &flush.entries[b as usize]);
    (x.time, x.identity)
        .cmp(&(y.time, y.identity))
        .then_with(|| flush.lines[range(x.line)].cmp(&flush.lines[range(y.line)]))
}

/// Sorts by time, identity and content and moves repeated reports to the end; returns how many are left.
fn sort_and_dedup(flush: &Flush, entries: &mut [u32]) -> usize {
    entries.sort_unstable_by(|&a, &b| by_time(flush, a, b));
    let mut unique = 0;
    for index in 0..entries.len() {
        let repeated = unique > 0 && by_time(flush, entries[unique - 1], entries[index]).is_eq();
        if !repeated {
            entries.swap(unique, index);
            unique += 1;
        }
    }
    unique
}
