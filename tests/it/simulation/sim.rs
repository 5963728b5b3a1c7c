//! The world outside the process, which outlives it, and what must hold in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use linkloom::service::OpenStore;
use linkloom_assembler::journal::Journal;
use linkloom_assembler::settings::WindowSettings;
use linkloom_assembler::summarise::{Summariser, of_execution};
use linkloom_assembler::{AssemblerSettings, SteppedAssembler};
use linkloom_ingest::decode::decode;
use linkloom_schema::ids::LinkMark;
use linkloom_schema::report::{Identity, Report};
use linkloom_schema::route::Route;
use linkloom_schema::row_key;
use linkloom_schema::summary::Summary;
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Family, Table};
use linkloom_storage::execution::{Logs, SUMMARY, with_execution};
use linkloom_storage::memory::{Fault, MemoryStore};
use linkloom_storage::read;
use linkloom_storage::store::{Rows, Scan, Store};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config as Cases, RngAlgorithm, TestRng, TestRunner};

use super::limits;
use super::process::{Process, WORKERS};
use crate::support::Random;
use crate::support::answers::ask;
use crate::support::feeding::{self, Log, Way, feed, journal_rows, reopening};
use crate::support::reports::{BUSINESSES, World, definitions, instants, marks, world};

pub(super) const PARTITIONS: usize = 3;
/// This one delivers nothing until the end.
const IDLE: usize = 2;
const TOPIC: &str = "reports";
/// The world outside the process: it outlives it.
pub(super) struct Sim {
    random: Random,
    pub(super) store: Arc<MemoryStore>,
    world: World,
    topic: Vec<Vec<String>>,
    /// Records that have arrived on each partition.
    pub(super) arrived: Vec<usize>,
    committed: Vec<u64>,
    /// What the process has committed, whether it arrived or not.
    told: Vec<u64>,
    to_define: Log,
    pub(super) settings: AssemblerSettings,
    /// Folder of spilled windows.
    _scratch: tempfile::TempDir,
    pub(super) flush_max: usize,
    packs_per_row_max: u32,
    pub(super) wall_ms: u64,
    process: Option<Process>,
    pub(super) crashes: usize,
    /// Committed positions that were checked.
    checked: Vec<u64>,
    /// Version of each summary ever seen.
    versions: BTreeMap<String, u64>,
    steps: usize,
}

