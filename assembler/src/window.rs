//! The window of one execution: digests merged, ready to be summed up.

use linkloom_schema::digest::{self, LogMark, Record};
use linkloom_schema::event::{Moment, NodeEvent};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::report::{Report, ReportKind};
use linkloom_schema::tally::FACTS_MAX;
use linkloom_schema::time::Timestamp;
use linkloom_storage::flush::RowDigest;

use crate::bytes::{Held, push_count, push_held, take_count, take_held};

/// The unsorted tail of a window's logs is merged into the sorted head when it is longer than this and than the head.
const TAIL_MIN: usize = 64;
/// About the bytes of a record.
const RECORD_BYTES: usize = 64;

/// What is known of one execution's reports: the merge of a set of digests, in any order and repetition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The execution.
    pub mark: LinkMark,
    /// Records of node reports, one after the other; they may repeat.
    records: Vec<u8>,
    /// Logs: sorted and distinct up to `logs_sorted`, then as they came.
    logs: Vec<LogMark>,
    logs_sorted: usize,
    span: Option<(Timestamp, Timestamp)>,
    /// Trace ids, sorted and distinct; the least.
    traces: Vec<String>,
    /// Keeps a row of logs of one node, read back one by one, from making a record each.
    last_logged_node: String,
}

/// The merge of a window in the form summaries are made from; borrows from the window.
#[derive(Debug, Default, PartialEq)]
pub struct Observed<'a> {
    /// Distinct node reports, in order of identity.
    pub events: Vec<NodeEvent<'a>>,
    /// Meta of distinct reports: JSON objects.
    pub metas: Vec<(Moment, &'a str)>,
    /// Nodes that logs name; those that reported may be left out. In no particular order, each once.
    pub logged_nodes: Vec<&'a str>,
    /// Number of distinct logs.
    pub logs: u64,
    /// Number of distinct logs of level ERROR or above.
    pub errors: u64,
    /// Times of the earliest and the latest timed report.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Trace ids, sorted.
    pub traces: &'a [String],
    /// Two contents came under one identity, so what counts can only be read from the store.
    pub conflict: bool,
    /// Records came more than once: [`Window::drop_repeated`] frees what they take.
    pub repeated: bool,
}

impl Window {
    /// A window of nothing.
    pub fn new(mark: LinkMark) -> Self {
        Window {
            mark,
            records: Vec::new(),
            logs: Vec::new(),
            logs_sorted: 0,
            span: None,
            traces: Vec::new(),
            last_logged_node: String::new(),
        }
    }

    /// Merges what one flush held of this execution. Returns the trace ids that are new to the window.
    pub fn absorb(&mut self, digest: RowDigest) -> Vec<String> {
        if self.records.is_empty() {
            self.records = digest.records;
        } else {
            self.records.extend_from_slice(&digest.records);
        }
        self.push_logs(digest.logs.into_iter());
        if let Some((first, last)) = digest.span {
            self.widen(first, last);
        }
        let mut new = digest.traces;
        new.retain(|trace| self.add_trace(trace));
        new
    }

    /// Merges one report read back from the store.
    pub fn absorb_report(&mut self, report: &Report<'_>) {
        digest::push_record(&mut self.records, report);
        if report.kind == ReportKind::Log {
            self.push_logs(std::iter::once(LogMark::new(report)));
            if let Some(node) = report.node_name.as_deref().filter(|node| *node != self.last_logged_node) {
                digest::push_logged_node(&mut self.records, node);
                self.last_logged_node = node.to_owned();
            }
        }
        if let Some(time) = report.time {
            self.widen(time, time);
        }
        if let (Some(_), Some(trace)) = (&report.mark, &report.trace_id) {
            self.add_trace(trace);
        }
    }

    /// Merges another window of the same execution.
    pub fn merge(&mut self, other: &Window) {
        self.records.extend_from_slice(&other.records);
        self.push_logs(other.logs.iter().copied());
        if let Some((first, last)) = other.span {
            self.widen(first, last);
        }
        for trace in &other.traces {
            self.add_trace(trace);
        }
    }

    fn widen(&mut self, first: Timestamp, last: Timestamp) {
        self.span = Some(match self.span {
            None => (first, last),
            Some((begin, end)) => (begin.min(first), end.max(last)),
        });
    }

