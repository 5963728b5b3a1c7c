//! Lists of executions.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::cursor::ListCursor;
use crate::panorama::{ExecutionStatus, NodeCounts};
use crate::tally::Meta;
use crate::time::Timestamp;

/// One execution in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListEntry {
    /// The root of the tree.
    pub business_id: String,
    /// The link that ran.
    pub scene_id: String,
    /// The run.
    pub execution_id: String,
    /// How it is at `asOf`.
    pub status: ExecutionStatus,
    /// Start of its earliest run.
    pub start_time: Option<Timestamp>,
    /// Its latest close, once it is completed or failed.
    pub end_time: Option<Timestamp>,
    /// From start to end.
    pub duration_micros: Option<i64>,
    /// How many nodes are in which state.
    pub node_counts: NodeCounts,
    /// Business logs of the levels `ERROR` and `FATAL`.
    pub error_count: u64,
    /// Facts about it.
    pub meta: Meta,
}

/// Newest start first; executions without a start last.
pub(super) fn newest_first(a: Option<Timestamp>, b: Option<Timestamp>) -> Ordering {
    b.cmp(&a) // `None` is the least
}

impl ListEntry {
    /// The order of lists: newest start first, then scene, execution and business id.
    pub fn cmp_in_list(&self, other: &Self) -> Ordering {
        newest_first(self.start_time, other.start_time)
            .then_with(|| self.scene_id.cmp(&other.scene_id))
            .then_with(|| self.execution_id.cmp(&other.execution_id))
            .then_with(|| self.business_id.cmp(&other.business_id))
    }
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListAnswer {
    /// In the order of [`ListEntry::cmp_in_list`].
    pub executions: Vec<ListEntry>,
    /// Where the next page begins; `None`: this is the last.
    pub next_cursor: Option<String>,
}

impl ListAnswer {
    /// The page of `limit` entries behind a cursor, from entries in any order. For lists that fit in memory: those of
    /// one business id.
    pub fn page(mut entries: Vec<ListEntry>, after: Option<&ListCursor>, limit: usize) -> Self {
        if let Some(cursor) = after {
            entries.retain(|entry| cursor.is_before(entry));
        }
        entries.sort_unstable_by(ListEntry::cmp_in_list);
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next_cursor = entries.last().filter(|_| more).map(|entry| ListCursor::after(entry).encode());
        Self { executions: entries, next_cursor }
    }
}
