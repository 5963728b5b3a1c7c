//! Where converted reports go: builds the lines, counts them, gathers the notes.

use std::collections::HashSet;
use std::io::Write;

use linkloom_schema::ids::{ID_BYTES_MAX, MarkRef};
use linkloom_schema::report::{ReportKind, Status};
use linkloom_schema::time::Timestamp;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::notes::{NoteKind, Notes, head};
use super::{Conversion, ConvertError};

/// Most distinct executions and nodes that are counted exactly.
const DISTINCT_MAX: usize = 1 << 22;
/// A payload longer than this is replaced by a JSON string of its beginning, so that a line stays under 1 MiB.
const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
/// How much of a payload that is too long is kept.
const PAYLOAD_BYTES_KEPT: usize = 128 * 1024;
/// Longest text field, in bytes; longer ones are cut.
const TEXT_BYTES_MAX: usize = 128 * 1024;

/// How much was read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tasks, rows or events read, with those refused.
    pub records: u64,
    /// Records no report was written for (each has a note).
    pub refused: u64,
    /// Distinct executions written (exact up to 4,194,304; then a note says so).
    pub executions: u64,
    /// Distinct (scene, node name) pairs written.
    pub nodes: u64,
    /// Runs written: pairs of start and end, and those that lack one of them.
    pub runs: u64,
    /// Runs without an end.
    pub runs_open: u64,
    /// Runs without a start.
    pub runs_unstarted: u64,
    /// Runs that ended with `FAILED`.
    pub runs_failed: u64,
    /// Runs that ended with `SKIPPED`.
    pub runs_skipped: u64,
    /// Business-log lines written.
    pub logs: u64,
    /// All lines written.
    pub lines: u64,
}

/// The fields of one report, appended in the order called.
pub(super) struct Fields<'a> {
    line: &'a mut Vec<u8>,
}

impl Fields<'_> {
    fn key(&mut self, key: &str) {
        self.line.extend_from_slice(b",\"");
        self.line.extend_from_slice(key.as_bytes());
        self.line.extend_from_slice(b"\":");
    }

    /// A text, escaped; cut at [`TEXT_BYTES_MAX`].
    pub(super) fn text(&mut self, key: &'static str, value: &str) {
        self.key(key);
        push_json_string(self.line, head(value, TEXT_BYTES_MAX));
    }

    /// A text, left out if absent or empty.
    pub(super) fn text_if(&mut self, key: &'static str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.text(key, value);
        }
    }

    pub(super) fn number(&mut self, key: &'static str, value: u64) {
        self.key(key);
        let _ = write!(self.line, "{value}");
    }

    /// RFC 3339 in UTC; an instant outside jiff's years -9999 to 9999 cannot be written and is left out.
    pub(super) fn time(&mut self, value: Option<Timestamp>) {
        if let Some(time) = value.and_then(|value| jiff::Timestamp::from_microsecond(value.micros()).ok()) {
            self.key("time");
            let _ = write!(self.line, "\"{time}\"");
        }
    }

    /// JSON on one line, as it stands.
    pub(super) fn json(&mut self, key: &'static str, json: &str) {
        self.key(key);
        self.line.extend_from_slice(json.as_bytes());
    }

    /// JSON on one line, left out if empty.
    pub(super) fn json_if(&mut self, key: &'static str, json: &str) {
        if !json.is_empty() {
            self.json(key, json);
        }
    }
}

/// Appends `text` as a JSON string.
pub(super) fn push_json_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(&mut *out, text).expect("a string is always JSON, and a Vec takes it");
}

/// A JSON object, built field by field. Empty text while it has no field.
#[derive(Clone, Debug, Default)]
pub(super) struct Object(Vec<u8>);

impl Object {
    fn key(&mut self, key: &str) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        push_json_string(&mut self.0, key);
        self.0.push(b':');
    }

    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        push_json_string(&mut self.0, value);
    }

    pub(super) fn json(&mut self, key: &str, json: &str) {
        self.key(key);
        self.0.extend_from_slice(json.as_bytes());
    }

    /// The object's text; empty if it has no field.
    pub(super) fn finish(mut self) -> String {
        if !self.0.is_empty() {
            self.0.push(b'}');
        }
        String::from_utf8(self.0).expect("built from strings")
    }
}

/// Counts distinct texts by their hash, up to [`DISTINCT_MAX`].
#[derive(Default)]
struct Distinct(HashSet<u64>);

impl Distinct {
    /// Whether `hash` is new; `None` at the limit.
    fn insert(&mut self, hash: u64) -> Option<bool> {
        if self.0.len() >= DISTINCT_MAX && !self.0.contains(&hash) {
            return None;
        }
        Some(self.0.insert(hash))
    }
}

/// Where converted reports go.
pub(super) struct Sink<'o> {
    /// Name of the input, for messages.
    pub(super) input: String,
    pub(super) counts: Counts,
    pub(super) notes: Notes,
    out: &'o mut dyn Write,
    line: Vec<u8>,
    executions: Distinct,
    nodes: Distinct,
}

impl<'o> Sink<'o> {
    pub(super) fn new(input: &str, out: &'o mut dyn Write) -> Self {
        Self {
            input: input.to_owned(),
            counts: Counts::default(),
            notes: Notes::default(),
            out,
            line: Vec::with_capacity(4096),
            executions: Distinct::default(),
            nodes: Distinct::default(),
        }
    }

    pub(super) fn note(&mut self, kind: NoteKind, subject: &str, place: impl FnOnce() -> String) {
        self.notes.add(kind, subject, place);
    }

    /// Counts a record that cannot be converted, with the reason.
    pub(super) fn refuse(&mut self, why: &str, place: impl FnOnce() -> String) {
        self.counts.refused += 1;
        self.note(NoteKind::Refused, why, place);
    }

