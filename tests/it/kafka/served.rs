//! A topic with everything in it that a topic can have, served, verified, and read again.

use std::ops::ControlFlow;

use linkloom::workload::WorkloadConfig;
use linkloom_ingest::source::kafka::NewRecord;
use linkloom_storage::cell::Table;
use linkloom_storage::store::{Rows, Scan, Store};

use crate::kill::{Reports, assert_same_answers, finish, ingest, open, stored};
use crate::support::from_env;
use crate::support::kafka::{broker, write_lines};
use crate::support::serve::{Server, Serving, dsl, linkloom, until};

/// Cells of everything that holds reports and what is made of them.
fn cells(store: &dyn Store) -> Vec<(Table, usize)> {
    let tables = [Table::Link, Table::Recent, Table::Trace, Table::Unlinked, Table::Dead];
    let count = |table| {
        let mut cells = 0;
        let scanned = store.scan(&Scan::new(table, Rows::Prefix("")).keys_only(), &mut |_| {
            cells += 1;
            ControlFlow::Continue(())
        });
        scanned.expect("the store answers");
        (table, cells)
    };
    tables.map(count).to_vec()
}

#[track_caller]
fn run(arguments: &[&str]) -> String {
    let output = linkloom(arguments).output().expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}\n{said}{}",
        String::from_utf8_lossy(&output.stdout)
    );
    format!("{}{said}", String::from_utf8_lossy(&output.stdout))
}

#[test]
fn every_record_is_stored_or_a_dead_letter_and_answers_are_those_of_files() {
    let Some(broker) = broker() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let dsl = dsl(folder.path());
    let lines = from_env("LINKLOOM_KAFKA_REPORTS", 20_000);
    let config = WorkloadConfig {
        lines,
        seed: 4,
        // In every batch, as a topic's batches go.
        malformed_per_million: 20_000,
        duplicates_per_million: 20_000,
        late_per_million: 20_000,
        unmarked_logs_per_million: 20_000,
        ..WorkloadConfig::default()
    };
    let reports = Reports::of(folder.path().join("reports.ndjson"), config);
    let bytes = std::fs::read(&reports.path).expect("read");
    let all: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();

    broker.topic("served", 4);
    let writer = broker.writer();
    let (first, second) = all.split_at(all.len() / 2);
    write_lines(&writer, "served", 4, 50, first);
    let huge = vec![b'x'; 1_500_000];
    let odd: [NewRecord<'_>; 5] = [
        NewRecord { value: None, ..NewRecord::default() },
        NewRecord { value: Some(b""), key: Some(b"\xff\xfe not text"), ..NewRecord::default() },
        NewRecord { value: Some(b"\xff\xfe"), ..NewRecord::default() },
        NewRecord { value: Some(&huge), ..NewRecord::default() },
        NewRecord { value: None, key: Some(b"\x80"), time_ms: Some(1), ..NewRecord::default() },
    ];
    for (partition, record) in (0..4).flat_map(|partition| odd.map(|record| (partition, record))) {
        writer.send("served", &NewRecord { partition: Some(partition), ..record }).expect("sent");
    }
    write_lines(&writer, "served", 4, 50, second);
    writer.flush().expect("written");
    let total = all.len() as u64 + 20;

    let store = folder.path().join("served");
    let serving = Serving { brokers: &broker.address, topics: "served", group: "served", dsl: Some(&dsl) };
    let server = Server::start(&store, &serving);
    until("all is read", || server.metric("linkloom_positions_read_total") == Some(total));
    until("all is committed", || server.metric("linkloom_kafka_lag") == Some(0));
    let metrics = server.metrics().expect("metrics");
    for partition in 0..4 {
        let line = format!("linkloom_kafka_lag{{topic=\"served\",partition=\"{partition}\"}} 0\n");
        assert!(metrics.contains(&line), "{line} in\n{metrics}");
    }
    assert!(server.metric("linkloom_kafka_commits_total") > Some(0), "{metrics}");
    assert_eq!(server.metric("linkloom_kafka_partitions"), Some(4));
    let log = server.stop();
    assert!(!log.contains("ERROR"), "{log}");

    let name = store.to_str().expect("UTF-8");
    let topic = ["--topic", "served", "--brokers", &broker.address];
    let verify = |store: &str| run(&[&["verify", "--store", store][..], &topic].concat());
    let verified = verify(name);
    let counted = |name: &str, count: u64| format!("{name:<12}{:>15}", linkloom::terminal::grouped(count));
    for line in [counted("read", total), counted("missing", 0)] {
        assert!(verified.contains(&line), "{line} in\n{verified}");
    }
    let dead = run(&["dead", "list", "--store", name, "--limit", "1000", "--output", "json"]);
    let origin = r#""source":"served""#;
    assert!(dead.contains(origin), "{origin} in\n{dead}");

    // Read again, beside what is stored: nothing changes.
    let before = cells(&*open(&store).0);
    for _ in 0..2 {
        let said = run(&[&["backfill", "--store", name, "--no-progress"][..], &topic].concat());
        let grouped = linkloom::terminal::grouped(total);
        let line = format!("{grouped} records of served read, {grouped} of them were stored before");
        assert!(said.contains(&line), "{line} in\n{said}");
        assert_eq!(cells(&*open(&store).0), before);
    }
    // Only part of it, by time and by offset.
    let part = ["--from", "10", "--to", "60", "--anew"];
    let said = run(&[&["backfill", "--store", name, "--no-progress"][..], &topic, &part].concat());
    assert!(said.contains("200 records of served read"), "{said}");
    let said = run(&[&["verify", "--store", name, "--to", "2020-01-01"][..], &topic].concat());
    assert!(said.contains(&counted("read", 0)), "nothing is as old as that\n{said}");

    // Into an empty store it makes the same answers, and so does a file.
    let again = folder.path().join("again");
    run(&[&["backfill", "--store", again.to_str().expect("UTF-8"), "--no-progress"][..], &topic].concat());
    verify(again.to_str().expect("UTF-8"));
    let file = folder.path().join("file");
    finish(ingest(&file, &dsl, &reports.path));
    let empty = folder.path().join("empty.ndjson");
    std::fs::write(&empty, "").expect("written");
    finish(ingest(&again, &dsl, &empty));
    let (file_store, file_open) = open(&file);
    let (identities, dead) = stored(&*file_store);
    assert!(identities == reports.identities() && dead == reports.malformed);
    for path in [&store, &again] {
        let (store, opened) = open(path);
        let (identities, dead) = stored(&*store);
        assert!(identities == reports.identities(), "what is in the topic is what is stored");
        assert_eq!(dead, reports.malformed + 20, "one dead letter for each refused record");
        assert_same_answers(&reports, &opened, &file_open);
    }
}
