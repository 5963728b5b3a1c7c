//! One execution as a tree: the plan with what ran, how long it took, what went wrong and why.

use std::collections::{BTreeMap, HashMap, HashSet};

use linkloom_schema::answer::{ExecutionAnswer, LogAnswer, NodeView, RunAnswer};
use linkloom_schema::panorama::{EdgeState, ExecutionStatus, NodeCounts, NodeState};
use linkloom_schema::report::Level;
use linkloom_schema::tally::{LevelCounts, Meta};
use linkloom_schema::time::Timestamp;

use super::exception::{Exception, write_wrapped};
use super::line::{Line, Style, Tone};
use super::nesting::{Content, Lane, Row, rows};
use super::span::{duration, instant, instant_short};
use super::state::{of_execution, of_node, word};
use super::table::{grouped, plural};
use super::text::clip;

/// Columns of the state, of the offset and of the duration, each with the space before it.
const STATE_COLUMNS: usize = 13;
const OFFSET_COLUMNS: usize = 13;
const DURATION_COLUMNS: usize = 12;
/// Columns of the timeline with the space before it, on terminals at least so wide.
const TIMELINE_COLUMNS: usize = 18;
const TIMELINE_FROM: usize = 120;
/// Most columns of the tree with its names.
const TREE_COLUMNS_MAX: usize = 56;
/// Names of folded nodes that are listed.
const FOLDED_NAMES_MAX: usize = 4;

/// The tree of an execution with its head and findings.
///
/// `last_errors`: by node name the latest log of level `ERROR` or `FATAL`, shown below nodes that failed; nodes without
/// one may be left out.
pub fn execution(
    answer: &ExecutionAnswer<'_>,
    last_errors: &BTreeMap<String, LogAnswer<'_>>,
    style: Style,
) -> String {
    let mut out = String::new();
    head(answer, style, &mut out);
    out.push('\n');
    let rows = rows(&answer.nodes, &answer.edges);
    let table = Table::new(answer, &rows, style);
    for row in &rows {
        match &row.content {
            Content::Node(place) => {
                let node = &answer.nodes[*place];
                table.node(row, node, &mut out);
                why(row, node, last_errors.get(&node.node_name), style, &mut out);
            }
            Content::Folded(places) => table.folded(row, places, answer, &mut out),
            Content::Lane(lane) => table.lane(row, lane, &mut out),
        }
    }
    if answer.nodes.is_empty() {
        let mut line = Line::new();
        line.push(Tone::Faint, "  no node has reported");
        line.write(style, &mut out);
    }
    findings(answer, style, &mut out);
    out
}

fn head(answer: &ExecutionAnswer<'_>, style: Style, out: &mut String) {
    let (sign, tone) = of_execution(answer.status);
    let mut line = Line::new();
    line.push(tone, sign).push(tone, " ").push(tone, answer.status.as_str()).push(Tone::Plain, "  ");
    path(&mut line, &answer.business_id, &answer.scene_id, &answer.execution_id);
    line.write(style, out);

    let mut facts: Vec<(&str, Line)> = Vec::new();
    let mut fact = |name: &'static str, text: &str| {
        let mut line = Line::new();
        line.push(Tone::Plain, text);
        facts.push((name, line));
    };
    match (answer.start_time, answer.duration_micros) {
        (Some(start), Some(micros)) => {
            fact("started", &format!("{} UTC, took {}", instant(start), duration(micros)));
        }
        (Some(start), None) => fact("started", &format!("{} UTC", instant(start))),
        (None, _) => fact("started", "at a time that was not reported"),
    }
    let counts: NodeCounts = answer.nodes.iter().map(|node| node.state).collect();
    let mut states = Line::new();
    node_counts(&mut states, &counts);
    if !answer.meta.is_empty() {
        fact("meta", &meta_text(&answer.meta));
    }
    if !answer.services.is_empty() {
        fact("services", &answer.services.join(", "));
    }
    if !answer.trace_ids.is_empty() {
        fact("traces", &answer.trace_ids.join(", "));
    }
    match &answer.definition_version {
        Some(version) => fact("plan", &format!("version {version}")),
        None => fact("plan", "none, shown is what was observed"),
    }
    let counts = &answer.counts;
    let mut reports = plural(counts.reports, "report");
    match counts.logs {
        0 => {}
        1 if counts.reports == 1 => reports.push_str(", a log"),
        1 => reports.push_str(", 1 of them a log"),
        logs => reports.push_str(&format!(", {} of them logs", grouped(logs))),
    }
    if answer.logs.without_node > 0 {
        reports.push_str(&format!(" ({} without a node)", grouped(answer.logs.without_node)));
    }
    if counts.truncated > 0 {
        reports.push_str(&format!(", {} with a payload that was cut", grouped(counts.truncated)));
    }
    fact("reports", &reports);
    facts.insert(1, ("nodes", states));
    if answer.status == ExecutionStatus::Running {
        facts.extend(waits(answer).map(|line| ("waits for", line)));
        facts.extend(silence(answer).map(|line| ("silent", line)));
    }
    if answer.partial {
        let mut line = Line::new();
        line.push(Tone::Warn, "some reports may be past retention");
        facts.push(("partial", line));
    }
    if answer.clipped {
        let mut line = Line::new();
        line.push(Tone::Warn, "it had more traces, services or meta than are kept");
        facts.push(("clipped", line));
    }
    for (name, text) in facts.iter().filter(|(_, text)| !text.is_empty()) {
        let mut line = Line::new();
        line.push(Tone::Plain, "  ").push(Tone::Faint, name).pad_to(12).append(text);
        line.write(style, out);
    }
}

