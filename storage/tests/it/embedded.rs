//! What only the embedded store promises: one owner, small directories, bounded memory, clear refusals.

use std::path::Path;

use linkloom_storage::cell::{Family, Table};
use linkloom_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use linkloom_storage::retention::Retention;
use linkloom_storage::store::{Retry, Rows, Scan, Store, StoreError};

use crate::subject::{Embedded, Subject, all, batch, cell, noise, put};

fn open(dir: &Path) -> Result<EmbeddedStore, StoreError> {
    EmbeddedStore::open(dir, EmbeddedOptions::default())
}

#[track_caller]
fn refused(outcome: Result<EmbeddedStore, StoreError>, text: &str) {
    let Err(error) = outcome else { panic!("opened") };
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
    assert_eq!(error.retry(), Retry::Never);
    assert!(error.to_string().contains(text), "{error}");
}

#[test]
fn a_store_has_one_owner_at_a_time() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = open(dir.path()).expect("opened");
    let Err(StoreError::Owned { pid, api: None, .. }) = open(dir.path()) else { panic!("not owned") };
    assert_eq!(pid, std::process::id());
    store.set_api("127.0.0.1:7070").expect("written");
    let Err(error) = open(dir.path()) else { panic!("opened twice") };
    let want = format!(
        "{} is owned by process {}, its API is at 127.0.0.1:7070",
        dir.path().display(),
        std::process::id()
    );
    assert_eq!(error.to_string(), want);
    put(&store, &[("r", "q", "v")]);
    drop(store);
    let store = open(dir.path()).expect("free again");
    assert_eq!(all(&store, &Scan::new(Table::Link, Rows::Prefix(""))), ["r n:q=v"]);
}

#[test]
fn what_a_dead_owner_left_behind_is_taken_over() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    drop(open(dir.path()).expect("created"));
    std::fs::write(dir.path().join("owner.json"), r#"{"pid":1,"api":"gone:1"}"#).expect("written");
    let store = open(dir.path()).expect("taken over");
    let Err(StoreError::Owned { pid, api, .. }) = open(dir.path()) else { panic!("not owned") };
    assert_eq!((pid, api), (std::process::id(), None));
    drop(store);
    assert!(!dir.path().join("owner.json").exists());
}

#[test]
fn a_newer_format_is_refused_and_nonsense_is_corrupt() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    drop(open(dir.path()).expect("created"));
    let file = dir.path().join("linkloom-store.json");
    assert_eq!(std::fs::read_to_string(&file).expect("there"), r#"{"format":1}"#);
    std::fs::write(&file, r#"{"format":2,"somethingNew":true}"#).expect("written");
    refused(open(dir.path()), "it has format 2 of a newer release, this one reads formats up to 1");
    for nonsense in ["", "{", "[]", r#"{"format":"1"}"#, r#"{"format":1,"retentionDays":-1}"#] {
        std::fs::write(&file, nonsense).expect("written");
        let Err(error) = open(dir.path()) else { panic!("opened with {nonsense}") };
        assert!(matches!(error, StoreError::Corrupt { .. }), "{nonsense}: {error:?}");
    }
}

#[test]
fn a_directory_of_something_else_is_left_alone() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("thesis.txt"), "do not touch").expect("written");
    refused(open(dir.path()), r#"it is no store: it has no linkloom-store.json but holds "thesis.txt""#);
    assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), 1);
    let file = dir.path().join("thesis.txt");
    assert!(open(&file).is_err());
}

#[test]
fn options_out_of_range_are_all_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let options = EmbeddedOptions {
        cache_bytes: 0,
        memtable_bytes: 1,
        journal_bytes: 1,
        worker_threads: 0,
        retention: Some(Retention::Days(0)),
        ..EmbeddedOptions::default()
    };
    let Err(error) = EmbeddedStore::open(dir.path(), options) else { panic!("opened") };
    let text = error.to_string();
    for name in ["cache_bytes", "memtable_bytes", "journal_bytes", "worker_threads", "retention = 0 days"] {
        assert!(text.contains(name), "{name} is missing: {text}");
    }
}

