//! Scans that are longer than a page, and rows that are longer than one result of a scanner.

use linkloom_storage::cell::{Family, Table};
use linkloom_storage::hbase::{HbaseStore, Method};
use linkloom_storage::retention::Retention;
use linkloom_storage::store::{Rows, Scan, Store};

use super::servers::hbase_servers;
use super::subject;
use crate::subject::{all, batch, cell, noise, seen};

#[test]
fn every_cell_of_long_rows_comes_once_and_in_order() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let store = HbaseStore::open(subject::options(servers, Retention::Forever)).expect("opened");
    // Row lengths around the 16 cells of one result, in all three families; quotes as the filter language has them.
    let mut want = Vec::new();
    let mut cells = Vec::new();
    for (row, lens) in [15_usize, 16, 17, 48, 0, 1_500].into_iter().enumerate() {
        let row = format!("pages {row}");
        for family in [Family::BusinessLogs, Family::Link, Family::Nodes] {
            for at in 0..lens {
                let qualifier = format!("it's|{at:05}'");
                let value = format!("{at}");
                want.push(format!("{row} {}:{qualifier}={value}", family.name()));
                cells.push(cell(Table::Link, &row, family, &qualifier, value.as_bytes()));
            }
        }
    }
    store.write(&batch(cells)).expect("written");
    let whole = Scan::new(Table::Link, Rows::Prefix("pages "));
    assert_eq!(all(&store, &whole), want);
    let keys: Vec<String> =
        want.iter().map(|cell| format!("{}=", cell.rsplit_once('=').expect("a cell").0)).collect();
    assert_eq!(all(&store, &whole.keys_only()), keys);
    for family in [Family::BusinessLogs, Family::Nodes] {
        let mark = format!(" {}:", family.name());
        let of_family = || want.iter().filter(|cell| cell.contains(&mark)).cloned();
        assert_eq!(all(&store, &whole.family(family)), of_family().collect::<Vec<_>>());
        for from in ["it's|00015'", "it's|00016'", "it's|01234'x", "j", "it's"] {
            let behind = |cell: &String| {
                let (_, rest) = cell.split_once(&mark).expect("of the family");
                rest.rsplit_once('=').expect("a cell").0 >= from
            };
            let scan = whole.family(family).from_qualifier(from);
            assert_eq!(all(&store, &scan), of_family().filter(behind).collect::<Vec<_>>(), "from {from}");
            let row = Scan::new(Table::Link, Rows::One("pages 5")).family(family).from_qualifier(from);
            let in_row = |cell: &String| cell.starts_with("pages 5 ");
            assert_eq!(all(&store, &row), of_family().filter(behind).filter(in_row).collect::<Vec<_>>());
        }
    }
    let before = store.figures().answered(Method::Scan);
    assert_eq!(seen(&store, &whole, 3), want[..3]);
    assert_eq!(store.figures().answered(Method::Scan), before + 1, "who has seen enough reads one page");
}

#[test]
fn large_values_come_in_pages_of_bounded_size() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let store = HbaseStore::open(subject::options(servers, Retention::Forever)).expect("opened");
    let values: Vec<Vec<u8>> = (0..60).map(|seed| noise(seed, 300_000)).collect();
    let cells = values.iter().enumerate();
    let cells =
        cells.map(|(at, value)| cell(Table::Link, "heavy", Family::BusinessLogs, &format!("{at:03}"), value));
    store.write(&batch(cells)).expect("written");
    let mut at = 0;
    let scan = Scan::new(Table::Link, Rows::One("heavy")).family(Family::BusinessLogs);
    let before = store.figures().answered(Method::Scan);
    let mut each = |cell: linkloom_storage::store::CellRef<'_>| {
        assert!(cell.value == values[at], "value {at} came back changed");
        at += 1;
        std::ops::ControlFlow::Continue(())
    };
    store.scan(&scan, &mut each).expect("scanned");
    assert_eq!(at, values.len());
    let pages = store.figures().answered(Method::Scan) - before;
    assert!(pages >= 3, "18 MB came in {pages} pages");
}
