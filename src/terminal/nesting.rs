//! The blocks of a plan, found again from an answer.
//!
//! Answers list nodes flat, a block before its parts, and say with edges what follows what. From that the parts of
//! forks, decisions and loops are told: a part goes on as long as a node can only be reached from within it.

use std::collections::HashMap;

use linkloom_schema::answer::{EdgeAnswer, NodeView};
use linkloom_schema::panorama::{EdgeState, NodeState, THROUGH_LABEL};

/// Blocks within blocks that are drawn as such; what lies deeper is drawn flat. Definitions nest 64 deep at most.
const DEPTH_MAX: usize = 64;

/// One row of the drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The rails left of it: for each block around it whether more of that block follows below.
    pub(super) rails: Vec<bool>,
    /// What it shows.
    pub(super) content: Content,
}

/// What a row shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A node, by its place in the answer.
    Node(usize),
    /// Nodes that are folded into one row, by their places in the answer.
    Folded(Vec<usize>),
    /// The beginning of a branch, a case or a body.
    Lane(Lane),
}

/// A branch, a case or a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lane {
    /// The case, `branch 1`, `round 3`.
    pub(super) label: String,
    /// Whether the flow went along it.
    pub(super) state: EdgeState,
    /// It has no nodes.
    pub(super) empty: bool,
    /// It is the last of its block.
    pub(super) last: bool,
}

/// Where a lane's nodes are; an empty range: it has none.
struct Part {
    lane: Lane,
    range: std::ops::Range<usize>,
}

/// Lays the nodes of an answer out in rows, in their order.
pub(super) fn rows(nodes: &[NodeView<'_>], edges: &[EdgeAnswer]) -> Vec<Row> {
    let places: HashMap<&str, usize> =
        nodes.iter().enumerate().map(|(place, node)| (node.node_name.as_str(), place)).collect();
    let mut layout = Layout {
        nodes,
        from: vec![Vec::new(); nodes.len()],
        into: vec![Vec::new(); nodes.len()],
        rows: Vec::with_capacity(nodes.len()),
    };
    for edge in edges {
        let ends = (places.get(edge.from.as_str()), places.get(edge.to.as_str()));
        // Edges backwards are another round of a loop.
        if let (Some(&from), Some(&to)) = ends
            && from < to
        {
            layout.from[from].push((to, edge));
            layout.into[to].push(from);
        }
    }
    layout.from.iter_mut().for_each(|edges| edges.sort_by_key(|(to, _)| *to));
    layout.series(0..nodes.len(), &mut Vec::new());
    layout.rows
}

struct Layout<'a> {
    nodes: &'a [NodeView<'a>],
    /// Edges from a node, forwards, by where they lead.
    from: Vec<Vec<(usize, &'a EdgeAnswer)>>,
    /// Nodes with an edge to a node, before it.
    into: Vec<Vec<usize>>,
    rows: Vec<Row>,
}

