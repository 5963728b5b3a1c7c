//! `linkloom serve`: topics of Kafka into a store that answers meanwhile, until the process is told to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use anyhow::bail;
use linkloom_ingest::source::kafka::{KafkaFigures, KafkaSource};
use linkloom_query::http::LateReader;
use linkloom_storage::store::{Retry, StoreError};

use super::args::ServeArgs;
use super::ingest::{put_definitions, report, stop_on_signal};
use super::{Outcome, store};
use crate::api::{ApiServer, LateOwner, Process};
use crate::config::Config;
use crate::consume::{self, AtTheEnd};
use crate::expiry::Expiry;
use crate::figures::{publish_forwarded, publish_kafka, renderer_of};
use crate::metrics::Recorder;
use crate::owner::StoreOwner;
use crate::pipeline::{Digests, FeedFigures, FeedOutcome, Outlets};
use crate::refresh::Refresh;
use crate::relay::{Relay, Target};
use crate::service::{OpenStore, Service, kafka_settings, reports_topic};

/// How soon a process that reads nothing sees a signal.
const LOOK: Duration = Duration::from_millis(50);
/// First and longest pause before a store that does not answer is asked again.
const ASK_AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

pub(super) fn run(args: &ServeArgs, config: &Config) -> anyhow::Result<Outcome> {
    let kafka = Arc::new(KafkaFigures::default());
    // Before a store is made: what librdkafka does not take is found at once.
    let brokers = args.kafka.brokers.as_deref().unwrap_or(&config.kafka.brokers);
    let (source, dead, target) = if brokers.trim().is_empty() {
        (None, None, None)
    } else {
        let settings = kafka_settings(config, Some(brokers))?;
        let target = Arc::new(Target::new(settings.clone(), reports_topic(config)?)?);
        (
            Some(KafkaSource::new(settings, kafka.clone())?),
            consume::dead_topic(config, brokers)?,
            Some(target),
        )
    };
    let store = store::any(&args.store, config)?;
    let option = store.option();
    let digests = match source {
        Some(_) => consume::digests(&store, config, brokers)?,
        None => Digests::Own,
    };
    let outlets = Outlets { digests, dead };
    let _expiry = Expiry::start(&store, config.store.retention_days)?;
    let figures = Arc::new(FeedFigures::default());
    let started: Arc<OnceLock<Weak<Service>>> = Arc::default();
    let waiting = Arc::new(Waiting::default());
    let process = {
        let (started, kafka, target) = (started.clone(), kafka.clone(), target.clone());
        let service = move || started.get().and_then(Weak::upgrade);
        let render = renderer_of(Recorder::install()?, figures.clone(), service, &store);
        Process::new(move || {
            publish_kafka(&kafka);
            target.iter().for_each(|target| publish_forwarded(target));
            render()
        })
    };
    let process = {
        let (waiting, reads, kafka) = (waiting.clone(), source.is_some(), kafka.clone());
        process.that_lacks(move || waiting.lacks(reads, &kafka))
    };
    let mut api = config.clone();
    api.api.listen = args.listen.unwrap_or(api.api.listen);
    let stop = stop_on_signal()?;
    // First of all, so that whoever watches the process sees that it is alive and what it waits for.
    let reader = LateReader::default();
    let owner = LateOwner::default();
    let api = ApiServer::start(reader.clone(), owner.clone(), &api, process)?;
    tracing::info!(store = %store.store().name(), api = %format!("http://{}", api.address()), "serving");

    let start = || -> anyhow::Result<(OpenStore, Arc<Service>)> {
        let open = OpenStore::of(&store, config)?;
        put_definitions(args.dsl.as_deref(), config, &open)?;
        let service = Service::start_with(open.clone(), config, Some(store.scratch()), outlets.clone())?;
        Ok((open, Arc::new(service)))
    };
    let Some((open, service)) = waiting.until_it_answers(&stop, start)? else {
        tracing::info!("stopping: nothing was read");
        return Ok(Outcome::Done);
    };
    let _refresh = Refresh::start(&store, &open);
    // It was not set before.
    let _ = started.set(Arc::downgrade(&service));
    // With a Kafka, posted reports take the way of all others: that shares them out among the processes.
    let relay = match &target {
        Some(target) => Relay::forward(target, config)?,
        None => Relay::store(&service, &figures, config, &stop)?,
    };
    owner.put(StoreOwner::shared(&service, Ok(relay.posted())));
    reader.put(open.reader());
    api.announce(&store)?;
    drop((open, reader, owner));

    let begun = Instant::now();
    let outcome = match source {
        Some(mut source) => consume::consume(
            &mut source,
            &outlets.digests,
            &service,
            &figures,
            &kafka,
            &stop,
            AtTheEnd::Return,
        )?,
        None => {
            tracing::info!("no Kafka is configured (kafka.brokers): reports come through the API alone");
            while !stop.load(Ordering::Acquire) {
                std::thread::park_timeout(LOOK);
            }
            FeedOutcome::default()
        }
    };
    tracing::info!("stopping: what was read is stored");
    let failed = relay.failed();
    drop(relay);
    service.drain();
    report(&figures, &outcome, begun.elapsed().as_secs_f64(), &option);
    drop(api);
    drop(service);
    if let Some(failed) = outcome.failed.first() {
        bail!("{failed}");
    }
    if failed.load(Ordering::Acquire) {
        bail!("posted reports could not be stored, the log says why");
    }
    Ok(Outcome::Done)
}

