//! The plan as a Mermaid flowchart.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::edges::{EdgeKind, plan_edges};
use super::super::model::{Definition, Node, NodeKind};
use super::super::plan::for_each_node;
use super::super::text::visible;
use super::{condition, marks};

/// The definition as a Mermaid flowchart, top down. Node ids are `n0`, `n1`, ... in definition order.
pub fn mermaid(definition: &Definition) -> String {
    let mut chart = String::from("flowchart TD\n");
    let mut ids = 0_usize;
    let mut marked: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for (i, (variant, nodes)) in definition.plans().enumerate() {
        if !definition.variants.is_empty() {
            let title = variant.map_or_else(|| String::from("otherwise"), condition);
            line(&mut chart, 1, &format!("subgraph plan{i} [\"{}\"]", label(&title)));
        }
        let level = if definition.variants.is_empty() { 1 } else { 2 };
        let mut known: BTreeMap<&str, String> = BTreeMap::new();
        for_each_node(nodes, &mut |node, _| {
            let id = format!("n{ids}");
            ids += 1;
            line(&mut chart, level, &format!("{id}{}", shape(node)));
            for mark in marks(node) {
                marked.entry(mark).or_default().push(id.clone());
            }
            known.insert(&node.name, id);
        });
        for edge in plan_edges(nodes) {
            let arrow = match edge.kind {
                EdgeKind::Again | EdgeKind::Wait => "-.->",
                _ => "-->",
            };
            let text = edge.label.map(|text| format!("|\"{}\"|", label(text))).unwrap_or_default();
            line(&mut chart, level, &format!("{} {arrow}{text} {}", known[edge.from], known[edge.to]));
        }
        if !definition.variants.is_empty() {
            line(&mut chart, 1, "end");
        }
    }
    for (mark, style) in [
        ("dynamic", "stroke-dasharray:2 2"),
        ("minor", "stroke-width:0.5px,opacity:0.7"),
        ("optional", "stroke-dasharray:6 3"),
    ] {
        if let Some(ids) = marked.get(mark) {
            line(&mut chart, 1, &format!("classDef {mark} {style}"));
            line(&mut chart, 1, &format!("class {} {mark}", ids.join(",")));
        }
    }
    chart
}

fn line(chart: &mut String, level: usize, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(chart, "{}{text}", "  ".repeat(level));
}

fn shape(node: &Node) -> String {
    let mut text = label(&node.name);
    if let Some(title) = node.title.as_ref().filter(|title| **title != node.name) {
        text.push_str("<br/>");
        text.push_str(&label(title));
    }
    match &node.kind {
        NodeKind::Local => format!("[\"{text}\"]"),
        NodeKind::Rpc => format!("(\"{text}\")"),
        NodeKind::Fork { .. } | NodeKind::Join { .. } => format!("[/\"{text}\"/]"),
        NodeKind::Decision { .. } => format!("{{\"{text}\"}}"),
        NodeKind::Loop { .. } => format!("{{{{\"{text}\"}}}}"),
        NodeKind::Link { .. } => format!("[[\"{text}\"]]"),
        NodeKind::Terminate => format!("(((\"{text}\")))"),
    }
}

/// Text inside a quoted label. What is neither a letter, a digit nor one of a few harmless signs becomes an entity
/// code (`#35;`), so no text can end the label or be taken for Mermaid, Markdown (`1. x`, `- x`) or HTML.
fn label(text: &str) -> String {
    let shown = visible(text);
    let mut label = String::with_capacity(shown.len());
    let mut list_so_far = true;
    for c in shown.chars() {
        let list_mark = list_so_far && matches!(c, '-' | '.' | ')');
        list_so_far &= c.is_ascii_digit();
        let harmless = matches!(c, ' ' | ',' | '=' | '-' | '_' | '.' | '/' | '(' | ')');
        if (c.is_alphanumeric() || harmless) && !list_mark {
            label.push(c);
        } else {
            let _ = write!(label, "#{};", c as u32);
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn a_label_holds_what_could_end_it_as_entity_codes() {
        assert_eq!(label("picProcess 2 (v1.0)"), "picProcess 2 (v1.0)");
        assert_eq!(label("a\"]; n1[\"b"), "a#34;#93;#59; n1#91;#34;b");
        assert_eq!(label("<b>#quot;&"), "#60;b#62;#35;quot#59;#38;");
        assert_eq!(label("1. one"), "1#46; one");
        assert_eq!(label("- one"), "#45; one");
        assert_eq!(label("a\nb\u{202e}"), "a#92;nb#92;u#123;202e#125;");
    }
}
