//! One execution of the workload: the reports it will send, in order.

use super::expected::Ending;
use super::plan::{NO_CASE, Plan, Route};
use super::rng::Rng;

/// One report to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) node: u8,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Start,
    Log,
    /// An error with its stack.
    ErrorLog,
    End,
    Fail,
}

/// How the steps of executions are chosen. Shares are per million.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    pub(super) logs_per_node_max: u8,
    pub(super) failures: u32,
    pub(super) incomplete: u32,
}

/// Plans executions; keeps its buffers from one to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Planner {
    route: Route,
    /// Steps of the branches of a fork, and how many of each are taken.
    branches: Vec<(Vec<Step>, usize)>,
}

/// A planned execution besides its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) ending: Ending,
    /// The decision that reports, with the number of the case.
    pub(super) decision: Option<(u8, u8)>,
}

impl Planner {
    /// Plans one execution of `plan`: its steps go to `steps`, in the order they happen.
    pub(super) fn plan(
        &mut self,
        plan: &Plan,
        habits: Habits,
        rng: &mut Rng,
        steps: &mut Vec<Step>,
    ) -> Planned {
        steps.clear();
        let mut route = std::mem::take(&mut self.route);
        plan.walk(rng, &mut route);
        let visits = &route.visits;
        let chosen = rng.below(visits.len() as u64) as usize;
        let ending = if rng.chance(habits.failures) {
            if rng.below(3) == 0 { Ending::Retried } else { Ending::Failed }
        } else if rng.chance(habits.incomplete) {
            // The first and the last node are never the missing one: they tell when an execution begins and ends.
            if rng.below(2) == 0 && chosen > 0 && chosen + 1 < visits.len() {
                Ending::MissingNode
            } else {
                Ending::Stalled
            }
        } else {
            Ending::Completed
        };
        let mut next = 0;
        while next < visits.len() {
            let ends =
                route.strands.iter().find(|(first, _)| *first == next).map(|(_, ends)| ends.as_slice());
            match ends {
                None => {
                    visit(visits[next].node, next == chosen, ending, habits, rng, steps);
                    next += 1;
                }
                Some(ends) => {
                    self.branches.resize_with(self.branches.len().max(ends.len()), Default::default);
                    let branches = &mut self.branches[..ends.len()];
                    for (end, (branch, taken)) in ends.iter().zip(branches.iter_mut()) {
                        branch.clear();
                        *taken = 0;
                        while next < *end {
                            visit(visits[next].node, next == chosen, ending, habits, rng, branch);
                            next += 1;
                        }
                    }
                    interleave(branches, rng, steps);
                }
            }
        }
        if matches!(ending, Ending::Failed | Ending::Stalled) {
            stop_after(visits[chosen].node, ending, steps);
        }
        let decision =
            visits.iter().find(|visit| visit.case != NO_CASE).map(|visit| (visit.node, visit.case));
        self.route = route;
        Planned { ending, decision }
    }
}

fn visit(node: u8, chosen: bool, ending: Ending, habits: Habits, rng: &mut Rng, steps: &mut Vec<Step>) {
    let ending = if chosen { ending } else { Ending::Completed };
    if ending == Ending::MissingNode {
        return;
    }
    let mut step = |what| steps.push(Step { node, what });
    let logs = rng.below(u64::from(habits.logs_per_node_max) + 1);
    step(What::Start);
    (0..logs).for_each(|_| step(What::Log));
    if matches!(ending, Ending::Failed | Ending::Retried) {
        step(What::ErrorLog);
        step(What::Fail);
    }
    if ending == Ending::Retried {
        step(What::Start);
    }
    if ending != Ending::Failed {
        step(What::End);
    }
}

fn interleave(branches: &mut [(Vec<Step>, usize)], rng: &mut Rng, steps: &mut Vec<Step>) {
    let mut left: usize = branches.iter().map(|(branch, _)| branch.len()).sum();
    while left > 0 {
        // Longer rests are more likely, so that branches end at about the same time.
        let mut at = rng.below(left as u64) as usize;
        for (branch, taken) in branches.iter_mut() {
            let rest = branch.len() - *taken;
            if at < rest {
                steps.push(branch[*taken]);
                *taken += 1;
                break;
            }
            at -= rest;
        }
        left -= 1;
    }
}

/// Nothing starts after `node` failed or stalled; what runs beside it still ends.
pub(super) fn stop_after(node: u8, ending: Ending, steps: &mut Vec<Step>) {
    let last = if ending == Ending::Failed { What::Fail } else { What::Start };
    let Some(stop) = steps.iter().position(|step| *step == Step { node, what: last }) else { return };
    let started: u32 = steps[..stop]
        .iter()
        .filter(|step| step.what == What::Start)
        .fold(0, |set, step| set | 1 << step.node);
    let mut at = 0;
    let mut began: u32 = 0;
    steps.retain(|step| {
        at += 1;
        if at - 1 <= stop {
            return true;
        }
        if step.node == node || step.what == What::Start {
            began |= 1 << step.node;
            return false;
        }
        started >> step.node & 1 == 1 && began >> step.node & 1 == 0
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const HABITS: Habits = Habits { logs_per_node_max: 5, failures: 300_000, incomplete: 300_000 };

    /// Runs per node: opened and closed.
    fn runs(steps: &[Step]) -> Vec<(u32, u32)> {
        let mut runs = vec![(0, 0); 32];
        for step in steps {
            let run = &mut runs[usize::from(step.node)];
            match step.what {
                What::Start => run.0 += 1,
                What::End | What::Fail => run.1 += 1,
                What::Log | What::ErrorLog => assert!(run.0 > run.1, "a log outside of a run"),
            }
            assert!(run.0 >= run.1 && run.0 <= run.1 + 1, "a run at a time");
        }
        runs
    }

    #[test]
    fn endings_are_what_they_are_called() {
        let (plans, mut rng, mut planner) = (Plan::all(), Rng::new(11), Planner::default());
        let mut steps = Vec::new();
        let mut seen = std::collections::BTreeMap::new();
        for number in 0..4_000 {
            let plan = &plans[number % plans.len()];
            let planned = planner.plan(plan, HABITS, &mut rng, &mut steps);
            *seen.entry(planned.ending).or_insert(0) += 1;
            let runs = runs(&steps);
            let visited = runs.iter().filter(|run| run.0 > 0).count();
            let open = runs.iter().filter(|run| run.0 > run.1).count();
            let twice = runs.iter().filter(|run| run.0 > 1).count();
            let fails = steps.iter().filter(|step| step.what == What::Fail).count();
            let errors = steps.iter().filter(|step| step.what == What::ErrorLog).count();
            assert_eq!(fails, errors);
            let (want_open, want_twice, want_fails) = match planned.ending {
                Ending::Completed | Ending::MissingNode => (0, 0, 0),
                Ending::Failed => (0, 0, 1),
                Ending::Retried => (0, 1, 1),
                Ending::Stalled => (1, 0, 0),
                Ending::Cut => unreachable!("plans are whole"),
            };
            assert_eq!((open, twice, fails), (want_open, want_twice, want_fails), "{:?}", planned.ending);
            assert!(visited <= 14);
            if planned.ending == Ending::Completed {
                assert!(visited >= 8, "{visited}");
            }
        }
        assert_eq!(seen.len(), 5, "{seen:?}");
    }
}
