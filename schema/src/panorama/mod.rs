//! The panorama: a link's definition with an execution laid over it.
//!
//! Everything here is a function of the runs, the plan and the [`Context`]; what the states mean to the people who
//! read them is written down in `docs/panorama.md`.

mod build;
mod counts;
mod display;
mod edges;
mod evaluate;
mod findings;
mod plan;
mod rounds;
mod settle;
#[cfg(test)]
mod tests;

pub use counts::NodeCounts;
pub use plan::{AGAIN_LABEL, DEFAULT_LABEL, Item, NodeType, Plan, Plans, THROUGH_LABEL};

use evaluate::{Because, Evaluated, NO_RUNS, run_state};
use plan::Choice;

use crate::event::Moment;
use crate::finding::Finding;
use crate::report::Status;
use crate::run::{Run, Runs};
use crate::time::Timestamp;

/// State of one node of the panorama.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Its latest run completed or was skipped; a control node without reports: the flow came through it.
    Completed,
    /// Its latest run failed.
    Failed,
    /// Its latest run is open.
    Running,
    /// Its latest run was opened and never closed, and the execution is silent.
    Stalled,
    /// The flow went past it and it never reported.
    Missing,
    /// The flow went past it, and its reports may be past retention.
    Expired,
    /// It may still come, or lies behind the break of a failed or stalled execution.
    NotReached,
    /// Another case was chosen, the link ended before it, or it is optional and was passed by.
    NotTaken,
    /// It reported and is not in the definition.
    Unplanned,
}

impl NodeState {
    /// Every state, in the order of answers.
    pub const ALL: [NodeState; 9] = [
        NodeState::Completed,
        NodeState::Failed,
        NodeState::Running,
        NodeState::Stalled,
        NodeState::Missing,
        NodeState::Expired,
        NodeState::NotReached,
        NodeState::NotTaken,
        NodeState::Unplanned,
    ];

    /// The text of answers, e.g. `not_reached`.
    pub fn as_str(self) -> &'static str {
        match self {
            NodeState::Completed => "completed",
            NodeState::Failed => "failed",
            NodeState::Running => "running",
            NodeState::Stalled => "stalled",
            NodeState::Missing => "missing",
            NodeState::Expired => "expired",
            NodeState::NotReached => "not_reached",
            NodeState::NotTaken => "not_taken",
            NodeState::Unplanned => "unplanned",
        }
    }
}

/// State of one edge of the panorama.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeState {
    /// The flow went along it.
    Taken,
    /// The flow went another way.
    NotTaken,
    /// The flow has not come to it.
    Open,
}

/// Status of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionStatus {
    /// A node failed and nothing planned after it ran.
    Failed,
    /// Every terminal of the branches taken is closed and no run is open.
    Completed,
    /// Neither, and it still reports.
    Running,
    /// Neither, and it is silent past its time.
    Stalled,
}

impl ExecutionStatus {
    /// The text of answers and row keys, e.g. `running`.
    pub fn as_str(self) -> &'static str {
        match self {
            ExecutionStatus::Failed => "failed",
            ExecutionStatus::Completed => "completed",
            ExecutionStatus::Running => "running",
            ExecutionStatus::Stalled => "stalled",
        }
    }

    /// Whether it has come to an end: failed or completed.
    pub fn is_over(self) -> bool {
        matches!(self, ExecutionStatus::Failed | ExecutionStatus::Completed)
    }
}

/// Looks up the execution behind a `link` node: scene id and execution id, under the same business id, give its
/// status; `None`: nothing is known of it, or the depth drawn is used up.
pub type SubStatus<'c> = dyn Fn(&str, &str) -> Option<ExecutionStatus> + 'c;

/// What an answer depends on besides reports and plan.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    /// The id of this execution: what a `link` node means that names no other.
    pub execution_id: &'c str,
    /// `asOf` is at or past the time the execution stalls at; see [`is_silent`].
    pub silent: bool,
    /// Some of its reports may be past retention.
    pub partial: bool,
    /// The executions behind `link` nodes.
    pub sub: &'c SubStatus<'c>,
}

/// Whether an execution that stalls at `stalls_at` is silent at `as_of`. One without any time is always silent: it has
/// no clock that could say otherwise.
pub fn is_silent(stalls_at: Option<Timestamp>, as_of: Timestamp) -> bool {
    stalls_at.is_none_or(|stalls_at| as_of >= stalls_at)
}

/// A node that business logs name: with its earliest log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedNode<'a> {
    /// The node.
    pub name: &'a str,
    /// Its earliest log.
    pub first: Moment,
}

