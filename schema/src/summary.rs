//! The stored summary of an execution: the `l:summary` cell, all that lists need.
//!
//! It never says `stalled`: it holds what the execution is while it is not silent and what it becomes from `stallsAt`
//! on, so that no stored cell depends on a clock. Lists and pages share the code that computes both.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::answer::ListEntry;
use crate::event::NodeEvent;
use crate::ids::MarkRef;
use crate::panorama::{
    Context, ExecutionStatus, NodeCounts, Outline, Plan, Plans, SubStatus, is_silent, outline,
};
use crate::run::{Runs, runs};
use crate::tally::{FACTS_MAX, Meta, Tally};
use crate::time::Timestamp;

/// Version of the cell's form.
pub const SUMMARY_FORM: u8 = 1;

/// The summary of an execution. In JSON camelCase, times RFC 3339 in UTC with six fraction digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Version of this form: [`SUMMARY_FORM`].
    pub v: u8,
    /// Number of distinct reports merged; a lower version never replaces a higher one.
    pub version: u64,
    /// The root of the tree.
    pub business_id: String,
    /// The link that ran.
    pub scene_id: String,
    /// The run.
    pub execution_id: String,
    /// How it is before `stallsAt`.
    pub status: ExecutionStatus,
    /// How it is from `stallsAt` on.
    pub status_when_silent: ExecutionStatus,
    /// Time of its earliest report.
    pub first_report_time: Option<Timestamp>,
    /// Time of its latest report.
    pub last_report_time: Option<Timestamp>,
    /// From when on its silence counts; `None`: no report has a time, it counts always.
    pub stalls_at: Option<Timestamp>,
    /// Start of its earliest run.
    pub start_time: Option<Timestamp>,
    /// Its latest close, if `status` is completed or failed.
    pub end_time: Option<Timestamp>,
    /// From start to end.
    pub duration_micros: Option<i64>,
    /// Its latest close, if only silence ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time_when_silent: Option<Timestamp>,
    /// The version of the definition it was laid over.
    pub definition_version: Option<String>,
    /// How many nodes are in which state before `stallsAt`.
    pub node_counts: NodeCounts,
    /// The same from `stallsAt` on, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_counts_when_silent: Option<NodeCounts>,
    /// Business logs of the levels `ERROR` and `FATAL`.
    pub error_count: u64,
    /// Facts about it.
    pub meta: Meta,
    /// Its traces, in order.
    pub trace_ids: Vec<String>,
    /// Services that reported nodes, in order.
    pub services: Vec<String>,
    /// Its plan has `link` nodes: status and counts depend on other executions and are computed on reading.
    pub links: bool,
    /// Some reports were joined by their trace id.
    pub trace_joined: bool,
    /// It had more traces, services or meta than are kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clipped: bool,
    /// Nodes that logs name and that did not report, in order: with them it is known without its logs which nodes it
    /// has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logged_nodes: Vec<String>,
    /// There are more than [`FACTS_MAX`] of them, and none is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub logged_nodes_left_out: bool,
    /// Some identity came with two contents: which of them counts can only be told from all of its reports.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub conflicting: bool,
}

/// What a summary is made from.
#[derive(Clone, Copy)]
pub struct Observed<'a> {
    /// The execution.
    pub mark: MarkRef<'a>,
    /// Its node reports, each once.
    pub events: &'a [NodeEvent<'a>],
    /// What all its reports add up to.
    pub tally: &'a Tally,
    /// The version of its scene's definition that was valid when it began, with its plans.
    pub definition: Option<(&'a str, &'a Plans)>,
    /// Silence after which it counts as silent, in microseconds.
    pub idle_micros: i64,
    /// The executions behind `link` nodes, as they are at the instant asked for; when nothing is to be known of them,
    /// `&|_, _| None`.
    pub sub: &'a SubStatus<'a>,
}

impl Observed<'_> {
    /// From when on the execution's silence counts.
    pub fn stalls_at(&self) -> Option<Timestamp> {
        stalls_at(self.tally, self.idle_micros)
    }
}

/// From when on silence counts: the latest report plus the idle time of the scene.
pub fn stalls_at(tally: &Tally, idle_micros: i64) -> Option<Timestamp> {
    tally.last_time.map(|last| last.plus_micros(idle_micros))
}

