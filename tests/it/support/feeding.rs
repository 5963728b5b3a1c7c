//! Ways to get the same reports into a store, and the sources that do it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use linkloom::config::Config;
use linkloom::pipeline::FeedFigures;
use linkloom::service::{OpenStore, Service};
use linkloom_ingest::source::{Next, Position, RawBatch, RawRecord, Source, SourceError};
use linkloom_schema::definition::Definition;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::Table;
use linkloom_storage::store::{Rows, Scan, Store};
use proptest::prelude::*;
use proptest::sample::select;

use super::Random;
use super::reports::World;

/// Bytes a payload may have in these tests: short, so that cut ones are among the generated reports.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 64;

/// Definitions and the time each holds from.
pub(crate) type Log = Vec<(Option<Timestamp>, Definition)>;

/// Lines in memory as a source.
pub(crate) struct Lines {
    batches: VecDeque<RawBatch>,
    end: u64,
    committed: u64,
}

impl Lines {
    /// A source of these lines, so many in a batch.
    pub(crate) fn new(name: &str, lines: &[&str], in_batch: usize) -> Self {
        let batches = lines.chunks(in_batch.max(1)).enumerate();
        let batches =
            batches.map(|(at, lines)| batch(name, 0, (at * in_batch.max(1)) as u64, lines)).collect();
        Lines { batches, end: lines.len() as u64, committed: 0 }
    }

    /// Whether everything was committed.
    pub(crate) fn is_committed(&self) -> bool {
        self.committed == self.end
    }
}

/// Lines of a partition from `position` on, counted in records as Kafka does.
pub(crate) fn batch(source: &str, partition: u32, position: u64, lines: &[&str]) -> RawBatch {
    let mut batch = RawBatch { source: source.into(), partition, ..RawBatch::default() };
    for (at, line) in (position..).zip(lines) {
        let start = batch.bytes.len();
        batch.bytes.extend_from_slice(line.as_bytes());
        batch.records.push(RawRecord {
            start,
            end: batch.bytes.len(),
            full_length: line.len() as u64,
            position: at,
            line: 0,
            time: None,
        });
    }
    batch.next_position = position + lines.len() as u64;
    batch
}

impl Source for Lines {
    fn next(&mut self, _wait: Duration) -> Result<Next, SourceError> {
        Ok(self.batches.pop_front().map_or(Next::End, Next::Batch))
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), SourceError> {
        for position in positions {
            assert!(position.next >= self.committed, "positions never go back");
            self.committed = position.next;
        }
        Ok(())
    }
}

/// When the definitions come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defined {
    First,
    Last,
    /// One after each stretch of reports, the last one first.
    Between,
}

/// One way to feed a set of reports: none of it may change an answer.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// Of the order and the repetitions; `None`: as given, once.
    pub(crate) mixed: Option<u64>,
    /// Everything twice, one after the other.
    pub(crate) twice: bool,
    pub(crate) reports_max: usize,
    pub(crate) in_batch: usize,
    pub(crate) pipelines: usize,
    /// Stretches of reports with a restart between them, and which of them are drained before it.
    pub(crate) stretches: usize,
    pub(crate) drained: u8,
    pub(crate) defined: Defined,
    pub(crate) workers: usize,
    pub(crate) shards: usize,
    pub(crate) packs_per_row_max: usize,
    pub(crate) remembered_max: usize,
    pub(crate) summary_delay_ms: u64,
    pub(crate) gaps_ms: u64,
    pub(crate) age_max_ms: u64,
    pub(crate) memory_bytes_max: usize,
    pub(crate) spill: bool,
}

impl Way {
    /// Definitions first, then all reports in order in one flush.
    pub(crate) fn plain() -> Self {
        Way {
            mixed: None,
            twice: false,
            reports_max: 1_000_000,
            in_batch: 1_000,
            pipelines: 1,
            stretches: 1,
            drained: 0xff,
            defined: Defined::First,
            workers: 1,
            shards: 1,
            packs_per_row_max: 4_096,
            remembered_max: 1_000_000,
            summary_delay_ms: 500,
            gaps_ms: 30_000,
            age_max_ms: 600_000,
            memory_bytes_max: 64 << 20,
            spill: false,
        }
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = config();
        config.flush.reports_max = self.reports_max;
        config.flush.workers = self.workers;
        config.flush.packs_per_row_max = self.packs_per_row_max;
        config.flush.remembered_max = self.remembered_max;
        let windows = &mut config.assembler;
        windows.shards = self.shards;
        windows.summary_delay_ms = self.summary_delay_ms;
        (windows.idle_gap_ms, windows.terminal_gap_ms) = (self.gaps_ms, self.gaps_ms / 2);
        windows.age_max_ms = self.age_max_ms;
        windows.memory_bytes_max = self.memory_bytes_max;
        windows.sweep_ms = self.gaps_ms.min(500);
        config
    }
}

/// The configuration of all these tests, apart from what a [`Way`] sets.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.ingest.payload_bytes_max = PAYLOAD_BYTES_MAX;
    config
}