    pub(super) fn malformed(&self, place: String, why: impl Into<String>) -> ConvertError {
        ConvertError::Malformed { input: self.input.clone(), place, why: why.into() }
    }

    /// Writes one report; `fields` appends everything after the mark and the node name.
    pub(super) fn report(
        &mut self,
        kind: ReportKind,
        mark: MarkRef<'_>,
        node: Option<&str>,
        fields: impl FnOnce(&mut Fields<'_>),
    ) -> Result<(), ConvertError> {
        self.line.clear();
        self.line.extend_from_slice(match kind {
            ReportKind::Node => b"{\"v\":1,\"type\":\"node\"".as_slice(),
            ReportKind::Log => b"{\"v\":1,\"type\":\"log\"".as_slice(),
        });
        let mut line = Fields { line: &mut self.line };
        line.text("businessId", mark.business_id);
        line.text("sceneId", mark.scene_id);
        line.text("executionId", mark.execution_id);
        line.text_if("nodeName", node);
        fields(&mut line);
        self.line.extend_from_slice(b"}\n");
        self.out.write_all(&self.line).map_err(ConvertError::Write)?;
        self.counts.lines += 1;
        self.counts.logs += u64::from(kind == ReportKind::Log);
        self.count_distinct(kind, mark, node);
        Ok(())
    }

    fn count_distinct(&mut self, kind: ReportKind, mark: MarkRef<'_>, node: Option<&str>) {
        let scene = xxh3_64(mark.scene_id.as_bytes());
        let execution = fold(&[mark.business_id, mark.execution_id], scene);
        match self.executions.insert(execution) {
            Some(new) => self.counts.executions += u64::from(new),
            None => {
                self.note(NoteKind::Limit, "executions beyond 4194304 are not counted", || "there".to_owned())
            }
        }
        if let (ReportKind::Node, Some(node)) = (kind, node) {
            match self.nodes.insert(fold(&[node], scene)) {
                Some(new) => self.counts.nodes += u64::from(new),
                None => {
                    self.note(NoteKind::Limit, "nodes beyond 4194304 are not counted", || "there".to_owned())
                }
            }
        }
    }

    /// Counts a run of which the given reports are written.
    pub(super) fn count_closed(&mut self, status: Status, started: bool) {
        if !started {
            self.counts.runs += 1;
            self.counts.runs_unstarted += 1;
        }
        match status {
            Status::Failed => self.counts.runs_failed += 1,
            Status::Skipped => self.counts.runs_skipped += 1,
            Status::Running | Status::Completed => {}
        }
    }

    /// `json` within its limit: as it is, or a JSON string of its beginning.
    pub(super) fn payload(&mut self, json: String, what: &str, place: impl FnOnce() -> String) -> String {
        if json.len() <= PAYLOAD_BYTES_MAX {
            return json;
        }
        self.note(NoteKind::PayloadCut, what, place);
        let mut cut = Vec::with_capacity(2 * PAYLOAD_BYTES_KEPT);
        push_json_string(&mut cut, head(&json, PAYLOAD_BYTES_KEPT));
        String::from_utf8(cut).expect("JSON is UTF-8")
    }

    /// A JSON object within its limit; one that is longer is left out.
    pub(super) fn object(&mut self, json: String, what: &str, place: impl FnOnce() -> String) -> String {
        if json.len() <= PAYLOAD_BYTES_MAX {
            return json;
        }
        self.note(NoteKind::PayloadCut, &format!("{what}: left out"), place);
        String::new()
    }

    /// `text` as an id or name of at most `max` bytes: longer ones keep their beginning and end in a hash of the whole,
    /// so that different ones stay different.
    pub(super) fn fit(
        &mut self,
        text: &str,
        max: usize,
        what: &str,
        place: impl FnOnce() -> String,
    ) -> String {
        debug_assert!((64..=ID_BYTES_MAX).contains(&max), "room for the hash");
        if text.len() <= max {
            return text.to_owned();
        }
        self.note(
            NoteKind::Renamed,
            &format!("{what} longer than {max} bytes shortened, with a hash"),
            place,
        );
        format!("{}~{:032x}", head(text, max - 33), xxh3_128(text.as_bytes()))
    }

    /// Notes a time outside the years reports may have, and passes it on.
    pub(super) fn sane(
        &mut self,
        time: Option<Timestamp>,
        place: impl FnOnce() -> String,
    ) -> Option<Timestamp> {
        if time.is_some_and(|time| time < Timestamp::MIN_SANE || time > Timestamp::MAX_SANE) {
            self.note(NoteKind::Time, "outside 2000 to 2099: read as a report without a time", place);
        }
        time
    }

    /// The time a run that started at `start` ended: never before its start.
    pub(super) fn end_after(
        &mut self,
        start: Option<Timestamp>,
        end: Option<Timestamp>,
        place: impl FnOnce() -> String,
    ) -> Option<Timestamp> {
        match (start, end) {
            (Some(start), Some(end)) if end < start => {
                self.note(NoteKind::EndBeforeStart, "the end was set to the start", place);
                Some(start)
            }
            _ => end,
        }
    }

    pub(super) fn finish(self) -> Result<Conversion, ConvertError> {
        self.out.flush().map_err(ConvertError::Write)?;
        Ok(Conversion { counts: self.counts, notes: self.notes })
    }
}

/// A hash over texts, told apart by their lengths.
pub(super) fn fold(texts: &[&str], seed: u64) -> u64 {
    texts.iter().fold(seed, |hash, text| {
        xxhash_rust::xxh3::xxh3_64_with_seed(text.as_bytes(), hash.rotate_left(17) ^ text.len() as u64)
    })
}
