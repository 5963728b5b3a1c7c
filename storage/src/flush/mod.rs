//! One flush in the making: decoded reports in, cells and digests out. Pure: no I/O, no clock.
//!
//! Reports are encoded once into one buffer as they come; sealing groups them by row, family and hour, drops repeated
//! ones, orders them by time and cuts packs. The same set of reports seals to the same cells in whatever order it came.

use std::ops::Range;

use linkloom_schema::digest::{self, LogMark};
use linkloom_schema::hour::Hour;
use linkloom_schema::ids::{LinkMark, MarkRef};
use linkloom_schema::report::{Identity, Report, ReportKind};
use linkloom_schema::route::Route;
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;
use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::cell::{Cell, CellBatch, Family, Table};
use crate::pack::{Compressor, NAMED_NODE_BYTES_MIN, PACK_BYTES_MAX, PackText};

/// Longest time span key used for reports without a time: they sort after all others.
const UNTIMED: i64 = i64::MAX;
/// Up to so many trace ids of one execution are looked through one by one.
const TRACES_IN_LINE: usize = 8;

/// 128 bits that stand for one execution (or trace, or service and hour) in maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub u128);

impl RowId {
    /// The id of an execution.
    pub fn of(mark: MarkRef<'_>) -> Self {
        RowId::of_parts(&mut Vec::new(), b'm', &[mark.business_id, mark.scene_id, mark.execution_id])
    }

    fn of_parts(scratch: &mut Vec<u8>, kind: u8, parts: &[&str]) -> Self {
        scratch.clear();
        scratch.push(kind);
        for part in parts {
            scratch.extend_from_slice(&(part.len() as u32).to_le_bytes());
            scratch.extend_from_slice(part.as_bytes());
        }
        RowId(xxh3_128(scratch))
    }
}

/// Whose row a report is stored in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The execution it is marked with.
    Execution(LinkMark),
    /// The trace it belongs to; executions of that trace show it.
    Trace(String),
    /// Nothing but a service and an hour.
    Service(String, Option<Hour>),
}

impl Owner {
    fn table_and_row(&self) -> (Table, String) {
        match self {
            Owner::Execution(mark) => (Table::Link, row_key::link(mark.as_ref())),
            Owner::Trace(trace_id) => (Table::Unlinked, row_key::unlinked_trace(trace_id)),
            Owner::Service(service, hour) => (Table::Unlinked, row_key::unlinked_service(service, *hour)),
        }
    }
}

#[derive(Debug)]
struct Row {
    id: RowId,
    owner: Owner,
    traces: Vec<String>,
}

/// What every report of a row touches, apart from the rest of the row: the rows of a flush do not fit a processor's cache.
#[derive(Clone, Copy, Debug)]
struct Touched {
    first: i64,
    last: i64,
    /// Hash of the trace noted last, 0 for none: nearly all reports of an execution carry the same.
    trace: u64,
}

const UNTOUCHED: Touched = Touched { first: i64::MAX, last: i64::MIN, trace: 0 };

#[derive(Clone, Copy, Debug)]
struct Entry {
    identity: Identity,
    /// Microseconds, [`UNTIMED`] for none.
    time: i64,
    /// Twice the row's index, plus one for business logs.
    group: u32,
    line: (u32, u32),
    record: (u32, u32),
    node: u32,
    log: LogMark,
}

/// Index of "no node" in the table of names.
const NO_NODE: u32 = 0;

/// Reports gathered for one flush.
#[derive(Debug)]
pub struct Flush {
    lines: Vec<u8>,
    records: Vec<u8>,
    entries: Vec<Entry>,
    rows: Vec<Row>,
    /// One for each row.
    touched: Vec<Touched>,
    row_index: FxHashMap<RowId, u32>,
    /// Of rows with many traces: (row, hash of the trace).
    trace_index: FxHashSet<(u32, u128)>,
    nodes: Vec<String>,
    node_index: FxHashMap<String, u32>,
    scratch: Vec<u8>,
    last_row: Option<(RowId, u32)>,
}

