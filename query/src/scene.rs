//! Scenes: which there are, and the executions of one over all business ids.
//!
//! The `scene` table holds hints: that an execution had a status and started in a second. Statuses change and starts move,
//! so a hint only says where to look; what is listed is decided by the summary, as in every list.

use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;

use linkloom_schema::answer::{ListAnswer, ListCursor, ListEntry, RowCursor};
use linkloom_schema::definition::{Definition, for_each_node};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::panorama::ExecutionStatus;
use linkloom_schema::row_key::{self, LAST_SECOND};
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::Table;
use linkloom_storage::store::{Rows, Scan, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::figures::ways;
use crate::filter::{ListQuery, Went};
use crate::reader::{KnownStatuses, QueryError, Reader};

/// Sorts behind every character of a row key.
const LAST: char = '\u{7f}';
/// Statuses there are hints of; `stalled` is never stored.
const HINTED: [ExecutionStatus; 3] =
    [ExecutionStatus::Running, ExecutionStatus::Completed, ExecutionStatus::Failed];
/// Hints of one status read at a time.
const HINTS_AT_ONCE: usize = 512;
/// Executions looked at for one answer; where few of them are wanted, the page ends early and its cursor goes on.
const LOOKED_AT_MAX: usize = 10_000;
/// Of those so many are read whole, where it matters which way they went.
const READ_WHOLE_MAX: usize = 1_000;

/// One scene.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SceneEntry {
    /// The scene.
    pub scene_id: String,
    /// Name of its link, for people.
    pub link_name: Option<String>,
    /// What it is, for people.
    pub description: Option<String>,
    /// The version of the definition that holds; `None`: it has none.
    pub definition_version: Option<String>,
    /// How many versions of the definition there are.
    pub versions: u64,
    /// Nodes of the definition, those in blocks included; of variants those of `nodes`.
    pub nodes: u64,
    /// Second its newest execution started in; `None`: it has none.
    pub last_start_time: Option<Timestamp>,
}

/// The scenes of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScenesAnswer {
    /// By id.
    pub scenes: Vec<SceneEntry>,
    /// Where the next page begins; `None`: this is the last.
    pub next_cursor: Option<String>,
}

impl Reader {
    /// The scenes that have a definition or executions, by id.
    ///
    /// Shape: at most `limit` entries. The work is that of a few small reads a scene.
    pub fn scenes(
        &self,
        limit: usize,
        cursor: Option<&str>,
        as_of: Timestamp,
    ) -> Result<ScenesAnswer, QueryError> {
        let after = cursor.map(RowCursor::decode).transpose()?.map(|cursor| cursor.row);
        let definitions = self.definitions().snapshot();
        let mut ids: BTreeSet<String> = self.scenes_with_executions()?;
        ids.extend(definitions.log().scenes().map(|scene| scene.to_string()));
        let mut ids = ids.into_iter().filter(|id| after.as_ref().is_none_or(|after| id > after));
        let page: Vec<String> = ids.by_ref().take(limit).collect();
        let more = ids.next().is_some();
        let scenes = page.into_iter().map(|scene_id| {
            let log = definitions.log();
            let version = log.resolve(&scene_id, Some(as_of));
            Ok(SceneEntry {
                link_name: version.and_then(|version| version.definition.link_name.clone()),
                description: version.and_then(|version| version.definition.description.clone()),
                definition_version: version.map(|version| version.hash.to_string()),
                versions: log.versions(&scene_id).count() as u64,
                nodes: version.map_or(0, |version| nodes(&version.definition)),
                last_start_time: self.newest_start(&scene_id)?,
                scene_id,
            })
        });
        let scenes = scenes.collect::<Result<Vec<_>, StoreError>>()?;
        let next_cursor = scenes
            .last()
            .filter(|_| more)
            .map(|last| RowCursor { row: last.scene_id.clone(), qualifier: String::new() }.encode());
        Ok(ScenesAnswer { scenes, next_cursor })
    }

