//! The answer about one execution: its panorama with the runs of every node.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::json::Json;
use crate::event::NodeEvent;
use crate::finding::{self, Finding};
use crate::ids::MarkRef;
use crate::panorama::{
    Context, Edge, EdgeState, ExecutionStatus, NodeState, Panorama, PanoramaNode, Plans, panorama,
};
use crate::report::{Payload, Report};
use crate::run::{Run, Runs, runs};
use crate::summary::{plan_for, span};
use crate::tally::{LevelCounts, Meta, Tally};
use crate::time::Timestamp;

/// What the answer about an execution is made from.
#[derive(Clone, Copy)]
pub struct ExecutionInput<'a> {
    /// The execution.
    pub mark: MarkRef<'a>,
    /// Its node reports, each once, by identity. Logs among them are passed over.
    pub reports: &'a [Report<'a>],
    /// What all its reports add up to, the logs among them.
    pub tally: &'a Tally,
    /// The version of its scene's definition that was valid when it began, with its plans.
    pub definition: Option<(&'a str, &'a Plans)>,
    /// Silence, retention, and the executions behind `link` nodes.
    pub context: Context<'a>,
    /// Trace ids whose reports without mark are shown in other executions too.
    pub shared_traces: &'a [&'a str],
    /// From when on silence counts.
    pub stalls_at: Option<Timestamp>,
    /// Findings the panorama cannot make: [`Finding::id_conflict`], [`Finding::reports_lost`].
    pub findings: &'a [Finding],
}

impl<'a> ExecutionInput<'a> {
    /// Lays the execution over its plan and hands the result on; `reports[opener]` are those of a run.
    pub(super) fn with_panorama<T>(
        &self,
        then: impl FnOnce(&Panorama<'_>, &Runs<'_>, &[&'a Report<'a>]) -> T,
    ) -> T {
        let mut events: Vec<NodeEvent<'a>> = Vec::with_capacity(self.reports.len());
        let mut reports: Vec<&'a Report<'a>> = Vec::with_capacity(self.reports.len());
        for report in self.reports {
            if let Some(event) = report.node_event() {
                events.push(event);
                reports.push(report);
            }
        }
        let found = runs(&events);
        let plan = self.definition.map(|(_, plans)| plan_for(plans, self.tally));
        let logged: Vec<_> = self.tally.logged_nodes().collect();
        then(&panorama(plan, &found, &logged, &self.context), &found, &reports)
    }
}

/// Whether a report is shown in other executions too: it has no mark, and they have its trace.
pub(super) fn is_shared(report: &Report<'_>, shared_traces: &[&str]) -> bool {
    report.mark.is_none() && report.trace_id.as_deref().is_some_and(|trace| shared_traces.contains(&trace))
}

/// One execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct ExecutionAnswer<'a> {
    /// The root of the tree.
    pub business_id: String,
    /// The link that ran.
    pub scene_id: String,
    /// The run.
    pub execution_id: String,
    /// How it is at `asOf`.
    pub status: ExecutionStatus,
    /// Some of its reports may be past retention.
    pub partial: bool,
    /// Start of its earliest run.
    pub start_time: Option<Timestamp>,
    /// Its latest close, once it is completed or failed.
    pub end_time: Option<Timestamp>,
    /// From start to end.
    pub duration_micros: Option<i64>,
    /// The version of the definition it is laid over.
    pub definition_version: Option<String>,
    /// Facts about it.
    pub meta: Meta,
    /// Its traces, in order.
    pub trace_ids: Vec<String>,
    /// Services that reported, in order.
    pub services: Vec<String>,
    /// In display order.
    pub nodes: Vec<NodeView<'a>>,
    /// By the display order of their ends.
    pub edges: Vec<EdgeAnswer>,
    /// In display order of their nodes, those of the whole execution first.
    pub findings: Vec<Finding>,
    /// How many business logs there are.
    pub logs: LogTotals,
    /// How many reports there are.
    pub counts: Counts,
    /// The variant of the definition it is laid over, counted from 0; absent: its `nodes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<usize>,
    /// While it is running: its latest report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_report_time: Option<Timestamp>,
    /// While it is running: from when on its silence counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalls_at: Option<Timestamp>,
    /// It had more traces, services or meta than are shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clipped: bool,
}

