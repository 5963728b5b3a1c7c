//! Where a report goes: to its execution, to its trace, or among the unlinked.

use std::fmt;

use linkloom_schema::ids::MarkRef;
use linkloom_schema::report::{Report, ReportKind};
use linkloom_schema::time::Timestamp;

/// The row a report belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route<'r> {
    /// It says which execution.
    Marked(MarkRef<'r>),
    /// It has a trace id only: it joins every execution that carries the same one.
    Trace(&'r str),
    /// It has neither.
    Unlinked {
        /// The reporting service, empty when it did not say.
        service: &'r str,
        /// The hour it happened in.
        hour: Hour,
    },
}

/// An hour of UTC, or none for reports without a time. Displayed as row keys have it: `2026112110` or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(Option<i64>);

impl Hour {
    /// The hour of an instant.
    pub fn of(time: Option<Timestamp>) -> Hour {
        Hour(time.map(|time| time.seconds().div_euclid(3_600)))
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.0.and_then(|hour| jiff::Timestamp::from_second(hour.checked_mul(3_600)?).ok());
        let Some(start) = start else { return f.write_str("none") };
        let start = jiff::tz::Offset::UTC.to_datetime(start);
        write!(f, "{:04}{:02}{:02}{:02}", start.year(), start.month(), start.day(), start.hour())
    }
}

/// The route of a report.
#[inline]
pub fn route<'r>(report: &'r Report<'_>) -> Route<'r> {
    match (&report.mark, &report.trace_id) {
        (Some(mark), _) => Route::Marked(mark.as_ref()),
        (None, Some(trace_id)) => Route::Trace(trace_id),
        (None, None) => Route::Unlinked {
            service: report.service.as_deref().unwrap_or_default(),
            hour: Hour::of(report.time),
        },
    }
}

/// The column family a kind of report is stored in: `n` for nodes, `b` for business logs.
pub fn family(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::Node => "n",
        ReportKind::Log => "b",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Limits, decode};

    #[track_caller]
    fn check(line: &str, want: Route<'_>, want_family: &str) {
        let report = decode(line.as_bytes(), None, &Limits::default()).unwrap();
        assert_eq!((route(&report), family(report.kind)), (want, want_family));
    }

    #[test]
    fn a_mark_comes_first_then_the_trace() {
        let mark = MarkRef { business_id: "c-1", scene_id: "s", execution_id: "e" };
        check(
            r#"{"linkMark":"c-1_s_e","traceId":"t","status":"RUNNING","nodeName":"A"}"#,
            Route::Marked(mark),
            "n",
        );
        check(r#"{"traceId":"t","service":"api"}"#, Route::Trace("t"), "b");
        let hour = Hour::of(Some(Timestamp(1_795_258_799_999_999)));
        check(r#"{"service":"api","time":1795255200}"#, Route::Unlinked { service: "api", hour }, "b");
        check("{}", Route::Unlinked { service: "", hour: Hour::of(None) }, "b");
    }

    #[test]
    fn hours_are_utc() {
        let text = |time: &str| Hour::of(Timestamp::parse(time).ok()).to_string();
        assert_eq!(text("2026-11-21T10:59:59.999999Z"), "2026112110");
        assert_eq!(text("2026-01-01T00:30:00+01:00"), "2025123123");
        assert_eq!(text("-1"), "1969123123");
        assert_eq!(text("never"), "none");
    }
}
