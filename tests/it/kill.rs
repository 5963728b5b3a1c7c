//! kill -9 of the real process at any moment of an ingest: resumed to the end, it is as if nothing had happened.
//!
//! `LINKLOOM_KILL_REPORTS=1000000` makes the file larger, `LINKLOOM_KILLS=n` and `LINKLOOM_KILL_SEED=n` choose how often
//! and when.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use linkloom::config::Config;
use linkloom::service::OpenStore;
use linkloom::workload::{ExecutionExpected, Workload, WorkloadConfig, definitions};
use linkloom_ingest::decode::{Limits, decode};
use linkloom_query::ListQuery;
use linkloom_schema::report::{Identity, ReportKind};
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Family, Table};
use linkloom_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use linkloom_storage::pack::{PackText, decompress};
use linkloom_storage::store::{Rows, Scan, Store};

use crate::support::{Random, from_env};

/// A file of reports, and what must come of it.
pub(crate) struct Reports {
    pub(crate) path: PathBuf,
    bytes: u64,
    executions: Vec<ExecutionExpected>,
    pub(crate) malformed: u64,
}

impl Reports {
    fn make(path: PathBuf, lines: u64) -> Self {
        Self::of(
            path,
            WorkloadConfig {
                lines,
                seed: 9,
                duplicates_per_million: 20_000,
                late_per_million: 20_000,
                unmarked_logs_per_million: 20_000,
                ..WorkloadConfig::default()
            },
        )
    }

    pub(crate) fn of(path: PathBuf, config: WorkloadConfig) -> Self {
        let config = WorkloadConfig { track_executions: true, ..config };
        let mut workload = Workload::new(config);
        let mut file = BufWriter::new(File::create(&path).expect("created"));
        workload.write_to(&mut file).expect("written");
        drop(file);
        let executions = workload.take_finished();
        let expected = workload.expected();
        assert_eq!(executions.len() as u64, expected.executions, "all are told");
        Reports { path, bytes: expected.bytes, executions, malformed: expected.malformed }
    }

    /// Identities of all reports in the file.
    pub(crate) fn identities(&self) -> BTreeSet<Identity> {
        let lines = BufReader::new(File::open(&self.path).expect("opened")).split(b'\n');
        let mut identities = BTreeSet::new();
        for line in lines {
            let line = line.expect("read");
            if let Ok(report) = decode(&line, None, &Limits::default()) {
                identities.insert(report.identity);
            }
        }
        identities
    }
}

/// Starts an ingest with small flushes, so that there is much to be killed in.
pub(crate) fn ingest(store: &Path, dsl: &Path, reports: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_linkloom"))
        .args(["ingest", "--no-progress", "--store"])
        .arg(store)
        .arg("--dsl")
        .arg(dsl)
        .arg(reports)
        .env("LINKLOOM__FLUSH__REPORTS_MAX", "1500")
        .env("LINKLOOM__FLUSH__DELAY_MS", "100")
        .env("LINKLOOM__ASSEMBLER__SUMMARY_DELAY_MS", "50")
        .env("LINKLOOM__LOG__LEVEL", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

#[track_caller]
pub(crate) fn finish(child: Child) {
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}

/// One number of `/proc/PID/io`; `None` once the process is gone.
pub(crate) fn io_figure(pid: u32, name: &str) -> Option<u64> {
    let figures = std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let line = figures.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))?;
    line.trim().parse().ok()
}

/// Kills the process once it has read or written so many bytes; whether it came to that.
fn kill_after(mut child: Child, figure: &str, bytes: u64) -> bool {
    loop {
        if child.try_wait().expect("it can be waited for").is_some() {
            finish(child);
            return false;
        }
        if io_figure(child.id(), figure).is_some_and(|now| now >= bytes) {
            child.kill().expect("it can be killed");
            let status = child.wait().expect("it ends");
            return status.code().is_none();
        }
        std::thread::yield_now();
    }
}

pub(crate) fn open(path: &Path) -> (Arc<EmbeddedStore>, OpenStore) {
    let store = Arc::new(EmbeddedStore::open(path, EmbeddedOptions::default()).expect("opens"));
    let open = OpenStore::new(store.clone(), &Config::default()).expect("opens");
    (store, open)
}

