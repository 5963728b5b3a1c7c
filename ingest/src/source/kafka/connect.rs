//! Finding brokers and topics, with an answer that says which one is not there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::context::Context;
use super::settings::KafkaSettings;
use crate::source::SourceError;

/// A topic that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: Arc<str>,
    /// Its partitions, ascending.
    pub partitions: Vec<u32>,
}

/// What came of asking for topics.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) topics: Vec<Topic>,
    /// Why the others cannot be read.
    pub(super) absent: Vec<SourceError>,
}

/// Asks for the partitions of topics, for `patience` at most.
///
/// Errors: no broker can be reached, or one of the topics is not there or not allowed to be read.
pub fn topics(settings: &KafkaSettings, patience: Duration) -> Result<Vec<Topic>, SourceError> {
    let asker = Asker::new(settings)?;
    let deadline = Instant::now() + patience;
    loop {
        match asker.ask(&settings.topics, patience.min(Duration::from_secs(2))) {
            Ok(found) => return found.absent.into_iter().next().map_or(Ok(found.topics), Err),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => {}
        }
    }
}

/// A client that asks questions and reads nothing.
pub(super) struct Asker {
    client: BaseConsumer<Context>,
    brokers: String,
}

impl Asker {
    pub(super) fn new(settings: &KafkaSettings) -> Result<Self, SourceError> {
        let client = settings.asking().create_with_context(Context::default());
        let client = client.map_err(|error| not_made(&settings.brokers, &error))?;
        Ok(Asker { client, brokers: settings.brokers.clone() })
    }

    /// Errors: no broker answers within `patience`.
    pub(super) fn ask(&self, topics: &[String], patience: Duration) -> Result<Found, SourceError> {
        let mut found = Found::default();
        for topic in topics {
            match topic_of(&self.client, topic, &self.brokers, patience)? {
                Ok(topic) => found.topics.push(topic),
                Err(absent) => found.absent.push(absent),
            }
        }
        Ok(found)
    }
}

/// A client that librdkafka refuses to make.
pub(super) fn not_made(brokers: &str, error: &KafkaError) -> SourceError {
    let cause = match error {
        KafkaError::ClientConfig(_, reason, key, _) => format!("kafka.options.{key}: {reason}"),
        other => other.to_string(),
    };
    SourceError::new(&format!("kafka at {brokers}"), "set up", cause.trim_end())
}

/// Asks for one topic. The outer error: nobody answers; the inner one: it cannot be read.
pub(super) fn topic_of(
    client: &BaseConsumer<Context>,
    name: &str,
    brokers: &str,
    patience: Duration,
) -> Result<Result<Topic, SourceError>, SourceError> {
    let absent = |why: &str| {
        SourceError::new(&format!("topic {name}"), "read", format!("kafka at {brokers} says: {why}"))
    };
    let metadata = match client.fetch_metadata(Some(name), patience) {
        Ok(metadata) => metadata,
        Err(error) => {
            // Its reasons wait in the queue of the client.
            for _ in 0..32 {
                let _ = client.poll(Duration::ZERO);
            }
            let why = client.context().last_error().unwrap_or_else(|| error.to_string());
            return Err(SourceError::new(&format!("kafka at {brokers}"), "reach", why));
        }
    };
    let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
        return Ok(Err(absent("it does not know the topic")));
    };
    if let Some(code) = topic.error() {
        return Ok(Err(absent(&RDKafkaErrorCode::from(code).to_string())));
    }
    let mut partitions: Vec<u32> =
        topic.partitions().iter().filter_map(|partition| u32::try_from(partition.id()).ok()).collect();
    partitions.sort_unstable();
    Ok(Ok(Topic { name: name.into(), partitions }))
}
