//! Hostile sizes and depths: a clear problem, linear time, no overflow of the stack.

use std::fmt::Write;

use linkloom_schema::definition::render::{Form, render};
use linkloom_schema::definition::{
    BLOCK_DEPTH_MAX, DEFINITION_BYTES_MAX, PROBLEMS_MAX, for_each_node, fuzz, parse, parse_json, parse_xml,
    plan_edges, render_problems,
};

/// Runs on a stack of 512 KiB: recursion that is not bounded dies here.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(run).expect("a thread starts");
    thread.join().expect("no panic and no overflow");
}

fn nested_json(blocks: usize, open: &str, close: &str) -> String {
    let mut text = String::from("[");
    for i in 0..blocks {
        let _ = write!(text, "{{\"nodeName\":\"b{i}\",\"nodeType\":{open}");
    }
    text.push_str("{\"nodeName\":\"leaf\",\"nodeType\":\"rpc\"}");
    text.push_str(&close.repeat(blocks));
    text.push(']');
    text
}

const NESTINGS: [(&str, &str); 3] = [
    ("\"fork\",\"forkNodes\":[[", "]]}"),
    ("\"decision\",\"decisionCases\":{\"x\":[", "]}}"),
    ("\"loop\",\"loopNodes\":[", "]}"),
];

#[test]
fn blocks_nest_to_the_limit_and_no_further() {
    on_a_small_stack(|| {
        for (open, close) in NESTINGS {
            let text = nested_json(BLOCK_DEPTH_MAX, open, close);
            let definition = parse("deep.json", "deep", text.as_bytes()).expect("as deep as allowed");
            let mut deepest = 0;
            for_each_node(&definition.nodes, &mut |_, depth| deepest = deepest.max(depth));
            assert_eq!(deepest, BLOCK_DEPTH_MAX);
            for form in [Form::Mermaid, Form::Dot, Form::Terminal] {
                assert!(render(form, &definition).contains("leaf"));
            }
            let again = parse_json("canonical", "deep", definition.to_canonical_json().as_bytes());
            assert_eq!(again, Ok(definition));
            fuzz::definition_json(text.as_bytes());
            for blocks in [BLOCK_DEPTH_MAX + 1, BLOCK_DEPTH_MAX + 8, 1_000, 100_000] {
                let text = nested_json(blocks, open, close);
                let problems = parse("deep.json", "deep", text.as_bytes()).expect_err("too deep");
                assert_eq!(problems.len(), 1, "{problems:?}");
                assert!(problems[0].message.contains("nest deeper than"), "{}", problems[0]);
                assert!(problems[0].allowed.contains("at most 64"), "{}", problems[0]);
            }
        }
    });
}

#[test]
fn xml_nests_to_the_limit_and_no_further() {
    let nested = |blocks: usize| {
        let mut text = String::from("<definition>");
        for i in 0..blocks {
            let _ = write!(text, "<fork nodeName=\"f{i}\"><branch>");
        }
        text.push_str("<rpc nodeName=\"leaf\"/>");
        text.push_str(&"</branch></fork>".repeat(blocks));
        text.push_str("</definition>");
        text
    };
    on_a_small_stack(move || {
        parse("deep.xml", "deep", nested(BLOCK_DEPTH_MAX).as_bytes()).expect("as deep as allowed");
        for blocks in [BLOCK_DEPTH_MAX + 1, 1_000, 100_000] {
            let problems = parse("deep.xml", "deep", nested(blocks).as_bytes()).expect_err("too deep");
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].message.contains("nest deeper than"), "{}", problems[0]);
        }
    });
}

#[test]
fn brackets_without_end_are_a_problem() {
    on_a_small_stack(|| {
        for unit in ["[", "{\"a\":", "[{\"nodeName\":", "<a>", "<a b='", "/*[", "\"[", "'{", "//["] {
            let text = unit.repeat(200_000 / unit.len());
            assert!(!parse("open", "s", text.as_bytes()).expect_err("broken").is_empty());
            assert!(!parse_xml("open", "s", text.as_bytes()).expect_err("broken").is_empty());
        }
    });
}

#[test]
fn a_hundred_thousand_nodes_are_read_and_drawn() {
    let mut json = String::from("[");
    let mut xml = String::from("<definition>");
    for i in 0..100_000 {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(json, "{comma}{{\"nodeName\":\"node-{i}\",\"nodeType\":\"rpc\"}}");
        let _ = write!(xml, "<rpc nodeName=\"node-{i}\"/>");
    }
    json.push(']');
    xml.push_str("</definition>");
    let from_json = parse("big.json", "big", json.as_bytes()).expect("a large definition");
    let from_xml = parse("big.xml", "big", xml.as_bytes()).expect("a large definition");
    assert_eq!(from_json, from_xml);
    assert_eq!(from_json.nodes.len(), 100_000);
    assert_eq!(plan_edges(&from_json.nodes).len(), 99_999);
    for form in [Form::Mermaid, Form::Dot, Form::Terminal] {
        assert!(render(form, &from_json).contains("node-99999"));
    }
}

#[test]
fn problems_without_end_are_counted_and_cut() {
    let text = format!("[{}7]", "{\"nodName\":\"A\"},".repeat(100_000));
    let problems = parse("bad.json", "bad", text.as_bytes()).expect_err("nothing is right");
    assert_eq!(problems.len(), PROBLEMS_MAX + 1);
    assert_eq!(problems[PROBLEMS_MAX].message, "299001 more problems are not listed");
    // One line of 1.7 MB: each problem shows its surroundings only.
    let shown = render_problems(&problems, text.as_bytes(), false);
    assert!(shown.len() < 1_000_000, "{} bytes", shown.len());
}

#[test]
fn wide_forks_and_joins_stay_linear() {
    let branches: Vec<String> =
        (0..30_000).map(|i| format!("[{{\"nodeName\":\"b{i}\",\"nodeType\":\"rpc\"}}]")).collect();
    let names: Vec<String> = (0..30_000).map(|i| format!("\"b{i}\"")).collect();
    let text = format!(
        "[{{\"nodeName\":\"F\",\"nodeType\":\"fork\",\"forkNodes\":[{}]}},{{\"nodeName\":\"J\",\"nodeType\":\"join\",\"joinOnList\":[{}]}}]",
        branches.join(","),
        names.join(",")
    );
    let definition = parse("wide.json", "wide", text.as_bytes()).expect("a wide definition");
    assert_eq!(plan_edges(&definition.nodes).len(), 60_000);
}

#[test]
fn a_file_that_is_too_long_or_no_text_is_one_problem() {
    let long = vec![b' '; DEFINITION_BYTES_MAX + 1];
    let problems = parse("long.json", "s", &long).expect_err("too long");
    assert_eq!(problems[0].message, "the definition is too long");
    let problems = parse("latin.json", "s", b"[\n \"\xe9\"]").expect_err("not UTF-8");
    assert_eq!((problems[0].line, problems[0].column), (2, 3));
    assert_eq!(problems[0].found, "the byte 0xe9");
    let attributes: String = (0..100_000).map(|i| format!(" a{i}=''")).collect();
    let text = format!("<definition{attributes}/>");
    let problems = parse("wide.xml", "s", text.as_bytes()).expect_err("too many attributes");
    assert_eq!(problems[0].message, "an element with 100000 attributes");
}
