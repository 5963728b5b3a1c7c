//! Findings of an execution laid over its plan: what its reports say against the plan, and against the clock.

use super::display::Order;
use super::evaluate::{Cell, Evaluated, Own};
use super::plan::{Choice, NodeType, Plan};
use super::{counted, latest};
use crate::finding::{Finding, FindingKind, span_text};
use crate::run::{Run, Runs};

/// How many nodes are visited to find the predecessors of one node past control nodes that do not report. Bounds the
/// work on plans where thousands of cases meet thousands of cases; the first in definition order are looked at.
const VISITS_MAX: usize = 64;

/// The findings of a planned execution, in display order of their nodes, then by kind.
pub(super) fn planned(
    plan: &Plan,
    runs: &Runs<'_>,
    found: &Evaluated,
    order: &Order<'_>,
    partial: bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for item in order.entries.iter().filter_map(|entry| entry.item) {
        let cell = &found.cells[item as usize];
        let from = findings.len();
        if plan.item(item).node_type == NodeType::Decision {
            cases(plan, runs, found, item, partial, &mut findings);
        }
        if counted(runs, found, item).next().is_some() {
            clocks(plan, runs, found, item, &mut findings);
            slow(plan, runs, cell, item, &mut findings);
        }
        findings[from..].sort_unstable();
    }
    findings
}

fn finding(plan: &Plan, item: u32, kind: FindingKind, message: String) -> Finding {
    Finding { kind, node_name: Some(plan.item(item).name.to_string()), message }
}

/// What is wrong with the way of a decision.
fn cases(
    plan: &Plan,
    runs: &Runs<'_>,
    found: &Evaluated,
    item: u32,
    partial: bool,
    findings: &mut Vec<Finding>,
) {
    let cell = &found.cells[item as usize];
    let name = &plan.item(item).name;
    let parts = plan.item(item).parts.clone();
    let said = latest(runs, found, item).and_then(|run| run.case);
    if let Some(said) = said
        && !plan.choice(item, said).1
    {
        let known: Vec<&str> = parts.clone().map(|part| plan.case_label(part)).collect();
        let message = format!("{name} chose {said}; its cases are {}", known.join(", "));
        findings.push(finding(plan, item, FindingKind::UnknownCase, message));
    } else if cell.choice == Choice::Undecided && cell.passed && !partial {
        let message = format!("the flow went past {name}, and none of its cases ran");
        findings.push(finding(plan, item, FindingKind::UnknownCase, message));
    }
    let ran = |part: &u32| plan.elements(*part).iter().any(|&inner| found.cells[inner as usize].seen);
    let ran: Vec<u32> = parts.filter(ran).collect();
    let beside = ran.iter().any(|&part| cell.choice != Choice::Case(part));
    if beside && cell.choice != Choice::Undecided {
        let labels: Vec<&str> = ran.iter().map(|&part| plan.case_label(part)).collect();
        let labels = labels.join(", ");
        let message = match (said, &ran[..]) {
            (Some(said), [_]) => format!("{name} chose {said}, and nodes of {labels} ran"),
            _ => format!("nodes of several cases of {name} ran: {labels}"),
        };
        findings.push(finding(plan, item, FindingKind::BothCasesRan, message));
    }
}

/// A node against those planned before it: at most one finding, about the first of them that contradicts it.
///
/// Compared are the earliest start and end of each, so that a node that simply ran again proves nothing. A node one of
/// whose runs has no reported start may have begun at any time and proves nothing either.
fn clocks(plan: &Plan, runs: &Runs<'_>, found: &Evaluated, item: u32, findings: &mut Vec<Finding>) {
    let Some(after) = Span::of(runs, found, item) else { return };
    let mut stack: Vec<u32> = plan.before(item).collect();
    stack.reverse();
    let mut visits = 0;
    while let Some(before) = stack.pop() {
        visits += 1;
        if visits > VISITS_MAX {
            return;
        }
        let cell = &found.cells[before as usize];
        // A loop runs as long as its body does, so it does not end before it.
        let around =
            plan.item(before).node_type == NodeType::Loop && item > before && item < plan.item(before).end;
        if around || cell.own == Own::Nothing && plan.item(before).node_type.is_control() {
            stack.extend(plan.before(before).rev());
            continue;
        }
        let Some(span) = Span::of(runs, found, before) else { continue };
        let (name, before_name) = (&plan.item(item).name, &plan.item(before).name);
        let elsewhere = match (after.first.place(), span.first.place()) {
            (Some(here), Some(there)) => here != there,
            _ => false,
        };
        if elsewhere {
            let (Some(start), Some(end)) = (after.start, span.end) else { continue };
            if start < end {
                let early = span_text(end - start);
                let message = format!("{name} began {early} before {before_name} ended on another host");
                findings.push(finding(plan, item, FindingKind::ClockSkewSuspected, message));
                return;
            }
        } else {
            let (Some(end), Some(start)) = (after.end, span.start) else { continue };
            if end < start {
                let early = span_text(start - end);
                let message = format!("{name} ended {early} before {before_name} began");
                findings.push(finding(plan, item, FindingKind::OrderBroken, message));
                return;
            }
        }
    }
}

/// When a node ran first, in microseconds.
struct Span<'r> {
    first: &'r Run<'r>,
    /// Earliest start; `None`: unknown.
    start: Option<i64>,
    /// Earliest end.
    end: Option<i64>,
}

impl<'r> Span<'r> {
    fn of(runs: &'r Runs<'r>, found: &'r Evaluated, item: u32) -> Option<Self> {
        let first = counted(runs, found, item).next()?;
        let all_started = counted(runs, found, item).all(|run| run.start.is_some());
        let start = counted(runs, found, item).filter_map(|run| run.start).min();
        let end = counted(runs, found, item).filter_map(|run| run.end).min();
        Some(Span {
            first,
            start: start.filter(|_| all_started).map(|time| time.0),
            end: end.map(|time| time.0),
        })
    }
}

/// The slowest run of a node, if it took longer than the plan allows; runs of all rounds count.
fn slow(plan: &Plan, runs: &Runs<'_>, cell: &Cell, item: u32, findings: &mut Vec<Finding>) {
    let Some(limit) = plan.item(item).slow_after_micros else { return };
    let timed = runs.of(cell.group as usize).iter().filter_map(|run| Some((run.duration_micros()?, run)));
    // Of equally slow runs the first.
    let Some((took, run)) = timed.min_by_key(|(took, _)| -took) else { return };
    if took > limit {
        let message =
            format!("run {} took {}, slow is above {}", run.id(), span_text(took), span_text(limit));
        findings.push(finding(plan, item, FindingKind::Slow, message));
    }
}