/// One node of the panorama.
#[derive(Clone, Debug, PartialEq)]
pub struct PanoramaNode<'a> {
    /// The node.
    pub name: &'a str,
    /// Name for people.
    pub title: Option<&'a str>,
    /// What it is; `None`: not planned.
    pub node_type: Option<NodeType>,
    /// Its state.
    pub state: NodeState,
    /// Why it was not taken.
    pub not_taken_because: Option<String>,
    /// All its runs, also those of earlier rounds.
    pub runs: &'a [Run<'a>],
    /// A decision's outcome: the case, reported or inferred.
    pub case: Option<&'a str>,
    /// The case was inferred from what ran.
    pub case_inferred: bool,
    /// How many rounds a loop has had.
    pub rounds: Option<u64>,
    /// The scene and execution behind a `link` node.
    pub sub: Option<(&'a str, &'a str)>,
    /// Folded by default.
    pub minor: bool,
    /// Missing or failed is fine: said of it or of a block around it.
    pub optional: bool,
}

/// One edge of the panorama.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge<'a> {
    /// Where it begins.
    pub from: &'a str,
    /// Where it ends.
    pub to: &'a str,
    /// The case it stands for.
    pub label: Option<&'a str>,
    /// Whether the flow went along it.
    pub state: EdgeState,
}

/// An execution laid over its plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Panorama<'a> {
    /// How the execution is.
    pub status: ExecutionStatus,
    /// In display order.
    pub nodes: Vec<PanoramaNode<'a>>,
    /// By the display order of their beginnings, then their ends; those of unplanned nodes last.
    pub edges: Vec<Edge<'a>>,
    /// In display order of their nodes, those of the whole execution first, then by kind.
    pub findings: Vec<Finding>,
}

/// Status and node counts alone: all that lists need, without display order, edges and findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// How the execution is.
    pub status: ExecutionStatus,
    /// How many nodes are in which state.
    pub node_counts: NodeCounts,
}

/// Lays an execution over its plan, or without a plan draws what was observed.
///
/// `logged` are the nodes that business logs name, in any order: those that are neither planned nor reported runs
/// appear as unplanned nodes without runs.
pub fn panorama<'a>(
    plan: Option<&'a Plan>,
    runs: &'a Runs<'a>,
    logged: &[LoggedNode<'a>],
    context: &'a Context<'a>,
) -> Panorama<'a> {
    let Some(plan) = plan else { return observed(runs, logged, context) };
    let found = evaluate::evaluate(plan, runs, context);
    let order = display::order(Some(plan), runs, &found.unplanned, logged);
    let nodes: Vec<PanoramaNode<'a>> = order
        .entries
        .iter()
        .map(|entry| match entry.item {
            Some(item) => planned_node(plan, runs, &found, item, context),
            None => unplanned_node(runs, entry.name, entry.group, NodeState::Unplanned),
        })
        .collect();
    let edges = edges::edges(plan, &found, &order);
    let findings = findings::planned(plan, runs, &found, &order, context.partial);
    Panorama { status: found.status, nodes, edges, findings }
}

/// Status and node counts of [`panorama`] for the same arguments.
pub fn outline<'a>(
    plan: Option<&'a Plan>,
    runs: &'a Runs<'a>,
    logged: impl IntoIterator<Item = &'a str>,
    context: &'a Context<'a>,
) -> Outline {
    let mut node_counts = NodeCounts::default();
    let status = match plan {
        Some(plan) => {
            let found = evaluate::evaluate(plan, runs, context);
            found.cells.iter().for_each(|cell| node_counts.add(cell.state));
            found.unplanned.iter().for_each(|_| node_counts.add(NodeState::Unplanned));
            found.status
        }
        None => {
            for group in 0..runs.nodes.len() {
                node_counts.add(observed_state(runs.of(group), context));
            }
            observed_status(runs, context)
        }
    };
    let unplanned =
        |name: &&str| runs.find(name).is_none() && plan.is_none_or(|plan| plan.find(name).is_none());
    logged.into_iter().filter(unplanned).for_each(|_| node_counts.add(NodeState::Unplanned));
    Outline { status, node_counts }
}

