//! All recorded executions and event logs of the shared data: what comes out is what is in them.
//!
//! Each file is counted twice: by a reader of its own here, which knows nothing of the converter, and by the constants
//! of the tables below (made from the files with another language's readers, and equal to the data's README).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use linkloom_ingest::convert::{Format, NoteKind, TableMapping, convert_file};
use serde_json::Value;

use super::{agrees, read_back};

/// The shared data, or a word to say that it is not there.
fn data(folder: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(folder);
    if !path.is_dir() {
        eprintln!("skipped: no {}", path.display());
        return None;
    }
    Some(path)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().is_some_and(|name| name != "README.md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("a readable file");
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gzip of UTF-8");
    } else {
        text = String::from_utf8(bytes).expect("UTF-8");
    }
    text
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8")
}

/// File, cases, activities, runs, runs without a start, business logs, sum of all durations (µs), first and last time.
type Row = (&'static str, u64, u64, u64, u64, u64, i64, &'static str, &'static str);

#[rustfmt::skip]
const EVENT_LOGS: [Row; 12] = [
    ("Production.xes.gz", 225, 26, 4_953, 0, 0, 46_441_980_000_000, "2012-01-02T07:00:00Z", "2012-03-31T13:45:00Z"),
    ("RunningExample.xes.gz", 540, 7, 3_390, 0, 3_390, 4_215_441_864_000, "2023-06-08T09:00:00Z", "2023-06-23T11:27:49.98Z"),
    ("BPIC15_1.csv.gz", 1_199, 398, 52_217, 52_217, 0, 0, "2010-10-04T22:00:00Z", "2015-07-31T22:00:00Z"),
    ("LoanApp_simplified_train.csv.gz", 1_000, 12, 7_544, 0, 0, 37_997_969_747_000, "2023-02-09T08:00:00Z", "2023-05-09T08:02:24.966Z"),
    ("LoanApp_simplified.csv.gz", 500, 10, 3_620, 0, 0, 17_609_043_978_000, "2023-02-09T08:00:00Z", "2023-03-24T12:20:04.49Z"),
    ("PurchasingExample.csv.gz", 608, 21, 9_119, 0, 0, 62_546_040_000_000, "2011-01-01T05:00:00Z", "2011-10-14T20:31:00Z"),
    ("Insurance_Claims_train.csv.gz", 1_000, 7, 5_443, 0, 0, 1_882_821_680_000, "2023-01-02T09:00:16.44Z", "2023-01-02T14:46:31.29Z"),
    ("xor_1.csv.gz", 501, 19, 3_507, 0, 0, 16_525_087_604_056, "2024-08-05T11:06:15.797153Z", "2024-10-06T23:37:59.053817Z"),
    ("or_1.csv.gz", 501, 19, 3_507, 0, 0, 16_195_458_606_454, "2024-08-05T11:06:22.72934Z", "2024-10-06T22:30:59.124479Z"),
    ("LoanApp_sequential_9-5_diffres_timers.csv.gz", 1_000, 13, 8_176, 0, 0, 62_376_600_000_000, "2017-01-02T09:00:00Z", "2017-02-14T16:15:00Z"),
    ("sequential.csv.gz", 1_000, 7, 7_000, 0, 0, 100_800_000_000_000, "2023-11-06T09:00:00Z", "2024-04-08T17:00:00Z"),
    ("fuzzy_calendars_log.csv.gz", 2_000, 17, 23_288, 0, 0, 174_833_634_022_833, "2023-04-17T08:13:00Z", "2023-10-12T10:15:30.583746Z"),
];

/// Cases, activities, and how often each (case, activity) runs.
#[derive(Debug, Default, PartialEq, Eq)]
struct Own {
    cases: BTreeSet<String>,
    activities: BTreeSet<String>,
    runs: BTreeMap<(String, String), u64>,
}

impl Own {
    fn add(&mut self, case: &str, activity: &str) {
        self.cases.insert(case.to_owned());
        self.activities.insert(activity.to_owned());
        *self.runs.entry((case.to_owned(), activity.to_owned())).or_default() += 1;
    }
}

/// The fields of one line of a table: commas, and quotes around fields that hold commas.
fn split(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields.last_mut().expect("never empty").push(c),
        }
    }
    fields
}

