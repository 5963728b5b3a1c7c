//! One flush in the making: decoded reports in, cells and digests out. Pure: no I/O, no clock.
//!
//! Reports are encoded once into one buffer as they come ([`Flush`]); sealing ([`Sealer`]) groups them by row, family and
//! hour, drops repeated ones, orders them by time and cuts packs. The same set of reports seals to the same cells in
//! whatever order it came.

mod seal;

use linkloom_schema::digest::{self, LogMark};
use linkloom_schema::hour::Hour;
use linkloom_schema::ids::{LinkMark, MarkRef};
use linkloom_schema::report::{Identity, Report, ReportKind};
use linkloom_schema::route::Route;
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;
use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::cell::Table;

pub use seal::{Sealed, Sealer};

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

    /// The id of a trace.
    pub fn of_trace(trace_id: &str) -> Self {
        RowId::of_parts(&mut Vec::new(), b't', &[trace_id])
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

#[cfg(test)]
mod tests;
