//! Laws that hold for every definition and every text.

use std::collections::BTreeMap;

use linkloom_schema::definition::fuzz;
use linkloom_schema::definition::render::{Form, render};
use linkloom_schema::definition::{
    Definition, DefinitionLog, Node, NodeKind, Variant, VersionHash, for_each_node, parse, parse_json,
    plan_edges,
};
use linkloom_schema::ids::SceneId;
use linkloom_schema::time::Timestamp;
use proptest::prelude::*;

/// Names that are hard on notations and drawings; made unique by a number at the end.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z][a-zA-Z0-9]{0,8}",
        1 => "\\PC{0,12}",
        1 => prop::sample::select(vec![
            "\"", "\\", "<b>&amp;", "]]>", "end", "a\nb", "x|y", "--> n0", "#quot;", "`*_", "';drop", "{}[]()", "\u{202e}evil", "é",
            "${x}", "%%{init}%%", "\t", "subgraph", "\u{7f}", "class", "click n0 href",
        ]).prop_map(str::to_owned),
    ]
}

fn options() -> impl Strategy<Value = (Option<String>, Option<String>, Option<u64>, bool, bool, bool)> {
    (
        prop::option::weighted(0.2, "\\PC{1,10}"),
        prop::option::weighted(0.2, "[a-z\\-]{1,10}"),
        prop::option::weighted(0.2, 1_u64..100_000),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.1),
    )
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        4 => Just(NodeKind::Rpc),
        3 => Just(NodeKind::Local),
        2 => Just(NodeKind::Join { on: Vec::new() }),
        1 => "[a-z]{1,6}".prop_map(|scene| NodeKind::Link { sub_scene: SceneId::new(&scene).expect("an id") }),
        1 => Just(NodeKind::Terminate),
    ];
    let build = |kind: BoxedStrategy<NodeKind>| {
        (name(), kind, options())
            .prop_map(|(name, kind, (title, service, slow_after_ms, optional, minor, dynamic))| Node {
                name,
                kind,
                title: title.clone(),
                description: title,
                service,
                slow_after_ms,
                optional,
                minor,
                dynamic,
            })
            .boxed()
    };
    build(leaf.boxed()).prop_recursive(4, 24, 4, move |inner| {
        let list = || prop::collection::vec(inner.clone(), 0..4);
        let block = prop_oneof![
            prop::collection::vec(list(), 1..4).prop_map(|branches| NodeKind::Fork { branches }),
            (prop::collection::btree_map("\\PC{1,5}", list(), 1..3), prop::option::of(list())).prop_map(
                |(cases, default)| NodeKind::Decision { cases: cases.into_iter().collect(), default }
            ),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|body| NodeKind::Loop { body }),
        ];
        build(block.boxed())
    })
}

/// Makes the names of a plan unique (a name may end in digits, so a sign stands before the number) and lets its
/// joins wait for some of them.
fn settle(nodes: &mut [Node], joins: &[usize]) {
    fn rename(nodes: &mut [Node], names: &mut Vec<String>) {
        for node in nodes {
            node.name = format!("{}#{}", node.name, names.len());
            names.push(node.name.clone());
            each_list(node, &mut |list| rename(list, names));
        }
    }
    fn join(nodes: &mut [Node], names: &[String], picks: &mut impl Iterator<Item = usize>) {
        for node in nodes {
            if let NodeKind::Join { on } = &mut node.kind {
                let wanted = picks.next().unwrap_or(0) % 3;
                for _ in 0..wanted {
                    let pick = &names[picks.next().unwrap_or(0) % names.len()];
                    if *pick != node.name && !on.contains(pick) {
                        on.push(pick.clone());
                    }
                }
            }
            each_list(node, &mut |list| join(list, names, picks));
        }
    }
    let mut names = Vec::new();
    rename(nodes, &mut names);
    join(nodes, &names, &mut joins.iter().copied().cycle().take(1_000));
}

fn each_list(node: &mut Node, run: &mut dyn FnMut(&mut [Node])) {
    match &mut node.kind {
        NodeKind::Fork { branches } => branches.iter_mut().for_each(|list| run(list)),
        NodeKind::Decision { cases, default } => {
            cases.iter_mut().map(|(_, list)| list).chain(default).for_each(|list| run(list));
        }
        NodeKind::Loop { body } => run(body),
        _ => {}
    }
}

fn plan() -> impl Strategy<Value = Vec<Node>> {
    (prop::collection::vec(node(), 1..5), prop::collection::vec(0_usize..1_000, 1..20)).prop_map(
        |(mut nodes, joins)| {
            settle(&mut nodes, &joins);
            nodes
        },
    )
}