fn count_csv(text: &str) -> Own {
    let mut own = Own::default();
    let mut lines = text.lines();
    let header = split(lines.next().expect("a header"));
    let column = |names: [&str; 3]| {
        header.iter().position(|column| names.contains(&column.as_str())).expect("a column")
    };
    let (case, activity) =
        (column(["case_id", "case:concept:name", "-"]), column(["activity", "Activity", "concept:name"]));
    for line in lines.filter(|line| !line.is_empty()) {
        let fields = split(line);
        own.add(&fields[case], fields[activity].trim());
    }
    own
}

/// Reads the completes of an event log line by line, as these two files are laid out.
fn count_xes(text: &str) -> Own {
    let mut own = Own::default();
    let (mut case, mut activity, mut complete, mut in_event) = (String::new(), String::new(), false, false);
    for line in text.lines().map(str::trim) {
        let value = || line.split('"').nth(3).expect("a value").replace("&amp;", "&");
        if line.starts_with("<event>") {
            (in_event, complete) = (true, false);
        } else if line.contains("key=\"concept:name\"") {
            *(if in_event { &mut activity } else { &mut case }) = value();
        } else if line.contains("key=\"lifecycle:transition\"") {
            complete = value() == "complete";
        } else if line.starts_with("</event>") {
            in_event = false;
            if complete {
                own.add(&case, &activity);
            }
        }
    }
    own
}

/// The same, from report lines: a run counts where it closes.
fn count_reports(lines: &str) -> Own {
    let mut own = Own::default();
    for line in lines.lines() {
        let report: Value = serde_json::from_str(line).expect("JSON");
        let text = |key: &str| report[key].as_str().expect("a text").to_owned();
        if report["type"] == "node" && report["status"] != "RUNNING" {
            assert_eq!(report["businessId"], report["executionId"]);
            own.add(&text("executionId"), &text("nodeName"));
        }
    }
    own
}

#[test]
fn every_event_log_converts_with_the_counts_of_its_source() {
    let Some(folder) = data("event-logs") else { return };
    let files = files(&folder);
    assert_eq!(files.len(), EVENT_LOGS.len());
    for path in files {
        let name = name(&path);
        let row = EVENT_LOGS
            .iter()
            .find(|row| row.0 == name)
            .unwrap_or_else(|| panic!("{name} is not in the table"));
        let format = if name.contains(".xes") { Format::Xes } else { Format::Csv };
        let mut lines = Vec::new();
        let done = convert_file(format, &path, &TableMapping::default(), &mut lines)
            .unwrap_or_else(|error| panic!("{error}"));
        let lines = String::from_utf8(lines).expect("UTF-8");
        let found = read_back(&lines);
        agrees(&done, &found);
        assert_eq!(
            (name, found.executions, found.nodes, found.runs, found.unstarted, found.logs, found.micros),
            (row.0, row.1, row.2, row.3, row.4, row.5, row.6)
        );
        assert_eq!((found.first.as_str(), found.last.as_str()), (row.7, row.8), "{name}");
        assert_eq!((found.open, found.failed, done.counts.refused), (0, 0, 0), "{name}");
        let source = text(&path);
        let own = if format == Format::Xes { count_xes(&source) } else { count_csv(&source) };
        assert!(count_reports(&lines) == own, "{name}: runs of some case and activity differ");
        let unexpected =
            [NoteKind::Unreadable, NoteKind::Refused, NoteKind::Limit, NoteKind::PairedAcrossResources];
        for kind in unexpected {
            assert_eq!(done.notes.count(kind), 0, "{name}: {:?}", done.notes.iter().collect::<Vec<_>>());
        }
    }
}

