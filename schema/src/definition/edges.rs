//! The edges of a plan: which node follows which.
//!
//! - Nodes of a list follow one another.
//! - A fork leads to the first node of every branch; the last node of every branch leads to what follows the fork. When
//!   that is a join with a `joinOnList`, only the branches that hold a listed node lead to it. An empty branch leads
//!   from the fork straight to what follows.
//! - A join that waits for a node of another branch of a fork around both is reached from that node too.
//! - A decision leads to the first node of every case, labelled with the case (`default` for `defaultCase`); the last
//!   node of every case leads to what follows the decision. An empty case leads there from the decision itself, with
//!   its label. Without a `defaultCase` the decision leads to what follows, without a label: no case may match (but
//!   `true` and `false` leave nothing between them).
//! - A loop leads to the first node of its body and to what follows; the last node of the body leads back to the loop,
//!   labelled `again`.
//! - Nothing follows a `terminate`.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Node, NodeKind};

/// Why an edge is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// One after the other.
    Serial,
    /// Into a branch of a fork, or past it where the branch is empty.
    Branch,
    /// Into a case of a decision, or past it where the case is empty; the label is the case.
    Case,
    /// Into the default case of a decision, or past it where that is empty; the label is `default`.
    Default,
    /// Past a decision without a default case when no case matches.
    FallThrough,
    /// Into the body of a loop.
    Body,
    /// From the end of a loop's body back to the loop. Its label is `again`, or the case that leads back at once.
    Again,
    /// From a node of one branch to a join of another branch that waits for it.
    Wait,
}

/// One edge of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge<'a> {
    /// Name of the node it starts at.
    pub from: &'a str,
    /// Name of the node it leads to.
    pub to: &'a str,
    /// The case of a decision, `default`, `again`, or nothing.
    pub label: Option<&'a str>,
    /// Why it is there.
    pub kind: EdgeKind,
}

/// The edges of a plan in definition order: by the node they lead to, those of a loop's return after its body; waits
/// across branches last. No edge comes twice.
///
/// Linear in the size of the plan, times its depth for joins.
pub fn plan_edges(nodes: &[Node]) -> Vec<Edge<'_>> {
    let outline = Outline::new(nodes);
    let mut walk = Walk { outline: &outline, edges: Vec::new(), seen: BTreeSet::new() };
    walk.list(nodes, Vec::new());
    walk.waits();
    walk.edges
}

/// An edge whose end is not known yet.
#[derive(Clone, Copy)]
struct Open<'a> {
    from: &'a str,
    label: Option<&'a str>,
    kind: EdgeKind,
}

fn after(node: &Node) -> Open<'_> {
    Open { from: &node.name, label: None, kind: EdgeKind::Serial }
}

/// Whether the cases are `true` and `false`.
fn is_yes_or_no(cases: &[(String, Vec<Node>)]) -> bool {
    let names: BTreeSet<&str> = cases.iter().map(|(case, _)| case.as_str()).collect();
    names == BTreeSet::from(["false", "true"])
}

struct Walk<'a, 'o> {
    outline: &'o Outline<'a>,
    edges: Vec<Edge<'a>>,
    seen: BTreeSet<Edge<'a>>,
}

