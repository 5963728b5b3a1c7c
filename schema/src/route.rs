//! Where a report goes: to its execution, to its trace, or among the unlinked.

use crate::hour::Hour;
use crate::ids::MarkRef;
use crate::report::Report;

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
        /// The hour it happened in, if it says when.
        hour: Option<Hour>,
    },
}

impl<'r> Route<'r> {
    /// The route of a report.
    #[inline]
    pub fn of(report: &'r Report<'_>) -> Route<'r> {
        match (&report.mark, &report.trace_id) {
            (Some(mark), _) => Route::Marked(mark.as_ref()),
            (None, Some(trace_id)) => Route::Trace(trace_id),
            (None, None) => Route::Unlinked {
                service: report.service.as_deref().unwrap_or_default(),
                hour: report.time.map(Hour::of),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Mark;
    use crate::time::Timestamp;

    #[test]
    fn a_mark_comes_first_then_the_trace() {
        let mark = Mark { business_id: "c-1".into(), scene_id: "s".into(), execution_id: "e".into() };
        let time = Some(Timestamp(1_795_258_799_999_999));
        let mut report = Report {
            mark: Some(mark),
            trace_id: Some("t".into()),
            service: Some("api".into()),
            time,
            ..Report::default()
        };
        let marked = MarkRef { business_id: "c-1", scene_id: "s", execution_id: "e" };
        assert_eq!(Route::of(&report), Route::Marked(marked));
        report.mark = None;
        assert_eq!(Route::of(&report), Route::Trace("t"));
        report.trace_id = None;
        assert_eq!(Route::of(&report), Route::Unlinked { service: "api", hour: time.map(Hour::of) });
        assert_eq!(Route::of(&Report::default()), Route::Unlinked { service: "", hour: None });
    }
}
