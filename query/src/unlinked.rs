//! Reports without a mark: which traces and services have some, and a page of those of one.

use std::borrow::Cow;
use std::ops::ControlFlow;

use linkloom_schema::answer::{Json, LogCursor, RowCursor};
use linkloom_schema::event::Moment;
use linkloom_schema::ids::MarkRef;
use linkloom_schema::report::{Level, Payload, Report, ReportKind, decode_stored};
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Family, Table};
use linkloom_storage::pack::PackName;
use linkloom_storage::read::{PackKey, PackRows, Winners, executions_of_trace, list_packs};
use linkloom_storage::store::{CellRef, Rows, Scan, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::log_page::{LogQuery, Place, log_page};
use crate::reader::{LogsQuery, QueryError, Reader};

/// Sorts behind every character of a row key.
const LAST: char = '\u{7f}';
/// A place in the log pages of marked rows; rows of unlinked reports have no mark.
const NO_MARK: MarkRef<'static> = MarkRef { business_id: "", scene_id: "", execution_id: "" };

/// Whose reports without a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlinked<'a> {
    /// Those that carry this trace id.
    Trace(&'a str),
    /// Those of this service that carry no trace id; the empty text: those that name no service.
    Service(&'a str),
}

/// A trace or a service that has reports without a mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnlinkedEntry {
    /// The trace; `None`: reports of a service without one.
    pub trace_id: Option<String>,
    /// The service, empty when the reports name none; `None`: reports of a trace.
    pub service: Option<String>,
    /// Time of the earliest report; `None` when none has a time.
    pub first_time: Option<Timestamp>,
    /// Time of the latest report.
    pub last_time: Option<Timestamp>,
    /// Packs the reports are in.
    pub packs: u64,
    /// Executions that show the reports because they carry the same trace id, counted up to 1,000.
    pub executions: u64,
}

/// A page of the traces and services that have reports without a mark.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnlinkedAnswer {
    /// Services by name, then traces in key order.
    pub unlinked: Vec<UnlinkedEntry>,
    /// Where the next page begins; `None`: this is the last.
    pub next_cursor: Option<String>,
}

/// One report without a mark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct UnlinkedReport<'a> {
    /// `node` or `log`.
    #[serde(rename = "type")]
    pub kind: Cow<'a, str>,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// The node it names.
    pub node_name: Option<String>,
    /// Status of a node report.
    pub status: Option<Cow<'a, str>>,
    /// Severity of a log, as reported.
    pub level: Option<String>,
    /// Text of a log.
    pub message: Option<String>,
    /// Input of a node.
    pub input: Option<Json<'a>>,
    /// Output of a node.
    pub output: Option<Json<'a>>,
    /// Data of a log.
    pub data: Option<Json<'a>>,
    /// Exception of a log or of a failed node.
    pub exception: Option<Json<'a>>,
    /// The reporting service.
    pub service: Option<String>,
    /// The reporting instance.
    pub instance: Option<String>,
    /// Its trace.
    pub trace_id: Option<String>,
    /// Fields the report format does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Json<'a>>,
    /// The time is that of its source.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub time_substituted: bool,
}

/// A page of the reports without a mark of one trace or service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct UnlinkedReportsAnswer<'a> {
    /// By time, untimed ones last, then identity.
    pub reports: Vec<UnlinkedReport<'a>>,
    /// Where the next page begins; `None`: this is the last.
    pub next_cursor: Option<String>,
}

