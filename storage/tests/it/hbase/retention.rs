//! What is past retention goes by HBase's own clock.

use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Cell, Family, Table};
use linkloom_storage::hbase::HbaseStore;
use linkloom_storage::retention::Retention;
use linkloom_storage::store::{Rows, Scan, Store};

use super::servers::hbase_servers;
use super::subject::{self, DAYS};
use crate::subject::{MICROS_PER_DAY, all, batch, cell, noon};

fn today() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_micros()).expect("before the year 294247") / MICROS_PER_DAY
}

fn dated(row: &str, day: Option<i64>, value: &str) -> Cell {
    Cell { expires_by: day.map(noon), ..cell(Table::Link, row, Family::Nodes, "q", value.as_bytes()) }
}

#[test]
fn days_past_retention_are_gone_and_the_others_are_not() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let store = HbaseStore::open(subject::options(servers, Retention::Days(DAYS))).expect("opened");
    // Again if midnight came in between.
    let mut round = 0;
    let day = loop {
        round += 1;
        let day = today();
        let row = |ahead: i64| format!("days {round} {:+}", ahead);
        let cells = (-6..=1).map(|ahead| dated(&row(ahead), Some(day + ahead), "v"));
        let kept = dated(&format!("days {round} never"), None, "v");
        store.write(&batch(cells.chain([kept]))).expect("written");
        let seen = all(&store, &Scan::new(Table::Link, Rows::Prefix(&format!("days {round}"))));
        if today() != day {
            continue;
        }
        let seen: Vec<&str> = seen.iter().filter_map(|cell| cell.split(' ').nth(2)).collect();
        // The day before the oldest one kept goes an hour late, for clocks that differ.
        let seen: Vec<&str> = seen.into_iter().filter(|ahead| *ahead != "-4").collect();
        assert_eq!(seen, ["+0", "+1", "-1", "-2", "-3", "never"]);
        break day;
    };
    let horizon = store.horizon().expect("it has a retention");
    assert!(horizon >= Timestamp((day - i64::from(DAYS)) * MICROS_PER_DAY), "{horizon:?}");
    assert_eq!(horizon.micros() % MICROS_PER_DAY, 0);
}

#[test]
fn a_summary_moves_on_to_newer_days_and_the_later_value_of_a_day_counts() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let store = HbaseStore::open(subject::options(servers, Retention::Days(DAYS))).expect("opened");
    let day = today();
    for (ahead, value) in [(-2, "a"), (-2, "b"), (-1, "c"), (-1, "d"), (0, "e"), (0, "f"), (2, "g"), (2, "h")]
    {
        store.write(&batch([dated("moves on", Some(day + ahead), value)])).expect("written");
        let got = store.get(Table::Link, "moves on", Family::Nodes, "q").expect("read");
        assert_eq!(got, Some(value.as_bytes().to_vec()));
    }
    // One that never expires, likewise.
    for value in ["a", "b", "c"] {
        store.write(&batch([dated("stays", None, value)])).expect("written");
        let got = store.get(Table::Link, "stays", Family::Nodes, "q").expect("read");
        assert_eq!(got, Some(value.as_bytes().to_vec()));
    }
}

#[test]
fn meta_stays_and_what_was_forgotten_can_be_written_again() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let store = HbaseStore::open(subject::options(servers, Retention::Days(DAYS))).expect("opened");
    let meta = |value: &str| Cell {
        expires_by: Some(noon(1)),
        ..cell(Table::Meta, "flush|7", Family::Link, "rows", value.as_bytes())
    };
    // The numbers of flushes begin again after a restart: the same cell comes back, maybe within the same millisecond.
    for round in 0..50 {
        let value = round.to_string();
        store.write(&batch([meta(&value)])).expect("written");
        let got = store.get(Table::Meta, "flush|7", Family::Link, "rows").expect("read");
        assert_eq!(got, Some(value.into_bytes()));
        store.forget("flush|7", "rows").expect("forgotten");
        assert_eq!(store.get(Table::Meta, "flush|7", Family::Link, "rows").expect("read"), None);
    }
}