/// Nodes whose turn it is: not reached, and the one before them is through. Forks and loops are looked into, and joins
/// wait themselves.
fn next_nodes<'a>(answer: &'a ExecutionAnswer<'_>) -> Vec<&'a NodeView<'a>> {
    let kind = |node: &'a NodeView<'_>| node.node_type.as_deref().unwrap_or_default();
    let waiting = answer.nodes.iter().filter(|node| node.state == NodeState::NotReached);
    let waiting: HashMap<&str, &NodeView<'_>> = waiting.map(|node| (&*node.node_name, node)).collect();
    let through = answer.nodes.iter().filter(|node| node.state == NodeState::Completed);
    let mut through: HashSet<&str> = through.map(|node| &*node.node_name).collect();
    let mut next: HashSet<&str> = HashSet::new();
    let mut more = true;
    while std::mem::take(&mut more) {
        for edge in answer.edges.iter().filter(|edge| edge.state != EdgeState::NotTaken) {
            let Some(to) = waiting.get(&*edge.to).filter(|_| through.contains(&*edge.from)) else { continue };
            match kind(to) {
                "fork" | "loop" => more |= through.insert(&to.node_name),
                "join" => {}
                _ => more |= next.insert(&to.node_name),
            }
        }
    }
    answer.nodes.iter().filter(|node| next.contains(&*node.node_name)).collect()
}

fn has_open_run(answer: &ExecutionAnswer<'_>) -> bool {
    answer.nodes.iter().flat_map(|node| &node.runs).any(|run| run.status == "RUNNING")
}

/// What a running execution waits for when nothing runs: the nodes that come next.
fn waits(answer: &ExecutionAnswer<'_>) -> Option<Line> {
    if has_open_run(answer) {
        return None;
    }
    let mut line = Line::new();
    for node in next_nodes(answer) {
        if !line.is_empty() {
            line.push(Tone::Plain, ", ");
        }
        line.push(Tone::Plain, &node.node_name);
        if node.optional {
            line.push(Tone::Faint, " (optional)");
        }
    }
    (!line.is_empty()).then_some(line)
}

/// Since when a running execution is silent, from when on that counts, and what it is then, where that is certain.
fn silence(answer: &ExecutionAnswer<'_>) -> Option<Line> {
    let (last, counts) = (answer.last_report_time?, answer.stalls_at?);
    let next = next_nodes(answer);
    let reports = |node: &NodeView<'_>| matches!(node.node_type.as_deref(), Some("local" | "rpc" | "link"));
    let then = if has_open_run(answer) || next.iter().any(|node| !node.optional && reports(node)) {
        "stalled"
    } else if answer.definition_version.is_none()
        || (!next.is_empty() && next.iter().all(|node| node.optional))
    {
        "completed"
    } else {
        "which counts"
    };
    let mut line = Line::new();
    line.push(Tone::Plain, &format!("since {} UTC, ", instant_short(last)));
    line.push(Tone::Plain, &format!("{then} from {}", instant_short(counts)));
    Some(line)
}

