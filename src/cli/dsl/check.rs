//! `linkloom dsl check`: all problems of all files.

use linkloom_schema::definition::Problem;
use serde::Serialize;

use super::files::{Files, count_nodes};
use crate::cli::args::{DslCheckArgs, OutputFormat};
use crate::cli::{Outcome, Output};
use crate::terminal::{plain, plural};

/// The answer for programs.
#[derive(Serialize)]
struct Answer<'a> {
    definitions: Vec<Good<'a>>,
    problems: Vec<&'a Problem>,
}

/// A definition without problems.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Good<'a> {
    file: &'a str,
    scene_id: &'a str,
    nodes: usize,
    version: String,
}

pub(super) fn run(args: &DslCheckArgs, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let files = Files::read(&args.files.files);
    let good = |checked: &super::files::Checked| checked.definition.is_ok();
    match args.output {
        OutputFormat::Json => {
            let definitions = files.checked.iter().filter_map(|checked| {
                let definition = checked.definition.as_ref().ok()?;
                Some(Good {
                    file: &checked.file,
                    scene_id: &definition.scene_id,
                    nodes: count_nodes(definition),
                    version: definition.version_hash().to_string(),
                })
            });
            let problems = files.bad().flat_map(|bad| &bad.problems);
            out.json(&Answer { definitions: definitions.collect(), problems: problems.collect() })?;
        }
        OutputFormat::Table => {
            for checked in &files.checked {
                match &checked.definition {
                    Ok(definition) => out.text(&format!(
                        "{}: ok, scene {}, {}, version {}\n",
                        plain(&checked.file),
                        plain(&definition.scene_id),
                        plural(count_nodes(definition) as u64, "node"),
                        definition.version_hash()
                    ))?,
                    Err(bad) => out.text(&bad.render(out.style.color))?,
                }
            }
            out.text(&format!("{}\n", summary(&files)))?;
        }
    }
    files.all_readable()?;
    Ok(if files.checked.iter().all(good) { Outcome::Done } else { Outcome::NotFound })
}

/// One line: how many files, and what is wrong with them.
fn summary(files: &Files) -> String {
    let count = plural(files.checked.len() as u64, "file");
    let bad = files.bad().count();
    if bad == 0 {
        return format!("{count} checked, no problems");
    }
    let problems: usize = files.bad().map(|bad| bad.problems.len()).sum();
    format!("{count} checked, {} in {bad} of them", plural(problems as u64, "problem"))
}