impl Sim {
    /// The world of a seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Cases::default(), rng);
        let world = world().new_tree(&mut runner).expect("a world").current();
        let mut lines: Vec<String> = world.lines.clone();
        let again: Vec<String> = lines.iter().filter(|_| random.one_in(4)).cloned().collect();
        lines.extend(again);
        random.shuffle(&mut lines);
        let mut topic = vec![Vec::new(); PARTITIONS];
        for line in lines {
            topic[random.below(PARTITIONS)].push(line);
        }
        Sim::of(world, topic, random)
    }

    /// These records on these partitions, and settings as they come.
    pub(super) fn of(world: World, topic: Vec<Vec<String>>, mut random: Random) -> Self {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let pick = |random: &mut Random, of: &[u64]| of[random.below(of.len())];
        let settings = AssemblerSettings {
            shards: 1 + random.below(3),
            windows: WindowSettings {
                summary_delay_ms: pick(&mut random, &[0, 100, 5_000]),
                idle_gap_ms: pick(&mut random, &[0, 1_000, 30_000]),
                terminal_gap_ms: pick(&mut random, &[0, 100]),
                age_max_ms: pick(&mut random, &[0, 2_000, 600_000]),
                memory_bytes_max: pick(&mut random, &[0, 2_000, 1 << 20]) as usize,
                sweep_ms: pick(&mut random, &[0, 500]),
            },
            queue_flushes_max: 1,
            spill: random.one_in(2).then(|| (scratch.path().to_owned(), 1 << 20)),
        };
        let mut sim = Sim {
            store: Arc::new(MemoryStore::default()),
            arrived: vec![0; PARTITIONS],
            committed: vec![0; PARTITIONS],
            told: vec![0; PARTITIONS],
            checked: vec![0; PARTITIONS],
            to_define: definitions(),
            flush_max: 1 + random.below(12),
            packs_per_row_max: [1, 2, 4_096][random.below(3)],
            wall_ms: 0,
            process: None,
            crashes: 0,
            versions: BTreeMap::new(),
            steps: 0,
            _scratch: scratch,
            settings,
            topic,
            world,
            random,
        };
        sim.start();
        sim
    }

    /// One thing happens, perhaps while the store misbehaves.
    pub(super) fn step(&mut self) {
        self.steps += 1;
        self.misbehave();
        match self.random.below(20) {
            0..6 => self.arrive_and_read(),
            6..8 => self.submit(),
            8..14 => self.work(),
            14..17 => self.sum_up(),
            17 => self.wall_ms += [1, 700, 40_000, 86_400_000][self.random.below(4)],
            18 => self.define(),
            _ if self.random.one_in(3) => self.die(),
            _ => self.start(),
        }
        self.wall_ms += self.random.below(200) as u64;
        self.store.heal();
    }

    /// Perhaps the store fails some of the next calls.
    fn misbehave(&mut self) {
        if self.random.one_in(4) {
            let writes = 1 + self.random.below(4);
            let faults: Vec<Option<Fault>> =
                (0..writes).map(|_| self.random.one_in(2).then(|| self.fault())).collect();
            self.store.plan_writes(faults);
        }
        if self.random.one_in(3) {
            self.store.fail_reads(1 + self.random.below(3));
        }
    }

    fn fault(&mut self) -> Fault {
        match self.random.below(3) {
            0 => Fault::Before,
            1 => Fault::After,
            _ => Fault::Partway(self.random.below(6)),
        }
    }

    pub(super) fn die(&mut self) {
        self.crashes += usize::from(self.process.take().is_some());
        self.told.clone_from(&self.committed);
    }

    pub(super) fn start(&mut self) {
        if self.process.is_some() {
            return;
        }
        let Ok(open) = OpenStore::new(self.store.clone(), &feeding::config()) else { return };
        let summariser = Summariser { definitions: open.definitions.clone(), idle: open.idle.clone() };
        let assembler = SteppedAssembler::start(self.store.clone(), summariser, &self.settings, self.wall_ms);
        let Ok(assembler) = assembler else { return };
        let remembered_max = 1 + self.random.below(20);
        let packs = self.packs_per_row_max;
        self.process = Some(Process::new(open, assembler, &self.committed, packs, remembered_max));
    }

    fn arrive_and_read(&mut self) {
        let partition = self.random.below(PARTITIONS);
        if partition != IDLE {
            let more = self.random.below(8);
            self.arrived[partition] = (self.arrived[partition] + more).min(self.topic[partition].len());
        }
        let most = 1 + self.random.below(9);
        self.read(partition, most);
    }

    /// Reads a batch.
    pub(super) fn read(&mut self, partition: usize, most: usize) {
        let (topic, arrived) = (&self.topic[partition], self.arrived[partition]);
        let Some(process) = &mut self.process else { return };
        let from = process.next[partition] as usize;
        let lines: Vec<&str> = topic[from..arrived].iter().take(most).map(String::as_str).collect();
        if !lines.is_empty() {
            let batch = feeding::batch(TOPIC, partition as u32, from as u64, &lines);
            process.take(&batch, self.flush_max, self.wall_ms);
        }
    }

    pub(super) fn submit(&mut self) {
        let wall_ms = self.wall_ms;
        if let Some(process) = &mut self.process {
            process.submit(wall_ms);
        }
    }

    /// One worker goes one step further with its flush.
    fn work(&mut self) {
        let which = self.random.below(WORKERS);
        let commit_is_lost = self.random.one_in(5);
        let writes = |sim: &Self| sim.process.as_ref().is_some_and(|process| process.is_writing(which));
        let was_writing = writes(self);
        self.work_on(which, commit_is_lost);
        // The worst moment to die: some of the flush may be stored.
        if was_writing && writes(self) && self.random.one_in(5) {
            self.die();
        }
    }

    pub(super) fn work_on(&mut self, which: usize, commit_is_lost: bool) {
        let Some(process) = &mut self.process else { return };
        for position in process.work(which, &self.store, self.wall_ms) {
            assert_eq!(&*position.source, TOPIC);
            let told = &mut self.told[position.partition as usize];
            assert!(position.next >= *told, "a committed position never goes back");
            *told = position.next;
        }
        if !commit_is_lost {
            self.committed.clone_from(&self.told);
        }
    }

    pub(super) fn sum_up(&mut self) {
        let wall_ms = self.wall_ms;
        if let Some(process) = &mut self.process {
            process.assembler.step(wall_ms);
        }
    }

    fn define(&mut self) {
        let Some(process) = &self.process else { return };
        if let Some((from, definition)) = self.to_define.last().cloned()
            && process.open.definitions.put(vec![definition], from).is_ok()
        {
            self.to_define.pop();
        }
    }

    /// What must hold after every step.
    pub(super) fn check(&mut self) {
        for partition in 0..PARTITIONS {
            for position in self.checked[partition]..self.committed[partition] {
                let line = &self.topic[partition][position as usize];
                assert!(
                    self.is_durable(partition, position, line),
                    "{TOPIC}[{partition}]@{position} is committed, but not readable: {line}"
                );
            }
            self.checked[partition] = self.committed[partition];
        }
        let mut seen = Vec::new();
        let scan = Scan::new(Table::Link, Rows::Prefix("")).family(Family::Link);
        let scanned = self.store.scan(&scan, &mut |cell| {
            if cell.qualifier == SUMMARY {
                seen.push((cell.row.to_owned(), Summary::from_json(cell.value).expect("a summary")));
            }
            std::ops::ControlFlow::Continue(())
        });
        scanned.expect("the store answers");
        for (row, summary) in seen {
            let version = summary.version;
            let before = self.versions.insert(row.clone(), version).unwrap_or(0);
            // A lesser content that comes under a known identity may lack the trace that joined other reports.
            assert!(
                version >= before || summary.conflicting,
                "the summary of {row} went back from version {before} to {version}"
            );
        }
        if self.steps.is_multiple_of(20) || self.process.is_none() {
            self.check_what_is_left();
        }
    }

    fn is_durable(&self, partition: usize, position: u64, line: &str) -> bool {
        let report = match decode(line.as_bytes(), None, &limits()) {
            Ok(report) => report,
            Err(_) => {
                let row = row_key::dead(TOPIC, partition as u32, position);
                return self.count_cells(Table::Dead, Rows::One(&row)) > 0;
            }
        };
        identities(&*self.store, &report).contains(&report.identity)
    }

    fn count_cells(&self, table: Table, rows: Rows<'_>) -> usize {
        let mut count = 0;
        let counted = self.store.scan(&Scan::new(table, rows).keys_only(), &mut |_| {
            count += 1;
            std::ops::ControlFlow::Continue(())
        });
        counted.expect("the store answers");
        count
    }

    /// Whatever no summary covers is listed in the journal: a process that starts now would sum it up.
    pub(super) fn check_what_is_left(&self) {
        let open = OpenStore::new(self.store.clone(), &feeding::config()).expect("the store answers");
        let left = Journal::new(self.store.clone()).left().expect("the store answers");
        let mut listed: BTreeSet<LinkMark> = left.flushes.into_iter().flat_map(|(_, marks)| marks).collect();
        for (_, trace) in left.traces {
            listed.extend(read::executions_of_trace(&*self.store, &trace).expect("the store answers"));
        }
        for mark in marks().into_iter().filter(|mark| !listed.contains(mark)) {
            let row = row_key::link(mark.as_ref());
            let stored = self.store.get(Table::Link, &row, Family::Link, SUMMARY).expect("the store answers");
            let stored = stored.map(|value| facts(&Summary::from_json(&value).expect("a summary")));
            let now = with_execution(&*self.store, &mark, Logs::All, |execution| {
                facts(&of_execution(&execution, &open.definitions.snapshot(), &open.idle))
            });
            let now = now.expect("the store answers");
            assert_eq!(stored, now, "{mark:?} is not in the journal, but its summary is not up to date");
        }
    }

    /// The process lives on and at last nothing fails any more: everything comes to rest within a bound.
    pub(super) fn drain(&mut self) {
        self.committed.clone_from(&self.told);
        for partition in 0..PARTITIONS {
            self.arrived[partition] = self.topic[partition].len();
        }
        for round in 0..2_000 {
            if round < 40 {
                self.misbehave();
            }
            self.start();
            self.define();
            for partition in 0..PARTITIONS {
                self.read(partition, 1 + round % 7);
                self.work();
            }
            self.submit();
            self.sum_up();
            self.store.heal();
            self.check();
            self.wall_ms += 500;
            if self.is_at_rest() {
                return;
            }
        }
        let ends: Vec<usize> = self.topic.iter().map(Vec::len).collect();
        let open = self.process.as_ref().map(|process| process.assembler.flushes_open());
        panic!(
            "it does not come to rest: committed {:?} of {ends:?}, {open:?} flushes not summed up, journal {:?}",
            self.committed,
            journal_rows(&*self.store)
        );
    }

    fn is_at_rest(&self) -> bool {
        let ends = self.topic.iter().map(|lines| lines.len() as u64);
        self.committed.iter().copied().eq(ends)
            && self.to_define.is_empty()
            && self
                .process
                .as_ref()
                .is_some_and(|process| process.in_flight.is_empty() && process.assembler.flushes_open() == 0)
            && journal_rows(&*self.store).is_empty()
    }

    /// The counts balance, and the answers are those of an undisturbed run.
    pub(super) fn check_answers(&self) {
        let Some(process) = &self.process else { panic!("a process runs at the end") };
        let lines = || self.topic.iter().flatten();
        let decoded = |line: &String| decode(line.as_bytes(), None, &limits()).map(|report| report.identity);
        let refused = lines().filter(|line| decoded(line).is_err()).count();
        assert_eq!(
            self.count_cells(Table::Dead, Rows::Prefix("")),
            refused,
            "one dead letter for each refused record"
        );
        let sent: BTreeSet<Identity> = lines().filter_map(|line| decoded(line).ok()).collect();
        let mut stored = BTreeSet::new();
        for line in lines() {
            if let Ok(report) = decode(line.as_bytes(), None, &limits()) {
                stored.extend(identities(&*self.store, &report));
            }
        }
        assert_eq!(stored, sent, "what was sent is what is stored");

        let undisturbed = Arc::new(MemoryStore::default());
        let undisturbed = feed(&self.world, &definitions(), &Way::plain(), &mut reopening(undisturbed));
        let of = |open: &OpenStore| ask(open, &BUSINESSES, &marks(), &instants());
        if let Some(difference) = of(&process.open).differs(&of(&undisturbed)) {
            panic!("another answer than of an undisturbed run: {difference}");
        }
    }
}

