//! Reports at the pace of a busy day, through an in-process source: how long until they can be read, and at what cost.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use linkloom_ingest::source::channel;
use linkloom_storage::embedded::EmbeddedStore;
use linkloom_storage::store::StoreError;

use super::machine::{Usage, ms, percentile};
use crate::config::Config;
use crate::pipeline::FeedFigures;
use crate::service::{OpenStore, Service, open_embedded};
use crate::workload::{Workload, WorkloadConfig};

/// Between two batches of a producer.
const TICK: Duration = Duration::from_millis(10);

/// Bytes a store takes once it was closed cleanly after `work`.
fn closed_bytes(
    folder: &Path,
    config: &Config,
    work: impl FnOnce(&EmbeddedStore) -> Result<(), StoreError>,
) -> Result<u64, StoreError> {
    work(&open_embedded(folder, config)?)?;
    open_embedded(folder, config)?.disk_bytes()
}

/// Sends `rate` reports a second for `seconds` and prints the time from sending until readable, the processor share and
/// the bytes on disk.
pub fn live(
    folder: &Path,
    rate: u32,
    seconds: u64,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let store = Arc::new(open_embedded(folder, config)?);
    let service =
        Service::start(OpenStore::new(store.clone(), config)?, config, Some(folder.join("scratch")))?;
    let lines = u64::from(rate) * seconds;
    let mut workload =
        Workload::new(WorkloadConfig { lines, reports_per_sec: rate, ..WorkloadConfig::default() });
    let (sender, mut source) = channel("live", 4_096, 256 << 20, 1 << 20);
    let figures = FeedFigures::default();
    let waits: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let stop = AtomicBool::new(false);
    let usage = Usage::now();
    let started = Instant::now();
    let (mut cpu_generator, mut sent) = (Duration::ZERO, 0);
    std::thread::scope(|scope| {
        let feed = scope.spawn(|| service.feed(&mut source, &figures, &stop));
        while sent < lines {
            let due = (started.elapsed().as_secs_f64() * f64::from(rate)) as u64;
            let mut batch = Vec::new();
            let making = Instant::now();
            sent += workload.fill(&mut batch, due.saturating_sub(sent) as usize) as u64;
            cpu_generator += making.elapsed();
            if !batch.is_empty() {
                let waits = waits.clone();
                let at = Instant::now();
                let readable =
                    move || waits.lock().unwrap_or_else(PoisonError::into_inner).push(at.elapsed());
                sender.try_send(batch, None, readable)?;
            }
            std::thread::park_timeout(TICK);
        }
        drop(sender);
        feed.join().map_err(|_| anyhow::anyhow!("the pipeline ended in a panic"))??;
        anyhow::Ok(())
    })?;
    service.drain();
    let cores = (usage.cpu() - cpu_generator.as_secs_f64()) / usage.wall().as_secs_f64();
    drop(service);
    store.settle()?;
    drop(store);
    let settled = closed_bytes(folder, config, |_| Ok(()))?;
    let compacted = closed_bytes(folder, config, EmbeddedStore::compact)?;
    let mut waits = std::mem::take(&mut *waits.lock().unwrap_or_else(PoisonError::into_inner));
    waits.sort_unstable();
    writeln!(
        out,
        "live, {rate} reports/s for {seconds} s            readable after p50 {:.0} ms, p99 {:.0} ms, slowest {:.0} ms",
        ms(percentile(&waits, 0.5)),
        ms(percentile(&waits, 0.99)),
        ms(percentile(&waits, 1.0))
    )?;
    writeln!(
        out,
        "  {cores:.2} cores without the generator, on disk {} B a report, {} B once the day is over and compacted",
        settled / lines,
        compacted / lines
    )?;
    Ok(())
}
