//! Looks, on a thread of its own, how far the partitions go, and for topics that are not there.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::Offset;

use super::connect::topic_of;
use super::context::{Context, kafka_number, list_of};
use super::figures::{KafkaFigures, Partition};
use super::settings::KafkaSettings;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(2);
/// Looks between two searches for topics that were not there.
const LOOKS_PER_SEARCH: u32 = 5;
/// How long the broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The thread. It ends when this is dropped.
pub(super) struct Watch {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(
        consumer: Arc<BaseConsumer<Context>>,
        figures: Arc<KafkaFigures>,
        settings: &KafkaSettings,
    ) -> std::io::Result<Watch> {
        let (end, ended) = bounded::<()>(0);
        let (topics, brokers) = (settings.topics.clone(), settings.brokers.clone());
        let thread = std::thread::Builder::new().name("kafka-watch".to_owned()).spawn(move || {
            let mut looks = 0;
            let mut absent = topics;
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK) {
                if let Err(error) = look(&consumer, &figures) {
                    tracing::debug!(%error, "the ends of the partitions are not known");
                }
                looks += 1;
                if looks % LOOKS_PER_SEARCH == 0 {
                    absent.retain(|topic| match topic_of(&consumer, topic, &brokers, PATIENCE) {
                        Ok(Ok(_)) => false,
                        Ok(Err(error)) => {
                            tracing::warn!("{error}");
                            true
                        }
                        Err(_) => true,
                    });
                }
            }
        })?;
        Ok(Watch { end: Some(end), thread: Some(thread) })
    }
}

/// Asks for the ends of our partitions, and once for each where the group goes on.
fn look(consumer: &BaseConsumer<Context>, figures: &KafkaFigures) -> KafkaResult<()> {
    let owned = figures.owned();
    if owned.is_empty() {
        return Ok(());
    }
    // As a time, `End` asks for the latest offset.
    let ends = list_of(owned.iter().map(|(partition, _)| (partition, Offset::End)))?;
    let ends = consumer.offsets_for_times(ends, PATIENCE)?;
    for (partition, _) in &owned {
        if let Some(end) = offset_in(&ends, partition) {
            figures.ends(partition, end);
        }
    }
    let new: Vec<&Partition> =
        owned.iter().filter(|(_, known)| !known).map(|(partition, _)| partition).collect();
    if new.is_empty() {
        return Ok(());
    }
    let committed = list_of(new.iter().map(|partition| (*partition, Offset::Invalid)))?;
    let committed = consumer.committed_offsets(committed, PATIENCE)?;
    for partition in new {
        let next = match offset_in(&committed, partition) {
            Some(next) => next,
            // Nothing was ever committed: it begins where the partition does.
            None => {
                let (low, _) =
                    consumer.fetch_watermarks(&partition.0, kafka_number(partition.1), PATIENCE)?;
                low.unsigned_abs()
            }
        };
        figures.committed(partition, next);
    }
    Ok(())
}

pub(super) fn offset_in(list: &rdkafka::TopicPartitionList, partition: &Partition) -> Option<u64> {
    let element = list.find_partition(&partition.0, kafka_number(partition.1))?;
    match (element.error(), element.offset()) {
        (Ok(()), Offset::Offset(offset)) => u64::try_from(offset).ok(),
        _ => None,
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that watches kafka ended in a panic");
        }
    }
}