/// The plan for an execution with this tally: a variant if its meta say so.
pub fn plan_for<'p>(plans: &'p Plans, tally: &Tally) -> &'p Plan {
    plans.choose(|key| tally.meta_text(key))
}

/// Start, end and duration of an execution in this status.
pub(crate) fn span(
    runs: &Runs<'_>,
    status: ExecutionStatus,
) -> (Option<Timestamp>, Option<Timestamp>, Option<i64>) {
    let start = runs.start();
    let end = runs.last_close().filter(|_| status.is_over());
    (start, end, duration(start, end))
}

fn duration(start: Option<Timestamp>, end: Option<Timestamp>) -> Option<i64> {
    Some(end?.0.saturating_sub(start?.0))
}

/// Sums up an execution.
pub fn summarise(observed: &Observed<'_>) -> Summary {
    let found = runs(observed.events);
    let plan = observed.definition.map(|(_, plans)| plan_for(plans, observed.tally));
    let outline = |silent| {
        let context =
            Context { execution_id: observed.mark.execution_id, silent, partial: false, sub: observed.sub };
        outline(plan, &found, observed.tally.logged_nodes().map(|node| node.name), &context)
    };
    let live: Outline = outline(false);
    let silent: Outline = outline(true);
    let (start_time, end_time, duration_micros) = span(&found, live.status);
    let tally = observed.tally;
    let logged = || tally.logged_nodes().map(|node| node.name).filter(|node| found.find(node).is_none());
    let logged_nodes_left_out = logged().nth(FACTS_MAX).is_some();
    let services: BTreeSet<&str> = observed.events.iter().filter_map(|event| event.service).collect();
    Summary {
        v: SUMMARY_FORM,
        version: tally.reports,
        business_id: observed.mark.business_id.to_owned(),
        scene_id: observed.mark.scene_id.to_owned(),
        execution_id: observed.mark.execution_id.to_owned(),
        status: live.status,
        status_when_silent: silent.status,
        first_report_time: tally.first_time,
        last_report_time: tally.last_time,
        stalls_at: observed.stalls_at(),
        start_time,
        end_time,
        duration_micros,
        end_time_when_silent: if end_time.is_none() { span(&found, silent.status).1 } else { None },
        definition_version: observed.definition.map(|(version, _)| version.to_owned()),
        node_counts: live.node_counts,
        node_counts_when_silent: (live.node_counts != silent.node_counts).then_some(silent.node_counts),
        error_count: tally.errors,
        meta: tally.meta(),
        trace_ids: tally.trace_ids().map(str::to_owned).collect(),
        services: services.into_iter().take(FACTS_MAX).map(str::to_owned).collect(),
        links: plan.is_some_and(Plan::has_links),
        trace_joined: tally.is_trace_joined(),
        clipped: tally.clipped,
        logged_nodes: logged().filter(|_| !logged_nodes_left_out).map(str::to_owned).collect(),
        logged_nodes_left_out,
        conflicting: tally.conflicting,
    }
}

impl Summary {
    /// Whether what it says of the logs is all that answers without logs need.
    pub fn stands_for_logs(&self) -> bool {
        !(self.conflicting || self.logged_nodes_left_out)
    }

    /// How the execution is at `as_of`.
    pub fn status_at(&self, as_of: Timestamp) -> ExecutionStatus {
        if is_silent(self.stalls_at, as_of) { self.status_when_silent } else { self.status }
    }

    /// The cell's bytes.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a cell.
    pub fn from_json(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(bytes)
    }
}

/// The execution in a list at `as_of`. Exact unless [`Summary::links`]: then sum up again with the executions behind the
/// links.
pub fn list_entry(summary: &Summary, as_of: Timestamp) -> ListEntry {
    let silent = is_silent(summary.stalls_at, as_of);
    let end_time = if silent { summary.end_time.or(summary.end_time_when_silent) } else { summary.end_time };
    ListEntry {
        business_id: summary.business_id.clone(),
        scene_id: summary.scene_id.clone(),
        execution_id: summary.execution_id.clone(),
        status: summary.status_at(as_of),
        start_time: summary.start_time,
        end_time,
        duration_micros: duration(summary.start_time, end_time),
        node_counts: summary.node_counts_when_silent.filter(|_| silent).unwrap_or(summary.node_counts),
        error_count: summary.error_count,
        meta: summary.meta.clone(),
    }
}