impl Layout<'_> {
    fn kind(&self, place: usize) -> Option<&str> {
        self.nodes[place].node_type.as_deref()
    }

    fn series(&mut self, range: std::ops::Range<usize>, rails: &mut Vec<bool>) {
        let mut at = range.start;
        while at < range.end {
            let parts = if rails.len() < DEPTH_MAX { self.parts(at, range.end) } else { Vec::new() };
            let Some(end) = parts.iter().map(|part| part.range.end).max() else {
                let folded = (at..range.end).take_while(|place| self.folds(*place)).count();
                let content =
                    if folded > 1 { Content::Folded((at..at + folded).collect()) } else { Content::Node(at) };
                self.rows.push(Row { rails: rails.clone(), content });
                at += folded.max(1);
                continue;
            };
            // Between a block and its parts stand unplanned nodes that name the block as their parent.
            let start = parts.iter().map(|part| part.range.start).min().unwrap_or(end);
            for place in at..start {
                self.rows.push(Row { rails: rails.clone(), content: Content::Node(place) });
            }
            for part in parts {
                let more = !part.lane.last;
                self.rows.push(Row { rails: rails.clone(), content: Content::Lane(part.lane) });
                rails.push(more);
                self.series(part.range, rails);
                rails.pop();
            }
            at = end.max(at + 1);
        }
    }

    /// Whether a node needs no row of its own: it is minor, and nothing about it needs a look.
    fn folds(&self, place: usize) -> bool {
        let node = &self.nodes[place];
        let calm = matches!(node.state, NodeState::Completed | NodeState::NotReached | NodeState::NotTaken);
        let block = matches!(self.kind(place), Some("fork" | "decision" | "loop"));
        node.minor && calm && !block && node.log_counts.total() == 0
    }

    /// The parts of the block at `block`, none if it is none; they end before `limit`.
    fn parts(&self, block: usize, limit: usize) -> Vec<Part> {
        let kind = match self.kind(block) {
            Some(kind @ ("fork" | "decision" | "loop")) => kind,
            _ => return Vec::new(),
        };
        let mut parts: Vec<Part> = Vec::new();
        let mut at = self.skip_unplanned(block + 1, limit);
        while at < limit {
            let edges = &self.from[block];
            let edge = edges.get(edges.partition_point(|(to, _)| *to < at)).filter(|(to, _)| *to == at);
            let edge = edge.map(|(_, edge)| *edge);
            let Some(edge) = edge.filter(|_| self.into[at].iter().all(|from| *from == block)) else { break };
            let label = match (kind, &edge.label) {
                ("decision", Some(label)) if label != THROUGH_LABEL => label.clone(),
                ("fork", _) if self.kind(at) != Some("join") => format!("branch {}", parts.len() + 1),
                ("loop", _) if parts.is_empty() => self.round_label(block),
                _ => break,
            };
            let end = self.part_end(at, limit);
            let lane = Lane { label, state: edge.state, empty: false, last: false };
            parts.push(Part { lane, range: at..end });
            at = end;
        }
        let end = parts.last().map_or(block + 1, |part| part.range.end);
        if kind == "decision" {
            self.empty_cases(block, end, &mut parts);
        }
        if let Some(last) = parts.last_mut() {
            last.lane.last = true;
        }
        parts
    }

    /// Ways of a decision that lead past its parts: empty cases, and the way past all cases if it was taken.
    fn empty_cases(&self, block: usize, end: usize, parts: &mut Vec<Part>) {
        for (to, edge) in &self.from[block] {
            let Some(label) = edge.label.as_ref().filter(|_| *to >= end) else { continue };
            if label != THROUGH_LABEL || edge.state == EdgeState::Taken {
                let lane = Lane { label: label.clone(), state: edge.state, empty: true, last: false };
                parts.push(Part { lane, range: end..end });
            }
        }
    }

    fn round_label(&self, block: usize) -> String {
        match self.nodes[block].rounds {
            Some(rounds @ 2..) => format!("round {rounds}, the last"),
            Some(rounds) => format!("round {rounds}"),
            None => "each round".to_owned(),
        }
    }

    fn skip_unplanned(&self, from: usize, limit: usize) -> usize {
        (from..limit).find(|place| self.kind(*place).is_some()).unwrap_or(limit)
    }

    /// Where the part that begins at `head` ends: before the first node that can be reached from outside it. Unplanned
    /// nodes belong to the part if they name a node of it as their parent.
    fn part_end(&self, head: usize, limit: usize) -> usize {
        let mut end = head + 1;
        let mut forks = usize::from(self.kind(head) == Some("fork"));
        for place in head + 1..limit {
            let from = &self.into[place];
            let inside = !from.is_empty() && from.iter().all(|from| (head..place).contains(from));
            match self.kind(place) {
                None if inside && place == end => end = place + 1,
                None => {}
                // A join stands behind the fork it belongs to, also when it waits for one branch alone.
                Some("join") if !inside || forks == 0 => break,
                Some(_) if !inside => break,
                Some(kind) => {
                    match kind {
                        "fork" => forks += 1,
                        "join" => forks -= 1,
                        _ => {}
                    }
                    end = place + 1;
                }
            }
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(nodes: &[(&str, Option<&str>)], edges: &[(&str, &str, Option<&str>)]) -> Vec<Row> {
        let nodes: Vec<NodeView<'_>> = nodes
            .iter()
            .map(|(name, kind)| NodeView {
                node_name: (*name).to_owned(),
                node_type: kind.map(Into::into),
                state: NodeState::NotReached,
                runs: Vec::new(),
                log_counts: Default::default(),
                not_taken_because: None,
                title: None,
                case: None,
                case_inferred: false,
                rounds: None,
                sub: None,
                minor: false,
                optional: false,
            })
            .collect();
        let edges: Vec<EdgeAnswer> = edges
            .iter()
            .map(|(from, to, label)| EdgeAnswer {
                from: (*from).to_owned(),
                to: (*to).to_owned(),
                label: label.map(str::to_owned),
                state: EdgeState::Open,
            })
            .collect();
        rows(&nodes, &edges)
    }

    /// Every node is drawn once and in order, whatever the edges say.
    fn places(rows: &[Row]) -> Vec<usize> {
        let of = |row: &Row| match &row.content {
            Content::Node(place) => vec![*place],
            Content::Folded(places) => places.clone(),
            Content::Lane(_) => Vec::new(),
        };
        rows.iter().flat_map(of).collect()
    }

    #[test]
    fn unplanned_nodes_behind_a_block_stand_before_its_parts() {
        let nodes = [
            ("fork", Some("fork")),
            ("stray", None),
            ("a", Some("local")),
            ("of a", None),
            ("b", Some("local")),
            ("join", Some("join")),
            ("last", None),
        ];
        let edges = [
            ("fork", "stray", None),
            ("fork", "a", None),
            ("a", "of a", None),
            ("fork", "b", None),
            ("a", "join", None),
            ("b", "join", None),
        ];
        let rows = answer(&nodes, &edges);
        let drawn: Vec<String> = rows
            .iter()
            .map(|row| match &row.content {
                Content::Node(place) => format!("{}{}", "  ".repeat(row.rails.len()), nodes[*place].0),
                Content::Folded(places) => format!("{places:?}"),
                Content::Lane(lane) => format!("{}:", lane.label),
            })
            .collect();
        let want = ["fork", "stray", "branch 1:", "  a", "  of a", "branch 2:", "  b", "join", "last"];
        assert_eq!(drawn, want);
    }

    #[test]
    fn a_wide_fork_is_laid_out_in_no_time() {
        let names: Vec<String> = (0..50_000).map(|n| format!("n{n}")).collect();
        let mut nodes = vec![("fork", Some("fork"))];
        nodes.extend(names.iter().map(|name| (name.as_str(), Some("local"))));
        nodes.push(("join", Some("join")));
        let mut edges = Vec::new();
        for name in &names {
            edges.push(("fork", name.as_str(), None));
            edges.push((name.as_str(), "join", None));
        }
        let rows = answer(&nodes, &edges);
        assert_eq!(places(&rows), (0..nodes.len()).collect::<Vec<_>>());
        assert_eq!(rows.len(), 1 + 2 * names.len() + 1);
        assert!(rows.last().is_some_and(|row| row.rails.is_empty()));
    }

    #[test]
    fn a_chain_of_decisions_that_only_goes_deeper_is_cut_at_the_depth_drawn() {
        let names: Vec<String> = (0..10_000).map(|n| format!("d{n}")).collect();
        let nodes: Vec<_> = names.iter().map(|name| (name.as_str(), Some("decision"))).collect();
        let edges: Vec<_> = names.windows(2).map(|pair| (&*pair[0], &*pair[1], Some("yes"))).collect();
        let rows = answer(&nodes, &edges);
        assert_eq!(places(&rows), (0..nodes.len()).collect::<Vec<_>>());
        assert_eq!(rows.iter().map(|row| row.rails.len()).max(), Some(DEPTH_MAX));
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_edges_say_every_node_is_drawn_once_and_in_order(
            kinds in proptest::collection::vec(0usize..7, 0..12),
            ends in proptest::collection::vec((0usize..14, 0usize..14, 0usize..3), 0..30),
        ) {
            const KINDS: [Option<&str>; 7] = [
                Some("local"), Some("fork"), Some("join"), Some("decision"), Some("loop"), Some("terminate"), None,
            ];
            let names: Vec<String> = (0..14).map(|n| format!("n{n}")).collect();
            let nodes: Vec<_> = kinds.iter().zip(&names).map(|(kind, name)| (name.as_str(), KINDS[*kind])).collect();
            let labels = [None, Some("a"), Some(THROUGH_LABEL)];
            let edges: Vec<_> =
                ends.iter().map(|(from, to, label)| (&*names[*from], &*names[*to], labels[*label])).collect();
            proptest::prop_assert_eq!(places(&answer(&nodes, &edges)), (0..nodes.len()).collect::<Vec<_>>());
        }
    }
}
