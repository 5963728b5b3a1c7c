//! One partition that is read: its queue, and the batches made from it.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use linkloom_schema::time::Timestamp;
use rdkafka::Message;
use rdkafka::consumer::BaseConsumer;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;

use super::context::{Context, kafka_number};
use super::figures::Partition;
use super::stalled::Progress;
use crate::source::{RawBatch, RawRecord};

/// Records and bytes of a batch: it fits a processor's cache.
const BATCH_RECORDS_MAX: usize = 2_048;
const BATCH_BYTES_MAX: usize = 512 << 10;

/// Wakes the thread that polls when something came.
#[derive(Clone)]
pub(super) struct Wake {
    set: Sender<()>,
    seen: Receiver<()>,
}

impl Wake {
    pub(super) fn new() -> Self {
        let (set, seen) = bounded(1);
        Wake { set, seen }
    }

    /// What librdkafka calls when a queue is no longer empty.
    pub(super) fn caller(&self) -> impl Fn() + Send + Sync + 'static {
        let set = self.set.clone();
        // One call is as good as many.
        move || {
            let _ = set.try_send(());
        }
    }

    /// Waits for a call; whether there was one.
    pub(super) fn wait(&self, wait: Duration) -> bool {
        self.seen.recv_timeout(wait).is_ok()
    }
}

/// What a lane has to say.
pub(super) enum Read {
    /// Records.
    Batch(RawBatch),
    /// Nothing right now.
    Empty,
    /// Nothing more, the partition is at its end (told only if the consumer asked for it).
    End,
    /// librdkafka cannot fetch it right now, or at all if it says so.
    Failed(KafkaError),
}

/// A partition and its queue.
pub(super) struct Lane {
    pub(super) partition: Partition,
    queue: PartitionQueue<Context>,
    record_bytes_max: usize,
    /// Records from here on are not ours.
    pub(super) until: Option<u64>,
    /// What the queue said behind the last batch.
    then: Option<Read>,
    /// Bytes of the last batch, a hint for the next.
    bytes: usize,
    pub(super) progress: Arc<Progress>,
}

impl Lane {
    /// Takes the partition's records out of the common queue. To be called before the partition is assigned, so that
    /// none of them is there already. `None`: there is no such partition.
    pub(super) fn open(
        consumer: &Arc<BaseConsumer<Context>>,
        partition: Partition,
        record_bytes_max: usize,
        wake: &Wake,
    ) -> Option<Lane> {
        let mut queue = consumer.split_partition_queue(&partition.0, kafka_number(partition.1))?;
        queue.set_nonempty_callback(wake.caller());
        let progress = Arc::default();
        Some(Lane { partition, queue, record_bytes_max, until: None, then: None, bytes: 0, progress })
    }

    /// The records that wait, up to a batch of them.
    pub(super) fn read(&mut self) -> Read {
        if let Some(then) = self.then.take() {
            return then;
        }
        let mut batch: Option<RawBatch> = None;
        let then = loop {
            match self.queue.poll(Duration::ZERO) {
                Some(Ok(message)) => {
                    if self.until.is_some_and(|until| position_of(&message) >= until) {
                        break Read::End;
                    }
                    let batch = batch.get_or_insert_with(|| self.batch());
                    push(batch, &message, self.record_bytes_max);
                    if batch.records.len() >= BATCH_RECORDS_MAX || batch.bytes.len() >= BATCH_BYTES_MAX {
                        break Read::Empty;
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => break Read::End,
                Some(Err(error)) => break Read::Failed(error),
                None => break Read::Empty,
            }
        };
        match batch {
            None => {
                self.progress.was_empty();
                then
            }
            Some(batch) => {
                self.progress.read(batch.next_position);
                self.bytes = batch.bytes.len();
                if !matches!(then, Read::Empty) {
                    self.then = Some(then);
                }
                Read::Batch(batch)
            }
        }
    }

    /// A batch of one record that came through the common queue.
    pub(super) fn single(&self, message: &BorrowedMessage<'_>) -> RawBatch {
        let mut batch = self.batch();
        push(&mut batch, message, self.record_bytes_max);
        self.progress.read(batch.next_position);
        batch
    }

    fn batch(&self) -> RawBatch {
        RawBatch {
            source: self.partition.0.clone(),
            partition: self.partition.1,
            bytes: Vec::with_capacity(
                (self.bytes + self.bytes / 4).clamp(4 << 10, BATCH_BYTES_MAX + (64 << 10)),
            ),
            records: Vec::with_capacity(BATCH_RECORDS_MAX.min(self.bytes / 256 + 16)),
            ..RawBatch::default()
        }
    }
}

fn position_of(message: &BorrowedMessage<'_>) -> u64 {
    u64::try_from(message.offset()).unwrap_or_default()
}

/// Copies a record into the batch: its first bytes if it is longer than any report may be. A record without a value is
/// one of no bytes, which no report is.
fn push(batch: &mut RawBatch, message: &BorrowedMessage<'_>, record_bytes_max: usize) {
    let payload = message.payload().unwrap_or_default();
    let start = batch.bytes.len();
    batch.bytes.extend_from_slice(&payload[..payload.len().min(record_bytes_max)]);
    let position = position_of(message);
    batch.records.push(RawRecord {
        start,
        end: batch.bytes.len(),
        full_length: payload.len() as u64,
        position,
        line: 0,
        time: message.timestamp().to_millis().map(|ms| Timestamp(ms.saturating_mul(1_000))),
    });
    batch.next_position = position + 1;
}
