//! Events of activities (schedule, start, complete, ...) as runs of nodes.

use std::collections::{HashMap, VecDeque};

use linkloom_schema::ids::MarkRef;
use linkloom_schema::report::{ReportKind, Status};
use linkloom_schema::time::Timestamp;

use super::ConvertError;
use super::notes::NoteKind;
use super::sink::{Sink, fold};

/// Most starts that wait for their end at once; beyond it the run's end counts as one without a start.
const OPEN_MAX: usize = 1 << 20;

/// What an event does to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transition {
    Start,
    End(Status),
    /// Neither: kept as a business log.
    Other,
}

impl Transition {
    /// The transitions of the XES standard life cycle and their everyday names, in any case; an event without one is
    /// complete, as the standard says.
    pub(super) fn of(text: &str) -> Transition {
        match text.trim().to_ascii_lowercase().as_str() {
            "start" | "started" | "begin" => Transition::Start,
            "" | "complete" | "completed" | "end" => Transition::End(Status::Completed),
            "ate_abort" | "pi_abort" | "abort" | "aborted" | "fail" | "failed" => {
                Transition::End(Status::Failed)
            }
            "autoskip" | "manualskip" | "withdraw" | "skip" | "skipped" => Transition::End(Status::Skipped),
            _ => Transition::Other,
        }
    }
}

/// One event or interval of an activity. Texts are checked: ids and names are not empty and within their limits.
pub(super) struct Activity<'a> {
    pub(super) mark: MarkRef<'a>,
    pub(super) node: &'a str,
    /// As written; empty: none.
    pub(super) lifecycle: &'a str,
    /// One record tells start and end, as far as they are known.
    pub(super) interval: bool,
    /// Its start, when one record tells start and end.
    pub(super) start: Option<Timestamp>,
    pub(super) time: Option<Timestamp>,
    pub(super) resource: Option<&'a str>,
    /// Which run, as the source names it.
    pub(super) instance: Option<&'a str>,
    /// JSON objects, or empty.
    pub(super) input: &'a str,
    pub(super) output: &'a str,
    pub(super) meta: &'a str,
    /// `row` or `event`.
    pub(super) what: &'static str,
    /// Number in its file, from 1: names the run, so that equal records stay two.
    pub(super) number: u64,
    /// Hash of the record: keeps numbers of different files apart.
    pub(super) hash: u64,
}

impl Activity<'_> {
    fn id(&self, part: &str) -> String {
        format!("{}{}-{:08x}-{part}", self.what, self.number, self.hash as u32)
    }

    /// An interval that nothing says the end of: neither a time nor a transition.
    fn says_no_end(&self) -> bool {
        self.interval && self.time.is_none() && self.lifecycle.trim().is_empty()
    }

    fn place(&self) -> String {
        format!("{} {}", self.what, self.number)
    }
}

struct Open {
    number: u64,
    start: Option<Timestamp>,
    resource: u64,
}

/// Starts that wait for their end, by execution and node.
#[derive(Default)]
pub(super) struct Lifecycles {
    open: HashMap<u64, VecDeque<Open>>,
    waiting: usize,
}

impl Lifecycles {
    /// Writes one record: a whole run if it tells its start, else what its transition says.
    pub(super) fn record(
        &mut self,
        sink: &mut Sink<'_>,
        activity: &Activity<'_>,
    ) -> Result<(), ConvertError> {
        sink.sane(activity.start, || activity.place());
        sink.sane(activity.time, || activity.place());
        if activity.time.is_none() && activity.start.is_none() {
            sink.note(NoteKind::Time, "none: written without a time", || activity.place());
        }
        match Transition::of(activity.lifecycle) {
            Transition::End(status) if activity.start.is_some() || activity.says_no_end() => {
                interval(sink, activity, status)
            }
            Transition::End(status) => self.end(sink, activity, status),
            Transition::Start => self.start(sink, activity),
            Transition::Other => {
                sink.note(NoteKind::BecameLog, &format!("lifecycle {:?}", activity.lifecycle), || {
                    activity.place()
                });
                log(sink, activity)
            }
        }
    }

    fn start(&mut self, sink: &mut Sink<'_>, activity: &Activity<'_>) -> Result<(), ConvertError> {
        if activity.instance.is_none() && self.waiting >= OPEN_MAX {
            sink.note(NoteKind::Limit, "starts beyond 1048576 are not paired with their end", || {
                activity.place()
            });
        } else {
            let open = Open {
                number: activity.number,
                start: activity.time.or(activity.start),
                resource: fold(&[activity.resource.unwrap_or("")], 0),
            };
            self.open.entry(key(activity)).or_default().push_back(open);
            self.waiting += 1;
        }
        sink.counts.runs += 1;
        sink.counts.runs_open += 1;
        let run = run_id(activity, activity.number);
        write(sink, activity, Status::Running, activity.time.or(activity.start), &run, "start")
    }

