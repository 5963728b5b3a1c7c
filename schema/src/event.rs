//! The light form of a node report: what runs and the panorama are computed from, without payloads.

use std::cmp::Ordering;

use crate::report::{Identity, Report, ReportKind, Status};
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

impl NodeEvent<'_> {
    /// Where it stands in the order of events.
    pub fn moment(&self) -> Moment {
        Moment { time: self.time, identity: self.identity }
    }
}

/// Where a report stands in the one order used everywhere: by time, untimed ones last, then by identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// When it happened.
    pub time: Option<Timestamp>,
    /// Tells reports of one time apart.
    pub identity: Identity,
}

impl Moment {
    /// Not before any other moment.
    pub const LAST: Moment = Moment { time: None, identity: Identity(u128::MAX) };
}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.time, other.time) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
        .then_with(|| self.identity.cmp(&other.identity))
    }
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Report<'_> {
    /// The light form of a node report; `None` for a log, and for a node report without node or status, which the
    /// decoder does not make.
    pub fn node_event(&self) -> Option<NodeEvent<'_>> {
        if self.kind != ReportKind::Node {
            return None;
        }
        Some(NodeEvent {
            identity: self.identity,
            node: self.node_name.as_deref()?,
            status: self.status?,
            time: self.time,
            run_id: self.run_id.as_deref(),
            span_id: self.span_id.as_deref(),
            service: self.service.as_deref(),
            instance: self.instance.as_deref(),
            host: self.host.as_deref(),
            case: self.case.as_deref(),
            iteration: self.iteration,
            sub_execution_id: self.sub_execution_id.as_deref(),
            parent_node: self.parent_node.as_deref(),
        })
    }

    /// Where it stands in the order of reports.
    pub fn moment(&self) -> Moment {
        Moment { time: self.time, identity: self.identity }
    }
}
