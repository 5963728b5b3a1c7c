//! Executions and event logs that other systems recorded: converted, ingested into a real store and shown, with the node
//! and run counts of the source for every single execution.
//!
//! Each source is counted by a reader of its own here, which knows nothing of the converter.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use linkloom::config::Config;
use linkloom::pipeline::FeedFigures;
use linkloom::service::{OpenStore, Service, open_embedded};
use linkloom_ingest::convert::{Format, TableMapping, convert_file};
use linkloom_ingest::source::{Input, InputOptions, Inputs};
use linkloom_query::{ListQuery, Reader};
use linkloom_schema::definition::conductor::import_conductor;
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;
use serde_json::Value;

use crate::workplace::{files_below, others};

/// How often each node of each execution ran.
type Runs = BTreeMap<String, BTreeMap<String, usize>>;

fn add(runs: &mut Runs, execution: &str, node: &str) {
    *runs.entry(execution.to_owned()).or_default().entry(node.to_owned()).or_default() += 1;
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

/// The fields of one line of a table: commas, and quotes around fields that hold commas.
fn fields(line: &str) -> Vec<String> {
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

/// Every row of these tables is one run.
fn runs_of_table(text: &str) -> Runs {
    let mut lines = text.lines();
    let header = fields(lines.next().expect("a header"));
    let column =
        |names: &[&str]| header.iter().position(|column| names.contains(&column.as_str())).expect("a column");
    let (case, activity) =
        (column(&["case_id", "case:concept:name"]), column(&["activity", "Activity", "concept:name"]));
    let mut runs = Runs::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let fields = fields(line);
        add(&mut runs, &fields[case], fields[activity].trim());
    }
    runs
}

/// Every `complete` of these event logs is one run; they are laid out one element a line.
fn runs_of_event_log(text: &str) -> Runs {
    let mut runs = Runs::new();
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
                add(&mut runs, &case, &activity);
            }
        }
    }
    runs
}

/// Every task of a recorded execution is one run of its reference, which ends in `__` and the round within loops.
fn runs_of_execution(source: &Value) -> Runs {
    let execution = source["workflowId"].as_str().expect("an id");
    let mut runs = Runs::new();
    for task in source["tasks"].as_array().expect("tasks") {
        let reference = task["referenceTaskName"].as_str().expect("a name");
        let round = reference.rsplit_once("__").filter(|(_, round)| {
            task["iteration"]
                .as_u64()
                .is_some_and(|iteration| iteration > 0 && *round == iteration.to_string())
        });
        add(&mut runs, execution, round.map_or(reference, |(node, _)| node));
    }
    runs
}

/// A store in a temporary folder with the whole pipeline in front of it.
struct World {
    folder: tempfile::TempDir,
    service: Service,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config::default();
        let store = open_embedded(&folder.path().join("S"), &config).expect("a store");
        let open = OpenStore::new(Arc::new(store), &config).expect("a store");
        let service = Service::start(open, &config, None).expect("a service");
        World { folder, service }
    }

    /// Converts a file and ingests what came out; returns the scene.
    fn take(&self, format: Format, path: &Path) -> String {
        let mut lines = Vec::new();
        let done = convert_file(format, path, &TableMapping::default(), &mut lines)
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(done.counts.refused, 0, "{}", path.display());
        let file = self.folder.path().join("reports.ndjson");
        std::fs::write(&file, &lines).expect("room on disk");
        let mut source =
            Inputs::new([Input::File(file)], InputOptions::default(), Box::new(|_| Ok(Vec::new())));
        let figures = FeedFigures::default();
        let outcome =
            self.service.feed(&mut source, &figures, &AtomicBool::new(false)).expect("it is stored");
        assert!(outcome.failed.is_empty() && outcome.incomplete.is_empty(), "{outcome:?}");
        self.service.drain();
        let get = |figure: &std::sync::atomic::AtomicU64| figure.load(Ordering::Relaxed);
        assert_eq!(
            (get(&figures.stored), get(&figures.duplicates), get(&figures.dead)),
            (done.counts.lines, 0, 0)
        );
        let first = lines.split(|byte| *byte == b'\n').next().expect("a line");
        let first: Value = serde_json::from_slice(first).expect("JSON");
        first["sceneId"].as_str().expect("a scene").to_owned()
    }
}

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

