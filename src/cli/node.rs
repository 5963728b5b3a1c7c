//! `linkloom node`: one node of an execution.

use linkloom_query::LogsQuery;

use super::args::{NodeCommand, NodeShowArgs, OutputFormat};
use super::link::{mark_of, not_found};
use super::{Outcome, Output, store};
use crate::config::Config;
use crate::terminal;

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
        text: None,
        limit: args.page.limit as usize,
        cursor: args.page.cursor.clone(),
    };
    let style = out.style;
    let text = source.node(&mark, &args.node_name, args.run.as_deref(), &query, as_of, |found| match args
        .read
        .output
    {
        OutputFormat::Json => found.json().into_owned(),
        OutputFormat::Table => terminal::node(mark.as_ref(), found.answer, style),
    })?;
    let Some(text) = text else {
        if source.logs(&mark, &LogsQuery { limit: 1, ..LogsQuery::default() }, |_| ())?.is_none() {
            return not_found(&mark);
        }
        eprintln!("the execution has no node {}", terminal::plain(&args.node_name));
        return Ok(Outcome::NotFound);
    };
    drop(source);
    out.text(&text)?;
    Ok(Outcome::Done)
}