/// Identities of all stored reports, and how many dead letters there are.
pub(crate) fn stored(store: &dyn Store) -> (BTreeSet<Identity>, u64) {
    let mut identities = BTreeSet::new();
    for (table, family) in [Table::Link, Table::Unlinked]
        .into_iter()
        .flat_map(|table| [Family::Nodes, Family::BusinessLogs].map(|family| (table, family)))
    {
        let scanned = store.scan(&Scan::new(table, Rows::Prefix("")).family(family), &mut |cell| {
            let mark = (table == Table::Link)
                .then(|| linkloom_schema::row_key::decode_link(cell.row).expect("a row key").0);
            let pack = PackText::new(decompress(cell.value).expect("a pack")).expect("a pack");
            for line in pack.lines() {
                let mark = mark.as_ref().map(linkloom_schema::ids::LinkMark::as_ref);
                let report = linkloom_schema::report::decode_stored(line.as_bytes(), mark).expect("a report");
                assert_eq!(report.kind == ReportKind::Log, family == Family::BusinessLogs);
                identities.insert(report.identity);
            }
            std::ops::ControlFlow::Continue(())
        });
        scanned.expect("the store answers");
    }
    let mut dead = 0;
    let scanned = store.scan(&Scan::new(Table::Dead, Rows::Prefix("")).keys_only(), &mut |_| {
        dead += 1;
        std::ops::ControlFlow::Continue(())
    });
    scanned.expect("the store answers");
    (identities, dead)
}

/// Lists of all business ids and pages of all executions of two stores, side by side.
pub(crate) fn assert_same_answers(reports: &Reports, one: &OpenStore, other: &OpenStore) {
    let (one, other) = (one.reader(), other.reader());
    let as_of = Timestamp(1_772_323_200_000_000 + 3_600_000_000);
    let businesses: BTreeSet<&str> = reports.executions.iter().map(|e| &*e.mark.business_id).collect();
    let query = ListQuery { limit: 1_000_000, ..ListQuery::default() };
    let mut listed = 0;
    for business in businesses {
        let [a, b] =
            [&one, &other].map(|reader| reader.list(business, &query, as_of).expect("the store answers"));
        let [a_text, b_text] =
            [&a, &b].map(|list| serde_json::to_string(list).expect("an answer serialises"));
        assert_eq!(a_text, b_text, "link list {business}");
        listed += a.executions.len();
    }
    assert_eq!(listed, reports.executions.len(), "every execution is in a list");
    for expected in &reports.executions {
        let [a, b] = [&one, &other].map(|reader| {
            let show = reader.show(&expected.mark, as_of, |answer| {
                (serde_json::to_string(answer).expect("an answer serialises"), answer.counts)
            });
            show.expect("the store answers").unwrap_or_else(|| panic!("{:?} is stored", expected.mark))
        });
        assert_eq!(a.0, b.0, "link show {:?}", expected.mark);
        let nodes = a.1.reports - a.1.logs;
        assert_eq!(
            (nodes, a.1.logs),
            (u64::from(expected.node_reports), u64::from(expected.logs)),
            "{:?}",
            expected.mark
        );
    }
}

#[test]
fn killed_at_any_moment_and_resumed_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dsl = folder.path().join("dsl");
    std::fs::create_dir(&dsl).expect("created");
    for (scene, definition) in definitions() {
        std::fs::write(dsl.join(format!("{scene}.json")), definition).expect("written");
    }
    let reports =
        Reports::make(folder.path().join("reports.ndjson"), from_env("LINKLOOM_KILL_REPORTS", 60_000));
    let (disturbed, undisturbed) = (folder.path().join("disturbed"), folder.path().join("undisturbed"));

    let kills = from_env("LINKLOOM_KILLS", 22);
    let mut random = Random(from_env("LINKLOOM_KILL_SEED", 1));
    let mut killed = 0;
    for kill in 0..kills {
        let child = ingest(&disturbed, &dsl, &reports.path);
        // Of the file, or of what is written from it; some before anything is read. A share, so that all kills come
        // before the end.
        let figure = ["rchar", "wchar"][random.below(2)];
        let share = reports.bytes / kills;
        let bytes =
            if kill + 1 == kills && figure == "rchar" { reports.bytes } else { random.next() % share };
        killed += u64::from(kill_after(child, figure, bytes));
    }
    println!("killed {killed} times");
    assert!(killed >= kills.min(20), "killed only {killed} times: make the file longer");
    finish(ingest(&disturbed, &dsl, &reports.path));
    finish(ingest(&undisturbed, &dsl, &reports.path));

    let (one, one_open) = open(&disturbed);
    let (_other, other_open) = open(&undisturbed);
    let (identities, dead) = stored(&*one);
    assert!(identities == reports.identities(), "what is in the file is what is stored");
    assert_eq!(dead, reports.malformed, "one dead letter for each refused line");
    assert_same_answers(&reports, &one_open, &other_open);
}
