//! A member of a consumer group.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset;

use super::commits::Commits;
use super::committer::{Committed, Committer};
use super::complaints::Complaints;
use super::connect::{Asker, not_made};
use super::contact::count_renewed;
use super::context::{Change, Context, list_of, unassign};
use super::figures::{KafkaFigures, Partition};
use super::lane::{Lane, Read, Wake};
use super::settings::KafkaSettings;
use super::watch::{Ill, Watch};
use crate::source::{Next, Position, RawBatch, Source, SourceError};

/// First and longest pause between two tries to reach Kafka.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// How long one try may take; a signal to stop waits for it.
const ASK: Duration = Duration::from_secs(1);
/// Events served in one go: rebalances, errors, log lines.
const EVENTS_MAX: usize = 8;
/// How long a commit may take before a partition, or the group, is left without it. What was not committed is read again
/// by whoever comes next.
const SETTLE: Duration = Duration::from_secs(5);

/// Topics read as a member of a consumer group.
///
/// Until Kafka can be reached and one of the topics is there, [`Source::next`] says [`Next::Idle`], and the log why.
/// Dropping it commits what is durable and leaves the group; with an instance id it stays a member until its session
/// times out, so that it can come back without a rebalance.
pub struct KafkaSource {
    settings: KafkaSettings,
    figures: Arc<KafkaFigures>,
    wake: Wake,
    phase: Phase,
}

enum Phase {
    Connecting { asker: Asker, pause: Duration, next: Instant },
    Member(Box<Member>),
    Ended,
}

impl KafkaSource {
    /// A source that will connect when it is read first.
    ///
    /// Errors: librdkafka does not take the settings.
    pub fn new(settings: KafkaSettings, figures: Arc<KafkaFigures>) -> Result<Self, SourceError> {
        let asker = Asker::new(&settings)?;
        // What only a member needs is checked now, too, and not once Kafka is there.
        settings.member(1).create_native_config().map_err(|error| not_made(&settings.brokers, &error))?;
        let phase = Phase::Connecting { asker, pause: RECONNECT.0, next: Instant::now() };
        Ok(KafkaSource { settings, figures, wake: Wake::new(), phase })
    }

    /// One try to reach Kafka, if it is time for one.
    fn connect(&mut self, wait: Duration) -> Result<(), SourceError> {
        let Phase::Connecting { asker, pause, next } = &mut self.phase else { return Ok(()) };
        let now = Instant::now();
        if now < *next {
            self.wake.wait(wait.min(*next - now));
            return Ok(());
        }
        let found = match asker.ask(&self.settings.topics, ASK) {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(try_again_in = ?*pause, "{error}");
                *next = Instant::now() + *pause;
                *pause = (*pause * 2).min(RECONNECT.1);
                return Ok(());
            }
        };
        for absent in &found.absent {
            tracing::warn!(try_again_in = ?*pause, "{absent}");
        }
        if found.topics.is_empty() {
            *next = Instant::now() + *pause;
            *pause = (*pause * 2).min(RECONNECT.1);
            return Ok(());
        }
        let partitions = found.topics.iter().map(|topic| topic.partitions.len()).sum();
        let member = Member::join(&self.settings, partitions, &self.figures, &self.wake)?;
        tracing::info!(
            brokers = self.settings.brokers,
            group = self.settings.group,
            topics = self.settings.topics.join(","),
            partitions,
            "reading from kafka"
        );
        self.phase = Phase::Member(Box::new(member));
        Ok(())
    }

    /// Another member takes the place of one that does not get well by itself. It goes on where the group committed last.
    fn renew(&mut self) -> Result<(), SourceError> {
        let asker = Asker::new(&self.settings)?;
        self.phase = Phase::Connecting { asker, pause: RECONNECT.0, next: Instant::now() };
        count_renewed();
        Ok(())
    }

    /// After an error that cannot be got over there is nothing more to come.
    fn ending<T>(&mut self, result: Result<T, SourceError>) -> Result<T, SourceError> {
        if result.is_err() {
            self.phase = Phase::Ended;
        }
        result
    }
}

impl Source for KafkaSource {
    fn positions_last(&self) -> bool {
        true
    }

