//! One page of business logs in time order, reading only the packs it needs.
//!
//! The names of packs say which times (and, for large ones, which node) they hold. Packs are opened by their first time;
//! once the page is full and the next pack begins after its last line, the rest is left unread. So a page costs the packs
//! it shows, however many logs there are, and holds one pack in memory at a time.

use std::collections::BTreeMap;

use linkloom_schema::event::Moment;
use linkloom_schema::ids::MarkRef;
use linkloom_schema::report::{Identity, Report, ReportKind, decode_stored};
use linkloom_schema::time::Timestamp;
use linkloom_storage::read::{PackKey, Winners, read_pack};
use linkloom_storage::store::{Store, StoreError};

/// Where a log stands: by time, untimed ones last, then by identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Microseconds since the epoch; `i64::MAX` for none.
    pub micros: i64,
    /// The name of the report.
    pub identity: Identity,
}

impl From<Moment> for Place {
    fn from(moment: Moment) -> Self {
        Place { micros: moment.time.map_or(i64::MAX, Timestamp::micros), identity: moment.identity }
    }
}

impl From<Place> for Moment {
    fn from(place: Place) -> Self {
        Moment {
            time: (place.micros < i64::MAX).then_some(Timestamp(place.micros)),
            identity: place.identity,
        }
    }
}

impl Place {
    /// The place of a report.
    pub fn of(report: &Report<'_>) -> Self {
        Place { micros: report.time.map_or(i64::MAX, Timestamp::micros), identity: report.identity }
    }
}

/// What belongs on a page.
pub struct LogQuery<'q> {
    /// Only reports of this kind; `None`: all.
    pub kind: Option<ReportKind>,
    /// Only logs of this node (`Some(None)`: of none); `None`: all.
    pub node: Option<Option<&'q str>>,
    /// Any further condition.
    pub wanted: &'q dyn Fn(&Report<'_>) -> bool,
    /// Only logs after this place.
    pub after: Option<Place>,
    /// Lines on the page.
    pub limit: usize,
    /// Reports before it are left out.
    pub horizon: Option<Timestamp>,
    /// Of two contents under one identity, wherever they stand, only this one is a log.
    pub winners: &'q Winners,
}

/// One page: stored lines in order, and whether more follow.
#[derive(Debug, Default)]
pub struct LogPage {
    /// Stored report lines with the mark of the row they stood in, if it was an execution's.
    pub lines: Vec<(Place, String, bool)>,
    /// Whether more logs follow.
    pub more: bool,
}

/// Reads a page from packs of business logs. `mark` is that of the execution; packs of other tables hold reports without
/// a mark.
pub fn log_page(
    store: &dyn Store,
    mark: MarkRef<'_>,
    mut packs: Vec<PackKey>,
    query: &LogQuery<'_>,
) -> Result<LogPage, StoreError> {
    let first = |key: &PackKey| key.name.span.map_or(i64::MAX, |(first, _)| first.micros());
    packs.retain(|key| {
        let last = key.name.span.map_or(i64::MAX, |(_, last)| last.micros());
        query.node.is_none_or(|node| key.name.may_hold(node))
            && query.after.is_none_or(|after| last >= after.micros)
    });
    packs.sort_by_key(first);
    // The least `limit + 1` lines so far; of two contents under one identity the lesser.
    let mut page: BTreeMap<Place, (String, bool)> = BTreeMap::new();
    for key in &packs {
        let is_full = page.len() > query.limit;
        if is_full && page.last_key_value().is_some_and(|(last, _)| last.micros < first(key)) {
            break;
        }
        let pack = read_pack(store, key)?;
        let marked = key.table == linkloom_storage::cell::Table::Link;
        for line in pack.lines() {
            let report = decode_stored(line.as_bytes(), marked.then_some(mark)).map_err(|why| {
                StoreError::Corrupt {
                    store: store.name().to_owned(),
                    what: format!("pack {} of row {}", key.qualifier, key.row),
                    why: why.to_string(),
                }
            })?;
            let place = Place::of(&report);
            let of_node = query.node.is_none_or(|node| report.node_name.as_deref() == node);
            let kept = query.horizon.is_none_or(|horizon| report.time.is_none_or(|time| time >= horizon));
            let of_kind = query.kind.is_none_or(|kind| report.kind == kind);
            let counts = query.winners.counts(report.identity, line);
            if !of_kind || !of_node || !kept || !counts || !(query.wanted)(&report) {
                continue;
            }
            if query.after.is_some_and(|after| place <= after) {
                continue;
            }
            if page.len() > query.limit && page.last_key_value().is_some_and(|(last, _)| *last < place) {
                continue;
            }
            let better = page.get(&place).is_none_or(|(known, _)| line < known.as_str());
            if better {
                page.insert(place, (line.to_owned(), marked));
            }
            if page.len() > query.limit.saturating_add(1) {
                page.pop_last();
            }
        }
    }
    let more = page.len() > query.limit;
    let lines =
        page.into_iter().take(query.limit).map(|(place, (line, marked))| (place, line, marked)).collect();
    Ok(LogPage { lines, more })
}
