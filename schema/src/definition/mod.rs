//! Link definitions: the plan of a flow, written in the JSON or XML DSL (`docs/dsl.md`).
//!
//! [`parse`] reads either notation and reports every problem at once; [`render_problems`] shows problems with their
//! source lines. [`Definition::to_canonical_json`] and [`Definition::version_hash`] name a version, [`DefinitionLog`]
//! tells which version an execution ran under.

mod canonical;
mod check;
pub mod conductor;
mod edges;
pub mod fuzz;
mod json;
mod log;
mod model;
mod path;
mod plan;
mod problem;
pub mod render;
mod report;
mod source;
mod syntax;
mod text;
mod xml;

pub use canonical::{BadVersionHash, VersionHash};
pub use check::{BLOCK_DEPTH_MAX, DEFINITION_BYTES_MAX, SLOW_AFTER_MS_MAX};
pub use edges::{Edge, EdgeKind, plan_edges};
pub use json::parse_json;
pub use log::{DefinitionLog, DefinitionVersion};
pub use model::{Definition, Node, NodeKind, Variant};
pub use plan::for_each_node;
pub use problem::{PROBLEMS_MAX, Problem};
pub use report::render_problems;
pub use source::parse;
pub use xml::parse_xml;
