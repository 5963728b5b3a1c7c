//! From a file to the embedded store, durable.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use linkloom_ingest::source::{Input, InputOptions, Inputs};
use linkloom_schema::definition::Definition;
use linkloom_storage::embedded::EmbeddedStore;

use super::machine::{Usage, human_bytes, peak_memory};
use crate::config::Config;
use crate::definition_files;
use crate::pipeline::FeedFigures;
use crate::service::{OpenStore, Service, open_embedded};

/// What a load left.
pub struct Loaded {
    /// The store.
    pub store: Arc<EmbeddedStore>,
    /// The same, to read.
    pub open: OpenStore,
    /// Reports stored.
    pub stored: u64,
}

/// Loads a file into a new store and prints rate, processor time, memory, and bytes on disk after settling.
pub fn load(
    file: &Path,
    folder: &Path,
    plans: Vec<Definition>,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<Loaded> {
    let store = Arc::new(open_embedded(folder, config)?);
    let open = OpenStore::new(store.clone(), config)?;
    definition_files::put(&open, plans, None, linkloom_schema::time::Timestamp(0))?;
    let service = Service::start(open.clone(), config, Some(folder.join("scratch")))?;
    let figures = FeedFigures::default();
    let inputs = [Input::File(file.to_owned())];
    let mut source = Inputs::new(inputs, InputOptions::default(), Box::new(|_| Ok(Vec::new())));
    let usage = Usage::now();
    service.feed(&mut source, &figures, &AtomicBool::new(false))?;
    let durable = usage.wall().as_secs_f64();
    service.drain();
    let (seconds, cpu, others) = (usage.wall().as_secs_f64(), usage.cpu(), usage.others());
    let get = |figure: &std::sync::atomic::AtomicU64| figure.load(Ordering::Relaxed);
    let (read, stored) = (get(&figures.read), get(&figures.stored));
    let sink = service.sink().figures();
    let assembler = service.assembler().figures();
    writeln!(
        out,
        "file to durable store                  {:>12.0} reports/s  ({read} in {durable:.2} s, summaries after {seconds:.2} s)",
        read as f64 / durable
    )?;
    let per_million = 1_000_000.0 / read as f64;
    writeln!(
        out,
        "  processor {:.2} s a million reports (others took {:.0} % of the machine), peak memory {}, {:.3} packs and {:.3} cells a report, {} flushes",
        cpu * per_million,
        100.0 * others
            / seconds
            / std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64),
        human_bytes(peak_memory()),
        get(&sink.packs) as f64 / read as f64,
        get(&sink.cells) as f64 / read as f64,
        get(&sink.flushes)
    )?;
    writeln!(
        out,
        "  {} summaries, {} executions read back, {} windows spilled, {} dead letters, {} duplicates in their pack",
        get(&assembler.summaries),
        get(&assembler.reread),
        get(&assembler.spilled),
        get(&figures.dead),
        get(&figures.duplicates)
    )?;
    drop(service);
    let usage = Usage::now();
    store.settle()?;
    let (settle, settle_cpu) = (usage.wall().as_secs_f64(), usage.cpu());
    let bytes = store.disk_bytes()?;
    writeln!(
        out,
        "  on disk {:.0} B a report ({}), settled in {settle:.1} s and {settle_cpu:.1} processor seconds",
        bytes as f64 / stored as f64,
        human_bytes(bytes)
    )?;
    Ok(Loaded { store, open, stored })
}
