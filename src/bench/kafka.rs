//! From a topic to a store, durable and committed, beside draining the topic without a look at it.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use linkloom_ingest::source::kafka::{
    Bound, KafkaFigures, KafkaRange, KafkaSettings, KafkaSource, KafkaWriter, NewRecord, RangeSettings,
    create_topic,
};
use linkloom_ingest::source::{Next, Position, Source, SourceError};
use linkloom_schema::definition::Definition;
use linkloom_storage::hbase::{Compression, Method};

use super::machine::{Usage, cpu_seconds_of, human_bytes, peak_memory, reset_peak_memory};
use super::pace::{Producer, Waits};
use crate::config::Config;
use crate::consume::{self, AtTheEnd};
use crate::definition_files;
use crate::pipeline::{Digests, Ending, FeedFigures, Outlets};
use crate::service::{AnyStore, OpenStore, Service, open_embedded, open_hbase};
use crate::workload::{Workload, WorkloadConfig};

/// Records in a row that go to one partition: what a log agent sends at once.
pub(super) const BLOCK_RECORDS: u64 = 200;

/// What is measured.
pub struct KafkaBench {
    /// Which Kafka; its one topic.
    pub settings: KafkaSettings,
    /// What the topic is filled with if it is not there.
    pub workload: WorkloadConfig,
    /// Its partitions then.
    pub partitions: u32,
    /// Whether an execution is in one partition.
    pub keyed: bool,
    /// How often it is read.
    pub runs: u32,
    /// Thrift gateways of the HBase it is read into; none: an embedded store.
    pub hbase: Vec<String>,
    /// Other processes whose processor time is told, such as the gateway and HBase.
    pub pids: Vec<u32>,
    /// Reports a second another process fills the topic at while it is read; `None`: it is filled before.
    pub pace: Option<u32>,
}

/// Fills the topic if need be, drains it, then reads it into new stores below `folder`, or into new tables in HBase.
pub fn kafka(
    bench: &KafkaBench,
    folder: &Path,
    plans: Vec<Definition>,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let topic = bench.settings.topics.first().map_or("", String::as_str);
    let is_new = create_topic(&bench.settings, topic, bench.partitions)?;
    if bench.pace.is_some() {
        anyhow::ensure!(is_new, "topic {topic} is there already; --pace wants a new one");
        load(bench, bench.workload.lines, folder, plans, config, out)?;
        return Ok(());
    }
    if is_new {
        fill(bench, topic, out)?;
    }
    let mut drained = Vec::new();
    let mut records = 0;
    for _ in 0..bench.runs {
        let (usage, read, bytes) = drain(bench, topic)?;
        let rate = read as f64 / usage.wall;
        writeln!(
            out,
            "limit: draining {topic} without a look   {rate:>12.0} records/s  ({read} of {} B, processor {:.2} s a million)",
            bytes / read.max(1),
            usage.cpu * 1_000_000.0 / read.max(1) as f64
        )?;
        out.flush()?;
        drained.push(rate);
        records = read;
    }
    let mut stored = Vec::new();
    for run in 0..bench.runs {
        let folder = folder.join(format!("kafka-{run}"));
        std::fs::create_dir_all(&folder)?;
        stored.push(load(bench, records, &folder, plans.clone(), config, out)?);
        out.flush()?;
        std::fs::remove_dir_all(&folder)?;
    }
    let (drained, stored) = (spread(&mut drained), spread(&mut stored));
    writeln!(
        out,
        "kafka to durable store, min / median / max   {:.0} / {:.0} / {:.0} records/s; {:.0} % of draining ({:.0})",
        stored[0],
        stored[1],
        stored[2],
        stored[1] * 100.0 / drained[1],
        drained[1]
    )?;
    Ok(())
}

fn spread(rates: &mut [f64]) -> [f64; 3] {
    rates.sort_by(f64::total_cmp);
    let at = |index: usize| rates.get(index).copied().unwrap_or_default();
    [at(0), at(rates.len() / 2), at(rates.len().saturating_sub(1))]
}

