//! What librdkafka tells: rebalances, errors and log lines. It tells them on the thread that polls.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;

use super::figures::{KafkaFigures, Partition};

/// Errors that wait to be asked for; of more the oldest are forgotten.
const ERRORS_MAX: usize = 64;

/// A change of what this member reads. It takes effect when the source answers it, not when it is told.
#[derive(Debug)]
pub(super) enum Change {
    /// These are ours from now on.
    Assigned(Vec<Partition>),
    /// These go to somebody else, or have gone already.
    Revoked {
        partitions: Vec<Partition>,
        /// The group gave them to others without waiting: nothing can be committed any more.
        lost: bool,
    },
}

/// What was told and not dealt with yet.
#[derive(Debug, Default)]
struct Told {
    changes: VecDeque<Change>,
    errors: VecDeque<String>,
    closing: bool,
}

/// The ear of a consumer.
#[derive(Debug, Default)]
pub(super) struct Context {
    pub(super) figures: Arc<KafkaFigures>,
    told: Mutex<Told>,
}

impl Context {
    pub(super) fn new(figures: Arc<KafkaFigures>) -> Self {
        Context { figures, ..Context::default() }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest change that was not answered yet.
    pub(super) fn next_change(&self) -> Option<Change> {
        self.told().changes.pop_front()
    }

    /// The oldest error that was not asked for yet, in librdkafka's words. There is one for each that polling gave.
    pub(super) fn next_error(&self) -> Option<String> {
        self.told().errors.pop_front()
    }

    /// The latest error; the others are forgotten.
    pub(super) fn last_error(&self) -> Option<String> {
        let mut told = self.told();
        let last = told.errors.pop_back();
        told.errors.clear();
        last
    }

    /// From now on partitions are given up as soon as they are asked for: everything is durable.
    pub(super) fn close(&self) {
        let mut told = self.told();
        told.closing = true;
        told.changes.clear();
    }
}

pub(super) fn partitions_of(list: &TopicPartitionList) -> Vec<Partition> {
    let number = |partition: i32| u32::try_from(partition).unwrap_or_default();
    list.elements().iter().map(|element| (element.topic().into(), number(element.partition()))).collect()
}

/// A list of partitions for librdkafka.
pub(super) fn list_of<'p>(
    partitions: impl IntoIterator<Item = (&'p Partition, Offset)>,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), offset) in partitions {
        list.add_partition_offset(topic, kafka_number(*partition), offset)?;
    }
    Ok(list)
}

/// The number of a partition as librdkafka has it.
pub(super) fn kafka_number(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

/// An offset as librdkafka has it.
pub(super) fn kafka_offset(position: u64) -> Offset {
    Offset::Offset(i64::try_from(position).unwrap_or(i64::MAX))
}

/// Gives partitions up.
pub(super) fn unassign(consumer: &BaseConsumer<Context>, list: &TopicPartitionList) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
        RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
    }
}

/// A line librdkafka would write to its log.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    use RDKafkaLogLevel::{Alert, Critical, Emerg, Error, Warning};
    match level {
        // What matters of it comes as an error, too, and is said with the name of the broker.
        Emerg | Alert | Critical | Error | Warning => {
            tracing::info!(target: "librdkafka", "{facility}: {message}");
        }
        _ => tracing::debug!(target: "librdkafka", "{facility}: {message}"),
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if matches!(error, KafkaError::Global(rdkafka::error::RDKafkaErrorCode::PartitionEOF)) {
            return;
        }
        tracing::debug!(target: "librdkafka", "{error}: {reason}");
        let mut told = self.told();
        if told.errors.len() == ERRORS_MAX {
            told.errors.pop_front();
        }
        told.errors.push_back(reason.to_owned());
    }
}

impl ConsumerContext for Context {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions = partitions_of(list);
        let assigned = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        self.figures.count(|figures| &figures.rebalances);
        let mut told = self.told();
        if told.closing {
            drop(told);
            if !assigned && let Err(error) = unassign(consumer, list) {
                tracing::debug!(%error, "giving partitions up while closing");
            }
            return;
        }
        told.changes.push_back(if assigned {
            Change::Assigned(partitions)
        } else {
            Change::Revoked { partitions, lost: consumer.assignment_lost() }
        });
    }
}
