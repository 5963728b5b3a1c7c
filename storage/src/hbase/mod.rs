//! Cells in HBase, through its Thrift1 gateway.
//!
//! **Timestamps.** HBase drops a cell when its timestamp is older than the TTL of its family, so what expires carries
//! the time it expires by: the begin of that UTC day. A whole day, because Thrift1 has one timestamp for a call and a
//! batch is to stay whole; the TTL is a day (and an hour for clocks that differ) longer than the retention to make up for
//! it. The same cell written again carries the same timestamp or a later one, and of equal ones HBase takes what was
//! written last: so which value counts does not depend on anybody's clock. Cells that never expire in a family whose
//! others do carry the year 9999. Only `meta`, whose cells are forgotten and written anew, has the times of the server.
//!
//! **Batches.** [`Store::write`] sorts a batch, cuts it by cells and bytes, and spreads the calls over the connections. It
//! returns when all are acknowledged; HBase has then written them to its log. Calls of `meta` go ahead of the others.
//! Nothing is atomic: after an error some of the cells are stored, and the same call repeated stores the rest.
//!
//! **Gateways.** Each connection has a thread and a gateway of its own, and takes the next gateway when that one is lost.
//! A call is repeated once on a new connection before it is an error, because gateways close idle ones; what HBase itself
//! says (a region is being moved, a server is down) is the caller's to wait out.

mod admin;
mod connection;
mod failure;
mod gateways;
mod layout;
mod mutate;
mod pages;
mod pool;
mod wire;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hbase_thrift::hbase::{THbaseSyncClient, TRowResult};
use linkloom_schema::time::Timestamp;
use rustc_hash::FxHashMap;

pub use admin::Made;
pub use layout::{Compression, Difference, Layout};
pub use pool::{HbaseFigures, Method};

use self::failure::Failure;
use self::mutate::{CallLimits, Mutations};
use self::pages::{Cursor, Found, split_column};
use self::pool::{Pool, Settings};
use crate::cell::{CellBatch, Family, Table};
use crate::key;
use crate::retention::{self, Retention};
use crate::store::{CellRef, Rows, Scan, Store, StoreError};

/// Rows asked for with one call, where each is known to hold little.
const ROWS_PER_CALL: usize = 256;

/// What a store in HBase needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HbaseOptions {
    /// Thrift1 gateways, `host:port` each; at least one.
    pub gateways: Vec<String>,
    /// Names of the tables, and how long cells live.
    pub layout: Layout,
    /// Connections, spread over the gateways.
    pub connections: usize,
    /// Whether the gateways speak the framed transport.
    pub framed: bool,
    /// How long one call may take.
    pub timeout: Duration,
    /// Cells written with one call at most.
    pub batch_cells: usize,
    /// Bytes written with one call at most; a single larger cell is a call of its own.
    pub batch_bytes: usize,
}

impl HbaseOptions {
    /// The default settings for these gateways.
    pub fn new(gateways: Vec<String>) -> Self {
        HbaseOptions {
            gateways,
            layout: Layout {
                namespace: String::new(),
                table_prefix: String::new(),
                retention: Retention::Forever,
            },
            connections: 4,
            framed: false,
            timeout: Duration::from_secs(10),
            batch_cells: 2_000,
            batch_bytes: 4 << 20,
        }
    }
}

/// A store in HBase. Any number of processes may have it open.
pub struct HbaseStore {
    name: String,
    options: HbaseOptions,
    pool: Pool,
    /// Day of the horizon told last, so that it never goes back.
    horizon_day: AtomicI64,
}

impl HbaseStore {
    /// Starts the connection threads; they connect when they are first needed.
    ///
    /// Errors: `Refused` without a gateway.
    pub fn open(options: HbaseOptions) -> Result<Self, StoreError> {
        let name = format!("HBase at {}", options.gateways.join(","));
        let refused = |why: String| StoreError::Refused { store: name.clone(), op: "open", why };
        if options.gateways.is_empty() {
            return Err(refused("at least one gateway is needed, as host:port".to_owned()));
        }
        let settings =
            Settings { connections: options.connections, framed: options.framed, timeout: options.timeout };
        let pool = Pool::start(options.gateways.clone(), settings)
            .map_err(|error| refused(format!("the connection threads do not start: {error}")))?;
        Ok(HbaseStore { name, options, pool, horizon_day: AtomicI64::new(i64::MIN) })
    }

    /// What the connections counted.
    pub fn figures(&self) -> &HbaseFigures {
        self.pool.figures()
    }

    /// Its gateways, `host:port` each.
    pub fn gateways(&self) -> &[String] {
        &self.options.gateways
    }

    /// Names of the tables, and how long cells live.
    pub fn layout(&self) -> &Layout {
        &self.options.layout
    }

