//! The topic digests go through: making it, and writing to it what flushes held.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use linkloom_assembler::Assembler;
use linkloom_assembler::handed::{self, Handed};
use linkloom_ingest::source::SourceError;
use linkloom_ingest::source::kafka::{
    Behind, KafkaFigures, KafkaSettings, KafkaSource, KafkaWriter, NewRecord, create_topic, topics,
};
use linkloom_schema::time::Timestamp;
use linkloom_storage::flush::{Owner, RowDigest};

use super::feed::Ending;
use super::kept::Kept;
use crate::pipeline::sink::not_taken;

/// How long Kafka may take to say which partitions the topic has.
const ASK: Duration = Duration::from_secs(5);
/// First and longest pause before the topic is asked for again.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
/// Longest message that is read.
const MESSAGE_BYTES_MAX: usize = 8 << 20;
/// Digests are a fifth of their reports: so much less is fetched ahead of them.
const QUEUE_SHARE: usize = 4;
/// How often is looked whether all is summed up, at the end.
const LOOK_BEHIND: Duration = Duration::from_millis(50);

/// The topic digests go through; made when it is first written to.
pub struct DigestTopic {
    settings: KafkaSettings,
    name: String,
    /// Partitions a new topic gets.
    partitions_wanted: u32,
    writer: KafkaWriter,
    partitions: OnceLock<u32>,
    pub(super) kept: Arc<Kept>,
}

impl DigestTopic {
    /// `partitions`: how many the topic gets if it is not there yet.
    ///
    /// Errors: librdkafka does not take the settings.
    pub fn new(settings: KafkaSettings, name: &str, partitions: u32) -> Result<Self, SourceError> {
        let writer = KafkaWriter::new(&settings)?;
        let settings = KafkaSettings { topics: vec![name.to_owned()], ..settings };
        Ok(DigestTopic {
            settings,
            name: name.to_owned(),
            partitions_wanted: partitions,
            writer,
            partitions: OnceLock::new(),
            kept: Arc::new(Kept::new()),
        })
    }

    /// What comes through it, read as a group of its own.
    ///
    /// Errors: librdkafka does not take the settings.
    pub fn source(&self, figures: Arc<KafkaFigures>) -> Result<KafkaSource, SourceError> {
        KafkaSource::new(self.reading(), figures)
    }

    fn reading(&self) -> KafkaSettings {
        KafkaSettings {
            group: format!("{}-digests", self.settings.group),
            queue_bytes_max: self.settings.queue_bytes_max / QUEUE_SHARE,
            record_bytes_max: MESSAGE_BYTES_MAX,
            ..self.settings.clone()
        }
    }

    /// Returns when everything that is in the topic is summed up, by whichever process, or `stop` is set. Nothing more is
    /// to come: what this process sums up does not wait for it.
    ///
    /// Errors: librdkafka does not take the settings.
    pub fn await_summaries(&self, assembler: &Assembler, stop: &AtomicBool) -> Result<(), SourceError> {
        let mut behind = Behind::new(&self.reading())?;
        while !stop.load(Ordering::Acquire) {
            assembler.drain();
            match behind.records() {
                Ok(0) => break,
                Ok(_) => std::thread::sleep(LOOK_BEHIND),
                Err(error) => {
                    tracing::warn!(try_again_in = ?RETRY.0, "{error}");
                    std::thread::sleep(RETRY.0);
                    // One that lost Kafka for good would go on like that.
                    behind = Behind::new(&self.reading())?;
                }
            }
        }
        Ok(())
    }

    /// Makes it if it is missing; repeats that until it is there, or nobody waits any more.
    pub fn wait_for(&self, ending: &Ending) {
        let mut pause = RETRY.0;
        while !ending.stop.load(Ordering::Acquire) {
            match self.partitions() {
                Ok(_) => return,
                Err(error) => tracing::warn!(try_again_in = ?pause, "{error}"),
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(RETRY.1);
        }
    }

    fn partitions(&self) -> Result<u32, SourceError> {
        if let Some(known) = self.partitions.get() {
            return Ok(*known);
        }
        if create_topic(&self.settings, &self.name, self.partitions_wanted)? {
            tracing::info!(
                topic = self.name,
                partitions = self.partitions_wanted,
                "made the topic of digests"
            );
        }
        let found = topics(&self.settings, ASK)?.first().map_or(0, |topic| topic.partitions.len() as u32);
        if found == 0 {
            return Err(SourceError {
                source_name: format!("topic {}", self.name),
                op: "read",
                cause: "it has no partitions yet".to_owned(),
            });
        }
        if found != self.partitions_wanted {
            tracing::warn!(
                topic = self.name,
                found,
                configured = self.partitions_wanted,
                "the topic of digests has another number of partitions than configured; it stays as it is"
            );
        }
        Ok(*self.partitions.get_or_init(|| found))
    }

    fn hand_over(&self, items: &[Handed]) -> Result<(), SourceError> {
        let messages = handed::messages(items, self.partitions()?);
        let records = messages.iter().map(|(partition, message)| NewRecord {
            partition: Some(*partition),
            value: Some(message),
            ..NewRecord::default()
        });
        self.writer.write(&self.name, records)
    }

    /// Hands over what a flush held, or keeps it and writes a receipt; repeats that until the topic has it all. `None`: the
    /// process is going down.
    pub(in crate::pipeline) fn publish(
        &self,
        assembler: &Assembler,
        digests: Vec<RowDigest>,
        watermark: Option<Timestamp>,
    ) -> Option<()> {
        let (handing, partitions) = (self.kept.enter(), self.partitions.get());
        let Some((handing, partitions)) = handing.zip(partitions.copied()) else {
            return self.repeat(assembler, digests.into_iter().filter_map(Handed::of).collect());
        };
        let is_kept = |digest: &RowDigest| {
            matches!(digest.owner, Owner::Execution(_))
                && handing.is_ours(handed::partition_of(digest.id, partitions))
        };
        let (kept, others): (Vec<RowDigest>, Vec<RowDigest>) = digests.into_iter().partition(is_kept);
        let mut items: Vec<Handed> = others.into_iter().filter_map(Handed::of).collect();
        if kept.is_empty() {
            return self.repeat(assembler, items);
        }
        let receipts = handed::receipts(self.kept.by, handing.flush, &kept, partitions);
        handing.expect();
        items.extend(receipts);
        self.repeat(assembler, items)?;
        if handing.is_lost() {
            // Somebody else sums them up by now, and knows more of them.
            return Some(());
        }
        let (here, flush) = (self.kept.clone(), handing.flush);
        let kept = kept.into_iter().map(Handed::Digest).collect();
        assembler.accept_handed(kept, watermark, Box::new(move || here.settled(flush)));
        Some(())
    }

    pub(super) fn repeat(&self, assembler: &Assembler, items: Vec<Handed>) -> Option<()> {
        if items.is_empty() {
            return Some(());
        }
        assembler.retrying(|| self.hand_over(&items).map_err(not_taken))
    }
}
