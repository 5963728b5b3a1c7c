//! A fixed stretch of one topic, read beside everybody else: no group is joined and nothing is committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use linkloom_schema::time::Timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset;

use super::connect::{Topic, not_made, topics};
use super::context::{Context, kafka_number, kafka_offset, list_of};
use super::figures::{KafkaFigures, Partition};
use super::lane::{Lane, Read, Wake};
use super::settings::KafkaSettings;
use crate::source::{Next, Position, Source, SourceError};

/// How long Kafka may take to be found and to say where partitions begin and end.
const PATIENCE: Duration = Duration::from_secs(20);

/// While a partition has no leader.
const NO_LEADER: Duration = Duration::from_millis(100);

/// An end of a stretch, the same in every partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Where the partition begins.
    Start,
    /// Where it ended when the stretch was opened.
    End,
    /// An offset.
    Offset(u64),
    /// The first record that Kafka got at this time or later, by the times of the records.
    Time(Timestamp),
}

/// Which records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeSettings {
    /// The topic.
    pub topic: String,
    /// The first record.
    pub from: Bound,
    /// The first record that is not read any more.
    pub to: Bound,
    /// Partitions that were read up to here already.
    pub read_before: BTreeMap<u32, u64>,
}

/// What is to be read of a partition: `from..to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The partition.
    pub partition: u32,
    /// The first offset.
    pub from: u64,
    /// The offset behind the last.
    pub to: u64,
}

impl Stretch {
    /// Offsets in it; some of them may hold no record.
    pub fn offsets(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }
}

/// The records of a stretch as a source that ends.
pub struct KafkaRange {
    topic: Arc<str>,
    stretches: Vec<Stretch>,
    lanes: Vec<Lane>,
    turn: usize,
    wake: Wake,
    /// Since when nothing came, although there is more.
    silent: Instant,
    patience: Duration,
    brokers: String,
    consumer: Arc<BaseConsumer<Context>>,
}

impl KafkaRange {
    /// Finds out where the stretch begins and ends in every partition, and begins to read.
    ///
    /// Errors: Kafka cannot be reached, the topic is not there, or the settings are not allowed.
    pub fn open(settings: &KafkaSettings, range: &RangeSettings) -> Result<Self, SourceError> {
        let settings = KafkaSettings { topics: vec![range.topic.clone()], ..settings.clone() };
        let mut found = topics(&settings, PATIENCE)?;
        let Some(topic) = found.pop() else {
            return Err(SourceError::new(&range.topic, "read", "it is not there"));
        };
        let config = settings.stretch(topic.partitions.len());
        let consumer = config.create_with_context(Context::new(Arc::new(KafkaFigures::default())));
        let mut consumer: BaseConsumer<Context> =
            consumer.map_err(|error| not_made(&settings.brokers, &error))?;
        let wake = Wake::new();
        consumer.set_nonempty_callback(wake.caller());
        let consumer = Arc::new(consumer);
        let failed =
            |error: KafkaError| SourceError::new(&format!("topic {}", range.topic), "look into", error);
        let stretches = stretches(&consumer, &topic, range).map_err(failed)?;
        let mut lanes = Vec::new();
        let mut assign = Vec::new();
        for stretch in stretches.iter().filter(|stretch| stretch.offsets() > 0) {
            let partition: Partition = (topic.name.clone(), stretch.partition);
            let lane = Lane::open(&consumer, partition.clone(), settings.record_bytes_max, &wake);
            if let Some(mut lane) = lane {
                lane.until = Some(stretch.to);
                lanes.push(lane);
                assign.push((partition, kafka_offset(stretch.from)));
            }
        }
        let list = list_of(assign.iter().map(|(partition, from)| (partition, *from)));
        list.and_then(|list| consumer.assign(&list)).map_err(failed)?;
        Ok(KafkaRange {
            topic: topic.name,
            stretches,
            lanes,
            turn: 0,
            wake,
            silent: Instant::now(),
            patience: Duration::from_secs(60),
            brokers: settings.brokers,
            consumer,
        })
    }

    /// What is read of each partition.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    fn ended(&mut self, at: usize) {
        self.lanes.swap_remove(at);
    }
}

