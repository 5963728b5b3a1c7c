//! `linkloom dsl put`: definitions into the definition log.

use std::io::{self, Write as _};

use crate::cli::args::DslPutArgs;
use crate::cli::{Outcome, Output, store};
use crate::config::Config;
use crate::definition_files::{Checked, check, contradictions, put};
use crate::terminal::plain;

pub(super) fn run(
    args: &DslPutArgs,
    config: &Config,
    stderr_color: bool,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let files = args.files.files.iter().map(|file| check(file)).collect::<anyhow::Result<Vec<Checked>>>()?;
    let mut stderr = io::stderr().lock();
    let contradictions = contradictions(&files);
    let mut good = Vec::new();
    for Checked { file, definition } in files {
        match definition {
            Ok(definition) => good.push((file, definition)),
            Err(bad) => {
                stderr.write_all(bad.render(stderr_color).as_bytes())?;
            }
        }
    }
    for contradiction in &contradictions {
        writeln!(stderr, "{}", plain(contradiction))?;
    }
    if good.len() < args.files.files.len() || !contradictions.is_empty() {
        writeln!(stderr, "nothing was put")?;
        return Ok(Outcome::NotFound);
    }

    let (_, open) = store::create(&args.store, config)?;
    let now = store::now();
    let mut new = 0;
    let all = good.len();
    for (file, definition) in good {
        for put in put(&open, vec![definition], args.valid_from, now)? {
            new += usize::from(put.new);
            let word = if put.new { "new" } else { "unchanged" };
            let since = put.valid_from.map_or_else(|| "the beginning".to_owned(), |time| time.to_string());
            let (scene, file) = (plain(&put.scene_id), plain(&file));
            out.text(&format!("{word:<9} {scene}, version {}, valid from {since} ({file})\n", put.version))?;
        }
    }
    out.text(&format!("{new} new, {} unchanged\n", all - new))?;
    Ok(Outcome::Done)
}
