//! The whole on HBase, on real servers (`tests/servers/hbase.sh`).

mod answers;
mod clients;
mod commands;
mod outage;
#[path = "../../servers/hbase.rs"]
pub(crate) mod servers;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use linkloom::config::Config;
use linkloom::definition_files;
use linkloom::pipeline::FeedFigures;
use linkloom::service::{OpenStore, Service, open_hbase};
use linkloom::workload::{ExecutionExpected, Workload, WorkloadConfig, definitions};
use linkloom_ingest::source::{Input, InputOptions, Inputs};
use linkloom_schema::definition::{Definition, parse_json};
use linkloom_schema::time::Timestamp;
use linkloom_storage::hbase::Compression;
use linkloom_storage::store::{Retry, Store};

use servers::HbaseServers;

/// The configuration of tables of this test's own.
pub(crate) fn config(servers: &HbaseServers, word: &str) -> Config {
    let mut config = Config::default();
    config.hbase.gateways = vec![servers.gateway()];
    config.hbase.table_prefix = format!("whole{}_{word}_", std::process::id());
    config
}

/// The store in those tables, which are made.
pub(crate) fn store(config: &Config) -> Arc<dyn Store> {
    let store = open_hbase(&config.hbase.gateways, config).expect("opened");
    let began = std::time::Instant::now();
    // After a kill the master may still be busy.
    while let Err(error) = store.create_tables(Compression::None) {
        assert!(error.retry() == Retry::WithBackoff && began.elapsed().as_secs() < 300, "{error}");
    }
    Arc::new(store)
}

/// A made-up workload in a file, and what must come of it.
fn workload(file: &Path, lines: u64, seed: u64) -> Vec<ExecutionExpected> {
    let mut workload = Workload::new(WorkloadConfig {
        lines,
        seed,
        unmarked_logs_per_million: 20_000,
        duplicates_per_million: 20_000,
        track_executions: true,
        ..WorkloadConfig::default()
    });
    let mut out = std::io::BufWriter::new(std::fs::File::create(file).expect("created"));
    workload.write_to(&mut out).expect("written");
    workload.take_finished()
}

fn plans() -> Vec<Definition> {
    let plan = |(scene, text): (&str, &str)| parse_json(scene, scene, text.as_bytes()).expect("a good plan");
    definitions().into_iter().map(plan).collect()
}

/// Feeds files through the whole pipeline into a store.
fn load(store: Arc<dyn Store>, config: &Config, files: &[&Path]) -> OpenStore {
    let open = OpenStore::new(store, config).expect("opened");
    definition_files::put(&open, plans(), None, Timestamp(0)).expect("put");
    let service = Service::start(open.clone(), config, None).expect("started");
    let figures = FeedFigures::default();
    let inputs = files.iter().map(|file| Input::File(file.to_path_buf()));
    let mut source = Inputs::new(inputs, InputOptions::default(), Box::new(|_| Ok(Vec::new())));
    let outcome = service.feed(&mut source, &figures, &AtomicBool::new(false)).expect("fed");
    assert!(outcome.failed.is_empty(), "an input failed");
    service.drain();
    assert!(figures.stored.load(Ordering::Relaxed) > 0);
    open
}