#[test]
fn a_store_that_died_being_made_can_be_made_again() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    drop(open(dir.path()).expect("created"));
    // As after a crash before the engine had written its marker.
    let cells = dir.path().join("cells");
    std::fs::remove_file(cells.join("version")).expect("removed");
    std::fs::remove_dir_all(cells.join("keyspaces").join("1")).expect("removed");
    put(&open(dir.path()).expect("made again"), &[("r", "q", "v")]);
    // With cells in it, it is damage, and nothing is touched.
    std::fs::remove_file(cells.join("version")).expect("removed");
    let Err(error) = open(dir.path()) else { panic!("opened") };
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert!(cells.join("keyspaces").join("1").exists());
}

/// Small bounds, so that memtables are sealed, written and compacted all the time.
fn tight() -> EmbeddedOptions {
    EmbeddedOptions { memtable_bytes: 1 << 20, write_buffer_bytes: 3 << 20, ..EmbeddedOptions::default() }
}

#[test]
fn a_load_many_times_the_buffers_comes_back_whole() {
    const ROWS: u64 = 3000;
    let mut subject = Embedded::with(tight());
    let value = |i: u64| noise(i, if i.is_multiple_of(3) { 300 } else { 12_000 });
    let write = |subject: &Embedded, part: u64| {
        let rows = (0..ROWS).filter(|i| i % 10 == part);
        let cells = rows.map(|i| cell(Table::Link, &format!("{i:05}"), Family::Nodes, "q", &value(i)));
        subject.store().write(&batch(cells)).expect("written");
    };
    for part in 0..10 {
        write(&subject, part);
    }
    // Half of it again: a retry.
    for part in 0..5 {
        write(&subject, part);
    }
    let check = |subject: &Embedded| {
        let mut next = 0;
        subject
            .store()
            .scan(&Scan::new(Table::Link, Rows::Prefix("")), &mut |c| {
                assert_eq!(c.row, format!("{next:05}"));
                assert!(c.value == value(next), "row {next} came back changed");
                next += 1;
                std::ops::ControlFlow::Continue(())
            })
            .expect("scanned");
        assert_eq!(next, ROWS);
    };
    check(&subject);
    subject.store().settle().expect("settled");
    check(&subject);
    subject.reopen();
    check(&subject);
}

#[test]
fn a_closed_store_keeps_no_journals() {
    let mut subject = Embedded::with(tight());
    let cells = (0..2000).map(|i| cell(Table::Link, &format!("{i}"), Family::Nodes, "q", &noise(i, 2000)));
    subject.store().write(&batch(cells)).expect("written");
    subject.close();
    let cells = std::fs::read_dir(subject.dir.path().join("cells")).expect("there");
    let journals: Vec<u64> = cells
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "jnl"))
        .map(|entry| entry.metadata().expect("metadata").len())
        .collect();
    assert_eq!(journals, [0]);
    // What is written after is newer than what was there, also once it is in tables.
    for round in 0..3 {
        subject.reopen();
        put(subject.store(), &[("7", "q", &format!("round {round}"))]);
        let seven = Scan::new(Table::Link, Rows::One("7"));
        assert_eq!(all(subject.store(), &seven), [format!("7 n:q=round {round}")]);
        subject.reopen();
        subject.store().settle().expect("settled");
        assert_eq!(all(subject.store(), &seven), [format!("7 n:q=round {round}")]);
    }
}

#[test]
fn values_kept_in_the_tables_work_as_well() {
    let mut subject = Embedded::with(EmbeddedOptions { separate_above_bytes: None, ..tight() });
    let cells = (0..500).map(|i| cell(Table::Link, &format!("{i:03}"), Family::Nodes, "q", &noise(i, 5000)));
    subject.store().write(&batch(cells)).expect("written");
    // Another choice later on concerns new segments only.
    subject.options.separate_above_bytes = Some(1024);
    subject.reopen();
    let got = subject.store().get(Table::Link, "123", Family::Nodes, "q").expect("read");
    assert_eq!(got, Some(noise(123, 5000)));
}
