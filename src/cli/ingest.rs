//! `linkloom ingest`: report files and standard input into the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context as _, bail};
use linkloom_ingest::decode::Reason;
use linkloom_ingest::source::{Input, InputOptions, Inputs, Opened};
use linkloom_storage::store::Store;

use super::args::IngestArgs;
use super::progress;
use super::{Outcome, store};
use crate::api::{ApiServer, Process};
use crate::config::Config;
use crate::definition_files;
use crate::expiry::Expiry;
use crate::figures::renderer;
use crate::metrics::Recorder;
use crate::owner::StoreOwner;
use crate::pipeline::{FeedFigures, FeedOutcome, dead};
use crate::refresh::Refresh;
use crate::service::{OpenStore, Service, line_bytes_max, resume_points};
use crate::terminal::{grouped, plain, plural};

pub(super) fn run(args: &IngestArgs, config: &Config) -> anyhow::Result<Outcome> {
    let (store, open) = store::create(&args.store, config)?;
    let _expiry = Expiry::start(&store, config.store.retention_days)?;
    let _refresh = Refresh::start(&store, &open);
    put_definitions(args.dsl.as_deref(), config, &open)?;
    let service = Arc::new(Service::start(open.clone(), config, Some(store.scratch()))?);
    let figures = Arc::new(FeedFigures::default());
    let metrics = renderer(Recorder::install()?, figures.clone(), &service, &store);
    let owner =
        StoreOwner::shared(&service, Err("this process reads other input; post reports to `linkloom serve`"));
    let _api = ApiServer::of_store(&store, open.reader(), owner, config, Process::new(metrics))?;
    let option = store.option();
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
    report(&figures, &outcome, seconds, &option);
    drop(service);
    if !outcome.failed.is_empty() {
        bail!("{} of the inputs could not be read", outcome.failed.len());
    }
    if stop.load(Ordering::Acquire) {
        bail!("stopped; what was read is stored, the same command goes on from there");
    }
    let strict = args.strict && refused_and_not_replayed(&*open.store, &outcome, &option)?;
    Ok(if strict { Outcome::NotFound } else { Outcome::Done })
}

/// Whether lines of these inputs were refused, in this call or an earlier one, and were not replayed since.
///
/// An earlier call is known by what is remembered of the file, whatever its name was; that its dead letters were replayed
/// only under the name it has now.
fn refused_and_not_replayed(store: &dyn Store, outcome: &FeedOutcome, option: &str) -> anyhow::Result<bool> {
    let mut found = !outcome.refused.is_empty();
    for Opened { source, refused, .. } in outcome.opened.iter().filter(|opened| opened.refused > 0) {
        let (letters, waiting) = dead::count(store, source)?;
        if waiting == 0 && letters >= *refused {
            continue;
        }
        found = true;
        if !outcome.refused.contains_key(&**source) {
            let lines = plural(*refused, "line");
            eprintln!("{}: {lines} refused before and not replayed", plain(source));
            see_dead_letters(option, Some(source));
        }
    }
    Ok(found)
}

/// Says how to look at dead letters; `option` names the store.
fn see_dead_letters(option: &str, source: Option<&str>) {
    let source = source.map_or_else(String::new, |source| format!(" --source {}", plain(source)));
    eprintln!("  see: linkloom dead list {}{source}", plain(option));
}

/// Puts the definitions of a folder, or else of the configured one, into the definition log.
pub(super) fn put_definitions(
    folder: Option<&Path>,
    config: &Config,
    open: &OpenStore,
) -> anyhow::Result<()> {
    let configured = Some(PathBuf::from(&config.dsl.dir)).filter(|dir| !dir.as_os_str().is_empty());
    let is_named = folder.is_some();
    let Some(folder) = folder.map(Path::to_owned).or(configured) else { return Ok(()) };
    let files = definition_files::in_folder(&folder)?;
    if files.is_empty() {
        let none = format!(
            "there is no definition in {}; read are its own .json and .xml files, not those of folders in it",
            folder.display()
        );
        // A folder that is only configured may be filled later.
        if is_named {
            bail!("{none}");
        }
        eprintln!("{}", plain(&none));
        return Ok(());
    }
    let (definitions, bad) = definition_files::read(&files)?;
    if !bad.is_empty() {
        bad.iter().for_each(|file| eprint!("{}", file.render(false)));
        bail!("{} of the definitions in {} have problems; nothing was read", bad.len(), folder.display());
    }
    let put = definition_files::put(open, definitions, None, store::now())?;
    let new = put.iter().filter(|put| put.new).count();
    eprintln!("{} in {}, {new} new", plural(put.len() as u64, "definition"), folder.display());
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

/// What came of it, on stderr; `option` names the store.
pub(super) fn report(figures: &FeedFigures, outcome: &FeedOutcome, seconds: f64, option: &str) {
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
        "{} in {seconds:.1} s ({} a second): {} stored, {} within a flush, {}",
        plural(read, "record"),
        grouped((read as f64 / seconds.max(0.001)) as u64),
        grouped(stored),
        plural(duplicates, "duplicate"),
        plural(dead, "dead letter"),
    );
    for (reason, count) in Reason::ALL.into_iter().zip(&figures.dead_by_reason) {
        if get(count) > 0 {
            eprint!("  {reason}: {}", grouped(get(count)));
            match outcome.first_refused.get(&reason) {
                Some(first) => eprintln!(", first {}", plain(first)),
                None => eprintln!(),
            }
        }
    }
    if dead > 0 {
        see_dead_letters(option, None);
    }
    for source in outcome.refused.keys() {
        if definition_files::is_definition(Path::new(source)) {
            eprintln!(
                "{source} is a definition of a link, not reports: put it with `linkloom dsl put`, or name its folder with \
                 --dsl",
                source = plain(source)
            );
        }
    }
    // Law 3: nothing vanishes.
    if read != stored + duplicates + dead {
        tracing::error!(read, stored, duplicates, dead, "the counts do not add up");
    }
}
