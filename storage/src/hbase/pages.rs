//! Scans as pages: each is one scanner that is opened, read and closed in one go, so that no scanner outlives a caller who
//! has seen enough, and a lost connection costs a page and not the scan.

use std::borrow::Cow;

use hbase_thrift::hbase::{THbaseSyncClient, TRowResult, TScan};

use super::connection::Connection;
use crate::cell::{Family, Table};
use crate::store::{Rows, Scan};

/// Cells in one result of a scanner: longer rows come in several.
const BATCH_CELLS: i32 = 16;
const BATCH_KEYS: i32 = 1_000;
/// Results asked for first where they may be megabytes each: packs are up to 256 KiB.
const LARGE_FIRST: usize = 2;
/// Results and bytes of the first page; each page may be four times the one before.
const RESULTS_FIRST: usize = 64;
const RESULTS_MAX: usize = 4_096;
const BYTES_FIRST: usize = 512 << 10;
const BYTES_MAX: usize = 4 << 20;
const GROWTH: usize = 4;

/// A cell of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) row: Vec<u8>,
    /// `family:qualifier`.
    pub(super) column: Vec<u8>,
    pub(super) value: Vec<u8>,
}

/// Where the next page begins, and where the scan ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    table: Table,
    keys_only: bool,
    families: Vec<Family>,
    from_qualifier: Option<String>,
    /// First row, and the first one after the last; `None`: to the end of the table.
    rows: (Vec<u8>, Option<Vec<u8>>),
    /// The page before ended within a row, behind this cell.
    within: Option<Within>,
    results_max: usize,
    bytes_max: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Within {
    row: Vec<u8>,
    family: Family,
    qualifier: Vec<u8>,
}

impl Cursor {
    /// The first page; `None` when there is nothing to be found.
    pub(super) fn new(scan: &Scan<'_>) -> Option<Self> {
        let has = |family: &Family| scan.family.is_none_or(|wanted| wanted == *family);
        let families: Vec<Family> = scan.table.families().iter().copied().filter(has).collect();
        if families.is_empty() {
            return None;
        }
        let after = |row: &str| [row.as_bytes(), b"\0"].concat();
        let (mut start, stop) = match scan.rows {
            // HBase has no empty row, and takes it for the begin of the table.
            Rows::One("") => return None,
            Rows::One(row) => (row.as_bytes().to_vec(), Some(after(row))),
            Rows::Prefix(prefix) => (prefix.as_bytes().to_vec(), behind_prefix(prefix)),
        };
        if let Some(row) = scan.after_row {
            start = start.max(after(row));
        }
        if stop.as_ref().is_some_and(|stop| *stop <= start) {
            return None;
        }
        Some(Cursor {
            table: scan.table,
            keys_only: scan.keys_only,
            families,
            from_qualifier: scan.from_qualifier.filter(|from| !from.is_empty()).map(str::to_owned),
            rows: (start, stop),
            within: None,
            results_max: RESULTS_FIRST,
            bytes_max: BYTES_FIRST,
        })
    }

    pub(super) fn table(&self) -> Table {
        self.table
    }

    /// The ranges of one page, in order: the rest of the row the page before ended in, and the rows after it.
    fn ranges(&self) -> Vec<TScan> {
        let mut ranges = Vec::new();
        if let Some(within) = &self.within {
            let (row, behind) = (within.row.clone(), [&within.row[..], b"\0"].concat());
            let filter = self.filter(Some((&within.qualifier, false)));
            ranges.push(self.range(&row, Some(&behind), &[within.family], filter));
            let later: Vec<Family> =
                self.families.iter().copied().filter(|family| *family > within.family).collect();
            if !later.is_empty() {
                ranges.push(self.range(&row, Some(&behind), &later, self.filter(None)));
            }
        }
        let (start, stop) = &self.rows;
        if stop.as_ref().is_none_or(|stop| stop > start) {
            ranges.push(self.range(start, stop.as_deref(), &self.families, self.filter(None)));
        }
        ranges
    }

    /// The filter string: from which qualifier on, and whether values are left out.
    fn filter(&self, behind: Option<(&[u8], bool)>) -> Option<Vec<u8>> {
        let from = self.from_qualifier.as_deref().map(|from| (from.as_bytes(), true));
        // Behind a cell is behind where the scan began.
        let mut parts: Vec<Vec<u8>> = Vec::new();
        if let Some((qualifier, inclusive)) = behind.or(from) {
            let quoted: Cow<'_, [u8]> = quoted(qualifier);
            // An empty qualifier stands for "no bound" and is passed over here.
            if !quoted.is_empty() {
                let inclusive = if inclusive { "true" } else { "false" };
                parts.push(
                    [b"ColumnRangeFilter('", &*quoted, b"', ", inclusive.as_bytes(), b", '', true)"].concat(),
                );
            }
        }
        if self.keys_only {
            parts.push(b"KeyOnlyFilter()".to_vec());
        }
        (!parts.is_empty()).then(|| parts.join(&b" AND "[..]))
    }

