//! States of the planned nodes and the status of the execution.
//!
//! Two walks over the plan. The first, here, asks of every series how far the flow has come: which of its nodes has run
//! (itself or a part of it), what lies before that and so was passed, which case was taken, and whether the flow came
//! to its end. The second, in `settle.rs`, gives every node its state from that. Blocks nest at most 64 deep, so both may recurse into
//! blocks; they never recurse along a series.

use super::plan::{Choice, NodeType, Plan};
use super::rounds::{Rounds, last_rounds};
use super::{Context, ExecutionStatus, NodeState};
use crate::report::Status;
use crate::run::{Run, Runs};

/// The node has no runs.
pub(super) const NO_RUNS: u32 = u32::MAX;

/// What a node reported itself, in the last round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Own {
    #[default]
    Nothing,
    Open,
    Stalled,
    Failed,
    Done,
}

/// How far the flow came in a node or series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// To the end.
    Done,
    /// Not to the end yet: it did not come, is open, or failed with nothing after it.
    #[default]
    Pending,
}

/// Why a node was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// The decision went another way.
    Decision(u32),
    /// It is optional.
    Optional,
    /// The link ended at this node.
    Ended(u32),
    /// The loop ran no round.
    NoRound(u32),
}

/// What was found out about one planned node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// Its place in [`Runs::nodes`].
    pub(super) group: u32,
    pub(super) own: Own,
    /// It or a part of it ran.
    pub(super) seen: bool,
    /// Something behind it ran.
    pub(super) passed: bool,
    pub(super) outcome: Outcome,
    pub(super) choice: Choice,
    /// The choice was reported, not inferred.
    pub(super) reported: bool,
    pub(super) state: NodeState,
    pub(super) because: Option<Because>,
    /// The flow went past it, or past another case of its decision: nobody knows.
    pub(super) uncertain: bool,
    pub(super) sub: Option<ExecutionStatus>,
}

/// What was found out about one series.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SeriesCell {
    pub(super) seen: bool,
    /// The flow came to its beginning.
    pub(super) entered: bool,
    /// One past the last of its nodes that was seen.
    pub(super) seen_to: u32,
    pub(super) outcome: Outcome,
}

/// The plan with the execution laid over it.
pub(super) struct Evaluated {
    pub(super) cells: Vec<Cell>,
    pub(super) status: ExecutionStatus,
    /// Nodes that reported and are not planned: places in [`Runs::nodes`].
    pub(super) unplanned: Vec<u32>,
    pub(super) rounds: Rounds,
}

/// How the flow stands around a series or node.
#[derive(Clone, Copy)]
struct Flow {
    /// Something behind it ran.
    passed: bool,
    /// The flow came to the beginning of the series.
    entered: bool,
    /// Nothing has to report behind it: only here does silence tell that what may be left out was left out. Anywhere
    /// else the flow may as well have stopped before it.
    last: bool,
}

/// The walks over one plan, and what they found out so far.
pub(super) struct Walk<'a> {
    pub(super) plan: &'a Plan,
    pub(super) runs: &'a Runs<'a>,
    pub(super) context: &'a Context<'a>,
    pub(super) cells: Vec<Cell>,
    pub(super) series: Vec<SeriesCell>,
    rounds: Rounds,
    /// The first terminate node that was reached.
    pub(super) ended: Option<u32>,
    /// A branch no join waits for has not come to its end.
    side_pending: bool,
}

/// Lays the runs of an execution over its plan.
pub(super) fn evaluate<'a>(plan: &'a Plan, runs: &'a Runs<'a>, context: &'a Context<'a>) -> Evaluated {
    let blank = Cell {
        group: NO_RUNS,
        own: Own::Nothing,
        seen: false,
        passed: false,
        outcome: Outcome::Pending,
        choice: Choice::Undecided,
        reported: false,
        state: NodeState::NotReached,
        because: None,
        uncertain: false,
        sub: None,
    };
    let mut cells = vec![blank; plan.items().len()];
    let mut unplanned = Vec::new();
    for (group, node) in (0..).zip(&runs.nodes) {
        match plan.find(node.name) {
            Some(item) => cells[item as usize].group = group,
            None => unplanned.push(group),
        }
    }
    let rounds = last_rounds(plan, runs, |item| cells[item as usize].group);
    let series = vec![SeriesCell::default(); plan.series.len()];
    let mut walk = Walk { plan, runs, context, cells, series, rounds, ended: None, side_pending: false };
    walk.observe(&unplanned);
    let outcome = walk.follow(0, Flow { passed: false, entered: true, last: true });
    let status = walk.status(outcome, &unplanned);
    walk.settle_all();
    Evaluated { cells: walk.cells, status, unplanned, rounds: walk.rounds }
}

