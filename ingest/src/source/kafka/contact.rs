//! Whether a client still reaches Kafka.
//!
//! librdkafka forgets brokers that are not in Kafka's answer about its brokers, and goes back to those it was configured with
//! when it has none left. When the answer that names none is still being read at that moment, it cancels that, and
//! never tries again: the client stays without any broker for good, although Kafka is well. That happens when the only
//! broker is fenced for a moment, because its heartbeats were late. Such a client is made anew.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;

use super::connect::Asker;
use super::context::{Context, kafka_offset, list_of};
use super::figures::{KafkaFigures, Partition};
use super::settings::KafkaSettings;

/// How long nothing may be heard of Kafka, or come of what is under way, before a client is doubted.
pub(super) const SILENCE: Duration = Duration::from_secs(15);
/// How long a client that is doubted may take to answer, and how long another one.
const OWN: Duration = Duration::from_secs(5);
const OTHER: Duration = Duration::from_secs(2);

static RENEWED: AtomicU64 = AtomicU64::new(0);

/// Clients of this process that were made anew, because they had lost Kafka or one of their partitions.
pub fn clients_renewed() -> u64 {
    RENEWED.load(Ordering::Relaxed)
}

pub(super) fn count_renewed() {
    RENEWED.fetch_add(1, Ordering::Relaxed);
}

/// Whether Kafka answers others and not this client: then it never will. Takes some seconds at most.
pub(super) fn is_cut_off<C: ClientContext>(
    client: &Client<C>,
    settings: &KafkaSettings,
    topics: &[String],
) -> bool {
    let Some(topic) = topics.first() else { return false };
    let hears_nothing = || client.fetch_metadata(Some(topic), OWN).is_err();
    let others_do = || {
        let asker = Asker::new(settings);
        asker.is_ok_and(|asker| asker.ask(topics, OTHER).is_ok_and(|found| !found.topics.is_empty()))
    };
    // Asked a second time: Kafka may have come back in between.
    hears_nothing() && others_do() && hears_nothing()
}

/// Whether somebody else gets a record of the partition at `next` or behind it.
pub(super) fn has_record(
    settings: &KafkaSettings,
    partition: &Partition,
    next: u64,
) -> Result<bool, KafkaError> {
    let other: BaseConsumer<Context> =
        settings.stretch(1).create_with_context(Context::new(KafkaFigures::default().into()))?;
    let at = (partition, kafka_offset(next));
    other.assign(&list_of([at])?)?;
    match other.poll(OWN) {
        Some(Ok(_)) => Ok(true),
        Some(Err(KafkaError::PartitionEOF(_))) | None => Ok(false),
        Some(Err(error)) => Err(error),
    }
}