    fn error(&self, op: &'static str) -> impl Fn(Failure) -> StoreError + '_ {
        move |failure| failure.into_error(&self.name, op)
    }

    fn why_not(&self, batch: &CellBatch) -> Option<String> {
        batch.cells.iter().find_map(|cell| {
            if cell.row.is_empty() {
                return Some("a row is empty, HBase has no such row".to_owned());
            }
            if !cell.table.families().contains(&cell.family) {
                let (table, family) = (cell.table.name(), cell.family.name());
                return Some(format!("table {table} has no family {family}"));
            }
            key::why_not(cell)
        })
    }

    /// Writes some calls; all of them have been answered or given up when it returns.
    fn send(&self, calls: Vec<Mutations>) -> Result<(), StoreError> {
        let tables: Vec<Table> = calls.iter().map(|call| call.table).collect();
        let calls = calls.into_iter().map(|call| {
            let call = Arc::new(call);
            move |connection: &mut connection::Connection| connection.mutate_rows(&call)
        });
        let answers: Vec<Result<(), Failure>> = self.pool.run(Method::Write, calls);
        // What can never succeed is told first: waiting for the rest would not help.
        let mut failures: Vec<Failure> = Vec::new();
        for (table, answer) in tables.into_iter().zip(answers) {
            failures.extend(answer.err().map(|failure| self.look_for(table, failure)));
        }
        let hopeless = failures.iter().position(|failure| matches!(failure, Failure::Never(_)));
        match (hopeless, failures.is_empty()) {
            (_, true) => Ok(()),
            (at, false) => Err(self.error("write")(failures.swap_remove(at.unwrap_or(0)))),
        }
    }

    /// Of a batch HBase says no more than the name when a table is missing, and when it is disabled: look which it is.
    fn look_for(&self, table: Table, failure: Failure) -> Failure {
        let name = self.options.layout.table(table);
        let Failure::NotNow(text) = &failure else { return failure };
        if !text.contains(&format!(": {name}: ")) {
            return failure;
        }
        match self.tables_there() {
            Ok(there) if !there.contains(&name) => Failure::no_table(&name),
            _ => failure,
        }
    }

    /// One row in one call: what it holds is small.
    fn row(&self, scan: &Scan<'_>, row: &str) -> Result<Vec<Found>, StoreError> {
        let table = self.options.layout.table(scan.table);
        let families =
            scan.table.families().iter().filter(|family| scan.family.is_none_or(|f| f == **family));
        let columns: Vec<Vec<u8>> = families.map(|family| family.name().as_bytes().to_vec()).collect();
        if columns.is_empty() || row.is_empty() || scan.after_row.is_some_and(|after| after >= row) {
            return Ok(Vec::new());
        }
        let row = row.as_bytes().to_vec();
        let call = move |connection: &mut connection::Connection| {
            let client = connection.client();
            client.get_row_with_columns(
                table.clone().into(),
                row.clone(),
                columns.clone(),
                Default::default(),
            )
        };
        let results = self.pool.one(Method::Get, call).map_err(self.error("scan"))?;
        Ok(results.into_iter().flat_map(cells_of).collect())
    }

    /// Lends what was found; says whether the caller has seen enough.
    fn lend(
        &self,
        scan: &Scan<'_>,
        cells: &[Found],
        wanted: impl Fn(&[u8], Family, &str) -> bool,
        each: &mut dyn FnMut(CellRef<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, StoreError> {
        for cell in cells {
            // A family of somebody else's.
            let Some((family, qualifier)) = split_column(&cell.column) else { continue };
            let texts = (std::str::from_utf8(&cell.row), std::str::from_utf8(qualifier));
            let (Ok(row), Ok(qualifier)) = texts else {
                return Err(StoreError::Corrupt {
                    store: self.name.clone(),
                    what: format!(
                        "cell {} of row {} in {}",
                        cell.column.escape_ascii(),
                        cell.row.escape_ascii(),
                        self.options.layout.table(scan.table)
                    ),
                    why: "row or qualifier is not UTF-8".to_owned(),
                });
            };
            if !wanted(&cell.row, family, qualifier) {
                continue;
            }
            let value = if scan.keys_only { &[][..] } else { &cell.value };
            if each(CellRef { row, family, qualifier, value }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// The cells of a row, in order.
fn cells_of(result: TRowResult) -> Vec<Found> {
    let row = result.row.unwrap_or_default();
    let columns = result.columns.unwrap_or_default().into_iter();
    columns
        .map(|(column, cell)| Found { row: row.clone(), column, value: cell.value.unwrap_or_default() })
        .collect()
}

/// Whether a whole row may be asked for in one call. Rows of business logs grow without end; those are read in parts.
fn fits_one_call(scan: &Scan<'_>) -> bool {
    let logs = scan.table.families().contains(&Family::BusinessLogs)
        && scan.family.is_none_or(|family| family == Family::BusinessLogs);
    !scan.keys_only && !logs
}

impl Store for HbaseStore {
    fn write(&self, batch: &CellBatch) -> Result<(), StoreError> {
        if let Some(why) = self.why_not(batch) {
            return Err(StoreError::Refused { store: self.name.clone(), op: "write", why });
        }
        let limits = CallLimits { cells: self.options.batch_cells, bytes: self.options.batch_bytes };
        let mut first = mutate::calls(batch, limits, |table| self.options.layout.table(table));
        let meta = first.iter().take_while(|call| call.table == Table::Meta).count();
        let rest = first.split_off(meta);
        self.send(first)?;
        self.send(rest)
    }

    fn get(
        &self,
        table: Table,
        row: &str,
        family: Family,
        qualifier: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        if row.is_empty() || !table.families().contains(&family) {
            return Ok(None);
        }
        let (table, row) = (self.options.layout.table(table), row.as_bytes().to_vec());
        let column = [family.name().as_bytes(), b":", qualifier.as_bytes()].concat();
        let call = move |connection: &mut connection::Connection| {
            connection.client().get(table.clone().into(), row.clone(), column.clone(), Default::default())
        };
        let cells = self.pool.one(Method::Get, call).map_err(self.error("get"))?;
        Ok(cells.into_iter().next().map(|cell| cell.value.unwrap_or_default()))
    }

    fn scan(
        &self,
        scan: &Scan<'_>,
        each: &mut dyn FnMut(CellRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        if let Rows::One(row) = scan.rows
            && fits_one_call(scan)
        {
            let wanted = |_: &[u8], family: Family, qualifier: &str| key::wanted(scan, family, qualifier);
            return self.lend(scan, &self.row(scan, row)?, wanted, each).map(drop);
        }
        let mut next = Cursor::new(scan);
        while let Some(cursor) = next {
            let table = self.options.layout.table(cursor.table());
            let cursor = Arc::new(cursor);
            let page = cursor.clone();
            let call = move |connection: &mut connection::Connection| page.read(connection, &table);
            let (cells, behind) = self.pool.one(Method::Scan, call).map_err(self.error("scan"))?;
            let wanted = |row: &[u8], family: Family, qualifier: &str| cursor.wanted(row, family, qualifier);
            if self.lend(scan, &cells, wanted, each)?.is_break() {
                return Ok(());
            }
            next = behind;
        }
        Ok(())
    }

    fn rows(
        &self,
        table: Table,
        family: Family,
        rows: &[String],
        each: &mut dyn FnMut(usize, CellRef<'_>),
    ) -> Result<(), StoreError> {
        if !table.families().contains(&family) {
            return Ok(());
        }
        let name = self.options.layout.table(table);
        // As many calls at a time as there are connections.
        let at_once = ROWS_PER_CALL * self.options.connections.max(1);
        for (part, some) in rows.chunks(at_once).enumerate() {
            let calls = some.chunks(ROWS_PER_CALL).map(|some| {
                // HBase has no empty row.
                let asked = some.iter().filter(|row| !row.is_empty()).map(|row| row.as_bytes().to_vec());
                let (name, asked): (_, Vec<_>) = (name.clone(), asked.collect());
                move |connection: &mut connection::Connection| {
                    let (client, columns) = (connection.client(), vec![family.name().as_bytes().to_vec()]);
                    client.get_rows_with_columns(
                        name.clone().into(),
                        asked.clone(),
                        columns,
                        Default::default(),
                    )
                }
            });
            let mut found: FxHashMap<Vec<u8>, Vec<Found>> = FxHashMap::default();
            for results in self.pool.run(Method::Get, calls) {
                for result in results.map_err(self.error("rows"))? {
                    found.insert(result.row.clone().unwrap_or_default(), cells_of(result));
                }
            }
            for (place, row) in some.iter().enumerate() {
                let Some(cells) = found.get(row.as_bytes()) else { continue };
                let scan = Scan::new(table, Rows::One(row)).family(family);
                let _ = self.lend(&scan, cells, |_, found, _| found == family, &mut |cell| {
                    each(part * at_once + place, cell);
                    ControlFlow::Continue(())
                })?;
            }
        }
        Ok(())
    }

    fn forget(&self, row: &str, qualifier: &str) -> Result<(), StoreError> {
        let table = self.options.layout.table(Table::Meta);
        let row = row.as_bytes().to_vec();
        let column = [Family::Link.name().as_bytes(), b":", qualifier.as_bytes()].concat();
        let call = move |connection: &mut connection::Connection| {
            let (table, row, column) = (|| Vec::from(table.as_str()), || row.clone(), || column.clone());
            let cells = connection.client().get(table(), row(), column(), Default::default())?;
            // A deletion also hides what is written later with an earlier time: it gets that of the cell, not that of now.
            let Some(timestamp) = cells.into_iter().next().and_then(|cell| cell.timestamp) else {
                return Ok(());
            };
            connection.client().delete_all_ts(table(), row(), column(), timestamp, Default::default())
        };
        self.pool.one(Method::Forget, call).map_err(self.error("forget"))
    }

    fn horizon(&self) -> Option<Timestamp> {
        let Retention::Days(days) = self.options.layout.retention else { return None };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        let day = if retention::sane(now) { retention::horizon_day(now, days) } else { i64::MIN };
        let day = self.horizon_day.fetch_max(day, Ordering::AcqRel).max(day);
        (day > i64::MIN).then(|| retention::start_of(day))
    }

    fn name(&self) -> &str {
        &self.name
    }
}
