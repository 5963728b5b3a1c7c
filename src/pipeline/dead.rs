//! Dead letters as cells.

use linkloom_ingest::dead_letter::DeadLetter;
use linkloom_storage::cell::{Cell, Family, Table};
use xxhash_rust::xxh3::xxh3_64;

/// Qualifier of the cell that says a dead letter was replayed begins with this; the rest is that of its letter.
const REPLAYED: &str = "replayed|";

/// The cell of a dead letter: its row is its origin; its qualifier is told by its content, so that another file of the
/// same name does not overwrite it.
pub fn cell(letter: &DeadLetter) -> Cell {
    let qualifier = format!("{:016x}", xxh3_64(&letter.raw) ^ letter.full_length);
    Cell {
        table: Table::Dead,
        row: letter.row_key(),
        family: Family::Link,
        qualifier,
        value: letter.to_json(),
        expires_by: letter.time,
    }
}

/// The cell that says a dead letter was replayed: its reports are stored now.
pub fn replayed(letter: &DeadLetter) -> Cell {
    let cell = cell(letter);
    Cell { qualifier: format!("{REPLAYED}{}", cell.qualifier), value: b"{}".to_vec(), ..cell }
}

/// Whether a qualifier is that of [`replayed`], and of which letter.
pub fn replayed_of(qualifier: &str) -> Option<&str> {
    qualifier.strip_prefix(REPLAYED)
}
