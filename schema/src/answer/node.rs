//! The answers about one node and about business logs, page by page.

use serde::{Deserialize, Serialize};

use super::execution::{ExecutionInput, RunAnswer, is_shared, node_view, payload};
use super::json::Json;
use crate::panorama::NodeState;
use crate::report::Report;
use crate::time::Timestamp;

/// One node with a page of its business logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct NodeAnswer<'a> {
    /// The node.
    pub node_name: String,
    /// Its state.
    pub state: NodeState,
    /// Its runs, also those of earlier rounds.
    pub runs: Vec<RunAnswer<'a>>,
    /// A page of its logs: by time, untimed ones last, then identity.
    pub logs: Vec<LogAnswer<'a>>,
    /// Where the next page begins; `None`: this is the last.
    pub next_cursor: Option<String>,
}

/// A page of the business logs of an execution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct LogsAnswer<'a> {
    /// By time, untimed ones last, then identity.
    pub logs: Vec<LogAnswer<'a>>,
    /// Where the next page begins; `None`: this is the last.
    pub next_cursor: Option<String>,
}

/// One business log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct LogAnswer<'a> {
    /// When it was written.
    pub time: Option<Timestamp>,
    /// Its severity, as reported.
    pub level: Option<String>,
    /// Its text.
    pub message: Option<String>,
    /// Its data. When cut, a string holding its beginning.
    pub data: Option<Json<'a>>,
    /// Its exception. When cut, a string holding its beginning.
    pub exception: Option<Json<'a>>,
    /// The reporting service.
    pub service: Option<String>,
    /// The reporting instance.
    pub instance: Option<String>,
    /// Its trace.
    pub trace_id: Option<String>,
    /// The node it names, where logs of several are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// Fields the report format does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Json<'a>>,
    /// The full length of data that were cut, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_cut_from: Option<u64>,
    /// The full length of an exception that was cut, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception_cut_from: Option<u64>,
    /// The time is that of its source.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub time_substituted: bool,
    /// It is shown in other executions too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
}

/// One business log; `with_node`: say which node it names.
pub fn log_answer<'a>(report: &'a Report<'a>, shared_traces: &[&str], with_node: bool) -> LogAnswer<'a> {
    let text = |field: &Option<std::borrow::Cow<'_, str>>| field.as_deref().map(str::to_owned);
    let (data, data_cut_from) = payload(report.data.as_ref());
    let (exception, exception_cut_from) = payload(report.exception.as_ref());
    LogAnswer {
        time: report.time,
        level: text(&report.level),
        message: text(&report.message),
        data,
        exception,
        service: text(&report.service),
        instance: text(&report.instance),
        trace_id: text(&report.trace_id),
        node_name: text(&report.node_name).filter(|_| with_node),
        attributes: payload(report.attributes.as_ref()).0,
        data_cut_from,
        exception_cut_from,
        time_substituted: report.time_substituted,
        shared: is_shared(report, shared_traces),
    }
}

/// Makes the answer about one node: its runs (with `run`, only those of that id) and a page of logs. `None`: the
/// execution has no such node, neither planned nor reported nor named by a log.
pub fn node_answer<'a>(
    input: &ExecutionInput<'a>,
    node_name: &str,
    run: Option<&str>,
    logs: LogsAnswer<'a>,
) -> Option<NodeAnswer<'a>> {
    input.with_panorama(|panorama, _, reports| {
        let node = panorama.nodes.iter().find(|node| node.name == node_name)?;
        let view = node_view(input, node, reports);
        let mut runs = view.runs;
        if let Some(wanted) = run {
            runs.retain(|run| run.run_id == wanted);
        }
        Some(NodeAnswer {
            node_name: view.node_name,
            state: view.state,
            runs,
            logs: logs.logs,
            next_cursor: logs.next_cursor,
        })
    })
}
