//! `docs/dsl.md` says what the code does: its examples parse, and its outputs are real.
//!
//! `UPDATE_EXPECT=1` writes the outputs anew.

use std::path::Path;

use linkloom_schema::definition::render::{Form, render};
use linkloom_schema::definition::{parse, parse_json, parse_xml, render_problems};

/// A fenced block: the words behind the fence, the text, and where the text lies in the page.
struct Block<'p> {
    info: &'p str,
    text: &'p str,
    span: std::ops::Range<usize>,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut at = 0;
    while let Some(open) = page[at..].find("\n```").map(|n| at + n + 4) {
        let start = page[open..].find('\n').map_or(page.len(), |n| open + n + 1);
        let end = page[start - 1..].find("\n```").map(|n| start + n).expect("a fence is closed");
        blocks.push(Block { info: &page[open..start - 1], text: &page[start..end], span: start..end });
        at = end + 3;
    }
    blocks
}

#[test]
fn the_examples_parse_and_the_outputs_are_real() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/dsl.md"));
    let page = std::fs::read_to_string(path).expect("docs/dsl.md is readable");
    let blocks = blocks(&page);
    let of = |info: &str| blocks.iter().filter(|block| block.info == info).collect::<Vec<_>>();
    assert!(of("json").len() >= 5 && of("xml").len() == 1, "the page lost its examples");
    for block in of("json") {
        let read = parse_json("dsl.md", "example", block.text.as_bytes());
        read.unwrap_or_else(|p| panic!("{}", render_problems(&p, block.text.as_bytes(), false)));
    }
    for block in of("xml") {
        let read = parse_xml("dsl.md", "example", block.text.as_bytes());
        read.unwrap_or_else(|p| panic!("{}", render_problems(&p, block.text.as_bytes(), false)));
    }
    let broken = of("json broken")[0].text.as_bytes();
    let problems = parse("order.json", "order", broken).expect_err("the broken example");
    let first = parse("first.json", "first", of("json")[0].text.as_bytes()).expect("the first example");
    let mut outputs = [
        (of("text problems")[0], render_problems(&problems, broken, false)),
        (of("text terminal")[0], render(Form::Terminal, &first)),
        (of("mermaid")[0], render(Form::Mermaid, &first)),
    ];
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let mut written = page.clone();
        outputs.sort_by_key(|(block, _)| std::cmp::Reverse(block.span.start));
        for (block, output) in &outputs {
            written.replace_range(block.span.clone(), output);
        }
        std::fs::write(path, written).expect("docs/dsl.md is writable");
        return;
    }
    for (block, output) in outputs {
        assert_eq!(block.text, output, "docs/dsl.md is out of date: run the tests with UPDATE_EXPECT=1");
    }
}
