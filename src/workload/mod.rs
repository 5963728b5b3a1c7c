//! A deterministic workload of reports: what `linkloom demo` and `linkloom bench` run on, and tests measure against.
//!
//! A [`Workload`] is a stream: memory is bounded by what runs at once, however many lines are asked for. It tells what
//! must come of it ([`Expected`], [`ExecutionExpected`]), so that a store can be held against it without a second
//! opinion. Everything is chosen by a seed, with integers only: the same configuration gives the same bytes everywhere.

mod config;
mod copies;
mod demo;
mod execution;
mod expected;
mod plan;
mod render;
mod rng;
mod story;
mod words;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

use linkloom_schema::ids::LinkMark;
use linkloom_schema::report::ReportKind;
use linkloom_schema::time::Timestamp;

pub use config::WorkloadConfig;
pub use copies::{doubled_and_shuffled, shuffled};
pub use demo::{Demo, DemoConfig, DemoLine, Highlight};
pub use expected::{Ending, ExecutionExpected, Expected, report_fold};
pub use plan::definitions;

use execution::{Habits, Planner, Step, What};
use plan::{Plan, SCENE_SHARES};
use render::{Author, NodeReport, Renderer};
use rng::{Rng, Zipf};
use words::{CONTENT_TYPES, TRIGGERS};

/// Number of the most popular content; that of rank k is this plus k - 1.
const CONTENT_FIRST: u64 = 1_000_001;
/// Nodes of the scene `human-review` from this one on come with the second call, so with a second trace.
const SECOND_CALL_FROM: u8 = 6;
/// Log lines in a million, besides failures, that carry a stack.
const STACKS_PER_MILLION: u32 = 3_000;

/// An execution that runs, or a place for one.
#[derive(Clone, Debug, Default)]
struct Slot {
    /// `"businessId":"b","sceneId":"s","executionId":"e"`
    mark: Vec<u8>,
    /// Its meta as JSON; goes on its first report.
    meta: Vec<u8>,
    steps: Vec<Step>,
    next: usize,
    scene: u8,
    content: u64,
    content_type: &'static str,
    seed: u64,
    execution: (u64, u64),
    traces: [(u64, u64); 2],
    decision: Option<(u8, u8)>,
    ending: Option<Ending>,
    node_reports: u32,
    logs: u32,
    fold: u64,
}

impl Slot {
    fn author(&self, node: u8, time: Timestamp) -> Author<'_> {
        let second = self.scene == 1 && node >= SECOND_CALL_FROM;
        Author {
            mark: &self.mark,
            scene: self.scene,
            node,
            content: self.content,
            seed: self.seed,
            trace: self.traces[usize::from(second)],
            time,
        }
    }
}

/// A stream of report lines.
///
/// ```
/// use linkloom::workload::{Workload, WorkloadConfig};
///
/// let mut workload = Workload::new(WorkloadConfig { lines: 10_000, ..WorkloadConfig::default() });
/// let mut lines = Vec::new();
/// while workload.fill(&mut lines, 1_000) > 0 {}
/// assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 10_000);
/// ```
#[derive(Clone, Debug)]
pub struct Workload {
    config: WorkloadConfig,
    rng: Rng,
    plans: Vec<Plan>,
    planner: Planner,
    renderer: Renderer,
    zipf: Zipf,
    slots: Vec<Slot>,
    /// Slots that run.
    open: Vec<u32>,
    /// Slots that are free.
    free: Vec<u32>,
    /// Reports that the open executions will still send.
    planned: u64,
    /// Reports made so far: the clock.
    made: u64,
    /// Lines that come later: (line number from which they are due, number of the line, place in `held`).
    delayed: BinaryHeap<Reverse<(u64, u64, u32)>>,
    held: Vec<Vec<u8>>,
    held_free: Vec<u32>,
    expected: Expected,
    finished: Vec<ExecutionExpected>,
}

impl Workload {
    /// A stream at its beginning. Values of `config` outside their limits count as the limit.
    pub fn new(config: WorkloadConfig) -> Self {
        let config = config.within_limits();
        let plans = Plan::all();
        let ids =
            if config.business_ids == 0 { config.executions().div_ceil(3) } else { config.business_ids };
        Self {
            rng: Rng::new(config.seed),
            renderer: Renderer::new(&plans),
            plans,
            planner: Planner::default(),
            zipf: Zipf::new(ids.min(16_000_000)),
            slots: Vec::new(),
            open: Vec::new(),
            free: Vec::new(),
            planned: 0,
            made: 0,
            delayed: BinaryHeap::new(),
            held: Vec::new(),
            held_free: Vec::new(),
            expected: Expected::default(),
            finished: Vec::new(),
            config,
        }
    }

