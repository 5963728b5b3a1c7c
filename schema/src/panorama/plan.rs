//! A plan made ready for laying executions over it: flat, in definition order, with its edges.
//!
//! Making it costs one walk over the definition; it owns its names, so that a reader may keep it per definition
//! version.

use std::collections::BTreeMap;
use std::ops::Range;

use super::build;
use crate::definition::{Definition, Node};

/// All plans of one definition: the main one and its variants.
#[derive(Clone, Debug)]
pub struct Plans {
    main: Plan,
    variants: Vec<(BTreeMap<String, String>, Plan)>,
}

impl Plans {
    /// Makes every plan of a definition ready.
    pub fn new(definition: &Definition) -> Self {
        let variants = definition.variants.iter();
        Self {
            main: Plan::new(&definition.nodes),
            variants: variants.map(|variant| (variant.when.clone(), Plan::new(&variant.nodes))).collect(),
        }
    }

    /// The plan for an execution with these facts: the first variant all of whose values are met, else the main plan.
    pub fn choose<V: AsRef<str>>(&self, meta: impl FnMut(&str) -> Option<V>) -> &Plan {
        self.variant(meta).map_or(&self.main, |at| &self.variants[at].1)
    }

    /// Which variant that is, as they are written in the definition; `None`: the main plan.
    pub fn variant<V: AsRef<str>>(&self, mut meta: impl FnMut(&str) -> Option<V>) -> Option<usize> {
        self.variants.iter().position(|(when, _)| {
            when.iter().all(|(key, value)| meta(key).is_some_and(|found| found.as_ref() == value))
        })
    }
}

/// What a node of the plan is, without its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeType {
    /// A local step.
    Local,
    /// A remote call.
    Rpc,
    /// Branches, all run.
    Fork,
    /// Waits for branches.
    Join,
    /// One case runs.
    Decision,
    /// The body may run many times.
    Loop,
    /// Another scene's link.
    Link,
    /// Ends the link.
    Terminate,
}

impl NodeType {
    /// The text of the DSL, e.g. `fork`.
    pub fn as_str(self) -> &'static str {
        match self {
            NodeType::Local => "local",
            NodeType::Rpc => "rpc",
            NodeType::Fork => "fork",
            NodeType::Join => "join",
            NodeType::Decision => "decision",
            NodeType::Loop => "loop",
            NodeType::Link => "link",
            NodeType::Terminate => "terminate",
        }
    }

    /// Whether it steers the flow; such a node need not report, its state is derived from its parts.
    pub fn is_control(self) -> bool {
        !matches!(self, NodeType::Local | NodeType::Rpc | NodeType::Link)
    }
}

/// One node of a [`Plan`].
#[derive(Clone, Debug)]
pub struct Item {
    /// Its name.
    pub name: Box<str>,
    /// Name for people.
    pub title: Option<Box<str>>,
    /// What it is.
    pub node_type: NodeType,
    /// Missing or failed is fine: said of it or of a block around it.
    pub optional: bool,
    /// Folded by default.
    pub minor: bool,
    /// Stands for steps that are only known at run time.
    pub dynamic: bool,
    /// A run longer than this is slow.
    pub slow_after_micros: Option<i64>,
    /// The other scene of a `link` node.
    pub sub_scene: Option<Box<str>>,
    /// The series it stands in.
    pub(super) series: u32,
    /// Its place in that series.
    pub(super) place: u32,
    /// End of its parts in definition order: they are the items after it, up to here.
    pub(super) end: u32,
    /// Its branches, cases (the default last) or body.
    pub(super) parts: Range<u32>,
    /// The nodes a join waits for.
    pub(super) on: Vec<u32>,
    /// The way through a decision that needs no report of any node.
    pub(super) empty_path: Choice,
    /// Nothing in it has to report for the flow to get past it.
    pub(super) skippable: bool,
    /// The innermost loop around it.
    pub(super) in_loop: Option<u32>,
}

