//! Definition files, read and checked.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use linkloom_schema::definition::{
    DEFINITION_BYTES_MAX, Definition, Problem, for_each_node, parse, render_problems,
};

/// One file that could be read.
pub(super) struct Checked {
    /// The file as it was named.
    pub(super) file: String,
    /// What is in it, or everything that is wrong with it.
    pub(super) definition: Result<Definition, BadFile>,
}

/// A file with problems.
pub(super) struct BadFile {
    pub(super) problems: Vec<Problem>,
    bytes: Vec<u8>,
}

impl BadFile {
    /// Its problems with their source lines.
    pub(super) fn render(&self, color: bool) -> String {
        render_problems(&self.problems, &self.bytes, color)
    }
}

/// Files with what they hold, and why others could not be read.
pub(super) struct Files {
    pub(super) checked: Vec<Checked>,
    pub(super) unreadable: Vec<anyhow::Error>,
}

impl Files {
    /// Reads and checks all files, in the order given.
    pub(super) fn read(paths: &[PathBuf]) -> Files {
        let mut files = Files { checked: Vec::new(), unreadable: Vec::new() };
        for path in paths {
            match read(path) {
                Ok(checked) => files.checked.push(checked),
                Err(error) => files.unreadable.push(error),
            }
        }
        files
    }

    /// Fails when a file could not be read; all of them are named.
    pub(super) fn all_readable(&self) -> anyhow::Result<()> {
        if self.unreadable.is_empty() {
            return Ok(());
        }
        let reasons: Vec<String> = self.unreadable.iter().map(|error| format!("{error:#}")).collect();
        anyhow::bail!("{}", reasons.join("; "))
    }

    /// Files with problems.
    pub(super) fn bad(&self) -> impl Iterator<Item = &BadFile> {
        self.checked.iter().filter_map(|checked| checked.definition.as_ref().err())
    }
}

/// Reads and checks one file; a definition without `sceneId` gets the file's stem.
pub(super) fn read(path: &Path) -> anyhow::Result<Checked> {
    let file = path.to_string_lossy().into_owned();
    // Longer ones are refused whatever they hold; their length is told by one byte too many.
    let (bytes, full_length) =
        read_at_most(path, DEFINITION_BYTES_MAX + 1).with_context(|| format!("cannot read {file}"))?;
    let scene = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let definition = parse(&file, &scene, &bytes).map_err(|mut problems| {
        if let ([problem], true) = (problems.as_mut_slice(), full_length > bytes.len() as u64) {
            problem.found = format!("{full_length} bytes");
        }
        BadFile { problems, bytes }
    });
    Ok(Checked { file, definition })
}

/// The first bytes of a file, and how long it is.
fn read_at_most(path: &Path, max: usize) -> std::io::Result<(Vec<u8>, u64)> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.take(max as u64).read_to_end(&mut bytes)?;
    let full_length = length.max(bytes.len() as u64);
    Ok((bytes, full_length))
}

/// Nodes over all plans of a definition.
pub(super) fn count_nodes(definition: &Definition) -> usize {
    let mut nodes = 0;
    for (_, plan) in definition.plans() {
        for_each_node(plan, &mut |_, _| nodes += 1);
    }
    nodes
}
