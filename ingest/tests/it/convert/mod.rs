//! Converting recorded executions of others.

mod any_input;
mod others_files;
mod small;

use std::collections::{BTreeMap, BTreeSet};

use linkloom_ingest::convert::{Conversion, Format, TableMapping, convert};
use serde_json::Value;

/// Converts text; panics on an error.
#[track_caller]
pub(crate) fn converted(format: Format, input: &str, mapping: &TableMapping) -> (Conversion, String) {
    let mut out = Vec::new();
    let done = convert(format, "dir/input.csv", input.as_bytes(), mapping, &mut out).expect("it converts");
    (done, String::from_utf8(out).expect("lines are UTF-8"))
}

/// What a reader of the report lines finds in them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) executions: u64,
    pub(crate) nodes: u64,
    /// (execution, node, run).
    pub(crate) runs: u64,
    pub(crate) open: u64,
    pub(crate) unstarted: u64,
    pub(crate) failed: u64,
    pub(crate) logs: u64,
    /// Sum over the runs with start and end, in µs.
    pub(crate) micros: i64,
    pub(crate) first: String,
    pub(crate) last: String,
}

#[derive(Default)]
struct Run {
    start: Option<i64>,
    end: Option<i64>,
    opened: u64,
    closed: u64,
    failed: bool,
}

/// Reads report lines back, holding each against the report format: required fields, limits, distinct ids.
#[track_caller]
pub(crate) fn read_back(lines: &str) -> Found {
    let mut found = Found::default();
    let (mut executions, mut nodes, mut ids) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut runs: BTreeMap<(String, String, String), Run> = BTreeMap::new();
    let mut times = Vec::new();
    for line in lines.lines() {
        assert!(line.len() <= 1 << 20, "a line of {} bytes", line.len());
        let report: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let text = |key: &str| report.get(key).map(|value| value.as_str().expect(key).to_owned());
        let mark = [text("businessId"), text("sceneId"), text("executionId")].map(|id| id.expect("an id"));
        assert!(mark.iter().all(|id| !id.is_empty() && id.len() <= 256), "{line}");
        assert_eq!(report["v"], 1);
        assert!(report.get("meta").is_none_or(Value::is_object), "{line}");
        let kind = text("type").expect("type");
        let id = text("id").expect("converted reports carry an id");
        assert!(ids.insert((mark.clone(), kind.clone(), id)), "an id comes twice: {line}");
        executions.insert(mark.clone());
        let time = text("time").map(|time| time.parse::<jiff::Timestamp>().expect(&time).as_microsecond());
        times.extend(time);
        if kind == "log" {
            found.logs += 1;
            continue;
        }
        assert_eq!(kind, "node");
        let node = text("nodeName").expect("nodeName");
        assert!(!node.is_empty() && node.len() <= 128, "{line}");
        nodes.insert((mark[1].clone(), node.clone()));
        let run = runs.entry((mark.join("|"), node, text("runId").expect("runId"))).or_default();
        match text("status").expect("status").as_str() {
            "RUNNING" => (run.start, run.opened) = (time, run.opened + 1),
            status @ ("COMPLETED" | "FAILED" | "SKIPPED") => {
                (run.end, run.closed) = (time, run.closed + 1);
                run.failed = status == "FAILED";
            }
            other => panic!("status {other}"),
        }
    }
    for (key, run) in &runs {
        assert!(
            run.opened <= 1 && run.closed <= 1,
            "{key:?} is opened {} and closed {}",
            run.opened,
            run.closed
        );
        found.open += u64::from(run.closed == 0);
        found.unstarted += u64::from(run.opened == 0);
        found.failed += u64::from(run.failed);
        if let (Some(start), Some(end)) = (run.start, run.end) {
            assert!(start <= end, "{key:?} ends before it starts");
            found.micros += end - start;
        }
    }
    found.executions = executions.len() as u64;
    found.nodes = nodes.len() as u64;
    found.runs = runs.len() as u64;
    let show = |micros: Option<&i64>| {
        micros.map(|micros| jiff::Timestamp::from_microsecond(*micros).expect("read above").to_string())
    };
    found.first = show(times.iter().min()).unwrap_or_default();
    found.last = show(times.iter().max()).unwrap_or_default();
    found
}

/// What the converter says it did must be what is in the lines.
#[track_caller]
pub(crate) fn agrees(done: &Conversion, found: &Found) {
    let counts = done.counts;
    let said = (counts.executions, counts.nodes, counts.runs, counts.runs_open, counts.runs_unstarted);
    assert_eq!(said, (found.executions, found.nodes, found.runs, found.open, found.unstarted));
    assert_eq!((counts.runs_failed, counts.logs), (found.failed, found.logs));
}
