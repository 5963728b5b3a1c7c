//! Summaries as cells: the summary in the execution's row, its copy among the recent ones, and the hint of its scene.

use std::sync::Arc;

use linkloom_schema::event::NodeEvent;
use linkloom_schema::idle::IdleTimes;
use linkloom_schema::ids::{LinkMark, MarkRef};
use linkloom_schema::panorama::ExecutionStatus;
use linkloom_schema::row_key;
use linkloom_schema::summary::{self, Summary};
use linkloom_schema::tally::Tally;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Cell, CellBatch, Family, Table};
use linkloom_storage::definitions::{DefinitionSnapshot, Definitions};
use linkloom_storage::execution::{self, Execution, Logs, SUMMARY};
use linkloom_storage::retention::day_of;
use linkloom_storage::store::{Store, StoreError};

use crate::window::Observed;

/// What summaries depend on beside reports.
#[derive(Clone)]
pub struct Summariser {
    /// The definition log.
    pub definitions: Arc<Definitions>,
    /// Idle times of scenes.
    pub idle: Arc<IdleTimes>,
}

/// The hint that was written last of an execution: status and start, and the day it expires by. None of them changes with
/// most reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hinted(Option<(ExecutionStatus, Timestamp, Option<i64>)>);

/// Qualifier of the cells in `recent` and `scene`.
const COPY: &str = "s";

impl Summariser {
    /// Appends the summary cells of an execution whose reports are all in `observed`. The hint of its scene is left out if
    /// it is `hinted` already. Returns whether the execution has ended.
    pub(crate) fn cells(
        &self,
        mark: &LinkMark,
        observed: &Observed<'_>,
        hinted: &mut Hinted,
        batch: &mut CellBatch,
    ) -> bool {
        let mut tally = Tally::default();
        tally.reports = observed.events.len() as u64 + observed.logs;
        tally.logs = observed.logs;
        tally.errors = observed.errors;
        tally.first_time = observed.span.map(|(first, _)| first);
        tally.last_time = observed.span.map(|(_, last)| last);
        observed.traces.iter().for_each(|trace| tally.note_trace(trace));
        observed.logged_nodes.iter().for_each(|node| tally.note_logged_node(node));
        observed.metas.iter().for_each(|(moment, meta)| tally.note_meta(*moment, meta));
        let definitions = self.definitions.snapshot();
        let summary = summarise(mark.as_ref(), &observed.events, &tally, &definitions, &self.idle);
        push_cells(&summary, hinted, batch)
    }

    /// The same for an execution that is read from the store, with the reports its traces join to it.
    pub(crate) fn cells_from_store(
        &self,
        store: &dyn Store,
        mark: &LinkMark,
        batch: &mut CellBatch,
    ) -> Result<bool, StoreError> {
        let definitions = self.definitions.snapshot();
        let read = execution::with_execution(store, mark, Logs::All, |execution| {
            of_execution(&execution, &definitions, &self.idle)
        })?;
        Ok(read.is_none_or(|summary| push_cells(&summary, &mut Hinted::default(), batch)))
    }
}

/// The summary of an execution that was read from the store.
pub fn of_execution(
    execution: &Execution<'_>,
    definitions: &DefinitionSnapshot,
    idle: &IdleTimes,
) -> Summary {
    let events: Vec<NodeEvent<'_>> =
        execution.reports.iter().filter_map(|report| report.node_event()).collect();
    summarise(execution.mark, &events, &execution.tally, definitions, idle)
}

fn summarise(
    mark: MarkRef<'_>,
    events: &[NodeEvent<'_>],
    tally: &Tally,
    definitions: &DefinitionSnapshot,
    idle: &IdleTimes,
) -> Summary {
    let version = definitions.resolve(mark.scene_id, tally.first_time);
    let hash = version.map(|(version, _)| version.hash.to_string());
    summary::summarise(&summary::Observed {
        mark,
        events,
        tally,
        definition: version.zip(hash.as_deref()).map(|((_, plans), hash)| (hash, plans)),
        idle_micros: idle.of(mark.scene_id),
        // What depends on other executions is computed on reading.
        sub: &|_, _| None,
    })
}

fn push_cells(summary: &Summary, hinted: &mut Hinted, batch: &mut CellBatch) -> bool {
    let mark = MarkRef {
        business_id: &summary.business_id,
        scene_id: &summary.scene_id,
        execution_id: &summary.execution_id,
    };
    let value = summary.to_json().into_bytes();
    let start = summary.start_time.unwrap_or(Timestamp(0));
    let cell = |table, row, qualifier: &str, value| Cell {
        table,
        row,
        family: Family::Link,
        qualifier: qualifier.to_owned(),
        value,
        expires_by: summary.last_report_time,
    };
    batch.cells.push(cell(Table::Recent, row_key::recent(mark, start), COPY, value.clone()));
    let hint = Hinted(Some((summary.status, start, summary.last_report_time.map(day_of))));
    if std::mem::replace(hinted, hint) != hint {
        let row = row_key::scene(mark, summary.status.as_str(), start);
        batch.cells.push(cell(Table::Scene, row, COPY, Vec::new()));
    }
    batch.cells.push(cell(Table::Link, row_key::link(mark), SUMMARY, value));
    summary.status != ExecutionStatus::Running
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_of_the_scene_is_written_when_it_changes() {
        let mark = LinkMark::new("content-1", "realtime-input", "run-1").expect("valid ids");
        let mut summary = summary::summarise(&summary::Observed {
            mark: mark.as_ref(),
            events: &[],
            tally: &Tally::default(),
            definition: None,
            idle_micros: 1,
            sub: &|_, _| None,
        });
        let at = |seconds: i64| Some(Timestamp(seconds * 1_000_000));
        (summary.start_time, summary.last_report_time) = (at(86_000), at(86_100));
        let mut hinted = Hinted::default();
        let mut tables = |summary: &Summary| {
            let mut batch = CellBatch::default();
            push_cells(summary, &mut hinted, &mut batch);
            batch.cells.iter().map(|cell| cell.table).collect::<Vec<_>>()
        };
        let (all, without) = ([Table::Recent, Table::Scene, Table::Link], [Table::Recent, Table::Link]);
        assert_eq!(tables(&summary), all);
        summary.last_report_time = at(86_200);
        assert_eq!(tables(&summary), without, "only later");
        summary.last_report_time = at(86_400);
        assert_eq!(tables(&summary), all, "it expires a day later");
        summary.status = ExecutionStatus::Failed;
        assert_eq!(tables(&summary), all);
        summary.start_time = at(85_000);
        assert_eq!(tables(&summary), all, "an earlier report came");
        assert_eq!(tables(&summary), without);
    }
}
