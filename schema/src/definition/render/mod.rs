//! A definition as a drawing: Mermaid and DOT for other tools, a tree for the terminal.
//!
//! A definition with variants is drawn whole: the main plan, then every variant under its condition. Names may hold
//! anything; each form escapes what would end a label or change the drawing around it.

mod dot;
mod mermaid;
mod terminal;

pub use dot::dot;
pub use mermaid::mermaid;
pub use terminal::terminal;

use super::model::{Node, NodeKind, Variant};

/// A form a definition can be drawn in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A Mermaid flowchart.
    Mermaid,
    /// A Graphviz digraph.
    Dot,
    /// A tree of text with box-drawing characters.
    Terminal,
}

/// Draws a definition, with all its variants, in one of the forms. Ends with a newline.
pub fn render(form: Form, definition: &super::Definition) -> String {
    match form {
        Form::Mermaid => mermaid(definition),
        Form::Dot => dot(definition),
        Form::Terminal => terminal(definition),
    }
}

/// The condition of a variant for people: `when contentType = live, trigger = manual`.
fn condition(variant: &Variant) -> String {
    let terms: Vec<String> = variant.when.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("when {}", terms.join(", "))
}

/// What a node is and is asked to do, for people, without its name: `rpc`, `join of B, C`, `link to pay`.
fn kind_in_words(node: &Node) -> String {
    match &node.kind {
        NodeKind::Join { on } if on.is_empty() => String::from("join of every branch"),
        NodeKind::Join { on } => format!("join of {}", on.join(", ")),
        NodeKind::Link { sub_scene } => format!("link to {sub_scene}"),
        kind => kind.as_str().to_owned(),
    }
}

/// The marks of a node, in the order they are written everywhere.
fn marks(node: &Node) -> Vec<&'static str> {
    let marks = [(node.optional, "optional"), (node.minor, "minor"), (node.dynamic, "dynamic")];
    marks.into_iter().filter(|(set, _)| *set).map(|(_, mark)| mark).collect()
}
