//! Choosing the plan of an execution, and walking a plan.

use std::collections::BTreeMap;

use super::model::{Definition, Node, NodeKind, Variant};

impl Definition {
    /// The variant whose `when` is met by an execution's meta: the first in the order written; `None`: `nodes`.
    pub fn variant_index(&self, meta: &BTreeMap<String, String>) -> Option<usize> {
        self.variants.iter().position(|variant| variant.matches(meta))
    }

    /// The plan of an execution with this meta: that of the first variant that matches, else `nodes`.
    pub fn plan(&self, meta: &BTreeMap<String, String>) -> &[Node] {
        self.variant_index(meta).map_or(&self.nodes, |i| &self.variants[i].nodes)
    }

    /// Every plan with its variant, in the order written: first `nodes` (`None`), then the variants.
    pub fn plans(&self) -> impl Iterator<Item = (Option<&Variant>, &[Node])> {
        let main = std::iter::once((None, self.nodes.as_slice()));
        main.chain(self.variants.iter().map(|variant| (Some(variant), variant.nodes.as_slice())))
    }
}

impl Variant {
    /// Whether every value of `when` equals that of `meta`.
    pub fn matches(&self, meta: &BTreeMap<String, String>) -> bool {
        self.when.iter().all(|(key, value)| meta.get(key) == Some(value))
    }
}

impl NodeKind {
    /// The word of `nodeType`.
    pub fn as_str(&self) -> &'static str {
        match self {
            NodeKind::Local => "local",
            NodeKind::Rpc => "rpc",
            NodeKind::Fork { .. } => "fork",
            NodeKind::Join { .. } => "join",
            NodeKind::Decision { .. } => "decision",
            NodeKind::Loop { .. } => "loop",
            NodeKind::Link { .. } => "link",
            NodeKind::Terminate => "terminate",
        }
    }

    /// The lists of nodes inside a block, in the order written; none for a step.
    pub fn blocks(&self) -> Vec<&[Node]> {
        match self {
            NodeKind::Fork { branches } => branches.iter().map(Vec::as_slice).collect(),
            NodeKind::Decision { cases, default } => {
                cases.iter().map(|(_, nodes)| nodes).chain(default).map(Vec::as_slice).collect()
            }
            NodeKind::Loop { body } => vec![body],
            NodeKind::Local
            | NodeKind::Rpc
            | NodeKind::Join { .. }
            | NodeKind::Link { .. }
            | NodeKind::Terminate => Vec::new(),
        }
    }
}

/// Calls `visit` for every node of a plan in definition order (a block before its inside), with the number of blocks
/// around it.
pub fn for_each_node<'a>(nodes: &'a [Node], visit: &mut impl FnMut(&'a Node, usize)) {
    fn walk<'a>(nodes: &'a [Node], depth: usize, visit: &mut impl FnMut(&'a Node, usize)) {
        for node in nodes {
            visit(node, depth);
            for block in node.kind.blocks() {
                walk(block, depth + 1, visit);
            }
        }
    }
    walk(nodes, 0, visit);
}
