//! The second walk: the state of every planned node, from what the first found out.

use super::NodeState;
use super::evaluate::{Because, Outcome, Own, SeriesCell, Walk, own_state};
use super::plan::{Choice, NodeType};

/// What becomes of nodes that did not run.
#[derive(Clone, Copy)]
enum Fate {
    Waiting,
    Passed,
    /// As passed, but in a case of a decision of which nobody knows which way it went.
    MaybePassed,
    NotTaken(Because),
}

impl Walk<'_> {
    /// Gives every node its state.
    pub(super) fn settle_all(&mut self) {
        self.settle(0, Fate::Waiting);
    }

    /// Gives the nodes of a series their states.
    fn settle(&mut self, series: u32, fate: Fate) {
        let plan = self.plan;
        let SeriesCell { seen_to, entered, outcome, .. } = self.series[series as usize];
        let awaited = plan.series[series as usize].awaited;
        for (place, &item) in (0..).zip(plan.elements(series)) {
            let passed =
                place + 1 < seen_to || (matches!(fate, Fate::Passed | Fate::MaybePassed) && place < awaited);
            let at_end = place >= seen_to && (seen_to > 0 || entered) && outcome == Outcome::Done;
            let fate = match fate {
                Fate::NotTaken(_) => fate,
                Fate::MaybePassed if passed && seen_to == 0 => Fate::MaybePassed,
                _ if passed => Fate::Passed,
                _ if at_end && self.context.silent && plan.item(item).skippable => {
                    Fate::NotTaken(Because::Optional)
                }
                _ => self.ended.map_or(Fate::Waiting, |end| Fate::NotTaken(Because::Ended(end))),
            };
            self.settle_node(item, fate);
        }
    }

    fn settle_node(&mut self, item: u32, fate: Fate) {
        let planned = self.plan.item(item);
        let cell = self.cells[item as usize];
        let node_type = planned.node_type;
        let (state, because) = if cell.own != Own::Nothing {
            (own_state(cell.own), None)
        } else if cell.seen && node_type == NodeType::Loop {
            (self.loop_state(item), None)
        } else if cell.seen {
            (NodeState::Completed, None)
        } else {
            self.unseen_state(item, fate)
        };
        let settled = &mut self.cells[item as usize];
        (settled.state, settled.because) = (state, because);
        settled.uncertain = !cell.seen && matches!(fate, Fate::MaybePassed);
        self.settle_parts(item, fate);
    }

    /// The state of a node that neither ran itself nor in a part.
    fn unseen_state(&self, item: u32, fate: Fate) -> (NodeState, Option<Because>) {
        let planned = self.plan.item(item);
        let cell = &self.cells[item as usize];
        let reached = cell.outcome == Outcome::Done;
        let other_way = matches!(fate, Fate::NotTaken(Because::Decision(_) | Because::NoRound(_)));
        match (planned.node_type, fate) {
            (NodeType::Join | NodeType::Terminate, _) if reached && !other_way => {
                (NodeState::Completed, None)
            }
            // A decision that was left out took a case without nodes.
            (NodeType::Decision, Fate::NotTaken(Because::Optional)) if !planned.optional => {
                (NodeState::Completed, None)
            }
            (_, Fate::NotTaken(because)) => (NodeState::NotTaken, Some(because)),
            (_, Fate::Waiting) => (NodeState::NotReached, None),
            (node_type, Fate::Passed | Fate::MaybePassed) if node_type.is_control() && !planned.optional => {
                (NodeState::Completed, None)
            }
            (_, Fate::Passed | Fate::MaybePassed) if self.context.partial => (NodeState::Expired, None),
            (_, Fate::Passed | Fate::MaybePassed) if planned.optional || planned.dynamic => {
                (NodeState::NotTaken, Some(Because::Optional))
            }
            (_, Fate::Passed | Fate::MaybePassed) => (NodeState::Missing, None),
        }
    }

    /// A loop that does not report is as its last round is.
    fn loop_state(&self, item: u32) -> NodeState {
        let cell = &self.cells[item as usize];
        let inside = item + 1..self.plan.item(item).end;
        let is_open = |part: u32| matches!(self.cells[part as usize].own, Own::Open | Own::Stalled);
        let open = inside.clone().any(is_open);
        let failed = inside.into_iter().any(|part| self.failed_for_good(part));
        match cell.outcome {
            _ if cell.passed => NodeState::Completed,
            _ if failed => NodeState::Failed,
            Outcome::Done if !open => NodeState::Completed,
            _ if self.context.silent => NodeState::Stalled,
            _ => NodeState::Running,
        }
    }

    fn settle_parts(&mut self, item: u32, fate: Fate) {
        let plan = self.plan;
        let planned = plan.item(item);
        let cell = self.cells[item as usize];
        let inner = match fate {
            Fate::NotTaken(_) if cell.seen => Fate::Waiting,
            _ => fate,
        };
        match planned.node_type {
            NodeType::Fork => planned.parts.clone().for_each(|part| self.settle(part, inner)),
            NodeType::Loop => {
                let parts_seen = self.parts_seen(item);
                let inner = match (cell.own, inner) {
                    (Own::Done, _) if !parts_seen => Fate::NotTaken(Because::NoRound(item)),
                    (Own::Done, Fate::Waiting) => Fate::Passed,
                    _ => inner,
                };
                planned.parts.clone().for_each(|part| self.settle(part, inner));
            }
            NodeType::Decision => {
                if !cell.seen {
                    let left_out = match fate {
                        Fate::Passed | Fate::MaybePassed => !self.context.partial,
                        Fate::NotTaken(Because::Optional) => !planned.optional,
                        _ => false,
                    };
                    if left_out {
                        self.cells[item as usize].choice = planned.empty_path;
                    }
                }
                let choice = self.cells[item as usize].choice;
                for part in planned.parts.clone() {
                    let inner = match choice {
                        Choice::Undecided if matches!(inner, Fate::Passed) => Fate::MaybePassed,
                        Choice::Undecided => inner,
                        Choice::Case(case) if case == part => inner,
                        _ => Fate::NotTaken(Because::Decision(item)),
                    };
                    self.settle(part, inner);
                }
            }
            _ => {}
        }
    }
}
