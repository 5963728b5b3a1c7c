//! One report: a record an application sent, decoded (report format version 1, `docs/report-format.md`).

pub(crate) mod decimal;
mod identity;
mod json;
mod json_text;
mod line;
mod payload;
mod refusal;
mod stored;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use identity::{BadIdentity, push_identity_bytes};
pub use json::DEPTH_MAX;
pub use line::{Line, VERSION, is_complete_object, read};
pub use refusal::{Reason, Refusal};
pub use stored::{decode_stored, encode_stored, without_substituted_time};

use crate::ids::MarkRef;
use crate::time::Timestamp;

/// Node report or business-log report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportKind {
    /// A node report: opens or closes a run of a node.
    #[default]
    Node,
    /// A business-log report: one log line.
    Log,
}

/// Status of a node report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Opens a run.
    Running,
    /// Closes a run: it did its work.
    Completed,
    /// Closes a run: it did not.
    Failed,
    /// Closes a run: there was nothing to do.
    Skipped,
}

impl Status {
    /// The text of the report format, e.g. `COMPLETED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Running => "RUNNING",
            Status::Completed => "COMPLETED",
            Status::Failed => "FAILED",
            Status::Skipped => "SKIPPED",
        }
    }

    /// Whether this status closes a run.
    pub fn closes(self) -> bool {
        self != Status::Running
    }
}

/// Severity of a business log; what is not one of the known names is [`Level::Other`] and keeps its text in
/// [`Report::level`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A level this version does not know, or none.
    Other,
    /// `TRACE`.
    Trace,
    /// `DEBUG`.
    Debug,
    /// `INFO` (also `INFORMATION`).
    Info,
    /// `WARN` (also `WARNING`).
    Warn,
    /// `ERROR`.
    Error,
    /// `FATAL` (also `CRITICAL`).
    Fatal,
}

impl Level {
    /// The severity a level's text means, whatever its case.
    pub fn of(text: Option<&str>) -> Level {
        const NAMES: [(&str, Level); 9] = [
            ("INFO", Level::Info),
            ("WARN", Level::Warn),
            ("ERROR", Level::Error),
            ("DEBUG", Level::Debug),
            ("TRACE", Level::Trace),
            ("FATAL", Level::Fatal),
            ("WARNING", Level::Warn),
            ("CRITICAL", Level::Fatal),
            ("INFORMATION", Level::Info),
        ];
        let text = text.unwrap_or_default();
        let found = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map_or(Level::Other, |(_, level)| *level)
    }
}

/// The name of a report: the same identity is the same report.
///
/// 128 bits of XXH3 over the reporter's own `id` within its mark (or trace id) and type when it gave one, else over the
/// decoded fields in fixed order; the exact bytes are in `docs/report-format.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(pub u128);

/// A piece of JSON kept as it was reported, without insignificant whitespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    /// The JSON text; when `cut_from` is set, a JSON *string* holding the beginning of the original text.
    pub json: Cow<'a, str>,
    /// The full length in bytes of a payload that was longer than its limit and so was cut.
    pub cut_from: Option<u64>,
}

/// One decoded report. Strings borrow from the line where they need no unescaping.
///
/// Invariants held by the decoder: ids and names are within their limits; `status` is set on node reports and `None`
/// on logs; `node_name` is set on node reports (a log may lack it); `time` lies within 2000 to 2099.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report<'a> {
    /// Node report or business log.
    pub kind: ReportKind,
    /// The execution it belongs to, if it says so.
    pub mark: Option<Mark<'a>>,
    /// The trace it belongs to; joins unmarked reports to executions.
    pub trace_id: Option<Cow<'a, str>>,
    /// The name of this report (see [`Identity`]).
    pub identity: Identity,
    /// The reporter's own id of this report.
    pub id: Option<Cow<'a, str>>,
    /// The node.
    pub node_name: Option<Cow<'a, str>>,
    /// When it happened; `None` when the report had no usable time and its source has none either.
    pub time: Option<Timestamp>,
    /// The report's own time was absent or absurd; `time` is the source's, or `None` when it has none either.
    pub time_substituted: bool,
    /// Status of a node report.
    pub status: Option<Status>,
    /// The reporter's name of the run.
    pub run_id: Option<Cow<'a, str>>,
    /// A decision's outcome.
    pub case: Option<Cow<'a, str>>,
    /// The round of a loop, from 0 or 1 as the reporter counts.
    pub iteration: Option<u64>,
    /// The execution behind a `link` node.
    pub sub_execution_id: Option<Cow<'a, str>>,
    /// The node this one was called from.
    pub parent_node: Option<Cow<'a, str>>,
    /// Input of a node.
    pub input: Option<Payload<'a>>,
    /// Output of a node.
    pub output: Option<Payload<'a>>,
    /// Severity of a log, as reported.
    pub level: Option<Cow<'a, str>>,
    /// Text of a log.
    pub message: Option<Cow<'a, str>>,
    /// Structured data of a log.
    pub data: Option<Payload<'a>>,
    /// Exception of a log or of a failed node: JSON object `{type, message, stack}` or a JSON string.
    pub exception: Option<Payload<'a>>,
    /// Span of a trace.
    pub span_id: Option<Cow<'a, str>>,
    /// The span's parent.
    pub parent_span_id: Option<Cow<'a, str>>,
    /// The reporting service.
    pub service: Option<Cow<'a, str>>,
    /// The reporting instance of the service.
    pub instance: Option<Cow<'a, str>>,
    /// The reporting host.
    pub host: Option<Cow<'a, str>>,
    /// Facts about the execution (`trigger`, `contentType`, ...): a JSON object.
    pub meta: Option<Payload<'a>>,
    /// Number of this report within its instance and boot.
    pub seq: Option<u64>,
    /// Which start of the instance.
    pub boot: Option<u64>,
    /// The tenant the report claims.
    pub tenant: Option<Cow<'a, str>>,
    /// Unknown fields: a JSON object, keys sorted.
    pub attributes: Option<Payload<'a>>,
}

impl Report<'_> {
    /// Severity of a log, told from [`Report::level`].
    pub fn level(&self) -> Level {
        Level::of(self.level.as_deref())
    }
}

/// The mark of a report, as decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark<'a> {
    /// The root of the tree.
    pub business_id: Cow<'a, str>,
    /// The link that runs.
    pub scene_id: Cow<'a, str>,
    /// The run.
    pub execution_id: Cow<'a, str>,
}

impl Mark<'_> {
    /// The borrowed form.
    pub fn as_ref(&self) -> MarkRef<'_> {
        MarkRef { business_id: &self.business_id, scene_id: &self.scene_id, execution_id: &self.execution_id }
    }
}
