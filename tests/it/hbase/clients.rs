//! Clients of others read an execution with nothing but what `docs/row-keys.md` says: the code there is what is run.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use linkloom::service::OpenStore;
use linkloom_query::ListQuery;
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Family, Table};
use linkloom_storage::{execution, read};

use super::servers::{HbaseServers, hbase_servers};
use super::{config, load, store, workload};
use crate::workplace::Workplace;

/// The code blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/row-keys.md");
    let text = std::fs::read_to_string(path).expect("docs/row-keys.md");
    let begin = format!("```{language}\n");
    let blocks = text.split(&begin).skip(1);
    blocks.map(|rest| rest.split("```").next().expect("a block").to_owned()).collect()
}

/// A store with a workload, and executions of it worth reading: some have reports without a mark of their own.
fn loaded(servers: &HbaseServers, word: &str, place: &Workplace) -> (OpenStore, String, Vec<LinkMark>) {
    let file = place.path("reports.ndjson");
    let expected = workload(&file, 3_000, 5);
    let mut config = config(servers, word);
    config.flush.reports_max = 700;
    // So that there are overflow rows.
    config.flush.packs_per_row_max = 2;
    let open = load(store(&config), &config, &[&file]);
    let marks = expected.into_iter().map(|of| of.mark).step_by(4).take(12).collect();
    (open, config.hbase.table_prefix, marks)
}

/// The stored lines of a row and its overflow rows, each once.
fn lines(open: &OpenStore, table: Table, row: &str) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    let rows = read::PackRows::all_below(table, row);
    for family in [Family::Nodes, Family::BusinessLogs] {
        for pack in read::packs(&*open.store, rows, family, None).expect("read") {
            lines.extend(pack.lines().map(str::to_owned));
        }
    }
    lines
}

#[test]
fn python_reads_an_execution() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/python.sh");
    let made = Command::new(script).output().expect("the script runs");
    if made.status.code() == Some(77) {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "Python has to be here");
        eprintln!("skipped: {}", String::from_utf8_lossy(&made.stderr).trim());
        return;
    }
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let python = String::from_utf8(made.stdout).expect("UTF-8");

    let place = Workplace::new();
    let (open, prefix, marks) = loaded(servers, "python", &place);
    let code = blocks("python");
    let [keys, client, call] = &code[..] else { panic!("{} blocks of Python", code.len()) };
    assert!(call.contains("read_execution(connection"), "{call}");
    let program = format!(
        "{keys}\n{client}\n\
         import sys\n\
         connection = happybase.Connection('127.0.0.1', {port})\n\
         for mark in json.loads(sys.argv[1]):\n\
         \x20   summary, reports = read_execution(connection, *mark, tables='{prefix}')\n\
         \x20   listed = [s['executionId'] for s in executions(connection, mark[0], tables='{prefix}')]\n\
         \x20   print(json.dumps([summary, reports, listed]))\n",
        port = servers.thrift_port(),
    );
    place.write("client.py", program);
    let asked: Vec<[&str; 3]> =
        marks.iter().map(|mark| [&*mark.business_id, &*mark.scene_id, &*mark.execution_id]).collect();
    let output = Command::new(python.trim())
        .arg(place.path("client.py"))
        .arg(serde_json::to_string(&asked).expect("JSON"))
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let out = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(out.lines().count(), marks.len());
    let (mut joined, mut overflowing) = (0, 0);
    for (mark, line) in marks.iter().zip(out.lines()) {
        let found: serde_json::Value = serde_json::from_str(line).expect("JSON");
        // What Linkloom itself says.
        let row = linkloom_schema::row_key::link(mark.as_ref());
        let mut wanted = lines(&open, Table::Link, &row);
        let own = wanted.len();
        let as_of = Timestamp(1_900_000_000_000_000);
        let (counts, traces) = open
            .reader()
            .show(mark, as_of, |answer| (answer.counts, answer.trace_ids.clone()))
            .expect("answered")
            .expect("stored");
        for trace in traces {
            wanted.extend(lines(&open, Table::Unlinked, &linkloom_schema::row_key::unlinked_trace(&trace)));
        }
        joined += wanted.len() - own;
        let packs =
            read::list_packs(&*open.store, read::PackRows::all_below(Table::Link, &row), Family::Nodes, None)
                .expect("read");
        overflowing += usize::from(packs.iter().any(|pack| pack.row != row));
        let value = |text: &String| -> serde_json::Value { serde_json::from_str(text).expect("JSON") };
        let mut wanted: Vec<String> = wanted.iter().map(value).map(|report| report.to_string()).collect();
        let reports = found[1].as_array().expect("a list");
        let times: Vec<i64> = reports.iter().map(|report| report["time"].as_i64().expect("a time")).collect();
        assert!(times.is_sorted());
        let mut read: Vec<String> = reports.iter().map(ToString::to_string).collect();
        wanted.sort();
        read.sort();
        assert_eq!(read, wanted);
        assert_eq!(counts.reports, read.len() as u64);
        let summary = execution::summary(&*open.store, mark.as_ref()).expect("read").expect("a summary");
        assert_eq!(found[0]["version"], summary.version);
        assert_eq!(found[0]["status"], summary.status.as_str());
        let all = ListQuery { limit: 1_000, ..ListQuery::default() };
        let list = open.reader().list(&mark.business_id, &all, as_of).expect("answered");
        let listed: Vec<&str> = list.executions.iter().map(|entry| &*entry.execution_id).collect();
        assert_eq!(found[2], serde_json::json!(listed));
    }
    assert!(joined > 0 && overflowing > 0, "{joined} joined, {overflowing} with overflow rows");
}

#[test]
fn java_reads_an_execution() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let place = Workplace::new();
    let (open, prefix, marks) = loaded(servers, "java", &place);
    let code = blocks("java");
    let [program] = &code[..] else { panic!("{} blocks of Java", code.len()) };
    place.write("ReadExecution.java", program);
    let class_path = servers.call(&["class-path"]);
    let options = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/hbase/jvm.opts");
    let mark = &marks[0];
    let output = Command::new("java")
        .arg(format!("@{}", options.display()))
        .args(["-Xmx128m", "-cp", String::from_utf8_lossy(&class_path.stdout).trim()])
        .arg(place.path("ReadExecution.java"))
        .args([&format!("{prefix}link"), &*mark.business_id, &*mark.scene_id, &*mark.execution_id])
        .output()
        .expect("Java runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let out = String::from_utf8(output.stdout).expect("UTF-8");
    let read: BTreeSet<String> =
        out.lines().filter(|line| line.starts_with('{')).map(str::to_owned).collect();
    assert_eq!(read, lines(&open, Table::Link, &linkloom_schema::row_key::link(mark.as_ref())));
}
