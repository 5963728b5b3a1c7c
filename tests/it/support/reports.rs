//! Generated worlds: report lines of a few executions over a few scenes, with everything that makes merging hard.

use linkloom_schema::definition::{Definition, parse_json};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// The earliest time of a generated report, in microseconds: 2026-11-21T10:00:00Z.
pub(crate) const BASE: i64 = 1_795_255_200_000_000;
/// Business ids; the second needs escaping in row keys.
pub(crate) const BUSINESSES: [&str; 2] = ["content-1", "c|2 %"];
/// Scenes; the last has no definition.
const SCENES: [&str; 5] = ["intake", "review", "mirror", "chain", "bare"];
const EXECUTIONS: [&str; 3] = ["e0", "e1", "5f2c"];
/// Nodes in the order of each scene's plan.
const PATHS: [&[&str]; 5] = [
    &["A", "B", "C", "D", "E"],
    &["open", "X", "Y", "X", "Y", "sub", "close"],
    &["A", "again", "B"],
    &["first", "review", "intake", "last"],
    &["A", "odd"],
];
const NODES: [&str; 12] = ["A", "B", "C", "D", "E", "F", "X", "Y", "sub", "open", "odd", "again"];
/// Traces; the last needs escaping in row keys.
pub(crate) const TRACES: [&str; 3] = ["trace-0", "trace-1", "t|2"];
/// The service of reports that have neither mark nor trace.
pub(crate) const LONELY: &str = "lonely";
/// Seconds after [`BASE`] that reports fall into: some in other seconds, hours and days.
const SECONDS: [i64; 6] = [0, 0, 1, 2, 3_600, 90_000];

/// A set of reports, as lines in one order.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) lines: Vec<String>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.lines.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// Every mark a generated report may have.
pub(crate) fn marks() -> Vec<LinkMark> {
    let scenes =
        || SCENES.iter().flat_map(|scene| EXECUTIONS.iter().map(move |execution| (scene, execution)));
    let of = |business: &'static str| {
        scenes().map(move |(scene, execution)| LinkMark::new(business, scene, execution).expect("valid ids"))
    };
    BUSINESSES.iter().flat_map(|business| of(business)).collect()
}

/// Instants asked for: while all runs, when some are silent, when all are.
pub(crate) fn instants() -> [Timestamp; 3] {
    [60, 1_802, 1_000_000].map(|seconds| Timestamp(BASE + seconds * 1_000_000))
}

/// Definitions of the scenes with the time they hold from: one scene has two versions and variants, two
/// contain one another.
pub(crate) fn definitions() -> Vec<(Option<Timestamp>, Definition)> {
    let step = |name: &str| json!({"nodeName": name, "nodeType": "local"});
    let intake = json!({"nodes": [
        step("A"),
        {"nodeName": "Fork", "nodeType": "fork", "forkNodes": [[step("B")], [step("C")]]},
        {"nodeName": "Join", "nodeType": "join", "joinOnList": ["B", "C"]},
        {"nodeName": "D", "nodeType": "decision",
            "decisionCases": {"true": [step("E")], "false": [step("F")]}, "defaultCase": []},
    ], "variants": [{"when": {"contentType": "live"}, "nodes": [step("A"), step("E")]}]});
    let intake_later =
        json!({"nodes": [step("A"), step("B"), {"nodeName": "F", "nodeType": "local", "optional": true}]});
    let review = json!({"nodes": [
        step("open"),
        {"nodeName": "L", "nodeType": "loop", "loopNodes": [step("X"), step("Y")]},
        {"nodeName": "sub", "nodeType": "link", "subScene": "intake"},
        step("close"),
    ]});
    let mirror = json!({"nodes": [
        step("A"),
        {"nodeName": "again", "nodeType": "link", "subScene": "chain"},
        {"nodeName": "B", "nodeType": "local", "optional": true},
    ]});
    let chain = json!({"nodes": [
        step("first"),
        {"nodeName": "review", "nodeType": "link", "subScene": "review"},
        {"nodeName": "intake", "nodeType": "link", "subScene": "intake"},
        {"nodeName": "back", "nodeType": "link", "subScene": "mirror"},
        step("last"),
        {"nodeName": "end", "nodeType": "terminate"},
    ]});
    let all = [
        (0, "intake", intake),
        (BASE + 1_000_000, "intake", intake_later),
        (0, "review", review),
        (0, "mirror", mirror),
        (0, "chain", chain),
    ];
    let parsed = all.into_iter().map(|(from, scene, text)| {
        let definition = parse_json(scene, scene, text.to_string().as_bytes());
        ((from > 0).then_some(Timestamp(from)), definition.expect("a valid definition"))
    });
    parsed.collect()
}