prop_compose! {
    fn definition()(
        scene in "[A-Z\\PC]{1,8}",
        texts in (prop::option::of("\\PC{1,9}"), prop::option::of("\\PC{1,9}"), prop::option::of("\\PC{1,9}")),
        nodes in plan(),
        variants in prop::collection::btree_map(
            prop::collection::btree_map("\\PC{1,4}", "\\PC{0,4}", 1..3), plan(), 0..3),
    ) -> Definition {
        Definition {
            // In upper case: generated links to other scenes are in lower case, so none names its own.
            scene_id: SceneId::new(&format!("S{scene}")).expect("an id"),
            link_name: texts.0,
            description: texts.1,
            version: texts.2,
            nodes,
            variants: variants.into_iter().map(|(when, nodes)| Variant { when, nodes }).collect(),
        }
    }
}

fn attribute(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push_str(&format!("&#{};", c as u32)),
            c => escaped.push(c),
        }
    }
    escaped
}

fn write_xml(definition: &Definition) -> String {
    fn text(xml: &mut String, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            xml.push_str(&format!(" {key}=\"{}\"", attribute(value)));
        }
    }
    fn list(xml: &mut String, nodes: &[Node]) {
        for node in nodes {
            let word = node.kind.as_str();
            xml.push_str(&format!("<{word}"));
            text(xml, "nodeName", Some(&node.name));
            text(xml, "title", node.title.as_deref());
            text(xml, "description", node.description.as_deref());
            text(xml, "service", node.service.as_deref());
            text(xml, "slowAfterMs", node.slow_after_ms.map(|ms| ms.to_string()).as_deref());
            for (key, set) in [("optional", node.optional), ("minor", node.minor), ("dynamic", node.dynamic)]
            {
                text(xml, key, set.then_some("true"));
            }
            if let NodeKind::Link { sub_scene } = &node.kind {
                text(xml, "subScene", Some(sub_scene));
            }
            xml.push_str(">\n");
            match &node.kind {
                NodeKind::Fork { branches } => {
                    for branch in branches {
                        xml.push_str("<branch>");
                        list(xml, branch);
                        xml.push_str("</branch>");
                    }
                }
                NodeKind::Join { on } => {
                    for name in on {
                        xml.push_str(&format!("<on nodeName=\"{}\"/>", attribute(name)));
                    }
                }
                NodeKind::Decision { cases, default } => {
                    for (case, nodes) in cases {
                        xml.push_str(&format!("<case value=\"{}\">", attribute(case)));
                        list(xml, nodes);
                        xml.push_str("</case>");
                    }
                    if let Some(nodes) = default {
                        xml.push_str("<default>");
                        list(xml, nodes);
                        xml.push_str("</default>");
                    }
                }
                NodeKind::Loop { body } => list(xml, body),
                _ => {}
            }
            xml.push_str(&format!("</{word}>"));
        }
    }
    let mut xml = String::from("<definition");
    text(&mut xml, "sceneId", Some(&definition.scene_id));
    text(&mut xml, "linkName", definition.link_name.as_deref());
    text(&mut xml, "description", definition.description.as_deref());
    text(&mut xml, "version", definition.version.as_deref());
    xml.push('>');
    list(&mut xml, &definition.nodes);
    for variant in &definition.variants {
        xml.push_str("<variant>");
        for (key, value) in &variant.when {
            xml.push_str(&format!("<when key=\"{}\" value=\"{}\"/>", attribute(key), attribute(value)));
        }
        list(&mut xml, &variant.nodes);
        xml.push_str("</variant>");
    }
    xml.push_str("</definition>");
    xml
}

/// Whether XML 1.0 can say it: most control characters cannot be written at all.
fn fits_xml(text: &str) -> bool {
    text.chars().all(
        |c| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}'),
    )
}