    /// Scenes some execution ran in: one small read for each of them.
    pub(crate) fn scenes_with_executions(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut scenes = BTreeSet::new();
        let mut after: Option<String> = None;
        loop {
            let mut first = None;
            let scan =
                Scan { after_row: after.as_deref(), ..Scan::new(Table::Scene, Rows::Prefix("")).keys_only() };
            self.store().scan(&scan, &mut |cell| {
                first = cell.row.split('|').next().map(str::to_owned);
                ControlFlow::Break(())
            })?;
            let Some(first) = first else { return Ok(scenes) };
            let scene = row_key::decode_id(&first).map_err(|error| self.corrupt(&first, &error))?;
            scenes.insert(scene.into_owned());
            after = Some(format!("{first}|{LAST}"));
        }
    }

    fn newest_start(&self, scene_id: &str) -> Result<Option<Timestamp>, StoreError> {
        let mut newest = None;
        for status in HINTED {
            let mut hints = Hints::new(&**self.store(), scene_id, status, None);
            newest = newest.max(hints.second()?);
        }
        Ok(newest.map(|second| Timestamp(second.saturating_mul(1_000_000))))
    }

    /// Executions of a scene over all business ids, newest start first. An unknown scene has none.
    ///
    /// Shape: a page may hold fewer than `limit` entries though others follow: at most 10,000 executions (and those that
    /// started in the second the last of them did) are looked at, and 1,000 read whole where it matters which way they went.
    pub fn scene_list(
        &self,
        scene_id: &str,
        query: &ListQuery,
        as_of: Timestamp,
    ) -> Result<ListAnswer, QueryError> {
        self.scene_list_within(scene_id, query, as_of, (LOOKED_AT_MAX, READ_WHOLE_MAX))
    }

    fn scene_list_within(
        &self,
        scene_id: &str,
        query: &ListQuery,
        as_of: Timestamp,
        (looked_at_max, read_whole_max): (usize, usize),
    ) -> Result<ListAnswer, QueryError> {
        let after = query.cursor.as_deref().map(ListCursor::decode).transpose()?;
        let not_after = after.as_ref().map(|cursor| cursor.start.unwrap_or(Timestamp(0)));
        let newest = not_after.into_iter().chain(query.to).min();
        let definitions = self.definitions().snapshot();
        let known = KnownStatuses::default();
        let store = &**self.store();
        let mut hints: Vec<Hints<'_>> =
            hinted(query.status).iter().map(|status| Hints::new(store, scene_id, *status, newest)).collect();
        let mut entries: Vec<ListEntry> = Vec::new();
        let (mut looked_at, mut read_whole) = (0, 0);
        // Entries are only in order within a second once all of the second are there.
        while entries.len() <= query.limit {
            let mut second = None;
            for hints in &mut hints {
                second = second.max(hints.second()?);
            }
            let Some(second) = second else { break };
            if query.from.is_some_and(|from| second < from.seconds()) {
                break;
            }
            if looked_at >= looked_at_max || read_whole >= read_whole_max {
                let answer = ListAnswer::page(entries, after.as_ref(), query.limit);
                let next_cursor = Some(before_second(second).encode());
                return Ok(ListAnswer { next_cursor, ..answer });
            }
            let mut marks = BTreeSet::new();
            for hints in &mut hints {
                hints.take(second, &mut marks)?;
            }
            for mark in marks {
                looked_at += 1;
                let entry = self.entry(&mark, Some(second), &definitions, &known, as_of)?;
                let Some(entry) = entry.filter(|entry| {
                    query.wants(entry) && after.as_ref().is_none_or(|after| after.is_before(entry))
                }) else {
                    continue;
                };
                if let Some(went) = &query.went {
                    read_whole += 1;
                    if !self.went(&mark, went, as_of)? {
                        continue;
                    }
                }
                entries.push(entry);
            }
        }
        Ok(ListAnswer::page(entries, after.as_ref(), query.limit))
    }