    fn next(&mut self, wait: Duration) -> Result<Next, SourceError> {
        match &mut self.phase {
            Phase::Ended => Ok(Next::End),
            Phase::Member(member) if member.ill.get().is_some() => match member.give_all_up() {
                Some(revoked) => Ok(revoked),
                None => {
                    let renewed = self.renew();
                    self.ending(renewed).map(|()| Next::Idle)
                }
            },
            Phase::Member(member) => {
                let next = member.next(wait);
                self.ending(next)
            }
            Phase::Connecting { .. } => {
                let connected = self.connect(wait);
                self.ending(connected).map(|()| Next::Idle)
            }
        }
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), SourceError> {
        if let Phase::Member(member) = &mut self.phase {
            member.commit(positions);
        }
        Ok(())
    }

    fn release(&mut self, partitions: &[(Arc<str>, u32)]) -> Result<(), SourceError> {
        let Phase::Member(member) = &mut self.phase else { return Ok(()) };
        let released = member.release(partitions);
        self.ending(released)
    }

    fn keep_alive(&mut self) -> Result<(), SourceError> {
        let Phase::Member(member) = &mut self.phase else { return Ok(()) };
        let served = member.serve(Duration::ZERO);
        self.ending(served)
    }
}

struct Member {
    brokers: String,
    record_bytes_max: usize,
    wake: Wake,
    lanes: Vec<Lane>,
    /// The lane whose turn it is.
    turn: usize,
    /// Batches of records that came through the common queue; there should be none.
    stray: VecDeque<RawBatch>,
    /// Partitions that are being taken away were lost already.
    lost: bool,
    /// Why it reads no more as it should, if so. Told once.
    ill: Arc<OnceLock<Ill>>,
    told: bool,
    commits: Commits,
    committer: Option<Committer>,
    complaints: Complaints,
    figures: Arc<KafkaFigures>,
    watch: Option<Watch>,
    consumer: Arc<BaseConsumer<Context>>,
}

impl Member {
    fn join(
        settings: &KafkaSettings,
        partitions: usize,
        figures: &Arc<KafkaFigures>,
        wake: &Wake,
    ) -> Result<Self, SourceError> {
        let brokers = settings.brokers.clone();
        let joining = |error: &KafkaError| {
            SourceError::new(
                &format!("kafka at {brokers}"),
                "join",
                format!("group {}: {error}", settings.group),
            )
        };
        let consumer = settings.member(partitions).create_with_context(Context::new(figures.clone()));
        let mut consumer: BaseConsumer<Context> = consumer.map_err(|error| not_made(&brokers, &error))?;
        consumer.set_nonempty_callback(wake.caller());
        let topics: Vec<&str> = settings.topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(|error| joining(&error))?;
        let consumer = Arc::new(consumer);
        let threads = |error| SourceError::new(&format!("kafka at {brokers}"), "start threads for", error);
        let ill = Arc::new(OnceLock::new());
        let watch = Watch::start(consumer.clone(), figures.clone(), settings, ill.clone(), wake.caller());
        let watch = watch.map_err(threads)?;
        let committer = Committer::start(consumer.clone(), wake.caller()).map_err(threads)?;
        Ok(Member {
            brokers,
            record_bytes_max: settings.record_bytes_max,
            wake: wake.clone(),
            lanes: Vec::new(),
            turn: 0,
            stray: VecDeque::new(),
            lost: false,
            ill,
            told: false,
            commits: Commits::default(),
            committer: Some(committer),
            complaints: Complaints::default(),
            figures: figures.clone(),
            watch: Some(watch),
            consumer,
        })
    }

    fn next(&mut self, wait: Duration) -> Result<Next, SourceError> {
        let began = Instant::now();
        loop {
            self.serve(Duration::ZERO)?;
            if let Some(batch) = self.stray.pop_front() {
                return Ok(Next::Batch(batch));
            }
            while let Some(change) = self.consumer.context().next_change() {
                match change {
                    Change::Assigned(partitions) => self.assigned(partitions)?,
                    Change::Revoked { partitions, lost } => {
                        self.lost = lost;
                        return Ok(Next::Revoked { partitions, lost });
                    }
                }
            }
            if let Some(batch) = self.read()? {
                return Ok(Next::Batch(batch));
            }
            self.send();
            let rest = wait.saturating_sub(began.elapsed());
            if rest.is_zero() || !self.wake.wait(rest) {
                return Ok(Next::Idle);
            }
        }
    }

