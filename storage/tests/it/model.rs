//! Random calls against a plain map, with the store closed and opened again in between.

use std::collections::BTreeMap;

use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Cell, CellBatch, Family, Table};
use linkloom_storage::retention::Retention;
use linkloom_storage::store::{Rows, Scan, Store};
use proptest::prelude::*;
use proptest::sample::select;

use crate::subject::{Embedded, MICROS_PER_DAY, Memory, Subject, all, noise, noon};

const ROWS: [&str; 8] = ["", "!", "a", "a!", "a|1", "ab", "b", "é"];
const QUALIFIERS: [&str; 5] = ["", "1", "10", "2", "q|\0"];
const FAMILIES: [Family; 3] = [Family::BusinessLogs, Family::Link, Family::Nodes];
const TABLES: [Table; 3] = [Table::Link, Table::Recent, Table::Meta];
const DAYS: u32 = 3;

#[derive(Clone, Debug)]
enum Call {
    Write(Vec<(Table, usize, Family, usize, usize)>),
    Get(Table, usize, Family, usize),
    Scan {
        table: Table,
        rows: Result<usize, usize>,
        after: Option<usize>,
        family: Option<Family>,
        from: Option<usize>,
        keys_only: bool,
    },
    Forget(usize, usize),
    /// Days go by.
    Pass(i64),
    Expire,
    Reopen,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let row = || 0..ROWS.len();
    let qualifier = || 0..QUALIFIERS.len();
    let table = || select(TABLES.to_vec());
    let family = || select(FAMILIES.to_vec());
    // Not every table has every family.
    let place = || {
        (table(), family()).prop_map(|(table, family)| match table.families().contains(&family) {
            true => (table, family),
            false => (table, Family::Link),
        })
    };
    let len = prop_oneof![4 => 0..40usize, 1 => 900..3000usize];
    let cell = (place(), row(), qualifier(), len).prop_map(|((t, f), r, q, len)| (t, r, f, q, len));
    let rows = prop_oneof![row().prop_map(Ok), row().prop_map(Err)];
    let scan = (
        table(),
        rows,
        prop::option::of(row()),
        prop::option::of(family()),
        prop::option::of(qualifier()),
        any::<bool>(),
    );
    let call = prop_oneof![
        8 => prop::collection::vec(cell, 0..12).prop_map(Call::Write),
        4 => (place(), row(), qualifier()).prop_map(|((t, f), r, q)| Call::Get(t, r, f, q)),
        6 => scan.prop_map(|(table, rows, after, family, from, keys_only)| {
            Call::Scan { table, rows, after, family, from, keys_only }
        }),
        1 => (row(), qualifier()).prop_map(|(r, q)| Call::Forget(r, q)),
        1 => (0..3i64).prop_map(Call::Pass),
        1 => Just(Call::Expire),
        1 => Just(Call::Reopen),
    ];
    prop::collection::vec(call, 1..40)
}

type Key = (Table, String, Family, String);

/// What the store should hold. Cells expire by a day that follows from their row, ahead of, on or behind today.
struct Model {
    cells: BTreeMap<Key, (Vec<u8>, Option<i64>)>,
    today: i64,
    horizon: Option<i64>,
    writes: u64,
}

impl Model {
    fn day_of_row(&self, row: usize) -> Option<i64> {
        [None, Some(-9), Some(-2), Some(0), Some(1), Some(3), Some(40), None][row]
            .map(|ahead: i64| self.today + ahead)
    }

    fn write(&mut self, cells: &[(Table, usize, Family, usize, usize)]) -> CellBatch {
        let mut batch = CellBatch::default();
        for (table, row, family, qualifier, len) in cells {
            self.writes += 1;
            let value = noise(self.writes, *len);
            let day = self.day_of_row(*row);
            batch.cells.push(Cell {
                table: *table,
                row: ROWS[*row].to_owned(),
                family: *family,
                qualifier: QUALIFIERS[*qualifier].to_owned(),
                value: value.clone(),
                expires_by: day.map(noon),
            });
            let day = day.filter(|_| *table != Table::Meta);
            if day.is_some_and(|day| self.horizon.is_some_and(|horizon| day < horizon)) {
                continue;
            }
            let key = (*table, ROWS[*row].to_owned(), *family, QUALIFIERS[*qualifier].to_owned());
            self.cells.insert(key, (value, day));
        }
        batch
    }