    fn add_trace(&mut self, trace: &str) -> bool {
        match self.traces.binary_search_by(|known| known.as_str().cmp(trace)) {
            Ok(_) => false,
            // As in a tally the least are kept, and one more that says there are more.
            Err(place) if place <= FACTS_MAX => {
                self.traces.insert(place, trace.to_owned());
                self.traces.truncate(FACTS_MAX + 1);
                true
            }
            Err(_) => false,
        }
    }

    fn push_logs(&mut self, logs: impl Iterator<Item = LogMark>) {
        self.logs.extend(logs);
        if self.logs.len() - self.logs_sorted > TAIL_MIN.max(self.logs_sorted) {
            self.sort_logs();
        }
    }

    fn sort_logs(&mut self) {
        if self.logs_sorted < self.logs.len() {
            self.logs.sort_unstable();
            self.logs.dedup();
            self.logs_sorted = self.logs.len();
        }
    }

    /// Trace ids of its reports, sorted.
    pub fn traces(&self) -> &[String] {
        &self.traces
    }

    /// Time of the latest timed report.
    pub fn last(&self) -> Option<Timestamp> {
        self.span.map(|(_, last)| last)
    }

    /// Memory held, in bytes.
    pub fn bytes(&self) -> usize {
        let traces: usize = self.traces.iter().map(|trace| trace.capacity() + 24).sum();
        let ids = self.mark.business_id.len() + self.mark.scene_id.len() + self.mark.execution_id.len();
        size_of::<Self>() + self.records.capacity() + self.logs.capacity() * 8 + traces + ids
    }

    /// Drops records that came more than once.
    pub fn drop_repeated(&mut self) {
        let Ok((records, true)) = distinct_records(&self.records) else { return };
        let mut kept = Vec::with_capacity(records.iter().map(|record| record.bytes.len()).sum());
        records.iter().for_each(|record| kept.extend_from_slice(record.bytes));
        self.records = kept;
    }

    /// The merge: every report once. Errors: a text, when a record does not decode.
    pub fn observe(&mut self) -> Result<Observed<'_>, &'static str> {
        self.sort_logs();
        let (records, repeated) = distinct_records(&self.records)?;
        let mut observed =
            Observed { span: self.span, traces: &self.traces, repeated, ..Observed::default() };
        observed.logs = self.logs.len() as u64;
        observed.errors = self.logs.iter().filter(|log| log.is_error()).count() as u64;
        observed.conflict =
            self.logs.windows(2).any(|pair| pair[0].identity_bits() == pair[1].identity_bits());
        let mut before = None;
        for record in records {
            observed.conflict |= before == Some(record.identity);
            before = Some(record.identity);
            observed.events.extend(record.event);
            observed.logged_nodes.extend(record.logged_node);
            if let Some(meta) = record.meta {
                observed.metas.push((Moment { time: record.time, identity: record.identity }, meta));
            }
        }
        Ok(observed)
    }

    /// Appends the window to a buffer, to be read back by [`Window::decode`]: how many of its logs are sorted, then what it
    /// holds.
    pub fn encode(&self, out: &mut Vec<u8>) {
        push_count(out, self.logs_sorted);
        push_held(out, &self.mark, self.span, &self.traces, &self.logs, &self.records);
    }

    /// Reads a window written by [`Window::encode`]; `None` when it does not decode.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let logs_sorted = take_count(&mut rest)?;
        let Held { mark, span, traces, logs, records } = take_held(&mut rest)?;
        rest.is_empty().then(|| Window { span, traces, logs, logs_sorted, records, ..Window::new(mark) })
    }
}