fn fill(bench: &KafkaBench, topic: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let writer = KafkaWriter::new(&bench.settings)?;
    let mut workload = Workload::new(bench.workload.clone());
    let usage = Usage::now();
    let mut buffer = Vec::new();
    let mut number = 0;
    while workload.fill(&mut buffer, 1_500) > 0 {
        for line in buffer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            writer.send(topic, &record_for(bench, line, number / BLOCK_RECORDS))?;
            number += 1;
        }
        buffer.clear();
    }
    writer.flush()?;
    writeln!(out, "{topic} filled with {number} records in {:.1} s", usage.wall().as_secs_f64())?;
    Ok(out.flush()?)
}

/// A line as a record: by its execution if the topic is keyed, else in the partition whose turn it is.
pub(super) fn record_for<'l>(bench: &KafkaBench, line: &'l [u8], block: u64) -> NewRecord<'l> {
    let key = bench.keyed.then(|| execution_of(line)).flatten();
    let partition = key.is_none().then_some((block % u64::from(bench.partitions)) as u32);
    NewRecord { partition, key, value: Some(line), time_ms: None }
}

/// The execution id in a report line: no two executions of the workload share one, so it is as good a key as the mark.
fn execution_of(line: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"\"executionId\":\"";
    let from = line.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    let length = line[from..].iter().position(|byte| *byte == b'"')?;
    Some(&line[from..from + length])
}

struct Cost {
    wall: f64,
    cpu: f64,
}

fn drain(bench: &KafkaBench, topic: &str) -> anyhow::Result<(Cost, u64, u64)> {
    let range = RangeSettings {
        topic: topic.to_owned(),
        from: Bound::Start,
        to: Bound::End,
        read_before: Default::default(),
    };
    let mut source = KafkaRange::open(&bench.settings, &range)?;
    let usage = Usage::now();
    let (mut records, mut bytes) = (0, 0);
    loop {
        match source.next(Duration::from_millis(100))? {
            Next::Batch(batch) => {
                records += batch.records.len() as u64;
                bytes += batch.bytes.len() as u64;
            }
            Next::End => break,
            _ => {}
        }
    }
    anyhow::ensure!(records > 0, "topic {topic} is empty");
    Ok((Cost { wall: usage.wall().as_secs_f64(), cpu: usage.cpu() }, records, bytes))
}

