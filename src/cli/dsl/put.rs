//! `linkloom dsl put`: definitions into the definition log.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use linkloom_schema::definition::{Definition, VersionHash};
use linkloom_schema::ids::SceneId;
use linkloom_schema::time::Timestamp;
use linkloom_storage::definitions::DefinitionSnapshot;

use super::files::Files;
use crate::cli::args::DslPutArgs;
use crate::cli::{Outcome, Output, store};
use crate::config::Config;
use crate::terminal::plain;

pub(super) fn run(
    args: &DslPutArgs,
    config: &Config,
    stderr_color: bool,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let files = Files::read(&args.files.files);
    files.all_readable()?;
    let mut stderr = io::stderr().lock();
    for bad in files.bad() {
        stderr.write_all(bad.render(stderr_color).as_bytes())?;
    }
    let definitions: Vec<(&str, &Definition)> = files
        .checked
        .iter()
        .filter_map(|checked| Some((&*checked.file, checked.definition.as_ref().ok()?)))
        .collect();
    let contradictions = contradictions(&definitions);
    for contradiction in &contradictions {
        writeln!(stderr, "{contradiction}")?;
    }
    if files.bad().next().is_some() || !contradictions.is_empty() {
        writeln!(stderr, "nothing was put")?;
        return Ok(Outcome::NotFound);
    }

    let open = store::open_or_make(&args.store, config)?;
    let now = crate::cli::now();
    let (mut new, mut unchanged) = (0, 0);
    for (file, definition) in definitions {
        let put = plan(&open.definitions.snapshot(), definition, args.valid_from, now);
        let hash = definition.version_hash();
        let (word, valid_from) = match put {
            Put::New(valid_from) => {
                open.definitions.put(vec![definition.clone()], valid_from)?;
                new += 1;
                ("new      ", valid_from)
            }
            Put::Unchanged(valid_from) => {
                unchanged += 1;
                ("unchanged", valid_from)
            }
        };
        let since = valid_from.map_or_else(|| "the beginning".to_owned(), |time| time.to_string());
        let (scene, file) = (plain(&definition.scene_id), plain(file));
        out.text(&format!("{word} {scene}, version {hash}, valid from {since} ({file})\n"))?;
    }
    out.text(&format!("{new} new, {unchanged} unchanged\n"))?;
    Ok(Outcome::Done)
}

/// What becomes of a definition.
enum Put {
    /// It is put and holds from a time on; `None`: from the beginning.
    New(Option<Timestamp>),
    /// The log has it already, since a time.
    Unchanged(Option<Timestamp>),
}

/// Without a given time the first version of a scene holds from the beginning and a later one from `now` on, unless it
/// is the one that holds now.
fn plan(
    log: &DefinitionSnapshot,
    definition: &Definition,
    valid_from: Option<Timestamp>,
    now: Timestamp,
) -> Put {
    let hash = definition.version_hash();
    let scene = &definition.scene_id;
    match valid_from {
        Some(time) => {
            let there = |version: &&linkloom_schema::definition::DefinitionVersion| {
                version.hash == hash && version.valid_from == Some(time)
            };
            match log.log().versions(scene).find(there) {
                Some(version) => Put::Unchanged(version.valid_from),
                None => Put::New(Some(time)),
            }
        }
        None => match log.log().resolve(scene, Some(now)) {
            None => Put::New(None),
            Some(version) if version.hash == hash => Put::Unchanged(version.valid_from),
            Some(_) => Put::New(Some(now)),
        },
    }
}

/// Files of one call that define one scene differently: which of them should hold cannot be told.
fn contradictions(definitions: &[(&str, &Definition)]) -> Vec<String> {
    let mut known: BTreeMap<&SceneId, (&str, VersionHash)> = BTreeMap::new();
    let mut found = Vec::new();
    for (file, definition) in definitions {
        let hash = definition.version_hash();
        let (first, version) = *known.entry(&definition.scene_id).or_insert((file, hash));
        if version != hash {
            found.push(format!(
                "{} and {} define the scene {} differently; put them one by one, each with its --valid-from",
                plain(first),
                plain(file),
                plain(&definition.scene_id)
            ));
        }
    }
    found
}
