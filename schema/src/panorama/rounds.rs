//! Which runs belong to the last round of the loops around them.
//!
//! A round is told by the reported `iteration` of the nodes directly in the loop: the greatest is the last round, and
//! runs that do not say theirs belong to it if they began no earlier than it did. Without any `iteration` a new round
//! begins where the flow steps back: a node runs again after a later node of the body ran, or another case of a
//! decision runs. A body that begins with another loop does not show this: there only `iteration` tells. Runs without a
//! time never begin a round and always count as the last.

use super::evaluate::NO_RUNS;
use super::plan::{NodeType, Plan};
use crate::run::{Run, Runs};
use crate::time::Timestamp;

/// What loops did.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// For each run whether it counts; empty: all do.
    in_scope: Vec<bool>,
    /// How many rounds each loop that ran has had, by the loop's place in the plan.
    counts: Vec<(u32, u64)>,
}

impl Rounds {
    pub(super) fn counts_run(&self, run: u32) -> bool {
        self.in_scope.get(run as usize).copied().unwrap_or(true)
    }

    /// How many rounds a loop has had, if it ran.
    pub(super) fn count(&self, item: u32) -> Option<u64> {
        let at = self.counts.binary_search_by_key(&item, |(place, _)| *place).ok()?;
        Some(self.counts[at].1)
    }
}

/// One run inside the loop at hand.
#[derive(Clone, Copy)]
struct Step<'r> {
    item: u32,
    index: u32,
    run: &'r Run<'r>,
    /// The loop at hand is the innermost around it.
    direct: bool,
}

/// Finds the last round of every loop, outer loops first; `groups` gives each node of the plan its place in
/// [`Runs::nodes`].
pub(super) fn last_rounds<'r>(plan: &Plan, runs: &'r Runs<'r>, groups: impl Fn(u32) -> u32) -> Rounds {
    let mut rounds = Rounds::default();
    if plan.loops.is_empty() || runs.all.is_empty() {
        return rounds;
    }
    rounds.in_scope = vec![true; runs.all.len()];
    let mut flow = None;
    let mut steps: Vec<Step<'r>> = Vec::new();
    for &this in &plan.loops {
        steps.clear();
        for item in this + 1..plan.item(this).end {
            let group = groups(item);
            if group == NO_RUNS {
                continue;
            }
            let direct = plan.item(item).in_loop == Some(this);
            let range = runs.nodes[group as usize].range.clone();
            steps.extend(range.filter(|&index| rounds.in_scope[index as usize]).map(|index| Step {
                item,
                index,
                run: &runs.all[index as usize],
                direct,
            }));
        }
        if steps.is_empty() {
            continue;
        }
        let last = steps.iter().filter(|step| step.direct).filter_map(|step| step.run.iteration).max();
        let count = match last {
            Some(last) => by_iteration(&steps, last, &mut rounds.in_scope),
            None => {
                let flow = flow.get_or_insert_with(|| Flow::new(plan));
                by_steps_back(plan, this, &mut steps, flow, &mut rounds.in_scope)
            }
        };
        rounds.counts.push((this, count));
    }
    rounds
}

fn by_iteration(steps: &[Step<'_>], last: u64, in_scope: &mut [bool]) -> u64 {
    let iteration = |step: &Step<'_>| step.run.iteration.filter(|_| step.direct);
    let begun: Option<Timestamp> = steps
        .iter()
        .filter(|step| iteration(step) == Some(last))
        .filter_map(|step| step.run.moment.time)
        .min();
    for step in steps {
        in_scope[step.index as usize] = match (iteration(step), step.run.moment.time, begun) {
            (Some(round), ..) => round == last,
            (None, Some(time), Some(begun)) => time >= begun,
            (None, ..) => true,
        };
    }
    let mut seen: Vec<u64> = steps.iter().filter_map(iteration).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len() as u64
}

/// How far the flow has come in the round at hand. Entries of earlier rounds and loops are told by their stamp.
struct Flow {
    stamp: u32,
    /// By series: the stamp, and the furthest place reached.
    reached: Vec<(u32, u32)>,
    /// By item: the stamp of the round it last ran in.
    ran: Vec<u32>,
    /// By item, for decisions: the stamp, and the case taken.
    case: Vec<(u32, u32)>,
}

impl Flow {
    fn new(plan: &Plan) -> Self {
        let items = plan.items().len();
        Self {
            stamp: 0,
            reached: vec![(0, 0); plan.series.len()],
            ran: vec![0; items],
            case: vec![(0, 0); items],
        }
    }

    /// Whether a run of `item` cannot belong to the round at hand. Loops inside run as often as they like.
    fn steps_back(&self, plan: &Plan, this: u32, item: u32, direct: bool) -> bool {
        let again = direct && self.ran[item as usize] == self.stamp;
        let beyond = |series: u32, place: u32| {
            let (stamp, furthest) = self.reached[series as usize];
            stamp == self.stamp && furthest > place
        };
        if again && plan.item(item).parts.clone().any(|part| self.reached[part as usize].0 == self.stamp) {
            return true; // a block after its parts
        }
        let mut at = item;
        loop {
            let (series, place) = (plan.item(at).series, plan.item(at).place);
            if again && beyond(series, place) {
                return true;
            }
            let Some(owner) = plan.series[series as usize].owner.filter(|&owner| owner != this) else {
                return false;
            };
            if plan.item(owner).node_type == NodeType::Decision {
                let (stamp, taken) = self.case[owner as usize];
                if stamp == self.stamp && taken != series {
                    return true;
                }
            }
            at = owner;
        }
    }

    fn step(&mut self, plan: &Plan, this: u32, item: u32) {
        self.ran[item as usize] = self.stamp;
        let mut at = item;
        loop {
            let (series, place) = (plan.item(at).series, plan.item(at).place);
            let reached = &mut self.reached[series as usize];
            *reached = if reached.0 == self.stamp {
                (self.stamp, reached.1.max(place))
            } else {
                (self.stamp, place)
            };
            let Some(owner) = plan.series[series as usize].owner.filter(|&owner| owner != this) else {
                return;
            };
            if plan.item(owner).node_type == NodeType::Decision {
                self.case[owner as usize] = (self.stamp, series);
            }
            at = owner;
        }
    }
}

fn by_steps_back(
    plan: &Plan,
    this: u32,
    steps: &mut [Step<'_>],
    flow: &mut Flow,
    in_scope: &mut [bool],
) -> u64 {
    steps.sort_unstable_by_key(|step| step.run.moment);
    let (mut count, mut begun) = (1, 0);
    flow.stamp += 1;
    for (place, step) in steps.iter().enumerate() {
        if step.run.moment.time.is_none() {
            break; // untimed runs come last
        }
        // What runs in a loop inside stands for that loop.
        let mut item = step.item;
        while let Some(inner) = plan.item(item).in_loop.filter(|&inner| inner != this) {
            item = inner;
        }
        if flow.steps_back(plan, this, item, step.direct) {
            (count, begun) = (count + 1, place);
            flow.stamp += 1;
        }
        flow.step(plan, this, item);
    }
    for step in &steps[..begun] {
        in_scope[step.index as usize] = false;
    }
    count
}
