//! The plan as a Graphviz digraph.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::edges::{EdgeKind, plan_edges};
use super::super::model::{Definition, Node, NodeKind};
use super::super::plan::for_each_node;
use super::super::text::visible;
use super::{condition, marks};

/// The definition as a Graphviz digraph, top down. Node ids are `n0`, `n1`, ... in definition order.
pub fn dot(definition: &Definition) -> String {
    let mut graph = format!("digraph {} {{\n", quoted(&definition.scene_id));
    graph.push_str("  rankdir=TB;\n  node [fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n");
    let mut ids = 0_usize;
    for (i, (variant, nodes)) in definition.plans().enumerate() {
        if !definition.variants.is_empty() {
            let title = variant.map_or_else(|| String::from("otherwise"), condition);
            // Writing to a string cannot fail.
            let _ = writeln!(graph, "  subgraph cluster_{i} {{\n  label={};", quoted(&title));
        }
        let mut known: BTreeMap<&str, String> = BTreeMap::new();
        for_each_node(nodes, &mut |node, _| {
            let id = format!("n{ids}");
            ids += 1;
            let text = match node.title.as_ref().filter(|title| **title != node.name) {
                Some(title) => format!("\"{}\\n{}\"", escaped(&node.name), escaped(title)),
                None => quoted(&node.name),
            };
            let _ = writeln!(graph, "  {id} [label={text}, {}];", look(node));
            known.insert(&node.name, id);
        });
        for edge in plan_edges(nodes) {
            let mut looks = Vec::new();
            looks.extend(edge.label.map(|text| format!("label={}", quoted(text))));
            if matches!(edge.kind, EdgeKind::Again | EdgeKind::Wait) {
                looks.push(String::from("style=dashed"));
            }
            if edge.kind == EdgeKind::Again {
                looks.push(String::from("constraint=false"));
            }
            let looks = if looks.is_empty() { String::new() } else { format!(" [{}]", looks.join(", ")) };
            let _ = writeln!(graph, "  {} -> {}{looks};", known[edge.from], known[edge.to]);
        }
        if !definition.variants.is_empty() {
            graph.push_str("  }\n");
        }
    }
    graph.push_str("}\n");
    graph
}

fn look(node: &Node) -> String {
    let shape = match &node.kind {
        NodeKind::Local => "box",
        NodeKind::Rpc => "ellipse",
        NodeKind::Fork { .. } | NodeKind::Join { .. } => "parallelogram",
        NodeKind::Decision { .. } => "diamond",
        NodeKind::Loop { .. } => "hexagon",
        NodeKind::Link { .. } => "component",
        NodeKind::Terminate => "doublecircle",
    };
    let mut look = format!("shape={shape}");
    let style = match marks(node)[..] {
        [] => "",
        ["minor"] => ", color=gray",
        _ if node.minor => ", style=dashed, color=gray",
        _ => ", style=dashed",
    };
    look.push_str(style);
    look
}

/// A quoted DOT string: quotes and backslashes escaped, `&` written out because Graphviz resolves entities.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    visible(text).replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;")
}
