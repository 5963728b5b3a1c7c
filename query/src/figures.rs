//! What the last executions of a scene have in common: the history of one node, and statistics over all nodes.
//!
//! Both read a bounded number of executions whole, newest first, and say how many they were.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use linkloom_schema::answer::{ExecutionAnswer, ListEntry, NodeView, RunAnswer};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::panorama::{EdgeState, ExecutionStatus, NodeCounts, NodeState, NodeType};
use linkloom_schema::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::filter::ListQuery;
use crate::reader::{QueryError, Reader};

/// Executions looked at for the history of a node when it is not said how many, and at most.
pub const HISTORY: (usize, usize) = (100, 500);
/// Executions looked at for statistics when it is not said how many, and at most.
pub const STATISTICS: (usize, usize) = (200, 1_000);

/// Durations, by nearest rank; none without a run that has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Durations {
    /// Half of them are not longer.
    pub p50_micros: Option<i64>,
    /// 95 of 100 are not longer.
    pub p95_micros: Option<i64>,
    /// The longest.
    pub max_micros: Option<i64>,
}

impl Durations {
    /// Those of durations in any order.
    pub fn of(mut micros: Vec<i64>) -> Self {
        micros.sort_unstable();
        // The least one that `percent` of 100 are not longer than.
        let rank =
            |percent: usize| micros.get((micros.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Durations { p50_micros: rank(50), p95_micros: rank(95), max_micros: micros.last().copied() }
    }
}

/// Runs of a node over several executions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunFigures {
    /// All of them.
    pub total: u64,
    /// Those that failed.
    pub failed: u64,
    /// Failed ones out of those that have ended; none when none has.
    pub error_rate: Option<f64>,
    /// How long they took.
    #[serde(flatten)]
    pub durations: Durations,
}

/// One execution in the history of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The root of its tree.
    pub business_id: String,
    /// Its id.
    pub execution_id: String,
    /// Its start.
    pub start_time: Option<Timestamp>,
    /// How it is.
    pub status: ExecutionStatus,
    /// The state of the node in it.
    pub state: NodeState,
    /// How often the node ran.
    pub runs: u64,
    /// Status of its latest run.
    pub run_status: Option<String>,
    /// How long that took.
    pub duration_micros: Option<i64>,
    /// Of a decision the case it took; several where nodes of several ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<String>,
}

/// A node over the last executions of its scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryAnswer {
    /// The scene.
    pub scene_id: String,
    /// The node.
    pub node_name: String,
    /// How many executions were looked at.
    pub executions: u64,
    /// Those are all there are, within the times asked for.
    pub complete: bool,
    /// Its runs in them.
    pub runs: RunFigures,
    /// In how many of them it is in which state; those that do not know it are left out.
    pub states: NodeCounts,
    /// The executions that know it, newest first.
    pub entries: Vec<HistoryEntry>,
}

/// A node in statistics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeFigures {
    /// The node.
    pub node_name: String,
    /// How many executions know it.
    pub executions: u64,
    /// In how many of them it is in which state.
    pub states: NodeCounts,
    /// Its runs in them.
    pub runs: RunFigures,
}

/// An edge in statistics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EdgeFigures {
    /// Where it begins.
    pub from: String,
    /// Where it ends; `None`: the link ends with a case that has no nodes.
    pub to: Option<String>,
    /// The case it stands for.
    pub label: Option<String>,
    /// How many executions went along it.
    pub taken: u64,
    /// How many went another way.
    pub not_taken: u64,
    /// How many have not come to it.
    pub open: u64,
    /// Those that went along it out of those that decided; none when none has.
    pub share: Option<f64>,
}

/// A scene over its last executions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatisticsAnswer {
    /// The scene.
    pub scene_id: String,
    /// Only executions that started then or later.
    pub from: Option<Timestamp>,
    /// Only executions that started before.
    pub to: Option<Timestamp>,
    /// How many executions were looked at, newest first.
    pub executions: u64,
    /// Those are all there are, within the times asked for.
    pub complete: bool,
    /// How many of them are in which status.
    pub statuses: BTreeMap<String, u64>,
    /// How long those took that have ended.
    pub durations: Durations,
    /// Every node some of them know, in display order of the newest that does.
    pub nodes: Vec<NodeFigures>,
    /// Every edge of them, then the cases that end the link without a node.
    pub edges: Vec<EdgeFigures>,
}

