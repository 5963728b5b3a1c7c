//! `linkloom demo`: a content platform's few minutes through the real pipeline, and what to look at then.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use linkloom_ingest::source::{SendRefused, channel};
use linkloom_query::ListQuery;
use linkloom_schema::definition::{Definition, parse};
use linkloom_schema::ids::LinkMark;

use super::args::{DemoArgs, StoreArgs};
use super::ingest::stop_on_signal;
use super::remote::ReadSource;
use super::{Outcome, Output, link, store};
use crate::api::{ApiServer, Process};
use crate::config::Config;
use crate::definition_files;
use crate::figures::renderer;
use crate::metrics::Recorder;
use crate::owner::StoreOwner;
use crate::pipeline::FeedFigures;
use crate::relay::Relay;
use crate::service::Service;
use crate::terminal::{Line, Tone, grouped, plain, plural};
use crate::workload::{Demo, DemoConfig, Ending, definitions};

/// How long the demo's reports take to come.
const SPAN: Duration = Duration::from_secs(4);
/// Batches and bytes on their way.
const BATCHES_MAX: usize = 64;
const BYTES_MAX: u64 = 8 << 20;

pub(super) fn run(args: &DemoArgs, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let folder = folder(&args.store, config)?;
    let store_args = StoreArgs { store: Some(folder.clone()), ..StoreArgs::default() };
    let (embedded, open) = store::create(&store_args, config)?;
    definition_files::put(&open, plans()?, None, store::now())?;
    let service = Arc::new(Service::start(open.clone(), config, Some(embedded.scratch()))?);
    let figures = Arc::new(FeedFigures::default());
    let metrics = renderer(Recorder::install()?, figures.clone(), &service, &embedded);
    let stop = stop_on_signal()?;
    let relay = Relay::store(&service, &figures, config, &stop)?;
    let owner = StoreOwner::shared(&service, Ok(relay.posted()));
    let api = ApiServer::of_store(&embedded, open.reader(), owner, config, Process::new(metrics))?;
    drop(open);

    let demo = Demo::new(&DemoConfig {
        start: store::now(),
        span_ms: SPAN.as_millis() as u64,
        seed: store::now().seconds() as u64,
        ..DemoConfig::default()
    });
    eprintln!(
        "{} of a content platform, as they happen, into {}",
        plural(demo.lines.len() as u64, "report"),
        folder.display()
    );
    play(&demo, &service, &figures, &stop)?;
    service.drain();
    let stored = figures.stored.load(Ordering::Relaxed);
    let dead = plural(figures.dead.load(Ordering::Relaxed), "dead letter");
    eprintln!("{} stored, {dead}", grouped(stored));

    let source = ReadSource::owned(&folder, config, service.open().reader());
    tell(&demo, &source, &folder, out)?;
    drop(source);
    if !args.once && !stop.load(Ordering::Acquire) {
        out.out.flush()?;
        if !crate::page::FILES.is_empty() {
            let failed = demo.highlights.iter().find(|highlight| highlight.ending == Ending::Failed);
            let id = failed.map_or_else(String::new, |failed| format!("?id={}", failed.business_id));
            eprintln!("\nthe page: http://{}/{id}", api.address());
        }
        eprintln!("\nthe store stays open for all of this until you press Ctrl-C; it is kept afterwards");
        while !stop.load(Ordering::Acquire) {
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
    drop(relay);
    service.drain();
    Ok(Outcome::Done)
}

fn folder(args: &StoreArgs, config: &Config) -> anyhow::Result<PathBuf> {
    // The demo needs nothing: also where HBase is configured, it makes a store of its own.
    if args.store.is_some() || !args.hbase.is_empty() {
        return store::path(args, config);
    }
    if !config.store.path.is_empty() {
        return Ok(PathBuf::from(&config.store.path));
    }
    let folder = std::env::temp_dir().join(format!("linkloom-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

/// The definitions of the made-up workload.
pub(crate) fn plans() -> anyhow::Result<Vec<Definition>> {
    let parsed = definitions().into_iter().map(|(scene, text)| {
        parse(scene, scene, text.as_bytes()).map_err(|problems| {
            anyhow::anyhow!("{}", problems.first().map_or_else(String::new, ToString::to_string))
        })
    });
    parsed.collect()
}

/// Sends the lines at the pace they are told, through an in-process source.
fn play(demo: &Demo, service: &Service, figures: &FeedFigures, stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let (sender, mut source) = channel("demo", BATCHES_MAX, BYTES_MAX, 1 << 20);
    let started = Instant::now();
    let start = demo.lines.last().map_or(0, |line| line.time.micros() - SPAN.as_micros() as i64);
    let outcome = std::thread::scope(|scope| {
        let feed = scope.spawn(|| service.feed(&mut source, figures, stop));
        let mut at = 0;
        while at < demo.lines.len() && !stop.load(Ordering::Acquire) {
            let now = start + started.elapsed().as_micros() as i64;
            let due = demo.lines[at..].partition_point(|line| line.time.micros() <= now);
            let mut batch = Vec::new();
            for line in &demo.lines[at..at + due] {
                batch.extend_from_slice(line.line.as_bytes());
                batch.push(b'\n');
            }
            at += due;
            while !batch.is_empty() {
                match sender.try_send(batch, None, || ()) {
                    Ok(()) => break,
                    Err(SendRefused::Full(back)) => batch = back,
                    Err(SendRefused::Closed(_)) => bail!("the pipeline ended early"),
                }
                std::thread::park_timeout(Duration::from_millis(1));
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        drop(sender);
        feed.join()
            .map_err(|_| anyhow::anyhow!("the pipeline ended in a panic"))?
            .map_err(anyhow::Error::from)
    })?;
    if let Some(failed) = outcome.failed.first() {
        bail!("{failed}");
    }
    Ok(())
}

/// The business ids worth looking at, the tree of a failed execution, and the commands to go on with.
fn tell(
    demo: &Demo,
    source: &ReadSource<'_>,
    folder: &std::path::Path,
    out: &mut Output<'_>,
) -> anyhow::Result<()> {
    let style = out.style;
    let mut text = String::from("\n");
    let heading = |words: &str, text: &mut String| {
        let mut line = Line::new();
        line.push(Tone::Strong, words);
        line.write(style, text);
    };
    heading("Business ids worth looking at", &mut text);
    for highlight in &demo.highlights {
        let query = ListQuery { limit: 50, ..ListQuery::default() };
        let count = source
            .list(&highlight.business_id, &query, store::now(), |found| found.answer.executions.len())?;
        let executions = if count == 1 { "1 execution" } else { "executions" };
        let number = if count == 1 { String::new() } else { format!("{count} ") };
        text.push_str(&format!(
            "  {:<14} {:<42} {number}{executions}\n",
            plain(&highlight.business_id),
            plain(highlight.what)
        ));
    }
    text.push('\n');
    let failed = demo.highlights.iter().find(|highlight| highlight.ending == Ending::Failed);
    if let Some(failed) = failed {
        let mark = LinkMark::new(&failed.business_id, failed.scene_id, &failed.execution_id)?;
        heading(&format!("What happened to {}: {}", failed.business_id, failed.what), &mut text);
        text.push('\n');
        text.push_str(&link::tree(source, &mark, store::now(), style)?.unwrap_or_default());
        text.push('\n');
        heading("Go on with", &mut text);
        let store = folder.display();
        let (business, scene, execution) = (&failed.business_id, failed.scene_id, &failed.execution_id);
        let node = source.show(&mark, store::now(), |found| {
            let node = found.answer.nodes.iter().find(|node| node.state.as_str() == "failed");
            node.map(|node| node.node_name.clone())
        })?;
        text.push_str(&format!("  linkloom link list --store {store} {business}\n"));
        text.push_str(&format!("  linkloom link show --store {store} {business} {scene} {execution}\n"));
        if let Some(node) = node.flatten() {
            text.push_str(&format!(
                "  linkloom node show --store {store} {business} {scene} {execution} {node}\n"
            ));
        }
    }
    out.text(&text)?;
    Ok(())
}