    /// Appends up to `lines` lines to `buf`, each with its line end, and says how many; 0 is the end of the stream.
    pub fn fill(&mut self, buf: &mut Vec<u8>, lines: usize) -> usize {
        let mut written = 0;
        while written < lines && self.line(buf) {
            written += 1;
        }
        written
    }

    /// Writes all that is left. Errors are those of `out`.
    pub fn write_to(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut buf = Vec::with_capacity(1 << 20);
        while self.fill(&mut buf, 1_500) > 0 {
            out.write_all(&buf)?;
            buf.clear();
        }
        out.flush()
    }

    /// What everything written so far must come to. Reports that are held back count from when they were made.
    pub fn expected(&self) -> Expected {
        self.expected
    }

    /// Takes what to expect of the executions that sent their last report since the last call, with
    /// [`WorkloadConfig::track_executions`]; at the end of the stream, of all that are left. Some of their lines may
    /// still be held back.
    pub fn take_finished(&mut self) -> Vec<ExecutionExpected> {
        std::mem::take(&mut self.finished)
    }

    /// Lines written or held back.
    fn bound_lines(&self) -> u64 {
        self.expected.lines + self.delayed.len() as u64
    }

    fn line(&mut self, buf: &mut Vec<u8>) -> bool {
        let first = buf.len();
        loop {
            let full = self.bound_lines() >= self.config.lines;
            if full && !self.open.is_empty() {
                self.cut();
            }
            let due =
                self.delayed.peek().is_some_and(|Reverse((due, ..))| full || *due <= self.expected.lines);
            if due && let Some(Reverse((_, _, place))) = self.delayed.pop() {
                buf.extend_from_slice(&self.held[place as usize]);
                self.held_free.push(place);
                break;
            }
            if full {
                return false;
            }
            self.open_executions();
            let which = self.rng.below(self.open.len() as u64) as usize;
            if self.rng.chance(self.config.malformed_per_million) {
                self.malformed(which, buf);
                break;
            }
            self.report(which, buf);
            if self.rng.chance(self.config.duplicates_per_million)
                && self.bound_lines() + 2 <= self.config.lines
            {
                self.expected.duplicates += 1;
                self.hold(&buf[first..]);
            }
            if self.rng.chance(self.config.late_per_million) {
                self.expected.late += 1;
                self.hold(&buf[first..]);
                buf.truncate(first);
                continue;
            }
            break;
        }
        self.expected.lines += 1;
        self.expected.bytes += (buf.len() - first) as u64;
        true
    }

    /// Keeps a line for later.
    fn hold(&mut self, line: &[u8]) {
        let most = u64::from(self.config.late_ms_max) * u64::from(self.config.reports_per_sec) / 1_000;
        let due = self.expected.lines + 1 + self.rng.below(most.max(1));
        let place = self.held_free.pop().unwrap_or_else(|| {
            self.held.push(Vec::new());
            self.held.len() as u32 - 1
        });
        self.held[place as usize].clear();
        self.held[place as usize].extend_from_slice(line);
        self.delayed.push(Reverse((due, self.made, place)));
    }

    /// Opens executions while there is room for them and for their reports.
    fn open_executions(&mut self) {
        while self.open.len() < self.config.interleaved as usize {
            let bound = self.bound_lines() + self.planned;
            // Duplicates and malformed lines come on top of what is planned.
            if bound + self.planned / 80 >= self.config.lines && !self.open.is_empty() {
                return;
            }
            self.open_execution();
        }
    }

