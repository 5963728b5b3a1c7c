//! Bodies of fuzz targets: what must hold for any bytes. They panic when a promise of this module is broken.

use super::conductor::import_conductor;
use super::render::{Form, render};
use super::{Definition, PROBLEMS_MAX, Problem, parse, parse_json, parse_xml, render_problems};

/// Any bytes, read as a definition in the notation they look like.
pub fn definition(bytes: &[u8]) {
    check(bytes, parse("fuzz", "fuzz", bytes));
}

/// Any bytes, read as JSON. What is accepted is strict JSON.
pub fn definition_json(bytes: &[u8]) {
    let result = parse_json("fuzz", "fuzz", bytes);
    if result.is_ok() {
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let strict = serde_json::from_slice::<serde::de::IgnoredAny>(text);
        assert!(strict.is_ok(), "accepted, but not JSON: {strict:?}");
    }
    check(bytes, result);
}

/// Any bytes, read as XML.
pub fn definition_xml(bytes: &[u8]) {
    check(bytes, parse_xml("fuzz", "fuzz", bytes));
}

/// Any bytes, read as Conductor workflows. What is imported can be written, read back and drawn.
pub fn conductor(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match import_conductor(text) {
        Ok(imported) => {
            assert!(!imported.is_empty());
            imported.iter().for_each(|one| check_definition(&one.definition));
        }
        Err(refusal) => assert!(refusal.place.starts_with('$') && !refusal.reason.is_empty()),
    }
}

fn check(bytes: &[u8], result: Result<Definition, Vec<Problem>>) {
    match result {
        Ok(definition) => check_definition(&definition),
        Err(problems) => {
            assert!((1..=PROBLEMS_MAX + 1).contains(&problems.len()));
            for problem in &problems {
                assert!(problem.line >= 1 && problem.column >= 1, "{problem:?}");
                let texts = [&problem.message, &problem.found, &problem.allowed];
                assert!(texts.iter().all(|text| !text.is_empty() && !text.contains('\n')), "{problem:?}");
            }
            for colour in [false, true] {
                assert!(render_problems(&problems, bytes, colour).ends_with('\n'));
            }
        }
    }
}

fn check_definition(definition: &Definition) {
    let canonical = definition.to_canonical_json();
    let again = parse_json("canonical", "other", canonical.as_bytes());
    assert_eq!(again.as_ref(), Ok(definition), "the canonical form reads back otherwise");
    for form in [Form::Mermaid, Form::Dot, Form::Terminal] {
        assert!(render(form, definition).ends_with('\n'));
    }
}