impl<'a> Walk<'a> {
    /// The latest run of a node that counts.
    fn latest(&self, item: u32) -> Option<&'a Run<'a>> {
        let group = self.cells[item as usize].group;
        if group == NO_RUNS {
            return None;
        }
        let mut range = self.runs.nodes[group as usize].range.clone();
        range.rfind(|&run| self.rounds.counts_run(run)).map(|run| &self.runs.all[run as usize])
    }

    /// Notes what each node reported, and which blocks that makes seen.
    fn observe(&mut self, unplanned: &[u32]) {
        for item in 0..self.cells.len() as u32 {
            if self.cells[item as usize].group != NO_RUNS
                && let Some(run) = self.latest(item)
            {
                self.cells[item as usize].own = own(run, self.context.silent);
            }
        }
        for &link in &self.plan.links {
            let asked = self.latest(link).and_then(|run| run.sub_execution_id);
            let scene = self.plan.item(link).sub_scene.as_deref().unwrap_or_default();
            let cell = &mut self.cells[link as usize];
            cell.sub = (self.context.sub)(scene, asked.unwrap_or(self.context.execution_id));
            cell.own = match cell.sub {
                None => cell.own,
                Some(ExecutionStatus::Running) => Own::Open,
                Some(ExecutionStatus::Stalled) => Own::Stalled,
                Some(ExecutionStatus::Failed) => Own::Failed,
                Some(ExecutionStatus::Completed) => Own::Done,
            };
        }
        if self.plan.has_dynamic {
            self.observe_dynamic(unplanned);
        }
        for item in (0..self.cells.len()).rev() {
            let cell = &mut self.cells[item];
            cell.seen |= cell.own != Own::Nothing;
            if cell.seen {
                let series = self.plan.items()[item].series as usize;
                self.series[series].seen = true;
                if let Some(owner) = self.plan.series[series].owner {
                    self.cells[owner as usize].seen = true;
                }
            }
        }
    }

    /// A dynamic node that does not report is as the nodes are that name it as their parent.
    fn observe_dynamic(&mut self, unplanned: &[u32]) {
        for &group in unplanned {
            let node = &self.runs.nodes[group as usize];
            let Some(item) = node.parent.and_then(|parent| self.plan.find(parent)) else { continue };
            let Some(run) = self.runs.of(group as usize).last() else { continue };
            let cell = &mut self.cells[item as usize];
            if self.plan.item(item).dynamic && cell.group == NO_RUNS {
                let part = own(run, self.context.silent);
                // An open part weighs most, then a failed one.
                cell.own = match (cell.own, part) {
                    (Own::Open, _) | (_, Own::Open) => Own::Open,
                    (Own::Stalled, _) | (_, Own::Stalled) => Own::Stalled,
                    (Own::Failed, _) | (_, Own::Failed) => Own::Failed,
                    _ => Own::Done,
                };
            }
        }
    }

    /// How far the flow came in a series; `around` says how it stands around the block.
    fn follow(&mut self, series: u32, around: Flow) -> Outcome {
        let plan = self.plan;
        let elements = plan.elements(series);
        let seen_to = elements
            .iter()
            .rposition(|&item| self.cells[item as usize].seen)
            .map_or(0, |last| last as u32 + 1);
        let awaited = plan.series[series as usize].awaited;
        {
            let cell = &mut self.series[series as usize];
            (cell.seen_to, cell.entered) = (seen_to, around.entered);
        }
        let skippable = |item: &u32| plan.item(*item).skippable;
        let last_from = elements.iter().rposition(|item| !skippable(item)).unwrap_or(0);
        for (place, &item) in elements.iter().enumerate() {
            let flow = Flow {
                passed: place + 1 < seen_to as usize || (around.passed && place < awaited as usize),
                entered: around.entered,
                last: around.last && place >= last_from,
            };
            self.cells[item as usize].passed = flow.passed;
            let outcome = self.follow_node(item, &elements[..place], flow);
            self.cells[item as usize].outcome = outcome;
        }
        let outcome = self.come_to(elements, around);
        self.series[series as usize].outcome = outcome;
        outcome
    }

