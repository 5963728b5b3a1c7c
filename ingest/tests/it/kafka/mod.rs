//! Clients that librdkafka leaves in a state they never leave by themselves, against its own mock broker behind a proxy.

mod between;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use linkloom_ingest::source::kafka::{
    KafkaFigures, KafkaSettings, KafkaSource, KafkaWriter, NewRecord, clients_renewed,
};
use linkloom_ingest::source::{Next, Position, Source};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use between::Between;

/// Bound on anything waited for.
const PATIENCE: Duration = Duration::from_secs(150);
/// So many that librdkafka is still busy with an answer that names them when the broker it dropped is gone.
const PARTITIONS: i32 = 300;
/// Tries to have a client lose Kafka: most of them do, some find it again at once.
const TRIES: usize = 60;

/// The count of renewed clients is one for the process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

struct Mock {
    cluster: MockCluster<'static, DefaultProducerContext>,
    between: Between,
}

impl Mock {
    fn new() -> Self {
        let cluster = MockCluster::new(1).expect("a mock");
        let between = Between::new(&cluster.bootstrap_servers());
        Mock { cluster, between }
    }

    fn topic(&self, name: &str, partitions: i32) {
        self.cluster.create_topic(name, partitions, 1).expect("made");
    }

    /// What goes through the proxy.
    fn settings(&self, topic: &str) -> KafkaSettings {
        let options = [
            ("topic.metadata.refresh.interval.ms", "500"),
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "500"),
        ];
        KafkaSettings {
            brokers: self.between.address.clone(),
            topics: vec![topic.to_owned()],
            group: format!("{topic}-group"),
            options: options.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            ..KafkaSettings::default()
        }
    }

    /// Writes so many records, one to each partition in turn, beside the proxy.
    fn write(&self, topic: &str, partitions: u32, records: u32) {
        let settings =
            KafkaSettings { brokers: self.cluster.bootstrap_servers(), ..KafkaSettings::default() };
        let writer = KafkaWriter::new(&settings).expect("a writer");
        let new = (0..records).map(|number| NewRecord {
            partition: Some(number % partitions),
            value: Some(b"{}"),
            ..NewRecord::default()
        });
        writer.write(topic, new).expect("written");
    }
}

/// A member of a group at work: what it reads is durable at once.
struct Reading {
    source: KafkaSource,
    figures: Arc<KafkaFigures>,
    /// Records that were read, and those that were read more than once.
    read: BTreeSet<(u32, u64)>,
    again: usize,
    /// Times its partitions were taken away, and how many of these without waiting.
    revoked: (usize, usize),
}

impl Reading {
    fn new(settings: KafkaSettings) -> Self {
        let figures = Arc::new(KafkaFigures::default());
        let source = KafkaSource::new(settings, figures.clone()).expect("a source");
        Reading { source, figures, read: BTreeSet::new(), again: 0, revoked: (0, 0) }
    }

    #[track_caller]
    fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < PATIENCE, "still not: {what}; {} were read", self.read.len());
            match self.source.next(Duration::from_millis(50)).expect("it goes on") {
                Next::Batch(batch) => {
                    for record in &batch.records {
                        self.again += usize::from(!self.read.insert((batch.partition, record.position)));
                    }
                    let (source, partition, next) =
                        (batch.source.clone(), batch.partition, batch.next_position);
                    self.source.commit(&[Position { source, partition, next }]).expect("committed");
                }
                Next::Revoked { partitions, lost } => {
                    self.revoked.0 += 1;
                    self.revoked.1 += usize::from(lost);
                    self.source.release(&partitions).expect("released");
                }
                _ => {}
            }
        }
    }

    fn is_committed(&self, partitions: usize) -> bool {
        let lags = self.figures.lags();
        lags.len() == partitions && lags.iter().all(|lag| lag.records == 0)
    }
}

#[test]
fn a_writer_that_lost_kafka_is_made_anew_and_the_records_are_written() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (mock, before) = (Mock::new(), clients_renewed());
    mock.topic("wide", PARTITIONS);
    let writer = KafkaWriter::new(&mock.settings("wide")).expect("a writer");
    let record = || [NewRecord { partition: Some(7), value: Some(b"x"), ..NewRecord::default() }];
    writer.write("wide", record()).expect("written");
    let mut tries = 0;
    while clients_renewed() == before {
        tries += 1;
        assert!(tries <= TRIES, "it never lost it");
        // The topic is not known to it yet: it asks, and is told of no broker.
        let topic = format!("new-{tries}");
        mock.topic(&topic, PARTITIONS);
        mock.between.hide(1);
        let began = Instant::now();
        while let Err(error) = writer.write(&topic, record()) {
            assert!(began.elapsed() < PATIENCE, "{error}");
        }
        assert_eq!(mock.between.to_hide(), 0, "it was told of no broker");
    }
    writer.write("wide", record()).expect("written");
    assert!(!writer.is_broken());
}

#[test]
fn a_member_that_lost_kafka_is_made_anew_and_reads_all_of_it() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (mock, before) = (Mock::new(), clients_renewed());
    mock.topic("lost", PARTITIONS);
    mock.write("lost", PARTITIONS as u32, 600);
    let mut reading = Reading::new(mock.settings("lost"));
    reading.until("the first are read", |reading| reading.read.len() == 600);
    reading.until("and committed", |reading| reading.is_committed(PARTITIONS as usize));
    let mut records = 600;
    let mut tries = 0;
    while clients_renewed() == before {
        tries += 1;
        assert!(tries <= TRIES, "it never lost it");
        mock.between.hide(1);
        reading.until("it is told of no broker", |_| mock.between.to_hide() == 0);
        mock.write("lost", PARTITIONS as u32, 300);
        records += 300;
        reading.until("the others are read", |reading| reading.read.len() == records);
    }
    assert!(reading.revoked.1 > 0, "nobody waited for the coordinator");
    reading.until("all is committed", |reading| reading.is_committed(PARTITIONS as usize));
    assert_eq!(reading.again, 0, "it went on where it had committed");
}

#[test]
fn a_partition_that_was_never_begun_is_read_and_others_are_left_alone() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (mock, before) = (Mock::new(), clients_renewed());
    mock.topic("begun", 4);
    mock.write("begun", 4, 400);
    // librdkafka asks once where the group goes on; if the coordinator has just moved, that was it.
    let moved = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
    mock.cluster.request_errors(RDKafkaApiKey::OffsetFetch, &[moved]);
    let mut reading = Reading::new(mock.settings("begun"));
    reading.until("all is read", |reading| reading.read.len() == 400);
    assert_eq!(clients_renewed(), before + 1);
    assert_eq!((reading.revoked, reading.again), ((1, 0), 0));
    reading.until("all is committed", |reading| reading.is_committed(4));
}
