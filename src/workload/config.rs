//! What a workload looks like.

use linkloom_schema::time::Timestamp;

/// What a workload looks like. The default is the reference workload of the benchmarks, of one million lines.
///
/// Shares are per million. The same configuration gives the same bytes, on every machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadConfig {
    /// Lines in all, with duplicates and malformed ones; exact.
    pub lines: u64,
    /// Chooses everything that is random.
    pub seed: u64,
    /// Event time of the first report.
    pub start: Timestamp,
    /// Reports a second of event time, 1 to 1,000,000.
    pub reports_per_sec: u32,
    /// Executions that run at once (fewer in a workload too small for it), 1 to 1,000,000.
    pub interleaved: u32,
    /// Distinct business ids to choose from by Zipf's law; 0: a third of the executions to be expected. At most 16,000,000.
    pub business_ids: u64,
    /// Business logs a node has at most; each number from 0 on is as likely.
    pub logs_per_node_max: u8,
    /// Lines that come a second time later.
    pub duplicates_per_million: u32,
    /// Lines that come late, up to [`WorkloadConfig::late_ms_max`].
    pub late_per_million: u32,
    /// How late lines and duplicates come at most, in milliseconds of event time.
    pub late_ms_max: u32,
    /// Lines that no decoder can read.
    pub malformed_per_million: u32,
    /// Executions in which a node fails; in a third of them it is tried again and the execution goes on.
    pub failures_per_million: u32,
    /// Executions that lack a node or stop in the middle, half of each.
    pub incomplete_per_million: u32,
    /// Business logs without a mark, which join their execution by trace id.
    pub unmarked_logs_per_million: u32,
    /// Keep what to expect of each execution (see [`super::Workload::take_finished`]).
    pub track_executions: bool,
}

impl Default for WorkloadConfig {
    fn default() -> Self {
        Self {
            lines: 1_000_000,
            seed: 1,
            start: Timestamp(1_772_323_200_000_000), // 2026-03-01T00:00:00Z
            reports_per_sec: 12_500,
            interleaved: 2_000,
            business_ids: 0,
            logs_per_node_max: 5,
            duplicates_per_million: 10_000,
            late_per_million: 10_000,
            late_ms_max: 5_000,
            malformed_per_million: 1_000,
            failures_per_million: 30_000,
            incomplete_per_million: 20_000,
            unmarked_logs_per_million: 0,
            track_executions: false,
        }
    }
}

impl WorkloadConfig {
    /// The same with every limit kept.
    pub(super) fn within_limits(mut self) -> Self {
        self.reports_per_sec = self.reports_per_sec.clamp(1, 1_000_000);
        self.business_ids = self.business_ids.min(16_000_000);
        // A workload of few lines has few executions at once, so that most of them get to their end.
        let few = u32::try_from(self.lines / 200).unwrap_or(u32::MAX);
        self.interleaved = self.interleaved.min(few).clamp(1, 1_000_000);
        self
    }

    /// Executions to be expected: an execution has 10.7 nodes, each with two reports and its logs.
    pub(super) fn executions(&self) -> u64 {
        let lines_per_1000 = 10_700 * (4 + u64::from(self.logs_per_node_max)) / 2;
        (self.lines.saturating_mul(1000) / lines_per_1000).max(1)
    }
}
