//! `linkloom link`: executions of a business id, one execution, and waiting for one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use linkloom_query::{ListQuery, LogsQuery};
use linkloom_schema::answer::{ExecutionAnswer, LogAnswer};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::panorama::{ExecutionStatus, NodeState};
use linkloom_schema::time::Timestamp;

use super::args::{
    LinkCommand, LinkListArgs, LinkLogsArgs, LinkShowArgs, LinkWaitArgs, MarkArgs, OutputFormat, StatusArg,
};
use super::remote::{PATIENCE_WITHOUT_API, ReadError, ReadSource};
use super::{Outcome, Output, store};
use crate::config::Config;
use crate::similar::distance;
use crate::terminal;

/// Between two looks while waiting for an execution.
const LOOK: Duration = Duration::from_millis(50);
/// How long an execution that has ended in another way than is waited for is still looked at: a retry may begin.
const RETRY_BEGINS: Duration = Duration::from_secs(2);
/// Executions that are read, and that are named, when the one asked for is not there.
const OFFERED_READ_MAX: usize = 200;
const OFFERED_MAX: usize = 8;
/// Error logs of a failed node that are read to show the last.
const ERRORS_READ_MAX: usize = 1_000;

pub(super) fn run(command: &LinkCommand, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    match command {
        LinkCommand::List(args) => list(args, config, out),
        LinkCommand::Show(args) => show(args, config, out),
        LinkCommand::Logs(args) => logs(args, config, out),
        LinkCommand::Wait(args) => wait(args, config, out),
        LinkCommand::Replay(args) => super::replay::run(args, config, out),
    }
}

pub(super) fn mark_of(args: &MarkArgs) -> anyhow::Result<LinkMark> {
    Ok(LinkMark::new(&args.business_id, &args.scene_id, &args.execution_id)?)
}

fn status_of(status: StatusArg) -> ExecutionStatus {
    match status {
        StatusArg::Running => ExecutionStatus::Running,
        StatusArg::Completed => ExecutionStatus::Completed,
        StatusArg::Failed => ExecutionStatus::Failed,
        StatusArg::Stalled => ExecutionStatus::Stalled,
    }
}

fn list(args: &LinkListArgs, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let source = store::read(&args.read.store, config)?;
    let query = ListQuery {
        scene: args.scene.clone(),
        status: args.status.map(status_of),
        from: args.from,
        to: args.to,
        limit: args.page.limit as usize,
        cursor: args.page.cursor.clone(),
        ..ListQuery::default()
    };
    let as_of = args.read.as_of.unwrap_or_else(store::now);
    let style = out.style;
    let (mut text, found) = source.list(&args.business_id, &query, as_of, |found| {
        let text = match args.read.output {
            OutputFormat::Json => found.json().into_owned(),
            OutputFormat::Table => terminal::list(&args.business_id, found.answer, style),
        };
        (text, !found.answer.executions.is_empty())
    })?;
    let all = ListQuery { limit: OFFERED_READ_MAX, ..ListQuery::default() };
    if !found
        && args.read.output == OutputFormat::Table
        && query != (ListQuery { limit: query.limit, ..all.clone() })
    {
        text = source.list(&args.business_id, &all, as_of, |all| {
            terminal::list_without_match(&args.business_id, &query, all.answer, style)
        })?;
    }
    // Whoever reads our output may take their time: nobody is to wait for the store meanwhile.
    drop(source);
    out.text(&text)?;
    Ok(if found { Outcome::Done } else { Outcome::NotFound })
}

fn show(args: &LinkShowArgs, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let mark = mark_of(&args.mark)?;
    let source = store::read(&args.read.store, config)?;
    let as_of = args.read.as_of.unwrap_or_else(store::now);
    let text = match args.read.output {
        OutputFormat::Json => source.show(&mark, as_of, |found| found.json().into_owned())?,
        OutputFormat::Table => tree(&source, &mark, as_of, out.style)?,
    };
    let Some(text) = text else { return not_found(&source, &mark) };
    drop(source);
    out.text(&text)?;
    Ok(Outcome::Done)
}

fn logs(args: &LinkLogsArgs, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let mark = mark_of(&args.mark)?;
    let source = store::read(&args.store, config)?;
    let query = LogsQuery {
        level: args.level.clone(),
        text: args.text.clone(),
        without_node: args.without_node,
        limit: args.page.limit as usize,
        cursor: args.page.cursor.clone(),
        ..LogsQuery::default()
    };
    let style = out.style;
    let text = source.logs(&mark, &query, |found| match args.output {
        OutputFormat::Json => found.json().into_owned(),
        OutputFormat::Table => terminal::logs(mark.as_ref(), found.answer, &query, style),
    })?;
    let Some(text) = text else { return not_found(&source, &mark) };
    drop(source);
    out.text(&text)?;
    Ok(Outcome::Done)
}

