//! Kafka, `linkloom serve` and HBase together, all of them real (`tests/servers`).
//!
//! `LINKLOOM_WHOLE_REPORTS=200000` makes the topics longer, `LINKLOOM_WHOLE_KILLS=20` kills more often,
//! `LINKLOOM_OUTAGE_SECONDS=120` has HBase stay away for so long; without it that is left out.

mod killed;
mod outage;
mod scaled;
mod served;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use linkloom::config::Config;
use linkloom::service::OpenStore;
use linkloom::workload::WorkloadConfig;
use linkloom_ingest::source::kafka::KafkaWriter;
use linkloom_schema::report::Identity;
use linkloom_storage::cell::Table;
use linkloom_storage::store::{Rows, Scan, Store};
use tempfile::TempDir;

use crate::hbase::servers::{HbaseServers, hbase_servers};
use crate::hbase::{config, store};
use crate::kill::{Reports, assert_same_answers, finish, ingest, open, stored};
use crate::support::kafka::{Broker, broker, write_keyed_lines, write_lines};
use crate::support::serve::{Server, Serving, dsl, linkloom, until_or_tell};

const PARTITIONS: u32 = 4;
/// Partitions of the topic that digests go through.
const DIGEST_PARTITIONS: u32 = 4;
/// Records in a row that go to one partition.
const BLOCK: usize = 50;

/// A topic, tables, and what a server needs to bring the one into the other.
struct Whole {
    broker: &'static Broker,
    hbase: &'static HbaseServers,
    name: String,
    /// Whether records have the execution as their key, and no digests go through a topic.
    keyed: bool,
    config: Config,
    store: Arc<dyn Store>,
    dsl: PathBuf,
    writer: KafkaWriter,
    folder: TempDir,
}

impl Whole {
    /// `None`, with a line that says so, where the servers cannot be run.
    fn new(name: &str) -> Option<Whole> {
        let (broker, hbase) = (broker()?, hbase_servers()?);
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(hbase, name);
        let name = format!("whole-{name}");
        broker.topic(&name, PARTITIONS);
        Some(Whole {
            broker,
            hbase,
            store: store(&config),
            name,
            keyed: false,
            config,
            dsl: dsl(folder.path()),
            writer: broker.writer(),
            folder,
        })
    }

    /// A workload with everything in it that makes trouble.
    fn reports(&self, lines: u64, seed: u64) -> Reports {
        let config = WorkloadConfig {
            lines,
            seed,
            malformed_per_million: 10_000,
            duplicates_per_million: 20_000,
            late_per_million: 20_000,
            // One without a mark has no execution to be keyed by.
            unmarked_logs_per_million: if self.keyed { 0 } else { 20_000 },
            ..WorkloadConfig::default()
        };
        Reports::of(self.folder.path().join("reports.ndjson"), config)
    }