    fn range(
        &self,
        start: &[u8],
        stop: Option<&[u8]>,
        families: &[Family],
        filter: Option<Vec<u8>>,
    ) -> TScan {
        let columns: Vec<Vec<u8>> = families.iter().map(|family| family.name().as_bytes().to_vec()).collect();
        TScan::new(
            (!start.is_empty()).then(|| start.to_vec()),
            stop.map(<[u8]>::to_vec),
            None,
            columns,
            i32::try_from(self.results_max).unwrap_or(i32::MAX),
            filter,
            if self.keys_only { BATCH_KEYS } else { BATCH_CELLS },
            true,
            None,
            None,
        )
    }

    /// Reads this page; `None` as the second part: it was the last one.
    pub(super) fn read(
        &self,
        connection: &mut Connection,
        table: &str,
    ) -> thrift::Result<(Vec<Found>, Option<Cursor>)> {
        let mut page = Page { cells: Vec::new(), bytes: 0, results: 0, last_cells: 0 };
        for range in self.ranges() {
            let scanner =
                connection.client().scanner_open_with_scan(table.into(), range, Default::default())?;
            let read = self.read_scanner(connection, scanner, &mut page);
            // Of two failures the first one counts.
            let closed = connection.client().scanner_close(scanner);
            let ended = read?;
            closed?;
            if !ended {
                let next = self.behind(&page);
                return Ok((page.cells, next));
            }
        }
        Ok((page.cells, None))
    }

    /// Reads until the scanner ends (`true`) or the page is full.
    fn read_scanner(
        &self,
        connection: &mut Connection,
        scanner: i32,
        page: &mut Page,
    ) -> thrift::Result<bool> {
        loop {
            let left = self.results_max.saturating_sub(page.results);
            if left == 0 || page.bytes >= self.bytes_max {
                return Ok(false);
            }
            // As many as fit, going by those read so far.
            let mean = page.bytes.checked_div(page.results).unwrap_or(0);
            let fit = (self.bytes_max - page.bytes).checked_div(mean).unwrap_or(left);
            let large = page.results == 0 && !self.keys_only && self.families != [Family::Link];
            let ask = if large { LARGE_FIRST } else { left.min(fit).max(1) };
            let rows =
                connection.client().scanner_get_list(scanner, i32::try_from(ask).unwrap_or(i32::MAX))?;
            let got = rows.len();
            rows.into_iter().for_each(|row| page.take(row));
            if got < ask {
                return Ok(true);
            }
        }
    }

    /// The page after this one.
    fn behind(&self, page: &Page) -> Option<Cursor> {
        let last = page.cells.last()?;
        let batch = if self.keys_only { BATCH_KEYS } else { BATCH_CELLS } as usize;
        let (family, qualifier) = split_column(&last.column)?;
        let mut next = self.clone();
        next.rows.0 = [&last.row[..], b"\0"].concat().max(self.rows.0.clone());
        // A result that is not full is the end of its row, except where the page was still in an earlier row's families.
        let whole =
            page.last_cells < batch && self.within.as_ref().is_none_or(|within| within.row != last.row);
        next.within =
            (!whole).then(|| Within { row: last.row.clone(), family, qualifier: qualifier.to_vec() });
        next.results_max = (self.results_max * GROWTH).min(RESULTS_MAX);
        next.bytes_max = (self.bytes_max * GROWTH).min(BYTES_MAX);
        Some(next)
    }

    /// Whether a cell of a page belongs to the scan: filters of HBase cannot say everything.
    pub(super) fn wanted(&self, row: &[u8], family: Family, qualifier: &str) -> bool {
        self.from_qualifier.as_deref().is_none_or(|from| qualifier >= from)
            && self.within.as_ref().is_none_or(|within| {
                within.row != row || (within.family, &within.qualifier[..]) < (family, qualifier.as_bytes())
            })
    }
}

struct Page {
    cells: Vec<Found>,
    bytes: usize,
    results: usize,
    /// Cells of the last result.
    last_cells: usize,
}

impl Page {
    fn take(&mut self, result: TRowResult) {
        let row = result.row.unwrap_or_default();
        let columns = result.sorted_columns.unwrap_or_default();
        self.results += 1;
        self.last_cells = columns.len();
        for column in columns {
            let column_name = column.column_name.unwrap_or_default();
            let value = column.cell.and_then(|cell| cell.value).unwrap_or_default();
            self.bytes += row.len() + column_name.len() + value.len();
            self.cells.push(Found { row: row.clone(), column: column_name, value });
        }
    }
}

/// Family and qualifier of `family:qualifier`.
pub(super) fn split_column(column: &[u8]) -> Option<(Family, &[u8])> {
    let colon = column.iter().position(|byte| *byte == b':')?;
    let families = [Family::BusinessLogs, Family::Link, Family::Nodes];
    let family = families.into_iter().find(|family| family.name().as_bytes() == &column[..colon])?;
    Some((family, &column[colon + 1..]))
}

/// The first row behind all that begin with `prefix`; `None`: there is none.
fn behind_prefix(prefix: &str) -> Option<Vec<u8>> {
    let mut behind = prefix.as_bytes().to_vec();
    // UTF-8 has no 0xff, so the last byte can always go up by one.
    *behind.last_mut()? += 1;
    Some(behind)
}

/// A text for a filter string: quotes are doubled.
fn quoted(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.contains(&b'\'') {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len() + 4);
    for byte in bytes {
        out.push(*byte);
        if *byte == b'\'' {
            out.push(b'\'');
        }
    }
    Cow::Owned(out)
}
