//! The metrics of the process: all names with labels and help in one place, and the recorder that renders them.
//!
//! Names are `linkloom_`, component, thing, unit, `total`. Labels come from closed sets, never from ids or error texts.
//!
//! Law 3 of this process, at rest: [`POSITIONS_READ`] = the sum of [`POSITIONS`] over its `outcome`s.
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, from 0 at the start of the process.
    Counter,
    /// It goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, as rendered.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// The label it has, with all its values; none: they are topics or the like, known when the process runs.
    pub label: Option<(&'static str, &'static [&'static str])>,
}

macro_rules! metrics {
    ($(
        $(#[doc = $doc:literal])*
        $constant:ident = $kind:ident $name:literal $(, $label:literal: [$($value:literal),* $(,)?])?;
    )*) => {
        $( $(#[doc = $doc])* pub const $constant: &str = $name; )*

        /// Every metric, in the order of this file.
        pub const ALL: &[Metric] = &[$( Metric {
            name: $name,
            help: concat!($($doc),*),
            kind: Kind::$kind,
            label: metrics!(@label $($label: [$($value),*])?),
        } ),*];
    };
    (@label) => { None };
    (@label $label:literal: [$($value:literal),*]) => { Some(($label, &[$($value),*])) };
}

metrics! {
    /// Positions read from sources: lines of files, records of topics.
    POSITIONS_READ = Counter "linkloom_positions_read_total";
    /// Positions by what became of them; their sum is linkloom_positions_read_total once nothing is held.
    POSITIONS = Counter "linkloom_positions_total",
        "outcome": ["stored", "duplicate", "dead_lettered", "sampled_out", "refused"];
    /// Positions among them that an earlier process read already, and read again because it did not commit them.
    POSITIONS_REPLAYED = Counter "linkloom_positions_replayed_total";
    /// Bytes read from sources.
    READ_BYTES = Counter "linkloom_ingest_read_bytes_total";
    /// Link marks in one text with more than two separators.
    AMBIGUOUS_MARKS = Counter "linkloom_ingest_ambiguous_marks_total";
    /// Payloads that were longer than their limit and so were cut.
    PAYLOADS_CUT = Counter "linkloom_ingest_payloads_cut_total";
    /// Reports whose own time was absent or absurd and was replaced by that of the source.
    TIMES_SUBSTITUTED = Counter "linkloom_ingest_times_substituted_total";

    /// Flushes written.
    FLUSHES = Counter "linkloom_flush_flushes_total";
    /// Packs written.
    FLUSH_PACKS = Counter "linkloom_flush_packs_total";
    /// Time from the beginning of a flush until it is durable and readable, in seconds.
    FLUSH_SECONDS = Histogram "linkloom_flush_seconds";

    /// Cells written to the store with packs.
    STORE_CELLS = Counter "linkloom_store_cells_written_total";
    /// Bytes of keys and values of those cells.
    STORE_BYTES = Counter "linkloom_store_written_bytes_total";
    /// Time until the store has taken the cells of a flush, with all tries, in seconds.
    STORE_WRITE_SECONDS = Histogram "linkloom_store_write_seconds";
    /// Writes and reads that the store refused and that were tried again.
    STORE_RETRIES = Counter "linkloom_store_retries_total";

    /// Calls made to HBase through its gateway, by method and outcome; each try counts.
    HBASE_CALLS = Counter "linkloom_hbase_calls_total", "method": [];
    /// Connections to HBase that took the place of a lost one.
    HBASE_RECONNECTS = Counter "linkloom_hbase_reconnects_total";
    /// Records of a topic's partition that are not committed yet, as far as known; 0 for partitions given up.
    KAFKA_LAG = Gauge "linkloom_kafka_lag", "topic": [];
    /// Partitions this process reads.
    KAFKA_PARTITIONS = Gauge "linkloom_kafka_partitions";
    /// Times partitions were given to this process or taken from it.
    KAFKA_REBALANCES = Counter "linkloom_kafka_rebalances_total";
    /// Commits of positions that Kafka took.
    KAFKA_COMMITS = Counter "linkloom_kafka_commits_total";
    /// Commits of positions that Kafka did not take; they are tried again.
    KAFKA_COMMIT_ERRORS = Counter "linkloom_kafka_commit_errors_total";
    /// Clients of Kafka that were made anew, because they had lost Kafka or a partition for good.
    KAFKA_CLIENTS_RENEWED = Counter "linkloom_kafka_clients_renewed_total";

    /// Reports that were posted, or lines of files that are followed, and are in their topic.
    RELAY_DELIVERED = Counter "linkloom_relay_delivered_total";
    /// Reports that were written to their topic again because Kafka did not take them.
    RELAY_RETRIED = Counter "linkloom_relay_retried_total";
    /// Reports that are longer than their topic takes, and were left out.
    RELAY_REFUSED = Counter "linkloom_relay_refused_total";
    /// Bytes of reports that were taken and are not in their topic yet.
    RELAY_UNDER_WAY_BYTES = Gauge "linkloom_relay_under_way_bytes";

    /// Windows open.
    ASSEMBLER_WINDOWS = Gauge "linkloom_assembler_open_windows";
    /// Memory of the windows, in bytes.
    ASSEMBLER_MEMORY_BYTES = Gauge "linkloom_assembler_memory_bytes";
    /// Flushes some of whose summaries are still to be written.
    ASSEMBLER_OPEN_FLUSHES = Gauge "linkloom_assembler_open_flushes";
    /// Windows closed.
    ASSEMBLER_CLOSED = Counter "linkloom_assembler_closed_windows_total";
    /// Windows spilled to disk because memory was full.
    ASSEMBLER_SPILLED = Counter "linkloom_assembler_spilled_windows_total";
    /// Spilled windows brought back.
    ASSEMBLER_UNSPILLED = Counter "linkloom_assembler_unspilled_windows_total";
    /// Executions read back from the store because their window was not in memory.
    ASSEMBLER_READ_BACK = Counter "linkloom_assembler_read_back_executions_total";
    /// Summaries written.
    ASSEMBLER_SUMMARIES = Counter "linkloom_assembler_summaries_total";
}

/// The value of `outcome` in [`POSITIONS`] for each way a position can end.
pub mod outcome {
    /// Its report is in the store.
    pub const STORED: &str = "stored";
    /// Its report was in the same pack already.
    pub const DUPLICATE: &str = "duplicate";
    /// It was refused and is kept as a dead letter.
    pub const DEAD_LETTERED: &str = "dead_lettered";
    /// A sampling rule said not to keep it.
    pub const SAMPLED_OUT: &str = "sampled_out";
    /// It was refused and the sender was told so.
    pub const REFUSED: &str = "refused";
}

/// The value of `outcome` in [`HBASE_CALLS`] for each way a call can end.
pub mod call {
    /// HBase answered.
    pub const ANSWERED: &str = "answered";
    /// It did not, or said that it could not.
    pub const FAILED: &str = "failed";
}

/// Bounds of the histograms, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// The recorder of this process; [`Recorder::render`] gives what a Prometheus server reads.
#[derive(Clone)]
pub struct Recorder {
    handle: PrometheusHandle,
}

impl Recorder {
    /// Installs the recorder for the whole process and describes every metric.
    ///
    /// Errors: there is one already.
    pub fn install() -> Result<Recorder, BuildError> {
        let handle = builder()?.install_recorder()?;
        describe();
        Ok(Recorder { handle })
    }

    /// All metrics in the Prometheus text format. Counters that have not counted yet are there with 0.
    pub fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
}

/// Describes every metric to the recorder in effect, and makes counters and gauges begin at 0: a rate needs its zero.
fn describe() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help.trim()),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help.trim()),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help.trim()),
        }
        match (metric.kind, metric.label) {
            (Kind::Counter, Some((label, values))) => {
                for value in values {
                    metrics::counter!(metric.name, label => *value).increment(0);
                }
            }
            (Kind::Counter, None) => metrics::counter!(metric.name).increment(0),
            (Kind::Gauge, None) => metrics::gauge!(metric.name).set(0.0),
            (Kind::Gauge, Some(_)) | (Kind::Histogram, _) => {}
        }
    }
    crate::figures::publish_hbase(&linkloom_storage::hbase::HbaseFigures::default());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn rendered(record: impl FnOnce()) -> String {
        let recorder = builder().expect("good buckets").build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            describe();
            record();
        });
        Recorder { handle }.render()
    }

    #[test]
    fn every_metric_is_in_the_text_with_help_type_and_labels() {
        let text = rendered(|| {
            metrics::histogram!(FLUSH_SECONDS).record(0.3);
            metrics::histogram!(STORE_WRITE_SECONDS).record(0.2);
        });
        for metric in ALL.iter().filter(|metric| metric.label.is_none_or(|(_, values)| !values.is_empty())) {
            let kind = format!("{:?}", metric.kind).to_lowercase();
            assert!(text.contains(&format!("# TYPE {} {kind}\n", metric.name)), "{} in\n{text}", metric.name);
            assert!(text.contains(&format!("# HELP {} ", metric.name)), "{} in\n{text}", metric.name);
            if let Some((label, values)) = metric.label {
                for value in values {
                    let line = format!("{}{{{label}=\"{value}\"}} 0\n", metric.name);
                    assert!(text.contains(&line), "{line} in\n{text}");
                }
            }
        }
        assert!(text.contains("linkloom_flush_seconds_bucket{le=\"0.5\"} 1\n"), "{text}");
    }

    #[test]
    fn the_outcomes_are_those_of_the_law() {
        let positions = ALL.iter().find(|metric| metric.name == POSITIONS).and_then(|metric| metric.label);
        let outcomes = [
            outcome::STORED,
            outcome::DUPLICATE,
            outcome::DEAD_LETTERED,
            outcome::SAMPLED_OUT,
            outcome::REFUSED,
        ];
        assert_eq!(positions, Some(("outcome", outcomes.as_slice())));
        let text = rendered(|| {
            metrics::counter!(POSITIONS_READ).increment(10);
            metrics::counter!(POSITIONS, "outcome" => outcome::STORED).increment(7);
            metrics::counter!(POSITIONS, "outcome" => outcome::DEAD_LETTERED).increment(3);
        });
        assert_eq!(value(&text, "linkloom_positions_read_total "), 10);
        let sum: u64 = outcomes
            .iter()
            .map(|o| value(&text, &format!("linkloom_positions_total{{outcome=\"{o}\"}} ")))
            .sum();
        assert_eq!(sum, 10);
    }

    #[track_caller]
    fn value(text: &str, name: &str) -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name}in\n{text}"))
    }

    #[test]
    fn names_are_unique_and_say_their_unit() {
        let names: BTreeSet<&str> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        for metric in ALL {
            assert!(metric.name.starts_with("linkloom_"), "{}", metric.name);
            assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
            assert_eq!(
                metric.kind == Kind::Histogram,
                metric.name.ends_with("_seconds") && metric.kind != Kind::Gauge
            );
            assert!(metric.help.trim().ends_with('.'), "{}", metric.name);
        }
    }
}
