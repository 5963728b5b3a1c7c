//! Dead letters in the store: as cells, in lists, and replayed.
//!
//! Row `{source}|{partition}|{position}`, qualifier `{content}` (16 hex digits) holds a letter; `replayed|{content}` in
//! the same row says that its report is stored now. Neither is ever deleted.

mod list;
mod replay;
mod topic;

use std::fmt;
use std::str::FromStr;

use linkloom_ingest::dead_letter::{DeadLetter, RAW_BYTES_MAX};
use linkloom_storage::cell::{Cell, Family, Table};
use linkloom_storage::store::{Store, StoreError};
use xxhash_rust::xxh3::xxh3_64;

pub use list::{DeadEntry, DeadListAnswer, DeadQuery, count, list};
pub use replay::{Replayed, Which, replay};
pub use topic::DeadTopic;

/// Qualifier of the cell that says a dead letter was replayed begins with this; the rest is that of its letter.
const REPLAYED: &str = "replayed|";

/// What tells dead letters of one origin apart: made from the bytes a letter keeps of a record and from its full length.
pub fn content(bytes: &[u8], full_length: u64) -> u64 {
    xxh3_64(&bytes[..bytes.len().min(RAW_BYTES_MAX)]) ^ full_length
}

/// The cell of a dead letter: its row is its origin; its qualifier is told by its content, so that another file of the
/// same name does not overwrite it.
pub fn cell(letter: &DeadLetter) -> Cell {
    let id = LetterId::of(letter);
    Cell {
        table: Table::Dead,
        row: id.row,
        family: Family::Link,
        qualifier: id.qualifier,
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

/// The content a letter's qualifier names; `None` for that of [`replayed`].
pub fn content_of(qualifier: &str) -> Option<u64> {
    let hex = qualifier.len() == 16 && qualifier.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(qualifier, 16).ok().filter(|_| hex)
}

/// Which dead letter: for people and the API `{row}#{content}`, printable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterId {
    row: String,
    qualifier: String,
}

/// A text that is no id of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of a dead letter; allowed is an id as `dead list` prints it")]
pub struct BadLetterId(String);

impl LetterId {
    /// The id of a letter.
    pub fn of(letter: &DeadLetter) -> Self {
        let content = content(&letter.raw, letter.full_length);
        LetterId { row: letter.row_key(), qualifier: format!("{content:016x}") }
    }

    /// The letter; `None` when there is none of this id.
    pub fn read(&self, store: &dyn Store) -> Result<Option<DeadLetter>, StoreError> {
        let value = store.get(Table::Dead, &self.row, Family::Link, &self.qualifier)?;
        value.map(|value| self.decode(store, &value)).transpose()
    }

    /// Whether the letter was replayed.
    pub fn is_replayed(&self, store: &dyn Store) -> Result<bool, StoreError> {
        let qualifier = format!("{REPLAYED}{}", self.qualifier);
        Ok(store.get(Table::Dead, &self.row, Family::Link, &qualifier)?.is_some())
    }

    fn decode(&self, store: &dyn Store, value: &[u8]) -> Result<DeadLetter, StoreError> {
        DeadLetter::from_json(value).map_err(|error| StoreError::Corrupt {
            store: store.name().to_owned(),
            what: format!("dead letter {self}"),
            why: error.to_string(),
        })
    }
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.row, self.qualifier)
    }
}

impl FromStr for LetterId {
    type Err = BadLetterId;

    fn from_str(text: &str) -> Result<Self, BadLetterId> {
        match text.rsplit_once('#') {
            Some((row, qualifier)) if !row.is_empty() && content_of(qualifier).is_some() => {
                Ok(LetterId { row: row.to_owned(), qualifier: qualifier.to_owned() })
            }
            _ => Err(BadLetterId(text.chars().take(200).collect())),
        }
    }
}

#[cfg(test)]
mod tests;
