//! Nodes: a report when a step starts, one when it ends.

use std::error::Error;
use std::time::SystemTime;

use serde::Serialize;

use crate::context::{Context, ContextGuard, FutureExt, InContext};
use crate::exception::Exception;
use crate::line::NodeLine;
use crate::payload::{Describe, push_payload};
use crate::reporter::{Inner, Reporter, may_report};
use crate::time::{micros_of, now_micros};

/// A node of the reporter of the process; nothing happens until [`Node::start`] or [`Node::skip`].
///
/// ```
/// use linkloom_reporter::{LinkMark, node};
///
/// let _mark = LinkMark::new("content-42", "realtime-input", "5f2c").enter();
/// let run = node("contentStore").start(&42);
/// let stored = run.in_scope(|| "row 7"); // logs in here carry the name of the node
/// run.complete(stored);
/// ```
pub fn node(name: impl Into<String>) -> Node {
    Node::new(Reporter::global().cloned(), name.into())
}

impl Reporter {
    /// A node; nothing happens until [`Node::start`] or [`Node::skip`].
    pub fn node(&self, name: impl Into<String>) -> Node {
        Node::new(Some(self.clone()), name.into())
    }
}

/// What is known about a run beside its payloads.
#[derive(Clone, Debug, Default)]
struct Facts {
    iteration: Option<u64>,
    sub_execution: Option<String>,
    case: Option<String>,
    meta: Vec<u8>,
    time: Option<SystemTime>,
}

/// A node that was not started yet.
#[derive(Debug)]
#[must_use = "nothing is reported until `start` or `skip`"]
pub struct Node {
    reporter: Option<Reporter>,
    name: String,
    context: Option<Context>,
    facts: Facts,
}

fn payload(
    reporter: Option<&Reporter>,
    what: &str,
    value: &(impl Describe + ?Sized),
    max: Option<usize>,
) -> Vec<u8> {
    let mut json = Vec::new();
    if let Some(Reporter(inner)) = reporter {
        let cap = max.map_or(inner.bounds.payload, |max| max.clamp(16, inner.bounds.payload));
        inner.unfit(what, push_payload(&mut json, value, &inner.bounds, cap));
        if json == b"null" {
            json.clear();
        }
    }
    json
}

impl Node {
    fn new(reporter: Option<Reporter>, name: String) -> Node {
        Node { reporter: reporter.filter(|_| may_report()), name, context: None, facts: Facts::default() }
    }

    /// Where it belongs, if not to the current context.
    pub fn within(mut self, context: Context) -> Node {
        self.context = Some(context);
        self
    }

    /// The round of a loop.
    pub fn iteration(mut self, round: u64) -> Node {
        self.facts.iteration = Some(round);
        self
    }

    /// The execution behind a node that is a link of its own.
    pub fn sub_execution(mut self, execution_id: impl Into<String>) -> Node {
        self.facts.sub_execution = Some(execution_id.into());
        self
    }

    /// Facts about the execution, such as `trigger`: an object.
    pub fn meta(mut self, meta: &(impl Serialize + ?Sized)) -> Node {
        self.facts.meta = payload(self.reporter.as_ref(), "the meta of a node", meta, None);
        self
    }

    /// When it happened, if not now.
    pub fn at(mut self, time: SystemTime) -> Node {
        self.facts.time = Some(time);
        self
    }

    /// Reports that the node starts, with its input; `()` for none.
    pub fn start(self, input: impl Serialize) -> NodeRun {
        self.start_capped(input, None)
    }

    /// [`Node::start`] with an input of at most so many bytes.
    pub fn start_capped(self, input: impl Serialize, bytes_max: Option<usize>) -> NodeRun {
        self.start_described(&input, bytes_max)
    }

    pub(crate) fn start_described(
        self,
        input: &(impl Describe + ?Sized),
        bytes_max: Option<usize>,
    ) -> NodeRun {
        let input = payload(self.reporter.as_ref(), "the input of a node", input, bytes_max);
        let mut run = self.begun();
        run.report("RUNNING", &input, b"", None);
        // What was said at the start is not said again; what the run is, is.
        run.facts.meta.clear();
        run.facts.time = None;
        run
    }

    /// Reports that the node is not run, and why.
    pub fn skip(self, reason: impl Serialize) {
        let reason = payload(self.reporter.as_ref(), "the reason of a node", &reason, None);
        let mut run = self.begun();
        run.end("SKIPPED", &reason, None);
    }

    fn begun(self) -> NodeRun {
        let around = self.context.unwrap_or_else(Context::current);
        let run = self.reporter.as_ref().map_or(0, |reporter| reporter.0.next_run());
        let parent = around.parent_node().map(str::to_owned);
        let within = around.within_node(&self.name);
        NodeRun { reporter: self.reporter, run, parent, within, facts: self.facts, open: true }
    }
}

/// A node that runs. It is [`Send`]: start and end may be on different threads.
///
/// One that is dropped without an end failed: by a panic, by a `?` past its end, or because its future was cancelled.
/// [`NodeRun::leave_open`] is for those that are to end elsewhere.
#[derive(Debug)]
#[must_use = "a node that is dropped failed: end it with `complete`, `fail` or `skip`"]
pub struct NodeRun {
    reporter: Option<Reporter>,
    run: u64,
    parent: Option<String>,
    within: Context,
    facts: Facts,
    open: bool,
}

impl NodeRun {
    /// The context within the node: its logs carry the name, nodes within have it as their parent.
    pub fn context(&self) -> &Context {
        &self.within
    }