proptest! {
    #[test]
    fn the_canonical_form_reads_back(definition in definition()) {
        let canonical = definition.to_canonical_json();
        let read = parse_json("canonical", "other", canonical.as_bytes());
        prop_assert_eq!(read.as_ref(), Ok(&definition));
        let hash = definition.version_hash();
        prop_assert_eq!(hash.to_string().parse::<VersionHash>(), Ok(hash));
        // White space and key order do not matter.
        let value: serde_json::Value = serde_json::from_str(&canonical).expect("the canonical form is JSON");
        let pretty = serde_json::to_string_pretty(&value).expect("a value is written");
        prop_assert_eq!(parse("p.json", "other", pretty.as_bytes()).map(|d| d.version_hash()), Ok(hash));
    }

    #[test]
    fn both_notations_say_the_same(definition in definition()) {
        let xml = write_xml(&definition);
        prop_assume!(fits_xml(&xml));
        prop_assert_eq!(parse("d.xml", "other", xml.as_bytes()), Ok(definition));
    }

    #[test]
    fn drawings_keep_hostile_names_inside_their_labels(definition in definition()) {
        let mut count = 0;
        for (_, nodes) in definition.plans() {
            for_each_node(nodes, &mut |_, _| count += 1);
        }
        let terminal = render(Form::Terminal, &definition);
        prop_assert!(terminal.chars().all(|c| c == '\n' || !c.is_control()));
        let mermaid = render(Form::Mermaid, &definition);
        let labels = mermaid.lines().filter(|line| {
            let line = line.trim_start();
            let id = line.trim_start_matches('n').trim_start_matches(|c: char| c.is_ascii_digit());
            line.starts_with('n') && id.len() < line.len() - 1 && !id.starts_with(' ')
        });
        prop_assert_eq!(labels.count(), count);
        for line in mermaid.lines() {
            prop_assert!(matches!(line.matches('"').count(), 0 | 2), "{}", line);
        }
        let dot = render(Form::Dot, &definition);
        for line in dot.lines() {
            let open = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
            prop_assert!(open % 2 == 0, "{}", line);
        }
        prop_assert_eq!(dot.lines().filter(|line| line.contains(", shape=")).count(), count);
    }

    #[test]
    fn edges_join_nodes_of_the_plan_and_none_leaves_a_terminate(nodes in plan()) {
        let mut kinds = BTreeMap::new();
        for_each_node(&nodes, &mut |node, _| {
            kinds.insert(node.name.as_str(), &node.kind);
        });
        let edges = plan_edges(&nodes);
        for edge in &edges {
            prop_assert!(kinds.contains_key(edge.to));
            let from = kinds.get(edge.from);
            prop_assert!(from.is_some_and(|kind| **kind != NodeKind::Terminate), "{:?}", edge);
        }
        let mut distinct = edges.clone();
        distinct.sort();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), edges.len());
    }

    #[test]
    fn the_log_does_not_depend_on_the_order_of_puts(
        puts in prop::collection::vec((0_u8..3, 0_u8..3, prop::option::of(0_i64..6)), 1..10),
        shuffled in any::<prop::sample::Index>(),
        asked in prop::option::of(0_i64..8),
    ) {
        let version = |scene: u8, label: u8| {
            let text = format!("{{\"sceneId\":\"s{scene}\",\"version\":\"{label}\",\"nodes\":[{{\"nodeName\":\"A\",\"nodeType\":\"rpc\"}}]}}");
            parse_json("", "", text.as_bytes()).expect("a definition")
        };
        let fill = |puts: &[(u8, u8, Option<i64>)]| {
            let mut log = DefinitionLog::new();
            for (scene, label, from) in puts {
                log.put(version(*scene, *label), from.map(Timestamp));
            }
            log
        };
        let mut other = puts.clone();
        other.rotate_left(shuffled.index(puts.len()));
        other.reverse();
        other.extend(puts.first().copied());
        let (one, two) = (fill(&puts), fill(&other));
        prop_assert_eq!(&one, &two);
        for scene in 0..3_u8 {
            let id = format!("s{scene}");
            let found = one.resolve(&id, asked.map(Timestamp));
            // The model: of the versions not after the time the latest, else the earliest; ties to the greater hash.
            let mut known: Vec<_> = puts.iter().filter(|put| put.0 == scene)
                .map(|put| (put.2.filter(|from| *from > 0).map(Timestamp), version(put.0, put.1).version_hash())).collect();
            known.sort();
            let earliest = known.first().map(|first| first.0);
            let time = asked.map(Timestamp);
            let expected = known.iter().rfind(|(from, _)| time.is_none() || *from <= time)
                .or_else(|| known.iter().rfind(|(from, _)| Some(*from) == earliest));
            prop_assert_eq!(found.map(|found| (found.valid_from, found.hash)), expected.copied());
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(&bytes);
    }

    #[test]
    fn no_mangled_definition_makes_a_reader_panic(
        definition in definition(), xml in any::<bool>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{}<>\"',:/\\\\ \\n\\PC]{0,3}", 0_usize..6), 1..6),
    ) {
        let text = if xml { write_xml(&definition) } else { definition.to_canonical_json() };
        let mut bytes = text.into_bytes();
        for (at, insert, remove) in cuts {
            let at = at.index(bytes.len() + 1);
            let end = (at + remove).min(bytes.len());
            bytes.splice(at..end, insert.bytes());
        }
        survives(&bytes);
    }

    #[test]
    fn only_json_is_taken_for_json(text in "[\\[\\]{}\"',:a0-2.eE+\\-/* \\\\ntrufalsx\\n\u{a0}]{0,24}") {
        // Whatever the reader says about the definition: if it finds no fault with the notation, it is JSON.
        let strict = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        let notation = match parse_json("t.json", "s", text.as_bytes()) {
            Ok(_) => true,
            Err(problems) => problems.iter().all(|problem| !SLIPS.iter().any(|slip| problem.message.contains(slip))),
        };
        prop_assert_eq!(notation, strict, "{:?}", parse_json("t.json", "s", text.as_bytes()));
    }
}

/// How problems of notation are worded, as opposed to problems of the definition.
const SLIPS: &[&str] = &[
    "not JSON:",
    "no comments",
    "single quotes",
    "without double quotes",
    "comma before the closing",
    "comma is missing",
    "not a JSON number",
    "control character inside",
    "escape JSON does not have",
    "space that is none",
    "no definition in this file",
];

fn survives(bytes: &[u8]) {
    fuzz::definition(bytes);
    fuzz::definition_json(bytes);
    fuzz::definition_xml(bytes);
    fuzz::conductor(bytes);
}
