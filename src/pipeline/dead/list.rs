//! Dead letters page by page.

use std::borrow::Cow;
use std::ops::ControlFlow;

use linkloom_ingest::dead_letter::DeadLetter;
use linkloom_ingest::decode::Reason;
use linkloom_query::QueryError;
use linkloom_schema::answer::RowCursor;
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Family, Table};
use linkloom_storage::store::{Rows, Scan, Store, StoreError};
use serde::{Deserialize, Serialize};

use super::{LetterId, content_of};

/// Bytes of a refused record that a list shows.
const START_BYTES_MAX: usize = 1024;

/// One dead letter in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadEntry {
    /// Which letter: [`LetterId`].
    pub id: String,
    /// Topic, file or channel it came from.
    pub source: String,
    /// Partition; 0 where there is only one.
    pub partition: u32,
    /// Offset (Kafka), or that of its first byte (files).
    pub position: u64,
    /// Line number from 1, if the source has lines.
    pub line: Option<u64>,
    /// When the source got it, if the source knows.
    pub time: Option<Timestamp>,
    /// Why it was refused, for machines.
    pub reason: Cow<'static, str>,
    /// Why it was refused, for people.
    pub detail: String,
    /// Its length in the source, in bytes.
    pub full_length: u64,
    /// Whether all its bytes were kept, so that it can be replayed.
    pub whole: bool,
    /// Whether it was replayed: its report is stored.
    pub replayed: bool,
    /// Its beginning, at most 1 KiB; what is not UTF-8 is replaced.
    pub start: String,
}

/// A page of dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadListAnswer {
    /// By source, partition and position.
    pub dead_letters: Vec<DeadEntry>,
    /// Where the next page begins; `None`: this is the last.
    pub next_cursor: Option<String>,
}

/// Which dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadQuery {
    /// Also those that were replayed.
    pub with_replayed: bool,
    /// Only those refused for this reason.
    pub reason: Option<Reason>,
    /// Only those from this topic, file or channel.
    pub source: Option<String>,
}

/// Dead letters in key order.
///
/// Shape: at most `limit`. One letter is held in memory at a time, and of each that is listed the beginning.
pub fn list(
    store: &dyn Store,
    query: &DeadQuery,
    limit: usize,
    cursor: Option<&str>,
) -> Result<DeadListAnswer, QueryError> {
    let prefix = prefix(query.source.as_deref());
    let mut after = cursor.map(RowCursor::decode).transpose()?;
    let mut page = DeadListAnswer::default();
    let mut last: Option<LetterId> = None;
    // A page of ids at a time: values can be long, and what was replayed is only known cell by cell.
    loop {
        let ids = ids(store, &prefix, after.as_ref(), limit + 1)?;
        let Some(end) = ids.last() else { return Ok(page) };
        after = Some(RowCursor { row: end.row.clone(), qualifier: end.qualifier.clone() });
        for id in ids {
            let replayed = id.is_replayed(store)?;
            if replayed && !query.with_replayed {
                continue;
            }
            // Gone since: past retention.
            let Some(letter) = id.read(store)? else { continue };
            if query.reason.is_some_and(|reason| reason != letter.reason) {
                continue;
            }
            if page.dead_letters.len() == limit {
                page.next_cursor =
                    last.map(|last| RowCursor { row: last.row, qualifier: last.qualifier }.encode());
                return Ok(page);
            }
            page.dead_letters.push(entry(&id, &letter, replayed));
            last = Some(id);
        }
    }
}

/// How many dead letters a source has, and how many of them were not replayed.
pub fn count(store: &dyn Store, source: &str) -> Result<(u64, u64), StoreError> {
    const IDS_AT_ONCE: usize = 1_024;
    let prefix = prefix(Some(source));
    let (mut all, mut waiting) = (0, 0);
    let mut after = None;
    loop {
        let ids = ids(store, &prefix, after.as_ref(), IDS_AT_ONCE)?;
        let Some(end) = ids.last() else { return Ok((all, waiting)) };
        after = Some(RowCursor { row: end.row.clone(), qualifier: end.qualifier.clone() });
        for id in ids {
            all += 1;
            waiting += u64::from(!id.is_replayed(store)?);
        }
    }
}

/// What the rows of a source begin with.
fn prefix(source: Option<&str>) -> String {
    source.map_or_else(String::new, row_key::dead_prefix)
}

/// The next ids after a place, at most `max` of them, in rows that begin with `prefix`.
pub(super) fn ids(
    store: &dyn Store,
    prefix: &str,
    after: Option<&RowCursor>,
    max: usize,
) -> Result<Vec<LetterId>, StoreError> {
    let mut ids = Vec::new();
    let mut add = |scan: Scan<'_>| {
        store.scan(&scan.family(Family::Link).keys_only(), &mut |cell| {
            let known = |after: &RowCursor| (cell.row, cell.qualifier) <= (&*after.row, &*after.qualifier);
            if ids.len() >= max {
                return ControlFlow::Break(());
            }
            if content_of(cell.qualifier).is_some() && !after.is_some_and(known) {
                ids.push(LetterId { row: cell.row.to_owned(), qualifier: cell.qualifier.to_owned() });
            }
            ControlFlow::Continue(())
        })
    };
    match after {
        Some(after) => {
            // The rest of the row, then the rows behind it.
            add(Scan::new(Table::Dead, Rows::One(&after.row)).from_qualifier(&after.qualifier))?;
            add(Scan::new(Table::Dead, Rows::Prefix(prefix)).after_row(&after.row))?;
        }
        None => add(Scan::new(Table::Dead, Rows::Prefix(prefix)))?,
    }
    Ok(ids)
}

fn entry(id: &LetterId, letter: &DeadLetter, replayed: bool) -> DeadEntry {
    let start = &letter.raw[..letter.raw.len().min(START_BYTES_MAX)];
    let mut text = String::from_utf8_lossy(start).into_owned();
    if start.len() < letter.raw.len() && text.ends_with('\u{fffd}') {
        // The cut went through a character.
        text.pop();
    }
    DeadEntry {
        id: id.to_string(),
        source: letter.source.clone(),
        partition: letter.partition,
        position: letter.position,
        line: letter.line,
        time: letter.time,
        reason: Cow::Borrowed(letter.reason.as_str()),
        detail: letter.detail.clone(),
        full_length: letter.full_length,
        whole: letter.is_whole(),
        replayed,
        start: text,
    }
}
