//! Reading reports back: packs of a row, merged by identity.

use std::ops::ControlFlow;

use linkloom_schema::ids::MarkRef;
use linkloom_schema::report::{Identity, Report, without_substituted_time};
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::cell::{Family, Table};
use crate::note;
use crate::pack::{PackName, PackText, decompress};
use crate::store::{CellRef, Rows, Scan, Store, StoreError};

/// Executions one trace id may be tied to before a reader stops counting: from two on its reports are shared anyway.
const TIED_EXECUTIONS_MAX: usize = 1_000;

/// Where a pack is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackKey {
    /// The table.
    pub table: Table,
    /// The row, or one of its overflow rows.
    pub row: String,
    /// The family.
    pub family: Family,
    /// The qualifier.
    pub qualifier: String,
    /// What the qualifier says.
    pub name: PackName,
}

fn corrupt(store: &dyn Store, row: &str, qualifier: &str, why: impl ToString) -> StoreError {
    StoreError::Corrupt {
        store: store.name().to_owned(),
        what: format!("pack {qualifier} of row {row}"),
        why: why.to_string(),
    }
}

/// The rows the packs of one owner are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackRows<'a> {
    table: Table,
    row: &'a str,
    below: bool,
}

impl<'a> PackRows<'a> {
    /// A row and its overflow rows, of which it has a note.
    pub fn find(store: &dyn Store, table: Table, row: &'a str) -> Result<Self, StoreError> {
        let note = store.get(table, row, Family::Link, note::OVERFLOW)?;
        Ok(PackRows { table, row, below: note.is_some() })
    }

    /// The same where it is known whether the row has a note of overflow rows.
    pub fn known(table: Table, row: &'a str, overflow: bool) -> Self {
        PackRows { table, row, below: overflow }
    }

    /// A row and every row below it: `{row}|...`.
    pub fn all_below(table: Table, row: &'a str) -> Self {
        PackRows { table, row, below: true }
    }

