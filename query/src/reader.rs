//! The three questions: which executions of a business id, one execution, one node. Answers are functions of what is
//! stored, the definition log and `as_of`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use linkloom_schema::answer::{
    BadCursor, ExecutionAnswer, ExecutionInput, ListAnswer, ListCursor, ListEntry, LogCursor, LogsAnswer,
    NodeAnswer, execution_answer, log_answer, node_answer,
};
use linkloom_schema::event::{Moment, NodeEvent};
use linkloom_schema::idle::IdleTimes;
use linkloom_schema::ids::LinkMark;
use linkloom_schema::panorama::{Context, ExecutionStatus, NodeState, Plans, SubStatus, is_silent};
use linkloom_schema::report::{Level, Report, ReportKind, decode_stored};
use linkloom_schema::row_key;
use linkloom_schema::summary::{Observed, Summary, list_entry, stalls_at, summarise};
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Family, Table};
use linkloom_storage::definitions::{DefinitionSnapshot, Definitions};
use linkloom_storage::execution::{self, Execution, Logs, with_execution};
use linkloom_storage::store::{Rows, Scan, Store, StoreError};
use linkloom_storage::watch::Changes;

use crate::filter::ListQuery;
use crate::log_page::{LogQuery, Place, log_page};

/// Depth to which executions behind `link` nodes are followed.
const LINK_DEPTH_MAX: usize = 8;

/// Statuses of executions behind `link` nodes with the depth they were asked at: each is looked up once for an answer,
/// however many nodes lead to it, so that links that contain one another in circles stay cheap.
pub(crate) type KnownStatuses = RefCell<HashMap<(LinkMark, usize), Option<ExecutionStatus>>>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cursor is not one of ours.
    #[error(transparent)]
    Cursor(#[from] BadCursor),
}

/// Which logs of an execution or of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogsQuery {
    /// Only of this level, whatever its case.
    pub level: Option<String>,
    /// Only of this level or a graver one; one that is not known counts as less than any.
    pub min_level: Option<String>,
    /// Of the logs of an execution only those that name this node.
    pub node: Option<String>,
    /// Only with this text in their message.
    pub text: Option<String>,
    /// Of the logs of an execution only those that name no node.
    pub without_node: bool,
    /// At most so many.
    pub limit: usize,
    /// Go on where the answer before ended.
    pub cursor: Option<String>,
}

/// Reads a store.
#[derive(Clone)]
pub struct Reader {
    store: Arc<dyn Store>,
    definitions: Arc<Definitions>,
    idle: Arc<IdleTimes>,
    changes: Option<Arc<Changes>>,
    others_write: bool,
}

impl Reader {
    /// A reader of `store` under its definition log.
    pub fn new(store: Arc<dyn Store>, definitions: Arc<Definitions>, idle: Arc<IdleTimes>) -> Self {
        Reader { store, definitions, idle, changes: None, others_write: true }
    }

    /// The same, told by `changes` what this process writes. `others_write`: other processes may write the store, too.
    #[must_use]
    pub fn told_by(self, changes: Arc<Changes>, others_write: bool) -> Self {
        Reader { changes: Some(changes), others_write, ..self }
    }

    /// Who tells what this process writes.
    pub fn changes(&self) -> Option<&Arc<Changes>> {
        self.changes.as_ref()
    }

    /// Whether the store may change without being told.
    pub fn others_write(&self) -> bool {
        self.others_write
    }

    /// The store read.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The definition log read.
    pub fn definitions(&self) -> &Arc<Definitions> {
        &self.definitions
    }

    /// Whether the store answers: one small read where executions are.
    ///
    /// Errors: what it says instead. It may take as long as a read of the store takes.
    pub fn answers(&self) -> Result<(), StoreError> {
        self.store.get(Table::Link, "00|", Family::Link, execution::SUMMARY).map(drop)
    }