    /// Calls `work` within the node.
    pub fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        self.within.in_scope(work)
    }

    /// A future within the node.
    pub fn scope<F: Future>(&self, future: F) -> InContext<F> {
        future.in_context(self.within.clone())
    }

    /// Makes the thread be within the node until it ends. Not for `async` code: use [`NodeRun::scope`] there.
    pub fn entered(self) -> EnteredNode {
        let guard = self.within.enter();
        EnteredNode { guard, run: self }
    }

    /// The outcome of a decision; may be empty.
    pub fn case(mut self, case: impl Into<String>) -> NodeRun {
        self.facts.case = Some(case.into());
        self
    }

    /// The execution behind a node that is a link of its own, once it is known.
    pub fn sub_execution(mut self, execution_id: impl Into<String>) -> NodeRun {
        self.facts.sub_execution = Some(execution_id.into());
        self
    }

    /// Facts about the execution that are known at the end.
    pub fn meta(mut self, meta: &(impl Serialize + ?Sized)) -> NodeRun {
        self.facts.meta = payload(self.reporter.as_ref(), "the meta of a node", meta, None);
        self
    }

    /// When it ended, if not now.
    pub fn at(mut self, time: SystemTime) -> NodeRun {
        self.facts.time = Some(time);
        self
    }

    /// Reports that the node is done, with its output; `()` for none.
    pub fn complete(self, output: impl Serialize) {
        self.complete_capped(output, None);
    }

    /// [`NodeRun::complete`] with an output of at most so many bytes.
    pub fn complete_capped(self, output: impl Serialize, bytes_max: Option<usize>) {
        self.complete_described(&output, bytes_max);
    }

    pub(crate) fn complete_described(mut self, output: &(impl Describe + ?Sized), bytes_max: Option<usize>) {
        let output = payload(self.reporter.as_ref(), "the output of a node", output, bytes_max);
        self.end("COMPLETED", &output, None);
    }

    /// Reports that the node failed, with the error and its causes.
    pub fn fail(self, error: &(impl Error + ?Sized)) {
        let exception = self.reporter.is_some().then(|| Exception::of_type(&error));
        self.failed(exception, ());
    }

    /// Reports that the node failed, with what is known of it, and what came out all the same.
    pub fn failed(mut self, exception: Option<Exception>, output: impl Serialize) {
        let output = payload(self.reporter.as_ref(), "the output of a node", &output, None);
        self.end("FAILED", &output, exception.as_ref());
    }

    /// Reports that the node was not run after all, and why.
    pub fn skip(mut self, reason: impl Serialize) {
        let reason = payload(self.reporter.as_ref(), "the reason of a node", &reason, None);
        self.end("SKIPPED", &reason, None);
    }

    /// Reports no end: it will be reported by somebody else, or the execution stalls here.
    pub fn leave_open(mut self) {
        self.open = false;
    }

    /// Whether anybody listens.
    pub(crate) fn is_reported(&self) -> bool {
        self.reporter.is_some()
    }

    fn end(&mut self, status: &'static str, output: &[u8], exception: Option<&Exception>) {
        self.open = false;
        self.report(status, b"", output, exception);
    }

    fn report(&self, status: &'static str, input: &[u8], output: &[u8], exception: Option<&Exception>) {
        let Some(reporter) = &self.reporter else { return };
        reporter.with(|inner: &Inner, buffers| {
            if let Some(exception) = exception {
                exception.push(&mut buffers.exception, &inner.bounds);
            }
            inner.check(&self.within);
            let line = NodeLine {
                place: self.within.place(),
                status,
                time: self.facts.time.map_or_else(now_micros, micros_of),
                run: self.run,
                case: self.facts.case.as_deref(),
                iteration: self.facts.iteration,
                sub_execution: self.facts.sub_execution.as_deref(),
                parent: self.parent.as_deref(),
                input,
                output,
                exception: &buffers.exception,
                meta: &self.facts.meta,
            };
            inner.node(&line, &mut buffers.line);
        });
    }
}

impl Drop for NodeRun {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        let exception = if std::thread::panicking() {
            Exception::new("panic", "the node ended in a panic")
        } else {
            Exception::new(
                "dropped",
                "the node was left without an end: an early return, or a cancelled future",
            )
        };
        self.end("FAILED", b"", Some(&exception));
    }
}

/// A node the thread is within. It belongs to its thread.
#[derive(Debug)]
#[must_use = "a node that is dropped failed: end it with `complete`, `fail` or `skip`"]
pub struct EnteredNode {
    // Left before the node is reported as dropped; the report does not look at the current context.
    guard: ContextGuard,
    run: NodeRun,
}

impl EnteredNode {
    /// Leaves the node without ending it.
    pub fn exit(self) -> NodeRun {
        drop(self.guard);
        self.run
    }

    /// The outcome of a decision; may be empty.
    pub fn case(mut self, case: impl Into<String>) -> EnteredNode {
        self.run.facts.case = Some(case.into());
        self
    }

    /// Reports that the node is done, with its output; `()` for none.
    pub fn complete(self, output: impl Serialize) {
        self.exit().complete(output);
    }

    /// Reports that the node failed, with the error and its causes.
    pub fn fail(self, error: &(impl Error + ?Sized)) {
        self.exit().fail(error);
    }

    /// Reports that the node was not run after all, and why.
    pub fn skip(self, reason: impl Serialize) {
        self.exit().skip(reason);
    }
}