    /// Whether an execution went a way.
    fn went(&self, mark: &LinkMark, way: &Went, as_of: Timestamp) -> Result<bool, QueryError> {
        let went = self.show_nodes(mark, as_of, |answer| {
            let node = answer.nodes.iter().find(|node| node.node_name == way.node_name);
            node.is_some_and(|node| ways(answer, node).contains(&way.case.as_str()))
        })?;
        Ok(went.unwrap_or(false))
    }
}

/// Where executions in a status may be hinted at: silence ends what was running last, with whatever it comes to.
fn hinted(status: Option<ExecutionStatus>) -> &'static [ExecutionStatus] {
    match status {
        None => &HINTED,
        Some(ExecutionStatus::Running | ExecutionStatus::Stalled) => &[ExecutionStatus::Running],
        Some(ExecutionStatus::Completed) => &[ExecutionStatus::Running, ExecutionStatus::Completed],
        Some(ExecutionStatus::Failed) => &[ExecutionStatus::Running, ExecutionStatus::Failed],
    }
}

/// The cursor before everything that started in `second` or earlier.
fn before_second(second: i64) -> ListCursor {
    let start = Timestamp(second.saturating_mul(1_000_000).saturating_add(999_999));
    // Every id sorts behind these.
    let [scene_id, execution_id, business_id] = [const { String::new() }; 3];
    ListCursor { start: Some(start), scene_id, execution_id, business_id }
}

fn nodes(definition: &Definition) -> u64 {
    let mut count = 0;
    for_each_node(&definition.nodes, &mut |_, _| count += 1);
    count
}

/// The hints of one scene in one status, newest second first, read a piece at a time.
struct Hints<'s> {
    store: &'s dyn Store,
    prefix: String,
    /// The next piece begins behind this row.
    after: Option<String>,
    waiting: VecDeque<(LinkMark, i64)>,
    ended: bool,
}

impl<'s> Hints<'s> {
    /// Those of the second `newest` is in and before.
    fn new(store: &'s dyn Store, scene_id: &str, status: ExecutionStatus, newest: Option<Timestamp>) -> Self {
        let prefix = row_key::scene_prefix(scene_id, status.as_str());
        let after =
            newest.map(|time| format!("{prefix}{:010}", LAST_SECOND - time.seconds().clamp(0, LAST_SECOND)));
        Hints { store, prefix, after, waiting: VecDeque::new(), ended: false }
    }

    /// The second of the next hint.
    fn second(&mut self) -> Result<Option<i64>, StoreError> {
        if self.waiting.is_empty() && !self.ended {
            self.read()?;
        }
        Ok(self.waiting.front().map(|(_, second)| *second))
    }

