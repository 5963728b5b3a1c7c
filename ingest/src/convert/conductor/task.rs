//! One task of an execution: its runs and logs.

use linkloom_schema::ids::{ID_BYTES_MAX, NAME_BYTES_MAX};
use linkloom_schema::report::{ReportKind, Status};
use linkloom_schema::time::Timestamp;
use serde_json::value::RawValue;

use super::super::ConvertError;
use super::super::notes::NoteKind;
use super::super::sink::{Object, Sink};
use super::Execution;
use super::fields::{Fields, drop_rest, exception, one_line, scalar, scalars};

/// What a Conductor task status is for a run.
enum Outcome {
    /// Not started: a business log.
    Waiting,
    Running,
    Closed(Status),
    Unknown,
}

fn outcome(status: &str) -> Outcome {
    match status {
        "SCHEDULED" => Outcome::Waiting,
        "IN_PROGRESS" => Outcome::Running,
        "COMPLETED" | "COMPLETED_WITH_ERRORS" => Outcome::Closed(Status::Completed),
        "FAILED" | "FAILED_WITH_TERMINAL_ERROR" | "TIMED_OUT" | "CANCELED" => Outcome::Closed(Status::Failed),
        "SKIPPED" => Outcome::Closed(Status::Skipped),
        _ => Outcome::Unknown,
    }
}

