//! A plan made ready for laying executions over it: flat, in definition order, with its edges.
//!
//! Making it costs one walk over the definition; it owns its names, so that a reader may keep it per definition
//! version.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use crate::definition::{Definition, Node, NodeKind};

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
    pub fn choose<V: AsRef<str>>(&self, mut meta: impl FnMut(&str) -> Option<V>) -> &Plan {
        let met = self.variants.iter().find(|(when, _)| {
            when.iter().all(|(key, value)| meta(key).is_some_and(|found| found.as_ref() == value))
        });
        met.map_or(&self.main, |(_, plan)| plan)
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
    items: Vec<Item>,
    pub(super) series: Vec<Series>,
    elements: Vec<u32>,
    by_name: Vec<u32>,
    pub(super) edges: Vec<PlanEdge>,
    /// Edges by their end, for walking back; without [`Way::Again`].
    into: Vec<(u32, u32)>,
    pub(super) links: Vec<u32>,
    pub(super) loops: Vec<u32>,
    pub(super) has_dynamic: bool,
}

impl Plan {
    /// Makes a node list ready. Names that occur twice, or joins on unknown names, which the parsers refuse, do no
    /// harm: the first node of a name counts, unknown names are left out.
    pub fn new(nodes: &[Node]) -> Self {
        let mut awaited_names = HashSet::new();
        collect_join_names(nodes, &mut awaited_names);
        let mut build = Build { awaited_names, ..Build::default() };
        build.series.push(Series { owner: None, label: None, range: 0..0, awaited: u32::MAX });
        build.series(0, nodes, Around { owner: None, optional: false, in_loop: None });
        build.finish()
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

fn collect_join_names<'n>(nodes: &'n [Node], names: &mut HashSet<&'n str>) {
    for node in nodes {
        match &node.kind {
            NodeKind::Join { on } => names.extend(on.iter().map(String::as_str)),
            NodeKind::Fork { branches } => branches.iter().for_each(|part| collect_join_names(part, names)),
            NodeKind::Decision { cases, default } => {
                cases.iter().for_each(|(_, part)| collect_join_names(part, names));
                default.iter().for_each(|part| collect_join_names(part, names));
            }
            NodeKind::Loop { body } => collect_join_names(body, names),
            NodeKind::Local | NodeKind::Rpc | NodeKind::Link { .. } | NodeKind::Terminate => {}
        }
    }
}

/// Where the flow leaves a node, and which way.
type Exit = (u32, Way);

#[derive(Clone, Copy)]
struct Around {
    owner: Option<u32>,
    optional: bool,
    in_loop: Option<u32>,
}

#[derive(Default)]
struct Build<'n> {
    items: Vec<Item>,
    series: Vec<Series>,
    elements: Vec<u32>,
    edges: Vec<PlanEdge>,
    /// Names some join waits for.
    awaited_names: HashSet<&'n str>,
    /// Where the flow leaves the nodes that some join waits for.
    awaited: HashMap<&'n str, (u32, Vec<Exit>)>,
    joins: Vec<NamingJoin<'n>>,
}

/// A join that names nodes.
struct NamingJoin<'n> {
    join: u32,
    names: &'n [String],
    /// Where the flow leaves the node before it.
    exits: Vec<Exit>,
    /// The fork before it.
    fork: Option<u32>,
}

impl<'n> Build<'n> {
    /// Lays out one series and answers where the flow leaves it, and whether nothing in it has to report.
    fn series(&mut self, id: u32, nodes: &'n [Node], around: Around) -> (Vec<Exit>, bool) {
        let mut exits: Vec<Exit> = Vec::new();
        let mut elements: Vec<u32> = Vec::with_capacity(nodes.len());
        let mut skippable = true;
        for (place, node) in (0..).zip(nodes) {
            let item = self.items.len() as u32;
            match &node.kind {
                NodeKind::Join { on } if !on.is_empty() => {
                    let before = elements.last().copied();
                    let fork = before.filter(|&index| self.items[index as usize].node_type == NodeType::Fork);
                    let exits = std::mem::take(&mut exits);
                    self.joins.push(NamingJoin { join: item, names: on, exits, fork });
                }
                _ => self.connect(&mut exits, item),
            }
            elements.push(item);
            exits = self.node(item, node, id, place, around);
            skippable &= self.items[item as usize].skippable;
            if self.awaited_names.contains(node.name.as_str()) {
                self.awaited.entry(&node.name).or_insert_with(|| (item, exits.clone()));
            }
        }
        let start = self.elements.len() as u32;
        self.elements.extend_from_slice(&elements);
        self.series[id as usize].range = start..self.elements.len() as u32;
        (exits, skippable)
    }

