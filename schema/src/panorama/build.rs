//! From the tree of a definition to the flat [`Plan`], with its edges.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::plan::{Choice, Item, NodeType, Plan, PlanEdge, Series, Way};
use crate::definition::{Node, NodeKind};

/// Makes a node list ready; see [`Plan::new`].
pub(super) fn build(nodes: &[Node]) -> Plan {
    let mut awaited_names = HashSet::new();
    collect_join_names(nodes, &mut awaited_names);
    let mut build = Build { awaited_names, ..Build::default() };
    build.series.push(Series { owner: None, label: None, range: 0..0, awaited: u32::MAX });
    build.series(0, nodes, Around { owner: None, optional: false, in_loop: None });
    build.finish()
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
