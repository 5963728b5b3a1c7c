//! The configuration: TOML, `LINKLOOM__SECTION__KEY` of the environment over it, all problems reported at once.
//!
//! Every setting has a value: there is nothing optional, 0 or the empty text means "off" where a setting can be off.

mod load;
mod print;
mod problems;
mod sections;
mod setting;
#[cfg(test)]
mod tests;

pub use load::{ConfigError, ENVIRONMENT_PREFIX, Loaded};
pub use print::{reference, to_toml};
pub use problems::{Problem, Problems};
pub use sections::{
    ApiConfig, AssemblerConfig, DslConfig, FlushConfig, HbaseConfig, IngestConfig, KafkaConfig, LogConfig,
    LogFormat, RelayConfig, SceneConfig, ScenesConfig, StoreConfig, is_host_and_port, is_log_filter,
};
use setting::Section;

/// Longest report that fits a cell of HBase whatever becomes of it on the way.
const HBASE_REPORT_BYTES_MAX: usize = 8 << 20;

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// `[store]`: where reports and executions are kept.
    pub store: StoreConfig,
    /// `[hbase]`: tables in HBase instead.
    pub hbase: HbaseConfig,
    /// `[ingest]`: which reports are accepted.
    pub ingest: IngestConfig,
    /// `[flush]`: when packs are written.
    pub flush: FlushConfig,
    /// `[assembler]`: the window of each execution.
    pub assembler: AssemblerConfig,
    /// `[scenes]`: what silence means.
    pub scenes: ScenesConfig,
    /// `[dsl]`: definitions of links.
    pub dsl: DslConfig,
    /// `[kafka]`: topics that are read.
    pub kafka: KafkaConfig,
    /// `[relay]`: reports on their way into Kafka.
    pub relay: RelayConfig,
    /// `[api]`: the HTTP API.
    pub api: ApiConfig,
    /// `[log]`: what the process says about itself.
    pub log: LogConfig,
}

impl Config {
    /// All sections in the order of the file.
    fn sections(&self) -> [&dyn Section; 11] {
        [
            &self.store,
            &self.hbase,
            &self.ingest,
            &self.flush,
            &self.assembler,
            &self.scenes,
            &self.dsl,
            &self.kafka,
            &self.relay,
            &self.api,
            &self.log,
        ]
    }

    /// The section whose table has this name.
    fn section_mut(&mut self, table: &str) -> Option<&mut dyn Section> {
        let sections: [&mut dyn Section; 11] = [
            &mut self.store,
            &mut self.hbase,
            &mut self.ingest,
            &mut self.flush,
            &mut self.assembler,
            &mut self.scenes,
            &mut self.dsl,
            &mut self.kafka,
            &mut self.relay,
            &mut self.api,
            &mut self.log,
        ];
        sections.into_iter().find(|section| section.table() == table)
    }

    /// Relations between settings, each of which is in its range.
    pub fn check(&self, problems: &mut Problems) {
        if !self.api.listen.ip().is_loopback() && self.api.token_file.is_empty() {
            problems.relation(
                "api.listen",
                format!("\"{}\"", self.api.listen),
                "a loopback address such as 127.0.0.1, as api.token_file is empty: without tokens the API must not be reachable \
                 from other machines",
            );
        }
        let report = self.ingest.report_bytes_max;
        if self.ingest.payload_bytes_max > report {
            problems.relation(
                "ingest.payload_bytes_max",
                self.ingest.payload_bytes_max,
                format!("at most ingest.report_bytes_max ({report}), the payload is part of the report"),
            );
        }
        if self.flush.bytes_max < report {
            problems.relation(
                "flush.bytes_max",
                self.flush.bytes_max,
                format!("at least ingest.report_bytes_max ({report}), or a single report would not fit"),
            );
        }
        if !self.hbase.gateways.is_empty() && report > HBASE_REPORT_BYTES_MAX {
            problems.relation(
                "ingest.report_bytes_max",
                report,
                format!(
                    "at most {HBASE_REPORT_BYTES_MAX} with hbase.gateways: HBase refuses cells of more than 10 MiB \
                     (hbase.client.keyvalue.maxsize)"
                ),
            );
        }
        if !self.kafka.brokers.is_empty() && self.kafka.topics.is_empty() {
            problems.relation("kafka.topics", "[]", "at least one topic, as kafka.brokers is set");
        }
        let assembler = &self.assembler;
        if assembler.terminal_gap_ms > assembler.idle_gap_ms {
            problems.relation(
                "assembler.terminal_gap_ms",
                assembler.terminal_gap_ms,
                format!(
                    "at most assembler.idle_gap_ms ({}), which closes the window anyway",
                    assembler.idle_gap_ms
                ),
            );
        }
        if assembler.idle_gap_ms > assembler.age_max_ms {
            problems.relation(
                "assembler.idle_gap_ms",
                assembler.idle_gap_ms,
                format!(
                    "at most assembler.age_max_ms ({}), which closes the window anyway",
                    assembler.age_max_ms
                ),
            );
        }
    }
}
