//! HBase and the gateway are killed under a running ingest: nothing is lost, nothing is doubled.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;

use linkloom::config::Config;
use linkloom::service::{OpenStore, open_embedded};
use linkloom_query::ListQuery;
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::Table;
use linkloom_storage::store::{Rows, Scan, Store};

use super::servers::{HbaseServers, hbase_servers};
use super::{config, load, store, workload};
use crate::workplace::Workplace;

const LINES: u64 = 9_000;

/// Waits until the store holds more cells of `link` than before.
fn more_than(store: &dyn Store, before: usize) -> usize {
    let began = std::time::Instant::now();
    loop {
        let mut cells = 0;
        let scanned = store.scan(&Scan::new(Table::Link, Rows::Prefix("")).keys_only(), &mut |_| {
            cells += 1;
            std::ops::ControlFlow::Continue(())
        });
        if scanned.is_ok() && cells > before {
            return cells;
        }
        assert!(began.elapsed().as_secs() < 300, "nothing comes any more: {scanned:?}");
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
}

fn harm(servers: &HbaseServers, round: usize) {
    if round == 0 {
        servers.call(&["kill-hbase"]);
        servers.call(&["start-hbase"]);
    } else {
        servers.call(&["kill-thrift"]);
    }
    servers.call(&["start-thrift"]);
}

#[test]
fn an_ingest_outlives_kills_of_hbase_and_of_the_gateway() {
    let Some(servers) = hbase_servers() else { return };
    let _alone = servers.alone();
    let place = Workplace::new();
    let file = place.path("reports.ndjson");
    let expected = workload(&file, LINES, 11);
    let config = config(servers, "outage");
    let hbase = store(&config);

    // Through a pipe, a third at a time, so that the kills come while there is more to write.
    let text = std::fs::read(&file).expect("read");
    let thirds = [text.len() / 3, text.len() * 2 / 3, text.len()];
    let mut command = place.command(&["ingest", "--no-progress", "--hbase", &servers.gateway(), "-"]);
    command
        .env("LINKLOOM__HBASE__TABLE_PREFIX", &config.hbase.table_prefix)
        .env("LINKLOOM__HBASE__TIMEOUT_MS", "3000")
        .env("LINKLOOM__FLUSH__REPORTS_MAX", "300")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    let (mut begin, mut cells) = (0, 0);
    for (round, end) in thirds.into_iter().enumerate() {
        std::thread::scope(|scope| {
            let (pipe, part) = (&mut pipe, &text[begin..end]);
            let writer = scope.spawn(move || pipe.write_all(part).expect("it reads on"));
            cells = more_than(&*hbase, cells);
            if round < 2 {
                harm(servers, round);
            }
            writer.join().expect("written");
        });
        begin = end;
    }
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);

    let place = place.with_env("LINKLOOM__HBASE__TABLE_PREFIX", &config.hbase.table_prefix);
    let verified =
        place.run(&["verify", "--hbase", &servers.gateway(), "--output", "json", "reports.ndjson"]);
    let verified = verified.ended_with(0).json();
    assert_eq!((&verified["missing"], &verified["read"]), (&0.into(), &LINES.into()), "{verified}");

    let embedded = open_embedded(&place.path("store"), &Config::default()).expect("opened");
    let embedded = load(Arc::new(embedded), &Config::default(), &[&file]);
    let hbase = OpenStore::new(hbase, &config).expect("opened");
    let as_of = Timestamp(1_900_000_000_000_000);
    // Without definitions there, so only what was reported is compared.
    let counts = |open: &OpenStore, mark: &LinkMark| {
        open.reader().show(mark, as_of, |answer| answer.counts).expect("answered").expect("it is stored")
    };
    let all = ListQuery { limit: 1_000, ..ListQuery::default() };
    for of in &expected {
        let found = counts(&hbase, &of.mark);
        assert_eq!(found, counts(&embedded, &of.mark), "{:?}", of.mark);
        assert_eq!(found.reports, u64::from(of.node_reports) + u64::from(of.logs), "{:?}", of.mark);
        let list = hbase.reader().list(&of.mark.business_id, &all, as_of).expect("answered");
        assert!(
            list.executions.iter().any(|entry| *entry.execution_id == *of.mark.execution_id),
            "{:?}",
            of.mark
        );
    }
}
