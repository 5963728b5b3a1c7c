//! The producer behind a writer, and who sees to it that it reaches Kafka.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{Producer as _, ProducerContext, PurgeConfig, ThreadedProducer};

use super::complaints::Complaints;
use super::contact::{SILENCE, count_renewed, is_cut_off};
use super::context::log;
use super::settings::KafkaSettings;
use super::writer::Outcome;

/// Between two looks at what is under way.
const LOOK: Duration = Duration::from_secs(3);

/// A producer with what it tells.
pub(super) type Producer = ThreadedProducer<Deliveries>;

/// The ear of a producer.
pub(super) struct Deliveries {
    brokers: String,
    delivered: Arc<AtomicU64>,
    complaints: Mutex<Complaints>,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", "{error}: {reason}");
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).say(&self.brokers, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Arc<Outcome>;

    fn delivery(&self, result: &DeliveryResult<'_>, outcome: Arc<Outcome>) {
        if result.is_ok() {
            self.delivered.fetch_add(1, Ordering::Relaxed);
        }
        outcome.arrived(result.as_ref().map(|_| ()).map_err(|(error, _)| error.clone()));
    }
}

/// The producer of a writer. Another one takes its place if it has lost Kafka for good; what was under way with it counts
/// as not taken. A thread sees to that, which ends when this is dropped.
pub(super) struct Kept {
    current: Arc<Current>,
    /// Tells the thread to end.
    _end: Sender<()>,
}

struct Current {
    settings: KafkaSettings,
    config: ClientConfig,
    producer: Mutex<Arc<Producer>>,
    /// The topic that was written to last.
    topic: Mutex<String>,
    delivered: Arc<AtomicU64>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    pub(super) fn new(settings: KafkaSettings, config: ClientConfig) -> KafkaResult<Self> {
        let delivered = Arc::default();
        let producer = Mutex::new(Arc::new(made(&settings, &config, &delivered)?));
        let current = Arc::new(Current { settings, config, producer, topic: Mutex::default(), delivered });
        let (end, ended) = bounded(0);
        let watched = Arc::downgrade(&current);
        let thread = std::thread::Builder::new().name("kafka-writer".to_owned());
        // It may be in the middle of a question to Kafka when this is dropped: nobody waits for it.
        thread
            .spawn(move || watch(&watched, &ended))
            .map_err(|error| KafkaError::ClientCreation(format!("no thread to watch it: {error}")))?;
        Ok(Kept { current, _end: end })
    }

    pub(super) fn producer(&self) -> Arc<Producer> {
        self.current.producer()
    }

    /// This topic is written to from now on.
    pub(super) fn writes_to(&self, topic: &str) {
        let mut last = locked(&self.current.topic);
        if *last != topic {
            topic.clone_into(&mut last);
        }
    }
}

impl Current {
    fn producer(&self) -> Arc<Producer> {
        locked(&self.producer).clone()
    }
}

fn made(
    settings: &KafkaSettings,
    config: &ClientConfig,
    delivered: &Arc<AtomicU64>,
) -> KafkaResult<Producer> {
    config.create_with_context(Deliveries {
        brokers: settings.brokers.clone(),
        delivered: delivered.clone(),
        complaints: Mutex::default(),
    })
}

fn watch(watched: &Weak<Current>, ended: &Receiver<()>) {
    // What was delivered, and since when it is no more than that although something is under way.
    let mut seen = (0, Instant::now());
    // Producers whose place was taken, until nobody uses them any more.
    let mut former: Vec<Arc<Producer>> = Vec::new();
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK) {
        let Some(current) = watched.upgrade() else { return };
        former.retain(|producer| {
            give_up(producer);
            Arc::strong_count(producer) > 1 || producer.in_flight_count() > 0
        });
        let producer = current.producer();
        let delivered = current.delivered.load(Ordering::Relaxed);
        if producer.in_flight_count() == 0 || delivered != seen.0 {
            seen = (delivered, Instant::now());
            continue;
        }
        if seen.1.elapsed() < SILENCE {
            continue;
        }
        let topic = locked(&current.topic).clone();
        if is_cut_off(producer.client(), &current.settings, &[topic]) {
            match made(&current.settings, &current.config, &current.delivered) {
                Ok(new) => {
                    tracing::warn!(
                        "kafka at {}: it answers others and not this writer, which is made anew",
                        current.settings.brokers
                    );
                    *locked(&current.producer) = Arc::new(new);
                    count_renewed();
                    give_up(&producer);
                    former.push(producer);
                }
                Err(error) => tracing::warn!(%error, "no other writer can be made"),
            }
        }
        seen.1 = Instant::now();
    }
}

/// What is under way is told as not taken.
fn give_up(producer: &Producer) {
    producer.purge(PurgeConfig::default().queue().inflight());
}
