//! Records of a source into a topic: acknowledged to the source when Kafka has them, tried again until it has.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use linkloom_ingest::decode::{Decoder, Limits};
use linkloom_ingest::source::kafka::{KafkaSettings, KafkaWriter, NewRecord, Undelivered, record_bytes_max};
use linkloom_ingest::source::{Next, RawBatch, Record, Source, SourceError};
use linkloom_schema::row_key;

use crate::config::Config;
use crate::service::limits;

/// How long a source is waited for; while records are under way, less, so that they are acknowledged in time.
const WAIT: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(5));
/// First and longest pause before records Kafka did not take are written again.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// How long what is under way is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a topic takes as long as Kafka has not said it.
const RECORD_BYTES: usize = 1_000_000;

/// What went to a topic.
#[derive(Debug, Default)]
pub struct ForwardFigures {
    /// Records Kafka has.
    pub delivered: AtomicU64,
    /// Records that were written again because Kafka did not take them.
    pub retried: AtomicU64,
    /// Records that are longer than the topic takes, and were left out.
    pub refused: AtomicU64,
    /// Bytes of records that were read and Kafka does not have yet.
    pub under_way: AtomicU64,
}

/// A topic that is written to.
pub struct Target {
    settings: KafkaSettings,
    topic: String,
    record_bytes_max: AtomicUsize,
    /// Kafka has said what the topic takes.
    asked: AtomicBool,
    /// Why Kafka did not take what was written last.
    trouble: std::sync::Mutex<Option<String>>,
    figures: ForwardFigures,
}

impl Target {
    /// The topic; nothing is connected to yet.
    ///
    /// Errors: librdkafka does not take the settings.
    pub fn new(settings: KafkaSettings, topic: &str) -> Result<Self, SourceError> {
        KafkaWriter::new(&settings)?;
        Ok(Target {
            settings,
            topic: topic.to_owned(),
            record_bytes_max: AtomicUsize::new(RECORD_BYTES),
            asked: AtomicBool::new(false),
            trouble: std::sync::Mutex::default(),
            figures: ForwardFigures::default(),
        })
    }

    /// Its name.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Longest record it takes, in bytes of its value.
    pub fn record_bytes_max(&self) -> usize {
        self.record_bytes_max.load(Ordering::Relaxed)
    }

    /// What went there.
    pub fn figures(&self) -> &ForwardFigures {
        &self.figures
    }

    /// What keeps it from taking records, as far as is known.
    pub fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        trouble.or_else(|| {
            // What it took is an answer, too.
            let answered = self.asked.load(Ordering::Relaxed) || self.has_delivered();
            (!answered).then(|| {
                format!("topic {}: kafka at {} has not answered yet", self.topic, self.settings.brokers)
            })
        })
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = trouble;
    }

    fn has_delivered(&self) -> bool {
        self.figures.delivered.load(Ordering::Relaxed) > 0
    }

    /// Asks what the topic takes. A Kafka that does not tell takes what it takes: what is too long is found out when it is
    /// written.
    fn ask(&self) {
        match record_bytes_max(&self.settings, &self.topic) {
            Ok(max) => {
                if let Some(max) = max {
                    self.record_bytes_max.store(max, Ordering::Relaxed);
                }
                self.asked.store(true, Ordering::Relaxed);
                self.set_trouble(None);
            }
            Err(error) => self.set_trouble(Some(error.to_string())),
        }
    }
}

/// Brings records of a source to a topic.
pub struct Forwarder {
    target: Arc<Target>,
    limits: Limits,
    bytes_max: u64,
}

/// A batch on its way.
struct UnderWay {
    number: u64,
    batch: RawBatch,
    state: State,
    tries: u32,
    /// Its records travel one by one: what the broker says of one is true of it.
    alone: bool,
    /// Longest record the topic took, as far as was known when it came: longer ones are left out, and counted.
    max: usize,
    left_out: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Written,
    /// Kafka did not take all of it.
    Again(Instant),
    Done,
}

type Delivery = (u64, Result<(), Undelivered>);

impl Forwarder {
    /// A forwarder to a topic.
    pub fn new(target: Arc<Target>, config: &Config) -> Self {
        Forwarder { target, limits: limits(config), bytes_max: config.relay.bytes_max as u64 }
    }

