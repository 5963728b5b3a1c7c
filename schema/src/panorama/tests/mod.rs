//! Tables: a plan and events as text against the panorama as text.

mod control;
mod findings;
mod loops;
mod observed;
mod order;
mod properties;
mod states;

use std::fmt::Write as _;

use expect_test::Expect;

use super::*;
use crate::run::runs;
use crate::testing::{events, ms, nodes};

/// What a table test may vary besides plan and events.
#[derive(Clone, Copy, Default)]
struct Setting<'s> {
    silent: bool,
    partial: bool,
    /// Executions behind `link` nodes: scene, execution, status.
    subs: &'s [(&'s str, &'s str, ExecutionStatus)],
    /// Nodes named by logs: name, time in ms.
    logged: &'s [(&'s str, i64)],
}

const LIVE: Setting<'static> = Setting { silent: false, partial: false, subs: &[], logged: &[] };
const SILENT: Setting<'static> = Setting { silent: true, ..LIVE };

#[track_caller]
fn check(plan: &str, script: &str, setting: Setting<'_>, want: Expect) {
    want.assert_eq(&draw(Some(plan), script, setting));
}

/// Draws a panorama as text: status, nodes, edges by state, findings.
#[track_caller]
fn draw(plan: Option<&str>, script: &str, setting: Setting<'_>) -> String {
    let plan = plan.map(|text| Plan::new(&nodes(text)));
    let found = runs(&events(script));
    let sub = |scene: &str, execution: &str| {
        let wanted = setting.subs.iter().find(|(s, e, _)| (*s, *e) == (scene, execution));
        wanted.map(|(_, _, status)| *status)
    };
    let context =
        Context { execution_id: "this", silent: setting.silent, partial: setting.partial, sub: &sub };
    let logged: Vec<LoggedNode<'_>> = setting
        .logged
        .iter()
        .map(|(name, time)| LoggedNode {
            name,
            first: Moment { time: Some(crate::testing::at(*time)), identity: Default::default() },
        })
        .collect();
    let panorama = panorama(plan.as_ref(), &found, &logged, &context);
    let outline = outline(plan.as_ref(), &found, logged.iter().map(|log| log.name), &context);
    assert_eq!(outline.status, panorama.status, "the outline must agree");
    let counts: NodeCounts = panorama.nodes.iter().map(|node| node.state).collect();
    assert_eq!(outline.node_counts, counts, "the outline must agree");
    text(&panorama)
}

fn text(panorama: &Panorama<'_>) -> String {
    let mut out = format!("{}\n", panorama.status.as_str());
    for node in &panorama.nodes {
        let _ = write!(out, "  {} {}", node.name, node.state.as_str());
        if let Some(because) = &node.not_taken_because {
            let _ = write!(out, ": {because}");
        }
        if let Some(case) = node.case {
            let _ = write!(out, " case={case}{}", if node.case_inferred { "(inferred)" } else { "" });
        }
        if let Some(rounds) = node.rounds {
            let _ = write!(out, " rounds={rounds}");
        }
        out.push('\n');
    }
    for state in [EdgeState::Taken, EdgeState::NotTaken, EdgeState::Open] {
        let edges: Vec<String> = panorama
            .edges
            .iter()
            .filter(|edge| edge.state == state)
            .map(|edge| {
                let label = edge.label.map(|label| format!("[{label}]")).unwrap_or_default();
                format!("{}>{}{label}", edge.from, edge.to)
            })
            .collect();
        if !edges.is_empty() {
            let name = match state {
                EdgeState::Taken => "taken",
                EdgeState::NotTaken => "not taken",
                EdgeState::Open => "open",
            };
            let _ = writeln!(out, "  {name}: {}", edges.join(" "));
        }
    }
    for finding in &panorama.findings {
        let node = finding.node_name.as_deref().unwrap_or("-");
        let _ = writeln!(out, "  ! {} {node}: {}", finding.kind.as_str(), finding.message);
    }
    out
}

/// Draws the runs of one node: id, status, start and end in ms.
fn runs_text(script: &str) -> String {
    let found = runs(&events(script));
    let mut out = String::new();
    for (index, node) in found.nodes.iter().enumerate() {
        for run in found.of(index) {
            let time = |time: Option<Timestamp>| time.map_or("-".to_owned(), |time| ms(time).to_string());
            let _ = writeln!(
                out,
                "{} {} {} {}..{}",
                node.name,
                run.id(),
                run.status.as_str(),
                time(run.start),
                time(run.end)
            );
        }
    }
    out
}
