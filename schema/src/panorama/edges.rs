//! Edges of the panorama and whether the flow went along them.

use super::display::{Entry, Order};
use super::evaluate::{Cell, Evaluated, NO_RUNS};
use super::plan::{Choice, NodeType, Plan, PlanEdge, Way};
use super::{Edge, EdgeState, NodeState};

/// The edges of the plan with their states, then one from each reported parent to the unplanned node that named it.
pub(super) fn edges<'a>(plan: &'a Plan, found: &Evaluated, order: &Order<'a>) -> Vec<Edge<'a>> {
    let planned = plan.edges.iter().map(|edge| Edge {
        from: &plan.item(edge.from).name,
        to: &plan.item(edge.to).name,
        label: plan.label(edge.way),
        state: state(plan, found, edge),
    });
    planned.chain(order.entries.iter().filter_map(to_unplanned)).collect()
}

/// Without a definition: an edge from each reported parent; nodes without one follow each other by time.
pub(super) fn observed<'a>(order: &Order<'a>) -> Vec<Edge<'a>> {
    let mut edges = Vec::with_capacity(order.entries.len());
    let mut before = None;
    for entry in order.entries.iter().filter(|entry| entry.group.is_some()) {
        let edge = to_unplanned(entry);
        if edge.is_none() {
            let from = before.replace(entry.name);
            edges.extend(from.map(|from| Edge {
                from,
                to: entry.name,
                label: None,
                state: EdgeState::Taken,
            }));
        }
        edges.extend(edge);
    }
    edges
}

fn to_unplanned<'a>(entry: &Entry<'a>) -> Option<Edge<'a>> {
    let from = entry.parent?;
    Some(Edge { from, to: entry.name, label: None, state: EdgeState::Taken })
}

/// Whether the flow came to a node.
fn reached(cell: &Cell) -> bool {
    !matches!(cell.state, NodeState::NotReached | NodeState::NotTaken)
}

fn state(plan: &Plan, found: &Evaluated, edge: &PlanEdge) -> EdgeState {
    let (from, to) = (&found.cells[edge.from as usize], &found.cells[edge.to as usize]);
    let this_way = match (edge.way, from.choice) {
        (Way::On, _) => true,
        (Way::Again, _) => return again(plan, found, edge),
        // A case that ran beside the one chosen was taken as well.
        (Way::Case(case), _) if to.seen && plan.item(edge.to).series == case => true,
        (_, Choice::Undecided) => false,
        (Way::Case(case), choice) => choice == Choice::Case(case),
        (Way::Through, choice) => choice == Choice::Through,
    };
    let decided = !matches!(edge.way, Way::Case(_) | Way::Through) || from.choice != Choice::Undecided;
    let certain = !from.uncertain && !to.uncertain;
    if reached(from) && reached(to) && this_way && certain {
        EdgeState::Taken
    } else if from.state == NodeState::NotTaken || to.state == NodeState::NotTaken || (decided && !this_way) {
        EdgeState::NotTaken
    } else {
        EdgeState::Open
    }
}

/// The way back to a loop: taken from where a round may have ended, once there was more than one. A decision that ends
/// a round with an empty case does not show it: of earlier rounds only the runs are known.
fn again(plan: &Plan, found: &Evaluated, edge: &PlanEdge) -> EdgeState {
    let (from, to) = (&found.cells[edge.from as usize], &found.cells[edge.to as usize]);
    let from_type = plan.item(edge.from).node_type;
    let came_by = from.group != NO_RUNS || (from_type.is_control() && from_type != NodeType::Decision);
    if came_by && found.rounds.count(edge.to).is_some_and(|count| count > 1) {
        EdgeState::Taken
    } else if from.state == NodeState::NotTaken || to.state == NodeState::NotTaken || to.passed {
        EdgeState::NotTaken
    } else {
        EdgeState::Open
    }
}
