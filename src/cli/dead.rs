//! `linkloom dead list|replay`.

use std::io::{self, Write as _};

use super::args::{DeadCommand, DeadListArgs, DeadReplayArgs, OutputFormat};
use super::{Outcome, Output, store};
use crate::config::Config;
use crate::pipeline::dead::{self, DeadQuery, LetterId, Which};
use crate::service::Service;
use crate::terminal::{dead_letters, plain};

pub(super) fn run(command: &DeadCommand, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    match command {
        DeadCommand::List(args) => list(args, config, out),
        DeadCommand::Replay(args) => replay(args, config, out),
    }
}

fn list(args: &DeadListArgs, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let source = store::read(&args.store, config)?;
    let limit = args.page.limit as usize;
    let query = DeadQuery { with_replayed: args.all, reason: args.reason, source: args.source.clone() };
    let answer = source.dead(&query, limit, args.page.cursor.as_deref())?;
    match args.output {
        OutputFormat::Json => out.json(&answer)?,
        OutputFormat::Table => out.text(&dead_letters(&answer, out.style))?,
    }
    Ok(Outcome::Done)
}

fn replay(args: &DeadReplayArgs, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let which = match args.all {
        true => Which::All,
        false => Which::These(args.ids.iter().map(|id| id.parse()).collect::<Result<Vec<LetterId>, _>>()?),
    };
    let open = store::existing(&args.store, config)?;
    let service = Service::start(open, config, None)?;
    let done = dead::replay(&service, which)?;
    let mut text = format!("replayed {}, still refused {}", done.replayed, done.refused_in_all());
    if !done.refused.is_empty() {
        let reasons: Vec<String> =
            done.refused.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        text.push_str(&format!(" ({})", reasons.join(", ")));
    }
    for (count, what) in [(done.not_whole, "not kept whole"), (done.before, "replayed before")] {
        if count > 0 {
            text.push_str(&format!(", {what} {count}"));
        }
    }
    out.text(&format!("{text}\n"))?;
    for id in &done.unknown {
        writeln!(io::stderr(), "there is no dead letter {}", plain(&id.to_string()))?;
    }
    Ok(if done.unknown.is_empty() { Outcome::Done } else { Outcome::NotFound })
}