    /// Gives up everything it has, for it is ill: without waiting for Kafka if it does not hear of it.
    fn give_all_up(&mut self) -> Option<Next> {
        let partitions: Vec<Partition> = self.lanes.iter().map(|lane| lane.partition.clone()).collect();
        if !std::mem::replace(&mut self.told, true) {
            match self.ill.get() {
                Some(Ill::Stalled((topic, number))) => tracing::warn!(
                    "kafka at {}: {topic}[{number}] brings nothing, though others get records of it: the client is made anew",
                    self.brokers
                ),
                _ => tracing::warn!(
                    "kafka at {}: it answers others and not this client, which is made anew",
                    self.brokers
                ),
            }
        }
        self.lost = self.is_cut_off();
        (!partitions.is_empty()).then_some(Next::Revoked { partitions, lost: self.lost })
    }

    fn is_cut_off(&self) -> bool {
        matches!(self.ill.get(), Some(Ill::CutOff))
    }

    /// A batch of the next lane that has one.
    fn read(&mut self) -> Result<Option<RawBatch>, SourceError> {
        for _ in 0..self.lanes.len() {
            self.turn = (self.turn + 1) % self.lanes.len();
            match self.lanes[self.turn].read() {
                Read::Batch(batch) => return Ok(Some(batch)),
                Read::Empty | Read::End => {}
                Read::Failed(error) => self.trouble(&error)?,
            }
        }
        Ok(None)
    }

    /// Lets librdkafka tell what there is to tell; waits at most `wait` for it.
    fn serve(&mut self, wait: Duration) -> Result<(), SourceError> {
        let mut troubles = Vec::new();
        for event in 0..EVENTS_MAX {
            match self.consumer.poll(if event == 0 { wait } else { Duration::ZERO }) {
                None => {}
                Some(Ok(message)) => {
                    use rdkafka::Message as _;
                    let of = |lane: &&Lane| {
                        *lane.partition.0 == *message.topic()
                            && i64::from(lane.partition.1) == i64::from(message.partition())
                    };
                    // Of a partition that is not ours nothing is committed: its owner reads it.
                    if let Some(lane) = self.lanes.iter().find(of) {
                        self.stray.push_back(lane.single(&message));
                    }
                }
                Some(Err(error)) => troubles.push(error),
            }
        }
        if let Some(outcome) = self.committer.as_mut().and_then(Committer::outcome) {
            self.committed(outcome);
        }
        troubles.iter().try_for_each(|error| self.trouble(error))
    }

    /// Says what is wrong, unless it did just now. Only what librdkafka calls fatal is an error: the rest it gets over
    /// by itself, however long it takes.
    fn trouble(&mut self, error: &KafkaError) -> Result<(), SourceError> {
        let why = self.consumer.context().next_error().unwrap_or_else(|| error.to_string());
        if let KafkaError::MessageConsumptionFatal(code) = error {
            let cause = match code {
                RDKafkaErrorCode::FencedInstanceId => {
                    format!("another process with the same kafka.instance_id has joined the group: {why}")
                }
                _ => why,
            };
            return Err(SourceError::new(&format!("kafka at {}", self.brokers), "read", cause));
        }
        self.complaints.say(&self.brokers, &why);
        Ok(())
    }

    fn assigned(&mut self, partitions: Vec<Partition>) -> Result<(), SourceError> {
        for partition in &partitions {
            // First, for the two would share a queue, and the last to go takes its callback along.
            self.lanes.retain(|lane| lane.partition != *partition);
            let lane = Lane::open(&self.consumer, partition.clone(), self.record_bytes_max, &self.wake);
            let lane = lane.ok_or_else(|| {
                let name = format!("{}[{}]", partition.0, partition.1);
                SourceError::new(&name, "read", "librdkafka does not know the partition it assigned")
            })?;
            self.figures.assigned(partition, lane.progress.clone());
            self.lanes.push(lane);
        }
        let assign = || -> KafkaResult<()> {
            // Each goes on where the group committed last.
            let list = list_of(partitions.iter().map(|partition| (partition, Offset::Invalid)))?;
            match self.consumer.rebalance_protocol() {
                RebalanceProtocol::Cooperative => self.consumer.incremental_assign(&list),
                RebalanceProtocol::Eager | RebalanceProtocol::None => self.consumer.assign(&list),
            }
        };
        assign().map_err(|error| self.broken("assign", &error))?;
        tracing::info!(partitions = names(&partitions), "kafka partitions assigned");
        Ok(())
    }

