//! HBase behind the face of the contract tests: all tests share the tables of a process, each in rows of its own.

use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{CellBatch, Family, Table};
use linkloom_storage::hbase::{Compression, HbaseOptions, HbaseStore, Layout};
use linkloom_storage::retention::{Expired, Retention};
use linkloom_storage::store::{CellRef, Rows, Scan, Store, StoreError};

use super::servers::{HbaseServers, hbase_servers};
use crate::subject::Subject;

/// Days that cells are kept in the tables that have a TTL.
pub(crate) const DAYS: u32 = 3;

/// Options for the tables of this process, which are made when they are first asked for.
pub(crate) fn options(servers: &HbaseServers, retention: Retention) -> HbaseOptions {
    static MADE: [OnceLock<()>; 2] = [OnceLock::new(), OnceLock::new()];
    let (made, kind) = match retention {
        Retention::Forever => (&MADE[0], "kept"),
        Retention::Days(days) => {
            assert_eq!(days, DAYS, "there is one set of tables with a TTL");
            (&MADE[1], "days")
        }
    };
    let mut options = HbaseOptions::new(vec![servers.gateway()]);
    let table_prefix = format!("it{}_{kind}_", std::process::id());
    options.layout = Layout { namespace: String::new(), table_prefix, retention };
    made.get_or_init(|| {
        let store = HbaseStore::open(options.clone()).expect("opened");
        let made = store.create_tables(Compression::None).expect("tables are made");
        assert!(made.iter().all(|table| table.new));
        assert_eq!(store.differences().expect("looked at"), []);
    });
    options
}

/// A store whose rows all begin with a text of its own.
pub(crate) struct Scoped {
    pub(crate) store: HbaseStore,
    scope: String,
}

impl Store for Scoped {
    fn write(&self, batch: &CellBatch) -> Result<(), StoreError> {
        let mut batch = batch.clone();
        batch.cells.iter_mut().for_each(|cell| cell.row.insert_str(0, &self.scope));
        self.store.write(&batch).map_err(|error| match error {
            StoreError::Refused { store, op, why } => {
                StoreError::Refused { store, op, why: why.replace(&self.scope, "") }
            }
            other => other,
        })
    }

    fn get(
        &self,
        table: Table,
        row: &str,
        family: Family,
        qualifier: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(table, &format!("{}{row}", self.scope), family, qualifier)
    }

    fn scan(
        &self,
        scan: &Scan<'_>,
        each: &mut dyn FnMut(CellRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let scoped = |row: &str| format!("{}{row}", self.scope);
        let after = scan.after_row.map(scoped);
        let (row, rows): (_, fn(&str) -> Rows<'_>) = match scan.rows {
            Rows::One(row) => (scoped(row), |row| Rows::One(row)),
            Rows::Prefix(row) => (scoped(row), |row| Rows::Prefix(row)),
        };
        let scoped = Scan { rows: rows(&row), after_row: after.as_deref(), ..*scan };
        self.store.scan(&scoped, &mut |cell| {
            let row = cell.row.strip_prefix(&self.scope).expect("a row of this test");
            each(CellRef { row, ..cell })
        })
    }

    fn rows(
        &self,
        table: Table,
        family: Family,
        rows: &[String],
        each: &mut dyn FnMut(usize, CellRef<'_>),
    ) -> Result<(), StoreError> {
        let scoped: Vec<String> = rows.iter().map(|row| format!("{}{row}", self.scope)).collect();
        self.store.rows(table, family, &scoped, &mut |place, cell| {
            let row = cell.row.strip_prefix(&self.scope).expect("a row of this test");
            each(place, CellRef { row, ..cell });
        })
    }

    fn forget(&self, row: &str, qualifier: &str) -> Result<(), StoreError> {
        self.store.forget(&format!("{}{row}", self.scope), qualifier)
    }

    fn horizon(&self) -> Option<Timestamp> {
        self.store.horizon()
    }

    fn name(&self) -> &str {
        self.store.name()
    }
}

/// HBase as a subject of the contract.
pub(crate) struct Hbase {
    options: HbaseOptions,
    store: Scoped,
}

impl Subject for Hbase {
    type Kind = Scoped;
    const SCOPE_BYTES: usize = 5;

    fn new(retention: Retention) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let options = options(hbase_servers().expect("HBase runs"), retention);
        let scope = format!("{:04}~", NEXT.fetch_add(1, Ordering::Relaxed));
        let store = HbaseStore::open(options.clone()).expect("opened");
        Hbase { options, store: Scoped { store, scope } }
    }

    fn store(&self) -> &Scoped {
        &self.store
    }

    fn reopen(&mut self) {
        self.store.store = HbaseStore::open(self.options.clone()).expect("opened again");
    }

    fn expire(&self, _: Timestamp) -> Result<Expired, StoreError> {
        unreachable!("HBase drops by itself what is past its TTL")
    }
}