/// Says that nothing is stored of an execution, and what there is instead.
pub(super) fn not_found(source: &ReadSource<'_>, mark: &LinkMark) -> anyhow::Result<Outcome> {
    let LinkMark { business_id, scene_id, execution_id } = mark;
    let query = ListQuery { limit: OFFERED_READ_MAX, ..ListQuery::default() };
    // What else there is is a courtesy: that this one is not there stands without it.
    let offered = source.list(business_id, &query, store::now(), |found| {
        let there = found.answer.executions.iter();
        let there = there.map(|entry| (entry.scene_id.clone(), entry.execution_id.clone()));
        (there.collect::<Vec<_>>(), found.answer.next_cursor.is_some())
    });
    let mut text = match &offered {
        Ok((there, _)) if there.is_empty() => format!("nothing is stored of {business_id}"),
        _ => {
            format!("nothing is stored of execution {execution_id} of scene {scene_id} of {business_id}")
        }
    };
    if let Ok((there, more)) = offered {
        let near = there.iter().filter_map(|(scene, execution)| {
            Some((distance(scene_id, scene)? + distance(execution_id, execution)?, scene, execution))
        });
        if let Some((_, scene, execution)) = near.min() {
            text.push_str(&format!("; did you mean {scene} {execution}?"));
        }
        for (at, (scene, execution)) in there.iter().take(OFFERED_MAX).enumerate() {
            text.push_str(if at == 0 { "\nthere is" } else { "\n        " });
            text.push_str(&format!(" {scene} {execution}"));
        }
        if more || there.len() > OFFERED_MAX {
            text.push_str("\n         and more: see linkloom link list");
        }
    }
    for line in text.lines() {
        eprintln!("{}", terminal::plain(line));
    }
    Ok(Outcome::NotFound)
}

/// The tree of an execution with the last error of each failed node.
pub(super) fn tree(
    source: &ReadSource<'_>,
    mark: &LinkMark,
    as_of: Timestamp,
    style: terminal::Style,
) -> anyhow::Result<Option<String>> {
    let text = source.show(mark, as_of, |found| {
        let answer = found.answer;
        let failed = answer.nodes.iter().filter(|node| node.state == NodeState::Failed);
        let mut logs = Vec::new();
        for node in failed {
            logs.extend(
                last_error(source, mark, &node.node_name, as_of)?.map(|json| (&node.node_name, json)),
            );
        }
        let mut errors: BTreeMap<String, LogAnswer<'_>> = BTreeMap::new();
        for (node, json) in &logs {
            errors.insert((*node).clone(), serde_json::from_str(json)?);
        }
        Ok::<_, anyhow::Error>(terminal::execution(answer, &errors, style))
    })?;
    text.transpose()
}

fn last_error(
    source: &ReadSource<'_>,
    mark: &LinkMark,
    node: &str,
    as_of: Timestamp,
) -> anyhow::Result<Option<String>> {
    let query = LogsQuery { level: Some("ERROR".to_owned()), limit: ERRORS_READ_MAX, ..LogsQuery::default() };
    let last = source
        .node(mark, node, None, &query, as_of, |found| found.answer.logs.last().map(serde_json::to_string))?;
    Ok(last.flatten().transpose()?)
}

fn wait(args: &LinkWaitArgs, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let mark = mark_of(&args.mark)?;
    let until = status_of(args.until);
    let deadline = Instant::now() + args.timeout;
    // Also the last look gives another reading command time to end.
    let patience = deadline + PATIENCE_WITHOUT_API;
    let source = store::source(&args.read.store, config)?.until(patience);
    let json = args.read.output == OutputFormat::Json;
    let mut otherwise_since: Option<Instant> = None;
    loop {
        let as_of = args.read.as_of.unwrap_or_else(store::now);
        let looked = source.show(&mark, as_of, |found| Looked {
            missing: missing(found.answer, until, &args.expect_nodes),
            otherwise: found.answer.status != until
                && matches!(found.answer.status, ExecutionStatus::Failed | ExecutionStatus::Completed),
            json: json.then(|| found.json().into_owned()),
        });
        let otherwise = matches!(&looked, Ok(Some(looked)) if looked.otherwise && !args.keep_waiting);
        otherwise_since = if otherwise { otherwise_since.or_else(|| Some(Instant::now())) } else { None };
        let has_ended_otherwise = otherwise_since.is_some_and(|since| since.elapsed() >= RETRY_BEGINS);
        match looked {
            Ok(Some(looked)) if looked.missing.is_empty() => {
                let text = format!("{} is {}\n", terminal::plain(&mark.execution_id), until.as_str());
                out.text(&looked.json.unwrap_or(text))?;
                return Ok(Outcome::Done);
            }
            // Whoever writes it may not have made the store yet, or be about to say where to ask.
            Ok(_) | Err(ReadError::NoStore { .. } | ReadError::NoApi { .. } | ReadError::Silent { .. })
                if Instant::now() < deadline && !has_ended_otherwise => {}
            Ok(Some(looked)) => {
                let missing = looked.missing.join(", ");
                if has_ended_otherwise {
                    eprintln!("it has ended otherwise: {missing}; --keep-waiting waits on all the same");
                } else {
                    eprintln!("not within {:?}: {missing}", args.timeout);
                }
                out.text(&looked.json.unwrap_or_default())?;
                return Ok(Outcome::NotFound);
            }
            Ok(None) => return not_found(&source, &mark),
            Err(error) => return Err(error.into()),
        }
        source.pause(LOOK, deadline);
    }
}

/// What one look at an execution found.
struct Looked {
    /// What it lacks of what is waited for.
    missing: Vec<String>,
    /// It has ended, and in another way.
    otherwise: bool,
    /// The answer, when it is wanted as JSON.
    json: Option<String>,
}

/// What an execution still lacks of what is waited for.
fn missing(answer: &ExecutionAnswer<'_>, until: ExecutionStatus, nodes: &[String]) -> Vec<String> {
    let mut missing = Vec::new();
    if answer.status != until {
        missing.push(format!("status is {}, not {}", answer.status.as_str(), until.as_str()));
    }
    for name in nodes {
        let state = answer.nodes.iter().find(|node| node.node_name == *name).map(|node| node.state);
        match state {
            Some(NodeState::Completed) => {}
            Some(state) => missing.push(format!("node {} is {}", terminal::plain(name), state.as_str())),
            None => missing.push(format!("there is no node {}", terminal::plain(name))),
        }
    }
    missing
}
