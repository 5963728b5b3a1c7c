//! `linkloom node`: one node of an execution.

use linkloom_query::LogsQuery;
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;

use super::args::{NodeCommand, NodeShowArgs, OutputFormat};
use super::link::{mark_of, not_found};
use super::remote::ReadSource;
use super::{Outcome, Output, store};
use crate::config::Config;
use crate::similar::nearest;
use crate::terminal::{self, plain};

/// Nodes or runs that are named when another was asked for.
const NAMED_MAX: usize = 40;

pub(super) fn run(command: &NodeCommand, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let NodeCommand::Show(args) = command;
    show(args, config, out)
}

fn show(args: &NodeShowArgs, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let mark = mark_of(&args.mark)?;
    let source = store::read(&args.read.store, config)?;
    let as_of = args.read.as_of.unwrap_or_else(store::now);
    let query = LogsQuery {
        level: args.level.clone(),
        limit: args.page.limit as usize,
        cursor: args.page.cursor.clone(),
        ..LogsQuery::default()
    };
    let style = out.style;
    let run = args.run.as_deref();
    let text = source.node(&mark, &args.node_name, run, &query, as_of, |found| {
        if run.is_some() && found.answer.runs.is_empty() {
            return None;
        }
        Some(match args.read.output {
            OutputFormat::Json => found.json().into_owned(),
            OutputFormat::Table => terminal::node(mark.as_ref(), found.answer, &query, style),
        })
    })?;
    let text = match text {
        Some(Some(text)) => text,
        Some(None) => return no_run(&source, &mark, args, as_of),
        None => return no_node(&source, &mark, &args.node_name, as_of),
    };
    drop(source);
    out.text(&text)?;
    Ok(Outcome::Done)
}

/// Says that the execution has no such node, and which it has.
fn no_node(
    source: &ReadSource<'_>,
    mark: &LinkMark,
    node: &str,
    as_of: Timestamp,
) -> anyhow::Result<Outcome> {
    let nodes = source.show(mark, as_of, |found| {
        found.answer.nodes.iter().map(|node| node.node_name.clone()).collect::<Vec<_>>()
    })?;
    let Some(nodes) = nodes else { return not_found(source, mark) };
    let meant = nearest(node, nodes.iter().map(String::as_str));
    let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
    eprintln!("{}", plain(&format!("the execution has no node {node}{meant}")));
    eprintln!("its nodes: {}", plain(&some_of(&nodes)));
    Ok(Outcome::NotFound)
}

/// Says that the node has no such run, and which it has.
fn no_run(
    source: &ReadSource<'_>,
    mark: &LinkMark,
    args: &NodeShowArgs,
    as_of: Timestamp,
) -> anyhow::Result<Outcome> {
    let none = LogsQuery { limit: 1, ..LogsQuery::default() };
    let runs = source.node(mark, &args.node_name, None, &none, as_of, |found| {
        let runs = found.answer.runs.iter();
        runs.map(|run| format!("{} ({})", run.run_id, run.status.to_lowercase())).collect::<Vec<_>>()
    })?;
    let runs = runs.unwrap_or_default();
    let (node, run) = (&args.node_name, args.run.as_deref().unwrap_or_default());
    let there =
        if runs.is_empty() { "it has none".to_owned() } else { format!("there is {}", some_of(&runs)) };
    eprintln!("{}", plain(&format!("node {node} has no run {run}; {there}")));
    Ok(Outcome::NotFound)
}

/// The first of many, separated by commas.
fn some_of(names: &[String]) -> String {
    let first = names.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let further = names.len().saturating_sub(NAMED_MAX);
    if further == 0 { first } else { format!("{first}, and {further} more") }
}