    /// Whether the flow has come through these nodes: what the last of them that ran says, if all after it may be left
    /// out.
    fn come_to(&self, elements: &[u32], flow: Flow) -> Outcome {
        for &item in elements.iter().rev() {
            let cell = &self.cells[item as usize];
            if cell.seen {
                return cell.outcome;
            }
            match self.plan.item(item).node_type {
                // A join that does not report is where the branches before it are, and where the other nodes are that
                // it waits for.
                NodeType::Join => {
                    let late = |&on: &u32| {
                        let cell = &self.cells[on as usize];
                        cell.seen && cell.outcome != Outcome::Done
                    };
                    if self.plan.item(item).on.iter().any(late) {
                        return Outcome::Pending;
                    }
                }
                NodeType::Terminate => return cell.outcome,
                _ if self.plan.item(item).skippable && self.context.silent && flow.last => {}
                _ => return Outcome::Pending,
            }
        }
        if flow.entered { Outcome::Done } else { Outcome::Pending }
    }

    fn follow_node(&mut self, item: u32, before: &[u32], flow: Flow) -> Outcome {
        let plan = self.plan;
        let planned = plan.item(item);
        let Cell { own, seen, .. } = self.cells[item as usize];
        let forgiven = flow.passed || planned.optional;
        let reported = match own {
            Own::Nothing => None,
            Own::Failed if forgiven => Some(Outcome::Done),
            Own::Open | Own::Stalled | Own::Failed => Some(Outcome::Pending),
            Own::Done => Some(Outcome::Done),
        };
        match planned.node_type {
            NodeType::Local | NodeType::Rpc | NodeType::Link => reported.unwrap_or_default(),
            NodeType::Join => reported.unwrap_or_else(|| self.joined(item, before, flow)),
            NodeType::Terminate => {
                let outcome = reported.unwrap_or_else(|| self.come_to(before, Flow { last: true, ..flow }));
                if outcome == Outcome::Done && self.ended.is_none() {
                    self.ended = Some(item);
                }
                outcome
            }
            _ if !seen => Outcome::Pending,
            NodeType::Fork => {
                let mut worst = Outcome::Done;
                for part in planned.parts.clone() {
                    let outcome = self.follow(part, Flow { entered: true, ..flow });
                    worst = worst.max(outcome);
                    let length = plan.elements(part).len() as u32;
                    if plan.series[part as usize].awaited < length && outcome != Outcome::Done {
                        self.side_pending = true;
                    }
                }
                match own {
                    Own::Failed if !forgiven && !self.parts_seen(item) => Outcome::Pending,
                    _ => worst,
                }
            }
            NodeType::Decision => self.decide(item, flow, forgiven),
            NodeType::Loop => {
                let mut outcome = Outcome::Done;
                for part in planned.parts.clone() {
                    outcome = self.follow(part, Flow { entered: true, ..flow });
                }
                reported.unwrap_or(outcome)
            }
        }
    }

    pub(super) fn parts_seen(&self, item: u32) -> bool {
        self.plan.item(item).parts.clone().any(|part| self.series[part as usize].seen)
    }

    /// Whether all a join waits for has come. At least one node of it must have been seen.
    fn joined(&self, item: u32, before: &[u32], flow: Flow) -> Outcome {
        if flow.passed {
            return Outcome::Done;
        }
        let on = &self.plan.item(item).on;
        let targets =
            if on.is_empty() { before.last().map(std::slice::from_ref).unwrap_or_default() } else { on };
        let come = |&target: &u32| {
            let cell = &self.cells[target as usize];
            let left_out = !cell.seen && self.context.silent && flow.last && self.plan.item(target).skippable;
            cell.outcome == Outcome::Done || left_out
        };
        let any_seen = targets.iter().any(|&target| self.cells[target as usize].seen);
        if any_seen && targets.iter().all(come) { Outcome::Done } else { Outcome::Pending }
    }

