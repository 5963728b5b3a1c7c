//! Answers: execution, node and list answers from small sets of reports.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::definition::{Definition, Node, Variant};
use crate::event::NodeEvent;
use crate::finding::Finding;
use crate::ids::{MarkRef, SceneId};
use crate::panorama::{Context, NodeCounts, Plans, is_silent};
use crate::report::{Payload, Report};
use crate::summary::{Observed, Summary, list_entry, stalls_at, summarise};
use crate::tally::{FACTS_MAX, Tally};
use crate::testing::{at, events, log, nodes, payload, random, report};
use crate::time::Timestamp;

const MARK: MarkRef<'static> = MarkRef { business_id: "b", scene_id: "s", execution_id: "e" };
const IDLE: i64 = 1_800_000_000;

fn definition(nodes: Vec<Node>) -> Definition {
    Definition {
        scene_id: SceneId::new("s").expect("an id"),
        link_name: None,
        description: None,
        version: None,
        nodes,
        variants: Vec::new(),
    }
}

fn tally<'r, 'a: 'r>(reports: impl IntoIterator<Item = &'r Report<'a>>) -> Tally {
    let mut tally = Tally::default();
    reports.into_iter().for_each(|report| tally.add(report));
    tally
}

#[track_caller]
fn check_json<T: serde::Serialize>(answer: &T, want: Expect) {
    want.assert_eq(&format!("{}\n", serde_json::to_string_pretty(answer).expect("answers are JSON")));
}

