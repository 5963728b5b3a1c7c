//! How much of its topics a group has still to commit, asked from outside the group.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::Offset;

use super::connect::{not_made, topic_of};
use super::context::{Context, kafka_number, list_of};
use super::settings::KafkaSettings;
use super::watch::offset_in;
use crate::source::SourceError;

/// How long the broker may take to answer a question.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks how far a group is behind. It is no member of it.
pub struct Behind {
    client: BaseConsumer<Context>,
    settings: KafkaSettings,
}

impl Behind {
    /// Of the group and the topics in `settings`.
    ///
    /// Errors: librdkafka does not take the settings.
    pub fn new(settings: &KafkaSettings) -> Result<Self, SourceError> {
        let mut config = settings.asking();
        config.set("group.id", &settings.group);
        let client = config.create_with_context(Context::default());
        let client = client.map_err(|error| not_made(&settings.brokers, &error))?;
        Ok(Behind { client, settings: settings.clone() })
    }

    /// Records of all partitions that are not committed.
    ///
    /// Errors: a topic is not there, or no broker answers.
    pub fn records(&self) -> Result<u64, SourceError> {
        let mut records = 0;
        for name in &self.settings.topics {
            let topic = topic_of(&self.client, name, &self.settings.brokers, PATIENCE)??;
            let partitions = topic.partitions.iter().map(|&number| (topic.name.clone(), number));
            let partitions: Vec<_> = partitions.collect();
            records += self.of(&partitions).map_err(|error| {
                let name = format!("topic {} at {}", topic.name, self.settings.brokers);
                SourceError::new(&name, "ask how far it is read", error.to_string())
            })?;
        }
        Ok(records)
    }

    fn of(&self, partitions: &[super::figures::Partition]) -> Result<u64, KafkaError> {
        let asked = list_of(partitions.iter().map(|partition| (partition, Offset::Invalid)))?;
        let committed = self.client.committed_offsets(asked, PATIENCE)?;
        let mut records = 0;
        for partition in partitions {
            let (low, high) =
                self.client.fetch_watermarks(&partition.0, kafka_number(partition.1), PATIENCE)?;
            // Where nothing was ever committed, reading begins with the partition.
            let next = offset_in(&committed, partition).unwrap_or(0).max(low.unsigned_abs());
            records += high.unsigned_abs().saturating_sub(next);
        }
        Ok(records)
    }
}
