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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::{self, Write};
    use std::rc::Rc;

    use hbase_thrift::hbase::{BatchMutation, HbaseSyncClient, Mutation, THbaseSyncClient};
    use linkloom_schema::time::Timestamp;
    use thrift::protocol::{TBinaryInputProtocol, TBinaryOutputProtocol};

    use super::*;

    const DAY_MICROS: i64 = 86_400_000_000;

    #[derive(Clone, Default)]
    struct Sent(Rc<RefCell<Vec<u8>>>);

    impl Write for Sent {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn cell(table: Table, row: &str, qualifier: &str, value: &str, day: Option<i64>) -> Cell {
        Cell {
            table,
            row: row.to_owned(),
            family: Family::Link,
            qualifier: qualifier.to_owned(),
            value: value.as_bytes().to_vec(),
            expires_by: day.map(|day| Timestamp(day * DAY_MICROS + 12_345)),
        }
    }

    fn encoded(cells: Vec<Cell>, limits: CallLimits) -> Vec<Mutations> {
        calls(&CellBatch { cells }, limits, |table| format!("ns:{}", table.name()))
    }

    const MANY: CallLimits = CallLimits { cells: 1_000, bytes: 1 << 20 };

    /// What the generated client sends for the same rows of `ns:link`: (row, [(column, value)]).
    fn generated(rows: &[(&str, &[(&str, &str)])], timestamp: Option<i64>) -> Vec<u8> {
        let sent = Sent::default();
        let output = TBinaryOutputProtocol::new(sent.clone(), true);
        let mut client = HbaseSyncClient::new(TBinaryInputProtocol::new(io::empty(), true), output);
        let mutation = |(column, value): &(&str, &str)| Mutation {
            is_delete: None,
            column: Some(column.as_bytes().to_vec()),
            value: Some(value.as_bytes().to_vec()),
            write_to_w_a_l: None,
        };
        let batch = |(row, cells): &(&str, &[(&str, &str)])| {
            BatchMutation::new(row.as_bytes().to_vec(), cells.iter().map(mutation).collect::<Vec<_>>())
        };
        let rows: Vec<BatchMutation> = rows.iter().map(batch).collect();
        let answer = match timestamp {
            Some(timestamp) => {
                client.mutate_rows_ts(b"ns:link".to_vec(), rows, timestamp, Default::default())
            }
            None => client.mutate_rows(b"ns:link".to_vec(), rows, Default::default()),
        };
        answer.expect_err("nobody answers");
        sent.0.take()
    }

    #[test]
    fn calls_are_what_the_generated_client_sends() {
        let day = 20_000;
        let cells = vec![
            cell(Table::Link, "b", "q", "3", Some(day)),
            cell(Table::Link, "a", "q2", "", Some(day)),
            cell(Table::Link, "a", "q1", "long value é", Some(day)),
        ];
        let calls = encoded(cells, MANY);
        let want = generated(
            &[("a", &[("l:q1", "long value é"), ("l:q2", "")]), ("b", &[("l:q", "3")])],
            Some(day * 86_400_000),
        );
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].message().escape_ascii().to_string(), want.escape_ascii().to_string());

        let mut meta = encoded(vec![cell(Table::Meta, "a", "q", "v", Some(day))], MANY);
        let meta = meta.remove(0);
        let want = generated(&[("a", &[("l:q", "v")])], None).escape_ascii().to_string();
        assert_eq!(meta.message().escape_ascii().to_string(), want.replace("ns:link", "ns:meta"));
        assert_eq!(meta.method(), "mutateRows");
    }

    #[test]
    fn timestamps_are_the_day_of_expiry() {
        let at = |table, day| timestamp_ms(&cell(table, "r", "q", "", day));
        assert_eq!(at(Table::Link, Some(20_000)), Some(20_000 * 86_400_000));
        assert_eq!(at(Table::Link, None), Some(NEVER_MS));
        assert_eq!(at(Table::Meta, Some(20_000)), None);
        // HBase has no times before 1970, and 0 means something else to some clients.
        assert_eq!(at(Table::Link, Some(-5)), Some(1));
        assert_eq!(at(Table::Link, Some(90_000_000)), Some(NEVER_MS));
    }

    #[test]
    fn meta_goes_first_and_days_and_tables_are_calls_of_their_own() {
        let cells = vec![
            cell(Table::Link, "a", "q", "", Some(2)),
            cell(Table::Dead, "a", "q", "", Some(1)),
            cell(Table::Link, "b", "q", "", Some(1)),
            cell(Table::Meta, "a", "q", "", None),
            cell(Table::Link, "c", "q", "", Some(2)),
            cell(Table::Link, "c", "r", "", None),
        ];
        let tables: Vec<Table> = encoded(cells, MANY).iter().map(|call| call.table).collect();
        assert_eq!(tables, [Table::Meta, Table::Link, Table::Link, Table::Link, Table::Dead]);
    }

    #[test]
    fn the_later_of_two_equal_places_is_sent_whatever_its_day() {
        for (first, second) in [(1, 2), (2, 1), (1, 1)] {
            let cells = vec![
                cell(Table::Link, "a", "q", "first", Some(first)),
                cell(Table::Link, "a", "q", "second", Some(second)),
            ];
            let calls = encoded(cells, MANY);
            let want = generated(&[("a", &[("l:q", "second")])], Some(second * 86_400_000));
            assert_eq!(calls.len(), 1);
            assert_eq!(calls[0].message(), want);
        }
    }

    #[test]
    fn long_batches_are_cut_evenly_and_large_cells_go_alone() {
        let many: Vec<Cell> =
            (0..2_400).map(|at| cell(Table::Link, &format!("{at:04}"), "q", "v", Some(1))).collect();
        let sizes = |cells: Vec<Cell>, limits| -> Vec<usize> {
            encoded(cells, limits).iter().map(|call| call.message().len()).collect()
        };
        let [one, other] = sizes(many, CallLimits { cells: 2_000, bytes: 1 << 20 })[..] else {
            panic!("not two calls")
        };
        assert_eq!(one, other);
        let large = "x".repeat(900);
        let mixed = ["a", &large, "b", "c", &large, &large]
            .into_iter()
            .enumerate()
            .map(|(at, value)| cell(Table::Link, &at.to_string(), "q", value, Some(1)));
        let sizes = sizes(mixed.collect(), CallLimits { cells: 100, bytes: 800 });
        assert_eq!(sizes.iter().map(|size| size / 900).collect::<Vec<_>>(), [0, 1, 0, 1, 1]);
        assert!(encoded(Vec::new(), MANY).is_empty());
    }
}