impl Default for Flush {
    fn default() -> Self {
        Self::new()
    }
}

impl Flush {
    /// An empty flush.
    pub fn new() -> Self {
        Flush {
            lines: Vec::new(),
            records: Vec::new(),
            entries: Vec::new(),
            rows: Vec::new(),
            touched: Vec::new(),
            row_index: FxHashMap::default(),
            trace_index: FxHashSet::default(),
            nodes: vec![String::new()],
            node_index: FxHashMap::default(),
            scratch: Vec::new(),
            last_row: None,
        }
    }

    /// Number of reports held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of encoded reports and digests held.
    pub fn bytes(&self) -> usize {
        self.lines.len() + self.records.len()
    }

    /// Empties the flush and keeps its memory for the next one.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.records.clear();
        self.entries.clear();
        self.rows.clear();
        self.touched.clear();
        self.row_index.clear();
        self.trace_index.clear();
        self.nodes.truncate(1);
        self.node_index.clear();
        self.last_row = None;
    }

    /// Adds one report. It is encoded here and not kept.
    pub fn push(&mut self, report: &Report<'_>) {
        let row = self.row_of(report);
        let node = report.node_name.as_deref().map_or(NO_NODE, |name| self.node_of(name));
        let line_begin = self.lines.len();
        linkloom_schema::report::encode_stored(report, &mut self.lines);
        let record_begin = self.records.len();
        digest::push_record(&mut self.records, report);
        let time = report.time.map_or(UNTIMED, Timestamp::micros);
        let held = &mut self.touched[row as usize];
        if time != UNTIMED {
            held.first = held.first.min(time);
            held.last = held.last.max(time);
        }
        let is_log = report.kind == ReportKind::Log;
        self.entries.push(Entry {
            identity: report.identity,
            time,
            group: row * 2 + u32::from(is_log),
            line: (line_begin as u32, self.lines.len() as u32),
            record: (record_begin as u32, self.records.len() as u32),
            node,
            log: if is_log { LogMark::new(report) } else { LogMark::default() },
        });
    }

    fn node_of(&mut self, name: &str) -> u32 {
        if let Some(&node) = self.node_index.get(name) {
            return node;
        }
        let node = self.nodes.len() as u32;
        self.nodes.push(name.to_owned());
        self.node_index.insert(name.to_owned(), node);
        node
    }

    fn row_of(&mut self, report: &Report<'_>) -> u32 {
        let scratch = &mut self.scratch;
        let route = Route::of(report);
        let id = match route {
            Route::Marked(mark) => {
                RowId::of_parts(scratch, b'm', &[mark.business_id, mark.scene_id, mark.execution_id])
            }
            Route::Trace(trace) => RowId::of_parts(scratch, b't', &[trace]),
            Route::Unlinked { service, hour } => {
                let hour = hour.map(|hour| hour.to_string());
                RowId::of_parts(scratch, b's', &[service, hour.as_deref().unwrap_or_default()])
            }
        };
        let row = match self.last_row {
            Some((last, row)) if last == id => row,
            _ => match self.row_index.get(&id) {
                Some(&row) => row,
                None => {
                    let owner = match route {
                        Route::Marked(mark) => Owner::Execution(mark.to_mark()),
                        Route::Trace(trace) => Owner::Trace(trace.to_owned()),
                        Route::Unlinked { service, hour } => Owner::Service(service.to_owned(), hour),
                    };
                    let row = self.rows.len() as u32;
                    self.rows.push(Row { id, owner, traces: Vec::new() });
                    self.touched.push(UNTOUCHED);
                    self.row_index.insert(id, row);
                    row
                }
            },
        };
        self.last_row = Some((id, row));
        if let (Route::Marked(_), Some(trace)) = (route, report.trace_id.as_deref()) {
            self.note_trace(row, trace);
        }
        row
    }

    /// Every trace of a row is noted: which executions a trace is tied to must not depend on how reports are cut into
    /// flushes.
    fn note_trace(&mut self, row: u32, trace: &str) {
        let hash = xxh3_64(trace.as_bytes()).max(1);
        if std::mem::replace(&mut self.touched[row as usize].trace, hash) == hash {
            return;
        }
        let traces = &mut self.rows[row as usize].traces;
        if traces.iter().take(TRACES_IN_LINE).any(|known| known == trace) {
            return;
        }
        if traces.len() < TRACES_IN_LINE || self.trace_index.insert((row, xxh3_128(trace.as_bytes()))) {
            traces.push(trace.to_owned());
        }
    }
}

