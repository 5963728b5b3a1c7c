//! `linkloom link`: executions of a business id, one execution, and waiting for one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use linkloom_query::{ListQuery, LogsQuery};
use linkloom_schema::answer::{ExecutionAnswer, LogAnswer};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::panorama::{ExecutionStatus, NodeState};
use linkloom_schema::time::Timestamp;

use super::args::{LinkCommand, LinkListArgs, LinkShowArgs, LinkWaitArgs, MarkArgs, OutputFormat, StatusArg};
use super::remote::{PATIENCE_WITHOUT_API, ReadError, ReadSource};
use super::{Outcome, Output, store};
use crate::config::Config;
use crate::terminal;

/// Between two looks while waiting for an execution.
const LOOK: Duration = Duration::from_millis(50);
/// Error logs of a failed node that are read to show the last.
const ERRORS_READ_MAX: usize = 1_000;

pub(super) fn run(command: &LinkCommand, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    match command {
        LinkCommand::List(args) => list(args, config, out),
        LinkCommand::Show(args) => show(args, config, out),
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
    };
    let as_of = args.read.as_of.unwrap_or_else(store::now);
    let style = out.style;
    let (text, found) = source.list(&args.business_id, &query, as_of, |found| {
        let text = match args.read.output {
            OutputFormat::Json => found.json().into_owned(),
            OutputFormat::Table => terminal::list(&args.business_id, found.answer, style),
        };
        (text, !found.answer.executions.is_empty())
    })?;
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
    drop(source);
    let Some(text) = text else { return not_found(&mark) };
    out.text(&text)?;
    Ok(Outcome::Done)
}

pub(super) fn not_found(mark: &LinkMark) -> anyhow::Result<Outcome> {
    let LinkMark { business_id, scene_id, execution_id } = mark;
    let plain = terminal::plain;
    eprintln!(
        "nothing is stored of execution {} of scene {} of {}",
        plain(execution_id),
        plain(scene_id),
        plain(business_id)
    );
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
    let source = ReadSource::new(&store::path(&args.read.store, config)?, config).until(patience);
    loop {
        let as_of = args.read.as_of.unwrap_or_else(store::now);
        let looked = source.show(&mark, as_of, |found| missing(found.answer, until, &args.expect_nodes));
        match looked {
            Ok(Some(missing)) if missing.is_empty() => {
                out.text(&format!("{} is {}\n", terminal::plain(&mark.execution_id), until.as_str()))?;
                return Ok(Outcome::Done);
            }
            // Whoever writes it may not have made the store yet, or be about to say where to ask.
            Ok(_) | Err(ReadError::NoStore { .. } | ReadError::NoApi { .. } | ReadError::Silent { .. })
                if Instant::now() < deadline => {}
            Ok(Some(missing)) => {
                eprintln!("not within {:?}: {}", args.timeout, missing.join(", "));
                return Ok(Outcome::NotFound);
            }
            Ok(None) => return not_found(&mark),
            Err(error) => return Err(error.into()),
        }
        source.pause(LOOK, deadline);
    }
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