    fn end(
        &mut self,
        sink: &mut Sink<'_>,
        activity: &Activity<'_>,
        status: Status,
    ) -> Result<(), ConvertError> {
        note_status(sink, activity, status);
        let opened = self.take(sink, activity);
        let run = run_id(activity, opened.as_ref().map_or(activity.number, |open| open.number));
        let start = opened.as_ref().and_then(|open| open.start);
        if opened.is_some() {
            sink.counts.runs_open -= 1;
        } else {
            sink.note(NoteKind::NoStart, "no start was recorded", || activity.place());
        }
        let end = sink.end_after(start, activity.time, || activity.place());
        sink.count_closed(status, opened.is_some());
        write(sink, activity, status, end, &run, "end")
    }

    /// The start this end belongs to: of the same instance if the source names it, else the oldest of the same
    /// resource, else the oldest.
    fn take(&mut self, sink: &mut Sink<'_>, activity: &Activity<'_>) -> Option<Open> {
        let key = key(activity);
        let waiting = self.open.get_mut(&key)?;
        let resource = fold(&[activity.resource.unwrap_or("")], 0);
        let same = waiting.iter().position(|open| open.resource == resource);
        if same.is_none() && activity.instance.is_none() {
            sink.note(NoteKind::PairedAcrossResources, "the oldest open run was taken", || activity.place());
        }
        let open = waiting.remove(same.unwrap_or(0))?;
        if waiting.is_empty() {
            self.open.remove(&key);
        }
        self.waiting -= 1;
        Some(open)
    }

    /// Forgets what is open (a trace or the input ended) and notes it.
    pub(super) fn close(&mut self, sink: &mut Sink<'_>, place: impl Fn() -> String) {
        for _ in 0..self.waiting {
            sink.note(NoteKind::NoEnd, "the run stays open", &place);
        }
        self.open.clear();
        self.waiting = 0;
    }
}

/// Writes a record that tells the start of its run, and most often its end.
fn interval(sink: &mut Sink<'_>, activity: &Activity<'_>, status: Status) -> Result<(), ConvertError> {
    let run = run_id(activity, activity.number);
    write(sink, activity, Status::Running, activity.start, &run, "start")?;
    sink.counts.runs += 1;
    if activity.time.is_none() {
        sink.note(NoteKind::NoEnd, "the run stays open", || activity.place());
        sink.counts.runs_open += 1;
        return Ok(());
    }
    note_status(sink, activity, status);
    let end = sink.end_after(activity.start, activity.time, || activity.place());
    sink.count_closed(status, true);
    write(sink, activity, status, end, &run, "end")
}

fn note_status(sink: &mut Sink<'_>, activity: &Activity<'_>, status: Status) {
    if status != Status::Completed {
        let subject = format!("lifecycle {:?} is {}", activity.lifecycle, status.as_str());
        sink.note(NoteKind::StatusMapped, &subject, || activity.place());
    }
}

fn key(activity: &Activity<'_>) -> u64 {
    let mark = activity.mark;
    let instance = activity.instance.unwrap_or("");
    fold(&[mark.business_id, mark.scene_id, mark.execution_id, activity.node, instance], 0)
}

fn run_id(activity: &Activity<'_>, number: u64) -> String {
    activity.instance.map_or_else(|| format!("{}{number}", activity.what), str::to_owned)
}

fn write(
    sink: &mut Sink<'_>,
    activity: &Activity<'_>,
    status: Status,
    time: Option<Timestamp>,
    run: &str,
    part: &str,
) -> Result<(), ConvertError> {
    let opens = status == Status::Running;
    // A record that tells start and end has its input on the start; an event has its attributes on itself.
    let interval = activity.start.is_some();
    sink.report(ReportKind::Node, activity.mark, Some(activity.node), |report| {
        report.text("status", status.as_str());
        report.time(time);
        report.text("id", &activity.id(part));
        report.text("runId", run);
        if opens || !interval {
            report.json_if("input", activity.input);
        }
        if !opens {
            report.json_if("output", activity.output);
        }
        report.text_if("instance", activity.resource);
        if opens || !interval {
            report.json_if("meta", activity.meta);
        }
    })
}

fn log(sink: &mut Sink<'_>, activity: &Activity<'_>) -> Result<(), ConvertError> {
    sink.report(ReportKind::Log, activity.mark, Some(activity.node), |report| {
        report.time(activity.time);
        report.text("id", &activity.id("log"));
        report.text("level", "INFO");
        report.text("message", activity.lifecycle);
        report.json_if("data", if activity.input.is_empty() { activity.output } else { activity.input });
        report.text_if("instance", activity.resource);
        report.json_if("meta", activity.meta);
    })
}
