//! Scans over all segments at once, in key order; of equal keys the newest segment's cell is the one.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use fjall::{Iter, Readable, Snapshot, UserKey, UserValue};

use super::engine::Named;
use super::marks;
use super::segments::{Segments, Span};
use crate::cell::Table;
use crate::key;
use crate::store::{CellRef, Rows, Scan, StoreError};

/// Cells looked at on one snapshot: while one is held, the engine frees no memory that writers filled since.
const SNAPSHOT_CELLS: usize = 4096;
/// Bytes in front of every value of the `later` segment.
pub(super) const LATER_HEAD: usize = 8;

/// The next cell of one segment.
struct Head {
    key: UserKey,
    /// `None`: not wanted, or not asked for.
    value: Option<UserValue>,
    /// Position of the segment: the newest is 0.
    rank: usize,
}

impl Ord for Head {
    /// The greatest is the cell that comes next: least key, then newest segment.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key).then(other.rank.cmp(&self.rank))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

struct Merge<'a> {
    named: &'a Named,
    scan: &'a Scan<'a>,
    later: Option<usize>,
    sources: Vec<Iter>,
}

impl Merge<'_> {
    fn pull(&mut self, rank: usize) -> Result<Option<Head>, StoreError> {
        loop {
            let Some(guard) = self.sources[rank].next() else { return Ok(None) };
            let read = if self.scan.keys_only {
                guard.key().map(|key| (key, None))
            } else {
                let scan = self.scan;
                // Values of cells that are passed over stay where they are.
                guard.into_inner_if(|key| key::split(key).is_ok_and(|(_, f, q)| key::wanted(scan, f, q)))
            };
            let (key, value) = read.map_err(|error| self.named.error("scan", error))?;
            if !key::is_row_mark(&key) {
                return Ok(Some(Head { key, value, rank }));
            }
        }
    }

    fn give(
        &self,
        head: &Head,
        each: &mut dyn FnMut(CellRef<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, StoreError> {
        let (row, family, qualifier) = key::split(&head.key)
            .map_err(|why| self.named.corrupt(format!("key {}", head.key.escape_ascii()), why))?;
        if !key::wanted(self.scan, family, qualifier) {
            return Ok(ControlFlow::Continue(()));
        }
        let mut value = head.value.as_deref().unwrap_or_default();
        if self.later == Some(head.rank) && !self.scan.keys_only {
            value = after_head(self.named, value)?;
        }
        Ok(each(CellRef { row, family, qualifier, value }))
    }
}

/// A value of the `later` segment without what leads it.
pub(super) fn after_head<'a>(named: &Named, value: &'a [u8]) -> Result<&'a [u8], StoreError> {
    value.get(LATER_HEAD..).ok_or_else(|| named.corrupt("a value in segment later", "it has no expiry time"))
}

/// Where a scan goes on after a snapshot was given back.
enum Next {
    Done,
    After(UserKey),
}

/// Runs `scan`, on a new snapshot every [`SNAPSHOT_CELLS`].
pub(super) fn run(
    named: &Named,
    view: impl Fn() -> Result<(Snapshot, Arc<Segments>), StoreError>,
    scan: &Scan<'_>,
    each: &mut dyn FnMut(CellRef<'_>) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let mut range = key::range(scan);
    while !range.is_empty() {
        let (snapshot, segments) = view()?;
        match some(named, &snapshot, &segments, scan, &range, each)? {
            Next::Done => return Ok(()),
            Next::After(key) => {
                range.start = key.to_vec();
                range.start.push(0);
            }
        }
    }
    Ok(())
}

fn some(
    named: &Named,
    snapshot: &Snapshot,
    segments: &Segments,
    scan: &Scan<'_>,
    range: &Range<Vec<u8>>,
    each: &mut dyn FnMut(CellRef<'_>) -> ControlFlow<()>,
) -> Result<Next, StoreError> {
    let mut asked: Vec<_> = segments.may_hold(scan.table).collect();
    if let (Table::Link, Rows::One(row)) = (scan.table, scan.rows) {
        asked = marks::holding(asked, row).map_err(|error| named.error("scan", error))?;
    }
    let mut merge = Merge {
        named,
        scan,
        later: asked.iter().position(|s| s.span == Span::Later),
        sources: asked.iter().map(|s| snapshot.range(&s.keyspace, range.clone())).collect(),
    };
    let mut heads = BinaryHeap::with_capacity(merge.sources.len());
    for rank in 0..merge.sources.len() {
        heads.extend(merge.pull(rank)?);
    }
    let mut last: Option<UserKey> = None;
    let mut cells = 0;
    while let Some(head) = heads.pop() {
        if last.as_ref() != Some(&head.key) {
            if cells == SNAPSHOT_CELLS
                && let Some(last) = last
            {
                return Ok(Next::After(last));
            }
            cells += 1;
            if merge.give(&head, each)?.is_break() {
                return Ok(Next::Done);
            }
            last = Some(head.key);
        }
        heads.extend(merge.pull(head.rank)?);
    }
    Ok(Next::Done)
}