/// An execution with everything an answer can show.
fn rich() -> Vec<Report<'static>> {
    let list = events(
        "
        0 A start svc=api inst=i1 host=h1
        10 A fail svc=api inst=i1 host=h1
        20 D done case=true svc=api
        30 E start run=r7 sub=task-9 iter=2
        ",
    );
    let mut reports: Vec<Report<'static>> = list.iter().map(report).collect();
    reports[0].input = payload(r#"{"contentId":42}"#);
    reports[0].meta = payload(r#"{"trigger":"user","contentType":"live"}"#);
    reports[1].exception = payload(r#"{"type":"java.io.IOException","message":"timeout"}"#);
    reports[1].output = Some(Payload { json: r#""[1,2,""#.into(), cut_from: Some(300_000) });
    reports[1].meta = payload(r#"{"trigger":"job"}"#);
    reports[2].time_substituted = true;
    reports[3].mark = None;
    reports[3].trace_id = Some("t1".into());
    reports
}

fn logs() -> Vec<Report<'static>> {
    let mut logs = vec![
        log(11, Some("A"), "ERROR", 5),
        log(12, Some("A"), "warning", 6),
        log(13, Some("helper"), "fatal", 7),
        log(14, None, "NOTICE", 8),
    ];
    logs[0].data = payload(r#"{"n":1}"#);
    logs[0].trace_id = Some("t2".into());
    logs[3].attributes = payload(r#"{"x":1}"#);
    logs
}

#[test]
fn an_execution_with_everything() {
    let plans = Plans::new(&definition(nodes("A; D=if{true: E=link(audit) | false: F}")));
    let (reports, logs) = (rich(), logs());
    let tally = tally(reports.iter().chain(&logs));
    let extra = [Finding::id_conflict(Some("A"), "id-1"), Finding::reports_lost("api", "i1", 3, 2)];
    let input = ExecutionInput {
        mark: MARK,
        reports: &reports,
        tally: &tally,
        definition: Some(("v1", &plans)),
        context: Context { execution_id: "e", silent: false, partial: false, sub: &|_, _| None },
        shared_traces: &["t1"],
        stalls_at: stalls_at(&tally, IDLE),
        findings: &extra,
    };
    let answer = execution_answer(&input);
    check_json(
        &answer,
        expect![[r##"
            {
              "businessId": "b",
              "sceneId": "s",
              "executionId": "e",
              "status": "running",
              "partial": false,
              "startTime": "2026-11-21T10:00:00.000000Z",
              "endTime": null,
              "durationMicros": null,
              "definitionVersion": "v1",
              "meta": {
                "contentType": "live",
                "trigger": "job"
              },
              "traceIds": [
                "t1",
                "t2"
              ],
              "services": [
                "api"
              ],
              "nodes": [
                {
                  "nodeName": "A",
                  "nodeType": "local",
                  "state": "failed",
                  "runs": [
                    {
                      "runId": "#1",
                      "status": "FAILED",
                      "startTime": "2026-11-21T10:00:00.000000Z",
                      "endTime": "2026-11-21T10:00:00.010000Z",
                      "durationMicros": 10000,
                      "input": {"contentId":42},
                      "output": "[1,2,",
                      "case": null,
                      "service": "api",
                      "instance": "i1",
                      "host": "h1",
                      "exception": {"type":"java.io.IOException","message":"timeout"},
                      "outputCutFrom": 300000
                    }
                  ],
                  "logCounts": {
                    "ERROR": 1,
                    "WARN": 1
                  },
                  "notTakenBecause": null
                },
                {
                  "nodeName": "D",
                  "nodeType": "decision",
                  "state": "completed",
                  "runs": [
                    {
                      "runId": "#1",
                      "status": "COMPLETED",
                      "startTime": null,
                      "endTime": "2026-11-21T10:00:00.020000Z",
                      "durationMicros": null,
                      "input": null,
                      "output": null,
                      "case": "true",
                      "service": "api",
                      "instance": null,
                      "timeSubstituted": true
                    }
                  ],
                  "logCounts": {},
                  "notTakenBecause": null,
                  "case": "true"
                },
                {
                  "nodeName": "E",
                  "nodeType": "link",
                  "state": "running",
                  "runs": [
                    {
                      "runId": "r7",
                      "status": "RUNNING",
                      "startTime": "2026-11-21T10:00:00.030000Z",
                      "endTime": null,
                      "durationMicros": null,
                      "input": null,
                      "output": null,
                      "case": null,
                      "service": null,
                      "instance": null,
                      "iteration": 2,
                      "subExecutionId": "task-9",
                      "shared": true
                    }
                  ],
                  "logCounts": {},
                  "notTakenBecause": null,
                  "sub": {
                    "sceneId": "audit",
                    "executionId": "task-9"
                  }
                },
                {
                  "nodeName": "F",
                  "nodeType": "local",
                  "state": "not_taken",
                  "runs": [],
                  "logCounts": {},
                  "notTakenBecause": "D chose true"
                },
                {
                  "nodeName": "helper",
                  "nodeType": null,
                  "state": "unplanned",
                  "runs": [],
                  "logCounts": {
                    "FATAL": 1
                  },
                  "notTakenBecause": null
                }
              ],
              "edges": [
                {
                  "from": "A",
                  "to": "D",
                  "label": null,
                  "state": "taken"
                },
                {
                  "from": "D",
                  "to": "E",
                  "label": "true",
                  "state": "taken"
                },
                {
                  "from": "D",
                  "to": "F",
                  "label": "false",
                  "state": "not_taken"
                }
              ],
              "findings": [
                {
                  "kind": "shared",
                  "nodeName": null,
                  "message": "1 report of trace t1 is shown in other executions as well"
                },
                {
                  "kind": "reports_lost",
                  "nodeName": null,
                  "message": "2 reports of api at i1 (boot 3) never arrived"
                },
                {
                  "kind": "id_conflict",
                  "nodeName": "A",
                  "message": "reports with different contents have the id id-1; the lesser one is shown"
                }
              ],
              "logs": {
                "total": 4,
                "withoutNode": 1
              },
              "counts": {
                "reports": 8,
                "logs": 4,
                "truncated": 1,
                "errors": 2
              },
              "lastReportTime": "2026-11-21T10:00:00.030000Z",
              "stallsAt": "2026-11-21T10:30:00.030000Z"
            }
        "##]],
    );
    let text = serde_json::to_string(&answer).expect("answers are JSON");
    let back: ExecutionAnswer<'_> = serde_json::from_str(&text).expect("answers read back");
    assert_eq!(back, answer);

    let page = LogsAnswer {
        logs: vec![log_answer(&logs[0], &["t1"], false), log_answer(&logs[3], &[], true)],
        next_cursor: Some(LogCursor(logs[1].moment()).encode()),
    };
    let node = node_answer(&input, "E", Some("r7"), page.clone()).expect("E is planned");
    check_json(
        &node,
        expect![[r#"
        {
          "nodeName": "E",
          "state": "running",
          "runs": [
            {
              "runId": "r7",
              "status": "RUNNING",
              "startTime": "2026-11-21T10:00:00.030000Z",
              "endTime": null,
              "durationMicros": null,
              "input": null,
              "output": null,
              "case": null,
              "service": null,
              "instance": null,
              "iteration": 2,
              "subExecutionId": "task-9",
              "shared": true
            }
          ],
          "logs": [
            {
              "time": "2026-11-21T10:00:00.005000Z",
              "level": "ERROR",
              "message": "ERROR at 5",
              "data": {"n":1},
              "exception": null,
              "service": null,
              "instance": null,
              "traceId": "t2"
            },
            {
              "time": "2026-11-21T10:00:00.008000Z",
              "level": "NOTICE",
              "message": "NOTICE at 8",
              "data": null,
              "exception": null,
              "service": null,
              "instance": null,
              "traceId": null,
              "attributes": {"x":1}
            }
          ],
          "nextCursor": "bDF8MTc5NTI1NTIwMDAwNjAwMHwwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwYw"
        }
    "#]],
    );
    let text = serde_json::to_string(&node).expect("answers are JSON");
    assert_eq!(serde_json::from_str::<NodeAnswer<'_>>(&text).expect("answers read back"), node);
    let none = node_answer(&input, "E", Some("#1"), page.clone()).expect("E is planned");
    assert_eq!(none.runs, []);
    assert!(node_answer(&input, "helper", None, page.clone()).is_some(), "named by a log");
    assert_eq!(node_answer(&input, "nobody", None, page), None);
}

#[test]
fn a_stored_summary_and_its_list_entry() {
    let plans = Plans::new(&definition(nodes("A; D=if{true: E | false: }; O?")));
    let list = events("0 A start svc=api\n 10 A done svc=api\n 20 D done case=false svc=worker");
    let mut reports: Vec<Report<'_>> = list.iter().map(report).collect();
    reports[0].meta = payload(r#"{"trigger":"user"}"#);
    reports[0].trace_id = Some("t1".into());
    reports.push(log(9, Some("A"), "ERROR", 30));
    let tally = tally(&reports);
    let summary = summarise(&Observed {
        mark: MARK,
        events: &list,
        tally: &tally,
        definition: Some(("v1", &plans)),
        idle_micros: IDLE,
        sub: &|_, _| None,
    });
    check_json(
        &summary,
        expect![[r#"
            {
              "v": 1,
              "version": 4,
              "businessId": "b",
              "sceneId": "s",
              "executionId": "e",
              "status": "running",
              "statusWhenSilent": "completed",
              "firstReportTime": "2026-11-21T10:00:00.000000Z",
              "lastReportTime": "2026-11-21T10:00:00.030000Z",
              "stallsAt": "2026-11-21T10:30:00.030000Z",
              "startTime": "2026-11-21T10:00:00.000000Z",
              "endTime": null,
              "durationMicros": null,
              "endTimeWhenSilent": "2026-11-21T10:00:00.020000Z",
              "definitionVersion": "v1",
              "nodeCounts": {
                "completed": 2,
                "not_reached": 1,
                "not_taken": 1
              },
              "nodeCountsWhenSilent": {
                "completed": 2,
                "not_taken": 2
              },
              "errorCount": 1,
              "meta": {
                "trigger": "user"
              },
              "traceIds": [
                "t1"
              ],
              "services": [
                "api",
                "worker"
              ],
              "links": false,
              "traceJoined": false
            }
        "#]],
    );
    assert_eq!(Summary::from_json(summary.to_json().as_bytes()).expect("a summary reads back"), summary);
    check_json(
        &list_entry(&summary, at(30)),
        expect![[r#"
        {
          "businessId": "b",
          "sceneId": "s",
          "executionId": "e",
          "status": "running",
          "startTime": "2026-11-21T10:00:00.000000Z",
          "endTime": null,
          "durationMicros": null,
          "nodeCounts": {
            "completed": 2,
            "not_reached": 1,
            "not_taken": 1
          },
          "errorCount": 1,
          "meta": {
            "trigger": "user"
          }
        }
    "#]],
    );
    let silent = list_entry(&summary, at(30).plus_micros(IDLE));
    check_json(
        &silent,
        expect![[r#"
            {
              "businessId": "b",
              "sceneId": "s",
              "executionId": "e",
              "status": "completed",
              "startTime": "2026-11-21T10:00:00.000000Z",
              "endTime": "2026-11-21T10:00:00.020000Z",
              "durationMicros": 20000,
              "nodeCounts": {
                "completed": 2,
                "not_taken": 2
              },
              "errorCount": 1,
              "meta": {
                "trigger": "user"
              }
            }
        "#]],
    );
}

#[test]
fn meta_choose_the_variant() {
    let mut definition = definition(nodes("A; B"));
    for (key, value, plan) in [("contentType", "live", "L1; L2"), ("size", "7", "S1"), ("deep", "true", "T1")]
    {
        let when = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        definition.variants.push(Variant { when, nodes: nodes(plan) });
    }
    let plans = Plans::new(&definition);
    let first = |meta: &'static str| {
        let mut report = log(1, None, "INFO", 0);
        report.meta = payload(meta);
        let tally = tally([&report]);
        crate::summary::plan_for(&plans, &tally).items()[0].name.to_string()
    };
    assert_eq!(first(r#"{"contentType":"live"}"#), "L1");
    assert_eq!(first(r#"{"contentType":"vod"}"#), "A");
    assert_eq!(first(r#"{"size":7}"#), "S1");
    assert_eq!(
        first(r#"{"deep":true,"contentType":"\u006cive"}"#),
        "L1",
        "escapes are read, the first match wins"
    );
    assert_eq!(first(r#"["not an object"]"#), "A");
}

#[test]
fn on_each_meta_key_the_latest_wins() {
    let mut reports = [log(1, None, "INFO", 5), log(2, None, "INFO", 5), log(3, None, "INFO", 4)];
    reports[0].meta = payload(r#"{"a":1,"b":1}"#);
    reports[1].meta = payload(r#"{"a":2}"#);
    reports[2].meta = payload(r#"{"a":3,"b":3,"c":3}"#);
    let forward = tally(&reports);
    reports.reverse();
    assert_eq!(forward, tally(&reports));
    assert_eq!(serde_json::to_string(&forward.meta()).expect("meta are JSON"), r#"{"a":2,"b":1,"c":3}"#);
}

#[test]
fn facts_are_bounded_whatever_their_order() {
    let names: Vec<String> = (0..FACTS_MAX + 500).map(|number| format!("{number:05}")).collect();
    let of = |names: &[String]| {
        let mut tally = Tally::default();
        for (number, name) in names.iter().enumerate() {
            let mut report = log(number as u128, None, "INFO", 0);
            report.trace_id = Some(name.clone().into());
            report.mark = None;
            report.service = Some(name.clone().into());
            report.meta = Some(Payload { json: format!("{{\"{name}\":1}}").into(), cut_from: None });
            report.identity = crate::report::Identity(name.parse().expect("a number"));
            tally.add(&report);
        }
        tally
    };
    let forward = of(&names);
    let backward = of(&names.iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!(forward, backward);
    assert!(forward.clipped);
    assert_eq!(forward.trace_ids().count(), FACTS_MAX);
    assert_eq!(forward.joined().count(), FACTS_MAX);
    assert_eq!(forward.services().count(), FACTS_MAX);
    assert_eq!(forward.meta().len(), FACTS_MAX);
    assert!(!of(&names[..FACTS_MAX]).clipped);
}

#[test]
fn what_is_not_json_is_written_as_a_string() {
    let text = |json: &str| serde_json::to_string(&Json(json.into())).expect("answers are JSON");
    assert_eq!(text(r#"{"b":1.50,"a":[]}"#), r#"{"b":1.50,"a":[]}"#);
    assert_eq!(text("{broken"), r#""{broken""#);
    assert_eq!(text(""), r#""""#);
}

/// An entry that differs from others by its start and ids.
fn entry(start: Option<i64>, scene: &str, execution: &str) -> ListEntry {
    let tally = Tally::default();
    let summary = summarise(&Observed {
        mark: MarkRef { business_id: "b|%", scene_id: scene, execution_id: execution },
        events: &[],
        tally: &tally,
        definition: None,
        idle_micros: IDLE,
        sub: &|_, _| None,
    });
    ListEntry { start_time: start.map(at), ..list_entry(&summary, at(0)) }
}

/// Events, some logs and the definition of a random execution, with a silence to ask at.
fn check_agreement(plan: Option<Vec<Node>>, list: Vec<NodeEvent<'static>>, errors: u8) {
    let plans = plan.map(|nodes| Plans::new(&definition(nodes)));
    let definition = plans.as_ref().map(|plans| ("v1", plans));
    let mut list = list;
    list.sort_by_key(|event| event.identity);
    list.dedup_by_key(|event| event.identity);
    let mut reports: Vec<Report<'static>> = list.iter().map(report).collect();
    for number in 0..errors {
        let node = [Some("a"), Some("only-logged"), None][usize::from(number) % 3];
        reports.push(log(1_000 + u128::from(number), node, ["ERROR", "INFO"][usize::from(number) % 2], 3));
    }
    let tally = tally(&reports);
    let sub =
        |_: &str, execution: &str| (execution == "e1").then_some(crate::panorama::ExecutionStatus::Running);
    let observed =
        Observed { mark: MARK, events: &list, tally: &tally, definition, idle_micros: IDLE, sub: &sub };
    let summary = summarise(&observed);
    let stored = Summary::from_json(summary.to_json().as_bytes()).expect("a summary reads back");
    assert_eq!(stored, summary);
    let stalls_at = summary.stalls_at;
    let silence = stalls_at.unwrap_or_default();
    for as_of in [Timestamp(silence.0.saturating_sub(1)), silence] {
        let entry = list_entry(&stored, as_of);
        let silent = is_silent(summary.stalls_at, as_of);
        let input = ExecutionInput {
            mark: MARK,
            reports: &reports,
            tally: &tally,
            definition,
            context: Context { execution_id: "e", silent, partial: false, sub: &sub },
            shared_traces: &[],
            stalls_at,
            findings: &[],
        };
        let answer = execution_answer(&input);
        assert_eq!(entry.status, answer.status);
        assert_eq!((entry.start_time, entry.end_time), (answer.start_time, answer.end_time));
        assert_eq!(entry.duration_micros, answer.duration_micros);
        let counts: NodeCounts = answer.nodes.iter().map(|node| node.state).collect();
        assert_eq!(entry.node_counts, counts);
        assert_eq!(entry.error_count, answer.counts.errors);
        assert_eq!(entry.meta, answer.meta);

        let text = serde_json::to_string(&answer).expect("answers are JSON");
        let mut shuffled = reports.clone();
        shuffled.reverse();
        let again = execution_answer(&ExecutionInput { reports: &shuffled, ..input });
        assert_eq!(serde_json::to_string(&again).expect("answers are JSON"), text);
        let back: ExecutionAnswer<'_> = serde_json::from_str(&text).expect("answers read back");
        assert_eq!(serde_json::to_string(&back).expect("answers are JSON"), text);
    }
}

proptest! {
    #[test]
    fn lists_agree_with_pages(plan in random::plans(), list in random::events(), errors in 0_u8..6) {
        check_agreement(plan, list, errors);
    }

    #[test]
    fn pages_are_the_list(
        keys in proptest::collection::btree_set((proptest::option::of(0_i64..3), "[a-c|~]", "[0-9]"), 0..30),
        limit in 1_usize..7,
    ) {
        let entries: Vec<ListEntry> =
            keys.iter().map(|(start, scene, execution)| entry(*start, scene, execution)).collect();
        let whole = ListAnswer::page(entries.clone(), None, usize::MAX);
        prop_assert_eq!(whole.next_cursor, None);
        let (mut paged, mut cursor) = (Vec::new(), None);
        loop {
            let page = ListAnswer::page(entries.clone(), cursor.as_ref(), limit);
            prop_assert!(page.executions.len() <= limit);
            paged.extend(page.executions);
            match page.next_cursor {
                Some(next) => cursor = Some(ListCursor::decode(&next).expect("a cursor we made")),
                None => break,
            }
        }
        prop_assert_eq!(paged, whole.executions);
    }
}