/// Writes the reports of one task.
pub(super) fn task(
    run: &mut Execution,
    mut fields: Fields<'_>,
    index: usize,
    sink: &mut Sink<'_>,
    place: &str,
) -> Result<(), ConvertError> {
    let at = || place.to_owned();
    let kind = fields.text("taskType").unwrap_or_default();
    let defined = fields.text("taskDefName");
    let Some(reference) = fields.text("referenceTaskName").or_else(|| {
        let name = defined.clone().or_else(|| Some(kind.clone()).filter(|kind| !kind.is_empty()))?;
        sink.note(NoteKind::Guessed, "a task without a reference name is called by its type", at);
        Some(name)
    }) else {
        sink.refuse("a task without a name", at);
        return Ok(());
    };
    let round = fields.number("iteration").and_then(|round| u64::try_from(round).ok());
    let (node, iteration) = split_round(&reference, round, &run.planned);
    if node != reference {
        sink.note(
            NoteKind::Renamed,
            "the loop round at the end of a reference name became the iteration",
            at,
        );
    }
    let node = sink.fit(node, NAME_BYTES_MAX, "referenceTaskName", at);
    let task_id = fields.text("taskId").unwrap_or_else(|| format!("task-{index}"));
    let task_id = sink.fit(&task_id, 200, "taskId", at);
    let status = fields.text("status").or_else(|| fields.text("taskStatus")).unwrap_or_default();
    let scheduled = fields.time("scheduledTime");
    let updated = fields.time("updateTime");
    let start = fields.time("startTime");
    let end = fields.time("endTime");
    let reason = fields.text("reasonForIncompletion");
    let worker = fields.text("workerId").map(|worker| sink.fit(&worker, ID_BYTES_MAX, "workerId", at));
    let inputs = fields.0.get("inputData").copied().and_then(Fields::of);
    let outputs = fields.0.get("outputData").copied().and_then(Fields::of);
    let case = matches!(kind.as_str(), "DECISION" | "SWITCH").then(|| case(inputs, outputs)).flatten();
    let case = case.map(|case| sink.fit(&case, ID_BYTES_MAX, "case", at));
    let sub_execution = sub_workflow(&mut fields).map(|id| sink.fit(&id, ID_BYTES_MAX, "subWorkflowId", at));
    let input = fields.payload("inputData", sink, place);
    let output = fields.payload("outputData", sink, place);
    let logs = fields.raw("logs");
    for redundant in ["taskStatus", "workflowInstanceId", "workflowType", "correlationId"] {
        fields.0.remove(redundant);
    }
    // Stable facts go on the start, so that a later export of the same execution gives the same start again.
    let mut stable = Object::default();
    stable.text("taskType", &kind);
    if let Some(name) = defined.filter(|name| *name != kind && *name != node) {
        stable.text("taskDefName", &name);
    }
    for key in ["seq", "retryCount", "retriedTaskId"] {
        if let Some(text) = fields.text(key) {
            stable.text(key, &text);
        }
    }
    if let Some(time) = scheduled.and_then(|time| jiff::Timestamp::from_microsecond(time.micros()).ok()) {
        stable.text("scheduledTime", &time.to_string());
    }
    let stable = stable.finish();
    let more = scalars(&mut fields);
    drop_rest("task", fields, sink, place);

    let outcome = outcome(&status);
    if matches!(outcome, Outcome::Unknown) {
        let subject = format!("task status {status:?} is not known: a run that stays open");
        sink.note(NoteKind::StatusMapped, &subject, at);
    }
    let waiting = matches!(outcome, Outcome::Waiting) && start.is_none();
    if waiting {
        sink.note(NoteKind::BecameLog, "a task that is SCHEDULED and has not started", at);
        sink.report(ReportKind::Log, run.mark(), Some(&node), |report| {
            report.time(scheduled);
            report.text("id", &format!("{task_id}:scheduled"));
            report.text("level", "INFO");
            report.text("message", "scheduled, not started");
            report.json_if("data", &input);
            report.json("conductor", &stable);
        })?;
    }
    let closed = match outcome {
        Outcome::Closed(status) => Some(status),
        Outcome::Waiting | Outcome::Running | Outcome::Unknown => None,
    };
    let starts = start.is_some() || (closed.is_none() && !waiting);
    if starts {
        let time = start.or(scheduled);
        sink.sane(time, at);
        let meta = std::mem::replace(&mut run.meta_written, true);
        let meta = if meta { "" } else { run.meta.as_str() };
        sink.report(ReportKind::Node, run.mark(), Some(&node), |report| {
            report.text("status", Status::Running.as_str());
            report.time(time);
            report.text("id", &format!("{task_id}:start"));
            report.text("runId", &task_id);
            if let Some(iteration) = iteration {
                report.number("iteration", iteration);
            }
            report.json_if("input", &input);
            report.text_if("subExecutionId", sub_execution.as_deref());
            report.text_if("instance", worker.as_deref());
            report.json_if("meta", meta);
            report.json("conductor", &stable);
        })?;
        sink.counts.runs += 1;
    }
    if let Some(closes) = closed {
        if status != closes.as_str() {
            sink.note(NoteKind::StatusMapped, &format!("task {status} is {}", closes.as_str()), at);
        }
        if start.is_none() {
            sink.note(NoteKind::NoStart, "the task has no startTime", at);
        }
        let told = end.or(updated).or(start).or(scheduled);
        if end.is_none() {
            sink.note(NoteKind::Time, "a closed task without endTime: its last known time was taken", at);
        }
        let time = sink.end_after(start, told, at);
        sink.sane(time, at);
        sink.count_closed(closes, starts);
        let exception = exception(&status, reason.as_deref());
        sink.report(ReportKind::Node, run.mark(), Some(&node), |report| {
            report.text("status", closes.as_str());
            report.time(time);
            report.text("id", &format!("{task_id}:end"));
            report.text("runId", &task_id);
            report.text_if("case", case.as_deref());
            if let Some(iteration) = iteration {
                report.number("iteration", iteration);
            }
            if !starts {
                report.json_if("input", &input);
            }
            report.json_if("output", &output);
            report.json_if("exception", &exception);
            report.text_if("subExecutionId", sub_execution.as_deref());
            report.text_if("instance", worker.as_deref());
            if time != told
                && let Some(told) = told
            {
                report.number("conductorEndTime", told.micros().max(0) as u64 / 1000);
            }
            report.json_if("conductor", &more);
        })?;
        if status == "COMPLETED_WITH_ERRORS" {
            sink.report(ReportKind::Log, run.mark(), Some(&node), |report| {
                report.time(time);
                report.text("id", &format!("{task_id}:errors"));
                report.text("level", "WARN");
                report.text("message", "completed with errors");
                report.json_if("exception", &exception);
            })?;
        }
    } else if starts {
        sink.counts.runs_open += 1;
        if !output.is_empty() || reason.is_some() || !more.is_empty() {
            sink.note(
                NoteKind::FieldDropped,
                "what a task that goes on has so far (output, reason, counters)",
                at,
            );
        }
    }
    task_logs(run, &node, &task_id, logs, start.or(end), sink, place)
}