    fn scan(
        &self,
        store: &dyn Store,
        family: Family,
        keys_only: bool,
        each: EachCell<'_>,
    ) -> Result<(), StoreError> {
        let below = format!("{}|", self.row);
        for rows in [Some(Rows::One(self.row)), self.below.then_some(Rows::Prefix(&below))] {
            let Some(rows) = rows else { continue };
            let mut failed = None;
            let scan = Scan { keys_only, family: Some(family), ..Scan::new(self.table, rows) };
            store.scan(&scan, &mut |cell| match each(cell) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            })?;
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Lent each cell of a scan.
type EachCell<'e> = &'e mut dyn FnMut(CellRef<'_>) -> Result<(), StoreError>;

/// The name of a pack; `None`: it is wholly before `horizon`.
fn name_of(
    store: &dyn Store,
    cell: &CellRef<'_>,
    horizon: Option<Timestamp>,
) -> Result<Option<PackName>, StoreError> {
    let name = PackName::decode(cell.qualifier);
    let name = name.map_err(|error| corrupt(store, cell.row, cell.qualifier, error))?;
    let past = matches!((name.span, horizon), (Some((_, last)), Some(horizon)) if last < horizon);
    Ok((!past).then_some(name))
}

/// Names of packs, not the packs themselves; those wholly before `horizon` are left out. Order: as stored (row, then time).
pub fn list_packs(
    store: &dyn Store,
    rows: PackRows<'_>,
    family: Family,
    horizon: Option<Timestamp>,
) -> Result<Vec<PackKey>, StoreError> {
    let mut keys = Vec::new();
    rows.scan(store, family, true, &mut |cell| {
        if let Some(name) = name_of(store, &cell, horizon)? {
            let (row, qualifier) = (cell.row.to_owned(), cell.qualifier.to_owned());
            keys.push(PackKey { table: rows.table, row, family, qualifier, name });
        }
        Ok(())
    })?;
    Ok(keys)
}

/// Names and texts of the packs of some rows, each with the place of its row in `rows`; overflow rows are not looked for.
/// For rows that are known to hold little ([`Store::rows`]).
pub fn packs_of_small(
    store: &dyn Store,
    table: Table,
    family: Family,
    rows: &[String],
    horizon: Option<Timestamp>,
) -> Result<Vec<(usize, PackKey, PackText)>, StoreError> {
    let mut found = Ok(Vec::new());
    store.rows(table, family, rows, &mut |place, cell| {
        let Ok(packs) = &mut found else { return };
        let read = name_of(store, &cell, horizon).and_then(|name| {
            let Some(name) = name else { return Ok(None) };
            let text = decompress(cell.value).and_then(PackText::new);
            let text = text.map_err(|why| corrupt(store, cell.row, cell.qualifier, why))?;
            let (row, qualifier) = (cell.row.to_owned(), cell.qualifier.to_owned());
            Ok(Some((place, PackKey { table, row, family, qualifier, name }, text)))
        });
        match read {
            Ok(pack) => packs.extend(pack),
            Err(error) => found = Err(error),
        }
    })?;
    found
}

/// One listed pack. Errors: `Corrupt` also when it is gone.
pub fn read_pack(store: &dyn Store, key: &PackKey) -> Result<PackText, StoreError> {
    let value = store.get(key.table, &key.row, key.family, &key.qualifier)?;
    let value = value.ok_or_else(|| corrupt(store, &key.row, &key.qualifier, "it is gone"))?;
    let text = decompress(&value).and_then(PackText::new);
    text.map_err(|why| corrupt(store, &key.row, &key.qualifier, why))
}

/// Lends every pack to `each`, one at a time; those wholly before `horizon` are left out.
pub fn each_pack(
    store: &dyn Store,
    rows: PackRows<'_>,
    family: Family,
    horizon: Option<Timestamp>,
    each: &mut dyn FnMut(PackText) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    rows.scan(store, family, false, &mut |cell| {
        if name_of(store, &cell, horizon)?.is_none() {
            return Ok(());
        }
        let text = decompress(cell.value).and_then(PackText::new);
        each(text.map_err(|why| corrupt(store, cell.row, cell.qualifier, why))?)
    })
}

/// All packs.
pub fn packs(
    store: &dyn Store,
    rows: PackRows<'_>,
    family: Family,
    horizon: Option<Timestamp>,
) -> Result<Vec<PackText>, StoreError> {
    let mut texts = Vec::new();
    each_pack(store, rows, family, horizon, &mut |text| {
        texts.push(text);
        Ok(())
    })?;
    Ok(texts)
}

/// Of the identities that came with more than one content: which line counts.
#[derive(Clone, Debug, Default)]
pub struct Winners(FxHashMap<Identity, u64>);

impl Winners {
    /// `line` is the least of those with this identity.
    pub fn insert(&mut self, identity: Identity, line: &str) {
        self.0.insert(identity, xxh3_64(line.as_bytes()));
    }

    /// Adds those of other reports.
    pub fn extend(&mut self, other: &Winners) {
        self.0.extend(&other.0);
    }

    /// Whether a line counts: no other content came under its identity, or none that is less.
    pub fn counts(&self, identity: Identity, line: &str) -> bool {
        self.0.get(&identity).is_none_or(|&hash| hash == xxh3_64(line.as_bytes()))
    }

    /// Whether every line counts.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reports of packs, each identity once.
#[derive(Debug, Default)]
pub struct Merged<'a> {
    /// In order of identity.
    pub reports: Vec<Report<'a>>,
    /// Identities that came with more than one content; the lesser bytes are in `reports`. One in which only the time differs
    /// that was put in for one it lacks is none of them: the same report came twice.
    pub conflicts: Vec<Identity>,
    /// Their lines in `reports`.
    pub winners: Winners,
}

/// Decodes and merges the lines of packs by identity. Reports before `horizon` are left out; of two contents under one
/// identity the lesser bytes win.
///
/// `packs` come with the mark of the row they were read from (`None`: reports without a mark).
/// Errors: a text naming the line that does not decode.
pub fn merge<'a>(
    packs: impl Iterator<Item = (&'a PackText, Option<MarkRef<'a>>)>,
    horizon: Option<Timestamp>,
) -> Result<Merged<'a>, String> {
    let mut read: Vec<(&str, Report<'a>)> = Vec::new();
    for (pack, mark) in packs {
        for line in pack.lines() {
            let report = linkloom_schema::report::decode_stored(line.as_bytes(), mark)
                .map_err(|why| format!("{why} in {line}"))?;
            if horizon.is_none_or(|horizon| report.time.is_none_or(|time| time >= horizon)) {
                read.push((line, report));
            }
        }
    }
    read.sort_by(|(line_a, a), (line_b, b)| a.identity.cmp(&b.identity).then_with(|| line_a.cmp(line_b)));
    let mut merged = Merged::default();
    let mut kept: &str = "";
    for (line, report) in read {
        match merged.reports.last() {
            Some(last) if last.identity == report.identity => {
                if line == kept {
                    continue;
                }
                merged.winners.insert(report.identity, kept);
                let same = without_substituted_time(line, &report) == without_substituted_time(kept, last);
                if !same && merged.conflicts.last() != Some(&report.identity) {
                    merged.conflicts.push(report.identity);
                }
            }
            _ => {
                kept = line;
                merged.reports.push(report);
            }
        }
    }
    Ok(merged)
}

/// Of each of these traces, what its row notes: whether it holds unmarked reports, and whether it has overflow rows.
pub fn notes_of_traces(store: &dyn Store, trace_ids: &[String]) -> Result<Vec<TraceNotes>, StoreError> {
    let rows: Vec<String> = trace_ids.iter().map(|trace| row_key::unlinked_trace(trace)).collect();
    let mut notes = vec![TraceNotes::default(); rows.len()];
    store.rows(Table::Unlinked, Family::Link, &rows, &mut |place, cell| match cell.qualifier {
        note::UNMARKED => notes[place].unmarked = true,
        note::OVERFLOW => notes[place].overflow = true,
        _ => {}
    })?;
    Ok(notes)
}

/// What the row of a trace notes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceNotes {
    /// It holds reports without a mark.
    pub unmarked: bool,
    /// It has overflow rows.
    pub overflow: bool,
}

/// Executions tied to a trace id, in row order; at most 1,000.
pub fn executions_of_trace(
    store: &dyn Store,
    trace_id: &str,
) -> Result<Vec<linkloom_schema::ids::LinkMark>, StoreError> {
    let mut marks = Vec::new();
    let prefix = row_key::trace_prefix(trace_id);
    let mut failed = None;
    store.scan(&Scan::new(Table::Trace, Rows::Prefix(&prefix)).keys_only(), &mut |cell| {
        match row_key::decode_trace(cell.row) {
            Ok((_, mark)) => marks.push(mark),
            Err(error) => failed = Some(corrupt(store, cell.row, cell.qualifier, error)),
        }
        if failed.is_some() || marks.len() >= TIED_EXECUTIONS_MAX {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    failed.map_or(Ok(marks), Err)
}

/// Lends every report of one pack to `each`, as stored: repeated identities are the caller's matter.
pub fn each_report(
    store: &dyn Store,
    pack: &PackText,
    mark: MarkRef<'_>,
    each: &mut dyn FnMut(&Report<'_>),
) -> Result<(), StoreError> {
    let horizon = store.horizon();
    for line in pack.lines() {
        let report = linkloom_schema::report::decode_stored(line.as_bytes(), Some(mark))
            .map_err(|why| corrupt(store, &row_key::link(mark), line, why))?;
        if horizon.is_none_or(|horizon| report.time.is_none_or(|time| time >= horizon)) {
            each(&report);
        }
    }
    Ok(())
}