/// The records of a buffer, each once, by identity and content; whether some were repeated.
fn distinct_records(records: &[u8]) -> Result<(Vec<Record<'_>>, bool), &'static str> {
    let mut distinct = Vec::with_capacity(records.len() / RECORD_BYTES);
    for record in digest::records(records) {
        distinct.push(record?);
    }
    distinct.sort_unstable_by(|a, b| (a.identity, a.bytes).cmp(&(b.identity, b.bytes)));
    let all = distinct.len();
    distinct.dedup_by(|a, b| a.bytes == b.bytes);
    let repeated = distinct.len() < all;
    Ok((distinct, repeated))
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkloom_schema::report::{Identity, Status};
    use linkloom_storage::flush::{Owner, RowId};

    fn mark() -> LinkMark {
        LinkMark::new("content-1", "realtime-input", "5f2c").expect("valid ids")
    }

    fn report(node: &'static str, identity: u128, time: i64) -> Report<'static> {
        Report {
            identity: Identity(identity << 64),
            node_name: Some(node.into()),
            status: Some(Status::Running),
            time: Some(Timestamp(time)),
            ..Report::default()
        }
    }

    fn log(identity: u128, level: &'static str) -> LogMark {
        LogMark::new(&Report {
            identity: Identity(identity << 64),
            id: Some("i".into()),
            level: Some(level.into()),
            ..Report::default()
        })
    }

    fn digest(reports: &[Report<'_>], logs: &[LogMark]) -> RowDigest {
        let mut records = Vec::new();
        reports.iter().for_each(|report| {
            digest::push_record(&mut records, report);
        });
        let times = || reports.iter().filter_map(|report| report.time);
        RowDigest {
            id: RowId::of(mark().as_ref()),
            owner: Owner::Execution(mark()),
            span: times().min().zip(times().max()),
            traces: vec!["4bf9".to_owned()],
            records,
            logs: logs.to_vec(),
        }
    }

    #[test]
    fn order_and_repetition_of_digests_do_not_change_what_is_observed() {
        let a =
            digest(&[report("a", 8, 5), report("b", 16, 3)], &[log(8 << 32, "ERROR"), log(16 << 32, "INFO")]);
        let b = digest(
            &[report("b", 16, 3), report("c", 24, 9)],
            &[log(16 << 32, "INFO"), log(24 << 32, "FATAL")],
        );
        let mut forward = Window::new(mark());
        for digest in [&a, &b] {
            forward.absorb(digest.clone());
        }
        let mut backward = Window::new(mark());
        for digest in [&b, &a, &b, &b] {
            backward.absorb(digest.clone());
        }
        let observed = forward.observe().expect("decodes");
        assert_eq!(observed.events.iter().map(|event| event.node).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!((observed.logs, observed.errors), (3, 2));
        assert_eq!(observed.span, Some((Timestamp(3), Timestamp(9))));
        assert!(!observed.conflict);
        let again = backward.observe().expect("decodes");
        assert!(observed.repeated, "one report is in both digests");
        assert_eq!(observed, again);
        let before = backward.bytes();
        backward.drop_repeated();
        assert!(backward.bytes() < before);
        assert_eq!(Observed { repeated: false, ..observed }, backward.observe().expect("decodes"));
    }

    #[test]
    fn two_contents_under_one_identity_are_noticed() {
        let mut nodes = Window::new(mark());
        nodes.absorb(digest(&[report("a", 8, 5), report("a", 8, 6)], &[]));
        assert!(nodes.observe().expect("decodes").conflict);
        let mut logs = Window::new(mark());
        logs.absorb(digest(&[], &[log(8 << 32, "INFO"), log(8 << 32, "WARN")]));
        assert!(logs.observe().expect("decodes").conflict);
    }

    #[test]
    fn a_window_survives_being_put_aside() {
        let mut window = Window::new(mark());
        window.absorb(digest(&[report("a", 8, 5)], &[log(8 << 32, "ERROR")]));
        let mut bytes = Vec::new();
        window.encode(&mut bytes);
        assert_eq!(Window::decode(&bytes), Some(window));
        for end in 0..bytes.len() {
            assert_eq!(Window::decode(&bytes[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn logs_take_eight_bytes_each() {
        let mut window = Window::new(mark());
        for round in 0..200u128 {
            let logs: Vec<_> = (0..500).map(|number| log((round * 500 + number) << 40, "INFO")).collect();
            window.absorb(digest(&[], &logs));
            window.absorb(digest(&[], &logs));
        }
        assert_eq!(window.observe().expect("decodes").logs, 100_000);
        assert!(window.bytes() < 4_000_000, "{}", window.bytes());
    }
}
