//! Looks, on a thread of its own, how far the partitions go, for topics that are not there, and whether the client still
//! reads what there is.

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::Offset;

use super::connect::topic_of;
use super::contact::{SILENCE, has_record, is_cut_off};
use super::context::{Context, kafka_number, list_of};
use super::figures::{KafkaFigures, Partition};
use super::settings::KafkaSettings;
use super::stalled::{Stalled, Standing};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(2);
/// Looks between two searches for topics that were not there.
const LOOKS_PER_SEARCH: u32 = 5;
/// How long the broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Looks in a row at which a partition brought nothing, before somebody else is asked whether there is something.
const LOOKS_STALLED: u32 = 15;

/// Why a client is to be made anew.
#[derive(Clone, Debug)]
pub(super) enum Ill {
    /// Kafka answers others, and not this client.
    CutOff,
    /// A partition brings nothing, though others get records of it.
    Stalled(Partition),
}

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
        ill_of: Arc<OnceLock<Ill>>,
        wake: impl Fn() + Send + 'static,
    ) -> std::io::Result<Watch> {
        let (end, ended) = bounded::<()>(0);
        let settings = settings.clone();
        let thread = std::thread::Builder::new().name("kafka-watch".to_owned()).spawn(move || {
            let mut looks = 0;
            let mut absent = settings.topics.clone();
            let mut heard = Instant::now();
            let mut stalled = Stalled::default();
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK) {
                match look(&consumer, &figures, &settings.topics) {
                    Ok(()) => heard = Instant::now(),
                    Err(error) => tracing::debug!(%error, "the ends of the partitions are not known"),
                }
                let mut found = None;
                if heard.elapsed() >= SILENCE {
                    found = is_cut_off(consumer.client(), &settings, &settings.topics).then_some(Ill::CutOff);
                    heard = Instant::now();
                }
                if let Some(ill) = found.or_else(|| stalled_one(&mut stalled, &figures, &settings)) {
                    let _ = ill_of.set(ill);
                    wake();
                    return;
                }
                looks += 1;
                if looks % LOOKS_PER_SEARCH == 0 {
                    absent.retain(|topic| match topic_of(&consumer, topic, &settings.brokers, PATIENCE) {
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

/// A partition that brings nothing, though others get records of it.
fn stalled_one(stalled: &mut Stalled, figures: &KafkaFigures, settings: &KafkaSettings) -> Option<Ill> {
    let standings = figures.standings();
    let all: Vec<Standing<'_>> = standings
        .iter()
        .map(|(partition, progress, next, end)| Standing { partition, progress, next: *next, end: *end })
        .collect();
    let standing = stalled.look(&all, LOOKS_STALLED)?;
    match has_record(settings, standing.partition, standing.next) {
        // Meanwhile it may have begun.
        Ok(true) if standing.progress.next().is_none_or(|next| next == standing.next) => {
            Some(Ill::Stalled(standing.partition.clone()))
        }
        Ok(_) => None,
        Err(error) => {
            tracing::debug!(%error, "not known whether a partition that is silent has records");
            None
        }
    }
}

/// Asks for the ends of our partitions, and once for each where the group goes on.
fn look(consumer: &BaseConsumer<Context>, figures: &KafkaFigures, topics: &[String]) -> KafkaResult<()> {
    let owned = figures.owned();
    if owned.is_empty() {
        // Only to hear of Kafka.
        return consumer.fetch_metadata(topics.first().map(String::as_str), PATIENCE).map(drop);
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
