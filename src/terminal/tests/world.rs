//! A tiny language for plans and reports, and the answers made from them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use linkloom_query::LogsQuery;
use linkloom_schema::answer::{
    ExecutionInput, ListAnswer, LogAnswer, LogsAnswer, execution_answer, log_answer, node_answer,
};
use linkloom_schema::definition::{Definition, Node, NodeKind};
use linkloom_schema::finding::Finding;
use linkloom_schema::ids::{MarkRef, SceneId};
use linkloom_schema::panorama::{Context, ExecutionStatus, Plans};
use linkloom_schema::report::{Identity, Payload, Report, ReportKind, Status};
use linkloom_schema::summary::{Observed, list_entry, stalls_at, summarise};
use linkloom_schema::tally::Tally;
use linkloom_schema::time::Timestamp;

use crate::terminal::Style;

/// 2026-11-21T10:00:00Z.
const START: i64 = 1_795_255_200_000_000;

pub(super) const MARK: MarkRef<'static> =
    MarkRef { business_id: "content-42", scene_id: "realtime-input", execution_id: "5f2c" };

pub(super) fn step(name: &str) -> Node {
    Node {
        name: name.to_owned(),
        kind: NodeKind::Local,
        title: None,
        description: None,
        service: None,
        slow_after_ms: None,
        optional: false,
        minor: false,
        dynamic: false,
    }
}

pub(super) fn steps(names: &str) -> Vec<Node> {
    names.split(' ').filter(|name| !name.is_empty()).map(step).collect()
}

pub(super) fn block(name: &str, kind: NodeKind) -> Node {
    Node { kind, ..step(name) }
}

pub(super) fn fork(name: &str, branches: Vec<Vec<Node>>) -> Node {
    block(name, NodeKind::Fork { branches })
}

pub(super) fn join(name: &str, on: &str) -> Node {
    block(name, NodeKind::Join { on: on.split(' ').map(str::to_owned).collect() })
}

pub(super) fn decision(name: &str, cases: Vec<(&str, Vec<Node>)>) -> Node {
    let cases = cases.into_iter().map(|(case, nodes)| (case.to_owned(), nodes)).collect();
    block(name, NodeKind::Decision { cases, default: None })
}

pub(super) fn looped(name: &str, body: Vec<Node>) -> Node {
    block(name, NodeKind::Loop { body })
}

/// What the reports of one execution add up to.
pub(super) struct World {
    reports: Vec<Report<'static>>,
    logs: Vec<Report<'static>>,
    tally: Tally,
    plans: Option<Plans>,
    findings: Vec<Finding>,
    silent: bool,
}

