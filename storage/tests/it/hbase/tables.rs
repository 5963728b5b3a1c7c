//! Tables that are missing or not as they should be.

use expect_test::expect;
use linkloom_storage::cell::{Family, Table};
use linkloom_storage::hbase::{Compression, HbaseOptions, HbaseStore, Layout};
use linkloom_storage::retention::Retention;
use linkloom_storage::store::{Retry, Rows, Scan, Store, StoreError};

use super::raw;
use super::servers::{HbaseServers, hbase_servers};
use super::subject;
use crate::subject::{all, batch, cell, noise};

/// A store whose tables begin with a word of their own; `{}` is the process id, as tables outlive it.
fn store(servers: &HbaseServers, word: &str, retention: Retention) -> HbaseStore {
    let mut options = HbaseOptions::new(vec![servers.gateway()]);
    let table_prefix = format!("it{}_{word}_", std::process::id());
    options.layout = Layout { namespace: String::new(), table_prefix, retention };
    HbaseStore::open(options).expect("opened")
}

/// What the store says, with the process id and the port replaced.
fn said(servers: &HbaseServers, text: &str) -> String {
    text.replace(&format!("it{}_", std::process::id()), "it_").replace(&servers.gateway(), "GATEWAY")
}

#[test]
fn without_tables_everything_is_refused_and_says_what_to_do() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let store = store(servers, "none", Retention::Forever);
    let one = || batch([cell(Table::Link, "r", Family::Nodes, "q", b"v")]);
    let errors = [
        store.write(&one()).expect_err("there is no table"),
        store.get(Table::Link, "r", Family::Nodes, "q").expect_err("there is no table"),
        store
            .scan(&Scan::new(Table::Recent, Rows::Prefix("r")), &mut |_| unreachable!())
            .expect_err("no table"),
        store.scan(&Scan::new(Table::Recent, Rows::One("r")), &mut |_| unreachable!()).expect_err("no table"),
        store.forget("r", "q").expect_err("there is no table"),
    ];
    for error in errors {
        assert_eq!(error.retry(), Retry::Never, "{error}");
        let text = error.to_string();
        assert!(text.contains("a table is missing, `linkloom hbase init`"), "{text}");
        assert!(text.contains("_none_") && text.lines().count() == 1, "{text}");
    }
    let differences: Vec<String> =
        store.differences().expect("looked at").iter().map(|d| said(servers, &d.to_string())).collect();
    expect![[r#"
        table it_none_link is missing
        table it_none_recent is missing
        table it_none_scene is missing
        table it_none_trace is missing
        table it_none_unlinked is missing
        table it_none_definition is missing
        table it_none_dead is missing
        table it_none_meta is missing"#]]
    .assert_eq(&differences.join("\n"));
}

#[test]
fn what_is_not_as_it_should_be_is_named_and_left_alone() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let store = store(servers, "odd", Retention::Days(3));
    let table = |table| store.layout().table(table);
    let days = 4 * 86_400 + 3_600;
    raw::create(
        &servers.gateway(),
        &table(Table::Link),
        &[("l", 1, days), ("b", 1, i32::MAX), ("x", 1, days)],
    );
    raw::create(&servers.gateway(), &table(Table::Recent), &[("l", 3, 60)]);
    let made = store.create_tables(Compression::Gz).expect("the others are made");
    let new: Vec<bool> = made.iter().map(|made| made.new).collect();
    assert_eq!(new, [false, false, true, true, true, true, true, true]);
    let again = store.create_tables(Compression::Gz).expect("nothing to make");
    assert!(again.iter().all(|made| !made.new));
    let differences: Vec<String> =
        store.differences().expect("looked at").iter().map(|d| said(servers, &d.to_string())).collect();
    expect![[r#"
        table it_odd_link, family b: TTL is FOREVER, not 349200 (store.retention_days)
        table it_odd_link has no family n
        table it_odd_recent, family l: TTL is 60, not 349200 (store.retention_days)
        table it_odd_recent, family l: VERSIONS is 3, not 1"#]]
    .assert_eq(&differences.join("\n"));

    let nodes = batch([cell(Table::Link, "r", Family::Nodes, "q", b"v")]);
    let error = store.write(&nodes).expect_err("there is no such family");
    assert_eq!(error.retry(), Retry::Never, "{error}");
    let text = error.to_string();
    assert!(text.contains("a column family is missing, `linkloom hbase check` says which"), "{text}");
    assert!(text.contains("Column family n does not exist") && text.len() < 600, "{text}");
}

#[test]
fn a_family_a_table_has_not_is_refused_before_anything_is_written() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let store = HbaseStore::open(subject::options(servers, Retention::Forever)).expect("opened");
    let row = "a family a table has not";
    let bad = batch([
        cell(Table::Meta, row, Family::Link, "q", b"v"),
        cell(Table::Dead, row, Family::Nodes, "q", b""),
    ]);
    let error = store.write(&bad).expect_err("refused");
    assert!(error.to_string().ends_with("is refused: table dead has no family n"), "{error}");
    assert_eq!(store.get(Table::Meta, row, Family::Link, "q").expect("read"), None);
    assert!(all(&store, &Scan::new(Table::Dead, Rows::One(row)).family(Family::Nodes)).is_empty());
}

#[test]
fn a_cell_that_is_too_large_is_refused_for_good() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let store = HbaseStore::open(subject::options(servers, Retention::Forever)).expect("opened");
    let large = batch([cell(Table::Link, "too large", Family::Nodes, "q", &noise(1, 12 << 20))]);
    let error = store.write(&large).expect_err("refused");
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("a cell is larger than HBase takes"), "{error}");
    // The connections are as good as before.
    store.write(&batch([cell(Table::Link, "not too large", Family::Nodes, "q", b"v")])).expect("written");
}

#[test]
fn a_namespace_that_is_missing_is_said() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let mut options = HbaseOptions::new(vec![servers.gateway()]);
    options.layout.namespace = "nowhere".to_owned();
    let store = HbaseStore::open(options).expect("opened");
    let error = store.create_tables(Compression::None).expect_err("refused");
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("the namespace is missing"), "{error}");
}