/// Node name and loop round: `name__3` of round 3 is node `name`, iteration 3.
///
/// The suffix is cut when the task says it is in that round; when it says nothing (older records), when the definition
/// knows the name without the suffix and not with it.
fn split_round<'n>(reference: &'n str, round: Option<u64>, planned: &[String]) -> (&'n str, Option<u64>) {
    let knows = |name: &str| planned.binary_search_by(|known| known.as_str().cmp(name)).is_ok();
    let cut = || {
        let (name, suffix) = reference.rsplit_once("__")?;
        let number: u64 = suffix.parse().ok().filter(|_| suffix.bytes().all(|byte| byte.is_ascii_digit()))?;
        let same = match round {
            Some(round) => round == number && number > 0,
            None => knows(name) && !knows(reference),
        };
        (same && !name.is_empty()).then_some((name, number))
    };
    match cut() {
        // Loops in loops: each adds its own suffix; the innermost round is the iteration.
        Some((mut name, number)) => {
            while let Some((outer, suffix)) = name.rsplit_once("__") {
                if knows(name) || !knows(outer) || suffix.parse::<u64>().is_err() {
                    break;
                }
                name = outer;
            }
            (name, Some(number))
        }
        None => (reference, None),
    }
}

/// What a decision or switch chose.
fn case(inputs: Option<Fields<'_>>, outputs: Option<Fields<'_>>) -> Option<String> {
    let mut chosen = None;
    if let Some(mut outputs) = outputs {
        for key in ["selectedCase", "caseOutput", "evaluationResult"] {
            chosen = chosen.or_else(|| first_text(outputs.raw(key)?));
        }
    }
    chosen.or_else(|| first_text(inputs?.raw("case")?))
}

/// A scalar, or the first one of an array, as text.
fn first_text(json: &RawValue) -> Option<String> {
    let text = match serde_json::from_str::<Vec<&RawValue>>(json.get()) {
        Ok(items) => scalar(items.first()?.get()),
        Err(_) => scalar(json.get()),
    };
    text.filter(|text| !text.is_empty())
}

fn sub_workflow(fields: &mut Fields<'_>) -> Option<String> {
    let own = fields.text("subWorkflowId");
    let inner = |key: &str| fields.0.get(key).copied().and_then(Fields::of)?.text("subWorkflowId");
    own.or_else(|| inner("outputData")).or_else(|| inner("inputData"))
}

/// Log lines kept with a task: texts, or objects `{log, createdTime}`.
///
/// A text has no time of its own that a machine can rely on: such lines are set 1 µs apart from the start of the run, so
/// that they stay in order.
fn task_logs(
    run: &Execution,
    node: &str,
    task_id: &str,
    logs: Option<&RawValue>,
    since: Option<Timestamp>,
    sink: &mut Sink<'_>,
    place: &str,
) -> Result<(), ConvertError> {
    let Some(logs) = logs else { return Ok(()) };
    let Ok(logs) = serde_json::from_str::<Vec<&RawValue>>(logs.get()) else {
        sink.note(NoteKind::Unreadable, "logs of a task", || place.to_owned());
        return Ok(());
    };
    for (number, json) in logs.into_iter().enumerate() {
        let (message, own_time) = match Fields::of(json) {
            Some(mut fields) => {
                (fields.text("log").unwrap_or_else(|| one_line(json.get())), fields.time("createdTime"))
            }
            None => (scalar(json.get()).unwrap_or_else(|| one_line(json.get())), None),
        };
        if own_time.is_none() {
            let subject = "a log line without a time: 1 µs after the one before, from the start of its run";
            sink.note(NoteKind::Time, subject, || place.to_owned());
        }
        let time = own_time.or_else(|| since.map(|since| since.plus_micros(number as i64)));
        sink.report(ReportKind::Log, run.mark(), Some(node), |report| {
            report.time(time);
            report.text("id", &format!("{task_id}:log{number}"));
            report.text("level", "INFO");
            report.text("message", &message);
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_is_cut_only_where_it_is_one() {
        let planned = ["a__2".to_owned(), "body".to_owned(), "inner".to_owned()];
        for (reference, round, want) in [
            ("body__3", Some(3), ("body", Some(3))),
            ("body__3", Some(0), ("body__3", None)),
            ("body__3", None, ("body", Some(3))),
            ("a__2", Some(0), ("a__2", None)),
            ("a__2", None, ("a__2", None)),
            ("inner__1__4", Some(4), ("inner", Some(4))),
            ("body", Some(10), ("body", None)),
            ("__1", Some(1), ("__1", None)),
            ("body__+3", Some(3), ("body__+3", None)),
        ] {
            assert_eq!(split_round(reference, round, &planned), want, "{reference} {round:?}");
        }
    }
}
