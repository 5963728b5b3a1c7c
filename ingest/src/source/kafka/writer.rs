//! Writing to topics: reports on their way into Kafka, digests for other processes, and made-up reports for measurements
//! and tests.

use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, Wake as WakeTask, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::FromClientConfig as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer as _};

use super::connect::not_made;
use super::context::kafka_number;
use super::producer::{Kept, Producer};
use super::settings::KafkaSettings;
use crate::source::SourceError;

/// How long Kafka may take to make a topic, or to take what was written.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long Kafka may take to say how a topic is set.
const ASKING: Duration = Duration::from_secs(2);
/// What surrounds the value of a record in a batch of its own: heads, lengths, and a key of the longest mark.
const AROUND_BYTES: usize = 1024;
/// Bytes and records of a partition that are sent at once.
const BATCH_BYTES: usize = 1_000_000;
const BATCH_RECORDS: usize = 10_000;
/// How long records that are written again anyway wait for room.
const ROOM: Duration = Duration::from_secs(1);
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
/// so. Records under way when it lost Kafka for good are told as not taken, and the next go another way.
pub struct KafkaWriter {
    kept: Kept,
    brokers: String,
    /// Of what [`KafkaWriter::send`] handed over.
    sent: Arc<Outcome>,
}

/// Records Kafka does not have, as far as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undelivered {
    /// How many.
    pub records: usize,
    /// How many of them are longer than the topic allows: they will never be taken.
    pub too_long: usize,
    /// Why the first of them was not taken.
    pub why: String,
}

impl std::fmt::Display for Undelivered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} records were not taken: {}", self.records, self.why)
    }
}

/// Who wants to know what became of records once none of them is under way.
type Told = Box<dyn FnOnce(Result<(), Undelivered>) + Send>;

/// What has become of some records.
#[derive(Default)]
pub(super) struct Outcome {
    state: Mutex<Counted>,
    changed: Condvar,
}

#[derive(Default)]
struct Counted {
    under_way: usize,
    lost: Undelivered,
    told: Option<Told>,
}

impl Outcome {
    fn state(&self) -> MutexGuard<'_, Counted> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that was under way is not any more.
    pub(super) fn arrived(&self, result: Result<(), KafkaError>) {
        let mut state = self.state();
        state.under_way -= 1;
        if let Err(error) = result {
            let too_long = error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge);
            state.lost.too_long += usize::from(too_long);
            if state.lost.records == 0 {
                state.lost.why = error.to_string();
            }
            state.lost.records += 1;
        }
        if state.under_way == 0
            && let Some(told) = state.told.take()
        {
            let lost = std::mem::take(&mut state.lost);
            drop(state);
            told(if lost.records == 0 { Ok(()) } else { Err(lost) });
            return;
        }
        self.changed.notify_all();
    }

    /// Waits until none is under way.
    fn wait(&self) -> Result<(), Undelivered> {
        let state = self.changed.wait_while(self.state(), |state| state.under_way > 0);
        let lost = std::mem::take(&mut state.unwrap_or_else(PoisonError::into_inner).lost);
        if lost.records == 0 { Ok(()) } else { Err(lost) }
    }
}

impl KafkaWriter {
    /// A writer; it connects when it is used.
    pub fn new(settings: &KafkaSettings) -> Result<Self, SourceError> {
        KafkaWriter::with_batches(settings, BATCH_BYTES, BATCH_RECORDS)
    }

    /// One that sends at most so many bytes and records of a partition at once: brokers count what comes together as one when
    /// they compare it with the longest record a topic takes.
    pub fn with_batches(
        settings: &KafkaSettings,
        bytes_max: usize,
        records_max: usize,
    ) -> Result<Self, SourceError> {
        let mut config = settings.asking();
        config.set("batch.size", bytes_max.clamp(1, BATCH_BYTES).to_string());
        config.set("acks", "all").set("enable.idempotence", "true");
        // As the Java client does it, so that the same key is in the same partition whoever wrote it.
        config.set("partitioner", "murmur2_random");
        config
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            .set("batch.num.messages", records_max.clamp(1, BATCH_RECORDS).to_string());
        // Bounded in bytes alone.
        config.set("queue.buffering.max.messages", "0");
        config.set("queue.buffering.max.kbytes", "131072").set("message.max.bytes", "10000000");
        let kept = Kept::new(settings.clone(), config);
        let kept = kept.map_err(|error| not_made(&settings.brokers, &error))?;
        Ok(KafkaWriter { kept, brokers: settings.brokers.clone(), sent: Arc::default() })
    }

