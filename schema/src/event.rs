//! The light form of a node report: what runs and the panorama are computed from, without payloads.

use crate::report::{Identity, Status};
use crate::time::Timestamp;

/// One node report without its payloads. Strings borrow from the report or from a window's buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NodeEvent<'a> {
    /// The name of the report.
    pub identity: Identity,
    /// The node.
    pub node: &'a str,
    /// Opens or closes a run.
    pub status: Status,
    /// When it happened; untimed events come after timed ones, in identity order.
    pub time: Option<Timestamp>,
    /// `runId` as reported: first choice for grouping runs.
    pub run_id: Option<&'a str>,
    /// `spanId` as reported: second choice.
    pub span_id: Option<&'a str>,
    /// `service` as reported: with `instance` the last choice.
    pub service: Option<&'a str>,
    /// `instance` as reported.
    pub instance: Option<&'a str>,
    /// `host` as reported (skew is suspected between hosts only; absent: the instance stands for it).
    pub host: Option<&'a str>,
    /// A decision's outcome.
    pub case: Option<&'a str>,
    /// The round of a loop.
    pub iteration: Option<u64>,
    /// The execution behind a `link` node.
    pub sub_execution_id: Option<&'a str>,
    /// Reported parenthood.
    pub parent_node: Option<&'a str>,
}