/// Sets of reports: a few executions that go the way of their plan, and reports of any kind among them.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let refused = select(&[
        "no report",
        r#"{"status":"DONE","nodeName":"A"}"#,
        r#"{"businessId":"content-1","sceneId":"intake","message":"half a mark"}"#,
    ]);
    // Most of the reports of any kind are of one execution: there they meet.
    let reports = (select(&SCENES), 0..30_usize);
    let reports = reports.prop_flat_map(|(scene, count)| vec(any_report(scene), 0..=count));
    (vec(story(), 0..4), reports, vec(refused, 0..2)).prop_map(|(stories, reports, refused)| {
        let lines =
            stories.into_iter().flatten().chain(reports).chain(refused.into_iter().map(str::to_owned));
        World { lines: lines.collect() }
    })
}

fn mark() -> impl Strategy<Value = Map<String, Value>> {
    // Few executions, so that many reports meet in one.
    let business = select(&[BUSINESSES[0], BUSINESSES[0], BUSINESSES[0], BUSINESSES[1]]);
    let execution = select(&[EXECUTIONS[0], EXECUTIONS[0], EXECUTIONS[0], EXECUTIONS[1], EXECUTIONS[2]]);
    (business, select(&SCENES), execution).prop_map(|(business, scene, execution)| {
        object(json!({"businessId": business, "sceneId": scene, "executionId": execution}))
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn time() -> impl Strategy<Value = Option<i64>> {
    let near =
        (select(&SECONDS), 0..30_i64).prop_map(|(second, ms)| Some(BASE + second * 1_000_000 + ms * 1_000));
    prop_oneof![
        12 => near,
        1 => Just(None),
        // The year 1971: not a time a report can have.
        1 => Just(Some(40_000_000_000_000)),
    ]
}

/// An execution that goes along its plan, up to some point.
fn story() -> impl Strategy<Value = Vec<String>> {
    let habits = (weighted(0.4, select(&TRACES)), any::<bool>(), weighted(0.3, select(&["live", "text"])));
    (mark(), time(), 0..8_usize, weighted(0.3, 0..6_usize), habits, 0..3_usize).prop_map(
        |(mark, start, until, failing, (trace, with_ids, content_type), logs)| {
            let mut lines = Vec::new();
            let scene = mark.get("sceneId").and_then(Value::as_str).unwrap_or_default();
            let path = SCENES.iter().position(|known| *known == scene).map_or(&[][..], |at| PATHS[at]);
            let mut at = start.unwrap_or(BASE);
            let mut line = |fields: Value, at: i64| {
                let mut report = mark.clone();
                report.extend(object(fields));
                report.insert("time".to_owned(), json!(at));
                if let Some(trace) = trace {
                    report.insert("traceId".to_owned(), json!(trace));
                }
                if with_ids {
                    report.insert("id".to_owned(), json!(format!("s{}", lines.len())));
                }
                lines.push(Value::Object(report).to_string());
            };
            for (index, node) in path.iter().take(until).enumerate() {
                let mut fields = json!({"nodeName": node, "status": "RUNNING", "input": {"step": index}});
                if let (0, Some(content_type)) = (index, content_type) {
                    fields["meta"] = json!({"contentType": content_type, "trigger": "api"});
                }
                line(fields, at);
                for log in 0..logs {
                    let fields = json!({"nodeName": node, "level": "INFO", "message": format!("log {log}")});
                    line(fields, at + 100 + log as i64);
                }
                at += 1_000;
                let failed = failing == Some(index);
                let status = if failed { "FAILED" } else { "COMPLETED" };
                line(json!({"nodeName": node, "status": status, "output": {"ok": !failed}}), at);
                if failed {
                    line(json!({"nodeName": node, "level": "ERROR", "message": "it failed"}), at);
                    break;
                }
                at += 1_000;
            }
            lines
        },
    )
}

/// One report of any kind: marked, by trace only or unlinked; a node's or a log; with conflicting ids.
fn any_report(scene: &'static str) -> impl Strategy<Value = String> {
    let focus = object(json!({"businessId": BUSINESSES[0], "sceneId": scene, "executionId": EXECUTIONS[0]}));
    let marked = prop_oneof![3 => Just(focus), 1 => mark()];
    let place = prop_oneof![
        8 => (marked, weighted(0.4, select(&TRACES))).prop_map(|(mut mark, trace)| {
            mark.extend(trace.map(|trace| ("traceId".to_owned(), json!(trace))));
            mark
        }),
        3 => select(&TRACES).prop_map(|trace| object(json!({"traceId": trace}))),
        1 => Just(object(json!({"service": LONELY}))),
    ];
    let kind = prop_oneof![
        3 => select(&["RUNNING", "RUNNING", "COMPLETED", "FAILED", "SKIPPED"])
            .prop_map(|status| object(json!({"type": "node", "status": status}))),
        2 => (weighted(0.8, select(&["INFO", "WARN", "ERROR", "fatal", "odd"])), 0..3_u8).prop_map(|(level, text)| {
            let mut log = object(json!({"type": "log", "message": format!("message {text}")}));
            log.extend(level.map(|level| ("level".to_owned(), json!(level))));
            log
        }),
    ];
    let which = (
        weighted(0.35, 0..3_u8),
        weighted(0.2, select(&["r0", "r1"])),
        weighted(0.2, select(&["s0", "s1"])),
        weighted(0.4, select(&["api", "desk"])),
        weighted(0.3, select(&["10.0.0.1", "10.0.0.2"])),
    );
    let more = (
        weighted(0.2, select(&["true", "false", "none"])),
        weighted(0.2, 0..3_u8),
        weighted(0.2, select(&EXECUTIONS)),
        weighted(0.2, select(&NODES)),
        weighted(0.2, meta()),
        weighted(0.2, payload()),
    );
    (place, kind, select(&NODES), weighted(0.8, Just(())), time(), which, more).prop_map(
        |(mut report, kind, node, named, time, which, more)| {
            let mut put =
                |key: &str, value: Option<Value>| report.extend(value.map(|value| (key.to_owned(), value)));
            let is_node = kind.contains_key("status");
            put("nodeName", (is_node || named.is_some()).then(|| json!(node)));
            put("time", time.map(|time| json!(time)));
            let (id, run, span, service, instance) = which;
            put("id", id.map(|id| json!(format!("i{id}"))));
            put("runId", run.map(|run| json!(run)));
            put("spanId", span.map(|span| json!(span)));
            put("service", service.map(|service| json!(service)));
            put("instance", instance.map(|instance| json!(instance)));
            let (case, iteration, sub, parent, meta, payload) = more;
            put("case", case.map(|case| json!(case)));
            put("iteration", iteration.map(|iteration| json!(iteration)));
            put("subExecutionId", sub.map(|sub| json!(sub)));
            put("parentNode", parent.map(|parent| json!(parent)));
            put("meta", meta);
            put(if is_node { "output" } else { "data" }, payload);
            report.extend(kind);
            Value::Object(report).to_string()
        },
    )
}

fn meta() -> impl Strategy<Value = Value> {
    prop_oneof![
        select(&["live", "text"]).prop_map(|kind| json!({"contentType": kind})),
        (0..3_u8).prop_map(|number| json!({"trigger": number, "by": "hand"})),
    ]
}

fn payload() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => (0..3_u8).prop_map(|number| json!({"n": number})),
        // Longer than the limit the tests set: cut.
        1 => Just(json!("x".repeat(200))),
    ]
}
