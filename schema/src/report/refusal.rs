//! Why a report is refused.

use std::fmt;

/// The reason of a refusal: a closed set, so that it can label metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Longer than a report may be.
    TooLong,
    /// Not UTF-8.
    NotUtf8,
    /// Not JSON.
    Malformed,
    /// JSON, but no object.
    NotAnObject,
    /// Nested too deep.
    TooDeep,
    /// A field is there twice.
    Duplicate,
    /// A field has a value of the wrong type or range.
    WrongType,
    /// A report format version this build does not know.
    Version,
    /// `type` is neither `node` nor `log`.
    UnknownType,
    /// `status` is none of the four.
    UnknownStatus,
    /// A node report lacks its node name or status.
    Missing,
    /// An id or a name is empty.
    EmptyId,
    /// An id or a name is longer than its limit.
    IdTooLong,
    /// The link mark is incomplete, contradicts itself or cannot be cut.
    Mark,
    /// `time` is no time.
    Time,
}

impl Reason {
    /// All reasons, in a fixed order.
    pub const ALL: [Reason; 15] = [
        Reason::TooLong,
        Reason::NotUtf8,
        Reason::Malformed,
        Reason::NotAnObject,
        Reason::TooDeep,
        Reason::Duplicate,
        Reason::WrongType,
        Reason::Version,
        Reason::UnknownType,
        Reason::UnknownStatus,
        Reason::Missing,
        Reason::EmptyId,
        Reason::IdTooLong,
        Reason::Mark,
        Reason::Time,
    ];

    /// The label in metrics, dead letters and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::TooLong => "report_too_long",
            Reason::NotUtf8 => "invalid_utf8",
            Reason::Malformed => "malformed_json",
            Reason::NotAnObject => "not_an_object",
            Reason::TooDeep => "nested_too_deep",
            Reason::Duplicate => "duplicate_field",
            Reason::WrongType => "wrong_type",
            Reason::Version => "unsupported_version",
            Reason::UnknownType => "unknown_type",
            Reason::UnknownStatus => "unknown_status",
            Reason::Missing => "missing_field",
            Reason::EmptyId => "empty_id",
            Reason::IdTooLong => "id_too_long",
            Reason::Mark => "bad_mark",
            Reason::Time => "bad_time",
        }
    }

    /// The reason with this label.
    pub fn from_label(label: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.as_str() == label)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A report that was not accepted. Shape: the reason for machines, the detail for people: the field, what was found,
/// what is allowed; bounded in length whatever the report holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    /// What kind of fault.
    pub reason: Reason,
    /// What exactly.
    pub detail: String,
}

impl Refusal {
    /// A refusal.
    #[cold]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Refusal {
        Refusal { reason, detail: detail.into() }
    }
}

/// A found text, quoted for a message and cut after 64 characters.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(64) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}... ({} bytes)", &text[..end], text.len()),
    }
}