/// Compares what is shown and listed of one execution with its source; returns its nodes and runs.
fn compare(reader: &Reader, mark: &LinkMark, want: &BTreeMap<String, usize>) -> (usize, usize) {
    let shown = reader.show(mark, NOW, |answer| {
        let ran = answer.nodes.iter().filter(|node| !node.runs.is_empty());
        let runs: BTreeMap<String, usize> =
            ran.map(|node| (node.node_name.clone(), node.runs.len())).collect();
        (runs, answer.nodes.len())
    });
    let (runs, nodes) = shown.expect("readable").unwrap_or_else(|| panic!("{mark:?} is not there"));
    assert_eq!(&runs, want, "{mark:?}");
    let query = ListQuery { scene: Some(mark.scene_id.to_string()), limit: 10, ..ListQuery::default() };
    let listed = reader.list(&mark.business_id, &query, NOW).expect("readable");
    let [entry] = listed.executions.as_slice() else { panic!("{mark:?}: {listed:?}") };
    let counted: u32 = entry.node_counts.iter().map(|(_, count)| count).sum();
    assert_eq!((&*entry.execution_id, counted), (&*mark.execution_id, nodes as u32), "{mark:?}");
    (runs.len(), runs.values().sum())
}

#[test]
fn every_event_log_is_shown_with_the_counts_of_its_source() {
    let Some(folder) = others("event-logs") else { return };
    let world = World::new();
    let reader = world.service.open().reader();
    let mut found = String::new();
    for path in files_below(&folder) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        let (format, runs) = match name.contains(".xes") {
            true => (Format::Xes, runs_of_event_log(&text(&path))),
            false => (Format::Csv, runs_of_table(&text(&path))),
        };
        let scene = world.take(format, &path);
        let (mut nodes, mut all) = (0, 0);
        for (case, want) in &runs {
            let mark = LinkMark::new(case, &scene, case).expect("allowed ids");
            let (of_nodes, of_runs) = compare(&reader, &mark, want);
            nodes += of_nodes;
            all += of_runs;
        }
        found.push_str(&format!("{:>6} executions {nodes:>6} nodes {all:>6} runs  {name}\n", runs.len()));
    }
    expect_test::expect![[r#"
        shown
           225 executions   1721 nodes   4953 runs  Production.xes.gz
           540 executions   3390 nodes   3390 runs  RunningExample.xes.gz
          1000 executions   7406 nodes   7544 runs  LoanApp_simplified_train.csv.gz
           608 executions   8194 nodes   9119 runs  PurchasingExample.csv.gz
          1000 executions   5443 nodes   5443 runs  Insurance_Claims_train.csv.gz
           500 executions   3620 nodes   3620 runs  LoanApp_simplified.csv.gz
          1199 executions  51309 nodes  52217 runs  BPIC15_1.csv.gz
           501 executions   3507 nodes   3507 runs  or_1.csv.gz
           501 executions   3507 nodes   3507 runs  xor_1.csv.gz
          1000 executions   6633 nodes   8176 runs  LoanApp_sequential_9-5_diffres_timers.csv.gz
          1000 executions   7000 nodes   7000 runs  sequential.csv.gz
          2000 executions  22148 nodes  23288 runs  fuzzy_calendars_log.csv.gz
    "#]]
    .assert_eq(&format!("shown\n{found}"));
}

/// With the definition the execution carries, and without one.
#[test]
fn every_recorded_execution_is_shown_with_the_counts_of_its_source() {
    let Some(folder) = others("conductor-executions") else { return };
    let (plain, planned) = (World::new(), World::new());
    let mut found = String::new();
    for path in files_below(&folder) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        let source: Value = serde_json::from_str(&text(&path)).expect("JSON");
        let runs = runs_of_execution(&source);
        let definition = source
            .get("workflowDefinition")
            .and_then(|definition| import_conductor(&definition.to_string()).ok());
        let with_definition = definition.is_some();
        for imported in definition.into_iter().flatten() {
            planned.service.put_definitions(vec![imported.definition], None).expect("put");
        }
        let (execution, want) = runs.first_key_value().expect("one execution");
        let business = source["correlationId"].as_str().filter(|id| !id.is_empty()).unwrap_or(execution);
        let mut counts = (0, 0);
        for world in [&plain, &planned] {
            let scene = world.take(Format::Conductor, &path);
            let mark = LinkMark::new(business, &scene, execution).expect("allowed ids");
            counts = compare(&world.service.open().reader(), &mark, want);
        }
        let planned = if with_definition { "planned" } else { "observed" };
        found.push_str(&format!("{:>3} nodes {:>3} runs  {planned:<8}  {name}\n", counts.0, counts.1));
    }
    expect_test::expect![[r#"
        shown
          1 nodes   1 runs  planned   workflow1_run.json
         15 nodes  15 runs  planned   completed.json.gz
          6 nodes   6 runs  planned   test.json
          4 nodes   4 runs  planned   doWhileSwitch.json
          1 nodes   1 runs  planned   notExecuted.json
          5 nodes   5 runs  planned   oneFailed.json
          5 nodes   5 runs  planned   success.json
          2 nodes   7 runs  planned   sampleExecutions.js__sampleExecution.json
          9 nodes  31 runs  planned   sampleExecutions.js__sampleExecutionDoWhile.json.gz
    "#]]
    .assert_eq(&format!("shown\n{found}"));
}
