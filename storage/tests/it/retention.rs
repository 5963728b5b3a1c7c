//! Retention in the embedded store gives disk space back.

use std::path::Path;

use linkloom_storage::cell::{Cell, Family, Table};
use linkloom_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use linkloom_storage::retention::Retention;
use linkloom_storage::store::{Retry, Rows, Scan, Store};

use crate::subject::{Embedded, Subject, all, batch, cell, noise, noon};

const DAY_BYTES: usize = 3 << 20;
const VALUE_BYTES: usize = 6000;

fn day_of_cells(day: i64) -> Vec<Cell> {
    let count = DAY_BYTES / VALUE_BYTES;
    (0..count as u64)
        .map(|i| Cell {
            expires_by: Some(noon(day)),
            ..cell(
                Table::Link,
                &format!("{:02x}|row{i}", i % 256),
                Family::Nodes,
                &format!("{day}"),
                &noise(i ^ (day as u64) << 20, VALUE_BYTES),
            )
        })
        .collect()
}

/// Bytes and files below a directory, as the file system tells them.
fn measure(dir: &Path) -> (u64, usize) {
    let mut sum = (0, 0);
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let entry = entry.expect("an entry");
        let path = entry.path();
        if path.is_dir() {
            let (bytes, files) = measure(&path);
            sum = (sum.0 + bytes, sum.1 + files);
        } else {
            sum = (sum.0 + entry.metadata().expect("metadata").len(), sum.1 + 1);
        }
    }
    sum
}

#[test]
fn expired_days_are_gone_from_the_directory() {
    let mut subject = Embedded::new(Retention::Days(2));
    subject.expire(noon(20_000)).expect("expired");
    for day in 19_998..=20_001 {
        subject.store().write(&batch(day_of_cells(day))).expect("written");
    }
    // Once with everything in tables and once with the journals still there.
    for (now, days_left) in [(20_001, 3), (20_002, 2), (20_003, 1)] {
        if now == 20_002 {
            subject.reopen();
        }
        let expired = subject.expire(noon(now)).expect("expired");
        assert_eq!(expired.segments, 1);
        assert!(expired.bytes as usize > DAY_BYTES, "{} bytes", expired.bytes);
        subject.store().settle().expect("settled");
        subject.close();
        let (bytes, files) = measure(subject.dir.path());
        let left = (DAY_BYTES * days_left) as u64;
        assert!((left..left + left / 10 + 200_000).contains(&bytes), "{bytes} bytes for {left} of values");
        assert!(files < 60, "{files} files");
        let names = std::fs::read_dir(subject.dir.path().join("cells/keyspaces")).expect("segments");
        // The engine's own, `base`, and a day each.
        assert_eq!(names.count(), 2 + days_left);
        subject.reopen();
        let rows = all(subject.store(), &Scan::new(Table::Link, Rows::Prefix("")).keys_only()).len();
        assert_eq!(rows, days_left * (DAY_BYTES / VALUE_BYTES));
    }
}

#[test]
fn space_is_given_back_while_the_store_is_open() {
    let subject = Embedded::new(Retention::Days(2));
    subject.expire(noon(20_000)).expect("expired");
    for day in 19_998..=20_001 {
        subject.store().write(&batch(day_of_cells(day))).expect("written");
    }
    subject.store().settle().expect("settled");
    let before = subject.store().disk_bytes().expect("measured");
    let expired = subject.expire(noon(20_003)).expect("expired");
    assert_eq!(expired.segments, 3);
    let after = subject.store().disk_bytes().expect("measured");
    assert!(before - after > 3 * DAY_BYTES as u64, "{before} bytes before, {after} after");
    assert!(before - after >= expired.bytes / 10 * 9, "{} said, {} gone", expired.bytes, before - after);
}

#[test]
fn a_scan_that_runs_while_its_segments_go_is_not_disturbed() {
    let subject = Embedded::new(Retention::Days(2));
    subject.expire(noon(20_000)).expect("expired");
    for day in [19_998, 20_001] {
        subject.store().write(&batch(day_of_cells(day))).expect("written");
    }
    let store = subject.store();
    let mut cells = 0;
    store
        .scan(&Scan::new(Table::Link, Rows::Prefix("")), &mut |c| {
            if cells == 0 {
                // On another thread, as in life; here the scan waits for it.
                std::thread::scope(|scope| {
                    let expiry = scope.spawn(|| store.expire(noon(20_002)));
                    assert_eq!(expiry.join().expect("no panic").expect("expired").segments, 1);
                });
            }
            assert_eq!(c.value.len(), VALUE_BYTES);
            cells += 1;
            std::ops::ControlFlow::Continue(())
        })
        .expect("scanned");
    assert_eq!(cells, 2 * (DAY_BYTES / VALUE_BYTES));
    let left = all(store, &Scan::new(Table::Link, Rows::Prefix("")).keys_only()).len();
    assert_eq!(left, DAY_BYTES / VALUE_BYTES);
}

#[test]
fn the_kind_of_retention_is_fixed_and_the_days_are_not() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let open =
        |retention| EmbeddedStore::open(dir.path(), EmbeddedOptions { retention, ..Default::default() });
    drop(open(Some(Retention::Days(3))).expect("created"));
    drop(open(None).expect("as created"));
    let Err(error) = open(Some(Retention::Forever)) else { panic!("opened") };
    assert_eq!(error.retry(), Retry::Never);
    assert!(
        error.to_string().ends_with(
            "it was created with a retention in days, keeping everything forever needs a new store"
        ),
        "{error}"
    );
    let store = open(Some(Retention::Days(10))).expect("other days");
    store.expire(noon(20_000)).expect("expired");
    assert_eq!(store.horizon(), Some(linkloom_schema::time::Timestamp(19_990 * 86_400_000_000)));
    drop(store);
    // Longer from now on: what is gone stays gone.
    let store = open(Some(Retention::Days(20))).expect("more days");
    store.expire(noon(20_001)).expect("expired");
    assert_eq!(store.horizon(), Some(linkloom_schema::time::Timestamp(19_990 * 86_400_000_000)));
    drop(store);
    let store = open(Some(Retention::Days(2))).expect("fewer days");
    store.expire(noon(20_001)).expect("expired");
    assert_eq!(store.horizon(), Some(linkloom_schema::time::Timestamp(19_999 * 86_400_000_000)));
    drop(store);

    let other = tempfile::tempdir().expect("a temporary directory");
    drop(EmbeddedStore::open(other.path(), EmbeddedOptions::default()).expect("created"));
    let days = EmbeddedOptions { retention: Some(Retention::Days(3)), ..Default::default() };
    let Err(error) = EmbeddedStore::open(other.path(), days) else { panic!("opened") };
    assert!(
        error
            .to_string()
            .ends_with("it was created to keep everything forever, a retention in days needs a new store"),
        "{error}"
    );
}