    fn open_execution(&mut self) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let rng = &mut self.rng;
        let mut share = rng.below(SCENE_SHARES.iter().sum());
        let mut scene = 0;
        while share >= SCENE_SHARES[scene] {
            share -= SCENE_SHARES[scene];
            scene += 1;
        }
        let plan = &self.plans[scene];
        let slot = &mut self.slots[place as usize];
        slot.scene = scene as u8;
        slot.content = CONTENT_FIRST - 1 + self.zipf.sample(rng);
        slot.content_type = CONTENT_TYPES[slot.content as usize % CONTENT_TYPES.len()];
        slot.seed = rng.next();
        slot.execution = (rng.next(), rng.next());
        slot.traces = [(rng.next(), rng.next()), (rng.next(), rng.next())];
        slot.mark.clear();
        Renderer::mark(&mut slot.mark, slot.content, plan.scene, slot.execution);
        let trigger = rng.pick(&TRIGGERS);
        slot.meta.clear();
        slot.meta.extend_from_slice(b"{\"trigger\":\"");
        slot.meta.extend_from_slice(trigger.as_bytes());
        slot.meta.extend_from_slice(b"\",\"contentType\":\"");
        slot.meta.extend_from_slice(slot.content_type.as_bytes());
        slot.meta.extend_from_slice(b"\"}");
        let habits = Habits {
            logs_per_node_max: self.config.logs_per_node_max,
            failures: self.config.failures_per_million,
            incomplete: self.config.incomplete_per_million,
        };
        let planned = self.planner.plan(plan, habits, rng, &mut slot.steps);
        slot.next = 0;
        slot.decision = planned.decision;
        slot.ending = Some(planned.ending);
        (slot.node_reports, slot.logs, slot.fold) = (0, 0, 0);
        self.planned += slot.steps.len() as u64;
        self.open.push(place);
    }

    /// The instant of the next report: no two are the same.
    fn tick(&mut self) -> Timestamp {
        let micros = self.made * 1_000_000 / u64::from(self.config.reports_per_sec);
        self.made += 1;
        self.config.start.plus_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// Writes the next report of an open execution.
    fn report(&mut self, which: usize, buf: &mut Vec<u8>) {
        let time = self.tick();
        let slot = &mut self.slots[self.open[which] as usize];
        let step = slot.steps[slot.next];
        slot.next += 1;
        self.planned -= 1;
        let log = matches!(step.what, What::Log | What::ErrorLog);
        let fold = report_fold(if log { ReportKind::Log } else { ReportKind::Node }, time);
        self.expected.executions += u64::from(slot.next == 1);
        self.expected.fold ^= fold;
        slot.fold ^= fold;
        if log {
            slot.logs += 1;
            self.expected.logs += 1;
        } else {
            slot.node_reports += 1;
            self.expected.node_reports += 1;
        }
        let slot = &*slot;
        let author = slot.author(step.node, time);
        let node_report = |status| NodeReport {
            status,
            case: slot.decision.filter(|(node, _)| *node == step.node).map(|(_, case)| case),
            content_type: slot.content_type,
            meta: if slot.next == 1 { &slot.meta } else { &[] },
        };
        let (renderer, rng) = (&mut self.renderer, &mut self.rng);
        match step.what {
            What::Start => renderer.node_report(buf, &author, &node_report("RUNNING"), rng),
            What::End => renderer.node_report(buf, &author, &node_report("COMPLETED"), rng),
            What::Fail => renderer.node_report(buf, &author, &node_report("FAILED"), rng),
            What::ErrorLog => renderer.log(buf, &author, true, "ERROR", true, rng),
            What::Log => {
                let marked = !rng.chance(self.config.unmarked_logs_per_million);
                let stack = rng.chance(STACKS_PER_MILLION);
                let level = match rng.below(100) {
                    _ if stack => "ERROR",
                    0..80 => "INFO",
                    80..91 => "DEBUG",
                    91..99 => "WARN",
                    _ => "ERROR",
                };
                renderer.log(buf, &author, marked, level, stack, rng);
            }
        }
        if slot.next == slot.steps.len() {
            let place = self.open.swap_remove(which);
            self.finish(place, false);
        }
    }

    fn malformed(&mut self, which: usize, buf: &mut Vec<u8>) {
        let time = self.tick();
        let slot = &self.slots[self.open[which] as usize];
        let author = slot.author(0, time);
        self.renderer.malformed(buf, &author, &mut self.rng);
        self.expected.malformed += 1;
    }

    /// Ends all open executions where they stand.
    fn cut(&mut self) {
        while let Some(place) = self.open.pop() {
            self.finish(place, true);
        }
        self.planned = 0;
    }

    fn finish(&mut self, place: u32, cut: bool) {
        let slot = &self.slots[place as usize];
        if self.config.track_executions && slot.next > 0 {
            let execution = format!("{:016x}{:016x}", slot.execution.0, slot.execution.1);
            let business = format!("content-{}", slot.content);
            let scene = self.plans[usize::from(slot.scene)].scene;
            self.finished.push(ExecutionExpected {
                mark: LinkMark::new(&business, scene, &execution).expect("short ids"),
                node_reports: slot.node_reports,
                logs: slot.logs,
                fold: slot.fold,
                ending: if cut { Ending::Cut } else { slot.ending.unwrap_or(Ending::Cut) },
            });
        }
        self.free.push(place);
    }
}
