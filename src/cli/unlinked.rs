//! `linkloom unlinked list`.

use std::io::{self, Write as _};

use linkloom_query::{LogsQuery, Unlinked};

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
    let reader = store::existing(&args.store, config)?.reader();
    let limit = args.page.limit as usize;
    let of = match (&args.trace, &args.service) {
        (Some(trace), _) => Unlinked::Trace(trace),
        (None, Some(service)) => Unlinked::Service(service),
        (None, None) => {
            let answer = reader.unlinked(limit, args.page.cursor.as_deref())?;
            match args.output {
                OutputFormat::Json => out.json(&answer)?,
                OutputFormat::Table => out.text(&unlinked(&answer, out.style))?,
            }
            return Ok(Outcome::Done);
        }
    };
    let query = LogsQuery { limit, cursor: args.page.cursor.clone(), ..LogsQuery::default() };
    let found = reader.unlinked_reports(of, &query)?;
    let outcome = if found.is_some() { Outcome::Done } else { Outcome::NotFound };
    match (args.output, found) {
        (OutputFormat::Json, found) => out.json(&found.unwrap_or_default())?,
        (OutputFormat::Table, Some(found)) => out.text(&unlinked_reports(&found, out.style))?,
        (OutputFormat::Table, None) => {
            let (Unlinked::Trace(name) | Unlinked::Service(name)) = of;
            writeln!(io::stderr(), "{}: no reports without a mark", plain(name))?;
        }
    }
    Ok(outcome)
}