impl Reader {
    /// The services and traces that have reports without a mark. Those whose reports are all past retention are left
    /// out.
    ///
    /// Shape: at most `limit` entries; a cursor goes on behind the last of them.
    pub fn unlinked(&self, limit: usize, cursor: Option<&str>) -> Result<UnlinkedAnswer, QueryError> {
        let after = cursor.map(RowCursor::decode).transpose()?.map(|cursor| cursor.row);
        let mut found: Vec<(String, UnlinkedEntry)> = Vec::new();
        if after.as_deref().is_none_or(|after| after.starts_with("s|")) {
            self.services(limit, after.as_deref(), &mut found)?;
        }
        if found.len() <= limit {
            let after = after.as_deref().filter(|after| after.starts_with("t|"));
            self.traces(limit, after, &mut found)?;
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        let next_cursor =
            last.map(|(row, _)| RowCursor { row: row.clone(), qualifier: String::new() }.encode());
        Ok(UnlinkedAnswer { unlinked: found.into_iter().map(|(_, entry)| entry).collect(), next_cursor })
    }

    /// Adds services until there are more than `limit`. All rows of one stand together: `s|{service}|{hour}`.
    fn services(
        &self,
        limit: usize,
        after: Option<&str>,
        found: &mut Vec<(String, UnlinkedEntry)>,
    ) -> Result<(), StoreError> {
        let store = &**self.store();
        let horizon = store.horizon();
        let scan = Scan { after_row: after, ..Scan::new(Table::Unlinked, Rows::Prefix("s|")).keys_only() };
        each_pack_name(store, &scan, &mut |row, name| {
            if name.span.zip(horizon).is_some_and(|((_, last), horizon)| last < horizon) {
                return Ok(ControlFlow::Continue(()));
            }
            let service = row.split('|').nth(1).unwrap_or_default();
            let end = format!("s|{service}|{LAST}");
            if found.last().is_none_or(|(known, _)| *known != end) {
                if found.len() > limit {
                    return Ok(ControlFlow::Break(()));
                }
                let service = row_key::decode_id(service).map_err(|error| self.corrupt(row, &error))?;
                found.push((end, UnlinkedEntry::new(Unlinked::Service(&service))));
            }
            if let Some((_, entry)) = found.last_mut() {
                entry.add(name);
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Adds traces until there are more than `limit`. A trace stands where its first row is: its overflow rows
    /// (`t|{salt}|{traceId}|{chunk}`) may stand apart from it.
    fn traces(
        &self,
        limit: usize,
        after: Option<&str>,
        found: &mut Vec<(String, UnlinkedEntry)>,
    ) -> Result<(), QueryError> {
        let store = &**self.store();
        let horizon = store.horizon();
        let mut rows: Vec<String> = Vec::new();
        let room = (limit + 1).saturating_sub(found.len());
        let scan = Scan { after_row: after, ..Scan::new(Table::Unlinked, Rows::Prefix("t|")).keys_only() };
        each_pack_name(store, &scan, &mut |row, name| {
            let past = name.span.zip(horizon).is_some_and(|((_, last), horizon)| last < horizon);
            if past || rows.last().is_some_and(|known| known == row) {
                return Ok(ControlFlow::Continue(()));
            }
            let base = base_of(row);
            if base == row || first_row(store, base, horizon)?.as_deref() == Some(row) {
                rows.push(row.to_owned());
            }
            Ok(if rows.len() < room { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        for row in rows {
            let base = base_of(&row);
            let trace = base.rsplit('|').next().unwrap_or_default();
            let trace = row_key::decode_id(trace).map_err(|error| self.corrupt(&row, &error))?;
            let mut entry = UnlinkedEntry::new(Unlinked::Trace(&trace));
            let of_trace = PackRows::find(store, Table::Unlinked, base)?;
            for family in [Family::Nodes, Family::BusinessLogs] {
                let packs = list_packs(store, of_trace, family, horizon)?;
                packs.iter().for_each(|pack| entry.add(&pack.name));
            }
            entry.executions = executions_of_trace(store, &trace)?.len() as u64;
            found.push((row, entry));
        }
        Ok(())
    }

    /// A page of the reports without a mark of one trace or service, node reports and logs alike; `None` when there are
    /// none.
    pub fn unlinked_reports(
        &self,
        of: Unlinked<'_>,
        query: &LogsQuery,
    ) -> Result<Option<UnlinkedReportsAnswer<'static>>, QueryError> {
        let store = &**self.store();
        let horizon = store.horizon();
        let row = match of {
            Unlinked::Trace(trace) => row_key::unlinked_trace(trace),
            Unlinked::Service(service) => row_key::unlinked_service_hours(service),
        };
        let rows = match of {
            Unlinked::Trace(_) => PackRows::find(store, Table::Unlinked, &row)?,
            // All hours lie below it.
            Unlinked::Service(_) => PackRows::all_below(Table::Unlinked, &row),
        };
        let mut packs: Vec<PackKey> = Vec::new();
        for family in [Family::Nodes, Family::BusinessLogs] {
            packs.extend(list_packs(store, rows, family, horizon)?);
        }
        if packs.is_empty() {
            return Ok(None);
        }
        let level = query.level.as_deref().map(|level| Level::of(Some(level)));
        let wanted = |report: &Report<'_>| {
            level.is_none_or(|level| report.kind == ReportKind::Log && report.level() == level)
                && query
                    .text
                    .as_deref()
                    .is_none_or(|text| report.message.as_deref().unwrap_or("").contains(text))
        };
        let after = query.cursor.as_deref().map(LogCursor::decode).transpose()?;
        let page = log_page(
            store,
            NO_MARK,
            packs,
            &LogQuery {
                kind: None,
                node: None,
                wanted: &wanted,
                after: after.map(|LogCursor(moment)| Place::from(moment)),
                limit: query.limit,
                horizon,
                winners: &Winners::default(),
            },
        )?;
        let mut reports = Vec::with_capacity(page.lines.len());
        for (_, line, _) in &page.lines {
            let report = decode_stored(line.as_bytes(), None).map_err(|why| self.corrupt(line, &why))?;
            reports.push(UnlinkedReport::of(&report));
        }
        let last = page.lines.last().filter(|_| page.more);
        let next_cursor = last.map(|(place, ..)| LogCursor(Moment::from(*place)).encode());
        Ok(Some(UnlinkedReportsAnswer { reports, next_cursor }))
    }
}

impl UnlinkedEntry {
    fn new(of: Unlinked<'_>) -> Self {
        let (trace_id, service) = match of {
            Unlinked::Trace(trace) => (Some(trace.to_owned()), None),
            Unlinked::Service(service) => (None, Some(service.to_owned())),
        };
        UnlinkedEntry { trace_id, service, first_time: None, last_time: None, packs: 0, executions: 0 }
    }

    fn add(&mut self, pack: &PackName) {
        self.packs += 1;
        if let Some((first, last)) = pack.span {
            self.first_time = Some(self.first_time.map_or(first, |known| known.min(first)));
            self.last_time = self.last_time.max(Some(last));
        }
    }
}

impl UnlinkedReport<'static> {
    fn of(report: &Report<'_>) -> Self {
        let text = |field: &Option<Cow<'_, str>>| field.as_deref().map(str::to_owned);
        let json = |payload: &Option<Payload<'_>>| {
            payload.as_ref().map(|payload| Json(Cow::Owned(payload.json.clone().into_owned())))
        };
        UnlinkedReport {
            kind: Cow::Borrowed(match report.kind {
                ReportKind::Node => "node",
                ReportKind::Log => "log",
            }),
            time: report.time,
            node_name: text(&report.node_name),
            status: report.status.map(|status| Cow::Borrowed(status.as_str())),
            level: text(&report.level),
            message: text(&report.message),
            input: json(&report.input),
            output: json(&report.output),
            data: json(&report.data),
            exception: json(&report.exception),
            service: text(&report.service),
            instance: text(&report.instance),
            trace_id: text(&report.trace_id),
            attributes: json(&report.attributes),
            time_substituted: report.time_substituted,
        }
    }
}

/// `t|{salt}|{traceId}` of such a row or of one of its overflow rows.
fn base_of(row: &str) -> &str {
    row.match_indices('|').nth(2).map_or(row, |(end, _)| &row[..end])
}

/// The first row of a trace that holds a report within retention.
fn first_row(
    store: &dyn Store,
    base: &str,
    horizon: Option<Timestamp>,
) -> Result<Option<String>, StoreError> {
    let mut least: Option<String> = None;
    let rows = PackRows::find(store, Table::Unlinked, base)?;
    for family in [Family::Nodes, Family::BusinessLogs] {
        for pack in list_packs(store, rows, family, horizon)? {
            if least.as_deref().is_none_or(|least| pack.row.as_str() < least) {
                least = Some(pack.row);
            }
        }
    }
    Ok(least)
}

/// Lent each pack of a scan: its row and its name.
type EachPackName<'e> = &'e mut dyn FnMut(&str, &PackName) -> Result<ControlFlow<()>, StoreError>;

/// Lends the names of the packs of a keys-only scan; notes are passed over.
fn each_pack_name(store: &dyn Store, scan: &Scan<'_>, each: EachPackName<'_>) -> Result<(), StoreError> {
    let mut failed = None;
    store.scan(scan, &mut |CellRef { row, family, qualifier, .. }| {
        if family == Family::Link {
            return ControlFlow::Continue(());
        }
        let read = PackName::decode(qualifier).map_err(|error| StoreError::Corrupt {
            store: store.name().to_owned(),
            what: format!("pack {qualifier} of row {row}"),
            why: error.to_string(),
        });
        read.and_then(|name| each(row, &name)).unwrap_or_else(|error| {
            failed = Some(error);
            ControlFlow::Break(())
        })
    })?;
    failed.map_or(Ok(()), Err)
}
