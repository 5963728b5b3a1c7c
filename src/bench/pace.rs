//! Reports that come at a pace: another process writes them, and each is timed from when Kafka got it until it is stored
//! and committed, so that anybody can read it.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use linkloom_ingest::source::kafka::KafkaWriter;
use linkloom_ingest::source::{Position, RawBatch};

use super::kafka::{BLOCK_RECORDS, KafkaBench, record_for};
use crate::expiry::now;
use crate::workload::{Workload, WorkloadConfig};

/// Between two batches of the producer.
const TICK: Duration = Duration::from_millis(10);
/// The first of them are left out: the group is joined and the tables are new.
const SETTLING_MS: i64 = 5_000;
/// Longer waits count as this long.
const WAIT_MS_MAX: usize = 120_000;

/// Fills the topic at so many reports a second, dated with the present.
pub fn produce(bench: &KafkaBench, rate: u32) -> anyhow::Result<()> {
    let topic = bench.settings.topics.first().map_or("", String::as_str);
    let writer = KafkaWriter::new(&bench.settings)?;
    let lines = bench.workload.lines;
    let config = WorkloadConfig { start: now(), reports_per_sec: rate, ..bench.workload.clone() };
    let mut workload = Workload::new(config);
    let (started, mut made, mut number) = (Instant::now(), 0, 0);
    let mut buffer = Vec::new();
    while made < lines {
        let due = ((started.elapsed().as_secs_f64() * f64::from(rate)) as u64).min(lines);
        buffer.clear();
        made += workload.fill(&mut buffer, due.saturating_sub(made) as usize) as u64;
        for line in buffer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            writer.send(topic, &record_for(bench, line, number / BLOCK_RECORDS))?;
            number += 1;
        }
        std::thread::park_timeout(TICK);
    }
    Ok(writer.flush()?)
}

/// The process that fills the topic; ended when this is dropped.
pub(super) struct Producer(Child);

impl Producer {
    /// Starts this program once more, as the producer.
    pub(super) fn start(bench: &KafkaBench, rate: u32) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("looking for this program")?;
        let mut command = Command::new(program);
        command.args(["bench", "kafka", "--fill-only", "--brokers", &bench.settings.brokers]);
        command.args(["--topic", bench.settings.topics.first().map_or("", String::as_str)]);
        for (name, value) in [
            ("--pace", u64::from(rate)),
            ("--reports", bench.workload.lines),
            ("--seed", bench.workload.seed),
            ("--partitions", u64::from(bench.partitions)),
        ] {
            command.args([name, &value.to_string()]);
        }
        if bench.keyed {
            command.arg("--keyed");
        }
        let child = command.stdin(Stdio::null()).spawn().context("starting the producer")?;
        Ok(Producer(child))
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // It has ended by itself, or nobody wants its reports any more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where records of a partition end, and when Kafka got them (ms).
type Open = VecDeque<(u64, i64)>;

/// How long reports waited until they were readable.
pub(super) struct Waits {
    /// Of each partition, the records that are not committed yet.
    open: BTreeMap<(Arc<str>, u32), Open>,
    begun_ms: Option<i64>,
    /// Reports by the milliseconds they waited.
    by_ms: Vec<u32>,
}

impl Waits {
    pub(super) fn new() -> Self {
        Waits { open: BTreeMap::new(), begun_ms: None, by_ms: vec![0; WAIT_MS_MAX + 1] }
    }

    pub(super) fn read(&mut self, batch: &RawBatch) {
        let open = self.open.entry((batch.source.clone(), batch.partition)).or_default();
        for record in &batch.records {
            let ms = record.time.map_or(0, |time| time.micros() / 1_000);
            self.begun_ms.get_or_insert(ms);
            open.push_back((record.position + 1, ms));
        }
    }

    pub(super) fn committed(&mut self, positions: &[Position]) {
        let now_ms = now().micros() / 1_000;
        let counted_from = self.begun_ms.unwrap_or(0) + SETTLING_MS;
        for position in positions {
            let Some(open) = self.open.get_mut(&(position.source.clone(), position.partition)) else {
                continue;
            };
            while let Some((_, ms)) = open.pop_front_if(|(end, _)| *end <= position.next) {
                if ms >= counted_from {
                    let waited = usize::try_from(now_ms - ms).unwrap_or(0).min(WAIT_MS_MAX);
                    self.by_ms[waited] += 1;
                }
            }
        }
    }

    fn percentile(&self, share: f64) -> usize {
        let all: u64 = self.by_ms.iter().map(|&count| u64::from(count)).sum();
        let wanted = (all as f64 * share).ceil() as u64;
        let mut seen = 0;
        self.by_ms
            .iter()
            .position(|&count| {
                seen += u64::from(count);
                seen >= wanted.max(1)
            })
            .unwrap_or(0)
    }

    pub(super) fn print(&self, rate: u32, out: &mut dyn Write) -> std::io::Result<()> {
        let all: u64 = self.by_ms.iter().map(|&count| u64::from(count)).sum();
        writeln!(
            out,
            "live, {rate} reports/s: of {all} reports, stored and committed after p50 {} ms, p99 {} ms, slowest {} ms",
            self.percentile(0.5),
            self.percentile(0.99),
            self.percentile(1.0)
        )
    }
}
