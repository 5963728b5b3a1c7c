//! The plan as a tree of text.

use super::super::model::{Definition, Node, NodeKind};
use super::super::text::visible;
use super::{condition, kind_in_words, marks};

/// The definition as a tree with box-drawing characters, without colours: what runs one after another stands one
/// below the other, what is inside a block is indented.
pub fn terminal(definition: &Definition) -> String {
    let mut drawing = String::new();
    drawing.push_str(&visible(&definition.scene_id));
    if let Some(name) = &definition.link_name {
        drawing.push_str(&format!("  {}", visible(name)));
    }
    drawing.push('\n');
    for (variant, nodes) in definition.plans() {
        if let Some(variant) = variant {
            drawing.push_str(&format!("\n{}\n", visible(&condition(variant))));
        }
        let mut prefix = String::new();
        draw_nodes(&mut drawing, &mut prefix, nodes);
    }
    drawing
}

fn draw_nodes(drawing: &mut String, prefix: &mut String, nodes: &[Node]) {
    for (i, node) in nodes.iter().enumerate() {
        let last = i + 1 == nodes.len();
        line(drawing, prefix, last, &node_line(node));
        indented(prefix, last, |prefix| draw_blocks(drawing, prefix, node));
    }
}

fn draw_blocks(drawing: &mut String, prefix: &mut String, node: &Node) {
    let mut blocks: Vec<(String, &[Node])> = Vec::new();
    match &node.kind {
        NodeKind::Fork { branches } => {
            for (i, branch) in branches.iter().enumerate() {
                blocks.push((format!("branch {}", i + 1), branch));
            }
        }
        NodeKind::Decision { cases, default } => {
            for (case, nodes) in cases {
                blocks.push((format!("case {}", visible(case)), nodes));
            }
            if let Some(nodes) = default {
                blocks.push((String::from("default"), nodes));
            }
        }
        NodeKind::Loop { body } => {
            draw_nodes(drawing, prefix, body);
            return;
        }
        NodeKind::Local
        | NodeKind::Rpc
        | NodeKind::Join { .. }
        | NodeKind::Link { .. }
        | NodeKind::Terminate => {}
    }
    for (i, (label, nodes)) in blocks.iter().enumerate() {
        let last = i + 1 == blocks.len();
        let label = if nodes.is_empty() { format!("[{label}]  nothing") } else { format!("[{label}]") };
        line(drawing, prefix, last, &label);
        indented(prefix, last, |prefix| draw_nodes(drawing, prefix, nodes));
    }
}

fn line(drawing: &mut String, prefix: &str, last: bool, text: &str) {
    drawing.push_str(prefix);
    drawing.push_str(if last { "└─ " } else { "├─ " });
    drawing.push_str(text);
    drawing.push('\n');
}

fn indented(prefix: &mut String, last: bool, draw: impl FnOnce(&mut String)) {
    let length = prefix.len();
    prefix.push_str(if last { "   " } else { "│  " });
    draw(prefix);
    prefix.truncate(length);
}

/// `picProcess  Picture check  rpc · content-api · slow after 500 ms · optional`
fn node_line(node: &Node) -> String {
    let mut line = visible(&node.name);
    if let Some(title) = node.title.as_ref().filter(|title| **title != node.name) {
        line.push_str(&format!("  {}", visible(title)));
    }
    let mut facts = vec![visible(&kind_in_words(node))];
    facts.extend(node.service.as_deref().map(visible));
    facts.extend(node.slow_after_ms.map(|ms| format!("slow after {ms} ms")));
    facts.extend(marks(node).into_iter().map(str::to_owned));
    line.push_str(&format!("  {}", facts.join(" · ")));
    line
}
