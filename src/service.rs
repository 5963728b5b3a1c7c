//! All parts put together around one store: what every command that reads or writes a store works with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context as _;
use linkloom_assembler::settings::WindowSettings;
use linkloom_assembler::summarise::Summariser;
use linkloom_assembler::{Assembler, AssemblerSettings};
use linkloom_ingest::decode::Limits;
use linkloom_ingest::source::kafka::KafkaSettings;
use linkloom_ingest::source::{Head, ResumePoint, Source};
use linkloom_query::Reader;
use linkloom_schema::definition::Definition;
use linkloom_schema::idle::IdleTimes;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::Table;
use linkloom_storage::definitions::Definitions;
use linkloom_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use linkloom_storage::hbase::{HbaseOptions, HbaseStore, Layout};
use linkloom_storage::retention::Retention;
use linkloom_storage::store::{Rows, Scan, Store, StoreError};
use linkloom_storage::watch::{Changes, Watched};

use crate::config::Config;
use crate::pipeline::{
    DigestFeed, DigestTopic, Ending, Feed, FeedError, FeedFigures, FeedOutcome, FeedSettings, Outlets,
    SharedWatermark, Sink, SinkSettings,
};

/// The open store of a process with its definition log: enough to read.
#[derive(Clone)]
pub struct OpenStore {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its definition log.
    pub definitions: Arc<Definitions>,
    /// Idle times of scenes.
    pub idle: Arc<IdleTimes>,
    /// Who is told what this process writes.
    pub changes: Arc<Changes>,
    /// Other processes may write the store, too.
    pub others_write: bool,
}

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorePlace {
    /// In this folder.
    Embedded(PathBuf),
    /// In HBase, through these gateways.
    Hbase(Vec<String>),
}

impl StorePlace {
    /// The place a configuration names, if it names one.
    pub fn of(config: &Config) -> Option<Self> {
        if !config.hbase.gateways.is_empty() {
            return Some(StorePlace::Hbase(config.hbase.gateways.clone()));
        }
        let path = &config.store.path;
        (!path.is_empty()).then(|| StorePlace::Embedded(PathBuf::from(path)))
    }
}

/// An open store of either kind, for what only one kind needs.
#[derive(Clone)]
pub enum AnyStore {
    /// This process owns it.
    Embedded(Arc<EmbeddedStore>),
    /// Any number of processes may have it open.
    Hbase(Arc<HbaseStore>),
}

impl AnyStore {
    /// The store, whatever it is.
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            AnyStore::Embedded(store) => store.clone(),
            AnyStore::Hbase(store) => store.clone(),
        }
    }

    /// The store in HBase, if it is that.
    pub fn hbase(&self) -> Option<&Arc<HbaseStore>> {
        match self {
            AnyStore::Embedded(_) => None,
            AnyStore::Hbase(store) => Some(store),
        }
    }

    /// What a command needs to reach it: `--store PATH` or `--hbase HOST:PORT,..`.
    pub fn option(&self) -> String {
        match self {
            AnyStore::Embedded(store) => format!("--store {}", store.path().display()),
            AnyStore::Hbase(store) => format!("--hbase {}", store.gateways().join(",")),
        }
    }

    /// Folder for spilled windows: in the store if that is a folder itself, else of this process.
    pub fn scratch(&self) -> PathBuf {
        match self {
            AnyStore::Embedded(store) => store.path().join("scratch"),
            AnyStore::Hbase(_) => std::env::temp_dir().join(format!("linkloom-{}", std::process::id())),
        }
    }
}

impl From<EmbeddedStore> for AnyStore {
    fn from(store: EmbeddedStore) -> Self {
        AnyStore::Embedded(Arc::new(store))
    }
}

impl From<HbaseStore> for AnyStore {
    fn from(store: HbaseStore) -> Self {
        AnyStore::Hbase(Arc::new(store))
    }
}

/// Opens a store for writing.
///
/// Errors: `Owned` when another process has an embedded one open; HBase is not asked yet.
pub fn open_store(place: &StorePlace, config: &Config) -> Result<AnyStore, StoreError> {
    match place {
        StorePlace::Embedded(path) => open_embedded(path, config).map(AnyStore::from),
        StorePlace::Hbase(gateways) => open_hbase(gateways, config).map(AnyStore::from),
    }
}

/// The tables in HBase as a configuration has them.
pub fn hbase_layout(config: &Config) -> Layout {
    Layout {
        namespace: config.hbase.namespace.clone(),
        table_prefix: config.hbase.table_prefix.clone(),
        retention: match config.store.retention_days {
            0 => Retention::Forever,
            days => Retention::Days(days),
        },
    }
}