/// What a summary says that does not depend on definitions.
fn facts(summary: &Summary) -> (u64, u64, Option<Timestamp>, Option<Timestamp>, Option<Timestamp>, String) {
    (
        summary.version,
        summary.error_count,
        summary.first_report_time,
        summary.last_report_time,
        summary.start_time,
        format!("{:?} {:?}", summary.meta, summary.trace_joined),
    )
}

/// Identities of all reports in the row a report belongs to.
fn identities(store: &dyn Store, report: &Report<'_>) -> BTreeSet<Identity> {
    let mark = report.mark.as_ref().map(|mark| mark.as_ref());
    let (table, row) = match Route::of(report) {
        Route::Marked(mark) => (Table::Link, row_key::link(mark)),
        Route::Trace(trace) => (Table::Unlinked, row_key::unlinked_trace(trace)),
        Route::Unlinked { service, hour } => (Table::Unlinked, row_key::unlinked_service(service, hour)),
    };
    let family = Family::of(report.kind);
    let rows = read::PackRows::find(store, table, &row).expect("the store answers");
    let packs = read::packs(store, rows, family, None).expect("the store answers");
    let merged = read::merge(packs.iter().map(|pack| (pack, mark)), None).expect("packs decode");
    merged.reports.iter().map(|report| report.identity).collect()
}
