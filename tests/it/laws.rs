//! Same reports, same answers: whatever the order, repetition, batches, windows, restarts, definitions and pipelines.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use linkloom::service::{OpenStore, Service};
use linkloom_schema::definition::parse_json;
use linkloom_schema::ids::LinkMark;
use linkloom_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use linkloom_storage::memory::{Call, MemoryStore};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestCaseError};
use serde_json::{Value, json};

use crate::support::answers::{Answers, ask};
use crate::support::feeding::{Way, config, feed, feed_stretch, reopening, way};
use crate::support::from_env;
use crate::support::reports::{BASE, BUSINESSES, World, definitions, instants, marks, world};

/// So many cases, or `LAWS_CASES`.
fn cases(default: u32) -> Cases {
    let cases = from_env("LAWS_CASES", u64::from(default)) as u32;
    Cases { cases, failure_persistence: None, max_shrink_iters: 400, ..Cases::default() }
}

fn answers(open: &OpenStore) -> Answers {
    ask(open, &BUSINESSES, &marks(), &instants())
}

fn same(reference: &Answers, open: &OpenStore, how: impl std::fmt::Debug) -> Result<(), TestCaseError> {
    match answers(open).differs(reference) {
        None => Ok(()),
        Some(difference) => Err(TestCaseError::fail(format!("{how:?}\n{difference}"))),
    }
}

/// The answers when definitions come first and all reports in order in one flush.
fn reference(world: &World) -> Answers {
    let store = Arc::new(MemoryStore::default());
    answers(&feed(world, &definitions(), &Way::plain(), &mut reopening(store)))
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn every_way_gives_the_same_answers(world in world(), ways in vec(way(), 5)) {
        let reference = reference(&world);
        for way in &ways {
            let store = Arc::new(MemoryStore::default());
            let mut reopen = reopening(store);
            let open = feed(&world, &definitions(), way, &mut reopen);
            same(&reference, &open, way)?;
        }
    }

    #[test]
    fn repeating_into_the_same_store_changes_nothing(world in world(), ways in vec(way(), 3)) {
        let reference = reference(&world);
        let mut reopen = reopening(Arc::new(MemoryStore::default()));
        for way in &ways {
            let open = feed(&world, &definitions(), way, &mut reopen);
            same(&reference, &open, way)?;
        }
    }
}

proptest! {
    #![proptest_config(cases(5))]

    #[test]
    fn the_embedded_store_gives_the_same_answers(world in world(), ways in vec(way(), 2)) {
        let reference = reference(&world);
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (number, way) in ways.iter().enumerate() {
            let path = folder.path().join(number.to_string());
            let mut open = |config: &_| {
                let store = EmbeddedStore::open(&path, EmbeddedOptions::default()).expect("opens");
                OpenStore::new(Arc::new(store), config).expect("opens")
            };
            let open = feed(&world, &definitions(), way, &mut open);
            same(&reference, &open, way)?;
        }
    }
}

/// A report of an execution of `content-1`, so many milliseconds after the beginning.
fn line(scene: &str, execution: &str, ms: i64, more: Value) -> String {
    let mut report = json!({
        "businessId": BUSINESSES[0], "sceneId": scene, "executionId": execution, "time": BASE + ms * 1_000,
    });
    if let (Value::Object(report), Value::Object(more)) = (&mut report, more) {
        report.extend(more);
    }
    report.to_string()
}

/// Fed in one flush, and one by one in several orders, these lines give the same answers.
#[track_caller]
fn check_cuts(lines: Vec<String>) {
    let world = World { lines };
    let reference = reference(&world);
    let one_by_one = Way { reports_max: 1, in_batch: 1, ..Way::plain() };
    let ways = [
        Way { packs_per_row_max: 16, ..one_by_one.clone() },
        Way { mixed: Some(1), summary_delay_ms: 0, gaps_ms: 0, ..one_by_one.clone() },
        Way { mixed: Some(2), stretches: 3, drained: 0, workers: 2, pipelines: 2, ..one_by_one },
    ];
    for way in ways {
        let open = feed(&world, &definitions(), &way, &mut reopening(Arc::new(MemoryStore::default())));
        if let Some(difference) = answers(&open).differs(&reference) {
            panic!("{way:?}: {difference}");
        }
    }
}