/// `business › scene › execution`.
pub(super) fn path(line: &mut Line, business_id: &str, scene_id: &str, execution_id: &str) {
    line.push(Tone::Strong, business_id).push(Tone::Faint, " › ");
    line.push(Tone::Strong, scene_id).push(Tone::Faint, " › ").push(Tone::Strong, execution_id);
}

/// `5 completed, 1 failed`, each in its colour.
fn node_counts(line: &mut Line, counts: &NodeCounts) {
    for (at, (state, count)) in counts.iter().enumerate() {
        if at > 0 {
            line.push(Tone::Faint, ", ");
        }
        line.push(of_node(state).1, &format!("{count} {}", word(state)));
    }
}

/// `contentType=video trigger=api`.
pub(super) fn meta_text(meta: &Meta) -> String {
    let pairs: Vec<String> = meta.iter().map(|(key, value)| format!("{key}={}", value.as_text())).collect();
    pairs.join("  ")
}

/// How wide the columns are.
struct Table {
    style: Style,
    start: Option<Timestamp>,
    /// The latest time any run has, for the timeline.
    latest: Option<Timestamp>,
    tree: usize,
    with_offset: bool,
    with_timeline: bool,
}

impl Table {
    fn new(answer: &ExecutionAnswer<'_>, rows: &[Row], style: Style) -> Table {
        let widest = rows.iter().filter_map(|row| match &row.content {
            Content::Node(place) => Some(name_cell(row, &answer.nodes[*place]).width()),
            _ => None,
        });
        let with_offset = style.columns >= 80;
        let fixed = STATE_COLUMNS + DURATION_COLUMNS + if with_offset { OFFSET_COLUMNS } else { 0 };
        let room = style.columns.saturating_sub(fixed).clamp(16, TREE_COLUMNS_MAX);
        let runs = || answer.nodes.iter().flat_map(|node| &node.runs);
        let latest = runs().flat_map(|run| [run.start_time, run.end_time]).flatten().max();
        Table {
            style,
            start: answer.start_time,
            latest,
            tree: widest.max().unwrap_or(0).min(room),
            with_offset,
            with_timeline: style.columns >= TIMELINE_FROM && latest > answer.start_time,
        }
    }

    fn node(&self, row: &Row, node: &NodeView<'_>, out: &mut String) {
        let mut line = name_cell(row, node);
        line.clip(self.tree);
        let mut column = self.tree + 2;
        line.pad_to(column).push(of_node(node.state).1, word(node.state));
        column += STATE_COLUMNS;
        let run = node.runs.last();
        if self.with_offset {
            if let Some(text) = run.and_then(|run| self.offset(run)) {
                line.pad_to(column).push(Tone::Faint, &text);
            }
            column += OFFSET_COLUMNS;
        }
        if let Some(micros) = run.and_then(|run| run.duration_micros) {
            line.pad_to(column).push(Tone::Plain, &duration(micros));
        }
        column += DURATION_COLUMNS;
        if self.with_timeline {
            if let Some(run) = run {
                self.timeline(&mut line, column, run, of_node(node.state).1);
            }
            column += TIMELINE_COLUMNS;
        }
        let notes = notes(node);
        if !notes.is_empty() {
            line.pad_to(column).append(&notes);
        }
        line.write(self.style, out);
    }

    /// When the run started, from the start of the execution; of a run whose start was not reported, when it ended.
    fn offset(&self, run: &RunAnswer<'_>) -> Option<String> {
        let (arrow, time) = match (run.start_time, run.end_time) {
            (Some(began), _) => ("", began),
            (None, Some(ended)) => ("→", ended),
            (None, None) => return None,
        };
        let micros = time.micros().saturating_sub(self.start?.micros());
        let plus = if micros < 0 { "" } else { "+" };
        Some(format!("{arrow}{plus}{}", duration(micros)))
    }