/// Without a definition a node is as its latest run is.
fn observed_state(runs: &[Run<'_>], context: &Context<'_>) -> NodeState {
    runs.last().map_or(NodeState::Unplanned, |run| run_state(run, context.silent))
}

fn observed_status(runs: &Runs<'_>, context: &Context<'_>) -> ExecutionStatus {
    let failed = |group: usize| runs.of(group).last().is_some_and(|run| run.status == Status::Failed);
    if (0..runs.nodes.len()).any(failed) {
        ExecutionStatus::Failed
    } else if !context.silent {
        ExecutionStatus::Running
    } else if runs.any_open() {
        ExecutionStatus::Stalled
    } else {
        ExecutionStatus::Completed
    }
}

fn observed<'a>(runs: &'a Runs<'a>, logged: &[LoggedNode<'a>], context: &'a Context<'a>) -> Panorama<'a> {
    let all: Vec<u32> = (0..runs.nodes.len() as u32).collect();
    let order = display::order(None, runs, &all, logged);
    let nodes = order.entries.iter().map(|entry| {
        let state = entry
            .group
            .map_or(NodeState::Unplanned, |group| observed_state(runs.of(group as usize), context));
        unplanned_node(runs, entry.name, entry.group, state)
    });
    Panorama {
        status: observed_status(runs, context),
        nodes: nodes.collect(),
        edges: edges::observed(&order),
        findings: vec![Finding::no_definition()],
    }
}

fn unplanned_node<'a>(
    runs: &'a Runs<'a>,
    name: &'a str,
    group: Option<u32>,
    state: NodeState,
) -> PanoramaNode<'a> {
    let runs = group.map_or(&[][..], |group| runs.of(group as usize));
    PanoramaNode {
        name,
        title: None,
        node_type: None,
        state,
        not_taken_because: None,
        runs,
        case: None,
        case_inferred: false,
        rounds: None,
        sub: None,
        minor: false,
        optional: false,
    }
}

fn planned_node<'a>(
    plan: &'a Plan,
    runs: &'a Runs<'a>,
    found: &Evaluated,
    item: u32,
    context: &'a Context<'a>,
) -> PanoramaNode<'a> {
    let planned = plan.item(item);
    let cell = &found.cells[item as usize];
    let of_node = if cell.group == NO_RUNS { &[][..] } else { runs.of(cell.group as usize) };
    let latest = latest(runs, found, item);
    let reported = latest.and_then(|run| run.case).filter(|_| cell.reported);
    let case = match cell.choice {
        Choice::Undecided => None,
        Choice::Case(case) => Some(reported.unwrap_or_else(|| plan.case_label(case))),
        Choice::Through => reported,
    };
    let asked = latest.and_then(|run| run.sub_execution_id).unwrap_or(context.execution_id);
    PanoramaNode {
        name: &planned.name,
        title: planned.title.as_deref(),
        node_type: Some(planned.node_type),
        state: cell.state,
        not_taken_because: cell.because.map(|because| because_text(plan, runs, found, because)),
        runs: of_node,
        case,
        case_inferred: case.is_some() && !cell.reported,
        rounds: found.rounds.count(item),
        sub: planned.sub_scene.as_deref().map(|scene| (scene, asked)),
        minor: planned.minor,
        optional: planned.optional,
    }
}

/// The latest run of a planned node that counts: of the last round of the loops around it.
fn latest<'a>(runs: &'a Runs<'a>, found: &Evaluated, item: u32) -> Option<&'a Run<'a>> {
    let group = runs.nodes.get(found.cells[item as usize].group as usize)?;
    let mut range = group.range.clone();
    range.rfind(|&run| found.rounds.counts_run(run)).map(|run| &runs.all[run as usize])
}

/// The runs of a planned node that count.
fn counted<'a>(
    runs: &'a Runs<'a>,
    found: &'a Evaluated,
    item: u32,
) -> impl DoubleEndedIterator<Item = &'a Run<'a>> {
    let group = found.cells[item as usize].group;
    let range = runs.nodes.get(group as usize).map_or(0..0, |node| node.range.clone());
    range.filter(|&run| found.rounds.counts_run(run)).map(|run| &runs.all[run as usize])
}

/// Why a node was not taken, for people.
fn because_text(plan: &Plan, runs: &Runs<'_>, found: &Evaluated, because: Because) -> String {
    match because {
        Because::Optional => "optional".to_owned(),
        Because::Ended(item) => format!("{} ended the link", plan.item(item).name),
        Because::NoRound(item) => format!("{} ran no round", plan.item(item).name),
        Because::Decision(item) => {
            let cell = &found.cells[item as usize];
            let name = &plan.item(item).name;
            let reported = latest(runs, found, item).and_then(|run| run.case).filter(|_| cell.reported);
            match (cell.choice, reported) {
                (Choice::Case(case), Some(said)) if plan.case_label(case) == said => {
                    format!("{name} chose {said}")
                }
                (Choice::Case(case), Some(said)) => format!("{name} chose {said}: {}", plan.case_label(case)),
                (Choice::Case(case), None) => format!("{name} chose {} (inferred)", plan.case_label(case)),
                (_, Some(said)) => format!("{name} chose {said}, which is none of its cases"),
                (_, None) => format!("{name} chose none of its cases (inferred)"),
            }
        }
    }
}