    /// Writes lines to the topic; they are there when it returns.
    fn write(&self, lines: &[&[u8]]) {
        if self.keyed {
            write_keyed_lines(&self.writer, &self.name, lines);
        } else {
            write_lines(&self.writer, &self.name, PARTITIONS, BLOCK, lines);
        }
        self.writer.flush().expect("written");
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LINKLOOM__HBASE__TABLE_PREFIX", self.config.hbase.table_prefix.clone()),
            ("LINKLOOM__HBASE__TIMEOUT_MS", "3000".to_owned()),
            ("LINKLOOM__KAFKA__GROUP", self.name.clone()),
            ("LINKLOOM__KAFKA__DIGEST_PARTITIONS", DIGEST_PARTITIONS.to_string()),
            ("LINKLOOM__KAFKA__KEYED", self.keyed.to_string()),
        ]
    }

    fn start(&self) -> Server {
        self.start_with(&self.hbase.gateway(), &[])
    }

    fn start_with(&self, gateways: &str, more: &[(&'static str, String)]) -> Server {
        self.start_logging(gateways, more, "serve.log")
    }

    /// One of several that run at the same time.
    fn start_member(&self, log: &str, more: &[(&'static str, String)]) -> Server {
        self.start_logging(&self.hbase.gateway(), more, log)
    }

    fn start_logging(&self, gateways: &str, more: &[(&'static str, String)], log: &str) -> Server {
        let serving = Serving {
            brokers: &self.broker.address,
            topics: &self.name,
            group: &self.name,
            dsl: Some(&self.dsl),
        };
        let environment = [self.environment(), more.to_vec()].concat();
        Server::start_on_hbase(gateways, &serving, &self.folder.path().join(log), &environment)
    }

    /// Runs a command on the tables and the topic; what it says.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        self.run_on(&self.name, arguments)
    }

    /// The same on another topic.
    #[track_caller]
    fn run_on(&self, topic: &str, arguments: &[&str]) -> String {
        let mut command = linkloom(arguments);
        command.args(["--topic", topic, "--brokers", &self.broker.address]);
        command.args(["--hbase", &self.hbase.gateway()]).envs(self.environment());
        let output = command.output().expect("the binary runs");
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{said}");
        said
    }

    /// Everything that was written is committed, and so durable and summed up. It may take as long as it goes on.
    fn wait_for_all(&self, server: &mut Server) {
        self.wait_for_all_of(std::slice::from_mut(server));
    }

    /// The same where several processes share it.
    fn wait_for_all_of(&self, servers: &mut [Server]) {
        let partitions = PARTITIONS + if self.keyed { 0 } else { DIGEST_PARTITIONS };
        let mut before = u64::MAX;
        while before > 0 {
            before = until_or_tell("more is committed", || {
                servers.iter_mut().for_each(Server::is_running);
                let metrics: String = servers.iter().filter_map(Server::metrics).collect();
                lag(&metrics, partitions).filter(|lag| *lag < before).ok_or_else(|| {
                    let kafka = metrics.lines().filter(|line| line.starts_with("linkloom_kafka_"));
                    let lines: Vec<&str> = kafka.collect();
                    let logs: Vec<String> = servers.iter().map(Server::log).collect();
                    format!("before: {before}\n{}\n{}", lines.join("\n"), logs.join("\n"))
                })
            });
        }
    }

    /// Nothing is lost, nothing is doubled, and the answers are those of an embedded store that was fed the file.
    #[track_caller]
    fn assert_all_is_there(&self, reports: &Reports) {
        let verified = self.run(&["verify", "--output", "json"]);
        assert!(verified.contains("\"missing\":0"), "{verified}");
        let undisturbed = self.folder.path().join("undisturbed");
        finish(ingest(&undisturbed, &self.dsl, &reports.path));
        let (_embedded, embedded) = open(&undisturbed);
        let (identities, dead) = stored(&*self.store);
        let written = reports.identities();
        let differ = |identities: &BTreeSet<Identity>| {
            let missing = written.difference(identities).count();
            let others = identities.difference(&written).count();
            format!("{missing} of {} are missing, {others} were never written", written.len())
        };
        assert!(
            identities == written,
            "what is in the topic is what is stored: {}; a second look: {}",
            differ(&identities),
            differ(&stored(&*self.store).0)
        );
        assert_eq!(dead, reports.malformed, "one dead letter for each refused record");
        let hbase = OpenStore::new(self.store.clone(), &self.config).expect("opened");
        assert_same_answers(reports, &hbase, &embedded);
    }

    /// Cells of everything that holds reports and what is made of them.
    fn cells(&self) -> Vec<(Table, usize)> {
        let tables = [Table::Link, Table::Recent, Table::Trace, Table::Unlinked, Table::Dead];
        let count = |table| {
            let mut cells = 0;
            let scanned = self.store.scan(&Scan::new(table, Rows::Prefix("")).keys_only(), &mut |_| {
                cells += 1;
                ControlFlow::Continue(())
            });
            scanned.expect("HBase answers");
            (table, cells)
        };
        tables.map(count).to_vec()
    }
}

/// The lag over all partitions, once it is known of each of so many. A process that gave one up says 0 of it.
fn lag(metrics: &str, partitions: u32) -> Option<u64> {
    let mut lags: BTreeMap<&str, u64> = BTreeMap::new();
    for line in metrics.lines().filter(|line| line.starts_with("linkloom_kafka_lag{")) {
        let (partition, lag) = line.rsplit_once(' ')?;
        let known = lags.entry(partition).or_default();
        *known = (*known).max(lag.parse().ok()?);
    }
    (lags.len() as u32 == partitions).then(|| lags.values().sum())
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
}
