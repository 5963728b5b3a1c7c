//! Display order: that of the definition, then reported parenthood, then time, so that skewed clocks scramble nothing.
//!
//! A node that is not planned stands behind its reported parent, beside others of the same parent by time; nodes
//! without one come last, by time. Parents that name each other in a circle are cut at the earliest of them.

use super::LoggedNode;
use super::plan::Plan;
use crate::event::Moment;
use crate::run::Runs;

/// The nodes of a panorama in display order.
pub(crate) struct Order<'a> {
    pub(crate) entries: Vec<Entry<'a>>,
}

/// One node in display order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    /// Its place in the plan.
    pub(crate) item: Option<u32>,
    /// Its place in [`Runs::nodes`], of nodes that are not planned.
    pub(crate) group: Option<u32>,
    /// The node it stands behind because it named it as its parent.
    pub(crate) parent: Option<&'a str>,
}

/// A node that is not planned.
struct Stray<'a> {
    name: &'a str,
    group: Option<u32>,
    first: Moment,
    parent: Option<&'a str>,
    next: u32,
    first_child: u32,
    placed: bool,
}

const NONE: u32 = u32::MAX;

/// Puts the nodes in display order; `unplanned` are places in [`Runs::nodes`].
pub(crate) fn order<'a>(
    plan: Option<&'a Plan>,
    runs: &Runs<'a>,
    unplanned: &[u32],
    logged: &[LoggedNode<'a>],
) -> Order<'a> {
    let stray = |name, group, first, parent| Stray {
        name,
        group,
        first,
        parent,
        next: NONE,
        first_child: NONE,
        placed: false,
    };
    let mut strays: Vec<Stray<'a>> = Vec::new();
    for &group in unplanned {
        let node = &runs.nodes[group as usize];
        strays.push(stray(node.name, Some(group), node.first, node.parent));
    }
    for log in logged {
        if runs.find(log.name).is_none() && plan.is_none_or(|plan| plan.find(log.name).is_none()) {
            strays.push(stray(log.name, None, log.first, None));
        }
    }
    let mut entries = Vec::with_capacity(plan.map_or(0, |plan| plan.items().len()) + strays.len());
    strays.sort_by(|a, b| a.first.cmp(&b.first).then_with(|| a.name.cmp(b.name)));
    let mut by_name: Vec<u32> = (0..strays.len() as u32).collect();
    by_name.sort_by_key(|&index| strays[index as usize].name);
    let mut behind_planned: Vec<(u32, u32)> = Vec::new();
    // From the last to the first, so that each list of children comes out by time.
    for index in (0..strays.len()).rev() {
        let Some(parent) = strays[index].parent else { continue };
        if let Some(item) = plan.and_then(|plan| plan.find(parent)) {
            behind_planned.push((item, index as u32));
        } else if let Ok(at) = by_name.binary_search_by_key(&parent, |&index| strays[index as usize].name) {
            let parent = by_name[at] as usize;
            strays[index].next = strays[parent].first_child;
            strays[parent].first_child = index as u32;
        } else {
            strays[index].parent = None; // its parent never reported
        }
    }
    behind_planned.sort_unstable();
    let mut behind = behind_planned.into_iter().peekable();
    for item in 0..plan.map_or(0, |plan| plan.items().len() as u32) {
        let name = plan.map_or("", |plan| &plan.item(item).name);
        entries.push(Entry { name, item: Some(item), group: None, parent: None });
        while let Some((_, index)) = behind.next_if(|(parent, _)| *parent == item) {
            place(&mut strays, index, true, &mut entries);
        }
    }
    for index in 0..strays.len() as u32 {
        if strays[index as usize].parent.is_none() {
            place(&mut strays, index, false, &mut entries);
        }
    }
    for index in 0..strays.len() as u32 {
        place(&mut strays, index, false, &mut entries); // what is left names itself in circles
    }
    Order { entries }
}

/// Appends a node and all that stand behind it.
fn place<'a>(strays: &mut [Stray<'a>], root: u32, has_parent: bool, entries: &mut Vec<Entry<'a>>) {
    let mut stack = vec![(root, has_parent)];
    while let Some((index, has_parent)) = stack.pop() {
        let stray = &mut strays[index as usize];
        if std::mem::replace(&mut stray.placed, true) {
            continue;
        }
        let parent = stray.parent.filter(|_| has_parent);
        entries.push(Entry { name: stray.name, item: None, group: stray.group, parent });
        let from = stack.len();
        let mut child = stray.first_child;
        while child != NONE {
            stack.push((child, true));
            child = strays[child as usize].next;
        }
        stack[from..].reverse();
    }
}