impl Source for KafkaRange {
    /// Errors: nothing came for a minute although there is more; it ends there.
    fn next(&mut self, wait: Duration) -> Result<Next, SourceError> {
        let began = Instant::now();
        loop {
            if let Some(Err(error)) = self.consumer.poll(Duration::ZERO) {
                tracing::warn!(%error, "kafka at {}", self.brokers);
            }
            let mut at = 0;
            while at < self.lanes.len() {
                let lane = (self.turn + at) % self.lanes.len();
                match self.lanes[lane].read() {
                    Read::Batch(batch) => {
                        self.silent = Instant::now();
                        self.turn = (lane + 1) % self.lanes.len();
                        if self.lanes[lane].until.is_some_and(|until| batch.next_position >= until) {
                            self.ended(lane);
                        }
                        return Ok(Next::Batch(batch));
                    }
                    Read::End => self.ended(lane),
                    Read::Empty => at += 1,
                    Read::Failed(error) => {
                        tracing::warn!(%error, "kafka at {}", self.brokers);
                        at += 1;
                    }
                }
            }
            if self.lanes.is_empty() {
                return Ok(Next::End);
            }
            if self.silent.elapsed() > self.patience {
                self.lanes.clear();
                let why = self.consumer.context().last_error();
                let why =
                    why.unwrap_or_else(|| "no records came for a minute, although there are more".to_owned());
                return Err(SourceError::new(&format!("topic {}", self.topic), "read", why));
            }
            let rest = wait.saturating_sub(began.elapsed());
            if rest.is_zero() || !self.wake.wait(rest) {
                return Ok(Next::Idle);
            }
        }
    }

    fn commit(&mut self, _positions: &[Position]) -> Result<(), SourceError> {
        Ok(())
    }
}

impl Drop for KafkaRange {
    fn drop(&mut self) {
        self.consumer.context().close();
    }
}

/// The bounds of every partition as offsets within what the partition holds.
fn stretches(
    consumer: &BaseConsumer<Context>,
    topic: &Topic,
    range: &RangeSettings,
) -> Result<Vec<Stretch>, KafkaError> {
    let mut held = BTreeMap::new();
    for &partition in &topic.partitions {
        let (low, high) = watermarks(consumer, &topic.name, partition)?;
        held.insert(partition, (low.unsigned_abs(), high.unsigned_abs()));
    }
    let from = offsets(consumer, topic, range.from, &held)?;
    let to = offsets(consumer, topic, range.to, &held)?;
    let stretch = |(&partition, &(low, high)): (&u32, &(u64, u64))| {
        let at =
            |bounds: &BTreeMap<u32, u64>| bounds.get(&partition).copied().unwrap_or(high).clamp(low, high);
        let (from, to) = (at(&from), at(&to));
        let from = range.read_before.get(&partition).map_or(from, |&before| before.max(from));
        Stretch { partition, from: from.min(to), to }
    };
    Ok(held.iter().map(stretch).collect())
}

/// Where a partition begins and ends. One of a topic that was made this moment may not have a leader yet: it is asked again.
fn watermarks(
    consumer: &BaseConsumer<Context>,
    topic: &str,
    partition: u32,
) -> Result<(i64, i64), KafkaError> {
    use RDKafkaErrorCode::{
        LeaderNotAvailable, NotLeaderForPartition, UnknownPartition, UnknownTopicOrPartition,
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let error = match consumer.fetch_watermarks(topic, kafka_number(partition), PATIENCE) {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        let may_come = matches!(
            error.rdkafka_error_code(),
            Some(LeaderNotAvailable | NotLeaderForPartition | UnknownPartition | UnknownTopicOrPartition)
        );
        if !may_come || Instant::now() >= deadline {
            return Err(error);
        }
        std::thread::sleep(NO_LEADER);
    }
}

/// A bound as an offset in each partition; a partition without one has no record that late.
fn offsets(
    consumer: &BaseConsumer<Context>,
    topic: &Topic,
    bound: Bound,
    held: &BTreeMap<u32, (u64, u64)>,
) -> Result<BTreeMap<u32, u64>, KafkaError> {
    Ok(match bound {
        Bound::Start => held.iter().map(|(partition, (low, _))| (*partition, *low)).collect(),
        Bound::End => held.iter().map(|(partition, (_, high))| (*partition, *high)).collect(),
        Bound::Offset(offset) => held.keys().map(|partition| (*partition, offset)).collect(),
        Bound::Time(time) => {
            // Kafka counts in milliseconds; a record within the one the bound falls into may be read for nothing.
            let ms = time.micros().div_euclid(1_000).max(0);
            let partitions: Vec<Partition> =
                topic.partitions.iter().map(|partition| (topic.name.clone(), *partition)).collect();
            let asked = list_of(partitions.iter().map(|partition| (partition, Offset::Offset(ms))))?;
            let answered = consumer.offsets_for_times(asked, PATIENCE)?;
            let mut offsets = BTreeMap::new();
            for element in answered.elements() {
                element.error()?;
                if let (Offset::Offset(offset), Ok(partition)) =
                    (element.offset(), u32::try_from(element.partition()))
                {
                    offsets.insert(partition, offset.unsigned_abs());
                }
            }
            offsets
        }
    })
}