/// Ways of all kinds.
pub(crate) fn way() -> impl Strategy<Value = Way> {
    let order =
        (prop_oneof![3 => any::<u64>().prop_map(Some), 1 => Just(None)], proptest::bool::weighted(0.2));
    let cuts = (select(&[1, 2, 5, 13, 1_000]), 1..12_usize, 1..5_usize, 1..5_usize, any::<u8>());
    let defined = select(&[Defined::First, Defined::Last, Defined::Between]);
    let sink = (1..4_usize, 1..4_usize, select(&[1, 3, 4_096]), select(&[1, 4, 1_000]));
    let windows = (
        select(&[0, 0, 1, 60_000]),
        select(&[0, 2, 30_000]),
        select(&[0, 3, 600_000]),
        select(&[0, 3_000, 64 << 20]),
        any::<bool>(),
    );
    (order, cuts, defined, sink, windows).prop_map(|(order, cuts, defined, sink, windows)| {
        let (mixed, twice) = order;
        let (reports_max, in_batch, pipelines, stretches, drained) = cuts;
        let (workers, shards, packs_per_row_max, remembered_max) = sink;
        let (summary_delay_ms, gaps_ms, age_max_ms, memory_bytes_max, spill) = windows;
        Way {
            mixed,
            twice,
            reports_max,
            in_batch,
            pipelines,
            stretches,
            drained,
            defined,
            workers,
            shards,
            packs_per_row_max,
            remembered_max,
            summary_delay_ms,
            gaps_ms,
            age_max_ms,
            memory_bytes_max,
            spill,
        }
    })
}

/// Feeds a world the given way. `open` gives the store at the beginning and after each restart.
pub(crate) fn feed(
    world: &World,
    definitions: &Log,
    way: &Way,
    open: &mut dyn FnMut(&Config) -> OpenStore,
) -> OpenStore {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let mut lines: Vec<&str> = world.lines.iter().map(String::as_str).collect();
    if let Some(seed) = way.mixed {
        let mut random = Random(seed);
        let again: Vec<&str> = lines.iter().filter(|_| random.one_in(3)).copied().collect();
        lines.extend(again);
        random.shuffle(&mut lines);
    }
    if way.twice {
        lines.extend(lines.clone());
    }
    let config = way.config();
    let mut to_define = definitions.clone();
    let per_stretch = lines.len().div_ceil(way.stretches).max(1);
    let mut stretches: Vec<&[&str]> = lines.chunks(per_stretch).collect();
    if stretches.is_empty() {
        stretches.push(&[]);
    }
    for (number, stretch) in stretches.iter().enumerate() {
        let scratch = way.spill.then(|| scratch.path().join("scratch"));
        let service = Service::start(open(&config), &config, scratch).expect("starts");
        if way.defined == Defined::First {
            define(&service, &mut to_define, usize::MAX);
        }
        feed_stretch(&service, stretch, way);
        if way.defined == Defined::Between {
            define(&service, &mut to_define, 1);
        }
        if number + 1 < stretches.len() && way.drained & (1 << number) != 0 {
            service.drain();
        }
    }
    let scratch: Option<PathBuf> = way.spill.then(|| scratch.path().join("scratch"));
    let service = Service::start(open(&config), &config, scratch).expect("starts");
    define(&service, &mut to_define, usize::MAX);
    service.drain();
    assert_eq!(service.assembler().flushes_open(), 0, "nothing is left to be summed up");
    assert_eq!(
        journal_rows(&*service.open().store),
        Vec::<String>::new(),
        "the journal is empty when all is summed up"
    );
    service.open().clone()
}

fn define(service: &Service, definitions: &mut Log, most: usize) {
    for _ in 0..most.min(definitions.len()) {
        if let Some((from, definition)) = definitions.pop() {
            service.put_definitions(vec![definition], from).expect("stored");
        }
    }
}

/// Feeds lines through as many pipelines as the way says, all at once.
pub(crate) fn feed_stretch(service: &Service, lines: &[&str], way: &Way) {
    let figures = FeedFigures::default();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for pipeline in 0..way.pipelines {
            let own: Vec<&str> = lines.iter().skip(pipeline).step_by(way.pipelines).copied().collect();
            let (figures, stop) = (&figures, &stop);
            scope.spawn(move || {
                let mut source = Lines::new(&format!("part-{pipeline}"), &own, way.in_batch);
                service.feed(&mut source, figures, stop).expect("fed");
                assert!(source.is_committed(), "what was fed is committed");
            });
        }
    });
    let [read, stored, duplicates, dead] =
        [&figures.read, &figures.stored, &figures.duplicates, &figures.dead]
            .map(|figure| figure.load(Ordering::Relaxed));
    assert_eq!(read, lines.len() as u64, "everything is read");
    assert_eq!(read, stored + duplicates + dead, "nothing vanishes");
}

/// Rows of the flush journal.
pub(crate) fn journal_rows(store: &dyn Store) -> Vec<String> {
    let mut rows = Vec::new();
    store
        .scan(&Scan::new(Table::Meta, Rows::Prefix("flush|")), &mut |cell| {
            rows.push(cell.row.to_owned());
            std::ops::ControlFlow::Continue(())
        })
        .expect("the store answers");
    rows
}

/// Opens a store anew each time: its definition log is read as a new process would.
pub(crate) fn reopening(store: Arc<dyn Store>) -> impl FnMut(&Config) -> OpenStore {
    move |config| OpenStore::new(store.clone(), config).expect("opens")
}
