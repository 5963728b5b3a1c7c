//! Topics of Kafka into a store: reports, and beside them the digests that processes hand to one another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, anyhow};
use linkloom_ingest::source::Source;
use linkloom_ingest::source::kafka::KafkaFigures;

use crate::config::Config;
use crate::pipeline::dead::DeadTopic;
use crate::pipeline::{DigestTopic, Digests, Ending, FeedFigures, FeedOutcome};
use crate::service::{AnyStore, Service, kafka_settings};

/// The topic dead letters are copied to, if there is to be one.
///
/// Errors: it is one that is read, or librdkafka does not take the settings.
pub fn dead_topic(config: &Config, brokers: &str) -> anyhow::Result<Option<Arc<DeadTopic>>> {
    match config.kafka.dead_topic.as_str() {
        "" => Ok(None),
        name => Ok(Some(Arc::new(DeadTopic::new(kafka_settings(config, Some(brokers))?, name)?))),
    }
}

/// Where the digests of a process that reads topics go. A store that belongs to one process is summed up by it alone.
///
/// Errors: librdkafka does not take the settings.
pub fn digests(store: &AnyStore, config: &Config, brokers: &str) -> anyhow::Result<Digests> {
    let of = &config.kafka;
    if store.hbase().is_none() {
        return Ok(Digests::Own);
    }
    if of.keyed {
        return Ok(Digests::Keyed);
    }
    if of.digest_partitions == 0 {
        return Ok(Digests::Own);
    }
    let settings = kafka_settings(config, Some(brokers))?;
    let name = match of.digest_topic.as_str() {
        "" => format!("{}-digests", of.group),
        name => name.to_owned(),
    };
    Ok(Digests::Topic(Arc::new(DigestTopic::new(settings, &name, of.digest_partitions)?)))
}

/// When there is nothing more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtTheEnd {
    /// What was handed over is left to whoever reads it next.
    Return,
    /// All that was handed over is summed up first, here or by others.
    AwaitSummaries,
}

/// Feeds the source until the process is to stop or the source ends, with everything read committed. Beside it, digests
/// that other processes, or this one, hand over are summed up.
///
/// Errors: the store failed for good, Kafka did, or digests cannot be read.
pub fn consume(
    source: &mut dyn Source,
    digests: &Digests,
    service: &Service,
    figures: &FeedFigures,
    kafka: &Arc<KafkaFigures>,
    stop: &AtomicBool,
    at_the_end: AtTheEnd,
) -> anyhow::Result<FeedOutcome> {
    let mut feed = || service.feed(source, figures, stop).context("reading from kafka");
    let Digests::Topic(topic) = digests else { return feed() };
    let mut handed = topic.source(kafka.clone())?;
    // What was read last is still to be handed over when reading stops.
    let ending = Ending::default();
    std::thread::scope(|scope| {
        let summing = scope.spawn(|| {
            topic.wait_for(&ending);
            let summed = service.feed_digests(topic, &mut handed, &ending);
            if !ending.stop.load(Ordering::Acquire) {
                // Without it nothing is summed up any more: the process is of no use.
                stop.store(true, Ordering::Release);
            }
            summed.context("summing up")
        });
        let outcome = feed().and_then(|outcome| {
            if at_the_end == AtTheEnd::AwaitSummaries {
                topic.await_summaries(service.assembler(), stop)?;
            }
            Ok(outcome)
        });
        // A store that fails for good takes no summaries either.
        ending.at_once.store(outcome.is_err(), Ordering::Release);
        ending.stop.store(true, Ordering::Release);
        let summed = summing.join().map_err(|_| anyhow!("the thread that sums up ended in a panic"))?;
        outcome.and_then(|outcome| summed.map(|()| outcome))
    })
}
