//! Members come and go: each record is read by one of them, once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use linkloom::config::Config;
use linkloom::pipeline::FeedFigures;
use linkloom::service::{OpenStore, Service};
use linkloom::verify::{VerifySettings, verify};
use linkloom::workload::{Workload, WorkloadConfig};
use linkloom_ingest::source::kafka::{
    Bound, KafkaFigures, KafkaRange, KafkaSettings, KafkaSource, RangeSettings,
};
use linkloom_storage::memory::MemoryStore;
use linkloom_storage::retention::Retention;

use crate::support::kafka::{Broker, broker, write_lines};
use crate::support::serve::until;

/// A member at work on a thread of its own.
struct Member<'s> {
    figures: FeedFigures,
    kafka: Arc<KafkaFigures>,
    stop: AtomicBool,
    service: &'s Service,
    settings: KafkaSettings,
}

impl<'s> Member<'s> {
    fn new(service: &'s Service, broker: &Broker, topics: &[&str], options: &[(&str, &str)]) -> Self {
        // What members learn from their heartbeats they are to learn soon.
        let by_broker = options.iter().any(|(key, _)| *key == "group.protocol");
        let heartbeat = (!by_broker).then_some(&("heartbeat.interval.ms", "300"));
        let options: BTreeMap<String, String> = options
            .iter()
            .chain(heartbeat)
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let settings = KafkaSettings {
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            group: topics.join("-"),
            options,
            ..broker.settings()
        };
        Member {
            figures: FeedFigures::default(),
            kafka: Arc::new(KafkaFigures::default()),
            stop: AtomicBool::new(false),
            service,
            settings,
        }
    }

    fn run(&self) {
        let mut source = KafkaSource::new(self.settings.clone(), self.kafka.clone()).expect("a source");
        let outcome = self.service.feed(&mut source, &self.figures, &self.stop).expect("fed");
        assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    }

    fn read(&self) -> u64 {
        self.figures.read.load(Ordering::Relaxed)
    }

    fn end(&self) {
        self.stop.store(true, Ordering::Release);
    }
}

fn service() -> Service {
    let mut config = Config::default();
    config.flush.reports_max = 700;
    config.flush.delay_ms = 50;
    let store = OpenStore::new(Arc::new(MemoryStore::new(Retention::Forever)), &config).expect("opens");
    Service::start(store, &config, None).expect("starts")
}

/// Lines of a workload.
fn lines(count: u64) -> Vec<Vec<u8>> {
    let mut workload = Workload::new(WorkloadConfig { lines: count, seed: 3, ..WorkloadConfig::default() });
    let mut bytes = Vec::new();
    workload.write_to(&mut bytes).expect("written");
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

/// Every record of the topics is in the store.
fn assert_verified(service: &Service, broker: &Broker, topics: &[&str], records: u64) {
    let mut read = 0;
    for topic in topics {
        let range = RangeSettings {
            topic: (*topic).to_owned(),
            from: Bound::Start,
            to: Bound::End,
            read_before: BTreeMap::new(),
        };
        let mut source = KafkaRange::open(&broker.settings(), &range).expect("opens");
        let store = &*service.open().store;
        let (verified, notes) =
            verify(store, &mut source, &VerifySettings::default(), &mut |_| {}).expect("the store answers");
        assert!(notes.failed.is_empty() && verified.missing == 0, "{verified:?}");
        read += verified.read;
    }
    assert_eq!(read, records);
}

/// Two members take turns while the topics are written to. A partition goes over only when everything read of it is
/// durable and committed, so that nothing is read twice.
fn come_and_go(broker: &Broker, topics: &[&str], options: &[(&str, &str)]) {
    let lines = lines(30_000);
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    topics.iter().for_each(|topic| broker.topic(topic, 4));
    let writer = broker.writer();
    let service = service();
    let [first, second, third] = [0; 3].map(|_| Member::new(&service, broker, topics, options));
    let written = AtomicU64::new(0);
    let write = |part: usize| {
        let part = &lines[part * 5_000..(part + 1) * 5_000];
        let (one, other) = part.split_at(part.len() / topics.len());
        write_lines(&writer, topics[0], 4, 50, one);
        write_lines(&writer, topics.last().expect("a topic"), 4, 50, other);
        written.fetch_add(part.len() as u64, Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        write(0);
        let one = scope.spawn(|| first.run());
        until("the first reads", || first.read() > 0);
        let two = scope.spawn(|| second.run());
        write(1);
        let all = 4 * topics.len();
        until("both have half", || {
            first.kafka.partitions() == all / 2 && second.kafka.partitions() == all / 2
        });
        write(2);
        until("the second reads", || second.read() > 0);
        first.end();
        write(3);
        one.join().expect("the first ends well");
        until("the second has all", || second.kafka.partitions() == all);
        let three = scope.spawn(|| third.run());
        write(4);
        until("the third has half", || third.kafka.partitions() == all / 2);
        write(5);
        writer.flush().expect("written");
        let read = || first.read() + second.read() + third.read();
        until("all is read", || read() >= written.load(Ordering::Relaxed));
        second.end();
        third.end();
        two.join().expect("the second ends well");
        three.join().expect("the third ends well");
        assert_eq!(read(), written.load(Ordering::Relaxed), "each record is read once");
    });
    for member in [&first, &second, &third] {
        let get = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        assert!(get(&member.kafka.rebalances) > 0 && get(&member.kafka.commits) > 0);
        assert_eq!(member.kafka.partitions(), 0, "all are given up");
    }
    service.drain();
    assert_verified(&service, broker, topics, written.load(Ordering::Relaxed));
}

#[test]
fn members_come_and_go_and_nothing_is_read_twice() {
    let Some(broker) = broker() else { return };
    come_and_go(broker, &["turns-a", "turns-b"], &[]);
}

#[test]
fn so_they_do_where_all_partitions_are_given_up_at_once() {
    let Some(broker) = broker() else { return };
    come_and_go(broker, &["eager"], &[("partition.assignment.strategy", "range")]);
}

#[test]
fn so_they_do_where_the_broker_assigns() {
    let Some(broker) = broker() else { return };
    come_and_go(broker, &["broker-side"], &[("group.protocol", "consumer")]);
}
