//! `linkloom unlinked list`.

use std::io::{self, Write as _};

use linkloom_query::{LogsQuery, Unlinked, UnlinkedReportsAnswer, json};

use super::args::{OutputFormat, UnlinkedCommand, UnlinkedListArgs};
use super::{Outcome, Output, store};
use crate::config::Config;
use crate::terminal::{plain, unlinked, unlinked_reports};

pub(super) fn run(
    command: &UnlinkedCommand,
    config: &Config,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    match command {
        UnlinkedCommand::List(args) => list(args, config, out),
    }
}

fn list(args: &UnlinkedListArgs, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let source = store::read(&args.store, config)?;
    let limit = args.page.limit as usize;
    let of = match (&args.trace, &args.service) {
        (Some(trace), _) => Unlinked::Trace(trace),
        (None, Some(service)) => Unlinked::Service(service),
        (None, None) => {
            let answer = source.unlinked(limit, args.page.cursor.as_deref())?;
            match args.output {
                OutputFormat::Json => out.json(&answer)?,
                OutputFormat::Table => out.text(&unlinked(&answer, out.style))?,
            }
            return Ok(Outcome::Done);
        }
    };
    let query = LogsQuery { limit, cursor: args.page.cursor.clone(), ..LogsQuery::default() };
    let style = out.style;
    let text = source.unlinked_reports(of, &query, |found| match args.output {
        OutputFormat::Json => json::text(found),
        OutputFormat::Table => unlinked_reports(found, style),
    })?;
    match text {
        Some(text) => {
            out.text(&text)?;
            return Ok(Outcome::Done);
        }
        None if args.output == OutputFormat::Json => out.json(&UnlinkedReportsAnswer::default())?,
        None => {
            let (Unlinked::Trace(name) | Unlinked::Service(name)) = of;
            writeln!(io::stderr(), "{}: no reports without a mark", plain(name))?;
        }
    }
    Ok(Outcome::NotFound)
}
