//! `linkloom dsl graph`: the plan of a definition as a drawing.

use std::io::{self, Write as _};
use std::path::Path;

use linkloom_schema::definition::Definition;
use linkloom_schema::definition::render::{Form, render};

use crate::cli::args::{DslGraphArgs, GraphFormat, StoreArgs};
use crate::cli::{Outcome, Output, store};
use crate::config::Config;
use crate::definition_files::check;
use crate::similar::nearest;
use crate::terminal::plain;

pub(super) fn run(
    args: &DslGraphArgs,
    config: &Config,
    stderr_color: bool,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let form = match args.format {
        GraphFormat::Text => Form::Terminal,
        GraphFormat::Mermaid => Form::Mermaid,
        GraphFormat::Dot => Form::Dot,
    };
    let definition = match &args.store {
        Some(_) => stored(args, config)?,
        None => of_file(&args.source, stderr_color)?,
    };
    let Some(definition) = definition else { return Ok(Outcome::NotFound) };
    out.text(&render(form, &definition))?;
    Ok(Outcome::Done)
}

fn of_file(file: &str, stderr_color: bool) -> anyhow::Result<Option<Definition>> {
    let path = Path::new(file);
    if !path.exists() && path.extension().is_none() {
        anyhow::bail!("there is no file {file}; a scene of a store is drawn with --store PATH");
    }
    match check(path)?.definition {
        Ok(definition) => Ok(Some(definition)),
        Err(bad) => {
            io::stderr().write_all(bad.render(stderr_color).as_bytes())?;
            Ok(None)
        }
    }
}

fn stored(args: &DslGraphArgs, config: &Config) -> anyhow::Result<Option<Definition>> {
    let open = store::existing(&StoreArgs { store: args.store.clone(), hbase: Vec::new() }, config)?;
    let log = open.definitions.snapshot();
    let version = log.log().resolve(&args.source, args.valid_at);
    if version.is_none() {
        let meant = nearest(&args.source, log.log().scenes().map(|scene| &**scene));
        let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {}?", plain(meant)));
        writeln!(io::stderr(), "the scene {} has no definition{meant}", plain(&args.source))?;
    }
    Ok(version.map(|version| version.definition.clone()))
}
