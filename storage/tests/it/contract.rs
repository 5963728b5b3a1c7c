//! What every store promises (`Store`), run on each of them.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use linkloom_storage::cell::{Cell, Family, KEY_BYTES_MAX, Table};
use linkloom_storage::retention::Retention;
use linkloom_storage::store::{Retry, Rows, Scan, Store};

use crate::subject::{Embedded, Memory, Subject, all, batch, cell, noise, noon, put, seen};

macro_rules! contract {
    (everywhere { $($name:ident,)* } told_the_time { $($timed:ident,)* }) => {
        mod memory {
            $(#[test] fn $name() { super::$name::<super::Memory>(); })*
            $(#[test] fn $timed() { super::$timed::<super::Memory>(); })*
        }
        mod embedded {
            $(#[test] fn $name() { super::$name::<super::Embedded>(); })*
            $(#[test] fn $timed() { super::$timed::<super::Embedded>(); })*
        }
        /// HBase has a clock of its own; what it drops is tested in `hbase::retention`.
        mod hbase {
            $(#[test] fn $name() {
                let Some(servers) = crate::hbase::servers::hbase_servers() else { return };
                let _in_use = servers.shared();
                super::$name::<crate::hbase::subject::Hbase>();
            })*
        }
    };
}

contract! {
    everywhere {
        what_is_written_is_got,
        a_later_value_replaces_an_earlier_one,
        tables_and_families_are_apart,
        scans_are_in_order_of_row_family_qualifier,
        one_row_is_not_its_prefix,
        pages_go_on_after_a_row,
        a_family_is_picked_out,
        several_rows_are_read_at_once,
        scans_start_at_a_qualifier,
        keys_only_leaves_values_empty,
        a_scan_ends_when_told,
        a_scan_may_read_and_write_in_between,
        repeated_writes_change_nothing,
        the_later_of_two_cells_in_a_batch_wins,
        values_are_any_bytes_of_any_size,
        long_keys_fit_and_longer_ones_are_refused,
        a_refused_batch_stores_nothing,
        an_empty_batch_is_fine,
        forget_removes_one_meta_cell,
        writers_and_readers_at_once,
    }
    told_the_time {
        nothing_expires_without_retention,
        what_is_past_the_horizon_goes,
        a_summary_moves_on_to_newer_days,
        what_is_dated_ahead_comes_of_age,
        the_horizon_never_goes_back,
        many_days_before_the_first_expiry,
        one_row_over_many_days,
    }
}

const LINK: Scan<'static> = Scan {
    table: Table::Link,
    rows: Rows::Prefix(""),
    after_row: None,
    family: None,
    from_qualifier: None,
    keys_only: false,
};

fn fresh<S: Subject>() -> S {
    S::new(Retention::Forever)
}

fn what_is_written_is_got<S: Subject>() {
    let mut subject = fresh::<S>();
    put(subject.store(), &[("r", "q", "v")]);
    for _ in 0..2 {
        let store = subject.store();
        let get = |row, qualifier| store.get(Table::Link, row, Family::Nodes, qualifier).expect("read");
        assert_eq!(get("r", "q"), Some(b"v".to_vec()));
        assert_eq!(get("r", ""), None);
        assert_eq!(get("r", "q2"), None);
        assert_eq!(get("", "q"), None);
        subject.reopen();
    }
}

fn a_later_value_replaces_an_earlier_one<S: Subject>() {
    let mut subject = fresh::<S>();
    // Values on both sides of the size from which they are kept apart.
    for len in [5, 5000, 7, 0, 6000] {
        let value = noise(len as u64, len);
        subject.store().write(&batch([cell(Table::Link, "r", Family::Nodes, "q", &value)])).expect("written");
        let got = subject.store().get(Table::Link, "r", Family::Nodes, "q").expect("read");
        assert_eq!(got, Some(value.clone()));
        subject.reopen();
        let got = subject.store().get(Table::Link, "r", Family::Nodes, "q").expect("read");
        assert_eq!(got, Some(value));
    }
    assert_eq!(all(subject.store(), &LINK.keys_only()), ["r n:q="]);
}

fn tables_and_families_are_apart<S: Subject>() {
    let subject = fresh::<S>();
    let name = |table: Table, family: Family| format!("{}.{}", table.name(), family.name());
    let cells = Table::ALL.into_iter().flat_map(|table| {
        let cells = table.families().iter();
        cells.map(move |&family| cell(table, "r", family, "q", name(table, family).as_bytes()))
    });
    subject.store().write(&batch(cells)).expect("written");
    for table in Table::ALL {
        for &family in table.families() {
            let got = subject.store().get(table, "r", family, "q").expect("read");
            assert_eq!(got, Some(name(table, family).into_bytes()));
        }
        let want = table.families().iter().map(|f| format!("r {}:q={}", f.name(), name(table, *f)));
        let want: Vec<String> = want.collect();
        assert_eq!(all(subject.store(), &Scan::new(table, Rows::Prefix(""))), want);
    }
}

fn scans_are_in_order_of_row_family_qualifier<S: Subject>() {
    let mut subject = fresh::<S>();
    let mut want = Vec::new();
    let mut cells = Vec::new();
    for row in ["!", "a", "a!", "ab", "a|1", "a|1|x", "b", "~"] {
        for family in [Family::BusinessLogs, Family::Link, Family::Nodes] {
            for qualifier in ["", "\0", "1", "10", "2", "q|1", "é"] {
                want.push(format!("{row} {}:{qualifier}=", family.name()));
                cells.push(cell(Table::Link, row, family, qualifier, b""));
            }
        }
    }
    cells.reverse();
    for part in cells.chunks(11) {
        subject.store().write(&batch(part.to_vec())).expect("written");
    }
    assert_eq!(all(subject.store(), &LINK), want);
    subject.reopen();
    assert_eq!(all(subject.store(), &LINK), want);
}

fn one_row_is_not_its_prefix<S: Subject>() {
    let subject = fresh::<S>();
    put(
        subject.store(),
        &[("a", "q", ""), ("a!", "q", ""), ("a|1", "q", ""), ("ab", "q", ""), ("b", "q", "")],
    );
    let check = |rows, want: &[&str]| assert_eq!(all(subject.store(), &Scan::new(Table::Link, rows)), want);
    check(Rows::One("a"), &["a n:q="]);
    check(Rows::One("a|"), &[]);
    check(Rows::One(""), &[]);
    check(Rows::Prefix("a"), &["a n:q=", "a! n:q=", "ab n:q=", "a|1 n:q="]);
    check(Rows::Prefix("a|"), &["a|1 n:q="]);
    check(Rows::Prefix("c"), &[]);
}

fn pages_go_on_after_a_row<S: Subject>() {
    let subject = fresh::<S>();
    put(subject.store(), &[("a", "1", ""), ("a", "2", ""), ("a!", "1", ""), ("ab", "1", ""), ("b", "1", "")]);
    let check = |scan: Scan<'_>, want: &[&str]| assert_eq!(all(subject.store(), &scan), want);
    let prefix = Scan::new(Table::Link, Rows::Prefix("a"));
    check(prefix.after_row("a"), &["a! n:1=", "ab n:1="]);
    check(prefix.after_row("a!"), &["ab n:1="]);
    check(prefix.after_row("ab"), &[]);
    check(prefix.after_row("zz"), &[]);
    check(prefix.after_row("A"), &["a n:1=", "a n:2=", "a! n:1=", "ab n:1="]);
    check(LINK.after_row("ab"), &["b n:1="]);
    check(LINK.after_row("aa"), &["ab n:1=", "b n:1="]);
    check(Scan::new(Table::Link, Rows::One("a")).after_row("a"), &[]);
    check(Scan::new(Table::Link, Rows::One("a")).after_row("A"), &["a n:1=", "a n:2="]);
}

fn a_family_is_picked_out<S: Subject>() {
    let subject = fresh::<S>();
    let cells = ["a", "b"].into_iter().flat_map(|row| {
        [Family::BusinessLogs, Family::Link, Family::Nodes].map(|f| cell(Table::Link, row, f, "q", b"v"))
    });
    subject.store().write(&batch(cells)).expect("written");
    let check = |scan: Scan<'_>, want: &[&str]| assert_eq!(all(subject.store(), &scan), want);
    check(LINK.family(Family::Link), &["a l:q=v", "b l:q=v"]);
    check(Scan::new(Table::Link, Rows::One("a")).family(Family::Nodes), &["a n:q=v"]);
    check(Scan::new(Table::Link, Rows::One("a")).family(Family::BusinessLogs), &["a b:q=v"]);
}

fn several_rows_are_read_at_once<S: Subject>() {
    let subject = fresh::<S>();
    let name = |number: usize| format!("r{number}");
    let cells = (0..3_000).step_by(3).flat_map(|number| {
        [("q", Family::Nodes), ("p", Family::Nodes), ("q", Family::Link)].map(|(qualifier, family)| {
            cell(Table::Link, &name(number), family, qualifier, number.to_string().as_bytes())
        })
    });
    subject.store().write(&batch(cells)).expect("written");
    // The last of them twice, and one that cannot be there.
    let rows: Vec<String> = (0..3_000).rev().map(name).chain(["r0".to_owned(), String::new()]).collect();
    let mut seen = Vec::new();
    let read = subject.store().rows(Table::Link, Family::Nodes, &rows, &mut |place, cell| {
        assert_eq!((cell.row, cell.family), (rows[place].as_str(), Family::Nodes));
        seen.push((
            place,
            cell.qualifier.to_owned(),
            String::from_utf8(cell.value.to_vec()).expect("a number"),
        ));
    });
    read.expect("read");
    let there = (0..3_000).rev().enumerate().filter(|(_, number)| number % 3 == 0).chain([(3_000, 0)]);
    let want: Vec<(usize, String, String)> = there
        .flat_map(|(place, number)| ["p", "q"].map(|q| (place, q.to_owned(), number.to_string())))
        .collect();
    assert_eq!(seen, want);
    let none = subject.store().rows(Table::Link, Family::Nodes, &[], &mut |_, _| panic!("nothing was asked"));
    none.expect("read");
}

fn scans_start_at_a_qualifier<S: Subject>() {
    let subject = fresh::<S>();
    let cells = ["a", "b"].into_iter().flat_map(|row| {
        ["1", "2", "3"].into_iter().flat_map(move |q| {
            [Family::BusinessLogs, Family::Nodes].map(|family| cell(Table::Link, row, family, q, b""))
        })
    });
    subject.store().write(&batch(cells)).expect("written");
    let check = |scan: Scan<'_>, want: &[&str]| assert_eq!(all(subject.store(), &scan), want);
    let row = Scan::new(Table::Link, Rows::One("a"));
    check(row.family(Family::BusinessLogs).from_qualifier("2"), &["a b:2=", "a b:3="]);
    check(row.family(Family::BusinessLogs).from_qualifier("21"), &["a b:3="]);
    check(row.family(Family::BusinessLogs).from_qualifier("4"), &[]);
    check(row.from_qualifier("3"), &["a b:3=", "a n:3="]);
    check(LINK.family(Family::Nodes).from_qualifier("3"), &["a n:3=", "b n:3="]);
}

fn keys_only_leaves_values_empty<S: Subject>() {
    let subject = fresh::<S>();
    put(subject.store(), &[("a", "1", "v"), ("a", "2", &"x".repeat(5000))]);
    assert_eq!(all(subject.store(), &LINK.keys_only()), ["a n:1=", "a n:2="]);
}

fn a_scan_ends_when_told<S: Subject>() {
    let subject = fresh::<S>();
    let rows: Vec<String> = (0..1000).map(|i| format!("{i:04}")).collect();
    put(subject.store(), &rows.iter().map(|r| (r.as_str(), "q", "")).collect::<Vec<_>>());
    assert_eq!(seen(subject.store(), &LINK, 2), ["0000 n:q=", "0001 n:q="]);
    assert_eq!(all(subject.store(), &LINK).len(), 1000);
}

fn a_scan_may_read_and_write_in_between<S: Subject>() {
    let subject = fresh::<S>();
    let store = subject.store();
    put(store, &[("a", "q", "1"), ("b", "q", "2")]);
    let mut rows = 0;
    store
        .scan(&LINK, &mut |c| {
            assert_eq!(
                store.get(Table::Link, c.row, c.family, c.qualifier).expect("read").as_deref(),
                Some(c.value)
            );
            store.write(&batch([cell(Table::Dead, c.row, Family::Link, "q", c.value)])).expect("written");
            rows += 1;
            ControlFlow::Continue(())
        })
        .expect("scanned");
    assert_eq!(rows, 2);
    assert_eq!(all(store, &Scan::new(Table::Dead, Rows::Prefix(""))), ["a l:q=1", "b l:q=2"]);
}

fn repeated_writes_change_nothing<S: Subject>() {
    let mut subject = fresh::<S>();
    for _ in 0..3 {
        for _ in 0..2 {
            put(subject.store(), &[("a", "1", "x"), ("a", "2", &"y".repeat(2000)), ("b", "1", "")]);
        }
        subject.reopen();
    }
    let want = ["a n:1=x".to_owned(), format!("a n:2={}", "y".repeat(2000)), "b n:1=".to_owned()];
    assert_eq!(all(subject.store(), &LINK), want);
}

fn the_later_of_two_cells_in_a_batch_wins<S: Subject>() {
    let mut subject = fresh::<S>();
    put(subject.store(), &[("a", "q", "first"), ("b", "q", "between"), ("a", "q", "second")]);
    for _ in 0..2 {
        assert_eq!(all(subject.store(), &LINK), ["a n:q=second", "b n:q=between"]);
        subject.reopen();
    }
}

fn values_are_any_bytes_of_any_size<S: Subject>() {
    let mut subject = fresh::<S>();
    let values: Vec<Vec<u8>> =
        [0, 1, 1023, 1024, 1025, 70_000, 1 << 20, 5 << 20].map(|len| noise(9, len)).into_iter().collect();
    let cells = values.iter().enumerate();
    let cells = cells.map(|(i, v)| cell(Table::Link, "big", Family::Nodes, &i.to_string(), v));
    subject.store().write(&batch(cells)).expect("written");
    for _ in 0..2 {
        let mut got = Vec::new();
        let mut each = |c: linkloom_storage::store::CellRef<'_>| {
            got.push(c.value.to_vec());
            ControlFlow::Continue(())
        };
        subject.store().scan(&Scan::new(Table::Link, Rows::One("big")), &mut each).expect("scanned");
        assert!(got == values, "a value came back changed");
        subject.reopen();
    }
}

fn long_keys_fit_and_longer_ones_are_refused<S: Subject>() {
    let subject = fresh::<S>();
    let row = "r".repeat(KEY_BYTES_MAX - 1 - S::SCOPE_BYTES);
    put(subject.store(), &[(&row, "q", "v")]);
    let got = subject.store().get(Table::Link, &row, Family::Nodes, "q").expect("read");
    assert_eq!(got, Some(b"v".to_vec()));
    let long = batch([cell(Table::Link, &row, Family::Nodes, "qq", b"")]);
    let error = subject.store().write(&long).expect_err("refused");
    assert_eq!(error.retry(), Retry::Never);
    let text = error.to_string();
    assert!(text.contains("row and qualifier are 32001 bytes long, at most 32000 are allowed"), "{text}");
}

fn a_refused_batch_stores_nothing<S: Subject>() {
    let subject = fresh::<S>();
    let good = cell(Table::Link, "good", Family::Nodes, "q", b"");
    let bad = cell(Table::Link, "nul\0", Family::Nodes, "q", b"");
    let error = subject.store().write(&batch([good, bad])).expect_err("refused");
    assert!(error.to_string().ends_with(r#"is refused: row "nul\0" holds a NUL"#), "{error}");
    assert!(all(subject.store(), &LINK).is_empty());
}

fn an_empty_batch_is_fine<S: Subject>() {
    let subject = fresh::<S>();
    subject.store().write(&batch([])).expect("written");
    assert!(all(subject.store(), &LINK).is_empty());
}

fn forget_removes_one_meta_cell<S: Subject>() {
    let mut subject = fresh::<S>();
    let meta = |row, qualifier| cell(Table::Meta, row, Family::Link, qualifier, b"v");
    subject.store().write(&batch([meta("a", "1"), meta("a", "2"), meta("b", "1")])).expect("written");
    put(subject.store(), &[("a", "1", "v")]);
    subject.store().forget("a", "1").expect("forgotten");
    subject.store().forget("a", "1").expect("forgetting again is fine");
    for _ in 0..2 {
        let meta = Scan::new(Table::Meta, Rows::Prefix(""));
        assert_eq!(all(subject.store(), &meta), ["a l:2=v", "b l:1=v"]);
        assert_eq!(all(subject.store(), &LINK), ["a n:1=v"]);
        subject.reopen();
    }
}

fn writers_and_readers_at_once<S: Subject>()
where
    S::Kind: Sync,
{
    const WRITERS: usize = 4;
    const BATCHES: usize = 60;
    const CELLS: usize = 5;
    let subject = fresh::<S>();
    let store = subject.store();
    let done = AtomicBool::new(false);
    let written: Vec<AtomicUsize> = (0..WRITERS).map(|_| AtomicUsize::new(0)).collect();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    for (writer, count) in written.iter().enumerate() {
                        // Every write that returned before the scan began is in it.
                        let least = count.load(Ordering::SeqCst) * CELLS;
                        let row = format!("w{writer}");
                        let rows = all(store, &Scan::new(Table::Link, Rows::One(&row)).keys_only());
                        assert!(rows.len() >= least, "{} of {least} cells are seen", rows.len());
                        assert!(rows.is_sorted());
                    }
                }
            });
        }
        let writers: Vec<_> = written
            .iter()
            .enumerate()
            .map(|(writer, count)| {
                scope.spawn(move || {
                    for round in 0..BATCHES {
                        let cells = (0..CELLS).map(|i| {
                            let qualifier = format!("{:05}", round * CELLS + i);
                            let value = noise(round as u64, 400 * i);
                            cell(Table::Link, &format!("w{writer}"), Family::Nodes, &qualifier, &value)
                        });
                        store.write(&batch(cells)).expect("written");
                        count.store(round + 1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        let outcomes: Vec<_> = writers.into_iter().map(|w| w.join()).collect();
        done.store(true, Ordering::SeqCst);
        assert!(outcomes.iter().all(Result::is_ok));
    });
    assert_eq!(all(store, &LINK.keys_only()).len(), WRITERS * BATCHES * CELLS);
}

fn dated(row: &str, value: &str, day: i64) -> Cell {
    Cell { expires_by: Some(noon(day)), ..cell(Table::Link, row, Family::Nodes, "q", value.as_bytes()) }
}

fn nothing_expires_without_retention<S: Subject>() {
    let subject = fresh::<S>();
    subject.store().write(&batch([dated("old", "v", 1)])).expect("written");
    let error = subject.expire(noon(20_000)).expect_err("refused");
    assert!(error.to_string().ends_with("it keeps everything forever"), "{error}");
    assert_eq!(subject.store().horizon(), None);
    assert_eq!(all(subject.store(), &LINK), ["old n:q=v"]);
}

fn what_is_past_the_horizon_goes<S: Subject>() {
    let mut subject = S::new(Retention::Days(3));
    let kept = cell(Table::Link, "kept", Family::Nodes, "q", b"v");
    let cells = (20_000..20_010).map(|d| dated(&format!("day{d}"), "v", d)).chain([kept]);
    subject.store().write(&batch(cells)).expect("written");
    assert_eq!(subject.store().horizon(), None);
    let expired = subject.expire(noon(20_009)).expect("expired");
    assert_eq!(expired.segments, 6);
    assert!(expired.bytes > 0);
    for _ in 0..2 {
        let want = ["day20006 n:q=v", "day20007 n:q=v", "day20008 n:q=v", "day20009 n:q=v", "kept n:q=v"];
        assert_eq!(all(subject.store(), &LINK), want);
        assert_eq!(subject.store().get(Table::Link, "day20005", Family::Nodes, "q").expect("read"), None);
        assert_eq!(
            subject.store().horizon(),
            Some(linkloom_schema::time::Timestamp(20_006 * 86_400_000_000))
        );
        // What is past already may be left out, and is.
        subject.store().write(&batch([dated("late", "v", 20_005)])).expect("written");
        assert_eq!(subject.store().get(Table::Link, "late", Family::Nodes, "q").expect("read"), None);
        assert_eq!(subject.expire(noon(20_009)).expect("again").segments, 0);
        subject.reopen();
    }
}

fn a_summary_moves_on_to_newer_days<S: Subject>() {
    let mut subject = S::new(Retention::Days(3));
    subject.expire(noon(20_005)).expect("expired");
    for day in 20_003..=20_007 {
        subject.store().write(&batch([dated("r", &format!("as of {day}"), day)])).expect("written");
        let want = [format!("r n:q=as of {day}")];
        assert_eq!(all(subject.store(), &LINK), want);
        subject.reopen();
        assert_eq!(all(subject.store(), &LINK), want);
        let got = subject.store().get(Table::Link, "r", Family::Nodes, "q").expect("read");
        assert_eq!(got, Some(format!("as of {day}").into_bytes()));
    }
    subject.expire(noon(20_010)).expect("expired");
    assert_eq!(all(subject.store(), &LINK), ["r n:q=as of 20007"]);
    subject.expire(noon(20_011)).expect("expired");
    assert!(all(subject.store(), &LINK).is_empty());
}

fn what_is_dated_ahead_comes_of_age<S: Subject>() {
    let mut subject = S::new(Retention::Days(2));
    subject.expire(noon(20_000)).expect("expired");
    let big = "x".repeat(3000);
    for (row, value, day) in
        [("soon", "v", 20_003), ("soon", "w", 20_003), ("big", &*big, 20_004), ("far", "v", 30_000)]
    {
        subject.store().write(&batch([dated(row, value, day)])).expect("written");
    }
    let want = vec![format!("big n:q={big}"), "far n:q=v".to_owned(), "soon n:q=w".to_owned()];
    for now in [20_000, 20_001, 20_002, 20_003, 20_005] {
        subject.expire(noon(now)).expect("expired");
        assert_eq!(all(subject.store(), &LINK), want, "at day {now}");
        subject.reopen();
        assert_eq!(all(subject.store(), &LINK), want, "at day {now}");
        let soon = subject.store().get(Table::Link, "soon", Family::Nodes, "q").expect("read");
        assert_eq!(soon, Some(b"w".to_vec()));
    }
    subject.store().write(&batch([dated("soon", "rewritten", 20_005)])).expect("written");
    subject.expire(noon(20_006)).expect("expired");
    assert_eq!(all(subject.store(), &LINK), [&want[0], "far n:q=v", "soon n:q=rewritten"]);
    subject.expire(noon(20_007)).expect("expired");
    assert_eq!(all(subject.store(), &LINK), ["far n:q=v", "soon n:q=rewritten"]);
    subject.expire(noon(30_002)).expect("expired");
    assert_eq!(all(subject.store(), &LINK), ["far n:q=v"]);
    subject.expire(noon(30_003)).expect("expired");
    assert!(all(subject.store(), &LINK).is_empty());
}

fn the_horizon_never_goes_back<S: Subject>() {
    let mut subject = S::new(Retention::Days(1));
    subject.expire(noon(20_000)).expect("expired");
    let horizon = subject.store().horizon();
    assert!(horizon.is_some());
    subject.expire(noon(19_000)).expect("nothing to do");
    assert_eq!(subject.store().horizon(), horizon);
    subject.reopen();
    assert_eq!(subject.store().horizon(), horizon);
    for insane in [i64::MIN, -1, 0, i64::MAX] {
        let error = subject.expire(linkloom_schema::time::Timestamp(insane)).expect_err("refused");
        assert_eq!(error.retry(), Retry::Never);
    }
    assert_eq!(subject.store().horizon(), horizon);
}

fn many_days_before_the_first_expiry<S: Subject>() {
    let mut subject = S::new(Retention::Days(5));
    let day = |i: i64| 20_000 + i * 3;
    let cells = (0..120).map(|i| dated(&format!("{i:03}"), "v", day(i)));
    subject.store().write(&batch(cells)).expect("written");
    let want: Vec<String> = (0..120).map(|i| format!("{i:03} n:q=v")).collect();
    assert_eq!(all(subject.store(), &LINK), want);
    subject.reopen();
    assert_eq!(all(subject.store(), &LINK), want);
    subject.expire(noon(day(100))).expect("expired");
    assert_eq!(all(subject.store(), &LINK), want[99..]);
    subject.expire(noon(day(119))).expect("expired");
    assert_eq!(all(subject.store(), &LINK), want[118..]);
}

fn one_row_over_many_days<S: Subject>() {
    let mut subject = S::new(Retention::Days(20));
    subject.expire(noon(20_010)).expect("expired");
    let at = |row: &str, qualifier: &str, day: i64| Cell {
        expires_by: Some(noon(day)),
        ..cell(Table::Link, row, Family::Nodes, qualifier, b"v")
    };
    // Each day has a row of its own; `r` is in three of them, twice in one, and in one that is yet to come.
    let days = 20_000..20_015;
    subject.store().write(&batch(days.clone().map(|d| at(&format!("only{d}"), "q", d)))).expect("written");
    let own = [("1", 20_002), ("2", 20_002), ("3", 20_007), ("4", 20_010), ("5", 20_014)];
    for (qualifier, day) in own {
        subject.store().write(&batch([at("r", qualifier, day)])).expect("written");
    }
    for now in [20_010, 20_012, 20_014] {
        subject.expire(noon(now)).expect("expired");
        for _ in 0..2 {
            let one = |row: &str| all(subject.store(), &Scan::new(Table::Link, Rows::One(row)));
            assert_eq!(one("r"), ["r n:1=v", "r n:2=v", "r n:3=v", "r n:4=v", "r n:5=v"]);
            for day in days.clone() {
                let row = format!("only{day}");
                assert_eq!(one(&row), [format!("{row} n:q=v")]);
            }
            assert!(one("absent").is_empty());
            let every = all(subject.store(), &LINK.keys_only());
            assert_eq!(every.len(), days.clone().count() + own.len());
            subject.reopen();
        }
    }
}
