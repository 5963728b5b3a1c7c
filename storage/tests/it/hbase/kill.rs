//! HBase and the gateway are killed while writers write: what was acknowledged is there afterwards.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use linkloom_storage::cell::{Cell, Family, Table};
use linkloom_storage::hbase::HbaseStore;
use linkloom_storage::retention::Retention;
use linkloom_storage::store::{Retry, Rows, Scan, Store, StoreError};

use super::servers::{HbaseServers, hbase_servers};
use super::subject;
use crate::subject::{all, batch, cell, noise, noon};

const WRITERS: u64 = 3;
const CELLS: u64 = 40;

/// The cells of one batch, over tables and timestamps, so that it is several calls.
fn cells_of(scope: &str, number: u64) -> Vec<Cell> {
    let one = |i: u64| {
        let table = [Table::Link, Table::Unlinked, Table::Meta][(i % 3) as usize];
        let family = if table == Table::Meta { Family::Link } else { Family::Nodes };
        let value = noise(number * CELLS + i, 100);
        Cell {
            expires_by: (!i.is_multiple_of(5)).then(|| noon(20_000 + (i % 4) as i64)),
            ..cell(table, &format!("{scope}{number:08}"), family, &format!("{i:02}"), &value)
        }
    };
    (0..CELLS).map(one).collect()
}

/// As the pipeline does it: until it is acknowledged. Returns how often it had to be repeated.
fn write_until_acknowledged(store: &HbaseStore, cells: Vec<Cell>) -> u64 {
    let batch = batch(cells);
    let began = Instant::now();
    let mut repeated = 0;
    loop {
        match store.write(&batch) {
            Ok(()) => return repeated,
            Err(error) => {
                assert_eq!(error.retry(), Retry::WithBackoff, "{error}");
                assert!(error.to_string().lines().count() == 1, "{error}");
                assert!(began.elapsed() < Duration::from_secs(400), "{error}");
                repeated += 1;
                std::thread::park_timeout(Duration::from_millis(50));
            }
        }
    }
}

/// Writes on several threads while `harm` is done, and a while before and after it.
fn while_writing(servers: &HbaseServers, scope: &str, harm: impl FnOnce()) -> u64 {
    let mut options = subject::options(servers, Retention::Forever);
    options.timeout = Duration::from_secs(5);
    let store = HbaseStore::open(options).expect("opened");
    let (next, done, repeated) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for _ in 0..WRITERS {
            threads.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let times = write_until_acknowledged(&store, cells_of(scope, number));
                    repeated.fetch_add(times, Ordering::SeqCst);
                    done.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let reach = |count: u64| {
            let began = Instant::now();
            while done.load(Ordering::SeqCst) < count {
                assert!(began.elapsed() < Duration::from_secs(400), "the writers do not go on");
                std::thread::park_timeout(Duration::from_millis(5));
            }
        };
        reach(20);
        harm();
        reach(done.load(Ordering::SeqCst) + 20);
        stop.store(true, Ordering::SeqCst);
    });
    let written = done.load(Ordering::SeqCst);
    for number in 0..written {
        for want in cells_of(scope, number) {
            let got = store.get(want.table, &want.row, want.family, &want.qualifier).expect("read");
            assert!(got.as_ref() == Some(&want.value), "batch {number}, cell {} is lost", want.qualifier);
        }
    }
    let rows = all(&store, &Scan::new(Table::Meta, Rows::Prefix(scope)).keys_only()).len() as u64;
    assert_eq!(rows, written * CELLS.div_ceil(3).min(13), "nothing is doubled");
    eprintln!("{written} batches of {CELLS} cells, repeated {} times", repeated.load(Ordering::SeqCst));
    repeated.load(Ordering::SeqCst)
}

#[test]
fn a_kill_of_hbase_loses_nothing() {
    let Some(servers) = hbase_servers() else { return };
    let _alone = servers.alone();
    let repeated = while_writing(servers, "kill-hbase|", || {
        servers.call(&["kill-hbase"]);
        servers.call(&["start-hbase"]);
        servers.call(&["start-thrift"]);
    });
    assert!(repeated > 0, "the kill went by unnoticed");
}

#[test]
fn a_kill_of_the_gateway_loses_nothing() {
    let Some(servers) = hbase_servers() else { return };
    let _alone = servers.alone();
    let repeated = while_writing(servers, "kill-thrift|", || {
        servers.call(&["kill-thrift"]);
        servers.call(&["start-thrift"]);
    });
    assert!(repeated > 0, "the kill went by unnoticed");
}

#[test]
fn a_second_gateway_takes_over() {
    let Some(servers) = hbase_servers() else { return };
    let _alone = servers.alone();
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port();
    let second = port.to_string();
    servers.call(&["start-thrift", &second]);
    let mut options = subject::options(servers, Retention::Forever);
    options.gateways.push(format!("127.0.0.1:{second}"));
    // The first call through a fresh gateway takes seconds on a busy machine.
    options.timeout = Duration::from_secs(60);
    let store = HbaseStore::open(options).expect("opened");
    let write = |number| store.write(&batch(cells_of("take-over|", number)));
    (0..20).for_each(|number| write(number).expect("written"));
    for (number, gateway) in [(20, servers.thrift_port().to_string()), (40, second.clone())] {
        servers.call(&["kill-thrift", &gateway]);
        // Not even once is an error seen: the other one is there at once.
        for number in number..number + 20 {
            write(number).unwrap_or_else(|error: StoreError| panic!("gateway {gateway} is gone: {error}"));
        }
        servers.call(&["start-thrift", &gateway]);
    }
    servers.call(&["kill-thrift", &second]);
    assert!(store.figures().reconnects() > 0);
    for number in 0..60 {
        for want in cells_of("take-over|", number) {
            let got = store.get(want.table, &want.row, want.family, &want.qualifier).expect("read");
            assert!(got.as_ref() == Some(&want.value), "batch {number}, cell {} is lost", want.qualifier);
        }
    }
}