/// Reads the topic as a new group into a new store; returns records a second.
fn load(
    bench: &KafkaBench,
    records: u64,
    folder: &Path,
    plans: Vec<Definition>,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<f64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let mut config = config.clone();
    config.kafka.group = format!("linkloom-bench-{now}");
    config.kafka.keyed = bench.keyed;
    let store = if bench.hbase.is_empty() {
        AnyStore::from(open_embedded(&folder.join("store"), &config)?)
    } else {
        config.hbase.table_prefix = format!("bench{now}_");
        let store = open_hbase(&bench.hbase, &config)?;
        store.create_tables(Compression::None)?;
        AnyStore::from(store)
    };
    let open = OpenStore::new(store.store(), &config)?;
    definition_files::put(&open, plans, None, linkloom_schema::time::Timestamp(0))?;
    let digests = consume::digests(&store, &config, &bench.settings.brokers)?;
    if let Digests::Topic(topic) = &digests {
        // Once in the life of a deployment.
        topic.wait_for(&Ending::default());
    }
    let outlets = Outlets { digests, dead: None };
    let service = Service::start_with(open, &config, Some(folder.join("scratch")), outlets.clone())?;
    let figures = FeedFigures::default();
    let kafka = Arc::new(KafkaFigures::default());
    let settings = KafkaSettings { group: config.kafka.group.clone(), ..bench.settings.clone() };
    let mut source = Until {
        source: KafkaSource::new(settings, kafka.clone())?,
        left: records,
        begun: None,
        pids: bench.pids.clone(),
        waits: bench.pace.map(|_| Waits::new()),
    };
    reset_peak_memory();
    let producer = bench.pace.map(|rate| Producer::start(bench, rate)).transpose()?;
    consume::consume(
        &mut source,
        &outlets.digests,
        &service,
        &figures,
        &kafka,
        &AtomicBool::new(false),
        AtTheEnd::AwaitSummaries,
    )?;
    let begun = source.begun.unwrap_or_else(|| Begun::now(&bench.pids));
    let usage = begun.usage;
    let durable = usage.wall().as_secs_f64();
    drop(producer);
    service.drain();
    let (all, cpu) = (usage.wall().as_secs_f64(), usage.cpu());
    let of_others = bench.pids.iter().zip(&begun.others).map(|(pid, before)| cpu_seconds_of(*pid) - before);
    let of_others: Vec<f64> = of_others.collect();
    let get = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
    let read = get(&figures.read);
    let sink = service.sink().figures();
    writeln!(
        out,
        "kafka to durable store                 {:>12.0} records/s  ({read} in {durable:.2} s, summaries after {all:.2} s)",
        read as f64 / durable
    )?;
    writeln!(
        out,
        "  processor {:.2} s a million, peak memory {}, {} flushes, {} commits, {} dead letters, {} duplicates in their pack",
        cpu * 1_000_000.0 / read.max(1) as f64,
        human_bytes(peak_memory()),
        get(&sink.flushes),
        get(&kafka.commits),
        get(&figures.dead),
        get(&figures.duplicates)
    )?;
    let assembler = service.assembler().figures();
    writeln!(
        out,
        "  {:.2} cells a report with reports and notes, {} summaries, {} executions read back",
        get(&sink.cells) as f64 / read.max(1) as f64,
        get(&assembler.summaries),
        get(&assembler.reread)
    )?;
    if let Some(hbase) = store.hbase() {
        let calls = Method::ALL.map(|method| {
            format!(
                "{} {} ({} failed)",
                method.name(),
                hbase.figures().answered(method),
                hbase.figures().failed(method)
            )
        });
        writeln!(out, "  calls of the gateway: {}", calls.join(", "))?;
    }
    for (pid, seconds) in bench.pids.iter().zip(&of_others) {
        writeln!(
            out,
            "  process {pid}: processor {:.2} s a million",
            seconds * 1_000_000.0 / read.max(1) as f64
        )?;
    }
    if let (Some(rate), Some(waits)) = (bench.pace, &source.waits) {
        waits.print(rate, out)?;
        let cores = |seconds: f64| seconds / all;
        let others: Vec<String> = of_others.iter().map(|&seconds| format!("{:.2}", cores(seconds))).collect();
        writeln!(out, "  {:.2} cores, the other processes {}", cores(cpu), others.join(", "))?;
    }
    drop(service);
    if let (Some(hbase), None) = (store.hbase(), bench.pace) {
        // The next run finds HBase as this one did.
        hbase.drop_tables()?;
    }
    Ok(read as f64 / durable)
}

/// The moment the first record came.
struct Begun {
    usage: Usage,
    /// Processor seconds of other processes until then.
    others: Vec<f64>,
}

impl Begun {
    fn now(pids: &[u32]) -> Self {
        Begun { usage: Usage::now(), others: pids.iter().map(|pid| cpu_seconds_of(*pid)).collect() }
    }
}

/// A source that ends after so many records. The clock starts with the first of them: joining a group takes as long for
/// one record as for a thousand million.
struct Until {
    source: KafkaSource,
    left: u64,
    begun: Option<Begun>,
    pids: Vec<u32>,
    waits: Option<Waits>,
}

impl Source for Until {
    fn next(&mut self, wait: Duration) -> Result<Next, SourceError> {
        if self.left == 0 {
            return Ok(Next::End);
        }
        let next = self.source.next(wait)?;
        if let Next::Batch(batch) = &next {
            self.begun.get_or_insert_with(|| Begun::now(&self.pids));
            self.left = self.left.saturating_sub(batch.records.len() as u64);
            if let Some(waits) = &mut self.waits {
                waits.read(batch);
            }
        }
        Ok(next)
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), SourceError> {
        if let Some(waits) = &mut self.waits {
            waits.committed(positions);
        }
        self.source.commit(positions)
    }

    fn release(&mut self, partitions: &[(Arc<str>, u32)]) -> Result<(), SourceError> {
        self.source.release(partitions)
    }

    fn keep_alive(&mut self) -> Result<(), SourceError> {
        self.source.keep_alive()
    }
}