impl<'a> Walk<'a, '_> {
    fn edge(&mut self, open: Open<'a>, to: &'a str) {
        let edge = Edge { from: open.from, to, label: open.label, kind: open.kind };
        if self.seen.insert(edge) {
            self.edges.push(edge);
        }
    }

    /// Draws a list of nodes entered by `entries`; returns what leads out of its end.
    fn list(&mut self, nodes: &'a [Node], mut entries: Vec<Open<'a>>) -> Vec<Open<'a>> {
        // The ends of the branches of the fork just before, by branch.
        let mut fork: Option<(&'a str, Vec<Vec<Open<'a>>>)> = None;
        for node in nodes {
            if let (Some((fork, branches)), NodeKind::Join { on }) = (fork.take(), &node.kind) {
                let joined: BTreeSet<usize> =
                    on.iter().filter_map(|name| self.outline.branch_of(name, fork)).collect();
                if !joined.is_empty() {
                    let ends = branches.into_iter().enumerate();
                    entries = ends.filter(|(i, _)| joined.contains(i)).flat_map(|(_, ends)| ends).collect();
                }
            }
            for open in std::mem::take(&mut entries) {
                self.edge(open, &node.name);
            }
            match &node.kind {
                NodeKind::Local | NodeKind::Rpc | NodeKind::Link { .. } | NodeKind::Join { .. } => {
                    entries.push(after(node));
                }
                NodeKind::Terminate => {}
                NodeKind::Fork { branches } => {
                    let open = Open { kind: EdgeKind::Branch, ..after(node) };
                    let ends: Vec<_> = branches.iter().map(|branch| self.list(branch, vec![open])).collect();
                    entries = ends.iter().flatten().copied().collect();
                    fork = Some((&node.name, ends));
                }
                NodeKind::Decision { cases, default } => {
                    for (case, nodes) in cases {
                        let open = Open { label: Some(case), kind: EdgeKind::Case, ..after(node) };
                        entries.extend(self.list(nodes, vec![open]));
                    }
                    match default {
                        Some(nodes) => {
                            let open =
                                Open { label: Some("default"), kind: EdgeKind::Default, ..after(node) };
                            entries.extend(self.list(nodes, vec![open]));
                        }
                        None if is_yes_or_no(cases) => {}
                        None => entries.push(Open { kind: EdgeKind::FallThrough, ..after(node) }),
                    }
                }
                NodeKind::Loop { body } => {
                    for end in self.list(body, vec![Open { kind: EdgeKind::Body, ..after(node) }]) {
                        let label = end.label.or(Some("again"));
                        self.edge(Open { label, kind: EdgeKind::Again, ..end }, &node.name);
                    }
                    entries.push(after(node));
                }
            }
        }
        entries
    }

    /// Joins that wait for nodes of other branches.
    fn waits(&mut self) {
        let outline = self.outline;
        for entry in &outline.entries {
            let NodeKind::Join { on } = &entry.node.kind else { continue };
            for name in on {
                if let Some(waited) = outline.in_another_branch(name, &entry.node.name) {
                    self.edge(Open { kind: EdgeKind::Wait, ..after(waited) }, &entry.node.name);
                }
            }
        }
    }
}

/// Every node of a plan with the block around it.
struct Outline<'a> {
    entries: Vec<Entry<'a>>,
    by_name: BTreeMap<&'a str, usize>,
}

struct Entry<'a> {
    node: &'a Node,
    /// The block around it (its index in the outline) and which of the block's lists it is in.
    inside: Option<(usize, usize)>,
}

impl<'a> Outline<'a> {
    fn new(nodes: &'a [Node]) -> Self {
        let mut outline = Self { entries: Vec::new(), by_name: BTreeMap::new() };
        outline.add(nodes, None);
        outline
    }

    fn add(&mut self, nodes: &'a [Node], inside: Option<(usize, usize)>) {
        for node in nodes {
            let index = self.entries.len();
            self.entries.push(Entry { node, inside });
            self.by_name.entry(&node.name).or_insert(index);
            for (list, nodes) in node.kind.blocks().into_iter().enumerate() {
                self.add(nodes, Some((index, list)));
            }
        }
    }

    /// The blocks around a node from the inside out, each with the list the node is in.
    fn around(&self, index: usize) -> impl Iterator<Item = (usize, usize)> {
        std::iter::successors(self.entries[index].inside, |(block, _)| self.entries[*block].inside)
    }

    /// Which branch of `fork` holds the node `name`, however deep.
    fn branch_of(&self, name: &str, fork: &str) -> Option<usize> {
        let fork = *self.by_name.get(fork)?;
        self.around(*self.by_name.get(name)?).find(|(block, _)| *block == fork).map(|(_, list)| list)
    }

    /// The node `name` when it lies in another branch than `join` of a fork around both.
    fn in_another_branch(&self, name: &str, join: &str) -> Option<&'a Node> {
        let waited = *self.by_name.get(name)?;
        let around_join: BTreeMap<usize, usize> = self.around(*self.by_name.get(join)?).collect();
        let (block, list) = self.around(waited).find(|(block, _)| around_join.contains_key(block))?;
        let is_fork = matches!(self.entries[block].node.kind, NodeKind::Fork { .. });
        let node = self.entries[waited].node;
        (is_fork && around_join[&block] != list && node.kind != NodeKind::Terminate).then_some(node)
    }
}