    fn broken(&self, op: &'static str, error: &KafkaError) -> SourceError {
        SourceError::new(&format!("partitions of kafka at {}", self.brokers), op, error)
    }

    fn commit(&mut self, positions: &[Position]) {
        for position in positions {
            self.commits.durable((position.source.clone(), position.partition), position.next);
        }
        self.send();
    }

    /// Tells the broker what it does not know yet, without waiting for its answer.
    fn send(&mut self) {
        let Some(committer) = self.committer.as_mut().filter(|committer| !committer.is_busy()) else {
            return;
        };
        let positions = self.commits.send(Instant::now());
        if !positions.is_empty() {
            committer.commit(positions);
        }
    }

    fn committed(&mut self, outcome: Committed) {
        match outcome.result {
            Ok(()) => {
                self.figures.count(|figures| &figures.commits);
                for (partition, next) in outcome.positions {
                    self.commits.acknowledged(&partition, next);
                    self.figures.committed(&partition, next);
                }
            }
            // While partitions change hands the group takes none; this one is as good a moment later.
            Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::RebalanceInProgress)) => {
                self.commits.failed(Instant::now());
            }
            Err(error) => {
                self.figures.count(|figures| &figures.commit_errors);
                self.commits.failed(Instant::now());
                tracing::warn!(%error, "kafka did not take a commit; it is tried again");
            }
        }
    }

    /// Waits until everything durable of these partitions is committed, for [`SETTLE`] at most.
    fn settle(&mut self, partitions: &[Partition]) -> Result<(), SourceError> {
        let deadline = Instant::now() + SETTLE;
        while !self.commits.are_settled(partitions) {
            if Instant::now() >= deadline {
                tracing::warn!(
                    partitions = names(partitions),
                    "kafka did not take the last commit in time; the tail is read again"
                );
                break;
            }
            self.send();
            self.serve(Duration::from_millis(10))?;
        }
        Ok(())
    }

    fn release(&mut self, partitions: &[Partition]) -> Result<(), SourceError> {
        let lost = std::mem::take(&mut self.lost);
        if lost && self.is_cut_off() {
            tracing::warn!(partitions = names(partitions), "kafka partitions lost with their client");
        } else if lost {
            tracing::warn!(partitions = names(partitions), "kafka gave partitions to others without waiting");
        } else {
            self.settle(partitions)?;
            tracing::info!(partitions = names(partitions), "kafka partitions given up");
        }
        let list = list_of(partitions.iter().map(|partition| (partition, Offset::Invalid)));
        let given_up = list.and_then(|list| unassign(&self.consumer, &list));
        self.commits.forget(partitions);
        self.lanes.retain(|lane| !partitions.contains(&lane.partition));
        partitions.iter().for_each(|partition| self.figures.released(partition));
        match given_up {
            // It is not used any more.
            Err(error) if self.ill.get().is_some() => tracing::debug!(%error, "giving partitions up"),
            given_up => given_up.map_err(|error| self.broken("give up", &error))?,
        }
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let partitions = self.commits.partitions();
        let settled = if self.is_cut_off() { Ok(()) } else { self.settle(&partitions) };
        if let Err(error) = settled {
            tracing::warn!("{error}");
        }
        self.watch = None;
        self.committer = None;
        self.consumer.context().close();
        // Their queues belong to the consumer, which leaves the group when the last of them is gone.
        for lane in self.lanes.drain(..) {
            self.figures.released(&lane.partition);
        }
    }
}

fn names(partitions: &[Partition]) -> String {
    let names: Vec<String> = partitions.iter().map(|(topic, number)| format!("{topic}[{number}]")).collect();
    names.join(" ")
}
