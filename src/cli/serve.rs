//! `linkloom serve`: topics of Kafka into a store that answers meanwhile, until the process is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use linkloom_ingest::source::kafka::{KafkaFigures, KafkaSource};

use super::args::ServeArgs;
use super::ingest::{put_definitions, report, stop_on_signal};
use super::{Outcome, store};
use crate::api::ApiServer;
use crate::config::Config;
use crate::expiry::Expiry;
use crate::figures::{publish_kafka, renderer};
use crate::metrics::Recorder;
use crate::pipeline::{FeedFigures, FeedOutcome};
use crate::refresh::Refresh;
use crate::service::{Service, kafka_settings};

/// How soon a process that reads nothing sees a signal.
const LOOK: Duration = Duration::from_millis(50);

pub(super) fn run(args: &ServeArgs, config: &Config) -> anyhow::Result<Outcome> {
    let kafka = Arc::new(KafkaFigures::default());
    // Before a store is made: what librdkafka does not take is found at once.
    let brokers = args.kafka.brokers.as_deref().unwrap_or(&config.kafka.brokers);
    let source = if brokers.trim().is_empty() {
        None
    } else {
        Some(KafkaSource::new(kafka_settings(config, Some(brokers))?, kafka.clone())?)
    };
    let (store, open) = store::create(&args.store, config)?;
    let _expiry = Expiry::start(&store, config.store.retention_days)?;
    let _refresh = Refresh::start(&store, &open);
    put_definitions(args.dsl.as_deref(), config, &open)?;
    let service = Arc::new(Service::start(open.clone(), config, Some(store.scratch()))?);
    let figures = Arc::new(FeedFigures::default());
    let render = renderer(Recorder::install()?, figures.clone(), &service, &store);
    let metrics = move || {
        publish_kafka(&kafka);
        render()
    };
    let mut api = config.api.clone();
    api.listen = args.listen.unwrap_or(api.listen);
    let stop = stop_on_signal()?;
    let api = ApiServer::of_store(&store, open.reader(), &api, metrics)?;
    let option = store.option();
    tracing::info!(store = %open.store.name(), api = %format!("http://{}", api.address()), "serving");
    drop(open);

    let started = Instant::now();
    let outcome = match source {
        Some(source) => consume(source, &service, &figures, &stop)?,
        None => {
            tracing::info!("no Kafka is configured (kafka.brokers): nothing is read");
            while !stop.load(Ordering::Acquire) {
                std::thread::park_timeout(LOOK);
            }
            FeedOutcome::default()
        }
    };
    tracing::info!("stopping: what was read is stored");
    service.drain();
    report(&figures, &outcome, started.elapsed().as_secs_f64(), &option);
    drop(api);
    drop(service);
    if let Some(failed) = outcome.failed.first() {
        bail!("{failed}");
    }
    Ok(Outcome::Done)
}

/// Feeds the source until the process is to stop, then leaves the group, with everything read committed.
fn consume(
    mut source: KafkaSource,
    service: &Service,
    figures: &FeedFigures,
    stop: &AtomicBool,
) -> anyhow::Result<FeedOutcome> {
    service.feed(&mut source, figures, stop).context("reading from kafka")
}
