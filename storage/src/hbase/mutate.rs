//! A batch of cells as calls of `mutateRows`: grouped by table and timestamp, cut, and encoded from the cells in one go.
//!
//! Thrift1 has one timestamp for a call. Timestamps say when a cell expires, and are whole days so that a batch needs few
//! of them (see the module `hbase`).

use crate::cell::{Cell, CellBatch, Family, Table};
use crate::retention::{day_of, start_of};

/// The timestamp of cells that never expire, in a family whose other cells do: the year 9999, in milliseconds.
pub(super) const NEVER_MS: i64 = 253_370_764_800_000;

/// Every call has this number: there is one call at a time on a connection.
pub(super) const SEQUENCE_NUMBER: i32 = 1;

const STOP: u8 = 0;
const I64: u8 = 10;
const STRING: u8 = 11;
const STRUCT: u8 = 12;
const MAP: u8 = 13;
const LIST: u8 = 15;

/// The timestamp a cell is written with, in milliseconds; `None`: that of the server.
pub(super) fn timestamp_ms(cell: &Cell) -> Option<i64> {
    match (cell.table, cell.expires_by) {
        // A cell that was forgotten may be written again: it needs a time after that of the deletion.
        (Table::Meta, _) => None,
        (_, None) => Some(NEVER_MS),
        (_, Some(time)) => Some((start_of(day_of(time)).micros() / 1_000).clamp(1, NEVER_MS)),
    }
}

/// One call, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mutations {
    pub(super) table: Table,
    method: &'static str,
    message: Vec<u8>,
}

impl Mutations {
    /// The message with its head, without a frame.
    pub(super) fn message(&self) -> &[u8] {
        &self.message
    }

    pub(super) fn method(&self) -> &'static str {
        self.method
    }
}

/// A cell and the timestamp it is written with.
type Dated<'c> = (Option<i64>, &'c Cell);

/// Cells of one call may not be more or larger than this; a single larger cell is a call of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallLimits {
    pub(super) cells: usize,
    pub(super) bytes: usize,
}

/// The calls that write a batch, those of `meta` first: when a writer dies in the middle, what it remembers may say
/// more than there is, never less.
pub(super) fn calls(
    batch: &CellBatch,
    limits: CallLimits,
    table_name: impl Fn(Table) -> String,
) -> Vec<Mutations> {
    let mut cells: Vec<&Cell> = batch.cells.iter().collect();
    // Stable: of cells with the same key the later comes last, and is the one that stays.
    cells.sort_by(|a, b| key(a).cmp(&key(b)));
    let mut kept: Vec<Dated<'_>> = Vec::with_capacity(cells.len());
    for cell in cells {
        let entry = (timestamp_ms(cell), cell);
        match kept.last_mut() {
            Some(last) if key(last.1) == key(cell) => *last = entry,
            _ => kept.push(entry),
        }
    }
    kept.sort_by_key(|(timestamp, cell)| (cell.table != Table::Meta, cell.table, *timestamp));
    let mut calls = Vec::new();
    for group in kept.chunk_by(|a, b| (a.1.table, a.0) == (b.1.table, b.0)) {
        let (timestamp, Cell { table, .. }) = group[0];
        let table = *table;
        let name = table_name(table);
        for part in parts(group, limits) {
            calls.push(encode(table, &name, timestamp, part));
        }
    }
    calls
}

fn key(cell: &Cell) -> (Table, &str, Family, &str) {
    (cell.table, &cell.row, cell.family, &cell.qualifier)
}

/// Cuts a group into parts within the limits, as even as that goes.
fn parts<'g, 'c>(group: &'g [Dated<'c>], limits: CallLimits) -> Vec<&'g [Dated<'c>]> {
    let wanted = group.len().div_ceil(limits.cells.max(1));
    let cells_max = group.len().div_ceil(wanted.max(1));
    let mut parts = Vec::with_capacity(wanted);
    let (mut begin, mut bytes) = (0, 0);
    for (at, (_, cell)) in group.iter().enumerate() {
        let len = cell.row.len() + cell.qualifier.len() + cell.value.len();
        if at > begin && (at - begin >= cells_max || bytes + len > limits.bytes) {
            parts.push(&group[begin..at]);
            (begin, bytes) = (at, 0);
        }
        bytes += len;
    }
    parts.push(&group[begin..]);
    parts
}

/// `mutateRows(table, rows, attributes)` or `mutateRowsTs(table, rows, timestamp, attributes)` in the strict binary
/// protocol. `isDelete` and `writeToWAL` are left to their defaults: no, and yes.
fn encode(table: Table, name: &str, timestamp: Option<i64>, cells: &[Dated<'_>]) -> Mutations {
    let bytes: usize = cells.iter().map(|(_, c)| c.row.len() + c.qualifier.len() + c.value.len() + 48).sum();
    let method = if timestamp.is_some() { "mutateRowsTs" } else { "mutateRows" };
    let mut out = Vec::with_capacity(bytes + name.len() + 64);
    out.extend_from_slice(&[0x80, 0x01, 0x00, 0x01]);
    text(&mut out, &[method.as_bytes()]);
    out.extend_from_slice(&SEQUENCE_NUMBER.to_be_bytes());
    field(&mut out, STRING, 1);
    text(&mut out, &[name.as_bytes()]);
    field(&mut out, LIST, 2);
    let rows = || cells.chunk_by(|a, b| a.1.row == b.1.row);
    list(&mut out, rows().count());
    for row in rows() {
        field(&mut out, STRING, 1);
        text(&mut out, &[row[0].1.row.as_bytes()]);
        field(&mut out, LIST, 2);
        list(&mut out, row.len());
        for (_, cell) in row {
            field(&mut out, STRING, 2);
            text(&mut out, &[cell.family.name().as_bytes(), b":", cell.qualifier.as_bytes()]);
            field(&mut out, STRING, 3);
            text(&mut out, &[&cell.value]);
            out.push(STOP);
        }
        out.push(STOP);
    }
    let mut attributes = 3;
    if let Some(timestamp) = timestamp {
        field(&mut out, I64, 3);
        out.extend_from_slice(&timestamp.to_be_bytes());
        attributes = 4;
    }
    field(&mut out, MAP, attributes);
    out.extend_from_slice(&[STRING, STRING, 0, 0, 0, 0]);
    out.push(STOP);
    Mutations { table, method, message: out }
}

fn field(out: &mut Vec<u8>, kind: u8, id: i16) {
    out.push(kind);
    out.extend_from_slice(&id.to_be_bytes());
}

fn list(out: &mut Vec<u8>, len: usize) {
    out.push(STRUCT);
    out.extend_from_slice(&(len as i32).to_be_bytes());
}

/// Parts joined to one text. A batch is far below 2 GiB: single values are checked before.
fn text(out: &mut Vec<u8>, parts: &[&[u8]]) {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    out.extend_from_slice(&(len as i32).to_be_bytes());
    parts.iter().for_each(|part| out.extend_from_slice(part));
}
