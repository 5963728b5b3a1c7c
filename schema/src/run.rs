//! Runs: the node reports of one execution, paired into openings and closings.
//!
//! Node reports of one node are grouped by `runId`, else `spanId`, else (service, instance). Within a group they are
//! read by time, untimed ones last, then by identity; at equal times closers come first while a run is open, else
//! openers. A closer takes the oldest open run, a `RUNNING` while one is open opens another, and a closer with none
//! open is a run without a start. The result depends on the set of events alone, not on their order.

use std::cmp::Ordering;
use std::ops::Range;

use crate::event::{Moment, NodeEvent};
use crate::report::Status;
use crate::time::Timestamp;

/// One run of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run<'a> {
    /// `runId` as reported; without one the run is called by its [`Run::number`].
    pub reported_id: Option<&'a str>,
    /// Position among the runs of its node, from 1.
    pub number: u32,
    /// [`Status::Running`] while it is open, else how it was closed.
    pub status: Status,
    /// When it was opened; `None`: never reported, or the report had no time.
    pub start: Option<Timestamp>,
    /// When it was closed; `None`: still open, or the report had no time.
    pub end: Option<Timestamp>,
    /// Index of the opening event in the list given to [`runs`].
    pub opener: Option<u32>,
    /// Index of the closing event in the list given to [`runs`].
    pub closer: Option<u32>,
    /// What runs are ordered by: the start, else the end, then the identity of the opener, else of the closer.
    pub moment: Moment,
    /// A decision's outcome: the closer's, else the opener's.
    pub case: Option<&'a str>,
    /// The round of a loop: the closer's, else the opener's.
    pub iteration: Option<u64>,
    /// The execution behind a `link` node: the closer's, else the opener's.
    pub sub_execution_id: Option<&'a str>,
    /// The reporting service: the opener's, else the closer's.
    pub service: Option<&'a str>,
    /// The reporting instance: the opener's, else the closer's.
    pub instance: Option<&'a str>,
    /// The reporting host: the opener's, else the closer's.
    pub host: Option<&'a str>,
}

impl Run<'_> {
    /// Whether it was never closed.
    pub fn is_open(&self) -> bool {
        self.closer.is_none()
    }

    /// How long it took in microseconds, if both ends are timed.
    pub fn duration_micros(&self) -> Option<i64> {
        Some(self.end?.0.saturating_sub(self.start?.0))
    }

    /// What people call the run: its reported id, else `#` and its number.
    pub fn id(&self) -> String {
        self.reported_id.map_or_else(|| format!("#{}", self.number), str::to_owned)
    }

    /// Where it ran: the host, else the instance; `None`: it did not say.
    pub fn place(&self) -> Option<&str> {
        self.host.or(self.instance)
    }
}

/// The runs of one node, and what the panorama needs to place the node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeRuns<'a> {
    /// The node.
    pub name: &'a str,
    /// Its runs in [`Runs::all`].
    pub range: Range<u32>,
    /// Its reported parent: the one named by the earliest event that names another node.
    pub parent: Option<&'a str>,
    /// Its earliest event.
    pub first: Moment,
}

/// All runs of one execution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Runs<'a> {
    /// The nodes that reported, by name.
    pub nodes: Vec<NodeRuns<'a>>,
    /// The runs, node by node in the order of `nodes`; within a node by [`Run::moment`].
    pub all: Vec<Run<'a>>,
}

impl<'a> Runs<'a> {
    /// The runs of the `index`th node of [`Runs::nodes`].
    pub fn of(&self, index: usize) -> &[Run<'a>] {
        self.nodes
            .get(index)
            .map_or(&[], |node| &self.all[node.range.start as usize..node.range.end as usize])
    }

    /// Where a node stands in [`Runs::nodes`].
    pub fn find(&self, name: &str) -> Option<usize> {
        self.nodes.binary_search_by(|node| node.name.cmp(name)).ok()
    }

    /// Whether any run is open.
    pub fn any_open(&self) -> bool {
        self.all.iter().any(Run::is_open)
    }

    /// Start of the execution: that of its earliest run, or the end of it when its start was not reported.
    pub fn start(&self) -> Option<Timestamp> {
        self.all.iter().filter_map(|run| run.moment.time).min()
    }

    /// The latest close of a run.
    pub fn last_close(&self) -> Option<Timestamp> {
        self.all.iter().filter_map(|run| run.end).max()
    }
}

/// Pairs the node reports of one execution into runs.
///
/// The events may come in any order and more than once: of several with one identity the least counts. Indices in the
/// answer are those of the list given.
pub fn runs<'a>(events: &[NodeEvent<'a>]) -> Runs<'a> {
    let mut order = distinct(events);
    order.sort_unstable_by(|&a, &b| {
        let (a, b) = (&events[a as usize], &events[b as usize]);
        a.node
            .cmp(b.node)
            .then_with(|| Group::of(a).cmp(&Group::of(b)))
            .then_with(|| a.moment().cmp(&b.moment()))
    });
    let mut found = Runs { nodes: Vec::new(), all: Vec::with_capacity(order.len().div_ceil(2)) };
    let mut scratch = Scratch::default();
    for of_node in order.chunk_by(|&a, &b| events[a as usize].node == events[b as usize].node) {
        let first = found.all.len();
        for group in
            of_node.chunk_by(|&a, &b| Group::of(&events[a as usize]) == Group::of(&events[b as usize]))
        {
            pair(events, group, &mut found.all, &mut scratch);
        }
        let of_this = &mut found.all[first..];
        of_this.sort_unstable_by_key(|run| run.moment);
        for (number, run) in (1..).zip(of_this) {
            run.number = number;
        }
        found.nodes.push(node_runs(events, of_node, first as u32..found.all.len() as u32));
    }
    found
}

