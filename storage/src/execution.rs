//! One execution read back whole: its node reports, what all its reports add up to, and what else the answers need.

use std::collections::hash_map::Entry;

use linkloom_schema::finding::Finding;
use linkloom_schema::ids::{LinkMark, MarkRef};
use linkloom_schema::report::{Identity, Report, decode_stored, without_substituted_time};
use linkloom_schema::row_key;
use linkloom_schema::summary::Summary;
use linkloom_schema::tally::Tally;
use linkloom_schema::time::Timestamp;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::cell::{Family, Table};
use crate::note;
use crate::pack::PackText;
use crate::read::{self, Merged, PackKey, PackRows, Winners};
use crate::store::{Store, StoreError};

/// Qualifier of the summary cell in family `l` of the `link` table.
pub const SUMMARY: &str = "summary";
/// Of an execution with up to so many reports the logs are read with one call.
const FEW_REPORTS: u64 = 512;
/// Conflicting identities named in findings; more are counted in the last of them.
const CONFLICTS_NAMED_MAX: usize = 100;

/// How much is read of the business logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logs {
    /// All of them.
    All,
    /// All of them if they are few; of many, what the summary says (times, meta, traces), unless it cannot say all of that.
    Few,
    /// What the summary says, also of few. For answers that need neither logs nor where they are.
    Summed,
}

/// An execution as lent by [`with_execution`].
#[derive(Debug)]
pub struct Execution<'a> {
    /// The execution.
    pub mark: MarkRef<'a>,
    /// Its node reports, each once, by identity; those joined by trace id among them.
    pub reports: Vec<Report<'a>>,
    /// What all its reports add up to.
    pub tally: Tally,
    /// One finding for each identity that came with two contents.
    pub conflicts: Vec<Finding>,
    /// Which of the contents counts.
    pub winners: Winners,
    /// Traces whose unmarked reports other executions show, too.
    pub shared_traces: Vec<String>,
    /// Reports of it are past retention.
    pub partial: bool,
    /// Where its business logs are: in its own row and overflow rows (these not with [`Logs::Summed`]), and in the rows of its
    /// traces.
    pub log_packs: Vec<PackKey>,
    /// Its own logs were not read (not with [`Logs::All`]).
    pub logs_left_out: bool,
}

/// The stored summary of an execution.
pub fn summary(store: &dyn Store, mark: MarkRef<'_>) -> Result<Option<Summary>, StoreError> {
    let row = row_key::link(mark);
    let Some(value) = store.get(Table::Link, &row, Family::Link, SUMMARY)? else { return Ok(None) };
    Summary::from_json(&value).map(Some).map_err(|error| bad_summary(store, &row, &error))
}

fn bad_summary(store: &dyn Store, row: &str, error: &serde_json::Error) -> StoreError {
    StoreError::Corrupt {
        store: store.name().to_owned(),
        what: format!("summary of {row}"),
        why: error.to_string(),
    }
}

/// What the family `l` of an execution's row holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its summary, as JSON.
    pub summary: Option<Vec<u8>>,
    /// Whether it has overflow rows.
    pub overflow: bool,
}

/// The heads of executions, by their rows.
pub fn heads(store: &dyn Store, rows: &[String]) -> Result<Vec<Head>, StoreError> {
    let mut heads = vec![Head::default(); rows.len()];
    store.rows(Table::Link, Family::Link, rows, &mut |place, cell| match cell.qualifier {
        SUMMARY => heads[place].summary = Some(cell.value.to_vec()),
        note::OVERFLOW => heads[place].overflow = true,
        _ => {}
    })?;
    Ok(heads)
}

/// Whether the reports of an execution are few, as far as its summary knows.
pub fn holds_little(summary: &Summary) -> bool {
    summary.version <= FEW_REPORTS
}