    /// Takes all hints of `second`, which is the next one's or an earlier one.
    fn take(&mut self, second: i64, marks: &mut BTreeSet<LinkMark>) -> Result<(), StoreError> {
        while self.second()? == Some(second) {
            marks.extend(self.waiting.pop_front().map(|(mark, _)| mark));
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), StoreError> {
        let mut failed = None;
        let mut last = None;
        let scan = Scan {
            after_row: self.after.as_deref(),
            ..Scan::new(Table::Scene, Rows::Prefix(&self.prefix)).keys_only()
        };
        self.store.scan(&scan, &mut |cell| {
            match row_key::decode_scene(cell.row) {
                Ok((mark, _, second)) => self.waiting.push_back((mark, second)),
                Err(error) => {
                    failed = Some(StoreError::Corrupt {
                        store: self.store.name().to_owned(),
                        what: cell.row.to_owned(),
                        why: error.to_string(),
                    });
                    return ControlFlow::Break(());
                }
            }
            if self.waiting.len() < HINTS_AT_ONCE {
                return ControlFlow::Continue(());
            }
            last = Some(cell.row.to_owned());
            ControlFlow::Break(())
        })?;
        self.ended = last.is_none();
        self.after = last;
        failed.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use linkloom_schema::idle::IdleTimes;
    use linkloom_schema::ids::MarkRef;
    use linkloom_storage::cell::{Cell, CellBatch, Family};
    use linkloom_storage::definitions::Definitions;
    use linkloom_storage::execution::SUMMARY;
    use linkloom_storage::memory::MemoryStore;
    use serde_json::json;

    use super::*;

    const BEGIN: i64 = 1_795_255_200_000_000;

    /// Executions `e00`, `e01`, ..., three to a second; every third has failed, the others run.
    fn reader(count: i64) -> Reader {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let idle = IdleTimes::default();
        let mut batch = CellBatch::default();
        for number in 0..count {
            let execution_id = format!("e{number:02}");
            let mark = MarkRef { business_id: "b", scene_id: "s", execution_id: &execution_id };
            let start = Timestamp(BEGIN + number / 3 * 1_000_000 + number);
            let status = if number % 3 == 0 { "failed" } else { "running" };
            let summary = json!({
                "v": 1, "version": 1, "businessId": "b", "sceneId": "s", "executionId": execution_id, "status": status,
                "statusWhenSilent": status, "firstReportTime": start, "lastReportTime": start,
                "stallsAt": start.plus_micros(idle.of("s")), "startTime": start, "endTime": null,
                "durationMicros": null, "definitionVersion": null, "nodeCounts": {}, "errorCount": 0, "meta": {},
                "traceIds": [], "services": [], "links": false, "traceJoined": false,
            });
            let mut put = |table, row, qualifier: &str, value: Vec<u8>| {
                let qualifier = qualifier.to_owned();
                batch.cells.push(Cell {
                    table,
                    row,
                    family: Family::Link,
                    qualifier,
                    value,
                    expires_by: None,
                });
            };
            put(Table::Link, row_key::link(mark), SUMMARY, summary.to_string().into_bytes());
            // All were running once, and the hint of that stays; one was thought to have begun earlier.
            put(Table::Scene, row_key::scene(mark, "running", start), "s", Vec::new());
            put(Table::Scene, row_key::scene(mark, status, start), "s", Vec::new());
            put(
                Table::Scene,
                row_key::scene(mark, "running", start.plus_micros(-7_000_000)),
                "s",
                Vec::new(),
            );
        }
        store.write(&batch).expect("stored");
        let definitions = Arc::new(Definitions::load(store.clone()).expect("none"));
        Reader::new(store, definitions, Arc::new(idle))
    }

    /// All pages one after the other: the ids, and how many pages.
    fn pages(reader: &Reader, query: &ListQuery, looked_at_max: usize) -> (Vec<String>, usize) {
        let (mut ids, mut query, mut pages) = (Vec::new(), query.clone(), 0);
        loop {
            let page =
                reader.scene_list_within("s", &query, Timestamp(BEGIN), (looked_at_max, 1)).expect("a page");
            assert!(page.executions.len() <= query.limit);
            ids.extend(page.executions.into_iter().map(|entry| entry.execution_id));
            pages += 1;
            assert!(pages < 1_000, "it goes on for ever at {:?}", query.cursor);
            match page.next_cursor {
                Some(cursor) => query.cursor = Some(cursor),
                None => return (ids, pages),
            }
        }
    }

    #[test]
    fn pages_are_complete_whatever_is_looked_at_for_one() {
        let reader = reader(31);
        let failed = Some(ExecutionStatus::Failed);
        let all: Vec<String> = (0..31).rev().map(|number| format!("e{number:02}")).collect();
        let third: Vec<String> = all.iter().rev().step_by(3).rev().cloned().collect();
        for limit in [1, 2, 5, 100] {
            for looked_at_max in [1, 2, 4, 100] {
                let query = ListQuery { limit, ..ListQuery::default() };
                assert_eq!(pages(&reader, &query, looked_at_max).0, all, "{limit} {looked_at_max}");
                let query = ListQuery { status: failed, ..query };
                assert_eq!(pages(&reader, &query, looked_at_max).0, third, "{limit} {looked_at_max}");
            }
        }
        let query =
            ListQuery { limit: 100, status: Some(ExecutionStatus::Completed), ..ListQuery::default() };
        let (none, pages) = pages(&reader, &query, 1);
        assert!(none.is_empty() && pages > 5, "{pages} pages that end early");
    }
}
