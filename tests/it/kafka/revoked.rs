//! A partition that is taken away, without a broker: when the source is told to let it go, all of it is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use linkloom::config::Config;
use linkloom::pipeline::FeedFigures;
use linkloom::service::{OpenStore, Service};
use linkloom_ingest::source::{Next, Position, Source, SourceError};
use linkloom_storage::memory::MemoryStore;
use linkloom_storage::retention::Retention;

use crate::support::feeding::batch;

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

#[test]
fn everything_read_of_a_partition_is_committed_before_it_goes() {
    let line = r#"{"traceId":"t","message":"m","time":1795255200}"#;
    let of = |partition, position| Next::Batch(batch("topic", partition, position, &[line, "refused"]));
    let says = vec![
        of(0, 0),
        of(1, 10),
        of(0, 2),
        Next::Revoked(vec![("topic".into(), 0)]),
        of(1, 12),
        // It comes back further behind: somebody else had it, and was killed.
        Next::Revoked(vec![("topic".into(), 1)]),
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