/// Runs as they are added up.
#[derive(Default)]
struct Runs {
    total: u64,
    failed: u64,
    ended: u64,
    micros: Vec<i64>,
}

impl Runs {
    fn add(&mut self, runs: &[RunAnswer<'_>]) {
        for run in runs {
            self.total += 1;
            self.failed += u64::from(run.status == "FAILED");
            self.ended += u64::from(run.status != "RUNNING");
            self.micros.extend(run.duration_micros);
        }
    }

    fn figures(self) -> RunFigures {
        RunFigures {
            total: self.total,
            failed: self.failed,
            error_rate: rate(self.failed, self.ended),
            durations: Durations::of(self.micros),
        }
    }
}

/// Which ways out of a node an execution went: the labels of the edges taken, mostly one case of a decision. A case without
/// nodes at the end of a link has no edge; then the decision itself says that it took it.
pub(crate) fn ways<'a>(answer: &'a ExecutionAnswer<'_>, node: &'a NodeView<'_>) -> Vec<&'a str> {
    let labelled = answer.edges.iter().filter(|edge| edge.from == node.node_name);
    let labelled = labelled.filter_map(|edge| Some((edge.label.as_deref()?, edge.state)));
    let mut ways = Vec::new();
    let mut is_edge = false;
    for (label, state) in labelled {
        is_edge |= node.case.as_deref() == Some(label);
        if state == EdgeState::Taken && !ways.contains(&label) {
            ways.push(label);
        }
    }
    if ways.is_empty() && !is_edge {
        ways.extend(node.case.as_deref());
    }
    ways
}

/// How often a decision took cases that have no edge.
#[derive(Default)]
struct Ends {
    /// Executions that went past it: they took a case, or it was not taken itself.
    settled: u64,
    open: u64,
    taken: IndexMap<String, u64>,
}

impl Ends {
    fn add(&mut self, answer: &ExecutionAnswer<'_>, node: &NodeView<'_>) {
        let ways = ways(answer, node);
        if ways.is_empty() && node.state != NodeState::NotTaken {
            self.open += 1;
            return;
        }
        self.settled += 1;
        let is_edge = |way: &str| {
            answer.edges.iter().any(|edge| edge.from == node.node_name && edge.label.as_deref() == Some(way))
        };
        for way in ways.into_iter().filter(|way| !is_edge(way)) {
            *self.taken.entry(way.to_owned()).or_default() += 1;
        }
    }

    fn figures(self, from: String) -> impl Iterator<Item = EdgeFigures> {
        let Ends { settled, open, taken } = self;
        taken.into_iter().map(move |(label, taken)| EdgeFigures {
            from: from.clone(),
            to: None,
            label: Some(label),
            taken,
            not_taken: settled - taken,
            open,
            share: rate(taken, settled),
        })
    }
}

/// A part of a whole, to four digits.
fn rate(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0)
}

impl Reader {
    /// One node over the last executions of its scene that started within `query`, at most `query.limit` of them.
    pub fn history(
        &self,
        scene_id: &str,
        node_name: &str,
        query: &ListQuery,
        as_of: Timestamp,
    ) -> Result<HistoryAnswer, QueryError> {
        let mut runs = Runs::default();
        let mut states = NodeCounts::default();
        let mut entries = Vec::new();
        let (executions, complete) = self.each_execution(scene_id, query, as_of, &mut |entry, answer| {
            let Some(node) = answer.nodes.iter().find(|node| node.node_name == node_name) else { return };
            states.add(node.state);
            runs.add(&node.runs);
            entries.push(history_entry(entry, answer, node));
        })?;
        Ok(HistoryAnswer {
            scene_id: scene_id.to_owned(),
            node_name: node_name.to_owned(),
            executions,
            complete,
            runs: runs.figures(),
            states,
            entries,
        })
    }

