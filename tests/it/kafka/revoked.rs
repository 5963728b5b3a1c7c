//! A partition that is taken away, without a broker: when the source is told to let it go, all of it is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use linkloom::config::Config;
use linkloom::pipeline::{DigestTopic, Ending, FeedFigures};
use linkloom::service::{OpenStore, Service};
use linkloom_assembler::handed::{self, Handed};
use linkloom_ingest::source::kafka::KafkaSettings;
use linkloom_ingest::source::{Next, Position, Source, SourceError};
use linkloom_storage::cell::Table;
use linkloom_storage::memory::{Call, MemoryStore};
use linkloom_storage::retention::Retention;
use linkloom_storage::store::StoreError;

use crate::support::feeding::batch;
use crate::support::serve::PATIENCE;

/// Says what it was told in advance, and keeps what it is told.
struct Scripted {
    says: std::vec::IntoIter<Next>,
    told: Vec<String>,
}

impl Source for Scripted {
    fn next(&mut self, _wait: Duration) -> Result<Next, SourceError> {
        Ok(self.says.next().unwrap_or(Next::End))
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), SourceError> {
        let names = positions.iter().map(|p| format!("{}[{}]@{}", p.source, p.partition, p.next));
        self.told.push(format!("commit {}", names.collect::<Vec<_>>().join(" ")));
        Ok(())
    }

    fn release(&mut self, partitions: &[(Arc<str>, u32)]) -> Result<(), SourceError> {
        let names = partitions.iter().map(|(topic, partition)| format!("{topic}[{partition}]"));
        self.told.push(format!("release {}", names.collect::<Vec<_>>().join(" ")));
        Ok(())
    }
}

/// A memory store that takes no unmarked reports while `refuses` is set.
fn refusing(refuses: Arc<AtomicBool>) -> MemoryStore {
    MemoryStore::watched("memory", move |call| match call {
        Call::Write(batch)
            if refuses.load(Ordering::Acquire)
                && batch.cells.iter().any(|cell| cell.table == Table::Unlinked) =>
        {
            let (store, cause) = ("memory".to_owned(), "an outage".to_owned());
            Err(StoreError::Unavailable { store, op: "write", cause })
        }
        Call::Write(_) | Call::Read => Ok(()),
    })
}

/// Gives reports without end, and counts how often it is told that the pipeline waits.
struct Endless {
    next: u64,
    told: Arc<AtomicU64>,
    refuses: Arc<AtomicBool>,
}

impl Source for Endless {
    fn next(&mut self, _wait: Duration) -> Result<Next, SourceError> {
        if self.told.load(Ordering::Relaxed) >= 3 {
            return Ok(Next::End);
        }
        let line = format!(r#"{{"traceId":"t","message":"m{}","time":1795255200}}"#, self.next);
        self.next += 1;
        Ok(Next::Batch(batch("topic", 0, self.next - 1, &[&line])))
    }

    fn commit(&mut self, _positions: &[Position]) -> Result<(), SourceError> {
        Ok(())
    }

    fn keep_alive(&mut self) -> Result<(), SourceError> {
        if self.told.fetch_add(1, Ordering::Relaxed) == 2 {
            self.refuses.store(false, Ordering::Release);
        }
        Ok(())
    }
}

#[test]
fn a_source_is_told_that_we_live_while_the_store_is_away() {
    let refuses = Arc::new(AtomicBool::new(true));
    let store = Arc::new(refusing(refuses.clone()));
    let mut config = Config::default();
    config.flush.reports_max = 10;
    let open = OpenStore::new(store, &config).expect("opens");
    let service = Service::start(open, &config, None).expect("starts");
    let told = Arc::new(AtomicU64::new(0));
    let mut source = Endless { next: 0, told: told.clone(), refuses };
    let figures = FeedFigures::default();
    service.feed(&mut source, &figures, &AtomicBool::new(false)).expect("fed");
    let read = figures.read.load(Ordering::Relaxed);
    assert_eq!(figures.stored.load(Ordering::Relaxed), read, "all of it is stored when the store is back");
    // Buffers of the threads, the one that is filled, and the one that waits.
    assert!(read <= 60, "{read} records were read while nothing could be stored");
}

#[test]
fn everything_read_of_a_partition_is_committed_before_it_goes() {
    let line = r#"{"traceId":"t","message":"m","time":1795255200}"#;
    let of = |partition, position| Next::Batch(batch("topic", partition, position, &[line, "refused"]));
    let says = vec![
        of(0, 0),
        of(1, 10),
        of(0, 2),
        Next::Revoked { partitions: vec![("topic".into(), 0)], lost: false },
        of(1, 12),
        // It comes back further behind: somebody else had it, and was killed.
        Next::Revoked { partitions: vec![("topic".into(), 1)], lost: false },
        of(0, 1),
    ];
    let mut source = Scripted { says: says.into_iter(), told: Vec::new() };
    let config = Config::default();
    let store = OpenStore::new(Arc::new(MemoryStore::new(Retention::Forever)), &config).expect("opens");
    let service = Service::start(store, &config, None).expect("starts");
    let figures = FeedFigures::default();
    service.feed(&mut source, &figures, &AtomicBool::new(false)).expect("fed");
    expect_test::expect![[r#"
        commit topic[0]@4 topic[1]@12
        release topic[0]
        commit topic[1]@14
        release topic[1]
        commit topic[0]@3
    "#]]
    .assert_eq(&(source.told.join("\n") + "\n"));
    assert_eq!(figures.read.load(Ordering::Relaxed), 10);
}

/// Gives what it was told, then waits for a commit.
struct UntilCommitted {
    scripted: Scripted,
    began: Instant,
}

impl Source for UntilCommitted {
    fn next(&mut self, wait: Duration) -> Result<Next, SourceError> {
        if let Some(next) = self.scripted.says.next() {
            return Ok(next);
        }
        let committed = self.scripted.told.iter().any(|told| told.starts_with("commit"));
        let over = committed || self.began.elapsed() > PATIENCE;
        std::thread::park_timeout(if over { Duration::ZERO } else { wait });
        Ok(if over { Next::End } else { Next::Idle })
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), SourceError> {
        self.scripted.commit(positions)
    }

    fn release(&mut self, partitions: &[(Arc<str>, u32)]) -> Result<(), SourceError> {
        self.scripted.release(partitions)
    }
}

#[test]
fn traces_of_a_partition_that_stays_are_looked_up_again_when_another_one_goes() {
    let messages = handed::messages(&[Handed::Trace("t".to_owned())], 1);
    let message = std::str::from_utf8(&messages[0].1).expect("nothing but short ASCII in it");
    let of = |partition, position| Next::Batch(batch("digests", partition, position, &[message]));
    let says =
        vec![of(0, 3), of(1, 7), Next::Revoked { partitions: vec![("digests".into(), 0)], lost: false }];
    let scripted = Scripted { says: says.into_iter(), told: Vec::new() };
    let mut source = UntilCommitted { scripted, began: Instant::now() };
    let config = Config::default();
    let store = OpenStore::new(Arc::new(MemoryStore::default()), &config).expect("opens");
    let service = Service::start(store, &config, None).expect("starts");
    // Nothing is joined, so nothing is written to it.
    let settings = KafkaSettings { brokers: "127.0.0.1:1".to_owned(), ..KafkaSettings::default() };
    let topic = DigestTopic::new(settings, "digests", 2).expect("good settings");
    service.feed_digests(&topic, &mut source, &Ending::default()).expect("fed");
    assert_eq!(source.scripted.told, ["release digests[0]", "commit digests[1]@8"]);
}