#[test]
fn an_execution_of_many_packs_answers_like_one_of_few() {
    let mut lines = vec![
        line("chain", "e0", 0, json!({"nodeName": "first", "status": "RUNNING"})),
        line("chain", "e0", 1, json!({"nodeName": "first", "status": "COMPLETED"})),
        line("review", "e0", 2, json!({"nodeName": "open", "status": "RUNNING"})),
    ];
    lines.extend((0..90).map(|number| {
        let message = format!("log {number}");
        line("chain", "e0", 10 + number, json!({"nodeName": "odd", "level": "ERROR", "message": message}))
    }));
    check_cuts(lines);
}

#[test]
fn of_two_logs_with_one_id_only_the_lesser_is_told_of() {
    let logs = |number: i64| {
        let log = |ms, node, message| {
            let id = format!("i{number}");
            line("chain", "e0", ms, json!({"id": id, "nodeName": node, "level": "INFO", "message": message}))
        };
        [
            log(number, "odd", "b"),
            log(number + 5_000_000, "odd", "a"),
            log(number, "A", "b"),
            log(number, "odd", "c"),
        ]
    };
    check_cuts(logs(1).to_vec());
    // The same where so many packs lie in the row that logs are not read without need.
    let mut lines: Vec<String> = (1..30).flat_map(logs).collect();
    lines.push(line("bare", "e0", 0, json!({"id": "i", "message": "b"})));
    lines.push(line(
        "bare",
        "e0",
        90_000_000,
        json!({"id": "i", "message": "c", "meta": {"contentType": "live"}}),
    ));
    check_cuts(lines);
}

#[test]
fn every_trace_of_an_execution_joins_reports_however_many_it_has() {
    let mut lines: Vec<String> = (0..100)
        .map(|number| line("bare", "e0", number, json!({"message": "m", "traceId": format!("t{number}")})))
        .collect();
    lines.push(line("bare", "e1", 0, json!({"message": "m", "traceId": "t99"})));
    lines.extend((0..100).map(|number| {
        json!({"traceId": format!("t{number}"), "nodeName": "A", "status": "RUNNING", "time": BASE + number}).to_string()
    }));
    check_cuts(lines);
}

#[test]
fn what_was_put_aside_does_not_come_back_out_of_date() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let way = Way { memory_bytes_max: 0, ..Way::plain() };
    let open = reopening(Arc::new(MemoryStore::default()))(&config());
    let service =
        Service::start(open.clone(), &way.config(), Some(scratch.path().join("s"))).expect("starts");
    let joined = json!({"traceId": "t", "nodeName": "B", "status": "FAILED", "time": BASE}).to_string();
    for line in [
        line("bare", "e0", 1, json!({"nodeName": "A", "status": "RUNNING"})),
        joined,
        line("bare", "e0", 2, json!({"message": "m", "level": "ERROR", "traceId": "t"})),
        line("bare", "e0", 3, json!({"message": "n", "level": "ERROR"})),
    ] {
        feed_stretch(&service, &[&line], &way);
        service.drain();
        // Asserts that lists agree with what is shown.
        answers(&open);
    }
    assert!(service.assembler().figures().spilled.load(Ordering::Relaxed) > 0, "something was put aside");
}

#[test]
fn links_that_contain_one_another_many_times_cost_a_few_reads() {
    let links = |scene: &str, sub: &str| {
        let nodes: Vec<Value> = (0..9)
            .map(
                |number| json!({"nodeName": format!("{scene}{number}"), "nodeType": "link", "subScene": sub}),
            )
            .collect();
        (
            None,
            parse_json(scene, scene, Value::from(nodes).to_string().as_bytes()).expect("a valid definition"),
        )
    };
    let definitions = vec![links("left", "right"), links("right", "left")];
    let lines =
        ["left", "right"].map(|scene| line(scene, "e0", 0, json!({"nodeName": "A", "status": "RUNNING"})));
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let store = Arc::new(MemoryStore::watched("memory", move |call| {
        counted.fetch_add(usize::from(matches!(call, Call::Read)), Ordering::Relaxed);
        Ok(())
    }));
    let open = feed(&World { lines: lines.to_vec() }, &definitions, &Way::plain(), &mut reopening(store));
    let marks = ["left", "right"].map(|scene| LinkMark::new(BUSINESSES[0], scene, "e0").expect("valid ids"));
    let before = count.load(Ordering::Relaxed);
    ask(&open, &BUSINESSES, &marks, &instants());
    let reads = count.load(Ordering::Relaxed) - before;
    assert!(reads < 10_000, "{reads} reads");
}
