//! The four scenes of the workload: their definitions in the DSL, and what an execution of them does.

use serde_json::Value;

use super::rng::Rng;

/// Scene id and definition (DSL JSON) of every scene of the workload, in a fixed order. The first two are those of the example applications, so
/// that the demo and they tell one story.
pub fn definitions() -> [(&'static str, &'static str); 4] {
    [
        ("realtime-input", include_str!("../../examples/content-platform/links/realtime-input.json")),
        ("human-review", include_str!("../../examples/content-platform/links/human-review.json")),
        ("recompute", include_str!("scenes/recompute.json")),
        ("import", include_str!("scenes/import.json")),
    ]
}

/// Share of each scene among the executions, in percent.
pub(super) const SCENE_SHARES: [u64; 4] = [40, 25, 20, 15];

/// Decisions that do not report themselves: readers infer the case from the branch that ran.
const SILENT: &[&str] = &["isNew"];

/// One node that reports.
#[derive(Clone, Debug)]
pub(super) struct PlanNode {
    pub(super) name: String,
    pub(super) service: String,
    pub(super) rpc: bool,
}

#[derive(Clone, Debug)]
enum Block {
    Step(u8),
    Fork(Vec<Vec<Block>>),
    Decision {
        /// `None`: it does not report.
        node: Option<u8>,
        /// The default case is the last, under a name that is no case.
        cases: Vec<(String, Vec<Block>)>,
    },
}

/// One scene.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) scene: &'static str,
    pub(super) nodes: Vec<PlanNode>,
    /// Names of all cases of all decisions; an execution's walk names them by number.
    pub(super) cases: Vec<String>,
    blocks: Vec<Block>,
}

/// What an execution does at one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Visit {
    pub(super) node: u8,
    /// Number of the case that was chosen here; [`NO_CASE`]: it is no decision.
    pub(super) case: u8,
}

/// Not a decision.
pub(super) const NO_CASE: u8 = u8::MAX;

impl Plan {
    /// All scenes, read from [`definitions`].
    pub(super) fn all() -> Vec<Plan> {
        definitions().into_iter().map(|(scene, json)| Plan::read(scene, json)).collect()
    }

    fn read(scene: &'static str, json: &str) -> Plan {
        let definition: Value = serde_json::from_str(json).expect("a built-in definition is JSON");
        let mut plan = Plan { scene, nodes: Vec::new(), cases: Vec::new(), blocks: Vec::new() };
        plan.blocks = plan.read_list(&definition["nodes"]);
        plan
    }

    fn read_list(&mut self, list: &Value) -> Vec<Block> {
        let nodes = list.as_array().expect("a built-in node list");
        nodes.iter().filter_map(|node| self.read_node(node)).collect()
    }

    fn read_node(&mut self, node: &Value) -> Option<Block> {
        match node["nodeType"].as_str().expect("a built-in node type") {
            "fork" => {
                let branches = node["forkNodes"].as_array().expect("built-in branches");
                Some(Block::Fork(branches.iter().map(|branch| self.read_list(branch)).collect()))
            }
            "join" => None,
            "decision" => {
                let silent = SILENT.contains(&node["nodeName"].as_str().unwrap_or_default());
                let own = (!silent).then(|| self.add(node));
                let cases = node["decisionCases"].as_object().expect("built-in cases");
                let mut read: Vec<_> =
                    cases.iter().map(|(case, list)| (case.clone(), self.read_list(list))).collect();
                if let Some(list) = node.get("defaultCase") {
                    read.push(("other".to_owned(), self.read_list(list)));
                }
                self.cases.extend(read.iter().map(|(case, _)| case.clone()));
                Some(Block::Decision { node: own, cases: read })
            }
            _ => Some(Block::Step(self.add(node))),
        }
    }

    fn add(&mut self, node: &Value) -> u8 {
        let text = |key: &str| node[key].as_str().expect("a built-in text").to_owned();
        let rpc = text("nodeType") == "rpc";
        self.nodes.push(PlanNode { name: text("nodeName"), service: text("service"), rpc });
        u8::try_from(self.nodes.len() - 1).expect("a built-in link has few nodes")
    }

    /// One way through the plan: appends the nodes of each strand in order. Strands of a fork are separated by
    /// `strands`: ranges of `visits` that run beside each other.
    pub(super) fn walk(&self, rng: &mut Rng, route: &mut Route) {
        route.visits.clear();
        route.strands.clear();
        self.walk_list(&self.blocks, rng, route);
    }

    fn walk_list(&self, blocks: &[Block], rng: &mut Rng, route: &mut Route) {
        for block in blocks {
            match block {
                Block::Step(node) => route.visits.push(Visit { node: *node, case: NO_CASE }),
                Block::Fork(branches) => {
                    let first = route.visits.len();
                    let mut ends = Vec::with_capacity(branches.len());
                    for branch in branches {
                        self.walk_list(branch, rng, route);
                        ends.push(route.visits.len());
                    }
                    route.strands.push((first, ends));
                }
                Block::Decision { node, cases } => {
                    let (case, branch) = rng.pick(cases);
                    if let Some(node) = node {
                        let number = self.cases.iter().position(|known| known == case).unwrap_or_default();
                        route.visits.push(Visit { node: *node, case: number as u8 });
                    }
                    self.walk_list(branch, rng, route);
                }
            }
        }
    }
}

/// The nodes an execution visits. Reused from execution to execution.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    pub(super) visits: Vec<Visit>,
    /// Forks, each with its first visit and the ends of its branches. Forks do not nest in the built-in scenes.
    pub(super) strands: Vec<(usize, Vec<usize>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scene_has_a_fork_and_a_decision_and_8_to_14_nodes() {
        let (mut rng, mut route) = (Rng::new(3), Route::default());
        let (mut least, mut most) = (usize::MAX, 0);
        for plan in Plan::all() {
            assert!(plan.blocks.iter().any(|block| matches!(block, Block::Fork(_))), "{}", plan.scene);
            assert!(
                plan.blocks.iter().any(|block| matches!(block, Block::Decision { .. })),
                "{}",
                plan.scene
            );
            let mut names: Vec<&str> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), plan.nodes.len(), "{}", plan.scene);
            for _ in 0..100 {
                plan.walk(&mut rng, &mut route);
                assert_eq!(route.strands.len(), 1, "forks do not nest");
                least = least.min(route.visits.len());
                most = most.max(route.visits.len());
            }
        }
        assert_eq!((least, most), (8, 14));
    }
}