/// Nodes in serial order: the whole plan, a branch, a case or a body.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// The block it is part of.
    pub(super) owner: Option<u32>,
    /// The name of a case.
    pub(super) label: Option<Box<str>>,
    /// Its nodes in [`Plan::elements`].
    pub(super) range: Range<u32>,
    /// How many of its nodes the flow waits for before it goes on behind the block: all, but for the branches of a
    /// fork whose join names other nodes.
    pub(super) awaited: u32,
}

/// The way an execution took through a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Not known.
    Undecided,
    /// The case with this number among all series.
    Case(u32),
    /// Past all cases.
    Through,
}

/// What an edge of the plan stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// On to what follows.
    On,
    /// Into a case, or along an empty one.
    Case(u32),
    /// Past all cases of a decision.
    Through,
    /// Back to the loop for another round.
    Again,
}

/// An edge of the plan, between items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PlanEdge {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) way: Way,
}

/// Label of the edge past all cases of a decision.
pub const THROUGH_LABEL: &str = "otherwise";
/// Label of the default case of a decision.
pub const DEFAULT_LABEL: &str = "default";
/// Label of the edge from the end of a loop's body back to the loop.
pub const AGAIN_LABEL: &str = "again";

/// A plan, flat and in definition order (a block before its parts).
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) items: Vec<Item>,
    pub(super) series: Vec<Series>,
    pub(super) elements: Vec<u32>,
    pub(super) by_name: Vec<u32>,
    pub(super) edges: Vec<PlanEdge>,
    /// Edges by their end, for walking back; without [`Way::Again`].
    pub(super) into: Vec<(u32, u32)>,
    pub(super) links: Vec<u32>,
    pub(super) loops: Vec<u32>,
    pub(super) has_dynamic: bool,
}

impl Plan {
    /// Makes a node list ready. Names that occur twice, or joins on unknown names, which the parsers refuse, do no
    /// harm: the first node of a name counts, unknown names are left out.
    pub fn new(nodes: &[Node]) -> Self {
        build::build(nodes)
    }

    /// The nodes in definition order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Whether states depend on other executions.
    pub fn has_links(&self) -> bool {
        !self.links.is_empty()
    }

    pub(super) fn item(&self, index: u32) -> &Item {
        &self.items[index as usize]
    }

    /// The nodes of a series, in serial order.
    pub(super) fn elements(&self, series: u32) -> &[u32] {
        let range = &self.series[series as usize].range;
        &self.elements[range.start as usize..range.end as usize]
    }

    /// The block around a node.
    pub(super) fn owner(&self, item: u32) -> Option<u32> {
        self.series[self.item(item).series as usize].owner
    }

    /// The node of a name.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        let at = self.by_name.partition_point(|&item| *self.items[item as usize].name < *name);
        self.by_name.get(at).copied().filter(|&item| *self.items[item as usize].name == *name)
    }

    /// The planned predecessors of a node, in definition order.
    pub(super) fn before(&self, item: u32) -> impl DoubleEndedIterator<Item = u32> {
        let from = self.into.partition_point(|&(to, _)| to < item);
        let to = self.into.partition_point(|&(to, _)| to <= item);
        self.into[from..to].iter().map(|&(_, from)| from)
    }

    /// What an edge out of a decision is called.
    pub(super) fn label(&self, way: Way) -> Option<&str> {
        match way {
            Way::On => None,
            Way::Case(series) => Some(self.case_label(series)),
            Way::Through => Some(THROUGH_LABEL),
            Way::Again => Some(AGAIN_LABEL),
        }
    }

    /// The name of a case.
    pub(super) fn case_label(&self, series: u32) -> &str {
        self.series[series as usize].label.as_deref().unwrap_or(DEFAULT_LABEL)
    }

    /// The way a decision goes for a reported case, and whether the plan knows it.
    pub(super) fn choice(&self, decision: u32, case: &str) -> (Choice, bool) {
        let parts = self.item(decision).parts.clone();
        let label = |series: u32| self.series[series as usize].label.as_deref();
        if let Some(series) = parts.clone().find(|&series| label(series) == Some(case)) {
            return (Choice::Case(series), true);
        }
        match parts.clone().find(|&series| label(series).is_none()) {
            Some(default) => (Choice::Case(default), true),
            None => (Choice::Through, false),
        }
    }
}
