//! Writing to topics: digests for other processes, and made-up reports for measurements and tests.

use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, Wake as WakeTask, Waker};
use std::thread::Thread;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::FromClientConfig as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use super::connect::not_made;
use super::context::kafka_number;
use super::settings::KafkaSettings;
use crate::source::SourceError;

/// How long Kafka may take to make a topic, or to take what was written.
const PATIENCE: Duration = Duration::from_secs(120);
/// While librdkafka holds as many records as it may.
const FULL: Duration = Duration::from_millis(2);

/// One record to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewRecord<'r> {
    /// The partition; if absent, chosen by the key, or at random without one.
    pub partition: Option<u32>,
    /// The key.
    pub key: Option<&'r [u8]>,
    /// The value; without one it is a null value.
    pub value: Option<&'r [u8]>,
    /// Its time, in milliseconds since the epoch; the present if absent.
    pub time_ms: Option<i64>,
}

/// Writes records to topics. What was written is there for sure once [`KafkaWriter::write`] or [`KafkaWriter::flush`] says
/// so.
pub struct KafkaWriter {
    producer: ThreadedProducer<Deliveries>,
    brokers: String,
    /// Of what [`KafkaWriter::send`] handed over.
    sent: Arc<Outcome>,
}

struct Deliveries;

/// What has become of some records.
#[derive(Default)]
struct Outcome {
    state: Mutex<Counted>,
    changed: Condvar,
}

#[derive(Default)]
struct Counted {
    under_way: usize,
    failed: usize,
    /// Why the first of them failed.
    why: Option<String>,
}

impl Outcome {
    fn state(&self) -> MutexGuard<'_, Counted> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until none is under way.
    fn wait(&self) -> Result<(), String> {
        let state = self.changed.wait_while(self.state(), |state| state.under_way > 0);
        let state = std::mem::take(&mut *state.unwrap_or_else(PoisonError::into_inner));
        state.why.map_or(Ok(()), |why| Err(format!("{} records were not taken: {why}", state.failed)))
    }
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Arc<Outcome>;

    fn delivery(&self, result: &DeliveryResult<'_>, outcome: Arc<Outcome>) {
        let mut state = outcome.state();
        state.under_way -= 1;
        if let Err((error, _)) = result {
            state.failed += 1;
            state.why.get_or_insert_with(|| error.to_string());
        }
        outcome.changed.notify_all();
    }
}

impl KafkaWriter {
    /// A writer; it connects when it is used.
    pub fn new(settings: &KafkaSettings) -> Result<Self, SourceError> {
        let mut config = settings.asking();
        config.set("acks", "all").set("enable.idempotence", "true");
        config.set("linger.ms", "5").set("compression.type", "lz4").set("batch.num.messages", "10000");
        config.set("queue.buffering.max.kbytes", "131072").set("message.max.bytes", "10000000");
        let producer = config.create_with_context(Deliveries);
        let producer = producer.map_err(|error| not_made(&settings.brokers, &error))?;
        Ok(KafkaWriter { producer, brokers: settings.brokers.clone(), sent: Arc::default() })
    }

    /// Writes records to one topic and waits until Kafka has them all.
    ///
    /// Errors: some of them it does not have, as far as is known; write all of them again.
    pub fn write<'r>(
        &self,
        topic: &str,
        records: impl IntoIterator<Item = NewRecord<'r>>,
    ) -> Result<(), SourceError> {
        let outcome = Arc::default();
        let handed = records.into_iter().try_for_each(|record| self.hand_over(topic, &record, &outcome));
        let written = outcome.wait();
        handed?;
        written.map_err(|why| SourceError::new(&format!("topic {topic}"), "write", why))
    }

    /// Hands a record over; waits while too many are on their way.
    pub fn send(&self, topic: &str, record: &NewRecord<'_>) -> Result<(), SourceError> {
        self.hand_over(topic, record, &self.sent)
    }

    fn hand_over(
        &self,
        topic: &str,
        record: &NewRecord<'_>,
        outcome: &Arc<Outcome>,
    ) -> Result<(), SourceError> {
        let mut new = BaseRecord::<[u8], [u8], Arc<Outcome>>::with_opaque_to(topic, outcome.clone());
        new.partition = record.partition.map(kafka_number);
        new.key = record.key;
        new.payload = record.value;
        new.timestamp = record.time_ms;
        outcome.state().under_way += 1;
        loop {
            match self.producer.send(new) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    std::thread::sleep(FULL);
                    new = back;
                }
                Err((error, _)) => {
                    outcome.state().under_way -= 1;
                    return Err(SourceError::new(&format!("topic {topic}"), "write", error));
                }
            }
        }
    }

    /// Waits until everything handed over is written.
    ///
    /// Errors: some of it was not; how much.
    pub fn flush(&self) -> Result<(), SourceError> {
        let writing = |cause: String| SourceError::new(&format!("kafka at {}", self.brokers), "write", cause);
        self.producer.flush(PATIENCE).map_err(|error| writing(error.to_string()))?;
        self.sent.wait().map_err(writing)
    }
}

/// Makes a topic; whether it was not there before.
pub fn create_topic(settings: &KafkaSettings, name: &str, partitions: u32) -> Result<bool, SourceError> {
    let making = |error: &dyn std::fmt::Display| SourceError::new(&format!("topic {name}"), "make", error);
    let client = AdminClient::<DefaultClientContext>::from_config(&settings.asking());
    let client = client.map_err(|error| not_made(&settings.brokers, &error))?;
    let topic = NewTopic::new(name, kafka_number(partitions), TopicReplication::Fixed(-1));
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE));
    let made = wait_for(client.create_topics([&topic], &options)).map_err(|error| making(&error))?;
    match made.into_iter().next() {
        None | Some(Ok(_)) => Ok(true),
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
        Some(Err((_, error))) => Err(making(&error)),
    }
}

/// Waits for a future on this thread.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl WakeTask for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = TaskContext::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
