//! A process is killed while it writes: everything it acknowledged is there afterwards.
//!
//! The test runs its own binary again as the victim, which writes without end and tells each acknowledged batch on its
//! standard output; the test kills it (`SIGKILL`) after some number of those, no clock involved.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use linkloom_storage::cell::{Cell, Family, Table};
use linkloom_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use linkloom_storage::retention::Retention;
use linkloom_storage::store::{Rows, Scan, Store, StoreError};

use crate::subject::{all, batch, cell, noise, noon};

const STORE: &str = "LINKLOOM_TEST_KILL_STORE";
const FIRST: &str = "LINKLOOM_TEST_KILL_FIRST";
const CELLS: u64 = 20;
const WRITERS: usize = 3;

fn options() -> EmbeddedOptions {
    // Small, so that the kill also hits memtables being written out and compactions.
    EmbeddedOptions {
        memtable_bytes: 1 << 20,
        write_buffer_bytes: 3 << 20,
        retention: Some(Retention::Days(3)),
        ..EmbeddedOptions::default()
    }
}

fn cells_of(number: u64) -> Vec<Cell> {
    let one = |i: u64| Cell {
        expires_by: (!i.is_multiple_of(4)).then(|| noon(20_000 + (i % 4) as i64)),
        ..cell(
            Table::Link,
            &format!("{number:08}"),
            Family::Nodes,
            &format!("{i:02}"),
            &noise(number * CELLS + i, (number * 37 + i * 211) as usize % 3000),
        )
    };
    (0..CELLS).map(one).collect()
}

/// Not a test of its own: the victim, when the environment says so.
#[test]
fn victim() {
    let (Ok(dir), Ok(first)) = (std::env::var(STORE), std::env::var(FIRST)) else { return };
    let store = EmbeddedStore::open(dir, options()).expect("opened");
    let next = AtomicU64::new(first.parse().expect("a number"));
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    store.write(&batch(cells_of(number))).expect("written");
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "acknowledged {number}")
                        .and_then(|()| out.flush())
                        .expect("the parent listens");
                }
            });
        }
    });
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    drop(EmbeddedStore::open(dir.path(), options()).expect("created"));
    let mut acknowledged: Vec<u64> = Vec::new();
    for (round, after) in [1, 40, 7, 90, 150].into_iter().enumerate() {
        let mut victim = Command::new(std::env::current_exe().expect("a test binary"))
            .args(["--exact", "kill::victim", "--nocapture", "--test-threads=1"])
            .env(STORE, dir.path())
            .env(FIRST, (round * 1_000_000).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the victim starts");
        let mut lines = BufReader::new(victim.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let number =
            |line: String| line.rsplit_once("acknowledged ").and_then(|(_, n)| n.parse::<u64>().ok());
        acknowledged.extend(lines.by_ref().filter_map(number).take(after));
        if round == 0 {
            // The victim lives and owns the store.
            let Err(StoreError::Owned { pid, .. }) = EmbeddedStore::open(dir.path(), options()) else {
                panic!("the store of a living process was opened")
            };
            assert_eq!(pid, victim.id());
        }
        victim.kill().expect("killed");
        // What it still got out before it died counts, too.
        acknowledged.extend(lines.filter_map(number));
        victim.wait().expect("reaped");

        let store = EmbeddedStore::open(dir.path(), options()).expect("opened after the kill");
        for number in &acknowledged {
            for want in cells_of(*number) {
                let got = store.get(want.table, &want.row, want.family, &want.qualifier).expect("read");
                assert!(got.as_ref() == Some(&want.value), "batch {number}, cell {} is lost", want.qualifier);
            }
        }
        let rows = all(&store, &Scan::new(Table::Link, Rows::Prefix("")).keys_only()).len();
        assert!(rows >= acknowledged.len() * CELLS as usize);
    }
    assert!(acknowledged.len() >= 1 + 40 + 7 + 90 + 150);
}