    /// When the run was, from the start of the execution to its latest time.
    fn timeline(&self, line: &mut Line, column: usize, run: &RunAnswer<'_>, tone: Tone) {
        let (Some(start), Some(latest)) = (self.start, self.latest) else { return };
        let Some(began) = run.start_time.or(run.end_time) else { return };
        let ended = run.end_time.unwrap_or(if run.status == "RUNNING" { latest } else { began });
        let cells = TIMELINE_COLUMNS - 2;
        let whole = i128::from(latest.micros()) - i128::from(start.micros());
        let cell = |time: Timestamp| {
            let part = (i128::from(time.micros()) - i128::from(start.micros())).clamp(0, whole.max(0));
            (part * cells as i128 / whole.max(1)) as usize
        };
        let from = cell(began).min(cells - 1);
        let to = cell(ended).clamp(from + 1, cells);
        line.pad_to(column).push(Tone::Faint, &"·".repeat(from));
        line.push(tone, &"━".repeat(to - from)).push(Tone::Faint, &"·".repeat(cells - to));
    }

    fn folded(&self, row: &Row, places: &[usize], answer: &ExecutionAnswer<'_>, out: &mut String) {
        let mut line = rails(row);
        let names: Vec<&str> = places
            .iter()
            .take(FOLDED_NAMES_MAX)
            .map(|place| answer.nodes[*place].node_name.as_str())
            .collect();
        let more = if places.len() > names.len() { ", …" } else { "" };
        line.push(
            Tone::Faint,
            &format!("⋯ {}: {}{more}", plural(places.len() as u64, "minor node"), names.join(", ")),
        );
        let counts: NodeCounts = places.iter().map(|place| answer.nodes[*place].state).collect();
        line.push(Tone::Faint, " (");
        node_counts(&mut line, &counts);
        line.push(Tone::Faint, ")");
        line.write(self.style, out);
    }

    fn lane(&self, row: &Row, lane: &Lane, out: &mut String) {
        let mut line = rails(row);
        let corner = if lane.last { "└" } else { "├" };
        let (dash, tone) = match lane.state {
            EdgeState::Taken => ("─ ", Tone::Plain),
            EdgeState::Open => ("─ ", Tone::Faint),
            EdgeState::NotTaken => ("┄ ", Tone::Faint),
        };
        line.push(Tone::Faint, corner).push(Tone::Faint, dash).push(tone, &lane.label);
        if lane.empty {
            line.push(Tone::Faint, " (nothing to do)");
        }
        line.write(self.style, out);
    }
}

/// The rails left of a row.
fn rails(row: &Row) -> Line {
    let mut line = Line::new();
    line.push(Tone::Plain, "  ");
    for more in &row.rails {
        line.push(Tone::Faint, if *more { "│  " } else { "   " });
    }
    line
}

/// Rails, sign, name, the case of a decision, and how often it ran.
fn name_cell(row: &Row, node: &NodeView<'_>) -> Line {
    let (sign, tone) = of_node(node.state);
    let name = match node.state {
        NodeState::Failed | NodeState::Missing | NodeState::Stalled => tone,
        NodeState::NotTaken | NodeState::NotReached | NodeState::Expired => Tone::Faint,
        _ => Tone::Strong,
    };
    let mut line = rails(row);
    line.push(tone, sign).push(Tone::Plain, " ").push(name, &node.node_name);
    if let Some(case) = &node.case {
        line.push(Tone::Faint, " → ").push(Tone::Plain, case);
        if node.case_inferred {
            line.push(Tone::Faint, "?");
        }
    }
    if node.runs.len() > 1 {
        line.push(Tone::Warn, &format!(" ×{}", node.runs.len()));
    }
    line
}