    fn expire(&mut self) {
        let horizon = (self.today - i64::from(DAYS)).max(self.horizon.unwrap_or(i64::MIN));
        self.horizon = Some(horizon);
        self.cells.retain(|_, (_, day)| day.is_none_or(|day| day >= horizon));
    }

    fn scan(&self, scan: &Scan<'_>) -> Vec<String> {
        let hit = |(table, row, family, qualifier): &Key| {
            *table == scan.table
                && match scan.rows {
                    Rows::One(one) => row == one,
                    Rows::Prefix(prefix) => row.starts_with(prefix),
                }
                && scan.after_row.is_none_or(|after| row.as_str() > after)
                && scan.family.is_none_or(|f| f == *family)
                && scan.from_qualifier.is_none_or(|from| qualifier.as_str() >= from)
        };
        let text = |((_, row, family, qualifier), (value, _)): (&Key, &(Vec<u8>, Option<i64>))| {
            let value = if scan.keys_only { &[][..] } else { value };
            format!("{row} {}:{qualifier}={}", family.name(), String::from_utf8_lossy(value))
        };
        self.cells.iter().filter(|(key, _)| hit(key)).map(text).collect()
    }
}

fn check<S: Subject>(calls: &[Call], retention: Retention) -> Result<(), TestCaseError> {
    let mut subject = S::new(retention);
    let mut model = Model { cells: BTreeMap::new(), today: 20_000, horizon: None, writes: 0 };
    for call in calls {
        match call {
            Call::Write(cells) => subject.store().write(&model.write(cells)).expect("written"),
            Call::Get(table, row, family, qualifier) => {
                let (row, qualifier) = (ROWS[*row], QUALIFIERS[*qualifier]);
                let got = subject.store().get(*table, row, *family, qualifier).expect("read");
                let key = (*table, row.to_owned(), *family, qualifier.to_owned());
                prop_assert_eq!(got.as_ref(), model.cells.get(&key).map(|(value, _)| value));
            }
            Call::Scan { table, rows, after, family, from, keys_only } => {
                let scan = Scan {
                    table: *table,
                    rows: match rows {
                        Ok(one) => Rows::One(ROWS[*one]),
                        Err(prefix) => Rows::Prefix(ROWS[*prefix]),
                    },
                    after_row: after.map(|row| ROWS[row]),
                    family: *family,
                    from_qualifier: from.map(|qualifier| QUALIFIERS[qualifier]),
                    keys_only: *keys_only,
                };
                prop_assert_eq!(all(subject.store(), &scan), model.scan(&scan));
            }
            Call::Forget(row, qualifier) => {
                let (row, qualifier) = (ROWS[*row], QUALIFIERS[*qualifier]);
                subject.store().forget(row, qualifier).expect("forgotten");
                model.cells.remove(&(Table::Meta, row.to_owned(), Family::Link, qualifier.to_owned()));
            }
            Call::Pass(days) => model.today += days,
            Call::Expire if retention == Retention::Forever => {}
            Call::Expire => {
                subject.expire(noon(model.today)).expect("expired");
                model.expire();
                let horizon = model.horizon.map(|day| Timestamp(day * MICROS_PER_DAY));
                prop_assert_eq!(subject.store().horizon(), horizon);
            }
            Call::Reopen => subject.reopen(),
        }
    }
    for table in TABLES {
        let scan = Scan::new(table, Rows::Prefix(""));
        prop_assert_eq!(all(subject.store(), &scan), model.scan(&scan));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_does_what_a_map_does(calls in calls(), days in any::<bool>()) {
        check::<Memory>(&calls, if days { Retention::Days(DAYS) } else { Retention::Forever })?;
    }
}

proptest! {
    // Every case opens, syncs and closes real files.
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn embedded_does_what_a_map_does(calls in calls(), days in any::<bool>()) {
        check::<Embedded>(&calls, if days { Retention::Days(DAYS) } else { Retention::Forever })?;
    }
}

proptest! {
    // Every call is a few round trips.
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hbase_does_what_a_map_does(calls in calls()) {
        let Some(servers) = crate::hbase::servers::hbase_servers() else { return Ok(()) };
        let _in_use = servers.shared();
        check::<crate::hbase::subject::Hbase>(&calls, Retention::Forever)?;
    }
}
