//! What a workload must come to, told by the generator itself: for verification.

use linkloom_schema::ids::LinkMark;
use linkloom_schema::report::ReportKind;
use linkloom_schema::time::Timestamp;

use super::rng::mix;

/// The part of one report in the folds below: a hash of its kind and time.
///
/// No two reports of a workload have the same time, so the XOR over a set of reports tells whether the set is right.
pub fn report_fold(kind: ReportKind, time: Timestamp) -> u64 {
    mix(time.micros() as u64 ^ if kind == ReportKind::Log { 1 << 63 } else { 0 })
}

/// Counts over everything that was written so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Lines written.
    pub lines: u64,
    /// Bytes written, with line ends.
    pub bytes: u64,
    /// Executions with at least one report.
    pub executions: u64,
    /// Distinct node reports.
    pub node_reports: u64,
    /// Distinct business logs.
    pub logs: u64,
    /// Lines that are the second copy of a report.
    pub duplicates: u64,
    /// Lines no decoder can read.
    pub malformed: u64,
    /// Reports held back: they come after reports with a later time.
    pub late: u64,
    /// XOR of [`report_fold`] over all distinct reports.
    pub fold: u64,
}

/// How an execution was made to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// It went through.
    Completed,
    /// A node failed and nothing came after it.
    Failed,
    /// A node failed, was run again, and the execution went through.
    Retried,
    /// One node never reported, all others did.
    MissingNode,
    /// A node started and never ended, and nothing came after it.
    Stalled,
    /// The workload ended before the execution did.
    Cut,
}

/// What one execution must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionExpected {
    /// Which execution.
    pub mark: LinkMark,
    /// Distinct node reports.
    pub node_reports: u32,
    /// Distinct business logs.
    pub logs: u32,
    /// XOR of [`report_fold`] over its distinct reports.
    pub fold: u64,
    /// How it was made to end.
    pub ending: Ending,
}