/// Reads an execution and lends it to `then`; `None` when nothing is stored under its mark.
///
/// Errors: `Unavailable` is safe to repeat; `Corrupt` names the row.
pub fn with_execution<T>(
    store: &dyn Store,
    mark: &LinkMark,
    logs: Logs,
    then: impl FnOnce(Execution<'_>) -> T,
) -> Result<Option<T>, StoreError> {
    let mark = mark.as_ref();
    let row = row_key::link(mark);
    let horizon = store.horizon();
    let corrupt =
        |why: String| StoreError::Corrupt { store: store.name().to_owned(), what: row.clone(), why };

    let head = heads(store, std::slice::from_ref(&row))?.pop().unwrap_or_default();
    // A summary that is not needed may be made anew from what is read here, whatever is wrong with it.
    let needed = horizon.is_some() || logs != Logs::All;
    let known = match head.summary.map(|json| Summary::from_json(&json)).transpose() {
        Err(error) if needed => return Err(bad_summary(store, &row, &error)),
        known => known.ok().flatten(),
    };
    let own = PackRows::known(Table::Link, &row, head.overflow);
    let own_nodes = read::packs(store, own, Family::Nodes, horizon)?;
    let few = !head.overflow && known.as_ref().is_some_and(holds_little);
    let standing = known.as_ref().filter(|summary| summary.stands_for_logs());
    let (mut log_packs, own_logs) = if logs == Logs::Summed && standing.is_some() {
        (Vec::new(), None)
    } else if few {
        let rows = std::slice::from_ref(&row);
        let packs = read::packs_of_small(store, Table::Link, Family::BusinessLogs, rows, horizon)?;
        let (keys, texts) = packs.into_iter().map(|(_, key, text)| (key, text)).unzip();
        (keys, Some(texts))
    } else {
        (read::list_packs(store, own, Family::BusinessLogs, horizon)?, None)
    };
    if own_nodes.is_empty() && log_packs.is_empty() && known.is_none() {
        return Ok(None);
    }
    let own_log_packs = log_packs.len();
    let merged = read::merge(own_nodes.iter().map(|pack| (pack, Some(mark))), horizon).map_err(corrupt)?;
    let mut gathered = Gathered::default();
    gathered.nodes(&merged);

    let stand_in = standing.filter(|_| match logs {
        Logs::All => false,
        Logs::Few => own_logs.is_none(),
        Logs::Summed => true,
    });
    match stand_in {
        Some(summary) => gathered.summary(summary),
        None => gathered.logs(store, &log_packs, own_logs, Some(mark), horizon)?,
    }
    let logs_left_out = stand_in.is_some();

    let mut joined_nodes: Vec<PackText> = Vec::new();
    let mut shared_traces = Vec::new();
    let traces: Vec<String> = gathered.tally.trace_ids().map(str::to_owned).collect();
    let notes = read::notes_of_traces(store, &traces)?;
    for (trace, notes) in traces.into_iter().zip(notes) {
        if !notes.unmarked {
            continue;
        }
        let row = row_key::unlinked_trace(&trace);
        let rows = PackRows::known(Table::Unlinked, &row, notes.overflow);
        let nodes = read::packs(store, rows, Family::Nodes, horizon)?;
        let packs = read::list_packs(store, rows, Family::BusinessLogs, horizon)?;
        if nodes.is_empty() && packs.is_empty() {
            continue;
        }
        joined_nodes.extend(nodes);
        log_packs.extend(packs);
        if read::executions_of_trace(store, &trace)?.len() > 1 {
            shared_traces.push(trace);
        }
    }
    gathered.logs(store, &log_packs[own_log_packs..], None, None, horizon)?;
    let joined = read::merge(joined_nodes.iter().map(|pack| (pack, None)), horizon).map_err(corrupt)?;
    gathered.nodes(&joined);
    let mut reports = merged.reports;
    if !joined.reports.is_empty() {
        reports.extend(joined.reports);
        reports.sort_by_key(|report| report.identity);
    }
    let first = known.and_then(|summary| summary.first_report_time);
    let partial = matches!((first, horizon), (Some(first), Some(horizon)) if first < horizon);
    Ok(Some(then(Execution {
        mark,
        reports,
        tally: gathered.tally,
        conflicts: gathered.conflicts,
        winners: gathered.winners,
        shared_traces,
        partial,
        log_packs,
        logs_left_out,
    })))
}

/// What is gathered on the way.
#[derive(Default)]
struct Gathered {
    tally: Tally,
    conflicts: Vec<Finding>,
    winners: Winners,
}

impl Gathered {
    fn nodes(&mut self, merged: &Merged<'_>) {
        merged.reports.iter().for_each(|report| self.tally.add(report));
        for identity in &merged.conflicts {
            if let Ok(place) = merged.reports.binary_search_by_key(identity, |report| report.identity) {
                self.conflict(&merged.reports[place]);
            }
        }
        self.tally.conflicting |= !merged.winners.is_empty();
        self.winners.extend(&merged.winners);
    }

    fn conflict(&mut self, report: &Report<'_>) {
        if self.conflicts.len() < CONFLICTS_NAMED_MAX {
            let id =
                report.id.as_deref().map_or_else(|| format!("{:032x}", report.identity.0), str::to_owned);
            self.conflicts.push(Finding::id_conflict(report.node_name.as_deref(), &id));
        }
    }

    /// What the summary of an execution says of its logs: all that answers without logs need.
    fn summary(&mut self, summary: &Summary) {
        for time in [summary.first_report_time, summary.last_report_time].into_iter().flatten() {
            self.tally.first_time = Some(self.tally.first_time.map_or(time, |first| first.min(time)));
            self.tally.last_time = Some(self.tally.last_time.map_or(time, |last| last.max(time)));
        }
        summary.trace_ids.iter().for_each(|trace| self.tally.note_trace(trace));
        summary.logged_nodes.iter().for_each(|node| self.tally.note_logged_node(node));
        self.tally.set_meta(&summary.meta);
    }

    /// Adds the logs of these packs, each once; `texts` if they were read already, else one pack is in memory at a time.
    fn logs(
        &mut self,
        store: &dyn Store,
        packs: &[PackKey],
        texts: Option<Vec<PackText>>,
        mark: Option<MarkRef<'_>>,
        horizon: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let each_line = |each: &mut dyn FnMut(&str, Report<'_>)| {
            packs.iter().enumerate().try_for_each(|(place, key)| match &texts {
                Some(texts) => lines_of(store, key, &texts[place], mark, horizon, each),
                None => lines_of(store, key, &read::read_pack(store, key)?, mark, horizon, each),
            })
        };
        // Nearly always every identity has one content. Then each report is decoded once, and none is kept.
        let mut contents: FxHashMap<Identity, u64> = FxHashMap::default();
        let mut tally = self.tally.clone();
        let mut conflicting = false;
        each_line(&mut |line, report| {
            let hash = xxh3_64(line.as_bytes());
            match contents.entry(report.identity) {
                Entry::Occupied(known) => conflicting |= *known.get() != hash,
                Entry::Vacant(free) => {
                    free.insert(hash);
                    tally.add(&report);
                }
            }
        })?;
        if !conflicting {
            self.tally = tally;
            return Ok(());
        }
        // Which contents there are under an identity that has several: the least of each, and whether they differ in more
        // than the moment at which they came. Then each report once.
        let mut least: FxHashMap<Identity, (String, bool)> = FxHashMap::default();
        each_line(&mut |line, report| {
            if contents.get(&report.identity) != Some(&xxh3_64(line.as_bytes())) {
                least.entry(report.identity).or_insert_with(|| (line.to_owned(), false));
            }
        })?;
        each_line(&mut |line, report| {
            if let Some((known, differ)) = least.get_mut(&report.identity) {
                // The known one lacks its time if this one does, or else they differ.
                *differ |=
                    without_substituted_time(line, &report) != without_substituted_time(known, &report);
                if line < known.as_str() {
                    line.clone_into(known);
                }
            } else if contents.remove(&report.identity).is_some() {
                self.tally.add(&report);
            }
        })?;
        let mut least: Vec<(Identity, (String, bool))> = least.into_iter().collect();
        least.sort_unstable();
        for (_, (line, differ)) in &least {
            // It decoded a moment ago.
            if let Ok(report) = decode_stored(line.as_bytes(), mark) {
                self.tally.add(&report);
                self.tally.conflicting = true;
                self.winners.insert(report.identity, line);
                if *differ {
                    self.conflict(&report);
                }
            }
        }
        Ok(())
    }
}

/// Lends every line of a pack with the report it holds.
fn lines_of(
    store: &dyn Store,
    key: &PackKey,
    pack: &PackText,
    mark: Option<MarkRef<'_>>,
    horizon: Option<Timestamp>,
    each: &mut dyn FnMut(&str, Report<'_>),
) -> Result<(), StoreError> {
    for line in pack.lines() {
        let report = decode_stored(line.as_bytes(), mark).map_err(|why| StoreError::Corrupt {
            store: store.name().to_owned(),
            what: format!("pack {} of row {}", key.qualifier, key.row),
            why: why.to_string(),
        })?;
        if horizon.is_none_or(|horizon| report.time.is_none_or(|time| time >= horizon)) {
            each(line, report);
        }
    }
    Ok(())
}