/// File, nodes, runs, failed, ended before their start, reports in a loop round, decisions with a case, logs (two of them
/// of the workflow, one while it runs), sum of all durations (µs).
type Execution = (&'static str, u64, u64, u64, u64, u64, u64, u64, i64);

#[rustfmt::skip]
const CONDUCTOR: [Execution; 9] = [
    ("completed.json.gz", 15, 15, 0, 2, 0, 2, 46, 9_905_000),
    ("doWhileSwitch.json", 4, 4, 0, 0, 4, 1, 2, 1_140_000),
    ("notExecuted.json", 1, 1, 0, 0, 0, 1, 2, 150_000),
    ("oneFailed.json", 5, 5, 2, 0, 0, 0, 2, 1_534_000),
    ("sampleExecutions.js__sampleExecution.json", 2, 7, 6, 0, 0, 0, 2, 722_000),
    ("sampleExecutions.js__sampleExecutionDoWhile.json.gz", 9, 31, 0, 0, 56, 10, 2, 2_195_000),
    ("success.json", 5, 5, 0, 0, 0, 0, 2, 1_897_000),
    ("test.json", 6, 6, 0, 0, 0, 1, 1, 484_000),
    ("workflow1_run.json", 1, 1, 0, 0, 0, 0, 2, 768_000),
];

#[test]
fn every_recorded_conductor_execution_converts_with_the_counts_of_its_source() {
    let Some(folder) = data("conductor-executions") else { return };
    let files = files(&folder);
    assert_eq!(files.len(), CONDUCTOR.len());
    for path in files {
        let name = name(&path);
        let row = CONDUCTOR
            .iter()
            .find(|row| row.0 == name)
            .unwrap_or_else(|| panic!("{name} is not in the table"));
        let mut lines = Vec::new();
        let done = convert_file(Format::Conductor, &path, &TableMapping::default(), &mut lines)
            .unwrap_or_else(|error| panic!("{error}"));
        let lines = String::from_utf8(lines).expect("UTF-8");
        let found = read_back(&lines);
        agrees(&done, &found);
        let reports: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let with = |key: &str| reports.iter().filter(|report| report.get(key).is_some()).count() as u64;
        assert_eq!(
            (name, found.nodes, found.runs, found.failed, done.notes.count(NoteKind::EndBeforeStart)),
            (row.0, row.1, row.2, row.3, row.4)
        );
        assert_eq!(
            (with("iteration"), with("case"), found.logs, found.micros),
            (row.5, row.6, row.7, row.8),
            "{name}"
        );
        assert_eq!((found.executions, found.open, found.unstarted), (1, 0, 0), "{name}");

        let source: Value = serde_json::from_str(&text(&path)).expect("JSON");
        let tasks = source["tasks"].as_array().expect("tasks");
        assert_eq!((done.counts.records, done.counts.refused), (tasks.len() as u64, 0), "{name}");
        for task in tasks {
            let of_run = |report: &&Value| report["runId"] == task["taskId"];
            let run: Vec<&Value> = reports.iter().filter(of_run).collect();
            let [start, end] = run.as_slice() else { panic!("{name}: {} reports for one task", run.len()) };
            assert_eq!(start["status"], "RUNNING");
            assert_eq!(end["status"], task["status"], "{name}");
            let reference = task["referenceTaskName"].as_str().expect("a name");
            let node = start["nodeName"].as_str().expect("a name");
            let rebuilt = start.get("iteration").map_or(node.to_owned(), |round| format!("{node}__{round}"));
            assert_eq!(rebuilt, reference, "{name}");
            for (field, report) in [("inputData", start.get("input")), ("outputData", end.get("output"))] {
                let told = task
                    .get(field)
                    .filter(|value| value.as_object().is_some_and(|object| !object.is_empty()));
                assert_eq!(report, told, "{name}: {field} of {reference}");
            }
            let message = end.get("exception").map(|exception| &exception["message"]);
            assert_eq!(
                message,
                task.get("reasonForIncompletion").filter(|reason| !reason.is_null()),
                "{name}"
            );
        }
    }
}