/// Opens the tables in HBase a configuration names, through these gateways.
pub fn open_hbase(gateways: &[String], config: &Config) -> Result<HbaseStore, StoreError> {
    let of = &config.hbase;
    HbaseStore::open(HbaseOptions {
        gateways: gateways.to_vec(),
        layout: hbase_layout(config),
        connections: of.connections,
        framed: of.framed,
        timeout: Duration::from_millis(of.timeout_ms),
        batch_cells: of.batch_cells,
        batch_bytes: of.batch_bytes,
    })
}

/// Opens the embedded store a configuration names.
///
/// Errors: `Owned` when another process has it open.
pub fn open_embedded(path: &Path, config: &Config) -> Result<EmbeddedStore, StoreError> {
    let retention = match config.store.retention_days {
        0 => None,
        days => Some(Retention::Days(days)),
    };
    let cache_bytes = config.store.cache_bytes as u64;
    EmbeddedStore::open(path, EmbeddedOptions { cache_bytes, retention, ..EmbeddedOptions::default() })
}

impl OpenStore {
    /// Reads the definition log of a store.
    pub fn new(store: Arc<dyn Store>, config: &Config) -> Result<Self, StoreError> {
        let changes = Arc::new(Changes::default());
        let store: Arc<dyn Store> = Arc::new(Watched::new(store, changes.clone()));
        let definitions = Arc::new(Definitions::load(store.clone())?);
        let micros = |ms: u64| i64::try_from(ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let by_scene = config.scenes.by_id.iter().map(|(scene, own)| (scene.clone(), micros(own.idle_ms)));
        let idle = IdleTimes { default_micros: micros(config.scenes.idle_ms), by_scene: by_scene.collect() };
        Ok(OpenStore { store, definitions, idle: Arc::new(idle), changes, others_write: false })
    }

    /// The same of a store of either kind.
    pub fn of(store: &AnyStore, config: &Config) -> Result<Self, StoreError> {
        let others_write = store.hbase().is_some();
        Ok(OpenStore { others_write, ..OpenStore::new(store.store(), config)? })
    }

    /// Answers questions about it.
    pub fn reader(&self) -> Reader {
        Reader::new(self.store.clone(), self.definitions.clone(), self.idle.clone())
            .told_by(self.changes.clone(), self.others_write)
    }
}

/// The whole pipeline behind a store, ready to be fed by one or several sources.
pub struct Service {
    open: OpenStore,
    assembler: Arc<Assembler>,
    sink: Sink,
    settings: FeedSettings,
    watermark: SharedWatermark,
}

impl Service {
    /// Starts the pipeline's threads and sums up what an earlier process left. `scratch`: folder for spilled windows.
    pub fn start(open: OpenStore, config: &Config, scratch: Option<PathBuf>) -> anyhow::Result<Self> {
        Self::start_with(open, config, scratch, Outlets::OWN)
    }

    /// The same for one of several processes that write the store.
    pub fn start_with(
        open: OpenStore,
        config: &Config,
        scratch: Option<PathBuf>,
        outlets: Outlets,
    ) -> anyhow::Result<Self> {
        let summariser = Summariser { definitions: open.definitions.clone(), idle: open.idle.clone() };
        let assembler =
            Assembler::start(open.store.clone(), summariser, &assembler_settings(config, scratch))?;
        let assembler = Arc::new(assembler);
        let sink = Sink::start(&open.store, &assembler, outlets, &sink_settings(config))
            .context("starting the sink")?;
        let watermark =
            SharedWatermark::new(config.assembler.partition_idle_ms, config.assembler.out_of_order_ms);
        Ok(Service { open, assembler, sink, settings: feed_settings(config), watermark })
    }

    /// The store behind it.
    pub fn open(&self) -> &OpenStore {
        &self.open
    }

    /// Feeds one source to its end, or until `stop`; may be called from several threads at once. Returns when what was
    /// read is durable and committed; summaries may trail until [`Service::drain`].
    pub fn feed(
        &self,
        source: &mut dyn Source,
        figures: &FeedFigures,
        stop: &AtomicBool,
    ) -> Result<FeedOutcome, FeedError> {
        Feed::new(&self.open.store, &self.sink, &self.settings, figures, &self.watermark).run(source, stop)
    }

    /// Sums up what comes through a topic of digests until it is to end; returns when that is committed.
    pub fn feed_digests(
        &self,
        topic: &DigestTopic,
        source: &mut dyn Source,
        ending: &Ending,
    ) -> Result<(), FeedError> {
        DigestFeed::new(topic, &self.assembler).run(source, ending)
    }

