//! How an execution or a list stands, and what changed since: what live updates are made of.

use std::collections::BTreeMap;

use linkloom_schema::answer::{ListAnswer, ListEntry};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Family, Table};
use linkloom_storage::read::{PackRows, list_packs};
use linkloom_storage::store::StoreError;
use serde::Serialize;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::json;
use crate::reader::Reader;

/// How one execution stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pulse {
    /// The execution as lists show it; `None` until it has a summary.
    pub execution: Option<ListEntry>,
    /// Changes with everything that is stored of it.
    pub version: String,
}

impl Reader {
    /// How an execution stands; `None` when nothing is stored of it. Reads no reports.
    pub fn pulse(&self, mark: &LinkMark, as_of: Timestamp) -> Result<Option<Pulse>, StoreError> {
        let execution = self.listed(mark, as_of)?;
        let (store, row) = (&**self.store(), row_key::link(mark.as_ref()));
        let mut hash = Xxh3::new();
        let mut packs = 0;
        let rows = PackRows::find(store, Table::Link, &row)?;
        for family in [Family::Nodes, Family::BusinessLogs] {
            for pack in list_packs(store, rows, family, store.horizon())? {
                hash.update(pack.qualifier.as_bytes());
                hash.update(b"\n");
                packs += 1;
            }
        }
        if execution.is_none() && packs == 0 {
            return Ok(None);
        }
        hash.update(json::line(&execution).as_bytes());
        Ok(Some(Pulse { execution, version: format!("{:016x}", hash.digest()) }))
    }
}

/// One page of a list as it was told.
#[derive(Clone, Debug, Default)]
pub struct Page {
    entries: BTreeMap<[String; 3], (u64, ListEntry)>,
    version: u64,
}

/// What changed in a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// An execution is new in it, or not as it was.
    Execution(Box<ListEntry>),
    /// An execution does not belong in it any more.
    Gone(Box<ListEntry>),
}

impl Page {
    /// The page an answer shows.
    pub fn of(answer: &ListAnswer) -> Self {
        let mut version = Xxh3::new();
        let entries = answer.executions.iter().map(|entry| {
            let text = json::line(entry);
            version.update(text.as_bytes());
            let key = [entry.business_id.clone(), entry.scene_id.clone(), entry.execution_id.clone()];
            (key, (xxh3_64(text.as_bytes()), entry.clone()))
        });
        let entries = entries.collect();
        Page { entries, version: version.digest() }
    }

    /// The same for equal pages.
    pub fn version(&self) -> String {
        format!("{:016x}", self.version)
    }

    /// What changed up to the page `next`, in list order. `more`: the list goes on behind that page; what was pushed off
    /// its end is not told.
    pub fn changes(&self, next: &Page, more: bool) -> Vec<Change> {
        let last = next.entries.values().map(|(_, entry)| entry).max_by(|a, b| a.cmp_in_list(b));
        let pushed_off = |entry: &ListEntry| more && last.is_some_and(|last| entry.cmp_in_list(last).is_gt());
        let gone = self.entries.iter().filter(|(key, _)| !next.entries.contains_key(*key));
        let gone = gone.map(|(_, (_, entry))| entry).filter(|entry| !pushed_off(entry));
        let mut changes: Vec<Change> = gone.map(|entry| Change::Gone(Box::new(entry.clone()))).collect();
        let mut told: Vec<&ListEntry> = next
            .entries
            .iter()
            .filter(|(key, (hash, _))| self.entries.get(*key).is_none_or(|(known, _)| known != hash))
            .map(|(_, (_, entry))| entry)
            .collect();
        told.sort_by(|a, b| a.cmp_in_list(b));
        changes.extend(told.into_iter().map(|entry| Change::Execution(Box::new(entry.clone()))));
        changes
    }
}

#[cfg(test)]
mod tests {
    use linkloom_schema::panorama::{ExecutionStatus, NodeCounts};

    use super::*;

    fn entry(execution: &str, start: i64, status: ExecutionStatus) -> ListEntry {
        ListEntry {
            business_id: "b".to_owned(),
            scene_id: "s".to_owned(),
            execution_id: execution.to_owned(),
            status,
            start_time: Some(Timestamp(start)),
            end_time: None,
            duration_micros: None,
            node_counts: NodeCounts::default(),
            error_count: 0,
            meta: BTreeMap::new(),
        }
    }

    #[test]
    fn what_changed_in_a_list_is_told() {
        use ExecutionStatus::{Completed, Running};
        let page = |entries: &[(&str, i64, ExecutionStatus)]| {
            let executions = entries.iter().map(|(id, start, status)| entry(id, *start, *status));
            Page::of(&ListAnswer { executions: executions.collect(), next_cursor: None })
        };
        let told = |from: &Page, to: &Page, more: bool| -> Vec<String> {
            let changes = from.changes(to, more).into_iter().map(|change| match change {
                Change::Execution(entry) => format!("{} {}", entry.execution_id, entry.status.as_str()),
                Change::Gone(entry) => format!("{} gone", entry.execution_id),
            });
            changes.collect()
        };
        let before = page(&[("c", 3, Running), ("b", 2, Running), ("a", 1, Completed)]);
        assert_eq!(told(&before, &before.clone(), false), [""; 0]);
        let after = page(&[("d", 4, Running), ("c", 3, Completed), ("b", 2, Running)]);
        assert_eq!(told(&before, &after, true), ["d running", "c completed"], "a was pushed off");
        assert_eq!(told(&before, &after, false), ["a gone", "d running", "c completed"]);
        let without = page(&[("d", 4, Running), ("a", 1, Completed)]);
        assert_eq!(told(&after, &without, true), ["b gone", "c gone", "a completed"]);
        assert_ne!(before.version(), after.version());
        assert_eq!(before.version(), before.clone().version());
        assert_eq!(told(&Page::default(), &before, true), ["c running", "b running", "a completed"]);
    }
}
