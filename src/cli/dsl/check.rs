//! `linkloom dsl check`: all problems of all files.

use linkloom_schema::definition::{Definition, Problem, for_each_node};
use serde::Serialize;

use crate::cli::args::{DslCheckArgs, OutputFormat};
use crate::cli::{Outcome, Output};
use crate::definition_files::{BadFile, Checked, check};
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
    let (mut files, mut unreadable) = (Vec::new(), Vec::new());
    for path in &args.files.files {
        match check(path) {
            Ok(checked) => files.push(checked),
            Err(error) => unreadable.push(format!("{error:#}")),
        }
    }
    match args.output {
        OutputFormat::Json => {
            let definitions = files.iter().filter_map(|checked| {
                let definition = checked.definition.as_ref().ok()?;
                Some(Good {
                    file: &checked.file,
                    scene_id: &definition.scene_id,
                    nodes: count_nodes(definition),
                    version: definition.version_hash().to_string(),
                })
            });
            let problems = bad(&files).flat_map(|bad| &bad.problems);
            out.json(&Answer { definitions: definitions.collect(), problems: problems.collect() })?;
        }
        OutputFormat::Table => {
            for checked in &files {
                match &checked.definition {
                    Ok(definition) => out.text(&format!(
                        "{}: ok, scene {}, {}, version {}\n",
                        plain(&checked.file),
                        plain(&definition.scene_id),
                        plural(count_nodes(definition) as u64, "node"),
                        definition.version_hash()
                    ))?,
                    Err(bad) => out.text(&format!("{}\n", bad.render(out.style.color)))?,
                }
            }
            if !files.is_empty() {
                out.text(&format!("{}\n", summary(&files)))?;
            }
        }
    }
    if !unreadable.is_empty() {
        anyhow::bail!("{}", unreadable.join("; "));
    }
    Ok(if bad(&files).next().is_none() { Outcome::Done } else { Outcome::NotFound })
}

fn bad(files: &[Checked]) -> impl Iterator<Item = &BadFile> {
    files.iter().filter_map(|checked| checked.definition.as_ref().err())
}

/// Nodes over all plans of a definition.
fn count_nodes(definition: &Definition) -> usize {
    let mut nodes = 0;
    for (_, plan) in definition.plans() {
        for_each_node(plan, &mut |_, _| nodes += 1);
    }
    nodes
}

/// One line: how many files, and what is wrong with them.
fn summary(files: &[Checked]) -> String {
    let count = plural(files.len() as u64, "file");
    let bad_files = bad(files).count();
    if bad_files == 0 {
        return format!("{count} checked, no problems");
    }
    let problems: usize = bad(files).map(|bad| bad.problems.len()).sum();
    format!("{count} checked, {} in {bad_files} of them", plural(problems as u64, "problem"))
}