/// What one row's reports of a flush mean to the window of its execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowDigest {
    /// Stands for the row in maps.
    pub id: RowId,
    /// Whose row it is.
    pub owner: Owner,
    /// Times of the earliest and the latest timed report.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Trace ids the reports carried.
    pub traces: Vec<String>,
    /// Records of the node reports (see `linkloom_schema::digest`).
    pub records: Vec<u8>,
    /// The logs.
    pub logs: Vec<LogMark>,
}

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
    compressor: Compressor,
    packs_per_row_max: u32,
    /// Packs written per row so far, for the overflow chunk.
    packs_of: FxHashMap<RowId, u32>,
    /// `trace` rows written lately.
    traces_written: FxHashSet<u64>,
    remembered_max: usize,
    text: Vec<u8>,
}

impl Sealer {
    /// `level`: zstd level; `packs_per_row_max`: packs in one row before an overflow row begins; `remembered_max`: rows
    /// and traces remembered, at the limit all are forgotten (rows start counting anew, trace rows are written again).
    pub fn new(level: i32, packs_per_row_max: u32, remembered_max: usize) -> std::io::Result<Self> {
        Ok(Sealer {
            compressor: Compressor::new(level)?,
            packs_per_row_max: packs_per_row_max.max(1),
            packs_of: FxHashMap::default(),
            traces_written: FxHashSet::default(),
            remembered_max,
            text: Vec::new(),
        })
    }

    /// Makes the cells and digests of a flush. The flush is left as it is (sorted): clear it to use it again.
    pub fn seal(&mut self, flush: &Flush) -> Sealed {
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
            self.place(&mut sealed.batch, row.id, table, &key, &mut row_cells);
            if let Owner::Execution(mark) = &row.owner {
                self.tie_traces(&mut sealed.batch, mark.as_ref(), &row.traces, span.map(|(_, last)| last));
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

    /// Puts the packs of one row into the row, or into its overflow rows.
    fn place(
        &mut self,
        batch: &mut CellBatch,
        id: RowId,
        table: Table,
        key: &str,
        cells: &mut Vec<PackCell>,
    ) {
        if self.packs_of.len() >= self.remembered_max {
            self.packs_of.clear();
        }
        let count = self.packs_of.entry(id).or_insert(0);
        for (family, qualifier, value, expires_by) in cells.drain(..) {
            let chunk = *count / self.packs_per_row_max;
            *count += 1;
            let row = if chunk == 0 { key.to_owned() } else { format!("{key}|{chunk}") };
            batch.cells.push(Cell { table, row, family, qualifier, value, expires_by });
        }
    }

    fn tie_traces(
        &mut self,
        batch: &mut CellBatch,
        mark: MarkRef<'_>,
        traces: &[String],
        last: Option<Timestamp>,
    ) {
        const DAY_SECONDS: i64 = 86_400;
        if self.traces_written.len() >= self.remembered_max {
            self.traces_written.clear();
        }
        for trace in traces {
            let row = row_key::trace(trace, mark);
            // Once a day anew, so that the tie expires with the execution's last report.
            let day = last.map_or(0, |last| last.seconds().div_euclid(DAY_SECONDS));
            if self.traces_written.insert(xxh3_64(row.as_bytes()) ^ day as u64) {
                batch.cells.push(Cell {
                    table: Table::Trace,
                    row,
                    family: Family::Link,
                    qualifier: "e".to_owned(),
                    value: Vec::new(),
                    expires_by: last,
                });
            }
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

#[cfg(test)]
mod tests;