/// What a process waits for before it is of use.
#[derive(Debug, Default)]
struct Waiting {
    /// What the store said last, as long as it has not answered.
    store: Mutex<Option<String>>,
    /// The group told its partitions. It is not taken back: while Kafka is away questions can be answered.
    told: AtomicBool,
}

impl Waiting {
    fn set(&self, said: Option<String>) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }

    fn lacks(&self, reads: bool, kafka: &KafkaFigures) -> Vec<String> {
        let mut lacks: Vec<String> =
            self.store.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        // A group with more members than partitions has members without one.
        if kafka.rebalances.load(Ordering::Relaxed) > 0 {
            self.told.store(true, Ordering::Relaxed);
        }
        if reads && !self.told.load(Ordering::Relaxed) {
            lacks.push("kafka: the group has not told this process its partitions yet".to_owned());
        }
        lacks
    }

    /// Repeats what needs the store until that answers; `None` when the process is to stop first.
    fn until_it_answers<T>(
        &self,
        stop: &AtomicBool,
        mut attempt: impl FnMut() -> anyhow::Result<T>,
    ) -> anyhow::Result<Option<T>> {
        let mut pause = ASK_AGAIN.0;
        while !stop.load(Ordering::Acquire) {
            let error = match attempt() {
                Ok(done) => {
                    self.set(None);
                    return Ok(Some(done));
                }
                Err(error) => error,
            };
            let may_answer = |error: &StoreError| error.retry() == Retry::WithBackoff;
            if !error.downcast_ref::<StoreError>().is_some_and(may_answer) {
                return Err(error);
            }
            tracing::warn!(try_again_in = ?pause, "{error:#}");
            self.set(Some(format!("{error:#}")));
            let until = Instant::now() + pause;
            while Instant::now() < until && !stop.load(Ordering::Acquire) {
                std::thread::park_timeout(LOOK);
            }
            pause = (pause * 2).min(ASK_AGAIN.1);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    fn away() -> StoreError {
        StoreError::Unavailable { store: "S".to_owned(), op: "scan", cause: "it is away".to_owned() }
    }

    #[test]
    fn what_a_process_waits_for_is_named_until_it_comes() {
        let (waiting, kafka, stop) = (Waiting::default(), KafkaFigures::default(), AtomicBool::new(false));
        assert_eq!(waiting.lacks(false, &kafka), [""; 0]);
        assert_eq!(
            waiting.lacks(true, &kafka),
            ["kafka: the group has not told this process its partitions yet"]
        );
        kafka.rebalances.fetch_add(1, Ordering::Relaxed);
        assert_eq!(waiting.lacks(true, &kafka), [""; 0]);

        let mut tries = 0;
        let done = waiting.until_it_answers(&stop, || {
            tries += 1;
            if tries == 2 {
                assert_eq!(waiting.lacks(true, &kafka), ["opening: scan on S: it is away"]);
                return Ok(7);
            }
            Err(away()).context("opening")
        });
        assert_eq!((done.expect("it answers"), tries), (Some(7), 2));
        assert_eq!(waiting.lacks(true, &kafka), [""; 0]);

        let refused = StoreError::Refused { store: "S".to_owned(), op: "scan", why: "never".to_owned() };
        let mut refused = Some(refused);
        let ended =
            waiting.until_it_answers(&stop, || Err::<(), _>(refused.take().expect("asked once").into()));
        assert!(ended.is_err(), "what can never be is told at once");
        let stopped = waiting.until_it_answers(&stop, || {
            stop.store(true, Ordering::Release);
            Err::<(), _>(away().into())
        });
        assert_eq!(stopped.expect("it was told to stop"), None);
    }
}