/// Business logs of an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogTotals {
    /// All of them.
    pub total: u64,
    /// Those that name no node.
    pub without_node: u64,
}

/// Reports of an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All of them.
    pub reports: u64,
    /// Business logs among them.
    pub logs: u64,
    /// Those some payload of which was longer than its limit.
    pub truncated: u64,
    /// Business logs of the levels `ERROR` and `FATAL`.
    #[serde(default)]
    pub errors: u64,
}

/// One node of an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct NodeView<'a> {
    /// The node.
    pub node_name: String,
    /// What it is in the plan; `None`: not planned.
    pub node_type: Option<Cow<'a, str>>,
    /// Its state.
    pub state: NodeState,
    /// Its runs, also those of earlier rounds.
    pub runs: Vec<RunAnswer<'a>>,
    /// Its business logs by level.
    pub log_counts: LevelCounts,
    /// Why it was not taken.
    pub not_taken_because: Option<String>,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A decision's outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// The outcome was inferred from what ran.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub case_inferred: bool,
    /// How many rounds a loop has had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u64>,
    /// The execution behind a `link` node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<SubAnswer>,
    /// Folded by default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub minor: bool,
    /// Missing or failed is fine: said of it or of a block around it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// The execution behind a `link` node; the business id is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubAnswer {
    /// Its scene.
    pub scene_id: String,
    /// Its id.
    pub execution_id: String,
}

/// One run of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct RunAnswer<'a> {
    /// As reported, else `#1`, `#2`, ...
    pub run_id: String,
    /// `RUNNING`, `COMPLETED`, `FAILED` or `SKIPPED`.
    pub status: Cow<'a, str>,
    /// When it was opened.
    pub start_time: Option<Timestamp>,
    /// When it was closed.
    pub end_time: Option<Timestamp>,
    /// From start to end.
    pub duration_micros: Option<i64>,
    /// What went in: the opener's input, else the closer's. When cut, a string holding its beginning.
    pub input: Option<Json<'a>>,
    /// What came out: the closer's output, else the opener's. When cut, a string holding its beginning.
    pub output: Option<Json<'a>>,
    /// A decision's outcome.
    pub case: Option<String>,
    /// The reporting service.
    pub service: Option<String>,
    /// The reporting instance.
    pub instance: Option<String>,
    /// The reporting host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The round of a loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u64>,
    /// The execution behind a `link` node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_execution_id: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<Json<'a>>,
    /// The full length of an input that was cut, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_cut_from: Option<u64>,
    /// The full length of an output that was cut, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_cut_from: Option<u64>,
    /// The full length of an exception that was cut, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception_cut_from: Option<u64>,
    /// The time of a report of it is that of its source.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub time_substituted: bool,
    /// A report of it is shown in other executions too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
}

/// One edge of an execution's panorama.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EdgeAnswer {
    /// Where it begins.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// The case it stands for.
    pub label: Option<String>,
    /// Whether the flow went along it.
    pub state: EdgeState,
}

/// Makes the answer about an execution.
pub fn execution_answer<'a>(input: &ExecutionInput<'a>) -> ExecutionAnswer<'a> {
    let tally = input.tally;
    input.with_panorama(|panorama, found, reports| {
        let (start_time, end_time, duration_micros) = span(found, panorama.status);
        let is_running = panorama.status == ExecutionStatus::Running;
        ExecutionAnswer {
            business_id: input.mark.business_id.to_owned(),
            scene_id: input.mark.scene_id.to_owned(),
            execution_id: input.mark.execution_id.to_owned(),
            status: panorama.status,
            partial: input.context.partial,
            start_time,
            end_time,
            duration_micros,
            definition_version: input.definition.map(|(version, _)| version.to_owned()),
            meta: tally.meta(),
            trace_ids: tally.trace_ids().map(str::to_owned).collect(),
            services: tally.services().map(str::to_owned).collect(),
            nodes: panorama.nodes.iter().map(|node| node_view(input, node, reports)).collect(),
            edges: panorama.edges.iter().map(edge_answer).collect(),
            findings: findings(input, panorama),
            logs: LogTotals { total: tally.logs, without_node: tally.logs_without_node },
            counts: Counts {
                reports: tally.reports,
                logs: tally.logs,
                truncated: tally.truncated,
                errors: tally.errors,
            },
            variant: input.definition.and_then(|(_, plans)| plans.variant(|key| tally.meta_text(key))),
            last_report_time: tally.last_time.filter(|_| is_running),
            stalls_at: input.stalls_at.filter(|_| is_running),
            clipped: tally.clipped,
        }
    })
}

