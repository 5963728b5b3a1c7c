//! `linkloom ingest`: report files and standard input into the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context as _, bail};
use linkloom_ingest::decode::Reason;
use linkloom_ingest::source::{Input, InputOptions, Inputs};

use super::args::IngestArgs;
use super::progress;
use super::{Outcome, store};
use crate::api::ApiServer;
use crate::config::Config;
use crate::definition_files;
use crate::expiry::Expiry;
use crate::figures::renderer;
use crate::metrics::Recorder;
use crate::pipeline::{FeedFigures, FeedOutcome};
use crate::service::{OpenStore, Service, line_bytes_max, resume_points};
use crate::terminal::grouped;

pub(super) fn run(args: &IngestArgs, config: &Config) -> anyhow::Result<Outcome> {
    let (store, open) = store::create(&args.store, config)?;
    let _expiry = Expiry::start(&store, config.store.retention_days)?;
    put_definitions(args.dsl.as_deref(), config, &open)?;
    let scratch = store.path().join("scratch");
    let service = Arc::new(Service::start(open.clone(), config, Some(scratch))?);
    let figures = Arc::new(FeedFigures::default());
    let metrics = renderer(Recorder::install()?, figures.clone(), &service);
    let _api = ApiServer::of_store(&store, open.reader(), &config.api, metrics)?;
    drop(open);
    let stop = stop_on_signal()?;
    let options = InputOptions { line_bytes_max: line_bytes_max(config), ..InputOptions::default() };
    let inputs = args.files.iter().map(|file| Input::from_argument(&file.to_string_lossy()));
    let mut source = Inputs::new(inputs, options, Box::new(resume_points(service.open().store.clone())));

    let started = Instant::now();
    let (end, ended) = crossbeam_channel::bounded::<()>(0);
    let outcome = std::thread::scope(|scope| {
        if !args.no_progress {
            scope.spawn(|| progress::show(&figures, &ended));
        }
        let outcome = service.feed(&mut source, &figures, &stop);
        drop(end);
        outcome
    })?;
    service.drain();
    let seconds = started.elapsed().as_secs_f64();
    report(&figures, &outcome, seconds);
    drop(service);
    if !outcome.failed.is_empty() {
        bail!("{} of the inputs could not be read", outcome.failed.len());
    }
    if stop.load(Ordering::Acquire) {
        bail!("stopped; what was read is stored, the same command goes on from there");
    }
    let dead = figures.dead.load(Ordering::Relaxed);
    Ok(if args.strict && dead > 0 { Outcome::NotFound } else { Outcome::Done })
}

/// Puts the definitions of a folder, or else of the configured one, into the definition log.
pub(super) fn put_definitions(
    folder: Option<&Path>,
    config: &Config,
    open: &OpenStore,
) -> anyhow::Result<()> {
    let configured = Some(PathBuf::from(&config.dsl.dir)).filter(|dir| !dir.as_os_str().is_empty());
    let Some(folder) = folder.map(Path::to_owned).or(configured) else { return Ok(()) };
    let (definitions, bad) = definition_files::read(&definition_files::in_folder(&folder)?)?;
    if !bad.is_empty() {
        bad.iter().for_each(|file| eprint!("{}", file.render(false)));
        bail!("{} of the definitions in {} have problems; nothing was read", bad.len(), folder.display());
    }
    let put = definition_files::put(open, definitions, None, store::now())?;
    let new = put.iter().filter(|put| put.new).count();
    eprintln!("{} definitions in {}, {new} new", put.len(), folder.display());
    Ok(())
}

/// A flag that the first interrupt or termination signal sets; the second one ends the process at once.
pub(super) fn stop_on_signal() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::AcqRel) {
            std::process::exit(130);
        }
    })
    .context("listening for signals")?;
    Ok(stop)
}

/// What came of it, on stderr.
pub(super) fn report(figures: &FeedFigures, outcome: &FeedOutcome, seconds: f64) {
    let get = |figure: &std::sync::atomic::AtomicU64| figure.load(Ordering::Relaxed);
    let (read, stored, duplicates, dead) =
        (get(&figures.read), get(&figures.stored), get(&figures.duplicates), get(&figures.dead));
    for opened in outcome.opened.iter().filter(|opened| opened.position > 0) {
        let rest = opened.size.map_or(u64::MAX, |size| size.saturating_sub(opened.position));
        let what = if rest == 0 { "was ingested before, nothing is new" } else { "goes on where it ended" };
        eprintln!("{} {what} (byte {})", opened.source, grouped(opened.position));
    }
    for incomplete in &outcome.incomplete {
        eprintln!("{incomplete}");
    }
    for failed in &outcome.failed {
        eprintln!("{failed}");
    }
    eprintln!(
        "{} records in {seconds:.1} s ({} a second): {} stored, {} duplicates, {} dead letters",
        grouped(read),
        grouped((read as f64 / seconds.max(0.001)) as u64),
        grouped(stored),
        grouped(duplicates),
        grouped(dead),
    );
    for (reason, count) in Reason::ALL.into_iter().zip(&figures.dead_by_reason) {
        if get(count) > 0 {
            eprintln!("  dead letters, {reason}: {}", grouped(get(count)));
        }
    }
    // Law 3: nothing vanishes.
    if read != stored + duplicates + dead {
        tracing::error!(read, stored, duplicates, dead, "the counts do not add up");
    }
}
