//! The memory store fails as it is told.

use linkloom_storage::cell::{Family, Table};
use linkloom_storage::memory::{Fault, MemoryStore};
use linkloom_storage::store::{Retry, Rows, Scan, Store};

use crate::subject::{all, batch, cell, put};

fn three(name: &str) -> linkloom_storage::cell::CellBatch {
    batch(["1", "2", "3"].map(|q| cell(Table::Link, name, Family::Nodes, q, b"")))
}

fn stored(store: &MemoryStore, row: &str) -> usize {
    all(store, &Scan::new(Table::Link, Rows::One(row))).len()
}

#[test]
fn writes_fail_as_planned_and_then_work() {
    let store = MemoryStore::default();
    let plan =
        [Some(Fault::Before), None, Some(Fault::After), Some(Fault::Partway(2)), Some(Fault::Partway(9))];
    store.plan_writes(plan);
    for (row, fails, cells) in
        [("a", true, 0), ("b", false, 3), ("c", true, 3), ("d", true, 2), ("e", true, 3), ("f", false, 3)]
    {
        let outcome = store.write(&three(row));
        assert_eq!(outcome.is_err(), fails, "{row}");
        assert!(outcome.err().is_none_or(|e| e.retry() == Retry::WithBackoff), "{row}");
        assert_eq!(stored(&store, row), cells, "{row}");
    }
    for row in ["a", "c", "d", "e"] {
        store.write(&three(row)).expect("the same call succeeds later");
        assert_eq!(stored(&store, row), 3, "{row}");
    }
    assert_eq!(store.len(), 18);
}

#[test]
fn forget_takes_part_in_the_plan() {
    let store = MemoryStore::default();
    let meta = || batch([cell(Table::Meta, "r", Family::Link, "q", b"v")]);
    let there = || store.get(Table::Meta, "r", Family::Link, "q").expect("read").is_some();
    for (fault, stays) in [(Fault::Before, true), (Fault::After, false), (Fault::Partway(1), false)] {
        store.write(&meta()).expect("written");
        store.plan_writes([Some(fault)]);
        store.forget("r", "q").expect_err("as planned");
        assert_eq!(there(), stays, "{fault:?}");
    }
}

#[test]
fn reads_fail_as_often_as_told() {
    let store = MemoryStore::default();
    put(&store, &[("r", "q", "v")]);
    store.fail_reads(2);
    store.get(Table::Link, "r", Family::Nodes, "q").expect_err("as told");
    let scan = Scan::new(Table::Link, Rows::Prefix(""));
    store.scan(&scan, &mut |_| unreachable!("nothing is read")).expect_err("as told");
    assert_eq!(all(&store, &scan).len(), 1);
    store.fail_reads(1);
    store.plan_writes([Some(Fault::Before)]);
    store.heal();
    put(&store, &[("r", "q", "v")]);
    assert_eq!(all(&store, &scan).len(), 1);
}