    fn decide(&mut self, item: u32, flow: Flow, forgiven: bool) -> Outcome {
        let plan = self.plan;
        let parts = plan.item(item).parts.clone();
        let own = self.cells[item as usize].own;
        let case = self.latest(item).and_then(|run| run.case);
        let mut ran = parts.clone().filter(|&part| self.series[part as usize].seen);
        let any_ran = ran.clone().next().is_some();
        let choice = match (case, ran.next(), ran.next()) {
            (Some(case), ..) => plan.choice(item, case).0,
            (None, Some(only), None) => Choice::Case(only),
            (None, Some(first), Some(_)) => Choice::Case(self.ran_last(parts.clone(), first)),
            (None, None, _) if flow.passed && !self.context.partial => plan.item(item).empty_path,
            (None, None, _) if self.context.silent && flow.last && own == Own::Done => {
                plan.item(item).empty_path
            }
            (None, None, _) => Choice::Undecided,
        };
        let cell = &mut self.cells[item as usize];
        (cell.choice, cell.reported) = (choice, case.is_some());
        let mut outcome = Outcome::Pending;
        for part in parts {
            let chosen = choice == Choice::Case(part);
            let of_part = self.follow(part, Flow { entered: chosen, ..flow });
            if chosen {
                outcome = of_part;
            }
        }
        match (choice, own) {
            (_, Own::Failed) if !any_ran => {
                if forgiven {
                    Outcome::Done
                } else {
                    Outcome::Pending
                }
            }
            (_, Own::Open | Own::Stalled) if !any_ran => Outcome::Pending,
            (Choice::Case(_), _) => outcome,
            (Choice::Through, _) => Outcome::Done,
            (Choice::Undecided, _) => {
                if flow.passed {
                    Outcome::Done
                } else {
                    Outcome::Pending
                }
            }
        }
    }

    /// Of several cases that ran the one whose latest run began last.
    fn ran_last(&self, parts: std::ops::Range<u32>, first: u32) -> u32 {
        let mut found = (first, None);
        for part in parts {
            let elements = self.plan.elements(part);
            let (Some(&from), Some(&last)) = (elements.first(), elements.last()) else { continue };
            let latest = (from..self.plan.item(last).end).filter_map(|item| self.latest(item));
            let latest = latest.map(|run| run.moment).max();
            if latest > found.1 {
                found = (part, latest);
            }
        }
        found.0
    }

    /// Whether a node failed that may not, and nothing planned after it ran.
    pub(super) fn failed_for_good(&self, item: u32) -> bool {
        let (cell, planned) = (&self.cells[item as usize], self.plan.item(item));
        // The parts of a fork or decision come after it, those of a loop belong to it.
        let parts_follow = matches!(planned.node_type, NodeType::Fork | NodeType::Decision);
        let survived = cell.passed || planned.optional || (parts_follow && self.parts_seen(item));
        cell.own == Own::Failed && !survived
    }

    fn status(&self, outcome: Outcome, unplanned: &[u32]) -> ExecutionStatus {
        let planned_failed = (0..self.cells.len() as u32).any(|item| self.failed_for_good(item));
        let unplanned_failed = unplanned.iter().any(|&group| {
            let failed = self.runs.of(group as usize).last().is_some_and(|run| run.status == Status::Failed);
            failed && !self.forgiven_by_parent(group)
        });
        if planned_failed || unplanned_failed {
            return ExecutionStatus::Failed;
        }
        let at_end = self.ended.is_some() || (outcome == Outcome::Done && !self.side_pending);
        if at_end && !self.runs.any_open() {
            return ExecutionStatus::Completed;
        }
        if self.context.silent { ExecutionStatus::Stalled } else { ExecutionStatus::Running }
    }

    /// An unplanned node counts as part of the planned node it was called from: past that, its failure was survived.
    fn forgiven_by_parent(&self, group: u32) -> bool {
        let mut parent = self.runs.nodes[group as usize].parent;
        for _ in 0..PARENTS_MAX {
            let Some(name) = parent else { return false };
            if let Some(item) = self.plan.find(name) {
                let mut around = std::iter::successors(Some(item), |&item| self.plan.owner(item));
                return self.plan.item(item).optional || around.any(|item| self.cells[item as usize].passed);
            }
            parent = self.runs.find(name).and_then(|group| self.runs.nodes[group].parent);
        }
        false
    }
}

/// How many reported parents are followed upwards before a chain counts as leading nowhere.
const PARENTS_MAX: usize = 64;

fn own(run: &Run<'_>, silent: bool) -> Own {
    match run.status {
        Status::Running if silent => Own::Stalled,
        Status::Running => Own::Open,
        Status::Failed => Own::Failed,
        Status::Completed | Status::Skipped => Own::Done,
    }
}

/// The state a node's own latest run gives it.
pub(super) fn run_state(run: &Run<'_>, silent: bool) -> NodeState {
    own_state(own(run, silent))
}

pub(super) fn own_state(own: Own) -> NodeState {
    match own {
        Own::Nothing => NodeState::NotReached,
        Own::Open => NodeState::Running,
        Own::Stalled => NodeState::Stalled,
        Own::Failed => NodeState::Failed,
        Own::Done => NodeState::Completed,
    }
}
