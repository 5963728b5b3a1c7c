//! The plan of one scene as a tree of blocks. Made by the parsers, which check it; read by everything else.

use std::collections::BTreeMap;

use crate::ids::SceneId;

/// One version of the definition of a link.
///
/// Invariants held by the parsers: node names are unique within each node list of the definition (`nodes`, and each
/// variant by itself), joins name nodes that exist, and blocks nest at most 64 deep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The scene this plan is for.
    pub scene_id: SceneId,
    /// Name for people.
    pub link_name: Option<String>,
    /// Description for people.
    pub description: Option<String>,
    /// The author's own version label; the version that counts is the hash of the canonical form.
    pub version: Option<String>,
    /// The plan: nodes in serial order.
    pub nodes: Vec<Node>,
    /// Other plans for executions whose meta say so; the first that matches wins, else `nodes`.
    pub variants: Vec<Variant>,
}

/// A plan chosen by the execution's meta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Meta values that must all be equal.
    pub when: BTreeMap<String, String>,
    /// The plan: nodes in serial order.
    pub nodes: Vec<Node>,
}

/// One node of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Unique name.
    pub name: String,
    /// What it is, with the blocks inside it.
    pub kind: NodeKind,
    /// Name for people.
    pub title: Option<String>,
    /// Description for people.
    pub description: Option<String>,
    /// The service that runs it.
    pub service: Option<String>,
    /// A run longer than this many milliseconds is slow.
    pub slow_after_ms: Option<u64>,
    /// Missing or failed is fine.
    pub optional: bool,
    /// Folded by default.
    pub minor: bool,
    /// Stands for steps that are only known at run time (dynamic forks and tasks of imported definitions).
    pub dynamic: bool,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A local step that reports.
    Local,
    /// A remote call that reports.
    Rpc,
    /// Branches, all run.
    Fork {
        /// Each branch in serial order; a branch may be empty.
        branches: Vec<Vec<Node>>,
    },
    /// Waits for the named nodes.
    Join {
        /// Names of nodes; empty: all branches of the fork before it.
        on: Vec<String>,
    },
    /// One case runs.
    Decision {
        /// Cases in the order written; a case may be empty.
        cases: Vec<(String, Vec<Node>)>,
        /// What runs when no case matches; `None`: falls through.
        default: Option<Vec<Node>>,
    },
    /// The body may run many times.
    Loop {
        /// The body in serial order.
        body: Vec<Node>,
    },
    /// Another scene's link run as one node.
    Link {
        /// The other scene.
        sub_scene: SceneId,
    },
    /// Ends the link here.
    Terminate,
}