    /// Brings what comes to the topic until `stop`, then waits a little for what is under way.
    pub fn run(&self, source: &mut dyn Source, stop: &AtomicBool) {
        let (tell, told) = unbounded::<Delivery>();
        let mut run = Run {
            of: self,
            decoder: Decoder::new(self.limits.clone()),
            writer: None,
            alone: None,
            under_way: VecDeque::new(),
            bytes: 0,
            next: 0,
            tell,
            told,
            asked: None,
        };
        let mut ends: Option<Instant> = None;
        loop {
            run.ask_again();
            run.hear();
            run.write_again();
            run.commit(source);
            if stop.load(Ordering::Acquire) || ends.is_some() {
                let ends = *ends.get_or_insert_with(|| Instant::now() + PATIENCE);
                if run.under_way.is_empty() || Instant::now() >= ends {
                    break;
                }
                run.wait(WAIT.1);
                continue;
            }
            if run.bytes >= self.bytes_max {
                // Files that come and go meanwhile are seen.
                if let Err(error) = source.keep_alive() {
                    tracing::warn!("{error}");
                }
                run.wait(WAIT.0);
                continue;
            }
            let wait = if run.under_way.is_empty() { WAIT.0 } else { WAIT.1 };
            match source.next(wait) {
                Ok(Next::Batch(batch)) => run.take(batch),
                Ok(Next::Opened(opened)) => {
                    tracing::info!(file = %opened.source, from = opened.position, "following");
                }
                Ok(Next::Incomplete(incomplete)) => tracing::warn!("{incomplete}"),
                Ok(Next::Idle | Next::Revoked { .. }) => {}
                Ok(Next::End) => ends = Some(Instant::now() + PATIENCE),
                Err(error) => tracing::warn!("{error}"),
            }
        }
        if !run.under_way.is_empty() {
            tracing::warn!(
                bytes = run.bytes,
                "kafka has not confirmed everything: lines of files are read again, and posts were not confirmed either"
            );
        }
        self.target.figures.under_way.fetch_sub(run.bytes, Ordering::Relaxed);
    }
}

/// A forwarder at work.
struct Run<'f> {
    of: &'f Forwarder,
    decoder: Decoder,
    /// With the length of batches it was made for.
    writer: Option<(usize, KafkaWriter)>,
    /// One that sends each record by itself.
    alone: Option<(usize, KafkaWriter)>,
    /// Oldest first.
    under_way: VecDeque<UnderWay>,
    bytes: u64,
    next: u64,
    tell: Sender<Delivery>,
    told: Receiver<Delivery>,
    /// When Kafka was asked last what the topic takes.
    asked: Option<Instant>,
}