/// What else there is to say of a node, on its line.
fn notes(node: &NodeView<'_>) -> Line {
    let mut notes: Vec<Line> = Vec::new();
    let mut note = |tone: Tone, text: &str| {
        let mut line = Line::new();
        line.push(tone, text);
        notes.push(line);
    };
    let failed = node.runs.iter().rev().skip(1).filter(|run| run.status == "FAILED").count();
    if failed > 0 {
        note(Tone::Warn, &format!("failed {} before", times(failed)));
    }
    if node.runs.last().is_some_and(|run| run.status == "SKIPPED") {
        note(Tone::Faint, "skipped");
    }
    if let Some(why) = &node.not_taken_because {
        note(Tone::Faint, why);
    }
    if let Some(sub) = &node.sub {
        note(Tone::Faint, &format!("↗ {} › {}", sub.scene_id, sub.execution_id));
    }
    if node.runs.iter().any(|run| run.shared) {
        note(Tone::Faint, "shared");
    }
    if node.runs.last().is_some_and(|run| run.time_substituted) {
        note(Tone::Faint, "time of the source");
    }
    if let Some(title) = &node.title {
        note(Tone::Faint, title);
    }
    if node.log_counts.total() > 0 {
        let mut line = Line::new();
        level_counts(&mut line, &node.log_counts);
        notes.insert(0, line);
    }
    let mut line = Line::new();
    for (at, note) in notes.iter().enumerate() {
        if at > 0 {
            line.push(Tone::Plain, "  ");
        }
        line.append(note);
    }
    line
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

/// `3 logs: 1 error, 1 warning`.
fn level_counts(line: &mut Line, counts: &LevelCounts) {
    let errors = counts.get(Level::Error) + counts.get(Level::Fatal);
    let warnings = counts.get(Level::Warn);
    line.push(Tone::Faint, &plural(counts.total(), "log"));
    if errors > 0 {
        line.push(Tone::Faint, ": ").push(Tone::Bad, &plural(errors, "error"));
    }
    if warnings > 0 {
        line.push(Tone::Faint, if errors > 0 { ", " } else { ": " });
        line.push(Tone::Warn, &plural(warnings, "warning"));
    }
}

/// Below a node that failed: its exception and its last error log.
fn why(row: &Row, node: &NodeView<'_>, last_error: Option<&LogAnswer<'_>>, style: Style, out: &mut String) {
    let failed = node.runs.last().filter(|run| run.status == "FAILED");
    if node.state != NodeState::Failed && failed.is_none() {
        return;
    }
    let mut said = Vec::new();
    if let Some(exception) = failed.and_then(|run| run.exception.as_ref()) {
        said.push(("", Exception::read(&exception.0).headline()));
    }
    if let Some(log) = last_error {
        let of_log = log.exception.as_ref().map(|exception| Exception::read(&exception.0).headline());
        let message = log.message.clone().unwrap_or_default();
        if !message.is_empty() {
            said.push((log.level.as_deref().unwrap_or("ERROR"), message));
        }
        said.extend(of_log.map(|headline| ("", headline)));
    }
    let mut shown: Vec<&str> = Vec::new();
    for (level, text) in &said {
        if shown.iter().any(|before| before.contains(text.as_str())) {
            continue;
        }
        shown.push(text);
        let mut block = String::new();
        let prefix = rails(row);
        let indent = prefix.width() + 2;
        let level = clip(level, 12);
        let text = if level.is_empty() { text.clone() } else { format!("{level} {text}") };
        // Wrapped without colours first: rails go before every line.
        let narrow = Style { color: false, columns: style.columns.saturating_sub(indent), clip: true };
        write_wrapped(&mut block, narrow, 0, Tone::Plain, &text, 3);
        for text in block.lines() {
            let mut line = prefix.clone();
            line.push(Tone::Plain, "  ").push(Tone::Bad, text);
            line.write(style, out);
        }
    }
}

fn findings(answer: &ExecutionAnswer<'_>, style: Style, out: &mut String) {
    if answer.findings.is_empty() {
        return;
    }
    out.push('\n');
    for finding in &answer.findings {
        let mut line = Line::new();
        line.push(Tone::Warn, "  ! ").push(Tone::Warn, &finding.kind.as_str().replace('_', " "));
        if let Some(node) = &finding.node_name {
            line.push(Tone::Plain, "  ").push(Tone::Strong, node);
        }
        line.push(Tone::Plain, "  ").push(Tone::Plain, &finding.message);
        line.write(style, out);
    }
}