    /// Writes records to one topic and waits until Kafka has them all.
    ///
    /// Errors: some of them it does not have, as far as is known; write all of them again.
    pub fn write<'r>(
        &self,
        topic: &str,
        records: impl IntoIterator<Item = NewRecord<'r>>,
    ) -> Result<(), SourceError> {
        let (outcome, producer) = (Arc::default(), self.producer_for(topic));
        let handed =
            records.into_iter().try_for_each(|record| hand_over(&producer, topic, &record, &outcome));
        let written = outcome.wait();
        handed?;
        written.map_err(|why| SourceError::new(&format!("topic {topic}"), "write", why))
    }

    /// Hands records for one topic over and returns; waits a moment while too many are on their way. `told` is called once,
    /// when Kafka has them all or some will not be had, on a thread of the client: it must not wait.
    pub fn write_then<'r>(
        &self,
        topic: &str,
        records: impl IntoIterator<Item = NewRecord<'r>>,
        told: impl FnOnce(Result<(), Undelivered>) + Send + 'static,
    ) {
        let outcome = Arc::new(Outcome::default());
        // As if one were under way until all are handed over.
        {
            let mut state = outcome.state();
            state.under_way = 1;
            state.told = Some(Box::new(told));
        }
        let (mut patience, producer) = (ROOM, self.producer_for(topic));
        for record in records {
            if let Err(error) = produce(&producer, topic, &record, &outcome, patience) {
                if matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                    // Not for each of them.
                    patience = Duration::ZERO;
                }
                outcome.arrived(Err(error));
            }
        }
        outcome.arrived(Ok(()));
    }

    /// Whether nothing can be written any more, and a new writer is needed.
    pub fn is_broken(&self) -> bool {
        self.kept.producer().client().fatal_error().is_some()
    }

    /// Hands a record over; waits while too many are on their way.
    pub fn send(&self, topic: &str, record: &NewRecord<'_>) -> Result<(), SourceError> {
        hand_over(&self.producer_for(topic), topic, record, &self.sent)
    }

    fn producer_for(&self, topic: &str) -> Arc<Producer> {
        self.kept.writes_to(topic);
        self.kept.producer()
    }

    /// Waits until everything handed over is written.
    ///
    /// Errors: some of it was not; how much.
    pub fn flush(&self) -> Result<(), SourceError> {
        let writing = |cause: String| SourceError::new(&format!("kafka at {}", self.brokers), "write", cause);
        self.kept.producer().flush(PATIENCE).map_err(|error| writing(error.to_string()))?;
        self.sent.wait().map_err(|lost| writing(lost.to_string()))
    }
}

fn hand_over(
    producer: &Producer,
    topic: &str,
    record: &NewRecord<'_>,
    outcome: &Arc<Outcome>,
) -> Result<(), SourceError> {
    produce(producer, topic, record, outcome, Duration::MAX).map_err(|error| {
        outcome.state().under_way -= 1;
        SourceError::new(&format!("topic {topic}"), "write", error)
    })
}

/// One more is under way from here on, also after an error. Waits for room for `patience` at most.
fn produce(
    producer: &Producer,
    topic: &str,
    record: &NewRecord<'_>,
    outcome: &Arc<Outcome>,
    patience: Duration,
) -> Result<(), KafkaError> {
    let began = Instant::now();
    let mut new = BaseRecord::<[u8], [u8], Arc<Outcome>>::with_opaque_to(topic, outcome.clone());
    new.partition = record.partition.map(kafka_number);
    new.key = record.key;
    new.payload = record.value;
    new.timestamp = record.time_ms;
    outcome.state().under_way += 1;
    loop {
        match producer.send(new) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                if began.elapsed() < patience =>
            {
                std::thread::sleep(FULL);
                new = back;
            }
            Err((error, _)) => return Err(error),
        }
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

/// Longest record a topic takes, in bytes: `max.message.bytes`, less what surrounds a record; `None` where Kafka does not tell us.
///
/// Errors: Kafka cannot be asked.
pub fn record_bytes_max(settings: &KafkaSettings, topic: &str) -> Result<Option<usize>, SourceError> {
    let asking =
        |error: &dyn std::fmt::Display| SourceError::new(&format!("topic {topic}"), "look into", error);
    let client = AdminClient::<DefaultClientContext>::from_config(&settings.asking());
    let client = client.map_err(|error| not_made(&settings.brokers, &error))?;
    let options = AdminOptions::new().request_timeout(Some(ASKING));
    let told = wait_for(client.describe_configs(&[ResourceSpecifier::Topic(topic)], &options));
    let told = told.map_err(|error| asking(&error))?.into_iter().next();
    let told = match told {
        Some(Err(
            RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed,
        )) => return Ok(None),
        told => told.transpose().map_err(|error| asking(&error))?,
    };
    let max = told
        .and_then(|told| told.entry_map().get("max.message.bytes")?.value.as_ref()?.parse::<usize>().ok());
    Ok(max.map(|max| max.saturating_sub(AROUND_BYTES)))
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