    /// Limits of reports.
    pub fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// Waits until every summary is durable: from then on lists agree with what is shown.
    pub fn drain(&self) {
        self.assembler.drain();
    }

    /// The assembler, for its figures.
    pub fn assembler(&self) -> &Assembler {
        &self.assembler
    }

    /// The sink, for its figures.
    pub fn sink(&self) -> &Sink {
        &self.sink
    }

    /// Puts definitions into the log.
    pub fn put_definitions(
        &self,
        definitions: Vec<Definition>,
        valid_from: Option<Timestamp>,
    ) -> Result<usize, StoreError> {
        self.open.definitions.put(definitions, valid_from)
    }
}

/// Looks up how far files were ingested into a store.
pub fn resume_points(store: Arc<dyn Store>) -> impl FnMut(&Head) -> Result<Vec<ResumePoint>, String> + Send {
    move |head| {
        let row = head.to_string();
        let mut points = Vec::new();
        let mut failed = None;
        let scanned = store.scan(&Scan::new(Table::Meta, Rows::One(&row)), &mut |cell| {
            match ResumePoint::from_json(cell.value) {
                Ok(point) => points.push(point),
                Err(error) => failed = Some(error.to_string()),
            }
            std::ops::ControlFlow::Continue(())
        });
        scanned.map_err(|error| error.to_string())?;
        failed.map_or(Ok(points), Err)
    }
}

/// Limits of reports a configuration sets.
pub fn limits(config: &Config) -> Limits {
    Limits {
        report_bytes_max: config.ingest.report_bytes_max,
        payload_bytes_max: config.ingest.payload_bytes_max,
        mark_separator: config.ingest.mark_separator.as_str().into(),
    }
}

/// Bytes of a line a source holds: a whole report, and of a longer line what its dead letter keeps, so that it can be
/// replayed under a higher limit.
pub fn line_bytes_max(config: &Config) -> usize {
    config.ingest.report_bytes_max.max(config.ingest.dead_letter_bytes_max)
}

/// How Kafka is reached and read.
///
/// Errors: no brokers are configured, and `brokers` names none.
pub fn kafka_settings(config: &Config, brokers: Option<&str>) -> anyhow::Result<KafkaSettings> {
    let of = &config.kafka;
    let brokers = brokers.unwrap_or(&of.brokers).trim();
    anyhow::ensure!(
        !brokers.is_empty(),
        "no Kafka: name its brokers with --brokers HOST:PORT, LINKLOOM_BROKERS, or brokers in [kafka] of the configuration"
    );
    Ok(KafkaSettings {
        brokers: brokers.to_owned(),
        topics: of.topics.clone(),
        group: of.group.clone(),
        instance_id: of.instance_id.clone(),
        queue_bytes_max: of.queue_bytes_max,
        record_bytes_max: line_bytes_max(config),
        options: of.options.clone(),
    })
}

/// The topic that posted reports and the lines of followed files go to.
///
/// Errors: none is configured.
pub fn reports_topic(config: &Config) -> anyhow::Result<&str> {
    let own = Some(config.relay.topic.as_str()).filter(|topic| !topic.is_empty());
    own.or(config.kafka.topics.first().map(String::as_str))
        .context("no topic for reports: name one with --topic, or topic in [relay] of the configuration")
}

fn assembler_settings(config: &Config, scratch: Option<PathBuf>) -> AssemblerSettings {
    let of = &config.assembler;
    AssemblerSettings {
        shards: of.shards,
        windows: WindowSettings {
            summary_delay_ms: of.summary_delay_ms,
            idle_gap_ms: of.idle_gap_ms,
            terminal_gap_ms: of.terminal_gap_ms,
            age_max_ms: of.age_max_ms,
            memory_bytes_max: of.memory_bytes_max / of.shards.max(1),
            sweep_ms: of.sweep_ms,
        },
        queue_flushes_max: of.queue_flushes_max,
        spill: scratch.map(|folder| (folder, of.spill_bytes_max)),
    }
}

fn sink_settings(config: &Config) -> SinkSettings {
    let of = &config.flush;
    SinkSettings {
        workers: of.workers,
        queue_max: of.queue_max,
        zstd_level: of.zstd_level as i32,
        packs_per_row_max: of.packs_per_row_max as u32,
        remembered_max: of.remembered_max,
    }
}

fn feed_settings(config: &Config) -> FeedSettings {
    FeedSettings {
        reports_max: config.flush.reports_max,
        bytes_max: config.flush.bytes_max,
        delay: Duration::from_millis(config.flush.delay_ms),
        limits: limits(config),
        dead_letter_bytes_max: config.ingest.dead_letter_bytes_max,
    }
}