/// Indices of the events, one for each identity. Callers mostly give each once and sorted: that costs one pass.
fn distinct(events: &[NodeEvent<'_>]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..events.len() as u32).collect();
    if !events.is_sorted_by(|a, b| a.identity < b.identity) {
        order.sort_by(|&a, &b| cmp_content(&events[a as usize], &events[b as usize]));
        order.dedup_by_key(|index| events[*index as usize].identity);
    }
    order
}

/// What tells the runs of one node apart, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group<'a> {
    Run(&'a str),
    Span(&'a str),
    Place(Option<&'a str>, Option<&'a str>),
}

impl<'a> Group<'a> {
    fn of(event: &NodeEvent<'a>) -> Self {
        match (event.run_id, event.span_id) {
            (Some(run), _) => Group::Run(run),
            (None, Some(span)) => Group::Span(span),
            (None, None) => Group::Place(event.service, event.instance),
        }
    }
}

fn node_runs<'a>(events: &[NodeEvent<'a>], of_node: &[u32], range: Range<u32>) -> NodeRuns<'a> {
    let mut node =
        NodeRuns { name: events[of_node[0] as usize].node, range, parent: None, first: Moment::LAST };
    let mut parent_at = Moment::LAST;
    for event in of_node.iter().map(|&index| &events[index as usize]) {
        let moment = event.moment();
        node.first = node.first.min(moment);
        let parent = event.parent_node.filter(|parent| *parent != node.name);
        if parent.is_some() && (node.parent.is_none() || moment < parent_at) {
            (node.parent, parent_at) = (parent, moment);
        }
    }
    node
}

/// Lists reused from group to group.
#[derive(Default)]
struct Scratch {
    openers: Vec<u32>,
    closers: Vec<u32>,
    /// Open runs, oldest first; those before `head` are closed.
    open: Vec<u32>,
}

/// Pairs the events of one group, given by time and identity, and appends its runs.
fn pair<'a>(events: &[NodeEvent<'a>], group: &[u32], all: &mut Vec<Run<'a>>, scratch: &mut Scratch) {
    let Scratch { openers, closers, open } = scratch;
    open.clear();
    let mut head = 0;
    for together in group.chunk_by(|&a, &b| events[a as usize].time == events[b as usize].time) {
        openers.clear();
        closers.clear();
        for &index in together {
            let list = if events[index as usize].status.closes() { &mut *closers } else { &mut *openers };
            list.push(index);
        }
        let (mut next_opener, mut next_closer) = (openers.iter(), closers.iter());
        loop {
            if head < open.len() && !next_closer.as_slice().is_empty() {
                let run = &mut all[open[head] as usize];
                head += 1;
                if let Some(&closer) = next_closer.next() {
                    close(run, &events[closer as usize], closer);
                }
            } else if let Some(&opener) = next_opener.next() {
                open.push(all.len() as u32);
                all.push(opened(&events[opener as usize], opener));
            } else if let Some(&closer) = next_closer.next() {
                all.push(without_start(&events[closer as usize], closer));
            } else {
                break;
            }
        }
    }
}

fn opened<'a>(event: &NodeEvent<'a>, index: u32) -> Run<'a> {
    Run {
        reported_id: event.run_id,
        number: 0,
        status: Status::Running,
        start: event.time,
        end: None,
        opener: Some(index),
        closer: None,
        moment: event.moment(),
        case: event.case,
        iteration: event.iteration,
        sub_execution_id: event.sub_execution_id,
        service: event.service,
        instance: event.instance,
        host: event.host,
    }
}

fn without_start<'a>(event: &NodeEvent<'a>, index: u32) -> Run<'a> {
    let mut run = opened(event, index);
    (run.opener, run.start) = (None, None);
    close(&mut run, event, index);
    run
}

fn close<'a>(run: &mut Run<'a>, event: &NodeEvent<'a>, index: u32) {
    run.status = event.status;
    run.end = event.time;
    run.closer = Some(index);
    run.moment.time = run.start.or(run.end);
    run.case = event.case.or(run.case);
    run.iteration = event.iteration.or(run.iteration);
    run.sub_execution_id = event.sub_execution_id.or(run.sub_execution_id);
    run.service = run.service.or(event.service);
    run.instance = run.instance.or(event.instance);
    run.host = run.host.or(event.host);
}

/// A total order over everything an event says, identity first: which of two contents under one identity counts.
fn cmp_content(a: &NodeEvent<'_>, b: &NodeEvent<'_>) -> Ordering {
    fn texts<'e>(event: &NodeEvent<'e>) -> [Option<&'e str>; 9] {
        [
            Some(event.node),
            event.run_id,
            event.span_id,
            event.service,
            event.instance,
            event.host,
            event.case,
            event.sub_execution_id,
            event.parent_node,
        ]
    }
    let numbers = |event: &NodeEvent<'_>| (event.identity, event.moment(), event.status, event.iteration);
    numbers(a).cmp(&numbers(b)).then_with(|| texts(a).cmp(&texts(b)))
}
