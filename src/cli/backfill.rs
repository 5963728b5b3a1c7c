//! `linkloom backfill`: a stretch of a topic into the store, as far as it is not there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::bail;
use linkloom_ingest::source::kafka::{KafkaFigures, KafkaRange, KafkaSettings, topics};

use super::args::BackfillArgs;
use super::ingest::{report, stop_on_signal};
use super::verify::range;
use super::{Outcome, progress, store};
use crate::api::{ApiServer, Process};
use crate::backfill::{Backfill, BackfillFigures, Remembered};
use crate::config::Config;
use crate::consume::{self, AtTheEnd};
use crate::expiry::Expiry;
use crate::figures::renderer;
use crate::metrics::Recorder;
use crate::owner::StoreOwner;
use crate::pipeline::{Digests, FeedFigures, Outlets};
use crate::refresh::Refresh;
use crate::service::{self, Service, kafka_settings};
use crate::terminal::grouped;
use crate::verify::VerifySettings;

/// How long Kafka may take to be found.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

pub(super) fn run(args: &BackfillArgs, config: &Config) -> anyhow::Result<Outcome> {
    let kafka = kafka_settings(config, args.kafka.brokers.as_deref())?;
    let mut range = range(&args.topic, &args.range);
    let remembered = Remembered::new(&range);
    let asked = topics(&KafkaSettings { topics: vec![args.topic.clone()], ..kafka.clone() }, PATIENCE)?;
    let partitions: Vec<u32> = asked.iter().flat_map(|topic| topic.partitions.iter().copied()).collect();

    let (store, open) = store::create(&args.store, config)?;
    let _expiry = Expiry::start(&store, config.store.retention_days)?;
    let _refresh = Refresh::start(&store, &open);
    if !args.anew {
        range.read_before = remembered.read_before(&*open.store, &partitions)?;
    }
    let mut source = KafkaRange::open(&kafka, &range)?;
    let total: u64 = source.stretches().iter().map(|stretch| stretch.offsets()).sum();
    if !range.read_before.is_empty() {
        eprintln!("goes on where an earlier run was interrupted; --anew begins anew");
    }
    for stretch in source.stretches() {
        tracing::info!(
            "{}[{}]: offsets {} to {}",
            args.topic,
            stretch.partition,
            grouped(stretch.from),
            grouped(stretch.to)
        );
    }
    let digests = match consume::digests(&store, config, &kafka.brokers)? {
        // Whoever reads the partition of an execution does not read this stretch of it: what it knows of it is completed
        // from the store when it reports again.
        Digests::Keyed => Digests::Own,
        digests => digests,
    };
    let outlets = Outlets { digests, dead: None };
    let service = Service::start_with(open.clone(), config, Some(store.scratch()), outlets.clone())?;
    let service = Arc::new(service);
    let feed = Arc::new(FeedFigures::default());
    let metrics = renderer(Recorder::install()?, feed.clone(), &service, &store);
    let owner =
        StoreOwner::shared(&service, Err("this process reads other input; post reports to `linkloom serve`"));
    let _api = ApiServer::of_store(&store, open.reader(), owner, config, Process::new(metrics))?;
    let stop = stop_on_signal()?;
    let figures = BackfillFigures::default();
    let settings = VerifySettings {
        limits: service::limits(config),
        dead_letter_bytes_max: config.ingest.dead_letter_bytes_max,
        ..VerifySettings::default()
    };
    let started = Instant::now();
    let mut backfill =
        Backfill::new(&mut source, &*open.store, settings, remembered.clone(), args.rate, &figures);
    let (end, ended) = crossbeam_channel::bounded::<()>(0);
    let outcome = std::thread::scope(|scope| {
        if !args.no_progress {
            scope.spawn(|| progress::share(&figures.passed, total, &ended));
        }
        let handed = Arc::<KafkaFigures>::default();
        let outcome = consume::consume(
            &mut backfill,
            &outlets.digests,
            &service,
            &feed,
            &handed,
            &stop,
            AtTheEnd::AwaitSummaries,
        );
        drop(end);
        outcome
    })?;
    let complete = backfill.is_complete() && outcome.failed.is_empty() && !stop.load(Ordering::Acquire);
    if complete {
        remembered.complete(&*open.store, &partitions)?;
    }
    service.drain();
    let get = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
    eprintln!(
        "{} records of {} read, {} of them were stored before",
        grouped(get(&figures.read)),
        args.topic,
        grouped(get(&figures.stored_before))
    );
    report(&feed, &outcome, started.elapsed().as_secs_f64(), &store.option());
    drop(service);
    if let Some(failed) = outcome.failed.first() {
        bail!("{failed}");
    }
    if !complete {
        bail!("stopped; what was read is stored, the same command goes on from there");
    }
    Ok(Outcome::Done)
}
