//! What a text may be the id of: a business id, a link mark, a row key, a trace id, an execution id, a scene.

use std::ops::ControlFlow;

use linkloom_schema::answer::ListEntry;
use linkloom_schema::ids::LinkMark;
use linkloom_schema::panorama::ExecutionStatus;
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::Table;
use linkloom_storage::read::{executions_of_trace, notes_of_traces};
use linkloom_storage::store::{Rows, Scan, StoreError};
use serde::{Deserialize, Serialize};

use crate::filter::ListQuery;
use crate::reader::{KnownStatuses, QueryError, Reader};

/// Newest executions of a business id that are shown.
const SHOWN_OF_BUSINESS: usize = 5;
/// Executions of a trace, or with an execution id, that are shown.
const SHOWN_MAX: usize = 50;
/// Executions looked through for an execution id, newest first in each scene, when it is not said how many, and at most:
/// nothing is filed by it.
pub const SEARCHED: (usize, usize) = (2_000, 100_000);
/// Statuses executions are filed by.
const FILED_BY: [ExecutionStatus; 3] =
    [ExecutionStatus::Running, ExecutionStatus::Completed, ExecutionStatus::Failed];

/// What a text was found to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum Match {
    /// A business id.
    Business {
        /// The id.
        business_id: String,
        /// Its newest executions.
        executions: Vec<ListEntry>,
        /// It has more.
        more: bool,
    },
    /// One execution.
    Execution {
        /// What the text says of it.
        #[serde(rename = "as")]
        seen_as: SeenAs,
        /// The execution.
        execution: Box<ListEntry>,
    },
    /// A trace id.
    Trace {
        /// The id.
        trace_id: String,
        /// Executions that carry it, in key order, 50 at most.
        executions: Vec<ListEntry>,
        /// Reports of the trace without a mark are stored.
        unlinked: bool,
    },
    /// A scene.
    Scene {
        /// The id.
        scene_id: String,
    },
}

/// How a text names an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SeenAs {
    /// Business id, scene id and execution id with separators between them.
    LinkMark,
    /// A row key of the store.
    RowKey,
    /// Its execution id alone.
    ExecutionId,
}

/// How far executions were looked through for an execution id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Searched {
    /// Hints of executions looked at.
    pub executions: u64,
    /// Those are all there are.
    pub complete: bool,
}

/// What a text may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolveAnswer {
    /// The text, without space around it.
    pub query: String,
    /// What was found, the likeliest first.
    pub found: Vec<Match>,
    /// The search for an execution id, which is made when nothing else was found.
    pub searched: Option<Searched>,
}

impl Reader {
    /// What `text` may be the id of. `separator` stands between the ids of a link mark.
    ///
    /// Shape: a few small reads; when they find nothing, at most `searched_max` hints are looked through for an execution id.
    pub fn resolve(
        &self,
        text: &str,
        separator: &str,
        searched_max: usize,
        as_of: Timestamp,
    ) -> Result<ResolveAnswer, QueryError> {
        let text = text.trim();
        let mut found = Vec::new();
        let listed =
            self.list(text, &ListQuery { limit: SHOWN_OF_BUSINESS, ..ListQuery::default() }, as_of)?;
        if !listed.executions.is_empty() {
            found.push(Match::Business {
                business_id: text.to_owned(),
                more: listed.next_cursor.is_some(),
                executions: listed.executions,
            });
        }
        if let Some(mark) = cut_mark(text, separator) {
            found.extend(self.seen(&mark, SeenAs::LinkMark, as_of)?);
        }
        if let Some(mark) = mark_of_row(text) {
            found.extend(self.seen(&mark, SeenAs::RowKey, as_of)?);
        }
        found.extend(self.trace(text, as_of)?);
        if self.is_scene(text)? {
            found.push(Match::Scene { scene_id: text.to_owned() });
        }
        let mut searched = None;
        if found.is_empty() && !text.is_empty() {
            let (marks, search) = self.search(text, searched_max as u64)?;
            for mark in marks {
                found.extend(self.seen(&mark, SeenAs::ExecutionId, as_of)?);
            }
            searched = Some(search);
        }
        Ok(ResolveAnswer { query: text.to_owned(), found, searched })
    }

