//! Damaged files are told, not suffered: no panic reaches the caller, and no wrong value is given.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use linkloom_storage::cell::{Family, Table};
use linkloom_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use linkloom_storage::store::{Rows, Scan, Store, StoreError};

use crate::subject::{batch, cell, noise};

const ROWS: u64 = 300;

fn value(i: u64) -> Vec<u8> {
    noise(i, if i.is_multiple_of(2) { 100 } else { 2000 })
}

fn row(i: u64) -> String {
    format!("row{i:04}")
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("copied");
        }
    }
}

/// Opens and reads everything; the rows it got.
fn read_all(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
    let store = EmbeddedStore::open(dir, EmbeddedOptions::default())?;
    let mut rows = BTreeMap::new();
    store.scan(&Scan::new(Table::Link, Rows::Prefix("")), &mut |c| {
        rows.insert(c.row.to_owned(), c.value.to_vec());
        ControlFlow::Continue(())
    })?;
    for i in 0..ROWS {
        store.get(Table::Link, &row(i), Family::Nodes, "q")?;
    }
    Ok(rows)
}

fn sound(dir: &Path) {
    let store = EmbeddedStore::open(dir, EmbeddedOptions::default()).expect("created");
    for part in 0..3 {
        let rows = (0..ROWS).filter(|i| i % 3 == part);
        let cells = rows.map(|i| cell(Table::Link, &row(i), Family::Nodes, "q", &value(i)));
        store.write(&batch(cells)).expect("written");
        store.settle().expect("settled");
    }
}

#[test]
fn flipped_and_missing_bytes_are_reported() {
    let good = tempfile::tempdir().expect("a temporary directory");
    sound(good.path());
    let mut all = Vec::new();
    files(good.path(), &mut all);
    all.sort();
    let mut told = 0;
    for path in &all {
        let bytes = std::fs::read(path).expect("read");
        let name = path.strip_prefix(good.path()).expect("below");
        let mut damaged: Vec<(String, Vec<u8>)> =
            vec![("cut in half".to_owned(), bytes[..bytes.len() / 2].to_vec())];
        for part in [0, 1, 2, 3, 5, 7] {
            let at = bytes.len().saturating_sub(1) * part / 7;
            if let Some(byte) = bytes.get(at) {
                let mut flipped = bytes.clone();
                flipped[at] = byte ^ 0x41;
                damaged.push((format!("byte {at} of {} flipped", bytes.len()), flipped));
            }
        }
        for (what, bytes) in damaged {
            let bad = tempfile::tempdir().expect("a temporary directory");
            copy(good.path(), bad.path());
            std::fs::write(bad.path().join(name), bytes).expect("written");
            let outcome = std::panic::catch_unwind(|| read_all(bad.path()));
            match outcome.unwrap_or_else(|_| panic!("{}: {what}: it panicked", name.display())) {
                Err(error) => {
                    told += 1;
                    let text = error.to_string();
                    assert!(text.contains(&bad.path().display().to_string()), "{text}");
                }
                // Not every byte matters; but what is given must be what was written, all of it.
                Ok(rows) => {
                    assert_eq!(rows.len() as u64, ROWS, "{}: {what}: cells are missing", name.display());
                    for (row, got) in rows {
                        let i: u64 = row[3..].parse().expect("a number");
                        assert!(got == value(i), "{}: {what}: a wrong value in {row}", name.display());
                    }
                }
            }
        }
    }
    assert!(told > all.len(), "only {told} reports for {} files", all.len());
}

/// A directory as a power failure leaves it: everything acknowledged, and then a last commit with holes in it.
#[test]
fn a_torn_end_of_the_journal_costs_only_what_was_never_acknowledged() {
    let good = tempfile::tempdir().expect("a temporary directory");
    let store = EmbeddedStore::open(good.path(), EmbeddedOptions::default()).expect("created");
    let cells = |rows: std::ops::Range<u64>| {
        batch(rows.map(|i| cell(Table::Link, &row(i), Family::Nodes, "q", &value(i))))
    };
    let journal = |dir: &Path| dir.join("cells").join("0.jnl");
    let used = || {
        let bytes = std::fs::read(journal(good.path())).expect("read");
        bytes.iter().rposition(|b| *b != 0).expect("not empty") + 1
    };
    store.write(&cells(0..100)).expect("written");
    let acknowledged = used();
    store.write(&cells(100..ROWS)).expect("written");
    let end = used();
    assert!(end - acknowledged > 100_000);
    // While the store is open, the copy has its journal as a crash would leave it.
    for hole in [acknowledged..end, acknowledged..acknowledged + 9, end - 3..end, end - 60_000..end - 56_000]
        .into_iter()
        .chain((0..20).map(|i| acknowledged + i * 4999..acknowledged + i * 4999 + 700))
    {
        let bad = tempfile::tempdir().expect("a temporary directory");
        copy(good.path(), bad.path());
        let mut bytes = std::fs::read(journal(bad.path())).expect("read");
        bytes[hole.clone()].fill(0);
        std::fs::write(journal(bad.path()), bytes).expect("written");
        let store = EmbeddedStore::open(bad.path(), EmbeddedOptions::default())
            .unwrap_or_else(|error| panic!("hole {hole:?} of {acknowledged}..{end}: {error}"));
        for i in 0..ROWS {
            let got = store.get(Table::Link, &row(i), Family::Nodes, "q").expect("read");
            assert_eq!(got, (i < 100).then(|| value(i)), "hole {hole:?}: row {i}");
        }
        // It goes on from there.
        store.write(&cells(100..ROWS)).expect("written");
        drop(store);
        assert_eq!(read_all(bad.path()).expect("sound again").len() as u64, ROWS);
    }
}