    /// Executions of a business id over all scenes, newest start first. An unknown business id has none.
    pub fn list(
        &self,
        business_id: &str,
        query: &ListQuery,
        as_of: Timestamp,
    ) -> Result<ListAnswer, QueryError> {
        let after = query.cursor.as_deref().map(ListCursor::decode).transpose()?;
        let definitions = self.definitions.snapshot();
        let prefix = row_key::business_prefix(business_id);
        // The last row before the second the cursor or `to` is in: everything of that second is read again.
        let not_after = after.as_ref().map(|cursor| cursor.start.unwrap_or(Timestamp(0))).into_iter();
        let newest = not_after.chain(query.to).min();
        let before = newest.map(|time| {
            format!("{prefix}{:010}", row_key::LAST_SECOND - time.seconds().clamp(0, row_key::LAST_SECOND))
        });
        let known = KnownStatuses::default();
        let mut failed = None;
        let mut entries: Vec<ListEntry> = Vec::new();
        let mut second = None;
        let scan = Scan {
            after_row: before.as_deref(),
            ..Scan::new(Table::Recent, Rows::Prefix(&prefix)).keys_only()
        };
        self.store.scan(&scan, &mut |cell| {
            let (mark, start) = match row_key::decode_recent(cell.row) {
                Ok(decoded) => decoded,
                Err(error) => {
                    failed = Some(self.corrupt(cell.row, &error));
                    return ControlFlow::Break(());
                }
            };
            // Entries are only in order within a second once all of the second are there.
            if second != Some(start) && entries.len() > query.limit {
                return ControlFlow::Break(());
            }
            second = Some(start);
            if query.scene.as_deref().is_some_and(|scene| scene != &*mark.scene_id) {
                return ControlFlow::Continue(());
            }
            match self.entry(&mark, Some(start), &definitions, &known, as_of) {
                Ok(Some(entry)) => {
                    if query.wants(&entry) && after.as_ref().is_none_or(|after| after.is_before(&entry)) {
                        entries.push(entry);
                    }
                    ControlFlow::Continue(())
                }
                Ok(None) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(ListAnswer::page(entries, after.as_ref(), query.limit)),
        }
    }

    /// One execution in a list; `None` when it has no summary, or did not start in the second its hint says.
    pub(crate) fn entry(
        &self,
        mark: &LinkMark,
        second: Option<i64>,
        definitions: &DefinitionSnapshot,
        known: &KnownStatuses,
        as_of: Timestamp,
    ) -> Result<Option<ListEntry>, StoreError> {
        let Some(stored) = execution::summary(&*self.store, mark.as_ref())? else { return Ok(None) };
        let is_stale = |summary: &Summary| {
            second.is_some_and(|second| summary.start_time.unwrap_or(Timestamp(0)).seconds().max(0) != second)
        };
        if is_stale(&stored) {
            return Ok(None);
        }
        if !self.must_be_computed(&stored, definitions) {
            return Ok(Some(list_entry(&stored, as_of)));
        }
        let computed = with_execution(&*self.store, mark, Logs::Summed, |execution| {
            self.with_definition(&execution, definitions, known, as_of, LINK_DEPTH_MAX, |definition, sub| {
                let events: Vec<NodeEvent<'_>> =
                    execution.reports.iter().filter_map(|report| report.node_event()).collect();
                let mut computed = summarise(&Observed {
                    mark: mark.as_ref(),
                    events: &events,
                    tally: &execution.tally,
                    definition,
                    idle_micros: self.idle.of(&mark.scene_id),
                    sub,
                });
                computed.error_count = stored.error_count;
                list_entry(&computed, as_of)
            })
        })?;
        Ok(computed)
    }

    /// Whether status and counts cannot be taken from the stored summary: they depend on other executions, or the
    /// definition that holds now is another than when it was written, or it counted reports that are past retention.
    fn must_be_computed(&self, summary: &Summary, definitions: &DefinitionSnapshot) -> bool {
        let version = definitions.resolve(&summary.scene_id, summary.first_report_time);
        let version = version.map(|(version, _)| version.hash.to_string());
        let idle = self.idle.of(&summary.scene_id);
        summary.links
            || version != summary.definition_version
            || summary.stalls_at != summary.last_report_time.map(|last| last.plus_micros(idle))
            || matches!((self.store.horizon(), summary.first_report_time), (Some(h), Some(first)) if first < h)
    }

    /// Looks up what an execution is laid over: the definition valid for it, and the executions behind `link` nodes down
    /// to `depth`.
    fn with_definition<T>(
        &self,
        execution: &Execution<'_>,
        definitions: &DefinitionSnapshot,
        known: &KnownStatuses,
        as_of: Timestamp,
        depth: usize,
        then: impl FnOnce(Option<(&str, &Plans)>, &SubStatus<'_>) -> T,
    ) -> T {
        let found = definitions.resolve(execution.mark.scene_id, execution.tally.first_time);
        let hash = found.map(|(version, _)| version.hash.to_string());
        let definition = found.zip(hash.as_deref()).map(|((_, plans), hash)| (hash, plans));
        let business_id = execution.mark.business_id;
        let sub = |scene: &str, sub_execution: &str| {
            if depth == 0 {
                return None;
            }
            let asked = (LinkMark::new(business_id, scene, sub_execution).ok()?, depth - 1);
            if let Some(status) = known.borrow().get(&asked) {
                return *status;
            }
            let status = self.status(&asked.0, definitions, known, as_of, asked.1);
            known.borrow_mut().insert(asked, status);
            status
        };
        then(definition, &sub)
    }

    /// The status of an execution behind a `link` node; `None` when nothing is stored of it or it cannot be read.
    fn status(
        &self,
        mark: &LinkMark,
        definitions: &DefinitionSnapshot,
        known: &KnownStatuses,
        as_of: Timestamp,
        depth: usize,
    ) -> Option<ExecutionStatus> {
        let read = with_execution(&*self.store, mark, Logs::Few, |execution| {
            self.with_definition(&execution, definitions, known, as_of, depth, |definition, sub| {
                self.with_input(&execution, definition, sub, as_of, &[], |input| {
                    execution_answer(input).status
                })
            })
        });
        read.inspect_err(|error| tracing::warn!(%error, "an execution behind a link cannot be read"))
            .ok()
            .flatten()
    }

    fn with_input<T>(
        &self,
        execution: &Execution<'_>,
        definition: Option<(&str, &Plans)>,
        sub: &SubStatus<'_>,
        as_of: Timestamp,
        shared: &[&str],
        then: impl FnOnce(&ExecutionInput<'_>) -> T,
    ) -> T {
        let stalls_at = stalls_at(&execution.tally, self.idle.of(execution.mark.scene_id));
        then(&ExecutionInput {
            mark: execution.mark,
            reports: &execution.reports,
            tally: &execution.tally,
            definition,
            context: Context {
                execution_id: execution.mark.execution_id,
                silent: is_silent(stalls_at, as_of),
                partial: execution.partial,
                sub,
            },
            shared_traces: shared,
            stalls_at,
            findings: &execution.conflicts,
        })
    }

    /// Reads an execution and lends what its answers are made from.
    fn with_answer<T>(
        &self,
        mark: &LinkMark,
        logs: Logs,
        as_of: Timestamp,
        then: impl FnOnce(&ExecutionInput<'_>, &Execution<'_>) -> T,
    ) -> Result<Option<T>, QueryError> {
        let definitions = self.definitions.snapshot();
        let known = KnownStatuses::default();
        let answer = with_execution(&*self.store, mark, logs, |execution| {
            let shared: Vec<&str> = execution.shared_traces.iter().map(String::as_str).collect();
            self.with_definition(
                &execution,
                &definitions,
                &known,
                as_of,
                LINK_DEPTH_MAX,
                |definition, sub| {
                    self.with_input(&execution, definition, sub, as_of, &shared, |input| {
                        then(input, &execution)
                    })
                },
            )
        })?;
        Ok(answer)
    }

    /// Lends the answer about one execution to `then`; `None` when nothing is stored of it.
    pub fn show<T>(
        &self,
        mark: &LinkMark,
        as_of: Timestamp,
        then: impl FnOnce(&ExecutionAnswer<'_>) -> T,
    ) -> Result<Option<T>, QueryError> {
        self.with_answer(mark, Logs::All, as_of, |input, _| then(&execution_answer(input)))
    }

    /// The same without logs and their counts: what its summary says of them stands for them.
    pub(crate) fn show_nodes<T>(
        &self,
        mark: &LinkMark,
        as_of: Timestamp,
        then: impl FnOnce(&ExecutionAnswer<'_>) -> T,
    ) -> Result<Option<T>, QueryError> {
        self.with_answer(mark, Logs::Summed, as_of, |input, _| then(&execution_answer(input)))
    }

    /// Lends the answer about one node with a page of its logs; `None` when the execution or the node is not known.
    pub fn node<T>(
        &self,
        mark: &LinkMark,
        node: &str,
        run: Option<&str>,
        query: &LogsQuery,
        as_of: Timestamp,
        then: impl FnOnce(&NodeAnswer<'_>) -> T,
    ) -> Result<Option<T>, QueryError> {
        let answer = self.with_answer(mark, Logs::Few, as_of, |input, execution| {
            self.page(execution, Some(node), query, |logs| {
                // A node that only logs name is known by its logs where they were not all read.
                let only_logged = execution.logs_left_out && !logs.logs.is_empty();
                let (runs, state) = match node_answer(input, node, run, LogsAnswer::default()) {
                    Some(answer) => (answer.runs, answer.state),
                    None if only_logged => (Vec::new(), NodeState::Unplanned),
                    None => return None,
                };
                let LogsAnswer { logs, next_cursor } = logs;
                Some(then(&NodeAnswer { node_name: node.to_owned(), state, runs, logs, next_cursor }))
            })
        })?;
        answer.transpose().map(Option::flatten)
    }

    /// Lends a page of all logs of an execution to `then`; `None` when nothing is stored of it.
    pub fn logs<T>(
        &self,
        mark: &LinkMark,
        query: &LogsQuery,
        then: impl FnOnce(LogsAnswer<'_>) -> T,
    ) -> Result<Option<T>, QueryError> {
        let read = with_execution(&*self.store, mark, Logs::Few, |execution| {
            self.page(&execution, None, query, then)
        })?;
        read.transpose()
    }

    fn page<T>(
        &self,
        execution: &Execution<'_>,
        node: Option<&str>,
        query: &LogsQuery,
        then: impl FnOnce(LogsAnswer<'_>) -> T,
    ) -> Result<T, QueryError> {
        let after = query.cursor.as_deref().map(LogCursor::decode).transpose()?;
        let level = query.level.as_deref().map(|level| Level::of(Some(level)));
        let min_level = query.min_level.as_deref().map(|level| Level::of(Some(level)));
        let wanted = |report: &Report<'_>| {
            level.is_none_or(|level| report.level() == level)
                && min_level.is_none_or(|least| report.level() >= least)
                && query
                    .text
                    .as_deref()
                    .is_none_or(|text| report.message.as_deref().unwrap_or("").contains(text))
        };
        let page = log_page(
            &*self.store,
            execution.mark,
            execution.log_packs.clone(),
            &LogQuery {
                kind: Some(ReportKind::Log),
                node: node.or(query.node.as_deref()).map(Some).or(query.without_node.then_some(None)),
                wanted: &wanted,
                after: after.map(|LogCursor(moment)| Place::from(moment)),
                limit: query.limit,
                horizon: self.store.horizon(),
                winners: &execution.winners,
            },
        )?;
        let mut reports: Vec<Report<'_>> = Vec::with_capacity(page.lines.len());
        for (_, line, marked) in &page.lines {
            let report = decode_stored(line.as_bytes(), marked.then_some(execution.mark));
            reports.push(report.map_err(|why| self.corrupt(line, &why))?);
        }
        let shared: Vec<&str> = execution.shared_traces.iter().map(String::as_str).collect();
        let logs = reports.iter().map(|report| log_answer(report, &shared, node.is_none())).collect();
        let last = page.lines.last().filter(|_| page.more);
        Ok(then(LogsAnswer {
            logs,
            next_cursor: last.map(|(place, ..)| LogCursor(Moment::from(*place)).encode()),
        }))
    }

    pub(crate) fn corrupt(&self, what: &str, why: &dyn std::fmt::Display) -> StoreError {
        StoreError::Corrupt {
            store: self.store.name().to_owned(),
            what: what.to_owned(),
            why: why.to_string(),
        }
    }
}
