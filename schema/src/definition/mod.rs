//! Link definitions: the plan of a flow, written in the JSON or XML DSL (`docs/dsl.md`).

mod model;

pub use model::{Definition, Node, NodeKind, Variant};