    fn connect(&mut self, exits: &mut Vec<Exit>, to: u32) {
        self.edges.extend(exits.drain(..).map(|(from, way)| PlanEdge { from, to, way }));
    }

    /// Lays out one node with its parts and answers where the flow leaves it.
    fn node(&mut self, index: u32, node: &'n Node, series: u32, place: u32, around: Around) -> Vec<Exit> {
        let optional = node.optional || around.optional;
        let (node_type, sub_scene) = match &node.kind {
            NodeKind::Local => (NodeType::Local, None),
            NodeKind::Rpc => (NodeType::Rpc, None),
            NodeKind::Fork { .. } => (NodeType::Fork, None),
            NodeKind::Join { .. } => (NodeType::Join, None),
            NodeKind::Decision { .. } => (NodeType::Decision, None),
            NodeKind::Loop { .. } => (NodeType::Loop, None),
            NodeKind::Link { sub_scene } => (NodeType::Link, Some(sub_scene.as_str().into())),
            NodeKind::Terminate => (NodeType::Terminate, None),
        };
        self.items.push(Item {
            name: node.name.as_str().into(),
            title: node.title.as_deref().map(Into::into),
            node_type,
            optional,
            minor: node.minor,
            dynamic: node.dynamic,
            slow_after_micros: node
                .slow_after_ms
                .map(|ms| i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000)),
            sub_scene,
            series,
            place,
            end: index + 1,
            parts: 0..0,
            on: Vec::new(),
            empty_path: Choice::Undecided,
            skippable: false,
            in_loop: around.in_loop,
        });
        let inside = Around { owner: Some(index), optional, in_loop: around.in_loop };
        let mut skippable = optional || node.dynamic;
        let exits = match &node.kind {
            NodeKind::Local | NodeKind::Rpc | NodeKind::Link { .. } => vec![(index, Way::On)],
            NodeKind::Join { .. } => {
                skippable = true;
                vec![(index, Way::On)]
            }
            NodeKind::Terminate => {
                skippable = false;
                Vec::new()
            }
            NodeKind::Fork { branches } => {
                let parts = self.reserve(index, branches.iter().map(|_| None));
                let mut exits = Vec::new();
                let mut all_skippable = true;
                for (part, branch) in parts.zip(branches) {
                    let (out, can_skip) = self.part(part, branch, inside, Way::On);
                    all_skippable &= can_skip;
                    exits.extend(out);
                }
                skippable |= all_skippable;
                exits.sort_unstable();
                exits.dedup();
                exits
            }
            NodeKind::Decision { cases, default } => {
                let labels = cases.iter().map(|(label, _)| Some(label.as_str()));
                let parts = self.reserve(index, labels.chain(default.iter().map(|_| None)));
                let bodies = cases.iter().map(|(_, body)| body).chain(default);
                let mut exits = Vec::new();
                let mut empty_paths = Vec::new();
                for (part, body) in parts.zip(bodies) {
                    let (out, can_skip) = self.part(part, body, inside, Way::Case(part));
                    if can_skip {
                        empty_paths.push(part);
                    }
                    exits.extend(out);
                }
                if default.is_none() {
                    exits.push((index, Way::Through));
                }
                self.items[index as usize].empty_path = match empty_paths[..] {
                    [only] => Choice::Case(only),
                    [] if default.is_some() => Choice::Undecided,
                    _ => Choice::Through,
                };
                skippable |= self.items[index as usize].empty_path != Choice::Undecided;
                exits
            }
            NodeKind::Loop { body } => {
                let mut parts = self.reserve(index, std::iter::once(None));
                let inside = Around { in_loop: Some(index), ..inside };
                if let Some(part) = parts.next() {
                    let (out, can_skip) = self.part(part, body, inside, Way::On);
                    skippable |= can_skip;
                    let back = out.into_iter().filter(|&(from, _)| from != index);
                    self.edges.extend(back.map(|(from, _)| PlanEdge { from, to: index, way: Way::Again }));
                }
                vec![(index, Way::On)]
            }
        };
        let end = self.items.len() as u32;
        let item = &mut self.items[index as usize];
        (item.end, item.skippable) = (end, skippable);
        exits
    }

    /// Numbers the parts of a block, so that they stand together.
    fn reserve<'l>(&mut self, owner: u32, labels: impl Iterator<Item = Option<&'l str>>) -> Range<u32> {
        let start = self.series.len() as u32;
        self.series.extend(labels.map(|label| Series {
            owner: Some(owner),
            label: label.map(Into::into),
            range: 0..0,
            awaited: u32::MAX,
        }));
        let parts = start..self.series.len() as u32;
        self.items[owner as usize].parts = parts.clone();
        parts
    }

    /// Lays out one part of a block, with the edge into it.
    fn part(&mut self, id: u32, nodes: &'n [Node], around: Around, way: Way) -> (Vec<Exit>, bool) {
        let Some(owner) = around.owner else { return (Vec::new(), true) };
        if nodes.is_empty() {
            return (vec![(owner, way)], true);
        }
        self.edges.push(PlanEdge { from: owner, to: self.items.len() as u32, way });
        self.series(id, nodes, around)
    }

    fn finish(mut self) -> Plan {
        for NamingJoin { join, names, exits, fork } in std::mem::take(&mut self.joins) {
            let mut on: Vec<u32> = Vec::with_capacity(names.len());
            let mut ways: Vec<Exit> = Vec::new();
            for (item, out) in names.iter().filter_map(|name| self.awaited.get(name.as_str())) {
                if *item != join {
                    on.push(*item);
                    ways.extend_from_slice(out);
                }
            }
            on.sort_unstable();
            on.dedup();
            // Without a fork before it, or when its names are unknown, the node before leads to the join as well.
            if fork.is_none() || on.is_empty() {
                ways.extend(exits);
            }
            self.edges.extend(ways.into_iter().map(|(from, way)| PlanEdge { from, to: join, way }));
            if let Some(fork) = fork {
                self.await_branches(fork, &on);
            }
            self.items[join as usize].on = on;
        }
        self.edges.sort_unstable();
        self.edges.dedup();
        let mut into: Vec<(u32, u32)> = self
            .edges
            .iter()
            .filter(|edge| edge.way != Way::Again)
            .map(|edge| (edge.to, edge.from))
            .collect();
        into.sort_unstable();
        into.dedup();
        let mut by_name: Vec<u32> = (0..self.items.len() as u32).collect();
        by_name.sort_by(|&a, &b| self.items[a as usize].name.cmp(&self.items[b as usize].name));
        let of_type = |wanted| {
            let items = (0..).zip(&self.items).filter(move |(_, item)| item.node_type == wanted);
            items.map(|(index, _)| index).collect()
        };
        Plan {
            links: of_type(NodeType::Link),
            loops: of_type(NodeType::Loop),
            has_dynamic: self.items.iter().any(|item| item.dynamic),
            items: self.items,
            series: self.series,
            elements: self.elements,
            by_name,
            edges: self.edges,
            into,
        }
    }

    /// Notes how far each branch of a fork is waited for by the join behind it.
    fn await_branches(&mut self, fork: u32, on: &[u32]) {
        let parts = self.items[fork as usize].parts.clone();
        let mut reached: Vec<(u32, u32)> = Vec::new();
        for &item in on {
            let mut item = item;
            while let Some(owner) = self.series[self.items[item as usize].series as usize].owner {
                if owner == fork {
                    let Item { series, place, .. } = self.items[item as usize];
                    reached.push((series, place + 1));
                    break;
                }
                item = owner;
            }
        }
        if reached.is_empty() {
            return; // it waits for nodes elsewhere: the branches are waited for as without names
        }
        for part in parts {
            self.series[part as usize].awaited = 0;
        }
        for (series, places) in reached {
            let awaited = &mut self.series[series as usize].awaited;
            *awaited = places.max(*awaited);
        }
    }
}