    /// One execution as lists show it; `None` while it has no summary.
    pub fn listed(&self, mark: &LinkMark, as_of: Timestamp) -> Result<Option<ListEntry>, StoreError> {
        self.entry(mark, None, &self.definitions().snapshot(), &KnownStatuses::default(), as_of)
    }

    fn seen(&self, mark: &LinkMark, seen_as: SeenAs, as_of: Timestamp) -> Result<Option<Match>, StoreError> {
        let entry = self.listed(mark, as_of)?;
        Ok(entry.map(|entry| Match::Execution { seen_as, execution: Box::new(entry) }))
    }

    fn trace(&self, text: &str, as_of: Timestamp) -> Result<Option<Match>, StoreError> {
        let store = &**self.store();
        let marks = executions_of_trace(store, text)?;
        let notes = notes_of_traces(store, std::slice::from_ref(&text.to_owned()))?;
        let unlinked = notes.iter().any(|notes| notes.unmarked);
        if marks.is_empty() && !unlinked {
            return Ok(None);
        }
        let mut executions = Vec::new();
        for mark in marks.iter().take(SHOWN_MAX) {
            executions.extend(self.listed(mark, as_of)?);
        }
        Ok(Some(Match::Trace { trace_id: text.to_owned(), executions, unlinked }))
    }

    fn is_scene(&self, text: &str) -> Result<bool, StoreError> {
        if self.definitions().snapshot().log().versions(text).next().is_some() {
            return Ok(true);
        }
        let mut found = false;
        let mut prefix = String::new();
        row_key::push_id(&mut prefix, text);
        prefix.push('|');
        let scan = Scan::new(Table::Scene, Rows::Prefix(&prefix)).keys_only();
        self.store().scan(&scan, &mut |_| {
            found = true;
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// Looks through the hints of all scenes for an execution id, of each scene and status as many as of any other, and more
    /// where others have fewer.
    fn search(&self, execution_id: &str, max: u64) -> Result<(Vec<LinkMark>, Searched), StoreError> {
        let mut suffix = String::from("|");
        row_key::push_id(&mut suffix, execution_id);
        let mut searched = Searched { executions: 0, complete: true };
        let mut marks: Vec<LinkMark> = Vec::new();
        let mut failed = None;
        let scenes = self.scenes_with_executions()?;
        let prefixes = scenes
            .iter()
            .flat_map(|scene| FILED_BY.map(|status| row_key::scene_prefix(scene, status.as_str())));
        let mut left = (scenes.len() * FILED_BY.len()) as u64;
        for prefix in prefixes {
            let until = searched.executions + (max - searched.executions) / left;
            left -= 1;
            let scan = Scan::new(Table::Scene, Rows::Prefix(&prefix)).keys_only();
            self.store().scan(&scan, &mut |cell| {
                if searched.executions >= until || marks.len() >= SHOWN_MAX {
                    searched.complete = false;
                    return ControlFlow::Break(());
                }
                searched.executions += 1;
                if cell.row.ends_with(&suffix) {
                    match row_key::decode_scene(cell.row) {
                        Ok((mark, ..)) if !marks.contains(&mark) => marks.push(mark),
                        Ok(_) => {}
                        Err(error) => {
                            failed = Some(self.corrupt(cell.row, &error));
                            return ControlFlow::Break(());
                        }
                    }
                }
                ControlFlow::Continue(())
            })?;
        }
        failed.map_or(Ok((marks, searched)), Err)
    }
}

/// A link mark, cut at its last two separators as in reports.
fn cut_mark(text: &str, separator: &str) -> Option<LinkMark> {
    if separator.is_empty() {
        return None;
    }
    let (rest, execution) = text.rsplit_once(separator)?;
    let (business, scene) = rest.rsplit_once(separator)?;
    LinkMark::new(business, scene, execution).ok()
}

/// The execution a row key of any table names.
fn mark_of_row(text: &str) -> Option<LinkMark> {
    let link = || row_key::decode_link(text).ok().map(|(mark, _)| mark);
    let recent = || row_key::decode_recent(text).ok().map(|(mark, _)| mark);
    let scene = || row_key::decode_scene(text).ok().map(|(mark, ..)| mark);
    let trace = || row_key::decode_trace(text).ok().map(|(_, mark)| mark);
    // A `recent` row looks like an overflow row of `link`, but for its time: its third part has ten digits.
    recent().or_else(trace).or_else(scene).or_else(link)
}