fn edge_answer(edge: &Edge<'_>) -> EdgeAnswer {
    EdgeAnswer {
        from: edge.from.to_owned(),
        to: edge.to.to_owned(),
        label: edge.label.map(str::to_owned),
        state: edge.state,
    }
}

fn findings(input: &ExecutionInput<'_>, panorama: &Panorama<'_>) -> Vec<Finding> {
    let mut findings = panorama.findings.clone();
    let shared = input.tally.joined().filter(|(trace, _)| input.shared_traces.contains(trace));
    findings.extend(shared.map(|(trace, count)| Finding::shared(trace, count)));
    if findings.len() == panorama.findings.len() && input.findings.is_empty() {
        return findings; // they are in order
    }
    findings.extend_from_slice(input.findings);
    let places: HashMap<&str, usize> =
        panorama.nodes.iter().enumerate().map(|(place, node)| (node.name, place)).collect();
    finding::sort(&mut findings, |name| places.get(name).copied());
    findings
}

/// One node with its runs; `reports` are those the runs' events were made from.
pub(super) fn node_view<'a>(
    input: &ExecutionInput<'a>,
    node: &PanoramaNode<'_>,
    reports: &[&'a Report<'a>],
) -> NodeView<'a> {
    NodeView {
        node_name: node.name.to_owned(),
        node_type: node.node_type.map(|node_type| Cow::Borrowed(node_type.as_str())),
        state: node.state,
        runs: node.runs.iter().map(|run| run_answer(input, run, reports)).collect(),
        log_counts: input.tally.log_counts(node.name),
        not_taken_because: node.not_taken_because.clone(),
        title: node.title.map(str::to_owned),
        case: node.case.map(str::to_owned),
        case_inferred: node.case_inferred,
        rounds: node.rounds,
        sub: node.sub.map(|(scene, execution)| SubAnswer {
            scene_id: scene.to_owned(),
            execution_id: execution.to_owned(),
        }),
        minor: node.minor,
        optional: node.optional,
    }
}

/// The JSON of a payload, with its full length if it was cut.
pub(super) fn payload<'a>(payload: Option<&'a Payload<'a>>) -> (Option<Json<'a>>, Option<u64>) {
    match payload {
        Some(payload) => (Some(Json(Cow::Borrowed(&payload.json))), payload.cut_from),
        None => (None, None),
    }
}

fn run_answer<'a>(input: &ExecutionInput<'a>, run: &Run<'_>, reports: &[&'a Report<'a>]) -> RunAnswer<'a> {
    let report = |index: Option<u32>| index.and_then(|index| reports.get(index as usize).copied());
    let (opener, closer) = (report(run.opener), report(run.closer));
    let either = [opener, closer];
    let first = |field: fn(&'a Report<'a>) -> Option<&'a Payload<'a>>, order: [Option<&'a Report<'a>>; 2]| {
        payload(order.into_iter().flatten().find_map(field))
    };
    let (of_input, input_cut_from) = first(|report| report.input.as_ref(), either);
    let (output, output_cut_from) = first(|report| report.output.as_ref(), [closer, opener]);
    let (exception, exception_cut_from) = first(|report| report.exception.as_ref(), [closer, opener]);
    let any = |is: &dyn Fn(&Report<'_>) -> bool| either.into_iter().flatten().any(is);
    RunAnswer {
        run_id: run.id(),
        status: Cow::Borrowed(run.status.as_str()),
        start_time: run.start,
        end_time: run.end,
        duration_micros: run.duration_micros(),
        input: of_input,
        output,
        case: run.case.map(str::to_owned),
        service: run.service.map(str::to_owned),
        instance: run.instance.map(str::to_owned),
        host: run.host.map(str::to_owned),
        iteration: run.iteration,
        sub_execution_id: run.sub_execution_id.map(str::to_owned),
        exception,
        input_cut_from,
        output_cut_from,
        exception_cut_from,
        time_substituted: any(&|report| report.time_substituted),
        shared: any(&|report| is_shared(report, input.shared_traces)),
    }
}