    /// All nodes and edges over the last executions of a scene that started within `query`, at most `query.limit` of them.
    pub fn statistics(
        &self,
        scene_id: &str,
        query: &ListQuery,
        as_of: Timestamp,
    ) -> Result<StatisticsAnswer, QueryError> {
        let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
        let mut micros = Vec::new();
        let mut nodes: IndexMap<String, (u64, NodeCounts, Runs)> = IndexMap::new();
        let mut edges: IndexMap<(String, String, Option<String>), [u64; 3]> = IndexMap::new();
        let mut ends: IndexMap<String, Ends> = IndexMap::new();
        let (executions, complete) = self.each_execution(scene_id, query, as_of, &mut |_, answer| {
            *statuses.entry(answer.status.as_str().to_owned()).or_default() += 1;
            micros.extend(answer.duration_micros);
            for node in &answer.nodes {
                let (executions, states, runs) = nodes.entry(node.node_name.clone()).or_default();
                *executions += 1;
                states.add(node.state);
                runs.add(&node.runs);
                if node.node_type.as_deref() == Some(NodeType::Decision.as_str()) {
                    ends.entry(node.node_name.clone()).or_default().add(answer, node);
                }
            }
            for edge in &answer.edges {
                let key = (edge.from.clone(), edge.to.clone(), edge.label.clone());
                let at = match edge.state {
                    EdgeState::Taken => 0,
                    EdgeState::NotTaken => 1,
                    EdgeState::Open => 2,
                };
                edges.entry(key).or_default()[at] += 1;
            }
        })?;
        let nodes = nodes.into_iter().map(|(node_name, (executions, states, runs))| NodeFigures {
            node_name,
            executions,
            states,
            runs: runs.figures(),
        });
        let edges = edges.into_iter().map(|((from, to, label), [taken, not_taken, open])| EdgeFigures {
            from,
            to: Some(to),
            label,
            taken,
            not_taken,
            open,
            share: rate(taken, taken + not_taken),
        });
        let ends = ends.into_iter().flat_map(|(from, ends)| ends.figures(from));
        Ok(StatisticsAnswer {
            scene_id: scene_id.to_owned(),
            from: query.from,
            to: query.to,
            executions,
            complete,
            statuses,
            durations: Durations::of(micros),
            nodes: nodes.collect(),
            edges: edges.chain(ends).collect(),
        })
    }

    /// Lends the executions of a scene that a query names, newest first; returns how many, and whether there are no more.
    fn each_execution(
        &self,
        scene_id: &str,
        query: &ListQuery,
        as_of: Timestamp,
        each: &mut dyn FnMut(&ListEntry, &ExecutionAnswer<'_>),
    ) -> Result<(u64, bool), QueryError> {
        let listed = self.scene_list(scene_id, query, as_of)?;
        let mut executions = 0;
        for entry in &listed.executions {
            let mark = LinkMark::new(&entry.business_id, &entry.scene_id, &entry.execution_id);
            let mark = mark.map_err(|error| self.corrupt(&entry.execution_id, &error))?;
            // Gone since: past retention.
            executions += u64::from(self.show_nodes(&mark, as_of, |answer| each(entry, answer))?.is_some());
        }
        Ok((executions, listed.next_cursor.is_none()))
    }
}

fn history_entry(entry: &ListEntry, answer: &ExecutionAnswer<'_>, node: &NodeView<'_>) -> HistoryEntry {
    let latest = node.runs.last();
    HistoryEntry {
        business_id: entry.business_id.clone(),
        execution_id: entry.execution_id.clone(),
        start_time: answer.start_time,
        status: answer.status,
        state: node.state,
        runs: node.runs.len() as u64,
        run_status: latest.map(|run| run.status.to_string()),
        duration_micros: latest.and_then(|run| run.duration_micros),
        cases: ways(answer, node).into_iter().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let of = |micros: &[i64]| {
            let found = Durations::of(micros.to_vec());
            (found.p50_micros, found.p95_micros, found.max_micros)
        };
        assert_eq!(of(&[]), (None, None, None));
        assert_eq!(of(&[7]), (Some(7), Some(7), Some(7)));
        assert_eq!(of(&[2, 1]), (Some(1), Some(2), Some(2)));
        assert_eq!(of(&(1..=100).rev().collect::<Vec<i64>>()), (Some(50), Some(95), Some(100)));
        assert_eq!(of(&(1..=21).collect::<Vec<i64>>()), (Some(11), Some(20), Some(21)));
    }

    #[test]
    fn a_rate_needs_something_to_be_a_part_of() {
        assert_eq!((rate(0, 0), rate(1, 3), rate(2, 2)), (None, Some(0.3333), Some(1.0)));
    }
}