impl World {
    /// Reports, one a line: `MS NODE STATUS [key=value ...]` or `MS NODE LEVEL: text {data}`.
    /// Keys: `in`, `out`, `ex` (JSON without spaces), `case`, `iter`, `run`, `sub`, `meta`, `svc`, `inst`.
    pub(super) fn new(plan: Option<Vec<Node>>, text: &'static str) -> World {
        let plans = plan.map(|nodes| {
            Plans::new(&Definition {
                scene_id: SceneId::new(MARK.scene_id).expect("a good id"),
                link_name: None,
                description: None,
                version: None,
                nodes,
                variants: Vec::new(),
            })
        });
        let mut world = World {
            reports: Vec::new(),
            logs: Vec::new(),
            tally: Tally::default(),
            plans,
            findings: Vec::new(),
            silent: false,
        };
        for (number, line) in text.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
            let report = report(number as u128, line);
            world.tally.add(&report);
            match report.kind {
                ReportKind::Node => world.reports.push(report),
                ReportKind::Log => world.logs.push(report),
            }
        }
        world
    }

    pub(super) fn silent(mut self) -> World {
        self.silent = true;
        self
    }

    pub(super) fn finding(mut self, finding: Finding) -> World {
        self.findings.push(finding);
        self
    }

    fn with<T>(&self, then: impl FnOnce(&ExecutionInput<'_>) -> T) -> T {
        let sub = |_: &str, execution: &str| (execution == "sub-1").then_some(ExecutionStatus::Completed);
        then(&ExecutionInput {
            mark: MARK,
            reports: &self.reports,
            tally: &self.tally,
            definition: self.plans.as_ref().map(|plans| ("3fa29c01d2e4b5a6", plans)),
            context: Context {
                execution_id: MARK.execution_id,
                silent: self.silent,
                partial: false,
                sub: &sub,
            },
            shared_traces: &[],
            stalls_at: stalls_at(&self.tally, 60_000_000),
            findings: &self.findings,
        })
    }

    /// The tree.
    pub(super) fn execution(&self, style: Style) -> String {
        let errors = self.logs.iter().filter(|log| log.level.as_deref() == Some("ERROR"));
        let last_errors: BTreeMap<String, LogAnswer<'_>> = errors
            .filter_map(|log| Some((log.node_name.as_deref()?.to_owned(), log_answer(log, &[], false))))
            .collect();
        self.with(|input| crate::terminal::execution(&execution_answer(input), &last_errors, style))
    }

    /// A node's page.
    pub(super) fn node(&self, name: &str, style: Style) -> String {
        let logs = self.logs.iter().filter(|log| log.node_name.as_deref() == Some(name));
        let logs = LogsAnswer {
            logs: logs.map(|log| log_answer(log, &[], false)).collect(),
            next_cursor: Some("cursor-2".to_owned()),
        };
        self.with(|input| {
            let answer = node_answer(input, name, None, logs).expect("a node of the execution");
            crate::terminal::node(MARK, &answer, &LogsQuery::default(), style)
        })
    }

    /// A list of executions with these ids.
    pub(super) fn list(worlds: &[(&str, &World)], limit: usize, style: Style) -> String {
        let mut entries = Vec::new();
        for (execution_id, world) in worlds {
            let events: Vec<_> = world.reports.iter().filter_map(Report::node_event).collect();
            let summary = summarise(&Observed {
                mark: MarkRef { execution_id, ..MARK },
                events: &events,
                tally: &world.tally,
                definition: world.plans.as_ref().map(|plans| ("3fa29c01d2e4b5a6", plans)),
                idle_micros: 60_000_000,
                sub: &|_, _| None,
            });
            let as_of = START + if world.silent { 3_600_000_000 } else { 5_000_000 };
            entries.push(list_entry(&summary, Timestamp(as_of)));
        }
        crate::terminal::list(MARK.business_id, &ListAnswer::page(entries, None, limit), style)
    }
}

/// JSON without spaces: `_` stands for one.
fn payload(text: &str) -> Option<Payload<'static>> {
    Some(Payload { json: Cow::Owned(text.replace('_', " ")), cut_from: None })
}

fn report(number: u128, line: &'static str) -> Report<'static> {
    let (ms, rest) = line.split_once(' ').expect("a time");
    let (node, rest) = rest.split_once(' ').expect("a node");
    let mut report = Report {
        identity: Identity(number),
        node_name: (node != "-").then_some(Cow::Borrowed(node)),
        time: ms.parse::<f64>().ok().map(|ms| Timestamp(START + (ms * 1_000.0) as i64)),
        service: Some(Cow::Borrowed("content-api")),
        instance: Some(Cow::Borrowed("10.0.0.3:8080")),
        ..Report::default()
    };
    if let Some((level, text)) = rest.split_once(": ") {
        let (message, data) = match text.find(" {") {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        report.kind = ReportKind::Log;
        report.level = Some(Cow::Borrowed(level));
        report.message = Some(Cow::Borrowed(message));
        report.data = data.and_then(payload);
        return report;
    }
    let mut words = rest.split(' ');
    report.status = Some(match words.next() {
        Some("start") => Status::Running,
        Some("done") => Status::Completed,
        Some("fail") => Status::Failed,
        Some("skip") => Status::Skipped,
        other => panic!("{other:?} is not a status"),
    });
    for word in words {
        let (key, value) = word.split_once('=').expect("key=value");
        let text = Some(Cow::Borrowed(value));
        match key {
            "in" => report.input = payload(value),
            "out" => report.output = payload(value),
            "ex" => report.exception = payload(value),
            "meta" => report.meta = payload(value),
            "case" => report.case = text,
            "run" => report.run_id = text,
            "sub" => report.sub_execution_id = text,
            "svc" => report.service = text,
            "inst" => report.instance = text,
            "iter" => report.iteration = value.parse().ok(),
            other => panic!("{other} is not a key"),
        }
    }
    report
}