impl Run<'_> {
    /// Asks what the topic takes, as long as that is not known.
    fn ask_again(&mut self) {
        let target = &self.of.target;
        // Where it takes what is written it need not be asked a second time.
        let due = self.asked.is_none_or(|asked| asked.elapsed() >= AGAIN.1 && !target.has_delivered());
        if !target.asked.load(Ordering::Relaxed) && due {
            target.ask();
            self.asked = Some(Instant::now());
        }
    }

    fn take(&mut self, batch: RawBatch) {
        let bytes = batch.bytes.len() as u64;
        self.bytes += bytes;
        self.of.target.figures.under_way.fetch_add(bytes, Ordering::Relaxed);
        let number = self.next;
        self.next += 1;
        let max = self.of.target.record_bytes_max();
        let mut left_out = 0;
        for record in batch.iter().filter(|record| record.bytes.len() > max) {
            left_out += 1;
            complain(&record, max, &self.of.target);
        }
        self.of.target.figures.refused.fetch_add(left_out, Ordering::Relaxed);
        let state = State::Written;
        self.under_way.push_back(UnderWay { number, batch, state, tries: 0, alone: false, max, left_out });
        self.write(self.under_way.len() - 1);
    }

    /// Hands a batch to Kafka.
    fn write(&mut self, at: usize) {
        let target = &self.of.target;
        let UnderWay { number, batch, alone, max, .. } = &self.under_way[at];
        let (number, max) = (*number, *max);
        let made = if *alone {
            writer_of(&mut self.alone, target, usize::MAX, 1)
        } else {
            writer_of(&mut self.writer, target, target.record_bytes_max(), usize::MAX)
        };
        let writer = match made {
            Ok(writer) => writer,
            Err(error) => {
                let why = error.to_string();
                return self.failed(number, &Undelivered { records: 1, too_long: 0, why });
            }
        };
        let records: Vec<Record<'_>> = batch.iter().filter(|record| record.bytes.len() <= max).collect();
        let (mut key, decoder) = (String::new(), &mut self.decoder);
        let keys: Vec<Option<Box<[u8]>>> =
            records.iter().map(|record| key_of(decoder, record, &mut key)).collect();
        let new = records.iter().zip(&keys).map(|(record, key)| NewRecord {
            partition: None,
            key: key.as_deref(),
            value: Some(record.bytes),
            time_ms: record.time.map(|time| time.0.div_euclid(1_000)),
        });
        let tell = self.tell.clone();
        writer.write_then(&target.topic, new, move |result| {
            // Who has gone does not want to know.
            let _ = tell.send((number, result));
        });
    }

    /// Hears what became of records.
    fn hear(&mut self) {
        while let Ok(delivery) = self.told.try_recv() {
            self.heard(delivery);
        }
    }

    /// Waits for news.
    fn wait(&mut self, wait: Duration) {
        if let Ok(delivery) = self.told.recv_timeout(wait) {
            self.heard(delivery);
        }
    }

    fn heard(&mut self, (number, result): Delivery) {
        let target = &self.of.target;
        let Some(one) = self.under_way.iter_mut().find(|one| one.number == number) else { return };
        let lost = match result {
            Err(lost) if lost.records > lost.too_long => return self.failed(number, &lost),
            // Brokers say it of all that came together.
            Err(_) if !one.alone && one.batch.records.len() > 1 => {
                one.alone = true;
                one.state = State::Again(Instant::now());
                return;
            }
            result => result.err().map_or(0, |lost| lost.too_long as u64),
        };
        one.state = State::Done;
        if lost > 0 {
            tracing::warn!(
                source = %one.batch.source,
                records = lost,
                "the topic does not take records that long: they are left out"
            );
            target.figures.refused.fetch_add(lost, Ordering::Relaxed);
        }
        let records = one.batch.records.len() as u64;
        let delivered = records.saturating_sub(one.left_out + lost);
        target.figures.delivered.fetch_add(delivered, Ordering::Relaxed);
        target.set_trouble(None);
    }

    fn failed(&mut self, number: u64, lost: &Undelivered) {
        let target = &self.of.target;
        let why = format!("topic {}: {lost}", target.topic);
        let Some(one) = self.under_way.iter_mut().find(|one| one.number == number) else { return };
        let pause = AGAIN.1.min(AGAIN.0.saturating_mul(2_u32.saturating_pow(one.tries)));
        if one.tries == 0 {
            tracing::warn!(try_again_in = ?pause, "{why}");
        }
        one.tries += 1;
        one.state = State::Again(Instant::now() + pause);
        target.figures.retried.fetch_add(one.batch.records.len() as u64, Ordering::Relaxed);
        target.set_trouble(Some(why));
    }

    /// Writes once more what Kafka did not take. Records it did take come twice; their identity makes that harmless.
    fn write_again(&mut self) {
        let now = Instant::now();
        for at in 0..self.under_way.len() {
            if matches!(self.under_way[at].state, State::Again(when) if when <= now) {
                self.under_way[at].state = State::Written;
                self.write(at);
            }
        }
    }

    /// Tells the source what Kafka has.
    fn commit(&mut self, source: &mut dyn Source) {
        let mut positions = Vec::new();
        while self.under_way.front().is_some_and(|one| one.state == State::Done) {
            let Some(one) = self.under_way.pop_front() else { break };
            let bytes = one.batch.bytes.len() as u64;
            self.bytes -= bytes;
            self.of.target.figures.under_way.fetch_sub(bytes, Ordering::Relaxed);
            positions.push(one.batch.position());
        }
        if positions.is_empty() {
            return;
        }
        if let Err(error) = source.commit(&positions) {
            tracing::warn!("{error}");
        }
    }
}

/// The writer for batches of so many bytes and records; a new one if there is none, or none that is of use.
fn writer_of<'w>(
    kept: &'w mut Option<(usize, KafkaWriter)>,
    target: &Target,
    bytes_max: usize,
    records_max: usize,
) -> Result<&'w KafkaWriter, SourceError> {
    let is_of_use = |(made_for, writer): &(usize, KafkaWriter)| *made_for == bytes_max && !writer.is_broken();
    let writer = match kept.take().filter(is_of_use) {
        Some(writer) => writer,
        None => (bytes_max, KafkaWriter::with_batches(&target.settings, bytes_max, records_max)?),
    };
    Ok(&kept.insert(writer).1)
}

/// The key of a record: the row key of its execution, so that all reports of one are in one partition; none without a mark.
fn key_of(decoder: &mut Decoder, record: &Record<'_>, key: &mut String) -> Option<Box<[u8]>> {
    let report = decoder.decode_record(record).ok()?;
    key.clear();
    row_key::push_link(key, report.mark.as_ref()?.as_ref());
    Some(key.as_bytes().into())
}

fn complain(record: &Record<'_>, max: usize, target: &Target) {
    tracing::warn!(
        at = %record.origin,
        bytes = record.bytes.len(),
        "the report is longer than topic {} takes ({max} bytes): it is left out",
        target.topic
    );
}
