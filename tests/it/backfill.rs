//! A stretch read again, without a broker: only what is missing is stored, and one that was interrupted goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use linkloom::backfill::{Backfill, BackfillFigures, Remembered};
use linkloom::config::Config;
use linkloom::pipeline::FeedFigures;
use linkloom::service::{OpenStore, Service};
use linkloom::verify::VerifySettings;
use linkloom_ingest::source::kafka::{Bound, RangeSettings};
use linkloom_ingest::source::{Next, Position, Source, SourceError};
use linkloom_storage::memory::MemoryStore;
use linkloom_storage::retention::Retention;

use crate::support::feeding::batch;

/// Batches of two partitions; breaks off after some of them.
struct Topic {
    batches: std::vec::IntoIter<linkloom_ingest::source::RawBatch>,
    breaks_off_after: usize,
}

impl Topic {
    /// Ten batches of a report, a refused record and the report again, from these positions on.
    fn new(breaks_off_after: usize, from: &BTreeMap<u32, u64>) -> Self {
        let report = |number: u64| {
            format!(
                r#"{{"businessId":"b","sceneId":"s","executionId":"e{number}","nodeName":"n","status":"COMPLETED","time":1795255200}}"#
            )
        };
        let batches = (0..10_u64).filter_map(|number| {
            let (partition, position) = ((number % 2) as u32, number / 2 * 3);
            let line = report(number);
            let is_new = from.get(&partition).is_none_or(|from| position >= *from);
            is_new.then(|| batch("topic", partition, position, &[&line, "refused", &line]))
        });
        Topic { batches: batches.collect::<Vec<_>>().into_iter(), breaks_off_after }
    }
}

impl Source for Topic {
    fn next(&mut self, _wait: Duration) -> Result<Next, SourceError> {
        if self.breaks_off_after == 0 {
            let source_name = "topic".to_owned();
            return Err(SourceError { source_name, op: "read", cause: "it broke off".to_owned() });
        }
        self.breaks_off_after -= 1;
        Ok(self.batches.next().map_or(Next::End, Next::Batch))
    }

    fn commit(&mut self, _positions: &[Position]) -> Result<(), SourceError> {
        Ok(())
    }
}

fn range() -> RangeSettings {
    RangeSettings {
        topic: "topic".to_owned(),
        from: Bound::Start,
        to: Bound::Offset(15),
        read_before: BTreeMap::new(),
    }
}

/// What came of a run: records read, stored before, stored now (with duplicates), dead letters; and whether it ended.
fn run(service: &Service, topic: &mut Topic, rate: u64) -> ([u64; 4], bool) {
    let (figures, feed) = (BackfillFigures::default(), FeedFigures::default());
    let store = service.open().store.clone();
    let remembered = Remembered::new(&range());
    let mut backfill =
        Backfill::new(topic, &*store, VerifySettings::default(), remembered.clone(), rate, &figures);
    let outcome = service.feed(&mut backfill, &feed, &AtomicBool::new(false)).expect("fed");
    let complete = backfill.is_complete() && outcome.failed.is_empty();
    if complete {
        remembered.complete(&*store, &[0, 1]).expect("stored");
    }
    let counted = [&figures.read, &figures.stored_before, &feed.stored, &feed.dead];
    (counted.map(|figure| figure.load(Ordering::Relaxed)), complete)
}

fn service() -> Service {
    let config = Config::default();
    let store = OpenStore::new(Arc::new(MemoryStore::new(Retention::Forever)), &config).expect("opens");
    Service::start(store, &config, None).expect("starts")
}

fn read_before(service: &Service) -> BTreeMap<u32, u64> {
    Remembered::new(&range()).read_before(&*service.open().store, &[0, 1]).expect("the store answers")
}

#[test]
fn only_what_is_missing_is_stored() {
    let service = service();
    let all = usize::MAX;
    let (first, complete) = run(&service, &mut Topic::new(all, &BTreeMap::new()), 0);
    assert_eq!((first, complete), ([30, 0, 10, 10], true), "each report comes twice and is stored once");
    for _ in 0..2 {
        let (again, complete) = run(&service, &mut Topic::new(all, &BTreeMap::new()), 0);
        assert_eq!((again, complete), ([30, 30, 0, 0], true));
    }
}

#[test]
fn one_that_was_interrupted_goes_on_and_one_that_ended_begins_anew() {
    let service = service();
    assert_eq!(read_before(&service), BTreeMap::new());
    let (first, complete) = run(&service, &mut Topic::new(5, &BTreeMap::new()), 0);
    assert_eq!((first, complete), ([15, 0, 5, 5], false));
    let before = read_before(&service);
    assert_eq!(before, BTreeMap::from([(0, 9), (1, 6)]), "behind what was stored of each partition");
    let (rest, complete) = run(&service, &mut Topic::new(usize::MAX, &before), 0);
    assert_eq!((rest, complete), ([15, 0, 5, 5], true), "nothing is read twice");
    assert_eq!(read_before(&service), BTreeMap::new());
    let other = RangeSettings { to: Bound::End, ..range() };
    let other = Remembered::new(&other).read_before(&*service.open().store, &[0, 1]);
    assert_eq!(other.expect("the store answers"), BTreeMap::new(), "another stretch knows nothing of it");
}

#[test]
fn the_rate_is_kept() {
    let service = service();
    let began = Instant::now();
    let (read, complete) = run(&service, &mut Topic::new(usize::MAX, &BTreeMap::new()), 100);
    assert_eq!((read[0], complete), (30, true));
    // The last batch may go at once.
    assert!(began.elapsed() >= Duration::from_millis(270 - 30), "{:?}", began.elapsed());
}
